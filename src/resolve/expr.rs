//! Scalar expressions: names are bound, calls are told apart, the rest is handed to [`super::build`].

use std::sync::Arc;

use super::columns::Row;
use super::place::{Meaning, Outcome, Place};
use super::scope::Found;
use super::{DEPTH, Resolver, Step, written};
use crate::data::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Expr, PathStep, ScalarType, Value};
use crate::source::Span;
use crate::syntax::ast::{self, Argument, BinaryOp, Name};
use crate::vocabulary::FunctionKind;

impl<'a> Resolver<'a> {
    /// The value of an expression.
    pub(super) fn value(&mut self, expr: &'a ast::Expr, place: Place<'_>) -> Step<Expr> {
        self.spend(1, expr.span)?;
        match &expr.kind {
            ast::ExprKind::Literal(value) => {
                self.spend(weight(value), expr.span)?;
                Ok(self.builder(None).literal(value.clone(), value.ty(), expr.span))
            }
            ast::ExprKind::Typed { ty, value } => Ok(self.builder(None).literal(value.clone(), *ty, expr.span)),
            ast::ExprKind::Name(name) => self.name(name, expr.span, place),
            ast::ExprKind::Binary { .. } => self.deeper(expr.span, |this| this.binary(expr, place)),
            ast::ExprKind::Star
            | ast::ExprKind::Member { .. }
            | ast::ExprKind::Index { .. }
            | ast::ExprKind::Call { .. }
            | ast::ExprKind::Unary { .. }
            | ast::ExprKind::Membership { .. }
            | ast::ExprKind::Between { .. }
            | ast::ExprKind::List(_)
            | ast::ExprKind::Pipeline(_) => self.deeper(expr.span, |this| this.compound(expr, place)),
        }
    }

    /// A condition: only rows where it is true count.
    pub(super) fn condition(&mut self, expr: &'a ast::Expr, place: Place<'_>) -> Step<Expr> {
        let value = self.value(expr, place)?;
        Ok(self.builder(place.row).predicate(value))
    }

    fn compound(&mut self, expr: &'a ast::Expr, place: Place<'_>) -> Step<Expr> {
        let span = expr.span;
        match &expr.kind {
            ast::ExprKind::Member { base, name } => self.member(base, name, span, place),
            ast::ExprKind::Index { base, index } => {
                let base = self.value(base, place)?;
                let index = self.value(index, place)?;
                let step = match index.as_literal() {
                    Some(Value::String(key)) => PathStep::Key(key.clone()),
                    Some(Value::Long(at)) => PathStep::Index(*at),
                    Some(_) | None => PathStep::Computed(Box::new(index)),
                };
                Ok(self.builder(place.row).path(base, step, span))
            }
            ast::ExprKind::Call { base: None, function, args } => self.call(function, args, span, place),
            ast::ExprKind::Call { base: Some(_), function, .. } => {
                let message = format!("`{}` of another place gives no value that is known here", function.text);
                self.fail(
                    Diagnostic::error(Code::UnknownFunction, span, message)
                        .help("put the function's body into the hunt as `let name = (…) { … };`"),
                )
            }
            ast::ExprKind::Unary { op, operand } => {
                let operand = self.value(operand, place)?;
                let built = self.builder(place.row).unary(*op, operand, span);
                self.built(built)
            }
            ast::ExprKind::Membership { op, subject, items } => self.membership(*op, subject, items, span, place),
            ast::ExprKind::Between { subject, negated, low, high } => {
                let subject = self.value(subject, place)?;
                let low = self.value(low, place)?;
                let high = self.value(high, place)?;
                let built = self.builder(place.row).between(subject, *negated, low, high, span);
                self.built(built)
            }
            ast::ExprKind::List(items) => {
                let items = self.values(items, place)?;
                match items.iter().map(|item| item.as_literal().cloned()).collect::<Option<Vec<_>>>() {
                    Some(values) => Ok(self.builder(None).literal(Value::Array(values), ScalarType::Dynamic, span)),
                    None => {
                        let built = self.builder(place.row).call("pack_array", items, span);
                        self.built(built)
                    }
                }
            }
            ast::ExprKind::Pipeline(_) => self.rows_for_value(span),
            ast::ExprKind::Star => self.fail(
                Diagnostic::refusal(Code::NotYet, span, "a condition on every column at once is not translated")
                    .help("name the columns: `where ColumnA has … or ColumnB has …`"),
            ),
            ast::ExprKind::Literal(_)
            | ast::ExprKind::Typed { .. }
            | ast::ExprKind::Name(_)
            | ast::ExprKind::Binary { .. } => self.value(expr, place),
        }
    }

    pub(super) fn values(&mut self, exprs: &'a [ast::Expr], place: Place<'_>) -> Step<Vec<Expr>> {
        exprs.iter().map(|expr| self.value(expr, place)).collect()
    }

    fn rows_for_value<T>(&mut self, span: Span) -> Step<T> {
        self.fail(
            Diagnostic::error(Code::NotTabular, span, "rows stand where a value is needed")
                .help("toscalar(T | …) makes a value of the first column of the first row"),
        )
    }

    /// Chains of operators lean to the left and can be long: they are walked, not descended.
    fn binary(&mut self, expr: &'a ast::Expr, place: Place<'_>) -> Step<Expr> {
        let mut chain = Vec::new();
        let mut first = expr;
        while let ast::ExprKind::Binary { op, left, right } = &first.kind {
            chain.push((*op, right.as_ref(), first.span));
            first = left;
        }
        let mut value = self.value(first, place)?;
        let mut depth = 0;
        while let Some((op, right, mut span)) = chain.pop() {
            self.spend(1, span)?;
            let right = self.value(right, place)?;
            let logical = matches!(op, BinaryOp::And | BinaryOp::Or);
            if logical {
                let mut operands = vec![value, right];
                while let Some((_, right, wider)) = chain.pop_if(|(next, _, _)| *next == op) {
                    self.spend(1, wider)?;
                    operands.push(self.value(right, place)?);
                    span = wider;
                }
                let mut builder = self.builder(place.row);
                value = if op == BinaryOp::And { builder.and(operands, span) } else { builder.or(operands, span) };
            } else {
                depth += 1;
                if depth > DEPTH {
                    return self.fail(Diagnostic::error(Code::TooLong, span, "the chain of operators is too long"));
                }
                let built = self.builder(place.row).binary(op, value, right, span);
                value = self.built(built)?;
            }
        }
        Ok(value)
    }

    /// A name: a column of the row, a let or a parameter, else a column that is taken on trust.
    fn name(&mut self, name: &'a Name, span: Span, place: Place<'_>) -> Step<Expr> {
        if let Some((column, ty)) = place.row.and_then(|row| row.get(&name.text)) {
            return Ok(self.builder(None).column(column.clone(), ty, true, span));
        }
        match self.scopes.find(place.scope, &name.text) {
            Found::Entry(id) => match self.meaning(id, span)? {
                Meaning::Value(value, nodes) => {
                    self.spend(nodes, span)?;
                    Ok(value.as_ref().clone())
                }
                Meaning::Rows(..) => self.rows_for_value(span),
                Meaning::Function => match self.inline(id, &[], place, None, span)? {
                    Outcome::Value(value) => Ok(value),
                    Outcome::Rows(_) => self.rows_for_value(span),
                },
            },
            Found::Later(id) if place.row.is_none() => self.used_early(id, name),
            Found::Later(_) | Found::Nothing => match place.row {
                Some(row) => Ok(self.trusted(&name.text, span, row)),
                None => {
                    let names = self.scopes.names(place.scope);
                    let near = nearest(&name.text, names.into_iter()).map(|near| format!("did you mean `{near}`?"));
                    let message =
                        format!("`{}` is neither a let nor a parameter, and there are no columns here", name.text);
                    let help = near.unwrap_or_else(|| format!("define it: `let {} = …;`", name.text));
                    self.fail(Diagnostic::error(Code::UnknownFunction, span, message).help(help))
                }
            },
        }
    }

    /// A column by name; one that is not known is taken on trust and named.
    pub(super) fn column(&mut self, name: &str, span: Span, row: &Row) -> Expr {
        match row.get(name) {
            Some((column, ty)) => self.builder(None).column(column.clone(), ty, true, span),
            None => self.trusted(name, span, row),
        }
    }

    /// A column that is not known.
    fn trusted(&mut self, name: &str, span: Span, row: &Row) -> Expr {
        if !row.open {
            let table = row.table.as_deref().unwrap_or_default();
            if self.unknown.insert((Code::UnknownColumn, format!("{table}.{name}"))) {
                let near = nearest(name, row.names());
                let message = if table.is_empty() {
                    format!("`{name}` is not a column of the rows at this place; it is taken on trust")
                } else {
                    format!("`{name}` is not known as a column of `{table}`; it is taken on trust")
                };
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "check the name, or add the column with --fields".to_owned(),
                };
                self.say(Diagnostic::warning(Code::UnknownColumn, span, message).help(help));
            }
        }
        // The event's own time is one also in a table that is not known.
        let ty = if row.is_time(name) { ScalarType::Datetime } else { ScalarType::Unknown };
        self.builder(None).column(Arc::from(name), ty, false, span)
    }

    fn member(&mut self, base: &'a ast::Expr, name: &'a Name, span: Span, place: Place<'_>) -> Step<Expr> {
        if let ast::ExprKind::Name(side) = &base.kind {
            let row = match side.text.as_str() {
                "$left" => place.row,
                "$right" => place.right,
                _ => None,
            };
            if let (Some(row), Some(_)) = (row, place.right) {
                return Ok(self.column(&name.text, span, row));
            }
        }
        if super::written::is_place(base) {
            return self.rows_for_value(span);
        }
        let base = self.value(base, place)?;
        Ok(self.builder(place.row).path(base, PathStep::Key(name.text.clone()), span))
    }

    fn call(&mut self, function: &'a Name, args: &'a [Argument], span: Span, place: Place<'_>) -> Step<Expr> {
        match self.called(function, place.scope) {
            Found::Entry(id) => {
                return match self.inline(id, args, place, None, span)? {
                    Outcome::Value(value) => Ok(value),
                    Outcome::Rows(_) => self.rows_for_value(span),
                };
            }
            Found::Later(id) if self.vocabulary.function(&function.text).is_none() => {
                return self.used_early(id, function);
            }
            Found::Later(_) | Found::Nothing => {}
        }
        match function.text.as_str() {
            "toscalar" => return self.scalar_of_rows(args, span, place),
            "typeof" => return self.type_of(args, span),
            "column_ifexists" | "columnifexists" => {
                if let Some(column) = self.column_if_exists(args, span, place)? {
                    return Ok(column);
                }
            }
            _ => {}
        }
        let Some((_, row)) = self.vocabulary.function(&function.text) else {
            return self.unknown_function(function, place);
        };
        match row.kind {
            FunctionKind::Scalar | FunctionKind::Window => {}
            FunctionKind::Aggregate => return self.aggregate_call(function, args, span, place),
            FunctionKind::Tabular => return self.rows_for_value(span),
            FunctionKind::Plugin => {
                let message = format!("`{}` is a plugin, not a function of values", function.text);
                return self
                    .fail(Diagnostic::error(Code::WrongArguments, span, message).help("use it as `T | evaluate …`"));
            }
        }
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(self.argument(arg, place)?);
        }
        let built = self.builder(place.row).call(&function.text, values, span);
        self.built(built)
    }

    /// One argument of a built-in function; `*` stands for all columns (`hash_combine(*)`, `pack_all`).
    pub(super) fn argument(&mut self, arg: &'a Argument, place: Place<'_>) -> Step<Expr> {
        if let Some(name) = &arg.name {
            self.ignored(name.span, format!("the name `{}` of the argument does not change its value", name.text));
        }
        self.value_or_star(&arg.value, place)
    }

    /// A value, or `*` as the text that stands for all columns.
    pub(super) fn value_or_star(&mut self, expr: &'a ast::Expr, place: Place<'_>) -> Step<Expr> {
        if written::is_star(expr) {
            let text = Value::String("*".to_owned());
            return Ok(self.builder(None).literal(text, ScalarType::String, expr.span));
        }
        self.value(expr, place)
    }

    pub(super) fn unknown_function<T>(&mut self, function: &Name, place: Place<'_>) -> Step<T> {
        let own = self.scopes.names(place.scope);
        let near =
            nearest(&function.text, own.into_iter()).or_else(|| self.vocabulary.nearest_function(&function.text));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("put its body into the hunt: `let {} = (…) {{ … }};`", function.text),
        };
        let message = format!("the function `{}` is not known", function.text);
        self.fail(Diagnostic::error(Code::UnknownFunction, function.span, message).help(help))
    }

    fn type_of(&mut self, args: &'a [Argument], span: Span) -> Step<Expr> {
        let name = args.first().filter(|_| args.len() == 1).and_then(|arg| written::name(&arg.value));
        let ty = name.and_then(|name| ScalarType::from_name(&name.text));
        match ty {
            Some(ty) => Ok(self.builder(None).type_argument(ty, span)),
            None => {
                self.fail(Diagnostic::error(Code::WrongArguments, span, "typeof() takes the name of a scalar type"))
            }
        }
    }

    /// `column_ifexists("name", default)`: the column where it is known, the default where it is known not to be.
    fn column_if_exists(&mut self, args: &'a [Argument], span: Span, place: Place<'_>) -> Step<Option<Expr>> {
        let ([name, default], Some(row)) = (args, place.row) else { return Ok(None) };
        let name = self.value(&name.value, place)?;
        let Some(text) = name.as_str() else { return Ok(None) };
        if let Some((column, ty)) = row.get(text) {
            let (column, default) = (column.clone(), default.value.span);
            self.ignored(default, format!("the default is not used: the column `{column}` exists"));
            return Ok(Some(self.builder(None).column(column, ty, true, span)));
        }
        if !row.whole {
            return Ok(None);
        }
        self.ignored(name.span, format!("there is no column `{text}` here: the default is used"));
        self.value(&default.value, place).map(Some)
    }
}

/// How many values a constant array or bag holds.
fn weight(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len() + items.iter().map(weight).sum::<usize>(),
        Value::Bag(items) => items.len() + items.iter().map(|(_, value)| weight(value)).sum::<usize>(),
        Value::Null(_)
        | Value::Bool(_)
        | Value::Long(_)
        | Value::Real(_)
        | Value::Decimal(_)
        | Value::String(_)
        | Value::Datetime(_)
        | Value::Timespan(_)
        | Value::Guid(_) => 0,
    }
}
