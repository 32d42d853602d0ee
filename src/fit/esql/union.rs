//! `union`: rows of several pipelines, columns matched by name.
//!
//! Branches that differ in their index alone are one `FROM a, b`. Others are queries of their own in it. A column that lies
//! in different fields, or in a field that means something else in another branch, gets a column of its own first.
//! See <https://learn.microsoft.com/kusto/query/union-operator> and
//! <https://www.elastic.co/docs/reference/query-languages/esql/esql-subquery>.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::combine::{exceeds, has_query, refused, too_many};
use super::scope::{Column, Form, Scope, converted};
use super::tree::{Command, Expr, Glob, Name, Part, Source as Said};
use super::{Branch, Fit, Fitter, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::Window;
use crate::fit::demand::{Demand, wanted};
use crate::plan::{Pipeline, ScalarType, Source, Stage, StageKind, Union};
use crate::source::Span;
use crate::target::Construct;

/// Branches that a union within unions may come to.
const MAX_FLAT: usize = 64;

/// What one branch has of the columns that are read.
type Found<'a> = Vec<Option<Column<'a>>>;

impl<'a> Fitter<'a, '_> {
    /// The rows of a union; `window` is the time in which they must lie.
    pub(super) fn union(&mut self, pipeline: &Pipeline, union: &Union, window: &Window<'_>) -> Fit<()> {
        let mut demand = self.demand(&pipeline.stages);
        let common = self.common_columns(pipeline.span, union, &mut demand)?;
        let mut read = demand.clone();
        if let Some(name) = &union.with_source {
            read.names.remove(name);
        }
        let mut parts = Vec::new();
        for branch in &union.branches {
            self.flatten(branch, &[], &mut parts)?;
        }
        if let [only] = parts.as_slice()
            && union.with_source.is_none()
        {
            let (branch, ()) = self.nested(only, self.polarity, read, window, self.inside, |_| Ok(()))?;
            self.adopt(branch);
            return self.cut_to_window(std::slice::from_ref(only), window);
        }
        let mut branches = Vec::new();
        for part in &parts {
            branches.push(self.nested(part, self.polarity, read.clone(), window, true, |_| Ok(()))?.0);
        }
        if union.fuzzy {
            let message = "a table that does not exist is passed over in KQL; an index that does not is an error here";
            self.note(Code::Ignored, Effect::Exact, pipeline.span, message);
        }
        let names = wanted(&read, &parts, branches.iter().flat_map(|branch| branch.scope.made.keys().cloned()));
        let found = self.find_columns(&parts, &mut branches, &names)?;
        if union.with_source.is_none() && self.one_source(&mut branches, &names, &found) {
            self.keep_common(common);
            return self.cut_to_window(&parts, window);
        }
        let sources = self.source_names(union, &parts);
        let columns = self.align(union, &parts, &mut branches, &names, &found, sources);
        self.several_queries(pipeline.span, branches, columns)?;
        self.keep_common(common);
        self.cut_to_window(&parts, window)
    }

    /// A union within a union: its branches, each with the stages that follow it.
    pub(super) fn flatten(&mut self, branch: &Pipeline, after: &[Stage], parts: &mut Vec<Pipeline>) -> Fit<()> {
        let mut stages = branch.stages.clone();
        stages.extend(after.iter().cloned());
        let apart = stages.iter().all(|stage| each_row(&stage.kind));
        if let Source::Union(inner) = &branch.source
            && inner.with_source.is_none()
            && (apart || inner.branches.len() == 1)
        {
            self.ledger.carried(branch.id);
            for each in &inner.branches {
                self.flatten(each, &stages, parts)?;
            }
            return Ok(());
        }
        if parts.len() >= MAX_FLAT {
            return Err(too_many(branch.span));
        }
        let columns = branch.columns.clone();
        parts.push(Pipeline { stages, columns, source: branch.source.clone(), ..branch.clone() });
        Ok(())
    }

    /// Keeps the rows within a window, where a branch has one of its own or is not searched by time.
    fn cut_to_window(&mut self, parts: &[Pipeline], window: &Window<'_>) -> Fit<()> {
        let timed = |part: &Pipeline| {
            Window::leading(part).is_open()
                && matches!(part.source, Source::Table(_) | Source::Union(_) | Source::Search { .. })
        };
        if !parts.iter().all(timed) {
            for condition in &window.conditions {
                let condition = self.predicate(condition)?;
                self.commands.push(Command::Where(condition));
            }
        }
        Ok(())
    }

    /// `kind=inner`: the columns that every branch has.
    fn common_columns(&mut self, span: Span, union: &Union, demand: &mut Demand) -> Fit<Option<Vec<Arc<str>>>> {
        if !union.inner {
            return Ok(None);
        }
        if union.branches.iter().any(|branch| branch.columns.open) {
            return Err(unwritten(span, "a union with `kind=inner` of tables whose columns are not known"));
        }
        if !demand.open {
            return Ok(None);
        }
        let mut all = union
            .branches
            .iter()
            .map(|branch| branch.columns.columns.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<Arc<str>>>());
        let first = all.next().unwrap_or_default();
        demand.names = all.fold(first, |common, other| common.intersection(&other).cloned().collect());
        demand.open = false;
        let first = union.branches.iter().take(1).flat_map(|branch| &branch.columns.columns);
        let common = first.map(|(name, _)| name).filter(|name| demand.names.contains(*name)).cloned();
        let common = union.with_source.iter().cloned().chain(common).collect();
        demand.names.extend(union.with_source.clone());
        Ok(Some(common))
    }

    fn keep_common(&mut self, names: Option<Vec<Arc<str>>>) {
        let Some(names) = names else { return };
        let fields: Vec<Glob> =
            names.iter().filter_map(|name| self.scope.made.get(name)).map(|it| Glob::from(&it.field)).collect();
        if !fields.is_empty() {
            self.commands.push(Command::Keep(fields));
        }
        self.scope.made.retain(|name, _| names.contains(name));
        self.scope.events = false;
        self.scope.open = false;
    }

    /// The columns that are read, in each branch.
    fn find_columns(
        &mut self,
        parts: &[Pipeline],
        branches: &mut [Branch<'a>],
        names: &[Arc<str>],
    ) -> Fit<Vec<Found<'a>>> {
        let mut found = Vec::new();
        for (branch, part) in branches.iter_mut().zip(parts) {
            let mut columns = Vec::new();
            for name in names {
                let typed = part.columns.columns.iter().find(|(own, _)| own == name);
                let known = branch.scope.made.contains_key(name) || typed.is_some() && branch.scope.events;
                let ty = typed.map_or(ScalarType::Unknown, |(_, ty)| *ty);
                if !(known || part.columns.open && (branch.scope.events || branch.scope.open)) {
                    columns.push(None);
                    continue;
                }
                let mut column = self.within(branch, |this| this.named(name, ty, part.span))?;
                column.present |= branch.proven.contains(name);
                columns.push(Some(column));
            }
            found.push(columns);
        }
        Ok(found)
    }

    /// One `FROM` for all branches, if they differ in their index alone.
    fn one_source(&mut self, branches: &mut Vec<Branch<'a>>, names: &[Arc<str>], found: &[Found<'a>]) -> bool {
        let Some((first, others)) = branches.split_first() else { return false };
        let plain = |branch: &Branch<'_>| branch.scope.events && !has_query(&branch.body.source);
        let same = |branch: &Branch<'_>| branch.body.commands == first.body.commands;
        let filters = first.body.commands.iter().all(|it| matches!(it, Command::Where(_)));
        if !filters || !plain(first) || !others.iter().all(|branch| plain(branch) && same(branch)) {
            return false;
        }
        let mut indices: Vec<Part> = Vec::new();
        for branch in branches.iter() {
            let Said::From(parts) = &branch.body.source else { return false };
            // The same events must not be found twice.
            if parts.iter().any(|part| indices.contains(part) || matches!(part, Part::Index(it) if it.contains('*'))) {
                return false;
            }
            indices.extend(parts.iter().cloned());
        }
        if (0..names.len()).any(|at| !aligned(at, found, branches)) {
            return false;
        }
        self.source = Some(Said::From(indices));
        self.commands.clone_from(&first.body.commands);
        self.proven = first.proven.clone();
        for branch in std::mem::take(branches) {
            self.proven.meet(&branch.proven);
            self.tables.extend(branch.tables);
            self.time_columns.extend(branch.time_columns);
        }
        for (at, name) in names.iter().enumerate() {
            let of_branches: Vec<Option<&Column<'a>>> =
                found.iter().map(|columns| columns.get(at).and_then(Option::as_ref)).collect();
            if let Some(column) = of_branches.iter().find_map(|column| *column) {
                let present = of_branches.iter().all(|column| column.is_some_and(|column| column.present));
                self.scope.made.insert(name.clone(), Column { present, ..column.clone() });
            }
        }
        self.scope.events = true;
        true
    }

    /// The name of the table of each branch.
    fn source_names(&mut self, union: &Union, parts: &[Pipeline]) -> Vec<String> {
        let mut unsure = None;
        let mut names = Vec::new();
        for part in parts {
            let filters = part.stages.iter().all(|stage| matches!(stage.kind, StageKind::Where(_)));
            match &part.source {
                Source::Table(table) => names.push(table.name.to_string()),
                Source::Union(_)
                | Source::Watchlist { .. }
                | Source::External { .. }
                | Source::Rows { .. }
                | Source::Print(_)
                | Source::Range { .. }
                | Source::Search { .. } => names.push(String::new()),
            }
            if !filters || names.last().is_some_and(String::is_empty) {
                unsure = Some(part.span);
            }
        }
        if let (Some(span), true) = (unsure, union.with_source.is_some()) {
            let message = "KQL may name the part of a union that is no plain table otherwise, such as `union_arg0`";
            self.note(Code::Approximated, Effect::Unsure, span, message);
        }
        names
    }

    /// Gives the columns that are not alike in all branches columns of their own.
    fn align(
        &mut self,
        union: &Union,
        parts: &[Pipeline],
        branches: &mut [Branch<'a>],
        names: &[Arc<str>],
        found: &[Found<'a>],
        sources: Vec<String>,
    ) -> Vec<(Arc<str>, Column<'a>)> {
        let mut columns = Vec::new();
        let mut targets: Vec<Option<(Name, Form)>> = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let of_branches: Vec<&Column<'a>> =
                found.iter().filter_map(|columns| columns.get(at).and_then(Option::as_ref)).collect();
            let Some(first) = of_branches.first().copied() else {
                targets.push(None);
                continue;
            };
            let known = |ty| !matches!(ty, ScalarType::Unknown | ScalarType::Dynamic);
            let span = parts.first().map_or_else(Span::default, |part| part.span);
            if known(first.ty) && of_branches.iter().any(|column| known(column.ty) && column.ty != first.ty) {
                let message = format!(
                    "column `{name}` has several types in the tables of the union: KQL keeps one column of each, ES|QL has one"
                );
                self.note(Code::Approximated, Effect::Reshaped, span, message);
            }
            let everywhere = of_branches.len() == found.len();
            let present = everywhere && of_branches.iter().all(|column| column.present);
            let many = of_branches.iter().any(|column| column.many);
            let absent = of_branches.iter().all(|column| column.empty_is_absent);
            let ty = of_branches.iter().find(|it| known(it.ty)).map_or(first.ty, |column| column.ty);
            if aligned(at, found, branches) {
                targets.push(None);
                let column = Column { present, many, empty_is_absent: absent, ty, ..first.clone() };
                columns.push((name.clone(), column));
                continue;
            }
            let field = Name::new(name.as_ref()).unwrap_or_else(|| self.helper());
            let form = if of_branches.iter().all(|column| column.form == first.form) {
                first.form
            } else if of_branches.iter().all(|column| Form::of(column.ty) == Form::of(ty)) {
                Form::of(ty)
            } else {
                Form::Keyword
            };
            let ty = if form == Form::Keyword && Form::of(ty) != Form::Keyword { ScalarType::String } else { ty };
            targets.push(Some((field.clone(), form)));
            let object = of_branches.iter().any(|column| column.object);
            let column = Column { present, many, object, form, empty_is_absent: absent, ..Column::computed(field, ty) };
            columns.push((name.clone(), column));
        }
        let source = union.with_source.as_ref().and_then(|name| Some((name.clone(), Name::new(name.as_ref())?)));
        for (index, branch) in branches.iter_mut().enumerate() {
            let mut assignments = Vec::new();
            if let (Some((_, field)), Some(name)) = (&source, sources.get(index)) {
                assignments.push((field.clone(), Expr::Text(name.clone())));
            }
            for (at, target) in targets.iter().enumerate() {
                let Some((field, form)) = target else { continue };
                match found.get(index).and_then(|columns| columns.get(at)).and_then(Option::as_ref) {
                    Some(column) => {
                        let value = converted(column.bare(), column.form, *form);
                        if value != Expr::Field(field.clone()) {
                            assignments.push((field.clone(), value));
                        }
                    }
                    None if holds(branch, field) => assignments.push((field.clone(), Expr::Null)),
                    None => {}
                }
            }
            self.within(branch, |this| this.assign(assignments));
        }
        if let Some((name, field)) = source {
            columns.push((name, Column { present: true, ..Column::computed(field, ScalarType::String) }));
        }
        columns
    }

    /// A query in `FROM` for each branch.
    fn several_queries(
        &mut self,
        span: Span,
        branches: Vec<Branch<'a>>,
        columns: Vec<(Arc<str>, Column<'a>)>,
    ) -> Fit<()> {
        if self.inside {
            return Err(refused(span, "a query within `FROM` can hold no other, as a union would be"));
        }
        let mut parts = Vec::new();
        let mut open = false;
        let mut events = false;
        for (index, branch) in branches.into_iter().enumerate() {
            if index == 0 {
                self.proven = branch.proven.clone();
            }
            self.proven.meet(&branch.proven);
            open |= branch.scope.open;
            events |= branch.scope.events;
            self.tables.extend(branch.tables);
            self.time_columns.extend(branch.time_columns);
            let mut commands = branch.body.commands;
            // The order of a part is not that of the whole.
            while matches!(commands.last(), Some(Command::Sort(_))) {
                commands.pop();
            }
            match branch.body.source {
                Said::From(mut own) if commands.is_empty() && own.iter().all(|it| matches!(it, Part::Index(_))) => {
                    parts.append(&mut own);
                }
                source if has_query(&source) => {
                    return Err(refused(span, "a query within `FROM` can hold no other, as a union within one is"));
                }
                source => {
                    let construct =
                        if matches!(source, Said::Row(_)) { Construct::RowSubquery } else { Construct::FromSubquery };
                    self.needs(construct, span)?;
                    parts.push(Part::Query(super::tree::Body { source, commands }));
                }
            }
        }
        if exceeds(&parts) {
            return Err(too_many(span));
        }
        // Indices stand first.
        parts.sort_by_key(|part| matches!(part, Part::Query(_)));
        self.source = Some(Said::From(parts));
        self.scope = Scope { made: columns.into_iter().collect(), events, open, ..Scope::default() };
        Ok(())
    }
}

/// Whether a stage looks at one row after the other, so that it means the same of the rows of each part of a union.
fn each_row(kind: &StageKind) -> bool {
    match kind {
        StageKind::Where(_)
        | StageKind::Extend(_)
        | StageKind::Project(_)
        | StageKind::ProjectAway(_)
        | StageKind::ProjectKeep(_)
        | StageKind::ProjectRename(_)
        | StageKind::ProjectReorder(_)
        | StageKind::MvExpand { .. }
        | StageKind::MvApply { .. }
        | StageKind::Parse { .. }
        | StageKind::ParseKv { .. }
        | StageKind::Render { .. } => true,
        StageKind::Summarize { .. }
        | StageKind::Distinct(_)
        | StageKind::Count
        | StageKind::Sort(_)
        | StageKind::Top { .. }
        | StageKind::Take(_)
        | StageKind::Sample(_)
        | StageKind::SampleDistinct { .. }
        | StageKind::Join(_)
        | StageKind::Lookup(_)
        | StageKind::MakeSeries(_)
        | StageKind::Serialize(_)
        | StageKind::Evaluate { .. }
        | StageKind::Invoke { .. }
        | StageKind::Untranslated(_) => false,
    }
}

/// Whether a column lies in one field of one type that means nothing else in any branch.
fn aligned(at: usize, found: &[Found<'_>], branches: &[Branch<'_>]) -> bool {
    let mut of_branches = found.iter().filter_map(|columns| columns.get(at).and_then(Option::as_ref));
    let Some(first) = of_branches.next() else { return true };
    let same = |other: &Column<'_>| other.field == first.field && other.form == first.form;
    let lone = found
        .iter()
        .zip(branches)
        .all(|(columns, branch)| columns.get(at).is_none_or(Option::is_some) || !holds(branch, &first.field));
    of_branches.all(same) && lone
}

/// Whether the rows of a branch have a field of this name.
fn holds(branch: &Branch<'_>, field: &Name) -> bool {
    if branch.scope.events && *field == Name::time() {
        return true;
    }
    if branch.scope.made.values().any(|column| column.field == *field) {
        return true;
    }
    let maps = branch.tables.iter().filter_map(|table| table.map);
    branch.scope.events && maps.into_iter().any(|map| map.columns.values().any(|it| it.field == field.text()))
}
