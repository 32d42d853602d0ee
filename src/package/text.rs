//! Texts of any origin in the shapes that rule files ask for. Quoting is the templates' part.

/// A text on one line, of printable characters, cut to a number of characters.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut count = 0;
    let mut blank = false;
    for char in text.chars() {
        if char.is_whitespace() || char.is_control() {
            blank = !line.is_empty();
            continue;
        }
        let needed = 1 + usize::from(blank);
        if count + needed > most {
            if line.pop().is_some() {
                line.push('…');
            }
            return line;
        }
        if std::mem::take(&mut blank) {
            line.push(' ');
        }
        line.push(char);
        count += needed;
    }
    line
}

/// A text in the quotes of notes.
pub(super) fn quoted(text: &str, most: usize) -> String {
    format!("`{}`", one_line(text, most).replace('`', "'"))
}

/// A text line by line, of printable characters, without blanks at the ends of lines and empty lines around it, cut to a
/// number of characters.
pub(super) fn paragraphs(text: &str, most: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(most.saturating_mul(4)));
    let mut count = 0;
    for line in text.trim().lines() {
        if count > most {
            break;
        }
        let line: String = line.chars().map(|char| if char == '\t' { ' ' } else { char }).collect();
        let line: String = line.trim_end().chars().filter(|char| !is_unprintable(*char)).collect();
        count += line.chars().count() + 1;
        clean.push_str(line.trim_end());
        clean.push('\n');
    }
    let clean = clean.trim_matches('\n');
    match clean.char_indices().nth(most) {
        None => clean.to_owned(),
        Some(_) => {
            let end = clean.char_indices().nth(most.saturating_sub(1)).map_or(0, |(at, _)| at);
            format!("{}…", clean.get(..end).unwrap_or_default())
        }
    }
}

/// What ends a line in some reader, or is not shown.
fn is_unprintable(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_shape() {
        assert_eq!(one_line(" a\r\n b\u{7}\tc ", 9), "a b c");
        assert_eq!(one_line("abcdef", 3), "ab…");
        assert_eq!(one_line("ab cdef", 3), "a…");
        assert_eq!(one_line("abc", 3), "abc");
        assert_eq!(paragraphs("\n\n a \u{1b}\r\n\r\n\tb\u{2028}c\n\n", 99), "a\n\n b c".replace(" c", "c"));
        assert_eq!(paragraphs("ä\nää", 3), "ä\n…");
        assert_eq!(paragraphs("ä\nä", 3), "ä\nä");
    }
}
