//! When a search runs and over which time: Sentinel's frequency and period as a cron schedule and the times of dispatch.
//!
//! Splunk: <https://help.splunk.com/en/splunk-enterprise/alert-and-respond/alerting-manual/10.0/create-alerts/use-cron-expressions-for-alert-scheduling>,
//! <https://help.splunk.com/en/splunk-enterprise/search/search-manual/10.0/specify-time-ranges/specify-time-modifiers-in-your-search>;
//! Sentinel: <https://learn.microsoft.com/en-us/azure/sentinel/scheduled-rules-overview#query-scheduling>,
//! <https://learn.microsoft.com/en-us/azure/sentinel/near-real-time-rules>.

use super::super::schedule::{Edge, HOUR, MINUTE, edge, length, look_back, seconds, usual_period};
use super::super::words::is_hunt;
use super::super::{Fields, Subject};
use crate::about::{Field, RuleKind, Trigger};
use crate::diagnostic::{Code, Effect};
use crate::fit::TimeRange;
use crate::plan::{TICKS_PER_DAY, TICKS_PER_SECOND};

/// Sentinel runs a rule so long after the end of its period, for events that arrive late.
const DELAY: i64 = 5 * MINUTE;

/// The same of a rule that runs every minute.
const SHORT_DELAY: i64 = 2 * MINUTE;

/// When a search runs and over which time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// The schedule.
    pub(super) cron: String,
    /// The first moment that it looks at.
    pub(super) earliest: String,
    /// The last one.
    pub(super) latest: String,
    /// Whether it runs by itself.
    pub(super) scheduled: bool,
}

/// The times of a rule; answers for its frequency, its period and its kind.
pub(super) fn times(subject: &Subject<'_>, fields: &mut Fields<'_>) -> Times {
    let about = subject.about;
    fields.carried(&[Field::QueryFrequency, Field::QueryPeriod, Field::Kind]);
    if about.kind == Some(RuleKind::Nrt) || about.query_frequency == Some(0) {
        return every_minute(subject, fields);
    }
    if is_hunt(about) {
        return by_hand(subject, fields);
    }
    let frequency = about.query_frequency.filter(|it| *it > 0).unwrap_or_else(|| {
        fields.assumed(
            Field::QueryFrequency,
            Effect::Exact,
            "the source gives no frequency: the search runs every hour",
        );
        HOUR
    });
    let period = about.query_period.filter(|it| *it > 0).unwrap_or_else(|| {
        let period = usual_period(about.kind, frequency).unwrap_or(frequency);
        let message = format!("the source gives no period: each run looks back {}", length(period));
        fields.assumed(Field::QueryPeriod, Effect::Exact, message);
        period
    });
    let (cron, runs) = cron(frequency);
    if runs != frequency {
        let message = format!(
            "cron can not run a search every {}; it runs every {}, so that a row may make an alert in more than one run",
            length(frequency),
            length(runs)
        );
        fields.noted(Field::QueryFrequency, Code::ScheduleChanged, Effect::Broader, message);
    }
    own_times(subject, period, fields);
    let look = look_back(Some(period), subject.translation.time_range.as_ref());
    if look.loose {
        let message = "which of the hunt's window and the rule's period begins later depends on the clock; the search takes the hunt's window";
        fields.noted(Field::QueryPeriod, Code::ScheduleChanged, Effect::Broader, message);
    }
    let (earliest, latest) = match (&look.from, &look.to) {
        (Some(Edge::Back(back)), None) => (before(back.saturating_add(DELAY), true), before(DELAY, true)),
        (from, to) => (first(from.as_ref()), last(to.as_ref())),
    };
    Times { cron, earliest, latest, scheduled: true }
}

/// A rule that Sentinel runs every minute over the events that came in since.
fn every_minute(subject: &Subject<'_>, fields: &mut Fields<'_>) -> Times {
    let message = "the search runs every minute over one minute of events by their own time, two minutes late; Sentinel looks at what has come in since, so that later events are not found here";
    let field = if subject.about.kind.is_some() { Field::Kind } else { Field::QueryFrequency };
    fields.noted(field, Code::ScheduleChanged, Effect::Narrower, message);
    own_times(subject, MINUTE, fields);
    Times {
        cron: "* * * * *".to_owned(),
        earliest: before(MINUTE + SHORT_DELAY, true),
        latest: before(SHORT_DELAY, true),
        scheduled: true,
    }
}

/// A hunt that an analyst runs: all that there is, unless it says from when.
fn by_hand(subject: &Subject<'_>, fields: &mut Fields<'_>) -> Times {
    let translation = subject.translation;
    let window = match (&translation.time_range, translation.windows.as_slice()) {
        (Some(range), _) => Some(range),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let period = subject.about.query_period.filter(|it| *it > 0);
    if let Some(period) = period {
        own_times(subject, period, fields);
    }
    let look = look_back(period, window);
    let earliest = first(look.from.as_ref());
    let from = if earliest == "0" { "over all time".to_owned() } else { format!("from `{earliest}` on") };
    let message = format!("the source gives no schedule: the search does not run by itself, and looks {from}");
    fields.assumed(Field::QueryFrequency, Effect::Exact, message);
    // The search says itself until when, where it says so; what it is run over must hold that.
    let latest = if translation.time_range.is_some() { last(look.to.as_ref()) } else { "now".to_owned() };
    Times { cron: "0 * * * *".to_owned(), earliest, latest, scheduled: false }
}

/// Splunk takes `earliest` and `latest` of a search in place of the times of its schedule; Sentinel takes what lies in both.
fn own_times(subject: &Subject<'_>, period: i64, fields: &mut Fields<'_>) {
    let translation = subject.translation;
    let windows = translation.windows.iter().filter(|it| it.from.is_some() || it.to.is_some());
    let mut windows = windows.filter(|_| translation.time_range.is_none()).peekable();
    if windows.peek().is_none() {
        return;
    }
    let longer = windows.any(|window| reach(window).is_none_or(|reach| reach > period));
    let (effect, message) = if longer {
        let message = format!(
            "the search names times of its own, which Splunk takes in place of the schedule's: it may look back further than {}, the rule's period",
            length(period)
        );
        (if finds_each_event(subject) { Effect::Broader } else { Effect::Unsure }, message)
    } else {
        let message = "the search names times of its own, which Splunk takes in place of the schedule's: events that arrive after the run are not waited for";
        (Effect::Exact, message.to_owned())
    };
    // The place of the note is a field that the source gives.
    let given = [Field::QueryPeriod, Field::Kind].into_iter().find(|field| subject.about.has(*field));
    fields.noted(given.unwrap_or(Field::QueryFrequency), Code::ScheduleChanged, effect, message);
}

/// How far back a window reaches at most, where that does not depend on the day.
pub(super) fn reach(window: &TimeRange) -> Option<i64> {
    match edge(window.from.as_deref()?)? {
        Edge::Back(back) => Some(back),
        Edge::Midnight(back) => Some(back.saturating_add(TICKS_PER_DAY)),
        Edge::At(_) => None,
    }
}

/// Whether an event makes an alert whatever other events a run looks at.
pub(super) fn finds_each_event(subject: &Subject<'_>) -> bool {
    let trigger = subject.about.trigger.unwrap_or(Trigger::ANY);
    subject.translation.single_events && trigger == Trigger::ANY
}

/// The first moment of a search. What is no relative time is asked for by the search itself, so that this only must hold it.
fn first(edge: Option<&Edge>) -> String {
    match edge {
        None => "0".to_owned(),
        Some(Edge::Back(back)) => before(*back, false),
        // Splunk's days are those of the user's time zone.
        Some(Edge::Midnight(back)) => before(back.saturating_add(TICKS_PER_DAY), false),
        Some(Edge::At(moment)) => at(moment).unwrap_or_else(|| "0".to_owned()),
    }
}

/// The last moment of a search.
fn last(edge: Option<&Edge>) -> String {
    match edge {
        None => "now".to_owned(),
        Some(Edge::Back(back) | Edge::Midnight(back)) => before(*back, false),
        Some(Edge::At(moment)) => at(moment).unwrap_or_else(|| "now".to_owned()),
    }
}

/// A fixed moment in the format of `dispatch.time_format`, `%FT%T.%Q%:z`.
fn at(moment: &str) -> Option<String> {
    let time: jiff::Timestamp = moment.parse().ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string())
}

/// So long before the run: `-65m@m`, `-7d`, `now`.
fn before(ticks: i64, whole_minutes: bool) -> String {
    let snap = if whole_minutes { "@m" } else { "" };
    match ticks {
        0 => "now".to_owned(),
        i64::MIN..0 => format!("+{}s", seconds(ticks.saturating_neg())),
        1.. if ticks % TICKS_PER_SECOND != 0 => format!("-{}s{snap}", seconds(ticks)),
        1.. => format!("-{}{snap}", length(ticks)),
    }
}

/// The schedule that runs every so often, or else the next one that runs more often; and how often that is.
fn cron(every: i64) -> (String, i64) {
    /// Minutes that an hour can be cut into, then the minutes of hours that a day can be, a day and a week.
    const MINUTES: [i64; 20] = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1_440, 10_080];
    let minutes = MINUTES.into_iter().rev().find(|it| *it * MINUTE <= every).unwrap_or(1);
    let text = match minutes {
        1 => "* * * * *".to_owned(),
        2..60 => format!("*/{minutes} * * * *"),
        60 => "0 * * * *".to_owned(),
        61..1_440 => format!("0 */{} * * *", minutes / 60),
        10_080.. => "0 0 * * 0".to_owned(),
        _ => "0 0 * * *".to_owned(),
    };
    (text, minutes * MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_as_often_or_more_often() {
        let told = [
            (5, "*/5 * * * *", 5),
            (7, "*/6 * * * *", 6),
            (45, "*/30 * * * *", 30),
            (60, "0 * * * *", 60),
            (7 * 60, "0 */6 * * *", 6 * 60),
            (1_440, "0 0 * * *", 1_440),
            (2 * 1_440, "0 0 * * *", 1_440),
            (7 * 1_440, "0 0 * * 0", 7 * 1_440),
            (14 * 1_440, "0 0 * * 0", 7 * 1_440),
        ];
        for (minutes, text, runs) in told {
            assert_eq!(cron(minutes * MINUTE), (text.to_owned(), runs * MINUTE), "{minutes}");
        }
        assert_eq!(cron(1), ("* * * * *".to_owned(), MINUTE));
    }

    #[test]
    fn moments_are_those_of_splunk() {
        assert_eq!(before(65 * MINUTE, true), "-65m@m");
        assert_eq!(before(-HOUR, false), "+3600s");
        assert_eq!(first(Some(&Edge::Midnight(TICKS_PER_DAY))), "-2d");
        assert_eq!(at("2024-01-31T12:00:00Z").as_deref(), Some("2024-01-31T12:00:00.000+00:00"));
        assert_eq!(first(Some(&Edge::At("x".to_owned()))), "0");
    }
}
