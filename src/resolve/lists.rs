//! Values made of rows: `in (T | …)`, `toscalar(…)`, and constant tables that are lists of values.

use super::columns::Rows;
use super::place::Place;
use super::scope::Shape;
use super::{Resolver, Step};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{AggregateKind, AggregateValue, Expr, ExprKind, Pipeline, ScalarType, Source, StageKind, Value};
use crate::source::Span;
use crate::syntax::ast::{self, Argument, MembershipOp};

/// Values at most that `range a to b` is written out to.
const RANGE: usize = 10_000;

impl<'a> Resolver<'a> {
    /// `subject in (items)` and its like.
    pub(super) fn membership(
        &mut self,
        op: MembershipOp,
        subject: &'a ast::Expr,
        items: &'a [ast::Expr],
        span: Span,
        place: Place<'_>,
    ) -> Step<Expr> {
        if let ast::ExprKind::List(_) = subject.kind {
            return self.fail(
                Diagnostic::refusal(
                    Code::NotYet,
                    subject.span,
                    "membership of several values at once is not translated",
                )
                .help("join with the table on these columns"),
            );
        }
        let subject = self.value(subject, place)?;
        if let [item] = items {
            if self.shape(item, place.scope, place.row) == Shape::Tabular {
                let rows = self.apart(item.span, |this| this.rows(item, place.scope))?;
                if let Some((values, ty)) = constants(&rows.pipeline) {
                    self.say(Diagnostic::note(
                        Code::Expanded,
                        Effect::Exact,
                        rows.pipeline.span,
                        "the rows are constants; their first column is written out as a list",
                    ));
                    let values = values.into_iter().map(|value| Expr::new(ExprKind::Literal(value), ty, item.span));
                    let values: Vec<Expr> = values.collect();
                    self.spend(values.len(), item.span)?;
                    let built = self.builder(place.row).membership(op, subject, values, span);
                    return self.built(built);
                }
                let table = rows.finish();
                let built = self.builder(place.row).membership_table(op, subject, table, span);
                return self.built(built);
            }
            if let ast::ExprKind::List(inner) = &item.kind {
                let values = self.values(inner, place)?;
                let built = self.builder(place.row).membership(op, subject, values, span);
                return self.built(built);
            }
        }
        let values = self.values(items, place)?;
        let built = self.builder(place.row).membership(op, subject, values, span);
        self.built(built)
    }

    /// `toscalar(…)`
    pub(super) fn scalar_of_rows(&mut self, args: &'a [Argument], span: Span, place: Place<'_>) -> Step<Expr> {
        let [arg] = args else {
            return self.fail(Diagnostic::error(Code::WrongArguments, span, "toscalar() takes one argument"));
        };
        if self.shape(&arg.value, place.scope, place.row) == Shape::Scalar {
            return self.value(&arg.value, place);
        }
        let rows = self.apart(span, |this| this.rows(&arg.value, place.scope))?;
        if let Some(value) = single(&rows) {
            return Ok(Expr { span, ..value });
        }
        let ty = rows.row.columns().first().map_or(ScalarType::Unknown, |(_, ty)| *ty);
        Ok(Expr::new(ExprKind::Scalar(Box::new(rows.finish())), ty, span))
    }
}

/// The values of the first column, if the rows are constants and nothing but projection stands between.
pub(super) fn constants(pipeline: &Pipeline) -> Option<(Vec<Value>, ScalarType)> {
    let (mut columns, table): (Vec<(String, usize)>, Vec<Vec<Value>>) = match &pipeline.source {
        Source::Rows { columns, rows } => {
            (columns.iter().enumerate().map(|(at, (name, _))| (name.to_string(), at)).collect(), rows.clone())
        }
        Source::Print(bindings) => {
            let row = bindings.iter().map(|binding| binding.value.as_literal().cloned()).collect::<Option<Vec<_>>>()?;
            (bindings.iter().enumerate().map(|(at, binding)| (binding.name.to_string(), at)).collect(), vec![row])
        }
        Source::Range { name, from, to, step } => {
            let (Value::Long(from), Value::Long(to), Value::Long(step)) =
                (from.as_literal()?, to.as_literal()?, step.as_literal()?)
            else {
                return None;
            };
            if *step == 0 {
                return None;
            }
            let mut values = Vec::new();
            let mut at = *from;
            while if *step > 0 { at <= *to } else { at >= *to } {
                if values.len() == RANGE {
                    return None;
                }
                values.push(vec![Value::Long(at)]);
                at = at.checked_add(*step)?;
            }
            (vec![(name.to_string(), 0)], values)
        }
        Source::Table(_)
        | Source::Union(_)
        | Source::Watchlist { .. }
        | Source::External { .. }
        | Source::Search { .. } => return None,
    };
    for stage in &pipeline.stages {
        match &stage.kind {
            StageKind::Project(bindings) | StageKind::Distinct(bindings) if !bindings.is_empty() => {
                let mut next = Vec::with_capacity(bindings.len());
                for binding in bindings {
                    let column = binding.value.as_column()?;
                    let (_, at) = columns.iter().find(|(name, _)| *name == *column.name)?;
                    next.push((binding.name.to_string(), *at));
                }
                columns = next;
            }
            StageKind::Where(_)
            | StageKind::Extend(_)
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
            | StageKind::Untranslated(_) => return None,
        }
    }
    let (_, at) = columns.first()?;
    let values =
        table.into_iter().map(|mut row| (*at < row.len()).then(|| row.swap_remove(*at))).collect::<Option<Vec<_>>>()?;
    let ty = values.first().map_or(ScalarType::String, Value::ty);
    Some((values, ty))
}

/// The constant that `toscalar` gives: the first value, or the set of all where that is what is asked for.
fn single(rows: &Rows) -> Option<Expr> {
    let pipeline = &rows.pipeline;
    let literal = |value: Value| {
        let ty = value.ty();
        Expr::new(ExprKind::Literal(value), ty, pipeline.span)
    };
    let Some((last, before)) = pipeline.stages.split_last() else {
        return constants(pipeline)?.0.into_iter().next().map(literal);
    };
    let StageKind::Summarize { aggregates, keys } = &last.kind else {
        return constants(pipeline)?.0.into_iter().next().map(literal);
    };
    let ([binding], true) = (aggregates.as_slice(), keys.is_empty()) else { return None };
    let AggregateValue::One(aggregate) = &binding.value else { return None };
    let ([Expr { kind: ExprKind::Column(column), .. }], None) = (aggregate.args.as_slice(), &aggregate.condition)
    else {
        return None;
    };
    let set = match aggregate.kind {
        AggregateKind::MakeSet => true,
        AggregateKind::MakeList => false,
        AggregateKind::ArgMax
        | AggregateKind::ArgMin
        | AggregateKind::Avg
        | AggregateKind::BinaryAllAnd
        | AggregateKind::BinaryAllOr
        | AggregateKind::BinaryAllXor
        | AggregateKind::BuildSchema
        | AggregateKind::Count
        | AggregateKind::CountDistinct
        | AggregateKind::DCount
        | AggregateKind::Hll
        | AggregateKind::HllMerge
        | AggregateKind::MakeBag
        | AggregateKind::MakeListWithNulls
        | AggregateKind::Max
        | AggregateKind::Min
        | AggregateKind::Percentile
        | AggregateKind::Percentiles
        | AggregateKind::PercentilesArray
        | AggregateKind::PercentileW
        | AggregateKind::PercentilesW
        | AggregateKind::Stdev
        | AggregateKind::StdevP
        | AggregateKind::Sum
        | AggregateKind::TakeAny
        | AggregateKind::TDigest
        | AggregateKind::TDigestMerge
        | AggregateKind::Variance
        | AggregateKind::VarianceP => return None,
    };
    let mut inner = Pipeline { stages: before.to_vec(), ..pipeline.clone() };
    inner.stages.push(crate::plan::Stage {
        id: last.id,
        span: last.span,
        kind: StageKind::Project(vec![crate::plan::Binding {
            id: last.id,
            span: last.span,
            name: column.name.clone(),
            value: aggregate.args.first()?.clone(),
        }]),
    });
    let (mut values, _) = constants(&inner)?;
    values.retain(|value| !matches!(value, Value::Null(_)));
    if set {
        let mut unique: Vec<Value> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for value in values {
            if seen.insert(format!("{value:?}")) {
                unique.push(value);
            }
        }
        values = unique;
    }
    Some(literal(Value::Array(values)))
}
