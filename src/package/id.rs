//! The id of a rule file: its own, so that two targets' rules of one hunt never stand for one another.

use uuid::Uuid;

use super::Subject;
use crate::identity;

/// The id of the rule that is made of a hunt for a target and a schema. All forms of the target have the same.
pub(super) fn rule_id(subject: &Subject<'_>) -> Uuid {
    identity::of(subject.about, subject.text, subject.schema, Some(subject.target.name()))
}
