//! Constants of EQL, comparisons of two of them, and the event's time compared with moments.
//!
//! EQL can not evaluate the present time, so a moment relative to it belongs to the time range of the rule.

use crate::diagnostic::Code;
use crate::plan::{CompareOp, Expr, ExprKind, Moment, TimeRange, UNIX_EPOCH_TICKS, Value as Literal};
use crate::source::Span;

use super::condition::{Conditions, DEPTH, Said, Unsayable, Want};
use super::scope::{Meaning, Place, Scope};
use super::tree::{Compare, Cond, Constant, Value};

impl<'p, 'a> Conditions<'p, 'a, '_> {
    /// A condition on the event's time that is not said by `time_range`.
    pub(super) fn time(&mut self, range: &TimeRange, expr: &'p Expr, want: Want) -> Said<Cond> {
        if (self.held)(expr) && want == Want::Holds {
            return Ok(Cond::Constant(true));
        }
        let field = Value::Field { name: self.frame.schema.time_field.clone(), optional: false };
        let mut bounds = Vec::with_capacity(2);
        let outside = range.negated == (want == Want::Holds);
        for (bound, lower) in [(&range.from, true), (&range.to, false)] {
            let Some(bound) = bound else { continue };
            let Moment::Absolute(ticks) = bound.moment else {
                let message = "EQL can not evaluate the present time within the query";
                return Err(
                    Unsayable::new(Code::TimeInRange, bound.span, message).help("restrict the time range of the rule")
                );
            };
            let op = match (lower, bound.inclusive, outside) {
                (true, true, false) => Compare::Ge,
                (true, false, false) => Compare::Gt,
                (false, true, false) => Compare::Le,
                (false, false, false) => Compare::Lt,
                (true, true, true) => Compare::Lt,
                (true, false, true) => Compare::Le,
                (false, true, true) => Compare::Gt,
                (false, false, true) => Compare::Ge,
            };
            bounds.push(Cond::Compare {
                op,
                value: field.clone(),
                with: Constant::Text(timestamp(ticks, bound.span)?),
            });
        }
        Ok(if outside { Cond::any(bounds) } else { Cond::all(bounds) })
    }

    /// The constant that an expression is, if it is one; an error where EQL has no such constant.
    pub(super) fn constant(&self, expr: &'p Expr, scope: &Scope<'p, 'a>, at: Place) -> Option<Said<Constant>> {
        let (mut expr, mut at) = (expr, at);
        for _ in 0..DEPTH {
            match &expr.kind {
                ExprKind::Column(column) => match scope.meaning(&column.name, column.known, at) {
                    Meaning::Computed(inner, place) => (expr, at) = (inner, place),
                    Meaning::Source | Meaning::Lost(..) => return None,
                },
                ExprKind::Literal(literal) => return Some(self.literal(literal, expr.span)),
                ExprKind::Moment(Moment::Absolute(ticks)) => {
                    return Some(timestamp(*ticks, expr.span).map(Constant::Text));
                }
                ExprKind::Moment(Moment::Relative { .. }) => {
                    let message = "EQL can not evaluate the present time within the query";
                    return Some(Err(Unsayable::new(Code::RefusedPredicate, expr.span, message)));
                }
                ExprKind::Negate(inner) => {
                    let inner = match self.constant(inner, scope, at)? {
                        Ok(Constant::Integer(number)) => number.checked_neg().map(Constant::Integer),
                        Ok(Constant::Real(number)) => Some(Constant::Real(-number)),
                        Ok(Constant::Text(_) | Constant::Bool(_)) => None,
                        Err(unsayable) => return Some(Err(unsayable)),
                    };
                    return Some(
                        inner.ok_or_else(|| Unsayable::new(Code::RefusedPredicate, expr.span, "no such constant")),
                    );
                }
                ExprKind::Path { .. }
                | ExprKind::Call { .. }
                | ExprKind::Arithmetic { .. }
                | ExprKind::Compare { .. }
                | ExprKind::Text(_)
                | ExprKind::In { .. }
                | ExprKind::Presence { .. }
                | ExprKind::Time(_)
                | ExprKind::And(_)
                | ExprKind::Or(_)
                | ExprKind::Not(_)
                | ExprKind::Scalar(_) => return None,
            }
        }
        None
    }

    fn literal(&self, literal: &Literal, span: Span) -> Said<Constant> {
        let none =
            |what: &str| Err(Unsayable::new(Code::RefusedPredicate, span, format!("EQL has no constant for {what}")));
        match literal {
            Literal::Bool(value) => Ok(Constant::Bool(*value)),
            Literal::Long(number) => Ok(Constant::Integer(*number)),
            Literal::Real(number) if number.is_finite() => Ok(Constant::Real(*number)),
            Literal::Decimal(digits) => match digits.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Constant::Real(number)),
                Ok(_) | Err(_) => none("this decimal number"),
            },
            Literal::String(text) => Ok(Constant::Text(text.clone())),
            Literal::Guid(text) => Ok(Constant::Text(text.clone())),
            Literal::Datetime(ticks) => Ok(Constant::Text(timestamp(*ticks, span)?)),
            Literal::Null(_) => none("a null that is compared"),
            Literal::Real(_) => none("a number that is not finite"),
            Literal::Timespan(_) => none("a length of time"),
            Literal::Array(_) | Literal::Bag(_) => none("an array or bag"),
        }
    }
}

impl Constant {
    /// The result of a comparison of two constants.
    pub(super) fn compared(&self, op: CompareOp, right: &Self) -> Option<bool> {
        let order = match (self, right) {
            (Constant::Integer(left), Constant::Integer(right)) => left.cmp(right),
            (Constant::Bool(left), Constant::Bool(right)) => left.cmp(right),
            (Constant::Text(left), Constant::Text(right)) => left.cmp(right),
            (Constant::Integer(left), Constant::Real(right)) => (*left as f64).partial_cmp(right)?,
            (Constant::Real(left), Constant::Integer(right)) => left.partial_cmp(&(*right as f64))?,
            (Constant::Real(left), Constant::Real(right)) => left.partial_cmp(right)?,
            (Constant::Integer(_) | Constant::Real(_) | Constant::Bool(_) | Constant::Text(_), _) => return None,
        };
        Some(op.holds(order))
    }
}

/// A moment as Elasticsearch writes it, with milliseconds at least.
fn timestamp(ticks: i64, span: Span) -> Said<String> {
    let text = crate::fit::iso8601(ticks).ok_or_else(|| {
        Unsayable::new(Code::RefusedPredicate, span, "the moment is beyond the years that can be written")
    })?;
    let ticks_in_second = (ticks - UNIX_EPOCH_TICKS).rem_euclid(10_000_000);
    if ticks_in_second % 10_000 != 0 {
        return Ok(text);
    }
    let whole = text.split(['.', 'Z']).next().unwrap_or_default();
    Ok(format!("{whole}.{:03}Z", ticks_in_second / 10_000))
}
