//! Which pipelines give one row at most for a key, as far as the plan tells. What the commands of a query tell is in
//! [`super::combine`].

use std::collections::BTreeSet;

use crate::plan::{Binding, Pipeline, Source, StageKind};

/// Whether rows that are written out have one row at most for each combination of keys.
pub(super) fn written_once(part: &Pipeline, keys: &[&str]) -> bool {
    let Source::Rows { columns, rows } = &part.source else { return false };
    if !part.stages.iter().all(|stage| matches!(stage.kind, StageKind::Where(_) | StageKind::Sort(_))) {
        return false;
    }
    let at: Option<Vec<usize>> =
        keys.iter().map(|key| columns.iter().position(|(name, _)| name.as_ref() == *key)).collect();
    let Some(at) = at else { return false };
    let mut seen = BTreeSet::new();
    rows.iter().all(|row| seen.insert(at.iter().map(|at| format!("{:?}", row.get(*at))).collect::<Vec<_>>()))
}

/// Whether a pipeline ends in one row at most for each combination of columns, as far as its stages tell.
pub(super) fn ends_unique(pipeline: &Pipeline, keys: &[&str]) -> bool {
    for stage in pipeline.stages.iter().rev() {
        match &stage.kind {
            StageKind::Summarize { keys: by, .. } => return by.iter().all(|key| keys.contains(&key.name.as_ref())),
            StageKind::Distinct(by) => return !by.is_empty() && by.iter().all(|key| keys.contains(&key.name.as_ref())),
            StageKind::Where(_)
            | StageKind::Sort(_)
            | StageKind::Top { .. }
            | StageKind::Take(_)
            | StageKind::ProjectAway(_)
            | StageKind::ProjectKeep(_)
            | StageKind::ProjectReorder(_)
            | StageKind::Render { .. } => {}
            StageKind::Extend(made) if !made.iter().any(|it| keys.contains(&it.name.as_ref())) => {}
            StageKind::Project(made) => {
                let own = |it: &Binding| it.value.as_column().is_some_and(|column| column.name == it.name);
                if !made.iter().filter(|it| keys.contains(&it.name.as_ref())).all(own) {
                    return false;
                }
            }
            StageKind::Extend(_)
            | StageKind::ProjectRename(_)
            | StageKind::Count
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
            | StageKind::Untranslated(_) => return false,
        }
    }
    written_once(pipeline, keys)
}
