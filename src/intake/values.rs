//! The forms of values in rules: texts on a line, lists in one text, descriptions, days, lengths of time, techniques.
//!
//! Text in, value out; which key asks for which form is for `metadata`.

use crate::about::AlertSeverity;

/// A text on one line; `None` where nothing is left of it.
pub(super) fn one_line(text: &str) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// The elements of a value that may be a list in one text.
pub(super) fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ';', '\n']).map(str::trim).filter(|item| !item.is_empty())
}

/// A description without the quotes around the whole of it: many files have a block whose text is quoted once more.
pub(super) fn description(value: &str) -> Option<String> {
    let text = value.trim();
    let inner = ['\'', '"'].into_iter().find_map(|quote| unquoted(text, quote));
    let text = match inner {
        Some(inner) => {
            // Lines that were brought into line with the text behind the quote.
            let mut later = inner.split('\n').skip(1).filter(|line| !line.trim().is_empty()).peekable();
            let aligned = later.peek().is_some() && later.all(|line| line.starts_with(' '));
            if aligned { inner.replace("\n ", "\n") } else { inner.to_owned() }
        }
        None => text.to_owned(),
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// What stands between quotes around the whole of a text, or behind one that is not closed; `None` where there are none.
fn unquoted(text: &str, quote: char) -> Option<&str> {
    let rest = text.strip_prefix(quote)?;
    let is_letter = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    // A quote between letters is an apostrophe.
    let quotes = |text: &str| -> Vec<(bool, bool)> {
        let beside = |at: usize| (text.get(..at), text.get(at + quote.len_utf8()..));
        text.match_indices(quote)
            .map(|(at, _)| beside(at))
            .map(|(before, after)| {
                (
                    is_letter(before.and_then(|it| it.chars().next_back())),
                    is_letter(after.and_then(|it| it.chars().next())),
                )
            })
            .filter(|beside| *beside != (true, true))
            .collect()
    };
    match rest.strip_suffix(quote) {
        Some(inner) => {
            let quotes = quotes(inner);
            // `'A' or 'B'`: the first is closed before the last is opened.
            let closed = quotes.first().is_some_and(|(before, _)| *before);
            let opened = quotes.last().is_some_and(|(_, after)| *after);
            (!(closed && opened)).then_some(inner)
        }
        None => quotes(rest).is_empty().then_some(rest),
    }
}

/// A severity.
pub(super) fn severity(value: &str) -> Option<AlertSeverity> {
    let all = [
        ("informational", AlertSeverity::Informational),
        ("low", AlertSeverity::Low),
        ("medium", AlertSeverity::Medium),
        ("high", AlertSeverity::High),
        ("critical", AlertSeverity::Critical),
    ];
    all.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(value.trim())).map(|(_, severity)| severity)
}

/// A technique or sub-technique of ATT&CK, alone or before its name: `T1059.001`, `attack.t1059`, `T1059 - Interpreters`.
pub(super) fn technique(text: &str) -> Option<String> {
    let word = text.split_whitespace().next()?.trim_end_matches(':').to_ascii_uppercase();
    let word = word.strip_prefix("ATTACK.").unwrap_or(&word);
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = word.strip_prefix('T')?;
    let (main, sub) = number.split_once('.').map_or((number, None), |(main, sub)| (main, Some(sub)));
    (digits(main, 4) && sub.is_none_or(|sub| digits(sub, 3))).then(|| word.to_owned())
}

/// A day as `YYYY-MM-DD`; of a moment in time, its day.
pub(super) fn day(value: &str) -> Option<String> {
    let date = value.trim().split(['T', ' ']).next()?.replace('/', "-");
    date.parse::<jiff::civil::Date>().ok().filter(|day| day.year() > 0).map(|day| day.to_string())
}

/// A length of time in ticks of 100 ns: `5m`, `14d`, or as in ISO 8601 `PT1H30M`, `P1D`.
pub(super) fn duration(value: &str) -> Option<i64> {
    const SECOND: i64 = 10_000_000;
    let text = value.trim().to_ascii_uppercase();
    let (mut in_time, parts) = match text.strip_prefix('P') {
        Some(rest) => (false, rest),
        None => (true, text.as_str()),
    };
    let mut ticks: Option<i64> = None;
    let mut number: Option<i64> = None;
    for char in parts.chars() {
        if let Some(digit) = char.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(i64::from(digit))?);
            continue;
        }
        if char == 'T' && !in_time && number.is_none() {
            in_time = true;
            continue;
        }
        // Months and years have no length of their own.
        let seconds = match (char, in_time) {
            ('W', false) => 7 * 86_400,
            ('D', false) => 86_400,
            ('D', true) if !text.starts_with('P') => 86_400,
            ('H', true) => 3_600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return None,
        };
        let part = number.take()?.checked_mul(seconds)?.checked_mul(SECOND)?;
        ticks = Some(ticks.unwrap_or(0).checked_add(part)?);
    }
    ticks.filter(|_| number.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        const MINUTE: i64 = 600_000_000;
        let known =
            [("5m", 5), ("PT5M", 5), ("1H", 60), ("14d", 20_160), ("P1DT1H", 1_500), ("P2W", 20_160), ("1h30m", 90)];
        for (text, minutes) in known {
            assert_eq!(duration(text), Some(minutes * MINUTE), "{text}");
        }
        for text in [
            "",
            "P",
            "PT",
            "5",
            "m",
            "P1M",
            "P1Y",
            "PT1D",
            "1w",
            "-5m",
            "5 m",
            "P5H",
            "99999999999999999999d",
            "9999999999d",
            "PT1HT",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn quotes_around_a_description_are_no_part_of_it() {
        let known = [
            ("'Finds it.'\n", "Finds it."),
            ("\"Finds 'it'.\"", "Finds 'it'."),
            ("'The user's 'Any' rule.\n More of it.\n\n End.'", "The user's 'Any' rule.\nMore of it.\n\nEnd."),
            ("'The users' own.\n  - list'", "The users' own.\n - list"),
            ("'A' or 'B'", "'A' or 'B'"),
            ("'Finds the user's it.", "Finds the user's it."),
            ("'It' is found", "'It' is found"),
            ("It's 'found'", "It's 'found'"),
            ("'", ""),
            ("''", ""),
            ("'é", "é"),
        ];
        for (text, wanted) in known {
            assert_eq!(description(text).unwrap_or_default(), wanted, "{text}");
        }
    }
}
