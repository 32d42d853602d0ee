//! `make-series`, and operators on the order of rows.
//!
//! A series is an array of values at even distances. ES|QL has no such arrays: each value is a row of its own, and a bin
//! without events has none. What computes with whole series has no counterpart but `CHANGE_POINT`.
//! See <https://learn.microsoft.com/kusto/query/make-series-operator> and
//! <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/date-time-functions/date_trunc>.

use super::moment::span as length;
use super::scope::{Column, Form, converted};
use super::summarize::Parts;
use super::tree::{Command, Comparison, Expr, Operator};
use super::value::milliseconds;
use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::plan::{
    CalendarUnit, Expr as Meant, ExprKind, MakeSeries, Moment, NodeRef, ScalarType, Stage, StageKind, TICKS_PER_DAY,
    Tree, Value,
};
use crate::vocabulary::FunctionKind;

impl<'a> Fitter<'a, '_> {
    /// `make-series` as groups by bins; `rest` are the stages behind it.
    pub(super) fn make_series(&mut self, stage: &Stage, series: &MakeSeries, rest: &[Stage]) -> Fit<()> {
        let over_series = |name: &str| name.starts_with("series_");
        if let Some(function) = rest.iter().find_map(|stage| self.calls(stage, &over_series)) {
            let message = format!(
                "`make-series` can not be said in ES|QL for `{function}`: there are no series, and no functions over them"
            );
            return Err(Unsayable::new(Code::RefusedOperator, stage.span, message)
                .help("summarize by bin(), and `CHANGE_POINT` over it, or the target splunk"));
        }
        let Some(reference) = series.on.as_column() else {
            return Err(
                unwritten(series.on.span, "`make-series` on a computed value").help("extend a column with it first")
            );
        };
        let Some(Value::Timespan(step)) = series.step.as_literal() else {
            return Err(unwritten(series.step.span, "`make-series` by steps that are no constant length of time"));
        };
        self.carry(&series.step);
        let shows = |stage: &Stage| {
            matches!(
                stage.kind,
                StageKind::Render { .. } | StageKind::Sort(_) | StageKind::Project(_) | StageKind::MvExpand { .. }
            )
        };
        let effect = if rest.iter().all(shows) { Effect::Reshaped } else { Effect::Unsure };
        let message = "each value of a series is a row of its own, and a bin without events has none";
        self.note(Code::Approximated, effect, stage.span, message);
        for (_, default) in &series.aggregates {
            if let Some(default) = default {
                self.carry(default);
            }
        }
        let on = self.operand(&series.on)?;
        let mut cuts = Vec::new();
        for (end, op) in [(&series.from, Comparison::Ge), (&series.to, Comparison::Lt)] {
            if let Some(end) = end {
                cuts.push(Expr::compare(op, on.clone(), self.operand(end)?));
            }
        }
        if !cuts.is_empty() {
            self.commands.push(Command::Where(Expr::all(cuts)));
        }
        let mut parts = Parts { keyed: true, ..Parts::default() };
        for key in &series.by {
            self.key(key, &mut parts)?;
        }
        for (binding, _) in &series.aggregates {
            self.aggregate_binding(binding, &mut parts)?;
        }
        let bin = self.series_bin(&on, *step, series.from.as_ref())?;
        let name = self.new_name(&reference.name, series.on.span)?;
        parts.by.push((name.clone(), bin));
        let column = Column::computed(name, ScalarType::Datetime);
        parts.made.push((reference.name.clone(), Column { present: true, ..column }));
        self.grouped_rows(parts);
        self.at_most = None;
        Ok(())
    }

    /// The bin of a time, counted from the first.
    fn series_bin(&mut self, on: &Expr, step: i64, from: Option<&Meant>) -> Fit<Expr> {
        let aligned = match from.map(|from| &from.kind) {
            None => true,
            Some(ExprKind::Moment(Moment::Relative { floor: Some(CalendarUnit::Day), after, .. })) => {
                after % step.max(1) == 0
            }
            Some(_) => false,
        };
        if aligned
            && step > 0
            && TICKS_PER_DAY % step == 0
            && let Some(length) = length(step)
        {
            return Ok(Expr::call("DATE_TRUNC", [length, on.clone()]));
        }
        let number = |value: Expr| converted(value, Form::Date, Form::Long);
        let size = milliseconds(step);
        let first = match from {
            Some(from) => number(self.operand(from)?),
            None => Expr::number(0),
        };
        let since = Expr::arithmetic(Operator::Subtract, number(on.clone()), first.clone());
        let bins = Expr::arithmetic(Operator::Divide, since, size.clone());
        let start = Expr::arithmetic(Operator::Multiply, bins, size);
        Ok(Expr::call("TO_DATETIME", [Expr::arithmetic(Operator::Add, first, start)]))
    }

    /// The refusal of an operator that looks at neighbouring rows.
    pub(super) fn of_neighbours(&self, tree: &dyn Tree) -> Option<Unsayable> {
        let vocabulary = self.frame.vocabulary;
        let mut found = None;
        tree.visit(&mut |node| {
            if let NodeRef::Expr(Meant { kind: ExprKind::Call { function, .. }, span, .. }) = node
                && let Some(row) = vocabulary.function_row(*function)
                && row.kind == FunctionKind::Window
                && found.is_none()
            {
                found = Some((row.name.clone(), *span));
            }
        });
        let (name, span) = found?;
        let message = format!("`{name}` can not be said in ES|QL: no command looks at neighbouring rows");
        let refused = Unsayable::new(Code::RefusedOperator, span, message);
        Some(
            refused
                .help("summarize by what makes rows neighbours, a `sequence` of the target eql, or the target splunk"),
        )
    }

    /// The first function in a part of the hunt whose name fits.
    fn calls(&self, tree: &dyn Tree, fits: &dyn Fn(&str) -> bool) -> Option<String> {
        let mut found = None;
        tree.visit(&mut |node| {
            if let NodeRef::Expr(expr) = node
                && found.is_none()
            {
                found = self.function_name(expr).filter(|name| fits(name)).map(str::to_owned);
            }
        });
        found
    }
}
