//! `arg_max`, `arg_min` and `take_any` of several columns: the values of one row of a group.
//!
//! The rows are ordered and the first of each group stays (`LIMIT 1 BY`): `LAST` of each column would mix rows of the same
//! time. Aggregates beside it are written into each row first (`INLINE STATS`), and so are the columns of a second choice.
//! See <https://learn.microsoft.com/kusto/query/arg-max-aggregation-function> and
//! <https://www.elastic.co/docs/reference/query-languages/esql/commands/limit>.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::projection::Item;
use super::scope::Column;
use super::summarize::Parts;
use super::tree::{Aggregate as Said, Command, Expr, Glob, Name, SortKey, own};
use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::extreme::Extreme;
use crate::plan::{
    AggregateBinding, AggregateKind, Binding, Expr as Meant, ExprKind, NodeRef, ScalarType, Stage, Tree,
};
use crate::target::Construct;

impl Extreme<'_> {
    /// What orders the rows, as a column of the result.
    fn ordering(&self) -> Option<Binding> {
        let by = self.aggregate.args.first()?;
        Some(Binding { id: by.id, span: by.span, name: self.binding.name.clone(), value: by.clone() })
    }
}

impl<'a> Fitter<'a, '_> {
    /// A `summarize` in which rows are chosen.
    pub(super) fn extremes(&mut self, stage: &Stage, aggregates: &[AggregateBinding], keys: &[Binding]) -> Fit<()> {
        let mut parts = Parts { keyed: !keys.is_empty(), ..Parts::default() };
        let mut extremes = Vec::new();
        for key in keys {
            self.key(key, &mut parts)?;
        }
        let key_columns = std::mem::take(&mut parts.made);
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
        // The one that takes whole rows decides which row stays.
        let at = extremes.iter().position(Extreme::takes_all).unwrap_or(extremes.len().saturating_sub(1));
        if at >= extremes.len() {
            return Err(unwritten(stage.span, "a `summarize` of nothing"));
        }
        let main = extremes.remove(at);
        let mut read = BTreeSet::new();
        for binding in aggregates {
            columns_of(binding, &mut read);
        }
        let fields = self.key_fields(&mut parts, &read);
        let mut items: Vec<Item<'a>> = Vec::new();
        for ((name, column), field) in key_columns.into_iter().zip(&fields) {
            items.push((name, column, Expr::Field(field.clone())));
        }
        let order = self.order_of(main)?;
        let chosen = self.row_of(main)?;
        let beside = self.beside(stage, &order, extremes, &mut parts)?;
        let made = self.own_names(&mut parts, &read, main.takes_all());
        if !parts.aggregates.is_empty() {
            self.before_inline(stage)?;
            let aggregates = std::mem::take(&mut parts.aggregates);
            self.commands.push(Command::Stats { inline: true, aggregates, by: own(&fields) });
        }
        if !parts.after.is_empty() {
            self.commands.push(Command::Eval(std::mem::take(&mut parts.after)));
        }
        self.choose(stage, main, order, &fields)?;
        let mut rest = beside;
        rest.extend(made);
        if main.takes_all() {
            // A key that is a field of the event is there as such.
            items.retain(|(name, _, value)| {
                !matches!(value, Expr::Field(field) if fields.contains(field)) || !self.is_event_key(keys, name)
            });
            items.extend(rest);
            self.whole_row(chosen, items, parts.away);
        } else {
            items.extend(rest);
            items.extend(chosen);
            self.reshape(items);
        }
        self.at_most = keys.is_empty().then_some(1);
        Ok(())
    }

    /// The columns of the rows that hold the keys: each is computed in front of the groups unless it is one already.
    fn key_fields(&mut self, parts: &mut Parts<'a>, read: &BTreeSet<Arc<str>>) -> Vec<Name> {
        let mut fields = Vec::new();
        let mut values = Vec::new();
        for (name, value) in std::mem::take(&mut parts.by) {
            if let Expr::Field(field) = value {
                fields.push(field);
                continue;
            }
            // A text that is filled is the same to whoever else reads it.
            let filled = value == Expr::Field(name.clone()).or_empty();
            let target = if filled || !read.contains(name.text()) {
                name
            } else {
                let helper = self.helper();
                parts.away.push(helper.clone());
                helper
            };
            values.push((target.clone(), value));
            fields.push(target);
        }
        if !values.is_empty() {
            self.assign(values);
        }
        fields
    }

    /// In which order the row to be taken comes first; `None` where any will do.
    fn order_of(&mut self, extreme: Extreme<'_>) -> Fit<Option<SortKey>> {
        if extreme.aggregate.kind == AggregateKind::TakeAny {
            let message = "KQL may take any row of a group; Elasticsearch takes the first that it finds";
            self.note(Code::ArbitraryChoice, Effect::Exact, extreme.aggregate.span, message);
            return Ok(None);
        }
        let descending = extreme.aggregate.kind == AggregateKind::ArgMax;
        let Some(by) = extreme.aggregate.args.first() else { return Ok(None) };
        let value = self.operand(by)?;
        // The least of texts is the empty one.
        let value = if by.ty == ScalarType::String && !descending { self.filled(by)? } else { value };
        // Where nothing is missing, the default is written.
        let column = self.held_column(by)?;
        let there = value.never_null() || column.is_some_and(|column| self.is_there(by, &column));
        Ok(Some(SortKey { value, descending, nulls_first: there && descending }))
    }

    /// The columns that are taken of the row.
    fn row_of(&mut self, extreme: Extreme<'_>) -> Fit<Vec<Item<'a>>> {
        let mut items = match extreme.ordering() {
            Some(ordering) => self.items(std::slice::from_ref(&ordering))?,
            None => Vec::new(),
        };
        items.extend(self.items(extreme.columns())?);
        Ok(items)
    }

    /// What is taken by other choices than the main one: of the same row, or of another by `FIRST` and `LAST`.
    fn beside(
        &mut self,
        stage: &Stage,
        order: &Option<SortKey>,
        others: Vec<Extreme<'_>>,
        parts: &mut Parts<'a>,
    ) -> Fit<Vec<Item<'a>>> {
        let mut beside = Vec::new();
        for other in others {
            if other.takes_all() {
                let message = "of two choices of whole rows only one is kept";
                self.note(Code::ColumnsDropped, Effect::Reshaped, stage.span, message);
            }
            let own = self.order_of(other)?;
            let items = self.row_of(other)?;
            let Some(own) = own.filter(|own| Some(own) != order.as_ref()) else {
                beside.extend(items);
                continue;
            };
            let by = other.aggregate.args.first().map_or(ScalarType::Unknown, |by| by.ty);
            if !matches!(by, ScalarType::Datetime | ScalarType::Int | ScalarType::Long | ScalarType::Timespan) {
                let what = "a second choice of rows that is not by a time or a whole number";
                return Err(unwritten(other.aggregate.span, what).help("one hunt for each choice"));
            }
            if items.len() > 2 {
                let message =
                    "of several rows that come first alike, each column of the second choice may be of another";
                self.note(Code::Approximated, Effect::Unsure, other.aggregate.span, message);
            }
            if items.len() > 1 {
                self.needs(Construct::FirstLast, other.aggregate.span)?;
            }
            let function = if own.descending { "LAST" } else { "FIRST" };
            for (index, (name, column, value)) in items.into_iter().enumerate() {
                let helper = self.helper();
                let value = if index > 0 && column.ty == ScalarType::String { value.or_empty() } else { value };
                if index > 0 && !column.present && !value.never_null() {
                    let message =
                        format!("where `{name}` is missing in the row of the second choice, another row may give it");
                    self.note(Code::NullSemantics, Effect::Unsure, other.aggregate.span, message);
                }
                let value = match (index, own.descending) {
                    (0, true) => Expr::call("MAX", [value]),
                    (0, false) => Expr::call("MIN", [value]),
                    _ => Expr::call(function, [value, own.value.clone()]),
                };
                parts.aggregates.push(Said { name: helper.clone(), value, only: None });
                parts.away.push(helper.clone());
                // The event's own time is that of the main choice.
                let field = if column.field == Name::time() {
                    self.new_name(&name, other.binding.span)?
                } else {
                    column.field.clone()
                };
                beside.push((name, Column { field, known: None, ..column }, Expr::Field(helper)));
            }
        }
        Ok(beside)
    }

    /// Aggregates beside a chosen row must not cover what it holds: where there is such a column, they wait in one of the
    /// query's own.
    fn own_names(&mut self, parts: &mut Parts<'a>, read: &BTreeSet<Arc<str>>, all: bool) -> Vec<Item<'a>> {
        let mut items = Vec::new();
        for (name, column) in std::mem::take(&mut parts.made) {
            let covers = read.contains(&name) || all && self.may_exist(&name);
            let field = column.field.clone();
            if !covers {
                items.push((name, column, Expr::Field(field)));
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
                    value.replace(&field, &Expr::Field(helper.clone()));
                }
            }
            parts.away.push(helper.clone());
            items.push((name, column, Expr::Field(helper)));
        }
        items
    }

    /// Whether a key is a column of the event under its own name.
    fn is_event_key(&self, keys: &[Binding], name: &Arc<str>) -> bool {
        let own = |key: &Binding| key.value.as_column().is_some_and(|column| column.name == *name);
        self.is_of_event(name) && keys.iter().any(|key| key.name == *name && own(key))
    }

    /// Whether rows may have a field of this name already.
    pub(super) fn may_exist(&self, name: &str) -> bool {
        let known = |table: &crate::fit::Table<'_>| match table.row {
            Some(row) => row.columns.contains_key(name),
            None => true,
        };
        self.scope.made.values().any(|column| column.field.text() == name)
            || self.scope.made.contains_key(name)
            || self.scope.open
            || self.scope.events && self.tables.iter().any(known)
    }

    /// Makes way for `INLINE STATS`, which stands behind no order and no number of rows.
    fn before_inline(&mut self, stage: &Stage) -> Fit<()> {
        self.needs(Construct::InlineStats, stage.span)?;
        // The groups do not depend on the order.
        let at = self.commands.iter().rposition(|command| matches!(command, Command::Sort(_) | Command::Limit { .. }));
        if let Some(at) = at.filter(|at| matches!(self.commands.get(*at), Some(Command::Sort(_)))) {
            self.commands.remove(at);
        }
        let limited = |command: &Command| matches!(command, Command::Limit { by, .. } if by.is_empty());
        if self.commands.iter().any(limited) {
            let message = "this `summarize` can not be said in ES|QL: `INLINE STATS` can not stand behind `LIMIT`";
            return Err(Unsayable::new(Code::RefusedOperator, stage.span, message)
                .help("choose the rows in a summarize of their own, or before others are left out"));
        }
        Ok(())
    }

    /// Keeps one row of each group.
    fn choose(&mut self, stage: &Stage, main: Extreme<'_>, order: Option<SortKey>, fields: &[Name]) -> Fit<()> {
        if fields.is_empty() {
            let message = "where no row is left, KQL gives one without values, and ES|QL none";
            self.note(Code::NullSemantics, Effect::Unsure, stage.span, message);
        } else if let (Some(_), Some(order)) = (self.frame.needs(Construct::LimitBy), &order) {
            // Without `LIMIT … BY`, every row of the extreme value stays.
            self.before_inline(stage)?;
            let message = "of several rows that come first alike, KQL takes one; here all of them stay";
            self.note(Code::Approximated, Effect::Unsure, main.aggregate.span, message);
            let function = if order.descending { "MAX" } else { "MIN" };
            let helper = self.helper();
            let value = Expr::call(function, [order.value.clone()]);
            let aggregates = vec![Said { name: helper.clone(), value, only: None }];
            self.commands.push(Command::Stats { inline: true, aggregates, by: own(fields) });
            let same = Expr::eq(order.value.clone(), Expr::Field(helper.clone()));
            let missing = Expr::is_null(Expr::Field(helper.clone()));
            let there = order.nulls_first || order.value.never_null();
            self.commands.push(Command::Where(if there { same } else { Expr::any([same, missing]) }));
            self.scratch.push(helper);
            return Ok(());
        } else {
            self.needs(Construct::LimitBy, stage.span)?;
        }
        self.commands.extend(order.map(|order| Command::Sort(vec![order])));
        self.commands.push(Command::Limit { count: 1, by: fields.to_vec() });
        Ok(())
    }

    /// `arg_max(x, *)`: the row stays as it is, with the aggregates beside it.
    fn whole_row(&mut self, chosen: Vec<Item<'a>>, items: Vec<Item<'a>>, mut away: Vec<Name>) {
        let mut renames: Vec<(Name, Name)> = Vec::new();
        let mut assignments = Vec::new();
        let mut made = Vec::new();
        let ordering = chosen.len().min(1);
        let keys: Vec<Name> = items
            .iter()
            .filter(|(_, column, value)| matches!(value, Expr::Field(field) if *field == column.field))
            .map(|(_, column, _)| column.field.clone())
            .collect();
        for (index, (name, column, value)) in chosen.into_iter().chain(items).enumerate() {
            match value {
                Expr::Field(field) if field == column.field => {}
                // What orders stands under its new name, and so do helpers.
                Expr::Field(field)
                    if (index < ordering && !keys.contains(&field) || away.contains(&field))
                        && renames.iter().all(|(from, _)| *from != field) =>
                {
                    away.retain(|helper| *helper != field);
                    renames.push((field, column.field.clone()));
                }
                value => assignments.push((column.field.clone(), value)),
            }
            made.push((name, column));
        }
        if !assignments.is_empty() {
            self.assign(assignments);
        }
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        if !away.is_empty() {
            self.commands.push(Command::Drop(away.iter().map(Glob::from).collect()));
        }
        self.scope.made.extend(made);
    }
}

/// The columns that a part of the hunt reads.
pub(super) fn columns_of(tree: &dyn Tree, read: &mut BTreeSet<Arc<str>>) {
    tree.visit(&mut |node| {
        if let NodeRef::Expr(Meant { kind: ExprKind::Column(column), .. }) = node {
            read.insert(column.name.clone());
        }
    });
}
