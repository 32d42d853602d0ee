//! Rules in: an export of Sentinel's portal with every field of the format comes through whole, and so do a custom detection and
//! the rules of hostile files.

#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail the test.

use std::path::Path;
use std::sync::Arc;

use huntgate::about::{
    About, AlertSeverity, Entity, EventGrouping, Incident, RuleKind, Suppression, Trigger, TriggerOperator,
};
use huntgate::intake::{Document, Input, gather, read_input};
use serde_json::{Value, json};

const HOUR: i64 = 36_000_000_000;

fn read(name: &str, bytes: &[u8]) -> Document {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    read_input(&Input {
        shown: Arc::from(name),
        relative: Path::new(name).to_owned(),
        size: bytes.len() as u64,
        explicit: true,
        failure: None,
        path,
    })
}

fn guid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn query(number: usize) -> String {
    format!("SigninLogs\n| where UserPrincipalName == \"a\\\\{number}\u{e9}\"\n| where ResultType == '\u{1f600}'")
}

fn resource(number: usize) -> Value {
    let nrt = number.is_multiple_of(5);
    let mut properties = json!({
        "displayName": format!("Rule {number}: \"odd\" \u{e9}"),
        "description": format!("Line one of {number}.\n\nLine two."),
        "severity": (["Informational", "Low", "Medium", "High"][number % 4]),
        "enabled": number.is_multiple_of(2),
        "query": query(number),
        "suppressionDuration": "PT5H",
        "suppressionEnabled": number.is_multiple_of(3),
        "startTimeUtc": null,
        "tactics": ["InitialAccess", "CredentialAccess"],
        "techniques": ["T1078", "T1110"],
        "subTechniques": ["T1110.003"],
        "alertRuleTemplateName": guid(number + 1000),
        "templateVersion": "1.0.4",
        "incidentConfiguration": {
            "createIncident": true,
            "groupingConfiguration": {
                "enabled": true,
                "reopenClosedIncident": false,
                "lookbackDuration": "P1D",
                "matchingMethod": "Selected",
                "groupByEntities": ["Account", "IP"],
                "groupByAlertDetails": ["Severity"],
                "groupByCustomDetails": ["App"]
            }
        },
        "eventGroupingSettings": { "aggregationKind": "AlertPerResult" },
        "alertDetailsOverride": {
            "alertDisplayNameFormat": "Sign-in of {{UserPrincipalName}}",
            "alertDescriptionFormat": "From {{IPAddress}}",
            "alertTacticsColumnName": "Tactics",
            "alertSeverityColumnName": "Level",
            "alertDynamicProperties": [{ "alertProperty": "AlertLink", "value": "Link" }]
        },
        "customDetails": { "App": "AppDisplayName", "Result": "ResultType" },
        "entityMappings": [
            { "entityType": "Account", "fieldMappings": [
                { "identifier": "Name", "columnName": "UserName" },
                { "identifier": "UPNSuffix", "columnName": "Suffix" }
            ] },
            { "entityType": "IP", "fieldMappings": [{ "identifier": "Address", "columnName": "IPAddress" }] }
        ],
        "sentinelEntitiesMappings": null
    });
    if !nrt {
        properties["queryFrequency"] = json!("PT1H");
        properties["queryPeriod"] = json!("P1DT12H");
        properties["triggerOperator"] = Value::from(["GreaterThan", "LessThan", "Equal", "NotEqual"][number % 4]);
        properties["triggerThreshold"] = json!(number);
    }
    json!({
        "id": format!("[concat(resourceId('Microsoft.OperationalInsights/workspaces/providers', parameters('workspace'), 'Microsoft.SecurityInsights'),'/alertRules/{}')]", guid(number)),
        "name": format!("[concat(parameters('workspace'),'/Microsoft.SecurityInsights/{}')]", guid(number)),
        "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
        "kind": if nrt { "NRT" } else { "Scheduled" },
        "apiVersion": "2023-12-01-preview",
        "properties": properties
    })
}

#[test]
fn an_export_of_fifty_rules_comes_through_whole() {
    let mut resources: Vec<Value> = (0..50).map(resource).collect();
    for kind in ["Fusion", "MicrosoftSecurityIncidentCreation"] {
        resources.push(json!({ "kind": kind, "type": "x/alertRules", "properties": { "displayName": "Other" } }));
    }
    let export = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": { "workspace": { "type": "String" } },
        "resources": resources
    });
    let text = serde_json::to_string_pretty(&export).unwrap();
    for text in [text.clone(), text.replace('\n', "\r\n"), format!("\u{feff}{text}"), export.to_string()] {
        let document = read("export.json", text.as_bytes());
        assert_eq!(document.hunts.len(), 50);
        for (number, hunt) in document.hunts.iter().enumerate() {
            assert_eq!(hunt.text, query(number));
            // The places of the query are found through its escapes.
            let at = hunt.text.find("ResultType").unwrap() as u32;
            let place = hunt.origin.locate(huntgate::Span::new(at, at + 10));
            assert_eq!(place.slice(&document.text), "ResultType");
            expected(number, &hunt.about);
        }
        let codes: Vec<_> = document.diagnostics.iter().map(|one| one.code.text()).collect();
        assert_eq!(codes, ["HG502", "HG502"]);
        assert!(document.diagnostics[0].message.contains("Fusion"), "{}", document.diagnostics[0].message);
    }
}

/// Every field of a rule of the export, one by one.
fn expected(number: usize, about: &About) {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let pairs = |list: &[(&str, &str)]| {
        list.iter().map(|(one, two)| ((*one).to_owned(), (*two).to_owned())).collect::<Vec<_>>()
    };
    let nrt = number.is_multiple_of(5);
    let severities = [AlertSeverity::Informational, AlertSeverity::Low, AlertSeverity::Medium, AlertSeverity::High];
    let operators =
        [TriggerOperator::GreaterThan, TriggerOperator::LessThan, TriggerOperator::Equal, TriggerOperator::NotEqual];
    let wanted = About {
        name: Some(format!("Rule {number}: \"odd\" \u{e9}")),
        id: Some(guid(number)),
        kind: Some(if nrt { RuleKind::Nrt } else { RuleKind::Scheduled }),
        description: Some(format!("Line one of {number}.\n\nLine two.")),
        severity: Some(severities[number % 4]),
        version: Some("1.0.4".to_owned()),
        enabled: Some(number.is_multiple_of(2)),
        tactics: texts(&["InitialAccess", "CredentialAccess"]),
        techniques: texts(&["T1078", "T1110", "T1110.003"]),
        query_frequency: (!nrt).then_some(HOUR),
        query_period: (!nrt).then_some(36 * HOUR),
        trigger: (!nrt).then(|| Trigger { operator: operators[number % 4], threshold: number as u64 }),
        grouping: Some(EventGrouping::AlertPerResult),
        suppression: Some(Suppression { enabled: number.is_multiple_of(3), duration: Some(5 * HOUR) }),
        entities: vec![
            Entity {
                entity_type: "Account".to_owned(),
                fields: pairs(&[("Name", "UserName"), ("UPNSuffix", "Suffix")]),
            },
            Entity { entity_type: "IP".to_owned(), fields: pairs(&[("Address", "IPAddress")]) },
        ],
        custom_details: pairs(&[("App", "AppDisplayName"), ("Result", "ResultType")]),
        alert_name: Some("Sign-in of {{UserPrincipalName}}".to_owned()),
        alert_description: Some("From {{IPAddress}}".to_owned()),
        alert_tactics_column: Some("Tactics".to_owned()),
        alert_severity_column: Some("Level".to_owned()),
        alert_properties: pairs(&[("AlertLink", "Link")]),
        incident: Some(Incident {
            create: Some(true),
            grouping: Some(true),
            reopen: Some(false),
            lookback: Some(24 * HOUR),
            matching: Some("Selected".to_owned()),
            by: texts(&["Account", "IP", "Severity", "App"]),
        }),
        origin: Some(guid(number + 1000)),
        places: about.places.clone(),
        ..About::default()
    };
    assert_eq!(*about, wanted, "rule {number}");
    for field in huntgate::about::Field::ALL.iter().filter(|field| about.has(**field)) {
        assert!(about.place(*field).is_some(), "{} has no place", field.name());
    }
}

#[test]
fn a_custom_detection_comes_through_whole() {
    let detection = json!({
        "@odata.type": "#microsoft.graph.security.detectionRule",
        "id": "7506",
        "displayName": "Odd process",
        "isEnabled": true,
        "createdBy": "a@b.example",
        "createdDateTime": "2024-02-03T10:00:00Z",
        "lastModifiedDateTime": "2024-02-04T10:00:00Z",
        "detectorId": "67895317-b2a8-4ac3-8f8b-fa6b7765f2fe",
        "queryCondition": { "queryText": "DeviceProcessEvents\n| take 1", "lastModifiedDateTime": null },
        "schedule": { "period": "1H" },
        "detectionAction": {
            "alertTemplate": {
                "title": "Odd", "description": "It is odd", "severity": "medium", "category": "Execution",
                "recommendedActions": "Look", "mitreTechniques": ["T1059"],
                "impactedAssets": [
                    { "@odata.type": "#microsoft.graph.security.impactedDeviceAsset", "identifier": "deviceId" },
                    { "@odata.type": "#microsoft.graph.security.impactedUserAsset", "identifier": "accountSid" }
                ]
            },
            "responseActions": [
                { "@odata.type": "#microsoft.graph.security.isolateDeviceResponseAction", "identifier": "deviceId", "isolationType": "full" }
            ]
        }
    });
    for text in [json!({ "value": [detection] }).to_string(), json!([detection]).to_string(), detection.to_string()] {
        let document = read("detection.json", text.as_bytes());
        assert_eq!(document.hunts.len(), 1, "{:?}", document.diagnostics);
        let about = &document.hunts[0].about;
        assert_eq!(about.kind, Some(RuleKind::CustomDetection));
        assert_eq!((about.id.as_deref(), about.name.as_deref()), (Some("7506"), Some("Odd process")));
        assert_eq!((about.query_frequency, about.enabled), (Some(HOUR), Some(true)));
        assert_eq!((about.date.as_deref(), about.modified.as_deref()), (Some("2024-02-03"), Some("2024-02-04")));
        assert_eq!((about.author.as_deref(), about.severity), (Some("a@b.example"), Some(AlertSeverity::Medium)));
        assert_eq!((about.alert_name.as_deref(), about.recommended.as_deref()), (Some("Odd"), Some("Look")));
        assert_eq!((about.tactics.join(""), about.techniques.join("")), ("Execution".to_owned(), "T1059".to_owned()));
        let entities: Vec<_> =
            about.entities.iter().map(|it| (it.entity_type.as_str(), it.fields[0].1.as_str())).collect();
        assert_eq!(entities, [("Host", "DeviceId"), ("Account", "AccountSid")]);
        assert_eq!(about.actions, ["isolateDeviceResponseAction, identifier deviceId, isolationType full"]);
        let unread: Vec<_> = about.unread.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(unread, ["@odata.type", "detectorId"]);
    }
}

#[test]
fn rules_that_are_passed_over_are_named_and_others_are_read() {
    let rule = |kind: &str, properties: serde_json::Value| json!({ "type": "Microsoft.SecurityInsights/alertRules", "kind": kind, "properties": properties });
    let export = json!({ "resources": [
        rule("Fusion", json!({ "displayName": "Fu\nsion\u{1b}[31m" })),
        rule("Scheduled", json!({ "displayName": "Has none" })),
        rule("Scheduled", json!({ "displayName": "Blank", "query": " // nothing\n" })),
        rule("NRT", json!({ "displayName": "Number", "query": 5 })),
        rule("KindOfTomorrow", json!({ "displayName": "New" })),
        rule("Scheduled", json!({ "displayName": "Good", "query": "T | take 1" })),
        { "type": "Microsoft.OperationalInsights/workspaces/savedSearches", "properties": { "category": "Functions", "query": "T | take 2" } },
        { "queryCondition": { "queryText": "" }, "displayName": "Empty detection" },
    ] });
    let document = read("export.json", export.to_string().as_bytes());
    assert_eq!(document.hunts.iter().map(|hunt| hunt.about.name.as_deref()).collect::<Vec<_>>(), [Some("Good")]);
    let said: Vec<_> = document.diagnostics.iter().map(|one| (one.code.text(), one.message.as_str())).collect();
    let over = |text: &'static str| ("HG502", text);
    assert_eq!(
        said,
        [
            over("the rule `Fu sion[31m` is of the kind Fusion, which has no query in KQL: it is passed over"),
            over("the rule `Has none` has no query: it is passed over"),
            over("the rule `Blank` has an empty query: it is passed over"),
            over("the rule `Number` has a query that is no text: it is passed over"),
            over("the rule `New` has no query: it is passed over"),
            over("the rule `Empty detection` has an empty query: it is passed over"),
        ]
    );
    for one in &document.diagnostics {
        assert!(one.span.slice(&document.text).starts_with('{'), "{one:?}");
    }
}

#[test]
fn a_query_of_another_service_is_no_hunt() {
    for text in [
        r#"{"query": "query { user { name } }", "variables": {}}"#,
        r#"{"properties": {"query": "SELECT name FROM users", "mode": "x"}}"#,
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("request.json"), text).unwrap();
        let documents: Vec<_> = gather(&[folder.path().to_owned()], None).iter().map(read_input).collect();
        assert!(documents.iter().all(|it| it.hunts.is_empty() && it.diagnostics.is_empty()), "{documents:?}");
    }
    assert_eq!(read("bare.json", br#"{"query": "T | take 1"}"#).hunts.len(), 1);
}

#[test]
fn hostile_files_end_in_an_answer() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let wide = format!("[{}]", vec!["{\"query\": \"T | take 1\"}"; 5_000].join(","));
    let many = format!(
        "{{\"query\": \"T | take 1\", \"tags\": [{}]}}",
        (0..50_000).map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(",")
    );
    let keys = format!(
        "{{\"query\": \"T\", {} \"x\": 1}}",
        (0..20_000).map(|it| format!("\"k{it}\": 1,")).collect::<String>()
    );
    let cases: [(&str, &[u8]); 12] = [
        ("a.json", deep.as_bytes()),
        ("a.json", wide.as_bytes()),
        ("a.json", many.as_bytes()),
        ("a.json", keys.as_bytes()),
        ("a.json", b"{\"query\": \"T\\u0000 | take 1\\ud83d\\ude00\\ud83d\", \"name\": \"../../x\\n\"}"),
        ("a.json", b"{\"properties\": {\"query\": 5}}"),
        ("a.json", b"{"),
        ("a.json", b"\"x\""),
        (
            "a.yaml",
            b"query: T\nentityMappings:\n- - - - x\n- fieldMappings: {a: [b, {identifier: [x]}]}\nname: {a: {b: c}}\n",
        ),
        ("a.yaml", b"? [query]\n: T\nquery: |\n  T\ncustomDetails: [a, b]\ntriggerThreshold: 99999999999999999999\n"),
        ("a.kql", b"// Title: ../../x\n// Severity: High\n// Title: y\nT | take 1\n"),
        ("a.md", b"# \n#### Description\n```kql\nT\n| take 1\n"),
    ];
    for (name, bytes) in cases {
        let started = std::time::Instant::now();
        let mut document = read(name, bytes);
        document.divide(|_| Vec::new());
        assert!(started.elapsed().as_secs() < 20, "{name} {:?}", &bytes[..bytes.len().min(60)]);
        assert!(!document.hunts.is_empty() || !document.diagnostics.is_empty(), "{name}");
        for hunt in &document.hunts {
            let whole = hunt.origin.whole();
            assert!(whole.slice(&document.text).len() as u32 == whole.end - whole.start);
            assert!(hunt.about.name.as_deref().is_none_or(|name| !name.contains('\n')));
            assert!(hunt.about.tags.len() <= 100 && hunt.about.unread.len() <= 200);
        }
    }
}
