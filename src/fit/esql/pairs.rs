//! Each row as often as it finds one of those that are marked: what a marked row holds is brought over as one text, of
//! which `MV_EXPAND` makes rows and `DISSECT` columns again.

use super::combine::refused;
use super::meet::Marked;
use super::scope::{Column, Form, converted};
use super::tree::{Command, Expr, Glob, Name};
use super::{Fit, Fitter};
use crate::diagnostic::{Code, Effect};
use crate::plan::{AggregateKind, AggregateValue, JoinKind, Stage, StageKind};
use crate::source::Span;

/// What stands between the columns of a row that is brought over as one text; it is the sign of a separator.
const MARK: &str = "␞";

impl<'a> Fitter<'a, '_> {
    /// Brings the columns of the right side over as one text, of which rows are made again.
    pub(super) fn as_one_text(&mut self, right: &mut Marked<'a>, span: Span) -> Fit<Option<Name>> {
        if right.columns.iter().any(|(_, column, _)| column.many) {
            return Err(refused(span, "both sides may have several rows of a key, and a column holds several values"));
        }
        if let [(_, column, _)] = right.columns.as_slice()
            && (column.form == Form::Keyword || column.present)
        {
            let filled = column.bare().or_empty();
            for body in &mut right.bodies {
                if !column.present {
                    let kept = body.commands.pop();
                    and_also(&mut body.commands, column.field.clone(), filled.clone());
                    body.commands.extend(kept);
                }
            }
            return Ok(Some(column.field.clone()));
        }
        let inner = right.columns.len().saturating_sub(1);
        if right.columns.iter().take(inner).any(|(_, column, _)| column.form == Form::Keyword) {
            let message = format!("a text of the other side that holds the character `{MARK}` is cut there");
            self.note(Code::Approximated, Effect::Reshaped, span, message);
        }
        let row = self.helper();
        for body in &mut right.bodies {
            let mut texts = Vec::new();
            for (index, (_, column, _)) in right.columns.iter().enumerate() {
                if index > 0 {
                    texts.push(Expr::text(MARK));
                }
                let held = body
                    .commands
                    .last()
                    .is_some_and(|it| matches!(it, Command::Keep(globs) if globs.contains(&Glob::from(&column.field))));
                let value = converted(column.bare(), column.form, Form::Keyword);
                texts.push(match (held, column.present) {
                    (false, _) => Expr::text(""),
                    (true, true) => value,
                    (true, false) => value.or_empty(),
                });
            }
            let value = if texts.len() == 1 { texts.remove(0) } else { Expr::Call("CONCAT", texts) };
            let kept = body.commands.pop();
            and_also(&mut body.commands, row.clone(), value);
            if let Some(Command::Keep(mut globs)) = kept {
                globs.retain(|glob| !right.columns.iter().any(|(_, column, _)| *glob == Glob::from(&column.field)));
                globs.push(Glob::from(&row));
                body.commands.push(Command::Keep(globs));
            }
        }
        Ok(Some(row))
    }

    /// The left rows, each as often as it finds a row on the right.
    pub(super) fn pairs(&mut self, kind: JoinKind, right: Marked<'a>, row: &Name, one: bool, span: Span) -> Fit<()> {
        let values = Expr::Call("VALUES", vec![Expr::Field(row.clone())]);
        self.tell(vec![(row.clone(), values)], &right.keys);
        let mut conditions = vec![Expr::is_null(Expr::Field(right.flag.clone()))];
        if kind != JoinKind::LeftOuter {
            conditions.push(Expr::is_not_null(Expr::Field(row.clone())));
        }
        self.commands.push(Command::Where(Expr::all(conditions)));
        self.commands.push(Command::MvExpand(row.clone()));
        if one {
            let mut by = right.keys.clone();
            by.push(row.clone());
            self.one_of_each(&by, span)?;
        }
        let mut typed = Vec::new();
        let plain = |field: &Name| field.text().chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
        let mut names = Vec::new();
        let mut parts = Vec::new();
        for (_, _, field) in &right.columns {
            let field = field.clone();
            parts.push(if plain(&field) { field.clone() } else { self.helper() });
            names.push(field);
        }
        if let ([field], [(_, column, _)]) = (names.as_slice(), right.columns.as_slice()) {
            // The column itself, or its text.
            let form = if column.field == *row { column.form } else { Form::Keyword };
            let value = converted(Expr::Field(row.clone()), form, column.form);
            if value != Expr::Field(field.clone()) {
                typed.push((field.clone(), value));
            }
        } else {
            let keys: Vec<String> = parts.iter().map(|part| format!("%{{{}}}", part.text())).collect();
            self.commands.push(Command::Dissect { value: row.clone(), pattern: keys.join(MARK) });
            for ((field, part), (_, column, _)) in names.iter().zip(parts).zip(&right.columns) {
                let value = converted(Expr::Field(part.clone()), Form::Keyword, column.form);
                if value != Expr::Field(field.clone()) {
                    typed.push((field.clone(), value));
                }
                if part != *field {
                    self.scratch.push(part);
                }
            }
        }
        if !typed.is_empty() {
            self.commands.push(Command::Eval(typed));
        }
        if row.is_helper() {
            self.scratch.push(row.clone());
        }
        for ((name, column, _), field) in right.columns.into_iter().zip(names) {
            let present = column.form == Form::Keyword && kind != JoinKind::LeftOuter;
            self.scope.made.insert(name, Column { field, present, ..column });
        }
        Ok(())
    }

    /// Notes that KQL gives rows that are alike, which come once here.
    pub(super) fn joined_once(&mut self, rest: &[Stage], span: Span) {
        let effect = if self.after.is_some() { Effect::Unsure } else { counted(rest) };
        if effect == Effect::Exact {
            return;
        }
        let message =
            "rows of the other side that are alike in what is read of them are joined once; KQL gives a row for each";
        self.note(Code::JoinedOnce, effect, span, message);
    }
}

/// Computes one more column, together with others where it does not read them.
fn and_also(commands: &mut Vec<Command>, name: Name, value: Expr) {
    if let Some(Command::Eval(assignments)) = commands.last_mut()
        && !assignments.iter().any(|(other, _)| value.reads(other) || *other == name)
    {
        assignments.push((name, value));
        return;
    }
    commands.push(Command::Eval(vec![(name, value)]));
}

/// What it does to the hunt that rows which are alike come once.
fn counted(rest: &[Stage]) -> Effect {
    for stage in rest {
        match &stage.kind {
            StageKind::Distinct(_) | StageKind::SampleDistinct { .. } => return Effect::Exact,
            StageKind::Summarize { aggregates, .. } => {
                let set = |kind: AggregateKind| {
                    matches!(
                        kind,
                        AggregateKind::ArgMax
                            | AggregateKind::ArgMin
                            | AggregateKind::CountDistinct
                            | AggregateKind::DCount
                            | AggregateKind::MakeSet
                            | AggregateKind::Max
                            | AggregateKind::Min
                            | AggregateKind::TakeAny
                    )
                };
                let sets = aggregates.iter().all(|binding| match &binding.value {
                    AggregateValue::One(aggregate) => set(aggregate.kind),
                    AggregateValue::Computed { of, .. } => of.iter().all(|aggregate| set(aggregate.kind)),
                });
                return if sets { Effect::Exact } else { Effect::Unsure };
            }
            StageKind::Count
            | StageKind::Top { .. }
            | StageKind::Take(_)
            | StageKind::Sample(_)
            | StageKind::MakeSeries(_)
            | StageKind::Serialize(_)
            | StageKind::Evaluate { .. }
            | StageKind::Invoke { .. }
            | StageKind::Untranslated(_) => return Effect::Unsure,
            StageKind::Where(_)
            | StageKind::Extend(_)
            | StageKind::Project(_)
            | StageKind::ProjectAway(_)
            | StageKind::ProjectKeep(_)
            | StageKind::ProjectRename(_)
            | StageKind::ProjectReorder(_)
            | StageKind::Sort(_)
            | StageKind::Join(_)
            | StageKind::Lookup(_)
            | StageKind::MvExpand { .. }
            | StageKind::MvApply { .. }
            | StageKind::Parse { .. }
            | StageKind::ParseKv { .. }
            | StageKind::Render { .. } => {}
        }
    }
    Effect::Reshaped
}
