//! Functions that choose one of several values: `iff`, `case`, `coalesce`, `column_ifexists`.

use super::form::{call, text, when};
use crate::diagnostic::{Code, Effect};
use crate::fit::known::is_nothing;
use crate::fit::spl::scope::Shape;
use crate::fit::spl::tree::EvalExpr;
use crate::fit::spl::{Fit, Fitter};
use crate::plan::{ColumnRef, Expr, ExprKind, ScalarType, Value};

impl<'a> Fitter<'a, '_> {
    pub(super) fn choice(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Fit<Option<EvalExpr>> {
        Ok(Some(match (name, args) {
            ("iff", [condition, yes, no]) => {
                let condition = self.predicate(condition)?.eval;
                when(condition, self.branch(expr, yes)?, self.branch(expr, no)?)
            }
            ("case", [branches @ .., otherwise]) if branches.len() % 2 == 0 => {
                let mut values = Vec::new();
                for branch in branches.chunks_exact(2) {
                    if let [condition, value] = branch {
                        values.push(self.predicate(condition)?.eval);
                        values.push(self.branch(expr, value)?);
                    }
                }
                values.push(EvalExpr::bool(true));
                values.push(self.branch(expr, otherwise)?);
                EvalExpr::Call("case", values)
            }
            ("coalesce", items) => {
                let mut values = Vec::new();
                for item in items {
                    let value = self.branch(expr, item)?;
                    // The first text that is not empty.
                    let textual = item.ty == ScalarType::String && item.as_literal().is_none();
                    values.push(if textual { call("nullif", [value, text("")]) } else { value });
                }
                EvalExpr::Call("coalesce", values)
            }
            ("column_ifexists", [_, otherwise]) => match self.if_exists(expr) {
                Some(column) => {
                    let value = self.operand(&column)?;
                    if is_nothing(otherwise) || *otherwise == column {
                        self.carry(otherwise);
                        value
                    } else {
                        let message = "a row that lacks the column gets the other value in Splunk, also where the table has the column";
                        self.note(Code::NullSemantics, Effect::Unsure, expr.span, message);
                        call("coalesce", [value, self.branch(expr, otherwise)?])
                    }
                }
                None => self.branch(expr, otherwise)?,
            },
            _ => return Ok(None),
        }))
    }

    /// One of the values of a choice, held as the choice is.
    fn branch(&mut self, choice: &Expr, value: &Expr) -> Fit<EvalExpr> {
        let raw = matches!(value.kind, ExprKind::Column(_) | ExprKind::Path { .. });
        if choice.ty == ScalarType::Bool && raw {
            // The event may have `True` or `1`.
            let [yes, no] = self.truths(value)?;
            return Ok(call("case", [yes, text("true"), no, text("false")]));
        }
        if choice.ty != ScalarType::Dynamic || matches!(value.as_literal(), Some(Value::Null(_))) {
            return self.operand(value);
        }
        match self.shape(choice) {
            Shape::Json => self.json(value),
            Shape::Multi => self.multi(value),
        }
    }

    /// The column that `column_ifexists` reads, as an expression; `None` where the row has none of that name.
    pub(in crate::fit::spl) fn if_exists(&mut self, expr: &Expr) -> Option<Expr> {
        let ExprKind::Call { args, .. } = &expr.kind else { return None };
        let [name, otherwise] = args.as_slice() else { return None };
        let column = match (name.as_column(), name.as_str()) {
            (Some(column), _) => column.clone(),
            (None, Some(name)) => ColumnRef { name: name.into(), known: false },
            (None, None) => return None,
        };
        self.ledger.carried(expr.id);
        self.ledger.carried(name.id);
        let made = self.scope.made.get(&column.name).map(|made| made.ty);
        let ty = match made {
            Some(ty) => ty,
            None if otherwise.ty == ScalarType::Unknown => expr.ty,
            None => otherwise.ty,
        };
        let found = self.column(&column, ty, name.span);
        if let Err(reason) = found {
            if self.scope.events {
                let message = format!("column `{}` is taken to be missing: {}", column.name, reason.0.message);
                self.note(Code::NullSemantics, Effect::Unsure, expr.span, message);
            }
            return None;
        }
        Some(Expr { kind: ExprKind::Column(column), ty, ..expr.clone() })
    }
}
