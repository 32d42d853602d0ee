//! The schemas `ecs` and `taxonomy` against the facts that they were made of (`facts/tables.yaml` in the folder that
//! `HUNTGATE_SHARED` names, by default `../shared`): every field, type, doubt and selector that they state for Elastic and
//! for Sigma is in the data. Skipped where the facts are not at hand.

#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout)] // A test may fail, and says why it is skipped.

use std::collections::BTreeMap;
use std::path::PathBuf;

use huntgate::Target;
use huntgate::target::{ColumnMap, FieldKind, FieldType, Selector, Targets, TermTest};
use serde::Deserialize;

#[derive(Deserialize)]
struct Facts {
    tables: BTreeMap<String, Table>,
}

#[derive(Deserialize)]
struct Table {
    elastic: Source,
    sigma: LogSource,
    columns: BTreeMap<String, Column>,
}

#[derive(Deserialize)]
struct Source {
    index: Option<String>,
    selector: Option<String>,
    eql_category: Option<String>,
    /// `true`, or which part of the mapping it is.
    inferred: Option<serde_yaml_ng::Value>,
}

#[derive(Deserialize)]
struct LogSource {
    product: Option<String>,
    category: Option<String>,
    service: Option<String>,
    #[serde(default)]
    inferred: bool,
}

#[derive(Deserialize)]
struct Column {
    sigma: Option<String>,
    sigma_src: Option<String>,
    #[serde(default)]
    sigma_inferred: bool,
    ecs: Option<String>,
    ecs_kind: Option<String>,
    ecs_src: Option<String>,
    ecs_note: Option<String>,
    #[serde(default)]
    ecs_inferred: bool,
    #[serde(default)]
    ecs_alt: Vec<String>,
    elastic_custom: Option<String>,
    #[serde(default)]
    elastic_custom_dropped_by_default: bool,
    elastic_type: Option<String>,
}

fn facts() -> Option<Facts> {
    let shared = std::env::var_os("HUNTGATE_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let text = std::fs::read_to_string(shared.join("facts/tables.yaml")).ok()?;
    Some(serde_yaml_ng::from_str(&text).unwrap())
}

/// What the data says beside the name of the field: anything that tells a value from the column's.
fn says_something(map: &ColumnMap) -> bool {
    map.caveat.is_some() || map.remark.is_some() || map.changes_values() || map.stored_as.is_some() || map.list
}

/// Notes of rules that hold for all columns of a table and change nothing.
const OF_THE_TABLE: [&str; 2] =
    ["default prefix rule (unmapped event data)", "E8 renames o365audit -> o365.audit for all remaining keys"];

/// The difference between a column's facts and its row, in words.
fn differences(column: &Column, map: &ColumnMap) -> Vec<String> {
    let mut out = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            out.push(what.to_owned());
        }
    };
    // The integration's own field is the better one where it is kept and the copy of it is changed or shared.
    let own = column.ecs.is_some()
        && !column.elastic_custom_dropped_by_default
        && Some(&map.field) == column.elastic_custom.as_ref()
        && column.ecs.as_ref().is_some_and(|copy| map.alternatives.contains(copy));
    expect(own || Some(&map.field) == column.ecs.as_ref().or(column.elastic_custom.as_ref()), "another field");
    let doubted = column.ecs_src.as_ref().is_some_and(|source| source.contains("inferred"));
    expect(map.inferred == (column.ecs_inferred || doubted), "whether it is inferred");
    let dropped = column.ecs.is_none() && column.elastic_custom_dropped_by_default;
    expect(map.dropped_by_default == dropped, "whether it is dropped by default");
    let flattened = column.elastic_type.as_ref().is_some_and(|ty| ty.starts_with("flattened"));
    expect(flattened == (map.elastic_type == Some(FieldType::Flattened)) || column.elastic_type.is_none(), "its type");
    let kind = match column.ecs_kind.as_deref() {
        Some("ecs") => FieldKind::Ecs,
        Some("integration") => FieldKind::Integration,
        Some("non_ecs_extension") => FieldKind::NonEcsExtension,
        Some(other) => panic!("what is {other}?"),
        None => FieldKind::Custom,
    };
    expect(map.kind == Some(if own { FieldKind::Custom } else { kind }), "whose field it is");
    let port = map.field.ends_with(".port"); // The pipeline names the other one and overwrites it.
    expect(port || column.ecs_alt.iter().all(|other| map.alternatives.contains(other)), "other fields");
    let source = column.ecs_src.as_ref().and_then(|source| source.split(' ').next());
    expect(map.provenance.as_deref() == source, "its source");
    expect(own || column.ecs.is_none() || map.custom == column.elastic_custom, "the field it is copied from");
    if own {
        return out; // What is noted of the copy does not concern it.
    }
    let Some(note) = column.ecs_note.as_deref().filter(|note| !OF_THE_TABLE.contains(note)) else { return out };
    expect(says_something(map), "what is noted of it");
    // A note of a condition is a doubt that a hunt must hear of; a change of case is a rule for literals.
    let conditional = ["only ", "array", " when the", "composite", "multiplied", "if "];
    if conditional.iter().any(|word| note.starts_with(word)) {
        // An object is not compared, and its parts are listed.
        let object = map.elastic_type == Some(FieldType::Object);
        expect(map.caveat.is_some() || map.stored_as.is_some() || object, "the condition that is noted of it");
    }
    if note.starts_with("lower") {
        expect(map.case.is_some(), "the change of its case");
    }
    if note.contains("hex ") {
        expect(map.hex, "the hexadecimal number");
    }
    if note.contains("strip") {
        expect(!map.strips.is_empty(), "what is taken off its front");
    }
    // `Name -> value`, where both are written as values.
    for (from, to) in [("ProcessCreated", "start"), ("FileDeleted", "deletion"), ("ImageLoaded", "load")] {
        if note.contains(from) {
            expect(map.values.get(from).is_some_and(|value| value == to), from);
        }
    }
    out
}

#[test]
fn every_fact_of_elastic_is_in_the_data() {
    let Some(facts) = facts() else {
        println!("skipped: no facts/tables.yaml; name its folder by HUNTGATE_SHARED");
        return;
    };
    let schema = Targets::embedded().schema(Target::Esql, Some("ecs")).unwrap();
    let mut wrong = Vec::new();
    let mut columns = 0;
    for (name, table) in &facts.tables {
        let map = schema.table(name).unwrap().unwrap_or_else(|| panic!("no table {name}"));
        for (column, facts) in &table.columns {
            columns += 1;
            let stated = facts.ecs.as_ref().or(facts.elastic_custom.as_ref());
            match (map.columns.get(column), stated) {
                (Some(row), Some(_)) => {
                    wrong.extend(differences(facts, row).iter().map(|what| format!("{name}.{column}: {what}")));
                }
                // What is spread over several fields has no one of its own, and the data says so.
                (None, Some(field)) if field.contains('*') && map.unmapped.contains_key(column) => {}
                (None, None) => {
                    let reason = map.unmapped.contains_key(column) || facts.ecs_note.is_none();
                    if !reason {
                        wrong.push(format!("{name}.{column}: no reason why it has no field"));
                    }
                }
                (row, stated) => wrong.push(format!("{name}.{column}: {row:?}, but {stated:?} is stated")),
            }
        }
        wrong.extend(selector(name, &table.elastic, &map.selector, map.inferred));
    }
    assert!(columns > 2000, "the facts are not whole");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What of the selector is not as it is stated.
fn selector(name: &str, facts: &Source, selector: &Selector, inferred: bool) -> Vec<String> {
    let Selector::Elastic(selector) = selector else { return vec![format!("{name}: no selector of Elastic")] };
    let mut out = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            out.push(format!("{name}: {what}"));
        }
    };
    // A pattern that covers the stated index and its twin; the terms tell their events from others.
    let covers = |index: &String| {
        let (Some(own), Some(front)) = (&selector.index, index.split('-').nth(1)) else { return false };
        name == "Syslog" && own == "logs-system.*" && front.starts_with("system.")
    };
    expect(selector.index == facts.index || facts.index.as_ref().is_some_and(covers), "another index");
    expect(selector.absent.is_some() == facts.index.is_none(), "why there is none");
    let is_inferred = facts.inferred.as_ref().is_some_and(|value| *value != serde_yaml_ng::Value::Bool(false));
    expect(!is_inferred || inferred, "that it is inferred");
    // A category in one word is that of every event; a text says which events have which.
    if let Some(category) = facts.eql_category.as_deref().filter(|it| !it.contains([' ', ';'])) {
        let any = selector.event_category.as_deref() == Some("any");
        let web = name == "OfficeActivity" && any; // The facts prefer `any` there, in a note.
        expect(selector.event_category.as_deref() == Some(category) || web, "another event category");
    }
    for term in &selector.terms {
        let stated = facts.selector.as_deref().unwrap_or_default();
        expect(stated.contains(&term.field), "a term that is not stated");
        if let TermTest::OneOf(values) = &term.test {
            // The categories of this table's twin are stated at the two tables that they are taken from.
            let known = name == "AADSpnSignInEventsBeta";
            expect(known || values.iter().all(|value| stated.contains(value)), "a value that is not stated");
        }
    }
    out
}

/// Facts of Sigma that the rules of SigmaHQ, or the events themselves, show to be otherwise: the table, the column (empty
/// for the log source), and why.
const OTHERWISE: [(&str, &str, &str); 7] = [
    ("AuditLogs", "InitiatedBy", "the one rule that writes it Initiatedby has a placeholder for its value"),
    ("AzureActivity", "OperationName", "operationName holds MICROSOFT.COMPUTE/..., which is OperationNameValue"),
    ("AzureActivity", "OperationNameValue", "33 rules look for it in operationName, 2 in OperationNameValue"),
    ("EmailEvents", "", "the rule on mail asks for Operation TIMailData of m365, audit"),
    ("SecurityEvent", "EventSourceName", "the rules call the provider of an event Provider_Name"),
    ("_Im_Authentication", "", "no log source holds what all of its sources do"),
    ("_Im_AuditEvent", "", "no log source holds what all of its sources do"),
];

#[test]
fn every_fact_of_sigma_is_in_the_data() {
    let Some(facts) = facts() else {
        println!("skipped: no facts/tables.yaml; name its folder by HUNTGATE_SHARED");
        return;
    };
    let schema = Targets::embedded().schema(Target::Sigma, Some("taxonomy")).unwrap();
    let otherwise = |table: &str, column: &str| OTHERWISE.iter().any(|known| (known.0, known.1) == (table, column));
    let mut wrong = Vec::new();
    let mut columns = 0;
    for (name, table) in &facts.tables {
        let map = schema.table(name).unwrap().unwrap_or_else(|| panic!("no table {name}"));
        for (column, facts) in &table.columns {
            let mut expect = |holds: bool, what: &str| {
                if !holds && !otherwise(name, column) {
                    wrong.push(format!("{name}.{column}: {what}"));
                }
            };
            // In words: `keys are fields`, or a field with where it holds.
            let field = facts.sigma.as_deref().filter(|field| !field.starts_with('<'));
            let doubted = facts.sigma_inferred || facts.sigma_src.as_deref() == Some("inferred");
            match (map.columns.get(column), field) {
                (Some(row), Some(field)) => {
                    columns += 1;
                    expect(field.split(' ').next() == Some(row.field.as_str()), "another field");
                    // The taxonomy and the rules of SigmaHQ name what the facts only infer.
                    let named = matches!(row.provenance.as_deref(), Some("G1" | "G2"));
                    expect(row.inferred || !doubted || named, "that it is inferred");
                    expect(doubted || row.provenance == facts.sigma_src, "its source");
                }
                (None, Some(_)) => expect(false, "no field"),
                // What is known beyond the facts says from where, or that it is inferred.
                (Some(row), None) => {
                    let said = row.inferred || row.provenance.is_some() || row.remark.is_some() || row.base_name_of;
                    expect(said, "neither a source nor inferred");
                }
                (None, None) => {}
            }
        }
        let Selector::Sigma(selector) = &map.selector else { panic!("{name}: no selector of Sigma") };
        let stated = |facts: &Option<String>, data: &Option<String>| {
            facts.as_ref().is_none_or(|it| it.starts_with('<') || data.as_ref() == Some(it))
        };
        let absent = selector.absent.is_some();
        let source = &table.sigma;
        let same = stated(&source.product, &selector.product)
            && stated(&source.category, &selector.category)
            && stated(&source.service, &selector.service);
        if !(same || absent || otherwise(name, "")) {
            wrong.push(format!("{name}: another log source"));
        }
        // Each of the alternatives of a table of many kinds says for itself what is inferred.
        if source.inferred && !(map.inferred || absent || !selector.alternatives.is_empty()) {
            wrong.push(format!("{name}: that the log source is inferred"));
        }
    }
    assert!(columns > 400, "the facts are not whole: {columns}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
