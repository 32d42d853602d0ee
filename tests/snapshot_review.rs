//! `huntgate snapshot`, from outside: a repository of hunts whose snapshots are checked, reviewed and accepted; and what
//! goes with it: huntgate.toml, allowances and the baseline.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

const ONE: &str = "DeviceProcessEvents\n| where FileName == \"odd.exe\"\n";
const GROUPED: &str = "DeviceProcessEvents\n| where FileName == \"two.exe\"\n| summarize count() by DeviceName\n";
const PAIR: &str =
    "DeviceFileEvents\n| where FileName == \"three.dll\"\n\n\nDeviceFileEvents\n| where FileName == \"four.dll\"\n";
const RULE: &str = "id: 5c1f4a55-0d64-4b1c-9d4e-3d6a3f1e2b10\nname: Odd rule\ndescription: A rule.\nseverity: Medium\n\
    queryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\ntactics:\n  - Execution\n\
    relevantTechniques:\n  - T1059\nquery: |\n  DeviceProcessEvents\n  | where FileName == \"rule.exe\"\nkind: Scheduled\n\
    version: 1.0.0\n";
const CONFIG: &str = "targets = [\"splunk\", \"eql\", \"sigma\"]\n";

struct Repository(tempfile::TempDir);

impl Repository {
    /// Four files with five hunts, and what huntgate.toml says.
    fn new(config: &str) -> Self {
        let it = Self(tempfile::tempdir().unwrap());
        for (name, text) in [
            ("huntgate.toml", config),
            ("hunts/one.kql", ONE),
            ("hunts/grouped.kql", GROUPED),
            ("hunts/deep/pair.kql", PAIR),
            ("hunts/rule.yaml", RULE),
        ] {
            it.write(name, text);
        }
        it
    }

    /// The same with all snapshots accepted.
    fn accepted(config: &str) -> Self {
        let it = Self::new(config);
        it.accept(&[]);
        it
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn has(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    fn change(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no {from}");
        self.write(name, &text.replace(from, to));
    }

    fn run_in(&self, folder: &str, args: &[&str]) -> Output {
        let mut command = Command::cargo_bin("huntgate").unwrap();
        let command = command.current_dir(self.path().join(folder)).args(args);
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").output().unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        self.run_in(".", args)
    }

    fn accept(&self, paths: &[&str]) {
        let output = self.run(&[&["snapshot", "accept"], paths].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    }

    /// Exit status, and of each snapshot that is not current: hunt, target, status.
    fn check(&self) -> (i32, Vec<(String, String, String)>) {
        let (code, lines) = self.lines(&["snapshot", "check", "--format", "json"]);
        let get = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
        let open = lines.iter().filter(|line| line["status"] != "current");
        (code, open.map(|line| (get(line, "hunt"), get(line, "target"), get(line, "status"))).collect())
    }

    fn lines(&self, args: &[&str]) -> (i32, Vec<Value>) {
        let output = self.run(args);
        let lines = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (output.status.code().unwrap(), lines)
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn text(output: &Output) -> String {
    stdout(output) + &String::from_utf8_lossy(&output.stderr)
}

fn of(hunt: &str, status: &str) -> Vec<(String, String, String)> {
    ["splunk", "eql", "sigma"].map(|target| (hunt.to_owned(), target.to_owned(), status.to_owned())).to_vec()
}

#[test]
fn new_hunts_are_named_accepted_and_current() {
    let repository = Repository::new(CONFIG);
    let (code, open) = repository.check();
    assert_eq!((code, open.len()), (1, 15));
    assert!(open.iter().all(|(_, _, status)| status == "new"), "{open:?}");
    repository.accept(&[]);
    assert_eq!(repository.check(), (0, vec![]));
    for name in ["hunts/one.kql.spl", "hunts/one.kql.eql", "hunts/one.kql.yml", "hunts/deep/pair.kql.1.spl"] {
        assert!(repository.has(name), "{name}");
    }
    // Below its header a snapshot is what convert gives.
    let query = stdout(&repository.run(&["convert", "hunts/one.kql", "-t", "eql"]));
    let snapshot = repository.read("hunts/one.kql.eql");
    assert!(
        snapshot.ends_with(&query) && snapshot.starts_with("// huntgate snapshot 1\n// hunt: one.kql\n"),
        "{snapshot}"
    );
    assert!(repository.read("hunts/rule.yaml.yml").contains("# id: 5c1f4a55-0d64-4b1c-9d4e-3d6a3f1e2b10\n"));
    // Twice is once, and no snapshot is taken for a hunt.
    let before = repository.read("hunts/rule.yaml.yml");
    repository.accept(&[]);
    assert_eq!(repository.read("hunts/rule.yaml.yml"), before);
    let (_, lines) = repository.lines(&["check", "hunts", "--format", "json"]);
    assert_eq!(lines.len(), 5);
}

#[test]
fn one_literal_changes_one_file_per_target() {
    let repository = Repository::accepted(CONFIG);
    repository.change("hunts/one.kql", "odd.exe", "odder.exe");
    assert_eq!(repository.check(), (1, of("hunts/one.kql", "changed")));
    let output = repository.run(&["snapshot", "check"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    for words in [
        "hunts/one.kql (one) -> splunk: changed, exact\n",
        "hunts/one.kql (one) -> sigma: changed, exact\n",
        "--- hunts/one.kql.eql (accepted)\n+++ hunts/one.kql.eql (now)\n",
        "-  ?process.name == \"odd.exe\"\n+  ?process.name == \"odder.exe\"\n",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert!(!said.contains("grouped"), "{said}");
    repository.accept(&[]);
    assert_eq!(repository.check(), (0, vec![]));
    // A line that moves changes nothing where the target says nothing of the text.
    repository.change("hunts/rule.yaml", "  | where", "\n\n  | where");
    let (_, open) = repository.check();
    assert!(open.iter().all(|(_, target, _)| target == "sigma"), "{open:?}");
}

#[test]
fn a_change_of_the_verdict_and_of_the_notes_is_shown() {
    let repository = Repository::accepted(CONFIG);
    repository.change("hunts/grouped.kql", "| summarize count() by DeviceName\n", "");
    let (_, lines) = repository.lines(&["snapshot", "check", "--format", "json"]);
    let eql = lines.iter().find(|line| line["status"] == "changed" && line["target"] == "eql").unwrap();
    assert_eq!((&eql["before"], &eql["after"]), (&"reshaped".into(), &"exact".into()));
    assert!(eql["removed"][0].as_str().unwrap().starts_with("HG302 reshaped: "), "{eql}");
    assert!(stdout(&repository.run(&["snapshot", "check"])).contains("-> eql: changed, reshaped -> exact\n"));
    // What can not be said any more has a file, too.
    repository.write("hunts/grouped.kql", "NoSuchTable_CL\n| evaluate bag_unpack(x)\n| fork (take 1) (take 2)\n");
    let (_, lines) = repository.lines(&["snapshot", "check", "--format", "json"]);
    let refused = lines.iter().find(|line| line["target"] == "sigma" && line["after"] == "refused").unwrap();
    assert_eq!(refused["before"], "reshaped", "{refused}");
    repository.accept(&["hunts/grouped.kql"]);
    let snapshot = repository.read("hunts/grouped.kql.yml");
    assert!(snapshot.contains("# verdict: refused\n"), "{snapshot}");
    assert!(snapshot.lines().all(|line| line.starts_with("# ")), "{snapshot}");
    assert_eq!(repository.check(), (0, vec![]));
}

#[test]
fn each_thing_that_can_happen_to_a_snapshot_is_told_apart() {
    let repository = Repository::accepted(CONFIG);
    let only = |hunt: &str, target: &str, status: &str| vec![(hunt.to_owned(), target.to_owned(), status.to_owned())];
    // Changed by hand; accepting writes it anew.
    let snapshot = repository.read("hunts/one.kql.eql");
    repository.change("hunts/one.kql.eql", "odd.exe", "even.exe");
    assert_eq!(repository.check(), (1, only("hunts/one.kql", "eql", "hand-edited")));
    repository.accept(&["hunts/one.kql.eql"]);
    assert_eq!(repository.read("hunts/one.kql.eql"), snapshot);
    // The marks of a merge.
    let merged =
        snapshot.replace("process where", "<<<<<<< HEAD\nany where\n=======\nprocess where") + ">>>>>>> other\n";
    repository.write("hunts/one.kql.eql", &merged);
    assert_eq!(repository.check(), (1, only("hunts/one.kql", "eql", "conflicted")));
    repository.accept(&[]);
    assert_eq!(repository.read("hunts/one.kql.eql"), snapshot);
    // A file that is no snapshot is never written over.
    repository.write("hunts/one.kql.eql", "any where true\n");
    assert_eq!(repository.check(), (1, only("hunts/one.kql", "eql", "in-the-way")));
    let output = repository.run(&["snapshot", "accept"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert_eq!(repository.read("hunts/one.kql.eql"), "any where true\n");
    repository.write("hunts/one.kql.eql", &snapshot);
    // A hunt that can not be read keeps its snapshots.
    repository.write("hunts/deep/pair.kql", "<<<<<<< HEAD\nT | where (\n");
    let (code, open) = repository.check();
    assert_eq!((code, open.len()), (1, 1), "{open:?}");
    assert_eq!((open[0].0.as_str(), open[0].2.as_str()), ("hunts/deep/pair.kql", "unread"));
    let output = repository.run(&["snapshot", "accept"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(repository.has("hunts/deep/pair.kql.1.spl"));
    repository.write("hunts/deep/pair.kql", PAIR);
    assert_eq!(repository.check(), (0, vec![]));
    // A hunt that is gone.
    fs::remove_file(repository.path().join("hunts/grouped.kql")).unwrap();
    let (code, mut open) = repository.check();
    open.sort();
    let mut gone = of("hunts/grouped.kql", "orphaned");
    gone.sort();
    assert_eq!((code, open), (1, gone));
    repository.accept(&[]);
    assert!(!repository.has("hunts/grouped.kql.spl"));
    assert_eq!(repository.check(), (0, vec![]));
}

#[test]
fn a_hunt_with_another_name_is_one_change() {
    let repository = Repository::accepted(CONFIG);
    let rename = |from: &str, to: &str| fs::rename(repository.path().join(from), repository.path().join(to)).unwrap();
    // By its identifier, though its text has changed, and into another folder.
    rename("hunts/rule.yaml", "hunts/deep/new.yaml");
    repository.change("hunts/deep/new.yaml", "rule.exe", "ruler.exe");
    assert_eq!(repository.check(), (1, of("hunts/deep/new.yaml", "renamed")));
    let said = stdout(&repository.run(&["snapshot", "check"]));
    assert!(said.contains("renamed from hunts/rule.yaml.eql, exact\n"), "{said}");
    assert!(said.contains("+  ?process.name == \"ruler.exe\"\n"), "{said}");
    repository.accept(&["hunts/deep"]);
    assert!(repository.has("hunts/deep/new.yaml.spl") && !repository.has("hunts/rule.yaml.spl"));
    assert_eq!(repository.check(), (0, vec![]));
    // By its text: that of a Sigma rule has the name in it.
    rename("hunts/one.kql", "hunts/uno.kql");
    let (code, open) = repository.check();
    let renamed: Vec<_> = open.iter().filter(|(_, _, status)| status == "renamed").map(|it| it.1.as_str()).collect();
    assert_eq!((code, renamed), (1, vec!["splunk", "eql"]), "{open:?}");
    repository.accept(&[]);
    assert!(!repository.has("hunts/one.kql.yml") && repository.has("hunts/uno.kql.yml"));
    assert_eq!(repository.check(), (0, vec![]));
}

#[test]
fn a_review_reads_its_answers_line_by_line() {
    let repository = Repository::accepted(CONFIG);
    let review = |answers: &str| {
        let mut command = Command::cargo_bin("huntgate").unwrap();
        let command = command.current_dir(repository.path()).args(["snapshot", "review"]);
        command.write_stdin(answers.to_owned()).output().unwrap()
    };
    assert_eq!(review("").status.code(), Some(0), "nothing to review");
    repository.change("hunts/one.kql", "odd.exe", "odder.exe");
    let output = review("what?\nd\na\nr\ns\n");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).ends_with("1 accepted, 1 rejected, 1 skipped\n"), "{}", text(&output));
    assert!(repository.read("hunts/one.kql.spl").contains("odder.exe"));
    assert!(!repository.read("hunts/one.kql.eql").contains("odder.exe"));
    for (answers, words) in
        [("q\n", "0 accepted, 0 rejected, 0 skipped, 2 not looked at\n"), ("r\n", "1 not looked at\n")]
    {
        let output = review(answers);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output).ends_with(words), "{}", text(&output));
    }
    let output = review("a\na\n");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(repository.check(), (0, vec![]));
}

#[test]
fn snapshots_may_lie_in_a_tree_of_their_own() {
    let repository = Repository::accepted(&format!("{CONFIG}snapshots = \"converted/now\"\n"));
    assert!(repository.has("converted/now/hunts/deep/pair.kql.0.eql") && !repository.has("hunts/one.kql.spl"));
    assert_eq!(repository.check(), (0, vec![]));
    // A part of the tree is looked at alone, from wherever one stands.
    let output = repository.run_in("hunts", &["snapshot", "check", "deep"]);
    assert!(text(&output).contains("6 snapshots: 6 current"), "{}", text(&output));
    fs::remove_file(repository.path().join("hunts/one.kql")).unwrap();
    let output = repository.run_in("hunts/deep", &["snapshot", "check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("hunts/one.kql -> splunk: orphaned")
            || text(&output).contains("(one) -> splunk: orphaned"),
        "{}",
        text(&output)
    );
    let outside = repository.run_in("..", &["snapshot", "check", "--config"]);
    assert_eq!(outside.status.code(), Some(2));
}

#[test]
fn rule_files_are_snapshots_too() {
    let config = "targets = [\"sigma\"]\nas = \"rule\"\n";
    let repository = Repository::accepted(config);
    let snapshot = repository.read("hunts/rule.yaml.yml");
    assert!(snapshot.contains("# target: sigma\n") && snapshot.contains("# package: sigma\n"), "{snapshot}");
    let rules: Vec<serde_yaml_ng::Value> = serde_yaml_ng::Deserializer::from_str(&snapshot)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect();
    assert_eq!(rules[0]["title"].as_str(), Some("Odd rule"));
    repository.change("hunts/rule.yaml", "severity: Medium", "severity: High");
    assert_eq!(repository.check(), (1, vec![("hunts/rule.yaml".into(), "sigma (sigma)".into(), "changed".into())]));
    let output = repository.run(&["snapshot", "check", "-t", "esql", "--package", "kibana"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("detection-rule"), "{}", text(&output));
}

#[test]
fn denied_effects_fail_unless_they_are_accepted() {
    let repository = Repository::accepted(&format!("{CONFIG}deny = [\"reshaped\"]\n"));
    let denied = |args: &[&str]| {
        let (code, lines) = repository.lines(&[&["snapshot", "check", "--format", "json"], args].concat());
        let open = |line: &&Value| line["denied"].as_array().unwrap().iter().any(|note| note["accepted"].is_null());
        let open: Vec<_> = lines.iter().filter(open).map(|line| line["target"].as_str().unwrap().to_owned()).collect();
        (code, open)
    };
    assert_eq!(denied(&[]), (1, vec!["eql".to_owned(), "sigma".to_owned()]));
    assert_eq!(denied(&["--deny", "refused"]), (0, vec![]), "the command line wins");
    // A comment accepts it for one target, with its reason.
    let comment = "// huntgate: allow HG302 for eql because the console counts";
    repository.write("hunts/grouped.kql", &format!("{comment}\n{GROUPED}"));
    assert_eq!(denied(&[]).1, ["sigma"]);
    let convert = |target: &str| repository.run(&["convert", "hunts/grouped.kql", "-t", target, "--format", "json"]);
    let converted: Value = serde_json::from_str(&stdout(&convert("eql"))).unwrap();
    assert_eq!(converted["verdict"], "reshaped", "the verdict is what it was");
    let notes = converted["notes"].as_array().unwrap();
    assert_eq!(notes.iter().find(|note| note["code"] == "HG302").unwrap()["accepted"], "the console counts");
    assert_eq!((convert("eql").status.code(), convert("sigma").status.code()), (Some(0), Some(1)));
    // The baseline takes the rest.
    let output = repository.run(&["snapshot", "accept", "--baseline", "--reason", "as \"before\" \\ [x]\n"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("1 entry added"), "{}", text(&output));
    repository.accept(&[]);
    assert_eq!(denied(&[]), (0, vec![]));
    assert_eq!(convert("sigma").status.code(), Some(0));
    let again = repository.run(&["snapshot", "accept", "--baseline", "--reason", "again"]);
    assert!(text(&again).contains("0 entries added"), "{}", text(&again));
    // What is not needed any more is named.
    repository.change("hunts/grouped.kql", "| summarize count() by DeviceName\n", "");
    let said = text(&repository.run(&["snapshot", "check"]));
    assert_eq!(said.matches("warning[HG513]").count(), 2, "{said}");
    assert!(said.contains("huntgate-baseline.toml:2:8") && said.contains("hunts/grouped.kql:1:1"), "{said}");
    let said = text(&repository.run(&["check", "hunts"]));
    assert!(said.contains("warning[HG513]"), "{said}");
    repository.change("hunts/grouped.kql", "because", "as");
    let said = text(&repository.run(&["check", "hunts"]));
    assert!(said.contains("warning[HG512]") && !said.contains("HG513"), "{said}");
    // A baseline that can not be used stops everything.
    repository.write("huntgate-baseline.toml", "[[accepted]]\nhunt = \"a.kql\"\n");
    let output = repository.run(&["snapshot", "check"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("HG550: huntgate-baseline.toml:1:1"), "{}", text(&output));
}

#[test]
fn reports_are_what_other_tools_read() {
    let repository = Repository::accepted(CONFIG);
    repository.change("hunts/one.kql", "odd.exe", "<odd>|`x`.exe");
    fs::rename(repository.path().join("hunts/grouped.kql"), repository.path().join("hunts/a [b](c).kql")).unwrap();
    repository.write("hunts/deep/bad.kql", "T\n|| where\n");
    let report = |format: &str| {
        let name = format!("out.{format}");
        let output = repository.run(&["snapshot", "check", "--format", format, "--output", &name]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert_eq!(
            stdout(&output),
            stdout(&repository.run(&["snapshot", "check", "--format", "json", "-o", "x.json"]))
        );
        repository.read(&name)
    };
    let log: Value = serde_json::from_str(&report("sarif")).unwrap();
    let run = &log["runs"][0];
    let mut rules = Vec::new();
    for result in run["results"].as_array().unwrap() {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64().unwrap() >= 1);
        rules.push((
            result["ruleId"].as_str().unwrap(),
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap(),
        ));
    }
    assert!(
        rules.contains(&("HG551", "hunts/one.kql")) && rules.iter().any(|(_, uri)| uri.contains("bad.kql")),
        "{rules:?}"
    );

    let junit = report("junit");
    let mut reader = quick_xml::Reader::from_str(&junit);
    let (mut cases, mut failures, mut errors) = (0, 0, 0);
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                cases += usize::from(tag.name().as_ref() == "testcase");
                failures += usize::from(tag.name().as_ref() == "failure");
                errors += usize::from(tag.name().as_ref() == "error");
            }
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(
        (cases, errors),
        (17, 1),
        "fifteen snapshots, one Sigma rule without a hunt, one hunt not read: {junit}"
    );
    assert_eq!(failures, 7, "three changed, two renamed, one new and one orphaned: {junit}");
    assert!(junit.contains("&lt;odd&gt;"), "{junit}");

    let markdown = report("markdown");
    assert!(
        markdown.contains("| <code>hunts/one&#46;kql</code>") || markdown.contains("| <code>hunts/one.kql</code>"),
        "{markdown}"
    );
    assert!(markdown.contains("<code>hunts/a &#91;b&#93;&#40;c&#41;.kql</code>"), "{markdown}");
    assert_eq!(markdown.matches("<details>").count(), 8, "{markdown}");
}

#[test]
fn the_configuration_is_found_upwards_and_the_command_line_wins() {
    let repository = Repository::new("targets = [\"splunk\"]\n[schemas]\nsplunk = \"source\"\n");
    let targets = |folder: &str, args: &[&str]| {
        let output = repository.run_in(folder, &[&["convert", "--format", "json"], args].concat());
        let lines: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names = lines
            .iter()
            .map(|line| format!("{}:{}", line["target"].as_str().unwrap(), line["schema"].as_str().unwrap()));
        (output.status.code().unwrap(), names.collect::<Vec<_>>())
    };
    assert_eq!(targets("hunts/deep", &["../one.kql"]), (0, vec!["splunk:source".to_owned()]));
    assert_eq!(targets("hunts", &["one.kql", "--schema", "addon"]), (0, vec!["splunk:addon".to_owned()]));
    assert_eq!(targets("hunts", &["one.kql", "-t", "eql"]), (0, vec!["eql:ecs".to_owned()]));
    assert_eq!(targets("hunts", &["one.kql", "--no-config"]).0, 2);
    assert_eq!(targets("hunts", &["one.kql", "--no-config", "-t", "splunk"]), (0, vec!["splunk:addon".to_owned()]));
    // A repository below is one of its own.
    fs::create_dir(repository.path().join("hunts/.git")).unwrap();
    assert_eq!(targets("hunts/deep", &["../one.kql"]).0, 2);
    assert_eq!(targets("hunts/deep", &["../one.kql", "--config", "../../huntgate.toml"]).0, 0);
    fs::remove_dir(repository.path().join("hunts/.git")).unwrap();
    for (config, words) in [
        ("targets = [\"splunk\"]\ntarget = \"eql\"\n", "../huntgate.toml:2:1: unknown field `target`"),
        ("targets = [\"qradar\"]\n", "`qradar` is no target"),
        ("targets = [\"splunk\"]\n[schemas]\nspunk = \"source\"\n", "`spunk` is no target"),
        ("targets = [\"splunk\"]\nfields = [\"none.toml\"]\n", "none.toml"),
        ("targets = [\n", "../huntgate.toml:"),
    ] {
        repository.write("huntgate.toml", config);
        let output = repository.run_in("hunts", &["convert", "one.kql"]);
        assert_eq!(output.status.code(), Some(2), "{config}: {}", text(&output));
        assert!(text(&output).contains(words), "{config}: {}", text(&output));
    }
}

#[test]
fn wrong_usage_of_snapshots_is_status_2() {
    let repository = Repository::new(CONFIG);
    for (args, words) in [
        (&["snapshot", "check", "none"][..], "no folder"),
        (&["snapshot", "check", "--no-config"], "no target"),
        (&["snapshot", "accept", "none.kql"], "no hunt and no snapshot"),
        (&["snapshot", "accept", "--baseline"], "--reason"),
        (&["snapshot", "accept", "--baseline", "--reason", "x"], "no effect is denied"),
        (&["snapshot", "accept", "--baseline", "--reason", " . ", "--deny", "refused"], "says nothing"),
        (
            &["snapshot", "accept", "--baseline", "--reason", "x", "--deny", "refused", "--no-config", "-t", "eql"],
            "there is none",
        ),
    ] {
        let output = repository.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output));
        assert!(text(&output).contains(words), "{args:?}: {}", text(&output));
    }
}
