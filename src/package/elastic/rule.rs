//! The body of a rule: what both forms of its file hold.

use serde::Serialize;

use super::super::{Subject, id, text, words};
use super::account::{Parts, SeverityMapping, Suppression, Threat};
use super::times::Times;
use crate::fit::NeedKind;
use crate::target::Target;

/// The most alerts of a run that a site allows unless it is set up otherwise:
/// <https://www.elastic.co/docs/reference/kibana/configuration-reference/alerting-settings>.
const MAX_SIGNALS: u32 = 1_000;

/// The most characters of a name.
const NAME: usize = 200;

/// A rule. What is `None` is not in the file.
#[derive(Debug, Serialize)]
pub(super) struct Rule {
    pub(super) rule_id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) author: Vec<String>,
    pub(super) r#type: &'static str,
    pub(super) language: &'static str,
    pub(super) query: String,
    pub(super) index: Option<Vec<String>>,
    pub(super) severity: &'static str,
    pub(super) risk_score: u8,
    pub(super) enabled: bool,
    pub(super) interval: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) max_signals: u32,
    pub(super) tags: Vec<String>,
    pub(super) references: Vec<String>,
    pub(super) false_positives: Vec<String>,
    pub(super) note: String,
    pub(super) setup: Option<String>,
    pub(super) threat: Vec<Threat>,
    pub(super) investigation_fields: Option<FieldNames>,
    pub(super) alert_suppression: Option<Suppression>,
    pub(super) building_block_type: Option<&'static str>,
    pub(super) rule_name_override: Option<String>,
    pub(super) severity_mapping: Option<Vec<SeverityMapping>>,
    pub(super) version: u32,
}

/// `investigation_fields`
#[derive(Debug, Serialize)]
pub(super) struct FieldNames {
    field_names: Vec<String>,
}

/// The body of a rule; `verdict` are the lines on how faithful it is.
pub(super) fn rule(subject: &Subject<'_>, parts: Parts, times: Times, verdict: &[String]) -> Rule {
    let about = subject.about;
    let is_eql = subject.target == Target::Eql;
    let indices = names(subject, &[NeedKind::Index]);
    let authors = about.author.as_deref().unwrap_or_default().split(", ").map(|it| text::one_line(it, 200));
    let mut tags: Vec<String> = vec!["Converted from KQL".to_owned()];
    tags.extend(parts.tactics().map(|tactic| format!("Tactic: {tactic}")));
    tags.extend(about.tags.iter().map(|tag| text::one_line(tag, 100)));
    let pages = about.references.iter().chain(about.origin.iter().filter(|it| it.contains("://")));
    Rule {
        rule_id: id::rule_id(subject).to_string(),
        name: name(subject),
        description: words::description(about),
        author: authors.filter(|it| !it.is_empty()).collect(),
        r#type: subject.target.name(),
        language: subject.target.name(),
        query: subject.translation.query.clone().unwrap_or_default(),
        index: is_eql.then_some(indices),
        severity: parts.severity,
        risk_score: parts.risk_score,
        enabled: about.enabled.unwrap_or(false) && !times.is_hunt,
        interval: times.interval,
        from: times.from,
        to: times.to,
        max_signals: MAX_SIGNALS,
        tags: once(tags.into_iter()),
        references: once(pages.map(|page| text::one_line(page, 1_000))),
        false_positives: once(about.false_positives.iter().map(|it| text::one_line(it, 1_000))),
        note: note(subject, verdict),
        setup: setup(subject),
        threat: parts.threat,
        investigation_fields: Some(FieldNames { field_names: parts.fields }).filter(|it| !it.field_names.is_empty()),
        alert_suppression: parts.suppression,
        building_block_type: parts.building_block.then_some("default"),
        rule_name_override: parts.name_override,
        severity_mapping: Some(parts.severity_mapping).filter(|it| !it.is_empty()),
        version: words::version(about).0.max(1),
    }
}

/// The name, which begins with a letter or a digit and ends so, or with a bracket:
/// <https://github.com/elastic/detection-rules/blob/main/detection_rules/schemas/definitions.py>.
pub(super) fn name(subject: &Subject<'_>) -> String {
    let name = words::name(subject, NAME);
    let name = name.trim_start_matches(|char: char| !char.is_ascii_alphanumeric());
    let is_end = |char: char| char.is_ascii_alphanumeric() || matches!(char, '[' | ']' | '(' | ')');
    let name = name.trim_end_matches(|char: char| !is_end(char));
    if name.chars().count() >= 3 {
        return name.to_owned();
    }
    format!("Hunt {}", id::rule_id(subject).to_string().get(..8).unwrap_or_default())
}

/// What an analyst reads beside an alert, in Markdown.
fn note(subject: &Subject<'_>, verdict: &[String]) -> String {
    let about = subject.about;
    let mut out = String::from("## How faithful this rule is\n\n");
    for line in verdict {
        out.push_str(&format!("- {}\n", plain(line)));
    }
    let told = words::told(about);
    let actions = about.actions.iter().map(|it| format!("Response: {}", text::one_line(it, 300)));
    let told: Vec<String> = told.into_iter().chain(actions).collect();
    if !told.is_empty() {
        out.push_str("\n## What the source says\n\n");
        for line in told {
            out.push_str(&format!("- {}\n", plain(&line)));
        }
    }
    out.trim_end().to_owned()
}

/// Text in which Markdown has no marks to read: pages and fields are named, never linked or embedded.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '!' | '[' | ']' => {
                out.push('\\');
                out.push(char);
            }
            char => out.push(char),
        }
    }
    out
}

/// What the site must have before the rule can run.
fn setup(subject: &Subject<'_>) -> Option<String> {
    let lines: Vec<String> = NeedKind::ALL
        .iter()
        .filter_map(|kind| {
            let names = names(subject, &[*kind]);
            let listed = names.iter().map(|name| text::quoted(name, 200)).collect::<Vec<_>>().join(", ");
            (!names.is_empty()).then(|| format!("- {}: {listed}", kind.title()))
        })
        .collect();
    (!lines.is_empty()).then(|| format!("The rule reads:\n\n{}", lines.join("\n")))
}

/// The packages of integrations whose data streams the rule reads: `logs-m365_defender.event-*` is of `m365_defender`.
pub(super) fn integrations(subject: &Subject<'_>) -> Vec<String> {
    let package = |index: &String| {
        let (package, _) = index.strip_prefix("logs-")?.split_once('.')?;
        package.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then(|| package.to_owned())
    };
    once(names(subject, &[NeedKind::Index]).iter().filter_map(package))
}

fn names(subject: &Subject<'_>, kinds: &[NeedKind]) -> Vec<String> {
    let needs = subject.translation.needs.iter().filter(|need| kinds.contains(&need.kind));
    once(needs.map(|need| need.name.clone()))
}

/// Each text once, in order, without empty ones.
fn once(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for text in texts.filter(|text| !text.is_empty()) {
        if !list.contains(&text) {
            list.push(text);
        }
    }
    list
}
