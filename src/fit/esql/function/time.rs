//! Functions of times.

use crate::fit::esql::moment::{span, start_of};
use crate::fit::esql::scope::{Form, converted};
use crate::fit::esql::tree::{Expr, Operator};
use crate::fit::esql::value::milliseconds;
use crate::fit::esql::{Fit, Fitter, unwritten};
use crate::plan::{CalendarUnit, Expr as Meant, ScalarType, TICKS_PER_DAY, Value};

impl<'a> Fitter<'a, '_> {
    pub(super) fn time_call(&mut self, expr: &Meant, name: &str, args: &[Meant]) -> Fit<Option<Expr>> {
        Ok(Some(match (name, args) {
            ("bin" | "floor", [value, size]) => self.bin(expr, value, size)?,
            ("startofday", [time]) => start_of(self.value(time)?, CalendarUnit::Day),
            ("startofweek", [time]) => start_of(self.value(time)?, CalendarUnit::Week),
            ("startofmonth", [time]) => start_of(self.value(time)?, CalendarUnit::Month),
            ("startofyear", [time]) => start_of(self.value(time)?, CalendarUnit::Year),
            _ => return Ok(None),
        }))
    }

    /// `bin(value, size)`
    fn bin(&mut self, expr: &Meant, value: &Meant, size: &Meant) -> Fit<Expr> {
        if value.ty == ScalarType::Datetime {
            let Some(Value::Timespan(ticks)) = size.as_literal() else {
                return Err(unwritten(size.span, "a `bin` by what is no constant length of time"));
            };
            self.ledger.carried(size.id);
            let time = self.value(value)?;
            // KQL counts from the year 1, a Monday, and ES|QL from 1970: both cut weeks at Mondays and days at midnight.
            let alike = *ticks > 0 && (TICKS_PER_DAY % ticks == 0 || *ticks == TICKS_PER_DAY * 7);
            if !alike {
                self.approximated(expr, "bins that do not divide a day begin at other times than in KQL");
            }
            let Some(size) = span(*ticks) else {
                return Err(unwritten(size.span, "a `bin` of less than a millisecond"));
            };
            return Ok(Expr::call("DATE_TRUNC", [size, time]));
        }
        let (a, size_value) = (self.operand(value)?, self.operand(size)?);
        let size_value = match size.as_literal() {
            Some(Value::Timespan(ticks)) => milliseconds(*ticks),
            Some(_) | None => size_value,
        };
        let quotient =
            Expr::arithmetic(Operator::Divide, converted(a, Form::Keyword, Form::Double), size_value.clone());
        let whole = Expr::arithmetic(Operator::Multiply, Expr::call("FLOOR", [quotient]), size_value);
        let integer = matches!(expr.ty, ScalarType::Int | ScalarType::Long | ScalarType::Timespan);
        Ok(if integer { Expr::call("TO_LONG", [whole]) } else { whole })
    }
}
