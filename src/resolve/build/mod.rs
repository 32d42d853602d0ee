//! The smart constructors of plan expressions.
//!
//! They take resolved operands and give the normal form: constants folded, `not` at the leaves, comparisons of text as
//! [`TextMatch`](crate::plan::TextMatch), comparisons of the event's time as [`TimeRange`](crate::plan::TimeRange).
//! Names, scopes, `let`s and tabular operators are not for here, and nothing of a target is known.
//!
//! What is folded is what KQL's documentation states; whatever it leaves open stays as it was written.

mod arithmetic;
mod boolean;
mod calendar;
mod compare;
mod convert;
mod dynamic;
mod functions;
mod membership;
mod strings;
mod text;
mod time;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{ColumnRef, CompareOp, Expr, ExprKind, ScalarType, TextHow, Value};
use crate::source::Span;
use crate::syntax::ast;
use crate::vocabulary::Vocabulary;

/// An expression, or why there is none.
pub(crate) type Built = Result<Expr, Box<Diagnostic>>;

/// Constants beyond this many bytes of text are not made; the call stays.
const MAX_TEXT: usize = 64 * 1024;
/// Constant arrays beyond this many elements are not made; the call stays.
const MAX_ITEMS: usize = 10_000;

/// Makes expressions in normal form.
pub(crate) struct Builder<'a> {
    /// The functions that are known.
    pub(crate) vocabulary: &'a Vocabulary,
    /// Where notes go: conditions that became constant, types that do not fit.
    pub(crate) notes: &'a mut Vec<Diagnostic>,
    /// The columns in scope that hold the event's time.
    pub(crate) time_columns: &'a [Arc<str>],
}

impl Builder<'_> {
    /// A constant.
    pub(crate) fn literal(&self, value: Value, ty: ScalarType, span: Span) -> Expr {
        literal(value, ty, span)
    }

    /// `typeof(long)` as an argument of a function: the name of the type as a constant text.
    pub(crate) fn type_argument(&self, ty: ScalarType, span: Span) -> Expr {
        literal(Value::String(ty.name().to_owned()), ScalarType::String, span)
    }

    /// A column of the row.
    pub(crate) fn column(&self, name: Arc<str>, ty: ScalarType, known: bool, span: Span) -> Expr {
        Expr::new(ExprKind::Column(ColumnRef { name, known }), ty, span)
    }

    /// `left op right`: logic, arithmetic, comparison and every operator on text.
    pub(crate) fn binary(&mut self, op: ast::BinaryOp, left: Expr, right: Expr, span: Span) -> Built {
        use crate::plan::ArithmeticOp as A;
        use crate::plan::Case::{Insensitive as I, Sensitive as S};
        use TextHow as H;
        use ast::BinaryOp as B;
        Ok(match op {
            B::And => self.and(vec![left, right], span),
            B::Or => self.or(vec![left, right], span),
            B::Add => self.arithmetic(A::Add, left, right, span),
            B::Subtract => self.arithmetic(A::Subtract, left, right, span),
            B::Multiply => self.arithmetic(A::Multiply, left, right, span),
            B::Divide => self.arithmetic(A::Divide, left, right, span),
            B::Modulo => self.arithmetic(A::Modulo, left, right, span),
            B::Eq => self.compare(CompareOp::Eq, left, right, span),
            B::Ne => self.compare(CompareOp::Ne, left, right, span),
            B::Lt => self.compare(CompareOp::Lt, left, right, span),
            B::Le => self.compare(CompareOp::Le, left, right, span),
            B::Gt => self.compare(CompareOp::Gt, left, right, span),
            B::Ge => self.compare(CompareOp::Ge, left, right, span),
            B::EqInsensitive => self.text(H::Equals, I, false, left, right, span),
            B::NeInsensitive => self.text(H::Equals, I, true, left, right, span),
            B::Has => self.text(H::Term, I, false, left, right, span),
            B::NotHas => self.text(H::Term, I, true, left, right, span),
            B::HasCs => self.text(H::Term, S, false, left, right, span),
            B::NotHasCs => self.text(H::Term, S, true, left, right, span),
            B::HasPrefix => self.text(H::TermPrefix, I, false, left, right, span),
            B::NotHasPrefix => self.text(H::TermPrefix, I, true, left, right, span),
            B::HasPrefixCs => self.text(H::TermPrefix, S, false, left, right, span),
            B::NotHasPrefixCs => self.text(H::TermPrefix, S, true, left, right, span),
            B::HasSuffix => self.text(H::TermSuffix, I, false, left, right, span),
            B::NotHasSuffix => self.text(H::TermSuffix, I, true, left, right, span),
            B::HasSuffixCs => self.text(H::TermSuffix, S, false, left, right, span),
            B::NotHasSuffixCs => self.text(H::TermSuffix, S, true, left, right, span),
            B::Contains => self.text(H::Substring, I, false, left, right, span),
            B::NotContains => self.text(H::Substring, I, true, left, right, span),
            B::ContainsCs => self.text(H::Substring, S, false, left, right, span),
            B::NotContainsCs => self.text(H::Substring, S, true, left, right, span),
            B::StartsWith => self.text(H::Prefix, I, false, left, right, span),
            B::NotStartsWith => self.text(H::Prefix, I, true, left, right, span),
            B::StartsWithCs => self.text(H::Prefix, S, false, left, right, span),
            B::NotStartsWithCs => self.text(H::Prefix, S, true, left, right, span),
            B::EndsWith => self.text(H::Suffix, I, false, left, right, span),
            B::NotEndsWith => self.text(H::Suffix, I, true, left, right, span),
            B::EndsWithCs => self.text(H::Suffix, S, false, left, right, span),
            B::NotEndsWithCs => self.text(H::Suffix, S, true, left, right, span),
            B::MatchesRegex => self.text(H::Regex, S, false, left, right, span),
            B::Like => self.like(I, false, left, right, span)?,
            B::NotLike => self.like(I, true, left, right, span)?,
            B::LikeCs => self.like(S, false, left, right, span)?,
            B::NotLikeCs => self.like(S, true, left, right, span)?,
            B::Search => self.search_term(left, right, span)?,
        })
    }

    /// A note that a part has no influence because a condition is constant.
    fn constant_condition(&mut self, span: Span, message: impl Into<String>) {
        self.notes.push(Diagnostic::note(Code::ConstantCondition, Effect::Exact, span, message));
    }

    /// A warning that KQL itself would not take these types together. A hunt that runs all the same runs on data whose
    /// column is of another type than the vocabulary says, so no translation of it is sure.
    fn mismatch(&mut self, span: Span, message: impl Into<String>, help: &str) {
        let warning = Diagnostic::warning(Code::TypeMismatch, span, message).help(help);
        self.notes.push(Diagnostic { effect: Some(Effect::Unsure), ..warning });
    }
}

/// A constant.
fn literal(value: Value, ty: ScalarType, span: Span) -> Expr {
    Expr::new(ExprKind::Literal(value), ty, span)
}

/// A constant truth.
fn truth(value: bool, span: Span) -> Expr {
    literal(Value::Bool(value), ScalarType::Bool, span)
}

/// The smallest span that holds `span` and all parts, so that the place of a folded constant covers all that went into it.
fn cover<'e>(span: Span, parts: impl IntoIterator<Item = &'e Expr>) -> Span {
    parts.into_iter().fold(span, |all, part| all.to(part.span))
}
