//! What is refused before pest runs: one linear scan for size, bracket depth, and texts and brackets that are not closed.
//!
//! The scan knows the lexical grammar and nothing else. It also finds the comments, which the builder needs for cutting
//! trailing trivia off spans.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// The largest hunt that is read, in bytes.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// The deepest nesting of brackets that is read.
///
/// Real hunts stay below 20. The bound leaves pest, the builder and what walks the tree room on a stack of 2 MiB in a
/// debug build.
pub(super) const MAX_DEPTH: usize = 64;

/// Comments of a text that passed the guard, in order.
#[derive(Debug, Default)]
pub(super) struct Comments(Vec<Span>);

impl Comments {
    /// The comment that the byte before `end` belongs to.
    pub(super) fn before(&self, end: u32) -> Option<Span> {
        let at = self.0.partition_point(|comment| comment.end < end);
        self.0.get(at).copied().filter(|comment| comment.start < end)
    }
}

/// Whether KQL skips the character between tokens.
pub(super) fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t'..='\r'
            | ' '
            | '\u{85}'
            | '\u{a0}'
            | '\u{ad}'
            | '\u{1680}'
            | '\u{180e}'
            | '\u{2000}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}'
            | '\u{205f}'..='\u{2064}'
            | '\u{3000}'
            | '\u{feff}'
    )
}

/// The comments of a hunt, in order; none where the text is refused before it is parsed.
pub fn comments(text: &str) -> Vec<Span> {
    check(text).map(|comments| comments.0).unwrap_or_default()
}

/// Scans `text`; gives its comments, or what makes it unreadable.
pub(super) fn check(text: &str) -> Result<Comments, Diagnostic> {
    if text.len() > MAX_BYTES {
        let message = format!("the hunt is {} bytes long, {MAX_BYTES} are read", text.len());
        return Err(Diagnostic::error(Code::TooLarge, Span::new(0, 0), message).help("split the hunt"));
    }
    let bytes = text.as_bytes();
    let mut comments = Vec::new();
    let mut open: Vec<(u8, u32)> = Vec::new();
    let mut at = 0;
    // A directive of the query editor is a line that begins with `#` before the first statement.
    let mut before_statements = true;
    while let Some(&byte) = bytes.get(at) {
        let directive = byte == b'#' && before_statements;
        before_statements &= directive || !byte.is_ascii_graphic() || bytes.get(at..at + 2) == Some(b"//");
        match byte {
            b'#' if directive => {
                let rest = bytes.get(at..).unwrap_or_default();
                at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            }
            b'"' | b'\'' => {
                let verbatim = at > 0 && bytes.get(at - 1) == Some(&b'@');
                at = text_end(bytes, at, byte, verbatim).ok_or_else(|| unterminated_text(text, at))?;
            }
            b'`' | b'~' if bytes.get(at..at + 3) == Some(&[byte; 3]) => {
                let fence = if byte == b'`' { "```" } else { "~~~" };
                let body = text.get(at + 3..).unwrap_or_default();
                let length = body.find(fence).ok_or_else(|| unterminated_text(text, at))?;
                at += length + 6;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                let rest = bytes.get(at..).unwrap_or_default();
                let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                comments.push(Span::new(at as u32, (at + length) as u32));
                at += length;
            }
            b'(' | b'[' | b'{' => {
                open.push((byte, at as u32));
                if open.len() > MAX_DEPTH {
                    let span = Span::new(at as u32, at as u32 + 1);
                    let message = format!("brackets are nested more than {MAX_DEPTH} deep");
                    return Err(Diagnostic::error(Code::TooDeep, span, message)
                        .help("give inner parts names with `let` statements"));
                }
                at += 1;
            }
            b')' | b']' | b'}' => {
                // A closing bracket that nothing opened is left to the grammar, which says what could stand there.
                match open.last() {
                    Some((opener, _)) if closer(*opener) == byte => {
                        open.pop();
                    }
                    Some((opener, place)) => return Err(mismatched(*opener, *place, byte, at as u32)),
                    None => {}
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    match open.last() {
        None => Ok(Comments(comments)),
        Some((opener, place)) => {
            let message = format!("`{}` is not closed", *opener as char);
            Err(Diagnostic::error(Code::Unterminated, Span::new(*place, *place + 1), message)
                .help(format!("add the matching `{}`", closer(*opener) as char)))
        }
    }
}

/// The byte after the quote that closes the text opened at `at`. A text does not go on over the end of its line, but
/// a verbatim text does.
fn text_end(bytes: &[u8], at: usize, quote: u8, verbatim: bool) -> Option<usize> {
    let mut end = at + 1;
    loop {
        let byte = *bytes.get(end)?;
        end += 1;
        if byte == quote {
            if verbatim && bytes.get(end) == Some(&quote) {
                end += 1;
                continue;
            }
            return Some(end);
        }
        match byte {
            b'\\' if !verbatim => match bytes.get(end)? {
                b'\n' | b'\r' => return None,
                _ => end += 1,
            },
            b'\n' if !verbatim => return None,
            _ => {}
        }
    }
}

fn closer(opener: u8) -> u8 {
    match opener {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

fn unterminated_text(text: &str, at: usize) -> Diagnostic {
    let quote = match text.as_bytes().get(at) {
        Some(b'`') => "```",
        Some(b'~') => "~~~",
        Some(b'\'') => "'",
        _ => "\"",
    };
    let span = Span::new(at as u32, (at + quote.len()) as u32);
    let line = text.get(at..).unwrap_or_default().lines().next().unwrap_or_default();
    let help = if quote.len() == 3 {
        "add the same three characters where the text ends"
    } else if line.trim_end().ends_with(&format!("\\{quote}")) || line.contains(&format!("\\{quote}")) {
        "a backslash before the quote escapes it: write `\\\\`, or use `@` before the opening quote"
    } else {
        "add the closing quote on the same line"
    };
    Diagnostic::error(Code::Unterminated, span, format!("the text that begins with `{quote}` is not closed")).help(help)
}

fn mismatched(opener: u8, place: u32, found: u8, at: u32) -> Diagnostic {
    let (opener, expected) = (opener as char, closer(opener) as char);
    Diagnostic::error(
        Code::Unterminated,
        Span::new(place, place + 1),
        format!("`{opener}` is not closed before `{}`", found as char),
    )
    .label(Span::new(at, at + 1), format!("`{}` stands where `{expected}` is needed", found as char))
    .help(format!("add the matching `{expected}`"))
}
