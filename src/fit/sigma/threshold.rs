//! Conditions on the values of groups: `count_ > 10`, `dcount_User >= 5`, `array_length(set_Ip) > 3`.

use crate::plan::{AggregateKind, AggregateValue, CompareOp, Expr, ExprKind, NodeId, ScalarType, Value};
use crate::vocabulary::Vocabulary;

use super::scope::{Meaning, Scopes};
use super::tree::Comparison;

/// How often a column may stand for another one.
const DEPTH: usize = 32;

/// What is measured of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Measure<'p> {
    /// How many events.
    Count,
    /// How many different values.
    Distinct(&'p Expr),
    /// The sum of the values.
    Sum(&'p Expr),
    /// Their mean.
    Average(&'p Expr),
    /// The value below which so many of a hundred lie.
    Percentile(&'p Expr, u32),
}

/// A value of a group, and the events that it is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured<'p> {
    /// The aggregate, for the ledger; none is the number of rows that `count` gives.
    pub(super) binding: NodeId,
    /// What is measured.
    pub(super) measure: Measure<'p>,
    /// Only events that satisfy it count.
    pub(super) condition: Option<&'p Expr>,
    /// The scopes that its arguments see.
    pub(super) level: usize,
    /// KQL estimates it.
    pub(super) estimate: bool,
}

/// A value of a group compared with a constant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threshold<'p> {
    /// The condition of the hunt.
    pub(super) conjunct: &'p Expr,
    /// What is compared.
    pub(super) of: Measured<'p>,
    /// How.
    pub(super) comparison: Comparison,
    /// With what.
    pub(super) limit: i64,
}

impl Threshold<'_> {
    /// Whether a group that satisfies it goes on to do so as events are added.
    pub(super) fn grows(&self) -> bool {
        let up = matches!(self.comparison, Comparison::Gt | Comparison::Gte);
        match self.of.measure {
            Measure::Count | Measure::Distinct(_) => up,
            Measure::Sum(_) | Measure::Average(_) | Measure::Percentile(..) => false,
        }
    }

    /// Whether no events at all satisfy it.
    pub(super) fn holds_of_none(&self) -> bool {
        match self.comparison {
            Comparison::Lt => self.limit > 0,
            Comparison::Lte => self.limit >= 0,
            Comparison::Gt => self.limit < 0,
            Comparison::Gte => self.limit <= 0,
            Comparison::Eq => self.limit == 0,
            Comparison::Neq => self.limit != 0,
        }
    }

    /// Whether it holds of no group that has an event.
    pub(super) fn never_holds(&self) -> bool {
        matches!(self.of.measure, Measure::Count)
            && match self.comparison {
                Comparison::Lt => self.limit <= 1,
                Comparison::Lte | Comparison::Eq => self.limit < 1,
                Comparison::Gt | Comparison::Gte | Comparison::Neq => false,
            }
    }
}

/// Reads thresholds.
pub(super) struct Thresholds<'f, 'p> {
    pub(super) scopes: &'f Scopes<'p>,
    pub(super) vocabulary: &'f Vocabulary,
}

impl<'p> Thresholds<'_, 'p> {
    /// The threshold that a condition is, if it is one.
    pub(super) fn of(&self, conjunct: &'p Expr, level: usize) -> Option<Threshold<'p>> {
        let ExprKind::Compare { op, left, right } = &conjunct.kind else { return None };
        let (op, left, right) =
            if left.as_literal().is_some() { (op.mirrored(), right, left) } else { (*op, left, right) };
        let of = self.measured(left, level)?;
        let (comparison, limit) = comparison(op, right.as_literal()?, of.measure)?;
        Some(Threshold { conjunct, of, comparison, limit })
    }

    /// The value of a group that an expression is.
    fn measured(&self, expr: &'p Expr, level: usize) -> Option<Measured<'p>> {
        let (mut expr, mut level) = (expr, level);
        for _ in 0..DEPTH {
            match &expr.kind {
                ExprKind::Column(column) => match self.scopes.meaning(column, level) {
                    Meaning::Computed(value, below) => (expr, level) = (value, below),
                    Meaning::Aggregate(binding, below) => {
                        let AggregateValue::One(it) = &binding.value else { return None };
                        let estimate = matches!(it.kind, AggregateKind::DCount | AggregateKind::Percentile);
                        let of = |measure| Measured {
                            binding: binding.id,
                            measure,
                            condition: it.condition.as_ref(),
                            level: below,
                            estimate,
                        };
                        return match (it.kind, it.args.as_slice()) {
                            (AggregateKind::Count, []) => Some(of(Measure::Count)),
                            // A text is never null, so each is counted.
                            (AggregateKind::Count, [value]) if value.ty == ScalarType::String => {
                                Some(of(Measure::Count))
                            }
                            // The accuracy does not matter to a target that counts exactly.
                            (AggregateKind::DCount, [value, ..]) | (AggregateKind::CountDistinct, [value]) => {
                                Some(of(Measure::Distinct(value)))
                            }
                            (AggregateKind::Sum, [value]) => Some(of(Measure::Sum(value))),
                            (AggregateKind::Avg, [value]) => Some(of(Measure::Average(value))),
                            (AggregateKind::Percentile, [value, percentile]) => {
                                Some(of(Measure::Percentile(value, hundredth(percentile)?)))
                            }
                            _ => None,
                        };
                    }
                    Meaning::Count(below) => {
                        return Some(Measured {
                            binding: NodeId::UNNUMBERED,
                            measure: Measure::Count,
                            condition: None,
                            level: below,
                            estimate: false,
                        });
                    }
                    Meaning::Raw(_) | Meaning::RawOfOne(_) | Meaning::ComputedOfOne(..) | Meaning::Gone(..) => {
                        return None;
                    }
                },
                ExprKind::Call { function, args } => {
                    let name = self.vocabulary.function_row(*function).map_or("", |row| row.name.as_str());
                    match (name, args.as_slice()) {
                        ("toint" | "tolong" | "toreal" | "todouble", [inner]) => expr = inner,
                        ("array_length", [list]) => return self.length(list, level),
                        _ => return None,
                    }
                }
                ExprKind::Literal(_)
                | ExprKind::Moment(_)
                | ExprKind::Path { .. }
                | ExprKind::Arithmetic { .. }
                | ExprKind::Negate(_)
                | ExprKind::Compare { .. }
                | ExprKind::Text(_)
                | ExprKind::In { .. }
                | ExprKind::Presence { .. }
                | ExprKind::Time(_)
                | ExprKind::And(_)
                | ExprKind::Or(_)
                | ExprKind::Not(_)
                | ExprKind::Scalar(_) => return None,
            }
        }
        None
    }

    /// How many elements a set or list of a group has. A set without a bound holds each value once; a list holds that of
    /// each event that has one, which texts always do.
    fn length(&self, list: &'p Expr, level: usize) -> Option<Measured<'p>> {
        let (expr, level) = self.scopes.behind(list, level);
        match self.scopes.meaning(expr.as_column()?, level) {
            Meaning::Aggregate(binding, below) => {
                let AggregateValue::One(it) = &binding.value else { return None };
                let measure = match (it.kind, it.args.as_slice()) {
                    (AggregateKind::MakeSet, [value]) => Measure::Distinct(value),
                    (AggregateKind::MakeList, [value]) if value.ty == ScalarType::String => Measure::Count,
                    _ => return None,
                };
                let (binding, condition) = (binding.id, it.condition.as_ref());
                Some(Measured { binding, measure, condition, level: below, estimate: false })
            }
            Meaning::Computed(..)
            | Meaning::Raw(_)
            | Meaning::Count(_)
            | Meaning::RawOfOne(_)
            | Meaning::ComputedOfOne(..)
            | Meaning::Gone(..) => None,
        }
    }
}

/// A percentile that the specification has a place for: whole, from 0 to 100.
fn hundredth(expr: &Expr) -> Option<u32> {
    let number = match expr.as_literal()? {
        Value::Long(number) => *number,
        Value::Real(number) if number.fract() == 0.0 && (0.0..=100.0).contains(number) => *number as i64,
        Value::Real(_)
        | Value::Null(_)
        | Value::Bool(_)
        | Value::Decimal(_)
        | Value::String(_)
        | Value::Datetime(_)
        | Value::Timespan(_)
        | Value::Guid(_)
        | Value::Array(_)
        | Value::Bag(_) => return None,
    };
    u32::try_from(number).ok().filter(|number| *number <= 100)
}

/// The comparison with a whole number that is the same: the specification has no others.
fn comparison(op: CompareOp, limit: &Value, measure: Measure<'_>) -> Option<(Comparison, i64)> {
    let plain = |op| match op {
        CompareOp::Eq => Comparison::Eq,
        CompareOp::Ne => Comparison::Neq,
        CompareOp::Lt => Comparison::Lt,
        CompareOp::Le => Comparison::Lte,
        CompareOp::Gt => Comparison::Gt,
        CompareOp::Ge => Comparison::Gte,
    };
    let whole = match measure {
        Measure::Count | Measure::Distinct(_) => true,
        Measure::Sum(value) => matches!(value.ty, ScalarType::Int | ScalarType::Long),
        Measure::Average(_) | Measure::Percentile(..) => false,
    };
    match limit {
        Value::Long(limit) => Some((plain(op), *limit)),
        Value::Real(limit) if limit.abs() < 1e15 && limit.fract() == 0.0 => Some((plain(op), *limit as i64)),
        Value::Real(limit) if limit.abs() < 1e15 && whole => match op {
            CompareOp::Gt | CompareOp::Ge => Some((Comparison::Gt, limit.floor() as i64)),
            CompareOp::Lt | CompareOp::Le => Some((Comparison::Lt, limit.ceil() as i64)),
            CompareOp::Eq | CompareOp::Ne => None,
        },
        Value::Real(_)
        | Value::Null(_)
        | Value::Bool(_)
        | Value::Decimal(_)
        | Value::String(_)
        | Value::Datetime(_)
        | Value::Timespan(_)
        | Value::Guid(_)
        | Value::Array(_)
        | Value::Bag(_) => None,
    }
}
