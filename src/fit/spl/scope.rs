//! Names of columns at a place of the pipeline: which field holds a column, and what is known of its values.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tree::{EvalExpr, Name};
use crate::plan::ScalarType;

/// A column at a place of the pipeline.
#[derive(Clone, Debug)]
pub(super) struct Column<'a> {
    /// The field that holds it.
    pub(super) field: Name,
    /// Its type in KQL.
    pub(super) ty: ScalarType,
    /// It is a field of the event as it was found, so that the base search can look at it.
    pub(super) raw: bool,
    /// It holds a moment as seconds since 1970: the event's time and what was computed.
    pub(super) seconds: bool,
    /// A value that is missing arrives as this text.
    pub(super) null_text: Option<Arc<str>>,
    /// A missing number is the empty text: it was made a key of a group.
    pub(super) blank: bool,
    /// It is never missing: the event's time, a count.
    pub(super) present: bool,
    /// What the schema says of the field.
    pub(super) known: Option<crate::fit::Field<'a>>,
}

impl Column<'_> {
    /// A column that the query computes.
    pub(super) fn computed(field: Name, ty: ScalarType) -> Self {
        Self { field, ty, raw: false, seconds: true, null_text: None, blank: false, present: false, known: None }
    }

    /// The value as it stands.
    pub(super) fn bare(&self) -> EvalExpr {
        EvalExpr::Field(self.field.clone())
    }

    /// The value, where the text that stands for a missing one is none.
    pub(super) fn value(&self) -> EvalExpr {
        if self.ty.is_numeric() && (self.blank || self.null_text.is_some()) {
            return EvalExpr::Call("tonumber", vec![self.bare()]);
        }
        match &self.null_text {
            Some(text) => EvalExpr::Call("nullif", vec![self.bare(), EvalExpr::Text(text.to_string())]),
            None if self.blank
                && !matches!(self.ty, ScalarType::String | ScalarType::Dynamic | ScalarType::Unknown) =>
            {
                EvalExpr::Call("nullif", vec![self.bare(), EvalExpr::Text(String::new())])
            }
            None => self.bare(),
        }
    }
}

/// The columns at a place of the pipeline.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'a> {
    /// Columns that a stage has made.
    pub(super) made: BTreeMap<Arc<str>, Column<'a>>,
    /// The event is still there: a column that no stage has made is one of the table.
    pub(super) events: bool,
}
