//! Tables and columns of the hunt in the target's schema, with the notes that their mapping asks for.
//!
//! Decides what a mapping means for the verdict: an assumption about names is noted as exact (`HG4xx`), a change of values
//! has its true effect (`ingest.rs`). It does not know how a field or a literal is written in any language.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::plan::{ColumnRef, PathStep, ScalarType, TableRef};
use crate::source::Span;
use crate::target::{
    ColumnAnswer, ColumnMap, FieldKind, FieldType, Otherwise, Schema, Selector, TableMap, Target, UnknownColumn,
    UnknownTable,
};
use crate::vocabulary::TableRow;

use super::{Frame, Ledger, needs};

/// The schema that keeps KQL's names.
pub(crate) const SOURCE_SCHEMA: &str = "source";

/// The table, with what its events need in the site written down.
fn written_down<'a>(ledger: &mut Ledger, table: Table<'a>) -> Table<'a> {
    needs::of_selector(&table.selector, &table.name).into_iter().for_each(|need| ledger.need(need));
    table
}

/// The schema as one translation sees it: each assumption is noted once.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    frame: Frame<'a>,
    category: Option<String>,
    own: Option<&'a IndexMap<String, ColumnMap>>,
    noted: RefCell<HashSet<(Arc<str>, Arc<str>)>>,
}

/// A table of the hunt in the schema.
#[derive(Clone, Debug)]
pub(crate) struct Table<'a> {
    /// Its name in KQL.
    pub(crate) name: Arc<str>,
    /// How its events are found.
    pub(crate) selector: Cow<'a, Selector>,
    /// Its row in the vocabulary.
    pub(crate) row: Option<&'a TableRow>,
    /// Its file in the schema.
    pub(crate) map: Option<&'a TableMap>,
}

/// A column of the hunt in the schema.
#[derive(Clone, Debug)]
pub(crate) struct Field<'a> {
    /// The name of the field, unquoted.
    pub(crate) name: Cow<'a, str>,
    /// It is the event's own time.
    pub(crate) time: bool,
    /// What the schema says of the field, if it says anything.
    pub(crate) map: Option<&'a ColumnMap>,
}

impl<'a> Fields<'a> {
    /// The schema of a frame.
    pub(crate) fn new(frame: Frame<'a>) -> Self {
        Self { frame, category: None, own: None, noted: RefCell::default() }
    }

    /// The same for the events of one category of Sigma, or of those of a table that have fields of their own.
    pub(crate) fn in_category(self, category: Option<&str>, own: Option<&'a IndexMap<String, ColumnMap>>) -> Self {
        Self { category: category.map(str::to_owned), own, ..self }
    }

    /// The name of a field in the category; `None` where it has none there.
    fn name_of(&self, map: &'a ColumnMap) -> Option<&'a str> {
        match self.category.as_ref().and_then(|category| map.by_category.get(category)) {
            Some(name) => Some(name),
            None if map.only_by_category => None,
            None => Some(&map.field),
        }
    }

    /// Whether names are KQL's own.
    pub(crate) fn keeps_names(&self) -> bool {
        self.frame.schema.name == SOURCE_SCHEMA
    }

    /// The schema to use for what this one has no place for.
    fn instead(&self) -> &'a str {
        self.frame.schema.instead.as_deref().unwrap_or(SOURCE_SCHEMA)
    }

    /// A table in the schema.
    ///
    /// # Errors
    /// The reason why the table can not be read, as a refusal: the schema has no place for it, or its data is malformed.
    pub(crate) fn table(
        &self,
        ledger: &mut Ledger,
        table: &TableRef,
        span: Span,
    ) -> Result<Table<'a>, Box<Diagnostic>> {
        let malformed = |error: &dyn std::fmt::Display| {
            Box::new(Diagnostic::refusal(
                Code::BadTargetData,
                span,
                format!("the data of the schema can not be used: {error}"),
            ))
        };
        let row = self.frame.vocabulary.table(&table.name).map_err(|error| malformed(&error))?;
        let schema = self.frame.schema;
        let map = schema.table(&table.name).map_err(|error| malformed(&error))?;
        let absent = |reason: &str| {
            let message = format!("schema `{}` has no source for table `{}`: {reason}", schema.name, table.name);
            let refusal = Diagnostic::refusal(Code::UnmappedTable, span, message);
            Box::new(refusal.help(format!("name the source with --fields, or use --schema {}", self.instead())))
        };
        let missing = map.and_then(|map| map.selector.absent());
        if let Some(reason) = missing {
            let found = (schema.absent_table == UnknownTable::Fallback).then(|| schema.fallback(&table.name)).flatten();
            let Some(selector) = found else { return Err(absent(reason)) };
            if self.first(&table.name, "") {
                let message = format!(
                    "schema `{}` has no source for table `{}`, which is looked for by its name: {reason}",
                    schema.name, table.name
                );
                let note = Diagnostic::note(Code::UnmappedTable, Effect::Unsure, span, message);
                ledger.note(Polarity::Positive, note.help("name the source with --fields"));
            }
            return Ok(written_down(
                ledger,
                Table { name: table.name.clone(), selector: Cow::Owned(selector), row, map: None },
            ));
        }
        let selector = match map {
            Some(map) => Cow::Borrowed(&map.selector),
            None => Cow::Owned(schema.fallback(&table.name).ok_or_else(|| absent("it does not hold the table"))?),
        };
        if !self.keeps_names() && self.first(&table.name, "") {
            let note = match map {
                None => Some((
                    Code::UnmappedTable,
                    format!(
                        "schema `{}` does not hold table `{}`; it is selected by its name and its columns keep theirs",
                        schema.name, table.name
                    ),
                )),
                Some(map) if map.inferred => {
                    let part = map.inferred_part.as_deref().map(|part| format!(" ({part})")).unwrap_or_default();
                    Some((
                        Code::InferredSource,
                        format!("where the events of `{}` are found is inferred{part}", table.name),
                    ))
                }
                Some(_) => None,
            };
            if let Some((code, message)) = note {
                let note = Diagnostic::note(code, Effect::Exact, span, message);
                ledger.note(Polarity::Positive, note.help("check one event; correct the source with --fields"));
            }
        }
        if schema.target == Target::Esql
            && let Selector::Elastic(elastic) = &*selector
            && let (Some(index), [_, ..]) = (&elastic.index, elastic.index_alternatives.as_slice())
            && self.first(&table.name, "/")
        {
            let others: Vec<String> = elastic.index_alternatives.iter().map(|other| format!("`{other}`")).collect();
            let message = format!(
                "the events of `{}` are read from `{index}`; sites keep them in {} as well",
                table.name,
                others.join(", ")
            );
            let note = Diagnostic::note(Code::OtherIndex, Effect::Exact, span, message);
            ledger.note(Polarity::Positive, note.help("name the index with --fields"));
        }
        Ok(written_down(ledger, Table { name: table.name.clone(), selector, row, map }))
    }

    /// A column of a table in the schema. `table` is `None` where the column belongs to no single table.
    ///
    /// # Errors
    /// The reason why there is no field, as a refusal. A caller that can leave the condition out takes code and message
    /// for a note of its own.
    pub(crate) fn column(
        &self,
        ledger: &mut Ledger,
        table: Option<&Table<'a>>,
        column: &ColumnRef,
        span: Span,
        polarity: Polarity,
    ) -> Result<Field<'a>, Box<Diagnostic>> {
        let schema = self.frame.schema;
        let (row, map) = table.map_or((None, None), |table| (table.row, table.map));
        let table_name = table.map_or_else(|| Arc::from(""), |table| table.name.clone());
        let kept = || Field { name: Cow::Owned(column.name.to_string()), time: false, map: None };
        let first = self.first(&table_name, &column.name);
        if let Some(map) = self.own.and_then(|own| own.get(&*column.name)) {
            if first {
                self.mapped_notes(ledger, map, &map.field, &column.name, span, polarity);
            }
            return Ok(Field { name: Cow::Borrowed(&map.field), time: false, map: Some(map) });
        }
        match schema.column(row, map, &column.name) {
            ColumnAnswer::Time(field) => Ok(Field { name: Cow::Borrowed(field), time: true, map: None }),
            ColumnAnswer::Mapped(map) => {
                let Some(name) = self.name_of(map) else {
                    if first {
                        ledger.note(polarity, self.by_its_name(&column.name, span));
                    }
                    return Ok(kept());
                };
                if first {
                    self.mapped_notes(ledger, map, name, &column.name, span, polarity);
                }
                let time = map.field == schema.time_field && row.is_some_and(|row| row.is_time(&column.name));
                Ok(Field { name: Cow::Borrowed(name), time, map: Some(map) })
            }
            ColumnAnswer::Kept => {
                if first && (!column.known || !self.keeps_names()) {
                    let message = format!("column `{}` keeps its name", column.name);
                    let note = Diagnostic::note(Code::UnmappedColumn, Effect::Exact, span, message);
                    ledger.note(polarity, note.help("name its field with --fields if the data calls it otherwise"));
                }
                Ok(kept())
            }
            ColumnAnswer::Unmapped(None) if schema.unmapped_column == UnknownColumn::Keep => {
                if first {
                    ledger.note(polarity, self.by_its_name(&column.name, span));
                }
                Ok(kept())
            }
            ColumnAnswer::Unmapped(reason) => {
                let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                let message = format!("schema `{}` has no field for column `{}`{reason}", schema.name, column.name);
                let refusal = Diagnostic::refusal(Code::UnmappedColumn, span, message);
                Err(Box::new(refusal.help(format!("name its field with --fields, or use --schema {}", self.instead()))))
            }
            ColumnAnswer::Refused => {
                let message = format!(
                    "column `{}` is not known and schema `{}` takes no unknown columns",
                    column.name, schema.name
                );
                let refusal = Diagnostic::refusal(Code::UnmappedColumn, span, message);
                Err(Box::new(refusal.help(format!("name its field with --fields, or use --schema {}", self.instead()))))
            }
        }
    }

    /// That a column without a field is looked for by its name.
    pub(crate) fn by_its_name(&self, column: &str, span: Span) -> Diagnostic {
        let schema = self.frame.schema;
        let message =
            format!("schema `{}` has no field for column `{column}`, which is looked for by its name", schema.name);
        // A rule is read by a pipeline of the site before it is a query, and that can rename fields.
        let help = match schema.target {
            Target::Sigma => "map it in the pipeline of the site, or name its field with --fields",
            Target::Splunk | Target::Eql | Target::Esql => "name its field with --fields",
        };
        Diagnostic::note(Code::UnmappedColumn, Effect::Unsure, span, message).help(help)
    }

    /// The field that holds a key of a `dynamic` column, where the schema keeps such keys in fields of their own.
    pub(crate) fn key_prefix(&self, table: Option<&Table<'a>>, column: &str) -> Option<&'a str> {
        table?.map?.keys.get(column).map(String::as_str)
    }

    /// Whether a column of a table is the time of its events.
    pub(crate) fn is_time(&self, table: &Table<'a>, column: &str) -> bool {
        match self.frame.schema.column(table.row, table.map, column) {
            ColumnAnswer::Time(_) => true,
            ColumnAnswer::Mapped(map) => map.field == self.frame.schema.time_field,
            // Tables that nothing is known of have one of the two usual names.
            ColumnAnswer::Kept | ColumnAnswer::Unmapped(_) | ColumnAnswer::Refused => {
                table.row.is_none() && matches!(column, "TimeGenerated" | "Timestamp")
            }
        }
    }

    /// The field that holds a part of a `dynamic` column, where the schema lists the parts of the column; `steps` lead to it
    /// from the column on. `None` where the schema says nothing of its parts.
    ///
    /// # Errors
    /// The schema lists other parts of the column and not this one, as a refusal.
    pub(crate) fn part(
        &self,
        ledger: &mut Ledger,
        table: &Table<'a>,
        column: &ColumnRef,
        steps: &[&PathStep],
        span: Span,
        polarity: Polarity,
    ) -> Result<Option<Field<'a>>, Box<Diagnostic>> {
        let own = self.own.filter(|own| !own.is_empty());
        let Some(map) = table.map.filter(|map| own.is_some() || !map.parts.is_empty()) else { return Ok(None) };
        let mut path = column.name.to_string();
        let mut numbers = Vec::new();
        for step in steps {
            match step {
                PathStep::Key(key) => {
                    path.push('.');
                    path.push_str(key);
                }
                PathStep::Index(number @ 0..) => {
                    path.push_str("[*]");
                    numbers.push(number.to_string());
                }
                PathStep::Index(_) | PathStep::Computed(_) => path.push_str("[?]"),
            }
        }
        let own = own.and_then(|own| own.get(&path)).map(Some);
        let Some(part) = own.or_else(|| Schema::part(map, &column.name, &path)) else { return Ok(None) };
        // What is not listed is looked for by its name, as a column would be.
        if part.is_none() && self.frame.schema.unmapped_column == UnknownColumn::Keep {
            return Ok(None);
        }
        let Some(part) = part else {
            let shown = path.replace('`', "'");
            let message = format!("schema `{}` has no field for `{shown}`", self.frame.schema.name);
            let refusal = Diagnostic::refusal(Code::UnmappedColumn, span, message);
            return Err(Box::new(refusal.help(format!("use --schema {}", self.instead()))));
        };
        if self.first(&table.name, &path) {
            self.mapped_notes(ledger, part, &part.field, &path, span, polarity);
        }
        let mut pieces = part.field.split('*');
        let mut name = pieces.next().unwrap_or_default().to_owned();
        for (piece, number) in pieces.zip(numbers) {
            name.push_str(&number);
            name.push_str(piece);
        }
        Ok(Some(Field { name: Cow::Owned(name), time: false, map: Some(part) }))
    }

    fn mapped_notes(
        &self,
        ledger: &mut Ledger,
        map: &ColumnMap,
        field: &str,
        column: &str,
        span: Span,
        polarity: Polarity,
    ) {
        // Where the field is for the listed values only, it depends on the value whether the field is used.
        let by_value = map.otherwise == Some(Otherwise::Unsure) || !map.networks.is_empty();
        let by_value = by_value && self.frame.schema.target == Target::Sigma;
        if map.inferred && !by_value {
            ledger.note(polarity, inferred(field, column, span));
        }
        if let Some(caveat) = &map.caveat {
            let message = format!("field `{field}` holds column `{column}` under conditions: {caveat}");
            ledger.note(polarity, Diagnostic::note(Code::FieldCaveat, Effect::Unsure, span, message));
        }
        if map.dropped_by_default {
            let message =
                format!("the ingest drops column `{column}` (field `{field}`) unless the site keeps original fields");
            let note = Diagnostic::note(Code::ValueDropped, Effect::Unsure, span, message);
            ledger.note(
                polarity,
                note.help("keep the original event fields at ingest, or name another field with --fields"),
            );
        }
    }

    fn first(&self, table: &Arc<str>, column: &str) -> bool {
        self.noted.borrow_mut().insert((table.clone(), Arc::from(column)))
    }
}

impl Table<'_> {
    /// Whether ingest leaves out empty texts, so that a field is there exactly where its text is not empty.
    pub(crate) fn empty_is_absent(&self) -> bool {
        match &*self.selector {
            Selector::Elastic(selector) => selector.empty_is_absent,
            Selector::Splunk(_) | Selector::Sigma(_) => false,
        }
    }
}

impl Field<'_> {
    /// The type of the field's mapping in Elasticsearch, where it is known. A field of ECS of which nothing is said is a
    /// `keyword`, for the data names every other type; of other fields the column's type says as much as is known.
    pub(crate) fn elastic_type(&self) -> Option<FieldType> {
        if self.time {
            return Some(FieldType::Date);
        }
        let map = self.map?;
        map.elastic_type
            .or_else(|| map.stored_as.map(mapped_as))
            .or_else(|| (map.kind == Some(FieldKind::Ecs)).then_some(FieldType::Keyword))
    }

    /// Whether the field may hold several values: what compares one text only must look at each of them.
    pub(crate) fn is_list(&self) -> bool {
        self.map.is_some_and(|map| map.list)
    }
}

/// That no source states which field a column is.
pub(crate) fn inferred(field: &str, column: &str, span: Span) -> Diagnostic {
    let message = format!("that column `{column}` is field `{field}` is inferred");
    Diagnostic::note(Code::InferredField, Effect::Exact, span, message)
        .help("check one event; correct the field with --fields")
}

/// The usual mapping of a type.
fn mapped_as(ty: ScalarType) -> FieldType {
    match ty {
        ScalarType::Int | ScalarType::Long | ScalarType::Timespan => FieldType::Long,
        ScalarType::Real | ScalarType::Decimal => FieldType::Double,
        ScalarType::Bool => FieldType::Boolean,
        ScalarType::Datetime => FieldType::Date,
        ScalarType::String | ScalarType::Guid | ScalarType::Unknown => FieldType::Keyword,
        ScalarType::Dynamic => FieldType::Object,
    }
}
