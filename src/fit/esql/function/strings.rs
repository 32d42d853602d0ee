//! Functions of texts: parts, searches, replacements, regular expressions. `REPLACE` takes those of Java.
//!
//! See <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/string-functions>.

use super::dynamic::concat;
use crate::diagnostic::{Code, Effect};
use crate::fit::esql::scope::{Form, converted};
use crate::fit::esql::text::fold;
use crate::fit::esql::tree::{Comparison, Expr, Operator};
use crate::fit::esql::{Fit, Fitter, Unsayable, unwritten};
use crate::fit::known::is_count;
use crate::fit::lucene::Folded;
use crate::fit::regex::{self, Dialect, Pattern};
use crate::plan::{Expr as Meant, ExprKind, ScalarType, Value};

/// A character that no text holds: the information separator that ASCII has for units.
pub(super) const UNIT: char = '\u{1f}';

impl<'a> Fitter<'a, '_> {
    pub(super) fn string_call(&mut self, expr: &Meant, name: &str, args: &[Meant]) -> Fit<Option<Expr>> {
        Ok(Some(match (name, args) {
            ("tolower", [text]) => fold(self.text_value(text)?, Folded::Lower),
            ("toupper", [text]) => fold(self.text_value(text)?, Folded::Upper),
            ("strlen", [text]) => Expr::call("LENGTH", [self.filled(text)?]),
            ("string_size", [text]) => Expr::call("BYTE_LENGTH", [self.filled(text)?]),
            ("strcat", [only]) => self.text_value(only)?,
            ("strcat", parts) => {
                let parts = parts.iter().map(|part| self.filled(part)).collect::<Fit<Vec<_>>>()?;
                Expr::Call("CONCAT", parts)
            }
            ("strcat_delim", [delimiter, items @ ..]) if !items.is_empty() => {
                let delimiter = self.filled(delimiter)?;
                let mut parts = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        parts.push(delimiter.clone());
                    }
                    parts.push(self.filled(item)?);
                }
                concat(parts)
            }
            ("strcat_array", [array, delimiter]) => {
                let form = self.form(array);
                let list = self.many(array)?;
                let list = if form == Form::Keyword { list } else { converted(list, form, Form::Keyword) };
                Expr::call("MV_CONCAT", [list, self.filled(delimiter)?])
            }
            ("substring", [subject, bounds @ ..]) => self.substring(expr, subject, bounds)?,
            ("indexof", [subject, needle, rest @ ..]) if rest.len() < 2 => {
                let (subject, needle) = (self.filled(subject)?, self.sought(needle)?);
                let found = match rest {
                    [start] => {
                        let start = plus_one(self.operand(start)?);
                        Expr::call("LOCATE", [subject, needle, start])
                    }
                    _ => Expr::call("LOCATE", [subject, needle]),
                };
                Expr::arithmetic(Operator::Subtract, found, Expr::number(1))
            }
            ("countof", [subject, needle, rest @ ..]) if rest.len() < 2 => {
                rest.iter().for_each(|kind| self.carry(kind));
                let is_regex = rest.first().and_then(Meant::as_str) == Some("regex");
                self.count_of(expr, subject, needle, is_regex)?
            }
            ("trim" | "trim_start" | "trim_end", [pattern, subject]) => self.trim(name, pattern, subject)?,
            ("replace_string", [subject, from, to]) => {
                let value = self.text_value(subject)?;
                self.replace_text(value, from, to)?
            }
            ("replace_strings", [subject, from, to]) => {
                let (Some(Value::Array(froms)), Some(Value::Array(tos))) = (from.as_literal(), to.as_literal()) else {
                    return Err(unwritten(expr.span, "a replacement by computed lists"));
                };
                self.ledger.carried(from.id);
                self.ledger.carried(to.id);
                let mut value = self.text_value(subject)?;
                for (from, to) in froms.iter().zip(tos) {
                    let (Value::String(from), Value::String(to)) = (from, to) else {
                        return Err(unwritten(expr.span, "a replacement of what is no text"));
                    };
                    value = replaced(value, regex::literal(from), replacement(to));
                }
                value
            }
            ("replace_regex", [subject, pattern, with]) => self.replace_regex(subject, pattern, with)?,
            ("translate", [from, to, subject]) => self.translate(expr, from, to, subject)?,
            ("reverse", [subject]) => {
                let message = "letters that are put together of several characters stay together in ES|QL";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                Expr::call("REVERSE", [self.text_value(subject)?])
            }
            ("strcmp", [a, b]) => {
                let (a, b) = (self.filled(a)?, self.filled(b)?);
                let less = Expr::compare(Comparison::Lt, a.clone(), b.clone());
                let greater = Expr::compare(Comparison::Gt, a, b);
                Expr::Call("CASE", vec![less, Expr::number(-1), greater, Expr::number(1), Expr::number(0)])
            }
            ("strrep", [subject, times, rest @ ..]) if rest.len() < 2 => {
                let Some(Value::Long(count @ 1..=100)) = times.as_literal() else {
                    return Err(unwritten(expr.span, "a text that is repeated a computed number of times"));
                };
                self.ledger.carried(times.id);
                let value = self.filled(subject)?;
                let delimiter = match rest {
                    [delimiter] => Some(self.filled(delimiter)?),
                    _ => None,
                };
                let mut parts = Vec::new();
                for index in 0..*count {
                    parts.extend(delimiter.clone().filter(|_| index > 0));
                    parts.push(value.clone());
                }
                concat(parts)
            }
            ("split", [subject, delimiter, index @ ..]) if index.len() < 2 => {
                let text = if index.is_empty() { self.filled(subject)? } else { self.text_value(subject)? };
                let parts = self.cut_at(text, delimiter)?;
                match index {
                    [index] => Expr::call("MV_SLICE", [parts, self.operand(index)?]),
                    _ => parts,
                }
            }
            ("extract", [pattern, group, subject, ..]) => {
                if let Some(ty) = args.get(3) {
                    self.carry(ty);
                }
                let Some(Value::Long(number)) = group.as_literal() else {
                    return Err(unwritten(expr.span, "an extraction of a computed group"));
                };
                self.ledger.carried(group.id);
                let value = self.text_value(subject)?;
                let found = self.group(expr, pattern, *number, value)?;
                let to = Form::of(expr.ty);
                if !matches!(to, Form::Keyword) {
                    let message = "a text such as `0x10` or `1.5` may be read in another way";
                    self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                }
                if expr.ty == ScalarType::Timespan {
                    return Err(unwritten(expr.span, "an extracted span of time"));
                }
                converted(found, Form::Keyword, to)
            }
            ("extract_all", [pattern, subject]) => self.extract_all(expr, pattern, None, subject)?,
            ("extract_all", [pattern, groups, subject]) => self.extract_all(expr, pattern, Some(groups), subject)?,
            _ => return Ok(None),
        }))
    }

    /// A constant regular expression for Java.
    fn java(&mut self, arg: &Meant) -> Fit<Pattern> {
        let Some(text) = arg.as_str() else {
            let message = "a computed regular expression is not written in another dialect";
            return Err(Unsayable::new(Code::RefusedRegex, arg.span, message));
        };
        self.ledger.carried(arg.id);
        let pattern = regex::lenient(text, Dialect::Java).map_err(|why| {
            let message = format!("the regular expression can not be said in ES|QL: {why}");
            Unsayable::new(Code::RefusedRegex, arg.span, message)
        })?;
        if regex_syntax::parse(text).is_err() {
            let message = "the regular expression is not one of the documented dialect; it is read as older versions of Kusto did";
            self.note(Code::RegexDialect, Effect::Unsure, arg.span, message);
        }
        Ok(pattern)
    }

    /// A group of the first match, or the empty text; null of null.
    fn group(&mut self, expr: &Meant, pattern: &Meant, number: i64, value: Expr) -> Fit<Expr> {
        let java = self.java(pattern)?;
        if !usize::try_from(number).is_ok_and(|number| number <= java.groups) {
            return Err(unwritten(expr.span, format!("group {number} of the pattern")));
        }
        Ok(extracted(value, &java.text, number))
    }

    /// What a text is cut at; `SPLIT` takes one byte.
    fn cut_at(&mut self, text: Expr, delimiter: &Meant) -> Fit<Expr> {
        self.ledger.carried(delimiter.id);
        let Some(at) = delimiter.as_str() else {
            return Err(unwritten(delimiter.span, "a text cut at a computed delimiter"));
        };
        if at.is_empty() {
            let message = "what KQL makes of a text that is cut at the empty text is not documented";
            self.note(Code::Approximated, Effect::Unsure, delimiter.span, message);
        }
        if at.len() == 1 {
            return Ok(Expr::call("SPLIT", [text, Expr::text(at)]));
        }
        let unit = UNIT.to_string();
        let marked = replaced(text, regex::literal(at), unit.clone());
        Ok(Expr::call("SPLIT", [marked, Expr::Text(unit)]))
    }

    /// The list of which a part is asked for: of a missing text every part is missing, so that it may stay missing.
    pub(super) fn split_parts(&mut self, base: &Meant) -> Fit<Expr> {
        if let (ExprKind::Call { args, .. }, Some("split")) = (&base.kind, self.function_name(base))
            && let [subject, delimiter] = args.as_slice()
        {
            self.ledger.carried(base.id);
            let text = self.text_value(subject)?;
            return self.cut_at(text, delimiter);
        }
        self.many(base)
    }

    /// `split(text, "ab")[1]`: `SPLIT` takes one byte, so that one part of a text that is cut at more is taken by a pattern.
    pub(super) fn part_at(&mut self, base: &Meant, index: i64) -> Fit<Option<Expr>> {
        let ExprKind::Call { args, .. } = &base.kind else { return Ok(None) };
        let (Some("split"), [subject, delimiter]) = (self.function_name(base), args.as_slice()) else {
            return Ok(None);
        };
        let Some(at) = delimiter.as_str().filter(|at| at.len() > 1 && (0..100).contains(&index)) else {
            return Ok(None);
        };
        self.ledger.carried(base.id);
        self.ledger.carried(delimiter.id);
        let text = self.text_value(subject)?;
        let at = regex::literal(at);
        let pattern = match index {
            0 => return Ok(Some(replaced(text, format!("(?s){at}.*"), String::new()))),
            1 => format!("(?s)^.*?{at}(.*?)(?:{at}.*|\\z)|.+"),
            _ => format!("(?s)^(?:.*?{at}){{{index}}}(.*?)(?:{at}.*|\\z)|.+"),
        };
        Ok(Some(replaced(text, pattern, "$1".to_owned())))
    }

    /// `extract_all(pattern, text)[0][1]`: a group of the first match.
    pub(super) fn group_of_first(&mut self, base: &Meant, index: i64, group: i64) -> Fit<Option<Expr>> {
        let ExprKind::Call { args, .. } = &base.kind else { return Ok(None) };
        let (Some("extract_all"), [pattern, subject]) = (self.function_name(base), args.as_slice()) else {
            return Ok(None);
        };
        let groups = pattern.as_str().and_then(|text| regex::lenient(text, Dialect::Java).ok()).map(|it| it.groups);
        if index != 0 || group < 0 || groups.is_none_or(|groups| groups < 2) {
            return Ok(None);
        }
        self.ledger.carried(base.id);
        let value = self.text_value(subject)?;
        self.group(base, pattern, group.saturating_add(1), value).map(Some)
    }

    /// A text that is looked for, which must not be empty.
    fn sought(&mut self, needle: &Meant) -> Fit<Expr> {
        if needle.as_str().is_none_or(str::is_empty) {
            let message = "whether the text that is looked for is empty is not known";
            self.note(Code::Approximated, Effect::Unsure, needle.span, message);
        }
        self.filled(needle)
    }

    /// `substring(text, start, length)`: KQL counts from 0, and from the end where the start is below zero.
    fn substring(&mut self, expr: &Meant, subject: &Meant, bounds: &[Meant]) -> Fit<Expr> {
        let (start, length) = match bounds {
            [start] => (start, None),
            [start, length] => (start, Some(length)),
            _ => return Err(unwritten(expr.span, "this part of a text")),
        };
        let value = self.text_value(subject)?;
        let from = match start.as_literal() {
            Some(Value::Long(from)) => {
                self.ledger.carried(start.id);
                if *from < 0 {
                    let message = "what is taken where the start lies before the text may differ";
                    self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                }
                Expr::number(if *from < 0 { *from } else { from.saturating_add(1) })
            }
            Some(_) | None => {
                let from = self.operand(start)?;
                if is_count(start, |expr| self.function_name(expr)) {
                    plus_one(from)
                } else {
                    let below = Expr::compare(Comparison::Lt, from.clone(), Expr::number(0));
                    Expr::when(below, from.clone(), plus_one(from))
                }
            }
        };
        Ok(match length {
            None => Expr::call("SUBSTRING", [value, from]),
            Some(length) => {
                let known = is_count(length, |expr| self.function_name(expr))
                    || matches!(length.as_literal(), Some(Value::Long(0..)));
                let mut length = self.operand(length)?;
                if !known {
                    // ES|QL gives null where the length is below zero.
                    length = Expr::call("GREATEST", [length, Expr::number(0)]);
                }
                Expr::call("SUBSTRING", [value, from, length])
            }
        })
    }

    /// `countof(text, search, kind)`
    fn count_of(&mut self, expr: &Meant, subject: &Meant, needle: &Meant, is_regex: bool) -> Fit<Expr> {
        let value = self.filled(subject)?;
        let length = |text: Expr| Expr::call("LENGTH", [text]);
        let subtract = |a: Expr, b: Expr| Expr::arithmetic(Operator::Subtract, a, b);
        if is_regex {
            let java = self.java(needle)?;
            let longer = replaced(value.clone(), java.text, "$0#".to_owned());
            return Ok(subtract(length(longer), length(value)));
        }
        let Some(text) = needle.as_str().filter(|text| !text.is_empty()) else {
            return Err(unwritten(needle.span, "a count of a computed text"));
        };
        self.ledger.carried(needle.id);
        let chars: Vec<char> = text.chars().collect();
        if (1..chars.len()).any(|at| chars.get(at..).is_some_and(|tail| chars.starts_with(tail))) {
            let message = "matches that overlap are counted in KQL and not in ES|QL";
            self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        }
        let shorter = replaced(value.clone(), regex::literal(text), String::new());
        let lost = subtract(length(value), length(shorter));
        Ok(if chars.len() == 1 { lost } else { Expr::arithmetic(Operator::Divide, lost, Expr::number(chars.len())) })
    }

    /// `trim(regex, text)`: what matches at the ends.
    fn trim(&mut self, name: &str, pattern: &Meant, subject: &Meant) -> Fit<Expr> {
        let java = self.java(pattern)?;
        let single = java.text.chars().count() == 1 || java.text.len() == 2 && java.text.starts_with('\\');
        // A pattern that already takes all that it can from its place says the same once as many times.
        if !java.text.ends_with(['+', '*']) && !single {
            let message = "whether a match at the end is taken away once or as often as it stands there is not documented, here it is taken once";
            self.note(Code::Approximated, Effect::Unsure, pattern.span, message);
        }
        let (flags, rest) = flags_of(&java.text);
        let one = match (single, has_branches(rest)) {
            (true, _) => format!("{rest}+"),
            (false, true) => format!("(?:{rest})"),
            (false, false) => rest.to_owned(),
        };
        let ends = match name {
            "trim_start" => format!("{flags}^{one}"),
            "trim_end" => format!("{flags}{one}\\z"),
            _ => format!("{flags}^{one}|{one}\\z"),
        };
        Ok(replaced(self.text_value(subject)?, ends, String::new()))
    }

    /// `replace_string(text, from, to)`
    fn replace_text(&mut self, value: Expr, from: &Meant, to: &Meant) -> Fit<Expr> {
        let quoted = |text: Expr, pattern: &str, with: &str| replaced(text, pattern.to_owned(), with.to_owned());
        let pattern = match from.as_str() {
            Some("") => return Err(unwritten(from.span, "the replacement of an empty text")),
            Some(text) => {
                self.ledger.carried(from.id);
                Expr::Pattern(regex::literal(text))
            }
            None => quoted(self.sought(from)?, r"[\\.+*?()|\[\]{}^$]", r"\\$0"),
        };
        let with = match to.as_str() {
            Some(text) => {
                self.ledger.carried(to.id);
                Expr::Text(replacement(text))
            }
            None => quoted(self.filled(to)?, r"[\\$]", r"\\$0"),
        };
        Ok(Expr::call("REPLACE", [value, pattern, with]))
    }

    /// `replace_regex(text, regex, with)`: `\1` is group 1, as `$1` is in Java.
    fn replace_regex(&mut self, subject: &Meant, pattern: &Meant, with: &Meant) -> Fit<Expr> {
        let java = self.java(pattern)?;
        let Some(text) = with.as_str() else {
            return Err(unwritten(with.span, "a replacement that is computed"));
        };
        self.ledger.carried(with.id);
        let mut out = String::new();
        let mut chars = text.chars().peekable();
        while let Some(char) = chars.next() {
            match (char, chars.peek().copied()) {
                ('\\', Some(digit)) if digit.is_ascii_digit() => {
                    chars.next();
                    let group = digit.to_digit(10).unwrap_or_default();
                    if usize::try_from(group).is_ok_and(|group| group > java.groups) {
                        return Err(unwritten(with.span, format!("group {digit} of the pattern")));
                    }
                    out.push_str(&format!("${group}"));
                }
                ('\\', Some('\\')) => {
                    chars.next();
                    out.push_str("\\\\");
                }
                ('\\' | '$', _) => {
                    out.push('\\');
                    out.push(char);
                }
                (char, _) => out.push(char),
            }
        }
        let value = if java.matches_empty { self.filled(subject)? } else { self.text_value(subject)? };
        Ok(replaced(value, java.text, out))
    }

    /// `translate(from, to, text)`: character by character.
    fn translate(&mut self, expr: &Meant, from: &Meant, to: &Meant, subject: &Meant) -> Fit<Expr> {
        let (Some(from_text), Some(to_text)) = (from.as_str(), to.as_str()) else {
            return Err(unwritten(expr.span, "a translation by computed characters"));
        };
        self.ledger.carried(from.id);
        self.ledger.carried(to.id);
        let last = to_text.chars().next_back();
        let mut value = self.text_value(subject)?;
        let mut to = to_text.chars();
        let mut made: Vec<char> = Vec::new();
        for from in from_text.chars() {
            let with = to.next().or(last);
            if made.contains(&from) {
                return Err(unwritten(expr.span, "a translation of characters into each other"));
            }
            made.extend(with);
            let with = with.map_or_else(String::new, |char| char.to_string());
            value = replaced(value, regex::literal(&from.to_string()), replacement(&with));
        }
        Ok(value)
    }

    /// `extract_all(regex, text)`: the text is cut at marks behind each match, of which the groups stay.
    fn extract_all(&mut self, expr: &Meant, pattern: &Meant, groups: Option<&Meant>, subject: &Meant) -> Fit<Expr> {
        let java = self.java(pattern)?;
        let mut wanted: Vec<i64> = (1..=i64::try_from(java.groups).unwrap_or(0)).collect();
        if let Some(groups) = groups {
            let Some(Value::Array(items)) = groups.as_literal() else {
                return Err(unwritten(expr.span, "an `extract_all` of computed groups"));
            };
            self.ledger.carried(groups.id);
            wanted.clear();
            for item in items {
                if let Value::Long(group) = item {
                    wanted.push(*group);
                } else if let Value::String(name) = item {
                    // Names are taken away for Java; the other writer knows them.
                    let names = pattern.as_str().and_then(|text| regex::translate(text).ok()).map(|it| it.names);
                    let named = names.unwrap_or_default().into_iter().find(|(known, _)| known == name);
                    wanted.extend(named.map(|(_, group)| i64::from(group)));
                }
            }
        }
        let known = |group: &i64| usize::try_from(*group).is_ok_and(|group| (1..=java.groups).contains(&group));
        if wanted.is_empty() || !wanted.iter().all(known) {
            return Err(unwritten(expr.span, "an `extract_all` of other groups than those of the pattern"));
        }
        let value = self.text_value(subject)?;
        let (flags, rest) = flags_of(&java.text);
        let rest = if has_branches(rest) { format!("(?:{rest})") } else { rest.to_owned() };
        let whole = format!("{flags}(?s:.*?){rest}");
        let kept = if groups.is_none() && wanted.len() == 1 {
            format!("$1{UNIT}")
        } else {
            let message = "each match is a JSON text of its groups, in which a quote or a backslash is not escaped";
            self.note(Code::Approximated, Effect::Unsure, expr.span, message);
            let items: Vec<String> = wanted.iter().map(|group| format!("\"${group}\"")).collect();
            format!("[{}]{UNIT}", items.join(","))
        };
        let marked = replaced(value, whole, kept);
        let matched = replaced(marked, r"(?:^|\x1F)[^\x1F]*\z".to_owned(), String::new());
        let split = Expr::call("SPLIT", [matched.clone(), Expr::text(UNIT.to_string())]);
        // Without a match there is no list.
        let found = Expr::compare(Comparison::Ne, matched, Expr::text(""));
        Ok(Expr::Call("CASE", vec![found, split]))
    }
}

/// The group of the first match of a pattern, or the empty text: what does not match is replaced by a group that took no
/// part.
pub(super) fn extracted(value: Expr, pattern: &str, group: i64) -> Expr {
    let (flags, rest) = flags_of(pattern);
    let alone = !has_branches(rest);
    let lines = flags.contains('m') || rest.contains("(?m");
    // Group 0 is the whole match, which takes a group of its own.
    let (inner, number) = match (group, alone) {
        (0, _) => (format!("({rest})"), 1),
        (group, true) => (rest.to_owned(), group),
        (group, false) => (format!("(?:{rest})"), group),
    };
    let before = if alone && !lines && rest.starts_with('^') { "" } else { "(?s:.*?)" };
    let after = if alone && !lines && rest.ends_with("\\z") { "" } else { "(?s:.*)" };
    replaced(value, format!("{flags}{before}{inner}{after}|(?s:.+)"), format!("${number}"))
}

/// Whether a pattern has branches that stand in no group.
fn has_branches(pattern: &str) -> bool {
    let (mut depth, mut classes, mut escaped) = (0u32, 0u32, false);
    for char in pattern.chars() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => classes += 1,
            ']' => classes = classes.saturating_sub(1),
            '(' if classes == 0 => depth += 1,
            ')' if classes == 0 => depth = depth.saturating_sub(1),
            '|' if classes == 0 && depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// The flags that a pattern begins with, and the rest.
fn flags_of(pattern: &str) -> (&str, &str) {
    let mut end = 0;
    while let Some(rest) = pattern.get(end..)
        && rest.starts_with("(?")
        && let Some(close) = rest.find(')')
        && rest
            .get(2..close)
            .is_some_and(|flags| !flags.is_empty() && flags.chars().all(|flag| flag.is_ascii_alphabetic()))
    {
        end += close + 1;
    }
    pattern.split_at_checked(end).unwrap_or(("", pattern))
}

/// `REPLACE(value, pattern, with)`
pub(super) fn replaced(value: Expr, pattern: String, with: String) -> Expr {
    Expr::call("REPLACE", [value, Expr::Pattern(pattern), Expr::Text(with)])
}

/// A text that a match is replaced by as it is.
fn replacement(text: &str) -> String {
    text.replace('\\', "\\\\").replace('$', "\\$")
}

fn plus_one(number: Expr) -> Expr {
    moved_by(number, 1)
}

/// A number and a constant, with the constants that were added before: `indexof(…) + 1` is the place that `LOCATE` gives.
fn moved_by(number: Expr, by: i64) -> Expr {
    let whole = |expr: &Expr| if let Expr::Number(text) = expr { text.parse::<i64>().ok() } else { None };
    if let Some(own) = whole(&number) {
        return Expr::number(own.saturating_add(by));
    }
    if let Expr::Arithmetic(op @ (Operator::Add | Operator::Subtract), inner, constant) = &number
        && let Some(constant) = whole(constant)
    {
        let own = if *op == Operator::Add { constant } else { constant.saturating_neg() };
        return moved_by(inner.as_ref().clone(), by.saturating_add(own));
    }
    match by {
        0 => number,
        1.. => Expr::arithmetic(Operator::Add, number, Expr::number(by)),
        _ => Expr::arithmetic(Operator::Subtract, number, Expr::number(by.saturating_neg())),
    }
}
