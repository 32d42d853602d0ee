//! Functions of text: parts, searches, replacements, regular expressions.

use super::form::{add, call, concat, escaped, greater, less, matches, number, or, replaced, subtract, text, when};
use crate::diagnostic::{Code, Effect};
use crate::fit::known::is_count;
use crate::fit::spl::tree::EvalExpr;
use crate::fit::spl::{Fit, Fitter, Unsayable, regex};
use crate::plan::{Expr, ExprKind, ScalarType, Value};

/// A character that no text holds: the information separator that ASCII has for units.
const UNIT: char = '\u{1f}';

impl<'a> Fitter<'a, '_> {
    pub(super) fn string_call(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Fit<Option<EvalExpr>> {
        Ok(Some(match (name, args) {
            ("strcat", items) if !items.is_empty() => {
                let parts: Vec<EvalExpr> = items.iter().map(|item| self.present_text(item)).collect::<Fit<_>>()?;
                concat(parts)
            }
            ("strcat_delim", [delimiter, items @ ..]) if !items.is_empty() => {
                let delimiter = self.present_text(delimiter)?;
                let mut parts = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        parts.push(delimiter.clone());
                    }
                    parts.push(self.present_text(item)?);
                }
                concat(parts)
            }
            ("strcat_array", [array, delimiter]) => {
                let array = self.multi(array)?;
                or(call("mvjoin", [array, self.text_value(delimiter)?]), text(""))
            }
            ("substring", [subject, bounds @ ..]) => self.substring(expr, subject, bounds)?,
            ("indexof", [subject, needle]) => {
                let (subject, needle) = (self.text_value(subject)?, self.needle(needle)?);
                position(subject, needle)
            }
            ("indexof", [subject, needle, start]) => {
                let (subject, needle) = (self.text_value(subject)?, self.needle(needle)?);
                let start = self.operand(start)?;
                let rest = call("substr", [subject, add(start.clone(), number(1))]);
                let found = position(rest, needle);
                when(less(found.clone(), number(0)), number(-1), add(found, start))
            }
            ("indexof_regex", [subject, pattern]) => {
                let pcre = self.pattern(pattern)?;
                let subject = self.text_value(subject)?;
                let before = replaced(subject.clone(), format!("(?:{})[\\s\\S]*\\z", pcre.text), "");
                when(matches(subject, pcre.text), call("len", [before]), number(-1))
            }
            ("countof", [subject, needle]) => self.count_of(expr, subject, needle, false)?,
            ("countof", [subject, needle, kind]) if matches!(kind.as_str(), Some("normal" | "regex")) => {
                self.ledger.carried(kind.id);
                self.count_of(expr, subject, needle, kind.as_str() == Some("regex"))?
            }
            ("trim" | "trim_start" | "trim_end", [pattern, subject]) => self.trim(name, pattern, subject)?,
            ("replace_string", [subject, from, to]) => {
                let value = self.text_value(subject)?;
                self.replace_text(value, from, to)?
            }
            ("replace_strings", [subject, from, to]) => {
                let (Some(Value::Array(froms)), Some(Value::Array(tos))) = (from.as_literal(), to.as_literal()) else {
                    return Err(Unsayable::not_yet(expr.span, "a replacement by computed lists"));
                };
                self.ledger.carried(from.id);
                self.ledger.carried(to.id);
                let mut value = self.text_value(subject)?;
                for (from, to) in froms.iter().zip(tos) {
                    let (Value::String(from), Value::String(to)) = (from, to) else {
                        return Err(Unsayable::not_yet(expr.span, "a replacement of what is no text"));
                    };
                    value = replaced(value, regex::literal(from), to.replace('\\', "\\\\"));
                }
                value
            }
            ("replace_regex", [subject, pattern, with]) => self.replace_regex(subject, pattern, with)?,
            ("translate", [from, to, subject]) => {
                let (Some(from_text), Some(to_text)) = (from.as_str(), to.as_str()) else {
                    return Err(Unsayable::not_yet(expr.span, "a translation by computed characters"));
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
                        return Err(Unsayable::not_yet(expr.span, "a translation of characters into each other"));
                    }
                    made.extend(with);
                    let with = with.map_or_else(String::new, |char| char.to_string());
                    value = replaced(value, regex::literal(&from.to_string()), with.replace('\\', "\\\\"));
                }
                value
            }
            ("reverse", [subject]) => {
                let value = self.text_value(subject)?;
                let places = call("mvrange", [number(1), add(call("len", [value.clone()]), number(1))]);
                let places = self.field_of(places, expr.span)?;
                let from_end = EvalExpr::Negate(Box::new(EvalExpr::Field(places.clone())));
                let letter = call("substr", [value, from_end, number(1)]);
                or(call("mvjoin", [call("mvmap", [EvalExpr::Field(places), letter]), text("")]), text(""))
            }
            ("strrep", [subject, times, rest @ ..]) if rest.len() < 2 => {
                let Some(Value::Long(count @ 1..=100)) = times.as_literal() else {
                    return Err(Unsayable::not_yet(expr.span, "a text that is repeated a computed number of times"));
                };
                self.ledger.carried(times.id);
                let value = self.present_text(subject)?;
                let delimiter = match rest {
                    [delimiter] => Some(self.present_text(delimiter)?),
                    _ => None,
                };
                let mut parts = Vec::new();
                for index in 0..*count {
                    parts.extend(delimiter.clone().filter(|_| index > 0));
                    parts.push(value.clone());
                }
                concat(parts)
            }
            ("string_size", [subject]) => {
                let value = self.present_text(subject)?;
                let value = replaced(value, r"[\x{10000}-\x{10FFFF}]", "####");
                let value = replaced(value, r"[\x{800}-\x{FFFF}]", "###");
                call("len", [replaced(value, r"[\x{80}-\x{7FF}]", "##")])
            }
            ("strcmp", [a, b]) => {
                let (a, b) = (self.marked_text(a)?, self.marked_text(b)?);
                call(
                    "case",
                    [less(a.clone(), b.clone()), number(-1), greater(a, b), number(1), EvalExpr::bool(true), number(0)],
                )
            }
            ("split", [subject, delimiter, index @ ..]) if index.len() < 2 => {
                let delimiter_text = self.delimiter(delimiter)?;
                // The empty text is one part.
                let parts = call("split", [self.present_text(subject)?, text(delimiter_text)]);
                match index {
                    [index] => call("mvindex", [parts, self.operand(index)?]),
                    _ => parts,
                }
            }
            ("extract", [pattern, group, subject, ..]) => {
                if let Some(ty) = args.get(3) {
                    self.carry(ty);
                }
                let found = self.extract(expr, pattern, group, subject)?;
                match expr.ty {
                    ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal => {
                        call("tonumber", [found])
                    }
                    ScalarType::Datetime => {
                        let message = "of the texts that are a time only ISO 8601 in UTC is read";
                        self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                        self.iso(found, expr.span)
                    }
                    ScalarType::Timespan => return Err(Unsayable::not_yet(expr.span, "an extracted span of time")),
                    ScalarType::Bool => call("lower", [call("nullif", [found, text("")])]),
                    ScalarType::Dynamic | ScalarType::Guid | ScalarType::String | ScalarType::Unknown => found,
                }
            }
            ("extract_all", [pattern, subject]) => self.extract_all(expr, pattern, None, subject)?,
            ("extract_all", [pattern, groups, subject]) => self.extract_all(expr, pattern, Some(groups), subject)?,
            ("tolower", [value]) => call("lower", [self.text_value(value)?]),
            ("toupper", [value]) => call("upper", [self.text_value(value)?]),
            ("strlen", [value]) => call("len", [self.present_text(value)?]),
            ("base64_decode_tostring", [value]) => self.base64(expr, value)?,
            _ => return Ok(None),
        }))
    }

    /// The array of a part that is asked for: of a missing text every part is missing, so that it may stay missing.
    pub(in crate::fit::spl) fn parts_of(&mut self, base: &Expr) -> Fit<Option<EvalExpr>> {
        let ExprKind::Call { args, .. } = &base.kind else { return Ok(None) };
        let (Some("split"), [subject, delimiter]) = (self.function_name(base), args.as_slice()) else {
            return Ok(None);
        };
        self.ledger.carried(base.id);
        let delimiter = self.delimiter(delimiter)?;
        Ok(Some(call("split", [self.text_value(subject)?, text(delimiter)])))
    }

    /// What a text is cut at.
    fn delimiter(&mut self, delimiter: &Expr) -> Fit<String> {
        self.ledger.carried(delimiter.id);
        match delimiter.as_str() {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            Some(_) => {
                let message = "what KQL makes of a text that is cut at the empty text is not documented";
                self.note(Code::Approximated, Effect::Unsure, delimiter.span, message);
                Ok(String::new())
            }
            None => Err(Unsayable::not_yet(delimiter.span, "a text cut at a computed delimiter")),
        }
    }

    /// A text that Splunk compares as text, whatever it looks like.
    fn marked_text(&mut self, value: &Expr) -> Fit<EvalExpr> {
        let value = self.present_text(value)?;
        Ok(concat([text("="), value]))
    }

    /// A text that is looked for, which must not be empty.
    fn needle(&mut self, needle: &Expr) -> Fit<EvalExpr> {
        let known = needle.as_str().is_some_and(|text| !text.is_empty());
        if !known {
            let message = "whether the text that is looked for is empty is not known";
            self.note(Code::Approximated, Effect::Unsure, needle.span, message);
        }
        self.text_value(needle)
    }

    /// `substring(text, start, length)`: KQL counts from 0, and from the end where the start is below zero.
    fn substring(&mut self, expr: &Expr, subject: &Expr, bounds: &[Expr]) -> Fit<EvalExpr> {
        let (start, length) = match bounds {
            [start] => (start, None),
            [start, length] => (start, Some(length)),
            _ => return Err(Unsayable::not_yet(expr.span, "this part of a text")),
        };
        let value = self.text_value(subject)?;
        let from = match start.as_literal() {
            Some(Value::Long(start)) if *start < 0 => number(start),
            Some(_) => add(self.operand(start)?, number(1)),
            None if is_count(start, |expr| self.function_name(expr)) => add(self.operand(start)?, number(1)),
            None => {
                let from = self.operand(start)?;
                let from = self.shared(from, start.span);
                when(less(from.clone(), number(0)), from.clone(), add(from, number(1)))
            }
        };
        if let Some(Value::Long(start)) = start.as_literal() {
            self.ledger.carried(bounds.first().map_or(expr.id, |bound| bound.id));
            if *start < 0 && length.is_some() {
                let message = "what KQL takes where the start lies before the text is not documented";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
            }
        }
        Ok(match length {
            None => call("substr", [value, from]),
            Some(length) => {
                let known = is_count(length, |expr| self.function_name(expr))
                    || matches!(length.as_literal(), Some(Value::Long(0..)));
                let mut length = self.operand(length)?;
                if !known {
                    // SPL takes what lies before the start where the length is below zero.
                    length = call("max", [length, number(0)]);
                }
                call("substr", [value, from, length])
            }
        })
    }

    /// `countof(text, search, kind)`
    fn count_of(&mut self, expr: &Expr, subject: &Expr, needle: &Expr, is_regex: bool) -> Fit<EvalExpr> {
        if is_regex {
            let pcre = self.pattern(needle)?;
            let value = self.present_text(subject)?;
            let longer = replaced(value.clone(), format!("({})", pcre.text), "\\1#");
            return Ok(subtract(call("len", [longer]), call("len", [value])));
        }
        let overlaps = needle.as_str().is_none_or(|text| {
            let chars: Vec<char> = text.chars().collect();
            (1..chars.len()).any(|at| chars.get(at..).is_some_and(|tail| chars.starts_with(tail)))
        });
        if overlaps {
            let message = "matches that overlap are counted in KQL and not in Splunk";
            self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        }
        let value = self.text_value(subject)?;
        let parts = call("mvcount", [call("split", [value, self.needle(needle)?])]);
        Ok(subtract(or(parts, number(1)), number(1)))
    }

    /// `trim(regex, text)`: what matches at the ends.
    fn trim(&mut self, name: &str, pattern: &Expr, subject: &Expr) -> Fit<EvalExpr> {
        let pcre = self.pattern(pattern)?;
        // A pattern that already takes all that it can from its place says the same once as many times.
        let greedy = pcre.text.ends_with(['+', '*']) || pcre.text.chars().count() == 1;
        if !greedy {
            let message = "whether a match at the end is taken away once or as often as it stands there is not documented, here it is taken once";
            self.note(Code::Approximated, Effect::Unsure, pattern.span, message);
        }
        let one = if pcre.text.chars().count() == 1 { format!("{}+", pcre.text) } else { format!("(?:{})", pcre.text) };
        let ends = match name {
            "trim_start" => format!("^{one}"),
            "trim_end" => format!("{one}\\z"),
            _ => format!("^{one}|{one}\\z"),
        };
        Ok(replaced(self.text_value(subject)?, ends, ""))
    }

    /// `replace_string(text, from, to)`
    fn replace_text(&mut self, value: EvalExpr, from: &Expr, to: &Expr) -> Fit<EvalExpr> {
        let pattern = match from.as_str() {
            Some("") => return Err(Unsayable::not_yet(from.span, "the replacement of an empty text")),
            Some(text) => {
                self.ledger.carried(from.id);
                EvalExpr::Regex(regex::literal(text))
            }
            None => escaped(self.needle(from)?),
        };
        let with = match to.as_str() {
            Some(with) => {
                self.ledger.carried(to.id);
                text(with.replace('\\', "\\\\"))
            }
            // A backslash of the text would be read as the number of a group.
            None => replaced(self.present_text(to)?, r"(\\)", "\\\\\\\\"),
        };
        Ok(call("replace", [value, pattern, with]))
    }

    /// `replace_regex(text, regex, with)`: `\1` is a group in both, `\0` the whole match in KQL only.
    fn replace_regex(&mut self, subject: &Expr, pattern: &Expr, with: &Expr) -> Fit<EvalExpr> {
        let pcre = self.pattern(pattern)?;
        let Some(with_text) = with.as_str() else {
            return Err(Unsayable::not_yet(with.span, "a replacement that is computed"));
        };
        self.ledger.carried(with.id);
        let whole = has_whole_group(with_text);
        let mut out = String::new();
        let mut chars = with_text.chars().peekable();
        while let Some(char) = chars.next() {
            match (char, chars.peek().copied()) {
                ('\\', Some(digit)) if digit.is_ascii_digit() => {
                    chars.next();
                    let group = digit.to_digit(10).unwrap_or_default() + u32::from(whole);
                    if usize::try_from(group).is_ok_and(|group| group > pcre.groups + usize::from(whole)) || group > 9 {
                        return Err(Unsayable::not_yet(with.span, format!("group {digit} of the pattern")));
                    }
                    out.push_str(&format!("\\{group}"));
                }
                ('\\', Some('\\')) => {
                    chars.next();
                    out.push_str("\\\\");
                }
                ('\\', _) => out.push_str("\\\\"),
                (char, _) => out.push(char),
            }
        }
        let pattern = if whole { format!("({})", pcre.text) } else { pcre.text };
        let value = self.text_value(subject)?;
        let value = if pcre.matches_empty { EvalExpr::or_empty(value) } else { value };
        Ok(replaced(value, pattern, out))
    }

    /// `extract(regex, group, text)`: eval has no such function; the text is replaced by its group where it matches.
    fn extract(&mut self, expr: &Expr, pattern: &Expr, group: &Expr, value: &Expr) -> Fit<EvalExpr> {
        let Some(Value::Long(number)) = group.as_literal() else {
            return Err(Unsayable::not_yet(expr.span, "an extraction of a computed group"));
        };
        let pcre = self.pattern(pattern)?;
        if !usize::try_from(*number).is_ok_and(|number| number <= pcre.groups) {
            return Err(Unsayable::not_yet(expr.span, format!("group {number} of the pattern")));
        }
        self.ledger.carried(group.id);
        let value = EvalExpr::or_empty(self.text_value(value)?);
        // A replacement knows nine groups.
        let alone = match u32::try_from(*number) {
            Ok(group @ 10..) => pattern.as_str().and_then(|text| regex::only_group(text, group).ok()),
            Ok(_) | Err(_) => None,
        };
        Ok(match alone {
            Some(alone) => extracted(value, &alone.text, 1),
            None if *number > 9 => return Err(Unsayable::not_yet(expr.span, format!("group {number} of the pattern"))),
            None => extracted(value, &pcre.text, *number),
        })
    }

    /// `extract_all(regex, text)`: the text is cut at marks behind each match, of which the groups stay.
    fn extract_all(&mut self, expr: &Expr, pattern: &Expr, groups: Option<&Expr>, subject: &Expr) -> Fit<EvalExpr> {
        let pcre = self.pattern(pattern)?;
        let mut wanted: Vec<i64> = (1..=i64::try_from(pcre.groups).unwrap_or(0)).collect();
        if let Some(groups) = groups {
            let Some(Value::Array(items)) = groups.as_literal() else {
                return Err(Unsayable::not_yet(expr.span, "an `extract_all` of computed groups"));
            };
            self.ledger.carried(groups.id);
            let mut numbers = Vec::new();
            for item in items {
                if let Value::Long(group) = item {
                    numbers.push(*group);
                } else if let Value::String(name) = item {
                    let named = pcre.names.iter().find(|(known, _)| known == name);
                    numbers.extend(named.map(|(_, group)| i64::from(*group)));
                }
            }
            wanted = numbers;
        }
        let known = |group: &i64| usize::try_from(*group).is_ok_and(|group| (1..=pcre.groups).contains(&group));
        if wanted.is_empty() || !wanted.iter().all(known) {
            return Err(Unsayable::not_yet(expr.span, "an `extract_all` of other groups than those of the pattern"));
        }
        let value = self.text_value(subject)?;
        if wanted.iter().any(|group| *group > 9) {
            return self.first_match(expr, pattern, &wanted, value);
        }
        let mark = format!("\\x{{{:02X}}}", u32::from(UNIT));
        let whole = format!("[\\s\\S]*?(?:{})", pcre.text);
        let one = groups.is_none() && wanted.len() == 1;
        if one {
            let marked = replaced(value, whole, format!("\\1{UNIT}"));
            let matched = replaced(marked, format!("(?:\\A|{mark})[^{mark}]*\\z"), "");
            return Ok(call("split", [call("nullif", [matched, text("")]), text(UNIT.to_string())]));
        }
        let message = "a quote or a backslash within a match is not escaped in the JSON text";
        self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        let items: Vec<String> = wanted.iter().map(|group| format!("\"\\{group}\"")).collect();
        let marked = replaced(value, whole, format!("[{}],{UNIT}", items.join(",")));
        let matched = replaced(marked, format!("(?:,{mark})?[^{mark}]*\\z|{mark}"), "");
        Ok(concat([text("["), call("nullif", [matched, text("")]), text("]")]))
    }

    /// The groups of the first match, as an array within an array: a replacement knows nine groups, so that each is taken
    /// by a pattern of its own.
    fn first_match(&mut self, expr: &Expr, pattern: &Expr, groups: &[i64], value: EvalExpr) -> Fit<EvalExpr> {
        let whole = pattern.as_str().unwrap_or_default();
        if !whole.starts_with('^') {
            let message = "of a pattern with more than nine groups only the first match is taken";
            self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        }
        let value = self.shared(EvalExpr::or_empty(value), expr.span);
        let mut parts = Vec::new();
        for group in groups {
            let alone = u32::try_from(*group).map_err(|_| "it has too many groups".to_owned());
            let alone = alone.and_then(|group| regex::only_group(whole, group)).map_err(|why| {
                let message = format!("the regular expression can not be said in PCRE: {why}");
                Unsayable::new(Code::RefusedRegex, pattern.span, message)
            })?;
            let text = format!("\\A[\\s\\S]*?(?:{})[\\s\\S]*\\z", alone.text);
            parts.push(replaced(value.clone(), text, "\\1"));
        }
        let first = regex::translate(whole).map_or_else(|_| whole.to_owned(), |pcre| pcre.text);
        let array = call("json_array", [EvalExpr::Call("json_array", parts)]);
        Ok(call("case", [matches(value, first), array]))
    }

    /// `base64_decode_tostring(text)`: each letter becomes six bits, eight bits become a byte in percent encoding.
    fn base64(&mut self, expr: &Expr, value: &Expr) -> Fit<EvalExpr> {
        const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let message =
            "eval has no base64: the text is decoded letter by letter, and a text that is none is not told apart";
        self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        let value = self.text_value(value)?;
        let letters = call("split", [replaced(value, "[^A-Za-z0-9+/]", ""), text("")]);
        let letters = self.field_of(letters, expr.span)?;
        let place = call(
            "len",
            [call("mvindex", [call("split", [text(LETTERS), EvalExpr::Field(letters.clone())]), number(0)])],
        );
        // A leading 1 keeps the zeros in front.
        let bits = call("tostring", [add(number(64), place), text("binary")]);
        let bits = call("substr", [bits, number(2)]);
        let bits = call("mvjoin", [call("mvmap", [EvalExpr::Field(letters), bits]), text("")]);
        let cut = replaced(replaced(bits, "([01]{8})", "\\1,"), ",[01]*\\z", "");
        let bytes = self.field_of(call("split", [cut, text(",")]), expr.span)?;
        let byte = call("tonumber", [EvalExpr::Field(bytes.clone()), number(2)]);
        let byte = call("printf", [text("%%%02x"), byte]);
        Ok(call("urldecode", [call("mvjoin", [call("mvmap", [EvalExpr::Field(bytes), byte]), text("")])]))
    }
}

/// The group of the first match of a pattern in a text that is never null, or the empty text.
pub(super) fn extracted(value: EvalExpr, pattern: &str, group: i64) -> EvalExpr {
    // Group 0 is the whole match, which takes a group of its own.
    let (open, index) = if group == 0 { ("(", 1) } else { ("(?:", group) };
    let whole = if group > 0 && pattern.starts_with("^(") && pattern.ends_with(")?\\z") {
        pattern.to_owned()
    } else {
        format!("\\A[\\s\\S]*?{open}{pattern})[\\s\\S]*\\z")
    };
    let taken = replaced(value.clone(), whole.clone(), format!("\\{index}"));
    when(matches(value, whole), taken, text(""))
}

/// Where a text stands first, from 0; -1 where it does not.
fn position(subject: EvalExpr, needle: EvalExpr) -> EvalExpr {
    let parts = call("split", [subject, needle]);
    let before = call("len", [call("mvindex", [parts.clone(), number(0)])]);
    when(greater(call("mvcount", [parts]), number(1)), before, number(-1))
}

/// Whether the text of a replacement names the whole match.
fn has_whole_group(text: &str) -> bool {
    let mut escaped = false;
    for char in text.chars() {
        if escaped && char == '0' {
            return true;
        }
        escaped = char == '\\' && !escaped;
    }
    false
}
