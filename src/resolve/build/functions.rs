//! Calls of scalar functions: names, arities, types, and the functions that have a form of their own in the plan.

use super::boolean::{as_bool, negate, never_null};
use super::{Builder, Built, convert, cover, dynamic, literal, strings, time, truth};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Absence, ArithmeticOp, CompareOp, Expr, ExprKind, FunctionId, ScalarType, Value};
use crate::source::Span;
use crate::vocabulary::{FunctionKind, FunctionRow, Returns};

impl Builder<'_> {
    /// `name(args)`: scalar and window functions of the vocabulary, `not`, `now` and the like included.
    ///
    /// # Errors
    /// The name is not known (`HG103`), is not a function of one row, or does not take so many arguments (`HG105`).
    pub(crate) fn call(&mut self, name: &str, args: Vec<Expr>, span: Span) -> Built {
        let vocabulary = self.vocabulary;
        let Some((id, row)) = vocabulary.function(name) else {
            let error = Diagnostic::error(Code::UnknownFunction, span, format!("the function `{name}` is not known"));
            let help = match vocabulary.nearest_function(name) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "put its body into the hunt: `let name = (…) { … };`".to_owned(),
            };
            return Err(Box::new(error.help(help)));
        };
        let place = match row.kind {
            FunctionKind::Scalar | FunctionKind::Window => None,
            FunctionKind::Aggregate => Some((Code::WrongArguments, "is an aggregate: it stands in `summarize` only")),
            FunctionKind::Plugin => Some((Code::NotTabular, "is a plugin: it stands after `evaluate` only")),
            FunctionKind::Tabular => Some((Code::NotTabular, "gives a table, and a value is needed here")),
        };
        if let Some((code, what)) = place {
            return Err(Box::new(Diagnostic::error(code, span, format!("`{name}` {what}"))));
        }
        let paired = row.name == "case" && args.len().is_multiple_of(2);
        if paired || !row.arity.allows(args.len()) {
            return Err(Box::new(wrong_arity(name, row, args.len(), span)));
        }
        let mut args = args;
        if name == "replace" && row.name == "replace_regex" {
            // The legacy name takes the text last: `replace(regex, rewrite, text)`.
            args.rotate_right(1);
        }
        Ok(self.known(id, row, args, span))
    }

    /// Whether an id is that of the function of this name.
    pub(super) fn is_function(&self, id: FunctionId, name: &str) -> bool {
        self.vocabulary.function_row(id).is_some_and(|row| row.name == name)
    }

    /// A call with as many arguments as the function takes.
    fn known(&mut self, id: FunctionId, row: &FunctionRow, mut args: Vec<Expr>, span: Span) -> Expr {
        let whole = cover(span, &args);
        let first = match row.name.as_str() {
            "iff" => return self.choice(id, row, args, span, true),
            "case" => return self.choice(id, row, args, span, false),
            "coalesce" => return self.coalesce(id, row, args, span),
            "around" => return self.around(id, row, args, span),
            "not" | "isempty" | "isnotempty" | "isnull" | "isnotnull" => args.pop(),
            "tostring" | "toint" | "tolong" | "toreal" | "tobool" | "todatetime" | "totimespan" | "toguid" => {
                let ty = fixed_type(row);
                if args.first().is_some_and(|arg| Some(arg.ty) == ty) { args.pop() } else { None }
            }
            _ => None,
        };
        if let Some(arg) = first {
            return match row.name.as_str() {
                "not" => self.not(arg, whole),
                "isempty" => self.presence(arg, Absence::Empty, false, whole),
                "isnotempty" => self.presence(arg, Absence::Empty, true, whole),
                "isnull" => self.presence(arg, Absence::Null, false, whole),
                "isnotnull" => self.presence(arg, Absence::Null, true, whole),
                // Converting a value to its own type is the value.
                _ => Expr { span: whole, ..arg },
            };
        }
        if let Some(moment) = time::call(&row.name, &args) {
            return time::moment(moment, whole);
        }
        let ty = result_type(row, &args);
        if let Some(value) = constants(row, ty, &args) {
            return literal(value, ty, whole);
        }
        Expr::new(ExprKind::Call { function: id, args }, ty, span)
    }

    /// `isempty(x)`, `isnull(x)` and their opposites.
    ///
    /// <https://learn.microsoft.com/kusto/query/isempty-function>, <https://learn.microsoft.com/kusto/query/isnull-function>
    fn presence(&mut self, subject: Expr, absence: Absence, negated: bool, span: Span) -> Expr {
        if let Some(value) = subject.as_literal() {
            let absent = match value {
                Value::Null(_) => true,
                Value::String(text) => absence == Absence::Empty && text.is_empty(),
                Value::Bool(_)
                | Value::Long(_)
                | Value::Real(_)
                | Value::Decimal(_)
                | Value::Datetime(_)
                | Value::Timespan(_)
                | Value::Guid(_)
                | Value::Array(_)
                | Value::Bag(_) => false,
            };
            return truth(absent != negated, span);
        }
        let absence = match (subject.ty, absence) {
            (ScalarType::String, Absence::Null) => {
                let (name, better) = if negated { ("isnotnull", "isnotempty") } else { ("isnull", "isempty") };
                self.constant_condition(
                    span,
                    format!("a string is never null: `{name}` of one is always `{negated}` (`{better}` looks for empty texts)"),
                );
                return truth(negated, span);
            }
            // What is neither text nor dynamic is empty where it is null.
            (
                ScalarType::Bool
                | ScalarType::Datetime
                | ScalarType::Decimal
                | ScalarType::Guid
                | ScalarType::Int
                | ScalarType::Long
                | ScalarType::Real
                | ScalarType::Timespan,
                Absence::Empty,
            ) => Absence::Null,
            (
                ScalarType::Bool
                | ScalarType::Datetime
                | ScalarType::Decimal
                | ScalarType::Dynamic
                | ScalarType::Guid
                | ScalarType::Int
                | ScalarType::Long
                | ScalarType::Real
                | ScalarType::String
                | ScalarType::Timespan
                | ScalarType::Unknown,
                absence,
            ) => absence,
        };
        let kind = ExprKind::Presence { subject: Box::new(subject), absence, negated };
        Expr::new(kind, ScalarType::Bool, span)
    }

    /// `iff(condition, then, else)` and `case(condition, then, …, else)`. A null condition does not hold.
    ///
    /// <https://learn.microsoft.com/kusto/query/iff-function>, <https://learn.microsoft.com/kusto/query/case-function>
    fn choice(&mut self, id: FunctionId, row: &FunctionRow, args: Vec<Expr>, span: Span, two: bool) -> Expr {
        let whole = cover(span, &args);
        let ty = result_type(row, &args);
        let mut kept = Vec::with_capacity(args.len());
        let mut rest = args.into_iter();
        while let Some(item) = rest.next() {
            let Some(value) = rest.next() else {
                kept.push(item);
                break;
            };
            let condition = self.predicate(item);
            match (as_bool(&condition), matches!(condition.as_literal(), Some(Value::Null(_)))) {
                (Some(true), _) => {
                    let vanished: Vec<Span> = rest.by_ref().map(|part| part.span).collect();
                    self.never_taken(vanished, condition.span, "always `true`");
                    kept.push(value);
                }
                (Some(false), _) => self.never_taken([value.span], condition.span, "never `true`"),
                (None, true) => self.never_taken([value.span], condition.span, "never `true`"),
                (None, false) => kept.extend([condition, value]),
            }
        }
        match kept.as_slice() {
            [condition, yes, no] if never_null(condition) => match (as_bool(yes), as_bool(no)) {
                (Some(true), Some(false)) => return Expr { span: whole, ..kept.swap_remove(0) },
                (Some(false), Some(true)) => return Expr { span: whole, ..negate(kept.swap_remove(0)) },
                (Some(_) | None, Some(_) | None) => {}
            },
            [_] => {
                if let Some(value) = kept.pop() {
                    return Expr { span: whole, ..value };
                }
            }
            _ => {}
        }
        // `case` with one condition is `iff`.
        let function = match kept.len() {
            3 if !two => self.vocabulary.function("iff").map_or(id, |(iff, _)| iff),
            _ => id,
        };
        Expr::new(ExprKind::Call { function, args: kept }, ty, span)
    }

    fn never_taken(&mut self, vanished: impl IntoIterator<Item = Span>, condition: Span, what: &str) {
        if let Some(place) = vanished.into_iter().reduce(Span::to) {
            self.constant_condition(place, "this is never taken and has no influence");
            if let Some(note) = self.notes.last_mut() {
                note.labels.push((condition, format!("this is {what}")));
            }
        }
    }

    /// `coalesce(a, b, …)`: the first that is not null, or not empty where they are texts.
    ///
    /// <https://learn.microsoft.com/kusto/query/coalesce-function>
    fn coalesce(&mut self, id: FunctionId, row: &FunctionRow, args: Vec<Expr>, span: Span) -> Expr {
        let whole = cover(span, &args);
        let ty = result_type(row, &args);
        let mut kept: Vec<Expr> = Vec::with_capacity(args.len());
        let mut vanished = Vec::new();
        let mut rest = args.into_iter();
        let mut last = None;
        while let Some(arg) = rest.next() {
            let absent = match arg.as_literal() {
                None => None,
                Some(Value::Null(_)) => Some(true),
                Some(Value::String(text)) => Some(text.is_empty()),
                Some(
                    Value::Bool(_)
                    | Value::Long(_)
                    | Value::Real(_)
                    | Value::Decimal(_)
                    | Value::Datetime(_)
                    | Value::Timespan(_)
                    | Value::Guid(_)
                    | Value::Array(_)
                    | Value::Bag(_),
                ) => Some(false),
            };
            match absent {
                None => kept.push(arg),
                Some(true) if rest.len() > 0 => vanished.push(arg.span),
                // The last one is the answer when all are absent, be it null or empty.
                Some(true) => last = Some(arg),
                Some(false) => {
                    vanished.extend(rest.by_ref().map(|part| part.span));
                    kept.push(arg);
                }
            }
        }
        for place in vanished {
            self.constant_condition(place, "this is never taken and has no influence");
        }
        kept.extend(last);
        match kept.len() {
            1 => match kept.pop() {
                Some(only) => Expr { span: whole, ..only },
                None => literal(Value::Null(ty), ty, whole),
            },
            _ => Expr::new(ExprKind::Call { function: id, args: kept }, ty, span),
        }
    }

    /// `around(value, center, delta)` is `value between (center - delta .. center + delta)`.
    ///
    /// <https://learn.microsoft.com/kusto/query/around-function>
    fn around(&mut self, id: FunctionId, row: &FunctionRow, args: Vec<Expr>, span: Span) -> Expr {
        let ty = result_type(row, &args);
        if let [value, center, delta] = args.as_slice()
            && super::compare::is_constant(center)
            && super::compare::is_constant(delta)
        {
            let low = self.arithmetic(ArithmeticOp::Subtract, center.clone(), delta.clone(), center.span);
            let high = self.arithmetic(ArithmeticOp::Add, center.clone(), delta.clone(), center.span);
            if let Ok(expr) = self.between(value.clone(), false, low, high, span) {
                return expr;
            }
        }
        Expr::new(ExprKind::Call { function: id, args }, ty, span)
    }
}

fn wrong_arity(name: &str, row: &FunctionRow, given: usize, span: Span) -> Diagnostic {
    let takes = match (row.arity.min, row.arity.max) {
        (min, Some(max)) if min == max => format!("{min}"),
        (min, Some(max)) => format!("{min} to {max}"),
        (min, None) if row.name == "case" => format!("{min} or more, an odd number of,"),
        (min, None) => format!("{min} or more"),
    };
    let error =
        Diagnostic::error(Code::WrongArguments, span, format!("`{name}` takes {takes} arguments and is given {given}"));
    match &row.docs {
        Some(docs) => error.help(format!("see {docs}")),
        None => error,
    }
}

/// The type a function always gives.
fn fixed_type(row: &FunctionRow) -> Option<ScalarType> {
    if let Returns::Type(ty) = row.returns { Some(ty) } else { None }
}

/// The type of a call.
fn result_type(row: &FunctionRow, args: &[Expr]) -> ScalarType {
    // `typeof(…)` decides.
    if let Some(ty) = row.type_argument.and_then(|index| args.get(index)?.as_str()).and_then(ScalarType::from_name) {
        return ty;
    }
    let ty = |index: usize| args.get(index).map_or(ScalarType::Unknown, |arg| arg.ty);
    match row.returns {
        Returns::Type(ty) => ty,
        Returns::Param(index) => ty(index),
        Returns::Common => match row.name.as_str() {
            // Every second argument is a condition, the last is a value.
            "iff" | "case" => {
                let last = args.len().saturating_sub(1);
                common(args.iter().enumerate().filter(|(at, _)| at % 2 == 1 || *at == last).map(|(_, arg)| arg))
            }
            _ => common(args),
        },
        Returns::Widest if matches!(ty(0), ScalarType::Datetime | ScalarType::Timespan) => ty(0),
        Returns::Widest => common(args),
        Returns::Promoted if ty(0) == ScalarType::Int => ScalarType::Long,
        Returns::Promoted => ty(0),
        Returns::Mean if ty(0).is_numeric() && ty(0) != ScalarType::Decimal => ScalarType::Real,
        Returns::Mean => ty(0),
        Returns::Any | Returns::Tuple | Returns::Tabular => ScalarType::Unknown,
    }
}

/// The type that holds all: the same, or the widest number; `unknown` where there is none.
fn common<'e>(args: impl IntoIterator<Item = &'e Expr>) -> ScalarType {
    use ScalarType as T;
    let wider = |a: T, b: T| {
        if a == b {
            a
        } else if !a.is_numeric() || !b.is_numeric() {
            T::Unknown
        } else if a == T::Decimal || b == T::Decimal {
            T::Decimal
        } else if a == T::Real || b == T::Real {
            T::Real
        } else {
            T::Long
        }
    };
    args.into_iter().map(|arg| arg.ty).reduce(wider).unwrap_or(T::Unknown)
}

/// The value of a call of constants, if KQL's answer is certain.
fn constants(row: &FunctionRow, ty: ScalarType, args: &[Expr]) -> Option<Value> {
    if !row.pure {
        return None;
    }
    let values: Vec<&Value> = args.iter().map(Expr::as_literal).collect::<Option<_>>()?;
    match (row.name.as_str(), values.as_slice()) {
        ("tostring" | "toint" | "tolong" | "toreal" | "tobool" | "todatetime" | "totimespan", [value]) => {
            convert::to_type(ty, value)
        }
        ("abs", [Value::Long(value)]) => value.checked_abs().map(Value::Long),
        ("abs", [Value::Real(value)]) => Some(Value::Real(value.abs())),
        ("abs", [Value::Timespan(value)]) => value.checked_abs().map(Value::Timespan),
        ("sign", [Value::Long(value)]) => Some(Value::Real(value.signum() as f64)),
        ("pow", [Value::Long(base), Value::Long(exponent @ 0..)]) => {
            let value = base.checked_pow(u32::try_from(*exponent).ok()?)?;
            convert::exact_real(&Value::Long(value)).map(Value::Real)
        }
        ("bin" | "floor", [Value::Long(value), Value::Long(size @ 1..)]) => {
            value.checked_sub(value.rem_euclid(*size)).map(Value::Long)
        }
        ("bin" | "floor", [Value::Timespan(value), Value::Timespan(size @ 1..)]) => {
            value.checked_sub(value.rem_euclid(*size)).map(Value::Timespan)
        }
        ("min_of", values) => extreme(values, CompareOp::Lt),
        ("max_of", values) => extreme(values, CompareOp::Gt),
        ("dayofweek", [Value::Datetime(at)]) => {
            let start = super::calendar::start_of(crate::plan::CalendarUnit::Week, *at, 0)?;
            Some(Value::Timespan((at - start).checked_sub((at - start).rem_euclid(crate::plan::TICKS_PER_DAY))?))
        }
        (name, values) => strings::call(name, values).or_else(|| dynamic::call(name, values)),
    }
}

/// The smallest or largest of constants of one type.
fn extreme(values: &[&Value], op: CompareOp) -> Option<Value> {
    let mut best: &Value = values.first()?;
    for value in values {
        let same = value.ty() == best.ty() && !matches!(value, Value::Null(_));
        if !same {
            return None;
        }
        if super::compare::constants(op, value, best)? {
            best = value;
        }
    }
    Some(best.clone())
}
