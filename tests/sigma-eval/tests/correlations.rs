//! The evaluator and the comparison on rules with correlations that were written by hand for hunts of cases: what a case says
//! of its hunt is what such rules give.

#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail the test.

use std::path::Path;

use huntgate::Effect;
use huntgate::fit::TimeRange;
use huntgate_sigma_eval::{Case, check_rules};

fn case(name: &str) -> Case {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/correlations").join(name).with_extension("toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A detection rule with the last part of its id, its name, its log source and its selection.
fn base(id: u8, name: &str, table: &str, selection: &str) -> String {
    format!(
        "title: {name}\nid: 00000000-0000-4000-8000-0000000000{id:02}\nname: {name}\nstatus: experimental\n\
         logsource:\n    category: {table}\ndetection:\n    selection:\n        {selection}\n    condition: selection\nlevel: low\n"
    )
}

/// A correlation; `name` is empty for the outermost one.
fn correlation(id: u8, name: &str, lines: &[&str]) -> String {
    let title = if name.is_empty() { "Outermost" } else { name };
    let name = if name.is_empty() { String::new() } else { format!("name: {name}\n") };
    format!(
        "title: {title}\nid: 00000000-0000-4000-8000-0000000000{id:02}\n{name}status: experimental\ncorrelation:\n    {}\nlevel: low\n",
        lines.join("\n    ")
    )
}

fn wrong(name: &str, verdict: Effect, from: &str, documents: &[String]) -> Vec<String> {
    let range = TimeRange { from: Some(from.to_owned()), to: None };
    check_rules(&case(name), verdict, Some(&range), &documents.join("---\n"))
}

fn holds(name: &str, verdict: Effect, from: &str, documents: &[String]) {
    assert_eq!(wrong(name, verdict, from, documents), Vec::<String>::new(), "{name}");
}

fn failed(id: u8) -> String {
    base(id, "failed", "DeviceLogonEvents", "ActionType: 'LogonFailed'")
}

fn counted(timespan: &str, condition: &str, key: &str) -> Vec<String> {
    let (group, timespan) = (format!("group-by: [{key}]"), format!("timespan: {timespan}"));
    let lines = ["type: event_count", "rules: [failed]", &group, &timespan, "condition:", condition];
    vec![correlation(1, "", &lines), failed(2)]
}

#[test]
fn events_are_counted() {
    holds("count", Effect::Reshaped, "now-1d", &counted("1d", "    gt: 3", "DeviceName"));
    holds("count_at_least", Effect::Reshaped, "now-1h", &counted("1h", "    gte: 2", "AccountName"));
    holds("count_two_keys", Effect::Reshaped, "now-1d", &counted("1d", "    gt: 1", "DeviceName, AccountName"));
    holds("count_missing_key", Effect::Reshaped, "now-1d", &counted("1d", "    gt: 1", "AccountName"));
    holds("count_missing_and_empty_key", Effect::Narrower, "now-1d", &counted("1d", "    gt: 1", "AccountName"));
    holds("count_in_bins", Effect::Broader, "now-1d", &counted("1h", "    gt: 2", "DeviceName"));
    holds("count_in_days", Effect::Broader, "now-7d", &counted("1d", "    gte: 2", "DeviceName"));
    holds("renamed_key", Effect::Reshaped, "now-1d", &counted("1d", "    gt: 1", "DeviceName"));
    holds("folded_key", Effect::Narrower, "now-1d", &counted("1d", "    gt: 1", "DeviceName"));
    holds("between", Effect::Broader, "now-1d", &counted("1d", "    gt: 1\n        lt: 4", "DeviceName"));
}

#[test]
fn values_are_counted() {
    let lines = |gt: &str| {
        let condition = format!("    field: AccountName\n        gt: {gt}");
        let lines = [
            "type: value_count",
            "rules: [failed]",
            "group-by: [DeviceName]",
            "timespan: 1d",
            "condition:",
            condition.as_str(),
        ];
        vec![correlation(1, "", &lines), failed(2)]
    };
    holds("distinct_values", Effect::Reshaped, "now-1d", &lines("2"));
    holds("distinct_values_missing", Effect::Narrower, "now-1d", &lines("1"));
}

#[test]
fn numbers_are_added_up() {
    let lines = |kind: &str, gt: &str| {
        let (kind, condition) = (format!("type: {kind}"), format!("    field: SentBytes\n        gt: {gt}"));
        let lines =
            [&kind, "rules: [allowed]", "group-by: [SourceIP]", "timespan: 1h", "condition:", condition.as_str()];
        vec![correlation(1, "", &lines), base(2, "allowed", "CommonSecurityLog", "DeviceAction: 'allow'")]
    };
    holds("sum", Effect::Reshaped, "now-1h", &lines("value_sum", "1000"));
    holds("average", Effect::Broader, "now-1h", &lines("value_avg", "100"));
}

fn sides() -> [String; 2] {
    [
        base(2, "run", "DeviceProcessEvents", "FileName: 'a.exe'"),
        base(3, "connected", "DeviceNetworkEvents", "RemotePort: 4444"),
    ]
}

#[test]
fn kinds_of_events_meet() {
    let joined = |kind: &str, timespan: &str| {
        let (kind, timespan) = (format!("type: {kind}"), format!("timespan: {timespan}"));
        let lines = [&kind, "rules: [run, connected]", "group-by: [DeviceName]", &timespan];
        let [run, connected] = sides();
        vec![correlation(1, "", &lines), run, connected]
    };
    holds("join", Effect::Reshaped, "now-1d", &joined("temporal", "1d"));
    holds("join_semi", Effect::Reshaped, "now-1d", &joined("temporal", "1d"));
    holds("in_rows", Effect::Reshaped, "now-1d", &joined("temporal", "1d"));
    holds("join_missing_key", Effect::Narrower, "now-1d", &joined("temporal", "1d"));
    holds("join_near", Effect::Broader, "now-1d", &joined("temporal", "5m"));
    holds("join_two_sides_compared", Effect::Broader, "now-1d", &joined("temporal", "1d"));
    holds("join_windows_differ", Effect::Broader, "now-1d", &joined("temporal", "1d"));
    holds("join_in_order", Effect::Reshaped, "now-1d", &joined("temporal_ordered", "5m"));
}

#[test]
fn keys_have_other_names() {
    let lines = [
        "type: temporal",
        "rules: [failed, signin]",
        "group-by: [account_upn]",
        "timespan: 1d",
        "aliases:",
        "    account_upn:",
        "        failed: AccountUpn",
        "        signin: UserPrincipalName",
    ];
    let signin = base(3, "signin", "SigninLogs", "ResultType: '50126'");
    holds("join_other_names", Effect::Reshaped, "now-1d", &[correlation(1, "", &lines), failed(2), signin]);
}

#[test]
fn counts_meet() {
    let many =
        ["type: event_count", "rules: [failed]", "group-by: [DeviceName]", "timespan: 1d", "condition:", "    gt: 2"];
    let both = ["type: temporal", "rules: [many, success]", "group-by: [DeviceName]", "timespan: 1d"];
    let success = base(4, "success", "DeviceLogonEvents", "ActionType: 'LogonSuccess'");
    let documents = [correlation(1, "", &both), correlation(2, "many", &many), failed(3), success];
    holds("join_counted_side", Effect::Reshaped, "now-1d", &documents);
}

#[test]
fn a_number_of_kinds_may_be_asked_for() {
    let lines = ["type: temporal", "rules: [run, connected]", "group-by: [DeviceName]", "timespan: 1d"];
    let [run, connected] = sides();
    let all: Vec<&str> = lines.into_iter().chain(["condition:", "    gte: 2"]).collect();
    holds("join", Effect::Reshaped, "now-1d", &[correlation(1, "", &all), run.clone(), connected.clone()]);
    let one: Vec<&str> = lines.into_iter().chain(["condition:", "    gte: 1"]).collect();
    let wrong = wrong("join", Effect::Reshaped, "now-1d", &[correlation(1, "", &one), run, connected]);
    assert!(wrong.iter().any(|it| it.contains("a lie")), "{wrong:?}");
}

#[test]
fn lies_are_seen() {
    let seen = |name: &str, verdict, documents: &[String], lie: &str| {
        let wrong = wrong(name, verdict, "now-1d", documents);
        assert!(wrong.iter().any(|it| it.contains("a lie") && it.contains(lie)), "{wrong:?}");
    };
    seen("count", Effect::Exact, &counted("1d", "    gt: 2", "DeviceName"), "besides");
    seen("count", Effect::Broader, &counted("1h", "    gt: 3", "DeviceName"), "misses");
    seen("count_in_bins", Effect::Narrower, &counted("1h", "    gt: 2", "DeviceName"), "besides");
}
