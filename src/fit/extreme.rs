//! Aggregates that take the values of one row: which of those of a `summarize` do so, and what they take. How a target
//! keeps the row is its own matter.

use crate::plan::{Aggregate, AggregateBinding, AggregateKind, AggregateValue, ArgColumns, Binding};

/// An aggregate that takes the values of one row.
#[derive(Clone, Copy)]
pub(crate) struct Extreme<'p> {
    /// The column of the result.
    pub(crate) binding: &'p AggregateBinding,
    /// The call.
    pub(crate) aggregate: &'p Aggregate,
}

impl<'p> Extreme<'p> {
    /// The aggregate, if it is one.
    pub(crate) fn of(binding: &'p AggregateBinding) -> Option<Self> {
        match &binding.value {
            AggregateValue::One(aggregate) => {
                let several = match &aggregate.columns {
                    ArgColumns::All => true,
                    ArgColumns::Named(columns) => !columns.is_empty(),
                    ArgColumns::None => false,
                };
                let ordered = matches!(aggregate.kind, AggregateKind::ArgMax | AggregateKind::ArgMin);
                let takes_row = ordered || aggregate.kind == AggregateKind::TakeAny && several;
                takes_row.then_some(Self { binding, aggregate })
            }
            AggregateValue::Computed { .. } => None,
        }
    }

    /// It takes whole rows.
    pub(crate) fn takes_all(&self) -> bool {
        matches!(self.aggregate.columns, ArgColumns::All)
    }

    /// The columns that it takes beside the one that orders the rows.
    pub(crate) fn columns(&self) -> &'p [Binding] {
        match &self.aggregate.columns {
            ArgColumns::Named(columns) => columns,
            ArgColumns::None | ArgColumns::All => &[],
        }
    }
}
