//! The `query:` of Sentinel rules in YAML, with exact places for block scalars.
//!
//! Events of the YAML parser are read, no tree is built and no alias is followed, so that a small file stays small.
//! Where the YAML is malformed, a block `query: |` is still cut out by its indentation.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use super::metadata::{self, Said};
use super::values::one_line;
use super::{Cut, Found, look, text::mark_len};
use crate::about::{About, Why};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Origin, Span};

/// A mapping or sequence that is open.
enum Frame {
    Sequence {
        /// How many elements are behind it.
        done: usize,
    },
    Mapping {
        /// The key whose value comes next or is open; `None` where a key comes next.
        key: Option<String>,
        /// The rule that is read, where the mapping is one.
        rule: Option<Rule>,
    },
}

/// What is read of a rule.
#[derive(Default)]
struct Rule {
    query: Option<(String, Origin)>,
    about: About,
}

impl Rule {
    fn into_cut(self) -> Option<Cut> {
        let (text, origin) = self.query.filter(|(text, _)| !look::is_blank(text))?;
        Some(Cut { text, origin, about: metadata::completed(self.about), divisible: false })
    }
}

/// The queries of the rules in the text: the root mapping of each document, or the mappings of a root sequence.
pub(super) fn cut(text: &str) -> Found {
    match read(text) {
        Ok(cuts) => Found { cuts, diagnostics: Vec::new() },
        Err(error) => salvage(text, &error),
    }
}

/// What the only rule in a text says of itself; `None` where the text is malformed or holds more than one.
pub(super) fn about(text: &str) -> Option<About> {
    match <[Cut; 1]>::try_from(read(text).ok()?) {
        Ok([cut]) => Some(cut.about),
        Err(_) => None,
    }
}

/// What can be had of a malformed file: the queries in blocks, and a word on the file.
fn salvage(text: &str, error: &ScanError) -> Found {
    let at = (mark_len(text) + Bytes::new(text.get(mark_len(text)..).unwrap_or_default()).at(error.marker().index()))
        .min(text.len()) as u32;
    let span = Span::new(
        at,
        at + text.get(at as usize..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8) as u32,
    );
    let message = format!("the YAML is malformed: {}", error.info());
    let cuts = cut_by_indentation(text);
    let diagnostic = if cuts.is_empty() {
        Diagnostic::error(Code::Container, span, message).help("repair the YAML; the query was not found")
    } else {
        Diagnostic::warning(Code::Container, span, message).help("the query was cut out by its indentation")
    };
    Found { cuts, diagnostics: vec![diagnostic] }
}

fn read(text: &str) -> Result<Vec<Cut>, ScanError> {
    let mark = mark_len(text);
    let body = text.get(mark..).unwrap_or_default();
    let mut bytes = Bytes::new(body);
    let mut parser = Parser::new_from_str(body);
    let mut stack: Vec<Frame> = Vec::new();
    let mut cuts = Vec::new();
    while let Some(event) = parser.next_event() {
        let (event, span) = event?;
        match event {
            Event::MappingStart(..) => {
                let is_rule = matches!(stack.as_slice(), [] | [Frame::Sequence { .. }]);
                stack.push(Frame::Mapping { key: None, rule: is_rule.then(Rule::default) });
            }
            Event::SequenceStart(..) => stack.push(Frame::Sequence { done: 0 }),
            Event::MappingEnd | Event::SequenceEnd => {
                if let Some(Frame::Mapping { rule: Some(rule), .. }) = stack.pop() {
                    cuts.extend(rule.into_cut());
                }
                value(&mut stack);
            }
            Event::Alias(_) => value(&mut stack),
            Event::Scalar(content, style, ..) => {
                if let Some(Frame::Mapping { key: key @ None, .. }) = stack.last_mut() {
                    *key = Some(content.chars().take(metadata::LONGEST_KEY).collect());
                    continue;
                }
                let is_query = matches!(stack.last(), Some(Frame::Mapping { key: Some(key), rule: Some(_) })
                    if key.eq_ignore_ascii_case("query"));
                let path = path(&stack);
                let deep = stack.iter().rev().find_map(|frame| match frame {
                    Frame::Mapping { key: Some(key), rule: None } if path.is_none() => Some(key.clone()),
                    Frame::Mapping { .. } | Frame::Sequence { .. } => None,
                });
                value(&mut stack);
                let ([Frame::Mapping { rule: Some(rule), .. }, ..]
                | [Frame::Sequence { .. }, Frame::Mapping { rule: Some(rule), .. }, ..]) = stack.as_mut_slice()
                else {
                    continue;
                };
                let is_null = style == ScalarStyle::Plain && matches!(&*content, "" | "~" | "null" | "Null" | "NULL");
                if is_query {
                    if rule.query.is_some() {
                        let at = mark + bytes.at(span.start.index());
                        let span = Span::new(at as u32, at as u32);
                        metadata::unread(&mut rule.about, &["query".to_owned()], span, Why::Repeated);
                    } else {
                        let start = mark + bytes.at(span.start.index());
                        let end = mark + bytes.at(span.end.index());
                        let origin = origin(text, start, end, &content, style);
                        rule.query = Some((content.into_owned(), origin));
                    }
                } else if let Some((keys, items)) = path.filter(|_| !is_null) {
                    let start = mark + bytes.at(span.start.index());
                    let end = mark + bytes.at(span.end.index());
                    let said = Said {
                        keys: &keys,
                        items: &items,
                        value: &content,
                        span: Span::new(
                            start as u32,
                            (start + text.get(start..end).unwrap_or_default().trim_end().len()) as u32,
                        ),
                    };
                    metadata::take(&mut rule.about, said);
                } else if let Some(key) = deep {
                    let at = (mark + bytes.at(span.start.index())) as u32;
                    metadata::unread(&mut rule.about, &[key], Span::new(at, at), Why::Unknown);
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
    }
    Ok(cuts)
}

/// Notes that the open mapping or list, if any, got a value (or, oddly, a key that is no scalar).
fn value(stack: &mut [Frame]) {
    match stack.last_mut() {
        Some(Frame::Mapping { key, .. }) => *key = if key.is_some() { None } else { Some(String::new()) },
        Some(Frame::Sequence { done }) => *done += 1,
        None => {}
    }
}

/// The keys from the rule to the value that comes next, and the elements of lists on the way. None where it lies deeper than
/// anything that is read, or in a key.
fn path(stack: &[Frame]) -> Option<(Vec<String>, Vec<usize>)> {
    let below = match stack {
        [Frame::Sequence { .. }, below @ ..] => below,
        all => all,
    };
    if below.len() > metadata::DEEPEST + 1 {
        return None;
    }
    let (mut keys, mut items) = (Vec::new(), Vec::new());
    for frame in below {
        match frame {
            Frame::Mapping { key, .. } => keys.push(key.clone()?),
            Frame::Sequence { done } => items.push(*done),
        }
    }
    Some((keys, items))
}

/// Where a scalar's text lies: line by line for a block, byte for byte where nothing was rewritten, else as a whole.
fn origin(text: &str, start: usize, end: usize, content: &str, style: ScalarStyle) -> Origin {
    if style == ScalarStyle::Literal {
        // The event may begin at the `|`, at the content, or behind blank lines that belong to it.
        let before = text.get(..start).unwrap_or_default();
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let after = text.get(start..).and_then(|rest| rest.find('\n')).map(|at| start + at + 1);
        let header = before.trim_end().len();
        let blank = before.get(header..).and_then(|rest| rest.find('\n')).map(|at| header + at + 1);
        let candidates = [blank, Some(line), after];
        if let Some(origin) = candidates.into_iter().flatten().find_map(|from| align(text, from, content)) {
            return origin;
        }
    }
    let slice = text.get(start..end).unwrap_or_default();
    let inner = slice.get(1..slice.len().saturating_sub(1)).unwrap_or_default();
    match style {
        ScalarStyle::Plain if slice.trim_end() == content => Origin::verbatim(start as u32, content.len() as u32),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted if inner == content => {
            Origin::verbatim(start as u32 + 1, content.len() as u32)
        }
        _ => {
            let trimmed = slice.trim_end().len();
            Origin::rewritten(Span::new(start as u32, (start + trimmed) as u32))
        }
    }
}

/// The origin of a block's `content` whose first line begins at byte `from`; `None` where the lines do not match.
fn align(text: &str, from: usize, content: &str) -> Option<Origin> {
    let mut pieces = Vec::new();
    let mut indent = None;
    let mut hunt = 0usize;
    let mut file = from;
    let mut end = from;
    for line in content.split_inclusive('\n') {
        let source = text.get(file..)?.split_inclusive('\n').next()?;
        let bare = source.trim_end_matches('\n').trim_end_matches('\r');
        let wanted = line.trim_end_matches('\n');
        let lead = if wanted.is_empty() {
            bare.trim().is_empty().then_some(bare.len())?
        } else {
            let lead = *indent.get_or_insert(bare.len().checked_sub(wanted.len())?);
            (bare.get(lead..)? == wanted && bare.get(..lead)?.trim().is_empty()).then_some(lead)?
        };
        pieces.push((hunt as u32, (file + lead) as u32));
        end = file + bare.len() + usize::from(line.ends_with('\n'));
        hunt += line.len();
        file += source.len();
    }
    let start = pieces.first()?.1;
    Some(Origin::pieces(pieces, Span::new(start, (end as u32).min(text.len() as u32))))
}

/// Whether the line is `query: |`, or the same with other block indicators.
pub(super) fn opens_query_block(line: &str) -> bool {
    let line = line.trim_start_matches(' ');
    let line = line.strip_prefix("- ").unwrap_or(line).trim_start_matches(' ');
    let Some(rest) = line.strip_prefix("query:") else { return false };
    let rest = rest.split(" #").next().unwrap_or_default().trim();
    rest.starts_with(['|', '>']) && rest.chars().skip(1).all(|c| c == '-' || c == '+' || c.is_ascii_digit())
}

/// Cuts blocks `query: |` by indentation alone, for text that is not YAML as a whole.
///
/// A block ends at the first line that is indented no more than its key and reads as a key, an item or the end of a
/// document. Lines that slipped to the left otherwise belong to it.
pub(super) fn cut_by_indentation(text: &str) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let mut at = 0usize;
    let mut block: Option<OpenBlock> = None;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches('\n').trim_end_matches('\r');
        let lead = bare.len() - bare.trim_start_matches(' ').len();
        if block.as_ref().is_some_and(|open| ends_block(bare, lead, open)) {
            cuts.extend(block.take().and_then(|open| open.into_cut(text)));
        }
        if let Some(open) = &mut block {
            open.push(line, bare, lead, at);
        } else if opens_query_block(bare) {
            let item = usize::from(bare.trim_start_matches(' ').starts_with("- ")) * 2;
            block = Some(OpenBlock {
                key_indent: lead + item,
                indent: None,
                text: String::new(),
                pieces: Vec::new(),
                end: at,
                after_blank: false,
            });
        }
        at += line.len();
    }
    cuts.extend(block.and_then(|open| open.into_cut(text)));
    // With several blocks it is not certain which name belongs to which.
    if let [cut] = cuts.as_mut_slice() {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.trim_start_matches("- ").strip_prefix(key))?;
            one_line(line.trim().trim_matches(['\'', '"']))
        };
        (cut.about.name, cut.about.id) = (value("name:"), value("id:"));
    }
    cuts
}

fn ends_block(bare: &str, lead: usize, open: &OpenBlock) -> bool {
    if bare.trim().is_empty() || lead > open.key_indent {
        return false;
    }
    // What follows a blank line at the left edge is text of the page around the rule.
    if open.after_blank && !bare.trim_start().starts_with(['|', '/']) {
        return true;
    }
    let word = bare.trim_start().split(':').next().unwrap_or_default();
    let is_key = bare.contains(':')
        && !word.is_empty()
        && word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
        && bare.get(lead + word.len()..).is_some_and(|rest| rest == ":" || rest.starts_with(": "));
    is_key || bare.trim_start().starts_with("- ") || bare == "---" || bare == "..."
}

/// A block that is being cut out.
struct OpenBlock {
    key_indent: usize,
    indent: Option<usize>,
    text: String,
    pieces: Vec<(u32, u32)>,
    end: usize,
    after_blank: bool,
}

impl OpenBlock {
    fn push(&mut self, line: &str, bare: &str, lead: usize, at: usize) {
        let blank = bare.trim().is_empty();
        self.after_blank = blank;
        if !blank && self.indent.is_none() {
            self.indent = Some(lead);
        }
        let cut = self.indent.unwrap_or(lead).min(lead).min(bare.len());
        self.pieces.push((self.text.len() as u32, (at + cut) as u32));
        self.text.push_str(bare.get(cut..).unwrap_or_default());
        if line.ends_with('\n') {
            self.text.push('\n');
        }
        self.end = at + bare.len();
    }

    fn into_cut(self, _text: &str) -> Option<Cut> {
        if look::is_blank(&self.text) {
            return None;
        }
        // Blank lines before what follows are not part of the block.
        let kept = self.text.trim_end().len() + 1;
        let mut query = self.text;
        query.truncate(kept.min(query.len()));
        let mut pieces = self.pieces;
        pieces.retain(|(hunt, _)| (*hunt as usize) < query.len());
        let start = pieces.first().map_or(0, |(_, file)| *file);
        let origin = Origin::pieces(pieces, Span::new(start, self.end as u32));
        Some(Cut { text: query, origin, about: About::default(), divisible: false })
    }
}

/// Byte offsets of characters by their number, cheap for ascending questions.
struct Bytes<'a> {
    text: &'a str,
    characters: usize,
    bytes: usize,
}

impl<'a> Bytes<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, characters: 0, bytes: 0 }
    }

    fn at(&mut self, character: usize) -> usize {
        if character < self.characters {
            (self.characters, self.bytes) = (0, 0);
        }
        let rest = self.text.get(self.bytes..).unwrap_or_default();
        self.bytes += rest.chars().take(character - self.characters).map(char::len_utf8).sum::<usize>();
        self.characters = character;
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every word of the hunt must be found at its place in the file.
    fn words_map(text: &str, cut: &Cut) {
        let mut at = 0;
        for word in cut.text.split_whitespace() {
            let start = at + cut.text[at..].find(word).unwrap();
            at = start + word.len();
            let span = Span::new(start as u32, at as u32);
            assert_eq!(cut.origin.locate(span).slice(text), word, "{:?}", cut.origin);
        }
    }

    #[test]
    fn blocks_map_line_by_line() {
        for text in [
            "id: 1\nname: Ödd\nquery: |\n  T\n\n    | where a == 'ß'\n  | take 1\nkind: x\n",
            "id: 1\r\nquery: |\r\n  T\r\n  \r\n  | take 1\r\nversion: 1\r\n",
            "\u{feff}query: |2-\n\n    T\n  | take 1\n\n\nid: 1",
            "query: |\n  T\n  | take 1",
            "# ü\nquery:   |-   # why\n  T # ü\n  | take 1\n",
        ] {
            let found = cut(text);
            assert!(found.diagnostics.is_empty(), "{text:?}: {:?}", found.diagnostics);
            assert_eq!(found.cuts.len(), 1, "{text:?}");
            words_map(text, &found.cuts[0]);
        }
    }

    #[test]
    fn other_scalars_map_byte_for_byte_or_as_a_whole() {
        let text = "query: T | take 1\n---\n- query: 'T | take 2'\n- query: \"T\\n| take 3\"\n- query: >\n    T\n    | take 4\n";
        let cuts = cut(text).cuts;
        assert_eq!(cuts.len(), 4);
        words_map(text, &cuts[0]);
        words_map(text, &cuts[1]);
        assert_eq!(cuts[2].origin.whole().slice(text), "\"T\\n| take 3\"");
        assert_eq!(cuts[3].text, "T | take 4\n");
        assert!(cuts[3].origin.whole().slice(text).contains("| take 4"));
    }

    #[test]
    fn only_the_rule_itself_has_a_query() {
        let text = "name: A\nnested:\n  query: no\nlist:\n- query: no\nquery: T | take 1\n? [odd]\n: x\nid: 7\n";
        let cuts = cut(text).cuts;
        assert_eq!(cuts.len(), 1);
        assert_eq!((cuts[0].text.as_str(), cuts[0].about.id.as_deref()), ("T | take 1", Some("7")));
    }

    #[test]
    fn what_a_rule_says_of_itself_is_read_as_text_or_as_a_list() {
        let text = "Name: Odd\nseverity: High\ntactics: [Execution, 'Lateral Movement']\nrelevantTechniques:\n- T1059\n-\n- ~\n\
             description: |\n  'Finds it.\n\n   More.'\nmetadata:\n  author: {name: A. Author, email: x}\n  name: no\n\
             query: T | take 1\nreferences:\n- link: https://a.example/\nentityMappings:\n- name: no\n  id: no\n\
             ? {id: no}\n: {id: no}\nqueryPeriod: P1D\nid: ~\n";
        let about = cut(text).cuts.remove(0).about;
        assert_eq!((about.name.as_deref(), about.id.as_deref()), (Some("Odd"), None));
        assert_eq!(about.description.as_deref(), Some("Finds it.\n\nMore."));
        assert_eq!(about.severity, Some(crate::about::AlertSeverity::High));
        assert_eq!((about.tactics.len(), about.techniques.as_slice()), (2, &["T1059".to_owned()][..]));
        assert_eq!(about.author.as_deref(), Some("A. Author"));
        assert_eq!(about.references, ["https://a.example/"]);
        assert_eq!(about.query_period, Some(864_000_000_000));
    }

    #[test]
    fn every_rule_of_a_file_has_its_own_words() {
        let text = "- {name: A, severity: Low, query: T | take 1}\n- {name: B, tactics: Impact, query: T | take 2}\n";
        let cuts = cut(text).cuts;
        assert_eq!(cuts[0].about.severity, Some(crate::about::AlertSeverity::Low));
        assert_eq!((cuts[1].about.severity, cuts[1].about.tactics.as_slice()), (None, &["Impact".to_owned()][..]));
    }

    #[test]
    fn aliases_and_depth_add_nothing() {
        let text = "description: &a Finds it.\nname: *a\ntactics: [[[[[[[[Execution]]]]]]]]\nquery: T | take 1\n";
        let about = cut(text).cuts.remove(0).about;
        assert_eq!((about.name, about.tactics.len()), (None, 0));
    }

    #[test]
    fn malformed_yaml_still_gives_its_block() {
        let text = "name: 'Odd' signer'\nid: 3\nquery: |\n  T\n| where a == 1\n\n  | take 1\nversion: 1\n";
        let found = cut(text);
        assert_eq!(found.diagnostics[0].severity, crate::diagnostic::Severity::Warning);
        assert_eq!(found.cuts[0].text, "T\n| where a == 1\n\n| take 1\n");
        words_map(text, &found.cuts[0]);
        let found = cut("a: [\nb: {");
        assert!(found.cuts.is_empty());
        assert_eq!(found.diagnostics[0].code, Code::Container);
    }
}
