//! ES|QL tree → text: one command a line, no decision left.
//!
//! `"` quotes text, with a backslash before what would end it; `"""` quotes text as it is; a backtick quotes names.
//! See <https://www.elastic.co/docs/reference/query-languages/esql/esql-syntax>.

use super::fragment::{Fragment, Same, quoted, spelled};
use crate::fit::esql::tree::*;
use crate::target::{Binding, Context};

/// Columns up to which a command stays on one line.
const WIDTH: usize = 110;

/// The text of a query.
pub(crate) fn print(query: &Query) -> String {
    Printer { context: &query.context, metadata: query.metadata }.whole(&query.body)
}

struct Printer<'q> {
    context: &'q Context,
    metadata: bool,
}

impl Printer<'_> {
    /// The query, with what its source gives beside the events' fields.
    fn whole(&self, body: &Body) -> String {
        let text = self.body(body);
        if !self.metadata {
            return text;
        }
        let (source, commands) = text.split_once("\n| ").unwrap_or((text.as_str(), ""));
        let bar = if commands.is_empty() { "" } else { "\n| " };
        format!("{source} METADATA {}{bar}{commands}", METADATA.join(", "))
    }

    /// One command a line.
    fn body(&self, body: &Body) -> String {
        let mut text = self.source(&body.source);
        for command in &body.commands {
            text.push_str("\n| ");
            text.push_str(&self.command(command));
        }
        text
    }

    /// A query in parentheses, on lines of its own.
    fn inner(&self, body: &Body) -> String {
        // No text of a query holds a line break, so that every line of it can be moved.
        format!("\n  ({}\n  )", self.body(body).replace('\n', "\n   "))
    }

    fn source(&self, source: &Source) -> String {
        match source {
            Source::From(parts) => {
                let one = |part: &Part| match part {
                    Part::Index(index) => index_name(index),
                    Part::Query(body) => self.inner(body),
                };
                let parts: Vec<String> = parts.iter().map(one).collect();
                let gap = if parts.first().is_some_and(|part| part.starts_with('\n')) { "" } else { " " };
                let mut text = format!("FROM{gap}");
                for (index, part) in parts.iter().enumerate() {
                    let separator = if part.starts_with('\n') { "," } else { ", " };
                    text.push_str(if index == 0 { "" } else { separator });
                    text.push_str(part);
                }
                text
            }
            Source::Row(columns) => self.listed("ROW", self.assignments(columns)),
        }
    }

    fn command(&self, command: &Command) -> String {
        match command {
            Command::Where(condition) => self.filter(condition),
            Command::Eval(assignments) => self.listed("EVAL", self.assignments(assignments)),
            Command::Stats { inline, aggregates, by } => {
                let one = |it: &Aggregate| {
                    let only = it.only.as_ref().map(|only| format!(" WHERE {}", self.expr(only).text));
                    format!("{} = {}{}", self.name(&it.name), self.expr(&it.value).text, only.unwrap_or_default())
                };
                let command = if *inline { "INLINE STATS" } else { "STATS" };
                let parts: Vec<String> = aggregates.iter().map(one).collect();
                let keys: Vec<String> = by.iter().map(|(name, value)| self.key(name, value)).collect();
                let long = keys.iter().map(|key| key.chars().count() + 2).sum::<usize>() > WIDTH;
                let separator = if long { ",\n    " } else { ", " };
                let keys = if keys.is_empty() { String::new() } else { format!("BY {}", keys.join(separator)) };
                let text = self.listed(command, parts);
                match (keys.is_empty(), aggregates.is_empty()) {
                    (true, _) => text,
                    (false, true) => format!("{command} {keys}"),
                    (false, false) if text.contains('\n') || text.len() + keys.len() > WIDTH => {
                        format!("{text}\n  {keys}")
                    }
                    (false, false) => format!("{text} {keys}"),
                }
            }
            Command::Sort(keys) => {
                let one = |key: &SortKey| {
                    let order = if key.descending { " DESC" } else { "" };
                    // By default a row without a value is last where the order ascends, and first where it descends.
                    let nulls = match (key.nulls_first, key.descending) {
                        (true, false) => " NULLS FIRST",
                        (false, true) => " NULLS LAST",
                        (true, true) | (false, false) => "",
                    };
                    format!("{}{order}{nulls}", self.expr(&key.value).text)
                };
                self.listed("SORT", keys.iter().map(one).collect())
            }
            Command::Limit { count, by } if by.is_empty() => format!("LIMIT {count}"),
            Command::Limit { count, by } => format!("LIMIT {count} BY {}", self.names(by)),
            Command::Keep(columns) => self.listed("KEEP", columns.iter().map(|glob| self.glob(glob)).collect()),
            Command::Drop(columns) => self.listed("DROP", columns.iter().map(|glob| self.glob(glob)).collect()),
            Command::Rename(pairs) => {
                let one = |(old, new): &(Name, Name)| format!("{} AS {}", self.name(old), self.name(new));
                self.listed("RENAME", pairs.iter().map(one).collect())
            }
            Command::MvExpand(column) => format!("MV_EXPAND {}", self.name(column)),
            Command::Grok { value, pattern } => format!("GROK {} {}", self.name(value), self.pattern(pattern)),
            Command::Dissect { value, pattern } => format!("DISSECT {} {}", self.name(value), self.pattern(pattern)),
            Command::IpLocation { prefix, value, properties } => {
                let text = format!("IP_LOCATION {} = {}", self.name(prefix), self.expr(value).text);
                if properties.is_empty() {
                    return text;
                }
                let names: Vec<String> = properties.iter().map(|name| format!("\"{name}\"")).collect();
                format!("{text} WITH {{ \"properties\": [{}] }}", names.join(", "))
            }
            Command::LookupJoin { index, on } => format!("LOOKUP JOIN {} ON {}", index_name(index), self.names(on)),
        }
    }

    /// A command and what it lists, on several lines where one would be long.
    fn listed(&self, command: &str, parts: Vec<String>) -> String {
        let length: usize = parts.iter().map(|part| part.chars().count() + 2).sum();
        if length + command.len() <= WIDTH {
            format!("{command} {}", parts.join(", "))
        } else {
            format!("{command} {}", parts.join(",\n    "))
        }
    }

    /// `WHERE`, with each part on a line of its own where one line would be long.
    fn filter(&self, condition: &Expr) -> String {
        format!("WHERE {}", self.broken(condition, 4, 6))
    }

    /// A condition, broken before `AND` and `OR` where it is longer than a line.
    fn broken(&self, condition: &Expr, indent: usize, before: usize) -> String {
        let text = self.expr(condition).text;
        if text.contains('\n') || text.chars().count() + before <= WIDTH {
            return text;
        }
        let (items, binding, word) = if let Expr::And(items) = condition {
            (items, Binding::And, "AND")
        } else if let Expr::Or(items) = condition {
            (items, Binding::Or, "OR")
        } else {
            return text;
        };
        let part = |item: &Expr| {
            if matches!((item, binding), (Expr::Or(_), Binding::And)) {
                return format!("({})", self.broken(item, indent + 4, indent + word.len() + 3));
            }
            if matches!(item, Expr::And(_)) {
                return self.broken(item, indent + 4, indent + word.len() + 1);
            }
            self.expr(item).operand(self.context, binding, Same::Fits)
        };
        let gap = format!("\n{}{word} ", " ".repeat(indent));
        items.iter().map(part).collect::<Vec<_>>().join(&gap)
    }

    fn assignments(&self, assignments: &[(Name, Expr)]) -> Vec<String> {
        assignments.iter().map(|(name, value)| format!("{} = {}", self.name(name), self.expr(value).text)).collect()
    }

    /// A key of a group.
    fn key(&self, name: &Name, value: &Expr) -> String {
        match value {
            Expr::Field(field) if field == name => self.name(name),
            value => format!("{} = {}", self.name(name), self.expr(value).text),
        }
    }

    fn names(&self, names: &[Name]) -> String {
        names.iter().map(|name| self.name(name)).collect::<Vec<_>>().join(", ")
    }

    fn name(&self, name: &Name) -> String {
        if name.text().split('.').all(|part| self.is_bare(part)) {
            name.text().to_owned()
        } else {
            self.quoted_name(name.text())
        }
    }

    /// A part of a dotted name that needs no quotes. A word that begins with `_` or `@` does not end there.
    fn is_bare(&self, part: &str) -> bool {
        self.context.is_bare(part) && !matches!(part, "_" | "@")
    }

    fn quoted_name(&self, name: &str) -> String {
        quoted(name, &self.context.identifier.quote, self.context.identifier.escape)
    }

    fn glob(&self, glob: &Glob) -> String {
        let text = glob.text();
        if !text.contains('*') {
            return if text.split('.').all(|part| self.is_bare(part)) {
                text.to_owned()
            } else {
                self.quoted_name(text)
            };
        }
        let plain =
            |part: &str| part.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '@' | '.'));
        let one = |part: &str| if part.is_empty() || plain(part) { part.to_owned() } else { self.quoted_name(part) };
        text.split('*').map(one).collect::<Vec<_>>().join("*")
    }

    fn expr(&self, expr: &Expr) -> Fragment {
        let joined = |items: &[Expr], binding, separator: &str| {
            let items = items.iter().map(|item| self.expr(item).operand(self.context, binding, Same::Fits));
            Fragment::new(items.collect::<Vec<_>>().join(separator), binding)
        };
        let compared = |value: &Expr| self.expr(value).operand(self.context, Binding::Comparison, Same::Parenthesized);
        let not = |negated: bool| if negated { "NOT " } else { "" };
        match expr {
            Expr::Field(name) => Fragment::atom(self.name(name)),
            Expr::Text(text) => Fragment::atom(self.text(text)),
            Expr::Pattern(pattern) => Fragment::atom(self.pattern(pattern)),
            Expr::Number(number) if number.starts_with('-') => Fragment::new(number.clone(), Binding::Unary),
            Expr::Number(number) => Fragment::atom(number.clone()),
            Expr::Bool(value) => Fragment::atom(value.to_string()),
            Expr::Null => Fragment::atom("null"),
            Expr::Span(amount, unit) => {
                let unit = unit_text(*unit);
                Fragment::atom(if *amount == 1 { format!("1 {unit}") } else { format!("{amount} {unit}s") })
            }
            Expr::List(items) => Fragment::atom(format!("[{}]", self.list(items))),
            Expr::Star => Fragment::atom("*"),
            Expr::Call(function, args) => Fragment::new(format!("{function}({})", self.list(args)), Binding::Call),
            Expr::Spelled { template, binding, args } => {
                let args: Vec<Fragment> = args.iter().map(|arg| self.expr(arg)).collect();
                Fragment::new(spelled(template, &args, self.context), *binding)
            }
            Expr::Compare(op, a, b) => {
                let op = match op {
                    Comparison::Eq => "==",
                    Comparison::Ne => "!=",
                    Comparison::Lt => "<",
                    Comparison::Le => "<=",
                    Comparison::Gt => ">",
                    Comparison::Ge => ">=",
                };
                Fragment::new(format!("{} {op} {}", compared(a), compared(b)), Binding::Comparison)
            }
            Expr::In { value, list, negated } => {
                let text = format!("{} {}IN ({})", compared(value), not(*negated), self.list(list));
                Fragment::new(text, Binding::Comparison)
            }
            Expr::InQuery { value, query, negated } => {
                let query = self.inner(query);
                Fragment::new(format!("{} {}IN{query}", compared(value), not(*negated)), Binding::Comparison)
            }
            Expr::Like { value, patterns, regex, negated } => {
                let word = if *regex { "RLIKE" } else { "LIKE" };
                let texts: Vec<String> = patterns.iter().map(|pattern| self.pattern(pattern)).collect();
                let with = if texts.len() == 1 { texts.concat() } else { format!("({})", texts.join(", ")) };
                Fragment::new(format!("{} {}{word} {with}", compared(value), not(*negated)), Binding::Comparison)
            }
            Expr::IsNull(value, is) => {
                Fragment::new(format!("{} IS {}NULL", compared(value), not(!is)), Binding::Comparison)
            }
            Expr::Arithmetic(op, a, b) => {
                let (op, binding) = match op {
                    Operator::Add => ("+", Binding::Additive),
                    Operator::Subtract => ("-", Binding::Additive),
                    Operator::Multiply => ("*", Binding::Multiplicative),
                    Operator::Divide => ("/", Binding::Multiplicative),
                    Operator::Modulo => ("%", Binding::Multiplicative),
                };
                let left = self.expr(a).operand(self.context, binding, Same::Fits);
                let right = self.expr(b).operand(self.context, binding, Same::Parenthesized);
                Fragment::new(format!("{left} {op} {right}"), binding)
            }
            Expr::Negate(a) => {
                let inner = self.expr(a).operand(self.context, Binding::Unary, Same::Parenthesized);
                Fragment::new(format!("-{inner}"), Binding::Unary)
            }
            Expr::Not(a) => {
                let inner = self.expr(a).operand(self.context, Binding::Not, Same::Fits);
                Fragment::new(format!("NOT {inner}"), Binding::Not)
            }
            Expr::And(items) => joined(items, Binding::And, " AND "),
            Expr::Or(items) => joined(items, Binding::Or, " OR "),
        }
    }

    fn list(&self, items: &[Expr]) -> String {
        items.iter().map(|item| self.expr(item).text).collect::<Vec<_>>().join(", ")
    }

    /// A text between quotes. Line ends and tabs have escapes of their own.
    fn text(&self, text: &str) -> String {
        let text = quoted(text, &self.context.string.quote, self.context.string.escape);
        text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
    }

    /// A pattern: as it is between three quotes, where it holds what would have to be escaped.
    fn pattern(&self, pattern: &str) -> String {
        let raw = self.context.string.raw.as_deref().filter(|raw| {
            pattern.contains(['\\', '"'])
                && !pattern.contains(raw)
                && !pattern.ends_with('"')
                && !pattern.contains(['\n', '\r'])
        });
        match raw {
            Some(raw) => format!("{raw}{pattern}{raw}"),
            None => self.text(pattern),
        }
    }
}

/// An index, bare where its characters allow it.
fn index_name(index: &str) -> String {
    let bare = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | '-' | '*');
    if index.chars().all(bare) { index.to_owned() } else { quoted(index, "\"", crate::target::Escape::Backslash) }
}

fn unit_text(unit: Unit) -> &'static str {
    match unit {
        Unit::Millisecond => "millisecond",
        Unit::Second => "second",
        Unit::Minute => "minute",
        Unit::Hour => "hour",
        Unit::Day => "day",
        Unit::Week => "week",
        Unit::Month => "month",
        Unit::Year => "year",
    }
}
