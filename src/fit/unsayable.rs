//! Why a part of a hunt can not be said, on its way to whoever refuses the hunt or leaves the part out.

use crate::diagnostic::{Code, Diagnostic};
use crate::plan::Stage;
use crate::source::Span;

/// Why something can not be said, as a refusal of the whole; whoever can leave the part out makes a note of it.
#[derive(Debug)]
pub(crate) struct Unsayable(pub(crate) Box<Diagnostic>);

/// What can be said, or why it can not.
pub(crate) type Fit<T> = Result<T, Unsayable>;

impl Unsayable {
    /// A refusal of this place.
    pub(crate) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self(Box::new(Diagnostic::refusal(code, span, message)))
    }

    /// The same with what would work.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self(Box::new(self.0.help(help)))
    }
}

/// Where fitting a pipeline stopped, and why: at a stage, or at the pipeline as a whole.
pub(crate) struct Stopped<'p> {
    /// The stage.
    pub(crate) at: Option<&'p Stage>,
    /// The reason.
    pub(crate) reason: Unsayable,
}
