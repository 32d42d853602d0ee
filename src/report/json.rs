//! JSON, one object a line, and its JSON Schema.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::migration::Migration;
use super::review::{Item, Status};
use super::{Page, Place};
use crate::diagnostic::{Code, Diagnostic, Effect, Severity};
use crate::emit::Translation;
use crate::fit::NeedKind;
use crate::intake::Source;
use crate::package::{Package, RuleFile};
use crate::target::Target;

/// Where a hunt comes from.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Source", deny_unknown_fields)]
struct SourceRow<'a> {
    /// The file as it was named or found; `-` is standard input.
    path: &'a str,
    /// Which of the file's hunts, from 0.
    index: usize,
    /// The hunt's name.
    name: Option<&'a str>,
    /// The rule's identifier.
    id: Option<&'a str>,
}

impl<'a> SourceRow<'a> {
    fn new(source: &'a Source) -> Self {
        Self { path: &source.path, index: source.index, name: source.name.as_deref(), id: source.id.as_deref() }
    }
}

/// The time over which the query is to be run.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TimeRange", deny_unknown_fields)]
struct RangeRow<'a> {
    /// First moment: `now-5d`, or an ISO 8601 time; null is open.
    from: Option<&'a str>,
    /// Last moment; null is open.
    to: Option<&'a str>,
}

/// A difference between the hunt and its translation, or a reason why there is none.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Note", deny_unknown_fields)]
struct NoteRow<'a> {
    /// The code; `huntgate explain` says more.
    #[schemars(schema_with = "code_schema")]
    code: Code,
    /// What it does to the selected events.
    #[schemars(schema_with = "effect_schema")]
    effect: Effect,
    /// What is.
    message: &'a str,
    /// What would work.
    help: Option<&'a str>,
    /// The place.
    span: Place,
    /// Why it was accepted; null where nobody has accepted it.
    accepted: Option<&'a str>,
}

impl<'a> NoteRow<'a> {
    fn new(page: &Page, note: &'a Diagnostic) -> Self {
        Self {
            code: note.code,
            effect: effect_of(note),
            message: &note.message,
            help: note.help.as_deref(),
            span: page.place(note.span),
            accepted: note.accepted.as_ref().map(|it| &*it.reason),
        }
    }
}

/// What a query reads by its name and the site must have.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Need", deny_unknown_fields)]
struct NeedRow<'a> {
    /// What it is.
    #[schemars(schema_with = "need_schema")]
    kind: NeedKind,
    /// Its name in the target.
    name: &'a str,
    /// The table or watchlist of the hunt that it stands for; empty where it is for none alone.
    of: &'a str,
}

/// A rule file, or why there is none.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Rule", deny_unknown_fields)]
struct RuleRow<'a> {
    /// The form of rule file.
    #[schemars(schema_with = "package_schema")]
    package: &'static str,
    /// How faithful the rule is: the query and what became of the rule's fields together.
    #[schemars(schema_with = "effect_schema")]
    verdict: Effect,
    /// The text of the file; null if and only if the verdict is `refused`.
    file: Option<&'a str>,
    /// What became of the rule's fields; those of the query are the line's.
    notes: Vec<NoteRow<'a>>,
}

impl<'a> RuleRow<'a> {
    fn new(page: &Page, package: Package, rule: &'a Result<RuleFile, Box<Diagnostic>>) -> Self {
        let package = package.name();
        match rule {
            Ok(rule) => Self {
                package,
                verdict: rule.verdict,
                file: Some(&rule.text),
                notes: rule.notes.iter().map(|note| NoteRow::new(page, note)).collect(),
            },
            Err(refusal) => {
                Self { package, verdict: Effect::Refused, file: None, notes: vec![NoteRow::new(page, refusal)] }
            }
        }
    }
}

/// A remark on a hunt.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Diagnostic", deny_unknown_fields)]
struct DiagnosticRow<'a> {
    /// The code; `huntgate explain` says more.
    #[schemars(schema_with = "code_schema")]
    code: Code,
    /// How grave it is.
    #[schemars(schema_with = "severity_schema")]
    severity: Severity,
    /// What is.
    message: &'a str,
    /// The place.
    span: Place,
    /// What would work.
    help: Option<&'a str>,
}

/// A line of `huntgate convert --format json`: one hunt in one target.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Conversion", deny_unknown_fields)]
pub struct ConvertLine<'a> {
    source: SourceRow<'a>,
    /// The target language.
    #[schemars(schema_with = "target_schema")]
    target: &'static str,
    /// How the target's data is named.
    schema: &'a str,
    /// How faithful the query is.
    #[schemars(schema_with = "effect_schema")]
    verdict: Effect,
    /// The query; null if and only if the verdict is `refused`.
    query: Option<&'a str>,
    /// The time over which the query is to be run, where the hunt's window is not in the query.
    time_range: Option<RangeRow<'a>>,
    /// What the query reads by its name and the site must have.
    needs: Vec<NeedRow<'a>>,
    /// Every difference, in the order of the hunt.
    notes: Vec<NoteRow<'a>>,
    /// The rule files; null where queries are asked for.
    rules: Option<Vec<RuleRow<'a>>>,
}

impl<'a> ConvertLine<'a> {
    /// The line of a translation whose notes have their places in `page`.
    pub fn new(page: &Page, source: &'a Source, target: Target, schema: &'a str, translation: &'a Translation) -> Self {
        let range = translation.time_range.as_ref();
        Self {
            source: SourceRow::new(source),
            target: target.name(),
            schema,
            verdict: translation.verdict,
            query: translation.query.as_deref(),
            time_range: range.map(|range| RangeRow { from: range.from.as_deref(), to: range.to.as_deref() }),
            needs: translation
                .needs
                .iter()
                .map(|need| NeedRow { kind: need.kind, name: &need.name, of: &need.of })
                .collect(),
            notes: translation.notes.iter().map(|note| NoteRow::new(page, note)).collect(),
            rules: None,
        }
    }

    /// The same with rule files.
    pub fn with_rules(mut self, page: &Page, rules: &'a [(Package, Result<RuleFile, Box<Diagnostic>>)]) -> Self {
        self.rules = Some(rules.iter().map(|(package, rule)| RuleRow::new(page, *package, rule)).collect());
        self
    }
}

/// The effect of a note. What has none is an error, and then there is no query, or a remark that changes nothing.
pub fn effect_of(note: &Diagnostic) -> Effect {
    note.effect.unwrap_or(match note.severity {
        Severity::Error => Effect::Refused,
        Severity::Warning | Severity::Note => Effect::Exact,
    })
}

/// A line of `huntgate check --format json`: one hunt.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Check", deny_unknown_fields)]
pub struct CheckLine<'a> {
    source: SourceRow<'a>,
    /// Whether the hunt was read: no diagnostic is an error.
    ok: bool,
    /// What is to be said about it.
    diagnostics: Vec<DiagnosticRow<'a>>,
}

impl<'a> CheckLine<'a> {
    /// The line of a hunt whose diagnostics have their places in `page`.
    pub fn new(page: &Page, source: &'a Source, diagnostics: &'a [Diagnostic]) -> Self {
        Self {
            source: SourceRow::new(source),
            ok: !diagnostics.iter().any(Diagnostic::hinders_reading),
            diagnostics: diagnostics
                .iter()
                .map(|one| DiagnosticRow {
                    code: one.code,
                    severity: one.severity,
                    message: &one.message,
                    span: page.place(one.span),
                    help: one.help.as_deref(),
                })
                .collect(),
        }
    }
}

/// A line of `huntgate snapshot check --format json`: one snapshot.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Snapshot", deny_unknown_fields)]
pub(super) struct SnapshotLine<'a> {
    /// The hunt's file, with `#` and the hunt's number where it holds several.
    hunt: &'a str,
    /// The hunt's name.
    name: Option<&'a str>,
    /// The target language, with the form of rule file in brackets where it is one; empty where the hunt can not be read.
    target: &'a str,
    /// The snapshot's file; empty where the hunt can not be read.
    snapshot: &'a str,
    /// What is to be said of the snapshot.
    #[schemars(schema_with = "status_schema")]
    status: Status,
    /// The snapshot's file until now, where the hunt has another name.
    renamed_from: Option<&'a str>,
    /// The verdict of the snapshot as it was accepted.
    #[schemars(schema_with = "verdict_schema")]
    before: Option<Effect>,
    /// The verdict now.
    #[schemars(schema_with = "verdict_schema")]
    after: Option<Effect>,
    /// Notes that are new, without places.
    added: &'a [String],
    /// Notes that are gone, without places.
    removed: &'a [String],
    /// What else is to be said.
    message: Option<&'a str>,
    /// The difference of the texts, as a unified diff; empty where there is none.
    diff: &'a str,
    /// Notes with denied effects, those included that were accepted.
    denied: Vec<NoteRow<'a>>,
}

impl<'a> SnapshotLine<'a> {
    /// The line of a snapshot.
    pub(super) fn new(item: &'a Item) -> Self {
        Self {
            hunt: &item.hunt,
            name: item.name.as_deref(),
            target: &item.target,
            snapshot: &item.path,
            status: item.status,
            renamed_from: item.renamed_from.as_deref(),
            before: item.before,
            after: item.after,
            added: &item.added,
            removed: &item.removed,
            message: item.message.as_deref(),
            diff: &item.diff,
            denied: item.denied.iter().map(|note| NoteRow::new(&item.page, note)).collect(),
        }
    }
}

/// The JSON Schema of a line of each command; each is also a definition of its own, and so is the manifest of a migration.
pub fn schema_document() -> serde_json::Value {
    let mut generator = SchemaGenerator::default();
    let lines = [
        generator.subschema_for::<ConvertLine<'_>>(),
        generator.subschema_for::<CheckLine<'_>>(),
        generator.subschema_for::<SnapshotLine<'_>>(),
    ];
    // A document of its own, no line: it is among the definitions only.
    generator.subschema_for::<Migration>();
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "huntgate",
        "description": "A line of `huntgate convert`, `huntgate check` or `huntgate snapshot check` with `--format json`",
        "anyOf": lines,
        "$defs": generator.take_definitions(true),
    })
}

pub(super) fn code_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^HG[0-9]{3}$" })
}

pub(super) fn effect_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": Effect::ALL.map(Effect::name) })
}

fn verdict_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": Effect::ALL.map(|effect| Some(effect.name())).into_iter().chain([None]).collect::<Vec<_>>() })
}

fn status_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": Status::ALL })
}

fn severity_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": [Severity::Note, Severity::Warning, Severity::Error] })
}

fn target_schema(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<Cow<'static, str>> = Target::ALL.iter().map(|target| target.name().into()).collect();
    json_schema!({ "type": "string", "enum": names })
}

fn package_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": Package::ALL.map(Package::name) })
}

pub(super) fn need_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": NeedKind::ALL })
}
