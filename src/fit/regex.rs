//! Regular expressions: KQL's dialect, which is that of the Rust `regex` crate, written for PCRE and for Java; and texts as
//! patterns. What a target does with a pattern is no matter of this file; Lucene's are in `lucene.rs`.
//!
//! See <https://learn.microsoft.com/kusto/query/regex>, <https://www.pcre.org/current/doc/html/pcre2pattern.html> and
//! <https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/regex/Pattern.html>.

use std::fmt::Write as _;

use regex_syntax::ast::{
    AssertionKind, Ast, ClassPerlKind, ClassSet, ClassSetItem, ClassUnicodeKind, Flag, Flags, FlagsItemKind, GroupKind,
    HexLiteralKind, Literal, LiteralKind, SpecialLiteralKind, parse::Parser,
};

/// For whom a pattern is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fit) enum Dialect {
    /// PCRE, as Splunk has it.
    Pcre,
    /// `java.util.regex`: flags in front make its classes, letters and line ends those of KQL.
    Java,
}

impl Dialect {
    fn name(self) -> &'static str {
        match self {
            Self::Pcre => "PCRE",
            Self::Java => "Java",
        }
    }
}

/// A pattern of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fit) struct Pattern {
    /// The pattern.
    pub(in crate::fit) text: String,
    /// Whether it may match the empty text.
    pub(in crate::fit) matches_empty: bool,
    /// Whether it holds a class that is Unicode in KQL and ASCII in the target.
    pub(in crate::fit) unicode_class: bool,
    /// How many groups capture.
    pub(in crate::fit) groups: usize,
    /// The names of groups that have one, with their numbers.
    pub(in crate::fit) names: Vec<(String, u32)>,
}

/// Writes a pattern of KQL for PCRE.
///
/// # Errors
/// What the pattern holds that PCRE has not, or what is wrong with it.
pub(in crate::fit) fn translate(pattern: &str) -> Result<Pattern, String> {
    written(pattern, None, Dialect::Pcre)
}

/// Writes a pattern of KQL so that the group of this number alone captures, as group 1.
///
/// # Errors
/// As of [`translate`].
pub(in crate::fit) fn only_group(pattern: &str, group: u32) -> Result<Pattern, String> {
    written(pattern, Some(group), Dialect::Pcre)
}

fn written(pattern: &str, only: Option<u32>, dialect: Dialect) -> Result<Pattern, String> {
    let ast = Parser::new().parse(pattern).map_err(|error| format!("it is not valid: {}", error.kind()))?;
    let hir = regex_syntax::parse(pattern).map_err(|_| "it is not valid".to_owned())?;
    let mut writer = Writer {
        out: String::new(),
        dialect,
        unicode_class: false,
        multi_line: false,
        lines: false,
        only,
        names: Vec::new(),
    };
    writer.ast(&ast)?;
    let (names, unicode_class) = (std::mem::take(&mut writer.names), writer.unicode_class);
    Ok(Pattern {
        text: writer.text(),
        matches_empty: hir.properties().minimum_len().is_none_or(|length| length == 0),
        unicode_class,
        groups: hir.properties().explicit_captures_len(),
        names,
    })
}

/// Writes a pattern that older versions of Kusto took and the documented dialect does not: `[[]`, `{` that is no
/// number of times, `\0`.
///
/// # Errors
/// What the pattern holds that the target has not, or what is wrong with it.
pub(in crate::fit) fn lenient(pattern: &str, dialect: Dialect) -> Result<Pattern, String> {
    let strict = written(pattern, None, dialect);
    if strict.is_ok() {
        return strict;
    }
    let (mut out, mut in_class) = (String::new(), false);
    let mut rest = pattern.chars();
    while let Some(char) = rest.next() {
        let after = rest.as_str();
        match char {
            '\\' => match rest.next() {
                Some('0') => out.push_str("\\x00"),
                next => out.extend(std::iter::once(char).chain(next)),
            },
            '[' if in_class && !after.starts_with(':') => out.push_str("\\["),
            '[' => {
                in_class = true;
                out.push(char);
                // A bracket or its negation that stands first belongs to the set.
                if after.starts_with(['^', ']']) {
                    out.extend(rest.next());
                }
            }
            ']' => {
                in_class = false;
                out.push(char);
            }
            '{' if !in_class && !after.starts_with(|next: char| next.is_ascii_digit()) => out.push_str("\\{"),
            _ => out.push(char),
        }
    }
    written(&out, None, dialect).or(strict)
}

/// A text as a pattern that matches it and nothing else.
pub(in crate::fit) fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    text.chars().for_each(|char| push_char(&mut out, char, false));
    out
}

/// A character as a pattern; control characters and the backtick, which Splunk reads as a macro, by their number.
fn push_char(out: &mut String, char: char, in_class: bool) {
    let special = if in_class { "\\]^[-&~" } else { "\\.+*?()|[]{}^$#" };
    if char.is_control() || char == '`' {
        let _ = write!(out, "\\x{{{:02X}}}", u32::from(char));
    } else {
        if special.contains(char) {
            out.push('\\');
        }
        out.push(char);
    }
}

struct Writer {
    out: String,
    dialect: Dialect,
    unicode_class: bool,
    multi_line: bool,
    /// What ends a line matters.
    lines: bool,
    /// The only group that captures, where not all do.
    only: Option<u32>,
    names: Vec<(String, u32)>,
}

impl Writer {
    /// The whole pattern. Java's classes are those of ASCII and its lines end in other characters as well, unless flags say
    /// otherwise.
    fn text(self) -> String {
        let java = self.dialect == Dialect::Java;
        match (java && self.lines, java && self.unicode_class) {
            (false, false) => self.out,
            (true, false) => format!("(?d){}", self.out),
            (false, true) => format!("(?U){}", self.out),
            (true, true) => format!("(?dU){}", self.out),
        }
    }

    fn lacks(&self, what: &str) -> String {
        format!("{} {what}", self.dialect.name())
    }

    // The depth is bounded by the parser of the pattern (250 levels).
    fn ast(&mut self, ast: &Ast) -> Result<(), String> {
        match ast {
            Ast::Empty(_) => {}
            Ast::Flags(flags) => {
                self.out.push_str("(?");
                self.flags(&flags.flags)?;
                self.out.push(')');
            }
            Ast::Literal(literal) => self.literal(literal, false),
            Ast::Dot(_) => {
                self.lines = true;
                self.out.push('.');
            }
            Ast::Assertion(assertion) => self.out.push_str(match assertion.kind {
                AssertionKind::StartLine => "^",
                // `$` of PCRE also matches before a line feed at the end.
                AssertionKind::EndLine if !self.multi_line => "\\z",
                AssertionKind::EndLine => {
                    self.lines = true;
                    "$"
                }
                AssertionKind::StartText => "\\A",
                AssertionKind::EndText => "\\z",
                AssertionKind::WordBoundary => {
                    self.unicode_class = true;
                    "\\b"
                }
                AssertionKind::NotWordBoundary => {
                    self.unicode_class = true;
                    "\\B"
                }
                AssertionKind::WordBoundaryStart
                | AssertionKind::WordBoundaryEnd
                | AssertionKind::WordBoundaryStartAngle
                | AssertionKind::WordBoundaryEndAngle
                | AssertionKind::WordBoundaryStartHalf
                | AssertionKind::WordBoundaryEndHalf => return Err(self.lacks("has no start or end of a word")),
            }),
            Ast::ClassUnicode(class) => self.unicode(&class.kind, class.is_negated())?,
            Ast::ClassPerl(class) => self.perl(&class.kind, class.negated, false),
            Ast::ClassBracketed(class) => {
                self.out.push_str(if class.negated { "[^" } else { "[" });
                match &class.kind {
                    ClassSet::Item(item) => self.item(item)?,
                    ClassSet::BinaryOp(_) => return Err(self.lacks("has no operators on sets of characters")),
                }
                self.out.push(']');
            }
            Ast::Repetition(repetition) => {
                // `a+?`, `a++`: a second operator would make the first lazy or possessive.
                let nested = matches!(*repetition.ast, Ast::Repetition(_) | Ast::Empty(_) | Ast::Flags(_));
                if nested {
                    self.out.push_str("(?:");
                }
                self.ast(&repetition.ast)?;
                if nested {
                    self.out.push(')');
                }
                self.repetition(&repetition.op.kind);
                if !repetition.greedy {
                    self.out.push('?');
                }
            }
            Ast::Group(group) => {
                let outer = self.multi_line;
                match &group.kind {
                    GroupKind::CaptureIndex(index) => self.out.push_str(self.opening(*index)),
                    GroupKind::CaptureName { name, .. } => {
                        self.names.push((name.name.clone(), name.index));
                        if self.only.is_some() || self.dialect == Dialect::Java {
                            let opening = self.opening(name.index);
                            self.out.push_str(opening);
                            self.ast(&group.ast)?;
                            self.out.push(')');
                            self.multi_line = outer;
                            return Ok(());
                        }
                        if !name.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') || name.name.len() > 32 {
                            return Err(
                                "the name of a group has other characters than letters, digits and `_`".to_owned()
                            );
                        }
                        let _ = write!(self.out, "(?<{}>", name.name);
                    }
                    GroupKind::NonCapturing(flags) => {
                        self.out.push_str("(?");
                        self.flags(flags)?;
                        self.out.push(':');
                    }
                }
                self.ast(&group.ast)?;
                self.out.push(')');
                self.multi_line = outer;
            }
            Ast::Alternation(alternation) => {
                // In PCRE as in KQL flags set in one branch hold in the following ones; only the flag's own place counts.
                for (index, branch) in alternation.asts.iter().enumerate() {
                    if index > 0 {
                        self.out.push('|');
                    }
                    self.ast(branch)?;
                }
            }
            Ast::Concat(concat) => concat.asts.iter().try_for_each(|ast| self.ast(ast))?,
        }
        Ok(())
    }

    /// How a group begins that captures in KQL.
    fn opening(&self, index: u32) -> &'static str {
        if self.only.is_none_or(|only| only == index) { "(" } else { "(?:" }
    }

    fn flags(&mut self, flags: &Flags) -> Result<(), String> {
        let mut on = true;
        for item in &flags.items {
            match item.kind {
                FlagsItemKind::Negation => {
                    on = false;
                    self.out.push('-');
                }
                FlagsItemKind::Flag(Flag::CaseInsensitive) => self.out.push_str(match self.dialect {
                    Dialect::Pcre => "i",
                    Dialect::Java if on => "iu",
                    Dialect::Java => "i",
                }),
                FlagsItemKind::Flag(Flag::DotMatchesNewLine) => self.out.push('s'),
                FlagsItemKind::Flag(Flag::SwapGreed) if self.dialect == Dialect::Pcre => self.out.push('U'),
                FlagsItemKind::Flag(Flag::SwapGreed) => return Err(self.lacks("has no counterpart of the flag `U`")),
                FlagsItemKind::Flag(Flag::MultiLine) => {
                    self.multi_line = on;
                    self.lines = true;
                    self.out.push('m');
                }
                FlagsItemKind::Flag(Flag::Unicode | Flag::CRLF | Flag::IgnoreWhitespace) => {
                    return Err(self.lacks("has no counterpart of the flags `u`, `R` and `x`"));
                }
            }
        }
        Ok(())
    }

    fn repetition(&mut self, kind: &regex_syntax::ast::RepetitionKind) {
        use regex_syntax::ast::{RepetitionKind, RepetitionRange};
        match kind {
            RepetitionKind::ZeroOrOne => self.out.push('?'),
            RepetitionKind::ZeroOrMore => self.out.push('*'),
            RepetitionKind::OneOrMore => self.out.push('+'),
            RepetitionKind::Range(range) => {
                let _ = match range {
                    RepetitionRange::Exactly(count) => write!(self.out, "{{{count}}}"),
                    RepetitionRange::AtLeast(count) => write!(self.out, "{{{count},}}"),
                    RepetitionRange::Bounded(from, to) => write!(self.out, "{{{from},{to}}}"),
                };
            }
        }
    }

    fn literal(&mut self, literal: &Literal, in_class: bool) {
        match &literal.kind {
            LiteralKind::HexFixed(HexLiteralKind::X) | LiteralKind::HexBrace(_) | LiteralKind::HexFixed(_) => {
                let _ = write!(self.out, "\\x{{{:02X}}}", u32::from(literal.c));
            }
            LiteralKind::Special(kind) => self.out.push_str(match kind {
                SpecialLiteralKind::Bell => "\\x07",
                SpecialLiteralKind::FormFeed => "\\x0C",
                SpecialLiteralKind::Tab => "\\x09",
                SpecialLiteralKind::LineFeed => "\\x0A",
                SpecialLiteralKind::CarriageReturn => "\\x0D",
                SpecialLiteralKind::VerticalTab => "\\x0B",
                SpecialLiteralKind::Space => " ",
            }),
            LiteralKind::Verbatim | LiteralKind::Meta | LiteralKind::Superfluous | LiteralKind::Octal => {
                push_char(&mut self.out, literal.c, in_class);
            }
        }
    }

    /// `\d`, `\s`, `\w`: those of all scripts in KQL, those of ASCII in PCRE. Digits and blanks have a short form in
    /// Unicode's properties; letters have none, so that `\w` stays what it is and is noted.
    fn perl(&mut self, kind: &ClassPerlKind, negated: bool, in_class: bool) {
        if self.dialect == Dialect::Java {
            self.unicode_class = true;
            let name = match kind {
                ClassPerlKind::Digit => 'd',
                ClassPerlKind::Space => 's',
                ClassPerlKind::Word => 'w',
            };
            self.out.push('\\');
            self.out.push(if negated { name.to_ascii_uppercase() } else { name });
            return;
        }
        self.out.push_str(match (kind, negated, in_class) {
            (ClassPerlKind::Digit, false, _) => r"\p{Nd}",
            (ClassPerlKind::Digit, true, _) => r"\P{Nd}",
            (ClassPerlKind::Space, false, false) => r"[\s\x{85}\p{Z}]",
            (ClassPerlKind::Space, true, false) => r"[^\s\x{85}\p{Z}]",
            (ClassPerlKind::Space, false, true) => r"\s\x{85}\p{Z}",
            (ClassPerlKind::Space, true, true) => {
                self.unicode_class = true;
                r"\S"
            }
            (ClassPerlKind::Word, false, _) => {
                self.unicode_class = true;
                r"\w"
            }
            (ClassPerlKind::Word, true, _) => {
                self.unicode_class = true;
                r"\W"
            }
        });
    }

    fn unicode(&mut self, kind: &ClassUnicodeKind, negated: bool) -> Result<(), String> {
        let name = match kind {
            ClassUnicodeKind::OneLetter(letter) => letter.to_string(),
            ClassUnicodeKind::Named(name) => name.clone(),
            ClassUnicodeKind::NamedValue { value, .. } => value.clone(),
        };
        // The short names of general categories and the names of scripts are the same in both.
        if name.is_empty()
            || !name.chars().all(|c| c.is_ascii_alphabetic())
            || name.len() > 2 && !name.starts_with(char::is_uppercase)
        {
            return Err(format!("the name of a Unicode class is not one of {}", self.dialect.name()));
        }
        let script = if self.dialect == Dialect::Java && name.len() > 2 { "Is" } else { "" };
        let _ = write!(self.out, "\\{}{{{script}{name}}}", if negated { 'P' } else { 'p' });
        Ok(())
    }

    fn item(&mut self, item: &ClassSetItem) -> Result<(), String> {
        match item {
            ClassSetItem::Empty(_) => {}
            ClassSetItem::Literal(literal) => self.literal(literal, true),
            ClassSetItem::Range(range) => {
                self.literal(&range.start, true);
                self.out.push('-');
                self.literal(&range.end, true);
            }
            ClassSetItem::Ascii(class) => {
                use regex_syntax::ast::ClassAsciiKind as Kind;
                let name = match class.kind {
                    Kind::Alnum => "alnum",
                    Kind::Alpha => "alpha",
                    Kind::Ascii => "ascii",
                    Kind::Blank => "blank",
                    Kind::Cntrl => "cntrl",
                    Kind::Digit => "digit",
                    Kind::Graph => "graph",
                    Kind::Lower => "lower",
                    Kind::Print => "print",
                    Kind::Punct => "punct",
                    Kind::Space => "space",
                    Kind::Upper => "upper",
                    Kind::Word => "word",
                    Kind::Xdigit => "xdigit",
                };
                match (self.dialect, class.negated) {
                    (Dialect::Pcre, false) => {
                        let _ = write!(self.out, "[:{name}:]");
                    }
                    (Dialect::Pcre, true) => {
                        let _ = write!(self.out, "[:^{name}:]");
                    }
                    // Java's classes of these names follow the flag in front.
                    (Dialect::Java, negated) => {
                        let ranges = ascii_ranges(&class.kind);
                        self.out.push_str(if negated { "[^" } else { "" });
                        self.out.push_str(ranges);
                        self.out.push_str(if negated { "]" } else { "" });
                    }
                }
            }
            ClassSetItem::Unicode(class) => self.unicode(&class.kind, class.is_negated())?,
            ClassSetItem::Perl(class) => self.perl(&class.kind, class.negated, true),
            ClassSetItem::Bracketed(class) if !class.negated => match &class.kind {
                // A set within a set is their union.
                ClassSet::Item(item) => self.item(item)?,
                ClassSet::BinaryOp(_) => return Err(self.lacks("has no operators on sets of characters")),
            },
            ClassSetItem::Bracketed(_) => return Err(self.lacks("has no negated set within a set")),
            ClassSetItem::Union(union) => union.items.iter().try_for_each(|item| self.item(item))?,
        }
        Ok(())
    }
}

/// The characters of a class of ASCII, as they stand in a set.
fn ascii_ranges(kind: &regex_syntax::ast::ClassAsciiKind) -> &'static str {
    use regex_syntax::ast::ClassAsciiKind as Kind;
    match kind {
        Kind::Alnum => "0-9A-Za-z",
        Kind::Alpha => "A-Za-z",
        Kind::Ascii => r"\x00-\x7F",
        Kind::Blank => r"\x09 ",
        Kind::Cntrl => r"\x00-\x1F\x7F",
        Kind::Digit => "0-9",
        Kind::Graph => "!-~",
        Kind::Lower => "a-z",
        Kind::Print => " -~",
        Kind::Punct => r"!-/:-@\[-`{-~",
        Kind::Space => r"\x09-\x0D ",
        Kind::Upper => "A-Z",
        Kind::Word => "0-9A-Za-z_",
        Kind::Xdigit => "0-9A-Fa-f",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_patterns_keep_their_form() {
        for same in
            [r"(?i)^[a-z]+\.exe", r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", r"a|b.*?c", r"[^\w]", r"(?<n>x)\bq", r"\p{L}+"]
        {
            assert_eq!(translate(same).unwrap().text, same);
        }
        assert_eq!(translate(r"x$").unwrap().text, r"x\z");
        assert_eq!(translate(r"(?m)x$").unwrap().text, r"(?m)x$");
        assert_eq!(translate("a\nb`\t\\v").unwrap().text, r"a\x{0A}b\x{60}\x{09}\x0B");
        assert_eq!(translate(r"[a[bc]]").unwrap().text, r"[abc]");
        assert_eq!(translate(r"a++").unwrap().text, r"(?:a+)+");
        assert_eq!(translate(r"\u00e9/\/").unwrap().text, r"\x{E9}//");
    }

    #[test]
    fn digits_and_blanks_are_those_of_all_scripts() {
        let pcre = translate(r"\d+\s[\s\d]\S").unwrap();
        assert_eq!(pcre.text, r"\p{Nd}+[\s\x{85}\p{Z}][\s\x{85}\p{Z}\p{Nd}][^\s\x{85}\p{Z}]");
        assert!(!pcre.unicode_class && translate(r"\w").unwrap().unicode_class);
        let (blank, written) =
            (regex::Regex::new(r"^\s$").unwrap(), regex::Regex::new(r"^[\t-\r \x{85}\p{Z}]$").unwrap());
        for char in '\0'..=char::MAX {
            let text = char.to_string();
            assert_eq!(blank.is_match(&text), written.is_match(&text), "{char:?}");
        }
    }

    #[test]
    fn what_pcre_lacks_is_refused() {
        for no in [r"[a&&b]", r"\b{start}x", r"(?x) a", r"(", r"[a[^b]]", r"(?R)a"] {
            assert!(translate(no).is_err(), "{no}");
        }
    }

    #[test]
    fn java_is_told_by_flags_what_kql_means() {
        let java = |pattern| lenient(pattern, Dialect::Java).unwrap().text;
        assert_eq!(java(r"[a-z]+\.exe"), r"[a-z]+\.exe");
        assert_eq!(java(r"a.*?(\w+)\b"), r"(?dU)a.*?(\w+)\b");
        assert_eq!(java(r"(?i)ab"), r"(?iu)ab");
        assert_eq!(java(r"(?P<a_b>x)[[:^alpha:]]\p{Greek}"), r"(x)[[^A-Za-z]]\p{IsGreek}");
        assert!(lenient(r"(?U)a*", Dialect::Java).is_err());
    }

    #[test]
    fn a_text_is_no_pattern() {
        assert_eq!(literal(r"C:\a.b*"), r"C:\\a\.b\*");
        assert!(translate("a*").unwrap().matches_empty && !translate("a+").unwrap().matches_empty);
    }
}
