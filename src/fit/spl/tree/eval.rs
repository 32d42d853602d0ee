//! The expressions of `where` and `eval`, and the small constructors that keep them free of needless nesting.
//!
//! What a function of KQL becomes is decided in [`function`](super::super::function), not here.

use super::name::Name;
use super::search::Order;
use crate::target::{Binding, Template};

/// Comparisons of the eval language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are those of `plan::CompareOp`.
pub(crate) enum Comparison {
    Eq,
    Ne,
    Order(Order),
}

/// Operators on numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are those of `plan::ArithmeticOp`.
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// An expression of the eval language.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum EvalExpr {
    /// A field.
    Field(Name),
    /// A text.
    Text(String),
    /// A regular expression of PCRE: a text whose control characters are already spelled out.
    Regex(String),
    /// A number, in the form that Splunk reads.
    Number(String),
    /// A function.
    Call(&'static str, Vec<EvalExpr>),
    /// A function as a row of data spells it.
    Spelled {
        /// The spelling.
        template: Template,
        /// How tightly the result binds.
        binding: Binding,
        /// The arguments.
        args: Vec<EvalExpr>,
    },
    /// A comparison.
    Compare(Comparison, Box<EvalExpr>, Box<EvalExpr>),
    /// `a + b`
    Arithmetic(Operator, Box<EvalExpr>, Box<EvalExpr>),
    /// `a . b`
    Concat(Vec<EvalExpr>),
    /// `-a`
    Negate(Box<EvalExpr>),
    /// `NOT a`
    Not(Box<EvalExpr>),
    /// All hold.
    And(Vec<EvalExpr>),
    /// One holds.
    Or(Vec<EvalExpr>),
}

impl EvalExpr {
    /// `a op b`
    pub(crate) fn compare(op: Comparison, a: Self, b: Self) -> Self {
        Self::Compare(op, Box::new(a), Box::new(b))
    }

    /// `a == b`
    pub(crate) fn eq(a: Self, b: Self) -> Self {
        Self::compare(Comparison::Eq, a, b)
    }

    /// `a != b`
    pub(crate) fn ne(a: Self, b: Self) -> Self {
        Self::compare(Comparison::Ne, a, b)
    }

    /// `a op b`
    pub(crate) fn arithmetic(op: Operator, a: Self, b: Self) -> Self {
        Self::Arithmetic(op, Box::new(a), Box::new(b))
    }

    /// `isnull(a)`
    pub(crate) fn is_null(a: Self) -> Self {
        Self::Call("isnull", vec![a])
    }

    /// `isnotnull(a)`
    pub(crate) fn is_not_null(a: Self) -> Self {
        Self::Call("isnotnull", vec![a])
    }

    /// `coalesce(a, "")`
    pub(crate) fn or_empty(a: Self) -> Self {
        Self::Call("coalesce", vec![a, Self::Text(String::new())])
    }

    /// `json_extract(a, "path")`
    pub(crate) fn json_extract(a: Self, path: &str) -> Self {
        Self::Call("json_extract", vec![a, Self::Text(path.to_owned())])
    }

    /// `null()`
    pub(crate) fn null() -> Self {
        Self::Call("null", Vec::new())
    }

    /// `true()`, `false()`
    pub(crate) fn bool(value: bool) -> Self {
        Self::Call(if value { "true" } else { "false" }, Vec::new())
    }

    /// `NOT a`; the negation of a test of presence is the other test.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Call("isnull", args) => Self::Call("isnotnull", args),
            Self::Call("isnotnull", args) => Self::Call("isnull", args),
            Self::Call("true", args) => Self::Call("false", args),
            Self::Call("false", args) => Self::Call("true", args),
            other => Self::Not(Box::new(other)),
        }
    }

    /// All hold, with nested conjunctions taken up; `true()` of none.
    pub(crate) fn all(items: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for item in items {
            match item {
                Self::And(inner) => flat.extend(inner),
                Self::Call("true", _) => {}
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::bool(true),
            1 => flat.remove(0),
            _ => Self::And(flat),
        }
    }

    /// One holds, with nested disjunctions taken up; `false()` of none.
    pub(crate) fn any(items: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for item in items {
            match item {
                Self::Or(inner) => flat.extend(inner),
                Self::Call("false", _) => {}
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::bool(false),
            1 => flat.remove(0),
            _ => Self::Or(flat),
        }
    }

    /// Whether the expression has more than so many nodes.
    pub(crate) fn is_larger_than(&self, limit: usize) -> bool {
        let mut left = limit;
        let mut open = vec![self];
        while let Some(expr) = open.pop() {
            let Some(rest) = left.checked_sub(1) else { return true };
            left = rest;
            match expr {
                Self::Field(_) | Self::Text(_) | Self::Regex(_) | Self::Number(_) => {}
                Self::Call(_, items)
                | Self::Spelled { args: items, .. }
                | Self::Concat(items)
                | Self::And(items)
                | Self::Or(items) => open.extend(items),
                Self::Compare(_, a, b) | Self::Arithmetic(_, a, b) => open.extend([a.as_ref(), b.as_ref()]),
                Self::Negate(a) | Self::Not(a) => open.push(a),
            }
        }
        false
    }

    /// Reads another field in place of one.
    pub(crate) fn rename(&mut self, from: &Name, to: &Name) {
        match self {
            Self::Field(name) if name == from => *name = to.clone(),
            Self::Field(_) | Self::Text(_) | Self::Regex(_) | Self::Number(_) => {}
            Self::Call(_, items)
            | Self::Spelled { args: items, .. }
            | Self::Concat(items)
            | Self::And(items)
            | Self::Or(items) => items.iter_mut().for_each(|item| item.rename(from, to)),
            Self::Compare(_, a, b) | Self::Arithmetic(_, a, b) => {
                a.rename(from, to);
                b.rename(from, to);
            }
            Self::Negate(a) | Self::Not(a) => a.rename(from, to),
        }
    }

    /// Whether a field is read.
    pub(crate) fn reads(&self, name: &Name) -> bool {
        let mut found = false;
        self.fields(&mut |field| found |= field == name);
        found
    }

    /// Calls `see` with each field that is read.
    pub(crate) fn fields(&self, see: &mut dyn FnMut(&Name)) {
        match self {
            Self::Field(name) => see(name),
            Self::Text(_) | Self::Regex(_) | Self::Number(_) => {}
            Self::Call(_, items)
            | Self::Spelled { args: items, .. }
            | Self::Concat(items)
            | Self::And(items)
            | Self::Or(items) => items.iter().for_each(|item| item.fields(see)),
            Self::Compare(_, a, b) | Self::Arithmetic(_, a, b) => {
                a.fields(see);
                b.fields(see);
            }
            Self::Negate(a) | Self::Not(a) => a.fields(see),
        }
    }
}
