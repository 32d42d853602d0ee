//! The look at the snapshots as Markdown, for the summary of a pull request.
//!
//! Text of a hunt stands in code, where neither Markdown nor HTML nor a name behind `@` means anything: in the table within
//! `<code>` with every mark as an entity, below it in fences that are longer than any run of backticks in them.

use std::fmt::Write as _;

use super::super::safe;
use super::{Item, Review, Status};

/// Snapshots that are shown with their differences; more are counted. A summary of GitHub may have 1 MiB:
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits>.
const SHOWN: usize = 60;
/// Rows of the table.
const ROWS: usize = 500;
/// Bytes of a difference, and of a text in the table.
const MAX_DIFF: usize = 8 * 1024;
const MAX_CELL: usize = 200;

impl Review {
    /// A table of what fails, and each difference folded away below it.
    pub fn markdown(&self) -> String {
        let mut out = String::from("## huntgate: snapshots\n\n");
        let failing: Vec<&Item> = self.items.iter().filter(|item| item.fails()).collect();
        let _ = writeln!(out, "{}", self.tally());
        if !failing.is_empty() {
            out.push_str("\n| Hunt | Target | Change | Verdict |\n| --- | --- | --- | --- |\n");
        }
        for item in failing.iter().take(ROWS) {
            let denied = if item.is_denied() { ", denied" } else { "" };
            let status = if item.status == Status::Current && item.is_denied() { "" } else { item.status.name() };
            let change = format!("{status}{denied}");
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                code(&item.hunt),
                code(&item.target),
                change.trim_start_matches(", "),
                verdicts(item)
            );
        }
        more(&mut out, failing.len(), ROWS, "rows");
        for item in failing.iter().take(SHOWN) {
            let _ = write!(out, "\n<details><summary>{} → {}</summary>\n\n", code(&item.hunt), code(&item.target));
            let mut text = String::new();
            let mut line = |mark: &str, said: &str| {
                let _ = writeln!(text, "{mark}{}", safe(said).replace('\n', " "));
            };
            item.message.iter().for_each(|message| line("# ", message));
            item.added.iter().for_each(|note| line("+ ", note));
            item.removed.iter().for_each(|note| line("- ", note));
            for note in item.faults.iter().chain(&item.denied) {
                let (at, _) = item.page.line_column(note.span.start);
                match &note.accepted {
                    Some(accepted) => {
                        line("# ", &format!("accepted: {}, line {at}: {}", note.code, accepted.reason));
                    }
                    None => line("! ", &format!("{}, line {at}: {}", note.code, note.message)),
                }
            }
            text.push_str(&safe(&item.diff));
            out.push_str(&fenced(&text));
            out.push_str("\n</details>\n");
        }
        more(&mut out, failing.len(), SHOWN, "differences");
        if !self.warnings.is_empty() {
            out.push_str("\nAcceptances:\n\n");
            let lines: String = self
                .warnings
                .iter()
                .take(ROWS)
                .map(|(page, one)| {
                    let (line, _) = page.line_column(one.span.start);
                    format!("{}:{line}: {}: {}\n", safe(&page.path), one.code, safe(&one.message).replace('\n', " "))
                })
                .collect();
            out.push_str(&fenced(&lines));
        }
        out
    }
}

fn more(out: &mut String, count: usize, shown: usize, what: &str) {
    if count > shown {
        let _ = writeln!(out, "\n… and {} more {what}", count - shown);
    }
}

fn verdicts(item: &Item) -> String {
    match (item.before, item.after) {
        (Some(before), Some(after)) if before != after => format!("{before} → **{after}**"),
        (_, Some(after)) => after.to_string(),
        (Some(before), None) => format!("{before} → none"),
        (None, None) => String::new(),
    }
}

/// Text as code within a line.
fn code(text: &str) -> String {
    let mut out = String::from("<code>");
    for char in safe(cut(text, MAX_CELL)).replace(['\n', '\t'], " ").chars() {
        if char.is_alphanumeric() || matches!(char, ' ' | '.' | '-' | '/') {
            out.push(char);
        } else {
            let _ = write!(out, "&#{};", u32::from(char));
        }
    }
    out.push_str("</code>");
    out
}

/// Text as a block of code.
fn fenced(text: &str) -> String {
    let text = cut(text, MAX_DIFF);
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}diff\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn cut(text: &str, max: usize) -> &str {
    let end = (0..=text.len().min(max)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulldown_cmark::{Event, Options, Parser};

    #[test]
    fn nothing_of_a_hunt_is_markup() {
        let text = super::super::tests::hostile().markdown();
        let (mut html, mut code) = (Vec::new(), 0);
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Html(it) | Event::InlineHtml(it) => html.push(it.trim().to_owned()),
                Event::Start(pulldown_cmark::Tag::Link { .. }) => panic!("a link: {text}"),
                Event::Start(pulldown_cmark::Tag::CodeBlock(_)) => code += 1,
                _ => {}
            }
        }
        assert_eq!(code, 2, "{text}");
        for one in html {
            let tags = one.replace("<details><summary>", "").replace("</summary>", "").replace("</details>", "");
            assert!(!tags.replace("<code>", "").replace("</code>", "").contains('<'), "{one}\n{text}");
        }
        assert!(text.contains("| changed, denied | exact → **narrower** |"), "{text}");
    }

    #[test]
    fn a_summary_stays_below_what_is_read() {
        let mut review = super::super::tests::hostile();
        let item = Item { diff: "+x\n".repeat(100_000), hunt: "h".repeat(5000), ..review.items[0].clone() };
        review.items = vec![item; 3000];
        let text = review.markdown();
        assert!(text.len() < 1024 * 1024 && text.contains("2940 more differences"), "{}", text.len());
    }
}
