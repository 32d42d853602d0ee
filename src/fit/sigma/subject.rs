//! What a comparison looks at: columns followed through the stages that computed them, down to a field of the event.
//!
//! It does not know how a subject is compared.

use std::borrow::Cow;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Field, Fields, Frame, Ledger, Table};
use crate::plan::{ColumnRef, Expr, ExprKind, PathStep, ScalarType};
use crate::source::Span;

use super::scope::{Meaning, Scopes};

/// Why a part of the hunt can not be said.
#[derive(Clone, Debug)]
pub(super) struct Unsayable {
    /// The code of the refusal.
    pub(super) code: Code,
    /// The code of the note where the condition is left out.
    pub(super) dropped: Code,
    /// The place.
    pub(super) span: Span,
    /// What is.
    pub(super) message: String,
    /// What would work.
    pub(super) help: Option<String>,
}

impl Unsayable {
    pub(super) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, dropped: Code::ConditionDropped, span, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The refusal of the hunt.
    pub(super) fn refusal(self) -> Diagnostic {
        let refusal = Diagnostic::refusal(self.code, self.span, self.message);
        match self.help {
            Some(help) => refusal.help(help),
            None => refusal,
        }
    }

    /// The note of the condition, which is left out: whatever it selects, more is selected without it.
    pub(super) fn left_out(self, condition: Span) -> Diagnostic {
        let message = format!("the condition is left out: {}", self.message);
        let note = Diagnostic::note(self.dropped, Effect::Broader, condition, message);
        match self.help {
            Some(help) => note.help(help),
            None => note,
        }
    }
}

impl From<Box<Diagnostic>> for Unsayable {
    fn from(refusal: Box<Diagnostic>) -> Self {
        let Diagnostic { code, span, message, help, .. } = *refusal;
        Self { code, dropped: Code::ConditionDropped, span, message, help }
    }
}

/// A change of case that the hunt makes before it compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folded {
    /// `tolower`
    Lower,
    /// `toupper`
    Upper,
}

/// How many values lie one in another between a column and a part of it.
const NESTED: usize = 16;

/// How a field holds a column and more behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Front {
    /// What stands between the two.
    pub(super) separator: char,
    /// There is always more.
    pub(super) always: bool,
}

/// What a comparison looks at.
#[derive(Clone, Debug)]
pub(super) struct Subject<'a> {
    /// The column of the table, with the path into it.
    pub(super) column: Arc<str>,
    /// The field in the schema.
    pub(super) field: Field<'a>,
    /// Its name, with the path into a dynamic value.
    pub(super) name: String,
    /// The column is the part of the field after the last of these.
    pub(super) last_after: Option<char>,
    /// The column is the front of the field.
    pub(super) front: Option<Front>,
    /// The hunt folds the case of the value.
    pub(super) folded: Option<Folded>,
    /// The type of the column.
    pub(super) ty: ScalarType,
    /// It is a `dynamic` value or a part of one.
    pub(super) dynamic: bool,
    /// The hunt reads it out of a text of JSON.
    pub(super) parsed: bool,
    /// The hunt converts the value to another type.
    pub(super) converted: bool,
}

/// What conditions of one table are read with.
pub(super) struct Reader<'f, 'a, 'p> {
    pub(super) frame: &'f Frame<'a>,
    pub(super) fields: &'f Fields<'a>,
    pub(super) table: &'f Table<'a>,
    /// The category of the log source that was chosen.
    pub(super) category: Option<&'f str>,
    /// The character between the parts of a path in the log source.
    pub(super) separator: char,
    pub(super) scopes: &'f Scopes<'p>,
    /// How many nodes may still be visited: computed columns can stand for very many.
    pub(super) budget: usize,
    /// How many choices of values lie around what is read.
    pub(super) choosing: usize,
    /// Nothing may be left out.
    pub(super) strict: bool,
}

impl<'a, 'p> Reader<'_, 'a, 'p> {
    /// Counts a visited node.
    pub(super) fn spend(&mut self, span: Span) -> Result<(), Unsayable> {
        match self.budget.checked_sub(1) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => Err(Unsayable::new(
                Code::TooLong,
                span,
                "the condition becomes too long when its computed columns are written out",
            )),
        }
    }

    /// The name of a function of KQL.
    pub(super) fn function(&self, id: crate::plan::FunctionId) -> &'a str {
        self.frame.vocabulary.function_row(id).map_or("", |row| row.name.as_str())
    }

    /// The computed value that a column stands for, and the scopes that it sees.
    pub(super) fn computed(&self, ledger: &mut Ledger, expr: &Expr, level: usize) -> Option<(&'p Expr, usize)> {
        let column = expr.as_column()?;
        match self.scopes.meaning(column, level) {
            Meaning::Computed(value, level) => Some((value, level)),
            Meaning::ComputedOfOne(value, level) => {
                ledger.note(Polarity::Positive, one_of_group(expr.span));
                Some((value, level))
            }
            Meaning::Raw(_) | Meaning::RawOfOne(_) | Meaning::Aggregate(..) | Meaning::Count(_) | Meaning::Gone(..) => {
                None
            }
        }
    }

    /// The field that an expression looks at.
    pub(super) fn subject(
        &mut self,
        ledger: &mut Ledger,
        expr: &Expr,
        level: usize,
        polarity: Polarity,
    ) -> Result<Subject<'a>, Unsayable> {
        self.spend(expr.span)?;
        match &expr.kind {
            ExprKind::Column(column) => match self.scopes.meaning(column, level) {
                Meaning::Computed(value, level) => self.subject(ledger, value, level, polarity),
                Meaning::ComputedOfOne(value, level) => {
                    ledger.note(Polarity::Positive, one_of_group(expr.span));
                    self.subject(ledger, value, level, polarity)
                }
                Meaning::Aggregate(..) | Meaning::Count(_) => {
                    Err(gone(column, AGGREGATE, Code::ThresholdDropped, expr.span))
                }
                Meaning::Gone(why, code) => Err(gone(column, why, code, expr.span)),
                Meaning::Raw(column) => self.column(ledger, &column, expr, polarity),
                Meaning::RawOfOne(column) => {
                    ledger.note(Polarity::Positive, one_of_group(expr.span));
                    self.column(ledger, &column, expr, polarity)
                }
            },
            ExprKind::Path { base, steps } => {
                let (whole, inner) = self.column_of_parts(base, level, NESTED).unzip();
                if let (Some(column), Some(inner)) = (&whole, &inner) {
                    let steps: Vec<&PathStep> = inner.iter().copied().chain(steps).collect();
                    if let Some(part) = self.part(ledger, column, &steps, expr.span, polarity)? {
                        return Ok(part);
                    }
                }
                let whole = whole.filter(|_| inner.is_some_and(|inner| inner.is_empty()));
                let keys =
                    whole.and_then(|column| self.fields.key_prefix(Some(self.table), &column.name).zip(Some(column)));
                let mut subject = match keys {
                    // The keys are fields, whatever becomes of the column.
                    Some((prefix, column)) => {
                        let prefix = prefix.trim_end_matches('.').to_owned();
                        let field = Field { name: Cow::Owned(prefix.clone()), time: false, map: None };
                        self.subject_of(column.name.clone(), field, prefix, ScalarType::Dynamic, true)
                    }
                    None => self.subject(ledger, base, level, polarity)?,
                };
                if !subject.dynamic && subject.ty != ScalarType::Unknown {
                    return Err(computed(expr.span, "is read out of a value that has no parts"));
                }
                for step in steps {
                    match step {
                        PathStep::Key(key) if !key.is_empty() && !key.contains('.') => {
                            if !subject.name.is_empty() {
                                subject.name.push('.');
                            }
                            subject.name.push_str(key);
                        }
                        PathStep::Key(_) | PathStep::Index(_) | PathStep::Computed(_) => {
                            return Err(computed(expr.span, "is an element of a list or has a name that no field has"));
                        }
                    }
                }
                check_name(&subject.name, expr.span)?;
                subject.dynamic = true;
                subject.ty = expr.ty;
                Ok(subject)
            }
            ExprKind::Call { function, args } => {
                let name = self.function(*function);
                let [arg, ..] = args.as_slice() else { return Err(computed(expr.span, "is computed")) };
                match (name, args.len()) {
                    ("tostring", 1) => self.subject(ledger, arg, level, polarity),
                    ("tolower" | "toupper", 1) => {
                        let mut subject = self.subject(ledger, arg, level, polarity)?;
                        subject.folded = Some(if name == "tolower" { Folded::Lower } else { Folded::Upper });
                        Ok(subject)
                    }
                    ("toint" | "tolong" | "toreal" | "todouble" | "tobool" | "todecimal", 1) => {
                        let mut subject = self.subject(ledger, arg, level, polarity)?;
                        subject.converted |= !subject.ty.is_numeric();
                        Ok(subject)
                    }
                    ("parse_json", 1) => {
                        let subject = self.subject(ledger, arg, level, polarity)?;
                        if subject.dynamic || subject.ty == ScalarType::Unknown {
                            return Ok(Subject { dynamic: true, ..subject });
                        }
                        if subject.ty == ScalarType::String && subject.last_after.is_none() && subject.folded.is_none()
                        {
                            return Ok(Subject { dynamic: true, parsed: true, ..subject });
                        }
                        Err(computed(expr.span, "is read out of a computed text").help("compare the text itself"))
                    }
                    _ => Err(self.refused_function(name, expr.span)),
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
            | ExprKind::Scalar(_) => Err(computed(expr.span, "is computed")),
        }
    }

    /// The field that a column of the table is.
    fn column(
        &mut self,
        ledger: &mut Ledger,
        column: &ColumnRef,
        expr: &Expr,
        polarity: Polarity,
    ) -> Result<Subject<'a>, Unsayable> {
        let field = self.fields.column(ledger, Some(self.table), column, expr.span, polarity)?;
        if field.time {
            let message = format!("a Sigma rule does not compare the time of the event, `{}`", column.name);
            return Err(Unsayable::new(Code::RefusedPredicate, expr.span, message));
        }
        let name = field.name.to_string();
        check_name(&name, expr.span)?;
        let dynamic = expr.ty == ScalarType::Dynamic;
        Ok(self.subject_of(column.name.clone(), field, name, expr.ty, dynamic))
    }

    fn subject_of(
        &self,
        column: Arc<str>,
        field: Field<'a>,
        name: String,
        ty: ScalarType,
        dynamic: bool,
    ) -> Subject<'a> {
        let base = field.map.is_some_and(|map| map.base_name_of);
        let last_after = base.then_some(self.separator);
        let front = field.map.filter(|map| map.front_of).map(|map| Front {
            separator: self.separator,
            always: self.category.is_some_and(|category| map.front_in.iter().any(|known| known == category)),
        });
        Subject { column, field, name, last_after, front, folded: None, ty, dynamic, parsed: false, converted: false }
    }

    /// The column of the table that parts are read out of, and the way to the value that the last ones are read out of.
    /// `None` where it leads through more than `most` values, which no listed part does.
    fn column_of_parts<'e>(&self, base: &'e Expr, level: usize, most: usize) -> Option<(ColumnRef, Vec<&'e PathStep>)>
    where
        'p: 'e,
    {
        let most = most.checked_sub(1)?;
        match &base.kind {
            ExprKind::Column(column) => match self.scopes.meaning(column, level) {
                Meaning::Raw(column) => Some((column, Vec::new())),
                Meaning::Computed(value, level) => self.column_of_parts(value, level, most),
                // Of one event of a group it is to be noted, which is done where the column itself is looked at.
                Meaning::RawOfOne(_)
                | Meaning::ComputedOfOne(..)
                | Meaning::Aggregate(..)
                | Meaning::Count(_)
                | Meaning::Gone(..) => None,
            },
            ExprKind::Path { base, steps } => {
                let (column, mut way) = self.column_of_parts(base, level, most)?;
                way.extend(steps);
                Some((column, way))
            }
            ExprKind::Call { function, args } => match (self.function(*function), args.as_slice()) {
                ("parse_json" | "tostring", [inner]) => self.column_of_parts(inner, level, most),
                _ => None,
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
            | ExprKind::Scalar(_) => None,
        }
    }

    /// The part of a column that the schema has a field of its own for.
    fn part(
        &self,
        ledger: &mut Ledger,
        column: &ColumnRef,
        steps: &[&PathStep],
        span: Span,
        polarity: Polarity,
    ) -> Result<Option<Subject<'a>>, Unsayable> {
        let Some(field) = self.fields.part(ledger, self.table, column, steps, span, polarity)? else {
            return Ok(None);
        };
        let mut path = column.name.to_string();
        for step in steps {
            if let PathStep::Key(key) = step {
                path.push('.');
                path.push_str(key);
            }
        }
        let name = field.name.to_string();
        check_name(&name, span)?;
        Ok(Some(self.subject_of(Arc::from(path), field, name, ScalarType::String, false)))
    }

    /// That a function can not be said.
    pub(super) fn refused_function(&self, name: &str, span: Span) -> Unsayable {
        use crate::target::Spelling;
        match self.frame.spellings.get(name) {
            Ok(Some(Spelling::Refused { reason, instead })) => {
                let refused = Unsayable::new(Code::RefusedFunction, span, format!("`{name}`: {reason}"));
                Unsayable { help: instead.clone(), ..refused }
            }
            // A malformed row is found by the tests of the data; for the hunt there is no such function.
            Ok(Some(Spelling::Written(_)) | None) | Err(_) => {
                Unsayable::new(Code::RefusedFunction, span, format!("a Sigma rule has no function `{name}`"))
                    .help("compare a field of the event itself")
            }
        }
    }
}

/// Why a value of a group is not there in an event.
pub(super) const AGGREGATE: &str = "an aggregated value";

/// That one event of a group is asked for, and every event is compared.
pub(super) fn one_of_group(span: Span) -> Diagnostic {
    let message = "the hunt looks at one event of each group here, the rule at every event: others may satisfy the \
                   condition, and those of the group that do not are not selected";
    Diagnostic::note(Code::OneOfGroup, Effect::Unsure, span, message)
}

/// That a column is not there in an event.
fn gone(column: &ColumnRef, why: &str, code: Code, span: Span) -> Unsayable {
    let message = format!("column `{}` is {why}", column.name);
    let unsayable = Unsayable::new(Code::RefusedPredicate, span, message);
    Unsayable { dropped: code, ..unsayable.help("a Sigma rule selects single events by their own fields") }
}

fn computed(span: Span, how: &str) -> Unsayable {
    Unsayable::new(
        Code::RefusedPredicate,
        span,
        format!("a Sigma rule compares fields of the event, and this value {how}"),
    )
}

/// Whether Sigma can say the name of a field.
fn check_name(name: &str, span: Span) -> Result<(), Unsayable> {
    let message = if name.contains('|') {
        "a field of Sigma can not hold `|`, which begins a modifier"
    } else if name.trim() != name || name.is_empty() {
        "a field of Sigma can not be empty or begin or end with a blank"
    } else if name.len() > 128 {
        "the name of the field is longer than YAML takes as a key"
    } else {
        return Ok(());
    };
    Err(Unsayable::new(Code::RefusedPredicate, span, message))
}
