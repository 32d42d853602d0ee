//! Datetimes and timespans as ticks of 100 ns. Pure functions of texts.

use crate::plan::{TICKS_PER_DAY, TICKS_PER_SECOND};

/// The units of timespan literals, in ticks; one of a nanosecond is less than a tick, so units count hundredths of ticks.
/// See <https://learn.microsoft.com/kusto/query/scalar-data-types/timespan>.
fn unit(name: &str) -> Option<i128> {
    let second = i128::from(TICKS_PER_SECOND) * 100;
    Some(match name {
        "d" | "day" | "days" => second * 86_400,
        "h" | "hr" | "hrs" | "hour" | "hours" => second * 3_600,
        "m" | "min" | "minute" | "minutes" => second * 60,
        "s" | "sec" | "second" | "seconds" => second,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => second / 1_000,
        "micro" | "micros" | "microsecond" | "microseconds" => second / 1_000_000,
        "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1,
        "tick" | "ticks" => 100,
        _ => return None,
    })
}

/// `10ms`, `2.5h`: a number and a unit, without a sign.
pub(super) fn with_unit(text: &str) -> Option<i64> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, name) = text.split_at_checked(at)?;
    let unit = unit(name.trim_start())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.get(..fraction.len().min(18))?;
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scaled = digits.checked_mul(unit)? / 10_i128.checked_pow(fraction.len() as u32)?;
    i64::try_from(scaled / 100).ok()
}

/// The text of `timespan(…)`: `2d`, `-1.02:03:04.5`, `02:03`, or a bare number of days.
pub(super) fn timespan(text: &str) -> Option<i64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text.trim_start()),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let ticks = match text.split_once(':') {
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse::<i64>().ok()?.checked_mul(TICKS_PER_DAY)?
        }
        None => with_unit(text)?,
        Some((first, rest)) => {
            let (days, hours) = first.split_once('.').unwrap_or(("0", first));
            let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "0"));
            let (days, hours, minutes) = (digits(days, 8)?, digits(hours, 2)?, digits(minutes, 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let day = (hours * 60 + minutes) * 60 * TICKS_PER_SECOND + seconds_of(seconds, 59)?;
            days.checked_mul(TICKS_PER_DAY)?.checked_add(day)?
        }
    };
    Some(sign * ticks)
}

/// The text of `datetime(…)`, in ticks since 0001-01-01T00:00:00Z. A text without a zone is in UTC.
/// See <https://learn.microsoft.com/kusto/query/scalar-data-types/datetime>.
pub(super) fn datetime(text: &str) -> Option<i64> {
    let text = match text.split_once(',') {
        // RFC 1123: `Sat, 8 Nov 2014 15:05:02 GMT`
        Some((day, rest)) if day.len() >= 3 && day.bytes().all(|byte| byte.is_ascii_alphabetic()) => rest.trim_start(),
        _ => text,
    };
    let (date, rest) = if text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('/') {
        slashed(text)?
    } else if text.split_whitespace().nth(1).is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphabetic())) {
        named_month(text)?
    } else {
        dashed(text)?
    };
    let rest = rest.trim();
    let (clock, zone) = zone(rest)?;
    let ticks = date.checked_mul(TICKS_PER_DAY)?.checked_add(clock_time(clock)?)?.checked_sub(zone)?;
    (0..=3_155_378_975_999_999_999).contains(&ticks).then_some(ticks)
}

/// `2024-05-31T…`, `2024-05`, `2024`
fn dashed(text: &str) -> Option<(i64, &str)> {
    let end = text.find(['T', 't', ' ']).unwrap_or(text.len());
    let (date, rest) = text.split_at_checked(end)?;
    let mut parts = date.split('-');
    let year = parts.next().filter(|year| year.len() == 4).and_then(|year| digits(year, 4))?;
    let month = parts.next().map_or(Some(1), |month| digits(month, 2))?;
    let day = parts.next().map_or(Some(1), |day| digits(day, 2))?;
    if parts.next().is_some() {
        return None;
    }
    Some((days(year, month, day)?, rest.trim_start_matches(['T', 't', ' '])))
}

/// `5/31/2024 8:30 AM`: month first.
fn slashed(text: &str) -> Option<(i64, &str)> {
    let end = text.find(' ').unwrap_or(text.len());
    let (date, rest) = text.split_at_checked(end)?;
    let mut parts = date.split('/').map(|part| digits(part, 4));
    let (first, second, third) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    let date = if first > 31 { days(first, second, third)? } else { days(third, first, second)? };
    Some((date, rest))
}

/// `8 Nov 2014 15:05:02`
fn named_month(text: &str) -> Option<(i64, &str)> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let (day, rest) = text.split_once(' ')?;
    let (month, rest) = rest.trim_start().split_once(' ')?;
    let rest = rest.trim_start();
    let (year, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let month = month.get(..3)?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|name| **name == month)? as i64 + 1;
    let mut year = digits(year, 4)?;
    if year < 100 {
        year += if year < 50 { 2000 } else { 1900 };
    }
    Some((days(year, month, digits(day, 2)?)?, rest))
}

/// The clock time and the offset of the zone in ticks: `08:30:00Z`, `08:30+02:00`, `8:30 AM`.
fn zone(text: &str) -> Option<(&str, i64)> {
    for name in ["Z", "z", " GMT", " UTC", " UT"] {
        if let Some(clock) = text.strip_suffix(name) {
            return Some((clock.trim_end(), 0));
        }
    }
    let Some(at) = text.rfind(['+', '-']) else { return Some((text, 0)) };
    let (clock, offset) = text.split_at_checked(at)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let offset = offset.get(1..)?;
    let (hours, minutes) = match offset.split_once(':') {
        Some(parts) => parts,
        None if offset.len() == 4 => offset.split_at_checked(2)?,
        None => (offset, "0"),
    };
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    Some((clock.trim_end(), sign * (hours * 60 + minutes) * 60 * TICKS_PER_SECOND))
}

/// `08:30`, `08:30:15.25`, `8:30 PM`; nothing is midnight.
fn clock_time(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let lower = text.to_ascii_lowercase();
    let half = ["am", "pm"].into_iter().find_map(|half| lower.strip_suffix(half).map(|clock| (clock.trim_end(), half)));
    let clock = half.map_or(lower.as_str(), |(clock, _)| clock);
    let (hours, rest) = clock.split_once(':').unwrap_or((clock, "0"));
    let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "0"));
    let (mut hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if let Some((_, half)) = half {
        if !(1..=12).contains(&hours) {
            return None;
        }
        hours = hours % 12 + if half == "pm" { 12 } else { 0 };
    }
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some((hours * 60 + minutes) * 60 * TICKS_PER_SECOND + seconds_of(seconds, 59)?)
}

/// `15.25` seconds in ticks; digits beyond a tick are cut off.
fn seconds_of(text: &str, most: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = digits(whole, 2).filter(|seconds| *seconds <= most)?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded: String = fraction.chars().chain("0000000".chars()).take(7).collect();
    Some(whole * TICKS_PER_SECOND + digits(&padded, 7)?)
}

/// A number of one to `most` digits.
fn digits(text: &str, most: usize) -> Option<i64> {
    if text.is_empty() || text.len() > most || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Days from 0001-01-01 to a date of the proleptic Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = |month: i64| {
        let days = LENGTHS.get((month - 1) as usize).copied().unwrap_or_default();
        if month == 2 && leap { days + 1 } else { days }
    };
    if !(1..=length(month)).contains(&day) {
        return None;
    }
    let before = year - 1;
    Some(before * 365 + before / 4 - before / 100 + before / 400 + (1..month).map(length).sum::<i64>() + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::UNIX_EPOCH_TICKS;

    const HOUR: i64 = 3_600 * TICKS_PER_SECOND;

    #[test]
    fn timespans_of_every_unit() {
        assert_eq!(with_unit("1d"), Some(TICKS_PER_DAY));
        assert_eq!(with_unit("2.5h"), Some(5 * HOUR / 2));
        assert_eq!(with_unit("90min"), Some(3 * HOUR / 2));
        assert_eq!(with_unit("10ms"), Some(100_000));
        assert_eq!(with_unit("5microseconds"), Some(50));
        assert_eq!(with_unit("250nanoseconds"), Some(2));
        assert_eq!(with_unit("3ticks"), Some(3));
        assert_eq!(with_unit("0.1s"), Some(1_000_000));
        assert_eq!(with_unit("1fortnight"), None);
        assert_eq!(with_unit("99999999999d"), None);
    }

    #[test]
    fn timespans_in_parentheses() {
        assert_eq!(timespan("1.02:03:04"), Some(TICKS_PER_DAY + 2 * HOUR + (3 * 60 + 4) * TICKS_PER_SECOND));
        assert_eq!(timespan("-02:00"), Some(-2 * HOUR));
        assert_eq!(timespan("00:00:00.5"), Some(TICKS_PER_SECOND / 2));
        assert_eq!(timespan("3"), Some(3 * TICKS_PER_DAY));
        assert_eq!(timespan("15s"), Some(15 * TICKS_PER_SECOND));
        assert_eq!(timespan("25:00:00"), None);
    }

    #[test]
    fn datetimes_of_every_form() {
        let epoch = UNIX_EPOCH_TICKS;
        assert_eq!(datetime("1970-01-01"), Some(epoch));
        assert_eq!(datetime("1970"), Some(epoch));
        assert_eq!(datetime("1970-01-01T01:00:00Z"), Some(epoch + HOUR));
        assert_eq!(datetime("1970-01-01 01:00"), Some(epoch + HOUR));
        assert_eq!(datetime("1970-01-01T01:00:00.5+01:00"), Some(epoch + TICKS_PER_SECOND / 2));
        assert_eq!(datetime("1/2/1970 1:00 PM"), Some(epoch + TICKS_PER_DAY + 13 * HOUR));
        assert_eq!(datetime("Thu, 01 Jan 1970 01:00:00 GMT"), Some(epoch + HOUR));
        assert_eq!(datetime("2024-02-29").map(|ticks| (ticks - epoch) / TICKS_PER_DAY), Some(19_782));
        assert_eq!(datetime("2023-02-29"), None);
        assert_eq!(datetime("9999-12-31T23:59:59.9999999Z"), Some(3_155_378_975_999_999_999));
        assert_eq!(datetime("yesterday"), None);
    }
}
