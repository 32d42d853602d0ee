//! What the names of the hunt's rows mean, stage by stage, in one line of events.

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::Code;
use crate::plan::{AggregateBinding, ColumnRef, Expr};

/// How often a name may stand for another one before it is given up.
const DEPTH: usize = 64;
/// How often a computed column may stand for another one.
const COMPUTED: usize = 32;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Meaning<'p> {
    /// A column of the table, under its own name.
    Raw(ColumnRef),
    /// A value computed from the columns of the scopes below this number.
    Computed(&'p Expr, usize),
    /// A value of a group, made of the rows in the scopes below this number.
    Aggregate(&'p AggregateBinding, usize),
    /// The number of the rows in the scopes below this number.
    Count(usize),
    /// The same as `Raw`, of one event of a group.
    RawOfOne(ColumnRef),
    /// The same as `Computed`, of one event of a group.
    ComputedOfOne(&'p Expr, usize),
    /// A value that is not there in an event, for this reason and code.
    Gone(&'static str, Code),
}

/// What a stage made of a name.
#[derive(Clone, Debug)]
enum Made<'p> {
    Computed(&'p Expr, usize),
    /// Another name of a column.
    Named(ColumnRef, usize),
    Aggregate(&'p AggregateBinding, usize),
    Count(usize),
    OfOne(&'p Expr, usize),
    Gone(&'static str, Code),
}

/// The names that a stage made.
#[derive(Debug, Default)]
struct Scope<'p> {
    names: HashMap<Arc<str>, Made<'p>>,
    /// Names that are not known to the table may come from here, for this reason.
    open: Option<&'static str>,
    /// Every other name is not that of the event, for this reason.
    all: Option<(&'static str, Code)>,
    /// Names that nothing is known of are the event's all the same.
    but_unknown: bool,
    /// Every other name is that of one event of a group.
    one: bool,
}

/// The names of the row, stage by stage.
#[derive(Debug, Default)]
pub(super) struct Scopes<'p> {
    scopes: Vec<Scope<'p>>,
}

impl<'p> Scopes<'p> {
    /// How many scopes there are: a condition sees those below this number.
    pub(super) fn level(&self) -> usize {
        self.scopes.len()
    }

    /// Opens a scope for the names that a stage makes.
    pub(super) fn open(&mut self) {
        self.scopes.push(Scope::default());
    }

    /// Makes a name of the newest scope a computed value.
    pub(super) fn compute(&mut self, name: &Arc<str>, value: &'p Expr) {
        // A column under its own name is what it was.
        if value.as_column().is_some_and(|column| column.name == *name) {
            return;
        }
        self.keep(name, value);
    }

    /// Keeps a column under its own name in the newest scope.
    pub(super) fn keep(&mut self, name: &Arc<str>, value: &'p Expr) {
        let below = self.below();
        self.insert(name, Made::Computed(value, below));
    }

    /// Makes a name of the newest scope another name of a column.
    pub(super) fn rename(&mut self, name: &Arc<str>, own: ColumnRef) {
        let below = self.below();
        self.insert(name, Made::Named(own, below));
    }

    /// Makes a name of the newest scope a value of a group.
    pub(super) fn aggregate(&mut self, binding: &'p AggregateBinding) {
        let below = self.below();
        self.insert(&binding.name, Made::Aggregate(binding, below));
    }

    /// Makes a name of the newest scope the number of the rows.
    pub(super) fn count(&mut self, name: &Arc<str>) {
        let below = self.below();
        self.insert(name, Made::Count(below));
    }

    /// Makes a name of the newest scope a value of one event of a group.
    pub(super) fn of_one(&mut self, name: &Arc<str>, value: &'p Expr) {
        let below = self.below();
        self.insert(name, Made::OfOne(value, below));
    }

    /// Every name that the newest scope does not hold is that of one event of a group.
    pub(super) fn all_of_one(&mut self) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.one = true;
        }
    }

    /// Makes a name of the newest scope one that is not there in an event.
    pub(super) fn lose(&mut self, name: &Arc<str>, why: &'static str, code: Code) {
        self.insert(name, Made::Gone(why, code));
    }

    /// The newest scope makes names that are not known.
    pub(super) fn lose_unknown(&mut self, why: &'static str) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.open = Some(why);
        }
    }

    /// Every name that the newest scope does not hold is one that is not there in an event; `but_unknown` leaves those that
    /// nothing is known of.
    pub(super) fn lose_all(&mut self, why: &'static str, code: Code, but_unknown: bool) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.all = Some((why, code));
            scope.but_unknown = but_unknown;
        }
    }

    fn below(&self) -> usize {
        self.scopes.len().saturating_sub(1)
    }

    fn insert(&mut self, name: &Arc<str>, made: Made<'p>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.insert(name.clone(), made);
        }
    }

    /// The column of the table that an expression is, followed through renames.
    pub(super) fn raw(&self, expr: &Expr, level: usize) -> Option<ColumnRef> {
        self.raw_column(expr.as_column()?, level)
    }

    /// The column of the table that a name stands for, followed through renames.
    pub(super) fn raw_column(&self, column: &ColumnRef, level: usize) -> Option<ColumnRef> {
        let mut meaning = self.meaning(column, level);
        for _ in 0..DEPTH {
            match meaning {
                Meaning::Raw(column) | Meaning::RawOfOne(column) => return Some(column),
                Meaning::Computed(value, level) | Meaning::ComputedOfOne(value, level) => {
                    meaning = self.meaning(value.as_column()?, level);
                }
                Meaning::Aggregate(..) | Meaning::Count(_) | Meaning::Gone(..) => return None,
            }
        }
        None
    }

    /// The expression that a computed column stands for, and the scopes that it sees; any other expression stands for itself.
    pub(super) fn behind(&self, expr: &'p Expr, level: usize) -> (&'p Expr, usize) {
        let (mut expr, mut level) = (expr, level);
        for _ in 0..COMPUTED {
            match expr.as_column().map(|column| self.meaning(column, level)) {
                Some(Meaning::Computed(value, below)) => (expr, level) = (value, below),
                Some(
                    Meaning::Raw(_)
                    | Meaning::RawOfOne(_)
                    | Meaning::ComputedOfOne(..)
                    | Meaning::Aggregate(..)
                    | Meaning::Count(_)
                    | Meaning::Gone(..),
                )
                | None => break,
            }
        }
        (expr, level)
    }

    /// What a name stands for in the scopes below a number.
    pub(super) fn meaning(&self, column: &ColumnRef, level: usize) -> Meaning<'p> {
        let (mut column, mut level, mut one) = (column.clone(), level, false);
        'renamed: for _ in 0..DEPTH {
            for (at, scope) in self.scopes.iter().enumerate().take(level).rev() {
                match scope.names.get(&column.name) {
                    Some(Made::Computed(value, below)) if one => return Meaning::ComputedOfOne(value, *below),
                    Some(Made::Computed(value, below)) => return Meaning::Computed(value, *below),
                    Some(Made::OfOne(value, below)) => return Meaning::ComputedOfOne(value, *below),
                    Some(Made::Aggregate(binding, below)) => return Meaning::Aggregate(binding, *below),
                    Some(Made::Count(below)) => return Meaning::Count(*below),
                    Some(Made::Gone(why, code)) => return Meaning::Gone(why, *code),
                    Some(Made::Named(own, below)) => {
                        (column, level) = (own.clone(), (*below).min(at));
                        continue 'renamed;
                    }
                    None => one |= scope.one,
                }
                if let Some((why, code)) = scope.all
                    && (column.known || !scope.but_unknown)
                {
                    return Meaning::Gone(why, code);
                }
                if let (Some(why), false) = (scope.open, column.known) {
                    return Meaning::Gone(why, Code::ConditionDropped);
                }
            }
            break;
        }
        if one { Meaning::RawOfOne(column) } else { Meaning::Raw(column) }
    }
}
