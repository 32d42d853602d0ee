//! The columns of a row: which there are, in which order, and under which names.
//!
//! See `KEEP`, `DROP`, `RENAME` and `EVAL` at <https://www.elastic.co/docs/reference/query-languages/esql/esql-commands>.

use std::sync::Arc;

use super::columns::unwritable;
use super::function::Shape;
use super::scope::Column;
use super::tree::{Command, Expr, Glob, Name};
use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::fit::text::matches_glob as fits;
use crate::plan::{Binding, ColumnRef, Expr as Meant, ExprKind, NamePattern, ScalarType, Stage};

/// A column of the row to come: its name in KQL, what it is, and its value now.
pub(super) type Item<'a> = (Arc<str>, Column<'a>, Expr);

impl<'a> Fitter<'a, '_> {
    /// Assigns values all at once, though `EVAL` does so one after the other: a column that a later value still reads is
    /// assigned under another name first.
    pub(super) fn assign(&mut self, assignments: Vec<(Name, Expr)>) {
        let mut out: Vec<(Name, Expr)> = Vec::with_capacity(assignments.len());
        let mut renames = Vec::new();
        for (index, (target, value)) in assignments.iter().enumerate() {
            let later = assignments.get(index + 1..).unwrap_or_default();
            if later.iter().any(|(_, value)| value.reads(target)) {
                let helper = self.helper();
                out.push((helper.clone(), value.clone()));
                renames.push((helper, target.clone()));
            } else {
                out.push((target.clone(), value.clone()));
            }
        }
        if !out.is_empty() {
            self.commands.push(Command::Eval(out));
        }
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
    }

    /// `extend`: each expression sees the row as it was before.
    pub(super) fn extend(&mut self, bindings: &[Binding]) -> Fit<()> {
        let mut assignments = Vec::new();
        let mut made = Vec::new();
        for binding in bindings {
            let said = self.or_without(&binding.name, binding.span, binding, |this| this.binding(binding))?;
            let Some((column, value)) = said else { continue };
            if value != column.bare() {
                assignments.push((column.field.clone(), value));
            }
            made.push((binding.name.clone(), column));
        }
        self.assign(assignments);
        self.scope.made.extend(made);
        Ok(())
    }

    /// A named value and the column it makes.
    pub(super) fn binding(&mut self, binding: &Binding) -> Fit<(Column<'a>, Expr)> {
        self.ledger.carried(binding.id);
        let field = self.new_name(&binding.name, binding.span)?;
        if let Some(column) = self.bag_of_columns(binding)? {
            let value = column.bare();
            return Ok((column, value));
        }
        if let Some(source) = self.held_column(&binding.value)? {
            self.shown(&source, binding.value.span);
            let value = source.value();
            let kept = value == source.bare();
            let form = if kept { source.form } else { super::scope::Form::of(source.ty) };
            let known = source.known.clone().filter(|_| kept);
            return Ok((Column { field, form, known, ..source }, value));
        }
        let value = self.value(&binding.value)?;
        let form = self.form(&binding.value);
        let many = self.is_many(&binding.value);
        let present = value.never_null() && binding.value.ty != ScalarType::String;
        Ok((Column { form, many, ordered: many, present, ..Column::computed(field, binding.value.ty) }, value))
    }

    /// `project`: exactly these columns.
    pub(super) fn project(&mut self, bindings: &[Binding]) -> Fit<()> {
        let items = self.items(bindings)?;
        self.reshape(items);
        Ok(())
    }

    /// The columns that are named, with their values. The event's own time keeps its name: that is what the time is
    /// called in Elasticsearch.
    pub(super) fn items(&mut self, bindings: &[Binding]) -> Fit<Vec<Item<'a>>> {
        let mut items = Vec::new();
        for binding in bindings {
            let said = self.or_without(&binding.name, binding.span, binding, |this| {
                if let Some(column) = this.own_time(&binding.name, &binding.value)? {
                    this.ledger.carried(binding.id);
                    let value = column.bare();
                    return Ok((column, value));
                }
                this.binding(binding)
            })?;
            items.extend(said.map(|(column, value)| (binding.name.clone(), column, value)));
        }
        if items.is_empty()
            && let Some((binding, reason)) = bindings.first().and_then(|it| Some((it, self.lost.get(&it.name)?)))
        {
            return Err(Unsayable::new(Code::UnmappedColumn, binding.span, reason.clone()));
        }
        Ok(items)
    }

    /// The event's time under the name that it has in the hunt.
    pub(super) fn own_time(&mut self, name: &Arc<str>, value: &Meant) -> Fit<Option<Column<'a>>> {
        let ExprKind::Column(reference) = &value.kind else { return Ok(None) };
        let column = self.column(reference, value.ty, value.span)?;
        self.ledger.carried(value.id);
        Ok((column.field == Name::time() && reference.name == *name).then_some(column))
    }

    /// Makes the row hold exactly these columns, each with the value given.
    pub(super) fn reshape(&mut self, items: Vec<Item<'a>>) {
        if items.is_empty() {
            return;
        }
        let mut assignments = Vec::new();
        let mut renames = Vec::new();
        for (index, (_, column, value)) in items.iter().enumerate() {
            let others = || items.iter().enumerate().filter(move |(other, _)| *other != index).map(|(_, item)| item);
            match value {
                Expr::Field(field) if *field == column.field => {}
                // Renamed where nobody else reads or makes either of the two names.
                Expr::Field(field)
                    if !others().any(|(_, other, value)| {
                        value.reads(field) || value.reads(&column.field) || other.field == *field
                    }) =>
                {
                    renames.push((field.clone(), column.field.clone()));
                }
                value => assignments.push((column.field.clone(), value.clone())),
            }
        }
        // A column that stays and is read under its name must not be covered before that.
        self.assign(assignments);
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        self.commands.push(Command::Keep(items.iter().map(|(_, column, _)| column.glob()).collect()));
        self.scope.events = false;
        self.scope.open = false;
        self.scope.made = items.into_iter().map(|(name, column, _)| (name, column)).collect();
    }

    /// `project-away` of a row of which not every column is known.
    pub(super) fn project_away(&mut self, stage: &Stage, patterns: &[NamePattern]) -> Fit<()> {
        let Some(globs) = self.globs(patterns)? else {
            self.dropped(stage, "columns that are taken away by a wildcard stay, since they have other names");
            return Ok(());
        };
        self.commands.push(Command::Drop(globs));
        let gone = |name: &str| patterns.iter().any(|pattern| fits(&pattern.pattern, name));
        self.scope.made.retain(|name, _| !gone(name));
        Ok(())
    }

    /// `project-keep` of a row of which not every column is known.
    pub(super) fn project_keep(&mut self, stage: &Stage, patterns: &[NamePattern]) -> Fit<()> {
        let Some(globs) = self.globs(patterns)? else {
            self.dropped(stage, "columns other than those kept by a wildcard stay, since they have other names");
            return Ok(());
        };
        self.commands.push(Command::Keep(globs));
        if patterns.iter().any(|pattern| pattern.pattern.contains('*')) {
            self.scope.made.retain(|name, _| patterns.iter().any(|pattern| fits(&pattern.pattern, name)));
            return Ok(());
        }
        let mut made = Vec::new();
        for pattern in patterns {
            made.push((pattern.pattern.clone(), self.column_of(pattern)?));
        }
        self.scope.events = false;
        self.scope.made = made.into_iter().collect();
        Ok(())
    }

    /// `project-reorder`: these columns first; the others follow.
    pub(super) fn project_reorder(&mut self, stage: &Stage, patterns: &[NamePattern]) -> Fit<()> {
        let Some(mut globs) = self.globs(patterns)? else {
            let message = "columns that are ordered by a wildcard keep their place, since they have other names";
            self.note(Code::OrderDropped, Effect::Reshaped, stage.span, message);
            return Ok(());
        };
        globs.extend(Glob::new("*"));
        let mut first = Vec::new();
        for glob in globs {
            if !first.contains(&glob) {
                first.push(glob);
            }
        }
        self.commands.push(Command::Keep(first));
        Ok(())
    }

    /// The columns of a list of names; `None` where a wildcard does not mean the same of fields as of columns.
    fn globs(&mut self, patterns: &[NamePattern]) -> Fit<Option<Vec<Glob>>> {
        let mut globs = Vec::new();
        for pattern in patterns {
            if self.lost.contains_key(&pattern.pattern) {
                continue;
            }
            if !pattern.pattern.contains('*') {
                globs.push(self.column_of(pattern)?.glob());
                continue;
            }
            let renamed = self.scope.made.iter().any(|(name, column)| {
                column.field.text() != name.as_ref()
                    && column.field != Name::time()
                    && (fits(&pattern.pattern, name) || fits(&pattern.pattern, column.field.text()))
            });
            let keeps_names = self.fields.keeps_names() || self.tables.iter().all(|table| table.map.is_none());
            if renamed || self.scope.events && !keeps_names {
                return Ok(None);
            }
            globs.push(Glob::new(&pattern.pattern).ok_or_else(|| unwritable(&pattern.pattern, pattern.span))?);
            let time = self.time_columns.iter().any(|name| fits(&pattern.pattern, name));
            let made = self.scope.made.iter();
            let mut made = made.filter(|(name, _)| fits(&pattern.pattern, name));
            if self.scope.events && time || made.any(|(_, column)| column.field == Name::time()) {
                globs.push(Glob::from(&Name::time()));
            }
        }
        Ok(Some(globs))
    }

    /// The column of this name.
    fn column_of(&mut self, pattern: &NamePattern) -> Fit<Column<'a>> {
        if let Some(made) = self.scope.made.get(&pattern.pattern) {
            return Ok(made.clone());
        }
        let reference = ColumnRef { name: pattern.pattern.clone(), known: false };
        self.column(&reference, ScalarType::Unknown, pattern.span)
    }

    pub(super) fn project_rename(&mut self, pairs: &[(Arc<str>, Meant)]) -> Fit<()> {
        let mut assignments = Vec::new();
        let mut made = Vec::new();
        let mut gone = Vec::new();
        for (name, old) in pairs {
            self.ledger.carried(old.id);
            let ExprKind::Column(reference) = &old.kind else {
                return Err(unwritten(old.span, "a rename of what is no column"));
            };
            let column = self.column(reference, old.ty, old.span)?;
            let field = self.new_name(name, old.span)?;
            assignments.push((column.field.clone(), field.clone()));
            gone.push(reference.name.clone());
            made.push((name.clone(), Column { field, ..column }));
        }
        // A name that is taken by one column and given up by another waits under a name of its own.
        let mut last = Vec::new();
        for index in 0..assignments.len() {
            let later = assignments.get(index + 1..).unwrap_or_default();
            let Some((_, to)) = assignments.get(index) else { continue };
            if later.iter().any(|(from, _)| from == to) {
                let helper = self.helper();
                if let Some((_, to)) = assignments.get_mut(index) {
                    last.push((helper.clone(), std::mem::replace(to, helper)));
                }
            }
        }
        assignments.extend(last);
        if !assignments.is_empty() {
            self.commands.push(Command::Rename(assignments));
        }
        self.scope.made.retain(|name, _| !gone.contains(name));
        self.scope.made.extend(made);
        Ok(())
    }

    /// A stage that does nothing to the rows but their columns, and is left out.
    fn dropped(&mut self, stage: &Stage, message: &str) {
        let note = Diagnostic::note(Code::ColumnsDropped, Effect::Reshaped, stage.span, message);
        self.ledger.dropped(stage, self.polarity, note);
    }

    /// Whether a value may be several.
    pub(super) fn is_many(&self, expr: &Meant) -> bool {
        self.shape(expr) == Shape::Many
            || expr.as_column().is_some_and(|it| self.scope.made.get(&it.name).is_some_and(|column| column.many))
    }
}
