//! What grouping operators (`summarize`, `make-series`, `mv-apply`) gather before their commands are written: values
//! before, aggregates, keys, values after. What each holds is decided in `summarize.rs` and `extreme.rs`.

use std::sync::Arc;

use super::scope::Column;
use super::tree::{EvalExpr, Name, StatsAggregate, StatsInput};

/// What a `summarize` becomes, while it is put together.
#[derive(Default)]
pub(super) struct Parts<'a> {
    /// There are keys, so that no group is without rows.
    pub(super) keyed: bool,
    /// Values computed before: arguments and keys.
    pub(super) before: Vec<(Name, EvalExpr)>,
    /// Fields that get the empty text where they are missing.
    pub(super) fill: Vec<Name>,
    /// The field that numbers the rows, where an aggregate needs their order.
    pub(super) numbered: Option<Name>,
    /// Rows that do not satisfy it do not count.
    pub(super) only: Option<EvalExpr>,
    pub(super) aggregates: Vec<StatsAggregate>,
    pub(super) by: Vec<Name>,
    /// Values computed after.
    pub(super) after: Vec<(Name, EvalExpr)>,
    /// Fields that the result does not have.
    pub(super) away: Vec<Name>,
    pub(super) renames: Vec<(Name, Name)>,
    pub(super) made: Vec<(Arc<str>, Column<'a>)>,
}

/// The fields that aggregates look at.
pub(super) fn read_by(aggregates: &[StatsAggregate]) -> Vec<Name> {
    let mut read = Vec::new();
    for aggregate in aggregates {
        match &aggregate.of {
            StatsInput::Rows => {}
            StatsInput::Field(name) => read.push(name.clone()),
            StatsInput::Eval(expr) => expr.fields(&mut |name| read.push(name.clone())),
        }
    }
    read
}
