//! `mv-expand`: a row for each element of an array.
//!
//! KQL makes one row of a null and none of an empty array; `mvexpand` keeps a row whose field is missing. Several arrays
//! are expanded side by side, for which a multivalue of their indexes is expanded.
//! See <https://learn.microsoft.com/kusto/query/mv-expand-operator> and
//! <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/mvexpand>.

use super::form::{call, matches, number, or, when};
use std::sync::Arc;

use super::scope::{Column, Shape};
use super::tree::{Command, EvalExpr, Name};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::plan::{Expr, MvItem, ScalarType, Stage, Value};

/// An array that is expanded.
pub(super) struct Array<'a> {
    /// The field of its elements.
    field: Name,
    /// What it holds, as Splunk has it.
    value: EvalExpr,
    shape: Shape,
    /// There is no array without elements: a missing one has one, which is missing.
    never_empty: bool,
    name: Arc<str>,
    column: Column<'a>,
}

impl<'a> Fitter<'a, '_> {
    /// `mv-expand`
    pub(super) fn mv_expand(
        &mut self,
        stage: &Stage,
        items: &[MvItem],
        index: Option<&Arc<str>>,
        limit: Option<&Expr>,
    ) -> Fit<()> {
        let limit = self.expand_limit(limit)?;
        let mut arrays = Vec::new();
        for item in items {
            let field = self.new_field(&item.name, item.value.span)?;
            arrays.push(self.array(item, field)?);
        }
        self.expand(stage, arrays, index, limit, false)
    }

    /// Expands arrays; `keep`: a row without an element stays, with none.
    pub(super) fn expand(
        &mut self,
        stage: &Stage,
        arrays: Vec<Array<'a>>,
        index: Option<&Arc<str>>,
        limit: Option<u64>,
        keep: bool,
    ) -> Fit<()> {
        if arrays.iter().any(|array| array.shape == Shape::Json) {
            let message = "an object that stands where an array is expected stays whole in Splunk, and a null among the \
                           elements is a text";
            self.note(Code::Approximated, Effect::Unsure, stage.span, message);
        }
        match (arrays.as_slice(), index) {
            ([array], None) => self.expand_one(array, limit, keep),
            (arrays, index) => self.expand_side_by_side(stage, arrays, index, limit, keep)?,
        }
        for array in arrays {
            if array.column.ty.is_numeric() {
                let value = call("tonumber", [EvalExpr::Field(array.field.clone())]);
                self.commands.push(Command::Eval(vec![(array.field, value)]));
            }
            self.scope.made.insert(array.name, array.column);
        }
        Ok(())
    }

    /// How many rows a row may become.
    pub(super) fn expand_limit(&mut self, limit: Option<&Expr>) -> Fit<Option<u64>> {
        let Some(limit) = limit else { return Ok(None) };
        self.ledger.carried(limit.id);
        match limit.as_literal() {
            Some(Value::Long(number)) if *number > 0 => Ok(Some(number.unsigned_abs())),
            _ => Err(Unsayable::not_yet(limit.span, "a number of elements that is no positive constant")),
        }
    }

    /// What is expanded, and the field of its elements.
    pub(super) fn array(&mut self, item: &MvItem, field: Name) -> Fit<Array<'a>> {
        self.ledger.carried(item.id);
        let shape = self.shape(&item.value);
        let value = match shape {
            Shape::Json => self.json(&item.value)?,
            Shape::Multi => self.multi(&item.value)?,
        };
        let held = self.held_column(&item.value)?;
        let never_empty = shape == Shape::Multi && self.is_null_array(&item.value);
        let ty = item.ty.unwrap_or(ScalarType::Dynamic);
        let seconds = shape == Shape::Multi && held.is_some_and(|held| held.seconds);
        if matches!(ty, ScalarType::Datetime | ScalarType::Timespan) && !seconds {
            let message = "a time among the elements stays the text that it is";
            self.note(Code::Approximated, Effect::Unsure, item.value.span, message);
        }
        if ty.is_numeric() {
            let message = "a text among the elements that looks like a number is one in Splunk, and null in KQL";
            self.note(Code::Approximated, Effect::Unsure, item.value.span, message);
        }
        let column = Column { seconds, ..Column::computed(field.clone(), ty) };
        Ok(Array { field, value, shape, never_empty, name: item.name.clone(), column })
    }

    /// One array.
    fn expand_one(&mut self, array: &Array<'_>, limit: Option<u64>, keep: bool) {
        let elements = match array.shape {
            Shape::Json if keep => {
                let none = when(empty_array(array.value.clone()), EvalExpr::null(), array.value.clone());
                let all = call("json_array_to_mv", [array.value.clone()]);
                or(all, none)
            }
            Shape::Json => {
                let missing = EvalExpr::is_null(array.value.clone());
                let kept = EvalExpr::any([missing, empty_array(array.value.clone()).negated()]);
                self.commands.push(Command::Where(kept));
                elements(array.value.clone())
            }
            Shape::Multi => array.value.clone(),
        };
        if elements != EvalExpr::Field(array.field.clone()) {
            self.commands.push(Command::Eval(vec![(array.field.clone(), elements)]));
        }
        self.commands.push(Command::MvExpand(array.field.clone(), limit));
        if array.shape == Shape::Multi && !array.never_empty && !keep {
            self.commands.push(Command::Where(EvalExpr::is_not_null(EvalExpr::Field(array.field.clone()))));
        }
    }

    /// Several arrays side by side, or one with the index of its elements.
    fn expand_side_by_side(
        &mut self,
        stage: &Stage,
        arrays: &[Array<'_>],
        index: Option<&Arc<str>>,
        limit: Option<u64>,
        keep: bool,
    ) -> Fit<()> {
        let position = match index {
            Some(name) => self.new_field(name, stage.span)?,
            None => self.helper(),
        };
        let mut lengths = Vec::new();
        let mut values = Vec::new();
        let mut picked = Vec::new();
        for array in arrays {
            let (length, missing) = match array.shape {
                Shape::Json => {
                    let count = call("mvcount", [elements(array.value.clone())]);
                    let count = when(empty_array(array.value.clone()), number("0"), count);
                    (count, number("1"))
                }
                Shape::Multi => {
                    let count = call("mvcount", [array.value.clone()]);
                    (count, number(if array.never_empty { "1" } else { "0" }))
                }
            };
            lengths.push(or(length, missing));
            let all = match array.shape {
                Shape::Json => elements(array.value.clone()),
                Shape::Multi => array.value.clone(),
            };
            if all != EvalExpr::Field(array.field.clone()) {
                values.push((array.field.clone(), all));
            }
            let field = EvalExpr::Field(array.field.clone());
            let one = call("mvindex", [field, EvalExpr::Field(position.clone())]);
            picked.push((array.field.clone(), one));
        }
        let longest = match lengths.pop() {
            Some(one) if lengths.is_empty() => one,
            last => {
                lengths.extend(last);
                EvalExpr::Call("max", lengths)
            }
        };
        let indexes = call("mvrange", [number("0"), longest]);
        let mut assignments = vec![(position.clone(), indexes)];
        assignments.extend(values);
        self.assign(assignments, &[]);
        self.commands.push(Command::MvExpand(position.clone(), limit));
        if !keep {
            self.commands.push(Command::Where(EvalExpr::is_not_null(EvalExpr::Field(position.clone()))));
        }
        self.commands.push(Command::Eval(picked));
        match index {
            Some(name) => {
                let column = Column { present: true, ..Column::computed(position, ScalarType::Long) };
                self.scope.made.insert(name.clone(), column);
            }
            None => self.commands.push(Command::FieldsAway(vec![position])),
        }
        Ok(())
    }
}

/// The elements of an array; what is none is its own only element.
fn elements(value: EvalExpr) -> EvalExpr {
    or(call("json_array_to_mv", [value.clone()]), value)
}

/// Whether a JSON text is an array without elements.
fn empty_array(value: EvalExpr) -> EvalExpr {
    matches(value, r"^\s*\[\s*\]\s*$".to_owned())
}
