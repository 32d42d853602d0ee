//! Conditions of a rule before they are named: a boolean tree of comparisons with the negation at the leaves.
//!
//! Only laws of boolean algebra are applied here. What a missing field means was decided when the leaf was made: a
//! comparison with a missing field does not hold, so its negation does.

use super::tree::{Form, Item, Value};

/// A boolean tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Logic {
    /// The same for every event.
    Const(bool),
    /// A comparison.
    Test {
        /// What is compared.
        item: Item,
        /// Whether it must not hold.
        negated: bool,
    },
    /// All hold.
    All(Vec<Logic>),
    /// One holds.
    Any(Vec<Logic>),
}

impl Logic {
    /// A comparison with one value.
    pub(super) fn test(field: &str, form: Form, value: Value) -> Self {
        Self::tests(field, form, vec![value])
    }

    /// A comparison with any of these values.
    pub(super) fn tests(field: &str, form: Form, values: Vec<Value>) -> Self {
        Self::Test { item: Item { field: field.to_owned(), form, all: false, values }, negated: false }
    }

    /// The field is missing or an empty text: KQL's empty text.
    pub(super) fn empty(field: &str) -> Self {
        let is = |value| Self::test(field, Form::Equals { cased: false }, value);
        Self::Any(vec![is(Value::Null), is(Value::Text(String::new()))])
    }

    /// Whether every event that satisfies the tree has one of some values of a field.
    pub(super) fn asks(&self, field: &str) -> bool {
        match self {
            Self::Const(_) => false,
            Self::Test { item, negated } => {
                let equal = matches!(item.form, Form::Equals { .. }) && !item.values.contains(&Value::Null);
                equal && !negated && item.field == field
            }
            Self::All(items) => items.iter().any(|item| item.asks(field)),
            Self::Any(items) => !items.is_empty() && items.iter().all(|item| item.asks(field)),
        }
    }

    /// The opposite.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Const(value) => Self::Const(!value),
            Self::Test { item, negated } => Self::Test { item, negated: !negated },
            Self::All(items) => Self::Any(items.into_iter().map(Self::not).collect()),
            Self::Any(items) => Self::All(items.into_iter().map(Self::not).collect()),
        }
    }

    /// The opposite, if asked for.
    pub(super) fn negated_if(self, negate: bool) -> Self {
        if negate { self.not() } else { self }
    }

    /// Whether every event that satisfies the tree has some value that is asked for: not only exclusions and presence.
    /// A rule of which a part was left out is worth giving only then.
    pub(super) fn is_telling(&self) -> bool {
        match self {
            Self::Const(_) => false,
            Self::Test { item, negated } => {
                let says = |value: &Value| match value {
                    Value::Null => false,
                    Value::Text(text) | Value::Raw(text) => !text.is_empty(),
                    Value::Integer(_) | Value::Real(_) | Value::Bool(_) => true,
                };
                // That a field is there is true of nearly every event.
                !negated && item.form != Form::Exists && item.values.iter().all(says)
            }
            Self::All(items) => items.iter().any(Self::is_telling),
            Self::Any(items) => !items.is_empty() && items.iter().all(Self::is_telling),
        }
    }

    /// Whether every event that satisfies the tree has a value in this field that is not empty.
    pub(super) fn requires(&self, field: &str) -> bool {
        match self {
            Self::Const(value) => !value,
            Self::Test { item, negated: false } => {
                let tells = |value: &Value| match value {
                    Value::Null => false,
                    Value::Text(text) => !text.is_empty(),
                    // An expression that matches the empty text is written beside a test for a missing one.
                    Value::Raw(_) => item.form != Form::FieldRef,
                    Value::Integer(_) | Value::Real(_) => true,
                    Value::Bool(value) => *value || item.form != Form::Exists,
                };
                item.field == field && item.form != Form::Exists && item.values.iter().all(tells)
            }
            Self::Test { .. } => false,
            Self::All(items) => {
                let is_not = |absent: &Value| {
                    items.iter().any(|it| match it {
                        Self::Test { item, negated: true } => item.field == field && item.values.contains(absent),
                        Self::Test { .. } | Self::Const(_) | Self::All(_) | Self::Any(_) => false,
                    })
                };
                items.iter().any(|it| it.requires(field))
                    || (is_not(&Value::Null) && is_not(&Value::Text(String::new())))
            }
            Self::Any(items) => !items.is_empty() && items.iter().all(|it| it.requires(field)),
        }
    }

    /// The same without constants, nested connectives of one kind, and comparisons that one item can hold.
    pub(super) fn simplified(self) -> Self {
        match self {
            Self::Const(_) | Self::Test { .. } => self,
            Self::All(items) => Self::joined(items, true),
            Self::Any(items) => Self::joined(items, false),
        }
    }

    /// `all` or any of the items, simplified.
    fn joined(items: Vec<Self>, all: bool) -> Self {
        let mut flat = Vec::with_capacity(items.len());
        for item in items {
            match item.simplified() {
                Self::Const(value) if value == all => {}
                Self::Const(value) => return Self::Const(value),
                Self::All(inner) if all => flat.extend(inner),
                Self::Any(inner) if !all => flat.extend(inner),
                other => flat.push(other),
            }
        }
        let mut merged: Vec<Self> = Vec::with_capacity(flat.len());
        // Where a comparison of this key stands, so that merging long lists stays linear.
        let mut at: std::collections::BTreeMap<(String, Form, bool), (usize, Nature)> =
            std::collections::BTreeMap::new();
        for next in flat {
            let Self::Test { item, negated } = next else {
                // Beyond some hundreds, looking for repetitions costs more than they do.
                if merged.len() > 256 || !merged.contains(&next) {
                    merged.push(next);
                }
                continue;
            };
            let key = (item.field.clone(), item.form, negated);
            let nature = Nature::of(&item);
            let known = at.get(&key).and_then(|(at, nature)| merged.get_mut(*at).map(|known| (known, *nature)));
            let done = match known {
                Some((Self::Test { item: known, .. }, like)) => merge(known, like, &item, nature, all == negated),
                Some((Self::Const(_) | Self::All(_) | Self::Any(_), _)) | None => false,
            };
            // Tests for a missing value and for an empty one take turns at their key.
            let test = Self::Test { item, negated };
            let repeated = !nature.plain && merged.len() <= 256 && merged.contains(&test);
            if !done && !repeated {
                at.insert(key, (merged.len(), nature));
                merged.push(test);
            }
        }
        for next in &mut merged {
            if let Self::Test { item, .. } = next {
                dedup(&mut item.values);
            }
        }
        match (merged.len(), merged.pop()) {
            (_, None) => Self::Const(all),
            (1, Some(only)) => only,
            (_, Some(last)) => {
                merged.push(last);
                if all { Self::All(merged) } else { Self::Any(merged) }
            }
        }
    }
}

/// What decides whether the values of a comparison may join a list. Joining does not change it, so that it is looked at
/// once for each comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Nature {
    /// All values are texts.
    text: bool,
    /// None is null or the empty text.
    plain: bool,
}

impl Nature {
    fn of(item: &Item) -> Self {
        let text = |value: &Value| matches!(value, Value::Text(_) | Value::Raw(_));
        let absent = |value: &Value| *value == Value::Null || *value == Value::Text(String::new());
        Self { text: item.values.iter().all(text), plain: !item.values.iter().any(absent) }
    }
}

/// Puts the values of an item into another of the same field and form; says whether that was possible.
/// `any`: one of both must hold; otherwise both must.
fn merge(known: &mut Item, like: Nature, next: &Item, nature: Nature, any: bool) -> bool {
    if known == next {
        return true;
    }
    let single = matches!(known.form, Form::Lt | Form::Lte | Form::Gt | Form::Gte | Form::FieldRef | Form::Exists);
    if single {
        return false;
    }
    // Values of different types would make a list that reads badly and that some backends refuse.
    if like != nature || !nature.plain {
        return false;
    }
    if any {
        if known.all || next.all {
            return false;
        }
    } else {
        // Validators take `all` without `contains` for a mistake.
        let lists = matches!(known.form, Form::Contains { .. });
        let single = |item: &Item| item.all || item.values.len() == 1;
        if !lists || !single(known) || !single(next) {
            return false;
        }
        known.all = true;
    }
    known.values.extend(next.values.iter().cloned());
    true
}

/// Removes values that are there already.
fn dedup(values: &mut Vec<Value>) {
    let mut seen = std::collections::HashSet::new();
    values.retain(|value| match value {
        Value::Text(text) | Value::Raw(text) => seen.insert(text.clone()),
        Value::Integer(_) | Value::Real(_) | Value::Bool(_) | Value::Null => true,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(value: &str) -> Logic {
        Logic::test("x", Form::Contains { cased: false }, Value::Text(value.to_owned()))
    }

    fn item(logic: &Logic) -> (&Item, bool) {
        match logic {
            Logic::Test { item, negated } => (item, *negated),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn comparisons_of_one_field_become_one_item() {
        let any = Logic::Any(vec![contains("a"), contains("b"), contains("a")]).simplified();
        assert_eq!((item(&any).0.all, item(&any).0.values.len()), (false, 2));
        let all = Logic::All(vec![contains("a"), contains("b")]).simplified();
        assert_eq!((item(&all).0.all, item(&all).0.values.len()), (true, 2));
        let none = Logic::All(vec![contains("a").not(), contains("b").not()]).simplified();
        assert_eq!((item(&none).0.all, item(&none).1), (false, true));
        let not_both = Logic::Any(vec![contains("a").not(), contains("b").not()]).simplified();
        assert_eq!((item(&not_both).0.all, item(&not_both).1), (true, true));
    }

    #[test]
    fn an_empty_text_and_null_stand_alone() {
        assert!(matches!(Logic::empty("x").simplified(), Logic::Any(items) if items.len() == 2));
        let twice = Logic::Any(vec![Logic::empty("x"), Logic::empty("x")]);
        assert_eq!(twice.simplified(), Logic::empty("x"));
    }

    #[test]
    fn exclusions_and_presence_tell_nothing() {
        assert!(contains("a").is_telling() && !contains("a").not().is_telling());
        assert!(!Logic::empty("x").is_telling() && !Logic::empty("x").not().is_telling());
        assert!(Logic::All(vec![contains("a"), Logic::empty("x").not()]).is_telling());
        assert!(!Logic::Any(vec![contains("a"), contains("b").not()]).is_telling());
    }

    #[test]
    fn constants_vanish() {
        assert_eq!(Logic::All(vec![contains("a"), Logic::Const(true)]).simplified(), contains("a"));
        assert_eq!(Logic::Any(vec![contains("a"), Logic::Const(true)]).simplified(), Logic::Const(true));
        assert_eq!(Logic::All(Vec::new()).simplified(), Logic::Const(true));
    }
}
