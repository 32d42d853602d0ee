//! How the events of a table are found in a target: structure only, the literals are quoted where text is printed.

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};

use super::{ColumnMap, Target};

/// How the events of a table are found.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    /// In Splunk.
    Splunk(SplunkSelector),
    /// In Elasticsearch, for EQL and ES|QL.
    Elastic(ElasticSelector),
    /// The log source of a Sigma rule.
    Sigma(SigmaSelector),
}

impl Selector {
    /// Why there is no counterpart of the table, if there is none.
    pub fn absent(&self) -> Option<&str> {
        match self {
            Self::Splunk(it) => it.absent.as_deref(),
            Self::Elastic(it) => it.absent.as_deref(),
            Self::Sigma(it) => it.absent.as_deref(),
        }
    }
}

impl Selector {
    /// The columns that have fields of their own in the events of an alternative log source.
    pub fn fields_of(&self, alternative: usize) -> Option<&IndexMap<String, ColumnMap>> {
        match self {
            Self::Sigma(it) => it.alternatives.get(alternative).map(|other| &other.fields),
            Self::Splunk(_) | Self::Elastic(_) => None,
        }
    }

    /// The selector in words, for listing; no target's syntax.
    pub fn describe(&self) -> String {
        let named = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name} {value}"));
        let mut parts: Vec<String> = Vec::new();
        if let Some(reason) = self.absent() {
            return format!("none: {reason}");
        }
        match self {
            Self::Splunk(it) => {
                parts.extend(named("index macro", &it.index_macro));
                parts.extend(named("data model", &it.datamodel));
                parts.extend(it.terms.iter().map(Term::describe));
            }
            Self::Elastic(it) => {
                parts.extend(named("index", &it.index));
                parts.extend(named("event category", &it.event_category));
                parts.extend(it.terms.iter().map(Term::describe));
            }
            Self::Sigma(it) => {
                parts.extend(named("product", &it.product));
                parts.extend(named("category", &it.category));
                parts.extend(named("service", &it.service));
                parts.extend(named("definition", &it.definition));
            }
        }
        parts.join(", ")
    }
}

impl Term {
    /// The term in words; no target's syntax.
    pub(crate) fn describe(&self) -> String {
        match &self.test {
            TermTest::OneOf(values) | TermTest::Like(values) => format!("{} = {}", self.field, values.join(" or ")),
            TermTest::Exists => format!("{} is there", self.field),
            TermTest::FromColumn { column, prefix } => format!("{} = {prefix}<{column}>", self.field),
        }
    }
}

/// The form of a selector in data, for one family of targets.
pub(super) trait SelectorForm: Clone + Default + DeserializeOwned {
    /// As one of all families.
    fn wrap(self) -> Selector;

    /// The selector of this family, if it is one.
    fn unwrap(selector: Selector) -> Option<Self>;

    /// The same with what another says laid over it.
    fn overlaid(self, over: Self) -> Self;

    /// The same with the table's name in its place.
    fn named(self, table: &str) -> Self;
}

fn filled(text: &str, table: &str) -> String {
    text.replace("{table}", table)
}

/// The events of a table in Splunk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplunkSelector {
    /// Why there is none.
    pub absent: Option<String>,
    /// A macro of the site that names the index.
    pub index_macro: Option<String>,
    /// A dataset of a data model, `Endpoint.Processes`; its fields are written without the dataset's name.
    pub datamodel: Option<String>,
    /// The dataset holds events of other sources than the table's, too.
    pub shared: bool,
    /// All must hold.
    pub terms: Vec<Term>,
    /// The text that a missing value arrives as.
    pub null_text: Option<String>,
    /// Keys of `grammars/tables/sources.toml`.
    pub provenance: Vec<String>,
}

impl SelectorForm for SplunkSelector {
    fn wrap(self) -> Selector {
        Selector::Splunk(self)
    }

    fn unwrap(selector: Selector) -> Option<Self> {
        match selector {
            Selector::Splunk(it) => Some(it),
            Selector::Elastic(_) | Selector::Sigma(_) => None,
        }
    }

    fn overlaid(self, over: Self) -> Self {
        let selects = over.datamodel.is_some() || !over.terms.is_empty() || over.index_macro.is_some();
        // A data model and raw terms exclude each other.
        let (datamodel, terms) = match (over.datamodel, over.terms) {
            (Some(datamodel), terms) => (Some(datamodel), terms),
            (None, terms) if terms.is_empty() => (self.datamodel, self.terms),
            (None, terms) => (None, terms),
        };
        Self {
            absent: over.absent.or(if selects { None } else { self.absent }),
            index_macro: over.index_macro.or(self.index_macro),
            // A site that restricts the dataset says what it holds.
            shared: over.shared || (self.shared && !selects),
            datamodel,
            terms,
            null_text: over.null_text.or(self.null_text),
            provenance: self.provenance,
        }
    }

    fn named(mut self, table: &str) -> Self {
        self.terms.iter_mut().for_each(|term| term.name_table(table));
        self
    }
}

/// The events of a table in Elasticsearch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ElasticSelector {
    /// Why there is none.
    pub absent: Option<String>,
    /// The index pattern.
    pub index: Option<String>,
    /// Other index patterns that hold such events.
    pub index_alternatives: Vec<String>,
    /// EQL's event category; `any` if it depends on the event.
    pub event_category: Option<String>,
    /// All must hold.
    pub terms: Vec<Term>,
    /// Ingest drops nulls and empty texts: both are a missing field.
    pub empty_is_absent: bool,
    /// Event categories that a condition of the hunt leads to.
    pub categories: Vec<CategoryWhen>,
    /// Keys of `grammars/tables/sources.toml`.
    pub provenance: Vec<String>,
}

impl SelectorForm for ElasticSelector {
    fn wrap(self) -> Selector {
        Selector::Elastic(self)
    }

    fn unwrap(selector: Selector) -> Option<Self> {
        match selector {
            Selector::Elastic(it) => Some(it),
            Selector::Splunk(_) | Selector::Sigma(_) => None,
        }
    }

    fn overlaid(self, over: Self) -> Self {
        let selects = over.index.is_some() || !over.terms.is_empty();
        // Another index is another place: the conditions and habits of the first do not follow.
        let moved = over.index.is_some();
        let kept = |terms: Vec<Term>| if moved { Vec::new() } else { terms };
        Self {
            absent: over.absent.or(if selects { None } else { self.absent }),
            index: over.index.or(self.index),
            index_alternatives: if over.index_alternatives.is_empty() && !moved {
                self.index_alternatives
            } else {
                over.index_alternatives
            },
            event_category: over.event_category.or(if moved { Some("any".to_owned()) } else { self.event_category }),
            terms: if over.terms.is_empty() { kept(self.terms) } else { over.terms },
            empty_is_absent: over.empty_is_absent || (self.empty_is_absent && !moved),
            categories: if over.categories.is_empty() && !moved { self.categories } else { over.categories },
            provenance: self.provenance,
        }
    }

    fn named(mut self, table: &str) -> Self {
        self.index = self.index.map(|index| filled(&index, table));
        self.terms.iter_mut().for_each(|term| term.name_table(table));
        self
    }
}

/// The log source of a table's events in Sigma.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SigmaSelector {
    /// Why there is none.
    pub absent: Option<String>,
    /// `product`
    pub product: Option<String>,
    /// `category`
    pub category: Option<String>,
    /// `service`
    pub service: Option<String>,
    /// `definition`
    pub definition: Option<String>,
    /// What tells the events of the table from others of the log source. A field that is only there is asked for where the
    /// hunt asks for nothing else.
    pub terms: Vec<Term>,
    /// Which events of the table the log source does not hold.
    pub narrower: Option<String>,
    /// Log sources that a condition of the hunt leads to, the first that does.
    pub alternatives: Vec<LogsourceWhen>,
    /// The table holds events of several platforms: signs of them in the hunt, the first that holds. Without one, the product
    /// is an assumption.
    pub platforms: Vec<PlatformSign>,
    /// Keys of `grammars/tables/sources.toml`.
    pub provenance: Vec<String>,
}

impl SelectorForm for SigmaSelector {
    fn wrap(self) -> Selector {
        Selector::Sigma(self)
    }

    fn unwrap(selector: Selector) -> Option<Self> {
        match selector {
            Selector::Sigma(it) => Some(it),
            Selector::Splunk(_) | Selector::Elastic(_) => None,
        }
    }

    fn overlaid(self, over: Self) -> Self {
        // A log source is named whole.
        let selects = over.product.is_some() || over.category.is_some() || over.service.is_some();
        if selects {
            return Self { definition: over.definition.or(self.definition), ..over };
        }
        Self {
            absent: over.absent.or(self.absent),
            definition: over.definition.or(self.definition),
            terms: if over.terms.is_empty() { self.terms } else { over.terms },
            narrower: over.narrower.or(self.narrower),
            alternatives: if over.alternatives.is_empty() { self.alternatives } else { over.alternatives },
            platforms: if over.platforms.is_empty() { self.platforms } else { over.platforms },
            ..self
        }
    }

    fn named(mut self, table: &str) -> Self {
        self.definition = self.definition.map(|definition| filled(&definition, table));
        self
    }
}

/// A condition on a field of the target that selects a table's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The field.
    pub field: String,
    /// What holds of it.
    pub test: TermTest,
}

/// What holds of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TermTest {
    /// It has one of these values.
    OneOf(Vec<String>),
    /// It has the form of one of these; `*` stands for any text.
    Like(Vec<String>),
    /// It is there.
    Exists,
    /// It has the value that the hunt asks of a column, after a prefix. Where the hunt asks for none: any value with the prefix.
    FromColumn {
        /// The column of KQL.
        column: String,
        /// What stands before the value.
        prefix: String,
    },
}

impl Term {
    fn name_table(&mut self, table: &str) {
        match &mut self.test {
            TermTest::OneOf(values) | TermTest::Like(values) => {
                values.iter_mut().for_each(|value| *value = filled(value, table));
            }
            TermTest::Exists | TermTest::FromColumn { .. } => {}
        }
    }
}

impl<'de> Deserialize<'de> for Term {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            field: String,
            values: Option<Vec<String>>,
            patterns: Option<Vec<String>>,
            exists: Option<bool>,
            from_column: Option<String>,
            prefix: Option<String>,
        }
        let raw = Raw::deserialize(deserializer)?;
        let test = match (raw.values, raw.patterns, raw.exists, raw.from_column, raw.prefix) {
            (Some(values), None, None, None, None) if !values.is_empty() => TermTest::OneOf(values),
            (None, Some(patterns), None, None, None) if !patterns.is_empty() => TermTest::Like(patterns),
            (None, None, Some(true), None, None) => TermTest::Exists,
            (None, None, None, Some(column), prefix) => {
                TermTest::FromColumn { column, prefix: prefix.unwrap_or_default() }
            }
            _ => {
                return Err(D::Error::custom("a term has one of `values`, `patterns`, `exists = true`, `from_column`"));
            }
        };
        Ok(Self { field: raw.field, test })
    }
}

/// A condition of a hunt: a column has one of these values.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The column of KQL.
    pub column: String,
    /// The values, numbers as text.
    pub values: Vec<String>,
}

/// The event category of events for which a condition holds. It is never needed: `any` selects them too.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryWhen {
    /// The condition.
    pub when: When,
    /// The category.
    pub event_category: String,
}

/// The log source of events for which a condition holds: what it does not name stays as in the selector, and `""` unsets.
///
/// Where the hunt asks for all of the values, the log source and its terms say the condition.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogsourceWhen {
    /// The condition.
    pub when: When,
    /// `product`
    #[serde(default)]
    pub product: Option<String>,
    /// `category`, in place of category and service of the selector.
    #[serde(default)]
    pub category: Option<String>,
    /// `service`, in place of category and service of the selector.
    #[serde(default)]
    pub service: Option<String>,
    /// What tells the events from others of the log source, in place of the terms of the selector.
    #[serde(default)]
    pub terms: Vec<Term>,
    /// Columns, and parts of them by their path, that have a field of their own in these events.
    #[serde(default)]
    pub fields: IndexMap<String, ColumnMap>,
    /// The log source holds events of other values as well, so that the condition is asked beside it.
    #[serde(default)]
    pub part: bool,
    /// The table holds hardly any other events, so that nothing is lost where the hunt does not ask.
    #[serde(default)]
    pub usual: bool,
    /// Key of `grammars/tables/sources.toml`.
    #[serde(default)]
    pub provenance: Option<String>,
    /// No source states it.
    #[serde(default)]
    pub inferred: bool,
    /// Why the events of the log source may be others.
    #[serde(default)]
    pub caveat: Option<String>,
}

/// A sign in a condition of the hunt that the events are of one platform.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformSign {
    /// The columns of KQL.
    pub columns: Vec<String>,
    /// The texts that are looked for, in lower case: a whole value, or with `*` at an end what it begins, ends with or holds.
    pub values: Vec<String>,
    /// `product`; empty where the sign shows only that it is another than the table's.
    pub product: String,
}

/// Runs a generic action for the form of selector that a target has.
pub(super) trait FormVisitor {
    /// What comes out.
    type Output;

    /// The action.
    fn visit<S: SelectorForm>(self) -> Self::Output;
}

/// Chooses the form of selector of a target.
pub(super) fn with_form<V: FormVisitor>(target: Target, visitor: V) -> V::Output {
    match target {
        Target::Splunk => visitor.visit::<SplunkSelector>(),
        Target::Eql | Target::Esql => visitor.visit::<ElasticSelector>(),
        Target::Sigma => visitor.visit::<SigmaSelector>(),
    }
}

/// A table in a schema file or an overlay.
pub(super) type Tables<T> = IndexMap<String, T>;
