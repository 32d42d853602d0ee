//! Sources: how the events of a hunt are found.

use std::sync::Arc;

use super::matcher;
use super::tree::{Name, Pattern, SearchExpr};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::Code;
use crate::fit::Window;
use crate::plan::{Pipeline, Source, TableRef};
use crate::source::Span;
use crate::target::{Selector, SplunkSelector, TermTest};

impl<'a> Fitter<'a, '_> {
    /// Finds the events of the source.
    pub(super) fn source(&mut self, pipeline: &Pipeline, window: &Window<'_>) -> Fit<()> {
        let span = pipeline.span;
        match &pipeline.source {
            Source::Table(table) => {
                self.selector = self.table(table, span)?;
                Ok(())
            }
            Source::Union(union) => self.union(pipeline, union, window),
            Source::Watchlist { name } => {
                self.watchlist(name, span);
                Ok(())
            }
            Source::External { columns, addresses, .. } => self.external(columns, addresses, span),
            Source::Rows { columns, rows } => self.rows(columns, rows, span),
            Source::Print(bindings) => self.print(bindings),
            Source::Range { name, from, to, step } => self.range(name, from, to, step, span),
            Source::Search { tables, predicate } => self.anywhere(tables, predicate, &pipeline.stages, span),
        }
    }

    /// The terms that find the events of a table.
    pub(super) fn table(&mut self, table: &TableRef, span: Span) -> Fit<Vec<SearchExpr>> {
        self.time_columns.extend(table.time_columns.iter().cloned());
        let table = self.fields.table(self.ledger, table, span).map_err(Unsayable)?;
        let Selector::Splunk(selector) = table.selector.as_ref() else {
            return Err(Unsayable::new(Code::BadTargetData, span, "the schema is not one of Splunk"));
        };
        let terms = selector_terms(selector, span)?;
        self.dataset(selector, &table.name, span)?;
        let null_text: Option<Arc<str>> = selector.null_text.as_deref().map(Arc::from);
        if !self.tables.is_empty() && self.null_text != null_text {
            return Err(Unsayable::not_yet(span, "a union of tables that hold missing values in different ways"));
        }
        self.null_text = null_text;
        self.tables.push(table);
        Ok(terms)
    }
}

/// The terms of a selector.
fn selector_terms(selector: &SplunkSelector, span: Span) -> Fit<Vec<SearchExpr>> {
    let mut terms = Vec::new();
    if let Some(name) = &selector.index_macro {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            return Err(Unsayable::new(Code::SplName, span, format!("`{name}` can not be the name of a macro")));
        }
        terms.push(SearchExpr::Macro(name.clone()));
    }
    for term in &selector.terms {
        let refused = |value: &str| {
            let message = format!("`{value}` can not be looked for in the base search");
            Unsayable::new(Code::SplName, span, message)
        };
        let name = Name::new(term.field.as_str()).ok_or_else(|| refused(&term.field))?;
        let pattern = |value: &String, wild: bool| {
            let (before, after) = (wild && value.starts_with('*'), wild && value.ends_with('*'));
            let text = if wild { value.trim_matches('*') } else { value };
            let sound = matcher::is_plain(text) && !text.is_empty();
            if sound { Ok(Pattern { before, text: text.to_owned(), after }) } else { Err(refused(value)) }
        };
        let one_of = |values: &[String], wild: bool| -> Fit<SearchExpr> {
            let mut patterns = values.iter().map(|value| pattern(value, wild)).collect::<Fit<Vec<_>>>()?;
            Ok(match (patterns.pop(), patterns.is_empty()) {
                (Some(one), true) => SearchExpr::Equals(name.clone(), one),
                (last, _) => {
                    patterns.extend(last);
                    SearchExpr::In(name.clone(), patterns)
                }
            })
        };
        terms.push(match &term.test {
            TermTest::OneOf(values) => one_of(values, false)?,
            TermTest::Like(values) => one_of(values, true)?,
            TermTest::Exists => SearchExpr::Exists(name.clone()),
            TermTest::FromColumn { prefix, .. } if prefix.is_empty() => SearchExpr::Exists(name.clone()),
            TermTest::FromColumn { prefix, .. } => one_of(&[format!("{prefix}*")], true)?,
        });
    }
    Ok(terms)
}
