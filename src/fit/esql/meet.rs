//! Rows of two pipelines that find one another by their keys: the rows of both stand in one `FROM`, those of one side are
//! marked, and `INLINE STATS … BY keys` tells each row of the other side what the marked ones hold.
//!
//! Where the marked side has one row at most for a key, its values are brought over as they are; else as [`super::pairs`].
//! Which side is marked is decided here: the right one, or the left one where it alone has one row for a key.
//! See <https://www.elastic.co/docs/reference/query-languages/esql/commands/inlinestats-by>.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::combine::{may_lack, refused};
use super::join::{Output, own_demand};
use super::once::{ends_unique, written_once};
use super::projection::Item;
use super::scope::{Column, Form, converted};
use super::tree::{Body, Command, Comparison, Expr, Name, Source as Said};
use super::{Fit, Fitter, unwritten};
use crate::diagnostic::{Code, Polarity};
use crate::fit::Window;
use crate::fit::demand::{Demand, mentioned};
use crate::plan::{Join, JoinKind, Pipeline, ScalarType, Stage};
use crate::source::Span;
use crate::target::Construct;

/// The rows that are marked.
pub(super) struct Marked<'a> {
    /// Columns of the same names as on the other side.
    pub(super) keys: Vec<Name>,
    /// Is there in these rows alone.
    pub(super) flag: Name,
    /// The columns that are read afterwards: the names they have then, each in a column of its own, and the one that holds
    /// it at last.
    pub(super) columns: Vec<(Arc<str>, Column<'a>, Name)>,
    /// There is one row at most for a key.
    pub(super) unique: bool,
    /// Columns are left out that would come out.
    dropped: bool,
    /// The queries.
    pub(super) bodies: Vec<Body>,
}

/// What is known of the left side before the right one is looked at.
struct Meeting<'m, 'a> {
    join: &'m Join,
    lookup: bool,
    demand: &'m Demand,
    /// Its keys, and which of them may be missing.
    keys: Vec<Column<'a>>,
    lacks: Vec<bool>,
    /// Which of them may be the empty text.
    empty: Vec<bool>,
    /// The names it is known to have.
    known: BTreeSet<Arc<str>>,
    /// It may have more columns than are known.
    open: bool,
    /// Its rows are those of one source.
    single: bool,
    /// It has one row at most for a key.
    unique: bool,
    /// Its columns that are read afterwards.
    columns: Vec<(Arc<str>, Column<'a>)>,
    span: Span,
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
        let keys = join.on.iter().map(|key| self.key_of(&key.left)).collect::<Fit<Vec<_>>>()?;
        let lacks = join.on.iter().zip(&keys).map(|(key, column)| self.lacks(&key.left, column)).collect();
        let empty = join.on.iter().map(|key| self.may_be_empty(&key.left)).collect();
        let fields: Vec<Name> = keys.iter().map(|column| column.field.clone()).collect();
        let unique = keys.iter().all(|column| column.value() == column.bare()) && self.is_unique_by(&fields);
        let known = self.left_names();
        let columns = self.left_columns(join, demand, &known, span);
        let open = self.is_open();
        let meeting = Meeting { join, lookup, demand, keys, lacks, empty, known, open, single, unique, columns, span };
        let once = self.met(&meeting)?;
        if once {
            self.joined_once(rest, span);
        }
        self.at_most = None;
        Ok(())
    }

    /// Brings the sides together; says whether rows that are alike come once which KQL gives several times.
    fn met(&mut self, meeting: &Meeting<'_, 'a>) -> Fit<bool> {
        let (join, span) = (meeting.join, meeting.span);
        let inner = matches!(join.kind, JoinKind::Inner | JoinKind::InnerUnique);
        let names: Vec<&str> =
            join.on.iter().filter_map(|key| key.right.as_column()).map(|it| it.name.as_ref()).collect();
        let right_once = ends_unique(&join.right, &names);
        let reduces =
            meeting.unique || join.kind == JoinKind::InnerUnique && self.frame.needs(Construct::LimitBy).is_none();
        let swap = match join.kind {
            JoinKind::RightSemi | JoinKind::RightAnti | JoinKind::RightOuter => true,
            JoinKind::Inner | JoinKind::InnerUnique => {
                let unread = join.kind == JoinKind::Inner && !meeting.demand.open && meeting.columns.is_empty();
                !right_once && (reduces || unread) && meeting.single
            }
            JoinKind::LeftOuter | JoinKind::FullOuter | JoinKind::LeftSemi | JoinKind::LeftAnti => false,
        };
        if swap {
            return self.left_marked(meeting);
        }
        let mut names: Vec<Name> = Vec::new();
        for column in &meeting.keys {
            let own = meeting.single && column.value() == column.bare() && !names.contains(&column.field);
            names.push(if own { column.field.clone() } else { self.helper() });
        }
        let right = match self.right_marked(meeting, names) {
            Ok(right) => right,
            // What can be no query within `FROM` can be the one that holds it.
            Err(reason) if reason.0.code == Code::EsqlCombine && inner && meeting.single => {
                return self.left_marked(meeting);
            }
            Err(reason) => return Err(reason),
        };
        if right.dropped {
            self.columns_dropped(span);
        }
        let several = !right.unique;
        if join.kind == JoinKind::FullOuter && several {
            return Err(refused(span, "the right side of a full join may have several rows of a key"));
        }
        let keeps = matches!(join.kind, JoinKind::LeftSemi | JoinKind::LeftAnti | JoinKind::FullOuter);
        let one = join.kind == JoinKind::InnerUnique && !meeting.unique;
        let own = meeting
            .keys
            .iter()
            .zip(&meeting.lacks)
            .map(|(column, lacks)| if *lacks { column.value().or_empty() } else { column.value() });
        self.bring_over(join.kind, right, own.collect(), meeting.single, one, span)?;
        Ok(several && !keeps)
    }

    /// The left side is marked, and the rows of the right one come out.
    fn left_marked(&mut self, meeting: &Meeting<'_, 'a>) -> Fit<bool> {
        let (join, span, demand) = (meeting.join, meeting.span, meeting.demand);
        let kind = match join.kind {
            JoinKind::Inner | JoinKind::InnerUnique => JoinKind::Inner,
            JoinKind::RightOuter => JoinKind::LeftOuter,
            JoinKind::RightSemi => JoinKind::LeftSemi,
            JoinKind::RightAnti => JoinKind::LeftAnti,
            JoinKind::LeftOuter | JoinKind::FullOuter | JoinKind::LeftSemi | JoinKind::LeftAnti => {
                return Err(refused(span, "the right side is made of several queries"));
            }
        };
        if !meeting.single {
            return Err(refused(span, "a query within `FROM` can hold no other")
                .help("join the side that is made of several first, or the target splunk"));
        }
        let filters = matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
        let mut wanted = own_demand(join, demand);
        join.on.iter().for_each(|key| mentioned(&key.right, &mut wanted.names));
        let inside = self.inside;
        let (mut branch, keys) =
            self.nested(&join.right, self.polarity, wanted, &Window::default(), inside, |right| {
                right.can_combine(span)?;
                let mut keys = Vec::new();
                for key in &join.on {
                    let column = right.key_of(&key.right)?;
                    let lacks = right.lacks(&key.right, &column);
                    keys.push((column, lacks, right.may_be_empty(&key.right)));
                }
                Ok(keys)
            })?;
        let single = !super::combine::has_query(&branch.body.source);
        // The left side as rows that are marked.
        let unique = meeting.unique || join.kind == JoinKind::InnerUnique;
        let mut items: Vec<Item<'a>> = Vec::new();
        let mut names: Vec<Name> = Vec::new();
        let both = meeting.keys.iter().zip(&meeting.lacks).zip(&keys);
        for (index, ((column, lacks), (other, _, right_empty))) in both.enumerate() {
            let own = single && other.value() == other.bare() && !names.contains(&other.field);
            let field = if own { other.field.clone() } else { self.helper() };
            let (made, value) = self.carried_over(column, field.clone());
            let (made, value) = as_other(made, value, other.ty);
            let value = if *lacks && (*right_empty || !single) { value.or_empty() } else { value };
            if !may_lack(column, column.ty) && !column.present {
                self.commands.push(Command::Where(Expr::is_not_null(column.bare())));
            }
            items.push((format!("$key{index}").into(), made, value));
            names.push(field);
        }
        let flag = self.helper();
        let mut columns = Vec::new();
        let brought: &[(Arc<str>, Column<'a>)] = if filters { &[] } else { &meeting.columns };
        let mut same: Vec<(Arc<str>, Column<'a>, Name)> = Vec::new();
        for (name, column) in brought {
            // A key is the same on both sides, where both sides are there.
            let at = meeting.keys.iter().position(|key| key.field == column.field);
            if let Some(key) = at.and_then(|at| names.get(at)).filter(|_| kind == JoinKind::Inner) {
                same.push((name.clone(), column.clone(), key.clone()));
                continue;
            }
            let field = self.helper();
            let last = if column.field == Name::time() { Some(Name::time()) } else { Name::new(name.as_ref()) };
            let last = last.filter(|last| !names.contains(last)).unwrap_or_else(|| field.clone());
            let (column, value) = self.carried_over(column, field);
            columns.push((name.clone(), column.clone(), last));
            items.push((name.clone(), column, value));
        }
        items.push(("$flag".into(), Column::computed(flag.clone(), ScalarType::Bool), Expr::Bool(true)));
        let dropped = demand.open && self.scope.events && !filters;
        self.expose(items);
        self.settle();
        if join.kind == JoinKind::InnerUnique && !meeting.unique {
            self.one_of_each(&names, span)?;
        }
        if self.can_combine(span).is_err() || self.merges() {
            return Err(refused(span, "the rows of the left side are limited"));
        }
        let source = self.source.take().unwrap_or(Said::From(Vec::new()));
        if matches!(source, Said::Row(_)) {
            self.needs(Construct::RowSubquery, span)?;
        }
        let body = Body { source, commands: std::mem::take(&mut self.commands) };
        // The right side goes on.
        let rows = std::mem::take(&mut branch.scope);
        self.adopt(branch);
        self.scope = rows;
        let mut renamed = Vec::new();
        let mut made = Vec::new();
        for (own, new) in &join.renamed {
            if filters || !(demand.names.contains(new) || demand.open && brought.iter().any(|(name, _)| name == own)) {
                continue;
            }
            let ty =
                join.right.columns.columns.iter().find(|(name, _)| name == own).map_or(ScalarType::Unknown, |it| it.1);
            let column = self.named(own, ty, span)?;
            let field = self.new_name(new, span)?;
            renamed.push((field.clone(), column.bare()));
            made.push((new.clone(), Column { field, known: None, ..column }));
        }
        self.assign(renamed);
        self.scope.made.extend(made);
        if dropped {
            self.columns_dropped(span);
        }
        let merged = self.merges();
        let marked = Marked { keys: names, flag, columns, unique, dropped: false, bodies: vec![body] };
        let own = keys.iter().map(|(column, lacks, _)| if *lacks { column.value().or_empty() } else { column.value() });
        self.bring_over(kind, marked, own.collect(), single, false, span)?;
        let mut copies = Vec::new();
        for (name, column, key) in same {
            let field = match Name::new(name.as_ref()) {
                Some(field) if field != key && demand.open && !key.is_helper() => {
                    copies.push((field.clone(), Expr::Field(key)));
                    field
                }
                Some(field) if key.is_helper() => {
                    copies.push((field.clone(), Expr::Field(key)));
                    field
                }
                Some(_) | None => key,
            };
            let form = super::scope::Form::of(column.ty);
            self.scope.made.insert(name, Column { field, form, known: None, ..column });
        }
        self.assign(copies);
        Ok(!filters && (!unique || merged && join.kind == JoinKind::Inner && !meeting.unique))
    }

    /// Puts the marked rows beside those here, and brings over what they hold. `own` are the keys of the rows here.
    fn bring_over(
        &mut self,
        kind: JoinKind,
        mut marked: Marked<'a>,
        own: Vec<Expr>,
        single: bool,
        one: bool,
        span: Span,
    ) -> Fit<()> {
        let pairs =
            !marked.unique && !marked.columns.is_empty() && !matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
        let row = if pairs { self.as_one_text(&mut marked, span)? } else { None };
        let shared: Vec<(Name, Expr)> = marked
            .keys
            .iter()
            .zip(own)
            .filter(|(key, value)| *value != Expr::Field((*key).clone()))
            .map(|(key, value)| (key.clone(), value))
            .collect();
        let full = kind == JoinKind::FullOuter;
        let own_flag = full.then(|| self.helper());
        if single {
            let mut own = shared.clone();
            own.extend(own_flag.clone().map(|flag| (flag, Expr::Bool(true))));
            if !own.is_empty() {
                self.commands.push(Command::Eval(own));
            }
        }
        let mut keep: Vec<Name> = marked.keys.clone();
        keep.push(marked.flag.clone());
        match &row {
            Some(row) => keep.push(row.clone()),
            None => keep.extend(marked.columns.iter().map(|(_, column, _)| column.field.clone())),
        }
        let lists = row.is_none() && marked.columns.iter().any(|(_, column, _)| column.many);
        for body in std::mem::take(&mut marked.bodies) {
            self.put_beside(body, &keep, lists, &marked.flag, span)?;
        }
        if !single {
            let both = |(key, value): (Name, Expr)| (key.clone(), Expr::call("COALESCE", [Expr::Field(key), value]));
            let mut later: Vec<(Name, Expr)> = shared.into_iter().map(both).collect();
            // What was computed in the rows here was computed in those that are marked as well.
            let unmarked = Expr::is_null(Expr::Field(marked.flag.clone()));
            later.extend(own_flag.clone().map(|flag| (flag, Expr::call("CASE", [unmarked, Expr::Bool(true)]))));
            if !later.is_empty() {
                self.commands.push(Command::Eval(later));
            }
        }
        self.scratch.push(marked.flag.clone());
        self.scratch.extend(marked.keys.iter().filter(|key| key.is_helper()).cloned());
        self.scratch.extend(own_flag.clone());
        match row {
            Some(row) => self.pairs(kind, marked, &row, one, span),
            None => self.each_once(kind, marked, own_flag, one, span),
        }
    }

    /// The rows here, each once, with what they find among those that are marked.
    fn each_once(
        &mut self,
        kind: JoinKind,
        right: Marked<'a>,
        own_flag: Option<Name>,
        one: bool,
        span: Span,
    ) -> Fit<()> {
        let flag = || Expr::Field(right.flag.clone());
        let mut aggregates = Vec::new();
        let mut made = Vec::new();
        for (name, column, field) in right.columns {
            aggregates.push((field.clone(), over(&column)));
            if column.field.is_helper() && column.field != field {
                self.scratch.push(column.field.clone());
            }
            let outer = matches!(kind, JoinKind::LeftOuter | JoinKind::FullOuter);
            let present = column.present && !outer;
            made.push((name, Column { field, present, positive: column.positive && !outer, ..column }));
        }
        let found = self.helper();
        let mut conditions = vec![Expr::is_null(flag())];
        let compared = |op| Expr::compare(op, Expr::Field(found.clone()), Expr::number(0));
        let needed = match kind {
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
            let counted = own_flag.map_or_else(flag, Expr::Field);
            aggregates.insert(0, (found.clone(), Expr::call("COUNT", [counted])));
            self.scratch.push(found.clone());
        }
        if !aggregates.is_empty() {
            self.tell(aggregates, &right.keys);
        }
        self.commands.push(Command::Where(Expr::all(conditions)));
        if kind == JoinKind::FullOuter {
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
        if one {
            self.one_of_each(&right.keys, span)?;
        }
        self.scope.made.extend(made);
        Ok(())
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
        let open_left = self.is_open();
        names.retain(|name| !renamed(name) && !of_right(name) && (known.contains(name) || !open_right || open_left));
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
    fn right_marked(&mut self, meeting: &Meeting<'_, 'a>, keys: Vec<Name>) -> Fit<Marked<'a>> {
        let flag = self.helper();
        let join = meeting.join;
        let mut marked = Marked { keys, flag, columns: Vec::new(), unique: false, dropped: false, bodies: Vec::new() };
        let mut plan: Option<Vec<(Output, Name)>> = None;
        let mut parts = Vec::new();
        self.flatten(&join.right, &[], &mut parts)?;
        match self.marked_part(meeting, &join.right, &mut marked, &mut plan) {
            // The parts of a union can stand in `FROM` each, where the union can not.
            Err(reason) if reason.0.code == Code::EsqlCombine && parts.len() > 1 => {
                marked.bodies.clear();
                marked.columns.clear();
                plan = None;
                for part in &parts {
                    self.marked_part(meeting, part, &mut marked, &mut plan)?;
                }
            }
            made => made?,
        }
        marked.unique &= marked.bodies.len() == 1;
        Ok(marked)
    }

    /// A part of the right side as rows that are marked.
    fn marked_part(
        &mut self,
        meeting: &Meeting<'_, 'a>,
        part: &Pipeline,
        marked: &mut Marked<'a>,
        plan: &mut Option<Vec<(Output, Name)>>,
    ) -> Fit<()> {
        let (join, span, single) = (meeting.join, part.span, meeting.single);
        let polarity = match join.kind {
            JoinKind::LeftAnti => self.polarity.negated(),
            JoinKind::LeftOuter | JoinKind::RightOuter | JoinKind::FullOuter => Polarity::Aggregated,
            JoinKind::InnerUnique
            | JoinKind::Inner
            | JoinKind::LeftSemi
            | JoinKind::RightSemi
            | JoinKind::RightAnti => self.polarity,
        };
        let nothing = Demand::default();
        let filters = matches!(join.kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
        let demand = if filters { &nothing } else { meeting.demand };
        let wanted = own_demand(join, demand);
        let scope = self.scope.clone();
        let events_left = self.scope.events;
        let body = {
            let (branch, ()) = self.nested(part, polarity, wanted, &Window::default(), true, |right| {
                let mut items = Vec::new();
                let mut own_keys = Vec::new();
                let both = join.on.iter().zip(&marked.keys).zip(meeting.empty.iter().zip(&meeting.keys));
                for (index, ((key, field), (empty, other))) in both.enumerate() {
                    let column = right.key_of(&key.right)?;
                    own_keys.push(column.field.clone());
                    let (made, value) = right.carried_over(&column, field.clone());
                    let (made, value) = as_other(made, value, other.ty);
                    let right_lacks = right.lacks(&key.right, &column);
                    let value = if right_lacks && (*empty || !single) { value.or_empty() } else { value };
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
                    let (outputs, dropped) = right.outputs(join, demand, meeting.lookup, &meeting.known, meeting.open);
                    marked.dropped = dropped;
                    let mut fields: Vec<(Output, Name)> = Vec::new();
                    for output in outputs {
                        let taken = |field: &Name| {
                            marked.keys.contains(field)
                                || scope.made.values().any(|column| column.field == *field)
                                || meeting.columns.iter().any(|(_, column)| column.field == *field)
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
                        // A name that another column has is left to it.
                        let free = |last: &Name| !scope.made.values().any(|it| it.field == *last);
                        let last = if field.is_helper() { Name::new(name.as_ref()).filter(free) } else { None };
                        marked.columns.push((name.clone(), column.clone(), last.unwrap_or_else(|| field.clone())));
                    } else if marked.columns.iter().any(|(it, other, _)| it == name && other.form != column.form) {
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
            branch.body
        };
        if body.commands.iter().any(|it| matches!(it, Command::Limit { by, .. } if by.is_empty())) {
            return Err(refused(span, "`INLINE STATS` can not stand behind `LIMIT`"));
        }
        if matches!(body.source, Said::Row(_)) {
            self.needs(Construct::RowSubquery, span)?;
        }
        marked.bodies.push(body);
        Ok(())
    }
}

/// A key in the type of the other side, where its own is not known.
pub(super) fn as_other<'a>(column: Column<'a>, value: Expr, ty: ScalarType) -> (Column<'a>, Expr) {
    let form = Form::of(ty);
    if ty == ScalarType::Unknown || column.form == form {
        return (column, value);
    }
    let value = converted(value, column.form, form);
    (Column { ty, form, ..column }, value)
}

/// The value of a column of the other side, of which a group has one at most.
fn over(column: &Column<'_>) -> Expr {
    let many = column.many || column.ty == ScalarType::Dynamic;
    Expr::Call(if many { "VALUES" } else { "MAX" }, vec![column.bare()])
}

/// Whether a limit cuts the rows.
fn right_limits(commands: &[Command]) -> bool {
    commands.iter().any(|it| matches!(it, Command::Limit { .. }))
}
