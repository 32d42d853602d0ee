//! Searches that an analyst opens from an alert: <https://help.splunk.com/en/splunk-enterprise-security-7/administer/7.3/correlation-search/configure-correlation-searches-in-splunk-enterprise-security>.

use serde::Serialize;

use super::objects::Objects;

/// A search that is opened from an alert.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Drilldown {
    /// What it shows.
    name: String,
    /// The search; `$field$` is the value in the alert.
    search: String,
    /// From when.
    earliest_offset: &'static str,
    /// Until when.
    latest_offset: &'static str,
}

/// The rows of a search that tell of the same objects. `None` where there is no object, and where the search holds two dollars,
/// between which a field would be read.
pub(super) fn of(search: &str, objects: &Objects) -> Option<Vec<Drilldown>> {
    let fields: Vec<&str> = objects.risk.iter().map(|it| it.field.as_str()).collect();
    if fields.is_empty() || search.matches('$').nth(1).is_some() {
        return None;
    }
    let values: Vec<String> = fields.iter().map(|it| format!("${it}$")).collect();
    let same: Vec<String> = fields.iter().map(|it| format!("{}=\"${it}$\"", quoted(it))).collect();
    Some(vec![Drilldown {
        name: format!("Rows of the search for {}", values.join(", ")),
        search: format!("{search}\n| search {}", same.join(" ")),
        earliest_offset: "$info_min_time$",
        latest_offset: "$info_max_time$",
    }])
}

/// The name of a field in `search`: in quotes where it is not of letters, digits, `_` and points.
fn quoted(field: &str) -> String {
    let plain = field.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    if plain { field.to_owned() } else { format!("\"{field}\"") }
}
