//! Text comparisons: `==`, `has`, `contains`, `in`, `matches regex` and their like.
//!
//! ES|QL compares by case; what must not is lower-cased first. `LIKE` knows `*` and `?`, `RLIKE` Lucene's expressions of the
//! whole text; a backslash takes the meaning of a character. A missing text is null, and KQL's empty text.
//! See <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/operators#esql-like>.

use super::scope::{Column, Form};
use super::tree::{Comparison, Expr};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect, Polarity};
use crate::fit::lucene::{self, Folded};
use crate::fit::text::{TermEdges, folds_alike, gravest_edge, other_scripts};
use crate::fit::{Field, LiteralFit, Style};
use crate::plan::{Case, Expr as Meant, ExprKind, Needles, ScalarType, TextHow, TextMatch};
use crate::target::Construct;

/// What is not the beginning or end of a term, in a text as it is and in one that is lower-cased.
const BEFORE: [&str; 2] = ["(.*[^0-9A-Za-zÀ-ÖØ-öø-ɏ])?", "(.*[^0-9a-zß-öø-ɏ])?"];
const AFTER: [&str; 2] = ["([^0-9A-Za-zÀ-ÖØ-öø-ɏ].*)?", "([^0-9a-zß-öø-ɏ].*)?"];

/// What a text comparison looks at.
struct Subject<'a> {
    /// The value, before its case is changed; null where there is none.
    value: Expr,
    /// The column, if it is one.
    column: Option<Column<'a>>,
    /// How the hunt changes its case.
    folded: Folded,
    /// It is never null.
    there: bool,
}

/// How a text is looked for.
#[derive(Clone, Copy)]
struct Look {
    how: TextHow,
    case: Case,
    all: bool,
    negated: bool,
}

/// One needle in a form that ES|QL has.
enum Found {
    /// Whatever the text is.
    Always,
    /// The whole text.
    Equal(String),
    /// `LIKE`
    Wildcard(String),
    /// `RLIKE`
    Regex(String),
    /// `RLIKE`: the text between what may stand before and after it, less what it shares with other needles.
    Term {
        /// What stands before.
        before: &'static str,
        /// The text, quoted.
        text: String,
        /// What stands after.
        after: &'static str,
    },
}

impl<'a> Fitter<'a, '_> {
    /// A text comparison.
    pub(super) fn text_match(&mut self, expr: &Meant, matched: &TextMatch) -> Fit<Expr> {
        if let Some(found) = self.in_set(expr, matched)? {
            return Ok(found);
        }
        let (items, all): (&[Meant], bool) = match &matched.needles {
            Needles::One(needle) => (std::slice::from_ref(needle.as_ref()), false),
            Needles::Any(items) => (items, false),
            Needles::All(items) => (items, true),
            Needles::Table(pipeline) => return self.in_table(expr, matched, pipeline),
        };
        let look = Look { how: matched.how, case: matched.case, all, negated: matched.negated };
        let subject = self.text_subject(&matched.subject)?;
        let constants: Option<Vec<&str>> = items.iter().map(Meant::as_str).collect();
        let Some(constants) = constants else { return self.computed_needles(expr, subject, items, look) };
        items.iter().for_each(|item| self.ledger.carried(item.id));
        let mut texts: Vec<String> = constants.into_iter().map(str::to_owned).collect();
        if let Some(field) = subject.column.as_ref().and_then(|column| column.known.clone()) {
            self.stored_literals(expr, &field, &mut texts, look);
        }
        self.text_notes(expr, &texts, look);
        if let Some(typed) = self.typed(expr, &subject, &texts, look)? {
            return Ok(typed);
        }
        self.said(expr, &subject, &texts, look)
    }

    /// What a comparison looks at: a change of case is part of how it is compared.
    fn text_subject(&mut self, expr: &Meant) -> Fit<Subject<'a>> {
        if let ExprKind::Call { args, .. } = &expr.kind
            && let [arg] = args.as_slice()
        {
            match self.function_name(expr) {
                Some(name @ ("tolower" | "toupper")) => {
                    self.ledger.carried(expr.id);
                    let folded = if name == "tolower" { Folded::Lower } else { Folded::Upper };
                    let mut inner = self.text_subject(arg)?;
                    if inner.folded != Folded::No {
                        inner.value = fold(inner.value, inner.folded);
                        inner.column = None;
                    }
                    return Ok(Subject { folded, ..inner });
                }
                Some("tostring") if matches!(arg.ty, ScalarType::String | ScalarType::Dynamic | ScalarType::Guid) => {
                    self.ledger.carried(expr.id);
                    return self.text_subject(arg);
                }
                _ => {}
            }
        }
        let column = self.held_column(expr)?;
        // What is looked at is not given out: literals follow what the ingest does to the field.
        let value = match &column {
            Some(column) => self.column_text(expr, column),
            None => self.text_value(expr)?,
        };
        let there = value.never_null() || column.as_ref().is_some_and(|column| self.is_there(expr, column));
        Ok(Subject { value, column, folded: Folded::No, there })
    }

    /// Comparisons with fields that are no texts in Elasticsearch.
    fn typed(&mut self, expr: &Meant, subject: &Subject<'a>, texts: &[String], look: Look) -> Fit<Option<Expr>> {
        let Some(column) = subject.column.as_ref() else { return Ok(None) };
        // Where only KQL tells the type, a text constant says that the field may be one: its text is compared.
        let Some(told) = column.known.as_ref().filter(|field| field.elastic_type().is_some()) else { return Ok(None) };
        if told.is_list() {
            return self.in_list(expr, subject, texts, look);
        }
        if look.how != TextHow::Equals || look.all || texts.is_empty() {
            return Ok(None);
        }
        let list: Option<Vec<Expr>> = match column.form {
            Form::Ip => {
                let address = |text: &String| text.parse::<std::net::IpAddr>().is_ok();
                texts.iter().all(address).then(|| texts.iter().map(Expr::text).collect())
            }
            Form::Long => {
                let number = |text: &String| text.parse::<i64>().ok().filter(|number| number.to_string() == *text);
                texts.iter().map(|text| number(text).map(Expr::number)).collect()
            }
            Form::Boolean => {
                let truth = |text: &String| match text.to_ascii_lowercase().as_str() {
                    "true" => Some(Expr::Bool(true)),
                    "false" => Some(Expr::Bool(false)),
                    _ => None,
                };
                let list: Option<Vec<Expr>> = texts.iter().map(truth).collect();
                if list.is_some() && look.case == Case::Sensitive {
                    let message = "the field holds a truth value, whose case in KQL's text is lost";
                    self.note(Code::ValueChanged, Effect::Unsure, expr.span, message);
                }
                list
            }
            Form::Keyword | Form::Double | Form::Date | Form::Untold | Form::Unread(_) => None,
        };
        Ok(list.map(|list| {
            settled(among(column.bare(), list, look.negated), column.bare(), false, look.negated, subject.there)
        }))
    }

    /// A comparison with a field that holds several values: one of them is the text. Other comparisons are null where there
    /// are several.
    fn in_list(&mut self, expr: &Meant, subject: &Subject<'a>, texts: &[String], look: Look) -> Fit<Option<Expr>> {
        let sayable = look.how == TextHow::Equals
            && !look.all
            && look.case == Case::Sensitive
            && texts.iter().all(|text| !text.is_empty())
            && self.frame.needs(Construct::MvContains).is_none();
        if !sayable {
            let message = "the field may hold several values, with which a comparison is null";
            self.note(Code::FieldCaveat, Effect::Unsure, expr.span, message);
            return Ok(None);
        }
        let contains = |text: &String| Expr::call("MV_CONTAINS", [subject.value.clone(), Expr::text(text.clone())]);
        let found = Expr::any(texts.iter().map(contains));
        Ok(Some(if look.negated { found.or(Expr::Bool(false)).negated() } else { found }))
    }

    /// The condition for a subject and constant needles.
    fn said(&mut self, expr: &Meant, subject: &Subject<'a>, texts: &[String], look: Look) -> Fit<Expr> {
        if texts.is_empty() {
            // `in ()` holds of nothing, `has_all ()` of everything.
            return Ok(Expr::Bool(look.all != look.negated));
        }
        let mut folded = subject.folded;
        let insensitive = look.case == Case::Insensitive && look.how != TextHow::Regex;
        if insensitive {
            folded = Folded::Lower;
        }
        let mut forms = Vec::with_capacity(texts.len());
        let mut empties = Vec::with_capacity(texts.len());
        for text in texts {
            let text = if insensitive { text.to_lowercase() } else { text.clone() };
            let (form, lower, empty) = self.needle(expr, &text, folded, look)?;
            if lower {
                folded = Folded::Lower;
            }
            forms.push(form);
            empties.push(empty);
        }
        let missing_holds = if look.all { empties.iter().all(|it| *it) } else { empties.iter().any(|it| *it) };
        let value = match (insensitive, subject.folded) {
            // `tolower(x) =~ "abc"` folds once.
            (true, _) => fold(subject.value.clone(), Folded::Lower),
            (false, _) => fold(subject.value.clone(), folded),
        };
        let found = if look.all {
            let each = forms.into_iter().map(|form| self.grouped(&value, vec![form], look.negated));
            let each: Vec<Expr> = each.collect();
            if look.negated { Expr::any(each) } else { Expr::all(each) }
        } else {
            self.grouped(&value, forms, look.negated)
        };
        Ok(settled(found, subject.value.clone(), missing_holds, look.negated, subject.there))
    }

    /// One needle; whether it wants a lower-cased text, and whether the empty text satisfies it.
    fn needle(&mut self, expr: &Meant, text: &str, folded: Folded, look: Look) -> Fit<(Found, bool, bool)> {
        if look.how == TextHow::Regex {
            return self.regex(expr, text, folded);
        }
        let empty = text.is_empty();
        if empty && look.how != TextHow::Equals {
            return Ok((Found::Always, false, true));
        }
        let form = match look.how {
            TextHow::Equals => Found::Equal(text.to_owned()),
            TextHow::Substring => Found::Wildcard(format!("*{}*", wildcard_text(text))),
            TextHow::Prefix => Found::Wildcard(format!("{}*", wildcard_text(text))),
            TextHow::Suffix => Found::Wildcard(format!("*{}", wildcard_text(text))),
            TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix => {
                let native = self.frame.style == Style::Native && !look.negated && self.polarity == Polarity::Positive;
                if native {
                    Found::Wildcard(format!("*{}*", wildcard_text(text)))
                } else {
                    let edges = TermEdges::of(text, look.how);
                    let lower = usize::from(folded == Folded::Lower);
                    let side = |wanted: Option<bool>, class: [&'static str; 2]| match wanted {
                        Some(true) => class[lower],
                        Some(false) | None => ".*",
                    };
                    let mut quoted = String::with_capacity(text.len() + 8);
                    lucene::quote(text, &mut quoted);
                    Found::Term {
                        before: side(edges.map(|edges| edges.before), BEFORE),
                        text: quoted,
                        after: side(edges.map(|edges| edges.after), AFTER),
                    }
                }
            }
            TextHow::Regex => Found::Always,
        };
        Ok((form, false, empty))
    }

    fn regex(&mut self, expr: &Meant, text: &str, folded: Folded) -> Fit<(Found, bool, bool)> {
        let unsayable = |why: lucene::Unsayable| {
            let message = format!("the regular expression can not be said in ES|QL: {}", why.0);
            Unsayable::new(Code::RefusedRegex, expr.span, message)
        };
        let mut pattern = lucene::contains_regex(text, folded).map_err(unsayable)?;
        let mut lower = false;
        if pattern.ignore_case && folded == Folded::No {
            lower = true;
            pattern = lucene::contains_regex(text, Folded::Lower).map_err(unsayable)?;
        }
        if pattern.text.chars().count() > lucene::DELIVERED_MAX_LENGTH {
            let message = format!(
                "the regular expression is longer than the {} characters that Elasticsearch takes as delivered",
                lucene::DELIVERED_MAX_LENGTH
            );
            self.note(Code::SiteLimits, Effect::Unsure, expr.span, message);
        }
        if pattern.ascii_only {
            let message = "`\\d`, `\\w`, `\\s` and `\\b` know all of Unicode in KQL, and ASCII here";
            self.note(Code::RegexDialect, Effect::Unsure, expr.span, message);
        }
        Ok((Found::Regex(pattern.text), lower, pattern.matches_empty))
    }

    /// The needles of which one must be found, those of a kind together.
    fn grouped(&mut self, value: &Expr, forms: Vec<Found>, negated: bool) -> Expr {
        let (mut equal, mut like, mut regex) = (Vec::new(), Vec::new(), Vec::new());
        let mut terms: Vec<(&'static str, &'static str, Vec<String>)> = Vec::new();
        for form in forms {
            match form {
                Found::Always => return Expr::Bool(!negated),
                Found::Equal(text) => equal.push(Expr::Text(text)),
                Found::Wildcard(pattern) => like.push(pattern),
                Found::Regex(pattern) => regex.push(pattern),
                Found::Term { before, text, after } => {
                    match terms.iter_mut().find(|it| (it.0, it.1) == (before, after)) {
                        Some((_, _, texts)) => texts.push(text),
                        None => terms.push((before, after, vec![text])),
                    }
                }
            }
        }
        regex.extend(terms.into_iter().flat_map(|(before, after, texts)| alternatives(before, &texts, after)));
        let mut parts = Vec::new();
        if !equal.is_empty() {
            parts.push(among(value.clone(), equal, negated));
        }
        for (patterns, is_regex) in [(like, false), (regex, true)] {
            parts.extend(self.patterns(value, patterns, is_regex, negated));
        }
        if negated { Expr::all(parts) } else { Expr::any(parts) }
    }

    /// Patterns of which one must fit: a list where the version has lists.
    pub(super) fn patterns(&self, value: &Expr, patterns: Vec<String>, regex: bool, negated: bool) -> Vec<Expr> {
        let like = |patterns: Vec<String>| Expr::Like { value: Box::new(value.clone()), patterns, regex, negated };
        let lists = if regex { Construct::RlikeList } else { Construct::LikeList };
        if patterns.is_empty() {
            Vec::new()
        } else if self.frame.needs(lists).is_some() {
            patterns.into_iter().map(|pattern| like(vec![pattern])).collect()
        } else {
            vec![like(patterns)]
        }
    }

    /// A comparison with needles of the row.
    fn computed_needles(&mut self, expr: &Meant, subject: Subject<'a>, items: &[Meant], look: Look) -> Fit<Expr> {
        let fold_side = |value: Expr| match look.case {
            Case::Sensitive => value,
            Case::Insensitive => fold(value, Folded::Lower),
        };
        let own = fold(subject.value.clone(), subject.folded);
        let own = fold_side(if subject.there { own } else { own.or_empty() });
        let mut parts = Vec::new();
        for item in items {
            let other = self.text_subject(item)?;
            let needle = fold(other.value.clone(), other.folded);
            let needle = fold_side(if other.there { needle } else { needle.or_empty() });
            parts.push(match look.how {
                TextHow::Equals => {
                    Expr::compare(if look.negated { Comparison::Ne } else { Comparison::Eq }, own.clone(), needle)
                }
                TextHow::Substring => found_at(own.clone(), needle, look.negated),
                TextHow::Prefix => signed(Expr::call("STARTS_WITH", [own.clone(), needle]), look.negated),
                TextHow::Suffix => signed(Expr::call("ENDS_WITH", [own.clone(), needle]), look.negated),
                TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix => {
                    let message = "a term of the row is looked for anywhere in the text, since the patterns of ES|QL are constants";
                    self.ledger.note(
                        if look.negated { self.polarity.negated() } else { self.polarity },
                        crate::diagnostic::Diagnostic::note(Code::TermBoundary, Effect::Broader, item.span, message),
                    );
                    found_at(own.clone(), needle, look.negated)
                }
                TextHow::Regex => {
                    let message = "the regular expressions of ES|QL are constants";
                    return Err(Unsayable::new(Code::RefusedRegex, expr.span, message).help("the target splunk has it"));
                }
            });
        }
        Ok(if look.all != look.negated { Expr::all(parts) } else { Expr::any(parts) })
    }

    /// Literals follow what the ingest does to the field.
    fn stored_literals(&mut self, expr: &Meant, field: &Field<'a>, texts: &mut [String], look: Look) {
        let polarity = if look.negated { self.polarity.negated() } else { self.polarity };
        for text in texts {
            match field.literal(text, look.how, look.case, expr.span) {
                LiteralFit::Same => {}
                LiteralFit::Changed { text: stored, note } => {
                    *text = stored;
                    self.ledger.note(polarity, *note);
                }
                LiteralFit::Doubtful(note) => self.ledger.note(polarity, *note),
            }
        }
    }

    fn text_notes(&mut self, expr: &Meant, texts: &[String], look: Look) {
        let terms = matches!(look.how, TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix);
        let native = self.frame.style == Style::Native && !look.negated && self.polarity == Polarity::Positive;
        if terms && native {
            let message = "a term is looked for anywhere in the text";
            self.note(Code::NativeStyle, Effect::Broader, expr.span, message);
        } else if terms {
            let bounded =
                |text: &String| TermEdges::of(text, look.how).is_some_and(|edges| edges.before || edges.after);
            match gravest_edge(texts.iter().map(String::as_str), look.how, expr.span) {
                Some(note) => self.ledger.note(self.polarity, note),
                None if texts.iter().any(bounded) => self.ledger.note(self.polarity, other_scripts(expr.span)),
                None => {}
            }
        }
        if look.how != TextHow::Regex
            && let Some(text) = texts.iter().find(|text| !folds_alike(text, look.case))
        {
            let message = format!("the case of letters beyond ASCII in `{text}` may be folded differently");
            self.note(Code::UnicodeCase, Effect::Unsure, expr.span, message);
        }
    }
}

/// A found condition with what KQL says of a missing text, which is the empty one.
fn settled(found: Expr, value: Expr, missing_holds: bool, negated: bool, there: bool) -> Expr {
    if there || found == Expr::Bool(true) || found == Expr::Bool(false) || missing_holds == negated {
        return found;
    }
    Expr::any([Expr::is_null(value), found])
}

/// Patterns of texts between the same edges, each no longer than Elasticsearch takes as delivered.
fn alternatives(before: &str, texts: &[String], after: &str) -> Vec<String> {
    if let [only] = texts {
        return vec![format!("{before}{only}{after}")];
    }
    let room = lucene::DELIVERED_MAX_LENGTH.saturating_sub(before.len() + after.len() + 2);
    let mut patterns = Vec::new();
    let mut open = String::new();
    let close = |open: &mut String| {
        let pattern = format!("{before}({open}){after}");
        open.clear();
        pattern
    };
    for text in texts {
        if !open.is_empty() && open.len() + 1 + text.len() > room {
            patterns.push(close(&mut open));
        }
        if !open.is_empty() {
            open.push('|');
        }
        open.push_str(text);
    }
    patterns.push(close(&mut open));
    patterns
}

/// The value is one of these.
pub(super) fn among(value: Expr, mut list: Vec<Expr>, negated: bool) -> Expr {
    if list.len() == 1
        && let Some(only) = list.pop()
    {
        return Expr::compare(if negated { Comparison::Ne } else { Comparison::Eq }, value, only);
    }
    Expr::In { value: Box::new(value), list, negated }
}

/// The value in another case.
pub(super) fn fold(value: Expr, folded: Folded) -> Expr {
    let name = match folded {
        Folded::No => return value,
        Folded::Lower => "TO_LOWER",
        Folded::Upper => "TO_UPPER",
    };
    match value {
        Expr::Call("TO_LOWER" | "TO_UPPER", args) => Expr::Call(name, args),
        value => Expr::call(name, [value]),
    }
}

/// Whether a text holds another, which may be one of the row.
fn found_at(text: Expr, needle: Expr, negated: bool) -> Expr {
    let op = if negated { Comparison::Eq } else { Comparison::Gt };
    Expr::compare(op, Expr::call("LOCATE", [text, needle]), Expr::number(0))
}

fn signed(condition: Expr, negated: bool) -> Expr {
    if negated { condition.negated() } else { condition }
}

/// A text for `LIKE`, in which nothing stands for other text.
fn wildcard_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '*' | '?' | '\\') {
            out.push('\\');
        }
        out.push(char);
    }
    out
}
