//! Text comparisons: `==`, `has`, `contains`, `in`, `matches regex` and their like.
//!
//! The search language ignores case and knows `*`; it is used where that is what the hunt says, and as a filter in front
//! of the exact condition where it follows from it. `where` compares texts that look like numbers as numbers, so such
//! texts are compared by a pattern.
//! See <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/search>.

use super::dynamic::is_inside_json;
use super::form::{call, concat, escaped, number, text, when};
use super::matcher::{Matcher, is_searchable};
use super::predicate::Condition;
use super::scope::{Column, Shape};
use super::tree::{Comparison, EvalExpr, SearchExpr};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect, Polarity};
use crate::fit::known::is_nothing;
use crate::fit::text::{folds_alike, gravest_edge};
use crate::fit::{LiteralFit, Style};
use crate::plan::{Case, Expr, ExprKind, Needles, Pipeline, ScalarType, TextHow, TextMatch};

/// What a text comparison looks at.
struct Subject<'a> {
    /// The value; null or empty where there is none.
    value: EvalExpr,
    /// The column, if it is one and nothing was done to it.
    column: Option<Column<'a>>,
    /// The value is lower-cased (`Some(false)`) or upper-cased (`Some(true)`) before it is compared.
    cased: Option<bool>,
}

/// Constant needles.
struct Texts {
    items: Vec<String>,
    all: bool,
}

impl<'a> Fitter<'a, '_> {
    /// A text comparison.
    pub(super) fn text_match(&mut self, expr: &Expr, matched: &TextMatch) -> Fit<Condition> {
        let mut subject = self.subject(&matched.subject)?;
        let Some(mut texts) = constants(&matched.needles) else {
            return self.text_computed(expr, matched, subject);
        };
        self.carry_needles(&matched.needles);
        let (how, mut case) = (matched.how, matched.case);
        // `tolower(x) == "abc"` says `x =~ "abc"`; with a needle in the other case it says nothing, and stays as it is.
        if let (Some(upper), true) = (subject.cased, how != TextHow::Regex) {
            let fits = |text: &String| {
                text.is_ascii()
                    && !text.chars().any(|c| if upper { c.is_ascii_lowercase() } else { c.is_ascii_uppercase() })
            };
            if case == Case::Insensitive || texts.items.iter().all(fits) {
                case = Case::Insensitive;
                subject.cased = None;
            }
        }
        if let Some(upper) = subject.cased {
            subject.value = EvalExpr::Call(if upper { "upper" } else { "lower" }, vec![subject.value]);
            subject.column = None;
        }
        if let Some(field) = subject.column.as_ref().and_then(|column| column.known.clone()) {
            self.stored_literals(expr, &field, &mut texts, how, case, matched.negated);
        }
        self.text_notes(expr, &texts, how, case);
        // A column of type text may be a part of the event's JSON, too.
        let in_event = subject.column.as_ref().is_some_and(|column| !column.is_field() && column.nested);
        self.dynamic_note(expr, &matched.subject, in_event, how, &texts);
        self.said(expr, &subject, how, case, &texts, matched.negated)
    }

    /// The condition for a subject and constant needles.
    fn said(
        &mut self,
        expr: &Expr,
        subject: &Subject<'a>,
        how: TextHow,
        case: Case,
        texts: &Texts,
        negated: bool,
    ) -> Fit<Condition> {
        if texts.items.is_empty() {
            // `in ()` holds of nothing, `has_all ()` of everything.
            return Ok(Condition::constant(texts.all != negated));
        }
        let partial = !matches!(how, TextHow::Equals | TextHow::Regex);
        let empty = texts.items.iter().filter(|text| text.is_empty()).count();
        if partial && (!texts.all && empty > 0 || empty == texts.items.len()) {
            // Every text contains the empty one.
            return Ok(Condition::constant(!negated));
        }
        let items: Vec<&str> =
            texts.items.iter().map(String::as_str).filter(|text| !(partial && text.is_empty())).collect();
        let matcher = Matcher::new(how, case, &items, texts.all).map_err(|why| {
            let message = format!("the regular expression can not be said in PCRE: {why}");
            Unsayable::new(Code::RefusedRegex, expr.span, message)
        })?;
        if matcher.unicode_class {
            let message = "`\\d`, `\\w`, `\\s` and `\\b` know letters and digits of all scripts in KQL, and those of ASCII in Splunk";
            self.note(Code::RegexDialect, Effect::Unsure, expr.span, message);
        }
        let null_text = subject.column.as_ref().and_then(|column| column.null_text.clone());
        let null_matters = null_text.as_deref().is_some_and(|text| matcher.matches_empty || matcher.holds(text));
        let value = match (&subject.column, null_matters) {
            (Some(column), true) => column.value(),
            (Some(column), false) => column.bare(),
            (None, _) => subject.value.clone(),
        };
        let eval = matcher.condition(&value, negated);
        let Some((search, same)) = subject.column.as_ref().and_then(|column| self.text_search(column, &matcher)) else {
            return Ok(Condition::eval(eval));
        };
        let native = self.frame.style == Style::Native && !negated && self.polarity == Polarity::Positive;
        let exact = same && !null_matters;
        Ok(match (exact, negated) {
            (true, false) => Condition::searched(search, eval),
            (true, true) => Condition::searched(SearchExpr::Not(Box::new(search)), eval),
            (false, false) if native && how != TextHow::Regex && !null_matters => {
                let message = "a term or an exact text is looked for with wildcards and without regard to case";
                self.note(Code::NativeStyle, Effect::Broader, expr.span, message);
                Condition::searched(search, eval)
            }
            (false, false) => Condition::prefiltered(search, eval),
            (false, true) => Condition::eval(eval),
        })
    }

    /// What the base search says of a comparison with a column, and whether it says the same.
    fn text_search(&self, column: &Column<'_>, matcher: &Matcher<'_>) -> Option<(SearchExpr, bool)> {
        if let Some(field) = self.base_field(column) {
            return Some((matcher.search(&field)?, matcher.search_is_exact()));
        }
        if !(column.raw && self.base_open) {
            return None;
        }
        match &column.scalar {
            // Such a text is compared with scalars alone; a null of JSON is the text `null` in its field.
            Some(scalar) if matcher.is_of_scalars() && is_searchable(scalar) => {
                Some((matcher.search(scalar)?, matcher.search_is_exact() && !matcher.holds("null")))
            }
            // What a part of a JSON text holds, the whole text holds.
            _ if column.field.text() != "_raw" && is_searchable(&column.field) => {
                Some((matcher.search_within(&column.field)?, false))
            }
            _ => None,
        }
    }

    /// What a comparison looks at: a conversion to text of what is text in Splunk anyway says nothing.
    fn subject(&mut self, expr: &Expr) -> Fit<Subject<'a>> {
        if self.function_name(expr) == Some("column_ifexists")
            && let ExprKind::Call { args, .. } = &expr.kind
            && let Some(otherwise) = args.get(1)
        {
            match self.if_exists(expr) {
                Some(column) if is_nothing(otherwise) || *otherwise == column => {
                    self.carry(otherwise);
                    return self.subject(&column);
                }
                None => return self.subject(otherwise),
                Some(_) => {}
            }
        }
        if let ExprKind::Call { function, args } = &expr.kind
            && let [arg] = args.as_slice()
        {
            let name = self.frame.vocabulary.function_row(*function).map(|row| row.name.as_str());
            match name {
                Some("tostring") if is_text_in_splunk(arg) => {
                    self.ledger.carried(expr.id);
                    return self.subject(arg);
                }
                Some(name @ ("tolower" | "toupper")) => {
                    self.ledger.carried(expr.id);
                    let mut inner = self.subject(arg)?;
                    if let Some(upper) = inner.cased {
                        inner.value = EvalExpr::Call(if upper { "upper" } else { "lower" }, vec![inner.value]);
                        inner.column = None;
                    }
                    inner.cased = Some(name == "toupper");
                    return Ok(inner);
                }
                _ => {}
            }
        }
        match &expr.kind {
            ExprKind::Column(column) => {
                self.ledger.carried(expr.id);
                let column = self.column(column, expr.ty, expr.span)?;
                if matches!(expr.ty, ScalarType::Datetime | ScalarType::Timespan) {
                    return Ok(Subject { value: self.text_value(expr)?, column: None, cased: None });
                }
                if column.shape == Shape::Multi {
                    return Ok(Subject { value: self.json(expr)?, column: None, cased: None });
                }
                Ok(Subject { value: column.bare(), column: Some(column), cased: None })
            }
            ExprKind::Path { .. } => match self.part_column(expr)? {
                Some(column) => Ok(Subject { value: column.bare(), column: Some(column), cased: None }),
                None => Ok(Subject { value: self.json(expr)?, column: None, cased: None }),
            },
            ExprKind::Literal(_)
            | ExprKind::Moment(_)
            | ExprKind::Call { .. }
            | ExprKind::Arithmetic { .. }
            | ExprKind::Negate(_)
            | ExprKind::Compare { .. }
            | ExprKind::Text(_)
            | ExprKind::In { .. }
            | ExprKind::Presence { .. }
            | ExprKind::Time(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Scalar(_) => {
                let dynamic = expr.ty == ScalarType::Dynamic;
                let value = if dynamic { self.json(expr)? } else { self.text_value(expr)? };
                Ok(Subject { value, column: None, cased: None })
            }
        }
    }

    /// A comparison with a needle that is computed from the row.
    fn text_computed(&mut self, expr: &Expr, matched: &TextMatch, subject: Subject<'a>) -> Fit<Condition> {
        let table = match &matched.needles {
            Needles::Table(pipeline) => Some(pipeline.as_ref()),
            Needles::One(needle) => array_of_rows(needle),
            Needles::Any(needles) => match needles.as_slice() {
                [one] => array_of_rows(one),
                _ => None,
            },
            Needles::All(_) => None,
        };
        if let Some(pipeline) = table {
            let value = subject.column.as_ref().map_or_else(|| subject.value.clone(), Column::value);
            let value = match subject.cased {
                Some(upper) => EvalExpr::Call(if upper { "upper" } else { "lower" }, vec![value]),
                None => value,
            };
            self.carry_needles(&matched.needles);
            return self.in_table(expr, matched, value, pipeline);
        }
        let (items, all): (Vec<&Expr>, bool) = match &matched.needles {
            Needles::One(needle) => (vec![needle.as_ref()], false),
            Needles::Any(items) => (items.iter().collect(), false),
            Needles::All(items) => (items.iter().collect(), true),
            Needles::Table(_) => return Err(Unsayable::new(Code::Fault, expr.span, "the rows were looked at")),
        };
        let fold = |value: EvalExpr| match matched.case {
            Case::Sensitive => value,
            Case::Insensitive => call("lower", [value]),
        };
        let cased = |value: EvalExpr, cased: Option<bool>| match cased {
            Some(upper) => EvalExpr::Call(if upper { "upper" } else { "lower" }, vec![value]),
            None => value,
        };
        let value = subject.column.as_ref().map_or_else(|| subject.value.clone(), Column::value);
        let value = EvalExpr::or_empty(cased(value, subject.cased));
        let mut parts = Vec::new();
        for item in items {
            let part = if item.ty == ScalarType::Dynamic && !matches!(matched.needles, Needles::One(_)) {
                self.any_element(item, matched, &value, all)?
            } else {
                let other = self.subject(item)?;
                let needle = other.column.as_ref().map_or_else(|| other.value.clone(), Column::value);
                let needle = EvalExpr::or_empty(cased(needle, other.cased));
                if matched.how == TextHow::Equals {
                    // A text in front keeps Splunk from comparing texts that look like numbers as numbers.
                    let marked = |value: EvalExpr| concat([text("="), fold(value)]);
                    EvalExpr::eq(marked(value.clone()), marked(needle))
                } else if matched.how == TextHow::Regex {
                    let message = "a regular expression from the row is read in the dialect of PCRE";
                    self.note(Code::RegexDialect, Effect::Unsure, item.span, message);
                    needle_match(&value, needle, matched)
                } else {
                    self.edge_note(item, matched.how);
                    needle_match(&value, escaped(needle), matched)
                }
            };
            parts.push(part);
        }
        let is = if all { EvalExpr::all(parts) } else { EvalExpr::any(parts) };
        Ok(Condition::eval(match (matched.negated, is) {
            (false, is) => is,
            (true, EvalExpr::Compare(Comparison::Eq, a, b)) => EvalExpr::ne(*a, *b),
            (true, is) => is.negated(),
        }))
    }

    /// A comparison with the elements of an array of the row: any of them, or all.
    fn any_element(&mut self, array: &Expr, matched: &TextMatch, value: &EvalExpr, all: bool) -> Fit<EvalExpr> {
        if all {
            return Err(Unsayable::not_yet(array.span, "`has_all` with an array of the row"));
        }
        self.edge_note(array, matched.how);
        let elements = escaped(self.multi(array)?);
        let alternatives = call("mvjoin", [elements, text("|")]);
        let needle = concat([EvalExpr::Regex("(?:".to_owned()), alternatives, EvalExpr::Regex(")".to_owned())]);
        let is = needle_match(value, needle, matched);
        // Of an array without elements there is no pattern, and nothing is in it.
        let known = |is| EvalExpr::eq(when(is, number("1"), number("0")), number("1"));
        Ok(if matched.negated { known(is) } else { is })
    }

    /// How a term from the row is looked up that begins or ends in no letter or digit.
    fn edge_note(&mut self, needle: &Expr, how: TextHow) {
        if matches!(how, TextHow::Term | TextHow::TermPrefix | TextHow::TermSuffix) {
            let message =
                "how KQL looks up a term from the row that begins or ends in no letter or digit is not documented";
            self.note(Code::TermBoundary, Effect::Unsure, needle.span, message);
        }
    }

    /// Literals follow what the ingest does to the field.
    fn stored_literals(
        &mut self,
        expr: &Expr,
        field: &crate::fit::Field<'a>,
        texts: &mut Texts,
        how: TextHow,
        case: Case,
        negated: bool,
    ) {
        let polarity = if negated { self.polarity.negated() } else { self.polarity };
        for text in &mut texts.items {
            match field.literal(text, how, case, expr.span) {
                LiteralFit::Same => {}
                LiteralFit::Changed { text: stored, note } => {
                    *text = stored;
                    self.ledger.note(polarity, *note);
                }
                LiteralFit::Doubtful(note) => self.ledger.note(polarity, *note),
            }
        }
    }

    fn text_notes(&mut self, expr: &Expr, texts: &Texts, how: TextHow, case: Case) {
        if let Some(note) = gravest_edge(texts.items.iter().map(String::as_str), how, expr.span) {
            self.ledger.note(self.polarity, note);
        }
        if how != TextHow::Regex
            && let Some(text) = texts.items.iter().find(|text| !folds_alike(text, case))
        {
            let message =
                format!("the case of letters beyond ASCII, as in `{text}`, is folded by other rules in Splunk");
            self.note(Code::UnicodeCase, Effect::Unsure, expr.span, message);
        }
    }

    /// A part of a `dynamic` value is a field only where it is a scalar; its JSON text is compared otherwise.
    fn dynamic_note(&mut self, expr: &Expr, subject: &Expr, in_event: bool, how: TextHow, texts: &Texts) {
        let mut inner = subject;
        while let ExprKind::Call { args, .. } = &inner.kind
            && let [arg] = args.as_slice()
        {
            inner = arg;
        }
        if inner.ty != ScalarType::Dynamic && !in_event {
            return;
        }
        let whole = match how {
            TextHow::Equals | TextHow::Prefix => {
                !texts.items.iter().any(|text| text.is_empty() || text.starts_with(['{', '[']))
            }
            TextHow::Suffix => !texts.items.iter().any(|text| text.is_empty() || text.ends_with(['}', ']'])),
            TextHow::Regex => false,
            TextHow::Term | TextHow::Substring | TextHow::TermPrefix | TextHow::TermSuffix => {
                texts.items.iter().all(|text| is_inside_json(text))
            }
        };
        if !whole {
            let message = "the JSON text of an object or array may be written in Splunk with other spaces and escapes than in KQL";
            self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        }
    }

    fn carry_needles(&mut self, needles: &Needles) {
        match needles {
            Needles::One(needle) => self.ledger.carried(needle.id),
            Needles::Any(items) | Needles::All(items) => items.iter().for_each(|item| self.ledger.carried(item.id)),
            Needles::Table(_) => {}
        }
    }
}

/// The rows of whose first value the elements are looked for: `in (toscalar(T | summarize make_set(x)))`.
fn array_of_rows(needle: &Expr) -> Option<&Pipeline> {
    let ExprKind::Scalar(pipeline) = &needle.kind else { return None };
    (needle.ty == ScalarType::Dynamic).then_some(pipeline.as_ref())
}

/// Values whose text in Splunk is what `tostring` gives.
fn is_text_in_splunk(expr: &Expr) -> bool {
    let plain = match expr.ty {
        ScalarType::Guid
        | ScalarType::Int
        | ScalarType::Long
        | ScalarType::String
        | ScalarType::Dynamic
        | ScalarType::Unknown => true,
        ScalarType::Bool | ScalarType::Datetime | ScalarType::Decimal | ScalarType::Real | ScalarType::Timespan => {
            false
        }
    };
    plain && matches!(expr.kind, ExprKind::Column(_) | ExprKind::Path { .. })
}

/// The condition that a text holds what a pattern from the row matches, where the comparison looks for it.
fn needle_match(value: &EvalExpr, pattern: EvalExpr, matched: &TextMatch) -> EvalExpr {
    // A boundary is needed where the needle's own edge is a letter or digit.
    const BEFORE: &str = r"(?:(?<![\p{L}\p{N}])|(?![\p{L}\p{N}]))";
    const AFTER: &str = r"(?:(?![\p{L}\p{N}])|(?<![\p{L}\p{N}]))";
    let flag = match matched.case {
        Case::Sensitive => "",
        Case::Insensitive => "(?i)",
    };
    let (before, after) = match matched.how {
        TextHow::Equals => ("^", "\\z"),
        TextHow::Term => (BEFORE, AFTER),
        TextHow::Substring | TextHow::Regex => ("", ""),
        TextHow::Prefix => ("^", ""),
        TextHow::Suffix => ("", "\\z"),
        TextHow::TermPrefix => (BEFORE, ""),
        TextHow::TermSuffix => ("", AFTER),
    };
    let mut parts = Vec::new();
    if !flag.is_empty() || !before.is_empty() {
        parts.push(EvalExpr::Regex(format!("{flag}{before}")));
    }
    match pattern {
        EvalExpr::Concat(pattern) => parts.extend(pattern),
        pattern => parts.push(pattern),
    }
    if !after.is_empty() {
        parts.push(EvalExpr::Regex(after.to_owned()));
    }
    call("match", [value.clone(), concat(parts)])
}

fn constants(needles: &Needles) -> Option<Texts> {
    let text = |expr: &Expr| expr.as_str().map(str::to_owned);
    match needles {
        Needles::One(needle) => Some(Texts { items: vec![text(needle)?], all: false }),
        Needles::Any(items) => Some(Texts { items: items.iter().map(text).collect::<Option<_>>()?, all: false }),
        Needles::All(items) => Some(Texts { items: items.iter().map(text).collect::<Option<_>>()?, all: true }),
        Needles::Table(_) => None,
    }
}
