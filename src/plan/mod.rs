//! What a hunt means, free of how it was written and of any target. Data only.
//!
//! What the plan keeps, and what lowering to it never does:
//!
//! - Every condition, literal, column and stage of the hunt that can influence its rows is in the plan. What resolution
//!   itself leaves out (an unused `let`, a `render` property) is named in a diagnostic of that step.
//! - Stages keep the hunt's order. Lowering never moves a stage across another and never drops one.
//! - Names are final: `let`s and functions are inlined, columns that KQL names by itself have their names, `join` has
//!   its suffixes, `innerunique` and other defaults are written out.
//! - `not` stands at the leaves. [`ExprKind::Not`] remains only above a boolean value that has no negated form.
//! - Constants are folded where the result does not depend on the clock. The span of a folded constant covers all that
//!   went into it.
//! - Nothing of a target is known: a term match is not yet a regular expression, a column not yet a field.
//!
//! Every node that a target must answer for has a [`NodeId`]; [`Plan::new`] numbers them densely, in the order of
//! [`Tree::visit`].

mod expr;
mod pipeline;
mod value;
mod visit;

pub use expr::*;
pub use pipeline::*;
pub use value::*;
pub use visit::{NodeRef, Tree};

/// Identity of a node of one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct NodeId(pub u32);

impl NodeId {
    /// Of a node that is not yet part of a [`Plan`].
    pub const UNNUMBERED: Self = Self(u32::MAX);
}

/// What one hunt means.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Plan {
    /// The hunt.
    pub pipeline: Pipeline,
    /// How many nodes there are: ids are `0..nodes`.
    pub nodes: u32,
}
