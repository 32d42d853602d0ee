//! `mv-expand`, and `mv-apply` over conditions: a row for each value of a list.
//!
//! Elasticsearch holds a list of objects as a list of values for each key, and an empty list as none. A row without a value
//! stays one row under `MV_EXPAND`; KQL drops the row of an empty array.
//! See <https://learn.microsoft.com/kusto/query/mv-expand-operator> and
//! <https://www.elastic.co/docs/reference/query-languages/esql/commands/mv_expand>.

use std::sync::Arc;

use super::scope::{Column, Form};
use super::tree::{Command, Expr, Glob, Name, SortKey};
use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::Window;
use crate::fit::flow::Proven;
use crate::plan::{Expr as Meant, ExprKind, MvItem, NodeId, NodeRef, PathStep, ScalarType, Stage, StageKind, Tree};
use crate::source::Span;

/// Keys of one list that are expanded at most, each with all the others.
const MAX_KEYS: usize = 6;

/// How the elements of a column are read.
#[derive(Default)]
struct Reads {
    /// By key, first come first.
    keys: Vec<(Vec<String>, Meant)>,
    /// Whole.
    whole: bool,
}

impl<'a> Fitter<'a, '_> {
    /// `mv-expand`; `rest` are the stages behind it.
    pub(super) fn mv_expand(
        &mut self,
        stage: &Stage,
        items: &[MvItem],
        index: Option<&Arc<str>>,
        limit: Option<&Meant>,
        rest: &[Stage],
    ) -> Fit<()> {
        if index.is_some() {
            let message = "`mv-expand` can not be said in ES|QL: `MV_EXPAND` does not number the values";
            return Err(Unsayable::new(Code::RefusedOperator, stage.span, message).help("leave `with_itemindex` out"));
        }
        if let Some(limit) = limit {
            self.carry(limit);
            let message = "the number of values that a row is expanded to is not limited";
            self.note(Code::LimitDropped, Effect::Unsure, limit.span, message);
        }
        if items.len() > 1 {
            let message = "several lists are expanded one after the other: each value of one with each of the other";
            self.note(Code::Approximated, Effect::Unsure, stage.span, message);
        }
        let order = self.take_order(stage.span);
        for item in items {
            self.expand(stage, item, rest)?;
        }
        if let Some(order) = order {
            self.commands.push(Command::Sort(order));
        }
        self.at_most = None;
        Ok(())
    }

    /// `mv-apply` over conditions and values: the same as `mv-expand` and they.
    pub(super) fn mv_apply(
        &mut self,
        stage: &Stage,
        items: &[MvItem],
        limit: Option<&Meant>,
        body: &[Stage],
        rest: &[Stage],
        window: &Window<'_>,
    ) -> Fit<()> {
        let single = |stage: &Stage| matches!(stage.kind, StageKind::Where(_) | StageKind::Extend(_));
        if !body.iter().all(single) {
            let message = "`mv-apply` can not be said in ES|QL: no command groups or orders the values of one row";
            let refused = Unsayable::new(Code::RefusedOperator, stage.span, message);
            return Err(refused.help("use `mv-expand`, and `summarize` by a column that tells the rows apart"));
        }
        let behind: Vec<Stage> = body.iter().chain(rest).cloned().collect();
        self.mv_expand(stage, items, None, limit, &behind)?;
        for (at, stage) in body.iter().enumerate() {
            self.stage(stage, behind.get(at + 1..).unwrap_or_default(), window)?;
            self.settle();
            self.proven.learn(stage);
        }
        Ok(())
    }

    /// The order of the rows, taken from where it stands: `MV_EXPAND` and joins take no rows that are ordered without a limit.
    /// `None` where there is none, or where what orders the rows is no longer there; then the order is lost.
    pub(super) fn take_order(&mut self, span: Span) -> Option<Vec<SortKey>> {
        let at = self.commands.iter().rposition(|command| match command {
            Command::Sort(_) | Command::Limit { .. } => true,
            Command::Stats { inline, .. } => !inline,
            Command::Where(_)
            | Command::Eval(_)
            | Command::Keep(_)
            | Command::Drop(_)
            | Command::Rename(_)
            | Command::MvExpand(_)
            | Command::Grok { .. }
            | Command::Dissect { .. }
            | Command::IpLocation { .. }
            | Command::LookupJoin { .. } => false,
        })?;
        if !matches!(self.commands.get(at), Some(Command::Sort(_))) {
            return None;
        }
        let Command::Sort(keys) = self.commands.remove(at) else { return None };
        let behind = self.commands.get(at..).unwrap_or_default();
        let mut same = true;
        for key in &keys {
            key.value.visit(&mut |part| {
                if let Expr::Field(name) = part {
                    same &= behind.iter().all(|command| leaves(command, name));
                }
            });
        }
        if same {
            return Some(keys);
        }
        self.note(Code::OrderDropped, Effect::Reshaped, span, "the order of the rows is lost");
        None
    }

    /// One list.
    fn expand(&mut self, stage: &Stage, item: &MvItem, rest: &[Stage]) -> Fit<()> {
        self.ledger.carried(item.id);
        let mut proven = Proven::default();
        let kept = |stage: &&Stage| matches!(stage.kind, StageKind::Where(_) | StageKind::Extend(_));
        rest.iter().take_while(kept).for_each(|stage| proven.learn(stage));
        let reads = self.reads_of(&item.name, rest);
        let of_event = match self.path_of(&item.value) {
            Some((root, _, _)) => self.is_of_event(&root.name),
            None => false,
        };
        if of_event && !reads.keys.is_empty() {
            return self.expand_keys(stage, item, reads);
        }
        let source = self.held_column(&item.value)?;
        let made = source.as_ref().filter(|_| !of_event).is_some_and(|column| column.many);
        let present = made && source.as_ref().is_some_and(|column| column.present);
        let value = match &source {
            Some(column) => column.bare(),
            None => self.value(&item.value)?,
        };
        let form = match &source {
            // What the elements are is not told.
            Some(column) if of_event && column.known.as_ref().is_none_or(|field| field.elastic_type().is_none()) => {
                Form::Untold
            }
            Some(column) => column.form,
            None => self.form(&item.value),
        };
        let name = if let (Expr::Field(field), Some(_)) = (&value, &source)
            && is_column(&item.value, &item.name)
        {
            field.clone()
        } else {
            let name = self.new_name(&item.name, item.value.span)?;
            self.commands.push(Command::Eval(vec![(name.clone(), value)]));
            name
        };
        self.commands.push(Command::MvExpand(name.clone()));
        if of_event {
            // https://www.elastic.co/docs/reference/query-languages/esql/esql-multivalued-fields
            let message =
                "Elasticsearch keeps the values of a list in an order of its own, and equal texts among them once";
            self.note(Code::Approximated, Effect::Unsure, stage.span, message);
        }
        if made && !present {
            // A list that an aggregate made is never null in KQL, and an empty one has no rows.
            self.commands.push(Command::Where(Expr::is_not_null(Expr::Field(name.clone()))));
        } else if !present && !proven.contains(&item.name) {
            let message = "a row whose list is empty stays, without a value; KQL drops it";
            self.note(Code::NullSemantics, Effect::Unsure, stage.span, message);
        }
        let ty = item.ty.unwrap_or(ScalarType::Dynamic);
        self.scope.made.insert(item.name.clone(), Column { form, present, ..Column::computed(name, ty) });
        Ok(())
    }

    /// A list of objects of which keys are read.
    fn expand_keys(&mut self, stage: &Stage, item: &MvItem, reads: Reads) -> Fit<()> {
        if reads.whole || reads.keys.len() > MAX_KEYS {
            let message = if reads.whole {
                "the elements of a list are read whole and by their keys; Elasticsearch holds a list of values for each key"
            } else {
                "too many keys of the elements of a list are read, of which Elasticsearch holds a list of values each"
            };
            return Err(Unsayable::new(Code::RefusedOperator, stage.span, message)
                .help("read fewer keys, or map the list as rows of its own"));
        }
        let Some((root, base_keys, nodes)) = self.path_of(&item.value) else {
            return Err(unwritten(stage.span, "the expansion of this value"));
        };
        nodes.into_iter().for_each(|id| self.ledger.carried(id));
        if !is_column(&item.value, &item.name) {
            self.scope.objects.insert(item.name.clone(), (root.clone(), base_keys));
        }
        let several = reads.keys.len() > 1;
        for (_, path) in &reads.keys {
            let Some(column) = self.part_column(path)? else {
                return Err(unwritten(path.span, "a part of an element that is expanded"));
            };
            self.commands.push(Command::MvExpand(column.field));
        }
        let message = if several {
            "Elasticsearch does not keep which values of the keys belong to one element: each is given with each of the others"
        } else {
            "Elasticsearch holds the values of a key apart from the elements: an element that lacks the key gives no row"
        };
        self.note(Code::Approximated, Effect::Unsure, stage.span, message);
        Ok(())
    }

    /// The column of a value and the keys that lead into it, with the nodes between.
    fn path_of(&self, expr: &Meant) -> Option<(crate::plan::ColumnRef, Vec<String>, Vec<NodeId>)> {
        let (mut keys, mut nodes) = (Vec::new(), Vec::new());
        let mut base = expr;
        loop {
            nodes.push(base.id);
            if let ExprKind::Path { base: inner, steps } = &base.kind {
                let own = steps.iter().map(|step| match step {
                    PathStep::Key(key) => Some(key.clone()),
                    PathStep::Index(_) | PathStep::Computed(_) => None,
                });
                let mut own = own.collect::<Option<Vec<String>>>()?;
                own.append(&mut keys);
                keys = own;
                base = inner;
            } else if let ExprKind::Call { args, .. } = &base.kind
                && self.function_name(base) == Some("parse_json")
                && let [of] = args.as_slice()
                && matches!(of.ty, ScalarType::Dynamic | ScalarType::Unknown)
            {
                base = of;
            } else {
                return base.as_column().map(|reference| (reference.clone(), keys, nodes));
            }
        }
    }

    /// How the elements of a column are read by the stages behind its expansion.
    fn reads_of(&self, name: &Arc<str>, stages: &[Stage]) -> Reads {
        let mut reads = Reads::default();
        for stage in stages {
            let mut seen: Vec<NodeId> = Vec::new();
            stage.visit(&mut |node| {
                let NodeRef::Expr(expr) = node else { return };
                if seen.contains(&expr.id) {
                    return;
                }
                if let ExprKind::Path { .. } = &expr.kind
                    && let Some((root, keys, nodes)) = self.path_of(expr)
                    && root.name == *name
                    && !keys.is_empty()
                {
                    seen.extend(nodes);
                    if reads.keys.iter().all(|(known, _)| *known != keys) {
                        reads.keys.push((keys, expr.clone()));
                    }
                } else {
                    reads.whole |= is_column(expr, name);
                }
            });
            if closes(stage, name) {
                break;
            }
        }
        reads
    }
}

/// Whether a command leaves a column as it is, and there.
fn leaves(command: &Command, name: &Name) -> bool {
    let named = |glob: &Glob| crate::fit::text::matches_glob(glob.text(), name.text());
    match command {
        Command::Where(_) | Command::Sort(_) | Command::Limit { .. } => true,
        Command::Eval(assignments) => assignments.iter().all(|(target, _)| target != name),
        Command::Stats { inline, aggregates, by } => {
            *inline && aggregates.iter().all(|it| it.name != *name) && by.iter().all(|(key, _)| key != name)
        }
        Command::Keep(globs) => globs.iter().any(named),
        Command::Drop(globs) => !globs.iter().any(named),
        Command::Rename(pairs) => pairs.iter().all(|(old, new)| old != name && new != name),
        Command::MvExpand(column) => column != name,
        Command::Grok { pattern, .. } | Command::Dissect { pattern, .. } => !pattern.contains(name.text()),
        Command::IpLocation { .. } | Command::LookupJoin { .. } => false,
    }
}

/// Whether an expression is the column of this name.
fn is_column(expr: &Meant, name: &str) -> bool {
    expr.as_column().is_some_and(|reference| *reference.name == *name)
}

/// Whether a column is no longer there behind a stage.
fn closes(stage: &Stage, name: &str) -> bool {
    match &stage.kind {
        StageKind::Summarize { .. } | StageKind::Count | StageKind::Distinct(_) | StageKind::Project(_) => true,
        StageKind::Extend(bindings) => bindings.iter().any(|binding| *binding.name == *name),
        StageKind::MvExpand { items, .. } | StageKind::MvApply { items, .. } => {
            items.iter().any(|item| *item.name == *name)
        }
        StageKind::Where(_)
        | StageKind::ProjectAway(_)
        | StageKind::ProjectKeep(_)
        | StageKind::ProjectRename(_)
        | StageKind::ProjectReorder(_)
        | StageKind::Sort(_)
        | StageKind::Top { .. }
        | StageKind::Take(_)
        | StageKind::Sample(_)
        | StageKind::SampleDistinct { .. }
        | StageKind::Join(_)
        | StageKind::Lookup(_)
        | StageKind::Parse { .. }
        | StageKind::ParseKv { .. }
        | StageKind::MakeSeries(_)
        | StageKind::Serialize(_)
        | StageKind::Evaluate { .. }
        | StageKind::Invoke { .. }
        | StageKind::Render { .. }
        | StageKind::Untranslated(_) => false,
    }
}
