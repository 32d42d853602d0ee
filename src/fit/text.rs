//! What the targets share about text matching: where `has` looks for term boundaries, and which texts fold alike.

use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{Case, Expr, Needles, TextHow};
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
    /// Whether the rule is documented for this needle: both edges that must be a boundary are letters or digits.
    /// Of a needle such as `-enc` or `.exe` the documentation does not say how Kusto looks it up.
    pub documented: bool,
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
        Some(Self { before: before && first, after: after && last, documented: (!before || first) && (!after || last) })
    }
}

/// Whether KQL and every target agree on the case of this text: it is ASCII.
pub fn folds_alike(text: &str, case: Case) -> bool {
    match case {
        Case::Sensitive => true,
        Case::Insensitive => text.is_ascii(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_stand_only_at_letters_and_digits() {
        let edges = |needle, how| TermEdges::of(needle, how).map(|e| (e.before, e.after, e.documented));
        assert_eq!(edges("Kaseya", TextHow::Term), Some((true, true, true)));
        assert_eq!(edges("-enc", TextHow::Term), Some((false, true, false)));
        assert_eq!(edges("a.b", TextHow::TermPrefix), Some((true, false, true)));
        assert_eq!(edges("x_", TextHow::TermPrefix), Some((true, false, true)));
        assert_eq!(edges("x", TextHow::Substring), None);
    }
}
