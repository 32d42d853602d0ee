//! Regular expressions of KQL (the dialect of the Rust `regex` crate) in the part of PCRE that Sigma allows:
//! `. ^ $ * + ? {n,m} [a-z] [^a-z] | ()` and the flags `i`, `m`, `s`.
//!
//! See <https://learn.microsoft.com/kusto/query/regex> and the modifier `re` in
//! <https://sigmahq.io/sigma-specification/specification/sigma-appendix-modifiers.html>. Only whether a text matches is
//! kept, not what a group captures: groups may capture and lazy repetition may become greedy.

use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassPerlKind, ClassSet, ClassSetBinaryOpKind, ClassSetItem, Flag, FlagsItemKind,
    GroupKind, RepetitionKind, RepetitionRange,
};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::classes::{ascii, of_one_case, perl};

/// An expression in Sigma's dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rendered {
    /// The expression.
    pub(super) text: String,
    /// `|i`
    pub(super) ignore_case: bool,
    /// `|m`
    pub(super) multi_line: bool,
    /// `|s`
    pub(super) dot_all: bool,
    /// It uses classes that hold letters and digits of all scripts in KQL and those of ASCII here.
    pub(super) ascii_classes: bool,
    /// It uses `$`, which in PCRE also stands before a line feed at the end.
    pub(super) dollar: bool,
    /// It matches the empty text.
    pub(super) matches_empty: bool,
    /// It holds an upper-case letter that must be matched as such.
    pub(super) upper_case: bool,
}

/// Writes an expression in Sigma's dialect. The error says what the dialect lacks.
pub(super) fn render(pattern: &str) -> Result<Rendered, String> {
    let ast = ast::parse::ParserBuilder::new()
        .nest_limit(100)
        .build()
        .parse(pattern)
        .map_err(|error| format!("it is not a regular expression: {}", error.kind()))?;
    let hir = regex_syntax::ParserBuilder::new()
        .nest_limit(100)
        .build()
        .parse(pattern)
        .map_err(|_| "it is not a regular expression".to_owned())?;
    let properties = hir.properties();
    let look = properties.look_set();
    let words = look.contains_word();
    let matches_empty = properties.minimum_len() == Some(0) && !words;

    let mut survey = Survey::default();
    survey.walk(&ast, &mut Flags::default());
    let global = Flags {
        i: survey.letters_ignoring > 0 && survey.letters_exact == 0,
        m: survey.lines > 0 && survey.texts == 0,
        s: survey.dots_all > 0 && survey.dots_line == 0,
    };
    if survey.lines > 0 && survey.texts > 0 {
        return Err("it mixes anchors of lines and of the whole text".to_owned());
    }
    let mut writer = Writer { out: String::new(), global, ascii_classes: false };
    writer.write(&ast, &mut Flags::default(), Edges { lead: true, trail: true })?;
    Ok(Rendered {
        text: writer.out,
        ignore_case: global.i,
        multi_line: global.m,
        dot_all: global.s,
        ascii_classes: writer.ascii_classes,
        dollar: survey.dollar,
        matches_empty,
        upper_case: survey.upper_case,
    })
}

/// Quotes a text for use in an expression.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    text.chars().for_each(|char| push_literal(&mut out, char));
    out
}

fn push_literal(out: &mut String, char: char) {
    if matches!(char, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$') {
        out.push('\\');
    }
    out.push(char);
}

#[derive(Clone, Copy, Default)]
struct Flags {
    i: bool,
    m: bool,
    s: bool,
}

impl Flags {
    fn apply(&mut self, flags: &ast::Flags) {
        let mut on = true;
        for item in &flags.items {
            match item.kind {
                FlagsItemKind::Negation => on = false,
                FlagsItemKind::Flag(Flag::CaseInsensitive) => self.i = on,
                FlagsItemKind::Flag(Flag::MultiLine) => self.m = on,
                FlagsItemKind::Flag(Flag::DotMatchesNewLine) => self.s = on,
                // Greed does not change whether there is a match; blanks were read away; classes become ASCII anyway.
                FlagsItemKind::Flag(Flag::SwapGreed | Flag::IgnoreWhitespace | Flag::Unicode | Flag::CRLF) => {}
            }
        }
    }
}

/// Which flags hold where they matter.
#[derive(Default)]
struct Survey {
    letters_ignoring: usize,
    letters_exact: usize,
    lines: usize,
    texts: usize,
    dots_all: usize,
    dots_line: usize,
    dollar: bool,
    upper_case: bool,
}

impl Survey {
    fn walk(&mut self, ast: &Ast, flags: &mut Flags) {
        match ast {
            Ast::Empty(_) | Ast::ClassUnicode(_) | Ast::ClassPerl(_) => {}
            Ast::Flags(set) => flags.apply(&set.flags),
            Ast::Literal(literal) => self.letter(literal.c, *flags),
            Ast::Dot(_) => *(if flags.s { &mut self.dots_all } else { &mut self.dots_line }) += 1,
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::StartLine | AssertionKind::EndLine => {
                    *(if flags.m { &mut self.lines } else { &mut self.texts }) += 1;
                    self.dollar |= assertion.kind == AssertionKind::EndLine && !flags.m;
                }
                AssertionKind::StartText | AssertionKind::EndText => {
                    self.texts += 1;
                    self.dollar |= assertion.kind == AssertionKind::EndText;
                }
                AssertionKind::WordBoundary
                | AssertionKind::NotWordBoundary
                | AssertionKind::WordBoundaryStart
                | AssertionKind::WordBoundaryEnd
                | AssertionKind::WordBoundaryStartAngle
                | AssertionKind::WordBoundaryEndAngle
                | AssertionKind::WordBoundaryStartHalf
                | AssertionKind::WordBoundaryEndHalf => {}
            },
            Ast::ClassBracketed(class) => self.class(&class.kind, *flags),
            Ast::Repetition(repetition) => self.walk(&repetition.ast, flags),
            Ast::Group(group) => {
                let mut inner = *flags;
                if let GroupKind::NonCapturing(set) = &group.kind {
                    inner.apply(set);
                }
                self.walk(&group.ast, &mut inner);
            }
            Ast::Alternation(list) => list.asts.iter().for_each(|ast| self.walk(ast, flags)),
            Ast::Concat(list) => list.asts.iter().for_each(|ast| self.walk(ast, flags)),
        }
    }

    fn letter(&mut self, char: char, flags: Flags) {
        if char.is_alphabetic() {
            *(if flags.i { &mut self.letters_ignoring } else { &mut self.letters_exact }) += 1;
            self.upper_case |= char.is_uppercase() && !flags.i;
        }
    }

    fn class(&mut self, set: &ClassSet, flags: Flags) {
        match set {
            ClassSet::Item(item) => self.class_item(item, flags),
            ClassSet::BinaryOp(op) => {
                self.class(&op.lhs, flags);
                self.class(&op.rhs, flags);
            }
        }
    }

    fn class_item(&mut self, item: &ClassSetItem, flags: Flags) {
        match item {
            ClassSetItem::Empty(_) | ClassSetItem::Unicode(_) | ClassSetItem::Perl(_) => {}
            ClassSetItem::Literal(literal) => self.letter(literal.c, flags),
            ClassSetItem::Ascii(class) => of_one_case(&ascii(&class.kind)).for_each(|char| self.letter(char, flags)),
            ClassSetItem::Range(range) => {
                let set = ClassUnicode::new([ClassUnicodeRange::new(range.start.c, range.end.c)]);
                let ends = [range.start.c, range.end.c];
                ends.into_iter().chain(of_one_case(&set)).for_each(|char| self.letter(char, flags));
            }
            ClassSetItem::Bracketed(class) => self.class(&class.kind, flags),
            ClassSetItem::Union(union) => union.items.iter().for_each(|item| self.class_item(item, flags)),
        }
    }
}

/// Whether anything can stand before or after a place in the match.
#[derive(Clone, Copy)]
struct Edges {
    lead: bool,
    trail: bool,
}

impl Edges {
    const NONE: Self = Self { lead: false, trail: false };
}

struct Writer {
    out: String,
    global: Flags,
    ascii_classes: bool,
}

impl Writer {
    fn write(&mut self, ast: &Ast, flags: &mut Flags, edges: Edges) -> Result<(), String> {
        match ast {
            Ast::Empty(_) => {}
            Ast::Flags(set) => {
                refuse_flags(&set.flags)?;
                flags.apply(&set.flags);
            }
            Ast::Literal(literal) => self.literal(literal.c, *flags)?,
            Ast::Dot(_) => self.dot(flags.s),
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::StartLine | AssertionKind::StartText => self.out.push('^'),
                AssertionKind::EndLine | AssertionKind::EndText => self.out.push('$'),
                // Those at the edges of the match are written with their neighbour.
                AssertionKind::WordBoundary
                | AssertionKind::NotWordBoundary
                | AssertionKind::WordBoundaryStart
                | AssertionKind::WordBoundaryEnd
                | AssertionKind::WordBoundaryStartAngle
                | AssertionKind::WordBoundaryEndAngle
                | AssertionKind::WordBoundaryStartHalf
                | AssertionKind::WordBoundaryEndHalf => {
                    return Err("a word boundary stands where it can not be written as a class".to_owned());
                }
            },
            Ast::ClassUnicode(_) => return Err("it uses a class of Unicode".to_owned()),
            Ast::ClassPerl(class) => {
                self.ascii_classes = true;
                let set = perl(&class.kind);
                self.set(set, class.negated);
            }
            Ast::ClassBracketed(class) => {
                let fold = flags.i && !self.global.i;
                let set = self.bracketed(class, fold)?;
                self.set(set, false);
            }
            Ast::Repetition(repetition) => {
                // A repetition of a repetition would be possessive in PCRE: `a*+` takes all it can and gives nothing back.
                let (open, close) = if matches!(*repetition.ast, Ast::Repetition(_)) { ("(", ")") } else { ("", "") };
                self.out.push_str(open);
                self.write(&repetition.ast, flags, Edges::NONE)?;
                self.out.push_str(close);
                match &repetition.op.kind {
                    RepetitionKind::ZeroOrOne => self.out.push('?'),
                    RepetitionKind::ZeroOrMore => self.out.push('*'),
                    RepetitionKind::OneOrMore => self.out.push('+'),
                    RepetitionKind::Range(RepetitionRange::Exactly(n)) => self.out.push_str(&format!("{{{n}}}")),
                    RepetitionKind::Range(RepetitionRange::AtLeast(n)) => self.out.push_str(&format!("{{{n},}}")),
                    RepetitionKind::Range(RepetitionRange::Bounded(n, m)) => {
                        self.out.push_str(&format!("{{{n},{m}}}"));
                    }
                }
            }
            Ast::Group(group) => {
                let mut inner = *flags;
                if let GroupKind::NonCapturing(set) = &group.kind {
                    refuse_flags(set)?;
                    inner.apply(set);
                }
                self.out.push('(');
                self.write(&group.ast, &mut inner, edges)?;
                self.out.push(')');
            }
            Ast::Alternation(list) => {
                for (index, branch) in list.asts.iter().enumerate() {
                    if index > 0 {
                        self.out.push('|');
                    }
                    self.write(branch, flags, edges)?;
                }
            }
            Ast::Concat(list) => self.concat(&list.asts, flags, edges)?,
        }
        Ok(())
    }

    fn concat(&mut self, items: &[Ast], flags: &mut Flags, edges: Edges) -> Result<(), String> {
        // Flags have no width.
        let wide = |ast: &&Ast| !matches!(ast, Ast::Flags(_) | Ast::Empty(_));
        let first = items.iter().position(|ast| wide(&ast));
        let last = items.iter().rposition(|ast| wide(&ast));
        for (index, item) in items.iter().enumerate() {
            let here = Edges { lead: edges.lead && Some(index) == first, trail: edges.trail && Some(index) == last };
            if let Ast::Assertion(assertion) = item
                && let Some(side) = Side::of(&assertion.kind)
            {
                let next = items.iter().skip(index + 1).find(wide).and_then(|ast| edge(ast, true));
                let before = items.iter().take(index).rfind(wide).and_then(|ast| edge(ast, false));
                self.ascii_classes = true;
                match (here, side, next, before) {
                    (Edges { lead: true, .. }, Side::Start | Side::Both, Some(true), _) => {
                        self.out.push_str("(^|[^0-9A-Za-z_])");
                    }
                    (Edges { lead: true, .. }, Side::Both, Some(false), _) => self.out.push_str("[0-9A-Za-z_]"),
                    (Edges { trail: true, .. }, Side::End | Side::Both, _, Some(true)) => {
                        self.out.push_str("([^0-9A-Za-z_]|$)");
                    }
                    (Edges { trail: true, .. }, Side::Both, _, Some(false)) => self.out.push_str("[0-9A-Za-z_]"),
                    // Between a word character and another one there is none, between the two kinds there always is.
                    (_, Side::Both, Some(next), Some(before)) if next != before => {}
                    _ => return Err("a word boundary stands where it can not be written as a class".to_owned()),
                }
                continue;
            }
            self.write(item, flags, here)?;
        }
        Ok(())
    }

    fn literal(&mut self, char: char, flags: Flags) -> Result<(), String> {
        if flags.i && !self.global.i && char.is_alphabetic() {
            if !char.is_ascii() {
                return Err("it folds the case of a part that holds letters beyond ASCII".to_owned());
            }
            self.out.push('[');
            self.out.push(char.to_ascii_uppercase());
            self.out.push(char.to_ascii_lowercase());
            self.out.push(']');
        } else {
            push_literal(&mut self.out, char);
        }
        Ok(())
    }

    fn dot(&mut self, all: bool) {
        if all && !self.global.s {
            self.out.push_str("(.|\n)");
        } else if !all && self.global.s {
            self.out.push_str("[^\n]");
        } else {
            self.out.push('.');
        }
    }

    fn bracketed(&mut self, class: &ast::ClassBracketed, fold: bool) -> Result<ClassUnicode, String> {
        let mut set = self.class_set(&class.kind, fold)?;
        if class.negated {
            set.negate();
        }
        Ok(set)
    }

    fn class_set(&mut self, set: &ClassSet, fold: bool) -> Result<ClassUnicode, String> {
        match set {
            ClassSet::Item(item) => self.class_item(item, fold),
            ClassSet::BinaryOp(op) => {
                let mut left = self.class_set(&op.lhs, fold)?;
                let right = self.class_set(&op.rhs, fold)?;
                match op.kind {
                    ClassSetBinaryOpKind::Intersection => left.intersect(&right),
                    ClassSetBinaryOpKind::Difference => left.difference(&right),
                    ClassSetBinaryOpKind::SymmetricDifference => left.symmetric_difference(&right),
                }
                Ok(left)
            }
        }
    }

    fn class_item(&mut self, item: &ClassSetItem, fold: bool) -> Result<ClassUnicode, String> {
        let range = |start, end| ClassUnicode::new([ClassUnicodeRange::new(start, end)]);
        let mut set = match item {
            ClassSetItem::Empty(_) => ClassUnicode::empty(),
            ClassSetItem::Literal(literal) => range(literal.c, literal.c),
            ClassSetItem::Range(bounds) => range(bounds.start.c, bounds.end.c),
            ClassSetItem::Ascii(class) => {
                let mut set = ascii(&class.kind);
                if class.negated {
                    set.negate();
                }
                set
            }
            ClassSetItem::Unicode(_) => return Err("it uses a class of Unicode".to_owned()),
            ClassSetItem::Perl(class) => {
                self.ascii_classes = true;
                let mut set = perl(&class.kind);
                if class.negated {
                    set.negate();
                }
                set
            }
            ClassSetItem::Bracketed(class) => return self.bracketed(class, fold),
            ClassSetItem::Union(union) => {
                let mut set = ClassUnicode::empty();
                for item in &union.items {
                    set.union(&self.class_item(item, fold)?);
                }
                return Ok(set);
            }
        };
        if fold {
            set.try_case_fold_simple().map_err(|_| "it folds the case of a class".to_owned())?;
        }
        Ok(set)
    }

    /// A class by the shorter of its two forms.
    fn set(&mut self, mut set: ClassUnicode, negated: bool) {
        if negated {
            set.negate();
        }
        let mut other = set.clone();
        other.negate();
        if other.ranges().is_empty() {
            return self.dot(true);
        }
        // No class at all can not be written: a class that excludes everything.
        let complement = other.ranges().len() < set.ranges().len() || set.ranges().is_empty();
        let ranges = if complement { other } else { set };
        self.out.push('[');
        if complement {
            self.out.push('^');
        }
        for range in ranges.ranges() {
            let (start, end) = (range.start(), range.end());
            push_class(&mut self.out, start);
            if start != end {
                if u32::from(end) > u32::from(start) + 1 {
                    self.out.push('-');
                }
                push_class(&mut self.out, end);
            }
        }
        self.out.push(']');
    }
}

/// Which side of a boundary is the word.
#[derive(Clone, Copy)]
enum Side {
    Start,
    End,
    Both,
}

impl Side {
    fn of(kind: &AssertionKind) -> Option<Self> {
        match kind {
            AssertionKind::WordBoundary => Some(Self::Both),
            AssertionKind::WordBoundaryStart
            | AssertionKind::WordBoundaryStartAngle
            | AssertionKind::WordBoundaryStartHalf => Some(Self::Start),
            AssertionKind::WordBoundaryEnd
            | AssertionKind::WordBoundaryEndAngle
            | AssertionKind::WordBoundaryEndHalf => Some(Self::End),
            AssertionKind::StartLine
            | AssertionKind::EndLine
            | AssertionKind::StartText
            | AssertionKind::EndText
            | AssertionKind::NotWordBoundary => None,
        }
    }
}

/// Whether what an expression matches begins (`first`) or ends with a character of a word, where that is certain.
fn edge(ast: &Ast, first: bool) -> Option<bool> {
    let word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    match ast {
        Ast::Literal(literal) if literal.c.is_ascii() => Some(word(literal.c)),
        Ast::ClassPerl(class) => match (&class.kind, class.negated) {
            (ClassPerlKind::Digit | ClassPerlKind::Word, false) => Some(true),
            (ClassPerlKind::Space, false) | (ClassPerlKind::Word, true) => Some(false),
            (ClassPerlKind::Space | ClassPerlKind::Digit, true) => None,
        },
        Ast::ClassBracketed(class) if !class.negated => match &class.kind {
            ClassSet::Item(ClassSetItem::Union(union)) => {
                let mut kinds = union.items.iter().map(item_edge);
                let one = kinds.next()??;
                kinds.all(|kind| kind == Some(one)).then_some(one)
            }
            ClassSet::Item(item) => item_edge(item),
            ClassSet::BinaryOp(_) => None,
        },
        Ast::Repetition(repetition) => match &repetition.op.kind {
            RepetitionKind::OneOrMore => edge(&repetition.ast, first),
            RepetitionKind::Range(
                RepetitionRange::Exactly(n) | RepetitionRange::AtLeast(n) | RepetitionRange::Bounded(n, _),
            ) if *n > 0 => edge(&repetition.ast, first),
            RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore | RepetitionKind::Range(_) => None,
        },
        Ast::Group(group) => edge(&group.ast, first),
        Ast::Alternation(list) => {
            let mut kinds = list.asts.iter().map(|ast| edge(ast, first));
            let one = kinds.next()??;
            kinds.all(|kind| kind == Some(one)).then_some(one)
        }
        Ast::Concat(list) => edge(if first { list.asts.first() } else { list.asts.last() }?, first),
        Ast::Literal(_)
        | Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassBracketed(_) => None,
    }
}

fn item_edge(item: &ClassSetItem) -> Option<bool> {
    let word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    match item {
        ClassSetItem::Literal(literal) if literal.c.is_ascii() => Some(word(literal.c)),
        ClassSetItem::Range(range) => {
            let inside = [('0', '9'), ('A', 'Z'), ('a', 'z')];
            inside.iter().any(|(a, z)| *a <= range.start.c && range.end.c <= *z).then_some(true)
        }
        ClassSetItem::Perl(class) if !class.negated => match class.kind {
            ClassPerlKind::Digit | ClassPerlKind::Word => Some(true),
            ClassPerlKind::Space => Some(false),
        },
        ClassSetItem::Literal(_)
        | ClassSetItem::Perl(_)
        | ClassSetItem::Empty(_)
        | ClassSetItem::Ascii(_)
        | ClassSetItem::Unicode(_)
        | ClassSetItem::Bracketed(_)
        | ClassSetItem::Union(_) => None,
    }
}

fn refuse_flags(flags: &ast::Flags) -> Result<(), String> {
    let crlf = flags.items.iter().any(|item| item.kind == FlagsItemKind::Flag(Flag::CRLF));
    if crlf { Err("it sets the flag `R`".to_owned()) } else { Ok(()) }
}

fn push_class(out: &mut String, char: char) {
    if matches!(char, '\\' | ']' | '[' | '^' | '-' | '&' | '~' | '|') {
        out.push('\\');
    }
    out.push(char);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pattern: &str) -> String {
        render(pattern).map(|it| it.text).unwrap_or_else(|error| format!("refused: {error}"))
    }

    #[test]
    fn what_the_dialect_allows_stays() {
        assert_eq!(text(r"^C:\\Users\\[^\\]+\.(exe|dll)$"), r"^C:\\Users\\[^\\]+\.(exe|dll)$");
        assert_eq!(text("a{2,3}b{4}c{5,}d?"), "a{2,3}b{4}c{5,}d?");
    }

    #[test]
    fn what_it_lacks_is_rewritten() {
        assert_eq!(text(r"(?:a.*?b)\d+"), "(a.*b)[0-9]+");
        assert_eq!(text("a*+b{2}+"), "(a*)+(b{2})+");
        assert_eq!(text(r"\bfoo\b"), "(^|[^0-9A-Za-z_])foo([^0-9A-Za-z_]|$)");
        assert_eq!(text(r"a\b-"), "a-");
        assert_eq!(text(r"[\s\S]x"), "(.|\n)x");
        assert_eq!(text(r"[\w-]"), r"[\-0-9A-Z_a-z]");
        assert_eq!(text(r"\S+"), "[^\t-\r ]+");
        assert_eq!(text("(?i)ab(?-i)c"), "[Aa][Bb]c");
        assert!(render("(?i)ab").unwrap().ignore_case);
    }

    #[test]
    fn what_can_not_be_said_is_refused() {
        for pattern in [r"\p{L}", r"a\Bb", r"(\bx)+", "(?m)^a(?-m)$", "(?R)a", "("] {
            assert!(render(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn the_rendered_expression_matches_the_same_ascii_texts() {
        let patterns =
            [r"a\d{2}", r"^\s*x", r"[^a-c]+z$", r"(?i)foo|bar", r"(?s)a.b", "a.b", r"[a-z&&[^m]]q", r"\.\*", r"x\b"];
        let texts = ["a12", " x", "x", "zzz", "az", "FOO", "a\nb", "a-b", "mq", "nq", ".*", "xy", "x y", "", "bar\n"];
        for pattern in patterns {
            let rendered = render(pattern).unwrap();
            let flags = [(rendered.ignore_case, 'i'), (rendered.multi_line, 'm'), (rendered.dot_all, 's')];
            let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, flag)| *flag).collect();
            let flags = if flags.is_empty() { flags } else { format!("(?{flags})") };
            let (before, after) =
                (regex::Regex::new(pattern).unwrap(), regex::Regex::new(&format!("{flags}{}", rendered.text)).unwrap());
            for text in texts {
                assert_eq!(before.is_match(text), after.is_match(text), "{pattern} → {} on {text:?}", rendered.text);
            }
            assert_eq!(rendered.matches_empty, before.is_match(""), "{pattern}");
        }
    }
}
