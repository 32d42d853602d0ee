//! Where an expression stands, and what a name or a call there comes to. Data only.

use std::rc::Rc;

use super::columns::{Row, Rows};
use super::scope::Scope;
use crate::plan::Expr;

/// Where an expression stands: the names and the columns that it sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'r> {
    pub(super) scope: Scope,
    /// The row; none outside of a pipeline.
    pub(super) row: Option<&'r Row>,
    /// The right row, in the condition of a join.
    pub(super) right: Option<&'r Row>,
}

impl<'r> Place<'r> {
    /// Outside of a pipeline.
    pub(super) fn outside(scope: Scope) -> Self {
        Self { scope, row: None, right: None }
    }

    /// Over a row.
    pub(super) fn over(scope: Scope, row: &'r Row) -> Self {
        Self { scope, row: Some(row), right: None }
    }
}

/// What a name of the hunt stands for.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    Value(Rc<Expr>, usize),
    Rows(Rc<Rows>, usize),
    Function,
}

/// A result of a function.
pub(super) enum Outcome {
    Value(Expr),
    Rows(Rows),
}
