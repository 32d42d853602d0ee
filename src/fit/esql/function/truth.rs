//! Functions that give a truth value, as conditions: where each is true, and where it is false; null is neither.
//!
//! See <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/ip-functions/cidr_match>.

use crate::diagnostic::{Code, Effect};
use crate::fit::esql::scope::{Form, converted};
use crate::fit::esql::tree::Expr;
use crate::fit::esql::{Fit, Fitter, Unsayable, unwritten};
use crate::fit::lucene;
use crate::plan::{Expr as Meant, ExprKind, Value};
use crate::target::Construct;

/// The ranges of private addresses that KQL's documentation lists.
const PRIVATE: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/// An address and the ranges that it is looked for in.
struct Ranged {
    address: Expr,
    ranges: Vec<Expr>,
    /// Addresses of the other kind are in no range and out of none.
    version: u8,
}

impl<'a> Fitter<'a, '_> {
    /// A function as a condition; `None` where it is a value like others.
    pub(in crate::fit::esql) fn truth_call(&mut self, expr: &Meant) -> Fit<Option<Expr>> {
        let ExprKind::Call { args, .. } = &expr.kind else { return Ok(None) };
        let Some(name) = self.function_name(expr) else { return Ok(None) };
        if let Some(ranged) = self.ranged(expr, name, args)? {
            return Ok(Some(ranged.is()));
        }
        Ok(Some(match (name, args.as_slice()) {
            ("iff", [condition, yes, no]) => {
                let is = self.predicate(condition)?;
                let (yes, no) = (self.predicate(yes)?, self.predicate(no)?);
                Expr::when(is, yes, no)
            }
            ("has_ipv4" | "has_any_ipv4" | "has_ipv4_prefix" | "has_any_ipv4_prefix", [subject, addresses @ ..])
                if !addresses.is_empty() =>
            {
                self.has_address(expr, name.ends_with("prefix"), subject, addresses)?
            }
            ("set_has_element", [set, element]) => {
                self.needs(Construct::MvContains, expr.span)?;
                let (form, wanted) = (self.form(set), self.form(element));
                let list = self.many(set)?;
                let same = form == wanted && form != Form::Untold;
                if !same || !matches!(element.as_literal(), Some(Value::String(_) | Value::Long(_) | Value::Bool(_))) {
                    let message = "KQL compares the type of an element as well";
                    self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                }
                if same {
                    Expr::call("MV_CONTAINS", [list, self.value(element)?])
                } else {
                    let list = converted(list, form, Form::Keyword);
                    Expr::call("MV_CONTAINS", [list, self.filled(element)?])
                }
            }
            ("isnan" | "isinf", [value]) => {
                // A number of ES|QL is finite.
                self.operand(value)?;
                Expr::Bool(false)
            }
            ("isfinite", [value]) => Expr::is_not_null(self.operand(value)?),
            ("isascii", [value]) => {
                let value = self.filled(value)?;
                Expr::eq(Expr::call("BYTE_LENGTH", [value.clone()]), Expr::call("LENGTH", [value]))
            }
            ("isutf8", [value]) => {
                self.value(value)?;
                Expr::Bool(true)
            }
            _ => return Ok(None),
        }))
    }

    /// Where a function is false; `None` where that is the opposite of where it is true.
    pub(in crate::fit::esql) fn untruth_call(&mut self, expr: &Meant) -> Fit<Option<Expr>> {
        let ExprKind::Call { args, .. } = &expr.kind else { return Ok(None) };
        let Some(name) = self.function_name(expr) else { return Ok(None) };
        if let Some(ranged) = self.ranged(expr, name, args)? {
            return Ok(Some(Expr::all([ranged.whole(), ranged.is().negated()])));
        }
        Ok(match (name, args.as_slice()) {
            ("isnan" | "isinf", [value]) => Some(Expr::is_not_null(self.operand(value)?)),
            ("isfinite", [value]) => {
                self.operand(value)?;
                Some(Expr::Bool(false))
            }
            ("iff", [condition, yes, no]) => {
                let is = self.predicate(condition)?;
                let (yes, no) = (self.negation(yes)?, self.negation(no)?);
                Some(Expr::when(is, yes, no))
            }
            _ => None,
        })
    }

    /// A function that gives a truth value, as a value.
    pub(super) fn truth_value_call(&mut self, expr: &Meant, name: &str, args: &[Meant]) -> Fit<Option<Expr>> {
        if matches!(name, "iff" | "case") {
            return Ok(None);
        }
        if let Some(ranged) = self.ranged(expr, name, args)? {
            return Ok(Some(Expr::Call("CASE", vec![ranged.whole(), ranged.is()])));
        }
        self.truth_call(expr)
    }

    /// `ipv4_is_in_range` and its like.
    fn ranged(&mut self, expr: &Meant, name: &str, args: &[Meant]) -> Fit<Option<Ranged>> {
        let version = if name.starts_with("ipv6") { 6 } else { 4 };
        let (address, ranges) = match (name, args) {
            ("ipv4_is_private", [address]) => (address, PRIVATE.map(Expr::text).to_vec()),
            (
                "ipv4_is_in_range"
                | "ipv6_is_in_range"
                | "ipv4_is_in_any_range"
                | "ipv6_is_in_any_range"
                | "ipv4_is_match"
                | "ipv6_is_match",
                [address, ranges @ ..],
            ) if !ranges.is_empty() => {
                let is_match = name.ends_with("match");
                let (ranges, prefix) = match ranges {
                    [range, prefix] if is_match => (std::slice::from_ref(range), Some(prefix)),
                    ranges => (ranges, None),
                };
                (address, self.ranges(expr, version, ranges, prefix)?)
            }
            _ => return Ok(None),
        };
        self.ledger.carried(expr.id);
        if version == 6 {
            let message = "an address of IPv4 is not looked for in a range of IPv6";
            self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        }
        let address = match self.held_column(address)? {
            Some(column) => converted(column.bare(), column.form, Form::Ip),
            None => Expr::call("TO_IP", [self.text_value(address)?]),
        };
        Ok(Some(Ranged { address, ranges, version }))
    }

    /// Ranges; one without a length is an address.
    fn ranges(&mut self, expr: &Meant, version: u8, items: &[Meant], prefix: Option<&Meant>) -> Fit<Vec<Expr>> {
        let bits = if version == 6 { 128 } else { 32 };
        let whole = |range: &str| if range.contains('/') { range.to_owned() } else { format!("{range}/{bits}") };
        let length = match prefix.map(|it| (it, it.as_literal())) {
            None => None,
            Some((prefix, Some(Value::Long(length)))) => {
                self.ledger.carried(prefix.id);
                Some(*length)
            }
            Some((prefix, _)) => return Err(unwritten(prefix.span, "a computed length of a network")),
        };
        let sound = |range: &str| {
            let (address, length) = range.split_once('/').unwrap_or((range, "0"));
            address.parse::<std::net::IpAddr>().is_ok() && length.parse::<u8>().is_ok_and(|length| length <= bits)
        };
        let mut ranges = Vec::new();
        for item in items {
            let texts: Vec<&str> = match item.as_literal() {
                Some(Value::String(text)) => vec![text.as_str()],
                Some(Value::Array(values)) => values
                    .iter()
                    .filter_map(|value| if let Value::String(text) = value { Some(text.as_str()) } else { None })
                    .collect(),
                Some(_) => Vec::new(),
                None => {
                    if length.is_some() {
                        return Err(unwritten(item.span, "a computed network of a given length"));
                    }
                    let text = self.text_value(item)?;
                    let slash = Expr::compare(
                        crate::fit::esql::tree::Comparison::Gt,
                        Expr::call("LOCATE", [text.clone(), Expr::text("/")]),
                        Expr::number(0),
                    );
                    let alone = Expr::call("CONCAT", [text.clone(), Expr::Text(format!("/{bits}"))]);
                    ranges.push(Expr::when(slash, text, alone));
                    continue;
                }
            };
            self.ledger.carried(item.id);
            for text in texts {
                if !sound(text) {
                    let message = format!("`{}` is no network", text.replace('\n', " "));
                    return Err(Unsayable::new(Code::RefusedFunction, item.span, message));
                }
                let text = match (length, text.split_once('/')) {
                    (Some(length), Some((address, own))) => {
                        let own = own.parse::<i64>().unwrap_or(length);
                        format!("{address}/{}", own.min(length))
                    }
                    (Some(length), None) => format!("{text}/{length}"),
                    (None, _) => whole(text),
                };
                ranges.push(Expr::Text(text));
            }
        }
        if ranges.is_empty() {
            return Err(unwritten(expr.span, "a list of networks that is no constant"));
        }
        Ok(ranges)
    }

    /// `has_ipv4(text, address)` and its like.
    fn has_address(&mut self, expr: &Meant, prefix: bool, subject: &Meant, addresses: &[Meant]) -> Fit<Expr> {
        let value = self.filled(subject)?;
        let computed = || unwritten(expr.span, "a search for computed addresses");
        let mut patterns = Vec::new();
        for item in addresses {
            self.ledger.carried(item.id);
            let texts: Vec<&Value> = match item.as_literal() {
                Some(Value::Array(values)) => values.iter().collect(),
                Some(value) => vec![value],
                None => return Err(computed()),
            };
            for text in texts {
                let Value::String(address) = text else { return Err(computed()) };
                let mut pattern = String::from("(.*[^0-9A-Za-z])?");
                lucene::quote(address, &mut pattern);
                pattern.push_str(match (prefix, address.ends_with('.')) {
                    (false, _) => "([^0-9A-Za-z].*)?",
                    (true, true) => "[0-9].*",
                    (true, false) => ".*",
                });
                patterns.push(pattern);
            }
        }
        let message = "where an address in a text begins and ends is documented in words only";
        self.note(Code::TermBoundary, Effect::Unsure, expr.span, message);
        Ok(Expr::any(self.patterns(&value, patterns, true, false)))
    }
}

impl Ranged {
    /// The address is in one of the ranges.
    fn is(&self) -> Expr {
        let mut args = vec![self.address.clone()];
        args.extend(self.ranges.iter().cloned());
        Expr::Call("CIDR_MATCH", args)
    }

    /// It is an address of its kind at all.
    fn whole(&self) -> Expr {
        let v4 = Expr::call("CIDR_MATCH", [self.address.clone(), Expr::text("0.0.0.0/0")]);
        if self.version == 6 { v4.negated() } else { v4 }
    }
}
