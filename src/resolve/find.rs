//! `search` and `find`: conditions over the columns of several tables.

use std::sync::Arc;

use super::columns::{Row, Rows, matches};
use super::place::Place;
use super::project::bind;
use super::scope::Scope;
use super::{Resolver, Step, written};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{ScalarType, SearchTerm, Source, TableRef};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, OperatorParameter};

impl<'a> Resolver<'a> {
    pub(super) fn search(
        &mut self,
        parameters: &'a [OperatorParameter],
        tables: &'a [ast::Expr],
        predicate: &'a ast::Expr,
        piped: Option<Rows>,
        scope: Scope,
        span: Span,
    ) -> Step<Rows> {
        if let Some((_, at)) = self.parameter(parameters, "kind").filter(|(kind, _)| kind == "case_sensitive") {
            return self.fail(
                Diagnostic::refusal(Code::NotYet, at, "a search in which case counts is not translated")
                    .help("use `where column has_cs …`"),
            );
        }
        self.ignore_parameters(parameters, &["kind"]);
        let (tables, mut row) = match piped {
            Some(rows) => match rows.pipeline.source {
                Source::Table(table) if rows.pipeline.stages.is_empty() => (vec![table], rows.row),
                Source::Table(_)
                | Source::Union(_)
                | Source::Watchlist { .. }
                | Source::External { .. }
                | Source::Rows { .. }
                | Source::Print(_)
                | Source::Range { .. }
                | Source::Search { .. } => {
                    return self.fail(
                        Diagnostic::refusal(
                            Code::NotYet,
                            span,
                            "a search over rows that were worked on is not translated",
                        )
                        .help("put the search first: `search in (T) …`, or name the columns: `where column has …`"),
                    );
                }
            },
            None => self.searched(tables, scope)?,
        };
        row.set(Arc::from("$table"), ScalarType::String);
        let predicate = self.terms(predicate, &row, scope)?;
        Ok(Rows::new(Source::Search { tables, predicate }, span, row))
    }

    /// The tables of `in (…)`; none stands for all.
    fn searched(&mut self, tables: &'a [ast::Expr], scope: Scope) -> Step<(Vec<TableRef>, Row)> {
        let mut found = Vec::new();
        let mut row = if tables.is_empty() { Row::unknown() } else { Row::of([]) };
        for table in tables {
            let span = table.span;
            self.spend(1, span)?;
            let ast::ExprKind::Name(name) = &table.kind else {
                let rows = self.rows(table, scope)?;
                if let (Source::Table(table), true) = (rows.pipeline.source, rows.pipeline.stages.is_empty()) {
                    merge(&mut row, &rows.row);
                    found.push(table);
                    continue;
                }
                let message = "a search over rows that were worked on is not translated";
                return self.fail(Diagnostic::refusal(Code::NotYet, span, message).help("name tables only"));
            };
            let names: Vec<String> = if name.text.contains('*') {
                let names = self.vocabulary.table_names().filter(|known| !known.contains(':'));
                names.filter(|known| matches(&name.text, known)).map(str::to_owned).collect()
            } else {
                Vec::new()
            };
            if names.is_empty() {
                let (table, columns) = self.table_ref(&name.text, name.span)?;
                merge(&mut row, &columns);
                found.push(table);
                continue;
            }
            let message = format!("`{}` stands for the {} tables of that name that are known", name.text, names.len());
            self.say(
                Diagnostic::note(Code::UnknownTable, Effect::Unsure, name.span, message)
                    .help("name the tables; others that the site has are not read"),
            );
            for name in names {
                let (table, columns) = self.table_ref(&name, span)?;
                self.spend(1 + columns.columns().len() / 16, span)?;
                merge(&mut row, &columns);
                found.push(table);
            }
        }
        Ok((found, row))
    }

    /// The parts of a condition that must all hold.
    fn terms(&mut self, predicate: &'a ast::Expr, row: &Row, scope: Scope) -> Step<Vec<SearchTerm>> {
        let mut pending = vec![predicate];
        let mut terms = Vec::new();
        while let Some(expr) = pending.pop() {
            if let ast::ExprKind::Binary { op: BinaryOp::And, left, right } = &expr.kind {
                pending.push(right);
                pending.push(left);
                continue;
            }
            if let ast::ExprKind::Star = expr.kind {
                // `search *` takes every row.
                continue;
            }
            let place = Place::over(scope, row);
            let texts = texts(expr, 0);
            terms.push(match texts {
                Texts::All => SearchTerm::Anywhere(self.value(expr, place)?),
                Texts::None => SearchTerm::Condition(self.condition(expr, place)?),
                Texts::Some => {
                    return self.fail(
                        Diagnostic::refusal(
                            Code::NotYet,
                            expr.span,
                            "a text in any column joined by `or` with a condition is not translated",
                        )
                        .help("write two searches and a union"),
                    );
                }
            });
        }
        Ok(terms)
    }

    pub(super) fn find(&mut self, find: &'a ast::Find, scope: Scope, span: Span) -> Step<Rows> {
        let with_source = self.parameter(&find.parameters, "withsource").map_or("source_".to_owned(), |(name, _)| name);
        self.ignore_parameters(&find.parameters, &["withsource"]);
        let (tables, mut row) = self.searched(&find.tables, scope)?;
        row.set(Arc::from(with_source.as_str()), ScalarType::String);
        let predicate = self.terms(&find.predicate, &row, scope)?;
        let mut rows = Rows::new(Source::Search { tables, predicate }, span, row);
        if let Some(names) = &find.project_away {
            self.select(names, false, &mut rows, span)?;
        }
        if find.smart || find.project.is_none() {
            // The columns that the condition names and a bag of the others: not known whole.
            rows.row.open_up();
        }
        let Some(columns) = &find.project else { return Ok(rows) };
        let name: Arc<str> = Arc::from(with_source.as_str());
        let source = self.builder(None).column(name.clone(), ScalarType::String, true, span);
        let mut bindings = vec![bind(name, source, span)];
        for column in columns {
            let value = self.value(column, Place::over(scope, &rows.row))?;
            let name = self.automatic_name(column, &rows.row).unwrap_or_else(|| "pack_".to_owned());
            bindings.push(bind(Arc::from(name), value, column.span));
        }
        rows.project(bindings, span);
        Ok(rows)
    }
}

fn merge(row: &mut Row, other: &Row) {
    for (name, ty) in other.columns() {
        let ty = match row.get(name) {
            Some((_, known)) if known != *ty => ScalarType::Unknown,
            Some(_) | None => *ty,
        };
        row.take_over(name.clone(), ty, other.is_time(name));
    }
    for time in other.times() {
        row.mark_time(time.clone());
    }
    row.open |= other.open;
    row.whole &= other.whole;
}

/// How much of a condition is bare texts, which look at every column.
enum Texts {
    All,
    Some,
    None,
}

fn texts(expr: &ast::Expr, depth: usize) -> Texts {
    if written::text(expr).is_some() {
        return Texts::All;
    }
    if depth >= super::DEPTH {
        return Texts::None;
    }
    if let ast::ExprKind::Binary { op: BinaryOp::Or | BinaryOp::And, left, right } = &expr.kind {
        return match (texts(left, depth + 1), texts(right, depth + 1)) {
            (Texts::All, Texts::All) => Texts::All,
            (Texts::None, Texts::None) => Texts::None,
            (Texts::All | Texts::Some | Texts::None, Texts::All | Texts::Some | Texts::None) => Texts::Some,
        };
    }
    let negated = written::call(expr).filter(|(function, _)| function.text == "not");
    negated.and_then(|(_, args)| args.first()).map_or(Texts::None, |arg| texts(&arg.value, depth + 1))
}
