//! What becomes of each stage of a pipeline in a rule that selects single events.
//!
//! A stage that only shapes rows goes with a note; one that removes rows may go where that only selects more; any other
//! is refused by name. What conditions say is for `predicate`.

use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Frame, Ledger, Refused};
use crate::plan::{
    Aggregate, AggregateBinding, AggregateKind, AggregateValue, ArgColumns, Binding, Expr, ExprKind, Join, JoinKind,
    ParsePart, RowType, Stage, StageKind,
};
use crate::source::Span;
use crate::target::Capability;

use super::subject::Scopes;

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
}

const AGGREGATE: &str = "an aggregated value";
const JOINED: &str = "a column of the other side of a join";
const EXPANDED: &str = "an element of an expanded list";
const EXTRACTED: &str = "extracted from a text";
const PLUGIN: &str = "a column that a plugin makes";

impl<'p> Walk<'_, '_, 'p> {
    /// Takes the next stage.
    pub(super) fn stage(&mut self, ledger: &mut Ledger, stage: &'p Stage) -> Result<(), Refused> {
        match &stage.kind {
            StageKind::Where(predicate) => {
                ledger.carried(stage.id);
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
            StageKind::Summarize { aggregates, keys } => {
                self.drop(
                    ledger,
                    stage,
                    Code::AggregationDropped,
                    Effect::Reshaped,
                    "the events that would be aggregated are selected; Sigma aggregates in correlation rules, which are not written yet",
                );
                self.omitted.push((stage.span, "aggregation"));
                self.show(keys);
                self.scopes.open();
                for key in keys {
                    self.scopes.keep(&key.name, &key.value);
                }
                for each in aggregates {
                    self.aggregate(each);
                }
            }
            StageKind::Distinct(items) => {
                let message = "every event is selected, not one for each combination of values";
                self.drop(ledger, stage, Code::AggregationDropped, Effect::Reshaped, message);
                self.show(items);
                self.compute(items);
            }
            StageKind::Count => {
                let message = "the events that would be counted are selected";
                self.drop(ledger, stage, Code::AggregationDropped, Effect::Reshaped, message);
                self.omitted.push((stage.span, "count"));
                self.scopes.open();
                self.scopes.lose(&Arc::from("Count"), AGGREGATE, Code::ThresholdDropped);
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
                    self.aggregate(each);
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
                self.drop(ledger, stage, Code::StageDropped, Effect::Broader, message);
                self.omitted.push((stage.span, "expansion of lists"));
                self.scopes.open();
                items.iter().map(|item| &item.name).chain(index).for_each(|name| self.lose(name, EXPANDED));
            }
            StageKind::MvApply { items, body, .. } => {
                let message = "events are selected whole, also those of whose list nothing remains";
                self.drop(ledger, stage, Code::StageDropped, Effect::Broader, message);
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

    fn drop(&self, ledger: &mut Ledger, stage: &Stage, code: Code, effect: Effect, message: &str) {
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

    fn aggregate(&mut self, binding: &'p AggregateBinding) {
        let mut lose = |name: &Arc<str>| self.scopes.lose(name, AGGREGATE, Code::ThresholdDropped);
        lose(&binding.name);
        let mut all = false;
        let mut columns = |of: &Aggregate| match &of.columns {
            ArgColumns::None => {}
            ArgColumns::All => all = true,
            ArgColumns::Named(items) => items.iter().for_each(|item| lose(&item.name)),
        };
        match &binding.value {
            AggregateValue::One(of) => {
                // The row that is taken has the columns of an event, but it is one event of a group: a condition on it
                // says something about the group.
                debug_assert!(
                    of.columns == ArgColumns::None
                        || matches!(of.kind, AggregateKind::ArgMax | AggregateKind::ArgMin | AggregateKind::TakeAny)
                );
                columns(of);
            }
            AggregateValue::Computed { of, .. } => of.iter().for_each(columns),
        }
        if all {
            self.scopes.lose_all(AGGREGATE, Code::ThresholdDropped);
        }
    }

    fn join(&mut self, ledger: &mut Ledger, stage: &'p Stage, join: &'p Join, name: &str) -> Result<(), Refused> {
        let (effect, message) = match join.kind {
            JoinKind::LeftOuter => (Effect::Reshaped, "the columns of the other side are not there"),
            JoinKind::LeftSemi => (Effect::Broader, "events without a counterpart on the other side are selected too"),
            JoinKind::LeftAnti => (Effect::Broader, "events with a counterpart on the other side are selected too"),
            JoinKind::InnerUnique | JoinKind::Inner => {
                let message = format!(
                    "`{name}`: a Sigma rule looks at one event, and the temporal correlation that would say this is not written yet"
                );
                let refusal = Diagnostic::refusal(Code::NotYet, stage.span, message);
                return Err(ledger.refuse(stage, refusal.help("write a rule for each side and correlate them by hand")));
            }
            JoinKind::RightOuter | JoinKind::FullOuter | JoinKind::RightSemi | JoinKind::RightAnti => {
                return Err(self.refuse(ledger, stage, name));
            }
        };
        self.drop(ledger, stage, Code::JoinDropped, effect, message);
        self.omitted.push((stage.span, "join"));
        if join.kind == JoinKind::LeftOuter {
            self.scopes.open();
            let RowType { columns, open } = &join.right.columns;
            let keys: Vec<_> = join.on.iter().filter_map(|key| key.right.as_column()).map(|key| &key.name).collect();
            for (column, _) in columns {
                match join.renamed.iter().find(|(right, _)| right == column) {
                    Some((_, after)) => self.lose(after, JOINED),
                    // The key of a lookup, and a key of one name, is that of the left side.
                    None if keys.contains(&column) => {}
                    None => self.lose(column, JOINED),
                }
            }
            if *open {
                self.scopes.lose_unknown(JOINED);
            }
        }
        Ok(())
    }
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
