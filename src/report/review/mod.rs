//! What a look at the snapshots found, and its renderings: text, JSON lines, SARIF, Markdown, JUnit.
//!
//! How snapshots are found, compared and written is the command line's; here finished findings become text.

mod junit;
mod markdown;
mod text;

use std::sync::Arc;

use similar::{ChangeTag, TextDiff};

use super::json::SnapshotLine;
use super::{Page, Sarif, safe_json};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::source::Span;

/// Lines of a text that is compared line by line: the time of it grows with the square of what differs.
const MAX_LINES: usize = 4000;
/// Lines around a change that are shown.
const CONTEXT: usize = 3;

/// What is to be said of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is what its hunt gives.
    Current,
    /// Its hunt gives something else now.
    Changed,
    /// There is none of the hunt yet.
    New,
    /// Its hunt has another name, or another file, now.
    Renamed,
    /// Its hunt is gone.
    Orphaned,
    /// It was changed by hand.
    HandEdited,
    /// The marks of a merge stand in it.
    Conflicted,
    /// Another file has its name.
    InTheWay,
    /// The hunt can not be read.
    Unread,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Current,
        Self::Changed,
        Self::New,
        Self::Renamed,
        Self::Orphaned,
        Self::HandEdited,
        Self::Conflicted,
        Self::InTheWay,
        Self::Unread,
    ];

    /// The name, as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Changed => "changed",
            Self::New => "new",
            Self::Renamed => "renamed",
            Self::Orphaned => "orphaned",
            Self::HandEdited => "hand-edited",
            Self::Conflicted => "conflicted",
            Self::InTheWay => "in the way",
            Self::Unread => "unread",
        }
    }

    /// The code of it; `None` where all is well.
    pub const fn code(self) -> Option<Code> {
        match self {
            Self::Current => None,
            Self::Changed | Self::New | Self::Renamed | Self::Orphaned => Some(Code::SnapshotOutdated),
            Self::HandEdited | Self::Conflicted => Some(Code::SnapshotTampered),
            Self::InTheWay => Some(Code::SnapshotBlocked),
            Self::Unread => Some(Code::Syntax),
        }
    }
}

/// A snapshot, or a hunt that can not be read.
#[derive(Clone, Debug)]
pub struct Item {
    /// The hunt's file, with `#` and the hunt's number where it holds several.
    pub hunt: String,
    /// The hunt's name.
    pub name: Option<String>,
    /// The target, with the form of rule file in brackets where it is one.
    pub target: String,
    /// The snapshot's file.
    pub path: String,
    /// What is to be said of it.
    pub status: Status,
    /// The snapshot's file until now, where the hunt has another name.
    pub renamed_from: Option<String>,
    /// The verdict as it was accepted.
    pub before: Option<Effect>,
    /// The verdict now.
    pub after: Option<Effect>,
    /// Notes that are new, without places.
    pub added: Vec<String>,
    /// Notes that are gone, without places.
    pub removed: Vec<String>,
    /// What else is to be said.
    pub message: Option<String>,
    /// The difference of the texts.
    pub diff: String,
    /// Notes with denied effects; those that were accepted are marked so.
    pub denied: Vec<Diagnostic>,
    /// The hunt's file; empty where nothing is to be shown of it.
    pub page: Arc<Page>,
    /// The hunt in its file.
    pub span: Span,
    /// Why the hunt can not be read.
    pub faults: Vec<Diagnostic>,
}

impl Item {
    /// Whether it fails a check.
    pub fn fails(&self) -> bool {
        self.status != Status::Current || self.is_denied()
    }

    /// Whether it has a denied effect that nobody has accepted.
    pub fn is_denied(&self) -> bool {
        self.denied.iter().any(|note| note.accepted.is_none())
    }

    /// What is, on one line: `changed, exact -> broader`.
    pub fn summary(&self) -> String {
        let mut out = self.status.name().to_owned();
        if let Some(from) = &self.renamed_from {
            out.push_str(&format!(" from {from}"));
        }
        match (self.before, self.after) {
            (Some(before), Some(after)) if before != after => out.push_str(&format!(", {before} -> {after}")),
            (Some(only), _) | (None, Some(only)) => out.push_str(&format!(", {only}")),
            (None, None) => {}
        }
        let denied = self.denied.iter().filter(|note| note.accepted.is_none()).count();
        if denied > 0 {
            out.push_str(&format!(", {denied} denied"));
        }
        out
    }

    /// The remark on the hunt's file, where the snapshot is not current.
    fn finding(&self) -> Option<Diagnostic> {
        let code = self.status.code()?;
        let message = format!("the snapshot `{}` for {} is not current: {}", self.path, self.target, self.summary());
        Some(Diagnostic::error(code, self.span, message).help("look at it with `huntgate snapshot review`"))
    }
}

/// All that a look at the snapshots found.
#[derive(Debug, Default)]
pub struct Review {
    /// The snapshots, in the order of the hunts; behind them those without a hunt.
    pub items: Vec<Item>,
    /// What is to be said of comments and entries that accept notes.
    pub warnings: Vec<(Arc<Page>, Diagnostic)>,
}

impl Review {
    /// Whether anything fails a check.
    pub fn fails(&self) -> bool {
        self.items.iter().any(Item::fails)
    }

    /// How many of which status: `12 snapshots: 2 changed, 1 new`.
    pub fn tally(&self) -> String {
        let snapshots = self.items.iter().filter(|item| item.status != Status::Unread).count();
        let mut parts: Vec<String> = Status::ALL
            .into_iter()
            .map(|status| (status, self.items.iter().filter(|item| item.status == status).count()))
            .filter(|(_, count)| *count > 0)
            .map(|(status, count)| format!("{count} {}", status.name()))
            .collect();
        let denied = self.items.iter().filter(|item| item.is_denied()).count();
        if denied > 0 {
            parts.push(format!("{denied} with a denied effect"));
        }
        let noun = if snapshots == 1 { "snapshot" } else { "snapshots" };
        let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        format!("{snapshots} {noun}{parts}")
    }

    /// JSON, one object a line.
    ///
    /// # Errors
    /// JSON can not be written, which does not happen.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let mut out = String::new();
        for item in &self.items {
            out.push_str(&safe_json(serde_json::to_string(&SnapshotLine::new(item))?));
            out.push('\n');
        }
        Ok(out)
    }

    /// A SARIF log: a result for each snapshot that is not current, for each note with a denied effect, and for what
    /// accepts nothing.
    ///
    /// # Errors
    /// JSON can not be written, which does not happen.
    pub fn sarif(&self) -> Result<String, serde_json::Error> {
        let mut results = Vec::new();
        for item in &self.items {
            // A hunt that can not be read has its own errors, which say where.
            if item.faults.is_empty()
                && let Some(finding) = item.finding()
            {
                results.push(Sarif::result(&item.page, &finding)?);
            }
            for note in item.faults.iter().chain(&item.denied) {
                results.push(Sarif::result(&item.page, note)?);
            }
        }
        for (page, warning) in &self.warnings {
            results.push(Sarif::result(page, warning)?);
        }
        Ok(format!("{}\n{}\n{}\n", Sarif::begin()?, results.join(",\n"), Sarif::END))
    }
}

/// The difference of two texts as a unified diff; empty where they are the same.
pub fn diff(old_name: &str, old: &str, new_name: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    if [old, new].iter().any(|text| text.lines().count() > MAX_LINES) {
        return format!("the texts are longer than {MAX_LINES} lines, and are not compared line by line\n");
    }
    let compared = TextDiff::from_lines(old, new);
    let mut out = format!("--- {}\n+++ {}\n", one_line(old_name), one_line(new_name));
    for group in compared.grouped_ops(CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (old, new) = (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        // An empty range is named by the line before it.
        let start = |range: &std::ops::Range<usize>| range.start + usize::from(!range.is_empty());
        out.push_str(&format!("@@ -{},{} +{},{} @@\n", start(&old), old.len(), start(&new), new.len()));
        for change in group.iter().flat_map(|op| compared.iter_changes(op)) {
            out.push(match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            });
            out.push_str(change.value().trim_end_matches('\n'));
            out.push('\n');
        }
    }
    out
}

fn one_line(name: &str) -> String {
    name.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn hostile() -> Review {
        let text = "T | where a == 1\n";
        let page = Arc::new(Page::new("a<b>|`c`.kql".into(), text.to_owned()));
        let nasty = "</summary><script>alert(1)</script> `` ``` | [x](javascript:y) @team \u{1b}[31m ]]> \u{ffff}&";
        let denied = Diagnostic::note(Code::Ignored, Effect::Narrower, Span::new(0, 1), nasty);
        let item = Item {
            hunt: page.path.to_string(),
            name: Some(nasty.to_owned()),
            target: "splunk".to_owned(),
            path: "a<b>|`c`.kql.spl".to_owned(),
            status: Status::Changed,
            renamed_from: None,
            before: Some(Effect::Exact),
            after: Some(Effect::Narrower),
            added: vec![nasty.to_owned()],
            removed: vec![nasty.to_owned()],
            message: Some(nasty.to_owned()),
            diff: diff("a", &format!("{nasty}\n````\n"), "b", &format!("{nasty}x\n````\n")),
            denied: vec![denied],
            page: page.clone(),
            span: Span::new(0, 4),
            faults: Vec::new(),
        };
        let current = Item { status: Status::Current, denied: Vec::new(), ..item.clone() };
        let warning = Diagnostic::warning(Code::UnusedAllowance, Span::new(0, 1), nasty);
        Review { items: vec![item, current], warnings: vec![(page, warning)] }
    }

    #[test]
    fn a_diff_shows_what_changed_with_its_lines_around() {
        let old: String = (1..=20).map(|line| format!("line {line}\n")).collect();
        let new = old.replace("line 10\n", "line ten\n");
        assert_eq!(
            diff("a", &old, "b\n+++ c", &new),
            "--- a\n+++ b +++ c\n@@ -7,7 +7,7 @@\n line 7\n line 8\n line 9\n-line 10\n+line ten\n line 11\n line 12\n line 13\n"
        );
        assert_eq!(diff("a", &old, "b", &old), "");
        assert_eq!(diff("a", "", "b", "x\n"), "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+x\n");
        assert!(diff("a", &"x\n".repeat(5000), "b", "").contains("4000 lines"));
    }

    #[test]
    fn the_renderings_are_what_they_claim_to_be() {
        let review = hostile();
        assert!(review.fails());
        assert_eq!(review.tally(), "2 snapshots: 1 current, 1 changed, 1 with a denied effect");
        let sarif: serde_json::Value = serde_json::from_str(&review.sarif().unwrap()).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        assert_eq!(
            results.iter().map(|one| one["ruleId"].as_str().unwrap()).collect::<Vec<_>>(),
            ["HG551", Code::Ignored.text(), "HG513"]
        );
        for line in review.json().unwrap().lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }
}
