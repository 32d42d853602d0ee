//! What the targets share about text matching: where `has` looks for term boundaries, and which texts fold alike.

use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{Case, Expr, Needles, TextHow, Value};
use crate::source::Span;

/// The characters of a term that every reading of Microsoft's documentation agrees on: ASCII letters and digits. An
/// underscore is not one. Whether a needle's edge is one decides if it must be a boundary.
/// See <https://learn.microsoft.com/kusto/query/datatypes-string-operators#what-is-a-term>.
pub fn is_term_char(char: char) -> bool {
    char.is_ascii_alphanumeric()
}

/// The remark that belongs to a term match in a dialect without classes for letters and digits of all scripts: it lists
/// those of the Latin script (`0-9A-Za-zÀ-ÖØ-öø-ɏ`).
///
/// Microsoft's page speaks of alphanumeric characters, earlier editions of ASCII ones. Text in other scripts is the one
/// place where the two readings, and so the translation, may differ.
pub fn other_scripts(span: Span) -> Diagnostic {
    let message = "a letter next to the term that is not of the Latin script counts as its edge";
    Diagnostic::note(Code::TermBoundary, Effect::Exact, span, message)
}

/// Where a needle of `has`, `hasprefix` or `hassuffix` must border on a character that is no letter or digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermEdges {
    /// Before the needle.
    pub before: bool,
    /// After the needle.
    pub after: bool,
}

impl TermEdges {
    /// The edges of `needle` under a term match; `None` for the other ways to compare.
    pub fn of(needle: &str, how: TextHow) -> Option<Self> {
        let (before, after) = match how {
            TextHow::Term => (true, true),
            TextHow::TermPrefix => (true, false),
            TextHow::TermSuffix => (false, true),
            TextHow::Equals | TextHow::Substring | TextHow::Prefix | TextHow::Suffix | TextHow::Regex => return None,
        };
        let first = needle.chars().next().is_some_and(is_term_char);
        let last = needle.chars().next_back().is_some_and(is_term_char);
        Some(Self { before: before && first, after: after && last })
    }
}

/// What is to be said of a term that begins or ends in no letter or digit, such as `-enc` or `.exe`.
///
/// Microsoft's page does not say how Kusto looks it up. For `has` there is a measurement: the service finds
/// `/resourcegroups/test.rg000001?` between a digit and a letter, so that such an edge needs no boundary
/// (<https://github.com/MicrosoftDocs/dataexplorer-docs/issues/1005>). For the other operators, for terms without any
/// letter or digit, and for letters beyond ASCII, there is none.
pub fn bare_edge(needle: &str, how: TextHow, span: Span) -> Option<Diagnostic> {
    let edges = TermEdges::of(needle, how)?;
    let wanted = match how {
        TextHow::Term => (true, true),
        TextHow::TermPrefix => (true, false),
        TextHow::TermSuffix => (false, true),
        TextHow::Equals | TextHow::Substring | TextHow::Prefix | TextHow::Suffix | TextHow::Regex => return None,
    };
    if needle.is_empty() || (edges.before, edges.after) == wanted {
        return None;
    }
    let ends = [needle.chars().next(), needle.chars().next_back()];
    let plain = ends.into_iter().flatten().all(|char| is_term_char(char) || !char.is_alphanumeric());
    let measured = how == TextHow::Term && plain && needle.chars().any(is_term_char);
    Some(if measured {
        let message = format!(
            "`{needle}` is bounded only where it begins or ends in a letter or digit, as the service was seen to do"
        );
        Diagnostic::note(Code::TermBoundary, Effect::Exact, span, message)
    } else {
        let message = format!(
            "how KQL looks up a term such as `{needle}`, which begins or ends in no ASCII letter or digit, is not documented"
        );
        Diagnostic::note(Code::TermBoundary, Effect::Unsure, span, message)
    })
}

/// The gravest of the notes of [`bare_edge`] on several terms.
pub fn gravest_edge<'t>(needles: impl Iterator<Item = &'t str>, how: TextHow, span: Span) -> Option<Diagnostic> {
    let notes: Vec<Diagnostic> = needles.filter_map(|needle| bare_edge(needle, how, span)).collect();
    let unsure = notes.iter().position(|note| note.effect == Some(Effect::Unsure));
    notes.into_iter().nth(unsure.unwrap_or(0))
}

/// Whether KQL and every target agree on the case of this text: it is ASCII.
pub fn folds_alike(text: &str, case: Case) -> bool {
    match case {
        Case::Sensitive => true,
        Case::Insensitive => text.is_ascii(),
    }
}

/// Whether a name fits a pattern in which `*` stands for any text.
pub fn matches_glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

/// The constant needles of a comparison and whether all of them must match; `None` where one is not a constant text.
pub fn constant_needles(needles: &Needles) -> Option<(Vec<&str>, bool)> {
    match needles {
        Needles::One(needle) => Some((vec![needle.as_str()?], false)),
        Needles::Any(items) => Some((items.iter().map(Expr::as_str).collect::<Option<_>>()?, false)),
        Needles::All(items) => Some((items.iter().map(Expr::as_str).collect::<Option<_>>()?, true)),
        Needles::Table(_) => None,
    }
}

/// The constant texts that arguments of a function hold, each of which is one or a list of them; `None` where one is not.
pub fn constant_texts(args: &[Expr]) -> Option<Vec<&str>> {
    let mut texts = Vec::with_capacity(args.len());
    for arg in args {
        match arg.as_literal()? {
            Value::Array(items) => {
                for item in items {
                    texts.push(item.as_str()?);
                }
            }
            one => texts.push(one.as_str()?),
        }
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_stand_only_at_letters_and_digits() {
        let edges = |needle, how| TermEdges::of(needle, how).map(|e| (e.before, e.after));
        assert_eq!(edges("Kaseya", TextHow::Term), Some((true, true)));
        assert_eq!(edges("-enc", TextHow::Term), Some((false, true)));
        assert_eq!(edges("a.b", TextHow::TermPrefix), Some((true, false)));
        assert_eq!(edges("x", TextHow::Substring), None);
    }

    #[test]
    fn an_edge_without_letter_or_digit_is_noted() {
        let effect = |needle, how| bare_edge(needle, how, Span::default()).and_then(|note| note.effect);
        assert_eq!(effect("Kaseya", TextHow::Term), None);
        assert_eq!(effect("x_", TextHow::TermPrefix), None);
        assert_eq!(effect("-enc", TextHow::Term), Some(Effect::Exact));
        assert_eq!(effect("-enc", TextHow::TermPrefix), Some(Effect::Unsure));
        assert_eq!(effect("--", TextHow::Term), Some(Effect::Unsure));
        assert_eq!(effect("\u{e9}t\u{e9}", TextHow::Term), Some(Effect::Unsure));
    }
}
