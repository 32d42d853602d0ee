//! Joins: left out where they only remove rows of the left side or add columns to them, refused otherwise.

use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::fit::Refused;
use crate::plan::{Join, JoinKind, Pipeline, Source, Stage, StageKind};

use super::condition::Unsayable;
use super::rows::{Branch, Rows, name_in};
use super::scope::{Loss, Meaning};

impl<'p, 'a> Rows<'p, 'a, '_> {
    /// A join that only removes rows of the left side, or only adds columns to them, can be left out.
    pub(super) fn join(
        &mut self,
        stage: &'p Stage,
        join: &'p Join,
        branches: &mut [Branch<'p, 'a>],
    ) -> Result<(), Refused> {
        match join.kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => {
                self.conditions.broadened = true;
                let (which, what) = match join.kind {
                    JoinKind::LeftAnti => ("has", "a counterpart"),
                    _ => ("lacks", "a counterpart"),
                };
                let message = format!("EQL does not join: an event that {which} {what} on the other side stays");
                let unsayable =
                    Unsayable::new(Code::NotYet, stage.span, "EQL does not join: every event would be selected");
                self.left_out.get_or_insert((stage, unsayable));
                self.dropped(stage, Code::JoinDropped, Effect::Broader, &message);
                Ok(())
            }
            JoinKind::LeftOuter if !gives_events(&join.right) => {
                let mut names: Vec<(Arc<str>, Meaning<'p>)> = Vec::new();
                let lost = Meaning::Lost(Loss::Joined, stage.span);
                let keys: Vec<&str> =
                    join.on.iter().filter_map(|key| Some(key.left.as_column()?.name.as_ref())).collect();
                for (name, _) in &join.right.columns.columns {
                    let renamed = join.renamed.iter().find(|(own, _)| own == name);
                    let name = renamed.map_or(name, |(_, after)| after);
                    if renamed.is_some() || !keys.contains(&name.as_ref()) {
                        names.push((name.clone(), lost));
                    }
                }
                names.extend(join.renamed.iter().map(|(_, after)| (after.clone(), lost)));
                name_in(branches, names, false);
                if join.right.columns.open {
                    branches.iter_mut().for_each(|branch| branch.scope.blur(stage.span));
                }
                let message = "EQL does not join: the columns of the other side are not added";
                self.dropped(stage, Code::JoinDropped, Effect::Reshaped, message);
                Ok(())
            }
            JoinKind::LeftOuter
            | JoinKind::InnerUnique
            | JoinKind::Inner
            | JoinKind::RightOuter
            | JoinKind::FullOuter
            | JoinKind::RightSemi
            | JoinKind::RightAnti => {
                let refusal = Diagnostic::refusal(
                    Code::NotYet,
                    stage.span,
                    "a join is not translated to EQL yet",
                )
                .help("EQL could say it as a `sequence` where the order of the events is known, or a `sample` where it is not; the target splunk joins");
                Err(self.conditions.ledger.refuse(stage, refusal))
            }
        }
    }
}

/// Whether the rows of a pipeline are events, and not groups or lists.
fn gives_events(pipeline: &Pipeline) -> bool {
    let source = match &pipeline.source {
        Source::Table(_) | Source::Search { .. } => true,
        Source::Union(union) => union.branches.iter().any(gives_events),
        Source::Watchlist { .. }
        | Source::External { .. }
        | Source::Rows { .. }
        | Source::Print(_)
        | Source::Range { .. } => false,
    };
    source
        && !pipeline.stages.iter().any(|stage| {
            matches!(
                stage.kind,
                StageKind::Summarize { .. } | StageKind::Distinct(_) | StageKind::Count | StageKind::MakeSeries(_)
            )
        })
}
