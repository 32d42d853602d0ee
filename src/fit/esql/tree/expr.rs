//! The expressions of ES|QL, and the small constructors that keep them free of needless nesting.
//!
//! A comparison with null is null, and so are most functions of null and of several values; what a null must mean instead
//! is decided by whoever builds the expression.
//! See <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/operators>.

use super::{Body, Name};
use crate::target::{Binding, Template};

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are those of `plan::CompareOp`.
pub(crate) enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// Operators on numbers and dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are those of `plan::ArithmeticOp`.
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// Units of a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are ES|QL's.
pub(crate) enum Unit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// A column.
    Field(Name),
    /// A text.
    Text(String),
    /// A regular expression of Java, as `REPLACE` takes it.
    Pattern(String),
    /// A number, in the form that ES|QL reads.
    Number(String),
    /// `true`, `false`
    Bool(bool),
    /// `null`
    Null,
    /// `5 minutes`
    Span(u64, Unit),
    /// `[1, 2]`: several constants of one type.
    List(Vec<Expr>),
    /// `*`, in `COUNT(*)`
    Star,
    /// A function.
    Call(&'static str, Vec<Expr>),
    /// A function as a row of data spells it.
    Spelled {
        /// The spelling.
        template: Template,
        /// How tightly the result binds.
        binding: Binding,
        /// The arguments.
        args: Vec<Expr>,
    },
    /// `a == b`
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `a IN (…)`, `a NOT IN (…)`
    In {
        /// What is looked for.
        value: Box<Expr>,
        /// The constants. Never empty.
        list: Vec<Expr>,
        /// `NOT IN`
        negated: bool,
    },
    /// `a IN (FROM …)`, `a NOT IN (FROM …)`
    InQuery {
        /// What is looked for.
        value: Box<Expr>,
        /// A query of one column.
        query: Box<Body>,
        /// `NOT IN`
        negated: bool,
    },
    /// `a LIKE "…"`, `a RLIKE "…"`: the whole text fits one of the patterns.
    Like {
        /// The text.
        value: Box<Expr>,
        /// The patterns. Never empty; several are a list, which not every version has.
        patterns: Vec<String>,
        /// `RLIKE`: expressions of Lucene; else `*` and `?` with a backslash that takes their meaning.
        regex: bool,
        /// `NOT LIKE`
        negated: bool,
    },
    /// `a IS NULL`, `a IS NOT NULL`
    IsNull(Box<Expr>, bool),
    /// `a + b`
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    /// `-a`
    Negate(Box<Expr>),
    /// `NOT a`
    Not(Box<Expr>),
    /// All hold. At least two.
    And(Vec<Expr>),
    /// One holds. At least two.
    Or(Vec<Expr>),
}

impl Expr {
    /// A number.
    pub(crate) fn number(number: impl std::fmt::Display) -> Self {
        Self::Number(number.to_string())
    }

    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// `name(args)`
    pub(crate) fn call<const N: usize>(name: &'static str, args: [Self; N]) -> Self {
        Self::Call(name, args.into())
    }

    /// `a op b`
    pub(crate) fn compare(op: Comparison, a: Self, b: Self) -> Self {
        Self::Compare(op, Box::new(a), Box::new(b))
    }

    /// `a == b`
    pub(crate) fn eq(a: Self, b: Self) -> Self {
        Self::compare(Comparison::Eq, a, b)
    }

    /// `a op b`
    pub(crate) fn arithmetic(op: Operator, a: Self, b: Self) -> Self {
        Self::Arithmetic(op, Box::new(a), Box::new(b))
    }

    /// `a IS NULL`
    pub(crate) fn is_null(a: Self) -> Self {
        Self::IsNull(Box::new(a), true)
    }

    /// `a IS NOT NULL`
    pub(crate) fn is_not_null(a: Self) -> Self {
        Self::IsNull(Box::new(a), false)
    }

    /// `COALESCE(a, b)`; `a` where it is never null.
    pub(crate) fn or(self, b: Self) -> Self {
        if self.never_null() { self } else { Self::call("COALESCE", [self, b]) }
    }

    /// `COALESCE(a, "")`
    pub(crate) fn or_empty(self) -> Self {
        self.or(Self::text(""))
    }

    /// `CASE(condition, yes, no)`
    pub(crate) fn when(condition: Self, yes: Self, no: Self) -> Self {
        match condition {
            Self::Bool(true) => yes,
            Self::Bool(false) => no,
            condition => Self::call("CASE", [condition, yes, no]),
        }
    }

    /// All hold, with nested conjunctions taken up; `true` of none.
    pub(crate) fn all(items: impl IntoIterator<Item = Self>) -> Self {
        Self::junction(items, true)
    }

    /// One holds, with nested disjunctions taken up; `false` of none.
    pub(crate) fn any(items: impl IntoIterator<Item = Self>) -> Self {
        Self::junction(items, false)
    }

    fn junction(items: impl IntoIterator<Item = Self>, all: bool) -> Self {
        let mut flat: Vec<Self> = Vec::new();
        for item in items {
            match item {
                Self::Bool(value) if value == all => {}
                Self::Bool(value) => return Self::Bool(value),
                Self::And(inner) if all => flat.extend(inner),
                Self::Or(inner) if !all => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match (flat.len(), flat.pop()) {
            (_, None) => Self::Bool(all),
            (1, Some(only)) => only,
            (_, Some(last)) => {
                flat.push(last);
                if all { Self::And(flat) } else { Self::Or(flat) }
            }
        }
    }

    /// The opposite; null where the condition is null.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Bool(value) => Self::Bool(!value),
            Self::IsNull(value, is) => Self::IsNull(value, !is),
            Self::In { value, list, negated } => Self::In { value, list, negated: !negated },
            Self::InQuery { value, query, negated } => Self::InQuery { value, query, negated: !negated },
            Self::Like { value, patterns, regex, negated } => Self::Like { value, patterns, regex, negated: !negated },
            Self::Compare(Comparison::Eq, a, b) => Self::Compare(Comparison::Ne, a, b),
            Self::Compare(Comparison::Ne, a, b) => Self::Compare(Comparison::Eq, a, b),
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Whether the value is there for certain, whatever the row holds.
    pub(crate) fn never_null(&self) -> bool {
        match self {
            Self::Text(_)
            | Self::Pattern(_)
            | Self::Number(_)
            | Self::Bool(_)
            | Self::Span(..)
            | Self::List(_)
            | Self::Star => true,
            Self::IsNull(..) => true,
            Self::Call("COALESCE", args) => args.last().is_some_and(Self::never_null),
            Self::Call("NOW", _) => true,
            Self::Call("CONCAT" | "TO_LOWER" | "TO_UPPER" | "LENGTH" | "REPLACE" | "BYTE_LENGTH" | "LOCATE", args) => {
                args.iter().all(Self::never_null)
            }
            Self::Call("CASE", args) => {
                args.len() % 2 == 1
                    && args.iter().skip(1).step_by(2).all(Self::never_null)
                    && args.last().is_some_and(Self::never_null)
            }
            Self::Compare(_, a, b) => a.never_null() && b.never_null(),
            Self::In { value, .. } | Self::Like { value, .. } => value.never_null(),
            Self::Not(inner) | Self::Negate(inner) => inner.never_null(),
            Self::And(items) => items.iter().all(Self::never_null),
            // `x IS NULL OR x != 5` is true where x is null.
            Self::Or(items) => {
                let tested: Vec<&Self> = items
                    .iter()
                    .filter_map(|item| if let Self::IsNull(value, true) = item { Some(value.as_ref()) } else { None })
                    .collect();
                items.iter().all(|item| item.never_null() || item.null_only_with(&tested))
            }
            Self::Field(_)
            | Self::Null
            | Self::Call(..)
            | Self::Spelled { .. }
            | Self::InQuery { .. }
            | Self::Arithmetic(..) => false,
        }
    }

    /// Whether the condition is null only where one of these is.
    fn null_only_with(&self, tested: &[&Self]) -> bool {
        let held = |value: &Self| {
            tested.contains(&value)
                || value.never_null()
                || matches!(value, Self::Call("TO_LOWER" | "TO_UPPER" | "LENGTH", args)
                    if args.first().is_some_and(|arg| tested.contains(&arg)))
        };
        match self {
            Self::Compare(_, a, b) => held(a) && held(b),
            Self::In { value, .. } | Self::Like { value, .. } => held(value),
            Self::Not(inner) => inner.null_only_with(tested),
            Self::And(items) | Self::Or(items) => {
                items.iter().all(|item| item.never_null() || item.null_only_with(tested))
            }
            Self::Field(_)
            | Self::Text(_)
            | Self::Pattern(_)
            | Self::Number(_)
            | Self::Bool(_)
            | Self::Null
            | Self::Span(..)
            | Self::List(_)
            | Self::Star
            | Self::Call(..)
            | Self::Spelled { .. }
            | Self::InQuery { .. }
            | Self::IsNull(..)
            | Self::Arithmetic(..)
            | Self::Negate(_) => false,
        }
    }

    /// Calls `see` with every part, outermost first.
    pub(crate) fn visit<'e>(&'e self, see: &mut dyn FnMut(&'e Self)) {
        see(self);
        match self {
            Self::Field(_)
            | Self::Text(_)
            | Self::Pattern(_)
            | Self::Number(_)
            | Self::Bool(_)
            | Self::Null
            | Self::Span(..)
            | Self::Star => {}
            Self::List(items) | Self::And(items) | Self::Or(items) | Self::Call(_, items) => {
                items.iter().for_each(|item| item.visit(see));
            }
            Self::Spelled { args, .. } => args.iter().for_each(|arg| arg.visit(see)),
            Self::Compare(_, a, b) | Self::Arithmetic(_, a, b) => {
                a.visit(see);
                b.visit(see);
            }
            Self::In { value, list, .. } => {
                value.visit(see);
                list.iter().for_each(|item| item.visit(see));
            }
            // What the other query reads is its own.
            Self::InQuery { value, .. } | Self::Like { value, .. } => value.visit(see),
            Self::IsNull(inner, _) | Self::Negate(inner) | Self::Not(inner) => inner.visit(see),
        }
    }

    /// Whether a column is read.
    pub(crate) fn reads(&self, name: &Name) -> bool {
        let mut found = false;
        self.visit(&mut |part| found |= matches!(part, Self::Field(field) if field == name));
        found
    }

    /// Puts a value where a column is read.
    pub(crate) fn replace(&mut self, name: &Name, value: &Self) {
        match self {
            Self::Field(field) if field == name => *self = value.clone(),
            Self::Field(_)
            | Self::Text(_)
            | Self::Pattern(_)
            | Self::Number(_)
            | Self::Bool(_)
            | Self::Null
            | Self::Span(..)
            | Self::Star => {}
            Self::List(items) | Self::And(items) | Self::Or(items) | Self::Call(_, items) => {
                items.iter_mut().for_each(|item| item.replace(name, value));
            }
            Self::Spelled { args, .. } => args.iter_mut().for_each(|arg| arg.replace(name, value)),
            Self::Compare(_, a, b) | Self::Arithmetic(_, a, b) => {
                a.replace(name, value);
                b.replace(name, value);
            }
            Self::In { value: of, list, .. } => {
                of.replace(name, value);
                list.iter_mut().for_each(|item| item.replace(name, value));
            }
            Self::InQuery { value: of, .. } | Self::Like { value: of, .. } => of.replace(name, value),
            Self::IsNull(inner, _) | Self::Negate(inner) | Self::Not(inner) => inner.replace(name, value),
        }
    }

    /// Whether the expression has more parts than that.
    pub(crate) fn is_larger_than(&self, nodes: usize) -> bool {
        let mut count = 0usize;
        self.visit(&mut |_| count += 1);
        count > nodes
    }
}
