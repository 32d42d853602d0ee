//! Sigma rules → YAML, laid out as the files of SigmaHQ are: four blanks, single quotes, the usual order of keys.
//!
//! Nothing is decided here. [`scalar`] is the one place that quotes YAML, [`wildcards`] the one that escapes Sigma's
//! wildcards. Rules: <https://yaml.org/spec/1.1/> (what PyYAML reads) and 1.2 alike, and
//! <https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html#escaping>.

use std::fmt::Write as _;

use crate::fit::sigma::tree::{Condition, Form, Item, Rule, Rules, Selection, Value};

/// The rules as YAML documents.
pub(crate) fn print(rules: &Rules) -> String {
    let mut out = String::new();
    for (index, rule) in rules.rules.iter().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        print_rule(&mut out, rule);
    }
    out
}

fn print_rule(out: &mut String, rule: &Rule) {
    line(out, 0, "title", &scalar(&rule.title, Quotes::IfNeeded));
    line(out, 0, "id", &rule.id);
    line(out, 0, "status", "experimental");
    text(out, "description", &rule.description);
    out.push_str("logsource:\n");
    let source = &rule.logsource;
    let parts = [
        ("category", &source.category),
        ("product", &source.product),
        ("service", &source.service),
        ("definition", &source.definition),
    ];
    for (key, value) in parts {
        if let Some(value) = value {
            line(out, 1, key, &scalar(value, Quotes::IfNeeded));
        }
    }
    out.push_str("detection:\n");
    for (name, selection) in &rule.selections {
        let _ = writeln!(out, "    {name}:");
        match selection {
            Selection::All(items) => items.iter().for_each(|item| print_item(out, item, "        ", "        ")),
            Selection::Any(maps) => {
                for map in maps {
                    for (index, item) in map.iter().enumerate() {
                        print_item(out, item, if index == 0 { "        - " } else { "          " }, "          ");
                    }
                }
            }
        }
    }
    line(out, 1, "condition", &condition(&rule.condition, Place::Top));
    if !rule.fields.is_empty() {
        out.push_str("fields:\n");
        for field in &rule.fields {
            let _ = writeln!(out, "    - {}", scalar(field, Quotes::IfNeeded));
        }
    }
    out.push_str("falsepositives:\n    - Unknown\nlevel: medium\n");
}

fn line(out: &mut String, depth: usize, key: &str, value: &str) {
    let _ = writeln!(out, "{:indent$}{key}: {value}", "", indent = depth * 4);
}

/// A text of one line or more.
fn text(out: &mut String, key: &str, lines: &[String]) {
    match lines {
        [] => {}
        [only] => line(out, 0, key, &scalar(only, Quotes::IfNeeded)),
        [first, ..] => {
            // A block keeps every printable character as it is; the first line may not begin with a blank.
            if first.starts_with(' ') || !lines.iter().all(|line| line.chars().all(printable)) {
                line(out, 0, key, &scalar(&lines.join("\n"), Quotes::Always));
                return;
            }
            let _ = writeln!(out, "{key}: |-");
            for line in lines {
                let _ = writeln!(out, "    {line}");
            }
        }
    }
}

fn print_item(out: &mut String, item: &Item, head: &str, indent: &str) {
    let key = scalar(&format!("{}{}", item.field, modifiers(item)), Quotes::IfNeeded);
    match item.values.as_slice() {
        [only] => {
            let _ = writeln!(out, "{head}{key}: {}", value(item.form, only));
        }
        values => {
            let _ = writeln!(out, "{head}{key}:");
            for each in values {
                let _ = writeln!(out, "{indent}    - {}", value(item.form, each));
            }
        }
    }
}

fn modifiers(item: &Item) -> String {
    let cased = |name: &str, cased: bool| {
        let all = if item.all { "|all" } else { "" };
        if cased { format!("{name}{all}|cased") } else { format!("{name}{all}") }
    };
    match item.form {
        Form::Equals { cased: sensitive } => cased("", sensitive),
        Form::Contains { cased: sensitive } => cased("|contains", sensitive),
        Form::StartsWith { cased: sensitive } => cased("|startswith", sensitive),
        Form::EndsWith { cased: sensitive } => cased("|endswith", sensitive),
        Form::Regex { ignore_case, multi_line, dot_all } => {
            let mut text = String::from("|re");
            for (on, flag) in [(ignore_case, "|i"), (multi_line, "|m"), (dot_all, "|s"), (item.all, "|all")] {
                if on {
                    text.push_str(flag);
                }
            }
            text
        }
        Form::Cidr => "|cidr".to_owned(),
        Form::FieldRef => "|fieldref".to_owned(),
        Form::Exists => "|exists".to_owned(),
        Form::Lt => "|lt".to_owned(),
        Form::Lte => "|lte".to_owned(),
        Form::Gt => "|gt".to_owned(),
        Form::Gte => "|gte".to_owned(),
    }
}

fn value(form: Form, value: &Value) -> String {
    match value {
        Value::Text(text) => match form {
            Form::Equals { .. } | Form::Contains { .. } | Form::StartsWith { .. } | Form::EndsWith { .. } => {
                scalar(&wildcards(text), Quotes::Always)
            }
            Form::Regex { .. }
            | Form::Cidr
            | Form::FieldRef
            | Form::Exists
            | Form::Lt
            | Form::Lte
            | Form::Gt
            | Form::Gte => scalar(text, Quotes::Always),
        },
        Value::Raw(text) => scalar(text, Quotes::Always),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => real(*number),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".to_owned(),
    }
}

/// A number that both versions of YAML read as one: with a point, and with a sign in the exponent.
fn real(number: f64) -> String {
    let text = format!("{number:?}");
    match text.split_once('e') {
        None => text,
        Some((mantissa, exponent)) => {
            let point = if mantissa.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with('-') { "" } else { "+" };
            format!("{mantissa}{point}e{sign}{exponent}")
        }
    }
}

/// Writes a text so that Sigma reads it without wildcards. A backslash is written twice only where the next character
/// would make it an escape: paths stay readable.
fn wildcards(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut chars = text.chars().peekable();
    // Whether the last character was a backslash that was doubled: those after it are of the same run.
    let mut run = false;
    while let Some(char) = chars.next() {
        match char {
            '*' | '?' => {
                out.push('\\');
                out.push(char);
                run = false;
            }
            '\\' => {
                run = run || matches!(chars.peek(), Some('\\' | '*' | '?'));
                out.push_str(if run { "\\\\" } else { "\\" });
            }
            _ => {
                out.push(char);
                run = false;
            }
        }
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Always,
    IfNeeded,
}

/// A text as a YAML scalar on one line: bare where it can be and quotes are not asked for, in single quotes, or in double
/// quotes where it holds what single quotes can not.
fn scalar(text: &str, quotes: Quotes) -> String {
    if quotes == Quotes::IfNeeded && is_bare(text) {
        return text.to_owned();
    }
    if text.chars().all(printable) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::with_capacity(text.len() + 8);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if printable(char) => out.push(char),
            char => {
                let code = u32::from(char);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02X}"),
                    0x100..=0xffff => write!(out, "\\u{code:04X}"),
                    _ => write!(out, "\\U{code:08X}"),
                };
            }
        }
    }
    out.push('"');
    out
}

/// Whether a character may stand in a file as it is, on one line.
fn printable(char: char) -> bool {
    matches!(char, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// Whether a text needs no quotes: words that no reader of YAML takes for anything else.
fn is_bare(text: &str) -> bool {
    const TAKEN: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let plain = |char: char| {
        char.is_ascii_alphanumeric()
            || matches!(char, '_' | '.' | '-' | '|' | ' ' | ',' | '(' | ')' | '/' | ';' | '+' | '=' | '@')
    };
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(plain)
        && !text.ends_with(' ')
        && text.len() <= 512
        && !TAKEN.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// What a condition stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    And,
    Or,
    Not,
}

fn condition(tree: &Condition, place: Place) -> String {
    let list = |items: &[Condition], inside: Place, word: &str| {
        items.iter().map(|item| condition(item, inside)).collect::<Vec<_>>().join(word)
    };
    // Parentheses also where precedence does not ask for them: `and` within `or` is misread.
    let grouped = |text: String, open: bool| if open { text } else { format!("({text})") };
    match tree {
        Condition::Named(name) => name.clone(),
        Condition::OneOf(prefix) => format!("1 of {prefix}*"),
        Condition::AllOf(prefix) => format!("all of {prefix}*"),
        Condition::Not(inner) => format!("not {}", condition(inner, Place::Not)),
        Condition::And(items) => grouped(list(items, Place::And, " and "), matches!(place, Place::Top | Place::And)),
        Condition::Or(items) => grouped(list(items, Place::Or, " or "), matches!(place, Place::Top | Place::Or)),
    }
}

#[cfg(test)]
mod tests {
    use serde_yaml_ng::Value as Yaml;

    use super::*;
    use crate::fit::sigma::tree::LogSource;

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
            title: "t".to_owned(),
            id: "00000000-0000-0000-0000-000000000000".to_owned(),
            description: vec!["d".to_owned()],
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
        let text = print(&Rules { rules: vec![rule] });
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
                title: (*text).to_owned(),
                description: vec!["first".to_owned(), (*text).to_owned(), "last".to_owned()],
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
            assert_eq!(yaml["logsource"]["definition"].as_str(), Some(*text));
            assert_eq!(yaml["fields"][0].as_str(), Some(*text));
            let selection = &yaml["detection"]["selection"];
            assert_eq!(selection[0][format!("{text}|cidr").as_str()].as_str(), Some(*text), "{text:?}");
            assert_eq!(sigma(selection[0]["f"][0].as_str().unwrap()), *text);
            assert_eq!(selection[0]["f"][1].as_str(), Some("b"));
            assert!(selection[1]["f"].is_null());
            assert_eq!(yaml["detection"]["condition"].as_str(), Some("selection"));
            assert_eq!(yaml.as_mapping().unwrap().len(), 9);
        }
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
        let values =
            vec![Value::Integer(-5), Value::Real(1e300), Value::Real(0.5), Value::Real(-2e-9), Value::Bool(true)];
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
        assert_eq!(print(&Rules { rules: vec![rule] }), expected);
    }
}
