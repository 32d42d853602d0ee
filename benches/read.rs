//! How fast hunts are read: text → tree, on one thread.
//!
//! The corpus of real hunts is read where it is at hand (`HUNTGATE_SHARED`, by default `../shared`), the project's own
//! hunts otherwise. The other benches show that time grows with length and not with nesting.

#![allow(clippy::print_stdout)] // It says what it reads.

use std::path::{Path, PathBuf};

use divan::Bencher;
use divan::counter::BytesCount;
use huntgate::syntax::{parse, print};

fn main() {
    divan::main();
}

/// The corpus, or the project's own hunts.
fn hunts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("HUNTGATE_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    if let Ok(corpus) = std::fs::read_to_string(shared.join("corpus/hunts.jsonl")) {
        let query =
            |row: &str| serde_json::from_str::<serde_json::Value>(row).ok()?["query"].as_str().map(str::to_owned);
        return corpus.lines().filter_map(query).collect();
    }
    println!("no corpus at {}: reading the project's own hunts", shared.display());
    let files = std::fs::read_dir(root.join("tests/syntax/ok")).into_iter().flatten();
    files.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok()).collect()
}

fn read(bencher: Bencher<'_, '_>, text: &str) {
    bencher.counter(BytesCount::of_str(text)).bench(|| parse(divan::black_box(text)).map_err(|faults| faults.len()));
}

#[divan::bench]
fn corpus(bencher: Bencher<'_, '_>) {
    let hunts = hunts();
    let bytes: usize = hunts.iter().map(String::len).sum();
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| hunts.iter().filter(|hunt| parse(divan::black_box(hunt.as_str())).is_ok()).count());
}

#[divan::bench]
fn corpus_printed(bencher: Bencher<'_, '_>) {
    let trees: Vec<_> = hunts().iter().filter_map(|hunt| parse(hunt).ok()).collect();
    bencher.bench(|| trees.iter().map(|tree| print(divan::black_box(tree)).len()).sum::<usize>());
}

#[divan::bench(args = [10, 20, 40, 64])]
fn nested_calls(bencher: Bencher<'_, '_>, depth: usize) {
    read(bencher, &format!("T | where {}x{} == 1", "f(".repeat(depth), ")".repeat(depth)));
}

#[divan::bench(args = [10, 20, 40, 64])]
fn nested_calls_that_fail(bencher: Bencher<'_, '_>, depth: usize) {
    read(bencher, &format!("T | where {}x y{} == 1", "f(".repeat(depth), ")".repeat(depth)));
}

#[divan::bench(args = [10, 20, 40, 64])]
fn nested_joins(bencher: Bencher<'_, '_>, depth: usize) {
    read(bencher, &format!("{}T{}", "T | join (".repeat(depth), ") on x".repeat(depth)));
}

#[divan::bench(args = [100, 1_000, 10_000])]
fn list(bencher: Bencher<'_, '_>, items: usize) {
    read(bencher, &format!("T | where x in ({}\"last\")", "\"203.0.113.7\", ".repeat(items)));
}

#[divan::bench(args = [100, 1_000, 10_000])]
fn dynamic_list(bencher: Bencher<'_, '_>, items: usize) {
    read(bencher, &format!("print dynamic([{}\"last\"])", "\"203.0.113.7\", ".repeat(items)));
}

#[divan::bench(args = [100, 1_000, 10_000])]
fn or_chain(bencher: Bencher<'_, '_>, terms: usize) {
    read(bencher, &format!("T | where x == 0{}", " or x == 1".repeat(terms)));
}

#[divan::bench(args = [64, 256, 1_024])]
fn kibibytes(bencher: Bencher<'_, '_>, size: usize) {
    let operator = "// what it does\n| where Account has \"admin\" and EventID in (4624, 4625)\n| extend Name = tolower(tostring(Bag.user[0]))\n";
    read(bencher, &format!("SecurityEvent\n{}", operator.repeat(size * 1024 / operator.len())));
}
