//! Calls of aggregates: which aggregate, under which condition, of which type.

use super::place::Place;
use super::{Resolver, Step};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Aggregate, AggregateKind, ArgColumns, Expr, ExprKind, NodeId, ScalarType};
use crate::source::Span;
use crate::syntax::ast::{self, Argument, Name};
use crate::vocabulary::{FunctionRow, Returns};

/// Where aggregates go that are met in an expression.
#[derive(Debug, Default)]
pub(super) enum Aggregates {
    /// None may stand here.
    #[default]
    None,
    /// They are taken out of the expression, which refers to them as `$0`, `$1`, ….
    Collect(Vec<Aggregate>),
    /// They stay calls: arguments of a plugin.
    Keep,
}

/// The aggregate of a name, and which argument is its condition.
fn kind(name: &str) -> Option<(AggregateKind, Option<usize>)> {
    use AggregateKind as Kind;
    Some(match name {
        "arg_max" => (Kind::ArgMax, None),
        "arg_min" => (Kind::ArgMin, None),
        "avg" => (Kind::Avg, None),
        "avgif" => (Kind::Avg, Some(1)),
        "binary_all_and" => (Kind::BinaryAllAnd, None),
        "binary_all_or" => (Kind::BinaryAllOr, None),
        "binary_all_xor" => (Kind::BinaryAllXor, None),
        "buildschema" => (Kind::BuildSchema, None),
        "count" | "countif" => (Kind::Count, Some(0)),
        "count_distinct" => (Kind::CountDistinct, None),
        "count_distinctif" => (Kind::CountDistinct, Some(1)),
        "dcount" => (Kind::DCount, None),
        "dcountif" => (Kind::DCount, Some(1)),
        "hll" => (Kind::Hll, None),
        "hll_if" => (Kind::Hll, Some(1)),
        "hll_merge" => (Kind::HllMerge, None),
        "make_bag" => (Kind::MakeBag, None),
        "make_bag_if" => (Kind::MakeBag, Some(1)),
        "make_list" => (Kind::MakeList, None),
        "make_list_if" => (Kind::MakeList, Some(1)),
        "make_list_with_nulls" => (Kind::MakeListWithNulls, None),
        "make_set" => (Kind::MakeSet, None),
        "make_set_if" => (Kind::MakeSet, Some(1)),
        "max" => (Kind::Max, None),
        "maxif" => (Kind::Max, Some(1)),
        "min" => (Kind::Min, None),
        "minif" => (Kind::Min, Some(1)),
        "percentile" => (Kind::Percentile, None),
        "percentiles" => (Kind::Percentiles, None),
        "percentiles_array" => (Kind::PercentilesArray, None),
        "percentilew" => (Kind::PercentileW, None),
        "percentilesw" => (Kind::PercentilesW, None),
        "stdev" => (Kind::Stdev, None),
        "stdevif" => (Kind::Stdev, Some(1)),
        "stdevp" => (Kind::StdevP, None),
        "sum" => (Kind::Sum, None),
        "sumif" => (Kind::Sum, Some(1)),
        "take_any" => (Kind::TakeAny, None),
        "take_anyif" => (Kind::TakeAny, Some(1)),
        "tdigest" => (Kind::TDigest, None),
        "tdigest_merge" => (Kind::TDigestMerge, None),
        "variance" => (Kind::Variance, None),
        "varianceif" => (Kind::Variance, Some(1)),
        "variancep" => (Kind::VarianceP, None),
        "variancepif" => (Kind::VarianceP, Some(1)),
        _ => return None,
    })
}

impl<'a> Resolver<'a> {
    /// A call of an aggregate within an expression.
    pub(super) fn aggregate_call(
        &mut self,
        function: &'a Name,
        args: &'a [Argument],
        span: Span,
        place: Place<'_>,
    ) -> Step<Expr> {
        match std::mem::take(&mut self.aggregates) {
            Aggregates::None => {
                let message = format!("the aggregate `{}` stands outside of summarize", function.text);
                self.fail(Diagnostic::error(Code::WrongArguments, span, message).help("aggregate with `| summarize …`"))
            }
            Aggregates::Keep => {
                let Some((id, row)) = self.vocabulary.function(&function.text) else {
                    return self.unknown_function(function, place);
                };
                let values = args.iter().map(|arg| self.argument(arg, place)).collect::<Step<Vec<_>>>()?;
                let ty = returned(row, &values);
                self.aggregates = Aggregates::Keep;
                Ok(Expr::new(ExprKind::Call { function: id, args: values }, ty, span))
            }
            Aggregates::Collect(mut found) => {
                let aggregate = self.aggregate(function, args, span, place)?;
                let column = Expr::new(
                    ExprKind::Column(crate::plan::ColumnRef { name: format!("${}", found.len()).into(), known: true }),
                    aggregate.ty,
                    span,
                );
                found.push(aggregate);
                self.aggregates = Aggregates::Collect(found);
                Ok(column)
            }
        }
    }

    /// An aggregate of one value.
    pub(super) fn aggregate(
        &mut self,
        function: &'a Name,
        args: &'a [Argument],
        span: Span,
        place: Place<'_>,
    ) -> Step<Aggregate> {
        let Some((_, row)) = self.vocabulary.function(&function.text) else {
            return self.unknown_function(function, place);
        };
        let Some((kind, condition_at)) = kind(&row.name) else {
            return self.fail(
                Diagnostic::refusal(Code::NotYet, span, format!("the aggregate `{}` is not translated", function.text))
                    .help("use another aggregate"),
            );
        };
        if !row.arity.allows(args.len()) {
            let message = match row.arity.max {
                Some(max) if max == row.arity.min => {
                    format!("`{}` takes {max} arguments, not {}", function.text, args.len())
                }
                Some(max) => {
                    format!("`{}` takes {} to {max} arguments, not {}", function.text, row.arity.min, args.len())
                }
                None => format!("`{}` takes at least {} arguments, not {}", function.text, row.arity.min, args.len()),
            };
            return self.fail(Diagnostic {
                help: row.docs.clone().map(|docs| format!("see {docs}")),
                ..Diagnostic::error(Code::WrongArguments, span, message)
            });
        }
        let aggregates = std::mem::take(&mut self.aggregates);
        let mut values = Vec::with_capacity(args.len());
        let mut condition = None;
        for (at, arg) in args.iter().enumerate() {
            if Some(at) == condition_at {
                condition = Some(self.condition(&arg.value, place)?);
            } else {
                values.push(self.argument(arg, place)?);
            }
        }
        self.aggregates = aggregates;
        let ty = returned(row, &values);
        Ok(Aggregate { id: NodeId::UNNUMBERED, span, kind, args: values, condition, columns: ArgColumns::None, ty })
    }

    /// Whether an expression is a call of an aggregate that gives several columns: its name in the vocabulary.
    pub(super) fn several_columns(&self, expr: &'a ast::Expr) -> Option<(&'a Name, &'a [Argument], AggregateKind)> {
        let ast::ExprKind::Call { base: None, function, args } = &expr.kind else { return None };
        let (_, row) = self.vocabulary.function(&function.text)?;
        let (kind, _) = kind(&row.name)?;
        let star = args.iter().any(|arg| matches!(arg.value.kind, ast::ExprKind::Star));
        let several = match row.name.as_str() {
            "arg_max" | "arg_min" | "percentiles" | "percentilesw" => true,
            "take_any" => args.len() > 1 || star,
            _ => false,
        };
        several.then_some((function, args.as_slice(), kind))
    }
}

/// The type that a function gives for these arguments.
pub(super) fn returned(row: &FunctionRow, args: &[Expr]) -> ScalarType {
    let arg = |at: usize| args.get(at).map_or(ScalarType::Unknown, |arg| arg.ty);
    match row.returns {
        Returns::Type(ty) => ty,
        Returns::Param(at) => arg(at),
        Returns::Common | Returns::Widest => arg(0),
        Returns::Promoted => match arg(0) {
            ScalarType::Int => ScalarType::Long,
            ty => ty,
        },
        Returns::Mean => match arg(0) {
            ty @ (ScalarType::Datetime | ScalarType::Timespan | ScalarType::Decimal) => ty,
            ScalarType::Bool
            | ScalarType::Dynamic
            | ScalarType::Guid
            | ScalarType::Int
            | ScalarType::Long
            | ScalarType::Real
            | ScalarType::String
            | ScalarType::Unknown => ScalarType::Real,
        },
        Returns::Any | Returns::Tuple | Returns::Tabular => ScalarType::Unknown,
    }
}
