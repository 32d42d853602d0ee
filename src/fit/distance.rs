//! The time between two sets of events, where a hunt compares it: `T2 between (T1 .. T1 + 5m)`, `T2 - T1 < 5m`,
//! `datetime_diff('minute', T2, T1) < 5`; and the order of sets that such bounds give.
//!
//! What a name means at a place is each target's matter ([`Times`]); the sums, their bounds and the order are not.

use std::cell::Cell;

use crate::diagnostic::Diagnostic;
use crate::plan::{
    ArithmeticOp, ColumnRef, CompareOp, Expr, ExprKind, ScalarType, TICKS_PER_DAY, TICKS_PER_SECOND, Tree,
    Value as Literal,
};
use crate::source::Span;

/// How deep columns may stand for columns, and sums within sums.
const DEPTH: u32 = 16;
/// How many expressions of one condition are looked at.
const FUEL: u32 = 512;

/// Where names are looked up: what a column means in several sets of events.
pub(crate) trait Times<'p> {
    /// A place in the hunt.
    type At: Clone;

    /// What a column was computed as, and where the names in that are looked up; `None` for a column of events.
    fn computed(&self, column: &ColumnRef, at: &Self::At) -> Option<(&'p Expr, Self::At)>;

    /// The set whose events have this column as their time.
    fn time(&self, column: &ColumnRef, at: &Self::At) -> Option<TimeOf>;

    /// The name of a function.
    fn function(&self, expr: &Expr) -> Option<&str>;
}

/// The time of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeOf {
    /// The number of the set.
    pub(crate) set: usize,
    /// It is the first or last time of a group of events.
    pub(crate) of_group: Option<End>,
}

/// Which time of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The first.
    First,
    /// The last.
    Last,
}

/// A bound that a condition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Distance {
    /// The set whose time is taken away.
    pub(crate) earlier: usize,
    /// The set whose time it is taken from.
    pub(crate) later: usize,
    /// The least distance in ticks.
    pub(crate) from: Option<i64>,
    /// The greatest.
    pub(crate) to: Option<i64>,
    /// A time of a group is compared, not of an event: which; where two are, that of the later set.
    pub(crate) of_group: Option<End>,
    /// Borders of units are counted, not the time between.
    pub(crate) borders: bool,
    /// A distance that is the bound itself is outside.
    pub(crate) strict: bool,
}

/// That the time of an event of one set lies between two distances, in ticks, from that of another set.
#[derive(Clone)]
pub(crate) struct Bound<'p> {
    /// The set whose time is taken away.
    pub(crate) earlier: usize,
    /// The set whose time it is taken from.
    pub(crate) later: usize,
    /// The least distance.
    pub(crate) from: Option<i64>,
    /// The greatest distance.
    pub(crate) to: Option<i64>,
    /// The condition or key that says so.
    pub(crate) of: &'p dyn Tree,
    /// Where.
    pub(crate) span: Span,
    /// What the bound does not say exactly.
    pub(crate) note: Option<Diagnostic>,
}

impl std::fmt::Debug for Bound<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}..{:?} {}", self.earlier, self.from, self.to, self.later)
    }
}

/// Times of sets, each with a sign, and a length of time.
#[derive(Clone, Debug, Default)]
struct Sum {
    /// How often the time of each set is in it; sets that are not are left out.
    times: Vec<(usize, i64)>,
    ticks: i64,
    of_group: Option<End>,
}

/// A sum that is compared with a constant.
struct Compared {
    sum: Sum,
    /// The constant is in units of this length.
    unit: i64,
    /// It counts the borders of units that lie between.
    borders: bool,
    /// It has no sign.
    absolute: bool,
}

/// The bound that a condition is, if it is one.
pub(crate) fn distance<'p, T: Times<'p>>(times: &T, expr: &'p Expr, at: T::At) -> Option<Distance> {
    let reader = Reader { times, fuel: Cell::new(FUEL) };
    let (expr, at) = reader.resolved(expr, at)?;
    let ExprKind::Compare { op, left, right } = &expr.kind else { return None };
    let (op, compared, limit) = match (reader.length(right, &at, 0), reader.length(left, &at, 0)) {
        (Some(limit), None) => (*op, reader.compared(left, &at)?, limit),
        (None, Some(limit)) => (op.mirrored(), reader.compared(right, &at)?, limit),
        (None, None) => {
            let (left, right) = (reader.sum(left, &at, 0)?, reader.sum(right, &at, 0)?);
            (*op, Compared::of(left.minus(&right)?), 0)
        }
        (Some(_), Some(_)) => return None,
    };
    let (earlier, later) = match compared.sum.times.as_slice() {
        [(later, 1), (earlier, -1)] | [(earlier, -1), (later, 1)] => (*earlier, *later),
        _ => return None,
    };
    // The sum is the time of the later one less that of the earlier one, and a constant.
    let limit = limit.checked_mul(compared.unit)?.checked_sub(compared.sum.ticks)?;
    let unit = if compared.borders { compared.unit } else { 0 };
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
    if compared.absolute {
        // Far apart in either direction is no window.
        let to_only = to.filter(|_| from.is_none() || op == CompareOp::Eq)?;
        (from, to) = (Some(to_only.checked_neg()?), Some(to_only));
    }
    let strict = matches!(op, CompareOp::Lt | CompareOp::Gt);
    let (of_group, borders) = (compared.sum.of_group, compared.borders);
    Some(Distance { earlier, later, from, to, of_group, borders, strict })
}

struct Reader<'t, T> {
    times: &'t T,
    /// How many expressions may still be looked at: columns can stand for sums of columns that stand for sums.
    fuel: Cell<u32>,
}

impl<'p, T: Times<'p>> Reader<'_, T> {
    /// What a computed column stands for.
    fn resolved(&self, expr: &'p Expr, at: T::At) -> Option<(&'p Expr, T::At)> {
        let (mut expr, mut at) = (expr, at);
        for _ in 0..DEPTH {
            self.fuel.set(self.fuel.get().checked_sub(1)?);
            let ExprKind::Column(column) = &expr.kind else { return Some((expr, at)) };
            match self.times.computed(column, &at) {
                Some(found) => (expr, at) = found,
                None => return Some((expr, at)),
            }
        }
        None
    }

    /// A constant length of time, or a number.
    fn length(&self, expr: &'p Expr, at: &T::At, depth: u32) -> Option<i64> {
        let (expr, at) = self.resolved(expr, at.clone())?;
        if let ExprKind::Negate(inner) = &expr.kind
            && depth < DEPTH
        {
            return self.length(inner, &at, depth + 1)?.checked_neg();
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

    fn compared(&self, expr: &'p Expr, at: &T::At) -> Option<Compared> {
        let (expr, at) = self.resolved(expr, at.clone())?;
        if let (Some("abs"), ExprKind::Call { args, .. }) = (self.times.function(expr), &expr.kind) {
            let inner = self.compared(args.first()?, &at)?;
            return Some(Compared { absolute: true, ..inner });
        }
        if let (Some("datetime_diff"), ExprKind::Call { args, .. }) = (self.times.function(expr), &expr.kind)
            && let [unit, left, right] = args.as_slice()
        {
            let sum = self.sum(left, &at, 0)?.minus(&self.sum(right, &at, 0)?)?;
            return Some(Compared { unit: unit_ticks(unit.as_str()?)?, borders: true, ..Compared::of(sum) });
        }
        if let ExprKind::Arithmetic { op: ArithmeticOp::Divide, left, right } = &expr.kind
            && left.ty == ScalarType::Timespan
            && let ExprKind::Literal(Literal::Timespan(ticks @ 1..)) = self.resolved(right, at.clone())?.0.kind
        {
            return Some(Compared { unit: ticks, ..self.compared(left, &at)? });
        }
        Some(Compared::of(self.sum(expr, &at, 0)?))
    }

    /// An expression as a sum of times.
    fn sum(&self, expr: &'p Expr, at: &T::At, depth: u32) -> Option<Sum> {
        if depth > DEPTH {
            return None;
        }
        let (expr, at) = self.resolved(expr, at.clone())?;
        match &expr.kind {
            ExprKind::Column(column) => {
                let TimeOf { set, of_group } = self.times.time(column, &at)?;
                Some(Sum { times: vec![(set, 1)], ticks: 0, of_group })
            }
            ExprKind::Literal(Literal::Timespan(ticks)) => Some(Sum { ticks: *ticks, ..Sum::default() }),
            ExprKind::Negate(inner) => Sum::default().minus(&self.sum(inner, &at, depth + 1)?),
            ExprKind::Arithmetic { op: ArithmeticOp::Add, left, right } => {
                let right = Sum::default().minus(&self.sum(right, &at, depth + 1)?)?;
                self.sum(left, &at, depth + 1)?.minus(&right)
            }
            ExprKind::Arithmetic { op: ArithmeticOp::Subtract, left, right } => {
                let right = self.sum(right, &at, depth + 1)?;
                self.sum(left, &at, depth + 1)?.minus(&right)
            }
            ExprKind::Call { args, .. } => match (self.times.function(expr), args.as_slice()) {
                (Some("datetime_add"), [unit, count, of]) => {
                    let (Some(Literal::Long(count)), Some(unit)) = (count.as_literal(), unit.as_str()) else {
                        return None;
                    };
                    let mut sum = self.sum(of, &at, depth + 1)?;
                    sum.ticks = sum.ticks.checked_add(unit_ticks(unit)?.checked_mul(*count)?)?;
                    Some(sum)
                }
                (Some("todatetime" | "totimespan"), [of]) => self.sum(of, &at, depth + 1),
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

impl Compared {
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
        self.of_group = self.of_group.or(other.of_group);
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

/// Bounds between sets of events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds<'p>(pub(crate) Vec<Bound<'p>>);

impl Bounds<'_> {
    /// The distance in time of two sets: of the later one from the earlier one.
    pub(crate) fn between(&self, earlier: usize, later: usize) -> (Option<i64>, Option<i64>) {
        let (mut from, mut to): (Option<i64>, Option<i64>) = (None, None);
        for bound in &self.0 {
            let (low, high) = if (bound.earlier, bound.later) == (earlier, later) {
                (bound.from, bound.to)
            } else if (bound.later, bound.earlier) == (earlier, later) {
                (bound.to.map(i64::wrapping_neg), bound.from.map(i64::wrapping_neg))
            } else {
                continue;
            };
            from = from.max(low);
            to = match (to, high) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        (from, to)
    }

    /// Whether the events of one set are known to lie before those of another one. A bound on one side only, as in
    /// `T2 - T1 < 5m`, is meant so.
    pub(crate) fn precedes(&self, earlier: usize, later: usize) -> bool {
        match self.between(earlier, later) {
            (Some(from), _) => from >= 0,
            (None, Some(to)) => to > 0,
            (None, None) => false,
        }
    }

    /// The sets in the order of time, if each is known to follow the one before it. Sets that are `missing` are those
    /// without an event: they may follow any other and be first nowhere.
    pub(crate) fn order(&self, sets: usize, missing: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
        let mut rest: Vec<usize> = (0..sets).collect();
        let mut out: Vec<usize> = Vec::with_capacity(rest.len());
        let precedes = |earlier: usize, later: usize| missing(later) || self.precedes(earlier, later);
        while !rest.is_empty() {
            let at = rest.iter().position(|set| {
                let follows = out.last().is_none_or(|last| precedes(*last, *set));
                let first = |other: &usize| other == set || missing(*other) || !precedes(*other, *set);
                follows && rest.iter().all(first)
            })?;
            out.push(rest.remove(at));
        }
        Some(out)
    }

    /// The time from the first to the last set at most, and whether that is just what the hunt says.
    pub(crate) fn span(&self, order: &[usize]) -> (Option<i64>, bool) {
        let [first, .., last] = order else { return (None, true) };
        if let Some(to) = self.between(*first, *last).1 {
            return (Some(to), order.len() == 2);
        }
        let mut sum = 0_i64;
        for pair in order.windows(2) {
            let [a, b] = pair else { continue };
            match self.between(*a, *b).1 {
                Some(to) => sum = sum.saturating_add(to),
                None => return (None, true),
            }
        }
        (Some(sum), order.len() == 2)
    }
}
