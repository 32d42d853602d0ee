//! What becomes of each stage of a pipeline in a rule that selects single events.
//!
//! A stage that only shapes rows goes with a note; one that removes rows may go where that only selects more; any other
//! is refused by name. What conditions say is for `predicate`.

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Frame, Ledger, Refused};
use crate::plan::{
    Aggregate, AggregateBinding, AggregateKind, AggregateValue, ArgColumns, Binding, ColumnRef, Expr, ExprKind, Join,
    JoinKind, NodeId, ParsePart, RowType, Stage, StageKind,
};
use crate::source::Span;
use crate::target::Capability;

use super::outline::{Not, Step, table_of};
use super::scope::Scopes;
use super::subject::AGGREGATE;

/// The stages of one line of events, from its table to the end of the hunt.
pub(super) struct Walk<'f, 'a, 'p> {
    pub(super) frame: &'f Frame<'a>,
    /// The names at each stage.
    pub(super) scopes: Scopes<'p>,
    /// The conditions, with the scopes that they see and the stage that they stand in.
    pub(super) conditions: Vec<(&'p Expr, usize)>,
    /// What an analyst sees of the hunt's rows, with the scopes that the names are of.
    pub(super) shown: Vec<(&'p Expr, usize)>,
    /// What is not in the rule, for its description.
    pub(super) omitted: Vec<(Span, &'static str)>,
    /// A stage that removes rows is left out.
    pub(super) widened: bool,
    /// The scopes that joins, groups and memberships see, by the nodes that say them.
    pub(super) marks: HashMap<NodeId, usize>,
    /// Joins and groups that could have been correlations, and why they are none.
    pub(super) not: &'f Not,
    /// A correlation counts the events behind this step, where the hunt counts its rows.
    pub(super) counted: bool,
}

const JOINED: &str = "a column of the other side of a join";
const EXPANDED: &str = "an element of an expanded list";
const EXTRACTED: &str = "extracted from a text";
const PLUGIN: &str = "a column that a plugin makes";

impl<'p> Walk<'_, '_, 'p> {
    /// Takes the next step.
    pub(super) fn step(&mut self, ledger: &mut Ledger, step: &Step<'p>) -> Result<(), Refused> {
        match step {
            Step::Stage(stage) => return self.stage(ledger, stage),
            Step::TableName(name) => {
                self.scopes.open();
                self.scopes.lose(name, "the name of the table", Code::ConditionDropped);
            }
            Step::Counted(stage) => {
                self.mark(stage.id);
                self.groups(stage, true);
            }
            Step::Joined(stage, join) => {
                self.mark(stage.id);
                match join.kind {
                    JoinKind::RightSemi => {
                        self.scopes.open();
                        self.scopes.lose_all(JOINED, Code::ConditionDropped, false);
                    }
                    JoinKind::Inner
                    | JoinKind::InnerUnique
                    | JoinKind::LeftOuter
                    | JoinKind::RightOuter
                    | JoinKind::FullOuter
                    | JoinKind::LeftAnti
                    | JoinKind::RightAnti => self.without_right(join),
                    JoinKind::LeftSemi => {}
                }
            }
            Step::Brought(stage, join) => {
                self.mark(stage.id);
                self.as_right(join);
            }
            Step::Listed(id) => {
                self.mark(*id);
                self.scopes.open();
                self.scopes.lose_all(JOINED, Code::ConditionDropped, false);
            }
            // The ledger of the join is that of its other side.
            Step::Alone(join) => self.as_right(join),
        }
        Ok(())
    }

    fn mark(&mut self, id: NodeId) {
        // The rows of a table pass the condition that lists them, too.
        let level = self.scopes.level();
        self.marks.entry(id).or_insert(level);
    }

    fn stage(&mut self, ledger: &mut Ledger, stage: &'p Stage) -> Result<(), Refused> {
        match &stage.kind {
            StageKind::Where(predicate) => {
                ledger.carried(stage.id);
                predicate.conjuncts().iter().filter(|it| table_of(it).is_some()).for_each(|it| self.mark(it.id));
                self.conditions.push((predicate, self.scopes.level()));
            }
            StageKind::Extend(items) => {
                self.drop(ledger, stage, Code::ColumnsDropped, Effect::Reshaped, "computed columns are not made");
                self.compute(items);
            }
            StageKind::Serialize(items) if items.is_empty() => ledger.carried_whole(stage),
            StageKind::Serialize(items) => {
                self.drop(ledger, stage, Code::ColumnsDropped, Effect::Reshaped, "computed columns are not made");
                self.compute(items);
            }
            StageKind::Project(items) => {
                self.drop(
                    ledger,
                    stage,
                    Code::ColumnsDropped,
                    Effect::Reshaped,
                    "a Sigma rule selects whole events; the columns are named in `fields`",
                );
                self.show(items);
                self.compute(items);
            }
            StageKind::ProjectRename(items) => {
                self.drop(ledger, stage, Code::ColumnsDropped, Effect::Reshaped, "columns keep the names of the event");
                self.scopes.open();
                for (name, value) in items {
                    self.scopes.compute(name, value);
                }
            }
            StageKind::ProjectAway(_) | StageKind::ProjectKeep(_) | StageKind::ProjectReorder(_) => {
                let message = "a Sigma rule selects whole events";
                self.drop(ledger, stage, Code::ColumnsDropped, Effect::Reshaped, message);
            }
            StageKind::Summarize { .. } => {
                let message = match self.not.get(&stage.id) {
                    Some(why) if !why.message.is_empty() => {
                        format!("the events that would be aggregated are selected: {}", why.message)
                    }
                    Some(_) | None => "the events that would be aggregated are selected".to_owned(),
                };
                self.drop_rows(ledger, stage, Code::AggregationDropped, [Effect::Reshaped, Effect::Broader], &message);
                self.omitted.push((stage.span, "aggregation"));
                self.groups(stage, false);
            }
            StageKind::Distinct(items) => {
                let message = "every event is selected, not one for each combination of values";
                self.drop_rows(ledger, stage, Code::AggregationDropped, [Effect::Reshaped, Effect::Broader], message);
                self.show(items);
                self.compute(items);
            }
            StageKind::Count => {
                let message = "the events that would be counted are selected";
                self.drop(ledger, stage, Code::AggregationDropped, Effect::Reshaped, message);
                self.omitted.push((stage.span, "count"));
                self.groups(stage, false);
            }
            StageKind::MakeSeries(series) => {
                let bounded = series.from.is_some() || series.to.is_some();
                let effect = if bounded { Effect::Broader } else { Effect::Reshaped };
                let message = "the events that would make the series are selected";
                self.drop(ledger, stage, Code::AggregationDropped, effect, message);
                self.omitted.push((stage.span, "series"));
                self.show(&series.by);
                self.compute(&series.by);
                for (each, _) in &series.aggregates {
                    self.aggregate(each, true);
                }
            }
            StageKind::Sort(_) => {
                self.drop(ledger, stage, Code::OrderDropped, Effect::Reshaped, "a Sigma rule has no order");
            }
            StageKind::Top { .. } | StageKind::Take(_) | StageKind::Sample(_) => {
                let message = "all events that match are selected; a Sigma rule has no limit";
                self.drop(ledger, stage, Code::LimitDropped, Effect::Broader, message);
                self.omitted.push((stage.span, "limit"));
            }
            StageKind::SampleDistinct { of, .. } => {
                let message = "all events that match are selected; a Sigma rule has no limit";
                self.drop(ledger, stage, Code::LimitDropped, Effect::Broader, message);
                self.omitted.push((stage.span, "limit"));
                self.shown = vec![(of, self.scopes.level())];
            }
            StageKind::Join(join) => self.join(ledger, stage, join, "join")?,
            StageKind::Lookup(join) => self.join(ledger, stage, join, "lookup")?,
            StageKind::MvExpand { items, index, .. } => {
                let message = "events are selected whole, also those whose list is empty";
                self.drop_rows(ledger, stage, Code::StageDropped, [Effect::Broader, Effect::Unsure], message);
                self.omitted.push((stage.span, "expansion of lists"));
                self.scopes.open();
                items.iter().map(|item| &item.name).chain(index).for_each(|name| self.lose(name, EXPANDED));
            }
            StageKind::MvApply { items, body, .. } => {
                let message = "events are selected whole, also those of whose list nothing remains";
                self.drop_rows(ledger, stage, Code::StageDropped, [Effect::Broader, Effect::Unsure], message);
                self.omitted.push((stage.span, "conditions on elements of lists"));
                self.scopes.open();
                items.iter().for_each(|item| self.lose(&item.name, EXPANDED));
                body.iter().flat_map(made).for_each(|name| self.lose(&name, EXPANDED));
                self.scopes.lose_unknown(EXPANDED);
            }
            StageKind::Parse { parts, filter, .. } => {
                let (effect, message) = if *filter {
                    (Effect::Broader, "values are not extracted, and events that do not have the form are selected too")
                } else {
                    (Effect::Reshaped, "values are not extracted")
                };
                self.drop(ledger, stage, Code::StageDropped, effect, message);
                self.omitted.push((stage.span, "extraction"));
                self.scopes.open();
                for part in parts {
                    match part {
                        ParsePart::Column { name, .. } => self.lose(name, EXTRACTED),
                        ParsePart::Any | ParsePart::Text { .. } => {}
                    }
                }
            }
            StageKind::ParseKv { columns, .. } => {
                self.drop(ledger, stage, Code::StageDropped, Effect::Reshaped, "values are not extracted");
                self.omitted.push((stage.span, "extraction"));
                self.scopes.open();
                columns.iter().for_each(|(name, _)| self.lose(name, EXTRACTED));
            }
            StageKind::Evaluate { plugin, .. } => {
                let name = self.frame.vocabulary.function_row(*plugin).map_or("", |row| row.name.as_str());
                if name != "bag_unpack" {
                    return Err(self.refuse(ledger, stage, &format!("evaluate {name}")));
                }
                self.drop(ledger, stage, Code::StageDropped, Effect::Reshaped, "the keys become no columns");
                self.scopes.open();
                self.scopes.lose_unknown(PLUGIN);
            }
            StageKind::Invoke { function, .. } => {
                let name = self.frame.vocabulary.function_row(*function).map_or("", |row| row.name.as_str());
                if name != "FileProfile" {
                    return Err(self.refuse(ledger, stage, &format!("invoke {name}")));
                }
                let message = "the columns of `FileProfile` belong to Microsoft's service";
                self.drop(ledger, stage, Code::StageDropped, Effect::Reshaped, message);
                self.omitted.push((stage.span, "enrichment"));
                self.scopes.open();
                for name in [
                    "GlobalPrevalence",
                    "GlobalFirstSeen",
                    "GlobalLastSeen",
                    "Signer",
                    "Issuer",
                    "SignerHash",
                    "IsCertificateValid",
                    "IsRootSignerMicrosoft",
                    "SignatureState",
                    "IsExecutable",
                    "ThreatName",
                    "Publisher",
                    "SoftwareName",
                    "ProfileAvailability",
                ] {
                    self.lose(&Arc::from(name), PLUGIN);
                }
                self.scopes.lose_unknown(PLUGIN);
            }
            // How a chart shows the rows is no part of the rows.
            StageKind::Render { chart } => {
                ledger.carried_whole(stage);
                let message = format!("`render {chart}` is not part of the rule");
                ledger.note(Polarity::Positive, Diagnostic::note(Code::Ignored, Effect::Exact, stage.span, message));
            }
            StageKind::Untranslated(operator) => return Err(self.refuse(ledger, stage, operator.name())),
        }
        Ok(())
    }

    /// Leaves out a stage whose rows are not the events: fewer than they where several make one, more where one is joined or
    /// expanded. The first effect is that on the events, the second that on a count of them behind the stage.
    fn drop_rows(&mut self, ledger: &mut Ledger, stage: &Stage, code: Code, effects: [Effect; 2], message: &str) {
        let [effect, counted] = effects;
        self.widened |= effect == Effect::Broader;
        let effect = if self.counted { counted } else { effect };
        ledger.dropped(stage, Polarity::Positive, Diagnostic::note(code, effect, stage.span, message));
    }

    fn drop(&mut self, ledger: &mut Ledger, stage: &Stage, code: Code, effect: Effect, message: &str) {
        self.widened |= effect == Effect::Broader;
        ledger.dropped(stage, Polarity::Positive, Diagnostic::note(code, effect, stage.span, message));
    }

    fn refuse(&self, ledger: &mut Ledger, stage: &Stage, name: &str) -> Refused {
        let answer = Capability::of_stage(&stage.kind).map(|capability| self.frame.facts.capabilities.get(capability));
        let why = answer.and_then(|answer| answer.note.as_deref()).unwrap_or("a Sigma rule selects single events");
        let refusal = Diagnostic::refusal(Code::RefusedOperator, stage.span, format!("`{name}`: {why}"));
        let help = answer
            .and_then(|answer| answer.instead.as_deref())
            .unwrap_or("write a rule for the events before this operator");
        ledger.refuse(stage, refusal.help(help))
    }

    fn lose(&mut self, name: &Arc<str>, why: &'static str) {
        self.scopes.lose(name, why, Code::ConditionDropped);
    }

    fn compute(&mut self, items: &'p [Binding]) {
        self.scopes.open();
        for item in items {
            self.scopes.compute(&item.name, &item.value);
        }
    }

    fn show(&mut self, items: &'p [Binding]) {
        let level = self.scopes.level();
        self.shown = items.iter().map(|item| (&item.value, level)).collect();
    }

    /// The names behind a `summarize`. Where its groups are `counted` a condition on one of their events is none on all.
    fn groups(&mut self, stage: &'p Stage, counted: bool) {
        if matches!(stage.kind, StageKind::Count) {
            self.scopes.open();
            self.scopes.count(&Arc::from("Count"));
        }
        let StageKind::Summarize { aggregates, keys } = &stage.kind else { return };
        self.show(keys);
        self.scopes.open();
        for key in keys {
            self.scopes.keep(&key.name, &key.value);
        }
        for each in aggregates {
            self.aggregate(each, counted);
        }
    }

    fn aggregate(&mut self, binding: &'p AggregateBinding, counted: bool) {
        self.scopes.aggregate(binding);
        match &binding.value {
            AggregateValue::One(of) => {
                // The row that is taken is one event of the group.
                let one = !counted
                    && matches!(of.kind, AggregateKind::ArgMax | AggregateKind::ArgMin | AggregateKind::TakeAny);
                if let (true, ArgColumns::None, [value]) = (one, &of.columns, of.args.as_slice()) {
                    self.scopes.of_one(&binding.name, value);
                }
                self.columns(of, one);
            }
            AggregateValue::Computed { of, .. } => of.iter().for_each(|of| self.columns(of, false)),
        }
    }

    /// The columns that an aggregate takes from one event of the group.
    fn columns(&mut self, of: &'p Aggregate, one: bool) {
        match (&of.columns, one) {
            (ArgColumns::None, _) => {}
            (ArgColumns::All, true) => self.scopes.all_of_one(),
            (ArgColumns::All, false) => self.scopes.lose_all(AGGREGATE, Code::ThresholdDropped, false),
            (ArgColumns::Named(items), true) => {
                items.iter().for_each(|item| self.scopes.of_one(&item.name, &item.value));
            }
            (ArgColumns::Named(items), false) => {
                items.iter().for_each(|item| self.scopes.lose(&item.name, AGGREGATE, Code::ThresholdDropped));
            }
        }
    }

    /// A join that no correlation says.
    fn join(&mut self, ledger: &mut Ledger, stage: &'p Stage, join: &'p Join, name: &str) -> Result<(), Refused> {
        let why = self.not.get(&stage.id).map(|why| format!(": {}", why.message)).unwrap_or_default();
        // The effect on the events, and that on a count of them behind the join.
        let (effect, counted, message) = match join.kind {
            JoinKind::LeftOuter => {
                (Effect::Reshaped, Effect::Narrower, "the columns of the other side are not there".to_owned())
            }
            JoinKind::FullOuter => {
                (Effect::Reshaped, Effect::Unsure, "each side is a rule of its own, and rows are not joined".to_owned())
            }
            JoinKind::LeftSemi | JoinKind::Inner | JoinKind::InnerUnique => {
                let pairs = if join.kind == JoinKind::LeftSemi { Effect::Broader } else { Effect::Unsure };
                let message = format!("events without a counterpart on the other side are selected too{why}");
                (Effect::Broader, pairs, message)
            }
            JoinKind::LeftAnti => {
                let message = "events with a counterpart on the other side are selected too".to_owned();
                (Effect::Broader, Effect::Broader, message)
            }
            JoinKind::RightOuter | JoinKind::RightSemi | JoinKind::RightAnti => {
                return Err(self.refuse(ledger, stage, name));
            }
        };
        self.widened |= effect == Effect::Broader;
        let effect = if self.counted { counted } else { effect };
        let note = Diagnostic::note(Code::JoinDropped, effect, stage.span, message);
        if join.kind == JoinKind::FullOuter {
            // The right side is in rules of its own.
            ledger.rewritten(stage.id, Polarity::Positive, note);
            join.on.iter().for_each(|key| ledger.carried_whole(key));
        } else {
            ledger.dropped(stage, Polarity::Positive, note);
            self.omitted.push((stage.span, "join"));
        }
        match join.kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => {}
            JoinKind::Inner
            | JoinKind::InnerUnique
            | JoinKind::LeftOuter
            | JoinKind::RightOuter
            | JoinKind::FullOuter
            | JoinKind::RightSemi
            | JoinKind::RightAnti => self.without_right(join),
        }
        Ok(())
    }

    /// The names behind a join in the rows of its left side.
    fn without_right(&mut self, join: &'p Join) {
        self.scopes.open();
        for (_, after) in brought(join) {
            self.lose(&after, JOINED);
        }
        if join.right.columns.open {
            self.scopes.lose_unknown(JOINED);
        }
    }

    /// The names behind a join in the rows of its right side.
    fn as_right(&mut self, join: &'p Join) {
        match join.kind {
            JoinKind::RightSemi | JoinKind::RightAnti => {}
            JoinKind::LeftSemi | JoinKind::LeftAnti => {
                self.scopes.open();
                self.scopes.lose_all(JOINED, Code::ConditionDropped, false);
            }
            JoinKind::Inner
            | JoinKind::InnerUnique
            | JoinKind::LeftOuter
            | JoinKind::RightOuter
            | JoinKind::FullOuter => {
                self.scopes.open();
                for (own, after) in brought(join) {
                    self.scopes.rename(&after, ColumnRef { name: own, known: true });
                }
                self.scopes.lose_all(JOINED, Code::ConditionDropped, join.right.columns.open);
            }
        }
    }
}

/// The columns of the right side behind a join: their own names, and those that they have then. A key of the same name on
/// both sides is that of the left side.
fn brought(join: &Join) -> Vec<(Arc<str>, Arc<str>)> {
    let RowType { columns, open: _ } = &join.right.columns;
    let is_key = |column: &Arc<str>| {
        join.on.iter().any(|key| {
            let side = |expr: &Expr| expr.as_column().is_some_and(|it| it.name == *column);
            side(&key.right) && side(&key.left)
        })
    };
    columns
        .iter()
        .filter_map(|(own, _)| match join.renamed.iter().find(|(right, _)| right == own) {
            Some((_, after)) => Some((own.clone(), after.clone())),
            None if is_key(own) => None,
            None => Some((own.clone(), own.clone())),
        })
        .collect()
}

/// The names that a stage makes.
fn made(stage: &Stage) -> Vec<Arc<str>> {
    match &stage.kind {
        StageKind::Extend(items)
        | StageKind::Project(items)
        | StageKind::Serialize(items)
        | StageKind::Distinct(items) => {
            items.iter().filter(|item| !keeps(item)).map(|item| item.name.clone()).collect()
        }
        StageKind::Summarize { aggregates, keys } => {
            let keys = keys.iter().filter(|item| !keeps(item)).map(|item| item.name.clone());
            aggregates.iter().map(|item| item.name.clone()).chain(keys).collect()
        }
        StageKind::ProjectRename(items) => items.iter().map(|(name, _)| name.clone()).collect(),
        StageKind::Parse { parts, .. } => parts
            .iter()
            .filter_map(|part| match part {
                ParsePart::Column { name, .. } => Some(name.clone()),
                ParsePart::Any | ParsePart::Text { .. } => None,
            })
            .collect(),
        StageKind::MvExpand { items, .. } | StageKind::MvApply { items, .. } => {
            items.iter().map(|item| item.name.clone()).collect()
        }
        StageKind::ParseKv { columns, .. } => columns.iter().map(|(name, _)| name.clone()).collect(),
        StageKind::Where(_)
        | StageKind::ProjectAway(_)
        | StageKind::ProjectKeep(_)
        | StageKind::ProjectReorder(_)
        | StageKind::Count
        | StageKind::Sort(_)
        | StageKind::Top { .. }
        | StageKind::Take(_)
        | StageKind::Sample(_)
        | StageKind::SampleDistinct { .. }
        | StageKind::Join(_)
        | StageKind::Lookup(_)
        | StageKind::MakeSeries(_)
        | StageKind::Evaluate { .. }
        | StageKind::Invoke { .. }
        | StageKind::Render { .. }
        | StageKind::Untranslated(_) => Vec::new(),
    }
}

/// Whether a column keeps its name and value.
fn keeps(item: &Binding) -> bool {
    matches!(&item.value.kind, ExprKind::Column(column) if column.name == item.name)
}
