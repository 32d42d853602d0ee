//! What the plan tells of an expression without an event and without a target: on which side of zero it lies, whether it is
//! ever null, whether it is what a missing column has. What a column of the row holds is known to each target's scope.

use std::cmp::Ordering;

use crate::plan::{ArithmeticOp, CompareOp, Expr, ExprKind, Value};

/// On which side of zero a constant lies.
pub(crate) fn sign(expr: &Expr) -> Option<Ordering> {
    match expr.as_literal()? {
        Value::Long(number) | Value::Timespan(number) => Some(number.cmp(&0)),
        Value::Real(number) => number.partial_cmp(&0.0),
        Value::Null(_)
        | Value::Bool(_)
        | Value::Decimal(_)
        | Value::String(_)
        | Value::Datetime(_)
        | Value::Guid(_)
        | Value::Array(_)
        | Value::Bag(_) => None,
    }
}

/// Whether a condition is never null.
pub(crate) fn total(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::And(items) | ExprKind::Or(items) => items.iter().all(total),
        ExprKind::Text(_) | ExprKind::In { .. } | ExprKind::Presence { .. } | ExprKind::Time(_) => true,
        ExprKind::Compare { op, right, .. } => {
            matches!(op, CompareOp::Eq | CompareOp::Ne) && right.as_literal().is_some()
        }
        ExprKind::Literal(value) => !matches!(value, Value::Null(_)),
        ExprKind::Moment(_)
        | ExprKind::Column(_)
        | ExprKind::Path { .. }
        | ExprKind::Call { .. }
        | ExprKind::Arithmetic { .. }
        | ExprKind::Negate(_)
        | ExprKind::Not(_)
        | ExprKind::Scalar(_) => false,
    }
}

/// Whether a value is what a missing column has anyway.
pub(crate) fn is_nothing(expr: &Expr) -> bool {
    match expr.as_literal() {
        Some(Value::Null(_)) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) | None => false,
    }
}

/// Whether a number is never below zero: a length or a count, or the place behind a text that is looked for. `name` gives the
/// name of a function.
pub(crate) fn is_count<'a>(expr: &Expr, name: impl Fn(&Expr) -> Option<&'a str>) -> bool {
    let from = |expr: &Expr, least: i64| match expr.as_literal() {
        Some(Value::Long(number)) => *number >= least,
        Some(_) => false,
        None => match name(expr) {
            Some("strlen" | "array_length" | "countof" | "string_size") => least <= 0,
            Some("indexof" | "indexof_regex" | "array_index_of") => least <= -1,
            Some(_) | None => false,
        },
    };
    if let ExprKind::Arithmetic { op: ArithmeticOp::Add, left, right } = &expr.kind {
        return from(left, 0) && from(right, 0) || from(left, -1) && from(right, 1) || from(left, 1) && from(right, -1);
    }
    from(expr, 0)
}
