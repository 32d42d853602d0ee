//! Arithmetic on numbers, datetimes and timespans.
//!
//! <https://learn.microsoft.com/kusto/query/numerical-operators>,
//! <https://learn.microsoft.com/kusto/query/datetime-timespan-arithmetic>. Division by zero, overflow and whatever a
//! double can not hold exactly stay as they were written.

use super::convert::exact_real;
use super::{Builder, Built, calendar, cover, literal, time};
use crate::plan::{ArithmeticOp, Expr, ExprKind, ScalarType, Value};
use crate::source::Span;
use crate::syntax::ast::UnaryOp;

impl Builder<'_> {
    /// `left op right`
    pub(super) fn arithmetic(&mut self, op: ArithmeticOp, left: Expr, right: Expr, span: Span) -> Expr {
        let whole = cover(span, [&left, &right]);
        let ty = result_type(op, left.ty, right.ty);
        if let (Some(a), Some(b)) = (left.as_literal(), right.as_literal())
            && let Some(value) = constants(op, a, b)
        {
            let ty = value.ty();
            return literal(value, ty, whole);
        }
        if let Some(kind) = time::shifted(op, &left, &right) {
            let ty = if matches!(kind, ExprKind::Moment(_)) { ScalarType::Datetime } else { ScalarType::Timespan };
            return Expr::new(kind, ty, whole);
        }
        if left.ty == ScalarType::String || right.ty == ScalarType::String {
            self.mismatch(span, "KQL does not calculate with text", "use strcat() to join texts, tolong() to convert");
        }
        Expr::new(ExprKind::Arithmetic { op, left: Box::new(left), right: Box::new(right) }, ty, span)
    }

    /// `-x`, `+x`
    pub(crate) fn unary(&mut self, op: UnaryOp, operand: Expr, span: Span) -> Built {
        let whole = span.to(operand.span);
        Ok(match op {
            UnaryOp::Plus => Expr { span: whole, ..operand },
            UnaryOp::Minus => {
                let ty = operand.ty;
                match operand.as_literal().and_then(negative) {
                    Some(value) => literal(value, ty, whole),
                    None => Expr::new(ExprKind::Negate(Box::new(operand)), ty, span),
                }
            }
        })
    }
}

fn negative(value: &Value) -> Option<Value> {
    match value {
        Value::Long(value) => value.checked_neg().map(Value::Long),
        Value::Timespan(value) => value.checked_neg().map(Value::Timespan),
        Value::Real(value) => Some(Value::Real(-value)),
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

/// The type of a result. Of two integers it is `long`, also where both are `int`.
fn result_type(op: ArithmeticOp, left: ScalarType, right: ScalarType) -> ScalarType {
    use ArithmeticOp::{Add, Divide, Modulo, Multiply, Subtract};
    use ScalarType as T;
    match (left, op, right) {
        (T::Datetime, Subtract, T::Datetime) => T::Timespan,
        (T::Datetime, Subtract, T::Timespan) => T::Datetime,
        (T::Datetime, Add, _) | (_, Add, T::Datetime) => T::Datetime,
        (T::Timespan, Divide, T::Timespan) => T::Real,
        (T::Timespan, Add | Subtract | Modulo, T::Timespan) => T::Timespan,
        (T::Timespan, Multiply | Divide, _) | (_, Multiply, T::Timespan) => T::Timespan,
        (T::Real, _, right) if right.is_numeric() => T::Real,
        (left, _, T::Real) if left.is_numeric() => T::Real,
        (T::Decimal, _, right) if right.is_numeric() => T::Decimal,
        (left, _, T::Decimal) if left.is_numeric() => T::Decimal,
        (T::Int | T::Long, _, T::Int | T::Long) => T::Long,
        (_, Add | Subtract | Multiply | Divide | Modulo, _) => T::Unknown,
    }
}

/// Calculates with constants.
fn constants(op: ArithmeticOp, left: &Value, right: &Value) -> Option<Value> {
    use ArithmeticOp::{Add, Divide, Modulo, Multiply, Subtract};
    use Value as V;
    match (left, right) {
        (V::Long(a), V::Long(b)) => Some(V::Long(match op {
            Add => a.checked_add(*b),
            Subtract => a.checked_sub(*b),
            Multiply => a.checked_mul(*b),
            // The quotient is truncated, the remainder is never negative.
            Divide => a.checked_div(*b),
            Modulo => a.checked_rem_euclid(*b),
        }?)),
        (V::Long(_) | V::Real(_), V::Long(_) | V::Real(_)) => {
            let (a, b) = (exact_real(left)?, exact_real(right)?);
            let value = match op {
                Add => a + b,
                Subtract => a - b,
                Multiply => a * b,
                Divide => a / b,
                Modulo => return None,
            };
            value.is_finite().then_some(V::Real(value))
        }
        (V::Timespan(a), V::Timespan(b)) => match op {
            Add => a.checked_add(*b).map(V::Timespan),
            Subtract => a.checked_sub(*b).map(V::Timespan),
            Divide => {
                let value = exact_real(&V::Long(*a))? / exact_real(&V::Long(*b))?;
                value.is_finite().then_some(V::Real(value))
            }
            Multiply | Modulo => None,
        },
        (V::Timespan(ticks), number @ (V::Long(_) | V::Real(_))) => match op {
            Multiply => scaled(*ticks, number),
            Divide => divided(*ticks, number),
            Add | Subtract | Modulo => None,
        },
        (number @ (V::Long(_) | V::Real(_)), V::Timespan(ticks)) => match op {
            Multiply => scaled(*ticks, number),
            Add | Subtract | Divide | Modulo => None,
        },
        (V::Datetime(at), V::Timespan(by)) => match op {
            Add => calendar::in_range(at.checked_add(*by)?).map(V::Datetime),
            Subtract => calendar::in_range(at.checked_sub(*by)?).map(V::Datetime),
            Multiply | Divide | Modulo => None,
        },
        (V::Timespan(by), V::Datetime(at)) => match op {
            Add => calendar::in_range(at.checked_add(*by)?).map(V::Datetime),
            Subtract | Multiply | Divide | Modulo => None,
        },
        (V::Datetime(a), V::Datetime(b)) => match op {
            Subtract => a.checked_sub(*b).map(V::Timespan),
            Add | Multiply | Divide | Modulo => None,
        },
        (
            V::Null(_)
            | V::Bool(_)
            | V::Long(_)
            | V::Real(_)
            | V::Decimal(_)
            | V::String(_)
            | V::Datetime(_)
            | V::Timespan(_)
            | V::Guid(_)
            | V::Array(_)
            | V::Bag(_),
            _,
        ) => None,
    }
}

/// A timespan times a number, where the product is a whole number of ticks.
fn scaled(ticks: i64, number: &Value) -> Option<Value> {
    if let Value::Long(factor) = number {
        return ticks.checked_mul(*factor).map(Value::Timespan);
    }
    whole_ticks(exact_real(&Value::Long(ticks))? * exact_real(number)?)
}

/// A timespan divided by a number, where the quotient is a whole number of ticks.
fn divided(ticks: i64, number: &Value) -> Option<Value> {
    if let Value::Long(divisor) = number {
        return (ticks.checked_rem(*divisor)? == 0).then(|| Value::Timespan(ticks / divisor));
    }
    whole_ticks(exact_real(&Value::Long(ticks))? / exact_real(number)?)
}

fn whole_ticks(value: f64) -> Option<Value> {
    const EXACT: f64 = (1u64 << 53) as f64;
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(Value::Timespan(value as i64))
}
