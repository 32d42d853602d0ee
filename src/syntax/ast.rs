//! What was written: typed nodes with byte spans, before any name has a meaning.
//!
//! The tree keeps statements, the order of everything; it drops parentheses (the printer puts them
//! back where precedence needs them) and spelling variants of operators (`filter` is `where`, `<>` is `!=`).
//! It knows no table, no function and no target.

use crate::plan::{ScalarType, Value};
use crate::source::Span;

/// A whole hunt.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Query {
    /// Its statements; the last [`StatementKind::Query`] is the one that gives rows.
    pub statements: Vec<Statement>,
    /// The text from the first to the last statement.
    pub span: Span,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Statement {
    /// What it is.
    pub kind: StatementKind,
    /// Its text, without the semicolon.
    pub span: Span,
}

/// Kinds of statements, see <https://learn.microsoft.com/kusto/query/statements>.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum StatementKind {
    /// `let name = expression`
    Let {
        /// The name.
        name: Name,
        /// A scalar or a tabular expression; which of the two is a question of meaning.
        value: Expr,
    },
    /// `let name = [view] (parameters) { body }`
    LetFunction {
        /// The name.
        name: Name,
        /// The function.
        function: Function,
    },
    /// `set option [= value]`
    Set {
        /// The option.
        option: Name,
        /// Its value.
        value: Option<Expr>,
    },
    /// `alias database name = expression`
    Alias {
        /// The name.
        name: Name,
        /// What it stands for.
        value: Expr,
    },
    /// `restrict access to (…)`
    Restrict(Vec<Expr>),
    /// `declare query_parameters (…)`
    QueryParameters(Vec<Parameter>),
    /// `declare pattern …`, as written.
    Pattern(String),
    /// The expression that gives rows.
    Query(Expr),
}

/// A function of the hunt.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Function {
    /// `view`: takes part in wildcard unions.
    pub view: bool,
    /// The parameters.
    pub parameters: Vec<Parameter>,
    /// The statements of the body; the last is the result.
    pub body: Vec<Statement>,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: ParameterType,
    /// The value when the call gives none.
    pub default: Option<Expr>,
}

/// Type of a parameter.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum ParameterType {
    /// A value.
    Scalar(ScalarType),
    /// A table with at least these columns; none stands for `(*)`.
    Tabular(Vec<ColumnDeclaration>),
}

/// `name: type`. A `*` beside other columns (`evaluate f() : (*, a: long)`) is one named `*` of unknown type.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ColumnDeclaration {
    /// Column name.
    pub name: Name,
    /// Column type.
    pub ty: ScalarType,
}

/// An identifier, decoded: `['my column']` is `my column`. May hold `*` where KQL allows wildcards.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Name {
    /// The decoded name.
    pub text: String,
    /// Where it is written.
    pub span: Span,
}

/// An expression, scalar or tabular.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its text, without surrounding parentheses.
    pub span: Span,
}

/// Kinds of expressions.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum ExprKind {
    /// A constant. Adjacent text literals are joined. The type of `int(5)` is [`ExprKind::Typed`].
    Literal(Value),
    /// `int(5)`, `long(0x1f)`, `real(1)`: a constant with a type other than its own.
    Typed {
        /// The type written.
        ty: ScalarType,
        /// The value.
        value: Value,
    },
    /// A name: column, `let`, table or parameter.
    Name(Name),
    /// `*` as an argument or item.
    Star,
    /// `base.name`
    Member {
        /// Left of the dot.
        base: Box<Expr>,
        /// Right of the dot.
        name: Name,
    },
    /// `base[index]`
    Index {
        /// What is indexed.
        base: Box<Expr>,
        /// Key or position.
        index: Box<Expr>,
    },
    /// `function(arguments)`, also `base.function(arguments)` (`database("x").f()`).
    Call {
        /// What stands left of the dot.
        base: Option<Box<Expr>>,
        /// The function as written.
        function: Name,
        /// The arguments.
        args: Vec<Argument>,
    },
    /// `-x`, `+x`
    Unary {
        /// The sign.
        op: UnaryOp,
        /// The operand.
        operand: Box<Expr>,
    },
    /// `left op right`
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `subject in (items)`, `has_any`, `has_all`. A single item may be a list, a name or a pipeline.
    Membership {
        /// The operator.
        op: MembershipOp,
        /// Left operand; several for `(a, b) in (…)`.
        subject: Box<Expr>,
        /// The items.
        items: Vec<Expr>,
    },
    /// `subject between (low .. high)`
    Between {
        /// What is tested.
        subject: Box<Expr>,
        /// `!between`
        negated: bool,
        /// Lower bound, inclusive.
        low: Box<Expr>,
        /// Upper bound, inclusive.
        high: Box<Expr>,
    },
    /// `[a, b]` where KQL allows a bare list.
    List(Vec<Expr>),
    /// A tabular expression with operators, or one that begins with an operator (`union`, `print`, …).
    Pipeline(Box<Pipeline>),
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Argument {
    /// `name = value`
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

/// Signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum UnaryOp {
    /// `-`
    Minus,
    /// `+`
    Plus,
}

/// Binary operators. Negated forms are variants of their own here: this is what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[allow(missing_docs)] // The names are those of KQL's documentation; `spelling` gives the text.
pub enum BinaryOp {
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    EqInsensitive,
    NeInsensitive,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Has,
    NotHas,
    HasCs,
    NotHasCs,
    HasPrefix,
    NotHasPrefix,
    HasPrefixCs,
    NotHasPrefixCs,
    HasSuffix,
    NotHasSuffix,
    HasSuffixCs,
    NotHasSuffixCs,
    Contains,
    NotContains,
    ContainsCs,
    NotContainsCs,
    StartsWith,
    NotStartsWith,
    StartsWithCs,
    NotStartsWithCs,
    EndsWith,
    NotEndsWith,
    EndsWithCs,
    NotEndsWithCs,
    MatchesRegex,
    Like,
    NotLike,
    LikeCs,
    NotLikeCs,
    /// `column : "term"` of `search` and `find`.
    Search,
}

/// Operators whose right side is a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[allow(missing_docs)] // As for `BinaryOp`.
pub enum MembershipOp {
    In,
    NotIn,
    InInsensitive,
    NotInInsensitive,
    HasAny,
    HasAll,
}

/// A source and what is done with its rows.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Pipeline {
    /// Where rows come from; absent inside `mv-apply` and other places where the rows are given.
    pub source: Option<Source>,
    /// The operators, in order.
    pub operators: Vec<Operator>,
    /// The text of the whole.
    pub span: Span,
}

/// The head of a pipeline.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[allow(clippy::large_enum_variant)] // A pipeline has one source; most operators stand in `Pipeline::operators`.
pub enum Source {
    /// A name, a call, a path (`cluster("c").database("d").T`) or a pipeline in parentheses.
    Expr(Expr),
    /// An operator that makes rows: `union`, `print`, `range`, `datatable`, `externaldata`, `search`, `find`, `evaluate`.
    Operator(Operator),
}

/// One operator.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Operator {
    /// What it is.
    pub kind: OperatorKind,
    /// Its text, from the keyword on.
    pub span: Span,
}

/// `name = value` after an operator's keyword: `kind=inner`, `hint.strategy=shuffle`, `withsource=T`, `isfuzzy=true`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct OperatorParameter {
    /// The name, with its dots.
    pub name: Name,
    /// The value: a literal or a name.
    pub value: Expr,
}

/// `name = expression`, `(a, b) = expression`, or a bare expression.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct NamedExpr {
    /// The names; none where KQL makes one by itself.
    pub names: Vec<Name>,
    /// The expression.
    pub value: Expr,
    /// The text of both.
    pub span: Span,
}

/// Kinds of operators, each documented under <https://learn.microsoft.com/kusto/query/>.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[allow(missing_docs)] // The variants are KQL's operators and their fields the parts their documentation names.
pub enum OperatorKind {
    As {
        name: Name,
        parameters: Vec<OperatorParameter>,
    },
    Consume {
        parameters: Vec<OperatorParameter>,
    },
    Count,
    Datatable {
        columns: Vec<ColumnDeclaration>,
        values: Vec<Expr>,
    },
    Distinct {
        parameters: Vec<OperatorParameter>,
        items: Vec<NamedExpr>,
    },
    /// `evaluate plugin(…)`, with the schema after a colon where one is written.
    Evaluate {
        parameters: Vec<OperatorParameter>,
        call: Expr,
        schema: Vec<ColumnDeclaration>,
    },
    Extend(Vec<NamedExpr>),
    ExternalData {
        columns: Vec<ColumnDeclaration>,
        addresses: Vec<Expr>,
        properties: Vec<OperatorParameter>,
    },
    Find(Find),
    Invoke(Expr),
    Join {
        parameters: Vec<OperatorParameter>,
        right: Expr,
        on: Vec<Expr>,
    },
    Lookup {
        parameters: Vec<OperatorParameter>,
        right: Expr,
        on: Vec<Expr>,
    },
    MakeSeries(MakeSeries),
    MvApply {
        parameters: Vec<OperatorParameter>,
        items: Vec<MvItem>,
        limit: Option<Expr>,
        body: Box<Pipeline>,
    },
    MvExpand {
        parameters: Vec<OperatorParameter>,
        items: Vec<MvItem>,
        limit: Option<Expr>,
    },
    Parse {
        filter: bool,
        parameters: Vec<OperatorParameter>,
        subject: Expr,
        pattern: Vec<ParsePart>,
    },
    ParseKv {
        subject: Expr,
        columns: Vec<ColumnDeclaration>,
        parameters: Vec<OperatorParameter>,
    },
    Print(Vec<NamedExpr>),
    Project(Vec<NamedExpr>),
    ProjectAway(Vec<Name>),
    ProjectKeep(Vec<Name>),
    ProjectRename(Vec<NamedExpr>),
    ProjectReorder(Vec<ReorderItem>),
    Range {
        name: Name,
        from: Expr,
        to: Expr,
        step: Option<Expr>,
    },
    Render {
        chart: Name,
        parameters: Vec<OperatorParameter>,
    },
    Sample(Expr),
    SampleDistinct {
        count: Expr,
        of: Expr,
    },
    Search {
        parameters: Vec<OperatorParameter>,
        tables: Vec<Expr>,
        predicate: Expr,
    },
    Serialize(Vec<NamedExpr>),
    Sort {
        parameters: Vec<OperatorParameter>,
        keys: Vec<SortKey>,
    },
    Summarize {
        parameters: Vec<OperatorParameter>,
        aggregates: Vec<NamedExpr>,
        by: Vec<NamedExpr>,
    },
    Take(Expr),
    Top {
        parameters: Vec<OperatorParameter>,
        count: Expr,
        by: Vec<SortKey>,
    },
    Union {
        parameters: Vec<OperatorParameter>,
        tables: Vec<Expr>,
    },
    Where {
        parameters: Vec<OperatorParameter>,
        predicate: Expr,
    },
    /// An operator that is read, kept as written and answered by name: its body is balanced text.
    Raw {
        operator: RawOperator,
        body: String,
    },
}

/// Operators whose bodies are kept as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[allow(missing_docs)] // The names are KQL's own.
pub enum RawOperator {
    AssertSchema,
    ExecuteAndCache,
    Facet,
    Fork,
    GetSchema,
    GraphMarkComponents,
    GraphMatch,
    GraphMerge,
    GraphShortestPaths,
    GraphToTable,
    GraphWhereEdges,
    GraphWhereNodes,
    MacroExpand,
    MakeGraph,
    Partition,
    Reduce,
    Scan,
    TopHitters,
    TopNested,
}

/// `find`
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[allow(missing_docs)] // The parts are named by the operator's documentation.
pub struct Find {
    pub parameters: Vec<OperatorParameter>,
    pub tables: Vec<Expr>,
    pub predicate: Expr,
    /// `project` with its columns, as written (`pack(*)` and typed columns included).
    pub project: Option<Vec<Expr>>,
    /// `project-away`
    pub project_away: Option<Vec<Name>>,
    /// `project-smart`
    pub smart: bool,
}

/// `make-series`
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[allow(missing_docs)] // The parts are named by the operator's documentation.
pub struct MakeSeries {
    pub parameters: Vec<OperatorParameter>,
    pub aggregates: Vec<SeriesAggregate>,
    pub on: NamedExpr,
    /// `in range(from, to, step)` is written out as these three.
    pub from: Option<Expr>,
    pub to: Option<Expr>,
    pub step: Option<Expr>,
    pub by: Vec<NamedExpr>,
}

/// An aggregate of `make-series`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct SeriesAggregate {
    /// The aggregate.
    pub value: NamedExpr,
    /// `default = …`
    pub default: Option<Expr>,
}

/// An item of `mv-expand` and `mv-apply`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct MvItem {
    /// The expression, perhaps named.
    pub value: NamedExpr,
    /// `to typeof(type)`
    pub ty: Option<ScalarType>,
}

/// A part of the pattern of `parse`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum ParsePart {
    /// `*`
    Star(Span),
    /// A constant text.
    Text {
        /// The text, decoded.
        text: String,
        /// Where it is written.
        span: Span,
    },
    /// `name [: type]`
    Column {
        /// The column.
        name: Name,
        /// Its type.
        ty: Option<ScalarType>,
    },
}

/// An item of `project-reorder`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ReorderItem {
    /// The column or pattern.
    pub name: Name,
    /// `asc`, `desc`, `granny-asc`, `granny-desc`
    pub order: Option<String>,
}

/// A key of `sort` and `top`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct SortKey {
    /// The value, perhaps named.
    pub value: NamedExpr,
    /// `asc` is `Some(false)`, `desc` is `Some(true)`.
    pub descending: Option<bool>,
    /// `nulls first` is `Some(true)`, `nulls last` is `Some(false)`.
    pub nulls_first: Option<bool>,
}
