//! `summarize` → `stats`: aggregates, keys, and the rows whose key is missing, which `stats` would lose.
//!
//! See <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/stats>.

use super::form::{call, number, text, when};

use super::parts::{Parts, read_by};
use super::scope::{Column, Scope, Shape};
use super::tree::{Command, EvalExpr, Name, Operator, StatsAggregate, StatsInput, StreamWindow};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::fit::extreme::Extreme;
use crate::plan::{
    Aggregate, AggregateBinding, AggregateKind, AggregateValue, Binding, Expr, ExprKind, ScalarType, Stage, Value,
};

impl<'a> Fitter<'a, '_> {
    /// `summarize`
    pub(super) fn summarize(&mut self, stage: &Stage, aggregates: &[AggregateBinding], keys: &[Binding]) -> Fit<()> {
        if aggregates.iter().any(|it| Extreme::of(it).is_some()) {
            return self.extremes(stage, aggregates, keys);
        }
        let mut parts = Parts { keyed: !keys.is_empty(), ..Parts::default() };
        for binding in aggregates {
            self.aggregate_binding(binding, &mut parts)?;
        }
        // Aggregates look at the rows before keys are computed; a key's name may be that of a column they read.
        let read = read_by(&parts.aggregates);
        for key in keys {
            self.key(key, &read, false, &mut parts)?;
        }
        self.base_open = false;
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
        self.part_names(&mut parts);
        self.before_groups(&mut parts);
        let Parts { aggregates, by, after, away, renames, made, .. } = parts;
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
        self.scope = Scope { made: made.into_iter().collect(), ..Scope::default() };
        Ok(())
    }

    /// What comes before the rows are grouped: values computed, missing keys filled, rows numbered.
    pub(super) fn before_groups(&mut self, parts: &mut Parts<'a>) {
        let before = std::mem::take(&mut parts.before);
        if !before.is_empty() {
            self.commands.push(Command::Eval(before));
        }
        let mut filled = std::mem::take(&mut parts.fill);
        filled.extend(parts.by.iter().cloned());
        self.fill(&filled);
        if let Some(number) = parts.numbered.take() {
            let count = StatsAggregate { function: "count".to_owned(), of: StatsInput::Rows, name: number };
            self.commands.push(Command::StreamStats {
                aggregates: vec![count],
                by: Vec::new(),
                over: StreamWindow::UpTo,
            });
        }
    }

    /// An aggregate whose name is that of a field that is a key gets it after the key has given it up.
    fn part_names(&mut self, parts: &mut Parts<'a>) {
        for at in 0..parts.aggregates.len() {
            let Some(aggregate) = parts.aggregates.get_mut(at) else { continue };
            if !parts.by.contains(&aggregate.name) {
                continue;
            }
            self.helpers += 1;
            let Some(helper) = Name::new(format!("{}{}", super::tidy::HELPER, self.helpers)) else { continue };
            let name = std::mem::replace(&mut aggregate.name, helper.clone());
            for (target, value) in &mut parts.after {
                if *target == name {
                    *target = helper.clone();
                    value.rename(&name, &helper);
                }
            }
            parts.renames.push((helper, name));
        }
    }

    /// A key. `stats` drops rows that lack one and names the result by the field, so that a missing key gets the empty
    /// text, and a field of another name is renamed afterwards.
    pub(super) fn key(&mut self, key: &Binding, read: &[Name], whole_rows: bool, parts: &mut Parts<'a>) -> Fit<()> {
        self.ledger.carried(key.id);
        let value = self.value(&key.value)?;
        let column = self.held_column(&key.value)?;
        if key.value.ty == ScalarType::Dynamic && self.shape(&key.value) == Shape::Multi {
            // A row would belong to the group of each value.
            return Err(Unsayable::not_yet(key.span, "an array as a key").help("use tostring()"));
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
                let taken = whole_rows || read.contains(&name) || parts.before.iter().any(|(_, it)| it.reads(&name));
                let field = if taken { self.helper() } else { name.clone() };
                parts.before.push((field.clone(), value));
                field
            }
        };
        let seconds = column.as_ref().is_none_or(|column| column.seconds);
        let present = field.text() == "_time";
        if parts.by.contains(&field) {
            parts.after.push((name.clone(), EvalExpr::Field(field)));
        } else {
            parts.by.push(field.clone());
            if field != name {
                parts.renames.push((field, name.clone()));
            }
        }
        let made = Column { blank: !present, present, seconds, ..Column::computed(name, key.value.ty) };
        parts.made.push((key.name.clone(), made));
        Ok(())
    }

    pub(super) fn aggregate_binding(&mut self, binding: &AggregateBinding, parts: &mut Parts<'a>) -> Fit<()> {
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
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate, name: Name, parts: &mut Parts<'a>) -> Fit<Column<'a>> {
        self.ledger.carried(aggregate.id);
        let mut column = Column::computed(name.clone(), aggregate.ty);
        let arg = aggregate.args.first();
        let simple = |function: &str| function.to_owned();
        let (function, of) = match aggregate.kind {
            AggregateKind::Count => {
                column.present = true;
                column.positive = parts.keyed && aggregate.condition.is_none();
                let own = match &aggregate.condition {
                    Some(condition) => Some(self.predicate(condition)?.eval),
                    None => None,
                };
                let of = match (own, parts.only.clone()) {
                    (None, None) => StatsInput::Rows,
                    (own, only) => StatsInput::Eval(EvalExpr::all(own.into_iter().chain(only))),
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
            AggregateKind::Sum => {
                let counted = arg
                    .and_then(Expr::as_column)
                    .is_some_and(|it| self.scope.made.get(&it.name).is_some_and(|column| column.present));
                let of = self.input(aggregate, arg, false, parts)?;
                // The sum of no values is 0 in KQL and missing in Splunk.
                let valued = match &of {
                    StatsInput::Rows => true,
                    StatsInput::Field(_) => counted,
                    StatsInput::Eval(value) => is_valued(value),
                };
                if !(valued && parts.keyed) {
                    let none = vec![EvalExpr::Field(name.clone()), EvalExpr::Number("0".to_owned())];
                    parts.after.push((name.clone(), EvalExpr::Call("coalesce", none)));
                }
                column.present = parts.keyed;
                (simple("sum"), of)
            }
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
                column.elements = arg.map_or(ScalarType::Unknown, |arg| arg.ty);
                (simple("values"), of)
            }
            AggregateKind::MakeBag => {
                let message = "a key that several bags have comes several times in the bag that Splunk makes of them";
                self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
                let of = self.input(aggregate, arg, false, parts)?;
                if let Some(limit) = aggregate.args.get(1) {
                    self.carry(limit);
                }
                // The bags less their braces, and the empty ones left out.
                let field = || EvalExpr::Field(name.clone());
                let filled = call("mvfilter", [EvalExpr::ne(field(), text("{}"))]);
                let length = EvalExpr::arithmetic(Operator::Subtract, call("len", [field()]), number("2"));
                let inner = call("substr", [field(), number("2"), length]);
                let joined = call("mvjoin", [call("mvmap", [field(), inner]), text(",")]);
                parts.after.push((name.clone(), filled));
                parts
                    .after
                    .push((name.clone(), EvalExpr::Concat(vec![text("{"), EvalExpr::or_empty(joined), text("}")])));
                (simple("values"), of)
            }
            AggregateKind::MakeListWithNulls => {
                let message = "a null is the empty text among the values of a list in Splunk";
                self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
                let of = match self.input(aggregate, arg, true, parts)? {
                    StatsInput::Field(field) => StatsInput::Eval(EvalExpr::or_empty(EvalExpr::Field(field))),
                    StatsInput::Eval(value) => StatsInput::Eval(EvalExpr::or_empty(value)),
                    StatsInput::Rows => StatsInput::Rows,
                };
                column.seconds = self.is_seconds(arg)?;
                column.shape = Shape::Multi;
                column.elements = arg.map_or(ScalarType::Unknown, |arg| arg.ty);
                (simple("values"), self.numbered(of, &name, parts))
            }
            AggregateKind::PercentilesArray => {
                return self.percentiles_array(aggregate, arg, name, parts);
            }
            AggregateKind::MakeList => {
                let of = self.input(aggregate, arg, true, parts)?;
                column.seconds = self.is_seconds(arg)?;
                column.shape = Shape::Multi;
                column.elements = arg.map_or(ScalarType::Unknown, |arg| arg.ty);
                let of = self.numbered(of, &name, parts);
                self.limit(aggregate, &name, parts)?;
                (simple("values"), of)
            }
            AggregateKind::TakeAny => {
                let message = "KQL may take the value of any row; Splunk takes the first that has one";
                self.note(Code::ArbitraryChoice, Effect::Exact, aggregate.span, message);
                column.seconds = self.is_seconds(arg)?;
                (simple("first"), self.input(aggregate, arg, false, parts)?)
            }
            AggregateKind::Percentile => {
                let function = self.percentile(aggregate, aggregate.args.get(1))?;
                (function, self.input(aggregate, arg, false, parts)?)
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
            | AggregateKind::Percentiles
            | AggregateKind::PercentileW
            | AggregateKind::PercentilesW
            | AggregateKind::TDigest
            | AggregateKind::TDigestMerge => return Err(self.refused_aggregate(aggregate)),
        };
        parts.aggregates.push(StatsAggregate { function, of, name });
        Ok(column)
    }

    /// The refusal of an aggregate that `stats` has not.
    fn refused_aggregate(&self, aggregate: &Aggregate) -> Unsayable {
        let text = aggregate.span.slice(self.frame.text);
        let name = text.split('(').next().unwrap_or_default().trim();
        let refused = |why: &str, instead: &str| {
            let message = format!("aggregate `{name}` can not be said in SPL: {why}");
            Unsayable::new(Code::RefusedFunction, aggregate.span, message).help(instead.to_owned())
        };
        match aggregate.kind {
            AggregateKind::Hll | AggregateKind::HllMerge => {
                refused("a sketch of distinct values is no value in Splunk", "use dcount() over the events themselves")
            }
            AggregateKind::TDigest | AggregateKind::TDigestMerge => refused(
                "a sketch of a distribution is no value in Splunk",
                "use percentile() over the events themselves",
            ),
            AggregateKind::BinaryAllAnd | AggregateKind::BinaryAllOr | AggregateKind::BinaryAllXor => {
                refused("stats combines no bits", "compute the bits of each event")
            }
            AggregateKind::BuildSchema => refused("Splunk has no schema of a value", "use bag_keys() and make_set()"),
            AggregateKind::PercentileW | AggregateKind::PercentilesW => {
                refused("stats weighs no values", "use percentile() over the events themselves")
            }
            AggregateKind::ArgMax
            | AggregateKind::ArgMin
            | AggregateKind::Avg
            | AggregateKind::Count
            | AggregateKind::CountDistinct
            | AggregateKind::DCount
            | AggregateKind::MakeBag
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
            | AggregateKind::VarianceP => {
                Unsayable::not_yet(aggregate.span, format!("aggregate `{name}` inside of an expression"))
            }
        }
    }

    /// `percentile(x, rank)`
    fn percentile(&mut self, aggregate: &Aggregate, rank: Option<&Expr>) -> Fit<String> {
        let number = match rank.and_then(Expr::as_literal) {
            Some(Value::Long(rank)) if (0..=100).contains(rank) => rank.to_string(),
            Some(Value::Real(rank)) if (0.0..=100.0).contains(rank) => rank.to_string(),
            _ => return Err(Unsayable::not_yet(aggregate.span, "a percentile of computed rank")),
        };
        rank.into_iter().for_each(|rank| self.carry(rank));
        let message = "`percentile` is an estimate in KQL, and between two values the choice may differ";
        self.note(Code::Approximated, Effect::Unsure, aggregate.span, message);
        Ok(format!("exactperc{number}"))
    }

    /// `percentiles_array(x, rank, …)`: an aggregate for each rank, put together.
    fn percentiles_array(
        &mut self,
        aggregate: &Aggregate,
        arg: Option<&Expr>,
        name: Name,
        parts: &mut Parts<'a>,
    ) -> Fit<Column<'a>> {
        let mut values = Vec::new();
        for rank in aggregate.args.iter().skip(1) {
            let function = self.percentile(aggregate, Some(rank))?;
            let of = self.input(aggregate, arg, false, parts)?;
            let helper = self.helper();
            parts.aggregates.push(StatsAggregate { function, of, name: helper.clone() });
            parts.away.push(helper.clone());
            values.push(EvalExpr::Field(helper));
        }
        parts.after.push((name.clone(), EvalExpr::Call("mvappend", values)));
        Ok(Column { shape: Shape::Multi, ..Column::computed(name, ScalarType::Dynamic) })
    }

    /// The values of a list with the numbers of their rows before them, so that `values`, which sorts and drops what comes
    /// twice, keeps all of them in their order; `list` keeps the first hundred of a group.
    fn numbered(&mut self, of: StatsInput, name: &Name, parts: &mut Parts<'a>) -> StatsInput {
        let number = match &parts.numbered {
            Some(number) => number.clone(),
            None => {
                let number = self.helper();
                parts.numbered = Some(number.clone());
                number
            }
        };
        let width = 10;
        let format = EvalExpr::Text(format!("%0{width}d"));
        let padded = call("printf", [format, EvalExpr::Field(number)]);
        let value = match of {
            StatsInput::Field(field) => EvalExpr::Field(field),
            StatsInput::Eval(value) => value,
            StatsInput::Rows => EvalExpr::null(),
        };
        let field = EvalExpr::Field(name.clone());
        let bare = call("substr", [field.clone(), EvalExpr::Number((width + 1).to_string())]);
        parts.after.push((name.clone(), call("mvmap", [field, bare])));
        StatsInput::Eval(EvalExpr::Concat(vec![padded, value]))
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
        let own = match &aggregate.condition {
            Some(condition) => Some(self.predicate(condition)?.eval),
            None => None,
        };
        if own.is_none() && parts.only.is_none() {
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
        }
        let condition = EvalExpr::all(own.into_iter().chain(parts.only.clone()));
        let value = if text { EvalExpr::or_empty(value) } else { value };
        Ok(StatsInput::Eval(when(condition, value, EvalExpr::null())))
    }

    /// `make_set(x, n)`: at most `n` values.
    fn limit(&mut self, aggregate: &Aggregate, name: &Name, parts: &mut Parts<'a>) -> Fit<()> {
        let Some(limit) = aggregate.args.get(1) else { return Ok(()) };
        self.ledger.carried(limit.id);
        let Some(Value::Long(count)) = limit.as_literal().filter(|it| matches!(it, Value::Long(count) if *count > 0))
        else {
            return Err(Unsayable::not_yet(limit.span, "a computed number of values"));
        };
        let field = || EvalExpr::Field(name.clone());
        let more = EvalExpr::compare(
            super::tree::Comparison::Order(super::tree::Order::Gt),
            call("mvcount", [field()]),
            number(*count),
        );
        let first = call("mvindex", [field(), number(0), number(count - 1)]);
        parts.after.push((name.clone(), when(more, first, field())));
        Ok(())
    }

    fn is_seconds(&mut self, arg: Option<&Expr>) -> Fit<bool> {
        let column = arg.map(|arg| self.held_column(arg)).transpose()?.flatten();
        Ok(column.is_none_or(|column| column.seconds))
    }
}

/// Whether a key is a column under its own name.
fn is_same_name(key: &Binding) -> bool {
    matches!(&key.value.kind, ExprKind::Column(reference) if *reference.name == *key.name)
}

/// Whether an expression is a number in every row.
fn is_valued(expr: &EvalExpr) -> bool {
    match expr {
        EvalExpr::Number(_) => true,
        EvalExpr::Call("if", args) => args.iter().skip(1).all(is_valued),
        EvalExpr::Call("case", args) => args.iter().skip(1).step_by(2).all(is_valued),
        _ => false,
    }
}
