//! What a query presupposes in the site that runs it, beside the events themselves.
//!
//! The rooms of the languages say what they use; whoever migrates rules reads it.

use crate::target::Selector;

/// Something that a query reads by its name and that the site must have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Need {
    /// What it is.
    pub kind: NeedKind,
    /// Its name in the target.
    pub name: String,
    /// The table or watchlist of the hunt that it stands for; empty where it is for none alone.
    pub of: String,
}

/// What kind of thing a query reads by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeedKind {
    /// An index, a data stream or a pattern of such: Elastic.
    Index,
    /// Events of this sourcetype, or with another such mark: Splunk.
    Events,
    /// A search macro: Splunk.
    Macro,
    /// A dataset of a data model: Splunk.
    DataModel,
    /// A lookup table: Splunk.
    Lookup,
    /// An index in lookup mode: Elastic.
    LookupIndex,
    /// A log source: Sigma.
    LogSource,
}

impl NeedKind {
    /// Every kind, in the order in which a report lists them.
    pub const ALL: [Self; 7] =
        [Self::Index, Self::Events, Self::Macro, Self::DataModel, Self::Lookup, Self::LookupIndex, Self::LogSource];

    /// The kind in words, for several of it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Index => "indices and data streams",
            Self::Events => "events",
            Self::Macro => "search macros",
            Self::DataModel => "data models",
            Self::Lookup => "lookups",
            Self::LookupIndex => "lookup indices",
            Self::LogSource => "log sources",
        }
    }
}

/// What the events of a table need in the site. The log source of a Sigma rule is chosen by what the hunt asks, and named
/// where the rule is made.
pub(super) fn of_selector(selector: &Selector, table: &str) -> Vec<Need> {
    let need = |kind: NeedKind, name: String| Need { kind, name, of: table.to_owned() };
    match selector {
        Selector::Splunk(it) => {
            let named = [(NeedKind::Macro, &it.index_macro), (NeedKind::DataModel, &it.datamodel)];
            let named = named.into_iter().filter_map(|(kind, name)| Some(need(kind, name.clone()?)));
            let terms: Vec<String> = it.terms.iter().map(crate::target::Term::describe).collect();
            let events = (!terms.is_empty()).then(|| need(NeedKind::Events, terms.join(", ")));
            named.chain(events).collect()
        }
        Selector::Elastic(it) => it.index.iter().map(|index| need(NeedKind::Index, index.clone())).collect(),
        Selector::Sigma(_) => Vec::new(),
    }
}
