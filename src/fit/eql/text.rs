//! Comparisons of text: by value, by wildcards where the needle holds none itself, by regular expressions where terms or
//! wildcard characters are looked for.
//!
//! A missing text is the empty text in KQL, so every comparison that the empty text satisfies holds for a missing field.
//! `:` and `like` know no escape for `*` and `?`.

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::lucene::{self, Folded};
use crate::fit::text::{TermEdges, folds_alike, gravest_edge};
use crate::fit::{LiteralFit, Style};
use crate::plan::{Case, Expr, Needles, TextHow, TextMatch};
use crate::source::Span;
use crate::target::FieldType;

use super::condition::{Conditions, Said, Unsayable, Want, null};
use super::scope::{Place, Scope};
use super::tree::{Compare, Cond, Constant, How, Value};
use super::value::Subject;

/// What is not the beginning or end of a term.
const BEFORE_TERM: &str = "(.*[^0-9A-Za-zÀ-ÖØ-öø-ɏ])?";
const AFTER_TERM: &str = "([^0-9A-Za-zÀ-ÖØ-öø-ɏ].*)?";

/// How a text is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) how: TextHow,
    pub(super) case: Case,
    /// Every needle must be found.
    pub(super) all: bool,
    pub(super) negated: bool,
    pub(super) span: Span,
    /// Of the comparison as a whole.
    pub(super) polarity: Polarity,
}

/// One needle in a form that EQL has.
enum Needle {
    /// Whatever the text is.
    Always,
    /// No text.
    Never,
    Equal(String),
    Pattern(How, String),
}

impl<'p, 'a> Conditions<'p, 'a, '_> {
    pub(super) fn text(
        &mut self,
        text: &'p TextMatch,
        expr: &'p Expr,
        want: Want,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Cond> {
        let negated = text.negated == (want == Want::Holds);
        let (items, all): (&'p [Expr], bool) = match &text.needles {
            Needles::One(needle) => (std::slice::from_ref(&**needle), false),
            Needles::Any(items) => (items, false),
            Needles::All(items) => (items, true),
            Needles::Table(_) => {
                let message = "EQL does not compare with the rows of another query";
                return Err(Unsayable::new(Code::RefusedPredicate, expr.span, message)
                    .help("list the values in the hunt, or use the target splunk"));
            }
        };
        self.spend(items.len(), expr.span)?;
        let inner = if negated { polarity.negated() } else { polarity };
        let look = Look { how: text.how, case: text.case, all, negated, span: expr.span, polarity: inner };
        let mut needles = Vec::with_capacity(items.len());
        for item in items {
            match self.constant(item, scope, at) {
                Some(Ok(Constant::Text(text))) => needles.push(text),
                Some(Ok(Constant::Integer(_) | Constant::Real(_) | Constant::Bool(_))) => {
                    return Err(Unsayable::new(
                        Code::RefusedPredicate,
                        item.span,
                        "a text is compared with another type",
                    ));
                }
                Some(Err(unsayable)) => return Err(unsayable),
                None => return self.mirrored(text, items, look, scope, at),
            }
        }
        let choices = self.choices(&text.subject, scope, at)?;
        let mut out = Vec::with_capacity(choices.len());
        for (guard, subject, at) in choices {
            let cond = match self.constant(subject, scope, at) {
                Some(Ok(Constant::Text(own))) => Cond::Constant(self.evaluated(&own, &needles, look)? != negated),
                Some(_) => return Err(Unsayable::new(Code::RefusedPredicate, subject.span, "a constant is compared")),
                None => {
                    let whole = look.how == TextHow::Equals && needles.iter().all(|needle| is_text_only(needle));
                    let subject = self.as_whole(whole, |this| this.subject(subject, scope, at, inner))?;
                    self.find(&subject, &needles, look)?
                }
            };
            out.push(Cond::all(vec![guard, cond]));
        }
        Ok(Cond::any(out))
    }

    /// `"value" in (ColumnA, ColumnB)`: each column is compared with the constant.
    fn mirrored(
        &mut self,
        text: &'p TextMatch,
        items: &'p [Expr],
        look: Look,
        scope: &Scope<'p, 'a>,
        at: Place,
    ) -> Said<Cond> {
        let own = match self.constant(&text.subject, scope, at) {
            Some(Ok(Constant::Text(own))) if look.how == TextHow::Equals => own,
            _ => {
                return Err(Unsayable::new(
                    Code::RefusedPredicate,
                    look.span,
                    "EQL compares a text with constants only, not with another field",
                )
                .help("the targets splunk and esql compare fields"));
            }
        };
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            let whole = is_text_only(&own);
            let subject = self.as_whole(whole, |this| this.subject(item, scope, at, look.polarity))?;
            out.push(self.find(&subject, std::slice::from_ref(&own), look)?);
        }
        Ok(if look.negated == look.all { Cond::any(out) } else { Cond::all(out) })
    }

    /// The result of a comparison of constants.
    fn evaluated(&self, own: &str, needles: &[String], look: Look) -> Said<bool> {
        let fold = |text: &str| match look.case {
            Case::Sensitive => text.to_owned(),
            Case::Insensitive => text.to_ascii_lowercase(),
        };
        let own = fold(own);
        let mut found = needles.iter().map(|needle| {
            let needle = fold(needle);
            match look.how {
                TextHow::Equals => Some(own == needle),
                TextHow::Substring => Some(own.contains(&needle)),
                TextHow::Prefix => Some(own.starts_with(&needle)),
                TextHow::Suffix => Some(own.ends_with(&needle)),
                TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix | TextHow::Regex => None,
            }
        });
        let result = if look.all {
            found.try_fold(true, |all, one| one.map(|one| all && one))
        } else {
            found.try_fold(false, |any, one| one.map(|one| any || one))
        };
        result.ok_or_else(|| Unsayable::new(Code::RefusedPredicate, look.span, "a constant is searched"))
    }

    /// The comparison of a value with constant needles.
    pub(super) fn find(&mut self, subject: &Subject<'a>, needles: &[String], look: Look) -> Said<Cond> {
        self.spend(needles.len(), look.span)?;
        let (mut stored, mut notes) = (Vec::with_capacity(needles.len()), Vec::new());
        for needle in needles {
            let fit = subject.field.as_ref().map(|field| field.literal(needle, look.how, look.case, look.span));
            stored.push(match fit {
                Some(LiteralFit::Changed { text, note }) => {
                    notes.push(*note);
                    text
                }
                Some(LiteralFit::Doubtful(note)) => {
                    notes.push(*note);
                    needle.clone()
                }
                Some(LiteralFit::Same) | None => needle.clone(),
            });
        }
        notes.dedup();
        for note in notes {
            self.note(look.polarity, note);
        }
        if subject.missing_is_unsure {
            let message = "a field that is missing makes the joined text null in EQL, and a shorter text in KQL";
            self.note(look.polarity, Diagnostic::note(Code::NullSemantics, Effect::Unsure, look.span, message));
        }
        let subject = match self.by_type(subject, &stored, look)? {
            Ok(cond) => return Ok(cond),
            Err(subject) => subject,
        };
        let mut forms = Vec::with_capacity(stored.len());
        let mut empties = Vec::with_capacity(stored.len());
        for needle in &stored {
            let (form, empty) = self.needle(needle, subject.folded, look)?;
            forms.push(form);
            empties.push(empty);
        }
        self.doubts(&stored, subject.folded, look);
        let missing_holds = if look.all { empties.iter().all(|it| *it) } else { empties.iter().any(|it| *it) };
        let value = &subject.value;
        let found = if look.all {
            Cond::all(forms.into_iter().map(|form| grouped(value, vec![form])).collect())
        } else {
            grouped(value, forms)
        };
        Ok(settled(value, found, missing_holds, look.negated))
    }

    /// Comparisons with fields that are not text in Elasticsearch; the subject back where it is compared as text.
    fn by_type(&mut self, subject: &Subject<'a>, needles: &[String], look: Look) -> Said<Result<Cond, Subject<'a>>> {
        let equals = look.how == TextHow::Equals && !look.all;
        let numbers = whole_numbers(needles).filter(|numbers| equals && !numbers.is_empty());
        let Some(field_type) = subject.elastic_type else {
            let Some(numbers) = numbers.filter(|_| subject.whole) else { return Ok(Err(subject.clone())) };
            let message = "the constant is compared as a number; a field that is a text is not found by it";
            self.note(look.polarity, Diagnostic::note(Code::TypeMismatch, Effect::Unsure, look.span, message));
            return Ok(Ok(settled(&subject.value, equal(&subject.value, numbers), false, look.negated)));
        };
        let unsayable = |what: &str| {
            Err(Unsayable::new(
                Code::RefusedPredicate,
                look.span,
                format!("the field is {what}, which EQL does not compare as text"),
            ))
        };
        let list = |list: Vec<Constant>| {
            let found = equal(&subject.value, list);
            Ok(Ok(settled(&subject.value, found, false, look.negated)))
        };
        match field_type {
            FieldType::Keyword | FieldType::ConstantKeyword | FieldType::Wildcard => Ok(Err(subject.clone())),
            FieldType::Text | FieldType::MatchOnlyText => {
                let message = "the field is analysed text; EQL compares it only if it has a keyword field beside it";
                self.note(look.polarity, Diagnostic::note(Code::FieldCaveat, Effect::Unsure, look.span, message));
                Ok(Err(subject.clone()))
            }
            FieldType::Ip => {
                let addresses = needles.iter().all(|needle| needle.parse::<std::net::IpAddr>().is_ok());
                if equals && addresses && !needles.is_empty() {
                    return list(needles.iter().cloned().map(Constant::Text).collect());
                }
                Ok(Err(self.as_text(subject, look.span)?))
            }
            FieldType::Boolean if equals => {
                let mut bools = Vec::new();
                for needle in needles {
                    match needle.to_ascii_lowercase().as_str() {
                        "true" => bools.push(Constant::Bool(true)),
                        "false" => bools.push(Constant::Bool(false)),
                        "" => return unsayable("a truth value"),
                        _ => {}
                    }
                }
                if look.case == Case::Sensitive {
                    let message = "the field holds a truth value, whose case in KQL's text is lost";
                    self.note(look.polarity, Diagnostic::note(Code::ValueChanged, Effect::Unsure, look.span, message));
                }
                if bools.is_empty() { Ok(Ok(Cond::Constant(look.negated))) } else { list(bools) }
            }
            FieldType::Long | FieldType::Double | FieldType::Float | FieldType::ScaledFloat => match numbers {
                Some(numbers) => list(numbers),
                None => Ok(Err(self.as_text(subject, look.span)?)),
            },
            FieldType::Boolean => unsayable("a truth value"),
            FieldType::Date => unsayable("a date"),
            FieldType::Flattened if equals && subject.path => Ok(Err(subject.clone())),
            FieldType::Flattened => unsayable("a flattened object"),
            FieldType::Nested => unsayable("a nested object"),
            FieldType::Object => unsayable("an object"),
            FieldType::GeoPoint => unsayable("a place"),
        }
    }

    /// One needle, and whether the empty text satisfies it.
    fn needle(&mut self, needle: &str, folded: Folded, look: Look) -> Said<(Needle, bool)> {
        if look.how == TextHow::Regex {
            return self.regex(needle, folded, look);
        }
        let empty = needle.is_empty();
        if empty && look.how != TextHow::Equals {
            return Ok((Needle::Always, true));
        }
        // A lower-cased text never equals a needle with upper-case letters, and equals others whatever its own case.
        let (cased, changed) = match (look.case, folded) {
            (Case::Insensitive, _) => (false, false),
            (Case::Sensitive, Folded::No) => (true, false),
            (Case::Sensitive, Folded::Lower) => (false, needle.chars().any(char::is_uppercase)),
            (Case::Sensitive, Folded::Upper) => (false, needle.chars().any(char::is_lowercase)),
        };
        if changed {
            return Ok((Needle::Never, false));
        }
        let wild = needle.contains(['*', '?', '\u{1}']);
        let regex = if cased { How::RegexCased } else { How::Regex };
        let wildcard = if cased { How::WildcardCased } else { How::Wildcard };
        let mut quoted = String::with_capacity(needle.len() + 8);
        lucene::quote(needle, &mut quoted);
        let form = match look.how {
            TextHow::Equals if cased || empty => Needle::Equal(needle.to_owned()),
            TextHow::Equals if wild => Needle::Pattern(regex, quoted),
            TextHow::Equals => Needle::Pattern(How::OneOf, needle.to_owned()),
            TextHow::Substring if wild => Needle::Pattern(regex, format!(".*{quoted}.*")),
            TextHow::Substring => Needle::Pattern(wildcard, format!("*{needle}*")),
            TextHow::Prefix if wild => Needle::Pattern(regex, format!("{quoted}.*")),
            TextHow::Prefix => Needle::Pattern(wildcard, format!("{needle}*")),
            TextHow::Suffix if wild => Needle::Pattern(regex, format!(".*{quoted}")),
            TextHow::Suffix => Needle::Pattern(wildcard, format!("*{needle}")),
            TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix => {
                let native =
                    self.frame.style == Style::Native && !wild && look.polarity == Polarity::Positive && !look.negated;
                if native {
                    Needle::Pattern(wildcard, format!("*{needle}*"))
                } else {
                    let edges = TermEdges::of(needle, look.how);
                    let before = if edges.is_some_and(|edges| edges.before) { BEFORE_TERM } else { ".*" };
                    let after = if edges.is_some_and(|edges| edges.after) { AFTER_TERM } else { ".*" };
                    Needle::Pattern(regex, format!("{before}{quoted}{after}"))
                }
            }
            // Handled above.
            TextHow::Regex => Needle::Never,
        };
        Ok((form, empty))
    }

    fn regex(&mut self, needle: &str, folded: Folded, look: Look) -> Said<(Needle, bool)> {
        let insensitive = look.case == Case::Insensitive;
        let source = if insensitive { format!("(?i){needle}") } else { needle.to_owned() };
        let pattern = lucene::contains_regex(&source, folded).map_err(|lucene::Unsayable(what)| {
            Unsayable::new(
                Code::RefusedRegex,
                look.span,
                format!("Elasticsearch's regular expressions can not say this one: {what}"),
            )
            .help("write the expression without it, or use the target splunk")
        })?;
        if pattern.ascii_only {
            let message = "`\\d`, `\\w` and `\\b` know all of Unicode in KQL, and ASCII here";
            self.note(look.polarity, Diagnostic::note(Code::RegexDialect, Effect::Unsure, look.span, message));
        }
        if pattern.text.chars().count() > lucene::DELIVERED_MAX_LENGTH {
            self.too_long(look);
        }
        let how = if pattern.ignore_case { How::Regex } else { How::RegexCased };
        Ok((Needle::Pattern(how, pattern.text), pattern.matches_empty))
    }

    fn too_long(&mut self, look: Look) {
        let message = format!(
            "a regular expression is longer than the {} characters that Elasticsearch takes as delivered",
            lucene::DELIVERED_MAX_LENGTH
        );
        let note = Diagnostic::note(Code::SiteLimits, Effect::Unsure, look.span, message);
        self.note(look.polarity, note.help("raise `index.max_regex_length`"));
    }

    /// Notes on needles whose rule differs or is not documented.
    fn doubts(&mut self, needles: &[String], folded: Folded, look: Look) {
        let case = if folded == Folded::No { look.case } else { Case::Insensitive };
        if look.how != TextHow::Regex
            && let Some(needle) = needles.iter().find(|needle| !folds_alike(needle, case))
        {
            let message = format!("the case of letters beyond ASCII in `{}` may be folded differently", shown(needle));
            self.note(look.polarity, Diagnostic::note(Code::UnicodeCase, Effect::Unsure, look.span, message));
        }
        if let Some(note) = gravest_edge(needles.iter().map(String::as_str), look.how, look.span) {
            self.note(look.polarity, note);
        }
        let term = matches!(look.how, TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix);
        if term {
            self.note(look.polarity, crate::fit::text::other_scripts(look.span));
        }
        if term && self.frame.style == Style::Native && look.polarity == Polarity::Positive && !look.negated {
            let message = "a term is looked for anywhere in the text";
            self.note(look.polarity, Diagnostic::note(Code::NativeStyle, Effect::Broader, look.span, message));
        }
    }
}

/// Whether a value of JSON that equals this text is a text: numbers and truth values are stored as such.
fn is_text_only(needle: &str) -> bool {
    needle.parse::<f64>().is_err() && !needle.eq_ignore_ascii_case("true") && !needle.eq_ignore_ascii_case("false")
}

/// A needle for a message.
fn shown(needle: &str) -> String {
    let text: String =
        needle.chars().take(40).map(|char| if char == '`' || char.is_control() { '\'' } else { char }).collect();
    if text.len() < needle.len() && needle.chars().count() > 40 { text + "…" } else { text }
}

/// One of these, like forms together, in the order of their first needle.
fn grouped(value: &Value, forms: Vec<Needle>) -> Cond {
    let mut equals: Vec<Constant> = Vec::new();
    let mut patterns: Vec<(How, Vec<String>)> = Vec::new();
    for form in forms {
        match form {
            Needle::Always => return Cond::Constant(true),
            Needle::Never => {}
            Needle::Equal(text) => equals.push(Constant::Text(text)),
            Needle::Pattern(how, pattern) => match patterns.iter_mut().find(|(known, _)| *known == how) {
                Some((_, list)) => list.push(pattern),
                None => patterns.push((how, vec![pattern])),
            },
        }
    }
    let mut out = Vec::with_capacity(patterns.len() + 1);
    if !equals.is_empty() {
        out.push(equal(value, equals));
    }
    for (how, patterns) in patterns {
        // One text is compared by `:`, as analysts write it.
        let how = if how == How::OneOf && patterns.len() == 1 { How::Wildcard } else { how };
        out.push(Cond::Match { value: value.clone(), how, patterns });
    }
    Cond::any(out)
}

/// The texts as whole numbers, where each is the usual form of one.
fn whole_numbers(needles: &[String]) -> Option<Vec<Constant>> {
    let number = |needle: &String| needle.parse::<i64>().ok().filter(|it| it.to_string() == *needle);
    needles.iter().map(|needle| number(needle).map(Constant::Integer)).collect()
}

fn equal(value: &Value, mut list: Vec<Constant>) -> Cond {
    match (list.len(), list.pop()) {
        (1, Some(with)) => Cond::Compare { op: Compare::Eq, value: value.clone(), with },
        (_, Some(last)) => {
            list.push(last);
            Cond::In { value: value.clone(), list, negated: false }
        }
        (_, None) => Cond::Constant(false),
    }
}

/// The comparison, or its negation, with what a missing text (the empty text) makes of it.
fn settled(value: &Value, found: Cond, missing_holds: bool, negated: bool) -> Cond {
    if let Cond::Constant(found) = found {
        return Cond::Constant(found != negated);
    }
    match (negated, missing_holds) {
        (false, false) => found,
        (false, true) => Cond::any(vec![null(value), found]),
        (true, false) => Cond::any(vec![null(value), found.negate()]),
        (true, true) => Cond::all(vec![null(value).negate(), found.negate()]),
    }
}
