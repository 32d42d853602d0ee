//! The look at the snapshots as text for a terminal.

use anstyle::{AnsiColor, Effects, Style};

use super::super::human::style_of;
use super::super::{Human, safe};
use super::{Item, Review, Status};

impl Review {
    /// What fails, and what is to be said of acceptances.
    pub fn text(&self, human: &Human) -> String {
        let mut out = String::new();
        for item in self.items.iter().filter(|item| item.fails()) {
            out.push_str(&item.text(human, usize::MAX));
            out.push('\n');
        }
        for (page, warning) in &self.warnings {
            out.push_str(&human.diagnostic(page, warning));
            out.push('\n');
        }
        out
    }
}

impl Item {
    /// The snapshot: a header, notes that came and went, and so many lines of the difference.
    pub fn text(&self, human: &Human, lines: usize) -> String {
        let style = |color: AnsiColor| color.on_default();
        let bold = Style::new().effects(Effects::BOLD);
        let name = self.name.as_deref().map(|name| format!(" ({})", safe(name))).unwrap_or_default();
        let target = if self.target.is_empty() { String::new() } else { format!(" -> {}", safe(&self.target)) };
        let summary = match (self.status, self.after) {
            (Status::Current, Some(after)) => human.paint(style_of(after), &safe(&self.summary())),
            _ => human.paint(style(AnsiColor::Yellow), &safe(&self.summary())),
        };
        let mut out = format!("{}{name}{target}: {summary}\n", human.paint(bold, &safe(&self.hunt)));
        if !self.path.is_empty() {
            out.push_str(&format!("  {}\n", safe(&self.path)));
        }
        if let Some(message) = &self.message {
            out.push_str(&format!("  {}\n", safe(message)));
        }
        for (mark, color, notes) in [("+", AnsiColor::Green, &self.added), ("-", AnsiColor::Red, &self.removed)] {
            for note in notes {
                out.push_str(&human.paint(style(color), &format!("  {mark} {}", safe(note))));
                out.push('\n');
            }
        }
        for fault in &self.faults {
            out.push_str(&human.diagnostic(&self.page, fault));
            out.push('\n');
        }
        for note in self.denied.iter().filter(|note| note.accepted.is_none()) {
            let (line, column) = self.page.line_column(note.span.start);
            let effect = note.effect.map(|effect| format!(" {effect}")).unwrap_or_default();
            let text = format!("  denied: {}{effect}: {} ({line}:{column})", note.code, safe(&note.message));
            out.push_str(&human.paint(style(AnsiColor::Red), &text));
            out.push('\n');
        }
        out.push_str(&painted(human, &self.diff, lines));
        out
    }
}

/// A unified diff in colour, cut behind so many lines.
fn painted(human: &Human, diff: &str, lines: usize) -> String {
    let mut out = String::new();
    for line in diff.lines().take(lines) {
        let style = match line.as_bytes().first() {
            Some(b'+') => AnsiColor::Green.on_default(),
            Some(b'-') => AnsiColor::Red.on_default(),
            Some(b'@') => AnsiColor::Cyan.on_default(),
            Some(_) | None => Style::new(),
        };
        out.push_str(&human.paint(style, &safe(line)));
        out.push('\n');
    }
    let rest = diff.lines().count().saturating_sub(lines);
    if rest > 0 {
        out.push_str(&format!("... and {rest} more lines\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_hunt_reaches_no_terminal_raw() {
        let review = super::super::tests::hostile();
        let text = review.text(&Human::new(false));
        assert!(!text.chars().any(super::super::super::is_unsafe), "{text:?}");
        assert!(text.contains("changed, exact -> narrower, 1 denied"), "{text}");
        assert!(review.items[0].text(&Human::new(false), 2).ends_with("more lines\n"));
    }
}
