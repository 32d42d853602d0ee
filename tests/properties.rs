//! Properties that hold for every hunt under `tests/hunts`: nothing of a hunt is lost in silence.

#![allow(clippy::panic, clippy::unwrap_used)] // Helpers of tests may fail the test.

use std::path::Path;

use huntgate::{About, Gate, Options, Span, Style, Target, Translation};

/// The texts of all hunts, with their names.
fn hunts() -> Vec<(String, String)> {
    fn walk(folder: &Path, out: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|ext| ext == "kql") {
                out.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut out = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hunts"), &mut out);
    out.sort();
    out
}

/// The literals and names of a hunt, each with a text to put in its place: a scan that knows only quotes and comments.
fn mutations(text: &str) -> Vec<(Span, String)> {
    let bytes = text.as_bytes();
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = text[at..].find('\n').map_or(bytes.len(), |end| at + end);
            }
            quote @ (b'"' | b'\'') => {
                let verbatim = at > 0 && bytes[at - 1] == b'@';
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' && !verbatim { 2 } else { 1 };
                }
                let inside = Span::new(start as u32 + 1, at as u32);
                out.push((inside, format!("{}zz", inside.slice(text))));
                at += 1;
            }
            byte if byte.is_ascii_digit() => {
                while at < bytes.len()
                    && (word(bytes[at])
                        || bytes[at] == b'-'
                            && bytes[at - 1].is_ascii_digit()
                            && bytes.get(at + 1).is_some_and(u8::is_ascii_digit))
                {
                    at += 1;
                }
                let digits = text[start..at].bytes().take_while(u8::is_ascii_digit).count();
                let number: u64 = text[start..start + digits].parse().unwrap();
                let span = Span::new(start as u32, (start + digits) as u32);
                out.push((span, (number + 1).to_string()));
            }
            byte if word(byte) => {
                while at < bytes.len() && word(bytes[at]) {
                    at += 1;
                }
                let span = Span::new(start as u32, at as u32);
                // The name of a `let` is no part of what the hunt says: changed there alone, its uses find nothing.
                if text[..start].ends_with("let ") {
                    continue;
                }
                match span.slice(text) {
                    "true" => out.push((span, "false".into())),
                    "false" => out.push((span, "true".into())),
                    name => out.push((span, format!("{name}zz"))),
                }
            }
            _ => at += 1,
        }
    }
    out
}

/// The query without what is derived from the whole text of the hunt; with the table that EQL leaves to the index.
fn essence(translation: &Translation) -> (Option<String>, String) {
    let index = translation.notes.iter().filter(|note| note.code == huntgate::Code::SelectorMissing);
    let index: Vec<&str> = index.map(|note| note.message.as_str()).collect();
    let query = translation
        .query
        .as_ref()
        .map(|query| query.lines().filter(|line| !line.starts_with("id: ")).collect::<Vec<_>>().join("\n"));
    (query, format!("{:?} {index:?}", translation.time_range))
}

#[test]
fn changing_any_literal_or_name_changes_the_query_or_meets_a_note() {
    let gate = Gate::new().unwrap();
    let mut survivors = Vec::new();
    let mut tried = 0;
    for (name, text) in hunts() {
        let resolved = gate.resolve(&text);
        for target in [Target::Splunk, Target::Eql, Target::Esql, Target::Sigma] {
            for schema in [Some("source".to_owned()), None] {
                let options = Options { target, schema, style: Style::Exact, version: None, rule: false };
                let translate = |text: &str| gate.translate(text, &About::default(), &gate.resolve(text), &options);
                let before = gate.translate(&text, &About::default(), &resolved, &options);
                if before.query.is_none() {
                    continue;
                }
                for (span, replacement) in mutations(&text) {
                    let mut changed = text.clone();
                    changed.replace_range(span.start as usize..span.end as usize, &replacement);
                    tried += 1;
                    let after = translate(&changed);
                    let noted = before.notes.iter().any(|note| note.span.contains(span));
                    // A name that is introduced and used must be changed in both places to keep the hunt whole; changed in
                    // one it is refused or unknown, which is an answer.
                    if after.query.is_some() && essence(&before) == essence(&after) && !noted {
                        survivors.push(format!(
                            "{name} [{target}, {:?}]: {:?} -> {replacement:?}",
                            options.schema,
                            span.slice(&text)
                        ));
                    }
                }
            }
        }
    }
    assert!(tried > 2_000, "only {tried} mutations were tried");
    assert!(
        survivors.is_empty(),
        "{} of {tried} changes had no effect and no note:\n{}",
        survivors.len(),
        survivors.join("\n")
    );
}

#[test]
fn a_query_and_a_refusal_exclude_each_other() {
    let gate = Gate::new().unwrap();
    for (name, text) in hunts() {
        let resolved = gate.resolve(&text);
        assert_eq!(
            resolved.plan.is_none(),
            resolved.diagnostics.iter().any(|it| it.severity == huntgate::Severity::Error),
            "{name}"
        );
        for target in Target::ALL {
            for style in [Style::Exact, Style::Native] {
                let options = Options { target, schema: None, style, version: None, rule: false };
                let translation = gate.translate(&text, &About::default(), &resolved, &options);
                assert_eq!(
                    translation.query.is_none(),
                    translation.verdict == huntgate::Effect::Refused,
                    "{name} {target}"
                );
                let worst = translation
                    .notes
                    .iter()
                    .filter_map(|note| note.effect)
                    .fold(huntgate::Effect::Exact, huntgate::Effect::and);
                assert_eq!(worst, translation.verdict, "{name} {target}: the verdict is that of its notes");
                assert!(translation.notes.iter().all(|note| note.span.end as usize <= text.len()), "{name} {target}");
            }
        }
    }
}

#[test]
fn equivalent_hunts_give_the_same_query() {
    let gate = Gate::new().unwrap();
    let pairs = [
        ("T_CL | where A == 'x' and B > 5", "T_CL | where B > 5 and A == 'x'"),
        ("T_CL | where A == 'x' | where B > 5", "T_CL | where A == 'x' and B > 5"),
        ("T_CL | where not(not(A has 'x'))", "T_CL | where (((A has 'x')))"),
        ("let N = 'x'; T_CL | where A has N", "let M = 'x'; T_CL // c\n\n| where A has M;"),
        ("T_CL | where A !in ('x', 'y')", "T_CL | where not(A in ('x', 'y'))"),
    ];
    for (one, other) in pairs {
        for target in [Target::Splunk, Target::Eql, Target::Esql, Target::Sigma] {
            let options =
                Options { target, schema: Some("source".into()), style: Style::Exact, version: None, rule: false };
            let about = About { name: Some("n".into()), id: Some("i".into()), ..About::default() };
            let translate = |text: &str| gate.translate(text, &about, &gate.resolve(text), &options);
            let (a, b) = (translate(one), translate(other));
            let sorted = |translation: &Translation| {
                // Conditions may come in the order of the hunt, in one stage or in several.
                let mut words: Vec<String> = translation
                    .query
                    .iter()
                    .flat_map(|query| query.split_whitespace())
                    .map(|word| word.trim_matches(['(', ')']).to_owned())
                    .filter(|word| !["|", "where", "WHERE", "AND", "and"].contains(&word.as_str()))
                    .collect();
                words.sort();
                words
            };
            assert!(a.query.is_some(), "{target}: {one}");
            assert_eq!((sorted(&a), a.verdict), (sorted(&b), b.verdict), "{target}: {one} / {other}");
        }
    }
}

/// Joins and unions are said by searches of their own, some of them twice: that must end, with a query or a refusal.
#[test]
fn searches_within_one_another_are_bounded() {
    let gate = Gate::new().unwrap();
    let options = Options {
        target: Target::Splunk,
        schema: Some("source".to_owned()),
        style: Style::Exact,
        version: None,
        rule: false,
    };
    let nested = |kind: &str| {
        (0..24).fold("T | where a == \"1\"".to_owned(), |hunt, at| format!("T{at} | join kind={kind} ({hunt}) on k"))
    };
    let mut hunts: Vec<String> = ["fullouter", "rightouter", "innerunique", "leftanti"].map(nested).into();
    let branches: Vec<String> =
        (0..2000).map(|at| format!("(T{at} | where a == \"{at}\" | extend b{at} = c)")).collect();
    hunts.push(format!("union {}", branches.join(", ")));
    hunts.push((0..40).fold("c".to_owned(), |text, _| format!("extract(\"(a.*)\", 1, {text})")));
    if let Some(last) = hunts.last_mut() {
        *last = format!("T | where {last} == \"q\"");
    }
    for hunt in hunts {
        let start = std::time::Instant::now();
        let translation = gate.translate(&hunt, &About::default(), &gate.resolve(&hunt), &options);
        assert!(start.elapsed().as_secs() < 20, "{}", &hunt[..60]);
        assert!(translation.query.is_none_or(|query| query.len() < 4_000_000));
    }
}
