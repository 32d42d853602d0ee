//! Columns at a place of the pipeline: which one of the query holds a column of the hunt, and what is known of its values.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tree::{Expr, Glob, Name};
use crate::plan::{ColumnRef, ScalarType};
use crate::target::FieldType;

/// The type that a column has in ES|QL, see
/// <https://www.elastic.co/docs/reference/query-languages/esql/limitations#esql-supported-types>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `keyword`, and what is compared as such.
    Keyword,
    /// `long`, `integer`
    Long,
    /// `double`
    Double,
    /// `boolean`
    Boolean,
    /// `date`
    Date,
    /// `ip`
    Ip,
    /// A type that the schema does not tell: a key of a dynamic value.
    Untold,
    /// A type that ES|QL does not read.
    Unread(FieldType),
}

impl Form {
    /// The type that holds values of a type of KQL as they are. A span of time is a number of milliseconds.
    pub(super) fn of(ty: ScalarType) -> Self {
        match ty {
            ScalarType::Bool => Self::Boolean,
            ScalarType::Datetime => Self::Date,
            ScalarType::Real | ScalarType::Decimal => Self::Double,
            ScalarType::Int | ScalarType::Long | ScalarType::Timespan => Self::Long,
            ScalarType::Dynamic | ScalarType::Guid | ScalarType::String | ScalarType::Unknown => Self::Keyword,
        }
    }

    /// The type of a field of the mapping.
    pub(super) fn mapped(ty: FieldType) -> Self {
        match ty {
            FieldType::Keyword
            | FieldType::ConstantKeyword
            | FieldType::Wildcard
            | FieldType::Text
            | FieldType::MatchOnlyText => Self::Keyword,
            FieldType::Long => Self::Long,
            FieldType::Double | FieldType::Float | FieldType::ScaledFloat => Self::Double,
            FieldType::Boolean => Self::Boolean,
            FieldType::Date => Self::Date,
            FieldType::Ip => Self::Ip,
            FieldType::Flattened | FieldType::Nested | FieldType::Object | FieldType::GeoPoint => Self::Unread(ty),
        }
    }
}

/// Where the keys of a bag are, if each is a column of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// Fields of the event whose names begin with that of the column.
    Event,
    /// Keys of a `flattened` field, each of which `FIELD_EXTRACT` takes.
    Flattened,
    /// Columns of `IP_LOCATION`, whose names begin with that of the column; there is no column of the name itself.
    Place,
}

/// A column at a place of the pipeline.
#[derive(Clone, Debug)]
pub(super) struct Column<'a> {
    /// The column of the query that holds it.
    pub(super) field: Name,
    /// Its type in KQL.
    pub(super) ty: ScalarType,
    /// Its type in ES|QL.
    pub(super) form: Form,
    /// It may hold several values: a list that an aggregate made, or an array of the event.
    pub(super) many: bool,
    /// Its values have the order that they have in KQL.
    pub(super) ordered: bool,
    /// Its keys are columns of their own.
    pub(super) keys: Option<Keys>,
    /// It is a dynamic column of the event as a whole, of which ES|QL sees the text alone.
    pub(super) object: bool,
    /// It is never missing: the event's time, a count, a key whose missing values were filled.
    pub(super) present: bool,
    /// A missing text was empty at the source, or the other way round: the two can not be told apart.
    pub(super) empty_is_absent: bool,
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
            ty,
            form: Form::of(ty),
            many: false,
            ordered: false,
            keys: None,
            object: false,
            present: false,
            empty_is_absent: false,
            positive: false,
            known: None,
        }
    }

    /// The names of what holds it, to be kept or dropped.
    pub(super) fn glob(&self) -> Glob {
        match self.keys {
            Some(Keys::Event | Keys::Place) => Glob::below(&self.field),
            Some(Keys::Flattened) | None => Glob::from(&self.field),
        }
    }

    /// The column as it stands.
    pub(super) fn bare(&self) -> Expr {
        Expr::Field(self.field.clone())
    }

    /// The value in the type that holds KQL's.
    pub(super) fn value(&self) -> Expr {
        converted(self.bare(), self.form, Form::of(self.ty))
    }
}

/// A value in another type; null, with a warning, where it has no form in it.
pub(super) fn converted(value: Expr, from: Form, to: Form) -> Expr {
    if from == to {
        return value;
    }
    match to {
        Form::Keyword => Expr::call("TO_STRING", [value]),
        Form::Long => Expr::call("TO_LONG", [value]),
        Form::Double if from == Form::Long => value,
        Form::Double => Expr::call("TO_DOUBLE", [value]),
        Form::Boolean => Expr::call("TO_BOOLEAN", [value]),
        Form::Date => Expr::call("TO_DATETIME", [value]),
        Form::Ip => Expr::call("TO_IP", [value]),
        Form::Untold | Form::Unread(_) => value,
    }
}

/// The columns at a place of the pipeline.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'a> {
    /// Columns that a stage has made.
    pub(super) made: BTreeMap<Arc<str>, Column<'a>>,
    /// Names of the elements of lists of objects: the list that they are of, and the keys that lead to it.
    pub(super) objects: BTreeMap<Arc<str>, (ColumnRef, Vec<String>)>,
    /// An object whose keys are columns of their own names.
    pub(super) unpacked: Option<ColumnRef>,
    /// The event is still there: a column that no stage has made is one of the table.
    pub(super) events: bool,
    /// There may be more columns than are known, each of its own name.
    pub(super) open: bool,
}
