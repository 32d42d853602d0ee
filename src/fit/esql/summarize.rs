//! `summarize` and `distinct` → `STATS`: aggregates, keys, and what missing values mean to both.
//!
//! `STATS` has a group for rows without a key, apart from that of the empty text; KQL has one for both. Aggregates pass over
//! nulls, as KQL's do, but KQL's missing text is a value.
//! See <https://www.elastic.co/docs/reference/query-languages/esql/commands/stats-by>.

use std::sync::Arc;

use super::scope::{Column, Form, Scope};
use super::tree::{Aggregate as Said, Command, Expr, Glob, Name, Operator};
use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::extreme::Extreme;
use crate::plan::{
    Aggregate, AggregateBinding, AggregateKind, AggregateValue, Binding, Expr as Meant, ScalarType, Stage, Value,
};
use crate::target::Construct;

/// Parts up to which an expression over aggregates stands among them.
const MAX_INLINE: usize = 40;

/// Above the numbers of the query's own columns: places that aggregates hold while an expression over them is put together.
const HELD: usize = 1_000_000;

/// Values that a list of KQL holds at most.
const MAX_LIST: i64 = 1_048_576;

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

impl Parts<'_> {
    /// How much there is of everything that an aggregate adds to.
    fn sizes(&self) -> [usize; 4] {
        [self.aggregates.len(), self.after.len(), self.away.len(), self.made.len()]
    }

    /// Takes back what was added since.
    fn cut(&mut self, [aggregates, after, away, made]: [usize; 4]) {
        self.aggregates.truncate(aggregates);
        self.after.truncate(after);
        self.away.truncate(away);
        self.made.truncate(made);
    }
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
        if aggregates.iter().any(|binding| Extreme::of(binding).is_some()) {
            return self.extremes(stage, aggregates, keys);
        }
        let mut parts = Parts { keyed: !keys.is_empty(), ..Parts::default() };
        for key in keys {
            self.key(key, &mut parts)?;
        }
        for binding in aggregates {
            let before = parts.sizes();
            let made = self
                .or_without(&binding.name, binding.span, binding, |this| this.aggregate_binding(binding, &mut parts))?;
            if made.is_none() {
                parts.cut(before);
            }
        }
        if parts.aggregates.is_empty() && parts.by.is_empty() {
            let lost = aggregates.iter().find_map(|it| Some((it.span, self.lost.get(&it.name)?.clone())));
            let (span, reason) = lost.unwrap_or((stage.span, "there is nothing to aggregate".to_owned()));
            return Err(Unsayable::new(Code::RefusedFunction, span, reason));
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
        let Parts { aggregates, mut by, after, away, made, keyed: _ } = parts;
        let renames = self.covered_keys(&aggregates, &mut by);
        self.commands.push(Command::Stats { inline: false, aggregates, by });
        if !after.is_empty() {
            self.commands.push(Command::Eval(after));
        }
        if !away.is_empty() {
            self.commands.push(Command::Drop(away.iter().map(Glob::from).collect()));
        }
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        self.scope = Scope { made: made.into_iter().collect(), ..Scope::default() };
    }

    /// A key that is computed covers the column of its name also for the aggregates: where one of them reads that, the key
    /// gets its name afterwards.
    fn covered_keys(&mut self, aggregates: &[Said], by: &mut [(Name, Expr)]) -> Vec<(Name, Name)> {
        let mut renames = Vec::new();
        for at in 0..by.len() {
            let Some((name, value)) = by.get(at) else { continue };
            let own = Expr::Field(name.clone());
            if *value == own || *value == own.or_empty() {
                continue;
            }
            let reads = |value: &Expr| value.reads(name);
            let by_keys = by.iter().enumerate().any(|(other, (_, value))| other != at && reads(value));
            let read = aggregates.iter().any(|said| reads(&said.value) || said.only.as_ref().is_some_and(reads));
            if by_keys || read {
                let helper = self.helper();
                if let Some((name, _)) = by.get_mut(at) {
                    renames.push((helper.clone(), std::mem::replace(name, helper)));
                }
            }
        }
        renames
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
                let (column, said) = self.aggregate(aggregate, name, parts.keyed)?;
                parts.aggregates.push(said);
                parts.made.push((binding.name.clone(), column));
            }
            AggregateValue::Computed { value, of } => {
                let mut inner = Scope::default();
                let mut inside = Vec::new();
                for (index, aggregate) in of.iter().enumerate() {
                    let place = Name::helper(self.helpers + HELD + index);
                    let (column, said) = self.aggregate(aggregate, place, parts.keyed)?;
                    inner.made.insert(format!("${index}").into(), column);
                    inside.push(said);
                }
                let outer = std::mem::replace(&mut self.scope, inner);
                let said = self.value(value);
                self.scope = outer;
                parts.made.push((binding.name.clone(), Column::computed(name.clone(), value.ty)));
                self.computed(name, said?, inside, parts);
            }
        }
        Ok(())
    }

    /// An expression over aggregates: said with them where they are of the same rows, else computed of them afterwards.
    fn computed(&mut self, name: Name, mut value: Expr, inside: Vec<Said>, parts: &mut Parts<'a>) {
        let only = inside.first().and_then(|said| said.only.clone());
        let alike = inside.iter().all(|said| said.only == only);
        let mut whole = value.clone();
        for said in &inside {
            match &said.only {
                Some(only) if !alike => whole.replace(&said.name, &of_those(said.value.clone(), only)),
                Some(_) | None => whole.replace(&said.name, &said.value),
            }
        }
        if !inside.is_empty() && !whole.is_larger_than(MAX_INLINE) {
            parts.aggregates.push(Said { name, value: whole, only: only.filter(|_| alike) });
            return;
        }
        for said in inside {
            // The same aggregate is computed once.
            let known = parts.aggregates.iter().find(|known| known.value == said.value && known.only == said.only);
            let place = match known {
                Some(known) => known.name.clone(),
                None => {
                    let helper = self.helper();
                    parts.away.push(helper.clone());
                    parts.aggregates.push(Said { name: helper.clone(), ..said.clone() });
                    helper
                }
            };
            value.replace(&said.name, &Expr::Field(place));
        }
        parts.after.push((name, value));
    }

    /// An aggregate as a column of this name.
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate, name: Name, keyed: bool) -> Fit<(Column<'a>, Said)> {
        self.ledger.carried(aggregate.id);
        let mut column = Column::computed(name.clone(), aggregate.ty);
        let arg = aggregate.args.first();
        let only = aggregate.condition.as_ref().map(|condition| self.predicate(condition)).transpose()?;
        let value = match aggregate.kind {
            AggregateKind::Count => {
                column.present = true;
                column.positive = keyed && only.is_none();
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
                column.positive = keyed && only.is_none() && of.never_null();
                Expr::call("COUNT_DISTINCT", [of])
            }
            AggregateKind::Sum => {
                let counted = arg
                    .and_then(Meant::as_column)
                    .is_some_and(|it| self.scope.made.get(&it.name).is_some_and(|column| column.present));
                let sum = Expr::call("SUM", [self.number_input(aggregate, arg)?]);
                column.present = true;
                // The sum of no values is 0 in KQL and null in ES|QL.
                if counted && keyed && only.is_none() { sum } else { sum.or(Expr::number(0)) }
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
                column.many = true;
                column.form = arg.map_or(column.form, |arg| self.list_form(arg));
                column.present = of.never_null() && keyed && only.is_none();
                self.cut_off(aggregate, Expr::call("VALUES", [of]))?
            }
            AggregateKind::MakeList | AggregateKind::MakeListWithNulls => {
                let message = "a value that comes several times is once in the list, and the order is any";
                self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
                let of = self.input(aggregate, arg)?;
                column.many = true;
                column.form = arg.map_or(column.form, |arg| self.list_form(arg));
                column.present = of.never_null() && keyed && only.is_none();
                self.cut_off(aggregate, Expr::call("VALUES", [of]))?
            }
            AggregateKind::TakeAny => {
                let message = "KQL may take the value of any row; ES|QL takes the least that there is";
                self.note(Code::ArbitraryChoice, Effect::Exact, aggregate.span, message);
                let Some(arg) = arg else { return Err(unwritten(aggregate.span, "an aggregate of nothing")) };
                if let Some(source) = self.held_column(arg)?
                    && source.many
                {
                    column.many = true;
                    Expr::call("VALUES", [source.bare()])
                } else {
                    Expr::call("MIN", [self.value(arg)?])
                }
            }
            AggregateKind::Percentile => {
                let of = self.number_input(aggregate, arg)?;
                self.percentile(aggregate, &of, aggregate.args.get(1))?
            }
            AggregateKind::PercentilesArray => {
                let of = self.number_input(aggregate, arg)?;
                column.many = true;
                let mut all: Option<Expr> = None;
                for rank in aggregate.args.iter().skip(1) {
                    let one = self.percentile(aggregate, &of, Some(rank))?;
                    all = Some(match all {
                        Some(all) => Expr::call("MV_APPEND", [all, one]),
                        None => one,
                    });
                }
                all.ok_or_else(|| unwritten(aggregate.span, "a percentile of nothing"))?
            }
            AggregateKind::StdevP => Expr::call("STD_DEV", [self.number_input(aggregate, arg)?]),
            AggregateKind::VarianceP => Expr::call("VARIANCE", [self.number_input(aggregate, arg)?]),
            AggregateKind::Stdev | AggregateKind::Variance => {
                // ES|QL's are those of the whole population.
                let message = "the spread of a single value has no value in ES|QL; KQL's is not documented";
                self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
                let of = self.number_input(aggregate, arg)?;
                let count = || Expr::call("COUNT", [of.clone()]);
                let less = Expr::arithmetic(Operator::Subtract, count(), Expr::Number("1.0".to_owned()));
                let share = Expr::arithmetic(Operator::Divide, count(), less);
                let (function, share) = if aggregate.kind == AggregateKind::Stdev {
                    ("STD_DEV", Expr::call("SQRT", [share]))
                } else {
                    ("VARIANCE", share)
                };
                Expr::arithmetic(Operator::Multiply, Expr::call(function, [of.clone()]), share)
            }
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
            | AggregateKind::PercentileW
            | AggregateKind::PercentilesW
            | AggregateKind::TDigest
            | AggregateKind::TDigestMerge => return Err(self.refused_aggregate(aggregate)),
        };
        let (value, only) = match only {
            Some(only) if self.frame.needs(Construct::StatsWhere).is_some() => (of_those(value, &only), None),
            only => (value, only),
        };
        Ok((column, Said { name, value, only }))
    }

    /// The refusal of an aggregate that `STATS` has not.
    fn refused_aggregate(&self, aggregate: &Aggregate) -> Unsayable {
        let text = aggregate.span.slice(self.frame.text);
        let name = text.split('(').next().unwrap_or_default().trim();
        let refused = |why: &str, instead: &str| {
            let message = format!("aggregate `{name}` can not be said in ES|QL: {why}");
            Unsayable::new(Code::RefusedFunction, aggregate.span, message).help(instead.to_owned())
        };
        match aggregate.kind {
            AggregateKind::Hll | AggregateKind::HllMerge => {
                refused("a sketch of distinct values is no column", "use dcount() over the events themselves")
            }
            AggregateKind::TDigest | AggregateKind::TDigestMerge => {
                refused("a sketch of a distribution is no column", "use percentile() over the events themselves")
            }
            AggregateKind::BinaryAllAnd | AggregateKind::BinaryAllOr | AggregateKind::BinaryAllXor => {
                refused("no function combines bits", "compute the bits of each event")
            }
            AggregateKind::BuildSchema => refused("no function gives the schema of a value", "use make_set()"),
            AggregateKind::PercentileW | AggregateKind::PercentilesW => {
                refused("no function weighs values", "use percentile() over the events themselves")
            }
            AggregateKind::MakeBag => {
                refused("a column holds no objects", "use make_set() of each value, or the target splunk")
            }
            AggregateKind::ArgMax | AggregateKind::ArgMin => refused(
                "a row is chosen by a command of its own, not within an expression",
                "give it a column of its own in the summarize",
            ),
            AggregateKind::Avg
            | AggregateKind::Count
            | AggregateKind::CountDistinct
            | AggregateKind::DCount
            | AggregateKind::MakeList
            | AggregateKind::MakeListWithNulls
            | AggregateKind::MakeSet
            | AggregateKind::Max
            | AggregateKind::Min
            | AggregateKind::Percentile
            | AggregateKind::Percentiles
            | AggregateKind::PercentilesArray
            | AggregateKind::Stdev
            | AggregateKind::StdevP
            | AggregateKind::Sum
            | AggregateKind::TakeAny
            | AggregateKind::Variance
            | AggregateKind::VarianceP => unwritten(aggregate.span, format!("aggregate `{name}`")),
        }
    }

    /// The type of the values of a list; those of a dynamic value are its text.
    fn list_form(&self, arg: &Meant) -> Form {
        let form = self.form(arg);
        if arg.ty == ScalarType::Dynamic && form == Form::Untold { Form::Keyword } else { form }
    }

    /// `percentile(x, rank)`
    fn percentile(&mut self, aggregate: &Aggregate, of: &Expr, rank: Option<&Meant>) -> Fit<Expr> {
        let Some(rank) = rank.filter(|it| matches!(it.as_literal(), Some(Value::Long(_) | Value::Real(_)))) else {
            return Err(unwritten(aggregate.span, "a percentile of computed rank"));
        };
        let message = "both estimate a percentile, by other ways between two values";
        self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
        let rank = self.value(rank)?;
        Ok(Expr::call("PERCENTILE", [of.clone(), rank]))
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
            | ScalarType::Timespan => self.value(arg),
            ScalarType::Unknown => {
                let listed = matches!(
                    aggregate.kind,
                    AggregateKind::MakeSet
                        | AggregateKind::MakeList
                        | AggregateKind::MakeListWithNulls
                        | AggregateKind::DCount
                        | AggregateKind::CountDistinct
                );
                if listed {
                    let message = "the type of the value is not known: where it is a text, KQL counts a missing one as the empty text";
                    self.note(Code::NullSemantics, Effect::Unsure, arg.span, message);
                }
                self.value(arg)
            }
        }
    }

    /// The numbers that an aggregate computes with.
    fn number_input(&mut self, aggregate: &Aggregate, arg: Option<&Meant>) -> Fit<Expr> {
        match arg {
            Some(arg) => self.operand(arg),
            None => Err(unwritten(aggregate.span, "an aggregate of nothing")),
        }
    }

    /// `make_set(x, n)`: at most `n` values, whichever they are.
    fn cut_off(&mut self, aggregate: &Aggregate, values: Expr) -> Fit<Expr> {
        let Some(limit) = aggregate.args.get(1) else { return Ok(values) };
        self.carry(limit);
        match limit.as_literal() {
            // As many as KQL's lists hold.
            Some(Value::Long(count)) if *count >= MAX_LIST => Ok(values),
            Some(Value::Long(count)) if *count > 0 => {
                Ok(Expr::call("MV_SLICE", [values, Expr::number(0), Expr::number(count - 1)]))
            }
            _ => Err(unwritten(limit.span, "a computed number of values")),
        }
    }
}

/// An aggregate of the rows that satisfy a condition, without a clause that says so: of the others it sees null.
fn of_those(value: Expr, only: &Expr) -> Expr {
    match value {
        Expr::Call(name @ ("COALESCE" | "SQRT" | "MV_SLICE" | "MV_APPEND"), args) => {
            Expr::Call(name, args.into_iter().map(|arg| of_those(arg, only)).collect())
        }
        Expr::Call(name, mut args) => {
            if let Some(of) = args.first_mut() {
                let seen = std::mem::replace(of, Expr::Null);
                let seen = if seen == Expr::Star { Expr::number(1) } else { seen };
                *of = Expr::call("CASE", [only.clone(), seen]);
            }
            Expr::Call(name, args)
        }
        Expr::Arithmetic(op, a, b) => Expr::arithmetic(op, of_those(*a, only), of_those(*b, only)),
        other => other,
    }
}
