//! What becomes of each field of a rule in Elastic Security. The body that it goes into is `rule`'s.

use serde::Serialize;

use super::super::threat::Threats;
use super::super::{Fields, Packager, Subject, risk, schedule, text, threat, trigger};
use super::super::{attack, words};
use crate::about::{AlertSeverity, EventGrouping, Field};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::fit::outputs;

/// The most fields by which alerts are held back:
/// <https://www.elastic.co/docs/solutions/security/detect-and-alert/suppress-detection-alerts>.
const MOST_GROUPS: usize = 3;

/// Fields of the source in the words of Elastic Security.
pub(super) struct Parts {
    pub(super) severity: &'static str,
    pub(super) risk_score: u8,
    pub(super) building_block: bool,
    pub(super) threat: Vec<Threat>,
    /// Fields that an analyst looks at first.
    pub(super) fields: Vec<String>,
    pub(super) suppression: Option<Suppression>,
    pub(super) name_override: Option<String>,
    pub(super) severity_mapping: Vec<SeverityMapping>,
}

impl Parts {
    /// The names of the tactics.
    pub(super) fn tactics(&self) -> impl Iterator<Item = &str> {
        self.threat.iter().map(|threat| threat.tactic.name.as_str())
    }
}

/// A tactic and its techniques.
#[derive(Debug, Serialize)]
pub(super) struct Threat {
    framework: &'static str,
    tactic: Entry,
    technique: Vec<Technique>,
}

#[derive(Debug, Serialize)]
struct Entry {
    id: String,
    name: String,
    reference: String,
}

#[derive(Debug, Serialize)]
struct Technique {
    id: String,
    name: String,
    reference: String,
    subtechnique: Vec<Entry>,
}

/// For how long alerts of the same fields are held back.
#[derive(Debug, Serialize)]
pub(super) struct Suppression {
    group_by: Vec<String>,
    duration: Duration,
    missing_fields_strategy: &'static str,
}

#[derive(Debug, Serialize)]
struct Duration {
    value: i64,
    unit: &'static str,
}

/// A value of a field that makes an alert of another severity.
#[derive(Debug, Serialize)]
pub(super) struct SeverityMapping {
    field: String,
    operator: &'static str,
    value: &'static str,
    severity: &'static str,
}

/// Answers for every field but those of the schedule and the days.
///
/// # Errors
/// Elastic Security has no rule that alerts where nothing is found.
pub(super) fn answer(
    packager: &Packager,
    subject: &Subject<'_>,
    fields: &mut Fields<'_>,
) -> Result<Parts, Box<Diagnostic>> {
    let about = subject.about;
    let (severity, risk_score) = risk::elastic(about.severity.unwrap_or(AlertSeverity::Medium));
    let threats = threat::read(&packager.attack, about, fields);
    let mut parts = Parts {
        severity,
        risk_score,
        building_block: about.severity == Some(AlertSeverity::Informational),
        threat: threats_of(packager, &threats),
        fields: Vec::new(),
        suppression: None,
        name_override: None,
        severity_mapping: Vec::new(),
    };
    for field in Field::ALL {
        one(subject, *field, fields, &mut parts)?;
    }
    Ok(parts)
}

fn one(subject: &Subject<'_>, field: Field, fields: &mut Fields<'_>, parts: &mut Parts) -> Result<(), Box<Diagnostic>> {
    let about = subject.about;
    let (dropped, changed) = (Code::RuleFieldDropped, Code::RuleFieldChanged);
    match field {
        Field::Description
        | Field::Author
        | Field::References
        | Field::FalsePositives
        | Field::Tags
        // These stand in the note of the rule, which an analyst reads beside an alert.
        | Field::Id
        | Field::Status
        | Field::Connectors
        | Field::Recommended
        | Field::Hypothesis
        | Field::Confidence
        | Field::Origin => fields.carried(&[field]),
        // Others answer for them.
        Field::Tactics | Field::Techniques | Field::QueryFrequency | Field::QueryPeriod | Field::Date | Field::Modified => {}
        Field::Name => {
            fields.carried(&[field]);
            let name = about.name.as_deref().unwrap_or_default();
            if about.name.is_some() && super::rule::name(subject) != text::one_line(name, 1_000) {
                let message = "the name begins and ends with a letter or a digit here, as Elastic's rules do";
                fields.noted(field, changed, Effect::Exact, message);
            }
        }
        Field::Kind => fields.carried(&[field]),
        Field::Version => {
            fields.carried(&[field]);
            let (number, whole) = words::version(about);
            if !whole {
                let message = format!("a version is a whole number in Elastic Security: {number}");
                fields.noted(field, changed, Effect::Exact, message);
            }
        }
        Field::Enabled => match about.enabled {
            None if !words::is_hunt(about) => {
                fields.assumed(field, Effect::Exact, "the source does not say whether the rule is switched on: it is off");
            }
            Some(_) | None => fields.carried(&[field]),
        },
        Field::Severity => match about.severity {
            Some(AlertSeverity::Informational) => {
                let message = "Elastic Security knows no severity below low: the alerts are building blocks of severity low";
                fields.noted(field, changed, Effect::Exact, message);
            }
            Some(_) => fields.carried(&[field]),
            None => fields.assumed(field, Effect::Exact, "the source gives no severity: medium stands there"),
        },
        Field::Trigger => trigger::any_row(fields, subject, "a rule of Elastic Security alerts for any row")?,
        Field::Grouping => match about.grouping {
            Some(EventGrouping::SingleAlert) => {
                let message = "Elastic Security makes an alert of each row, and not one of all";
                fields.noted(field, changed, Effect::Reshaped, message);
            }
            Some(EventGrouping::AlertPerResult) | None => fields.carried(&[field]),
        },
        Field::Suppression => suppression(subject, fields, parts),
        Field::Entities => {
            let columns = about.entities.iter().flat_map(|entity| &entity.fields);
            shown(subject, field, columns, fields, parts);
        }
        Field::CustomDetails => shown(subject, field, about.custom_details.iter(), fields, parts),
        Field::AlertName => {
            let format = about.alert_name.as_deref().unwrap_or_default().trim();
            let only = outputs::placeholders(format).next().filter(|(written, _)| *written == format);
            match only.and_then(|(_, column)| subject.field_of(column)) {
                Some(name) => {
                    parts.name_override = Some(name.to_owned());
                    fields.carried(&[field]);
                }
                None => fields.noted(
                    field,
                    dropped,
                    Effect::Reshaped,
                    "an alert has the name of the rule, or of one field as a whole",
                ),
            }
        }
        Field::AlertDescription => {
            fields.noted(field, dropped, Effect::Reshaped, "an alert has the description of the rule");
        }
        Field::AlertTacticsColumn => {
            fields.noted(field, dropped, Effect::Reshaped, "an alert has the tactics of the rule, whatever its row holds");
        }
        Field::AlertSeverityColumn => match about.alert_severity_column.as_deref().and_then(|it| subject.field_of(it)) {
            Some(name) => {
                let of = |value, severity| SeverityMapping { field: name.to_owned(), operator: "equals", value, severity };
                parts.severity_mapping = vec![
                    of("Informational", "low"),
                    of("Low", "low"),
                    of("Medium", "medium"),
                    of("High", "high"),
                    of("Critical", "critical"),
                ];
                fields.carried(&[field]);
            }
            None => fields.noted(
                field,
                Code::EntityUnmapped,
                Effect::Reshaped,
                "the column is no field of the rows: every alert has the severity of the rule",
            ),
        },
        Field::AlertProperties => {
            fields.noted(field, dropped, Effect::Reshaped, "an alert shows its fields, under their own names");
        }
        Field::Incident => {
            fields.noted(field, dropped, Effect::Reshaped, "how alerts become cases is not said by a rule");
        }
        Field::Actions => {
            let message = "response actions are set up where the rule runs: the note of the rule lists them";
            fields.noted(field, dropped, Effect::Exact, message);
        }
    }
    Ok(())
}

/// For how long the rule holds back alerts.
fn suppression(subject: &Subject<'_>, fields: &mut Fields<'_>, parts: &mut Parts) {
    let field = Field::Suppression;
    let Some(it) = subject.about.suppression.filter(|it| it.enabled) else {
        fields.carried(&[field]);
        return;
    };
    let mut groups: Vec<String> = Vec::new();
    let columns = subject.about.entities.iter().flat_map(|entity| &entity.fields);
    for name in columns.filter_map(|(_, column)| subject.field_of(column)) {
        if groups.len() < MOST_GROUPS && !groups.iter().any(|known| known == name) {
            groups.push(name.to_owned());
        }
    }
    if groups.is_empty() {
        let message = "Elastic Security holds alerts back by fields, and no entity of the rule is one";
        fields.noted(field, Code::RuleFieldDropped, Effect::Reshaped, message);
        return;
    }
    let seconds = schedule::seconds(it.duration.unwrap_or(5 * schedule::HOUR));
    let minutes = (seconds.saturating_add(59) / 60).max(1);
    let (value, unit) = if minutes % 60 == 0 { (minutes / 60, "h") } else { (minutes, "m") };
    let message = format!(
        "alerts are held back for each value of {}, and not whatever they are about; EQL needs Elastic 8.14 for it, ES|QL 8.15",
        groups.iter().map(|name| text::quoted(name, 60)).collect::<Vec<_>>().join(", ")
    );
    fields.noted(field, Code::RuleFieldChanged, Effect::Reshaped, message);
    parts.suppression =
        Some(Suppression { group_by: groups, duration: Duration { value, unit }, missing_fields_strategy: "suppress" });
}

/// Columns that an alert shows become fields that an analyst looks at first.
fn shown<'a>(
    subject: &Subject<'_>,
    field: Field,
    columns: impl Iterator<Item = &'a (String, String)>,
    fields: &mut Fields<'_>,
    parts: &mut Parts,
) {
    for (name, column) in columns {
        match subject.field_of(column) {
            Some(name) if parts.fields.iter().any(|known| known == name) => {}
            Some(name) => parts.fields.push(name.to_owned()),
            None => {
                let (name, column) = (text::quoted(name, 60), text::quoted(column, 60));
                let message = format!("{name} is {column}, which is no field of the rows that the rule finds");
                fields.noted(field, Code::EntityUnmapped, Effect::Reshaped, message);
            }
        }
    }
    let message = "the columns are fields that an analyst looks at first, without what each of them names";
    fields.noted(field, Code::RuleFieldChanged, Effect::Exact, message);
}

fn threats_of(packager: &Packager, threats: &Threats<'_>) -> Vec<Threat> {
    let entry = |id: &str, name: &str, reference: String| Entry { id: id.to_owned(), name: name.to_owned(), reference };
    let by_tactic = threats.by_tactic(&packager.attack).into_iter();
    by_tactic
        .map(|threat| Threat {
            framework: "MITRE ATT&CK",
            tactic: entry(threat.id, &threat.tactic.name, attack::tactic_page(threat.id)),
            technique: threat
                .techniques
                .into_iter()
                .map(|it| Technique {
                    id: it.id.to_owned(),
                    name: it.technique.name.clone(),
                    reference: attack::technique_page(it.id),
                    subtechnique: it
                        .below
                        .into_iter()
                        .map(|(id, technique)| entry(id, &technique.name, attack::technique_page(id)))
                        .collect(),
                })
                .collect(),
        })
        .collect()
}
