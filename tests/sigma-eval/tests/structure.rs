//! What must hold of every file of rules, asked of the rules for all hunts of the project, in both schemas and styles.

#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout)] // Helpers of tests may fail the test.

use std::path::Path;

use huntgate::{Gate, Style};
use huntgate_sigma_eval::{faults, files, translate};

#[test]
fn rules_for_every_hunt_are_well_formed() {
    let gate = Gate::new().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hunts");
    let (mut rules, mut failures) = (0, Vec::new());
    for path in files(&root, "kql") {
        let hunt = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy();
        for (schema, style) in [("source", Style::Exact), ("taxonomy", Style::Exact), ("source", Style::Native)] {
            let Some(yaml) = translate(&gate, &hunt, &name, Some(schema), style).query else { continue };
            rules += 1;
            let faults = faults(&yaml);
            if !faults.is_empty() {
                failures.push(format!("=== {}, {schema}\n{}\n{yaml}", path.display(), faults.join("\n")));
            }
        }
    }
    println!("{rules} files of rules");
    assert!(failures.is_empty(), "{} of {rules} are wrong\n{}", failures.len(), failures.join("\n\n"));
    assert!(rules > 250, "only {rules} files of rules were looked at");
}
