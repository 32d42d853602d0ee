//! What the operators of a pipeline do to what is known of its rows: in which direction rows act on the result, and which
//! columns conditions say to be there. No target is known here.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diagnostic::Polarity;
use crate::plan::{Absence, Binding, Expr, ExprKind, JoinKind, Needles, Stage, StageKind, TextHow};

/// In which direction the rows that go into each stage act on those of the hunt; the first is that of the source.
pub(crate) fn polarities(stages: &[Stage], outer: Polarity) -> Vec<Polarity> {
    let mut polarity = outer;
    let mut all: Vec<Polarity> = stages
        .iter()
        .rev()
        .map(|stage| {
            let after = polarity;
            polarity = match &stage.kind {
                StageKind::Summarize { .. } | StageKind::Count => Polarity::Aggregated,
                StageKind::Join(join) => match join.kind {
                    JoinKind::RightAnti => polarity.negated(),
                    JoinKind::RightOuter | JoinKind::FullOuter => Polarity::Aggregated,
                    JoinKind::InnerUnique
                    | JoinKind::Inner
                    | JoinKind::LeftOuter
                    | JoinKind::LeftSemi
                    | JoinKind::RightSemi
                    | JoinKind::LeftAnti => polarity,
                },
                StageKind::Where(_)
                | StageKind::Extend(_)
                | StageKind::Project(_)
                | StageKind::ProjectAway(_)
                | StageKind::ProjectKeep(_)
                | StageKind::ProjectRename(_)
                | StageKind::ProjectReorder(_)
                | StageKind::Distinct(_)
                | StageKind::Sort(_)
                | StageKind::Top { .. }
                | StageKind::Take(_)
                | StageKind::Sample(_)
                | StageKind::SampleDistinct { .. }
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
                | StageKind::Untranslated(_) => polarity,
            };
            after
        })
        .collect();
    all.push(polarity);
    all.reverse();
    all
}

/// Columns that conditions say to be there and not empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proven {
    columns: BTreeSet<Arc<str>>,
}

impl Proven {
    /// Whether a column is known to be there.
    pub(crate) fn contains(&self, name: &Arc<str>) -> bool {
        self.columns.contains(name)
    }

    /// Adds a column that is always there.
    pub(crate) fn insert(&mut self, name: Arc<str>) {
        self.columns.insert(name);
    }

    /// Forgets what another does not know as well.
    pub(crate) fn meet(&mut self, other: &Self) {
        self.columns.retain(|name| other.columns.contains(name));
    }

    /// What a stage says of the presence of values.
    pub(crate) fn learn(&mut self, stage: &Stage) {
        match &stage.kind {
            StageKind::Where(predicate) => {
                let found = predicate.conjuncts().iter().filter_map(proves);
                self.columns.extend(found);
            }
            StageKind::Extend(bindings) | StageKind::Serialize(bindings) => {
                for binding in bindings {
                    self.columns.remove(&binding.name);
                }
            }
            StageKind::Project(bindings) | StageKind::Distinct(bindings) => self.keep(bindings),
            StageKind::Summarize { keys, .. } => self.keep(keys),
            StageKind::ProjectAway(_)
            | StageKind::ProjectKeep(_)
            | StageKind::ProjectReorder(_)
            | StageKind::Sort(_)
            | StageKind::Top { .. }
            | StageKind::Take(_)
            | StageKind::Sample(_)
            | StageKind::Render { .. } => {}
            StageKind::Join(join) | StageKind::Lookup(join) => match join.kind {
                JoinKind::InnerUnique
                | JoinKind::Inner
                | JoinKind::LeftOuter
                | JoinKind::LeftSemi
                | JoinKind::LeftAnti => {}
                JoinKind::RightOuter | JoinKind::FullOuter | JoinKind::RightSemi | JoinKind::RightAnti => {
                    self.columns.clear();
                }
            },
            StageKind::ProjectRename(_)
            | StageKind::Count
            | StageKind::SampleDistinct { .. }
            | StageKind::MvExpand { .. }
            | StageKind::MvApply { .. }
            | StageKind::Parse { .. }
            | StageKind::ParseKv { .. }
            | StageKind::MakeSeries(_)
            | StageKind::Evaluate { .. }
            | StageKind::Invoke { .. }
            | StageKind::Untranslated(_) => self.columns.clear(),
        }
    }

    fn keep(&mut self, bindings: &[Binding]) {
        let kept = bindings
            .iter()
            .filter(|binding| binding.value.as_column().is_some_and(|column| self.columns.contains(&column.name)));
        self.columns = kept.map(|binding| binding.name.clone()).collect();
    }
}

/// The column that a condition says to be there and not empty.
fn proves(condition: &Expr) -> Option<Arc<str>> {
    match &condition.kind {
        ExprKind::Presence { subject, absence: Absence::Empty, negated: true } => {
            subject.as_column().map(|column| column.name.clone())
        }
        ExprKind::Text(matched) if !matched.negated => {
            let there = |expr: &Expr| expr.as_str().is_some_and(|text| !text.is_empty());
            let all = match &matched.needles {
                Needles::One(needle) => there(needle),
                Needles::Any(needles) => needles.iter().all(there),
                Needles::All(_) | Needles::Table(_) => false,
            };
            let column = matched.subject.as_column()?;
            (all && matched.how != TextHow::Regex).then(|| column.name.clone())
        }
        ExprKind::Text(_)
        | ExprKind::Presence { .. }
        | ExprKind::Literal(_)
        | ExprKind::Moment(_)
        | ExprKind::Column(_)
        | ExprKind::Path { .. }
        | ExprKind::Call { .. }
        | ExprKind::Arithmetic { .. }
        | ExprKind::Negate(_)
        | ExprKind::Compare { .. }
        | ExprKind::In { .. }
        | ExprKind::Time(_)
        | ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::Scalar(_) => None,
    }
}
