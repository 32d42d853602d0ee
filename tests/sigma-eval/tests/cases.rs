//! Every case under `cases`: the rules that are emitted for its hunt select what the verdict claims.

#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout)] // Helpers of tests may fail the test.

use std::collections::BTreeMap;
use std::path::Path;

use huntgate::Gate;
use huntgate_sigma_eval::{Case, check, files, offset};

/// So many cases there are at least, so that the runner can not run nothing unseen.
const AT_LEAST: usize = 220;

#[test]
fn rules_select_what_their_verdicts_claim() {
    let gate = Gate::new().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut failures = Vec::new();
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for path in files(&root, "toml") {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "{name} does not begin with a comment that says what it proves");
        let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let theme = name.split(['/', '\\']).next().unwrap_or_default().to_owned();
        let count = counts.entry(theme).or_default();
        if case.pending {
            count[1] += 1;
            let read = gate.resolve(&case.hunt);
            let sound = case.events.iter().all(|event| offset(&event.at).is_ok());
            if read.plan.is_none() || !sound {
                failures.push(format!("=== {name}\nthe hunt or a time can not be read: {:?}", read.diagnostics));
            }
            continue;
        }
        count[if case.known.is_some() { 2 } else { 0 }] += 1;
        let stem = path.file_stem().unwrap().to_string_lossy();
        if let Err(wrong) = check(&gate, &stem, &case) {
            failures.push(format!("=== {name}\n{wrong}"));
        }
    }
    for (theme, [run, pending, known]) in &counts {
        println!("{theme}: {run} run, {pending} pending, {known} known to differ");
    }
    let run: usize = counts.values().map(|[run, _, known]| run + known).sum();
    assert!(failures.is_empty(), "{} of {run} cases fail\n{}", failures.len(), failures.join("\n\n"));
    assert!(run >= AT_LEAST, "only {run} cases were run");
}
