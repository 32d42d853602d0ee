//! Values: columns, constants and arithmetic in the eval language; functions are in `function`.
//!
//! A missing text is null in Splunk and the empty text in KQL: a value of type text may be either, and whoever looks at
//! it says what a null means. Times and spans of time are seconds.

use super::form::{call, text, when};
use std::cmp::Ordering;

use super::moment::{epoch, seconds};
use super::tree::{EvalExpr, Operator};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::fit::known::{sign, total};
use crate::plan::{ArithmeticOp, Expr, ExprKind, ScalarType, Value};

/// Nodes of an expression at most.
const MAX_NODES: usize = 50_000;

impl<'a> Fitter<'a, '_> {
    /// A value.
    pub(super) fn value(&mut self, expr: &Expr) -> Fit<EvalExpr> {
        let value = self.value_of(expr)?;
        // Some functions say their argument several times; within one another they would grow without bound.
        if matches!(expr.kind, ExprKind::Call { .. }) && value.is_larger_than(MAX_NODES) {
            let message = "the functions within one another would become too long an expression in SPL";
            return Err(Unsayable::new(Code::RefusedFunction, expr.span, message)
                .help("compute the inner value in a column of its own first"));
        }
        Ok(value)
    }

    fn value_of(&mut self, expr: &Expr) -> Fit<EvalExpr> {
        self.ledger.carried(expr.id);
        if let Some((value, _)) = self.hoisted.get(&expr.id) {
            return Ok(value.clone());
        }
        match &expr.kind {
            ExprKind::Literal(value @ (Value::Array(_) | Value::Bag(_))) => Ok(self.constant(value)),
            ExprKind::Literal(value) => literal(expr, value),
            ExprKind::Moment(moment) => self.moment(*moment, expr.span),
            ExprKind::Column(column) => {
                let column = self.column(column, expr.ty, expr.span)?;
                self.given_out(&column, expr.span);
                Ok(column.value())
            }
            ExprKind::Path { base, steps } => self.part(expr, base, steps),
            ExprKind::Call { .. } => self.call(expr),
            ExprKind::Arithmetic { op, left, right } => self.arithmetic(expr, *op, left, right),
            ExprKind::Negate(inner) => {
                let inner = self.operand(inner)?;
                Ok(EvalExpr::Negate(Box::new(inner)))
            }
            ExprKind::Compare { .. }
            | ExprKind::Text(_)
            | ExprKind::In { .. }
            | ExprKind::Presence { .. }
            | ExprKind::Time(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_) => self.truth_value(expr),
            ExprKind::Scalar(pipeline) => self.scalar(expr, pipeline),
        }
    }

    /// A condition as a value: Splunk's fields hold no truth values. Where the condition is null there is no value.
    pub(super) fn truth_value(&mut self, expr: &Expr) -> Fit<EvalExpr> {
        let yes = self.predicate(expr)?.eval;
        if total(expr) {
            return Ok(when(yes, text("true"), text("false")));
        }
        let no = self.negation(expr)?.eval;
        Ok(call("case", [yes, text("true"), no, text("false")]))
    }

    fn arithmetic(&mut self, expr: &Expr, op: ArithmeticOp, left: &Expr, right: &Expr) -> Fit<EvalExpr> {
        let (a, b) = (self.operand(left)?, self.operand(right)?);
        let is_whole = |ty| matches!(ty, ScalarType::Int | ScalarType::Long);
        let divided = |fitter: &mut Self| {
            if !fitter.is_positive(right) && sign(right).is_none_or(Ordering::is_eq) {
                let message =
                    "a division by zero has no value in Splunk; KQL's is infinite, not a number, or not documented";
                fitter.note(Code::Approximated, Effect::Unsure, expr.span, message);
            }
        };
        let op = match op {
            ArithmeticOp::Add => Operator::Add,
            ArithmeticOp::Subtract => Operator::Subtract,
            ArithmeticOp::Multiply => Operator::Multiply,
            ArithmeticOp::Modulo => {
                divided(self);
                let rest = EvalExpr::arithmetic(Operator::Modulo, a, b.clone());
                if self.is_positive(left) {
                    return Ok(rest);
                }
                // KQL's remainder is never below zero, <https://learn.microsoft.com/kusto/query/numerical-operators>.
                if !self.is_positive(right) {
                    self.note(Code::Approximated, Effect::Unsure, expr.span, "the sign of a remainder may differ");
                }
                let above = EvalExpr::arithmetic(Operator::Add, rest, b.clone());
                return Ok(EvalExpr::arithmetic(Operator::Modulo, above, b));
            }
            ArithmeticOp::Divide if is_whole(left.ty) && is_whole(right.ty) => {
                divided(self);
                // KQL cuts off the fraction of a quotient of whole numbers.
                let rest = EvalExpr::arithmetic(Operator::Modulo, a.clone(), b.clone());
                let even = EvalExpr::arithmetic(Operator::Subtract, a, rest);
                return Ok(EvalExpr::arithmetic(Operator::Divide, even, b));
            }
            ArithmeticOp::Divide => {
                divided(self);
                Operator::Divide
            }
        };
        Ok(EvalExpr::arithmetic(op, a, b))
    }

    /// Whether a number is above zero for certain: a constant, or the count of a group.
    fn is_positive(&self, expr: &Expr) -> bool {
        if let (Some("toreal" | "tolong" | "toint"), ExprKind::Call { args, .. }) =
            (self.function_name(expr), &expr.kind)
        {
            return args.first().is_some_and(|arg| self.is_positive(arg));
        }
        let column = expr.as_column().and_then(|column| self.scope.made.get(&column.name));
        sign(expr) == Some(Ordering::Greater) || column.is_some_and(|column| column.positive)
    }
}

fn literal(expr: &Expr, value: &Value) -> Fit<EvalExpr> {
    Ok(match value {
        Value::Null(_) => EvalExpr::null(),
        Value::Bool(value) => EvalExpr::Text(value.to_string()),
        Value::Long(number) => EvalExpr::Number(number.to_string()),
        Value::Real(number) if number.is_finite() => EvalExpr::Number(number.to_string()),
        Value::Real(_) => return Err(Unsayable::not_yet(expr.span, "an infinite number")),
        Value::Decimal(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => EvalExpr::Number(text.clone()),
        Value::Decimal(_) => return Err(Unsayable::not_yet(expr.span, "this number")),
        Value::String(text) | Value::Guid(text) => EvalExpr::Text(text.clone()),
        Value::Datetime(ticks) => EvalExpr::Number(epoch(*ticks)),
        Value::Timespan(ticks) => EvalExpr::Number(seconds(*ticks)),
        Value::Array(_) | Value::Bag(_) => EvalExpr::Text(crate::fit::json::json_text(value)),
    })
}
