//! Values: fields, functions and arithmetic that EQL has; computed columns are read through to them.

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::Field;
use crate::fit::lucene::Folded;
use crate::plan::{Absence, ArithmeticOp, ColumnRef, Expr, ExprKind, PathStep, ScalarType};
use crate::source::Span;
use crate::target::{FieldType, Selector};

use super::condition::{Conditions, Said, Unsayable, Want};
use super::scope::{Meaning, Place, Scope};
use super::tree::{Cond, Constant, Value};

/// A text that is compared.
#[derive(Clone, Debug)]
pub(super) struct Subject<'a> {
    pub(super) value: Value,
    /// Its case was changed.
    pub(super) folded: Folded,
    /// The field that it is, for what ingest does to literals.
    pub(super) field: Option<Field<'a>>,
    /// Its type in Elasticsearch, where that is known and it is a field.
    pub(super) elastic_type: Option<FieldType>,
    /// It may be an empty text.
    pub(super) holds_text: bool,
    /// Ingest leaves out empty texts.
    pub(super) empty_is_absent: bool,
    /// KQL makes another text of a missing field than the empty one.
    pub(super) missing_is_unsure: bool,
    /// It is a key of a dynamic column.
    pub(super) path: bool,
    /// It is a column of whole numbers of which the schema does not say how it is stored.
    pub(super) whole: bool,
}

/// A value that is compared as such.
#[derive(Clone, Debug)]
pub(super) struct Number {
    pub(super) value: Value,
    /// The type that the field is stored as, where it is another.
    pub(super) stored: Option<ScalarType>,
    /// KQL's value where the field is missing, if that is no null.
    pub(super) when_missing: Option<Constant>,
}

/// One of several values that a condition chooses from.
type Choice<'p> = (Cond, &'p Expr, Place);

impl<'p, 'a> Conditions<'p, 'a, '_> {
    /// A column of the table as a field.
    pub(super) fn field(
        &mut self,
        column: &ColumnRef,
        span: Span,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<(Value, Field<'a>)> {
        let column = &scope.original(column, at);
        let field = self.fields.column(self.ledger, Some(&scope.table), column, span, polarity).map_err(|refusal| {
            let unsayable = Unsayable::new(refusal.code, span, refusal.message.clone());
            match refusal.help.clone() {
                Some(help) => unsayable.help(help),
                None => unsayable,
            }
        })?;
        // The time of the event and its category are the fields that every index of EQL has.
        let optional = !field.time;
        Ok((Value::Field { name: field.name.to_string(), optional }, field))
    }

    /// Whether an expression is a text.
    pub(super) fn is_text(&self, expr: &'p Expr, scope: &Scope<'p, 'a>, at: Place) -> bool {
        match expr.ty {
            ScalarType::String => true,
            ScalarType::Unknown => match &expr.kind {
                ExprKind::Column(column) => match scope.meaning(&column.name, column.known, at) {
                    Meaning::Computed(inner, _) => inner.ty == ScalarType::String,
                    // Most columns of unknown tables are texts, and both tests agree on the others.
                    Meaning::Source | Meaning::Lost(..) => true,
                },
                ExprKind::Literal(_)
                | ExprKind::Moment(_)
                | ExprKind::Path { .. }
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
                | ExprKind::Scalar(_) => false,
            },
            ScalarType::Bool
            | ScalarType::Datetime
            | ScalarType::Decimal
            | ScalarType::Dynamic
            | ScalarType::Guid
            | ScalarType::Int
            | ScalarType::Long
            | ScalarType::Real
            | ScalarType::Timespan => false,
        }
    }

    /// The values that `iff`, `case` and `coalesce` choose from, with when.
    pub(super) fn choices(&mut self, expr: &'p Expr, scope: &Scope<'p, 'a>, at: Place) -> Said<Vec<Choice<'p>>> {
        self.spend(1, expr.span)?;
        self.deeper(expr.span, |this| {
            if let ExprKind::Column(column) = &expr.kind
                && let Meaning::Computed(inner, at) = scope.meaning(&column.name, column.known, at)
            {
                return this.choices(inner, scope, at);
            }
            let ExprKind::Call { args, .. } = &expr.kind else {
                return Ok(vec![(Cond::Constant(true), expr, at)]);
            };
            let args: &'p [Expr] = args;
            // Whether a guard lets more or fewer events through says nothing of the whole.
            let polarity = Polarity::Aggregated;
            let mut pairs: Vec<(Cond, &'p Expr)> = Vec::new();
            match (this.function(expr), args) {
                (Some("iff"), [test, then, otherwise]) => {
                    pairs.push((this.holds(test, Want::Holds, scope, at, polarity, false)?, then));
                    pairs.push((this.holds(test, Want::Fails, scope, at, polarity, false)?, otherwise));
                }
                (Some("case"), [_, _, _, ..]) if args.len() % 2 == 1 => {
                    let mut before: Vec<Cond> = Vec::new();
                    for pair in args.chunks(2) {
                        match pair {
                            [test, then] => {
                                let holds = this.holds(test, Want::Holds, scope, at, polarity, false)?;
                                pairs.push((Cond::all([before.as_slice(), &[holds]].concat()), then));
                                before.push(this.holds(test, Want::Fails, scope, at, polarity, false)?);
                                this.spend(before.len(), expr.span)?;
                            }
                            [otherwise] => pairs.push((Cond::all(before.clone()), otherwise)),
                            _ => {}
                        }
                    }
                }
                (Some("coalesce"), [_, ..]) => {
                    let mut before: Vec<Cond> = Vec::new();
                    for (index, arg) in args.iter().enumerate() {
                        pairs.push((Cond::all(before.clone()), arg));
                        if index + 1 < args.len() {
                            before.push(this.presence_of(arg, false, scope, at, polarity)?);
                            this.spend(before.len(), expr.span)?;
                        }
                    }
                }
                _ => return Ok(vec![(Cond::Constant(true), expr, at)]),
            }
            let mut out = Vec::new();
            for (guard, value) in pairs {
                let choices = this.choices(value, scope, at)?;
                // Choices within choices write the guard once for each.
                this.spend(guard.size().saturating_mul(choices.len().saturating_sub(1)), expr.span)?;
                for (inner, value, at) in choices {
                    out.push((Cond::all(vec![guard.clone(), inner]), value, at));
                }
            }
            Ok(out)
        })
    }

    /// Whether there is a value, as `coalesce` asks it.
    fn presence_of(
        &mut self,
        arg: &'p Expr,
        present: bool,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Cond> {
        let absence = if self.is_text(arg, scope, at) { Absence::Empty } else { Absence::Null };
        self.presence(arg, absence, present, scope, at, polarity)
    }

    /// Whether one of the values of a `coalesce` is there; `None` where the expression is none. It need not be asked which of
    /// them it is, which would double what is written with each `coalesce` within another.
    pub(super) fn presence_of_any(
        &mut self,
        expr: &'p Expr,
        present: bool,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Option<Cond>> {
        self.deeper(expr.span, |this| {
            if let ExprKind::Column(column) = &expr.kind
                && let Meaning::Computed(inner, at) = scope.meaning(&column.name, column.known, at)
            {
                return this.presence_of_any(inner, present, scope, at, polarity);
            }
            let ExprKind::Call { args, .. } = &expr.kind else { return Ok(None) };
            if this.function(expr) != Some("coalesce") {
                return Ok(None);
            }
            let parts: Said<Vec<Cond>> =
                args.iter().map(|arg| this.presence_of(arg, present, scope, at, polarity)).collect();
            parts.map(|parts| Some(if present { Cond::any(parts) } else { Cond::all(parts) }))
        })
    }

    /// A text.
    pub(super) fn subject(
        &mut self,
        expr: &'p Expr,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Subject<'a>> {
        self.deeper(expr.span, |this| match &expr.kind {
            ExprKind::Column(column) => match scope.meaning(&column.name, column.known, at) {
                Meaning::Computed(inner, at) => this.subject(inner, scope, at, polarity),
                Meaning::Lost(loss, from) => Err(this.lost(&column.name, loss, from, expr.span)),
                Meaning::Source if expr.ty == ScalarType::Dynamic => Err(this.json(expr)),
                Meaning::Source => {
                    let (value, field) = this.field(column, expr.span, scope, at, polarity)?;
                    let mut subject = Subject::of(value);
                    subject.elastic_type = field.map.and_then(|map| map.elastic_type.or_else(|| stored(map.stored_as)));
                    subject.holds_text = matches!(
                        subject.elastic_type,
                        None | Some(FieldType::Keyword | FieldType::ConstantKeyword | FieldType::Wildcard)
                    );
                    subject.empty_is_absent = empty_is_absent(scope);
                    subject.whole =
                        subject.elastic_type.is_none() && matches!(expr.ty, ScalarType::Int | ScalarType::Long);
                    subject.field = Some(field);
                    Ok(subject)
                }
            },
            ExprKind::Path { .. } => {
                let (value, elastic_type) = this.path(expr, scope, at, polarity)?;
                Ok(Subject { elastic_type, path: true, holds_text: true, ..Subject::of(value) })
            }
            ExprKind::Call { args, .. } => {
                let args: &'p [Expr] = args;
                match (this.function(expr), args) {
                    (Some("tolower"), [of]) => {
                        Ok(Subject { folded: Folded::Lower, ..this.subject(of, scope, at, polarity)? })
                    }
                    (Some("toupper"), [of]) => {
                        Ok(Subject { folded: Folded::Upper, ..this.subject(of, scope, at, polarity)? })
                    }
                    (Some("tostring"), [of]) => this.text_of(of, scope, at, polarity),
                    (name, args) => {
                        let value = this.spelled(expr, args, scope, at, polarity)?;
                        let unsure = name == Some("strcat");
                        Ok(Subject { missing_is_unsure: unsure, holds_text: true, ..Subject::of(value) })
                    }
                }
            }
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
            | ExprKind::Scalar(_) => Err(Unsayable::new(
                Code::RefusedPredicate,
                expr.span,
                format!("EQL has no text of {}", this.quoted(expr.span)),
            )),
        })
    }

    /// `tostring(x)`
    fn text_of(&mut self, of: &'p Expr, scope: &Scope<'p, 'a>, at: Place, polarity: Polarity) -> Said<Subject<'a>> {
        match of.ty {
            ScalarType::String | ScalarType::Unknown => self.subject(of, scope, at, polarity),
            ScalarType::Dynamic => {
                let mut inner = of;
                let mut place = at;
                while let ExprKind::Column(column) = &inner.kind
                    && let Meaning::Computed(expr, at) = scope.meaning(&column.name, column.known, place)
                {
                    // Each name was given at an earlier place, so this ends.
                    (inner, place) = (expr, at);
                }
                if matches!(inner.kind, ExprKind::Path { .. }) || inner.ty == ScalarType::String {
                    self.subject(inner, scope, place, polarity)
                } else {
                    Err(self.json(of))
                }
            }
            ScalarType::Int | ScalarType::Long | ScalarType::Bool => {
                let number = self.number(of, scope, at, polarity)?;
                let is_field = matches!(number.value, Value::Field { .. });
                let elastic_type = if is_field && number.stored == Some(ScalarType::String) {
                    Some(FieldType::Keyword)
                } else {
                    (is_field && of.ty != ScalarType::Bool).then_some(FieldType::Long)
                };
                let subject = Subject { elastic_type, ..Subject::of(number.value) };
                if elastic_type.is_some() { Ok(subject) } else { self.as_text(&subject, of.span) }
            }
            ScalarType::Datetime | ScalarType::Decimal | ScalarType::Guid | ScalarType::Real | ScalarType::Timespan => {
                Err(Unsayable::new(
                    Code::RefusedPredicate,
                    of.span,
                    format!("EQL writes a {} in another form than KQL", of.ty),
                ))
            }
        }
    }

    /// `string(value)`
    pub(super) fn as_text(&mut self, subject: &Subject<'a>, span: Span) -> Said<Subject<'a>> {
        let value = self.call("tostring", vec![subject.value.clone()], span)?;
        Ok(Subject { folded: subject.folded, missing_is_unsure: subject.missing_is_unsure, ..Subject::of(value) })
    }

    fn json(&self, expr: &Expr) -> Unsayable {
        Unsayable::new(
            Code::RefusedPredicate,
            expr.span,
            format!("{} is compared as JSON text, which Elasticsearch does not keep", self.quoted(expr.span)),
        )
        .help("compare a key of it")
    }

    /// A key of a dynamic column as a field of its own.
    pub(super) fn path(
        &mut self,
        expr: &'p Expr,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<(Value, Option<FieldType>)> {
        let ExprKind::Path { base, steps } = &expr.kind else { return Err(self.json(expr)) };
        if let Some(known) = self.known_part(expr, scope, at, polarity)? {
            return Ok(known);
        }
        let unsayable = |message: String| Err(Unsayable::new(Code::RefusedPredicate, expr.span, message));
        // Keys from the innermost to the outermost.
        let mut keys: Vec<&'p str> = Vec::with_capacity(steps.len());
        let mut element = false;
        let mut add = |steps: &'p [PathStep]| {
            for step in steps.iter().rev() {
                match step {
                    PathStep::Key(key) => keys.push(key.as_str()),
                    PathStep::Index(_) => element = true,
                    PathStep::Computed(_) => return false,
                }
            }
            true
        };
        const COMPUTED: &str = "a key that is computed names no field";
        if !add(steps) {
            return unsayable(COMPUTED.to_owned());
        }
        let (mut base, mut at): (&'p Expr, Place) = (base, at);
        let column = loop {
            match &base.kind {
                ExprKind::Column(column) => match scope.meaning(&column.name, column.known, at) {
                    Meaning::Computed(inner, place) => (base, at) = (inner, place),
                    Meaning::Source => break scope.original(column, at),
                    Meaning::Lost(loss, from) => return Err(self.lost(&column.name, loss, from, base.span)),
                },
                ExprKind::Call { args, .. } => match (self.function(base), args.as_slice()) {
                    (Some("parse_json"), [of]) => base = of,
                    // The text of a value, which is read again.
                    (Some("tostring"), [of]) if matches!(of.ty, ScalarType::Dynamic) => base = of,
                    _ => return unsayable(format!("EQL does not look into {}", self.quoted(base.span))),
                },
                ExprKind::Path { base: inner, steps } => {
                    if !add(steps) {
                        return unsayable(COMPUTED.to_owned());
                    }
                    base = inner;
                }
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
                | ExprKind::Scalar(_) => {
                    return unsayable(format!("EQL does not look into {}", self.quoted(base.span)));
                }
            }
        };
        if !matches!(base.ty, ScalarType::Dynamic | ScalarType::Unknown) {
            return unsayable(format!("column `{}` is a text whose JSON EQL does not read", column.name));
        }
        let (name, elastic_type) = match self.fields.key_prefix(Some(&scope.table), &column.name) {
            Some(prefix) => (prefix.trim_end_matches('.').to_owned(), None),
            None => {
                let (_, field) = self.field(&column, base.span, scope, at, polarity)?;
                let of = field.map.and_then(|map| map.elastic_type).filter(|it| *it == FieldType::Flattened);
                (field.name.to_string(), of)
            }
        };
        let name = keys.iter().rev().fold(name, |name, key| name + "." + key);
        let effect = if self.whole { Effect::Broader } else { Effect::Unsure };
        let shown = name.replace('`', "'");
        let message = if element {
            format!("Elasticsearch does not keep the order of an array: any element of `{shown}` is compared")
        } else {
            format!(
                "a key of `{}` is compared as field `{shown}`: an array in it matches by any of its elements",
                column.name
            )
        };
        self.note(polarity, Diagnostic::note(Code::FieldCaveat, effect, expr.span, message));
        Ok((Value::Field { name, optional: true }, elastic_type))
    }

    /// A value that is compared as such: a number, a truth value, a time, or a text by order.
    pub(super) fn number(
        &mut self,
        expr: &'p Expr,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Number> {
        self.spend(1, expr.span)?;
        let plain = |value| Number { value, stored: None, when_missing: None };
        self.deeper(expr.span, |this| match &expr.kind {
            ExprKind::Column(column) => match scope.meaning(&column.name, column.known, at) {
                Meaning::Computed(inner, at) => this.number(inner, scope, at, polarity),
                Meaning::Lost(loss, from) => Err(this.lost(&column.name, loss, from, expr.span)),
                Meaning::Source if expr.ty == ScalarType::Dynamic => Err(this.json(expr)),
                Meaning::Source if expr.ty == ScalarType::Timespan => {
                    Err(Unsayable::new(Code::RefusedPredicate, expr.span, "Elasticsearch has no lengths of time"))
                }
                Meaning::Source => {
                    let (value, field) = this.field(column, expr.span, scope, at, polarity)?;
                    let text = expr.ty == ScalarType::String;
                    let stored = field.map.and_then(|map| map.stored_as).filter(|_| !text);
                    Ok(Number { stored, when_missing: text.then(|| Constant::Text(String::new())), value })
                }
            },
            ExprKind::Path { .. } => this.path(expr, scope, at, polarity).map(|(value, _)| plain(value)),
            ExprKind::Arithmetic { op, left, right } => {
                for side in [left, right] {
                    if !side.ty.is_numeric() && side.ty != ScalarType::Unknown {
                        let message = format!("EQL does not compute with {}", this.quoted(expr.span));
                        return Err(Unsayable::new(Code::RefusedPredicate, expr.span, message));
                    }
                }
                if *op == ArithmeticOp::Modulo {
                    let message = "the rest of a division of negative numbers may have another sign";
                    this.note(polarity, Diagnostic::note(Code::Approximated, Effect::Unsure, expr.span, message));
                }
                let left = this.operand(left, scope, at, polarity)?;
                let right = this.operand(right, scope, at, polarity)?;
                let value =
                    Value::Arithmetic { op: Self::arithmetic(*op), left: Box::new(left), right: Box::new(right) };
                Ok(plain(value))
            }
            ExprKind::Negate(inner) => Ok(plain(Value::Negative(Box::new(this.operand(inner, scope, at, polarity)?)))),
            ExprKind::Call { args, .. } => {
                let args: &'p [Expr] = args;
                match (this.function(expr), args) {
                    (Some("toint" | "tolong"), [of]) if matches!(of.ty, ScalarType::Int | ScalarType::Long) => {
                        this.number(of, scope, at, polarity)
                    }
                    (Some("toreal" | "todouble"), [of]) if of.ty.is_numeric() => this.number(of, scope, at, polarity),
                    (Some("tobool"), [of]) if of.ty == ScalarType::Bool => this.number(of, scope, at, polarity),
                    (Some("todatetime"), [of]) if of.ty == ScalarType::Datetime => this.number(of, scope, at, polarity),
                    (Some("toint" | "tolong" | "toreal" | "todouble" | "tobool"), [of])
                        if of.ty == ScalarType::Dynamic =>
                    {
                        this.number(of, scope, at, polarity)
                    }
                    (Some("strlen"), args) => {
                        let value = this.spelled(expr, args, scope, at, polarity)?;
                        Ok(Number { when_missing: Some(Constant::Integer(0)), ..plain(value) })
                    }
                    (_, args) => this.spelled(expr, args, scope, at, polarity).map(plain),
                }
            }
            ExprKind::Literal(_)
            | ExprKind::Moment(_)
            | ExprKind::Compare { .. }
            | ExprKind::Text(_)
            | ExprKind::In { .. }
            | ExprKind::Presence { .. }
            | ExprKind::Time(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Scalar(_) => Err(Unsayable::new(
                Code::RefusedPredicate,
                expr.span,
                format!("EQL does not compare {}", this.quoted(expr.span)),
            )),
        })
    }

    /// An operand of arithmetic: a constant or a number.
    fn operand(&mut self, expr: &'p Expr, scope: &Scope<'p, 'a>, at: Place, polarity: Polarity) -> Said<Value> {
        if let Some(constant) = self.constant(expr, scope, at) {
            return match constant? {
                number @ (Constant::Integer(_) | Constant::Real(_)) => Ok(Value::Constant(number)),
                Constant::Text(_) | Constant::Bool(_) => {
                    Err(Unsayable::new(Code::RefusedPredicate, expr.span, "EQL computes with numbers only"))
                }
            };
        }
        let number = self.number(expr, scope, at, polarity)?;
        if number.stored.is_some() || number.when_missing.is_some() && !matches!(number.value, Value::Spelled { .. }) {
            return Err(Unsayable::new(Code::RefusedPredicate, expr.span, "EQL computes with numbers only"));
        }
        Ok(number.value)
    }
}

impl Subject<'_> {
    fn of(value: Value) -> Self {
        Self {
            value,
            folded: Folded::No,
            field: None,
            elastic_type: None,
            holds_text: false,
            empty_is_absent: false,
            missing_is_unsure: false,
            path: false,
            whole: false,
        }
    }
}

/// The type of a mapping that holds values of a type of KQL.
fn stored(ty: Option<ScalarType>) -> Option<FieldType> {
    match ty? {
        ScalarType::Int | ScalarType::Long => Some(FieldType::Long),
        ScalarType::Real | ScalarType::Decimal => Some(FieldType::Double),
        ScalarType::Bool => Some(FieldType::Boolean),
        ScalarType::Datetime => Some(FieldType::Date),
        ScalarType::String | ScalarType::Guid => Some(FieldType::Keyword),
        ScalarType::Dynamic => Some(FieldType::Object),
        ScalarType::Timespan | ScalarType::Unknown => None,
    }
}

/// Whether ingest leaves out empty texts of a table.
pub(super) fn empty_is_absent(scope: &Scope<'_, '_>) -> bool {
    match scope.table.selector.as_ref() {
        Selector::Elastic(selector) => selector.empty_is_absent,
        Selector::Splunk(_) | Selector::Sigma(_) => false,
    }
}
