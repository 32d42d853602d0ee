//! The form of a snapshot: a header of comments, and below it the query or rule file as it is deployed.
//!
//! The header names the hunt, the target, the verdict and every note, without places, so that a line that moves in a hunt
//! changes nothing. It ends with a checksum of all the rest, so that a file that was changed by hand is told apart from one
//! that is out of date. No file is read or written here.

use uuid::Uuid;

use crate::diagnostic::{Diagnostic, Effect};
use crate::emit::{Comments, Translation};
use crate::intake::SNAPSHOT_MARK;
use crate::package::Package;
use crate::report::effect_of;

/// The version of the form.
const FORM: &str = "1";
/// What the last line of the header begins with.
const LAST: &str = "checksum: ";
/// The name space of the checksums: it keeps them apart from other identifiers that are made of the same text.
const SPACE: Uuid = Uuid::from_u128(0x8a1c_5a0e_6d0f_4f0e_9d7e_2b1f_5c3a_7e10);

/// The comments of a form of rule file; `None` where it has none.
pub(super) const fn comments(package: Package) -> Option<Comments> {
    match package {
        Package::SavedSearch
        | Package::CorrelationSearch
        | Package::Contentctl
        | Package::DetectionRule
        | Package::Sigma => Some(Comments::Hashes),
        Package::Kibana => None,
    }
}

/// What a snapshot says of itself, before it is written in the comments of a language.
pub(super) struct Heading<'a> {
    /// The name of the hunt's file, with the hunt's number where there are several. The folder is the snapshot's.
    pub(super) hunt: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) target: &'a str,
    pub(super) schema: &'a str,
    pub(super) package: Option<Package>,
    pub(super) verdict: Effect,
    pub(super) translation: &'a Translation,
    /// Notes on the rule's fields.
    pub(super) of_fields: &'a [Diagnostic],
}

/// A snapshot: its header's lines without the checksum, and what stands below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) comments: Comments,
    lines: Vec<String>,
    pub(super) body: String,
}

/// What a file in the place of a snapshot is.
#[derive(Clone, Debug)]
pub(super) enum Stored {
    /// A snapshot as it was accepted.
    Sound(Snapshot),
    /// A snapshot that was changed by hand since; the header where it can still be read.
    Edited(Option<Snapshot>),
    /// The marks of a merge stand in it.
    Conflicted,
    /// No snapshot.
    Foreign,
}

impl Snapshot {
    /// A snapshot that is to be; without a body nothing stands below its header.
    pub(super) fn new(comments: Comments, heading: &Heading<'_>, body: Option<&str>) -> Self {
        let mut lines = vec![format!("{SNAPSHOT_MARK}{FORM}"), format!("hunt: {}", heading.hunt)];
        lines.extend(heading.name.map(|name| format!("name: {name}")));
        lines.extend(heading.id.map(|id| format!("id: {id}")));
        lines.push(format!("target: {}", heading.target));
        lines.push(format!("schema: {}", heading.schema));
        lines.extend(heading.package.map(|package| format!("package: {package}")));
        lines.push(format!("verdict: {}", heading.verdict));
        if let Some(range) = &heading.translation.time_range {
            let end = |end: &Option<String>| end.clone().unwrap_or_else(|| "any time".to_owned());
            lines.push(format!("run over: {} to {}", end(&range.from), end(&range.to)));
        }
        let mut seen = std::collections::HashSet::new();
        for note in heading.translation.notes.iter().chain(heading.of_fields) {
            let line = note_line(note);
            if seen.insert(line.clone()) {
                lines.push(format!("note: {line}"));
            }
        }
        let lines = lines.iter().map(|line| comments.line(line)).collect();
        let mut body = body.unwrap_or_default().replace("\r\n", "\n");
        if !body.is_empty() && !body.ends_with('\n') {
            body.push('\n');
        }
        Self { comments, lines, body }
    }

    /// Its file.
    pub(super) fn text(&self) -> String {
        let mut lines = self.lines.clone();
        lines.push(format!("{LAST}{}", self.checksum()));
        let mut text = self.comments.over(&lines, &self.body);
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    fn checksum(&self) -> Uuid {
        let mut text = self.lines.join("\n");
        text.push_str("\n\n");
        text.push_str(&self.body);
        Uuid::new_v5(&SPACE, text.as_bytes())
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| line.strip_prefix(key))
    }

    /// The name of the hunt's file, with the hunt's number where there are several.
    pub(super) fn hunt(&self) -> &str {
        self.get("hunt: ").unwrap_or_default()
    }

    /// The identifier of the hunt.
    pub(super) fn id(&self) -> Option<&str> {
        self.get("id: ")
    }

    /// The name of the hunt.
    pub(super) fn name(&self) -> Option<&str> {
        self.get("name: ")
    }

    /// The target, and the form of rule file where it is one.
    pub(super) fn target(&self) -> String {
        let target = self.get("target: ").unwrap_or_default();
        match self.get("package: ") {
            Some(package) => format!("{target} ({package})"),
            None => target.to_owned(),
        }
    }

    /// The verdict.
    pub(super) fn verdict(&self) -> Option<Effect> {
        let name = self.get("verdict: ")?;
        Effect::ALL.into_iter().find(|effect| effect.name() == name)
    }

    /// The notes, and the other lines of the header that a reviewer should see.
    pub(super) fn notes(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| {
            let other = line.starts_with("run over: ") || line.starts_with("schema: ");
            line.strip_prefix("note: ").or(other.then_some(line.as_str()))
        })
    }

    /// Whether anything but the hunt's name, number and file is the same.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.body == other.body && self.verdict() == other.verdict() && self.notes().eq(other.notes())
    }
}

/// A note on one line, without its place.
fn note_line(note: &Diagnostic) -> String {
    format!("{} {}: {}", note.code, effect_of(note), note.message)
}

impl Stored {
    /// Reads what stands in a file.
    pub(super) fn read(text: &str) -> Self {
        // A checkout may have other line ends than the commit.
        let text = text.replace("\r\n", "\n");
        let Some(comments) = mark(&text) else { return Self::Foreign };
        let snapshot = comments.off(&text, |line| line.starts_with(LAST)).map(|(mut lines, body)| {
            let sum = lines.pop().unwrap_or_default().to_owned();
            let lines = lines.into_iter().map(str::to_owned).collect();
            (Snapshot { comments, lines, body: body.into_owned() }, sum)
        });
        match snapshot {
            Some((snapshot, sum)) if sum == format!("{LAST}{}", snapshot.checksum()) => Self::Sound(snapshot),
            _ if is_conflicted(&text) => Self::Conflicted,
            other => Self::Edited(other.map(|(snapshot, _)| snapshot)),
        }
    }
}

/// The comments that a snapshot begins with; `None` for any other file.
fn mark(text: &str) -> Option<Comments> {
    // The first line of a conflict may be a mark of it.
    let first = text.lines().find(|line| !line.starts_with("<<<<<<< "))?;
    let first = first.strip_prefix("| ").unwrap_or(first);
    let marks = [("```", Comments::Backticks), ("// ", Comments::Slashes), ("# ", Comments::Hashes)];
    let found = marks
        .into_iter()
        .find(|(mark, _)| first.strip_prefix(mark).is_some_and(|rest| rest.starts_with(SNAPSHOT_MARK)));
    found.map(|(_, comments)| comments)
}

/// Whether the marks of a merge stand in the text: <https://git-scm.com/docs/git-merge#_how_conflicts_are_presented>.
fn is_conflicted(text: &str) -> bool {
    let has = |mark: &str| {
        text.lines().any(|line| line == mark || line.strip_prefix(mark).is_some_and(|it| it.starts_with(' ')))
    };
    has("<<<<<<<") && has("=======") && has(">>>>>>>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::Span;

    fn snapshot(comments: Comments, body: Option<&str>) -> Snapshot {
        let hostile = "``` | delete\n# x\r// \u{2028}checksum: 0 \\";
        let notes = vec![Diagnostic::note(Code::Ignored, Effect::Broader, Span::default(), hostile)];
        let translation = Translation { verdict: Effect::Broader, ..Translation::refused(notes) };
        let heading = Heading {
            hunt: "a \"b\".kql#2",
            name: Some(hostile),
            id: Some("1-2"),
            target: "splunk",
            schema: "addon",
            package: None,
            verdict: Effect::Broader,
            translation: &translation,
            of_fields: &[],
        };
        Snapshot::new(comments, &heading, body)
    }

    #[test]
    fn what_is_written_is_read_back() {
        for comments in [Comments::Backticks, Comments::Slashes, Comments::Hashes] {
            for body in [None, Some("a=1\n| head 1"), Some("| tstats count\n")] {
                let written = snapshot(comments, body);
                let text = written.text();
                let Stored::Sound(read) = Stored::read(&text) else { panic!("{text}") };
                assert_eq!(read, written);
                assert_eq!((read.id(), read.verdict()), (Some("1-2"), Some(Effect::Broader)));
                assert!(matches!(Stored::read(&text.replace('\n', "\r\n")), Stored::Sound(_)), "{text}");
            }
        }
    }

    #[test]
    fn changes_by_hand_and_marks_of_a_merge_are_told_apart() {
        let text = snapshot(Comments::Slashes, Some("any where a == 1\n")).text();
        assert!(matches!(Stored::read(&text.replace("a == 1", "a == 2")), Stored::Edited(Some(_))));
        assert!(matches!(Stored::read(&text.replace("broader", "exact")), Stored::Edited(Some(_))));
        let cut: String = text.lines().take(3).map(|line| format!("{line}\n")).collect();
        assert!(matches!(Stored::read(&cut), Stored::Edited(None)));
        let merged = text.replace("any where", "<<<<<<< HEAD\nany where b\n=======\nany where") + ">>>>>>> other\n";
        assert!(matches!(Stored::read(&merged), Stored::Conflicted));
        for other in ["any where true", "// huntgate: exact\nany where true", ""] {
            assert!(matches!(Stored::read(other), Stored::Foreign));
        }
    }

    #[test]
    fn a_body_may_look_like_a_conflict() {
        let text = snapshot(Comments::Hashes, Some("<<<<<<< a\n=======\n>>>>>>> b\n")).text();
        assert!(matches!(Stored::read(&text), Stored::Sound(_)));
    }
}
