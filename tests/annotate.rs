//! `--annotate`: whatever a hunt holds, a query without its comments is the query as it is without them.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail the test.

use std::path::Path;

use huntgate::{About, Gate, Options, Style, Target};

/// The texts of all hunts of the tests, and hostile ones.
fn hunts() -> Vec<String> {
    fn walk(folder: &Path, out: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|ext| ext == "kql") {
                out.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut out = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hunts"), &mut out);
    let hostile = [
        "```",
        "`",
        "``` | delete ```",
        "a\\nb",
        "a\\r\\n| delete",
        "\\\\",
        "]] | [",
        "$result.x$",
        "`macro(1)`",
        "*/ or true //",
        "\\\"",
        "'''",
        "\\u2028# x: y",
        "\\u0085title: x",
        "\\u202e",
        "# comment",
        "// comment",
        "x\\ty",
        "…",
        "日本",
    ];
    for text in hostile {
        out.push(format!(
            "T | where A == \"{text}\" and B has \"{text}\" and C matches regex \"{}\"",
            text.replace('[', "\\\\[").replace("\\u2028", "")
        ));
        out.push(format!(
            "T | where ['{text}'] == \"x\" | project-rename ['{text}z'] = B | project-keep ['{text}*'], C"
        ));
        out.push(format!("['{text}'] | where A contains \"x\" | extend ['{text}'] = unknown_function(B, \"{text}\")"));
        out.push(format!("T | where A has \"-{text}-\" and tolower(B) has \"ÄÖ{text}\" | project-away ['{text}*']"));
    }
    out
}

/// The search as Splunk runs it: each comment is a blank, and a text in quotes holds no comment.
fn without_comments(query: &str) -> String {
    let mut out = String::new();
    let mut rest = query;
    while let Some(char) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("```") {
            let (inside, after) = comment.split_once("```").expect("a comment is closed");
            assert!(!inside.contains(['\n', '"', '\\', '|', '[', ']', '$', '`']), "{inside}");
            out.push(' ');
            rest = after;
            continue;
        }
        let length = if char == '"' {
            let mut escaped = false;
            let end = rest.char_indices().skip(1).find(|(_, char)| {
                let ends = *char == '"' && !escaped;
                escaped = *char == '\\' && !escaped;
                ends
            });
            end.expect("a text is closed").0 + 1
        } else if char == '\\' {
            1 + rest[1..].chars().next().map_or(0, char::len_utf8)
        } else {
            char.len_utf8()
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

#[test]
fn a_query_without_its_comments_is_the_query() {
    let gate = Gate::new().unwrap();
    let mut compared = [0; 4];
    for text in hunts() {
        let resolved = gate.resolve(&text);
        for (index, target) in [Target::Splunk, Target::Eql, Target::Esql, Target::Sigma].into_iter().enumerate() {
            for schema in gate.schemas(target).unwrap() {
                let options =
                    Options { target, schema: Some(schema.name), style: Style::Exact, version: None, rule: false };
                let plain = gate.translate(&text, &About::default(), &resolved, &options);
                let mut annotated = plain.clone();
                annotated.annotate(target);
                assert_eq!((annotated.verdict, &annotated.notes), (plain.verdict, &plain.notes));
                let (Some(plain), Some(annotated)) = (plain.query, annotated.query) else { continue };
                compared[index] += 1;
                let mark = match target {
                    Target::Splunk => {
                        let stripped = without_comments(&annotated);
                        let (bar, query) = plain.strip_prefix("| ").map_or(("", plain.as_str()), |query| ("|", query));
                        let before = stripped.strip_suffix(query).unwrap_or_else(|| panic!("{text}\n{annotated}"));
                        assert_eq!(before.trim(), bar, "{text}\n{annotated}");
                        assert!(annotated.trim_start_matches("| ").starts_with("```huntgate: "));
                        continue;
                    }
                    Target::Eql | Target::Esql => "// ",
                    Target::Sigma => "# ",
                };
                let comments: Vec<&str> = annotated.split('\n').take_while(|line| line.starts_with(mark)).collect();
                assert!(comments.first().is_some_and(|line| line.starts_with(&format!("{mark}huntgate: "))));
                let length: usize = comments.iter().map(|line| line.len() + 1).sum();
                assert_eq!(annotated[length..], plain, "{text}");
                assert!(!annotated[..length].contains(['\r', '\u{85}', '\u{2028}', '\u{2029}']), "{text}");
            }
        }
    }
    assert!(compared.iter().all(|count| *count > 50), "{compared:?}");
}
