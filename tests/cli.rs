//! The command line from outside: usage, inputs of all kinds, output forms, exit status.
//!
//! What a translation says is for the cases under `tests/hunts`; here it only matters that there is one.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

const HUNT: &str = "DeviceProcessEvents\n| where FileName == \"odd.exe\"\n";
const BAD: &str = "DeviceProcessEvents\n|| where FileName\n";

fn huntgate(folder: &Path, args: &[&str]) -> Output {
    run(Command::cargo_bin("huntgate").unwrap().current_dir(folder).args(args))
}

fn run(command: &mut Command) -> Output {
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn check(folder: &Path, path: &str) -> (Option<i32>, Vec<Value>) {
    let output = huntgate(folder, &["check", "--format", "json", path]);
    (output.status.code(), lines(&output))
}

fn codes(line: &Value) -> Vec<&str> {
    line["diagnostics"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

#[test]
fn wrong_usage_is_status_2_and_says_what_is_right() {
    let folder = folder(&[("a.kql", HUNT.as_bytes())]);
    for (args, words) in [
        (&["convert", "a.kql"][..], "--target"),
        (&["convert", "a.kql", "-t", "qradar"], "splunk"),
        (&["convert", "a.kql", "-t", "splunk", "--schema", "nowhere"], "source"),
        (&["convert", "a.kql", "-t", "splunk", "--deny", "odd"], "narrower"),
        (&["convert", "a.kql", "-t", "splunk", "--as", "rule", "--package", "x"], "no form of rule file"),
        (&["convert", "a.kql", "-t", "splunk", "--as", "rule", "--package", "kibana"], "none of the targets"),
        (&["convert", "a.kql", "-t", "splunk", "--package", "savedsearch"], "--as rule"),
        (&["convert", "a.kql", "-t", "splunk", "--as", "rule", "--annotate"], "holds its notes"),
        (&["convert", "a.kql", "-t", "splunk", "--fields", "none.toml"], "none.toml"),
        (&["convert", "a.kql", "-", "-t", "splunk"], "standard input"),
        (&["explain", "HG000"], "lists all"),
        (&["fields", "NoSuchTable", "-t", "splunk"], "NoSuchTable"),
        (&["frobnicate"], "frobnicate"),
        (&[], "Usage"),
    ] {
        let output = huntgate(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(words), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn what_is_asked_about_huntgate_is_answered() {
    let folder = folder(&[]);
    for (args, words) in [
        (&["explain", "hg312"][..], "What to do"),
        (&["explain"], "HG902"),
        (&["targets"], "sigma"),
        (&["fields", "DeviceFileCertificateInfo", "-t", "splunk"], "Signer"),
        (&["schema"], "$defs"),
        (&["completions", "bash"], "huntgate"),
        (&["--version"], "huntgate"),
        (&["convert", "--help"], "--target"),
    ] {
        let output = huntgate(folder.path(), args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
        assert!(stdout(&output).contains(words), "{args:?}: {}", stdout(&output));
    }
}

#[test]
fn one_hunt_for_one_target_gives_the_query_alone() {
    let folder = folder(&[("a.kql", HUNT.as_bytes())]);
    let output = huntgate(folder.path(), &["convert", "a.kql", "-t", "splunk"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("odd.exe"));
    assert!(!stdout(&output).contains("a.kql"), "{}", stdout(&output));
    assert!(stderr(&output).starts_with("a.kql (a) -> "), "{}", stderr(&output));
    let piped = run(Command::cargo_bin("huntgate").unwrap().args(["convert", "-t", "splunk"]).write_stdin(HUNT));
    assert_eq!(stdout(&piped), stdout(&output));
    let dash = run(Command::cargo_bin("huntgate").unwrap().args(["convert", "-", "-t", "splunk"]).write_stdin(HUNT));
    assert_eq!(stdout(&dash), stdout(&output));
    let both = huntgate(folder.path(), &["convert", "a.kql", "-t", "splunk", "-t", "elastic"]);
    assert_eq!(stdout(&both).matches("a.kql (a) -> ").count(), 2, "{}", stdout(&both));
}

#[test]
fn notes_go_into_the_query_where_that_is_asked_for() {
    let folder = folder(&[("a.kql", HUNT.as_bytes())]);
    let convert = |target: &str| {
        stdout(&huntgate(folder.path(), &["convert", "a.kql", "--target", target, "--schema", "source", "--annotate"]))
    };
    assert!(convert("splunk").starts_with("```huntgate: exact```\nsourcetype="));
    assert!(convert("eql").starts_with("// huntgate: exact\n// HG"));
    assert!(convert("sigma").starts_with("# huntgate: "));
}

#[test]
fn hunts_of_all_kinds_are_found_in_a_stable_order() {
    let rule = format!("id: 1-2\nname: Odd rule\nquery: |\n  {}", HUNT.replace('\n', "\n  "));
    let notes =
        format!("# Notes\n\n## Odd process\n\n```kql\n{HUNT}```\n\n```powershell\nGet-Process | where Name\n```\n");
    let files: Vec<(&str, &[u8])> = vec![
        ("z.kql", HUNT.as_bytes()),
        ("b/rule.yaml", rule.as_bytes()),
        ("b/notes.md", notes.as_bytes()),
        ("b/README.md", b"# Nothing here\n"),
        ("LICENSE", b"Permission is hereby granted\n"),
        ("bare", HUNT.as_bytes()),
        (".hidden/x.kql", BAD.as_bytes()),
        ("skipped/x.kql", BAD.as_bytes()),
        (".gitignore", b"skipped/\n"),
        ("data.json", b"{}"),
        ("a.csl", HUNT.as_bytes()),
    ];
    let folder = folder(&files);
    let (status, found) = check(folder.path(), ".");
    assert_eq!(status, Some(0), "{found:?}");
    let paths: Vec<_> = found.iter().map(|line| line["source"]["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["a.csl", "b/notes.md", "b/rule.yaml", "bare", "z.kql"]);
    assert_eq!(found[1]["source"]["name"], "Odd process");
    assert_eq!(found[2]["source"]["id"], "1-2");
    let again = huntgate(folder.path(), &["check", "--format", "json", "."]);
    assert_eq!(lines(&again), found);
}

#[test]
fn many_hunts_come_in_order() {
    let files: Vec<(String, String)> =
        (0..700).map(|n| (format!("{n:04}.kql"), format!("DeviceEvents | where ActionType == \"{n}\""))).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let folder = folder(&files);
    let output = huntgate(folder.path(), &["convert", ".", "-t", "esql", "--format", "json"]);
    let paths: Vec<_> = lines(&output).iter().map(|line| line["source"]["path"].as_str().unwrap().to_owned()).collect();
    assert_eq!(paths, files.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
}

#[test]
fn places_are_those_of_the_file() {
    let rule = "name: Ödd\nquery: |\n    DeviceProcessEvents\n    || where FileName\n";
    let folder = folder(&[("r.yaml", rule.as_bytes())]);
    let (status, found) = check(folder.path(), "r.yaml");
    assert_eq!(status, Some(1));
    let span = &found[0]["diagnostics"][0]["span"];
    assert_eq!(span["line"], 4);
    let (start, end) = (span["start"].as_u64().unwrap() as usize, span["end"].as_u64().unwrap() as usize);
    assert!(rule[start..end].starts_with('|'), "{span}");
    let text = stdout(&huntgate(folder.path(), &["check", "r.yaml"]));
    assert!(text.contains("--> r.yaml:4:"), "{text}");
}

#[test]
fn bad_input_is_named_and_the_rest_goes_on() {
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(HUNT.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let marked = format!("\u{feff}{HUNT}");
    let files: Vec<(&str, &[u8])> = vec![
        ("binary.kql", b"DeviceEvents\0\x01"),
        ("empty.kql", b""),
        ("latin.kql", b"DeviceEvents // \x96"),
        ("marked.kql", marked.as_bytes()),
        ("torn.yaml", b"name: 'a' b'\nquery: |\n  DeviceEvents\n  | take 1\n"),
        ("utf16.kql", &utf16),
    ];
    let folder = folder(&files);
    let (status, found) = check(folder.path(), ".");
    assert_eq!(status, Some(1));
    assert_eq!(found.len(), 6);
    assert_eq!(codes(&found[0]), ["HG002"]);
    assert!(found[0]["diagnostics"][0]["message"].as_str().unwrap().contains("offset 12"));
    assert_eq!(codes(&found[1]), ["HG005"]);
    assert_eq!(codes(&found[2]), ["HG002"]);
    assert!(found[2]["diagnostics"][0]["message"].as_str().unwrap().contains("0x96 at offset 16"));
    assert_eq!(found[3]["ok"], true);
    assert_eq!(codes(&found[4])[0], "HG006");
    assert_eq!(found[4]["ok"], true);
    assert_eq!(found[5]["ok"], true);
    let (status, found) = check(folder.path(), "missing.kql");
    assert_eq!((status, codes(&found[0])), (Some(1), vec!["HG001"]));
    let output = huntgate(folder.path(), &["check", "--format", "json", "missing", "marked.kql"]);
    assert_eq!(lines(&output).len(), 2);
}

#[test]
fn a_huge_file_is_refused_before_it_is_read() {
    let folder = folder(&[]);
    let file = fs::File::create(folder.path().join("huge.kql")).unwrap();
    file.set_len(100 << 20).unwrap();
    let (status, found) = check(folder.path(), "huge.kql");
    assert_eq!((status, codes(&found[0])), (Some(1), vec!["HG003"]));
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_and_closed_folders_are_named() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = folder(&[("a/x.kql", HUNT.as_bytes()), ("closed/y.kql", HUNT.as_bytes())]);
    symlink("..", folder.path().join("a/up")).unwrap();
    symlink("nowhere.kql", folder.path().join("a/dangling.kql")).unwrap();
    let (_, found) = check(folder.path(), "a");
    assert_eq!(found.len(), 1);
    let closed = folder.path().join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let may_read_anything = fs::read_dir(&closed).is_ok();
    let (status, found) = check(folder.path(), ".");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    if !may_read_anything {
        assert_eq!(status, Some(1));
        assert_eq!(codes(&found[1]), ["HG001"]);
    }
    assert_eq!(found.len(), 2);
}

#[test]
fn text_of_a_file_can_not_reach_the_terminal_raw() {
    let hunt = "DeviceEvents // \u{1b}]0;title\u{7}\n|| where \u{1b}[31m\u{9b}x\n";
    let folder = folder(&[("a.kql", hunt.as_bytes())]);
    for args in [&["check", "a.kql"][..], &["convert", "a.kql", "-t", "all"], &["check", "a.kql", "--format", "json"]] {
        let output = huntgate(folder.path(), args);
        let shown = stdout(&output) + &stderr(&output);
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    }
}

/// Whether a value conforms to the keywords of JSON Schema that the printed schema uses. A keyword that is not known here
/// fails the test, so that the check can not be outgrown.
fn conforms(value: &Value, schema: &Value, root: &Value) -> bool {
    let Some(keywords) = schema.as_object() else { return schema == &Value::Bool(true) };
    let any = |list: &Value| list.as_array().unwrap().iter().any(|one| conforms(value, one, root));
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("type {other}"),
    };
    keywords.iter().all(|(keyword, rule)| match keyword.as_str() {
        "$schema" | "$defs" | "title" | "description" | "format" | "default" => true,
        "$ref" => {
            let target = rule.as_str().unwrap().trim_start_matches('#');
            conforms(value, root.pointer(target).unwrap(), root)
        }
        "anyOf" | "oneOf" => any(rule),
        "allOf" => rule.as_array().unwrap().iter().all(|one| conforms(value, one, root)),
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "minimum" => value.as_u64() >= rule.as_u64(),
        "pattern" => {
            value.as_str().is_none_or(|text| regex::Regex::new(rule.as_str().unwrap()).unwrap().is_match(text))
        }
        "type" => match rule {
            Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
            name => is(name.as_str().unwrap()),
        },
        "required" => rule.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
        "properties" => value.as_object().is_none_or(|object| {
            object.iter().all(|(key, inner)| rule.get(key).is_none_or(|schema| conforms(inner, schema, root)))
        }),
        "additionalProperties" => {
            rule != &Value::Bool(false)
                || value.as_object().is_none_or(|object| {
                    object.keys().all(|key| keywords.get("properties").is_some_and(|it| it.get(key).is_some()))
                })
        }
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| conforms(item, rule, root))),
        other => panic!("keyword {other}"),
    })
}

#[test]
fn json_follows_the_printed_schema() {
    let folder = folder(&[("a.kql", HUNT.as_bytes()), ("b.kql", BAD.as_bytes()), ("c.kql", b"")]);
    let schema: Value = serde_json::from_str(&stdout(&huntgate(folder.path(), &["schema"]))).unwrap();
    let converted = huntgate(folder.path(), &["convert", ".", "-t", "all", "--format", "json"]);
    let checked = huntgate(folder.path(), &["check", ".", "--format", "json"]);
    let snapshots = huntgate(folder.path(), &["snapshot", "check", "-t", "all", "--deny", "exact", "--format", "json"]);
    assert_eq!((lines(&converted).len(), lines(&checked).len(), lines(&snapshots).len()), (12, 3, 6));
    for line in lines(&converted).iter().chain(&lines(&checked)).chain(&lines(&snapshots)) {
        assert!(conforms(line, &schema, &schema), "{line}");
        if let Some(verdict) = line.get("verdict") {
            assert_eq!(verdict == "refused", line["query"].is_null(), "{line}");
        }
    }
    assert!(!conforms(&serde_json::json!({"source": {}, "ok": true}), &schema, &schema));
    assert!(!conforms(&serde_json::json!(5), &schema, &schema));
}

#[test]
fn sarif_is_one_document_with_known_rules() {
    let folder = folder(&[("a.kql", BAD.as_bytes()), ("b.kql", b"")]);
    let output = huntgate(folder.path(), &["check", ".", "--format", "sarif"]);
    assert_eq!(output.status.code(), Some(1));
    let log: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 2);
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64().unwrap() >= 1);
    }
}

#[test]
fn outputs_mirror_the_inputs() {
    let two = format!("```kql\n{HUNT}```\n\n```kql\n{HUNT}```\n");
    let folder = folder(&[("in/x/a.kql", HUNT.as_bytes()), ("in/n.md", two.as_bytes())]);
    let output = huntgate(folder.path(), &["convert", "in", "-t", "splunk", "--out", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for name in ["out/x/a.kql.spl", "out/n.md.0.spl", "out/n.md.1.spl"] {
        assert!(fs::read_to_string(folder.path().join(name)).unwrap().contains("odd.exe"), "{name}");
    }
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 3);
    // A second run into the input's own folder does not read its outputs, and steps up are names.
    let output =
        huntgate(&folder.path().join("in"), &["convert", "../in/x/a.kql", "n.md", "-t", "splunk", "-o", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(folder.path().join("in/out/_up/in/x/a.kql.spl").is_file());
}

#[cfg(unix)]
#[test]
fn outputs_stay_inside_their_folder() {
    let folder = folder(&[("in/x/a.kql", HUNT.as_bytes()), ("outside/kept", b"kept")]);
    fs::create_dir(folder.path().join("out")).unwrap();
    std::os::unix::fs::symlink("../outside", folder.path().join("out/x")).unwrap();
    let output = huntgate(folder.path(), &["convert", "in", "-t", "splunk", "--out", "out"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("not a folder"), "{}", stderr(&output));
    assert_eq!(fs::read_dir(folder.path().join("outside")).unwrap().count(), 1);
}

#[test]
fn unread_hunts_and_denied_effects_fail_the_run() {
    let folder = folder(&[("a.kql", HUNT.as_bytes()), ("b.kql", BAD.as_bytes())]);
    assert_eq!(huntgate(folder.path(), &["convert", "b.kql", "-t", "splunk"]).status.code(), Some(1));
    assert_eq!(huntgate(folder.path(), &["convert", ".", "-t", "splunk"]).status.code(), Some(1));
    let any = ["convert", "a.kql", "-t", "splunk", "--deny", "exact,reshaped,broader,narrower,unsure,refused"];
    assert_eq!(huntgate(folder.path(), &any).status.code(), Some(1));
}

#[test]
fn queries_are_written_for_a_version_of_elastic() {
    let folder = folder(&[("a.kql", HUNT.as_bytes())]);
    let convert = |target: &str, version: &str| {
        let args = ["convert", "a.kql", "-t", target, "--schema", "source", "--target-version", version];
        huntgate(folder.path(), &args)
    };
    for (target, version) in [("eql", "8.19"), ("elastic", "9.3.1"), ("splunk,esql", "9"), ("all", "10.0")] {
        assert_eq!(convert(target, version).status.code(), Some(0), "{target} {version}");
    }
    assert_eq!(
        stdout(&convert("eql", "9.5")),
        stdout(&huntgate(folder.path(), &["convert", "a.kql", "-t", "eql", "--schema", "source"]))
    );
    for (target, version, says) in [
        ("splunk", "9.3", "eql, esql and elastic"),
        ("splunk,sigma", "9.3", "eql, esql and elastic"),
        ("esql", "7.10", "no version 7.10"),
        ("esql", "93", "no version 93.0"),
        ("esql", "new", "`new` is no version"),
    ] {
        let output = convert(target, version);
        assert_eq!(output.status.code(), Some(2), "{target} {version}");
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
}

#[test]
fn elastic_is_the_better_one_of_two_languages() {
    let folder = folder(&[("in/a.kql", HUNT.as_bytes())]);
    let args = ["convert", "in/a.kql", "-t", "elastic,splunk", "--schema", "elastic=source", "--format", "json"];
    let output = huntgate(folder.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found = lines(&output);
    let targets: Vec<_> = found.iter().map(|line| (line["target"].as_str(), line["schema"].as_str())).collect();
    assert_eq!(targets, [(Some("eql"), Some("source")), (Some("splunk"), Some("addon"))]);
    let codes = |line: &Value| line["notes"].as_array().unwrap().iter().filter(|note| note["code"] == "HG339").count();
    assert_eq!((codes(&found[0]), codes(&found[1])), (1, 0));
    // The file has the ending of the language that was chosen, and the query is that of the language.
    let args = ["convert", "in", "-t", "elastic", "--schema", "source", "--out", "out", "--annotate"];
    assert_eq!(huntgate(folder.path(), &args).status.code(), Some(0));
    let written = fs::read_to_string(folder.path().join("out/a.kql.eql")).unwrap();
    assert!(written.contains("// HG339 exact: EQL is chosen"), "{written}");
    assert!(written.ends_with("any where ?FileName == \"odd.exe\"\n"), "{written}");
    // What EQL can not hold becomes ES|QL, and EQL says so where it is asked for.
    fs::write(folder.path().join("g.kql"), format!("{HUNT}| summarize count() by DeviceName\n")).unwrap();
    let args = ["convert", "g.kql", "-t", "elastic", "--schema", "source", "--out", "out"];
    assert_eq!(huntgate(folder.path(), &args).status.code(), Some(0));
    assert!(fs::read_to_string(folder.path().join("out/g.kql.esql")).unwrap().contains("STATS"));
    let output = huntgate(folder.path(), &["convert", "g.kql", "-t", "eql", "--schema", "source", "--format", "json"]);
    assert!(lines(&output)[0]["notes"].as_array().unwrap().iter().any(|note| note["code"] == "HG338"));
    // Neither language is asked for beside it.
    let output = huntgate(folder.path(), &["convert", "in", "-t", "eql,elastic"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("ask for eql or for elastic"), "{}", stderr(&output));
}

const RULE: &str = "id: 9B2F1A44-0C6E-4D0B-8E57-3F1D2C5A7E90
name: Odd program started by a mail client
description: |
  'Finds a mail client that starts \"odd.exe\": it's not to be seen often.
  - see https://blog.example/odd (in English).

  Technique: https://attack.mitre.org/techniques/T1204/002/'
severity: High
metadata:
  author:
    name: Example Author
tactics:
  - Execution
  - InitialAccess
  - NoSuchTactic
relevantTechniques: T1204.002, T1566
queryFrequency: PT1H
queryPeriod: 1d
triggerOperator: gt
triggerThreshold: 0
query: |
  DeviceProcessEvents
  | where FileName == \"odd.exe\" and InitiatingProcessFileName =~ \"mail.exe\"
  | summarize count() by DeviceName
";

#[test]
fn a_rule_keeps_what_its_file_says_of_it() {
    let folder = folder(&[("rule.yaml", RULE.as_bytes())]);
    let output = huntgate(folder.path(), &["convert", "rule.yaml", "-t", "sigma"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output);
    let heading = said.split("logsource:").next().unwrap();
    let expected = "\
title: Odd program started by a mail client
id: ID
related:
    - id: 9b2f1a44-0c6e-4d0b-8e57-3f1d2c5a7e90
      type: derived
status: experimental
description: |-
    Finds a mail client that starts \"odd.exe\": it's not to be seen often.
    - see https://blog.example/odd (in English).

    Technique: https://attack.mitre.org/techniques/T1204/002/

    Not in this rule:
    - aggregation: summarize count() by DeviceName
references:
    - https://blog.example/odd
author: Example Author
tags:
    - attack.execution
    - attack.initial-access
    - attack.t1204.002
    - attack.t1566
";
    let id = heading.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    assert_eq!(heading, expected.replace("ID", id));
    assert!(said.ends_with("falsepositives:\n    - Unknown\nlevel: high\n"), "{said}");
}

#[test]
fn what_is_said_of_a_file_is_no_part_of_its_rules() {
    let rule = r#"{"kind": "Scheduled", "properties": {"displayName": "A", "query": "DeviceEvents | take 1"}}"#;
    let text = format!(r#"[{rule}, {{"kind": "Fusion", "properties": {{"displayName": "F"}}}}]"#);
    let folder = folder(&[("a.json", text.as_bytes())]);
    let args = ["convert", "a.json", "-t", "splunk", "--as", "rule", "--format", "json"];
    let output = huntgate(folder.path(), &args);
    assert_eq!(output.status.code(), Some(0));
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes: Vec<&str> = line["notes"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"HG502"), "{codes:?}");
    let file = line["rules"][0]["file"].as_str().unwrap();
    assert!(file.contains("[A]") && !file.contains("HG502"), "{file}");
}
