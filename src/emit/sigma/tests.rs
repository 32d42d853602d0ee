//! Texts of every kind come back through a reader of YAML as they were, and rules read like those of SigmaHQ.

use serde_yaml_ng::Value as Yaml;

use super::*;
use crate::fit::sigma::tree::{LogSource, Meta};

/// Texts that YAML could take for something else, or that could leave their quotes.
const HOSTILE: &[&str] = &[
    "plain",
    "",
    " ",
    "null",
    "Null",
    "~",
    "yes",
    "NO",
    "on",
    "true",
    "1e5",
    "1.0",
    "0x1f",
    "1_000",
    "12:30:45",
    "-",
    "- a",
    "-a",
    ": ",
    "a: b",
    "a:",
    "#",
    "a #b",
    "'",
    "''",
    "\"",
    "\\",
    "\\\\",
    "it's",
    "a\nb",
    "\n",
    "a\n\nb\n",
    "\r\n",
    "\t",
    "a\tb",
    "\0",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{fffe}",
    "é",
    "日本語",
    "😀",
    "{a: b}",
    "[a]",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "%a",
    "@a",
    "`a`",
    "? a",
    "---",
    "...",
    "--- a",
    "a, b",
    "=",
    "<<",
    ".inf",
    ".nan",
    "2024-01-01",
    "a ",
    " a",
    "condition: x",
    "\u{1b}[31m",
    "end\\",
    "C:\\x\\*?",
    "$(x)",
    "{{x}}",
];

fn rule() -> Rule {
    Rule {
        heading: Heading {
            title: "t".to_owned(),
            id: "00000000-0000-0000-0000-000000000000".to_owned(),
            name: None,
            description: vec!["d".to_owned()],
            meta: Some(Meta {
                related: Vec::new(),
                references: Vec::new(),
                author: None,
                date: None,
                modified: None,
                tags: Vec::new(),
                falsepositives: vec!["Unknown".to_owned()],
                level: Level::Medium,
            }),
        },
        logsource: LogSource { category: Some("c".to_owned()), ..LogSource::default() },
        selections: Vec::new(),
        condition: Condition::Named("selection".to_owned()),
        fields: Vec::new(),
    }
}

fn item(form: Form, values: Vec<Value>) -> Item {
    Item { field: "f".to_owned(), form, all: false, values }
}

fn with(selection: Selection) -> Rule {
    Rule { selections: vec![("selection".to_owned(), selection)], ..rule() }
}

fn read(rule: Rule) -> Yaml {
    let text = print(&Documents { documents: vec![Document::Rule(rule)] });
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Reads a value as the specification says; wildcards become control characters.
fn sigma(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next_if(|next| matches!(next, '\\' | '*' | '?')) {
                Some(next) => out.push(next),
                None => out.push('\\'),
            },
            '*' => out.push_str("<many>"),
            '?' => out.push_str("<one>"),
            other => out.push(other),
        }
    }
    out
}

#[test]
fn every_text_comes_back_as_it_was() {
    for text in HOSTILE {
        let plain = Form::Equals { cased: false };
        let rule = Rule {
            heading: Heading {
                title: (*text).to_owned(),
                name: Some((*text).to_owned()),
                description: vec!["first".to_owned(), (*text).to_owned(), "last".to_owned()],
                meta: Some(Meta {
                    related: vec![(*text).to_owned()],
                    references: vec![(*text).to_owned(), format!("https://a.b/{text}")],
                    author: Some((*text).to_owned()),
                    date: Some((*text).to_owned()),
                    modified: Some((*text).to_owned()),
                    tags: vec![(*text).to_owned()],
                    falsepositives: vec![(*text).to_owned()],
                    level: Level::High,
                }),
                ..rule().heading
            },
            logsource: LogSource { definition: Some((*text).to_owned()), ..rule().logsource },
            fields: vec![(*text).to_owned()],
            ..with(Selection::Any(vec![
                vec![
                    Item { field: (*text).to_owned(), ..item(Form::Cidr, vec![Value::Raw((*text).to_owned())]) },
                    item(plain, vec![Value::Text((*text).to_owned()), Value::Text("b".to_owned())]),
                ],
                vec![item(plain, vec![Value::Null])],
            ]))
        };
        let yaml = read(rule);
        assert_eq!(yaml["title"].as_str(), Some(*text));
        assert_eq!(yaml["description"].as_str(), Some(format!("first\n{text}\nlast").as_str()), "{text:?}");
        for key in ["name", "author", "date", "modified"] {
            assert_eq!(yaml[key].as_str(), Some(*text), "{key}");
        }
        for key in ["references", "tags", "falsepositives"] {
            assert_eq!(yaml[key][0].as_str(), Some(*text), "{key}");
        }
        assert_eq!(yaml["references"][1].as_str(), Some(format!("https://a.b/{text}").as_str()));
        assert_eq!(yaml["related"][0]["id"].as_str(), Some(*text));
        assert_eq!(yaml["related"][0]["type"].as_str(), Some("derived"));
        assert_eq!(yaml["level"].as_str(), Some("high"));
        assert_eq!(yaml["logsource"]["definition"].as_str(), Some(*text));
        assert_eq!(yaml["fields"][0].as_str(), Some(*text));
        let selection = &yaml["detection"]["selection"];
        assert_eq!(selection[0][format!("{text}|cidr").as_str()].as_str(), Some(*text), "{text:?}");
        assert_eq!(sigma(selection[0]["f"][0].as_str().unwrap()), *text);
        assert_eq!(selection[0]["f"][1].as_str(), Some("b"));
        assert!(selection[1]["f"].is_null());
        assert_eq!(yaml["detection"]["condition"].as_str(), Some("selection"));
        assert_eq!(yaml.as_mapping().unwrap().len(), 16);
    }
}

#[test]
fn a_text_of_several_lines_comes_back_as_it_was() {
    let odd =
        ["", " ", "  a", "\ta", "# a", "- a", "---", "...", "key: a", "%a", "a", "\t", "a ", "|", "\u{1}", "it's"];
    for first in odd {
        for middle in odd {
            for last in odd {
                let lines = [first, middle, last].map(str::to_owned).to_vec();
                let wanted = lines.join("\n");
                let yaml = read(Rule { heading: Heading { description: lines, ..rule().heading }, ..rule() });
                assert_eq!(yaml["description"].as_str(), Some(wanted.as_str()));
            }
        }
    }
}

#[test]
fn a_document_within_another_says_nothing_of_the_whole() {
    let name = Some("base".to_owned());
    let yaml = read(Rule { heading: Heading { name, meta: None, ..rule().heading }, ..rule() });
    let keys: Vec<_> = yaml.as_mapping().unwrap().keys().filter_map(Yaml::as_str).collect();
    assert_eq!(keys, ["title", "id", "name", "description", "logsource", "detection"]);
}

#[test]
fn a_backslash_is_doubled_only_where_it_would_escape() {
    assert_eq!(wildcards("C:\\Users\\x"), "C:\\Users\\x");
    assert_eq!(wildcards("\\\\host\\c$\\"), "\\\\\\\\host\\c$\\");
    assert_eq!(wildcards("a\\*"), "a\\\\\\*");
    assert_eq!(wildcards("a\\\\*b?"), "a\\\\\\\\\\*b\\?");
    for text in ["a\\*", "\\\\?", "\\\\\\", "*?\\", "\\\\\\*\\", "\\a\\\\b"] {
        assert_eq!(sigma(&wildcards(text)), text);
    }
}

#[test]
fn numbers_and_truth_values_stay_what_they_are() {
    let plain = Form::Equals { cased: false };
    let values = vec![Value::Integer(-5), Value::Real(1e300), Value::Real(0.5), Value::Real(-2e-9), Value::Bool(true)];
    let yaml = read(with(Selection::All(vec![item(plain, values)])));
    let list = &yaml["detection"]["selection"]["f"];
    assert_eq!(list[0].as_i64(), Some(-5));
    assert_eq!(list[1].as_f64(), Some(1e300));
    assert_eq!(list[2].as_f64(), Some(0.5));
    assert_eq!(list[3].as_f64(), Some(-2e-9));
    assert_eq!(list[4].as_bool(), Some(true));
    assert_eq!(real(1e300), "1.0e+300");
    assert_eq!(real(-2.5e-9), "-2.5e-9");
}

#[test]
fn a_rule_reads_like_one_of_sigmahq() {
    let text = |text: &str| Value::Text(text.to_owned());
    let mut rule = with(Selection::All(vec![
        Item {
            field: "Image".to_owned(),
            ..item(Form::EndsWith { cased: false }, vec![text("\\a.exe"), text("\\b.exe")])
        },
        Item {
            field: "CommandLine".to_owned(),
            all: true,
            ..item(Form::Contains { cased: true }, vec![text("x"), text("it's")])
        },
    ]));
    let image = |value| Item { field: "Image".to_owned(), ..item(Form::Equals { cased: false }, value) };
    rule.selections.push((
        "filter_a".to_owned(),
        Selection::Any(vec![vec![image(vec![Value::Null])], vec![image(vec![text("")])]]),
    ));
    let named = |name: &str| Condition::Named(name.to_owned());
    rule.condition = Condition::And(vec![
        named("selection"),
        Condition::Or(vec![named("b"), Condition::And(vec![named("c"), named("d")])]),
        Condition::Not(Box::new(Condition::OneOf("filter_".to_owned()))),
    ]);
    let expected = "\
title: t
id: 00000000-0000-0000-0000-000000000000
status: experimental
description: d
logsource:
    category: c
detection:
    selection:
        Image|endswith:
            - '\\a.exe'
            - '\\b.exe'
        CommandLine|contains|all|cased:
            - 'x'
            - 'it''s'
    filter_a:
        - Image: null
        - Image: ''
    condition: selection and (b or (c and d)) and not 1 of filter_*
falsepositives:
    - Unknown
level: medium
";
    assert_eq!(print(&Documents { documents: vec![Document::Rule(rule)] }), expected);
}
