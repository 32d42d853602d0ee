//! Plan → SPL: one search, its base as narrow as the hunt allows, and every condition in a form that means the same.
//!
//! [`predicate`], [`text`] and [`matcher`] say conditions, [`value`] and [`function`] values, [`stages`], [`summarize`],
//! [`expand`], [`parse`], [`join`] and [`union`] operators. What SPL could say
//! and is not yet written is refused by name (`HG205`).

mod anywhere;
mod apply;
mod columns;
mod combine;
mod datamodel;
mod dynamic;
mod expand;
mod extreme;
mod form;
mod function;
mod join;
mod matcher;
mod model;
mod moment;
mod needles;
mod neighbours;
mod parse;
mod parts;
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
mod tidy;
pub(crate) mod tree;
mod trends;
mod tstats;
mod union;
mod value;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::model::Model;
use self::scope::Scope;
use self::tree::{Command, EvalExpr, Name, Query, SearchExpr};
use super::demand::Demand;
use super::flow::{Proven, polarities};
use super::unsayable::{Fit, Stopped, Unsayable};
use super::{Fields, Fitted, Frame, Ledger, Refused, Table, TimeRange, Window, outputs, regex};
use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::plan::{Expr, Pipeline, Tree};
use crate::source::Span;
use crate::target::ColumnAnswer;

impl Unsayable {
    /// SPL could say it; it is not written yet.
    fn not_yet(span: Span, what: impl std::fmt::Display) -> Self {
        Self::new(Code::NotYet, span, format!("{what} is not yet written in SPL"))
    }
}

/// Makes the search of a plan.
///
/// # Errors
/// The ledger holds the refusal.
pub(crate) fn fit(frame: &Frame<'_>, ledger: &mut Ledger) -> Result<Fitted<Query>, Refused> {
    let contexts = frame.facts.context("search").zip(frame.facts.context("where"));
    let Some((search, eval)) = contexts else {
        let fault = Diagnostic::refusal(Code::BadTargetData, frame.plan.pipeline.span, "the target has no contexts");
        return Err(ledger.refuse(frame.plan, fault));
    };
    let (search, eval) = (search.clone(), eval.clone());
    let mut branch = Fitter::new(frame, ledger).pipeline(&frame.plan.pipeline)?;
    let columns = branch.outputs(frame);
    // The window is in the query; a data model is read over the search's own range, which must hold it.
    let range = branch.range.take();
    Ok(Fitted { tree: Query { search, eval, commands: branch.commands() }, time_range: range, columns })
}

/// The state of one pipeline: the hunt, or a part of it that is a search of its own.
struct Fitter<'a, 'l> {
    frame: Frame<'a>,
    ledger: &'l mut Ledger,
    fields: Fields<'a>,
    tables: Vec<Table<'a>>,
    null_text: Option<Arc<str>>,
    /// The data model that holds the events, where the schema names one.
    model: Option<Model>,
    /// The time over which the search must be run, where that is not said in the base search.
    range: Option<TimeRange>,
    /// The columns that hold the event's time, as the plan has them.
    time_columns: Vec<Arc<str>>,
    scope: Scope<'a>,
    /// The command that makes the rows, where that is not the base search.
    generator: Option<Command>,
    /// Terms of the base search that find the table, then those of the window, then conditions.
    selector: Vec<SearchExpr>,
    window: Vec<SearchExpr>,
    conditions: Vec<SearchExpr>,
    /// Whether a condition may still move into the base search: nothing has counted, cut off or merged rows.
    base_open: bool,
    commands: Vec<Command>,
    /// In which direction the rows of this pipeline act on those of the hunt.
    outer: Polarity,
    /// In which direction the stage at hand acts on the rows that come out.
    polarity: Polarity,
    /// Conditions that were left out.
    left_out: usize,
    /// How many helper fields were named.
    helpers: usize,
    /// How many searches in brackets were begun.
    searches: usize,
    /// What is read of the rows in the end; `None` is all of them as they are.
    after: Option<Demand>,
    /// Columns that conditions say to be there and not empty.
    proven: Proven,
    /// The column that is read of the rows, where it is one alone.
    first: Option<Arc<str>>,
    /// Fields that the stage at hand made for itself.
    scratch: Vec<Name>,
    /// The rows are written in the hunt itself.
    fixed: bool,
    /// The columns of a union that all of its branches have, where it keeps no others.
    inner_columns: Option<Vec<Arc<str>>>,
    /// How many of the first stages are said by the branches of a union.
    pushed: usize,
    /// The window is said by the searches that the rows come from.
    closed_window: bool,
    /// What fields of the stage at hand hold that a command in front of it computes.
    precomputed: Vec<(Name, EvalExpr)>,
    /// Calls that were computed before the operator that holds them.
    hoisted: std::collections::BTreeMap<crate::plan::NodeId, (tree::EvalExpr, scope::Shape)>,
}

/// What a pipeline became.
#[derive(Debug)]
struct Branch<'a> {
    /// The command that makes the rows, where that is not the base search.
    generator: Option<Command>,
    /// The terms of the base search.
    base: Vec<SearchExpr>,
    /// The commands after it.
    rest: Vec<Command>,
    /// The time over which it must be run, where that is not said in the base search.
    range: Option<TimeRange>,
    /// The columns at its end.
    scope: Scope<'a>,
    tables: Vec<Table<'a>>,
    time_columns: Vec<Arc<str>>,
    null_text: Option<Arc<str>>,
    proven: Proven,
    /// The rows are written in the hunt itself.
    fixed: bool,
}

impl Branch<'_> {
    /// The fields of the rows that hold the columns which the hunt's file names. A column of the event is looked up without
    /// the notes of its mapping, for the hunt does not use it.
    fn outputs(&self, frame: &Frame<'_>) -> Vec<(Arc<str>, String)> {
        let rows = &frame.plan.pipeline.columns;
        let held = |name: &str| -> Option<String> {
            if let Some(made) = self.scope.made.get(name) {
                return made.is_field().then(|| made.field.text().to_owned());
            }
            let known = rows.columns.iter().any(|(column, _)| &**column == name);
            if !(known || rows.open) || !self.scope.events {
                return None;
            }
            let [table] = self.tables.as_slice() else { return None };
            // `from` gives the fields of a dataset without the name of it in front.
            let node = match &self.generator {
                None => None,
                Some(Command::From(dataset)) => Some(format!("{}.", dataset.node())),
                Some(_) => return None,
            };
            let bare = |field: &str| node.as_deref().and_then(|it| field.strip_prefix(it)).unwrap_or(field).to_owned();
            match frame.schema.column(table.row, table.map, name) {
                ColumnAnswer::Time(field) => Some(field.to_owned()),
                ColumnAnswer::Mapped(map) => Some(bare(&map.field)),
                ColumnAnswer::Kept => Some(name.to_owned()),
                ColumnAnswer::Unmapped(_) | ColumnAnswer::Refused => None,
            }
        };
        let asked = outputs::columns(frame.about).into_iter();
        let held =
            asked.filter_map(|name| Some((name, held(name).filter(|field| Name::new(field.as_str()).is_some())?)));
        held.map(|(name, field)| (Arc::from(name), field)).collect()
    }

    /// The whole search.
    fn commands(self) -> Vec<Command> {
        let mut commands = vec![self.generator.unwrap_or(Command::Search(self.base))];
        commands.extend(self.rest);
        commands
    }
}

impl<'a, 'l> Fitter<'a, 'l> {
    fn new(frame: &Frame<'a>, ledger: &'l mut Ledger) -> Self {
        Self {
            frame: *frame,
            ledger,
            fields: Fields::new(*frame),
            tables: Vec::new(),
            null_text: None,
            model: None,
            range: None,
            time_columns: Vec::new(),
            scope: Scope { events: true, ..Scope::default() },
            generator: None,
            selector: Vec::new(),
            window: Vec::new(),
            conditions: Vec::new(),
            base_open: true,
            commands: Vec::new(),
            outer: Polarity::Positive,
            polarity: Polarity::Positive,
            left_out: 0,
            helpers: 0,
            searches: 0,
            after: None,
            proven: Proven::default(),
            first: None,
            scratch: Vec::new(),
            fixed: false,
            inner_columns: None,
            pushed: 0,
            closed_window: false,
            precomputed: Vec::new(),
            hoisted: std::collections::BTreeMap::new(),
        }
    }

    /// The search of the hunt.
    fn pipeline(mut self, pipeline: &Pipeline) -> Result<Branch<'a>, Refused> {
        match self.run(pipeline, &Window::default()) {
            Ok(()) => Ok(self.finish()),
            Err(Stopped { at: None, reason }) => Err(self.ledger.refuse(pipeline, *reason.0)),
            Err(Stopped { at: Some(stage), reason }) => Err(self.ledger.refuse(stage, *reason.0)),
        }
    }

    /// Says the pipeline; its rows must lie in `window` as well as in their own.
    fn run<'p>(&mut self, pipeline: &'p Pipeline, window: &Window<'p>) -> Result<(), Stopped<'p>> {
        let whole = |reason| Stopped { at: None, reason };
        let polarities = polarities(&pipeline.stages, self.outer);
        let mut polarities = polarities.into_iter();
        self.polarity = polarities.next().unwrap_or(self.outer);
        let own = Window::leading(pipeline);
        let window = if own.is_open() { window } else { &own };
        if let Err(reason) = self.source(pipeline, window) {
            return Err(whole(self.frame.refused_source(pipeline, "Splunk").unwrap_or(reason)));
        }
        self.ledger.carried(pipeline.id);
        if self.closed_window {
            window.conditions.iter().for_each(|condition| self.ledger.carried(condition.id));
        } else {
            self.leading_window(window).map_err(whole)?;
        }
        for (index, stage) in pipeline.stages.iter().enumerate() {
            let rest = pipeline.stages.get(index + 1..).unwrap_or_default();
            self.polarity = polarities.next().unwrap_or(self.outer);
            if index < self.pushed {
                // The branches of the union say it.
                self.ledger.carried(stage.id);
                self.proven.learn(stage);
                continue;
            }
            let from = self.commands.len();
            self.stage(stage, rest, &own).map_err(|reason| Stopped { at: Some(stage), reason })?;
            self.settle(from);
            self.precomputed.clear();
            self.proven.learn(stage);
        }
        let filtered = !self.conditions.is_empty() || self.commands.iter().any(|it| matches!(it, Command::Where(_)));
        if self.left_out > 0 && !filtered {
            let message =
                "without the conditions that can not be said, the search would select every event of the table";
            return Err(whole(Unsayable::new(Code::RefusedPredicate, pipeline.span, message)));
        }
        self.model_notes(pipeline);
        Ok(())
    }

    fn finish(mut self) -> Branch<'a> {
        if let Some(model) = self.model.take() {
            self.model_search(model, self.after.is_none());
        }
        let mut base = self.selector;
        base.extend(self.window);
        base.extend(self.conditions);
        let live = self.scope.made.values().any(|column| column.field.text().starts_with(tidy::HELPER));
        Branch {
            generator: self.generator,
            base,
            rest: tidy::tidy(self.commands, live),
            range: self.range,
            scope: self.scope,
            tables: self.tables,
            time_columns: self.time_columns,
            null_text: self.null_text,
            proven: self.proven,
            fixed: self.fixed,
        }
    }

    /// A field for the query's own use.
    fn helper(&mut self) -> Name {
        self.helpers += 1;
        let number = self.helpers;
        Name::new(format!("{}{number}", tidy::HELPER)).unwrap_or_else(|| Name::of("huntgate"))
    }

    /// Computes a value in a field of the query's own; whoever asks says when it is taken away.
    fn computed(&mut self, value: EvalExpr) -> Name {
        let helper = self.helper();
        self.commands.push(Command::Eval(vec![(helper.clone(), value)]));
        helper
    }

    /// Computes a value in a field of the query's own, which is taken away after the stage.
    fn computed_for_stage(&mut self, value: EvalExpr) -> Name {
        let helper = self.computed(value);
        self.scratch.push(helper.clone());
        helper
    }

    /// The field that holds a value: its own, or one that is computed for the next command.
    fn field_for_next(&mut self, value: EvalExpr) -> Name {
        match value {
            EvalExpr::Field(field) => field,
            value => {
                let helper = self.computed(value);
                self.commands.push(Command::FieldsAway(vec![helper.clone()]));
                helper
            }
        }
    }

    fn note(&mut self, code: Code, effect: Effect, span: Span, message: impl Into<String>) {
        self.ledger.note(self.polarity, Diagnostic::note(code, effect, span, message));
    }

    /// A condition is left out: what that does, or the refusal where it can not be left out.
    fn leave_out(&mut self, condition: &Expr, reason: Unsayable) -> Fit<()> {
        // Another schema of the target has what this one lacks.
        let elsewhere = reason.0.code == Code::UnmappedColumn && self.frame.schema.instead.is_some();
        if self.polarity != Polarity::Positive || reason.0.code == Code::Fault || elsewhere {
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

    /// Carries the nodes of a part that is said as a whole.
    fn carry(&mut self, tree: &dyn Tree) {
        self.ledger.carried_whole(tree);
    }
}
