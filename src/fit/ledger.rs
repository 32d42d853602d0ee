//! The ledger: what became of every node of the plan, and what the notes make of the verdict.
//!
//! A translation is built from a [`ClosedLedger`] only, and only [`Ledger::close`] makes one: a node without an entry is a
//! fault (`HG901`) and no query is given, in release builds too. This module knows no target.

use std::collections::BTreeSet;

use super::needs::Need;
use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::plan::{NodeId, NodeRef, Plan, Tree};
use crate::source::Span;

/// What became of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It is in the query and means the same.
    Carried,
    /// It is in the query in another form, which the note of this code explains.
    Rewritten(Code),
    /// It is not in the query, which the note of this code says.
    Dropped(Code),
    /// The target can not say it; no query is given.
    Refused(Code),
}

/// Proof that a refusal was written into the ledger. Fitting stops where it is returned.
#[derive(Debug)]
#[must_use]
pub struct Refused(());

/// The open ledger of one plan and one target.
#[derive(Debug)]
pub struct Ledger {
    entries: Vec<Option<Entry>>,
    notes: Vec<Diagnostic>,
    needs: BTreeSet<Need>,
    verdict: Effect,
    /// The direction of the place that notes are written for.
    base: Polarity,
    text_len: u32,
}

/// The ledger of a plan of which every node is answered for.
#[derive(Debug)]
pub struct ClosedLedger {
    entries: Vec<Entry>,
    notes: Vec<Diagnostic>,
    needs: BTreeSet<Need>,
    verdict: Effect,
}

impl Ledger {
    /// An empty ledger for the nodes of a plan.
    pub fn new(plan: &Plan) -> Self {
        Self {
            entries: vec![None; plan.nodes as usize],
            notes: Vec::new(),
            needs: BTreeSet::new(),
            verdict: Effect::Exact,
            base: Polarity::Positive,
            text_len: plan.pipeline.span.end,
        }
    }

    /// Takes the notes that follow for those of a place of this polarity, which is said once for all that lies below; gives
    /// back what it was before.
    pub(crate) fn within(&mut self, base: Polarity) -> Polarity {
        std::mem::replace(&mut self.base, base)
    }

    /// The node is in the query and means the same.
    pub fn carried(&mut self, node: NodeId) {
        self.enter(node, Entry::Carried);
    }

    /// The node and all below are in the query and mean the same.
    pub fn carried_whole(&mut self, tree: &dyn Tree) {
        tree.visit(&mut |node| self.enter(node.id(), Entry::Carried));
    }

    /// The node is in the query in another form; `note` says what that does at a place of this polarity.
    /// The nodes below are answered for on their own.
    pub fn rewritten(&mut self, node: NodeId, polarity: Polarity, note: Diagnostic) {
        self.enter(node, Entry::Rewritten(note.code));
        self.note(polarity, note);
    }

    /// The node and all below are in the query in another form that `note` explains.
    pub fn rewritten_whole(&mut self, tree: &dyn Tree, polarity: Polarity, note: Diagnostic) {
        let code = note.code;
        tree.visit(&mut |node| self.enter(node.id(), Entry::Rewritten(code)));
        self.note(polarity, note);
    }

    /// The node and all below are left out of the query; `note` says what that does at a place of this polarity.
    ///
    /// What was written elsewhere (in a `let`) and goes with it gets a note at its own place.
    pub fn dropped(&mut self, tree: &dyn Tree, polarity: Polarity, note: Diagnostic) {
        let mut elsewhere: Vec<Span> = Vec::new();
        tree.visit(&mut |node| {
            self.enter(node.id(), Entry::Dropped(note.code));
            let leaf = match node {
                NodeRef::Expr(expr) => expr.span,
                NodeRef::Pipeline(pipeline) => pipeline.span,
                NodeRef::Stage(stage) => stage.span,
                NodeRef::Binding(_)
                | NodeRef::AggregateBinding(_)
                | NodeRef::Aggregate(_)
                | NodeRef::SortKey(_)
                | NodeRef::JoinKey(_)
                | NodeRef::MvItem(_) => return,
            };
            if !note.span.contains(leaf) && !elsewhere.iter().any(|span| span.contains(leaf)) {
                elsewhere.push(leaf);
            }
        });
        for span in elsewhere {
            let mut also = note.clone();
            also.span = span;
            also.message = format!("{} (this is a part of it)", note.message);
            self.note(polarity, also);
        }
        self.note(polarity, note);
    }

    /// No query can be given, for the reason in `refusal`.
    pub fn refuse(&mut self, tree: &dyn Tree, refusal: Diagnostic) -> Refused {
        let code = refusal.code;
        tree.visit(&mut |node| self.enter(node.id(), Entry::Refused(code)));
        self.note(Polarity::Positive, refusal);
        Refused(())
    }

    /// A note that belongs to no node of its own.
    pub fn note(&mut self, polarity: Polarity, mut note: Diagnostic) {
        if let Some(effect) = note.effect {
            let effect = effect.under(polarity).under(self.base);
            note.effect = Some(effect);
            self.verdict = self.verdict.and(effect);
        }
        self.notes.push(note);
    }

    /// The query reads something by its name that the site must have.
    pub fn need(&mut self, need: Need) {
        self.needs.insert(need);
    }

    /// The verdict so far.
    pub fn verdict(&self) -> Effect {
        self.verdict
    }

    /// Closes the ledger. Where a node of `plan` has no entry and nothing was refused, the translation is refused as a
    /// fault of huntgate.
    pub fn close(mut self, plan: &Plan) -> ClosedLedger {
        if self.verdict != Effect::Refused {
            let mut open: Option<Span> = None;
            let entries = &self.entries;
            plan.visit(&mut |node| {
                if open.is_none() && !matches!(entries.get(node.id().0 as usize), Some(Some(_))) {
                    open = Some(node.span());
                }
            });
            if let Some(span) = open {
                let fault = Diagnostic::refusal(
                    Code::OpenLedger,
                    span,
                    "this part of the hunt was not answered for, so no query is given",
                )
                .help("this is a fault of huntgate; please report the hunt");
                self.note(Polarity::Positive, fault);
            }
        }
        let mut notes = self.notes;
        let end = self.text_len;
        notes.sort_by(|a, b| {
            let key = |note: &Diagnostic| (note.span.start.min(end), note.span.end, note.code);
            key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
        });
        notes.dedup();
        let entries = self.entries.into_iter().map(|entry| entry.unwrap_or(Entry::Refused(Code::OpenLedger))).collect();
        ClosedLedger { entries, notes, needs: self.needs, verdict: self.verdict }
    }

    /// A later, graver entry replaces an earlier one; an entry is never softened.
    fn enter(&mut self, node: NodeId, entry: Entry) {
        if let Some(slot) = self.entries.get_mut(node.0 as usize) {
            let rank = |entry: &Entry| match entry {
                Entry::Carried => 0,
                Entry::Rewritten(_) => 1,
                Entry::Dropped(_) => 2,
                Entry::Refused(_) => 3,
            };
            match slot {
                Some(old) if rank(old) > rank(&entry) => {}
                _ => *slot = Some(entry),
            }
        }
    }
}

impl ClosedLedger {
    /// What became of each node, by its number.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The verdict: the effects of all notes together.
    pub fn verdict(&self) -> Effect {
        self.verdict
    }

    /// The notes, in the order of the hunt's text, each once, and what the query needs in its site.
    pub fn into_parts(self) -> (Vec<Diagnostic>, Vec<Need>) {
        (self.notes, self.needs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::*;

    fn plan() -> Plan {
        let table = TableRef { name: Arc::from("T"), known: false, time_columns: Vec::new() };
        let column = ColumnRef { name: Arc::from("x"), known: false };
        let predicate = Expr::new(ExprKind::Column(column), ScalarType::Bool, Span::new(12, 13));
        let stage = Stage { id: NodeId::UNNUMBERED, span: Span::new(6, 13), kind: StageKind::Where(predicate) };
        Plan::new(Pipeline {
            id: NodeId::UNNUMBERED,
            span: Span::new(0, 13),
            source: Source::Table(table),
            stages: vec![stage],
            columns: RowType::default(),
        })
    }

    #[test]
    fn a_node_without_an_entry_refuses_the_translation() {
        let plan = plan();
        let mut ledger = Ledger::new(&plan);
        ledger.carried(plan.pipeline.id);
        ledger.carried(plan.pipeline.stages[0].id);
        let closed = ledger.close(&plan);
        assert_eq!(closed.verdict(), Effect::Refused);
        assert_eq!(closed.into_parts().0[0].code, Code::OpenLedger);
    }

    #[test]
    fn what_is_dropped_from_elsewhere_is_noted_at_its_own_place() {
        let mut plan = plan();
        if let StageKind::Where(predicate) = &mut plan.pipeline.stages[0].kind {
            predicate.span = Span::new(40, 45);
        }
        let mut ledger = Ledger::new(&plan);
        ledger.carried(plan.pipeline.id);
        let stage = &plan.pipeline.stages[0];
        ledger.dropped(
            stage,
            Polarity::Negative,
            Diagnostic::note(Code::ThresholdDropped, Effect::Broader, stage.span, "gone"),
        );
        let closed = ledger.close(&plan);
        assert_eq!(closed.verdict(), Effect::Narrower);
        let spans: Vec<_> = closed.into_parts().0.iter().map(|note| note.span).collect();
        assert_eq!(spans, [stage.span, Span::new(40, 45)]);
    }
}
