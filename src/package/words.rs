//! The words of a rule: its name, what its source says of it, and what the translation has changed, so that an analyst reads
//! all of it in the SIEM. Quoting is the templates' part.

use std::collections::HashSet;

use super::{Subject, id, text};
use crate::about::{About, RuleKind};
use crate::diagnostic::{Diagnostic, Effect};
use crate::fit::outputs::placeholders;

/// The most characters of a description, which are 10,000 in security content.
const DESCRIPTION: usize = 4_000;

/// The most entries of a list, and the most notes.
const MOST: usize = 100;

/// The most characters of all the notes together.
const NOTES: usize = 5_000;

/// The rule's name on one line; where the source gives none, one that stays.
pub(super) fn name(subject: &Subject<'_>, most: usize) -> String {
    let name = text::one_line(subject.about.name.as_deref().unwrap_or_default(), most);
    if !name.is_empty() {
        return name;
    }
    let id = id::rule_id(subject).to_string();
    format!("Hunt {}", id.get(..8).unwrap_or_default())
}

/// A text that no line of ends in a backslash, which would join it with what follows in a `.conf` file.
pub(super) fn prose(text: &str, most: usize) -> String {
    let lines = text::paragraphs(text, most);
    let closed = |line: &str| if line.ends_with('\\') { format!("{line}.") } else { line.to_owned() };
    lines.split('\n').map(closed).collect::<Vec<_>>().join("\n")
}

/// A text on one line that does not end in a backslash.
pub(super) fn line(text: &str, most: usize) -> String {
    let line = text::one_line(text, most);
    if line.ends_with('\\') { format!("{line}.") } else { line }
}

/// What the rule is for: the source's description, or that there is none.
pub(super) fn description(about: &About) -> String {
    let description = prose(about.description.as_deref().unwrap_or_default(), DESCRIPTION);
    if description.is_empty() { "A hunt in KQL that was converted.".to_owned() } else { description }
}

/// What the source says of the rule beside its description, one line for each.
pub(super) fn told(about: &About) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut tell = |what: &str, said: &str, most: usize| {
        let said = line(said, most);
        if !said.is_empty() && lines.len() < MOST {
            lines.push(format!("{what}: {said}"));
        }
    };
    tell("Hypothesis", about.hypothesis.as_deref().unwrap_or_default(), 1_000);
    tell("Confidence", about.confidence.as_deref().unwrap_or_default(), 200);
    tell("To do", about.recommended.as_deref().unwrap_or_default(), 1_000);
    about.false_positives.iter().take(20).for_each(|it| tell("False positive", it, 500));
    about.references.iter().take(20).for_each(|it| tell("Reference", it, 500));
    tell("Tags", &about.tags.join(", "), 500);
    let connectors = about.connectors.iter().take(20);
    connectors.for_each(|it| tell("Data", &format!("{} ({})", it.id, it.data_types.join(", ")), 500));
    tell("Author", about.author.as_deref().unwrap_or_default(), 250);
    let versions = [("Version", &about.version), ("Status", &about.status), ("Made", &about.date)];
    let versions = versions.into_iter().chain([("Changed", &about.modified), ("Made from", &about.origin)]);
    versions.for_each(|(what, said)| tell(what, said.as_deref().unwrap_or_default(), 500));
    tell("Id in the source", about.id.as_deref().unwrap_or_default(), 100);
    lines
}

/// How faithful the rule is, and what differs, one line for each, that first which changes what is found; `own` are the notes
/// on the rule's fields.
pub(super) fn verdict(subject: &Subject<'_>, own: &[Diagnostic]) -> Vec<String> {
    let (changes, others) = differences(subject, own);
    let mut lines = vec![head(subject, own)];
    lines.extend(bounded(changes.into_iter().chain(others)));
    lines
}

/// The same without the notes that change nothing of what is found, which are counted.
pub(super) fn short_verdict(subject: &Subject<'_>, own: &[Diagnostic]) -> Vec<String> {
    let (changes, others) = differences(subject, own);
    let mut lines = vec![head(subject, own)];
    lines.extend(bounded(changes.into_iter()));
    if !others.is_empty() {
        lines.push(format!("Notes that change nothing of what is found: {}", others.len()));
    }
    lines
}

fn head(subject: &Subject<'_>, own: &[Diagnostic]) -> String {
    let effect = own.iter().filter_map(|note| note.effect).fold(subject.translation.verdict, Effect::and);
    text::one_line(&format!("Converted from KQL by huntgate, schema {}: {}", subject.schema, effect.name()), 200)
}

/// The notes, each once: those that change what is found, and the others.
fn differences<'a>(subject: &Subject<'a>, own: &'a [Diagnostic]) -> (Vec<&'a Diagnostic>, Vec<&'a Diagnostic>) {
    let mut seen = HashSet::new();
    let notes = subject.translation.notes.iter().chain(own);
    notes
        .filter(|note| seen.insert((note.code, note.message.as_str())))
        .partition(|note| note.effect.is_some_and(|effect| effect != Effect::Exact))
}

/// One line for each note, as far as there is room.
fn bounded<'a>(notes: impl Iterator<Item = &'a Diagnostic>) -> Vec<String> {
    let (mut room, mut lines) = (NOTES, Vec::new());
    let notes: Vec<&Diagnostic> = notes.collect();
    for note in &notes {
        let effect = note.effect.map_or("note", |effect| effect.name());
        let line = format!("{} {effect}: {}", note.code, line(&note.message, 400));
        let length = line.chars().count();
        if length > room || lines.len() >= MOST {
            lines.push(format!("and {} more notes", notes.len() - lines.len()));
            break;
        }
        room -= length;
        lines.push(line);
    }
    lines
}

/// A text in which Splunk reads `$field$` as a field of the alert: dollars of the text's own stand apart from that.
/// <https://help.splunk.com/en/splunk-enterprise/alert-and-respond/alerting-manual/10.0/configure-alert-actions/use-tokens-in-email-notifications>
pub(super) fn without_tokens(text: &str) -> String {
    // One dollar is no token.
    if text.matches('$').nth(1).is_none() { text.to_owned() } else { text.replace('$', "\u{ff04}") }
}

/// A text of an alert with its columns as fields: `{{Column}}` is `$field$`. Gives the columns that no field holds, too; the
/// name of such a column is left in the text.
pub(super) fn with_fields(subject: &Subject<'_>, format: &str, most: usize) -> (String, Vec<String>) {
    let format = prose(format, most);
    let (mut out, mut missing, mut rest) = (String::new(), Vec::new(), format.as_str());
    for (written, column) in placeholders(&format).take(MOST) {
        let Some((before, after)) = rest.split_once(written) else { continue };
        out.push_str(&before.replace('$', "\u{ff04}"));
        match subject.field_of(column) {
            Some(field) => out.push_str(&format!("${field}$")),
            None => {
                out.push_str(&text::one_line(column, 100).replace('$', "\u{ff04}"));
                missing.push(text::one_line(column, 100));
            }
        }
        rest = after;
    }
    // Where there is no field in the text, dollars stay as they are if they can.
    if out.is_empty() {
        return (without_tokens(rest), missing);
    }
    out.push_str(&rest.replace('$', "\u{ff04}"));
    (out, missing)
}

/// The version as a whole number, which Splunk counts: `1.2.3` is 10203; and whether the source says it so.
pub(super) fn version(about: &About) -> (u32, bool) {
    let Some(text) = about.version.as_deref() else { return (1, true) };
    let parts: Option<Vec<u32>> =
        text.trim().split('.').map(|part| part.parse::<u32>().ok().filter(|it| *it < 100)).collect();
    match parts.as_deref() {
        Some([whole]) => (*whole, true),
        Some([major, minor]) => (major * 10_000 + minor * 100, false),
        Some([major, minor, patch]) => (major * 10_000 + minor * 100 + patch, false),
        Some(_) | None => (text.trim().parse().unwrap_or(1), false),
    }
}

/// Whether an analyst runs the hunt, and no schedule does.
pub(super) fn is_hunt(about: &About) -> bool {
    let scheduled = about.query_frequency.is_some();
    match about.kind {
        Some(RuleKind::Hunting) => true,
        Some(RuleKind::Scheduled | RuleKind::Nrt | RuleKind::CustomDetection) => false,
        None => !scheduled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_that_grow() {
        let of = |text: &str| version(&About { version: Some(text.to_owned()), ..About::default() });
        assert_eq!([of("3"), of("1.2"), of("1.2.3")], [(3, true), (10_200, false), (10_203, false)]);
        assert_eq!([of("1.100.0"), of("x"), of("4000000000.1")], [(1, false); 3]);
        assert_eq!(version(&About::default()), (1, true));
    }

    #[test]
    fn quotes_of_a_description_are_its_own() {
        // Those around the whole of it were taken off where the file was read.
        let of = |text: &str| description(&About { description: Some(text.to_owned()), ..About::default() });
        assert_eq!(of(" 'A' or 'B' "), "'A' or 'B'");
    }

    #[test]
    fn no_line_of_prose_ends_in_a_backslash() {
        assert_eq!(prose("in C:\\Temp\\\n\nx\\ ", 99), "in C:\\Temp\\.\n\nx\\.");
        assert_eq!(without_tokens("from $5 to $6"), "from \u{ff04}5 to \u{ff04}6");
        assert_eq!(without_tokens("$5"), "$5");
    }
}
