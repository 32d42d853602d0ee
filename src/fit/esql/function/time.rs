//! Functions of times. ES|QL's clock is UTC and counts milliseconds; a length of time is a number of them.
//!
//! See <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/date-time-functions>.

use super::dynamic::concat;
use crate::diagnostic::{Code, Effect};
use crate::fit::esql::moment::{moved, span, start_of};
use crate::fit::esql::scope::{Form, converted};
use crate::fit::esql::tree::{Expr, Name, Operator, Unit};
use crate::fit::esql::value::milliseconds;
use crate::fit::esql::{Fit, Fitter, Unsayable, unwritten};
use crate::plan::{CalendarUnit, Expr as Meant, ScalarType, TICKS_PER_DAY, TICKS_PER_SECOND, Value};

const MILLISECOND: i64 = TICKS_PER_SECOND / 1000;

impl<'a> Fitter<'a, '_> {
    pub(super) fn time_call(&mut self, expr: &Meant, name: &str, args: &[Meant]) -> Fit<Option<Expr>> {
        let edge = match name {
            "startofday" | "endofday" => Some(CalendarUnit::Day),
            "startofweek" | "endofweek" => Some(CalendarUnit::Week),
            "startofmonth" | "endofmonth" => Some(CalendarUnit::Month),
            "startofyear" | "endofyear" => Some(CalendarUnit::Year),
            _ => None,
        };
        if let (Some(unit), [value, offset @ ..]) = (edge, args) {
            return self.edge(expr, name.starts_with("end"), unit, value, offset.first()).map(Some);
        }
        Ok(Some(match (name, args) {
            ("bin" | "floor", [value, size]) => self.bin(expr, value, size)?,
            ("bin_at", [value, size, at]) => self.bin_at(expr, value, size, at)?,
            ("hourofday", [value]) => self.time_part(expr, "hour", value)?,
            ("dayofmonth", [value]) => self.time_part(expr, "day", value)?,
            ("dayofyear", [value]) => self.time_part(expr, "dayofyear", value)?,
            ("getmonth" | "monthofyear", [value]) => self.time_part(expr, "month", value)?,
            ("getyear", [value]) => self.time_part(expr, "year", value)?,
            ("week_of_year", [value]) => self.time_part(expr, "week_of_year", value)?,
            ("dayofweek", [value]) => {
                // Sunday is day 7; KQL gives the time since Sunday.
                let day = Expr::call("DATE_EXTRACT", [Expr::text("day_of_week"), self.value(value)?]);
                let since = Expr::arithmetic(Operator::Modulo, day, Expr::number(7));
                Expr::arithmetic(Operator::Multiply, since, milliseconds(TICKS_PER_DAY))
            }
            ("datetime_part", [part, value]) => {
                let name = self.unit_name(expr, part)?;
                self.time_part(expr, &name, value)?
            }
            ("datetime_diff", [part, later, earlier]) => {
                let name = self.unit_name(expr, part)?;
                self.difference(expr, &name, later, earlier)?
            }
            ("datetime_add", [part, count, value]) => {
                let name = self.unit_name(expr, part)?;
                self.added(expr, &name, count, value)?
            }
            ("format_datetime", [value, format]) => {
                let Some(pattern) = format.as_str().and_then(java_format) else {
                    return Err(unwritten(format.span, "this format of a time"));
                };
                self.ledger.carried(format.id);
                Expr::call("DATE_FORMAT", [Expr::Text(pattern), self.value(value)?])
            }
            ("make_datetime", [year, month, day, rest @ ..]) if rest.len() < 4 => {
                let mut pieces = Vec::new();
                let mut pattern = String::from("yyyy-M-d");
                for (index, part) in [year, month, day].into_iter().chain(rest).enumerate() {
                    let (before, letters) = match index {
                        0 => ("", ""),
                        1 | 2 => ("-", ""),
                        3 => (" ", " H"),
                        4 => (":", ":m"),
                        _ => (":", ":s"),
                    };
                    pieces.push(Expr::text(before));
                    let value = self.operand(part)?;
                    pieces.push(match value {
                        Expr::Number(number) => Expr::Text(number),
                        value => converted(value, Form::Long, Form::Keyword),
                    });
                    pattern.push_str(letters);
                }
                Expr::call("DATE_PARSE", [Expr::Text(pattern), concat(pieces)])
            }
            ("make_timespan", [hours, minutes, rest @ ..]) if rest.len() < 2 => {
                let mut sum = scaled(self.operand(hours)?, 3_600_000);
                for (part, size) in std::iter::once(minutes).chain(rest).zip([60_000, 1000]) {
                    sum = Expr::arithmetic(Operator::Add, sum, scaled(self.operand(part)?, size));
                }
                sum
            }
            ("unixtime_seconds_todatetime", [value]) => {
                let since = scaled(self.operand(value)?, 1000);
                let whole = matches!(value.ty, ScalarType::Int | ScalarType::Long);
                Expr::call("TO_DATETIME", [if whole { since } else { Expr::call("TO_LONG", [since]) }])
            }
            ("unixtime_milliseconds_todatetime", [value]) => {
                let since = self.operand(value)?;
                let whole = matches!(value.ty, ScalarType::Int | ScalarType::Long);
                Expr::call("TO_DATETIME", [if whole { since } else { Expr::call("TO_LONG", [since]) }])
            }
            ("unixtime_microseconds_todatetime" | "unixtime_nanoseconds_todatetime", [value]) => {
                let message = "Elasticsearch cuts a time to milliseconds";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                let size = if name.contains("micro") { 1000 } else { 1_000_000 };
                let since = Expr::arithmetic(Operator::Divide, self.operand(value)?, Expr::number(size));
                Expr::call("TO_DATETIME", [Expr::call("TO_LONG", [since])])
            }
            ("now", []) => Expr::Call("NOW", Vec::new()),
            ("now" | "ago", [by]) => {
                let op = if name == "ago" { Operator::Subtract } else { Operator::Add };
                let now = Expr::call("TO_LONG", [Expr::Call("NOW", Vec::new())]);
                Expr::call("TO_DATETIME", [Expr::arithmetic(op, now, self.operand(by)?)])
            }
            ("ingestion_time", []) => self.ingestion_time(expr)?,
            _ => return Ok(None),
        }))
    }

    /// The name of a unit, which is a constant.
    fn unit_name(&mut self, expr: &Meant, part: &Meant) -> Fit<String> {
        let Some(name) = part.as_str() else { return Err(unwritten(expr.span, "a computed unit of time")) };
        self.ledger.carried(part.id);
        Ok(name.to_ascii_lowercase())
    }

    /// `ingestion_time()`
    fn ingestion_time(&mut self, expr: &Meant) -> Fit<Expr> {
        if !self.scope.events || self.tables.is_empty() {
            return Err(unwritten(expr.span, "the time of ingestion of what is no event"));
        }
        if self.fields.keeps_names() {
            let message = "the time of the event stands for that of its ingestion, which this schema does not hold";
            self.note(Code::Approximated, Effect::Unsure, expr.span, message);
            return Ok(Expr::Field(Name::time()));
        }
        let message = "field `event.ingested` is there where the pipeline of the integration sets it";
        self.note(Code::FieldCaveat, Effect::Unsure, expr.span, message);
        Name::new("event.ingested").map(Expr::Field).ok_or_else(|| unwritten(expr.span, "this field"))
    }

    /// `startofday(time, offset)` and its like.
    fn edge(
        &mut self,
        expr: &Meant,
        end: bool,
        unit: CalendarUnit,
        value: &Meant,
        offset: Option<&Meant>,
    ) -> Fit<Expr> {
        let start = start_of(self.value(value)?, unit);
        let count = match offset {
            None => 0,
            Some(offset) => {
                let Some(Value::Long(count)) = offset.as_literal() else {
                    return Err(unwritten(offset.span, "a computed number of days, weeks, months or years"));
                };
                self.ledger.carried(offset.id);
                *count
            }
        };
        let count = count.saturating_add(i64::from(end));
        let shifted = match unit {
            CalendarUnit::Hour => moved(start, count.saturating_mul(3600 * TICKS_PER_SECOND)),
            CalendarUnit::Day => moved(start, count.saturating_mul(TICKS_PER_DAY)),
            CalendarUnit::Week => moved(start, count.saturating_mul(7 * TICKS_PER_DAY)),
            CalendarUnit::Month => calendar(start, count, Unit::Month),
            CalendarUnit::Year => calendar(start, count, Unit::Year),
        };
        if !end {
            return Ok(shifted);
        }
        let message = "the end is the last millisecond, as exact as times of Elasticsearch are; in KQL it is the last tenth of a microsecond";
        self.note(Code::Approximated, Effect::Exact, expr.span, message);
        Ok(moved(shifted, -MILLISECOND))
    }

    /// A part of a time as a number.
    fn time_part(&mut self, expr: &Meant, part: &str, value: &Meant) -> Fit<Expr> {
        let name = match part {
            "year" => "year",
            "month" | "quarter" => "month_of_year",
            "day" => "day_of_month",
            "dayofyear" => "day_of_year",
            "hour" => "hour_of_day",
            "minute" => "minute_of_hour",
            "second" => "second_of_minute",
            "millisecond" => "milli_of_second",
            "microsecond" => "micro_of_second",
            "nanosecond" => "nano_of_second",
            "week_of_year" | "weekofyear" | "week" => {
                let message =
                    "whether the first week of a year is that of ISO 8601 depends on the locale of Elasticsearch";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                let week = Expr::call("DATE_FORMAT", [Expr::text("w"), self.value(value)?]);
                return Ok(Expr::call("TO_LONG", [week]));
            }
            _ => return Err(unwritten(expr.span, format!("part `{part}` of a time"))),
        };
        if matches!(part, "microsecond" | "nanosecond") {
            self.note(Code::Approximated, Effect::Unsure, expr.span, "Elasticsearch cuts a time to milliseconds");
        }
        let number = Expr::call("DATE_EXTRACT", [Expr::text(name), self.value(value)?]);
        if part == "quarter" {
            let later = Expr::arithmetic(Operator::Add, number, Expr::number(2));
            return Ok(Expr::arithmetic(Operator::Divide, later, Expr::number(3)));
        }
        Ok(number)
    }

    /// `datetime_diff(unit, later, earlier)`: how many boundaries of the unit lie between the two.
    fn difference(&mut self, expr: &Meant, part: &str, later: &Meant, earlier: &Meant) -> Fit<Expr> {
        let cut = |time: Expr| -> Option<(Expr, &'static str)> {
            let trunc = |count, unit| Expr::call("DATE_TRUNC", [Expr::Span(count, unit), time.clone()]);
            Some(match part {
                "year" => (trunc(1, Unit::Year), "year"),
                "quarter" => (trunc(3, Unit::Month), "quarter"),
                "month" => (trunc(1, Unit::Month), "month"),
                "week" => (start_of(time, CalendarUnit::Week), "week"),
                "day" => (trunc(1, Unit::Day), "day"),
                "hour" => (trunc(1, Unit::Hour), "hour"),
                "minute" => (trunc(1, Unit::Minute), "minute"),
                _ => return None,
            })
        };
        let (later_value, earlier_value) = (self.value(later)?, self.value(earlier)?);
        if let (Some((later, unit)), Some((earlier, _))) = (cut(later_value.clone()), cut(earlier_value.clone())) {
            return Ok(Expr::call("DATE_DIFF", [Expr::text(unit), earlier, later]));
        }
        // `DATE_DIFF` gives 32 bits, which a month of milliseconds leaves.
        let since = |time: Expr| Expr::call("TO_LONG", [time]);
        let (times, by) = match part {
            "second" => {
                let whole = |time: Expr| since(Expr::call("DATE_TRUNC", [Expr::Span(1, Unit::Second), time]));
                let apart = Expr::arithmetic(Operator::Subtract, whole(later_value), whole(earlier_value));
                return Ok(Expr::arithmetic(Operator::Divide, apart, Expr::number(1000)));
            }
            "millisecond" => (Operator::Multiply, 1),
            "microsecond" => (Operator::Multiply, 1000),
            "nanosecond" => (Operator::Multiply, 1_000_000),
            _ => return Err(unwritten(expr.span, format!("the unit `{part}`"))),
        };
        if by > 1 {
            self.note(Code::Approximated, Effect::Unsure, expr.span, "Elasticsearch cuts a time to milliseconds");
        }
        let apart = Expr::arithmetic(Operator::Subtract, since(later_value), since(earlier_value));
        Ok(if by == 1 { apart } else { Expr::arithmetic(times, apart, Expr::number(by)) })
    }

    /// `datetime_add(unit, count, time)`
    fn added(&mut self, expr: &Meant, part: &str, count: &Meant, value: &Meant) -> Fit<Expr> {
        let time = self.value(value)?;
        let ticks = match part {
            "week" => 7 * TICKS_PER_DAY,
            "day" => TICKS_PER_DAY,
            "hour" => 3600 * TICKS_PER_SECOND,
            "minute" => 60 * TICKS_PER_SECOND,
            "second" => TICKS_PER_SECOND,
            "millisecond" => MILLISECOND,
            "month" | "quarter" | "year" => 0,
            _ => return Err(unwritten(expr.span, format!("the unit `{part}`"))),
        };
        if let Some(Value::Long(number)) = count.as_literal() {
            self.ledger.carried(count.id);
            return Ok(match part {
                "month" => calendar(time, *number, Unit::Month),
                "quarter" => calendar(time, number.saturating_mul(3), Unit::Month),
                "year" => calendar(time, *number, Unit::Year),
                _ => moved(time, number.saturating_mul(ticks)),
            });
        }
        if ticks == 0 {
            let message = "a computed number of months or years can not be added to a time in ES|QL";
            return Err(Unsayable::new(Code::RefusedFunction, expr.span, message));
        }
        let by = scaled(self.operand(count)?, ticks / MILLISECOND);
        let since = converted(time, Form::Date, Form::Long);
        Ok(Expr::call("TO_DATETIME", [Expr::arithmetic(Operator::Add, since, by)]))
    }

    /// `bin_at(value, size, at)`
    fn bin_at(&mut self, expr: &Meant, value: &Meant, size: &Meant, at: &Meant) -> Fit<Expr> {
        let time = value.ty == ScalarType::Datetime;
        let number = |fitter: &mut Self, part: &Meant| {
            if part.ty == ScalarType::Datetime { fitter.since_epoch(part) } else { fitter.operand(part) }
        };
        let (value, at) = (number(self, value)?, number(self, at)?);
        let size = match size.as_literal() {
            Some(Value::Timespan(ticks)) => {
                self.ledger.carried(size.id);
                milliseconds(*ticks)
            }
            Some(_) | None => self.operand(size)?,
        };
        let apart = converted(Expr::arithmetic(Operator::Subtract, value, at.clone()), Form::Keyword, Form::Double);
        let count = Expr::call("FLOOR", [Expr::arithmetic(Operator::Divide, apart, size.clone())]);
        let start = Expr::arithmetic(Operator::Add, Expr::arithmetic(Operator::Multiply, count, size), at);
        let whole = matches!(expr.ty, ScalarType::Int | ScalarType::Long | ScalarType::Timespan);
        Ok(match (time, whole) {
            (true, _) => Expr::call("TO_DATETIME", [Expr::call("TO_LONG", [start])]),
            (false, true) => Expr::call("TO_LONG", [start]),
            (false, false) => start,
        })
    }

    /// `bin(value, size)`
    fn bin(&mut self, expr: &Meant, value: &Meant, size: &Meant) -> Fit<Expr> {
        if value.ty == ScalarType::Datetime {
            let Some(Value::Timespan(ticks)) = size.as_literal() else {
                return Err(unwritten(size.span, "a `bin` by what is no constant length of time"));
            };
            self.ledger.carried(size.id);
            let time = self.value(value)?;
            // KQL counts from the year 1, a Monday, and ES|QL from 1970: both cut weeks at Mondays and days at midnight.
            let alike = *ticks > 0 && (TICKS_PER_DAY % ticks == 0 || *ticks == TICKS_PER_DAY * 7);
            if !alike {
                self.approximated(expr, "bins that do not divide a day begin at other times than in KQL");
            }
            if (1..MILLISECOND).contains(ticks) {
                self.approximated(expr, "Elasticsearch cuts a time to milliseconds");
                return Ok(time);
            }
            let Some(size) = span(*ticks) else {
                return Err(unwritten(size.span, "a `bin` of less than a millisecond"));
            };
            return Ok(Expr::call("DATE_TRUNC", [size, time]));
        }
        let (a, size_value) = (self.operand(value)?, self.operand(size)?);
        let size_value = match size.as_literal() {
            Some(Value::Timespan(ticks)) => milliseconds(*ticks),
            Some(_) | None => size_value,
        };
        let quotient =
            Expr::arithmetic(Operator::Divide, converted(a, Form::Keyword, Form::Double), size_value.clone());
        let whole = Expr::arithmetic(Operator::Multiply, Expr::call("FLOOR", [quotient]), size_value);
        let integer = matches!(expr.ty, ScalarType::Int | ScalarType::Long | ScalarType::Timespan);
        Ok(if integer { Expr::call("TO_LONG", [whole]) } else { whole })
    }
}

/// A time moved by units of the calendar.
fn calendar(time: Expr, count: i64, unit: Unit) -> Expr {
    if count == 0 {
        return time;
    }
    let op = if count < 0 { Operator::Subtract } else { Operator::Add };
    Expr::arithmetic(op, time, Expr::Span(count.unsigned_abs(), unit))
}

/// `count * size`, computed where the count is constant.
fn scaled(count: Expr, size: i64) -> Expr {
    match count {
        count if size == 1 => count,
        Expr::Number(text) => match text.parse::<i64>() {
            Ok(count) => Expr::number(count.saturating_mul(size)),
            Err(_) => Expr::arithmetic(Operator::Multiply, Expr::Number(text), Expr::number(size)),
        },
        count => Expr::arithmetic(Operator::Multiply, count, Expr::number(size)),
    }
}

/// A format of KQL in the letters of `java.time`; `None` where one has no counterpart.
fn java_format(format: &str) -> Option<String> {
    const SAME: [&str; 11] = ["yyyy", "yy", "MM", "M", "dd", "d", "HH", "H", "mm", "m", "ss"];
    let mut out = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let run: String = rest.chars().take_while(|char| *char == first).collect();
        if SAME.contains(&run.as_str()) || matches!(run.as_str(), "hh" | "h" | "s") {
            out.push_str(&run);
        } else if run == "tt" {
            out.push('a');
        } else if first == 'f' && run.len() <= 7 {
            out.push_str(&"S".repeat(run.len()));
        } else if matches!(first, ' ' | '/' | '-' | ':' | ',' | '.' | '_') {
            out.push_str(&run);
        } else if matches!(first, '[' | ']') {
            out.push_str(&format!("'{run}'"));
        } else {
            return None;
        }
        rest = rest.get(run.len()..)?;
    }
    Some(out)
}
