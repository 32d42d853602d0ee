//! When a rule runs and over which time.
//!
//! Elastic Security runs a rule every `interval` over the events of `from` to `to`, whatever the query itself says of times:
//! <https://www.elastic.co/docs/solutions/security/detect-and-alert/create-detection-rule#rule-schedule>.

use super::super::schedule::{self, Edge, LookBack};
use super::super::{Fields, Subject, words};
use crate::about::{Field, RuleKind};
use crate::diagnostic::{Code, Effect};
use crate::plan::TICKS_PER_DAY;
use crate::target::Target;

/// Schedule and window, as a rule writes them.
pub(super) struct Times {
    /// `1h`
    pub(super) interval: String,
    /// `now-1h`
    pub(super) from: String,
    /// `now`
    pub(super) to: String,
    /// An analyst runs it, and no schedule does.
    pub(super) is_hunt: bool,
}

/// The schedule of a rule, with notes on what is not the source's.
pub(super) fn times(subject: &Subject<'_>, fields: &mut Fields<'_>) -> Times {
    let about = subject.about;
    let is_hunt = words::is_hunt(about);
    let is_nrt = about.kind == Some(RuleKind::Nrt);
    let period =
        about.query_period.or_else(|| about.query_frequency.and_then(|it| schedule::usual_period(about.kind, it)));
    let period = if is_nrt { Some(schedule::MINUTE) } else { period };
    fields.carried(&[Field::QueryPeriod]);
    let interval = match about.query_frequency.filter(|_| !is_nrt) {
        Some(frequency) => {
            fields.carried(&[Field::QueryFrequency]);
            schedule::length(frequency.max(schedule::MINUTE))
        }
        None if is_nrt => {
            fields.carried(&[Field::QueryFrequency]);
            let message =
                "the rule runs every minute over the last one; Sentinel waits two minutes for events that are late";
            fields.noted(Field::Kind, Code::ScheduleChanged, Effect::Narrower, message);
            "1m".to_owned()
        }
        None => {
            let message = "the source gives no schedule: the rule is switched off, and would run once a day";
            fields.assumed(Field::QueryFrequency, Effect::Exact, message);
            "1d".to_owned()
        }
    };
    let slack = if is_nrt { 0 } else { slack(subject, period, fields) };
    let window = match subject.target {
        Target::Eql => schedule::look_back(period, subject.translation.time_range.as_ref()),
        // The query has the windows of the hunt in it; the rule must let it see all of them.
        Target::Esql | Target::Splunk | Target::Sigma => match period {
            Some(_) => schedule::look_back(period, None),
            None => widest(subject),
        },
    };
    let LookBack { from, to, loose } = window;
    if loose {
        let message = "which of the period and the window of the hunt begins later depends on the clock: the window's stands here";
        fields.noted(Field::QueryPeriod, Code::ScheduleChanged, Effect::Unsure, message);
    }
    if [&from, &to].into_iter().any(|edge| matches!(edge, Some(Edge::At(_)))) {
        let message =
            "the hunt looks at a fixed time, and a rule that runs again and again finds the same events there";
        fields.assumed(Field::QueryPeriod, Effect::Exact, message);
    }
    let from = match from {
        Some(Edge::Back(back)) => written(&Edge::Back(back.saturating_add(slack))),
        Some(edge) => written(&edge),
        None => {
            let message = "neither the rule nor the hunt says how far back to look: the last day stands there";
            fields.assumed(Field::QueryPeriod, Effect::Narrower, message);
            format!("now-{}", schedule::length(TICKS_PER_DAY))
        }
    };
    Times { interval, from, to: to.as_ref().map_or_else(|| "now".to_owned(), written), is_hunt }
}

/// For how long Sentinel waits for late events:
/// <https://learn.microsoft.com/en-us/azure/sentinel/scheduled-rules-overview#query-scheduling>.
const DELAY: i64 = 5 * schedule::MINUTE;

/// How much further back a rule looks, so that events which come late are found by the next run. That an event is found twice
/// does no harm: its alert is the same one. What is grouped would be counted twice.
fn slack(subject: &Subject<'_>, period: Option<i64>, fields: &mut Fields<'_>) -> i64 {
    let (Some(period), Some(frequency)) = (period, subject.about.query_frequency) else { return 0 };
    if period > frequency {
        return 0;
    }
    // How late events come is the site's, and no part of what the rule says.
    let mut note = |message: &str| {
        fields.noted(Field::QueryPeriod, Code::ScheduleChanged, Effect::Exact, message);
    };
    let windows = &subject.translation.windows;
    if !subject.translation.single_events {
        note(
            "Sentinel waits five minutes for late events; this rule looks at what is there, and events that come later are in no run",
        );
        return 0;
    }
    if subject.target == Target::Esql && windows.iter().any(|window| window.from.is_some()) {
        note(
            "Sentinel waits five minutes for late events; the query looks back as far as it says itself, and later ones are in no run",
        );
        return 0;
    }
    note(
        "the rule looks five minutes further back, for events that come late, as Sentinel waits for them; one event makes one alert",
    );
    DELAY
}

/// The window that holds all windows of the hunt; open where one of them is, or is not counted from now.
fn widest(subject: &Subject<'_>) -> LookBack {
    let mut widest: Option<i64> = None;
    for window in &subject.translation.windows {
        match window.from.as_deref().and_then(schedule::edge) {
            Some(Edge::Back(back)) => widest = widest.max(Some(back)),
            Some(Edge::Midnight(back)) => widest = widest.max(Some(back.saturating_add(TICKS_PER_DAY))),
            Some(at @ Edge::At(_)) => return LookBack { from: Some(at), to: None, loose: false },
            None => return LookBack::default(),
        }
    }
    LookBack { from: widest.map(Edge::Back), to: None, loose: false }
}

/// A moment in the date math of Elasticsearch:
/// <https://www.elastic.co/docs/reference/elasticsearch/rest-apis/common-options#date-math>.
fn written(edge: &Edge) -> String {
    let back = |ticks: i64| match ticks {
        0 => "now".to_owned(),
        ticks if ticks < 0 => format!("now+{}", schedule::length(-ticks)),
        ticks => format!("now-{}", schedule::length(ticks)),
    };
    match edge {
        Edge::Back(ticks) => back(*ticks),
        Edge::Midnight(ticks) => format!("{}/d", back(*ticks)),
        Edge::At(moment) => moment.clone(),
    }
}
