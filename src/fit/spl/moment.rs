//! Moments and windows: the time range of the base search, and moments as seconds since 1970.
//!
//! Splunk snaps times to the user's time zone and reads `latest` as exclusive; KQL's days are those of UTC and its bounds
//! say themselves whether they belong to the window.
//! See <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/time-format-variables-and-modifiers/time-modifiers>.

use super::form::{call, floor, number};
use super::predicate::Condition;
use super::tree::{Command, Comparison, EvalExpr, Name, Operator, Order, SearchExpr};
use super::{Fit, Fitter};
use crate::diagnostic::{Code, Effect};
pub(super) use crate::fit::seconds;
use crate::fit::{Window, moment_text};
use crate::plan::{
    Bound, CalendarUnit, Expr, ExprKind, Moment, ScalarType, TICKS_PER_DAY, TICKS_PER_SECOND, TimeRange,
    UNIX_EPOCH_TICKS,
};
use crate::source::Span;

impl<'a> Fitter<'a, '_> {
    /// Says the window in front of a pipeline in the base search. `earliest` alone would end at now, and `latest` alone
    /// would begin where the user's time picker does, so that an open end is written out.
    pub(super) fn leading_window(&mut self, window: &Window<'_>) -> Fit<()> {
        if window.is_open() {
            return Ok(());
        }
        for condition in &window.conditions {
            self.ledger.carried(condition.id);
            self.implied(window, condition);
        }
        let open = |latest: bool, value: &str| vec![SearchExpr::Time { latest, value: value.to_owned() }];
        let mut terms = window.from.map_or_else(|| open(false, "1"), |bound| bound_terms(bound, false));
        terms.extend(window.to.map_or_else(|| open(true, "+10y"), |bound| bound_terms(bound, true)));
        // The modifiers first, then what they can not say.
        terms.sort_by_key(|term| !matches!(term, SearchExpr::Time { .. }));
        self.window = terms;
        self.model_window(window)?;
        let mut cuts = Vec::new();
        for (bound, lower) in [(window.from, true), (window.to, false)] {
            if let Some(bound) = bound
                && let Moment::Relative { floor: Some(_), .. } = bound.moment
            {
                let moment = self.moment(bound.moment, bound.span)?;
                let order = order_of(lower, bound.inclusive);
                cuts.push(EvalExpr::compare(Comparison::Order(order), EvalExpr::Field(Name::of("_time")), moment));
            }
        }
        if !cuts.is_empty() {
            self.commands.push(Command::Where(EvalExpr::all(cuts)));
        }
        Ok(())
    }

    /// Notes a bound that a tighter one implies.
    fn implied(&mut self, window: &Window<'_>, condition: &Expr) {
        let ExprKind::Time(range) = &condition.kind else { return };
        for (own, chosen) in [(&range.from, window.from), (&range.to, window.to)] {
            if let (Some(own), Some(chosen)) = (own, chosen)
                && !std::ptr::eq(own, chosen)
            {
                self.note(Code::Expanded, Effect::Exact, own.span, "a tighter bound of time implies this one");
            }
        }
    }

    /// A condition on the event's time that is not part of the window.
    pub(super) fn time(&mut self, expr: &Expr, range: &TimeRange) -> Fit<Condition> {
        let column = Expr { kind: ExprKind::Column(range.column.clone()), ty: ScalarType::Datetime, ..expr.clone() };
        let value = self.operand(&column)?;
        let mut parts = Vec::new();
        for (bound, lower) in [(&range.from, true), (&range.to, false)] {
            let Some(bound) = bound else { continue };
            let order = order_of(lower, bound.inclusive);
            let order = if range.negated { opposite(order) } else { order };
            let moment = self.moment(bound.moment, bound.span)?;
            parts.push(EvalExpr::compare(Comparison::Order(order), value.clone(), moment));
        }
        Ok(Condition::eval(if range.negated { EvalExpr::any(parts) } else { EvalExpr::all(parts) }))
    }

    /// A moment in seconds since 1970.
    pub(super) fn moment(&mut self, moment: Moment, span: Span) -> Fit<EvalExpr> {
        let now = || call("now", []);
        let moved = |base: EvalExpr, ticks: i64| match ticks {
            0 => base,
            ticks if ticks < 0 => {
                EvalExpr::arithmetic(Operator::Subtract, base, number(seconds(ticks.saturating_neg())))
            }
            ticks => EvalExpr::arithmetic(Operator::Add, base, number(seconds(ticks))),
        };
        match moment {
            Moment::Absolute(ticks) => Ok(number(epoch(ticks))),
            Moment::Relative { offset, floor: None, after } => Ok(moved(now(), offset.saturating_add(after))),
            Moment::Relative { offset, floor: Some(unit), after } => {
                let base = moved(now(), offset);
                let start = self.start_of(base, unit, span);
                Ok(moved(start, after))
            }
        }
    }
}

/// The start of a calendar unit in UTC; `None` where its length is not fixed.
pub(super) fn floor_to(time: EvalExpr, unit: CalendarUnit) -> Option<EvalExpr> {
    match unit {
        CalendarUnit::Hour => Some(floor_by(time, 3600)),
        CalendarUnit::Day => Some(floor_by(time, 86_400)),
        // The first Sunday of 1970 was the 4th of January, three days after the epoch.
        CalendarUnit::Week => {
            let shifted = EvalExpr::arithmetic(Operator::Subtract, time, number(259200));
            let start = floor_by(shifted, 604_800);
            Some(EvalExpr::arithmetic(Operator::Add, start, number(259200)))
        }
        CalendarUnit::Month | CalendarUnit::Year => None,
    }
}

/// `floor(time / seconds) * seconds`
fn floor_by(time: EvalExpr, size: i64) -> EvalExpr {
    floor_multiple(time, number(size))
}

/// `floor(value / size) * size`
pub(super) fn floor_multiple(value: EvalExpr, size: EvalExpr) -> EvalExpr {
    let quotient = EvalExpr::arithmetic(Operator::Divide, value, size.clone());
    EvalExpr::arithmetic(Operator::Multiply, floor(quotient), size)
}

/// The base search's terms for a bound that [`moment_text`] has words for.
fn bound_terms(bound: &Bound, latest: bool) -> Vec<SearchExpr> {
    let time = |value: String| SearchExpr::Time { latest, value };
    match bound.moment {
        Moment::Absolute(ticks) => {
            // A modifier reads whole seconds: the window is opened to the next one and cut by the time itself.
            let unix = ticks.saturating_sub(UNIX_EPOCH_TICKS);
            let whole = unix.rem_euclid(TICKS_PER_SECOND) == 0;
            let second = unix.div_euclid(TICKS_PER_SECOND);
            let cut = match (latest, bound.inclusive) {
                (false, true) if whole => None,
                (true, false) if whole => None,
                (false, true) => Some(Order::Ge),
                (false, false) => Some(Order::Gt),
                (true, true) => Some(Order::Le),
                (true, false) => Some(Order::Lt),
            };
            let modifier = if latest && cut.is_some() { second.saturating_add(1) } else { second };
            let mut terms = vec![time(modifier.to_string())];
            terms.extend(cut.map(|order| SearchExpr::Order(Name::of("_time"), order, epoch(ticks))));
            terms
        }
        Moment::Relative { offset, floor, after } => {
            // Splunk snaps to the user's midnight: the window is opened by the unit, and `where` cuts it in UTC.
            let unit = floor.map_or(0, |unit| match unit {
                CalendarUnit::Hour => TICKS_PER_DAY / 24,
                CalendarUnit::Day => TICKS_PER_DAY,
                CalendarUnit::Week => TICKS_PER_DAY.saturating_mul(7),
                CalendarUnit::Month => TICKS_PER_DAY.saturating_mul(31),
                CalendarUnit::Year => TICKS_PER_DAY.saturating_mul(366),
            });
            let opened = if latest { offset } else { offset.saturating_sub(unit) };
            let moment = Moment::Relative { offset: opened, floor: None, after };
            // `now-5d` without its `now`.
            let text = moment_text(moment).unwrap_or_default();
            let text = text.strip_prefix("now").filter(|rest| !rest.is_empty()).unwrap_or(&text);
            vec![time(text.to_owned())]
        }
    }
}

pub(super) fn order_of(lower: bool, inclusive: bool) -> Order {
    match (lower, inclusive) {
        (true, true) => Order::Ge,
        (true, false) => Order::Gt,
        (false, true) => Order::Le,
        (false, false) => Order::Lt,
    }
}

fn opposite(order: Order) -> Order {
    match order {
        Order::Lt => Order::Ge,
        Order::Le => Order::Gt,
        Order::Gt => Order::Le,
        Order::Ge => Order::Lt,
    }
}

/// Seconds since 1970 of a datetime.
pub(super) fn epoch(ticks: i64) -> String {
    seconds(ticks.saturating_sub(UNIX_EPOCH_TICKS))
}

/// A span of time that divides a day, so that KQL's count from year 1 and Splunk's from 1970 cut at the same places.
pub(super) fn divides_day(ticks: i64) -> bool {
    ticks > 0 && TICKS_PER_DAY % ticks == 0
}
