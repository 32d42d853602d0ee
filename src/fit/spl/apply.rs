//! `mv-apply`: a pipeline over the elements of one row.
//!
//! The row is expanded, the stages work on its elements, and where they group or order them the number of the row is a key.
//! A group of no elements is a group, too, so that a condition before a `summarize` becomes one of its aggregates.
//! See <https://learn.microsoft.com/kusto/query/mv-apply-operator>.

use super::form::{number, when};
use std::collections::BTreeSet;
use std::sync::Arc;

use super::parts::{Parts, read_by};
use super::scope::Column;
use super::tree::{
    Command, Comparison, EvalExpr, Name, Order, SortBy, SortOrder, StatsAggregate, StatsInput, StreamWindow,
};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::Code;
use crate::fit::extreme::Extreme;
use crate::plan::{AggregateBinding, Binding, Expr, MvItem, SortKey, Stage, StageKind, Value};

/// The stages of a body, while they are fitted.
struct Body {
    /// The field that numbers the rows.
    row: Option<Name>,
    /// What must hold of an element that counts.
    only: Option<EvalExpr>,
    /// The columns of the elements' row that are not those of the outer one; `None`: all.
    inner: Option<BTreeSet<Arc<str>>>,
}

impl<'a> Fitter<'a, '_> {
    /// `mv-apply`
    pub(super) fn mv_apply(
        &mut self,
        stage: &Stage,
        items: &[MvItem],
        limit: Option<&Expr>,
        body: &[Stage],
    ) -> Fit<()> {
        let limit = self.expand_limit(limit)?;
        let groups = |stage: &Stage| {
            matches!(
                stage.kind,
                StageKind::Summarize { .. } | StageKind::Sort(_) | StageKind::Top { .. } | StageKind::Take(_)
            )
        };
        let keep = body.iter().any(|stage| matches!(&stage.kind, StageKind::Summarize { keys, .. } if keys.is_empty()));
        let mut state = Body { row: None, only: None, inner: None };
        if body.iter().any(groups) {
            let row = self.helper();
            let count = StatsAggregate { function: "count".to_owned(), of: StatsInput::Rows, name: row.clone() };
            let over = StreamWindow::UpTo;
            self.commands.push(Command::StreamStats { aggregates: vec![count], by: Vec::new(), over });
            state.row = Some(row);
        }
        self.base_open = false;
        let outer = self.scope.made.clone();
        let mut arrays = Vec::new();
        let mut own = Vec::new();
        for item in items {
            // The array itself is still there afterwards, unless the body gives its name to something else.
            let taken = outer.contains_key(&item.name) || self.may_exist(&item.name);
            let field = if taken { self.helper() } else { self.new_field(&item.name, item.value.span)? };
            own.push((item.name.clone(), field.clone()));
            arrays.push(self.array(item, field)?);
        }
        self.expand(stage, arrays, None, limit, keep)?;
        for (at, stage) in body.iter().enumerate() {
            self.ledger.carried(stage.id);
            let rest = body.get(at + 1..).unwrap_or_default();
            self.element_stage(stage, rest, &mut state)?;
        }
        // What the outer row has, and over it what came out of the body.
        let mut made = std::mem::replace(&mut self.scope.made, outer);
        if let Some(inner) = &state.inner {
            made.retain(|name, _| inner.contains(name));
        }
        let mut away: Vec<Name> = state.row.into_iter().collect();
        for (name, field) in own {
            match made.get_mut(&name) {
                Some(column) if column.field == field && field.text() != name.as_ref() => {
                    let target = Name::new(name.as_ref());
                    if let Some(target) = target {
                        self.commands.push(Command::Eval(vec![(target.clone(), EvalExpr::Field(field.clone()))]));
                        column.field = target;
                    }
                    away.push(field);
                }
                Some(column) if column.field == field => {}
                Some(_) | None => away.push(field),
            }
        }
        if !away.is_empty() {
            self.commands.push(Command::FieldsAway(away));
        }
        self.scope.made.extend(made);
        Ok(())
    }

    /// A stage over elements.
    fn element_stage(&mut self, stage: &Stage, rest: &[Stage], body: &mut Body) -> Fit<()> {
        let counted = rest.iter().any(|it| matches!(&it.kind, StageKind::Summarize { keys, .. } if keys.is_empty()));
        match &stage.kind {
            StageKind::Where(predicate) => {
                let condition = self.predicate(predicate)?.eval;
                if !counted {
                    self.commands.push(Command::Where(condition));
                    return Ok(());
                }
                let condition = if rest.first().is_some_and(|it| matches!(it.kind, StageKind::Summarize { .. })) {
                    condition
                } else {
                    // What it looks at may have changed when the elements are counted.
                    let flag = self.helper();
                    let value = when(condition, number("1"), number("0"));
                    self.commands.push(Command::Eval(vec![(flag.clone(), value)]));
                    self.commands.push(Command::FieldsAway(vec![flag.clone()]));
                    EvalExpr::eq(EvalExpr::Field(flag), number("1"))
                };
                body.only = Some(EvalExpr::all(body.only.take().into_iter().chain([condition])));
                Ok(())
            }
            StageKind::Extend(bindings) => self.element_values(bindings, body, false),
            StageKind::Project(bindings) => self.element_values(bindings, body, true),
            StageKind::Summarize { aggregates, keys } => self.element_groups(stage, aggregates, keys, body),
            StageKind::Sort(keys) => self.element_order(keys, body),
            StageKind::Top { count, keys } => {
                self.element_order(keys, body)?;
                self.element_count(count, body)
            }
            StageKind::Take(count) => self.element_count(count, body),
            StageKind::ProjectAway(_)
            | StageKind::ProjectKeep(_)
            | StageKind::ProjectRename(_)
            | StageKind::ProjectReorder(_)
            | StageKind::Distinct(_)
            | StageKind::Count
            | StageKind::Sample(_)
            | StageKind::SampleDistinct { .. }
            | StageKind::Join(_)
            | StageKind::Lookup(_)
            | StageKind::MvExpand { .. }
            | StageKind::MvApply { .. }
            | StageKind::Parse { .. }
            | StageKind::ParseKv { .. }
            | StageKind::MakeSeries(_)
            | StageKind::Serialize(_)
            | StageKind::Evaluate { .. }
            | StageKind::Invoke { .. }
            | StageKind::Render { .. }
            | StageKind::Untranslated(_) => Err(Unsayable::new(
                Code::RefusedOperator,
                stage.span,
                "this operator over the elements of one row can not be said in SPL",
            )
            .help("use mv-expand, and summarize by a row number")),
        }
    }

    fn element_values(&mut self, bindings: &[Binding], body: &mut Body, only: bool) -> Fit<()> {
        self.extend(bindings, &[])?;
        let names = bindings.iter().map(|binding| binding.name.clone());
        if only {
            body.inner = Some(names.collect());
        } else if let Some(inner) = &mut body.inner {
            inner.extend(names);
        }
        Ok(())
    }

    /// `summarize` over the elements of a row: each element gets the aggregates of its row, and one of them stays.
    fn element_groups(
        &mut self,
        stage: &Stage,
        aggregates: &[AggregateBinding],
        keys: &[Binding],
        body: &mut Body,
    ) -> Fit<()> {
        let only = body.only.take();
        if aggregates.iter().any(|binding| Extreme::of(binding).is_some()) {
            return Err(Unsayable::not_yet(stage.span, "`arg_max` over the elements of one row")
                .help("use `top 1 by` in the body"));
        }
        let mut parts = Parts { only, ..Parts::default() };
        for binding in aggregates {
            self.aggregate_binding(binding, &mut parts)?;
        }
        self.own_names(&mut parts, &BTreeSet::new(), true);
        let made = std::mem::take(&mut parts.made);
        let read = read_by(&parts.aggregates);
        for key in keys {
            self.key(key, &read, true, &mut parts)?;
        }
        self.before_groups(&mut parts);
        let Parts { aggregates, mut by, mut after, away, renames, made: keys, .. } = parts;
        by.splice(0..0, body.row.clone());
        if !aggregates.is_empty() {
            self.commands.push(Command::EventStats { aggregates, by: by.clone() });
        }
        after.extend(renames.into_iter().map(|(from, to)| (to, EvalExpr::Field(from))));
        if !after.is_empty() {
            self.commands.push(Command::Eval(after));
        }
        if !by.is_empty() {
            self.commands.push(Command::Dedup(by));
        }
        if !away.is_empty() {
            self.commands.push(Command::FieldsAway(away));
        }
        let columns: Vec<(Arc<str>, Column<'a>)> = made.into_iter().chain(keys).collect();
        body.inner = Some(columns.iter().map(|(name, _)| name.clone()).collect());
        self.scope.made.extend(columns);
        Ok(())
    }

    fn element_order(&mut self, keys: &[SortKey], body: &Body) -> Fit<()> {
        self.sort(keys, None)?;
        let last = self.commands.iter_mut().rfind(|command| matches!(command, Command::Sort { .. }));
        if let (Some(Command::Sort { keys, .. }), Some(row)) = (last, &body.row) {
            keys.insert(0, SortBy { field: row.clone(), descending: false, order: SortOrder::Number });
        }
        Ok(())
    }

    fn element_count(&mut self, count: &Expr, body: &Body) -> Fit<()> {
        self.ledger.carried(count.id);
        let Some(Value::Long(number)) = count.as_literal() else {
            return Err(Unsayable::not_yet(count.span, "a number of elements that is no constant"));
        };
        let position = self.helper();
        let one = StatsAggregate { function: "count".to_owned(), of: StatsInput::Rows, name: position.clone() };
        let by = body.row.iter().cloned().collect();
        self.commands.push(Command::StreamStats { aggregates: vec![one], by, over: StreamWindow::UpTo });
        let within = EvalExpr::compare(
            Comparison::Order(Order::Le),
            EvalExpr::Field(position.clone()),
            EvalExpr::Number(number.to_string()),
        );
        self.commands.push(Command::Where(within));
        self.commands.push(Command::FieldsAway(vec![position]));
        Ok(())
    }
}
