//! Expressions: operands, calls, and the flat list of operators by precedence.

use pest::iterators::Pair;

use super::{Builder, Built, Cursor, literal};
use crate::plan::Value;
use crate::source::Span;
use crate::syntax::ast::*;
use crate::syntax::grammar::Rule;
use crate::syntax::spelling::precedence;

/// What stands between two operands.
enum Infix {
    Binary(BinaryOp),
    Membership(MembershipOp),
    Between { negated: bool },
}

impl Infix {
    fn precedence(&self) -> u8 {
        match self {
            Self::Binary(op) => op.precedence(),
            Self::Membership(_) | Self::Between { .. } => precedence::EQUALITY,
        }
    }
}

/// An operand, its place with the parentheses around it, and the height of its tree.
struct Operand {
    expr: Expr,
    outer: Span,
    height: u32,
    /// Whether it stood in parentheses.
    grouped: bool,
}

impl<'t> Builder<'t> {
    /// An expression or a source operator, and the operators after it.
    pub(super) fn pipe_expression(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Expr> {
        let outer = std::mem::take(&mut self.height);
        let source = match cursor.rule() {
            Some(Rule::expression) => {
                let (expr, place) = self.expression_outer(cursor, within)?;
                if cursor.rule() != Some(Rule::pipe_tail) {
                    self.height = outer.max(self.height);
                    return Ok(expr);
                }
                (Source::Expr(expr), place)
            }
            _ => {
                let operator = self.operator(cursor.next(), within)?;
                let span = operator.span;
                (Source::Operator(operator), span)
            }
        };
        let (source, mut span) = source;
        let mut operators = Vec::new();
        if let Some(tail) = cursor.take(Rule::pipe_tail) {
            span = span.to(self.span(&tail));
            let mut inner = Cursor::of(tail);
            while inner.rule().is_some() {
                operators.push(self.operator(inner.next(), span)?);
            }
        }
        self.grow(outer, self.height + 2, span)?;
        Ok(Expr { kind: ExprKind::Pipeline(Box::new(Pipeline { source: Some(source), operators, span })), span })
    }

    /// The next pair, an `expression`.
    pub(super) fn expression(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Expr> {
        self.expression_outer(cursor, within).map(|(expr, _)| expr)
    }

    /// The next pair, an `expression`, and its place with the parentheses around it.
    pub(super) fn expression_outer(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<(Expr, Span)> {
        match cursor.next() {
            Some(pair) if matches!(pair.as_rule(), Rule::expression | Rule::function_call_expression) => {
                let place = self.span(&pair);
                let outer = std::mem::take(&mut self.height);
                let operand = self.binary(&mut Cursor::of(pair), precedence::OR, place)?;
                self.grow(outer, operand.height, place)?;
                Ok((operand.expr, operand.outer))
            }
            _ => Err(self.fault(within)),
        }
    }

    /// Operands and operators that bind at least as tight as `floor`.
    fn binary(&mut self, cursor: &mut Cursor<'t>, floor: u8, within: Span) -> Built<Operand> {
        let mut left = self.operand(cursor, within)?;
        loop {
            let Some(infix) = self.infix(cursor, within)? else { return Ok(left) };
            let level = infix.precedence();
            if level < floor {
                return Ok(left);
            }
            let Some(sign) = cursor.next() else { return Err(self.fault(within)) };
            left = match infix {
                Infix::Binary(op @ (BinaryOp::And | BinaryOp::Or)) => self.chain(cursor, op, left, within)?,
                Infix::Binary(op) => {
                    let right = self.binary(cursor, level + 1, within)?;
                    self.join(op, left, right)?
                }
                Infix::Membership(op) => self.membership(cursor, op, left, within)?,
                Infix::Between { negated } => self.between(cursor, negated, left, within)?,
            };
            if matches!(level, precedence::EQUALITY | precedence::RELATIONAL | precedence::TEXT)
                && let Some(next) = self.infix(cursor, within)?
                && next.precedence() == level
            {
                let span = cursor.ahead.as_ref().map_or(within, |pair| self.span(pair));
                let message = format!("`{}` follows the result of `{}`", span.slice(self.text), sign.as_str());
                return Err(self.syntax(
                    span,
                    message,
                    "comparisons do not chain: join them with `and`, or use parentheses",
                ));
            }
        }
    }

    /// The operator ahead; none at the end of the expression.
    fn infix(&self, cursor: &Cursor<'t>, within: Span) -> Built<Option<Infix>> {
        let Some(pair) = &cursor.ahead else { return Ok(None) };
        let text = pair.as_str();
        let infix = match pair.as_rule() {
            Rule::binary_operator => BinaryOp::from_spelling(text).map(Infix::Binary),
            Rule::list_operator => MembershipOp::from_spelling(text).map(Infix::Membership),
            Rule::between_operator => Some(Infix::Between { negated: text.starts_with('!') }),
            _ => None,
        };
        infix.map(Some).ok_or_else(|| self.fault(within))
    }

    /// `first and second and …`: operands joined by one of `and` and `or`. Chains of them do not end, so long ones become
    /// balanced trees; parenthesised chains of the same operator are part of the chain.
    fn chain(&mut self, cursor: &mut Cursor<'t>, op: BinaryOp, first: Operand, within: Span) -> Built<Operand> {
        /// Chains up to this length lean to the left, as they are read.
        const LEFT_LEANING: usize = 32;
        let level = op.precedence();
        let mut whole = first.outer;
        let mut operands = Vec::new();
        let mut spliced = splice(op, first, &mut operands);
        loop {
            let next = self.binary(cursor, level + 1, within)?;
            whole = whole.to(next.outer);
            spliced |= splice(op, next, &mut operands);
            match self.infix(cursor, within)? {
                Some(Infix::Binary(again)) if again == op => cursor.next(),
                _ => break,
            };
        }
        let balanced = operands.len() > LEFT_LEANING;
        let joined = if balanced { balance(op, operands) } else { lean(op, operands) };
        let Some(mut joined) = joined else { return Err(self.fault(within)) };
        if spliced || balanced {
            // Parts of the chain are no text of their own (`a or (b`), so they take the place of the whole.
            spread(&mut joined.expr, op, whole);
            joined.outer = whole;
        }
        self.grow(self.height, joined.height, whole)?;
        Ok(joined)
    }

    fn join(&mut self, op: BinaryOp, left: Operand, right: Operand) -> Built<Operand> {
        let joined = join(op, left, right);
        self.grow(self.height, joined.height, joined.outer)?;
        Ok(joined)
    }

    fn membership(&mut self, cursor: &mut Cursor<'t>, op: MembershipOp, left: Operand, within: Span) -> Built<Operand> {
        let Some(group) = cursor.take(Rule::group) else { return Err(self.fault(within)) };
        let outer = left.outer.to(self.span(&group));
        let (items, height) = self.items(group)?;
        let items = items.into_iter().map(|item| item.value).collect();
        let height = left.height.max(height) + 1;
        let kind = ExprKind::Membership { op, subject: Box::new(left.expr), items };
        Ok(Operand { expr: Expr { kind, span: outer }, outer, height, grouped: false })
    }

    fn between(&mut self, cursor: &mut Cursor<'t>, negated: bool, left: Operand, within: Span) -> Built<Operand> {
        let Some(range) = cursor.take(Rule::between_range) else { return Err(self.fault(within)) };
        let outer = left.outer.to(self.span(&range));
        let mut inner = Cursor::of(range);
        let before = std::mem::take(&mut self.height);
        let low = Box::new(self.expression(&mut inner, outer)?);
        let high = Box::new(self.expression(&mut inner, outer)?);
        let height = left.height.max(std::mem::replace(&mut self.height, before)) + 1;
        let kind = ExprKind::Between { subject: Box::new(left.expr), negated, low, high };
        Ok(Operand { expr: Expr { kind, span: outer }, outer, height, grouped: false })
    }

    /// Signs, a primary expression and what is attached to it.
    fn operand(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Operand> {
        let mut signs = Vec::new();
        while let Some(sign) = cursor.take(Rule::sign) {
            let op = if sign.as_str().starts_with('-') { UnaryOp::Minus } else { UnaryOp::Plus };
            signs.push((op, self.span(&sign)));
        }
        let mut operand = self.primary(cursor, within)?;
        loop {
            operand = match cursor.rule() {
                Some(Rule::path) => {
                    let Some(path) = cursor.next() else { return Err(self.fault(within)) };
                    let name = self.name(&mut Cursor::of(path), within)?;
                    match cursor.take(Rule::group) {
                        Some(group) => self.call(Some(operand), name, group)?,
                        None => {
                            let outer = operand.outer.to(name.span);
                            let kind = ExprKind::Member { base: Box::new(operand.expr), name };
                            Operand {
                                expr: Expr { kind, span: outer },
                                outer,
                                height: operand.height + 1,
                                grouped: false,
                            }
                        }
                    }
                }
                Some(Rule::index) => {
                    let Some(index) = cursor.next() else { return Err(self.fault(within)) };
                    let outer = operand.outer.to(self.span(&index));
                    let before = std::mem::take(&mut self.height);
                    let index = Box::new(self.pipe_expression(&mut Cursor::of(index), outer)?);
                    let height = operand.height.max(std::mem::replace(&mut self.height, before)) + 1;
                    let kind = ExprKind::Index { base: Box::new(operand.expr), index };
                    Operand { expr: Expr { kind, span: outer }, outer, height, grouped: false }
                }
                _ => break,
            };
            self.grow(self.height, operand.height, operand.outer)?;
        }
        for (op, place) in signs.into_iter().rev() {
            let outer = place.to(operand.outer);
            let kind = ExprKind::Unary { op, operand: Box::new(operand.expr) };
            operand = Operand { expr: Expr { kind, span: outer }, outer, height: operand.height + 1, grouped: false };
            self.grow(self.height, operand.height, outer)?;
        }
        Ok(operand)
    }

    fn primary(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Operand> {
        let Some(pair) = cursor.next() else { return Err(self.fault(within)) };
        let mut span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::string => {
                let mut text = self.string(&pair);
                while let Some(next) = cursor.take(Rule::string) {
                    span = span.to(self.span(&next));
                    text.push_str(&self.string(&next));
                }
                ExprKind::Literal(Value::String(text))
            }
            Rule::number => match literal::number(pair.as_str()) {
                Some(value) => ExprKind::Literal(value),
                None if is_name(pair.as_str()) => ExprKind::Name(Name { text: pair.as_str().to_owned(), span }),
                None => ExprKind::Literal(self.number(pair.as_str(), span)),
            },
            Rule::typed_literal => self.typed_literal(pair, span)?,
            Rule::dynamic_literal => self.dynamic_literal(pair, span)?,
            Rule::star => ExprKind::Star,
            Rule::group => return self.grouped(pair, span),
            Rule::name => {
                let name = Name { text: pair.as_str().to_owned(), span };
                if let Some(group) = cursor.take(Rule::group) {
                    return self.call(None, name, group);
                }
                match name.text.as_str() {
                    "true" | "True" | "TRUE" => ExprKind::Literal(Value::Bool(true)),
                    "false" | "False" | "FALSE" => ExprKind::Literal(Value::Bool(false)),
                    "and" | "or" => {
                        let message = format!("`{}` has no left side", name.text);
                        return Err(self.syntax(span, message, "write a condition on both sides"));
                    }
                    _ => ExprKind::Name(name),
                }
            }
            Rule::bracketed_name => ExprKind::Name(self.name_of(pair)?),
            _ => return Err(self.fault(span)),
        };
        Ok(Operand { expr: Expr { kind, span }, outer: span, height: 1, grouped: false })
    }

    /// `( … )`: one expression, or several that are names on the left of `=` or subjects of `in`.
    fn grouped(&mut self, pair: Pair<'t, Rule>, span: Span) -> Built<Operand> {
        let (mut items, height) = self.items(pair)?;
        if let Some(name) = items.iter().find_map(|item| item.name.as_ref()) {
            let message = format!("`{} = …` stands in parentheses", name.text);
            return Err(self.syntax(
                name.span,
                message,
                "compare with `==`; a name is given outside of the parentheses",
            ));
        }
        let expr = match items.len() {
            0 => return Err(self.syntax(span, "the parentheses are empty", "write an expression between them")),
            1 => match items.pop() {
                Some(item) => item.value,
                None => return Err(self.fault(span)),
            },
            _ => Expr { kind: ExprKind::List(items.into_iter().map(|item| item.value).collect()), span },
        };
        Ok(Operand { expr, outer: span, height: height + 1, grouped: true })
    }

    fn call(&mut self, base: Option<Operand>, function: Name, group: Pair<'t, Rule>) -> Built<Operand> {
        let end = self.span(&group);
        let outer = base.as_ref().map_or(function.span, |base| base.outer).to(end);
        let (args, height) = self.items(group)?;
        let height = base.as_ref().map_or(0, |base| base.height).max(height) + 1;
        let kind = ExprKind::Call { base: base.map(|base| Box::new(base.expr)), function, args };
        Ok(Operand { expr: Expr { kind, span: outer }, outer, height, grouped: false })
    }

    /// The items of a group and the height of the highest.
    fn items(&mut self, group: Pair<'t, Rule>) -> Built<(Vec<Argument>, u32)> {
        let span = self.span(&group);
        let before = std::mem::take(&mut self.height);
        let mut inner = Cursor::of(group);
        let mut items = Vec::new();
        while inner.rule().is_some() {
            let value = self.pipe_expression(&mut inner, span)?;
            if inner.take(Rule::assign_mark).is_some() {
                let name = self.as_name(value)?;
                items.push(Argument { name: Some(name), value: self.pipe_expression(&mut inner, span)? });
            } else {
                items.push(Argument { name: None, value });
            }
        }
        Ok((items, std::mem::replace(&mut self.height, before)))
    }

    /// `a`, `b = a`, `(b, c) = a`.
    pub(super) fn named_expression(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<NamedExpr> {
        let (first, outer) = self.expression_outer(cursor, within)?;
        if cursor.take(Rule::assign_mark).is_none() {
            return Ok(NamedExpr { names: Vec::new(), value: first, span: outer });
        }
        let names = match first {
            Expr { kind: ExprKind::List(items), .. } => {
                items.into_iter().map(|item| self.as_name(item)).collect::<Built<Vec<_>>>()?
            }
            expr => vec![self.as_name(expr)?],
        };
        let (value, end) = self.expression_outer(cursor, within)?;
        Ok(NamedExpr { names, value, span: outer.to(end) })
    }

    /// Named expressions, up to the first pair that is none.
    pub(super) fn named_expressions(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Vec<NamedExpr>> {
        let mut items = Vec::new();
        while cursor.rule() == Some(Rule::expression) {
            items.push(self.named_expression(cursor, within)?);
        }
        Ok(items)
    }

    /// What stands left of `=`, which must be a name.
    pub(super) fn as_name(&self, expr: Expr) -> Built<Name> {
        match expr.kind {
            ExprKind::Name(name) => Ok(name),
            _ => {
                let text = expr.span.slice(self.text);
                let message = format!("`{}` is not a name, but stands left of `=`", excerpt(text));
                Err(self.syntax(expr.span, message, "`=` gives a name to a value; compare with `==`"))
            }
        }
    }

    /// `true` and `false` are constants, but may also be the value of an operator's parameter.
    pub(super) fn parameter_value(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Expr> {
        self.primary(cursor, within).map(|operand| operand.expr)
    }
}

/// Whether what begins with a digit is a name: letters follow, and nothing that only numbers hold.
fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.bytes().any(|byte| !byte.is_ascii_digit())
}

/// The first line of a text, shortened.
fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= 40 && line.len() == text.len() {
        return line.to_owned();
    }
    line.chars().take(40).chain(['…']).collect()
}

fn join(op: BinaryOp, left: Operand, right: Operand) -> Operand {
    let outer = left.outer.to(right.outer);
    let height = left.height.max(right.height) + 1;
    let kind = ExprKind::Binary { op, left: Box::new(left.expr), right: Box::new(right.expr) };
    Operand { expr: Expr { kind, span: outer }, outer, height, grouped: false }
}

/// Joins operands to a tree that leans to the left.
fn lean(op: BinaryOp, operands: Vec<Operand>) -> Option<Operand> {
    operands.into_iter().reduce(|left, right| join(op, left, right))
}

/// Joins operands to a tree whose height is logarithmic, pair by pair.
fn balance(op: BinaryOp, mut operands: Vec<Operand>) -> Option<Operand> {
    while operands.len() > 1 {
        let mut halved = Vec::with_capacity(operands.len().div_ceil(2));
        let mut rest = operands.into_iter();
        while let Some(left) = rest.next() {
            halved.push(match rest.next() {
                Some(right) => join(op, left, right),
                None => left,
            });
        }
        operands = halved;
    }
    operands.pop()
}

/// Adds an operand, a parenthesised chain of the same operator as its parts; says whether it was one.
fn splice(op: BinaryOp, operand: Operand, into: &mut Vec<Operand>) -> bool {
    if !operand.grouped || !matches!(operand.expr.kind, ExprKind::Binary { op: inner, .. } if inner == op) {
        into.push(operand);
        return false;
    }
    let mut pending = vec![operand];
    while let Some(operand) = pending.pop() {
        match operand.expr.kind {
            ExprKind::Binary { op: inner, left, right } if inner == op => {
                // The height of a part is at most that of the whole.
                let part = |expr: Expr| {
                    let outer = expr.span;
                    Operand { expr, outer, height: operand.height.saturating_sub(1), grouped: false }
                };
                pending.push(part(*right));
                pending.push(part(*left));
            }
            kind => into.push(Operand { expr: Expr { kind, span: operand.expr.span }, ..operand }),
        }
    }
    true
}

/// Gives all joints of a chain the place of the whole.
fn spread(expr: &mut Expr, op: BinaryOp, whole: Span) {
    let mut pending = vec![expr];
    while let Some(expr) = pending.pop() {
        if let ExprKind::Binary { op: inner, left, right } = &mut expr.kind
            && *inner == op
        {
            expr.span = whole;
            pending.push(left);
            pending.push(right);
        }
    }
}
