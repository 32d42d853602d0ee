//! Columns of which the data lists what a field holds for each of their values: another text, or a class of addresses.

use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::fit::fields::inferred;
use crate::fit::ingest::found_in;
use crate::plan::{Case, ScalarType, TextHow};
use crate::source::Span;
use crate::target::{ColumnMap, Otherwise};

use super::logic::Logic;
use super::subject::{Reader, Subject};
use super::text::{Notes, compare};
use super::tree::{Form, Value};

impl Reader<'_, '_, '_> {
    /// A comparison with such a column; `None` where it is compared as every other.
    pub(super) fn listed(
        &self,
        subject: &Subject<'_>,
        how: TextHow,
        case: Case,
        text: &str,
        span: Span,
        notes: &mut Notes,
    ) -> Option<Logic> {
        let map = subject.field.map.filter(|_| how != TextHow::Regex)?;
        let logic = if map.networks.is_empty() {
            self.values(subject, map, how, case, text, span, notes)?
        } else {
            networks(subject, map, how, case, text, span, notes)
        };
        Some(logic.unwrap_or_else(|| {
            // The column has a field for other values only.
            notes.push(self.fields.by_its_name(&subject.column, span));
            let own = Subject { name: subject.column.to_string(), last_after: None, front: None, ..subject.clone() };
            compare(&own, how, case, text.to_owned())
        }))
    }

    /// A comparison by the listed values: `Some(None)` where none of them is meant and the field has no others.
    #[allow(clippy::too_many_arguments)] // As everywhere in comparisons of texts.
    fn values(
        &self,
        subject: &Subject<'_>,
        map: &ColumnMap,
        how: TextHow,
        case: Case,
        text: &str,
        span: Span,
        notes: &mut Notes,
    ) -> Option<Option<Logic>> {
        if map.values.is_empty() {
            return None;
        }
        let means = |from: &String| found_in(from, text, how, case) == Some(true);
        let meant: Vec<(&String, &String)> = map.values.iter().filter(|(from, _)| means(from)).collect();
        let unsure = map.otherwise == Some(Otherwise::Unsure);
        if meant.is_empty() {
            return if unsure { Some(None) } else { None };
        }
        if map.inferred && unsure {
            notes.push(inferred(&subject.name, &subject.column, span));
        }
        let mut note = |effect, message| notes.push(Diagnostic::note(Code::ValueChanged, effect, span, message));
        let field = &subject.name;
        for (from, to) in &meant {
            note(Effect::Exact, format!("field `{field}` holds `{to}` where the column has `{from}`"));
        }
        let others = map.values.iter().filter(|(from, to)| !means(from) && meant.iter().any(|(_, of)| of == to));
        let others: Vec<String> = others.map(|(from, _)| format!("`{from}`")).collect();
        if !others.is_empty() {
            note(Effect::Broader, format!("field `{field}` holds the same for {}", others.join(", ")));
        }
        if how != TextHow::Equals {
            let message = format!("values with `{text}` that field `{field}` has no counterpart of are not found");
            note(Effect::Narrower, message);
        }
        let values = meant.into_iter().map(|(_, to)| typed(map, to)).collect();
        Some(Some(Logic::tests(field, Form::Equals { cased: false }, values)))
    }
}

/// A value as the type of the field has it.
fn typed(map: &ColumnMap, text: &str) -> Value {
    let number = || text.parse().map(Value::Integer).ok();
    let value = match map.stored_as {
        Some(ScalarType::Int | ScalarType::Long) => number(),
        Some(ScalarType::Bool) => text.parse().map(Value::Bool).ok(),
        Some(
            ScalarType::String
            | ScalarType::Real
            | ScalarType::Decimal
            | ScalarType::Datetime
            | ScalarType::Timespan
            | ScalarType::Guid
            | ScalarType::Dynamic
            | ScalarType::Unknown,
        )
        | None => None,
    };
    value.unwrap_or_else(|| Value::Text(text.to_owned()))
}

/// A class of addresses by its networks; `None` where the class is not known.
fn networks(
    subject: &Subject<'_>,
    map: &ColumnMap,
    how: TextHow,
    case: Case,
    text: &str,
    span: Span,
    notes: &mut Notes,
) -> Option<Logic> {
    let (class, own) = map.networks.iter().find(|(class, _)| found_in(class, text, how, case) == Some(true))?;
    if how != TextHow::Equals {
        return None;
    }
    let field = subject.name.as_str();
    let inside = |networks: Vec<&String>| {
        Logic::tests(field, Form::Cidr, networks.into_iter().map(|network| Value::Raw(network.clone())).collect())
    };
    if map.inferred {
        notes.push(inferred(field, &subject.column, span));
    }
    let message = format!("that an address is of the class `{class}` is said by networks");
    notes.push(Diagnostic::note(Code::Approximated, Effect::Unsure, span, message));
    if !own.is_empty() {
        return Some(inside(own.iter().collect()));
    }
    // An event without an address is of no class.
    let there = Logic::test(field, Form::Exists, Value::Bool(true));
    let other = inside(map.networks.values().flatten().collect());
    Some(Logic::All(vec![there, other.not()]))
}
