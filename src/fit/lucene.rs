//! Regular expressions of KQL said in Lucene's dialect, which EQL's `regex` and ES|QL's `RLIKE` share.
//!
//! KQL's dialect is that of the Rust `regex` crate (<https://learn.microsoft.com/kusto/query/regex>), so its own parser
//! reads the pattern. Lucene's expressions match the whole text, know no anchors, word boundaries, flags or lazy
//! quantifiers, and their `.` matches line ends too; see
//! <https://www.elastic.co/docs/reference/query-languages/query-dsl/regexp-syntax>. What has no counterpart is refused.
//! How a pattern is quoted is for `emit`.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};

/// How the case of the text that is looked at was changed before it is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Folded {
    /// Not.
    #[default]
    No,
    /// `tolower(x)`
    Lower,
    /// `toupper(x)`
    Upper,
}

/// A pattern in Lucene's dialect; it must match the whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// The pattern, unquoted.
    pub(crate) text: String,
    /// Whether it is to be compared without regard to case.
    pub(crate) ignore_case: bool,
    /// Whether a Unicode class (`\d`, `\w`, `\b`) was cut down to ASCII.
    pub(crate) ascii_only: bool,
    /// Whether it matches the empty text, and so a missing one.
    pub(crate) matches_empty: bool,
}

/// Why a pattern has no counterpart: a part of a sentence that begins with what the pattern uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsayable(pub(crate) String);

/// Longest pattern that is written.
const MAX_CHARS: usize = 20_000;
/// Ranges up to which a class is written out.
const MAX_RANGES: usize = 24;
/// `index.max_regex_length` of Elasticsearch as it is delivered.
pub(crate) const DELIVERED_MAX_LENGTH: usize = 1_000;

/// The pattern that finds `pattern` anywhere in the text, as `matches regex` does.
pub(crate) fn contains_regex(pattern: &str, folded: Folded) -> Result<Pattern, Unsayable> {
    let mut builder = ParserBuilder::new();
    builder.nest_limit(100);
    let hir = builder.build().parse(pattern).map_err(|error| {
        let what = match &error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            _ => "it can not be read".to_owned(),
        };
        Unsayable(format!("it is not valid: {what}"))
    })?;
    let mut writer = Writer { folded, ..Writer::default() };
    let cased = writer.anywhere(&hir)?;
    // Where every letter stands in both cases, the same is said shorter without regard to case.
    let text = if writer.any_pair && !writer.any_single {
        let mut shorter = Writer { folded, ignore_case: true, ..Writer::default() };
        (shorter.anywhere(&hir)?, true)
    } else {
        (cased, false)
    };
    Ok(Pattern { text: text.0, ignore_case: text.1, ascii_only: writer.ascii_only, matches_empty: matches_empty(&hir) })
}

/// A text as a pattern of its own: what Lucene reads as operators is escaped.
pub(crate) fn quote(text: &str, out: &mut String) {
    for char in text.chars() {
        if is_operator(char) {
            out.push('\\');
        }
        out.push(char);
    }
}

/// Characters with a meaning in Lucene's dialect, the optional operators `# @ & < > ~ "` included.
fn is_operator(char: char) -> bool {
    matches!(
        char,
        '.' | '?'
            | '+'
            | '*'
            | '|'
            | '{'
            | '}'
            | '['
            | ']'
            | '('
            | ')'
            | '"'
            | '\\'
            | '#'
            | '@'
            | '&'
            | '<'
            | '>'
            | '~'
            | '^'
            | '$'
    )
}

/// Whether the pattern matches the empty text.
fn matches_empty(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(_) | HirKind::Class(_) => false,
        HirKind::Look(look) => match look {
            Look::Start | Look::End | Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF => true,
            Look::WordAsciiNegate | Look::WordUnicodeNegate => true,
            Look::WordStartHalfAscii
            | Look::WordStartHalfUnicode
            | Look::WordEndHalfAscii
            | Look::WordEndHalfUnicode => true,
            Look::WordAscii
            | Look::WordUnicode
            | Look::WordStartAscii
            | Look::WordStartUnicode
            | Look::WordEndAscii
            | Look::WordEndUnicode => false,
        },
        HirKind::Repetition(it) => it.min == 0 || matches_empty(&it.sub),
        HirKind::Capture(it) => matches_empty(&it.sub),
        HirKind::Concat(items) => items.iter().all(matches_empty),
        HirKind::Alternation(items) => items.iter().any(matches_empty),
    }
}

/// What stands before or after the part that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// The beginning of the text.
    Before,
    /// The end of the text.
    After,
}

#[derive(Debug, Default)]
struct Writer {
    folded: Folded,
    ignore_case: bool,
    ascii_only: bool,
    /// A letter was met whose case does not count.
    any_pair: bool,
    /// A letter was met whose case counts.
    any_single: bool,
    chars: usize,
}

type Written = Result<String, Unsayable>;

impl Writer {
    /// The pattern with whatever may stand before and after it.
    fn anywhere(&mut self, hir: &Hir) -> Written {
        match hir.kind() {
            HirKind::Capture(it) => self.anywhere(&it.sub),
            HirKind::Alternation(items) if items.iter().any(has_look) => {
                let items = items.iter().map(|item| self.anywhere(item)).collect::<Result<Vec<_>, _>>()?;
                Ok(alternatives(items))
            }
            HirKind::Concat(items) => self.sequence(items),
            _ => self.sequence(std::slice::from_ref(hir)),
        }
    }

    fn sequence(&mut self, items: &[Hir]) -> Written {
        let (mut first, mut last) = (0, items.len());
        while first < last && matches!(items[first].kind(), HirKind::Look(_)) {
            first += 1;
        }
        while last > first && matches!(items[last - 1].kind(), HirKind::Look(_)) {
            last -= 1;
        }
        let (before, body, after) = (&items[..first], &items[first..last], &items[last..]);
        if let [only] = body
            && has_look(only)
        {
            if before.is_empty() && after.is_empty() {
                return match only.kind() {
                    HirKind::Capture(_) | HirKind::Alternation(_) => self.anywhere(only),
                    _ => Err(Unsayable("an anchor within a repetition".to_owned())),
                };
            }
            // An anchored group that holds anchors itself: its own alternatives would have to be combined with ours.
            return Err(Unsayable("anchors within an anchored group".to_owned()));
        }
        if body.is_empty() {
            return self.only_looks(before);
        }
        let mut out = if before.is_empty() { String::new() } else { self.edge(before, body.first(), Side::Before)? };
        let final_one = body.len() - 1;
        for (index, item) in body.iter().enumerate() {
            let part = if index == 0 && before.is_empty() {
                self.open(item, body.get(1), Side::Before)?
            } else if index == final_one && after.is_empty() {
                self.open(item, body.get(index.wrapping_sub(1)), Side::After)?
            } else {
                self.plain(item)?
            };
            out.push_str(&part);
        }
        if !after.is_empty() {
            out.push_str(&self.edge(after, body.last(), Side::After)?);
        } else if final_one == 0 && before.is_empty() && out != ".*" {
            // The only part was opened towards the beginning.
            out.push_str(".*");
        }
        Ok(out)
    }

    /// An outermost part with whatever may stand on its outer side; anchors in its alternatives decide for each.
    fn open(&mut self, item: &Hir, next: Option<&Hir>, side: Side) -> Written {
        match item.kind() {
            HirKind::Capture(it) if has_look(item) => self.open(&it.sub, next, side),
            HirKind::Alternation(items) if has_look(item) => {
                let mut written = Vec::with_capacity(items.len());
                for item in items {
                    written.push(self.open(item, next, side)?);
                }
                Ok(alternatives(written))
            }
            HirKind::Look(_) => self.edge(std::slice::from_ref(item), next, side),
            HirKind::Concat(items) if has_look(item) => {
                let (looks, rest): (&[Hir], &[Hir]) = match side {
                    Side::Before => {
                        let at = items.iter().take_while(|it| matches!(it.kind(), HirKind::Look(_))).count();
                        (&items[..at], &items[at..])
                    }
                    Side::After => {
                        let at = items.iter().rev().take_while(|it| matches!(it.kind(), HirKind::Look(_))).count();
                        (&items[items.len() - at..], &items[..items.len() - at])
                    }
                };
                let nearest = if side == Side::Before { rest.first() } else { rest.last() };
                let edge = self.edge(looks, nearest.or(next), side)?;
                let mut plain = String::new();
                for item in rest {
                    plain.push_str(&self.plain(item)?);
                }
                Ok(if side == Side::Before { edge + &plain } else { plain + &edge })
            }
            // What may be absent altogether adds nothing beside `.*`.
            HirKind::Repetition(it) if it.min == 0 && !has_look(&it.sub) => Ok(".*".to_owned()),
            HirKind::Empty => Ok(".*".to_owned()),
            _ => {
                let plain = self.plain(item)?;
                Ok(if side == Side::Before { format!(".*{plain}") } else { format!("{plain}.*") })
            }
        }
    }

    /// Anchors alone: `^`, `$`, `^$`.
    fn only_looks(&mut self, looks: &[Hir]) -> Written {
        let kinds: Vec<Look> = looks
            .iter()
            .filter_map(|it| match it.kind() {
                HirKind::Look(look) => Some(*look),
                _ => None,
            })
            .collect();
        let (start, end) = (kinds.contains(&Look::Start), kinds.contains(&Look::End));
        if kinds.iter().any(|look| !matches!(look, Look::Start | Look::End)) {
            return Err(Unsayable("a boundary without text beside it".to_owned()));
        }
        Ok(if start && end { String::new() } else { ".*".to_owned() })
    }

    /// What may stand at one side of `beside`, given the anchors there.
    fn edge(&mut self, looks: &[Hir], beside: Option<&Hir>, side: Side) -> Written {
        let (mut fixed, mut line, mut boundary) = (false, false, None);
        for look in looks {
            let HirKind::Look(look) = look.kind() else { continue };
            match (look, side) {
                (Look::Start, Side::Before) | (Look::End, Side::After) => fixed = true,
                (Look::StartLF, Side::Before) | (Look::EndLF, Side::After) => line = true,
                (Look::WordAscii, _) => boundary = Some(false),
                (Look::WordUnicode, _) => boundary = Some(true),
                (Look::WordStartHalfUnicode | Look::WordStartUnicode, Side::Before)
                | (Look::WordEndHalfUnicode | Look::WordEndUnicode, Side::After) => boundary = Some(true),
                (Look::Start | Look::StartLF, Side::After) | (Look::End | Look::EndLF, Side::Before) => {
                    return Err(Unsayable("an anchor within the text".to_owned()));
                }
                (Look::StartCRLF | Look::EndCRLF, _) => return Err(Unsayable("the flag `R`".to_owned())),
                (
                    Look::WordAsciiNegate
                    | Look::WordUnicodeNegate
                    | Look::WordStartAscii
                    | Look::WordEndAscii
                    | Look::WordStartUnicode
                    | Look::WordEndUnicode
                    | Look::WordStartHalfAscii
                    | Look::WordEndHalfAscii
                    | Look::WordStartHalfUnicode
                    | Look::WordEndHalfUnicode,
                    _,
                ) => return Err(Unsayable("a boundary other than `\\b` at the edge of a word".to_owned())),
            }
        }
        if let Some(unicode) = boundary {
            let word = beside.and_then(|hir| outer_class(hir, side)).map(|class| is_word(&class));
            self.ascii_only |= unicode;
            return match (word, fixed, line) {
                (Some(Some(true)), true, _) => Ok(String::new()),
                (Some(Some(true)), false, false) => {
                    Ok(if side == Side::Before { "(.*[^0-9A-Z_a-z])?" } else { "([^0-9A-Z_a-z].*)?" }.to_owned())
                }
                (Some(Some(false)), false, false) => {
                    Ok(if side == Side::Before { ".*[0-9A-Z_a-z]" } else { "[0-9A-Z_a-z].*" }.to_owned())
                }
                _ => Err(Unsayable("a word boundary `\\b` beside what may or may not be a word".to_owned())),
            };
        }
        Ok(match (fixed, line, side) {
            (true, _, _) => String::new(),
            (false, true, Side::Before) => "(.*\n)?".to_owned(),
            (false, true, Side::After) => "(\n.*)?".to_owned(),
            (false, false, _) => ".*".to_owned(),
        })
    }

    /// A part that does not touch an edge.
    fn plain(&mut self, hir: &Hir) -> Written {
        let out = match hir.kind() {
            HirKind::Empty => String::new(),
            HirKind::Literal(literal) => {
                let text =
                    std::str::from_utf8(&literal.0).map_err(|_| Unsayable("bytes that are no text".to_owned()))?;
                let mut out = String::new();
                for char in text.chars() {
                    self.class(&ClassUnicode::new([ClassUnicodeRange::new(char, char)]), &mut out)?;
                }
                out
            }
            HirKind::Class(Class::Unicode(class)) => {
                let mut out = String::new();
                self.class(class, &mut out)?;
                out
            }
            HirKind::Class(Class::Bytes(_)) => return Err(Unsayable("bytes that are no text".to_owned())),
            HirKind::Look(_) => return Err(Unsayable("an anchor or word boundary within the text".to_owned())),
            HirKind::Repetition(it) => self.repetition(it)?,
            HirKind::Capture(it) => match (it.sub.kind(), self.plain(&it.sub)?) {
                (HirKind::Alternation(_), inner) => inner,
                (_, inner) if inner.is_empty() => inner,
                (_, inner) => format!("({inner})"),
            },
            HirKind::Concat(items) => {
                let mut out = String::new();
                for item in items {
                    out.push_str(&self.plain(item)?);
                }
                out
            }
            HirKind::Alternation(items) => {
                alternatives(items.iter().map(|item| self.plain(item)).collect::<Result<Vec<_>, _>>()?)
            }
        };
        self.chars += out.len();
        if self.chars > MAX_CHARS * 8 || out.len() > MAX_CHARS {
            return Err(Unsayable("more text than is written".to_owned()));
        }
        Ok(out)
    }

    /// A repetition; for whether a text matches at all, lazy and greedy ones are the same.
    fn repetition(&mut self, it: &Repetition) -> Written {
        let inner = self.plain(&it.sub)?;
        let single = match it.sub.kind() {
            HirKind::Class(_) => true,
            // Written in parentheses, unless an empty alternative put a `?` behind them.
            HirKind::Capture(_) | HirKind::Alternation(_) => inner.ends_with(')'),
            HirKind::Literal(literal) => std::str::from_utf8(&literal.0).is_ok_and(|text| text.chars().count() == 1),
            HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) | HirKind::Concat(_) => false,
        };
        if inner.is_empty() {
            return Ok(inner);
        }
        let inner = if single { inner } else { format!("({inner})") };
        Ok(match (it.min, it.max) {
            (0, None) => format!("{inner}*"),
            (1, None) => format!("{inner}+"),
            (0, Some(1)) => format!("{inner}?"),
            (min, None) => format!("{inner}{{{min},}}"),
            (min, Some(max)) if min == max => format!("{inner}{{{min}}}"),
            (min, Some(max)) => format!("{inner}{{{min},{max}}}"),
        })
    }

    fn class(&mut self, class: &ClassUnicode, out: &mut String) -> Result<(), Unsayable> {
        let class = self.unfolded(class);
        if class.ranges().is_empty() {
            return Err(Unsayable("a class that no character is in".to_owned()));
        }
        for letter in 'a'..='z' {
            match (holds(&class, letter), holds(&class, letter.to_ascii_uppercase())) {
                (true, true) => self.any_pair = true,
                (false, false) => {}
                (true, false) | (false, true) => self.any_single = true,
            }
        }
        let mut class = class;
        if self.ignore_case {
            // Upper case is implied; the text is easier to read without.
            let mut lower = class.clone();
            lower.intersect(&ClassUnicode::new([ClassUnicodeRange::new('A', 'Z')]));
            let all_letters = holds(&class, '@') && holds(&class, '[');
            if !lower.ranges().is_empty() && !all_letters {
                class.difference(&ClassUnicode::new([ClassUnicodeRange::new('A', 'Z')]));
            }
        }
        let mut others = class.clone();
        others.negate();
        if let [only] = class.ranges()
            && only.start() == only.end()
        {
            quote(only.start().encode_utf8(&mut [0; 4]), out);
            return Ok(());
        }
        if others.ranges().is_empty() {
            out.push('.');
            return Ok(());
        }
        let open = holds(&class, '\u{10ffff}');
        if open && others.ranges().len() <= MAX_RANGES {
            bracket(&others, true, out);
        } else if class.ranges().len() <= MAX_RANGES {
            bracket(&class, false, out);
        } else {
            // A class of the whole of Unicode such as `\w`: its ASCII part, and the rest if signs beyond ASCII are in it.
            self.ascii_only = true;
            let ascii = ClassUnicode::new([ClassUnicodeRange::new('\0', '\u{7f}')]);
            let (mut part, mut rest) = (class.clone(), others);
            part.intersect(&ascii);
            rest.intersect(&ascii);
            if holds(&class, '\u{2013}') && !rest.ranges().is_empty() {
                bracket(&rest, true, out);
            } else if !part.ranges().is_empty() {
                bracket(&part, false, out);
            } else {
                return Err(Unsayable("a class of characters beyond ASCII".to_owned()));
            }
        }
        Ok(())
    }

    /// The characters whose folded form is in the class.
    fn unfolded(&self, class: &ClassUnicode) -> ClassUnicode {
        let (from, to): (char, char) = match self.folded {
            Folded::No => return class.clone(),
            Folded::Lower => ('a', 'A'),
            Folded::Upper => ('A', 'a'),
        };
        let mut out = class.clone();
        out.difference(&ClassUnicode::new([ClassUnicodeRange::new(to, char::from(to as u8 + 25))]));
        for letter in 0..26 {
            if holds(class, char::from(from as u8 + letter)) {
                let other = char::from(to as u8 + letter);
                out.push(ClassUnicodeRange::new(other, other));
            }
        }
        out
    }
}

/// One of these. An empty alternative is said by `?`: Lucene would read `(|a)` as a bar.
fn alternatives(items: Vec<String>) -> String {
    let all = items.len();
    let written: Vec<String> = items.into_iter().filter(|item| !item.is_empty()).collect();
    match (written.len(), all) {
        (0, _) => String::new(),
        (some, all) if some < all => format!("({})?", written.join("|")),
        _ => format!("({})", written.join("|")),
    }
}

fn has_look(hir: &Hir) -> bool {
    !hir.properties().look_set().is_empty()
}

fn holds(class: &ClassUnicode, char: char) -> bool {
    class
        .ranges()
        .binary_search_by(|range| {
            if range.end() < char {
                std::cmp::Ordering::Less
            } else if range.start() > char {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        })
        .is_ok()
}

/// The characters that can stand at the outer side of a part; `None` where it can be empty or is not known.
fn outer_class(hir: &Hir, side: Side) -> Option<ClassUnicode> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let char = if side == Side::Before { text.chars().next() } else { text.chars().next_back() }?;
            Some(ClassUnicode::new([ClassUnicodeRange::new(char, char)]))
        }
        HirKind::Class(Class::Unicode(class)) => Some(class.clone()),
        HirKind::Capture(it) => outer_class(&it.sub, side),
        HirKind::Repetition(it) if it.min > 0 => outer_class(&it.sub, side),
        HirKind::Concat(items) => outer_class(if side == Side::Before { items.first() } else { items.last() }?, side),
        HirKind::Alternation(items) => {
            let mut all = ClassUnicode::empty();
            for item in items {
                all.union(&outer_class(item, side)?);
            }
            Some(all)
        }
        HirKind::Class(Class::Bytes(_)) | HirKind::Repetition(_) | HirKind::Look(_) | HirKind::Empty => None,
    }
}

/// Whether all characters of a class are parts of words, or none; `None` where it is mixed.
fn is_word(class: &ClassUnicode) -> Option<bool> {
    let ascii = ClassUnicode::new(
        [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')].map(|(from, to)| ClassUnicodeRange::new(from, to)),
    );
    let (mut inside, mut outside) = (class.clone(), class.clone());
    inside.intersect(&ascii);
    outside.difference(&ascii);
    match (inside.ranges().is_empty(), outside.ranges().is_empty()) {
        (false, true) => Some(true),
        (true, false) => outside.ranges().iter().all(|range| range.end().is_ascii()).then_some(false),
        // `\w` itself: letters beyond ASCII are parts of words too.
        (false, false) => outside
            .ranges()
            .iter()
            .all(|range| !range.start().is_ascii() && range.start().is_alphanumeric() && range.end().is_alphanumeric())
            .then_some(true),
        (true, true) => None,
    }
}

/// A class in brackets. Ranges are written by their ends, a range of two as both.
fn bracket(class: &ClassUnicode, negated: bool, out: &mut String) {
    out.push_str(if negated { "[^" } else { "[" });
    let end = |char: char, out: &mut String| {
        if matches!(char, '[' | ']' | '\\' | '^' | '-' | '"' | '&' | '~') {
            out.push('\\');
        }
        out.push(char);
    };
    for range in class.ranges() {
        end(range.start(), out);
        if range.start() != range.end() {
            if range.start() as u32 + 1 != range.end() as u32 {
                out.push('-');
            }
            end(range.end(), out);
        }
    }
    out.push(']');
}

#[cfg(test)]
mod tests;
