//! EQL trees → text. One function puts parentheses, one quotes text, one quotes names; nothing is decided here.

use crate::fit::eql::tree::{Arithmetic, Compare, Cond, Constant, Event, How, Key, Maxspan, Pipe, Query, Step, Value};
use crate::target::{Binding, Context, Piece, Template};

/// The text of a query; `context` says how the language is spelled.
pub(crate) fn print(query: &Query, context: &Context) -> String {
    let mut out = Text { text: String::new(), context };
    match query {
        Query::Event { event: of, pipes } => {
            event(of, "\n  ", &mut out);
            for pipe in pipes {
                match pipe {
                    Pipe::Head(count) => out.push_str(&format!("\n| head {count}")),
                    Pipe::Tail(count) => out.push_str(&format!("\n| tail {count}")),
                }
            }
        }
        Query::Sequence { by, maxspan, steps } => {
            out.push_str("sequence");
            keys(by, &mut out);
            if let Some(span) = maxspan {
                out.push_str(" with maxspan=");
                out.push_str(&duration(*span));
            }
            steps.iter().for_each(|of| step(of, &mut out));
        }
        Query::Sample { by, steps } => {
            out.push_str("sample");
            keys(by, &mut out);
            steps.iter().for_each(|of| step(of, &mut out));
        }
    }
    out.text
}

/// The text so far, and what the data of the target says of names.
struct Text<'c> {
    text: String,
    context: &'c Context,
}

impl Text<'_> {
    fn push(&mut self, char: char) {
        self.text.push(char);
    }

    fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
    }
}

/// `category where condition`; each condition that must hold on a line of its own, which begins with `indent`.
fn event(of: &Event, indent: &str, out: &mut Text<'_>) {
    match &of.category {
        None => out.push_str("any"),
        Some(category) if out.context.is_bare(category) => out.push_str(category),
        Some(category) => text(category, &mut out.text),
    }
    out.push_str(" where ");
    match &of.condition {
        Cond::All(items) if items.len() > 1 => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(" and");
                    out.push_str(indent);
                }
                condition(item, Strength::And, out);
            }
        }
        other => condition(other, Strength::Whole, out),
    }
}

/// A step of a sequence or sample, on a line of its own.
fn step(of: &Step, out: &mut Text<'_>) {
    out.push_str(if of.missing { "\n  ![ " } else { "\n  [ " });
    event(&of.event, "\n    ", out);
    out.push_str(" ]");
    keys(&of.by, out);
    if let Some(runs) = of.runs {
        out.push_str(&format!(" with runs={runs}"));
    }
}

fn keys(of: &[Key], out: &mut Text<'_>) {
    for (index, key) in of.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { " by " });
        field(&key.name, key.optional, out);
    }
}

fn field(of: &str, optional: bool, out: &mut Text<'_>) {
    if optional {
        out.push('?');
    }
    name(of, out);
}

/// A length of time in the greatest unit that divides it.
/// See <https://www.elastic.co/docs/reference/elasticsearch/rest-apis/api-conventions#time-units>.
fn duration(span: Maxspan) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let (size, unit) = UNITS.into_iter().find(|(size, _)| span.0.is_multiple_of(*size)).unwrap_or((1, "ms"));
    format!("{}{unit}", span.0 / size)
}

/// How tightly the surroundings of an expression bind: what binds no tighter than them needs parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// Nothing around.
    Whole,
    /// Within `or`.
    Or,
    /// Within `and`.
    And,
    /// Below `not`.
    Not,
    /// Beside a comparison operator.
    Comparison,
    /// Beside `+`, `-`.
    Additive,
    /// Beside `*`, `/`, `%`.
    Multiplicative,
    /// Beside `in`, `:` and the like, or below a sign.
    Primary,
    /// Of names, constants and calls, which never need any.
    Atom,
}

/// The one place that puts parentheses.
fn enclosed(own: Strength, around: Strength, out: &mut Text<'_>, inner: impl FnOnce(&mut Text<'_>)) {
    if own <= around && around != Strength::Whole {
        out.push('(');
        inner(out);
        out.push(')');
    } else {
        inner(out);
    }
}

fn condition(cond: &Cond, around: Strength, out: &mut Text<'_>) {
    match cond {
        Cond::Constant(value) => out.push_str(if *value { "true" } else { "false" }),
        Cond::All(items) => enclosed(Strength::And, around, out, |out| joined(items, " and ", Strength::And, out)),
        Cond::Any(items) => enclosed(Strength::Or, around, out, |out| joined(items, " or ", Strength::Or, out)),
        Cond::Not(inner) => enclosed(Strength::Not, around, out, |out| {
            out.push_str("not ");
            condition(inner, Strength::Not, out);
        }),
        Cond::Null { value: of, is } => enclosed(Strength::Comparison, around, out, |out| {
            value(of, Strength::Comparison, out);
            out.push_str(if *is { " == null" } else { " != null" });
        }),
        Cond::Compare { op, value: left, with } => enclosed(Strength::Comparison, around, out, |out| {
            value(left, Strength::Comparison, out);
            out.push_str(match op {
                Compare::Eq => " == ",
                Compare::Ne => " != ",
                Compare::Lt => " < ",
                Compare::Le => " <= ",
                Compare::Gt => " > ",
                Compare::Ge => " >= ",
            });
            constant(with, out);
        }),
        Cond::In { value: of, list, negated } => enclosed(Strength::Comparison, around, out, |out| {
            value(of, Strength::Primary, out);
            out.push_str(if *negated { " not in (" } else { " in (" });
            separated(list, out, constant);
            out.push(')');
        }),
        Cond::Match { value: of, how, patterns } => enclosed(Strength::Comparison, around, out, |out| {
            value(of, Strength::Primary, out);
            out.push_str(match how {
                How::Wildcard => " : ",
                How::WildcardCased => " like ",
                How::OneOf => " in~ ",
                How::Regex => " regex~ ",
                How::RegexCased => " regex ",
            });
            match (patterns.as_slice(), how) {
                ([only], How::Wildcard | How::WildcardCased | How::Regex | How::RegexCased) => {
                    text(only, &mut out.text)
                }
                (all, _) => {
                    out.push('(');
                    separated(all, out, |pattern, out| text(pattern, &mut out.text));
                    out.push(')');
                }
            }
        }),
        Cond::Cidr { value: of, blocks } => {
            out.push_str("cidrMatch(");
            value(of, Strength::Whole, out);
            for block in blocks {
                out.push_str(", ");
                text(block, &mut out.text);
            }
            out.push(')');
        }
    }
}

fn joined(items: &[Cond], word: &str, strength: Strength, out: &mut Text<'_>) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(word);
        }
        // A mixture of `and` and `or` is always in parentheses, so that nobody has to know which binds tighter.
        let mixed = matches!(item, Cond::All(_) | Cond::Any(_));
        condition(item, if mixed { Strength::Not } else { strength }, out);
    }
}

fn separated<T>(items: &[T], out: &mut Text<'_>, print: impl Fn(&T, &mut Text<'_>)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        print(item, out);
    }
}

fn value(of: &Value, around: Strength, out: &mut Text<'_>) {
    match of {
        Value::Field { name: field, optional } => {
            self::field(field, *optional, out);
        }
        Value::Constant(it) => constant(it, out),
        Value::Arithmetic { op, left, right } => {
            let (own, sign) = match op {
                Arithmetic::Add => (Strength::Additive, " + "),
                Arithmetic::Subtract => (Strength::Additive, " - "),
                Arithmetic::Multiply => (Strength::Multiplicative, " * "),
                Arithmetic::Divide => (Strength::Multiplicative, " / "),
                Arithmetic::Modulo => (Strength::Multiplicative, " % "),
            };
            enclosed(own, around, out, |out| {
                // Each operand that is itself computed stands in parentheses: no grouping is left to the reader.
                value(left, own, out);
                out.push_str(sign);
                value(right, own, out);
            });
        }
        Value::Negative(inner) => enclosed(Strength::Multiplicative, around, out, |out| {
            out.push('-');
            value(inner, Strength::Primary, out);
        }),
        Value::Spelled { template, binding, args } => {
            enclosed(strength(*binding), around, out, |out| spelled(template, args, out));
        }
    }
}

fn strength(binding: Binding) -> Strength {
    match binding {
        Binding::Or => Strength::Or,
        Binding::And => Strength::And,
        Binding::Not => Strength::Not,
        Binding::Comparison => Strength::Comparison,
        Binding::Concat | Binding::Additive => Strength::Additive,
        Binding::Multiplicative | Binding::Unary => Strength::Multiplicative,
        // These bind tighter than all around them.
        Binding::Call | Binding::Atom => Strength::Atom,
    }
}

fn spelled(template: &Template, args: &[Value], out: &mut Text<'_>) {
    for piece in &template.pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Arg { index, tight } => {
                if let Some(arg) = args.get(*index) {
                    value(arg, if *tight { Strength::Multiplicative } else { Strength::Whole }, out);
                }
            }
            Piece::All => separated(args, out, |arg, out| value(arg, Strength::Whole, out)),
        }
    }
}

fn constant(of: &Constant, out: &mut Text<'_>) {
    match of {
        Constant::Text(it) => text(it, &mut out.text),
        Constant::Integer(number) => out.push_str(&number.to_string()),
        Constant::Real(number) => {
            // `Display` writes no exponent; a point keeps it a decimal number.
            let digits = number.to_string();
            out.push_str(&digits);
            if !digits.contains('.') {
                out.push_str(".0");
            }
        }
        Constant::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
    }
}

/// The one place that quotes text. A text with backslashes that holds nothing else to escape is written raw, as analysts
/// write regular expressions and paths.
/// See <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-syntax-strings>.
pub(crate) fn text(of: &str, out: &mut String) {
    let plain = of.chars().all(|char| !hidden(char));
    if plain && of.contains('\\') && !of.contains('"') {
        out.push_str("\"\"\"");
        out.push_str(of);
        out.push_str("\"\"\"");
        return;
    }
    out.push('"');
    for char in of.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if hidden(char) => out.push_str(&format!("\\u{{{:04x}}}", char as u32)),
            char => out.push(char),
        }
    }
    out.push('"');
}

/// Characters that can not be seen or turn the reading direction: they are written by number. Blanks of Unicode are not
/// among them: a text with many of them, such as a class of a regular expression, stays short.
fn hidden(char: char) -> bool {
    (char.is_control() && char != '\u{85}')
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The one place that writes names of fields: parts between points, each in backquotes where it needs them.
fn name(of: &str, out: &mut Text<'_>) {
    let quoted = |part: &str, out: &mut Text<'_>| {
        out.push('`');
        out.push_str(&part.replace('`', "``"));
        out.push('`');
    };
    if of.split('.').any(str::is_empty) {
        return quoted(of, out);
    }
    for (index, part) in of.split('.').enumerate() {
        if index > 0 {
            out.push('.');
        }
        if out.context.is_bare(part) {
            out.push_str(part);
        } else {
            quoted(part, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Target, Targets};

    /// How the data of the target says that names are written.
    fn context() -> Context {
        Targets::embedded().facts(Target::Eql).unwrap().context("query").unwrap().clone()
    }

    /// Reads a text of EQL back, as its lexer does; `None` where something follows it.
    fn read(printed: &str) -> Option<String> {
        if let Some(raw) = printed.strip_prefix("\"\"\"") {
            let (inner, rest) = raw.split_once("\"\"\"")?;
            return rest.is_empty().then(|| inner.to_owned());
        }
        let mut chars = printed.strip_prefix('"')?.chars();
        let mut out = String::new();
        loop {
            match chars.next()? {
                '"' => return chars.next().is_none().then_some(out),
                '\n' | '\r' => return None,
                '\\' => match chars.next()? {
                    'n' => out.push('\n'),
                    'r' => out.push('\r'),
                    't' => out.push('\t'),
                    'u' => {
                        let digits: String = chars.by_ref().skip(1).take_while(|char| *char != '}').collect();
                        out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                    }
                    own @ ('"' | '\\') => out.push(own),
                    _ => return None,
                },
                other => out.push(other),
            }
        }
    }

    #[test]
    fn no_text_breaks_out_of_its_quotes() {
        for hostile in [
            "",
            "\"",
            "\\",
            "a\\",
            "\"\"\"",
            "\\\"",
            "\\\\\"",
            "a\nb",
            "\r\n",
            "\0",
            "\u{1}",
            "\u{2028}",
            "\u{202e}x",
            "`",
            "```",
            "|",
            "\" or true or \"",
            "$x$",
            "%",
            "*?",
            "\\u{41}",
            "é😀\u{301}",
            "\t",
            "\u{feff}",
            "C:\\a\\",
            "\\\"\"\"",
            "\" | head 1 //",
            "/* */",
            "\u{85}",
        ] {
            let mut out = String::new();
            text(hostile, &mut out);
            assert_eq!(read(&out).as_deref(), Some(hostile), "{out}");
            assert!(!out.contains(['\n', '\r', '\0', '\u{202e}']), "{out}");
        }
    }

    #[test]
    fn no_name_breaks_out_of_its_quotes() {
        let printed = |of: &str| {
            let context = context();
            let mut out = Text { text: String::new(), context: &context };
            name(of, &mut out);
            out.text
        };
        assert_eq!(printed("process.name"), "process.name");
        assert_eq!(printed("a-b.c"), "`a-b`.c");
        assert_eq!(printed("x == null or y"), "`x == null or y`");
        assert_eq!(printed("a`b"), "`a``b`");
        assert_eq!(printed("a."), "`a.`");
        assert_eq!(printed("by.x"), "`by`.x");
        assert_eq!(printed("TRUE"), "`TRUE`");
        assert_eq!(printed("Ä"), "`Ä`");
        assert_eq!(printed("@timestamp"), "`@timestamp`");
        assert_eq!(printed(""), "``");
    }

    #[test]
    fn junctions_within_each_other_stand_in_parentheses() {
        let is = |name: &str| Cond::Compare {
            op: Compare::Eq,
            value: Value::Field { name: name.into(), optional: true },
            with: Constant::Integer(1),
        };
        let inner = Cond::Any(vec![is("a"), Cond::All(vec![is("b"), is("c")])]);
        let event = Event {
            category: None,
            condition: Cond::Any(vec![inner.clone().negate(), Cond::All(vec![inner, is("d")])]),
        };
        let query = Query::Event { event, pipes: vec![Pipe::Head(5), Pipe::Tail(1)] };
        assert_eq!(
            print(&query, &context()),
            "any where not (?a == 1 or (?b == 1 and ?c == 1)) or ((?a == 1 or (?b == 1 and ?c == 1)) and ?d == 1)\n\
             | head 5\n| tail 1"
        );
    }

    #[test]
    fn operands_keep_their_grouping() {
        let field = |name: &str| Box::new(Value::Field { name: name.into(), optional: true });
        let sum = Value::Arithmetic { op: Arithmetic::Add, left: field("a"), right: field("b") };
        let product = Value::Arithmetic { op: Arithmetic::Multiply, left: Box::new(sum), right: field("c") };
        let cond =
            Cond::Compare { op: Compare::Gt, value: Value::Negative(Box::new(product)), with: Constant::Real(-1e21) };
        let event = Event { category: Some("file".into()), condition: cond };
        let query = Query::Event { event, pipes: Vec::new() };
        assert_eq!(print(&query, &context()), "file where -((?a + ?b) * ?c) > -1000000000000000000000.0");
    }

    #[test]
    fn steps_stand_on_lines_of_their_own() {
        let key = |name: &str, optional| Key { name: name.into(), optional };
        let is = |name: &str, text: &str| Cond::Compare {
            op: Compare::Eq,
            value: Value::Field { name: name.into(), optional: true },
            with: Constant::Text(text.into()),
        };
        let event = |condition| Event { category: None, condition };
        let step = |condition, by, missing, runs| Step { missing, event: event(condition), by, runs };
        let steps = vec![
            step(
                Cond::All(vec![is("a", "x"), is("b", "] [ any where true")]),
                vec![key("p.id", false)],
                false,
                Some(3),
            ),
            step(is("c", "\"] by x\n"), vec![key("by] [x", true)], true, None),
        ];
        let by = vec![key("host`s id", true), key("until", false)];
        let query = Query::Sequence { by: by.clone(), maxspan: Some(Maxspan(90_000)), steps: steps.clone() };
        assert_eq!(
            print(&query, &context()),
            "sequence by ?`host``s id`, `until` with maxspan=90s\n  \
             [ any where ?a == \"x\" and\n    ?b == \"] [ any where true\" ] by p.id with runs=3\n  \
             ![ any where ?c == \"\\\"] by x\\n\" ] by ?`by] [x`"
        );
        let query = Query::Sample { by: Vec::new(), steps: vec![step(is("a", "x"), by, false, None)] };
        assert_eq!(print(&query, &context()), "sample\n  [ any where ?a == \"x\" ] by ?`host``s id`, `until`");
    }

    #[test]
    fn lengths_of_time_are_written_in_their_greatest_unit() {
        let of = |millis| duration(Maxspan(millis));
        assert_eq!([of(86_400_000), of(7_200_000), of(300_000)], ["1d", "2h", "5m"]);
        assert_eq!([of(45_000), of(1_500), of(1)], ["45s", "1500ms", "1ms"]);
    }
}
