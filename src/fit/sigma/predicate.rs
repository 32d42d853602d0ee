//! Conditions of the hunt → a boolean tree of comparisons that Sigma can make.
//!
//! The negation is carried down to the leaves, where a missing value decides what it means: see
//! <https://learn.microsoft.com/kusto/query/scalar-data-types/null-values>. A part of a conjunction that Sigma can not say
//! is left out, which selects more; decided in a first pass over the plan, written into the ledger in the second.

use std::collections::HashMap;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::Ledger;
use crate::fit::known::total;
use crate::fit::text::constant_texts;
use crate::plan::{Absence, CompareOp, Expr, ExprKind, NodeId, ScalarType, Value as Constant};
use crate::source::Span;

use super::logic::Logic;
use super::scope::Meaning;
use super::subject::{Reader, Subject, Unsayable, one_of_group};
use super::text::{Notes, constant, dynamic_note, fieldref, told_empty, wider_note};
use super::tree::{Form, Value};

/// The conditions that are left out, by their nodes.
pub(super) type LeftOut = HashMap<NodeId, Unsayable>;

/// Which pass over the plan it is.
pub(super) enum Pass<'d> {
    /// Finds what can not be said.
    First(&'d mut LeftOut),
    /// Knows what is left out.
    Second(&'d LeftOut),
}

impl<'a, 'p> Reader<'_, 'a, 'p> {
    /// A condition as it stands, or its opposite.
    pub(super) fn condition(
        &mut self,
        ledger: &mut Ledger,
        pass: &mut Pass<'_>,
        expr: &Expr,
        level: usize,
        negate: bool,
    ) -> Result<Logic, Unsayable> {
        self.spend(expr.span)?;
        if let Some(logic) = self.choice(ledger, pass, expr, level, negate)? {
            ledger.carried_whole(expr);
            return Ok(logic);
        }
        let polarity = if negate { Polarity::Negative } else { Polarity::Positive };
        let logic = match &expr.kind {
            ExprKind::And(items) | ExprKind::Or(items) => {
                let and = matches!(expr.kind, ExprKind::And(_));
                ledger.carried(expr.id);
                if and != negate {
                    return self.all(ledger, pass, items, level, negate);
                }
                let mut parts = Vec::with_capacity(items.len());
                for item in items {
                    parts.push(self.condition(ledger, pass, item, level, negate)?);
                }
                return Ok(Logic::Any(parts));
            }
            ExprKind::Not(inner) => {
                ledger.carried(expr.id);
                return self.condition(ledger, pass, inner, level, !negate);
            }
            ExprKind::Text(text) => self.text(ledger, text, expr.span, level, text.negated != negate)?,
            ExprKind::Compare { op, left, right } => {
                let op = if negate { op.negated() } else { *op };
                if let Some((inner, level, negate)) = self.truth(ledger, op, left, right, level) {
                    ledger.carried_whole(expr);
                    return self.condition(ledger, pass, inner, level, negate);
                }
                self.compare(ledger, op, left, right, expr.span, level)?
            }
            ExprKind::In { subject, values, negated } => {
                let negated = *negated != negate;
                let polarity = if negated { Polarity::Negative } else { Polarity::Positive };
                let subject = self.subject(ledger, subject, level, polarity)?;
                self.value_notes(ledger, &subject, expr.span, polarity)?;
                let mut parts = Vec::with_capacity(values.len());
                for each in values {
                    self.spend(each.span)?;
                    parts.push(equals(&subject, each)?);
                }
                Logic::Any(parts).negated_if(negated)
            }
            ExprKind::Presence { subject, absence, negated } => {
                let subject = self.subject(ledger, subject, level, polarity)?;
                told_empty(&subject, expr.span)?;
                if subject.dynamic {
                    ledger.note(polarity, dynamic_note(&subject, expr.span));
                }
                let text = matches!(subject.ty, ScalarType::String);
                let logic = match absence {
                    Absence::Null if text => {
                        ledger.note(polarity, constant(expr.span, *negated != negate));
                        Logic::Const(false)
                    }
                    Absence::Null => {
                        if subject.ty == ScalarType::Unknown {
                            let message = "the type of the value is not known: a text is never null in KQL";
                            ledger.note(
                                polarity,
                                Diagnostic::note(Code::NullSemantics, Effect::Unsure, expr.span, message),
                            );
                        }
                        Logic::test(&subject.name, Form::Equals { cased: false }, Value::Null)
                    }
                    // Also where the column is a number: the event may hold an empty text for a missing one.
                    Absence::Empty => Logic::empty(&subject.name),
                };
                logic.negated_if(*negated != negate)
            }
            ExprKind::Column(column) => {
                if let Some((value, below)) = self.computed(ledger, expr, level) {
                    ledger.carried(expr.id);
                    return self.condition(ledger, pass, value, below, negate);
                }
                let subject = self.subject(ledger, expr, level, polarity)?;
                if !matches!(subject.ty, ScalarType::Bool | ScalarType::Unknown) {
                    let message = format!("column `{}` is no condition", column.name);
                    return Err(Unsayable::new(Code::RefusedPredicate, expr.span, message));
                }
                // `not` of a null is null, which selects nothing: the other value is asked for.
                Logic::test(&subject.name, Form::Equals { cased: false }, Value::Bool(!negate))
            }
            ExprKind::Path { .. } => {
                let subject = self.subject(ledger, expr, level, polarity)?;
                ledger.note(polarity, dynamic_note(&subject, expr.span));
                Logic::test(&subject.name, Form::Equals { cased: false }, Value::Bool(!negate))
            }
            ExprKind::Literal(Constant::Bool(value)) => {
                let value = *value != negate;
                ledger.note(polarity, constant(expr.span, value));
                Logic::Const(value)
            }
            ExprKind::Call { function, args } => {
                let name = self.function(*function);
                self.call(ledger, pass, name, args, expr.span, level, negate)?
            }
            ExprKind::Time(range) => {
                let message = format!(
                    "the time of the event, `{}`, is compared here, which a Sigma rule can not",
                    range.column.name
                );
                return Err(Unsayable::new(Code::RefusedPredicate, expr.span, message)
                    .help("set the window in the schedule of the rule"));
            }
            ExprKind::Literal(_)
            | ExprKind::Moment(_)
            | ExprKind::Arithmetic { .. }
            | ExprKind::Negate(_)
            | ExprKind::Scalar(_) => {
                return Err(Unsayable::new(
                    Code::RefusedPredicate,
                    expr.span,
                    "a Sigma rule compares fields of the event with constants",
                ));
            }
        };
        ledger.carried_whole(expr);
        Ok(logic)
    }

    /// Conditions that must all hold: those that can not be said are left out, if others remain.
    fn all(
        &mut self,
        ledger: &mut Ledger,
        pass: &mut Pass<'_>,
        items: &[Expr],
        level: usize,
        negate: bool,
    ) -> Result<Logic, Unsayable> {
        let mut parts = Vec::with_capacity(items.len());
        let mut failed: Vec<(NodeId, Unsayable)> = Vec::new();
        for item in items {
            if let Pass::Second(left_out) = pass
                && !self.strict
                && let Some(why) = left_out.get(&item.id)
            {
                ledger.dropped(item, Polarity::Positive, why.clone().left_out(item.span));
                continue;
            }
            match self.condition(ledger, pass, item, level, negate) {
                Ok(logic) => parts.push(logic),
                Err(why) => failed.push((item.id, why)),
            }
        }
        if let Some((_, first)) = failed.first() {
            match pass {
                Pass::First(left_out) if !self.strict && parts.iter().any(Logic::is_telling) => left_out.extend(failed),
                Pass::First(_) | Pass::Second(_) => return Err(first.clone()),
            }
        }
        Ok(Logic::All(parts))
    }

    /// The condition that is compared with a truth value, the scopes that it sees, and whether it must not hold. A null
    /// equals neither, as it satisfies neither the condition nor its opposite; it is unequal to both, which is the
    /// opposite of a condition only where that is never null.
    fn truth<'e>(
        &self,
        ledger: &mut Ledger,
        op: CompareOp,
        left: &'e Expr,
        right: &Expr,
        level: usize,
    ) -> Option<(&'e Expr, usize, bool)>
    where
        'p: 'e,
    {
        let Some(Constant::Bool(wanted)) = right.as_literal() else { return None };
        let (mut inner, mut at, mut of_one) = (left, level, false);
        // Each step leads to a scope further below.
        while let Some(column) = inner.as_column() {
            (inner, at, of_one) = match self.scopes.meaning(column, at) {
                Meaning::Computed(value, below) => (value, below, of_one),
                Meaning::ComputedOfOne(value, below) => (value, below, true),
                Meaning::Raw(_)
                | Meaning::RawOfOne(_)
                | Meaning::Aggregate(..)
                | Meaning::Count(_)
                | Meaning::Gone(..) => return None,
            };
        }
        let is_condition = match &inner.kind {
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Text(_)
            | ExprKind::Compare { .. }
            | ExprKind::In { .. }
            | ExprKind::Presence { .. } => true,
            ExprKind::Call { .. } | ExprKind::Literal(_) => inner.ty == ScalarType::Bool,
            ExprKind::Moment(_)
            | ExprKind::Column(_)
            | ExprKind::Path { .. }
            | ExprKind::Arithmetic { .. }
            | ExprKind::Negate(_)
            | ExprKind::Time(_)
            | ExprKind::Scalar(_) => false,
        };
        let negate = match op {
            CompareOp::Eq if is_condition => !wanted,
            CompareOp::Ne if is_condition && total(inner) => *wanted,
            CompareOp::Eq | CompareOp::Ne | CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => {
                return None;
            }
        };
        if of_one {
            ledger.note(Polarity::Positive, one_of_group(left.span));
        }
        Some((inner, at, negate))
    }

    /// A comparison of values that are no text.
    fn compare(
        &mut self,
        ledger: &mut Ledger,
        op: CompareOp,
        left: &Expr,
        right: &Expr,
        span: Span,
        level: usize,
    ) -> Result<Logic, Unsayable> {
        // A constant stands on the right.
        let (op, left, right) =
            if left.as_literal().is_some() { (op.mirrored(), right, left) } else { (op, left, right) };
        let polarity = if op == CompareOp::Ne { Polarity::Negative } else { Polarity::Positive };
        if right.as_literal().is_none() {
            let (CompareOp::Eq | CompareOp::Ne) = op else {
                return Err(Unsayable::new(
                    Code::RefusedPredicate,
                    span,
                    "a Sigma rule orders a field only against a constant number",
                ));
            };
            let (left, right) =
                (self.subject(ledger, left, level, polarity)?, self.subject(ledger, right, level, polarity)?);
            return Ok(fieldref(ledger, &left, &right, span, polarity)?.negated_if(op == CompareOp::Ne));
        }
        if let ExprKind::Call { function, args } = &left.kind
            && let (name @ ("strlen" | "string_size"), [text]) = (self.function(*function), args.as_slice())
            && let Some(Constant::Long(length)) = right.as_literal()
        {
            let subject = self.subject(ledger, text, level, polarity)?;
            return length_of(ledger, &subject, op, *length, name == "string_size", span);
        }
        let subject = self.subject(ledger, left, level, polarity)?;
        self.value_notes(ledger, &subject, span, polarity)?;
        match op {
            CompareOp::Eq => equals(&subject, right),
            CompareOp::Ne => equals(&subject, right).map(Logic::not),
            CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => {
                let form = match op {
                    CompareOp::Lt => Form::Lt,
                    CompareOp::Le => Form::Lte,
                    CompareOp::Gt => Form::Gt,
                    CompareOp::Ge | CompareOp::Eq | CompareOp::Ne => Form::Gte,
                };
                let value = match number(right) {
                    Some(value @ (Value::Integer(_) | Value::Real(_))) => value,
                    Some(_) | None => {
                        return Err(Unsayable::new(
                            Code::RefusedPredicate,
                            span,
                            "a Sigma rule orders a field only against a constant number",
                        ));
                    }
                };
                Ok(Logic::test(&subject.name, form, value))
            }
        }
    }

    /// What has to be said of a field that is compared with a value other than a text.
    fn value_notes(
        &self,
        ledger: &mut Ledger,
        subject: &Subject<'_>,
        span: Span,
        polarity: Polarity,
    ) -> Result<(), Unsayable> {
        if let Some(note) = wider_note(subject, span) {
            ledger.note(polarity, note);
        }
        if subject.last_after.is_some() || subject.front.is_some() {
            let message = format!("the column is a part of field `{}`, and no text", subject.name);
            return Err(Unsayable::new(Code::RefusedPredicate, span, message));
        }
        if subject.dynamic {
            ledger.note(polarity, dynamic_note(subject, span));
        }
        if subject.converted {
            let message = format!("field `{}` is compared as it is, without the conversion", subject.name);
            ledger.note(polarity, Diagnostic::note(Code::Approximated, Effect::Unsure, span, message));
        }
        if subject.field.map.is_some_and(crate::target::ColumnMap::changes_values) {
            let message = format!("the ingest changes values of field `{}`", subject.name);
            ledger.note(polarity, Diagnostic::note(Code::ValueChanged, Effect::Unsure, span, message));
        }
        Ok(())
    }

    /// A condition that is a function.
    #[allow(clippy::too_many_arguments)] // The place of a condition, as everywhere here, and the two parts of a call.
    fn call(
        &mut self,
        ledger: &mut Ledger,
        pass: &mut Pass<'_>,
        name: &str,
        args: &[Expr],
        span: Span,
        level: usize,
        negate: bool,
    ) -> Result<Logic, Unsayable> {
        let polarity = if negate { Polarity::Negative } else { Polarity::Positive };
        match (name, args) {
            ("not", [inner]) => self.condition(ledger, pass, inner, level, !negate),
            ("tobool", [inner]) if inner.ty == ScalarType::Bool => self.condition(ledger, pass, inner, level, negate),
            ("ipv4_is_private", [address]) => {
                // KQL's private networks: https://learn.microsoft.com/kusto/query/ipv4-is-private-function
                let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(str::to_owned).to_vec();
                self.cidr(ledger, address, private, span, level, negate)
            }
            ("ipv4_is_in_range" | "ipv4_is_match" | "ipv4_is_in_any_range", [address, ranges @ ..])
                if name != "ipv4_is_match" || ranges.len() == 1 =>
            {
                let networks = constant_texts(ranges).filter(|ranges| !ranges.is_empty());
                let networks = networks.and_then(|ranges| ranges.into_iter().map(network).collect());
                let Some(networks) = networks else {
                    return Err(Unsayable::new(
                        Code::RefusedPredicate,
                        span,
                        "the networks are no constants of the form `10.0.0.0/8`",
                    ));
                };
                self.cidr(ledger, address, networks, span, level, negate)
            }
            ("has_ipv4" | "has_any_ipv4", [text, addresses @ ..]) if !addresses.is_empty() => {
                let subject = self.subject(ledger, text, level, polarity)?;
                let mut notes = Notes::new();
                self.subject_notes(&subject, span, &mut notes)?;
                if subject.last_after.is_some() || subject.front.is_some() {
                    return Err(self.refused_function(name, span));
                }
                let Some(values) = constant_texts(addresses) else { return Err(self.refused_function(name, span)) };
                let message =
                    format!("`{name}` is said by a regular expression, which may find addresses within longer numbers");
                notes.push(Diagnostic::note(Code::Approximated, Effect::Unsure, span, message));
                notes.into_iter().for_each(|note| ledger.note(polarity, note));
                let form = Form::Regex { ignore_case: false, multi_line: false, dot_all: false };
                let quoted = values
                    .iter()
                    .map(|text| Value::Raw(format!("(^|[^0-9A-Za-z]){}([^0-9A-Za-z]|$)", super::regex::quote(text))));
                Ok(Logic::tests(&subject.name, form, quoted.collect()).negated_if(negate))
            }
            _ => Err(self.refused_function(name, span)),
        }
    }

    /// An address lies in one of these networks; no address lies in none, nor out of all.
    fn cidr(
        &mut self,
        ledger: &mut Ledger,
        address: &Expr,
        networks: Vec<String>,
        span: Span,
        level: usize,
        negate: bool,
    ) -> Result<Logic, Unsayable> {
        let polarity = if negate { Polarity::Negative } else { Polarity::Positive };
        let subject = self.subject(ledger, address, level, polarity)?;
        if subject.last_after.is_some() || subject.front.is_some() || subject.folded.is_some() {
            let message = format!("the column is a part of field `{}`", subject.name);
            return Err(Unsayable::new(Code::RefusedPredicate, span, message));
        }
        if subject.dynamic {
            ledger.note(polarity, dynamic_note(&subject, span));
        }
        let inside = Logic::tests(&subject.name, Form::Cidr, networks.into_iter().map(Value::Raw).collect());
        if !negate {
            return Ok(inside);
        }
        let any = Logic::test(&subject.name, Form::Cidr, Value::Raw("0.0.0.0/0".to_owned()));
        Ok(Logic::All(vec![any, inside.not()]))
    }
}

/// A network as Sigma takes it: without bits beyond its length; `None` for what is no IPv4 network.
fn network(text: &str) -> Option<String> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, length.parse::<u32>().ok().filter(|length| *length <= 32)?),
        None => (text, 32),
    };
    let address: u32 = address.parse::<std::net::Ipv4Addr>().ok()?.into();
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    Some(format!("{}/{length}", std::net::Ipv4Addr::from(address & mask)))
}

/// A field equals a constant.
fn equals(subject: &Subject<'_>, value: &Expr) -> Result<Logic, Unsayable> {
    let equal = Form::Equals { cased: false };
    let test = |value| Ok(Logic::test(&subject.name, equal, value));
    match value.as_literal() {
        Some(Constant::Bool(value)) => test(Value::Bool(*value)),
        // A GUID has no case.
        Some(Constant::Guid(text)) => test(Value::Text(text.clone())),
        Some(Constant::String(text)) => {
            Ok(Logic::test(&subject.name, Form::Equals { cased: true }, Value::Text(text.clone())))
        }
        Some(
            Constant::Long(_)
            | Constant::Real(_)
            | Constant::Decimal(_)
            | Constant::Null(_)
            | Constant::Datetime(_)
            | Constant::Timespan(_)
            | Constant::Array(_)
            | Constant::Bag(_),
        )
        | None => match number(value) {
            Some(value) => test(value),
            None => Err(Unsayable::new(
                Code::RefusedPredicate,
                value.span,
                "a Sigma rule compares fields with texts, numbers and truth values only",
            )),
        },
    }
}

/// A constant number that YAML can hold.
fn number(value: &Expr) -> Option<Value> {
    match value.as_literal()? {
        Constant::Long(value) => Some(Value::Integer(*value)),
        Constant::Real(value) if value.is_finite() => Some(Value::Real(*value)),
        Constant::Decimal(text) => match text.parse::<i64>() {
            Ok(value) => Some(Value::Integer(value)),
            Err(_) => text
                .parse::<f64>()
                .ok()
                .filter(|value| value.is_finite() && value.to_string() == *text)
                .map(Value::Real),
        },
        Constant::Real(_)
        | Constant::Null(_)
        | Constant::Bool(_)
        | Constant::String(_)
        | Constant::Datetime(_)
        | Constant::Timespan(_)
        | Constant::Guid(_)
        | Constant::Array(_)
        | Constant::Bag(_) => None,
    }
}

/// `strlen(x)` compared with a number: so many characters, whatever they are. Of the `bytes` that `string_size(x)` counts
/// a character has up to four, so each bound is drawn where no text is lost.
fn length_of(
    ledger: &mut Ledger,
    subject: &Subject<'_>,
    op: CompareOp,
    length: i64,
    bytes: bool,
    span: Span,
) -> Result<Logic, Unsayable> {
    let polarity = Polarity::Positive;
    let part = subject.last_after.is_some() || subject.front.is_some();
    if part || subject.dynamic || subject.ty != ScalarType::String || length > 60_000 {
        let message = "a Sigma rule can not measure this value";
        return Err(Unsayable::new(Code::RefusedPredicate, span, message));
    }
    if bytes {
        let message =
            "KQL counts bytes here, the rule characters: texts that are not ASCII are selected by wider bounds";
        ledger.note(polarity, Diagnostic::note(Code::Approximated, Effect::Broader, span, message));
    } else {
        let message = "the length is tested by a regular expression";
        ledger.note(polarity, Diagnostic::note(Code::Expanded, Effect::Exact, span, message));
    }
    let form = Form::Regex { ignore_case: false, multi_line: false, dot_all: true };
    let least = |length: i64| {
        if length <= 0 {
            return Logic::Const(true);
        }
        Logic::test(&subject.name, form, Value::Raw(format!(".{{{length},}}")))
    };
    // The fewest characters of so many bytes.
    let fewest = |length: i64| if bytes { least(length.saturating_add(3) / 4) } else { least(length) };
    let after = length.saturating_add(1);
    Ok(match op {
        CompareOp::Gt => fewest(after),
        CompareOp::Ge => fewest(length),
        CompareOp::Lt => least(length).not(),
        CompareOp::Le => least(after).not(),
        CompareOp::Eq => Logic::All(vec![fewest(length), least(after).not()]),
        // Of some characters the bytes may be these or others.
        CompareOp::Ne => Logic::Any(vec![least(length).not(), fewest(after)]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_written_without_host_bits() {
        assert_eq!(network("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(network("1.2.3.4").as_deref(), Some("1.2.3.4/32"));
        assert_eq!(network("0.0.0.0/0").as_deref(), Some("0.0.0.0/0"));
        assert_eq!(network("10.0.0.0/33"), None);
        assert_eq!(network("::1"), None);
    }
}
