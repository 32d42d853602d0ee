//! Values of another pipeline: `in (T | project x)`, `toscalar(T | …)`.
//!
//! A row looks its value up in the other rows by a `join` that keeps every row and marks those that found one; the
//! condition asks for the mark. Where the rows must have found one, [`Fitter::settle`] makes it a join that keeps no others.
//! See <https://learn.microsoft.com/kusto/query/in-operator> and <https://learn.microsoft.com/kusto/query/toscalar-function>.

use super::form::{call, number, text};
use std::sync::Arc;

use super::combine::may_lack;
use super::predicate::Condition;
use super::scope::{Column, Shape};
use super::tree::{Command, EvalExpr, Name, StatsAggregate, StatsInput};
use super::{Branch, Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Polarity};
use crate::fit::Window;
use crate::fit::demand::Demand;
use crate::plan::{Case, Expr, Pipeline, ScalarType, TextHow, TextMatch};
use crate::source::Span;

impl<'a> Fitter<'a, '_> {
    /// A text that is looked for in the first column of other rows, or in the elements of the array that is there.
    pub(super) fn in_table(
        &mut self,
        expr: &Expr,
        matched: &TextMatch,
        value: EvalExpr,
        pipeline: &Pipeline,
    ) -> Fit<Condition> {
        if matched.how == TextHow::Term {
            return self.has_any_of_table(matched, value, pipeline);
        }
        if matched.how != TextHow::Equals {
            let message = "SPL compares parts of a text with constants only, not with the rows of a search";
            return Err(Unsayable::new(Code::RefusedPredicate, expr.span, message)
                .help("compare whole values with `in`, or write the terms into the hunt"));
        }
        let polarity = if matched.negated { self.polarity.negated() } else { self.polarity };
        let folded = matched.case == Case::Insensitive;
        let value = if folded { call("lower", [value]) } else { value };
        let proven = matched.subject.as_column().is_some_and(|column| self.proven.contains(&column.name));
        let key = match value {
            EvalExpr::Field(field) => field,
            value => self.computed_for_stage(value),
        };
        let known = matched.subject.as_column().and_then(|column| self.scope.made.get(&column.name));
        let lacks = !proven && !known.is_some_and(|column| column.blank || column.present);
        if !folded && let Some((lookup, column)) = self.lookup_column(pipeline) {
            let flag = self.helper();
            self.scratch.push(flag.clone());
            self.commands.push(Command::Lookup { lookup, column, field: key, flag: Some(flag.clone()) });
            let found = EvalExpr::is_not_null(EvalExpr::Field(flag));
            return Ok(Condition::eval(if matched.negated { found.negated() } else { found }));
        }
        let (branch, empties) = self.first_column(pipeline, polarity, |inner, column, ty| {
            let (made, value) = inner.carried_over(&column, key.clone());
            let values = match column.shape {
                Shape::Multi => Some(value.clone()),
                Shape::Json if ty == ScalarType::Dynamic => Some(call("json_array_to_mv", [value.clone()])),
                Shape::Json => None,
            };
            let elements = values.is_some();
            let value = values.unwrap_or(value);
            let made = Column { shape: Shape::Json, ..made };
            let name: Arc<str> = "$key".into();
            let (unique, empties) = (inner.is_unique(&value), !proven && !inner.lists_present());
            let filled = empties && may_lack(&made, ty);
            let value = if folded && !elements { call("lower", [value]) } else { value };
            inner.expose(vec![(name, made, value)])?;
            if elements {
                inner.commands.push(Command::MvExpand(key.clone(), None));
                if folded {
                    let lower = call("lower", [EvalExpr::Field(key.clone())]);
                    inner.commands.push(Command::Eval(vec![(key.clone(), lower)]));
                }
            }
            if filled {
                inner.fill(std::slice::from_ref(&key));
            }
            if !unique || folded || elements {
                inner.commands.push(Command::Dedup(vec![key.clone()]));
            }
            Ok(empties && !ty.is_numeric() && ty != ScalarType::Datetime)
        })?;
        if empties && lacks {
            self.fill(std::slice::from_ref(&key));
        }
        self.limited(&branch, pipeline.span);
        let flag = self.helper();
        self.scratch.push(flag.clone());
        let join = Command::Join {
            outer: true,
            all: false,
            keys: vec![key],
            flag: Some(flag.clone()),
            search: branch.commands(),
        };
        self.commands.push(join);
        let found = EvalExpr::is_not_null(EvalExpr::Field(flag));
        Ok(Condition::eval(if matched.negated { found.negated() } else { found }))
    }

    /// `has_any (T | …)`: the terms of the other rows are put into one regular expression, which the row is held against.
    fn has_any_of_table(&mut self, matched: &TextMatch, value: EvalExpr, pipeline: &Pipeline) -> Fit<Condition> {
        let (on, pattern) = (self.helper(), self.helper());
        let polarity = if matched.negated { self.polarity.negated() } else { self.polarity };
        let (branch, ()) = self.first_column(pipeline, polarity, |inner, column, ty| {
            let (made, value) = inner.carried_over(&column, pattern.clone());
            let (value, elements) = match column.shape {
                Shape::Multi => (value, true),
                Shape::Json if ty == ScalarType::Dynamic => (call("json_array_to_mv", [value]), true),
                Shape::Json => (value, false),
            };
            inner.expose(vec![("$value".into(), Column { shape: Shape::Json, ..made }, value)])?;
            if elements {
                inner.commands.push(Command::MvExpand(pattern.clone(), None));
            }
            // A boundary stands where the term begins or ends in a letter or digit.
            let edge = r"(?:(?<![\p{L}\p{N}])|(?![\p{L}\p{N}]))";
            let end = r"(?:(?![\p{L}\p{N}])|(?<![\p{L}\p{N}]))";
            let case = if matched.case == Case::Insensitive { "(?i)" } else { "" };
            let literal = call(
                "replace",
                [
                    EvalExpr::Field(pattern.clone()),
                    EvalExpr::Regex(r"([^\p{L}\p{N}])".to_owned()),
                    EvalExpr::Text(r"\\\1".to_owned()),
                ],
            );
            inner.commands.push(Command::Eval(vec![(pattern.clone(), literal)]));
            inner.commands.push(Command::Stats {
                aggregates: vec![StatsAggregate {
                    function: "values".to_owned(),
                    of: StatsInput::Field(pattern.clone()),
                    name: pattern.clone(),
                }],
                by: Vec::new(),
            });
            let any = call("mvjoin", [EvalExpr::Field(pattern.clone()), text("|")]);
            let whole = EvalExpr::Concat(vec![text(format!("{case}{edge}(?:")), any, text(format!("){end}"))]);
            inner.commands.push(Command::Eval(vec![(pattern.clone(), whole), (on.clone(), number(1))]));
            Ok(())
        })?;
        self.beside_every_row(&on, branch, pipeline.span);
        self.scratch.extend([on, pattern.clone()]);
        let found = call("match", [EvalExpr::or_empty(value), EvalExpr::Field(pattern.clone())]);
        Ok(Condition::eval(if matched.negated {
            EvalExpr::any([EvalExpr::is_null(EvalExpr::Field(pattern)), found.negated()])
        } else {
            found
        }))
    }

    /// `toscalar(T | …)`: the first column of the first row, in every row.
    pub(super) fn scalar(&mut self, expr: &Expr, pipeline: &Pipeline) -> Fit<EvalExpr> {
        let (on, field) = (self.helper(), self.helper());
        let one = || number(1);
        let (branch, ()) = self.first_column(pipeline, Polarity::Aggregated, |inner, column, _| {
            let (made, value) = inner.carried_over(&column, field.clone());
            let value = match column.shape {
                Shape::Multi => call("mv_to_json_array", [value]),
                Shape::Json => value,
            };
            let made = Column { shape: Shape::Json, ..made };
            if !inner.is_unique_by(&[]) {
                inner.commands.push(Command::Head(1));
            }
            let constant = Column::computed(on.clone(), ScalarType::Long);
            inner.expose(vec![("$on".into(), constant, one()), ("$value".into(), made, value)])
        })?;
        self.beside_every_row(&on, branch, expr.span);
        self.scratch.extend([on, field.clone()]);
        Ok(EvalExpr::Field(field))
    }

    /// The one row of a search beside every row here: both sides hold 1 in `on`.
    fn beside_every_row(&mut self, on: &Name, branch: Branch<'a>, span: Span) {
        self.limited(&branch, span);
        self.commands.push(Command::Eval(vec![(on.clone(), number(1))]));
        self.commands.push(Command::Join {
            outer: true,
            all: false,
            keys: vec![on.clone()],
            flag: None,
            search: branch.commands(),
        });
    }

    /// A search of whose rows the first column is read.
    fn first_column<T>(
        &mut self,
        pipeline: &Pipeline,
        polarity: Polarity,
        then: impl FnOnce(&mut Fitter<'a, '_>, Column<'a>, ScalarType) -> Fit<T>,
    ) -> Fit<(super::Branch<'a>, T)> {
        let Some((name, ty)) = pipeline.columns.columns.first().cloned() else {
            return Err(Unsayable::not_yet(pipeline.span, "a comparison with rows whose columns are not known")
                .help("project the column that is compared"));
        };
        let after = Demand { names: [name.clone()].into(), open: false };
        let span: Span = pipeline.span;
        self.nested(pipeline, polarity, after, &Window::default(), |inner| {
            let column = inner.named(&name, ty, span)?;
            inner.first = Some(name.clone());
            then(inner, column, ty)
        })
    }

    /// Whether the column that is read is known to be there in every row.
    fn lists_present(&self) -> bool {
        self.first.as_ref().is_some_and(|name| self.proven.contains(name))
    }

    fn is_unique(&self, value: &EvalExpr) -> bool {
        if let EvalExpr::Field(field) = value { self.is_unique_by(std::slice::from_ref::<Name>(field)) } else { false }
    }
}
