//! The time over which the query is to be run, and the conditions of the hunt that it says.
//!
//! EQL knows no present time, so a window stands outside of the query. All sets of events of a query have the same one;
//! where those of a hunt differ it is the widest, and the tighter ones are left to the conditions.

use crate::fit::window::widest;
use crate::fit::{TimeRange, Window};
use crate::plan::{Expr, Pipeline, Source, StageKind};

use super::join::{Role, role, table_of};

/// The window that stands outside of the query, and the conditions that it says.
pub(super) fn windows(pipeline: &Pipeline) -> (Option<TimeRange>, Vec<&Expr>) {
    let mut all = Vec::new();
    let none = || (None, Vec::new());
    if !gather(pipeline, &mut all) {
        return none();
    }
    match widest(all) {
        Some(it) => (Some(it.range), it.conditions),
        None => none(),
    }
}

/// The windows of all sets of events; whether each of them has one.
fn gather<'p>(pipeline: &'p Pipeline, out: &mut Vec<Window<'p>>) -> bool {
    let before = out.len();
    let own = Window::leading(pipeline);
    let mut found = if own.time_range().is_some() {
        out.push(own);
        true
    } else {
        match &pipeline.source {
            Source::Union(union) => {
                !union.branches.is_empty() && union.branches.iter().all(|branch| gather(branch, out))
            }
            Source::Table(_)
            | Source::Watchlist { .. }
            | Source::External { .. }
            | Source::Rows { .. }
            | Source::Print(_)
            | Source::Range { .. }
            | Source::Search { .. } => false,
        }
    };
    for stage in &pipeline.stages {
        if let StageKind::Join(join) | StageKind::Lookup(join) = &stage.kind {
            match role(join) {
                Role::Step => found = found && gather(&join.right, out),
                // The left side is gone.
                Role::Right => {
                    out.truncate(before);
                    found = gather(&join.right, out);
                }
                Role::Columns | Role::Filter | Role::Refused(_) => {}
            }
        }
        if let StageKind::Where(predicate) = &stage.kind {
            for (.., table) in predicate.conjuncts().iter().filter_map(table_of) {
                found = found && gather(table, out);
            }
        }
    }
    found
}
