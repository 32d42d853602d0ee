//! What ingest makes of a column's values, and so how a literal that is compared with the column must change.

use serde::Deserialize;

use super::ColumnMap;

/// A change of case at ingest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaseChange {
    /// To lower case.
    Lower,
    /// To upper case.
    Upper,
}

/// What becomes of the values that are not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Otherwise {
    /// They are lower-cased.
    Lower,
    /// They are kept.
    Same,
    /// They are not there.
    Dropped,
    /// No source says.
    Unsure,
}

/// What becomes of a value at ingest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is kept.
    Same,
    /// It becomes this.
    Becomes(String),
    /// It is not there.
    Dropped,
    /// No source says.
    Unsure,
}

impl ColumnMap {
    /// What becomes of a text at ingest. Whether the type changes is [`ColumnMap::stored_as`]; doubt that has no
    /// structure is [`ColumnMap::caveat`].
    pub fn stored(&self, value: &str) -> Stored {
        if let Some(known) = self.values.get(value) {
            return if known == value { Stored::Same } else { Stored::Becomes(known.clone()) };
        }
        let mut text = match self.otherwise {
            Some(Otherwise::Dropped) => return Stored::Dropped,
            Some(Otherwise::Unsure) => return Stored::Unsure,
            Some(Otherwise::Lower) => value.to_lowercase(),
            Some(Otherwise::Same) | None => value.to_owned(),
        };
        match self.case {
            Some(CaseChange::Lower) => text = text.to_lowercase(),
            Some(CaseChange::Upper) => text = text.to_uppercase(),
            None => {}
        }
        if let Some(blank) = &self.blanks {
            text = text.replace(' ', blank);
        }
        if text == value { Stored::Same } else { Stored::Becomes(text) }
    }

    /// Whether a text is in the one case that all values of the column have, where the field has them in any; `None` where
    /// the field has them as the column does.
    pub fn in_own_case(&self, text: &str) -> Option<bool> {
        Some(match self.caseless? {
            CaseChange::Lower => text.to_lowercase() == text,
            CaseChange::Upper => text.to_uppercase() == text,
        })
    }

    /// Whether ingest changes values of the column, so that a comparison without regard to it would be wrong.
    pub fn changes_values(&self) -> bool {
        self.case.is_some()
            || self.hex
            || self.fallback.is_some()
            || !self.strips.is_empty()
            || !self.fronts.is_empty()
            || !self.networks.is_empty()
            || self.blanks.is_some()
            || self.otherwise.is_some_and(|otherwise| otherwise != Otherwise::Same)
            || self.values.iter().any(|(from, to)| from != to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Target, Targets};

    fn stored(table: &str, column: &str, value: &str) -> Stored {
        let schema = Targets::embedded().schema(Target::Eql, None).unwrap();
        schema.table(table).unwrap().unwrap().columns[column].stored(value)
    }

    #[test]
    fn a_literal_follows_its_column() {
        let becomes = |text: &str| Stored::Becomes(text.to_owned());
        assert_eq!(stored("DeviceProcessEvents", "ActionType", "ProcessCreated"), becomes("start"));
        assert_eq!(stored("DeviceProcessEvents", "ActionType", "OpenProcess"), becomes("openprocess"));
        assert_eq!(stored("DeviceFileEvents", "ActionType", "FileCreated"), becomes("creation"));
        assert_eq!(stored("DeviceFileEvents", "ActionType", "FileSeen"), Stored::Dropped);
        assert_eq!(stored("DeviceProcessEvents", "InitiatingProcessSignatureStatus", "Unsigned"), Stored::Same);
        assert_eq!(stored("DeviceLogonEvents", "ActionType", "Logon Failed"), becomes("logon-failed"));
        assert_eq!(stored("AuditLogs", "Result", "success"), Stored::Same);
        assert_eq!(stored("AuditLogs", "Result", "timeout"), Stored::Unsure);
        assert_eq!(stored("DeviceProcessEvents", "FileName", "Cmd.exe"), Stored::Same);
    }
}
