//! Hunts through the fitter and the printer.

use crate::about::About;
use crate::diagnostic::{Code, Effect};
use crate::fit::{Frame, Style};
use crate::target::{Target, Targets};
use crate::vocabulary::Vocabulary;

struct Answer {
    verdict: Effect,
    query: String,
    notes: Vec<(Code, Option<Effect>)>,
    range: Option<(Option<String>, Option<String>)>,
}

fn translated(text: &str, schema: &str) -> Answer {
    versioned(text, schema, None)
}

fn versioned(text: &str, schema: &str, version: Option<&str>) -> Answer {
    let vocabulary = Vocabulary::embedded().unwrap();
    let targets = Targets::embedded();
    let schema = targets.schema(Target::Eql, Some(schema)).unwrap();
    let query = crate::syntax::parse(text).unwrap();
    let plan = crate::resolve::resolve(&query, text, &vocabulary).plan.unwrap();
    let frame = Frame {
        plan: &plan,
        vocabulary: &vocabulary,
        facts: targets.facts(Target::Eql).unwrap(),
        spellings: targets.spellings(Target::Eql).unwrap(),
        schema: &schema,
        version: version.map(|version| version.parse().unwrap()),
        style: Style::Exact,
        text,
        rule: false,
        about: &About::default(),
    };
    let answer = crate::emit::translate(&frame, Target::Eql, &[]);
    Answer {
        verdict: answer.verdict,
        query: answer.query.unwrap_or_default(),
        range: answer.time_range.map(|range| (range.from, range.to)),
        notes: answer.notes.iter().map(|note| (note.code, note.effect)).collect(),
    }
}

/// The condition of a hunt that is exact.
fn exact(filter: &str) -> String {
    let answer = translated(&format!("DeviceProcessEvents | where {filter}"), "source");
    assert_eq!(answer.verdict, Effect::Exact, "{filter}: {:?}", answer.notes);
    answer.query.strip_prefix("any where ").unwrap().to_owned()
}

fn verdict(text: &str) -> Effect {
    translated(text, "source").verdict
}

#[test]
fn the_seed_hunt_selects_its_events() {
    let text = "let Time_start = now(-5d);\nlet Time_end = now();\nDeviceFileCertificateInfo\n\
                | where Timestamp between (Time_start..Time_end)\n| where Signer has 'Kaseya'\n\
                | summarize FirstSeen=min(Timestamp), Count=count() by DeviceId, DeviceName";
    let answer = translated(text, "source");
    assert_eq!(answer.verdict, Effect::Reshaped);
    assert_eq!(answer.query, "any where ?Signer regex~ \"(.*[^0-9A-Za-zÀ-ÖØ-öø-ɏ])?Kaseya([^0-9A-Za-zÀ-ÖØ-öø-ɏ].*)?\"");
    assert_eq!(answer.range, Some((Some("now-5d".into()), Some("now".into()))));
    assert!(answer.notes.contains(&(Code::AggregationDropped, Some(Effect::Reshaped))));
}

#[test]
fn a_missing_text_is_the_empty_text() {
    assert_eq!(exact("FileName == 'a'"), "?FileName == \"a\"");
    assert_eq!(exact("FileName != 'a'"), "?FileName == null or ?FileName != \"a\"");
    assert_eq!(exact("FileName == ''"), "?FileName == null or ?FileName == \"\"");
    assert_eq!(exact("FileName != ''"), "?FileName != null and\n  ?FileName != \"\"");
    assert_eq!(exact("FileName !in ('a', 'b')"), "?FileName == null or ?FileName not in (\"a\", \"b\")");
    assert_eq!(exact("FileName !contains 'a'"), "?FileName == null or not ?FileName : \"*a*\"");
    assert_eq!(exact("isempty(FileName)"), "?FileName == null or ?FileName == \"\"");
    assert_eq!(exact("FileName contains ''"), "true");
    assert_eq!(exact("FileName matches regex 'a*$'"), "?FileName == null or ?FileName regex \".*\"");
}

#[test]
fn wildcards_of_a_needle_are_no_wildcards() {
    assert_eq!(exact("FileName =~ 'a.exe'"), "?FileName : \"a.exe\"");
    assert_eq!(exact("FileName =~ 'a*'"), "?FileName regex~ \"\"\"a\\*\"\"\"");
    assert_eq!(exact("FileName in~ ('a', 'b?')"), "?FileName : \"a\" or ?FileName regex~ \"\"\"b\\?\"\"\"");
    assert_eq!(exact("FileName startswith_cs 'a'"), "?FileName like \"a*\"");
}

#[test]
fn typed_nulls_are_neither_greater_nor_less() {
    assert_eq!(exact("ProcessId != 5"), "?ProcessId == null or ?ProcessId != 5");
    assert_eq!(exact("not(ProcessId > 5)"), "?ProcessId <= 5");
    assert_eq!(exact("5 < ProcessId"), "?ProcessId > 5");
    assert_eq!(exact("strlen(FileName) < 3"), "?FileName == null or length(?FileName) < 3");
}

#[test]
fn computed_columns_are_put_into_their_conditions() {
    let answer = translated(
        "DeviceProcessEvents | extend X = tolower(FileName), Y = iff(ProcessId > 5, 'a', 'b') \
         | project-rename Z = X | where Z == 'cmd.exe' and Y == 'b'",
        "source",
    );
    assert_eq!(answer.query, "any where ?FileName : \"cmd.exe\" and\n  (?ProcessId == null or ?ProcessId <= 5)");
    assert_eq!(answer.verdict, Effect::Reshaped);
    let never = translated("DeviceProcessEvents | where tolower(FileName) == 'Cmd'", "source");
    assert_eq!(never.query, "any where false");
}

#[test]
fn a_filter_on_a_lost_column_is_not_put_on_a_raw_field() {
    let answer = translated(
        "DeviceProcessEvents | where FileName == 'a' | summarize FileName = dcount(ProcessId) by DeviceName \
         | where FileName > 5 and DeviceName has 'srv'",
        "source",
    );
    assert_eq!(answer.verdict, Effect::Broader);
    assert!(answer.notes.contains(&(Code::ThresholdDropped, Some(Effect::Broader))));
    assert_eq!(answer.query.matches("FileName").count(), 1);
    assert!(answer.query.contains("DeviceName regex~"));
}

#[test]
fn what_can_not_be_said_is_left_out_only_beside_something_else() {
    assert_eq!(verdict("DeviceProcessEvents | where FileName == AccountName"), Effect::Refused);
    assert_eq!(verdict("DeviceProcessEvents | where FileName == AccountName and ProcessId > 5"), Effect::Broader);
    assert_eq!(verdict("DeviceProcessEvents | where FileName == AccountName or ProcessId > 5"), Effect::Refused);
    let groups = "DeviceInfo | summarize n = dcount(DeviceName) by DeviceId | where n > 3";
    assert_eq!(verdict(&format!("DeviceProcessEvents | join kind=inner ({groups}) on DeviceId")), Effect::Refused);
    let anti = "DeviceProcessEvents | where ProcessId > 5 | join kind=leftanti (DeviceInfo) on DeviceId";
    assert_eq!(verdict(anti), Effect::Broader);
    assert_eq!(verdict("DeviceProcessEvents | join kind=leftanti (DeviceInfo) on DeviceId"), Effect::Refused);
}

#[test]
fn limits_are_pipes_only_where_they_count_the_same_events() {
    let query = |text: &str| translated(text, "source").query;
    assert!(query("DeviceProcessEvents | where ProcessId > 5 | take 7").ends_with("| head 7"));
    assert!(query("DeviceProcessEvents | where ProcessId > 5 | top 7 by Timestamp").ends_with("| tail 7"));
    assert!(query("DeviceProcessEvents | sort by Timestamp desc | take 7").ends_with("| tail 7"));
    assert!(!query("DeviceProcessEvents | take 7 | where ProcessId > 5").contains('|'));
    assert!(!query("DeviceProcessEvents | where ProcessId > 5 | top 7 by FileName").contains('|'));
    // Behind a condition that is left out the first rows may be the wrong ones.
    assert!(!query("DeviceProcessEvents | where ProcessId > 5 and FileName == AccountName | take 7").contains('|'));
    assert_eq!(query("DeviceProcessEvents | take 0"), "any where false");
}

#[test]
fn a_union_says_when_conditions_reach_other_tables() {
    let same = "union DeviceProcessEvents, DeviceFileEvents | where FileName == 'a'";
    assert_eq!(verdict(same), Effect::Exact);
    let apart = "union (DeviceProcessEvents | where FileName == 'a'), (DeviceFileEvents | where FileName == 'b')";
    let answer = translated(apart, "source");
    assert_eq!(answer.verdict, Effect::Broader);
    assert!(answer.notes.contains(&(Code::SelectorMissing, Some(Effect::Broader))));
    let mapped = translated(apart, "ecs");
    assert!(mapped.query.contains("AdvancedHunting-DeviceFileEvents"), "{}", mapped.query);
}

#[test]
fn networks_are_compared_as_addresses() {
    assert_eq!(
        translated("DeviceNetworkEvents | where not(ipv4_is_private(RemoteIP))", "source").query,
        "any where cidrMatch(?RemoteIP, \"0.0.0.0/0\") and\n  \
         not cidrMatch(?RemoteIP, \"10.0.0.0/8\", \"172.16.0.0/12\", \"192.168.0.0/16\")"
    );
}

#[test]
fn an_absolute_window_is_a_range() {
    let answer = translated("DeviceProcessEvents | where Timestamp > datetime(2024-01-02) or ProcessId > 5", "source");
    assert_eq!(answer.query, "any where `@timestamp` > \"2024-01-02T00:00:00.000Z\" or ?ProcessId > 5");
    assert_eq!(verdict("DeviceProcessEvents | where Timestamp > ago(1d) or ProcessId > 5"), Effect::Refused);
}

#[test]
fn a_chain_of_columns_ends() {
    let mut text = "DeviceProcessEvents".to_owned();
    for index in 0..600 {
        let before = if index == 0 { "FileName".to_owned() } else { format!("C{}", index - 1) };
        text += &format!("\n| extend C{index} = strcat({before}, {before})");
    }
    text += "\n| where C599 == 'a' and ProcessId > 5";
    assert_ne!(verdict(&text), Effect::Exact);
}

#[test]
fn long_lists_are_written_once() {
    let list: Vec<String> = (0..10_000).map(|index| format!("'v{index}'")).collect();
    let answer = translated(&format!("DeviceProcessEvents | where FileName in~ ({})", list.join(", ")), "source");
    assert_eq!(answer.verdict, Effect::Exact);
    assert_eq!(answer.query.matches("v9999").count(), 1);
}

/// Two sets of logons and a condition on their times.
fn joined(kind: &str, condition: &str) -> Answer {
    let text = format!(
        "SecurityEvent | where EventID == 4625 | project T1 = TimeGenerated, Account\n\
         | join kind={kind} (SecurityEvent | where EventID == 4624 | project T2 = TimeGenerated, Account) on Account\n\
         | where {condition}"
    );
    translated(&text, "source")
}

#[test]
fn an_order_of_times_is_a_sequence() {
    let first = "\n  [ any where ?EventID == 4625 ]";
    let second = "\n  [ any where ?EventID == 4624 ]";
    for (condition, head, order) in [
        ("T2 between (T1 .. (T1 + 5m))", "with maxspan=5m", [first, second]),
        ("T2 > T1 and T2 < T1 + 90s", "with maxspan=90s", [first, second]),
        ("T2 - T1 between (0min .. 1h)", "with maxspan=1h", [first, second]),
        ("T1 < T2 and T2 - T1 <= 1d", "with maxspan=1d", [first, second]),
        ("T1 between (T2 .. (T2 + 250ms))", "with maxspan=250ms", [second, first]),
        ("T2 >= T1 and (T2 - T1) / 1m <= 7", "with maxspan=7m", [first, second]),
        ("T2 >= T1 and datetime_add('minute', -3, T2) <= T1", "with maxspan=3m", [first, second]),
    ] {
        let answer = joined("inner", condition);
        assert_eq!(answer.query, format!("sequence by ?Account {head}{}{}", order[0], order[1]), "{condition}");
        assert_eq!(answer.verdict, Effect::Narrower, "{condition}: {:?}", answer.notes);
    }
    let answer = joined("inner", "T2 > T1");
    assert!(answer.query.starts_with("sequence by ?Account\n"), "{}", answer.query);
    // KQL keeps an arbitrary left event of each key, and `datetime_diff` counts borders of minutes.
    assert_eq!(joined("innerunique", "T2 between (T1 .. (T1 + 5m))").verdict, Effect::Unsure);
    assert_eq!(joined("inner", "T2 >= T1 and datetime_diff('minute', T2, T1) < 5").verdict, Effect::Unsure);
    assert_eq!(joined("inner", "T2 between ((T1 + 1m) .. (T1 + 5m))").verdict, Effect::Unsure);
}

#[test]
fn no_order_of_times_is_a_sample() {
    for condition in
        ["true", "T2 between ((T1 - 5m) .. (T1 + 5m))", "T2 != T1", "abs(datetime_diff('hour', T1, T2)) < 2"]
    {
        let answer = joined("inner", condition);
        assert!(answer.query.starts_with("sample by ?Account\n"), "{condition}: {}", answer.query);
        let expected = if condition == "true" { Effect::Narrower } else { Effect::Unsure };
        assert_eq!(answer.verdict, expected, "{condition}");
    }
    let unkeyed = "SecurityEvent | extend k = 1 | join kind=inner (SecurityEvent | extend k = 1) on k";
    assert_eq!(verdict(unkeyed), Effect::Refused);
}

#[test]
fn conditions_behind_a_join_go_to_their_side() {
    let answer = joined("inner", "T2 between (T1 .. (T1 + 5m)) and Account1 != 'x' and Account != 'y'");
    assert!(
        answer.query.contains("?EventID == 4625 and\n    (?Account == null or ?Account != \"y\") ]"),
        "{}",
        answer.query
    );
    assert!(
        answer.query.contains("?EventID == 4624 and\n    (?Account == null or ?Account != \"x\") ]"),
        "{}",
        answer.query
    );
    let answer = joined("inner", "T2 between (T1 .. (T1 + 5m)) and Account1 != Account");
    assert_eq!(answer.verdict, Effect::Unsure);
    // A name that both sides give to their own time is not mistaken.
    let text = "SecurityEvent | extend T = TimeGenerated | join kind=inner (SecurityEvent | extend T = TimeGenerated) on Account | where T1 between (T .. (T + 1m))";
    assert!(translated(text, "source").query.starts_with("sequence by ?Account with maxspan=1m"));
}

#[test]
fn thresholds_on_counts_are_runs() {
    let query = |threshold: &str| {
        let head = "SecurityEvent | where EventID == 4625 | summarize n = count() by Account";
        translated(&format!("{head} | where {threshold}"), "source")
    };
    for (threshold, runs) in [("n >= 5", 5), ("n > 5", 6), ("4 < n", 5), ("n >= 100", 100)] {
        let answer = query(threshold);
        let wanted = format!("sequence by ?Account\n  [ any where ?EventID == 4625 ] with runs={runs}");
        assert_eq!((answer.query, answer.verdict), (wanted, Effect::Reshaped), "{threshold}");
    }
    for threshold in ["n >= 101", "n >= 1", "n == 5", "n < 5", "n != 5"] {
        assert_eq!(query(threshold).query, "any where ?EventID == 4625", "{threshold}");
    }
    let windows = "SecurityEvent | summarize count() by Account, bin(TimeGenerated, 10m) | where count_ > 2";
    assert_eq!(verdict(windows), Effect::Broader);
}

#[test]
fn a_version_that_lacks_a_construct_is_named() {
    let refused = |text: &str, version: &str| versioned(text, "source", Some(version)).verdict == Effect::Refused;
    let sample = "SecurityEvent | join kind=inner (SecurityEvent | where EventID == 1) on Account";
    assert!(refused(sample, "8.5") && !refused(sample, "8.6"));
    let filter = "SecurityEvent | where EventID == 1";
    assert!(refused(filter, "7.15") && !refused(filter, "7.16"));
}

#[test]
fn values_that_choose_from_values_stay_small() {
    // What is there is asked of the values of a `coalesce`, not of which one it is.
    let within = (0..15).fold("FileName".to_owned(), |text, _| format!("coalesce({text}, DeviceName)"));
    let answer = translated(&format!("DeviceProcessEvents | where {within} == 'x'"), "source");
    assert!((1..10_000).contains(&answer.query.len()));
    // Which of two it is doubles with each level; the whole is bounded.
    let steps: String =
        (0..12).map(|at| format!("| extend a{} = iff(isempty(a{at}), DeviceName, a{at}) ", at + 1)).collect();
    let answer = translated(&format!("DeviceProcessEvents | extend a0 = FileName {steps}| where a12 == 'x'"), "source");
    assert!(answer.notes.iter().any(|(code, _)| *code == Code::TooLong));
}
