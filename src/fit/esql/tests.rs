//! What hunts become, from their text to the query: missing values, types, versions, and literals that try to leave their
//! quotes.

use crate::diagnostic::Effect;
use crate::{About, Gate, Options, Target};

/// The verdict of a hunt and what its query says behind the source.
fn said(text: &str, schema: &str, version: &str) -> (Effect, String) {
    let gate = Gate::new().unwrap();
    let version = (!version.is_empty()).then(|| version.parse().unwrap());
    let options = Options { schema: Some(schema.to_owned()), version, ..Options::new(Target::Esql) };
    let translation = gate.translate(text, &About::default(), &gate.resolve(text), &options);
    let query = translation.query.unwrap_or_default();
    (translation.verdict, query.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default())
}

/// The condition of a hunt that must be exact.
fn exact(condition: &str) -> String {
    let (verdict, query) = said(&format!("DeviceProcessEvents | where {condition}"), "source", "");
    assert_eq!(verdict, Effect::Exact, "{condition}\n{query}");
    query.strip_prefix("| WHERE ").unwrap_or(&query).to_owned()
}

#[test]
fn a_missing_text_is_the_empty_one() {
    assert_eq!(exact("FileName == 'a'"), r#"FileName == "a""#);
    assert_eq!(exact("FileName != 'a'"), r#"FileName IS NULL OR FileName != "a""#);
    assert_eq!(exact("FileName == ''"), r#"FileName IS NULL OR FileName == """#);
    assert_eq!(exact("FileName != ''"), r#"FileName != """#);
    assert_eq!(exact("isempty(FileName)"), r#"FileName IS NULL OR FileName == """#);
    assert_eq!(exact("FileName !contains 'a'"), r#"FileName IS NULL OR TO_LOWER(FileName) NOT LIKE "*a*""#);
    assert_eq!(exact("FileName contains ''"), "");
    assert_eq!(exact("FileName == AccountName"), r#"COALESCE(FileName, "") == COALESCE(AccountName, "")"#);
    assert_eq!(exact("FileName matches regex '^a*$'"), r#"FileName IS NULL OR FileName RLIKE "a*""#);
}

#[test]
fn a_missing_number_is_unequal_to_every_number_and_in_no_order() {
    assert_eq!(exact("ProcessId == 4"), "ProcessId == 4");
    assert_eq!(exact("ProcessId != 4"), "ProcessId IS NULL OR ProcessId != 4");
    assert_eq!(exact("not(ProcessId > 4)"), "ProcessId <= 4");
    assert_eq!(exact("ProcessId !in (4, 8)"), "ProcessId IS NULL OR ProcessId NOT IN (4, 8)");
}

#[test]
fn texts_are_folded_where_case_does_not_count() {
    assert_eq!(exact("FileName =~ 'CMD.exe'"), r#"TO_LOWER(FileName) == "cmd.exe""#);
    assert_eq!(exact("tolower(FileName) == 'cmd.exe'"), r#"TO_LOWER(FileName) == "cmd.exe""#);
    assert_eq!(
        exact("FileName endswith '.Exe' or FileName endswith '.dll'"),
        r#"TO_LOWER(FileName) LIKE ("*.exe", "*.dll")"#
    );
    assert_eq!(exact("FileName matches regex '(?i)Ab+'"), r#"TO_LOWER(FileName) RLIKE ".*ab+.*""#);
}

#[test]
fn an_older_version_gets_the_longer_form() {
    let hunt = "DeviceProcessEvents | where FileName endswith_cs 'a' or FileName endswith_cs 'b'";
    assert_eq!(said(hunt, "source", "9.5").1, r#"| WHERE FileName LIKE ("*a", "*b")"#);
    assert_eq!(said(hunt, "source", "8.15").1, r#"| WHERE FileName LIKE "*a" OR FileName LIKE "*b""#);
    let hunt = "DeviceProcessEvents | summarize n = countif(ProcessId > 4)";
    assert_eq!(said(hunt, "source", "9.5").1, "| STATS n = COUNT(*) WHERE ProcessId > 4");
    assert_eq!(said(hunt, "source", "8.15").1, "| STATS n = COUNT(CASE(ProcessId > 4, 1))");
}

#[test]
fn a_literal_stays_in_its_quotes() {
    assert_eq!(exact(r#"FileName == "a\" | DROP *""#), r#"FileName == "a\" | DROP *""#);
    assert_eq!(exact(r#"FileName == "a\\""#), r#"FileName == "a\\""#);
    assert_eq!(exact(r#"FileName == "a\nb\tc""#), r#"FileName == "a\nb\tc""#);
    assert_eq!(exact(r#"FileName contains_cs "*?\\""#), r#"FileName LIKE """*\*\?\\*""""#);
    // Three quotes would end a raw text.
    assert_eq!(exact(r#"FileName contains_cs "\\\"\"\"x""#), r#"FileName LIKE "*\\\\\"\"\"x*""#);
    assert_eq!(
        exact("FileName has_cs 'a|b'"),
        concat!(r#"FileName RLIKE """(.*[^0-9A-Za-zÀ-ÖØ-öø-ɏ])?a\|b"#, r#"([^0-9A-Za-zÀ-ÖØ-öø-ɏ].*)?""""#)
    );
}

#[test]
fn a_name_stays_in_its_quotes() {
    let (_, query) = said("T_CL | project ['a` | DROP b'] = FileName, ['by'] = C", "source", "");
    assert_eq!(query, "| RENAME FileName AS `a`` | DROP b`, C AS `by`\n| KEEP `a`` | DROP b`, `by`");
    let gate = Gate::new().unwrap();
    let hunt = "['a, b'] | where x == 1";
    let translation = gate.translate(hunt, &About::default(), &gate.resolve(hunt), &Options::new(Target::Esql));
    assert_eq!(translation.verdict, Effect::Refused, "a comma separates indices");
}

#[test]
fn the_ingest_changes_a_literal_with_its_field() {
    let (_, query) =
        said("DeviceLogonEvents | where DeviceName == 'SRV01' and ActionType == 'LogonSuccess'", "ecs", "");
    assert!(query.contains(r#"host.name == "srv01""#), "{query}");
    let (_, query) = said("SecurityEvent | where EventID == 4688", "ecs", "");
    assert!(query.contains(r#"event.code == "4688""#), "{query}");
}
