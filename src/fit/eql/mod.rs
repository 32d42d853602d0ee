//! Plan → EQL: an event condition with `head` and `tail`, a sequence, or a sample.
//!
//! EQL selects events and returns them whole, in the order of time. Conditions on events are carried; columns are not made,
//! but a computed column is put into the conditions that use it; groups are not made, so a condition on their values is left
//! out, unless it counts their events (`runs`). A join of events with events is a sequence where the order of their times is
//! bounded (`distance`), else a sample (`sets`, `join`). Which conditions EQL can say is decided in `condition`, `text`,
//! `test` and `value`.
//! See <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax>.

mod condition;
mod constant;
mod distance;
mod function;
mod join;
mod key;
mod limit;
mod order;
mod part;
mod rows;
mod runs;
mod scope;
mod sets;
mod table;
mod test;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod tree;
mod value;
mod window;

use std::collections::HashSet;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Fields, Fitted, Frame, Ledger, Refused, outputs};
use crate::plan::{Expr, NodeId};
use crate::target::Construct;

use condition::Conditions;
use rows::Rows;
use tree::Query;
use window::windows;

/// Fits a plan to EQL; gives the query and the time over which it is to be run.
pub(crate) fn fit(frame: &Frame<'_>, ledger: &mut Ledger) -> Result<Fitted<Query>, Refused> {
    let plan = frame.plan;
    let (range, windows) = windows(&plan.pipeline);
    let held: HashSet<NodeId> = windows.iter().map(|expr| expr.id).collect();
    let is_held = |expr: &Expr| held.contains(&expr.id);
    let fields = Fields::new(*frame);
    for window in &windows {
        let message = "the time window is not in the query but in `time_range`";
        let note = Diagnostic::note(Code::TimeInRange, Effect::Exact, window.span, message);
        ledger.rewritten_whole(*window, Polarity::Positive, note.help("run the query over that range"));
    }
    let conditions = Conditions::new(*frame, &fields, ledger, &is_held);
    let mut rows = Rows::new(conditions, &plan.pipeline);
    let selection = rows.selection(&plan.pipeline)?;
    let pipes = rows.finish()?;
    let query = rows.arranged(plan.pipeline.span, selection, pipes)?;
    let mut used: Vec<Construct> = Vec::new();
    query.constructs(&mut |construct| {
        if !used.contains(&construct) {
            used.push(construct);
        }
    });
    for construct in used {
        if let Err(refusal) = frame.allows(construct, plan.pipeline.span) {
            return Err(ledger.refuse(plan, *refusal));
        }
    }
    let columns = outputs::columns(frame.about).into_iter();
    let columns = columns.filter_map(|name| Some((Arc::from(name), outputs::event_field(frame, name)?))).collect();
    Ok(Fitted { tree: query, time_range: range, columns })
}
