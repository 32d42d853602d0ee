//! Constants as KQL: texts escaped, times and numbers in the one form that is read back to the same value.

use super::Printer;
use crate::plan::{ScalarType, TICKS_PER_DAY, TICKS_PER_SECOND, Value};

impl Printer {
    /// A text in double quotes.
    pub(super) fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.push("\\\""),
                '\\' => self.push("\\\\"),
                '\n' => self.push("\\n"),
                '\r' => self.push("\\r"),
                '\t' => self.push("\\t"),
                c if c.is_control() => self.push(&format!("\\u{:04x}", u32::from(c))),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    pub(super) fn value(&mut self, value: &Value) {
        match value {
            Value::Null(ty) => self.wrapped(ty.name(), "null"),
            Value::Bool(true) => self.push("true"),
            Value::Bool(false) => self.push("false"),
            Value::Long(number) if *number < 0 => self.wrapped("long", &number.to_string()),
            Value::Long(number) => self.push(&number.to_string()),
            Value::Real(number) if number.is_nan() => self.wrapped("real", "nan"),
            Value::Real(number) if number.is_infinite() => {
                self.wrapped("real", if *number > 0.0 { "+inf" } else { "-inf" })
            }
            Value::Real(number) if number.is_sign_negative() => self.wrapped("real", &format!("{number:?}")),
            Value::Real(number) => self.push(&format!("{number:?}")),
            Value::Decimal(number) => self.wrapped("decimal", number),
            Value::String(text) => self.text(text),
            Value::Datetime(ticks) => self.wrapped("datetime", &datetime(*ticks)),
            Value::Timespan(ticks) => self.push(&timespan(*ticks)),
            Value::Guid(guid) => self.wrapped("guid", guid),
            Value::Array(_) | Value::Bag(_) => {
                self.push("dynamic(");
                self.json(value);
                self.push(")");
            }
        }
    }

    /// `int(5)`, `dynamic("a")`
    pub(super) fn typed(&mut self, ty: ScalarType, value: &Value) {
        self.push(ty.name());
        self.push("(");
        self.json(value);
        self.push(")");
    }

    /// A value inside `dynamic(…)`.
    fn json(&mut self, value: &Value) {
        match value {
            Value::Null(ScalarType::Dynamic) => self.push("null"),
            Value::Long(number) => self.push(&number.to_string()),
            Value::Real(number) if number.is_finite() => self.push(&format!("{number:?}")),
            Value::Array(items) => {
                self.push("[");
                self.list(items, Self::json);
                self.push("]");
            }
            Value::Bag(entries) => {
                self.push("{");
                self.list(entries, |printer, (key, value)| {
                    printer.text(key);
                    printer.push(": ");
                    printer.json(value);
                });
                self.push("}");
            }
            value => self.value(value),
        }
    }

    fn wrapped(&mut self, name: &str, text: &str) {
        self.push(name);
        self.push("(");
        self.push(text);
        self.push(")");
    }
}

/// A timespan in the largest unit that divides it; a negative one as a clock.
fn timespan(ticks: i64) -> String {
    const UNITS: [(i64, &str); 7] = [
        (TICKS_PER_DAY, "d"),
        (3_600 * TICKS_PER_SECOND, "h"),
        (60 * TICKS_PER_SECOND, "m"),
        (TICKS_PER_SECOND, "s"),
        (TICKS_PER_SECOND / 1_000, "ms"),
        (TICKS_PER_SECOND / 1_000_000, "microseconds"),
        (1, "ticks"),
    ];
    let size = ticks.unsigned_abs();
    let (unit, name) = match UNITS.into_iter().find(|(unit, _)| size != 0 && size.is_multiple_of(unit.unsigned_abs())) {
        Some((unit, name)) => (unit.unsigned_abs(), name),
        None => (1, "s"),
    };
    let text = format!("{}{name}", size / unit);
    if ticks < 0 { format!("timespan(-{text})") } else { text }
}

/// `2024-05-31`, or `2024-05-31T08:30:00.5Z` where the clock is not at midnight.
fn datetime(ticks: i64) -> String {
    let (mut days, clock) = (ticks.div_euclid(TICKS_PER_DAY), ticks.rem_euclid(TICKS_PER_DAY));
    // Cycles of 400, 100, 4 and 1 years; the last day of a long cycle belongs to its last year.
    let mut year = 1 + days / 146_097 * 400;
    days %= 146_097;
    let centuries = (days / 36_524).min(3);
    year += centuries * 100;
    days -= centuries * 36_524;
    year += days / 1_461 * 4;
    days %= 1_461;
    let years = (days / 365).min(3);
    year += years;
    days -= years * 365;
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let mut month = 1;
    for length in [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let date = format!("{year:04}-{month:02}-{:02}", days + 1);
    if clock == 0 {
        return date;
    }
    let (seconds, fraction) = (clock / TICKS_PER_SECOND, clock % TICKS_PER_SECOND);
    let fraction = format!(".{fraction:07}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{date}T{:02}:{:02}:{:02}{fraction}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::UNIX_EPOCH_TICKS;

    #[test]
    fn times_are_written_short() {
        assert_eq!(timespan(TICKS_PER_DAY * 7), "7d");
        assert_eq!(timespan(90 * 60 * TICKS_PER_SECOND), "90m");
        assert_eq!(timespan(15), "15ticks");
        assert_eq!(timespan(0), "0s");
        assert_eq!(timespan(-TICKS_PER_DAY), "timespan(-1d)");
        assert_eq!(datetime(UNIX_EPOCH_TICKS), "1970-01-01");
        assert_eq!(datetime(UNIX_EPOCH_TICKS + 5_000_000), "1970-01-01T00:00:00.5Z");
        assert_eq!(datetime(UNIX_EPOCH_TICKS + 19_782 * TICKS_PER_DAY), "2024-02-29");
        assert_eq!(datetime(0), "0001-01-01");
        assert_eq!(datetime(3_155_378_975_999_999_999), "9999-12-31T23:59:59.9999999Z");
    }
}
