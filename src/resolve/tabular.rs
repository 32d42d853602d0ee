//! Pipelines: each operator of the hunt becomes a stage and changes the row.
//!
//! What an operator does in detail is in the files named for it.

use std::sync::Arc;

use super::columns::Rows;
use super::place::Place;
use super::project::Style;
use super::scope::Scope;
use super::{Resolver, Step};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{NodeId, ScalarType, SortKey, StageKind, UntranslatedOperator};
use crate::source::Span;
use crate::syntax::ast::{self, Operator, OperatorKind, Pipeline, RawOperator};

impl<'a> Resolver<'a> {
    /// The rows of a pipeline.
    pub(super) fn pipeline(&mut self, pipeline: &'a Pipeline, scope: Scope) -> Step<Rows> {
        let mut rows = match &pipeline.source {
            Some(ast::Source::Expr(expr)) => self.rows(expr, scope)?,
            Some(ast::Source::Operator(operator)) => self.source_operator(operator, scope)?,
            None => {
                return self.fail(
                    Diagnostic::error(Code::NotTabular, pipeline.span, "the pipeline has no source")
                        .help("begin it with a table"),
                );
            }
        };
        self.operators(&pipeline.operators, &mut rows, scope)?;
        Ok(rows)
    }

    /// Passes rows through operators.
    pub(super) fn operators(&mut self, operators: &'a [Operator], rows: &mut Rows, scope: Scope) -> Step<()> {
        for operator in operators {
            self.spend(1, operator.span)?;
            self.operator(operator, rows, scope)?;
        }
        Ok(())
    }

    /// An operator that makes rows.
    fn source_operator(&mut self, operator: &'a Operator, scope: Scope) -> Step<Rows> {
        let span = operator.span;
        match &operator.kind {
            OperatorKind::Union { parameters, tables } => self.union(parameters, tables, None, scope, span),
            OperatorKind::Print(items) => self.print(items, scope, span),
            OperatorKind::Range { name, from, to, step } => self.range(name, (from, to, step.as_ref()), scope, span),
            OperatorKind::Datatable { columns, values } => self.datatable(columns, values, scope, span),
            OperatorKind::ExternalData { columns, addresses, properties } => {
                self.external(columns, addresses, properties, scope, span)
            }
            OperatorKind::Search { parameters, tables, predicate } => {
                self.search(parameters, tables, predicate, None, scope, span)
            }
            OperatorKind::Find(find) => self.find(find, scope, span),
            OperatorKind::Raw { operator, body: _ } => self.fail(Diagnostic::refusal(
                Code::RefusedOperator,
                span,
                format!("`{}` is read and not translated", untranslated(*operator).name()),
            )),
            OperatorKind::As { .. }
            | OperatorKind::Consume { .. }
            | OperatorKind::Count
            | OperatorKind::Distinct { .. }
            | OperatorKind::Evaluate { .. }
            | OperatorKind::Extend(_)
            | OperatorKind::Invoke(_)
            | OperatorKind::Join { .. }
            | OperatorKind::Lookup { .. }
            | OperatorKind::MakeSeries(_)
            | OperatorKind::MvApply { .. }
            | OperatorKind::MvExpand { .. }
            | OperatorKind::Parse { .. }
            | OperatorKind::ParseKv { .. }
            | OperatorKind::Project(_)
            | OperatorKind::ProjectAway(_)
            | OperatorKind::ProjectKeep(_)
            | OperatorKind::ProjectRename(_)
            | OperatorKind::ProjectReorder(_)
            | OperatorKind::Render { .. }
            | OperatorKind::Sample(_)
            | OperatorKind::SampleDistinct { .. }
            | OperatorKind::Serialize(_)
            | OperatorKind::Sort { .. }
            | OperatorKind::Summarize { .. }
            | OperatorKind::Take(_)
            | OperatorKind::Top { .. }
            | OperatorKind::Where { .. } => self.fail(
                Diagnostic::error(Code::NotTabular, span, "the operator needs rows before it")
                    .help("begin the pipeline with a table"),
            ),
        }
    }

    fn operator(&mut self, operator: &'a Operator, rows: &mut Rows, scope: Scope) -> Step<()> {
        let span = operator.span;
        match &operator.kind {
            OperatorKind::Where { parameters, predicate } => {
                self.ignore_parameters(parameters, &[]);
                let condition = self.condition(predicate, Place::over(scope, &rows.row))?;
                rows.push(StageKind::Where(condition), span);
            }
            OperatorKind::Extend(items) => {
                let bindings = self.extend(items, rows, scope)?;
                rows.push(StageKind::Extend(bindings), span);
            }
            OperatorKind::Serialize(items) => {
                let bindings = self.extend(items, rows, scope)?;
                rows.push(StageKind::Serialize(bindings), span);
            }
            OperatorKind::Project(items) => self.project(items, rows, scope, span)?,
            OperatorKind::ProjectAway(names) => self.select(names, false, rows, span)?,
            OperatorKind::ProjectKeep(names) => self.select(names, true, rows, span)?,
            OperatorKind::ProjectRename(items) => self.rename(items, rows, span)?,
            OperatorKind::ProjectReorder(items) => self.reorder(items, rows, span)?,
            OperatorKind::Distinct { parameters, items } => {
                self.ignore_parameters(parameters, &[]);
                self.distinct(items, rows, scope, span)?;
            }
            OperatorKind::Summarize { parameters, aggregates, by } => {
                self.ignore_parameters(parameters, &[]);
                self.summarize(aggregates, by, rows, scope, span)?;
            }
            OperatorKind::MakeSeries(series) => self.make_series(series, rows, scope, span)?,
            OperatorKind::Count => {
                rows.row = super::columns::Row::of([(Arc::from("Count"), ScalarType::Long)]);
                rows.push(StageKind::Count, span);
            }
            OperatorKind::Sort { parameters, keys } => {
                self.ignore_parameters(parameters, &[]);
                let keys = self.sort_keys(keys, rows, scope)?;
                rows.push(StageKind::Sort(keys), span);
            }
            OperatorKind::Top { parameters, count, by } => {
                self.ignore_parameters(parameters, &[]);
                let count = self.value(count, Place::outside(scope))?;
                let keys = self.sort_keys(by, rows, scope)?;
                rows.push(StageKind::Top { count, keys }, span);
            }
            OperatorKind::Take(count) => {
                let count = self.value(count, Place::outside(scope))?;
                rows.push(StageKind::Take(count), span);
            }
            OperatorKind::Sample(count) => {
                let count = self.value(count, Place::outside(scope))?;
                rows.push(StageKind::Sample(count), span);
            }
            OperatorKind::SampleDistinct { count, of } => {
                let count = self.value(count, Place::outside(scope))?;
                let value = self.value(of, Place::over(scope, &rows.row))?;
                let name = self.automatic_name(of, &rows.row).unwrap_or_else(|| "Column1".to_owned());
                rows.row = super::columns::Row::of([(Arc::from(name), value.ty)]);
                rows.push(StageKind::SampleDistinct { count, of: value }, span);
            }
            OperatorKind::Join { parameters, right, on } => {
                self.join(false, parameters, right, on, rows, scope, span)?;
            }
            OperatorKind::Lookup { parameters, right, on } => {
                self.join(true, parameters, right, on, rows, scope, span)?;
            }
            OperatorKind::Union { parameters, tables } => {
                let before = std::mem::replace(rows, Rows::nothing(span));
                *rows = self.union(parameters, tables, Some(before), scope, span)?;
            }
            OperatorKind::Search { parameters, tables, predicate } => {
                let before = std::mem::replace(rows, Rows::nothing(span));
                *rows = self.search(parameters, tables, predicate, Some(before), scope, span)?;
            }
            OperatorKind::MvExpand { parameters, items, limit } => {
                self.mv_expand(parameters, items, limit.as_ref(), rows, scope, span)?;
            }
            OperatorKind::MvApply { parameters, items, limit, body } => {
                self.mv_apply(parameters, items, limit.as_ref(), body, rows, scope, span)?;
            }
            OperatorKind::Parse { filter, parameters, subject, pattern } => {
                self.parse(*filter, parameters, subject, pattern, rows, scope, span)?;
            }
            OperatorKind::ParseKv { subject, columns, parameters } => {
                self.parse_kv(subject, columns, parameters, rows, scope, span)?;
            }
            OperatorKind::Evaluate { parameters, call, schema } => {
                self.evaluate(parameters, call, schema, rows, scope, span)?;
            }
            OperatorKind::Invoke(call) => {
                let before = std::mem::replace(rows, Rows::nothing(span));
                *rows = self.invoke(call, before, scope, span)?;
            }
            OperatorKind::Render { chart, parameters } => {
                for parameter in parameters {
                    let at = parameter.name.span.to(parameter.value.span);
                    self.ignored(at, format!("`{}` concerns how the chart looks", parameter.name.text));
                }
                rows.push(StageKind::Render { chart: chart.text.clone() }, span);
            }
            OperatorKind::As { name, parameters } => {
                self.ignore_parameters(parameters, &[]);
                self.ignored(span, format!("`as` names the rows `{}` and does not change them", name.text));
                self.spend(rows.pipeline.stages.len() + rows.row.columns().len() / 16, span)?;
                self.named.insert(&name.text, rows.clone());
            }
            OperatorKind::Consume { parameters } => {
                self.ignore_parameters(parameters, &[]);
                return self.fail(
                    Diagnostic::refusal(Code::RefusedOperator, span, "`consume` throws all rows away")
                        .help("remove it to translate the hunt"),
                );
            }
            OperatorKind::Raw { operator, body: _ } => {
                rows.row.open_up();
                rows.push(StageKind::Untranslated(untranslated(*operator)), span);
            }
            OperatorKind::Find(_)
            | OperatorKind::Print(_)
            | OperatorKind::Range { .. }
            | OperatorKind::Datatable { .. }
            | OperatorKind::ExternalData { .. } => {
                return self.fail(
                    Diagnostic::error(Code::NotTabular, span, "the operator makes rows and can not follow others")
                        .help("put it at the begin of a pipeline"),
                );
            }
        }
        Ok(())
    }

    /// Keys of an order: descending by default; nulls are last when descending and first when ascending.
    fn sort_keys(&mut self, keys: &'a [ast::SortKey], rows: &mut Rows, scope: Scope) -> Step<Vec<SortKey>> {
        let named: Vec<&ast::SortKey> = keys.iter().filter(|key| !key.value.names.is_empty()).collect();
        if !named.is_empty() {
            // `sort by x = expr` adds a column and orders by it.
            let mut bindings = Vec::new();
            for key in named {
                let items = std::slice::from_ref(&key.value);
                bindings.extend(self.bindings(items, &rows.row, scope, Style::Extend)?);
            }
            let span = bindings.iter().map(|binding| binding.span).reduce(Span::to).unwrap_or_default();
            for binding in &bindings {
                rows.row.set(binding.name.clone(), binding.value.ty);
            }
            rows.push(StageKind::Extend(bindings), span);
        }
        let mut out = Vec::with_capacity(keys.len());
        for key in keys {
            let value = match key.value.names.first() {
                Some(name) => self.column(&name.text, key.value.span, &rows.row),
                None => self.value(&key.value.value, Place::over(scope, &rows.row))?,
            };
            let descending = key.descending.unwrap_or(true);
            let nulls_first = key.nulls_first.unwrap_or(!descending);
            out.push(SortKey { id: NodeId::UNNUMBERED, value, descending, nulls_first });
        }
        Ok(out)
    }
}

fn untranslated(operator: RawOperator) -> UntranslatedOperator {
    match operator {
        RawOperator::AssertSchema => UntranslatedOperator::AssertSchema,
        RawOperator::ExecuteAndCache => UntranslatedOperator::ExecuteAndCache,
        RawOperator::Facet => UntranslatedOperator::Facet,
        RawOperator::Fork => UntranslatedOperator::Fork,
        RawOperator::GetSchema => UntranslatedOperator::GetSchema,
        RawOperator::GraphMarkComponents
        | RawOperator::GraphMatch
        | RawOperator::GraphMerge
        | RawOperator::GraphShortestPaths
        | RawOperator::GraphToTable
        | RawOperator::GraphWhereEdges
        | RawOperator::GraphWhereNodes
        | RawOperator::MakeGraph => UntranslatedOperator::Graph,
        RawOperator::MacroExpand => UntranslatedOperator::MacroExpand,
        RawOperator::Partition => UntranslatedOperator::Partition,
        RawOperator::Reduce => UntranslatedOperator::Reduce,
        RawOperator::Scan => UntranslatedOperator::Scan,
        RawOperator::TopHitters => UntranslatedOperator::TopHitters,
        RawOperator::TopNested => UntranslatedOperator::TopNested,
    }
}
