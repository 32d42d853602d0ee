//! Constants of type `dynamic` as the JSON text that KQL gives them.

use crate::plan::Value;

/// A constant as JSON text.
pub(crate) fn json_text(value: &Value) -> String {
    // The depth of a constant is bounded by that of the hunt.
    fn json(value: &Value) -> serde_json::Value {
        match value {
            Value::Null(_) => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Long(value) => (*value).into(),
            Value::Real(value) => (*value).into(),
            Value::Decimal(text) | Value::String(text) | Value::Guid(text) => text.as_str().into(),
            Value::Datetime(ticks) => super::iso8601(*ticks).unwrap_or_default().into(),
            Value::Timespan(ticks) => super::seconds(*ticks).into(),
            Value::Array(items) => items.iter().map(json).collect(),
            Value::Bag(slots) => slots.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
        }
    }
    json(value).to_string()
}
