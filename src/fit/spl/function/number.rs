//! Functions of numbers that look at their arguments.

use super::form::{call, divide, modulo, number};
use crate::diagnostic::{Code, Effect};
use crate::fit::spl::tree::EvalExpr;
use crate::fit::spl::{Fit, Fitter};
use crate::plan::{Expr, ScalarType};

impl<'a> Fitter<'a, '_> {
    pub(super) fn number_call(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Fit<Option<EvalExpr>> {
        Ok(Some(match (name, args) {
            ("min_of" | "max_of", items) => {
                if expr.ty == ScalarType::String || expr.ty == ScalarType::Dynamic {
                    let message = "texts that look like numbers are compared as numbers";
                    self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                }
                let values = items.iter().map(|item| self.operand(item)).collect::<Fit<Vec<_>>>()?;
                EvalExpr::Call(if name == "min_of" { "min" } else { "max" }, values)
            }
            ("rand", []) => {
                self.by_chance(expr);
                divide(call("random", []), number(2_147_483_648_u32))
            }
            ("rand", [limit]) => {
                self.by_chance(expr);
                modulo(call("random", []), self.operand(limit)?)
            }
            ("hash", [value]) => {
                self.other_hash(expr);
                self.hash(value)?
            }
            ("hash", [value, modulus]) => {
                self.other_hash(expr);
                modulo(self.hash(value)?, self.operand(modulus)?)
            }
            ("new_guid", []) => {
                self.by_chance(expr);
                let chance =
                    call("md5", [super::form::concat([call("random", []), call("random", []), call("random", [])])]);
                super::form::replaced(chance, "(.{8})(.{4})(.{4})(.{4})(.{12})", "\\1-\\2-\\3-\\4-\\5")
            }
            _ => return Ok(None),
        }))
    }

    fn by_chance(&mut self, expr: &Expr) {
        let message = "the value is one of chance in both";
        self.note(Code::ArbitraryChoice, Effect::Exact, expr.span, message);
    }

    fn other_hash(&mut self, expr: &Expr) {
        let message =
            "KQL's `hash` is xxHash64, which Splunk has not: the values are other ones, equal where KQL's are";
        self.note(Code::Approximated, Effect::Unsure, expr.span, message);
    }

    /// A number that is the same for equal texts.
    fn hash(&mut self, value: &Expr) -> Fit<EvalExpr> {
        let digest = call("md5", [self.present_text(value)?]);
        Ok(call("tonumber", [call("substr", [digest, number(1), number(13)]), number(16)]))
    }
}
