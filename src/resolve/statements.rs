//! The statements of a hunt and of function bodies: which names they give, and which expression is the result.

use super::columns::Rows;
use super::scope::{EntryKind, Scope};
use super::{Resolver, Step, Stop};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::source::Span;
use crate::syntax::ast::{Expr, Query, Statement, StatementKind};

impl<'a> Resolver<'a> {
    /// The rows of the whole hunt.
    pub(super) fn query(&mut self, query: &'a Query) -> Step<Rows> {
        let scope = self.scopes.open(None);
        let (scope, result) = self.statements(&query.statements, scope)?;
        let Some((result, seen)) = result else {
            return self.fail(
                Diagnostic::refusal(
                    Code::NoHunt,
                    query.span,
                    "the hunt holds statements and no expression that gives rows",
                )
                .help("end it with the table or the let that gives its rows"),
            );
        };
        let rows = self.rows(result, seen)?;
        self.note_unused(scope);
        Ok(rows)
    }

    /// Enters the names of statements into a scope. Gives the scope that sees them all, and the last result with the
    /// scope that it sees.
    pub(super) fn statements(
        &mut self,
        statements: &'a [Statement],
        mut scope: Scope,
    ) -> Step<(Scope, Option<(&'a Expr, Scope)>)> {
        let mut result: Option<(&'a Expr, Scope, Span)> = None;
        for statement in statements {
            let span = statement.span;
            match &statement.kind {
                StatementKind::Let { name, value } => {
                    scope = self.scopes.add(scope, name, Some(span), EntryKind::Let(value), None);
                }
                StatementKind::LetFunction { name, function } => {
                    scope = self.scopes.add(scope, name, Some(span), EntryKind::Function(function), None);
                }
                StatementKind::Set { option, value: _ } => {
                    self.ignored(span, format!("`set {}` does not change which rows come out", option.text));
                }
                StatementKind::QueryParameters(parameters) => {
                    for parameter in parameters {
                        let Some(default) = &parameter.default else {
                            let name = &parameter.name;
                            return self.fail(
                                Diagnostic::error(
                                    Code::UnknownFunction,
                                    name.span,
                                    format!("the value of the query parameter `{}` is not known", name.text),
                                )
                                .help(format!("give it a default: `{}:type = value`", name.text)),
                            );
                        };
                        let statement = parameter.name.span.to(default.span);
                        scope = self.scopes.add(scope, &parameter.name, Some(statement), EntryKind::Let(default), None);
                    }
                }
                StatementKind::Alias { name, value: _ } => {
                    return self.refused_statement(span, format!("`alias database {}`", name.text));
                }
                StatementKind::Restrict(_) => return self.refused_statement(span, "`restrict access`".to_owned()),
                StatementKind::Pattern(_) => return self.refused_statement(span, "`declare pattern`".to_owned()),
                StatementKind::Query(expr) => {
                    if let Some((_, _, earlier)) = result.replace((expr, scope, span)) {
                        self.say(
                            Diagnostic::warning(
                                Code::SeveralResults,
                                earlier,
                                "this result is not translated: the hunt gives another one after it",
                            )
                            .label(span, "the last one is translated"),
                        );
                    }
                }
            }
        }
        Ok((scope, result.map(|(expr, scope, _)| (expr, scope))))
    }

    fn refused_statement<T>(&mut self, span: Span, what: String) -> Result<T, Stop> {
        self.fail(
            Diagnostic::refusal(Code::NotYet, span, format!("{what} is not translated"))
                .help("write the tables that it stands for into the query"),
        )
    }

    /// Names the lets of a scope that nothing refers to.
    pub(super) fn note_unused(&mut self, scope: Scope) {
        let unused: Vec<(Span, String)> = self
            .scopes
            .entries(scope)
            .filter(|entry| !entry.used)
            .filter_map(|entry| Some((entry.statement?, entry.name.text.clone())))
            .collect();
        for (span, name) in unused {
            self.say(Diagnostic::note(Code::UnusedLet, Effect::Exact, span, format!("`{name}` is not used")));
        }
    }
}
