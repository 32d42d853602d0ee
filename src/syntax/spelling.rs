//! How operators are spelt and how tight they bind: what the builder and the printer share.

use super::ast::*;

/// How tight operators bind, loosest first. KQL's text operators bind tighter than arithmetic.
/// See <https://learn.microsoft.com/kusto/query/scalar-data-types/> and the public grammar.
pub(super) mod precedence {
    pub(in crate::syntax) const OR: u8 = 1;
    pub(in crate::syntax) const AND: u8 = 2;
    pub(in crate::syntax) const EQUALITY: u8 = 3;
    pub(in crate::syntax) const RELATIONAL: u8 = 4;
    pub(in crate::syntax) const ADDITIVE: u8 = 5;
    pub(in crate::syntax) const MULTIPLICATIVE: u8 = 6;
    pub(in crate::syntax) const TEXT: u8 = 7;
}

impl BinaryOp {
    /// How tight the operator binds, loosest first.
    pub(in crate::syntax) fn precedence(self) -> u8 {
        match self {
            Self::Or => precedence::OR,
            Self::And => precedence::AND,
            Self::Eq | Self::Ne => precedence::EQUALITY,
            Self::Lt | Self::Le | Self::Gt | Self::Ge => precedence::RELATIONAL,
            Self::Add | Self::Subtract => precedence::ADDITIVE,
            Self::Multiply | Self::Divide | Self::Modulo => precedence::MULTIPLICATIVE,
            _ => precedence::TEXT,
        }
    }

    /// Whether `a op b op c` is allowed.
    pub(in crate::syntax) fn chains(self) -> bool {
        matches!(
            self.precedence(),
            precedence::OR | precedence::AND | precedence::ADDITIVE | precedence::MULTIPLICATIVE
        )
    }
}

impl BinaryOp {
    /// The operator of this spelling, legacy spellings included.
    pub(in crate::syntax) fn from_spelling(text: &str) -> Option<Self> {
        Some(match text {
            "or" => Self::Or,
            "and" => Self::And,
            "==" => Self::Eq,
            "!=" | "<>" => Self::Ne,
            "<" => Self::Lt,
            "<=" => Self::Le,
            ">" => Self::Gt,
            ">=" => Self::Ge,
            "=~" => Self::EqInsensitive,
            "!~" => Self::NeInsensitive,
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "%" => Self::Modulo,
            "has" => Self::Has,
            "!has" => Self::NotHas,
            "has_cs" => Self::HasCs,
            "!has_cs" => Self::NotHasCs,
            "hasprefix" => Self::HasPrefix,
            "!hasprefix" => Self::NotHasPrefix,
            "hasprefix_cs" => Self::HasPrefixCs,
            "!hasprefix_cs" => Self::NotHasPrefixCs,
            "hassuffix" => Self::HasSuffix,
            "!hassuffix" => Self::NotHasSuffix,
            "hassuffix_cs" => Self::HasSuffixCs,
            "!hassuffix_cs" => Self::NotHasSuffixCs,
            "contains" => Self::Contains,
            "!contains" | "notcontains" => Self::NotContains,
            "contains_cs" | "containscs" => Self::ContainsCs,
            "!contains_cs" | "!containscs" | "notcontainscs" | "notcontains_cs" => Self::NotContainsCs,
            "startswith" => Self::StartsWith,
            "!startswith" => Self::NotStartsWith,
            "startswith_cs" => Self::StartsWithCs,
            "!startswith_cs" => Self::NotStartsWithCs,
            "endswith" => Self::EndsWith,
            "!endswith" => Self::NotEndsWith,
            "endswith_cs" => Self::EndsWithCs,
            "!endswith_cs" => Self::NotEndsWithCs,
            "like" => Self::Like,
            "!like" | "notlike" => Self::NotLike,
            "likecs" => Self::LikeCs,
            "!likecs" | "notlikecs" => Self::NotLikeCs,
            ":" => Self::Search,
            text if text.starts_with("matches") => Self::MatchesRegex,
            _ => return None,
        })
    }

    /// The operator as the documentation spells it.
    pub fn spelling(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::EqInsensitive => "=~",
            Self::NeInsensitive => "!~",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Has => "has",
            Self::NotHas => "!has",
            Self::HasCs => "has_cs",
            Self::NotHasCs => "!has_cs",
            Self::HasPrefix => "hasprefix",
            Self::NotHasPrefix => "!hasprefix",
            Self::HasPrefixCs => "hasprefix_cs",
            Self::NotHasPrefixCs => "!hasprefix_cs",
            Self::HasSuffix => "hassuffix",
            Self::NotHasSuffix => "!hassuffix",
            Self::HasSuffixCs => "hassuffix_cs",
            Self::NotHasSuffixCs => "!hassuffix_cs",
            Self::Contains => "contains",
            Self::NotContains => "!contains",
            Self::ContainsCs => "contains_cs",
            Self::NotContainsCs => "!contains_cs",
            Self::StartsWith => "startswith",
            Self::NotStartsWith => "!startswith",
            Self::StartsWithCs => "startswith_cs",
            Self::NotStartsWithCs => "!startswith_cs",
            Self::EndsWith => "endswith",
            Self::NotEndsWith => "!endswith",
            Self::EndsWithCs => "endswith_cs",
            Self::NotEndsWithCs => "!endswith_cs",
            Self::MatchesRegex => "matches regex",
            Self::Like => "like",
            Self::NotLike => "notlike",
            Self::LikeCs => "likecs",
            Self::NotLikeCs => "notlikecs",
            Self::Search => ":",
        }
    }
}

impl MembershipOp {
    pub(in crate::syntax) fn from_spelling(text: &str) -> Option<Self> {
        Some(match text {
            "in" => Self::In,
            "!in" => Self::NotIn,
            "in~" => Self::InInsensitive,
            "!in~" => Self::NotInInsensitive,
            "has_any" => Self::HasAny,
            "has_all" => Self::HasAll,
            _ => return None,
        })
    }

    /// The operator as the documentation spells it.
    pub fn spelling(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::NotIn => "!in",
            Self::InInsensitive => "in~",
            Self::NotInInsensitive => "!in~",
            Self::HasAny => "has_any",
            Self::HasAll => "has_all",
        }
    }
}

impl RawOperator {
    /// Every operator that is kept as text.
    pub const ALL: [Self; 19] = [
        Self::AssertSchema,
        Self::ExecuteAndCache,
        Self::Facet,
        Self::Fork,
        Self::GetSchema,
        Self::GraphMarkComponents,
        Self::GraphMatch,
        Self::GraphMerge,
        Self::GraphShortestPaths,
        Self::GraphToTable,
        Self::GraphWhereEdges,
        Self::GraphWhereNodes,
        Self::MacroExpand,
        Self::MakeGraph,
        Self::Partition,
        Self::Reduce,
        Self::Scan,
        Self::TopHitters,
        Self::TopNested,
    ];

    /// The operator of this spelling.
    pub fn from_spelling(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.spelling() == text)
    }

    /// The operator as the documentation spells it.
    pub fn spelling(self) -> &'static str {
        match self {
            Self::AssertSchema => "assert-schema",
            Self::ExecuteAndCache => "execute_and_cache",
            Self::Facet => "facet",
            Self::Fork => "fork",
            Self::GetSchema => "getschema",
            Self::GraphMarkComponents => "graph-mark-components",
            Self::GraphMatch => "graph-match",
            Self::GraphMerge => "graph-merge",
            Self::GraphShortestPaths => "graph-shortest-paths",
            Self::GraphToTable => "graph-to-table",
            Self::GraphWhereEdges => "graph-where-edges",
            Self::GraphWhereNodes => "graph-where-nodes",
            Self::MacroExpand => "macro-expand",
            Self::MakeGraph => "make-graph",
            Self::Partition => "partition",
            Self::Reduce => "reduce",
            Self::Scan => "scan",
            Self::TopHitters => "top-hitters",
            Self::TopNested => "top-nested",
        }
    }
}
