//! Small questions about what is written: is it a name, a call, a constant text?
//!
//! They look at the tree alone; what a name means is for the other files of this room.

use crate::plan::Value;
use crate::syntax::ast::{Argument, Expr, ExprKind, Name};

/// The name, if the expression is one.
pub(super) fn name(expr: &Expr) -> Option<&Name> {
    if let ExprKind::Name(name) = &expr.kind { Some(name) } else { None }
}

/// The constant, if the expression is one.
pub(super) fn literal(expr: &Expr) -> Option<&Value> {
    if let ExprKind::Literal(value) = &expr.kind { Some(value) } else { None }
}

/// The text, if the expression is a constant one.
pub(super) fn text(expr: &Expr) -> Option<&str> {
    if let ExprKind::Literal(Value::String(text)) = &expr.kind { Some(text) } else { None }
}

/// The function and its arguments, if the expression is a plain call.
pub(super) fn call(expr: &Expr) -> Option<(&Name, &[Argument])> {
    if let ExprKind::Call { base: None, function, args } = &expr.kind { Some((function, args)) } else { None }
}

/// Whether the expression is `*`.
pub(super) fn is_star(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Star)
}

/// Functions that name the place of a table.
const PLACES: [&str; 7] = ["database", "cluster", "workspace", "app", "resource", "adx", "arg"];

/// Whether an expression names a place of tables: `cluster("c").database("d")`.
pub(super) fn is_place(expr: &Expr) -> bool {
    if let ExprKind::Call { base: Some(base), .. } | ExprKind::Member { base, .. } = &expr.kind {
        return is_place(base);
    }
    call(expr).is_some_and(|(function, _)| PLACES.contains(&function.text.as_str()))
}
