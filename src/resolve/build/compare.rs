//! Comparisons of values: `==`, `!=`, orderings and `between`. Operators on text are in `text`.
//!
//! Nulls: <https://learn.microsoft.com/kusto/query/scalar-data-types/null-values>.

use super::boolean::{as_bool, is_reference, negate, never_null};
use super::{Builder, Built, convert, cover, literal, time, truth};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::Tree as _;
use crate::plan::{ArithmeticOp, Case, CompareOp, Expr, ExprKind, ScalarType, TextHow, Value};
use crate::source::Span;

/// `between` names its subject once and the plan twice; a subject beyond this many nodes is not written twice.
const MAX_REPEATED: usize = 256;

impl Builder<'_> {
    /// `left op right` for `==`, `!=`, `<`, `<=`, `>`, `>=`.
    pub(super) fn compare(&mut self, op: CompareOp, left: Expr, right: Expr, span: Span) -> Expr {
        if let (Some(a), Some(b)) = (left.as_literal(), right.as_literal())
            && let Some(value) = constants(op, a, b)
        {
            return truth(value, cover(span, [&left, &right]));
        }
        // The constant stands on the right.
        let (op, left, right) =
            if is_constant(&left) && !is_constant(&right) { (op.mirrored(), right, left) } else { (op, left, right) };
        let right = self.coerced(&left, right, matches!(op, CompareOp::Eq | CompareOp::Ne));
        if let Some(range) = self.time_range(op, &left, &right) {
            return Expr::new(ExprKind::Time(range), ScalarType::Bool, cover(span, [&left, &right]));
        }
        match op {
            CompareOp::Eq | CompareOp::Ne => self.equality(op == CompareOp::Ne, left, right, span),
            CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => plain(op, left, right, span),
        }
    }

    fn equality(&mut self, negated: bool, left: Expr, right: Expr, span: Span) -> Expr {
        if is_text(&left) || is_text(&right) {
            return self.text(TextHow::Equals, Case::Sensitive, negated, left, right, span);
        }
        // A boolean that is never null and is compared with a constant is itself or its negation.
        if let Some(value) = as_bool(&right)
            && left.ty == ScalarType::Bool
            && !is_reference(&left.kind)
            && never_null(&left)
        {
            let span = cover(span, [&left, &right]);
            let expr = if value != negated { left } else { negate(left) };
            return Expr { span, ..expr };
        }
        plain(if negated { CompareOp::Ne } else { CompareOp::Eq }, left, right, span)
    }

    /// A constant that KQL would not compare with a value of the subject's type becomes one of that type, with a warning.
    /// `0` and `1` beside a boolean are the two truths: <https://learn.microsoft.com/kusto/query/scalar-data-types/bool>.
    /// `equality`: the two are tested for equality, not for their order.
    pub(super) fn coerced(&mut self, subject: &Expr, constant: Expr, equality: bool) -> Expr {
        let Some(value) = constant.as_literal() else {
            self.check_types(subject, &constant);
            return constant;
        };
        let text = match value {
            Value::String(text) => Some(text.as_str()),
            Value::Null(_)
            | Value::Bool(_)
            | Value::Long(_)
            | Value::Real(_)
            | Value::Decimal(_)
            | Value::Datetime(_)
            | Value::Timespan(_)
            | Value::Guid(_)
            | Value::Array(_)
            | Value::Bag(_) => None,
        };
        let better = match subject.ty {
            ScalarType::Bool => match (value, text) {
                (Value::Long(number @ (0 | 1)), _) => return truth(*number == 1, constant.span),
                (_, Some(text)) => convert::to_bool(text).map(Value::Bool),
                (_, None) => return self.checked(subject, constant),
            },
            ScalarType::Int | ScalarType::Long => match text {
                Some(text) => convert::to_long(text).map(Value::Long),
                None => return self.checked(subject, constant),
            },
            ScalarType::Real => match text {
                Some(text) => convert::to_real(text).map(Value::Real),
                None => return self.checked(subject, constant),
            },
            ScalarType::Datetime => match text {
                Some(text) => super::calendar::parse_datetime(text).map(Value::Datetime),
                None => return self.checked(subject, constant),
            },
            ScalarType::Timespan => match text {
                Some(text) => super::calendar::parse_timespan(text).map(Value::Timespan),
                None => return self.checked(subject, constant),
            },
            ScalarType::String => match text {
                None if !matches!(value, Value::Null(_)) => convert::exact_text(value).map(Value::String),
                None | Some(_) => return constant,
            },
            ScalarType::Decimal | ScalarType::Dynamic | ScalarType::Guid | ScalarType::Unknown => return constant,
        };
        let (ty, message) = (subject.ty, format!("a `{}` is compared with a `{}`", subject.ty, constant.ty));
        // The hunt runs where the two are of one type after all, and a whole number is equal to another where their texts
        // are: so the texts are compared.
        let whole = match (ty, value, &better) {
            (ScalarType::String, Value::Long(number), _) => Some(number.to_string()),
            (ScalarType::Int | ScalarType::Long, Value::String(text), Some(Value::Long(number))) => {
                Some(number.to_string()).filter(|number| number == text)
            }
            _ => None,
        };
        if let Some(text) = whole.filter(|_| equality) {
            let warning = Diagnostic::warning(Code::TypeMismatch, constant.span, message);
            let warning = warning.help(format!("write a constant of type `{ty}`"));
            self.notes.push(Diagnostic { effect: Some(Effect::Exact), ..warning });
            return literal(Value::String(text), ScalarType::String, constant.span);
        }
        self.mismatch(constant.span, message, &format!("write a constant of type `{ty}`"));
        match better {
            Some(value) => literal(value, ty, constant.span),
            None => constant,
        }
    }

    fn checked(&mut self, subject: &Expr, constant: Expr) -> Expr {
        if !matches!(constant.as_literal(), Some(Value::Null(_))) {
            self.check_types(subject, &constant);
        }
        constant
    }

    fn check_types(&mut self, left: &Expr, right: &Expr) {
        let loose = |ty| matches!(ty, ScalarType::Unknown | ScalarType::Dynamic);
        let same = left.ty == right.ty || (left.ty.is_numeric() && right.ty.is_numeric());
        if !same && !loose(left.ty) && !loose(right.ty) {
            let message = format!("a `{}` is compared with a `{}`", left.ty, right.ty);
            self.mismatch(left.span.to(right.span), message, "convert one of the two, with tostring() or tolong() say");
        }
    }

    /// `subject between (low .. high)`: both ends belong to it. With a timespan as `high` the window is that long.
    ///
    /// <https://learn.microsoft.com/kusto/query/between-operator>
    pub(crate) fn between(&mut self, subject: Expr, negated: bool, low: Expr, high: Expr, span: Span) -> Built {
        let low = if is_constant(&low) { self.coerced(&subject, low, false) } else { low };
        let high = if high.ty == ScalarType::Timespan && low.ty == ScalarType::Datetime {
            let place = high.span;
            self.arithmetic(ArithmeticOp::Add, low.clone(), high, place)
        } else if is_constant(&high) {
            self.coerced(&subject, high, false)
        } else {
            high
        };
        if let Some(range) = self.time_window(&subject, &low, &high) {
            let kind = ExprKind::Time(crate::plan::TimeRange { negated, ..range });
            return Ok(Expr::new(kind, ScalarType::Bool, cover(span, [&subject, &low, &high])));
        }
        if !is_constant(&subject) && larger_than(&subject, MAX_REPEATED) {
            let message = "the subject of `between` is too large to be written out twice";
            return Err(Box::new(
                Diagnostic::error(Code::TooLong, subject.span, message).help("compute it in a column of its own first"),
            ));
        }
        let at_least = self.compare(CompareOp::Ge, subject.clone(), low, span);
        let at_most = self.compare(CompareOp::Le, subject, high, span);
        let both = self.and(vec![at_least, at_most], span);
        Ok(if negated { negate(both) } else { both })
    }
}

/// The comparison as it stands.
fn plain(op: CompareOp, left: Expr, right: Expr, span: Span) -> Expr {
    Expr::new(ExprKind::Compare { op, left: Box::new(left), right: Box::new(right) }, ScalarType::Bool, span)
}

/// Whether it is a constant or a moment.
pub(super) fn is_constant(expr: &Expr) -> bool {
    expr.as_literal().is_some() || time::as_moment(expr).is_some()
}

/// Whether it is text for certain.
pub(super) fn is_text(expr: &Expr) -> bool {
    expr.ty == ScalarType::String || expr.as_str().is_some()
}

/// Whether an expression has more than so many nodes.
fn larger_than(expr: &Expr, limit: usize) -> bool {
    let mut nodes = 0usize;
    expr.visit(&mut |_| nodes += 1);
    nodes > limit
}

/// Compares two constants; `None` where KQL's answer is null or not certain.
pub(super) fn constants(op: CompareOp, left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Null(_), Value::Null(_)) => None,
        // A null and a value are unequal; every other comparison with a null is null.
        (Value::Null(_), _) | (_, Value::Null(_)) => match op {
            CompareOp::Eq => Some(false),
            CompareOp::Ne => Some(true),
            CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => None,
        },
        (Value::Bool(a), Value::Bool(b)) => equal_only(op, a == b),
        (Value::Guid(a), Value::Guid(b)) => equal_only(op, a == b),
        (Value::String(a), Value::String(b)) => equal_only(op, a == b),
        (Value::Long(a), Value::Long(b)) => Some(op.holds(a.cmp(b))),
        (Value::Datetime(a), Value::Datetime(b)) => Some(op.holds(a.cmp(b))),
        (Value::Timespan(a), Value::Timespan(b)) => Some(op.holds(a.cmp(b))),
        (Value::Long(_) | Value::Real(_), Value::Long(_) | Value::Real(_)) => {
            let (a, b) = (convert::exact_real(left)?, convert::exact_real(right)?);
            a.partial_cmp(&b).map(|order| op.holds(order))
        }
        (
            Value::Bool(_)
            | Value::Long(_)
            | Value::Real(_)
            | Value::Decimal(_)
            | Value::String(_)
            | Value::Datetime(_)
            | Value::Timespan(_)
            | Value::Guid(_)
            | Value::Array(_)
            | Value::Bag(_),
            _,
        ) => None,
    }
}

fn equal_only(op: CompareOp, equal: bool) -> Option<bool> {
    match op {
        CompareOp::Eq => Some(equal),
        CompareOp::Ne => Some(!equal),
        CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => None,
    }
}
