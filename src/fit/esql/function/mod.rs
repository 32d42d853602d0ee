//! Functions: a row of `targets/esql/functions.toml` where nothing must be looked at, else Rust, by theme. Operators and
//! constants are in `value.rs`.

mod choice;
mod convert;
mod dynamic;
mod path;
mod record;
mod strings;
mod time;
mod truth;

use super::tree::Expr;
use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::plan::{Expr as Meant, ExprKind, ScalarType};
use crate::target::Spelling;
use crate::vocabulary::{ParamType, Returns};

/// In which form a dynamic value is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The JSON text of it.
    Json,
    /// A list of values of one type.
    Many,
    /// A field of the event, or the fields below it: an array is a list, an object has no form as a whole.
    Event,
}

impl<'a> Fitter<'a, '_> {
    /// The name of the function that an expression calls.
    pub(super) fn function_name(&self, expr: &Meant) -> Option<&'a str> {
        let ExprKind::Call { function, .. } = &expr.kind else { return None };
        self.frame.vocabulary.function_row(*function).map(|row| row.name.as_str())
    }

    /// A function.
    pub(super) fn call(&mut self, expr: &Meant) -> Fit<Expr> {
        let ExprKind::Call { function, args } = &expr.kind else { return Err(unwritten(expr.span, "this value")) };
        let Some(row) = self.frame.vocabulary.function_row(*function) else {
            return Err(Unsayable::new(Code::Fault, expr.span, "the function is not known"));
        };
        let name = row.name.as_str();
        if let Some(special) = self.special(expr, name, args)? {
            return Ok(special);
        }
        let spelling = self.frame.spellings.get(name).map_err(|error| {
            Unsayable::new(Code::BadTargetData, expr.span, format!("the data of the target can not be used: {error}"))
        })?;
        match spelling {
            Some(Spelling::Refused { reason, instead }) => {
                let message = format!("function `{name}` can not be said: {reason}");
                let refused = Unsayable::new(Code::RefusedFunction, expr.span, message);
                Err(match instead {
                    Some(instead) => refused.help(instead.clone()),
                    None => refused,
                })
            }
            Some(Spelling::Written(written)) => {
                let Some(template) = written.template(args.len()) else {
                    let what = format!("function `{name}` with {} arguments", args.len());
                    return Err(unwritten(expr.span, what));
                };
                self.frame.allows_spelling(name, written, expr.span).map_err(Unsayable)?;
                let mut values = Vec::new();
                for (index, arg) in args.iter().enumerate() {
                    values.push(match row.param(index) {
                        Some(ParamType::Bool) => self.predicate(arg)?,
                        Some(_) | None if arg.ty == ScalarType::String => self.filled(arg)?,
                        Some(_) | None if row.returns == Returns::Type(ScalarType::String) => self.text_value(arg)?,
                        Some(_) | None => self.operand(arg)?,
                    });
                }
                if let Some(difference) = &written.difference {
                    let message = format!("function `{name}`: {}", difference.note);
                    let code = difference.code.unwrap_or(Code::Approximated);
                    self.note(code, difference.effect, expr.span, message);
                }
                Ok(Expr::Spelled { template: template.clone(), binding: written.binding, args: values })
            }
            None => Err(unwritten(expr.span, format!("function `{name}`"))),
        }
    }

    /// Functions whose form depends on their arguments.
    fn special(&mut self, expr: &Meant, name: &str, args: &[Meant]) -> Fit<Option<Expr>> {
        macro_rules! first {
            ($($theme:ident),*) => {
                $(if let Some(value) = self.$theme(expr, name, args)? { return Ok(Some(value)); })*
            };
        }
        first!(choice, conversion, string_call, time_call, truth_value_call, record_call, dynamic_call);
        Ok(None)
    }

    /// Notes that a function is said in another way.
    pub(super) fn approximated(&mut self, expr: &Meant, message: &str) {
        self.note(Code::Approximated, Effect::Unsure, expr.span, message);
    }
}
