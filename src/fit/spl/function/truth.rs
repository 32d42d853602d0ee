//! Functions that give a truth value, as conditions. Each is said twice: when it is true and when it is false; null is
//! neither.

use super::form::{call, concat, matches, number, text, when};
use super::network::ADDRESS;
use crate::diagnostic::{Code, Effect};
use crate::fit::spl::predicate::Condition;
use crate::fit::spl::tree::EvalExpr;
use crate::fit::spl::{Fit, Fitter, Unsayable, regex};
use crate::plan::{Expr, ExprKind, ScalarType, Value};

impl<'a> Fitter<'a, '_> {
    /// A function that gives a truth value: where it is true, or where it is false.
    pub(in crate::fit::spl) fn bool_call(&mut self, expr: &Expr, negated: bool) -> Fit<Condition> {
        let ExprKind::Call { args, .. } = &expr.kind else {
            return Err(Unsayable::not_yet(expr.span, "this condition"));
        };
        self.ledger.carried(expr.id);
        let name = self.function_name(expr).unwrap_or_default();
        if name == "column_ifexists" {
            let target = match (self.if_exists(expr), args.as_slice()) {
                (Some(column), [_, otherwise]) => {
                    self.carry(otherwise);
                    column
                }
                (_, [_, otherwise]) => otherwise.clone(),
                _ => return Err(Unsayable::not_yet(expr.span, "this condition")),
            };
            return if negated { self.negation(&target) } else { self.predicate(&target) };
        }
        if let Some([yes, no]) = self.truth_call(expr, name, args)? {
            return Ok(Condition::eval(if negated { no } else { yes }));
        }
        let [yes, no] = match expr.ty {
            ScalarType::Bool | ScalarType::Dynamic => {
                // What is said as a value is the text of a truth value.
                let value = match self.special(expr, name, args)? {
                    Some(value) => value,
                    None => return Err(self.unknown_condition(expr, name)),
                };
                if expr.ty == ScalarType::Bool {
                    [EvalExpr::eq(value.clone(), text("true")), EvalExpr::eq(value, text("false"))]
                } else {
                    let held = call("lower", [value]);
                    let is = |texts: [&str; 2]| call("in", [held.clone(), text(texts[0]), text(texts[1])]);
                    [is(["true", "1"]), is(["false", "0"])]
                }
            }
            ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal => {
                let value = self.value(expr)?;
                [EvalExpr::ne(value.clone(), number(0)), EvalExpr::eq(value, number(0))]
            }
            ScalarType::String
            | ScalarType::Unknown
            | ScalarType::Datetime
            | ScalarType::Guid
            | ScalarType::Timespan => return Err(self.unknown_condition(expr, name)),
        };
        Ok(Condition::eval(if negated { no } else { yes }))
    }

    fn unknown_condition(&self, expr: &Expr, name: &str) -> Unsayable {
        let message = format!("function `{name}` is not yet written in SPL as a condition");
        Unsayable::new(Code::NotYet, expr.span, message)
    }

    /// Whether a function is one of those that [`Self::truth_call`] says.
    pub(super) fn is_truth(&self, name: &str) -> bool {
        matches!(
            name,
            "ipv4_is_private"
                | "ipv4_is_in_range"
                | "ipv4_is_match"
                | "ipv4_is_in_any_range"
                | "ipv6_is_in_range"
                | "ipv6_is_match"
                | "ipv6_is_in_any_range"
                | "has_ipv4"
                | "has_any_ipv4"
                | "has_ipv4_prefix"
                | "has_any_ipv4_prefix"
                | "set_has_element"
                | "set_equals"
                | "bag_has_key"
                | "isnan"
                | "isinf"
                | "isfinite"
                | "isascii"
                | "isutf8"
        )
    }

    /// When a function is true, and when it is false.
    fn truth_call(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Fit<Option<[EvalExpr; 2]>> {
        Ok(Some(match (name, args) {
            ("iff", [condition, yes, no]) => {
                let when_true = self.predicate(condition)?.eval;
                self.chosen(&[(when_true, yes)], no)?
            }
            ("case", [branches @ .., otherwise]) if branches.len() % 2 == 0 => {
                let mut taken = Vec::new();
                for branch in branches.chunks_exact(2) {
                    if let [condition, value] = branch {
                        taken.push((self.predicate(condition)?.eval, value));
                    }
                }
                self.chosen(&taken, otherwise)?
            }
            ("tobool", [value]) => self.truths(value)?,
            ("ipv4_is_private", [address]) => {
                let value = self.text_value(address)?;
                let value = self.shared(value, address.span);
                let ranges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(text);
                in_ranges(&value, ranges.to_vec())
            }
            ("ipv4_is_in_range" | "ipv4_is_match", [address, range]) => {
                let value = self.text_value(address)?;
                let value = self.shared(value, address.span);
                let range = self.text_value(range)?;
                in_ranges(&value, vec![range])
            }
            ("ipv4_is_match", [address, range, prefix]) => {
                let (value, range) = (self.text_value(address)?, self.text_value(range)?);
                let prefix = self.text_value(prefix)?;
                in_ranges(&value, vec![concat([range, text("/"), prefix])])
            }
            ("ipv4_is_in_any_range", [address, ranges @ ..]) if !ranges.is_empty() => {
                let value = self.text_value(address)?;
                let value = self.shared(value, address.span);
                let ranges = self.listed_texts(expr, ranges)?;
                in_ranges(&value, ranges)
            }
            ("ipv6_is_in_range" | "ipv6_is_match" | "ipv6_is_in_any_range", [address, ranges @ ..])
                if !ranges.is_empty() =>
            {
                let message = "`cidrmatch` reads addresses of IPv6 in newer versions of Splunk only, and none of IPv4 beside them";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                let value = self.text_value(address)?;
                let value = self.shared(value, address.span);
                let ranges = self.listed_texts(expr, ranges)?;
                let is = EvalExpr::any(ranges.into_iter().map(|range| call("cidrmatch", [range, value.clone()])));
                let no = EvalExpr::all([matches(value, r"^[0-9A-Fa-f:.]+\z"), is.clone().negated()]);
                [is, no]
            }
            ("has_ipv4" | "has_any_ipv4" | "has_ipv4_prefix" | "has_any_ipv4_prefix", [subject, addresses @ ..])
                if !addresses.is_empty() =>
            {
                let value = self.present_text(subject)?;
                let prefix = name.ends_with("prefix");
                let mut alternatives = Vec::new();
                for address in self.constant_texts(expr, addresses)? {
                    let tail = match (prefix, address.ends_with('.')) {
                        (false, _) => r"(?![0-9A-Za-z])",
                        (true, true) => r"(?=[0-9])",
                        (true, false) => "",
                    };
                    alternatives.push(format!("(?<![0-9A-Za-z]){}{tail}", regex::literal(&address)));
                }
                let message = "where an address in a text begins and ends is documented in words only";
                self.note(Code::TermBoundary, Effect::Unsure, expr.span, message);
                total(matches(value, alternatives.join("|")))
            }
            ("set_has_element", [set, element]) => {
                let odd = match element.as_literal() {
                    Some(Value::String(text)) => {
                        text.parse::<f64>().is_ok() || matches!(text.as_str(), "true" | "false")
                    }
                    Some(_) | None => false,
                };
                if odd || element.as_literal().is_none() && element.ty != ScalarType::String {
                    let message = "KQL compares the type of an element as well, Splunk its text";
                    self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                }
                let pattern = self.element(element)?;
                let found = call("mvfind", [self.multi(set)?, pattern]);
                [EvalExpr::is_not_null(found.clone()), EvalExpr::is_null(found)]
            }
            ("set_equals", [a, b]) => {
                let (a, b) = (self.multi(a)?, self.multi(b)?);
                let sorted = |set| {
                    concat([
                        text("="),
                        super::form::or(
                            call("mvjoin", [call("mvsort", [call("mvdedup", [set])]), text("\u{1f}")]),
                            text(""),
                        ),
                    ])
                };
                total(EvalExpr::eq(sorted(a), sorted(b)))
            }
            ("bag_has_key", [bag, key]) => {
                let pattern = self.element(key)?;
                let keys = call("json_array_to_mv", [call("json_keys", [self.json(bag)?])]);
                let found = call("mvfind", [keys, pattern]);
                [EvalExpr::is_not_null(found.clone()), EvalExpr::is_null(found)]
            }
            ("isnan" | "isinf", [value]) => {
                let value = self.value(value)?;
                [EvalExpr::bool(false), EvalExpr::is_not_null(value)]
            }
            ("isfinite", [value]) => {
                let value = self.value(value)?;
                [EvalExpr::is_not_null(value), EvalExpr::bool(false)]
            }
            ("isascii", [value]) => {
                let value = self.present_text(value)?;
                total(matches(value, r"^[\x00-\x7F]*\z"))
            }
            ("isutf8", [value]) => {
                self.value(value)?;
                [EvalExpr::bool(true), EvalExpr::bool(false)]
            }
            _ => return Ok(None),
        }))
    }

    /// One of several conditions: that of the first branch that is taken.
    fn chosen(&mut self, branches: &[(EvalExpr, &Expr)], otherwise: &Expr) -> Fit<[EvalExpr; 2]> {
        let mut sides = Vec::new();
        for side in [true, false] {
            let mut values = Vec::new();
            for (condition, value) in branches {
                values.push(condition.clone());
                values.push(self.one_if(value, side)?);
            }
            let last = self.one_if(otherwise, side)?;
            sides.push(match values.as_slice() {
                [condition, yes] if *yes == number(1) && last == number(0) => condition.clone(),
                [condition, yes] => EvalExpr::eq(when(condition.clone(), yes.clone(), last), number(1)),
                _ => {
                    values.push(EvalExpr::bool(true));
                    values.push(last);
                    EvalExpr::eq(EvalExpr::Call("case", values), number(1))
                }
            });
        }
        match <[EvalExpr; 2]>::try_from(sides) {
            Ok(sides) => Ok(sides),
            Err(_) => Err(Unsayable::not_yet(otherwise.span, "this condition")),
        }
    }

    /// 1 where a condition is true (`side`) or false, else 0.
    fn one_if(&mut self, condition: &Expr, side: bool) -> Fit<EvalExpr> {
        let condition = if side { self.predicate(condition)? } else { self.negation(condition)? }.eval;
        Ok(match condition {
            EvalExpr::Call("true", _) => number(1),
            EvalExpr::Call("false", _) => number(0),
            condition => when(condition, number(1), number(0)),
        })
    }

    /// Texts that are arguments of their own or stand in one constant array.
    fn listed_texts(&mut self, expr: &Expr, items: &[Expr]) -> Fit<Vec<EvalExpr>> {
        let mut texts = Vec::new();
        for item in items {
            match item.as_literal() {
                Some(Value::Array(_)) => {
                    texts.extend(self.constant_texts(expr, std::slice::from_ref(item))?.into_iter().map(text));
                }
                Some(_) | None => texts.push(self.text_value(item)?),
            }
        }
        Ok(texts)
    }

    /// The same where all are constant.
    fn constant_texts(&mut self, expr: &Expr, items: &[Expr]) -> Fit<Vec<String>> {
        items.iter().for_each(|item| self.ledger.carried(item.id));
        let texts = crate::fit::text::constant_texts(items)
            .ok_or_else(|| Unsayable::not_yet(expr.span, "a condition with computed addresses"))?;
        Ok(texts.into_iter().map(str::to_owned).collect())
    }
}

/// A condition that is never null.
fn total(is: EvalExpr) -> [EvalExpr; 2] {
    [is.clone(), is.negated()]
}

/// An address in one of several ranges. What is no address is in no range and out of none.
fn in_ranges(value: &EvalExpr, ranges: Vec<EvalExpr>) -> [EvalExpr; 2] {
    let is = EvalExpr::any(ranges.into_iter().map(|range| {
        // A range without a length is one address.
        let range = match range {
            EvalExpr::Text(range) if range.contains('/') => text(range),
            EvalExpr::Text(range) => text(format!("{range}/32")),
            range => when(matches(range.clone(), "/"), range.clone(), concat([range, text("/32")])),
        };
        call("cidrmatch", [range, value.clone()])
    }));
    let no = EvalExpr::all([matches(value.clone(), ADDRESS), is.clone().negated()]);
    [is, no]
}
