//! Splunk's rule files: stanzas of `savedsearches.conf` and detections of its security content.
//!
//! The search is the translation's; here stand its times, its alert and its words.

mod conf;
mod contentctl;
mod domain;
mod drilldown;
mod objects;
mod times;

use super::{Package, Packager, RuleFile, Subject};
use crate::diagnostic::Diagnostic;

/// A saved search that alerts.
pub(super) fn saved_search(packager: &Packager, subject: &Subject<'_>) -> Result<RuleFile, Box<Diagnostic>> {
    conf::pack(packager, Package::SavedSearch, subject, false)
}

/// A correlation search of Enterprise Security.
pub(super) fn correlation_search(packager: &Packager, subject: &Subject<'_>) -> Result<RuleFile, Box<Diagnostic>> {
    conf::pack(packager, Package::CorrelationSearch, subject, true)
}

/// A detection of security content.
pub(super) fn detection(packager: &Packager, subject: &Subject<'_>) -> Result<RuleFile, Box<Diagnostic>> {
    contentctl::pack(packager, subject)
}
