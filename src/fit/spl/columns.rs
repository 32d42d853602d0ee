//! Columns of the hunt as fields of the event.

use std::sync::Arc;

use super::matcher::is_searchable;
use super::scope::Column;
use super::tree::Name;
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::fit::Field;
use crate::plan::{ColumnRef, Expr, ScalarType};
use crate::source::Span;

impl<'a> Fitter<'a, '_> {
    /// The column that an expression is, if it is nothing else.
    pub(super) fn held_column(&mut self, expr: &Expr) -> Fit<Option<Column<'a>>> {
        expr.as_column().map(|reference| self.column(reference, expr.ty, expr.span)).transpose()
    }

    /// The field of a column at this place.
    pub(super) fn column(&mut self, column: &ColumnRef, ty: ScalarType, span: Span) -> Fit<Column<'a>> {
        if let Some(made) = self.scope.made.get(&column.name) {
            return Ok(made.clone());
        }
        if !self.scope.events && self.scope.open {
            let field = self.new_field(&column.name, span)?;
            return Ok(Column { seconds: false, ..Column::computed(field, ty) });
        }
        if !self.scope.events {
            let message = format!("column `{}` is not one of the row at this place", column.name);
            return Err(Unsayable::new(Code::UnknownColumn, span, message));
        }
        if self.tables.is_empty() {
            return self.untold_column(column, ty, span);
        }
        let field = self.event_field(column, span)?;
        let time = field.time;
        if let Some(column) = self.json_column(&field, ty) {
            return Ok(column);
        }
        let Some(name) = Name::new(field.name.as_ref()) else {
            let message = format!("`{}` can not be the name of a field in SPL", field.name);
            return Err(Unsayable::new(Code::SplName, span, message).help("name another field with --fields"));
        };
        let own = field.map.and_then(|map| map.null_text.as_deref()).map(Arc::from);
        let null_text = if time { None } else { own.or_else(|| self.null_text.clone()) };
        let name = self.model_field(name, &field, ty);
        let column = Column::computed(name, ty);
        let iso = !time && ty == ScalarType::Datetime && self.fields.keeps_names();
        Ok(Column { raw: true, seconds: time, iso, null_text, present: time, known: Some(field), ..column })
    }

    /// A column of rows of which no table tells: those of a lookup, or the events of every table.
    fn untold_column(&mut self, column: &ColumnRef, ty: ScalarType, span: Span) -> Fit<Column<'a>> {
        if self.generator.is_none() && self.time_columns.contains(&column.name) {
            let time = Column::computed(Name::of("_time"), ty);
            return Ok(Column { raw: true, present: true, ..time });
        }
        let field = self.new_field(&column.name, span)?;
        Ok(Column { raw: self.generator.is_none(), seconds: false, ..Column::computed(field, ty) })
    }

    /// Notes that a value is given out which the ingest has changed; comparisons follow the change by themselves.
    pub(super) fn given_out(&mut self, column: &Column<'_>, span: Span) {
        let Some(field) = column.known.as_ref() else { return };
        if field.map.is_some_and(|map| map.changes_values()) {
            let message =
                format!("the ingest replaces values of field `{}`, which are given out as they are", field.name);
            self.note(Code::ValueChanged, Effect::Unsure, span, message);
        }
    }

    /// A column that lies in the JSON of the event as an object or array, of which Splunk has only the scalars as fields:
    /// `a.b`, `a{}.b`.
    fn json_column(&self, field: &Field<'a>, ty: ScalarType) -> Option<Column<'a>> {
        let name = field.name.as_ref();
        let marked = name.ends_with(".*") || name.ends_with("{}");
        let path = name.strip_suffix(".*").unwrap_or(name);
        let path = path.strip_suffix("{}").unwrap_or(path);
        // A dynamic value under a dotted name is a part of the event's JSON, too; it may be a text that holds JSON.
        let inside = ty == ScalarType::Dynamic && path.contains('.') && !self.fields.keeps_names();
        if !(marked || inside) || path.is_empty() {
            return None;
        }
        let column = Column { raw: true, seconds: false, ..Column::computed(Name::of("_raw"), ty) };
        Some(Column { parts: vec![path.to_owned()], nested: marked, ..column })
    }

    /// The field that the base search looks at to find values of a column.
    pub(super) fn base_field(&self, column: &Column<'_>) -> Option<Name> {
        let searched = column.raw && column.is_field() && self.base_open && is_searchable(&column.field);
        searched.then(|| column.field.clone())
    }

    /// The field of the event that holds a column, the same in every table of the hunt.
    fn event_field(&mut self, column: &ColumnRef, span: Span) -> Fit<Field<'a>> {
        let mut found: Option<Field<'a>> = None;
        for table in &self.tables {
            let field = if table.row.is_none() && table.map.is_none() && self.time_columns.contains(&column.name) {
                // A table that is not known has its events' time where such tables have it.
                Field { name: self.frame.schema.time_field.as_str().into(), time: true, map: None }
            } else {
                self.fields.column(self.ledger, Some(table), column, span, self.polarity).map_err(Unsayable)?
            };
            if found.as_ref().is_some_and(|other| other.name != field.name || other.time != field.time) {
                let what = format!("column `{}`, which is another field in each table of the union,", column.name);
                return Err(Unsayable::not_yet(span, what));
            }
            found = Some(field);
        }
        found.ok_or_else(|| Unsayable::new(Code::Fault, span, "the hunt has no table"))
    }

    /// The field of a new column. Under another schema than KQL's own it may be the field of another column.
    pub(super) fn new_field(&self, name: &str, span: Span) -> Fit<Name> {
        let mut maps = self.tables.iter().filter_map(|table| table.map);
        let taken =
            |map: &crate::target::TableMap| map.columns.iter().any(|(column, it)| it.field == name && column != name);
        if self.scope.events && maps.any(taken) {
            return Err(Unsayable::not_yet(
                span,
                format!("a column `{name}`, whose name is that of another column's field,"),
            ));
        }
        // `$table`, which `search` adds, is the one name of KQL that begins so.
        Name::new(name.strip_prefix('$').unwrap_or(name)).ok_or_else(|| {
            let message = format!("`{name}` can not be the name of a field in SPL");
            Unsayable::new(Code::SplName, span, message).help("name the column with letters, digits and `_`")
        })
    }
}
