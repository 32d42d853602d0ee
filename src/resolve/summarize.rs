//! `summarize` and `make-series`: keys, aggregates and the columns that they make.
//!
//! Single calls of aggregates are taken apart in [`super::aggregate`].

use std::sync::Arc;

use super::aggregate::Aggregates;
use super::columns::{Row, Rows, UniqueNames};
use super::place::Place;
use super::project::{Style, bind, is_time};
use super::scope::{Found, Scope};
use super::{Resolver, Step, written};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{
    Aggregate, AggregateBinding, AggregateKind, AggregateValue, ArgColumns, Binding, Expr, ExprKind, MakeSeries,
    NodeId, ScalarType, StageKind,
};
use crate::source::Span;
use crate::syntax::ast::{self, Argument, Name, NamedExpr};

impl<'a> Resolver<'a> {
    pub(super) fn summarize(
        &mut self,
        aggregates: &'a [NamedExpr],
        by: &'a [NamedExpr],
        rows: &mut Rows,
        scope: Scope,
        span: Span,
    ) -> Step<()> {
        let keys = self.bindings(by, &rows.row, scope, Style::Project)?;
        let mut out = Row::of([]);
        let mut names = UniqueNames::default();
        for key in &keys {
            names.add(&key.name, None);
            out.take_over(key.name.clone(), key.value.ty, is_time(&key.value, &rows.row));
        }
        let mut made = Vec::with_capacity(aggregates.len());
        for item in aggregates {
            self.aggregate_item(item, &rows.row, scope, &keys, &mut names, &mut made)?;
        }
        for binding in &made {
            columns_of(binding, &keys, &rows.row, &mut out);
        }
        rows.row = out;
        rows.push(StageKind::Summarize { aggregates: made, keys }, span);
        Ok(())
    }

    /// One item of `summarize`: mostly one column, several for `arg_max` and the like.
    fn aggregate_item(
        &mut self,
        item: &'a NamedExpr,
        row: &Row,
        scope: Scope,
        keys: &[Binding],
        names: &mut UniqueNames,
        out: &mut Vec<AggregateBinding>,
    ) -> Step<()> {
        let place = Place::over(scope, row);
        let own =
            written::call(&item.value).is_some_and(|(function, _)| self.called(function, scope) != Found::Nothing);
        if let (Some((function, args, kind)), false) = (self.several_columns(&item.value), own) {
            self.spend(args.len(), item.span)?;
            if matches!(kind, AggregateKind::Percentiles | AggregateKind::PercentilesW) {
                return self.percentiles(item, function, args, kind, place, names, out);
            }
            return self.extreme(item, function, args, kind, place, keys, names, out);
        }
        let outer = std::mem::replace(&mut self.aggregates, Aggregates::Collect(Vec::new()));
        let value = self.value(&item.value, place)?;
        let mut of = match std::mem::replace(&mut self.aggregates, outer) {
            Aggregates::Collect(of) => of,
            Aggregates::None | Aggregates::Keep => Vec::new(),
        };
        let name = match item.names.as_slice() {
            [] => match self.automatic_name(&item.value, row) {
                Some(name) => names.add(&name, None),
                None => names.add("Column1", Some("Column")),
            },
            [name, rest @ ..] => {
                if let Some(extra) = rest.first() {
                    let message = format!("the expression gives one column, `{}` is one more", extra.text);
                    return self.fail(Diagnostic::error(Code::WrongArguments, extra.span, message));
                }
                names.add(&name.text, None);
                Arc::from(name.text.as_str())
            }
        };
        let bare = matches!(&value.kind, ExprKind::Column(column) if &*column.name == "$0") && of.len() == 1;
        let value = match bare.then(|| of.pop()).flatten() {
            Some(one) => AggregateValue::One(one),
            None => AggregateValue::Computed { value, of },
        };
        out.push(AggregateBinding { id: NodeId::UNNUMBERED, span: item.span, name, value });
        Ok(())
    }

    /// `percentiles(x, 5, 95)`: a column for each.
    #[allow(clippy::too_many_arguments)] // An item has that many parts.
    fn percentiles(
        &mut self,
        item: &'a NamedExpr,
        function: &'a Name,
        args: &'a [Argument],
        kind: AggregateKind,
        place: Place<'_>,
        names: &mut UniqueNames,
        out: &mut Vec<AggregateBinding>,
    ) -> Step<()> {
        let whole = self.aggregate(function, args, item.value.span, place)?;
        let weighted = kind == AggregateKind::PercentilesW;
        let (leading, kind) = if weighted { (2, AggregateKind::PercentileW) } else { (1, AggregateKind::Percentile) };
        let of = args.first().map(|arg| match place.row {
            Some(row) => self.fragment(&arg.value, row, 0),
            None => String::new(),
        });
        let ty = match whole.args.first().map(|arg| arg.ty) {
            Some(ScalarType::Int) | None => ScalarType::Long,
            Some(ty) => ty,
        };
        for (at, arg) in args.iter().enumerate().skip(leading) {
            let Some(share) = whole.args.get(at) else { continue };
            let name = match item.names.get(at - leading) {
                Some(name) => {
                    names.add(&name.text, None);
                    Arc::from(name.text.as_str())
                }
                None => {
                    let share = place.row.map(|row| self.fragment(&arg.value, row, 0)).unwrap_or_default();
                    names.add(&format!("percentile_{}_{share}", of.as_deref().unwrap_or_default()), None)
                }
            };
            let mut own: Vec<Expr> = whole.args.iter().take(leading).cloned().collect();
            own.push(share.clone());
            let aggregate = Aggregate { kind, args: own, ty, ..whole.clone() };
            let value = AggregateValue::One(aggregate);
            out.push(AggregateBinding { id: NodeId::UNNUMBERED, span: item.span, name, value });
        }
        Ok(())
    }

    /// `arg_max(x, a, b)`, `arg_max(x, *)`, `take_any(a, b)`, `take_any(*)`: columns of one row of the group.
    #[allow(clippy::too_many_arguments)] // An item has that many parts.
    fn extreme(
        &mut self,
        item: &'a NamedExpr,
        function: &'a Name,
        args: &'a [Argument],
        kind: AggregateKind,
        place: Place<'_>,
        keys: &[Binding],
        names: &mut UniqueNames,
        out: &mut Vec<AggregateBinding>,
    ) -> Step<()> {
        let Some(row) = place.row else { return self.fault(item.span) };
        let prefix = match function.text.as_str() {
            "argmax" => "max_",
            "argmin" => "min_",
            "any" => "any_",
            _ => "",
        };
        let key = |name: &str| keys.iter().any(|key| key.value.as_column().is_some_and(|column| *column.name == *name));
        let (mut own, mut columns) = (Vec::new(), Vec::new());
        let (mut all, mut main) = (false, None);
        for (at, arg) in args.iter().enumerate() {
            if let ast::ExprKind::Star = arg.value.kind {
                all = true;
                continue;
            }
            let value = self.value(&arg.value, place)?;
            let given = item.names.get(at).or(arg.name.as_ref());
            let name = match given {
                Some(name) => name.text.clone(),
                None => match self.automatic_name(&arg.value, row) {
                    Some(name) if at > 0 && prefix.starts_with('m') => {
                        format!("{prefix}{}_{name}", main.as_deref().unwrap_or_default())
                    }
                    Some(name) => format!("{prefix}{name}"),
                    None if at == 0 => format!("{}_", function.text.trim_start_matches("arg_")),
                    None => format!("{prefix}{}_arg{at}", main.as_deref().unwrap_or_default()),
                },
            };
            if at == 0 {
                main = Some(self.automatic_name(&arg.value, row).unwrap_or_default());
                own.push((names.add(&name, None), value));
            } else {
                columns.push(bind(names.add(&name, None), value, arg.value.span));
            }
        }
        if all {
            for name in row.names().filter(|name| !key(name)) {
                if !own.iter().any(|(own, _)| **own == *name) {
                    names.add(name, None);
                }
            }
        }
        let ty = own.first().map_or(ScalarType::Unknown, |(_, value)| value.ty);
        let (name, args) = match own.pop() {
            Some((name, value)) => (name, vec![value]),
            None => (Arc::from("*"), Vec::new()),
        };
        let columns = if all { ArgColumns::All } else { ArgColumns::Named(columns) };
        let aggregate =
            Aggregate { id: NodeId::UNNUMBERED, span: item.value.span, kind, args, condition: None, columns, ty };
        let value = AggregateValue::One(aggregate);
        out.push(AggregateBinding { id: NodeId::UNNUMBERED, span: item.span, name, value });
        Ok(())
    }

    pub(super) fn make_series(
        &mut self,
        series: &'a ast::MakeSeries,
        rows: &mut Rows,
        scope: Scope,
        span: Span,
    ) -> Step<()> {
        self.ignore_parameters(&series.parameters, &["kind"]);
        let by = self.bindings(&series.by, &rows.row, scope, Style::Project)?;
        let mut names = UniqueNames::default();
        let mut out = Row::of([]);
        for key in &by {
            names.add(&key.name, None);
            out.set(key.name.clone(), key.value.ty);
        }
        let mut aggregates = Vec::with_capacity(series.aggregates.len());
        for item in &series.aggregates {
            let mut made = Vec::new();
            self.aggregate_item(&item.value, &rows.row, scope, &by, &mut names, &mut made)?;
            for binding in made {
                let default = match &item.default {
                    Some(default) => Some(self.value(default, Place::outside(scope))?),
                    None => None,
                };
                out.set(binding.name.clone(), ScalarType::Dynamic);
                aggregates.push((binding, default));
            }
        }
        let place = Place::over(scope, &rows.row);
        let on = self.value(&series.on.value, place)?;
        let name = match series.on.names.first() {
            Some(name) => name.text.clone(),
            None => self.automatic_name(&series.on.value, &rows.row).unwrap_or_else(|| "Column1".to_owned()),
        };
        out.set(names.add(&name, None), ScalarType::Dynamic);
        let bound = |this: &mut Self, expr: &'a Option<ast::Expr>| match expr {
            Some(expr) => this.value(expr, Place::outside(scope)).map(Some),
            None => Ok(None),
        };
        let (from, to) = (bound(self, &series.from)?, bound(self, &series.to)?);
        let Some(step) = bound(self, &series.step)? else {
            return self.fail(
                Diagnostic::error(Code::WrongArguments, span, "make-series needs the size of its bins")
                    .help("add `step 1h`"),
            );
        };
        rows.row = out;
        rows.push(StageKind::MakeSeries(MakeSeries { aggregates, on, from, to, step, by }), span);
        Ok(())
    }
}

/// Adds the columns that an aggregate makes.
fn columns_of(binding: &AggregateBinding, keys: &[Binding], before: &Row, out: &mut Row) {
    let (ty, columns) = match &binding.value {
        AggregateValue::One(aggregate) => (aggregate.ty, &aggregate.columns),
        AggregateValue::Computed { value, of: _ } => (value.ty, &ArgColumns::None),
    };
    let time = match &binding.value {
        AggregateValue::One(aggregate) if !matches!(columns, ArgColumns::None) => {
            aggregate.args.first().is_some_and(|value| is_time(value, before))
        }
        AggregateValue::One(_) | AggregateValue::Computed { .. } => false,
    };
    if &*binding.name != "*" {
        out.take_over(binding.name.clone(), ty, time);
    }
    match columns {
        ArgColumns::None => {}
        ArgColumns::Named(items) => {
            for item in items {
                out.take_over(item.name.clone(), item.value.ty, is_time(&item.value, before));
            }
        }
        ArgColumns::All => {
            let taken =
                |name: &str| keys.iter().any(|key| key.value.as_column().is_some_and(|column| *column.name == *name));
            for (name, ty) in before.columns() {
                if !taken(name) && !out.has(name) {
                    out.take_over(name.clone(), *ty, before.is_time(name));
                }
            }
            out.open |= before.open;
            out.whole &= before.whole;
        }
    }
}
