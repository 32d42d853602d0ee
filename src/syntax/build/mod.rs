//! Pairs → tree: what all builders share, and statements.
//!
//! Operators are built in [`operator`], expressions in [`expression`], constants decoded in [`literal`]. Pairs are
//! read strictly from left to right; nothing is looked up twice, so building is linear.

mod expression;
mod literal;
mod operator;
mod time;

use pest::iterators::{Pair, Pairs};

use super::ast::*;
use super::grammar::Rule;
use super::guard::{Comments, is_blank};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::ScalarType;
use crate::source::Span;

/// A built part, or the first thing in it that is no KQL.
pub(super) type Built<T> = Result<T, Box<Diagnostic>>;

/// The highest tree that is built: chains of signs, paths and arithmetic nest without brackets.
///
/// Everything that walks or drops the tree recurses this deep at most.
pub(super) const MAX_HEIGHT: u32 = 400;

/// Makes trees of the pairs of one text.
pub(super) struct Builder<'t> {
    text: &'t str,
    comments: &'t Comments,
    /// Height of the highest tree built since the enclosing node began.
    height: u32,
    /// What is wrong and does not stop building: literals without a value.
    faults: Vec<Diagnostic>,
}

/// Pairs of one rule, with one pair of lookahead.
pub(super) struct Cursor<'t> {
    pairs: Pairs<'t, Rule>,
    ahead: Option<Pair<'t, Rule>>,
}

impl<'t> Cursor<'t> {
    fn new(mut pairs: Pairs<'t, Rule>) -> Self {
        let ahead = pairs.next();
        Self { pairs, ahead }
    }

    fn of(pair: Pair<'t, Rule>) -> Self {
        Self::new(pair.into_inner())
    }

    /// The rule of the next pair.
    fn rule(&self) -> Option<Rule> {
        self.ahead.as_ref().map(Pair::as_rule)
    }

    fn next(&mut self) -> Option<Pair<'t, Rule>> {
        let next = self.pairs.next();
        std::mem::replace(&mut self.ahead, next)
    }

    /// The next pair, if it is of this rule.
    fn take(&mut self, rule: Rule) -> Option<Pair<'t, Rule>> {
        if self.rule() == Some(rule) { self.next() } else { None }
    }
}

impl<'t> Builder<'t> {
    /// A builder for the pairs of `text`.
    pub(super) fn new(text: &'t str, comments: &'t Comments) -> Self {
        Self { text, comments, height: 0, faults: Vec::new() }
    }

    /// The hunt, or all that is wrong with it.
    pub(super) fn query(mut self, pairs: Pairs<'t, Rule>) -> Result<Query, Vec<Diagnostic>> {
        let mut cursor = Cursor::new(pairs);
        let statements = match cursor.next() {
            Some(query) => self.statements(&mut Cursor::of(query)),
            None => Ok(Vec::new()),
        };
        match statements {
            Err(fault) => {
                self.faults.push(*fault);
                Err(self.faults)
            }
            Ok(_) if !self.faults.is_empty() => Err(self.faults),
            Ok(statements) => {
                let span = match (statements.first(), statements.last()) {
                    (Some(first), Some(last)) => first.span.to(last.span),
                    _ => Span::default(),
                };
                Ok(Query { statements, span })
            }
        }
    }

    /// Statements, up to the end of the pairs.
    fn statements(&mut self, cursor: &mut Cursor<'t>) -> Built<Vec<Statement>> {
        let mut statements = Vec::new();
        while let Some(pair) = cursor.next() {
            if pair.as_rule() != Rule::EOI {
                statements.push(self.statement(pair)?);
            }
        }
        Ok(statements)
    }

    fn statement(&mut self, pair: Pair<'t, Rule>) -> Built<Statement> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut inner = Cursor::of(pair);
        let kind = match rule {
            Rule::let_statement => {
                let name = self.name(&mut inner, span)?;
                match inner.take(Rule::let_function) {
                    Some(function) => StatementKind::LetFunction { name, function: self.function(function)? },
                    None => StatementKind::Let { name, value: self.pipe_expression(&mut inner, span)? },
                }
            }
            Rule::set_statement => {
                let option = self.name(&mut inner, span)?;
                let value = if inner.rule().is_some() { Some(self.expression(&mut inner, span)?) } else { None };
                StatementKind::Set { option, value }
            }
            Rule::alias_database_statement => {
                let name = self.name(&mut inner, span)?;
                StatementKind::Alias { name, value: self.expression(&mut inner, span)? }
            }
            Rule::restrict_access_statement => StatementKind::Restrict(self.tables(&mut inner, span)?),
            Rule::declare_query_parameters_statement => StatementKind::QueryParameters(self.parameters(&mut inner)?),
            Rule::declare_pattern_statement => {
                let text = inner.next().map(|pattern| self.span(&pattern).slice(self.text)).unwrap_or_default();
                StatementKind::Pattern(text.to_owned())
            }
            _ => StatementKind::Query(self.pipe_expression(&mut inner, span)?),
        };
        Ok(Statement { kind, span })
    }

    fn function(&mut self, pair: Pair<'t, Rule>) -> Built<Function> {
        let mut inner = Cursor::of(pair);
        let view = inner.take(Rule::view).is_some();
        let parameters = self.parameters(&mut inner)?;
        let body = match inner.take(Rule::function_body) {
            Some(body) => {
                let outer = std::mem::take(&mut self.height);
                let body = self.statements(&mut Cursor::of(body));
                self.height = outer.max(self.height + 1);
                body?
            }
            None => Vec::new(),
        };
        Ok(Function { view, parameters, body })
    }

    fn parameters(&mut self, cursor: &mut Cursor<'t>) -> Built<Vec<Parameter>> {
        let mut parameters = Vec::new();
        while let Some(pair) = cursor.take(Rule::parameter) {
            let span = self.span(&pair);
            let mut inner = Cursor::of(pair);
            let name = self.name(&mut inner, span)?;
            let ty = match inner.take(Rule::row_schema) {
                Some(schema) => ParameterType::Tabular(self.row_schema(schema)?),
                None => ParameterType::Scalar(self.type_name(&mut inner, span)?),
            };
            let default = if inner.rule().is_some() { Some(self.expression(&mut inner, span)?) } else { None };
            parameters.push(Parameter { name, ty, default });
        }
        Ok(parameters)
    }

    /// `(a: long, b: string)`. A `*` beside columns is a column of this name; `(*)` alone has none.
    fn row_schema(&mut self, pair: Pair<'t, Rule>) -> Built<Vec<ColumnDeclaration>> {
        let span = self.span(&pair);
        let mut inner = Cursor::of(pair);
        let mut columns = Vec::new();
        while inner.rule().is_some() {
            if let Some(star) = inner.take(Rule::star) {
                let name = Name { text: "*".to_owned(), span: self.span(&star) };
                columns.push(ColumnDeclaration { name, ty: ScalarType::Unknown });
                continue;
            }
            let name = self.name(&mut inner, span)?;
            columns.push(ColumnDeclaration { name, ty: self.type_name(&mut inner, span)? });
        }
        if let [ColumnDeclaration { ty: ScalarType::Unknown, .. }] = columns.as_slice() {
            columns.clear();
        }
        Ok(columns)
    }

    /// The next pair as the name of a type.
    fn type_name(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<ScalarType> {
        let Some(pair) = cursor.take(Rule::type_name) else { return Err(self.fault(within)) };
        let (text, span) = (pair.as_str(), self.span(&pair));
        ScalarType::from_name(text).ok_or_else(|| {
            let message = format!("`{text}` is not a type");
            let help = "the types are `bool`, `datetime`, `decimal`, `dynamic`, `guid`, `int`, `long`, `real`, `string` and `timespan`";
            Box::new(Diagnostic::error(Code::Syntax, span, message).help(help))
        })
    }

    /// The next pair as a name, bare or in brackets.
    fn name(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Name> {
        match cursor.next() {
            Some(pair) => self.name_of(pair),
            None => Err(self.fault(within)),
        }
    }

    fn name_of(&mut self, pair: Pair<'t, Rule>) -> Built<Name> {
        let span = self.span(&pair);
        if pair.as_rule() != Rule::bracketed_name {
            return Ok(Name { text: pair.as_str().to_owned(), span });
        }
        match pair.into_inner().next() {
            Some(text) => Ok(Name { text: self.string(&text), span }),
            None => Err(self.fault(span)),
        }
    }

    /// The place of a pair without the trivia behind it.
    ///
    /// Tokens end with their last byte; rules that end in an optional part took the trivia with them. Only in that case
    /// is there a blank, or a comment that ends the text, before their end.
    fn span(&self, pair: &Pair<'t, Rule>) -> Span {
        let place = pair.as_span();
        let start = place.start();
        let mut end = place.end();
        let bytes = self.text.as_bytes();
        if end < bytes.len() && end > start && bytes.get(end - 1).is_some_and(u8::is_ascii_graphic) {
            return Span::new(start as u32, end as u32);
        }
        loop {
            let kept = self.text.get(start..end).unwrap_or_default().trim_end_matches(is_blank).len();
            end = start + kept;
            match self.comments.before(end as u32) {
                Some(comment) if comment.start as usize >= start => end = comment.start as usize,
                _ => return Span::new(start as u32, end as u32),
            }
        }
    }

    /// Notes that a node stands above all that was built since `outer` was set aside; see [`MAX_HEIGHT`].
    fn grow(&mut self, outer: u32, height: u32, span: Span) -> Built<()> {
        self.height = outer.max(height);
        if height > MAX_HEIGHT {
            let message = "the expression is nested too deeply";
            let help = "give inner parts names with `let` statements";
            return Err(Box::new(Diagnostic::error(Code::TooDeep, span, message).help(help)));
        }
        Ok(())
    }

    /// The grammar gave pairs that the builder does not know.
    fn fault(&self, span: Span) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(Code::Fault, span, "the grammar and the tree do not fit together here"))
    }

    fn syntax(&self, span: Span, message: impl Into<String>, help: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(Code::Syntax, span, message).help(help))
    }
}
