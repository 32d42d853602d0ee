//! What a rule's keys say of it, whatever their spelling: text of YAML → [`About`].
//!
//! Nothing is judged here but the form of a value; what can not be read is left out. The keys are those of Sentinel's analytic and
//! hunting rules: <https://github.com/Azure/Azure-Sentinel/wiki/Query-Style-Guide> and
//! <https://learn.microsoft.com/en-us/azure/sentinel/sentinel-analytic-rules-creation>.

use crate::about::{About, AlertSeverity};

/// The most elements of a list.
const MOST: usize = 100;

/// The longest key that is looked at.
const LONGEST_KEY: usize = 40;

/// How deep below the rule a value may stand: `metadata: author: name:`.
pub(super) const DEEPEST: usize = 3;

/// A key without capitals, hyphens, underscores and blanks; empty where it is none of ours.
pub(super) fn plain_key(key: &str) -> String {
    if key.len() > LONGEST_KEY {
        return String::new();
    }
    key.chars().filter(|char| !matches!(char, '-' | '_' | ' ')).collect::<String>().to_ascii_lowercase()
}

/// Takes a value into what is known of a rule. The path are the keys from the rule to the value, as [`plain_key`] gives them;
/// the elements of a list have the path of the list.
pub(super) fn take(about: &mut About, path: &[String], value: &str) {
    let mut keys = path.iter().map(String::as_str);
    let (first, second, third, deeper) = (keys.next(), keys.next(), keys.next(), keys.next());
    let (Some(first), None) = (first, deeper) else { return };
    match (first, second, third) {
        ("name", None, None) => set(&mut about.name, one_line(value)),
        // Exploration queries have no `name:`.
        ("displayname", None, None) if about.name.is_none() => about.name = one_line(value),
        ("id", None, None) => set(&mut about.id, one_line(value)),
        ("description", None, None) => set(&mut about.description, description(value)),
        ("descriptiondetailed", None, None) if about.description.is_none() => about.description = description(value),
        ("severity", None, None) => set(&mut about.severity, severity(value)),
        ("tactics", None, None) => items(value).for_each(|item| push(&mut about.tactics, item.to_owned())),
        ("relevanttechniques" | "techniques" | "subtechniques" | "tags", None, None) => {
            items(value).filter_map(technique).for_each(|item| push(&mut about.techniques, item));
        }
        ("queryfrequency", None, None) => set(&mut about.query_frequency, duration(value)),
        ("queryperiod", None, None) => set(&mut about.query_period, duration(value)),
        ("references" | "reference", _, None) => {
            if let Some(text) = one_line(value) {
                push(&mut about.references, text);
            }
        }
        ("falsepositives", None, None) => {
            if let Some(text) = one_line(value) {
                push(&mut about.false_positives, text);
            }
        }
        // The metadata of a solution's content:
        // <https://learn.microsoft.com/en-us/rest/api/securityinsights/metadata/create>.
        ("author", None | Some("name"), None) | ("metadata", Some("author"), None | Some("name")) => {
            author(&mut about.author, value);
        }
        ("date" | "created", None, None) | ("metadata", Some("firstpublishdate"), None) => {
            set(&mut about.date, day(value));
        }
        ("modified" | "lastmodified", None, None) | ("metadata", Some("lastpublishdate"), None) => {
            set(&mut about.modified, day(value));
        }
        _ => {}
    }
}

/// Sets a value where there is one.
fn set<T>(old: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *old = new;
    }
}

/// Adds an element that is not in the list.
pub(super) fn push(list: &mut Vec<String>, text: String) {
    if list.len() < MOST && !list.contains(&text) {
        list.push(text);
    }
}

/// Adds an author to those that are known.
fn author(authors: &mut Option<String>, value: &str) {
    let Some(value) = one_line(value) else { return };
    match authors {
        None => *authors = Some(value),
        Some(known) if known.len() > 1_000 || known.split(", ").any(|one| one == value) => {}
        Some(known) => {
            known.push_str(", ");
            known.push_str(&value);
        }
    }
}

/// A text on one line; `None` where nothing is left of it.
pub(super) fn one_line(text: &str) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// The elements of a value that may be a list in one text.
fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ';', '\n']).map(str::trim).filter(|item| !item.is_empty())
}

/// A description without the quotes around the whole of it: many files have a block whose text is quoted once more.
fn description(value: &str) -> Option<String> {
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
fn severity(value: &str) -> Option<AlertSeverity> {
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
fn day(value: &str) -> Option<String> {
    let date = value.trim().split(['T', ' ']).next()?.replace('/', "-");
    date.parse::<jiff::civil::Date>().ok().filter(|day| day.year() > 0).map(|day| day.to_string())
}

/// A length of time in ticks of 100 ns: `5m`, `14d`, or as in ISO 8601 `PT1H30M`, `P1D`.
fn duration(value: &str) -> Option<i64> {
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

    fn taken(pairs: &[(&str, &str)]) -> About {
        let mut about = About::default();
        for (path, value) in pairs {
            take(&mut about, &path.split('/').map(plain_key).collect::<Vec<_>>(), value);
        }
        about
    }

    #[test]
    fn keys_are_read_however_they_are_spelled() {
        let about = taken(&[
            ("Name", "A\n b"),
            ("DisplayName", "not this"),
            ("id", " 1 "),
            ("description-detailed", "long"),
            ("Description", "short"),
            ("severity", "high"),
            ("Tactics", "InitialAccess, Execution"),
            ("tactics", "Execution"),
            ("relevantTechniques", "T1059"),
            ("relevantTechniques", "t1059.001, T10599, attack.t1078; T1003: Dumping"),
            ("tags", "Ransomware"),
            ("tags", "T1486"),
            ("references", "https://a.example/"),
            ("references/link", "https://b.example/"),
            ("false_positives", "Scanners"),
            ("metadata/author/name", "A. Author"),
            ("author", "A. Author"),
            ("author", "B. Author"),
            ("metadata/author/email", "x"),
            ("metadata/author/name/more", "x"),
            ("metadata/firstPublishDate", "2024-02-03T10:00:00Z"),
            ("modified", "2024/03/04"),
            ("queryFrequency", "1h"),
            ("queryPeriod", "P14D"),
            ("severity", "dreadful"),
            ("modified", "yesterday"),
        ]);
        assert_eq!((about.name.as_deref(), about.id.as_deref()), (Some("A b"), Some("1")));
        assert_eq!(about.description.as_deref(), Some("short"));
        assert_eq!(about.severity, Some(AlertSeverity::High));
        assert_eq!(about.tactics, ["InitialAccess", "Execution"]);
        assert_eq!(about.techniques, ["T1059", "T1059.001", "T1078", "T1003", "T1486"]);
        assert_eq!(about.references, ["https://a.example/", "https://b.example/"]);
        assert_eq!(about.false_positives, ["Scanners"]);
        assert_eq!(about.author.as_deref(), Some("A. Author, B. Author"));
        assert_eq!((about.date.as_deref(), about.modified.as_deref()), (Some("2024-02-03"), Some("2024-03-04")));
        assert_eq!((about.query_frequency, about.query_period), (Some(36_000_000_000), Some(12_096_000_000_000)));
    }

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

    #[test]
    fn lists_end() {
        let many: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
        assert_eq!(taken(&[("tactics", &many.join(","))]).tactics.len(), MOST);
    }
}
