//! `make-series`: bins, the missing ones put in, and the values of each series as an array.
//!
//! `timechart` splits by one field and knows no first bin of its own, so that the bins are numbered from the first, every
//! series gets all of them with the default (`appendpipe`), and what was counted goes before it.
//! See <https://learn.microsoft.com/kusto/query/make-series-operator> and
//! <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/appendpipe>.

use super::form::{call, floor, number};
use super::parts::{Parts, read_by};
use super::scope::{Column, Scope, Shape};
use super::tree::{Command, Comparison, EvalExpr, Name, Operator, Order, StatsAggregate, StatsInput};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::plan::{Expr, MakeSeries, ScalarType, Stage};

/// Digits of the number before a value, which keeps the values in order.
const WIDTH: usize = 10;

impl<'a> Fitter<'a, '_> {
    /// `make-series`
    pub(super) fn make_series(&mut self, stage: &Stage, series: &MakeSeries) -> Fit<()> {
        self.base_open = false;
        let message =
            "the first and the last bin may be cut otherwise, and the values of a series are a multivalue field";
        self.note(Code::Approximated, Effect::Unsure, stage.span, message);
        let (name, on) = self.series_axis(series)?;
        let step = self.value(&series.step)?;
        let mut parts = Parts::default();
        let mut defaults = Vec::new();
        for (binding, default) in &series.aggregates {
            let before = parts.made.len();
            self.aggregate_binding(binding, &mut parts)?;
            let value = match default {
                Some(default) => self.value(default)?,
                None => number(0),
            };
            defaults.extend(parts.made.iter().skip(before).map(|(_, column)| (column.field.clone(), value.clone())));
        }
        let (from, to, ends) = self.series_ends(series, &on)?;
        let read = read_by(&parts.aggregates);
        for key in &series.by {
            self.key(key, &read, false, &mut parts)?;
        }
        let bin = self.helper();
        let within = [(Order::Ge, from.clone()), (Order::Lt, to.clone())]
            .map(|(order, end)| EvalExpr::compare(Comparison::Order(order), on.clone(), end));
        self.commands.push(Command::Where(EvalExpr::all(within)));
        let distance = EvalExpr::arithmetic(Operator::Subtract, on, from.clone());
        let number = floor(EvalExpr::arithmetic(Operator::Divide, distance, step.clone()));
        parts.before.push((bin.clone(), number));
        self.before_groups(&mut parts);
        let mut keys = std::mem::take(&mut parts.by);
        // The same in every row, and so kept as keys.
        keys.extend(ends.iter().cloned());
        let mut by = keys.clone();
        by.push(bin.clone());
        self.commands.push(Command::Stats { aggregates: std::mem::take(&mut parts.aggregates), by: by.clone() });
        if !parts.after.is_empty() {
            self.commands.push(Command::Eval(std::mem::take(&mut parts.after)));
        }
        if !parts.away.is_empty() {
            self.commands.push(Command::FieldsAway(std::mem::take(&mut parts.away)));
        }
        self.fill_bins(&keys, &bin, &defaults, (&from, &to, &step));
        let firsts = defaults.iter().map(|(field, _)| StatsAggregate {
            function: "first".to_owned(),
            of: StatsInput::Field(field.clone()),
            name: field.clone(),
        });
        self.commands.push(Command::Stats { aggregates: firsts.collect(), by });
        self.collect_series(&keys, &bin, &defaults, &name, from, step);
        if !ends.is_empty() {
            self.commands.push(Command::FieldsAway(ends));
        }
        if !parts.renames.is_empty() {
            self.commands.push(Command::Rename(parts.renames));
        }
        let mut made: std::collections::BTreeMap<_, Column<'a>> = parts.made.into_iter().collect();
        for (binding, _) in &series.aggregates {
            if let Some(column) = made.get_mut(&binding.name) {
                *column = Column { shape: Shape::Multi, ty: ScalarType::Dynamic, present: false, ..column.clone() };
            }
        }
        let axis = Column { shape: Shape::Multi, ..Column::computed(name.clone(), ScalarType::Dynamic) };
        let label = series.on.as_column().map_or_else(|| name.text().into(), |reference| reference.name.clone());
        made.insert(label, axis);
        self.scope = Scope { made, ..Scope::default() };
        Ok(())
    }

    /// The field of the axis in the result, and its value in a row.
    fn series_axis(&mut self, series: &MakeSeries) -> Fit<(Name, EvalExpr)> {
        let on = self.operand(&series.on)?;
        let Some(reference) = series.on.as_column() else {
            return Err(Unsayable::not_yet(series.on.span, "`make-series` on a computed value")
                .help("extend a column with it first"));
        };
        Ok((self.new_field(&reference.name, series.on.span)?, on))
    }

    /// The ends of the axis; where the hunt names none, those of the values, in fields of their own.
    fn series_ends(&mut self, series: &MakeSeries, on: &EvalExpr) -> Fit<(EvalExpr, EvalExpr, Vec<Name>)> {
        let mut found = Vec::new();
        let of = match on {
            EvalExpr::Field(field) => StatsInput::Field(field.clone()),
            value => StatsInput::Eval(value.clone()),
        };
        let mut end = |this: &mut Self, written: &Option<Expr>, function: &str| match written {
            Some(written) => this.value(written),
            None => {
                let name = this.helper();
                found.push(StatsAggregate { function: function.to_owned(), of: of.clone(), name: name.clone() });
                Ok(EvalExpr::Field(name))
            }
        };
        let from = end(self, &series.from, "min")?;
        let to = end(self, &series.to, "max")?;
        let to = match series.to {
            Some(_) => to,
            // The last value lies inside.
            None => EvalExpr::arithmetic(Operator::Add, to, number(1)),
        };
        let names = found.iter().map(|it| it.name.clone()).collect();
        if !found.is_empty() {
            self.commands.push(Command::EventStats { aggregates: found, by: Vec::new() });
        }
        Ok((from, to, names))
    }

    /// All bins of every series, with the defaults.
    fn fill_bins(
        &mut self,
        keys: &[Name],
        bin: &Name,
        defaults: &[(Name, EvalExpr)],
        (from, to, step): (&EvalExpr, &EvalExpr, &EvalExpr),
    ) {
        let length = EvalExpr::arithmetic(Operator::Subtract, to.clone(), from.clone());
        let bins = call("ceiling", [EvalExpr::arithmetic(Operator::Divide, length, step.clone())]);
        let all = call("mvrange", [number(0), bins]);
        let count = self.helper();
        let one = StatsAggregate { function: "count".to_owned(), of: StatsInput::Rows, name: count.clone() };
        let mut values = vec![(bin.clone(), all)];
        values.extend(defaults.iter().cloned());
        self.commands.push(Command::AppendPipe(vec![
            Command::Stats { aggregates: vec![one], by: keys.to_vec() },
            Command::Eval(values),
            Command::FieldsAway(vec![count]),
            Command::MvExpand(bin.clone(), None),
        ]));
    }

    /// The values of a series in the order of its bins.
    fn collect_series(
        &mut self,
        keys: &[Name],
        bin: &Name,
        defaults: &[(Name, EvalExpr)],
        axis: &Name,
        from: EvalExpr,
        step: EvalExpr,
    ) {
        let padded = || {
            let format = EvalExpr::Text(format!("%0{WIDTH}d"));
            call("printf", [format, EvalExpr::Field(bin.clone())])
        };
        let passed = EvalExpr::arithmetic(Operator::Multiply, EvalExpr::Field(bin.clone()), step);
        let moment = EvalExpr::arithmetic(Operator::Add, from, passed);
        let mut lists: Vec<(Name, EvalExpr)> = defaults
            .iter()
            .map(|(field, _)| (field.clone(), EvalExpr::or_empty(EvalExpr::Field(field.clone()))))
            .collect();
        lists.push((axis.clone(), moment));
        let aggregates = lists.iter().map(|(field, value)| StatsAggregate {
            function: "values".to_owned(),
            of: StatsInput::Eval(EvalExpr::Concat(vec![padded(), value.clone()])),
            name: field.clone(),
        });
        self.commands.push(Command::Stats { aggregates: aggregates.collect(), by: keys.to_vec() });
        let bare = lists.into_iter().map(|(field, _)| {
            let value = EvalExpr::Field(field.clone());
            let start = number(WIDTH + 1);
            let inner = call("substr", [value.clone(), start]);
            (field, call("mvmap", [value, inner]))
        });
        let bare = bare.collect();
        self.commands.push(Command::Eval(bare));
    }
}
