//! `summarize` and `distinct` → `STATS`: aggregates, keys, and what missing values mean to both.
//!
//! `STATS` has a group for rows without a key, apart from that of the empty text; KQL has one for both. Aggregates pass over
//! nulls, as KQL's do, but KQL's missing text is a value.
//! See <https://www.elastic.co/docs/reference/query-languages/esql/commands/stats-by>.

use std::sync::Arc;

use super::scope::{Column, Scope};
use super::tree::{Aggregate as Said, Command, Expr, Glob, Name};
use super::{Fit, Fitter, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::plan::{
    Aggregate, AggregateBinding, AggregateKind, AggregateValue, Binding, Expr as Meant, ScalarType, Stage, Value,
};
use crate::target::Construct;

/// What becomes of a `summarize` on the way to commands.
#[derive(Default)]
pub(super) struct Parts<'a> {
    pub(super) aggregates: Vec<Said>,
    pub(super) by: Vec<(Name, Expr)>,
    /// Computed of the aggregates.
    pub(super) after: Vec<(Name, Expr)>,
    /// Aggregates that are only computed with.
    pub(super) away: Vec<Name>,
    /// The columns that come out.
    pub(super) made: Vec<(Arc<str>, Column<'a>)>,
    /// There are keys.
    pub(super) keyed: bool,
}

impl<'a> Fitter<'a, '_> {
    /// `summarize`
    pub(super) fn summarize(
        &mut self,
        stage: &Stage,
        aggregates: &[AggregateBinding],
        keys: &[Binding],
        _rest: &[Stage],
    ) -> Fit<()> {
        if aggregates.is_empty() && keys.is_empty() {
            return Err(unwritten(stage.span, "a `summarize` of nothing"));
        }
        let mut parts = Parts { keyed: !keys.is_empty(), ..Parts::default() };
        for key in keys {
            self.key(key, &mut parts)?;
        }
        for binding in aggregates {
            self.aggregate_binding(binding, &mut parts)?;
        }
        self.grouped_rows(parts);
        if keys.is_empty() {
            self.at_most = Some(1);
        } else {
            self.at_most = None;
        }
        Ok(())
    }

    /// Groups the rows.
    pub(super) fn grouped_rows(&mut self, parts: Parts<'a>) {
        let Parts { aggregates, by, after, away, made, .. } = parts;
        self.commands.push(Command::Stats { inline: false, aggregates, by });
        if !after.is_empty() {
            self.commands.push(Command::Eval(after));
        }
        if !away.is_empty() {
            self.commands.push(Command::Drop(away.iter().map(Glob::from).collect()));
        }
        self.scope = Scope { made: made.into_iter().collect(), ..Scope::default() };
    }

    /// A key.
    pub(super) fn key(&mut self, key: &Binding, parts: &mut Parts<'a>) -> Fit<()> {
        self.ledger.carried(key.id);
        if let Some(column) = self.own_time(&key.name, &key.value)? {
            parts.by.push((column.field.clone(), column.bare()));
            parts.made.push((key.name.clone(), column));
            return Ok(());
        }
        let name = self.new_name(&key.name, key.span)?;
        let source = self.held_column(&key.value)?;
        let textual = matches!(key.value.ty, ScalarType::String | ScalarType::Unknown | ScalarType::Dynamic);
        let there = source.as_ref().is_some_and(|column| self.is_there(&key.value, column));
        let absent = source.as_ref().is_some_and(|column| column.empty_is_absent);
        if source.as_ref().is_some_and(|column| column.many) {
            let message = "a row that has several values of the key belongs to the group of each";
            self.note(Code::Approximated, Effect::Unsure, key.span, message);
        }
        let value =
            if key.value.ty == ScalarType::Dynamic { self.text_value(&key.value)? } else { self.value(&key.value)? };
        let filled = textual && !there && !absent;
        let value = if filled { value.or_empty() } else { value };
        let present = there || filled || value.never_null();
        let form = super::scope::Form::of(key.value.ty);
        let column = Column::computed(name.clone(), key.value.ty);
        parts.by.push((name, value));
        parts.made.push((key.name.clone(), Column { present, form, empty_is_absent: absent, ..column }));
        Ok(())
    }

    pub(super) fn aggregate_binding(&mut self, binding: &AggregateBinding, parts: &mut Parts<'a>) -> Fit<()> {
        self.ledger.carried(binding.id);
        let name = self.new_name(&binding.name, binding.span)?;
        match &binding.value {
            AggregateValue::One(aggregate) => {
                let column = self.aggregate(aggregate, name, parts)?;
                parts.made.push((binding.name.clone(), column));
            }
            AggregateValue::Computed { value, of } => {
                // The aggregates get names of their own, which the expression reads and which are taken away afterwards.
                let mut inner = Scope::default();
                for (index, aggregate) in of.iter().enumerate() {
                    let helper = self.helper();
                    let column = self.aggregate(aggregate, helper.clone(), parts)?;
                    parts.away.push(helper);
                    inner.made.insert(format!("${index}").into(), column);
                }
                let outer = std::mem::replace(&mut self.scope, inner);
                let said = self.value(value);
                self.scope = outer;
                parts.after.push((name.clone(), said?));
                parts.made.push((binding.name.clone(), Column::computed(name, value.ty)));
            }
        }
        Ok(())
    }

    /// An aggregate as a column of this name.
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate, name: Name, parts: &mut Parts<'a>) -> Fit<Column<'a>> {
        self.ledger.carried(aggregate.id);
        let mut column = Column::computed(name.clone(), aggregate.ty);
        let arg = aggregate.args.first();
        let only = aggregate.condition.as_ref().map(|condition| self.predicate(condition)).transpose()?;
        let value = match aggregate.kind {
            AggregateKind::Count => {
                column.present = true;
                column.positive = parts.keyed && only.is_none();
                Expr::call("COUNT", [Expr::Star])
            }
            AggregateKind::DCount | AggregateKind::CountDistinct => {
                column.present = true;
                let (effect, message) = if aggregate.kind == AggregateKind::DCount {
                    aggregate.args.iter().skip(1).for_each(|accuracy| self.carry(accuracy));
                    (Effect::Exact, "`dcount` and `COUNT_DISTINCT` are both estimates where there are many values")
                } else {
                    (Effect::Unsure, "`COUNT_DISTINCT` is an estimate where there are more than 3,000 values")
                };
                self.note(Code::Approximated, effect, aggregate.span, message);
                let of = self.input(aggregate, arg)?;
                Expr::call("COUNT_DISTINCT", [of])
            }
            AggregateKind::Sum => {
                let counted = arg
                    .and_then(Meant::as_column)
                    .is_some_and(|it| self.scope.made.get(&it.name).is_some_and(|column| column.present));
                let of = self.number_input(aggregate, arg)?;
                // The sum of no values is 0 in KQL and null in ES|QL.
                if !(counted && parts.keyed && only.is_none()) {
                    parts.after.push((name.clone(), Expr::Field(name.clone()).or(Expr::number(0))));
                }
                column.present = true;
                Expr::call("SUM", [of])
            }
            AggregateKind::Avg => Expr::call("AVG", [self.number_input(aggregate, arg)?]),
            AggregateKind::Min | AggregateKind::Max => {
                let function = if aggregate.kind == AggregateKind::Min { "MIN" } else { "MAX" };
                let of = if aggregate.ty == ScalarType::Dynamic {
                    self.number_input(aggregate, arg)?
                } else {
                    self.input(aggregate, arg)?
                };
                Expr::Call(function, vec![of])
            }
            AggregateKind::MakeSet => {
                let of = self.input(aggregate, arg)?;
                self.list_limit(aggregate);
                column.many = true;
                Expr::call("VALUES", [of])
            }
            AggregateKind::MakeList | AggregateKind::MakeListWithNulls => {
                let message = "a value that comes several times is once in the list, and the order is any";
                self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
                let of = self.input(aggregate, arg)?;
                self.list_limit(aggregate);
                column.many = true;
                Expr::call("VALUES", [of])
            }
            AggregateKind::TakeAny => {
                let message = "KQL may take the value of any row; ES|QL takes the least that there is";
                self.note(Code::ArbitraryChoice, Effect::Exact, aggregate.span, message);
                let Some(arg) = arg else { return Err(unwritten(aggregate.span, "an aggregate of nothing")) };
                if let Some(source) = self.held_column(arg)?
                    && source.many
                {
                    Expr::call("VALUES", [source.bare()])
                } else {
                    Expr::call("MIN", [self.value(arg)?])
                }
            }
            AggregateKind::Percentile => {
                let of = self.number_input(aggregate, arg)?;
                let Some(Value::Long(_) | Value::Real(_)) = aggregate.args.get(1).and_then(Meant::as_literal) else {
                    return Err(unwritten(aggregate.span, "a percentile that is no constant"));
                };
                let message = "both estimate a percentile, by other ways between two values";
                self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
                let at = match aggregate.args.get(1) {
                    Some(at) => self.value(at)?,
                    None => return Err(unwritten(aggregate.span, "a percentile of nothing")),
                };
                Expr::call("PERCENTILE", [of, at])
            }
            AggregateKind::StdevP => Expr::call("STD_DEV", [self.number_input(aggregate, arg)?]),
            AggregateKind::VarianceP => Expr::call("VARIANCE", [self.number_input(aggregate, arg)?]),
            AggregateKind::ArgMax
            | AggregateKind::ArgMin
            | AggregateKind::BinaryAllAnd
            | AggregateKind::BinaryAllOr
            | AggregateKind::BinaryAllXor
            | AggregateKind::BuildSchema
            | AggregateKind::Hll
            | AggregateKind::HllMerge
            | AggregateKind::MakeBag
            | AggregateKind::Percentiles
            | AggregateKind::PercentilesArray
            | AggregateKind::PercentileW
            | AggregateKind::PercentilesW
            | AggregateKind::Stdev
            | AggregateKind::TDigest
            | AggregateKind::TDigestMerge
            | AggregateKind::Variance => {
                let name = aggregate.span.slice(self.frame.text);
                return Err(unwritten(aggregate.span, format!("`{name}`")));
            }
        };
        let (value, only) = match only {
            Some(only) if self.frame.needs(Construct::StatsWhere).is_some() => (of_those(value, &only), None),
            only => (value, only),
        };
        parts.aggregates.push(Said { name, value, only });
        Ok(column)
    }

    /// What an aggregate looks at; a missing text is a value.
    pub(super) fn input(&mut self, aggregate: &Aggregate, arg: Option<&Meant>) -> Fit<Expr> {
        let Some(arg) = arg else { return Err(unwritten(aggregate.span, "an aggregate of nothing")) };
        match arg.ty {
            ScalarType::String => {
                let column = self.held_column(arg)?;
                let there = column.is_some_and(|column| self.is_there(arg, &column));
                let value = self.value(arg)?;
                Ok(if there { value } else { value.or_empty() })
            }
            ScalarType::Dynamic => match self.held_column(arg)? {
                Some(column) if column.many => Ok(column.bare()),
                Some(_) | None => self.text_value(arg),
            },
            ScalarType::Bool
            | ScalarType::Datetime
            | ScalarType::Decimal
            | ScalarType::Guid
            | ScalarType::Int
            | ScalarType::Long
            | ScalarType::Real
            | ScalarType::Timespan
            | ScalarType::Unknown => self.value(arg),
        }
    }

    /// The numbers that an aggregate computes with.
    fn number_input(&mut self, aggregate: &Aggregate, arg: Option<&Meant>) -> Fit<Expr> {
        match arg {
            Some(arg) => self.operand(arg),
            None => Err(unwritten(aggregate.span, "an aggregate of nothing")),
        }
    }

    /// The greatest number of values of a list; ES|QL has none.
    fn list_limit(&mut self, aggregate: &Aggregate) {
        let Some(limit) = aggregate.args.get(1) else { return };
        self.carry(limit);
        let message = "the list is not cut off: `VALUES` gives every value";
        self.note(Code::LimitDropped, Effect::Unsure, limit.span, message);
    }
}

/// An aggregate of the rows that satisfy a condition, without a clause that says so: of the others it sees null.
fn of_those(aggregate: Expr, only: &Expr) -> Expr {
    match aggregate {
        Expr::Call(name, mut args) => {
            if let Some(of) = args.first_mut() {
                let seen = std::mem::replace(of, Expr::Null);
                let seen = if seen == Expr::Star { Expr::number(1) } else { seen };
                *of = Expr::call("CASE", [only.clone(), seen]);
            }
            Expr::Call(name, args)
        }
        other => other,
    }
}
