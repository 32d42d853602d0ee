//! Functions of addresses that give no truth value; those that do stand in `truth`.

use super::form::{add, call, divide, floor, greater, less, matches, modulo, multiply, number, text};
use crate::diagnostic::{Code, Effect};
use crate::fit::spl::tree::EvalExpr;
use crate::fit::spl::{Fit, Fitter};
use crate::plan::Expr;

/// An IPv4 address in four parts and nothing else.
pub(super) const ADDRESS: &str = r"^(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.(?!\z)|\z)){4}\z";

impl<'a> Fitter<'a, '_> {
    pub(super) fn network_call(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Fit<Option<EvalExpr>> {
        Ok(Some(match (name, args) {
            ("parse_ipv4", [address]) => {
                self.no_suffix(expr);
                let value = self.text_value(address)?;
                call("case", [matches(value.clone(), ADDRESS), as_number(&value)])
            }
            ("ipv4_compare", [a, b]) => {
                self.no_suffix(expr);
                let (a, b) = (self.text_value(a)?, self.text_value(b)?);
                let valid = EvalExpr::all([matches(a.clone(), ADDRESS), matches(b.clone(), ADDRESS)]);
                let (x, y) = (as_number(&a), as_number(&b));
                let order = call(
                    "case",
                    [less(x.clone(), y.clone()), number(-1), greater(x, y), number(1), EvalExpr::bool(true), number(0)],
                );
                call("case", [valid, order])
            }
            ("format_ipv4", [address]) => {
                self.no_suffix(expr);
                let value = self.operand(address)?;
                let part = |size: u32| modulo(floor(divide(value.clone(), number(size))), number(256));
                call("printf", [text("%d.%d.%d.%d"), part(16_777_216), part(65_536), part(256), part(1)])
            }
            _ => return Ok(None),
        }))
    }

    fn no_suffix(&mut self, expr: &Expr) {
        let message = "an address with the length of a network behind it is not read";
        self.note(Code::Approximated, Effect::Unsure, expr.span, message);
    }
}

/// An address as a number.
fn as_number(value: &EvalExpr) -> EvalExpr {
    let part = |index: u8| call("mvindex", [call("split", [value.clone(), text(".")]), number(index)]);
    let high = add(multiply(part(0), number(16_777_216)), multiply(part(1), number(65_536)));
    add(add(high, multiply(part(2), number(256))), part(3))
}
