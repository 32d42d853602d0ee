//! What lets and functions of the hunt mean: worked out on first use, functions anew at each call.

use std::rc::Rc;

use super::columns::{Row, Rows};
use super::place::{Meaning, Outcome, Place};
use super::scope::{EntryId, EntryKind, Found, Scope, Shape};
use super::{DEPTH, Resolver, Step};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Expr, ScalarType};
use crate::source::Span;
use crate::syntax::ast::{self, Argument, Function, Name, ParameterType};
use crate::vocabulary::FunctionKind;

impl<'a> Resolver<'a> {
    /// What an entry stands for.
    pub(super) fn meaning(&mut self, id: EntryId, at: Span) -> Step<Meaning> {
        let Some(entry) = self.scopes.get_mut(id) else { return self.fault(at) };
        entry.used = true;
        let (kind, scope) = (entry.kind.clone(), entry.scope);
        match kind {
            EntryKind::Value(value, nodes) => Ok(Meaning::Value(value, nodes)),
            EntryKind::Rows(rows, nodes) => Ok(Meaning::Rows(rows, nodes)),
            EntryKind::Function(_) => Ok(Meaning::Function),
            EntryKind::Open => self.fault(at),
            EntryKind::Let(expr) => {
                self.begin(id, at)?;
                let before = self.nodes;
                let kind = match self.shape(expr, scope, None) {
                    Shape::Scalar => {
                        let value = self.apart(expr.span, |this| this.value(expr, Place::outside(scope)))?;
                        EntryKind::Value(Rc::new(value), self.nodes - before)
                    }
                    Shape::Tabular => {
                        let rows = self.rows(expr, scope)?;
                        EntryKind::Rows(Rc::new(rows), self.nodes - before)
                    }
                };
                if let Some(entry) = self.scopes.get_mut(id) {
                    entry.active = false;
                    entry.kind = kind;
                }
                self.meaning(id, at)
            }
        }
    }

    /// Works something out that does not belong to the expression at hand.
    pub(super) fn apart<T>(&mut self, span: Span, inner: impl FnOnce(&mut Self) -> Step<T>) -> Step<T> {
        let aggregates = std::mem::take(&mut self.aggregates);
        let result = self.deeper(span, inner);
        self.aggregates = aggregates;
        result
    }

    /// Marks an entry as being worked out; to meet it again is recursion.
    fn begin(&mut self, id: EntryId, at: Span) -> Step<()> {
        let Some(entry) = self.scopes.get_mut(id) else { return self.fault(at) };
        if !entry.active {
            entry.active = true;
            return Ok(());
        }
        let name = entry.name;
        self.fail(
            Diagnostic::error(Code::Recursion, at, format!("`{}` calls itself", name.text))
                .label(name.span, "defined here")
                .help("KQL has no recursion; write out what the inner call stands for"),
        )
    }

    pub(super) fn fault<T>(&mut self, span: Span) -> Step<T> {
        self.fail(Diagnostic::error(Code::Fault, span, "a name has lost its meaning"))
    }

    /// Says that a name is used before it is defined. If its meaning leads back to what is being worked out, that is
    /// recursion.
    pub(super) fn used_early<T>(&mut self, id: EntryId, name: &Name) -> Step<T> {
        let Some(entry) = self.scopes.get(id) else { return self.fault(name.span) };
        let (at, defined, active, kind) = (entry.scope, entry.name.span, entry.active, entry.kind.clone());
        if active {
            self.begin(id, name.span)?;
        }
        if let EntryKind::Function(function) = kind
            && self.leads_back(function, at, &mut vec![id])
        {
            let message = format!("`{}` leads back to the function that refers to it", name.text);
            return self.fail(
                Diagnostic::error(Code::Recursion, name.span, message)
                    .label(defined, "defined here")
                    .help("KQL has no recursion; write out what the inner call stands for"),
            );
        }
        self.fail(
            Diagnostic::error(Code::UnknownFunction, name.span, format!("`{}` is defined only later", name.text))
                .label(defined, "defined here")
                .help("move its let before the place that uses it"),
        )
    }

    /// Whether the text of a function names something that is being worked out, directly or through other functions.
    fn leads_back(&self, function: &Function, scope: Scope, seen: &mut Vec<EntryId>) -> bool {
        let Some(span) = function.body.first().zip(function.body.last()).map(|(a, b)| a.span.to(b.span)) else {
            return false;
        };
        let words: Vec<&str> = span
            .slice(self.text)
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .collect();
        words.into_iter().any(|word| {
            let (Found::Entry(id) | Found::Later(id)) = self.scopes.find(scope, word) else { return false };
            let Some(entry) = self.scopes.get(id) else { return false };
            if entry.active {
                return true;
            }
            if seen.len() > DEPTH || seen.contains(&id) {
                return false;
            }
            seen.push(id);
            match &entry.kind {
                EntryKind::Function(function) => self.leads_back(function, entry.scope, seen),
                EntryKind::Let(_) | EntryKind::Value(..) | EntryKind::Rows(..) | EntryKind::Open => false,
            }
        })
    }

    /// What a call calls: a let without arguments, too; a let that is no function hides none of KQL's own.
    pub(super) fn called(&self, function: &Name, scope: Scope) -> Found {
        let found = self.scopes.find(scope, &function.text);
        let (Found::Entry(id) | Found::Later(id)) = found else { return found };
        let is_function = self.scopes.get(id).is_some_and(|entry| matches!(entry.kind, EntryKind::Function(_)));
        let built_in = || {
            self.vocabulary.function(&function.text).is_some()
                || matches!(self.vocabulary.table(&function.text), Ok(Some(_)))
        };
        if is_function || !built_in() { found } else { Found::Nothing }
    }

    /// Inlines a function of the hunt. `piped` are the rows of `T | invoke f()`.
    pub(super) fn inline(
        &mut self,
        id: EntryId,
        args: &'a [Argument],
        place: Place<'_>,
        piped: Option<Rows>,
        span: Span,
    ) -> Step<Outcome> {
        let Some(entry) = self.scopes.get_mut(id) else { return self.fault(span) };
        entry.used = true;
        let (name, scope) = (entry.name, entry.scope);
        let EntryKind::Function(function) = entry.kind else {
            return self.fail(
                Diagnostic::error(Code::UnknownFunction, span, format!("`{}` is not a function", name.text))
                    .label(name.span, "defined here"),
            );
        };
        let inner = self.bind(function, name, args, place, piped, scope, span)?;
        self.begin(id, span)?;
        let outcome = self.apart(span, |this| this.body(function, inner))?;
        if let Some(entry) = self.scopes.get_mut(id) {
            entry.active = false;
        }
        Ok(outcome)
    }

    fn body(&mut self, function: &'a Function, scope: Scope) -> Step<Outcome> {
        let parameters = self.scopes.entries(scope).count();
        let (scope, result) = self.statements(&function.body, scope)?;
        let Some((result, seen)) = result else {
            let span = function.body.last().map_or(Span::default(), |last| last.span);
            return self.fail(Diagnostic::error(Code::NotTabular, span, "the function gives no result"));
        };
        let outcome = match self.shape(result, seen, None) {
            Shape::Scalar => Outcome::Value(self.value(result, Place::outside(seen))?),
            Shape::Tabular => Outcome::Rows(self.rows(result, seen)?),
        };
        let idle: Vec<(Span, String)> = self
            .scopes
            .entries(scope)
            .take(parameters)
            .filter(|entry| !entry.used)
            .map(|entry| (entry.name.span, entry.name.text.clone()))
            .collect();
        for (span, name) in idle {
            self.ignored(span, format!("the function does not use its parameter `{name}`"));
        }
        self.note_unused(scope);
        Ok(outcome)
    }

    /// Gives the parameters of a function their values in a level of their own.
    #[allow(clippy::too_many_arguments)] // A call has that many parts.
    fn bind(
        &mut self,
        function: &'a Function,
        called: &Name,
        args: &'a [Argument],
        place: Place<'_>,
        piped: Option<Rows>,
        outer: Scope,
        span: Span,
    ) -> Step<Scope> {
        let mut piped = piped;
        let mut positional = args.iter().filter(|arg| arg.name.is_none());
        let mut scope = self.scopes.open(Some(outer));
        for arg in args {
            let Some(name) = &arg.name else { continue };
            if !function.parameters.iter().any(|parameter| parameter.name.text == name.text) {
                let known = function.parameters.iter().map(|parameter| parameter.name.text.as_str());
                let near = crate::data::nearest(&name.text, known).map(|near| format!("did you mean `{near}`?"));
                let message = format!("`{}` has no parameter `{}`", called.text, name.text);
                return self.fail(Diagnostic {
                    help: near,
                    ..Diagnostic::error(Code::WrongArguments, name.span, message).label(called.span, "defined here")
                });
            }
        }
        for parameter in &function.parameters {
            let name = &parameter.name;
            let named = args.iter().find(|arg| arg.name.as_ref().is_some_and(|given| given.text == name.text));
            let before = self.nodes;
            let kind = match &parameter.ty {
                ParameterType::Tabular(declared) => {
                    if let (Some(first), Some(last)) = (declared.first(), declared.last()) {
                        // The declaration promises columns; what the rows really hold is looked at instead.
                        self.ignored(
                            first.name.span.to(last.name.span),
                            format!("the columns that parameter `{}` declares are not checked", name.text),
                        );
                    }
                    let rows = match (piped.take(), named) {
                        (Some(rows), _) => rows,
                        (None, Some(arg)) => self.rows(&arg.value, place.scope)?,
                        (None, None) => match positional.next() {
                            Some(arg) => self.rows(&arg.value, place.scope)?,
                            None => return self.missing(name, called, span),
                        },
                    };
                    EntryKind::Rows(Rc::new(rows), (self.nodes - before).max(1))
                }
                ParameterType::Scalar(ty) => {
                    let given = named.or_else(|| positional.next()).map(|arg| &arg.value);
                    let value = match (given, &parameter.default) {
                        (Some(given), _) => self.apart(given.span, |this| this.value(given, place))?,
                        (None, Some(default)) => {
                            self.apart(default.span, |this| this.value(default, Place::outside(outer)))?
                        }
                        (None, None) => return self.missing(name, called, span),
                    };
                    let value = self.as_parameter(value, *ty)?;
                    EntryKind::Value(Rc::new(value), self.nodes - before)
                }
            };
            scope = self.scopes.add(scope, name, None, kind, None);
        }
        if let Some(extra) = positional.next() {
            let message = format!("`{}` takes {} arguments, here is one more", called.text, function.parameters.len());
            return self.fail(
                Diagnostic::error(Code::WrongArguments, extra.value.span, message).label(called.span, "defined here"),
            );
        }
        if piped.is_some() {
            let message = format!("`{}` takes no rows: none of its parameters is a table", called.text);
            return self.fail(
                Diagnostic::error(Code::WrongArguments, span, message)
                    .label(called.span, "defined here")
                    .help("declare its first parameter as `(T:(*))`"),
            );
        }
        Ok(scope)
    }

    /// A whole number for a parameter of type `real` becomes one: it decides how the body divides.
    fn as_parameter(&mut self, value: Expr, ty: ScalarType) -> Step<Expr> {
        if ty != ScalarType::Real || !matches!(value.ty, ScalarType::Int | ScalarType::Long) {
            return Ok(value);
        }
        let span = value.span;
        let built = self.builder(None).call("toreal", vec![value], span);
        self.built(built)
    }

    fn missing<T>(&mut self, parameter: &Name, called: &Name, span: Span) -> Step<T> {
        let message = format!("the call of `{}` gives no value for `{}`", called.text, parameter.text);
        self.fail(Diagnostic::error(Code::WrongArguments, span, message).label(parameter.span, "declared here"))
    }

    /// Whether an expression gives a value or rows, seen from a place.
    pub(super) fn shape(&mut self, expr: &'a ast::Expr, scope: Scope, row: Option<&Row>) -> Shape {
        match &expr.kind {
            ast::ExprKind::Pipeline(_) => Shape::Tabular,
            ast::ExprKind::Name(name) => {
                if row.is_some_and(|row| row.has(&name.text)) {
                    return Shape::Scalar;
                }
                match self.scopes.find(scope, &name.text) {
                    Found::Entry(id) => self.shape_of(id),
                    Found::Later(_) | Found::Nothing => {
                        let table = row.is_none()
                            || self.named.contains_key(name.text.as_str())
                            || matches!(self.vocabulary.table(&name.text), Ok(Some(_)));
                        if table { Shape::Tabular } else { Shape::Scalar }
                    }
                }
            }
            ast::ExprKind::Call { base: None, function, args: _ } => {
                if let Found::Entry(id) | Found::Later(id) = self.called(function, scope) {
                    return self.shape_of(id);
                }
                match self.vocabulary.function(&function.text) {
                    Some((_, row)) => match row.kind {
                        FunctionKind::Tabular => Shape::Tabular,
                        FunctionKind::Scalar
                        | FunctionKind::Aggregate
                        | FunctionKind::Window
                        | FunctionKind::Plugin => Shape::Scalar,
                    },
                    None if matches!(self.vocabulary.table(&function.text), Ok(Some(_))) => Shape::Tabular,
                    None if super::parameters::is_parser(&function.text) => Shape::Tabular,
                    None => Shape::Scalar,
                }
            }
            ast::ExprKind::Call { base: Some(base), .. } | ast::ExprKind::Member { base, .. } => {
                if super::written::is_place(base) {
                    Shape::Tabular
                } else {
                    Shape::Scalar
                }
            }
            ast::ExprKind::Literal(_)
            | ast::ExprKind::Typed { .. }
            | ast::ExprKind::Star
            | ast::ExprKind::Index { .. }
            | ast::ExprKind::Unary { .. }
            | ast::ExprKind::Binary { .. }
            | ast::ExprKind::Membership { .. }
            | ast::ExprKind::Between { .. }
            | ast::ExprKind::List(_) => Shape::Scalar,
        }
    }

    fn shape_of(&mut self, id: EntryId) -> Shape {
        let Some(entry) = self.scopes.get(id) else { return Shape::Scalar };
        if let Some(shape) = entry.shape {
            return shape;
        }
        let (kind, scope) = (entry.kind.clone(), entry.scope);
        if self.depth >= DEPTH {
            return Shape::Scalar;
        }
        self.depth += 1;
        let shape = match kind {
            EntryKind::Value(..) | EntryKind::Open => Shape::Scalar,
            EntryKind::Rows(..) => Shape::Tabular,
            EntryKind::Let(expr) => self.shape(expr, scope, None),
            EntryKind::Function(function) => self.shape_of_body(function, scope),
        };
        self.depth -= 1;
        if let Some(entry) = self.scopes.get_mut(id) {
            entry.shape = Some(shape);
        }
        shape
    }

    fn shape_of_body(&mut self, function: &'a Function, outer: Scope) -> Shape {
        let mut scope = self.scopes.open(Some(outer));
        for parameter in &function.parameters {
            let shape = match parameter.ty {
                ParameterType::Scalar(_) => Shape::Scalar,
                ParameterType::Tabular(_) => Shape::Tabular,
            };
            scope = self.scopes.add(scope, &parameter.name, None, EntryKind::Open, Some(shape));
        }
        let mut shape = Shape::Scalar;
        for statement in &function.body {
            match &statement.kind {
                ast::StatementKind::Let { name, value } => {
                    scope = self.scopes.add(scope, name, None, EntryKind::Let(value), None);
                }
                ast::StatementKind::LetFunction { name, function } => {
                    scope = self.scopes.add(scope, name, None, EntryKind::Function(function), None);
                }
                ast::StatementKind::Query(expr) => shape = self.shape(expr, scope, None),
                ast::StatementKind::Set { .. }
                | ast::StatementKind::Alias { .. }
                | ast::StatementKind::Restrict(_)
                | ast::StatementKind::QueryParameters(_)
                | ast::StatementKind::Pattern(_) => {}
            }
        }
        shape
    }
}
