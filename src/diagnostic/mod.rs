//! What is said about a hunt: one type for errors, refusals and notes.
//!
//! Codes live in [`code`], effects and verdicts in [`effect`]. This room knows spans and nothing else of the crate;
//! rendering is `report`'s.

mod code;
mod effect;

pub use code::{Code, Explanation};
pub use effect::{Effect, Polarity};

use std::sync::Arc;

use crate::source::Span;

/// How grave a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something to know.
    Note,
    /// Something that may be wrong in the hunt.
    Warning,
    /// The hunt can not be read, or not be answered.
    Error,
}

/// A remark on a place of the hunt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// Stable code; `huntgate explain` tells more of it.
    pub code: Code,
    /// How grave it is.
    pub severity: Severity,
    /// The place, in the text of the hunt.
    pub span: Span,
    /// What is. One sentence, lower case, no full stop; text of the hunt stands in backquotes.
    pub message: String,
    /// Further places and what is there.
    pub labels: Vec<(Span, String)>,
    /// What would work.
    pub help: Option<String>,
    /// What the rewrite did to the selected events, for notes of a translation.
    pub effect: Option<Effect>,
    /// That someone has looked at it and lives with it.
    pub accepted: Option<Acceptance>,
}

/// That someone has looked at a note and lives with it. It changes neither effect nor verdict.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Acceptance {
    /// Why.
    pub reason: Arc<str>,
    /// Where it is said.
    pub by: Accepter,
}

/// Where a note is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accepter {
    /// In a comment of the hunt: which of those that accept notes.
    Comment(usize),
    /// In an entry of the baseline: which.
    Baseline(usize),
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::with(Severity::Error, None, code, span, message.into())
    }

    /// A warning.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::with(Severity::Warning, None, code, span, message.into())
    }

    /// A note of a translation, with its effect. A refusal is an error.
    pub fn note(code: Code, effect: Effect, span: Span, message: impl Into<String>) -> Self {
        let severity = match effect {
            Effect::Refused => Severity::Error,
            Effect::Narrower => Severity::Warning,
            Effect::Exact | Effect::Reshaped | Effect::Broader | Effect::Unsure => Severity::Note,
        };
        Self::with(severity, Some(effect), code, span, message.into())
    }

    /// A refusal: no query is given.
    pub fn refusal(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::note(code, Effect::Refused, span, message)
    }

    /// Whether it says that the hunt could not be read. A refusal is an answer: the hunt was read, and can not be said.
    pub fn hinders_reading(&self) -> bool {
        self.severity == Severity::Error && self.effect != Some(Effect::Refused)
    }

    fn with(severity: Severity, effect: Option<Effect>, code: Code, span: Span, message: String) -> Self {
        Self { code, severity, span, message, labels: Vec::new(), help: None, effect, accepted: None }
    }

    /// The same with a help text: what would work.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with a further place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push((span, text.into()));
        self
    }
}
