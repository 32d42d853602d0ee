//! Executes the Sigma rules that huntgate emits.
//!
//! A case (`case`) holds a hunt, events, and what the hunt says of each of them, worked out by hand from KQL. `verdict`
//! compares that with what an evaluator of Sigma (`engine`) makes of the emitted rules, as the verdict of the translation
//! claims. `structure` asks of every emitted file what must hold of it whatever the hunt is.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)] // A broken case or fixture fails the test.

mod case;
mod clock;
mod engine;
mod structure;
mod verdict;

use std::path::{Path, PathBuf};

use huntgate::{About, Gate, Options, Style, Target, Translation};

pub use case::{Case, Event, Group, Groups};
pub use clock::{NOW, Span, offset};
pub use structure::faults;
pub use verdict::{check, check_rules};

/// Translates a hunt to Sigma as the command line does.
pub fn translate(gate: &Gate, hunt: &str, name: &str, schema: Option<&str>, style: Style) -> Translation {
    let options =
        Options { target: Target::Sigma, schema: schema.map(str::to_owned), style, version: None, rule: false };
    let about = About { name: Some(name.to_owned()), ..About::default() };
    gate.translate(hunt, &about, &gate.resolve(hunt), &options)
}

/// The files below a folder that end so, in order.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, ending: &str, out: &mut Vec<PathBuf>) {
        let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, out);
            } else if path.extension().is_some_and(|it| it == ending) {
                out.push(path);
            }
        }
    }
    let mut out = Vec::new();
    walk(folder, ending, &mut out);
    out.sort();
    out
}
