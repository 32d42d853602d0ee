//! Conversions between types, with KQL's null where there is no value of the other type.

use super::form::{call, concat, cut, divide, matches, multiply, number, replaced, subtract, text};
use crate::diagnostic::{Code, Effect};
use crate::fit::spl::scope::Shape;
use crate::fit::spl::tree::EvalExpr;
use crate::fit::spl::{Fit, Fitter, Unsayable};
use crate::plan::{Expr, ScalarType};

impl<'a> Fitter<'a, '_> {
    pub(super) fn conversion(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Fit<Option<EvalExpr>> {
        Ok(Some(match (name, args) {
            ("tostring", [value]) => self.text_form(value)?,
            ("tolong" | "toint", [value]) => match value.ty {
                ScalarType::Int | ScalarType::Long => self.value(value)?,
                ScalarType::Real | ScalarType::Decimal => {
                    let number = self.value(value)?;
                    cut(self.shared(number, value.span))
                }
                ScalarType::Bool => {
                    let [yes, no] = self.truths(value)?;
                    call("case", [yes, number(1), no, number(0)])
                }
                ScalarType::Timespan => multiply(self.operand(value)?, number(10_000_000)),
                ScalarType::Datetime => {
                    let message = "a time in ticks has more digits than a number of Splunk";
                    self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                    let seconds = EvalExpr::arithmetic(
                        crate::fit::spl::tree::Operator::Add,
                        self.operand(value)?,
                        number(62_135_596_800_i64),
                    );
                    multiply(seconds, number(10_000_000))
                }
                ScalarType::Dynamic | ScalarType::Guid | ScalarType::String | ScalarType::Unknown => {
                    let message = format!(
                        "function `{name}`: what KQL makes of a text that is a number with a fraction is not documented, here the fraction is cut off"
                    );
                    self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                    let number = call("tonumber", [self.json(value)?]);
                    cut(self.shared(number, value.span))
                }
            },
            ("toreal" | "todecimal", [value]) => match value.ty {
                ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal => self.value(value)?,
                ScalarType::Bool => {
                    let [yes, no] = self.truths(value)?;
                    call("case", [yes, number(1), no, number(0)])
                }
                ScalarType::Timespan | ScalarType::Datetime => {
                    return Err(Unsayable::not_yet(expr.span, "a time as a number"));
                }
                ScalarType::Dynamic | ScalarType::Guid | ScalarType::String | ScalarType::Unknown => {
                    call("tonumber", [self.json(value)?])
                }
            },
            ("tobool", [value]) => {
                let [yes, no] = self.truths(value)?;
                call("case", [yes, text("true"), no, text("false")])
            }
            ("toguid", [value]) => {
                let guid = r"(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\z";
                let held = self.text_value(value)?;
                let held = self.shared(held, value.span);
                call("case", [matches(held.clone(), guid), call("lower", [held])])
            }
            ("todatetime", [value]) => self.time_form(expr, value)?,
            ("totimespan", [value]) if value.ty == ScalarType::Timespan => self.operand(value)?,
            ("totimespan", [value]) => {
                let message = "of the texts that are a span of time only `d.hh:mm:ss` and `hh:mm:ss` are read";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                let value = self.text_value(value)?;
                let pattern = r"^(?:([0-9]+)\.)?([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]+)?)\z";
                let part = |group: u8, size: u32| {
                    let part = concat([text("0"), replaced(value.clone(), pattern, format!("\\{group}"))]);
                    let part = call("tonumber", [part]);
                    if size == 1 { part } else { multiply(part, number(size)) }
                };
                let sum =
                    [part(1, 86_400), part(2, 3600), part(3, 60), part(4, 1)].into_iter().reduce(super::form::add);
                call("case", [matches(value.clone(), pattern), sum.unwrap_or_else(EvalExpr::null)])
            }
            _ => return Ok(None),
        }))
    }

    /// `tostring(x)`
    fn text_form(&mut self, value: &Expr) -> Fit<EvalExpr> {
        if value.ty == ScalarType::Dynamic && self.shape(value) == Shape::Multi {
            // An array without elements has a text, a missing multivalue has none.
            return Ok(super::form::or(self.json(value)?, text("[]")));
        }
        self.text_value(value)
    }

    /// The text of a truth value: `true`, `false`.
    pub(super) fn truth_text(&mut self, value: &Expr) -> Fit<EvalExpr> {
        let raw = self.held_column(value)?.is_some_and(|column| column.raw);
        self.note(
            Code::Approximated,
            Effect::Unsure,
            value.span,
            "KQL's documentation does not state the text of a truth value",
        );
        if !raw {
            return self.value(value);
        }
        let [yes, no] = self.truths(value)?;
        Ok(call("case", [yes, text("true"), no, text("false")]))
    }

    /// When a value is true, and when it is false; null and everything else is neither.
    pub(super) fn truths(&mut self, value: &Expr) -> Fit<[EvalExpr; 2]> {
        match value.ty {
            ScalarType::Bool => Ok([self.predicate(value)?.eval, self.negation(value)?.eval]),
            ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal => {
                let value = self.value(value)?;
                Ok([EvalExpr::ne(value.clone(), number(0)), EvalExpr::eq(value, number(0))])
            }
            ScalarType::Dynamic | ScalarType::String | ScalarType::Unknown | ScalarType::Guid => {
                let held = call("lower", [self.json(value)?]);
                let held = self.shared(held, value.span);
                let is = |texts: [&str; 2]| call("in", [held.clone(), text(texts[0]), text(texts[1])]);
                Ok([is(["true", "1"]), is(["false", "0"])])
            }
            ScalarType::Datetime | ScalarType::Timespan => {
                Err(Unsayable::not_yet(value.span, "a time as a truth value"))
            }
        }
    }

    /// `todatetime(x)`
    fn time_form(&mut self, expr: &Expr, value: &Expr) -> Fit<EvalExpr> {
        match value.ty {
            ScalarType::Datetime => self.operand(value),
            ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal => {
                self.note(Code::Approximated, Effect::Unsure, expr.span, "a number is read as ticks since the year 1");
                Ok(subtract(divide(self.value(value)?, number(10_000_000)), number(62_135_596_800_i64)))
            }
            ScalarType::Bool | ScalarType::Timespan => {
                Err(Unsayable::not_yet(expr.span, format!("a `{}` as a time", value.ty)))
            }
            ScalarType::Dynamic | ScalarType::Guid | ScalarType::String | ScalarType::Unknown => {
                let message =
                    "of the texts that are a time only ISO 8601 in UTC is read, such as `2024-06-15T12:00:00.123Z`";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                let value = self.text_value(value)?;
                Ok(self.iso(value, expr.span))
            }
        }
    }

    /// Seconds since 1970 of a time in ISO 8601 text in UTC, with or without a fraction.
    pub(in crate::fit::spl) fn iso(&mut self, value: EvalExpr, span: crate::source::Span) -> EvalExpr {
        let value = self.shared(value, span);
        let whole = concat([call("substr", [value.clone(), number(1), number(19)]), text("+0000")]);
        let fraction = replaced(call("substr", [value, number(20)]), "[^0-9.]", "");
        EvalExpr::arithmetic(
            crate::fit::spl::tree::Operator::Add,
            call("strptime", [whole, text("%Y-%m-%dT%H:%M:%S%z")]),
            call("tonumber", [concat([text("0"), fraction])]),
        )
    }

    /// The text of a span of time: `1.02:03:04`.
    pub(super) fn span_text(&mut self, arg: &Expr) -> Fit<EvalExpr> {
        let message = "the text of a span of time below zero or with parts of a second may differ";
        self.note(Code::Approximated, Effect::Unsure, arg.span, message);
        let value = self.operand(arg)?;
        let duration = call("tostring", [value, text("duration")]);
        Ok(replaced(duration, r"\+", "."))
    }
}
