//! Conditions on the distance in time between two sets of events: `T2 between (T1 .. T1 + 5m)`, `T2 - T1 < 5m`,
//! `datetime_diff('minute', T2, T1) < 5`.

use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{
    ArithmeticOp, CompareOp, Expr, ExprKind, ScalarType, TICKS_PER_DAY, TICKS_PER_SECOND, Value as Literal,
};
use crate::target::ColumnAnswer;

use super::condition::{Conditions, DEPTH};
use super::scope::{Loss, Meaning, Place};
use super::sets::{Bound, Selection};

/// Times of sets, each with a sign, and a length of time.
#[derive(Clone, Debug, Default)]
struct Sum {
    /// How often the time of each set is in it; sets that are not are left out.
    times: Vec<(usize, i64)>,
    ticks: i64,
    /// One of the times is that of a group of events.
    of_group: bool,
}

/// A distance that is compared with a constant.
struct Distance {
    sum: Sum,
    /// The constant is in units of this length.
    unit: i64,
    /// It counts the borders of units that lie between.
    borders: bool,
    /// It has no sign.
    absolute: bool,
}

/// Where a name is looked up: at a place, in all sets or in the one whose own column it is.
#[derive(Clone, Copy, Debug)]
struct At {
    place: Place,
    only: Option<usize>,
}

impl<'p, 'a> Conditions<'p, 'a, '_> {
    /// The bound that a condition is, if it is one.
    pub(super) fn bound(&self, expr: &'p Expr, rows: &Selection<'p, 'a>, place: Place) -> Option<Bound<'p>> {
        let (expr_of, at) = self.resolved(expr, rows, At { place, only: None })?;
        let ExprKind::Compare { op, left, right } = &expr_of.kind else { return None };
        let (op, distance, limit) = match (self.length(right, rows, at, 0), self.length(left, rows, at, 0)) {
            (Some(limit), None) => (*op, self.distance(left, rows, at)?, limit),
            (None, Some(limit)) => (op.mirrored(), self.distance(right, rows, at)?, limit),
            (None, None) => {
                let (left, right) = (self.sum(left, rows, at, 0)?, self.sum(right, rows, at, 0)?);
                (*op, Distance::of(left.minus(&right)?), 0)
            }
            (Some(_), Some(_)) => return None,
        };
        let (earlier, later) = match distance.sum.times.as_slice() {
            [(later, 1), (earlier, -1)] | [(earlier, -1), (later, 1)] => (*earlier, *later),
            _ => return None,
        };
        // The sum is the time of the later one less that of the earlier one, and a constant.
        let limit = limit.checked_mul(distance.unit)?.checked_sub(distance.sum.ticks)?;
        let unit = if distance.borders { distance.unit } else { 0 };
        let (mut from, mut to) = match op {
            CompareOp::Lt => (None, Some(limit)),
            CompareOp::Le => (None, Some(limit.checked_add(unit)?)),
            CompareOp::Gt => (Some(limit), None),
            CompareOp::Ge if limit == 0 => (Some(0), None),
            CompareOp::Ge => (Some(limit.checked_sub(unit)?), None),
            CompareOp::Eq if limit == 0 => (Some(0), Some(unit)),
            CompareOp::Eq => (Some(limit.checked_sub(unit)?), Some(limit.checked_add(unit)?)),
            CompareOp::Ne => return None,
        };
        if distance.absolute {
            // Far apart in either direction is no window.
            let to_only = to.filter(|_| from.is_none() || op == CompareOp::Eq)?;
            (from, to) = (Some(to_only.checked_neg()?), Some(to_only));
        }
        let (code, effect, message) = if distance.sum.of_group {
            let message = "the first or last time of a group is compared; the sequence compares that of each event";
            (Code::Approximated, Effect::Broader, message)
        } else if distance.borders {
            let message = "`datetime_diff` counts the borders of units between two times; the sequence compares the time \
                           between them";
            (Code::Approximated, Effect::Broader, message)
        } else if matches!(op, CompareOp::Lt | CompareOp::Gt) {
            let message = "the order of the steps and `maxspan` say this; a distance that is the bound itself is one \
                           tick of the clock beyond it";
            (Code::JoinAsSequence, Effect::Exact, message)
        } else {
            (Code::JoinAsSequence, Effect::Exact, "the order of the steps and `maxspan` say this")
        };
        let note = Some(Diagnostic::note(code, effect, expr.span, message));
        Some(Bound { earlier, later, from, to, of: expr, span: expr.span, note })
    }

    /// What a computed column stands for.
    fn resolved(&self, expr: &'p Expr, rows: &Selection<'p, 'a>, at: At) -> Option<(&'p Expr, At)> {
        let (mut expr, mut at) = (expr, at);
        for _ in 0..DEPTH {
            let ExprKind::Column(column) = &expr.kind else { return Some((expr, at)) };
            match Self::meaning(&column.name, column.known, rows, at)? {
                (set, Meaning::Computed(inner, place)) => {
                    let since = rows.sets.get(set)?.since;
                    at = At { place, only: if place < since { Some(set) } else { None } };
                    expr = inner;
                }
                (_, Meaning::Source | Meaning::Lost(..)) => return Some((expr, at)),
            }
        }
        None
    }

    /// The set that a name belongs to, and what it means there.
    fn meaning(name: &str, known: bool, rows: &Selection<'p, 'a>, at: At) -> Option<(usize, Meaning<'p>)> {
        rows.sets.iter().enumerate().find_map(|(index, set)| {
            let seen = at.only.map_or(at.place >= set.since, |only| only == index);
            let branch = set.branches.first().filter(|_| seen)?;
            match branch.scope.meaning(name, known, at.place) {
                Meaning::Lost(Loss::Joined, _) => None,
                meaning => Some((index, meaning)),
            }
        })
    }

    /// A constant length of time, or a number.
    fn length(&self, expr: &'p Expr, rows: &Selection<'p, 'a>, at: At, depth: u32) -> Option<i64> {
        let (expr, at) = self.resolved(expr, rows, at)?;
        if let ExprKind::Negate(inner) = &expr.kind
            && depth < DEPTH
        {
            return self.length(inner, rows, at, depth + 1)?.checked_neg();
        }
        match expr.as_literal()? {
            Literal::Timespan(ticks) => Some(*ticks),
            Literal::Long(number) => Some(*number),
            Literal::Real(number) if number.fract() == 0.0 && number.abs() < 1e9 => Some(*number as i64),
            Literal::Bool(_)
            | Literal::Real(_)
            | Literal::Decimal(_)
            | Literal::String(_)
            | Literal::Guid(_)
            | Literal::Datetime(_)
            | Literal::Null(_)
            | Literal::Array(_)
            | Literal::Bag(_) => None,
        }
    }

    fn distance(&self, expr: &'p Expr, rows: &Selection<'p, 'a>, at: At) -> Option<Distance> {
        let (expr, at) = self.resolved(expr, rows, at)?;
        if let (Some("abs"), ExprKind::Call { args, .. }) = (self.function(expr), &expr.kind) {
            let inner = self.distance(args.first()?, rows, at)?;
            return Some(Distance { absolute: true, ..inner });
        }
        if let (Some("datetime_diff"), ExprKind::Call { args, .. }) = (self.function(expr), &expr.kind)
            && let [unit, left, right] = args.as_slice()
        {
            let sum = self.sum(left, rows, at, 0)?.minus(&self.sum(right, rows, at, 0)?)?;
            return Some(Distance { unit: unit_ticks(unit.as_str()?)?, borders: true, ..Distance::of(sum) });
        }
        if let ExprKind::Arithmetic { op: ArithmeticOp::Divide, left, right } = &expr.kind
            && left.ty == ScalarType::Timespan
            && let ExprKind::Literal(Literal::Timespan(ticks @ 1..)) = self.resolved(right, rows, at)?.0.kind
        {
            return Some(Distance { unit: ticks, ..self.distance(left, rows, at)? });
        }
        Some(Distance::of(self.sum(expr, rows, at, 0)?))
    }

    /// An expression as a sum of times.
    fn sum(&self, expr: &'p Expr, rows: &Selection<'p, 'a>, at: At, depth: u32) -> Option<Sum> {
        if depth > DEPTH {
            return None;
        }
        let (expr, at) = self.resolved(expr, rows, at)?;
        match &expr.kind {
            ExprKind::Column(column) => {
                let (index, meaning) = Self::meaning(&column.name, column.known, rows, at)?;
                let sum = Sum { times: vec![(index, 1)], ..Sum::default() };
                match meaning {
                    Meaning::Source => {}
                    Meaning::Lost(Loss::Time, _) => return Some(Sum { of_group: true, ..sum }),
                    Meaning::Lost(..) | Meaning::Computed(..) => return None,
                }
                let set = rows.sets.get(index)?;
                let is_time = set.branches.iter().all(|branch| {
                    let own = branch.scope.original(column, at.place);
                    let table = &branch.scope.table;
                    match self.frame.schema.column(table.row, table.map, &own.name) {
                        ColumnAnswer::Time(_) => true,
                        ColumnAnswer::Mapped(map) => map.field == self.frame.schema.time_field,
                        // Tables that nothing is known of have one of the two usual names.
                        ColumnAnswer::Kept | ColumnAnswer::Unmapped(_) | ColumnAnswer::Refused => {
                            table.row.is_none() && matches!(own.name.as_ref(), "TimeGenerated" | "Timestamp")
                        }
                    }
                });
                is_time.then_some(sum)
            }
            ExprKind::Literal(Literal::Timespan(ticks)) => Some(Sum { ticks: *ticks, ..Sum::default() }),
            ExprKind::Negate(inner) => Sum::default().minus(&self.sum(inner, rows, at, depth + 1)?),
            ExprKind::Arithmetic { op: ArithmeticOp::Add, left, right } => {
                let right = Sum::default().minus(&self.sum(right, rows, at, depth + 1)?)?;
                self.sum(left, rows, at, depth + 1)?.minus(&right)
            }
            ExprKind::Arithmetic { op: ArithmeticOp::Subtract, left, right } => {
                let right = self.sum(right, rows, at, depth + 1)?;
                self.sum(left, rows, at, depth + 1)?.minus(&right)
            }
            ExprKind::Call { args, .. } => match (self.function(expr), args.as_slice()) {
                (Some("datetime_add"), [unit, count, of]) => {
                    let (Some(Literal::Long(count)), Some(unit)) = (count.as_literal(), unit.as_str()) else {
                        return None;
                    };
                    let mut sum = self.sum(of, rows, at, depth + 1)?;
                    sum.ticks = sum.ticks.checked_add(unit_ticks(unit)?.checked_mul(*count)?)?;
                    Some(sum)
                }
                (Some("todatetime" | "totimespan"), [of]) => self.sum(of, rows, at, depth + 1),
                _ => None,
            },
            ExprKind::Literal(_)
            | ExprKind::Moment(_)
            | ExprKind::Path { .. }
            | ExprKind::Arithmetic { .. }
            | ExprKind::Compare { .. }
            | ExprKind::Text(_)
            | ExprKind::In { .. }
            | ExprKind::Presence { .. }
            | ExprKind::Time(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Scalar(_) => None,
        }
    }
}

impl Distance {
    fn of(sum: Sum) -> Self {
        Self { sum, unit: 1, borders: false, absolute: false }
    }
}

impl Sum {
    fn minus(mut self, other: &Self) -> Option<Self> {
        for (set, times) in &other.times {
            match self.times.iter_mut().find(|(own, _)| own == set) {
                Some((_, own)) => *own = own.checked_sub(*times)?,
                None => self.times.push((*set, times.checked_neg()?)),
            }
        }
        self.times.retain(|(_, times)| *times != 0);
        self.ticks = self.ticks.checked_sub(other.ticks)?;
        self.of_group |= other.of_group;
        Some(self)
    }
}

/// The length of a unit of `datetime_diff` and `datetime_add` that has a fixed one.
fn unit_ticks(unit: &str) -> Option<i64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "week" => 7 * TICKS_PER_DAY,
        "day" => TICKS_PER_DAY,
        "hour" => 3600 * TICKS_PER_SECOND,
        "minute" => 60 * TICKS_PER_SECOND,
        "second" => TICKS_PER_SECOND,
        "millisecond" => TICKS_PER_SECOND / 1000,
        _ => return None,
    })
}
