//! A rule page as text, as a rule feed shows it: a `KQL Query` section, then the rule's definition in YAML.
//!
//! The same query stands on the page twice. The plain section is preferred, because it is what the reader sees.

use super::{Cut, Found, look, yaml};
use crate::about::About;
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
    } else if let ([cut], Some(span)) = (cuts.as_mut_slice(), definition)
        && let [rule] = yaml::cut_by_indentation(span.slice(text)).as_mut_slice()
    {
        cut.about = std::mem::take(&mut rule.about);
    }
    for cut in cuts.iter_mut().filter(|cut| cut.about.name.is_none()) {
        cut.about.name = heading(text);
    }
    (!cuts.is_empty()).then_some(Found { cuts, diagnostics: Vec::new() })
}

/// Whether a definition in YAML with a block `query: |` stands in the text, and nothing of KQL before it.
fn is_page(text: &str) -> bool {
    let before = text.lines().take_while(|line| !yaml::opens_query_block(line)).count();
    before < text.lines().count() && !text.lines().take(before).any(|line| line.trim_start().starts_with('|'))
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
    fn a_page_without_the_section_gives_the_rule() {
        let text = "Odd Signer\n\nid: 5\nquery: |\n  T\n  | take 1\n";
        let found = cut(text).unwrap();
        assert_eq!(found.cuts[0].text, "T\n| take 1\n");
        assert_eq!(found.cuts[0].about.name.as_deref(), Some("Odd Signer"));
        assert!(cut("T\n| where a has 'query: |'\n").is_none());
    }
}
