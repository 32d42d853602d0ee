//! What combining pipelines shares: which columns are read later on, what is known of keys, and rows made to hold exactly
//! the columns that another search reads.
//!
//! How rows are combined is said in [`super::join`], [`super::union`] and [`super::needles`].

use std::sync::Arc;

use super::scope::{Column, Shape};
use super::tree::{Command, EvalExpr, Name};
use super::{Branch, Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect, Polarity};
use crate::fit::Window;
use crate::fit::demand::Demand;
use crate::plan::{ColumnRef, Expr, ExprKind, Pipeline, ScalarType, Stage};
use crate::source::Span;

/// A key as it is compared.
pub(super) struct Key {
    /// Its field.
    pub(super) field: Name,
    /// It is a text that may be missing: KQL's empty text, which is equal to another.
    pub(super) may_lack: bool,
    /// Conditions say that it is there and not empty.
    pub(super) proven: bool,
}

/// Searches in brackets of one hunt at most. An outer join says both of its sides twice, so that such joins within one
/// another would grow without bound; and Splunk runs each as a search of its own.
const MAX_SEARCHES: usize = 300;

/// How many searches a search is made of.
pub(super) fn searches_in(commands: &[Command]) -> usize {
    let within = |command: &Command| {
        if let Command::Append(search) | Command::AppendPipe(search) | Command::Join { search, .. } = command {
            return searches_in(search);
        }
        let Command::Multisearch(searches) = command else { return 0 };
        searches.iter().map(|search| searches_in(search)).sum()
    };
    1 + commands.iter().map(within).sum::<usize>()
}

impl<'a> Fitter<'a, '_> {
    /// The columns that are read by these stages and by whoever reads the pipeline.
    pub(super) fn demand(&self, rest: &[Stage]) -> Demand {
        crate::fit::demand::demand(rest, self.after.as_ref())
    }

    /// A part of the hunt as a search of its own, whose rows act on those of the hunt in the direction `outer`; `after`
    /// says what is read of them, `window` the time they must lie in, and `then` what is done with them in the end.
    ///
    /// # Errors
    /// Why it can not be said.
    pub(super) fn nested<T>(
        &mut self,
        pipeline: &Pipeline,
        outer: Polarity,
        after: Demand,
        window: &Window<'_>,
        then: impl FnOnce(&mut Fitter<'a, '_>) -> Fit<T>,
    ) -> Fit<(Branch<'a>, T)> {
        self.spend_searches(1, pipeline.span)?;
        let (helpers, searches) = (self.helpers, self.searches);
        let new = Fitter::new(&self.frame, &mut *self.ledger);
        let mut inner = Fitter { outer, after: Some(after), helpers, searches, ..new };
        inner.run(pipeline, window).map_err(|stopped| stopped.reason)?;
        inner.polarity = outer;
        let value = then(&mut inner)?;
        let (helpers, searches, branch) = (inner.helpers, inner.searches, inner.finish());
        (self.helpers, self.searches) = (helpers, searches);
        if branch.range.is_some() {
            let message = "a search of a data model in brackets is run over the time range of the whole search";
            self.note(Code::TimeInRange, Effect::Unsure, pipeline.span, message);
        }
        Ok((branch, value))
    }

    /// Counts searches in brackets that the hunt is going to hold.
    pub(super) fn spend_searches(&mut self, searches: usize, span: Span) -> Fit<()> {
        self.searches = self.searches.saturating_add(searches);
        if self.searches <= MAX_SEARCHES {
            return Ok(());
        }
        let message = format!("the search would hold more than {MAX_SEARCHES} searches in brackets");
        Err(Unsayable::new(Code::TooLong, span, message).help("cut the hunt into several"))
    }

    /// The search so far, in place of which another is begun.
    pub(super) fn take(&mut self) -> Vec<Command> {
        if let Some(model) = self.model.take() {
            self.model_search(model, false);
        }
        let mut base = std::mem::take(&mut self.selector);
        base.append(&mut self.window);
        base.append(&mut self.conditions);
        let mut commands = vec![self.generator.take().unwrap_or(Command::Search(base))];
        commands.append(&mut self.commands);
        commands
    }

    /// Goes on with the rows of another search.
    pub(super) fn adopt(&mut self, branch: Branch<'a>) {
        self.generator = branch.generator;
        self.selector = branch.base;
        self.window.clear();
        self.conditions.clear();
        self.commands = branch.rest;
        self.scope = branch.scope;
        self.tables = branch.tables;
        self.time_columns = branch.time_columns;
        self.null_text = branch.null_text;
        self.proven = branch.proven;
        self.base_open = false;
    }

    /// A column by name.
    pub(super) fn named(&mut self, name: &Arc<str>, ty: ScalarType, span: Span) -> Fit<Column<'a>> {
        self.column(&ColumnRef { name: name.clone(), known: true }, ty, span)
    }

    /// The key of a join in a field of its own, compared as KQL compares it: a text that stands for a missing value is
    /// taken away.
    pub(super) fn join_key(&mut self, expr: &Expr) -> Fit<Key> {
        self.ledger.carried(expr.id);
        let ExprKind::Column(reference) = &expr.kind else {
            return Err(Unsayable::not_yet(expr.span, "a key that is no column"));
        };
        let column = self.column(reference, expr.ty, expr.span)?;
        if column.shape == Shape::Multi {
            return Err(Unsayable::not_yet(expr.span, "a key of several values"));
        }
        let may_lack = may_lack(&column, expr.ty);
        let proven = self.proven.contains(&reference.name);
        let field = match column.value() {
            EvalExpr::Field(field) => field,
            value if column.is_field() => {
                let field = column.field.clone();
                self.commands.push(Command::Eval(vec![(field.clone(), value)]));
                let column = Column { null_text: None, blank: false, raw: false, ..column };
                self.scope.made.insert(reference.name.clone(), column);
                field
            }
            value => self.computed_for_stage(value),
        };
        Ok(Key { field, may_lack, proven })
    }

    /// Gives rows that lack a key the empty text where it may be compared with another missing one.
    pub(super) fn fill_keys(&mut self, keys: &[Key], other_proven: &[bool]) {
        let lacking = |(key, other): (&Key, &bool)| (key.may_lack && !key.proven && !other).then(|| key.field.clone());
        let names: Vec<Name> = keys.iter().zip(other_proven).filter_map(lacking).collect();
        self.fill(&names);
    }

    /// A column of this row as one of another: its value, and what is known of it there.
    pub(super) fn carried_over(&self, column: &Column<'a>, field: Name) -> (Column<'a>, EvalExpr) {
        let made = Column {
            shape: column.shape,
            seconds: column.seconds,
            present: column.present,
            blank: column.blank && column.ty == ScalarType::String,
            ..Column::computed(field, column.ty)
        };
        (made, column.value())
    }

    /// Makes the row hold exactly these columns, each in its field.
    pub(super) fn expose(&mut self, items: Vec<(Arc<str>, Column<'a>, EvalExpr)>) -> Fit<()> {
        // Helpers of a shaping stage are gone with it.
        let shaped = matches!(
            self.commands.iter().rev().find(|it| !matches!(
                it,
                Command::Rename(_) | Command::FillEmpty(_) | Command::Dedup(_) | Command::Where(_)
            )),
            Some(Command::Table(_) | Command::Stats { .. })
        );
        let same =
            |(_, column, value): &(Arc<str>, Column<'a>, EvalExpr)| *value == EvalExpr::Field(column.field.clone());
        if shaped && !self.scope.events && self.scope.made.len() == items.len() && items.iter().all(same) {
            self.scope.made = items.into_iter().map(|(name, column, _)| (name, column)).collect();
            return Ok(());
        }
        if shaped && !self.scope.events && self.scope.made.len() == items.len() && self.rename(&items) {
            self.scope.made = items.into_iter().map(|(name, column, _)| (name, column)).collect();
            return Ok(());
        }
        if !self.scope.events && matches!(self.commands.last(), Some(Command::Table(_))) {
            // The columns that are left are among those it keeps.
            self.commands.pop();
        }
        self.reshape(items, &[])
    }

    /// Gives fields other names, if that is all there is to do and no name is in the way.
    fn rename(&mut self, items: &[(Arc<str>, Column<'a>, EvalExpr)]) -> bool {
        let mut pairs: Vec<(Name, Name)> = Vec::new();
        for (_, column, value) in items {
            let EvalExpr::Field(field) = value else { return false };
            if pairs.iter().any(|(from, to)| from == field || *to == column.field) {
                return false;
            }
            pairs.push((field.clone(), column.field.clone()));
        }
        let renames: Vec<(Name, Name)> = pairs.iter().filter(|(from, to)| from != to).cloned().collect();
        if renames.iter().any(|(_, to)| pairs.iter().any(|(from, _)| from == to)) {
            return false;
        }
        if renames.is_empty() {
            return true;
        }
        if let Some(Command::Rename(last)) = self.commands.last_mut() {
            // One name after the other is one rename.
            for (from, to) in renames {
                match last.iter_mut().find(|(_, name)| *name == from) {
                    Some(pair) => pair.1 = to,
                    None => last.push((from, to)),
                }
            }
            last.retain(|(from, to)| from != to);
            if last.is_empty() {
                self.commands.pop();
            }
        } else {
            self.commands.push(Command::Rename(renames));
        }
        true
    }

    /// Whether there is one row at most for each combination of these fields.
    pub(super) fn is_unique_by(&self, fields: &[Name]) -> bool {
        let within = |by: &[Name]| by.iter().all(|name| fields.contains(name));
        for command in self.commands.iter().rev() {
            match command {
                Command::Stats { by, .. } => return within(by),
                Command::Dedup(by) => return within(by),
                Command::Head(1) => return true,
                Command::Where(_) | Command::Sort { .. } | Command::Head(_) | Command::FillEmpty(_) => {}
                Command::Eval(assignments) if assignments.iter().all(|(name, _)| !fields.contains(name)) => {}
                Command::Fields(names) | Command::Table(names) if fields.iter().all(|name| names.contains(name)) => {}
                Command::FieldsAway(names) if fields.iter().all(|name| !names.contains(name)) => {}
                Command::Search(_)
                | Command::Eval(_)
                | Command::Fields(_)
                | Command::FieldsAway(_)
                | Command::Table(_)
                | Command::Rename(_)
                | Command::MvExpand(..)
                | Command::Append(_)
                | Command::Multisearch(_)
                | Command::MakeResults(_)
                | Command::InputLookup(_)
                | Command::Lookup { .. }
                | Command::Refine(_)
                | Command::From(_)
                | Command::Tstats(_)
                | Command::Undressed(_)
                | Command::FieldsAwayLike(_)
                | Command::TableLike(_)
                | Command::EventStats { .. }
                | Command::StreamStats { .. }
                | Command::IpLocation { .. }
                | Command::Reverse
                | Command::Rex { .. }
                | Command::XySeries(..)
                | Command::FillZero
                | Command::Spath(_)
                | Command::AppendPipe(_)
                | Command::Join { .. } => return false,
            }
        }
        false
    }

    /// Notes that Splunk cuts off a search in brackets, where that can happen.
    pub(super) fn limited(&mut self, branch: &Branch<'_>, span: Span) {
        if branch.fixed {
            return;
        }
        let limits = &self.frame.facts.limits;
        let (rows, seconds) = (limits.join_rows.unwrap_or(50_000), limits.subsearch_seconds.unwrap_or(60));
        let message = format!("a search in brackets is cut off after {rows} rows or {seconds} seconds");
        self.note(Code::SiteLimits, Effect::Unsure, span, message);
    }

    /// Takes away the fields that a stage used for itself. A row that must have found another keeps only such rows, so
    /// that it needs no field that says so.
    pub(super) fn settle(&mut self, from: usize) {
        if self.scratch.is_empty() {
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let helpers = scratch.clone();
        scratch.retain(|field| !self.filtered_by(field, from));
        self.filter_first(&helpers, from);
        let shaped = matches!(self.commands.last(), Some(Command::Table(_) | Command::Stats { .. }));
        if !scratch.is_empty() && !shaped {
            self.commands.push(Command::FieldsAway(scratch));
        }
    }

    /// Puts the conditions that read no helper in front of what makes the helpers: fewer rows are looked up.
    fn filter_first(&mut self, helpers: &[Name], from: usize) {
        let Some(Command::Where(condition)) = self.commands.last() else { return };
        if self.commands.len() <= from + 1 {
            return;
        }
        let reads = |expr: &EvalExpr| {
            let mut found = false;
            expr.fields(&mut |name| found |= helpers.contains(name));
            found
        };
        let (late, early): (Vec<EvalExpr>, Vec<EvalExpr>) = conjuncts(condition).iter().cloned().partition(reads);
        if early.is_empty() {
            return;
        }
        self.commands.pop();
        if !late.is_empty() {
            self.commands.push(Command::Where(EvalExpr::all(late)));
        }
        self.commands.insert(from, Command::Where(EvalExpr::all(early)));
    }

    /// Turns a join whose flag must be there into one that keeps no other rows.
    fn filtered_by(&mut self, flag: &Name, from: usize) -> bool {
        let is_flag = |expr: &EvalExpr| *expr == EvalExpr::is_not_null(EvalExpr::Field(flag.clone()));
        let Some(at) = self.commands.iter().skip(from).position(
            |command| matches!(command, Command::Where(condition) if conjuncts(condition).iter().any(is_flag)),
        ) else {
            return false;
        };
        let at = at + from;
        let joined = self.commands.iter_mut().take(at).skip(from).find_map(|command| {
            if let Command::Join { outer, flag: own, .. } = command
                && own.as_ref() == Some(flag)
            {
                return Some((outer, own));
            }
            None
        });
        let Some((outer, own)) = joined else { return false };
        *outer = false;
        *own = None;
        if let Some(Command::Where(condition)) = self.commands.get_mut(at) {
            let rest = conjuncts(condition).iter().filter(|it| !is_flag(it)).cloned().collect::<Vec<_>>();
            if rest.is_empty() {
                self.commands.remove(at);
            } else {
                *condition = EvalExpr::all(rest);
            }
        }
        true
    }
}

fn conjuncts(condition: &EvalExpr) -> &[EvalExpr] {
    match condition {
        EvalExpr::And(items) => items,
        other => std::slice::from_ref(other),
    }
}

/// Whether a column is a text that may be missing, which KQL takes as empty.
pub(super) fn may_lack(column: &Column<'_>, ty: ScalarType) -> bool {
    matches!(ty, ScalarType::String | ScalarType::Unknown | ScalarType::Dynamic) && !column.present && !column.blank
}
