//! Dates, clock times and their texts, in ticks of 100 ns since 0001-01-01 UTC. Nothing of expressions.

use crate::plan::{CalendarUnit, TICKS_PER_DAY, TICKS_PER_SECOND};

/// Ticks of one hour.
pub(super) const TICKS_PER_HOUR: i64 = 3_600 * TICKS_PER_SECOND;
/// Ticks of one minute.
pub(super) const TICKS_PER_MINUTE: i64 = 60 * TICKS_PER_SECOND;
/// The last tick of 9999-12-31.
const LAST_TICK: i64 = 3_652_059 * TICKS_PER_DAY - 1;

/// The ticks, if KQL's `datetime` can hold them.
pub(super) fn in_range(ticks: i64) -> Option<i64> {
    (0..=LAST_TICK).contains(&ticks).then_some(ticks)
}

/// Days from 0001-01-01 to the first day of a month; months beyond 1 to 12 reach into other years.
fn month_start(year: i64, month: i64) -> i64 {
    let months = year * 12 + (month - 1);
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    // Years that begin in March put the leap day at the end.
    let (year, shifted) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * shifted + 2) / 5 - 306
}

/// Year and month (1 to 12) of a day counted from 0001-01-01.
fn year_month(day: i64) -> (i64, i64) {
    // The average length of a year in days is 365.2425; the guess is at most one off.
    let mut year = day * 10_000 / 3_652_425 + 1;
    while month_start(year + 1, 1) <= day {
        year += 1;
    }
    while month_start(year, 1) > day {
        year -= 1;
    }
    let month = (1..=12).rev().find(|month| month_start(year, *month) <= day).unwrap_or(1);
    (year, month)
}

/// The datetime of a date and a clock time, if it exists.
pub(super) fn civil(year: i64, month: i64, day: i64, hour: i64, minute: i64, second_ticks: i64) -> Option<i64> {
    let exists = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && day >= 1
        && day <= month_start(year, month + 1) - month_start(year, month)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..TICKS_PER_MINUTE).contains(&second_ticks);
    exists.then(|| {
        (month_start(year, month) + day - 1) * TICKS_PER_DAY
            + hour * TICKS_PER_HOUR
            + minute * TICKS_PER_MINUTE
            + second_ticks
    })
}

/// The start of the unit that holds a datetime, moved by whole units. A week begins on Sunday.
pub(super) fn start_of(unit: CalendarUnit, ticks: i64, by: i64) -> Option<i64> {
    if !(0..=LAST_TICK).contains(&ticks) || by.unsigned_abs() > 1_000_000 {
        return None;
    }
    let day = ticks / TICKS_PER_DAY;
    let start = match unit {
        CalendarUnit::Hour => (ticks / TICKS_PER_HOUR + by) * TICKS_PER_HOUR,
        CalendarUnit::Day => (day + by) * TICKS_PER_DAY,
        // 0001-01-01 is a Monday.
        CalendarUnit::Week => (day - (day + 1) % 7 + 7 * by) * TICKS_PER_DAY,
        CalendarUnit::Month => {
            let (year, month) = year_month(day);
            month_start(year, month + by).checked_mul(TICKS_PER_DAY)?
        }
        CalendarUnit::Year => month_start(year_month(day).0 + by, 1).checked_mul(TICKS_PER_DAY)?,
    };
    (0..=LAST_TICK + 1).contains(&start).then_some(start)
}

/// A number of exactly so many digits at the head of a text, and the rest.
fn digits(text: &str, count: usize) -> Option<(i64, &str)> {
    let head = text.get(..count)?;
    if !head.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((head.parse().ok()?, text.get(count..)?))
}

/// `SS[.fffffff]` in ticks, and the rest.
fn seconds(text: &str) -> Option<(i64, &str)> {
    let (whole, rest) = digits(text, 2)?;
    let Some(fraction) = rest.strip_prefix('.') else { return Some((whole * TICKS_PER_SECOND, rest)) };
    let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=7).contains(&length) {
        return None;
    }
    let (value, rest) = digits(fraction, length)?;
    let scale = 10i64.checked_pow(u32::try_from(7 - length).ok()?)?;
    Some((whole * TICKS_PER_SECOND + value * scale, rest))
}

/// Reads ISO 8601 in UTC: `2024-05-01`, `2024-05-01 12:30`, `2024-05-01T12:30:15.5Z`. Whatever else KQL reads
/// (<https://learn.microsoft.com/kusto/query/scalar-data-types/datetime>) gives `None`.
pub(super) fn parse_datetime(text: &str) -> Option<i64> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    if rest.is_empty() {
        return civil(year, month, day, 0, 0, 0);
    }
    let (hour, rest) = digits(rest.strip_prefix(['T', ' '])?, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => seconds(rest)?,
        None => (0, rest),
    };
    matches!(rest, "" | "Z").then(|| civil(year, month, day, hour, minute, second))?
}

/// Reads `[-][d.]hh:mm:ss[.fffffff]`.
///
/// <https://learn.microsoft.com/kusto/query/totimespan-function>
pub(super) fn parse_timespan(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (days, rest) = match rest.split_once('.') {
        Some((days, rest)) if !days.contains(':') => {
            if days.is_empty() || days.len() > 7 || !days.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            (days.parse::<i64>().ok()?, rest)
        }
        Some(_) | None => (0, rest),
    };
    let (hours, rest) = digits(rest, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = seconds(rest.strip_prefix(':')?)?;
    if !rest.is_empty() || hours > 23 || minutes > 59 || second >= TICKS_PER_MINUTE {
        return None;
    }
    Some(sign * (days * TICKS_PER_DAY + hours * TICKS_PER_HOUR + minutes * TICKS_PER_MINUTE + second))
}

/// `2017-10-15T12:00:00.0000000Z`
///
/// <https://learn.microsoft.com/kusto/query/reverse-function> shows the text of a datetime.
pub(super) fn format_datetime(ticks: i64) -> Option<String> {
    let day = in_range(ticks)? / TICKS_PER_DAY;
    let (year, month) = year_month(day);
    let day = day - month_start(year, month) + 1;
    let clock = ticks % TICKS_PER_DAY;
    let (hour, minute) = (clock / TICKS_PER_HOUR, clock / TICKS_PER_MINUTE % 60);
    let (second, fraction) = (clock / TICKS_PER_SECOND % 60, clock % TICKS_PER_SECOND);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:07}Z"))
}

/// `[-][d.]hh:mm:ss[.fffffff]`
///
/// <https://learn.microsoft.com/kusto/query/strcat-delim-function> shows the text of a timespan.
pub(super) fn format_timespan(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let ticks = ticks.unsigned_abs();
    let (day, hour, minute, second) = (
        TICKS_PER_DAY.unsigned_abs(),
        TICKS_PER_HOUR.unsigned_abs(),
        TICKS_PER_MINUTE.unsigned_abs(),
        TICKS_PER_SECOND.unsigned_abs(),
    );
    let days = if ticks >= day { format!("{}.", ticks / day) } else { String::new() };
    let fraction = if ticks.is_multiple_of(second) { String::new() } else { format!(".{:07}", ticks % second) };
    let (hours, minutes, seconds) = (ticks / hour % 24, ticks / minute % 60, ticks / second % 60);
    format!("{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::UNIX_EPOCH_TICKS;

    #[test]
    fn dates_are_counted_from_the_first_day_of_year_one() {
        assert_eq!(parse_datetime("0001-01-01"), Some(0));
        assert_eq!(parse_datetime("1970-01-01"), Some(UNIX_EPOCH_TICKS));
        assert_eq!(parse_datetime("9999-12-31T23:59:59.9999999Z"), Some(LAST_TICK));
        assert_eq!(parse_datetime("2023-02-29"), None);
        assert_eq!(parse_datetime("2024-13-01"), None);
        assert_eq!(parse_datetime("2024-05-01T12:30:15.5+01:00"), None);
    }

    #[test]
    fn texts_come_back() {
        for text in ["2024-02-29T23:59:59.0000001Z", "2000-03-01T00:00:00.0000000Z", "1900-12-31T12:30:00.5000000Z"] {
            assert_eq!(format_datetime(parse_datetime(text).unwrap()).as_deref(), Some(text));
        }
        for text in ["00:00:01", "1.02:03:04", "-00:30:00", "14.00:00:00", "00:00:00.0010000"] {
            assert_eq!(format_timespan(parse_timespan(text).unwrap()), text);
        }
        assert_eq!(parse_timespan("1:2:3"), None);
        assert_eq!(parse_timespan("25:00:00"), None);
    }

    #[test]
    fn units_start_where_the_documentation_says() {
        let at = parse_datetime("2017-01-01T10:10:17").unwrap();
        let start = |unit, by| format_datetime(start_of(unit, at, by).unwrap()).unwrap();
        assert_eq!(start(CalendarUnit::Week, -1), "2016-12-25T00:00:00.0000000Z");
        assert_eq!(start(CalendarUnit::Week, 1), "2017-01-08T00:00:00.0000000Z");
        assert_eq!(start(CalendarUnit::Month, -1), "2016-12-01T00:00:00.0000000Z");
        assert_eq!(start(CalendarUnit::Month, 1), "2017-02-01T00:00:00.0000000Z");
        assert_eq!(start(CalendarUnit::Year, -1), "2016-01-01T00:00:00.0000000Z");
        assert_eq!(start(CalendarUnit::Hour, 0), "2017-01-01T10:00:00.0000000Z");
        for day in (0..3_652_059).step_by(13) {
            let (year, month) = year_month(day);
            assert!((month_start(year, month)..month_start(year, month + 1)).contains(&day), "{day}");
        }
    }
}
