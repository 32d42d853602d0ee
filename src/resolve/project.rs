//! `extend`, `project` and its relatives, `distinct`, `serialize`, `print`: named expressions and which columns remain.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::columns::{Row, Rows, UniqueNames, matches};
use super::place::Place;
use super::scope::Scope;
use super::{Resolver, Step, written};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Binding, Expr, ExprKind, NamePattern, NodeId, PathStep, ScalarType, StageKind};
use crate::source::Span;
use crate::syntax::ast::{self, Name, NamedExpr, ReorderItem};
use crate::vocabulary::Returns;

/// How columns without a name get one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// A derived name replaces a column of the row.
    Extend,
    /// Names are told apart by numbers.
    Project,
    /// `print_0`, `print_1`, …
    Print,
}

/// A binding not yet numbered.
pub(super) fn bind(name: Arc<str>, value: Expr, span: Span) -> Binding {
    Binding { id: NodeId::UNNUMBERED, span, name, value }
}

impl<'a> Resolver<'a> {
    /// Named expressions over a row.
    pub(super) fn bindings(
        &mut self,
        items: &'a [NamedExpr],
        row: &Row,
        scope: Scope,
        style: Style,
    ) -> Step<Vec<Binding>> {
        let place = match style {
            Style::Extend | Style::Project => Place::over(scope, row),
            Style::Print => Place::outside(scope),
        };
        let mut names = UniqueNames::default();
        let mut out = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            if let ast::ExprKind::Star = item.value.kind {
                for (name, ty) in row.columns() {
                    self.spend(1, item.span)?;
                    let value = self.builder(None).column(name.clone(), *ty, true, item.span);
                    out.push(bind(names.add(name, None), value, item.span));
                }
                continue;
            }
            let value = self.value(&item.value, place)?;
            match item.names.as_slice() {
                [] => {
                    let name = self.unnamed(&item.value, row, style, at, &mut names);
                    out.push(bind(name, value, item.span));
                }
                [name] => {
                    names.add(&name.text, None);
                    out.push(bind(Arc::from(name.text.as_str()), value, item.span));
                }
                several => {
                    for (at, name) in several.iter().enumerate() {
                        self.spend(1, name.span)?;
                        names.add(&name.text, None);
                        let step = PathStep::Index(i64::try_from(at).unwrap_or_default());
                        let part = Expr::new(
                            ExprKind::Path { base: Box::new(value.clone()), steps: vec![step] },
                            ScalarType::Dynamic,
                            value.span,
                        );
                        out.push(bind(Arc::from(name.text.as_str()), part, item.span));
                    }
                }
            }
        }
        Ok(out)
    }

    fn unnamed(&self, expr: &ast::Expr, row: &Row, style: Style, at: usize, names: &mut UniqueNames) -> Arc<str> {
        if style == Style::Print {
            return names.add(&format!("print_{at}"), None);
        }
        if let Some(column) = self.same_column(expr, row) {
            return names.add(column, None);
        }
        match self.automatic_name(expr, row) {
            Some(name) => names.add(&name, None),
            None => {
                let mut name = names.add("Column1", Some("Column"));
                while style == Style::Extend && row.has(&name) {
                    name = names.add("Column1", Some("Column"));
                }
                name
            }
        }
    }

    /// Whether an expression gives several columns (`series_fit_line`), of which only the first has a name.
    fn gives_several(&self, item: &NamedExpr) -> bool {
        let call = written::call(&item.value).filter(|_| item.names.len() < 2);
        let known = call.and_then(|(function, _)| self.vocabulary.function(&function.text));
        known.is_some_and(|(_, row)| row.returns == Returns::Tuple)
    }

    pub(super) fn extend(&mut self, items: &'a [NamedExpr], rows: &mut Rows, scope: Scope) -> Step<Vec<Binding>> {
        let bindings = self.bindings(items, &rows.row, scope, Style::Extend)?;
        let times: Vec<bool> = bindings.iter().map(|binding| is_time(&binding.value, &rows.row)).collect();
        for (binding, time) in bindings.iter().zip(times) {
            rows.row.take_over(binding.name.clone(), binding.value.ty, time);
        }
        if items.iter().any(|item| self.gives_several(item)) {
            rows.row.open_up();
        }
        Ok(bindings)
    }

    pub(super) fn project(&mut self, items: &'a [NamedExpr], rows: &mut Rows, scope: Scope, span: Span) -> Step<()> {
        let bindings = self.bindings(items, &rows.row, scope, Style::Project)?;
        let several = items.iter().any(|item| self.gives_several(item));
        rows.project(bindings, span);
        if several {
            rows.row.open_up();
        }
        Ok(())
    }

    pub(super) fn distinct(&mut self, items: &'a [NamedExpr], rows: &mut Rows, scope: Scope, span: Span) -> Step<()> {
        if let [NamedExpr { value: ast::Expr { kind: ast::ExprKind::Star, .. }, .. }] = items {
            rows.push(StageKind::Distinct(Vec::new()), span);
            return Ok(());
        }
        let bindings = self.bindings(items, &rows.row, scope, Style::Project)?;
        rows.row = projected(&bindings, &rows.row);
        rows.push(StageKind::Distinct(bindings), span);
        Ok(())
    }

    /// `project-away` and `project-keep`. Where a stage has fixed the columns, they are written out.
    pub(super) fn select(&mut self, names: &'a [Name], keep: bool, rows: &mut Rows, span: Span) -> Step<()> {
        let wild: Vec<&str> = names.iter().map(|name| name.text.as_str()).filter(|name| name.contains('*')).collect();
        let plain: HashSet<&str> =
            names.iter().map(|name| name.text.as_str()).filter(|name| !name.contains('*')).collect();
        let listed = |name: &str| plain.contains(name) || wild.iter().any(|pattern| matches(pattern, name));
        let before = &rows.row;
        let mut row = Row::of([]);
        for (name, ty) in before.columns() {
            if listed(name) == keep {
                row.take_over(name.clone(), *ty, before.is_time(name));
            }
        }
        let absent: Vec<&Name> = names
            .iter()
            .filter(|name| match name.text.contains('*') {
                true => !before.names().any(|column| matches(&name.text, column)),
                false => !before.has(&name.text),
            })
            .collect();
        for name in absent {
            if !before.open {
                self.not_there(name, before);
            }
            if keep && !name.text.contains('*') {
                row.take_over(Arc::from(name.text.as_str()), ScalarType::Unknown, before.is_time(&name.text));
            }
        }
        if before.whole {
            let mut bindings = Vec::with_capacity(row.columns().len());
            for (name, ty) in row.columns() {
                self.spend(1, span)?;
                let value = self.builder(None).column(name.clone(), *ty, before.has(name), span);
                bindings.push(bind(name.clone(), value, span));
            }
            rows.project(bindings, span);
            return Ok(());
        }
        for time in before.times() {
            if before.open && listed(time) == keep {
                row.mark_time(time.clone());
            }
        }
        row.open = before.open && (!keep || !wild.is_empty());
        row.whole = keep && wild.is_empty();
        row.table = before.table.clone().filter(|_| !row.whole);
        rows.row = row;
        let patterns = patterns(names);
        rows.push(if keep { StageKind::ProjectKeep(patterns) } else { StageKind::ProjectAway(patterns) }, span);
        Ok(())
    }

    /// Says that a name in a list of columns fits no column.
    fn not_there(&mut self, name: &Name, row: &Row) {
        let message = format!("`{}` fits no column that is known here", name.text);
        let help = match crate::data::nearest(&name.text, row.names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "check the name, or add the column with --fields".to_owned(),
        };
        self.say(Diagnostic::warning(Code::UnknownColumn, name.span, message).help(help));
    }

    pub(super) fn rename(&mut self, items: &'a [NamedExpr], rows: &mut Rows, span: Span) -> Step<()> {
        let mut pairs: Vec<(Arc<str>, Expr)> = Vec::new();
        for item in items {
            let ([new], ast::ExprKind::Name(old)) = (item.names.as_slice(), &item.value.kind) else {
                return self.fail(
                    Diagnostic::refusal(Code::WrongArguments, item.span, "project-rename takes pairs of names")
                        .help("write `new = old`"),
                );
            };
            let column = self.column(&old.text, old.span, &rows.row);
            pairs.push((Arc::from(new.text.as_str()), column));
        }
        let mut new_names: HashMap<&str, &Arc<str>> = HashMap::new();
        for (new, value) in &pairs {
            if let Some(column) = value.as_column() {
                new_names.insert(&column.name, new);
            }
        }
        let before = &rows.row;
        let mut row = Row::of([]);
        for (name, ty) in before.columns() {
            let new = new_names.get(name.as_ref()).map_or(name, |new| *new);
            row.take_over(new.clone(), *ty, before.is_time(name));
        }
        for (new, value) in &pairs {
            if let Some(column) = value.as_column().filter(|column| !column.known) {
                row.take_over(new.clone(), ScalarType::Unknown, before.is_time(&column.name));
            }
        }
        for time in before.times() {
            if before.open && !new_names.contains_key(time.as_ref()) {
                row.mark_time(time.clone());
            }
        }
        row.open = before.open;
        row.whole = before.whole;
        row.table = before.table.clone();
        if !before.whole {
            rows.row = row;
            rows.push(StageKind::ProjectRename(pairs), span);
            return Ok(());
        }
        let old_names: HashMap<&str, &Expr> = pairs.iter().map(|(new, value)| (new.as_ref(), value)).collect();
        let mut bindings = Vec::with_capacity(row.columns().len());
        for (name, ty) in row.columns() {
            self.spend(1, span)?;
            bindings.push(match old_names.get(name.as_ref()) {
                Some(value) => bind(name.clone(), (*value).clone(), value.span),
                None => bind(name.clone(), self.builder(None).column(name.clone(), *ty, true, span), span),
            });
        }
        rows.project(bindings, span);
        Ok(())
    }

    pub(super) fn reorder(&mut self, items: &'a [ReorderItem], rows: &mut Rows, span: Span) -> Step<()> {
        let mut patterns: Vec<NamePattern> = Vec::new();
        let mut taken: HashSet<Arc<str>> = HashSet::new();
        let mut row = Row::of([]);
        for item in items {
            let name = &item.name;
            let mut fitting: Vec<(Arc<str>, ScalarType)> = match name.text.contains('*') {
                true => rows.row.columns().iter().filter(|(column, _)| matches(&name.text, column)).cloned().collect(),
                false => rows.row.get(&name.text).map(|(column, ty)| (column.clone(), ty)).into_iter().collect(),
            };
            match item.order.as_deref() {
                Some("asc" | "granny-asc") => fitting.sort_by(|a, b| a.0.cmp(&b.0)),
                Some(_) => fitting.sort_by(|a, b| b.0.cmp(&a.0)),
                None => {}
            }
            if let (Some(order), true) = (&item.order, rows.row.open) {
                self.ignored(name.span, format!("the columns are not known whole; `{order}` does not order them"));
            }
            if rows.row.open {
                patterns.push(NamePattern { pattern: Arc::from(name.text.as_str()), span: name.span });
            } else if fitting.is_empty() {
                self.not_there(name, &rows.row);
                patterns.push(NamePattern { pattern: Arc::from(name.text.as_str()), span: name.span });
            }
            for (column, ty) in fitting {
                if taken.insert(column.clone()) {
                    if !rows.row.open {
                        patterns.push(NamePattern { pattern: column.clone(), span: name.span });
                    }
                    row.take_over(column.clone(), ty, rows.row.is_time(&column));
                }
            }
        }
        for (column, ty) in rows.row.columns() {
            if !taken.contains(column) {
                row.take_over(column.clone(), *ty, rows.row.is_time(column));
            }
        }
        for time in rows.row.times() {
            row.mark_time(time.clone());
        }
        row.open = rows.row.open;
        row.whole = rows.row.whole;
        row.table = rows.row.table.clone();
        rows.row = row;
        rows.push(StageKind::ProjectReorder(patterns), span);
        Ok(())
    }
}

impl Rows {
    /// Adds a stage that leaves exactly these columns.
    pub(super) fn project(&mut self, bindings: Vec<Binding>, span: Span) {
        self.row = projected(&bindings, &self.row);
        self.push(StageKind::Project(bindings), span);
    }
}

/// The row that consists of these columns.
pub(super) fn projected(bindings: &[Binding], before: &Row) -> Row {
    let mut row = Row::of([]);
    for binding in bindings {
        row.take_over(binding.name.clone(), binding.value.ty, is_time(&binding.value, before));
    }
    row
}

/// Whether a value is the event's time, unchanged.
pub(super) fn is_time(value: &Expr, row: &Row) -> bool {
    value.as_column().is_some_and(|column| row.is_time(&column.name))
}

fn patterns(names: &[Name]) -> Vec<NamePattern> {
    names.iter().map(|name| NamePattern { pattern: Arc::from(name.text.as_str()), span: name.span }).collect()
}
