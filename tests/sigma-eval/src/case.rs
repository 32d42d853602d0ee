//! The form of a case.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A hunt, events, and what the hunt says of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The hunt, in KQL.
    pub hunt: String,
    /// The schema of the translation; the names of `fields` are those of this schema.
    #[serde(default = "source")]
    pub schema: String,
    /// The site's own tables and columns, as `--fields` reads them.
    pub overlay: Option<String>,
    /// `exact` or `native`.
    #[serde(default)]
    pub style: Form,
    /// The verdict that the translation must have.
    pub verdict: String,
    /// The time over which the rule is to be run, where the case is about it: `"now-1d to open"`.
    pub range: Option<String>,
    /// The translation does not say this yet; the case is read and not run.
    #[serde(default)]
    pub pending: bool,
    /// Why the rule is known to differ from its verdict. A case that holds nevertheless fails.
    pub known: Option<String>,
    /// The events, in any order.
    #[serde(default, rename = "event")]
    pub events: Vec<Event>,
    /// The keys of the rows that the hunt gives out, where it counts or joins. A text that is missing is `""`.
    pub groups: Option<Groups>,
    /// Fields of the rule's groups that are named otherwise than the keys in the rows of the hunt.
    #[serde(default)]
    pub key_fields: BTreeMap<String, String>,
    /// What a broader rule gives and the hunt does not.
    #[serde(default)]
    pub extra: Differences,
    /// What the hunt gives and a narrower rule does not.
    #[serde(default)]
    pub missing: Differences,
    /// What the rule selects (numbers of events from 0), where the verdict claims nothing.
    pub selected: Option<Vec<usize>>,
    /// The groups that the rule gives, where the verdict claims nothing.
    pub sigma_groups: Option<Groups>,
}

/// An event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When, from now: `-10m`, `-1d2h`.
    #[serde(default = "just_now")]
    pub at: String,
    /// The table that it is an event of; needed where the hunt reads several.
    pub table: Option<String>,
    /// The log source that it is of, where the schema does not name log sources after tables.
    pub logsource: Option<BTreeMap<String, String>>,
    /// Its fields, under the names of the schema.
    #[serde(default)]
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// Whether the hunt selects it; none where the hunt gives groups out.
    pub matches: Option<bool>,
}

/// The keys of a group and their values.
pub type Group = BTreeMap<String, serde_json::Value>;

/// Groups, in any order.
pub type Groups = Vec<Group>;

/// Events or groups by which two answers differ.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Differences {
    /// Numbers of events, from 0.
    Events(Vec<usize>),
    /// Groups.
    Groups(Groups),
}

impl Default for Differences {
    fn default() -> Self {
        Self::Events(Vec::new())
    }
}

/// How the rule is written.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// As faithful as can be.
    #[default]
    Exact,
    /// As a person would write it.
    Native,
}

fn source() -> String {
    "source".to_owned()
}

fn just_now() -> String {
    "-10m".to_owned()
}
