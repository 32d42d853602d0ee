//! Expressions of the plan.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{NodeId, Pipeline, ScalarType, Value};
use crate::source::Span;

/// A function of KQL, interned: its row in `grammars/functions.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct FunctionId(pub u16);

/// A scalar expression.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Expr {
    /// Identity in the ledger.
    pub id: NodeId,
    /// Where the hunt says it. An expression from an inlined `let` or function keeps the place of its own text.
    pub span: Span,
    /// Type of its value.
    pub ty: ScalarType,
    /// What it is.
    pub kind: ExprKind,
}

/// The kinds of scalar expressions.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum ExprKind {
    /// A constant.
    Literal(Value),
    /// A moment: `now()`, `ago(2d)`, `startofday(ago(1d))`, `datetime(2024-01-01)` in a comparison with a clock.
    Moment(Moment),
    /// A column of the row, by the name it has at this stage.
    Column(ColumnRef),
    /// Access to parts of a `dynamic` value: `a.b`, `a["b"]`, `a[0]`.
    Path {
        /// The value that is looked into.
        base: Box<Expr>,
        /// The steps, outermost first; never empty.
        steps: Vec<PathStep>,
    },
    /// A function with its arguments, defaults made explicit.
    Call {
        /// The function.
        function: FunctionId,
        /// The arguments, in KQL's order.
        args: Vec<Expr>,
    },
    /// Arithmetic on numbers, datetimes and timespans.
    Arithmetic {
        /// The operator.
        op: ArithmeticOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `-x`
    Negate(Box<Expr>),
    /// A comparison of values that are not text (text: [`ExprKind::Text`]); `==` and `!=` of two nulls is documented at
    /// <https://learn.microsoft.com/kusto/query/scalar-data-types/null-values>.
    Compare {
        /// The operator.
        op: CompareOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// A comparison of text.
    Text(TextMatch),
    /// Membership of a value that is not text in a list of values (text: [`ExprKind::Text`]).
    In {
        /// The value looked for.
        subject: Box<Expr>,
        /// The values.
        values: Vec<Expr>,
        /// `!in`
        negated: bool,
    },
    /// `isempty`, `isnull` and their opposites.
    Presence {
        /// The value tested.
        subject: Box<Expr>,
        /// What counts as absent.
        absence: Absence,
        /// `isnotempty`, `isnotnull`
        negated: bool,
    },
    /// The event's time lies in a window.
    Time(TimeRange),
    /// All hold. At least two, none of them `And`.
    And(Vec<Expr>),
    /// One holds. At least two, none of them `Or`.
    Or(Vec<Expr>),
    /// `not(x)` of a boolean value that has no leaf to push the negation to (a function call, a computed column).
    Not(Box<Expr>),
    /// `toscalar(T | …)`: the first column of the first row.
    Scalar(Box<Pipeline>),
}

/// A column by name.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ColumnRef {
    /// The name at this stage of the pipeline.
    pub name: Arc<str>,
    /// Whether the vocabulary or an earlier stage defines it. Otherwise it is taken on trust, which is noted.
    pub known: bool,
}

/// One step into a `dynamic` value.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum PathStep {
    /// `.key`, `["key"]`
    Key(String),
    /// `[3]`, `[-1]` from the end
    Index(i64),
    /// `[expression]`
    Computed(Box<Expr>),
}

/// Arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum ArithmeticOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`: of two integers, an integer
    Divide,
    /// `%`
    Modulo,
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum CompareOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl CompareOp {
    /// The operator that holds where this one does not (a null operand aside, which satisfies neither of an ordering).
    pub fn negated(self) -> Self {
        match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Lt => Self::Ge,
            Self::Le => Self::Gt,
            Self::Gt => Self::Le,
            Self::Ge => Self::Lt,
        }
    }

    /// The operator that says the same with its operands exchanged.
    pub fn mirrored(self) -> Self {
        match self {
            Self::Eq => Self::Eq,
            Self::Ne => Self::Ne,
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
        }
    }

    /// Whether it holds of two values in this order.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
        }
    }
}

/// A comparison of text: one node for all of KQL's string operators.
///
/// A missing text is the empty text, so every negated comparison holds for a missing subject (unless the needle is
/// itself empty). See <https://learn.microsoft.com/kusto/query/datatypes-string-operators>.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TextMatch {
    /// The text that is looked at.
    pub subject: Box<Expr>,
    /// How it is looked at.
    pub how: TextHow,
    /// Whether case counts.
    pub case: Case,
    /// What is looked for.
    pub needles: Needles,
    /// Whether the comparison must not hold.
    pub negated: bool,
}

/// How text is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum TextHow {
    /// `==`, `=~`, `in`, `in~`: the whole text
    Equals,
    /// `has`: a whole term, that is a maximal run of letters and digits
    Term,
    /// `contains`: anywhere
    Substring,
    /// `startswith`
    Prefix,
    /// `endswith`
    Suffix,
    /// `hasprefix`: at the start of a term
    TermPrefix,
    /// `hassuffix`: at the end of a term
    TermSuffix,
    /// `matches regex`: somewhere, unanchored; the dialect of the Rust `regex` crate, see
    /// <https://learn.microsoft.com/kusto/query/regex>
    Regex,
}

/// Whether case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Case {
    /// `==`, `has_cs`, `contains_cs`, `in`, …
    Sensitive,
    /// `=~`, `has`, `contains`, `in~`, …
    Insensitive,
}

/// What a text is compared with.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum Needles {
    /// One text.
    One(Box<Expr>),
    /// Any one of these: `in`, `has_any`.
    Any(Vec<Expr>),
    /// Every one of these: `has_all`.
    All(Vec<Expr>),
    /// Any value of the first column of a table: `in (T | project x)`.
    Table(Box<Pipeline>),
}

/// What counts as absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Absence {
    /// `isempty`: null or the empty text.
    Empty,
    /// `isnull`: null only; never true of a `string`.
    Null,
}

/// The event's time column compared with moments.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TimeRange {
    /// The time column as the hunt names it (`Timestamp`, `TimeGenerated`).
    pub column: ColumnRef,
    /// Lower bound.
    pub from: Option<Bound>,
    /// Upper bound.
    pub to: Option<Bound>,
    /// `!between`: outside of the window.
    pub negated: bool,
}

/// One end of a window.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Bound {
    /// The moment.
    pub moment: Moment,
    /// Whether the moment itself belongs to the window.
    pub inclusive: bool,
    /// Where the hunt says it.
    pub span: Span,
}

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Moment {
    /// Fixed: ticks of 100 ns since 0001-01-01 UTC.
    Absolute(i64),
    /// Relative to the time the query runs: `offset` ticks are added to now, then the result is cut down to the start
    /// of a calendar unit (UTC), then `after` ticks are added.
    Relative {
        /// Ticks added to now.
        offset: i64,
        /// The calendar unit to whose start the moment is cut.
        floor: Option<CalendarUnit>,
        /// Ticks added after the cut.
        after: i64,
    },
}

/// Calendar units, in UTC; a week begins on Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum CalendarUnit {
    /// `bin(…, 1h)`
    Hour,
    /// `startofday`
    Day,
    /// `startofweek`
    Week,
    /// `startofmonth`
    Month,
    /// `startofyear`
    Year,
}

impl CalendarUnit {
    /// The longest that one is, in ticks.
    pub fn most_ticks(self) -> i64 {
        match self {
            Self::Hour => super::TICKS_PER_DAY / 24,
            Self::Day => super::TICKS_PER_DAY,
            Self::Week => 7 * super::TICKS_PER_DAY,
            Self::Month => 31 * super::TICKS_PER_DAY,
            Self::Year => 366 * super::TICKS_PER_DAY,
        }
    }
}

impl Expr {
    /// An expression that is not yet numbered (see [`super::Plan::new`]).
    pub fn new(kind: ExprKind, ty: ScalarType, span: Span) -> Self {
        Self { id: NodeId::UNNUMBERED, span, ty, kind }
    }

    /// The constant, if this is one.
    pub fn as_literal(&self) -> Option<&Value> {
        match &self.kind {
            ExprKind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// The text, if this is a constant text.
    pub fn as_str(&self) -> Option<&str> {
        self.as_literal()?.as_str()
    }

    /// The conditions that must all hold; a condition that is no conjunction is its own only one.
    pub fn conjuncts(&self) -> &[Self] {
        match &self.kind {
            ExprKind::And(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// The column, if this is one.
    pub fn as_column(&self) -> Option<&ColumnRef> {
        match &self.kind {
            ExprKind::Column(column) => Some(column),
            _ => None,
        }
    }
}
