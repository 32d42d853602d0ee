//! When a rule runs and how far it looks back, as numbers that each target writes in its own way. No note is written here.
//!
//! Sentinel applies the period of a rule beside the times that its query names, so that both hold:
//! <https://learn.microsoft.com/en-us/azure/sentinel/scheduled-rules-overview#query-scheduling>.

use crate::about::RuleKind;
use crate::fit::TimeRange;
use crate::plan::{TICKS_PER_DAY, TICKS_PER_SECOND};

/// A minute in ticks.
pub(super) const MINUTE: i64 = 60 * TICKS_PER_SECOND;

/// An hour in ticks.
pub(super) const HOUR: i64 = 60 * MINUTE;

/// A moment of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// So many ticks before the run.
    Back(i64),
    /// Midnight in UTC before the moment that lies so many ticks before the run.
    Midnight(i64),
    /// A fixed moment, in ISO 8601.
    At(String),
}

/// From when until when a run looks; `None` is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LookBack {
    /// The first moment.
    pub(super) from: Option<Edge>,
    /// The last moment; `None` is the run.
    pub(super) to: Option<Edge>,
    /// Which of the period and the query's own window begins later depends on the clock; the query's stands here.
    pub(super) loose: bool,
}

/// Over how long a time a run of a custom detection looks whose file does not say it, by how often it runs:
/// <https://learn.microsoft.com/en-us/defender-xdr/custom-detection-rules#rule-frequency>.
pub(super) fn usual_period(kind: Option<RuleKind>, frequency: i64) -> Option<i64> {
    let is_detection = kind == Some(RuleKind::CustomDetection);
    let periods = [(HOUR, 4 * HOUR), (3 * HOUR, 12 * HOUR), (12 * HOUR, 48 * HOUR), (24 * HOUR, 30 * TICKS_PER_DAY)];
    periods.into_iter().find(|(often, _)| is_detection && *often == frequency).map(|(_, period)| period)
}

/// A length of time in the coarsest unit that says it, at most days: `90m`, `36h`, `14d`. Parts of a second are made whole.
pub(super) fn length(ticks: i64) -> String {
    const UNITS: [(i64, char); 3] = [(TICKS_PER_DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')];
    match UNITS.into_iter().find(|(size, _)| ticks > 0 && ticks % size == 0) {
        Some((size, unit)) => format!("{}{unit}", ticks / size),
        None => format!("{}s", seconds(ticks)),
    }
}

/// Whole seconds, at least as long.
pub(super) fn seconds(ticks: i64) -> i64 {
    let ticks = ticks.max(0);
    ticks / TICKS_PER_SECOND + i64::from(ticks % TICKS_PER_SECOND != 0)
}

/// The window that lies in the period of a rule and in the window that is to be given beside the query.
pub(super) fn look_back(period: Option<i64>, range: Option<&TimeRange>) -> LookBack {
    let from = range.and_then(|range| edge(range.from.as_deref()?));
    let to = range.and_then(|range| edge(range.to.as_deref()?)).filter(|to| *to != Edge::Back(0));
    let Some(period) = period.filter(|period| *period > 0) else { return LookBack { from, to, loose: false } };
    let (from, loose) = match from {
        None => (Edge::Back(period), false),
        Some(Edge::Back(back)) => (Edge::Back(back.min(period)), false),
        Some(Edge::Midnight(back)) if period <= back => (Edge::Back(period), false),
        Some(Edge::Midnight(back)) => (Edge::Midnight(back), period < back.saturating_add(TICKS_PER_DAY)),
        Some(at @ Edge::At(_)) => (at, true),
    };
    LookBack { from: Some(from), to, loose }
}

/// A moment as [`TimeRange`] writes it: `now`, `now-5d`, `now-1d/d`, an ISO 8601 time.
pub(super) fn edge(text: &str) -> Option<Edge> {
    let Some(rest) = text.strip_prefix("now") else { return Some(Edge::At(text.to_owned())) };
    let (rest, midnight) = rest.strip_suffix("/d").map_or((rest, false), |rest| (rest, true));
    let back = if rest.is_empty() { 0 } else { offset(rest)?.checked_neg()? };
    Some(if midnight { Edge::Midnight(back) } else { Edge::Back(back) })
}

/// Ticks of `-5d`, `+90m`.
fn offset(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let size = match unit {
        'd' => TICKS_PER_DAY,
        'h' => HOUR,
        'm' => MINUTE,
        's' => TICKS_PER_SECOND,
        _ => return None,
    };
    text.strip_suffix(unit)?.parse::<i64>().ok()?.checked_mul(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_in_the_coarsest_unit() {
        let told = [(14 * TICKS_PER_DAY, "14d"), (36 * HOUR, "36h"), (90 * MINUTE, "90m"), (1, "1s"), (0, "0s")];
        for (ticks, text) in told {
            assert_eq!(length(ticks), text);
        }
        assert_eq!((length(i64::MIN).as_str(), seconds(i64::MAX)), ("0s", i64::MAX / TICKS_PER_SECOND + 1));
    }

    #[test]
    fn custom_detections_look_back_further_than_they_run() {
        assert_eq!(usual_period(Some(RuleKind::CustomDetection), 3 * HOUR), Some(12 * HOUR));
        assert_eq!(usual_period(Some(RuleKind::CustomDetection), 2 * HOUR), None);
        assert_eq!(usual_period(Some(RuleKind::Scheduled), HOUR), None);
    }

    #[test]
    fn a_look_back_lies_in_both_windows() {
        let range = |from: Option<&str>, to: Option<&str>| TimeRange {
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        };
        let of = |period: i64, from: &str, to: &str| {
            look_back(Some(period * HOUR), Some(&range(Some(from), Some(to)))).clone()
        };
        let plain = |from| LookBack { from: Some(from), to: None, loose: false };
        assert_eq!(of(1, "now-5d", "now"), plain(Edge::Back(HOUR)));
        assert_eq!(of(200, "now-5d", "now"), plain(Edge::Back(5 * TICKS_PER_DAY)));
        assert_eq!(of(24, "now-1d/d", "now"), plain(Edge::Back(TICKS_PER_DAY)));
        assert_eq!(of(30, "now-1d/d", "now"), LookBack { loose: true, ..plain(Edge::Midnight(TICKS_PER_DAY)) });
        assert_eq!(of(48, "now-1d/d", "now-1h").to, Some(Edge::Back(HOUR)));
        assert!(of(1, "2024-01-31T12:00:00Z", "now").loose);
        assert_eq!(look_back(None, None), LookBack::default());
        assert_eq!(look_back(Some(HOUR), Some(&range(None, None))), plain(Edge::Back(HOUR)));
        assert_eq!(edge("now+1h"), Some(Edge::Back(-HOUR)));
        for text in ["now-", "now-5y", "now-99999999999999d", "nowx", "now-é"] {
            assert_eq!(edge(text), None, "{text}");
        }
    }
}
