//! Where the events of a rule come from, over which time, and which of their fields it shows.
//!
//! Conditions are for `predicate`; only those that choose a log source are looked at here.

use std::borrow::Cow;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Fields, Frame, Ledger, Refused, Table, TimeRange, Window};
use crate::plan::{Expr, ExprKind, Needles, Pipeline, Source, Stage, TableRef, TextHow, Union, Value};
use crate::target::{Capability, LogsourceWhen, Selector};

use super::stages::Walk;
use super::subject::{Scopes, shown as shown_name};
use super::tree::LogSource;

/// How many rules a union may become.
const MOST_RULES: usize = 64;

/// The events of one table, and all that the hunt does with them.
pub(super) struct Line<'p> {
    /// The table.
    pub(super) table: &'p TableRef,
    /// The how manieth line of the table it is, from 1.
    pub(super) number: usize,
    /// The pipeline that begins with it.
    pub(super) pipeline: &'p Pipeline,
    /// The stages up to the end of the hunt.
    pub(super) stages: Vec<Step<'p>>,
}

/// A step of a line.
#[derive(Clone)]
pub(super) enum Step<'p> {
    /// A stage.
    Stage(&'p Stage),
    /// A column with the name of the table: `union withsource`.
    TableName(Arc<str>),
}

/// The lines of a hunt: one, or one for each table of its unions.
pub(super) fn lines<'p>(frame: &Frame<'p>, ledger: &mut Ledger) -> Result<Vec<Line<'p>>, Refused> {
    let mut lines = Vec::new();
    collect(frame, ledger, &frame.plan.pipeline, &[], &mut lines)?;
    Ok(lines)
}

fn collect<'p>(
    frame: &Frame<'p>,
    ledger: &mut Ledger,
    pipeline: &'p Pipeline,
    after: &[Step<'p>],
    lines: &mut Vec<Line<'p>>,
) -> Result<(), Refused> {
    let rest = || pipeline.stages.iter().map(Step::Stage).chain(after.iter().cloned());
    match &pipeline.source {
        Source::Table(table) => {
            ledger.carried(pipeline.id);
            let number = lines.iter().filter(|line| line.table.name == table.name).count() + 1;
            lines.push(Line { table, number, pipeline, stages: rest().collect() });
            if lines.len() > MOST_RULES {
                let message = format!("the union becomes more than {MOST_RULES} rules");
                return Err(ledger.refuse(frame.plan, Diagnostic::refusal(Code::TooLong, pipeline.span, message)));
            }
            Ok(())
        }
        Source::Union(Union { branches, inner, with_source, fuzzy: _ }) => {
            ledger.carried(pipeline.id);
            if *inner || with_source.is_some() {
                let message = "a Sigma rule selects whole events, with the columns of their own table";
                let note = Diagnostic::note(Code::ColumnsDropped, Effect::Reshaped, pipeline.span, message);
                ledger.note(Polarity::Positive, note);
            }
            let name = with_source.iter().map(|name| Step::TableName(name.clone()));
            let after: Vec<Step<'p>> = name.chain(rest()).collect();
            branches.iter().try_for_each(|branch| collect(frame, ledger, branch, &after, lines))
        }
        Source::Watchlist { .. }
        | Source::External { .. }
        | Source::Rows { .. }
        | Source::Print(_)
        | Source::Range { .. }
        | Source::Search { .. } => {
            let answer = Capability::of_source(&pipeline.source).map(|it| frame.facts.capabilities.get(it));
            let why = answer
                .and_then(|answer| answer.note.as_deref())
                .unwrap_or("a Sigma rule selects events of one log source");
            let refusal = Diagnostic::refusal(Code::RefusedSource, pipeline.span, why);
            let help = answer.and_then(|answer| answer.instead.clone());
            Err(ledger.refuse(
                frame.plan,
                match help {
                    Some(help) => refusal.help(help),
                    None => refusal,
                },
            ))
        }
    }
}

/// The time over which the rules are to be run.
pub(super) struct Windows<'p> {
    /// The range.
    pub(super) range: Option<TimeRange>,
    /// The conditions that it says.
    pub(super) conditions: Vec<&'p Expr>,
}

impl Windows<'_> {
    /// Whether the range says a condition.
    pub(super) fn holds(&self, condition: &Expr) -> bool {
        self.conditions.iter().any(|known| std::ptr::eq(*known, condition))
    }
}

/// The window of the hunt, if all of its lines have the same.
pub(super) fn window<'p>(frame: &Frame<'p>, lines: &[Line<'p>]) -> Windows<'p> {
    let outer = Window::leading(&frame.plan.pipeline);
    if let Some(range) = outer.time_range() {
        return Windows { range: Some(range), conditions: outer.conditions };
    }
    let inner: Vec<Window<'p>> = lines.iter().map(|line| Window::leading(line.pipeline)).collect();
    let ranges: Vec<Option<TimeRange>> = inner.iter().map(Window::time_range).collect();
    match ranges.first() {
        Some(Some(range)) if ranges.iter().all(|other| other.as_ref() == Some(range)) => Windows {
            range: Some(range.clone()),
            conditions: inner.into_iter().flat_map(|window| window.conditions).collect(),
        },
        _ => Windows { range: None, conditions: Vec::new() },
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
            if other.when.column != *column || !values.iter().all(|value| is_listed(other, value)) {
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
                let message = format!("that `{column}` leads to this log source is inferred");
                let note = Diagnostic::note(Code::InferredSource, Effect::Exact, conjunct.span, message);
                ledger.note(Polarity::Positive, note);
            }
            let whole =
                other.when.values.iter().all(|listed| values.iter().any(|value| value.eq_ignore_ascii_case(listed)));
            // The column has no field of its own where the log source stands for its value.
            let unmapped = table.map.is_some_and(|map| map.complete && !map.columns.contains_key(&*column));
            let implied = whole && unmapped;
            if implied {
                let message = format!("the condition on `{column}` is said by the log source");
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
fn values_of<'p>(conjunct: &'p Expr, level: usize, scopes: &Scopes<'p>) -> Option<(&'p str, Vec<String>)> {
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
    let column = subject.as_column()?;
    scopes.is_raw(column, level).then_some((&*column.name, values))
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
        let Ok(field) = fields.column(&mut silent, Some(table), column, expr.span, Polarity::Positive) else {
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
