//! Stanzas of `savedsearches.conf`: the saved search that alerts, and the correlation search of Enterprise Security.
//!
//! Keys: <https://help.splunk.com/en/data-management/splunk-enterprise-admin-manual/10.0/10.0.0-configuration-file-reference/savedsearches.conf>,
//! those of Enterprise Security as its content has them:
//! <https://github.com/splunk/contentctl/blob/main/contentctl/output/templates/savedsearches_detections.j2>.
//!
//! The scheduler runs a search as it stands. `$name$` in it is replaced only where another search runs it with values for names:
//! <https://help.splunk.com/en/splunk-enterprise/spl-search-reference/10.0/search-commands/savedsearch>. In the words of a notable
//! event it is a field of the row, so that dollars of the source's own are kept apart there (`words.rs`).

use serde::Serialize;
use serde_json::{Value, json};

use super::super::{Fields, Package, Packager, RuleFile, Subject, id, risk, schedule, text, threat, words};
use super::objects::{Objects, objects};
use super::times::{Times, times};
use super::{domain, drilldown};
use crate::about::{AlertSeverity, EventGrouping, Field, Trigger, TriggerOperator};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::TICKS_PER_SECOND;

/// The most characters of a stanza's name that Enterprise Security takes:
/// <https://github.com/splunk/contentctl/blob/main/contentctl/objects/constants.py>.
const STANZA: usize = 99;

/// For how long Sentinel rests behind an alert where a rule does not say it:
/// <https://learn.microsoft.com/en-us/azure/sentinel/create-analytics-rules>.
const USUAL_REST: i64 = 5 * schedule::HOUR;

/// What the template of a saved search is given.
#[derive(Serialize)]
struct Data {
    comments: Vec<String>,
    name: String,
    description: String,
    search: String,
    cron: String,
    earliest: String,
    latest: String,
    scheduled: bool,
    disabled: bool,
    relation: &'static str,
    quantity: u64,
    digest: bool,
    suppress: Option<Suppress>,
    severity: u8,
    es: Option<Security>,
}

#[derive(Serialize)]
struct Suppress {
    fields: String,
    period: String,
}

/// What the template of a correlation search is given beside it, as `es`.
#[derive(Serialize)]
struct Security {
    label: String,
    annotations: Value,
    metadata: Value,
    title: String,
    description: String,
    domain: String,
    severity: &'static str,
    nes_fields: String,
    next_steps: Option<Value>,
    drilldowns: Option<Value>,
    risk: Option<Risk>,
}

#[derive(Serialize)]
struct Risk {
    message: String,
    objects: Value,
}

/// A stanza of `savedsearches.conf`.
pub(super) fn pack(
    packager: &Packager,
    package: Package,
    subject: &Subject<'_>,
    is_es: bool,
) -> Result<RuleFile, Box<Diagnostic>> {
    let about = subject.about;
    let mut fields = Fields::new(about, subject.span);
    let times = times(subject, &mut fields);
    let threats = threat::read(&packager.attack, about, &mut fields);
    let objects = objects(subject);
    let trigger = about.trigger.unwrap_or(Trigger::ANY);
    let is_single = about.grouping != Some(EventGrouping::AlertPerResult);
    // Enterprise Security makes a notable event of each row of one alert.
    let digest = is_es || is_single;
    let suppress = suppress(subject, &objects, digest, &mut fields);
    answer(subject, &objects, is_es, &mut fields);
    let es = match is_es {
        true => Some(security(subject, &threats, &objects, &mut fields)?),
        false => None,
    };
    let mut told = words::told(about);
    if !is_es && !threats.is_empty() {
        let tactics = threats.tactics.iter().map(|(_, tactic)| tactic.name.clone());
        let techniques = threats.techniques.iter().map(|(id, technique)| format!("{} ({id})", technique.name));
        told.push(format!("ATT&CK: {}", tactics.chain(techniques).collect::<Vec<_>>().join(", ")));
    }
    let verdict = words::verdict(subject, fields.notes());
    let mut lines = vec![words::description(about)];
    lines.extend(Some(String::new()).filter(|_| !told.is_empty()));
    lines.extend(told);
    lines.push(String::new());
    lines.extend(verdict.iter().cloned());
    let Times { cron, earliest, latest, scheduled } = times;
    let data = Data {
        comments: verdict,
        name: stanza(subject, es.as_ref()),
        description: lines.join("\n"),
        search: subject.translation.query.clone().unwrap_or_default(),
        cron,
        earliest,
        latest,
        scheduled,
        disabled: about.enabled != Some(true) || !scheduled,
        relation: relation(trigger.operator),
        quantity: trigger.threshold,
        digest,
        suppress,
        // Splunk's own default is 3, a warning.
        severity: risk::splunk_number(about.severity.unwrap_or(if is_es {
            AlertSeverity::Medium
        } else {
            AlertSeverity::Low
        })),
        es,
    };
    packager.file(package, subject, &data, fields)
}

/// The name of the stanza, which has no brackets. `default` is the name of what holds for all stanzas.
fn stanza(subject: &Subject<'_>, es: Option<&Security>) -> String {
    let bare = |most: usize| {
        let name: String = words::name(subject, 200).chars().filter(|char| !matches!(char, '[' | ']')).collect();
        let name = text::one_line(&name, most);
        if name.is_empty() || name.eq_ignore_ascii_case("default") {
            format!("Hunt {name}").trim().to_owned()
        } else {
            name
        }
    };
    match es {
        None => bare(STANZA),
        Some(es) => {
            let mut domain = es.domain.clone();
            domain.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
            let frame = format!("{domain} -  - Rule").len();
            format!("{domain} - {} - Rule", bare(STANZA - frame))
        }
    }
}

/// Whether a run without rows makes an alert.
pub(super) const fn holds_without_rows(trigger: Trigger) -> bool {
    match trigger.operator {
        TriggerOperator::GreaterThan => false,
        TriggerOperator::LessThan | TriggerOperator::NotEqual => trigger.threshold > 0,
        TriggerOperator::Equal => trigger.threshold == 0,
    }
}

const fn relation(operator: TriggerOperator) -> &'static str {
    match operator {
        TriggerOperator::GreaterThan => "greater than",
        TriggerOperator::LessThan => "less than",
        TriggerOperator::Equal => "equal to",
        TriggerOperator::NotEqual => "not equal to",
    }
}

/// For how long the search rests behind an alert. Where each row is an alert, Splunk must be told the fields that make two
/// rows the same.
fn suppress(subject: &Subject<'_>, objects: &Objects, digest: bool, fields: &mut Fields<'_>) -> Option<Suppress> {
    fields.carried(&[Field::Suppression]);
    let asked = subject.about.suppression.filter(|it| it.enabled)?;
    let rest = asked.duration.filter(|it| *it >= TICKS_PER_SECOND).unwrap_or_else(|| {
        let message = "the source does not say for how long it rests behind an alert: the search rests five hours";
        fields.assumed(Field::Suppression, Effect::Exact, message);
        USUAL_REST
    });
    let named = objects.same().map(|it| it.field.as_str());
    // Names in this list are not quoted.
    let named: Vec<&str> = named.filter(|it| !it.contains([' ', ',', '"'])).collect();
    if !digest && named.is_empty() {
        let message = "Splunk rests behind an alert of one row only for rows with the same values of named fields, and no entity names one: the search does not rest";
        fields.noted(Field::Suppression, Code::RuleFieldDropped, Effect::Broader, message);
        return None;
    }
    if !digest {
        let message = format!("behind an alert the search rests for rows of the same {} only", named.join(", "));
        fields.noted(Field::Suppression, Code::RuleFieldChanged, Effect::Broader, message);
    }
    let list = if digest { String::new() } else { named.join(",") };
    Some(Suppress { fields: list, period: format!("{}s", schedule::seconds(rest)) })
}

/// Answers for every field that no other function answers for.
fn answer(subject: &Subject<'_>, objects: &Objects, is_es: bool, fields: &mut Fields<'_>) {
    let about = subject.about;
    let dropped = |fields: &mut Fields<'_>, field: Field, message: &str| {
        fields.noted(field, Code::RuleFieldDropped, Effect::Exact, message);
    };
    for &field in Field::ALL {
        match field {
            // In the stanza's keys, or in words in its description.
            Field::Name
            | Field::Description
            | Field::Status
            | Field::Author
            | Field::Date
            | Field::Modified
            | Field::References
            | Field::FalsePositives
            | Field::Tags
            | Field::Connectors
            | Field::Hypothesis
            | Field::Confidence
            | Field::Recommended
            | Field::Origin
            | Field::Id => fields.carried(&[field]),
            Field::Trigger => {
                fields.carried(&[field]);
                if is_es && about.trigger.is_some_and(holds_without_rows) {
                    let message = "Enterprise Security makes a notable event of each row, so that a run without rows makes none, though the source asks for an alert";
                    fields.noted(field, Code::TriggerChanged, Effect::Narrower, message);
                }
            }
            // `times`, `suppress`, and the reading of ATT&CK.
            Field::Kind | Field::QueryFrequency | Field::QueryPeriod | Field::Suppression => {}
            Field::Tactics | Field::Techniques => {}
            Field::Version => {
                fields.carried(&[field]);
                if let (true, (number, false)) = (is_es, words::version(about)) {
                    let message = format!("Splunk counts versions in whole numbers: this one is {number}");
                    fields.noted(field, Code::RuleFieldChanged, Effect::Exact, message);
                }
            }
            Field::Severity if about.severity.is_none() => {
                let stands = if is_es { "medium" } else { "3, a warning" };
                fields.assumed(field, Effect::Exact, format!("the source gives no severity: `{stands}` stands there"));
            }
            Field::Severity => fields.carried(&[field]),
            Field::Enabled if about.enabled.is_none() && !words::is_hunt(about) => {
                let message = "the source does not say whether the rule is on: the search is disabled";
                fields.assumed(field, Effect::Exact, message);
            }
            Field::Enabled => fields.carried(&[field]),
            Field::Grouping => {
                fields.carried(&[field]);
                if is_es && about.grouping == Some(EventGrouping::SingleAlert) {
                    let message = "Enterprise Security makes a notable event of each row, not one of all rows of a run";
                    fields.noted(field, Code::RuleFieldChanged, Effect::Exact, message);
                }
            }
            Field::Entities if is_es => entities(objects, fields),
            Field::Entities => {
                let message = "a saved search knows no entities; their fields stand in the rows";
                dropped(fields, field, message);
            }
            Field::CustomDetails if is_es => {
                let message = "details of an alert are the fields of its row, under their own names";
                fields.noted(field, Code::RuleFieldChanged, Effect::Exact, message);
            }
            Field::CustomDetails => {
                dropped(fields, field, "a saved search shows the fields of a row under their own names")
            }
            Field::AlertName | Field::AlertDescription if is_es => fields.carried(&[field]),
            Field::AlertName | Field::AlertDescription => {
                dropped(fields, field, "an alert of a saved search has the name and the description of the search");
            }
            Field::AlertTacticsColumn => dropped(fields, field, "the tactics of an alert are those of its search"),
            Field::AlertSeverityColumn => dropped(fields, field, "the severity of an alert is that of its search"),
            Field::AlertProperties => dropped(fields, field, "an alert takes no properties from columns of its row"),
            Field::Incident => dropped(fields, field, "how alerts are put together is no part of a search"),
            Field::Actions => dropped(fields, field, "what is done to a device or an account is not in the search"),
        }
    }
}

/// Answers for the entities of a rule that is made to have risk objects and threat objects.
pub(super) fn entities(objects: &Objects, fields: &mut Fields<'_>) {
    fields.carried(&[Field::Entities]);
    if !objects.missing.is_empty() {
        let columns: Vec<String> = objects.missing.iter().map(|it| text::quoted(it, 60)).collect();
        let message = format!("no field of the rows holds {}, so that its entity is not named", columns.join(", "));
        fields.noted(Field::Entities, Code::EntityUnmapped, Effect::Exact, message);
    }
    if !objects.unknown.is_empty() {
        let types: Vec<String> = objects.unknown.iter().map(|it| text::quoted(it, 60)).collect();
        let message = format!("Splunk has no type of object for the entity {}, which is left out", types.join(", "));
        fields.noted(Field::Entities, Code::RuleFieldDropped, Effect::Exact, message);
    }
}

/// Notes columns of an alert's text that no field holds.
pub(super) fn missing(field: Field, columns: &[String], fields: &mut Fields<'_>) {
    if !columns.is_empty() {
        let columns: Vec<String> = columns.iter().map(|it| text::quoted(it, 60)).collect();
        let message = format!("no field of the rows holds {}, whose name stands in the text", columns.join(", "));
        fields.noted(field, Code::EntityUnmapped, Effect::Exact, message);
    }
}

/// What makes a saved search a correlation search.
fn security(
    subject: &Subject<'_>,
    threats: &threat::Threats<'_>,
    objects: &Objects,
    fields: &mut Fields<'_>,
) -> Result<Security, Box<Diagnostic>> {
    let about = subject.about;
    let (domain, is_known) = domain::of(subject)?;
    if !is_known {
        let message = format!("which security domain the tables are of is not known: `{}` stands there", domain.domain);
        fields.assumed(Field::Connectors, Effect::Exact, message);
    }
    let severity = about.severity.unwrap_or(AlertSeverity::Medium);
    let label = words::line(&words::name(subject, 70), 71);
    let name = about.alert_name.as_deref().filter(|it| !it.trim().is_empty());
    let (title, lacking) = words::with_fields(subject, name.unwrap_or(&label), 300);
    let title = words::line(&title, 300);
    missing(Field::AlertName, &lacking, fields);
    let told = about.alert_description.as_deref().filter(|it| !it.trim().is_empty());
    let (described, lacking) = match told {
        Some(told) => words::with_fields(subject, told, 4_000),
        None => (words::without_tokens(&words::description(about)), Vec::new()),
    };
    missing(Field::AlertDescription, &lacking, fields);
    let mut described = vec![described];
    described.push(String::new());
    described.extend(
        about.false_positives.iter().take(20).map(|it| {
            words::without_tokens(&words::prose(&format!("False positive: {}", text::one_line(it, 500)), 600))
        }),
    );
    described.extend(words::short_verdict(subject, fields.notes()).iter().map(|it| words::without_tokens(it)));
    // A tactic is named for its own sake where no technique says it.
    let attack: Vec<&str> = match threats.most_precise() {
        ids if ids.is_empty() => threats.tactics.iter().map(|(id, _)| *id).collect(),
        ids => ids,
    };
    let mut annotations = serde_json::Map::new();
    if !attack.is_empty() {
        annotations.insert("mitre_attack".to_owned(), json!(attack));
    }
    let mut sources: Vec<&str> =
        subject.translation.needs.iter().map(|it| it.of.as_str()).filter(|it| !it.is_empty()).collect();
    sources.dedup();
    if !sources.is_empty() {
        annotations.insert("data_source".to_owned(), json!(sources));
    }
    let mut metadata = serde_json::Map::new();
    metadata.insert("deprecated".to_owned(), json!("0"));
    metadata.insert("detection_id".to_owned(), json!(id::rule_id(subject).to_string()));
    metadata.insert("detection_version".to_owned(), json!(words::version(about).0.to_string()));
    let day =
        about.modified.as_deref().or(about.date.as_deref()).and_then(|it| it.trim().parse::<jiff::civil::Date>().ok());
    if let Some(time) =
        day.and_then(|day| jiff::tz::TimeZone::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).ok())
    {
        metadata.insert("publish_time".to_owned(), json!(time.as_second()));
    }
    let score = risk::splunk_score(severity);
    let at_risk = objects
        .risk
        .iter()
        .map(|it| json!({ "risk_object_field": it.field, "risk_object_type": it.r#type, "risk_score": score }));
    let threat =
        objects.threat.iter().map(|it| json!({ "threat_object_field": it.field, "threat_object_type": it.r#type }));
    let next_steps = about.recommended.as_deref().map(|it| words::without_tokens(&words::prose(it, 2_000)));
    Ok(Security {
        annotations: Value::Object(annotations),
        metadata: Value::Object(metadata),
        description: described.join("\n"),
        domain: domain.domain,
        severity: risk::splunk_word(severity),
        nes_fields: objects
            .risk
            .iter()
            .map(|it| it.field.as_str())
            .filter(|it| !it.contains(','))
            .collect::<Vec<_>>()
            .join(","),
        next_steps: next_steps.filter(|it| !it.is_empty()).map(|it| json!({ "version": 1, "data": it })),
        drilldowns: drilldown::of(subject.translation.query.as_deref().unwrap_or_default(), objects)
            .map(|it| json!(it)),
        risk: (!objects.risk.is_empty())
            .then(|| Risk { message: title.clone(), objects: at_risk.chain(threat).collect() }),
        label,
        title,
    })
}
