//! The whole text as one hunt.

use super::{Cut, Found, look};
use crate::about::About;
use crate::source::Origin;

/// The length of a byte order mark at the start of `text`.
pub(super) fn mark_len(text: &str) -> usize {
    if text.starts_with(super::decode::BYTE_ORDER_MARK) { super::decode::BYTE_ORDER_MARK.len_utf8() } else { 0 }
}

/// The text without its byte order mark, unless it holds nothing but blanks and comments.
pub(super) fn cut(text: &str) -> Found {
    let start = mark_len(text);
    let query = text.get(start..).unwrap_or_default();
    if look::is_blank(query) {
        return Found::default();
    }
    let origin = Origin::verbatim(start as u32, query.len() as u32);
    Found {
        cuts: vec![Cut { text: query.to_owned(), origin, about: About::default(), divisible: true }],
        diagnostics: Vec::new(),
    }
}
