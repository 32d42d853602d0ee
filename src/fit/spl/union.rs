//! `union`: rows of several pipelines, columns matched by name.
//!
//! Branches that differ in their base search alone are one search with `OR`. Others are searches of their own in
//! `multisearch`, which takes streaming commands only and cuts nothing off, or else in `append`. A column that lies in
//! different fields, or in a field that means something else in another branch, gets a field of its own first.
//! See <https://learn.microsoft.com/kusto/query/union-operator> and
//! <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/multisearch>.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::scope::{Column, Scope};
use super::tree::{Command, EvalExpr, Name, SearchExpr};
use super::{Branch, Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::fit::Window;
use crate::fit::demand::{Demand, mentioned, wanted};
use crate::plan::{Expr, NodeRef, Pipeline, ScalarType, Source, Stage, StageKind, Tree, Union};
use crate::source::Span;

/// To how many branches the conditions behind a union are carried.
const PUSHED_TO: usize = 8;

/// What one branch has of the columns that are read.
type Found<'a> = Vec<Option<Column<'a>>>;

impl<'a> Fitter<'a, '_> {
    /// The rows of a union; `window` is the time in which they must lie. Says whether the branches are searched in it.
    pub(super) fn union(&mut self, pipeline: &Pipeline, union: &Union, window: &Window<'_>) -> Fit<()> {
        let mut demand = self.demand(&pipeline.stages);
        if union.inner {
            self.common_columns(pipeline.span, union, &mut demand)?;
        }
        let mut inner = demand.clone();
        if let Some(name) = &union.with_source {
            inner.names.remove(name);
        }
        let pushed = self.pushable(union, &pipeline.stages);
        let filters = pipeline.stages.get(..pushed).unwrap_or_default();
        let filtered: Vec<Pipeline> =
            union.branches.iter().filter(|_| pushed > 0).map(|it| filter(it, filters)).collect();
        let parts = if pushed > 0 { &filtered } else { &union.branches };
        self.pushed = pushed;
        let mut branches = Vec::new();
        // Whether the branches are searched in the window and in no other.
        let said = |condition: &&Expr| {
            let holds = |all: &Expr| all.conjuncts().iter().any(|it| std::ptr::eq(it, *condition));
            filters.iter().any(|stage| if let StageKind::Where(all) = &stage.kind { holds(all) } else { false })
        };
        let all_said = window.conditions.iter().all(said);
        let mut timed = true;
        for branch in parts {
            timed &= Window::leading(branch).is_open() && matches!(branch.source, Source::Table(_) | Source::Union(_));
            branches.push(self.nested(branch, self.polarity, inner.clone(), window, |_| Ok(()))?.0);
        }
        let names =
            wanted(&inner, &union.branches, branches.iter().flat_map(|branch| branch.scope.made.keys().cloned()));
        let found = self.find_columns(union, &mut branches, &names, pipeline.span)?;
        let sources = self.source_names(union);
        let apart: Vec<bool> = (0..names.len()).map(|at| !aligned(at, &found, &branches)).collect();
        if !apart.contains(&true) && self.one_search(union, &mut branches, &names, &found) {
            self.with_source(union);
            return self.cut_to_window(timed || all_said, window);
        }
        let columns = self.align(union, &mut branches, &names, &found, &apart, sources);
        self.several_searches(union, branches, &demand, columns);
        self.cut_to_window(timed || all_said, window)
    }

    /// Keeps the rows within a window, where a branch has one of its own or is not searched by time.
    fn cut_to_window(&mut self, timed: bool, window: &Window<'_>) -> Fit<()> {
        if !timed {
            for condition in &window.conditions {
                let condition = self.predicate(condition)?.eval;
                self.commands.push(Command::Where(condition));
            }
        }
        Ok(())
    }

    /// How many of the conditions behind the union the branches can say themselves, where they are no single search
    /// anyway: those that look at columns of every branch alone.
    fn pushable(&self, union: &Union, stages: &[Stage]) -> usize {
        let alike = |branch: &Pipeline| {
            let filters = branch.stages.iter().all(|stage| matches!(stage.kind, StageKind::Where(_)));
            filters && matches!(branch.source, Source::Table(_))
        };
        let one = union.branches.iter().all(alike) && self.fields.keeps_names();
        if one || union.branches.len() > PUSHED_TO || union.inner {
            return 0;
        }
        let known = |name: &Arc<str>| {
            let has = |branch: &Pipeline| branch.columns.columns.iter().any(|(own, _)| own == name);
            union.branches.iter().all(has)
        };
        let pushable = |stage: &&Stage| {
            let mut names = BTreeSet::new();
            mentioned(*stage, &mut names);
            let mut alone = true;
            stage.visit(&mut |node| alone &= !matches!(node, NodeRef::Pipeline(_)));
            matches!(stage.kind, StageKind::Where(_)) && alone && names.iter().all(known)
        };
        stages.iter().take_while(pushable).count()
    }

    /// `kind=inner`: the columns that every branch has.
    fn common_columns(&mut self, span: Span, union: &Union, demand: &mut Demand) -> Fit<()> {
        if union.branches.iter().any(|branch| branch.columns.open) {
            return Err(Unsayable::not_yet(span, "a union with `kind=inner` of tables whose columns are not known"));
        }
        if demand.open {
            let mut all = union.branches.iter().map(|branch| {
                branch.columns.columns.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<Arc<str>>>()
            });
            let first = all.next().unwrap_or_default();
            demand.names = all.fold(first, |common, other| common.intersection(&other).cloned().collect());
            demand.names.extend(union.with_source.clone());
            demand.open = false;
            let first = union.branches.iter().take(1).flat_map(|branch| &branch.columns.columns);
            let common = first.map(|(name, _)| name).filter(|name| demand.names.contains(*name)).cloned();
            self.inner_columns = Some(union.with_source.iter().cloned().chain(common).collect());
        }
        Ok(())
    }

    /// The columns that are read, in each branch.
    fn find_columns(
        &mut self,
        union: &Union,
        branches: &mut [Branch<'a>],
        names: &[Arc<str>],
        span: Span,
    ) -> Fit<Vec<Found<'a>>> {
        let mut found = Vec::new();
        for (branch, part) in branches.iter_mut().zip(&union.branches) {
            let mut columns = Vec::new();
            for name in names {
                let typed = part.columns.columns.iter().find(|(own, _)| own == name);
                let known = branch.scope.made.contains_key(name) || typed.is_some();
                let ty = typed.map_or(ScalarType::Unknown, |(_, ty)| *ty);
                if !(known || part.columns.open && branch.scope.events) {
                    columns.push(None);
                    continue;
                }
                columns.push(Some(self.within(branch, |this| this.named(name, ty, span))?));
            }
            found.push(columns);
        }
        Ok(found)
    }

    /// Looks at the row of a branch.
    fn within<T>(&mut self, branch: &mut Branch<'a>, look: impl FnOnce(&mut Self) -> T) -> T {
        let mut swap = |this: &mut Self| {
            std::mem::swap(&mut this.scope, &mut branch.scope);
            std::mem::swap(&mut this.tables, &mut branch.tables);
            std::mem::swap(&mut this.time_columns, &mut branch.time_columns);
            std::mem::swap(&mut this.null_text, &mut branch.null_text);
        };
        swap(self);
        let seen = look(self);
        swap(self);
        seen
    }

    /// One search for all branches, if they differ in what the base search says alone.
    fn one_search(
        &mut self,
        union: &Union,
        branches: &mut Vec<Branch<'a>>,
        names: &[Arc<str>],
        found: &[Found<'a>],
    ) -> bool {
        let Some((first, others)) = branches.split_first() else { return false };
        let plain = |branch: &Branch<'_>| branch.generator.is_none() && branch.scope.events;
        let times = |branch: &Branch<'_>| -> Vec<SearchExpr> {
            branch.base.iter().filter(|term| matches!(term, SearchExpr::Time { .. })).cloned().collect()
        };
        let same = |branch: &Branch<'_>| branch.rest == first.rest && times(branch) == times(first);
        let hoisted = first.rest.iter().all(|it| matches!(it, Command::Where(_)));
        if !plain(first) || !hoisted || !others.iter().all(|branch| plain(branch) && same(branch)) {
            return false;
        }
        // The same events must not be found twice.
        let distinct: BTreeSet<&Arc<str>> =
            branches.iter().flat_map(|it| it.tables.iter().map(|table| &table.name)).collect();
        if distinct.len() != branches.len() {
            return false;
        }
        let tables: Vec<_> = branches.iter().flat_map(|it| &it.tables).collect();
        if tables
            .iter()
            .enumerate()
            .any(|(at, table)| tables.iter().skip(at + 1).any(|it| it.selector == table.selector))
        {
            return false;
        }
        if union.with_source.is_some() && !self.fields.keeps_names() {
            return false;
        }
        let bases = branches.iter().map(|branch| branch.base.clone()).collect();
        let Some(base) = either(bases) else { return false };
        (self.window, self.selector) = base.into_iter().partition(|term| matches!(term, SearchExpr::Time { .. }));
        for branch in std::mem::take(branches) {
            self.tables.extend(branch.tables);
            self.time_columns.extend(branch.time_columns);
            self.null_text = branch.null_text;
            self.commands = branch.rest;
        }
        for (at, name) in names.iter().enumerate() {
            if let Some(column) = found.iter().find_map(|columns| columns.get(at).and_then(Option::as_ref)) {
                self.scope.made.insert(name.clone(), column.clone());
            }
        }
        self.closed_window = true;
        true
    }

    /// `withsource` of one search under KQL's own names: the table is the sourcetype.
    fn with_source(&mut self, union: &Union) {
        let Some(name) = &union.with_source else { return };
        let Some(field) = Name::new(name.as_ref()) else { return };
        self.commands.push(Command::Eval(vec![(field.clone(), EvalExpr::Field(Name::of("sourcetype")))]));
        self.scope.made.insert(name.clone(), Column::computed(field, ScalarType::String));
    }

    /// The name of the table of each branch.
    fn source_names(&mut self, union: &Union) -> Vec<String> {
        let mut unsure = None;
        let mut names = Vec::new();
        for branch in &union.branches {
            let mut source = branch;
            while let Source::Union(inner) = &source.source
                && let Some(first) = inner.branches.first()
            {
                source = first;
            }
            let Source::Table(table) = &source.source else {
                unsure = Some(branch.span);
                names.push(String::new());
                continue;
            };
            if !branch.stages.iter().all(|stage| matches!(stage.kind, StageKind::Where(_))) {
                unsure = Some(branch.span);
            }
            names.push(table.name.to_string());
        }
        if let (Some(span), true) = (unsure, union.with_source.is_some()) {
            let message = "KQL may name the part of a union that is no plain table otherwise, such as `union_arg0`";
            self.note(Code::Approximated, Effect::Unsure, span, message);
        }
        names
    }

    /// Gives the columns that are not alike in all branches fields of their own.
    fn align(
        &mut self,
        union: &Union,
        branches: &mut [Branch<'a>],
        names: &[Arc<str>],
        found: &[Found<'a>],
        apart: &[bool],
        sources: Vec<String>,
    ) -> Vec<(Arc<str>, Column<'a>)> {
        let mut columns = Vec::new();
        let mut fields: Vec<Option<Name>> = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let mut of_branches = found.iter().filter_map(|columns| columns.get(at).and_then(Option::as_ref));
            let Some(first) = of_branches.next().cloned() else {
                fields.push(None);
                continue;
            };
            let others = found.iter().filter_map(|columns| columns.get(at).and_then(Option::as_ref));
            let known = |ty| !matches!(ty, ScalarType::Unknown | ScalarType::Dynamic);
            if known(first.ty) && others.into_iter().any(|column| known(column.ty) && column.ty != first.ty) {
                let span = union.branches.first().map_or_else(Span::default, |branch| branch.span);
                let message = format!(
                    "column `{name}` has several types in the tables of the union: KQL keeps one column of each, Splunk one field"
                );
                self.note(Code::Approximated, Effect::Reshaped, span, message);
            }
            if apart.get(at) != Some(&true) {
                fields.push(None);
                let everywhere = found.iter().all(|columns| columns.get(at).is_some_and(Option::is_some));
                columns.push((
                    name.clone(),
                    Column {
                        raw: false,
                        present: first.present && everywhere,
                        null_array: first.null_array || !everywhere,
                        ..first
                    },
                ));
                continue;
            }
            let field = Name::new(name.as_ref()).unwrap_or_else(|| self.helper());
            fields.push(Some(field.clone()));
            let seconds = first.seconds && of_branches.all(|column| column.seconds);
            let shape = first.shape;
            columns.push((name.clone(), Column { seconds, shape, ..Column::computed(field, first.ty) }));
        }
        let source = union.with_source.as_ref().and_then(|name| Some((name.clone(), Name::new(name.as_ref())?)));
        for (index, branch) in branches.iter_mut().enumerate() {
            let mut assignments = Vec::new();
            if let (Some((_, field)), Some(name)) = (&source, sources.get(index)) {
                assignments.push((field.clone(), EvalExpr::Text(name.clone())));
            }
            for (at, field) in fields.iter().enumerate() {
                let Some(field) = field else { continue };
                match found.get(index).and_then(|columns| columns.get(at)).and_then(Option::as_ref) {
                    Some(column) if column.value() == EvalExpr::Field(field.clone()) => {}
                    Some(column) => assignments.push((field.clone(), column.value())),
                    None if holds(branch, field) => assignments.push((field.clone(), EvalExpr::null())),
                    None => {}
                }
            }
            let commands = std::mem::replace(&mut self.commands, std::mem::take(&mut branch.rest));
            self.assign(assignments, &[]);
            branch.rest = std::mem::replace(&mut self.commands, commands);
        }
        if let Some((name, field)) = source {
            columns.push((name, Column { present: true, ..Column::computed(field, ScalarType::String) }));
        }
        columns
    }

    /// A search for each branch.
    fn several_searches(
        &mut self,
        union: &Union,
        mut branches: Vec<Branch<'a>>,
        demand: &Demand,
        columns: Vec<(Arc<str>, Column<'a>)>,
    ) {
        self.fixed = branches.iter().all(|branch| branch.fixed);
        let events = branches.iter().any(|branch| branch.scope.events);
        for branch in &branches {
            self.tables.extend(branch.tables.iter().cloned());
            self.time_columns.extend(branch.time_columns.iter().cloned());
        }
        self.null_text = None;
        let streams = |branch: &Branch<'_>| branch.generator.is_none() && branch.rest.iter().all(is_streaming);
        if branches.len() > 1 && branches.iter().all(streams) {
            let searches = branches.into_iter().map(|branch| {
                branch.commands().into_iter().map(|command| match command {
                    Command::Table(names) => Command::Fields(names),
                    command => command,
                })
            });
            self.generator = Some(Command::Multisearch(searches.map(Iterator::collect).collect()));
            if !events && demand.open {
                self.commands.push(Command::Table(columns.iter().map(|(_, column)| column.field.clone()).collect()));
            }
        } else {
            let first = branches.remove(0);
            self.generator = first.generator;
            self.selector = first.base;
            self.commands = first.rest;
            for (branch, part) in branches.into_iter().zip(union.branches.iter().skip(1)) {
                self.limited(&branch, part.span);
                self.commands.push(Command::Append(branch.commands()));
            }
        }
        if let Some(names) = self.inner_columns.take() {
            let of = |name: &Arc<str>| columns.iter().find(|(own, _)| own == name).map(|(_, it)| it.field.clone());
            self.commands.push(Command::Table(names.iter().filter_map(of).collect()));
        }
        self.scope = Scope { made: columns.into_iter().collect(), events, open: false };
        self.base_open = false;
        self.closed_window = true;
    }
}

/// A branch with more conditions.
fn filter(branch: &Pipeline, filters: &[Stage]) -> Pipeline {
    let mut branch = branch.clone();
    branch.stages.extend(filters.iter().cloned());
    branch
}

/// Base searches of which one must hold: the terms that all have, and the others as alternatives. `None` where one has
/// no others.
pub(super) fn either(bases: Vec<Vec<SearchExpr>>) -> Option<Vec<SearchExpr>> {
    let (first, others) = bases.split_first()?;
    if others.is_empty() {
        return Some(first.clone());
    }
    let shared = |term: &&SearchExpr| others.iter().all(|it| it.contains(term));
    let common: Vec<&SearchExpr> = first.iter().filter(shared).collect();
    let own = |base: &Vec<SearchExpr>| base.iter().filter(|term| !common.contains(term)).cloned().collect();
    let alternatives = bases.iter().map(|base| SearchExpr::all(own(base))).collect::<Option<Vec<_>>>()?;
    let mut one = SearchExpr::any(alternatives);
    // The alternatives stand where the first branch has its own terms.
    let mut terms = Vec::new();
    for term in first {
        if shared(&term) {
            terms.push(term.clone());
        } else {
            terms.extend(one.take());
        }
    }
    Some(terms)
}

/// Whether a column lies in one field that means nothing else in any branch.
fn aligned(at: usize, found: &[Found<'_>], branches: &[Branch<'_>]) -> bool {
    let mut of_branches = found.iter().filter_map(|columns| columns.get(at).and_then(Option::as_ref));
    let Some(first) = of_branches.next() else { return true };
    let same = |other: &Column<'_>| {
        other.field == first.field
            && other.parts == first.parts
            && other.null_text == first.null_text
            && other.seconds == first.seconds
            && other.shape == first.shape
            && other.blank == first.blank
    };
    let lone = found
        .iter()
        .zip(branches)
        .all(|(columns, branch)| columns.get(at).is_none_or(Option::is_some) || !holds(branch, &first.field));
    of_branches.all(same) && lone
}

/// Whether the rows of a branch have a field of this name.
fn holds(branch: &Branch<'_>, field: &Name) -> bool {
    if field.text() == "_time" && !branch.fixed {
        return true;
    }
    if branch.scope.made.values().any(|column| column.field == *field) {
        return true;
    }
    let maps = branch.tables.iter().filter_map(|table| table.map);
    branch.scope.events && maps.into_iter().any(|map| map.columns.values().any(|it| it.field == field.text()))
}

/// Whether a command looks at one event after the other, so that `multisearch` takes it; see
/// <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/quick-reference/command-types>.
fn is_streaming(command: &Command) -> bool {
    match command {
        Command::Search(_)
        | Command::Refine(_)
        | Command::Undressed(_)
        | Command::Where(_)
        | Command::Eval(_)
        | Command::Fields(_)
        | Command::FieldsAway(_)
        | Command::FieldsAwayLike(_)
        | Command::Rename(_)
        | Command::FillEmpty(_)
        | Command::MvExpand(..)
        | Command::Rex { .. }
        | Command::IpLocation { .. }
        | Command::Lookup { .. }
        | Command::Spath(_)
        // It becomes `fields`.
        | Command::Table(_) => true,
        Command::Stats { .. }
        | Command::EventStats { .. }
        // Streaming, but on the search head alone.
        | Command::StreamStats { .. }
        | Command::TableLike(_)
        | Command::Reverse
        | Command::XySeries(..)
        | Command::FillZero
        | Command::AppendPipe(_)
        | Command::Sort { .. }
        | Command::Head(_)
        | Command::Dedup(_)
        | Command::Append(_)
        | Command::Multisearch(_)
        | Command::MakeResults(_)
        | Command::InputLookup(_)
        | Command::Join { .. }
        | Command::From(_)
        | Command::Tstats(_) => false,
    }
}
