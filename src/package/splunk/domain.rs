//! Which part of security a rule belongs to: `targets/splunk/domains.toml`, by the tables that the hunt reads.

use std::sync::LazyLock;

use serde::Deserialize;

use super::super::Subject;
use crate::data::{self, DataError};
use crate::diagnostic::{Code, Diagnostic};

/// The table of domains.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Domains {
    other: Domain,
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    domain: String,
    asset: String,
    tables: Vec<String>,
}

/// What a rule is about.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct Domain {
    /// The security domain of Enterprise Security: `endpoint`.
    pub(super) domain: String,
    /// The asset type of security content: `Endpoint`.
    pub(super) asset: String,
}

static DOMAINS: LazyLock<Result<Domains, DataError>> =
    LazyLock::new(|| data::parse("targets/splunk/domains.toml", include_str!("../../../targets/splunk/domains.toml")));

/// What the tables of a hunt are about, the first that is known; `false` where none is.
///
/// # Errors
/// The data is malformed, which its test excludes.
pub(super) fn of(subject: &Subject<'_>) -> Result<(Domain, bool), Box<Diagnostic>> {
    let domains = DOMAINS.as_ref().map_err(|error| {
        let message = format!("the data of the target can not be used: {error}");
        Box::new(Diagnostic::refusal(Code::BadTargetData, subject.span, message))
    })?;
    let needed = subject.translation.needs.iter().map(|need| need.of.as_str());
    let mut tables = needed.chain(subject.about.connectors.iter().flat_map(|it| &it.data_types).map(String::as_str));
    Ok(match tables.find_map(|table| domains.of_table(table)) {
        Some(found) => (found, true),
        None => (domains.other.clone(), false),
    })
}

impl Domains {
    fn of_table(&self, table: &str) -> Option<Domain> {
        let is_it = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => table.starts_with(start),
            None => table == pattern,
        };
        let row = self.rows.iter().find(|row| row.tables.iter().any(is_it))?;
        Some(Domain { domain: row.domain.clone(), asset: row.asset.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_domains() {
        let domains = DOMAINS.as_ref().unwrap();
        let of = |table: &str| domains.of_table(table).map(|it| it.domain);
        assert_eq!(of("DeviceProcessEvents").as_deref(), Some("endpoint"));
        assert_eq!(of("DeviceLogonEvents").as_deref(), Some("access"));
        assert_eq!(of("My_CL"), None);
        let known = ["access", "endpoint", "network", "threat", "identity", "audit"];
        assert!(domains.rows.iter().all(|row| known.contains(&row.domain.as_str())));
    }
}
