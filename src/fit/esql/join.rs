//! `join` and `lookup`.

use super::{Fit, Fitter, unwritten};
use crate::plan::{Join, Stage};

impl<'a> Fitter<'a, '_> {
    /// `join`, `lookup`; `rest` are the stages after it.
    pub(super) fn join(&mut self, stage: &Stage, _join: &Join, _lookup: bool, _rest: &[Stage]) -> Fit<()> {
        Err(unwritten(stage.span, "this join"))
    }
}
