//! Walking the nodes of a plan: every node that has a [`NodeId`], parents before children, in reading order.

use super::*;
use crate::source::Span;

/// A node of the plan that a target must answer for.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // Each holds the node its name says.
pub enum NodeRef<'p> {
    Pipeline(&'p Pipeline),
    Stage(&'p Stage),
    Binding(&'p Binding),
    AggregateBinding(&'p AggregateBinding),
    Aggregate(&'p Aggregate),
    SortKey(&'p SortKey),
    JoinKey(&'p JoinKey),
    MvItem(&'p MvItem),
    Expr(&'p Expr),
}

impl NodeRef<'_> {
    /// Identity of the node.
    pub fn id(self) -> NodeId {
        match self {
            Self::Pipeline(node) => node.id,
            Self::Stage(node) => node.id,
            Self::Binding(node) => node.id,
            Self::AggregateBinding(node) => node.id,
            Self::Aggregate(node) => node.id,
            Self::SortKey(node) => node.id,
            Self::JoinKey(node) => node.id,
            Self::MvItem(node) => node.id,
            Self::Expr(node) => node.id,
        }
    }

    /// Where the hunt says it.
    pub fn span(self) -> Span {
        match self {
            Self::Pipeline(node) => node.span,
            Self::Stage(node) => node.span,
            Self::Binding(node) => node.span,
            Self::AggregateBinding(node) => node.span,
            Self::Aggregate(node) => node.span,
            Self::SortKey(node) => node.value.span,
            Self::JoinKey(node) => node.left.span,
            Self::MvItem(node) => node.value.span,
            Self::Expr(node) => node.span,
        }
    }
}

/// Writes the walk twice, over shared and over exclusive references, from one body: the two can not drift apart.
macro_rules! walk {
    ($name:ident, $($mut_:tt)?) => {
        /// One walk; `see!` is called on each node before its children.
        pub(super) mod $name {
            use super::super::*;
            #[allow(unused_imports)]
            use super::NodeRef;

            walk!(@visitor $($mut_)?);

            pub(crate) fn pipeline(p: & $($mut_)? Pipeline, v: &mut Visitor<'_>) {
                walk!(@see v, Pipeline, p $(, $mut_)?);
                source(& $($mut_)? p.source, v);
                for s in & $($mut_)? p.stages { stage(s, v); }
            }
            fn source(s: & $($mut_)? Source, v: &mut Visitor<'_>) {
                match s {
                    Source::Table(_) | Source::Watchlist { .. } | Source::External { .. } | Source::Rows { .. } => {}
                    Source::Union(u) => for b in & $($mut_)? u.branches { pipeline(b, v); },
                    Source::Print(items) => for b in items { binding(b, v); },
                    Source::Range { from, to, step, .. } => { expr(from, v); expr(to, v); expr(step, v); }
                    Source::Search { predicate, .. } => for t in predicate {
                        match t { SearchTerm::Condition(e) | SearchTerm::Anywhere(e) => expr(e, v) }
                    },
                }
            }
            pub(crate) fn binding(b: & $($mut_)? Binding, v: &mut Visitor<'_>) {
                walk!(@see v, Binding, b $(, $mut_)?);
                expr(& $($mut_)? b.value, v);
            }
            pub(crate) fn sort_key(k: & $($mut_)? SortKey, v: &mut Visitor<'_>) {
                walk!(@see v, SortKey, k $(, $mut_)?);
                expr(& $($mut_)? k.value, v);
            }
            pub(crate) fn aggregate_binding(b: & $($mut_)? AggregateBinding, v: &mut Visitor<'_>) {
                walk!(@see v, AggregateBinding, b $(, $mut_)?);
                match & $($mut_)? b.value {
                    AggregateValue::One(a) => aggregate(a, v),
                    AggregateValue::Computed { value, of } => {
                        expr(value, v);
                        for a in of { aggregate(a, v); }
                    }
                }
            }
            pub(crate) fn aggregate(a: & $($mut_)? Aggregate, v: &mut Visitor<'_>) {
                walk!(@see v, Aggregate, a $(, $mut_)?);
                for e in & $($mut_)? a.args { expr(e, v); }
                if let Some(e) = & $($mut_)? a.condition { expr(e, v); }
                match & $($mut_)? a.columns {
                    ArgColumns::None | ArgColumns::All => {}
                    ArgColumns::Named(items) => for b in items { binding(b, v); },
                }
            }
            fn join(j: & $($mut_)? Join, v: &mut Visitor<'_>) {
                for k in & $($mut_)? j.on { join_key(k, v); }
                pipeline(& $($mut_)? j.right, v);
            }
            pub(crate) fn join_key(k: & $($mut_)? JoinKey, v: &mut Visitor<'_>) {
                walk!(@see v, JoinKey, k $(, $mut_)?);
                expr(& $($mut_)? k.left, v);
                expr(& $($mut_)? k.right, v);
            }
            fn mv_items(items: & $($mut_)? Vec<MvItem>, v: &mut Visitor<'_>) {
                for i in items {
                    walk!(@see v, MvItem, i $(, $mut_)?);
                    expr(& $($mut_)? i.value, v);
                }
            }
            pub(crate) fn stage(s: & $($mut_)? Stage, v: &mut Visitor<'_>) {
                walk!(@see v, Stage, s $(, $mut_)?);
                match & $($mut_)? s.kind {
                    StageKind::Where(e) | StageKind::Take(e) | StageKind::Sample(e) => expr(e, v),
                    StageKind::Extend(items) | StageKind::Project(items) | StageKind::Distinct(items)
                    | StageKind::Serialize(items) => for b in items { binding(b, v); },
                    StageKind::ProjectAway(_) | StageKind::ProjectKeep(_) | StageKind::ProjectReorder(_)
                    | StageKind::Count | StageKind::Render { .. } | StageKind::Untranslated(_) => {}
                    StageKind::ProjectRename(items) => for (_, e) in items { expr(e, v); },
                    StageKind::Summarize { aggregates, keys } => {
                        for a in aggregates { aggregate_binding(a, v); }
                        for k in keys { binding(k, v); }
                    }
                    StageKind::Sort(keys) => for k in keys { sort_key(k, v); },
                    StageKind::Top { count, keys } => {
                        expr(count, v);
                        for k in keys { sort_key(k, v); }
                    }
                    StageKind::SampleDistinct { count, of } => { expr(count, v); expr(of, v); }
                    StageKind::Join(j) | StageKind::Lookup(j) => join(j, v),
                    StageKind::MvExpand { items, limit, .. } => {
                        mv_items(items, v);
                        if let Some(e) = limit { expr(e, v); }
                    }
                    StageKind::MvApply { items, limit, body } => {
                        mv_items(items, v);
                        if let Some(e) = limit { expr(e, v); }
                        for s in body { stage(s, v); }
                    }
                    StageKind::Parse { subject, .. } | StageKind::ParseKv { subject, .. } => expr(subject, v),
                    StageKind::MakeSeries(m) => {
                        for (a, default) in & $($mut_)? m.aggregates {
                            aggregate_binding(a, v);
                            if let Some(e) = default { expr(e, v); }
                        }
                        expr(& $($mut_)? m.on, v);
                        if let Some(e) = & $($mut_)? m.from { expr(e, v); }
                        if let Some(e) = & $($mut_)? m.to { expr(e, v); }
                        expr(& $($mut_)? m.step, v);
                        for b in & $($mut_)? m.by { binding(b, v); }
                    }
                    StageKind::Evaluate { args, .. } | StageKind::Invoke { args, .. } => for e in args { expr(e, v); },
                }
            }
            pub(crate) fn expr(e: & $($mut_)? Expr, v: &mut Visitor<'_>) {
                walk!(@see v, Expr, e $(, $mut_)?);
                match & $($mut_)? e.kind {
                    ExprKind::Literal(_) | ExprKind::Moment(_) | ExprKind::Column(_) | ExprKind::Time(_) => {}
                    ExprKind::Path { base, steps } => {
                        expr(base, v);
                        for s in steps {
                            match s {
                                PathStep::Key(_) | PathStep::Index(_) => {}
                                PathStep::Computed(e) => expr(e, v),
                            }
                        }
                    }
                    ExprKind::Call { args, .. } => for e in args { expr(e, v); },
                    ExprKind::Arithmetic { left, right, .. } | ExprKind::Compare { left, right, .. } => {
                        expr(left, v);
                        expr(right, v);
                    }
                    ExprKind::Negate(e) | ExprKind::Not(e) => expr(e, v),
                    ExprKind::Text(t) => {
                        expr(& $($mut_)? t.subject, v);
                        match & $($mut_)? t.needles {
                            Needles::One(e) => expr(e, v),
                            Needles::Any(items) | Needles::All(items) => for e in items { expr(e, v); },
                            Needles::Table(p) => pipeline(p, v),
                        }
                    }
                    ExprKind::In { subject, values, .. } => {
                        expr(subject, v);
                        for e in values { expr(e, v); }
                    }
                    ExprKind::Presence { subject, .. } => expr(subject, v),
                    ExprKind::And(items) | ExprKind::Or(items) => for e in items { expr(e, v); },
                    ExprKind::Scalar(p) => pipeline(p, v),
                }
            }
        }
    };
    (@visitor) => {
        /// Called on each node.
        pub(crate) type Visitor<'f> = dyn for<'p> FnMut(NodeRef<'p>) + 'f;
    };
    (@visitor mut) => {
        /// Called on the identity of each node.
        pub(crate) type Visitor<'f> = dyn FnMut(&mut NodeId) + 'f;
    };
    (@see $v:ident, $variant:ident, $node:ident) => { $v(NodeRef::$variant($node)); };
    (@see $v:ident, $variant:ident, $node:ident, mut) => { $v(&mut $node.id); };
}

walk!(shared,);
walk!(exclusive, mut);

impl Plan {
    /// Numbers the nodes of a pipeline.
    pub fn new(mut pipeline: Pipeline) -> Self {
        let mut nodes = 0;
        exclusive::pipeline(&mut pipeline, &mut |id: &mut NodeId| {
            *id = NodeId(nodes);
            nodes += 1;
        });
        Self { pipeline, nodes }
    }
}

/// A part of a plan that can be walked.
pub trait Tree {
    /// Calls `see` on this node and every node below, parents before children.
    fn visit(&self, see: &mut dyn FnMut(NodeRef<'_>));
}

/// Implements [`Tree`] for kinds of nodes, by their walks.
macro_rules! tree {
    ($($node:ty => $walk:ident),* $(,)?) => {
        $(impl Tree for $node {
            fn visit(&self, see: &mut dyn FnMut(NodeRef<'_>)) {
                shared::$walk(self, see);
            }
        })*
    };
}

tree! {
    Pipeline => pipeline,
    Stage => stage,
    Binding => binding,
    SortKey => sort_key,
    JoinKey => join_key,
    AggregateBinding => aggregate_binding,
    Aggregate => aggregate,
    Expr => expr,
}

impl Tree for Plan {
    fn visit(&self, see: &mut dyn FnMut(NodeRef<'_>)) {
        self.pipeline.visit(see);
    }
}
