//! The row as it is at one place of a pipeline: names, types, and which columns are the event's time.
//!
//! Stages change a row in place; what they write into the plan is for the files of the operators.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::plan::{Pipeline, RowType, ScalarType, Source, Stage, StageKind};
use crate::source::Span;

/// A pipeline that is being made, and the row that comes out of it so far.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) pipeline: Pipeline,
    pub(super) row: Row,
}

impl Rows {
    /// Rows of a source.
    pub(super) fn new(source: Source, span: Span, row: Row) -> Self {
        let pipeline = Pipeline {
            id: crate::plan::NodeId::UNNUMBERED,
            span,
            source,
            stages: Vec::new(),
            columns: RowType::default(),
        };
        Self { pipeline, row }
    }

    /// No rows, in the place of others that are worked on.
    pub(super) fn nothing(span: Span) -> Self {
        Self::new(Source::Rows { columns: Vec::new(), rows: Vec::new() }, span, Row::default())
    }

    /// Adds a stage.
    pub(super) fn push(&mut self, kind: StageKind, span: Span) {
        self.pipeline.stages.push(Stage { id: crate::plan::NodeId::UNNUMBERED, span, kind });
    }

    /// The pipeline with the columns that come out.
    pub(super) fn finish(mut self) -> Pipeline {
        self.pipeline.columns = self.row.into_type();
        self.pipeline
    }
}

/// The columns of a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    columns: Vec<(Arc<str>, ScalarType)>,
    index: HashMap<Arc<str>, usize>,
    times: Vec<Arc<str>>,
    /// Whether there may be more columns of any name.
    pub(super) open: bool,
    /// Whether a stage has fixed the columns: these and no others. Of a table only those are known that the
    /// vocabulary lists; the site's may have more.
    pub(super) whole: bool,
    /// The table whose columns these are, where no stage has changed which columns there are.
    pub(super) table: Option<Arc<str>>,
}

impl Row {
    /// A row whose columns are not known.
    pub(super) fn unknown() -> Self {
        let times = ["TimeGenerated", "Timestamp"].into_iter().map(Arc::from).collect();
        Self { open: true, times, ..Self::default() }
    }

    /// A row of these columns and no others.
    pub(super) fn of(columns: impl IntoIterator<Item = (Arc<str>, ScalarType)>) -> Self {
        let mut row = Self { whole: true, ..Self::default() };
        for (name, ty) in columns {
            row.set(name, ty);
        }
        row
    }

    pub(super) fn columns(&self) -> &[(Arc<str>, ScalarType)] {
        &self.columns
    }

    /// The name and type of a column.
    pub(super) fn get(&self, name: &str) -> Option<(&Arc<str>, ScalarType)> {
        let (name, ty) = self.columns.get(*self.index.get(name)?)?;
        Some((name, *ty))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    /// Adds a column or changes its type. It is no longer the event's time.
    pub(super) fn set(&mut self, name: Arc<str>, ty: ScalarType) {
        self.times.retain(|time| *time != name);
        self.put(name, ty);
    }

    /// Adds a column that means the same as one of another row.
    pub(super) fn take_over(&mut self, name: Arc<str>, ty: ScalarType, time: bool) {
        self.set(name.clone(), ty);
        if time {
            self.times.push(name);
        }
    }

    fn put(&mut self, name: Arc<str>, ty: ScalarType) {
        match self.index.get(&name).and_then(|at| self.columns.get_mut(*at)) {
            Some(column) => column.1 = ty,
            None => {
                self.index.insert(name.clone(), self.columns.len());
                self.columns.push((name, ty));
            }
        }
    }

    /// Marks a column as the event's time.
    pub(super) fn mark_time(&mut self, name: Arc<str>) {
        if !self.times.contains(&name) {
            self.times.push(name);
        }
    }

    /// The columns that are the event's time.
    pub(super) fn times(&self) -> &[Arc<str>] {
        &self.times
    }

    /// Whether a column is the event's time.
    pub(super) fn is_time(&self, name: &str) -> bool {
        self.times.iter().any(|time| time.as_ref() == name)
    }

    /// Says that there may be more columns from now on.
    pub(super) fn open_up(&mut self) {
        self.open = true;
        self.whole = false;
        self.table = None;
    }

    /// Names of columns.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_ref())
    }

    /// Adds the columns of another row, those that collide with a numbered name: `(name there, name here)`.
    pub(super) fn append(&mut self, other: &Self, skip: &HashSet<Arc<str>>) -> Vec<(Arc<str>, Arc<str>)> {
        let mut names = UniqueNames::of(self);
        let mut renamed = Vec::new();
        for (name, ty) in &other.columns {
            if skip.contains(name) {
                continue;
            }
            let unique = names.add(name, None);
            if unique != *name {
                renamed.push((name.clone(), unique.clone()));
            }
            self.set(unique, *ty);
        }
        self.open |= other.open;
        self.whole &= other.whole;
        self.table = None;
        renamed
    }

    /// The columns, as the plan says them.
    pub(super) fn into_type(self) -> RowType {
        RowType { columns: self.columns, open: self.open }
    }
}

/// Names that are in use, and the numbers that tell colliding ones apart.
#[derive(Default)]
pub(super) struct UniqueNames {
    last: HashMap<Arc<str>, usize>,
}

impl UniqueNames {
    /// The names of a row.
    pub(super) fn of(row: &Row) -> Self {
        Self { last: row.columns.iter().map(|(name, _)| (name.clone(), 0)).collect() }
    }

    /// The name itself where it is free, otherwise `base` (or the name) with the next free number.
    pub(super) fn add(&mut self, name: &str, base: Option<&str>) -> Arc<str> {
        let Some(last) = self.last.get(name).copied() else {
            let name: Arc<str> = Arc::from(name);
            self.last.insert(name.clone(), 0);
            return name;
        };
        let mut suffix = last + 1;
        loop {
            let candidate: Arc<str> = format!("{}{suffix}", base.unwrap_or(name)).into();
            if !self.last.contains_key(&candidate) {
                self.last.insert(Arc::from(name), suffix);
                self.last.insert(candidate.clone(), 0);
                return candidate;
            }
            suffix += 1;
        }
    }
}

/// Whether a name fits a pattern in which `*` stands for any text.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return name.is_empty() };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}
