//! What a target can say of KQL's operators and sources: `[capabilities]` in `target.toml`.
//!
//! What becomes of one particular stage is decided in `fit`; this is the general answer, and each target must give all of them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::plan::{Source, StageKind};

/// Declares the capabilities with their names in `target.toml`, which are also their list.
macro_rules! capabilities {
    ($($variant:ident $name:literal $doc:literal)*) => {
        /// An operator or a source of KQL.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
        pub enum Capability {
            $(#[doc = $doc] #[serde(rename = $name)] $variant,)*
        }

        impl Capability {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in `target.toml`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

capabilities! {
    Where "where" "`where`"
    Extend "extend" "`extend`"
    Project "project" "`project`"
    ProjectAway "project_away" "`project-away`"
    ProjectKeep "project_keep" "`project-keep`"
    ProjectRename "project_rename" "`project-rename`"
    ProjectReorder "project_reorder" "`project-reorder`"
    Summarize "summarize" "`summarize`"
    Distinct "distinct" "`distinct`"
    Count "count" "`count`"
    Sort "sort" "`sort`"
    Top "top" "`top`"
    Take "take" "`take`"
    Sample "sample" "`sample`"
    SampleDistinct "sample_distinct" "`sample-distinct`"
    Join "join" "`join`"
    Lookup "lookup" "`lookup`"
    MvExpand "mv_expand" "`mv-expand`"
    MvApply "mv_apply" "`mv-apply`"
    Parse "parse" "`parse`, `parse-where`"
    ParseKv "parse_kv" "`parse-kv`"
    MakeSeries "make_series" "`make-series`"
    Serialize "serialize" "`serialize` and window functions"
    Evaluate "evaluate" "`evaluate`"
    Invoke "invoke" "`invoke` of a function of the service"
    Render "render" "`render`"
    Union "union" "`union`"
    Watchlist "watchlist" "`_GetWatchlist`"
    External "external" "`externaldata`"
    Rows "rows" "`datatable`"
    Print "print" "`print`"
    Range "range" "`range`"
    Search "search" "`search`, `find`"
}

impl Capability {
    /// The capability that a stage asks for; none for an operator that no target can say.
    pub fn of_stage(stage: &StageKind) -> Option<Self> {
        Some(match stage {
            StageKind::Where(_) => Self::Where,
            StageKind::Extend(_) => Self::Extend,
            StageKind::Project(_) => Self::Project,
            StageKind::ProjectAway(_) => Self::ProjectAway,
            StageKind::ProjectKeep(_) => Self::ProjectKeep,
            StageKind::ProjectRename(_) => Self::ProjectRename,
            StageKind::ProjectReorder(_) => Self::ProjectReorder,
            StageKind::Summarize { .. } => Self::Summarize,
            StageKind::Distinct(_) => Self::Distinct,
            StageKind::Count => Self::Count,
            StageKind::Sort(_) => Self::Sort,
            StageKind::Top { .. } => Self::Top,
            StageKind::Take(_) => Self::Take,
            StageKind::Sample(_) => Self::Sample,
            StageKind::SampleDistinct { .. } => Self::SampleDistinct,
            StageKind::Join(_) => Self::Join,
            StageKind::Lookup(_) => Self::Lookup,
            StageKind::MvExpand { .. } => Self::MvExpand,
            StageKind::MvApply { .. } => Self::MvApply,
            StageKind::Parse { .. } => Self::Parse,
            StageKind::ParseKv { .. } => Self::ParseKv,
            StageKind::MakeSeries(_) => Self::MakeSeries,
            StageKind::Serialize(_) => Self::Serialize,
            StageKind::Evaluate { .. } => Self::Evaluate,
            StageKind::Invoke { .. } => Self::Invoke,
            StageKind::Render { .. } => Self::Render,
            StageKind::Untranslated(_) => return None,
        })
    }

    /// The capability that a source asks for; none for a table.
    pub fn of_source(source: &Source) -> Option<Self> {
        Some(match source {
            Source::Table(_) => return None,
            Source::Union(_) => Self::Union,
            Source::Watchlist { .. } => Self::Watchlist,
            Source::External { .. } => Self::External,
            Source::Rows { .. } => Self::Rows,
            Source::Print(_) => Self::Print,
            Source::Range { .. } => Self::Range,
            Source::Search { .. } => Self::Search,
        })
    }
}

/// Whether a target can say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Support {
    /// It can.
    Carried,
    /// The same events come out, in another shape.
    Reshaped,
    /// It can not.
    Refused,
}

/// What a target says to a capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it can.
    pub is: Support,
    /// Why not, or how.
    pub note: Option<String>,
    /// What would work.
    pub instead: Option<String>,
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            is: Support,
            note: String,
            #[serde(default)]
            instead: Option<String>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Answer;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"carried\", \"reshaped\", \"refused\" or a table with `is` and `note`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Answer, E> {
                let is = Support::deserialize(de::value::StrDeserializer::<E>::new(text))?;
                Ok(Answer { is, note: None, instead: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Answer, A::Error> {
                let long = Long::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Answer { is: long.is, note: Some(long.note), instead: long.instead })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The answers of a target; complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities(Vec<Answer>);

impl Capabilities {
    /// The answer to a capability.
    pub fn get(&self, capability: Capability) -> &Answer {
        // As long as `Capability::ALL`, by construction.
        &self.0[capability as usize]
    }
}

impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut answers = BTreeMap::<Capability, Answer>::deserialize(deserializer)?;
        let missing: Vec<&str> =
            Capability::ALL.iter().filter(|it| !answers.contains_key(it)).map(|it| it.name()).collect();
        if !missing.is_empty() {
            return Err(de::Error::custom(format!("missing capability {}", missing.join(", "))));
        }
        Ok(Self(Capability::ALL.iter().filter_map(|capability| answers.remove(capability)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    #[test]
    fn a_missing_capability_is_an_error() {
        let mut text: String = Capability::ALL.iter().map(|it| format!("{} = \"carried\"\n", it.name())).collect();
        let all: Capabilities = data::parse("t.toml", &text).unwrap();
        assert!(Capability::ALL.iter().all(|it| all.get(*it).is == Support::Carried));
        text = text.replace("top = \"carried\"\n", "");
        assert!(data::parse::<Capabilities>("t.toml", &text).unwrap_err().message.contains("missing capability top"));
        let error = data::parse::<Capabilities>("t.toml", "where = \"perhaps\"\n").unwrap_err();
        assert_eq!(error.line, Some(1));
    }

    #[test]
    fn answers_are_found_by_their_capability() {
        for (index, capability) in Capability::ALL.iter().enumerate() {
            assert_eq!(*capability as usize, index);
        }
    }
}
