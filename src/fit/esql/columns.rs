//! Columns of the hunt as fields of the event, and keys of dynamic values as fields of their own.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::scope::{Column, Form, Keys};
use super::tree::{Expr, Name};
use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::{Field, Table};
use crate::plan::{ColumnRef, Expr as Meant, ExprKind, NodeRef, PathStep, Pipeline, ScalarType, Tree};
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
            let what = match made.keys {
                Some(Keys::Place) => Some("the bag of a place"),
                Some(Keys::Flattened) => Some("a flattened field"),
                Some(Keys::Event) | None => None,
            };
            if let Some(what) = what {
                let message = format!("column `{}` is {what}, of which ES|QL sees the parts alone", column.name);
                return Err(Unsayable::new(Code::RefusedFunction, span, message).help("name the part"));
            }
            return Ok(made.clone());
        }
        if let Some(bag) = self.scope.unpacked.clone().filter(|bag| !column.known && bag.name != column.name) {
            return self.unpacked_key(bag, &column.name, span);
        }
        if let Some(reason) = self.lost.get(&column.name) {
            let message = format!("column `{}` could not be made: {reason}", column.name);
            return Err(Unsayable::new(Code::UnmappedColumn, span, message));
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
        let object = ty == ScalarType::Dynamic && form == Form::Keyword && !many;
        Ok(Column { form, many, object, present: time, empty_is_absent, known: Some(field), ..column })
    }

    /// A key of an object that was unpacked.
    fn unpacked_key(&mut self, bag: ColumnRef, key: &Arc<str>, span: Span) -> Fit<Column<'a>> {
        let base = Meant::new(ExprKind::Column(bag), ScalarType::Dynamic, span);
        let steps = vec![PathStep::Key(key.to_string())];
        let part = Meant::new(ExprKind::Path { base: Box::new(base), steps }, ScalarType::Dynamic, span);
        if let Some(column) = self.part_column(&part)? {
            return Ok(column);
        }
        let value = self.value(&part)?;
        let form = self.form(&part);
        let field = self.column_of_value(value);
        Ok(Column { form, ..Column::computed(field, ScalarType::Dynamic) })
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
                ExprKind::Literal(_)
                | ExprKind::Moment(_)
                | ExprKind::Column(_)
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
                | ExprKind::Scalar(_) => match self.taken_apart(base) {
                    Some(inner) => {
                        nodes.push(base.id);
                        base = inner;
                    }
                    None => break,
                },
            }
        }
        if keys.is_empty() {
            return Ok(None);
        }
        let Some(reference) = base.as_column() else { return Ok(None) };
        // An element of a list of objects: what it holds lies in fields below the list's.
        let list = self.scope.objects.get(&reference.name).cloned();
        let (reference, keys) = match &list {
            Some((list, prefix)) => (list, prefix.iter().map(String::as_str).chain(keys).collect()),
            None => (reference, keys),
        };
        let sayable = if list.is_some() { self.is_of_event(&reference.name) } else { self.has_fields(base) };
        if !sayable {
            return Ok(None);
        }
        let Some(prefix) = self.key_prefix(reference, base)? else { return Ok(None) };
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

    /// What the names of the fields begin with that hold the keys of a column; `None` of one that is `flattened`.
    pub(super) fn key_prefix(&mut self, reference: &ColumnRef, base: &Meant) -> Fit<Option<String>> {
        if let Some(made) = self.scope.made.get(&reference.name) {
            return Ok((made.keys != Some(Keys::Flattened)).then(|| made.field.text().to_owned()));
        }
        let prefix = match self.tables.as_slice() {
            [table] => self.fields.key_prefix(Some(table), &reference.name),
            _ => None,
        };
        if let Some(prefix) = prefix {
            return Ok(Some(prefix.trim_end_matches('.').to_owned()));
        }
        let field = self.event_field(reference, base.span)?;
        let flattened = matches!(self.form_of(&field, base.ty), Form::Unread(FieldType::Flattened));
        Ok((!flattened).then(|| field.name.into_owned()))
    }

    /// The field of a `flattened` column of the event.
    pub(super) fn flattened(&mut self, reference: &ColumnRef, base: &Meant) -> Fit<Name> {
        if let Some(made) = self.scope.made.get(&reference.name) {
            return Ok(made.field.clone());
        }
        let field = self.event_field(reference, base.span)?;
        Name::new(field.name.as_ref()).ok_or_else(|| unwritable(&field.name, base.span))
    }

    /// Whether the keys of a column are fields of the event.
    pub(super) fn has_fields(&self, base: &Meant) -> bool {
        let Some(reference) = base.as_column() else { return false };
        match self.scope.made.get(&reference.name) {
            Some(made) => matches!(made.keys, Some(Keys::Event | Keys::Flattened)),
            None => {
                self.is_of_event(&reference.name)
                    && (matches!(base.ty, ScalarType::Dynamic | ScalarType::Unknown) || self.is_flattened(base))
            }
        }
    }

    /// Whether a column is a field of type `flattened`.
    pub(super) fn is_flattened(&self, base: &Meant) -> bool {
        let Some(reference) = base.as_column() else { return false };
        if let Some(made) = self.scope.made.get(&reference.name) {
            return made.keys == Some(Keys::Flattened);
        }
        let flat = |table: &Table<'_>| {
            let map = table.map.and_then(|map| map.columns.get(reference.name.as_ref()));
            map.is_some_and(|map| map.elastic_type == Some(FieldType::Flattened))
        };
        self.scope.events && !self.tables.is_empty() && self.tables.iter().all(flat)
    }

    /// What `parse_json` is of, where that is a dynamic value already: such a value stays what it is, and a field of the
    /// event whose text is taken is an object as well.
    pub(super) fn taken_apart<'e>(&self, expr: &'e Meant) -> Option<&'e Meant> {
        let ExprKind::Call { args, .. } = &expr.kind else { return None };
        let [of] = args.as_slice() else { return None };
        match self.function_name(expr) {
            Some("parse_json") if of.ty == ScalarType::Dynamic || self.is_flattened(of) => Some(of),
            Some("parse_json") => self.taken_apart(of).map(|_| of),
            Some("tostring") if of.ty == ScalarType::Dynamic && self.is_event_part(of) => Some(of),
            Some(_) | None => None,
        }
    }

    /// Whether a value is a dynamic column of the event, or a part of one.
    pub(super) fn is_event_part(&self, expr: &Meant) -> bool {
        let mut base = expr;
        loop {
            base = match (&base.kind, self.taken_apart(base)) {
                (_, Some(inner)) => inner,
                (ExprKind::Path { base, .. }, None) => base,
                (_, None) => return self.has_fields(base),
            };
        }
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

/// The columns of which a part is taken by its key.
pub(super) fn taken_apart(pipeline: &Pipeline) -> BTreeSet<Arc<str>> {
    let mut names = BTreeSet::new();
    pipeline.visit(&mut |node| {
        let NodeRef::Expr(Meant { kind: ExprKind::Path { base, steps }, .. }) = node else { return };
        let mut base = base.as_ref();
        while let ExprKind::Call { args, .. } = &base.kind
            && let [of] = args.as_slice()
        {
            base = of;
        }
        if let Some(column) = base.as_column().filter(|_| steps.iter().any(|step| matches!(step, PathStep::Key(_)))) {
            names.insert(column.name.clone());
        }
    });
    names
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
