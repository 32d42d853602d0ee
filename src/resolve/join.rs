//! `join` and `lookup`: kinds, keys, and the names of the columns that come out.

use std::collections::HashSet;
use std::sync::Arc;

use super::columns::{Row, Rows};
use super::place::Place;
use super::scope::Scope;
use super::{Resolver, Step, written};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Join, JoinKey, JoinKind, NodeId, ScalarType, StageKind};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, OperatorParameter};

/// The kinds of `join`, as they are written.
fn kind(name: &str) -> Option<JoinKind> {
    Some(match name {
        "innerunique" => JoinKind::InnerUnique,
        "inner" => JoinKind::Inner,
        "leftouter" => JoinKind::LeftOuter,
        "rightouter" => JoinKind::RightOuter,
        "fullouter" | "outer" => JoinKind::FullOuter,
        "leftsemi" => JoinKind::LeftSemi,
        "rightsemi" => JoinKind::RightSemi,
        "leftanti" | "anti" | "leftantisemi" => JoinKind::LeftAnti,
        "rightanti" | "rightantisemi" => JoinKind::RightAnti,
        _ => return None,
    })
}

impl<'a> Resolver<'a> {
    #[allow(clippy::too_many_arguments)] // A join has that many parts.
    pub(super) fn join(
        &mut self,
        lookup: bool,
        parameters: &'a [OperatorParameter],
        right: &'a ast::Expr,
        on: &'a [ast::Expr],
        rows: &mut Rows,
        scope: Scope,
        span: Span,
    ) -> Step<()> {
        let default = if lookup { JoinKind::LeftOuter } else { JoinKind::InnerUnique };
        let kind = match self.parameter(parameters, "kind") {
            None => default,
            Some((name, at)) => match kind(&name) {
                Some(kind) if !lookup || matches!(kind, JoinKind::LeftOuter | JoinKind::Inner) => kind,
                Some(_) | None => {
                    let message = format!("`{name}` is no kind of {}", if lookup { "lookup" } else { "join" });
                    let help = if lookup {
                        "leftouter, inner"
                    } else {
                        "innerunique, inner, leftouter, rightouter, fullouter, leftsemi, rightsemi, leftanti, rightanti"
                    };
                    return self.fail(Diagnostic::error(Code::WrongArguments, at, message).help(help));
                }
            },
        };
        self.ignore_parameters(parameters, &["kind"]);
        let right = self.rows(right, scope)?;
        if on.is_empty() {
            return self.fail(
                Diagnostic::error(Code::WrongArguments, span, "the join has no condition").help("add `on column`"),
            );
        }
        let mut keys = Vec::new();
        for condition in on {
            self.join_keys(condition, Place { scope, row: Some(&rows.row), right: Some(&right.row) }, &mut keys)?;
        }
        let mut renamed = Vec::new();
        match kind {
            JoinKind::InnerUnique
            | JoinKind::Inner
            | JoinKind::LeftOuter
            | JoinKind::RightOuter
            | JoinKind::FullOuter => {
                let skip: HashSet<Arc<str>> = if lookup {
                    keys.iter().filter_map(|key| Some(key.right.as_column()?.name.clone())).collect()
                } else {
                    HashSet::new()
                };
                self.add_trusted_keys(&keys, &mut rows.row);
                renamed = rows.row.append(&right.row, &skip);
            }
            JoinKind::LeftSemi | JoinKind::LeftAnti => {}
            JoinKind::RightSemi | JoinKind::RightAnti => rows.row = right.row.clone(),
        }
        let join = Join { kind, right: Box::new(right.finish()), on: keys, renamed };
        rows.push(if lookup { StageKind::Lookup(join) } else { StageKind::Join(join) }, span);
        Ok(())
    }

    /// A key that an open row has on trust is a column of it from now on: the right one of that name gets a number.
    fn add_trusted_keys(&mut self, keys: &[JoinKey], row: &mut Row) {
        for key in keys {
            if let Some(column) = key.left.as_column().filter(|column| !row.has(&column.name)) {
                let time = row.is_time(&column.name);
                row.take_over(column.name.clone(), ScalarType::Unknown, time);
            }
        }
    }

    /// `on a`, `on $left.a == $right.b`, `on … and …`
    fn join_keys(&mut self, expr: &'a ast::Expr, place: Place<'_>, keys: &mut Vec<JoinKey>) -> Step<()> {
        let (Some(left_row), Some(right_row)) = (place.row, place.right) else { return self.fault(expr.span) };
        let mut pending = vec![expr];
        while let Some(expr) = pending.pop() {
            self.spend(1, expr.span)?;
            if let ast::ExprKind::Binary { op: BinaryOp::And, left, right } = &expr.kind {
                pending.push(right);
                pending.push(left);
                continue;
            }
            let names = match written::name(expr) {
                Some(name) => Some(((name.text.as_str(), name.span), (name.text.as_str(), name.span))),
                None => equal_columns(expr),
            };
            let Some((left, right)) = names else {
                return self.fail(
                    Diagnostic::error(Code::WrongArguments, expr.span, "a join compares columns for equality")
                        .help("write `on column` or `on $left.a == $right.b`, and filter after the join"),
                );
            };
            let left = self.column(left.0, left.1, left_row);
            let right = self.column(right.0, right.1, right_row);
            keys.push(JoinKey { id: NodeId::UNNUMBERED, left, right });
        }
        Ok(())
    }
}

/// A name and its place.
type Placed<'n> = (&'n str, Span);

/// The columns of `$left.a == $right.b`, with their places: the left one first.
fn equal_columns(expr: &ast::Expr) -> Option<(Placed<'_>, Placed<'_>)> {
    let ast::ExprKind::Binary { op: BinaryOp::Eq, left, right } = &expr.kind else { return None };
    let ((is_right, a), (other_is_right, b)) = (side(left)?, side(right)?);
    match (is_right, other_is_right) {
        (false, true) => Some(((a, left.span), (b, right.span))),
        (true, false) => Some(((b, right.span), (a, left.span))),
        (true, true) | (false, false) => None,
    }
}

/// `$left.name` or `$right.name`: whether it is the right side, and the name.
fn side(expr: &ast::Expr) -> Option<(bool, &str)> {
    let (base, name) = if let ast::ExprKind::Member { base, name } = &expr.kind {
        (base, name.text.as_str())
    } else if let ast::ExprKind::Index { base, index } = &expr.kind {
        (base, written::text(index)?)
    } else {
        return None;
    };
    match written::name(base)?.text.as_str() {
        "$left" => Some((false, name)),
        "$right" => Some((true, name)),
        _ => None,
    }
}
