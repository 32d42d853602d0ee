//! A query of ES|QL: it can only say what the language can say. Nothing here decides or prints.
//!
//! Commands: <https://www.elastic.co/docs/reference/query-languages/esql/esql-commands>; expressions in [`expr`].

mod expr;
mod name;

pub(crate) use expr::{Comparison, Expr, Operator, Unit};
pub(crate) use name::Name;

use crate::target::Context;

/// A query and how its language is written.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// Quoting and precedence.
    pub(crate) context: Context,
    /// The query.
    pub(crate) body: Body,
    /// The event that each row is comes out with it: `METADATA _id, _index, _version`.
    pub(crate) metadata: bool,
}

/// The columns of [`Query::metadata`], as a rule asks for them:
/// <https://www.elastic.co/docs/solutions/security/detect-and-alert/create-detection-rule#esql-non-agg-query>.
pub(crate) const METADATA: [&str; 3] = ["_id", "_index", "_version"];

/// Rows from a source, passed through commands: a query, or one in parentheses within another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Body {
    /// Where the rows come from.
    pub(crate) source: Source,
    /// What is done with them.
    pub(crate) commands: Vec<Command>,
}

/// A source command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// `FROM a, (FROM b | …)`
    From(Vec<Part>),
    /// `ROW a = 1, b = "x"`
    Row(Vec<(Name, Expr)>),
}

/// What a `FROM` reads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// An index, a data stream or a pattern of them.
    Index(String),
    /// A query of its own.
    Query(Body),
}

/// A processing command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// `WHERE`
    Where(Expr),
    /// `EVAL`: each sees what the earlier ones made.
    Eval(Vec<(Name, Expr)>),
    /// `STATS`, or `INLINE STATS`, which keeps the rows.
    Stats {
        /// The rows stay, each with the values of its group.
        inline: bool,
        /// The aggregates.
        aggregates: Vec<Aggregate>,
        /// The keys; a key of its own name is the column.
        by: Vec<(Name, Expr)>,
    },
    /// `SORT`
    Sort(Vec<SortKey>),
    /// `LIMIT n`, `LIMIT n BY k`
    Limit {
        /// How many.
        count: u64,
        /// For each of these together; none is all rows.
        by: Vec<Name>,
    },
    /// `KEEP`: these columns, in this order.
    Keep(Vec<Glob>),
    /// `DROP`
    Drop(Vec<Glob>),
    /// `RENAME old AS new`
    Rename(Vec<(Name, Name)>),
    /// `MV_EXPAND`
    MvExpand(Name),
    /// `GROK value "pattern"`: a named group becomes a column.
    Grok {
        /// The text.
        value: Name,
        /// The pattern, in the dialect of Oniguruma.
        pattern: String,
    },
    /// `DISSECT value "pattern"`
    Dissect {
        /// The text.
        value: Name,
        /// Constant text and `%{name}`.
        pattern: String,
    },
    /// `IP_LOCATION prefix = value WITH {"properties": […]}`: columns `prefix.country_name` and so on.
    IpLocation {
        /// What the names of the columns begin with.
        prefix: Name,
        /// An address.
        value: Expr,
        /// The columns; none is all that the database gives.
        properties: Vec<&'static str>,
    },
    /// `LOOKUP JOIN index ON key`
    LookupJoin {
        /// The lookup index.
        index: String,
        /// Columns of the same name on both sides.
        on: Vec<Name>,
    },
}

/// A named aggregate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Aggregate {
    /// The column it makes.
    pub(crate) name: Name,
    /// A function of the rows of a group, or an expression over such.
    pub(crate) value: Expr,
    /// `WHERE`: the rows that count.
    pub(crate) only: Option<Expr>,
}

/// A key of an order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SortKey {
    /// What is ordered.
    pub(crate) value: Expr,
    /// From the greatest.
    pub(crate) descending: bool,
    /// Rows without a value first.
    pub(crate) nulls_first: bool,
}

/// A name, perhaps with `*`, which stands for any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(String);

impl Glob {
    /// A pattern of names; `None` where one can not be written.
    pub(crate) fn new(pattern: &str) -> Option<Self> {
        let sound = pattern.split('*').all(|part| part.is_empty() || Name::new(part).is_some());
        (sound && !pattern.is_empty()).then(|| Self(pattern.to_owned()))
    }

    /// The text, unquoted.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl Glob {
    /// The columns that say which event a row is.
    pub(crate) fn metadata() -> impl Iterator<Item = Self> {
        METADATA.iter().map(|name| Self((*name).to_owned()))
    }

    /// The columns whose names begin with this one and a dot.
    pub(crate) fn below(name: &Name) -> Self {
        Self(format!("{}.*", name.text()))
    }
}

impl From<&Name> for Glob {
    fn from(name: &Name) -> Self {
        Self(name.text().to_owned())
    }
}

/// The keys of a group that are columns under their own names.
pub(crate) fn own(names: &[Name]) -> Vec<(Name, Expr)> {
    names.iter().map(|name| (name.clone(), Expr::Field(name.clone()))).collect()
}
