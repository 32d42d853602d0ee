//! Rows of two pipelines that find one another by their keys: the rows of both stand in one `FROM`, those of the right side
//! are marked, and `INLINE STATS … BY keys` tells each row what the other side holds.
//!
//! Where the other side has one row at most for a key, its values are brought over as they are. Where it may have several,
//! they are brought over as a list of texts, of which `MV_EXPAND` makes rows again.
//! See <https://www.elastic.co/docs/reference/query-languages/esql/commands/inlinestats-by>.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::combine::{may_lack, refused};
use super::join::{Output, own_demand};
use super::scope::{Column, Form, Scope, converted};
use super::tree::{Body, Command, Comparison, Expr, Glob, Name, Source as Said};
use super::{Branch, Fit, Fitter, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::Window;
use crate::fit::demand::Demand;
use crate::plan::{AggregateKind, AggregateValue, Join, JoinKind, Pipeline, ScalarType, Source, Stage, StageKind};
use crate::source::Span;
use crate::target::Construct;

/// What stands between the columns of a row that is brought over as one text; it is the sign of a separator.
const MARK: &str = "␞";

/// Which rows come out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Main {
    /// Those of the left side, each once.
    Left,
    /// Those of the right side, each once.
    Right,
    /// Those of the left side, each as often as it finds one on the right.
    Pairs,
}

/// The right side, whose rows are marked.
struct Marked<'a> {
    /// Columns of the same names as on the left side.
    keys: Vec<Name>,
    /// Is there in these rows alone.
    flag: Name,
    /// Its columns that are read afterwards, by the names they have then; each in a column of its own.
    columns: Vec<(Arc<str>, Column<'a>)>,
    /// It has one row at most for a key.
    unique: bool,
    /// Columns are left out that would come out.
    dropped: bool,
    bodies: Vec<Body>,
}

impl<'a> Fitter<'a, '_> {
    /// A join of rows that stand beside one another.
    pub(super) fn meet(
        &mut self,
        stage: &Stage,
        join: &Join,
        lookup: bool,
        demand: &Demand,
        rest: &[Stage],
    ) -> Fit<()> {
        let span = stage.span;
        self.can_combine(span)?;
        let single = self.is_single();
        let left_keys = join.on.iter().map(|key| self.key_of(&key.left)).collect::<Fit<Vec<_>>>()?;
        let lacks: Vec<bool> =
            join.on.iter().zip(&left_keys).map(|(key, column)| self.lacks(&key.left, column)).collect();
        let fields: Vec<Name> = left_keys.iter().map(|column| column.field.clone()).collect();
        let bare = left_keys.iter().all(|column| column.value() == column.bare());
        let left_unique = single && bare && self.is_unique_by(&fields);
        let mut keys: Vec<Name> = Vec::new();
        for column in &left_keys {
            let own = single && column.value() == column.bare() && !keys.contains(&column.field);
            keys.push(if own { column.field.clone() } else { self.helper() });
        }
        let known = self.left_names();
        let left = self.left_columns(join, demand, &known, span);
        let mut right = self.marked(join, lookup, demand, &known, keys, &lacks, single, &left)?;
        let main = self.main(join, &right, left_unique, single, &left, demand, span)?;
        if right.dropped {
            self.columns_dropped(span);
        }
        let right_unique = right.unique;
        let pairs = main == Main::Pairs;
        let row = if pairs { self.as_one_text(&mut right, span)? } else { None };
        // The keys of the left side.
        let mut shared = Vec::new();
        for ((column, key), lacks) in left_keys.iter().zip(&right.keys).zip(&lacks) {
            let value = if *lacks { column.value().or_empty() } else { column.value() };
            if value != Expr::Field(key.clone()) {
                shared.push((key.clone(), value));
            }
        }
        let marks_left = matches!(main, Main::Right) || join.kind == JoinKind::FullOuter;
        let left_flag = marks_left.then(|| self.helper());
        let mut own: Vec<(Name, Expr)> = if single { shared.clone() } else { Vec::new() };
        own.extend(left_flag.clone().map(|flag| (flag, Expr::Bool(true))));
        if !own.is_empty() {
            self.commands.push(Command::Eval(own));
        }
        if main == Main::Right && join.kind == JoinKind::InnerUnique && !left_unique {
            self.one_of_each(&right.keys, span)?;
        }
        let mut keep: Vec<Name> = right.keys.clone();
        keep.push(right.flag.clone());
        keep.extend(right.columns.iter().map(|(_, column)| column.field.clone()));
        keep.extend(row.clone());
        for body in std::mem::take(&mut right.bodies) {
            self.put_beside(body, &keep, &right.flag, span)?;
        }
        if !single && !shared.is_empty() {
            let both = |(key, value): (Name, Expr)| (key.clone(), Expr::call("COALESCE", [Expr::Field(key), value]));
            self.commands.push(Command::Eval(shared.into_iter().map(both).collect()));
        }
        self.scratch.push(right.flag.clone());
        self.scratch.extend(right.keys.iter().filter(|key| key.is_helper()).cloned());
        self.scratch.extend(left_flag.clone());
        match (main, row) {
            (Main::Pairs, Some(row)) => self.pairs(join, right, &row, left_unique, span)?,
            (Main::Right, _) => self.right_rows(join, right, left, left_flag, demand.open, span)?,
            (Main::Left | Main::Pairs, _) => self.left_rows(join, right, left_flag, left_unique, span)?,
        }
        self.multiplicity(join, main, (left_unique, right_unique), rest, span);
        self.at_most = None;
        Ok(())
    }

    /// Which rows come out of a join.
    fn main(
        &self,
        join: &Join,
        right: &Marked<'a>,
        left_unique: bool,
        single: bool,
        left: &[(Arc<str>, Column<'a>)],
        demand: &Demand,
        span: Span,
    ) -> Fit<Main> {
        let several = |why: &str| Err(refused(span, why));
        let reads_left = demand.open || !left.is_empty();
        Ok(match join.kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => Main::Left,
            JoinKind::RightSemi | JoinKind::RightAnti => Main::Right,
            JoinKind::FullOuter if right.unique => Main::Left,
            JoinKind::FullOuter => return several("both sides may have several rows of a key"),
            JoinKind::RightOuter if left_unique => Main::Right,
            JoinKind::RightOuter => return several("the left side may have several rows of a key"),
            JoinKind::LeftOuter | JoinKind::Inner | JoinKind::InnerUnique if right.unique => Main::Left,
            JoinKind::LeftOuter if right.columns.is_empty() => Main::Left,
            JoinKind::LeftOuter => Main::Pairs,
            JoinKind::Inner | JoinKind::InnerUnique if left_unique && !demand.open => Main::Right,
            JoinKind::InnerUnique if single && !demand.open => Main::Right,
            JoinKind::Inner if !reads_left => Main::Right,
            JoinKind::Inner | JoinKind::InnerUnique if right.columns.is_empty() => Main::Left,
            JoinKind::Inner | JoinKind::InnerUnique => Main::Pairs,
        })
    }

    /// The columns of the left side that are read after the join.
    fn left_columns(
        &mut self,
        join: &Join,
        demand: &Demand,
        known: &BTreeSet<Arc<str>>,
        span: Span,
    ) -> Vec<(Arc<str>, Column<'a>)> {
        let renamed = |name: &Arc<str>| join.renamed.iter().any(|(_, new)| new == name);
        let of_right =
            |name: &Arc<str>| !known.contains(name) && join.right.columns.columns.iter().any(|(own, _)| own == name);
        let mut names: BTreeSet<Arc<str>> = demand.names.iter().filter(|name| !name.contains('*')).cloned().collect();
        if demand.open {
            names.extend(self.scope.made.keys().cloned());
        }
        let open_right = join.right.columns.open;
        names.retain(|name| !renamed(name) && !of_right(name) && (known.contains(name) || !open_right));
        let mut columns = Vec::new();
        for name in names {
            let made = self.scope.made.contains_key(&name) || self.scope.events || self.scope.open;
            if !made {
                continue;
            }
            let row = self.tables.iter().filter_map(|table| table.row).find_map(|row| row.column(&name));
            let ty = row.map_or(ScalarType::Unknown, |column| column.ty);
            if let Ok(column) = self.named(&name, ty, span) {
                columns.push((name, column));
            }
        }
        columns
    }

    /// The right side as rows that are marked.
    #[allow(clippy::too_many_arguments)]
    fn marked(
        &mut self,
        join: &Join,
        lookup: bool,
        demand: &Demand,
        known: &BTreeSet<Arc<str>>,
        keys: Vec<Name>,
        lacks: &[bool],
        single: bool,
        left: &[(Arc<str>, Column<'a>)],
    ) -> Fit<Marked<'a>> {
        let flag = self.helper();
        let polarity = match join.kind {
            JoinKind::LeftAnti => self.polarity.negated(),
            JoinKind::LeftOuter | JoinKind::RightOuter | JoinKind::FullOuter => crate::diagnostic::Polarity::Aggregated,
            JoinKind::InnerUnique
            | JoinKind::Inner
            | JoinKind::LeftSemi
            | JoinKind::RightSemi
            | JoinKind::RightAnti => self.polarity,
        };
        let filters = matches!(join.kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
        let demand = if filters { &Demand::default() } else { demand };
        let wanted = own_demand(join, demand);
        let mut marked = Marked { keys, flag, columns: Vec::new(), unique: false, dropped: false, bodies: Vec::new() };
        let mut plan: Option<Vec<(Output, Name)>> = None;
        let mut parts = Vec::new();
        self.parts_of(&join.right, &mut parts)?;
        let whole = std::slice::from_ref(join.right.as_ref());
        for attempt in [whole, &parts] {
            let mut failure = None;
            for part in attempt {
                let made = self.marked_part(
                    join,
                    part,
                    lookup,
                    (demand, &wanted),
                    known,
                    lacks,
                    single,
                    left,
                    polarity,
                    &mut marked,
                    &mut plan,
                );
                if let Err(reason) = made {
                    failure = Some(reason);
                    break;
                }
            }
            match failure {
                None => break,
                Some(reason)
                    if std::ptr::eq(attempt, whole) && parts.len() > 1 && reason.0.code == Code::EsqlCombine =>
                {
                    marked.bodies.clear();
                    marked.columns.clear();
                    plan = None;
                }
                Some(reason) => return Err(reason),
            }
        }
        marked.unique &= marked.bodies.len() == 1;
        Ok(marked)
    }

    /// A part of the right side as rows that are marked.
    #[allow(clippy::too_many_arguments)]
    fn marked_part(
        &mut self,
        join: &Join,
        part: &Pipeline,
        lookup: bool,
        (demand, wanted): (&Demand, &Demand),
        known: &BTreeSet<Arc<str>>,
        lacks: &[bool],
        single: bool,
        left: &[(Arc<str>, Column<'a>)],
        polarity: crate::diagnostic::Polarity,
        marked: &mut Marked<'a>,
        plan: &mut Option<Vec<(Output, Name)>>,
    ) -> Fit<()> {
        let span = part.span;
        let scope = self.scope.clone();
        let events_left = self.scope.events;
        let (branch, ()) = self.nested(part, polarity, wanted.clone(), &Window::default(), true, |right| {
            let mut items = Vec::new();
            let mut own_keys = Vec::new();
            for (index, ((key, field), lacks)) in join.on.iter().zip(&marked.keys).zip(lacks).enumerate() {
                let column = right.key_of(&key.right)?;
                own_keys.push(column.field.clone());
                let (made, value) = right.carried_over(&column, field.clone());
                let right_lacks = right.lacks(&key.right, &column);
                let value = if right_lacks && (*lacks || !single) { value.or_empty() } else { value };
                if !may_lack(&column, column.ty) && !column.present {
                    right.commands.push(Command::Where(Expr::is_not_null(column.bare())));
                }
                items.push((format!("$key{index}").into(), made, value));
            }
            let names: Vec<&str> =
                join.on.iter().filter_map(|key| key.right.as_column()).map(|it| it.name.as_ref()).collect();
            marked.unique = right.is_unique_by(&own_keys) || written_once(part, &names);
            let first = plan.is_none();
            if first {
                let (outputs, dropped) = right.outputs(join, demand, lookup, known);
                marked.dropped = dropped;
                let mut fields: Vec<(Output, Name)> = Vec::new();
                for output in outputs {
                    let taken = |field: &Name| {
                        marked.keys.contains(field)
                            || scope.made.values().any(|column| column.field == *field)
                            || left.iter().any(|(_, column)| column.field == *field)
                            || fields.iter().any(|(_, other)| other == field)
                    };
                    let column = right.named(&output.0, output.2, span);
                    let time = matches!(&column, Ok(column) if column.field == Name::time()) && !events_left;
                    let name = if time { Some(Name::time()) } else { Name::new(output.1.as_ref()) };
                    let field = match name.filter(|field| single && !taken(field)) {
                        Some(field) => field,
                        None => right.helper(),
                    };
                    fields.push((output, field));
                }
                *plan = Some(fields);
            }
            for ((own, name, ty), field) in plan.iter().flatten() {
                let column = match right.named(own, *ty, span) {
                    Ok(column) => column,
                    // Only what is read later on must be there.
                    Err(_) if !first || !demand.names.contains(name) => continue,
                    Err(reason) => return Err(reason),
                };
                let (column, value) = right.carried_over(&column, field.clone());
                if first {
                    marked.columns.push((name.clone(), column.clone()));
                } else if marked.columns.iter().any(|(it, other)| it == name && other.form != column.form) {
                    return Err(unwritten(span, "a union within a join, whose columns are of different types"));
                }
                items.push((name.clone(), column, value));
            }
            let mark = Column::computed(marked.flag.clone(), ScalarType::Bool);
            items.push(("$flag".into(), mark, Expr::Bool(true)));
            let limited = right_limits(&right.commands);
            right.commands.retain(|command| limited || !matches!(command, Command::Sort(_)));
            right.expose(items);
            Ok(())
        })?;
        let Branch { body, .. } = branch;
        if body.commands.iter().any(|it| matches!(it, Command::Limit { by, .. } if by.is_empty())) {
            return Err(refused(span, "`INLINE STATS` can not stand behind `LIMIT`"));
        }
        if matches!(body.source, Said::Row(_)) {
            self.needs(Construct::RowSubquery, span)?;
        }
        marked.bodies.push(body);
        Ok(())
    }

    /// Brings the columns of the right side over as one text, of which rows are made again.
    fn as_one_text(&mut self, right: &mut Marked<'a>, span: Span) -> Fit<Option<Name>> {
        if right.columns.iter().any(|(_, column)| column.many) {
            return Err(refused(span, "both sides may have several rows of a key, and a column holds several values"));
        }
        if let [(_, column)] = right.columns.as_slice()
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
        let row = self.helper();
        for body in &mut right.bodies {
            let mut texts = Vec::new();
            for (index, (_, column)) in right.columns.iter().enumerate() {
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
                globs.retain(|glob| !right.columns.iter().any(|(_, column)| *glob == Glob::from(&column.field)));
                globs.push(Glob::from(&row));
                body.commands.push(Command::Keep(globs));
            }
        }
        Ok(Some(row))
    }

    /// The left rows, each as often as it finds a row on the right.
    fn pairs(&mut self, join: &Join, right: Marked<'a>, row: &Name, left_unique: bool, span: Span) -> Fit<()> {
        let values = Expr::Call("VALUES", vec![Expr::Field(row.clone())]);
        self.tell(vec![(row.clone(), values)], &right.keys);
        let mut conditions = vec![Expr::is_null(Expr::Field(right.flag.clone()))];
        if join.kind != JoinKind::LeftOuter {
            conditions.push(Expr::is_not_null(Expr::Field(row.clone())));
        }
        self.commands.push(Command::Where(Expr::all(conditions)));
        self.commands.push(Command::MvExpand(row.clone()));
        if join.kind == JoinKind::InnerUnique && !left_unique {
            let mut by = right.keys.clone();
            by.push(row.clone());
            self.one_of_each(&by, span)?;
        }
        let mut typed = Vec::new();
        let final_name = |name: &Arc<str>, column: &Column<'a>| {
            if column.field.is_helper() { Name::new(name.as_ref()) } else { Some(column.field.clone()) }
        };
        let mut names = Vec::new();
        for (name, column) in &right.columns {
            let plain = |field: &Name| {
                field.text().chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '@' | '.'))
            };
            let covered = self.scope.made.values().any(|other| Some(&other.field) == final_name(name, column).as_ref());
            let Some(field) = final_name(name, column).filter(|field| plain(field) && !covered) else {
                let help = "name the columns of the right side with letters and digits";
                return Err(unwritten(span, "a join of columns with such names").help(help));
            };
            names.push(field);
        }
        if let ([field], [(_, column)]) = (names.as_slice(), right.columns.as_slice()) {
            // The column itself, or its text.
            let form = if column.field == *row { column.form } else { Form::Keyword };
            let value = converted(Expr::Field(row.clone()), form, column.form);
            if value != Expr::Field(field.clone()) {
                typed.push((field.clone(), value));
            }
        } else {
            let parts: Vec<String> = names.iter().map(|field| format!("%{{{}}}", field.text())).collect();
            self.commands.push(Command::Dissect { value: row.clone(), pattern: parts.join(MARK) });
            for (field, (_, column)) in names.iter().zip(&right.columns) {
                let value = converted(Expr::Field(field.clone()), Form::Keyword, column.form);
                if value != Expr::Field(field.clone()) {
                    typed.push((field.clone(), value));
                }
            }
        }
        if !typed.is_empty() {
            self.commands.push(Command::Eval(typed));
        }
        if row.is_helper() {
            self.scratch.push(row.clone());
        }
        for ((name, column), field) in right.columns.into_iter().zip(names) {
            let present = column.form == Form::Keyword && join.kind != JoinKind::LeftOuter;
            self.scope.made.insert(name, Column { field, present, ..column });
        }
        Ok(())
    }

    /// The left rows, each once, with what they find on the right.
    fn left_rows(
        &mut self,
        join: &Join,
        right: Marked<'a>,
        left_flag: Option<Name>,
        left_unique: bool,
        span: Span,
    ) -> Fit<()> {
        let flag = || Expr::Field(right.flag.clone());
        let mut aggregates = Vec::new();
        let mut made = Vec::new();
        for (name, column) in right.columns {
            let field = match Name::new(name.as_ref()) {
                Some(field) if column.field.is_helper() && !self.holds_field(&field) => field,
                Some(_) | None => column.field.clone(),
            };
            aggregates.push((field.clone(), over(&column)));
            if column.field.is_helper() && column.field != field {
                self.scratch.push(column.field.clone());
            }
            let outer = matches!(join.kind, JoinKind::LeftOuter | JoinKind::FullOuter);
            let present = column.present && !outer;
            made.push((name, Column { field, present, positive: column.positive && !outer, ..column }));
        }
        let found = self.helper();
        let mut conditions = vec![Expr::is_null(flag())];
        let compared = |op| Expr::compare(op, Expr::Field(found.clone()), Expr::number(0));
        let needed = match join.kind {
            JoinKind::LeftAnti => {
                conditions.push(compared(Comparison::Eq));
                true
            }
            JoinKind::LeftOuter => false,
            JoinKind::FullOuter => {
                conditions = vec![Expr::any([Expr::is_null(flag()), compared(Comparison::Eq)])];
                true
            }
            JoinKind::InnerUnique
            | JoinKind::Inner
            | JoinKind::LeftSemi
            | JoinKind::RightOuter
            | JoinKind::RightSemi
            | JoinKind::RightAnti => {
                conditions.push(compared(Comparison::Gt));
                true
            }
        };
        if needed {
            let counted = left_flag.map_or_else(flag, Expr::Field);
            aggregates.insert(0, (found.clone(), Expr::call("COUNT", [counted])));
            self.scratch.push(found.clone());
        }
        if !aggregates.is_empty() {
            self.tell(aggregates, &right.keys);
        }
        self.commands.push(Command::Where(Expr::all(conditions)));
        if join.kind == JoinKind::FullOuter {
            // The keys of a row that the left side lacks are those of the right side alone.
            let own = right.keys.iter().filter(|key| !key.is_helper());
            let cut =
                own.map(|key| (key.clone(), Expr::call("CASE", [Expr::is_null(flag()), Expr::Field(key.clone())])));
            let cut: Vec<(Name, Expr)> = cut.collect();
            if !cut.is_empty() {
                self.commands.push(Command::Eval(cut));
            }
            for column in self.scope.made.values_mut() {
                column.present = false;
                column.positive = false;
            }
        }
        if join.kind == JoinKind::InnerUnique && !left_unique {
            self.one_of_each(&right.keys, span)?;
        }
        self.scope.made.extend(made);
        Ok(())
    }

    /// The right rows, each once, with what they find on the left.
    fn right_rows(
        &mut self,
        join: &Join,
        right: Marked<'a>,
        left: Vec<(Arc<str>, Column<'a>)>,
        left_flag: Option<Name>,
        open: bool,
        span: Span,
    ) -> Fit<()> {
        let only_right = matches!(join.kind, JoinKind::RightSemi | JoinKind::RightAnti);
        let outer = join.kind == JoinKind::RightOuter;
        let mut aggregates = Vec::new();
        let mut scope = Scope::default();
        let mut renames = Vec::new();
        let mut cut = Vec::new();
        let found = self.helper();
        if let Some(flag) = left_flag {
            aggregates.push((found.clone(), Expr::call("COUNT", [Expr::Field(flag)])));
        }
        for (name, column) in left {
            if only_right {
                break;
            }
            if right.keys.contains(&column.field) {
                if outer {
                    let is = Expr::compare(Comparison::Gt, Expr::Field(found.clone()), Expr::number(0));
                    cut.push((column.field.clone(), Expr::call("CASE", [is, column.bare()])));
                }
            } else {
                aggregates.push((column.field.clone(), over(&column)));
            }
            let present = column.present && !outer;
            scope.made.insert(name, Column { present, known: None, ..column });
        }
        self.tell(aggregates, &right.keys);
        let mut conditions = vec![Expr::is_not_null(Expr::Field(right.flag.clone()))];
        match join.kind {
            JoinKind::RightOuter => {}
            JoinKind::RightAnti => {
                conditions.push(Expr::compare(Comparison::Eq, Expr::Field(found.clone()), Expr::number(0)));
            }
            JoinKind::InnerUnique
            | JoinKind::Inner
            | JoinKind::LeftOuter
            | JoinKind::FullOuter
            | JoinKind::LeftSemi
            | JoinKind::LeftAnti
            | JoinKind::RightSemi => {
                conditions.push(Expr::compare(Comparison::Gt, Expr::Field(found.clone()), Expr::number(0)));
            }
        }
        self.commands.push(Command::Where(Expr::all(conditions)));
        if !cut.is_empty() {
            self.commands.push(Command::Eval(cut));
        }
        for (name, column) in right.columns {
            let field = match Name::new(name.as_ref()) {
                Some(field) if column.field.is_helper() && !scope.made.values().any(|it| it.field == field) => field,
                Some(_) | None => column.field.clone(),
            };
            if field != column.field {
                renames.push((column.field.clone(), field.clone()));
            }
            scope.made.insert(name, Column { field, ..column });
        }
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        if scope.made.is_empty() {
            // Nothing but the number of rows is read.
            self.scratch.push(found);
        } else {
            self.commands.push(Command::Keep(scope.made.values().map(|it| Glob::from(&it.field)).collect()));
        }
        if self.scope.events && !only_right && open {
            self.columns_dropped(span);
        }
        self.scope = scope;
        Ok(())
    }

    /// Whether the row has a field of this name.
    fn holds_field(&self, field: &Name) -> bool {
        self.scope.made.values().any(|column| column.field == *field) || self.scope.events && *field == Name::time()
    }

    /// The parts of a union, each a pipeline of its own.
    fn parts_of(&mut self, pipeline: &Pipeline, parts: &mut Vec<Pipeline>) -> Fit<()> {
        self.flatten(pipeline, &[], parts)
    }

    /// Notes where a join of KQL gives rows that are alike, which come once here.
    fn multiplicity(&mut self, join: &Join, main: Main, (left, right): (bool, bool), rest: &[Stage], span: Span) {
        let once = match (join.kind, main) {
            (JoinKind::Inner | JoinKind::LeftOuter | JoinKind::InnerUnique, Main::Pairs) => true,
            (JoinKind::Inner | JoinKind::InnerUnique | JoinKind::LeftOuter, Main::Left) => !right,
            (JoinKind::Inner, Main::Right) => !left,
            (JoinKind::InnerUnique, Main::Right) | (JoinKind::LeftOuter, Main::Right) => false,
            (
                JoinKind::RightOuter
                | JoinKind::FullOuter
                | JoinKind::LeftSemi
                | JoinKind::RightSemi
                | JoinKind::LeftAnti
                | JoinKind::RightAnti,
                _,
            ) => false,
        };
        if !once {
            return;
        }
        let effect = if self.after.is_some() { Effect::Unsure } else { counted(rest) };
        if effect == Effect::Exact {
            return;
        }
        let message =
            "rows of the other side that are alike in what is read of them are joined once; KQL gives a row for each";
        self.note(Code::JoinedOnce, effect, span, message);
    }
}

/// The value of a column of the other side, of which a group has one at most.
fn over(column: &Column<'_>) -> Expr {
    let many = column.many || column.ty == ScalarType::Dynamic;
    Expr::Call(if many { "VALUES" } else { "MAX" }, vec![column.bare()])
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

/// Whether rows that are written out have one row at most for each combination of keys.
fn written_once(part: &Pipeline, keys: &[&str]) -> bool {
    let Source::Rows { columns, rows } = &part.source else { return false };
    if !part.stages.iter().all(|stage| matches!(stage.kind, StageKind::Where(_) | StageKind::Sort(_))) {
        return false;
    }
    let at: Option<Vec<usize>> =
        keys.iter().map(|key| columns.iter().position(|(name, _)| name.as_ref() == *key)).collect();
    let Some(at) = at else { return false };
    let mut seen = BTreeSet::new();
    rows.iter().all(|row| seen.insert(at.iter().map(|at| format!("{:?}", row.get(*at))).collect::<Vec<_>>()))
}

/// Whether a limit cuts the rows.
fn right_limits(commands: &[Command]) -> bool {
    commands.iter().any(|it| matches!(it, Command::Limit { .. }))
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
