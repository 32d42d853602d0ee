//! The verdict and the notes of a translation as comments of its query.
//!
//! A comment can never become query text: what a note says is rewritten to characters that no reader of the language takes
//! for anything else, whatever text of the hunt it holds. Nothing is decided here, and the query itself is not changed.
//! SPL: <https://help.splunk.com/splunk-enterprise/search/search-manual/9.4/using-the-search-app/add-comments-to-searches>;
//! EQL: <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax>; Sigma: comments of YAML.

use std::borrow::Cow;

use super::Translation;
use crate::fit::TimeRange;
use crate::target::Target;

/// Characters of a note that are shown; a hunt's literal can be long.
const SHOWN: usize = 400;

impl Translation {
    /// Writes the verdict, the time range and each note into the query, as comments on lines of their own in front of it.
    /// A query that is taken out of its comments is the query as it was.
    pub fn annotate(&mut self, target: Target) {
        let Some(query) = self.query.take() else { return };
        let mut lines = vec![format!("huntgate: {}", self.verdict)];
        if let Some(TimeRange { from, to }) = &self.time_range {
            let end = |end: &Option<String>| end.clone().unwrap_or_else(|| "any time".to_owned());
            lines.push(format!("run over: {} to {}", end(from), end(to)));
        }
        for note in &self.notes {
            let effect = note.effect.map(|effect| format!(" {effect}")).unwrap_or_default();
            let line = format!("{}{effect}: {}", note.code, note.message);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        self.query = Some(Comments::of(target).over(&lines, &query));
    }
}

/// How a file says what is for people alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comments {
    /// Between three backticks: SPL.
    Backticks,
    /// Behind two slashes, to the end of the line: EQL, ES|QL.
    Slashes,
    /// Behind `#`, on a line of its own: YAML, TOML, `.conf`.
    Hashes,
}

impl Comments {
    /// The comments of queries.
    pub const fn of(target: Target) -> Self {
        match target {
            Target::Splunk => Self::Backticks,
            Target::Eql | Target::Esql => Self::Slashes,
            Target::Sigma => Self::Hashes,
        }
    }

    /// Writes lines in front of a text.
    pub fn over(self, lines: &[String], text: &str) -> String {
        match self {
            Self::Backticks => spl(lines, text),
            Self::Slashes => commented("// ", lines, text),
            Self::Hashes => commented("# ", lines, text),
        }
    }

    /// A line as it stands in a comment.
    pub fn line(self, line: &str) -> String {
        match self {
            Self::Backticks => spl_text(line),
            Self::Slashes | Self::Hashes => line_text(line),
        }
    }

    /// Takes the lines that [`Comments::over`] wrote off a text, up to the first that `is_last` accepts.
    pub fn off<'t>(self, text: &'t str, is_last: impl Fn(&str) -> bool) -> Option<(Vec<&'t str>, Cow<'t, str>)> {
        let (barred, mut rest) = match (self, text.strip_prefix("| ")) {
            (Self::Backticks, Some(rest)) => (true, rest),
            (Self::Backticks | Self::Slashes | Self::Hashes, _) => (false, text),
        };
        let mut lines = Vec::new();
        loop {
            let (line, behind) = rest.split_once('\n')?;
            let line = match self {
                Self::Backticks => line.strip_prefix("```")?.strip_suffix("```")?,
                Self::Slashes => line.strip_prefix("// ")?,
                Self::Hashes => line.strip_prefix("# ")?,
            };
            rest = behind;
            lines.push(line);
            if is_last(line) {
                return Some((lines, if barred { format!("| {rest}").into() } else { rest.into() }));
            }
        }
    }
}

/// Comments between three backticks, which Splunk replaces by a blank. A search that begins with a bar must go on doing
/// so: a search without one is taken for the terms of `search`.
fn spl(lines: &[String], query: &str) -> String {
    let comments: Vec<String> = lines.iter().map(|line| format!("```{}```", spl_text(line))).collect();
    let comments = comments.join("\n");
    match query.strip_prefix("| ") {
        Some(rest) => format!("| {comments}\n{rest}"),
        None => format!("{comments}\n{query}"),
    }
}

/// Text without what opens or closes anything in a search, a macro or a dashboard: such characters become the full-width
/// ones that look like them. An apostrophe is harmless: the manual's own example holds one.
fn spl_text(text: &str) -> String {
    let harmless = |char: char| match char {
        '`' | '"' => '\'',
        '\\' | '|' | '[' | ']' | '$' => char::from_u32(u32::from(char) + 0xfee0).unwrap_or(' '),
        char => char,
    };
    line_text(text).chars().map(harmless).collect()
}

/// Comments that end with their line.
fn commented(mark: &str, lines: &[String], query: &str) -> String {
    let mut out = String::new();
    for line in lines {
        out.push_str(mark);
        out.push_str(&line_text(line));
        out.push('\n');
    }
    out + query
}

/// Text of one line that ends in no blank, without controls and marks that turn the direction of reading.
fn line_text(text: &str) -> String {
    let shown = |char: char| if is_shown(char) { char } else { ' ' };
    let text: String = text.chars().map(shown).collect();
    let mut out = text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = out.char_indices().nth(SHOWN) {
        out.truncate(end);
        out.push('…');
    }
    // In a `.conf` a backslash joins a line with the next one. Whether one in a comment does is not documented.
    if out.ends_with('\\') {
        out.pop();
        out.push('＼');
    }
    out
}

/// What YAML allows in a comment, without line ends of any kind and marks of direction.
fn is_shown(char: char) -> bool {
    matches!(char, ' '..='~' | '\u{a1}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
        && !matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, Diagnostic, Effect};
    use crate::source::Span;

    fn annotated(target: Target, query: &str, message: &str) -> String {
        let note = Diagnostic::note(Code::Ignored, Effect::Exact, Span::default(), message);
        let mut it = Translation {
            verdict: Effect::Exact,
            query: Some(query.to_owned()),
            ..Translation::refused(vec![note.clone(), note])
        };
        it.annotate(target);
        it.query.unwrap()
    }

    #[test]
    fn a_note_can_not_end_its_comment() {
        let hostile = "``` | delete ``` [search \"x\"] $t$ `macro` C:\\ */ \n# x: y\r\u{2028}\u{85}end";
        let code = Code::Ignored;
        assert_eq!(
            annotated(Target::Splunk, "a=1\n| head 1", hostile),
            format!(
                "```huntgate: exact```\n```{code} exact: ''' ｜ delete ''' ［search 'x'］ ＄t＄ 'macro' C:＼ */ # x: y end```\na=1\n| head 1"
            )
        );
        assert_eq!(
            annotated(Target::Sigma, "title: x\n", hostile).lines().collect::<Vec<_>>(),
            [
                "# huntgate: exact",
                &format!("# {code} exact: ``` | delete ``` [search \"x\"] $t$ `macro` C:\\ */ # x: y end"),
                "title: x"
            ]
        );
        assert_eq!(annotated(Target::Eql, "any where true", hostile).lines().count(), 3);
    }

    #[test]
    fn a_generating_command_stays_behind_its_bar() {
        let text = annotated(Target::Splunk, "| tstats count\n| head 1", "note");
        assert!(text.starts_with("| ```huntgate: exact```\n```HG"), "{text}");
        assert!(text.ends_with("```\ntstats count\n| head 1"), "{text}");
    }

    #[test]
    fn what_was_written_in_front_is_taken_off() {
        for comments in [Comments::Backticks, Comments::Slashes, Comments::Hashes] {
            for query in ["a=1\n| head 1\n", "| tstats count\n", ""] {
                let lines = ["one \\".to_owned(), "`two` | [x]".to_owned(), "end: 3".to_owned()];
                let text = comments.over(&lines, query);
                let text = if text.ends_with('\n') { text } else { text + "\n" };
                let (found, rest) = comments.off(&text, |line| line.starts_with("end: ")).unwrap();
                assert_eq!(found, lines.iter().map(|line| comments.line(line)).collect::<Vec<_>>());
                assert_eq!(rest, query);
                assert!(!text.contains("\\\n"), "{text}");
                assert_eq!(comments.off(&text, |line| line.starts_with("no: ")), None);
            }
        }
    }

    #[test]
    fn a_long_note_is_cut() {
        let text = annotated(Target::Eql, "any where true", &"ä".repeat(5000));
        assert!(text.chars().count() < SHOWN + 60, "{text}");
    }
}
