//! Parts of dynamic columns that the schema knows by their path: each is a field of its own.
//!
//! Paths of which it says nothing are for `value.rs`.

use crate::plan::{Expr, ExprKind, PathStep};
use crate::target::FieldType;

use super::condition::{Conditions, Said, Unsayable};
use super::scope::{Meaning, Place, Scope};
use super::tree::Value;
use crate::diagnostic::Polarity;

impl<'p, 'a> Conditions<'p, 'a, '_> {
    /// The field of a path into a dynamic column, where the schema lists the parts of the column.
    pub(super) fn known_part(
        &mut self,
        expr: &'p Expr,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Option<(Value, Option<FieldType>)>> {
        // Steps from the last to the first, as they are met.
        let mut steps: Vec<&PathStep> = Vec::new();
        let (mut base, mut at): (&'p Expr, Place) = (expr, at);
        let column = loop {
            match &base.kind {
                ExprKind::Path { base: inner, steps: own } => {
                    steps.extend(own.iter().rev());
                    base = inner;
                }
                ExprKind::Column(column) => match scope.meaning(&column.name, column.known, at) {
                    Meaning::Computed(inner, place) => (base, at) = (inner, place),
                    Meaning::Source => break column,
                    Meaning::Lost(..) => return Ok(None),
                },
                // The text of a part, read again.
                ExprKind::Call { args, .. } => match (self.function(base), args.as_slice()) {
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
        steps.reverse();
        let part = self.fields.part(self.ledger, &scope.table, column, &steps, expr.span, polarity);
        let Some(field) = part.map_err(|refusal| {
            let unsayable = Unsayable::new(refusal.code, expr.span, refusal.message.clone());
            match refusal.help {
                Some(help) => unsayable.help(help),
                None => unsayable,
            }
        })?
        else {
            return Ok(None);
        };
        let elastic_type = field.map.and_then(|map| map.elastic_type).or(Some(FieldType::Keyword));
        Ok(Some((Value::Field { name: field.name.into_owned(), optional: true }, elastic_type)))
    }
}
