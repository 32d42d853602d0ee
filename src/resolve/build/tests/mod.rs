//! The constructors, by what comes out of them: here how results are built and shown.

mod conditions;
mod values;

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use super::*;
use crate::plan::{
    Absence, ArithmeticOp, Bound, Case, Moment, Needles, PathStep, Pipeline, TICKS_PER_DAY, TICKS_PER_SECOND,
};
use ast::BinaryOp as B;
use ast::MembershipOp as M;

/// Makes one expression.
type Make = fn(&mut Builder<'_>) -> Built;

fn vocabulary() -> &'static Vocabulary {
    static ALL: OnceLock<Vocabulary> = OnceLock::new();
    ALL.get_or_init(|| Vocabulary::embedded().unwrap())
}

/// Builds with the time column `T`; gives the result, its text and the codes of the notes.
fn built(make: impl FnOnce(&mut Builder<'_>) -> Built) -> (Expr, String, Vec<&'static str>) {
    let mut notes = Vec::new();
    let time_columns = [Arc::from("T")];
    let mut builder = Builder { vocabulary: vocabulary(), notes: &mut notes, time_columns: &time_columns };
    let expr = make(&mut builder).unwrap();
    let text = show(&expr);
    (expr, text, notes.iter().map(|note| note.code.text()).collect())
}

fn check(make: impl FnOnce(&mut Builder<'_>) -> Built, expected: &str) {
    let (_, text, notes) = built(make);
    assert_eq!(text, expected);
    assert_eq!(notes, Vec::<&str>::new(), "{expected}");
}

fn noted(make: impl FnOnce(&mut Builder<'_>) -> Built, expected: &str, codes: &[&str]) {
    let (_, text, notes) = built(make);
    assert_eq!(text, expected);
    assert_eq!(notes, codes, "{expected}");
}

fn refused(make: impl FnOnce(&mut Builder<'_>) -> Built) -> &'static str {
    let mut notes = Vec::new();
    make(&mut Builder { vocabulary: vocabulary(), notes: &mut notes, time_columns: &[] }).unwrap_err().code.text()
}

const HERE: Span = Span::new(0, 0);

fn typed(name: &str, ty: ScalarType) -> Expr {
    Expr::new(ExprKind::Column(ColumnRef { name: Arc::from(name), known: true }), ty, HERE)
}
fn x() -> Expr {
    typed("x", ScalarType::String)
}
fn n() -> Expr {
    typed("n", ScalarType::Long)
}
fn b() -> Expr {
    typed("b", ScalarType::Bool)
}
fn d() -> Expr {
    typed("d", ScalarType::Dynamic)
}
fn u() -> Expr {
    typed("u", ScalarType::Unknown)
}
fn t() -> Expr {
    typed("T", ScalarType::Datetime)
}
fn value(value: Value) -> Expr {
    let ty = value.ty();
    literal(value, ty, HERE)
}
fn s(text: &str) -> Expr {
    value(Value::String(text.into()))
}
fn i(number: i64) -> Expr {
    value(Value::Long(number))
}
fn r(number: f64) -> Expr {
    value(Value::Real(number))
}
fn yes(is: bool) -> Expr {
    truth(is, HERE)
}
fn days(count: i64) -> Expr {
    value(Value::Timespan(count * TICKS_PER_DAY))
}
fn at(text: &str) -> Expr {
    value(Value::Datetime(calendar::parse_datetime(text).unwrap()))
}
fn array(items: &[&str]) -> Expr {
    value(Value::Array(items.iter().map(|text| Value::String((*text).into())).collect()))
}

fn show_moment(moment: Moment) -> String {
    match moment {
        Moment::Absolute(ticks) => calendar::format_datetime(ticks).unwrap().replace("T00:00:00.0000000Z", ""),
        Moment::Relative { offset, floor, after } => {
            let mut text = format!("now{}", if offset == 0 { String::new() } else { format!("+{}", span(offset)) });
            if let Some(unit) = floor {
                write!(text, "/{unit:?}").unwrap();
            }
            if after != 0 {
                write!(text, "+{}", span(after)).unwrap();
            }
            text
        }
    }
}

fn span(ticks: i64) -> String {
    calendar::format_timespan(ticks)
}

fn show_value(value: &Value) -> String {
    match value {
        Value::Null(ty) => format!("{ty}(null)"),
        Value::Bool(value) => value.to_string(),
        Value::Long(value) => value.to_string(),
        Value::Real(value) => format!("{value:?}"),
        Value::Decimal(text) | Value::Guid(text) => text.clone(),
        Value::String(text) => format!("{text:?}"),
        Value::Datetime(ticks) => show_moment(Moment::Absolute(*ticks)),
        Value::Timespan(ticks) => span(*ticks),
        Value::Array(items) => format!("[{}]", items.iter().map(show_value).collect::<Vec<_>>().join(",")),
        Value::Bag(slots) => {
            let slots: Vec<_> = slots.iter().map(|(name, value)| format!("{name}:{}", show_value(value))).collect();
            format!("{{{}}}", slots.join(","))
        }
    }
}

fn list(items: &[Expr]) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn show(expr: &Expr) -> String {
    let not = |negated: bool| if negated { "!" } else { "" };
    match &expr.kind {
        ExprKind::Literal(value) => show_value(value),
        ExprKind::Moment(moment) => show_moment(*moment),
        ExprKind::Column(column) => column.name.to_string(),
        ExprKind::Path { base, steps } => steps.iter().fold(show(base), |text, step| match step {
            PathStep::Key(key) => format!("{text}.{key}"),
            PathStep::Index(index) => format!("{text}[{index}]"),
            PathStep::Computed(index) => format!("{text}[{}]", show(index)),
        }),
        ExprKind::Call { function, args } => {
            format!("{}({})", vocabulary().function_row(*function).unwrap().name, list(args))
        }
        ExprKind::Arithmetic { op, left, right } => {
            let op = match op {
                ArithmeticOp::Add => "+",
                ArithmeticOp::Subtract => "-",
                ArithmeticOp::Multiply => "*",
                ArithmeticOp::Divide => "/",
                ArithmeticOp::Modulo => "%",
            };
            format!("({} {op} {})", show(left), show(right))
        }
        ExprKind::Negate(inner) => format!("-{}", show(inner)),
        ExprKind::Compare { op, left, right } => format!("{} {op:?} {}", show(left), show(right)),
        ExprKind::Text(text) => {
            let case = match text.case {
                Case::Sensitive => "",
                Case::Insensitive => "~",
            };
            let needles = match &text.needles {
                Needles::One(needle) => show(needle),
                Needles::Any(needles) => format!("any({})", list(needles)),
                Needles::All(needles) => format!("all({})", list(needles)),
                Needles::Table(_) => "table".to_owned(),
            };
            format!("{} {}{:?}{case} {needles}", show(&text.subject), not(text.negated), text.how)
        }
        ExprKind::In { subject, values, negated } => {
            format!("{} {}in ({})", show(subject), not(*negated), list(values))
        }
        ExprKind::Presence { subject, absence, negated } => {
            let absence = match absence {
                Absence::Empty => "empty",
                Absence::Null => "null",
            };
            format!("{}{absence}({})", not(*negated), show(subject))
        }
        ExprKind::Time(range) => {
            let end = |bound: &Option<Bound>, open: &str, closed: &str| match bound {
                None => "…".to_owned(),
                Some(bound) => format!("{}{}", if bound.inclusive { closed } else { open }, show_moment(bound.moment)),
            };
            let (from, to) = (end(&range.from, ">", ">="), end(&range.to, "<", "<="));
            format!("{}{}({from} {to})", not(range.negated), range.column.name)
        }
        ExprKind::And(items) => format!("and({})", list(items)),
        ExprKind::Or(items) => format!("or({})", list(items)),
        ExprKind::Not(inner) => format!("not({})", show(inner)),
        ExprKind::Scalar(_) => "toscalar".to_owned(),
    }
}
