//! Thresholds on counts of groups as runs of events: `summarize count() by k | where count_ >= 5`.
//!
//! A sequence of n events of one key is found for each n events that follow one another, so all events of a group that is
//! great enough are in one. Windows of the clock become windows that slide.
//! See <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-with-runs-statement>.

use crate::diagnostic::{Code, Effect};
use crate::plan::{
    AggregateBinding, AggregateKind, AggregateValue, Binding, CompareOp, Expr, ExprKind, Stage, StageKind,
    Value as Literal,
};

use super::rows::{Rows, Shape};
use super::sets::{Equal, Runs, Selection};

/// Runs at most.
const MOST: i64 = 100;

impl<'p, 'a> Rows<'p, 'a, '_> {
    /// Counts the events of groups by a sequence, if a condition on their number follows; whether it does.
    pub(super) fn counted(
        &mut self,
        stage: &'p Stage,
        aggregates: &'p [AggregateBinding],
        keys: &'p [Binding],
        rest: &'p [Stage],
        rows: &mut Selection<'p, 'a>,
        shape: &Shape<'p>,
    ) -> bool {
        if !shape.events || !rows.is_plain() || !self.limits.is_empty() {
            return false;
        }
        let Some((condition, count)) = threshold(aggregates, rest) else { return false };
        let Some((fields, window)) = self.group_keys(keys, rows) else { return false };
        for field in fields {
            rows.keys.push(Equal { fields: vec![Some(field)], of: Vec::new() });
        }
        if let Some(set) = rows.sets.first_mut() {
            set.runs = Some(Runs { count, condition, window });
        }
        self.said.insert(condition.id);
        if window.is_some() {
            let message = "the windows of the hunt are cut by the clock, those of the sequence begin with any event: as \
                           many events that lie in two windows of the hunt are found as well";
            self.say(Code::CountedBySequence, Effect::Broader, stage.span, message);
        } else {
            let message = "the events are counted by a sequence of as many events of the same key";
            self.say(Code::CountedBySequence, Effect::Exact, stage.span, message);
        }
        true
    }
}

/// Whether a condition on groups says nothing but that they have so many events.
pub(super) fn only_counts(aggregates: &[AggregateBinding], predicate: &Expr) -> bool {
    let counts = |name: &str| is_count(aggregates, name);
    matches!(predicate.conjuncts(), [only] if least(only, &counts).is_some())
}

/// Whether a column is the number of events of a group.
fn is_count(aggregates: &[AggregateBinding], name: &str) -> bool {
    aggregates.iter().any(|it| {
        it.name.as_ref() == name
            && matches!(&it.value, AggregateValue::One(one)
                if one.kind == AggregateKind::Count && one.args.is_empty() && one.condition.is_none())
    })
}

/// The condition on the number of events of a group, and the least number that satisfies it.
fn threshold<'p>(aggregates: &'p [AggregateBinding], rest: &'p [Stage]) -> Option<(&'p Expr, u32)> {
    let counts = |name: &str| is_count(aggregates, name);
    for stage in rest {
        match &stage.kind {
            StageKind::Where(predicate) => {
                if let Some(found) = predicate.conjuncts().iter().find_map(|conjunct| least(conjunct, &counts)) {
                    return Some(found);
                }
            }
            StageKind::Sort(_) | StageKind::ProjectReorder(_) => {}
            StageKind::Extend(bindings) if !bindings.iter().any(|it| counts(&it.name)) => {}
            StageKind::Extend(_)
            | StageKind::Project(_)
            | StageKind::ProjectAway(_)
            | StageKind::ProjectKeep(_)
            | StageKind::ProjectRename(_)
            | StageKind::Summarize { .. }
            | StageKind::Distinct(_)
            | StageKind::Count
            | StageKind::Top { .. }
            | StageKind::Take(_)
            | StageKind::Sample(_)
            | StageKind::SampleDistinct { .. }
            | StageKind::Join(_)
            | StageKind::Lookup(_)
            | StageKind::MvExpand { .. }
            | StageKind::MvApply { .. }
            | StageKind::Parse { .. }
            | StageKind::ParseKv { .. }
            | StageKind::MakeSeries(_)
            | StageKind::Serialize(_)
            | StageKind::Evaluate { .. }
            | StageKind::Invoke { .. }
            | StageKind::Render { .. }
            | StageKind::Untranslated(_) => return None,
        }
    }
    None
}

/// `count_ >= n`, for a number of runs that EQL has.
fn least<'p>(conjunct: &'p Expr, counts: &impl Fn(&str) -> bool) -> Option<(&'p Expr, u32)> {
    let ExprKind::Compare { op, left, right } = &conjunct.kind else { return None };
    let (op, column, number) = match (left.as_column(), right.as_column()) {
        (Some(column), None) => (*op, column, right),
        (None, Some(column)) => (op.mirrored(), column, left),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let Some(Literal::Long(number)) = number.as_literal() else { return None };
    if !counts(&column.name) {
        return None;
    }
    let least = match op {
        CompareOp::Ge => *number,
        CompareOp::Gt => number.checked_add(1)?,
        CompareOp::Eq | CompareOp::Ne | CompareOp::Lt | CompareOp::Le => return None,
    };
    if !(2..=MOST).contains(&least) {
        return None;
    }
    Some((conjunct, u32::try_from(least).ok()?))
}
