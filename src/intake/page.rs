//! A rule page as text, as a rule feed shows it: a `KQL Query` section, then the rule's definition in YAML.
//!
//! The same query stands on the page twice. The plain section is preferred, because it is what the reader sees.

use super::{Cut, Found, look, metadata, values, yaml};
use crate::about::{About, Field};
use crate::source::{Origin, Span};

/// Lines that begin a section of such a page.
const SECTIONS: &[&str] = &[
    "Hunt Hypothesis",
    "KQL Query",
    "Analytic Rule Definition",
    "MITRE ATT&CK Context",
    "References",
    "False Positive Guidance",
];

/// The hunts of a rule page, one for each `KQL Query` section; `None` where the text is no such page.
pub(super) fn cut(text: &str) -> Option<Found> {
    let sections = sections(text);
    let definition = sections.iter().find(|(title, _)| *title == "Analytic Rule Definition").map(|(_, span)| *span);
    let mut cuts: Vec<Cut> = sections
        .iter()
        .filter(|(title, _)| *title == "KQL Query")
        .map(|(_, span)| trimmed(text, *span))
        .filter(|span| !look::is_blank(span.slice(text)))
        .map(|span| Cut {
            text: span.slice(text).to_owned(),
            origin: Origin::verbatim(span.start, span.len() as u32),
            about: About::default(),
            divisible: false,
        })
        .collect();
    if cuts.is_empty() {
        // The definition is all there is; a page that merely embeds one has no section for it.
        if definition.is_none() && !is_page(text) {
            return None;
        }
        cuts = yaml::cut_by_indentation(text);
    }
    if let [cut] = cuts.as_mut_slice() {
        let definition = definition.or_else(|| embedded(text)).map(|span| span.slice(text)).unwrap_or_default();
        if let Some(about) = yaml::about(definition) {
            cut.about = about;
        } else if let [rule] = yaml::cut_by_indentation(definition).as_mut_slice() {
            cut.about = std::mem::take(&mut rule.about);
        }
        let lines = |wanted: &str| {
            let spans = sections.iter().filter(|(title, _)| *title == wanted).map(|(_, span)| span.slice(text));
            spans.flat_map(str::lines).filter_map(item).collect::<Vec<_>>()
        };
        let pages = lines("References").into_iter().filter(|line| line.contains("://"));
        for line in pages {
            metadata::push(&mut cut.about.references, line);
        }
        for line in lines("False Positive Guidance") {
            metadata::push(&mut cut.about.false_positives, line);
        }
    }
    if let [cut] = cuts.as_mut_slice() {
        banner(text, &sections, &mut cut.about);
    }
    for cut in cuts.iter_mut().filter(|cut| cut.about.name.is_none()) {
        cut.about.name = heading(text);
    }
    (!cuts.is_empty()).then_some(Found { cuts, diagnostics: Vec::new() })
}

/// What the head and the foot of a page say of the hunt beside its definition: severity, techniques, confidence, hypothesis,
/// where it was taken from. The definition's own words come first.
fn banner(text: &str, sections: &[(&'static str, Span)], about: &mut About) {
    let mut at = 0u32;
    let mut head = true;
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        let span = Span::new(at, at + bare.len() as u32);
        at += line.len() as u32;
        head &= sections.iter().all(|(_, section)| span.start < section.start);
        if let Some(page) = bare.strip_prefix("Original source:") {
            about.origin = values::one_line(page);
            about.places.push((Field::Origin, span));
        }
        if !head {
            continue;
        }
        let mut words = bare.split_whitespace();
        // `kql MEDIUM Azure-Sentinel`: language, severity, repository.
        if let (Some("kql"), Some(word)) = (words.next(), words.next())
            && let (Some(severity), None) = (values::severity(word), about.severity)
        {
            about.severity = Some(severity);
            about.places.push((Field::Severity, span));
        }
        if !bare.is_empty() && bare.split([' ', ',']).all(|word| values::technique(word).is_some()) {
            for technique in bare.split([' ', ',']).filter_map(values::technique) {
                metadata::push(&mut about.techniques, technique);
            }
            about.places.push((Field::Techniques, span));
        }
        if let Some((_, confidence)) = bare.split_once("Confidence:") {
            about.confidence = values::one_line(confidence);
            about.places.push((Field::Confidence, span));
        }
    }
    if let Some((_, span)) = sections.iter().find(|(title, _)| *title == "Hunt Hypothesis") {
        about.hypothesis = values::description(span.slice(text));
        about.places.extend(about.hypothesis.iter().map(|_| (Field::Hypothesis, *span)));
    }
}

/// Whether a definition in YAML with a block `query: |` stands in the text, and nothing of KQL before it.
fn is_page(text: &str) -> bool {
    let before = text.lines().take_while(|line| !yaml::opens_query_block(line)).count();
    before < text.lines().count() && !text.lines().take(before).any(|line| line.trim_start().starts_with('|'))
}

/// The definition that a page embeds without a section for it: from the first line that is a key of YAML.
fn embedded(text: &str) -> Option<Span> {
    let mut at = 0u32;
    for line in text.split_inclusive('\n') {
        let key = line.split(':').next().unwrap_or_default();
        let is_key =
            key.len() < line.trim_end().len() && key.chars().all(|char| char.is_ascii_alphabetic() || char == '-');
        if is_key && key.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Some(Span::new(at, text.len() as u32));
        }
        at += line.len() as u32;
    }
    None
}

/// A line without the mark of a list before it; `None` where nothing is left.
fn item(line: &str) -> Option<String> {
    values::one_line(line.trim().trim_start_matches(['-', '*', '•']))
}

/// The sections of the page: title and body.
fn sections(text: &str) -> Vec<(&'static str, Span)> {
    let mut found: Vec<(&'static str, Span)> = Vec::new();
    let mut at = 0u32;
    for line in text.split_inclusive('\n') {
        let next = at + line.len() as u32;
        let plain = line.trim().trim_start_matches('#').trim();
        let title = SECTIONS.iter().find(|title| title.eq_ignore_ascii_case(plain));
        if (title.is_some() || plain.starts_with("Original source:"))
            && let Some((_, span)) = found.last_mut()
        {
            span.end = span.end.min(at);
        }
        if let Some(title) = title {
            found.push((*title, Span::new(next, text.len() as u32)));
        }
        at = next;
    }
    found
}

/// The span without blank lines around it.
fn trimmed(text: &str, span: Span) -> Span {
    let slice = span.slice(text);
    let front = slice.len() - slice.trim_start().len();
    Span::new(span.start + front as u32, span.start + slice.trim_end().len() as u32)
}

/// The first line that reads as a heading: not blank, no navigation, not a section's own title.
fn heading(text: &str) -> Option<String> {
    text.lines()
        .map(|line| line.trim_start_matches('\u{feff}').trim().trim_start_matches('#').trim())
        .find(|line| !line.is_empty() && !line.contains(['←', '→']) && !line.ends_with(':'))
        .filter(|line| line.chars().count() <= 200 && !SECTIONS.contains(line))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "← Back\n\nOdd Signer\n\nKQL Query\n\nlet a = 1;\n\nT\n| where x == a\n\nAnalytic Rule Definition\n\nid: 12-34\nname: 'Odd Signer'\nquery: |\n  let a = 1;\n  T\n  | where x == a\n\nReferences\n";

    #[test]
    fn the_plain_section_is_read_once() {
        let found = cut(PAGE).unwrap();
        assert_eq!(found.cuts.len(), 1);
        let hunt = &found.cuts[0];
        assert_eq!(hunt.text, "let a = 1;\n\nT\n| where x == a");
        assert_eq!((hunt.about.name.as_deref(), hunt.about.id.as_deref()), (Some("Odd Signer"), Some("12-34")));
        assert_eq!(hunt.origin.whole().slice(PAGE), hunt.text);
    }

    #[test]
    fn the_page_says_what_its_definition_says_and_when_the_rule_errs() {
        let text = "Odd Signer\n\nKQL Query\n\nT\n| where x == 1\n\nAnalytic Rule Definition\n\nid: 12-34\nname: Odd\n\
             description: |\n  Finds it.\n\n  More: of it.\ntactics: Impact\nrelevantTechniques: T1486\nquery: |\n  T\n  | where x == 1\n\n\
             References\n\n* https://a.example/\nmore\nFalse Positive Guidance\n\n- Scanners of the site\n• Tests\n\n\
             Original source: https://b.example/x y.yaml";
        let found = cut(text).unwrap();
        assert_eq!(found.cuts.len(), 1);
        let about = &found.cuts[0].about;
        assert_eq!(
            (about.name.as_deref(), about.description.as_deref()),
            (Some("Odd"), Some("Finds it.\n\nMore: of it."))
        );
        assert_eq!((about.tactics.join(","), about.techniques.join(",")), ("Impact".to_owned(), "T1486".to_owned()));
        assert_eq!(about.references, ["https://a.example/"]);
        assert_eq!(about.false_positives, ["Scanners of the site", "Tests"]);
        assert_eq!(about.origin.as_deref(), Some("https://b.example/x y.yaml"));
    }

    #[test]
    fn head_and_foot_of_a_page_are_read() {
        let text = "← Back\n\nOdd Signer\n\nkql MEDIUM Somewhere\nT1219\nwords\nRetrieved: 2026-01-02 · Confidence: medium\n\n\
             Hunt Hypothesis\n\nSomebody stays.\n\nKQL Query\n\nT\n| take 1\n\nOriginal source: https://a.example/\n";
        let about = cut(text).unwrap().cuts.remove(0).about;
        assert_eq!(about.severity, Some(crate::about::AlertSeverity::Medium));
        assert_eq!((about.techniques.join(" "), about.confidence.as_deref()), ("T1219".to_owned(), Some("medium")));
        assert_eq!(
            (about.hypothesis.as_deref(), about.origin.as_deref()),
            (Some("Somebody stays."), Some("https://a.example/"))
        );
    }

    #[test]
    fn a_page_without_the_section_gives_the_rule() {
        let text = "Odd Signer\n\nid: 5\nseverity: Low\nquery: |\n  T\n  | take 1\n";
        let found = cut(text).unwrap();
        assert_eq!(found.cuts[0].about.severity, Some(crate::about::AlertSeverity::Low));
        assert_eq!(found.cuts[0].text, "T\n| take 1\n");
        assert_eq!(found.cuts[0].about.name.as_deref(), Some("Odd Signer"));
        assert!(cut("T\n| where a has 'query: |'\n").is_none());
    }
}
