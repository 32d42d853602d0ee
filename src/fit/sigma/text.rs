//! Comparisons of text → comparisons of Sigma.
//!
//! Decides how each of KQL's text operators is said of a field; what a column is was decided in `subject`.

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::text::{TermEdges, bare_edge, folds_alike};
use crate::fit::{Ledger, LiteralFit, Style};
use crate::plan::{Case, Expr, ExprKind, Needles, ScalarType, TextHow, TextMatch};
use crate::source::Span;

use super::logic::Logic;
use super::regex;
use super::subject::{Folded, Front, Reader, Subject, Unsayable};
use super::tree::{Form, Value};

/// A note that is given once the comparison is known to be sayable.
pub(super) type Notes = Vec<Diagnostic>;

impl<'a> Reader<'_, 'a, '_> {
    /// A text comparison; `negated` says whether it must not hold.
    pub(super) fn text(
        &mut self,
        ledger: &mut Ledger,
        text: &TextMatch,
        span: Span,
        level: usize,
        negated: bool,
    ) -> Result<Logic, Unsayable> {
        let polarity = if negated { Polarity::Negative } else { Polarity::Positive };
        if let Needles::One(needle) = &text.needles
            && !matches!(needle.kind, ExprKind::Literal(_))
        {
            return self.two_fields(ledger, text, needle, span, level, negated);
        }
        let (needles, all): (Vec<&Expr>, bool) = match &text.needles {
            Needles::One(needle) => (vec![&**needle], false),
            Needles::Any(items) => (items.iter().collect(), false),
            Needles::All(items) => (items.iter().collect(), true),
            Needles::Table(_) => {
                return Err(Unsayable::new(Code::RefusedPredicate, span, "a Sigma rule reads no other rows")
                    .help("write the values into the hunt, or use the modifier expand with a list of the site"));
            }
        };
        let subject = self.subject(ledger, &text.subject, level, polarity)?;
        let mut notes = Notes::new();
        self.subject_notes(&subject, span, &mut notes)?;
        let mut parts = Vec::with_capacity(needles.len());
        for needle in needles {
            self.spend(needle.span)?;
            let Some(value) = needle.as_str() else {
                return Err(Unsayable::new(
                    Code::RefusedPredicate,
                    needle.span,
                    "a Sigma rule compares fields with constant texts",
                ));
            };
            parts.push(self.needle(&subject, text, value, needle.span, negated, &mut notes)?);
        }
        let mut seen = std::collections::HashSet::new();
        for note in notes {
            if seen.insert((note.code, note.span, note.message.clone())) {
                ledger.note(polarity, note);
            }
        }
        let logic = if all { Logic::All(parts) } else { Logic::Any(parts) };
        Ok(logic.negated_if(negated))
    }

    /// What has to be said of a subject whose text is not simply that of a field.
    pub(super) fn subject_notes(&self, subject: &Subject<'_>, span: Span, notes: &mut Notes) -> Result<(), Unsayable> {
        if subject.dynamic {
            notes.push(dynamic_note(subject, span));
        }
        if let Some(separator) = subject.last_after {
            let message = format!("the column is what stands after the last `{separator}` in field `{}`", subject.name);
            notes.push(Diagnostic::note(Code::Expanded, Effect::Exact, span, message));
        }
        notes.extend(wider_note(subject, span));
        match subject.ty {
            ScalarType::String
            | ScalarType::Dynamic
            | ScalarType::Guid
            | ScalarType::Int
            | ScalarType::Long
            | ScalarType::Unknown => Ok(()),
            ScalarType::Bool | ScalarType::Decimal | ScalarType::Real => {
                let message =
                    format!("the text of a {} may be written differently in field `{}`", subject.ty, subject.name);
                notes.push(Diagnostic::note(Code::Approximated, Effect::Unsure, span, message));
                Ok(())
            }
            ScalarType::Datetime | ScalarType::Timespan => Err(Unsayable::new(
                Code::RefusedPredicate,
                span,
                format!("a Sigma rule can not compare the text of a {}", subject.ty),
            )),
        }
    }

    /// One needle, as if it were not negated.
    fn needle(
        &self,
        subject: &Subject<'_>,
        text: &TextMatch,
        value: &str,
        span: Span,
        negated: bool,
        notes: &mut Notes,
    ) -> Result<Logic, Unsayable> {
        if value.is_empty() && text.how != TextHow::Regex {
            if text.how == TextHow::Equals {
                told_empty(subject, span)?;
            }
            return Ok(match text.how {
                TextHow::Equals => Logic::empty(&subject.name),
                TextHow::Term
                | TextHow::Substring
                | TextHow::Prefix
                | TextHow::Suffix
                | TextHow::TermPrefix
                | TextHow::TermSuffix
                | TextHow::Regex => {
                    notes.push(constant(span, true));
                    Logic::Const(true)
                }
            });
        }
        if text.how == TextHow::Regex {
            return self.regex(subject, text.case, value, span, notes);
        }
        let mut case = text.case;
        if let Some(folded) = subject.folded {
            let other = match folded {
                Folded::Lower => value.to_lowercase(),
                Folded::Upper => value.to_uppercase(),
            };
            if case == Case::Sensitive && other != value {
                notes.push(constant(span, false));
                return Ok(Logic::Const(false));
            }
            case = Case::Insensitive;
        }
        if case == Case::Sensitive
            && let Some(own) = subject.field.map.and_then(|map| map.in_own_case(value))
        {
            // Once for all texts that it is compared with.
            let place = if own { text.subject.span } else { span };
            notes.push(caseless(subject, own, value, place));
            case = Case::Insensitive;
        }
        let native = self.frame.style == Style::Native && !negated;
        if native && case == Case::Sensitive && has_case(value) {
            let message = format!("case does not count where `{value}` is compared");
            notes.push(Diagnostic::note(Code::NativeStyle, Effect::Broader, span, message));
            case = Case::Insensitive;
        }
        if let Some(listed) = self.listed(subject, text.how, case, value, span, notes) {
            return Ok(listed);
        }
        let mut value = value.to_owned();
        match subject.field.literal(&value, text.how, case, span) {
            LiteralFit::Same => {}
            LiteralFit::Changed { text, note } => {
                value = text;
                notes.push(*note);
            }
            LiteralFit::Doubtful(note) => notes.push(*note),
        }
        // Names of files and accounts hold no separator, those of values of the registry may: looked for in the whole field it
        // would be found where the column does not hold it.
        if let Some(separator) = subject.last_after.filter(|separator| value.contains(*separator)) {
            let message = format!(
                "`{value}` holds `{separator}`, and the column is what stands after the last one in field `{}`",
                subject.name
            );
            return Err(Unsayable::new(Code::RefusedPredicate, span, message).help("compare the whole path"));
        }
        if !folds_alike(&value, case) {
            let message = format!("KQL and the backends of Sigma may fold the case of `{value}` differently");
            notes.push(Diagnostic::note(Code::UnicodeCase, Effect::Unsure, span, message));
        }
        if TermEdges::of(&value, text.how).is_some() {
            if native && subject.last_after.is_none() {
                let message = format!("the term `{value}` is looked for anywhere in the text");
                notes.push(Diagnostic::note(Code::NativeStyle, Effect::Broader, span, message));
                return Ok(Logic::test(&subject.name, Form::Contains { cased: false }, Value::Text(value)));
            }
            notes.push(crate::fit::text::other_scripts(span));
            notes.extend(bare_edge(&value, text.how, span));
        }
        if native
            && text.how == TextHow::Equals
            && (subject.last_after, subject.front) == (None, None)
            && let Some(number) = value.parse::<i64>().ok().filter(|number| number.to_string() == value)
        {
            // SigmaHQ writes numbers as such, whatever the type of the field.
            let message = format!("`{value}` is compared as a number: other texts of the same number are equal to it");
            notes.push(Diagnostic::note(Code::NativeStyle, Effect::Broader, span, message));
            return Ok(Logic::test(&subject.name, Form::Equals { cased: false }, Value::Integer(number)));
        }
        Ok(compare(subject, text.how, case, value))
    }

    fn regex(
        &self,
        subject: &Subject<'_>,
        case: Case,
        pattern: &str,
        span: Span,
        notes: &mut Notes,
    ) -> Result<Logic, Unsayable> {
        if subject.last_after.is_some() {
            let message = format!(
                "the column is a part of field `{}`, of which a regular expression can not be said",
                subject.name
            );
            return Err(Unsayable::new(Code::RefusedPredicate, span, message));
        }
        let rendered = regex::render(pattern).map_err(|why| {
            Unsayable::new(Code::RefusedRegex, span, format!("Sigma can not say the regular expression: {why}"))
        })?;
        let mut ignore_case = rendered.ignore_case || case == Case::Insensitive;
        match subject.folded {
            None => {}
            Some(Folded::Lower) if !rendered.upper_case => ignore_case = true,
            Some(Folded::Lower | Folded::Upper) => {
                let message = "the regular expression is matched after a change of case that Sigma can not make";
                return Err(Unsayable::new(Code::RefusedPredicate, span, message));
            }
        }
        if !ignore_case && let Some(own) = subject.field.map.and_then(|map| map.in_own_case(pattern)) {
            notes.push(caseless(subject, own, pattern, span));
            ignore_case = true;
        }
        if let Some(front) = &subject.front {
            let message = format!(
                "the column is what stands before the last `{}` in field `{}`, which the regular expression may depend on",
                front.separator, subject.name
            );
            notes.push(Diagnostic::note(Code::Approximated, Effect::Unsure, span, message));
        }
        match subject.field.literal(pattern, TextHow::Regex, case, span) {
            LiteralFit::Same => {}
            LiteralFit::Changed { note, .. } | LiteralFit::Doubtful(note) => notes.push(*note),
        }
        if rendered.ascii_classes {
            let message = "classes such as `\\d`, `\\w`, `\\s` and `\\b` hold ASCII only here, all scripts in KQL";
            notes.push(Diagnostic::note(Code::RegexDialect, Effect::Unsure, span, message));
        }
        if rendered.dollar {
            let message = "`$` also matches before a line feed at the end of the value in most engines";
            notes.push(Diagnostic::note(Code::RegexDialect, Effect::Broader, span, message));
        }
        if ignore_case && !rendered.text.is_ascii() {
            let message = "KQL and the backends of Sigma may fold the case of letters beyond ASCII differently";
            notes.push(Diagnostic::note(Code::UnicodeCase, Effect::Unsure, span, message));
        }
        let form = Form::Regex { ignore_case, multi_line: rendered.multi_line, dot_all: rendered.dot_all };
        let test = Logic::test(&subject.name, form, Value::Raw(rendered.text));
        if !rendered.matches_empty {
            return Ok(test);
        }
        // A missing text is the empty text in KQL, and the expression matches that.
        let missing = Logic::test(&subject.name, Form::Equals { cased: false }, Value::Null);
        Ok(Logic::Any(vec![test, missing]))
    }

    /// A column compared with a column.
    fn two_fields(
        &mut self,
        ledger: &mut Ledger,
        text: &TextMatch,
        needle: &Expr,
        span: Span,
        level: usize,
        negated: bool,
    ) -> Result<Logic, Unsayable> {
        let polarity = if negated { Polarity::Negative } else { Polarity::Positive };
        if text.how != TextHow::Equals {
            return Err(Unsayable::new(
                Code::RefusedPredicate,
                span,
                "a Sigma rule compares two fields only as a whole",
            ));
        }
        let left = self.subject(ledger, &text.subject, level, polarity)?;
        let right = self.subject(ledger, needle, level, polarity)?;
        let logic = fieldref(ledger, &left, &right, span, polarity)?;
        // Two missing texts are equal in KQL.
        let both = Logic::All(vec![Logic::empty(&left.name), Logic::empty(&right.name)]);
        Ok(Logic::Any(vec![logic, both]).negated_if(negated))
    }
}

/// Two fields are equal.
pub(super) fn fieldref(
    ledger: &mut Ledger,
    left: &Subject<'_>,
    right: &Subject<'_>,
    span: Span,
    polarity: Polarity,
) -> Result<Logic, Unsayable> {
    let plain = |subject: &Subject<'_>| {
        subject.last_after.is_none()
            && subject.front.is_none()
            && subject.folded.is_none()
            && !subject.converted
            && !subject.field.map.is_some_and(crate::target::ColumnMap::changes_values)
    };
    let wildcard = |subject: &Subject<'_>| subject.name.contains(['*', '?', '\\']);
    if !plain(left) || !plain(right) || wildcard(right) {
        let message = "a Sigma rule compares two fields only as they are";
        return Err(Unsayable::new(Code::RefusedPredicate, span, message));
    }
    let message =
        format!("whether case counts when `{}` is compared with `{}` is for the backend", left.name, right.name);
    ledger.note(polarity, Diagnostic::note(Code::FieldComparison, Effect::Unsure, span, message));
    Ok(Logic::test(&left.name, Form::FieldRef, Value::Raw(right.name.clone())))
}

/// Whether the field tells that the column is empty: not where it holds something else instead, as the key of the registry
/// where there is no value.
pub(super) fn told_empty(subject: &Subject<'_>, span: Span) -> Result<(), Unsayable> {
    if subject.last_after.is_some() && subject.field.map.is_some_and(|map| map.wider.is_some()) {
        let message = format!("field `{}` does not tell whether column `{}` is empty", subject.name, subject.column);
        return Err(Unsayable::new(Code::RefusedPredicate, span, message));
    }
    Ok(())
}

/// That a comparison with the field may find more.
pub(super) fn wider_note(subject: &Subject<'_>, span: Span) -> Option<Diagnostic> {
    let why = subject.field.map?.wider.as_ref()?;
    let message = format!("field `{}` holds column `{}` with more: {why}", subject.name, subject.column);
    Some(Diagnostic::note(Code::FieldCaveat, Effect::Broader, span, message))
}

/// That case is not compared; `own` says whether the text is in the case of the column.
fn caseless(subject: &Subject<'_>, own: bool, text: &str, span: Span) -> Diagnostic {
    let (field, column) = (&subject.name, &subject.column);
    let all = format!("field `{field}` holds in any case what column `{column}` holds in one, so case is not compared");
    if own {
        return Diagnostic::note(Code::ValueChanged, Effect::Exact, span, all);
    }
    let message = format!("{all}; texts that differ from `{text}` in case only match too");
    Diagnostic::note(Code::ValueChanged, Effect::Broader, span, message)
}

/// That a value is (part of) a dynamic one.
pub(super) fn dynamic_note(subject: &Subject<'_>, span: Span) -> Diagnostic {
    let (message, help) = if subject.parsed {
        (
            format!(
                "KQL reads `{}` out of a text of JSON, which must be parsed into fields for the rule",
                subject.name
            ),
            "check that the pipeline of the site makes a field of the key",
        )
    } else {
        (
            format!(
                "field `{}` is dynamic: the comparison is the same where it holds one text or number",
                subject.name
            ),
            "check one event of the kind that the hunt selects",
        )
    };
    Diagnostic::note(Code::DynamicPart, Effect::Unsure, span, message).help(help)
}

/// That a comparison is the same for every event.
pub(super) fn constant(span: Span, value: bool) -> Diagnostic {
    let message = if value { "the comparison holds for every event" } else { "the comparison holds for no event" };
    Diagnostic::note(Code::ConstantCondition, Effect::Exact, span, message)
}

/// The boundary before and after a term.
const BEFORE: &str = "(^|[^0-9A-Za-zÀ-ÖØ-öø-ɏ])";
const AFTER: &str = "([^0-9A-Za-zÀ-ÖØ-öø-ɏ]|$)";

/// Whether a text can be written in another case.
fn has_case(text: &str) -> bool {
    text.chars().any(|char| !char.is_ascii() || char.is_ascii_alphabetic())
}

/// A field compared with a text that is not empty.
pub(super) fn compare(subject: &Subject<'_>, how: TextHow, case: Case, value: String) -> Logic {
    let cased = case == Case::Sensitive && has_case(&value);
    let field = subject.name.as_str();
    let form = Form::Regex { ignore_case: !cased, multi_line: false, dot_all: false };
    let matches = |text: String| Logic::test(field, form, Value::Raw(text));
    let edges = TermEdges::of(&value, how);
    let quoted = || regex::quote(&value);
    if let Some(separator) = subject.last_after {
        // The last part of a path: nothing after it may be a separator.
        let other = if separator == '\\' { "[^\\\\]*" } else { "[^/]*" };
        let boundary =
            if separator == '\\' { "[^0-9A-Za-zÀ-ÖØ-öø-ɏ\\\\]" } else { "[^/0-9A-Za-zÀ-ÖØ-öø-ɏ]" };
        return match how {
            TextHow::Equals => Logic::test(field, Form::EndsWith { cased }, Value::Text(format!("{separator}{value}"))),
            TextHow::Suffix => Logic::test(field, Form::EndsWith { cased }, Value::Text(value)),
            TextHow::Prefix => {
                let start = regex::quote(&separator.to_string());
                matches(format!("{start}{}{other}$", quoted()))
            }
            TextHow::Substring => matches(format!("{}{other}$", quoted())),
            TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix | TextHow::Regex => {
                let (before, after) = edges.map_or((false, false), |edges| (edges.before, edges.after));
                let before = if before { BEFORE } else { "" };
                let after = if after { format!("({boundary}{other})?$") } else { format!("{other}$") };
                matches(format!("{before}{}{after}", quoted()))
            }
        };
    }
    if let Some(Front { separator, always }) = subject.front {
        let longer = || Value::Text(format!("{value}{separator}"));
        let (alone, more) = match how {
            TextHow::Equals => (Form::Equals { cased }, Form::StartsWith { cased }),
            TextHow::Suffix => (Form::EndsWith { cased }, Form::Contains { cased }),
            // What stands behind the column does not change whether it begins with a text or holds one.
            TextHow::Term
            | TextHow::Substring
            | TextHow::Prefix
            | TextHow::TermPrefix
            | TextHow::TermSuffix
            | TextHow::Regex => return whole(field, how, cased, edges, value),
        };
        let more = Logic::test(field, more, longer());
        return if always { more } else { Logic::Any(vec![Logic::test(field, alone, Value::Text(value)), more]) };
    }
    whole(field, how, cased, edges, value)
}

/// A field that holds nothing but the column, compared with a text.
fn whole(field: &str, how: TextHow, cased: bool, edges: Option<TermEdges>, value: String) -> Logic {
    match how {
        TextHow::Equals => Logic::test(field, Form::Equals { cased }, Value::Text(value)),
        TextHow::Substring => Logic::test(field, Form::Contains { cased }, Value::Text(value)),
        TextHow::Prefix => Logic::test(field, Form::StartsWith { cased }, Value::Text(value)),
        TextHow::Suffix => Logic::test(field, Form::EndsWith { cased }, Value::Text(value)),
        TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix | TextHow::Regex => {
            let (before, after) = edges.map_or((false, false), |edges| (edges.before, edges.after));
            if !before && !after {
                return Logic::test(field, Form::Contains { cased }, Value::Text(value));
            }
            let form = Form::Regex { ignore_case: !cased, multi_line: false, dot_all: false };
            let (before, after) = (if before { BEFORE } else { "" }, if after { AFTER } else { "" });
            Logic::test(field, form, Value::Raw(format!("{before}{}{after}", regex::quote(&value))))
        }
    }
}
