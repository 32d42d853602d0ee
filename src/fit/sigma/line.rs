//! One line of events: its log source and names, and its conditions as a boolean tree.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Fields, Frame, Ledger, Refused, Table};
use crate::plan::{Expr, ExprKind, NodeId, NodeRef, Tree};
use crate::source::Span;
use crate::target::{ColumnMap, Term};

use super::logic::Logic;
use super::outline::{Line, Not, Step};
use super::predicate::{LeftOut, Pass};
use super::scope::Scopes;
use super::source;
use super::stages::Walk;
use super::subject::{Reader, Unsayable};
use super::tree::{Form, LogSource, Value};

/// How many nodes the conditions of one rule may stand for, computed columns written out.
const BUDGET: usize = 200_000;

/// A line before its conditions are read.
pub(super) struct Prepared<'p> {
    pub(super) line: Line<'p>,
    pub(super) table: Table<'p>,
    /// The schema for the events of the log source, which notes each assumption once.
    pub(super) fields: Fields<'p>,
    /// Fields that the events of the log source have of their own.
    own: Option<&'p IndexMap<String, ColumnMap>>,
    /// The names at each step.
    pub(super) scopes: Scopes<'p>,
    /// The conditions, with the scopes that they see.
    pub(super) conjuncts: Vec<(&'p Expr, usize)>,
    /// The scopes that joins, groups and memberships see, by the nodes that say them.
    pub(super) marks: HashMap<NodeId, usize>,
    /// What is not in the rule, for its description.
    pub(super) omitted: Vec<(Span, &'static str)>,
    /// The log source.
    pub(super) source: LogSource,
    /// What an analyst wants to see.
    pub(super) shown: Vec<String>,
    /// The fields of columns that the rule names for its alerts.
    pub(super) columns: Vec<(Arc<str>, String)>,
    /// The scopes of conditions behind joins that are of this line alone.
    pub(super) behind: Vec<usize>,
    /// Something of the hunt that removes events is left out.
    pub(super) widened: bool,
    /// The condition that is the same as being of the log source.
    implied: Option<NodeId>,
    /// What tells the events from others of the log source.
    terms: Vec<Term>,
    separator: char,
}

/// Follows a line through its steps.
///
/// # Errors
/// A stage can neither be said nor left out, or the schema has no place for the table.
pub(super) fn prepare<'p>(
    frame: &Frame<'p>,
    ledger: &mut Ledger,
    line: &Line<'p>,
    held: &HashSet<NodeId>,
    not: &Not,
) -> Result<Prepared<'p>, Refused> {
    ledger.carried(line.pipeline.id);
    let fields = Fields::new(*frame);
    let table = match fields.table(ledger, line.table, line.pipeline.span) {
        Ok(table) => table,
        Err(refusal) => match source::by_name(frame, line) {
            Some(table) => {
                let message =
                    format!("{}; the log source names the table, and columns keep KQL's names", refusal.message);
                let note = Diagnostic::note(refusal.code, Effect::Exact, line.pipeline.span, message);
                ledger.note(Polarity::Positive, note.help("name the source with --fields"));
                table
            }
            None => return Err(ledger.refuse(line.pipeline, *refusal)),
        },
    };
    let mut walk = Walk {
        frame,
        scopes: Scopes::default(),
        conditions: Vec::new(),
        shown: Vec::new(),
        omitted: Vec::new(),
        widened: false,
        marks: HashMap::new(),
        not,
        counted: false,
    };
    let counted = line.steps.iter().rposition(|step| matches!(step, Step::Counted(_)));
    for (at, step) in line.steps.iter().enumerate() {
        walk.counted = counted.is_some_and(|counted| at < counted);
        walk.step(ledger, step)?;
    }
    let mut conjuncts: Vec<(&Expr, usize)> = Vec::new();
    for (predicate, level) in &walk.conditions {
        if let ExprKind::And(_) = &predicate.kind {
            ledger.carried(predicate.id);
        }
        conjuncts.extend(predicate.conjuncts().iter().map(|conjunct| (conjunct, *level)));
    }
    conjuncts.retain(|(conjunct, _)| !held.contains(&conjunct.id));
    let chosen = source::log_source(frame, ledger, &table, line, &conjuncts, &walk.scopes);
    let own = chosen.alternative.zip(table.map).and_then(|(index, map)| map.selector.fields_of(index));
    let fields = fields.in_category(chosen.source.category.as_deref(), own);
    let (shown, columns) = source::shown(&fields, &table, &walk);
    let Walk { scopes, omitted, widened, marks, .. } = walk;
    Ok(Prepared {
        line: line.clone(),
        table,
        fields,
        own,
        scopes,
        conjuncts,
        marks,
        omitted,
        source: chosen.source,
        shown,
        columns,
        behind: Vec::new(),
        widened,
        implied: chosen.implied.map(|conjunct| conjunct.id),
        terms: chosen.terms,
        separator: if chosen.slashes { '/' } else { '\\' },
    })
}

/// What the first pass over the conditions of a line found.
pub(super) struct Found {
    /// The conditions that can not be said.
    pub(super) left_out: LeftOut,
    /// Why the line can not be a rule, whatever is left out.
    pub(super) hopeless: Option<(NodeId, Unsayable)>,
    /// The first condition that can not be said.
    pub(super) first: Option<(NodeId, Unsayable)>,
    /// What remains asks for some value.
    pub(super) telling: bool,
    /// The conditions that can be said.
    pub(super) said: Vec<NodeId>,
}

impl<'p> Prepared<'p> {
    /// The schema as one that has noted nothing yet: for what is tried, and said afterwards.
    pub(super) fn fresh(&self, frame: &Frame<'p>) -> Fields<'p> {
        Fields::new(*frame).in_category(self.source.category.as_deref(), self.own)
    }

    /// What reads conditions of the line.
    pub(super) fn reader<'r>(&'r self, frame: &'r Frame<'p>, fields: &'r Fields<'p>) -> Reader<'r, 'p, 'p> {
        Reader {
            frame,
            fields,
            table: &self.table,
            category: self.source.category.as_deref(),
            separator: self.separator,
            scopes: &self.scopes,
            budget: BUDGET,
            choosing: 0,
            strict: false,
        }
    }

    /// The conditions that are the rule's own: not those that the log source or a correlation says.
    fn own(&self, elsewhere: &impl Fn(NodeId) -> bool) -> impl Iterator<Item = (&'p Expr, usize)> {
        self.conjuncts.iter().copied().filter(move |(it, _)| self.implied != Some(it.id) && !elsewhere(it.id))
    }

    /// Finds the conditions that can not be said. Of a line that stands alone (`alone`) enough must remain to tell its events
    /// from others where something is left out.
    ///
    /// Conditions behind the `groups` that a correlation counts are on its alerts, not on the events.
    pub(super) fn first_pass(
        &self,
        frame: &Frame<'p>,
        alone: bool,
        groups: Option<NodeId>,
        elsewhere: &impl Fn(NodeId) -> bool,
    ) -> Found {
        let behind = groups.and_then(|stage| self.marks.get(&stage)).copied();
        let fields = self.fresh(frame);
        let mut dry = Ledger::new(frame.plan);
        let mut reader = self.reader(frame, &fields);
        let mut left_out = LeftOut::new();
        let (mut parts, mut failed, mut said) = (Vec::new(), Vec::new(), Vec::new());
        let mut first = None;
        for (conjunct, level) in self.own(elsewhere) {
            match reader.condition(&mut dry, &mut Pass::First(&mut left_out), conjunct, level, false) {
                Ok(part) => {
                    parts.push(part);
                    said.push(conjunct.id);
                }
                Err(why) => {
                    if behind.is_none_or(|behind| level <= behind) {
                        first.get_or_insert((conjunct.id, why.clone()));
                    }
                    failed.push((conjunct.id, why));
                }
            }
        }
        // A log source that stands for a condition tells something, too.
        let telling = Logic::All(parts).simplified().is_telling() || self.implied.is_some();
        let hopeless = first.clone().filter(|_| alone && !telling);
        left_out.extend(failed);
        Found { left_out, hopeless, first, telling, said }
    }

    /// Reads the conditions and writes the ledger.
    ///
    /// # Errors
    /// A condition can not be said, and is not left out.
    pub(super) fn second_pass(
        &mut self,
        frame: &Frame<'p>,
        ledger: &mut Ledger,
        left_out: &LeftOut,
        elsewhere: &impl Fn(NodeId) -> bool,
    ) -> Result<Logic, Refused> {
        let mut parts: Vec<Logic> = Vec::new();
        let mut omitted: Vec<(Span, &'static str)> = Vec::new();
        let mut reader = self.reader(frame, &self.fields);
        for (conjunct, level) in self.own(elsewhere) {
            if let Some(why) = left_out.get(&conjunct.id) {
                ledger.dropped(conjunct, Polarity::Positive, why.clone().left_out(conjunct.span));
                omitted.push((conjunct.span, "condition"));
                continue;
            }
            match reader.condition(ledger, &mut Pass::Second(left_out), conjunct, level, false) {
                Ok(part) => parts.push(part),
                Err(why) => return Err(ledger.refuse(conjunct, why.refusal())),
            }
            // Conditions within others that are left out stand in the description too.
            conjunct.visit(&mut |node| {
                if let NodeRef::Expr(expr) = node
                    && left_out.contains_key(&expr.id)
                {
                    omitted.push((expr.span, "condition"));
                }
            });
        }
        self.widened |= !omitted.is_empty();
        self.omitted.extend(omitted);
        Ok(source::with_terms(&self.terms, Logic::All(parts).simplified()))
    }

    /// The label of the line among others of the hunt.
    pub(super) fn label(&self) -> String {
        match self.line.number {
            1 => self.line.table.name.to_string(),
            number => format!("{} {number}", self.line.table.name),
        }
    }

    /// A condition that every event satisfies: it has a time. Where more is asked of events that can not be said, the line
    /// would select what the hunt does not.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn every_event(&self, frame: &Frame<'p>, ledger: &mut Ledger) -> Result<Logic, Refused> {
        let (table, span) = (self.line.table, self.line.pipeline.span);
        if self.widened {
            let message =
                format!("every event of `{}` would be selected, and a Sigma rule needs a condition", table.name);
            let refusal = Diagnostic::refusal(Code::NoCondition, span, message);
            return Err(ledger.refuse(self.line.pipeline, refusal.help("add a `where` with a comparison of a column")));
        }
        let own = table.time_columns.first().map_or("TimeGenerated", |name| name);
        let time = if self.fields.keeps_names() { own } else { frame.schema.time_field.as_str() };
        let message = format!(
            "the hunt selects every event of `{}`: the rule asks for those that have `{time}`, which engines may keep apart",
            table.name
        );
        ledger.note(Polarity::Positive, Diagnostic::note(Code::EveryEvent, Effect::Unsure, span, message));
        Ok(Logic::test(time, Form::Exists, Value::Bool(true)))
    }
}
