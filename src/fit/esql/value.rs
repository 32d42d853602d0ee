//! Values: columns, constants and arithmetic; functions are in `function`.
//!
//! A missing text is null in ES|QL and the empty text in KQL: a value of type text may be either, and whoever looks at it
//! says what a null means. A span of time is a number of milliseconds, since no column of ES|QL holds one.

use std::cmp::Ordering;

use super::function::Shape;
use super::scope::{Column, Form, converted};
use super::tree::{Expr, Operator};
use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::known::{sign, total};
use crate::plan::{ArithmeticOp, Expr as Meant, ExprKind, ScalarType, TICKS_PER_SECOND, Value};
use crate::source::Span;

/// Nodes of an expression at most.
const MAX_NODES: usize = 50_000;

impl<'a> Fitter<'a, '_> {
    /// A value, in the type of [`Fitter::form`].
    pub(super) fn value(&mut self, expr: &Meant) -> Fit<Expr> {
        let value = self.value_of(expr)?;
        // Some functions say their argument several times; within one another they would grow without bound.
        if matches!(expr.kind, ExprKind::Call { .. }) && value.is_larger_than(MAX_NODES) {
            let message = "the functions within one another would become too long an expression in ES|QL";
            return Err(Unsayable::new(Code::RefusedFunction, expr.span, message)
                .help("compute the inner value in a column of its own first"));
        }
        Ok(value)
    }

    fn value_of(&mut self, expr: &Meant) -> Fit<Expr> {
        self.ledger.carried(expr.id);
        match &expr.kind {
            ExprKind::Literal(value) => self.literal(expr, value),
            ExprKind::Moment(moment) => self.moment(*moment, expr.span),
            ExprKind::Column(reference) => {
                let column = self.column(reference, expr.ty, expr.span)?;
                self.used(&column, expr.span);
                Ok(column.value())
            }
            ExprKind::Path { .. } => match self.part_column(expr)? {
                Some(column) => Ok(column.bare()),
                None => self.part(expr),
            },
            ExprKind::Call { .. } => self.call(expr),
            ExprKind::Arithmetic { op, left, right } => self.arithmetic(expr, *op, left, right),
            ExprKind::Negate(inner) => Ok(Expr::Negate(Box::new(self.operand(inner)?))),
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

    /// The type that [`Fitter::value`] gives an expression.
    pub(super) fn form(&self, expr: &Meant) -> Form {
        let dynamic = matches!(expr.ty, ScalarType::Dynamic | ScalarType::Unknown);
        match &expr.kind {
            ExprKind::Path { .. } => self.part_form(expr),
            ExprKind::Call { .. } | ExprKind::Literal(_) if dynamic => self.element_form(expr),
            ExprKind::Column(reference) if dynamic => {
                self.scope.made.get(&reference.name).map_or(Form::Keyword, |column| column.form)
            }
            ExprKind::Column(_)
            | ExprKind::Literal(_)
            | ExprKind::Moment(_)
            | ExprKind::Call { .. }
            | ExprKind::Arithmetic { .. }
            | ExprKind::Negate(_)
            | ExprKind::Compare { .. }
            | ExprKind::Text(_)
            | ExprKind::In { .. }
            | ExprKind::Presence { .. }
            | ExprKind::Time(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Scalar(_) => Form::of(expr.ty),
        }
    }

    /// A value to compute with: what is of no known type is read as a number.
    pub(super) fn operand(&mut self, expr: &Meant) -> Fit<Expr> {
        let value = self.value(expr)?;
        Ok(match self.form(expr) {
            Form::Untold => converted(value, Form::Untold, Form::Double),
            Form::Keyword if expr.ty == ScalarType::Dynamic => converted(value, Form::Keyword, Form::Double),
            Form::Keyword | Form::Long | Form::Double | Form::Boolean | Form::Date | Form::Ip | Form::Unread(_) => {
                value
            }
        })
    }

    /// A value as text, as KQL's `tostring` gives it; null or empty where there is none.
    pub(super) fn text_value(&mut self, expr: &Meant) -> Fit<Expr> {
        if let Some(column) = self.held_column(expr)? {
            self.used(&column, expr.span);
            return Ok(self.column_text(expr, &column));
        }
        self.text_note(expr);
        if let Some(Value::Datetime(ticks)) = expr.as_literal() {
            self.ledger.carried(expr.id);
            return self.date_text(*ticks, expr.span);
        }
        if self.shape(expr) == Shape::Many && expr.as_literal().is_none() {
            let value = self.value(expr)?;
            let form = self.form(expr);
            return Ok(self.list_text(expr, converted(value, form, Form::Keyword)));
        }
        let value = self.value(expr)?;
        Ok(match (value, self.form(expr)) {
            (Expr::Number(number), _) => Expr::Text(number),
            (value, form) => converted(value, form, Form::Keyword),
        })
    }

    /// The text of a column.
    pub(super) fn column_text(&mut self, expr: &Meant, column: &Column<'a>) -> Expr {
        if column.object && !column.many {
            let message = "the column is taken for its JSON text, which the field must hold";
            self.note(Code::FieldCaveat, Effect::Unsure, expr.span, message);
        }
        self.text_note(expr);
        if column.many && column.known.is_none() && column.form != Form::Untold {
            return self.list_text(expr, converted(column.bare(), column.form, Form::Keyword));
        }
        converted(column.bare(), column.form, Form::Keyword)
    }

    /// Notes that a value is computed with which the ingest has changed; comparisons follow the change by themselves.
    pub(super) fn used(&mut self, column: &Column<'a>, span: Span) {
        if let Some(note) = column.known.as_ref().and_then(|field| field.used(span)) {
            self.ledger.note(self.polarity, *note);
        }
    }

    /// Notes that a value is given out as the ingest has changed it.
    pub(super) fn shown(&mut self, column: &Column<'a>, span: Span) {
        if let Some(note) = column.known.as_ref().and_then(|field| field.shown(span)) {
            self.ledger.note(self.polarity, *note);
        }
    }

    /// What the text of a value differs in.
    fn text_note(&mut self, expr: &Meant) {
        let message = match expr.ty {
            ScalarType::Datetime => "ES|QL writes a time with milliseconds, KQL with seven digits of a second",
            ScalarType::Timespan => "ES|QL writes a length of time as a number of milliseconds",
            ScalarType::Real | ScalarType::Decimal => "a number with a fraction may have another text in ES|QL",
            ScalarType::Bool => "ES|QL writes a truth value in lower case, KQL as `True` and `False`",
            ScalarType::Dynamic
            | ScalarType::Guid
            | ScalarType::Int
            | ScalarType::Long
            | ScalarType::String
            | ScalarType::Unknown => return,
        };
        self.note(Code::Approximated, Effect::Unsure, expr.span, message);
    }

    /// A condition as a value: null only where KQL's is.
    fn truth_value(&mut self, expr: &Meant) -> Fit<Expr> {
        // A part that is false where a text is missing must not make the whole null.
        if let ExprKind::And(parts) | ExprKind::Or(parts) = &expr.kind
            && !total(expr)
        {
            self.ledger.carried(expr.id);
            let said = parts.iter().map(|part| self.truth_value(part)).collect::<Fit<Vec<_>>>()?;
            return Ok(if matches!(expr.kind, ExprKind::And(_)) { Expr::all(said) } else { Expr::any(said) });
        }
        let condition = self.predicate(expr)?;
        Ok(if total(expr) { condition.or(Expr::Bool(false)) } else { condition })
    }

    fn arithmetic(&mut self, expr: &Meant, op: ArithmeticOp, left: &Meant, right: &Meant) -> Fit<Expr> {
        if let Some(moved) = self.time_arithmetic(expr, op, left, right)? {
            return Ok(moved);
        }
        let (a, b) = (self.operand(left)?, self.operand(right)?);
        let divided = |fitter: &mut Self| {
            if !fitter.is_positive(right) && sign(right).is_none_or(Ordering::is_eq) {
                let message =
                    "a division by zero has no value in ES|QL; KQL's is infinite, not a number, or not documented";
                fitter.note(Code::Approximated, Effect::Unsure, expr.span, message);
            }
        };
        let op = match op {
            ArithmeticOp::Add => Operator::Add,
            ArithmeticOp::Subtract => Operator::Subtract,
            ArithmeticOp::Multiply => Operator::Multiply,
            ArithmeticOp::Modulo => {
                divided(self);
                let rest = Expr::arithmetic(Operator::Modulo, a, b.clone());
                if self.is_positive(left) {
                    return Ok(rest);
                }
                // KQL's remainder is never below zero, <https://learn.microsoft.com/kusto/query/numerical-operators>.
                if !self.is_positive(right) {
                    self.note(Code::Approximated, Effect::Unsure, expr.span, "the sign of a remainder may differ");
                }
                let above = Expr::arithmetic(Operator::Add, rest, b.clone());
                return Ok(Expr::arithmetic(Operator::Modulo, above, b));
            }
            ArithmeticOp::Divide => {
                divided(self);
                if left.ty == ScalarType::Timespan && right.ty == ScalarType::Timespan {
                    // How often one length of time is in another has a fraction.
                    let a = converted(a, Form::Keyword, Form::Double);
                    return Ok(Expr::arithmetic(Operator::Divide, a, b));
                }
                Operator::Divide
            }
        };
        Ok(Expr::arithmetic(op, a, b))
    }

    /// Whether a number is above zero for certain: a constant, or the count of a group.
    pub(super) fn is_positive(&self, expr: &Meant) -> bool {
        if let (Some("toreal" | "tolong" | "toint"), ExprKind::Call { args, .. }) =
            (self.function_name(expr), &expr.kind)
        {
            return args.first().is_some_and(|arg| self.is_positive(arg));
        }
        let column = expr.as_column().and_then(|column| self.scope.made.get(&column.name));
        sign(expr) == Some(Ordering::Greater) || column.is_some_and(|column| column.positive)
    }

    fn literal(&mut self, expr: &Meant, value: &Value) -> Fit<Expr> {
        Ok(match value {
            Value::Null(_) => Expr::Null,
            Value::Bool(value) => Expr::Bool(*value),
            Value::Long(number) => Expr::number(number),
            Value::Real(number) if number.is_finite() => real(&number.to_string()),
            Value::Real(_) => return Err(unwritten(expr.span, "an infinite number")),
            Value::Decimal(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => real(text),
            Value::Decimal(_) => return Err(unwritten(expr.span, "this number")),
            Value::String(text) | Value::Guid(text) => Expr::text(text.clone()),
            Value::Datetime(ticks) => {
                let text = self.date_text(*ticks, expr.span)?;
                Expr::call("TO_DATETIME", [text])
            }
            Value::Timespan(ticks) => milliseconds(*ticks),
            Value::Array(items) => {
                let items: Option<Vec<Expr>> = items.iter().map(scalar).collect();
                match items {
                    Some(mut items) if items.len() == 1 => items.remove(0),
                    Some(items) if !items.is_empty() && same_kind(&items) => Expr::List(items),
                    Some(_) | None => Expr::text(crate::fit::json::json_text(value)),
                }
            }
            Value::Bag(_) => Expr::text(crate::fit::json::json_text(value)),
        })
    }
}

/// Ticks as a number of milliseconds.
pub(super) fn milliseconds(ticks: i64) -> Expr {
    let per = TICKS_PER_SECOND / 1000;
    if ticks % per == 0 { Expr::number(ticks / per) } else { real(&(ticks as f64 / per as f64).to_string()) }
}

/// A number that is a `double`, also where it is whole.
fn real(text: &str) -> Expr {
    let whole = text.trim_start_matches('-').chars().all(|char| char.is_ascii_digit());
    Expr::Number(if whole { format!("{text}.0") } else { text.to_owned() })
}

/// A constant that can be one of several values of a column.
pub(super) fn scalar(value: &Value) -> Option<Expr> {
    match value {
        Value::Bool(value) => Some(Expr::Bool(*value)),
        Value::Long(number) => Some(Expr::number(number)),
        Value::String(text) | Value::Guid(text) => Some(Expr::text(text.clone())),
        Value::Null(_)
        | Value::Real(_)
        | Value::Decimal(_)
        | Value::Datetime(_)
        | Value::Timespan(_)
        | Value::Array(_)
        | Value::Bag(_) => None,
    }
}

pub(super) fn same_kind(items: &[Expr]) -> bool {
    items.windows(2).all(|pair| match pair {
        [a, b] => std::mem::discriminant(a) == std::mem::discriminant(b),
        _ => true,
    })
}
