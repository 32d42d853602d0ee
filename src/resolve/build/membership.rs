//! Lists on the right side: `in`, `has_any`, `has_all`.
//!
//! `in` is an `or` of equalities, `!in` an `and` of inequalities, nulls included:
//! <https://learn.microsoft.com/kusto/query/scalar-data-types/null-values#null-values-and-the-in-operator>.

use super::compare::{constants, is_text};
use super::text::{holds, matching};
use super::{Builder, Built, cover, literal, truth};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{Case, CompareOp, Expr, ExprKind, Needles, Pipeline, ScalarType, TextHow, Value};
use crate::source::Span;
use crate::syntax::ast::MembershipOp;

/// How an operator compares: how, case, whether all must be found, negated.
fn parts(op: MembershipOp) -> (TextHow, Case, bool, bool) {
    match op {
        MembershipOp::In => (TextHow::Equals, Case::Sensitive, false, false),
        MembershipOp::NotIn => (TextHow::Equals, Case::Sensitive, false, true),
        MembershipOp::InInsensitive => (TextHow::Equals, Case::Insensitive, false, false),
        MembershipOp::NotInInsensitive => (TextHow::Equals, Case::Insensitive, false, true),
        MembershipOp::HasAny => (TextHow::Term, Case::Insensitive, false, false),
        MembershipOp::HasAll => (TextHow::Term, Case::Insensitive, true, false),
    }
}

impl Builder<'_> {
    /// `subject in (items)`, `has_any`, `has_all`. A constant array among the items stands for its elements, which have
    /// its place; an item of type `dynamic` that is not constant stays and stands for its elements too. Duplicates stay.
    pub(crate) fn membership(&mut self, op: MembershipOp, subject: Expr, items: Vec<Expr>, span: Span) -> Built {
        let (how, case, all, negated) = parts(op);
        let whole = cover(span, std::iter::once(&subject).chain(&items));
        // What KQL compares of an element of a dynamic array is not a matter of the types of the two.
        let arrays = items.iter().any(|item| matches!(item.kind, ExprKind::Literal(Value::Array(_))));
        let items = elements(items);
        if items.is_empty() {
            if all {
                let message = "`has_all` with an empty list";
                return Err(Box::new(
                    Diagnostic::error(Code::WrongArguments, span, message).help("remove the condition"),
                ));
            }
            self.constant_condition(whole, format!("the list is empty: the condition is always `{negated}`"));
            return Ok(truth(negated, whole));
        }
        let lists = items.iter().any(|item| item.ty == ScalarType::Dynamic && item.as_literal().is_none());
        let strict = how == TextHow::Equals && case == Case::Sensitive;
        let before = self.notes.len();
        let list = items.iter().map(|item| item.span).reduce(Span::to).unwrap_or(whole);
        let items: Vec<Expr> =
            if strict { items.into_iter().map(|item| self.coerced(&subject, item, !arrays)).collect() } else { items };
        self.one_note(before, list);
        if strict && !is_text(&subject) && !items.iter().any(is_text) {
            return Ok(self.values(subject, items, negated, lists, span, whole));
        }
        let needles: Vec<Expr> = items.into_iter().map(|item| self.needle(item)).collect();
        self.one_note(before, list);
        self.searched(how, &subject);
        if let Some(value) = folded(how, case, all, &subject, &needles) {
            return Ok(truth(value != negated, whole));
        }
        let needles = match (single(needles, lists), all) {
            (Ok(one), _) => Needles::One(Box::new(one)),
            (Err(several), true) => Needles::All(several),
            (Err(several), false) => Needles::Any(several),
        };
        Ok(matching(subject, how, case, needles, negated, span))
    }

    /// Of the notes on the items of a list one stays, for the whole list: the gravest.
    fn one_note(&mut self, before: usize, list: Span) {
        let own = self.notes.split_off(before.min(self.notes.len()));
        let doubtful = own.iter().position(|note| note.effect != Some(Effect::Exact));
        if let Some(note) = own.into_iter().nth(doubtful.unwrap_or(0)) {
            self.notes.push(Diagnostic { span: list, ..note });
        }
    }

    /// `in` of values that are not text.
    fn values(
        &mut self,
        subject: Expr,
        values: Vec<Expr>,
        negated: bool,
        lists: bool,
        span: Span,
        whole: Span,
    ) -> Expr {
        if let Some(value) = subject.as_literal() {
            let found = any(values.iter().map(|item| constants(CompareOp::Eq, value, item.as_literal()?)));
            if let Some(found) = found {
                return truth(found != negated, whole);
            }
        }
        match single(values, lists) {
            Ok(one) => self.compare(if negated { CompareOp::Ne } else { CompareOp::Eq }, subject, one, span),
            Err(values) => {
                let kind = ExprKind::In { subject: Box::new(subject), values, negated };
                Expr::new(kind, ScalarType::Bool, span)
            }
        }
    }

    /// `subject in (T | …)`: whatever the subject's type, the needles are the values of the table's first column.
    pub(crate) fn membership_table(&mut self, op: MembershipOp, subject: Expr, table: Pipeline, span: Span) -> Built {
        let (how, case, all, negated) = parts(op);
        if all {
            let message = "`has_all` with a table";
            return Err(Box::new(Diagnostic::refusal(Code::NotYet, span, message).help("list the terms in the hunt")));
        }
        self.searched(how, &subject);
        Ok(matching(subject, how, case, Needles::Table(Box::new(table)), negated, span))
    }
}

/// The items, with the elements of constant arrays in their place.
fn elements(items: Vec<Expr>) -> Vec<Expr> {
    if !items.iter().any(|item| matches!(item.kind, ExprKind::Literal(Value::Array(_)))) {
        return items;
    }
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        let span = item.span;
        if let ExprKind::Literal(Value::Array(values)) = item.kind {
            all.extend(values.into_iter().map(|value| {
                let ty = value.ty();
                literal(value, ty, span)
            }));
        } else {
            all.push(item);
        }
    }
    all
}

/// The only item, unless it stands for several.
fn single(mut items: Vec<Expr>, lists: bool) -> Result<Expr, Vec<Expr>> {
    if items.len() == 1 && !lists {
        return items.pop().ok_or_else(Vec::new);
    }
    Err(items)
}

/// The value of a match of constants.
fn folded(how: TextHow, case: Case, all: bool, subject: &Expr, needles: &[Expr]) -> Option<bool> {
    let text = subject.as_str()?;
    let each = needles.iter().map(|needle| holds(how, case, text, needle.as_str()?));
    if all { any(each.map(|value| value.map(|value| !value))).map(|value| !value) } else { any(each) }
}

/// `or` over values that may not be certain.
fn any(values: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut certain = true;
    for value in values {
        match value {
            Some(true) => return Some(true),
            Some(false) => {}
            None => certain = false,
        }
    }
    certain.then_some(false)
}
