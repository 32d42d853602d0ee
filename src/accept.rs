//! Which notes were looked at and accepted, with the reason: by comments of the hunt, and by a baseline beside it.
//!
//! An acceptance changes no verdict. It marks the note, and whoever counts notes of an effect passes over it. Nothing is
//! decided here about what a note means, and no file is read.
//!
//! A comment reads `// huntgate: allow HG312, HG313 for splunk, eql because <reason>`; `for` may be left out. Where it
//! stands says what it is for:
//!
//! - before the first statement: every note of the hunt;
//! - behind code, or on lines of its own above a line of code: the notes whose place begins on that line.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, de};

use crate::data::{self, DataError};
use crate::diagnostic::{Acceptance, Accepter, Code, Diagnostic};
use crate::source::{Origin, Span};
use crate::syntax;
use crate::target::Target;

/// Comments of one hunt that are read. More are named as not read, so that the work stays linear.
const MAX_ALLOWANCES: usize = 500;
/// Bytes of a reason that are kept.
const MAX_REASON: usize = 400;
/// What such a comment looks like.
const EXAMPLE: &str = "write `// huntgate: allow HG312 because ...`";

/// A comment that accepts notes.
#[derive(Clone, Debug)]
struct Allowance {
    codes: Vec<Code>,
    /// The targets that it is for; none named is all.
    targets: Vec<Target>,
    reason: Arc<str>,
    /// Where the places of the notes begin, in the file; `None` is anywhere.
    lines: Option<Span>,
    /// The comment, in the file.
    span: Span,
}

/// The comments of a hunt that accept notes.
#[derive(Clone, Debug, Default)]
pub struct Allowances {
    list: Vec<Allowance>,
    /// What is wrong with comments that can not be used, with places of the file.
    pub faults: Vec<Diagnostic>,
}

impl Allowances {
    /// Reads the comments of a hunt. A text that can not be read has none.
    pub fn read(text: &str, origin: &Origin) -> Self {
        let mut out = Self::default();
        if !text.contains("huntgate:") {
            return out;
        }
        let comments = syntax::comments(text);
        // From the last comment to the first, so that the code behind each is found without going over others again.
        let mut next_code = None;
        let mut end = text.len();
        let mut found = Vec::new();
        for comment in comments.iter().rev() {
            next_code = code_in(text, comment.end as usize, end).or(next_code);
            end = comment.start as usize;
            let said = comment.slice(text).trim_start_matches('/').trim();
            if let Some(said) = said.strip_prefix("huntgate:") {
                found.push((*comment, said.trim(), next_code));
            }
        }
        let first_code = code_in(text, 0, end).or(next_code);
        for (comment, said, next_code) in found.into_iter().rev() {
            let span = origin.locate(comment);
            if out.list.len() + out.faults.len() == MAX_ALLOWANCES {
                let message = format!("a hunt may have {MAX_ALLOWANCES} comments that allow notes");
                out.faults.push(Diagnostic::warning(Code::BadAllowance, span, message));
                break;
            }
            let said = said_by(said).and_then(|it| Ok((it, place(text, comment, first_code, next_code, origin)?)));
            match said {
                Ok((it, lines)) => out.list.push(Allowance { lines, span, ..it }),
                Err(message) => {
                    out.faults.push(Diagnostic::warning(Code::BadAllowance, span, message).help(EXAMPLE));
                }
            }
        }
        out
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Marks the notes of a translation that a comment accepts. Their places are those of the file.
    pub fn accept(&self, target: Target, notes: &mut [Diagnostic]) {
        for note in notes.iter_mut().filter(|note| note.accepted.is_none()) {
            let fits = |one: &Allowance| {
                one.codes.contains(&note.code)
                    && (one.targets.is_empty() || one.targets.contains(&target))
                    && one.lines.is_none_or(|lines| lines.start <= note.span.start && note.span.start < lines.end)
            };
            if let Some((index, one)) = self.list.iter().enumerate().find(|(_, one)| fits(one)) {
                note.accepted = Some(Acceptance { reason: one.reason.clone(), by: Accepter::Comment(index) });
            }
        }
    }

    /// What is to be said of comments that accepted none of these notes of the targets, which are all that were asked for.
    pub fn unused<'n>(&self, targets: &[Target], notes: impl Iterator<Item = &'n Diagnostic>) -> Vec<Diagnostic> {
        let used: HashSet<(usize, Code)> = notes
            .filter_map(|note| match note.accepted.as_ref()?.by {
                Accepter::Comment(index) => Some((index, note.code)),
                Accepter::Baseline(_) => None,
            })
            .collect();
        let mut out = Vec::new();
        for (index, one) in self.list.iter().enumerate() {
            // Of a target that nobody asked for it is not known whether it has the note.
            if !one.targets.is_empty() && !one.targets.iter().all(|target| targets.contains(target)) {
                continue;
            }
            for code in one.codes.iter().filter(|code| !used.contains(&(index, **code))) {
                let message = format!("no note {code} is there that this comment could allow");
                out.push(Diagnostic::warning(Code::UnusedAllowance, one.span, message).help("delete it"));
            }
        }
        out
    }
}

/// The first byte between two places that is no blank.
fn code_in(text: &str, from: usize, to: usize) -> Option<usize> {
    let between = text.get(from..to)?;
    between.char_indices().find(|(_, char)| !char.is_whitespace() && *char != '\u{feff}').map(|(at, _)| from + at)
}

/// The lines that a comment is for, in the file; `None` is the whole hunt.
fn place(
    text: &str,
    comment: Span,
    first_code: Option<usize>,
    next_code: Option<usize>,
    origin: &Origin,
) -> Result<Option<Span>, String> {
    let at = comment.start as usize;
    if first_code.is_none_or(|first| at < first) {
        return Ok(None);
    }
    if !origin.keeps_places() {
        return Err("the hunt stands in a text whose lines are not those of the file; allow notes before its first \
                    statement"
            .to_owned());
    }
    let line_of = |at: usize| {
        let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |line| line + 1);
        let end = text.get(at..).and_then(|behind| behind.find('\n')).map_or(text.len(), |line| at + line);
        Span::new(start as u32, end as u32)
    };
    let own = line_of(at);
    let line = match code_in(text, own.start as usize, at) {
        Some(_) => own,
        None => line_of(next_code.ok_or("no line of the hunt stands behind the comment")?),
    };
    Ok(Some(origin.locate(line)))
}

/// What a comment says behind `huntgate:`.
fn said_by(said: &str) -> Result<Allowance, String> {
    let rest = said.strip_prefix("allow").filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
    let Some(rest) = rest else { return Err("`huntgate:` is not followed by `allow`".to_owned()) };
    let (head, reason) = split_word(rest, "because");
    let reason = reason.map(str::trim).filter(|reason| reason.chars().any(char::is_alphanumeric));
    let Some(reason) = reason else { return Err("the comment gives no reason: `because ...`".to_owned()) };
    let (codes, targets) = split_word(head, "for");
    let names = |list: &str| list.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>();
    let short = |name: &str| name.chars().take(40).collect::<String>();
    let code = |name: &String| Code::from_text(name).ok_or_else(|| format!("`{}` is no code", short(name)));
    let target = |name: &String| {
        let name = name.to_ascii_lowercase();
        Target::from_name(&name).ok_or_else(|| format!("`{}` is no target", short(&name)))
    };
    if codes.trim().is_empty() {
        return Err("the comment names no code".to_owned());
    }
    let codes = names(codes).iter().map(code).collect::<Result<_, _>>()?;
    let targets = targets.map(names).unwrap_or_default().iter().map(target).collect::<Result<_, _>>()?;
    Ok(Allowance { codes, targets, reason: shortened(reason).into(), lines: None, span: Span::default() })
}

/// What stands before and behind the first word of this text.
fn split_word<'t>(text: &'t str, word: &str) -> (&'t str, Option<&'t str>) {
    for (at, _) in text.match_indices(word) {
        let (before, behind) = (text.get(..at).unwrap_or_default(), text.get(at + word.len()..).unwrap_or_default());
        let ends = behind.is_empty() || behind.starts_with(char::is_whitespace);
        if ends && (before.is_empty() || before.ends_with(char::is_whitespace)) {
            return (before, Some(behind));
        }
    }
    (text, None)
}

fn shortened(reason: &str) -> String {
    let end = (0..=reason.len().min(MAX_REASON)).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
    reason.get(..end).unwrap_or_default().to_owned()
}

/// An entry of a baseline.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The hunt's file, relative to the baseline; of a file with several hunts with `#` and the number.
    hunt: toml::Spanned<String>,
    target: Target,
    #[serde(deserialize_with = "code_of")]
    code: Code,
    #[serde(deserialize_with = "reason_of")]
    reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    #[serde(default)]
    accepted: Vec<Row>,
}

fn code_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    let name = String::deserialize(deserializer)?;
    Code::from_text(&name).ok_or_else(|| de::Error::custom(format!("`{name}` is no code")))
}

fn reason_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let reason = String::deserialize(deserializer)?;
    let says = reason.chars().any(char::is_alphanumeric);
    if says { Ok(shortened(&reason)) } else { Err(de::Error::custom("the reason says nothing")) }
}

/// The notes that a site has accepted.
#[derive(Debug, Default)]
pub struct Baseline {
    rows: Vec<Row>,
    of_hunt: HashMap<(String, Target), Vec<usize>>,
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// It is malformed; the error has the line.
    pub fn read(file: &str, text: &str) -> Result<Self, DataError> {
        let rows = data::parse::<Sheet>(file, text)?.accepted;
        let mut of_hunt: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            of_hunt.entry((row.hunt.get_ref().clone(), row.target)).or_default().push(index);
        }
        Ok(Self { rows, of_hunt })
    }

    /// Marks the notes of a translation that an entry accepts; `hunt` as an entry names it.
    pub fn accept(&self, hunt: &str, target: Target, notes: &mut [Diagnostic]) {
        let Some(entries) = self.of_hunt.get(&(hunt.to_owned(), target)) else { return };
        let by_code: HashMap<Code, (usize, &str)> = entries
            .iter()
            .rev()
            .filter_map(|index| self.rows.get(*index).map(|row| (row.code, (*index, row.reason.as_str()))))
            .collect();
        for note in notes.iter_mut().filter(|note| note.accepted.is_none()) {
            if let Some((index, reason)) = by_code.get(&note.code) {
                note.accepted = Some(Acceptance { reason: (*reason).into(), by: Accepter::Baseline(*index) });
            }
        }
    }

    /// What is to be said of entries that accepted no note; `known` tells whether the run has looked at a hunt, and
    /// `used` are the entries that did. Places are those of the baseline.
    pub fn unused(&self, known: impl Fn(&str, Target) -> bool, used: &HashSet<usize>) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let hunt = row.hunt.get_ref();
            if !used.contains(&index) && known(hunt, row.target) {
                let span = row.hunt.span();
                let span = Span::new(span.start as u32, span.end as u32);
                let message =
                    format!("`{hunt}` has no note {} for {} that this entry could accept", row.code, row.target);
                out.push(Diagnostic::warning(Code::UnusedAllowance, span, message).help("delete it"));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Effect;

    const HUNT: &str = "// huntgate: allow HG101 because all of it\n\
                        let s = \"// huntgate: allow HG102 because text\";\n\
                        T\n\
                        | where a == 1 // huntgate: allow HG301,HG302 for eql because one line\n\
                        // huntgate: allow HG303 because the stage below\n\
                        \n\
                        // another comment\n\
                        | where b == 2\n";

    fn accepted(text: &str, target: Target, code: Code, at: &str) -> Option<String> {
        let start = text.find(at).unwrap() as u32;
        let mut notes = [Diagnostic::note(code, Effect::Broader, Span::new(start, start + 1), "m")];
        let allowances = Allowances::read(text, &Origin::verbatim(0, text.len() as u32));
        assert_eq!(allowances.faults, []);
        allowances.accept(target, &mut notes);
        notes[0].accepted.as_ref().map(|it| it.reason.to_string())
    }

    #[test]
    fn the_place_of_a_comment_says_what_it_allows() {
        let code = |text: &str| Code::from_text(text).unwrap();
        let of = |target, text: &str, at| accepted(HUNT, target, code(text), at);
        assert_eq!(of(Target::Splunk, "HG101", "b == 2").as_deref(), Some("all of it"));
        assert_eq!(of(Target::Splunk, "HG102", "a == 1"), None, "a text is no comment");
        assert_eq!(of(Target::Eql, "HG302", "a == 1").as_deref(), Some("one line"));
        assert_eq!(of(Target::Splunk, "HG302", "a == 1"), None, "another target");
        assert_eq!(of(Target::Eql, "HG302", "b == 2"), None, "another line");
        assert_eq!(of(Target::Sigma, "HG303", "b == 2").as_deref(), Some("the stage below"));
        assert_eq!(of(Target::Sigma, "HG303", "a == 1"), None);
    }

    #[test]
    fn what_can_not_be_used_is_named() {
        for (comment, words) in [
            ("huntgate: allow HG312", "no reason"),
            ("huntgate: allow HG312 because", "no reason"),
            ("huntgate: allow HG312 because ...", "no reason"),
            ("huntgate: allow because x", "no code"),
            ("huntgate: allow HG999 because x", "`HG999` is no code"),
            ("huntgate: allow HG312 HG313 because x", "`HG312 HG313` is no code"),
            ("huntgate: allow HG312 for qradar because x", "`qradar` is no target"),
            ("huntgate: alow HG312 because x", "not followed by `allow`"),
        ] {
            let text = format!("// {comment}\nT");
            let allowances = Allowances::read(&text, &Origin::verbatim(0, text.len() as u32));
            assert!(allowances.is_empty(), "{comment}");
            assert!(allowances.faults[0].message.contains(words), "{comment}: {:?}", allowances.faults);
        }
        let text = "T // huntgate: allow HG312 because x";
        let allowances = Allowances::read(text, &Origin::rewritten(Span::new(0, 5)));
        assert!(allowances.faults[0].message.contains("before its first statement"), "{:?}", allowances.faults);
    }

    #[test]
    fn an_allowance_that_nothing_needs_is_named_where_that_is_known() {
        let text = "// huntgate: allow HG301, HG302 because x\n// huntgate: allow HG303 for sigma because x\nT";
        let allowances = Allowances::read(text, &Origin::verbatim(0, text.len() as u32));
        let code = Code::from_text("HG301").unwrap();
        let mut notes = [Diagnostic::note(code, Effect::Broader, Span::default(), "m")];
        allowances.accept(Target::Eql, &mut notes);
        let unused = allowances.unused(&[Target::Eql], notes.iter());
        assert_eq!(unused.len(), 1, "{unused:?}");
        assert!(unused[0].message.contains("HG302"));
        assert_eq!(allowances.unused(&[Target::Eql, Target::Sigma], notes.iter()).len(), 2);
    }

    #[test]
    fn many_comments_are_read_in_linear_time() {
        let text = "T\n".to_owned() + &"// huntgate: allow HG301 because x\n".repeat(100_000);
        let allowances = Allowances::read(&text, &Origin::verbatim(0, text.len() as u32));
        assert_eq!(allowances.faults.len(), MAX_ALLOWANCES + 1, "none has code behind it");
    }

    #[test]
    fn a_baseline_accepts_by_hunt_target_and_code() {
        let text = "[[accepted]]\nhunt = \"a.kql\"\ntarget = \"eql\"\ncode = \"HG301\"\nreason = \"known\"\n";
        let baseline = Baseline::read("b.toml", text).unwrap();
        let code = Code::from_text("HG301").unwrap();
        let accepts = |hunt, target| {
            let mut notes = [Diagnostic::note(code, Effect::Broader, Span::default(), "m")];
            baseline.accept(hunt, target, &mut notes);
            notes[0].accepted.is_some()
        };
        assert!(accepts("a.kql", Target::Eql) && !accepts("a.kql", Target::Sigma) && !accepts("b.kql", Target::Eql));
        let unused = baseline.unused(|_, _| true, &HashSet::new());
        assert_eq!(unused[0].span.slice(text), "\"a.kql\"");
        for (bad, line) in [(text.replace("HG301", "HG999"), 4), (text.replace("known", " "), 5)] {
            assert_eq!(Baseline::read("b.toml", &bad).unwrap_err().line, Some(line));
        }
    }
}
