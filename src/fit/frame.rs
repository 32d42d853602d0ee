//! What every fitter is given: the plan, the target's data and what the user chose.

use crate::plan::Plan;
use crate::target::{Schema, Spellings, TargetFacts};
use crate::vocabulary::Vocabulary;

use super::Style;

/// One translation to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// What the hunt means.
    pub(crate) plan: &'a Plan,
    /// What is known of KQL.
    pub(crate) vocabulary: &'a Vocabulary,
    /// Spelling and limits of the target's language.
    pub(crate) facts: &'a TargetFacts,
    /// How the target spells KQL's functions.
    pub(crate) spellings: &'a Spellings,
    /// How data is named at the site.
    pub(crate) schema: &'a Schema,
    /// How the query is written.
    pub(crate) style: Style,
    /// The text of the hunt, for quoting it in notes.
    pub(crate) text: &'a str,
    /// The name of the hunt, if its file gives one.
    pub(crate) name: Option<&'a str>,
    /// The id of the hunt, if its file gives one.
    pub(crate) id: Option<&'a str>,
}
