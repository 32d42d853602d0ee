//! What a whole migration came to: data, as the manifest holds it and the reports show it.
//!
//! Nothing is read or written here, and nothing is decided about a hunt. [`summary`] counts and orders, `markdown` and
//! `html` write. Everything has a stable order: that of the hunts, then of the targets.

mod html;
mod markdown;
mod summary;

use schemars::JsonSchema;
use serde::Serialize;

use super::json::{code_schema, effect_of, effect_schema, need_schema};
use super::{Page, is_unsafe};
use crate::about::{About, AlertSeverity, Connector, RuleKind};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::fit::{Need, NeedKind};

pub use html::html;
pub use markdown::markdown;
pub use summary::Summary;

/// The form of the manifest. A reader of another form must not guess.
pub const MANIFEST_FORM: u32 = 1;

/// A migration: the manifest, but for its list of hunts, which is written one a line.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Migration", deny_unknown_fields)]
pub struct Migration {
    /// The form of the manifest.
    pub form: u32,
    /// The version of huntgate.
    pub huntgate: &'static str,
    /// What was written: `rule` or `query`.
    #[serde(rename = "as")]
    pub made: &'static str,
    /// The hunts, in the order of the files.
    pub hunts: Vec<HuntRow>,
    /// Files that hold no hunt, and of which something is to be said.
    pub files: Vec<FileRow>,
    /// The reports that were written beside the manifest.
    pub reports: Vec<Written>,
    /// Outputs of an earlier run that no hunt makes any more, and that were not removed.
    pub left: Vec<Left>,
}

/// An output of an earlier run that no hunt makes any more.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Left {
    /// Its path below the output folder.
    pub path: String,
    /// SHA-256 of what huntgate last wrote there.
    pub sha256: String,
    /// It was changed by hand. If not, it stays because not every file of the input could be read.
    pub edited: bool,
}

impl Left {
    /// Why it was not removed.
    pub const fn why(&self) -> &'static str {
        if self.edited { "it was changed by hand" } else { "not every file could be read" }
    }
}

/// A file below the output folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Written {
    /// Its path below the output folder, with `/` between folders.
    pub path: String,
    /// SHA-256 of what huntgate last wrote there.
    pub sha256: String,
}

/// A hunt and what became of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Hunt", deny_unknown_fields)]
pub struct HuntRow {
    /// The hunt's file below the folder that was read.
    pub path: String,
    /// Which of the file's hunts, from 0.
    pub index: usize,
    /// Its name.
    pub name: Option<String>,
    /// Its identifier.
    pub id: Option<String>,
    /// What kind of rule it is.
    pub kind: Option<&'static str>,
    /// How bad it is if it finds something.
    pub severity: Option<&'static str>,
    /// How `severity` is ordered.
    #[serde(skip)]
    pub grave: Option<AlertSeverity>,
    /// Whether it was read. One that was not has the same notes in every target.
    pub read: bool,
    /// Where the source says that its data comes from.
    pub connectors: Vec<ConnectorRow>,
    /// What its file says of it and is not read.
    pub unread: Vec<UnreadRow>,
    /// What is to be said of its file.
    pub remarks: Vec<NoteRow>,
    /// What became of it, by target.
    pub targets: Vec<TargetRow>,
}

/// Where the source says that a rule's data comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[schemars(rename = "Connector", deny_unknown_fields)]
pub struct ConnectorRow {
    /// The connector.
    pub id: String,
    /// Its tables.
    pub data_types: Vec<String>,
}

/// A part of a rule that is not read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Unread", deny_unknown_fields)]
pub struct UnreadRow {
    /// Its key.
    pub key: String,
    /// Why it is not read.
    pub why: String,
    /// Its line in the hunt's file.
    pub line: usize,
}

/// A hunt in one target.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HuntInTarget", deny_unknown_fields)]
pub struct TargetRow {
    /// The target language.
    pub target: &'static str,
    /// How the target's data is named.
    pub schema: String,
    /// How faithful the query is.
    #[schemars(schema_with = "effect_schema")]
    pub verdict: Effect,
    /// What the query reads by its name and the site must have.
    pub needs: Vec<NeedRow>,
    /// Every difference of the query.
    pub notes: Vec<NoteRow>,
    /// The files that were asked for.
    pub outputs: Vec<OutputRow>,
}

/// What a query reads by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[schemars(rename = "MigrationNeed", deny_unknown_fields)]
pub struct NeedRow {
    /// What it is.
    #[schemars(schema_with = "need_schema")]
    pub kind: NeedKind,
    /// Its name in the target.
    pub name: String,
    /// What it stands for in the hunt.
    pub of: String,
}

/// A file that was asked for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Output", deny_unknown_fields)]
pub struct OutputRow {
    /// The form of rule file; null is a query.
    pub package: Option<&'static str>,
    /// How faithful it is.
    #[schemars(schema_with = "effect_schema")]
    pub verdict: Effect,
    /// Its path below the output folder; null where there is none.
    pub path: Option<String>,
    /// SHA-256 of what huntgate last wrote there.
    pub sha256: Option<String>,
    /// The file was changed by hand and is not what huntgate would write now.
    pub kept: bool,
    /// What became of the rule's fields, or why there is no file.
    pub notes: Vec<NoteRow>,
}

/// A difference, or a remark.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "MigrationNote", deny_unknown_fields)]
pub struct NoteRow {
    /// The code; `huntgate explain` says more.
    #[schemars(schema_with = "code_schema")]
    pub code: Code,
    /// What it does to the selected events.
    #[schemars(schema_with = "effect_schema")]
    pub effect: Effect,
    /// What is.
    pub message: String,
    /// Why it was accepted; null where nobody has accepted it.
    pub accepted: Option<String>,
    /// Its line in the hunt's file, from 1.
    pub line: usize,
    /// Its column, from 1.
    pub column: usize,
}

/// A file without a hunt.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "File", deny_unknown_fields)]
pub struct FileRow {
    /// The file below the folder that was read.
    pub path: String,
    /// What is to be said of it.
    pub remarks: Vec<NoteRow>,
}

impl NoteRow {
    /// The note, whose place is one of the page.
    pub fn new(page: &Page, note: &Diagnostic) -> Self {
        let (line, column) = page.line_column(note.span.start);
        let accepted = note.accepted.as_ref().map(|it| it.reason.to_string());
        Self { code: note.code, effect: effect_of(note), message: note.message.clone(), accepted, line, column }
    }
}

impl From<&Need> for NeedRow {
    fn from(need: &Need) -> Self {
        Self { kind: need.kind, name: need.name.clone(), of: need.of.clone() }
    }
}

impl From<&Connector> for ConnectorRow {
    fn from(connector: &Connector) -> Self {
        Self { id: connector.id.clone(), data_types: connector.data_types.clone() }
    }
}

impl HuntRow {
    /// Takes what the file says of the hunt, as far as the manifest holds it.
    pub fn describe(&mut self, page: &Page, about: &About) {
        self.kind = about.kind.map(kind_name);
        self.severity = about.severity.map(severity_name);
        self.grave = about.severity;
        self.connectors = about.connectors.iter().map(ConnectorRow::from).collect();
        self.unread = about
            .unread
            .iter()
            .map(|unread| UnreadRow {
                key: unread.key.clone(),
                why: unread.to_string(),
                line: page.line_column(unread.span.start).0,
            })
            .collect();
    }

    /// What it is called in a report: its name, else its file.
    pub fn title(&self) -> &str {
        self.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&self.path)
    }

    /// Its file, with its number where the file holds several.
    pub fn place(&self) -> String {
        if self.index == 0 { self.path.clone() } else { format!("{}#{}", self.path, self.index) }
    }
}

impl TargetRow {
    /// The verdicts of what was asked for: those of its files.
    pub fn verdicts(&self) -> impl Iterator<Item = (Option<&'static str>, Effect)> + '_ {
        self.outputs.iter().map(|output| (output.package, output.verdict))
    }

    /// The notes of the query and of its files.
    pub fn all_notes(&self) -> impl Iterator<Item = &NoteRow> {
        self.notes.iter().chain(self.outputs.iter().flat_map(|output| output.notes.iter()))
    }
}

const fn kind_name(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Scheduled => "scheduled",
        RuleKind::Nrt => "nrt",
        RuleKind::Hunting => "hunting",
        RuleKind::CustomDetection => "custom-detection",
    }
}

const fn severity_name(severity: AlertSeverity) -> &'static str {
    match severity {
        AlertSeverity::Informational => "informational",
        AlertSeverity::Low => "low",
        AlertSeverity::Medium => "medium",
        AlertSeverity::High => "high",
        AlertSeverity::Critical => "critical",
    }
}

/// A relative link to a path below the output folder: every byte that could mean something to a reader is encoded.
fn link(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 8);
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for half in [byte >> 4, byte & 15] {
                out.push(char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
    out
}

/// The text on one line, with what could mislead written out.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => out.push(' '),
            character if is_unsafe(character) => out.extend(character.escape_unicode()),
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_hold_nothing_that_a_reader_takes_for_more_than_a_path() {
        assert_eq!(link("a b/<x>\"):ü.conf"), "a%20b/%3Cx%3E%22%29%3A%C3%BC.conf");
        assert_eq!(link("javascript:x"), "javascript%3Ax");
    }
}
