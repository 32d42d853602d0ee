//! `parse`, `parse-where` and `parse-kv`: columns taken out of a text.

use std::sync::Arc;

use super::columns::Rows;
use super::place::Place;
use super::scope::Scope;
use super::sources::declared;
use super::{Resolver, Step};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{ParseKind, ParsePart, ScalarType, StageKind};
use crate::source::Span;
use crate::syntax::ast::{self, ColumnDeclaration, OperatorParameter};

impl<'a> Resolver<'a> {
    #[allow(clippy::too_many_arguments)] // The operator has that many parts.
    pub(super) fn parse(
        &mut self,
        filter: bool,
        parameters: &'a [OperatorParameter],
        subject: &'a ast::Expr,
        pattern: &'a [ast::ParsePart],
        rows: &mut Rows,
        scope: Scope,
        span: Span,
    ) -> Step<()> {
        let kind = match self.parameter(parameters, "kind") {
            None => ParseKind::Simple,
            Some((kind, at)) => match kind.as_str() {
                "simple" => ParseKind::Simple,
                "regex" => ParseKind::Regex,
                "relaxed" => ParseKind::Relaxed,
                _ => {
                    let message = format!("`{kind}` is no kind of parse");
                    return self
                        .fail(Diagnostic::error(Code::WrongArguments, at, message).help("simple, regex, relaxed"));
                }
            },
        };
        let flags = self.parameter(parameters, "flags").map(|(flags, _)| flags);
        self.ignore_parameters(parameters, &["kind", "flags"]);
        let subject = self.value(subject, Place::over(scope, &rows.row))?;
        let mut parts = Vec::with_capacity(pattern.len());
        for part in pattern {
            parts.push(match part {
                ast::ParsePart::Star(_) => ParsePart::Any,
                ast::ParsePart::Text { text, span } => ParsePart::Text { text: text.clone(), span: *span },
                ast::ParsePart::Column { name, ty } => {
                    let ty = ty.unwrap_or(ScalarType::String);
                    let column: Arc<str> = Arc::from(name.text.as_str());
                    rows.row.set(column.clone(), ty);
                    ParsePart::Column { name: column, ty, span: name.span }
                }
            });
        }
        rows.push(StageKind::Parse { subject, kind, flags, parts, filter }, span);
        Ok(())
    }

    pub(super) fn parse_kv(
        &mut self,
        subject: &'a ast::Expr,
        columns: &'a [ColumnDeclaration],
        parameters: &'a [OperatorParameter],
        rows: &mut Rows,
        scope: Scope,
        span: Span,
    ) -> Step<()> {
        let subject = self.value(subject, Place::over(scope, &rows.row))?;
        let columns = declared(columns);
        let mut options = Vec::with_capacity(parameters.len());
        for parameter in parameters {
            options.push((parameter.name.text.clone(), self.option(parameter, scope)?));
        }
        for (name, ty) in &columns {
            rows.row.set(name.clone(), *ty);
        }
        rows.push(StageKind::ParseKv { subject, columns, options }, span);
        Ok(())
    }
}
