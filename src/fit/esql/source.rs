//! Sources: how the events of a hunt are found.

use super::tree::{Command, Comparison, Expr, Name, Part, Source as Said};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::Code;
use crate::fit::Window;
use crate::plan::{Pipeline, Source, TableRef};
use crate::source::Span;
use crate::target::{Construct, ElasticSelector, Selector, TermTest};

impl<'a> Fitter<'a, '_> {
    /// Finds the events of the source that lie in the window.
    pub(super) fn source(&mut self, pipeline: &Pipeline, window: &Window<'_>) -> Fit<()> {
        let span = pipeline.span;
        match &pipeline.source {
            Source::Table(table) => {
                let (index, conditions) = self.table(table, span)?;
                self.source = Some(Said::From(vec![Part::Index(index)]));
                if conditions != Expr::Bool(true) {
                    self.commands.push(Command::Where(conditions));
                }
                self.leading_window(window)
            }
            Source::Union(union) => self.union(pipeline, union, window),
            source @ (Source::Watchlist { .. } | Source::External { .. }) => {
                self.scope = self.listed_columns(source, span)?;
                if let Some(index) = self.listed(source, false, span) {
                    self.source = Some(Said::From(vec![Part::Index(index)]));
                }
                Ok(())
            }
            Source::Rows { columns, rows } => self.written_rows(columns, rows, span),
            Source::Print(bindings) => self.print(bindings),
            Source::Range { name, from, to, step } => self.range(name, from, to, step, span),
            Source::Search { tables, predicate } => self.anywhere(pipeline, tables, predicate, window),
        }
    }

    /// The index of a table, and the condition that finds its events in it.
    pub(super) fn table(&mut self, table: &TableRef, span: Span) -> Fit<(String, Expr)> {
        for name in &table.time_columns {
            if !self.time_columns.contains(name) {
                self.time_columns.push(name.clone());
            }
        }
        let table = self.fields.table(self.ledger, table, span).map_err(Unsayable)?;
        let Selector::Elastic(selector) = table.selector.as_ref() else {
            return Err(Unsayable::new(Code::BadTargetData, span, "the schema is not one of Elastic"));
        };
        let index = selector.index.clone().unwrap_or_else(|| table.name.to_string());
        let sound = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | '-' | '*');
        if index.is_empty() || index.starts_with('-') || !index.chars().all(sound) {
            let message = format!("`{}` can not be the name of an index", index.replace(char::is_control, " "));
            return Err(Unsayable::new(Code::EsqlName, span, message).help("name the source with --fields"));
        }
        let condition = self.selector_condition(selector, span)?;
        self.tables.push(table);
        Ok((index, condition))
    }

    /// The condition of a selector.
    fn selector_condition(&self, selector: &ElasticSelector, span: Span) -> Fit<Expr> {
        let mut parts = Vec::new();
        for term in &selector.terms {
            let Some(name) = Name::new(term.field.as_str()) else {
                return Err(super::columns::unwritable(&term.field, span));
            };
            // A comparison with several values is null.
            let list =
                self.frame.schema.lists.contains(&term.field) && self.frame.needs(Construct::MvContains).is_none();
            let field = Expr::Field(name);
            parts.push(match &term.test {
                TermTest::OneOf(values) if list => {
                    let one = |value: &String| Expr::call("MV_CONTAINS", [field.clone(), Expr::text(value.clone())]);
                    Expr::any(values.iter().map(one))
                }
                TermTest::OneOf(values) => match values.as_slice() {
                    [only] => Expr::compare(Comparison::Eq, field, Expr::text(only.clone())),
                    many => Expr::In {
                        value: Box::new(field),
                        list: many.iter().cloned().map(Expr::Text).collect(),
                        negated: false,
                    },
                },
                TermTest::Like(patterns) => {
                    let like = |pattern: &String| Expr::Like {
                        value: Box::new(field.clone()),
                        patterns: vec![pattern.clone()],
                        regex: false,
                        negated: false,
                    };
                    Expr::any(patterns.iter().map(like))
                }
                TermTest::Exists => Expr::is_not_null(field),
                // The value is a column of the hunt: it is selected by the hunt's own condition on it.
                TermTest::FromColumn { .. } => Expr::Bool(true),
            });
        }
        Ok(Expr::all(parts))
    }
}
