//! Hunts through the fitter and the printer.

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
        version: None,
        style: Style::Exact,
        text,
        name: None,
        id: None,
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
    assert_eq!(verdict("DeviceProcessEvents | join kind=inner (DeviceInfo) on DeviceId"), Effect::Refused);
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
    assert_eq!(answer.query, "any where @timestamp > \"2024-01-02T00:00:00.000Z\" or ?ProcessId > 5");
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
