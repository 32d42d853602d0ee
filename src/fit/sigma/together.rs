//! Joins as temporal correlations: keys that all sides have, the order of the sides, and the time between them.

use std::collections::HashMap;
use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::Ledger;
use crate::fit::distance::{self, Bound, Bounds, Distance, End, TimeOf};
use crate::plan::{
    AggregateKind, AggregateValue, Case, ColumnRef, Expr, ExprKind, JoinKind, NodeId, ScalarType, StageKind,
    TICKS_PER_SECOND, Tree,
};
use crate::source::Span;

use super::correlate::{Correlations, Correlator, Key, PartShape, Stop};
use super::key::is_text;
use super::outline::{Joint, On};
use super::scope::Meaning;
use super::subject::Unsayable;
use super::tree::Timespan;

/// What holds of the parts of a correlation.
pub(super) struct Joining {
    /// The keys: for each the field in every line of each part.
    pub(super) keys: Vec<SharedKey>,
    /// The parts in the order of time, where it matters.
    pub(super) order: Option<Vec<usize>>,
    pub(super) timespan: Timespan,
    /// Joins of which an arbitrary left event is taken: where, and the parts of their left sides.
    pub(super) arbitrary: Vec<(Span, Range<usize>, NodeId)>,
}

/// A key that all parts have.
pub(super) struct SharedKey {
    /// By the part.
    pub(super) parts: Vec<Key>,
}

/// Fields of parts that are equal.
struct Equal<'p> {
    fields: Vec<Option<Key>>,
    of: Vec<(&'p dyn Tree, Span)>,
}

/// One side of an equality.
enum Side {
    Field(usize, Key),
    Time(usize, i64),
}

impl<'p> Correlator<'_, 'p> {
    /// Makes the correlation of several parts.
    pub(super) fn join(
        &self,
        ledger: &mut Ledger,
        parts: &[PartShape<'p>],
        joints: &[Joint<'p>],
        found: &mut Correlations<'p>,
    ) -> Result<(), Stop> {
        let mut equals: Vec<Equal<'p>> = Vec::new();
        let mut bounds = Bounds::default();
        for joint in joints {
            ledger.carried(joint.id);
            let message = "the join is a correlation: an alert for each key of which every side has an event, not a row \
                           for each pair";
            let note = Diagnostic::note(Code::JoinedByCorrelation, Effect::Reshaped, joint.span, message);
            ledger.note(Polarity::Positive, note);
            let mut lost: Vec<(&'p dyn Tree, Span, Unsayable)> = Vec::new();
            let before = equals.len();
            let mut sayable = false;
            for (of, span, left, right) in self.sides(ledger, joint, parts, found) {
                match (left, right) {
                    (Ok(Side::Field(left, one)), Ok(Side::Field(right, other)))
                        if one.whole_path == other.whole_path =>
                    {
                        sayable = true;
                        ledger.carried_whole(of);
                        equate(&mut equals, parts.len(), (left, one), (right, other), (of, span));
                    }
                    (Ok(Side::Field(..)), Ok(Side::Field(..))) => {
                        let message = "the key is a whole path on one side and a name on the other";
                        lost.push((of, span, Unsayable::new(Code::RefusedPredicate, span, message)));
                    }
                    (Ok(Side::Time(earlier, size)), Ok(Side::Time(later, other))) if size == other => {
                        ledger.carried_whole(of);
                        let message = "the windows of a key are cut by the clock, those of a correlation slide";
                        let note = Some(Diagnostic::note(Code::WindowSlides, Effect::Broader, span, message));
                        let (from, to) = (Some(-size), Some(size));
                        bounds.0.push(Bound { earlier, later, from, to, of, span, note });
                    }
                    (Ok(_), Ok(_)) => {
                        let message = "the key is a time on one side";
                        lost.push((of, span, Unsayable::new(Code::RefusedPredicate, span, message)));
                    }
                    (Err(why), _) | (_, Err(why)) => lost.push((of, span, why)),
                }
            }
            if !sayable && equals.len() == before {
                let none = || Unsayable::new(Code::RefusedPredicate, joint.span, "it has no key that is a field");
                let why = lost.into_iter().next().map_or_else(none, |(.., why)| why);
                return Err(Stop::Not(joint.id, why));
            }
            for (of, span, why) in lost {
                let message = format!("this key of the join is left out: {}", why.message);
                ledger.dropped(
                    of,
                    Polarity::Positive,
                    Diagnostic::note(Code::JoinDropped, Effect::Broader, span, message),
                );
            }
        }
        let Some(last) = joints.last() else { return Ok(()) };
        let mut keys = Vec::new();
        for equal in equals {
            match equal.fields.iter().cloned().collect::<Option<Vec<Key>>>() {
                Some(parts) => keys.push(SharedKey { parts }),
                None => {
                    let message = "this key does not belong to all sides of the correlation, so it is left out";
                    for (of, span) in equal.of {
                        let note = Diagnostic::note(Code::JoinDropped, Effect::Broader, span, message);
                        ledger.dropped(of, Polarity::Positive, note);
                    }
                }
            }
        }
        if keys.is_empty() {
            let message = "no key belongs to all sides of the correlation";
            return Err(Stop::Not(last.id, Unsayable::new(Code::RefusedPredicate, last.span, message)));
        }
        self.distances(parts, joints, &mut bounds, found);
        let order = if bounds.0.is_empty() { None } else { bounds.order(parts.len(), |_| false) };
        let timespan = self.between(ledger, parts, joints, &bounds, order.as_deref());
        let arbitrary = joints
            .iter()
            .filter(|joint| joint.kind == JoinKind::InnerUnique)
            .map(|joint| (joint.span, joint.left.clone(), joint.id))
            .collect();
        found.joining.insert(last.id, Joining { keys, order, timespan, arbitrary });
        Ok(())
    }

    /// The equalities of a joint: what says each, and its two sides.
    #[allow(clippy::type_complexity)] // A list of what the caller matches on.
    fn sides(
        &self,
        ledger: &mut Ledger,
        joint: &Joint<'p>,
        parts: &[PartShape<'p>],
        found: &Correlations<'p>,
    ) -> Vec<(&'p dyn Tree, Span, Result<Side, Unsayable>, Result<Side, Unsayable>)> {
        match &joint.on {
            On::Keys(keys) => keys
                .iter()
                .map(|key| {
                    let left = self.side(ledger, joint, &key.left, parts, joint.left.clone(), found);
                    let right = self.side(ledger, joint, &key.right, parts, joint.right.clone(), found);
                    (key as &'p dyn Tree, key.left.span, left, right)
                })
                .collect(),
            On::Member { subject, column, case } => {
                if *case == Case::Insensitive {
                    let message = "Sigma groups by fields as they are: values that differ in case are not equal";
                    let note = Diagnostic::note(Code::Approximated, Effect::Narrower, joint.span, message);
                    ledger.note(Polarity::Positive, note);
                }
                let left = self.side(ledger, joint, subject, parts, joint.left.clone(), found);
                let right = self.column_side(ledger, joint, column, subject.ty, parts, found);
                vec![(*subject as &'p dyn Tree, joint.span, left, right)]
            }
        }
    }

    /// The part of a range that a key belongs to, and the field that it is there.
    fn side(
        &self,
        ledger: &mut Ledger,
        joint: &Joint<'p>,
        expr: &'p Expr,
        parts: &[PartShape<'p>],
        range: Range<usize>,
        found: &Correlations<'p>,
    ) -> Result<Side, Unsayable> {
        let mut other = None;
        for part in range {
            let Some(shape) = parts.get(part) else { continue };
            match self.tried(&shape.lines, expr, joint.id) {
                Ok(Ok(key)) => {
                    in_groups(&key, shape, found, expr.span)?;
                    // Once more, for the notes.
                    let _ = self.key(ledger, &shape.lines, expr, joint.id);
                    return Ok(Side::Field(part, key));
                }
                Ok(Err(size)) => return Ok(Side::Time(part, size)),
                Err(why) => other = Some(other.unwrap_or(why)),
            }
        }
        Err(other.unwrap_or_else(|| Unsayable::new(Code::RefusedPredicate, expr.span, "the key is no field")))
    }

    /// The same of the first column of a table.
    fn column_side(
        &self,
        ledger: &mut Ledger,
        joint: &Joint<'p>,
        column: &ColumnRef,
        ty: ScalarType,
        parts: &[PartShape<'p>],
        found: &Correlations<'p>,
    ) -> Result<Side, Unsayable> {
        let missing = || Unsayable::new(Code::RefusedPredicate, joint.span, "the values of the list are no field");
        let mut other = None;
        for part in joint.right.clone() {
            let Some(shape) = parts.get(part) else { continue };
            let mut fields = Vec::new();
            let mut whole_path = false;
            let mut fail = None;
            for line in self.lines(&shape.lines) {
                let level = line.marks.get(&joint.id).copied().unwrap_or_default();
                // A column under its own name has no expression of its own in the plan.
                let plain = Expr::new(ExprKind::Column(column.clone()), ty, joint.span);
                let mut reader = line.reader(self.frame, &line.fields);
                let key = match line.scopes.meaning(column, level) {
                    Meaning::Computed(value, below) => reader.key(ledger, value, below),
                    Meaning::Raw(_)
                    | Meaning::RawOfOne(_)
                    | Meaning::ComputedOfOne(..)
                    | Meaning::Aggregate(..)
                    | Meaning::Count(_)
                    | Meaning::Gone(..) => reader.field_key(ledger, &plain, level),
                };
                match key {
                    Ok(super::key::KeyOf::Field(field, path)) => {
                        fields.push(field);
                        whole_path |= path;
                    }
                    Ok(super::key::KeyOf::Time(_)) => fail = Some(missing()),
                    Err(why) => fail = Some(why),
                }
            }
            match fail {
                Some(why) => other = Some(other.unwrap_or(why)),
                None => {
                    let key = Key { fields, whole_path, text: is_text(ty), span: joint.span };
                    in_groups(&key, shape, found, joint.span)?;
                    return Ok(Side::Field(part, key));
                }
            }
        }
        Err(other.unwrap_or_else(missing))
    }

    /// Finds the conditions on the time between parts, which the correlation says.
    fn distances(
        &self,
        parts: &[PartShape<'p>],
        joints: &[Joint<'p>],
        bounds: &mut Bounds<'p>,
        found: &mut Correlations<'p>,
    ) {
        // The conditions behind a join, and the scopes that they see in each part.
        let mut seen: HashMap<NodeId, (&'p Expr, Vec<Option<usize>>)> = HashMap::new();
        let mut order: Vec<NodeId> = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let Some(line) = self.lines(&part.lines).first() else { continue };
            let Some(mark) = joints.iter().filter_map(|joint| line.marks.get(&joint.id)).min() else { continue };
            for (conjunct, level) in line.conjuncts.iter().filter(|(_, level)| level >= mark) {
                let entry = seen.entry(conjunct.id).or_insert_with(|| {
                    order.push(conjunct.id);
                    (*conjunct, vec![None; parts.len()])
                });
                if let Some(slot) = entry.1.get_mut(at) {
                    *slot = Some(*level);
                }
            }
        }
        let names = Names { correlator: self, parts };
        for id in order {
            let Some((conjunct, levels)) = seen.remove(&id) else { continue };
            if levels.iter().flatten().count() < 2 {
                continue;
            }
            let Some(it) = distance::distance(&names, conjunct, levels) else { continue };
            let Distance { earlier, later, from, to, .. } = it;
            let counted = |part: usize| parts.get(part).is_some_and(|part| part.groups.is_some());
            let ordered = from.is_some_and(|from| from >= 0);
            let last = it.of_group == Some(End::Last);
            let (effect, message) = if counted(earlier) && !counted(later) && last && ordered {
                // What follows the last event of a group follows the one that completes it.
                let message = "the last time of a group is compared; the correlation takes that of each event which \
                               completes it";
                (Effect::Broader, message)
            } else if counted(earlier) || counted(later) {
                (
                    Effect::Unsure,
                    "the time of a group is compared; the correlation takes that of the event which completes it",
                )
            } else if it.of_group.is_some() {
                (
                    Effect::Broader,
                    "the first or last time of a group is compared; the correlation takes that of any event",
                )
            } else if it.borders {
                let message = "`datetime_diff` counts the borders of units between two times; the correlation takes the \
                               time between them";
                (Effect::Broader, message)
            } else if it.strict && (from == Some(0) || to == Some(0)) {
                (Effect::Broader, "events of the same time are in order for a correlation, too")
            } else {
                (Effect::Exact, "the order of the rules and the timespan say this, up to one tick of the clock")
            };
            found.said.insert(conjunct.id);
            let note = Some(Diagnostic::note(Code::JoinedByCorrelation, effect, conjunct.span, message));
            bounds.0.push(Bound { earlier, later, from, to, of: conjunct, span: conjunct.span, note });
        }
    }

    /// The timespan of the parts, and the notes of what says it.
    fn between(
        &self,
        ledger: &mut Ledger,
        parts: &[PartShape<'p>],
        joints: &[Joint<'p>],
        bounds: &Bounds<'p>,
        order: Option<&[usize]>,
    ) -> Timespan {
        for bound in &bounds.0 {
            ledger.carried_whole(bound.of);
            if let Some(note) = &bound.note {
                ledger.note(Polarity::Positive, note.clone());
            }
        }
        let say = |ledger: &mut Ledger, effect, span, message: &str| {
            ledger.note(Polarity::Positive, Diagnostic::note(Code::JoinedByCorrelation, effect, span, message));
        };
        let span = joints.last().map(|joint| joint.span).unwrap_or_default();
        if !bounds.0.is_empty() {
            for joint in joints.iter().filter(|joint| joint.kind == JoinKind::InnerUnique) {
                let message = "KQL joins one event of the left side for each key, an arbitrary one, and compares its time; \
                               the correlation takes any of them";
                let note = Diagnostic::note(Code::ArbitraryChoice, Effect::Broader, joint.span, message);
                ledger.note(Polarity::Positive, note);
            }
        }
        if let Some(order) = order {
            let (to, whole) = bounds.span(order);
            for bound in &bounds.0 {
                let (from, to) = bounds.between(bound.earlier, bound.later);
                if matches!((from, to), (None, Some(1..))) || matches!((from, to), (Some(..=-1), None)) {
                    let message =
                        "the hunt bounds the time on one side only; the events of a correlation have this order";
                    say(ledger, Effect::Narrower, bound.span, message);
                }
                if from.is_some_and(|from| from > TICKS_PER_SECOND) || to.is_some_and(|to| to < -TICKS_PER_SECOND) {
                    say(ledger, Effect::Broader, bound.span, "a correlation has no least time between its events");
                }
            }
            return match to {
                Some(to) => {
                    if !whole {
                        say(ledger, Effect::Broader, span, "the timespan bounds all events together, not each pair");
                    }
                    Timespan::of_ticks(to)
                }
                None => self.timespan(ledger, span),
            };
        }
        // No order: every pair lies as close together as the widest of the bounds, if each has one.
        let mut widest: Option<i64> = Some(0);
        for later in 1..parts.len() {
            for earlier in 0..later {
                let (from, to) = bounds.between(earlier, later);
                let pair = from.zip(to).map(|(from, to)| to.max(from.saturating_neg()));
                widest = widest.zip(pair).map(|(widest, pair)| widest.max(pair));
                if from.zip(to).is_some_and(|(from, to)| from.saturating_neg() != to) {
                    say(ledger, Effect::Broader, span, "a correlation bounds the time alike in both directions");
                }
            }
        }
        match widest.filter(|ticks| *ticks > 0) {
            Some(ticks) => Timespan::of_ticks(ticks),
            None => {
                for bound in &bounds.0 {
                    say(ledger, Effect::Broader, bound.span, "the correlation has another timespan, which is longer");
                }
                self.timespan(ledger, span)
            }
        }
    }
}

/// The names of the parts of a correlation: the scopes that a place sees in each, where it sees any.
struct Names<'n, 'f, 'p> {
    correlator: &'n Correlator<'f, 'p>,
    parts: &'n [PartShape<'p>],
}

impl<'p> Names<'_, '_, 'p> {
    fn meanings(&self, column: &ColumnRef, at: &[Option<usize>]) -> Vec<(usize, Meaning<'p>)> {
        let parts = self.parts.iter().enumerate().zip(at);
        parts
            .filter_map(|((part, shape), level)| {
                let line = self.correlator.lines(&shape.lines).first()?;
                Some((part, line.scopes.meaning(column, (*level)?)))
            })
            .collect()
    }
}

impl<'p> distance::Times<'p> for Names<'_, '_, 'p> {
    type At = Vec<Option<usize>>;

    fn computed(&self, column: &ColumnRef, at: &Self::At) -> Option<(&'p Expr, Self::At)> {
        let mut found: Option<(&'p Expr, Self::At)> = None;
        for (part, meaning) in self.meanings(column, at) {
            if let Meaning::Computed(value, below) = meaning {
                let (known, levels) = found.get_or_insert_with(|| (value, vec![None; self.parts.len()]));
                if std::ptr::eq(*known, value)
                    && let Some(slot) = levels.get_mut(part)
                {
                    *slot = Some(below);
                }
            }
        }
        found
    }

    fn time(&self, column: &ColumnRef, at: &Self::At) -> Option<TimeOf> {
        for (part, meaning) in self.meanings(column, at) {
            let lines = self.correlator.lines(&self.parts.get(part)?.lines);
            match meaning {
                Meaning::Raw(own) => {
                    let is_time = lines.iter().all(|line| line.fields.is_time(&line.table, &own.name));
                    if is_time {
                        return Some(TimeOf { set: part, of_group: None });
                    }
                }
                Meaning::Aggregate(binding, below) => {
                    let AggregateValue::One(it) = &binding.value else { continue };
                    let (AggregateKind::Max | AggregateKind::Min, [value]) = (it.kind, it.args.as_slice()) else {
                        continue;
                    };
                    let line = lines.first()?;
                    let reader = line.reader(self.correlator.frame, &line.fields);
                    if it.condition.is_none() && reader.is_time(value, below) {
                        let end = if it.kind == AggregateKind::Max { End::Last } else { End::First };
                        return Some(TimeOf { set: part, of_group: Some(end) });
                    }
                }
                Meaning::Computed(..)
                | Meaning::Count(_)
                | Meaning::RawOfOne(_)
                | Meaning::ComputedOfOne(..)
                | Meaning::Gone(..) => {}
            }
        }
        None
    }

    fn function(&self, expr: &Expr) -> Option<&str> {
        let ExprKind::Call { function, .. } = &expr.kind else { return None };
        self.correlator.frame.vocabulary.function_row(*function).map(|row| row.name.as_str())
    }
}

/// Whether a key of a join is one of the keys of the groups that a part is: an alert knows no other.
fn in_groups(key: &Key, shape: &PartShape<'_>, found: &Correlations<'_>, span: Span) -> Result<(), Unsayable> {
    let Some(stage) = shape.groups else { return Ok(()) };
    let StageKind::Summarize { .. } = &stage.kind else { return Ok(()) };
    let known = found.counting.get(&stage.id).is_some_and(|it| it.keys.iter().any(|own| own.fields == key.fields));
    if known {
        return Ok(());
    }
    let message = "the key of the join is no key of the groups that are counted";
    Err(Unsayable::new(Code::RefusedPredicate, span, message))
}

/// Says that a field of one part is a field of another one.
fn equate<'p>(
    equals: &mut Vec<Equal<'p>>,
    parts: usize,
    left: (usize, Key),
    right: (usize, Key),
    of: (&'p dyn Tree, Span),
) {
    let holds = |equal: &Equal<'p>, (part, key): &(usize, Key)| {
        equal.fields.get(*part).is_some_and(|field| field.as_ref().is_some_and(|field| field.fields == key.fields))
    };
    let mut whole = Equal { fields: vec![None; parts], of: vec![of] };
    let mut rest = Vec::with_capacity(equals.len() + 1);
    for equal in std::mem::take(equals) {
        if !holds(&equal, &left) && !holds(&equal, &right) {
            rest.push(equal);
            continue;
        }
        for (slot, field) in whole.fields.iter_mut().zip(equal.fields) {
            *slot = slot.take().or(field);
        }
        whole.of.extend(equal.of);
    }
    for (part, key) in [left, right] {
        if let Some(slot) = whole.fields.get_mut(part) {
            *slot = Some(key);
        }
    }
    rest.push(whole);
    *equals = rest;
}
