//! Values of another pipeline: `in (T | project x)`, `toscalar(T | …)`.
//!
//! A condition of its own compares with `IN (FROM …)`; anywhere else, and in versions without it, the rows of the other
//! query are put beside those of this one, and each group is told whether it holds one.
//! See <https://learn.microsoft.com/kusto/query/in-operator>, <https://learn.microsoft.com/kusto/query/toscalar-function> and
//! <https://www.elastic.co/docs/reference/query-languages/esql/esql-in-subquery>.

use std::sync::Arc;

use super::combine::{may_lack, refused};
use super::scope::{Column, Form, converted};
use super::text::fold;
use super::tree::{Aggregate, Body, Command, Comparison, Expr, Glob, Name};
use super::{Branch, Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Polarity};
use crate::fit::Window;
use crate::fit::demand::Demand;
use crate::fit::lucene::Folded;
use crate::plan::{Case, Expr as Meant, ExprKind, Needles, Pipeline, ScalarType, TextHow, TextMatch};
use crate::target::Construct;

impl<'a> Fitter<'a, '_> {
    /// Remembers which comparisons with other rows are conditions on their own: `IN` of a query can stand below `AND`, `OR`
    /// and `NOT` alone.
    pub(super) fn conditions_alone(&mut self, predicate: &Meant) {
        let mut open = vec![predicate];
        while let Some(expr) = open.pop() {
            match &expr.kind {
                ExprKind::And(items) | ExprKind::Or(items) => open.extend(items),
                ExprKind::Not(inner) => open.push(inner),
                ExprKind::Text(matched)
                    if matches!(matched.needles, Needles::Table(_)) || set_of(matched).is_some() =>
                {
                    self.alone.insert(expr.id);
                }
                ExprKind::Text(_)
                | ExprKind::Literal(_)
                | ExprKind::Moment(_)
                | ExprKind::Column(_)
                | ExprKind::Path { .. }
                | ExprKind::Call { .. }
                | ExprKind::Arithmetic { .. }
                | ExprKind::Negate(_)
                | ExprKind::Compare { .. }
                | ExprKind::In { .. }
                | ExprKind::Presence { .. }
                | ExprKind::Time(_)
                | ExprKind::Scalar(_) => {}
            }
        }
    }

    /// A text that is looked for in a set that another pipeline makes: `in (toscalar(T | summarize make_set(x)))`.
    pub(super) fn in_set(&mut self, expr: &Meant, matched: &TextMatch) -> Fit<Option<Expr>> {
        let Some((set, pipeline)) = set_of(matched) else { return Ok(None) };
        self.ledger.carried(set.id);
        self.in_table(expr, matched, pipeline).map(Some)
    }

    /// A text that is looked for in the first column of other rows, or in the values of the list that is there.
    pub(super) fn in_table(&mut self, expr: &Meant, matched: &TextMatch, pipeline: &Pipeline) -> Fit<Expr> {
        if matched.how != TextHow::Equals {
            let message =
                "the patterns of ES|QL are constants, so that parts of a text are not compared with other rows";
            return Err(Unsayable::new(Code::RefusedPredicate, expr.span, message)
                .help("compare whole values with `in`, write the terms into the hunt, or use the target splunk"));
        }
        let polarity = if matched.negated { self.polarity.negated() } else { self.polarity };
        let folded = if matched.case == Case::Insensitive { Folded::Lower } else { Folded::No };
        let column = self.held_column(&matched.subject)?;
        let value = self.text_value(&matched.subject)?;
        let there = value.never_null() || column.as_ref().is_some_and(|column| self.is_there(&matched.subject, column));
        let within = self.alone.contains(&expr.id) && self.frame.needs(Construct::InSubquery).is_none();
        if !within {
            let value = fold(if there { value } else { value.or_empty() }, folded);
            return self.found_beside(expr, matched.negated, value, folded, polarity, pipeline);
        }
        let fill = self.may_be_empty(&matched.subject) || matched.negated;
        let (branch, empty) = self.first_column(pipeline, polarity, false, |inner, column, ty| {
            inner.key_column(column, ty, pipeline, folded, fill)
        })?;
        // The empty text is a value: of both sides where both may hold or lack it, and of one that must not be found.
        let value = if there || !matched.negated && !empty { value } else { value.or_empty() };
        Ok(Expr::InQuery {
            value: Box::new(fold(value, folded)),
            query: Box::new(branch.body),
            negated: matched.negated,
        })
    }

    /// Makes the row hold one column, each of whose values is a key; says whether it may be empty.
    fn key_column(
        &mut self,
        column: Column<'a>,
        ty: ScalarType,
        pipeline: &Pipeline,
        folded: Folded,
        fill: bool,
    ) -> Fit<bool> {
        let name = pipeline.columns.columns.first().map(|(name, _)| name.clone());
        let proven = name.as_ref().is_some_and(|name| self.proven.contains(name));
        let list = ty == ScalarType::Dynamic;
        let text = matches!(ty, ScalarType::String | ScalarType::Unknown | ScalarType::Dynamic);
        let (empty, lacks) = (text && !proven, may_lack(&column, ty) && !proven);
        let value = converted(column.bare(), column.form, Form::Keyword);
        if list {
            self.one_column(column, value);
            let Some(Command::Keep(globs)) = self.commands.last() else { return Ok(empty) };
            let Some(field) = globs.first().and_then(|glob| Name::new(glob.text())) else { return Ok(empty) };
            self.commands.push(Command::MvExpand(field.clone()));
            let each = Expr::Field(field.clone());
            let each = if fill { each.or_empty() } else { each };
            let each = fold(each, folded);
            if each != Expr::Field(field.clone()) {
                self.commands.push(Command::Eval(vec![(field, each)]));
            }
            return Ok(empty);
        }
        let value = if lacks && fill { value.or_empty() } else { value };
        // A null among the values would make `NOT IN` null; in KQL a missing number is equal to none.
        let null = (fill && !text && !column.present).then(|| column.field.clone());
        self.one_column(column, fold(value, folded));
        if let Some(field) = null {
            self.commands.push(Command::Where(Expr::is_not_null(Expr::Field(field))));
        }
        Ok(empty)
    }

    /// Makes the row hold one column of this value.
    fn one_column(&mut self, column: Column<'a>, value: Expr) {
        let same = value == column.bare();
        let alone = match self.commands.last() {
            Some(Command::Keep(globs)) => *globs == [Glob::from(&column.field)],
            Some(Command::Stats { inline: false, aggregates, by }) => {
                let mut names = aggregates.iter().map(|it| &it.name).chain(by.iter().map(|(name, _)| name));
                names.next() == Some(&column.field) && names.next().is_none()
            }
            Some(_) | None => false,
        };
        if same && alone && column.ty != ScalarType::Dynamic {
            return;
        }
        let name: Arc<str> = column.field.text().into();
        let column = Column { ty: ScalarType::String, form: Form::Keyword, ..column };
        self.expose(vec![(name, column, value)]);
    }

    /// Whether a value is one of the rows of another query, which stand beside those of this one.
    fn found_beside(
        &mut self,
        expr: &Meant,
        negated: bool,
        value: Expr,
        folded: Folded,
        polarity: Polarity,
        pipeline: &Pipeline,
    ) -> Fit<Expr> {
        self.can_combine(expr.span)?;
        let (key, flag, found) = (self.helper(), self.helper(), self.helper());
        let (branch, ()) = self.first_column(pipeline, polarity, true, |inner, column, ty| {
            inner.key_column(column.clone(), ty, pipeline, folded, true)?;
            let made = Column { form: Form::Keyword, ..Column::computed(key.clone(), ScalarType::String) };
            let marked = Column::computed(flag.clone(), ScalarType::Bool);
            let items = vec![
                ("$key".into(), made, Expr::Field(column.field.clone())),
                ("$flag".into(), marked, Expr::Bool(true)),
            ];
            inner.expose(items);
            Ok(())
        })?;
        self.put_beside(branch.body, &[key.clone(), flag.clone()], false, &flag, expr.span)?;
        let shared = Expr::Field(key.clone()).or(value);
        self.commands.push(Command::Eval(vec![(key.clone(), shared)]));
        self.tell(vec![(found.clone(), Expr::call("COUNT", [Expr::Field(flag.clone())]))], std::slice::from_ref(&key));
        self.commands.push(Command::Where(Expr::is_null(Expr::Field(flag.clone()))));
        self.scratch.extend([key, flag, found.clone()]);
        let op = if negated { Comparison::Eq } else { Comparison::Gt };
        Ok(Expr::compare(op, Expr::Field(found), Expr::number(0)))
    }

    /// `toscalar(T | …)`: the first column of the first row, in every row.
    pub(super) fn scalar(&mut self, expr: &Meant, pipeline: &Pipeline) -> Fit<Expr> {
        self.can_combine(expr.span)?;
        let (value, flag) = (self.helper(), self.helper());
        let (branch, many) = self.first_column(pipeline, Polarity::Aggregated, true, |inner, column, _| {
            let many = column.many;
            if !inner.is_unique_by(&[]) {
                let pick = Aggregate { name: value.clone(), value: Expr::call("MIN", [column.value()]), only: None };
                inner.commands.push(Command::Stats { inline: false, aggregates: vec![pick], by: Vec::new() });
                let marked = vec![(flag.clone(), Expr::Bool(true))];
                inner.commands.push(Command::Eval(marked));
                return Ok(many);
            }
            let (made, said) = inner.carried_over(&column, value.clone());
            let marked = Column::computed(flag.clone(), ScalarType::Bool);
            inner.expose(vec![("$value".into(), made, said), ("$flag".into(), marked, Expr::Bool(true))]);
            Ok(many)
        })?;
        self.beside_every_row(branch.body, &value, &flag, many, expr)?;
        Ok(Expr::Field(value))
    }

    /// The one row of another query told to every row here.
    fn beside_every_row(&mut self, branch: Body, value: &Name, flag: &Name, many: bool, expr: &Meant) -> Fit<()> {
        let limited = branch.commands.iter().any(|it| matches!(it, Command::Limit { by, .. } if by.is_empty()));
        if limited {
            return Err(refused(expr.span, "`INLINE STATS` can not stand behind `LIMIT`"));
        }
        self.put_beside(branch, &[value.clone(), flag.clone()], many, flag, expr.span)?;
        let function = if many { "VALUES" } else { "MAX" };
        self.tell(vec![(value.clone(), Expr::Call(function, vec![Expr::Field(value.clone())]))], &[]);
        self.commands.push(Command::Where(Expr::is_null(Expr::Field(flag.clone()))));
        self.scratch.extend([value.clone(), flag.clone()]);
        Ok(())
    }

    /// Tells each row what the rows of its group hold together.
    pub(super) fn tell(&mut self, aggregates: Vec<(Name, Expr)>, by: &[Name]) {
        self.tell_of(aggregates, &None, by);
    }

    /// Tells each row what those rows of its group hold together that satisfy a condition.
    pub(super) fn tell_of(&mut self, aggregates: Vec<(Name, Expr)>, only: &Option<Expr>, by: &[Name]) {
        let one = |(name, value)| Aggregate { name, value, only: only.clone() };
        let aggregates = aggregates.into_iter().map(one).collect();
        self.commands.push(Command::Stats { inline: true, aggregates, by: super::tree::own(by) });
    }

    /// A query of whose rows the first column is read.
    fn first_column<T>(
        &mut self,
        pipeline: &Pipeline,
        polarity: Polarity,
        inside: bool,
        then: impl FnOnce(&mut Fitter<'a, '_>, Column<'a>, ScalarType) -> Fit<T>,
    ) -> Fit<(Branch<'a>, T)> {
        let Some((name, ty)) = pipeline.columns.columns.first().cloned() else {
            return Err(unwritten(pipeline.span, "a comparison with rows whose columns are not known")
                .help("project the column that is compared"));
        };
        let after = Demand { names: [name.clone()].into(), open: false };
        let span = pipeline.span;
        self.nested(pipeline, polarity, after, &Window::default(), inside, |inner| {
            let column = inner.named(&name, ty, span)?;
            then(inner, column, ty)
        })
    }
}

/// The pipeline that makes the set that a text is looked for in.
fn set_of(matched: &TextMatch) -> Option<(&Meant, &Pipeline)> {
    let Needles::Any(items) = &matched.needles else { return None };
    let [set] = items.as_slice() else { return None };
    match &set.kind {
        ExprKind::Scalar(pipeline) if set.ty == ScalarType::Dynamic => Some((set, pipeline)),
        ExprKind::Scalar(_)
        | ExprKind::Literal(_)
        | ExprKind::Moment(_)
        | ExprKind::Column(_)
        | ExprKind::Path { .. }
        | ExprKind::Call { .. }
        | ExprKind::Arithmetic { .. }
        | ExprKind::Negate(_)
        | ExprKind::Compare { .. }
        | ExprKind::Text(_)
        | ExprKind::In { .. }
        | ExprKind::Presence { .. }
        | ExprKind::Time(_)
        | ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_) => None,
    }
}
