//! Conditions: what the base search can say of them, and what `where` must.
//!
//! A condition of `where` is true exactly where KQL's is; where KQL's is false or null it is false or null. A null makes
//! a comparison null in Splunk, so that what KQL says of missing values is written out: `x != 5` holds of a missing `x`.
//! See <https://learn.microsoft.com/kusto/query/scalar-data-types/null-values>.

use super::form::{call, number, text, when};
use super::scope::{Column, Shape};
use super::tree::{Comparison, EvalExpr, Order, Pattern, SearchExpr};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::plan::{Absence, CompareOp, Expr, ExprKind, ScalarType, TextMatch, TimeRange, Value};

/// A condition in both languages.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    /// What the base search says of it: nothing, the same, or what follows from it.
    pub(super) search: Option<SearchExpr>,
    /// Whether the base search says the same.
    pub(super) complete: bool,
    /// The condition in `where`.
    pub(super) eval: EvalExpr,
    /// What `where` must say beside the base search.
    pub(super) rest: EvalExpr,
}

impl Condition {
    /// A condition that only `where` can say.
    pub(super) fn eval(eval: EvalExpr) -> Self {
        Self { search: None, complete: false, rest: eval.clone(), eval }
    }

    /// A condition that the base search says as well.
    pub(super) fn searched(search: SearchExpr, eval: EvalExpr) -> Self {
        Self { search: Some(search), complete: true, eval, rest: EvalExpr::bool(true) }
    }

    /// A condition from which one follows that the base search can say.
    pub(super) fn prefiltered(search: SearchExpr, eval: EvalExpr) -> Self {
        Self { search: Some(search), complete: false, rest: eval.clone(), eval }
    }

    /// A condition that does not depend on the row.
    pub(super) fn constant(value: bool) -> Self {
        Self::eval(EvalExpr::bool(value))
    }
}

impl<'a> Fitter<'a, '_> {
    /// A condition.
    pub(super) fn predicate(&mut self, expr: &Expr) -> Fit<Condition> {
        self.ledger.carried(expr.id);
        match &expr.kind {
            ExprKind::And(items) => {
                let items = self.predicates(items)?;
                let complete = items.iter().all(|item| item.complete);
                let eval = EvalExpr::all(items.iter().map(|item| item.eval.clone()));
                let rest = EvalExpr::all(items.iter().map(|item| item.rest.clone()));
                let search = SearchExpr::all(items.into_iter().filter_map(|item| item.search).collect());
                Ok(Condition { search, complete, eval, rest })
            }
            ExprKind::Or(items) => {
                let items = self.predicates(items)?;
                let complete = items.iter().all(|item| item.complete);
                let eval = EvalExpr::any(items.iter().map(|item| item.eval.clone()));
                // A prefilter helps only if every branch has one.
                let search: Option<Vec<SearchExpr>> = items.into_iter().map(|item| item.search).collect();
                let search = search.and_then(SearchExpr::any);
                let rest = if complete { EvalExpr::bool(true) } else { eval.clone() };
                Ok(Condition { complete: complete && search.is_some(), search, eval, rest })
            }
            ExprKind::Text(matched) => self.text_match(expr, matched),
            ExprKind::Compare { op, left, right } => self.compare(expr, *op, left, right),
            ExprKind::In { subject, values, negated } => self.membership(expr, subject, values, *negated),
            ExprKind::Presence { subject, absence, negated } => self.presence(expr, subject, *absence, *negated),
            ExprKind::Time(range) => self.time(expr, range),
            ExprKind::Not(inner) => self.negation(inner),
            ExprKind::Literal(Value::Bool(value)) => Ok(Condition::constant(*value)),
            ExprKind::Literal(Value::Null(_)) => Ok(Condition::constant(false)),
            ExprKind::Literal(_) => Err(Unsayable::new(Code::TypeMismatch, expr.span, "a constant is no condition")),
            ExprKind::Column(column) => {
                let column = self.column(column, expr.ty, expr.span)?;
                Ok(self.bool_column(&column, true, false))
            }
            ExprKind::Call { .. } => self.bool_call(expr, false),
            ExprKind::Path { .. } => match self.part_column(expr)? {
                Some(column) => Ok(self.bool_column(&column, true, false)),
                None => Ok(Condition::eval(self.truth_of_part(expr, true)?)),
            },
            ExprKind::Moment(_) | ExprKind::Arithmetic { .. } | ExprKind::Negate(_) => {
                Err(Unsayable::new(Code::TypeMismatch, expr.span, "a number is no condition"))
            }
            ExprKind::Scalar(_) => Err(Unsayable::not_yet(expr.span, "`toscalar`")),
        }
    }

    fn predicates(&mut self, items: &[Expr]) -> Fit<Vec<Condition>> {
        items.iter().map(|item| self.predicate(item)).collect()
    }

    /// Where a condition is false; where it is null, neither it nor this holds.
    pub(super) fn negation(&mut self, inner: &Expr) -> Fit<Condition> {
        self.ledger.carried(inner.id);
        match &inner.kind {
            ExprKind::Column(column) => {
                let column = self.column(column, inner.ty, inner.span)?;
                Ok(self.bool_column(&column, false, false))
            }
            ExprKind::Call { .. } => self.bool_call(inner, true),
            ExprKind::Path { .. } => match self.part_column(inner)? {
                Some(column) => Ok(self.bool_column(&column, false, false)),
                None => Ok(Condition::eval(self.truth_of_part(inner, false)?)),
            },
            ExprKind::And(items) => {
                let items = items.iter().map(|item| self.negation(item)).collect::<Fit<Vec<_>>>()?;
                Ok(Condition::eval(EvalExpr::any(items.into_iter().map(|item| item.eval))))
            }
            ExprKind::Or(items) => {
                let items = items.iter().map(|item| self.negation(item)).collect::<Fit<Vec<_>>>()?;
                Ok(Condition::eval(EvalExpr::all(items.into_iter().map(|item| item.eval))))
            }
            ExprKind::Not(inner) => self.predicate(inner),
            ExprKind::Compare { op, left, right } => self.compare(inner, op.negated(), left, right),
            ExprKind::Text(matched) => {
                let opposite = TextMatch { negated: !matched.negated, ..matched.clone() };
                self.text_match(inner, &opposite)
            }
            ExprKind::In { subject, values, negated } => self.membership(inner, subject, values, !negated),
            ExprKind::Presence { subject, absence, negated } => self.presence(inner, subject, *absence, !negated),
            ExprKind::Time(range) => {
                let opposite = TimeRange { negated: !range.negated, ..range.clone() };
                self.time(inner, &opposite)
            }
            ExprKind::Literal(Value::Bool(value)) => Ok(Condition::constant(!*value)),
            ExprKind::Literal(Value::Null(_)) => Ok(Condition::constant(false)),
            ExprKind::Literal(_) => Err(Unsayable::new(Code::TypeMismatch, inner.span, "a constant is no condition")),
            ExprKind::Moment(_) | ExprKind::Arithmetic { .. } | ExprKind::Negate(_) => {
                Err(Unsayable::new(Code::TypeMismatch, inner.span, "a number is no condition"))
            }
            ExprKind::Scalar(_) => Err(Unsayable::not_yet(inner.span, "`toscalar`")),
        }
    }

    /// A part of a dynamic value as a condition.
    fn truth_of_part(&mut self, expr: &Expr, wanted: bool) -> Fit<EvalExpr> {
        let value = call("lower", [self.json(expr)?]);
        let texts = if wanted { ["true", "1"] } else { ["false", "0"] };
        let mut args = vec![value];
        args.extend(texts.map(|text| EvalExpr::Text(text.to_owned())));
        Ok(EvalExpr::Call("in", args))
    }

    /// A column of type bool: Splunk holds the text that the data has, `true`, `True` or `1`.
    fn bool_column(&mut self, column: &Column<'_>, wanted: bool, differs: bool) -> Condition {
        let texts = |value: bool| if value { ["true", "1"] } else { ["false", "0"] };
        let items = texts(wanted);
        let mut args = vec![call("lower", [column.bare()])];
        args.extend(items.iter().map(|item| EvalExpr::Text((*item).to_owned())));
        let is = EvalExpr::Call("in", args);
        let eval = if differs { EvalExpr::any([EvalExpr::is_null(column.value()), is.negated()]) } else { is };
        let Some(field) = self.base_field(column) else { return Condition::eval(eval) };
        let pattern = |item: &&str| Pattern { before: false, text: (*item).to_owned(), after: false };
        let search = SearchExpr::In(field, items.iter().map(pattern).collect());
        Condition::searched(if differs { SearchExpr::Not(Box::new(search)) } else { search }, eval)
    }

    /// A comparison of values that are not text.
    fn compare(&mut self, expr: &Expr, op: CompareOp, left: &Expr, right: &Expr) -> Fit<Condition> {
        // The constant stands on the right.
        if left.as_literal().is_some() && right.as_literal().is_none() {
            return self.compare(expr, op.mirrored(), right, left);
        }
        if let Some(Value::Null(_)) = right.as_literal() {
            self.ledger.carried(right.id);
            // A comparison with null: equal to nothing, and unequal to what has a value.
            return match op {
                CompareOp::Ne => self.presence(expr, left, Absence::Null, true),
                CompareOp::Eq | CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => {
                    self.value(left)?;
                    Ok(Condition::constant(false))
                }
            };
        }
        if let Some(column) = self.plain_column(left)? {
            if let Some(Value::Bool(wanted)) = right.as_literal() {
                self.ledger.carried(right.id);
                return match op {
                    CompareOp::Eq => Ok(self.bool_column(&column, *wanted, false)),
                    CompareOp::Ne => Ok(self.bool_column(&column, *wanted, true)),
                    CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => {
                        Err(Unsayable::not_yet(expr.span, "an order of truth values"))
                    }
                };
            }
            if let Some(Value::Guid(guid)) = right.as_literal() {
                self.ledger.carried(right.id);
                return Ok(self.guid(&column, op, guid));
            }
            if let (true, Some(Value::Long(number))) = (is_integer(column.ty), right.as_literal()) {
                self.ledger.carried(right.id);
                return Ok(self.integer(&column, op, *number));
            }
        }
        if let (Some(Value::Bool(wanted)), ScalarType::Bool | ScalarType::Dynamic) = (right.as_literal(), left.ty) {
            // A truth value that is computed is compared as the condition that it is.
            self.ledger.carried(right.id);
            let is = |this: &mut Self, wanted: bool| if wanted { this.predicate(left) } else { this.negation(left) };
            return match op {
                CompareOp::Eq => is(self, *wanted),
                CompareOp::Ne => {
                    let same = is(self, *wanted)?.eval;
                    Ok(Condition::eval(call("isnull", [when(same, number(1), EvalExpr::null())])))
                }
                CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => {
                    Err(Unsayable::not_yet(expr.span, "an order of truth values"))
                }
            };
        }
        if left.ty == ScalarType::Dynamic || right.ty == ScalarType::Dynamic {
            let message = "KQL compares the type of a dynamic value as well, Splunk its text";
            self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        }
        let constant = right.as_literal().is_some() || matches!(right.kind, ExprKind::Moment(_));
        let (mut a, mut b) = (self.operand(left)?, self.operand(right)?);
        let ordered = !matches!(op, CompareOp::Eq | CompareOp::Ne);
        if ordered && left.ty == ScalarType::String && right.ty == ScalarType::String {
            (a, b) = self.ordered_texts(op, a, b, right);
        }
        Ok(Condition::eval(match op {
            CompareOp::Eq => EvalExpr::eq(a, b),
            CompareOp::Ne if never_null(left) && (constant || never_null(right)) => EvalExpr::ne(a, b),
            CompareOp::Ne if constant => EvalExpr::any([EvalExpr::is_null(a.clone()), EvalExpr::ne(a, b)]),
            // Two nulls are neither equal nor unequal.
            CompareOp::Ne => EvalExpr::any([
                EvalExpr::ne(a.clone(), b.clone()),
                EvalExpr::all([EvalExpr::is_null(a.clone()), EvalExpr::is_not_null(b.clone())]),
                EvalExpr::all([EvalExpr::is_not_null(a), EvalExpr::is_null(b)]),
            ]),
            CompareOp::Lt => EvalExpr::compare(Comparison::Order(Order::Lt), a, b),
            CompareOp::Le => EvalExpr::compare(Comparison::Order(Order::Le), a, b),
            CompareOp::Gt => EvalExpr::compare(Comparison::Order(Order::Gt), a, b),
            CompareOp::Ge => EvalExpr::compare(Comparison::Order(Order::Ge), a, b),
        }))
    }

    /// Two texts whose order is looked at: a missing one is the empty text, and those that look like numbers are still
    /// compared as texts.
    fn ordered_texts(&self, op: CompareOp, a: EvalExpr, b: EvalExpr, right: &Expr) -> (EvalExpr, EvalExpr) {
        let Some(Value::String(bound)) = right.as_literal() else {
            let marked = |value| EvalExpr::Concat(vec![EvalExpr::Text("=".to_owned()), EvalExpr::or_empty(value)]);
            return (marked(a), marked(b));
        };
        if !right.span.slice(self.frame.text).ends_with(['"', '\'', '`']) {
            // A number that was written as one.
            return (a, b);
        }
        if bound.is_empty() || bound.contains(|it: char| it.is_ascii_digit()) {
            let mark = || EvalExpr::Text("=".to_owned());
            return (EvalExpr::Concat(vec![mark(), EvalExpr::or_empty(a)]), EvalExpr::Text(format!("={bound}")));
        }
        let lacks = matches!(op, CompareOp::Lt | CompareOp::Le);
        (if lacks { EvalExpr::or_empty(a) } else { a }, b)
    }

    /// A column with nothing done to it.
    fn plain_column(&mut self, expr: &Expr) -> Fit<Option<Column<'a>>> {
        if expr.as_column().is_some() {
            self.ledger.carried(expr.id);
        }
        self.held_column(expr)
    }

    /// A whole number: its text in the event is its usual form, so that the base search can compare it.
    fn integer(&mut self, column: &Column<'_>, op: CompareOp, number: i64) -> Condition {
        let text = EvalExpr::Number(number.to_string());
        let value = column.value();
        let order = |order| EvalExpr::compare(Comparison::Order(order), value.clone(), text.clone());
        let (eval, search) = match op {
            CompareOp::Eq => (EvalExpr::eq(value.clone(), text.clone()), None),
            CompareOp::Ne => {
                let differs = EvalExpr::ne(value.clone(), text.clone());
                (
                    if column.present { differs } else { EvalExpr::any([EvalExpr::is_null(value.clone()), differs]) },
                    None,
                )
            }
            CompareOp::Lt => (order(Order::Lt), Some(Order::Lt)),
            CompareOp::Le => (order(Order::Le), Some(Order::Le)),
            CompareOp::Gt => (order(Order::Gt), Some(Order::Gt)),
            CompareOp::Ge => (order(Order::Ge), Some(Order::Ge)),
        };
        // Ordered, the text that stands for null would be compared as text.
        let Some(field) = self.base_field(column).filter(|_| search.is_none() || column.null_text.is_none()) else {
            return Condition::eval(eval);
        };
        let equals =
            |field| SearchExpr::Equals(field, Pattern { before: false, text: number.to_string(), after: false });
        let search = match (op, search) {
            (_, Some(order)) => SearchExpr::Order(field, order, number.to_string()),
            (CompareOp::Ne, None) => SearchExpr::Not(Box::new(equals(field))),
            (_, None) => equals(field),
        };
        Condition::searched(search, eval)
    }

    fn guid(&mut self, column: &Column<'_>, op: CompareOp, guid: &str) -> Condition {
        let value = call("lower", [column.bare()]);
        let text = EvalExpr::Text(guid.to_owned());
        let differs = op == CompareOp::Ne;
        let eval = if differs {
            EvalExpr::any([EvalExpr::is_null(column.bare()), EvalExpr::ne(value, text)])
        } else {
            EvalExpr::eq(value, text)
        };
        let Some(field) = self.base_field(column) else { return Condition::eval(eval) };
        let pattern = Pattern { before: false, text: guid.to_owned(), after: false };
        let search = SearchExpr::Equals(field, pattern);
        Condition::searched(if differs { SearchExpr::Not(Box::new(search)) } else { search }, eval)
    }

    /// A value that is not text in a list.
    fn membership(&mut self, expr: &Expr, subject: &Expr, values: &[Expr], negated: bool) -> Fit<Condition> {
        if values.is_empty() {
            self.value(subject)?;
            return Ok(Condition::constant(negated));
        }
        let integers: Option<Vec<i64>> = values
            .iter()
            .map(|value| if let Some(Value::Long(number)) = value.as_literal() { Some(*number) } else { None })
            .collect();
        if let (Some(column), Some(integers)) = (self.plain_column(subject)?, integers)
            && is_integer(column.ty)
        {
            values.iter().for_each(|value| self.ledger.carried(value.id));
            let mut args = vec![column.value()];
            args.extend(integers.iter().map(|number| EvalExpr::Number(number.to_string())));
            let is = EvalExpr::Call("in", args);
            let eval = if negated { EvalExpr::any([EvalExpr::is_null(column.value()), is.negated()]) } else { is };
            let Some(field) = self.base_field(&column) else { return Ok(Condition::eval(eval)) };
            let pattern = |number: &i64| Pattern { before: false, text: number.to_string(), after: false };
            let search = SearchExpr::In(field, integers.iter().map(pattern).collect());
            return Ok(Condition::searched(if negated { SearchExpr::Not(Box::new(search)) } else { search }, eval));
        }
        let mut parts = Vec::new();
        for value in values {
            let op = if negated { CompareOp::Ne } else { CompareOp::Eq };
            parts.push(self.compare(expr, op, subject, value)?.eval);
        }
        Ok(Condition::eval(if negated { EvalExpr::all(parts) } else { EvalExpr::any(parts) }))
    }

    /// Whether there is a value.
    fn presence(&mut self, expr: &Expr, subject: &Expr, absence: Absence, negated: bool) -> Fit<Condition> {
        let column = match self.plain_column(subject)? {
            Some(column) => Some(column),
            None if matches!(subject.kind, ExprKind::Path { .. }) => self.part_column(subject)?,
            None => None,
        };
        if subject.ty == ScalarType::Dynamic
            && column.as_ref().is_some_and(|column| column.raw && column.is_field())
            && !self.fields.keeps_names()
        {
            let message = "an object or an array is no field of its own in Splunk, and counts as missing";
            self.note(Code::PresenceOnly, Effect::Unsure, expr.span, message);
        }
        let textual = matches!(subject.ty, ScalarType::String | ScalarType::Unknown | ScalarType::Dynamic);
        if subject.ty == ScalarType::String && absence == Absence::Null {
            // A text is never null.
            if column.is_none() {
                self.value(subject)?;
            }
            return Ok(Condition::constant(negated));
        }
        if let Some(column) = column.as_ref().filter(|column| column.shape == Shape::Multi) {
            // An array without elements, which is a missing field in Splunk, is neither null nor empty in KQL.
            if !column.null_array {
                return Ok(Condition::constant(negated));
            }
            let null = EvalExpr::is_null(column.value());
            return Ok(Condition::eval(if negated { null.negated() } else { null }));
        }
        if let Some(column) = &column {
            if textual && absence == Absence::Empty {
                let empty = text("");
                let value = column.value();
                return Ok(Condition::eval(if negated {
                    EvalExpr::ne(value, empty)
                } else {
                    EvalExpr::any([EvalExpr::is_null(value.clone()), EvalExpr::eq(value, empty)])
                }));
            }
            let null = EvalExpr::is_null(column.value());
            let eval = if negated { null.negated() } else { null };
            let Some(field) = self.base_field(column).filter(|_| column.null_text.is_none() && !textual) else {
                return Ok(Condition::eval(eval));
            };
            let there = SearchExpr::Exists(field);
            return Ok(Condition::searched(if negated { there } else { SearchExpr::Not(Box::new(there)) }, eval));
        }
        let value = self.json(subject)?;
        if textual && absence == Absence::Empty {
            let (value, empty) = (EvalExpr::or_empty(value), text(""));
            return Ok(Condition::eval(if negated { EvalExpr::ne(value, empty) } else { EvalExpr::eq(value, empty) }));
        }
        let null = EvalExpr::is_null(value);
        Ok(Condition::eval(if negated { null.negated() } else { null }))
    }
}

fn is_integer(ty: ScalarType) -> bool {
    matches!(ty, ScalarType::Int | ScalarType::Long)
}

/// Whether a value can not be null: the event's time and constants are always there.
fn never_null(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Moment(_) | ExprKind::Literal(_))
}
