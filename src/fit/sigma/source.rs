//! Where the events of a rule come from, over which time, and what the rule says about itself.
//!
//! Conditions are for `predicate`; only those that choose a log source are looked at here.

use std::borrow::Cow;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Fields, Frame, Ledger, Refused, Table, TimeRange, Window};
use crate::plan::{Case, Expr, ExprKind, Needles, Pipeline, Source, Stage, TableRef, TextHow, Union, Value};
use crate::source::Span;
use crate::target::{Capability, LogsourceWhen, Selector, SigmaSelector, Term, TermTest};

use super::logic::Logic;
use super::platform::platform;
use super::stages::Walk;
use super::subject::Scopes;
use super::tree::{self, Form, LogSource};

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
        let leads = |asked: &Asked<'_>| {
            other.when.column == asked.column && asked.values.iter().all(|value| asked.is_listed(other, value))
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
        let asks = asked.iter().any(|(_, asked)| asked.column == column);
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
fn together(selector: &SigmaSelector, asked: &Asked<'_>) -> Option<(LogsourceWhen, Option<usize>)> {
    let of = |value: &String| {
        let leads =
            |(_, other): &(usize, &LogsourceWhen)| other.when.column == asked.column && asked.is_listed(other, value);
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
    asked: &Asked<'_>,
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
    let column = asked.column;
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
struct Asked<'p> {
    column: &'p str,
    values: Vec<String>,
    case: Case,
}

impl Asked<'_> {
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
fn values_of<'p>(conjunct: &'p Expr, level: usize, scopes: &Scopes<'p>) -> Option<Asked<'p>> {
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
    let column = subject.as_column()?;
    (scopes.is_raw(column, level) && !values.is_empty()).then_some(Asked { column: &column.name, values, case })
}

/// The title: the name of the hunt, or the table.
pub(super) fn title(frame: &Frame<'_>, line: &Line<'_>, several: bool) -> String {
    let name = frame.name.map(|name| one_line(name, 200)).filter(|name| !name.is_empty());
    match name {
        Some(name) if several && line.number > 1 => {
            format!("{name} ({} {})", one_line(&line.table.name, 40), line.number)
        }
        Some(name) if several => format!("{name} ({})", one_line(&line.table.name, 40)),
        Some(name) => name,
        None if line.number > 1 => format!("Hunt in {} ({})", one_line(&line.table.name, 200), line.number),
        None => format!("Hunt in {}", one_line(&line.table.name, 200)),
    }
}

/// The id: always the same for the same hunt and log source.
pub(super) fn id(frame: &Frame<'_>, line: &Line<'_>, several: bool) -> String {
    /// The namespace of the ids of huntgate's rules.
    const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x6f1d_2c3a_90b4_5e77_8a21_4d5c_e6f7_0918);
    let mut seed = match (frame.id, frame.name) {
        (Some(id), _) => format!("id\n{id}"),
        (None, Some(name)) => format!("name\n{name}\n{}", frame.text),
        (None, None) => format!("text\n{}", frame.text),
    };
    seed.push_str(&format!("\n{}", frame.schema.name));
    if several {
        seed.push_str(&format!("\n{}\n{}", line.table.name, line.number));
    }
    uuid::Uuid::new_v5(&NAMESPACE, seed.as_bytes()).to_string()
}

/// The description: what the rule is, and what of the hunt is not in it.
pub(super) fn description(
    frame: &Frame<'_>,
    line: &Line<'_>,
    window: &Windows<'_>,
    omitted: &[(Span, &'static str)],
) -> Vec<String> {
    let mut omitted = omitted.to_vec();
    omitted.sort_by_key(|(span, _)| span.start);
    omitted.dedup();
    let mut lines = vec![format!("Events of {} that a KQL hunt selects.", one_line(&line.table.name, 200))];
    let range = window.range.as_ref().map(|range| {
        let bound = |bound: &Option<String>| bound.clone().unwrap_or_else(|| "open".to_owned());
        format!("time window: {} to {}", bound(&range.from), bound(&range.to))
    });
    let parts = omitted.iter().map(|(span, what)| format!("{what}: {}", one_line(span.slice(frame.text), 160)));
    let all: Vec<String> = range.into_iter().chain(parts).collect();
    if !all.is_empty() {
        lines.push("Not in this rule:".to_owned());
        lines.extend(all.into_iter().map(|part| format!("- {part}")));
    }
    lines
}

/// The fields that an analyst wants to see: the columns that the hunt shows last.
pub(super) fn shown(fields: &Fields<'_>, table: &Table<'_>, walk: &Walk<'_, '_, '_>) -> Vec<String> {
    // Names are only shown, so what the schema notes of them is not said.
    let mut silent = Ledger::new(walk.frame.plan);
    let mut names: Vec<String> = Vec::new();
    for (expr, level) in &walk.shown {
        let Some(column) = walk.scopes.raw(expr, *level) else { continue };
        let Ok(field) = fields.column(&mut silent, Some(table), column, expr.span, Polarity::Positive) else {
            continue;
        };
        let name = field.name.to_string();
        // Every view of events shows their time. A field that the schema does not have is worth a condition, but not to be
        // shown.
        let kept = field.map.is_none() && table.map.is_some_and(|map| map.complete) && column.known;
        if field.time || kept {
            continue;
        }
        if !names.contains(&name) && !name.is_empty() {
            names.push(name);
        }
    }
    names
}

/// A text on one line, of printable characters, cut to a length.
fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut blank = false;
    for char in text.chars() {
        if char.is_whitespace() || char.is_control() {
            blank = !line.is_empty();
            continue;
        }
        if line.chars().count() >= most {
            line.push('…');
            return line;
        }
        if std::mem::take(&mut blank) {
            line.push(' ');
        }
        line.push(char);
    }
    line
}
