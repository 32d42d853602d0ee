//! MITRE ATT&CK for Enterprise by id and by name: `targets/attack.toml`, which names the version.
//!
//! Terms of use: <https://attack.mitre.org/resources/legal-and-branding/terms-of-use/>.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde::Deserialize;

use crate::data::{self, DataError};

/// Tactics and techniques of one version of ATT&CK.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// The version: `18.1`.
    pub version: String,
    tactics: IndexMap<String, Tactic>,
    techniques: HashMap<String, Technique>,
    retired: HashMap<String, Retired>,
}

/// A tactic.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Tactic {
    /// Its name: `Initial Access`.
    pub name: String,
    /// Its name as data has it: `initial-access`.
    pub short: String,
}

/// A technique or sub-technique.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Technique {
    /// Its name; that of a sub-technique without the one above it.
    pub name: String,
    /// The short names of its tactics.
    pub tactics: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retired {
    name: String,
    by: Option<String>,
}

/// What ATT&CK says of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// It is a technique.
    Known(&'a Technique),
    /// It was withdrawn; the text is its name, and the id that stands in its place, if one does.
    Retired(&'a str, Option<&'a str>),
    /// There is none such.
    Unknown,
}

impl Attack {
    /// The data in the binary.
    ///
    /// # Errors
    /// The data is malformed, which its test excludes.
    pub fn embedded() -> Result<Self, DataError> {
        data::parse("targets/attack.toml", include_str!("../../targets/attack.toml"))
    }

    /// A tactic by its name, its short name or its id, however the words are joined: `InitialAccess`, `TA0001`. Gives the id
    /// too.
    pub fn tactic(&self, text: &str) -> Option<(&str, &Tactic)> {
        let plain = |text: &str| -> String {
            text.chars().filter(char::is_ascii_alphanumeric).take(40).collect::<String>().to_ascii_lowercase()
        };
        let wanted = plain(text);
        let is_it = |(id, tactic): &(&String, &Tactic)| plain(&tactic.name) == wanted || plain(id) == wanted;
        self.tactics.iter().find(is_it).map(|(id, tactic)| (id.as_str(), tactic))
    }

    /// A technique or sub-technique with the id that the data has, by its id in capitals.
    pub fn entry(&self, id: &str) -> Option<(&str, &Technique)> {
        self.techniques.get_key_value(id).map(|(id, technique)| (id.as_str(), technique))
    }

    /// A technique or sub-technique by its id, in capitals.
    pub fn technique(&self, id: &str) -> Found<'_> {
        match (self.techniques.get(id), self.retired.get(id)) {
            (Some(technique), _) => Found::Known(technique),
            (None, Some(retired)) => Found::Retired(&retired.name, retired.by.as_deref()),
            (None, None) => Found::Unknown,
        }
    }
}

/// The page of a tactic: `https://attack.mitre.org/tactics/TA0001/`.
pub(super) fn tactic_page(id: &str) -> String {
    format!("https://attack.mitre.org/tactics/{id}/")
}

/// The page of a technique or sub-technique: `https://attack.mitre.org/techniques/T1059/001/`.
pub(super) fn technique_page(id: &str) -> String {
    format!("https://attack.mitre.org/techniques/{}/", id.replace('.', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_whole() {
        let attack = Attack::embedded().unwrap();
        assert_eq!((attack.version.as_str(), attack.tactics.len()), ("18.1", 14));
        let short: Vec<&str> = attack.tactics.values().map(|tactic| tactic.short.as_str()).collect();
        for (id, technique) in &attack.techniques {
            assert!(!technique.name.is_empty() && !technique.tactics.is_empty(), "{id}");
            assert!(technique.tactics.iter().all(|tactic| short.contains(&tactic.as_str())), "{id}");
            let main = id.split('.').next().unwrap();
            assert!(attack.techniques.contains_key(main), "{id}");
        }
        for (id, retired) in &attack.retired {
            assert!(!retired.name.is_empty() && !attack.techniques.contains_key(id), "{id}");
            assert!(retired.by.as_ref().is_none_or(|by| attack.techniques.contains_key(by)), "{id}");
        }
    }

    #[test]
    fn tactics_are_found_however_they_are_written() {
        let attack = Attack::embedded().unwrap();
        for text in ["CommandAndControl", "command-and-control", "Command and Control", "TA0011", "ta0011"] {
            assert_eq!(attack.tactic(text).map(|it| it.0), Some("TA0011"), "{text}");
        }
        assert!(attack.tactic("PreAttack").is_none());
        assert_eq!(attack.technique("T1086"), Found::Retired("PowerShell", Some("T1059.001")));
        assert!(matches!(attack.technique("T1059.001"), Found::Known(it) if it.name == "PowerShell"));
        assert_eq!(attack.technique("T9999"), Found::Unknown);
        assert_eq!(technique_page("T1059.001"), "https://attack.mitre.org/techniques/T1059/001/");
    }
}
