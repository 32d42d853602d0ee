//! Functions of texts.

use crate::fit::esql::text::fold;
use crate::fit::esql::tree::Expr;
use crate::fit::esql::{Fit, Fitter};
use crate::fit::lucene::Folded;
use crate::plan::Expr as Meant;

impl<'a> Fitter<'a, '_> {
    pub(super) fn string_call(&mut self, _expr: &Meant, name: &str, args: &[Meant]) -> Fit<Option<Expr>> {
        Ok(Some(match (name, args) {
            ("tolower", [text]) => fold(self.text_value(text)?, Folded::Lower),
            ("toupper", [text]) => fold(self.text_value(text)?, Folded::Upper),
            ("strlen", [text]) => Expr::call("LENGTH", [self.filled(text)?]),
            ("strcat", [only]) => self.text_value(only)?,
            ("strcat", parts) => {
                let parts = parts.iter().map(|part| self.filled(part)).collect::<Fit<Vec<_>>>()?;
                Expr::Call("CONCAT", parts)
            }
            _ => return Ok(None),
        }))
    }
}
