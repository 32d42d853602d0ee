//! Rule files of others, where they are at hand: every YAML rule's words arrive whole, field by field, as another reader of YAML
//! has them; names and techniques of Markdown pages are found; nothing is lost in silence. Prints what it counted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use huntgate::about::{AlertSeverity, TriggerOperator};
use huntgate::intake::{gather, read_input};
use serde_yaml_ng::Value;

fn raw() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("HUNTGATE_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    Some(shared.join("corpus/raw")).filter(|folder| folder.is_dir())
}

/// The value of a key, whatever its case.
fn get<'v>(rule: &'v Value, key: &str) -> Option<&'v Value> {
    let found =
        rule.as_mapping()?.iter().find(|(name, _)| name.as_str().is_some_and(|it| it.eq_ignore_ascii_case(key)));
    found.map(|(_, value)| value).filter(|value| !value.is_null())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(it) => it.to_string(),
        _ => String::new(),
    }
}

/// The elements of a list, or of a list in one text.
fn texts(value: Option<&Value>) -> Vec<String> {
    let all: Vec<String> = match value {
        Some(Value::Sequence(list)) => list.iter().map(text).collect(),
        Some(one) => vec![text(one)],
        None => Vec::new(),
    };
    let mut out: Vec<String> = Vec::new();
    for one in all.iter().flat_map(|it| it.split([',', ';', '\n'])).map(str::trim).filter(|it| !it.is_empty()) {
        if !out.iter().any(|known| known == one) {
            out.push(one.to_owned());
        }
    }
    out
}

/// The words of a text, without the quotes around it.
fn words(text: &str) -> String {
    let text = text.trim();
    let bare = text.trim_matches(['\'', '"']);
    bare.split_whitespace().collect::<Vec<_>>().join(" ").trim_matches(['\'', '"']).to_owned()
}

fn ticks(text: &str) -> Option<i64> {
    let upper = text.trim().to_ascii_uppercase();
    let bare = upper.trim_start_matches("PT").trim_start_matches('P');
    let (number, unit) = bare.split_at(bare.len().checked_sub(1)?);
    let seconds = match unit {
        "M" => 60,
        "H" => 3_600,
        "D" => 86_400,
        _ => return None,
    };
    Some(number.parse::<i64>().ok()? * seconds * 10_000_000)
}

#[test]
fn words_of_rules_arrive_whole() {
    let Some(raw) = raw() else {
        eprintln!("skipped: no corpus of rule files at hand (HUNTGATE_SHARED)");
        return;
    };
    let inputs = gather(&[raw], None);
    let (mut rules, mut fields, mut differences) = (0usize, 0usize, Vec::new());
    let (mut pages, mut named, mut techniques) = (0usize, 0usize, 0usize);
    let mut unread: BTreeMap<String, usize> = BTreeMap::new();
    let mut files = 0usize;
    for input in &inputs {
        let document = read_input(input);
        files += 1;
        for hunt in &document.hunts {
            for one in &hunt.about.unread {
                *unread.entry(one.key.clone()).or_default() += 1;
            }
        }
        let extension = input.path.extension().map(|it| it.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        if extension == "md" {
            pages += document.hunts.len();
            named += document.hunts.iter().filter(|hunt| hunt.about.name.is_some()).count();
            techniques += document.hunts.iter().filter(|hunt| !hunt.about.techniques.is_empty()).count();
        }
        if !matches!(extension.as_str(), "yaml" | "yml") {
            continue;
        }
        let bare = document.text.trim_start_matches('\u{feff}');
        let Ok(rule) = serde_yaml_ng::from_str::<Value>(bare) else { continue };
        let (Some(_), [hunt]) = (get(&rule, "query"), document.hunts.as_slice()) else { continue };
        rules += 1;
        let about = &hunt.about;
        let mut same = |field: &str, theirs: String, ours: String| {
            if theirs.is_empty() && ours.is_empty() {
                return;
            }
            fields += 1;
            if theirs != ours {
                differences.push(format!("{}: {field}: {theirs:?} is not {ours:?}", input.shown));
            }
        };
        let option = |value: &Option<String>| value.clone().unwrap_or_default();
        let own = |key: &str| get(&rule, key).map(text).unwrap_or_default();
        let name = if own("name").is_empty() { own("DisplayName") } else { own("name") };
        same("name", words(&name), words(&option(&about.name)));
        same("id", own("id").trim().to_owned(), option(&about.id));
        same("description", words(&own("description")), words(&option(&about.description)));
        same("version", own("version"), option(&about.version));
        let severity = about.severity.map(|severity| match severity {
            AlertSeverity::Informational => "informational",
            AlertSeverity::Low => "low",
            AlertSeverity::Medium => "medium",
            AlertSeverity::High => "high",
            AlertSeverity::Critical => "critical",
        });
        same("severity", own("severity").trim().to_ascii_lowercase(), severity.unwrap_or_default().to_owned());
        same("tactics", texts(get(&rule, "tactics")).join(","), about.tactics.join(","));
        let theirs: Vec<String> =
            texts(get(&rule, "relevantTechniques")).iter().map(|it| it.to_ascii_uppercase()).collect();
        let read: Vec<String> = about.techniques.clone();
        let listed = about.unread.iter().any(|one| one.key.eq_ignore_ascii_case("relevantTechniques"));
        if !listed {
            same("relevantTechniques", theirs.join(","), read.join(","));
        }
        for (key, ours) in [("queryFrequency", about.query_frequency), ("queryPeriod", about.query_period)] {
            let theirs = ticks(&own(key)).map(|ticks| ticks.to_string()).unwrap_or_default();
            same(key, theirs, ours.map(|ticks| ticks.to_string()).unwrap_or_default());
        }
        let operator = about.trigger.map(|trigger| match trigger.operator {
            TriggerOperator::GreaterThan => "gt",
            TriggerOperator::LessThan => "lt",
            TriggerOperator::Equal => "eq",
            TriggerOperator::NotEqual => "ne",
        });
        same("triggerOperator", own("triggerOperator"), operator.unwrap_or_default().to_owned());
        let threshold = about.trigger.map(|trigger| trigger.threshold.to_string()).unwrap_or_default();
        same("triggerThreshold", own("triggerThreshold"), threshold);
        let theirs = get(&rule, "requiredDataConnectors").and_then(Value::as_sequence).into_iter().flatten();
        let theirs: Vec<String> = theirs
            .map(|it| {
                format!(
                    "{}:{}",
                    get(it, "connectorId").map(text).unwrap_or_default(),
                    texts(get(it, "dataTypes")).join("+")
                )
            })
            .collect();
        let ours: Vec<String> =
            about.connectors.iter().map(|it| format!("{}:{}", it.id, it.data_types.join("+"))).collect();
        if get(&rule, "DataSources").is_none() {
            same("requiredDataConnectors", theirs.join(","), ours.join(","));
        }
        let theirs = get(&rule, "entityMappings").and_then(Value::as_sequence).into_iter().flatten();
        let theirs: Vec<String> = theirs
            .map(|it| {
                let fields = get(it, "fieldMappings").and_then(Value::as_sequence).into_iter().flatten();
                let fields: Vec<String> = fields
                    .map(|it| {
                        format!(
                            "{}={}",
                            get(it, "identifier").map(text).unwrap_or_default(),
                            get(it, "columnName").map(text).unwrap_or_default()
                        )
                    })
                    .collect();
                format!("{}:{}", get(it, "entityType").map(text).unwrap_or_default(), fields.join("+"))
            })
            .collect();
        let ours: Vec<String> = about
            .entities
            .iter()
            .map(|it| {
                let fields: Vec<String> = it.fields.iter().map(|(one, two)| format!("{one}={two}")).collect();
                format!("{}:{}", it.entity_type, fields.join("+"))
            })
            .collect();
        same("entityMappings", theirs.join(","), ours.join(","));
    }
    eprintln!("{files} files; {rules} rules in YAML, {fields} fields compared, {} differ", differences.len());
    eprintln!("{pages} hunts in Markdown, {named} with a name, {techniques} with techniques");
    eprintln!("not read: {unread:?}");
    assert!(rules > 0 && differences.is_empty(), "{:#?}", differences.iter().take(20).collect::<Vec<_>>());
    assert_eq!(pages, named);
}
