//! Conversions between types: `tostring`, `toint`, `todatetime` and their like.

use crate::fit::esql::scope::{Form, converted};
use crate::fit::esql::tree::Expr;
use crate::fit::esql::{Fit, Fitter};
use crate::plan::{Expr as Meant, ScalarType};

impl<'a> Fitter<'a, '_> {
    pub(super) fn conversion(&mut self, expr: &Meant, name: &str, args: &[Meant]) -> Fit<Option<Expr>> {
        let [arg] = args else { return Ok(None) };
        let to = match name {
            "tostring" => return self.text_value(arg).map(Some),
            "toint" | "tolong" => Form::Long,
            "todouble" | "toreal" | "todecimal" => Form::Double,
            "tobool" => Form::Boolean,
            "todatetime" => Form::Date,
            "totimespan" if arg.ty == ScalarType::Timespan => return self.operand(arg).map(Some),
            "toguid" => {
                let text = self.text_value(arg)?;
                let guid = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}".to_owned();
                let like =
                    Expr::Like { value: Box::new(text.clone()), patterns: vec![guid], regex: true, negated: false };
                return Ok(Some(Expr::Call("CASE", vec![like, Expr::call("TO_LOWER", [text])])));
            }
            _ => return Ok(None),
        };
        let value = self.value(arg)?;
        let from = self.form(arg);
        if arg.ty == ScalarType::String {
            match to {
                Form::Long => self.approximated(expr, "a text such as `0x10` or `1.5` may be read in another way"),
                Form::Date => self.approximated(expr, "only a time in the form of ISO 8601 is read"),
                Form::Boolean => {
                    self.approximated(
                        expr,
                        "a text that is no truth value is `false` in ES|QL, and KQL's has no value",
                    );
                }
                Form::Keyword | Form::Double | Form::Ip | Form::Untold | Form::Unread(_) => {}
            }
        }
        if from == Form::Double && to == Form::Long {
            // `TO_LONG` rounds to the nearest whole number, KQL cuts the fraction off.
            let cut = Expr::when(
                Expr::compare(crate::fit::esql::tree::Comparison::Lt, value.clone(), Expr::number(0)),
                Expr::call("CEIL", [value.clone()]),
                Expr::call("FLOOR", [value]),
            );
            return Ok(Some(Expr::call("TO_LONG", [cut])));
        }
        if from == Form::Long && to == Form::Double {
            return Ok(Some(Expr::call("TO_DOUBLE", [value])));
        }
        Ok(Some(converted(value, from, to)))
    }
}
