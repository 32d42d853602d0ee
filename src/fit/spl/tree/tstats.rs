//! `tstats`: the one command with a filter and measures of its own.

use super::name::{Dataset, Name};
use super::search::SearchExpr;

/// `tstats`: statistics of the indexed fields of a dataset. It knows no expressions, and its filter is the search language.
/// See <https://help.splunk.com/en/splunk-enterprise/search/spl-search-reference/10.0/search-commands/tstats>.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tstats {
    /// Where the events are found.
    pub(crate) dataset: Dataset,
    /// What is measured.
    pub(crate) measures: Vec<Measure>,
    /// All must hold; names are those of [`Dataset::field`].
    pub(crate) filter: Vec<SearchExpr>,
    /// The keys.
    pub(crate) by: Vec<Name>,
    /// Whether a missing key becomes the empty text; otherwise its events are left out.
    pub(crate) fill: bool,
    /// The seconds of the bins, where `_time` is a key as well.
    pub(crate) span: Option<i64>,
}

/// A measure of `tstats`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measure {
    /// The function.
    pub(crate) function: MeasureFunction,
    /// The field; `count` counts events.
    pub(crate) field: Option<Name>,
    /// The field that it makes.
    pub(crate) name: Name,
}

/// Functions of `tstats` that mean what they mean in `stats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are Splunk's own.
pub(crate) enum MeasureFunction {
    Avg,
    Count,
    Dc,
    Max,
    Min,
    Sum,
    Values,
}

impl MeasureFunction {
    /// The function of `stats` with this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::Avg, Self::Count, Self::Dc, Self::Max, Self::Min, Self::Sum, Self::Values]
            .into_iter()
            .find(|it| it.name() == name)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Count => "count",
            Self::Dc => "dc",
            Self::Max => "max",
            Self::Min => "min",
            Self::Sum => "sum",
            Self::Values => "values",
        }
    }
}
