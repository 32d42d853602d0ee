//! The report as Markdown, for GitHub and the like: <https://github.github.com/gfm/>.
//!
//! Names and messages are other people's: every character with which they could begin markup is escaped, and each stays on
//! its line.

use std::fmt::Write as _;

use super::summary::{Needed, Summary};
use super::{HuntRow, Migration, NoteRow, link, one_line};
use crate::diagnostic::Effect;

/// Rules that a list names; of more it says how many.
const NAMED: usize = 10;
/// Rows of the lists of what to look at first.
const FIRST: usize = 50;

/// Writes the report. The manifest is at `manifest`, beside it.
pub fn markdown(migration: &Migration, manifest: &str) -> String {
    let summary = Summary::new(migration);
    let mut out = String::with_capacity(64 * 1024);
    let _ = writeln!(out, "# Migration\n");
    let _ = writeln!(
        out,
        "{} hunts, written as {} by huntgate {}. Everything that is said here is in [{}]({}) too.\n",
        migration.hunts.len(),
        if migration.made == "rule" { "rules" } else { "queries" },
        text(migration.huntgate),
        text(manifest),
        link(manifest),
    );
    counts(&summary, &mut out);
    first(migration, &summary, &mut out);
    causes(migration, &summary, &mut out);
    needs(migration, &summary, &mut out);
    ignored(migration, &mut out);
    out.push_str("## Rules\n\n");
    for hunt in &migration.hunts {
        rule(hunt, &mut out);
    }
    out
}

fn counts(summary: &Summary<'_>, out: &mut String) {
    out.push_str("## How faithful\n\n| target | form |");
    for effect in Effect::ALL {
        let _ = write!(out, " {effect} |");
    }
    out.push_str("\n|---|---|");
    Effect::ALL.iter().for_each(|_| out.push_str("---:|"));
    out.push('\n');
    for one in &summary.counts {
        let _ = write!(out, "| {} | {} |", one.target, one.package.unwrap_or("query"));
        for count in one.verdicts {
            let _ = write!(out, " {count} |");
        }
        out.push('\n');
    }
    out.push('\n');
}

fn first(migration: &Migration, summary: &Summary<'_>, out: &mut String) {
    out.push_str("## What to look at first\n\n");
    if summary.first.is_empty() {
        out.push_str("Nothing: every rule selects the events of its hunt.\n\n");
        return;
    }
    out.push_str("| rule | file | severity | why | in |\n|---|---|---|---|---|\n");
    for one in summary.first.iter().take(FIRST) {
        let Some(hunt) = migration.hunts.get(one.hunt) else { continue };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            text(hunt.title()),
            text(&hunt.place()),
            hunt.severity.unwrap_or("not said"),
            one.reason.title(),
            one.targets.join(", "),
        );
    }
    rest(summary.first.len(), FIRST, out);
}

fn causes(migration: &Migration, summary: &Summary<'_>, out: &mut String) {
    if summary.causes.is_empty() {
        return;
    }
    out.push_str("## What most rules fail by\n\n");
    out.push_str("Mending a cause settles the rules that have no other one in the target.\n\n");
    out.push_str("| target | code | cause | settles | named by | for example |\n|---|---|---|---:|---:|---|\n");
    for cause in summary.causes.iter().take(FIRST) {
        let (target, code, alone, hunts) = (cause.target, cause.code, cause.alone, cause.hunts.len());
        let place = cause.hunts.first().and_then(|at| migration.hunts.get(*at)).map(HuntRow::place).unwrap_or_default();
        let (message, place) = (text(cause.message), text(&place));
        let _ = writeln!(out, "| {target} | {code} | {message} | {alone} | {hunts} | {place} |");
    }
    rest(summary.causes.len(), FIRST, out);
}

fn needs(migration: &Migration, summary: &Summary<'_>, out: &mut String) {
    if !summary.needs.is_empty() {
        out.push_str("## What the site needs\n\n");
        out.push_str("| target | what | name | for | needed by |\n|---|---|---|---|---|\n");
        for need in &summary.needs {
            let Needed { target, kind, name, of, hunts } = need;
            let of = of.iter().map(|of| text(of)).collect::<Vec<_>>().join(", ");
            let (kind, hunts) = (kind.title(), titles(migration, hunts));
            let _ = writeln!(out, "| {target} | {kind} | {} | {of} | {hunts} |", text(name));
        }
        out.push('\n');
    }
    if !summary.connectors.is_empty() {
        out.push_str("### Where the source's data comes from\n\n| connector | tables | named by |\n|---|---|---|\n");
        for (connector, hunts) in &summary.connectors {
            let tables = connector.data_types.iter().map(|table| text(table)).collect::<Vec<_>>().join(", ");
            let _ = writeln!(out, "| {} | {tables} | {} |", text(&connector.id), titles(migration, hunts));
        }
        out.push('\n');
    }
}

fn ignored(migration: &Migration, out: &mut String) {
    let mut lines = String::new();
    for file in &migration.files {
        let _ = writeln!(lines, "- {}", text(&file.path));
        notes(&file.remarks, "  ", &mut lines);
    }
    for hunt in migration.hunts.iter().filter(|hunt| !hunt.unread.is_empty() || !hunt.remarks.is_empty()) {
        let _ = writeln!(lines, "- {}", text(&hunt.place()));
        for unread in &hunt.unread {
            let _ = writeln!(lines, "  - {} (line {}): {}", text(&unread.key), unread.line, text(&unread.why));
        }
        notes(&hunt.remarks, "  ", &mut lines);
    }
    for written in &migration.left {
        let path = text(&written.path);
        let _ = writeln!(lines, "- {path}: no hunt makes it any more, and it is not removed: {}", written.why());
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "## What was passed over\n\n{lines}");
    }
}

fn rule(hunt: &HuntRow, out: &mut String) {
    let _ = writeln!(out, "### {}\n", text(hunt.title()));
    let facts = [Some(hunt.place()), hunt.id.clone(), hunt.kind.map(str::to_owned), hunt.severity.map(str::to_owned)];
    let facts: Vec<String> = facts.into_iter().flatten().map(|fact| text(&fact)).collect();
    let _ = writeln!(out, "{}\n", facts.join(", "));
    for row in &hunt.targets {
        let _ = writeln!(out, "- {}, schema {}: **{}**", row.target, text(&row.schema), row.verdict);
        notes(&row.notes, "  ", out);
        for output in &row.outputs {
            match &output.path {
                Some(path) => {
                    let kept = if output.kept { " (changed by hand, and not written again)" } else { "" };
                    let verdict = output.verdict;
                    let _ = writeln!(out, "  - [{}]({}): **{verdict}**{kept}", text(path), link(path));
                }
                None => {
                    let _ = writeln!(out, "  - no {}", output.package.unwrap_or("query"));
                }
            }
            notes(&output.notes, "    ", out);
        }
    }
    out.push('\n');
}

fn notes(notes: &[NoteRow], indent: &str, out: &mut String) {
    for note in notes {
        let (code, effect, message) = (note.code, note.effect, text(&note.message));
        let accepted = note.accepted.as_ref().map(|why| format!("; accepted: {}", text(why))).unwrap_or_default();
        let _ = writeln!(out, "{indent}- {code} {effect}: {message} ({}:{}){accepted}", note.line, note.column);
    }
}

/// The hunts by name, as many as a list takes.
fn titles(migration: &Migration, hunts: &[usize]) -> String {
    let named = hunts.iter().filter_map(|at| migration.hunts.get(*at)).take(NAMED);
    let mut titles = named.map(|hunt| text(hunt.title())).collect::<Vec<_>>().join(", ");
    if let Some(rest) = hunts.len().checked_sub(NAMED).filter(|rest| *rest > 0) {
        let _ = write!(titles, " and {rest} more");
    }
    titles
}

fn rest(all: usize, shown: usize, out: &mut String) {
    if let Some(rest) = all.checked_sub(shown).filter(|rest| *rest > 0) {
        let _ = writeln!(out, "\nand {rest} more");
    }
    out.push('\n');
}

/// Text that is nothing but text wherever it stands: on one line, in a cell, at the beginning of an item.
fn text(raw: &str) -> String {
    let line = one_line(raw);
    let line = line.trim();
    let mut out = String::with_capacity(line.len() + 8);
    let mut digits = true;
    for (at, character) in line.char_indices() {
        let escape = match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' | '!' | '{' | '}' | '@' => true,
            // These mean something at the beginning only.
            '#' | '+' | '-' | '=' => at == 0,
            '.' | ')' => digits && at > 0,
            _ => false,
        };
        digits &= character.is_ascii_digit();
        if escape {
            out.push('\\');
        }
        out.push(character);
    }
    if out.is_empty() { "(no name)".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::super::summary::tests::{hunt, migration, note};
    use super::*;
    use crate::diagnostic::Code;

    const HOSTILE: &[&str] = &[
        "../../x",
        "<script>alert(1)</script>",
        "a|b",
        "a\nb\n# c",
        "# heading",
        "- item",
        "1. item",
        "12) item",
        "=== ===",
        "[x](javascript:alert(1))",
        "![x](http://example.org/x.png)",
        "``` fence",
        "**bold** __bold__ ~~gone~~",
        "&lt;b&gt; $x$ {{x}}",
        "",
        "    indented",
        "\\",
        "a\\|b",
        "> quote",
        "\u{202e}turned\u{1b}[31m",
    ];

    #[test]
    fn no_name_breaks_out_of_its_place() {
        for name in HOSTILE {
            let notes = vec![note(Code::UnknownFunction, Effect::Refused, name)];
            let report =
                markdown(&migration(vec![hunt(name, None, vec![("splunk", Effect::Refused, notes)])]), "m.json");
            let mut held: Vec<String> = Vec::new();
            let (mut headings, mut tables, mut items, mut cells, mut links) = (0, 0, 0, 0, 0);
            for event in Parser::new_ext(&report, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
                match event {
                    Event::Html(_) | Event::InlineHtml(_) | Event::Code(_) | Event::Rule | Event::HardBreak => {
                        panic!("{name:?}: {event:?}\n{report}")
                    }
                    Event::InlineMath(_) | Event::DisplayMath(_) | Event::FootnoteReference(_) => {
                        panic!("{name:?}: {event:?}\n{report}")
                    }
                    Event::Start(Tag::Heading { .. }) => headings += 1,
                    Event::Start(Tag::Table(_)) => tables += 1,
                    Event::Start(Tag::Item) => items += 1,
                    Event::Start(Tag::TableCell) => {
                        cells += 1;
                        held.push(String::new());
                    }
                    Event::Text(text) => held.last_mut().into_iter().for_each(|cell| cell.push_str(&text)),
                    Event::End(TagEnd::TableRow) => held.push(String::new()),
                    Event::Start(Tag::Link { .. }) => links += 1,
                    Event::Start(
                        Tag::Image { .. } | Tag::CodeBlock(_) | Tag::BlockQuote(_) | Tag::Emphasis | Tag::Strikethrough,
                    ) => panic!("{name:?}: {event:?}\n{report}"),
                    _ => {}
                }
            }
            // A cell that is cut in two counts as before, for the rest of its row is dropped; so each must be whole.
            let line = one_line(if name.trim().is_empty() { ".kql" } else { name });
            let whole = held.iter().filter(|cell| cell.trim() == line.trim()).count();
            assert!(whole >= 4, "{name:?}: {whole}\n{report}");
            // As many of each as of a plain name.
            assert_eq!((headings, tables, items, cells, links), (8, 5, 3, 54, 1), "{name:?}\n{report}");
            assert!(!report.chars().any(crate::report::is_unsafe), "{name:?}");
        }
    }

    #[test]
    fn what_was_written_is_linked() {
        let it = migration(vec![hunt("a b(1)", None, vec![("splunk", Effect::Exact, vec![])])]);
        let report = markdown(&it, "m.json");
        assert!(report.contains("(a%20b%281%29.spl): **exact**"), "{report}");
        assert!(report.contains("Nothing: every rule"), "{report}");
    }
}
