//! What must hold of every file of rules, asked of the rules for all hunts of the project, in both schemas and styles, and
//! for those of a corpus of real hunts where one is at hand.

#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout)] // Helpers of tests may fail the test.

use std::path::{Path, PathBuf};

use huntgate::{Gate, Style};
use huntgate_sigma_eval::{faults, files, translate};

/// Rules for hunts, and what is wrong with them.
struct Rules {
    gate: Gate,
    files: usize,
    failures: Vec<String>,
}

impl Rules {
    fn new() -> Self {
        Self { gate: Gate::new().unwrap(), files: 0, failures: Vec::new() }
    }

    fn add(&mut self, name: &str, hunt: &str) {
        for (schema, style) in [("source", Style::Exact), ("taxonomy", Style::Exact), ("source", Style::Native)] {
            let Some(yaml) = translate(&self.gate, hunt, name, Some(schema), style).query else { continue };
            self.files += 1;
            let faults = faults(&yaml);
            if !faults.is_empty() {
                self.failures.push(format!("=== {name}, {schema}\n{}\n{yaml}", faults.join("\n")));
            }
        }
    }

    fn assert(self, at_least: usize) {
        let Self { files, failures, .. } = self;
        println!("{files} files of rules");
        let shown = failures.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
        assert!(failures.is_empty(), "{} of {files} are wrong\n{shown}", failures.len());
        assert!(files >= at_least, "only {files} files of rules were looked at");
    }
}

#[test]
fn rules_for_every_hunt_are_well_formed() {
    let mut rules = Rules::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hunts");
    for path in files(&root, "kql") {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        rules.add(&name, &std::fs::read_to_string(&path).unwrap());
    }
    rules.assert(300);
}

#[test]
fn rules_for_a_corpus_are_well_formed() {
    let shared = std::env::var_os("HUNTGATE_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let Ok(corpus) = std::fs::read_to_string(shared.join("corpus/hunts.jsonl")) else {
        println!("skipped: there is no corpus (set HUNTGATE_SHARED to the folder that holds corpus/hunts.jsonl)");
        return;
    };
    let mut rules = Rules::new();
    for line in corpus.lines() {
        let hunt: serde_json::Value = serde_json::from_str(line).unwrap();
        rules.add(hunt["name"].as_str().unwrap_or("hunt"), hunt["query"].as_str().unwrap());
    }
    rules.assert(1000);
}
