//! A site's own tables and columns, laid over a schema: `--fields FILE`.
//!
//! The form is that of a schema's tables: `[tables.X.selector]`, `[tables.X.columns]`, `[tables.X.keys]`,
//! `[tables.X.parts]`; a column or part may be the name of its field alone. A file that says `target = "splunk"` (or `elastic`, `eql`, `esql`, `sigma`) is for those
//! targets only; one that does not is laid over every schema in use, so its names hold in all of them.

use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::selector::{FormVisitor, SelectorForm, Tables, with_form};
use super::{ColumnMap, Selector, TableMap, Target};
use crate::data::{self, DataError};

/// A site's own tables and columns.
#[derive(Clone, Debug)]
pub struct Overlay {
    file: String,
    target: Target,
    tables: Tables<Table>,
}

#[derive(Clone, Debug)]
struct Table {
    selector: Option<Selector>,
    columns: IndexMap<String, ColumnMap>,
    keys: IndexMap<String, String>,
    parts: IndexMap<String, ColumnMap>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "S: SelectorForm")]
struct File<S> {
    #[serde(default, rename = "target")]
    _target: Option<String>,
    tables: Tables<Written<S>>,
}

/// What is read of a file first: the family of targets that it is for.
#[derive(Deserialize)]
struct Head {
    target: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "S: SelectorForm")]
struct Written<S> {
    selector: Option<S>,
    #[serde(default)]
    columns: IndexMap<String, Field>,
    #[serde(default)]
    keys: IndexMap<String, String>,
    #[serde(default)]
    parts: IndexMap<String, Field>,
}

/// A table of properties, or the name of the field alone.
struct Field(ColumnMap);

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Field;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a field, or a table with `field`")
            }

            fn visit_str<E: de::Error>(self, field: &str) -> Result<Field, E> {
                Ok(Field(ColumnMap { field: field.to_owned(), ..ColumnMap::default() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Field, A::Error> {
                ColumnMap::deserialize(de::value::MapAccessDeserializer::new(map)).map(Field)
            }
        }
        let field = deserializer.deserialize_any(Either)?;
        if field.0.field.is_empty() { Err(de::Error::custom("the name of a field is empty")) } else { Ok(field) }
    }
}

impl Overlay {
    /// Reads an overlay for the schemas of a target.
    ///
    /// # Errors
    /// The file can not be read or is malformed; the error has the line.
    pub fn read(target: Target, path: &Path) -> Result<Option<Self>, DataError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(target, &file, &text),
            Err(error) => Err(DataError::of_file(file, error.to_string())),
        }
    }

    /// Reads the text of an overlay; `None` where it says that it is for another target.
    ///
    /// # Errors
    /// The text is malformed; the error has the line.
    pub fn parse(target: Target, file: &str, text: &str) -> Result<Option<Self>, DataError> {
        let head: Head = data::parse(file, text)?;
        if let Some(name) = head.target {
            let family: &[Target] = match name.as_str() {
                "elastic" => &[Target::Eql, Target::Esql],
                name => match Target::from_name(name) {
                    Some(Target::Splunk) => &[Target::Splunk],
                    Some(Target::Eql) => &[Target::Eql],
                    Some(Target::Esql) => &[Target::Esql],
                    Some(Target::Sigma) => &[Target::Sigma],
                    None => return Err(DataError::of_file(file, format!("there is no target `{name}`"))),
                },
            };
            if !family.contains(&target) {
                return Ok(None);
            }
        }
        struct Read<'a>(&'a str, &'a str);
        impl FormVisitor for Read<'_> {
            type Output = Result<Tables<Table>, DataError>;

            fn visit<S: SelectorForm>(self) -> Self::Output {
                let File { tables, .. } = data::parse::<File<S>>(self.0, self.1)?;
                let columns =
                    |it: IndexMap<String, Field>| it.into_iter().map(|(name, field)| (name, field.0)).collect();
                let table = |it: Written<S>| Table {
                    selector: it.selector.map(S::wrap),
                    columns: columns(it.columns),
                    keys: it.keys,
                    parts: columns(it.parts),
                };
                Ok(tables.into_iter().map(|(name, it)| (name, table(it))).collect())
            }
        }
        Ok(Some(Self { file: file.to_owned(), target, tables: with_form(target, Read(file, text))? }))
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    pub(super) fn fits(&self, target: Target) -> Result<(), DataError> {
        let elastic = |target| matches!(target, Target::Eql | Target::Esql);
        if self.target == target || (elastic(self.target) && elastic(target)) {
            return Ok(());
        }
        Err(DataError::of_file(&self.file, format!("the overlay was read for {}, not {target}", self.target)))
    }

    pub(super) fn lay_over<S: SelectorForm>(&self, map: &mut TableMap) {
        let Some(table) = self.tables.get(&map.table) else { return };
        if let Some(over) = table.selector.clone().and_then(S::unwrap) {
            map.selector = S::unwrap(map.selector.clone()).unwrap_or_default().overlaid(over).wrap();
            map.inferred = false;
            map.inferred_part = None;
        }
        for (column, field) in &table.columns {
            map.unmapped.shift_remove(column);
            map.columns.insert(column.clone(), field.clone());
        }
        map.keys.extend(table.keys.clone());
        // Where the site says that a column lies elsewhere, its parts do.
        let elsewhere = |part: &str| {
            let column = part.split(['.', '[']).next().unwrap_or_default();
            table.columns.contains_key(column) || table.keys.contains_key(column)
        };
        map.parts.retain(|part, _| !elsewhere(part));
        map.parts.extend(table.parts.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{ColumnAnswer, Targets};
    use crate::vocabulary::Vocabulary;

    const PARTS: &str = r#"
[tables.SigninLogs.columns]
DeviceDetail = "site.device"
[tables.SigninLogs.parts]
"LocationDetails.city" = "site.city"
"#;

    #[test]
    fn a_site_names_parts_of_columns() {
        let targets = Targets::embedded();
        let overlay = Overlay::parse(Target::Esql, "site.toml", PARTS).unwrap().unwrap();
        let schema = targets.schema(Target::Esql, None).unwrap().with_overlay(overlay).unwrap();
        let map = schema.table("SigninLogs").unwrap().unwrap();
        let part = |column, path| crate::target::Schema::part(map, column, path).map(|part| part.map(|it| &*it.field));
        assert_eq!(part("LocationDetails", "LocationDetails.city"), Some(Some("site.city")));
        assert_eq!(part("Status", "Status.colour"), Some(None));
        // The column lies elsewhere, and its parts with it.
        assert_eq!(part("DeviceDetail", "DeviceDetail.browser"), None);
    }

    const SITE: &str = r#"
[tables.SigninLogs.selector]
index_macro = "site_entra"
[tables.SigninLogs.columns]
UserPrincipalName = "user"
[tables.Site_CL.columns]
Who = { field = "who", case = "lower" }
"#;

    #[test]
    fn a_site_lies_over_a_schema() {
        let (targets, vocabulary) = (Targets::embedded(), Vocabulary::embedded().unwrap());
        let schema = targets.schema(Target::Splunk, None).unwrap();
        let before = schema.table("SigninLogs").unwrap().unwrap().columns.len();
        let schema = schema.with_overlay(Overlay::parse(Target::Splunk, "site.toml", SITE).unwrap().unwrap()).unwrap();
        let map = schema.table("SigninLogs").unwrap().unwrap();
        let Selector::Splunk(selector) = &map.selector else { panic!("not Splunk's") };
        assert_eq!(selector.index_macro.as_deref(), Some("site_entra"));
        assert!(!selector.terms.is_empty(), "what the overlay does not name stays");
        assert_eq!((map.columns["UserPrincipalName"].field.as_str(), map.columns.len()), ("user", before));
        let custom = schema.table("Site_CL").unwrap();
        assert!(matches!(schema.column(None, custom, "Who"), ColumnAnswer::Mapped(_)));
        assert_eq!(schema.column(None, custom, "Other"), ColumnAnswer::Kept);
        assert!(schema.table("AuditLogs").unwrap().is_some() && vocabulary.table("Site_CL").unwrap().is_none());
    }

    #[test]
    fn an_absent_table_can_be_given() {
        let schema = Targets::embedded().schema(Target::Eql, None).unwrap();
        assert!(schema.table("Heartbeat").unwrap().unwrap().selector.absent().is_some());
        let text = "[tables.Heartbeat.selector]\nindex = \"logs-agents-*\"\n";
        let schema = schema.with_overlay(Overlay::parse(Target::Esql, "site.toml", text).unwrap().unwrap()).unwrap();
        let selector = &schema.table("Heartbeat").unwrap().unwrap().selector;
        let Selector::Elastic(elastic) = selector else { panic!("not Elastic's") };
        assert_eq!((selector.absent(), elastic.event_category.as_deref()), (None, Some("any")));
    }

    #[test]
    fn faults_have_a_line() {
        for (line, text) in [
            (2, "[tables.X.selector]\nindex = \"elastic's\"\n"),
            (3, "[tables.X]\n[tables.X.columns]\nA = { feild = \"a\" }\n"),
            (2, "[tables.X.columns]\nA = { provenance = \"S1\" }\n"),
            (2, "[tables.X.columns]\nA = 1\n"),
            (2, "[tables.X.selector]\nterms = [{ field = \"a\" }]\n"),
            (1, "[table.X]\n"),
            (3, "[tables.X.columns]\nA = \"a\"\nA = \"b\"\n"),
        ] {
            let error = Overlay::parse(Target::Splunk, "site.toml", text).unwrap_err();
            assert_eq!(error.line, Some(line), "{text}: {error}");
        }
    }

    #[test]
    fn a_file_can_be_for_one_target() {
        let text = "target = \"elastic\"\n[tables.X.selector]\nindex = \"logs-x-*\"\n";
        assert!(Overlay::parse(Target::Splunk, "site.toml", text).unwrap().is_none());
        assert!(Overlay::parse(Target::Eql, "site.toml", text).unwrap().is_some());
        assert!(Overlay::parse(Target::Eql, "site.toml", "target = \"qradar\"\n[tables]\n").is_err());
    }

    #[test]
    fn an_overlay_is_for_one_family_of_targets() {
        let overlay = Overlay::parse(Target::Sigma, "site.toml", "[tables.X.columns]\nA = \"a\"\n").unwrap().unwrap();
        let schema = Targets::embedded().schema(Target::Splunk, None).unwrap();
        assert!(schema.with_overlay(overlay).unwrap_err().to_string().contains("read for sigma"));
    }
}
