//! What the rules of a case select, compared with what its hunt says and its verdict claims.

use std::collections::{BTreeMap, BTreeSet};

use huntgate::fit::TimeRange;
use huntgate::{Effect, Gate, Style};
use serde_json::Value;

use crate::case::{Case, Differences, Form, Group};
use crate::clock::Span;
use crate::engine::{self, Answer};
use crate::structure::faults;
use crate::translate;

/// Runs a case. The error says all that is wrong with it, and shows the rules.
pub fn check(gate: &Gate, name: &str, case: &Case) -> Result<(), String> {
    let style = match case.style {
        Form::Exact => Style::Exact,
        Form::Native => Style::Native,
    };
    let mut own = None;
    if let Some(overlay) = &case.overlay {
        let mut gate = Gate::new().map_err(|error| error.to_string())?;
        gate.add_overlay(overlay.as_str(), "overlay");
        own = Some(gate);
    }
    let translation = translate(own.as_ref().unwrap_or(gate), &case.hunt, name, Some(&case.schema), style);
    let mut wrong = Vec::new();
    if translation.verdict.name() != case.verdict {
        wrong.push(format!("the verdict is {}, not {}", translation.verdict, case.verdict));
    }
    let range = shown(translation.time_range.as_ref());
    if case.range.as_ref().is_some_and(|wanted| *wanted != range) {
        wrong.push(format!("the time range is {range}"));
    }
    match &translation.query {
        Some(yaml) => {
            wrong.extend(check_rules(case, translation.verdict, translation.time_range.as_ref(), yaml));
        }
        None if !case.events.is_empty() => wrong.push("nothing is translated, and there are events".to_owned()),
        None => {}
    }
    match (&case.known, wrong.is_empty()) {
        (None, true) | (Some(_), false) => Ok(()),
        (Some(_), true) => Err("known to differ, and it does not: take `known` away".to_owned()),
        (None, false) => {
            let notes = translation.notes.iter().map(|note| {
                format!("{} {} {}", note.code, note.effect.map_or("-", huntgate::Effect::name), note.message)
            });
            let notes: Vec<String> = notes.collect();
            let yaml = translation.query.unwrap_or_default();
            Err(format!("{}\n{yaml}-- {range}\n-- {}", wrong.join("\n"), notes.join("\n-- ")))
        }
    }
}

/// All that is wrong with rules which claim this verdict for the hunt of a case.
pub fn check_rules(case: &Case, verdict: Effect, range: Option<&TimeRange>, yaml: &str) -> Vec<String> {
    let mut wrong = faults(yaml);
    let answer = Span::of(range).and_then(|span| engine::run(&engine::load(yaml)?, &case.events, span));
    match answer.and_then(|answer| compare(case, verdict, answer)) {
        Ok(differences) => wrong.extend(differences),
        Err(error) => wrong.push(error),
    }
    wrong
}

fn shown(range: Option<&TimeRange>) -> String {
    let open = || "open".to_owned();
    range.map_or_else(open, |range| {
        format!("{} to {}", range.from.clone().unwrap_or_else(open), range.to.clone().unwrap_or_else(open))
    })
}

/// Compares what the hunt selects with what the rules select; gives all that does not fit.
fn compare(case: &Case, verdict: Effect, answer: Answer) -> Result<Vec<String>, String> {
    match answer {
        Answer::Events(selected) => {
            if case.groups.is_some() {
                return Err("the hunt gives groups, and the rules select events".to_owned());
            }
            let mut wanted = BTreeSet::new();
            for (number, event) in case.events.iter().enumerate() {
                match event.matches {
                    Some(true) => drop(wanted.insert(number)),
                    Some(false) => {}
                    None => return Err(format!("event {number} does not say whether it matches")),
                }
            }
            let pinned = case.selected.as_ref().map(|list| list.iter().copied().collect());
            Ok(fits(verdict, &wanted, &selected, events(&case.extra)?, events(&case.missing)?, pinned))
        }
        Answer::Groups(selected) => {
            let Some(groups) = &case.groups else {
                return Err("the rules give groups, and the case does not say which the hunt gives".to_owned());
            };
            if case.events.iter().any(|event| event.matches.is_some()) {
                return Err("the hunt gives groups: no event matches by itself".to_owned());
            }
            let set = |groups: &[Group]| groups.iter().map(|it| normal(case, it)).collect::<BTreeSet<_>>();
            let selected = selected.into_iter().map(present).collect();
            let (extra, missing) = (set(groups_of(&case.extra)?), set(groups_of(&case.missing)?));
            Ok(fits(verdict, &set(groups), &selected, extra, missing, case.sigma_groups.as_deref().map(set)))
        }
    }
}

fn events(differences: &Differences) -> Result<BTreeSet<usize>, String> {
    match differences {
        Differences::Events(numbers) => Ok(numbers.iter().copied().collect()),
        Differences::Groups(_) => Err("the rules select events: differences are numbers of events".to_owned()),
    }
}

fn groups_of(differences: &Differences) -> Result<&[Group], String> {
    match differences {
        Differences::Groups(groups) => Ok(groups),
        Differences::Events(numbers) if numbers.is_empty() => Ok(&[]),
        Differences::Events(_) => Err("the rules give groups: differences are groups".to_owned()),
    }
}

/// A group of the hunt as the engine would give it: under the names of the rule's fields, values as texts.
fn normal(case: &Case, group: &Group) -> BTreeMap<String, String> {
    let name = |key: &String| case.key_fields.get(key).unwrap_or(key).clone();
    let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    present(group.iter().map(|(key, it)| (name(key), value(it))).collect())
}

/// A missing text is the empty text in KQL, and no part of the key of a group here.
fn present(mut group: BTreeMap<String, String>) -> BTreeMap<String, String> {
    group.retain(|_, value| !value.is_empty());
    group
}

fn fits<T: Ord + Clone + std::fmt::Debug>(
    verdict: Effect,
    wanted: &BTreeSet<T>,
    selected: &BTreeSet<T>,
    extra: BTreeSet<T>,
    missing: BTreeSet<T>,
    pinned: Option<BTreeSet<T>>,
) -> Vec<String> {
    let more: BTreeSet<T> = selected.difference(wanted).cloned().collect();
    let fewer: BTreeSet<T> = wanted.difference(selected).cloned().collect();
    let mut wrong = Vec::new();
    let (may_more, may_fewer) = match verdict {
        Effect::Exact | Effect::Reshaped | Effect::Refused => (false, false),
        Effect::Broader => (true, false),
        Effect::Narrower => (false, true),
        Effect::Unsure => (true, true),
    };
    if !more.is_empty() && !may_more {
        wrong.push(format!("a lie: the verdict is {verdict}, and the rule selects besides {more:?}"));
    }
    if !fewer.is_empty() && !may_fewer {
        wrong.push(format!("a lie: the verdict is {verdict}, and the rule misses {fewer:?}"));
    }
    let stated = verdict != Effect::Unsure || !extra.is_empty() || !missing.is_empty();
    if stated && (more != extra || fewer != missing) {
        wrong.push(format!("the rule selects besides {more:?} and misses {fewer:?}; the case states otherwise"));
    }
    if pinned.is_some_and(|pinned| pinned != *selected) {
        wrong.push(format!("the rule selects {selected:?}"));
    }
    wrong
}
