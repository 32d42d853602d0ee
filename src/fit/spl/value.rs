//! Values: columns, constants, arithmetic and functions in the eval language.
//!
//! A missing text is null in Splunk and the empty text in KQL: a value of type text may be either, and whoever looks at
//! it says what a null means. Times and spans of time are seconds.

use super::moment::{divides_day, epoch, floor_multiple, floor_to, seconds};
use super::predicate::Condition;
use super::scope::Shape;
use super::tree::{EvalExpr, Operator};
use super::{Fit, Fitter, Unsayable, regex};
use crate::diagnostic::{Code, Effect};
use crate::plan::{ArithmeticOp, CalendarUnit, Expr, ExprKind, ScalarType, Value};
use crate::target::Spelling;
use crate::vocabulary::{ParamType, Returns};

/// Nodes of an expression at most.
const MAX_NODES: usize = 50_000;

impl<'a> Fitter<'a, '_> {
    /// A value.
    pub(super) fn value(&mut self, expr: &Expr) -> Fit<EvalExpr> {
        let value = self.value_of(expr)?;
        // Some functions say their argument several times; within one another they would grow without bound.
        if matches!(expr.kind, ExprKind::Call { .. }) && value.is_larger_than(MAX_NODES) {
            let message = "the functions within one another would become too long an expression in SPL";
            return Err(Unsayable::new(Code::RefusedFunction, expr.span, message)
                .help("compute the inner value in a column of its own first"));
        }
        Ok(value)
    }

    fn value_of(&mut self, expr: &Expr) -> Fit<EvalExpr> {
        self.ledger.carried(expr.id);
        match &expr.kind {
            ExprKind::Literal(value) => literal(expr, value),
            ExprKind::Moment(moment) => self.moment(*moment, expr.span),
            ExprKind::Column(column) => {
                let column = self.column(column, expr.ty, expr.span)?;
                Ok(column.value())
            }
            ExprKind::Path { base, steps } => self.part(expr, base, steps),
            ExprKind::Call { .. } => self.call(expr),
            ExprKind::Arithmetic { op, left, right } => self.arithmetic(expr, *op, left, right),
            ExprKind::Negate(inner) => {
                let inner = self.value(inner)?;
                Ok(EvalExpr::Negate(Box::new(inner)))
            }
            ExprKind::Compare { .. }
            | ExprKind::Text(_)
            | ExprKind::In { .. }
            | ExprKind::Presence { .. }
            | ExprKind::Time(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_) => self.truth_value(expr),
            ExprKind::Scalar(pipeline) => self.scalar(expr, pipeline),
        }
    }

    /// A condition as a value: Splunk's fields hold no truth values.
    fn truth_value(&mut self, expr: &Expr) -> Fit<EvalExpr> {
        if !total(expr) {
            return Err(Unsayable::not_yet(expr.span, "a truth value that is null where a value is missing"));
        }
        let Condition { eval, .. } = self.predicate(expr)?;
        let text = |text: &str| EvalExpr::Text(text.to_owned());
        Ok(EvalExpr::Call("if", vec![eval, text("true"), text("false")]))
    }

    fn arithmetic(&mut self, expr: &Expr, op: ArithmeticOp, left: &Expr, right: &Expr) -> Fit<EvalExpr> {
        self.time_readable(left)?;
        self.time_readable(right)?;
        let (a, b) = (self.value(left)?, self.value(right)?);
        let is_whole = |ty| matches!(ty, ScalarType::Int | ScalarType::Long);
        let nonzero = match right.as_literal() {
            Some(Value::Long(number)) => *number != 0,
            Some(Value::Real(number)) => *number != 0.0,
            Some(Value::Timespan(ticks)) => *ticks != 0,
            _ => false,
        };
        let op = match op {
            ArithmeticOp::Add => Operator::Add,
            ArithmeticOp::Subtract => Operator::Subtract,
            ArithmeticOp::Multiply => Operator::Multiply,
            ArithmeticOp::Modulo => {
                if !nonzero || !is_whole(left.ty) {
                    self.note(Code::Approximated, Effect::Unsure, expr.span, "the sign of a remainder may differ");
                }
                Operator::Modulo
            }
            ArithmeticOp::Divide if is_whole(left.ty) && is_whole(right.ty) => {
                // KQL cuts off the fraction of a quotient of whole numbers.
                let rest = EvalExpr::arithmetic(Operator::Modulo, a.clone(), b.clone());
                let even = EvalExpr::arithmetic(Operator::Subtract, a, rest);
                return Ok(EvalExpr::arithmetic(Operator::Divide, even, b));
            }
            ArithmeticOp::Divide => {
                if !nonzero {
                    let message = "a division by zero has no value in Splunk, and is infinite or not a number in KQL";
                    self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                }
                Operator::Divide
            }
        };
        Ok(EvalExpr::arithmetic(op, a, b))
    }

    /// Whether a time is held as seconds, so that it can be computed with. Other columns of type `datetime` hold a text
    /// whose form is the site's.
    pub(super) fn time_readable(&mut self, expr: &Expr) -> Fit<()> {
        if let (ExprKind::Column(reference), ScalarType::Datetime | ScalarType::Timespan) = (&expr.kind, expr.ty) {
            let column = self.column(reference, expr.ty, expr.span)?;
            if !column.seconds {
                let what = format!(
                    "a comparison of or arithmetic with column `{}`, a time in the form of the site,",
                    reference.name
                );
                return Err(Unsayable::not_yet(expr.span, what));
            }
        }
        Ok(())
    }

    /// A function.
    fn call(&mut self, expr: &Expr) -> Fit<EvalExpr> {
        if let Some(value) = self.hoisted.get(&expr.id) {
            return Ok(value.clone());
        }
        let ExprKind::Call { function, args } = &expr.kind else {
            return Err(Unsayable::not_yet(expr.span, "this value"));
        };
        let Some(row) = self.frame.vocabulary.function_row(*function) else {
            return Err(Unsayable::new(Code::Fault, expr.span, "the function is not known"));
        };
        if let Some(special) = self.special(expr, &row.name, args)? {
            return Ok(special);
        }
        let spelling = self.frame.spellings.get(&row.name).map_err(|error| {
            Unsayable::new(Code::BadTargetData, expr.span, format!("the data of the target can not be used: {error}"))
        })?;
        match spelling {
            Some(Spelling::Refused { reason, instead }) => {
                let message = format!("function `{}` can not be said: {reason}", row.name);
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
                        format!("function `{}` with {} arguments", row.name, args.len()),
                    ));
                };
                let mut values = Vec::new();
                for (index, arg) in args.iter().enumerate() {
                    values.push(match row.param(index) {
                        Some(ParamType::Bool) => self.predicate(arg)?.eval,
                        Some(_) | None => {
                            self.text_of(arg, row.returns == Returns::Type(ScalarType::String))?;
                            self.value(arg)?
                        }
                    });
                }
                if let Some(difference) = &written.difference {
                    let message = format!("function `{}`: {}", row.name, difference.note);
                    let code = difference.code.unwrap_or(Code::Approximated);
                    self.note(code, difference.effect, expr.span, message);
                }
                Ok(EvalExpr::Spelled { template: template.clone(), binding: written.binding, args: values })
            }
            None => Err(Unsayable::not_yet(expr.span, format!("function `{}`", row.name))),
        }
    }

    /// An argument of a function. One that makes a text takes the text of its arguments, which is not always KQL's.
    fn text_of(&mut self, arg: &Expr, makes_text: bool) -> Fit<()> {
        self.time_readable(arg)?;
        if !makes_text {
            return Ok(());
        }
        match arg.ty {
            ScalarType::Datetime | ScalarType::Timespan => Err(Unsayable::not_yet(arg.span, "the text of a time")),
            ScalarType::Bool | ScalarType::Decimal | ScalarType::Real => {
                let message = format!("the text of a value of type `{}` may differ", arg.ty);
                self.note(Code::Approximated, Effect::Unsure, arg.span, message);
                Ok(())
            }
            ScalarType::Dynamic
            | ScalarType::Guid
            | ScalarType::Int
            | ScalarType::Long
            | ScalarType::String
            | ScalarType::Unknown => Ok(()),
        }
    }

    /// Functions whose form depends on their arguments.
    fn special(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Fit<Option<EvalExpr>> {
        Ok(Some(match (name, args) {
            ("iff", [condition, yes, no]) => {
                let when = self.predicate(condition)?.eval;
                self.time_readable(yes)?;
                self.time_readable(no)?;
                EvalExpr::Call("if", vec![when, self.value(yes)?, self.value(no)?])
            }
            ("case", [branches @ .., otherwise]) if branches.len() % 2 == 0 => {
                let mut values = Vec::new();
                for branch in branches.chunks_exact(2) {
                    if let [condition, value] = branch {
                        values.push(self.predicate(condition)?.eval);
                        self.time_readable(value)?;
                        values.push(self.value(value)?);
                    }
                }
                values.push(EvalExpr::bool(true));
                self.time_readable(otherwise)?;
                values.push(self.value(otherwise)?);
                EvalExpr::Call("case", values)
            }
            ("coalesce", items) => {
                let mut values = Vec::new();
                for item in items {
                    self.time_readable(item)?;
                    let value = self.value(item)?;
                    // The first text that is not empty.
                    let text = item.ty == ScalarType::String && item.as_literal().is_none();
                    let empty = EvalExpr::Text(String::new());
                    values.push(if text { EvalExpr::Call("nullif", vec![value, empty]) } else { value });
                }
                EvalExpr::Call("coalesce", values)
            }
            ("tostring", [value]) => match value.ty {
                ScalarType::String | ScalarType::Int | ScalarType::Long | ScalarType::Guid | ScalarType::Unknown => {
                    self.value(value)?
                }
                ScalarType::Dynamic => match self.shape(value) {
                    Shape::Json => self.value(value)?,
                    // An array without elements has a text, a missing multivalue has none.
                    Shape::Multi => {
                        EvalExpr::Call("coalesce", vec![self.json(value)?, EvalExpr::Text("[]".to_owned())])
                    }
                },
                ScalarType::Bool => {
                    self.note(Code::Approximated, Effect::Unsure, expr.span, "the text of a truth value is the site's");
                    self.value(value)?
                }
                ScalarType::Real | ScalarType::Decimal => {
                    self.note(
                        Code::Approximated,
                        Effect::Unsure,
                        expr.span,
                        "a number with a fraction has another text in Splunk",
                    );
                    self.value(value)?
                }
                ScalarType::Datetime | ScalarType::Timespan => {
                    return Err(Unsayable::not_yet(expr.span, "the text of a time"));
                }
            },
            ("tolong" | "toint" | "toreal", [value]) if value.ty.is_numeric() => {
                let fraction = matches!(value.ty, ScalarType::Real | ScalarType::Decimal);
                if name != "toreal" && fraction {
                    return Err(Unsayable::not_yet(expr.span, "the whole part of a number with a fraction"));
                }
                self.value(value)?
            }
            ("bin" | "floor", [value, size]) => self.bin(expr, value, size)?,
            ("startofday" | "startofweek", [value]) => {
                self.time_readable(value)?;
                let unit = if name == "startofday" { CalendarUnit::Day } else { CalendarUnit::Week };
                let value = self.value(value)?;
                floor_to(value, unit).ok_or_else(|| Unsayable::not_yet(expr.span, "this calendar unit"))?
            }
            ("hourofday", [value]) => {
                self.time_readable(value)?;
                let value = self.value(value)?;
                let hours = EvalExpr::arithmetic(Operator::Divide, value, EvalExpr::Number("3600".to_owned()));
                EvalExpr::arithmetic(
                    Operator::Modulo,
                    EvalExpr::Call("floor", vec![hours]),
                    EvalExpr::Number("24".to_owned()),
                )
            }
            ("dayofweek", [value]) => {
                self.time_readable(value)?;
                let number = |text: &str| EvalExpr::Number(text.to_owned());
                let days = EvalExpr::arithmetic(Operator::Divide, self.value(value)?, number("86400"));
                // The first day of 1970 was a Thursday; KQL gives the time since Sunday.
                let days = EvalExpr::arithmetic(Operator::Add, EvalExpr::Call("floor", vec![days]), number("4"));
                let days = EvalExpr::arithmetic(Operator::Modulo, days, number("7"));
                EvalExpr::arithmetic(Operator::Multiply, days, number("86400"))
            }
            ("replace_string", [value, from, to]) => {
                let (Some(pattern), Some(with)) = (from.as_str(), to.as_str()) else {
                    return Err(Unsayable::not_yet(expr.span, "a replacement that is computed"));
                };
                if pattern.is_empty() {
                    return Err(Unsayable::not_yet(expr.span, "the replacement of an empty text"));
                }
                self.ledger.carried(from.id);
                self.ledger.carried(to.id);
                let with = EvalExpr::Text(with.replace('\\', "\\\\"));
                EvalExpr::Call("replace", vec![self.value(value)?, EvalExpr::Regex(regex::literal(pattern)), with])
            }
            ("strcat", items) if items.len() > 1 => {
                let mut parts = Vec::new();
                for item in items {
                    self.text_of(item, true)?;
                    let value = self.value(item)?;
                    parts.push(if item.as_literal().is_some() { value } else { EvalExpr::or_empty(value) });
                }
                EvalExpr::Concat(parts)
            }
            // SPL counts from the end where KQL's start lies before the text.
            ("substring", [_, bounds @ ..])
                if !bounds.iter().all(|it| matches!(it.as_literal(), Some(Value::Long(number)) if *number >= 0)) =>
            {
                return Err(Unsayable::not_yet(expr.span, "a part of a text with computed or negative bounds"));
            }
            ("split", [subject, delimiter]) if delimiter.as_str().is_some_and(|text| !text.is_empty()) => {
                EvalExpr::Call("split", vec![self.value(subject)?, self.value(delimiter)?])
            }
            ("parse_json", [text]) => self.parse_json(text)?,
            ("extract", [pattern, group, value]) => self.extract(expr, pattern, group, value)?,
            _ => return Ok(None),
        }))
    }

    /// `extract(regex, group, text)`: eval has no such function; the text is replaced by its group where it matches.
    fn extract(&mut self, expr: &Expr, pattern: &Expr, group: &Expr, value: &Expr) -> Fit<EvalExpr> {
        let (Some(text), Some(Value::Long(number))) = (pattern.as_str(), group.as_literal()) else {
            return Err(Unsayable::not_yet(expr.span, "an extraction by a computed pattern"));
        };
        let pcre = regex::translate(text).map_err(|why| {
            let message = format!("the regular expression can not be said in PCRE: {why}");
            Unsayable::new(Code::RefusedRegex, pattern.span, message)
        })?;
        let known = usize::try_from(*number).is_ok_and(|number| number <= pcre.groups) && *number < 9;
        if !known {
            return Err(Unsayable::not_yet(expr.span, format!("group {number} of the pattern")));
        }
        if pcre.unicode_class {
            let message = "`\\d`, `\\w`, `\\s` and `\\b` know letters and digits of all scripts in KQL, and those of ASCII in Splunk";
            self.note(Code::RegexDialect, Effect::Unsure, pattern.span, message);
        }
        self.ledger.carried(pattern.id);
        self.ledger.carried(group.id);
        let value = EvalExpr::or_empty(self.value(value)?);
        // Group 0 is the whole match, which takes a group of its own.
        let (open, index) = if *number == 0 { ("(", 1) } else { ("(?:", *number) };
        let whole = format!("\\A[\\s\\S]*?{open}{})[\\s\\S]*\\z", pcre.text);
        let matched = EvalExpr::Call("match", vec![value.clone(), EvalExpr::Regex(whole.clone())]);
        let taken =
            EvalExpr::Call("replace", vec![value, EvalExpr::Regex(whole), EvalExpr::Text(format!("\\{index}"))]);
        Ok(EvalExpr::Call("if", vec![matched, taken, EvalExpr::Text(String::new())]))
    }

    /// `bin(value, size)`
    fn bin(&mut self, expr: &Expr, value: &Expr, size: &Expr) -> Fit<EvalExpr> {
        self.time_readable(value)?;
        if value.ty == ScalarType::Datetime {
            let Some(Value::Timespan(ticks)) = size.as_literal() else {
                return Err(Unsayable::not_yet(expr.span, "a bin of computed size"));
            };
            if !divides_day(*ticks) {
                return Err(Unsayable::not_yet(expr.span, "a bin that does not divide a day")
                    .help("use a size that divides a day, such as `1h` or `1d`"));
            }
        }
        let (value, size) = (self.value(value)?, self.value(size)?);
        Ok(floor_multiple(value, size))
    }
}

/// Whether a condition is never null.
fn total(expr: &Expr) -> bool {
    use crate::plan::CompareOp;
    match &expr.kind {
        ExprKind::And(items) | ExprKind::Or(items) => items.iter().all(total),
        ExprKind::Text(_) | ExprKind::In { .. } | ExprKind::Presence { .. } | ExprKind::Time(_) => true,
        ExprKind::Compare { op, right, .. } => {
            matches!(op, CompareOp::Eq | CompareOp::Ne) && right.as_literal().is_some()
        }
        ExprKind::Literal(value) => !matches!(value, Value::Null(_)),
        ExprKind::Moment(_)
        | ExprKind::Column(_)
        | ExprKind::Path { .. }
        | ExprKind::Call { .. }
        | ExprKind::Arithmetic { .. }
        | ExprKind::Negate(_)
        | ExprKind::Not(_)
        | ExprKind::Scalar(_) => false,
    }
}

fn literal(expr: &Expr, value: &Value) -> Fit<EvalExpr> {
    Ok(match value {
        Value::Null(_) => EvalExpr::null(),
        Value::Bool(value) => EvalExpr::Text(value.to_string()),
        Value::Long(number) => EvalExpr::Number(number.to_string()),
        Value::Real(number) if number.is_finite() => EvalExpr::Number(number.to_string()),
        Value::Real(_) => return Err(Unsayable::not_yet(expr.span, "an infinite number")),
        Value::Decimal(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => EvalExpr::Number(text.clone()),
        Value::Decimal(_) => return Err(Unsayable::not_yet(expr.span, "this number")),
        Value::String(text) | Value::Guid(text) => EvalExpr::Text(text.clone()),
        Value::Datetime(ticks) => EvalExpr::Number(epoch(*ticks)),
        Value::Timespan(ticks) => EvalExpr::Number(seconds(*ticks)),
        Value::Array(_) | Value::Bag(_) => return Err(Unsayable::not_yet(expr.span, "a dynamic constant")),
    })
}
