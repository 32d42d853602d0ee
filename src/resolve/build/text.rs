//! Comparisons of text: every string operator becomes a [`TextMatch`].
//!
//! <https://learn.microsoft.com/kusto/query/datatypes-string-operators>

use super::compare::is_text;
use super::{Builder, Built, convert, cover, literal, truth};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Case, Expr, ExprKind, Needles, ScalarType, TextHow, TextMatch, Value};
use crate::source::Span;

impl Builder<'_> {
    /// `subject how needle`
    pub(super) fn text(
        &mut self,
        how: TextHow,
        case: Case,
        negated: bool,
        subject: Expr,
        needle: Expr,
        span: Span,
    ) -> Expr {
        // Equality is symmetric: the constant is the needle.
        let mirrored = how == TextHow::Equals && subject.as_literal().is_some() && needle.as_literal().is_none();
        let (subject, needle) = if mirrored { (needle, subject) } else { (subject, needle) };
        let needle = self.needle(needle);
        self.searched(how, &subject);
        if let (Some(text), Some(looked_for)) = (subject.as_str(), needle.as_str())
            && let Some(holds) = holds(how, case, text, looked_for)
        {
            return truth(holds != negated, cover(span, [&subject, &needle]));
        }
        matching(subject, how, case, Needles::One(Box::new(needle)), negated, span)
    }

    /// A needle as text: a number or truth beside a string operator is its text, which KQL wants written so.
    pub(super) fn needle(&mut self, needle: Expr) -> Expr {
        match needle.as_literal() {
            None | Some(Value::String(_) | Value::Null(_) | Value::Array(_) | Value::Bag(_)) => needle,
            Some(
                value @ (Value::Bool(_)
                | Value::Long(_)
                | Value::Real(_)
                | Value::Decimal(_)
                | Value::Datetime(_)
                | Value::Timespan(_)
                | Value::Guid(_)),
            ) => match convert::exact_text(value) {
                None => needle,
                Some(text) => {
                    let message = format!("a text is compared with a `{}`", needle.ty);
                    self.mismatch(needle.span, message, "write the constant in quotes");
                    literal(Value::String(text), ScalarType::String, needle.span)
                }
            },
        }
    }

    /// KQL's text operators other than `==` want a string or dynamic subject.
    pub(super) fn searched(&mut self, how: TextHow, subject: &Expr) {
        let fits = matches!(subject.ty, ScalarType::String | ScalarType::Dynamic | ScalarType::Unknown);
        if how != TextHow::Equals && !fits && !is_text(subject) {
            let message = format!("a string operator looks at a `{}`", subject.ty);
            self.mismatch(subject.span, message, "convert it with tostring()");
        }
    }

    /// `like`, which is obsolete: a pattern whose only wildcards are `%` at its ends is a prefix, suffix or substring.
    pub(super) fn like(&mut self, case: Case, negated: bool, subject: Expr, pattern: Expr, span: Span) -> Built {
        let refuse = |message: &str| {
            Err(Box::new(
                Diagnostic::refusal(Code::NotYet, span, message)
                    .help("`like` is obsolete: use startswith, endswith, contains or matches regex"),
            ))
        };
        let Some(text) = pattern.as_str() else { return refuse("`like` with a pattern that is not a constant text") };
        let (open, rest) = match text.strip_prefix('%') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (core, close) = match rest.strip_suffix('%') {
            Some(core) => (core, true),
            None => (rest, false),
        };
        if core.is_empty() || core.contains(['%', '_', '*', '?', '[', '\\']) {
            return refuse("`like` with wildcards other than `%` at the ends of the pattern");
        }
        let how = match (open, close) {
            (false, false) => TextHow::Equals,
            (false, true) => TextHow::Prefix,
            (true, false) => TextHow::Suffix,
            (true, true) => TextHow::Substring,
        };
        let needle = literal(Value::String(core.to_owned()), ScalarType::String, pattern.span);
        Ok(self.text(how, case, negated, subject, needle, span))
    }

    /// `column : "term"` of `search`: a term, or with `*` at its ends a term's prefix, its suffix or a substring.
    ///
    /// <https://learn.microsoft.com/kusto/query/search-operator#search-predicate-syntax>
    pub(crate) fn search_term(&mut self, subject: Expr, needle: Expr, span: Span) -> Built {
        let needle = self.needle(needle);
        let Some(text) = needle.as_str() else {
            let message = "a search term must be a constant text";
            return Err(Box::new(Diagnostic::error(Code::WrongArguments, needle.span, message)));
        };
        let (open, rest) = match text.strip_prefix('*') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (core, close) = match rest.strip_suffix('*') {
            Some(core) => (core, true),
            None => (rest, false),
        };
        if core.is_empty() || core.contains('*') {
            let message = "a search term with `*` inside, or of `*` alone";
            return Err(Box::new(
                Diagnostic::refusal(Code::NotYet, needle.span, message).help("use matches regex or isnotempty()"),
            ));
        }
        let how = match (open, close) {
            (false, false) => TextHow::Term,
            (false, true) => TextHow::TermPrefix,
            (true, false) => TextHow::TermSuffix,
            (true, true) => TextHow::Substring,
        };
        let needle = literal(Value::String(core.to_owned()), ScalarType::String, needle.span);
        Ok(self.text(how, Case::Insensitive, false, subject, needle, span))
    }
}

/// A text match.
pub(super) fn matching(subject: Expr, how: TextHow, case: Case, needles: Needles, negated: bool, span: Span) -> Expr {
    let text = TextMatch { subject: Box::new(subject), how, case, needles, negated };
    Expr::new(ExprKind::Text(text), ScalarType::Bool, span)
}

/// Whether a constant text matches; `None` where KQL's answer is not certain: case and terms beyond ASCII, terms with
/// other characters than letters and digits, empty needles, regular expressions.
pub(super) fn holds(how: TextHow, case: Case, text: &str, needle: &str) -> Option<bool> {
    let (text, needle) = match case {
        Case::Sensitive => (text.into(), needle.into()),
        Case::Insensitive if text.is_ascii() && needle.is_ascii() => {
            (std::borrow::Cow::from(text.to_ascii_lowercase()), std::borrow::Cow::from(needle.to_ascii_lowercase()))
        }
        Case::Insensitive if text == needle && how == TextHow::Equals => return Some(true),
        Case::Insensitive => return None,
    };
    let (text, needle): (&str, &str) = (&text, &needle);
    if how == TextHow::Equals {
        return Some(text == needle);
    }
    if needle.is_empty() {
        return None;
    }
    // Terms are maximal runs of letters and digits; `_` is neither.
    let terms = || {
        let plain = text.is_ascii() && needle.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then(|| text.split(|c: char| !c.is_ascii_alphanumeric()))
    };
    match how {
        TextHow::Equals => Some(text == needle),
        TextHow::Substring => Some(text.contains(needle)),
        TextHow::Prefix => Some(text.starts_with(needle)),
        TextHow::Suffix => Some(text.ends_with(needle)),
        TextHow::Term => Some(terms()?.any(|term| term == needle)),
        TextHow::TermPrefix => Some(terms()?.any(|term| term.starts_with(needle))),
        TextHow::TermSuffix => Some(terms()?.any(|term| term.ends_with(needle))),
        TextHow::Regex => None,
    }
}
