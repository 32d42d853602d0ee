//! Tables and their columns, from `grammars/tables/*.toml`.
//!
//! A table has a file of its name (`:` is written `.`), which is parsed when the table is first asked for. How a table
//! is called in a target is not for here.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use indexmap::IndexMap;
use serde::Deserialize;

use crate::data::{self, DataError, Files};
use crate::plan::ScalarType;

/// A table of events.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRow {
    /// Its name in KQL.
    pub name: String,
    /// Where it comes from.
    pub family: Family,
    /// The columns that mean the event's time; never empty.
    pub time_columns: Vec<String>,
    /// Other names of the table: the parsers of an ASIM schema.
    pub aliases: Vec<String>,
    /// Key in `sources.toml` of the list of columns.
    #[serde(default)]
    pub source: Option<String>,
    /// What else is known of it.
    #[serde(default)]
    pub note: Option<String>,
    /// The columns, in the order of the source.
    pub columns: IndexMap<String, ColumnRow>,
    /// Parameters of an ASIM parser: `_Im_Dns(responsecodename='NXDOMAIN')`.
    #[serde(default)]
    pub parameters: IndexMap<String, ParameterRow>,
}

impl TableRow {
    /// A column by name; case counts, as in KQL.
    pub fn column(&self, name: &str) -> Option<&ColumnRow> {
        self.columns.get(name)
    }

    /// The column that a name was probably meant to be.
    pub fn nearest_column(&self, name: &str) -> Option<&str> {
        data::nearest(name, self.columns.keys().map(String::as_str))
    }

    /// Whether a column means the event's time.
    pub fn is_time(&self, column: &str) -> bool {
        self.time_columns.iter().any(|name| name == column)
    }
}

/// Where a table comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Advanced hunting of Microsoft Defender XDR.
    DefenderXdr,
    /// Log Analytics, Microsoft Sentinel.
    Sentinel,
    /// A schema of the Advanced Security Information Model.
    Asim,
    /// Rows of another table after a usual extraction: `Event:Sysmon`.
    Pseudo,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRow {
    /// Its type.
    #[serde(rename = "type")]
    pub ty: ScalarType,
    /// Key in `sources.toml`.
    #[serde(default)]
    pub source: Option<String>,
    /// Whether only some services have it.
    #[serde(default)]
    pub availability: Option<Availability>,
    /// Class of the column in its ASIM schema: `Mandatory`, `Alias`, `Common`, …
    #[serde(default)]
    pub class: Option<String>,
    /// The events that carry it, where a table holds several kinds.
    #[serde(default)]
    pub group: Option<String>,
    /// No source states it.
    #[serde(default)]
    pub inferred: bool,
}

/// Which services have a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Only the table as it is streamed to Sentinel lists it.
    SentinelOnlyInSource,
}

/// A filtering parameter of an ASIM parser: the condition that it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterRow {
    /// The columns it looks at; the condition holds if it holds for one of them.
    pub columns: Vec<String>,
    /// The condition.
    pub op: ParameterOp,
    /// The value when it is not given; without one it then filters nothing.
    #[serde(default)]
    pub default: Option<String>,
    /// What else is known of it.
    #[serde(default)]
    pub note: Option<String>,
    /// Key in `sources.toml`.
    #[serde(default)]
    pub source: Option<String>,
    /// No source states the columns or the condition.
    #[serde(default)]
    pub inferred: bool,
}

/// The condition of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum ParameterOp {
    /// `column == value`
    #[serde(rename = "==")]
    Eq,
    /// `column =~ value`
    #[serde(rename = "=~")]
    EqInsensitive,
    /// `column >= value`
    #[serde(rename = ">=")]
    Ge,
    /// `column <= value`
    #[serde(rename = "<=")]
    Le,
    /// `column in~ (values)`; a single value is a list of one.
    #[serde(rename = "in~")]
    InInsensitive,
    /// `column has value`
    #[serde(rename = "has")]
    Has,
    /// `column has_any (values)`
    #[serde(rename = "has_any")]
    HasAny,
    /// `column has_all (values)`
    #[serde(rename = "has_all")]
    HasAll,
    /// `has_ipv4_prefix(column, value)`
    #[serde(rename = "has_ipv4_prefix")]
    HasIpv4Prefix,
    /// `has_any_ipv4_prefix(column, values)`
    #[serde(rename = "has_any_ipv4_prefix")]
    HasAnyIpv4Prefix,
    /// It does not filter events.
    #[serde(rename = "ignore")]
    Ignore,
}

/// All tables, parsed on demand.
#[derive(Debug)]
pub struct Tables {
    files: Files,
    rows: BTreeMap<String, OnceLock<Result<TableRow, DataError>>>,
}

const FOLDER: &str = "tables";
/// The file in the folder of tables that is no table.
const SOURCES: &str = "sources";

impl Tables {
    pub(super) fn new(files: Files) -> Result<Self, DataError> {
        let stems = files.stems(FOLDER)?;
        let rows = stems.iter().filter(|stem| *stem != SOURCES).map(|stem| (stem.replace('.', ":"), OnceLock::new()));
        Ok(Self { rows: rows.collect(), files })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    pub(super) fn nearest(&self, name: &str) -> Option<&str> {
        data::nearest(name, self.names())
    }

    pub(super) fn get(&self, name: &str) -> Result<Option<&TableRow>, DataError> {
        if let Some((name, cell)) = self.rows.get_key_value(name) {
            return self.row(name, cell).map(Some);
        }
        // Other names stand in the head of a table's file. Most names that are no table's are nobody's: look before parsing.
        let quoted = format!("\"{name}\"");
        for (own, cell) in &self.rows {
            let text = self.files.require(&path(own))?;
            let head = text.split_once("\n[").map_or(text.as_ref(), |(head, _)| head);
            if head.contains(&quoted) {
                let row = self.row(own, cell)?;
                if row.aliases.iter().any(|alias| alias == name) {
                    return Ok(Some(row));
                }
            }
        }
        Ok(None)
    }

    fn row<'a>(
        &'a self,
        name: &str,
        cell: &'a OnceLock<Result<TableRow, DataError>>,
    ) -> Result<&'a TableRow, DataError> {
        cell.get_or_init(|| {
            let path = path(name);
            let row: TableRow = self.files.load(&path)?;
            let fault = |message: String| Err(DataError::of_file(self.files.name(&path), message));
            if row.name != name {
                return fault(format!("the file is named for `{name}` and describes `{}`", row.name));
            }
            match row.time_columns.iter().find(|column| row.column(column).is_none()) {
                Some(column) => fault(format!("time column `{column}` is not a column")),
                None if row.time_columns.is_empty() => fault("no time column".to_owned()),
                None => Ok(row),
            }
        })
        .as_ref()
        .map_err(Clone::clone)
    }
}

fn path(name: &str) -> String {
    format!("{FOLDER}/{}.toml", name.replace(':', "."))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::vocabulary::Vocabulary;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sources {
        sources: BTreeMap<String, String>,
    }

    #[test]
    fn every_table_parses_and_names_its_sources() {
        let vocabulary = Vocabulary::embedded().unwrap();
        let sources: Sources = vocabulary.tables.files.load("tables/sources.toml").unwrap();
        let known = |key: &Option<String>| key.as_ref().is_none_or(|key| sources.sources.contains_key(key));
        let (mut tables, mut names) = (0, HashSet::new());
        for name in vocabulary.table_names() {
            let row = vocabulary.table(name).unwrap().unwrap();
            tables += 1;
            assert!(known(&row.source), "{name}");
            assert!(names.insert(name.to_owned()), "{name} twice");
            for alias in &row.aliases {
                assert!(names.insert(alias.clone()), "{alias} twice");
                assert_eq!(vocabulary.table(alias).unwrap().unwrap().name, name);
            }
            for (column, it) in &row.columns {
                assert!(known(&it.source), "{name}.{column}");
            }
            for (parameter, it) in &row.parameters {
                assert!(known(&it.source), "{name}({parameter})");
                assert_eq!(it.columns.is_empty(), it.op == ParameterOp::Ignore, "{name}({parameter})");
                assert!(it.columns.iter().all(|column| row.column(column).is_some()), "{name}({parameter})");
            }
        }
        assert_eq!(tables, 57);
    }

    #[test]
    fn case_counts_and_the_nearest_is_offered() {
        let vocabulary = Vocabulary::embedded().unwrap();
        assert!(vocabulary.table("securityevent").unwrap().is_none());
        assert_eq!(vocabulary.nearest_table("securityevent"), Some("SecurityEvent"));
        let table = vocabulary.table("SecurityEvent").unwrap().unwrap();
        assert_eq!(table.nearest_column("eventid"), Some("EventID"));
        assert_eq!(table.column("EventID").unwrap().ty, ScalarType::Int);
        assert!(vocabulary.table("../functions").unwrap().is_none());
    }

    #[test]
    fn columns_keep_the_order_of_the_source() {
        let vocabulary = Vocabulary::embedded().unwrap();
        let table = vocabulary.table("DeviceProcessEvents").unwrap().unwrap();
        assert_eq!(table.columns.get_index(0).unwrap().0, "Timestamp");
        assert_eq!(table.time_columns, ["Timestamp", "TimeGenerated"]);
        assert_eq!(vocabulary.table("Event:Sysmon").unwrap().unwrap().family, Family::Pseudo);
    }
}
