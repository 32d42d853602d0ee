//! Joins: another set of events with equal keys, columns that are left out, or a filter that is left out.

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::Refused;
use crate::plan::{
    AggregateBinding, Case, ColumnRef, Expr, ExprKind, Join, JoinKey, JoinKind, Needles, Pipeline, ScalarType,
    SearchTerm, Source, Stage, StageKind, TextHow, Tree,
};
use crate::source::Span;

use super::condition::{Said, Unsayable};
use super::key::{KeyOf, Of};
use super::rows::Rows;
use super::runs::only_counts;
use super::scope::{Loss, Meaning};
use super::sets::Selection;
use crate::fit::distance::Bound;

/// What becomes of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its right side is another set of events.
    Step,
    /// It only adds columns.
    Columns,
    /// It only removes rows of the left side.
    Filter,
    /// It only removes rows of the right side, and the left side is gone behind it.
    Right,
    /// It is refused, for this reason.
    Refused(&'static str),
}

/// What becomes of a join, whatever stands before it.
pub(super) fn role(join: &Join) -> Role {
    let other = match join.kind {
        JoinKind::Inner | JoinKind::InnerUnique | JoinKind::LeftSemi | JoinKind::RightSemi => {
            match not_events(&join.right) {
                None => return Role::Step,
                Some(why) => why,
            }
        }
        JoinKind::LeftAnti if windowed(join) && not_events(&join.right).is_none() => return Role::Step,
        JoinKind::LeftAnti => return Role::Filter,
        JoinKind::LeftOuter => return Role::Columns,
        JoinKind::RightOuter => "rows of the right side that have no counterpart",
        JoinKind::FullOuter => "rows of both sides that have no counterpart",
        JoinKind::RightAnti => return Role::Right,
    };
    if join.kind == JoinKind::LeftSemi { Role::Filter } else { Role::Refused(other) }
}

/// The join, if a stage is one that keeps rows of its right side only.
pub(super) fn only_right(stage: &Stage) -> Option<&Join> {
    let (StageKind::Join(join) | StageKind::Lookup(join)) = &stage.kind else { return None };
    (role(join) == Role::Right).then_some(join)
}

/// Why the rows of a pipeline do not stand for events; `None` where they do: events, or groups of all of them.
fn not_events(pipeline: &Pipeline) -> Option<&'static str> {
    match &pipeline.source {
        Source::Table(_) => {}
        Source::Union(union) => {
            if let Some(why) = union.branches.iter().find_map(not_events) {
                return Some(why);
            }
        }
        Source::Search { .. } => return Some("the rows of a search"),
        Source::Watchlist { .. } => return Some("a watchlist"),
        Source::External { .. } => return Some("external data"),
        Source::Rows { .. } => return Some("rows of the hunt"),
        Source::Print(_) | Source::Range { .. } => return Some("rows that are no events"),
    }
    let mut groups: Option<&[AggregateBinding]> = None;
    for stage in &pipeline.stages {
        match &stage.kind {
            StageKind::Summarize { aggregates, .. } => groups = Some(aggregates),
            StageKind::Distinct(_) => groups = Some(&[]),
            StageKind::Where(predicate) if groups.is_some_and(|groups| !only_counts(groups, predicate)) => {
                return Some("groups with a condition on them");
            }
            StageKind::Where(_)
            | StageKind::Extend(_)
            | StageKind::Project(_)
            | StageKind::ProjectAway(_)
            | StageKind::ProjectKeep(_)
            | StageKind::ProjectRename(_)
            | StageKind::ProjectReorder(_)
            | StageKind::Sort(_)
            | StageKind::Parse { .. }
            | StageKind::ParseKv { .. }
            | StageKind::Serialize(_)
            | StageKind::MvExpand { .. }
            | StageKind::Render { .. } => {}
            StageKind::Join(join) | StageKind::Lookup(join) => match role(join) {
                Role::Step | Role::Columns | Role::Filter | Role::Right => {}
                Role::Refused(why) => return Some(why),
            },
            StageKind::Count => return Some("a count"),
            StageKind::MakeSeries(_) => return Some("a series"),
            StageKind::Top { .. } | StageKind::Take(_) | StageKind::Sample(_) | StageKind::SampleDistinct { .. } => {
                return Some("some of the rows");
            }
            StageKind::MvApply { .. } => return Some("elements of arrays"),
            StageKind::Evaluate { .. } | StageKind::Invoke { .. } | StageKind::Untranslated(_) => {
                return Some("what EQL has no counterpart of");
            }
        }
    }
    None
}

/// Whether a key of a join is a window of time.
fn windowed(join: &Join) -> bool {
    let call = |expr: &Expr| matches!(expr.kind, ExprKind::Column(_) | ExprKind::Call { .. });
    join.on.iter().any(|key| {
        key.left.ty == ScalarType::Datetime
            && key.right.ty == ScalarType::Datetime
            && call(&key.left)
            && call(&key.right)
    })
}

impl<'p, 'a> Rows<'p, 'a, '_> {
    pub(super) fn join(
        &mut self,
        stage: &'p Stage,
        join: &'p Join,
        rows: &mut Selection<'p, 'a>,
    ) -> Result<(), Refused> {
        match role(join) {
            Role::Filter => {
                self.filter_dropped(stage, join.kind);
                Ok(())
            }
            Role::Columns => {
                self.columns_of(stage, join, rows);
                let message = "EQL does not join: the columns of the other side are not added";
                self.dropped(stage, Code::JoinDropped, Effect::Reshaped, message);
                Ok(())
            }
            Role::Step => {
                let right = self.selection(&join.right)?;
                self.conditions.ledger.carried(stage.id);
                self.step(stage, join, right, rows);
                Ok(())
            }
            // Handled where the pipeline begins.
            Role::Right => Ok(()),
            Role::Refused(why) => {
                let message = format!("EQL joins events with events, and the other side is {why}");
                let refusal = Diagnostic::refusal(Code::RefusedOperator, stage.span, message);
                Err(self.conditions.ledger.refuse(stage, refusal.help("the target esql joins")))
            }
        }
    }

    /// A join that keeps rows of its right side only: those, and nothing of what stands before it.
    pub(super) fn right(
        &mut self,
        pipeline: &'p Pipeline,
        stage: &'p Stage,
        join: &'p Join,
    ) -> Result<Selection<'p, 'a>, Refused> {
        let message =
            "EQL does not join: the events of the right side are returned, those that have a counterpart as well";
        let note =
            |span| Diagnostic::note(Code::JoinDropped, Effect::Broader, span, message).help("the target esql joins");
        let unsayable =
            Unsayable::new(Code::RefusedOperator, stage.span, "EQL does not join: every event would be selected");
        self.left_out.get_or_insert((stage, unsayable.help("the target esql joins")));
        self.conditions.broadened = true;
        let gone = "this belongs to the left side of a join that is left out";
        let gone = |span| Diagnostic::note(Code::JoinDropped, Effect::Broader, span, gone);
        self.conditions.ledger.rewritten(pipeline.id, Polarity::Positive, gone(pipeline.span));
        let ledger = &mut *self.conditions.ledger;
        match &pipeline.source {
            Source::Table(_) | Source::Watchlist { .. } | Source::External { .. } | Source::Rows { .. } => {}
            Source::Union(union) => {
                for branch in &union.branches {
                    ledger.dropped(branch, Polarity::Positive, gone(branch.span));
                }
            }
            Source::Print(items) => {
                items.iter().for_each(|item| ledger.dropped(item, Polarity::Positive, gone(item.span)));
            }
            Source::Range { from, to, step, .. } => {
                [from, to, step].into_iter().for_each(|it| ledger.dropped(it, Polarity::Positive, gone(it.span)));
            }
            Source::Search { predicate, .. } => {
                for term in predicate {
                    let (SearchTerm::Condition(expr) | SearchTerm::Anywhere(expr)) = term;
                    ledger.dropped(expr, Polarity::Positive, gone(expr.span));
                }
            }
        }
        for before in pipeline.stages.iter().take_while(|before| !std::ptr::eq(*before, stage)) {
            ledger.dropped(before, Polarity::Positive, gone(before.span));
        }
        ledger.rewritten(stage.id, Polarity::Positive, note(stage.span));
        join.on.iter().for_each(|key| ledger.carried_whole(key));
        self.selection(&join.right)
    }

    /// The columns that a join adds have no values.
    fn columns_of(&mut self, stage: &'p Stage, join: &'p Join, rows: &mut Selection<'p, 'a>) {
        let lost = Meaning::Lost(Loss::Joined, stage.span);
        let names: Vec<(Arc<str>, Meaning<'p>)> =
            right_names(join, &stage.kind).into_iter().map(|(_, after)| (after, lost)).collect();
        rows.name(names, false);
        if join.right.columns.open {
            rows.branches().for_each(|branch| branch.scope.blur(stage.span));
        }
    }

    /// The right side as further sets of events.
    fn step(&mut self, stage: &'p Stage, join: &'p Join, mut right: Selection<'p, 'a>, rows: &mut Selection<'p, 'a>) {
        let base = rows.sets.len();
        let (here, there) = (rows.align(), right.align());
        let mut keys = Vec::with_capacity(join.on.len());
        for key in &join.on {
            let left = self.key_in(Of::Expr(&key.left), here, rows);
            keys.push((key, left, self.key_in(Of::Expr(&key.right), there, &right)));
        }
        if join.kind == JoinKind::LeftSemi && !keys.iter().any(|(_, left, right)| left.is_ok() && right.is_ok()) {
            self.filter_dropped(stage, join.kind);
            return;
        }
        rows.append(right, join.kind == JoinKind::LeftAnti);
        for (key, left, right) in keys {
            let right = right.map(|(set, key)| (set + base, key));
            self.equal(left, right, key, key.left.span, rows);
        }
        rows.joins.push((stage.span, join.kind));
        self.named(stage, join, base, rows);
    }

    fn filter_dropped(&mut self, stage: &'p Stage, kind: JoinKind) {
        self.conditions.notes.clear();
        self.conditions.broadened = true;
        let which = if kind == JoinKind::LeftAnti { "has" } else { "lacks" };
        let message = format!("EQL does not join: an event that {which} a counterpart on the other side stays");
        let unsayable =
            Unsayable::new(Code::RefusedOperator, stage.span, "EQL does not join: every event would be selected");
        self.left_out.get_or_insert((stage, unsayable.help("the target esql joins")));
        self.dropped(stage, Code::JoinDropped, Effect::Broader, &message);
    }

    /// `where k in (T | project k)`: the events of the table are another set, with equal keys. Gives back whether that was
    /// asked for.
    pub(super) fn member_of(
        &mut self,
        stage: &'p Stage,
        conjunct: &'p Expr,
        rows: &mut Selection<'p, 'a>,
    ) -> Result<bool, Refused> {
        let Some((subject, case, table)) = table_of(conjunct) else { return Ok(false) };
        let Some((name, ty)) = table.columns.columns.first() else { return Ok(false) };
        let mut right = self.selection(table)?;
        let base = rows.sets.len();
        let (here, there) = (rows.align(), right.align());
        let left = self.key_in(Of::Expr(subject), here, rows);
        let column = ColumnRef { name: name.clone(), known: true };
        let of = Of::Column(column, matches!(ty, ScalarType::String | ScalarType::Unknown), conjunct.span);
        let right_key = self.key_in(of, there, &right);
        match (&left, &right_key) {
            (Ok((_, KeyOf::Field(_))), Ok((_, KeyOf::Field(_)))) => {}
            (Err(unsayable), _) | (_, Err(unsayable)) => {
                self.conditions.notes.clear();
                self.left_out(stage, conjunct, unsayable.clone());
                return Ok(true);
            }
            (Ok(_), Ok(_)) => {
                self.conditions.notes.clear();
                let message = "EQL does not compare with the rows of another query";
                let unsayable = Unsayable::new(Code::RefusedPredicate, conjunct.span, message);
                self.left_out(stage, conjunct, unsayable.help("the target esql joins"));
                return Ok(true);
            }
        }
        rows.append(right, false);
        self.conditions.ledger.carried(conjunct.id);
        if case == Case::Insensitive {
            let message = "EQL joins by fields as they are, so values that differ in case are not equal";
            self.say(Code::Approximated, Effect::Narrower, conjunct.span, message);
        }
        self.equal(left, right_key.map(|(set, key)| (set + base, key)), subject, conjunct.span, rows);
        rows.joins.push((conjunct.span, JoinKind::LeftSemi));
        for branch in rows.sets.iter_mut().skip(base).flat_map(|set| set.branches.iter_mut()) {
            branch.scope.join(&[], false, conjunct.span);
        }
        self.seen(base, rows);
        Ok(true)
    }

    /// Behind a join, columns of all sets are seen together.
    fn seen(&mut self, base: usize, rows: &mut Selection<'p, 'a>) {
        let here = rows.align();
        for (at, set) in rows.sets.iter_mut().enumerate() {
            if set.since == 0 || at >= base {
                set.since = here;
            }
        }
    }

    /// The names of columns behind a join.
    fn named(&mut self, stage: &'p Stage, join: &'p Join, base: usize, rows: &mut Selection<'p, 'a>) {
        let identity = |(name, _): &(Arc<str>, ScalarType)| (name.clone(), name.clone());
        let (left_seen, names) = match join.kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => (true, Vec::new()),
            JoinKind::RightSemi => (false, join.right.columns.columns.iter().map(identity).collect()),
            JoinKind::Inner
            | JoinKind::InnerUnique
            | JoinKind::LeftOuter
            | JoinKind::RightOuter
            | JoinKind::FullOuter
            | JoinKind::RightAnti => (true, right_names(join, &stage.kind)),
        };
        let left_open =
            rows.sets.iter().take(base).any(|set| set.branches.iter().any(|it| it.scope.table.row.is_none()));
        let right_open = join.right.columns.open && !names.is_empty();
        let lost: Vec<(Arc<str>, Meaning<'p>)> =
            names.iter().map(|(_, after)| (after.clone(), Meaning::Lost(Loss::Joined, stage.span))).collect();
        for (at, set) in rows.sets.iter_mut().enumerate() {
            for branch in &mut set.branches {
                match (at >= base, left_seen) {
                    (true, _) => branch.scope.join(&names, right_open && !(left_open && left_seen), stage.span),
                    (false, true) => {
                        branch.scope.name(lost.clone(), false);
                        if right_open {
                            branch.scope.blur(stage.span);
                        }
                    }
                    (false, false) => branch.scope.join(&[], false, stage.span),
                }
            }
        }
        self.seen(base, rows);
    }

    /// A key of a join, said or left out with a note.
    fn equal(
        &mut self,
        left: Said<(usize, KeyOf)>,
        right: Said<(usize, KeyOf)>,
        of: &'p dyn Tree,
        span: Span,
        rows: &mut Selection<'p, 'a>,
    ) {
        match (left, right) {
            (Ok((left_set, KeyOf::Field(left))), Ok((right_set, KeyOf::Field(right)))) => {
                self.carried += 1;
                self.conditions.ledger.carried_whole(of);
                self.written();
                rows.equate((left_set, left), (right_set, right), of, span);
            }
            (Ok((earlier, KeyOf::Time(left))), Ok((later, KeyOf::Time(right)))) if left == right => {
                let message = "the windows of a key are cut by the clock, a sequence measures from its first event";
                let note = Some(Diagnostic::note(Code::Approximated, Effect::Unsure, span, message));
                // Of a missing event only what follows is looked at.
                let from = if rows.sets.get(later).is_some_and(|set| set.missing) { 0 } else { -left };
                rows.bounds.0.push(Bound { earlier, later, from: Some(from), to: Some(left), of, span, note });
            }
            (Err(unsayable), _) | (_, Err(unsayable)) => self.key_dropped(of, span, unsayable),
            (Ok(_), Ok(_)) => {
                let unsayable = Unsayable::new(Code::RefusedPredicate, span, "a time is no key in EQL");
                self.key_dropped(of, span, unsayable);
            }
        }
    }

    fn key_dropped(&mut self, of: &'p dyn Tree, span: Span, unsayable: Unsayable) {
        self.conditions.notes.clear();
        self.conditions.broadened = true;
        let message = format!("this key of the join is left out: {}", unsayable.message);
        let note = Diagnostic::note(Code::JoinDropped, Effect::Broader, span, message);
        self.conditions.ledger.dropped(of, Polarity::Positive, note.help("the target esql joins"));
        self.key_left_out.get_or_insert(unsayable);
    }

    /// Writes the notes of what was said.
    fn written(&mut self) {
        for (polarity, note) in std::mem::take(&mut self.conditions.notes) {
            self.conditions.ledger.note(polarity, note);
        }
    }
}

/// `x in (T | …)`: the value, whether case counts, and the table, where its rows stand for events.
pub(super) fn table_of(conjunct: &Expr) -> Option<(&Expr, Case, &Pipeline)> {
    let ExprKind::Text(text) = &conjunct.kind else { return None };
    let (Needles::Table(table), TextHow::Equals, false) = (&text.needles, text.how, text.negated) else { return None };
    not_events(table).is_none().then_some((&text.subject, text.case, table))
}

/// The columns of the right side: `(name in its rows, name behind the join)`.
fn right_names(join: &Join, kind: &StageKind) -> Vec<(Arc<str>, Arc<str>)> {
    let renamed: HashMap<&str, &Arc<str>> = join.renamed.iter().map(|(own, after)| (own.as_ref(), after)).collect();
    // A `lookup` has its keys once.
    let key = |name: &Arc<str>| {
        let of = |key: &JoinKey| key.right.as_column().is_some_and(|column| column.name == *name);
        matches!(kind, StageKind::Lookup(_)) && join.on.iter().any(of)
    };
    let after = |(name, _): &(Arc<str>, ScalarType)| match renamed.get(name.as_ref()) {
        Some(after) => Some((name.clone(), (*after).clone())),
        None if key(name) => None,
        None => Some((name.clone(), name.clone())),
    };
    join.right.columns.columns.iter().filter_map(after).collect()
}
