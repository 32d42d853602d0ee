//! Plan × Sigma → detection rules, one for each log source that the hunt reads, and correlation rules over them.
//!
//! A detection rule selects single events. Groups that are compared with a threshold and joins by equal keys are
//! correlations where Sigma can say them; what else a hunt does with its events (columns, order) is not in the file and
//! noted. Conditions are said exactly, or left out where that only selects more, or the hunt is refused.
//! Specification: <https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html>.
//!
//! The work is done twice. First without a ledger that counts, to find the joins and groups that are no correlations and the
//! conditions that can not be said; then, with that known, to write the ledger.

mod choice;
mod classes;
mod correlate;
mod detection;
mod documents;
mod heading;
mod key;
mod line;
mod listed;
mod logic;
mod outline;
mod platform;
mod predicate;
mod regex;
mod scope;
mod source;
mod stages;
mod subject;
#[cfg(test)]
mod tests;
mod text;
mod threshold;
mod together;
pub(crate) mod tree;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Fitted, Frame, Ledger, Refused};
use crate::plan::{JoinKind, NodeId, NodeRef, Pipeline, Source, Stage, StageKind, Tree};

use correlate::{Correlations, Correlator, Shape, Stop};
use documents::Maker;
use line::{Found, Prepared};
use logic::Logic;
use outline::{Line, MOST_CORRELATIONS, Not, Outline};
use source::Windows;
use subject::Unsayable;
use tree::Documents;

/// Says a hunt as Sigma rules.
pub(crate) fn fit(frame: &Frame<'_>, ledger: &mut Ledger) -> Result<Fitted<Documents>, Refused> {
    let mut not = Not::new();
    loop {
        let mut dry = Ledger::new(frame.plan);
        let Ok(work) = Work::new(frame, &mut dry, &not) else { break };
        match work.correlations(&mut dry) {
            Ok(_) => break,
            Err(Stop::Refuse(why)) => return Err(ledger.refuse(frame.plan, why.refusal())),
            // A join that is none of a correlation can make others that were found before it useless, never the other way.
            Err(Stop::Not(id, why)) if not.len() < MOST_CORRELATIONS && !not.contains_key(&id) => {
                not.insert(id, why);
            }
            Err(Stop::Not(id, why)) => not_any_more(frame, &mut not, id, &why),
        }
    }
    let mut work = Work::new(frame, ledger, &not)?;
    let correlations = match work.correlations(ledger) {
        Ok(correlations) => correlations,
        Err(Stop::Not(_, why) | Stop::Refuse(why)) => return Err(ledger.refuse(frame.plan, why.refusal())),
    };
    let logics = work.conditions(ledger, &correlations)?;
    let several = work.shape.documents() > 1;
    let mut tables: Vec<String> = Vec::new();
    for line in &work.prepared {
        let table = line.line.table.name.to_string();
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    let tables = tables.join(", ");
    let columns = columns(&work.prepared);
    let Work { window, prepared, shape, .. } = work;
    let mut maker = Maker {
        frame,
        window: &window,
        prepared: &prepared,
        logics: &logics,
        correlations: &correlations,
        tables: &tables,
        several,
        documents: Vec::new(),
    };
    maker.make(ledger, &shape)?;
    let mut documents = maker.documents;
    heading::tell_apart(&mut documents);
    if documents.is_empty() {
        let refusal = Diagnostic::refusal(
            Code::NeverMatches,
            frame.plan.pipeline.span,
            "no event satisfies the conditions of the hunt, and a Sigma rule that selects nothing is not valid",
        );
        return Err(ledger.refuse(frame.plan, refusal.help("check the conditions; one of them never holds")));
    }
    for condition in &window.conditions {
        let note = Diagnostic::note(
            Code::TimeInRange,
            Effect::Exact,
            condition.span,
            "a Sigma rule has no time window; the rule is to be run over `time_range`",
        );
        ledger.rewritten_whole(*condition, Polarity::Positive, note);
    }
    Ok(Fitted { tree: Documents { documents }, time_range: window.range, columns })
}

/// The columns that are the same field in all lines.
fn columns(prepared: &[Prepared<'_>]) -> Vec<(Arc<str>, String)> {
    let Some((first, rest)) = prepared.split_first() else { return Vec::new() };
    let same = |column: &&(Arc<str>, String)| rest.iter().all(|line| line.columns.contains(column));
    first.columns.iter().filter(same).cloned().collect()
}

/// Gives up all correlations of a hunt that has too many of them.
fn not_any_more(frame: &Frame<'_>, not: &mut Not, id: NodeId, why: &Unsayable) {
    not.insert(id, why.clone());
    frame.plan.visit(&mut |node| {
        let (id, span) = match node {
            NodeRef::Stage(stage) => (stage.id, stage.span),
            NodeRef::Expr(expr) if outline::table_of(expr).is_some() => (expr.id, expr.span),
            NodeRef::Pipeline(_)
            | NodeRef::Binding(_)
            | NodeRef::AggregateBinding(_)
            | NodeRef::Aggregate(_)
            | NodeRef::SortKey(_)
            | NodeRef::JoinKey(_)
            | NodeRef::MvItem(_)
            | NodeRef::Expr(_) => return,
        };
        not.entry(id).or_insert_with(|| Unsayable::new(Code::TooLong, span, "the hunt joins and counts too often"));
    });
}

/// A hunt on its way to rules.
struct Work<'f, 'p> {
    frame: &'f Frame<'p>,
    window: Windows<'p>,
    prepared: Vec<Prepared<'p>>,
    shape: Shape<'p>,
}

impl<'f, 'p> Work<'f, 'p> {
    /// Follows all lines of the hunt.
    fn new(frame: &'f Frame<'p>, ledger: &mut Ledger, not: &Not) -> Result<Self, Refused> {
        let Outline { body, gone, unions } = match outline::outline(frame, not) {
            Ok(outline) => outline,
            Err(why) => return Err(ledger.refuse(frame.plan, why.refusal())),
        };
        for (pipeline, reshaped) in unions {
            ledger.carried(pipeline.id);
            if reshaped {
                let message = "a Sigma rule selects whole events, with the columns of their own table";
                let note = Diagnostic::note(Code::ColumnsDropped, Effect::Reshaped, pipeline.span, message);
                ledger.note(Polarity::Positive, note);
            }
        }
        for (pipeline, stage) in gone {
            without_left(ledger, pipeline, stage);
        }
        let window = source::window(&body.lines());
        let held: HashSet<NodeId> = window.conditions.iter().map(|condition| condition.id).collect();
        let mut lines: Vec<Line<'p>> = Vec::new();
        let shape = correlate::shape(body, &mut lines);
        let mut prepared = Vec::with_capacity(lines.len());
        for line in &lines {
            prepared.push(line::prepare(frame, ledger, line, &held, not)?);
        }
        Ok(Self { frame, window, prepared, shape })
    }

    /// Makes the correlations.
    fn correlations(&self, ledger: &mut Ledger) -> Result<Correlations<'p>, Stop> {
        let correlator = Correlator { frame: self.frame, window: &self.window, prepared: &self.prepared };
        let mut found = Correlations::default();
        correlator.correlate(ledger, &self.shape, &mut found)?;
        Ok(found)
    }

    /// Reads the conditions of all lines.
    fn conditions(&mut self, ledger: &mut Ledger, correlations: &Correlations<'p>) -> Result<Vec<Logic>, Refused> {
        let places = self.shape.places(self.prepared.len());
        let said = |id: NodeId| correlations.said.contains(&id) || self.shape.is_joint(id);
        let passes: Vec<Found> = self
            .prepared
            .iter()
            .zip(&places)
            .map(|(line, place)| line.first_pass(self.frame, place.part.is_none(), place.groups, &said))
            .collect();
        for found in &passes {
            if let Some((_, why)) = &found.hopeless {
                return Err(ledger.refuse(self.frame.plan, why.clone().refusal()));
            }
        }
        // Of a correlation of several parts one must tell its events from others.
        let mut telling: HashMap<usize, (bool, Option<&Unsayable>)> = HashMap::new();
        for (found, place) in passes.iter().zip(&places) {
            if let Some((whole, _)) = place.part {
                let entry = telling.entry(whole).or_default();
                entry.0 |= found.telling;
                entry.1 = entry.1.or(found.first.as_ref().map(|(_, why)| why));
            }
        }
        if let Some((_, Some(why))) = telling.values().find(|(telling, first)| !telling && first.is_some()) {
            return Err(ledger.refuse(self.frame.plan, (*why).clone().refusal()));
        }
        let owners = owners(&self.prepared, &passes, &places);
        let mut logics = Vec::with_capacity(passes.len());
        for ((line, found), place) in self.prepared.iter_mut().zip(&passes).zip(&places) {
            let elsewhere = |id: NodeId| {
                let owner = place.part.and_then(|(whole, part)| Some((part, owners.get(&(whole, id))?)));
                said(id) || owner.is_some_and(|(part, owner)| part != *owner)
            };
            let behind = line.conjuncts.iter().filter(|(it, _)| {
                let (id, part) = (it.id, place.part);
                found.said.contains(&id) && part.is_some_and(|(whole, part)| owners.get(&(whole, id)) == Some(&part))
            });
            line.behind = behind.map(|(_, level)| *level).collect();
            let outer = ledger.within(match place.groups {
                Some(stage) if !correlations.counting.get(&stage).is_none_or(|it| it.grows) => Polarity::Aggregated,
                Some(_) | None => Polarity::Positive,
            });
            let logic = line.second_pass(self.frame, ledger, &found.left_out, &elsewhere);
            ledger.within(outer);
            logics.push(logic?);
        }
        Ok(logics)
    }
}

/// Which part says a condition that several parts of a correlation see: the first whose lines all can, else the first that
/// sees it, where it is left out. Conditions that one part alone sees have no owner.
fn owners(prepared: &[Prepared<'_>], passes: &[Found], places: &[Place]) -> HashMap<(usize, NodeId), usize> {
    // By correlation and condition: the parts that see it, and whether all of their lines can say it.
    let mut seen: HashMap<(usize, NodeId), Vec<(usize, bool)>> = HashMap::new();
    for ((line, found), place) in prepared.iter().zip(passes).zip(places) {
        let Some((whole, part)) = place.part else { continue };
        let said: HashSet<NodeId> = found.said.iter().copied().collect();
        for (conjunct, _) in &line.conjuncts {
            let parts = seen.entry((whole, conjunct.id)).or_default();
            match parts.iter_mut().find(|(known, _)| *known == part) {
                Some((_, all)) => *all &= said.contains(&conjunct.id),
                None => parts.push((part, said.contains(&conjunct.id))),
            }
        }
    }
    let several = seen.into_iter().filter(|(_, parts)| parts.len() > 1);
    several
        .filter_map(|(key, parts)| {
            let owner = parts.iter().find(|(_, all)| *all).or(parts.first())?.0;
            Some((key, owner))
        })
        .collect()
}

/// Where a line stands among the documents.
#[derive(Clone, Copy, Default)]
struct Place {
    /// The correlation of several parts that it belongs to, and the part.
    part: Option<(usize, usize)>,
    /// The groups that it belongs to.
    groups: Option<NodeId>,
}

impl Shape<'_> {
    /// How many documents no other one refers to.
    fn documents(&self) -> usize {
        match self {
            Self::Events(lines) => lines.len(),
            Self::Groups(..) | Self::Together(..) => 1,
            Self::Any(shapes) => shapes.iter().map(Self::documents).sum(),
        }
    }

    /// Where each line stands.
    fn places(&self, lines: usize) -> Vec<Place> {
        let mut places = vec![Place::default(); lines];
        self.place(&mut places);
        places
    }

    fn place(&self, places: &mut [Place]) {
        match self {
            Self::Events(_) => {}
            Self::Groups(lines, stage) => {
                let own = places.get_mut(lines.clone()).unwrap_or_default();
                own.iter_mut().for_each(|place| place.groups = Some(stage.id));
            }
            Self::Together(parts, _) => {
                let whole = parts.first().map_or(0, |part| part.lines.start);
                for (number, part) in parts.iter().enumerate() {
                    for place in places.get_mut(part.lines.clone()).unwrap_or_default() {
                        *place = Place { part: Some((whole, number)), groups: part.groups.map(|stage| stage.id) };
                    }
                }
            }
            Self::Any(shapes) => shapes.iter().for_each(|shape| shape.place(places)),
        }
    }

    /// Whether a node is a condition that a correlation says as a join.
    fn is_joint(&self, id: NodeId) -> bool {
        match self {
            Self::Events(_) | Self::Groups(..) => false,
            Self::Together(_, joints) => joints.iter().any(|joint| joint.id == id),
            Self::Any(shapes) => shapes.iter().any(|shape| shape.is_joint(id)),
        }
    }
}

/// Notes what becomes of the left side of a join that keeps rows of its right side only.
fn without_left(ledger: &mut Ledger, pipeline: &Pipeline, stage: &Stage) {
    let unmatched = matches!(&stage.kind, StageKind::Join(join) if join.kind == JoinKind::RightAnti);
    let effect = if unmatched { Effect::Broader } else { Effect::Reshaped };
    let message = "a Sigma rule does not join: the events of the right side are selected, whatever the left side holds";
    let note = |span| Diagnostic::note(Code::JoinDropped, effect, span, message);
    ledger.rewritten(pipeline.id, Polarity::Positive, note(pipeline.span));
    if let Source::Union(union) = &pipeline.source {
        union.branches.iter().for_each(|branch| ledger.dropped(branch, Polarity::Positive, note(branch.span)));
    }
    for before in pipeline.stages.iter().take_while(|before| !std::ptr::eq(*before, stage)) {
        ledger.dropped(before, Polarity::Positive, note(before.span));
    }
    ledger.rewritten(stage.id, Polarity::Positive, note(stage.span));
    if let StageKind::Join(join) = &stage.kind {
        join.on.iter().for_each(|key| ledger.dropped(key, Polarity::Positive, note(stage.span)));
    }
}
