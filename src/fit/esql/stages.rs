//! The operators of a pipeline that keep rows apart: filters, order, and how many rows stay.

use super::scope::{Column, Scope};
use super::tree::{Aggregate, Command, Expr, Name, SortKey as Key, own};
use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::Window;
use crate::fit::parse::Pattern;
use crate::plan::{Binding, Expr as Meant, ScalarType, SortKey, Stage, StageKind, UntranslatedOperator, Value};
use crate::target::{Capability, Support};

impl<'a> Fitter<'a, '_> {
    /// An operator; `rest` are those after it.
    pub(super) fn stage(&mut self, stage: &Stage, rest: &[Stage], window: &Window<'_>) -> Fit<()> {
        self.ledger.carried(stage.id);
        self.operator(stage, rest, window).map_err(|reason| self.of_neighbours(stage).unwrap_or(reason))
    }

    fn operator(&mut self, stage: &Stage, rest: &[Stage], window: &Window<'_>) -> Fit<()> {
        match &stage.kind {
            StageKind::Where(predicate) => self.filter(predicate, window),
            StageKind::Extend(bindings) => self.extend(bindings),
            StageKind::Project(bindings) => self.project(bindings),
            StageKind::ProjectAway(patterns) => self.project_away(stage, patterns),
            StageKind::ProjectKeep(patterns) => self.project_keep(stage, patterns),
            StageKind::ProjectRename(pairs) => self.project_rename(pairs),
            StageKind::ProjectReorder(patterns) => self.project_reorder(stage, patterns),
            StageKind::Summarize { aggregates, keys } => self.summarize(stage, aggregates, keys, rest),
            StageKind::Distinct(bindings) => self.distinct(stage, bindings),
            StageKind::Count => {
                let name = self.new_name("Count", stage.span)?;
                let count = Aggregate { name: name.clone(), value: Expr::call("COUNT", [Expr::Star]), only: None };
                self.commands.push(Command::Stats { inline: false, aggregates: vec![count], by: Vec::new() });
                self.scope = Scope::default();
                let column = Column { present: true, ..Column::computed(name, ScalarType::Long) };
                self.scope.made.insert("Count".into(), column);
                self.at_most = Some(1);
                Ok(())
            }
            StageKind::Sort(keys) => self.sort(keys),
            StageKind::Top { count, keys } => {
                let count = self.row_count(count)?;
                self.sort(keys)?;
                self.limit(count);
                Ok(())
            }
            StageKind::Take(count) | StageKind::Sample(count) => {
                let count = self.row_count(count)?;
                let message = "KQL may return any rows here; Elasticsearch returns the first that it finds";
                self.note(Code::ArbitraryChoice, Effect::Exact, stage.span, message);
                self.limit(count);
                Ok(())
            }
            StageKind::SampleDistinct { count, of } => {
                let count = self.row_count(count)?;
                let message = "KQL may return any values here; Elasticsearch returns the first that it finds";
                self.note(Code::ArbitraryChoice, Effect::Exact, stage.span, message);
                let Some(reference) = of.as_column() else {
                    return Err(
                        unwritten(of.span, "a sample of a computed value").help("extend a column with it first")
                    );
                };
                let binding = Binding { id: of.id, span: of.span, name: reference.name.clone(), value: of.clone() };
                self.distinct(stage, std::slice::from_ref(&binding))?;
                self.limit(count);
                Ok(())
            }
            StageKind::Render { chart } => {
                let message = format!("`render {chart}` is not part of the query");
                self.note(Code::Ignored, Effect::Exact, stage.span, message);
                Ok(())
            }
            StageKind::Parse { subject, kind, flags, parts, filter } => {
                let pattern = Pattern { subject, kind: *kind, flags: flags.as_deref(), parts, filter: *filter };
                self.parse(stage, &pattern)
            }
            StageKind::MvExpand { items, index, limit } => {
                self.mv_expand(stage, items, index.as_ref(), limit.as_ref(), rest)
            }
            StageKind::MvApply { items, limit, body } => {
                self.mv_apply(stage, items, limit.as_ref(), body, rest, window)
            }
            StageKind::Join(join) => self.join(stage, join, false, rest),
            StageKind::Lookup(join) => self.join(stage, join, true, rest),
            StageKind::Serialize(bindings) => self.extend(bindings),
            StageKind::Evaluate { plugin, args } => self.evaluate(stage, *plugin, args, rest),
            StageKind::Invoke { function, args } => self.invoke(stage, *function, args, rest),
            StageKind::MakeSeries(series) => self.make_series(stage, series, rest),
            StageKind::ParseKv { .. } | StageKind::Untranslated(_) => Err(self.unsupported(stage)),
        }
    }

    /// The refusal of an operator.
    pub(super) fn unsupported(&self, stage: &Stage) -> Unsayable {
        if let StageKind::Untranslated(operator) = &stage.kind {
            let (why, instead) = untranslated(*operator);
            let message = format!("`{}` can not be said in ES|QL: {why}", operator.name());
            return Unsayable::new(Code::RefusedOperator, stage.span, message).help(instead);
        }
        let Some(capability) = Capability::of_stage(&stage.kind) else {
            return Unsayable::new(Code::RefusedOperator, stage.span, "the operator can not be said in ES|QL");
        };
        let answer = self.frame.facts.capabilities.get(capability);
        let name = capability.name().replace('_', "-");
        if answer.is != Support::Refused {
            return unwritten(stage.span, format!("`{name}`"));
        }
        let note = answer.note.as_deref().unwrap_or("ES|QL has no counterpart of it");
        let refused =
            Unsayable::new(Code::RefusedOperator, stage.span, format!("`{name}` can not be said in ES|QL: {note}"));
        match &answer.instead {
            Some(instead) => refused.help(instead.clone()),
            None => refused,
        }
    }

    /// `where`
    fn filter(&mut self, predicate: &Meant, window: &Window<'_>) -> Fit<()> {
        self.ledger.carried(predicate.id);
        self.conditions_alone(predicate);
        let mut parts = Vec::new();
        for conjunct in predicate.conjuncts() {
            if window.holds(conjunct) {
                continue;
            }
            match self.predicate(conjunct) {
                Ok(condition) => parts.push(condition),
                Err(reason) => {
                    let reason = self.of_neighbours(conjunct).unwrap_or(reason);
                    self.leave_out(conjunct, reason)?;
                }
            }
        }
        let condition = Expr::all(parts);
        if condition != Expr::Bool(true) {
            self.commands.push(Command::Where(condition));
        }
        Ok(())
    }

    /// `distinct`: a group for each combination of values.
    fn distinct(&mut self, stage: &Stage, bindings: &[Binding]) -> Fit<()> {
        if !bindings.is_empty() {
            return self.summarize(stage, &[], bindings, &[]);
        }
        if self.scope.events || self.scope.open {
            return Err(unwritten(stage.span, "`distinct *` of whole events").help("name the columns"));
        }
        let names: Vec<Name> = self.scope.made.values().map(|column| column.field.clone()).collect();
        let mut fills = Vec::new();
        for column in self.scope.made.values_mut() {
            if column.ty == ScalarType::String && !column.present && !column.empty_is_absent {
                fills.push((column.field.clone(), column.bare().or_empty()));
                column.present = true;
            }
        }
        if !fills.is_empty() {
            self.commands.push(Command::Eval(fills));
        }
        self.commands.push(Command::Stats { inline: false, aggregates: Vec::new(), by: own(&names) });
        Ok(())
    }

    /// At most so many rows.
    pub(super) fn limit(&mut self, count: u64) {
        self.commands.push(Command::Limit { count, by: Vec::new() });
        self.at_most = Some(self.at_most.map_or(count, |rows| rows.min(count)));
    }

    pub(super) fn row_count(&mut self, count: &Meant) -> Fit<u64> {
        self.ledger.carried(count.id);
        match count.as_literal() {
            Some(Value::Long(number)) if (0..=i64::from(i32::MAX)).contains(number) => Ok(number.unsigned_abs()),
            _ => Err(unwritten(count.span, "a number of rows that is no small constant")),
        }
    }

    /// `sort`
    pub(super) fn sort(&mut self, keys: &[SortKey]) -> Fit<()> {
        let mut by = Vec::new();
        for key in keys {
            self.ledger.carried(key.id);
            let column = self.held_column(&key.value)?;
            let there = column.as_ref().is_some_and(|column| self.is_there(&key.value, column));
            let value =
                if key.value.ty == ScalarType::Dynamic { self.operand(&key.value)? } else { self.value(&key.value)? };
            let text = key.value.ty == ScalarType::String && !there;
            // A missing text is the empty one, before all others.
            let nulls_first = if text || there { !key.descending } else { key.nulls_first };
            let value =
                if text && !column.is_some_and(|column| column.empty_is_absent) { value.or_empty() } else { value };
            let nulls_first = if value.never_null() || there { key.descending } else { nulls_first };
            by.push(Key { value, descending: key.descending, nulls_first });
        }
        self.commands.push(Command::Sort(by));
        Ok(())
    }
}

/// Why an operator has no counterpart, and what is near it.
fn untranslated(operator: UntranslatedOperator) -> (&'static str, &'static str) {
    use UntranslatedOperator as Operator;
    match operator {
        Operator::AssertSchema => ("a query does not test its columns", "leave it out"),
        Operator::ExecuteAndCache => ("results are not kept", "leave it out"),
        Operator::Facet | Operator::Fork => ("a query gives one table", "one hunt for each table"),
        Operator::GetSchema => ("a query does not give its columns", "the mapping of the index"),
        Operator::Graph => ("there are no graphs", "a `sequence` of the target eql, or joins"),
        Operator::MacroExpand => ("a query reads no list of clusters", "one hunt for each"),
        Operator::Partition => (
            "what is done to the rows of a part is not read",
            "`top` or `take` of each part are `SORT` and `LIMIT … BY`",
        ),
        Operator::Reduce => ("groups by likeness are not the same", "`CATEGORIZE` as a key of `STATS`"),
        Operator::Scan => ("no command goes over the rows by steps", "a `sequence` of the target eql"),
        Operator::TopHitters => ("the most frequent values are not estimated", "summarize by the value, and top"),
        Operator::TopNested => ("groups within groups are not written", "summarize by all the keys, and top"),
    }
}
