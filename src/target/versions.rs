//! Versions of a target: which one is meant, and since when it has each construct, from `[versions]` and `[since]` in
//! `target.toml` and `since` in `functions.toml`.
//!
//! A fitter asks whether it may say something (`fit::Frame::needs`); what it says instead is decided there, not here.

use std::str::FromStr;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::Target;

/// A version of a target: `9.3`. What comes behind the minor number changes nothing that is told apart here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// The number before the dot.
    pub major: u16,
    /// The number behind it.
    pub minor: u16,
}

/// Text that is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no version; write it as 9.3")]
pub struct VersionError(String);

impl FromStr for Version {
    type Err = VersionError;

    /// `9.3`; `9` is its first release, and of `9.3.1` the last number does not count.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let fault = || VersionError(text.to_owned());
        let mut numbers = text.trim().split('.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u16>().ok().filter(|_| digits).ok_or_else(fault)
        });
        let major = numbers.next().ok_or_else(fault)??;
        let minor = numbers.next().transpose()?.unwrap_or(0);
        let _patch = numbers.next().transpose()?;
        if numbers.next().is_some() { Err(fault()) } else { Ok(Self { major, minor }) }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The versions of a target that are known: `[versions]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// The one that is meant when none is named, and the newest that the data speaks of.
    pub newest: Version,
    /// The first one that has the language at all.
    pub oldest: Version,
}

/// Since when a target has something: `"9.4"`, or where a feature came to two lines of releases at a time one for each,
/// as `["8.19", "9.1"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since(Vec<Version>);

impl Since {
    /// What a version lacks: the version to go to, in its own line of releases if that has the feature.
    pub fn lacking(&self, version: Version) -> Option<Version> {
        let own = self.0.iter().rev().find(|since| since.major <= version.major);
        match own {
            Some(since) if *since <= version => None,
            Some(since) => Some(*since),
            None => self.0.first().copied(),
        }
    }

    fn of(versions: Vec<Version>) -> Result<Self, String> {
        if versions.is_empty() || !versions.windows(2).all(|pair| matches!(pair, [a, b] if a.major < b.major)) {
            return Err("one version for each major number, in their order".to_owned());
        }
        Ok(Self(versions))
    }
}

impl<'de> Deserialize<'de> for Since {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Since;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a version such as \"9.4\", or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Since, E> {
                Ok(Since(vec![text.parse().map_err(E::custom)?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Since, A::Error> {
                let mut versions = Vec::new();
                while let Some(version) = list.next_element()? {
                    versions.push(version);
                }
                Since::of(versions).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Declares the constructs: their target, their name in `[since]`, how notes call them, and the page that documents them.
macro_rules! constructs {
    ($($variant:ident $target:ident $name:literal $says:literal $doc:literal)*) => {
        /// What a fitter can ask a version for, beside functions. What every version of a target has is not listed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
        pub enum Construct {
            $(#[doc = $doc] #[serde(rename = $name)] $variant,)*
        }

        impl Construct {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The target that it belongs to.
            pub const fn target(self) -> Target {
                match self { $(Self::$variant => Target::$target),* }
            }

            /// The name in `[since]`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// As a note writes it.
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says),* }
            }
        }
    };
}

constructs! {
    StatsWhere Esql "stats_where" "`STATS … WHERE`"
        "An aggregate over a part of the rows. <https://www.elastic.co/docs/reference/query-languages/esql/commands/stats-by>"
    InlineStats Esql "inline_stats" "`INLINE STATS`"
        "Aggregates as columns beside the rows. <https://www.elastic.co/docs/reference/query-languages/esql/commands/inlinestats-by>"
    LookupJoin Esql "lookup_join" "`LOOKUP JOIN`"
        "A join with a lookup index on a column of one name. <https://www.elastic.co/docs/reference/query-languages/esql/commands/lookup-join>"
    LookupJoinFields Esql "lookup_join_fields" "`LOOKUP JOIN` on several columns"
        "A join with a lookup index on a list of columns. <https://www.elastic.co/docs/reference/query-languages/esql/commands/lookup-join>"
    LookupJoinOn Esql "lookup_join_on" "`LOOKUP JOIN` on a condition"
        "A join with a lookup index where columns of two names are compared. <https://www.elastic.co/docs/reference/query-languages/esql/commands/lookup-join>"
    FromSubquery Esql "from_subquery" "a query in parentheses in `FROM`"
        "Rows of a query within `FROM`. <https://www.elastic.co/docs/reference/query-languages/esql/esql-subquery>"
    RowSubquery Esql "row_subquery" "`ROW` in parentheses in `FROM`"
        "Rows that are written out, beside others. <https://www.elastic.co/docs/reference/query-languages/esql/esql-subquery>"
    InSubquery Esql "in_subquery" "`IN` with a query in parentheses"
        "A condition on the values of another query. <https://www.elastic.co/docs/reference/query-languages/esql/esql-in-subquery>"
    LimitBy Esql "limit_by" "`LIMIT … BY`"
        "The first rows of each group. <https://www.elastic.co/docs/reference/query-languages/esql/commands/limit>"
    LikeList Esql "like_list" "`LIKE` with a list"
        "Any of several patterns. <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/operators#esql-like>"
    MvContains Esql "mv_contains" "`MV_CONTAINS`"
        "Whether a field of several values holds some. <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/mv-functions/mv_contains>"
    RlikeList Esql "rlike_list" "`RLIKE` with a list"
        "Any of several regular expressions. <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/operators#esql-rlike>"
    Fork Esql "fork" "`FORK`"
        "Several ways for the same rows. <https://www.elastic.co/docs/reference/query-languages/esql/commands/fork>"
    SampleRows Esql "sample_rows" "`SAMPLE`"
        "A share of the rows by chance. <https://www.elastic.co/docs/reference/query-languages/esql/commands/sample>"
    UriParts Esql "uri_parts" "`URI_PARTS`"
        "The parts of an address as columns. <https://www.elastic.co/docs/reference/query-languages/esql/commands/uri-parts>"
    RegisteredDomain Esql "registered_domain" "`REGISTERED_DOMAIN`"
        "The parts of a domain as columns. <https://www.elastic.co/docs/reference/query-languages/esql/commands/registered-domain>"
    ChangePoint Esql "change_point" "`CHANGE_POINT`"
        "Where a series changes. <https://www.elastic.co/docs/reference/query-languages/esql/commands/change-point>"
    JsonExtract Esql "json_extract" "`JSON_EXTRACT`"
        "A part of a JSON text. <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/string-functions/json_extract>"
    FieldExtract Esql "field_extract" "`FIELD_EXTRACT`"
        "A key of a field of type flattened. <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/string-functions/field_extract>"
    MvIntersection Esql "mv_intersection" "`MV_INTERSECTION`"
        "The values that two lists share. <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/mv-functions/mv_intersection>"
    MvDifference Esql "mv_difference" "`MV_DIFFERENCE`"
        "The values of one list that another has not. <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/mv-functions/mv_difference>"
    IpLocation Esql "ip_location" "`IP_LOCATION`"
        "Where an address is, as columns. <https://www.elastic.co/docs/reference/query-languages/esql/commands/ip-location>"
    SetDirective Esql "set_directive" "`SET`"
        "A setting in front of the query. <https://www.elastic.co/docs/reference/query-languages/esql/commands/set>"
    Sequence Eql "sequence" "`sequence`"
        "Events in an order. <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-sequences>"
    SequenceSample Eql "sample" "`sample`"
        "Events of several kinds in any order. <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-samples>"
    Runs Eql "runs" "`with runs`"
        "The same event several times. <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-with-runs-statement>"
    MissingEvent Eql "missing_event" "`![ … ]`"
        "An event that does not occur. <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-missing-events>"
    OptionalField Eql "optional_field" "`?field`"
        "A field that the data may lack. <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-syntax-optional-fields>"
    LikeRegex Eql "like_regex" "`like` and `regex`"
        "Patterns and regular expressions. <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-syntax-pattern-comparison-keywords>"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::data;
    use crate::target::Targets;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_are_read_and_ordered() {
        assert!(version("8.19") > version("8.2") && version("9") > version("8.19"));
        assert_eq!((version(" 9.3.1 ").to_string(), version("9").to_string()), ("9.3".to_owned(), "9.0".to_owned()));
        for text in ["", "9.", ".3", "9.x", "9.3.1.2", "+9.3", "9,3", "99999.1", "9.3-SNAPSHOT"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_feature_may_come_to_two_lines_of_releases() {
        let rows: BTreeMap<String, Since> =
            data::parse("t.toml", "one = \"9.2\"\ntwo = [\"8.19\", \"9.1\"]\n").unwrap();
        let lacking = |name: &str, text: &str| rows[name].lacking(version(text)).map(|it| it.to_string());
        assert_eq!(lacking("one", "8.19").as_deref(), Some("9.2"));
        assert_eq!(lacking("one", "9.2"), None);
        assert_eq!(lacking("two", "7.17").as_deref(), Some("8.19"));
        assert_eq!(lacking("two", "8.18").as_deref(), Some("8.19"));
        assert_eq!(lacking("two", "8.19"), None);
        assert_eq!(lacking("two", "9.0").as_deref(), Some("9.1"));
        assert_eq!(lacking("two", "10.0"), None);
        for text in ["x = \"new\"", "x = []", "x = [\"9.1\", \"8.19\"]", "x = [\"9.1\", \"9.2\"]", "x = 9.1"] {
            assert!(data::parse::<BTreeMap<String, Since>>("t.toml", text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_construct_has_its_version() {
        let targets = Targets::embedded();
        for target in Target::ALL {
            let facts = targets.facts(target).unwrap();
            let constructs = Construct::ALL.iter().filter(|construct| construct.target() == target);
            for construct in constructs {
                let since = facts.since.get(construct);
                let since = since.unwrap_or_else(|| panic!("{target}: [since] has no `{}`", construct.name()));
                assert_eq!(since.lacking(facts.versions.unwrap().newest), None, "{target}: {}", construct.name());
            }
        }
    }

    #[test]
    fn an_unknown_construct_is_an_error() {
        let error = data::parse::<BTreeMap<Construct, Since>>("t.toml", "teleport = \"9.1\"\n").unwrap_err();
        assert_eq!(error.line, Some(1));
        assert!(error.message.contains("teleport"), "{error}");
    }
}
