//! One text that holds several hunts: the portals run the block of lines the cursor stands in, so files of hunts are
//! often separated by blank lines only.
//!
//! A text that reads as a whole is one hunt, blank lines or not. Cutting is lexical and linear; each part is then read
//! by [`parse`].

use super::ast::Query;
use super::guard::is_blank;
use super::parse::parse;
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// The hunts of a text: the whole, or its parts where cutting makes more of it readable.
pub fn split(text: &str) -> Vec<Span> {
    parse_all(text).into_iter().map(|(span, _)| span).collect()
}

/// The hunts of a text and what each of them reads as.
///
/// Places in a result are relative to the text of its part, `span.slice(text)`.
pub fn parse_all(text: &str) -> Vec<(Span, Result<Query, Vec<Diagnostic>>)> {
    let whole = Span::new(0, text.len() as u32);
    let fault = match parse(text) {
        Ok(query) => return vec![(whole, Ok(query))],
        Err(fault) => fault,
    };
    let parts = cut(text);
    if parts.len() > 1 {
        let read: Vec<_> = parts.into_iter().map(|part| (part, parse(part.slice(text)))).collect();
        let holds_rows = |query: &Query| !query.statements.is_empty();
        if read.iter().any(|(_, result)| result.as_ref().is_ok_and(holds_rows)) {
            return read;
        }
    }
    vec![(whole, Err(fault))]
}

/// What a scan over one block of lines found.
struct Block {
    span: Span,
    /// Its first byte that is no blank or comment.
    first: Option<u8>,
    /// Its last byte that is no blank or comment.
    last: Option<u8>,
    /// Brackets opened less brackets closed.
    depth: i64,
}

/// Cuts a text at blank lines, unless the lines before are not complete or the lines after go on with them.
fn cut(text: &str) -> Vec<Span> {
    let mut parts: Vec<Span> = Vec::new();
    let mut depth = 0;
    let mut last = None;
    let mut comments: Option<Span> = None;
    for block in blocks(text) {
        let Some(first) = block.first else {
            // Comments belong to the hunt that follows them.
            comments = Some(comments.map_or(block.span, |span| span.to(block.span)));
            continue;
        };
        let span = comments.take().map_or(block.span, |span| span.to(block.span));
        let complete = depth <= 0 && last.is_some_and(|byte| !b";|,=(".contains(&byte));
        let continues = b"|),;]}".contains(&first);
        match parts.last_mut() {
            Some(part) if continues || !complete => *part = part.to(span),
            _ => {
                parts.push(span);
                depth = 0;
            }
        }
        depth += block.depth;
        last = block.last;
    }
    if let (Some(part), Some(comments)) = (parts.last_mut(), comments) {
        *part = part.to(comments);
    }
    parts
}

/// Runs of lines between blank lines.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut current: Option<Block> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let content = line.trim_end_matches(is_blank);
        if content.trim_start_matches(is_blank).is_empty() {
            blocks.extend(current.take());
            continue;
        }
        let span = Span::new(start as u32, (start + content.len()) as u32);
        let block = current.get_or_insert(Block { span, first: None, last: None, depth: 0 });
        block.span = block.span.to(span);
        scan(content, block);
    }
    blocks.extend(current);
    blocks
}

/// Adds what one line holds to its block: texts and comments are passed over.
fn scan(line: &str, block: &mut Block) {
    let mut bytes = line.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'/' if bytes.peek() == Some(&b'/') => return,
            b'"' | b'\'' => {
                let verbatim = block.last == Some(b'@');
                while let Some(inner) = bytes.next() {
                    match inner {
                        b'\\' if !verbatim => {
                            bytes.next();
                        }
                        _ if inner == byte => break,
                        _ => {}
                    }
                }
            }
            b'(' | b'[' | b'{' => block.depth += 1,
            b')' | b']' | b'}' => block.depth -= 1,
            _ => {}
        }
        if !byte.is_ascii_whitespace() && byte.is_ascii() {
            block.first = block.first.or(Some(byte));
            block.last = Some(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<&str> {
        split(text).into_iter().map(|span| span.slice(text)).collect()
    }

    #[test]
    fn a_text_that_reads_whole_is_one_hunt() {
        let text = "let x = 1;\n\nTable\n\n| where a == x\n";
        assert_eq!(parts(text), [text]);
    }

    #[test]
    fn blank_lines_separate_hunts() {
        let text = "// one\nTable1\n| take 1\n\n// two\n\nTable2\n\n| take 2\n";
        assert_eq!(parts(text), ["// one\nTable1\n| take 1", "// two\n\nTable2\n\n| take 2"]);
    }

    #[test]
    fn a_prelude_belongs_to_its_block() {
        let text = "let a = 1;\n\nTable1\n| where x == a\n\nlet b = 2;\nTable2 | where x == b";
        assert_eq!(parts(text), ["let a = 1;\n\nTable1\n| where x == a", "let b = 2;\nTable2 | where x == b"]);
    }

    #[test]
    fn brackets_hold_blocks_together() {
        let text = "Table1\n| where x in (\n\n\"a\")\n\nTable2 | take 1";
        assert_eq!(parts(text), ["Table1\n| where x in (\n\n\"a\")", "Table2 | take 1"]);
    }

    #[test]
    fn what_stays_unreadable_stays_whole() {
        let text = "this is no hunt\n\nnor is this one";
        assert_eq!(parts(text), [text]);
    }

    #[test]
    fn an_unreadable_part_has_its_own_diagnostic() {
        let text = "Table1 | take 1\n\nTable2 | wehre x == 1";
        let read = parse_all(text);
        assert_eq!(read.len(), 2);
        assert!(read[0].1.is_ok());
        assert_eq!(read[1].1.as_ref().map_err(|fault| fault[0].span), Err(Span::new(9, 14)));
    }
}
