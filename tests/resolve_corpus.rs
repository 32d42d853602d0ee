//! Measures resolution on a corpus of real hunts, where one is at hand: how many reach a plan, and why others do not.
//!
//! The corpus is not part of the project; without it the test says so and passes. `HUNTGATE_SHARED` names its folder.

#![allow(clippy::panic, clippy::unwrap_used)] // A broken corpus may fail the test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use huntgate::diagnostic::Severity;
use huntgate::vocabulary::Vocabulary;

fn corpus() -> Option<String> {
    let shared = std::env::var_os("HUNTGATE_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    std::fs::read_to_string(shared.join("corpus/hunts.jsonl")).ok()
}

#[test]
fn most_hunts_of_the_corpus_reach_a_plan() {
    let Some(corpus) = corpus() else {
        println!("skipped: there is no corpus (set HUNTGATE_SHARED to the folder that holds corpus/hunts.jsonl)");
        return;
    };
    let vocabulary = Vocabulary::embedded().unwrap();
    let (mut read, mut planned, mut nodes) = (0, 0, 0_u64);
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut notes: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut time, mut slowest) = (std::time::Duration::ZERO, (std::time::Duration::ZERO, String::new()));
    for line in corpus.lines() {
        let hunt: serde_json::Value = serde_json::from_str(line).unwrap();
        if hunt["syntax_ok"] != true {
            continue;
        }
        let (id, text) = (hunt["id"].as_str().unwrap_or_default(), hunt["query"].as_str().unwrap());
        if let Ok(query) = huntgate::syntax::parse(text) {
            read += 1;
            let start = Instant::now();
            let resolved = huntgate::resolve::resolve(&query, text, &vocabulary);
            let took = start.elapsed();
            time += took;
            if took > slowest.0 {
                slowest = (took, id.to_owned());
            }
            for diagnostic in &resolved.diagnostics {
                *notes.entry(diagnostic.code.text()).or_default() += 1;
            }
            let error = resolved.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
            assert_eq!(resolved.plan.is_none(), error.is_some(), "{id}");
            match (resolved.plan, error) {
                (Some(plan), _) => {
                    planned += 1;
                    nodes += u64::from(plan.nodes);
                }
                (None, Some(error)) => {
                    let reason = format!("{} {}", error.code, error.message);
                    reasons.entry(reason).or_default().push(id.to_owned());
                }
                (None, None) => panic!("{id}: no plan and no reason"),
            }
        }
    }
    println!(
        "{planned} of {read} hunts reach a plan ({:.2} %), {nodes} nodes",
        100.0 * f64::from(planned) / f64::from(read)
    );
    println!("time: {time:?}, slowest {slowest:?}");
    println!("diagnostics: {notes:?}");
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    for (reason, ids) in &reasons {
        println!("{:5} {reason}   e.g. {}", ids.len(), ids[0]);
    }
    assert!(f64::from(planned) >= 0.97 * f64::from(read), "{planned} of {read}");
}
