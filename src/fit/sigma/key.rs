//! Keys of groups and joins: Sigma groups by fields as they are, not by what is computed of them.

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::Ledger;
use crate::plan::{ColumnRef, Expr, ExprKind, Needles, PathStep, ScalarType, TICKS_PER_DAY, Value};
use crate::source::Span;

use super::scope::Meaning;
use super::subject::{Reader, Unsayable};

/// How many expressions of a computed key are looked at.
const FUEL: usize = 2_000;
/// How many columns a computed key may be made of.
const MOST_COLUMNS: usize = 4;

/// What a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyOf {
    /// A field, and whether it is the whole path of which the key is the last part.
    Field(String, bool),
    /// The time, cut down to windows of this many ticks.
    Time(i64),
}

impl<'p> Reader<'_, 'p, 'p> {
    /// The field that a key is. What is to be said of it is noted for a place where finer keys are fewer alerts.
    pub(super) fn key(&mut self, ledger: &mut Ledger, expr: &'p Expr, level: usize) -> Result<KeyOf, Unsayable> {
        let (expr, level) = self.scopes.behind(expr, level);
        if let ExprKind::Call { function, args } = &expr.kind {
            match (self.function(*function), args.as_slice()) {
                ("bin", [of, size]) if self.is_time(of, level) => {
                    return match size.as_literal() {
                        Some(Value::Timespan(ticks @ 1..)) => Ok(KeyOf::Time(*ticks)),
                        Some(_) | None => Err(no_key(expr.span)),
                    };
                }
                ("startofday", [of]) if self.is_time(of, level) => return Ok(KeyOf::Time(TICKS_PER_DAY)),
                ("startofweek", [of]) if self.is_time(of, level) => return Ok(KeyOf::Time(7 * TICKS_PER_DAY)),
                _ => {}
            }
        }
        self.field_key(ledger, expr, level)
    }

    /// The field that a key is, which is no time.
    pub(super) fn field_key(&mut self, ledger: &mut Ledger, expr: &Expr, level: usize) -> Result<KeyOf, Unsayable> {
        let subject = self.subject(ledger, expr, level, Polarity::Positive)?;
        let name = subject.name.clone();
        let mut say = |code, effect, message: String| {
            ledger.note(Polarity::Positive, Diagnostic::note(code, effect, expr.span, message));
        };
        if subject.folded.is_some() {
            let message = format!("Sigma groups by field `{name}` as it is: keys that differ in case are not equal");
            say(Code::Approximated, Effect::Narrower, message);
        }
        if subject.last_after.is_some() {
            let message =
                format!("field `{name}` holds the whole path: keys that differ in their folders are not equal");
            say(Code::Approximated, Effect::Narrower, message);
        }
        if subject.front.is_some() {
            let message = format!("field `{name}` holds more behind the key: keys that differ in it are not equal");
            say(Code::Approximated, Effect::Narrower, message);
        }
        if subject.converted {
            let message = format!("Sigma groups by field `{name}` as it is, without the conversion");
            say(Code::Approximated, Effect::Unsure, message);
        }
        if subject.field.map.is_some_and(crate::target::ColumnMap::changes_values) {
            let message = format!("Sigma groups by field `{name}`, whose values are not those of the column");
            say(Code::ValueChanged, Effect::Unsure, message);
        }
        if subject.dynamic {
            ledger.note(Polarity::Positive, super::text::dynamic_note(&subject, expr.span));
        }
        Ok(KeyOf::Field(name, subject.last_after.is_some() || subject.front.is_some()))
    }

    /// The columns of the table that a value is computed from, where it depends on nothing else: events that are alike in them
    /// have the same value. At most `MOST_COLUMNS`.
    pub(super) fn columns_of(&self, expr: &'p Expr, level: usize) -> Option<Vec<ColumnRef>> {
        let mut columns: Vec<ColumnRef> = Vec::new();
        let mut pending: Vec<(&'p Expr, usize)> = vec![(expr, level)];
        let mut fuel = FUEL;
        while let Some((expr, level)) = pending.pop() {
            fuel = fuel.checked_sub(1)?;
            match &expr.kind {
                ExprKind::Literal(_) => {}
                ExprKind::Column(column) => match self.scopes.meaning(column, level) {
                    Meaning::Computed(value, below) => pending.push((value, below)),
                    // A whole bag of keys differs in nearly every event.
                    Meaning::Raw(_) if expr.ty == ScalarType::Dynamic => return None,
                    Meaning::Raw(column) if self.fields.is_time(self.table, &column.name) => return None,
                    Meaning::Raw(column) => {
                        if !columns.contains(&column) {
                            columns.push(column);
                        }
                    }
                    Meaning::RawOfOne(_)
                    | Meaning::ComputedOfOne(..)
                    | Meaning::Aggregate(..)
                    | Meaning::Count(_)
                    | Meaning::Gone(..) => return None,
                },
                ExprKind::Call { function, args } => {
                    // What is read out of a text of JSON is a small part of it; chance and the clock are no columns.
                    if matches!(
                        self.function(*function),
                        "parse_json" | "parse_xml" | "rand" | "new_guid" | "ingestion_time"
                    ) {
                        return None;
                    }
                    pending.extend(args.iter().rev().map(|arg| (arg, level)));
                }
                ExprKind::Path { base, steps } => {
                    for step in steps {
                        match step {
                            PathStep::Key(_) | PathStep::Index(_) => {}
                            PathStep::Computed(index) => pending.push((index, level)),
                        }
                    }
                    pending.push((base, level));
                }
                ExprKind::Arithmetic { left, right, .. } | ExprKind::Compare { left, right, .. } => {
                    pending.extend([(&**right, level), (&**left, level)]);
                }
                ExprKind::Negate(inner) | ExprKind::Not(inner) => pending.push((inner, level)),
                ExprKind::Text(text) => {
                    match &text.needles {
                        Needles::One(needle) => pending.push((needle, level)),
                        Needles::Any(items) | Needles::All(items) => {
                            pending.extend(items.iter().map(|item| (item, level)));
                        }
                        Needles::Table(_) => return None,
                    }
                    pending.push((&text.subject, level));
                }
                ExprKind::In { subject, values, .. } => {
                    pending.extend(values.iter().map(|value| (value, level)));
                    pending.push((subject, level));
                }
                ExprKind::Presence { subject, .. } => pending.push((subject, level)),
                ExprKind::And(items) | ExprKind::Or(items) => pending.extend(items.iter().map(|item| (item, level))),
                ExprKind::Moment(_) | ExprKind::Time(_) | ExprKind::Scalar(_) => return None,
            }
        }
        (1..=MOST_COLUMNS).contains(&columns.len()).then_some(columns)
    }

    /// Whether an expression is the time of the event.
    pub(super) fn is_time(&self, expr: &'p Expr, level: usize) -> bool {
        let (expr, level) = self.scopes.behind(expr, level);
        match expr.as_column().map(|column| self.scopes.meaning(column, level)) {
            Some(Meaning::Raw(column)) => self.fields.is_time(self.table, &column.name),
            Some(
                Meaning::Computed(..)
                | Meaning::RawOfOne(_)
                | Meaning::ComputedOfOne(..)
                | Meaning::Aggregate(..)
                | Meaning::Count(_)
                | Meaning::Gone(..),
            )
            | None => false,
        }
    }
}

/// Whether a missing key is a value like any other: a text that is missing is the empty text.
pub(super) fn is_text(ty: ScalarType) -> bool {
    match ty {
        ScalarType::String | ScalarType::Unknown | ScalarType::Dynamic => true,
        ScalarType::Bool
        | ScalarType::Int
        | ScalarType::Long
        | ScalarType::Real
        | ScalarType::Decimal
        | ScalarType::Datetime
        | ScalarType::Timespan
        | ScalarType::Guid => false,
    }
}

fn no_key(span: Span) -> Unsayable {
    Unsayable::new(Code::RefusedPredicate, span, "Sigma groups by fields, and this key is computed")
}
