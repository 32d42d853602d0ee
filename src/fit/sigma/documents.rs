//! Lines and correlations → the documents of a file: which rule is named by which correlation, and in which order.
//!
//! A correlation stands behind what it refers to, which readers ask for where a correlation refers to another one; and only
//! the outermost document says what the file is for.

use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Frame, Ledger, Need, NeedKind, Refused};
use crate::plan::{Expr, JoinKind, NodeId};
use crate::source::Span;

use super::correlate::{Correlations, Counted, Counting, Key, PartShape, Shape, ValueField};
use super::detection;
use super::heading::{self, Naming};
use super::line::Prepared;
use super::logic::Logic;
use super::outline::Joint;
use super::predicate::{LeftOut, Pass};
use super::source::Windows;
use super::threshold::Measure;
use super::together::Joining;
use super::tree::{
    Alias, Comparison, Correlation, CorrelationKind, Document, Form, Heading, Limit, Rule, Timespan, Value,
};

/// What the documents of a hunt are made of.
pub(super) struct Maker<'f, 'p> {
    pub(super) frame: &'f Frame<'p>,
    pub(super) window: &'f Windows<'p>,
    pub(super) prepared: &'f [Prepared<'p>],
    /// The conditions of each line.
    pub(super) logics: &'f [Logic],
    pub(super) correlations: &'f Correlations<'p>,
    /// The tables of the hunt.
    pub(super) tables: &'f str,
    /// The hunt has more than one outermost document.
    pub(super) several: bool,
    pub(super) documents: Vec<Document>,
}

/// The rules and correlations that a correlation refers to: the name of each, and the line whose fields it has; `None` for
/// a correlation, which has its own keys.
#[derive(Clone, Debug)]
struct Reference {
    name: String,
    line: Option<usize>,
}

/// A key as the documents of a correlation name it.
struct Group {
    /// The name in `group-by`.
    name: String,
    /// It stands for another field in each rule.
    alias: bool,
}

impl<'p> Maker<'_, 'p> {
    /// Makes the documents of a shape.
    pub(super) fn make(&mut self, ledger: &mut Ledger, shape: &Shape<'p>) -> Result<(), Refused> {
        match shape {
            Shape::Events(lines) => {
                for line in lines.clone() {
                    self.alone(ledger, line)?;
                }
                Ok(())
            }
            Shape::Groups(_, stage) => match self.correlations.counting.get(&stage.id) {
                Some(counting) => {
                    let groups = self.groups(&counting.keys);
                    self.counting(ledger, counting, &groups, true).map(|_| ())
                }
                None => Ok(()),
            },
            Shape::Together(parts, joints) => self.temporal(ledger, parts, joints),
            Shape::Any(shapes) => shapes.iter().try_for_each(|shape| self.make(ledger, shape)),
        }
    }

    fn line(&self, line: usize) -> Option<(&Prepared<'p>, &Logic)> {
        self.prepared.get(line).zip(self.logics.get(line))
    }

    /// The rule of a line that stands by itself.
    fn alone(&mut self, ledger: &mut Ledger, at: usize) -> Result<(), Refused> {
        let Some((line, logic)) = self.line(at) else { return Ok(()) };
        if *logic == Logic::Const(false) {
            return Ok(());
        }
        let every;
        let logic = if *logic == Logic::Const(true) {
            every = line.every_event(self.frame, ledger)?;
            &every
        } else {
            logic
        };
        // A constant was answered for above.
        let Some(made) = detection::detection(logic) else { return Ok(()) };
        let label = line.label();
        let heading = heading::heading(
            self.frame,
            &Naming {
                part: self.several.then_some(label.as_str()),
                seed: self.several.then(|| format!("{}\n{}", line.line.table.name, line.line.number)),
                hunt_in: if self.several { self.tables } else { &label },
                events_of: &label,
                stem: None,
                outermost: true,
            },
            self.window,
            &line.omitted,
        );
        need(ledger, line);
        self.documents.push(Document::Rule(Rule {
            heading,
            logsource: line.source.clone(),
            selections: made.selections,
            condition: made.condition,
            fields: line.shown.clone(),
        }));
        Ok(())
    }

    /// A rule that a correlation refers to; `None` where its conditions hold for no event. Where it has no condition the
    /// field of a key must be there.
    fn base(
        &mut self,
        ledger: &mut Ledger,
        at: usize,
        extra: Option<(&Logic, usize)>,
        key: Option<&str>,
    ) -> Result<Option<Reference>, Refused> {
        let Some((line, logic)) = self.line(at) else { return Ok(None) };
        let mut parts = vec![logic.clone()];
        parts.extend(extra.map(|(logic, _)| logic.clone()));
        let logic = match (Logic::All(parts).simplified(), key) {
            (Logic::Const(false), _) => return Ok(None),
            (Logic::Const(true), Some(key)) => Logic::test(key, Form::Exists, Value::Bool(true)),
            (Logic::Const(true), None) => line.every_event(self.frame, ledger)?,
            (logic, _) => logic,
        };
        // A constant was answered for above.
        let Some(made) = detection::detection(&logic) else { return Ok(None) };
        let label = match extra {
            Some((_, number)) => format!("{}, condition {number}", line.label()),
            None => line.label(),
        };
        let heading = heading::heading(
            self.frame,
            &Naming {
                part: Some(&label),
                seed: Some(format!("base\n{label}")),
                hunt_in: self.tables,
                events_of: &label,
                stem: Some(&line.line.table.name),
                outermost: false,
            },
            self.window,
            &[],
        );
        let name = heading.name.clone().unwrap_or_default();
        need(ledger, line);
        self.documents.push(Document::Rule(Rule {
            heading,
            logsource: line.source.clone(),
            selections: made.selections,
            condition: made.condition,
            fields: Vec::new(),
        }));
        Ok(Some(Reference { name, line: Some(at) }))
    }

    /// What groups keys are named by.
    fn groups(&self, keys: &[Key]) -> Vec<Group> {
        let mut names: Vec<String> = Vec::new();
        keys.iter().map(|key| group(key.fields.iter(), &mut names)).collect()
    }

    /// The correlations of groups: the name of the one that stands for all.
    fn counting(
        &mut self,
        ledger: &mut Ledger,
        counting: &Counting<'p>,
        groups: &[Group],
        outermost: bool,
    ) -> Result<Option<String>, Refused> {
        let grows = if counting.grows { Polarity::Positive } else { Polarity::Aggregated };
        let outer = ledger.within(grows);
        let made = self.counted(ledger, counting, groups);
        ledger.within(outer);
        let made = made?;
        let key = counting.stage.span;
        let Some((first, rest)) = made.split_first() else {
            return Err(ledger.refuse(self.frame.plan, never(key)));
        };
        let label = if rest.is_empty() { "groups" } else { "groups of several kinds" };
        let heading = self.heading(counting.lines.clone(), label, counting.stage.id, outermost, counting.timespan);
        let name = heading.name.clone().unwrap_or_default();
        let (fields, timespan) = (self.shown(&counting.lines, outermost), counting.timespan);
        let document = if rest.is_empty() {
            let (kind, references) = first.clone();
            self.correlation(heading, kind, &references, &counting.keys, counting.lines.start, groups, timespan, fields)
        } else {
            // Each threshold is a correlation of its own, and all of them must be found for a group.
            let mut inner = Vec::with_capacity(made.len());
            for (number, (kind, references)) in made.iter().enumerate() {
                let label = format!("groups by condition {}", number + 1);
                let heading = self.heading(counting.lines.clone(), &label, counting.stage.id, false, timespan);
                let name = heading.name.clone().unwrap_or_default();
                let keys = (&counting.keys, counting.lines.start);
                let one =
                    self.correlation(heading, kind.clone(), references, keys.0, keys.1, groups, timespan, Vec::new());
                self.documents.push(Document::Correlation(one));
                inner.push(Reference { name, line: None });
            }
            let keys = (&counting.keys, counting.lines.start);
            self.correlation(heading, CorrelationKind::Temporal, &inner, keys.0, keys.1, groups, timespan, fields)
        };
        self.documents.push(Document::Correlation(document));
        Ok(Some(name))
    }

    /// The kinds of the correlations of groups and the rules of each.
    fn counted(
        &mut self,
        ledger: &mut Ledger,
        counting: &Counting<'p>,
        groups: &[Group],
    ) -> Result<Vec<(CorrelationKind, Vec<Reference>)>, Refused> {
        let mut rules: Vec<(Option<NodeId>, Vec<Reference>)> = Vec::new();
        let mut made = Vec::with_capacity(counting.counted.len());
        for (number, Counted { threshold, field }) in counting.counted.iter().enumerate() {
            let condition = threshold.of.condition;
            let references = match rules.iter().find(|(known, _)| *known == condition.map(|it| it.id)) {
                Some((_, references)) => references.clone(),
                None => {
                    let mut references = Vec::new();
                    for at in counting.lines.clone() {
                        let extra = match condition {
                            Some(condition) => Some(self.extra(ledger, at, condition, threshold.of.level)?),
                            None => None,
                        };
                        let key = counting.keys.first().and_then(|key| key.fields.get(at - counting.lines.start));
                        let extra = extra.as_ref().map(|logic| (logic, number + 1));
                        references.extend(self.base(ledger, at, extra, key.map(String::as_str))?);
                    }
                    rules.push((condition.map(|it| it.id), references.clone()));
                    references
                }
            };
            if references.is_empty() {
                continue;
            }
            self.missing_values(ledger, counting, field.as_ref(), threshold.conjunct.span);
            let limit = Limit { comparison: threshold.comparison, number: threshold.limit };
            let of = || field.as_ref().map(|field| field.name.clone()).unwrap_or_default();
            let kind = match threshold.of.measure {
                Measure::Count => CorrelationKind::EventCount(limit),
                Measure::Distinct(_) => CorrelationKind::ValueCount(of(), limit),
                Measure::Sum(_) => CorrelationKind::ValueSum(of(), limit),
                Measure::Average(_) => CorrelationKind::ValueAvg(of(), limit),
                Measure::Percentile(_, percentile) => CorrelationKind::ValuePercentile(of(), percentile, limit),
            };
            made.push((kind, references));
        }
        for (key, group) in counting.keys.iter().zip(groups) {
            if !self.is_required(key, counting.lines.clone()) {
                let message = format!(
                    "events without `{}` are a group in KQL; engines of Sigma may leave them out of all groups",
                    group.name
                );
                let note = Diagnostic::note(Code::KeyMissing, Effect::Narrower, key.span, message);
                ledger.note(
                    Polarity::Positive,
                    note.help("leave such events out of the hunt with `isnotempty`, if they do not matter"),
                );
            }
        }
        Ok(made)
    }

    /// The condition of an aggregate in a line.
    fn extra(&self, ledger: &mut Ledger, at: usize, condition: &Expr, level: usize) -> Result<Logic, Refused> {
        let none = LeftOut::new();
        let Some(line) = self.prepared.get(at) else { return Ok(Logic::Const(true)) };
        let mut reader = line.reader(self.frame, &line.fields);
        match reader.condition(ledger, &mut Pass::Second(&none), condition, level, false) {
            Ok(logic) => Ok(logic),
            Err(why) => Err(ledger.refuse(condition, why.refusal())),
        }
    }

    /// That a missing text is a value for KQL.
    fn missing_values(&self, ledger: &mut Ledger, counting: &Counting<'p>, field: Option<&ValueField>, span: Span) {
        let Some(ValueField { name: field, text: true, .. }) = field else { return };
        let lines = counting.lines.clone();
        let required = lines.into_iter().all(|at| self.logics.get(at).is_some_and(|logic| logic.requires(field)));
        if !required {
            let message =
                format!("KQL counts a missing `{field}` as one more value, the empty text; Sigma does not count it");
            ledger.note(Polarity::Positive, Diagnostic::note(Code::KeyMissing, Effect::Narrower, span, message));
        }
    }

    /// Whether all events of these lines have the field of a key.
    fn is_required(&self, key: &Key, lines: Range<usize>) -> bool {
        lines.zip(&key.fields).all(|(at, field)| self.logics.get(at).is_some_and(|logic| logic.requires(field)))
    }

    /// A correlation of parts that belong together.
    fn temporal(&mut self, ledger: &mut Ledger, parts: &[PartShape<'p>], joints: &[Joint<'p>]) -> Result<(), Refused> {
        let Some(last) = joints.last() else { return Ok(()) };
        let Some(joining) = self.correlations.joining.get(&last.id) else { return Ok(()) };
        let mut names: Vec<String> = Vec::new();
        let groups: Vec<Group> = joining
            .keys
            .iter()
            .map(|key| group(key.parts.iter().flat_map(|part| part.fields.iter()), &mut names))
            .collect();
        let mut references = Vec::with_capacity(parts.len());
        let order: Vec<usize> = joining.order.clone().unwrap_or_else(|| (0..parts.len()).collect());
        for part in order {
            let Some(shape) = parts.get(part) else { continue };
            match self.part(ledger, part, shape, joining, &groups)? {
                Some(reference) => references.push((part, reference)),
                None => return Err(ledger.refuse(self.frame.plan, never(last.span))),
            }
        }
        self.missing_keys(ledger, parts, joints, joining, &groups);
        let lines = parts.first().map_or(0, |part| part.lines.start)..parts.last().map_or(0, |part| part.lines.end);
        let heading = self.heading(lines.clone(), "correlation", last.id, true, joining.timespan);
        let fields = self.shown(&lines, true);
        let aliases = joining.keys.iter().zip(&groups).filter(|(_, group)| group.alias).map(|(key, group)| Alias {
            name: group.name.clone(),
            fields: references
                .iter()
                .filter_map(|(part, reference)| {
                    let key = key.parts.get(*part)?;
                    let start = parts.get(*part)?.lines.start;
                    let field = match reference.line {
                        Some(line) => key.fields.get(line.checked_sub(start)?)?.clone(),
                        None => group.name.clone(),
                    };
                    Some((reference.name.clone(), field))
                })
                .collect(),
        });
        let correlation = Correlation {
            heading,
            kind: if joining.order.is_some() { CorrelationKind::TemporalOrdered } else { CorrelationKind::Temporal },
            rules: references.iter().map(|(_, reference)| reference.name.clone()).collect(),
            group_by: groups.iter().map(|group| group.name.clone()).collect(),
            timespan: joining.timespan,
            aliases: aliases.collect(),
            fields,
        };
        self.documents.push(Document::Correlation(correlation));
        Ok(())
    }

    /// The rule, or the correlation, of one part; `None` where it finds nothing.
    fn part(
        &mut self,
        ledger: &mut Ledger,
        part: usize,
        shape: &PartShape<'p>,
        joining: &Joining,
        groups: &[Group],
    ) -> Result<Option<Reference>, Refused> {
        let correlations = self.correlations;
        if let Some(counting) = shape.groups.and_then(|stage| correlations.counting.get(&stage.id)) {
            // The keys that the parts share are named alike in all of them.
            let mut names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
            let own: Vec<Group> = counting
                .keys
                .iter()
                .map(|key| {
                    let shared = joining
                        .keys
                        .iter()
                        .zip(groups)
                        .find(|(shared, _)| shared.parts.get(part).is_some_and(|it| it.fields == key.fields));
                    match shared {
                        Some((_, shared)) => Group { name: shared.name.clone(), alias: shared.alias },
                        None => group(key.fields.iter(), &mut names),
                    }
                })
                .collect();
            let name = self.counting(ledger, counting, &own, false)?;
            return Ok(name.map(|name| Reference { name, line: None }));
        }
        let keys: Vec<Key> = joining.keys.iter().filter_map(|key| key.parts.get(part).cloned()).collect();
        let mut references = Vec::new();
        for line in shape.lines.clone() {
            let key = keys.first().and_then(|key| key.fields.get(line - shape.lines.start));
            references.extend(self.base(ledger, line, None, key.map(String::as_str))?);
        }
        if references.len() < 2 {
            return Ok(references.pop());
        }
        // Any event of several log sources: a correlation of one event.
        let heading = self.heading(shape.lines.clone(), "any of them", NodeId::UNNUMBERED, false, joining.timespan);
        let name = heading.name.clone().unwrap_or_default();
        let kind = CorrelationKind::EventCount(Limit { comparison: Comparison::Gte, number: 1 });
        let timespan = joining.timespan;
        let any = self.correlation(heading, kind, &references, &keys, shape.lines.start, groups, timespan, Vec::new());
        self.documents.push(Document::Correlation(any));
        Ok(Some(Reference { name, line: None }))
    }

    /// What becomes of events that lack a key, and of conditions behind a join of arbitrary events.
    fn missing_keys(
        &self,
        ledger: &mut Ledger,
        parts: &[PartShape<'p>],
        joints: &[Joint<'p>],
        joining: &Joining,
        groups: &[Group],
    ) {
        for (key, group) in joining.keys.iter().zip(groups) {
            let required = key.parts.iter().zip(parts).any(|(key, part)| self.is_required(key, part.lines.clone()));
            let Some(first) = key.parts.first().filter(|_| !required) else { continue };
            let (effect, message) = if first.text {
                let message = format!(
                    "events without `{}` are joined in KQL; engines of Sigma may leave them out of all groups",
                    group.name
                );
                (Effect::Narrower, message)
            } else {
                let message = format!(
                    "events without `{}` are never joined in KQL; engines of Sigma may take them for a group",
                    group.name
                );
                (Effect::Broader, message)
            };
            ledger.note(Polarity::Positive, Diagnostic::note(Code::KeyMissing, effect, first.span, message));
        }
        for (span, left, id) in &joining.arbitrary {
            let kind = joints.iter().find(|joint| joint.id == *id).map(|joint| joint.kind);
            let filtered = parts.get(left.clone()).unwrap_or_default().iter().any(|part| {
                self.prepared.get(part.lines.clone()).unwrap_or_default().iter().any(|line| {
                    let mark = line.marks.get(id).copied().unwrap_or(usize::MAX);
                    line.behind.iter().any(|level| *level > mark)
                })
            });
            if filtered && kind == Some(JoinKind::InnerUnique) {
                let message = "KQL joins one event of the left side for each key, an arbitrary one, and looks at it \
                               afterwards; the correlation takes any that satisfies the condition";
                let note = Diagnostic::note(Code::ArbitraryChoice, Effect::Broader, *span, message);
                ledger.note(Polarity::Positive, note.help("filter the left side before the join"));
            }
        }
    }

    /// A correlation of rules with keys in the lines from `start` on.
    #[allow(clippy::too_many_arguments)] // The parts of a correlation.
    fn correlation(
        &self,
        heading: Heading,
        kind: CorrelationKind,
        references: &[Reference],
        keys: &[Key],
        start: usize,
        groups: &[Group],
        timespan: Timespan,
        fields: Vec<String>,
    ) -> Correlation {
        let aliases = keys.iter().zip(groups).filter(|(_, group)| group.alias).map(|(key, group)| Alias {
            name: group.name.clone(),
            fields: references
                .iter()
                .filter_map(|reference| {
                    let field = match reference.line {
                        Some(line) => key.fields.get(line.checked_sub(start)?)?.clone(),
                        None => group.name.clone(),
                    };
                    Some((reference.name.clone(), field))
                })
                .collect(),
        });
        Correlation {
            heading,
            kind,
            rules: references.iter().map(|reference| reference.name.clone()).collect(),
            group_by: groups.iter().map(|group| group.name.clone()).collect(),
            timespan,
            aliases: aliases.collect(),
            fields,
        }
    }

    /// What a correlation of these lines says about itself.
    fn heading(&self, lines: Range<usize>, label: &str, id: NodeId, outermost: bool, timespan: Timespan) -> Heading {
        let own = self.prepared.get(lines.clone()).unwrap_or_default();
        let mut tables: Vec<String> = Vec::new();
        for line in own {
            let table = line.line.table.name.to_string();
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        let tables = tables.join(", ");
        let omitted: Vec<(Span, &'static str)> =
            if outermost { own.iter().flat_map(|line| line.omitted.iter().copied()).collect() } else { Vec::new() };
        let part = format!("{tables}, {label}");
        let alone = outermost && !self.several;
        let naming = Naming {
            part: if alone {
                None
            } else if outermost {
                Some(&tables)
            } else {
                Some(&part)
            },
            seed: (!alone).then(|| format!("correlation\n{label}\n{}\n{}", lines.start, id.0)),
            hunt_in: self.tables,
            events_of: &tables,
            stem: (!outermost).then_some(part.as_str()),
            outermost,
        };
        // A timespan that is as long as the window says it.
        let none = Windows::default();
        let said = self.window.length.is_some_and(|length| Timespan::of_ticks(length) <= timespan);
        heading::heading(self.frame, &naming, if said { &none } else { self.window }, &omitted)
    }

    /// What an analyst wants to see of these lines.
    fn shown(&self, lines: &Range<usize>, outermost: bool) -> Vec<String> {
        let mut shown: Vec<String> = Vec::new();
        for line in self.prepared.get(lines.clone()).unwrap_or_default().iter().filter(|_| outermost) {
            for field in &line.shown {
                if !shown.contains(field) {
                    shown.push(field.clone());
                }
            }
        }
        shown
    }
}

/// A rule reads the events of its log source.
fn need(ledger: &mut Ledger, line: &Prepared<'_>) {
    let source = &line.source;
    let parts = [("category", &source.category), ("product", &source.product), ("service", &source.service)];
    let named = parts.iter().filter_map(|(key, value)| Some(format!("{key}: {}", value.as_ref()?)));
    let name = named.collect::<Vec<_>>().join(", ");
    ledger.need(Need { kind: NeedKind::LogSource, name, of: line.line.table.name.to_string() });
}

/// What a key is named by: its field, or a name that stands for several.
fn group<'n>(fields: impl Iterator<Item = &'n String>, names: &mut Vec<String>) -> Group {
    let fields: Vec<&String> = fields.collect();
    let first = fields.first().map(|field| field.as_str()).unwrap_or_default();
    let alias = fields.iter().any(|field| *field != first);
    let stem = if alias { heading::snake(first) } else { first.to_owned() };
    let mut name = stem.clone();
    let mut number = 1;
    while names.contains(&name) {
        number += 1;
        name = format!("{stem}_{number}");
    }
    names.push(name.clone());
    Group { name, alias: alias || number > 1 }
}

/// That nothing is selected.
fn never(span: Span) -> Diagnostic {
    let message = "no event satisfies the conditions of the hunt, and a Sigma rule that selects nothing is not valid";
    Diagnostic::refusal(Code::NeverMatches, span, message).help("check the conditions; one of them never holds")
}
