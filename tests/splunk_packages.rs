//! Splunk's rule files: snapshots of rules that have all fields, some, and none; what is read back from them; and hostile texts.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)] // Helpers of tests may fail the test.

#[path = "splunk_packages/conf.rs"]
mod conf;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use huntgate::about::{
    Connector, Entity, EventGrouping, Field, Incident, RuleKind, Suppression, Trigger, TriggerOperator,
};
use huntgate::package::{Packager, Subject};
use huntgate::{About, AlertSeverity, Effect, Gate, Options, Package, RuleFile, Span, Target, Translation};

const MINUTE: i64 = 60 * 10_000_000;
const HOUR: i64 = 60 * MINUTE;

struct Site {
    gate: Gate,
    packager: Packager,
}

impl Site {
    fn new() -> Self {
        let gate = Gate::new().unwrap();
        let packager = gate.packager(None).unwrap();
        Self { gate, packager }
    }

    fn translate(&self, text: &str, about: &About, schema: &str) -> Translation {
        let options = Options { schema: Some(schema.to_owned()), ..Options::new(Target::Splunk) };
        self.gate.translate(text, about, &self.gate.resolve(text), &options)
    }

    fn pack(&self, package: Package, text: &str, about: &About, translation: &Translation) -> RuleFile {
        let span = Span::new(0, text.len() as u32);
        let subject = Subject { about, text, target: Target::Splunk, schema: "addon", translation, span };
        self.packager.pack(package, &subject).unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn entity(entity_type: &str, fields: &[(&str, &str)]) -> Entity {
    Entity { entity_type: entity_type.to_owned(), fields: pairs(fields) }
}

const SCHEDULED: &str = "DeviceProcessEvents
| where InitiatingProcessFileName in~ (\"outlook.exe\", \"thunderbird.exe\")
| where FileName =~ \"powershell.exe\" and ProcessCommandLine has @\"C:\\Temp\\\"
| project Timestamp, DeviceName, AccountName, ProcessCommandLine, SHA256";

/// A rule with every field.
fn scheduled() -> About {
    let text = |text: &str| Some(text.to_owned());
    About {
        name: text("Shell started by a mail client [mail]"),
        id: text("0f8fad5b-d9cb-469f-a165-70867728950e"),
        kind: Some(RuleKind::Scheduled),
        description: text("A mail client starts a shell.\n\nThe shell looks into C:\\Temp\\\nand that is rare."),
        severity: Some(AlertSeverity::High),
        status: text("Available"),
        version: text("1.2.3"),
        author: text("Example Author"),
        date: text("2024-02-03"),
        modified: text("2024-03-04"),
        enabled: Some(true),
        tactics: texts(&["Execution", "PreAttack"]),
        techniques: texts(&["T1059", "T1059.001", "T1086", "T9999"]),
        references: texts(&["https://mail.example/shells?x=1#y", "the handbook"]),
        false_positives: texts(&["Scripts of the help desk"]),
        tags: texts(&["mail", "shell"]),
        connectors: vec![Connector { id: "MailAndMore".to_owned(), data_types: texts(&["DeviceProcessEvents"]) }],
        query_frequency: Some(45 * MINUTE),
        query_period: Some(2 * HOUR),
        trigger: Some(Trigger { operator: TriggerOperator::GreaterThan, threshold: 3 }),
        grouping: Some(EventGrouping::AlertPerResult),
        suppression: Some(Suppression { enabled: true, duration: Some(5 * HOUR) }),
        entities: vec![
            entity("Host", &[("FullName", "DeviceName")]),
            entity("Account", &[("Name", "AccountName"), ("NTDomain", "AccountDomain")]),
            entity("Process", &[("CommandLine", "ProcessCommandLine")]),
            entity("FileHash", &[("Algorithm", "Kind"), ("Value", "SHA256")]),
            entity("IP", &[("Address", "RemoteIP")]),
            entity("Balloon", &[("Colour", "DeviceName")]),
        ],
        custom_details: pairs(&[("Line", "ProcessCommandLine")]),
        alert_name: text("Shell on {{DeviceName}} for 5$ by {{Nobody}}"),
        alert_description: text("{{AccountName}} ran {{ProcessCommandLine}}"),
        alert_tactics_column: text("Tactic"),
        alert_severity_column: text("Severity"),
        alert_properties: pairs(&[("ProductName", "Product")]),
        incident: Some(Incident { create: Some(true), ..Incident::default() }),
        actions: texts(&["isolateDevice (DeviceId)"]),
        recommended: text("Look at the mail.\nThen at the shell."),
        hypothesis: text("Mail brings shells"),
        confidence: text("high"),
        origin: text("https://rules.example/1"),
        places: Vec::new(),
        unread: Vec::new(),
    }
}

const NRT: &str = "SecurityEvent | where EventID == 1102";

/// A rule that runs every minute, with old columns for no entity.
fn nrt() -> About {
    About {
        name: Some("Log cleared".to_owned()),
        kind: Some(RuleKind::Nrt),
        severity: Some(AlertSeverity::Low),
        tactics: texts(&["DefenseEvasion"]),
        entities: vec![entity("Host", &[("HostName", "Computer")])],
        ..About::default()
    }
}

const HUNTING: &str = "DeviceNetworkEvents
| where Timestamp > ago(7d)
| summarize Count = count() by AccountCustomEntity = InitiatingProcessAccountName, RemoteIP
| where Count > 5";

/// A hunting query.
fn hunting() -> About {
    About {
        name: Some("Rare connections".to_owned()),
        kind: Some(RuleKind::Hunting),
        description: Some("Connections that few have.".to_owned()),
        techniques: texts(&["T1071"]),
        ..About::default()
    }
}

fn cases() -> Vec<(&'static str, &'static str, About)> {
    vec![
        ("scheduled", SCHEDULED, scheduled()),
        ("nrt", NRT, nrt()),
        ("hunting", HUNTING, hunting()),
        ("bare", SCHEDULED, About::default()),
    ]
}

const PACKAGES: [Package; 3] = [Package::SavedSearch, Package::CorrelationSearch, Package::Contentctl];

#[test]
fn every_field_is_in_the_rule_of_the_test() {
    let about = scheduled();
    assert!(Field::ALL.iter().all(|field| about.has(*field)));
}

#[test]
fn rule_files_are_as_they_were() {
    let site = Site::new();
    for (name, text, about) in cases() {
        let translation = site.translate(text, &about, "addon");
        for package in PACKAGES {
            let file = site.pack(package, text, &about, &translation);
            let mut out = format!("{}\n== {}\n", file.text, file.verdict);
            for note in &file.notes {
                let _ = writeln!(out, "-- {} {} {}", note.code, note.effect.map_or("-", Effect::name), note.message);
            }
            if let Some(name) = &file.file_name {
                let _ = writeln!(out, "-- file {name}");
            }
            insta::assert_snapshot!(format!("{name}_{package}"), out);
        }
    }
}

/// The hunts under `tests/hunts`, each as a rule with every field and as one with none.
fn hunts() -> Vec<(String, About)> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|ext| ext == "kql") {
                out.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hunts"), &mut paths);
    paths.sort();
    let mut out = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = Some(format!("{} of {}", path.file_stem().unwrap().display(), path.parent().unwrap().display()));
        out.push((text.clone(), About { name, ..scheduled() }));
        out.push((text, About::default()));
    }
    out
}

/// The detections in a folder, for `tests/packages/contentctl/validate.py`.
#[test]
fn detections_are_written_for_their_own_reader() {
    let Ok(folder) = std::env::var("HUNTGATE_DETECTIONS") else {
        eprintln!("HUNTGATE_DETECTIONS names no folder: nothing is written for contentctl");
        return;
    };
    let site = Site::new();
    let cases = cases().into_iter().map(|(_, text, about)| (text.to_owned(), about));
    for (number, (text, about)) in cases.chain(hostile()).chain(hunts()).enumerate() {
        let translation = site.translate(&text, &about, "addon");
        if translation.query.is_some() {
            let file = site.pack(Package::Contentctl, &text, &about, &translation);
            // Several rules may have one name.
            let folder = Path::new(&folder).join(number.to_string());
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(file.file_name.unwrap()), file.text).unwrap();
        }
    }
}

#[test]
fn every_search_is_read_back() {
    let site = Site::new();
    let mut count = 0;
    for (text, about) in hunts() {
        for schema in ["addon", "cim", "source"] {
            let translation = site.translate(&text, &about, schema);
            let Some(query) = translation.query.as_deref() else { continue };
            count += 1;
            for package in [Package::SavedSearch, Package::CorrelationSearch] {
                let file = site.pack(package, &text, &about, &translation);
                let stanza = conf::read(&file.text).remove(0);
                assert_eq!(stanza.get("search"), Some(query.trim()));
                assert!(query.lines().all(|line| !line.ends_with('\\')), "{query}");
                assert_eq!(
                    file.verdict,
                    file.notes.iter().filter_map(|note| note.effect).fold(translation.verdict, Effect::and)
                );
            }
        }
    }
    assert!(count > 500, "{count}");
}

#[test]
fn a_sites_own_template_stands_in_for_the_usual_one_and_must_quote() {
    let site = Site::new();
    let about = nrt();
    let translation = site.translate(NRT, &about, "addon");
    let folder = tempfile::tempdir().unwrap();
    let pack = |template: &str| {
        std::fs::write(folder.path().join("savedsearch.hbs"), template).unwrap();
        let packager = site.gate.packager(Some(folder.path())).unwrap();
        let span = Span::new(0, NRT.len() as u32);
        let subject = Subject {
            about: &about,
            text: NRT,
            target: Target::Splunk,
            schema: "addon",
            translation: &translation,
            span,
        };
        packager.pack(Package::SavedSearch, &subject).map(|file| file.text).map_err(|refusal| refusal.message)
    };
    assert_eq!(pack("{{stanza name}}\nsearch = {{conf search}}\n").unwrap().lines().next(), Some("[Log cleared]"));
    assert!(pack("[{{name}}]\n").unwrap_err().contains("without one of the helpers"));
    assert!(pack("{{conf nothing}}\n").is_err());
}

#[test]
fn columns_that_the_rule_names_are_fields_of_the_rows() {
    let site = Site::new();
    let about = About {
        entities: vec![
            entity("Host", &[("FullName", "DeviceName")]),
            entity("Account", &[("Name", "AccountName"), ("Sid", "NoSuchColumn")]),
        ],
        ..About::default()
    };
    let columns = |hunt: &str, schema: &str| -> Vec<String> {
        let columns = site.translate(hunt, &about, schema).columns;
        columns.iter().map(|(column, field)| format!("{column}={field}")).collect()
    };
    let raw = "DeviceProcessEvents | where FileName == 'a.exe'";
    assert_eq!(columns(raw, "source"), ["DeviceName=DeviceName", "AccountName=AccountName"]);
    assert_eq!(columns(raw, "addon"), ["DeviceName=properties.DeviceName", "AccountName=properties.AccountName"]);
    assert_eq!(columns(raw, "cim"), ["DeviceName=dest", "AccountName=user"]);
    let made = format!("{raw} | summarize AccountName = count() by DeviceName");
    assert_eq!(columns(&made, "addon"), ["DeviceName=DeviceName", "AccountName=AccountName"]);
    assert_eq!(columns(&format!("{raw} | project FileName"), "addon"), [""; 0]);
    assert!(site.translate(raw, &About::default(), "addon").columns.is_empty());
}

#[test]
fn triggers_stand_in_every_file() {
    let site = Site::new();
    let operators = [
        (TriggerOperator::GreaterThan, "greater than", ">7", Effect::Exact),
        (TriggerOperator::LessThan, "less than", "<7", Effect::Narrower),
        (TriggerOperator::Equal, "equal to", "=7", Effect::Exact),
        (TriggerOperator::NotEqual, "not equal to", "!=7", Effect::Narrower),
    ];
    for (operator, relation, condition, effect) in operators {
        let about = About { trigger: Some(Trigger { operator, threshold: 7 }), ..nrt() };
        let translation = site.translate(NRT, &about, "addon");
        let stanza = conf::read(&site.pack(Package::SavedSearch, NRT, &about, &translation).text).remove(0);
        assert_eq!((stanza.get("relation"), stanza.get("quantity")), (Some(relation), Some("7")));
        let file = site.pack(Package::Contentctl, NRT, &about, &translation);
        assert!(file.text.contains(&format!("| where huntgate_rows{condition}\n")), "{}", file.text);
        let note = file.notes.iter().find(|note| note.code == huntgate::Code::TriggerChanged).unwrap();
        assert_eq!(note.effect, Some(effect));
    }
}

#[test]
fn windows_of_the_search_itself_are_told_from_the_period() {
    let site = Site::new();
    let effect = |hunt: &str, schema: &str, hours: i64| {
        let (frequency, period) = (Some(HOUR), Some(hours * HOUR));
        let about =
            About { kind: Some(RuleKind::Scheduled), query_frequency: frequency, query_period: period, ..nrt() };
        let about = About { kind: Some(RuleKind::Scheduled), ..about };
        let translation = site.translate(hunt, &about, schema);
        let file = site.pack(Package::SavedSearch, hunt, &about, &translation);
        let stanza = conf::read(&file.text).remove(0);
        let note = file.notes.iter().find(|note| note.code == huntgate::Code::ScheduleChanged);
        (note.map(|note| note.effect.unwrap()), stanza.get("dispatch.earliest_time").unwrap().to_owned())
    };
    let window = "SecurityEvent | where TimeGenerated > ago(3h) and EventID == 1102";
    assert_eq!(effect(NRT, "addon", 1), (None, "-65m@m".to_owned()));
    assert_eq!(effect(window, "addon", 24), (Some(Effect::Exact), "-1445m@m".to_owned()));
    assert_eq!(effect(window, "addon", 1), (Some(Effect::Broader), "-65m@m".to_owned()));
    let counted = format!("{window} | summarize count() by Computer");
    assert_eq!(effect(&counted, "addon", 1).0, Some(Effect::Unsure));
}

#[test]
fn the_shared_schedule_of_content_finds_each_event_once() {
    let site = Site::new();
    let effect = |hunt: &str, frequency: i64, period: i64| {
        let about = About {
            kind: Some(RuleKind::Scheduled),
            query_frequency: Some(frequency),
            query_period: Some(period),
            ..nrt()
        };
        let file = site.pack(Package::Contentctl, hunt, &about, &site.translate(hunt, &about, "addon"));
        file.notes.iter().find(|note| note.code == huntgate::Code::ScheduleChanged).map(|note| note.effect.unwrap())
    };
    let (day, within) = (24 * HOUR, "SecurityEvent | where EventID == 1102 and TimeGenerated > ago(2h)");
    assert_eq!(effect(NRT, HOUR, HOUR), None);
    assert_eq!(effect(NRT, day, day), Some(Effect::Exact));
    assert_eq!(effect(NRT, day, HOUR), Some(Effect::Broader));
    assert_eq!(effect("SecurityEvent | summarize count() by Computer", day, day), Some(Effect::Unsure));
    assert_eq!(effect(within, HOUR, day), Some(Effect::Exact));
    assert_eq!(effect(within, HOUR, HOUR), Some(Effect::Broader));
    assert_eq!(effect(&within.replace("2h", "10m"), 5 * MINUTE, HOUR), Some(Effect::Narrower));
}

#[test]
fn the_query_is_read_back_as_it_was() {
    let site = Site::new();
    for (text, about) in hostile() {
        let translation = site.translate(&text, &about, "addon");
        let query = translation.query.as_deref().unwrap();
        for package in [Package::SavedSearch, Package::CorrelationSearch] {
            let file = site.pack(package, &text, &about, &translation);
            let stanzas = conf::read(&file.text);
            assert_eq!(stanzas.len(), 1, "{}", file.text);
            assert_eq!(stanzas[0].get("search"), Some(query.trim()));
            let name = stanzas[0].name.as_str();
            assert!(name.chars().count() <= 99 && !name.eq_ignore_ascii_case("default"), "{name}");
            assert!(stanzas[0].get("description").is_some_and(|it| it.contains("Converted from KQL by huntgate")));
            for (key, value) in &stanzas[0].settings {
                if key.ends_with("annotations") || key.ends_with("metadata") || key.ends_with("_risk") {
                    serde_json::from_str::<serde_json::Value>(value).unwrap();
                }
            }
            let unknown = stanzas[0].settings.iter().find(|(key, _)| !KEYS.contains(&key.as_str()));
            assert_eq!(unknown, None, "{}", file.text);
        }
        let file = site.pack(Package::Contentctl, &text, &about, &translation);
        let yaml: serde_json::Value =
            serde_yaml_ng::from_str(&file.text).unwrap_or_else(|error| panic!("{error}\n{}", file.text));
        let search = yaml["search"].as_str().unwrap();
        let stem = file.file_name.as_deref().unwrap().strip_suffix(".yml").unwrap();
        assert!(search.starts_with(query.trim_end()) && search.ends_with(&format!("\n| `{stem}_filter`")));
        assert!(stem.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'), "{stem}");
        let name = yaml["name"].as_str().unwrap();
        assert!(name.len() <= 67 && name.to_lowercase().replace([' ', '-'], "_") == stem);
        assert_eq!(yaml.as_object().unwrap().get("injected"), None);
    }
}

/// The keys that a stanza may have.
const KEYS: [&str; 38] = [
    "description",
    "search",
    "cron_schedule",
    "dispatch.earliest_time",
    "dispatch.latest_time",
    "enableSched",
    "disabled",
    "schedule_window",
    "allow_skew",
    "realtime_schedule",
    "is_visible",
    "counttype",
    "relation",
    "quantity",
    "alert.digest_mode",
    "alert.suppress",
    "alert.suppress.fields",
    "alert.suppress.period",
    "alert.severity",
    "alert.track",
    "action.correlationsearch.enabled",
    "action.correlationsearch.detection_type",
    "action.correlationsearch.label",
    "action.correlationsearch.annotations",
    "action.correlationsearch.metadata",
    "action.notable",
    "action.notable.param.rule_title",
    "action.notable.param.rule_description",
    "action.notable.param.security_domain",
    "action.notable.param.severity",
    "action.notable.param.nes_fields",
    "action.notable.param.next_steps",
    "action.notable.param.drilldown_searches",
    "action.risk",
    "action.risk.param._risk_message",
    "action.risk.param._risk",
    "action.risk.param._risk_score",
    "action.risk.param.verbose",
];

/// Rules whose every text tries to leave its place.
fn hostile() -> Vec<(String, About)> {
    let pieces = [
        "]",
        "[x]\nsearch = | delete",
        "a\\",
        "\\\n",
        "# x",
        "\n\n",
        "=",
        "$a$ $",
        "`m`",
        "\"",
        "'",
        "${x}",
        "{{x}}",
        "\r\n[y]",
        "\u{2028}",
        "\u{0}",
        "\u{85}",
        "é\u{1f980}",
        "...\n---\n",
        "\ninjected: true",
        "default",
        "\t",
        "%x%",
        "-->",
        "|",
        "| noop\\",
        "\u{feff}",
        "C:\\Temp\\",
        "{{",
        "}}",
        "\\\\",
        "x: [",
        "- ",
        "&a *b !c",
        "<script>",
        "\u{1b}[0m",
    ];
    let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let mut word = || -> String { (0..1 + next(5)).map(|_| pieces[next(pieces.len())]).collect() };
    (0..60)
        .map(|_| {
            let mut text = || Some(word());
            let about = About {
                name: text(),
                id: text(),
                description: text(),
                status: text(),
                version: text(),
                author: text(),
                date: text(),
                references: text().into_iter().collect(),
                false_positives: text().into_iter().collect(),
                tags: text().into_iter().collect(),
                connectors: vec![Connector { id: text().unwrap(), data_types: text().into_iter().collect() }],
                techniques: text().into_iter().collect(),
                tactics: text().into_iter().collect(),
                entities: vec![
                    Entity { entity_type: text().unwrap(), fields: vec![(text().unwrap(), text().unwrap())] },
                    entity("Host", &[("HostName", "Computer")]),
                ],
                custom_details: vec![(text().unwrap(), text().unwrap())],
                alert_name: text().map(|it| format!("{it}{{{{Computer}}}}{it}")),
                alert_description: text().map(|it| format!("{{{{{it}}}}}")),
                recommended: text(),
                hypothesis: text(),
                confidence: text(),
                origin: text(),
                kind: Some(RuleKind::Scheduled),
                query_frequency: Some(HOUR),
                query_period: Some(HOUR),
                severity: Some(AlertSeverity::Critical),
                grouping: Some(EventGrouping::AlertPerResult),
                suppression: Some(Suppression { enabled: true, duration: Some(HOUR) }),
                ..About::default()
            };
            // Texts of KQL hold no line ends; those of the query's literals are written as escapes.
            let literal =
                |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r");
            let needle: String = word().chars().filter(|char| !char.is_control()).collect();
            let hunt =
                format!("SecurityEvent\n| where EventID == 1102\n| where Account contains \"x{}\"", literal(&needle));
            (hunt, about)
        })
        .collect()
}
