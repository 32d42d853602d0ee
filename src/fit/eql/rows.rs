//! The stages of a pipeline: which of them are conditions, which only shape the rows, which can not be left out. What is said
//! of a stage that is left out stands in the data of the target.

use std::collections::HashSet;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::Refused;
use crate::plan::{
    AggregateBinding, AggregateKind, AggregateValue, Expr, ExprKind, NodeId, Pipeline, ScalarType, SearchTerm, Source,
    Stage, StageKind, TableRef,
};
use crate::source::Span;
use crate::target::{Answer, Capability, Support};

use super::condition::{Conditions, Unsayable};
use super::order::by_time;
use super::scope::{Loss, Meaning, Scope};
use super::sets::Selection;
use super::tree::{Cond, Pipe};

/// The rows of one table with the conditions on them.
#[derive(Clone, Debug)]
pub(super) struct Branch<'p, 'a> {
    pub(super) scope: Scope<'p, 'a>,
    pub(super) conds: Vec<Cond>,
}

/// What is known of the rows at a place of the pipeline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'p> {
    /// Each row is one event.
    pub(super) events: bool,
    /// The order that the last `sort` gave.
    pub(super) order: Option<&'p Stage>,
}

/// A limit that can be a pipe if nothing of the selection is left out.
#[derive(Debug)]
pub(super) struct Limit<'p> {
    pub(super) pipe: Pipe,
    pub(super) stage: &'p Stage,
    pub(super) note: Option<Diagnostic>,
}

/// Fits the stages of a plan.
pub(super) struct Rows<'p, 'a, 'l> {
    pub(super) conditions: Conditions<'p, 'a, 'l>,
    pub(super) top: &'p Pipeline,
    pub(super) limits: Vec<Limit<'p>>,
    /// Conditions on events that were carried.
    pub(super) carried: usize,
    /// Conditions that are said by other means.
    pub(super) said: HashSet<NodeId>,
    /// The first key of a join that was left out.
    pub(super) key_left_out: Option<Unsayable>,
    /// The first condition on events that was left out.
    pub(super) left_out: Option<(&'p Stage, Unsayable)>,
}

impl<'p, 'a, 'l> Rows<'p, 'a, 'l> {
    pub(super) fn new(conditions: Conditions<'p, 'a, 'l>, top: &'p Pipeline) -> Self {
        Self {
            conditions,
            top,
            limits: Vec::new(),
            carried: 0,
            said: HashSet::new(),
            key_left_out: None,
            left_out: None,
        }
    }

    /// Decides on limits and on what was left out; gives the pipes.
    pub(super) fn finish(&mut self) -> Result<Vec<Pipe>, Refused> {
        if let Some((stage, unsayable)) = &self.left_out
            && self.carried == 0
        {
            return Err(self.conditions.ledger.refuse(*stage, unsayable.refusal()));
        }
        let exact = !self.conditions.broadened;
        let limits = std::mem::take(&mut self.limits);
        let mut pipes = Vec::with_capacity(limits.len());
        for limit in limits {
            if exact {
                self.conditions.ledger.carried_whole(limit.stage);
                if let Some(note) = limit.note {
                    self.conditions.ledger.note(Polarity::Positive, note);
                }
                pipes.push(limit.pipe);
            } else {
                self.limit_dropped(limit.stage, "the limit is left out, because more events are selected before it");
            }
        }
        Ok(pipes)
    }

    /// The rows of a pipeline.
    pub(super) fn selection(&mut self, pipeline: &'p Pipeline) -> Result<Selection<'p, 'a>, Refused> {
        // Of what stands before a join that keeps rows of its right side only, nothing is left.
        let from = pipeline.stages.iter().rposition(|stage| super::join::only_right(stage).is_some());
        let kept = pipeline.stages.get(from.unwrap_or(0)..).unwrap_or_default();
        let right = kept.first().and_then(|stage| Some((stage, super::join::only_right(stage)?)));
        let (mut rows, stages) = match (right, kept) {
            (Some((stage, join)), [_, rest @ ..]) => (self.right(pipeline, stage, join)?, rest),
            (_, all) => (Selection::new(self.source(pipeline)?), all),
        };
        let mut shape = Shape { events: rows.is_plain(), order: None };
        for (index, stage) in stages.iter().enumerate() {
            let rest = stages.get(index + 1..).unwrap_or_default();
            rows.align();
            self.stage(pipeline, stage, rest, &mut rows, &mut shape)?;
            shape.events &= rows.is_plain();
        }
        Ok(rows)
    }

    fn source(&mut self, pipeline: &'p Pipeline) -> Result<Vec<Branch<'p, 'a>>, Refused> {
        if let Some(capability) = Capability::of_source(&pipeline.source) {
            let answer = self.conditions.frame.facts.capabilities.get(capability);
            if answer.is == Support::Refused {
                let message = format!("EQL has no counterpart of {}", source_name(&pipeline.source));
                let refusal = refusal(Code::RefusedSource, pipeline.span, message, answer);
                return Err(self.conditions.ledger.refuse(pipeline, refusal));
            }
        }
        match &pipeline.source {
            Source::Table(table) => {
                let branch = self.table(table, pipeline)?;
                self.conditions.ledger.carried(pipeline.id);
                Ok(vec![branch])
            }
            Source::Union(union) => {
                self.conditions.ledger.carried(pipeline.id);
                let mut branches = Vec::with_capacity(union.branches.len());
                for branch in &union.branches {
                    let rows = self.selection(branch)?;
                    if !rows.is_plain() {
                        let message = "EQL has no union of sequences";
                        let refusal = Diagnostic::refusal(Code::RefusedSource, branch.span, message);
                        let refusal = refusal.help("the target esql, or a rule for each of them");
                        return Err(self.conditions.ledger.refuse(pipeline, refusal));
                    }
                    branches.extend(rows.sets.into_iter().flat_map(|set| set.branches));
                }
                if let Some(name) = &union.with_source {
                    let lost = Meaning::Lost(Loss::TableName, pipeline.span);
                    for branch in &mut branches {
                        branch.scope.name([(name.clone(), lost)], false);
                    }
                    let message = format!("column `{name}`, the name of the table, is not made");
                    let note = Diagnostic::note(Code::ColumnsDropped, Effect::Reshaped, pipeline.span, message);
                    self.conditions.ledger.note(Polarity::Positive, note);
                }
                Ok(branches)
            }
            Source::Search { tables, predicate } => self.search(pipeline, tables, predicate),
            Source::Watchlist { .. }
            | Source::External { .. }
            | Source::Rows { .. }
            | Source::Print(_)
            | Source::Range { .. } => {
                let refusal = Diagnostic::refusal(Code::RefusedSource, pipeline.span, "EQL searches events only");
                Err(self.conditions.ledger.refuse(pipeline, refusal.help("start the hunt with a table")))
            }
        }
    }

    fn table(&mut self, table: &TableRef, pipeline: &'p Pipeline) -> Result<Branch<'p, 'a>, Refused> {
        match self.conditions.fields.table(self.conditions.ledger, table, pipeline.span) {
            Ok(table) => Ok(Branch { scope: Scope::new(table), conds: Vec::new() }),
            Err(refusal) => Err(self.conditions.ledger.refuse(pipeline, *refusal)),
        }
    }

    /// `find in (A, B) where …`; a text without a column is in no field that EQL could name.
    fn search(
        &mut self,
        pipeline: &'p Pipeline,
        tables: &'p [TableRef],
        predicate: &'p [SearchTerm],
    ) -> Result<Vec<Branch<'p, 'a>>, Refused> {
        let anywhere = predicate.iter().any(|term| matches!(term, SearchTerm::Anywhere(_)));
        if anywhere || tables.is_empty() {
            let refusal = Diagnostic::refusal(Code::RefusedSource, pipeline.span, "EQL has no condition on all fields")
                .help("name the tables and the columns");
            return Err(self.conditions.ledger.refuse(pipeline, refusal));
        }
        self.conditions.ledger.carried(pipeline.id);
        let mut branches = Vec::with_capacity(tables.len());
        for table in tables {
            let mut branch = self.table(table, pipeline)?;
            for term in predicate {
                let (SearchTerm::Condition(expr) | SearchTerm::Anywhere(expr)) = term;
                let at = branch.scope.here();
                match self.conditions.conjunct(expr, &branch.scope, at) {
                    Ok(cond) => {
                        self.carried += 1;
                        branch.conds.push(cond);
                    }
                    Err(unsayable) => return Err(self.conditions.ledger.refuse(pipeline, unsayable.refusal())),
                }
            }
            branches.push(branch);
        }
        let message = "the columns that `search` and `find` put together are not made";
        let note = Diagnostic::note(Code::ColumnsDropped, Effect::Reshaped, pipeline.span, message);
        self.conditions.ledger.note(Polarity::Positive, note);
        Ok(branches)
    }

    fn stage(
        &mut self,
        pipeline: &'p Pipeline,
        stage: &'p Stage,
        rest: &'p [Stage],
        rows: &mut Selection<'p, 'a>,
        shape: &mut Shape<'p>,
    ) -> Result<(), Refused> {
        if self.answer(stage).is_none_or(|answer| answer.is == Support::Refused) {
            return Err(self.refused(stage));
        }
        match &stage.kind {
            StageKind::Where(predicate) => self.filter(stage, predicate, rows)?,
            StageKind::Extend(bindings) | StageKind::Project(bindings) => {
                let only = matches!(stage.kind, StageKind::Project(_));
                for branch in rows.branches() {
                    let at = branch.scope.here();
                    let names = bindings.iter().map(|it| (it.name.clone(), Meaning::Computed(&it.value, at)));
                    branch.scope.name(names, only);
                }
                self.columns(stage, bindings.iter().map(|it| it.name.as_ref()));
            }
            StageKind::ProjectRename(pairs) => {
                for branch in rows.branches() {
                    let at = branch.scope.here();
                    let names = pairs.iter().map(|(new, old)| (new.clone(), Meaning::Computed(old, at)));
                    branch.scope.name(names, false);
                }
                self.columns(stage, pairs.iter().map(|(new, _)| new.as_ref()));
            }
            StageKind::ProjectAway(_) | StageKind::ProjectKeep(_) | StageKind::ProjectReorder(_) => {
                self.dropped(
                    stage,
                    Code::ColumnsDropped,
                    Effect::Reshaped,
                    "the events come out with all their fields",
                );
            }
            StageKind::Summarize { aggregates, keys } => {
                let counted = self.counted(stage, aggregates, keys, rest, rows, shape);
                for branch in rows.branches() {
                    let at = branch.scope.here();
                    let made = aggregates.iter().map(|it| (it.name.clone(), Meaning::Lost(aggregate(it), it.span)));
                    let names = keys.iter().map(|it| (it.name.clone(), Meaning::Computed(&it.value, at)));
                    branch.scope.name(made.chain(names), true);
                }
                let by: Vec<&str> = keys.iter().map(|it| it.name.as_ref()).take(8).collect();
                let by =
                    if by.is_empty() { String::new() } else { format!(" by `{}`", by.join("`, `").replace('\n', " ")) };
                let what = if counted { "sequences of events" } else { "the events" };
                let message = format!("EQL does not aggregate: {what} are returned, not their groups{by}");
                self.dropped(stage, Code::AggregationDropped, Effect::Reshaped, &message);
                *shape = Shape { events: false, order: None };
            }
            StageKind::Distinct(bindings) => {
                if !bindings.is_empty() {
                    for branch in rows.branches() {
                        let at = branch.scope.here();
                        let names = bindings.iter().map(|it| (it.name.clone(), Meaning::Computed(&it.value, at)));
                        branch.scope.name(names, true);
                    }
                }
                let message = "EQL does not aggregate: every event is returned, not the distinct rows";
                self.dropped(stage, Code::AggregationDropped, Effect::Reshaped, message);
                *shape = Shape { events: false, order: None };
            }
            StageKind::Count => {
                rows.name([(Arc::from("Count"), Meaning::Lost(Loss::Aggregate, stage.span))], true);
                let message = "EQL does not aggregate: the events are returned, not their number";
                self.dropped(stage, Code::AggregationDropped, Effect::Reshaped, message);
                *shape = Shape { events: false, order: None };
            }
            StageKind::MakeSeries(_) => {
                rows.name([], true);
                let message = "EQL does not aggregate: the events are returned, not the series";
                self.dropped(stage, Code::AggregationDropped, Effect::Reshaped, message);
                *shape = Shape { events: false, order: None };
            }
            StageKind::Sort(keys) => {
                // A `take` after it makes a `top` of it.
                let ascending = shape.events && by_time(keys, pipeline) == Some(false);
                let (effect, message) = if ascending {
                    (Effect::Exact, "EQL orders events by time, ascending, by itself")
                } else {
                    (Effect::Reshaped, "EQL orders events by time, ascending")
                };
                self.dropped(stage, Code::OrderDropped, effect, message);
                shape.order = Some(stage);
            }
            StageKind::Top { count, keys } => {
                self.top_rows(pipeline, stage, count, keys, rest, shape);
                shape.order = None;
            }
            StageKind::Take(count) | StageKind::Sample(count) => {
                self.take(pipeline, stage, count, rest, rows, shape);
            }
            StageKind::SampleDistinct { .. } => {
                rows.name([], true);
                let message = "EQL does not aggregate: every event is returned, not some distinct values";
                self.dropped(stage, Code::AggregationDropped, Effect::Broader, message);
                self.conditions.broadened = true;
                *shape = Shape { events: false, order: None };
            }
            StageKind::Join(join) | StageKind::Lookup(join) => self.join(stage, join, rows)?,
            StageKind::MvExpand { items, index, .. } => {
                let mut names: Vec<(Arc<str>, Meaning<'p>)> =
                    items.iter().map(|it| (it.name.clone(), Meaning::Lost(Loss::Element, stage.span))).collect();
                names.extend(index.iter().map(|name| (name.clone(), Meaning::Lost(Loss::Element, stage.span))));
                rows.name(names, false);
                self.conditions.broadened = true;
                let message =
                    "EQL has one row an event: the arrays are not expanded, and events whose array is empty stay";
                self.dropped(stage, Code::NotExpanded, Effect::Broader, message);
                shape.events = false;
            }
            StageKind::Parse { parts, filter, .. } => {
                let lost = Meaning::Lost(Loss::Extracted, stage.span);
                let names: Vec<_> = parts
                    .iter()
                    .filter_map(|part| match part {
                        crate::plan::ParsePart::Column { name, .. } => Some((name.clone(), lost)),
                        crate::plan::ParsePart::Any | crate::plan::ParsePart::Text { .. } => None,
                    })
                    .collect();
                rows.name(names, false);
                if *filter {
                    self.conditions.broadened = true;
                    let message = "EQL does not extract from a text, so texts that do not match the pattern stay";
                    let note = Unsayable::new(Code::RefusedOperator, stage.span, message);
                    self.left_out.get_or_insert((stage, note));
                    self.dropped(stage, Code::RefusedOperator, Effect::Broader, message);
                } else {
                    self.dropped(
                        stage,
                        Code::ColumnsDropped,
                        Effect::Reshaped,
                        "EQL does not extract columns from a text",
                    );
                }
            }
            StageKind::ParseKv { columns, .. } => {
                let lost = Meaning::Lost(Loss::Extracted, stage.span);
                rows.name(columns.iter().map(|(name, _)| (name.clone(), lost)).collect::<Vec<_>>(), false);
                self.dropped(stage, Code::ColumnsDropped, Effect::Reshaped, "EQL does not extract columns from a text");
            }
            StageKind::Serialize(bindings) => {
                let lost = Meaning::Lost(Loss::Window, stage.span);
                rows.name(bindings.iter().map(|it| (it.name.clone(), lost)).collect::<Vec<_>>(), false);
                if bindings.is_empty() {
                    self.conditions.ledger.carried_whole(stage);
                } else {
                    self.columns(stage, bindings.iter().map(|it| it.name.as_ref()));
                }
            }
            StageKind::Render { chart } => {
                self.conditions.ledger.carried_whole(stage);
                let message = format!("`render {chart}` is not part of the query");
                let note = Diagnostic::note(Code::Ignored, Effect::Exact, stage.span, message);
                self.conditions.ledger.note(Polarity::Positive, note);
            }
            StageKind::MvApply { .. }
            | StageKind::Evaluate { .. }
            | StageKind::Invoke { .. }
            | StageKind::Untranslated(_) => return Err(self.refused(stage)),
        }
        Ok(())
    }

    fn filter(&mut self, stage: &'p Stage, predicate: &'p Expr, rows: &mut Selection<'p, 'a>) -> Result<(), Refused> {
        self.conditions.ledger.carried(stage.id);
        if let ExprKind::And(_) = predicate.kind {
            self.conditions.ledger.carried(predicate.id);
        }
        for conjunct in predicate.conjuncts() {
            if (self.conditions.held)(conjunct) {
                continue;
            }
            if self.said.contains(&conjunct.id) {
                self.conditions.ledger.carried_whole(conjunct);
                self.carried += 1;
                continue;
            }
            if rows.sets.len() > 1 {
                let at = rows.align();
                if let Some(bound) = self.conditions.bound(conjunct, rows, at) {
                    rows.bounds.0.push(bound);
                    self.carried += 1;
                    continue;
                }
            }
            if !self.member_of(stage, conjunct, rows)? {
                self.conjunct(stage, conjunct, rows)?;
            }
        }
        Ok(())
    }

    /// A condition on one of the sets of events.
    fn conjunct(&mut self, stage: &'p Stage, conjunct: &'p Expr, rows: &mut Selection<'p, 'a>) -> Result<(), Refused> {
        let several = rows.sets.len() > 1;
        let mut other: Option<Unsayable> = None;
        for set in &mut rows.sets {
            let mut is_other = false;
            for branch in &mut set.branches {
                let at = branch.scope.here();
                match self.conditions.conjunct(conjunct, &branch.scope, at) {
                    Ok(cond) => {
                        if !matches!(cond, Cond::Constant(true)) {
                            self.carried += 1;
                        }
                        branch.conds.push(cond);
                    }
                    Err(unsayable) if unsayable.code == Code::TooLong => {
                        return Err(self.conditions.ledger.refuse(stage, unsayable.refusal()));
                    }
                    // The column is that of another set.
                    Err(unsayable) if several && unsayable.joined => {
                        other.get_or_insert(unsayable);
                        is_other = true;
                        break;
                    }
                    Err(unsayable) => self.left_out(stage, conjunct, unsayable),
                }
            }
            if !is_other {
                return Ok(());
            }
        }
        if let Some(unsayable) = other {
            let message = "EQL compares the events of a sequence by their keys and their order only";
            let unsayable = Unsayable { message: message.to_owned(), ..unsayable };
            self.left_out(stage, conjunct, unsayable.help("the target esql compares columns"));
        }
        Ok(())
    }

    /// Leaves a condition out.
    pub(super) fn left_out(&mut self, stage: &'p Stage, conjunct: &'p Expr, unsayable: Unsayable) {
        self.conditions.broadened = true;
        let code = if unsayable.aggregated {
            Code::ThresholdDropped
        } else {
            // A condition on the time is no filter that could be missed.
            if !matches!(conjunct.kind, ExprKind::Time(_)) {
                self.left_out.get_or_insert((stage, unsayable.clone()));
            }
            unsayable.code
        };
        let note = unsayable.note(code, Effect::Broader, conjunct.span);
        self.conditions.ledger.dropped(conjunct, Polarity::Positive, note);
    }

    fn function(&self, id: crate::plan::FunctionId) -> String {
        let row = self.conditions.frame.vocabulary.function_row(id);
        row.map_or_else(|| "unknown".to_owned(), |row| row.name.clone())
    }

    /// What the data of the target says of a stage.
    fn answer(&self, stage: &Stage) -> Option<&'a Answer> {
        Capability::of_stage(&stage.kind).map(|capability| self.conditions.frame.facts.capabilities.get(capability))
    }

    /// Refuses a stage by its name.
    fn refused(&mut self, stage: &'p Stage) -> Refused {
        let name = |name: &str| format!("`{}`", name.replace('_', "-"));
        let (code, what) = if let StageKind::Evaluate { plugin, .. } = &stage.kind {
            (Code::RefusedOperator, format!("plugin `{}`", self.function(*plugin)))
        } else if let StageKind::Invoke { function, .. } = &stage.kind {
            (Code::RefusedFunction, format!("`{}()`", self.function(*function)))
        } else if let StageKind::Untranslated(operator) = &stage.kind {
            (Code::RefusedOperator, format!("`{}`", operator.name()))
        } else {
            let capability = Capability::of_stage(&stage.kind);
            (Code::RefusedOperator, capability.map_or_else(String::new, |it| name(it.name())))
        };
        let message = format!("EQL has no counterpart of {what}");
        let refusal = match self.answer(stage) {
            Some(answer) => refusal(code, stage.span, message, answer),
            None => Diagnostic::refusal(code, stage.span, message).help("write it by hand"),
        };
        self.conditions.ledger.refuse(stage, refusal)
    }

    fn columns<'n>(&mut self, stage: &'p Stage, names: impl Iterator<Item = &'n str>) {
        let names: Vec<String> = names.map(|name| format!("`{}`", name.replace(['`', '\n'], "'"))).collect();
        let mut list = names.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
        if names.len() > 8 {
            list.push_str(", …");
        }
        let message = format!("EQL returns whole events: columns {list} are not made");
        self.dropped(stage, Code::ColumnsDropped, Effect::Reshaped, &message);
    }

    pub(super) fn dropped(&mut self, stage: &'p Stage, code: Code, effect: Effect, message: &str) {
        let note = Diagnostic::note(code, effect, stage.span, message);
        let instead = self.answer(stage).and_then(|answer| answer.instead.clone());
        let note = match instead.filter(|_| effect != Effect::Exact) {
            Some(instead) => note.help(instead),
            None => note,
        };
        self.conditions.ledger.dropped(stage, Polarity::Positive, note);
    }
}

/// A refusal with the reason that the data gives.
fn refusal(code: Code, span: Span, message: String, answer: &Answer) -> Diagnostic {
    let message = match &answer.note {
        Some(note) => format!("{message}: {note}"),
        None => message,
    };
    let refusal = Diagnostic::refusal(code, span, message);
    match &answer.instead {
        Some(instead) => refusal.help(instead.clone()),
        None => refusal,
    }
}

/// What the value of an aggregate is: a first or last time, or anything else.
fn aggregate(of: &AggregateBinding) -> Loss {
    match &of.value {
        AggregateValue::One(one)
            if one.ty == ScalarType::Datetime
                && matches!(
                    one.kind,
                    AggregateKind::Min | AggregateKind::Max | AggregateKind::ArgMin | AggregateKind::ArgMax
                ) =>
        {
            Loss::Time
        }
        AggregateValue::One(_) | AggregateValue::Computed { .. } => Loss::Aggregate,
    }
}

/// How a source is written in KQL.
fn source_name(source: &Source) -> &'static str {
    match source {
        Source::Table(_) => "a table",
        Source::Union(_) => "`union`",
        Source::Watchlist { .. } => "a watchlist",
        Source::External { .. } => "`externaldata`",
        Source::Rows { .. } => "`datatable`",
        Source::Print(_) => "`print`",
        Source::Range { .. } => "`range`",
        Source::Search { .. } => "`search`",
    }
}
