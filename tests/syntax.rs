//! The reader: what is accepted, what is refused and how it is said, and what holds for every tree.
//!
//! `tests/syntax/ok/*.kql` must read, `tests/syntax/err/*.kql` must not; their messages are snapshots. The corpus of
//! real hunts is measured where it is at hand (`HUNTGATE_SHARED`, by default `../shared`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // A test may fail loudly.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use huntgate::diagnostic::{Code, Diagnostic};
use huntgate::source::{LineIndex, Span};
use huntgate::syntax::ast::Query;
use huntgate::syntax::{pairs_text, parse, parse_all, print};
use serde_json::Value;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/syntax").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "kql"));
    files.sort();
    assert!(!files.is_empty());
    files
}

fn tree(query: &Query) -> Value {
    serde_json::to_value(query).unwrap()
}

/// The tree without places.
fn meaning(query: &Query) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("span");
                fields.remove("Star");
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = tree(query);
    strip(&mut value);
    value
}

/// Printing is a fixed point and keeps the tree; places nest and neither begin nor end in trivia.
fn check_tree(name: &str, text: &str, query: &Query) {
    let printed = print(query);
    let again = parse(&printed).unwrap_or_else(|faults| panic!("{name}: {faults:?} in\n{printed}"));
    assert_eq!(print(&again), printed, "{name}: printing is no fixed point");
    assert_eq!(meaning(&again), meaning(query), "{name}: printing changes the tree");
    if !query.statements.is_empty() {
        check_places(name, text, &comments(text), &tree(query), query.span);
    }
}

fn check_places(name: &str, text: &str, comments: &[Span], value: &Value, within: Span) {
    let mut within = within;
    match value {
        Value::Object(fields) => {
            let place = fields.get("span").and_then(serde_place);
            if let Some(span) = place {
                assert!(within.contains(span), "{name}: {span:?} is not within {within:?}");
                let written = span.slice(text);
                assert!(!written.is_empty(), "{name}: {span:?} is empty");
                assert_eq!(written.trim(), written, "{name}: {span:?} holds blanks");
                for place in [span.start, span.end - 1] {
                    let at = comments.partition_point(|comment| comment.end <= place);
                    let inside = comments.get(at).is_some_and(|comment| comment.start <= place);
                    assert!(!inside, "{name}: {span:?} begins or ends in a comment");
                }
                within = span;
            }
            fields.values().for_each(|field| check_places(name, text, comments, field, within));
        }
        Value::Array(items) => items.iter().for_each(|item| check_places(name, text, comments, item, within)),
        _ => {}
    }
}

fn serde_place(span: &Value) -> Option<Span> {
    Some(Span::new(span.get("start")?.as_u64()? as u32, span.get("end")?.as_u64()? as u32))
}

/// The comments of a text.
fn comments(text: &str) -> Vec<Span> {
    let mut comments = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let end =
            |from: usize, close: &str| rest[from..].find(close).map_or(rest.len(), |found| from + found + close.len());
        at += if rest.starts_with("//") {
            let length = rest.find('\n').unwrap_or(rest.len());
            comments.push(Span::new(at as u32, (at + length) as u32));
            length
        } else if rest.starts_with("```") || rest.starts_with("~~~") {
            end(3, &rest[..3])
        } else if rest.starts_with("@\"") || rest.starts_with("@'") {
            end(2, &rest[1..2])
        } else if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let mut escaped = false;
            let close = rest.char_indices().skip(1).find(|(_, c)| {
                let closes = !escaped && *c == quote;
                escaped = !escaped && *c == '\\';
                closes
            });
            close.map_or(rest.len(), |(at, _)| at + 1)
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
    }
    comments
}

fn render(text: &str, faults: &[Diagnostic]) -> String {
    let lines = LineIndex::new(text);
    let mut out = String::new();
    for fault in faults {
        let (line, column) = lines.line_column(text, fault.span.start);
        let source = text.lines().nth(line - 1).unwrap_or_default();
        let marks = "^".repeat(fault.span.slice(text).chars().count().max(1));
        writeln!(out, "{} {line}:{column} {}", fault.code, fault.message).unwrap();
        writeln!(out, "  | {}", source.replace('\t', " ")).unwrap();
        writeln!(out, "  | {}{marks}", " ".repeat(column - 1)).unwrap();
        for (span, label) in &fault.labels {
            let (line, column) = lines.line_column(text, span.start);
            writeln!(out, "  at {line}:{column}: {label}").unwrap();
        }
        if let Some(help) = &fault.help {
            writeln!(out, "  help: {help}").unwrap();
        }
    }
    out
}

#[test]
fn what_is_kql_is_read() {
    for path in files("ok") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display().to_string();
        match parse(&text) {
            Ok(query) => check_tree(&name, &text, &query),
            Err(faults) => panic!("{name}\n{}", render(&text, &faults)),
        }
        assert!(pairs_text(&text).unwrap().starts_with("query 0.."));
    }
}

#[test]
fn what_is_no_kql_is_explained() {
    let mut out = String::new();
    for path in files("err") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let faults = parse(&text).expect_err(&name);
        assert!(!faults.is_empty());
        writeln!(out, "--- {name}\n{}", render(&text, &faults)).unwrap();
    }
    insta::assert_snapshot!(out);
}

/// The meaning of the only expression of `print`.
fn printed(text: &str) -> Value {
    let query = parse(&format!("print {text}")).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
    let value = meaning(&query);
    value.pointer("/statements/0/kind/Query/kind/Pipeline/source/Operator/kind/Print/0/value/kind").cloned().unwrap()
}

#[test]
fn what_was_written_is_what_is_in_the_tree() {
    for (text, expected) in [
        (
            "dynamic(['a', 'b' 'c', [\"d\", \"e\"]])",
            r#"{"Literal":{"Array":[{"String":"a"},{"String":"bc"},{"Array":[{"String":"d"},{"String":"e"}]}]}}"#,
        ),
        (
            r#"dynamic({"k": "v", "l": [1, -2, 1d]})"#,
            r#"{"Literal":{"Bag":[["k",{"String":"v"}],["l",{"Array":[{"Long":1},{"Long":-2},{"Timespan":864000000000}]}]]}}"#,
        ),
        (r#""a" 'b' @"\c""#, r#"{"Literal":{"String":"ab\\c"}}"#),
        (r#"@'it''s'"#, r#"{"Literal":{"String":"it's"}}"#),
        ("5campaigns", r#"{"Name":{"text":"5campaigns"}}"#),
        ("5m", r#"{"Literal":{"Timespan":3000000000}}"#),
        ("int(5)", r#"{"Typed":{"ty":"int","value":{"Long":5}}}"#),
        (
            "x[-1].['a b']",
            r#"{"Member":{"base":{"kind":{"Index":{"base":{"kind":{"Name":{"text":"x"}}},"index":{"kind":{"Unary":{"op":"Minus","operand":{"kind":{"Literal":{"Long":1}}}}}}}}},"name":{"text":"a b"}}}"#,
        ),
        (
            "1 + 2 * 3",
            r#"{"Binary":{"op":"Add","left":{"kind":{"Literal":{"Long":1}}},"right":{"kind":{"Binary":{"op":"Multiply","left":{"kind":{"Literal":{"Long":2}}},"right":{"kind":{"Literal":{"Long":3}}}}}}}}"#,
        ),
        (
            "a * b has 'c'",
            r#"{"Binary":{"op":"Multiply","left":{"kind":{"Name":{"text":"a"}}},"right":{"kind":{"Binary":{"op":"Has","left":{"kind":{"Name":{"text":"b"}}},"right":{"kind":{"Literal":{"String":"c"}}}}}}}}"#,
        ),
        (
            "a in ('x', 'y')",
            r#"{"Membership":{"op":"In","subject":{"kind":{"Name":{"text":"a"}}},"items":[{"kind":{"Literal":{"String":"x"}}},{"kind":{"Literal":{"String":"y"}}}]}}"#,
        ),
        (
            "f(a, n = 'x' 'y', 'z')",
            r#"{"Call":{"base":null,"function":{"text":"f"},"args":[{"name":null,"value":{"kind":{"Name":{"text":"a"}}}},{"name":{"text":"n"},"value":{"kind":{"Literal":{"String":"xy"}}}},{"name":null,"value":{"kind":{"Literal":{"String":"z"}}}}]}}"#,
        ),
    ] {
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(printed(text), expected, "{text}");
    }
}

#[test]
fn no_prefix_of_a_hunt_panics() {
    for path in files("ok").into_iter().chain(files("err")) {
        let text = std::fs::read_to_string(&path).unwrap();
        for (at, _) in text.char_indices().step_by(29) {
            for fault in parse(&text[..at]).err().unwrap_or_default() {
                assert_ne!(fault.code, Code::Fault, "{}: {at}", path.display());
                assert!(text.is_char_boundary(fault.span.start as usize));
            }
        }
    }
}

/// Brackets as deep as the guard allows, on the stack of a test thread, in the shapes that nest.
#[test]
fn the_deepest_nesting_is_read() {
    let shapes = [
        ("(", ")"),
        ("f(", ")"),
        ("x[", "]"),
        ("-(", ")"),
        ("not(T | where ", ")"),
        ("a in (", ")"),
        ("1 + (2 * ", ")"),
    ];
    for (open, close) in shapes {
        for depth in [10, 40, 64 / open.matches(['(', '[']).count()] {
            let text = format!("T | where {}x{}", open.repeat(depth), close.repeat(depth));
            let query = parse(&text).unwrap_or_else(|faults| panic!("{open} {depth}: {faults:?}"));
            assert_eq!(print(&parse(&print(&query)).unwrap()), print(&query));
        }
        let text = format!("T | where {}x{}", open.repeat(65), close.repeat(65));
        assert_eq!(parse(&text).unwrap_err()[0].code, Code::TooDeep);
    }
    let joins = "T | join (".repeat(64) + "T" + &")".repeat(64);
    assert!(parse(&joins).is_ok());
    let json = format!("print dynamic({}1{})", "[".repeat(63), "]".repeat(63));
    assert!(parse(&json).is_ok());
}

#[test]
fn chains_without_brackets_do_not_exhaust_the_stack() {
    for (start, link, end) in
        [("print ", "-", "1"), ("print 1", " + 1", ""), ("print a", ".b", ""), ("print a", "[0]", "")]
    {
        let text = format!("{start}{}{end}", link.repeat(50_000));
        assert_eq!(parse(&text).unwrap_err()[0].code, Code::TooDeep, "{link}");
        assert!(parse(&format!("{start}{}{end}", link.repeat(300))).is_ok(), "{link}");
    }
    let text = format!("T | where a == 0{}", " or a == 1".repeat(50_000));
    let query = parse(&text).unwrap();
    assert_eq!(meaning(&parse(&print(&query)).unwrap()), meaning(&query));
}

#[test]
fn the_corpus_is_read() {
    let shared = std::env::var_os("HUNTGATE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let Ok(corpus) = std::fs::read_to_string(shared.join("corpus/hunts.jsonl")) else {
        println!("skipped: no corpus at {}", shared.display());
        return;
    };
    let (mut readable, mut read, mut unreadable, mut rejected) = (0, 0, 0, 0);
    for row in corpus.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let (id, text) = (row["id"].as_str().unwrap(), row["query"].as_str().unwrap());
        let parts = parse_all(text);
        let all = parts.iter().all(|(_, result)| result.is_ok());
        for (part, result) in &parts {
            if let Ok(query) = result {
                check_tree(id, part.slice(text), query);
            }
        }
        if row["syntax_ok"].as_bool().unwrap() {
            readable += 1;
            read += usize::from(all);
        } else {
            unreadable += 1;
            rejected += usize::from(!all);
        }
    }
    println!("read {read} of {readable}, rejected {rejected} of {unreadable}");
    assert!(read * 1000 >= readable * 998, "{read} of {readable}");
    assert!(rejected * 100 >= unreadable * 85, "{rejected} of {unreadable}");
}
