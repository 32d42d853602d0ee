//! What the ingest makes of values, and so of the texts that a hunt compares with them: `Field::literal`, `Field::shown`,
//! `Field::used`, `Field::presence`.
//!
//! Each change has its true effect on the selected events. How a text or a condition is written is not known here.

use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{Case, ScalarType, TextHow};
use crate::source::Span;
use crate::target::{CaseChange, ColumnMap, Otherwise, Stored};

use super::Field;

/// What becomes of a literal that is compared with a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LiteralFit {
    /// It is compared as it is.
    Same,
    /// It is compared as this text; the note says what that does where the comparison is not negated.
    Changed {
        /// The text that the target stores.
        text: String,
        /// The difference.
        note: Box<Diagnostic>,
    },
    /// It is compared as it is, and the note says why that may go wrong.
    Doubtful(Box<Diagnostic>),
}

impl Field<'_> {
    /// What becomes of a text that the hunt compares with the field.
    pub(crate) fn literal(&self, text: &str, how: TextHow, case: Case, span: Span) -> LiteralFit {
        let Some(map) = self.map.filter(|map| map.changes_values()) else { return LiteralFit::Same };
        let fit = self.by_value(map, text, how, case, span);
        let Some(other) = &map.fallback else { return fit };
        let filled = format!("the ingest puts column `{other}` into field `{}` where its own is empty", self.name);
        let (text, note) = match fit {
            LiteralFit::Same => {
                (text.to_owned(), Box::new(Diagnostic::note(Code::ValueChanged, Effect::Broader, span, filled)))
            }
            LiteralFit::Changed { text, note } => (text, both(&note, &filled)),
            LiteralFit::Doubtful(note) => (text.to_owned(), both(&note, &filled)),
        };
        LiteralFit::Changed { text, note }
    }

    /// What becomes of a text by the values that the ingest changes.
    fn by_value(&self, map: &ColumnMap, text: &str, how: TextHow, case: Case, span: Span) -> LiteralFit {
        let note =
            |effect: Effect, message: String| Box::new(Diagnostic::note(Code::ValueChanged, effect, span, message));
        let field = &self.name;
        if !map.strips.is_empty() {
            return self.without_front(map, text, how, case, span);
        }
        if !map.fronts.is_empty() {
            return self.with_other_front(map, text, how, case, span);
        }
        if map.hex {
            return match (how, hex_number(text)) {
                (TextHow::Equals, Some(number)) => LiteralFit::Changed {
                    note: note(
                        Effect::Exact,
                        format!("the ingest stores the hexadecimal `{text}` as the number {number} in field `{field}`"),
                    ),
                    text: number.to_string(),
                },
                (TextHow::Equals, None) => LiteralFit::Doubtful(note(
                    Effect::Unsure,
                    format!("field `{field}` holds numbers, and `{text}` is no hexadecimal number"),
                )),
                (
                    TextHow::Term
                    | TextHow::Substring
                    | TextHow::Prefix
                    | TextHow::Suffix
                    | TextHow::TermPrefix
                    | TextHow::TermSuffix
                    | TextHow::Regex,
                    _,
                ) => LiteralFit::Doubtful(note(
                    Effect::Unsure,
                    format!("field `{field}` holds the number, not its hexadecimal text, of which `{text}` is a part"),
                )),
            };
        }
        match how {
            TextHow::Equals => {
                // A literal of `=~` may be written in another case than the one that the table of values lists.
                let listed = map.values.keys().find(|value| value.as_str() == text).or_else(|| {
                    map.values.keys().find(|value| case == Case::Insensitive && value.eq_ignore_ascii_case(text))
                });
                let written = listed.map_or(text, String::as_str);
                match map.stored(written) {
                    Stored::Same if !others_stored_as(map, text, text).is_empty() => LiteralFit::Changed {
                        text: text.to_owned(),
                        note: note(
                            Effect::Broader,
                            format!(
                                "the ingest stores {} as `{text}` in field `{field}` as well",
                                others_stored_as(map, text, text).join(", ")
                            ),
                        ),
                    },
                    Stored::Same if merges_case(map) && case == Case::Sensitive => LiteralFit::Changed {
                        text: text.to_owned(),
                        note: note(
                            Effect::Broader,
                            format!(
                                "the ingest changes the case of field `{field}`, so texts that differ from `{text}` in case only match too"
                            ),
                        ),
                    },
                    Stored::Same => LiteralFit::Same,
                    Stored::Becomes(stored) => {
                        let others = others_stored_as(map, &stored, written);
                        let (effect, message) = if !others.is_empty() {
                            (
                                Effect::Broader,
                                format!(
                                    "the ingest stores `{text}` as `{stored}` in field `{field}`, and {} as well",
                                    others.join(", ")
                                ),
                            )
                        } else if case == Case::Sensitive && merges_case(map) {
                            (
                                Effect::Broader,
                                format!(
                                    "the ingest stores `{text}` as `{stored}` in field `{field}`, and texts that differ from it in case only as well"
                                ),
                            )
                        } else {
                            (Effect::Exact, format!("the ingest stores `{text}` as `{stored}` in field `{field}`"))
                        };
                        LiteralFit::Changed { text: stored, note: note(effect, message) }
                    }
                    Stored::Dropped => LiteralFit::Doubtful(note(
                        Effect::Narrower,
                        format!(
                            "the ingest does not keep the value `{text}` in field `{field}`, so nothing matches it"
                        ),
                    )),
                    Stored::Unsure => LiteralFit::Doubtful(note(
                        Effect::Unsure,
                        format!("no source says how the ingest stores the value `{text}` in field `{field}`"),
                    )),
                }
            }
            TextHow::Term
            | TextHow::Substring
            | TextHow::Prefix
            | TextHow::Suffix
            | TextHow::TermPrefix
            | TextHow::TermSuffix
            | TextHow::Regex => {
                let only_case = map.values.is_empty() && map.blanks.is_none() && map.otherwise.is_none();
                if !only_case {
                    return self.part_of_changed(map, text, how, case, span);
                }
                match case {
                    Case::Insensitive => LiteralFit::Same,
                    Case::Sensitive if !merges_case(map) => LiteralFit::Same,
                    Case::Sensitive if how == TextHow::Regex => LiteralFit::Doubtful(note(
                        Effect::Unsure,
                        format!(
                            "the ingest changes the case of field `{field}`, and the regular expression depends on case"
                        ),
                    )),
                    Case::Sensitive => LiteralFit::Changed {
                        text: match map.stored(text) {
                            Stored::Becomes(stored) => stored,
                            Stored::Same | Stored::Dropped | Stored::Unsure => text.to_owned(),
                        },
                        note: note(
                            Effect::Broader,
                            format!(
                                "the ingest changes the case of field `{field}`, so texts that differ from `{text}` in case only match too"
                            ),
                        ),
                    },
                }
            }
        }
    }

    /// What becomes of a part of a value where the ingest replaces whole values: the listed ones are tried.
    fn part_of_changed(&self, map: &ColumnMap, text: &str, how: TextHow, case: Case, span: Span) -> LiteralFit {
        let field = &self.name;
        let mut stored = match &map.blanks {
            Some(blank) => text.replace(' ', blank),
            None => text.to_owned(),
        };
        if case == Case::Sensitive && merges_case(map) {
            stored = if map.case == Some(CaseChange::Upper) { stored.to_uppercase() } else { stored.to_lowercase() };
        }
        // What becomes of the values that are not listed.
        let blurred = map.blanks.as_ref().is_some_and(|blank| stored.contains(blank.as_str()));
        let mut effect = match map.otherwise {
            Some(Otherwise::Dropped) => Effect::Narrower,
            Some(Otherwise::Unsure) => Effect::Unsure,
            Some(Otherwise::Lower | Otherwise::Same) | None if blurred => Effect::Broader,
            Some(Otherwise::Lower | Otherwise::Same) | None if case == Case::Sensitive && merges_case(map) => {
                Effect::Broader
            }
            Some(Otherwise::Lower | Otherwise::Same) | None => Effect::Exact,
        };
        let mut reasons = Vec::new();
        let mut meant: Vec<&str> = Vec::new();
        for (from, to) in &map.values {
            let (Some(is), Some(found)) = (found_in(from, text, how, case), found_in(to, &stored, how, case)) else {
                effect = effect.and(Effect::Unsure);
                continue;
            };
            if is {
                meant.push(to);
            }
            if is != found {
                reasons.push(format!("`{from}` is `{to}`"));
                effect = effect.and(if is { Effect::Narrower } else { Effect::Broader });
            }
        }
        // One value is meant, of those that are kept at all.
        if let ([only], Some(Otherwise::Dropped)) = (meant.as_slice(), map.otherwise) {
            stored = (*only).to_owned();
        }
        if effect == Effect::Exact {
            return LiteralFit::Same;
        }
        let reasons = if reasons.is_empty() { how_changed(map) } else { format!(" ({})", reasons.join(", ")) };
        let message = format!(
            "the ingest replaces values of field `{field}`{reasons}; a comparison with a part of the value, `{text}`, differs there"
        );
        let note = Box::new(Diagnostic::note(Code::ValueChanged, effect, span, message));
        if stored == text { LiteralFit::Doubtful(note) } else { LiteralFit::Changed { text: stored, note } }
    }

    /// What is to be said where the value of the field is given out in a row: the rows are the same, the column is not.
    pub(crate) fn shown(&self, span: Span) -> Option<Box<Diagnostic>> {
        self.as_changed(Effect::Reshaped, span)
    }

    /// What is to be said where the value of the field is grouped by, counted, joined on or computed with.
    pub(crate) fn used(&self, span: Span) -> Option<Box<Diagnostic>> {
        self.as_changed(Effect::Unsure, span)
    }

    fn as_changed(&self, effect: Effect, span: Span) -> Option<Box<Diagnostic>> {
        let map = self.map.filter(|map| map.changes_values())?;
        let message = format!("field `{}` holds the values as the ingest changes them{}", self.name, how_changed(map));
        Some(Box::new(Diagnostic::note(Code::ValueChanged, effect, span, message)))
    }

    /// What is to be said where it is asked whether the field has a value (`present`) or none.
    pub(crate) fn presence(&self, present: bool, span: Span) -> Option<Box<Diagnostic>> {
        let map = self.map?;
        if let Some(other) = &map.fallback {
            let effect = if present { Effect::Broader } else { Effect::Narrower };
            let message = format!("the ingest puts column `{other}` into field `{}` where its own is empty", self.name);
            return Some(Box::new(Diagnostic::note(Code::ValueChanged, effect, span, message)));
        }
        if map.otherwise != Some(Otherwise::Dropped) {
            return None;
        }
        let kept: Vec<String> = map.values.keys().map(|value| format!("`{value}`")).collect();
        let effect = if present { Effect::Narrower } else { Effect::Broader };
        let message = format!("the ingest keeps no values but {} in field `{}`", kept.join(", "), self.name);
        Some(Box::new(Diagnostic::note(Code::ValueChanged, effect, span, message)))
    }
}

/// A note that says, too, that the field may hold more.
fn both(note: &Diagnostic, filled: &str) -> Box<Diagnostic> {
    let effect = note.effect.unwrap_or(Effect::Exact).and(Effect::Broader);
    Box::new(Diagnostic::note(note.code, effect, note.span, format!("{}; {filled}", note.message)))
}

/// Whether texts that differ in case only are stored alike.
fn merges_case(map: &ColumnMap) -> bool {
    map.case.is_some() || map.otherwise == Some(Otherwise::Lower)
}

/// The other values that the ingest stores as this text.
fn others_stored_as(map: &ColumnMap, stored: &str, written: &str) -> Vec<String> {
    let listed = map.values.iter().filter(|(from, to)| *to == stored && from.as_str() != written);
    let mut others: Vec<_> = listed.map(|(from, _)| format!("`{from}`")).collect();
    let is_text = map.stored_as.is_none_or(|ty| ty == ScalarType::String);
    if is_text
        && map.values.contains_key(written)
        && map.otherwise != Some(Otherwise::Dropped)
        && !map.values.contains_key(stored)
    {
        // A value that is not listed and already reads so.
        others.push(format!("a value that reads `{stored}` at the source"));
    }
    others
}

/// Whether a comparison finds a text in a value; `None` for a regular expression.
pub(super) fn found_in(value: &str, text: &str, how: TextHow, case: Case) -> Option<bool> {
    let fold = |text: &str| match case {
        Case::Sensitive => text.to_owned(),
        Case::Insensitive => text.to_lowercase(),
    };
    let (value, text) = (fold(value), fold(text));
    // A term is bounded where it begins or ends in a letter or digit itself.
    let bounded = |before: bool, after: bool| {
        let edge = |neighbour: Option<char>| neighbour.is_none_or(|char| !char.is_alphanumeric());
        let (starts, ends) = (text.starts_with(char::is_alphanumeric), text.ends_with(char::is_alphanumeric));
        value.match_indices(&text).any(|(at, found)| {
            let left = value.get(..at).and_then(|front| front.chars().next_back());
            let right = value.get(at + found.len()..).and_then(|rest| rest.chars().next());
            (!before || !starts || edge(left)) && (!after || !ends || edge(right))
        })
    };
    Some(match how {
        TextHow::Equals => value == text,
        TextHow::Substring => value.contains(&text),
        TextHow::Prefix => value.starts_with(&text),
        TextHow::Suffix => value.ends_with(&text),
        TextHow::Term => bounded(true, true),
        TextHow::TermPrefix => bounded(true, false),
        TextHow::TermSuffix => bounded(false, true),
        TextHow::Regex => return None,
    })
}

/// How the ingest changes values, in words.
fn how_changed(map: &ColumnMap) -> String {
    let mut ways = Vec::new();
    if let Some((from, to)) = map.values.iter().find(|(from, to)| from != to) {
        ways.push(format!("`{from}` is `{to}`"));
    }
    if merges_case(map) {
        ways.push("the case is changed".to_owned());
    }
    if let Some(front) = map.strips.first() {
        ways.push(format!("`{front}` is taken off"));
    }
    if let Some((from, to)) = map.fronts.first() {
        ways.push(format!("`{from}` at the front is `{to}`"));
    }
    if let Some(other) = &map.fallback {
        ways.push(format!("`{other}` where its own column is empty"));
    }
    if map.hex {
        ways.push("a hexadecimal text is a number".to_owned());
    }
    if ways.is_empty() { String::new() } else { format!(" ({})", ways.join(", ")) }
}

/// The number that a hexadecimal text such as `0x1a2c` denotes.
fn hex_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    i64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with(['+', '-']))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn field(map: &ColumnMap) -> Field<'_> {
        Field { name: Cow::Borrowed("f"), time: false, map: Some(map) }
    }

    fn effect(fit: &LiteralFit) -> Option<Effect> {
        match fit {
            LiteralFit::Same => None,
            LiteralFit::Changed { note, .. } | LiteralFit::Doubtful(note) => note.effect,
        }
    }

    #[test]
    fn a_lower_cased_field_can_not_be_compared_by_case() {
        let map = ColumnMap { field: "f".into(), case: Some(CaseChange::Lower), ..ColumnMap::default() };
        let field = field(&map);
        let fit = |text, how, case| field.literal(text, how, case, Span::default());
        let LiteralFit::Changed { text, note } = fit("Ab", TextHow::Equals, Case::Sensitive) else { panic!() };
        assert_eq!((text.as_str(), note.effect), ("ab", Some(Effect::Broader)));
        assert_eq!(effect(&fit("ab", TextHow::Equals, Case::Sensitive)), Some(Effect::Broader));
        assert_eq!(effect(&fit("Ab", TextHow::Equals, Case::Insensitive)), Some(Effect::Exact));
        assert_eq!(fit("Ab", TextHow::Term, Case::Insensitive), LiteralFit::Same);
        assert_eq!(effect(&fit("A.b", TextHow::Regex, Case::Sensitive)), Some(Effect::Unsure));
    }

    #[test]
    fn a_listed_value_becomes_another() {
        let values = [("Created".to_owned(), "start".to_owned())].into_iter().collect();
        let map = ColumnMap { field: "f".into(), values, otherwise: Some(Otherwise::Dropped), ..ColumnMap::default() };
        let field = field(&map);
        let fit = |text, case| field.literal(text, TextHow::Equals, case, Span::default());
        let LiteralFit::Changed { text, note } = fit("created", Case::Insensitive) else { panic!() };
        assert_eq!((text.as_str(), note.effect), ("start", Some(Effect::Exact)));
        assert_eq!(effect(&fit("Gone", Case::Sensitive)), Some(Effect::Narrower));
    }

    #[test]
    fn a_hexadecimal_text_becomes_its_number() {
        let map = ColumnMap { field: "f".into(), hex: true, ..ColumnMap::default() };
        let field = field(&map);
        let fit = |text, how| field.literal(text, how, Case::Sensitive, Span::default());
        let LiteralFit::Changed { text, note } = fit("0x1a2c", TextHow::Equals) else { panic!() };
        assert_eq!((text.as_str(), note.effect), ("6700", Some(Effect::Exact)));
        assert_eq!(effect(&fit("0x+1", TextHow::Equals)), Some(Effect::Unsure));
        assert_eq!(effect(&fit("1a", TextHow::Substring)), Some(Effect::Unsure));
    }

    #[test]
    fn a_literal_that_reads_as_another_is_stored_matches_both() {
        let values = [("Valid".to_owned(), "trusted".to_owned())].into_iter().collect();
        let map = ColumnMap { field: "f".into(), values, otherwise: Some(Otherwise::Same), ..ColumnMap::default() };
        let fit = field(&map).literal("trusted", TextHow::Equals, Case::Sensitive, Span::default());
        assert_eq!(effect(&fit), Some(Effect::Broader));
    }

    #[test]
    fn what_is_not_kept_is_missing() {
        let values = [("Created".to_owned(), "start".to_owned())].into_iter().collect();
        let map = ColumnMap { field: "f".into(), values, otherwise: Some(Otherwise::Dropped), ..ColumnMap::default() };
        let effect = |present| field(&map).presence(present, Span::default()).and_then(|note| note.effect);
        assert_eq!((effect(true), effect(false)), (Some(Effect::Narrower), Some(Effect::Broader)));
        assert_eq!(field(&ColumnMap::default()).presence(true, Span::default()), None);
        assert_eq!(field(&map).shown(Span::default()).unwrap().effect, Some(Effect::Reshaped));
    }

    #[test]
    fn a_part_of_a_value_is_tried_on_the_listed_values() {
        let values = [("ProcessCreated".to_owned(), "start".to_owned())].into_iter().collect();
        let map = ColumnMap { field: "f".into(), values, otherwise: Some(Otherwise::Lower), ..ColumnMap::default() };
        let lower = field(&map);
        let fit = |text, how, case| lower.literal(text, how, case, Span::default());
        assert_eq!(fit("Asr", TextHow::Prefix, Case::Insensitive), LiteralFit::Same);
        assert_eq!(effect(&fit("Created", TextHow::Suffix, Case::Insensitive)), Some(Effect::Narrower));
        assert_eq!(effect(&fit("art", TextHow::Substring, Case::Insensitive)), Some(Effect::Broader));
        assert_eq!(fit("Created", TextHow::Term, Case::Insensitive), LiteralFit::Same);
        let LiteralFit::Changed { text, note } = fit("Asr", TextHow::Prefix, Case::Sensitive) else { panic!() };
        assert_eq!((text.as_str(), note.effect), ("asr", Some(Effect::Broader)));
        assert_eq!(effect(&fit("A.*", TextHow::Regex, Case::Sensitive)), Some(Effect::Unsure));
        let map = ColumnMap { otherwise: Some(Otherwise::Dropped), ..map.clone() };
        let dropped = field(&map).literal("created", TextHow::Substring, Case::Insensitive, Span::default());
        let LiteralFit::Changed { text, note } = dropped else { panic!() };
        assert_eq!((text.as_str(), note.effect), ("start", Some(Effect::Narrower)));
    }

    #[test]
    fn another_column_may_fill_the_field() {
        let map = ColumnMap { field: "f".into(), fallback: Some("Previous".into()), ..ColumnMap::default() };
        let filled = field(&map);
        let fit = filled.literal("x", TextHow::Equals, Case::Sensitive, Span::default());
        assert_eq!(effect(&fit), Some(Effect::Broader));
        let effect = |present| filled.presence(present, Span::default()).and_then(|note| note.effect);
        assert_eq!((effect(true), effect(false)), (Some(Effect::Broader), Some(Effect::Narrower)));
    }
}
