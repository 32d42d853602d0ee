//! `join` and `lookup`: rows of two pipelines whose keys are equal.
//!
//! Splunk's `join` compares keys by case, leaves out rows that lack one and overwrites fields of the same name; so keys
//! that are texts are filled, and the right side holds exactly the columns that are read, under the names they have
//! after the join.
//! See <https://learn.microsoft.com/kusto/query/join-operator> and
//! <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/join>.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::combine::{Key, may_lack, searches_in};
use super::scope::{Column, Scope};
use super::tree::{Command, EvalExpr, Name};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect, Polarity};
use crate::fit::Window;
use crate::fit::demand::{Demand, mentioned};
use crate::fit::join::{Output, columns_dropped, outputs, own_demand};
use crate::plan::{Join, JoinKind, ScalarType, Stage};
use crate::source::Span;

/// A column as it is made: its name, what is known of it, and its value.
type Item<'a> = (Arc<str>, Column<'a>, EvalExpr);

impl<'a> Fitter<'a, '_> {
    /// `join`, `lookup`; `rest` are the stages after it.
    pub(super) fn join(&mut self, stage: &Stage, join: &Join, lookup: bool, rest: &[Stage]) -> Fit<()> {
        join.on.iter().for_each(|key| self.ledger.carried(key.id));
        let demand = self.demand(rest);
        match join.kind {
            JoinKind::InnerUnique | JoinKind::Inner | JoinKind::LeftOuter => {
                self.join_columns(stage, join, lookup, &demand)?;
            }
            JoinKind::LeftSemi => self.join_filter(stage, join, false)?,
            JoinKind::LeftAnti => self.join_filter(stage, join, true)?,
            JoinKind::RightSemi => self.join_filter_swapped(stage, join, false, demand)?,
            JoinKind::RightAnti => self.join_filter_swapped(stage, join, true, demand)?,
            JoinKind::RightOuter | JoinKind::FullOuter => self.join_outer(stage, join, &demand)?,
        }
        self.base_open = false;
        Ok(())
    }

    /// The columns of the right side come to those of the left one.
    fn join_columns(&mut self, stage: &Stage, join: &Join, lookup: bool, demand: &Demand) -> Fit<()> {
        let keys = self.left_keys(join)?;
        let fields: Vec<Name> = keys.iter().map(|key| key.field.clone()).collect();
        let left_proven: Vec<bool> = keys.iter().map(|key| key.proven).collect();
        let outer = join.kind == JoinKind::LeftOuter;
        let polarity = if outer { Polarity::Aggregated } else { self.polarity };
        let left = self.scope.clone();
        let known: BTreeSet<Arc<str>> = self.left_names();
        let wanted = own_demand(join, demand);
        let (branch, (made, right_proven, dropped)) =
            self.nested(&join.right, polarity, wanted, &Window::default(), |right| {
                let proven = right.proven_keys(join);
                let (outputs, dropped) = right.outputs(join, demand, lookup, &known);
                let mut items = right.key_items(join, &fields)?;
                let mut fill: Vec<Name> = Vec::new();
                for (index, (_, column, _)) in items.iter().enumerate() {
                    let there = proven.get(index) == Some(&true) || left_proven.get(index) == Some(&true);
                    if may_lack(column, column.ty) && !there {
                        fill.push(column.field.clone());
                    }
                }
                let mut made = Vec::new();
                for (own, name, ty) in outputs {
                    let column = match right.named(&own, ty, join.right.span) {
                        Ok(column) => column,
                        // Only what is read later on must be there.
                        Err(_) if !demand.names.contains(&name) => continue,
                        Err(reason) => return Err(reason),
                    };
                    let field = right.output_field(&name, &left, &fields, &made);
                    let (column, value) = right.carried_over(&column, field);
                    made.push((name.clone(), column.clone()));
                    items.push((name, column, value));
                }
                right.expose(items)?;
                right.fill(&fill);
                Ok((made, proven, dropped))
            })?;
        self.fill_keys(&keys, &right_proven);
        if join.kind == JoinKind::InnerUnique && !self.is_unique_by(&fields) {
            let message = "KQL joins any one of the left rows of a key; Splunk the first";
            self.note(Code::ArbitraryChoice, Effect::Exact, stage.span, message);
            self.commands.push(Command::Dedup(fields.clone()));
        }
        if dropped {
            self.columns_dropped(stage.span);
        }
        self.limited(&branch, stage.span);
        self.commands.push(Command::Join { outer, all: true, keys: fields, flag: None, search: branch.commands() });
        for (name, column) in made {
            let present = column.present && !outer;
            self.scope.made.insert(name, Column { present, null_array: column.null_array || outer, ..column });
        }
        Ok(())
    }

    /// Keeps the rows that find one on the right side, or those that find none.
    fn join_filter(&mut self, stage: &Stage, join: &Join, anti: bool) -> Fit<()> {
        let keys = self.left_keys(join)?;
        let fields: Vec<Name> = keys.iter().map(|key| key.field.clone()).collect();
        let left_proven: Vec<bool> = keys.iter().map(|key| key.proven).collect();
        let polarity = if anti { self.polarity.negated() } else { self.polarity };
        let wanted = own_demand(join, &Demand::default());
        let (branch, right_proven) = self.nested(&join.right, polarity, wanted, &Window::default(), |right| {
            let proven = right.proven_keys(join);
            let items = right.key_items(join, &fields)?;
            right.keys_only(items, &left_proven, &proven)?;
            Ok(proven)
        })?;
        self.fill_keys(&keys, &right_proven);
        self.limited(&branch, stage.span);
        self.push_filter(fields, branch.commands(), anti);
        Ok(())
    }

    /// Keeps the rows of the right side that find one on the left, or those that find none.
    fn join_filter_swapped(&mut self, stage: &Stage, join: &Join, anti: bool, demand: Demand) -> Fit<()> {
        let left_proven: Vec<bool> = join
            .on
            .iter()
            .map(|key| key.left.as_column().is_some_and(|column| self.proven.contains(&column.name)))
            .collect();
        let mut wanted = demand;
        join.on.iter().for_each(|key| mentioned(&key.right, &mut wanted.names));
        let (branch, keys) = self.nested(&join.right, self.polarity, wanted, &Window::default(), |right| {
            let keys = join.on.iter().map(|key| right.join_key(&key.right)).collect::<Fit<Vec<_>>>()?;
            right.fill_keys(&keys, &left_proven);
            Ok(keys)
        })?;
        let fields: Vec<Name> = keys.iter().map(|key| key.field.clone()).collect();
        let right_proven: Vec<bool> = keys.iter().map(|key| key.proven).collect();
        let items = self.items_of(join, &fields, |key| &key.left)?;
        self.keys_only(items, &right_proven, &left_proven)?;
        let fixed = self.fixed;
        let left = self.take();
        if !fixed {
            self.limited(&branch, stage.span);
        }
        self.fixed = branch.fixed;
        self.adopt(branch);
        self.push_filter(fields, left, anti);
        Ok(())
    }

    fn push_filter(&mut self, keys: Vec<Name>, search: Vec<Command>, anti: bool) {
        let flag = anti.then(|| self.helper());
        self.commands.push(Command::Join { outer: anti, all: false, keys, flag: flag.clone(), search });
        if let Some(flag) = flag {
            self.commands.push(Command::Where(EvalExpr::is_null(EvalExpr::Field(flag.clone()))));
            self.scratch.push(flag);
        }
    }

    /// Every row of the right side (and of the left one), with what it finds on the other.
    fn join_outer(&mut self, stage: &Stage, join: &Join, demand: &Demand) -> Fit<()> {
        let known = self.left_names();
        let helpers: Vec<Name> = join.on.iter().map(|_| self.helper()).collect();
        let left_proven: Vec<bool> = vec![false; helpers.len()];
        // The left side: its columns under their own names.
        let mut names: BTreeSet<Arc<str>> =
            if demand.open { self.scope.made.keys().cloned().collect() } else { BTreeSet::new() };
        let renamed = |name: &Arc<str>| join.renamed.iter().any(|(_, new)| new == name);
        let of_right =
            |name: &Arc<str>| !known.contains(name) && join.right.columns.columns.iter().any(|(own, _)| own == name);
        names.extend(demand.names.iter().filter(|name| !renamed(name) && !of_right(name)).cloned());
        join.on.iter().for_each(|key| mentioned(&key.left, &mut names));
        let mut items = self.items_of(join, &helpers, |key| &key.left)?;
        let left_keys = items.clone();
        let mut scope = Scope::default();
        for name in names {
            let Ok(column) = self.named(&name, ScalarType::Unknown, stage.span) else { continue };
            let Some(field) = Name::new(name.as_ref()) else { continue };
            let field = if column.field.text() == "_time" { column.field.clone() } else { field };
            let (column, value) = self.carried_over(&column, field);
            scope.made.insert(name.clone(), Column { present: false, null_array: true, ..column.clone() });
            items.push((name, column, value));
        }
        if demand.open && self.scope.events {
            self.columns_dropped(stage.span);
        }
        self.expose(items)?;
        self.fill_items(&left_keys, &left_proven, &left_proven);
        let left = self.take();
        let (own, left_scope) = (own_demand(join, demand), scope.clone());
        let (branch, made) = self.nested(&join.right, Polarity::Aggregated, own, &Window::default(), |right| {
            let (outputs, _) = right.outputs(join, demand, false, &known);
            let mut items = right.items_of(join, &helpers, |key| &key.right)?;
            let keys = items.clone();
            let mut made = Vec::new();
            for (own, name, ty) in outputs {
                let Ok(column) = right.named(&own, ty, join.right.span) else { continue };
                let field = right.output_field(&name, &left_scope, &helpers, &made);
                let (column, value) = right.carried_over(&column, field);
                made.push((name.clone(), Column { present: false, null_array: true, ..column.clone() }));
                items.push((name, column, value));
            }
            right.expose(items)?;
            right.fill_items(&keys, &vec![false; keys.len()], &vec![false; keys.len()]);
            Ok(made)
        })?;
        self.limited(&branch, stage.span);
        scope.made.extend(made);
        let join_of = |outer, all, flag, search| Command::Join { outer, all, keys: helpers.clone(), flag, search };
        if join.kind == JoinKind::RightOuter {
            self.adopt(branch);
            self.commands.push(join_of(true, true, None, left));
        } else {
            let right = branch.commands();
            self.spend_searches(searches_in(&left) + searches_in(&right), stage.span)?;
            let flag = self.helper();
            let mut missed = right.clone();
            let mut left_keys = left.clone();
            left_keys.push(Command::Dedup(helpers.clone()));
            left_keys.push(Command::Table(helpers.clone()));
            missed.push(join_of(true, false, Some(flag.clone()), left_keys));
            missed.push(Command::Where(EvalExpr::is_null(EvalExpr::Field(flag.clone()))));
            missed.push(Command::FieldsAway(vec![flag]));
            let mut commands = left.into_iter();
            self.generator = commands.next();
            self.commands = commands.collect();
            self.commands.push(join_of(true, true, None, right));
            self.commands.push(Command::Append(missed));
        }
        self.fixed = false;
        self.scope = scope;
        self.scratch.extend(helpers.iter().cloned());
        Ok(())
    }

    fn left_keys(&mut self, join: &Join) -> Fit<Vec<Key>> {
        let keys = join.on.iter().map(|key| self.join_key(&key.left)).collect::<Fit<Vec<_>>>()?;
        for (index, key) in keys.iter().enumerate() {
            if keys.iter().take(index).any(|other| other.field == key.field) {
                let span = join.on.get(index).map_or(join.right.span, |key| key.left.span);
                return Err(Unsayable::not_yet(span, "a column that is compared with two others"));
            }
        }
        Ok(keys)
    }

    /// The names that the left side is known to have.
    fn left_names(&self) -> BTreeSet<Arc<str>> {
        let mut names: BTreeSet<Arc<str>> = self.scope.made.keys().cloned().collect();
        if self.scope.events {
            let rows = self.tables.iter().filter_map(|table| table.row);
            names.extend(rows.flat_map(|row| row.columns.keys().map(|name| Arc::from(name.as_str()))));
        }
        names
    }

    fn proven_keys(&self, join: &Join) -> Vec<bool> {
        let proven =
            |key: &crate::plan::JoinKey| key.right.as_column().is_some_and(|it| self.proven.contains(&it.name));
        join.on.iter().map(proven).collect()
    }

    /// The keys of the right side in the fields that hold those of the left one.
    fn key_items(&mut self, join: &Join, fields: &[Name]) -> Fit<Vec<Item<'a>>> {
        self.items_of(join, fields, |key| &key.right)
    }

    fn items_of<'e>(
        &mut self,
        join: &'e Join,
        fields: &[Name],
        side: impl Fn(&'e crate::plan::JoinKey) -> &'e crate::plan::Expr,
    ) -> Fit<Vec<Item<'a>>> {
        let mut items = Vec::new();
        for (index, (key, field)) in join.on.iter().zip(fields).enumerate() {
            let expr = side(key);
            self.ledger.carried(expr.id);
            let Some(reference) = expr.as_column() else {
                return Err(Unsayable::not_yet(expr.span, "a key that is no column"));
            };
            let column = self.column(reference, expr.ty, expr.span)?;
            if column.shape == super::scope::Shape::Multi {
                return Err(Unsayable::not_yet(expr.span, "a key of several values"));
            }
            let (column, value) = self.carried_over(&column, field.clone());
            // Two keys may be the same column: each is an item of its own.
            items.push((format!("$key{index}").into(), column.typed(expr.ty), value));
        }
        Ok(items)
    }

    /// Makes the row hold the keys alone, each combination once.
    fn keys_only(&mut self, items: Vec<Item<'a>>, other_proven: &[bool], proven: &[bool]) -> Fit<()> {
        let fields: Vec<Name> = items.iter().map(|(_, column, _)| column.field.clone()).collect();
        let keys = items.clone();
        let unique = {
            let sources: Option<Vec<Name>> = items
                .iter()
                .map(|(_, _, value)| if let EvalExpr::Field(field) = value { Some(field.clone()) } else { None })
                .collect();
            sources.is_some_and(|sources| self.is_unique_by(&sources))
        };
        self.expose(items)?;
        self.fill_items(&keys, other_proven, proven);
        if !unique {
            self.commands.push(Command::Dedup(fields));
        }
        Ok(())
    }

    fn fill_items(&mut self, items: &[Item<'a>], other_proven: &[bool], proven: &[bool]) {
        let mut fill = Vec::new();
        for (index, (_, column, _)) in items.iter().enumerate() {
            let there = proven.get(index) == Some(&true) || other_proven.get(index) == Some(&true);
            if may_lack(column, column.ty) && !there {
                fill.push(column.field.clone());
            }
        }
        self.fill(&fill);
    }

    /// The columns of this row, the right side of a join, that are read after it, and whether others are left out.
    fn outputs(&self, join: &Join, demand: &Demand, lookup: bool, left: &BTreeSet<Arc<str>>) -> (Vec<Output>, bool) {
        outputs(join, demand, lookup, self.scope.events, |name| !left.contains(name) && self.may_have(name))
    }

    /// Whether the row may have a column of this name.
    fn may_have(&self, name: &str) -> bool {
        self.scope.events || self.scope.made.contains_key(name)
    }

    /// The field of a column that comes from the right side.
    fn output_field(&mut self, name: &str, left: &Scope<'a>, keys: &[Name], made: &[(Arc<str>, Column<'a>)]) -> Name {
        let taken = |field: &Name| {
            keys.contains(field)
                || left.made.values().any(|column| column.field == *field)
                || made.iter().any(|(_, column)| column.field == *field)
        };
        match Name::new(name).filter(|field| !taken(field)) {
            Some(field) => field,
            None => self.helper(),
        }
    }

    fn columns_dropped(&mut self, span: Span) {
        self.ledger.note(self.polarity, columns_dropped(span));
    }
}
