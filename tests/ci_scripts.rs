//! The scripts that run huntgate in CI: the GitHub Action and the pre-commit hook, each in a repository of its own.
//!
//! They need bash and git; where one is not there, the tests say so.

#![cfg(unix)]
#![allow(clippy::panic, clippy::print_stderr, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const HUNT: &str = "DeviceProcessEvents\n| where FileName == \"odd.exe\"\n";

fn is_there(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("not run: {tool} is not there");
    }
    found
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci").join(name)
}

fn command(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("HUNTGATE_BIN", env!("CARGO_BIN_EXE_huntgate"));
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
        command.env_remove(name);
    }
    command
}

fn git(folder: &Path, args: &[&str]) -> Output {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    command(folder, "git").args(identity).args(args).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A repository with a hunt whose snapshots are accepted and committed.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(git(path, &["init", "-q"]).status.success());
    fs::write(path.join("huntgate.toml"), "targets = [\"splunk\", \"sigma\"]\n").unwrap();
    fs::create_dir(path.join("hunts")).unwrap();
    fs::write(path.join("hunts/a.kql"), HUNT).unwrap();
    let accepted = command(path, env!("CARGO_BIN_EXE_huntgate")).args(["snapshot", "accept"]).output().unwrap();
    assert!(accepted.status.success(), "{}", text(&accepted));
    git(path, &["add", "-A"]);
    assert!(git(path, &["commit", "-qm", "first"]).status.success());
    folder
}

struct Job {
    output: Output,
    outputs: String,
    summary: String,
}

fn action(folder: &Path, inputs: &[(&str, &str)]) -> Job {
    let temporary = tempfile::tempdir().unwrap();
    let at = |name: &str| temporary.path().join(name);
    let mut command = command(folder, "bash");
    command
        .arg(script("github-action.sh"))
        .env("GITHUB_OUTPUT", at("output"))
        .env("GITHUB_STEP_SUMMARY", at("summary"));
    for (name, value) in inputs {
        command.env(format!("HUNTGATE_{name}"), value);
    }
    let output = command.output().unwrap();
    let read = |name: &str| fs::read_to_string(at(name)).unwrap_or_default();
    Job { outputs: read("output"), summary: read("summary"), output }
}

#[test]
fn the_action_passes_and_fails_with_the_snapshots() {
    if !is_there("bash") || !is_there("git") {
        return;
    }
    let folder = repository();
    let path = folder.path();
    let job = action(path, &[]);
    assert_eq!(job.output.status.code(), Some(0), "{}", text(&job.output));
    assert_eq!(job.outputs, "status=current\n");
    assert!(job.summary.contains("2 snapshots: 2 current"), "{}", job.summary);

    fs::write(path.join("hunts/a.kql"), HUNT.replace("odd", "odder")).unwrap();
    fs::write(path.join("hunts/::warning::x.kql"), HUNT).unwrap();
    let job =
        action(path, &[("SARIF", "out.sarif"), ("JUNIT", "out.xml"), ("PATH", "hunts"), ("ARGS", "--style exact")]);
    assert_eq!(job.output.status.code(), Some(1), "{}", text(&job.output));
    assert_eq!(job.outputs, "status=outdated\nsarif=out.sarif\njunit=out.xml\n");
    assert!(job.summary.contains("| Hunt | Target |") && job.summary.contains("odder.exe"), "{}", job.summary);
    let sarif: serde_json::Value = serde_json::from_str(&fs::read_to_string(path.join("out.sarif")).unwrap()).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 4);
    assert!(fs::read_to_string(path.join("out.xml")).unwrap().contains("<failure"));
    // What a hunt's name says is between the marks that stop commands of the workflow.
    let said = text(&job.output);
    let token = said.lines().find_map(|line| line.strip_prefix("::stop-commands::")).unwrap();
    let (between, _) = said.split_once(&format!("\n::{token}::\n")).unwrap();
    assert!(token.len() == 32 && between.contains("::warning::x.kql"), "{said}");

    let job = action(path, &[("SUMMARY", "false")]);
    assert_eq!((job.output.status.code(), job.summary.as_str()), (Some(1), ""));
}

#[test]
fn the_action_says_where_it_could_not_check() {
    if !is_there("bash") || !is_there("git") {
        return;
    }
    let folder = repository();
    fs::write(folder.path().join("huntgate.toml"), "target = 1\n").unwrap();
    let job = action(folder.path(), &[("SARIF", "out.sarif")]);
    assert_eq!(job.output.status.code(), Some(2), "{}", text(&job.output));
    assert_eq!((job.outputs.as_str(), job.summary.as_str()), ("status=error\n", ""));
    assert!(!folder.path().join("out.sarif").exists());
}

#[test]
fn the_hook_looks_at_what_is_committed() {
    if !is_there("bash") || !is_there("git") {
        return;
    }
    let folder = repository();
    let path = folder.path();
    let hook = path.join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::copy(script("pre-commit.sh"), &hook).unwrap();
    let commit = || git(path, &["commit", "-qm", "next"]);

    // A hunt without its snapshots is held back, and in the working tree alone they do not help.
    fs::write(path.join("hunts/a.kql"), HUNT.replace("odd", "odder")).unwrap();
    git(path, &["add", "hunts/a.kql"]);
    let held = commit();
    assert_eq!(held.status.code(), Some(1), "{}", text(&held));
    assert!(text(&held).contains("odder.exe") && text(&held).contains("snapshot accept"), "{}", text(&held));
    let accepted = command(path, env!("CARGO_BIN_EXE_huntgate")).args(["snapshot", "accept"]).output().unwrap();
    assert!(accepted.status.success());
    assert_eq!(commit().status.code(), Some(1), "the index still holds the old snapshots");
    git(path, &["add", "-A"]);
    let passed = commit();
    assert!(passed.status.success(), "{}", text(&passed));

    // What is not staged is not looked at.
    fs::write(path.join("hunts/b.kql"), HUNT).unwrap();
    fs::write(path.join("README.rst"), "read").unwrap();
    git(path, &["add", "README.rst"]);
    assert!(commit().status.success());
    // A hunt that is gone leaves its snapshots behind.
    git(path, &["rm", "-q", "hunts/a.kql"]);
    let held = commit();
    assert!(!held.status.success() && text(&held).contains("orphaned"), "{}", text(&held));
}

#[test]
fn the_hook_checks_all_where_nothing_is_staged_and_names_what_it_lacks() {
    if !is_there("bash") || !is_there("git") {
        return;
    }
    let folder = repository();
    let path = folder.path();
    let run = |args: &[&str]| command(path, "bash").arg(script("pre-commit.sh")).args(args).output().unwrap();
    assert!(run(&[]).status.success());
    assert_eq!(run(&["--no-such-argument"]).status.code(), Some(2));
    fs::write(path.join("hunts/b.kql"), HUNT).unwrap();
    git(path, &["add", "-A"]);
    assert_eq!(run(&[]).status.code(), Some(1));
    let lacking =
        command(path, "bash").arg(script("pre-commit.sh")).env("HUNTGATE_BIN", "no-such-huntgate").output().unwrap();
    assert_eq!(lacking.status.code(), Some(2));
    assert!(text(&lacking).contains("not in PATH"), "{}", text(&lacking));
}

#[test]
fn the_action_and_the_hook_run_these_scripts() {
    let read = |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let action: serde_yaml_ng::Value = serde_yaml_ng::from_str(&read("action.yml")).unwrap();
    let step = &action["runs"]["steps"][0];
    assert!(step["run"].as_str().unwrap().contains(".ci/github-action.sh"));
    let (inputs, run) = (action["inputs"].as_mapping().unwrap(), read(".ci/github-action.sh"));
    for (name, value) in step["env"].as_mapping().unwrap() {
        assert!(run.contains(&format!("{}:", name.as_str().unwrap())), "{name:?} is not used");
        let value = value.as_str().unwrap();
        let input = value.strip_prefix("${{ inputs.").and_then(|rest| rest.strip_suffix(" }}"));
        assert!(input.is_none_or(|input| inputs.contains_key(input)), "{value}");
    }
    let hooks: serde_yaml_ng::Value = serde_yaml_ng::from_str(&read(".pre-commit-hooks.yaml")).unwrap();
    assert_eq!(hooks[0]["entry"].as_str(), Some(".ci/pre-commit.sh"));
}
