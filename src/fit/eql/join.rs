//! Joins: another set of events with equal keys, columns that are left out, or a filter that is left out.

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::Refused;
use crate::plan::{Expr, ExprKind, Join, JoinKey, JoinKind, Pipeline, ScalarType, Source, Stage, StageKind, Value as Literal};
use crate::source::Span;

use super::condition::{Conditions, Said, Unsayable};
use super::rows::Rows;
use super::scope::{Loss, Meaning, Place};
use super::sets::{Bound, Selection, Set};
use super::tree::{Key, Value};

/// What becomes of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its right side is another set of events.
    Step,
    /// It only adds columns.
    Columns,
    /// It only removes rows of the left side.
    Filter,
    /// It is refused, for this reason.
    Refused(&'static str),
}

/// What becomes of a join, whatever stands before it.
pub(super) fn role(join: &Join) -> Role {
    let other = match join.kind {
        JoinKind::Inner | JoinKind::InnerUnique | JoinKind::LeftSemi | JoinKind::RightSemi => match not_events(&join.right) {
            None => return Role::Step,
            Some(why) => why,
        },
        JoinKind::LeftAnti if windowed(join) && not_events(&join.right).is_none() => return Role::Step,
        JoinKind::LeftAnti => return Role::Filter,
        JoinKind::LeftOuter => return Role::Columns,
        JoinKind::RightOuter => "rows of the right side that have no counterpart",
        JoinKind::FullOuter => "rows of both sides that have no counterpart",
        JoinKind::RightAnti => "the rows of the right side that have no counterpart",
    };
    if join.kind == JoinKind::LeftSemi { Role::Filter } else { Role::Refused(other) }
}

/// Why the rows of a pipeline do not stand for events; `None` where they do: events, or groups of all of them.
fn not_events(pipeline: &Pipeline) -> Option<&'static str> {
    match &pipeline.source {
        Source::Table(_) => {}
        Source::Union(union) => {
            if let Some(why) = union.branches.iter().find_map(not_events) {
                return Some(why);
            }
        }
        Source::Search { .. } => return Some("the rows of a search"),
        Source::Watchlist { .. } => return Some("a watchlist"),
        Source::External { .. } => return Some("external data"),
        Source::Rows { .. } => return Some("rows of the hunt"),
        Source::Print(_) | Source::Range { .. } => return Some("rows that are no events"),
    }
    let mut groups = false;
    for stage in &pipeline.stages {
        match &stage.kind {
            StageKind::Summarize { .. } | StageKind::Distinct(_) => groups = true,
            StageKind::Where(_) if groups => return Some("groups with a condition on them"),
            StageKind::Where(_)
            | StageKind::Extend(_)
            | StageKind::Project(_)
            | StageKind::ProjectAway(_)
            | StageKind::ProjectKeep(_)
            | StageKind::ProjectRename(_)
            | StageKind::ProjectReorder(_)
            | StageKind::Sort(_)
            | StageKind::Parse { .. }
            | StageKind::ParseKv { .. }
            | StageKind::Serialize(_)
            | StageKind::Render { .. } => {}
            StageKind::Join(join) | StageKind::Lookup(join) => match role(join) {
                Role::Step | Role::Columns | Role::Filter => {}
                Role::Refused(why) => return Some(why),
            },
            StageKind::Count => return Some("a count"),
            StageKind::MakeSeries(_) => return Some("a series"),
            StageKind::Top { .. } | StageKind::Take(_) | StageKind::Sample(_) | StageKind::SampleDistinct { .. } => {
                return Some("some of the rows");
            }
            StageKind::MvExpand { .. } | StageKind::MvApply { .. } => return Some("elements of arrays"),
            StageKind::Evaluate { .. } | StageKind::Invoke { .. } | StageKind::Untranslated(_) => {
                return Some("what EQL has no counterpart of");
            }
        }
    }
    None
}

/// Whether a key of a join is a window of time.
fn windowed(join: &Join) -> bool {
    let call = |expr: &Expr| matches!(expr.kind, ExprKind::Column(_) | ExprKind::Call { .. });
    join.on.iter().any(|key| {
        key.left.ty == ScalarType::Datetime && key.right.ty == ScalarType::Datetime && call(&key.left) && call(&key.right)
    })
}

/// What a key of a join is.
enum KeyOf {
    Field(Key),
    /// The time, cut down to windows of this size; none is the time itself.
    Time(i64),
}

impl<'p, 'a> Rows<'p, 'a, '_> {
    pub(super) fn join(
        &mut self,
        stage: &'p Stage,
        join: &'p Join,
        rows: &mut Selection<'p, 'a>,
    ) -> Result<(), Refused> {
        match role(join) {
            Role::Filter => {
                self.conditions.broadened = true;
                let (which, what) = match join.kind {
                    JoinKind::LeftAnti => ("has", "a counterpart"),
                    _ => ("lacks", "a counterpart"),
                };
                let message = format!("EQL does not join: an event that {which} {what} on the other side stays");
                let unsayable =
                    Unsayable::new(Code::RefusedOperator, stage.span, "EQL does not join: every event would be selected");
                self.left_out.get_or_insert((stage, unsayable.help("the target esql joins")));
                self.dropped(stage, Code::JoinDropped, Effect::Broader, &message);
                Ok(())
            }
            Role::Columns => {
                self.columns_of(stage, join, rows);
                let message = "EQL does not join: the columns of the other side are not added";
                self.dropped(stage, Code::JoinDropped, Effect::Reshaped, message);
                Ok(())
            }
            Role::Step => self.step(stage, join, rows),
            Role::Refused(why) => {
                let message = format!("EQL joins events with events, and the other side is {why}");
                let refusal = Diagnostic::refusal(Code::RefusedOperator, stage.span, message);
                Err(self.conditions.ledger.refuse(stage, refusal.help("the target esql joins")))
            }
        }
    }

    /// The columns that a join adds have no values.
    fn columns_of(&mut self, stage: &'p Stage, join: &'p Join, rows: &mut Selection<'p, 'a>) {
        let lost = Meaning::Lost(Loss::Joined, stage.span);
        let names: Vec<(Arc<str>, Meaning<'p>)> =
            right_names(join, &stage.kind).into_iter().map(|(_, after)| (after, lost)).collect();
        rows.name(names, false);
        if join.right.columns.open {
            rows.branches().for_each(|branch| branch.scope.blur(stage.span));
        }
    }

    /// The right side as another set of events.
    fn step(&mut self, stage: &'p Stage, join: &'p Join, rows: &mut Selection<'p, 'a>) -> Result<(), Refused> {
        let mut right = self.selection(&join.right)?;
        let (Some(only), None) = (right.sets.pop(), right.sets.pop()) else {
            let refusal = Diagnostic::refusal(
                Code::RefusedOperator,
                stage.span,
                "EQL joins sets of events one after the other, and the other side is joined itself",
            );
            return Err(self.conditions.ledger.refuse(stage, refusal.help("the target esql joins")));
        };
        let index = rows.sets.len();
        let missing = join.kind == JoinKind::LeftAnti;
        rows.sets.push(Set { missing, ..only });
        let here = rows.align();
        self.conditions.ledger.carried(stage.id);
        for key in &join.on {
            self.equal(key, index, here, rows);
        }
        // Keys of groups that were counted are not those of the join.
        for mut equal in right.keys {
            if let Some(field) = equal.fields.first_mut().and_then(Option::take) {
                equal.fields.resize(index + 1, None);
                if let Some(slot) = equal.fields.get_mut(index) {
                    *slot = Some(field);
                }
                if !rows.keys.iter().any(|known| known.fields.get(index) == equal.fields.get(index)) {
                    rows.keys.push(equal);
                }
            }
        }
        rows.joins.push((stage, join.kind));
        self.named(stage, join, index, rows);
        Ok(())
    }

    /// The names of columns behind a join.
    fn named(&mut self, stage: &'p Stage, join: &'p Join, index: usize, rows: &mut Selection<'p, 'a>) {
        let identity = |(name, _): &(Arc<str>, ScalarType)| (name.clone(), name.clone());
        let (left_seen, names) = match join.kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => (true, Vec::new()),
            JoinKind::RightSemi => (false, join.right.columns.columns.iter().map(identity).collect()),
            JoinKind::Inner
            | JoinKind::InnerUnique
            | JoinKind::LeftOuter
            | JoinKind::RightOuter
            | JoinKind::FullOuter
            | JoinKind::RightAnti => (true, right_names(join, &stage.kind)),
        };
        let left_open = rows.sets.iter().take(index).any(|set| set.branches.iter().any(|it| it.scope.table.row.is_none()));
        let right_open = join.right.columns.open && !names.is_empty();
        let lost: Vec<(Arc<str>, Meaning<'p>)> =
            names.iter().map(|(_, after)| (after.clone(), Meaning::Lost(Loss::Joined, stage.span))).collect();
        for (at, set) in rows.sets.iter_mut().enumerate() {
            for branch in &mut set.branches {
                match (at == index, left_seen) {
                    (true, _) => branch.scope.join(&names, right_open && !(left_open && left_seen), stage.span),
                    (false, true) => {
                        branch.scope.name(lost.clone(), false);
                        if right_open {
                            branch.scope.blur(stage.span);
                        }
                    }
                    (false, false) => branch.scope.join(&[], false, stage.span),
                }
            }
        }
        let here = rows.align();
        for set in rows.sets.iter_mut().filter(|set| set.since == 0) {
            set.since = here;
        }
    }

    /// A key of a join, said or left out with a note.
    fn equal(&mut self, key: &'p JoinKey, index: usize, here: Place, rows: &mut Selection<'p, 'a>) {
        let left = (0..index).find_map(|set| match self.key(&key.left, set, here, rows) {
            Err(unsayable) if unsayable.joined => None,
            other => Some(other.map(|key| (set, key))),
        });
        let left = left.unwrap_or_else(|| {
            Err(Unsayable::new(Code::RefusedPredicate, key.left.span, "the key is no column of the events"))
        });
        let right = self.key(&key.right, index, here, rows);
        match (left, right) {
            (Ok((set, KeyOf::Field(left))), Ok(KeyOf::Field(right))) => {
                self.carried += 1;
                self.conditions.ledger.carried_whole(key);
                self.written();
                rows.equate((set, left), (index, right), key);
            }
            (Ok((set, KeyOf::Time(left))), Ok(KeyOf::Time(right))) if left == right => {
                let message = "the windows of a key are cut by the clock, a sequence measures from its first event";
                let note = Diagnostic::note(Code::Approximated, Effect::Unsure, key.left.span, message);
                let (span, note) = (key.left.span, Some(note));
                // Of a missing event only what follows is looked at.
                let from = if rows.sets.get(index).is_some_and(|set| set.missing) { 0 } else { -left };
                let (from, to) = (Some(from), Some(left));
                rows.bounds.push(Bound { earlier: set, later: index, from, to, of: key, span, note });
            }
            (Err(unsayable), _) | (_, Err(unsayable)) => self.key_dropped(key, &unsayable),
            (Ok(_), Ok(_)) => {
                let unsayable = Unsayable::new(Code::RefusedPredicate, key.left.span, "a time is no key in EQL");
                self.key_dropped(key, &unsayable);
            }
        }
    }

    fn key_dropped(&mut self, key: &'p JoinKey, unsayable: &Unsayable) {
        self.conditions.notes.clear();
        self.conditions.broadened = true;
        let message = format!("this key of the join is left out: {}", unsayable.message);
        let note = Diagnostic::note(Code::JoinDropped, Effect::Broader, key.left.span, message);
        self.conditions.ledger.dropped(key, Polarity::Positive, note.help("the target esql joins"));
    }

    /// Writes the notes of what was said.
    fn written(&mut self) {
        for (polarity, note) in std::mem::take(&mut self.conditions.notes) {
            self.conditions.ledger.note(polarity, note);
        }
    }

    /// The field that a key is in all branches of a set.
    fn key(&mut self, expr: &'p Expr, set: usize, at: Place, rows: &Selection<'p, 'a>) -> Said<KeyOf> {
        let mut found: Option<KeyOf> = None;
        for branch in rows.sets.get(set).map(|set| set.branches.as_slice()).unwrap_or_default() {
            let own = self.conditions.key(expr, &branch.scope, at)?;
            match (&found, &own) {
                (None, _) => found = Some(own),
                (Some(KeyOf::Field(known)), KeyOf::Field(own)) if known == own => {}
                (Some(KeyOf::Time(known)), KeyOf::Time(own)) if known == own => {}
                (Some(_), _) => {
                    let message = "the key is another field in each table";
                    return Err(Unsayable::new(Code::RefusedPredicate, expr.span, message));
                }
            }
        }
        found.ok_or_else(|| Unsayable::new(Code::RefusedPredicate, expr.span, "there are no events"))
    }
}

/// The columns of the right side: `(name in its rows, name behind the join)`.
fn right_names(join: &Join, kind: &StageKind) -> Vec<(Arc<str>, Arc<str>)> {
    let renamed: HashMap<&str, &Arc<str>> = join.renamed.iter().map(|(own, after)| (own.as_ref(), after)).collect();
    // A `lookup` has its keys once.
    let key = |name: &Arc<str>| {
        let of = |key: &JoinKey| key.right.as_column().is_some_and(|column| column.name == *name);
        matches!(kind, StageKind::Lookup(_)) && join.on.iter().any(of)
    };
    let after = |(name, _): &(Arc<str>, ScalarType)| match renamed.get(name.as_ref()) {
        Some(after) => Some((name.clone(), (*after).clone())),
        None if key(name) => None,
        None => Some((name.clone(), name.clone())),
    };
    join.right.columns.columns.iter().filter_map(after).collect()
}

impl<'p, 'a> Conditions<'p, 'a, '_> {
    /// The field that is a key. EQL joins by fields, not by what is computed of them.
    fn key(&mut self, expr: &'p Expr, scope: &super::scope::Scope<'p, 'a>, at: Place) -> Said<KeyOf> {
        // A missing text is the empty one, which equals itself; other nulls equal nothing.
        let optional = matches!(expr.ty, ScalarType::String | ScalarType::Unknown);
        let (mut expr, mut at, polarity) = (expr, at, Polarity::Positive);
        for _ in 0..super::condition::DEPTH {
            let span = expr.span;
            match &expr.kind {
                ExprKind::Column(column) => match scope.meaning(&column.name, column.known, at) {
                    Meaning::Computed(inner, place) => (expr, at) = (inner, place),
                    Meaning::Lost(loss, from) => return Err(self.lost(&column.name, loss, from, span)),
                    Meaning::Source => {
                        let (value, field) = self.field(column, span, scope, at, polarity)?;
                        if field.time {
                            return Ok(KeyOf::Time(0));
                        }
                        return field_key(value, optional, span);
                    }
                },
                ExprKind::Path { .. } => {
                    let (value, _) = self.path(expr, scope, at, polarity)?;
                    return field_key(value, optional, span);
                }
                ExprKind::Call { args, .. } => match (self.function(expr), args.as_slice()) {
                    (Some("tostring"), [of]) if matches!(of.ty, ScalarType::String | ScalarType::Unknown | ScalarType::Dynamic) => {
                        expr = of;
                    }
                    (Some(name @ ("tolower" | "toupper")), [of]) => {
                        let message = format!("EQL joins by fields as they are: `{name}` is left out, so keys that differ in case are not equal");
                        self.note(polarity, Diagnostic::note(Code::Approximated, Effect::Narrower, span, message));
                        expr = of;
                    }
                    (Some("bin"), [of, size]) => {
                        let Some(Literal::Timespan(size @ 1..)) = size.as_literal() else { return Err(self.no_key(span)) };
                        return match self.key(of, scope, at)? {
                            KeyOf::Time(0) => Ok(KeyOf::Time(*size)),
                            KeyOf::Time(_) | KeyOf::Field(_) => Err(self.no_key(span)),
                        };
                    }
                    _ => return Err(self.no_key(span)),
                },
                ExprKind::Literal(_)
                | ExprKind::Moment(_)
                | ExprKind::Arithmetic { .. }
                | ExprKind::Negate(_)
                | ExprKind::Compare { .. }
                | ExprKind::Text(_)
                | ExprKind::In { .. }
                | ExprKind::Presence { .. }
                | ExprKind::Time(_)
                | ExprKind::And(_)
                | ExprKind::Or(_)
                | ExprKind::Not(_)
                | ExprKind::Scalar(_) => return Err(self.no_key(span)),
            }
        }
        Err(self.no_key(expr.span))
    }

    fn no_key(&self, span: Span) -> Unsayable {
        let message = format!("EQL joins by fields, and {} is computed", self.quoted(span));
        Unsayable::new(Code::RefusedPredicate, span, message)
    }
}

fn field_key(value: Value, optional: bool, span: Span) -> Said<KeyOf> {
    match value {
        Value::Field { name, .. } => Ok(KeyOf::Field(Key { name, optional })),
        Value::Constant(_) | Value::Spelled { .. } | Value::Arithmetic { .. } | Value::Negative(_) => {
            Err(Unsayable::new(Code::RefusedPredicate, span, "EQL joins by fields"))
        }
    }
}

/// The key that groups or joins are made by, for a set of events.
impl<'p, 'a> Rows<'p, 'a, '_> {
    /// The fields that are the keys of groups, and the size of the window that is one of them; `None` where a key is none.
    pub(super) fn group_keys(
        &mut self,
        keys: &'p [crate::plan::Binding],
        rows: &Selection<'p, 'a>,
    ) -> Option<(Vec<Key>, Option<i64>)> {
        let at = rows.sets.first()?.branches.first()?.scope.here();
        let (mut fields, mut window) = (Vec::new(), None);
        for key in keys {
            self.conditions.notes.clear();
            match self.key(&key.value, 0, at, rows) {
                // Whatever the type, rows without a key are a group.
                Ok(KeyOf::Field(field)) if self.conditions.notes.is_empty() => {
                    fields.push(Key { optional: true, ..field });
                }
                Ok(KeyOf::Time(size @ 1..)) if window.is_none() => window = Some(size),
                Ok(KeyOf::Field(_) | KeyOf::Time(_)) | Err(_) => {
                    self.conditions.notes.clear();
                    return None;
                }
            }
        }
        Some((fields, window))
    }
}
