//! Which events a hunt speaks of, and how they belong together: the lines of its tables, the groups that it counts, the
//! sides of its joins.
//!
//! Only the shape of the plan is looked at. Whether Sigma can say a correlation (its keys, its threshold) is found out
//! afterwards; one that it can not say is handed back in [`Not`], and its stage is left out like any other.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::Code;
use crate::fit::Frame;
use crate::plan::{
    AggregateBinding, AggregateKind, AggregateValue, Case, ColumnRef, Expr, ExprKind, Join, JoinKey, JoinKind, Needles,
    NodeId, Pipeline, Source, Stage, StageKind, TableRef, TextHow, Union,
};
use crate::source::Span;
use crate::target::Capability;

use super::subject::Unsayable;

/// How many lines a hunt may have.
const MOST_LINES: usize = 64;
/// How many groups and joins a hunt may have as correlations.
pub(super) const MOST_CORRELATIONS: usize = 16;

/// The events of one table, and all that the hunt does with them.
#[derive(Clone)]
pub(super) struct Line<'p> {
    /// The table.
    pub(super) table: &'p TableRef,
    /// The how manieth line of the table it is, from 1.
    pub(super) number: usize,
    /// The pipeline that begins with it.
    pub(super) pipeline: &'p Pipeline,
    /// The unions that it is a branch of, the innermost first.
    pub(super) within: Vec<&'p Pipeline>,
    /// The stages up to the end of the hunt.
    pub(super) steps: Vec<Step<'p>>,
}

/// A step of a line.
#[derive(Clone)]
pub(super) enum Step<'p> {
    /// A stage.
    Stage(&'p Stage),
    /// A column with the name of the table: `union withsource`.
    TableName(Arc<str>),
    /// A `summarize` whose groups a correlation counts.
    Counted(&'p Stage),
    /// A join that a correlation says, as its left side sees it.
    Joined(&'p Stage, &'p Join),
    /// The same as its right side sees it: what comes afterwards speaks of the joined rows.
    Brought(&'p Stage, &'p Join),
    /// `x in (table)`, as the rows of the table see it.
    Listed(NodeId),
    /// A join of which only this side is left: the columns of the other one are not there.
    Alone(&'p Join),
}

/// What a hunt selects.
pub(super) enum Body<'p> {
    /// Events of any of the lines.
    Events(Vec<Line<'p>>),
    /// Groups of events that satisfy a threshold.
    Groups(Groups<'p>),
    /// Events or groups that belong together.
    Together(Together<'p>),
    /// Any of these.
    Any(Vec<Body<'p>>),
}

/// Groups of events.
pub(super) struct Groups<'p> {
    pub(super) lines: Vec<Line<'p>>,
    /// The `summarize`.
    pub(super) stage: &'p Stage,
}

/// Parts of which each has an event with the same keys.
pub(super) struct Together<'p> {
    pub(super) parts: Vec<Part<'p>>,
    pub(super) joints: Vec<Joint<'p>>,
}

/// A part of a correlation of several.
pub(super) enum Part<'p> {
    Events(Vec<Line<'p>>),
    Groups(Groups<'p>),
}

/// What joins parts.
pub(super) struct Joint<'p> {
    /// The stage, or the condition.
    pub(super) id: NodeId,
    pub(super) span: Span,
    pub(super) kind: JoinKind,
    pub(super) on: On<'p>,
    /// The parts of either side.
    pub(super) left: Range<usize>,
    pub(super) right: Range<usize>,
}

/// What must be equal.
pub(super) enum On<'p> {
    Keys(&'p [JoinKey]),
    /// `subject in (table)`: the first column of the table.
    Member {
        subject: &'p Expr,
        column: ColumnRef,
        case: Case,
    },
}

/// Stages and conditions that are no correlation, and why.
pub(super) type Not = HashMap<NodeId, Unsayable>;

/// What was found.
pub(super) struct Outline<'p> {
    pub(super) body: Body<'p>,
    /// Left sides of joins that keep rows of their right side only: the pipeline up to the stage.
    pub(super) gone: Vec<(&'p Pipeline, &'p Stage)>,
    /// The unions on the way, and whether they make columns that a rule has not.
    pub(super) unions: Vec<(&'p Pipeline, bool)>,
}

/// Finds the outline of a hunt.
///
/// # Errors
/// Why it has no events.
pub(super) fn outline<'p>(frame: &Frame<'p>, not: &Not) -> Result<Outline<'p>, Unsayable> {
    let mut maker = Maker { frame, not, lines: 0, numbers: HashMap::new(), gone: Vec::new(), unions: Vec::new() };
    let body = maker.pipeline(&frame.plan.pipeline)?;
    Ok(Outline { body, gone: maker.gone, unions: maker.unions })
}

struct Maker<'f, 'p> {
    frame: &'f Frame<'p>,
    not: &'f Not,
    lines: usize,
    numbers: HashMap<&'p str, usize>,
    gone: Vec<(&'p Pipeline, &'p Stage)>,
    unions: Vec<(&'p Pipeline, bool)>,
}

impl<'p> Maker<'_, 'p> {
    fn pipeline(&mut self, pipeline: &'p Pipeline) -> Result<Body<'p>, Unsayable> {
        // Of a join that keeps its right side only, nothing that stands before it is left.
        let from = pipeline.stages.iter().rposition(|stage| only_right(stage).is_some());
        let (mut body, rest) = match from.and_then(|at| Some((at, pipeline.stages.get(at)?))) {
            Some((at, stage)) => match only_right(stage) {
                Some(join) => {
                    let mut body = self.pipeline(&join.right)?;
                    self.gone.push((pipeline, stage));
                    body.push(&Step::Alone(join));
                    (body, pipeline.stages.get(at + 1..).unwrap_or_default())
                }
                None => (self.source(pipeline)?, pipeline.stages.as_slice()),
            },
            None => (self.source(pipeline)?, pipeline.stages.as_slice()),
        };
        for stage in rest {
            body = self.stage(body, stage)?;
        }
        Ok(body)
    }

    fn source(&mut self, pipeline: &'p Pipeline) -> Result<Body<'p>, Unsayable> {
        match &pipeline.source {
            Source::Table(table) => {
                self.lines += 1;
                if self.lines > MOST_LINES {
                    let message = format!("the hunt becomes more than {MOST_LINES} rules");
                    return Err(Unsayable::new(Code::TooLong, pipeline.span, message));
                }
                let number = self.numbers.entry(&table.name).or_default();
                *number += 1;
                Ok(Body::Events(vec![Line { table, number: *number, pipeline, within: Vec::new(), steps: Vec::new() }]))
            }
            Source::Union(Union { branches, inner, with_source, fuzzy: _ }) => {
                self.unions.push((pipeline, *inner || with_source.is_some()));
                let mut bodies = Vec::with_capacity(branches.len());
                for branch in branches {
                    bodies.push(self.pipeline(branch)?);
                }
                let mut body = any(bodies);
                body.lines_mut(&mut |line| line.within.push(pipeline));
                if let Some(name) = with_source {
                    body.push(&Step::TableName(name.clone()));
                }
                Ok(body)
            }
            Source::Watchlist { .. }
            | Source::External { .. }
            | Source::Rows { .. }
            | Source::Print(_)
            | Source::Range { .. }
            | Source::Search { .. } => {
                let answer = Capability::of_source(&pipeline.source).map(|it| self.frame.facts.capabilities.get(it));
                let why = answer
                    .and_then(|answer| answer.note.as_deref())
                    .unwrap_or("a Sigma rule selects events of one log source");
                let unsayable = Unsayable::new(Code::RefusedSource, pipeline.span, why);
                Err(match answer.and_then(|answer| answer.instead.clone()) {
                    Some(help) => unsayable.help(help),
                    None => unsayable,
                })
            }
        }
    }

    fn stage(&mut self, mut body: Body<'p>, stage: &'p Stage) -> Result<Body<'p>, Unsayable> {
        match &stage.kind {
            StageKind::Summarize { .. } | StageKind::Count
                if !self.not.contains_key(&stage.id) && has_measure(&stage.kind) =>
            {
                match body {
                    Body::Events(lines) => {
                        let mut groups = Body::Groups(Groups { lines, stage });
                        groups.push(&Step::Counted(stage));
                        return Ok(groups);
                    }
                    Body::Groups(_) | Body::Together(_) | Body::Any(_) => body.push(&Step::Stage(stage)),
                }
            }
            StageKind::Join(join) | StageKind::Lookup(join) => return self.join(body, stage, join),
            StageKind::Where(predicate) => {
                for conjunct in predicate.conjuncts() {
                    if let Some((subject, case, table)) = table_of(conjunct)
                        && !self.not.contains_key(&conjunct.id)
                    {
                        body = self.member(body, conjunct, subject, case, table);
                    }
                }
                body.push(&Step::Stage(stage));
            }
            StageKind::Summarize { .. }
            | StageKind::Extend(_)
            | StageKind::Project(_)
            | StageKind::ProjectAway(_)
            | StageKind::ProjectKeep(_)
            | StageKind::ProjectRename(_)
            | StageKind::ProjectReorder(_)
            | StageKind::Distinct(_)
            | StageKind::Count
            | StageKind::Sort(_)
            | StageKind::Top { .. }
            | StageKind::Take(_)
            | StageKind::Sample(_)
            | StageKind::SampleDistinct { .. }
            | StageKind::MvExpand { .. }
            | StageKind::MvApply { .. }
            | StageKind::Parse { .. }
            | StageKind::ParseKv { .. }
            | StageKind::MakeSeries(_)
            | StageKind::Serialize(_)
            | StageKind::Evaluate { .. }
            | StageKind::Invoke { .. }
            | StageKind::Render { .. }
            | StageKind::Untranslated(_) => body.push(&Step::Stage(stage)),
        }
        Ok(body)
    }

    fn join(&mut self, mut body: Body<'p>, stage: &'p Stage, join: &'p Join) -> Result<Body<'p>, Unsayable> {
        match join.kind {
            JoinKind::Inner | JoinKind::InnerUnique | JoinKind::LeftSemi | JoinKind::RightSemi => {
                if !self.not.contains_key(&stage.id)
                    && let Ok(mut right) = self.side(&join.right)
                    && body.is_side()
                {
                    body.push(&Step::Joined(stage, join));
                    right.push(&Step::Brought(stage, join));
                    let on = On::Keys(&join.on);
                    return Ok(together(body, right, |left, right| Joint {
                        id: stage.id,
                        span: stage.span,
                        kind: join.kind,
                        on,
                        left,
                        right,
                    }));
                }
                body.push(&Step::Stage(stage));
                Ok(body)
            }
            JoinKind::FullOuter => {
                let mut right = self.pipeline(&join.right)?;
                body.push(&Step::Stage(stage));
                right.push(&Step::Alone(join));
                Ok(any(vec![body, right]))
            }
            JoinKind::LeftOuter
            | JoinKind::LeftAnti
            // Handled where the pipeline begins.
            | JoinKind::RightOuter
            | JoinKind::RightAnti => {
                body.push(&Step::Stage(stage));
                Ok(body)
            }
        }
    }

    /// The right side of a join, where it is one of a correlation. What is tried in vain leaves no trace.
    fn side(&mut self, pipeline: &'p Pipeline) -> Result<Body<'p>, ()> {
        let before = (self.lines, self.numbers.clone(), self.gone.len(), self.unions.len());
        match self.pipeline(pipeline) {
            Ok(body) if body.is_side() => Ok(body),
            Ok(_) | Err(_) => {
                let (gone, unions);
                (self.lines, self.numbers, gone, unions) = before;
                self.gone.truncate(gone);
                self.unions.truncate(unions);
                Err(())
            }
        }
    }

    fn member(
        &mut self,
        body: Body<'p>,
        conjunct: &'p Expr,
        subject: &'p Expr,
        case: Case,
        table: &'p Pipeline,
    ) -> Body<'p> {
        let Some((name, _)) = table.columns.columns.first() else { return body };
        if !body.is_side() {
            return body;
        }
        let Ok(mut right) = self.side(table) else { return body };
        right.push(&Step::Listed(conjunct.id));
        let column = ColumnRef { name: name.clone(), known: true };
        together(body, right, |left, right| Joint {
            id: conjunct.id,
            span: conjunct.span,
            kind: JoinKind::LeftSemi,
            on: On::Member { subject, column, case },
            left,
            right,
        })
    }
}

impl<'p> Body<'p> {
    /// Takes a step in all lines.
    fn push(&mut self, step: &Step<'p>) {
        self.lines_mut(&mut |line| line.steps.push(step.clone()));
    }

    fn lines_mut(&mut self, action: &mut impl FnMut(&mut Line<'p>)) {
        match self {
            Self::Events(lines) => lines.iter_mut().for_each(action),
            Self::Groups(groups) => groups.lines.iter_mut().for_each(action),
            Self::Together(together) => {
                for part in &mut together.parts {
                    match part {
                        Part::Events(lines) | Part::Groups(Groups { lines, .. }) => {
                            lines.iter_mut().for_each(&mut *action);
                        }
                    }
                }
            }
            Self::Any(bodies) => bodies.iter_mut().for_each(|body| body.lines_mut(action)),
        }
    }

    /// All lines, in order.
    pub(super) fn lines(&self) -> Vec<&Line<'p>> {
        match self {
            Self::Events(lines) => lines.iter().collect(),
            Self::Groups(groups) => groups.lines.iter().collect(),
            Self::Together(together) => together.parts.iter().flat_map(Part::lines).collect(),
            Self::Any(bodies) => bodies.iter().flat_map(Self::lines).collect(),
        }
    }

    /// Whether it can be a side of a correlation.
    fn is_side(&self) -> bool {
        match self {
            Self::Events(_) | Self::Groups(_) | Self::Together(_) => true,
            Self::Any(_) => false,
        }
    }
}

impl<'p> Part<'p> {
    /// Its lines.
    pub(super) fn lines(&self) -> &[Line<'p>] {
        match self {
            Self::Events(lines) | Self::Groups(Groups { lines, .. }) => lines,
        }
    }
}

/// Any of several bodies: those of plain events are one.
fn any(bodies: Vec<Body<'_>>) -> Body<'_> {
    let mut events: Vec<Line<'_>> = Vec::new();
    let mut rest = Vec::new();
    for body in bodies {
        match body {
            Body::Events(lines) => events.extend(lines),
            Body::Any(inner) => rest.extend(inner),
            Body::Groups(_) | Body::Together(_) => rest.push(body),
        }
    }
    if rest.is_empty() {
        return Body::Events(events);
    }
    if !events.is_empty() {
        rest.insert(0, Body::Events(events));
    }
    Body::Any(rest)
}

/// Two sides as parts of one correlation.
fn together<'p>(
    left: Body<'p>,
    right: Body<'p>,
    joint: impl FnOnce(Range<usize>, Range<usize>) -> Joint<'p>,
) -> Body<'p> {
    let (mut parts, mut joints) = sides(left);
    let base = parts.len();
    let (more, inner) = sides(right);
    parts.extend(more);
    let shift = |range: Range<usize>| range.start + base..range.end + base;
    joints.extend(inner.into_iter().map(|it| Joint { left: shift(it.left), right: shift(it.right), ..it }));
    joints.push(joint(0..base, base..parts.len()));
    Body::Together(Together { parts, joints })
}

fn sides(body: Body<'_>) -> (Vec<Part<'_>>, Vec<Joint<'_>>) {
    match body {
        Body::Events(lines) => (vec![Part::Events(lines)], Vec::new()),
        Body::Groups(groups) => (vec![Part::Groups(groups)], Vec::new()),
        Body::Together(together) => (together.parts, together.joints),
        // Never a side.
        Body::Any(_) => (Vec::new(), Vec::new()),
    }
}

/// The join, if a stage is one that keeps rows of its right side only, matched or not.
fn only_right(stage: &Stage) -> Option<&Join> {
    let StageKind::Join(join) = &stage.kind else { return None };
    matches!(join.kind, JoinKind::RightOuter | JoinKind::RightAnti).then_some(join)
}

/// `x in (T | …)`: the value, whether case counts, and the table.
pub(super) fn table_of(conjunct: &Expr) -> Option<(&Expr, Case, &Pipeline)> {
    let ExprKind::Text(text) = &conjunct.kind else { return None };
    let (Needles::Table(table), TextHow::Equals, false) = (&text.needles, text.how, text.negated) else { return None };
    Some((&text.subject, text.case, table))
}

/// Whether a stage makes a value of groups that a correlation may compare.
fn has_measure(kind: &StageKind) -> bool {
    if let StageKind::Summarize { aggregates, .. } = kind {
        return aggregates.iter().any(is_measure);
    }
    matches!(kind, StageKind::Count)
}

/// Whether an aggregate is one that a correlation may compare.
fn is_measure(binding: &AggregateBinding) -> bool {
    let AggregateValue::One(aggregate) = &binding.value else { return false };
    match aggregate.kind {
        AggregateKind::Avg
        | AggregateKind::Count
        | AggregateKind::CountDistinct
        | AggregateKind::DCount
        | AggregateKind::MakeList
        | AggregateKind::MakeSet
        | AggregateKind::Percentile
        | AggregateKind::Sum => true,
        AggregateKind::ArgMax
        | AggregateKind::ArgMin
        | AggregateKind::BinaryAllAnd
        | AggregateKind::BinaryAllOr
        | AggregateKind::BinaryAllXor
        | AggregateKind::BuildSchema
        | AggregateKind::Hll
        | AggregateKind::HllMerge
        | AggregateKind::MakeBag
        | AggregateKind::MakeListWithNulls
        | AggregateKind::Max
        | AggregateKind::Min
        | AggregateKind::Percentiles
        | AggregateKind::PercentilesArray
        | AggregateKind::PercentileW
        | AggregateKind::PercentilesW
        | AggregateKind::Stdev
        | AggregateKind::StdevP
        | AggregateKind::TakeAny
        | AggregateKind::TDigest
        | AggregateKind::TDigestMerge
        | AggregateKind::Variance
        | AggregateKind::VarianceP => false,
    }
}
