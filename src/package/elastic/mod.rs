//! Rules of Elastic Security: the TOML of `detection-rules`, and a line of NDJSON for Kibana's import.
//!
//! [`rule`] makes the one body of both, [`times`] its schedule, [`account`] answers for the fields of the source. Formats:
//! <https://github.com/elastic/detection-rules/blob/main/detection_rules/rule.py> and
//! <https://www.elastic.co/docs/api/doc/kibana/operation/operation-createrule>.

mod account;
mod rule;
mod times;

use serde::Serialize;
use serde_json::Value;

use super::words;
use super::{Fields, Package, Packager, RuleFile, Subject};
use crate::about::Field;
use crate::diagnostic::{Diagnostic, Effect};
use rule::Rule;

/// The day of a rule whose source gives none: there is no clock in what huntgate writes.
const SOME_DAY: &str = "2024-01-01";

/// What the template of the TOML form is given.
#[derive(Serialize)]
struct Document {
    comments: Vec<String>,
    created: String,
    updated: String,
    integration: Vec<String>,
    rule: Rule,
}

/// What the template of the NDJSON form is given.
#[derive(Serialize)]
struct Line {
    rule: Value,
}

pub(super) fn pack(
    packager: &Packager,
    package: Package,
    subject: &Subject<'_>,
    is_line: bool,
) -> Result<RuleFile, Box<Diagnostic>> {
    let about = subject.about;
    let mut fields = Fields::new(about, subject.span);
    let parts = account::answer(packager, subject, &mut fields)?;
    let times = times::times(subject, &mut fields);
    let (created, updated) = if is_line {
        fields.noted(
            Field::Date,
            crate::diagnostic::Code::RuleFieldDropped,
            Effect::Exact,
            "Kibana dates a rule by its import",
        );
        fields.noted(
            Field::Modified,
            crate::diagnostic::Code::RuleFieldDropped,
            Effect::Exact,
            "Kibana dates a rule by its import",
        );
        (String::new(), String::new())
    } else {
        days(subject, &mut fields)
    };
    // The rule shows its notes, so what it shows is made when all are known.
    let verdict = words::verdict(subject, fields.notes());
    let rule = rule::rule(subject, parts, times, &verdict);
    if is_line {
        return packager.file(package, subject, &Line { rule: without_nulls(&rule) }, fields);
    }
    let integration = rule::integrations(subject);
    let data = Document { comments: verdict, created, updated, integration, rule };
    packager.file(package, subject, &data, fields)
}

/// The days of the rule, `YYYY/MM/DD`.
fn days(subject: &Subject<'_>, fields: &mut Fields<'_>) -> (String, String) {
    let about = subject.about;
    let slashed = |day: &str| day.replace('-', "/");
    let made = about.date.as_deref().or(about.modified.as_deref());
    fields.carried(&[Field::Date, Field::Modified]);
    if made.is_none() {
        fields.assumed(Field::Date, Effect::Exact, format!("the source gives no day: {SOME_DAY} stands there"));
    }
    let made = made.unwrap_or(SOME_DAY);
    (slashed(made), slashed(about.modified.as_deref().unwrap_or(made)))
}

/// The body as JSON, without what the rule does not have.
fn without_nulls(rule: &Rule) -> Value {
    let mut value = serde_json::to_value(rule).unwrap_or_default();
    if let Value::Object(map) = &mut value {
        map.retain(|_, value| !value.is_null());
    }
    value
}
