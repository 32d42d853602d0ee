//! What a rule says about itself: the words of the hunt's file, in the forms that Sigma asks for.
//!
//! The hunt's conditions are not looked at here. Texts are of any origin: they are cut to Sigma's lengths and freed of what is
//! not printed, and quoted in `emit`. Keys:
//! <https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html>, tags:
//! <https://sigmahq.io/sigma-specification/specification/sigma-appendix-tags.html>.

use std::collections::HashMap;

use crate::about::AlertSeverity;
use crate::fit::Frame;
use crate::source::Span;

use super::source::Windows;
use super::tree::{Document, Heading, Level, Meta};

/// The most characters of a description, which are 65,535 in the specification.
const DESCRIPTION: usize = 65_535;

/// The most characters of the list of what is not in a rule: the source's own words have the rest.
const LEFT_OUT: usize = 32_000;

/// The most elements of a list that the source fills.
const MOST: usize = 100;

/// The tactics: names without blanks and hyphens, number, tag.
///
/// The first twelve are those of the appendix; SigmaHQ's rules use the other four as well, which are ATT&CK's:
/// <https://attack.mitre.org/tactics/enterprise/>.
const TACTICS: [(&str, &str, &str); 16] = [
    ("initialaccess", "ta0001", "initial-access"),
    ("execution", "ta0002", "execution"),
    ("persistence", "ta0003", "persistence"),
    ("privilegeescalation", "ta0004", "privilege-escalation"),
    ("defenseevasion", "ta0005", "defense-evasion"),
    ("credentialaccess", "ta0006", "credential-access"),
    ("discovery", "ta0007", "discovery"),
    ("lateralmovement", "ta0008", "lateral-movement"),
    ("collection", "ta0009", "collection"),
    ("exfiltration", "ta0010", "exfiltration"),
    ("commandandcontrol", "ta0011", "command-and-control"),
    ("impact", "ta0040", "impact"),
    ("resourcedevelopment", "ta0042", "resource-development"),
    ("reconnaissance", "ta0043", "reconnaissance"),
    ("stealth", "", "stealth"),
    ("defenseimpairment", "", "defense-impairment"),
];

/// Which document of a hunt it is.
pub(super) struct Naming<'n> {
    /// What tells its title from those of others; `None` where the hunt has one document that stands by itself.
    pub(super) part: Option<&'n str>,
    /// What tells its id from those of others.
    pub(super) seed: Option<String>,
    /// What its title is made of where the hunt has no name: the tables of the hunt.
    pub(super) hunt_in: &'n str,
    /// The tables that its events are of.
    pub(super) events_of: &'n str,
    /// What its name begins with, where a correlation refers to it.
    pub(super) stem: Option<&'n str>,
    /// No other document refers to it.
    pub(super) outermost: bool,
}

/// What a document says about itself.
pub(super) fn heading(
    frame: &Frame<'_>,
    naming: &Naming<'_>,
    window: &Windows<'_>,
    omitted: &[(Span, &'static str)],
) -> Heading {
    let id = id(frame, naming);
    // Names are looked up among all rules that are read together, so the name must be this document's alone.
    let name = naming.stem.map(|stem| format!("{}_{}", snake(stem), id.get(..8).unwrap_or_default()));
    let description = if naming.outermost { description(frame, naming, window, omitted) } else { Vec::new() };
    Heading { title: title(frame, naming), id, name, description, meta: naming.outermost.then(|| meta(frame)) }
}

/// Numbers the titles that several documents of a file would have.
pub(super) fn tell_apart(documents: &mut [Document]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for document in documents {
        let heading = match document {
            Document::Rule(rule) => &mut rule.heading,
            Document::Correlation(correlation) => &mut correlation.heading,
        };
        let number = seen.entry(heading.title.clone()).or_default();
        *number += 1;
        if *number > 1 {
            heading.title = format!("{} {number}", heading.title);
        }
    }
}

/// The title: the name of the hunt, or its tables. At most 256 characters.
fn title(frame: &Frame<'_>, naming: &Naming<'_>) -> String {
    let name = frame.about.name.as_deref().map(|name| one_line(name, 180)).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| format!("Hunt in {}", one_line(naming.hunt_in, 180)));
    match naming.part {
        Some(part) => format!("{name} ({})", one_line(part, 60)),
        None => name,
    }
}

/// The id: always the same for the same hunt and log source. The specification recommends version 4 and does not ask for it.
fn id(frame: &Frame<'_>, naming: &Naming<'_>) -> String {
    crate::identity::of(frame.about, frame.text, &frame.schema.name, naming.seed.as_deref()).to_string()
}

/// A text in small letters, digits and underscores, at most 40 of them: `DeviceLogonEvents` is `device_logon_events`.
pub(super) fn snake(text: &str) -> String {
    let mut out = String::new();
    let mut lower = false;
    for char in text.chars() {
        if out.len() >= 40 {
            break;
        }
        if char.is_ascii_alphanumeric() {
            if char.is_ascii_uppercase() && lower && !out.ends_with('_') {
                out.push('_');
            }
            lower = char.is_ascii_lowercase() || char.is_ascii_digit();
            out.push(char.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    let out = out.trim_end_matches('_');
    if out.is_empty() { "events".to_owned() } else { out.to_owned() }
}

/// The description: what the source says, or what the rule is, and then what of the hunt is not in it.
fn description(
    frame: &Frame<'_>,
    naming: &Naming<'_>,
    window: &Windows<'_>,
    omitted: &[(Span, &'static str)],
) -> Vec<String> {
    let left_out = left_out(frame, window, omitted);
    let room = DESCRIPTION - left_out.iter().map(|line| line.chars().count() + 1).sum::<usize>();
    let mut lines = paragraphs(frame.about.description.as_deref().unwrap_or_default(), room);
    if let Some(hypothesis) = frame.about.hypothesis.as_deref().filter(|_| lines.is_empty()) {
        lines = paragraphs(hypothesis, room);
    }
    if lines.is_empty() {
        lines.push(format!("Events of {} that a KQL hunt selects.", one_line(naming.events_of, 200)));
    }
    lines.extend(left_out);
    lines
}

/// What of the hunt is not in a rule, below an empty line; nothing where all of it is.
fn left_out(frame: &Frame<'_>, window: &Windows<'_>, omitted: &[(Span, &'static str)]) -> Vec<String> {
    let mut omitted = omitted.to_vec();
    omitted.sort_by_key(|(span, _)| span.start);
    omitted.dedup();
    let range = window.range.as_ref().map(|range| {
        let bound = |bound: &Option<String>| bound.clone().unwrap_or_else(|| "open".to_owned());
        format!("- time window: {} to {}", bound(&range.from), bound(&range.to))
    });
    let parts = omitted.iter().map(|(span, what)| format!("- {what}: {}", one_line(span.slice(frame.text), 160)));
    let mut room = LEFT_OUT;
    let mut lines: Vec<String> = Vec::new();
    for part in range.into_iter().chain(parts) {
        if lines.is_empty() {
            lines.extend([String::new(), "Not in this rule:".to_owned()]);
        }
        match room.checked_sub(part.chars().count() + 1) {
            Some(less) => room = less,
            None => {
                lines.push("- …".to_owned());
                break;
            }
        }
        lines.push(part);
    }
    lines
}

/// What a rule that stands by itself says beside its title and description.
fn meta(frame: &Frame<'_>) -> Meta {
    let about = frame.about;
    let level = match about.severity {
        Some(AlertSeverity::Informational) => Level::Informational,
        Some(AlertSeverity::Low) => Level::Low,
        Some(AlertSeverity::Medium) | None => Level::Medium,
        Some(AlertSeverity::High) => Level::High,
        Some(AlertSeverity::Critical) => Level::Critical,
    };
    let id = about.id.as_deref().and_then(|id| uuid::Uuid::parse_str(id.trim()).ok()).filter(|id| !id.is_nil());
    let tags = about.tactics.iter().filter_map(|it| tactic(it)).map(str::to_owned);
    let tags = tags.chain(about.techniques.iter().filter_map(|it| technique(it)));
    let texts = about.references.iter().chain(&about.description).chain(&about.origin);
    let falsepositives = about.false_positives.iter().map(|it| one_line(it, 1_000)).filter(|it| tells(it));
    let mut falsepositives = once(falsepositives);
    if falsepositives.is_empty() {
        falsepositives.push("Unknown".to_owned());
    }
    Meta {
        related: id.iter().map(uuid::Uuid::to_string).collect(),
        references: once(texts.flat_map(|text| urls(text)).filter(|url| !is_attack(url)).map(str::to_owned)),
        author: about.author.as_deref().map(|it| one_line(it, 250)).filter(|it| !it.is_empty()),
        date: about.date.as_deref().and_then(day),
        modified: about.modified.as_deref().and_then(day),
        tags: once(tags.map(|tag| format!("attack.{tag}"))),
        falsepositives,
        level,
    }
}

/// Each text once, in order.
fn once(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for text in texts {
        if list.len() == MOST {
            break;
        }
        if !list.contains(&text) {
            list.push(text);
        }
    }
    list
}

/// The tag of a tactic, however its words are joined.
fn tactic(text: &str) -> Option<&'static str> {
    let word: String =
        text.chars().filter(char::is_ascii_alphanumeric).take(40).collect::<String>().to_ascii_lowercase();
    TACTICS.iter().find(|(name, number, _)| word == *name || (word == *number && !number.is_empty())).map(|it| it.2)
}

/// The tag of a technique or sub-technique; `None` where the text is none.
fn technique(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.strip_prefix('t')?;
    let (main, sub) = number.split_once('.').map_or((number, None), |(main, sub)| (main, Some(sub)));
    (digits(main, 4) && sub.is_none_or(|sub| digits(sub, 3))).then_some(text)
}

/// Whether a text says when a rule errs; SigmaHQ takes no word for `none`:
/// <https://github.com/SigmaHQ/sigma-specification/blob/main/sigmahq/sigmahq-rule-convention.md#false-positives>.
fn tells(text: &str) -> bool {
    let word = text.trim_end_matches('.');
    word.chars().count() >= 2 && !["none", "n/a", "unknown"].iter().any(|it| it.eq_ignore_ascii_case(word))
}

/// A day as `YYYY-MM-DD`.
fn day(text: &str) -> Option<String> {
    text.trim().parse::<jiff::civil::Date>().ok().filter(|day| day.year() > 0).map(|day| day.to_string())
}

/// The addresses of pages in a text, without the punctuation of the sentence that they stand in.
fn urls(text: &str) -> impl Iterator<Item = &str> {
    let mut from = 0;
    text.match_indices("://").filter_map(move |(at, mark)| {
        let before = text.get(from..at)?;
        let scheme = ["https", "http"].into_iter().find(|scheme| {
            let start = before.len().checked_sub(scheme.len());
            start.and_then(|start| before.get(start..)).is_some_and(|it| it.eq_ignore_ascii_case(scheme))
        })?;
        let rest = text.get(at + mark.len()..)?;
        let rest = rest.get(..url_length(rest))?;
        from = at + mark.len() + rest.len();
        // A name without a point is no page, and `https://a[.]b` is not one to be opened.
        let host = host(rest);
        let is_host = host.contains('.') && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
        is_host.then(|| text.get(at - scheme.len()..from))?
    })
}

/// How many bytes of a text behind `://` are of the address. A bracket that the address does not open ends it.
fn url_length(text: &str) -> usize {
    let mut depth = 0usize;
    let end = text.find(|char: char| {
        match char {
            '(' => depth += 1,
            ')' if depth == 0 => return true,
            ')' => depth -= 1,
            _ => {}
        }
        let outside = matches!(char, '<' | '>' | '"' | '\'' | '`' | '{' | '}' | '[' | ']' | '|' | '\\' | '^');
        outside || !(char.is_ascii_graphic() || char.is_alphanumeric())
    });
    let text = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    text.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_', '(']).len()
}

/// The host of an address that is given without its scheme.
fn host(rest: &str) -> &str {
    rest.split(['/', '?', '#', ':']).next().unwrap_or_default()
}

/// Whether a page is of ATT&CK: SigmaHQ refers to it by tags alone, see
/// <https://github.com/SigmaHQ/sigma-specification/blob/main/sigmahq/sigmahq-rule-convention.md#references>.
fn is_attack(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| host(rest).eq_ignore_ascii_case("attack.mitre.org"))
}

/// A text line by line, of printable characters and tabs, without empty lines around it, cut to a length.
fn paragraphs(text: &str, most: usize) -> Vec<String> {
    let mut clean = String::with_capacity(text.len());
    for line in text.trim().split('\n') {
        clean.extend(line.chars().filter(|char| !char.is_control() || *char == '\t'));
        clean.truncate(clean.trim_end_matches(|char: char| char.is_whitespace() && char != '\n').len());
        clean.push('\n');
    }
    let mut clean = clean.trim_matches('\n').to_owned();
    if clean.chars().nth(most).is_some() {
        let end = clean.char_indices().nth(most.saturating_sub(1)).map_or(0, |(at, _)| at);
        clean.truncate(end);
        clean.push('…');
    }
    if clean.is_empty() { Vec::new() } else { clean.split('\n').map(str::to_owned).collect() }
}

/// A text on one line, of printable characters, cut to a length.
fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut count = 0;
    let mut blank = false;
    for char in text.chars() {
        if char.is_whitespace() || char.is_control() {
            blank = !line.is_empty();
            continue;
        }
        if count >= most {
            line.push('…');
            return line;
        }
        if std::mem::take(&mut blank) {
            line.push(' ');
            count += 1;
        }
        line.push(char);
        count += 1;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::about::About;
    use crate::fit::{Ledger, Style};
    use crate::target::{Target, Targets};
    use crate::vocabulary::Vocabulary;

    /// What the rules of a hunt say about themselves.
    fn headings(hunt: &str, about: &About) -> Vec<Heading> {
        let (vocabulary, targets) = (Vocabulary::embedded().unwrap(), Targets::embedded());
        let query = crate::syntax::parse(hunt).unwrap();
        let plan = crate::resolve::resolve(&query, hunt, &vocabulary).plan.unwrap();
        let frame = Frame {
            plan: &plan,
            vocabulary: &vocabulary,
            facts: targets.facts(Target::Sigma).unwrap(),
            spellings: targets.spellings(Target::Sigma).unwrap(),
            schema: &targets.schema(Target::Sigma, Some("source")).unwrap(),
            version: None,
            style: Style::Exact,
            text: hunt,
            rule: false,
            about,
        };
        let mut ledger = Ledger::new(&plan);
        let documents = crate::fit::sigma::fit(&frame, &mut ledger).unwrap().tree.documents;
        ledger.close(&plan);
        let heading = |document| match document {
            Document::Rule(rule) => rule.heading,
            Document::Correlation(correlation) => correlation.heading,
        };
        documents.into_iter().map(heading).collect()
    }

    fn only(about: About) -> Heading {
        let mut all = headings("T_CL | where A == 'x'", &about);
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    fn meta_of(about: About) -> Meta {
        only(about).meta.unwrap()
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_hunt_of_which_nothing_is_known_has_the_usual_words() {
        let heading = only(About::default());
        assert_eq!(heading.title, "Hunt in T_CL");
        assert_eq!(heading.description, ["Events of T_CL that a KQL hunt selects."]);
        let meta = heading.meta.unwrap();
        assert_eq!((meta.falsepositives, meta.level), (texts(&["Unknown"]), Level::Medium));
        assert!(meta.related.is_empty() && meta.references.is_empty() && meta.tags.is_empty());
        assert_eq!((meta.author, meta.date, meta.modified), (None, None, None));
    }

    #[test]
    fn tactics_and_techniques_are_tags_however_they_are_written() {
        let tactics = ["InitialAccess", "command and control", "lateral_movement", "Defense-Evasion", "PreAttack", ""];
        let tactics = texts(&[&tactics[..], &["TA0040", "InitialAccess", "Impact\nattack.x"]].concat());
        let techniques =
            texts(&["T1059.001", " t1059 ", "T1059", "T105", "T1059.01", "TA0001", "T1059.001\n- x", "T10５9"]);
        let tags = meta_of(About { tactics, techniques, ..About::default() }).tags;
        let wanted = ["initial-access", "command-and-control", "lateral-movement", "defense-evasion", "impact"];
        let wanted = wanted.iter().chain(&["t1059.001", "t1059"]).map(|tag| format!("attack.{tag}"));
        assert_eq!(tags, wanted.collect::<Vec<_>>());
        for (_, _, tag) in TACTICS {
            assert_eq!(tactic(tag), Some(tag));
        }
    }

    #[test]
    fn the_rule_that_it_comes_from_is_named_where_it_has_an_id_of_sigmas_kind() {
        let related = |id: &str| meta_of(About { id: Some(id.to_owned()), ..About::default() }).related;
        let wanted = "0f8fad5b-d9cb-469f-a165-70867728950e";
        assert_eq!(related(" 0F8FAD5B-D9CB-469F-A165-70867728950E"), [wanted]);
        assert_eq!(related("{0f8fad5bd9cb469fa16570867728950e}").len(), 0);
        assert_eq!(related("12\n- id: x").len(), 0);
        assert_eq!(related("00000000-0000-0000-0000-000000000000").len(), 0);
    }

    #[test]
    fn an_id_stays_and_is_no_other_documents() {
        let hunt = "union (A_CL | where A == 'x'), (B_CL | where A == 'x')";
        let about = About { id: Some("1".to_owned()), name: Some("N".to_owned()), ..About::default() };
        let first = headings(hunt, &about);
        assert_eq!(first, headings(hunt, &about));
        assert_eq!(first.iter().map(|it| it.title.as_str()).collect::<Vec<_>>(), ["N (A_CL)", "N (B_CL)"]);
        assert_ne!(first[0].id, first[1].id);
        assert_eq!(first[0].meta, first[1].meta);
        // What the file says else does not change it.
        let changed = About { severity: Some(AlertSeverity::High), description: Some("d".to_owned()), ..about };
        assert_eq!(headings(hunt, &changed)[0].id, first[0].id);
    }

    #[test]
    fn references_are_pages_that_are_named() {
        let references = texts(&["see https://a.example/x", "https://a.example/x", "ftp://b.example/", "b.example"]);
        let description = "Read (https://c.example/p_(q)). Or [this](HTTP://d.example/?a=b&c=%20#d), not https://e[.]example,\n\
             https://attack.mitre.org/techniques/T1059/, https:// or http://localhost/; 'https://f.example/…' <http://g.example>\u{a0}x";
        let about = About { references, description: Some(description.to_owned()), ..About::default() };
        let wanted = ["https://a.example/x", "https://c.example/p_(q)", "HTTP://d.example/?a=b&c=%20#d"];
        assert_eq!(meta_of(about).references, [&wanted[..], &["https://f.example/", "http://g.example"]].concat());
    }

    #[test]
    fn a_long_list_ends() {
        let many: String = (0..1_000).map(|number| format!("https://a.example/{number} ")).collect();
        let about = About { description: Some(many), ..About::default() };
        assert_eq!(meta_of(about).references.len(), MOST);
    }

    #[test]
    fn a_description_keeps_its_paragraphs_and_what_is_left_out_follows_it() {
        let description = "\r\n  One.\r\n\r\n  - two\u{7}\u{1b}[0m\t# x \n\n".to_owned();
        let about = About { description: Some(description), ..About::default() };
        let said = |hunt: &str| headings(hunt, &about).remove(0).description;
        assert_eq!(said("T_CL | where A == 'x'"), ["One.", "", "  - two[0m\t# x"]);
        let lines = said("T_CL | where A == 'x' | summarize count()");
        assert_eq!(lines[3..], ["", "Not in this rule:", "- aggregation: summarize count()"]);
    }

    #[test]
    fn a_description_is_cut_to_the_length_that_sigma_takes() {
        for description in ["ä".repeat(70_000), "ä\n".repeat(70_000), "ä\n\n\n".repeat(70_000)] {
            let about = About { description: Some(description), ..About::default() };
            let hunt = format!("T_CL | where A == 'x' {}", "| summarize count() by A, B ".repeat(2_000));
            let lines = headings(&hunt, &about).remove(0).description;
            let count = lines.join("\n").chars().count();
            assert!((DESCRIPTION - 300..=DESCRIPTION).contains(&count), "{count}");
            assert!(lines.iter().any(|line| line.ends_with('…')) && lines.iter().any(|line| line == "- …"));
        }
    }

    #[test]
    fn texts_on_one_line_stay_there() {
        let about = About {
            name: Some(format!("a\n---\nlevel: {}", "x".repeat(500))),
            author: Some("A\u{85}B\u{2028}C".to_owned()),
            date: Some("2024-02-03".to_owned()),
            modified: Some("2024-02-31".to_owned()),
            false_positives: texts(&["None.", "Scanners\nof\tthe site", "Scanners of the site", "x", ""]),
            ..About::default()
        };
        let heading = only(about);
        assert!(heading.title.starts_with("a --- level: xx") && heading.title.chars().count() <= 256);
        let meta = heading.meta.unwrap();
        assert_eq!(meta.author.as_deref(), Some("A B C"));
        assert_eq!((meta.date.as_deref(), meta.modified), (Some("2024-02-03"), None));
        assert_eq!(meta.falsepositives, ["Scanners of the site"]);
    }
}
