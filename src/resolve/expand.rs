//! `mv-expand`, `mv-apply`, `evaluate` and `invoke`: operators that change rows by a value or a function.

use std::sync::Arc;

use super::aggregate::Aggregates;
use super::columns::{Row, Rows};
use super::place::Outcome;
use super::place::Place;
use super::scope::{Found, Scope, Shape};
use super::sources::declared;
use super::{Resolver, Step, written};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{Expr, ExprKind, MvItem, NodeId, ScalarType, StageKind};
use crate::source::Span;
use crate::syntax::ast::{self, Argument, ColumnDeclaration, Name, OperatorParameter};
use crate::vocabulary::FunctionKind;

impl<'a> Resolver<'a> {
    pub(super) fn mv_expand(
        &mut self,
        parameters: &'a [OperatorParameter],
        items: &'a [ast::MvItem],
        limit: Option<&'a ast::Expr>,
        rows: &mut Rows,
        scope: Scope,
        span: Span,
    ) -> Step<()> {
        let (items, index) = self.mv_items(parameters, items, &mut rows.row, scope)?;
        let limit = self.limit(limit, scope)?;
        rows.push(StageKind::MvExpand { items, index, limit }, span);
        Ok(())
    }

    /// The body sees the row with its elements; what it makes is added to the columns of the row.
    #[allow(clippy::too_many_arguments)] // The operator has that many parts.
    pub(super) fn mv_apply(
        &mut self,
        parameters: &'a [OperatorParameter],
        items: &'a [ast::MvItem],
        limit: Option<&'a ast::Expr>,
        body: &'a ast::Pipeline,
        rows: &mut Rows,
        scope: Scope,
        span: Span,
    ) -> Step<()> {
        let before = rows.row.clone();
        let (items, index) = self.mv_items(parameters, items, &mut rows.row, scope)?;
        if let Some(index) = index {
            let message = format!("the position `{index}` of an element is not translated");
            return self.fail(
                Diagnostic::refusal(Code::NotYet, span, message).help("use mv-expand with_itemindex before the stages"),
            );
        }
        let limit = self.limit(limit, scope)?;
        if let Some(source) = &body.source {
            let at = match source {
                ast::Source::Expr(expr) => expr.span,
                ast::Source::Operator(operator) => operator.span,
            };
            return self.fail(
                Diagnostic::error(Code::NotTabular, at, "the body of mv-apply works on the elements")
                    .help("begin it with an operator: `on (where …)`"),
            );
        }
        let mut inner = Rows::nothing(span);
        inner.row = rows.row.clone();
        self.apart(span, |this| this.operators(&body.operators, &mut inner, scope))?;
        let mut row = before;
        for (name, ty) in inner.row.columns() {
            let time = inner.row.is_time(name);
            row.take_over(name.clone(), *ty, time);
        }
        row.open |= inner.row.open;
        row.whole &= !row.open;
        row.table = None;
        rows.row = row;
        rows.push(StageKind::MvApply { items, limit, body: inner.pipeline.stages }, span);
        Ok(())
    }

    fn limit(&mut self, limit: Option<&'a ast::Expr>, scope: Scope) -> Step<Option<Expr>> {
        limit.map(|limit| self.value(limit, Place::outside(scope))).transpose()
    }

    fn mv_items(
        &mut self,
        parameters: &'a [OperatorParameter],
        items: &'a [ast::MvItem],
        row: &mut Row,
        scope: Scope,
    ) -> Step<(Vec<MvItem>, Option<Arc<str>>)> {
        for name in ["bagexpansion", "kind"] {
            if let Some((_, at)) = self.parameter(parameters, name).filter(|(kind, _)| kind == "array") {
                self.say(Diagnostic::note(
                    Code::Ignored,
                    Effect::Unsure,
                    at,
                    "property bags are expanded to bags of one property, not to arrays of a key and a value",
                ));
            }
        }
        self.ignore_parameters(parameters, &["bagexpansion", "kind", "with_itemindex"]);
        let index = self.parameter(parameters, "with_itemindex").map(|(name, _)| Arc::<str>::from(name));
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            let value = self.value(&item.value.value, Place::over(scope, row))?;
            let name = match item.value.names.first() {
                Some(name) => name.text.clone(),
                None => match self.automatic_name(&item.value.value, row) {
                    Some(name) => name,
                    None => "Column1".to_owned(),
                },
            };
            let name: Arc<str> = Arc::from(name);
            out.push(MvItem { id: NodeId::UNNUMBERED, name, value, ty: item.ty });
        }
        for item in &out {
            row.set(item.name.clone(), item.ty.unwrap_or(ScalarType::Dynamic));
        }
        if let Some(index) = &index {
            row.set(index.clone(), ScalarType::Long);
        }
        Ok((out, index))
    }

    pub(super) fn evaluate(
        &mut self,
        parameters: &'a [OperatorParameter],
        call: &'a ast::Expr,
        schema: &'a [ColumnDeclaration],
        rows: &mut Rows,
        scope: Scope,
        span: Span,
    ) -> Step<()> {
        self.ignore_parameters(parameters, &[]);
        let ast::ExprKind::Call { base: None, function, args } = &call.kind else {
            return self.fail(
                Diagnostic::error(Code::WrongArguments, call.span, "evaluate takes a call of a plugin")
                    .help("write `evaluate plugin(…)`"),
            );
        };
        let plugin = match self.vocabulary.function(&function.text) {
            Some((id, row)) if row.kind == FunctionKind::Plugin => id,
            Some(_) | None => {
                let plugins = self.vocabulary.functions().iter().filter(|row| row.kind == FunctionKind::Plugin);
                let near = crate::data::nearest(&function.text, plugins.map(|row| row.name.as_str()));
                let help = near.map_or_else(
                    || "see the plugins of `evaluate`".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("the plugin `{}` is not known", function.text);
                return self.fail(Diagnostic::error(Code::UnknownFunction, function.span, message).help(help));
            }
        };
        let mut row = rows.row.clone();
        let outer = std::mem::replace(&mut self.aggregates, Aggregates::Keep);
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            if self.shape(&arg.value, scope, Some(&row)) == Shape::Tabular {
                let table = self.rows(&arg.value, scope)?;
                row.append(&table.row, &std::collections::HashSet::new());
                let ty = ScalarType::Dynamic;
                values.push(Expr::new(ExprKind::Scalar(Box::new(table.finish())), ty, arg.value.span));
            } else {
                let value = self.plugin_argument(arg, Place::over(scope, &row))?;
                values.push(value);
            }
        }
        self.aggregates = outer;
        rows.row = after_plugin(&function.text, &values, row, schema);
        rows.push(StageKind::Evaluate { plugin, args: values }, span);
        Ok(())
    }

    fn plugin_argument(&mut self, arg: &'a Argument, place: Place<'_>) -> Step<Expr> {
        if let Some(name) = &arg.name {
            let message =
                format!("the name `{}` of this argument is given to the plugin by its position only", name.text);
            self.ignored(name.span, message);
        }
        self.value_or_star(&arg.value, place)
    }

    /// `T | invoke f(…)`: a function of the hunt is inlined, one of the service adds columns.
    pub(super) fn invoke(&mut self, call: &'a ast::Expr, before: Rows, scope: Scope, span: Span) -> Step<Rows> {
        let called: Option<(&'a Name, &'a [Argument])> =
            written::call(call).or_else(|| written::name(call).map(|name| (name, &[] as &[Argument])));
        let Some((function, args)) = called else {
            return self.fail(
                Diagnostic::error(Code::WrongArguments, call.span, "invoke takes a call of a function")
                    .help("write `invoke f(…)`"),
            );
        };
        match self.scopes.find(scope, &function.text) {
            Found::Entry(id) => {
                return match self.inline(id, args, Place::outside(scope), Some(before), span)? {
                    Outcome::Rows(rows) => Ok(rows),
                    Outcome::Value(value) => self.fail(
                        Diagnostic::error(Code::NotTabular, value.span, "a value stands where rows are needed")
                            .help("the function of `invoke` must give rows"),
                    ),
                };
            }
            Found::Later(id) => return self.used_early(id, function),
            Found::Nothing => {}
        }
        let id = match self.vocabulary.function(&function.text) {
            Some((id, row)) if row.kind == FunctionKind::Tabular => id,
            Some(_) | None => return self.unknown_function(function, Place::outside(scope)),
        };
        let mut rows = before;
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(self.argument(arg, Place::over(scope, &rows.row))?);
        }
        rows.row.open_up();
        rows.push(StageKind::Invoke { function: id, args: values }, span);
        Ok(rows)
    }
}

/// The row that a plugin gives.
fn after_plugin(plugin: &str, args: &[Expr], before: Row, schema: &[ColumnDeclaration]) -> Row {
    // `: (*, a: long)` keeps the columns of the row.
    let keeps = schema.iter().any(|column| column.name.text == "*");
    let mut declared = declared(schema);
    declared.retain(|(name, _)| &**name != "*");
    match plugin {
        "bag_unpack" => {
            let bag = args.first().and_then(|arg| arg.as_column()).map(|column| column.name.clone());
            let mut row = Row::of([]);
            for (name, ty) in before.columns().iter().filter(|(name, _)| Some(name) != bag.as_ref()) {
                row.take_over(name.clone(), *ty, before.is_time(name));
            }
            for (name, ty) in &declared {
                row.set(name.clone(), *ty);
            }
            row.open = schema.is_empty() || before.open;
            row.whole = before.whole && !row.open;
            row
        }
        "ipv4_lookup" | "ipv6_lookup" | "rows_near" => before,
        _ => {
            let mut row = if keeps { before } else { Row::of([]) };
            for (name, ty) in declared {
                row.set(name, ty);
            }
            row.open |= schema.is_empty();
            row.whole &= !row.open;
            row
        }
    }
}
