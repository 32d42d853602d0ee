//! `join` and `lookup`: which way the rows of two pipelines are said to find one another.
//!
//! Rows that are only kept or left out are compared with `IN (FROM …)`; a list outside of the hunt is a `LOOKUP JOIN`; all
//! else is [`super::meet`].
//! See <https://learn.microsoft.com/kusto/query/join-operator>.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::combine::may_lack;
use super::meet::as_other;
use super::scope::{Column, Form, converted};
use super::tree::{Command, Expr, Name};
use super::{Fit, Fitter, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::Window;
use crate::fit::demand::{Demand, mentioned};
use crate::fit::join::{Output, columns_dropped, outputs};
use crate::plan::{Expr as Meant, Join, JoinKind, ScalarType, Source, Stage, StageKind};
use crate::source::Span;
use crate::target::Construct;

impl<'a> Fitter<'a, '_> {
    /// `join`, `lookup`; `rest` are the stages after it.
    pub(super) fn join(&mut self, stage: &Stage, join: &Join, lookup: bool, rest: &[Stage]) -> Fit<()> {
        join.on.iter().for_each(|key| self.ledger.carried(key.id));
        let demand = self.demand(rest);
        if self.lookup_join(stage, join, &demand)? {
            return Ok(());
        }
        let in_query = join.on.len() == 1 && self.frame.needs(Construct::InSubquery).is_none();
        let blocked = join.on.len() > 1 && self.can_combine(stage.span).is_err();
        match join.kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti if blocked && self.frame.needs(Construct::InSubquery).is_none() => {
                self.among_rows(join, join.kind == JoinKind::LeftAnti)
            }
            JoinKind::LeftSemi if in_query => self.among_others(join, false),
            JoinKind::LeftAnti if in_query => self.among_others(join, true),
            JoinKind::RightSemi if in_query => self.others_among(join, demand, false),
            JoinKind::RightAnti if in_query => self.others_among(join, demand, true),
            JoinKind::InnerUnique
            | JoinKind::Inner
            | JoinKind::LeftOuter
            | JoinKind::RightOuter
            | JoinKind::FullOuter
            | JoinKind::LeftSemi
            | JoinKind::RightSemi
            | JoinKind::LeftAnti
            | JoinKind::RightAnti => self.meet(stage, join, lookup, &demand, rest),
        }
    }

    /// Keeps the rows whose one key is among those of the right side, or those whose is not.
    fn among_others(&mut self, join: &Join, anti: bool) -> Fit<()> {
        let Some(key) = join.on.first() else { return Ok(()) };
        let left = self.key_of(&key.left)?;
        let lacks = self.lacks(&key.left, &left);
        let empty = self.may_be_empty(&key.left);
        let polarity = if anti { self.polarity.negated() } else { self.polarity };
        let mut names = BTreeSet::new();
        mentioned(&key.right, &mut names);
        let after = Demand { names, open: false };
        let (branch, right_empty) =
            self.nested(&join.right, polarity, after, &Window::default(), self.inside, |right| {
                let column = right.key_of(&key.right)?;
                let right_lacks = right.lacks(&key.right, &column);
                let (made, value) = right.carried_over(&column, column.field.clone());
                let (made, value) = as_other(made, value, left.ty);
                let value = if right_lacks && (empty || anti) { value.or_empty() } else { value };
                if anti && !may_lack(&column, column.ty) && !column.present {
                    right.commands.push(Command::Where(Expr::is_not_null(column.bare())));
                }
                if !right.holds_only(&column.field) || value != column.bare() {
                    right.expose(vec![("$key".into(), made, value)]);
                }
                Ok(right.may_be_empty(&key.right))
            })?;
        let value = left.value();
        let value = if lacks && (anti || right_empty) { value.or_empty() } else { value };
        let null_stays = anti && !value.never_null() && !left.present && !self.is_there(&key.left, &left);
        let missing = Expr::is_null(value.clone());
        let found = Expr::InQuery { value: Box::new(value), query: Box::new(branch.body), negated: anti };
        self.commands.push(Command::Where(if null_stays { Expr::any([missing, found]) } else { found }));
        Ok(())
    }

    /// Keeps the rows whose keys, as one text, are among those of the right side, or those whose are not. The length in front
    /// of each but the last tells where it ends.
    fn among_rows(&mut self, join: &Join, anti: bool) -> Fit<()> {
        let mut parts = Vec::new();
        let mut types = Vec::new();
        for key in &join.on {
            let column = self.key_of(&key.left)?;
            let value = if self.lacks(&key.left, &column) { column.value().or_empty() } else { column.value() };
            parts.push(converted(value, Form::of(column.ty), Form::Keyword));
            types.push(column.ty);
        }
        let polarity = if anti { self.polarity.negated() } else { self.polarity };
        let mut names = BTreeSet::new();
        join.on.iter().for_each(|key| mentioned(&key.right, &mut names));
        let after = Demand { names, open: false };
        let field = self.helper();
        let inside = self.inside;
        let (branch, ()) = self.nested(&join.right, polarity, after, &Window::default(), inside, |right| {
            let mut parts = Vec::new();
            for (key, ty) in join.on.iter().zip(types) {
                let column = right.key_of(&key.right)?;
                let (made, value) = right.carried_over(&column, column.field.clone());
                let (made, value) = as_other(made, value, ty);
                let value = if right.lacks(&key.right, &column) { value.or_empty() } else { value };
                parts.push(converted(value, made.form, Form::Keyword));
            }
            let value = one_text(parts);
            let null = !value.never_null();
            right.expose(vec![("$key".into(), Column::computed(field.clone(), ScalarType::String), value)]);
            if anti && null {
                right.commands.push(Command::Where(Expr::is_not_null(Expr::Field(field))));
            }
            Ok(())
        })?;
        let value = one_text(parts);
        let null_stays = anti && !value.never_null();
        let missing = Expr::is_null(value.clone());
        let found = Expr::InQuery { value: Box::new(value), query: Box::new(branch.body), negated: anti };
        self.commands.push(Command::Where(if null_stays { Expr::any([missing, found]) } else { found }));
        Ok(())
    }

    /// Keeps the rows of the right side whose one key is among those of the left, or those whose is not.
    fn others_among(&mut self, join: &Join, mut after: Demand, anti: bool) -> Fit<()> {
        let Some(key) = join.on.first() else { return Ok(()) };
        let column = self.key_of(&key.left)?;
        let lacks = self.lacks(&key.left, &column);
        let (made, value) = self.carried_over(&column, column.field.clone());
        if anti && !may_lack(&column, column.ty) && !column.present {
            self.commands.push(Command::Where(Expr::is_not_null(column.bare())));
        }
        let value = if lacks { value.or_empty() } else { value };
        if !self.holds_only(&column.field) || value != column.bare() {
            self.expose(vec![("$key".into(), made, value)]);
        }
        self.settle();
        let source = self.source.take().unwrap_or(super::tree::Source::From(Vec::new()));
        let query = Box::new(super::tree::Body { source, commands: std::mem::take(&mut self.commands) });
        mentioned(&key.right, &mut after.names);
        let inside = self.inside;
        let (branch, ()) = self.nested(&join.right, self.polarity, after, &Window::default(), inside, |right| {
            let column = right.key_of(&key.right)?;
            let value = column.value();
            let value = if right.lacks(&key.right, &column) { value.or_empty() } else { value };
            let null_stays = anti && !value.never_null() && !right.is_there(&key.right, &column);
            let missing = Expr::is_null(value.clone());
            let found = Expr::InQuery { value: Box::new(value), query, negated: anti };
            right.commands.push(Command::Where(if null_stays { Expr::any([missing, found]) } else { found }));
            Ok(())
        })?;
        self.adopt(branch);
        Ok(())
    }

    /// Whether the row holds this column and no other.
    pub(super) fn holds_only(&self, field: &Name) -> bool {
        match self.commands.last() {
            Some(Command::Keep(globs)) => matches!(globs.as_slice(), [only] if only.text() == field.text()),
            Some(Command::Stats { inline: false, aggregates, by }) => {
                let mut names = aggregates.iter().map(|it| &it.name).chain(by.iter().map(|(name, _)| name));
                names.next() == Some(field) && names.next().is_none()
            }
            Some(_) | None => false,
        }
    }

    /// A join with a list outside of the hunt, as a lookup index; says whether it is one.
    fn lookup_join(&mut self, stage: &Stage, join: &Join, demand: &Demand) -> Fit<bool> {
        let lists = matches!(join.right.source, Source::Watchlist { .. } | Source::External { .. });
        if !lists || !join.renamed.is_empty() && join.on.len() > 1 {
            return Ok(false);
        }
        let construct = if join.on.len() == 1 { Construct::LookupJoin } else { Construct::LookupJoinFields };
        let several = match join.kind {
            JoinKind::LeftOuter => false,
            JoinKind::Inner | JoinKind::InnerUnique if join.on.len() == 1 => true,
            JoinKind::Inner
            | JoinKind::InnerUnique
            | JoinKind::RightOuter
            | JoinKind::FullOuter
            | JoinKind::LeftSemi
            | JoinKind::RightSemi
            | JoinKind::LeftAnti
            | JoinKind::RightAnti => return Ok(false),
        };
        let Some(columns) = listed_columns(join) else { return Ok(false) };
        if self.frame.needs(construct).is_some() || several && self.frame.needs(Construct::InSubquery).is_some() {
            return Ok(false);
        }
        let mut on = Vec::new();
        let mut assignments = Vec::new();
        for key in &join.on {
            let left = self.key_of(&key.left)?;
            self.ledger.carried(key.right.id);
            let own = key.right.as_column().map(|it| it.name.clone()).unwrap_or_default();
            let Some((_, field)) = columns.iter().find(|(name, _)| *name == own) else { return Ok(false) };
            let field = self.new_name(field, key.right.span)?;
            let lacks = self.lacks(&key.left, &left);
            let value = if lacks { left.value().or_empty() } else { left.value() };
            if value != Expr::Field(field.clone()) {
                assignments.push((field.clone(), value));
            }
            on.push(field);
        }
        let mut made = Vec::new();
        for (own, field) in &columns {
            let name = join.renamed.iter().find(|(from, _)| from == own).map_or(own, |(_, to)| to);
            let ty = join.right.columns.columns.iter().find(|(it, _)| it == own);
            let column = Column::computed(self.new_name(field, stage.span)?, ty.map_or(ScalarType::Unknown, |it| it.1));
            let is_key = on.contains(&column.field);
            if name != own && !is_key && demand.names.contains(name) {
                // A column of the list would take the place of one of the row.
                return Ok(false);
            }
            if !is_key || !self.scope.made.contains_key(name) {
                made.push((name.clone(), column));
            }
        }
        self.carry(join.right.as_ref());
        let Some(index) = self.listed(&join.right.source, true, join.right.span) else { return Ok(false) };
        for stage in &join.right.stages {
            let message = format!("index `{index}` must have the columns that are named here");
            self.note(Code::IndexNeeded, Effect::Exact, stage.span, message);
        }
        if !assignments.is_empty() {
            self.commands.push(Command::Eval(assignments));
        }
        if let ([key], true) = (on.as_slice(), several) {
            let keep = vec![Command::Keep(vec![key.into()])];
            let source = super::tree::Source::From(vec![super::tree::Part::Index(index.clone())]);
            let query = Box::new(super::tree::Body { source, commands: keep });
            let value = Box::new(Expr::Field(key.clone()));
            self.commands.push(Command::Where(Expr::InQuery { value, query, negated: false }));
            if join.kind == JoinKind::InnerUnique && !self.is_unique_by(&on) {
                self.one_of_each(&on, stage.span)?;
            }
        }
        self.commands.push(Command::LookupJoin { index, on });
        // Of a watchlist whose columns are not known, those that are read are there by their own names.
        if join.right.columns.open {
            for name in &demand.names {
                let taken = self.left_names().contains(name) || made.iter().any(|(it, _)| it == name);
                if !taken && !self.scope.open && !name.contains('*') {
                    let Some(field) = Name::new(name.as_ref()) else { continue };
                    made.push((name.clone(), Column::computed(field, ScalarType::Unknown)));
                }
            }
        }
        self.scope.made.extend(made);
        self.at_most = None;
        Ok(true)
    }

    /// Keeps one row of each combination of keys.
    pub(super) fn one_of_each(&mut self, keys: &[Name], span: Span) -> Fit<()> {
        self.needs(Construct::LimitBy, span)?;
        let message = "KQL joins any one of the left rows of a key; here it is the first that is found";
        self.note(Code::ArbitraryChoice, Effect::Exact, span, message);
        self.commands.push(Command::Limit { count: 1, by: keys.to_vec() });
        Ok(())
    }

    /// The column that is a key.
    pub(super) fn key_of(&mut self, expr: &Meant) -> Fit<Column<'a>> {
        self.ledger.carried(expr.id);
        let Some(column) = self.held_column(expr)? else {
            return Err(unwritten(expr.span, "a key that is no column").help("extend a column with it first"));
        };
        if column.many {
            let message = "a key of several values finds no row here, and KQL compares it as one text";
            self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        }
        if column.form == Form::Untold {
            return Err(unwritten(expr.span, "a key whose type is not known").help("convert it with tostring() first"));
        }
        Ok(column)
    }

    /// The names that the left side is known to have.
    pub(super) fn left_names(&self) -> BTreeSet<Arc<str>> {
        let mut names: BTreeSet<Arc<str>> = self.scope.made.keys().cloned().collect();
        if self.scope.events {
            let rows = self.tables.iter().filter_map(|table| table.row);
            names.extend(rows.flat_map(|row| row.columns.keys().map(|name| Arc::from(name.as_str()))));
        }
        names
    }

    /// Whether the rows may have more columns than are known.
    pub(super) fn is_open(&self) -> bool {
        self.scope.open || self.scope.events && self.tables.iter().any(|table| table.row.is_none())
    }

    /// The columns of this row, the right side of a join, that are read after it, and whether others are left out.
    pub(super) fn outputs(
        &self,
        join: &Join,
        demand: &Demand,
        lookup: bool,
        left: &BTreeSet<Arc<str>>,
        open_left: bool,
    ) -> (Vec<Output>, bool) {
        let (row, events) = (&join.right.columns, self.scope.events);
        outputs(join, demand, lookup, events, |name| {
            // A name of which no side is known to have it is the left one's, where that may have more.
            let may_have = events || self.scope.open || self.scope.made.contains_key(name);
            !open_left && !left.contains(name) && may_have && row.open && !name.contains('*')
        })
    }

    pub(super) fn columns_dropped(&mut self, span: Span) {
        self.ledger.note(self.polarity, columns_dropped(span));
    }
}

/// Texts as one, from which each can be told.
fn one_text(parts: Vec<Expr>) -> Expr {
    let last = parts.len().saturating_sub(1);
    let mut texts = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index < last {
            let length = converted(Expr::call("LENGTH", [part.clone()]), Form::Long, Form::Keyword);
            texts.extend([length, Expr::text(":")]);
        }
        texts.push(part);
    }
    Expr::Call("CONCAT", texts)
}

/// The columns of a list outside of the hunt that a join reads: their names, and those in the list.
fn listed_columns(join: &Join) -> Option<Vec<(Arc<str>, Arc<str>)>> {
    let mut columns: Vec<(Arc<str>, Arc<str>)> = match &join.right.source {
        Source::External { columns, .. } => columns.iter().map(|(name, _)| (name.clone(), name.clone())).collect(),
        Source::Watchlist { .. } => {
            let keys = join.on.iter().filter_map(|key| key.right.as_column()).map(|it| it.name.clone());
            keys.map(|name| (name.clone(), name)).collect()
        }
        Source::Table(_)
        | Source::Union(_)
        | Source::Rows { .. }
        | Source::Print(_)
        | Source::Range { .. }
        | Source::Search { .. } => return None,
    };
    for stage in &join.right.stages {
        let StageKind::Project(bindings) = &stage.kind else { return None };
        let open = matches!(join.right.source, Source::Watchlist { .. });
        let mut next = Vec::new();
        for binding in bindings {
            let source = &binding.value.as_column()?.name;
            let known = columns.iter().find(|(name, _)| name == source).map(|(_, field)| field.clone());
            let field = if open { known.unwrap_or_else(|| source.clone()) } else { known? };
            next.push((binding.name.clone(), field));
        }
        columns = next;
    }
    Some(columns)
}
