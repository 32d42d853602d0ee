//! Plan → ES|QL: one pipeline of commands, each condition and value in a form that means the same.
//!
//! [`predicate`] and [`text`] say conditions, [`value`] and [`function`] values, [`stages`], [`projection`] and
//! [`summarize`] operators. ES|QL's columns have types, and its null is not KQL's: what a missing value must mean is
//! written out. What ES|QL could say and is not yet written is refused by name (`HG205`).
//! See <https://www.elastic.co/docs/reference/query-languages/esql>.

mod anywhere;
mod columns;
mod combine;
mod expand;
mod extreme;
mod function;
mod join;
mod meet;
mod moment;
mod needles;
mod once;
mod pairs;
mod parse;
mod part;
mod plugins;
mod predicate;
mod projection;
mod rows;
mod scope;
mod series;
mod source;
mod stages;
mod summarize;
mod text;
pub(crate) mod tree;
mod union;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use self::scope::Scope;
use self::tree::{Body, Command, Expr, Name, Query, Source};
use super::demand::Demand;
use super::flow::{Proven, polarities};
use super::unsayable::{Fit, Stopped, Unsayable};
use super::{Fields, Fitted, Frame, Ledger, Refused, Table, Window, outputs};
use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::plan::{Expr as Meant, NodeId, Pipeline, ScalarType, Tree};
use crate::source::Span;
use crate::target::Construct;

/// ES|QL could say it; it is not written yet.
fn unwritten(span: Span, what: impl std::fmt::Display) -> Unsayable {
    Unsayable::new(Code::NotYet, span, format!("{what} is not yet written in ES|QL"))
}

/// Makes the query of a plan. The window is in the query, so that no time range is given beside it.
///
/// # Errors
/// The ledger holds the refusal.
pub(crate) fn fit(frame: &Frame<'_>, ledger: &mut Ledger) -> Result<Fitted<Query>, Refused> {
    let Some(context) = frame.facts.context("query") else {
        let fault = Diagnostic::refusal(Code::BadTargetData, frame.plan.pipeline.span, "the target has no contexts");
        return Err(ledger.refuse(frame.plan, fault));
    };
    let context = context.clone();
    let pipeline = &frame.plan.pipeline;
    let mut fitter = Fitter::new(frame, ledger);
    match fitter.run(pipeline, &Window::default()) {
        Ok(()) => {
            fitter.delivered(pipeline.span);
            fitter.row_limit(pipeline);
            let branch = fitter.finish();
            let columns = branch.outputs(frame);
            let mut body = branch.body;
            let metadata = frame.rule && keeps_events(&mut body);
            Ok(Fitted { tree: Query { context, body, metadata }, time_range: None, columns })
        }
        Err(Stopped { at: None, reason }) => Err(fitter.ledger.refuse(pipeline, *reason.0)),
        Err(Stopped { at: Some(stage), reason }) => Err(fitter.ledger.refuse(stage, *reason.0)),
    }
}

/// Whether the rows of a query are events, so that a rule can say which; they are kept through `KEEP` then.
fn keeps_events(body: &mut Body) -> bool {
    let events =
        matches!(&body.source, Source::From(parts) if parts.iter().all(|part| matches!(part, tree::Part::Index(_))));
    let kept = events
        && body.commands.iter().all(|command| match command {
            Command::Stats { inline, .. } => *inline,
            Command::Where(_)
            | Command::Eval(_)
            | Command::Sort(_)
            | Command::Limit { .. }
            | Command::Keep(_)
            | Command::Drop(_)
            | Command::Rename(_)
            | Command::Grok { .. }
            | Command::Dissect { .. }
            | Command::IpLocation { .. } => true,
            // Several rows may be of one event, and an event makes one alert.
            Command::MvExpand(_) | Command::LookupJoin { .. } => false,
        });
    for command in body.commands.iter_mut().filter(|_| kept) {
        if let Command::Keep(names) = command {
            names.extend(tree::Glob::metadata());
        }
    }
    kept
}

impl Branch<'_> {
    /// The columns of the rows that hold those which the hunt's file names.
    fn outputs(&self, frame: &Frame<'_>) -> Vec<(Arc<str>, String)> {
        let rows = &frame.plan.pipeline.columns;
        let is_row = |name: &str| rows.open || rows.columns.iter().any(|(column, _)| &**column == name);
        let held = |name: &str| match self.scope.made.get(name) {
            Some(made) => Some(made.field.text().to_owned()),
            None if self.scope.events && is_row(name) => outputs::event_field(frame, name),
            None => None,
        };
        let asked = outputs::columns(frame.about).into_iter();
        asked.filter_map(|name| Some((Arc::from(name), held(name)?))).collect()
    }
}

/// The state of one pipeline: the hunt, or a part of it that is a query of its own.
struct Fitter<'a, 'l> {
    frame: Frame<'a>,
    ledger: &'l mut Ledger,
    fields: Fields<'a>,
    tables: Vec<Table<'a>>,
    /// The columns that hold the event's time, as the plan has them.
    time_columns: Vec<Arc<str>>,
    scope: Scope<'a>,
    source: Option<Source>,
    commands: Vec<Command>,
    /// In which direction the rows of this pipeline act on those of the hunt.
    outer: Polarity,
    /// In which direction the stage at hand acts on the rows that come out.
    polarity: Polarity,
    /// Conditions that were left out.
    left_out: usize,
    /// How many helper columns were named.
    helpers: usize,
    /// Columns that conditions say to be there and not empty.
    proven: Proven,
    /// Columns of the hunt that could not be made, and why.
    lost: BTreeMap<Arc<str>, String>,
    /// Columns that the stage at hand made for itself.
    scratch: Vec<Name>,
    /// What columns of the stage at hand hold that a command in front of it computes.
    precomputed: Vec<(Name, Expr)>,
    /// At most so many rows come out.
    at_most: Option<u64>,
    /// Columns of which a stage takes a part by its key.
    taken_apart: BTreeSet<Arc<str>>,
    /// What is read of the rows that come out, where another query reads them; `None` is everything.
    after: Option<Demand>,
    /// Queries in parentheses that the hunt holds so far.
    queries: usize,
    /// This is a query within `FROM`, where no other can stand.
    inside: bool,
    /// Comparisons with the rows of another query that are conditions of a `where` on their own.
    alone: BTreeSet<NodeId>,
}

/// What a pipeline became.
#[derive(Debug)]
struct Branch<'a> {
    /// The query.
    body: Body,
    /// The columns at its end.
    scope: Scope<'a>,
    /// At most so many rows.
    at_most: Option<u64>,
    tables: Vec<Table<'a>>,
    time_columns: Vec<Arc<str>>,
    proven: Proven,
}

impl<'a, 'l> Fitter<'a, 'l> {
    fn new(frame: &Frame<'a>, ledger: &'l mut Ledger) -> Self {
        Self {
            frame: *frame,
            ledger,
            fields: Fields::new(*frame),
            tables: Vec::new(),
            time_columns: Vec::new(),
            scope: Scope { events: true, ..Scope::default() },
            source: None,
            commands: Vec::new(),
            outer: Polarity::Positive,
            polarity: Polarity::Positive,
            left_out: 0,
            helpers: 0,
            proven: Proven::default(),
            lost: BTreeMap::new(),
            scratch: Vec::new(),
            precomputed: Vec::new(),
            at_most: None,
            taken_apart: BTreeSet::new(),
            after: None,
            queries: 0,
            inside: false,
            alone: BTreeSet::new(),
        }
    }

    /// Says the pipeline; its rows must lie in `window` as well as in their own.
    fn run<'p>(&mut self, pipeline: &'p Pipeline, window: &Window<'p>) -> Result<(), Stopped<'p>> {
        let whole = |reason| Stopped { at: None, reason };
        self.taken_apart.extend(columns::taken_apart(pipeline));
        let mut polarities = polarities(&pipeline.stages, self.outer).into_iter();
        self.polarity = polarities.next().unwrap_or(self.outer);
        let own = Window::leading(pipeline);
        let window = if own.is_open() { window } else { &own };
        if let Err(reason) = self.source(pipeline, window) {
            return Err(whole(self.frame.refused_source(pipeline, "ES|QL").unwrap_or(reason)));
        }
        self.ledger.carried(pipeline.id);
        let from = self.commands.len();
        for (index, stage) in pipeline.stages.iter().enumerate() {
            let rest = pipeline.stages.get(index + 1..).unwrap_or_default();
            self.polarity = polarities.next().unwrap_or(self.outer);
            self.stage(stage, rest, window).map_err(|reason| Stopped { at: Some(stage), reason })?;
            self.settle();
            self.proven.learn(stage);
        }
        let said = self.commands.get(from..).unwrap_or_default();
        let filtered = said.iter().any(|it| matches!(it, Command::Where(_)));
        if self.left_out > 0 && !filtered {
            let message =
                "without the conditions that can not be said, the query would select every event of the table";
            return Err(whole(Unsayable::new(Code::RefusedPredicate, pipeline.span, message)));
        }
        Ok(())
    }

    fn finish(self) -> Branch<'a> {
        let source = self.source.unwrap_or(Source::From(Vec::new()));
        Branch {
            body: Body { source, commands: self.commands },
            scope: self.scope,
            at_most: self.at_most,
            tables: self.tables,
            time_columns: self.time_columns,
            proven: self.proven,
        }
    }

    /// Columns come out under their own names; what they are in another form than KQL's is told.
    fn delivered(&mut self, span: Span) {
        let mut renames = Vec::new();
        let mut spans = Vec::new();
        for (name, column) in &self.scope.made {
            if column.ty == ScalarType::Timespan {
                spans.push(name.clone());
            }
            if column.field.is_helper()
                && let Some(own) = Name::new(name.as_ref())
                && !self.scope.made.iter().any(|(other, it)| it.field == own && other != name)
            {
                renames.push((column.field.clone(), own));
            }
        }
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        for name in spans {
            let message = format!("column `{name}` is a length of time, which comes out as a number of milliseconds");
            self.note(Code::Approximated, Effect::Reshaped, span, message);
        }
    }

    /// How many rows Elasticsearch gives out.
    fn row_limit(&mut self, pipeline: &Pipeline) {
        let limits = self.frame.facts.limits;
        let (Some(default), Some(most)) = (limits.default_rows, limits.max_rows) else { return };
        if self.at_most.is_some_and(|rows| rows <= default) {
            return;
        }
        let span = pipeline.span;
        match self.at_most {
            Some(rows) if rows > most => {
                let message = format!("Elasticsearch gives {most} rows at most, as delivered");
                self.note(Code::SiteLimits, Effect::Exact, span, message);
            }
            Some(_) => {}
            None => {
                let message = format!(
                    "Elasticsearch gives the first {default} rows of a query without `LIMIT`, and {most} at most, as delivered"
                );
                self.note(Code::SiteLimits, Effect::Exact, span, message);
            }
        }
    }

    /// A column for the query's own use.
    fn helper(&mut self) -> Name {
        self.helpers += 1;
        Name::helper(self.helpers)
    }

    /// The column that holds a value: one of the row, or one that a command in front of the stage at hand computes and
    /// that is taken away after it.
    fn column_of_value(&mut self, value: Expr) -> Name {
        if let Expr::Field(name) = value {
            return name;
        }
        if let Some((name, _)) = self.precomputed.iter().find(|(_, known)| *known == value) {
            return name.clone();
        }
        let helper = self.helper();
        match self.commands.last_mut() {
            Some(Command::Eval(assignments)) if !self.precomputed.is_empty() => {
                assignments.push((helper.clone(), value.clone()));
            }
            Some(_) | None => self.commands.push(Command::Eval(vec![(helper.clone(), value.clone())])),
        }
        self.scratch.push(helper.clone());
        self.precomputed.push((helper.clone(), value));
        helper
    }

    /// Takes away the columns that a stage made for itself, where they are still there.
    fn settle(&mut self) {
        self.precomputed.clear();
        let scratch = std::mem::take(&mut self.scratch);
        if scratch.is_empty() {
            return;
        }
        let closed = matches!(self.commands.last(), Some(Command::Keep(_) | Command::Stats { inline: false, .. }));
        if !closed {
            self.commands.push(Command::Drop(scratch.iter().map(Into::into).collect()));
        }
    }

    /// Whether the version of the target has a construct.
    fn needs(&self, construct: Construct, span: Span) -> Fit<()> {
        self.frame.allows(construct, span).map_err(Unsayable)
    }

    fn note(&mut self, code: Code, effect: Effect, span: Span, message: impl Into<String>) {
        self.ledger.note(self.polarity, Diagnostic::note(code, effect, span, message));
    }

    /// A condition is left out: what that does, or the refusal where it can not be left out.
    fn leave_out(&mut self, condition: &Meant, reason: Unsayable) -> Fit<()> {
        if self.polarity != Polarity::Positive || reason.0.code == Code::Fault {
            return Err(reason);
        }
        let mut note = Diagnostic::note(
            reason.0.code,
            Effect::Broader,
            condition.span,
            format!("a condition is left out: {}", reason.0.message),
        );
        note.help = reason.0.help.clone();
        self.ledger.dropped(condition, self.polarity, note);
        self.left_out += 1;
        Ok(())
    }

    /// Makes a column, or leaves it out where its value can not be said: the rows are the same, a column is missing.
    fn or_without<T>(
        &mut self,
        name: &Arc<str>,
        span: Span,
        tree: &dyn Tree,
        make: impl FnOnce(&mut Self) -> Fit<T>,
    ) -> Fit<Option<T>> {
        let before = (self.commands.len(), self.scratch.len(), self.precomputed.len());
        let assigned = |command: Option<&Command>| if let Some(Command::Eval(it)) = command { it.len() } else { 0 };
        let last = assigned(self.commands.last());
        let reason = match make(self) {
            Ok(made) => {
                self.lost.remove(name);
                return Ok(Some(made));
            }
            Err(reason) => reason,
        };
        let sayable =
            matches!(reason.0.code, Code::UnmappedColumn | Code::RefusedFunction | Code::RefusedRegex | Code::NotYet);
        if !sayable {
            return Err(reason);
        }
        self.commands.truncate(before.0);
        if let Some(Command::Eval(assignments)) = self.commands.last_mut() {
            assignments.truncate(last);
        }
        self.scratch.truncate(before.1);
        self.precomputed.truncate(before.2);
        let message = format!("column `{name}` is left out: {}", reason.0.message);
        let mut note = Diagnostic::note(reason.0.code, Effect::Reshaped, span, message);
        note.help = reason.0.help.clone();
        self.ledger.dropped(tree, Polarity::Positive, note);
        self.scope.made.remove(name);
        self.lost.insert(name.clone(), reason.0.message);
        Ok(None)
    }

    /// Carries the nodes of a part that is said as a whole.
    fn carry(&mut self, tree: &dyn Tree) {
        self.ledger.carried_whole(tree);
    }
}
