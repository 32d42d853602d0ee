//! `parse` and `parse-where`: the pattern as one regular expression of `rex`, whose named groups become the columns.
//!
//! A text that does not match leaves every column empty, and so does a value that is not of its column's type. What KQL
//! matches is documented for `kind=regex` only; for the others it was observed: the first constant may stand anywhere, a
//! column takes as little as it can, the end of the pattern is the end of the text, and nothing goes past a line's end.
//! See <https://learn.microsoft.com/kusto/query/parse-operator> and
//! <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/rex>.

use super::form::{call, matches, number, when};
use super::scope::Column;
use super::tree::{Command, EvalExpr, Name};
use super::{Fit, Fitter, Unsayable, regex};
use crate::diagnostic::{Code, Effect};
use crate::fit::parse::Pattern;
use crate::plan::{ParseKind, ParsePart, ScalarType, Stage};

/// A column that is filled.
struct Capture {
    group: Name,
    field: Name,
    ty: ScalarType,
    /// The pattern of the group takes only what is of the type.
    shaped: bool,
}

impl<'a> Fitter<'a, '_> {
    /// `parse`
    pub(super) fn parse(&mut self, stage: &Stage, pattern: &Pattern<'_>) -> Fit<()> {
        let (text, captures) = self.parse_pattern(stage, pattern)?;
        let value = self.value(pattern.subject)?;
        let mut away = Vec::new();
        let mut before = Vec::new();
        let field = match value {
            EvalExpr::Field(field) if captures.iter().all(|it| it.group != field) => field,
            value => {
                let helper = self.helper();
                before.push((helper.clone(), value));
                away.push(helper.clone());
                helper
            }
        };
        // `rex` leaves a field as it was where the text does not match.
        for capture in &captures {
            if self.may_exist(capture.group.text()) {
                before.push((capture.group.clone(), EvalExpr::null()));
            }
        }
        if !before.is_empty() {
            self.commands.push(Command::Eval(before));
        }
        if pattern.filter {
            let matched = matches(EvalExpr::Field(field.clone()), text.clone());
            self.commands.push(Command::Where(matched));
        }
        if !captures.is_empty() {
            self.commands.push(Command::Rex { field, pattern: text });
        }
        self.parse_types(stage, pattern, &captures, &mut away);
        if !away.is_empty() {
            self.commands.push(Command::FieldsAway(away));
        }
        let renames: Vec<(Name, Name)> =
            captures.iter().filter(|it| it.group != it.field).map(|it| (it.group.clone(), it.field.clone())).collect();
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        let columns = pattern.parts.iter().filter_map(|part| match part {
            ParsePart::Column { name, .. } => Some(name.clone()),
            ParsePart::Any | ParsePart::Text { .. } => None,
        });
        for (name, capture) in columns.zip(captures) {
            let seconds = !matches!(capture.ty, ScalarType::Datetime | ScalarType::Timespan);
            self.scope.made.insert(name, Column { seconds, ..Column::computed(capture.field, capture.ty) });
        }
        Ok(())
    }

    /// Whether rows may have a field of this name already.
    pub(super) fn may_exist(&self, name: &str) -> bool {
        let known = |table: &crate::fit::Table<'_>| match table.row {
            Some(row) => row.columns.contains_key(name),
            None => true,
        };
        self.scope.made.values().any(|column| column.field.text() == name)
            || self.scope.made.contains_key(name)
            || self.scope.events && self.tables.iter().any(known)
    }

    /// The pattern of `rex`, and its groups.
    fn parse_pattern(&mut self, stage: &Stage, pattern: &Pattern<'_>) -> Fit<(String, Vec<Capture>)> {
        let simple = pattern.kind != ParseKind::Regex;
        let mut text = String::new();
        let mut captures: Vec<Capture> = Vec::new();
        if let Some(flags) = pattern.flags {
            if !flags.chars().all(|flag| "imsU".contains(flag)) {
                return Err(Unsayable::not_yet(stage.span, format!("`parse` with the flags `{flags}`")));
            }
            text = format!("(?{flags})");
        }
        for (index, part) in pattern.parts.iter().enumerate() {
            let next = pattern.parts.get(index + 1);
            match part {
                // The pattern may begin anywhere.
                ParsePart::Any if index == 0 => {}
                ParsePart::Any if next.is_none() && !simple => {}
                ParsePart::Any => text.push_str(if next.is_none() { ".*" } else { ".*?" }),
                ParsePart::Text { text: constant, .. } if simple => text.push_str(&regex::literal(constant)),
                ParsePart::Text { text: constant, span } => {
                    if constant.contains("(?P<") || constant.contains("(?<") {
                        return Err(Unsayable::not_yet(*span, "a named group in the pattern of `parse`"));
                    }
                    let pcre = regex::translate(constant).map_err(|why| {
                        let message = format!("the regular expression can not be said in PCRE: {why}");
                        Unsayable::new(Code::RefusedRegex, *span, message)
                    })?;
                    if pcre.unicode_class {
                        let message = "`\\d`, `\\w`, `\\s` and `\\b` know letters and digits of all scripts in KQL, and those of ASCII in Splunk";
                        self.note(Code::RegexDialect, Effect::Unsure, *span, message);
                    }
                    text.push_str(&pcre.text);
                }
                ParsePart::Column { name, ty, span } => {
                    let field = self.new_field(name, *span)?;
                    if captures.iter().any(|it| it.field == field) {
                        return Err(Unsayable::not_yet(*span, "a column that is parsed twice"));
                    }
                    let group = if is_group(field.text()) { field.clone() } else { self.helper() };
                    let stops = matches!(next, Some(ParsePart::Any));
                    let shape = if !simple || stops { shape(*ty) } else { None };
                    let inner = match (pattern.kind, shape) {
                        (ParseKind::Relaxed, Some(shape)) => format!("(?:{shape})?"),
                        (ParseKind::Simple | ParseKind::Regex, Some(shape)) => shape.to_owned(),
                        (ParseKind::Regex, None) => ".*".to_owned(),
                        (ParseKind::Simple | ParseKind::Relaxed, None) if next.is_none() => ".*".to_owned(),
                        (ParseKind::Simple | ParseKind::Relaxed, None) => ".*?".to_owned(),
                    };
                    let shaped = shape.is_some();
                    text.push_str(&format!("(?<{}>{inner})", group.text()));
                    captures.push(Capture { group, field, ty: *ty, shaped });
                }
            }
        }
        if simple {
            text.push_str("\\z");
        }
        Ok((text, captures))
    }

    /// Columns of other types than text: all are empty where one has a value that is none of its type, other than in
    /// `kind=relaxed`, where each is on its own.
    fn parse_types(&mut self, stage: &Stage, pattern: &Pattern<'_>, captures: &[Capture], away: &mut Vec<Name>) {
        let field = |capture: &Capture| EvalExpr::Field(capture.group.clone());
        let mut tests = Vec::new();
        let mut assignments = Vec::new();
        for capture in captures {
            let number = |value| call("tonumber", [call("trim", [value])]);
            let test = match capture.ty {
                ScalarType::Int | ScalarType::Long => {
                    let digits = EvalExpr::Regex(r"^\s*[-+]?\d+\s*$".to_owned());
                    assignments.push((capture, number(field(capture))));
                    (!capture.shaped).then(|| call("match", [field(capture), digits]))
                }
                ScalarType::Real | ScalarType::Decimal => {
                    assignments.push((capture, number(field(capture))));
                    (!capture.shaped).then(|| EvalExpr::is_not_null(number(field(capture))))
                }
                ScalarType::Bool | ScalarType::Guid | ScalarType::Datetime | ScalarType::Timespan => {
                    let message = format!("a value that is no `{}` is kept as the text that it is", capture.ty);
                    self.note(Code::Approximated, Effect::Unsure, stage.span, message);
                    None
                }
                ScalarType::String | ScalarType::Dynamic | ScalarType::Unknown => None,
            };
            tests.extend(test.map(|test| (capture.group.clone(), test)));
        }
        if tests.is_empty() || pattern.kind == ParseKind::Relaxed {
            let values = assignments.into_iter().map(|(capture, value)| {
                let own = tests.iter().find(|(group, _)| *group == capture.group).map(|(_, test)| test.clone());
                let value = match own {
                    Some(test) => when(test, value, EvalExpr::null()),
                    None => value,
                };
                (capture.group.clone(), value)
            });
            let values: Vec<(Name, EvalExpr)> = values.collect();
            if !values.is_empty() {
                self.commands.push(Command::Eval(values));
            }
            return;
        }
        let sound = EvalExpr::all(tests.into_iter().map(|(_, test)| test));
        if pattern.filter {
            self.commands.push(Command::Where(sound));
            let values = assignments.into_iter().map(|(capture, value)| (capture.group.clone(), value));
            self.commands.push(Command::Eval(values.collect()));
            return;
        }
        let mut values = Vec::new();
        let sound = if let [_] = captures {
            sound
        } else {
            let flag = self.helper();
            values.push((flag.clone(), when(sound, number("1"), number("0"))));
            away.push(flag.clone());
            EvalExpr::eq(EvalExpr::Field(flag), number("1"))
        };
        for capture in captures {
            let value = assignments
                .iter()
                .find(|(other, _)| other.group == capture.group)
                .map_or_else(|| field(capture), |(_, value)| value.clone());
            values.push((capture.group.clone(), when(sound.clone(), value, EvalExpr::null())));
        }
        self.commands.push(Command::Eval(values));
    }
}

/// Whether a name can be that of a group: PCRE takes 32 letters, digits and `_`.
fn is_group(name: &str) -> bool {
    name.len() <= 32
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What a value of the type looks like.
fn shape(ty: ScalarType) -> Option<&'static str> {
    match ty {
        ScalarType::Int | ScalarType::Long => Some(r"\s*[-+]?\d+"),
        ScalarType::Real | ScalarType::Decimal => Some(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)"),
        ScalarType::Bool => Some(r"\s*(?:[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[-+]?\d+)"),
        ScalarType::Guid => Some(r"\s*\{?[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?"),
        ScalarType::Datetime => Some(concat!(
            r"\s*(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{1,4})",
            r"(?:[Tt ]\s*\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d*)?)?)?(?:[Zz]|[-+]\d{1,2}(?::\d{1,2})?)?"
        )),
        ScalarType::Timespan => Some(r"\s*-?(?:\d+\.\d{1,2}:\d{1,2}:\d{1,2}|\d{1,2}:\d{1,2}(?::\d{1,2})?)(?:\.\d*)?"),
        ScalarType::String | ScalarType::Dynamic | ScalarType::Unknown => None,
    }
}
