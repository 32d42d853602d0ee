//! `dynamic` values: paths into them, and functions of constant arrays and bags.
//!
//! <https://learn.microsoft.com/kusto/query/scalar-data-types/dynamic>

use std::collections::HashSet;

use super::{Builder, MAX_ITEMS, MAX_TEXT, literal};
use crate::plan::{Expr, ExprKind, PathStep, ScalarType, Value};
use crate::source::Span;

impl Builder<'_> {
    /// `base.key`, `base[index]`. A computed step that is constant is a key or an index; a step into a constant is its
    /// part, or null where it has none. What comes out is `dynamic`, whatever it holds.
    pub(crate) fn path(&mut self, base: Expr, step: PathStep, span: Span) -> Expr {
        let mut whole = span.to(base.span);
        let step = match step {
            PathStep::Computed(index) => {
                whole = whole.to(index.span);
                match index.as_literal() {
                    Some(Value::String(key)) => PathStep::Key(key.clone()),
                    Some(Value::Long(position)) => PathStep::Index(*position),
                    Some(_) | None => PathStep::Computed(index),
                }
            }
            step @ (PathStep::Key(_) | PathStep::Index(_)) => step,
        };
        if let Some(value) = base.as_literal().and_then(|value| part(value, &step)) {
            return literal(value, ScalarType::Dynamic, whole);
        }
        let fits = matches!(base.ty, ScalarType::Dynamic | ScalarType::Unknown);
        if !fits {
            let message = format!("a part of a `{}` is asked for", base.ty);
            self.mismatch(span, message, "make it dynamic with parse_json() or todynamic()");
        }
        let mut base = base;
        if let ExprKind::Path { steps, .. } = &mut base.kind {
            steps.push(step);
            return Expr { span, ty: ScalarType::Dynamic, ..base };
        }
        let kind = ExprKind::Path { base: Box::new(base), steps: vec![step] };
        Expr::new(kind, ScalarType::Dynamic, span)
    }
}

/// A part of a constant.
fn part(value: &Value, step: &PathStep) -> Option<Value> {
    let null = Value::Null(ScalarType::Dynamic);
    match (value, step) {
        (Value::Bag(slots), PathStep::Key(key)) => {
            Some(slots.iter().rev().find(|(name, _)| name == key).map_or(null, |(_, value)| value.clone()))
        }
        (Value::Array(items), PathStep::Index(index)) => {
            // A negative index counts from the end.
            let length = i64::try_from(items.len()).ok()?;
            let at = if *index < 0 { length.checked_add(*index)? } else { *index };
            Some(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned().unwrap_or(null))
        }
        (
            Value::Null(_)
            | Value::Bool(_)
            | Value::Long(_)
            | Value::Real(_)
            | Value::Decimal(_)
            | Value::String(_)
            | Value::Datetime(_)
            | Value::Timespan(_)
            | Value::Guid(_)
            | Value::Array(_)
            | Value::Bag(_),
            PathStep::Key(_) | PathStep::Index(_) | PathStep::Computed(_),
        ) => None,
    }
}

/// The value of a function of constants, if it is certain.
pub(super) fn call(name: &str, args: &[&Value]) -> Option<Value> {
    match (name, args) {
        ("pack_array", items) => limited(items.iter().map(|value| (*value).clone()).collect()),
        ("array_concat", arrays) => {
            let arrays = all_arrays(arrays)?;
            limited(arrays.into_iter().flatten().cloned().collect())
        }
        ("array_length", [Value::Array(items)]) => i64::try_from(items.len()).ok().map(Value::Long),
        ("array_reverse", [Value::Array(items)]) => Some(Value::Array(items.iter().rev().cloned().collect())),
        // Sets have no order; the elements are kept in the order of their first appearance.
        ("set_union", arrays) => set(&all_arrays(arrays)?, |_, _| true),
        ("set_difference", arrays) => set(&all_arrays(arrays)?, |array, others| array == 0 && others == 0),
        ("set_intersect", arrays) => {
            let others = arrays.len().checked_sub(1)?;
            set(&all_arrays(arrays)?, move |array, count| array == 0 && count == others)
        }
        ("set_has_element", [Value::Array(items), element]) => {
            let element = key(element)?;
            let keys: Option<HashSet<Key<'_>>> = items.iter().map(key).collect();
            let keys = keys?;
            let same = keys.iter().all(|other| other.same_type(&element));
            same.then(|| Value::Bool(keys.contains(&element)))
        }
        ("range", [start, stop]) => range(start, stop, &Value::Long(1)),
        ("range", [start, stop, step]) => range(start, stop, step),
        ("bag_pack", slots) => bag(slots),
        ("parse_json", [Value::String(text)]) => parse_json(text),
        _ => None,
    }
}

fn limited(items: Vec<Value>) -> Option<Value> {
    (items.len() <= MAX_ITEMS && items.iter().map(weight).sum::<usize>() <= MAX_TEXT.max(8 * MAX_ITEMS))
        .then_some(Value::Array(items))
}

/// How much memory a value takes, roughly.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null(_) | Value::Bool(_) | Value::Long(_) | Value::Real(_) | Value::Datetime(_) | Value::Timespan(_) => {
            1
        }
        Value::Decimal(text) | Value::String(text) | Value::Guid(text) => 1 + text.len(),
        Value::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Bag(slots) => 1 + slots.iter().map(|(name, value)| name.len() + weight(value)).sum::<usize>(),
    }
}

fn all_arrays<'v>(args: &[&'v Value]) -> Option<Vec<&'v [Value]>> {
    args.iter().map(|value| if let Value::Array(items) = value { Some(items.as_slice()) } else { None }).collect()
}

/// What makes elements of a set the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'v> {
    Text(&'v str),
    Number(i64),
    Truth(bool),
}

impl Key<'_> {
    fn same_type(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

fn key(value: &Value) -> Option<Key<'_>> {
    match value {
        Value::String(text) => Some(Key::Text(text)),
        Value::Long(value) => Some(Key::Number(*value)),
        Value::Bool(value) => Some(Key::Truth(*value)),
        Value::Null(_)
        | Value::Real(_)
        | Value::Decimal(_)
        | Value::Datetime(_)
        | Value::Timespan(_)
        | Value::Guid(_)
        | Value::Array(_)
        | Value::Bag(_) => None,
    }
}

/// The distinct elements that are wanted, by the array they first stand in and the number of other arrays that hold them.
/// Elements of several types are not folded: whether `1` and `"1"` are the same is not documented.
fn set(arrays: &[&[Value]], wanted: impl Fn(usize, usize) -> bool) -> Option<Value> {
    let keys: Vec<Vec<Key<'_>>> = arrays.iter().map(|items| items.iter().map(key).collect()).collect::<Option<_>>()?;
    let mut flat = keys.iter().flatten();
    if let Some(first) = flat.next()
        && !flat.all(|other| other.same_type(first))
    {
        return None;
    }
    let sets: Vec<HashSet<Key<'_>>> = keys.iter().map(|keys| keys.iter().copied().collect()).collect();
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for (index, (items, keys)) in arrays.iter().zip(&keys).enumerate() {
        for (item, key) in items.iter().zip(keys) {
            let others = sets.iter().enumerate().filter(|(other, set)| *other != index && set.contains(key)).count();
            if seen.insert(*key) && wanted(index, others) {
                kept.push(item.clone());
            }
        }
    }
    limited(kept)
}

fn range(start: &Value, stop: &Value, step: &Value) -> Option<Value> {
    let (Value::Long(start), Value::Long(stop), Value::Long(step @ 1..)) = (start, stop, step) else { return None };
    let count = stop.checked_sub(*start)?.checked_div(*step)?.checked_add(1)?;
    if start > stop || usize::try_from(count).ok()? > MAX_ITEMS {
        return None;
    }
    let item = |index: i64| Some(Value::Long(start.checked_add(step.checked_mul(index)?)?));
    (0..count).map(item).collect::<Option<Vec<_>>>().map(Value::Array)
}

fn bag(slots: &[&Value]) -> Option<Value> {
    if !slots.len().is_multiple_of(2) {
        return None;
    }
    let mut names = HashSet::new();
    let mut bag = Vec::with_capacity(slots.len() / 2);
    for pair in slots.chunks(2) {
        let [Value::String(name), value] = pair else { return None };
        if !names.insert(name.as_str()) {
            return None;
        }
        bag.push((name.clone(), (*value).clone()));
    }
    let bag = Value::Bag(bag);
    (weight(&bag) <= MAX_TEXT).then_some(bag)
}

/// The value of a JSON object or array. The empty text gives null
/// (<https://learn.microsoft.com/kusto/query/isnull-function>); a bare scalar is not folded, for KQL may convert it.
fn parse_json(text: &str) -> Option<Value> {
    if text.is_empty() {
        return Some(Value::Null(ScalarType::Dynamic));
    }
    if text.len() > MAX_TEXT {
        return None;
    }
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    if value.is_array() || value.is_object() { from_json(value) } else { None }
}

fn from_json(value: serde_json::Value) -> Option<Value> {
    use serde_json::Value as J;
    Some(match value {
        J::Null => Value::Null(ScalarType::Dynamic),
        J::Bool(value) => Value::Bool(value),
        J::Number(number) => match number.as_i64() {
            Some(value) => Value::Long(value),
            None if number.is_f64() => Value::Real(number.as_f64()?),
            None => return None,
        },
        J::String(text) => Value::String(text),
        J::Array(items) => Value::Array(items.into_iter().map(from_json).collect::<Option<_>>()?),
        J::Object(slots) => {
            let slot = |(name, value)| Some((name, from_json(value)?));
            Value::Bag(slots.into_iter().map(slot).collect::<Option<_>>()?)
        }
    })
}
