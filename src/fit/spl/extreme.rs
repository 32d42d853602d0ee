//! `arg_max`, `arg_min` and `take_any` of several columns: the values of one row of a group.
//!
//! `latest` and `first` pass over what is missing and would mix rows, so the rows are ordered and the first of each group
//! stays. Aggregates beside it are written into each row first (`eventstats`), and so are the columns of a second such
//! aggregate, each with a mark before it so that a missing one is a value, too.
//! See <https://learn.microsoft.com/kusto/query/arg-max-aggregation-function>.

use super::form::{call, number, text};
use std::sync::Arc;

use super::parts::{Parts, read_by};
use super::scope::{Column, Scope};
use super::tree::{Command, EvalExpr, Name, SortBy, SortOrder, StatsAggregate, StatsInput};
use super::{Fit, Fitter};
use crate::diagnostic::{Code, Effect};
use crate::fit::extreme::Extreme;
use crate::plan::{AggregateBinding, AggregateKind, Binding, Expr, ExprKind, NodeRef, ScalarType, Stage, Tree};

/// A value as it is before the groups are made.
struct Ordering<'a> {
    key: SortBy,
    /// The column of the result.
    column: Column<'a>,
    /// Its value in the row.
    value: EvalExpr,
    /// It is a column of the row under its own name.
    own: bool,
}

impl<'a> Fitter<'a, '_> {
    /// A `summarize` in which rows are chosen.
    pub(super) fn extremes(&mut self, stage: &Stage, aggregates: &[AggregateBinding], keys: &[Binding]) -> Fit<()> {
        let mut parts = Parts::default();
        let mut extremes = Vec::new();
        for binding in aggregates {
            match Extreme::of(binding) {
                Some(extreme) => {
                    self.ledger.carried(binding.id);
                    self.ledger.carried(extreme.aggregate.id);
                    extremes.push(extreme);
                }
                None => self.aggregate_binding(binding, &mut parts)?,
            }
        }
        // The one that takes whole rows comes last.
        let main = extremes.iter().position(Extreme::takes_all).unwrap_or(extremes.len().saturating_sub(1));
        let main = extremes.remove(main.min(extremes.len().saturating_sub(1)));
        let mut read = std::collections::BTreeSet::new();
        for tree in extremes.iter().chain([&main]).map(|it| it.binding) {
            columns_of(tree, &mut read);
        }
        for key in keys {
            columns_of(key, &mut read);
        }
        self.own_names(&mut parts, &read, main.takes_all());
        let made = std::mem::take(&mut parts.made);
        let read = read_by(&parts.aggregates);
        for key in keys {
            self.key(key, &read, true, &mut parts)?;
        }
        self.base_open = false;
        let mut others = Vec::new();
        for extreme in extremes {
            others.push(self.packed_row(stage, extreme, &mut parts)?);
        }
        let ordering = self.ordering(main, &mut parts)?;
        parts.away.extend(parts.numbered.clone());
        self.before_groups(&mut parts);
        let mut items: Vec<(Arc<str>, Column<'a>, EvalExpr)> = Vec::new();
        for ((name, column), field) in parts.made.iter().zip(&parts.by) {
            items.push((name.clone(), column.clone(), EvalExpr::Field(field.clone())));
        }
        for (order, firsts, columns) in others {
            if let Some(order) = order {
                self.commands.push(Command::Sort { count: None, keys: vec![order] });
            }
            self.commands.push(Command::EventStats { aggregates: firsts, by: parts.by.clone() });
            items.extend(columns);
        }
        if !parts.aggregates.is_empty() {
            self.commands.push(Command::EventStats { aggregates: parts.aggregates.clone(), by: parts.by.clone() });
        }
        if !parts.after.is_empty() {
            self.commands.push(Command::Eval(std::mem::take(&mut parts.after)));
        }
        if let Some(ordering) = ordering.as_ref().filter(|_| main.aggregate.kind != AggregateKind::TakeAny) {
            self.commands.push(Command::Sort { count: None, keys: vec![ordering.key.clone()] });
        }
        self.commands.push(if parts.by.is_empty() { Command::Head(1) } else { Command::Dedup(parts.by.clone()) });
        for (name, column) in made {
            // What was computed beside it lies in a field of its own.
            let field = parts.renames.iter().find(|(_, to)| *to == column.field).map(|(from, _)| from.clone());
            let field = field.unwrap_or_else(|| column.field.clone());
            items.push((name, column, EvalExpr::Field(field)));
        }
        if main.takes_all() {
            return self.whole_row(main, ordering, items, parts);
        }
        if let Some(ordering) = ordering {
            items.push((main.binding.name.clone(), ordering.column, ordering.value));
        }
        for column in main.columns() {
            let (made, value) = self.binding(column, &[])?;
            items.push((column.name.clone(), Column { raw: false, ..made }, value));
        }
        self.reshape(items, &[])
    }

    /// Aggregates beside a chosen row must not cover what it holds: where there is such a column, they wait in a field of
    /// the query's own, whose new name is put into `renames`.
    pub(super) fn own_names(&mut self, parts: &mut Parts<'a>, read: &std::collections::BTreeSet<Arc<str>>, all: bool) {
        for at in 0..parts.made.len() {
            let Some((name, column)) = parts.made.get(at) else { continue };
            let (name, field) = (name.clone(), column.field.clone());
            let covers = read.contains(&name) || all && (self.may_exist(&name) || self.may_exist(field.text()));
            if !covers {
                continue;
            }
            let helper = self.helper();
            for aggregate in &mut parts.aggregates {
                if aggregate.name == field {
                    aggregate.name = helper.clone();
                }
            }
            for (target, value) in &mut parts.after {
                if *target == field {
                    *target = helper.clone();
                    value.rename(&field, &helper);
                }
            }
            parts.away.push(helper.clone());
            parts.renames.push((helper, field));
        }
    }

    /// What orders the rows of a group, missing values last.
    fn ordering(&mut self, extreme: Extreme<'_>, parts: &mut Parts<'a>) -> Fit<Option<Ordering<'a>>> {
        let (aggregate, binding) = (extreme.aggregate, extreme.binding);
        let Some(by) = aggregate.args.first() else { return Ok(None) };
        let any = aggregate.kind == AggregateKind::TakeAny;
        let value = if any { self.value(by)? } else { self.operand(by)? };
        let held = self.held_column(by)?.zip(by.as_column().map(|reference| reference.name.clone()));
        let source = held.as_ref().map(|(column, _)| column.clone());
        let own = match &held {
            Some((column, name)) if column.field.text() == "_time" && *name == binding.name => column.field.clone(),
            _ => self.new_field(&binding.name, binding.span)?,
        };
        let mut column = match source {
            Some(source) if source.is_field() => Column { field: own, raw: false, known: None, ..source },
            Some(_) | None => Column::computed(own, by.ty),
        };
        let own = held.as_ref().is_some_and(|(source, name)| *name == binding.name && source.is_field());
        let bare = held.as_ref().filter(|(source, _)| source.is_field()).map(|(source, _)| source.bare());
        if any {
            // Any row will do; its value is the column's.
            column.null_text = None;
            let field = match value {
                EvalExpr::Field(field) => field,
                value => self.before_value(value, parts),
            };
            let value = EvalExpr::Field(field.clone());
            let key = SortBy { field, descending: true, order: SortOrder::Auto };
            let message = "KQL may take any row of a group; Splunk takes the first";
            self.note(Code::ArbitraryChoice, Effect::Exact, aggregate.span, message);
            return Ok(Some(Ordering { key, column, value, own }));
        }
        let descending = aggregate.kind == AggregateKind::ArgMax;
        let time = matches!(by.ty, ScalarType::Datetime | ScalarType::Timespan);
        let text = matches!(by.ty, ScalarType::String | ScalarType::Guid);
        let order = if text {
            SortOrder::Text
        } else if by.ty.is_numeric() || time || column.seconds {
            SortOrder::Number
        } else {
            SortOrder::Auto
        };
        if order != SortOrder::Number {
            let message = "texts are ordered by their characters, and what Splunk holds as text may be of another type";
            self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
        }
        if !column.present && by.ty != ScalarType::String {
            let message = "which row is taken where the value is missing in a whole group may differ";
            self.note(Code::NullSemantics, Effect::Unsure, aggregate.span, message);
        }
        let field = match value {
            EvalExpr::Field(field) => {
                if by.ty == ScalarType::String && !descending {
                    parts.fill.push(field.clone());
                }
                field
            }
            value => {
                if !own {
                    column.null_text = None;
                    column.seconds |= time;
                }
                let value = if by.ty == ScalarType::String { EvalExpr::or_empty(value) } else { value };
                self.before_value(value, parts)
            }
        };
        let value = match bare {
            Some(bare) if own => bare,
            Some(_) | None => EvalExpr::Field(field.clone()),
        };
        Ok(Some(Ordering { key: SortBy { field, descending, order }, column, value, own }))
    }

    /// A value that is computed before the groups are made.
    fn before_value(&mut self, value: EvalExpr, parts: &mut Parts<'a>) -> Name {
        let helper = self.helper();
        parts.before.push((helper.clone(), value));
        parts.away.push(helper.clone());
        helper
    }

    /// A choice beside another: its columns with a mark before them, and what becomes of them.
    #[allow(clippy::type_complexity)] // Three lists that are used at once.
    fn packed_row(
        &mut self,
        stage: &Stage,
        extreme: Extreme<'_>,
        parts: &mut Parts<'a>,
    ) -> Fit<(Option<SortBy>, Vec<StatsAggregate>, Vec<(Arc<str>, Column<'a>, EvalExpr)>)> {
        let ordering = self.ordering(extreme, parts)?;
        let any = extreme.aggregate.kind == AggregateKind::TakeAny;
        let key = ordering.as_ref().filter(|_| !any).map(|ordering| ordering.key.clone());
        let mut values = Vec::new();
        if let Some(ordering) = ordering {
            values.push((extreme.binding.name.clone(), ordering.column, ordering.value));
        }
        for column in extreme.columns() {
            let (made, value) = self.binding(column, &[])?;
            values.push((column.name.clone(), Column { raw: false, ..made }, value));
        }
        if extreme.takes_all() {
            let message = "of two choices of whole rows only one is kept";
            self.note(Code::ColumnsDropped, Effect::Reshaped, stage.span, message);
        }
        let mut firsts = Vec::new();
        let mut columns = Vec::new();
        for (name, column, value) in values {
            let marked = EvalExpr::Concat(vec![text("="), EvalExpr::or_empty(value)]);
            let helper = self.before_value(marked, parts);
            firsts.push(StatsAggregate {
                function: "first".to_owned(),
                of: StatsInput::Field(helper.clone()),
                name: helper.clone(),
            });
            let bare = call("substr", [EvalExpr::Field(helper), number(2)]);
            let number = column.ty.is_numeric()
                || column.present
                || matches!(column.ty, ScalarType::Datetime | ScalarType::Timespan) && column.seconds;
            let value = if number { call("tonumber", [bare]) } else { bare };
            columns.push((name, Column { blank: column.blank || !number, ..column }, value));
        }
        Ok((key, firsts, columns))
    }

    /// `arg_max(x, *)`: the row stays as it is, with the aggregates beside it.
    fn whole_row(
        &mut self,
        main: Extreme<'_>,
        ordering: Option<Ordering<'a>>,
        items: Vec<(Arc<str>, Column<'a>, EvalExpr)>,
        mut parts: Parts<'a>,
    ) -> Fit<()> {
        let mut renames = Vec::new();
        let mut assignments = Vec::new();
        let mut made = Vec::new();
        let keys = parts.by.len();
        for (index, (name, column, value)) in items.into_iter().enumerate() {
            match value {
                EvalExpr::Field(field) if field == column.field => {}
                EvalExpr::Field(field) if index < keys => renames.push((field, column.field.clone())),
                value => assignments.push((column.field.clone(), value)),
            }
            made.push((name, column));
        }
        if let Some(ordering) = ordering
            && !ordering.own
            && ordering.key.field != ordering.column.field
        {
            // The value that orders stands under its new name, and no longer under its own.
            renames.push((ordering.key.field.clone(), ordering.column.field.clone()));
            made.push((main.binding.name.clone(), ordering.column));
        }
        if !assignments.is_empty() {
            self.commands.push(Command::Eval(assignments));
        }
        parts.away.retain(|helper| renames.iter().all(|(from, _)| from != helper));
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        if !parts.away.is_empty() {
            self.commands.push(Command::FieldsAway(parts.away));
        }
        let Scope { made: columns, .. } = &mut self.scope;
        columns.extend(made);
        for column in columns.values_mut() {
            column.raw = false;
        }
        Ok(())
    }
}

/// The columns that a part of the hunt reads.
fn columns_of(tree: &dyn Tree, read: &mut std::collections::BTreeSet<Arc<str>>) {
    tree.visit(&mut |node| {
        if let NodeRef::Expr(Expr { kind: ExprKind::Column(column), .. }) = node {
            read.insert(column.name.clone());
        }
    });
}
