//! Limits on rows as `head` and `tail`. Pipes stand behind all conditions and count events in the order of time.
//! See <https://www.elastic.co/docs/reference/query-languages/eql/eql-pipe-ref>.

use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{Expr, Pipeline, SortKey, Stage, StageKind, Value as Literal};

use super::order::by_time;
use super::rows::{Limit, Rows, Shape};
use super::sets::Selection;
use super::tree::{Cond, Pipe};

impl<'p, 'a> Rows<'p, 'a, '_> {
    pub(super) fn top_rows(
        &mut self,
        pipeline: &'p Pipeline,
        stage: &'p Stage,
        count: &'p Expr,
        keys: &'p [SortKey],
        rest: &'p [Stage],
        shape: &Shape<'p>,
    ) {
        match (self.pipe_at(pipeline, rest, shape), limit(count), by_time(keys, pipeline)) {
            (true, Some(count), Some(descending)) if count > 0 => {
                let (pipe, effect, message) = if descending {
                    (Pipe::Tail(count), Effect::Reshaped, "the latest events come out in ascending order")
                } else {
                    (Pipe::Head(count), Effect::Exact, "the earliest events come out in ascending order")
                };
                let note = Diagnostic::note(Code::OrderDropped, effect, stage.span, message);
                self.limits.push(Limit { pipe, stage, note: Some(note) });
            }
            _ => self.limit_dropped(stage, "EQL orders events by time only, so all of them are returned"),
        }
    }

    pub(super) fn take(
        &mut self,
        pipeline: &'p Pipeline,
        stage: &'p Stage,
        count: &'p Expr,
        rest: &'p [Stage],
        rows: &mut Selection<'p, 'a>,
        shape: &Shape<'p>,
    ) {
        if limit(count) == Some(0) {
            rows.branches().for_each(|branch| branch.conds.push(Cond::Constant(false)));
            return self.conditions.ledger.carried_whole(stage);
        }
        let sorted = shape.order.and_then(|order| {
            let StageKind::Sort(keys) = &order.kind else { return None };
            by_time(keys, pipeline)
        });
        match (self.pipe_at(pipeline, rest, shape), limit(count), shape.order, sorted) {
            (true, Some(count), None, _) => {
                let message = "KQL may return any of the rows; these are the earliest ones";
                let note = Diagnostic::note(Code::ArbitraryChoice, Effect::Exact, stage.span, message);
                self.limits.push(Limit { pipe: Pipe::Head(count), stage, note: Some(note) });
            }
            (true, Some(count), Some(_), Some(descending)) => {
                let pipe = if descending { Pipe::Tail(count) } else { Pipe::Head(count) };
                self.limits.push(Limit { pipe, stage, note: None });
            }
            _ => self.limit_dropped(stage, "the limit does not apply to events here, so all of them are returned"),
        }
    }

    /// Whether a limit here can be a pipe, which stands behind all conditions: no later stage removes rows.
    fn pipe_at(&self, pipeline: &'p Pipeline, rest: &'p [Stage], shape: &Shape<'p>) -> bool {
        std::ptr::eq(pipeline, self.top)
            && shape.events
            && rest.iter().all(|stage| match &stage.kind {
                StageKind::Extend(_)
                | StageKind::Project(_)
                | StageKind::ProjectAway(_)
                | StageKind::ProjectKeep(_)
                | StageKind::ProjectRename(_)
                | StageKind::ProjectReorder(_)
                | StageKind::Summarize { .. }
                | StageKind::Distinct(_)
                | StageKind::Count
                | StageKind::Sort(_)
                | StageKind::Top { .. }
                | StageKind::Take(_)
                | StageKind::Sample(_)
                | StageKind::Parse { filter: false, .. }
                | StageKind::ParseKv { .. }
                | StageKind::MakeSeries(_)
                | StageKind::Serialize(_)
                | StageKind::Render { .. } => true,
                StageKind::Where(_)
                | StageKind::SampleDistinct { .. }
                | StageKind::Join(_)
                | StageKind::Lookup(_)
                | StageKind::MvExpand { .. }
                | StageKind::MvApply { .. }
                | StageKind::Parse { filter: true, .. }
                | StageKind::Evaluate { .. }
                | StageKind::Invoke { .. }
                | StageKind::Untranslated(_) => false,
            })
    }

    pub(super) fn limit_dropped(&mut self, stage: &'p Stage, message: &str) {
        self.conditions.broadened = true;
        self.dropped(stage, Code::LimitDropped, Effect::Broader, message);
    }
}

/// A constant number of rows.
fn limit(count: &Expr) -> Option<u64> {
    let Some(Literal::Long(count)) = count.as_literal() else { return None };
    u64::try_from(*count).ok()
}
