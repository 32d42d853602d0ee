//! `huntgate migrate` from outside: what is written, kept, removed, and what a killed run leaves.
//!
//! What a rule file says is for the tests of its form; here it only matters that it is there, whole, and told of.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::Value;

const HUNT: &str = "DeviceProcessEvents\n| where FileName == \"odd.exe\"\n";
const LISTED: &str = "DeviceProcessEvents\n| where FileName in ((_GetWatchlist('bad tools') | project SearchKey))\n";
const BAD: &str = "DeviceProcessEvents\n|| where FileName\n";
const MANIFEST: &str = "huntgate-manifest.json";
const JOURNAL: &str = "huntgate-journal.jsonl";

fn rule(name: &str, severity: &str) -> String {
    let name = serde_json::to_string(name).unwrap();
    format!(
        "id: 0a1b2c3d-0000-4000-8000-000000000001\nname: {name}\nseverity: {severity}\nkind: Scheduled\n\
         queryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\n\
         oddKey: x\nrequiredDataConnectors:\n  - connectorId: MicrosoftThreatProtection\n    dataTypes:\n      - DeviceProcessEvents\n\
         query: |\n  DeviceProcessEvents\n  | where FileName == \"odd.exe\"\n"
    )
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(&folder.path().join("in"), name, text);
    }
    folder
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn migrate(folder: &Path, more: &[&str]) -> Output {
    let args = ["migrate", "in", "--out", "out"];
    Command::cargo_bin("huntgate").unwrap().current_dir(folder).args(args).args(more).output().unwrap()
}

/// Migrates, expects the exit status, and gives what was said on standard error.
fn run(folder: &Path, more: &[&str], status: i32) -> String {
    let output = migrate(folder, more);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{said}");
    said
}

/// The files below a folder by their paths.
fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                walk(root, &entry.path(), found);
            } else {
                let path = entry.path().strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.insert(path, fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    if root.exists() {
        walk(root, root, &mut found);
    }
    found
}

fn manifest(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("out").join(MANIFEST)).unwrap()).unwrap()
}

/// Every file that the manifest says was written, with its checksum.
fn listed(manifest: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let hunts = manifest["hunts"].as_array().unwrap().iter();
    let outputs = hunts
        .flat_map(|hunt| hunt["targets"].as_array().unwrap())
        .flat_map(|target| target["outputs"].as_array().unwrap())
        .filter(|output| !output["path"].is_null());
    let all = outputs.chain(manifest["reports"].as_array().unwrap());
    all.map(|file| (text(&file["path"]), text(&file["sha256"]))).collect()
}

#[test]
fn the_tree_is_mirrored_and_the_manifest_says_what_is_there() {
    let folder = folder(&[("a/b.kql", HUNT), ("a/c.yaml", &rule("Odd tool", "High")), ("two.md", "")]);
    write(&folder.path().join("in"), "two.md", &format!("# One\n```kql\n{HUNT}```\n# Two\n```kql\n{LISTED}```\n"));
    run(folder.path(), &["-t", "splunk,sigma"], 0);
    let tree = tree(&folder.path().join("out"));
    let names: Vec<&str> = tree.keys().map(String::as_str).collect();
    let expected = [
        "a/b.kql.conf",
        "a/b.kql.yml",
        "a/c.yaml.conf",
        "a/c.yaml.yml",
        MANIFEST,
        "report.html",
        "report.md",
        "two.md.0.conf",
        "two.md.0.yml",
        "two.md.1.conf",
    ];
    assert_eq!(names, expected);
    let manifest = manifest(folder.path());
    let listed = listed(&manifest);
    assert_eq!(listed.len() + 1, tree.len());
    for (path, sha256) in &listed {
        use sha2::Digest as _;
        let digest: String = sha2::Sha256::digest(&tree[path]).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, *sha256, "{path}");
    }
    let rule = &manifest["hunts"][1];
    assert_eq!(rule["path"], "a/c.yaml");
    assert_eq!((&rule["severity"], &rule["name"]), (&"high".into(), &"Odd tool".into()));
    assert_eq!((&rule["kind"], &rule["unread"][0]["key"]), (&"scheduled".into(), &"oddKey".into()));
    assert_eq!(rule["connectors"][0]["id"], "MicrosoftThreatProtection");
    // The rule file is what `convert` gives.
    let convert = ["convert", "in/a/c.yaml", "-t", "sigma", "--as", "rule"];
    let output = Command::cargo_bin("huntgate").unwrap().current_dir(folder.path()).args(convert).output().unwrap();
    assert_eq!(output.stdout, tree["a/c.yaml.yml"]);
    for report in ["report.md", "report.html"] {
        let text = String::from_utf8(tree[report].clone()).unwrap();
        for path in listed.keys().filter(|path| !path.starts_with("report")) {
            assert!(text.contains(path.as_str()), "{report}: {path}");
        }
        assert!(text.contains("Odd tool") && text.contains("MicrosoftThreatProtection"), "{report}");
        assert!(text.contains("oddKey"), "{report}");
    }
}

#[test]
fn what_the_site_needs_is_listed_with_those_who_need_it() {
    let folder = folder(&[("a.kql", LISTED), ("b.kql", HUNT)]);
    run(folder.path(), &["-t", "splunk,esql,sigma", "--as", "query"], 0);
    let manifest = manifest(folder.path());
    let needs = |hunt: usize, target: usize| manifest["hunts"][hunt]["targets"][target]["needs"].clone();
    let has = |needs: &Value, kind: &str, name: &str| {
        needs.as_array().unwrap().iter().any(|need| need["kind"] == kind && need["name"] == name)
    };
    assert!(has(&needs(0, 0), "lookup", "bad_tools"), "{}", needs(0, 0));
    assert!(
        has(&needs(0, 1), "index", "bad_tools") || has(&needs(0, 1), "lookup-index", "bad_tools"),
        "{}",
        needs(0, 1)
    );
    assert!(!has(&needs(1, 0), "lookup", "bad_tools"));
    assert!(has(&needs(1, 2), "log-source", "category: process_creation, product: windows"), "{}", needs(1, 2));
    let report = fs::read_to_string(folder.path().join("out/report.md")).unwrap();
    assert!(report.contains("| splunk | lookups | bad\\_tools | bad tools | a |"), "{report}");
}

#[test]
fn a_second_run_writes_nothing_and_a_changed_hunt_its_own_files_only() {
    let folder = folder(&[("a.kql", HUNT), ("b.kql", HUNT)]);
    let args = ["-t", "splunk,sigma"];
    run(folder.path(), &args, 0);
    let before = tree(&folder.path().join("out"));
    let times = || -> BTreeMap<String, _> {
        let modified = |path: &String| fs::metadata(folder.path().join("out").join(path)).unwrap().modified().unwrap();
        before.keys().map(|path| (path.clone(), modified(path))).collect()
    };
    let first = times();
    std::thread::sleep(Duration::from_millis(20));
    run(folder.path(), &args, 0);
    assert_eq!(tree(&folder.path().join("out")), before);
    assert_eq!(times(), first);
    write(&folder.path().join("in"), "a.kql", &HUNT.replace("odd", "odder"));
    run(folder.path(), &args, 0);
    let changed: Vec<String> =
        times().into_iter().filter(|(path, time)| first[path] != *time).map(|(path, _)| path).collect();
    assert_eq!(changed, ["a.kql.conf", "a.kql.yml", MANIFEST]);
}

#[test]
fn what_was_changed_by_hand_is_kept_until_it_is_forced() {
    let folder = folder(&[("a.kql", HUNT), ("b.kql", HUNT)]);
    let out = folder.path().join("out");
    write(&out, "b.kql.yml", "mine\n");
    let said = run(folder.path(), &["-t", "sigma"], 1);
    assert!(said.contains("b.kql.yml"), "{said}");
    assert_eq!(fs::read_to_string(out.join("b.kql.yml")).unwrap(), "mine\n");
    let own = fs::read_to_string(out.join("a.kql.yml")).unwrap();
    fs::write(out.join("a.kql.yml"), "edited\n").unwrap();
    let said = run(folder.path(), &["-t", "sigma"], 1);
    assert!(said.contains("a.kql.yml") && said.contains("b.kql.yml"), "{said}");
    assert_eq!(fs::read_to_string(out.join("a.kql.yml")).unwrap(), "edited\n");
    let row = manifest(folder.path())["hunts"][0]["targets"][0]["outputs"][0].clone();
    assert_eq!((&row["kept"], &row["notes"][0]["code"]), (&true.into(), &"HG561".into()));
    assert!(fs::read_to_string(out.join("report.md")).unwrap().contains("changed by hand"));
    // Once more: what is kept is still not huntgate's.
    run(folder.path(), &["-t", "sigma"], 1);
    assert_eq!(fs::read_to_string(out.join("a.kql.yml")).unwrap(), "edited\n");
    run(folder.path(), &["-t", "sigma", "--force"], 0);
    assert_eq!(fs::read_to_string(out.join("a.kql.yml")).unwrap(), own);
    assert_ne!(
        fs::read_to_string(out.join("b.kql.yml")).unwrap(),
        "mine
"
    );
    run(folder.path(), &["-t", "sigma"], 0);
}

#[test]
fn files_that_no_hunt_makes_any_more_go_unless_they_were_changed() {
    let folder = folder(&[("a.kql", HUNT), ("d/b.kql", HUNT), ("d/c.kql", HUNT), ("e/x.kql", HUNT)]);
    let (input, out) = (folder.path().join("in"), folder.path().join("out"));
    run(folder.path(), &["-t", "sigma"], 0);
    fs::write(out.join("d/c.kql.yml"), "edited\n").unwrap();
    write(&out, "d/notes.txt", "mine\n");
    fs::remove_dir_all(input.join("d")).unwrap();
    fs::remove_dir_all(input.join("e")).unwrap();
    let said = run(folder.path(), &["-t", "sigma"], 1);
    assert!(said.contains("d/c.kql.yml") && !said.contains("b.kql"), "{said}");
    let names: Vec<String> = tree(&out).into_keys().collect();
    assert_eq!(names, ["a.kql.yml", "d/c.kql.yml", "d/notes.txt", MANIFEST, "report.html", "report.md"]);
    assert!(!out.join("e").exists());
    assert_eq!(manifest(folder.path())["left"][0]["edited"], true);
    // When the file is gone nothing is said of it any more.
    fs::remove_file(out.join("d/c.kql.yml")).unwrap();
    run(folder.path(), &["-t", "sigma"], 0);
    assert!(manifest(folder.path())["left"].as_array().unwrap().is_empty());
}

#[test]
fn what_a_killed_run_wrote_is_not_taken_for_changed_by_hand() {
    let folder = folder(&[("a.kql", HUNT), ("b.kql", HUNT), ("c.kql", HUNT)]);
    let (input, out) = (folder.path().join("in"), folder.path().join("out"));
    run(folder.path(), &["-t", "sigma"], 0);
    // As if it had been killed before the manifest, in the middle of a line of the journal.
    let line = |(path, sha256)| serde_json::json!({ "path": path, "sha256": sha256 }).to_string() + "\n";
    let journal: String = listed(&manifest(folder.path())).into_iter().map(line).collect();
    fs::remove_file(out.join(MANIFEST)).unwrap();
    fs::write(out.join(JOURNAL), journal + "{\"path\":\"x").unwrap();
    fs::write(out.join(".huntgate-aB3dE6"), "ha").unwrap();
    // Meanwhile one hunt was changed and another one deleted.
    write(&input, "a.kql", &HUNT.replace("odd", "odder"));
    fs::remove_file(input.join("b.kql")).unwrap();
    run(folder.path(), &["-t", "sigma"], 0);
    let tree = tree(&out);
    let names: Vec<&str> = tree.keys().map(String::as_str).collect();
    assert_eq!(names, ["a.kql.yml", "c.kql.yml", MANIFEST, "report.html", "report.md"]);
    assert!(String::from_utf8_lossy(&tree["a.kql.yml"]).contains("odder"));
}

#[test]
fn where_not_everything_was_read_nothing_is_removed() {
    let folder = folder(&[("a.kql", HUNT), ("b.kql", HUNT)]);
    let (input, out) = (folder.path().join("in"), folder.path().join("out"));
    run(folder.path(), &["-t", "sigma"], 0);
    fs::remove_file(input.join("b.kql")).unwrap();
    fs::write(input.join("c.kql"), [0u8, 159, 146, 150, 0, 255, 254]).unwrap();
    run(folder.path(), &["-t", "sigma"], 1);
    assert!(out.join("b.kql.yml").exists());
    assert_eq!(manifest(folder.path())["left"][0]["edited"], false);
    fs::remove_file(input.join("c.kql")).unwrap();
    run(folder.path(), &["-t", "sigma"], 0);
    assert!(!out.join("b.kql.yml").exists());
    // A folder without hunts is a mistake more often than a wish.
    fs::remove_file(input.join("a.kql")).unwrap();
    run(folder.path(), &["-t", "sigma"], 0);
    assert!(out.join("a.kql.yml").exists());
}

#[test]
fn hostile_names_stay_where_they_are() {
    let names =
        ["../../x", "<script>alert(1)</script>", "a|b", "a\nb\n# c", "\u{1b}[31m\u{202e}", "](x)", "\"><img src=x>"];
    let mut files: Vec<(String, String)> =
        names.iter().enumerate().map(|(at, name)| (format!("r{at}.yaml"), rule(name, "Low"))).collect();
    files.push(("<b>&\"'|`.kql".to_owned(), HUNT.to_owned()));
    files.push(("new\nline.kql".to_owned(), HUNT.to_owned()));
    files.push(("javascript:x.kql".to_owned(), HUNT.to_owned()));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = folder(&files);
    let output = migrate(folder.path(), &["-t", "splunk,sigma", "--package", "savedsearch,contentctl,sigma"]);
    assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
    let entries: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert!(!folder.path().parent().unwrap().join("x").exists());
    let tree = tree(&folder.path().join("out"));
    let html = String::from_utf8(tree["report.html"].clone()).unwrap();
    for word in ["<script", "<img", "<b>&", "javascript:", "\u{1b}", "\u{202e}"] {
        assert!(!html.contains(&format!("\"{word}")) && (word == "javascript:" || !html.contains(word)), "{word}");
    }
    let markdown = String::from_utf8(tree["report.md"].clone()).unwrap();
    assert!(!markdown.contains("\n# c") && !markdown.replace("\\<", "").contains('<') && !markdown.contains('\u{1b}'));
    let manifest = String::from_utf8(tree[MANIFEST].clone()).unwrap();
    assert!(!manifest.contains('\u{1b}') && !manifest.contains('\u{202e}'));
    // Every file that is told of is there, and every file that is there is told of.
    let value: Value = serde_json::from_str(&manifest).unwrap();
    let told: Vec<String> = listed(&value).into_keys().collect();
    let there: Vec<String> = tree.into_keys().filter(|path| path != MANIFEST).collect();
    assert_eq!(told, there);
}

#[test]
fn two_rules_of_one_name_are_told_apart() {
    let folder = folder(&[("a.yaml", &rule("Same", "Low")), ("b.yaml", &rule("Same", "Low"))]);
    let args = ["-t", "splunk", "--package", "contentctl"];
    let said = run(folder.path(), &args, 0);
    assert!(said.contains("warning") && said.contains("another hunt"), "{said}");
    let before = tree(&folder.path().join("out"));
    let names: Vec<&str> = before.keys().map(String::as_str).collect();
    assert_eq!(names, ["b.yaml.d/same.yml", MANIFEST, "report.html", "report.md", "same.yml"]);
    let output = manifest(folder.path())["hunts"][1]["targets"][0]["outputs"][0].clone();
    assert_eq!((&output["path"], &output["kept"]), (&"b.yaml.d/same.yml".into(), &false.into()));
    assert_eq!(output["notes"].as_array().unwrap().last().unwrap()["code"], "HG560");
    run(folder.path(), &args, 0);
    assert_eq!(tree(&folder.path().join("out")), before);
    // `convert` does the same.
    let args = ["convert", "in", "--as", "rule", "--out", "files", "-t", "splunk", "--package", "contentctl"];
    let output = Command::cargo_bin("huntgate").unwrap().current_dir(folder.path()).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(tree(&folder.path().join("files")).into_keys().collect::<Vec<_>>(), ["b.yaml.d/same.yml", "same.yml"]);
    // Without the first one the second one has the name.
    fs::remove_file(folder.path().join("in/a.yaml")).unwrap();
    run(folder.path(), &["-t", "splunk", "--package", "contentctl"], 0);
    let names: Vec<String> = tree(&folder.path().join("out")).into_keys().collect();
    assert_eq!(names, [MANIFEST, "report.html", "report.md", "same.yml"]);
}

#[test]
fn the_configuration_holds_and_what_was_accepted_is_told_of() {
    let hunt = "DeviceProcessEvents // huntgate: allow HG305 because ten are enough\n| where FileName == \"odd.exe\"\n\
                | take 10 // huntgate: allow HG305 because ten are enough\n";
    let folder = folder(&[("a.kql", hunt), ("b.kql", "// huntgate: allow everything\nDeviceProcessEvents | take 1\n")]);
    write(folder.path(), "huntgate.toml", "targets = [\"sigma\"]\nas = \"query\"\ndeny = [\"refused\"]\n");
    run(folder.path(), &[], 0);
    let manifest = manifest(folder.path());
    assert_eq!(manifest["as"], "query");
    let notes = manifest["hunts"][0]["targets"][0]["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note["accepted"] == "ten are enough"), "{notes:?}");
    assert_eq!(manifest["hunts"][1]["remarks"][0]["code"], "HG512", "{manifest}");
    let report = fs::read_to_string(folder.path().join("out/report.md")).unwrap();
    assert!(report.contains("accepted: ten are enough") && report.contains("HG512"), "{report}");
    run(folder.path(), &["--deny", "broader"], 1);
}

#[test]
fn the_exit_status_is_that_of_convert() {
    let folder = folder(&[("a.kql", HUNT), ("b.kql", BAD)]);
    let said = run(folder.path(), &["-t", "sigma"], 1);
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(manifest(folder.path())["hunts"][1]["read"], false);
    fs::remove_file(folder.path().join("in/b.kql")).unwrap();
    run(folder.path(), &["-t", "sigma"], 0);
    run(folder.path(), &["-t", "eql", "--as", "query", "--deny", "refused"], 0);
    run(folder.path(), &["-t", "sigma", "--deny", "exact,reshaped,broader,narrower,unsure"], 1);
    for (args, words) in [
        (&["migrate", "in", "-t", "sigma"][..], "--out"),
        (&["migrate", "-t", "sigma", "--out", "out"], "DIR"),
        (&["migrate", "in", "-t", "sigma", "--out", "in"], "read as hunts"),
        (&["migrate", "in", "-t", "sigma", "--out", "."], "read as hunts"),
        (&["migrate", "-", "-t", "sigma", "--out", "out"], "standard input"),
        (&["migrate", "in", "-t", "sigma", "--out", "out", "--as", "query", "--package", "sigma"], "--as rule"),
    ] {
        let output = Command::cargo_bin("huntgate").unwrap().current_dir(folder.path()).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
    // A file of that name that is none of huntgate's is not overwritten.
    fs::write(folder.path().join("out").join(MANIFEST), "{}").unwrap();
    assert!(run(folder.path(), &["-t", "sigma"], 1).contains("no manifest of huntgate"));
    run(folder.path(), &["-t", "sigma", "--force"], 0);
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let folder = folder(&[("d/a.kql", HUNT), ("b.kql", HUNT)]);
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("out")).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("out/d")).unwrap();
    let said = run(folder.path(), &["-t", "sigma"], 1);
    assert!(said.contains("not a folder"), "{said}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    // The rest is there, and when the link is gone the next run completes it.
    assert!(folder.path().join("out/b.kql.yml").exists() && !folder.path().join("out").join(MANIFEST).exists());
    fs::remove_file(folder.path().join("out/d")).unwrap();
    run(folder.path(), &["-t", "sigma"], 0);
    assert!(!folder.path().join("out").join(JOURNAL).exists());
}

#[test]
fn a_run_that_is_killed_leaves_whole_files_and_the_next_one_completes_it() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..400 {
        let text = HUNT.replace("odd", &format!("odd{number}"));
        write(&folder.path().join("in"), &format!("{}/{number}.kql", number % 7), &text);
    }
    let args = ["-t", "splunk,sigma", "--package", "all"];
    let begin = Instant::now();
    run(folder.path(), &args, 0);
    let whole_run = begin.elapsed();
    let out = folder.path().join("out");
    let whole = tree(&out);
    assert_eq!(whole.len(), 400 * 4 + 3);
    let is_temporary = |path: &String| path.rsplit('/').next().unwrap().starts_with(".huntgate-");
    let mut partly = 0;
    for moment in 1..=12u32 {
        // Each time from the beginning, but for every fourth, which goes on where the last one was killed.
        if moment % 4 != 0 && out.exists() {
            fs::remove_dir_all(&out).unwrap();
        }
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("huntgate"))
            .current_dir(folder.path())
            .args(["migrate", "in", "--out", "out"])
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole_run * moment / 13);
        child.kill().unwrap();
        child.wait().unwrap();
        let left = tree(&out);
        let files = left.iter().filter(|(path, _)| !is_temporary(path) && *path != JOURNAL);
        let count = files.clone().count();
        for (path, bytes) in files {
            assert!(whole.get(path) == Some(bytes), "{path} is not whole, killed at {moment}/13");
        }
        partly += usize::from(count > 0 && count < whole.len());
        if moment % 4 == 3 {
            continue;
        }
        run(folder.path(), &args, 0);
        assert!(tree(&out) == whole, "killed at {moment}/13: the next run does not complete it");
    }
    assert!(partly > 0, "no run was killed while it wrote");
}
