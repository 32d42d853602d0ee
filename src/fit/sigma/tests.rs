//! Hunts through the whole of the fitter: what the rule says, and what the notes say of it.

use serde_yaml_ng::Value as Yaml;

use crate::about::About;
use crate::diagnostic::{Code, Effect};
use crate::fit::{Fitted, Frame, Ledger, Style, TimeRange};
use crate::target::{Target, Targets};
use crate::vocabulary::Vocabulary;
use crate::{emit, resolve, syntax};

use super::{fit, tree};

struct Said {
    verdict: Effect,
    notes: Vec<(Code, Option<Effect>)>,
    range: Option<TimeRange>,
    documents: Vec<Yaml>,
    names_used: bool,
}

impl Said {
    fn detection(&self) -> &Yaml {
        &self.documents[0]["detection"]
    }

    fn selection(&self) -> String {
        serde_yaml_ng::to_string(&self.detection()["selection"]).unwrap()
    }

    fn condition(&self) -> &str {
        self.detection()["condition"].as_str().unwrap()
    }

    fn has(&self, code: Code, effect: Effect) -> bool {
        self.notes.contains(&(code, Some(effect)))
    }
}

fn said(hunt: &str, schema: &str, style: Style) -> Said {
    let vocabulary = Vocabulary::embedded().unwrap();
    let targets = Targets::embedded();
    let query = syntax::parse(hunt).unwrap_or_else(|errors| panic!("{errors:?}"));
    let plan = resolve::resolve(&query, hunt, &vocabulary).plan.unwrap();
    let schema = targets.schema(Target::Sigma, Some(schema)).unwrap();
    let frame = Frame {
        plan: &plan,
        vocabulary: &vocabulary,
        facts: targets.facts(Target::Sigma).unwrap(),
        spellings: targets.spellings(Target::Sigma).unwrap(),
        schema: &schema,
        version: None,
        style,
        text: hunt,
        rule: false,
        about: &About::default(),
    };
    let mut ledger = Ledger::new(&plan);
    let fitted = fit(&frame, &mut ledger);
    let closed = ledger.close(&plan);
    let verdict = closed.verdict();
    let notes: Vec<_> = closed.into_parts().0.iter().map(|note| (note.code, note.effect)).collect();
    assert!(!notes.iter().any(|(code, _)| *code == Code::OpenLedger), "{hunt}");
    let mut names_used = true;
    let (documents, range) = match fitted {
        Ok(Fitted { tree: rules, time_range: range, .. }) => {
            for document in &rules.documents {
                if let tree::Document::Rule(rule) = document {
                    names_used &= rule.used().len() == rule.selections.len();
                }
            }
            let text = emit::sigma::print(&rules);
            let documents = serde_yaml_ng::Deserializer::from_str(&text);
            (documents.map(|it| serde::Deserialize::deserialize(it).unwrap()).collect(), range)
        }
        Err(_) => (Vec::new(), None),
    };
    assert_eq!(documents.is_empty(), verdict == Effect::Refused, "{hunt}");
    Said { verdict, notes, range, documents, names_used }
}

fn source(hunt: &str) -> Said {
    said(hunt, "source", Style::Exact)
}

#[test]
fn a_seed_like_hunt_keeps_its_condition_and_names_the_rest() {
    let said = source(
        "DeviceProcessEvents\n| where Timestamp > ago(5d)\n| where ProcessCommandLine has \"Kaseya\"\n\
         | summarize n = count(), make_set(ProcessCommandLine), min(Timestamp), max(Timestamp) by DeviceName, AccountName",
    );
    assert_eq!(said.verdict, Effect::Reshaped);
    assert!(said.has(Code::TimeInRange, Effect::Exact) && said.has(Code::AggregationDropped, Effect::Reshaped));
    assert_eq!(said.range.as_ref().and_then(|range| range.from.as_deref()), Some("now-5d"));
    let term = said.detection()["selection"]["ProcessCommandLine|re|i"].as_str();
    assert_eq!(term, Some("(^|[^0-9A-Za-zÀ-ÖØ-öø-ɏ])Kaseya([^0-9A-Za-zÀ-ÖØ-öø-ɏ]|$)"));
    assert_eq!(said.condition(), "selection");
    let rule = &said.documents[0];
    assert_eq!(rule["fields"][1].as_str(), Some("AccountName"));
    assert!(rule["description"].as_str().unwrap().contains("summarize n = count()"));
    assert_eq!(rule["logsource"]["category"].as_str(), Some("DeviceProcessEvents"));
}

#[test]
fn text_operators_have_their_modifiers() {
    for (condition, key, value) in [
        ("FileName =~ 'a*b'", "FileName", "a\\*b"),
        ("FileName == 'aB'", "FileName|cased", "aB"),
        ("FileName == '12'", "FileName", "12"),
        ("FileName contains 'x?'", "FileName|contains", "x\\?"),
        ("FileName startswith_cs 'x'", "FileName|startswith|cased", "x"),
        ("FileName endswith @'\\x.exe'", "FileName|endswith", "\\x.exe"),
        ("FileName has_cs 'x_y'", "FileName|re", "(^|[^0-9A-Za-zÀ-ÖØ-öø-ɏ])x_y([^0-9A-Za-zÀ-ÖØ-öø-ɏ]|$)"),
        ("FileName hasprefix 'x.'", "FileName|re|i", "(^|[^0-9A-Za-zÀ-ÖØ-öø-ɏ])x\\."),
        ("FileName has '-x'", "FileName|re|i", "-x([^0-9A-Za-zÀ-ÖØ-öø-ɏ]|$)"),
        ("tolower(FileName) == 'abc'", "FileName", "abc"),
        ("FileName matches regex @'(?i)a\\.b'", "FileName|re|i", "a\\.b"),
    ] {
        let said = source(&format!("DeviceProcessEvents | where {condition}"));
        assert_eq!(said.detection()["selection"][key].as_str(), Some(value), "{condition}: {}", said.selection());
    }
}

#[test]
fn an_exact_hunt_is_exact() {
    for condition in [
        "FileName == 'a' or FolderPath contains 'b'",
        "FileName !in~ ('a', 'b') and ProcessId > 5 and ProcessId != 7",
        "isempty(FileName)",
        "isnotempty(FileName) and FileName != ''",
        "not(FileName has 'x' and FolderPath startswith 'y')",
        "ipv4_is_private(InitiatingProcessFileName) or FileName has_any ('a', 'b')",
    ] {
        let said = source(&format!("DeviceProcessEvents | where {condition}"));
        assert_eq!(said.verdict, Effect::Exact, "{condition}: {:?}", said.notes);
        assert!(said.names_used, "{condition}");
    }
}

#[test]
fn computed_columns_are_put_where_they_are_used() {
    let said = source("DeviceProcessEvents | extend x = tolower(FileName), y = 1 | where x == 'abc' | project x");
    assert_eq!(said.detection()["selection"]["FileName"].as_str(), Some("abc"));
    assert_eq!(said.documents[0]["fields"], Yaml::Null);
    // A filter on a column of the same name as a field, whose computation can not be said, is not said of the field.
    let said = source(
        "DeviceProcessEvents | where FolderPath has 'z' | extend FileName = strcat(FileName, 'x') | where FileName == 'a'",
    );
    assert!(said.has(Code::ConditionDropped, Effect::Broader));
    assert!(!said.selection().contains("FileName"));
}

#[test]
fn conditions_on_aggregates_go_and_those_on_keys_stay() {
    let said = source(
        "SigninLogs | where AppDisplayName == 'x' | summarize n = count() by Who = UserPrincipalName | where n > 5 and Who != 'a'",
    );
    assert!(said.has(Code::CountedByCorrelation, Effect::Reshaped));
    assert_eq!(said.detection()["filter_main_user_principal_name"]["UserPrincipalName|cased"].as_str(), Some("a"));
    let said = source(
        "SigninLogs | where AppDisplayName == 'x' | summarize n = max(TimeGenerated), m = avg(RiskScore) by UserPrincipalName \
         | where m > 5.5 and UserPrincipalName != 'a'",
    );
    assert!(said.has(Code::ThresholdDropped, Effect::Broader));
    assert_eq!(said.detection()["filter_main_user_principal_name"]["UserPrincipalName|cased"].as_str(), Some("a"));
    // Of the one event that stands for a group: every event is asked.
    let said = source(
        "SigninLogs | where AppDisplayName == 'x' | summarize arg_max(TimeGenerated, *) by UserPrincipalName | where ResultType == '0'",
    );
    assert!(said.has(Code::OneOfGroup, Effect::Unsure));
    assert_eq!(said.detection()["selection"]["ResultType"].as_str(), Some("0"));
    // But not where the events of the group are counted.
    let said = source(
        "SigninLogs | where AppDisplayName == 'x' | summarize n = count(), arg_max(TimeGenerated, ResultType) by IPAddress \
         | where n > 5 and ResultType == '0'",
    );
    assert!(said.has(Code::ThresholdDropped, Effect::Broader));
    assert_eq!(said.documents[1]["correlation"]["condition"]["gt"].as_i64(), Some(5));
    assert!(said.detection()["selection"]["ResultType"].is_null());
}

#[test]
fn what_can_not_be_said_is_refused() {
    for (hunt, code) in [
        ("DeviceProcessEvents | take 5", Code::NoCondition),
        ("DeviceProcessEvents | join kind=leftanti (DeviceInfo) on DeviceId", Code::NoCondition),
        ("DeviceProcessEvents | summarize n = count() | where n == 0", Code::NeverMatches),
        ("DeviceProcessEvents | where false", Code::NeverMatches),
        ("print x = 1", Code::RefusedSource),
        ("DeviceProcessEvents | where FileName == 'a' or strcat(FileName, 'x') == 'b'", Code::RefusedFunction),
        ("DeviceProcessEvents | where FileName matches regex @'\\p{L}'", Code::RefusedRegex),
        ("T | where ['a|b'] == 'x'", Code::RefusedPredicate),
    ] {
        let said = source(hunt);
        assert_eq!(said.verdict, Effect::Refused, "{hunt}");
        assert!(said.has(code, Effect::Refused), "{hunt}: {:?}", said.notes);
    }
}

#[test]
fn a_part_is_left_out_only_where_something_telling_remains() {
    let hunt = |condition: &str| {
        format!(
            "SigninLogs | where AppDisplayName {condition} 'a' | summarize n = max(RiskScore) by IPAddress | where n > 5"
        )
    };
    assert!(source(&hunt("!=")).has(Code::RefusedPredicate, Effect::Refused));
    assert_eq!(source(&hunt("==")).verdict, Effect::Broader);
}

#[test]
fn joins_that_only_remove_rows_are_left_out() {
    let said = source("DeviceProcessEvents | where FileName == 'a' | join kind=leftanti (DeviceInfo) on DeviceId");
    assert_eq!(said.verdict, Effect::Broader);
    assert!(said.has(Code::JoinDropped, Effect::Broader));
}

#[test]
fn a_missing_text_matches_what_the_empty_text_matches() {
    let said = source("DeviceProcessEvents | where FileName matches regex 'a*'");
    assert!(said.selection().contains("null"));
    let said = source("DeviceProcessEvents | where FileName in ('', 'a')");
    assert!(said.selection().contains("null") && said.selection().contains("''"));
}

#[test]
fn a_union_is_a_rule_for_each_table() {
    let said = source("union DeviceFileEvents, DeviceProcessEvents | where FileName == 'a'");
    assert_eq!((said.documents.len(), said.verdict), (2, Effect::Exact));
    assert_ne!(said.documents[0]["id"], said.documents[1]["id"]);
}

#[test]
fn native_style_widens_only_where_it_selects_more() {
    let hunt = "DeviceProcessEvents | where ProcessCommandLine has 'enc' and FileName !has 'x'";
    let said = said(hunt, "source", Style::Native);
    assert_eq!(said.verdict, Effect::Broader);
    assert!(said.has(Code::NativeStyle, Effect::Broader));
    assert_eq!(said.detection()["selection"]["ProcessCommandLine|contains"].as_str(), Some("enc"));
    assert!(said.detection()["filter_main_file_name"]["FileName|re|i"].is_string());
}

#[test]
fn native_style_has_no_case_and_numbers_as_sigmahq_writes_them() {
    let hunt =
        "SigninLogs | where ResultType in ('50126', '50053') and AppDisplayName == 'Portal' and UserType != 'Guest'";
    let said = said(hunt, "source", Style::Native);
    assert_eq!(said.verdict, Effect::Broader);
    assert_eq!(said.detection()["selection"]["ResultType"][0].as_i64(), Some(50126));
    assert_eq!(said.detection()["selection"]["AppDisplayName"].as_str(), Some("Portal"));
    // What must not hold stays exact: without case more would be left out.
    assert_eq!(said.detection()["filter_main_user_type"]["UserType|cased"].as_str(), Some("Guest"));
    assert_eq!(source(hunt).detection()["selection"]["ResultType"][0].as_str(), Some("50126"));
}

#[test]
fn the_taxonomy_has_paths_for_names_and_log_sources_for_actions() {
    let taxonomy = |hunt: &str| said(hunt, "taxonomy", Style::Exact);
    let said = taxonomy("DeviceProcessEvents | where FileName =~ 'x.exe'");
    assert_eq!(said.detection()["selection"]["Image|endswith"].as_str(), Some("\\x.exe"));
    assert_eq!(said.documents[0]["logsource"]["category"].as_str(), Some("process_creation"));
    let said = taxonomy("DeviceFileEvents | where ActionType == 'FileDeleted' and FileName contains 'a'");
    assert_eq!(said.documents[0]["logsource"]["category"].as_str(), Some("file_delete"));
    assert_eq!(said.detection()["selection"]["TargetFilename|re|i"].as_str(), Some("a[^\\\\]*$"));
    let said = taxonomy("DeviceFileEvents | where FileName contains 'a'");
    assert!(said.has(Code::SourceNarrower, Effect::Narrower));
    let said = taxonomy("DeviceFileCertificateInfo | where Signer has 'x'");
    assert_eq!(said.documents[0]["logsource"]["category"].as_str(), Some("DeviceFileCertificateInfo"));
    assert!(said.has(Code::UnmappedTable, Effect::Exact));
    let said = taxonomy("DeviceFileCertificateInfo | where Signer has 'x'");
    assert_eq!(said.documents[0]["logsource"]["category"].as_str(), Some("DeviceFileCertificateInfo"));
    assert!(said.has(Code::UnmappedTable, Effect::Exact));
    let said = taxonomy("SecurityEvent | where EventID == 4688 and NewProcessName has 'cmd'");
    assert_eq!(said.documents[0]["logsource"]["category"].as_str(), Some("process_creation"));
    assert!(said.selection().contains("Image|re|i") && !said.selection().contains("EventID"));
}

#[test]
fn long_lists_and_hostile_literals_stay_whole() {
    let list: Vec<String> = (0..10_000).map(|number| format!("'v{number}'")).collect();
    let said = source(&format!("DeviceProcessEvents | where FileName in~ ({})", list.join(", ")));
    assert_eq!(said.detection()["selection"]["FileName"].as_sequence().map(Vec::len), Some(10_000));
    let hostile = "a'b\\\"c: # - |\\n\\0\\u2028*?%$(x)`[{";
    let said = source(&format!("DeviceProcessEvents | where FileName =~ \"{hostile}\""));
    let value = said.detection()["selection"]["FileName"].as_str().unwrap();
    assert_eq!(value, "a'b\"c: # - |\n\0\u{2028}\\*\\?%$(x)`[{");
    let said = source("T | where ['x: #\\'y'] == 'q'");
    assert_eq!(said.detection()["selection"]["x: #'y"].as_str(), None);
    assert!(said.detection()["selection"]["x: #'y|cased"].is_string());
}
