//! A boolean tree → named selections and a condition, as a person would write them.
//!
//! Comparisons that must all hold stand in one map, negated ones in filters. Nothing of KQL is known here.

use std::collections::{BTreeMap, BTreeSet};

use super::logic::Logic;
use super::tree::{Condition, Form, Item, Selection, Value};

/// The detection of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Detection {
    /// Names and what they select.
    pub(super) selections: Vec<(String, Selection)>,
    /// The condition over them.
    pub(super) condition: Condition,
}

/// Names the parts of a simplified tree; `None` for a constant.
pub(super) fn detection(logic: &Logic) -> Option<Detection> {
    let mut names = Names::default();
    let draft = names.draft(logic)?;
    let texts = names.texts();
    let condition = condition(&draft, &texts);
    let selections = texts.into_iter().zip(names.blocks.into_iter().map(|block| block.selection)).collect();
    Some(Detection { selections, condition })
}

/// A selection that has no name yet.
struct Block {
    selection: Selection,
    filter: bool,
}

/// A condition over blocks by their numbers.
enum Draft {
    Block(usize),
    Not(usize),
    And(Vec<Draft>),
    Or(Vec<Draft>),
}

#[derive(Default)]
struct Names {
    blocks: Vec<Block>,
}

impl Names {
    fn add(&mut self, selection: Selection, filter: bool) -> usize {
        self.blocks.push(Block { selection, filter });
        self.blocks.len() - 1
    }

    fn draft(&mut self, logic: &Logic) -> Option<Draft> {
        if let Some(selection) = block(logic, false) {
            return Some(Draft::Block(self.add(selection, false)));
        }
        if let Some(selection) = block(logic, true) {
            return Some(Draft::Not(self.add(selection, true)));
        }
        match logic {
            // Always a block.
            Logic::Const(_) | Logic::Test { .. } => None,
            Logic::All(items) => {
                // What holds of single fields comes first, in as few maps as the keys allow.
                let mut maps: Vec<Vec<Item>> = Vec::new();
                for item in items.iter().filter_map(positive) {
                    match maps.iter_mut().find(|map| !map.iter().any(|known| known.same_key(item))) {
                        Some(map) => map.push(item.clone()),
                        None => maps.push(vec![item.clone()]),
                    }
                }
                let mut parts: Vec<Draft> = Vec::new();
                for map in maps {
                    parts.push(Draft::Block(self.add(Selection::All(map), false)));
                }
                // A field that must not be missing and not be empty is one filter.
                let (absent, items) = without_absent(items);
                for rest in items.into_iter().filter(|item| positive(item).is_none()) {
                    parts.push(match (block(rest, false), block(rest, true)) {
                        (Some(selection), _) => Draft::Block(self.add(selection, false)),
                        (None, Some(selection)) => Draft::Not(self.add(selection, true)),
                        (None, None) => self.draft(rest)?,
                    });
                }
                for maps in absent {
                    if let Some(selection) = selection_of(maps) {
                        parts.push(Draft::Not(self.add(selection, true)));
                    }
                }
                // Filters stand at the end.
                let (mut ordered, filters): (Vec<Draft>, Vec<Draft>) =
                    parts.into_iter().partition(|part| !matches!(part, Draft::Not(_)));
                ordered.extend(filters);
                Some(Draft::And(ordered))
            }
            Logic::Any(items) => {
                // Branches that a list of maps can hold stand together.
                let mut maps: Vec<Vec<Item>> = Vec::new();
                let mut rest: Vec<&Logic> = Vec::new();
                for item in items {
                    match map(item, false) {
                        Some(items) => maps.push(items),
                        None => rest.push(item),
                    }
                }
                let mut parts: Vec<Draft> = Vec::new();
                if let Some(selection) = selection_of(maps) {
                    parts.push(Draft::Block(self.add(selection, false)));
                }
                for branch in rest {
                    parts.push(self.draft(branch)?);
                }
                Some(Draft::Or(parts))
            }
        }
    }

    /// The names, in the order of the blocks.
    fn texts(&self) -> Vec<String> {
        let alone = self.blocks.iter().filter(|block| !block.filter).count() == 1;
        let mut taken = BTreeSet::new();
        // The last number that was put to a name.
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let mut texts = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let text = match (block.filter, alone) {
                (true, _) => format!("{FILTER}{}", hint(&block.selection)),
                (false, true) => "selection".to_owned(),
                (false, false) => format!("{SELECTION}{}", hint(&block.selection)),
            };
            let mut unique = text.clone();
            let last = numbers.entry(text.clone()).or_insert(1);
            while !taken.insert(unique.clone()) {
                *last += 1;
                unique = format!("{text}_{last}");
            }
            texts.push(unique);
        }
        texts
    }
}

/// What the names of filters begin with, by the convention of SigmaHQ for those that belong to the logic of a rule:
/// <https://github.com/SigmaHQ/sigma-specification/blob/main/sigmahq/sigmahq-rule-convention.md#condition>.
const FILTER: &str = "filter_main_";
/// What the names of several selections begin with.
const SELECTION: &str = "selection_";

/// A name after the first field of a selection: `initiating_process_file_name`.
fn hint(selection: &Selection) -> String {
    let first = match selection {
        Selection::All(items) => items.first(),
        Selection::Any(maps) => maps.first().and_then(|map| map.first()),
    };
    let mut text = String::new();
    let mut lower = false;
    for char in first.map(|item| item.field.as_str()).unwrap_or_default().chars().take(48) {
        if char.is_ascii_alphanumeric() {
            if char.is_ascii_uppercase() && lower && !text.ends_with('_') {
                text.push('_');
            }
            lower = char.is_ascii_lowercase() || char.is_ascii_digit();
            text.push(char.to_ascii_lowercase());
        } else if !text.is_empty() && !text.ends_with('_') {
            text.push('_');
        }
    }
    let text = text.trim_end_matches('_');
    let text = if text.is_empty() { "field" } else { text };
    match selection {
        Selection::All(items) => match items.as_slice() {
            [only] if only.values == [Value::Null] => format!("{text}_null"),
            [only] if only.values == [Value::Text(String::new())] => format!("{text}_empty"),
            _ => text.to_owned(),
        },
        Selection::Any(_) => text.to_owned(),
    }
}

/// The maps of each field that must be neither missing nor empty, and the rest of the conditions.
#[allow(clippy::type_complexity)] // A list of selections, each a list of maps.
fn without_absent(items: &[Logic]) -> (Vec<Vec<Vec<Item>>>, Vec<&Logic>) {
    let absent = |logic: &Logic| match logic {
        Logic::Test { item, negated: true } => match item.values.as_slice() {
            [Value::Null] => Some((item.clone(), true)),
            [Value::Text(text)] if text.is_empty() && item.form == (Form::Equals { cased: false }) => {
                Some((item.clone(), false))
            }
            _ => None,
        },
        Logic::Test { .. } | Logic::Const(_) | Logic::All(_) | Logic::Any(_) => None,
    };
    let mut seen: BTreeMap<String, [bool; 2]> = BTreeMap::new();
    for (item, null) in items.iter().filter_map(absent) {
        if let Some(slot) = seen.entry(item.field).or_default().get_mut(usize::from(null)) {
            *slot = true;
        }
    }
    let (mut pairs, mut rest): (Vec<Vec<Vec<Item>>>, Vec<&Logic>) = (Vec::new(), Vec::new());
    for logic in items {
        match absent(logic).filter(|(item, _)| seen.get(&item.field) == Some(&[true, true])) {
            None => rest.push(logic),
            Some((item, _)) => {
                match pairs.iter_mut().find(|maps| maps.iter().flatten().any(|it| it.field == item.field)) {
                    Some(maps) => maps.push(vec![item]),
                    None => pairs.push(vec![vec![item]]),
                }
            }
        }
    }
    (pairs, rest)
}

/// The item of a comparison that must hold.
fn positive(logic: &Logic) -> Option<&Item> {
    match logic {
        Logic::Test { item, negated: false } => Some(item),
        Logic::Test { .. } | Logic::Const(_) | Logic::All(_) | Logic::Any(_) => None,
    }
}

/// A map that holds where the tree (`flip`: its opposite) holds.
fn map(logic: &Logic, flip: bool) -> Option<Vec<Item>> {
    match (logic, flip) {
        (Logic::Test { item, negated }, flip) if *negated == flip => Some(vec![item.clone()]),
        (Logic::All(items), false) | (Logic::Any(items), true) => {
            let mut map: Vec<Item> = Vec::with_capacity(items.len());
            for part in items {
                match part {
                    Logic::Test { item, negated } if *negated == flip => {
                        if map.iter().any(|known| known.same_key(item)) {
                            return None;
                        }
                        map.push(item.clone());
                    }
                    Logic::Test { .. } | Logic::Const(_) | Logic::All(_) | Logic::Any(_) => return None,
                }
            }
            Some(map)
        }
        (Logic::Test { .. } | Logic::Const(_) | Logic::All(_) | Logic::Any(_), _) => None,
    }
}

/// A selection that holds where the tree (`flip`: its opposite) holds.
fn block(logic: &Logic, flip: bool) -> Option<Selection> {
    if let Some(items) = map(logic, flip) {
        return Some(Selection::All(items));
    }
    match (logic, flip) {
        (Logic::Any(items), false) | (Logic::All(items), true) => {
            selection_of(items.iter().map(|item| map(item, flip)).collect::<Option<_>>()?)
        }
        (Logic::Test { .. } | Logic::Const(_) | Logic::All(_) | Logic::Any(_), _) => None,
    }
}

fn selection_of(mut maps: Vec<Vec<Item>>) -> Option<Selection> {
    match maps.len() {
        0 => None,
        1 => maps.pop().map(Selection::All),
        _ => Some(Selection::Any(maps)),
    }
}

fn condition(draft: &Draft, texts: &[String]) -> Condition {
    let name = |block: &usize| texts.get(*block).cloned().unwrap_or_default();
    match draft {
        Draft::Block(block) => Condition::Named(name(block)),
        Draft::Not(block) => {
            let only = [name(block)];
            let [text] = &only;
            let inner = prefix(&only, texts, 1).map_or_else(|| Condition::Named(text.clone()), Condition::OneOf);
            Condition::Not(Box::new(inner))
        }
        Draft::And(parts) => {
            let mut conditions: Vec<Condition> = Vec::new();
            let blocks = |filter: bool| -> Vec<String> {
                let of = |part: &Draft| match (part, filter) {
                    (Draft::Block(block), false) | (Draft::Not(block), true) => Some(name(block)),
                    (Draft::Block(_) | Draft::Not(_) | Draft::And(_) | Draft::Or(_), _) => None,
                };
                parts.iter().filter_map(of).collect()
            };
            let (selections, filters) = (blocks(false), blocks(true));
            match prefix(&selections, texts, 2) {
                Some(prefix) => conditions.push(Condition::AllOf(prefix)),
                None => conditions.extend(selections.into_iter().map(Condition::Named)),
            }
            for part in parts {
                match part {
                    Draft::Block(_) | Draft::Not(_) => {}
                    Draft::And(_) | Draft::Or(_) => conditions.push(condition(part, texts)),
                }
            }
            match prefix(&filters, texts, 1) {
                Some(prefix) => conditions.push(Condition::Not(Box::new(Condition::OneOf(prefix)))),
                None => {
                    conditions.extend(filters.into_iter().map(|name| Condition::Not(Box::new(Condition::Named(name)))));
                }
            }
            joined(conditions, Condition::And)
        }
        Draft::Or(parts) => {
            let branch = |part: &Draft| match part {
                // Of alternatives each is named.
                Draft::Not(block) => Condition::Not(Box::new(Condition::Named(name(block)))),
                Draft::Block(_) | Draft::And(_) | Draft::Or(_) => condition(part, texts),
            };
            joined(parts.iter().map(branch).collect(), Condition::Or)
        }
    }
}

fn joined(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() > 1 {
        return join(parts);
    }
    // A connective has at least one part, by construction.
    parts.pop().unwrap_or_else(|| join(Vec::new()))
}

/// What exactly these names, and no others, begin with.
fn prefix(names: &[String], all: &[String], least: usize) -> Option<String> {
    let stem = [FILTER, SELECTION].into_iter().find(|stem| names.iter().all(|name| name.starts_with(stem)))?;
    let others = all.iter().filter(|name| name.starts_with(stem)).count() > names.len();
    (names.len() >= least && !others).then(|| stem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tree::Form;
    use super::*;

    fn is(field: &str, value: &str) -> Logic {
        Logic::test(field, Form::Equals { cased: false }, Value::Text(value.to_owned()))
    }

    fn names(logic: Logic) -> (Vec<String>, Condition) {
        let made = detection(&logic.simplified()).unwrap();
        (made.selections.into_iter().map(|(name, _)| name).collect(), made.condition)
    }

    fn named(name: &str) -> Condition {
        Condition::Named(name.to_owned())
    }

    fn none_of_filters() -> Condition {
        Condition::Not(Box::new(Condition::OneOf("filter_main_".to_owned())))
    }

    #[test]
    fn negated_conjuncts_are_filters() {
        let (texts, condition) = names(Logic::All(vec![is("Image", "a"), is("b", "c"), is("UserName", "d").not()]));
        assert_eq!(texts, ["selection", "filter_main_user_name"]);
        assert_eq!(condition, Condition::And(vec![named("selection"), none_of_filters()]));
        let (texts, condition) =
            names(Logic::All(vec![is("Image", "a"), is("UserName", "d").not(), is("IPAddress", "e").not()]));
        assert_eq!(texts, ["selection", "filter_main_user_name", "filter_main_ipaddress"]);
        assert_eq!(condition, Condition::And(vec![named("selection"), none_of_filters()]));
    }

    #[test]
    fn a_field_that_must_be_there_is_one_filter() {
        let present = Logic::empty("UserName").not();
        let made = detection(&Logic::All(vec![is("Image", "a"), present]).simplified()).unwrap();
        assert!(matches!(&made.selections[1].1, Selection::Any(maps) if maps.len() == 2));
        assert_eq!(made.condition, Condition::And(vec![named("selection"), none_of_filters()]));
    }

    #[test]
    fn several_selections_are_named_alike() {
        let or = |a, b| Logic::Any(vec![is(a, "1"), is(b, "2")]);
        let (texts, condition) = names(Logic::All(vec![or("Image", "OriginalFileName"), or("User", "Group")]));
        assert_eq!(texts, ["selection_image", "selection_user"]);
        assert_eq!(condition, Condition::AllOf("selection_".to_owned()));
    }

    #[test]
    fn alternatives_over_fields_are_a_list_of_maps() {
        let made = detection(&Logic::Any(vec![is("a", "1"), Logic::All(vec![is("b", "2"), is("c", "3")])])).unwrap();
        assert!(matches!(&made.selections[0].1, Selection::Any(maps) if maps[1].len() == 2));
        assert_eq!(made.condition, named("selection"));
    }

    #[test]
    fn mixed_alternatives_are_spelled_out() {
        let (texts, condition) =
            names(Logic::All(vec![is("a", "1"), Logic::Any(vec![is("b", "2"), is("c", "3").not()])]));
        assert_eq!(texts, ["selection_a", "selection_b", "filter_main_c"]);
        let or = Condition::Or(vec![named("selection_b"), Condition::Not(Box::new(named("filter_main_c")))]);
        assert_eq!(condition, Condition::And(vec![named("selection_a"), or]));
    }

    #[test]
    fn only_negated_conditions_are_one_filter() {
        let (texts, condition) = names(Logic::Any(vec![is("a", "1").not(), is("b", "2").not()]));
        assert_eq!(texts, ["filter_main_a"]);
        assert_eq!(condition, none_of_filters());
    }
}
