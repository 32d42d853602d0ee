//! Functions that are conditions: `ipv4_is_private`, `has_any_index` and their like.

use crate::fit::esql::tree::Expr;
use crate::fit::esql::{Fit, Fitter};
use crate::plan::{Expr as Meant, ExprKind};

impl<'a> Fitter<'a, '_> {
    /// A function as a condition; `None` where it is a value like others.
    pub(in crate::fit::esql) fn truth_call(&mut self, expr: &Meant) -> Fit<Option<Expr>> {
        let ExprKind::Call { args, .. } = &expr.kind else { return Ok(None) };
        let Some(name) = self.function_name(expr) else { return Ok(None) };
        Ok(match (name, args.as_slice()) {
            ("iff", [condition, yes, no]) => {
                let is = self.predicate(condition)?;
                let (yes, no) = (self.predicate(yes)?, self.predicate(no)?);
                Some(Expr::when(is, yes, no))
            }
            _ => None,
        })
    }
}
