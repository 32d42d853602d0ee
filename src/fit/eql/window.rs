//! The time over which the query is to be run, and the conditions of the hunt that it says.
//!
//! EQL knows no present time, so a window stands outside of the query. All sets of events of a query have the same one;
//! where those of a hunt differ it is the widest, and the tighter ones are left to the conditions.

use std::cmp::Ordering;

use crate::fit::window::compare;
use crate::fit::{TimeRange, Window, moment_text};
use crate::plan::{Bound, Expr, Pipeline, Source, StageKind};

use super::join::{Role, role, table_of};

/// The window that stands outside of the query, and the conditions that it says.
pub(super) fn windows(pipeline: &Pipeline) -> (Option<TimeRange>, Vec<&Expr>) {
    let mut all = Vec::new();
    let none = || (None, Vec::new());
    if !gather(pipeline, &mut all) {
        return none();
    }
    let from = widest(all.iter().map(|window| window.from), Ordering::Less);
    let to = widest(all.iter().map(|window| window.to), Ordering::Greater);
    let (Some(from), Some(to)) = (from, to) else { return none() };
    let text = |bound: Option<&Bound>| match bound {
        Some(bound) => moment_text(bound.moment).map(Some),
        None => Some(None),
    };
    let (Some(first), Some(last)) = (text(from), text(to)) else { return none() };
    let moment = |bound: Option<&Bound>| bound.map(|bound| bound.moment);
    let said = all
        .into_iter()
        .filter(|window| moment(window.from) == moment(from) && moment(window.to) == moment(to))
        .flat_map(|window| window.conditions)
        .collect();
    (Some(TimeRange { from: first, to: last }), said)
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

/// The bound that lets the most events through; `None` where that depends on the clock.
fn widest<'p>(bounds: impl Iterator<Item = Option<&'p Bound>>, keep: Ordering) -> Option<Option<&'p Bound>> {
    let mut out: Option<Option<&Bound>> = None;
    for bound in bounds {
        out = Some(match (out, bound) {
            (None, bound) => bound,
            (Some(None), _) | (_, None) => None,
            (Some(Some(old)), Some(new)) => match compare(new.moment, old.moment)? {
                order if order == keep => Some(new),
                Ordering::Less | Ordering::Equal | Ordering::Greater => Some(old),
            },
        });
    }
    out
}
