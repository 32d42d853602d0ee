//! `parse` and `parse-where`: the pattern as one of `GROK`, or of `DISSECT` where the query is written as by hand.
//!
//! A text that does not match leaves every column without a value. What KQL matches is documented for `kind=regex` only; for
//! the others it was observed: the first constant may stand anywhere, a column takes as little as it can, the end of the
//! pattern is the end of the text, and nothing goes past a line's end, which `DISSECT` does.
//! See <https://learn.microsoft.com/kusto/query/parse-operator> and
//! <https://www.elastic.co/docs/reference/query-languages/esql/esql-process-data-with-dissect-grok>.

use super::scope::Column;
use super::tree::{Command, Expr, Glob, Name};
use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::Style;
use crate::fit::parse::Pattern;
use crate::plan::{ParseKind, ParsePart, ScalarType, Stage};

/// A column that is filled.
struct Capture {
    /// The name of the group.
    group: Name,
    field: Name,
    ty: ScalarType,
    /// The pattern of the group takes only what is of the type.
    shaped: bool,
}

impl<'a> Fitter<'a, '_> {
    /// `parse`
    pub(super) fn parse(&mut self, stage: &Stage, pattern: &Pattern<'_>) -> Fit<()> {
        let captures = self.captures(pattern)?;
        let value = self.text_value(pattern.subject)?;
        let native = self.frame.style == Style::Native;
        let dissect = if native { dissect_pattern(pattern, &captures) } else { None };
        let grok = if dissect.is_none() { Some(self.grok_pattern(stage, pattern, &captures)?) } else { None };
        if captures.is_empty() && !pattern.filter {
            return Ok(());
        }
        let value = self.column_of_value(value);
        match (dissect, grok) {
            (Some(pattern), _) => {
                let message = "`DISSECT` goes past the end of a line, which `parse` does not";
                self.note(Code::NativeStyle, Effect::Unsure, stage.span, message);
                self.commands.push(Command::Dissect { value, pattern });
            }
            (None, Some(pattern)) => self.commands.push(Command::Grok { value, pattern }),
            (None, None) => {}
        }
        // A match of another type is none: what a group of any text holds is told by its conversion.
        let typed = match captures.as_slice() {
            [one] if pattern.kind != ParseKind::Relaxed && !one.shaped && shape(one.ty).is_some() => {
                Some(one.field.clone())
            }
            _ => None,
        };
        if pattern.filter && typed.is_none() {
            let Some(first) = captures.first() else {
                return Err(unwritten(stage.span, "`parse-where` without a column").help("use `where` with `contains`"));
            };
            self.commands.push(Command::Where(Expr::is_not_null(Expr::Field(first.group.clone()))));
        }
        self.parsed_types(stage, pattern, &captures);
        if let Some(field) = typed.filter(|_| pattern.filter) {
            self.commands.push(Command::Where(Expr::is_not_null(Expr::Field(field))));
        }
        let columns = pattern.parts.iter().filter_map(|part| match part {
            ParsePart::Column { name, .. } => Some(name.clone()),
            ParsePart::Any | ParsePart::Text { .. } => None,
        });
        for (name, capture) in columns.zip(captures) {
            self.scope.made.insert(name, Column::computed(capture.field, capture.ty));
        }
        Ok(())
    }

    /// The columns of a pattern.
    fn captures(&mut self, pattern: &Pattern<'_>) -> Fit<Vec<Capture>> {
        let mut captures: Vec<Capture> = Vec::new();
        for (index, part) in pattern.parts.iter().enumerate() {
            let ParsePart::Column { name, ty, span } = part else { continue };
            let stops = matches!(pattern.parts.get(index + 1), Some(ParsePart::Any) | None);
            let shaped = shape(*ty).is_some() && (stops || pattern.kind == ParseKind::Regex);
            let field = self.new_name(name, *span)?;
            if captures.iter().any(|it| it.field == field) {
                return Err(unwritten(*span, "a column that is parsed twice").help("give each part a name of its own"));
            }
            let group = if is_group(field.text()) { field.clone() } else { self.helper() };
            captures.push(Capture { group, field, ty: *ty, shaped });
        }
        Ok(captures)
    }

    /// The pattern of `GROK`.
    fn grok_pattern(&mut self, stage: &Stage, pattern: &Pattern<'_>, captures: &[Capture]) -> Fit<String> {
        let simple = pattern.kind != ParseKind::Regex;
        let mut text = String::new();
        if let Some(flags) = pattern.flags {
            if !flags.chars().all(|flag| "is".contains(flag)) {
                return Err(unwritten(stage.span, format!("`parse` with the flags `{flags}`")));
            }
            // Oniguruma's `m` lets a dot stand for the end of a line.
            text = format!("(?{})", flags.replace('s', "m"));
        }
        let mut groups = captures.iter();
        for (index, part) in pattern.parts.iter().enumerate() {
            let next = pattern.parts.get(index + 1);
            match part {
                // The pattern may begin anywhere.
                ParsePart::Any if index == 0 => {}
                ParsePart::Any if next.is_none() && !simple => {}
                ParsePart::Any => text.push_str(if next.is_none() { ".*" } else { ".*?" }),
                ParsePart::Text { text: constant, .. } if simple => quote(constant, &mut text),
                ParsePart::Text { text: constant, span } => {
                    let (constant, unicode) = regex(constant, *span)?;
                    if unicode {
                        let message = "`\\d`, `\\w`, `\\s` and `\\b` may know other letters and digits in `GROK`";
                        self.note(Code::RegexDialect, Effect::Unsure, *span, message);
                    }
                    text.push_str(&constant);
                }
                ParsePart::Column { .. } => {
                    let Some(capture) = groups.next() else { continue };
                    match shape(capture.ty).filter(|_| capture.shaped) {
                        Some(shape) if pattern.kind == ParseKind::Relaxed => {
                            text.push_str(&format!(r"(?:\s*(?<{}>{shape}))?", capture.group.text()));
                        }
                        Some(shape) => text.push_str(&format!(r"\s*(?<{}>{shape})", capture.group.text())),
                        None => {
                            let all = if simple && next.is_some() { "DATA" } else { "GREEDYDATA" };
                            text.push_str(&format!("%{{{all}:{}}}", capture.group.text()));
                        }
                    }
                }
            }
        }
        if simple {
            text.push_str(r"\z");
        }
        Ok(text)
    }

    /// Columns of other types than text, under their own names.
    fn parsed_types(&mut self, stage: &Stage, pattern: &Pattern<'_>, captures: &[Capture]) {
        let mut assignments = Vec::new();
        let mut renames = Vec::new();
        let mut away = Vec::new();
        for capture in captures {
            let group = || Expr::Field(capture.group.clone());
            let trimmed = || if capture.shaped { group() } else { Expr::call("TRIM", [group()]) };
            let value = match capture.ty {
                ScalarType::Int | ScalarType::Long => Some(Expr::call("TO_LONG", [trimmed()])),
                ScalarType::Real | ScalarType::Decimal => Some(Expr::call("TO_DOUBLE", [trimmed()])),
                ScalarType::Bool => Some(Expr::call("TO_BOOLEAN", [trimmed()])),
                ScalarType::Datetime => Some(Expr::call("TO_DATETIME", [trimmed()])),
                ScalarType::Timespan
                | ScalarType::Guid
                | ScalarType::String
                | ScalarType::Dynamic
                | ScalarType::Unknown => None,
            };
            let alone = pattern.kind == ParseKind::Relaxed || captures.len() == 1 || capture.shaped;
            match capture.ty {
                ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal if alone => {}
                ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal => {
                    let message = format!(
                        "a text that is no `{}` leaves its own column empty; in KQL it leaves all of them empty",
                        capture.ty
                    );
                    self.note(Code::Approximated, Effect::Unsure, stage.span, message);
                }
                ScalarType::Bool | ScalarType::Datetime | ScalarType::Timespan | ScalarType::Guid => {
                    let message = format!("what is read as a `{}` is not the same in ES|QL", capture.ty);
                    self.note(Code::Approximated, Effect::Unsure, stage.span, message);
                }
                ScalarType::String | ScalarType::Dynamic | ScalarType::Unknown => {}
            }
            match value {
                Some(value) => {
                    assignments.push((capture.field.clone(), value));
                    if capture.field != capture.group {
                        away.push(Glob::from(&capture.group));
                    }
                }
                None if capture.field != capture.group => {
                    renames.push((capture.group.clone(), capture.field.clone()));
                }
                None => {}
            }
        }
        if !assignments.is_empty() {
            self.commands.push(Command::Eval(assignments));
        }
        if !away.is_empty() {
            self.commands.push(Command::Drop(away));
        }
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
    }
}

/// The pattern of `DISSECT`, where it can say it: constants between columns of text, and no end that is a constant.
fn dissect_pattern(pattern: &Pattern<'_>, captures: &[Capture]) -> Option<String> {
    let texts = captures.iter().all(|it| it.ty == ScalarType::String);
    if pattern.kind == ParseKind::Regex || !texts || captures.is_empty() {
        return None;
    }
    let mut text = String::new();
    let mut groups = captures.iter();
    let mut after_key = false;
    if matches!(pattern.parts.first(), Some(ParsePart::Text { .. })) {
        // The first constant may stand anywhere.
        text.push_str("%{}");
        after_key = true;
    }
    for part in pattern.parts {
        match part {
            ParsePart::Text { text: constant, .. } => {
                if constant.is_empty() || constant.contains(['%', '{', '}']) || constant.chars().any(char::is_control) {
                    return None;
                }
                text.push_str(constant);
                after_key = false;
            }
            ParsePart::Any | ParsePart::Column { .. } if after_key => return None,
            ParsePart::Any => {
                text.push_str("%{}");
                after_key = true;
            }
            ParsePart::Column { .. } => {
                text.push_str(&format!("%{{{}}}", groups.next()?.group.text()));
                after_key = true;
            }
        }
    }
    after_key.then_some(text)
}

/// Whether a name can be that of a group.
fn is_group(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A text as a pattern that matches it and nothing else: no `%{` is left that `GROK` would read as a pattern of its own.
fn quote(text: &str, out: &mut String) {
    for char in text.chars() {
        if char.is_control() {
            out.push_str(&format!("\\x{{{:X}}}", u32::from(char)));
            continue;
        }
        if "\\.+*?()|[]{}^$#\"".contains(char) {
            out.push('\\');
        }
        out.push(char);
    }
}

/// A constant of `kind=regex`, in what Oniguruma and PCRE have in common: no flags within the pattern, which they read in
/// other ways.
fn regex(constant: &str, span: crate::source::Span) -> Fit<(String, bool)> {
    let refused = |why: String| {
        let message = format!("the regular expression can not be said in ES|QL: {why}");
        Unsayable::new(Code::RefusedRegex, span, message)
    };
    let pattern = crate::fit::regex::translate(constant).map_err(refused)?;
    if pattern.groups > 0 {
        return Err(unwritten(span, "a group in the pattern of `parse`").help("write it as `(?:…)`"));
    }
    let flags = pattern.text.split("(?").skip(1).any(|rest| !rest.starts_with(':'));
    if flags || pattern.text.contains("%{") {
        return Err(unwritten(span, "this regular expression in `parse`"));
    }
    Ok((pattern.text, pattern.unicode_class))
}

/// What a value of the type looks like.
fn shape(ty: ScalarType) -> Option<&'static str> {
    match ty {
        ScalarType::Int | ScalarType::Long => Some("[-+]?[0-9]+"),
        ScalarType::Real | ScalarType::Decimal => Some(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"),
        ScalarType::Bool
        | ScalarType::Guid
        | ScalarType::Datetime
        | ScalarType::Timespan
        | ScalarType::String
        | ScalarType::Dynamic
        | ScalarType::Unknown => None,
    }
}
