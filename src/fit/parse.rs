//! What a `parse` looks for, as one value, so that the fitters of several targets need not hand on its parts.

use crate::plan::{Expr, ParseKind, ParsePart};

/// What a `parse` looks for.
pub(crate) struct Pattern<'p> {
    /// The text that is taken apart.
    pub(crate) subject: &'p Expr,
    /// How constants are read.
    pub(crate) kind: ParseKind,
    /// Flags of the regular expression.
    pub(crate) flags: Option<&'p str>,
    /// Constants and columns.
    pub(crate) parts: &'p [ParsePart],
    /// Rows that do not match are dropped.
    pub(crate) filter: bool,
}
