//! Tree → canonical KQL: one operator a line, parentheses only where precedence needs them, names quoted where needed.
//!
//! `print(parse(x))` is a fixed point, and parsing what was printed gives the same tree, places aside. Statements and
//! expressions are printed here, operators in [`operator`], constants in [`literal`]. Nothing is translated.

mod literal;
mod operator;

use super::ast::*;
use crate::plan::ScalarType;

/// Prints a hunt as canonical KQL, ending with a newline.
pub fn print(query: &Query) -> String {
    let mut printer = Printer { out: String::new(), depth: 0 };
    printer.statements(&query.statements);
    printer.out.push('\n');
    printer.out
}

/// How tight the parts of expressions bind; [`BinaryOp::precedence`] gives the levels below these.
mod binding {
    pub(super) const ANY: u8 = 0;
    pub(super) const EQUALITY: u8 = 3;
    pub(super) const UNARY: u8 = 8;
    pub(super) const POSTFIX: u8 = 9;
}

/// Words that the grammar would read as something else than a name in some place.
const RESERVED: &[&str] = &[
    "FALSE",
    "False",
    "TRUE",
    "True",
    "alias",
    "and",
    "bagexpansion",
    "by",
    "datascope",
    "datatable",
    "declare",
    "decodeblocks",
    "evaluate",
    "external_data",
    "externaldata",
    "false",
    "find",
    "flags",
    "isfuzzy",
    "kind",
    "let",
    "or",
    "print",
    "range",
    "restrict",
    "search",
    "set",
    "true",
    "union",
    "with_itemindex",
    "with_match_id",
    "with_source",
    "withsource",
];

struct Printer {
    out: String,
    depth: usize,
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn line(&mut self) {
        self.out.push('\n');
        for _ in 0..self.depth {
            self.out.push_str("    ");
        }
    }

    /// Items with `, ` between them.
    fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        for (at, one) in items.iter().enumerate() {
            if at > 0 {
                self.push(", ");
            }
            item(self, one);
        }
    }

    fn statements(&mut self, statements: &[Statement]) {
        for (at, statement) in statements.iter().enumerate() {
            if at > 0 {
                self.push(";");
                self.line();
            }
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Let { name, value } => {
                self.push("let ");
                self.name(name);
                self.push(" = ");
                self.pipe_expression(value);
            }
            StatementKind::LetFunction { name, function } => {
                self.push("let ");
                self.name(name);
                self.push(" = ");
                self.function(function);
            }
            StatementKind::Set { option, value } => {
                self.push("set ");
                self.push(&option.text);
                if let Some(value) = value {
                    self.push(" = ");
                    self.expr(value, binding::ANY);
                }
            }
            StatementKind::Alias { name, value } => {
                self.push("alias database ");
                self.name(name);
                self.push(" = ");
                self.expr(value, binding::ANY);
            }
            StatementKind::Restrict(tables) => {
                self.push("restrict access to (");
                self.tables(tables);
                self.push(")");
            }
            StatementKind::QueryParameters(parameters) => {
                self.push("declare query_parameters (");
                self.list(parameters, Self::parameter);
                self.push(")");
            }
            StatementKind::Pattern(text) => {
                self.push("declare pattern ");
                self.push(text);
            }
            StatementKind::Query(value) => self.pipe_expression(value),
        }
    }

    fn function(&mut self, function: &Function) {
        if function.view {
            self.push("view ");
        }
        self.push("(");
        self.list(&function.parameters, Self::parameter);
        self.push(") {");
        self.depth += 1;
        self.line();
        self.statements(&function.body);
        self.depth -= 1;
        self.line();
        self.push("}");
    }

    fn parameter(&mut self, parameter: &Parameter) {
        self.name(&parameter.name);
        self.push(":");
        match &parameter.ty {
            ParameterType::Scalar(ty) => self.push(ty.name()),
            ParameterType::Tabular(columns) if columns.is_empty() => self.push("(*)"),
            ParameterType::Tabular(columns) => self.row_schema(columns),
        }
        if let Some(default) = &parameter.default {
            self.push(" = ");
            self.expr(default, binding::ANY);
        }
    }

    fn row_schema(&mut self, columns: &[ColumnDeclaration]) {
        self.push("(");
        self.list(columns, |printer, column| {
            if column.name.text == "*" && column.ty == ScalarType::Unknown {
                return printer.push("*");
            }
            printer.name(&column.name);
            printer.push(":");
            printer.push(column.ty.name());
        });
        self.push(")");
    }

    /// A name, in brackets unless every place reads it as a name.
    fn name(&mut self, name: &Name) {
        let mut bytes = name.text.bytes();
        let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'));
        if starts
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !RESERVED.contains(&name.text.as_str())
        {
            self.push(&name.text);
        } else {
            self.bracketed(name);
        }
    }

    /// A name that may hold wildcards.
    fn pattern(&mut self, name: &Name) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'*' | b'$');
        if !name.text.is_empty() && name.text.bytes().all(plain) {
            self.push(&name.text);
        } else {
            self.bracketed(name);
        }
    }

    fn bracketed(&mut self, name: &Name) {
        self.push("[");
        self.text(&name.text);
        self.push("]");
    }

    /// Tables of `union`, `find` and `search`.
    fn tables(&mut self, tables: &[Expr]) {
        self.list(tables, |printer, table| match &table.kind {
            ExprKind::Name(name) if name.text.contains('*') => printer.pattern(name),
            ExprKind::Member { base, name } if name.text.contains('*') => {
                printer.expr(base, binding::POSTFIX);
                printer.push(".");
                printer.pattern(name);
            }
            _ => printer.expr(table, binding::ANY),
        });
    }

    /// An expression where a pipeline needs no parentheses.
    fn pipe_expression(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Pipeline(pipeline) => self.pipeline(pipeline),
            _ => self.expr(expr, binding::ANY),
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        match &pipeline.source {
            Some(Source::Expr(source)) => self.expr(source, binding::ANY),
            Some(Source::Operator(operator)) => self.operator(operator),
            None => {}
        }
        for (at, operator) in pipeline.operators.iter().enumerate() {
            if at > 0 || pipeline.source.is_some() {
                self.line();
                self.push("| ");
            }
            self.operator(operator);
        }
    }

    /// Text in parentheses: on one line, or indented where pipelines stand in it.
    fn group<T>(&mut self, items: &[T], value: impl Fn(&T) -> &Expr, mut item: impl FnMut(&mut Self, &T)) {
        let tall = items.iter().any(|item| matches!(value(item).kind, ExprKind::Pipeline(_)));
        self.push("(");
        if tall {
            self.depth += 1;
            self.line();
        }
        for (at, one) in items.iter().enumerate() {
            if at > 0 {
                self.push(if tall { "," } else { ", " });
                if tall {
                    self.line();
                }
            }
            item(self, one);
        }
        if tall {
            self.depth -= 1;
            self.line();
        }
        self.push(")");
    }

    fn arguments(&mut self, args: &[Argument]) {
        self.group(
            args,
            |arg| &arg.value,
            |printer, arg| {
                if let Some(name) = &arg.name {
                    printer.name(name);
                    printer.push(" = ");
                }
                printer.pipe_expression(&arg.value);
            },
        );
    }

    fn grouped(&mut self, items: &[Expr]) {
        self.group(items, |item| item, Self::pipe_expression);
    }

    /// An expression in a place that holds what binds at least as tight as `floor`.
    fn expr(&mut self, expr: &Expr, floor: u8) {
        let binding = match &expr.kind {
            ExprKind::Binary { op, .. } => op.precedence(),
            ExprKind::Membership { .. } | ExprKind::Between { .. } => binding::EQUALITY,
            ExprKind::Unary { .. } => binding::UNARY,
            ExprKind::Pipeline(_) => return self.grouped(std::slice::from_ref(expr)),
            _ => binding::POSTFIX,
        };
        if binding < floor {
            self.push("(");
            self.bare(expr);
            self.push(")");
        } else {
            self.bare(expr);
        }
    }

    fn bare(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(value) => self.value(value),
            ExprKind::Typed { ty, value } => self.typed(*ty, value),
            ExprKind::Name(name) => self.name(name),
            ExprKind::Star => self.push("*"),
            ExprKind::Member { base, name } => {
                self.expr(base, binding::POSTFIX);
                self.push(".");
                self.name(name);
            }
            ExprKind::Index { base, index } => {
                self.expr(base, binding::POSTFIX);
                self.push("[");
                self.pipe_expression(index);
                self.push("]");
            }
            ExprKind::Call { base, function, args } => {
                if let Some(base) = base {
                    self.expr(base, binding::POSTFIX);
                    self.push(".");
                    self.name(function);
                } else {
                    self.push(&function.text);
                }
                self.arguments(args);
            }
            ExprKind::Unary { op, operand } => {
                self.push(match op {
                    UnaryOp::Minus => "-",
                    UnaryOp::Plus => "+",
                });
                self.expr(operand, binding::UNARY);
            }
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right),
            ExprKind::Membership { op, subject, items } => {
                self.expr(subject, binding::EQUALITY + 1);
                self.push(" ");
                self.push(op.spelling());
                self.push(" ");
                self.grouped(items);
            }
            ExprKind::Between { subject, negated, low, high } => {
                self.expr(subject, binding::EQUALITY + 1);
                self.push(if *negated { " !between (" } else { " between (" });
                self.expr(low, binding::ANY);
                self.push(" .. ");
                self.expr(high, binding::ANY);
                self.push(")");
            }
            ExprKind::List(items) => self.grouped(items),
            ExprKind::Pipeline(pipeline) => self.pipeline(pipeline),
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) {
        let level = op.precedence();
        // `and` and `or` are one chain however they lean; comparisons do not chain at all.
        let (left_floor, right_floor) = match op {
            BinaryOp::And | BinaryOp::Or => (level, level),
            _ if op.chains() => (level, level + 1),
            _ => (level + 1, level + 1),
        };
        self.expr(left, left_floor);
        self.push(" ");
        self.push(op.spelling());
        self.push(" ");
        self.expr(right, right_floor);
    }
}
