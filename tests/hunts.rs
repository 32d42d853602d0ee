//! Every hunt under `tests/hunts` on its way to every target: one file is one case, one snapshot shows all targets with
//! verdicts, notes and refusals, first under the schema that keeps KQL's names, then what the default schema changes. The
//! hunts of `cim` are shown in that schema alone, those of `elastic` in Elastic's, those of `sigma` in Sigma's two, those of
//! `annotate` with their notes as comments.

#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail the test.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use huntgate::{About, Gate, LineIndex, Options, Style, Target, Translation};

fn cases() -> Vec<PathBuf> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|ext| ext == "kql") {
                out.push(path);
            }
        }
    }
    let mut out = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hunts"), &mut out);
    out.sort();
    out
}

fn show(out: &mut String, text: &str, lines: &LineIndex, title: &str, translation: &Translation) {
    let _ = writeln!(out, "== {title}: {}", translation.verdict);
    if let Some(query) = &translation.query {
        let _ = writeln!(out, "{}", query.trim_end());
    }
    if let Some(range) = &translation.time_range {
        let open = || "open".to_owned();
        let (from, to) = (range.from.clone().unwrap_or_else(open), range.to.clone().unwrap_or_else(open));
        let _ = writeln!(out, "-- time range: {from} to {to}");
    }
    for note in &translation.notes {
        let (line, column) = lines.line_column(text, note.span.start);
        let effect = note.effect.map_or("-", |effect| effect.name());
        let _ = writeln!(out, "-- {} {effect} {line}:{column} {}", note.code, note.message);
    }
}

fn render(gate: &Gate, text: &str, theme: &str) -> String {
    let mut out = String::new();
    let lines = LineIndex::new(text);
    let resolved = gate.resolve(text);
    let (targets, schemas): (&[Target], &[Option<&str>]) = match theme {
        "cim" => (&[Target::Splunk], &[Some("cim")]),
        "elastic" => (&[Target::Eql, Target::Esql], &[None]),
        "sigma" | "correlations" => (&[Target::Sigma], &[Some("source"), None]),
        _ => (&[Target::Splunk, Target::Eql, Target::Esql, Target::Sigma], &[Some("source"), None]),
    };
    for target in targets {
        for schema in schemas {
            let title = format!("{target}, {}", schema.unwrap_or("default schema"));
            let options = Options {
                target: *target,
                schema: schema.map(str::to_owned),
                style: Style::Exact,
                version: None,
                rule: false,
            };
            let mut translation = gate.translate(text, &About::default(), &resolved, &options);
            if theme == "annotate" {
                translation.annotate(*target);
            }
            show(&mut out, text, &lines, &title, &translation);
        }
    }
    out
}

#[test]
fn every_hunt_in_every_target() {
    let gate = Gate::new().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hunts");
    let cases = cases();
    assert!(cases.len() > 60, "the hunts are missing");
    for path in cases {
        let text = std::fs::read_to_string(&path).unwrap();
        let theme = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let theme = theme.unwrap_or_default();
        let name = path.strip_prefix(&root).unwrap().with_extension("").to_string_lossy().replace(['/', '\\'], "__");
        insta::with_settings!({ description => text.trim_end(), omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, render(&gate, &text, &theme));
        });
    }
}

#[test]
fn order_lines_and_comments_of_the_seed_hunt_do_not_matter() {
    let gate = Gate::new().unwrap();
    let read = |name| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hunts/seed").join(name)).unwrap()
    };
    let (one, other) = (read("kaseya_signature.kql"), read("kaseya_other_order.kql"));
    for target in [Target::Splunk, Target::Eql, Target::Esql, Target::Sigma] {
        let options =
            Options { target, schema: Some("source".into()), style: Style::Exact, version: None, rule: false };
        let translate = |text: &str| {
            let about = About { name: Some("Kaseya".into()), id: Some("1".into()), ..About::default() };
            gate.translate(text, &about, &gate.resolve(text), &options)
        };
        let (one, other) = (translate(&one), translate(&other));
        assert!(one.query.is_some(), "{target}");
        assert_eq!(
            (one.query, one.verdict, one.time_range),
            (other.query, other.verdict, other.time_range),
            "{target}"
        );
    }
}
