//! Conversions of constants between types, where KQL's result is documented and exact.

use super::calendar;
use crate::plan::{ScalarType, Value};

/// The text that KQL makes of a constant: `tostring(x)`. Reals, truths, arrays and bags have texts that no documentation
/// states, so they give `None`. A null is the empty text: <https://learn.microsoft.com/kusto/query/tostring-function>.
pub(super) fn exact_text(value: &Value) -> Option<String> {
    match value {
        Value::Null(_) => Some(String::new()),
        Value::Long(value) => Some(value.to_string()),
        Value::String(text) | Value::Guid(text) => Some(text.clone()),
        Value::Datetime(ticks) => calendar::format_datetime(*ticks),
        Value::Timespan(ticks) => Some(calendar::format_timespan(*ticks)),
        Value::Bool(_) | Value::Real(_) | Value::Decimal(_) | Value::Array(_) | Value::Bag(_) => None,
    }
}

/// A number as a double, if it is one exactly.
pub(super) fn exact_real(value: &Value) -> Option<f64> {
    const EXACT: i64 = 1 << 53;
    match value {
        Value::Real(value) => Some(*value),
        Value::Long(value) if (-EXACT..=EXACT).contains(value) => Some(*value as f64),
        Value::Long(_)
        | Value::Null(_)
        | Value::Bool(_)
        | Value::Decimal(_)
        | Value::String(_)
        | Value::Datetime(_)
        | Value::Timespan(_)
        | Value::Guid(_)
        | Value::Array(_)
        | Value::Bag(_) => None,
    }
}

/// `true` and `false` as a text.
pub(super) fn to_bool(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A plain decimal integer.
pub(super) fn to_long(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// A plain decimal number.
pub(super) fn to_real(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if plain(whole) && plain(fraction) { text.parse().ok().filter(|value: &f64| value.is_finite()) } else { None }
}

/// `tobool(x)`, `tolong(x)`, … of a constant.
///
/// <https://learn.microsoft.com/kusto/query/tobool-function>, …/tolong-function, …/toint-function (truncates),
/// …/toreal-function, …/totimespan-function, …/todatetime-function. A text that is not of the plain form is not folded:
/// KQL reads more forms than are documented.
pub(super) fn to_type(ty: ScalarType, value: &Value) -> Option<Value> {
    use ScalarType as T;
    use Value as V;
    if matches!(value, V::Null(_)) {
        return Some(if ty == T::String { V::String(String::new()) } else { V::Null(ty) });
    }
    match (ty, value) {
        (T::String, value) => exact_text(value).map(V::String),
        (T::Bool, V::Bool(value)) => Some(V::Bool(*value)),
        (T::Bool, V::Long(value)) => Some(V::Bool(*value != 0)),
        (T::Bool, V::String(text)) => to_bool(text).map(V::Bool),
        (T::Int, value) => match long(value)? {
            number if i32::try_from(number).is_ok() => Some(V::Long(number)),
            _ => None,
        },
        (T::Long, value) => long(value).map(V::Long),
        (T::Real, V::Long(_) | V::Real(_)) => exact_real(value).map(V::Real),
        (T::Real, V::String(text)) => to_real(text).map(V::Real),
        (T::Timespan, V::Timespan(ticks)) => Some(V::Timespan(*ticks)),
        (T::Timespan, V::String(text)) => calendar::parse_timespan(text).map(V::Timespan),
        (T::Datetime, V::Datetime(ticks)) => Some(V::Datetime(*ticks)),
        (T::Datetime, V::String(text)) => calendar::parse_datetime(text).map(V::Datetime),
        (T::Guid, V::Guid(text)) => Some(V::Guid(text.clone())),
        (T::Bool | T::Real | T::Timespan | T::Datetime | T::Guid | T::Decimal | T::Dynamic | T::Unknown, _) => None,
    }
}

fn long(value: &Value) -> Option<i64> {
    match value {
        Value::Long(value) => Some(*value),
        Value::Real(value) if value.abs() < 9.0e15 => Some(value.trunc() as i64),
        Value::String(text) => to_long(text),
        Value::Real(_)
        | Value::Null(_)
        | Value::Bool(_)
        | Value::Decimal(_)
        | Value::Datetime(_)
        | Value::Timespan(_)
        | Value::Guid(_)
        | Value::Array(_)
        | Value::Bag(_) => None,
    }
}
