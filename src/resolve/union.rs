//! `union`: its branches, wildcards over the known tables, and the columns of the rows together.

use std::sync::Arc;

use super::columns::{Row, Rows, matches};
use super::scope::Scope;
use super::{Resolver, Step, written};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{Pipeline, ScalarType, Source, Union};
use crate::source::Span;
use crate::syntax::ast::{self, OperatorParameter};

impl<'a> Resolver<'a> {
    /// `union a, b` and `T | union a, b`.
    pub(super) fn union(
        &mut self,
        parameters: &'a [OperatorParameter],
        tables: &'a [ast::Expr],
        piped: Option<Rows>,
        scope: Scope,
        span: Span,
    ) -> Step<Rows> {
        let inner = match self.parameter(parameters, "kind") {
            None => false,
            Some((kind, at)) => match kind.as_str() {
                "inner" => true,
                "outer" => false,
                _ => {
                    let message = format!("`{kind}` is no kind of union");
                    return self.fail(Diagnostic::error(Code::WrongArguments, at, message).help("inner, outer"));
                }
            },
        };
        let source = self.parameter(parameters, "withsource").or_else(|| self.parameter(parameters, "with_source"));
        let with_source: Option<Arc<str>> = source.map(|(name, _)| Arc::from(name));
        let fuzzy = self.parameter(parameters, "isfuzzy");
        if let Some((_, at)) = &fuzzy {
            // In no target is a table that is not there an error.
            let message = "`isfuzzy` makes no difference: a table that is not there has no events";
            self.say(Diagnostic::note(Code::Ignored, Effect::Exact, *at, message));
        }
        let fuzzy = fuzzy.is_some_and(|(value, _)| value.eq_ignore_ascii_case("true"));
        self.ignore_parameters(parameters, &["kind", "withsource", "with_source", "isfuzzy"]);
        let mut branches: Vec<Rows> = piped.into_iter().collect();
        for table in tables {
            match self.pattern(table) {
                Some(pattern) => self.wildcard(pattern, table.span, scope, &mut branches)?,
                None => branches.push(self.rows(table, scope)?),
            }
        }
        let row = united(&branches, inner, with_source.as_ref());
        let mut flat = Vec::with_capacity(branches.len());
        for branch in branches {
            let pipeline = branch.finish();
            let nested = if let Source::Union(nested) = &pipeline.source { Some(nested) } else { None };
            let same = nested.is_some_and(|nested| {
                let plain = !inner && !nested.inner && with_source.is_none() && nested.with_source.is_none();
                plain && nested.fuzzy == fuzzy && pipeline.stages.is_empty()
            });
            match pipeline {
                Pipeline { source: Source::Union(nested), .. } if same => flat.extend(nested.branches),
                pipeline => flat.push(pipeline),
            }
        }
        if flat.is_empty() {
            return self.fail(Diagnostic::error(Code::WrongArguments, span, "the union has no tables"));
        }
        Ok(Rows::new(Source::Union(Union { branches: flat, inner, with_source, fuzzy }), span, row))
    }

    /// The wildcard that a branch is, if it is one: `Device*`, `*`, `database("d").Audit*`.
    fn pattern(&mut self, table: &'a ast::Expr) -> Option<&'a str> {
        if written::is_star(table) {
            return Some("*");
        }
        if let ast::ExprKind::Member { base, name } = &table.kind
            && name.text.contains('*')
            && written::is_place(base)
        {
            self.ignored_place(base);
            return Some(&name.text);
        }
        written::name(table).map(|name| name.text.as_str()).filter(|name| name.contains('*'))
    }

    /// `Device*`: the tables of the vocabulary and the views of the hunt whose names fit.
    fn wildcard(&mut self, pattern: &'a str, span: Span, scope: Scope, branches: &mut Vec<Rows>) -> Step<()> {
        let tables: Vec<String> = self
            .vocabulary
            .table_names()
            .filter(|name| !name.contains(':') && !name.starts_with("_Im_") && matches(pattern, name))
            .map(str::to_owned)
            .collect();
        let views = self.views(pattern, scope);
        if tables.is_empty() && views.is_empty() {
            branches.push(self.table(pattern, span)?);
            return Ok(());
        }
        if !tables.is_empty() {
            let message = format!("`{pattern}` stands for the {} tables of that name that are known", tables.len());
            self.say(
                Diagnostic::note(Code::UnknownTable, Effect::Unsure, span, message)
                    .help("name the tables; others that the site has are not read"),
            );
        }
        for name in &tables {
            branches.push(self.table(name, span)?);
        }
        for id in views {
            branches.push(self.view(id, span)?);
        }
        Ok(())
    }
}

/// The columns of the rows of several pipelines.
fn united(branches: &[Rows], inner: bool, with_source: Option<&Arc<str>>) -> Row {
    let mut row = Row::of([]);
    if let Some(name) = with_source {
        row.set(name.clone(), ScalarType::String);
    }
    for branch in branches {
        for (name, ty) in branch.row.columns() {
            if inner && !branches.iter().all(|other| other.row.open || other.row.has(name)) {
                continue;
            }
            let ty = match row.get(name) {
                Some((_, other)) if other != *ty => ScalarType::Unknown,
                Some(_) | None => *ty,
            };
            let time = branch.row.is_time(name) && (!row.has(name) || row.is_time(name));
            row.take_over(name.clone(), ty, time);
        }
        row.open |= branch.row.open;
        row.whole &= branch.row.whole;
    }
    if row.open {
        for branch in branches.iter().filter(|branch| branch.row.open) {
            for time in branch.row.times() {
                row.mark_time(time.clone());
            }
        }
    }
    row
}
