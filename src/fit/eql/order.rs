//! Whether an order is that of the events' own time, the only one that EQL knows.

use crate::plan::{Pipeline, SortKey, Source, StageKind};

/// Whether the only key is the event's time, and then whether it descends.
pub(super) fn by_time(keys: &[SortKey], pipeline: &Pipeline) -> Option<bool> {
    let [key] = keys else { return None };
    let column = key.value.as_column()?;
    // A time column that a stage gives anew is no longer the event's.
    let renamed = pipeline.stages.iter().any(|stage| match &stage.kind {
        StageKind::Extend(bindings) | StageKind::Project(bindings) => bindings
            .iter()
            .any(|it| it.name == column.name && it.value.as_column().is_none_or(|own| own.name != it.name)),
        StageKind::ProjectRename(renamed) => renamed.iter().any(|(name, _)| *name == column.name),
        // A stage that makes other rows than events is looked at by the caller.
        StageKind::Where(_)
        | StageKind::ProjectAway(_)
        | StageKind::ProjectKeep(_)
        | StageKind::ProjectReorder(_)
        | StageKind::Summarize { .. }
        | StageKind::Distinct(_)
        | StageKind::Count
        | StageKind::Sort(_)
        | StageKind::Top { .. }
        | StageKind::Take(_)
        | StageKind::Sample(_)
        | StageKind::SampleDistinct { .. }
        | StageKind::Join(_)
        | StageKind::Lookup(_)
        | StageKind::MvExpand { .. }
        | StageKind::MvApply { .. }
        | StageKind::Parse { .. }
        | StageKind::ParseKv { .. }
        | StageKind::MakeSeries(_)
        | StageKind::Serialize(_)
        | StageKind::Evaluate { .. }
        | StageKind::Invoke { .. }
        | StageKind::Render { .. }
        | StageKind::Untranslated(_) => false,
    });
    (!renamed && time_of(pipeline, &column.name)).then_some(key.descending)
}

fn time_of(pipeline: &Pipeline, name: &str) -> bool {
    match &pipeline.source {
        Source::Table(table) => table.time_columns.iter().any(|time| time.as_ref() == name),
        Source::Union(union) => union.branches.iter().all(|branch| time_of(branch, name)),
        Source::Watchlist { .. }
        | Source::External { .. }
        | Source::Rows { .. }
        | Source::Print(_)
        | Source::Range { .. }
        | Source::Search { .. } => false,
    }
}
