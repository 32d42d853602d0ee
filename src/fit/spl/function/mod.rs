//! Functions in the eval language: a row of `targets/splunk/functions.toml` where nothing must be looked at, else Rust, by
//! theme. What a condition is stands in [`truth`], operators and constants in `value.rs`.

pub(super) mod choice;
mod convert;
mod dynamic;
mod network;
mod number;
mod record;
mod strings;
mod time;
mod truth;

use super::form;
use super::tree::{Command, EvalExpr, Name};
use super::{Fit, Fitter, Unsayable, regex};
use crate::diagnostic::{Code, Effect};
use crate::fit::regex::Dialect;
use crate::plan::{Expr, ExprKind, ScalarType};
use crate::source::Span;
use crate::target::Spelling;
use crate::vocabulary::{ParamType, Returns};

/// Nodes of an expression that is said several times before it gets a field of its own.
const LONG: usize = 8;

impl<'a> Fitter<'a, '_> {
    /// A function.
    pub(super) fn call(&mut self, expr: &Expr) -> Fit<EvalExpr> {
        let ExprKind::Call { function, args } = &expr.kind else {
            return Err(Unsayable::not_yet(expr.span, "this value"));
        };
        let Some(row) = self.frame.vocabulary.function_row(*function) else {
            return Err(Unsayable::new(Code::Fault, expr.span, "the function is not known"));
        };
        let name = row.name.as_str();
        if let Some(special) = self.special(expr, name, args)? {
            return Ok(special);
        }
        if row.returns == Returns::Type(ScalarType::Bool) && self.is_truth(name) {
            return self.truth_value(expr);
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
                    return Err(Unsayable::not_yet(
                        expr.span,
                        format!("function `{name}` with {} arguments", args.len()),
                    ));
                };
                let makes_text = row.returns == Returns::Type(ScalarType::String);
                let mut values = Vec::new();
                for (index, arg) in args.iter().enumerate() {
                    values.push(match row.param(index) {
                        Some(ParamType::Bool) => self.predicate(arg)?.eval,
                        Some(_) | None if makes_text => self.text_value(arg)?,
                        Some(_) | None => self.operand(arg)?,
                    });
                }
                if let Some(difference) = &written.difference {
                    let message = format!("function `{name}`: {}", difference.note);
                    let code = difference.code.unwrap_or(Code::Approximated);
                    self.note(code, difference.effect, expr.span, message);
                }
                Ok(EvalExpr::Spelled { template: template.clone(), binding: written.binding, args: values })
            }
            None => Err(Unsayable::not_yet(expr.span, format!("function `{name}`"))),
        }
    }

    /// Functions whose form depends on their arguments.
    fn special(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Fit<Option<EvalExpr>> {
        macro_rules! first {
            ($($theme:ident),*) => {
                $(if let Some(value) = self.$theme(expr, name, args)? { return Ok(Some(value)); })*
            };
        }
        first!(choice, conversion, string_call, time_call, number_call, dynamic_call, network_call, record_call);
        Ok(None)
    }

    /// A value as text, as KQL's `tostring` gives it; null or empty where there is none.
    pub(super) fn text_value(&mut self, arg: &Expr) -> Fit<EvalExpr> {
        match arg.ty {
            ScalarType::Datetime => self.time_text(arg),
            ScalarType::Timespan => self.span_text(arg),
            ScalarType::Bool => self.truth_text(arg),
            ScalarType::Decimal | ScalarType::Real => {
                let message = "a number with a fraction may have another text in Splunk";
                self.note(Code::Approximated, Effect::Unsure, arg.span, message);
                self.value(arg)
            }
            ScalarType::Dynamic => self.json(arg),
            ScalarType::Guid | ScalarType::Int | ScalarType::Long | ScalarType::String | ScalarType::Unknown => {
                self.value(arg)
            }
        }
    }

    /// A value as text that is never null.
    pub(super) fn present_text(&mut self, arg: &Expr) -> Fit<EvalExpr> {
        let value = self.text_value(arg)?;
        Ok(match value {
            EvalExpr::Text(_) | EvalExpr::Number(_) | EvalExpr::Concat(_) => value,
            EvalExpr::Call("coalesce", ref args) if matches!(args.last(), Some(EvalExpr::Text(_))) => value,
            value => EvalExpr::or_empty(value),
        })
    }

    /// The field that holds a value: one of the row, or one that a command in front of the stage at hand computes.
    pub(super) fn field_of(&mut self, value: EvalExpr, span: Span) -> Fit<Name> {
        if let EvalExpr::Field(name) = value {
            return Ok(name);
        }
        // The aggregates of a `summarize` are computed behind the commands that are made up to now.
        if self.scope.made.contains_key("$0") {
            return Err(Unsayable::not_yet(span, "this function of aggregates"));
        }
        if let Some((name, _)) = self.precomputed.iter().find(|(_, known)| *known == value) {
            return Ok(name.clone());
        }
        let helper = self.helper();
        self.before_stage(helper.clone(), value);
        Ok(helper)
    }

    /// A value that is said several times: a long one is computed in a field of its own.
    pub(super) fn shared(&mut self, value: EvalExpr, span: Span) -> EvalExpr {
        if !value.is_larger_than(LONG) {
            return value;
        }
        match self.field_of(value.clone(), span) {
            Ok(field) => EvalExpr::Field(field),
            Err(_) => value,
        }
    }

    /// Computes a helper field in front of the stage at hand; it is taken away after the stage.
    fn before_stage(&mut self, field: Name, value: EvalExpr) {
        self.scratch.push(field.clone());
        match self.commands.last_mut() {
            Some(Command::Eval(assignments)) if !self.precomputed.is_empty() => {
                assignments.push((field.clone(), value.clone()));
            }
            Some(_) | None => self.commands.push(Command::Eval(vec![(field.clone(), value.clone())])),
        }
        self.precomputed.push((field, value));
    }

    /// A constant regular expression for PCRE.
    pub(super) fn pattern(&mut self, arg: &Expr) -> Fit<regex::Pattern> {
        let Some(text) = arg.as_str() else {
            return Err(Unsayable::not_yet(arg.span, "a computed regular expression"));
        };
        self.ledger.carried(arg.id);
        let pcre = regex::lenient(text, Dialect::Pcre).map_err(|why| {
            let message = format!("the regular expression can not be said in PCRE: {why}");
            Unsayable::new(Code::RefusedRegex, arg.span, message)
        })?;
        if regex::translate(text).is_err() {
            let message = "the regular expression is not one of the documented dialect; it is read as older versions of Kusto did";
            self.note(Code::RegexDialect, Effect::Unsure, arg.span, message);
        }
        if pcre.unicode_class {
            let message = "`\\d`, `\\w`, `\\s` and `\\b` know letters and digits of all scripts in KQL, and those of ASCII in Splunk";
            self.note(Code::RegexDialect, Effect::Unsure, arg.span, message);
        }
        Ok(pcre)
    }
}
