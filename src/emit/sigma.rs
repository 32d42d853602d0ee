//! Sigma rules → YAML, laid out as the files of SigmaHQ are: four blanks, single quotes, the usual order of keys.
//!
//! Nothing is decided here. [`scalar`] is the one place that quotes YAML, [`wildcards`] the one that escapes Sigma's
//! wildcards. Rules: <https://yaml.org/spec/1.1/> (what PyYAML reads) and 1.2 alike, and
//! <https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html#escaping>.

use std::fmt::Write as _;

use crate::fit::sigma::tree::{
    Alias, Comparison, Condition, Correlation, CorrelationKind, Document, Documents, Form, Heading, Item, Level, Limit,
    Rule, Selection, Value,
};

/// The rules as YAML documents.
pub(crate) fn print(file: &Documents) -> String {
    let mut out = String::new();
    for (index, document) in file.documents.iter().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        match document {
            Document::Rule(rule) => print_rule(&mut out, rule),
            Document::Correlation(correlation) => print_correlation(&mut out, correlation),
        }
    }
    out
}

fn print_rule(out: &mut String, rule: &Rule) {
    print_heading(out, &rule.heading);
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
    print_end(out, &rule.heading, &rule.fields);
}

fn print_correlation(out: &mut String, correlation: &Correlation) {
    print_heading(out, &correlation.heading);
    out.push_str("correlation:\n");
    line(out, 1, "type", correlation.kind.name());
    list_within(out, "rules", &correlation.rules);
    if correlation.group_by.is_empty() {
        line(out, 1, "group-by", "[]");
    } else {
        list_within(out, "group-by", &correlation.group_by);
    }
    line(out, 1, "timespan", &correlation.timespan.to_string());
    if !correlation.aliases.is_empty() {
        out.push_str("    aliases:\n");
        for Alias { name, fields } in &correlation.aliases {
            let _ = writeln!(out, "        {}:", scalar(name, Quotes::IfNeeded));
            for (rule, field) in fields {
                line(out, 3, &scalar(rule, Quotes::IfNeeded), &scalar(field, Quotes::IfNeeded));
            }
        }
    }
    let (of, percentile, limit) = match &correlation.kind {
        CorrelationKind::EventCount(limit) => (None, None, *limit),
        CorrelationKind::ValueCount(of, limit)
        | CorrelationKind::ValueSum(of, limit)
        | CorrelationKind::ValueAvg(of, limit) => (Some(of), None, *limit),
        CorrelationKind::ValuePercentile(of, percentile, limit) => (Some(of), Some(percentile), *limit),
        // Readers differ in what they take for granted here, so that all rules must match is said.
        CorrelationKind::Temporal | CorrelationKind::TemporalOrdered => {
            let number = i64::try_from(correlation.rules.len()).unwrap_or(i64::MAX);
            (None, None, Limit { comparison: Comparison::Gte, number })
        }
    };
    out.push_str("    condition:\n");
    if let Some(of) = of {
        line(out, 2, "field", &scalar(of, Quotes::IfNeeded));
    }
    if let Some(percentile) = percentile {
        line(out, 2, "percentile", &percentile.to_string());
    }
    let key = match limit.comparison {
        Comparison::Eq => "eq",
        Comparison::Neq => "neq",
        Comparison::Lt => "lt",
        Comparison::Lte => "lte",
        Comparison::Gt => "gt",
        Comparison::Gte => "gte",
    };
    line(out, 2, key, &limit.number.to_string());
    print_end(out, &correlation.heading, &correlation.fields);
}

/// The keys behind what the document selects.
fn print_end(out: &mut String, heading: &Heading, fields: &[String]) {
    list(out, "fields", fields);
    if let Some(meta) = &heading.meta {
        list(out, "falsepositives", &meta.falsepositives);
        line(out, 0, "level", level(meta.level));
    }
}

/// The keys before what the document selects.
fn print_heading(out: &mut String, heading: &Heading) {
    line(out, 0, "title", &scalar(&heading.title, Quotes::IfNeeded));
    line(out, 0, "id", &heading.id);
    if let Some(meta) = heading.meta.as_ref().filter(|meta| !meta.related.is_empty()) {
        out.push_str("related:\n");
        for id in &meta.related {
            let id = if is_uuid(id) { id.clone() } else { scalar(id, Quotes::Always) };
            let _ = writeln!(out, "    - id: {id}\n      type: derived");
        }
    }
    if let Some(name) = &heading.name {
        line(out, 0, "name", &scalar(name, Quotes::IfNeeded));
    }
    if heading.meta.is_some() {
        line(out, 0, "status", "experimental");
    }
    text(out, "description", &heading.description);
    let Some(meta) = &heading.meta else { return };
    list(out, "references", &meta.references);
    if let Some(author) = &meta.author {
        line(out, 0, "author", &scalar(author, Quotes::IfNeeded));
    }
    for (key, value) in [("date", &meta.date), ("modified", &meta.modified)] {
        if let Some(value) = value {
            // Readers of Sigma take a date of YAML here, and quotes are not usual.
            line(out, 0, key, &if is_day(value) { value.clone() } else { scalar(value, Quotes::Always) });
        }
    }
    list(out, "tags", &meta.tags);
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Informational => "informational",
        Level::Low => "low",
        Level::Medium => "medium",
        Level::High => "high",
        Level::Critical => "critical",
    }
}

/// A key with texts, if there are any.
fn list(out: &mut String, key: &str, texts: &[String]) {
    if texts.is_empty() {
        return;
    }
    let _ = writeln!(out, "{key}:");
    for text in texts {
        let _ = writeln!(out, "    - {}", scalar(text, Quotes::IfNeeded));
    }
}

/// A key with texts, one level in.
fn list_within(out: &mut String, key: &str, texts: &[String]) {
    let _ = writeln!(out, "    {key}:");
    for text in texts {
        let _ = writeln!(out, "        - {}", scalar(text, Quotes::IfNeeded));
    }
}

fn line(out: &mut String, depth: usize, key: &str, value: &str) {
    let _ = writeln!(out, "{:indent$}{key}: {value}", "", indent = depth * 4);
}

/// A text of one line or more.
fn text(out: &mut String, key: &str, lines: &[String]) {
    match lines {
        [] => {}
        [only] => line(out, 0, key, &scalar(only, Quotes::IfNeeded)),
        [first, .., last] => {
            // A block keeps every printable character and tab as it is. Where the first line begins with a blank or is empty,
            // a reader can not tell how far the block is indented, and empty lines at the end are not of the text.
            let is_open = |line: &str| line.trim().is_empty() || line.starts_with([' ', '\t']);
            let keeps = |char: char| printable(char) || char == '\t';
            if is_open(first) || last.trim().is_empty() || !lines.iter().all(|line| line.chars().all(keeps)) {
                line(out, 0, key, &scalar(&lines.join("\n"), Quotes::Always));
                return;
            }
            let _ = writeln!(out, "{key}: |-");
            for line in lines {
                let indent = if line.is_empty() { "" } else { "    " };
                let _ = writeln!(out, "{indent}{line}");
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
        Form::Exists => "|exists".to_owned(),
        Form::FieldRef => "|fieldref".to_owned(),
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
            | Form::Exists
            | Form::FieldRef
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
    // Without a blank beside it, a colon or `#` is a letter like others.
    let is_url = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme))
        && text
            .chars()
            .all(|char| plain(char) && char != ' ' || matches!(char, ':' | '~' | '?' | '#' | '&' | '%' | '!'))
        && !text.ends_with(':');
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(plain)
        && !text.ends_with(' ')
        && !TAKEN.iter().any(|word| word.eq_ignore_ascii_case(text));
    (is_url || is_word) && text.len() <= 512
}

/// Whether a text is a day as Sigma writes it: `YYYY-MM-DD`.
fn is_day(text: &str) -> bool {
    let at = |(index, byte): (usize, u8)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(at)
}

/// Whether a text is a UUID with hyphens, which no reader of YAML takes for a number.
fn is_uuid(text: &str) -> bool {
    let at = |(index, byte): (usize, u8)| {
        if matches!(index, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    text.len() == 36 && text.bytes().enumerate().all(at)
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
mod tests;
