//! `summarize` → `stats`: aggregates, keys, and the rows whose key is missing, which `stats` would lose.
//!
//! See <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/stats>.

use std::sync::Arc;

use super::scope::{Column, Scope, Shape};
use super::tree::{Command, EvalExpr, Name, SortBy, SortOrder, StatsAggregate, StatsInput};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::plan::{
    Aggregate, AggregateBinding, AggregateKind, AggregateValue, ArgColumns, Binding, Expr, ExprKind, ScalarType, Stage,
    Value,
};

/// What a `summarize` becomes, while it is put together.
#[derive(Default)]
struct Parts<'a> {
    /// Values computed before: arguments and keys.
    before: Vec<(Name, EvalExpr)>,
    /// Fields that get the empty text where they are missing.
    fill: Vec<Name>,
    aggregates: Vec<StatsAggregate>,
    by: Vec<Name>,
    /// Values computed after.
    after: Vec<(Name, EvalExpr)>,
    /// Fields that the result does not have.
    away: Vec<Name>,
    renames: Vec<(Name, Name)>,
    made: Vec<(Arc<str>, Column<'a>)>,
}

impl<'a> Fitter<'a, '_> {
    /// `summarize`
    pub(super) fn summarize(&mut self, stage: &Stage, aggregates: &[AggregateBinding], keys: &[Binding]) -> Fit<()> {
        let mut parts = Parts::default();
        // Aggregates look at the rows before keys are computed; a key's name may be that of a column they read.
        let mut read = Vec::new();
        let extreme = extreme(aggregates);
        if extreme.is_none() {
            for binding in aggregates {
                self.aggregate_binding(binding, &mut parts)?;
            }
            for aggregate in &parts.aggregates {
                match &aggregate.of {
                    StatsInput::Rows => {}
                    StatsInput::Field(name) => read.push(name.clone()),
                    StatsInput::Eval(expr) => expr.fields(&mut |name| read.push(name.clone())),
                }
            }
        }
        for key in keys {
            self.key(key, &read, extreme.is_some(), &mut parts)?;
        }
        self.base_open = false;
        if let Some((binding, aggregate)) = extreme {
            return self.extreme_rows(stage, binding, aggregate, keys, parts);
        }
        if aggregates.is_empty() && keys.is_empty() {
            return Err(Unsayable::not_yet(stage.span, "a `summarize` of nothing"));
        }
        if keys.is_empty() && !parts.made.iter().any(|(_, column)| column.present) {
            // Of no rows `stats` makes a row only if it counts; KQL always does.
            let count = self.helper();
            parts.aggregates.push(StatsAggregate {
                function: "count".to_owned(),
                of: StatsInput::Rows,
                name: count.clone(),
            });
            parts.away.push(count);
        }
        let names_clash = parts.aggregates.iter().any(|it| parts.by.contains(&it.name));
        if names_clash {
            return Err(Unsayable::not_yet(stage.span, "an aggregate with the name of a field that is a key")
                .help("name the aggregate differently"));
        }
        let Parts { before, fill, aggregates, by, after, away, renames, made } = parts;
        if !before.is_empty() {
            self.commands.push(Command::Eval(before));
        }
        let mut filled = fill;
        filled.extend(by.iter().cloned());
        self.fill(&filled);
        if aggregates.is_empty() {
            self.commands.push(Command::Dedup(by.clone()));
            self.commands.push(Command::Table(by));
        } else {
            self.commands.push(Command::Stats { aggregates, by });
        }
        if !after.is_empty() {
            self.commands.push(Command::Eval(after));
        }
        if !away.is_empty() {
            self.commands.push(Command::FieldsAway(away));
        }
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        self.scope = Scope { made: made.into_iter().collect(), events: false };
        Ok(())
    }

    /// A key. `stats` drops rows that lack one and names the result by the field, so that a missing key gets the empty
    /// text, and a field of another name is renamed afterwards.
    fn key(&mut self, key: &Binding, read: &[Name], whole_rows: bool, parts: &mut Parts<'a>) -> Fit<()> {
        self.ledger.carried(key.id);
        let value = self.value(&key.value)?;
        let column = match &key.value.kind {
            ExprKind::Column(reference) => Some(self.column(reference, key.value.ty, key.value.span)?),
            _ => None,
        };
        if key.value.ty == ScalarType::Dynamic && !matches!(key.value.kind, ExprKind::Path { .. }) {
            return Err(Unsayable::not_yet(key.span, "a dynamic value as a key"));
        }
        let name = if column.as_ref().is_some_and(|it| it.field.text() == "_time" && is_same_name(key)) {
            Name::of("_time")
        } else {
            Name::new(key.name.as_ref()).map_or_else(|| self.new_field(&key.name, key.span), Ok)?
        };
        let field = match value {
            EvalExpr::Field(field) => field,
            value => {
                // Names of computed keys must not cover what the aggregates read.
                let taken = whole_rows || read.contains(&name) || parts.before.iter().any(|(_, it)| reads(it, &name));
                let field = if taken { self.helper() } else { name.clone() };
                parts.before.push((field.clone(), value));
                field
            }
        };
        let seconds = column.as_ref().is_none_or(|column| column.seconds);
        if parts.by.contains(&field) {
            return Err(Unsayable::not_yet(key.span, "the same key twice"));
        }
        parts.by.push(field.clone());
        if field != name {
            parts.renames.push((field.clone(), name.clone()));
        }
        let present = field.text() == "_time";
        let made = Column { blank: !present, present, seconds, ..Column::computed(name, key.value.ty) };
        parts.made.push((key.name.clone(), made));
        Ok(())
    }

    fn aggregate_binding(&mut self, binding: &AggregateBinding, parts: &mut Parts<'a>) -> Fit<()> {
        self.ledger.carried(binding.id);
        let name = Name::new(binding.name.as_ref()).map_or_else(|| self.new_field(&binding.name, binding.span), Ok)?;
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

    /// An aggregate as a field of this name.
    fn aggregate(&mut self, aggregate: &Aggregate, name: Name, parts: &mut Parts<'a>) -> Fit<Column<'a>> {
        self.ledger.carried(aggregate.id);
        let mut column = Column::computed(name.clone(), aggregate.ty);
        let arg = aggregate.args.first();
        let simple = |function: &str| function.to_owned();
        let (function, of) = match aggregate.kind {
            AggregateKind::Count => {
                column.present = true;
                let of = match &aggregate.condition {
                    Some(condition) => StatsInput::Eval(self.predicate(condition)?.eval),
                    None => StatsInput::Rows,
                };
                (simple("count"), of)
            }
            AggregateKind::DCount | AggregateKind::CountDistinct => {
                column.present = true;
                if aggregate.kind == AggregateKind::DCount {
                    let message = "`dcount` is an estimate in KQL; `dc` counts exactly";
                    self.note(Code::Approximated, Effect::Exact, aggregate.span, message);
                    aggregate.args.iter().skip(1).for_each(|accuracy| self.carry(accuracy));
                }
                (simple("dc"), self.input(aggregate, arg, true, parts)?)
            }
            AggregateKind::Sum => (simple("sum"), self.input(aggregate, arg, false, parts)?),
            AggregateKind::Avg => (simple("avg"), self.input(aggregate, arg, false, parts)?),
            AggregateKind::Min | AggregateKind::Max => {
                let function = if aggregate.kind == AggregateKind::Min { "min" } else { "max" };
                if aggregate.ty == ScalarType::String || aggregate.ty == ScalarType::Dynamic {
                    let message = "texts that look like numbers are compared as numbers";
                    self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
                }
                (simple(function), self.input(aggregate, arg, false, parts)?)
            }
            AggregateKind::MakeSet => {
                let of = self.input(aggregate, arg, true, parts)?;
                self.limit(aggregate, &name, parts)?;
                column.seconds = self.is_seconds(arg)?;
                column.shape = Shape::Multi;
                (simple("values"), of)
            }
            AggregateKind::MakeList => {
                let of = self.input(aggregate, arg, true, parts)?;
                let limit = self.frame.facts.limits.list_values.unwrap_or(100);
                let message = format!("`list` keeps the first {limit} values of a group");
                self.note(Code::SiteLimits, Effect::Unsure, aggregate.span, message);
                self.limit(aggregate, &name, parts)?;
                column.seconds = self.is_seconds(arg)?;
                column.shape = Shape::Multi;
                (simple("list"), of)
            }
            AggregateKind::TakeAny => {
                let message = "KQL may take the value of any row; Splunk takes the first that has one";
                self.note(Code::ArbitraryChoice, Effect::Exact, aggregate.span, message);
                column.seconds = self.is_seconds(arg)?;
                (simple("first"), self.input(aggregate, arg, false, parts)?)
            }
            AggregateKind::Percentile => {
                let rank = match aggregate.args.get(1).and_then(Expr::as_literal) {
                    Some(Value::Long(rank)) if (0..=100).contains(rank) => rank.to_string(),
                    Some(Value::Real(rank)) if (0.0..=100.0).contains(rank) => rank.to_string(),
                    _ => return Err(Unsayable::not_yet(aggregate.span, "a percentile of computed rank")),
                };
                aggregate.args.iter().skip(1).for_each(|rank| self.carry(rank));
                let message = "`percentile` is an estimate in KQL, and between two values the choice may differ";
                self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
                (format!("exactperc{rank}"), self.input(aggregate, arg, false, parts)?)
            }
            AggregateKind::Stdev => ("stdev".to_owned(), self.spread(aggregate, arg, parts)?),
            AggregateKind::StdevP => ("stdevp".to_owned(), self.spread(aggregate, arg, parts)?),
            AggregateKind::Variance => ("var".to_owned(), self.spread(aggregate, arg, parts)?),
            AggregateKind::VarianceP => ("varp".to_owned(), self.spread(aggregate, arg, parts)?),
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
            | AggregateKind::Percentiles
            | AggregateKind::PercentilesArray
            | AggregateKind::PercentileW
            | AggregateKind::PercentilesW
            | AggregateKind::TDigest
            | AggregateKind::TDigestMerge => {
                let text = aggregate.span.slice(self.frame.text);
                let name = text.split('(').next().unwrap_or_default().trim();
                let what = if name.is_empty() { "this aggregate".to_owned() } else { format!("aggregate `{name}`") };
                return Err(Unsayable::not_yet(aggregate.span, format!("{what} beside others")));
            }
        };
        parts.aggregates.push(StatsAggregate { function, of, name });
        Ok(column)
    }

    /// What a standard deviation or a variance looks at.
    fn spread(&mut self, aggregate: &Aggregate, arg: Option<&Expr>, parts: &mut Parts<'a>) -> Fit<StatsInput> {
        let message = "the spread of a single value is not documented for both languages";
        self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
        self.input(aggregate, arg, false, parts)
    }

    /// What an aggregate looks at. `text_counts`: a missing text is a value of its own.
    fn input(
        &mut self,
        aggregate: &Aggregate,
        arg: Option<&Expr>,
        text_counts: bool,
        parts: &mut Parts<'a>,
    ) -> Fit<StatsInput> {
        let Some(arg) = arg else {
            return Err(Unsayable::not_yet(aggregate.span, "an aggregate of nothing"));
        };
        if arg.ty == ScalarType::Dynamic {
            let message =
                "KQL aggregates the elements of arrays and the JSON text of objects, Splunk the values of a field";
            self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
        }
        let ordered = matches!(aggregate.kind, AggregateKind::Min | AggregateKind::Max);
        let value = if ordered { self.operand(arg)? } else { self.value(arg)? };
        let text = arg.ty == ScalarType::String && text_counts;
        let Some(condition) = &aggregate.condition else {
            return Ok(match value {
                EvalExpr::Field(field) => {
                    if text {
                        parts.fill.push(field.clone());
                    }
                    StatsInput::Field(field)
                }
                value if text => StatsInput::Eval(EvalExpr::or_empty(value)),
                value => StatsInput::Eval(value),
            });
        };
        let condition = self.predicate(condition)?.eval;
        let value = if text { EvalExpr::or_empty(value) } else { value };
        Ok(StatsInput::Eval(EvalExpr::Call("if", vec![condition, value, EvalExpr::null()])))
    }

    /// `make_set(x, n)`: at most `n` values.
    fn limit(&mut self, aggregate: &Aggregate, name: &Name, parts: &mut Parts<'a>) -> Fit<()> {
        let Some(limit) = aggregate.args.get(1) else { return Ok(()) };
        self.ledger.carried(limit.id);
        let Some(Value::Long(count)) = limit.as_literal().filter(|it| matches!(it, Value::Long(count) if *count > 0))
        else {
            return Err(Unsayable::not_yet(limit.span, "a computed number of values"));
        };
        let number = |number: i64| EvalExpr::Number(number.to_string());
        let field = || EvalExpr::Field(name.clone());
        let more = EvalExpr::compare(
            super::tree::Comparison::Order(super::tree::Order::Gt),
            EvalExpr::Call("mvcount", vec![field()]),
            number(*count),
        );
        let first = EvalExpr::Call("mvindex", vec![field(), number(0), number(count - 1)]);
        parts.after.push((name.clone(), EvalExpr::Call("if", vec![more, first, field()])));
        Ok(())
    }

    fn is_seconds(&mut self, arg: Option<&Expr>) -> Fit<bool> {
        match arg.map(|arg| (&arg.kind, arg)) {
            Some((ExprKind::Column(reference), arg)) => Ok(self.column(reference, arg.ty, arg.span)?.seconds),
            _ => Ok(true),
        }
    }

    /// `arg_max` or `arg_min` alone: the rows are ordered, and the first of each group stays.
    fn extreme_rows(
        &mut self,
        stage: &Stage,
        binding: &AggregateBinding,
        aggregate: &Aggregate,
        keys: &[Binding],
        parts: Parts<'a>,
    ) -> Fit<()> {
        self.ledger.carried(binding.id);
        self.ledger.carried(aggregate.id);
        let Some(by) = aggregate.args.first() else {
            return Err(Unsayable::not_yet(stage.span, "an `arg_max` of nothing"));
        };
        let ExprKind::Column(reference) = &by.kind else {
            return Err(Unsayable::not_yet(by.span, "an `arg_max` or `arg_min` by a computed value"));
        };
        self.ledger.carried(by.id);
        let ordering = self.column(reference, by.ty, by.span)?;
        let known = ordering.seconds || by.ty.is_numeric();
        if !known || ordering.blank || ordering.null_text.is_some() {
            return Err(Unsayable::not_yet(by.span, "an `arg_max` or `arg_min` by a value that may be text"));
        }
        if !ordering.present {
            let message = "which row is taken where the value is missing in a whole group may differ";
            self.note(Code::NullSemantics, Effect::Unsure, aggregate.span, message);
        }
        if !parts.before.is_empty() {
            self.commands.push(Command::Eval(parts.before.clone()));
        }
        self.fill(&parts.by);
        let descending = aggregate.kind == AggregateKind::ArgMax;
        let key = SortBy { field: ordering.field.clone(), descending, order: SortOrder::Number };
        self.commands.push(Command::Sort { count: None, keys: vec![key] });
        self.commands.push(if parts.by.is_empty() { Command::Head(1) } else { Command::Dedup(parts.by.clone()) });
        match &aggregate.columns {
            ArgColumns::All | ArgColumns::None => {
                if !parts.renames.is_empty() {
                    self.commands.push(Command::Rename(parts.renames));
                }
                self.scope.made.extend(parts.made);
                for column in self.scope.made.values_mut() {
                    column.raw = false;
                }
                Ok(())
            }
            ArgColumns::Named(columns) => {
                let mut items: Vec<(Arc<str>, Column<'a>, EvalExpr)> = Vec::new();
                for ((name, column), field) in parts.made.into_iter().zip(parts.by) {
                    items.push((name, column, EvalExpr::Field(field)));
                }
                let own = if ordering.field.text() == "_time" && *reference.name == *binding.name {
                    ordering.field.clone()
                } else {
                    self.new_field(&binding.name, binding.span)?
                };
                let value = EvalExpr::Field(ordering.field.clone());
                items.push((binding.name.clone(), Column { field: own, raw: false, ..ordering }, value));
                for column in columns {
                    let (made, value) = self.binding(column, &[])?;
                    items.push((column.name.clone(), Column { raw: false, ..made }, value));
                }
                let _ = keys;
                self.reshape(items, &[])
            }
        }
    }
}

/// The only aggregate, if it is one that takes a whole row.
fn extreme(aggregates: &[AggregateBinding]) -> Option<(&AggregateBinding, &Aggregate)> {
    match aggregates {
        [binding] => match &binding.value {
            AggregateValue::One(aggregate)
                if matches!(aggregate.kind, AggregateKind::ArgMax | AggregateKind::ArgMin)
                    && aggregate.condition.is_none() =>
            {
                Some((binding, aggregate))
            }
            AggregateValue::One(_) | AggregateValue::Computed { .. } => None,
        },
        _ => None,
    }
}

/// Whether a key is a column under its own name.
fn is_same_name(key: &Binding) -> bool {
    matches!(&key.value.kind, ExprKind::Column(reference) if *reference.name == *key.name)
}

fn reads(expr: &EvalExpr, name: &Name) -> bool {
    let mut found = false;
    expr.fields(&mut |field| found |= field == name);
    found
}
