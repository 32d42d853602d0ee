//! Columns of the hunt as fields of the event, and keys of dynamic values as fields of their own.

use std::sync::Arc;

use super::scope::{Column, Form};
use super::tree::{Expr, Name};
use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::Field;
use crate::plan::{ColumnRef, Expr as Meant, ExprKind, PathStep, ScalarType};
use crate::source::Span;
use crate::target::FieldType;

impl<'a> Fitter<'a, '_> {
    /// The column that an expression is, if it is nothing else.
    pub(super) fn held_column(&mut self, expr: &Meant) -> Fit<Option<Column<'a>>> {
        match &expr.kind {
            ExprKind::Column(reference) => {
                self.ledger.carried(expr.id);
                self.column(reference, expr.ty, expr.span).map(Some)
            }
            ExprKind::Path { .. } => self.part_column(expr),
            ExprKind::Literal(_)
            | ExprKind::Moment(_)
            | ExprKind::Call { .. }
            | ExprKind::Arithmetic { .. }
            | ExprKind::Negate(_)
            | ExprKind::Compare { .. }
            | ExprKind::Text(_)
            | ExprKind::In { .. }
            | ExprKind::Presence { .. }
            | ExprKind::Time(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Scalar(_) => Ok(None),
        }
    }

    /// The column at this place.
    pub(super) fn column(&mut self, column: &ColumnRef, ty: ScalarType, span: Span) -> Fit<Column<'a>> {
        if let Some(made) = self.scope.made.get(&column.name) {
            return Ok(made.clone());
        }
        if !self.scope.events && !self.scope.open {
            let message = format!("column `{}` is not one of the row at this place", column.name);
            return Err(Unsayable::new(Code::UnknownColumn, span, message));
        }
        if !self.scope.events || self.tables.is_empty() {
            return Ok(Column::computed(self.new_name(&column.name, span)?, ty));
        }
        let field = self.event_field(column, span)?;
        let name = Name::new(field.name.as_ref()).ok_or_else(|| unwritable(&field.name, span))?;
        let form = self.form_of(&field, ty);
        if let Form::Unread(read) = form {
            let message = format!("field `{}` is of type {}, which ES|QL does not read", field.name, type_name(read));
            let refused = Unsayable::new(Code::UnmappedColumn, span, message);
            return Err(refused.help("map the column to another field with --fields, or use the target eql"));
        }
        if matches!(field.elastic_type(), Some(FieldType::Text | FieldType::MatchOnlyText)) {
            let message =
                format!("field `{}` is analysed text, which is read from the source of the event", field.name);
            self.note(Code::FieldCaveat, Effect::Exact, span, message);
        }
        let empty_is_absent = self.tables.iter().all(crate::fit::Table::empty_is_absent);
        let many = field.is_list();
        let time = field.time;
        let column = Column::computed(name, ty);
        Ok(Column { form, many, present: time, empty_is_absent, known: Some(field), ..column })
    }

    /// The type in which a field holds the values of a column.
    fn form_of(&self, field: &Field<'a>, ty: ScalarType) -> Form {
        field.elastic_type().map_or_else(|| Form::of(ty), Form::mapped)
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
                return Err(unwritten(span, what));
            }
            found = Some(field);
        }
        found.ok_or_else(|| Unsayable::new(Code::Fault, span, "there is no table"))
    }

    /// A key of a dynamic column as a field of its own; `None` where the value that is looked into is no column.
    pub(super) fn part_column(&mut self, expr: &Meant) -> Fit<Option<Column<'a>>> {
        if let Some(column) = self.known_part(expr)? {
            return Ok(Some(column));
        }
        let mut keys: Vec<&str> = Vec::new();
        let mut nodes = Vec::new();
        let mut base = expr;
        loop {
            match &base.kind {
                ExprKind::Path { base: inner, steps } => {
                    let mut own = Vec::new();
                    for step in steps {
                        match step {
                            PathStep::Key(key) => own.push(key.as_str()),
                            PathStep::Index(_) | PathStep::Computed(_) => return Ok(None),
                        }
                    }
                    own.append(&mut keys);
                    keys = own;
                    nodes.push(base.id);
                    base = inner;
                }
                // What the column holds is already taken apart.
                ExprKind::Call { args, .. } if self.function_name(base) == Some("parse_json") => {
                    match args.as_slice() {
                        [of] if of.ty == ScalarType::Dynamic => {
                            nodes.push(base.id);
                            base = of;
                        }
                        _ => return Ok(None),
                    }
                }
                _ => break,
            }
        }
        let Some(reference) = base.as_column() else { return Ok(None) };
        // An element of a list of objects: what it holds lies in fields below the list's.
        let list = self.scope.objects.get(&reference.name).cloned();
        let (reference, keys) = match &list {
            Some((list, prefix)) => (list, prefix.iter().map(String::as_str).chain(keys).collect()),
            None => (reference, keys),
        };
        if !matches!(base.ty, ScalarType::Dynamic | ScalarType::Unknown) || !self.is_of_event(&reference.name) {
            return Ok(None);
        }
        let prefix = match self.tables.as_slice() {
            [table] => self.fields.key_prefix(Some(table), &reference.name),
            _ => None,
        };
        let prefix = match prefix {
            Some(prefix) => prefix.trim_end_matches('.').to_owned(),
            None => {
                let field = self.event_field(reference, base.span)?;
                if let Form::Unread(FieldType::Flattened) = self.form_of(&field, base.ty) {
                    return Ok(None);
                }
                field.name.into_owned()
            }
        };
        nodes.push(base.id);
        nodes.into_iter().for_each(|id| self.ledger.carried(id));
        let name = format!("{prefix}.{}", keys.join("."));
        let message = format!(
            "key `{}` of `{}` is looked for in field `{name}`: an array in it has no single value, and the field must be mapped",
            keys.join("."),
            reference.name,
        );
        self.note(Code::FieldCaveat, Effect::Unsure, expr.span, message.replace('\n', " "));
        let field = Name::new(name.clone()).ok_or_else(|| unwritable(&name, expr.span))?;
        Ok(Some(Column { form: Form::Untold, many: true, ..Column::computed(field, expr.ty) }))
    }

    /// Whether a column is one of the event as it was found.
    pub(super) fn is_of_event(&self, name: &Arc<str>) -> bool {
        self.scope.events && !self.scope.made.contains_key(name) && !self.tables.is_empty()
    }

    /// The column of the query that holds a column that the hunt makes: its own name.
    pub(super) fn new_name(&self, name: &str, span: Span) -> Fit<Name> {
        Name::new(name).ok_or_else(|| unwritable(name, span))
    }

    /// Whether a column holds a value in every row, as far as is known: it is no text, or it was tested.
    pub(super) fn is_there(&self, expr: &Meant, column: &Column<'_>) -> bool {
        column.present || expr.as_column().is_some_and(|reference| self.proven.contains(&reference.name))
    }

    /// A text that is never null: the empty text where there is none.
    pub(super) fn filled(&mut self, expr: &Meant) -> Fit<Expr> {
        let column = self.held_column(expr)?;
        let value = self.text_value(expr)?;
        match column {
            Some(column) if self.is_there(expr, &column) => Ok(value),
            Some(_) | None => Ok(value.or_empty()),
        }
    }
}

/// A name that ES|QL has no way to write.
pub(super) fn unwritable(name: &str, span: Span) -> Unsayable {
    let shown: String = name.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    let message = format!("`{shown}` can not be the name of a column in ES|QL");
    Unsayable::new(Code::EsqlName, span, message).help("give it another name, or name another field with --fields")
}

fn type_name(ty: FieldType) -> &'static str {
    match ty {
        FieldType::Flattened => "flattened",
        FieldType::Nested => "nested",
        FieldType::Object => "object",
        FieldType::GeoPoint => "geo_point",
        FieldType::Keyword
        | FieldType::ConstantKeyword
        | FieldType::Wildcard
        | FieldType::Text
        | FieldType::MatchOnlyText
        | FieldType::Long
        | FieldType::Double
        | FieldType::Float
        | FieldType::ScaledFloat
        | FieldType::Boolean
        | FieldType::Date
        | FieldType::Ip => "another kind",
    }
}
