//! Conditions: true exactly where KQL's are; where KQL's is false or null they are false or null.
//!
//! A null makes a comparison null in ES|QL, so that what KQL says of missing values is written out: `x != 5` holds of a
//! missing `x`. See <https://learn.microsoft.com/kusto/query/scalar-data-types/null-values>.

use std::collections::HashMap;

use super::scope::{Column, Form, converted};
use super::tree::{Comparison, Expr};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::plan::{
    Absence, Case, CompareOp, Expr as Meant, ExprKind, Needles, ScalarType, TextHow, TextMatch, TimeRange, Value,
};

impl<'a> Fitter<'a, '_> {
    /// A condition.
    pub(super) fn predicate(&mut self, expr: &Meant) -> Fit<Expr> {
        self.ledger.carried(expr.id);
        match &expr.kind {
            ExprKind::And(items) => Ok(Expr::all(self.predicates(items)?)),
            ExprKind::Or(items) => self.either(items),
            ExprKind::Text(matched) => self.text_match(expr, matched),
            ExprKind::Compare { op, left, right } => self.compare(expr, *op, left, right),
            ExprKind::In { subject, values, negated } => self.membership(expr, subject, values, *negated),
            ExprKind::Presence { subject, absence, negated } => self.presence(subject, *absence, *negated),
            ExprKind::Time(range) => self.time(expr, range),
            ExprKind::Not(inner) => self.negation(inner),
            ExprKind::Literal(Value::Bool(value)) => Ok(Expr::Bool(*value)),
            ExprKind::Literal(Value::Null(_)) => Ok(Expr::Bool(false)),
            ExprKind::Literal(_) => Err(Unsayable::new(Code::TypeMismatch, expr.span, "a constant is no condition")),
            ExprKind::Column(_) | ExprKind::Path { .. } | ExprKind::Call { .. } | ExprKind::Scalar(_) => {
                self.truth(expr)
            }
            ExprKind::Moment(_) | ExprKind::Arithmetic { .. } | ExprKind::Negate(_) => {
                Err(Unsayable::new(Code::TypeMismatch, expr.span, "a number is no condition"))
            }
        }
    }

    /// One of these conditions. Several that look for texts in one column in the same way become one.
    fn either(&mut self, items: &[Meant]) -> Fit<Expr> {
        let mut joined: Vec<(&Meant, TextMatch)> = Vec::new();
        let mut known: HashMap<(&str, TextHow, Case), usize> = HashMap::new();
        let mut parts = Vec::new();
        let mut places = Vec::new();
        for item in items {
            let found = if let ExprKind::Text(matched) = &item.kind { listed(matched) } else { None };
            let Some((column, matched, needles)) = found else {
                parts.push(self.predicate(item)?);
                continue;
            };
            let next = joined.len();
            let at = *known.entry((column, matched.how, matched.case)).or_insert(next);
            if let Some((_, TextMatch { needles: Needles::Any(all), .. })) = joined.get_mut(at) {
                self.ledger.carried(item.id);
                self.ledger.carried(matched.subject.id);
                all.extend(needles.iter().cloned());
            } else {
                joined.push((item, TextMatch { needles: Needles::Any(needles.to_vec()), ..matched.clone() }));
                places.push(parts.len());
                parts.push(Expr::Bool(false));
            }
        }
        for ((item, matched), place) in joined.into_iter().zip(places) {
            self.ledger.carried(item.id);
            let said = self.text_match(item, &matched)?;
            if let Some(slot) = parts.get_mut(place) {
                *slot = said;
            }
        }
        Ok(Expr::any(parts))
    }

    fn predicates(&mut self, items: &[Meant]) -> Fit<Vec<Expr>> {
        items.iter().map(|item| self.predicate(item)).collect()
    }

    /// Where a condition is false; where it is null, neither it nor this holds.
    pub(super) fn negation(&mut self, inner: &Meant) -> Fit<Expr> {
        self.ledger.carried(inner.id);
        match &inner.kind {
            ExprKind::And(items) => {
                Ok(Expr::any(items.iter().map(|item| self.negation(item)).collect::<Fit<Vec<_>>>()?))
            }
            ExprKind::Or(items) => {
                Ok(Expr::all(items.iter().map(|item| self.negation(item)).collect::<Fit<Vec<_>>>()?))
            }
            ExprKind::Not(inner) => self.predicate(inner),
            ExprKind::Compare { op, left, right } => self.compare(inner, op.negated(), left, right),
            ExprKind::Text(matched) => {
                let opposite = TextMatch { negated: !matched.negated, ..matched.clone() };
                self.text_match(inner, &opposite)
            }
            ExprKind::In { subject, values, negated } => self.membership(inner, subject, values, !negated),
            ExprKind::Presence { subject, absence, negated } => self.presence(subject, *absence, !negated),
            ExprKind::Time(range) => {
                let opposite = TimeRange { negated: !range.negated, ..range.clone() };
                self.time(inner, &opposite)
            }
            ExprKind::Literal(Value::Bool(value)) => Ok(Expr::Bool(!*value)),
            ExprKind::Literal(Value::Null(_)) => Ok(Expr::Bool(false)),
            ExprKind::Literal(_) => Err(Unsayable::new(Code::TypeMismatch, inner.span, "a constant is no condition")),
            ExprKind::Column(_) | ExprKind::Path { .. } | ExprKind::Call { .. } | ExprKind::Scalar(_) => {
                match self.untruth_call(inner)? {
                    Some(condition) => Ok(condition),
                    None => Ok(self.truth(inner)?.negated()),
                }
            }
            ExprKind::Moment(_) | ExprKind::Arithmetic { .. } | ExprKind::Negate(_) => {
                Err(Unsayable::new(Code::TypeMismatch, inner.span, "a number is no condition"))
            }
        }
    }

    /// A value of type bool as a condition, null where it is.
    fn truth(&mut self, expr: &Meant) -> Fit<Expr> {
        if let Some(condition) = self.truth_call(expr)? {
            return Ok(condition);
        }
        if let Some(column) = self.held_column(expr)? {
            return Ok(converted(column.bare(), column.form, Form::Boolean));
        }
        let value = self.value(expr)?;
        Ok(converted(value, self.form(expr), Form::Boolean))
    }

    /// A comparison of values that are not text.
    fn compare(&mut self, expr: &Meant, op: CompareOp, left: &Meant, right: &Meant) -> Fit<Expr> {
        // The constant stands on the right.
        if is_constant(left) && !is_constant(right) {
            return self.compare(expr, op.mirrored(), right, left);
        }
        if let Some(Value::Null(_)) = right.as_literal() {
            self.ledger.carried(right.id);
            // A comparison with null: equal to nothing, and unequal to what has a value.
            return match op {
                CompareOp::Ne => self.presence(left, Absence::Null, true),
                CompareOp::Eq | CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => {
                    self.value(left)?;
                    Ok(Expr::Bool(false))
                }
            };
        }
        if let (Some(Value::Bool(wanted)), ScalarType::Bool | ScalarType::Dynamic) = (right.as_literal(), left.ty) {
            self.ledger.carried(right.id);
            return self.compare_truth(expr, op, left, *wanted);
        }
        if left.ty == ScalarType::Dynamic || right.ty == ScalarType::Dynamic {
            let message = "KQL compares the type of a dynamic value as well";
            self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        }
        if let Some(said) = self.number_as_text(op, left, std::slice::from_ref(right))? {
            return Ok(said);
        }
        let form = self.common_form(left, right);
        let (a, b) = (self.compared(left, form, right)?, self.compared(right, form, left)?);
        Ok(match op {
            CompareOp::Eq => Expr::eq(a, b),
            CompareOp::Ne => unequal(a, b),
            CompareOp::Lt => Expr::compare(Comparison::Lt, a, b),
            CompareOp::Le => Expr::compare(Comparison::Le, a, b),
            CompareOp::Gt => Expr::compare(Comparison::Gt, a, b),
            CompareOp::Ge => Expr::compare(Comparison::Ge, a, b),
        })
    }

    /// A truth value compared with a constant.
    fn compare_truth(&mut self, expr: &Meant, op: CompareOp, left: &Meant, wanted: bool) -> Fit<Expr> {
        let is = match op {
            CompareOp::Eq => true,
            CompareOp::Ne => false,
            CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => {
                return Err(Unsayable::new(Code::RefusedPredicate, expr.span, "truth values have no order in ES|QL"));
            }
        };
        self.ledger.carried(left.id);
        if let Some(column) = self.held_column(left)? {
            let value = converted(column.bare(), column.form, Form::Boolean);
            return Ok(if is {
                Expr::eq(value, Expr::Bool(wanted))
            } else {
                unequal_to(value, Expr::Bool(wanted), column.present)
            });
        }
        let same = if wanted { self.predicate(left)? } else { self.negation(left)? };
        Ok(if is {
            same
        } else {
            // Where the value is null it is unequal as well.
            same.or(Expr::Bool(false)).negated()
        })
    }

    /// A field that holds whole numbers as texts, compared with constants by their text; `None` for everything else.
    fn number_as_text(&mut self, op: CompareOp, subject: &Meant, values: &[Meant]) -> Fit<Option<Expr>> {
        let negated = match op {
            CompareOp::Eq => false,
            CompareOp::Ne => true,
            CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => return Ok(None),
        };
        let texts: Option<Vec<Expr>> = values
            .iter()
            .map(|value| {
                if let Some(Value::Long(number)) = value.as_literal() {
                    Some(Expr::text(number.to_string()))
                } else {
                    None
                }
            })
            .collect();
        let Some(texts) = texts.filter(|_| matches!(subject.ty, ScalarType::Int | ScalarType::Long)) else {
            return Ok(None);
        };
        let Some(column) = self.held_column(subject)?.filter(|column| column.form == Form::Keyword) else {
            return Ok(None);
        };
        values.iter().for_each(|value| self.ledger.carried(value.id));
        let found = super::text::among(column.bare(), texts, negated);
        Ok(Some(if negated && !column.present { Expr::any([Expr::is_null(column.bare()), found]) } else { found }))
    }

    /// The type in which two values are compared.
    fn common_form(&self, left: &Meant, right: &Meant) -> Form {
        let (a, b) = (Form::of(left.ty), Form::of(right.ty));
        let dynamic = |expr: &Meant| matches!(expr.ty, ScalarType::Dynamic | ScalarType::Unknown);
        match (dynamic(left), dynamic(right)) {
            (true, false) if b == Form::Long => Form::Double,
            (true, false) => b,
            (false, true) if a == Form::Long => Form::Double,
            (false, true) | (false, false) => a,
            (true, true) => Form::Keyword,
        }
    }

    /// A side of a comparison in this type.
    fn compared(&mut self, expr: &Meant, form: Form, other: &Meant) -> Fit<Expr> {
        if let Some(Value::Datetime(ticks)) = expr.as_literal() {
            self.ledger.carried(expr.id);
            return self.date_text(*ticks, expr.span);
        }
        if expr.as_literal().is_some() || matches!(expr.kind, ExprKind::Moment(_)) {
            return self.value(expr);
        }
        if let Some(column) = self.held_column(expr)? {
            let numeric = |form| matches!(form, Form::Long | Form::Double);
            if column.form == form || numeric(column.form) && numeric(form) {
                return Ok(column.bare());
            }
            return Ok(converted(column.bare(), column.form, form));
        }
        let value = if form == Form::Keyword && other.ty == ScalarType::String {
            self.text_value(expr)?.or_empty()
        } else {
            self.operand(expr)?
        };
        let own = self.form(expr);
        let same = own == form || matches!((own, form), (Form::Long | Form::Double, Form::Long | Form::Double));
        Ok(if same { value } else { converted(value, own, form) })
    }

    /// A value that is not text in a list.
    fn membership(&mut self, expr: &Meant, subject: &Meant, values: &[Meant], negated: bool) -> Fit<Expr> {
        if values.is_empty() {
            self.value(subject)?;
            return Ok(Expr::Bool(negated));
        }
        let op = if negated { CompareOp::Ne } else { CompareOp::Eq };
        if let Some(said) = self.number_as_text(op, subject, values)? {
            return Ok(said);
        }
        let constant = values
            .iter()
            .all(|value| value.as_literal().is_some_and(|value| !matches!(value, Value::Null(_) | Value::Datetime(_))));
        if constant && values.len() > 1 && !matches!(subject.ty, ScalarType::Dynamic | ScalarType::Bool) {
            let form = Form::of(subject.ty);
            let column = self.held_column(subject)?;
            let value = self.compared(subject, form, subject)?;
            let list = values.iter().map(|value| self.value(value)).collect::<Fit<Vec<_>>>()?;
            let found = Expr::In { value: Box::new(value.clone()), list, negated };
            let there = column.is_some_and(|column| column.present) || value.never_null();
            return Ok(if negated && !there { Expr::any([Expr::is_null(value), found]) } else { found });
        }
        let mut parts = Vec::new();
        for value in values {
            parts.push(self.compare(expr, op, subject, value)?);
        }
        Ok(if negated { Expr::all(parts) } else { Expr::any(parts) })
    }

    /// Whether there is a value.
    fn presence(&mut self, subject: &Meant, absence: Absence, negated: bool) -> Fit<Expr> {
        self.ledger.carried(subject.id);
        let textual = matches!(subject.ty, ScalarType::String | ScalarType::Unknown | ScalarType::Dynamic);
        if subject.ty == ScalarType::String && absence == Absence::Null {
            // A text is never null.
            self.value(subject)?;
            return Ok(Expr::Bool(negated));
        }
        let null = |value: Expr| if negated { Expr::is_not_null(value) } else { Expr::is_null(value) };
        let column = self.held_column(subject)?;
        let kept = column.as_ref().and_then(|column| column.known.as_ref()?.presence(negated, subject.span));
        if let Some(note) = kept {
            self.ledger.note(self.polarity, *note);
        }
        let value = match &column {
            Some(column) => column.bare(),
            None if textual => self.text_value(subject)?,
            None => self.operand(subject)?,
        };
        let tells = |column: &Column<'_>| {
            column.empty_is_absent || column.many || !matches!(column.form, Form::Keyword | Form::Untold)
        };
        if !textual || absence == Absence::Null || column.as_ref().is_some_and(tells) {
            return Ok(null(value));
        }
        let empty = Expr::text("");
        if value.never_null() {
            let op = if negated { Comparison::Ne } else { Comparison::Eq };
            return Ok(Expr::compare(op, value, empty));
        }
        Ok(if negated {
            // Null is not unequal to the empty text, either.
            Expr::compare(Comparison::Ne, value, empty)
        } else {
            Expr::any([Expr::is_null(value.clone()), Expr::eq(value, empty)])
        })
    }
}

/// `a != b` as KQL means it: a null is unequal to what is there, and two nulls are neither equal nor unequal.
fn unequal(a: Expr, b: Expr) -> Expr {
    let differs = Expr::compare(Comparison::Ne, a.clone(), b.clone());
    match (a.never_null(), b.never_null()) {
        (true, true) => differs,
        (false, true) => Expr::any([Expr::is_null(a), differs]),
        (true, false) => Expr::any([Expr::is_null(b), differs]),
        (false, false) => Expr::any([
            differs,
            Expr::all([Expr::is_null(a.clone()), Expr::is_not_null(b.clone())]),
            Expr::all([Expr::is_not_null(a), Expr::is_null(b)]),
        ]),
    }
}

/// `value != constant`, which a missing value satisfies.
pub(super) fn unequal_to(value: Expr, constant: Expr, present: bool) -> Expr {
    let differs = Expr::compare(Comparison::Ne, value.clone(), constant);
    if present || value.never_null() { differs } else { Expr::any([Expr::is_null(value), differs]) }
}

fn is_constant(expr: &Meant) -> bool {
    matches!(expr.kind, ExprKind::Literal(_) | ExprKind::Moment(_))
}

/// The column in which one of several constants is looked for, the comparison, and the constants.
fn listed(matched: &TextMatch) -> Option<(&str, &TextMatch, &[Meant])> {
    let needles = match &matched.needles {
        Needles::One(needle) => std::slice::from_ref(needle.as_ref()),
        Needles::Any(needles) => needles,
        Needles::All(_) | Needles::Table(_) => return None,
    };
    let column = matched.subject.as_column().filter(|_| !matched.negated && matched.how != TextHow::Regex)?;
    needles.iter().all(|needle| needle.as_str().is_some()).then_some((&column.name, matched, needles))
}
