//! Names of columns at a place of the pipeline: which field holds a column, and what is known of its values.

use super::form::{call, text};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::tree::{EvalExpr, Name};
use crate::plan::ScalarType;

/// How Splunk holds a value of type `dynamic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// As its JSON text; what is no object and no array is the bare value. What is not dynamic has this shape, too.
    Json,
    /// As a multivalue field of scalars, which is missing where the array is empty.
    Multi,
}

/// A column at a place of the pipeline.
#[derive(Clone, Debug)]
pub(super) struct Column<'a> {
    /// The field that holds it.
    pub(super) field: Name,
    /// It is not the field itself but a part of the JSON text in it: the paths that are followed one after the other, see
    /// <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/evaluation-functions/json-functions>.
    /// A text that itself holds JSON takes a path of its own.
    pub(super) parts: Vec<String>,
    /// The last path leads into the JSON of the event itself: what is below continues it.
    pub(super) nested: bool,
    /// The field in which the event holds the value where it is a scalar, for the base search.
    pub(super) scalar: Option<Name>,
    /// Its type in KQL.
    pub(super) ty: ScalarType,
    /// How a dynamic value is held.
    pub(super) shape: Shape,
    /// It is a field of the event as it was found, so that the base search can look at it.
    pub(super) raw: bool,
    /// It holds a moment as seconds since 1970: the event's time and what was computed.
    pub(super) seconds: bool,
    /// It holds a moment as ISO 8601 text in UTC: `2024-06-15T12:00:00.123Z`, the fraction where there is one.
    pub(super) iso: bool,
    /// A multivalue that is missing is null, not an array without elements.
    pub(super) null_array: bool,
    /// The type of the elements of a list that an aggregate has made.
    pub(super) elements: ScalarType,
    /// It holds XML: what is looked into it is looked up with `spath`.
    pub(super) xml: bool,
    /// A value that is missing arrives as this text.
    pub(super) null_text: Option<Arc<str>>,
    /// A missing number is the empty text: it was made a key of a group.
    pub(super) blank: bool,
    /// It is never missing: the event's time, a count.
    pub(super) present: bool,
    /// It is a number above zero: the count of a group.
    pub(super) positive: bool,
    /// What the schema says of the field.
    pub(super) known: Option<crate::fit::Field<'a>>,
}

impl Column<'_> {
    /// A column that the query computes.
    pub(super) fn computed(field: Name, ty: ScalarType) -> Self {
        Self {
            field,
            parts: Vec::new(),
            nested: false,
            scalar: None,
            ty,
            shape: Shape::Json,
            raw: false,
            seconds: true,
            iso: false,
            null_array: false,
            elements: ScalarType::Unknown,
            xml: false,
            null_text: None,
            blank: false,
            present: false,
            positive: false,
            known: None,
        }
    }

    /// The value as it stands.
    pub(super) fn bare(&self) -> EvalExpr {
        self.parts.iter().fold(EvalExpr::Field(self.field.clone()), |text, path| EvalExpr::json_extract(text, path))
    }

    /// The value, where the text that stands for a missing one is none.
    pub(super) fn value(&self) -> EvalExpr {
        if self.ty.is_numeric() && (self.blank || self.null_text.is_some()) {
            return call("tonumber", [self.bare()]);
        }
        match &self.null_text {
            Some(text) => call("nullif", [self.bare(), EvalExpr::Text(text.to_string())]),
            None if self.blank
                && !matches!(self.ty, ScalarType::String | ScalarType::Dynamic | ScalarType::Unknown) =>
            {
                call("nullif", [self.bare(), text("")])
            }
            None => self.bare(),
        }
    }

    /// The same with another type.
    pub(super) fn typed(self, ty: ScalarType) -> Self {
        Self { ty, ..self }
    }

    /// Whether the column is the field and nothing else.
    pub(super) fn is_field(&self) -> bool {
        self.parts.is_empty()
    }
}

/// The columns at a place of the pipeline.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'a> {
    /// Columns that a stage has made.
    pub(super) made: BTreeMap<Arc<str>, Column<'a>>,
    /// The event is still there: a column that no stage has made is one of the table.
    pub(super) events: bool,
    /// There may be more columns than are known, each a field of its name: an object was unpacked.
    pub(super) open: bool,
}
