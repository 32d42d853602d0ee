//! Moments and windows of the event's time.

use super::compare::is_constant;
use super::{Builder, calendar, literal};
use crate::plan::{
    ArithmeticOp, Bound, CalendarUnit, ColumnRef, CompareOp, Expr, ExprKind, Moment, ScalarType, TICKS_PER_DAY,
    TICKS_PER_SECOND, TimeRange, Value,
};

impl Builder<'_> {
    /// The event's time, if this is it.
    fn time_column<'e>(&self, expr: &'e Expr) -> Option<&'e ColumnRef> {
        expr.as_column().filter(|column| self.time_columns.contains(&column.name))
    }

    /// A comparison of the event's time with a moment. `!=` is none: it keeps a null.
    pub(super) fn time_range(&self, op: CompareOp, subject: &Expr, moment: &Expr) -> Option<TimeRange> {
        let column = self.time_column(subject)?.clone();
        let at = as_moment(moment)?;
        let bound = |inclusive| Some(Bound { moment: at, inclusive, span: moment.span });
        let (from, to) = match op {
            CompareOp::Eq => (bound(true), bound(true)),
            CompareOp::Ne => return None,
            CompareOp::Lt => (None, bound(false)),
            CompareOp::Le => (None, bound(true)),
            CompareOp::Gt => (bound(false), None),
            CompareOp::Ge => (bound(true), None),
        };
        Some(TimeRange { column, from, to, negated: false })
    }

    /// `between` of the event's time and two moments.
    pub(super) fn time_window(&self, subject: &Expr, low: &Expr, high: &Expr) -> Option<TimeRange> {
        let column = self.time_column(subject)?.clone();
        let bound = |expr: &Expr| Some(Bound { moment: as_moment(expr)?, inclusive: true, span: expr.span });
        Some(TimeRange { column, from: Some(bound(low)?), to: Some(bound(high)?), negated: false })
    }
}

/// The opposite of a window. With one end it is the other side of it; the outside of a single moment is `!=`, which keeps
/// a null as KQL does.
pub(super) fn negate(range: TimeRange) -> ExprKind {
    let flip = |bound: Bound| Bound { inclusive: !bound.inclusive, ..bound };
    match (range.from, range.to, range.negated) {
        (Some(from), None, false) => {
            ExprKind::Time(TimeRange { column: range.column, from: None, to: Some(flip(from)), negated: false })
        }
        (None, Some(to), false) => {
            ExprKind::Time(TimeRange { column: range.column, from: Some(flip(to)), to: None, negated: false })
        }
        (Some(from), Some(to), false) if from == to && from.inclusive => ExprKind::Compare {
            op: CompareOp::Ne,
            left: Box::new(Expr::new(ExprKind::Column(range.column), ScalarType::Datetime, from.span)),
            right: Box::new(moment(from.moment, from.span)),
        },
        (from, to, negated) => ExprKind::Time(TimeRange { column: range.column, from, to, negated: !negated }),
    }
}

/// An expression of a moment.
pub(super) fn moment(moment: Moment, span: crate::source::Span) -> Expr {
    match moment {
        Moment::Absolute(ticks) => literal(Value::Datetime(ticks), ScalarType::Datetime, span),
        Moment::Relative { .. } => Expr::new(ExprKind::Moment(moment), ScalarType::Datetime, span),
    }
}

/// The moment, if this is one.
pub(super) fn as_moment(expr: &Expr) -> Option<Moment> {
    if let ExprKind::Moment(moment) = &expr.kind {
        return Some(*moment);
    }
    if let Some(Value::Datetime(ticks)) = expr.as_literal() { Some(Moment::Absolute(*ticks)) } else { None }
}

/// The timespan, if this is a constant one.
fn as_timespan(expr: &Expr) -> Option<i64> {
    if let Some(Value::Timespan(ticks)) = expr.as_literal() { Some(*ticks) } else { None }
}

/// The integer, if this is a constant one.
pub(super) fn as_long(expr: &Expr) -> Option<i64> {
    if let Some(Value::Long(value)) = expr.as_literal() { Some(*value) } else { None }
}

/// A moment that many ticks later.
fn later(moment: Moment, ticks: i64) -> Option<Moment> {
    Some(match moment {
        Moment::Absolute(at) => Moment::Absolute(calendar::in_range(at.checked_add(ticks)?)?),
        Moment::Relative { offset, floor: None, after } => {
            Moment::Relative { offset: offset.checked_add(ticks)?, floor: None, after }
        }
        Moment::Relative { offset, floor: Some(unit), after } => {
            Moment::Relative { offset, floor: Some(unit), after: after.checked_add(ticks)? }
        }
    })
}

/// Moment ± timespan, and the distance of two moments that move together.
pub(super) fn shifted(op: ArithmeticOp, left: &Expr, right: &Expr) -> Option<ExprKind> {
    match op {
        ArithmeticOp::Add => {
            let (base, by) = match (as_moment(left), as_timespan(right)) {
                (Some(base), Some(by)) => (base, by),
                _ => (as_moment(right)?, as_timespan(left)?),
            };
            Some(moment(later(base, by)?, left.span).kind)
        }
        ArithmeticOp::Subtract => {
            let base = as_moment(left)?;
            if let Some(by) = as_timespan(right) {
                return Some(moment(later(base, by.checked_neg()?)?, left.span).kind);
            }
            match (base, as_moment(right)?) {
                (
                    Moment::Relative { offset: a, floor: None, after: c },
                    Moment::Relative { offset: b, floor: None, after: d },
                ) => Some(ExprKind::Literal(Value::Timespan(a.checked_add(c)?.checked_sub(b.checked_add(d)?)?))),
                (
                    Moment::Relative { offset: a, floor: Some(unit), after: c },
                    Moment::Relative { offset: b, floor: Some(other), after: d },
                ) if a == b && unit == other => Some(ExprKind::Literal(Value::Timespan(c.checked_sub(d)?))),
                (Moment::Absolute(_) | Moment::Relative { .. }, Moment::Absolute(_) | Moment::Relative { .. }) => None,
            }
        }
        ArithmeticOp::Multiply | ArithmeticOp::Divide | ArithmeticOp::Modulo => None,
    }
}

/// Ticks of a unit that is always as long.
fn ticks_of(unit: CalendarUnit) -> Option<i64> {
    match unit {
        CalendarUnit::Hour => Some(calendar::TICKS_PER_HOUR),
        CalendarUnit::Day => Some(TICKS_PER_DAY),
        CalendarUnit::Week => Some(7 * TICKS_PER_DAY),
        CalendarUnit::Month | CalendarUnit::Year => None,
    }
}

/// Whether every start of `coarse` is a start of `fine`.
fn divides(fine: CalendarUnit, coarse: CalendarUnit) -> bool {
    use CalendarUnit::{Day, Hour, Month, Week, Year};
    let units: &[CalendarUnit] = match coarse {
        Hour => &[Hour],
        Day => &[Hour, Day],
        Week => &[Hour, Day, Week],
        Month => &[Hour, Day, Month],
        Year => &[Hour, Day, Month, Year],
    };
    units.contains(&fine)
}

/// The start of a unit, moved by whole units, if a [`Moment`] can say it.
pub(super) fn start_of(unit: CalendarUnit, at: Moment, by: i64) -> Option<Moment> {
    let floored = match at {
        Moment::Absolute(ticks) => {
            let start = calendar::start_of(unit, ticks, by)?;
            return later(Moment::Absolute(0), start);
        }
        Moment::Relative { offset, floor: None, after } => {
            Moment::Relative { offset: offset.checked_add(after)?, floor: Some(unit), after: 0 }
        }
        // What follows the cut is cut by itself where the cut is at a start of the unit too.
        Moment::Relative { offset, floor: Some(coarse), after } if divides(unit, coarse) => {
            let length = ticks_of(unit);
            let after = match length {
                Some(length) => after.checked_sub(after.rem_euclid(length))?,
                None if after == 0 => 0,
                None => return None,
            };
            Moment::Relative { offset, floor: Some(coarse), after }
        }
        // The start of a month of the start of a day is the start of that month.
        Moment::Relative { offset, floor: Some(fine), after: 0 } if divides(fine, unit) => {
            Moment::Relative { offset, floor: Some(unit), after: 0 }
        }
        Moment::Relative { .. } => return None,
    };
    match (by, ticks_of(unit)) {
        (0, _) => Some(floored),
        (_, Some(length)) => later(floored, length.checked_mul(by)?),
        (_, None) => None,
    }
}

/// The calendar functions of constants: the moment that a call denotes.
pub(super) fn call(name: &str, args: &[Expr]) -> Option<Moment> {
    use CalendarUnit::{Day, Month, Week, Year};
    let relative = |offset| Moment::Relative { offset, floor: None, after: 0 };
    match (name, args) {
        ("now", []) => Some(relative(0)),
        ("now", [by]) => Some(relative(as_timespan(by)?)),
        ("ago", [by]) => Some(relative(as_timespan(by)?.checked_neg()?)),
        ("startofday", args) => start(Day, args),
        ("startofweek", args) => start(Week, args),
        ("startofmonth", args) => start(Month, args),
        ("startofyear", args) => start(Year, args),
        ("endofday", args) => end(Day, args),
        ("endofweek", args) => end(Week, args),
        ("endofmonth", args) => end(Month, args),
        ("endofyear", args) => end(Year, args),
        ("bin" | "floor", [at, size]) => {
            let (at, size) = (as_moment(at)?, as_timespan(size)?);
            match (at, size) {
                // Bins of a datetime begin at 0001-01-01; hours and days are cut where the calendar cuts them.
                (Moment::Absolute(ticks), 1..) => later(Moment::Absolute(0), ticks - ticks.rem_euclid(size)),
                (Moment::Relative { .. }, calendar::TICKS_PER_HOUR) => start_of(CalendarUnit::Hour, at, 0),
                (Moment::Relative { .. }, TICKS_PER_DAY) => start_of(Day, at, 0),
                (Moment::Absolute(_) | Moment::Relative { .. }, _) => None,
            }
        }
        ("datetime_add", [period, amount, at]) => added(period.as_str()?, as_long(amount)?, as_moment(at)?),
        ("make_datetime", args) => made(args),
        ("unixtime_seconds_todatetime", [at]) => since_epoch(as_long(at)?, TICKS_PER_SECOND),
        ("unixtime_milliseconds_todatetime", [at]) => since_epoch(as_long(at)?, TICKS_PER_SECOND / 1_000),
        ("unixtime_microseconds_todatetime", [at]) => since_epoch(as_long(at)?, TICKS_PER_SECOND / 1_000_000),
        _ => None,
    }
}

/// `startof…(date[, offset])`
fn start(unit: CalendarUnit, args: &[Expr]) -> Option<Moment> {
    match args {
        [at] => start_of(unit, as_moment(at)?, 0),
        [at, by] => start_of(unit, as_moment(at)?, as_long(by)?),
        _ => None,
    }
}

/// `endof…(date[, offset])`: the tick before the next start. The end of a month that is not fixed can not be said.
fn end(unit: CalendarUnit, args: &[Expr]) -> Option<Moment> {
    let (at, by) = match args {
        [at] => (as_moment(at)?, 0),
        [at, by] => (as_moment(at)?, as_long(by)?),
        _ => return None,
    };
    if let Moment::Absolute(ticks) = at {
        let next = calendar::start_of(unit, ticks, by.checked_add(1)?)?;
        return later(Moment::Absolute(0), next.checked_sub(1)?);
    }
    later(start_of(unit, at, by.checked_add(1)?)?, -1)
}

/// `datetime_add(period, amount, date)`; months are added to fixed dates only, and only where the day exists in every
/// month.
///
/// <https://learn.microsoft.com/kusto/query/datetime-add-function>
fn added(period: &str, amount: i64, at: Moment) -> Option<Moment> {
    let ticks = match period.to_ascii_lowercase().as_str() {
        "week" => 7 * TICKS_PER_DAY,
        "day" => TICKS_PER_DAY,
        "hour" => calendar::TICKS_PER_HOUR,
        "minute" => calendar::TICKS_PER_MINUTE,
        "second" => TICKS_PER_SECOND,
        "millisecond" => TICKS_PER_SECOND / 1_000,
        "microsecond" => TICKS_PER_SECOND / 1_000_000,
        "month" => return months(at, amount),
        "quarter" => return months(at, amount.checked_mul(3)?),
        "year" => return months(at, amount.checked_mul(12)?),
        _ => return None,
    };
    later(at, ticks.checked_mul(amount)?)
}

fn months(at: Moment, amount: i64) -> Option<Moment> {
    let Moment::Absolute(ticks) = at else { return None };
    let into = ticks - calendar::start_of(CalendarUnit::Month, ticks, 0)?;
    if into >= 28 * TICKS_PER_DAY {
        return None;
    }
    later(Moment::Absolute(calendar::start_of(CalendarUnit::Month, ticks, amount)?), into)
}

/// `make_datetime(year, month, day[, hour, minute[, second]])`
///
/// <https://learn.microsoft.com/kusto/query/make-datetime-function>
fn made(args: &[Expr]) -> Option<Moment> {
    let part = |index: usize| args.get(index).map_or(Some(0), as_long);
    if !matches!(args.len(), 3 | 5 | 6) || !args.iter().all(is_constant) {
        return None;
    }
    let second = part(5)?.checked_mul(TICKS_PER_SECOND)?;
    calendar::civil(part(0)?, part(1)?, part(2)?, part(3)?, part(4)?, second).map(Moment::Absolute)
}

fn since_epoch(count: i64, unit: i64) -> Option<Moment> {
    later(Moment::Absolute(crate::plan::UNIX_EPOCH_TICKS), count.checked_mul(unit)?)
}
