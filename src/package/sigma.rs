//! A Sigma file: the translation is one already, with the rule's own words in it (`fit/sigma/heading.rs`).

use super::{Fields, Package, Packager, RuleFile, Subject};
use crate::about::Field;
use crate::diagnostic::Diagnostic;

/// What a template is given.
#[derive(serde::Serialize)]
struct Data<'a> {
    /// The whole file.
    query: &'a str,
}

pub(super) fn pack(packager: &Packager, subject: &Subject<'_>) -> Result<RuleFile, Box<Diagnostic>> {
    let query = subject.translation.query.as_deref().unwrap_or_default();
    let mut fields = Fields::new(subject.about, subject.span);
    fields.carried(Field::ALL);
    packager.file(Package::Sigma, subject, &Data { query }, fields)
}
