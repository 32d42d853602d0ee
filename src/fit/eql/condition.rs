//! Conditions of the plan → conditions of EQL: junctions, comparisons by value, presence, tests. Text is in `text`, values
//! are in `value`, constants and the event's time in `constant`.
//!
//! EQL does not say what a comparison with a missing field gives, and an unmapped field is an error; so every field is
//! optional (`?field`) and every condition that holds for a missing value says so itself.
//! See <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-syntax-optional-fields>.

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Fields, Frame, Ledger};
use crate::plan::{Absence, ArithmeticOp, CompareOp, Expr, ExprKind, ScalarType, Value as Literal};
use crate::source::Span;

use super::scope::{Loss, Meaning, Place, Scope};
use super::tree::{Compare, Cond, Constant, How, Value};

/// Why EQL can not say a condition.
#[derive(Clone, Debug)]
pub(super) struct Unsayable {
    pub(super) code: Code,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// It looks at values of groups, which are not made.
    pub(super) aggregated: bool,
    /// It looks at a column of another set of events.
    pub(super) joined: bool,
}

impl Unsayable {
    pub(super) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, span, message: message.into(), help: None, aggregated: false, joined: false }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// As a note of this effect.
    pub(super) fn note(&self, code: Code, effect: Effect, span: Span) -> Diagnostic {
        let note = Diagnostic::note(code, effect, span, format!("this condition is left out: {}", self.message));
        match &self.help {
            Some(help) => note.help(help.clone()),
            None => note,
        }
    }

    /// As a refusal.
    pub(super) fn refusal(&self) -> Diagnostic {
        let refusal = Diagnostic::refusal(self.code, self.span, self.message.clone());
        match &self.help {
            Some(help) => refusal.help(help.clone()),
            None => refusal,
        }
    }
}

pub(super) type Said<T> = Result<T, Unsayable>;

/// Whether a condition must hold, or must not (a null result does not hold).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Holds,
    Fails,
}

/// Fits conditions of one plan.
pub(super) struct Conditions<'p, 'a, 'l> {
    pub(super) frame: Frame<'a>,
    pub(super) fields: &'l Fields<'a>,
    pub(super) ledger: &'l mut Ledger,
    /// Notes of the condition at hand: they are lost with it if it is left out.
    pub(super) notes: Vec<(Polarity, Diagnostic)>,
    /// Conditions on the event's time that `time_range` says.
    pub(super) held: &'l dyn Fn(&'p Expr) -> bool,
    /// Something was left out, so that more events are selected.
    pub(super) broadened: bool,
    /// The value at hand is compared as a whole: what is no array or object matches as in KQL, others match more.
    pub(super) whole: bool,
    fuel: u32,
    depth: u32,
}

/// Nodes that are written at most.
const FUEL: u32 = 400_000;
/// Computed columns that refer to one another at most this deep.
pub(super) const DEPTH: u32 = 200;

impl<'p, 'a, 'l> Conditions<'p, 'a, 'l> {
    pub(super) fn new(
        frame: Frame<'a>,
        fields: &'l Fields<'a>,
        ledger: &'l mut Ledger,
        held: &'l dyn Fn(&'p Expr) -> bool,
    ) -> Self {
        Self { frame, fields, ledger, notes: Vec::new(), held, broadened: false, whole: false, fuel: FUEL, depth: 0 }
    }

    /// A conjunct of a `where`, with its notes written; where it can not be said its notes are gone.
    pub(super) fn conjunct(&mut self, expr: &'p Expr, scope: &Scope<'p, 'a>, at: Place) -> Said<Cond> {
        self.notes.clear();
        let cond = self.holds(expr, Want::Holds, scope, at, Polarity::Positive, true)?;
        self.ledger.carried_whole(expr);
        for (polarity, note) in std::mem::take(&mut self.notes) {
            self.ledger.note(polarity, note);
        }
        Ok(cond)
    }

    pub(super) fn note(&mut self, polarity: Polarity, note: Diagnostic) {
        self.notes.push((polarity, note));
    }

    pub(super) fn spend(&mut self, amount: usize, span: Span) -> Said<()> {
        match u32::try_from(amount).ok().and_then(|amount| self.fuel.checked_sub(amount)) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => Err(Unsayable::new(
                Code::TooLong,
                span,
                "the condition becomes too long when its columns are written out",
            )),
        }
    }

    /// Reads what a computed column stands for; bounded in depth.
    pub(super) fn deeper<T>(&mut self, span: Span, read: impl FnOnce(&mut Self) -> Said<T>) -> Said<T> {
        if self.depth >= DEPTH {
            return Err(Unsayable::new(Code::TooLong, span, "computed columns refer to one another too deeply"));
        }
        self.depth += 1;
        let out = read(self);
        self.depth -= 1;
        out
    }

    /// Reads a value that is compared as a whole, or of which parts are looked at.
    pub(super) fn as_whole<T>(&mut self, whole: bool, read: impl FnOnce(&mut Self) -> Said<T>) -> Said<T> {
        let before = std::mem::replace(&mut self.whole, whole);
        let out = read(self);
        self.whole = before;
        out
    }

    /// A condition for what `expr` is.
    pub(super) fn holds(
        &mut self,
        expr: &'p Expr,
        want: Want,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
        droppable: bool,
    ) -> Said<Cond> {
        self.spend(1, expr.span)?;
        self.deeper(expr.span, |this| match &expr.kind {
            ExprKind::And(items) if want == Want::Holds => this.all(items, scope, at, polarity, droppable),
            ExprKind::Or(items) if want == Want::Holds => {
                this.each(items, want, scope, at, polarity, droppable).map(Cond::any)
            }
            ExprKind::And(items) => this.each(items, want, scope, at, polarity, false).map(Cond::any),
            ExprKind::Or(items) => this.each(items, want, scope, at, polarity, false).map(Cond::all),
            ExprKind::Text(text) => this.text(text, expr, want, scope, at, polarity),
            ExprKind::Compare { op, left, right } => {
                this.compare(*op, left, right, expr.span, want, scope, at, polarity)
            }
            ExprKind::In { subject, values, negated } => {
                this.member(subject, values, *negated, expr.span, want, scope, at, polarity)
            }
            ExprKind::Presence { subject, absence, negated } => {
                let negated = *negated == (want == Want::Holds);
                this.presence(subject, *absence, negated, scope, at, polarity)
            }
            ExprKind::Time(range) => match scope.meaning(&range.column.name, range.column.known, at) {
                Meaning::Lost(loss @ Loss::Joined, from) => Err(this.lost(&range.column.name, loss, from, expr.span)),
                Meaning::Source | Meaning::Computed(..) | Meaning::Lost(..) => this.time(range, expr, want),
            },
            ExprKind::Literal(Literal::Bool(value)) => Ok(Cond::Constant(*value == (want == Want::Holds))),
            ExprKind::Literal(_) => Ok(Cond::Constant(want == Want::Fails)),
            ExprKind::Column(column) => match scope.meaning(&column.name, column.known, at) {
                Meaning::Computed(inner, at) => this.holds(inner, want, scope, at, polarity, droppable),
                Meaning::Source => {
                    let (value, _) = this.field(column, expr.span, scope, at, polarity)?;
                    let is = |with| Cond::Compare { op: Compare::Eq, value: value.clone(), with: Constant::Bool(with) };
                    Ok(match want {
                        Want::Holds => is(true),
                        Want::Fails => Cond::any(vec![null(&value), is(false)]),
                    })
                }
                Meaning::Lost(loss, from) => Err(this.lost(&column.name, loss, from, expr.span)),
            },
            ExprKind::Call { .. } => this.test(expr, want, scope, at, polarity),
            ExprKind::Not(inner) => this.not(inner, expr, want, scope, at, polarity),
            ExprKind::Path { .. }
            | ExprKind::Moment(_)
            | ExprKind::Arithmetic { .. }
            | ExprKind::Negate(_)
            | ExprKind::Scalar(_) => Err(Unsayable::new(
                Code::RefusedPredicate,
                expr.span,
                format!("EQL has no condition for the truth of {}", this.quoted(expr.span)),
            )),
        })
    }

    fn all(
        &mut self,
        items: &'p [Expr],
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
        droppable: bool,
    ) -> Said<Cond> {
        let (mut out, mut left_out) = (Vec::with_capacity(items.len()), Vec::new());
        for item in items {
            let mark = self.notes.len();
            match self.holds(item, Want::Holds, scope, at, polarity, droppable) {
                Ok(cond) => out.push(cond),
                Err(unsayable) if droppable && unsayable.code != Code::TooLong => {
                    self.notes.truncate(mark);
                    left_out.push((item, unsayable));
                }
                Err(unsayable) => return Err(unsayable),
            }
        }
        let cond = Cond::all(out);
        if let Some((_, unsayable)) = left_out.first()
            && matches!(cond, Cond::Constant(true))
        {
            return Err(unsayable.clone());
        }
        for (item, unsayable) in left_out {
            self.broadened = true;
            self.ledger.dropped(item, polarity, unsayable.note(unsayable.code, Effect::Broader, item.span));
        }
        Ok(cond)
    }

    fn each(
        &mut self,
        items: &'p [Expr],
        want: Want,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
        droppable: bool,
    ) -> Said<Vec<Cond>> {
        items.iter().map(|item| self.holds(item, want, scope, at, polarity, droppable)).collect()
    }

    fn not(
        &mut self,
        inner: &'p Expr,
        whole: &'p Expr,
        want: Want,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Cond> {
        match &inner.kind {
            ExprKind::Literal(Literal::Bool(value)) => Ok(Cond::Constant(*value != (want == Want::Holds))),
            ExprKind::Column(column) => match scope.meaning(&column.name, column.known, at) {
                Meaning::Source => {
                    let (value, _) = self.field(column, inner.span, scope, at, polarity)?;
                    let is = |with| Cond::Compare { op: Compare::Eq, value: value.clone(), with: Constant::Bool(with) };
                    // `not` of a null is null, which does not hold.
                    Ok(match want {
                        Want::Holds => is(false),
                        Want::Fails => Cond::any(vec![null(&value), is(true)]),
                    })
                }
                Meaning::Computed(inner, at) => {
                    self.deeper(whole.span, |this| this.not(inner, whole, want, scope, at, polarity))
                }
                Meaning::Lost(loss, from) => Err(self.lost(&column.name, loss, from, inner.span)),
            },
            // Comparisons of text and tests of presence are never null: what does not hold is false.
            ExprKind::Text(_) | ExprKind::Presence { .. } => {
                let want = if want == Want::Holds { Want::Fails } else { Want::Holds };
                self.holds(inner, want, scope, at, polarity.negated(), false)
            }
            ExprKind::Compare { op, left, right } => {
                self.compare(op.negated(), left, right, inner.span, want, scope, at, polarity)
            }
            ExprKind::Call { .. } if want == Want::Holds => self.test_fails(inner, scope, at, polarity),
            ExprKind::And(items) | ExprKind::Or(items) => {
                let mut out = Vec::with_capacity(items.len());
                for item in items {
                    out.push(self.deeper(item.span, |this| this.not(item, whole, want, scope, at, polarity))?);
                }
                let is_and = matches!(inner.kind, ExprKind::And(_));
                Ok(if is_and == (want == Want::Holds) { Cond::any(out) } else { Cond::all(out) })
            }
            ExprKind::Literal(_)
            | ExprKind::Moment(_)
            | ExprKind::Path { .. }
            | ExprKind::Call { .. }
            | ExprKind::Arithmetic { .. }
            | ExprKind::Negate(_)
            | ExprKind::In { .. }
            | ExprKind::Time(_)
            | ExprKind::Not(_)
            | ExprKind::Scalar(_) => Err(Unsayable::new(
                Code::RefusedPredicate,
                whole.span,
                format!("EQL has no condition for the negation of {}", self.quoted(inner.span)),
            )),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn compare(
        &mut self,
        op: CompareOp,
        left: &'p Expr,
        right: &'p Expr,
        span: Span,
        want: Want,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Cond> {
        let (op, subject, with) = match (self.constant(left, scope, at), self.constant(right, scope, at)) {
            (Some(left), None) => (op.mirrored(), right, left?),
            (None, Some(right)) => (op, left, right?),
            (Some(_), Some(_)) => {
                return Err(Unsayable::new(Code::RefusedPredicate, span, "both sides of the comparison are constants"));
            }
            (None, None) => {
                return Err(Unsayable::new(
                    Code::RefusedPredicate,
                    span,
                    "EQL does not compare two fields with each other",
                )
                .help("the targets splunk and esql compare fields"));
            }
        };
        if let Some(cond) = self.position(op, subject, &with, want, scope, at, polarity)? {
            return Ok(cond);
        }
        let choices = self.choices(subject, scope, at)?;
        let mut out = Vec::with_capacity(choices.len());
        for (guard, subject, at) in choices {
            let cond = self.compare_one(op, subject, &with, span, want, scope, at, polarity)?;
            out.push(Cond::all(vec![guard, cond]));
        }
        Ok(Cond::any(out))
    }

    #[allow(clippy::too_many_arguments)]
    fn compare_one(
        &mut self,
        op: CompareOp,
        subject: &'p Expr,
        with: &Constant,
        span: Span,
        want: Want,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Cond> {
        // What does not hold: the opposite, or a null where the comparison is not total.
        let (op, missing) = match (want, op) {
            (Want::Holds, CompareOp::Ne) => (op, true),
            (Want::Holds, _) => (op, false),
            (Want::Fails, CompareOp::Eq) => (CompareOp::Ne, true),
            (Want::Fails, CompareOp::Ne) => (CompareOp::Eq, false),
            (Want::Fails, op) => (op.negated(), true),
        };
        if let Some(own) = self.constant(subject, scope, at) {
            return match own?.compared(op, with) {
                Some(value) => Ok(Cond::Constant(value)),
                None => Err(Unsayable::new(Code::RefusedPredicate, span, "the comparison has no value that is known")),
            };
        }
        let number = self.as_whole(true, |this| this.number(subject, scope, at, polarity))?;
        let missing = match number.when_missing {
            Some(value) => value.compared(op, with).unwrap_or(missing),
            None => missing,
        };
        let with = match (&number.stored, with) {
            (Some(ScalarType::String), Constant::Integer(number)) if matches!(op, CompareOp::Eq | CompareOp::Ne) => {
                Constant::Text(number.to_string())
            }
            (Some(ScalarType::String), Constant::Bool(value)) => Constant::Text(value.to_string()),
            (Some(ScalarType::String), Constant::Integer(_) | Constant::Real(_)) => {
                return Err(Unsayable::new(
                    Code::RefusedPredicate,
                    span,
                    "the field holds numbers as text, which EQL does not order as numbers",
                ));
            }
            (_, with) => with.clone(),
        };
        let op = match op {
            CompareOp::Eq => Compare::Eq,
            CompareOp::Ne => Compare::Ne,
            CompareOp::Lt => Compare::Lt,
            CompareOp::Le => Compare::Le,
            CompareOp::Gt => Compare::Gt,
            CompareOp::Ge => Compare::Ge,
        };
        let comparison = if subject.ty == ScalarType::Guid
            && let Constant::Text(text) = &with
        {
            let found = Cond::Match { value: number.value.clone(), how: How::Wildcard, patterns: vec![text.clone()] };
            if op == Compare::Eq { found } else { found.negate() }
        } else {
            Cond::Compare { op, value: number.value.clone(), with }
        };
        Ok(or_missing(&number.value, missing, comparison))
    }

    #[allow(clippy::too_many_arguments)]
    fn member(
        &mut self,
        subject: &'p Expr,
        values: &'p [Expr],
        negated: bool,
        span: Span,
        want: Want,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Cond> {
        self.spend(values.len(), span)?;
        let mut list = Vec::with_capacity(values.len());
        for value in values {
            match self.constant(value, scope, at) {
                Some(value) => list.push(value?),
                None => {
                    return Err(Unsayable::new(
                        Code::RefusedPredicate,
                        span,
                        "EQL compares with a list of constants only",
                    ));
                }
            }
        }
        let number = self.as_whole(true, |this| this.number(subject, scope, at, polarity))?;
        if number.when_missing.is_some() {
            return Err(Unsayable::new(Code::RefusedPredicate, subject.span, "the value is compared one by one only"));
        }
        if number.stored == Some(ScalarType::String) {
            for item in &mut list {
                match item {
                    Constant::Integer(number) => *item = Constant::Text(number.to_string()),
                    Constant::Bool(value) => *item = Constant::Text(value.to_string()),
                    Constant::Text(_) => {}
                    Constant::Real(_) => {
                        let message = "the field holds numbers as text";
                        return Err(Unsayable::new(Code::RefusedPredicate, span, message));
                    }
                }
            }
        }
        let negated = negated == (want == Want::Holds);
        if list.is_empty() {
            return Ok(Cond::Constant(negated));
        }
        let cond = Cond::In { value: number.value.clone(), list, negated };
        Ok(or_missing(&number.value, negated, cond))
    }

    pub(super) fn presence(
        &mut self,
        subject: &'p Expr,
        absence: Absence,
        present: bool,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Cond> {
        let is_text = self.is_text(subject, scope, at);
        if is_text && absence == Absence::Null {
            // A text is never null.
            return Ok(Cond::Constant(present));
        }
        if is_text {
            if let Some(cond) = self.presence_of_any(subject, present, scope, at, polarity)? {
                return Ok(cond);
            }
            let choices = self.choices(subject, scope, at)?;
            let mut out = Vec::with_capacity(choices.len());
            for (guard, subject, at) in choices {
                let text = match subject.as_str() {
                    Some(text) => Cond::Constant(text.is_empty() != present),
                    None => {
                        let span = subject.span;
                        let subject = self.subject(subject, scope, at, polarity)?;
                        if let Some(note) = subject.field.as_ref().and_then(|field| field.presence(present, span)) {
                            self.note(polarity, *note);
                        }
                        let is = |op| Cond::Compare {
                            op,
                            value: subject.value.clone(),
                            with: Constant::Text(String::new()),
                        };
                        let empty_too = subject.holds_text && !subject.empty_is_absent;
                        match (present, empty_too) {
                            (false, true) => Cond::any(vec![null(&subject.value), is(Compare::Eq)]),
                            (false, false) => null(&subject.value),
                            (true, true) => Cond::all(vec![null(&subject.value).negate(), is(Compare::Ne)]),
                            (true, false) => null(&subject.value).negate(),
                        }
                    }
                };
                out.push(Cond::all(vec![guard, text]));
            }
            return Ok(Cond::any(out));
        }
        let number = self.number(subject, scope, at, polarity)?;
        if number.when_missing.is_some() {
            return Ok(Cond::Constant(present));
        }
        Ok(or_missing_exactly(&number.value, !present))
    }

    /// That a column has no value here.
    pub(super) fn lost(&self, name: &str, loss: Loss, from: Span, span: Span) -> Unsayable {
        let made = if from.is_empty() { String::new() } else { format!(" by {}", self.quoted(from)) };
        let message = match loss {
            Loss::Gone => format!("`{name}` is no column of the events"),
            Loss::Aggregate
            | Loss::Time
            | Loss::Element
            | Loss::Extracted
            | Loss::Joined
            | Loss::Window
            | Loss::TableName => format!("`{name}` is {}{made}, which EQL does not have", loss.is()),
        };
        let aggregated = matches!(loss, Loss::Aggregate | Loss::Time | Loss::Gone);
        let joined = loss == Loss::Joined;
        let unsayable = Unsayable::new(Code::RefusedPredicate, span, message);
        Unsayable { aggregated, joined, ..unsayable.help(loss.instead()) }
    }

    /// Text of the hunt for a message: one line, cut where it is long.
    pub(super) fn quoted(&self, span: Span) -> String {
        let words: Vec<&str> = span.slice(self.frame.text).split_whitespace().take(12).collect();
        let mut text = words.join(" ").replace('`', "'");
        if text.chars().count() > 60 {
            text = text.chars().take(57).collect::<String>() + "…";
        }
        if text.is_empty() { "this value".to_owned() } else { format!("`{text}`") }
    }

    /// How an arithmetic operator is written in EQL.
    pub(super) fn arithmetic(op: ArithmeticOp) -> super::tree::Arithmetic {
        match op {
            ArithmeticOp::Add => super::tree::Arithmetic::Add,
            ArithmeticOp::Subtract => super::tree::Arithmetic::Subtract,
            ArithmeticOp::Multiply => super::tree::Arithmetic::Multiply,
            ArithmeticOp::Divide => super::tree::Arithmetic::Divide,
            ArithmeticOp::Modulo => super::tree::Arithmetic::Modulo,
        }
    }
}

/// That a value is null: one of its fields is missing, or itself where it holds no field.
pub(super) fn null(value: &Value) -> Cond {
    let mut fields: Vec<&Value> = Vec::new();
    value.fields(&mut |field| {
        if !fields.contains(&field) {
            fields.push(field);
        }
    });
    match fields.as_slice() {
        [] => Cond::Null { value: value.clone(), is: true },
        many => Cond::any(many.iter().map(|field| Cond::Null { value: (*field).clone(), is: true }).collect()),
    }
}

fn or_missing_exactly(value: &Value, is: bool) -> Cond {
    let missing = null(value);
    match (is, missing) {
        (true, missing) => missing,
        (false, Cond::Any(items)) => Cond::all(items.into_iter().map(Cond::negate).collect()),
        (false, missing) => missing.negate(),
    }
}

/// The condition, or that the value is missing.
pub(super) fn or_missing(value: &Value, missing: bool, cond: Cond) -> Cond {
    if missing { Cond::any(vec![null(value), cond]) } else { cond }
}
