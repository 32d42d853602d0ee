//! The typed form of an SPL search: what the language can say, and nothing that it can not.
//!
//! The search language and the eval language are two types, because their precedence, case rules and quoting differ.
//! See <https://help.splunk.com/en/splunk-enterprise/search/search-reference>. The commands are here; their parts have
//! files of their own.

mod eval;
mod name;
mod search;
mod tstats;

pub(crate) use eval::{Comparison, EvalExpr, Operator};
pub(crate) use name::{Dataset, Glob, Name};
pub(crate) use search::{Order, Pattern, SearchExpr};
pub(crate) use tstats::{Measure, MeasureFunction, Tstats};

use crate::target::Context;

/// A search.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    /// How names and texts are written and how tightly operators bind in the base search.
    pub(crate) search: Context,
    /// The same in `where` and `eval`.
    pub(crate) eval: Context,
    /// The commands; the first is a [`Command::Search`].
    pub(crate) commands: Vec<Command>,
}

/// A command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// The base search: all terms must hold.
    Search(Vec<SearchExpr>),
    /// `search` after another command: all terms must hold.
    Refine(Vec<SearchExpr>),
    /// `from datamodel:`: the events of a dataset, under the names of its fields.
    From(Dataset),
    /// `tstats`
    Tstats(Tstats),
    /// `rename Dataset.* AS *`: fields lose the name of their dataset.
    Undressed(Dataset),
    /// `where`
    Where(EvalExpr),
    /// `eval`: each assignment sees those before it.
    Eval(Vec<(Name, EvalExpr)>),
    /// `fields`: keeps these, and the internal ones.
    Fields(Vec<Name>),
    /// `fields -`
    FieldsAway(Vec<Name>),
    /// `fields -` with wildcards.
    FieldsAwayLike(Vec<Glob>),
    /// `table`: keeps exactly these, in this order.
    Table(Vec<Name>),
    /// `table` with wildcards: these first, in this order.
    TableLike(Vec<Glob>),
    /// `rename`: `(from, to)`, one after the other.
    Rename(Vec<(Name, Name)>),
    /// `stats`
    Stats {
        /// The aggregates.
        aggregates: Vec<StatsAggregate>,
        /// The keys.
        by: Vec<Name>,
    },
    /// `eventstats`: each row gets the aggregates of its group.
    EventStats {
        /// The aggregates.
        aggregates: Vec<StatsAggregate>,
        /// The keys.
        by: Vec<Name>,
    },
    /// `streamstats`: each row gets the aggregates of the rows up to it.
    StreamStats {
        /// The aggregates.
        aggregates: Vec<StatsAggregate>,
        /// The keys.
        by: Vec<Name>,
        /// Which rows they look at.
        over: StreamWindow,
    },
    /// `fillnull value=""`
    FillEmpty(Vec<Name>),
    /// `sort`: how many rows stay (`None`: all), and the keys.
    Sort {
        /// Rows that stay.
        count: Option<u64>,
        /// What is ordered.
        keys: Vec<SortBy>,
    },
    /// `head`
    Head(u64),
    /// `dedup`
    Dedup(Vec<Name>),
    /// `makeresults`: one row, or those of a JSON text.
    MakeResults(Option<String>),
    /// `inputlookup`: the rows of a lookup.
    InputLookup(Name),
    /// `lookup`: what a lookup of the site holds of a value.
    Lookup {
        /// The lookup.
        lookup: Name,
        /// Its key.
        column: Name,
        /// The field that is looked up.
        field: Name,
        /// The field that gets the key where there is one; otherwise all columns of the lookup come in.
        flag: Option<Name>,
    },
    /// `multisearch`: the events of several searches, which hold streaming commands only.
    Multisearch(Vec<Vec<Command>>),
    /// `iplocation`: fields that say where an address is.
    IpLocation {
        /// What their names begin with.
        prefix: Name,
        /// The address.
        field: Name,
    },
    /// `reverse`
    Reverse,
    /// `mvexpand`: a row for each value of the field, and how many of them at most.
    MvExpand(Name, Option<u64>),
    /// `rex`: the named groups of a pattern of PCRE become fields.
    Rex {
        /// The text that is looked at.
        field: Name,
        /// The pattern.
        pattern: String,
    },
    /// `xyseries`: a column for each value of the second field, which holds the third; a row for each of the first.
    XySeries(Name, Name, Name),
    /// `fillnull value=0`, of every field.
    FillZero,
    /// `spath`: what lies in the JSON of a field, as fields.
    Spath(Name),
    /// `appendpipe [ … ]`: what a search makes of these rows, after them.
    AppendPipe(Vec<Command>),
    /// `append [ … ]`: the rows of another search after these.
    Append(Vec<Command>),
    /// `join`: each row with the rows of another search whose keys are equal; fields of theirs overwrite its own.
    Join {
        /// Rows that find none stay.
        outer: bool,
        /// With every row found, not with the first alone.
        all: bool,
        /// The keys.
        keys: Vec<Name>,
        /// A field that says that a row was found.
        flag: Option<Name>,
        /// The other search.
        search: Vec<Command>,
    },
}

/// The rows that `streamstats` looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamWindow {
    /// All up to this one.
    UpTo,
    /// So many before this one.
    Last(u64),
}

/// A key of `sort`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SortBy {
    /// The field.
    pub(crate) field: Name,
    /// Greatest first.
    pub(crate) descending: bool,
    /// How values are compared.
    pub(crate) order: SortOrder,
}

/// How `sort` compares values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortOrder {
    /// As numbers.
    Number,
    /// As text.
    Text,
    /// As Splunk sees fit.
    Auto,
}

/// An aggregate of `stats`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StatsAggregate {
    /// The function: `count`, `dc`, `exactperc95`.
    pub(crate) function: String,
    /// What it aggregates.
    pub(crate) of: StatsInput,
    /// The field that it makes.
    pub(crate) name: Name,
}

/// What an aggregate looks at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StatsInput {
    /// The rows.
    Rows,
    /// A field.
    Field(Name),
    /// An expression.
    Eval(EvalExpr),
}

impl StatsInput {
    /// Whether it looks at a field.
    pub(crate) fn reads(&self, name: &Name) -> bool {
        match self {
            Self::Rows => false,
            Self::Field(field) => field == name,
            Self::Eval(expr) => expr.reads(name),
        }
    }
}
