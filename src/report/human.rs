//! Text for people: diagnostics with their source line, translations with their notes.

use std::borrow::Cow;
use std::fmt::Write as _;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use anstyle::{AnsiColor, Effects, Style};

use super::json::effect_of;
use super::{Page, safe};
use crate::diagnostic::{Code, Diagnostic, Effect, Severity};
use crate::emit::Translation;
use crate::intake::Source;
use crate::package::{Package, RuleFile};
use crate::source::Span;
use crate::target::Target;

/// Notes of one code and effect that are shown in full; more are counted.
const SHOWN: usize = 3;
/// Lines longer than this are named, not shown.
const LONG_LINE: usize = 2000;
/// Labels further away than this are named, not shown.
const FAR_LINES: usize = 60;

/// Writes text for people, with or without colour.
#[derive(Debug)]
pub struct Human {
    color: bool,
    renderer: Renderer,
}

impl Human {
    /// A writer of text with colour or without.
    pub fn new(color: bool) -> Self {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        Self { color, renderer: renderer.decor_style(DecorStyle::Ascii) }
    }

    /// The text in a style, where colour is wanted.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// A diagnostic of `check`, as compilers show it. Its places are those of the page.
    pub fn diagnostic(&self, page: &Page, diagnostic: &Diagnostic) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        self.render(page, diagnostic, level)
    }

    /// The hunt, the target and the verdict, on one line.
    pub fn header(&self, source: &Source, target: Target, schema: &str, translation: &Translation) -> String {
        let mut place = safe(&source.path).into_owned();
        if source.index > 0 {
            let _ = write!(place, "#{}", source.index);
        }
        let name = source.name.as_deref().map(|name| format!(" ({})", safe(name))).unwrap_or_default();
        let verdict = self.paint(style_of(translation.verdict), translation.verdict.name());
        let place = self.paint(Style::new().effects(Effects::BOLD), &place);
        format!("{place}{name} -> {}, schema {}: {verdict}\n", target.title(), safe(schema))
    }

    /// A whole translation: header, query, notes.
    pub fn translation(
        &self,
        page: &Page,
        source: &Source,
        target: Target,
        schema: &str,
        translation: &Translation,
    ) -> String {
        let mut out = self.header(source, target, schema, translation);
        if let Some(query) = &translation.query {
            let _ = write!(out, "\n{}\n", safe(query.trim_end_matches('\n')));
        }
        let notes = self.notes(page, translation);
        if !notes.is_empty() {
            let _ = write!(out, "\n{notes}");
        }
        out.push('\n');
        out
    }

    /// The time range and the notes of a translation: most grave first, and of many alike only the first ones.
    pub fn notes(&self, page: &Page, translation: &Translation) -> String {
        let mut out = String::new();
        if let Some(range) = &translation.time_range {
            let end = |end: &Option<String>, open: &str| safe(end.as_deref().unwrap_or(open)).into_owned();
            let _ = writeln!(out, "run over: {} to {}", end(&range.from, "any time"), end(&range.to, "any time"));
        }
        self.remarks(page, &translation.notes, &mut out);
        out
    }

    /// The form of a rule file and its verdict on one line, or why there is none.
    pub fn rule_header(&self, package: Package, rule: &Result<RuleFile, Box<Diagnostic>>) -> String {
        let verdict = rule.as_ref().map_or(Effect::Refused, |rule| rule.verdict);
        format!("as {package}: {}\n", self.paint(style_of(verdict), verdict.name()))
    }

    /// What became of the rule's fields in a rule file, or why there is none.
    pub fn rule_notes(&self, page: &Page, rule: &Result<RuleFile, Box<Diagnostic>>) -> String {
        let mut out = String::new();
        match rule {
            Ok(rule) => self.remarks(page, &rule.notes, &mut out),
            Err(refusal) => self.remarks(page, std::slice::from_ref(&**refusal), &mut out),
        }
        out
    }

    /// Notes, most grave first, and of many alike only the first ones.
    fn remarks(&self, page: &Page, notes: &[Diagnostic], out: &mut String) {
        for effect in Effect::ALL.into_iter().rev() {
            let of_effect = || notes.iter().filter(move |note| effect_of(note) == effect);
            let mut codes: Vec<Code> = of_effect().map(|note| note.code).collect();
            codes.sort_unstable();
            codes.dedup();
            for code in codes {
                let notes: Vec<_> = of_effect().filter(|note| note.code == code).collect();
                for note in notes.iter().take(SHOWN) {
                    if effect == Effect::Exact {
                        out.push_str(&self.line(page, note, effect));
                    } else {
                        out.push_str(&self.render(page, note, level_of(effect)));
                    }
                }
                if let Some(rest) = notes.len().checked_sub(SHOWN).filter(|rest| *rest > 0) {
                    let _ = writeln!(out, "... and {rest} more {}", self.tag(effect, code));
                }
            }
        }
    }

    /// A note that needs no picture, on one line.
    fn line(&self, page: &Page, note: &Diagnostic, effect: Effect) -> String {
        let (line, column) = page.line_column(note.span.start);
        let accepted = note.accepted.as_ref().map(|it| format!("; accepted: {}", safe(&it.reason))).unwrap_or_default();
        format!("{} {} ({line}:{column}){accepted}\n", self.tag(effect, note.code), safe(&note.message))
    }

    fn tag(&self, effect: Effect, code: Code) -> String {
        self.paint(style_of(effect), &format!("{effect}[{code}]"))
    }

    fn render(&self, page: &Page, diagnostic: &Diagnostic, level: Level<'static>) -> String {
        let message = safe(&diagnostic.message);
        let title = level.primary_title(message).id(diagnostic.code.text());
        let (line, column) = page.line_column(diagnostic.span.start);
        let window = Window::around(page, diagnostic.span, &diagnostic.labels);
        let mut group: Group<'_> = match &window {
            Some(window) => {
                let mut marks: Vec<Annotation<'_>> = vec![AnnotationKind::Primary.span(window.within(diagnostic.span))];
                for (span, label) in diagnostic.labels.iter().filter(|(span, _)| window.holds(*span)) {
                    marks.push(AnnotationKind::Context.span(window.within(*span)).label(safe(label)));
                }
                let snippet = Snippet::source(masked(window.text)).line_start(window.line);
                title.element(snippet.path(safe(&page.path)).annotations(marks))
            }
            // What can not be shown is named.
            None => {
                let mut origin = Origin::path(safe(&page.path));
                if !page.text.is_empty() {
                    origin = origin.line(line).char_column(column);
                }
                title.element(origin)
            }
        };
        let shown = |label: &(Span, String)| window.as_ref().is_some_and(|window| window.holds(label.0));
        for (span, label) in diagnostic.labels.iter().filter(|label| !shown(label)) {
            let (line, column) = page.line_column(span.start);
            group = group.element(Level::NOTE.message(format!("{} ({line}:{column})", safe(label))));
        }
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(safe(help)));
        }
        if let Some(accepted) = &diagnostic.accepted {
            group = group.element(Level::NOTE.message(format!("accepted: {}", safe(&accepted.reason))));
        }
        let mut text = self.renderer.render(&[group]);
        text.push('\n');
        text
    }
}

/// How many of which verdict: `3 exact, 1 refused`; empty where there are none.
pub fn tally(verdicts: &[usize; 6]) -> String {
    let counted = Effect::ALL.iter().zip(verdicts).filter(|(_, count)| **count > 0);
    counted.map(|(effect, count)| format!("{count} {effect}")).collect::<Vec<_>>().join(", ")
}

pub(super) fn style_of(effect: Effect) -> Style {
    let color = match effect {
        Effect::Exact => AnsiColor::Green,
        Effect::Reshaped => AnsiColor::Cyan,
        Effect::Broader | Effect::Unsure => AnsiColor::Yellow,
        Effect::Narrower | Effect::Refused => AnsiColor::Red,
    };
    color.on_default().effects(Effects::BOLD)
}

fn level_of(effect: Effect) -> Level<'static> {
    let level = match effect {
        Effect::Refused | Effect::Narrower => Level::ERROR,
        Effect::Broader | Effect::Unsure => Level::WARNING,
        Effect::Exact | Effect::Reshaped => Level::NOTE,
    };
    level.with_name(effect.name())
}

/// The lines of a page that a diagnostic shows.
struct Window<'a> {
    text: &'a str,
    start: usize,
    line: usize,
    first: usize,
    last: usize,
}

impl<'a> Window<'a> {
    /// The lines from the first to the last of the spans; `None` where there is nothing fit to show.
    fn around(page: &'a Page, span: Span, labels: &[(Span, String)]) -> Option<Self> {
        let text = page.text.as_str();
        let mut window = Self { text, start: 0, line: 0, first: span.start as usize, last: span.start as usize };
        let (line, _) = page.line_column(span.start);
        window.line = line;
        for (label, _) in labels {
            let (other, _) = page.line_column(label.start);
            if other.abs_diff(line) <= FAR_LINES {
                window.first = window.first.min(label.start as usize);
                window.last = window.last.max(label.start as usize);
                window.line = window.line.min(other);
            }
        }
        // Long spans are underlined on their first lines only.
        let inside = span.slice(text);
        let shown: usize = inside.split_inclusive('\n').take(4).map(str::len).sum();
        window.last = window.last.max(span.start as usize + shown.saturating_sub(1).min(inside.len()));
        let start = text.get(..window.first)?.rfind('\n').map_or(0, |at| at + 1);
        let end = text.get(window.last..)?.find('\n').map_or(text.len(), |at| window.last + at);
        let start = if start == 0 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { start };
        window.text = text.get(start..end)?;
        window.start = start;
        let fits = !window.text.trim().is_empty() && window.text.lines().all(|line| line.len() <= LONG_LINE);
        fits.then_some(window)
    }

    /// The span as a range of the window's text.
    fn within(&self, span: Span) -> std::ops::Range<usize> {
        let clip = |offset: u32| (offset as usize).saturating_sub(self.start).min(self.text.len());
        let floor = |mut at: usize| {
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        floor(clip(span.start))..floor(clip(span.end))
    }

    /// Whether the span lies in the window.
    fn holds(&self, span: Span) -> bool {
        span.start as usize >= self.start && span.end as usize <= self.start + self.text.len()
    }
}

/// Source text in which control characters that the renderer lets through are replaced by others of the same length.
fn masked(text: &str) -> Cow<'_, str> {
    let is_c1 = |c: char| ('\u{80}'..='\u{9f}').contains(&c) || c == '\u{61c}';
    if text.contains(is_c1) { Cow::Owned(text.replace(is_c1, "\u{b7}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_its_line_and_no_control_characters() {
        let page = Page::new("a\x1b.kql".into(), "T\n| wher x\x1b[31m\u{9b} == 1\r\n| take 1\n".into());
        let one = Diagnostic::error(Code::Syntax, Span::new(4, 8), "`wher\x1b` is no operator")
            .help("write `where`")
            .label(Span::new(0, 1), "the table");
        let text = Human::new(false).diagnostic(&page, &one);
        assert!(text.contains("error[HG010]: `wher\\u{1b}` is no operator"), "{text}");
        assert!(text.contains(":2:3"), "{text}");
        assert!(text.contains("the table"), "{text}");
        assert!(!text.chars().any(super::super::is_unsafe), "{text:?}");
    }

    #[test]
    fn spans_at_odd_places_are_rendered() {
        for (text, span) in [
            ("", Span::new(0, 0)),
            ("", Span::new(5, 9)),
            ("T", Span::new(1, 1)),
            ("T\n", Span::new(2, 2)),
            ("\u{feff}T\n", Span::new(0, 4)),
            ("ß\r\nß", Span::new(1, 5)),
            ("a\nb\nc\nd\ne\nf\n", Span::new(0, 12)),
            (&"x".repeat(5000), Span::new(10, 20)),
        ] {
            let page = Page::new("a.kql".into(), text.to_owned());
            let one = Diagnostic::warning(Code::Syntax, span, "message").label(span, "label");
            assert!(Human::new(true).diagnostic(&page, &one).contains("message"), "{text:?}");
        }
    }

    #[test]
    fn notes_are_folded_most_grave_first() {
        let page = Page::new("a.kql".into(), "T | where a == 1".into());
        let note =
            |effect, at| Diagnostic::note(Code::InferredField, effect, Span::new(at, at + 1), format!("note {at}"));
        let mut notes: Vec<_> = (0..5).map(|at| note(Effect::Exact, at)).collect();
        notes.push(note(Effect::Narrower, 4));
        let translation =
            Translation { verdict: Effect::Narrower, query: Some("q".into()), ..Translation::refused(notes) };
        let text = Human::new(false).notes(&page, &translation);
        assert!(text.starts_with("narrower[HG401]: note 4"), "{text}");
        assert!(text.contains("exact[HG401] note 2 (1:3)") && text.contains("... and 2 more exact[HG401]"), "{text}");
    }
}
