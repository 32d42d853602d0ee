//! What is known of the data model of a hunt: its dataset, the fields that the hunt looks at, and what a missing value of
//! each arrives as. How the events are found stands in `datamodel.rs` and `tstats.rs`, which both read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tree::{Command, Dataset, EvalExpr, Name, StatsInput};
use crate::fit::TimeRange;
use crate::source::Span;

/// The data model of a hunt, and what is known of the fields that the hunt looks at.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) dataset: Dataset,
    /// The table whose events are only a part of the dataset's.
    pub(super) shared: Option<Arc<str>>,
    pub(super) fields: BTreeMap<Name, Held>,
    /// The window as a condition, for where the base search can not hold it.
    pub(super) window: Option<EvalExpr>,
    pub(super) range: Option<TimeRange>,
    pub(super) span: Span,
}

/// A field of the dataset.
#[derive(Debug)]
pub(super) struct Held {
    /// It is text, so that a missing value may as well be the empty text.
    pub(super) text: bool,
    /// The text that a missing value arrives as.
    pub(super) null_text: Option<Arc<str>>,
    /// It is never missing: the model's reference says what fills it.
    pub(super) filled: bool,
}

impl Model {
    /// The field that a value is, less the text that stands for a missing one.
    pub(super) fn filled<'e>(&self, value: &'e EvalExpr) -> Option<&'e Name> {
        let EvalExpr::Call("nullif", args) = value else { return None };
        let [EvalExpr::Field(field), EvalExpr::Text(text)] = args.as_slice() else { return None };
        let held = self.fields.get(field)?;
        (held.null_text.as_deref() == Some(text)).then_some(field)
    }

    /// The field that an aggregate looks at, where it knows a missing value as one value.
    pub(super) fn whole<'e>(&self, of: &'e StatsInput) -> Option<&'e Name> {
        match of {
            StatsInput::Eval(EvalExpr::Call("coalesce", args)) => match args.as_slice() {
                [value, EvalExpr::Text(empty)] if empty.is_empty() => self.filled(value),
                _ => None,
            },
            StatsInput::Eval(value) => self.filled(value),
            StatsInput::Rows | StatsInput::Field(_) => None,
        }
    }
}

/// The other way: a `stats` without aggregates is a `dedup`.
pub(super) fn stats_as_distinct(commands: Vec<Command>) -> impl Iterator<Item = Command> {
    commands.into_iter().flat_map(|command| {
        if let Command::Stats { aggregates, by } = &command
            && aggregates.is_empty()
        {
            return vec![Command::Dedup(by.clone()), Command::Table(by.clone())];
        }
        vec![command]
    })
}

/// Renames, then these: one name on the way is left out.
pub(super) fn rename_further(renames: &mut Vec<(Name, Name)>, pairs: &[(Name, Name)]) {
    for (from, to) in pairs {
        match renames.iter_mut().find(|(_, name)| name == from) {
            Some((_, name)) => *name = to.clone(),
            None => renames.push((from.clone(), to.clone())),
        }
    }
}
