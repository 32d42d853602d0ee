//! The typed form of Sigma rules: what a rule can say and nothing else. Printing has no decision left to make.
//!
//! Texts are held as they are meant; wildcards are escaped and YAML is quoted in `emit`. Format:
//! <https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html>.

mod correlation;

pub(crate) use correlation::{Alias, Comparison, Correlation, CorrelationKind, Limit, Timespan};

/// The file of one hunt: a rule for each log source that it reads, and correlations of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Documents {
    /// At least one; a correlation stands behind what it refers to.
    pub(crate) documents: Vec<Document>,
}

/// A document of a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Document {
    /// A detection rule.
    Rule(Rule),
    /// A correlation rule.
    Correlation(Correlation),
}

/// A detection rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    /// What it says about itself.
    pub(crate) heading: Heading,
    /// `logsource`
    pub(crate) logsource: LogSource,
    /// `detection` less the condition: names and what they select, in order; each name is used by the condition.
    pub(crate) selections: Vec<(String, Selection)>,
    /// `condition`
    pub(crate) condition: Condition,
    /// `fields`: what an analyst wants to see.
    pub(crate) fields: Vec<String>,
}

/// What a document says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heading {
    /// `title`
    pub(crate) title: String,
    /// `id`, a UUID.
    pub(crate) id: String,
    /// `name`, by which a correlation refers to it.
    pub(crate) name: Option<String>,
    /// `description`, one line each.
    pub(crate) description: Vec<String>,
    /// What it says where it is the outermost document of its file.
    pub(crate) meta: Option<Meta>,
}

/// What only the outermost document of a file says: "only the outermost correlation rule may define meta information", see
/// <https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    /// `related`: ids of the rules that it is derived from.
    pub(crate) related: Vec<String>,
    /// `references`
    pub(crate) references: Vec<String>,
    /// `author`
    pub(crate) author: Option<String>,
    /// `date`: `YYYY-MM-DD`.
    pub(crate) date: Option<String>,
    /// `modified`: `YYYY-MM-DD`.
    pub(crate) modified: Option<String>,
    /// `tags`, each with its namespace.
    pub(crate) tags: Vec<String>,
    /// `falsepositives`
    pub(crate) falsepositives: Vec<String>,
    /// `level`
    pub(crate) level: Level,
}

/// `level`: how critical it is that a rule finds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// `informational`
    Informational,
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `critical`
    Critical,
}

/// Where the events come from. At least one of the first three is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogSource {
    /// `product`
    pub(crate) product: Option<String>,
    /// `category`
    pub(crate) category: Option<String>,
    /// `service`
    pub(crate) service: Option<String>,
    /// `definition`
    pub(crate) definition: Option<String>,
}

/// A search identifier: what it selects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Selection {
    /// A map: all items hold. No two have the same key.
    All(Vec<Item>),
    /// A list of maps: one of them holds.
    Any(Vec<Vec<Item>>),
}

/// A field and the values that it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// The field; holds no `|`.
    pub(crate) field: String,
    /// How it is compared.
    pub(crate) form: Form,
    /// Whether all of the values must match (`|all`), not one of them.
    pub(crate) all: bool,
    /// At least one. A null stands alone.
    pub(crate) values: Vec<Value>,
}

/// The comparisons: chains of modifiers, see
/// <https://sigmahq.io/sigma-specification/specification/sigma-appendix-modifiers.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// No modifier, or `cased`.
    Equals {
        /// `cased`
        cased: bool,
    },
    /// `contains`
    Contains {
        /// `cased`
        cased: bool,
    },
    /// `startswith`
    StartsWith {
        /// `cased`
        cased: bool,
    },
    /// `endswith`
    EndsWith {
        /// `cased`
        cased: bool,
    },
    /// `re`, which is case-sensitive unless said otherwise.
    Regex {
        /// `i`
        ignore_case: bool,
        /// `m`
        multi_line: bool,
        /// `s`
        dot_all: bool,
    },
    /// `cidr`
    Cidr,
    /// `exists`
    Exists,
    /// `fieldref`
    FieldRef,
    /// `lt`
    Lt,
    /// `lte`
    Lte,
    /// `gt`
    Gt,
    /// `gte`
    Gte,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A text without wildcards.
    Text(String),
    /// A text that is taken as it is written: a regular expression, a network, the name of a field.
    Raw(String),
    /// An integer.
    Integer(i64),
    /// A number; finite.
    Real(f64),
    /// `true`, `false`
    Bool(bool),
    /// `null`: the field is missing.
    Null,
}

/// A condition over selections.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// The selection of this name.
    Named(String),
    /// `1 of prefix*`: the names that begin so are exactly those meant.
    OneOf(String),
    /// `all of prefix*`
    AllOf(String),
    /// `not`
    Not(Box<Condition>),
    /// `and`, at least two.
    And(Vec<Condition>),
    /// `or`, at least two.
    Or(Vec<Condition>),
}

impl Item {
    /// Whether two items would have the same key in a map.
    pub(crate) fn same_key(&self, other: &Self) -> bool {
        self.field == other.field && self.form == other.form && self.all == other.all
    }
}

#[cfg(test)]
impl Rule {
    /// The names that the condition uses.
    pub(crate) fn used(&self) -> std::collections::BTreeSet<&str> {
        fn walk<'r>(condition: &'r Condition, rule: &'r Rule, used: &mut std::collections::BTreeSet<&'r str>) {
            match condition {
                Condition::Named(name) => {
                    used.insert(name);
                }
                Condition::OneOf(prefix) | Condition::AllOf(prefix) => {
                    let names = rule.selections.iter().map(|(name, _)| name.as_str());
                    used.extend(names.filter(|name| name.starts_with(prefix.as_str())));
                }
                Condition::Not(inner) => walk(inner, rule, used),
                Condition::And(items) | Condition::Or(items) => items.iter().for_each(|item| walk(item, rule, used)),
            }
        }
        let mut used = std::collections::BTreeSet::new();
        walk(&self.condition, self, &mut used);
        used
    }
}
