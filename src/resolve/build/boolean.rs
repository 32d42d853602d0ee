//! Logic: `and`, `or`, `not` and conditions.
//!
//! KQL's logic has three values. `not(null)` is null, and `where` drops null like `false`; `null == x` is `false` and
//! `null != x` is `true` for an `x` that is not null, and an ordering with a null is null. So each comparison may be
//! negated by its opposite without changing a row, see
//! <https://learn.microsoft.com/kusto/query/scalar-data-types/null-values>. A bare boolean is another matter:
//! `not(b)` drops a null `b`, `b != true` keeps it. It stays `Not(b)` until [`Builder::predicate`] knows that only
//! `true` counts.

use super::{Builder, cover, truth};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{CompareOp, Expr, ExprKind, Needles, ScalarType, TextMatch, Value};
use crate::source::Span;

impl Builder<'_> {
    /// `not(expr)`: the negation goes to the leaves. `span` is the place of the whole call.
    pub(crate) fn not(&mut self, expr: Expr, span: Span) -> Expr {
        let span = span.to(expr.span);
        Expr { span, ..negate(expr) }
    }

    /// `a and b and …`: flattened; constants simplify and are noted. One operand is itself, none is `true`.
    pub(crate) fn and(&mut self, operands: Vec<Expr>, span: Span) -> Expr {
        self.junction(true, operands, span)
    }

    /// `a or b or …`: flattened; constants simplify and are noted. One operand is itself, none is `false`.
    pub(crate) fn or(&mut self, operands: Vec<Expr>, span: Span) -> Expr {
        self.junction(false, operands, span)
    }

    /// `and` where `all`, else `or`. The constant `all` changes nothing; the other one decides, also over a null.
    fn junction(&mut self, all: bool, operands: Vec<Expr>, span: Span) -> Expr {
        let whole = cover(span, &operands);
        let mut kept: Vec<Expr> = Vec::new();
        let mut neutral = Vec::new();
        let mut decisive = None;
        for operand in operands {
            if let Some(value) = as_bool(&operand) {
                if value == all {
                    neutral.push(operand.span);
                } else {
                    decisive = decisive.or(Some(operand.span));
                }
                continue;
            }
            let mut operand = operand;
            if let (ExprKind::And(items), true) | (ExprKind::Or(items), false) = (&mut operand.kind, all) {
                append(&mut kept, std::mem::take(items));
            } else {
                kept.push(operand);
            }
        }
        if let Some(constant) = decisive {
            if !kept.is_empty() {
                let value = !all;
                self.notes.push(
                    Diagnostic::note(
                        Code::ConstantCondition,
                        Effect::Exact,
                        whole,
                        format!("the condition is always `{value}`: its other parts have no influence"),
                    )
                    .label(constant, format!("this is always `{value}`")),
                );
            }
            return truth(!all, whole);
        }
        if !kept.is_empty() {
            for place in neutral {
                self.constant_condition(place, format!("this part is always `{all}` and has no influence"));
            }
        }
        match kept.len() {
            0 => truth(all, whole),
            1 => kept.pop().unwrap_or_else(|| truth(all, whole)),
            _ if all => Expr::new(ExprKind::And(kept), ScalarType::Bool, span),
            _ => Expr::new(ExprKind::Or(kept), ScalarType::Bool, span),
        }
    }

    /// The expression where only `true` counts (`where`, `countif`, a condition of `iff`): null is as good as `false`.
    ///
    /// A bare boolean column becomes `column == true`, its negation `column == false` (a null satisfies neither), and a
    /// boolean that is compared with a constant becomes itself or its negation. Call it once, last, on the whole
    /// condition: negating what comes out would let nulls through.
    pub(crate) fn predicate(&mut self, expr: Expr) -> Expr {
        let Expr { id, span, ty, kind } = expr;
        match kind {
            ExprKind::And(items) => {
                let items = items.into_iter().map(|item| self.predicate(item)).collect();
                self.and(items, span)
            }
            ExprKind::Or(items) => {
                let items = items.into_iter().map(|item| self.predicate(item)).collect();
                self.or(items, span)
            }
            ExprKind::Not(inner) => {
                if is_reference(&inner.kind) {
                    return is_value(*inner, false, span);
                }
                Expr { id, span, ty, kind: ExprKind::Not(inner) }
            }
            kind @ (ExprKind::Column(_) | ExprKind::Path { .. }) => {
                if !matches!(ty, ScalarType::Bool | ScalarType::Unknown | ScalarType::Dynamic) {
                    self.mismatch(span, format!("a condition is needed here, this is of type `{ty}`"), "compare it");
                    return Expr { id, span, ty, kind };
                }
                is_value(Expr { id, span, ty, kind }, true, span)
            }
            // `f(x) == true` holds where `f(x)` holds, `f(x) == false` where `not(f(x))` holds: a null is dropped by all four.
            ExprKind::Compare { op: CompareOp::Eq, left, right }
                if left.ty == ScalarType::Bool && !is_reference(&left.kind) && as_bool(&right).is_some() =>
            {
                let positive = as_bool(&right) == Some(true);
                let inner = if positive { *left } else { negate(*left) };
                self.predicate(Expr { span, ..inner })
            }
            // `iff(c, true, false)` holds where `c` holds.
            ExprKind::Call { function, mut args } => {
                let condition = match args.as_slice() {
                    [_, yes, no] => as_bool(yes) == Some(true) && as_bool(no) == Some(false),
                    _ => false,
                };
                if condition && self.is_function(function, "iff") {
                    let condition = args.swap_remove(0);
                    return Expr { span, ..self.predicate(condition) };
                }
                Expr { id, span, ty, kind: ExprKind::Call { function, args } }
            }
            kind @ (ExprKind::Literal(_)
            | ExprKind::Moment(_)
            | ExprKind::Arithmetic { .. }
            | ExprKind::Negate(_)
            | ExprKind::Compare { .. }
            | ExprKind::Text(_)
            | ExprKind::In { .. }
            | ExprKind::Presence { .. }
            | ExprKind::Time(_)
            | ExprKind::Scalar(_)) => Expr { id, span, ty, kind },
        }
    }
}

/// Appends in time proportional to the new items, reusing the longer vector of a chain that grows to the right.
fn append(kept: &mut Vec<Expr>, mut items: Vec<Expr>) {
    if kept.is_empty() {
        *kept = items;
    } else {
        kept.append(&mut items);
    }
}

/// `reference == value`
fn is_value(reference: Expr, value: bool, span: Span) -> Expr {
    let right = truth(value, span);
    let kind = ExprKind::Compare { op: CompareOp::Eq, left: Box::new(reference), right: Box::new(right) };
    Expr::new(kind, ScalarType::Bool, span)
}

/// Whether it is a column or a part of one, which has no truth of its own.
pub(super) fn is_reference(kind: &ExprKind) -> bool {
    matches!(kind, ExprKind::Column(_) | ExprKind::Path { .. })
}

/// The constant truth, if it is one.
pub(super) fn as_bool(expr: &Expr) -> Option<bool> {
    if let Some(Value::Bool(value)) = expr.as_literal() { Some(*value) } else { None }
}

/// The opposite, at the same place. De Morgan's laws hold in KQL's three-valued logic.
pub(super) fn negate(expr: Expr) -> Expr {
    let Expr { id, span, ty, kind } = expr;
    let kind = match kind {
        ExprKind::Literal(Value::Bool(value)) => ExprKind::Literal(Value::Bool(!value)),
        ExprKind::Compare { op, left, right } => ExprKind::Compare { op: op.negated(), left, right },
        ExprKind::Text(text) => ExprKind::Text(TextMatch { negated: !text.negated, ..text }),
        ExprKind::In { subject, values, negated } => ExprKind::In { subject, values, negated: !negated },
        ExprKind::Presence { subject, absence, negated } => ExprKind::Presence { subject, absence, negated: !negated },
        ExprKind::Time(range) => super::time::negate(range),
        ExprKind::And(items) => ExprKind::Or(items.into_iter().map(negate).collect()),
        ExprKind::Or(items) => ExprKind::And(items.into_iter().map(negate).collect()),
        ExprKind::Not(inner) => return *inner,
        kind @ (ExprKind::Literal(_)
        | ExprKind::Moment(_)
        | ExprKind::Column(_)
        | ExprKind::Path { .. }
        | ExprKind::Call { .. }
        | ExprKind::Arithmetic { .. }
        | ExprKind::Negate(_)
        | ExprKind::Scalar(_)) => ExprKind::Not(Box::new(Expr { id, span, ty, kind })),
    };
    Expr { id, span, ty: ScalarType::Bool, kind }
}

/// Whether a boolean is certain to be `true` or `false`, never null.
pub(super) fn never_null(expr: &Expr) -> bool {
    let constant = |expr: &Expr| expr.as_literal().is_some_and(|value| !matches!(value, Value::Null(_)));
    match &expr.kind {
        ExprKind::Literal(value) => !matches!(value, Value::Null(_)),
        ExprKind::Presence { .. } => true,
        ExprKind::Text(text) => {
            text.subject.ty == ScalarType::String
                && match &text.needles {
                    Needles::One(needle) => needle.ty == ScalarType::String,
                    Needles::Any(needles) | Needles::All(needles) => {
                        needles.iter().all(|needle| needle.ty == ScalarType::String)
                    }
                    Needles::Table(_) => false,
                }
        }
        ExprKind::Compare { op, right, .. } => match op {
            CompareOp::Eq | CompareOp::Ne => constant(right),
            CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => false,
        },
        ExprKind::In { values, .. } => values.iter().all(constant),
        ExprKind::And(items) | ExprKind::Or(items) => items.iter().all(never_null),
        ExprKind::Moment(_)
        | ExprKind::Column(_)
        | ExprKind::Path { .. }
        | ExprKind::Call { .. }
        | ExprKind::Arithmetic { .. }
        | ExprKind::Negate(_)
        | ExprKind::Time(_)
        | ExprKind::Not(_)
        | ExprKind::Scalar(_) => false,
    }
}
