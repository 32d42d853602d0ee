//! Lexical facts of a target: quoting, reserved words, precedence and limits, from `target.toml`.
//!
//! Printers read them; none is written in code twice. Nothing here prints.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::{Capabilities, Construct, Since, Target, Versions};

/// What `target.toml` says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetFacts {
    /// The target.
    pub name: Target,
    /// Its name in full.
    pub title: String,
    /// Other names of it.
    pub aliases: Vec<String>,
    /// The folder of `targets/` that holds its schemas.
    pub schemas: String,
    /// The schema that is used when none is named.
    pub default_schema: String,
    /// Whether the query itself can hold the time window.
    pub time_in_query: bool,
    /// Its versions, where constructs came with different ones.
    #[serde(default)]
    pub versions: Option<Versions>,
    /// Since when it has a construct; every version has what is not listed.
    #[serde(default)]
    pub since: BTreeMap<Construct, Since>,
    /// Limits of the engine as it is delivered.
    pub limits: Limits,
    /// The parts of the language that quote or bind differently, by name.
    pub contexts: BTreeMap<String, Context>,
    /// What it can say.
    pub capabilities: Capabilities,
}

impl TargetFacts {
    pub(super) fn check(&self, target: Target) -> Result<(), String> {
        if self.name != target {
            return Err(format!("the folder is `{target}`, the target is `{}`", self.name));
        }
        if self.contexts.is_empty() {
            return Err("no contexts".to_owned());
        }
        if self.versions.is_some() != target.is_elastic() || self.versions.is_some_and(|it| it.oldest > it.newest) {
            return Err("[versions] belongs to the languages of Elastic, with `oldest` and `newest`".to_owned());
        }
        if let Some(construct) = self.since.keys().find(|construct| construct.target() != target) {
            return Err(format!("[since] `{}` is a construct of {}", construct.name(), construct.target()));
        }
        Ok(())
    }

    /// A part of the language by name.
    pub fn context(&self, name: &str) -> Option<&Context> {
        self.contexts.get(name)
    }
}

/// Limits of an engine as it is delivered; a site may have changed them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Rows that a subsearch gives at most.
    pub subsearch_rows: Option<u64>,
    /// Seconds that a subsearch runs at most.
    pub subsearch_seconds: Option<u64>,
    /// Rows of the right side of a join.
    pub join_rows: Option<u64>,
    /// Rows that are sorted when no number is given.
    pub sort_rows: Option<u64>,
    /// Values that a list of a group holds.
    pub list_values: Option<u64>,
    /// Rows that come out when no number is given.
    pub default_rows: Option<u64>,
    /// Rows that come out at most.
    pub max_rows: Option<u64>,
    /// Length from which a value is not searchable.
    pub keyword_bytes: Option<u64>,
}

/// A part of a language that quotes and binds in one way.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// How names are written.
    pub identifier: Identifier,
    /// How text is written.
    pub string: StringForm,
    /// Words that are not names unless quoted.
    pub reserved: Vec<String>,
    /// Whether the case of reserved words does not count.
    pub reserved_ignore_case: bool,
    /// How tightly each kind of expression binds; greater binds tighter. What is absent does not exist here.
    pub precedence: BTreeMap<Binding, u8>,
}

impl Context {
    /// How tightly a kind of expression binds; `None` where the language has none of that kind.
    pub fn strength(&self, binding: Binding) -> Option<u8> {
        self.precedence.get(&binding).copied()
    }

    /// Whether a name can be written without quotes.
    pub fn is_bare(&self, name: &str) -> bool {
        let reserved = |word: &String| {
            if self.reserved_ignore_case { word.eq_ignore_ascii_case(name) } else { word == name }
        };
        let mut chars = name.chars();
        chars.next().is_some_and(|first| self.identifier.first.contains(first))
            && chars.all(|next| self.identifier.rest.contains(next))
            && !self.reserved.iter().any(reserved)
    }
}

/// How names are written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// Characters that a bare name may begin with.
    pub first: CharClass,
    /// Characters that may follow.
    pub rest: CharClass,
    /// The quote around other names; empty where there is none.
    pub quote: String,
    /// How the quote is written within a quoted name.
    pub escape: Escape,
}

/// How text is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StringForm {
    /// The quote; empty where text is quoted by the file format.
    pub quote: String,
    /// How the quote is written within.
    pub escape: Escape,
    /// The quote of a form without escapes.
    #[serde(default)]
    pub raw: Option<String>,
    /// Characters that stand for other text in every comparison of this context.
    pub wildcards: String,
}

/// How a quote is written within quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Escape {
    /// It can not be.
    None,
    /// With a backslash, which is itself doubled.
    Backslash,
    /// Twice.
    Double,
}

/// A set of characters: `A-Za-z_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CharClass(Vec<(char, char)>);

impl CharClass {
    /// Whether the set holds a character.
    pub fn contains(&self, c: char) -> bool {
        self.0.iter().any(|(from, to)| (*from..=*to).contains(&c))
    }
}

impl<'de> Deserialize<'de> for CharClass {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let chars: Vec<char> = String::deserialize(deserializer)?.chars().collect();
        let (mut ranges, mut rest) = (Vec::new(), chars.as_slice());
        while let [first, tail @ ..] = rest {
            rest = match tail {
                ['-', last, tail @ ..] if first <= last => {
                    ranges.push((*first, *last));
                    tail
                }
                ['-', _, ..] => {
                    return Err(de::Error::custom(format!("a range of characters from `{first}` ends before it")));
                }
                tail => {
                    ranges.push((*first, *first));
                    tail
                }
            };
        }
        Ok(Self(ranges))
    }
}

/// Kinds of expressions by how tightly they bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// `or`
    Or,
    /// `and`
    And,
    /// `not`
    Not,
    /// Comparisons and tests.
    Comparison,
    /// Joining of texts.
    Concat,
    /// `+`, `-`
    Additive,
    /// `*`, `/`, `%`
    Multiplicative,
    /// `-x`
    Unary,
    /// A call of a function.
    Call,
    /// A name, a literal, anything in parentheses.
    Atom,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Targets;

    #[test]
    fn bare_names_follow_the_context() {
        let targets = Targets::embedded();
        let splunk = targets.facts(Target::Splunk).unwrap();
        let (search, eval) = (splunk.context("search").unwrap(), splunk.context("where").unwrap());
        assert!(search.is_bare("properties.DeviceName") && !eval.is_bare("properties.DeviceName"));
        assert!(!eval.is_bare("Null") && !eval.is_bare("") && !eval.is_bare("1st") && eval.is_bare("_time"));
        let eql = targets.facts(Target::Eql).unwrap();
        let eql = eql.context("query").unwrap();
        assert!(!eql.is_bare("sequence") && !eql.is_bare("@timestamp") && eql.is_bare("process"));
    }

    #[test]
    fn every_context_orders_the_logic() {
        let targets = Targets::embedded();
        for target in Target::ALL {
            for (name, context) in &targets.facts(target).unwrap().contexts {
                let strength =
                    |binding| context.strength(binding).unwrap_or_else(|| panic!("{target}.{name}: {binding:?}"));
                assert!(
                    strength(Binding::And) < strength(Binding::Not) && strength(Binding::Or) < strength(Binding::Not)
                );
                assert!(strength(Binding::Not) < strength(Binding::Atom));
                let search = target == Target::Splunk && name == "search";
                assert_eq!(strength(Binding::Or) > strength(Binding::And), search, "{target}.{name}");
            }
        }
    }
}
