//! The classes of characters that regular expressions name, within ASCII.

use regex_syntax::ast::{ClassAsciiKind, ClassPerlKind};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

fn ranges(list: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(list.iter().map(|(start, end)| ClassUnicodeRange::new(*start, *end)))
}

/// `\d`, `\s`, `\w` within ASCII.
pub(super) fn perl(kind: &ClassPerlKind) -> ClassUnicode {
    match kind {
        ClassPerlKind::Digit => ranges(&[('0', '9')]),
        ClassPerlKind::Space => ranges(&[('\t', '\r'), (' ', ' ')]),
        ClassPerlKind::Word => ranges(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
    }
}

/// `[:alpha:]` and the like.
pub(super) fn ascii(kind: &ClassAsciiKind) -> ClassUnicode {
    use ClassAsciiKind as Kind;
    match kind {
        Kind::Alnum => ranges(&[('0', '9'), ('A', 'Z'), ('a', 'z')]),
        Kind::Alpha => ranges(&[('A', 'Z'), ('a', 'z')]),
        Kind::Ascii => ranges(&[('\0', '\x7f')]),
        Kind::Blank => ranges(&[('\t', '\t'), (' ', ' ')]),
        Kind::Cntrl => ranges(&[('\0', '\x1f'), ('\x7f', '\x7f')]),
        Kind::Digit => ranges(&[('0', '9')]),
        Kind::Graph => ranges(&[('!', '~')]),
        Kind::Lower => ranges(&[('a', 'z')]),
        Kind::Print => ranges(&[(' ', '~')]),
        Kind::Punct => ranges(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        Kind::Space => ranges(&[('\t', '\r'), (' ', ' ')]),
        Kind::Upper => ranges(&[('A', 'Z')]),
        Kind::Word => ranges(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        Kind::Xdigit => ranges(&[('0', '9'), ('A', 'F'), ('a', 'f')]),
    }
}

/// The letters of ASCII that a class holds in one case alone, so that it depends on whether case counts.
pub(super) fn of_one_case(set: &ClassUnicode) -> impl Iterator<Item = char> {
    let holds = |char: char| set.ranges().iter().any(|range| range.start() <= char && char <= range.end());
    ('a'..='z').filter_map(move |lower| match (holds(lower), holds(lower.to_ascii_uppercase())) {
        (true, false) => Some(lower),
        (false, true) => Some(lower.to_ascii_uppercase()),
        (true, true) | (false, false) => None,
    })
}
