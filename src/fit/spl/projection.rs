//! The columns of a row: which there are, in which order, and under which names.
//!
//! See <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/table>,
//! `fields` and `rename`.

use std::sync::Arc;

use super::scope::Column;
use super::tree::{Command, EvalExpr, Glob, Name};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::fit::demand::closes;
use crate::fit::text::matches_glob as matches;
use crate::plan::{Binding, Expr, ExprKind, NamePattern, ScalarType, Stage};

/// A column and its name.
type Named<'a> = (Arc<str>, Column<'a>);

impl<'a> Fitter<'a, '_> {
    /// Assigns values all at once; `read` are other fields that must keep what they hold. A field that is still read is
    /// first assigned under another name.
    pub(super) fn assign(&mut self, assignments: Vec<(Name, EvalExpr)>, read: &[Name]) -> Vec<(Name, Name)> {
        let mut later: Vec<Name> = read.to_vec();
        let mut out = Vec::new();
        let mut renames = Vec::new();
        for (target, value) in assignments.into_iter().rev() {
            let field = if later.contains(&target) {
                let helper = self.helper();
                renames.push((helper.clone(), target));
                helper
            } else {
                target
            };
            value.fields(&mut |name| later.push(name.clone()));
            out.push((field, value));
        }
        out.reverse();
        renames.reverse();
        if !out.is_empty() {
            self.commands.push(Command::Eval(out));
        }
        if read.is_empty() && !renames.is_empty() {
            // A rename of what is missing everywhere would leave the old field; an assignment removes it.
            let back = renames.iter().map(|(helper, target)| (target.clone(), EvalExpr::Field(helper.clone())));
            self.commands.push(Command::Eval(back.collect()));
            self.commands.push(Command::FieldsAway(renames.iter().map(|(helper, _)| helper.clone()).collect()));
            return Vec::new();
        }
        renames
    }

    /// `project`: exactly these columns.
    pub(super) fn project(&mut self, bindings: &[Binding], rest: &[Stage]) -> Fit<()> {
        let mut items = Vec::new();
        for binding in bindings {
            let event_time = match binding.value.as_column() {
                Some(reference) => {
                    let column = self.column(reference, binding.value.ty, binding.span)?;
                    // The event's own time keeps its field: that is what the time column is called in Splunk.
                    (column.field.text() == "_time" && *reference.name == *binding.name).then_some(column)
                }
                None => None,
            };
            if let Some(column) = event_time {
                self.ledger.carried(binding.id);
                self.ledger.carried(binding.value.id);
                items.push((binding.name.clone(), column.clone(), column.bare()));
                continue;
            }
            let (column, value) = self.binding(binding, rest)?;
            items.push((binding.name.clone(), column, value));
        }
        self.reshape(items, rest)
    }

    /// Makes the row hold exactly these columns, each a field with the value given.
    pub(super) fn reshape(&mut self, items: Vec<(Arc<str>, Column<'a>, EvalExpr)>, rest: &[Stage]) -> Fit<()> {
        if items.is_empty() {
            return Ok(());
        }
        let reads = |index: usize, name: &Name| {
            let mut found = false;
            for (other, (_, _, value)) in items.iter().enumerate() {
                if other != index {
                    value.fields(&mut |field| found |= field == name);
                }
            }
            found
        };
        let mut assignments = Vec::new();
        let mut renames = Vec::new();
        let mut sources = Vec::new();
        let mut kept = Vec::new();
        for (index, (_, column, value)) in items.iter().enumerate() {
            match value {
                EvalExpr::Field(field) if *field == column.field => {
                    sources.push(field.clone());
                    kept.push(field.clone());
                }
                EvalExpr::Field(field) if !reads(index, field) && !reads(index, &column.field) => {
                    sources.push(field.clone());
                    kept.push(field.clone());
                    renames.push((field.clone(), column.field.clone()));
                }
                value => {
                    assignments.push((column.field.clone(), value.clone()));
                    sources.push(column.field.clone());
                }
            }
        }
        kept.push(Name::of("_"));
        let helped = self.assign(assignments, &kept);
        for source in &mut sources {
            if let Some((helper, _)) = helped.iter().find(|(_, target)| target == source && !kept.contains(source)) {
                *source = helper.clone();
            }
        }
        // A target that is kept under its own name and assigned as well stands twice: the second is the helper's.
        for (helper, target) in &helped {
            if !sources.contains(helper)
                && let Some(at) = sources.iter().rposition(|source| source == target)
                && let Some(slot) = sources.get_mut(at)
            {
                *slot = helper.clone();
            }
        }
        let shaped_again = rest.iter().any(closes);
        self.commands.push(if shaped_again { Command::Fields(sources) } else { Command::Table(sources) });
        renames.extend(helped);
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        self.scope.events = false;
        self.scope.made = items.into_iter().map(|(name, column, _)| (name, column)).collect();
        Ok(())
    }

    /// `project-away` of a row of which not every column is known.
    pub(super) fn project_away(&mut self, stage: &Stage, patterns: &[NamePattern]) -> Fit<()> {
        match self.globs(patterns)? {
            Some((globs, true)) => {
                self.commands.push(Command::FieldsAwayLike(globs));
                let gone = |name: &str| patterns.iter().any(|pattern| matches(&pattern.pattern, name));
                self.scope.made.retain(|name, _| !gone(name));
            }
            Some((_, false)) => {
                let names: Vec<Name> = self.listed(patterns)?.into_iter().map(|(_, column)| column.field).collect();
                self.scope.made.retain(|name, _| !patterns.iter().any(|pattern| pattern.pattern == *name));
                self.commands.push(Command::FieldsAway(names));
            }
            None => {
                self.dropped(
                    stage,
                    Code::ColumnsDropped,
                    Effect::Reshaped,
                    "columns that are taken away by a wildcard or lie in the JSON of the event stay",
                );
            }
        }
        Ok(())
    }

    /// `project-keep` of a row of which not every column is known.
    pub(super) fn project_keep(&mut self, stage: &Stage, patterns: &[NamePattern]) -> Fit<()> {
        match self.globs(patterns)? {
            Some((globs, true)) => {
                self.commands.push(Command::TableLike(globs));
                let stays = |name: &str| patterns.iter().any(|pattern| matches(&pattern.pattern, name));
                self.scope.made.retain(|name, _| stays(name));
            }
            Some((_, false)) => {
                let columns = self.listed(patterns)?;
                self.commands.push(Command::Table(columns.iter().map(|(_, column)| column.field.clone()).collect()));
                self.scope.events = false;
                self.scope.made = columns.into_iter().collect();
            }
            None => {
                self.dropped(
                    stage,
                    Code::ColumnsDropped,
                    Effect::Reshaped,
                    "columns other than those kept by a wildcard or from the JSON of the event stay",
                );
            }
        }
        Ok(())
    }

    /// `project-reorder`: these columns first; the others follow.
    pub(super) fn project_reorder(&mut self, stage: &Stage, patterns: &[NamePattern], rest: &[Stage]) -> Fit<()> {
        if rest.iter().any(closes) {
            // A later operator says which columns there are, and in which order.
            return Ok(());
        }
        let mut first: Vec<Glob> = Vec::new();
        let mut push = |glob: Glob| {
            if !first.contains(&glob) {
                first.push(glob);
            }
        };
        let mut kept = true;
        for pattern in patterns {
            let unknown = !self.scope.events && !self.scope.made.contains_key(&pattern.pattern);
            if unknown && !pattern.pattern.contains('*') {
                Glob::new(&pattern.pattern).into_iter().for_each(&mut push);
                continue;
            }
            match self.globs(std::slice::from_ref(pattern))? {
                Some((globs, _)) => globs.into_iter().for_each(&mut push),
                None => kept = false,
            }
        }
        if !kept {
            let message = "a column that is no field of its own in Splunk has no place in the order of columns";
            self.note(Code::OrderDropped, Effect::Reshaped, stage.span, message);
        }
        if self.scope.events {
            // `*` stands for no internal field.
            push(Glob::from(&Name::of("_time")));
            if !rest.is_empty() && !self.fields.keeps_names() {
                push(Glob::from(&Name::of("_raw")));
            }
        }
        first.extend(Glob::new("*"));
        self.commands.push(Command::TableLike(first));
        Ok(())
    }

    /// The fields of a list of names, and whether there is a wildcard among them. `None` where one is no field of its own,
    /// or where a wildcard does not mean the same of fields as of columns.
    fn globs(&mut self, patterns: &[NamePattern]) -> Fit<Option<(Vec<Glob>, bool)>> {
        let mut globs = Vec::new();
        let mut wild = false;
        for pattern in patterns {
            if !pattern.pattern.contains('*') {
                let (_, column) = self.column_of(pattern)?;
                if !column.is_field() {
                    return Ok(None);
                }
                globs.push(Glob::from(&column.field));
                continue;
            }
            wild = true;
            let renamed = self.scope.made.iter().any(|(name, column)| {
                (!column.is_field() || column.field.text() != name.as_ref())
                    && column.field.text() != "_time"
                    && (matches(&pattern.pattern, name) || matches(&pattern.pattern, column.field.text()))
            });
            let keeps_names = self.fields.keeps_names() || self.tables.iter().all(|table| table.map.is_none());
            if renamed || self.scope.events && !keeps_names {
                return Ok(None);
            }
            globs.extend(Glob::new(&pattern.pattern));
            let time = self.time_columns.iter().any(|name| matches(&pattern.pattern, name));
            let made = self
                .scope
                .made
                .iter()
                .any(|(name, column)| column.field.text() == "_time" && matches(&pattern.pattern, name));
            if self.scope.events && time || made {
                globs.push(Glob::from(&Name::of("_time")));
            }
        }
        Ok(Some((globs, wild)))
    }

    /// The columns of a list of names without wildcards.
    fn listed(&mut self, patterns: &[NamePattern]) -> Fit<Vec<Named<'a>>> {
        patterns.iter().map(|pattern| self.column_of(pattern)).collect()
    }

    /// The column of this name.
    fn column_of(&mut self, pattern: &NamePattern) -> Fit<Named<'a>> {
        let reference = crate::plan::ColumnRef { name: pattern.pattern.clone(), known: false };
        let column = self.column(&reference, ScalarType::Unknown, pattern.span)?;
        Ok((pattern.pattern.clone(), column))
    }

    pub(super) fn project_rename(&mut self, pairs: &[(Arc<str>, Expr)]) -> Fit<()> {
        let mut renames = Vec::new();
        let mut assignments = Vec::new();
        let mut made = Vec::new();
        for (name, old) in pairs {
            self.ledger.carried(old.id);
            let ExprKind::Column(reference) = &old.kind else {
                return Err(Unsayable::not_yet(old.span, "a rename of what is no column"));
            };
            let column = self.column(reference, old.ty, old.span)?;
            let field = self.new_field(name, old.span)?;
            if !column.is_field() {
                assignments.push((field.clone(), column.value()));
                let column = Column { null_text: None, ..Column::computed(field, column.ty) };
                made.push((name.clone(), column));
                continue;
            }
            renames.push((column.field.clone(), field.clone()));
            made.push((name.clone(), Column { field, raw: false, ..column }));
        }
        // A name that is taken by one column and given up by another waits under a name of its own.
        let mut last = Vec::new();
        for index in 0..renames.len() {
            let taken = |name: &Name| renames.iter().skip(index + 1).any(|(from, _)| from == name);
            if renames.get(index).is_some_and(|(_, to)| taken(to)) {
                let helper = self.helper();
                if let Some((_, to)) = renames.get_mut(index) {
                    last.push((helper.clone(), std::mem::replace(to, helper)));
                }
            }
        }
        renames.extend(last);
        if !assignments.is_empty() {
            self.commands.push(Command::Eval(assignments));
        }
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        self.scope.made.extend(made);
        Ok(())
    }
}
