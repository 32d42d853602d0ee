//! Choices of values (`iff`, `case`, `coalesce`) that are compared: each value is, where it is the one that is chosen.
//!
//! <https://learn.microsoft.com/kusto/query/iff-function>, <https://learn.microsoft.com/kusto/query/case-function>,
//! <https://learn.microsoft.com/kusto/query/coalesce-function>. A guard that is null does not choose its value: that is the
//! complement of the guard, not its negation.

use std::borrow::Cow;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::Ledger;
use crate::fit::ingest::found_in;
use crate::fit::text::constant_needles;
use crate::plan::{Absence, Case, Expr, ExprKind, Needles, ScalarType, TextHow, TextMatch, Tree, Value as Constant};

use super::logic::Logic;
use super::predicate::Pass;
use super::subject::{Reader, Unsayable};

/// How many choices may lie one in another.
const NESTED: usize = 16;

/// A value that may be chosen, and the condition that chooses it: none for the value that is left.
type Branch<'e> = (Option<Cow<'e, Expr>>, &'e Expr);

impl Reader<'_, '_, '_> {
    /// A condition on a chosen value, or its opposite; `None` for a condition on any other value.
    pub(super) fn choice(
        &mut self,
        ledger: &mut Ledger,
        pass: &mut Pass<'_>,
        expr: &Expr,
        level: usize,
        negate: bool,
    ) -> Result<Option<Logic>, Unsayable> {
        let Some(subject) = subject_of(expr) else { return Ok(None) };
        let (mut choice, mut at) = (subject, level);
        // Each step leads to a scope further below.
        while let Some((value, below)) = self.computed(ledger, choice, at) {
            (choice, at) = (value, below);
        }
        let ExprKind::Call { function, args } = &choice.kind else { return Ok(None) };
        let Some(branches) = branches(self.function(*function), args) else { return Ok(None) };
        if self.choosing == NESTED {
            return Err(Unsayable::new(Code::TooLong, choice.span, "too many choices lie one in another"));
        }
        self.choosing += 1;
        let logic = self.chosen(ledger, pass, expr, &branches, at, negate);
        self.choosing -= 1;
        let message = "the choice is written out: each value is compared where it is the one that is chosen";
        ledger.note(Polarity::Positive, Diagnostic::note(Code::Expanded, Effect::Exact, choice.span, message));
        logic.map(Some)
    }

    fn chosen(
        &mut self,
        ledger: &mut Ledger,
        pass: &mut Pass<'_>,
        expr: &Expr,
        branches: &[Branch<'_>],
        at: usize,
        negate: bool,
    ) -> Result<Logic, Unsayable> {
        let mut alternatives: Vec<Logic> = Vec::new();
        // That none of the guards so far holds.
        let mut before: Vec<Logic> = Vec::new();
        let mut always = true;
        for (guard, value) in branches {
            let tested = with_subject(expr, value);
            let mut size = before.len();
            tested.visit(&mut |_| size += 1);
            for _ in 0..size {
                self.spend(value.span)?;
            }
            let test = match decided(&tested) {
                Some(holds) => Logic::Const(holds != negate),
                None => self.condition(ledger, pass, &tested, at, negate)?,
            };
            let guard = guard.as_ref().map(|guard| self.guard(ledger, pass, guard, at)).transpose()?;
            let holds = test == Logic::Const(true);
            always &= holds;
            if test != Logic::Const(false) {
                let mut all = before.clone();
                all.extend(guard.clone().filter(|guard| !implied(&test, guard)));
                all.push(test);
                alternatives.push(Logic::All(all));
            }
            // Where the value satisfies the condition whatever the event, nothing that comes later has to step aside for it.
            before.extend(guard.filter(|_| !holds).map(Logic::not));
        }
        Ok(if always { Logic::Const(true) } else { Logic::Any(alternatives) })
    }

    /// A condition of which the complement is asked for too: nothing may be left out of it, and what is not exact in it
    /// works in both directions.
    fn guard(&mut self, ledger: &mut Ledger, pass: &mut Pass<'_>, guard: &Expr, at: usize) -> Result<Logic, Unsayable> {
        let (base, strict) = (ledger.within(Polarity::Aggregated), std::mem::replace(&mut self.strict, true));
        let logic = self.condition(ledger, pass, guard, at, false);
        self.strict = strict;
        ledger.within(base);
        logic
    }
}

/// Whether a test holds only of events that satisfy a guard, which is that a field is there.
fn implied(test: &Logic, guard: &Logic) -> bool {
    let Logic::All(parts) = guard else { return false };
    match parts.as_slice() {
        [Logic::Test { item, .. }, _] => *guard == Logic::empty(&item.field).not() && test.requires(&item.field),
        _ => false,
    }
}

/// What a condition compares with constants alone, in the scopes of which it can be read further below.
fn subject_of(expr: &Expr) -> Option<&Expr> {
    let constant = |expr: &Expr| expr.as_literal().is_some();
    match &expr.kind {
        ExprKind::Text(text) => match &text.needles {
            Needles::One(needle) => constant(needle).then_some(&*text.subject),
            Needles::Any(items) | Needles::All(items) => items.iter().all(constant).then_some(&*text.subject),
            Needles::Table(_) => None,
        },
        ExprKind::Compare { left, right, .. } if constant(right) => Some(left),
        ExprKind::Compare { left, right, .. } if constant(left) => Some(right),
        ExprKind::In { subject, values, .. } => values.iter().all(constant).then_some(&**subject),
        ExprKind::Presence { subject, .. } => Some(subject),
        // The chosen value is the condition itself.
        ExprKind::Call { .. } => Some(expr),
        ExprKind::Literal(_)
        | ExprKind::Moment(_)
        | ExprKind::Column(_)
        | ExprKind::Path { .. }
        | ExprKind::Arithmetic { .. }
        | ExprKind::Negate(_)
        | ExprKind::Compare { .. }
        | ExprKind::Time(_)
        | ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::Scalar(_) => None,
    }
}

/// The same condition on another value.
fn with_subject(expr: &Expr, value: &Expr) -> Expr {
    let subject = Box::new(value.clone());
    let kind = match &expr.kind {
        ExprKind::Text(TextMatch { subject: _, how, case, needles, negated }) => {
            ExprKind::Text(TextMatch { subject, how: *how, case: *case, needles: needles.clone(), negated: *negated })
        }
        ExprKind::Compare { op, left, right } if right.as_literal().is_some() => {
            ExprKind::Compare { op: *op, left: subject, right: right.clone() }
        }
        ExprKind::Compare { op, left, .. } => {
            ExprKind::Compare { op: op.mirrored(), left: subject, right: left.clone() }
        }
        ExprKind::In { values, negated, .. } => ExprKind::In { subject, values: values.clone(), negated: *negated },
        ExprKind::Presence { absence, negated, .. } => {
            ExprKind::Presence { subject, absence: *absence, negated: *negated }
        }
        ExprKind::Call { .. }
        | ExprKind::Literal(_)
        | ExprKind::Moment(_)
        | ExprKind::Column(_)
        | ExprKind::Path { .. }
        | ExprKind::Arithmetic { .. }
        | ExprKind::Negate(_)
        | ExprKind::Time(_)
        | ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::Scalar(_) => return value.clone(),
    };
    Expr::new(kind, expr.ty, expr.span)
}

/// The values that a function chooses among; `None` for every other function.
fn branches<'e>(function: &str, args: &'e [Expr]) -> Option<Vec<Branch<'e>>> {
    let (last, _) = args.split_last()?;
    let mut branches: Vec<Branch<'e>> = match (function, args) {
        ("iff", [guard, value, _]) => vec![(Some(Cow::Borrowed(guard)), value)],
        ("case", [pairs @ .., _]) if pairs.len() % 2 == 0 => pairs
            .chunks_exact(2)
            .filter_map(|pair| if let [guard, value] = pair { Some((Some(Cow::Borrowed(guard)), value)) } else { None })
            .collect(),
        ("coalesce", [values @ .., _]) => {
            let present = |value: &Expr| {
                let absence = if value.ty == ScalarType::String { Absence::Empty } else { Absence::Null };
                let kind = ExprKind::Presence { subject: Box::new(value.clone()), absence, negated: true };
                Cow::Owned(Expr::new(kind, ScalarType::Bool, value.span))
            };
            values.iter().map(|value| (Some(present(value)), value)).collect()
        }
        _ => return None,
    };
    branches.push((None, last));
    Some(branches)
}

/// What becomes of a condition on a constant; `None` where that is not known here.
fn decided(expr: &Expr) -> Option<bool> {
    match &expr.kind {
        ExprKind::Literal(Constant::Bool(value)) => Some(*value),
        ExprKind::Text(text) => {
            let Some(Constant::String(value)) = text.subject.as_literal() else { return None };
            let (needles, all) = constant_needles(&text.needles)?;
            let found = needles.into_iter().map(|needle| text_holds(value, needle, text.how, text.case));
            let found = found.collect::<Option<Vec<_>>>()?;
            let holds = if all { !found.contains(&false) } else { found.contains(&true) };
            Some(holds != text.negated)
        }
        ExprKind::Compare { op, left, right } => {
            let order = match (left.as_literal()?, right.as_literal()?) {
                (Constant::Long(left), Constant::Long(right)) => left.cmp(right),
                (Constant::Bool(left), Constant::Bool(right)) => left.cmp(right),
                (
                    Constant::Null(_)
                    | Constant::Bool(_)
                    | Constant::Long(_)
                    | Constant::Real(_)
                    | Constant::Decimal(_)
                    | Constant::String(_)
                    | Constant::Datetime(_)
                    | Constant::Timespan(_)
                    | Constant::Guid(_)
                    | Constant::Array(_)
                    | Constant::Bag(_),
                    _,
                ) => return None,
            };
            Some(op.holds(order))
        }
        ExprKind::In { subject, values, negated } => {
            let Some(Constant::Long(value)) = subject.as_literal() else { return None };
            let mut found = false;
            for each in values {
                let Some(Constant::Long(each)) = each.as_literal() else { return None };
                found |= each == value;
            }
            Some(found != *negated)
        }
        ExprKind::Presence { subject, absence, negated } => {
            let absent = match (subject.as_literal()?, absence) {
                (Constant::Null(_), _) => true,
                (Constant::String(text), Absence::Empty) => text.is_empty(),
                (
                    Constant::String(_)
                    | Constant::Bool(_)
                    | Constant::Long(_)
                    | Constant::Real(_)
                    | Constant::Decimal(_)
                    | Constant::Datetime(_)
                    | Constant::Timespan(_)
                    | Constant::Guid(_)
                    | Constant::Array(_)
                    | Constant::Bag(_),
                    Absence::Empty | Absence::Null,
                ) => false,
            };
            Some(absent != *negated)
        }
        ExprKind::Literal(_)
        | ExprKind::Moment(_)
        | ExprKind::Column(_)
        | ExprKind::Path { .. }
        | ExprKind::Call { .. }
        | ExprKind::Arithmetic { .. }
        | ExprKind::Negate(_)
        | ExprKind::Time(_)
        | ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::Scalar(_) => None,
    }
}

/// Whether a text is found in a constant, where KQL's folding of case and its terms are certain.
fn text_holds(value: &str, needle: &str, how: TextHow, case: Case) -> Option<bool> {
    let whole = how == TextHow::Equals && case == Case::Sensitive;
    if whole || value.is_ascii() && needle.is_ascii() { found_in(value, needle, how, case) } else { None }
}
