//! A file's text with its lines, counted when first asked for.

use std::sync::{Arc, OnceLock};

use crate::diagnostic::Diagnostic;
use crate::source::{LineIndex, Origin, Span};

/// A place of a file, as it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Place {
    /// First byte, an offset into the file.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Line of the first byte, from 1.
    #[schemars(range(min = 1))]
    pub line: usize,
    /// Column of the first byte in characters, from 1.
    #[schemars(range(min = 1))]
    pub column: usize,
}

/// The file that hunts were cut from.
#[derive(Debug)]
pub struct Page {
    /// The file as it is shown.
    pub path: Arc<str>,
    /// Its text.
    pub text: String,
    lines: OnceLock<LineIndex>,
}

impl Page {
    /// A page of `text`.
    pub fn new(path: Arc<str>, text: String) -> Self {
        Self { path, text, lines: OnceLock::new() }
    }

    /// Line and column of a byte. A byte order mark takes no column.
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let (line, column) = self.lines.get_or_init(|| LineIndex::new(&self.text)).line_column(&self.text, offset);
        let marked = line == 1 && column > 1 && self.text.starts_with('\u{feff}');
        (line, column - usize::from(marked))
    }

    /// A span with its line and column.
    pub fn place(&self, span: Span) -> Place {
        let (line, column) = self.line_column(span.start);
        Place { start: span.start, end: span.end, line, column }
    }

    /// The diagnostic of a hunt with its places brought to the file.
    pub fn located(mut diagnostic: Diagnostic, origin: &Origin) -> Diagnostic {
        diagnostic.span = origin.locate(diagnostic.span);
        for (span, _) in &mut diagnostic.labels {
            *span = origin.locate(*span);
        }
        diagnostic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_takes_no_column() {
        let page = Page::new("x".into(), "\u{feff}T | x\nß y".into());
        assert_eq!(page.place(Span::new(3, 4)), Place { start: 3, end: 4, line: 1, column: 1 });
        assert_eq!(page.line_column(0), (1, 1));
        assert_eq!(page.line_column(12), (2, 3));
    }
}
