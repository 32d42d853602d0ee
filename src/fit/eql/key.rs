//! Keys of joins and groups: EQL joins by fields, not by what is computed of them.

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::plan::{Binding, ColumnRef, Expr, ExprKind, ScalarType, Value as Literal};
use crate::source::Span;

use super::condition::{Conditions, DEPTH, Said, Unsayable};
use super::rows::Rows;
use super::scope::{Meaning, Place, Scope};
use super::sets::Selection;
use super::tree::{Key, Value};
use super::value::empty_is_absent;

/// What says a key.
pub(super) enum Of<'p> {
    Expr(&'p Expr),
    /// A column by name; whether it is a text, and where it is asked for.
    Column(ColumnRef, bool, Span),
}

/// What a key of a join is.
pub(super) enum KeyOf {
    Field(Key),
    /// The time, cut down to windows of this size; none is the time itself.
    Time(i64),
}

impl<'p, 'a> Rows<'p, 'a, '_> {
    /// The first of these sets that a key belongs to, and the field that it is there.
    pub(super) fn key_in(&mut self, of: Of<'p>, at: Place, rows: &Selection<'p, 'a>) -> Said<(usize, KeyOf)> {
        let mut other = None;
        for set in 0..rows.sets.len() {
            match self.key(&of, set, at, rows) {
                Err(unsayable) if unsayable.joined => other = Some(unsayable),
                found => return found.map(|key| (set, key)),
            }
        }
        let none = || Unsayable::new(Code::RefusedPredicate, Span::default(), "the key is no column of the events");
        Err(other.unwrap_or_else(none))
    }

    /// The field that a key is in all branches of a set.
    fn key(&mut self, of: &Of<'p>, set: usize, at: Place, rows: &Selection<'p, 'a>) -> Said<KeyOf> {
        let mut found: Option<KeyOf> = None;
        for branch in rows.sets.get(set).map(|set| set.branches.as_slice()).unwrap_or_default() {
            let own = match of {
                Of::Expr(expr) => self.conditions.key(expr, &branch.scope, at)?,
                Of::Column(column, optional, span) => {
                    self.conditions.key_column(column, *optional, *span, &branch.scope, at)?
                }
            };
            match (&found, &own) {
                (None, _) => found = Some(own),
                (Some(KeyOf::Field(known)), KeyOf::Field(own)) if known == own => {}
                (Some(KeyOf::Time(known)), KeyOf::Time(own)) if known == own => {}
                (Some(_), _) => {
                    let message = "the key is another field in each table";
                    return Err(Unsayable::new(Code::RefusedPredicate, Span::default(), message));
                }
            }
        }
        found.ok_or_else(|| Unsayable::new(Code::RefusedPredicate, Span::default(), "there are no events"))
    }
}

impl<'p, 'a> Conditions<'p, 'a, '_> {
    /// The field that is a key. EQL joins by fields, not by what is computed of them.
    fn key(&mut self, expr: &'p Expr, scope: &Scope<'p, 'a>, at: Place) -> Said<KeyOf> {
        // A missing text is the empty one, which equals itself; other nulls equal nothing.
        let optional = matches!(expr.ty, ScalarType::String | ScalarType::Unknown);
        self.key_expr(expr, optional, scope, at)
    }

    fn key_column(
        &mut self,
        column: &ColumnRef,
        optional: bool,
        span: Span,
        scope: &Scope<'p, 'a>,
        at: Place,
    ) -> Said<KeyOf> {
        match scope.meaning(&column.name, column.known, at) {
            Meaning::Computed(inner, place) => self.deeper(span, |this| this.key_expr(inner, optional, scope, place)),
            Meaning::Lost(loss, from) => Err(self.lost(&column.name, loss, from, span)),
            Meaning::Source => {
                let (value, field) = self.field(column, span, scope, at, Polarity::Positive)?;
                if field.time {
                    return Ok(KeyOf::Time(0));
                }
                if let Some(note) = field.used(span) {
                    self.note(Polarity::Positive, *note);
                }
                field_key(value, optional, span)
            }
        }
    }

    fn key_expr(&mut self, expr: &'p Expr, optional: bool, scope: &Scope<'p, 'a>, at: Place) -> Said<KeyOf> {
        let (mut expr, polarity) = (expr, Polarity::Positive);
        for _ in 0..DEPTH {
            let span = expr.span;
            match &expr.kind {
                ExprKind::Column(column) => return self.key_column(column, optional, span, scope, at),
                ExprKind::Path { .. } => {
                    let (value, _) = self.path(expr, scope, at, polarity)?;
                    return field_key(value, optional, span);
                }
                ExprKind::Call { args, .. } => match (self.function(expr), args.as_slice()) {
                    (Some("tostring"), [of])
                        if matches!(of.ty, ScalarType::String | ScalarType::Unknown | ScalarType::Dynamic) =>
                    {
                        expr = of;
                    }
                    (Some(name @ ("tolower" | "toupper")), [of]) => {
                        let message = format!(
                            "EQL joins by fields as they are: `{name}` is left out, so keys that differ in case are not equal"
                        );
                        self.note(polarity, Diagnostic::note(Code::Approximated, Effect::Narrower, span, message));
                        expr = of;
                    }
                    (Some("bin"), [of, size]) => {
                        let Some(Literal::Timespan(size @ 1..)) = size.as_literal() else {
                            return Err(self.no_key(span));
                        };
                        return match self.key(of, scope, at)? {
                            KeyOf::Time(0) => Ok(KeyOf::Time(*size)),
                            KeyOf::Time(_) | KeyOf::Field(_) => Err(self.no_key(span)),
                        };
                    }
                    _ => return Err(self.no_key(span)),
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
                | ExprKind::Scalar(_) => return Err(self.no_key(span)),
            }
        }
        Err(self.no_key(expr.span))
    }

    fn no_key(&self, span: Span) -> Unsayable {
        let message = format!("EQL joins by fields, and {} is computed", self.quoted(span));
        Unsayable::new(Code::RefusedPredicate, span, message)
    }
}

fn field_key(value: Value, optional: bool, span: Span) -> Said<KeyOf> {
    match value {
        Value::Field { name, .. } => Ok(KeyOf::Field(Key { name, optional })),
        Value::Constant(_) | Value::Spelled { .. } | Value::Arithmetic { .. } | Value::Negative(_) => {
            Err(Unsayable::new(Code::RefusedPredicate, span, "EQL joins by fields"))
        }
    }
}

/// The key that groups or joins are made by, for a set of events.
impl<'p, 'a> Rows<'p, 'a, '_> {
    /// The fields that are the keys of groups, and the size of the window that is one of them; `None` where a key is none.
    pub(super) fn group_keys(
        &mut self,
        keys: &'p [Binding],
        rows: &Selection<'p, 'a>,
    ) -> Option<(Vec<Key>, Option<i64>)> {
        let at = rows.sets.first()?.branches.first()?.scope.here();
        let (mut fields, mut window, mut caveats) = (Vec::new(), None, Vec::new());
        for key in keys {
            self.conditions.notes.clear();
            match self.key(&Of::Expr(&key.value), 0, at, rows) {
                // Whatever the type, rows without a key are a group.
                Ok(KeyOf::Field(field)) if self.conditions.notes.is_empty() => {
                    let absent = rows.sets.iter().flat_map(|set| &set.branches).all(|it| empty_is_absent(&it.scope));
                    if key.value.ty == ScalarType::String && !absent {
                        let shown = field.name.replace('`', "'");
                        let message = format!(
                            "field `{shown}` is missing or empty in an event, not one here and the other there: EQL takes them for two keys"
                        );
                        caveats.push(Diagnostic::note(Code::FieldCaveat, Effect::Exact, key.span, message));
                    }
                    fields.push(Key { optional: true, ..field });
                }
                Ok(KeyOf::Time(size @ 1..)) if window.is_none() => window = Some(size),
                Ok(KeyOf::Field(_) | KeyOf::Time(_)) | Err(_) => {
                    self.conditions.notes.clear();
                    return None;
                }
            }
        }
        caveats.into_iter().for_each(|note| self.conditions.ledger.note(Polarity::Positive, note));
        Some((fields, window))
    }
}
