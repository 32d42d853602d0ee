//! Where rows come from: names, calls, scoped tables, and the operators that make rows.

use std::sync::Arc;

use super::columns::{Row, Rows};
use super::place::Place;
use super::place::{Meaning, Outcome};
use super::project::Style;
use super::scope::{EntryId, EntryKind, Found, Scope, Shape};
use super::{Resolver, Step, written};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{ScalarType, Source, TableRef, Value};
use crate::source::Span;
use crate::syntax::ast::{self, Argument, ColumnDeclaration, Name, NamedExpr, OperatorParameter};
use crate::vocabulary::{FunctionKind, TableRow};

impl<'a> Resolver<'a> {
    /// The rows of an expression.
    pub(super) fn rows(&mut self, expr: &'a ast::Expr, scope: Scope) -> Step<Rows> {
        self.spend(1, expr.span)?;
        self.apart(expr.span, |this| this.rows_of(expr, scope))
    }

    fn rows_of(&mut self, expr: &'a ast::Expr, scope: Scope) -> Step<Rows> {
        match &expr.kind {
            ast::ExprKind::Pipeline(pipeline) => self.pipeline(pipeline, scope),
            ast::ExprKind::Name(name) => self.named_rows(name, scope),
            ast::ExprKind::Call { base: None, function, args } => self.called_rows(function, args, expr.span, scope),
            ast::ExprKind::Call { base: Some(base), function, args } if written::is_place(base) => {
                if !args.is_empty() {
                    let message = format!("the function `{}` of another place is not known", function.text);
                    return self.fail(
                        Diagnostic::error(Code::UnknownFunction, function.span, message)
                            .help("put its body into the hunt as `let name = (…) { … };`"),
                    );
                }
                self.ignored_place(base);
                self.table(&function.text, function.span)
            }
            ast::ExprKind::Member { base, name } if written::is_place(base) => {
                self.ignored_place(base);
                self.table(&name.text, name.span)
            }
            ast::ExprKind::Star
            | ast::ExprKind::Literal(_)
            | ast::ExprKind::Typed { .. }
            | ast::ExprKind::Call { .. }
            | ast::ExprKind::Member { .. }
            | ast::ExprKind::Index { .. }
            | ast::ExprKind::Unary { .. }
            | ast::ExprKind::Binary { .. }
            | ast::ExprKind::Membership { .. }
            | ast::ExprKind::Between { .. }
            | ast::ExprKind::List(_) => self.not_rows(expr.span),
        }
    }

    fn not_rows<T>(&mut self, span: Span) -> Step<T> {
        self.fail(
            Diagnostic::error(Code::NotTabular, span, "a value stands where rows are needed")
                .help("`print x = …` makes a row of a value"),
        )
    }

    pub(super) fn ignored_place(&mut self, base: &ast::Expr) {
        let place = base.span.slice(self.text);
        self.say(
            Diagnostic::warning(
                Code::Ignored,
                base.span,
                format!("the place `{place}` is not part of any translation"),
            )
            .help("run the translation where the events of that place are found"),
        );
    }

    /// Rows by name: a let, a parameter, rows named by `as`, or a table.
    fn named_rows(&mut self, name: &'a Name, scope: Scope) -> Step<Rows> {
        match self.scopes.find(scope, &name.text) {
            Found::Entry(id) => match self.meaning(id, name.span)? {
                Meaning::Rows(rows, nodes) => {
                    self.spend(nodes, name.span)?;
                    Ok(rows.as_ref().clone())
                }
                Meaning::Value(..) => self.not_rows(name.span),
                Meaning::Function => match self.inline(id, &[], Place::outside(scope), None, name.span)? {
                    Outcome::Rows(rows) => Ok(rows),
                    Outcome::Value(_) => self.not_rows(name.span),
                },
            },
            Found::Later(_) | Found::Nothing => {
                if let Some(rows) = self.named.get(name.text.as_str()) {
                    return Ok(rows.clone());
                }
                if let Found::Later(id) = self.scopes.find(scope, &name.text) {
                    // `let T = T | …` refers to the table of that name.
                    let own = self
                        .scopes
                        .get(id)
                        .is_some_and(|entry| entry.active && matches!(entry.kind, EntryKind::Let(_)));
                    if !own && !matches!(self.vocabulary.table(&name.text), Ok(Some(_))) {
                        return self.used_early(id, name);
                    }
                }
                let mut rows = self.table(&name.text, name.span)?;
                if let Some(table) = self.known_table(&name.text, name.span)? {
                    rows.row.table = Some(Arc::from(table.name.as_str()));
                    self.default_filters(table, &[], name.span);
                }
                Ok(rows)
            }
        }
    }

    fn known_table(&mut self, name: &str, span: Span) -> Step<Option<&'a TableRow>> {
        match self.vocabulary.table(name) {
            Ok(table) => Ok(table),
            Err(error) => {
                self.fail(Diagnostic::error(Code::Fault, span, format!("the vocabulary is malformed: {error}")))
            }
        }
    }

    /// A table by name; one that is not known is taken on trust and named.
    pub(super) fn table(&mut self, name: &str, span: Span) -> Step<Rows> {
        let (table, row) = self.table_ref(name, span)?;
        self.spend(1 + row.columns().len() / 16, span)?;
        Ok(Rows::new(Source::Table(table), span, row))
    }

    /// A reference to a table and the row that it gives.
    pub(super) fn table_ref(&mut self, name: &str, span: Span) -> Step<(TableRef, Row)> {
        let Some(table) = self.known_table(name, span)? else {
            if self.unknown.insert((Code::UnknownTable, name.to_owned())) {
                let help = match self.vocabulary.nearest_table(name) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "its columns keep their names; describe the table with --fields".to_owned(),
                };
                let message = format!("the table `{name}` is not known; it is taken on trust");
                self.say(Diagnostic::warning(Code::UnknownTable, span, message).help(help));
            }
            let row = Row::unknown();
            let time_columns = row.times().to_vec();
            return Ok((TableRef { name: Arc::from(name), known: false, time_columns }, row));
        };
        let row = match self.tables.get(&table.name) {
            Some(row) => row.clone(),
            None => {
                let columns = table.columns.iter().map(|(name, column)| (Arc::from(name.as_str()), column.ty));
                let mut row = Row::of(columns);
                for time in &table.time_columns {
                    row.mark_time(Arc::from(time.as_str()));
                }
                row.table = Some(Arc::from(table.name.as_str()));
                row.whole = false;
                self.tables.insert(table.name.clone(), row.clone());
                row
            }
        };
        let time_columns = row.times().to_vec();
        Ok((TableRef { name: Arc::from(table.name.as_str()), known: true, time_columns }, row))
    }

    /// Rows by a call: a function of the hunt, a parser, or one of KQL's own.
    fn called_rows(&mut self, called: &'a Name, args: &'a [Argument], span: Span, scope: Scope) -> Step<Rows> {
        let name = called.text.as_str();
        match self.called(called, scope) {
            Found::Entry(id) => {
                let function = self.scopes.get(id).is_some_and(|entry| matches!(entry.kind, EntryKind::Function(_)));
                if !function && args.is_empty() {
                    return self.named_rows(called, scope);
                }
                return match self.inline(id, args, Place::outside(scope), None, span)? {
                    Outcome::Rows(rows) => Ok(rows),
                    Outcome::Value(_) => self.not_rows(span),
                };
            }
            Found::Later(id) if self.vocabulary.function(name).is_none() => return self.used_early(id, called),
            Found::Later(_) | Found::Nothing => {}
        }
        if let Some(table) = self.known_table(name, span)? {
            let mut rows = self.table(name, called.span)?;
            self.parser_filters(table, args, &mut rows, scope, span)?;
            return Ok(rows);
        }
        match (name, args) {
            ("materialize", [arg]) => return self.rows(&arg.value, scope),
            ("table" | "external_table" | "materialized_view", [arg, rest @ ..]) => {
                let value = self.value(&arg.value, Place::outside(scope))?;
                let Some(table) = value.as_str() else {
                    return self.fail(
                        Diagnostic::error(
                            Code::WrongArguments,
                            arg.value.span,
                            "the name of the table is not a constant",
                        )
                        .help("write the table's name as a text"),
                    );
                };
                for extra in rest {
                    self.ignored(extra.value.span, "this argument of the table does not change which rows come out");
                }
                return self.table(table, span);
            }
            ("_GetWatchlist", [arg, rest @ ..]) => {
                let value = self.value(&arg.value, Place::outside(scope))?;
                let Some(name) = value.as_str() else {
                    return self.fail(
                        Diagnostic::error(
                            Code::WrongArguments,
                            arg.value.span,
                            "the name of the watchlist is not a constant",
                        )
                        .help("write the watchlist's alias as a text"),
                    );
                };
                for extra in rest {
                    self.ignored(
                        extra.value.span,
                        "this argument of the watchlist does not change which rows come out",
                    );
                }
                let mut row = Row::of([(Arc::from("SearchKey"), ScalarType::String)]);
                row.open_up();
                return Ok(Rows::new(Source::Watchlist { name: name.to_owned() }, span, row));
            }
            _ => {}
        }
        match self.vocabulary.function(name) {
            Some((_, row)) => {
                let message = match row.kind {
                    FunctionKind::Tabular => format!("the rows that `{name}` gives are not translated"),
                    FunctionKind::Plugin => format!("the plugin `{name}` stands behind `evaluate`"),
                    FunctionKind::Scalar | FunctionKind::Aggregate | FunctionKind::Window => {
                        return self.not_rows(span);
                    }
                };
                self.fail(
                    Diagnostic::refusal(Code::RefusedSource, span, message)
                        .help("name the table that holds these events"),
                )
            }
            None if is_parser_call(name, args) => self.table(name, span),
            None => self.unknown_function(called, Place::outside(scope)),
        }
    }

    /// The views of the hunt whose names fit a pattern.
    pub(super) fn views(&self, pattern: &str, scope: Scope) -> Vec<EntryId> {
        self.scopes
            .names(scope)
            .into_iter()
            .filter(|name| super::columns::matches(pattern, name))
            .filter_map(|name| match self.scopes.find(scope, name) {
                Found::Entry(id) => Some(id),
                Found::Later(_) | Found::Nothing => None,
            })
            .filter(|id| {
                let Some(entry) = self.scopes.get(*id) else { return false };
                let EntryKind::Function(function) = entry.kind else { return false };
                function.view && function.parameters.is_empty()
            })
            .collect()
    }

    /// The rows of a view.
    pub(super) fn view(&mut self, id: EntryId, span: Span) -> Step<Rows> {
        let Some(scope) = self.scopes.get(id).map(|entry| entry.scope) else { return self.fault(span) };
        match self.inline(id, &[], Place::outside(scope), None, span)? {
            Outcome::Rows(rows) => Ok(rows),
            Outcome::Value(_) => self.not_rows(span),
        }
    }

    pub(super) fn print(&mut self, items: &'a [NamedExpr], scope: Scope, span: Span) -> Step<Rows> {
        let bindings = self.bindings(items, &Row::default(), scope, Style::Print)?;
        let row = Row::of(bindings.iter().map(|binding| (binding.name.clone(), binding.value.ty)));
        Ok(Rows::new(Source::Print(bindings), span, row))
    }

    pub(super) fn range(
        &mut self,
        name: &'a Name,
        bounds: (&'a ast::Expr, &'a ast::Expr, Option<&'a ast::Expr>),
        scope: Scope,
        span: Span,
    ) -> Step<Rows> {
        let place = Place::outside(scope);
        let from = self.value(bounds.0, place)?;
        let to = self.value(bounds.1, place)?;
        let step = match bounds.2 {
            Some(step) => self.value(step, place)?,
            None => self.builder(None).literal(Value::Long(1), ScalarType::Long, span),
        };
        let name: Arc<str> = Arc::from(name.text.as_str());
        let row = Row::of([(name.clone(), from.ty)]);
        Ok(Rows::new(Source::Range { name, from, to, step }, span, row))
    }

    pub(super) fn datatable(
        &mut self,
        columns: &'a [ColumnDeclaration],
        values: &'a [ast::Expr],
        scope: Scope,
        span: Span,
    ) -> Step<Rows> {
        let columns = declared(columns);
        if columns.is_empty() || !values.len().is_multiple_of(columns.len()) {
            let message = format!("{} values do not fill rows of {} columns", values.len(), columns.len());
            return self.fail(Diagnostic::error(Code::WrongArguments, span, message));
        }
        let mut rows = Vec::with_capacity(values.len() / columns.len());
        for chunk in values.chunks(columns.len()) {
            let mut row = Vec::with_capacity(columns.len());
            for (expr, (_, ty)) in chunk.iter().zip(&columns) {
                let value = self.value(expr, Place::outside(scope))?;
                let Some(constant) = value.as_literal() else {
                    return self.fail(
                        Diagnostic::error(
                            Code::WrongArguments,
                            expr.span,
                            "the values of a datatable must be constants",
                        )
                        .help("compute the value in an `extend` after the datatable"),
                    );
                };
                row.push(converted(constant.clone(), *ty));
            }
            rows.push(row);
        }
        let row = Row::of(columns.iter().cloned());
        Ok(Rows::new(Source::Rows { columns, rows }, span, row))
    }

    pub(super) fn external(
        &mut self,
        columns: &'a [ColumnDeclaration],
        addresses: &'a [ast::Expr],
        properties: &'a [OperatorParameter],
        scope: Scope,
        span: Span,
    ) -> Step<Rows> {
        let columns = declared(columns);
        let mut texts = Vec::with_capacity(addresses.len());
        for address in addresses {
            let value = self.value(address, Place::outside(scope))?;
            match value.as_literal() {
                Some(Value::String(text)) => texts.push(text.clone()),
                Some(Value::Array(items)) => {
                    texts.extend(
                        items.iter().filter_map(
                            |item| {
                                if let Value::String(text) = item { Some(text.clone()) } else { None }
                            },
                        ),
                    );
                }
                Some(_) | None => {
                    return self.fail(
                        Diagnostic::error(
                            Code::WrongArguments,
                            address.span,
                            "the address of the data is not a constant",
                        )
                        .help("write the address as a text"),
                    );
                }
            }
        }
        let mut options = Vec::with_capacity(properties.len());
        for property in properties {
            let value = self.option(property, scope)?;
            options.push((property.name.text.clone(), value));
        }
        let row = Row::of(columns.iter().cloned());
        Ok(Rows::new(Source::External { columns, addresses: texts, properties: options }, span, row))
    }

    /// The value of a property: a constant, or a name that stands for itself.
    pub(super) fn option(&mut self, property: &'a OperatorParameter, scope: Scope) -> Step<Value> {
        if let Some(name) = written::name(&property.value) {
            let known = matches!(self.scopes.find(scope, &name.text), Found::Entry(_));
            if !known || self.shape(&property.value, scope, None) == Shape::Tabular {
                return Ok(Value::String(name.text.clone()));
            }
        }
        let value = self.value(&property.value, Place::outside(scope))?;
        match value.as_literal() {
            Some(value) => Ok(value.clone()),
            None => {
                let message = format!("the value of `{}` is not a constant", property.name.text);
                self.fail(Diagnostic::error(Code::WrongArguments, property.value.span, message))
            }
        }
    }
}

/// A call of a parser that is not known is a table on trust if nothing filters it.
fn is_parser_call(name: &str, args: &[Argument]) -> bool {
    args.is_empty() && super::parameters::is_parser(name)
}

/// Declared columns, as the plan says them.
pub(super) fn declared(columns: &[ColumnDeclaration]) -> Vec<(Arc<str>, ScalarType)> {
    columns.iter().map(|column| (Arc::from(column.name.text.as_str()), column.ty)).collect()
}

/// A constant in a column of a type.
fn converted(value: Value, ty: ScalarType) -> Value {
    match (value, ty) {
        (Value::Long(number), ScalarType::Real) => Value::Real(number as f64),
        (Value::Null(_), ty) => Value::Null(ty),
        (value, _) => value,
    }
}
