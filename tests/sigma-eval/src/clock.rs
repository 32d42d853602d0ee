//! The clock of the cases, which stands still, and the little of a time range that a translation can say.

use huntgate::fit::TimeRange;

/// Now, in seconds since 1970: 2026-03-10T12:00:00Z.
pub const NOW: i64 = 1_773_144_000;

const DAY: i64 = 86_400;

/// A span of time, both ends included; an open end is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First second.
    pub from: Option<i64>,
    /// Last second.
    pub to: Option<i64>,
}

impl Span {
    /// The span of a translation.
    pub fn of(range: Option<&TimeRange>) -> Result<Self, String> {
        let Some(range) = range else { return Ok(Self::default()) };
        let read = |bound: &Option<String>| bound.as_deref().map(moment).transpose();
        Ok(Self { from: read(&range.from)?, to: read(&range.to)? })
    }

    /// Whether a moment lies within.
    pub fn holds(self, moment: i64) -> bool {
        self.from.is_none_or(|from| from <= moment) && self.to.is_none_or(|to| moment <= to)
    }
}

/// `now-5d`, `now-1d/d` or a time as ISO 8601 writes it, in seconds since 1970.
fn moment(text: &str) -> Result<i64, String> {
    let Some(rest) = text.strip_prefix("now") else { return absolute(text) };
    let (by, floor) = match rest.strip_suffix("/d") {
        Some(by) => (by, true),
        None => (rest, false),
    };
    let moment = NOW + if by.is_empty() { 0 } else { offset(by)? };
    Ok(if floor { moment.div_euclid(DAY) * DAY } else { moment })
}

/// `-10m`, `+1d2h`, in seconds.
pub fn offset(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no offset such as `-10m`");
    let (sign, mut rest) = match text.split_at_checked(1) {
        Some(("-", rest)) => (-1, rest),
        Some(("+", rest)) => (1, rest),
        _ => return Err(wrong()),
    };
    let mut seconds = 0;
    while !rest.is_empty() {
        let end = rest.find(|char: char| !char.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = rest.split_at(end);
        let size = match unit.chars().next() {
            Some('d') => DAY,
            Some('h') => 3_600,
            Some('m') => 60,
            Some('s') => 1,
            _ => return Err(wrong()),
        };
        seconds += number.parse::<i64>().map_err(|_| wrong())? * size;
        rest = unit.get(1..).unwrap_or_default();
    }
    Ok(sign * seconds)
}

/// `2024-01-31T12:00:00Z`, with or without a fraction, which is left away.
fn absolute(text: &str) -> Result<i64, String> {
    let read = || -> Option<i64> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let time = time.split('.').next()?;
        let mut time = time.splitn(3, ':').map(|part| part.parse::<i64>().ok());
        let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
        // Days since 1970-03-01 in years that begin in March, so that the day that leap years add is their last.
        let year = if month <= 2 { year - 1 } else { year };
        let month = (month + 9) % 12;
        let leap = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let days = year * 365 + leap + (153 * month + 2) / 5 + day - 1 - 719_468;
        Some(days * DAY + hour * 3_600 + minute * 60 + second)
    };
    read().ok_or_else(|| format!("`{text}` is no moment that the cases can read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        assert_eq!(moment("2026-03-10T12:00:00Z"), Ok(NOW));
        assert_eq!(moment("1970-01-01T00:00:01.5Z"), Ok(1));
        assert_eq!(moment("2024-02-29T00:00:00Z"), Ok(1_709_164_800));
        assert_eq!(moment("now"), Ok(NOW));
        assert_eq!(moment("now-1d/d"), Ok(NOW - DAY - 12 * 3_600));
        assert_eq!(moment("now-90m"), Ok(NOW - 5_400));
        assert_eq!(offset("-1d2h3m4s"), Ok(-(DAY + 7_384)));
        assert!(offset("10m").is_err() && offset("-5").is_err() && moment("yesterday").is_err());
    }
}
