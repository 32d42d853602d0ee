//! Where the events of a rule come from, over which time, and which of their fields it shows.
//!
//! Conditions are for `predicate`; only those that choose a log source are looked at here.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::window::widest;
use crate::fit::{Fields, Frame, Ledger, Table, TimeRange, Window, outputs};
use crate::plan::{Case, ColumnRef, Expr, ExprKind, Needles, Pipeline, TextHow, Value};
use crate::target::{LogsourceWhen, Selector, SigmaSelector, Term, TermTest};

use super::logic::Logic;
use super::outline::Line;
use super::platform::platform;
use super::scope::Scopes;
use super::stages::Walk;
use super::tree::{self, Form, LogSource};

/// The time over which the rules are to be run.
#[derive(Debug, Default)]
pub(super) struct Windows<'p> {
    /// The range.
    pub(super) range: Option<TimeRange>,
    /// Its length in ticks at most, where it is known.
    pub(super) length: Option<i64>,
    /// The conditions that it says.
    pub(super) conditions: Vec<&'p Expr>,
}

/// The window that holds those of all lines; none where a line has none.
pub(super) fn window<'p>(lines: &[&Line<'p>]) -> Windows<'p> {
    let mut seen: HashSet<*const Pipeline> = HashSet::new();
    let mut all = Vec::with_capacity(lines.len());
    for line in lines {
        // That of a union stands before those of its branches.
        let pipelines = line.within.iter().rev().copied().chain([line.pipeline]);
        let found = pipelines.map(|it| (it, Window::leading(it))).find(|(_, window)| window.time_range().is_some());
        let Some((pipeline, window)) = found else { return Windows::default() };
        if seen.insert(std::ptr::from_ref(pipeline)) {
            all.push(window);
        }
    }
    match widest(all) {
        Some(it) => Windows { range: Some(it.range), length: it.length, conditions: it.conditions },
        None => Windows::default(),
    }
}

/// A table that the schema has no log source for, selected by its name: a rule on a log source of the site's own is worth
/// more than none. `None` where the schema refuses tables that it does not hold.
pub(super) fn by_name<'a>(frame: &Frame<'a>, line: &Line<'_>) -> Option<Table<'a>> {
    let selector = frame.schema.fallback(&line.table.name)?;
    let row = frame.vocabulary.table(&line.table.name).ok().flatten();
    Some(Table { name: line.table.name.clone(), selector: Cow::Owned(selector), row, map: None })
}

/// A log source, and the condition that it makes superfluous.
pub(super) struct Chosen<'p> {
    /// The log source.
    pub(super) source: LogSource,
    /// The condition that is the same as being of this log source.
    pub(super) implied: Option<&'p Expr>,
    /// What tells the events from others of the log source.
    pub(super) terms: Vec<Term>,
    /// Paths are written with `/`, not `\`.
    pub(super) slashes: bool,
    /// Which of the alternatives of the table it is.
    pub(super) alternative: Option<usize>,
}

impl Chosen<'_> {
    /// A log source that nothing more is known of.
    fn of(source: LogSource) -> Self {
        let slashes = matches!(source.product.as_deref(), Some("linux" | "macos"));
        Self { source, implied: None, terms: Vec::new(), slashes, alternative: None }
    }
}

/// The log source of a table, chosen by the conditions of the hunt where the table is spread over several.
pub(super) fn log_source<'p>(
    frame: &Frame<'_>,
    ledger: &mut Ledger,
    table: &Table<'_>,
    line: &Line<'p>,
    conjuncts: &[(&'p Expr, usize)],
    scopes: &Scopes<'p>,
) -> Chosen<'p> {
    let Selector::Sigma(selector) = &*table.selector else {
        return Chosen::of(named(line));
    };
    let source = LogSource {
        product: selector.product.clone(),
        category: selector.category.clone(),
        service: selector.service.clone(),
        definition: selector.definition.clone(),
    };
    let asked: Vec<_> = conjuncts
        .iter()
        .filter_map(|(conjunct, level)| Some((*conjunct, values_of(conjunct, *level, scopes)?)))
        .collect();
    // The order of the alternatives counts, not that of the conditions.
    let found = selector.alternatives.iter().enumerate().find_map(|(index, other)| {
        let leads = |asked: &Asked| {
            other.when.column == *asked.column && asked.values.iter().all(|value| asked.is_listed(other, value))
        };
        let found = asked.iter().find(|(_, asked)| leads(asked));
        found.map(|(conjunct, asked)| (Cow::Borrowed(other), Some(index), *conjunct, asked))
    });
    let together = || {
        asked.iter().find_map(|(conjunct, asked)| {
            let (other, index) = together(selector, asked)?;
            Some((Cow::Owned(other), index, *conjunct, asked))
        })
    };
    if let Some((other, index, conjunct, asked)) = found.or_else(together) {
        let more = conjuncts.len() > 1 || !selector.terms.is_empty();
        let mut chosen = chosen(frame, ledger, source, line, &other, conjunct, asked, more);
        chosen.alternative = index;
        if chosen.terms.is_empty() {
            chosen.terms.clone_from(&selector.terms);
        }
        platform(ledger, selector, line, conjuncts, scopes, &mut chosen);
        return chosen;
    }
    if let Some(narrower) = &selector.narrower {
        let note = Diagnostic::note(Code::SourceNarrower, Effect::Narrower, line.pipeline.span, narrower.as_str());
        ledger.note(Polarity::Positive, note.help("use --schema source, or name the log source with --fields"));
    }
    // The table holds more kinds of events than the log source that stands for it.
    let part = selector.alternatives.iter().find(|other| {
        let same = other.category.is_some() && other.category == source.category && other.service.is_none();
        same && !other.part && !other.usual
    });
    if let Some(part) = part {
        let (table, column) = (&line.table.name, &part.when.column);
        let held = part.when.values.join(", ");
        // Values of several log sources are asked for, and a rule has one.
        let asks = asked.iter().any(|(_, asked)| *asked.column == *column);
        let help = if asks {
            "write a hunt for each of the values".to_owned()
        } else {
            format!("name `{column}` in the hunt, or use --schema source")
        };
        let message = format!("the log source holds only the events of `{table}` whose `{column}` is {held}");
        let note = Diagnostic::note(Code::SourceNarrower, Effect::Narrower, line.pipeline.span, message);
        ledger.note(Polarity::Positive, note.help(help));
    }
    let mut chosen = Chosen { terms: selector.terms.clone(), ..Chosen::of(complete(frame, source, line)) };
    platform(ledger, selector, line, conjuncts, scopes, &mut chosen);
    chosen
}

/// The alternatives of several values as one, where their events lie in one log source and one field tells them apart; and
/// one of them that stands for all, where they have the same fields.
fn together(selector: &SigmaSelector, asked: &Asked) -> Option<(LogsourceWhen, Option<usize>)> {
    let of = |value: &String| {
        let leads =
            |(_, other): &(usize, &LogsourceWhen)| other.when.column == *asked.column && asked.is_listed(other, value);
        selector.alternatives.iter().enumerate().find(leads)
    };
    let mut all = asked.values.iter().map(of);
    let (first, one) = all.next()??;
    let (mut joined, mut index) = (one.clone(), Some(first));
    for other in all {
        let (_, other) = other?;
        index = index.filter(|_| one.fields == other.fields);
        let same =
            (&joined.product, &joined.category, &joined.service) == (&other.product, &other.category, &other.service);
        let ([Term { field, test: TermTest::OneOf(known) }], [Term { field: of, test: TermTest::OneOf(more) }]) =
            (joined.terms.as_mut_slice(), other.terms.as_slice())
        else {
            return None;
        };
        if !same || field != of || joined.part != other.part {
            return None;
        }
        joined.inferred |= other.inferred;
        joined.caveat = joined.caveat.or_else(|| other.caveat.clone());
        // One alternative may stand for several of the values.
        if !other.when.values.iter().all(|value| joined.when.values.contains(value)) {
            known.extend(more.iter().cloned());
            joined.when.values.extend(other.when.values.iter().cloned());
        }
    }
    Some((joined, index))
}

/// The log source that a condition of the hunt leads to.
#[allow(clippy::too_many_arguments)] // The condition and what it leads to.
fn chosen<'p>(
    frame: &Frame<'_>,
    ledger: &mut Ledger,
    source: LogSource,
    line: &Line<'p>,
    other: &LogsourceWhen,
    conjunct: &'p Expr,
    asked: &Asked,
    more: bool,
) -> Chosen<'p> {
    let set = |over: &Option<String>, old: Option<String>| match over.as_deref() {
        Some("") => None,
        Some(text) => Some(text.to_owned()),
        None => old,
    };
    let replaced = other.category.is_some() || other.service.is_some();
    let source = LogSource {
        product: set(&other.product, source.product),
        category: set(&other.category, source.category.filter(|_| !replaced)),
        service: set(&other.service, source.service.filter(|_| !replaced)),
        definition: source.definition,
    };
    let column = &asked.column;
    let mut note = |code, effect, message| {
        ledger.note(Polarity::Positive, Diagnostic::note(code, effect, conjunct.span, message));
    };
    if other.inferred {
        let message = format!("that `{column}` leads to this log source is inferred");
        note(Code::InferredSource, Effect::Exact, message);
    }
    if let Some(caveat) = &other.caveat {
        note(Code::FieldCaveat, Effect::Unsure, format!("`{column}` leads to this log source: {caveat}"));
    }
    let whole = other.when.values.iter().all(|listed| asked.values.iter().any(|value| asked.same(value, listed)));
    // A rule needs a condition, and this may be the only one.
    let implied = whole && !other.part && (more || !other.terms.is_empty());
    if implied {
        let message = format!("the condition on `{column}` is said by the log source");
        let note = Diagnostic::note(Code::Expanded, Effect::Exact, conjunct.span, message);
        ledger.rewritten_whole(conjunct, Polarity::Positive, note);
    }
    let implied = implied.then_some(conjunct);
    Chosen { implied, terms: other.terms.clone(), ..Chosen::of(complete(frame, source, line)) }
}

/// The conditions of the hunt with what tells the table's events from others of the log source.
pub(super) fn with_terms(terms: &[Term], own: Logic) -> Logic {
    if own == Logic::Const(false) {
        return own;
    }
    let equal = Form::Equals { cased: false };
    let value = |text: &String| match text.parse::<i64>() {
        Ok(number) if number.to_string() == *text => tree::Value::Integer(number),
        Ok(_) | Err(_) => tree::Value::Text(text.clone()),
    };
    let mut parts: Vec<Logic> = Vec::new();
    for term in terms {
        match &term.test {
            TermTest::OneOf(values) if !own.asks(&term.field) => {
                parts.push(Logic::tests(&term.field, equal, values.iter().map(value).collect()));
            }
            TermTest::Exists if own == Logic::Const(true) => {
                parts.push(Logic::test(&term.field, Form::Exists, tree::Value::Bool(true)));
            }
            // The data of Sigma has no other terms, which its tests see to.
            TermTest::OneOf(_) | TermTest::Exists | TermTest::Like(_) | TermTest::FromColumn { .. } => {}
        }
    }
    if parts.is_empty() {
        return own;
    }
    parts.push(own);
    Logic::All(parts).simplified()
}

/// The constants that a condition asks of a column of the table.
struct Asked {
    column: Arc<str>,
    values: Vec<String>,
    case: Case,
}

impl Asked {
    fn same(&self, value: &str, listed: &str) -> bool {
        match self.case {
            Case::Sensitive => value == listed,
            Case::Insensitive => value.eq_ignore_ascii_case(listed),
        }
    }

    fn is_listed(&self, other: &LogsourceWhen, value: &str) -> bool {
        other.when.values.iter().any(|listed| self.same(value, listed))
    }
}

/// A log source that validators accept: at least one of product, category and service. Where the schema names none, the
/// category is the name of the table; where it names no more than a product, the definition says which events are meant.
fn complete(frame: &Frame<'_>, source: LogSource, line: &Line<'_>) -> LogSource {
    if source.category.is_some() || source.service.is_some() {
        return source;
    }
    // A product alone does not tell the events from others.
    let definition = source.definition.or_else(|| match frame.schema.fallback(&line.table.name)? {
        Selector::Sigma(selector) => selector.definition,
        Selector::Splunk(_) | Selector::Elastic(_) => None,
    });
    if source.product.is_some() {
        return LogSource { definition, ..source };
    }
    LogSource { definition, ..named(line) }
}

fn named(line: &Line<'_>) -> LogSource {
    LogSource { category: Some(line.table.name.to_string()), ..LogSource::default() }
}

/// The column of the table and the constants that a condition asks of it.
fn values_of<'p>(conjunct: &'p Expr, level: usize, scopes: &Scopes<'p>) -> Option<Asked> {
    let text = |expr: &Expr| match expr.as_literal()? {
        Value::String(text) => Some(text.clone()),
        Value::Long(number) => Some(number.to_string()),
        _ => None,
    };
    let (subject, values, case): (&Expr, Vec<String>, Case) = match &conjunct.kind {
        ExprKind::Text(it) if it.how == TextHow::Equals && !it.negated => match &it.needles {
            Needles::One(needle) => (&*it.subject, vec![text(needle)?], it.case),
            Needles::Any(items) => (&*it.subject, items.iter().map(text).collect::<Option<_>>()?, it.case),
            Needles::All(_) | Needles::Table(_) => return None,
        },
        ExprKind::Compare { op: crate::plan::CompareOp::Eq, left, right } => {
            (&**left, vec![text(right)?], Case::Sensitive)
        }
        ExprKind::In { subject, values, negated: false } => {
            (&**subject, values.iter().map(text).collect::<Option<_>>()?, Case::Sensitive)
        }
        _ => return None,
    };
    let column = scopes.raw(subject, level)?;
    (!values.is_empty()).then_some(Asked { column: column.name, values, case })
}

/// The fields that an analyst wants to see: the columns that the hunt shows last, and those that the rule names for its
/// alerts (entities, details); and which field each of these columns is.
pub(super) fn shown(
    fields: &Fields<'_>,
    table: &Table<'_>,
    walk: &Walk<'_, '_, '_>,
) -> (Vec<String>, Vec<(Arc<str>, String)>) {
    // Names are only shown, so what the schema notes of them is not said.
    let mut silent = Ledger::new(walk.frame.plan);
    let mut names: Vec<String> = Vec::new();
    let mut columns: Vec<(Arc<str>, String)> = Vec::new();
    let asked = outputs::columns(walk.frame.about).into_iter().map(|name| {
        let known = table.row.is_some_and(|row| row.columns.contains_key(name));
        let column = ColumnRef { name: Arc::from(name), known };
        // The old columns of entities are there only where the hunt makes them.
        let made = |raw: &ColumnRef| raw.known || raw.name != column.name || !outputs::is_old_entity(name);
        let raw = walk.scopes.raw_column(&column, walk.scopes.level()).filter(made);
        (Some(column.name), raw, walk.frame.plan.pipeline.span)
    });
    let last = walk.shown.iter().map(|(expr, level)| (None, walk.scopes.raw(expr, *level), expr.span));
    for (of, column, span) in last.chain(asked) {
        let Some(column) = column else { continue };
        let Ok(field) = fields.column(&mut silent, Some(table), &column, span, Polarity::Positive) else {
            continue;
        };
        let name = field.name.to_string();
        // A field that the schema does not have is worth a condition, but not to be shown.
        let kept = field.map.is_none() && table.map.is_some_and(|map| map.complete) && column.known;
        if kept || name.is_empty() {
            continue;
        }
        // Every view of events shows their time.
        if !field.time && !names.contains(&name) {
            names.push(name.clone());
        }
        columns.extend(of.map(|of| (of, name)));
    }
    (names, columns)
}
