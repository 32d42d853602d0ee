//! Time windows: which conditions on the event's time stand in front of a pipeline, and their text as a range.
//!
//! By the convention of the verdicts a query is judged over its `time_range`, and a bound relative to now is exact up to
//! one tick of the target's clock; so whether a bound is inclusive is not kept here.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::plan::{
    Bound, CalendarUnit, Expr, ExprKind, Moment, NodeRef, Pipeline, Stage, StageKind, TICKS_PER_DAY, TICKS_PER_SECOND,
    TimeRange as TimeExpr, Tree, UNIX_EPOCH_TICKS,
};

/// The time over which a query is to be run: `now-5d`, `now-1d/d`, or an ISO 8601 time in UTC; `None` is open.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TimeRange {
    /// First moment.
    pub from: Option<String>,
    /// Last moment.
    pub to: Option<String>,
}

/// The window in front of a pipeline: the tightest of its conditions on the event's time.
#[derive(Clone, Debug, Default)]
pub struct Window<'p> {
    /// Lower bound.
    pub from: Option<&'p Bound>,
    /// Upper bound.
    pub to: Option<&'p Bound>,
    /// The conditions that the bounds come from: all that the window says.
    pub conditions: Vec<&'p Expr>,
    /// The same, by identity.
    held: HashSet<*const Expr>,
}

impl<'p> Window<'p> {
    /// Collects the window of a pipeline: conditions that stand as conjuncts of the `where`s before the first stage that
    /// changes which rows there are or what the time column means. A condition that can not be merged with the earlier
    /// ones (a fixed and a relative bound on the same side) is left where it is.
    pub fn leading(pipeline: &'p Pipeline) -> Self {
        let mut window = Self::default();
        let mut sorted = false;
        for stage in &pipeline.stages {
            // What looks at the rows around it, which needs them sorted, sees those outside of the window, too.
            if sorted && calls_function(stage) {
                break;
            }
            sorted |= matches!(stage.kind, StageKind::Sort(_));
            match &stage.kind {
                StageKind::Where(predicate) => {
                    predicate.conjuncts().iter().for_each(|conjunct| window.take(conjunct));
                }
                // Order and presentation leave the events and their time alone.
                StageKind::Sort(_) | StageKind::Render { .. } | StageKind::ProjectReorder(_) => {}
                // Resolution makes a `TimeRange` only of the event's own time, so columns made on the way do not matter.
                StageKind::Extend(_)
                | StageKind::Project(_)
                | StageKind::ProjectAway(_)
                | StageKind::ProjectKeep(_)
                | StageKind::ProjectRename(_) => {}
                StageKind::Summarize { .. }
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
                | StageKind::Untranslated(_) => break,
            }
        }
        window
    }

    /// Whether a condition is part of the window.
    pub fn holds(&self, condition: &Expr) -> bool {
        self.held.contains(&std::ptr::from_ref(condition))
    }

    /// Whether there is no bound.
    pub fn is_open(&self) -> bool {
        self.conditions.is_empty()
    }

    /// The window as a range; `None` where there is no bound or one has no such text.
    pub fn time_range(&self) -> Option<TimeRange> {
        if self.is_open() {
            return None;
        }
        let text = |bound: Option<&Bound>| match bound {
            Some(bound) => moment_text(bound.moment).map(Some),
            None => Some(None),
        };
        Some(TimeRange { from: text(self.from)?, to: text(self.to)? })
    }

    fn take(&mut self, condition: &'p Expr) {
        let ExprKind::Time(TimeExpr { from, to, negated: false, .. }) = &condition.kind else { return };
        let sayable = |bound: &Option<Bound>| bound.as_ref().is_none_or(|bound| moment_text(bound.moment).is_some());
        if !sayable(from) || !sayable(to) {
            return;
        }
        let merged = |old: Option<&'p Bound>, new: &'p Option<Bound>, later: bool| match (old, new) {
            (None, new) => Some(new.as_ref()),
            (old, None) => Some(old),
            (Some(old), Some(new)) => {
                let order = compare(old.moment, new.moment)?;
                Some(Some(if (order == Ordering::Less) == later { new } else { old }))
            }
        };
        if let (Some(lower), Some(upper)) = (merged(self.from, from, true), merged(self.to, to, false)) {
            self.from = lower;
            self.to = upper;
            self.conditions.push(condition);
            self.held.insert(std::ptr::from_ref(condition));
        }
    }
}

/// One window for several sets of events.
#[derive(Clone, Debug)]
pub(crate) struct Widest<'p> {
    /// The window as a range.
    pub(crate) range: TimeRange,
    /// Its length in ticks at most, where both ends are known.
    pub(crate) length: Option<i64>,
    /// The conditions that it says; those of tighter windows are not among them.
    pub(crate) conditions: Vec<&'p Expr>,
}

/// The window that holds all of these; `None` where there is none, or which it is depends on the clock.
pub(crate) fn widest(all: Vec<Window<'_>>) -> Option<Widest<'_>> {
    if all.is_empty() {
        return None;
    }
    let from = widest_bound(all.iter().map(|window| window.from), Ordering::Less)?;
    let to = widest_bound(all.iter().map(|window| window.to), Ordering::Greater)?;
    let text = |bound: Option<&Bound>| match bound {
        Some(bound) => moment_text(bound.moment).map(Some),
        None => Some(None),
    };
    let range = TimeRange { from: text(from)?, to: text(to)? };
    let moment = |bound: Option<&Bound>| bound.map(|bound| bound.moment);
    let conditions = all
        .into_iter()
        .filter(|window| moment(window.from) == moment(from) && moment(window.to) == moment(to))
        .flat_map(|window| window.conditions)
        .collect();
    Some(Widest { range, length: length(moment(from), moment(to)), conditions })
}

/// The bound that lets the most events through; `None` where that depends on the clock.
fn widest_bound<'p>(bounds: impl Iterator<Item = Option<&'p Bound>>, keep: Ordering) -> Option<Option<&'p Bound>> {
    let mut out: Option<Option<&Bound>> = None;
    for bound in bounds {
        out = Some(match (out, bound) {
            (None, bound) => bound,
            (Some(None), _) | (_, None) => None,
            (Some(Some(old)), Some(new)) => match compare(new.moment, old.moment)? {
                order if order == keep => Some(new),
                Ordering::Less | Ordering::Equal | Ordering::Greater => Some(old),
            },
        });
    }
    out
}

/// The time between two moments in ticks at most; no end is the present. `None` without a beginning, or where the length
/// depends on the clock.
fn length(from: Option<Moment>, to: Option<Moment>) -> Option<i64> {
    let now = Moment::Relative { offset: 0, floor: None, after: 0 };
    match (from?, to.unwrap_or(now)) {
        (Moment::Absolute(from), Moment::Absolute(to)) => to.checked_sub(from),
        (
            Moment::Relative { offset: from, floor: from_floor, after: from_after },
            Moment::Relative { offset: to, floor: _, after: to_after },
        ) => {
            // A cut takes away less than its unit; that of the end may take away nothing.
            let cut = from_floor.map_or(0, CalendarUnit::most_ticks);
            to.checked_add(to_after)?.checked_sub(from.checked_add(from_after)?.checked_sub(cut)?)
        }
        (Moment::Absolute(_), Moment::Relative { .. }) | (Moment::Relative { .. }, Moment::Absolute(_)) => None,
    }
    .filter(|ticks| *ticks > 0)
}

/// The order of two moments where it does not depend on the clock.
pub(crate) fn compare(a: Moment, b: Moment) -> Option<Ordering> {
    match (a, b) {
        (Moment::Absolute(a), Moment::Absolute(b)) => Some(a.cmp(&b)),
        (
            Moment::Relative { offset: a, floor: None, after: x },
            Moment::Relative { offset: b, floor: None, after: y },
        ) => Some((a.saturating_add(x)).cmp(&b.saturating_add(y))),
        (Moment::Absolute(_) | Moment::Relative { .. }, Moment::Absolute(_) | Moment::Relative { .. }) => {
            (a == b).then_some(Ordering::Equal)
        }
    }
}

/// A moment as text: `now-5d`, `now-1d/d`, ISO 8601; `None` where the form has no words for it.
pub fn moment_text(moment: Moment) -> Option<String> {
    match moment {
        Moment::Absolute(ticks) => iso8601(ticks),
        Moment::Relative { offset, floor: None, after } => {
            Some(format!("now{}", offset_text(offset.checked_add(after)?)?))
        }
        Moment::Relative { offset, floor: Some(CalendarUnit::Day), after: 0 } => {
            Some(format!("now{}/d", offset_text(offset)?))
        }
        Moment::Relative { .. } => None,
    }
}

/// `-5d`, `+2h`, empty for nothing; `None` for less than a second.
fn offset_text(ticks: i64) -> Option<String> {
    const UNITS: [(i64, char); 4] =
        [(TICKS_PER_DAY, 'd'), (3600 * TICKS_PER_SECOND, 'h'), (60 * TICKS_PER_SECOND, 'm'), (TICKS_PER_SECOND, 's')];
    if ticks == 0 {
        return Some(String::new());
    }
    let (size, unit) = UNITS.into_iter().find(|(size, _)| ticks % size == 0)?;
    Some(format!("{:+}{unit}", ticks / size))
}

/// `2024-01-31T12:00:00Z`, with a fraction where there is one; `None` beyond the years that are told.
pub fn iso8601(ticks: i64) -> Option<String> {
    let unix = i128::from(ticks) - i128::from(UNIX_EPOCH_TICKS);
    jiff::Timestamp::from_nanosecond(unix * 100).ok().map(|time| time.to_string())
}

/// Ticks as seconds, without a fraction where there is none.
pub(crate) fn seconds(ticks: i64) -> String {
    let (whole, rest) = (ticks / TICKS_PER_SECOND, (ticks % TICKS_PER_SECOND).abs());
    let sign = if ticks < 0 && whole == 0 && rest != 0 { "-" } else { "" };
    if rest == 0 {
        return whole.to_string();
    }
    let fraction = format!("{rest:07}");
    format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
}

/// Whether a stage calls a function.
fn calls_function(stage: &Stage) -> bool {
    let mut found = false;
    stage.visit(&mut |node| {
        found |= matches!(node, NodeRef::Expr(expr) if matches!(expr.kind, ExprKind::Call { .. }));
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_the_text_of_a_schedule() {
        let relative = |offset, floor, after| Moment::Relative { offset, floor, after };
        assert_eq!(moment_text(relative(-5 * TICKS_PER_DAY, None, 0)).as_deref(), Some("now-5d"));
        assert_eq!(moment_text(relative(0, None, 0)).as_deref(), Some("now"));
        assert_eq!(moment_text(relative(-TICKS_PER_DAY, Some(CalendarUnit::Day), 0)).as_deref(), Some("now-1d/d"));
        assert_eq!(moment_text(relative(-90 * 60 * TICKS_PER_SECOND, None, 0)).as_deref(), Some("now-90m"));
        assert_eq!(moment_text(relative(0, Some(CalendarUnit::Week), 0)), None);
        let new_year = UNIX_EPOCH_TICKS + TICKS_PER_SECOND / 2;
        assert_eq!(moment_text(Moment::Absolute(new_year)).as_deref(), Some("1970-01-01T00:00:00.5Z"));
    }
}
