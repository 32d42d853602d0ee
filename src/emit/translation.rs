//! The answer for one hunt and one target.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Effect, Severity};
use crate::fit::{Need, TimeRange};

/// A hunt in a target's language, with what differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    /// How faithful the query is; computed from the effects of the notes.
    pub verdict: Effect,
    /// The query; `None` if and only if the verdict is [`Effect::Refused`].
    pub query: Option<String>,
    /// Over which time the query is to be run, where the hunt's window is not in the query itself.
    pub time_range: Option<TimeRange>,
    /// The windows that the hunt's pipelines set for themselves, in the query or beside it; open where one sets none.
    pub windows: Vec<TimeRange>,
    /// Each row is one event that was found by itself, whatever other events a run looks at.
    pub single_events: bool,
    /// The columns of the hunt's rows that its file names, and the fields that hold them in what the query gives, as far as
    /// each is one.
    pub columns: Vec<(Arc<str>, String)>,
    /// What the query reads by its name and the site must have.
    pub needs: Vec<Need>,
    /// Every difference, in the order of the hunt's text.
    pub notes: Vec<Diagnostic>,
}

impl Translation {
    /// No query, for these reasons: the errors among them refuse, the rest are remarks.
    pub fn refused(mut notes: Vec<Diagnostic>) -> Self {
        for note in &mut notes {
            let effect = if note.severity == Severity::Error { Effect::Refused } else { Effect::Exact };
            note.effect = note.effect.filter(|_| note.severity != Severity::Error).or(Some(effect));
        }
        Self {
            verdict: Effect::Refused,
            query: None,
            time_range: None,
            windows: Vec::new(),
            single_events: false,
            columns: Vec::new(),
            needs: Vec::new(),
            notes,
        }
    }
}
