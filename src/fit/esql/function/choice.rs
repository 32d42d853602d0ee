//! Functions that choose one of several values: `iff`, `case`, `coalesce`, `column_ifexists`.

use crate::diagnostic::{Code, Effect};
use crate::fit::esql::scope::{Form, converted};
use crate::fit::esql::tree::Expr;
use crate::fit::esql::{Fit, Fitter};
use crate::fit::known::is_nothing;
use crate::plan::{ColumnRef, Expr as Meant, ExprKind, ScalarType, Value};

impl<'a> Fitter<'a, '_> {
    pub(super) fn choice(&mut self, expr: &Meant, name: &str, args: &[Meant]) -> Fit<Option<Expr>> {
        Ok(Some(match (name, args) {
            ("iff", [condition, yes, no]) => {
                let condition = self.predicate(condition)?;
                let (yes, no) = (self.branch(expr, yes)?, self.branch(expr, no)?);
                Expr::when(condition, yes, no)
            }
            ("case", [branches @ .., otherwise]) if branches.len() % 2 == 0 => {
                let mut values = Vec::new();
                for branch in branches.chunks_exact(2) {
                    if let [condition, value] = branch {
                        values.push(self.predicate(condition)?);
                        values.push(self.branch(expr, value)?);
                    }
                }
                values.push(self.branch(expr, otherwise)?);
                Expr::Call("CASE", values)
            }
            ("coalesce", items) => {
                let mut values = Vec::new();
                for item in items {
                    let value = self.branch(expr, item)?;
                    // The first text that is not empty.
                    let textual = item.ty == ScalarType::String && item.as_literal().is_none();
                    let filled = textual && !self.held_column(item)?.is_some_and(|column| column.empty_is_absent);
                    values.push(if filled {
                        let empty = Expr::eq(value.clone(), Expr::text(""));
                        Expr::call("CASE", [empty.negated(), value])
                    } else {
                        value
                    });
                }
                if values.len() == 1 { values.remove(0) } else { Expr::Call("COALESCE", values) }
            }
            ("column_ifexists", [_, otherwise]) => match self.if_exists(expr) {
                Some(column) if is_nothing(otherwise) || *otherwise == column => {
                    self.carry(otherwise);
                    self.value(&column)?
                }
                Some(column) => {
                    let message = "a row that lacks the column gets the other value in ES|QL, also where the table has the column";
                    self.note(Code::NullSemantics, Effect::Unsure, expr.span, message);
                    self.value(&column)?.or(self.branch(expr, otherwise)?)
                }
                None => self.branch(expr, otherwise)?,
            },
            _ => return Ok(None),
        }))
    }

    /// One of the values of a choice, in the type of all.
    fn branch(&mut self, choice: &Meant, value: &Meant) -> Fit<Expr> {
        if matches!(value.as_literal(), Some(Value::Null(_))) {
            self.ledger.carried(value.id);
            return Ok(Expr::Null);
        }
        let said = if choice.ty == ScalarType::String { self.text_value(value)? } else { self.value(value)? };
        let (from, to) = (self.form(value), Form::of(choice.ty));
        Ok(match (from, to) {
            _ if choice.ty == ScalarType::String => said,
            (Form::Long, Form::Double) => Expr::call("TO_DOUBLE", [said]),
            (from, to) => converted(said, from, to),
        })
    }

    /// The column that `column_ifexists` reads, as an expression; `None` where the row has none of that name.
    pub(in crate::fit::esql) fn if_exists(&mut self, expr: &Meant) -> Option<Meant> {
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
        let ty = made.unwrap_or(if otherwise.ty == ScalarType::Unknown { expr.ty } else { otherwise.ty });
        self.column(&column, ty, name.span).ok()?;
        Some(Meant { kind: ExprKind::Column(column), ty, ..expr.clone() })
    }
}
