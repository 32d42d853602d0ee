//! Moments, windows and arithmetic with times. ES|QL's clock is UTC and counts milliseconds.
//!
//! See <https://www.elastic.co/docs/reference/query-languages/esql/esql-time-spans> and
//! <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/date-time-functions/date_trunc>.

use super::scope::{Form, converted};
use super::tree::{Command, Comparison, Expr, Name, Operator, Unit};
use super::value::milliseconds;
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::fit::{Window, iso8601};
use crate::plan::{
    ArithmeticOp, Bound, CalendarUnit, Expr as Meant, ExprKind, Moment, ScalarType, TICKS_PER_DAY, TICKS_PER_SECOND,
    TimeRange, Value,
};
use crate::source::Span;

impl<'a> Fitter<'a, '_> {
    /// Says the window in front of a pipeline.
    pub(super) fn leading_window(&mut self, window: &Window<'_>) -> Fit<()> {
        if window.is_open() {
            return Ok(());
        }
        for condition in &window.conditions {
            self.ledger.carried(condition.id);
            let ExprKind::Time(range) = &condition.kind else { continue };
            for (own, chosen) in [(&range.from, window.from), (&range.to, window.to)] {
                if let (Some(own), Some(chosen)) = (own, chosen)
                    && !std::ptr::eq(own, chosen)
                {
                    self.note(Code::Expanded, Effect::Exact, own.span, "a tighter bound of time implies this one");
                }
            }
        }
        let time = Expr::Field(Name::time());
        let cuts = self.bounds(&time, window.from, window.to, false)?;
        self.commands.push(Command::Where(Expr::all(cuts)));
        Ok(())
    }

    /// The comparisons of a time with the ends of a window, or with what lies outside of it.
    fn bounds(&mut self, time: &Expr, from: Option<&Bound>, to: Option<&Bound>, outside: bool) -> Fit<Vec<Expr>> {
        let mut parts = Vec::new();
        for (bound, lower) in [(from, true), (to, false)] {
            let Some(bound) = bound else { continue };
            let op = match (lower != outside, bound.inclusive != outside) {
                (true, true) => Comparison::Ge,
                (true, false) => Comparison::Gt,
                (false, true) => Comparison::Le,
                (false, false) => Comparison::Lt,
            };
            let moment = match bound.moment {
                // A text that is compared with a time is read as one.
                Moment::Absolute(ticks) => self.date_text(ticks, bound.span)?,
                moment @ Moment::Relative { .. } => self.moment(moment, bound.span)?,
            };
            parts.push(Expr::compare(op, time.clone(), moment));
        }
        Ok(parts)
    }

    /// A condition on the event's time that is not part of the window.
    pub(super) fn time(&mut self, expr: &Meant, range: &TimeRange) -> Fit<Expr> {
        let column = Meant { kind: ExprKind::Column(range.column.clone()), ty: ScalarType::Datetime, ..expr.clone() };
        let value = self.operand(&column)?;
        let parts = self.bounds(&value, range.from.as_ref(), range.to.as_ref(), range.negated)?;
        Ok(if range.negated { Expr::any(parts) } else { Expr::all(parts) })
    }

    /// A moment.
    pub(super) fn moment(&mut self, moment: Moment, span: Span) -> Fit<Expr> {
        let now = || Expr::Call("NOW", Vec::new());
        Ok(match moment {
            Moment::Absolute(ticks) => {
                let text = self.date_text(ticks, span)?;
                Expr::call("TO_DATETIME", [text])
            }
            Moment::Relative { offset, floor: None, after } => moved(now(), offset.saturating_add(after)),
            Moment::Relative { offset, floor: Some(unit), after } => moved(start_of(moved(now(), offset), unit), after),
        })
    }

    /// A fixed time as a text that ES|QL reads as one.
    pub(super) fn date_text(&mut self, ticks: i64, span: Span) -> Fit<Expr> {
        if ticks % (TICKS_PER_SECOND / 1000) != 0 {
            let message = "Elasticsearch cuts a time to milliseconds";
            self.note(Code::Approximated, Effect::Unsure, span, message);
        }
        let text = iso8601(ticks).ok_or_else(|| {
            Unsayable::new(Code::RefusedPredicate, span, "the time lies beyond those that can be written")
        })?;
        Ok(Expr::Text(text))
    }

    /// Arithmetic in which a time takes part; `None` where there is none.
    pub(super) fn time_arithmetic(
        &mut self,
        expr: &Meant,
        op: ArithmeticOp,
        left: &Meant,
        right: &Meant,
    ) -> Fit<Option<Expr>> {
        let (a, b) = (left.ty == ScalarType::Datetime, right.ty == ScalarType::Datetime);
        let sign = match op {
            ArithmeticOp::Add => 1,
            ArithmeticOp::Subtract => -1,
            ArithmeticOp::Multiply | ArithmeticOp::Divide | ArithmeticOp::Modulo => return Ok(None),
        };
        Ok(match (a, b) {
            (false, false) => None,
            (true, true) if sign < 0 => {
                // Milliseconds since 1970; a difference in a unit of its own would be a 32-bit number.
                let (a, b) = (self.since_epoch(left)?, self.since_epoch(right)?);
                Some(Expr::arithmetic(Operator::Subtract, a, b))
            }
            (true, true) => return Err(Unsayable::new(Code::TypeMismatch, expr.span, "two times have no sum")),
            (false, true) if sign > 0 => Some(self.shifted(right, left, 1)?),
            (false, true) => {
                return Err(Unsayable::new(Code::TypeMismatch, expr.span, "a time is taken from a length"));
            }
            (true, false) => Some(self.shifted(left, right, sign)?),
        })
    }

    /// A time as milliseconds since 1970.
    pub(super) fn since_epoch(&mut self, time: &Meant) -> Fit<Expr> {
        let value = self.value(time)?;
        Ok(converted(value, Form::Date, Form::Long))
    }

    /// A time moved by a length of time.
    fn shifted(&mut self, time: &Meant, by: &Meant, sign: i64) -> Fit<Expr> {
        let value = self.value(time)?;
        if let Some(Value::Timespan(ticks)) = by.as_literal() {
            self.ledger.carried(by.id);
            return Ok(moved(value, ticks.saturating_mul(sign)));
        }
        let by = self.operand(by)?;
        let op = if sign < 0 { Operator::Subtract } else { Operator::Add };
        let since = converted(value, Form::Date, Form::Long);
        Ok(Expr::call("TO_DATETIME", [Expr::arithmetic(op, since, by)]))
    }
}

/// A time moved by ticks.
pub(super) fn moved(time: Expr, ticks: i64) -> Expr {
    if ticks == 0 {
        return time;
    }
    let op = if ticks < 0 { Operator::Subtract } else { Operator::Add };
    match span(ticks.saturating_abs()) {
        Some(span) => Expr::arithmetic(op, time, span),
        None => {
            let since = converted(time, Form::Date, Form::Long);
            Expr::call("TO_DATETIME", [Expr::arithmetic(op, since, milliseconds(ticks.saturating_abs()))])
        }
    }
}

/// A positive length of time in the greatest unit that has a whole number of it; `None` below a millisecond.
pub(super) fn span(ticks: i64) -> Option<Expr> {
    const UNITS: [(i64, Unit); 5] = [
        (TICKS_PER_DAY, Unit::Day),
        (3600 * TICKS_PER_SECOND, Unit::Hour),
        (60 * TICKS_PER_SECOND, Unit::Minute),
        (TICKS_PER_SECOND, Unit::Second),
        (TICKS_PER_SECOND / 1000, Unit::Millisecond),
    ];
    let (size, unit) = UNITS.into_iter().find(|(size, _)| ticks > 0 && ticks % size == 0)?;
    u64::try_from(ticks / size).ok().map(|amount| Expr::Span(amount, unit))
}

/// The start of a calendar unit in UTC. A week of ES|QL begins on Monday, one of KQL on Sunday.
pub(super) fn start_of(time: Expr, unit: CalendarUnit) -> Expr {
    let cut = |unit, time| Expr::call("DATE_TRUNC", [Expr::Span(1, unit), time]);
    match unit {
        CalendarUnit::Hour => cut(Unit::Hour, time),
        CalendarUnit::Day => cut(Unit::Day, time),
        CalendarUnit::Week => moved(cut(Unit::Week, moved(time, TICKS_PER_DAY)), -TICKS_PER_DAY),
        CalendarUnit::Month => cut(Unit::Month, time),
        CalendarUnit::Year => cut(Unit::Year, time),
    }
}
