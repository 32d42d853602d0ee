//! Groups and joins as correlations: their keys, thresholds, order and timespan, and what differs.
//!
//! Sigma's windows slide and are looked at after each event; KQL's are cut by the clock and looked at once. So where more
//! events can only help a group, whatever the hunt finds is found; elsewhere nothing can be said. See
//! <https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html>.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Frame, Ledger};
use crate::plan::{AggregateBinding, Binding, Expr, NodeId, Stage, StageKind, TICKS_PER_DAY};
use crate::source::Span;

use super::key::{KeyOf, is_text};
use super::line::Prepared;
use super::outline::{Body, Groups, Line, Part, Together};
use super::predicate::{LeftOut, Pass};
use super::source::Windows;
use super::subject::Unsayable;
use super::threshold::{Measure, Threshold, Thresholds};
use super::together::Joining;
use super::tree::Timespan;

/// The timespan where nothing says over which time a hunt looks: as far back as Defender XDR keeps events, see
/// <https://learn.microsoft.com/defender-xdr/advanced-hunting-overview>.
const FAR_BACK: i64 = 30 * TICKS_PER_DAY;

/// What a hunt selects, its lines by their numbers.
pub(super) enum Shape<'p> {
    Events(Range<usize>),
    Groups(Range<usize>, &'p Stage),
    Together(Vec<PartShape<'p>>, Vec<super::outline::Joint<'p>>),
    Any(Vec<Shape<'p>>),
}

/// A part of a correlation of several.
pub(super) struct PartShape<'p> {
    pub(super) lines: Range<usize>,
    /// The `summarize`, where it is one of groups.
    pub(super) groups: Option<&'p Stage>,
}

/// The shape of a body, and its lines.
pub(super) fn shape<'p>(body: Body<'p>, lines: &mut Vec<Line<'p>>) -> Shape<'p> {
    let mut take = |own: Vec<Line<'p>>| {
        let from = lines.len();
        lines.extend(own);
        from..lines.len()
    };
    match body {
        Body::Events(own) => Shape::Events(take(own)),
        Body::Groups(Groups { lines: own, stage }) => Shape::Groups(take(own), stage),
        Body::Together(Together { parts, joints }) => {
            let parts = parts
                .into_iter()
                .map(|part| match part {
                    Part::Events(own) => PartShape { lines: take(own), groups: None },
                    Part::Groups(Groups { lines: own, stage }) => PartShape { lines: take(own), groups: Some(stage) },
                })
                .collect();
            Shape::Together(parts, joints)
        }
        Body::Any(bodies) => Shape::Any(bodies.into_iter().map(|body| shape(body, lines)).collect()),
    }
}

/// Why a correlation can not be made.
pub(super) enum Stop {
    /// The stage or condition is none.
    Not(NodeId, Unsayable),
    /// The hunt can not be said.
    Refuse(Unsayable),
}

/// A key of groups or of a join.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The field in each line.
    pub(super) fields: Vec<String>,
    /// The field holds the whole path.
    pub(super) whole_path: bool,
    /// A missing value is the empty text.
    pub(super) text: bool,
    /// Where the hunt says it.
    pub(super) span: Span,
}

/// A threshold as a correlation says it.
pub(super) struct Counted<'p> {
    pub(super) threshold: Threshold<'p>,
    /// The field whose values are measured, and whether a missing one is the empty text.
    pub(super) field: Option<(String, bool)>,
}

/// Groups as correlations.
pub(super) struct Counting<'p> {
    pub(super) lines: Range<usize>,
    pub(super) stage: &'p Stage,
    pub(super) keys: Vec<Key>,
    /// At least one.
    pub(super) counted: Vec<Counted<'p>>,
    pub(super) timespan: Timespan,
    /// More events only help.
    pub(super) grows: bool,
}

/// Everything that is correlated.
#[derive(Default)]
pub(super) struct Correlations<'p> {
    /// By the stage.
    pub(super) counting: HashMap<NodeId, Counting<'p>>,
    /// By the last join.
    pub(super) joining: HashMap<NodeId, Joining>,
    /// Conditions that correlations say.
    pub(super) said: HashSet<NodeId>,
}

/// What correlations are made with.
pub(super) struct Correlator<'f, 'p> {
    pub(super) frame: &'f Frame<'p>,
    pub(super) window: &'f Windows<'p>,
    pub(super) prepared: &'f [Prepared<'p>],
}

impl<'p> Correlator<'_, 'p> {
    /// Makes the correlations of a shape.
    pub(super) fn correlate(
        &self,
        ledger: &mut Ledger,
        shape: &Shape<'p>,
        found: &mut Correlations<'p>,
    ) -> Result<(), Stop> {
        match shape {
            Shape::Events(_) => Ok(()),
            Shape::Groups(lines, stage) => self.count(ledger, lines.clone(), stage, found),
            Shape::Together(parts, joints) => {
                for part in parts {
                    if let Some(stage) = part.groups {
                        self.count(ledger, part.lines.clone(), stage, found)?;
                    }
                }
                self.join(ledger, parts, joints, found)
            }
            Shape::Any(shapes) => shapes.iter().try_for_each(|shape| self.correlate(ledger, shape, found)),
        }
    }

    /// The lines of a range.
    pub(super) fn lines(&self, range: &Range<usize>) -> &[Prepared<'p>] {
        self.prepared.get(range.clone()).unwrap_or_default()
    }

    /// The same as `key`, without a note.
    pub(super) fn tried(
        &self,
        range: &Range<usize>,
        expr: &'p Expr,
        mark: NodeId,
    ) -> Result<Result<Key, i64>, Unsayable> {
        self.key_of(&mut Ledger::new(self.frame.plan), range, expr, mark, true)
    }

    /// The field that a key is in each of these lines, or the windows of time that it is.
    pub(super) fn key(
        &self,
        ledger: &mut Ledger,
        range: &Range<usize>,
        expr: &'p Expr,
        mark: NodeId,
    ) -> Result<Result<Key, i64>, Unsayable> {
        self.key_of(ledger, range, expr, mark, false)
    }

    fn key_of(
        &self,
        ledger: &mut Ledger,
        range: &Range<usize>,
        expr: &'p Expr,
        mark: NodeId,
        dry: bool,
    ) -> Result<Result<Key, i64>, Unsayable> {
        let mut fields: Vec<String> = Vec::new();
        let (mut whole_path, mut time) = (false, None);
        for line in self.lines(range) {
            let level = line.marks.get(&mark).copied().unwrap_or_default();
            let fresh;
            let schema = if dry {
                fresh = line.fresh(self.frame);
                &fresh
            } else {
                &line.fields
            };
            match line.reader(self.frame, schema).key(ledger, expr, level)? {
                KeyOf::Field(field, path) => {
                    fields.push(field);
                    whole_path |= path;
                }
                KeyOf::Time(size) => time = Some(size),
            }
        }
        match time {
            None => Ok(Ok(Key { fields, whole_path, text: is_text(expr.ty), span: expr.span })),
            Some(size) if fields.is_empty() => Ok(Err(size)),
            Some(_) => {
                let message = "the key is a time in one table and a field in another";
                Err(Unsayable::new(Code::RefusedPredicate, expr.span, message))
            }
        }
    }

    fn count(
        &self,
        ledger: &mut Ledger,
        lines: Range<usize>,
        stage: &'p Stage,
        found: &mut Correlations<'p>,
    ) -> Result<(), Stop> {
        // Of `count` there are neither.
        let (aggregates, keys): (&[AggregateBinding], &[Binding]) =
            if let StageKind::Summarize { aggregates, keys } = &stage.kind { (aggregates, keys) } else { (&[], &[]) };
        let counted = self.thresholds(&lines, stage)?;
        if counted.is_empty() {
            return Err(Stop::Not(stage.id, Unsayable::new(Code::AggregationDropped, stage.span, "")));
        }
        let grows = counted.iter().all(|it| it.threshold.grows());
        let base = ledger.within(if grows { Polarity::Positive } else { Polarity::Aggregated });
        let made = self.keys(ledger, &lines, stage, keys);
        let (fields, window) = match made {
            Ok(made) => made,
            Err(why) => {
                ledger.within(base);
                return Err(Stop::Not(stage.id, why));
            }
        };
        ledger.carried(stage.id);
        let note = Diagnostic::note(
            Code::CountedByCorrelation,
            Effect::Reshaped,
            stage.span,
            "the groups are found by a correlation: an alert for each group that satisfies the condition, not a row",
        );
        ledger.note(Polarity::Positive, note);
        let timespan = match window {
            Some(size) => {
                let message = "the windows of the hunt are cut by the clock, those of a correlation slide: events that \
                               lie in two windows of the hunt are counted together";
                ledger.note(
                    Polarity::Positive,
                    Diagnostic::note(Code::WindowSlides, Effect::Broader, stage.span, message),
                );
                Timespan::of_ticks(size)
            }
            None => self.timespan(ledger, stage.span),
        };
        self.values(ledger, aggregates, &counted, !keys.is_empty(), window.is_some());
        found.said.extend(counted.iter().map(|it| it.threshold.conjunct.id));
        ledger.within(base);
        found.counting.insert(stage.id, Counting { lines, stage, keys: fields, counted, timespan, grows });
        Ok(())
    }

    /// The thresholds that can be said.
    fn thresholds(&self, lines: &Range<usize>, stage: &'p Stage) -> Result<Vec<Counted<'p>>, Stop> {
        let Some(first) = self.lines(lines).first() else { return Ok(Vec::new()) };
        let mark = first.marks.get(&stage.id).copied().unwrap_or_default();
        let reader = Thresholds { scopes: &first.scopes, vocabulary: self.frame.vocabulary };
        let mut counted: Vec<Counted<'p>> = Vec::new();
        for (conjunct, level) in first.conjuncts.iter().filter(|(_, level)| *level > mark) {
            let Some(threshold) = reader.of(conjunct, *level) else { continue };
            if threshold.never_holds() {
                let message =
                    "the condition asks for no events, and a Sigma correlation is looked at when there is one";
                let unsayable = Unsayable::new(Code::NeverMatches, conjunct.span, message);
                return Err(Stop::Refuse(unsayable.help("look for the absence of events in the SIEM itself")));
            }
            // Readers of Sigma take one comparison: of a range, the end that more events reach.
            if let Some(known) = counted.iter_mut().find(|it| it.threshold.of.binding == threshold.of.binding) {
                if threshold.grows() && !known.threshold.grows() {
                    known.threshold = threshold;
                }
                continue;
            }
            if !self.is_sayable(lines, &threshold) {
                continue;
            }
            let field = match threshold.of.measure {
                Measure::Count => None,
                Measure::Distinct(value)
                | Measure::Sum(value)
                | Measure::Average(value)
                | Measure::Percentile(value, _) => match self.value_field(lines, value, stage.id) {
                    Some(field) => Some((field, is_text(value.ty))),
                    None => continue,
                },
            };
            counted.push(Counted { threshold, field });
        }
        Ok(counted)
    }

    /// Whether the events of a threshold can be told from others.
    fn is_sayable(&self, lines: &Range<usize>, threshold: &Threshold<'p>) -> bool {
        let Some(condition) = threshold.of.condition else { return true };
        self.lines(lines).iter().all(|line| {
            let mut dry = Ledger::new(self.frame.plan);
            let mut left_out = LeftOut::new();
            let fields = line.fresh(self.frame);
            let mut reader = line.reader(self.frame, &fields);
            let mut pass = Pass::First(&mut left_out);
            let said = reader.condition(&mut dry, &mut pass, condition, threshold.of.level, false);
            said.is_ok() && left_out.is_empty()
        })
    }

    /// The field whose values are measured, where it is the same in all lines.
    fn value_field(&self, lines: &Range<usize>, value: &'p Expr, mark: NodeId) -> Option<String> {
        let key = self.tried(lines, value, mark).ok()?.ok()?;
        let first = key.fields.first()?.clone();
        key.fields.iter().all(|field| *field == first).then_some(first)
    }

    /// The fields that the groups are made by, and the windows that one of the keys is.
    fn keys(
        &self,
        ledger: &mut Ledger,
        lines: &Range<usize>,
        stage: &'p Stage,
        keys: &'p [Binding],
    ) -> Result<(Vec<Key>, Option<i64>), Unsayable> {
        let (mut fields, mut window): (Vec<Key>, Option<i64>) = (Vec::new(), None);
        let mut lost: Vec<(&Binding, Unsayable)> = Vec::new();
        for key in keys {
            match self.tried(lines, &key.value, stage.id) {
                Err(why) => lost.push((key, why)),
                Ok(found) => {
                    // Once more, for the notes.
                    let _ = self.key(ledger, lines, &key.value, stage.id);
                    ledger.carried_whole(key);
                    match found {
                        Ok(field) if fields.iter().any(|known| known.fields == field.fields) => {}
                        Ok(field) => fields.push(field),
                        Err(size) => window = Some(window.map_or(size, |known: i64| known.min(size))),
                    }
                }
            }
        }
        match lost.first() {
            Some((_, why)) if fields.is_empty() => Err(why.clone()),
            Some(_) | None => {
                for (key, why) in lost {
                    let message = format!("this key of the groups is left out: {}", why.message);
                    let note = Diagnostic::note(Code::AggregationDropped, Effect::Broader, key.span, message);
                    ledger.dropped(key, Polarity::Positive, note);
                }
                Ok((fields, window))
            }
        }
    }

    /// Writes what becomes of the aggregates and of the conditions on them.
    fn values(
        &self,
        ledger: &mut Ledger,
        aggregates: &'p [AggregateBinding],
        counted: &[Counted<'p>],
        keyed: bool,
        windows: bool,
    ) {
        for binding in aggregates {
            if counted.iter().any(|it| it.threshold.of.binding == binding.id) {
                ledger.carried_whole(binding);
            } else {
                let message = format!("an alert does not hold the value of `{}`", binding.name);
                let note = Diagnostic::note(Code::AggregationDropped, Effect::Reshaped, binding.span, message);
                ledger.dropped(binding, Polarity::Positive, note);
            }
        }
        for Counted { threshold, .. } in counted {
            let span = threshold.conjunct.span;
            ledger.carried_whole(threshold.conjunct);
            let mut say = |code, effect, message: &str| {
                ledger.note(Polarity::Positive, Diagnostic::note(code, effect, span, message));
            };
            if threshold.of.estimate {
                say(
                    Code::Approximated,
                    Effect::Exact,
                    "KQL estimates the value where there are many; engines of Sigma may count",
                );
            }
            if !keyed && threshold.holds_of_none() {
                let message = "the condition holds of no events, too, and a correlation is looked at when there is one";
                say(Code::Approximated, Effect::Unsure, message);
            }
            if let Measure::Percentile(..) = threshold.of.measure {
                say(
                    Code::Approximated,
                    Effect::Unsure,
                    "between two values a percentile is another one in each engine",
                );
            } else if !threshold.grows() {
                let (effect, message) = if windows {
                    (Effect::Unsure, "the value is looked at after each event and in windows that slide")
                } else {
                    (Effect::Broader, "engines look at the value after each event, the hunt once at the end")
                };
                // Its own direction, not that of what is below it.
                let base = ledger.within(Polarity::Positive);
                ledger.note(Polarity::Positive, Diagnostic::note(Code::Approximated, effect, span, message));
                ledger.within(base);
            }
        }
    }

    /// The time over which the hunt looks.
    pub(super) fn timespan(&self, ledger: &mut Ledger, span: Span) -> Timespan {
        let period = self.frame.about.query_period.filter(|ticks| *ticks > 0);
        match (self.window.length, period) {
            (Some(length), Some(period)) => Timespan::of_ticks(length.min(period)),
            (Some(length), None) => Timespan::of_ticks(length),
            (None, Some(period)) => {
                let message = "the timespan is the period over which the rule looks";
                ledger.note(Polarity::Positive, Diagnostic::note(Code::TimespanAssumed, Effect::Exact, span, message));
                Timespan::of_ticks(period)
            }
            (None, None) => {
                let message = "the hunt has no time window, and a correlation must have one: events further apart than 30 \
                               days are not counted together";
                let note = Diagnostic::note(Code::TimespanAssumed, Effect::Narrower, span, message);
                ledger.note(
                    Polarity::Positive,
                    note.help("begin the hunt with a condition such as `where TimeGenerated > ago(1d)`"),
                );
                Timespan::of_ticks(FAR_BACK)
            }
        }
    }
}
