//! Elastic's rule files: both forms of a rule say the same, hold against the schema that is written from `detection-rules`, and
//! give back every text as it was, whatever stands in it.

#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail the test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use huntgate::about::{AlertSeverity, Trigger, TriggerOperator};
use huntgate::intake::{Hunt, Input, read_input};
use huntgate::package::{Packager, Subject};
use huntgate::{Effect, Gate, Options, Package, RuleFile, Target};
use serde_json::Value;

fn rules() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut rules: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    rules.sort();
    rules
}

fn hunt(path: &Path) -> Hunt {
    let input = Input {
        shown: Arc::from(path.file_name().unwrap().to_str().unwrap()),
        relative: path.file_name().unwrap().into(),
        size: 0,
        explicit: true,
        failure: None,
        path: path.to_owned(),
    };
    read_input(&input).hunts.remove(0)
}

fn packed(gate: &Gate, packager: &Packager, hunt: &Hunt, target: Target, package: Package) -> Option<RuleFile> {
    let options = Options { rule: true, ..Options::new(target) };
    let translation = gate.translate(&hunt.text, &hunt.about, &gate.resolve(&hunt.text), &options);
    translation.query.as_ref()?;
    let subject = Subject {
        about: &hunt.about,
        text: &hunt.text,
        target,
        schema: "ecs",
        translation: &translation,
        span: hunt.origin.whole(),
    };
    Some(packager.pack(package, &subject).unwrap())
}

/// The rule of each form, as JSON.
fn both(gate: &Gate, packager: &Packager, hunt: &Hunt, target: Target) -> Option<(RuleFile, Value, Value)> {
    let toml = packed(gate, packager, hunt, target, Package::DetectionRule)?;
    let line = packed(gate, packager, hunt, target, Package::Kibana)?;
    assert_eq!(line.text.lines().count(), 1, "one rule is one line");
    assert!(!line.text.contains(['\u{85}', '\u{2028}', '\u{2029}']), "some readers end a line there");
    let document: toml::Table = toml::from_str(&toml.text).unwrap_or_else(|error| panic!("{error}\n{}", toml.text));
    let metadata = document["metadata"].as_table().unwrap();
    for key in ["creation_date", "updated_date"] {
        let day = metadata[key].as_str().unwrap();
        assert!(day.len() == 10 && day.split('/').count() == 3, "{day}");
    }
    let rule = serde_json::to_value(&document["rule"]).unwrap();
    // TOML has no empty list of tables.
    let line = line.text.replace(",\"subtechnique\":[]", "");
    Some((toml, rule, serde_json::from_str(&line).unwrap()))
}

fn validator() -> jsonschema::Validator {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages/elastic/rule.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn holds(validator: &jsonschema::Validator, rule: &Value) {
    let faults: Vec<String> =
        validator.iter_errors(rule).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{rule:#}");
}

#[test]
fn both_forms_hold_against_the_schema_and_say_the_same() {
    let (gate, validator) = (Gate::new().unwrap(), validator());
    let packager = gate.packager(None).unwrap();
    let mut shown = String::new();
    for path in rules() {
        let hunt = hunt(&path);
        for target in [Target::Eql, Target::Esql] {
            let Some((file, toml, mut line)) = both(&gate, &packager, &hunt, target) else { continue };
            holds(&validator, &toml);
            holds(&validator, &line);
            // The forms differ in what they note of themselves, and in the version, which detection-rules keeps elsewhere.
            let (own, other) = (toml.as_object().unwrap(), line.as_object_mut().unwrap());
            other.remove("version");
            for (key, value) in own.iter().filter(|(key, _)| *key != "note") {
                let same = other.get(key).unwrap_or(&Value::Null);
                assert_eq!(value, same, "{key}");
            }
            let name = path.file_name().unwrap().to_string_lossy();
            shown.push_str(&format!("== {name}, {target}: {}\n{}\n", file.verdict, file.text));
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("elastic_rules", shown);
    });
}

#[test]
fn rules_of_every_hunt_hold_against_the_schema() {
    let (gate, validator) = (Gate::new().unwrap(), validator());
    let packager = gate.packager(None).unwrap();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hunts")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "kql") {
                continue;
            }
            let hunt = hunt(&path);
            for target in [Target::Eql, Target::Esql] {
                if let Some((_, toml, line)) = both(&gate, &packager, &hunt, target) {
                    holds(&validator, &toml);
                    holds(&validator, &line);
                    count += 1;
                }
            }
        }
    }
    eprintln!("{count} rules in each form");
    assert!(count > 300, "{count}");
}

#[test]
fn no_text_leaves_its_place() {
    let (gate, validator) = (Gate::new().unwrap(), validator());
    let packager = gate.packager(None).unwrap();
    let hostile = [
        "'''",
        "\"\"\"",
        "\"\"\"\" x",
        "a\\",
        "\\\"",
        "]\n[rule]\nenabled = true",
        "{{name}} {{{name}}}",
        "\u{0}\u{1}\u{7f}\u{85}\u{2028}",
        "# x",
        "a = 1\r\nb",
        "\u{feff}\u{202e}x",
        "</script><b>",
        "![x](http://a.example/)",
        "'\"'\"\\'''\"\"\"",
    ];
    let base = hunt(&rules().into_iter().find(|path| path.ends_with("scheduled.yaml")).unwrap());
    for text in hostile {
        let mut hunt = base.clone();
        let about = &mut hunt.about;
        for field in
            [&mut about.name, &mut about.description, &mut about.author, &mut about.alert_name, &mut about.recommended]
        {
            *field = Some(format!("x {text} y"));
        }
        about.tags = vec![text.to_owned()];
        about.references = vec![text.to_owned()];
        about.false_positives = vec![text.to_owned()];
        let literal = text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r', '\u{0}'], " ");
        hunt.text = format!("DeviceProcessEvents | where FileName == \"{literal}\"");
        for target in [Target::Eql, Target::Esql] {
            let options = Options { rule: true, ..Options::new(target) };
            let query = gate.translate(&hunt.text, &hunt.about, &gate.resolve(&hunt.text), &options).query;
            let Some((_, toml, line)) = both(&gate, &packager, &hunt, target) else { continue };
            for rule in [&toml, &line] {
                holds(&validator, rule);
                assert_eq!(rule["query"].as_str(), query.as_deref(), "{text:?}");
                assert_eq!(rule["enabled"], true);
            }
        }
    }
}

#[test]
fn fields_that_elastic_can_not_hold_have_their_true_effect() {
    let gate = Gate::new().unwrap();
    let packager = gate.packager(None).unwrap();
    let mut hunt = hunt(&rules().into_iter().find(|path| path.ends_with("hunting.yaml")).unwrap());
    hunt.about.severity = Some(AlertSeverity::Critical);
    let file = packed(&gate, &packager, &hunt, Target::Esql, Package::Kibana).unwrap();
    let rule: Value = serde_json::from_str(&file.text).unwrap();
    // The window of the hunt is in the query, and the rule lets it see all of it.
    assert_eq!((rule["from"].as_str(), rule["enabled"].as_bool()), (Some("now-7d"), Some(false)));
    assert_eq!((rule["severity"].as_str(), rule["risk_score"].as_u64()), (Some("critical"), Some(99)));
    let query = rule["query"].as_str().unwrap();
    assert!(
        query.contains(" METADATA _id, _index, _version") && query.contains("_id, _index, _version\n")
            || query.ends_with("_id, _index, _version"),
        "{query}"
    );
    hunt.about.trigger = Some(Trigger { operator: TriggerOperator::GreaterThan, threshold: 4 });
    assert_eq!(packed(&gate, &packager, &hunt, Target::Eql, Package::Kibana).unwrap().verdict, Effect::Broader);
    let mut none = hunt.clone();
    none.about.trigger = Some(Trigger { operator: TriggerOperator::LessThan, threshold: 4 });
    let options = Options { rule: true, ..Options::new(Target::Eql) };
    let translation = gate.translate(&none.text, &none.about, &gate.resolve(&none.text), &options);
    let subject = Subject {
        about: &none.about,
        text: &none.text,
        target: Target::Eql,
        schema: "ecs",
        translation: &translation,
        span: none.origin.whole(),
    };
    assert_eq!(packager.pack(Package::Kibana, &subject).unwrap_err().code.text(), "HG511");
}

#[test]
fn late_events_are_found_or_it_is_said() {
    const HOUR: i64 = 36_000_000_000;
    let gate = Gate::new().unwrap();
    let packager = gate.packager(None).unwrap();
    let said = |name: &str, text: Option<&str>, target: Target| {
        let mut hunt = hunt(&rules().into_iter().find(|path| path.ends_with(name)).unwrap());
        hunt.text = text.map_or(hunt.text, str::to_owned);
        hunt.about.query_frequency = Some(HOUR);
        hunt.about.query_period = Some(HOUR);
        let file = packed(&gate, &packager, &hunt, target, Package::Kibana).unwrap();
        let rule: Value = serde_json::from_str(&file.text).unwrap();
        let note = file.notes.iter().find(|note| note.code.text() == "HG506").unwrap();
        (rule["from"].as_str().unwrap().to_owned(), note.effect.unwrap())
    };
    assert_eq!(said("scheduled.yaml", None, Target::Eql), ("now-65m".to_owned(), Effect::Exact));
    assert_eq!(said("scheduled.yaml", None, Target::Esql), ("now-65m".to_owned(), Effect::Exact));
    assert_eq!(said("count.yaml", None, Target::Esql), ("now-1h".to_owned(), Effect::Exact));
    let window = Some("DeviceProcessEvents | where Timestamp > ago(1h) | where FileName == \"a\"");
    assert_eq!(said("scheduled.yaml", window, Target::Esql), ("now-1h".to_owned(), Effect::Exact));
}

#[test]
fn a_column_that_the_hunt_takes_away_is_no_field_of_its_rows() {
    let gate = Gate::new().unwrap();
    let packager = gate.packager(None).unwrap();
    let mut hunt = hunt(&rules().into_iter().find(|path| path.ends_with("scheduled.yaml")).unwrap());
    hunt.text = "DeviceProcessEvents | where FileName == \"a\" | project-away DeviceName".to_owned();
    let file = packed(&gate, &packager, &hunt, Target::Esql, Package::Kibana).unwrap();
    let missing: Vec<&str> =
        file.notes.iter().filter(|note| note.code.text() == "HG508").map(|note| note.message.as_str()).collect();
    assert_eq!(missing, ["`FullName` is `DeviceName`, which is no field of the rows that the rule finds"]);
    let rule: Value = serde_json::from_str(&file.text).unwrap();
    assert_eq!(rule["investigation_fields"]["field_names"], serde_json::json!(["user.name", "process.command_line"]));
}
