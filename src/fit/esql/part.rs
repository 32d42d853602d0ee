//! Parts of dynamic columns that the schema knows by their path: each is a field of its own.
//!
//! Paths of which it says nothing are for `columns.rs`.

use super::columns::unwritable;
use super::scope::{Column, Form};
use super::tree::Name;
use super::{Fit, Fitter, Unsayable};
use crate::plan::{Expr as Meant, ExprKind, PathStep};
use crate::target::FieldType;

impl<'a> Fitter<'a, '_> {
    /// The field of a path into a dynamic column, where the schema lists the parts of the column.
    pub(super) fn known_part(&mut self, expr: &Meant) -> Fit<Option<Column<'a>>> {
        let [table] = self.tables.as_slice() else { return Ok(None) };
        // Steps from the last to the first, as they are met.
        let mut steps: Vec<&PathStep> = Vec::new();
        let mut nodes = Vec::new();
        let mut base = expr;
        let reference = loop {
            nodes.push(base.id);
            match &base.kind {
                ExprKind::Path { base: inner, steps: own } => {
                    steps.extend(own.iter().rev());
                    base = inner;
                }
                ExprKind::Column(reference) => break reference,
                // The text of a part, read again.
                ExprKind::Call { args, .. } => match (self.function_name(base), args.as_slice()) {
                    (Some("parse_json" | "tostring"), [of]) => base = of,
                    _ => return Ok(None),
                },
                ExprKind::Literal(_)
                | ExprKind::Moment(_)
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
                | ExprKind::Scalar(_) => return Ok(None),
            }
        };
        if !self.is_of_event(&reference.name) {
            return Ok(None);
        }
        steps.reverse();
        let part = self.fields.part(self.ledger, table, reference, &steps, expr.span, self.polarity);
        let Some(field) = part.map_err(Unsayable)? else { return Ok(None) };
        nodes.into_iter().for_each(|id| self.ledger.carried(id));
        let name = Name::new(field.name.as_ref()).ok_or_else(|| unwritable(&field.name, expr.span))?;
        let form = Form::mapped(field.map.and_then(|map| map.elastic_type).unwrap_or(FieldType::Keyword));
        Ok(Some(Column { form, many: field.is_list(), ..Column::computed(name, expr.ty) }))
    }
}
