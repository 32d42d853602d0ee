//! How fast hunts are resolved and translated, on one thread: all hunts of the corpus where it is at hand, else those
//! under `tests/hunts`.
//!
//! `cargo bench --bench translate`; the folder that holds `corpus/hunts.jsonl` is named by `HUNTGATE_SHARED`, by default
//! `../shared`.

#![allow(clippy::unwrap_used, clippy::print_stderr)] // A bench may fail loudly.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use divan::counter::{BytesCount, ItemsCount};
use huntgate::{About, Gate, Options, Resolved, Style, Target};

static GATE: LazyLock<Gate> = LazyLock::new(|| Gate::new().unwrap());
static HUNTS: LazyLock<Vec<String>> = LazyLock::new(hunts);
static RESOLVED: LazyLock<Vec<(String, Resolved)>> = LazyLock::new(|| {
    let resolved = HUNTS.iter().map(|text| (text.clone(), GATE.resolve(text)));
    resolved.filter(|(_, resolved)| resolved.plan.is_some()).collect()
});

fn main() {
    divan::main();
}

fn hunts() -> Vec<String> {
    let shared = std::env::var_os("HUNTGATE_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    if let Ok(lines) = std::fs::read_to_string(shared.join("corpus/hunts.jsonl")) {
        let query = |line: &str| {
            let hunt: serde_json::Value = serde_json::from_str(line).unwrap();
            hunt["query"].as_str().unwrap().to_owned()
        };
        return lines.lines().map(query).collect();
    }
    eprintln!("there is no corpus: the hunts under tests/hunts are measured");
    let mut out = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hunts")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { out.push(std::fs::read_to_string(path).unwrap()) }
        }
    }
    out
}

/// Text → tree → plan.
#[divan::bench]
fn resolve(bencher: divan::Bencher<'_, '_>) {
    let bytes: usize = HUNTS.iter().map(String::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        for text in &*HUNTS {
            divan::black_box(GATE.resolve(text));
        }
    });
}

/// Text → query: all rooms, for one target.
#[divan::bench]
fn convert(bencher: divan::Bencher<'_, '_>) {
    let options = Options {
        target: Target::Splunk,
        schema: Some("source".to_owned()),
        style: Style::Exact,
        version: None,
        rule: false,
    };
    bencher.counter(ItemsCount::new(HUNTS.len())).bench(|| {
        for text in &*HUNTS {
            divan::black_box(GATE.translate(text, &About::default(), &GATE.resolve(text), &options));
        }
    });
}

/// Plan → query, with the schema that keeps KQL's names.
#[divan::bench(args = [Target::Splunk, Target::Eql, Target::Esql, Target::Sigma])]
fn translate(bencher: divan::Bencher<'_, '_>, target: Target) {
    let options =
        Options { target, schema: Some("source".to_owned()), style: Style::Exact, version: None, rule: false };
    bencher.counter(ItemsCount::new(RESOLVED.len())).bench(|| {
        for (text, resolved) in &*RESOLVED {
            divan::black_box(GATE.translate(text, &About::default(), resolved, &options));
        }
    });
}
