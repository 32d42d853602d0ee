//! Making text of files harmless for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a terminal or a reader could be misled by the character: controls, and marks that turn the direction.
///
/// Line feed and tab are harmless.
pub fn is_unsafe(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        character => character.is_control(),
    }
}

/// The text with unsafe characters written as `\u{1b}`. A carriage return before a line feed is dropped.
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\r' && characters.peek() == Some(&'\n') {
            continue;
        }
        if is_unsafe(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// JSON text with unsafe characters, which can only stand inside its strings, written as `\u009b`.
pub fn safe_json(text: String) -> String {
    if !text.chars().any(is_unsafe) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_unsafe(character) {
            // All of them are in the basic plane: one escape each. Writing to a string does not fail.
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_shown_and_never_sent() {
        assert_eq!(safe("a\x1b[31m\tb\r\nc\u{202e}\u{9b}"), "a\\u{1b}[31m\tb\nc\\u{202e}\\u{9b}");
        let json = safe_json(serde_json::to_string("\x1b\u{9b}\u{202e}ß\x7f").unwrap());
        assert_eq!(json, "\"\\u001b\\u009b\\u202eß\\u007f\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), "\x1b\u{9b}\u{202e}ß\x7f");
    }
}
