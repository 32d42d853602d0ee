//! How data is named in a target: tables to selectors, columns to fields.
//!
//! A schema is a folder with a `schema.toml` and a file a table, which is parsed when the table is first asked for. What a
//! difference of names or values does to a hunt is decided in `fit`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use indexmap::IndexMap;
use serde::Deserialize;

use super::selector::{FormVisitor, SelectorForm, with_form};
use super::{CaseChange, Otherwise, Overlay, Selector, Target};
use crate::data::{DataError, Files};
use crate::plan::ScalarType;
use crate::vocabulary::TableRow;

/// A table in a target.
#[derive(Clone, Debug, PartialEq)]
pub struct TableMap {
    /// The table in KQL.
    pub table: String,
    /// How its events are found.
    pub selector: Selector,
    /// Its columns, by their names in KQL.
    pub columns: IndexMap<String, ColumnMap>,
    /// Columns that have no single field, and why.
    pub unmapped: IndexMap<String, String>,
    /// Columns of type `dynamic` whose keys are fields of their own: what stands before the key.
    pub keys: IndexMap<String, String>,
    /// Parts of `dynamic` columns that are fields of their own, by their path: `DeviceDetail.browser`, `Targets[*].id`. A
    /// column of which one part is listed has no other. `*` in a field is the number that stands for it in the path.
    pub parts: IndexMap<String, ColumnMap>,
    /// The schema lists every column that has a field. Otherwise a column that is not listed keeps its name.
    pub complete: bool,
    /// No source states how the events are found, or that the columns correspond.
    pub inferred: bool,
    /// What of it is inferred, where it is not all.
    pub inferred_part: Option<String>,
    /// What else is known of it.
    pub note: Option<String>,
}

/// A column in a target.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMap {
    /// The field.
    pub field: String,
    /// Key of `grammars/tables/sources.toml`.
    #[serde(default)]
    pub provenance: Option<String>,
    /// No source states it.
    #[serde(default)]
    pub inferred: bool,
    /// Ingest changes the case of all values.
    #[serde(default)]
    pub case: Option<CaseChange>,
    /// Ingest puts this for every blank in a value.
    #[serde(default)]
    pub blanks: Option<String>,
    /// Ingest takes each of these off the front of a value.
    #[serde(default)]
    pub strips: Vec<String>,
    /// The field has each of these fronts of a value written so.
    #[serde(default)]
    pub fronts: IndexMap<String, String>,
    /// The column is the hexadecimal text (`0x1a2c`) of the number that the field holds.
    #[serde(default)]
    pub hex: bool,
    /// The field may hold several values for one event.
    #[serde(default)]
    pub list: bool,
    /// Where the column is empty, ingest puts the value of this one into the field.
    #[serde(default)]
    pub fallback: Option<String>,
    /// Values that ingest replaces.
    #[serde(default)]
    pub values: IndexMap<String, String>,
    /// What becomes of the other values.
    #[serde(default)]
    pub otherwise: Option<Otherwise>,
    /// The type of the field where it is another than the column's.
    #[serde(default)]
    pub stored_as: Option<ScalarType>,
    /// Splunk: the text that a missing value arrives as, where it is the field's own.
    #[serde(default)]
    pub null_text: Option<String>,
    /// Why a comparison with the field may differ: each use of the column is unsure.
    #[serde(default)]
    pub caveat: Option<String>,
    /// What does not change a comparison.
    #[serde(default)]
    pub remark: Option<String>,
    /// Elastic: whose field it is.
    #[serde(default)]
    pub kind: Option<FieldKind>,
    /// Elastic: the type of the field's mapping, where it is known; `keyword` is not written for fields of ECS.
    #[serde(default)]
    pub elastic_type: Option<FieldType>,
    /// Elastic: the field of the integration that the value was copied from, unchanged; dropped by default.
    #[serde(default)]
    pub custom: Option<String>,
    /// Elastic: the pipeline removes the field unless the site says otherwise.
    #[serde(default)]
    pub dropped_by_default: bool,
    /// Other fields that may hold the value.
    #[serde(default)]
    pub alternatives: Vec<String>,
    /// Sigma: the field holds a whole path (or `DOMAIN\name`) whose last part is the column.
    #[serde(default)]
    pub base_name_of: bool,
    /// Sigma: the field holds the column and, behind a separator, more: a key of the registry and the name of a value,
    /// `DOMAIN\name`.
    #[serde(default)]
    pub front_of: bool,
    /// Sigma: the categories in which there is always more behind the column.
    #[serde(default)]
    pub front_in: Vec<String>,
    /// Sigma: the column is the class of the address that the field holds: the networks of each class; a class without any
    /// has all other addresses.
    #[serde(default)]
    pub networks: IndexMap<String, Vec<String>>,
    /// Sigma: all values of the column are in this case and those of the field in any, so that case is not compared.
    #[serde(default)]
    pub caseless: Option<CaseChange>,
    /// Sigma: why a comparison with the field may find more.
    #[serde(default)]
    pub wider: Option<String>,
    /// Sigma: other fields, by the category of the log source.
    #[serde(default)]
    pub by_category: BTreeMap<String, String>,
    /// Sigma: the column has no field in other categories.
    #[serde(default)]
    pub only_by_category: bool,
}

/// Whose field it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// The Elastic Common Schema.
    Ecs,
    /// An integration, in a place of its own.
    Integration,
    /// An integration, in a place of ECS that ECS does not have.
    NonEcsExtension,
    /// An integration, before the value is copied.
    Custom,
}

/// Types of mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // The names are Elasticsearch's own.
pub enum FieldType {
    Boolean,
    ConstantKeyword,
    Date,
    Double,
    Flattened,
    Float,
    GeoPoint,
    Ip,
    Keyword,
    Long,
    MatchOnlyText,
    Nested,
    Object,
    ScaledFloat,
    Text,
    Wildcard,
}

/// What happens to a table that the schema does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownTable {
    /// It is selected by its name.
    Fallback,
    /// It is refused.
    #[default]
    Refuse,
}

/// What happens to a column that the vocabulary does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownColumn {
    /// It keeps its name.
    Keep,
    /// It is refused.
    #[default]
    Refuse,
}

/// What a schema says of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnAnswer<'a> {
    /// It is this field.
    Mapped(&'a ColumnMap),
    /// It is the event's time: this field.
    Time(&'a str),
    /// It keeps its name, because the schema names nothing or the column is not known.
    Kept,
    /// The schema has no field for it, for this reason where it is known.
    Unmapped(Option<&'a str>),
    /// It is not known and the schema refuses such columns.
    Refused,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaFile<S> {
    title: String,
    description: String,
    time_field: String,
    #[serde(default)]
    lists: Vec<String>,
    unknown_table: UnknownTable,
    unknown_column: UnknownColumn,
    #[serde(default)]
    absent_table: UnknownTable,
    #[serde(default)]
    unmapped_column: UnknownColumn,
    #[serde(default)]
    instead: Option<String>,
    fallback: S,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile<S> {
    table: String,
    inferred: bool,
    #[serde(default)]
    inferred_part: Option<String>,
    #[serde(default)]
    note: Option<String>,
    selector: S,
    columns: IndexMap<String, ColumnMap>,
    #[serde(default)]
    unmapped: IndexMap<String, String>,
    #[serde(default)]
    keys: IndexMap<String, String>,
    #[serde(default)]
    parts: IndexMap<String, ColumnMap>,
}

/// How data is named in a target, at a site.
#[derive(Debug)]
pub struct Schema {
    /// The target.
    pub target: Target,
    /// Its name.
    pub name: String,
    /// Its name in full.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// The field of the event's time.
    pub time_field: String,
    /// Fields that hold several values by the rules of the schema, beside those that a column names.
    pub lists: Vec<String>,
    /// What happens to a table that it does not hold.
    pub unknown_table: UnknownTable,
    /// What happens to a column that the vocabulary does not hold.
    pub unknown_column: UnknownColumn,
    /// What happens to a table that has no source here.
    pub absent_table: UnknownTable,
    /// What happens to a column of a known table that has no field here, where nothing is known of where its value lies.
    pub unmapped_column: UnknownColumn,
    /// The schema to use for what this one has no place for.
    pub instead: Option<String>,
    fallback: Selector,
    folder: String,
    files: Files,
    overlays: Vec<Overlay>,
    tables: BTreeMap<String, OnceLock<Result<TableMap, DataError>>>,
}

const SCHEMA: &str = "schema";

impl Schema {
    pub(super) fn open(target: Target, name: &str, folder: String, files: Files) -> Result<Self, DataError> {
        struct Read<'a>(&'a str, &'a Files);
        impl FormVisitor for Read<'_> {
            type Output = Result<SchemaFile<Selector>, DataError>;

            fn visit<S: SelectorForm>(self) -> Self::Output {
                let it: SchemaFile<S> = self.1.load(self.0)?;
                let fallback = it.fallback.wrap();
                Ok(SchemaFile {
                    title: it.title,
                    description: it.description,
                    time_field: it.time_field,
                    lists: it.lists,
                    unknown_table: it.unknown_table,
                    unknown_column: it.unknown_column,
                    absent_table: it.absent_table,
                    unmapped_column: it.unmapped_column,
                    instead: it.instead,
                    fallback,
                })
            }
        }
        let file = with_form(target, Read(&format!("{folder}/{SCHEMA}.toml"), &files))?;
        let stems = files.stems(&folder)?;
        let tables = stems.iter().filter(|stem| *stem != SCHEMA).map(|stem| (stem.replace('.', ":"), OnceLock::new()));
        Ok(Self {
            target,
            name: name.to_owned(),
            title: file.title,
            description: file.description,
            time_field: file.time_field,
            lists: file.lists,
            unknown_table: file.unknown_table,
            unknown_column: file.unknown_column,
            absent_table: file.absent_table,
            unmapped_column: file.unmapped_column,
            instead: file.instead,
            fallback: file.fallback,
            tables: tables.collect(),
            folder,
            files,
            overlays: Vec::new(),
        })
    }

    /// The same with a site's own tables and columns laid over it; a later overlay lies over an earlier one.
    ///
    /// # Errors
    /// The overlay is of another family of targets.
    pub fn with_overlay(mut self, overlay: Overlay) -> Result<Self, DataError> {
        overlay.fits(self.target)?;
        for table in overlay.tables() {
            self.tables.insert(table.to_owned(), OnceLock::new());
        }
        // What was parsed before does not hold any more.
        self.tables.values_mut().for_each(|cell| *cell = OnceLock::new());
        self.overlays.push(overlay);
        Ok(self)
    }

    /// The names of the tables that it holds, sorted.
    pub fn table_names(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// A table by its name in KQL (not by another name of it); `None` where the schema does not hold it.
    ///
    /// # Errors
    /// The table's file is malformed.
    pub fn table(&self, name: &str) -> Result<Option<&TableMap>, DataError> {
        let Some((name, cell)) = self.tables.get_key_value(name) else { return Ok(None) };
        cell.get_or_init(|| with_form(self.target, Load(self, name))).as_ref().map(Some).map_err(Clone::clone)
    }

    /// How the events of a table that it does not hold are found; `None` where such tables are refused.
    pub fn fallback(&self, table: &str) -> Option<Selector> {
        struct Name<'a>(&'a Selector, &'a str);
        impl FormVisitor for Name<'_> {
            type Output = Option<Selector>;

            fn visit<S: SelectorForm>(self) -> Self::Output {
                Some(S::unwrap(self.0.clone())?.named(self.1).wrap())
            }
        }
        match self.unknown_table {
            UnknownTable::Refuse => None,
            UnknownTable::Fallback => with_form(self.target, Name(&self.fallback, table)),
        }
    }

    /// The part of a column at a path such as `Targets[*].id`, where parts of the column are listed: it, or that it has no
    /// field.
    pub fn part<'a>(map: &'a TableMap, column: &str, path: &str) -> Option<Option<&'a ColumnMap>> {
        let of_column = |part: &String| part.strip_prefix(column).is_some_and(|rest| rest.starts_with(['.', '[']));
        let listed = map.parts.get(path);
        (listed.is_some() || map.parts.keys().any(of_column)).then_some(listed)
    }

    /// What it says of a column of a table. `row` is the table in the vocabulary and `map` the table here, where they are known.
    pub fn column<'a>(&'a self, row: Option<&TableRow>, map: Option<&'a TableMap>, column: &str) -> ColumnAnswer<'a> {
        if let Some(field) = map.and_then(|map| map.columns.get(column)) {
            return ColumnAnswer::Mapped(field);
        }
        if row.is_some_and(|row| row.is_time(column)) {
            return ColumnAnswer::Time(&self.time_field);
        }
        let known = row.is_some_and(|row| row.column(column).is_some());
        match (map, known, self.unknown_column) {
            (Some(map), true, _) if map.complete => {
                ColumnAnswer::Unmapped(map.unmapped.get(column).map(String::as_str))
            }
            (_, false, UnknownColumn::Refuse) => ColumnAnswer::Refused,
            (_, true, _) | (_, false, UnknownColumn::Keep) => ColumnAnswer::Kept,
        }
    }
}

struct Load<'a>(&'a Schema, &'a str);

impl FormVisitor for Load<'_> {
    type Output = Result<TableMap, DataError>;

    fn visit<S: SelectorForm>(self) -> Self::Output {
        let Self(schema, name) = self;
        let path = format!("{}/{}.toml", schema.folder, name.replace(':', "."));
        // The name of an overlay's table is no path.
        let text = if name.contains(['/', '\\']) { None } else { schema.files.read(&path)? };
        let mut map = match text {
            Some(text) => {
                let file: TableFile<S> = crate::data::parse(&schema.files.name(&path), &text)?;
                if file.table != name {
                    let message = format!("the file is named for `{name}` and describes `{}`", file.table);
                    return Err(DataError::of_file(schema.files.name(&path), message));
                }
                TableMap {
                    table: file.table,
                    selector: file.selector.wrap(),
                    columns: file.columns,
                    unmapped: file.unmapped,
                    keys: file.keys,
                    parts: file.parts,
                    complete: true,
                    inferred: file.inferred,
                    inferred_part: file.inferred_part,
                    note: file.note,
                }
            }
            None => TableMap {
                table: name.to_owned(),
                selector: schema.fallback(name).unwrap_or_else(|| S::default().wrap()),
                columns: IndexMap::new(),
                unmapped: IndexMap::new(),
                keys: IndexMap::new(),
                parts: IndexMap::new(),
                complete: false,
                inferred: false,
                inferred_part: None,
                note: None,
            },
        };
        for overlay in &schema.overlays {
            overlay.lay_over::<S>(&mut map);
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Targets, Term, TermTest};
    use crate::vocabulary::Vocabulary;

    /// The columns of KQL that a selector looks at.
    fn conditions(selector: &Selector) -> Vec<&str> {
        match selector {
            Selector::Splunk(it) => it.terms.iter().filter_map(from_column).collect(),
            Selector::Elastic(it) => {
                let categories = it.categories.iter().map(|it| it.when.column.as_str());
                it.terms.iter().filter_map(from_column).chain(categories).collect()
            }
            Selector::Sigma(it) => {
                let signs = it.platforms.iter().flat_map(|sign| sign.columns.iter().map(String::as_str));
                it.alternatives.iter().map(|it| it.when.column.as_str()).chain(signs).collect()
            }
        }
    }

    fn from_column(term: &Term) -> Option<&str> {
        match &term.test {
            TermTest::FromColumn { column, .. } => Some(column),
            TermTest::OneOf(_) | TermTest::Like(_) | TermTest::Exists => None,
        }
    }

    /// The columns of KQL that have other fields in an alternative log source.
    fn own_columns(selector: &Selector) -> Vec<&str> {
        let Selector::Sigma(it) = selector else { return Vec::new() };
        let paths = it.alternatives.iter().flat_map(|other| other.fields.keys());
        paths.filter_map(|path| path.split(['.', '[']).next()).collect()
    }

    /// Sigma takes other terms from the hunt's own conditions, and reads patterns of signs as they are written.
    fn check_sigma(selector: &Selector, place: &str, sources: &BTreeMap<String, String>) {
        let Selector::Sigma(it) = selector else { return };
        let alternatives = &it.alternatives;
        for term in it.terms.iter().chain(alternatives.iter().flat_map(|other| &other.terms)) {
            assert!(matches!(term.test, TermTest::OneOf(_) | TermTest::Exists), "{place}: {term:?}");
        }
        for other in alternatives {
            let known = other.provenance.as_ref().is_none_or(|key| sources.contains_key(key));
            assert!(known && !other.when.values.is_empty(), "{place}: {other:?}");
        }
        for sign in &it.platforms {
            let lower = |value: &String| *value == value.to_lowercase() && value.len() > 1;
            assert!(sign.values.iter().all(lower) && !sign.values.is_empty(), "{place}: {sign:?}");
        }
    }

    #[test]
    fn every_table_of_every_schema_is_one_of_the_vocabulary() {
        #[derive(Deserialize)]
        struct Sources {
            sources: BTreeMap<String, String>,
        }
        let text = include_str!("../../grammars/tables/sources.toml");
        let Sources { sources } = crate::data::parse("sources.toml", text).unwrap();
        let (targets, vocabulary) = (Targets::embedded(), Vocabulary::embedded().unwrap());
        for target in Target::ALL {
            for name in targets.schema_names(target).unwrap() {
                let schema = targets.schema(target, Some(&name)).unwrap();
                let mut count = 0;
                for table in schema.table_names() {
                    count += 1;
                    let place = format!("{target}/{name}/{table}");
                    let row = vocabulary.table(table).unwrap().unwrap_or_else(|| panic!("{place}: no such table"));
                    assert_eq!(row.name, table, "{place}: a legacy name");
                    let map = schema.table(table).unwrap().unwrap();
                    let parts = map.parts.keys().filter_map(|part| part.split(['.', '[']).next());
                    let columns = map.columns.keys().chain(map.unmapped.keys()).chain(map.keys.keys());
                    for column in columns.map(String::as_str).chain(parts) {
                        assert!(row.column(column).is_some(), "{place}: no column `{column}`");
                    }
                    check_sigma(&map.selector, &place, &sources);
                    for column in own_columns(&map.selector) {
                        assert!(row.column(column).is_some(), "{place}: no column `{column}`");
                    }
                    for column in conditions(&map.selector) {
                        let sysmon = table == "Event:Sysmon" && column == "EventID";
                        assert!(sysmon || row.column(column).is_some(), "{place}: no column `{column}`");
                    }
                    for (column, field) in map.columns.iter().chain(&map.parts) {
                        let known = field.provenance.as_ref().is_none_or(|key| sources.contains_key(key));
                        assert!(known, "{place}.{column}: no source {:?}", field.provenance);
                        assert!(field.values.is_empty() == field.otherwise.is_none(), "{place}.{column}");
                    }
                }
                assert_eq!(count, if name == "source" { 0 } else { 57 }, "{target}/{name}");
            }
        }
    }

    #[test]
    fn every_table_is_found_or_says_why_not() {
        let targets = Targets::embedded();
        for target in Target::ALL {
            let schema = targets.schema(target, None).unwrap();
            for table in schema.table_names() {
                let map = schema.table(table).unwrap().unwrap();
                let found = match &map.selector {
                    Selector::Splunk(it) => it.datamodel.is_some() || !it.terms.is_empty(),
                    Selector::Elastic(it) => it.index.is_some() && it.event_category.is_some(),
                    Selector::Sigma(it) => it.category.is_some() || it.service.is_some() || !it.alternatives.is_empty(),
                };
                assert_ne!(found, map.selector.absent().is_some(), "{target}/{table}");
            }
        }
    }

    #[test]
    fn a_table_without_a_file_is_selected_by_its_name() {
        let targets = Targets::embedded();
        let schema = targets.schema(Target::Splunk, Some("source")).unwrap();
        assert!(schema.table("SigninLogs").unwrap().is_none());
        let Some(Selector::Splunk(selector)) = schema.fallback("My_CL") else { panic!("no selector") };
        assert_eq!(selector.terms[0].test, TermTest::OneOf(vec!["My_CL".to_owned()]));
        let vocabulary = Vocabulary::embedded().unwrap();
        let row = vocabulary.table("SigninLogs").unwrap();
        assert_eq!(schema.column(row, None, "TimeGenerated"), ColumnAnswer::Time("_time"));
        assert_eq!(schema.column(row, None, "UserPrincipalName"), ColumnAnswer::Kept);
    }

    #[test]
    fn a_column_is_mapped_kept_or_unmapped() {
        let (targets, vocabulary) = (Targets::embedded(), Vocabulary::embedded().unwrap());
        let schema = targets.schema(Target::Esql, None).unwrap();
        let (row, map) = (vocabulary.table("SecurityEvent").unwrap(), schema.table("SecurityEvent").unwrap());
        let ColumnAnswer::Mapped(event_id) = schema.column(row, map, "EventID") else { panic!("unmapped") };
        assert_eq!((event_id.field.as_str(), event_id.stored_as), ("event.code", Some(ScalarType::String)));
        assert!(matches!(schema.column(row, map, "Account"), ColumnAnswer::Unmapped(Some(_))));
        assert_eq!(schema.column(row, map, "NoSuchColumn"), ColumnAnswer::Kept);
    }
}
