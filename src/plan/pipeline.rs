//! Sources and stages of the plan.

use std::sync::Arc;

use super::{Expr, FunctionId, NodeId, ScalarType, Value};
use crate::source::Span;

/// Rows from a source, passed through stages in order.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Pipeline {
    /// Identity in the ledger: the entry says what became of the source.
    pub id: NodeId,
    /// The text of the source.
    pub span: Span,
    /// Where the rows come from.
    pub source: Source,
    /// What is done with them.
    pub stages: Vec<Stage>,
    /// The columns that come out at the end.
    pub columns: RowType,
}

/// Names and types of the columns of a row.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct RowType {
    /// The columns that are known, in order.
    pub columns: Vec<(Arc<str>, ScalarType)>,
    /// Whether there may be more: a source that the vocabulary does not hold.
    pub open: bool,
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum Source {
    /// A table of events.
    Table(TableRef),
    /// Rows of several pipelines, one after the other, columns matched by name.
    Union(Union),
    /// `_GetWatchlist('name')`: a list that the site keeps; its key column is `SearchKey`.
    Watchlist {
        /// The alias of the watchlist.
        name: String,
    },
    /// `externaldata (columns) [addresses]`
    External {
        /// Declared columns.
        columns: Vec<(Arc<str>, ScalarType)>,
        /// The addresses the rows are read from.
        addresses: Vec<String>,
        /// Properties such as `format`.
        properties: Vec<(String, Value)>,
    },
    /// `datatable`: rows written in the hunt.
    Rows {
        /// Declared columns.
        columns: Vec<(Arc<str>, ScalarType)>,
        /// The rows, each as long as `columns`.
        rows: Vec<Vec<Value>>,
    },
    /// `print`: one row of expressions.
    Print(Vec<Binding>),
    /// `range name from a to b step c`
    Range {
        /// Column name.
        name: Arc<str>,
        /// First value.
        from: Expr,
        /// Last value at most.
        to: Expr,
        /// Distance.
        step: Expr,
    },
    /// `search` and `find`: all columns of several or all tables are looked at.
    Search {
        /// The tables; empty means every table.
        tables: Vec<TableRef>,
        /// The condition; a bare text looks at every column.
        predicate: Vec<SearchTerm>,
    },
}

/// One part of what `search` looks for; all must hold.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum SearchTerm {
    /// A condition on named columns.
    Condition(Expr),
    /// A term in any column.
    Anywhere(Expr),
}

/// A table by name.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TableRef {
    /// The name (an alias is replaced by the name in the vocabulary).
    pub name: Arc<str>,
    /// Whether the vocabulary holds it.
    pub known: bool,
    /// The columns that hold the event's time.
    pub time_columns: Vec<Arc<str>>,
}

/// Rows of several pipelines.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Union {
    /// The pipelines, in the order written.
    pub branches: Vec<Pipeline>,
    /// `kind=inner`: only the columns common to all.
    pub inner: bool,
    /// `withsource=name`: a column with the name of the table.
    pub with_source: Option<Arc<str>>,
    /// `isfuzzy=true`: a table that does not exist is passed over.
    pub fuzzy: bool,
}

/// One operator of a pipeline.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Stage {
    /// Identity in the ledger.
    pub id: NodeId,
    /// The text of the operator.
    pub span: Span,
    /// What it does.
    pub kind: StageKind,
}

/// A named expression: `name = expr`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Binding {
    /// Identity in the ledger.
    pub id: NodeId,
    /// Where it is written.
    pub span: Span,
    /// The name of the column, explicit also where KQL names it by itself.
    pub name: Arc<str>,
    /// Its value.
    pub value: Expr,
}

/// The operators.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum StageKind {
    /// `where`: one condition. Neighbouring `where` stages stay apart; their conjunction is the same.
    Where(Expr),
    /// `extend`: columns added or replaced; each sees the row as it was before the stage.
    Extend(Vec<Binding>),
    /// `project`, and `project-keep`, `project-rename`, `project-away` where the row is known whole:
    /// exactly these columns, in this order.
    Project(Vec<Binding>),
    /// `project-away` on a row that is not known whole.
    ProjectAway(Vec<NamePattern>),
    /// `project-keep` on a row that is not known whole.
    ProjectKeep(Vec<NamePattern>),
    /// `project-rename` on a row that is not known whole: `(new, old)`.
    ProjectRename(Vec<(Arc<str>, Expr)>),
    /// `project-reorder`: the order of columns only.
    ProjectReorder(Vec<NamePattern>),
    /// `summarize`
    Summarize {
        /// The aggregates, named.
        aggregates: Vec<AggregateBinding>,
        /// The keys. Rows whose key is null or empty form groups of their own.
        keys: Vec<Binding>,
    },
    /// `distinct`; no columns means all (`*`).
    Distinct(Vec<Binding>),
    /// `count`: one row, column `Count`.
    Count,
    /// `sort`
    Sort(Vec<SortKey>),
    /// `top n by …`
    Top {
        /// How many.
        count: Expr,
        /// Order.
        keys: Vec<SortKey>,
    },
    /// `take`: any `n` rows.
    Take(Expr),
    /// `sample`: any `n` rows, by chance.
    Sample(Expr),
    /// `sample-distinct n of x`
    SampleDistinct {
        /// How many.
        count: Expr,
        /// Of what.
        of: Expr,
    },
    /// `join`
    Join(Join),
    /// `lookup`: a join with a dimension table; its key columns appear once.
    Lookup(Join),
    /// `mv-expand`: one row for each element.
    MvExpand {
        /// What is expanded, side by side.
        items: Vec<MvItem>,
        /// `with_itemindex`
        index: Option<Arc<str>>,
        /// Rows at most for one row.
        limit: Option<Expr>,
    },
    /// `mv-apply`: a pipeline over the elements of one row.
    MvApply {
        /// What is expanded.
        items: Vec<MvItem>,
        /// Elements at most.
        limit: Option<Expr>,
        /// The stages applied to the elements.
        body: Vec<Stage>,
    },
    /// `parse`, `parse-where`
    Parse {
        /// The text taken apart.
        subject: Expr,
        /// Simple, regular expression or relaxed.
        kind: ParseKind,
        /// Flags of `kind=regex`.
        flags: Option<String>,
        /// The pattern.
        parts: Vec<ParsePart>,
        /// `parse-where`: rows that do not match are dropped.
        filter: bool,
    },
    /// `parse-kv`
    ParseKv {
        /// The text taken apart.
        subject: Expr,
        /// Columns made.
        columns: Vec<(Arc<str>, ScalarType)>,
        /// `pair_delimiter`, `kv_delimiter`, `quote`, …
        options: Vec<(String, Value)>,
    },
    /// `make-series`
    MakeSeries(MakeSeries),
    /// `serialize`, with columns that may use window functions.
    Serialize(Vec<Binding>),
    /// `evaluate plugin(…)`
    Evaluate {
        /// The plugin.
        plugin: FunctionId,
        /// Its arguments.
        args: Vec<Expr>,
    },
    /// `invoke f(…)` of a function of the service (`FileProfile`); those of the hunt are inlined.
    Invoke {
        /// The function.
        function: FunctionId,
        /// Its arguments, less the rows.
        args: Vec<Expr>,
    },
    /// `render`: how a chart shows the rows.
    Render {
        /// Kind of chart.
        chart: String,
    },
    /// An operator that is read and that no target can say; it is refused by name.
    Untranslated(UntranslatedOperator),
}

/// Operators that are read and never translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[allow(missing_docs)] // The names are KQL's own.
pub enum UntranslatedOperator {
    AssertSchema,
    ExecuteAndCache,
    Facet,
    Fork,
    GetSchema,
    Graph,
    MacroExpand,
    Partition,
    Reduce,
    Scan,
    TopHitters,
    TopNested,
}

impl UntranslatedOperator {
    /// The operator as it is written in KQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::AssertSchema => "assert-schema",
            Self::ExecuteAndCache => "execute_and_cache",
            Self::Facet => "facet",
            Self::Fork => "fork",
            Self::GetSchema => "getschema",
            Self::Graph => "graph",
            Self::MacroExpand => "macro-expand",
            Self::Partition => "partition",
            Self::Reduce => "reduce",
            Self::Scan => "scan",
            Self::TopHitters => "top-hitters",
            Self::TopNested => "top-nested",
        }
    }
}

/// A column name, perhaps with `*` wildcards.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NamePattern {
    /// The pattern; `*` stands for any text.
    pub pattern: Arc<str>,
    /// Where it is written.
    pub span: Span,
}

/// A key of an order.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct SortKey {
    /// Identity in the ledger.
    pub id: NodeId,
    /// What is ordered.
    pub value: Expr,
    /// Descending, KQL's default.
    pub descending: bool,
    /// Nulls first; by default they are first when ascending and last when descending.
    pub nulls_first: bool,
}

/// A named aggregate.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct AggregateBinding {
    /// Identity in the ledger.
    pub id: NodeId,
    /// Where it is written.
    pub span: Span,
    /// The column it makes.
    pub name: Arc<str>,
    /// The aggregate, or an expression over aggregates.
    pub value: AggregateValue,
}

/// What an aggregate column holds.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum AggregateValue {
    /// One aggregate.
    One(Aggregate),
    /// An expression over aggregates, such as `round(100.0 * countif(x) / count(), 2)`: its columns named `$0`, `$1`,
    /// … are the aggregates in the list.
    Computed {
        /// The expression.
        value: Expr,
        /// What `$0`, `$1`, … stand for.
        of: Vec<Aggregate>,
    },
}

/// An aggregate of the rows of a group.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Aggregate {
    /// Identity in the ledger.
    pub id: NodeId,
    /// Where it is written.
    pub span: Span,
    /// Which.
    pub kind: AggregateKind,
    /// What it aggregates; the ordering value first for `arg_max` and `arg_min`.
    pub args: Vec<Expr>,
    /// Only rows that satisfy it count (`countif`, `dcountif`, `sumif`, …).
    pub condition: Option<Expr>,
    /// For `arg_max` and `arg_min`: the columns taken from the extreme row, named.
    pub columns: ArgColumns,
    /// Type of its value.
    pub ty: ScalarType,
}

/// The columns that `arg_max` and `arg_min` take.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum ArgColumns {
    /// Not such an aggregate.
    None,
    /// `*`: every column of the row that is not a key.
    All,
    /// These.
    Named(Vec<Binding>),
}

/// The aggregates. A condition is [`Aggregate::condition`], not a kind of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[allow(missing_docs)] // The names are KQL's own.
pub enum AggregateKind {
    ArgMax,
    ArgMin,
    Avg,
    BinaryAllAnd,
    BinaryAllOr,
    BinaryAllXor,
    BuildSchema,
    Count,
    CountDistinct,
    DCount,
    Hll,
    HllMerge,
    MakeBag,
    MakeList,
    MakeListWithNulls,
    MakeSet,
    Max,
    Min,
    Percentile,
    Percentiles,
    PercentilesArray,
    PercentileW,
    PercentilesW,
    Stdev,
    StdevP,
    Sum,
    TakeAny,
    TDigest,
    TDigestMerge,
    Variance,
    VarianceP,
}

/// `join` and `lookup`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Join {
    /// Which rows come out.
    pub kind: JoinKind,
    /// The right side.
    pub right: Box<Pipeline>,
    /// Equal keys.
    pub on: Vec<JoinKey>,
    /// Right columns that collide with a left one: `(name in the right row, name after the join)`.
    pub renamed: Vec<(Arc<str>, Arc<str>)>,
}

/// A pair of columns that must be equal (text: case counts).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct JoinKey {
    /// Identity in the ledger.
    pub id: NodeId,
    /// Column of the left row.
    pub left: Expr,
    /// Column of the right row.
    pub right: Expr,
}

/// Kinds of join, see <https://learn.microsoft.com/kusto/query/join-operator>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum JoinKind {
    /// The default: the left rows are first reduced to one row a key, an arbitrary one.
    InnerUnique,
    /// `inner`
    Inner,
    /// `leftouter`
    LeftOuter,
    /// `rightouter`
    RightOuter,
    /// `fullouter`
    FullOuter,
    /// `leftsemi`
    LeftSemi,
    /// `rightsemi`
    RightSemi,
    /// `leftanti`, `anti`, `leftantisemi`
    LeftAnti,
    /// `rightanti`, `rightantisemi`
    RightAnti,
}

/// One expanded value.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct MvItem {
    /// Identity in the ledger.
    pub id: NodeId,
    /// The column that holds an element.
    pub name: Arc<str>,
    /// The array or bag.
    pub value: Expr,
    /// `to typeof(t)`
    pub ty: Option<ScalarType>,
}

/// How `parse` reads its pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum ParseKind {
    /// Constants are literal text; everything must match.
    Simple,
    /// Constants are regular expressions.
    Regex,
    /// As simple; a value of the wrong type becomes null.
    Relaxed,
}

/// One part of a pattern of `parse`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum ParsePart {
    /// `*`
    Any,
    /// A constant.
    Text {
        /// The text.
        text: String,
        /// Where it is written.
        span: Span,
    },
    /// A column.
    Column {
        /// Its name.
        name: Arc<str>,
        /// Its type, `string` by default.
        ty: ScalarType,
        /// Where it is written.
        span: Span,
    },
}

/// `make-series`
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct MakeSeries {
    /// The aggregates, with the value for empty bins.
    pub aggregates: Vec<(AggregateBinding, Option<Expr>)>,
    /// The axis.
    pub on: Expr,
    /// First value of the axis.
    pub from: Option<Expr>,
    /// End of the axis, exclusive.
    pub to: Option<Expr>,
    /// Size of a bin.
    pub step: Expr,
    /// Keys: one series each.
    pub by: Vec<Binding>,
}
