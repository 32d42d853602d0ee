//! What becomes of a literal where the ingest changes the front of values: the hive of a registry key, for one.

use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{Case, TextHow};
use crate::source::Span;
use crate::target::ColumnMap;

use super::{Field, LiteralFit};

/// A text and how it is compared.
struct Compared<'t> {
    text: &'t str,
    case: Case,
}

impl Compared<'_> {
    fn same(&self, one: &str, other: &str) -> bool {
        match self.case {
            Case::Sensitive => one == other,
            Case::Insensitive => one.eq_ignore_ascii_case(other),
        }
    }

    /// Whether a text begins with a front.
    fn starts(&self, text: &str, front: &str) -> bool {
        text.get(..front.len()).is_some_and(|begin| self.same(begin, front))
    }

    /// Whether the compared text lies within a front.
    fn inside(&self, front: &str) -> bool {
        match self.case {
            Case::Sensitive => front.contains(self.text),
            Case::Insensitive => front.to_ascii_lowercase().contains(&self.text.to_ascii_lowercase()),
        }
    }

    /// The end of a front that a text begins with, where more than that end is written: `\SOFTWARE` for one.
    fn tail<'f>(&self, text: &str, front: &'f str) -> Option<&'f str> {
        let mut ends = front.char_indices().map(|(at, _)| front.get(at..).unwrap_or_default());
        ends.find(|end| text.len() > end.len() && self.starts(text, end))
    }
}

impl Field<'_> {
    /// What becomes of a text where the ingest takes a known front off the values.
    pub(super) fn without_front(
        &self,
        map: &ColumnMap,
        text: &str,
        how: TextHow,
        case: Case,
        span: Span,
    ) -> LiteralFit {
        let field = &self.name;
        let note =
            |effect: Effect, message: String| Box::new(Diagnostic::note(Code::ValueChanged, effect, span, message));
        let compared = Compared { text, case };
        let cut = |front: &str, from: &str| LiteralFit::Changed {
            text: text.get(front.len()..).unwrap_or_default().to_owned(),
            note: note(
                Effect::Broader,
                format!(
                    "the ingest takes `{from}` off the front of field `{field}`, so `{front}` is left out of `{text}`"
                ),
            ),
        };
        if text.is_empty() {
            return LiteralFit::Same;
        }
        // The whole front is written: it is left out, and the same text behind another front matches, too.
        let whole = map.strips.iter().find(|front| text.len() > front.len() && compared.starts(text, front));
        let tail = || map.strips.iter().find_map(|front| compared.tail(text, front).map(|end| (end, front)));
        match how {
            TextHow::Equals | TextHow::Prefix => match whole {
                Some(front) => cut(front, front),
                None if map.strips.iter().any(|front| compared.starts(front, text)) => LiteralFit::Doubtful(note(
                    Effect::Narrower,
                    format!("the ingest takes `{text}` off the front of field `{field}`, so nothing begins with it"),
                )),
                None => LiteralFit::Changed {
                    text: text.to_owned(),
                    note: note(
                        Effect::Broader,
                        format!(
                            "the ingest takes the front off field `{field}`, so a value that has `{text}` behind it matches too"
                        ),
                    ),
                },
            },
            TextHow::Substring | TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix => match (whole, tail()) {
                (Some(front), _) => cut(front, front),
                (None, _) if map.strips.iter().any(|front| compared.inside(front)) => LiteralFit::Doubtful(note(
                    Effect::Narrower,
                    format!("the ingest takes `{text}` off the front of field `{field}` with what stands around it"),
                )),
                (None, Some((end, front))) => cut(end, front),
                (None, None) => LiteralFit::Same,
            },
            TextHow::Suffix => match (whole, tail()) {
                (Some(front), _) => cut(front, front),
                // More than one name of a path: hardly another text ends so.
                (None, Some((end, front))) if text.get(end.len()..).is_some_and(|rest| rest.contains('\\')) => {
                    cut(end, front)
                }
                (None, Some((end, front))) => LiteralFit::Doubtful(note(
                    Effect::Narrower,
                    format!(
                        "the ingest takes `{front}` off the front of field `{field}`, so the value `{front}{}` is not found",
                        text.get(end.len()..).unwrap_or_default()
                    ),
                )),
                (None, None) => LiteralFit::Same,
            },
            TextHow::Regex => LiteralFit::Doubtful(note(
                Effect::Unsure,
                format!("the ingest takes the front off field `{field}`, which the regular expression may ask for"),
            )),
        }
    }

    /// What becomes of a text where the field writes a known front of the values otherwise.
    pub(super) fn with_other_front(
        &self,
        map: &ColumnMap,
        text: &str,
        how: TextHow,
        case: Case,
        span: Span,
    ) -> LiteralFit {
        let field = &self.name;
        let note =
            |effect: Effect, message: String| Box::new(Diagnostic::note(Code::ValueChanged, effect, span, message));
        let compared = Compared { text, case };
        if text.is_empty() {
            return LiteralFit::Same;
        }
        // Several fronts that are written alike can not be told apart.
        let effect = |to: &str| match map.fronts.values().filter(|other| *other == to).count() {
            0 | 1 => Effect::Exact,
            _ => Effect::Broader,
        };
        let changed = |from: &str, to: &str, whole: &str, text: String| {
            let effect = effect(whole);
            let others = if effect == Effect::Exact { "" } else { ", and for others as well" };
            let message = format!("field `{field}` holds `{to}` where the column has `{from}`{others}");
            LiteralFit::Changed { text, note: note(effect, message) }
        };
        let longest = |found: &dyn Fn(&str) -> bool| {
            map.fronts.iter().filter(|(from, _)| found(from)).max_by_key(|(from, _)| from.len())
        };
        let rest = |length: usize| text.get(length..).unwrap_or_default();
        let whole = longest(&|from| compared.starts(text, from));
        // A part of a front that is written alike in both.
        let kept = |to: &str| compared.inside(to);
        let lost = || map.fronts.iter().any(|(from, to)| compared.inside(from) && !kept(to));
        match how {
            TextHow::Equals | TextHow::Prefix => match whole {
                Some((from, to)) => changed(from, to, to, format!("{to}{}", rest(from.len()))),
                None if how == TextHow::Prefix && map.fronts.keys().any(|from| compared.starts(from, text)) => {
                    match self.front_alone(map, text, &compared) {
                        Some((from, to)) => changed(from, to, to, to.to_owned()),
                        None => LiteralFit::Doubtful(note(
                            Effect::Narrower,
                            format!(
                                "field `{field}` writes the front of the column otherwise, of which `{text}` is a part"
                            ),
                        )),
                    }
                }
                None if map.fronts.values().any(|to| compared.starts(text, to)) => LiteralFit::Changed {
                    text: text.to_owned(),
                    note: note(
                        Effect::Broader,
                        format!("field `{field}` holds such texts for values that begin otherwise in the column"),
                    ),
                },
                None => LiteralFit::Same,
            },
            TextHow::Substring | TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix | TextHow::Suffix => {
                if let Some((from, to)) = whole {
                    return changed(from, to, to, format!("{to}{}", rest(from.len())));
                }
                if let Some((from, to)) = self.front_alone(map, text, &compared) {
                    return changed(from, to, to, to.to_owned());
                }
                let tails = map.fronts.iter().filter_map(|(from, to)| {
                    let end = compared.tail(text, from)?;
                    // An end that both have needs no change.
                    if to.to_ascii_lowercase().ends_with(&end.to_ascii_lowercase()) {
                        return None;
                    }
                    Some((end, to, parts_alike(from, to, end)))
                });
                // The longest end is meant.
                match tails.max_by_key(|(end, ..)| end.len()) {
                    Some((end, whole, Some(to))) => changed(end, &to, whole, format!("{to}{}", rest(end.len()))),
                    Some((end, ..)) => LiteralFit::Doubtful(note(
                        Effect::Narrower,
                        format!("field `{field}` writes the front of the column otherwise, of which `{end}` is a part"),
                    )),
                    None if lost() => LiteralFit::Doubtful(note(
                        Effect::Narrower,
                        format!(
                            "field `{field}` writes the front of the column otherwise, of which `{text}` is a part"
                        ),
                    )),
                    None => LiteralFit::Same,
                }
            }
            TextHow::Regex => LiteralFit::Doubtful(note(
                Effect::Unsure,
                format!(
                    "field `{field}` writes the front of the column otherwise, which the regular expression may ask for"
                ),
            )),
        }
    }

    /// A front that is written without the separator at its end, and how the field writes it.
    fn front_alone<'m>(&self, map: &'m ColumnMap, text: &str, compared: &Compared<'_>) -> Option<(&'m str, &'m str)> {
        map.fronts.iter().find_map(|(from, to)| {
            let (from, to) = (from.trim_end_matches('\\'), to.trim_end_matches('\\'));
            compared.same(text, from).then_some((from, to))
        })
    }
}

/// The end of a front as the field writes it, where both fronts have as many names and the end begins with a whole one.
fn parts_alike(from: &str, to: &str, end: &str) -> Option<String> {
    let separator = '\\';
    let (before, names) = (from.strip_suffix(end)?, end.matches(separator).count());
    let begins_whole = before.is_empty() || before.ends_with(separator) || end.starts_with(separator);
    if !begins_whole || from.matches(separator).count() != to.matches(separator).count() {
        return None;
    }
    // With the separator before it, an end of `n` separators has `n - 1` names.
    let names = if end.starts_with(separator) { names.checked_sub(1)? } else { names };
    let kept: Vec<&str> = to.trim_end_matches(separator).rsplit(separator).take(names).collect();
    let kept: Vec<&str> = kept.into_iter().rev().collect();
    let lead = if end.starts_with(separator) { "\\" } else { "" };
    Some(format!("{lead}{}\\", kept.join("\\")))
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
    fn the_hive_is_taken_off_literals_too() {
        let strips = vec!["HKEY_LOCAL_MACHINE\\".to_owned(), "HKEY_CURRENT_USER\\".to_owned()];
        let map = ColumnMap { field: "f".into(), strips, ..ColumnMap::default() };
        let field = field(&map);
        let fit = |text, how| field.literal(text, how, Case::Insensitive, Span::default());
        let changed = |text, how| match fit(text, how) {
            LiteralFit::Changed { text, note } => (text, note.effect),
            other => panic!("{text}: {other:?}"),
        };
        let broader = Some(Effect::Broader);
        assert_eq!(changed("hkey_local_machine\\software", TextHow::Equals), ("software".to_owned(), broader));
        assert_eq!(changed("HKEY_USERS\\x", TextHow::Prefix), ("HKEY_USERS\\x".to_owned(), broader));
        assert_eq!(changed("\\SOFTWARE\\Run", TextHow::Substring), ("SOFTWARE\\Run".to_owned(), broader));
        assert_eq!(changed("MACHINE\\SOFTWARE", TextHow::Term), ("SOFTWARE".to_owned(), broader));
        assert_eq!(fit("CurrentVersion\\Run", TextHow::Term), LiteralFit::Same);
        assert_eq!(effect(&fit("LOCAL_MACHINE", TextHow::Substring)), Some(Effect::Narrower));
        assert_eq!(effect(&fit("HKEY_LOCAL", TextHow::Prefix)), Some(Effect::Narrower));
        assert_eq!(effect(&fit("\\Run", TextHow::Suffix)), Some(Effect::Narrower));
        assert_eq!(changed("\\Windows\\Run", TextHow::Suffix), ("Windows\\Run".to_owned(), broader));
        assert_eq!(fit("Run", TextHow::Suffix), LiteralFit::Same);
        assert_eq!(effect(&fit("H.*", TextHow::Regex)), Some(Effect::Unsure));
    }

    #[test]
    fn a_front_is_written_otherwise() {
        let system = "HKEY_LOCAL_MACHINE\\SYSTEM\\";
        let fronts = [
            ("HKEY_LOCAL_MACHINE\\".to_owned(), "HKLM\\".to_owned()),
            (format!("{system}ControlSet001\\"), "HKLM\\System\\CurrentControlSet\\".to_owned()),
            (format!("{system}ControlSet002\\"), "HKLM\\System\\CurrentControlSet\\".to_owned()),
        ];
        let map = ColumnMap { field: "f".into(), fronts: fronts.into_iter().collect(), ..ColumnMap::default() };
        let field = field(&map);
        let fit = |text, how| field.literal(text, how, Case::Insensitive, Span::default());
        let changed = |text, how| match fit(text, how) {
            LiteralFit::Changed { text, note } => (text, note.effect),
            other => panic!("{text}: {other:?}"),
        };
        let (exact, broader) = (Some(Effect::Exact), Some(Effect::Broader));
        assert_eq!(changed("hkey_local_machine\\software", TextHow::Equals), ("HKLM\\software".to_owned(), exact));
        let services = "HKLM\\System\\CurrentControlSet\\Services".to_owned();
        let first = format!("{system}ControlSet001\\Services");
        assert_eq!(changed(&first, TextHow::Prefix), (services, broader));
        let tail = "\\System\\CurrentControlSet\\Services".to_owned();
        assert_eq!(changed("\\SYSTEM\\ControlSet002\\Services", TextHow::Substring), (tail, broader));
        assert_eq!(
            changed("ControlSet001\\Services", TextHow::Term),
            ("CurrentControlSet\\Services".to_owned(), broader)
        );
        assert_eq!(changed("HKEY_LOCAL_MACHINE", TextHow::Term), ("HKLM".to_owned(), exact));
        assert_eq!(effect(&fit("MACHINE\\SOFTWARE", TextHow::Substring)), Some(Effect::Narrower));
        assert_eq!(fit("CurrentVersion\\Run", TextHow::Term), LiteralFit::Same);
    }
}
