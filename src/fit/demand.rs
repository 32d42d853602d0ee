//! Which columns are read behind a place of a pipeline, so that what is brought together holds no others.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::plan::{AggregateValue, ArgColumns, ExprKind, NodeRef, ParsePart, Pipeline, Stage, StageKind, Tree};

/// The columns that are read behind a place of a pipeline.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demand {
    /// Their names.
    pub(crate) names: BTreeSet<Arc<str>>,
    /// The row comes out as it is: every column is read.
    pub(crate) open: bool,
}

/// Adds the columns that a part of the plan names.
pub(crate) fn mentioned(tree: &dyn Tree, names: &mut BTreeSet<Arc<str>>) {
    tree.visit(&mut |node| {
        let NodeRef::Expr(expr) = node else { return };
        match &expr.kind {
            ExprKind::Column(column) => {
                names.insert(column.name.clone());
            }
            ExprKind::Time(range) => {
                names.insert(range.column.name.clone());
            }
            ExprKind::Literal(_)
            | ExprKind::Moment(_)
            | ExprKind::Path { .. }
            | ExprKind::Call { .. }
            | ExprKind::Arithmetic { .. }
            | ExprKind::Negate(_)
            | ExprKind::Compare { .. }
            | ExprKind::Text(_)
            | ExprKind::In { .. }
            | ExprKind::Presence { .. }
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Scalar(_) => {}
        }
    });
}

/// Whether a stage fixes which columns there are.
pub(crate) fn closes(stage: &Stage) -> bool {
    match &stage.kind {
        StageKind::Project(_) | StageKind::Count | StageKind::MakeSeries(_) | StageKind::SampleDistinct { .. } => true,
        StageKind::Distinct(columns) => !columns.is_empty(),
        StageKind::ProjectKeep(patterns) => !patterns.iter().any(|it| it.pattern.contains('*')),
        StageKind::Summarize { aggregates, .. } => {
            let all = |value: &AggregateValue| match value {
                AggregateValue::One(aggregate) => matches!(aggregate.columns, ArgColumns::All),
                AggregateValue::Computed { .. } => false,
            };
            !aggregates.iter().any(|it| all(&it.value))
        }
        StageKind::Where(_)
        | StageKind::Extend(_)
        | StageKind::ProjectAway(_)
        | StageKind::ProjectRename(_)
        | StageKind::ProjectReorder(_)
        | StageKind::Sort(_)
        | StageKind::Top { .. }
        | StageKind::Take(_)
        | StageKind::Sample(_)
        | StageKind::Join(_)
        | StageKind::Lookup(_)
        | StageKind::MvExpand { .. }
        | StageKind::MvApply { .. }
        | StageKind::Parse { .. }
        | StageKind::ParseKv { .. }
        | StageKind::Serialize(_)
        | StageKind::Evaluate { .. }
        | StageKind::Invoke { .. }
        | StageKind::Render { .. }
        | StageKind::Untranslated(_) => false,
    }
}

/// Adds the columns that a stage makes.
fn makes(stage: &Stage, made: &mut BTreeSet<Arc<str>>) {
    match &stage.kind {
        StageKind::Extend(bindings) | StageKind::Serialize(bindings) => {
            made.extend(bindings.iter().map(|it| it.name.clone()));
        }
        StageKind::ProjectRename(pairs) => made.extend(pairs.iter().map(|(name, _)| name.clone())),
        StageKind::MvExpand { items, index, .. } => {
            made.extend(items.iter().map(|it| it.name.clone()));
            made.extend(index.clone());
        }
        StageKind::Parse { parts, .. } => made.extend(parts.iter().filter_map(|part| match part {
            ParsePart::Column { name, .. } => Some(name.clone()),
            ParsePart::Any | ParsePart::Text { .. } => None,
        })),
        StageKind::ParseKv { columns, .. } => made.extend(columns.iter().map(|(name, _)| name.clone())),
        StageKind::Where(_)
        | StageKind::Project(_)
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
        | StageKind::MvApply { .. }
        | StageKind::MakeSeries(_)
        | StageKind::Evaluate { .. }
        | StageKind::Invoke { .. }
        | StageKind::Render { .. }
        | StageKind::Untranslated(_) => {}
    }
}

/// The columns that are read by these stages and by whoever reads the pipeline, of which `after` says what it reads.
pub(crate) fn demand(rest: &[Stage], after: Option<&Demand>) -> Demand {
    let mut names = BTreeSet::new();
    // What a stage has made is not read of the rows here.
    let mut made: BTreeSet<Arc<str>> = BTreeSet::new();
    for stage in rest {
        let mut read = BTreeSet::new();
        if let StageKind::Join(join) | StageKind::Lookup(join) = &stage.kind {
            join.on.iter().for_each(|key| mentioned(&key.left, &mut read));
            made.extend(join.renamed.iter().map(|(_, name)| name.clone()));
        } else if let StageKind::ProjectAway(patterns)
        | StageKind::ProjectKeep(patterns)
        | StageKind::ProjectReorder(patterns) = &stage.kind
        {
            read.extend(patterns.iter().map(|it| it.pattern.clone()).filter(|name| !name.contains('*')));
        } else {
            mentioned(stage, &mut read);
        }
        names.extend(read.into_iter().filter(|name| !made.contains(name)));
        if closes(stage) {
            return Demand { names, open: false };
        }
        makes(stage, &mut made);
    }
    match after {
        Some(after) => {
            names.extend(after.names.iter().filter(|name| !made.contains(*name)).cloned());
            Demand { names, open: after.open }
        }
        None => Demand { names, open: true },
    }
}

/// The columns of a union that are told apart, in the order in which its branches have them: those that are read, and where
/// all come out, those that a branch has `made`.
pub(crate) fn wanted(demand: &Demand, branches: &[Pipeline], made: impl Iterator<Item = Arc<str>>) -> Vec<Arc<str>> {
    let mut names = demand.names.clone();
    if demand.open {
        names.extend(made);
        branches.iter().flat_map(|branch| &branch.stages).for_each(|stage| mentioned(stage, &mut names));
    }
    names.retain(|name| !name.contains('*'));
    let mut ordered: Vec<Arc<str>> = Vec::new();
    for (name, _) in branches.iter().flat_map(|branch| &branch.columns.columns) {
        if names.remove(name) {
            ordered.push(name.clone());
        }
    }
    ordered.extend(names);
    ordered
}
