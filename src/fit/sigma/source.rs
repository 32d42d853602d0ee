//! Where the events of a rule come from, over which time, and which of their fields it shows.
//!
//! Conditions are for `predicate`; only those that choose a log source are looked at here.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::window::widest;
use crate::fit::{Fields, Frame, Ledger, Table, TimeRange, Window};
use crate::plan::{ColumnRef, Expr, ExprKind, Needles, Pipeline, TextHow, Value};
use crate::target::{LogsourceWhen, Selector};

use super::outline::Line;
use super::scope::Scopes;
use super::stages::Walk;
use super::subject::shown as shown_name;
use super::tree::LogSource;

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
}

/// The log source of a table, chosen by the conditions of the hunt where the table is spread over several.
pub(super) fn log_source<'p>(
    ledger: &mut Ledger,
    table: &Table<'_>,
    line: &Line<'p>,
    conjuncts: &[(&'p Expr, usize)],
    scopes: &Scopes<'p>,
) -> Chosen<'p> {
    let Selector::Sigma(selector) = &*table.selector else {
        return Chosen { source: named(line), implied: None };
    };
    let mut source = LogSource {
        product: selector.product.clone(),
        category: selector.category.clone(),
        service: selector.service.clone(),
        definition: selector.definition.clone(),
    };
    for (conjunct, level) in conjuncts {
        let Some((column, values)) = values_of(conjunct, *level, scopes) else { continue };
        for other in &selector.alternatives {
            if other.when.column != *column.name || !values.iter().all(|value| is_listed(other, value)) {
                continue;
            }
            let set = |over: &Option<String>, old: Option<String>| match over.as_deref() {
                Some("") => None,
                Some(text) => Some(text.to_owned()),
                None => old,
            };
            let replaced = other.category.is_some() || other.service.is_some();
            source.product = set(&other.product, source.product);
            source.category = set(&other.category, source.category.filter(|_| !replaced));
            source.service = set(&other.service, source.service.filter(|_| !replaced));
            if other.inferred {
                let message = format!("that `{}` leads to this log source is inferred", column.name);
                let note = Diagnostic::note(Code::InferredSource, Effect::Exact, conjunct.span, message);
                ledger.note(Polarity::Positive, note);
            }
            let whole =
                other.when.values.iter().all(|listed| values.iter().any(|value| value.eq_ignore_ascii_case(listed)));
            // The column has no field of its own where the log source stands for its value.
            let unmapped = table.map.is_some_and(|map| map.complete && !map.columns.contains_key(&*column.name));
            let implied = whole && unmapped;
            if implied {
                let message = format!("the condition on `{}` is said by the log source", column.name);
                let note = Diagnostic::note(Code::Expanded, Effect::Exact, conjunct.span, message);
                ledger.rewritten_whole(*conjunct, Polarity::Positive, note);
            }
            return Chosen { source: complete(source, line), implied: implied.then_some(*conjunct) };
        }
    }
    // The table holds more kinds of events than the log source that stands for it.
    let part = selector
        .alternatives
        .iter()
        .find(|other| other.category.is_some() && other.category == source.category && other.service.is_none());
    if let Some(part) = part {
        let message = format!(
            "the log source holds only the events of `{}` whose `{}` is {}",
            line.table.name,
            part.when.column,
            part.when.values.join(", ")
        );
        let note = Diagnostic::note(Code::SourceNarrower, Effect::Narrower, line.pipeline.span, message);
        ledger.note(
            Polarity::Positive,
            note.help(format!("name `{}` in the hunt, or use --schema source", part.when.column)),
        );
    }
    Chosen { source: complete(source, line), implied: None }
}

fn is_listed(other: &LogsourceWhen, value: &str) -> bool {
    other.when.values.iter().any(|listed| listed.eq_ignore_ascii_case(value))
}

/// A log source that validators accept: at least one of product, category and service. Where the schema names none, the
/// category is the name of the table.
fn complete(source: LogSource, line: &Line<'_>) -> LogSource {
    if source.product.is_some() || source.category.is_some() || source.service.is_some() {
        return source;
    }
    LogSource { definition: source.definition, ..named(line) }
}

fn named(line: &Line<'_>) -> LogSource {
    LogSource { category: Some(line.table.name.to_string()), ..LogSource::default() }
}

/// The column of the table and the constants that a condition asks of it.
fn values_of<'p>(conjunct: &'p Expr, level: usize, scopes: &Scopes<'p>) -> Option<(ColumnRef, Vec<String>)> {
    let text = |expr: &Expr| match expr.as_literal()? {
        Value::String(text) => Some(text.clone()),
        Value::Long(number) => Some(number.to_string()),
        _ => None,
    };
    let (subject, values): (&Expr, Vec<String>) = match &conjunct.kind {
        ExprKind::Text(it) if it.how == TextHow::Equals && !it.negated => match &it.needles {
            Needles::One(needle) => (&*it.subject, vec![text(needle)?]),
            Needles::Any(items) => (&*it.subject, items.iter().map(text).collect::<Option<_>>()?),
            Needles::All(_) | Needles::Table(_) => return None,
        },
        ExprKind::Compare { op: crate::plan::CompareOp::Eq, left, right } => (&**left, vec![text(right)?]),
        ExprKind::In { subject, values, negated: false } => {
            (&**subject, values.iter().map(text).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    scopes.raw(subject, level).map(|column| (column, values))
}

/// The fields that an analyst wants to see: the columns that the hunt shows last.
pub(super) fn shown(
    fields: &Fields<'_>,
    table: &Table<'_>,
    category: Option<&str>,
    walk: &Walk<'_, '_, '_>,
) -> Vec<String> {
    // Names are only shown, so what the schema notes of them is not said.
    let mut silent = Ledger::new(walk.frame.plan);
    let mut names: Vec<String> = Vec::new();
    for (expr, level) in &walk.shown {
        let Some(column) = walk.scopes.raw(expr, *level) else { continue };
        let Ok(field) = fields.column(&mut silent, Some(table), &column, expr.span, Polarity::Positive) else {
            continue;
        };
        let name = shown_name(&field, category).into_owned();
        // Every view of events shows their time.
        if field.time {
            continue;
        }
        if !names.contains(&name) && !name.is_empty() {
            names.push(name);
        }
    }
    names
}
