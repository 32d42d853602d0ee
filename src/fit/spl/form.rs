//! Short ways to write expressions of the eval language. Nothing is decided here: what is to be written is said by whoever
//! calls them.

use super::tree::{Comparison, EvalExpr, Operator, Order};

/// `name(args)`
pub(super) fn call<const N: usize>(name: &'static str, args: [EvalExpr; N]) -> EvalExpr {
    EvalExpr::Call(name, args.into())
}

/// A text.
pub(super) fn text(text: impl Into<String>) -> EvalExpr {
    EvalExpr::Text(text.into())
}

/// A number.
pub(super) fn number(number: impl std::fmt::Display) -> EvalExpr {
    EvalExpr::Number(number.to_string())
}

/// `a + b`; nothing is added where `b` is 0.
pub(super) fn add(a: EvalExpr, b: EvalExpr) -> EvalExpr {
    match (a, b) {
        (a, EvalExpr::Number(zero)) if zero == "0" => a,
        (EvalExpr::Number(a), EvalExpr::Number(b)) => match (a.parse::<i64>(), b.parse::<i64>()) {
            (Ok(x), Ok(y)) if x.checked_add(y).is_some() => number(x.saturating_add(y)),
            (_, _) => EvalExpr::arithmetic(Operator::Add, EvalExpr::Number(a), EvalExpr::Number(b)),
        },
        (EvalExpr::Arithmetic(Operator::Add, a, b), EvalExpr::Number(c)) => match *b {
            EvalExpr::Number(b) => match add(EvalExpr::Number(b), EvalExpr::Number(c)) {
                EvalExpr::Number(sum) if sum == "0" => *a,
                sum => EvalExpr::arithmetic(Operator::Add, *a, sum),
            },
            b => {
                let sum = EvalExpr::arithmetic(Operator::Add, *a, b);
                EvalExpr::arithmetic(Operator::Add, sum, EvalExpr::Number(c))
            }
        },
        (a, b) => EvalExpr::arithmetic(Operator::Add, a, b),
    }
}

/// `a - b`; nothing is taken away where `b` is 0.
pub(super) fn subtract(a: EvalExpr, b: EvalExpr) -> EvalExpr {
    match b {
        EvalExpr::Number(zero) if zero == "0" => a,
        b => EvalExpr::arithmetic(Operator::Subtract, a, b),
    }
}

/// `a * b`
pub(super) fn multiply(a: EvalExpr, b: EvalExpr) -> EvalExpr {
    EvalExpr::arithmetic(Operator::Multiply, a, b)
}

/// `a / b`
pub(super) fn divide(a: EvalExpr, b: EvalExpr) -> EvalExpr {
    EvalExpr::arithmetic(Operator::Divide, a, b)
}

/// `a % b`
pub(super) fn modulo(a: EvalExpr, b: EvalExpr) -> EvalExpr {
    EvalExpr::arithmetic(Operator::Modulo, a, b)
}

/// `floor(a)`
pub(super) fn floor(a: EvalExpr) -> EvalExpr {
    call("floor", [a])
}

/// The number without its fraction.
pub(super) fn cut(a: EvalExpr) -> EvalExpr {
    when(less(a.clone(), number(0)), call("ceiling", [a.clone()]), floor(a))
}

/// `if(condition, yes, no)`
pub(super) fn when(condition: EvalExpr, yes: EvalExpr, no: EvalExpr) -> EvalExpr {
    call("if", [condition, yes, no])
}

/// `a < b`
pub(super) fn less(a: EvalExpr, b: EvalExpr) -> EvalExpr {
    EvalExpr::compare(Comparison::Order(Order::Lt), a, b)
}

/// `a > b`
pub(super) fn greater(a: EvalExpr, b: EvalExpr) -> EvalExpr {
    EvalExpr::compare(Comparison::Order(Order::Gt), a, b)
}

/// `match(value, "pattern")`
pub(super) fn matches(value: EvalExpr, pattern: impl Into<String>) -> EvalExpr {
    call("match", [value, EvalExpr::Regex(pattern.into())])
}

/// `replace(value, "pattern", "with")`
pub(super) fn replaced(value: EvalExpr, pattern: impl Into<String>, with: impl Into<String>) -> EvalExpr {
    call("replace", [value, EvalExpr::Regex(pattern.into()), text(with)])
}

/// `coalesce(value, other)`
pub(super) fn or(value: EvalExpr, other: EvalExpr) -> EvalExpr {
    call("coalesce", [value, other])
}

/// `a . b`, with nested concatenations taken up.
pub(super) fn concat(parts: impl IntoIterator<Item = EvalExpr>) -> EvalExpr {
    let mut flat: Vec<EvalExpr> = Vec::new();
    for part in parts {
        match (part, flat.last_mut()) {
            (EvalExpr::Regex(part), Some(EvalExpr::Regex(before))) => before.push_str(&part),
            (EvalExpr::Concat(inner), _) => flat.extend(inner),
            (other, _) => flat.push(other),
        }
    }
    match flat.len() {
        1 => flat.remove(0),
        _ => EvalExpr::Concat(flat),
    }
}

/// A text of the row as a pattern that matches it and nothing else: a backslash takes the meaning of every character but
/// letters and digits.
pub(super) fn escaped(value: EvalExpr) -> EvalExpr {
    replaced(value, "([^0-9A-Za-z])", "\\\\\\1")
}
