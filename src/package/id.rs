//! The id of a rule file: its own, so that two targets' rules of one hunt never stand for one another.

use uuid::Uuid;

use super::Subject;
use crate::identity;

/// The id of the rule that is made of a hunt for a target and a schema. All forms of the target have the same.
pub(super) fn rule_id(subject: &Subject<'_>) -> Uuid {
    identity::of(subject.about, subject.text, subject.schema, Some(subject.target.name()))
}

/// The id of the source's rule, where it has one of this kind: `{0F8F…}` and `0f8f…` are the same.
pub(super) fn source_id(subject: &Subject<'_>) -> Option<Uuid> {
    let id = subject.about.id.as_deref()?;
    Uuid::parse_str(id.trim()).ok().filter(|id| !id.is_nil())
}
