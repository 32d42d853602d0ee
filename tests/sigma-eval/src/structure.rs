//! What must hold of every file of rules that huntgate emits.

use std::collections::{BTreeMap, BTreeSet};

use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, LintRule, Modifier, SelectorPattern, Severity, SigmaCollection, SigmaRule,
    SigmaValue, detection_name_matches, lint_yaml_str,
};

use crate::engine;

/// Everything that is wrong with a file of rules.
pub fn faults(yaml: &str) -> Vec<String> {
    let rules = match engine::load(yaml) {
        Ok(rules) => rules,
        Err(fault) => return vec![fault],
    };
    let mut faults: Vec<String> = engine::compile(&rules).err().into_iter().collect();
    faults.extend(lints(yaml, &rules));
    identities(&rules, &mut faults);
    for rule in &rules.rules {
        detection(rule, &mut faults);
    }
    references(&rules, &mut faults);
    faults
}

/// What rsigma's linter, which knows the specification's schema, takes for an error or a mistake.
fn lints(yaml: &str, rules: &SigmaCollection) -> Vec<String> {
    lint_yaml_str(yaml)
        .into_iter()
        .filter(|it| matches!(it.severity, Severity::Error | Severity::Warning))
        // A rule that only serves a correlation alerts nobody, and needs no level.
        .filter(|it| it.rule != LintRule::MissingLevel || rules.correlations.is_empty())
        // The schema `source` names log sources after KQL's tables, whose case a backend for Kusto needs.
        .filter(|it| it.rule != LintRule::LogsourceValueNotLowercase)
        .map(|it| format!("lint {}: {} at {}", it.rule, it.message, it.path))
        .collect()
}

/// Ids are UUIDs, names are plain, and neither they nor titles are there twice.
fn identities(rules: &SigmaCollection, faults: &mut Vec<String>) {
    let detections = rules.rules.iter().map(|it| (&it.title, &it.id, &it.name));
    let correlations = rules.correlations.iter().map(|it| (&it.title, &it.id, &it.name));
    let (mut ids, mut names, mut titles) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (title, id, name) in detections.chain(correlations) {
        if !titles.insert(title) {
            faults.push(format!("title `{title}` is there twice"));
        }
        match id {
            None => faults.push(format!("`{title}` has no id")),
            Some(id) if !is_uuid(id) => faults.push(format!("`{title}`: id `{id}` is no UUID")),
            Some(id) if !ids.insert(id) => faults.push(format!("id `{id}` is there twice")),
            Some(_) => {}
        }
        if let Some(name) = name {
            if !is_name(name) {
                faults.push(format!("name `{name}` holds more than lower-case letters, digits and `_`"));
            }
            if !names.insert(name) {
                faults.push(format!("name `{name}` is there twice"));
            }
        }
    }
    if rules.rules.is_empty() {
        faults.push("there is no detection rule".to_owned());
    }
    if !rules.filters.is_empty() {
        faults.push("there is a filter, which huntgate does not write".to_owned());
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().chars().all(|char| matches!(char, '0'..='9' | 'a'..='f'))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| matches!(char, 'a'..='z' | '0'..='9' | '_'))
}

/// A detection has a condition, which uses each selection, and no selection contradicts itself.
fn detection(rule: &SigmaRule, faults: &mut Vec<String>) {
    let title = &rule.title;
    let detection = &rule.detection;
    if detection.conditions.len() != 1 || detection.condition_strings.iter().any(|text| text.trim().is_empty()) {
        faults.push(format!("`{title}`: there is not one condition: {:?}", detection.condition_strings));
    }
    let mut used = BTreeSet::new();
    detection.conditions.iter().for_each(|it| uses(it, rule, &mut used));
    for (name, selection) in &detection.named {
        if !is_name(name) {
            faults.push(format!("`{title}`: selection `{name}` holds more than lower-case letters, digits and `_`"));
        }
        if !used.contains(name) {
            faults.push(format!("`{title}`: selection `{name}` is not used by the condition"));
        }
        contradictions(title, name, selection, faults);
    }
    if detection.named.is_empty() {
        faults.push(format!("`{title}`: there is no selection"));
    }
}

fn uses(condition: &ConditionExpr, rule: &SigmaRule, used: &mut BTreeSet<String>) {
    match condition {
        ConditionExpr::And(parts) | ConditionExpr::Or(parts) => parts.iter().for_each(|it| uses(it, rule, used)),
        ConditionExpr::Not(inner) => uses(inner, rule, used),
        ConditionExpr::Identifier(name) => {
            used.insert(name.clone());
        }
        ConditionExpr::Selector { pattern, .. } => {
            let meant = |name: &str| match pattern {
                SelectorPattern::Them => !name.starts_with('_'),
                SelectorPattern::Pattern(pattern) => detection_name_matches(pattern, name),
            };
            used.extend(rule.detection.named.keys().filter(|name| meant(name)).cloned());
        }
    }
}

/// A map asks all of its items: one field that must be equal to two different values never is.
fn contradictions(title: &str, name: &str, selection: &Detection, faults: &mut Vec<String>) {
    match selection {
        Detection::AllOf(items) => {
            let mut asked: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
            for item in items {
                let (Some(field), Some(values)) = (&item.field.name, exact(item)) else { continue };
                if item.values.is_empty() {
                    faults.push(format!("`{title}`: `{field}` in `{name}` is compared with nothing"));
                }
                let left = match asked.get(field.as_str()) {
                    Some(before) => before.intersection(&values).cloned().collect(),
                    None => values,
                };
                if left.is_empty() {
                    faults.push(format!("`{title}`: `{field}` in `{name}` must equal two different values"));
                }
                asked.insert(field, left);
            }
        }
        Detection::AnyOf(parts) | Detection::And(parts) => {
            parts.iter().for_each(|it| contradictions(title, name, it, faults));
        }
        Detection::Keywords(_) => faults.push(format!("`{title}`: `{name}` looks at whole events")),
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            faults.push(format!("`{title}`: `{name}` is more than the specification has"));
        }
    }
}

/// The values of an item that asks for one of them as a whole; case is left away, which finds fewer contradictions.
fn exact(item: &DetectionItem) -> Option<BTreeSet<String>> {
    let whole = item.field.modifiers.iter().all(|it| *it == Modifier::Cased);
    let value = |value: &SigmaValue| match value {
        SigmaValue::String(text) if !text.is_plain() => None,
        other => Some(format!("{other:?}").to_lowercase()),
    };
    if whole { item.values.iter().map(value).collect() } else { None }
}

/// In a file with correlations every document that has a name is called by it, and serves an outermost one. A rule without a
/// name alerts for itself: another table of a union.
fn references(rules: &SigmaCollection, faults: &mut Vec<String>) {
    if rules.correlations.is_empty() {
        return;
    }
    let called: BTreeSet<&str> = rules.correlations.iter().flat_map(|it| &it.rules).map(String::as_str).collect();
    let detections = rules.rules.iter().map(|it| (&it.title, it.name.as_deref(), true));
    let correlations = rules.correlations.iter().map(|it| (&it.title, it.name.as_deref(), false));
    let mut names = BTreeSet::new();
    let mut outermost = 0;
    for (title, name, detection) in detections.chain(correlations) {
        names.extend(name);
        match name {
            Some(name) if called.contains(name) => {}
            Some(_) => faults.push(format!("`{title}` is not called by the name of any correlation")),
            None if detection => {}
            None => outermost += 1,
        }
    }
    if outermost == 0 {
        faults.push("no correlation is the outermost".to_owned());
    }
    for name in called.difference(&names) {
        faults.push(format!("`{name}` is called and is the name of no document"));
    }
}
