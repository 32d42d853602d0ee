//! Tables and columns of the hunt in the target's schema, with the notes that their mapping asks for.
//!
//! Decides what a mapping means for the verdict: an assumption about names is noted as exact (`HG4xx`), a change of values
//! has its true effect. It does not know how a field or a literal is written in any language.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::plan::{Case, ColumnRef, TableRef, TextHow};
use crate::source::Span;
use crate::target::{ColumnAnswer, ColumnMap, Selector, Stored, TableMap, UnknownColumn, UnknownTable};
use crate::vocabulary::TableRow;

use super::{Frame, Ledger};

/// The schema that keeps KQL's names.
pub(crate) const SOURCE_SCHEMA: &str = "source";

/// The schema as one translation sees it: each assumption is noted once.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    frame: Frame<'a>,
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

/// What becomes of a literal that is compared with a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LiteralFit {
    /// It is compared as it is.
    Same,
    /// It is compared as this text; the note says what that does where the comparison is not negated.
    Changed {
        /// The text that the target stores.
        text: String,
        /// The difference.
        note: Box<Diagnostic>,
    },
    /// It is compared as it is, and the note says why that may go wrong.
    Doubtful(Box<Diagnostic>),
}

impl<'a> Fields<'a> {
    /// The schema of a frame.
    pub(crate) fn new(frame: Frame<'a>) -> Self {
        Self { frame, noted: RefCell::default() }
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
            return Ok(Table { name: table.name.clone(), selector: Cow::Owned(selector), row, map: None });
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
        Ok(Table { name: table.name.clone(), selector, row, map })
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
        match schema.column(row, map, &column.name) {
            ColumnAnswer::Time(field) => Ok(Field { name: Cow::Borrowed(field), time: true, map: None }),
            ColumnAnswer::Mapped(map) => {
                if first {
                    self.mapped_notes(ledger, map, column, span, polarity);
                }
                let time = map.field == schema.time_field && row.is_some_and(|row| row.is_time(&column.name));
                Ok(Field { name: Cow::Borrowed(&map.field), time, map: Some(map) })
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
                    let message = format!(
                        "schema `{}` has no field for column `{}`, which is looked for by its name",
                        schema.name, column.name
                    );
                    let note = Diagnostic::note(Code::UnmappedColumn, Effect::Unsure, span, message);
                    ledger.note(polarity, note.help("name its field with --fields"));
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

    /// The field that holds a key of a `dynamic` column, where the schema keeps such keys in fields of their own.
    pub(crate) fn key_prefix(&self, table: Option<&Table<'a>>, column: &str) -> Option<&'a str> {
        table?.map?.keys.get(column).map(String::as_str)
    }

    fn mapped_notes(&self, ledger: &mut Ledger, map: &ColumnMap, column: &ColumnRef, span: Span, polarity: Polarity) {
        if map.inferred {
            let message = format!("that column `{}` is field `{}` is inferred", column.name, map.field);
            let note = Diagnostic::note(Code::InferredField, Effect::Exact, span, message);
            ledger.note(polarity, note.help("check one event; correct the field with --fields"));
        }
        if let Some(caveat) = &map.caveat {
            let message = format!("field `{}` holds column `{}` under conditions: {caveat}", map.field, column.name);
            ledger.note(polarity, Diagnostic::note(Code::FieldCaveat, Effect::Unsure, span, message));
        }
        if map.dropped_by_default {
            let message = format!(
                "the ingest drops column `{}` (field `{}`) unless the site keeps original fields",
                column.name, map.field
            );
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

impl Field<'_> {
    /// What becomes of a text that the hunt compares with the field.
    pub(crate) fn literal(&self, text: &str, how: TextHow, case: Case, span: Span) -> LiteralFit {
        let Some(map) = self.map.filter(|map| map.changes_values()) else { return LiteralFit::Same };
        let note =
            |effect: Effect, message: String| Box::new(Diagnostic::note(Code::ValueChanged, effect, span, message));
        let field = &self.name;
        match how {
            TextHow::Equals => {
                // A literal of `=~` may be written in another case than the one that the table of values lists.
                let listed = map.values.keys().find(|value| value.as_str() == text).or_else(|| {
                    map.values.keys().find(|value| case == Case::Insensitive && value.eq_ignore_ascii_case(text))
                });
                let written = listed.map_or(text, String::as_str);
                match map.stored(written) {
                    Stored::Same if merges_case(map) && case == Case::Sensitive => LiteralFit::Changed {
                        text: text.to_owned(),
                        note: note(
                            Effect::Broader,
                            format!(
                                "the ingest changes the case of field `{field}`, so texts that differ from `{text}` in case only match too"
                            ),
                        ),
                    },
                    Stored::Same => LiteralFit::Same,
                    Stored::Becomes(stored) => {
                        let others = others_stored_as(map, &stored, written);
                        let (effect, message) = if !others.is_empty() {
                            (
                                Effect::Broader,
                                format!(
                                    "the ingest stores `{text}` as `{stored}` in field `{field}`, and {} as well",
                                    others.join(", ")
                                ),
                            )
                        } else if case == Case::Sensitive && merges_case(map) {
                            (
                                Effect::Broader,
                                format!(
                                    "the ingest stores `{text}` as `{stored}` in field `{field}`, and texts that differ from it in case only as well"
                                ),
                            )
                        } else {
                            (Effect::Exact, format!("the ingest stores `{text}` as `{stored}` in field `{field}`"))
                        };
                        LiteralFit::Changed { text: stored, note: note(effect, message) }
                    }
                    Stored::Dropped => LiteralFit::Doubtful(note(
                        Effect::Narrower,
                        format!(
                            "the ingest does not keep the value `{text}` in field `{field}`, so nothing matches it"
                        ),
                    )),
                    Stored::Unsure => LiteralFit::Doubtful(note(
                        Effect::Unsure,
                        format!("no source says how the ingest stores the value `{text}` in field `{field}`"),
                    )),
                }
            }
            TextHow::Term
            | TextHow::Substring
            | TextHow::Prefix
            | TextHow::Suffix
            | TextHow::TermPrefix
            | TextHow::TermSuffix
            | TextHow::Regex => {
                let only_case = map.values.is_empty() && map.blanks.is_none() && map.otherwise.is_none();
                if !only_case {
                    let message = format!(
                        "the ingest replaces values of field `{field}`; a comparison with a part of the value, `{text}`, may differ"
                    );
                    return LiteralFit::Doubtful(note(Effect::Unsure, message));
                }
                match case {
                    Case::Insensitive => LiteralFit::Same,
                    Case::Sensitive if how == TextHow::Regex => LiteralFit::Doubtful(note(
                        Effect::Unsure,
                        format!(
                            "the ingest changes the case of field `{field}`, and the regular expression depends on case"
                        ),
                    )),
                    Case::Sensitive => LiteralFit::Changed {
                        text: match map.stored(text) {
                            Stored::Becomes(stored) => stored,
                            Stored::Same | Stored::Dropped | Stored::Unsure => text.to_owned(),
                        },
                        note: note(
                            Effect::Broader,
                            format!(
                                "the ingest changes the case of field `{field}`, so texts that differ from `{text}` in case only match too"
                            ),
                        ),
                    },
                }
            }
        }
    }
}

/// Whether texts that differ in case only are stored alike.
fn merges_case(map: &ColumnMap) -> bool {
    map.case.is_some() || map.otherwise == Some(crate::target::Otherwise::Lower)
}

/// The other values that the ingest stores as this text.
fn others_stored_as(map: &ColumnMap, stored: &str, written: &str) -> Vec<String> {
    let listed = map.values.iter().filter(|(from, to)| *to == stored && from.as_str() != written);
    let mut others: Vec<_> = listed.map(|(from, _)| format!("`{from}`")).collect();
    if map.values.contains_key(written)
        && map.otherwise != Some(crate::target::Otherwise::Dropped)
        && !map.values.contains_key(stored)
    {
        // A value that is not listed and already reads so.
        others.push(format!("a value that reads `{stored}` at the source"));
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{CaseChange, Otherwise};

    fn field(map: &ColumnMap) -> Field<'_> {
        Field { name: Cow::Borrowed("f"), time: false, map: Some(map) }
    }

    fn effect(fit: &LiteralFit) -> Option<Effect> {
        match fit {
            LiteralFit::Same => None,
            LiteralFit::Changed { note, .. } | LiteralFit::Doubtful(note) => note.effect,
        }
    }

    #[test]
    fn a_lower_cased_field_can_not_be_compared_by_case() {
        let map = ColumnMap { field: "f".into(), case: Some(CaseChange::Lower), ..ColumnMap::default() };
        let field = field(&map);
        let fit = |text, how, case| field.literal(text, how, case, Span::default());
        let LiteralFit::Changed { text, note } = fit("Ab", TextHow::Equals, Case::Sensitive) else { panic!() };
        assert_eq!((text.as_str(), note.effect), ("ab", Some(Effect::Broader)));
        assert_eq!(effect(&fit("ab", TextHow::Equals, Case::Sensitive)), Some(Effect::Broader));
        assert_eq!(effect(&fit("Ab", TextHow::Equals, Case::Insensitive)), Some(Effect::Exact));
        assert_eq!(fit("Ab", TextHow::Term, Case::Insensitive), LiteralFit::Same);
        assert_eq!(effect(&fit("A.b", TextHow::Regex, Case::Sensitive)), Some(Effect::Unsure));
    }

    #[test]
    fn a_listed_value_becomes_another() {
        let values = [("Created".to_owned(), "start".to_owned())].into_iter().collect();
        let map = ColumnMap { field: "f".into(), values, otherwise: Some(Otherwise::Dropped), ..ColumnMap::default() };
        let field = field(&map);
        let fit = |text, case| field.literal(text, TextHow::Equals, case, Span::default());
        let LiteralFit::Changed { text, note } = fit("created", Case::Insensitive) else { panic!() };
        assert_eq!((text.as_str(), note.effect), ("start", Some(Effect::Exact)));
        assert_eq!(effect(&fit("Gone", Case::Sensitive)), Some(Effect::Narrower));
    }
}
