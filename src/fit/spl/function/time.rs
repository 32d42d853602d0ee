//! Functions of time. Where arithmetic gives KQL's answer in UTC it is used; `strftime` and `relative_time` read the time
//! in the user's time zone, which is noted.
//!
//! See <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/time-format-variables-and-modifiers/date-and-time-format-variables>.

use super::form::{add, call, divide, floor, modulo, multiply, number, subtract, text};
use crate::diagnostic::{Code, Effect};
use crate::fit::spl::moment::{divides_day, floor_multiple, floor_to, seconds};
use crate::fit::spl::tree::{EvalExpr, Name};
use crate::fit::spl::{Fit, Fitter, Unsayable};
use crate::plan::{CalendarUnit, Expr, ScalarType, TICKS_PER_SECOND, UNIX_EPOCH_TICKS, Value};
use crate::source::Span;

/// Seconds of a week, and of the days before the first Sunday of 1970.
const WEEK: u32 = 604_800;
const FIRST_SUNDAY: u32 = 259_200;
/// Seconds from the year 1 to 1970.
const EPOCH: i64 = UNIX_EPOCH_TICKS / TICKS_PER_SECOND;

impl<'a> Fitter<'a, '_> {
    pub(super) fn time_call(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Fit<Option<EvalExpr>> {
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
            ("bin" | "floor", [value, size]) => self.bin(value, size)?,
            ("bin_at", [value, size, at]) => {
                let (value, size, at) = (self.operand(value)?, self.operand(size)?, self.operand(at)?);
                add(floor_multiple(subtract(value, at.clone()), size), at)
            }
            ("hourofday", [value]) => self.time_part(expr, "hour", value)?,
            ("dayofmonth", [value]) => self.time_part(expr, "day", value)?,
            ("dayofyear", [value]) => self.time_part(expr, "dayofyear", value)?,
            ("getmonth" | "monthofyear", [value]) => self.time_part(expr, "month", value)?,
            ("getyear", [value]) => self.time_part(expr, "year", value)?,
            ("week_of_year", [value]) => self.time_part(expr, "week_of_year", value)?,
            ("dayofweek", [value]) => {
                // The first day of 1970 was a Thursday; KQL gives the time since Sunday.
                let days = floor(divide(self.operand(value)?, number(86_400)));
                multiply(modulo(add(days, number(4)), number(7)), number(86_400))
            }
            ("datetime_part", [part, value]) => {
                let Some(part_name) = part.as_str().map(str::to_ascii_lowercase) else {
                    return Err(Unsayable::not_yet(expr.span, "a computed part of a time"));
                };
                self.ledger.carried(part.id);
                self.time_part(expr, &part_name, value)?
            }
            ("datetime_diff", [part, later, earlier]) => {
                let Some(part_name) = part.as_str().map(str::to_ascii_lowercase) else {
                    return Err(Unsayable::not_yet(expr.span, "a difference in a computed unit"));
                };
                self.ledger.carried(part.id);
                let later = self.periods(expr, &part_name, later)?;
                let earlier = self.periods(expr, &part_name, earlier)?;
                subtract(later, earlier)
            }
            ("datetime_add", [part, count, value]) => {
                let Some(part_name) = part.as_str().map(str::to_ascii_lowercase) else {
                    return Err(Unsayable::not_yet(expr.span, "a sum in a computed unit"));
                };
                self.ledger.carried(part.id);
                let (count, value) = (self.operand(count)?, self.operand(value)?);
                match unit_seconds(&part_name) {
                    Some(size) => add(value, scaled(count, size)),
                    None => {
                        let (unit, times) = match part_name.as_str() {
                            "month" => ("mon", 1),
                            "quarter" => ("mon", 3),
                            "year" => ("y", 1),
                            _ => return Err(Unsayable::not_yet(expr.span, format!("the unit `{part_name}`"))),
                        };
                        self.zone(expr.span, "relative_time");
                        let count = if times == 1 { count } else { multiply(count, number(times)) };
                        let by = match count {
                            EvalExpr::Number(count) if !count.starts_with('-') => text(format!("+{count}{unit}")),
                            EvalExpr::Number(count) => text(format!("{count}{unit}")),
                            count => call("printf", [text(format!("%+d{unit}")), count]),
                        };
                        call("relative_time", [value, by])
                    }
                }
            }
            ("format_datetime", [value, format]) => {
                let Some(format) = format.as_str().and_then(strftime).inspect(|_| self.ledger.carried(format.id))
                else {
                    return Err(Unsayable::not_yet(expr.span, "this format of a time"));
                };
                self.zone(expr.span, "strftime");
                let value = self.operand(value)?;
                call("strftime", [value, text(format)])
            }
            ("format_timespan", [value, format]) => {
                let whole = format.as_str().is_some_and(|text| matches!(text, "hh:mm:ss" | "d.hh:mm:ss" | "HH:mm:ss"));
                self.carry(format);
                if !whole {
                    let message = "the span of time has Splunk's format `d+hh:mm:ss` with a dot instead of the plus";
                    self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                }
                self.span_text(value)?
            }
            ("make_datetime", [year, month, day, rest @ ..]) if rest.len() < 4 => {
                let mut parts = Vec::new();
                for part in [year, month, day].into_iter().chain(rest) {
                    parts.push(self.operand(part)?);
                }
                parts.resize(6, number(0));
                let second = parts.pop().unwrap_or_else(|| number(0));
                let mut values = vec![text("%04d-%02d-%02d %02d:%02d:00+0000")];
                values.extend(parts);
                let start = call("strptime", [EvalExpr::Call("printf", values), text("%Y-%m-%d %H:%M:%S%z")]);
                add(start, second)
            }
            ("make_timespan", [hours, minutes, rest @ ..]) if rest.len() < 2 => {
                let hours = multiply(self.operand(hours)?, number(3600));
                let minutes = multiply(self.operand(minutes)?, number(60));
                let sum = add(hours, minutes);
                match rest.first() {
                    Some(rest) => add(sum, self.operand(rest)?),
                    None => sum,
                }
            }
            ("make_timespan", [days, hours, minutes, rest]) => {
                let parts = [(days, 86_400), (hours, 3600), (minutes, 60), (rest, 1)];
                let mut sum = number(0);
                for (part, size) in parts {
                    sum = add(scaled(self.operand(part)?, f64::from(size)), sum);
                }
                sum
            }
            ("unixtime_seconds_todatetime", [value]) => self.operand(value)?,
            ("unixtime_milliseconds_todatetime", [value]) => divide(self.operand(value)?, number(1000)),
            ("unixtime_microseconds_todatetime", [value]) => divide(self.operand(value)?, number(1_000_000)),
            ("unixtime_nanoseconds_todatetime", [value]) => divide(self.operand(value)?, number(1_000_000_000)),
            ("now", []) => call("now", []),
            ("now", [offset]) => add(call("now", []), self.operand(offset)?),
            ("ago", [span]) => subtract(call("now", []), self.operand(span)?),
            ("ingestion_time", []) => {
                let message = "the time at which Splunk indexed the event stands for the time of its ingestion";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                EvalExpr::Field(Name::of("_indextime"))
            }
            _ => return Ok(None),
        }))
    }

    /// The note that a function reads the time in the user's time zone.
    pub(in crate::fit::spl) fn zone(&mut self, span: Span, function: &str) {
        let message = format!("`{function}` works in the time zone of the user, KQL in UTC");
        self.note(Code::UtcDays, Effect::Unsure, span, message);
    }

    /// A value to compute with: a time is in seconds.
    pub(in crate::fit::spl) fn operand(&mut self, expr: &Expr) -> Fit<EvalExpr> {
        let (Some(reference), ScalarType::Datetime | ScalarType::Timespan) = (expr.as_column(), expr.ty) else {
            return self.value(expr);
        };
        self.ledger.carried(expr.id);
        let column = self.column(reference, expr.ty, expr.span)?;
        if column.seconds {
            return Ok(column.value());
        }
        if expr.ty == ScalarType::Timespan {
            let what = format!("arithmetic with column `{}`, a span of time in the form of the site,", reference.name);
            return Err(Unsayable::not_yet(expr.span, what));
        }
        if !column.iso {
            let message = format!("column `{}` is taken to hold ISO 8601 text in UTC", reference.name);
            self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        }
        Ok(self.iso(column.value(), expr.span))
    }

    /// The text of a time: `2024-06-15T12:00:00.0000000Z`.
    pub(super) fn time_text(&mut self, arg: &Expr) -> Fit<EvalExpr> {
        if let Some(reference) = arg.as_column() {
            let column = self.column(reference, arg.ty, arg.span)?;
            if !column.seconds {
                self.ledger.carried(arg.id);
                let message = format!("the text of column `{}` is that of the event", reference.name);
                self.note(Code::Approximated, Effect::Unsure, arg.span, message);
                return Ok(column.value());
            }
        }
        self.zone(arg.span, "strftime");
        let value = self.operand(arg)?;
        Ok(call("strftime", [value, text("%Y-%m-%dT%H:%M:%S.%6N0Z")]))
    }

    /// The start of a calendar unit in UTC.
    pub(in crate::fit::spl) fn start_of(&mut self, time: EvalExpr, unit: CalendarUnit, span: Span) -> EvalExpr {
        if let Some(start) = floor_to(time.clone(), unit) {
            return start;
        }
        self.zone(span, "strftime");
        let format = if unit == CalendarUnit::Year { "%Y-01-01+0000" } else { "%Y-%m-01+0000" };
        call("strptime", [call("strftime", [time, text(format)]), text("%Y-%m-%d%z")])
    }

    /// `startofday(time, offset)` and its like.
    fn edge(
        &mut self,
        expr: &Expr,
        end: bool,
        unit: CalendarUnit,
        value: &Expr,
        offset: Option<&Expr>,
    ) -> Fit<EvalExpr> {
        let value = self.operand(value)?;
        let start = self.start_of(value, unit, expr.span);
        let size = match unit {
            CalendarUnit::Hour => Some(3600),
            CalendarUnit::Day => Some(86_400),
            CalendarUnit::Week => Some(i64::from(WEEK)),
            CalendarUnit::Month | CalendarUnit::Year => None,
        };
        let literal = match offset {
            None => Some(0),
            Some(offset) => {
                if let Some(Value::Long(count)) = offset.as_literal() {
                    Some(*count)
                } else {
                    None
                }
            }
        };
        if let Some(offset) = offset {
            self.ledger.carried(offset.id);
        }
        let ends = i64::from(end);
        let start = match (size, literal) {
            (Some(size), Some(count)) => {
                let moved = count.saturating_add(ends).saturating_mul(size);
                if moved < 0 { subtract(start, number(moved.saturating_neg())) } else { add(start, number(moved)) }
            }
            (Some(size), None) => {
                let Some(offset) = offset else { return Ok(start) };
                let count = add(self.operand(offset)?, number(ends));
                add(start, multiply(count, number(size)))
            }
            (None, Some(count)) => match count.saturating_add(ends) {
                0 => start,
                moved => {
                    let unit = if unit == CalendarUnit::Year { "y" } else { "mon" };
                    self.zone(expr.span, "relative_time");
                    call("relative_time", [start, text(format!("{moved:+}{unit}"))])
                }
            },
            (None, None) => return Err(Unsayable::not_yet(expr.span, "a computed number of months or years")),
        };
        if !end {
            return Ok(start);
        }
        let message =
            "the end is the last microsecond, as exact as Splunk's times are; in KQL it is the last tenth of one";
        self.note(Code::Approximated, Effect::Exact, expr.span, message);
        Ok(subtract(start, number("0.000001")))
    }

    /// `bin(value, size)`
    fn bin(&mut self, value: &Expr, size: &Expr) -> Fit<EvalExpr> {
        let time = value.ty == ScalarType::Datetime;
        let shift = match size.as_literal() {
            _ if !time => number(0),
            Some(Value::Timespan(ticks)) if divides_day(*ticks) => number(0),
            // KQL counts from the year 1.
            Some(Value::Timespan(ticks)) if *ticks > 0 => number(seconds(UNIX_EPOCH_TICKS.rem_euclid(*ticks))),
            Some(_) | None => number(EPOCH),
        };
        let (value, size) = (self.operand(value)?, self.operand(size)?);
        Ok(subtract(floor_multiple(add(value, shift.clone()), size), shift))
    }

    /// A part of a time as a number.
    fn time_part(&mut self, expr: &Expr, part: &str, value: &Expr) -> Fit<EvalExpr> {
        let value = self.operand(value)?;
        let count =
            |size: u32| if size == 1 { floor(value.clone()) } else { floor(divide(value.clone(), number(size))) };
        let format = match part {
            "hour" => return Ok(modulo(count(3600), number(24))),
            "minute" => return Ok(modulo(count(60), number(60))),
            "second" => return Ok(modulo(count(1), number(60))),
            "millisecond" => return Ok(modulo(floor(multiply(value, number(1000))), number(1000))),
            "microsecond" => return Ok(modulo(floor(multiply(value, number(1_000_000))), number(1_000_000))),
            "year" => "%Y",
            "month" => "%m",
            "day" => "%d",
            "dayofyear" => "%j",
            "week_of_year" | "weekofyear" | "week" => "%V",
            "quarter" => {
                self.zone(expr.span, "strftime");
                let month = call("tonumber", [call("strftime", [value, text("%m")])]);
                return Ok(call("ceiling", [divide(month, number(3))]));
            }
            _ => return Err(Unsayable::not_yet(expr.span, format!("part `{part}` of a time"))),
        };
        self.zone(expr.span, "strftime");
        Ok(call("tonumber", [call("strftime", [value, text(format)])]))
    }

    /// How many units have begun until a time, so that a difference counts the boundaries between two.
    fn periods(&mut self, expr: &Expr, part: &str, value: &Expr) -> Fit<EvalExpr> {
        let value = self.operand(value)?;
        let strftime = |format: &str| call("tonumber", [call("strftime", [value.clone(), text(format)])]);
        Ok(match part {
            "week" => floor(divide(subtract(value, number(FIRST_SUNDAY)), number(WEEK))),
            "day" => floor(divide(value, number(86_400))),
            "hour" => floor(divide(value, number(3600))),
            "minute" => floor(divide(value, number(60))),
            "second" => floor(value),
            "millisecond" => floor(multiply(value, number(1000))),
            "microsecond" => floor(multiply(value, number(1_000_000))),
            "nanosecond" => {
                let message = "Splunk's times have microseconds";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                floor(multiply(value, number(1_000_000_000)))
            }
            "year" => {
                self.zone(expr.span, "strftime");
                strftime("%Y")
            }
            "month" => {
                self.zone(expr.span, "strftime");
                add(multiply(strftime("%Y"), number(12)), strftime("%m"))
            }
            "quarter" => {
                self.zone(expr.span, "strftime");
                let quarter = call("ceiling", [divide(strftime("%m"), number(3))]);
                add(multiply(strftime("%Y"), number(4)), quarter)
            }
            _ => return Err(Unsayable::not_yet(expr.span, format!("the unit `{part}`"))),
        })
    }
}

/// Seconds of a unit of fixed length.
fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "week" => 604_800.0,
        "day" => 86_400.0,
        "hour" => 3600.0,
        "minute" => 60.0,
        "second" => 1.0,
        "millisecond" => 0.001,
        "microsecond" => 0.000_001,
        _ => return None,
    })
}

/// `count * size`, computed where the count is constant.
fn scaled(count: EvalExpr, size: f64) -> EvalExpr {
    if size == 1.0 {
        return count;
    }
    if let EvalExpr::Number(text) = &count
        && let Ok(count) = text.parse::<i32>()
    {
        return number(f64::from(count) * size);
    }
    multiply(count, number(size))
}

/// A format of KQL in the variables of `strftime`; `None` where one has no counterpart.
fn strftime(format: &str) -> Option<String> {
    const PARTS: [(&str, &str); 12] = [
        ("yyyy", "%Y"),
        ("yy", "%y"),
        ("MM", "%m"),
        ("dd", "%d"),
        ("HH", "%H"),
        ("hh", "%I"),
        ("mm", "%M"),
        ("ss", "%S"),
        ("tt", "%p"),
        ("fffffff", "%6N0"),
        ("ffffff", "%6N"),
        ("fff", "%3N"),
    ];
    let mut out = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let run: String = rest.chars().take_while(|char| *char == first).collect();
        if let Some((_, part)) = PARTS.iter().find(|(name, _)| *name == run) {
            out.push_str(part);
        } else if matches!(first, ' ' | '/' | '-' | ':' | ',' | '.' | '_' | '[' | ']') {
            out.push_str(&run);
        } else {
            return None;
        }
        rest = rest.get(run.len()..)?;
    }
    Some(out)
}
