//! Several sets of events and what holds between them, as a `sequence` or a `sample`.
//!
//! A sequence keeps one pending match for a key and step: of several events that wait, the latest; a sample gives one event
//! of each set for a key. Both are fewer than the pairs that KQL joins, but each key that has a pair has one here.
//! See <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-how-sequence-queries-handle-matches>.

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::Refused;
use crate::fit::distance::{Bound, Bounds};
use crate::plan::{Expr, JoinKind, TICKS_PER_SECOND, Tree};
use crate::source::Span;

use super::rows::{Branch, Rows};
use super::scope::{Meaning, Place};
use super::table;
use super::tree::{Key, Maxspan, Pipe, Query, Step};

/// Events of a sample at most: Elasticsearch takes no more.
const SAMPLE_SETS: usize = 5;

/// Rows: each is made of one event of each set.
#[derive(Debug)]
pub(super) struct Selection<'p, 'a> {
    pub(super) sets: Vec<Set<'p, 'a>>,
    pub(super) keys: Vec<Equal<'p>>,
    pub(super) bounds: Bounds<'p>,
    /// The joins that made it: where, and of which kind.
    pub(super) joins: Vec<(Span, JoinKind)>,
}

/// One set of events.
#[derive(Debug)]
pub(super) struct Set<'p, 'a> {
    /// A branch for each table.
    pub(super) branches: Vec<Branch<'p, 'a>>,
    /// The place of its first join: from there on columns of other sets are seen with its own.
    pub(super) since: Place,
    /// That there are several of them, one after the other.
    pub(super) runs: Option<Runs<'p>>,
    /// There is none.
    pub(super) missing: bool,
}

/// `count() >= n`
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs<'p> {
    /// How many.
    pub(super) count: u32,
    /// The condition that says so.
    pub(super) condition: &'p Expr,
    /// The size of the windows they are counted in, in ticks.
    pub(super) window: Option<i64>,
}

/// Fields of the sets that are equal.
pub(super) struct Equal<'p> {
    /// The field of each set.
    pub(super) fields: Vec<Option<Key>>,
    /// What says so, and where.
    pub(super) of: Vec<(&'p dyn Tree, Span)>,
}

impl std::fmt::Debug for Equal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.fields)
    }
}

impl<'p, 'a> Selection<'p, 'a> {
    /// One set of events.
    pub(super) fn new(branches: Vec<Branch<'p, 'a>>) -> Self {
        let set = Set { branches, since: 0, runs: None, missing: false };
        Self { sets: vec![set], keys: Vec::new(), bounds: Bounds::default(), joins: Vec::new() }
    }

    /// All branches of all sets.
    pub(super) fn branches(&mut self) -> impl Iterator<Item = &mut Branch<'p, 'a>> {
        self.sets.iter_mut().flat_map(|set| set.branches.iter_mut())
    }

    /// Makes all scopes count their places alike, so that a stage has one place in all of them.
    pub(super) fn align(&mut self) -> Place {
        let here = self.branches().map(|branch| branch.scope.here()).max().unwrap_or(1);
        self.branches().for_each(|branch| branch.scope.advance(here));
        here
    }

    /// Gives names in all sets.
    pub(super) fn name(
        &mut self,
        names: impl IntoIterator<Item = (std::sync::Arc<str>, Meaning<'p>)> + Clone,
        only: bool,
    ) {
        self.branches().for_each(|branch| branch.scope.name(names.clone(), only));
    }

    /// Whether there is one set of single events.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.sets.as_slice(), [set] if set.runs.is_none())
    }

    /// Adds the sets of another selection, and what holds between them.
    pub(super) fn append(&mut self, other: Self, missing: bool) {
        let base = self.sets.len();
        self.sets.extend(other.sets.into_iter().map(|set| Set { missing: set.missing || missing, ..set }));
        let sets = self.sets.len();
        for equal in other.keys {
            let mut fields: Vec<Option<Key>> = vec![None; base];
            fields.extend(equal.fields);
            fields.resize(sets, None);
            self.keys.push(Equal { fields, ..equal });
        }
        let shifted = |bound: Bound<'p>| Bound { earlier: bound.earlier + base, later: bound.later + base, ..bound };
        self.bounds.0.extend(other.bounds.0.into_iter().map(shifted));
        self.joins.extend(other.joins);
    }

    /// Says that a field of one set is a field of another one.
    pub(super) fn equate(&mut self, left: (usize, Key), right: (usize, Key), of: &'p dyn Tree, span: Span) {
        let sets = self.sets.len();
        let holds = |equal: &Equal<'p>, side: &(usize, Key)| {
            equal.fields.get(side.0).is_some_and(|field| field.as_ref() == Some(&side.1))
        };
        let mut whole = Equal { fields: vec![None; sets], of: vec![(of, span)] };
        let mut rest = Vec::with_capacity(self.keys.len() + 1);
        for equal in std::mem::take(&mut self.keys) {
            if !holds(&equal, &left) && !holds(&equal, &right) {
                rest.push(equal);
                continue;
            }
            for (slot, field) in whole.fields.iter_mut().zip(equal.fields) {
                *slot = slot.take().or(field);
            }
            whole.of.extend(equal.of);
        }
        for (set, key) in [left, right] {
            if let Some(slot) = whole.fields.get_mut(set) {
                *slot = Some(key);
            }
        }
        rest.push(whole);
        self.keys = rest;
    }

    /// The sets in the order of time, if each is known to follow the one before it.
    fn order(&self) -> Option<Vec<usize>> {
        self.bounds.order(self.sets.len(), |set| self.missing(set))
    }

    fn missing(&self, set: usize) -> bool {
        self.sets.get(set).is_some_and(|set| set.missing)
    }
}

impl<'p, 'a> Rows<'p, 'a, '_> {
    /// The query of a selection.
    pub(super) fn arranged(
        &mut self,
        span: Span,
        mut rows: Selection<'p, 'a>,
        pipes: Vec<Pipe>,
    ) -> Result<Query, Refused> {
        let mut events = table::events(self.conditions.fields, self.conditions.ledger, span, &mut rows.sets);
        if rows.is_plain()
            && let Some(event) = events.pop()
        {
            return Ok(Query::Event { event, pipes });
        }
        let sets = rows.sets.len();
        let mut by: Vec<Key> = Vec::new();
        let mut own: Vec<Vec<Key>> = vec![Vec::new(); sets];
        for mut equal in std::mem::take(&mut rows.keys) {
            equal.fields.resize(sets, None);
            let Some(fields) = equal.fields.iter().cloned().collect::<Option<Vec<Key>>>() else {
                let message = "this key does not belong to all events of the query, so it is left out";
                for (key, span) in equal.of {
                    let note = Diagnostic::note(Code::JoinDropped, Effect::Broader, span, message);
                    self.conditions.ledger.dropped(key, Polarity::Positive, note);
                }
                continue;
            };
            match fields.split_first() {
                Some((first, rest)) if rest.iter().all(|key| key == first) => {
                    if !by.contains(first) {
                        by.push(first.clone());
                    }
                }
                _ => own.iter_mut().zip(fields).for_each(|(own, field)| own.push(field)),
            }
        }
        let mut steps: Vec<Option<Step>> = Vec::with_capacity(sets);
        for ((event, own), set) in events.into_iter().zip(own).zip(&rows.sets) {
            let runs = set.runs.map(|runs| runs.count);
            steps.push(Some(Step { missing: set.missing, event, by: own, runs }));
        }
        if let Some(order) = rows.order() {
            let maxspan = self.sequence(&rows, &order);
            let steps = order.iter().filter_map(|set| steps.get_mut(*set).and_then(Option::take)).collect();
            return Ok(Query::Sequence { by, maxspan, steps });
        }
        let mut steps: Vec<Step> = steps.into_iter().flatten().collect();
        let keyed = !by.is_empty() || steps.first().is_some_and(|step| !step.by.is_empty());
        if !keyed || steps.len() > SAMPLE_SETS {
            let why = match (keyed, &self.key_left_out) {
                (true, _) => "a sample has five sets of events at most".to_owned(),
                (false, Some(unsayable)) => unsayable.message.clone(),
                (false, None) if sets > 2 => "no key belongs to all of its events".to_owned(),
                (false, None) => "it has no key and no order in time".to_owned(),
            };
            let at = rows.joins.last().map_or(span, |(span, _)| *span);
            let refusal = Diagnostic::refusal(Code::RefusedOperator, at, format!("EQL can not join this: {why}"));
            return Err(self.conditions.ledger.refuse(self.top, refusal.help("the target esql joins")));
        }
        self.sample(&rows);
        steps.iter_mut().for_each(|step| step.runs = None);
        Ok(Query::Sample { by, steps })
    }

    /// The notes of a sequence, and its length.
    fn sequence(&mut self, rows: &Selection<'p, 'a>, order: &[usize]) -> Option<Maxspan> {
        for (span, kind) in &rows.joins {
            match kind {
                JoinKind::LeftAnti => {
                    let message = "that there is no counterpart is a missing event, which EQL looks for after the event \
                                   only and over a time that begins with it";
                    self.say(Code::JoinAsSequence, Effect::Unsure, *span, message);
                    continue;
                }
                JoinKind::InnerUnique => {
                    let message = "KQL joins one event of the left side for each key, an arbitrary one, and compares \
                                   its time; a sequence begins with any of them";
                    self.say(Code::ArbitraryChoice, Effect::Broader, *span, message);
                }
                JoinKind::Inner
                | JoinKind::LeftOuter
                | JoinKind::RightOuter
                | JoinKind::FullOuter
                | JoinKind::LeftSemi
                | JoinKind::RightSemi
                | JoinKind::RightAnti => {}
            }
            let message = "the join is a sequence, which gives events and not all pairs of them: of several events that \
                           wait for the next one EQL keeps the latest, and it uses each once";
            self.say(Code::JoinAsSequence, Effect::Narrower, *span, message);
        }
        let (mut span, whole) = rows.bounds.span(order);
        let mut span_of_all = None;
        for bound in &rows.bounds.0 {
            self.conditions.ledger.carried_whole(bound.of);
            if let Some(note) = &bound.note {
                self.conditions.ledger.note(Polarity::Positive, note.clone());
            }
            let (from, to) = rows.bounds.between(bound.earlier, bound.later);
            if matches!((from, to), (None, Some(1..))) || matches!((from, to), (Some(..=-1), None)) {
                let message = "the hunt bounds the time on one side only; a sequence has its events in this order";
                self.say(Code::JoinAsSequence, Effect::Narrower, bound.span, message);
            }
            if from.is_some_and(|from| from > 0) || to.is_some_and(|to| to < 0) {
                let message = "a sequence has no least time between its events";
                self.say(Code::JoinAsSequence, Effect::Broader, bound.span, message);
            }
            if !whole && span.is_some() {
                let message = "`maxspan` bounds the time of all events together, not of each pair of them";
                self.say(Code::JoinAsSequence, Effect::Broader, bound.span, message);
            }
        }
        for runs in rows.sets.iter().filter_map(|set| set.runs) {
            match (runs.window, span) {
                (Some(window), span) => span_of_all = Some(span.unwrap_or_default().saturating_add(window)),
                (None, Some(_)) => {
                    let message = "`maxspan` bounds the time of the events that are counted, too";
                    self.say(Code::JoinAsSequence, Effect::Narrower, runs.condition.span, message);
                }
                (None, None) => {}
            }
        }
        span = span_of_all.or(span);
        let millis = u64::try_from(span? / (TICKS_PER_SECOND / 1000)).ok()?;
        Some(Maxspan(millis.max(1)))
    }

    /// The notes of a sample.
    fn sample(&mut self, rows: &Selection<'p, 'a>) {
        for (span, kind) in &rows.joins {
            if *kind == JoinKind::InnerUnique {
                let message =
                    "KQL joins one event of the left side for each key, an arbitrary one; EQL may take another";
                self.say(Code::ArbitraryChoice, Effect::Exact, *span, message);
            }
            let message = "the join is a sample, which gives events and not all pairs of them: one event of each side \
                           for a key";
            self.say(Code::JoinAsSample, Effect::Narrower, *span, message);
        }
        for bound in &rows.bounds.0 {
            let message = "a sample does not compare times, and a sequence has one order: the bound is left out";
            let note = Diagnostic::note(Code::ConditionDropped, Effect::Broader, bound.span, message);
            self.conditions.ledger.dropped(bound.of, Polarity::Positive, note.help("the target esql compares times"));
        }
        for runs in rows.sets.iter().filter_map(|set| set.runs) {
            let message = "a sample counts no events, so the threshold is left out";
            let note = Diagnostic::note(Code::ThresholdDropped, Effect::Broader, runs.condition.span, message);
            self.conditions.ledger.dropped(runs.condition, Polarity::Positive, note.help("the target esql aggregates"));
        }
    }

    pub(super) fn say(&mut self, code: Code, effect: Effect, span: Span, message: &str) {
        self.conditions.ledger.note(Polarity::Positive, Diagnostic::note(code, effect, span, message));
    }
}
