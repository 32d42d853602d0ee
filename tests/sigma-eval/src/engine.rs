//! Rules in an evaluator of Sigma: rsigma, which reads the specification on its own, without anything of huntgate.

use std::collections::{BTreeMap, BTreeSet};

use rsigma_eval::{CorrelationConfig, CorrelationEngine, Engine, JsonEvent};
use rsigma_parser::{ConditionOperator, CorrelationCondition, LogSource, SigmaCollection, parse_sigma_yaml};
use serde_json::Value;

use crate::case::Event;
use crate::clock::{NOW, Span, offset};

/// What the rules of a file select.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The numbers of the events that a detection rule selects.
    Events(BTreeSet<usize>),
    /// The groups that the correlations give, each key with its value.
    Groups(BTreeSet<BTreeMap<String, String>>),
}

/// Reads a file of rules; the error names every document that can not be read.
pub(crate) fn load(yaml: &str) -> Result<SigmaCollection, String> {
    let mut rules = parse_sigma_yaml(yaml).map_err(|error| format!("the rules can not be read: {error}"))?;
    if !rules.errors.is_empty() {
        return Err(format!("the rules can not be read: {:?}", rules.errors));
    }
    // By the specification a temporal correlation without a condition asks for all of its rules; rsigma takes one for enough.
    let bare: BTreeSet<&str> = yaml
        .split("\n---\n")
        .filter(|document| document.contains("\ncorrelation:\n") && !document.contains("\n    condition:"))
        .filter_map(|document| document.lines().find_map(|line| line.strip_prefix("id: ")))
        .collect();
    for rule in &mut rules.correlations {
        if let CorrelationCondition::Threshold { predicates, .. } = &mut rule.condition
            && rule.id.as_deref().is_some_and(|id| bare.contains(id))
        {
            *predicates = vec![(ConditionOperator::Gte, rule.rules.len() as u64)];
        }
    }
    Ok(rules)
}

/// The ids of the correlations that no other one is made of.
pub(crate) fn outermost(rules: &SigmaCollection) -> BTreeSet<&str> {
    let inner: BTreeSet<&str> = rules.correlations.iter().flat_map(|it| &it.rules).map(String::as_str).collect();
    let names = |name: &Option<String>| name.as_deref().is_some_and(|name| inner.contains(name));
    let outer = rules.correlations.iter().filter(|it| !names(&it.name) && !names(&it.id));
    outer.filter_map(|it| it.id.as_deref()).collect()
}

/// Whether the engine takes the rules.
pub(crate) fn compile(rules: &SigmaCollection) -> Result<(), String> {
    CorrelationEngine::new(CorrelationConfig::default())
        .add_collection(rules)
        .map_err(|error| format!("the rules do not compile: {error}"))
}

/// Runs rules over the events that lie within the time range, in the order of their time.
pub(crate) fn run(rules: &SigmaCollection, events: &[Event], span: Span) -> Result<Answer, String> {
    let broken = |error| format!("the rules do not compile: {error}");
    let mut order = Vec::with_capacity(events.len());
    for (number, event) in events.iter().enumerate() {
        let at = NOW + offset(&event.at)?;
        if span.holds(at) {
            order.push((at, number, logsource(rules, event)?, Value::Object(event.fields.clone())));
        }
    }
    order.sort_by_key(|(at, number, ..)| (*at, *number));
    if rules.correlations.is_empty() {
        let mut engine = Engine::new();
        engine.add_collection(rules).map_err(broken)?;
        let selected = order.iter().filter(|(_, _, source, fields)| {
            !engine.evaluate_with_logsource(&JsonEvent::borrow(fields), source).is_empty()
        });
        return Ok(Answer::Events(selected.map(|(_, number, ..)| *number).collect()));
    }
    if rules.rules.iter().any(|rule| rule.name.is_none()) {
        return Err("some rules select events and some give groups: split the hunt into two cases".to_owned());
    }
    let outermost = outermost(rules);
    let mut engine = CorrelationEngine::new(CorrelationConfig::default());
    engine.add_collection(rules).map_err(broken)?;
    let mut groups = BTreeSet::new();
    for (at, _, source, fields) in &order {
        let event = JsonEvent::borrow(fields);
        // What the engine does with an event at a time, less the rules of other log sources.
        let detections = engine.engine().evaluate_with_logsource(&event, source);
        for result in engine.process_with_detections(&event, detections, *at) {
            let wanted = result.header.rule_id.as_deref().is_some_and(|id| outermost.contains(id));
            if let (true, Some(body)) = (wanted, result.as_correlation()) {
                groups.insert(body.group_key.iter().cloned().collect());
            }
        }
    }
    Ok(Answer::Groups(groups))
}

/// The log source of an event: that of its table, or of the rules where there is only one.
fn logsource(rules: &SigmaCollection, event: &Event) -> Result<LogSource, String> {
    let part = |source: &BTreeMap<String, String>, key: &str| source.get(key).cloned();
    match (&event.table, &event.logsource) {
        (Some(table), None) => Ok(LogSource { category: Some(table.clone()), ..LogSource::default() }),
        (None, Some(it)) => Ok(LogSource {
            category: part(it, "category"),
            product: part(it, "product"),
            service: part(it, "service"),
            ..LogSource::default()
        }),
        (Some(_), Some(_)) => Err("an event has either a table or a log source".to_owned()),
        (None, None) => {
            let mut sources = rules.rules.iter().map(|rule| &rule.logsource);
            let first = sources.next().ok_or("there is no rule")?;
            let same = |other: &LogSource| {
                (&first.category, &first.product, &first.service) == (&other.category, &other.product, &other.service)
            };
            if !sources.all(same) {
                return Err("the rules are of several log sources: each event must say of which it is".to_owned());
            }
            Ok(first.clone())
        }
    }
}
