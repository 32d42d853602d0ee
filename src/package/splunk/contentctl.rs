//! Detections of Splunk's security content, in the YAML that `contentctl` builds apps of.
//!
//! Keys and their limits: <https://github.com/splunk/contentctl/blob/main/contentctl/objects/abstract_security_content_objects/detection_abstract.py>,
//! <https://github.com/splunk/contentctl/blob/main/contentctl/objects/rba.py>.

use serde::Serialize;

use super::super::schedule::{HOUR, length, seconds, usual_period};
use super::super::{Fields, Package, Packager, RuleFile, Subject, id, risk, text, threat, words};
use super::conf::{entities, holds_without_rows, missing};
use super::objects::{Object, Objects, objects};
use super::times::{finds_each_event, reach};
use super::{domain, drilldown};
use crate::about::{About, AlertSeverity, EventGrouping, Field, RuleKind, Trigger, TriggerOperator};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::fit::NeedKind;
use crate::plan::TICKS_PER_SECOND;

/// The most characters of a name: what is left of a stanza's name after what `contentctl` and Enterprise Security put around it.
const NAME: usize = 67;

/// The day of a rule whose source gives none.
const DAY: &str = "2024-01-01";

/// The field that counts the rows of a run.
const ROWS: &str = "huntgate_rows";

/// What the search is called in drilldowns.
const ORIGINAL: &str = "%original_detection_search%";

/// What the template is given.
#[derive(Serialize)]
struct Data {
    comments: Vec<String>,
    name: String,
    id: String,
    version: u32,
    date: String,
    author: String,
    r#type: &'static str,
    description: String,
    search: String,
    how_to_implement: String,
    known_false_positives: String,
    references: Vec<String>,
    drilldowns: Option<Vec<drilldown::Drilldown>>,
    rba: Option<Rba>,
    asset_type: String,
    mitre_attack_id: Vec<String>,
    security_domain: String,
    throttling: Option<Throttling>,
}

#[derive(Serialize)]
struct Rba {
    message: String,
    risk_objects: Vec<RiskObject>,
    threat_objects: Vec<ThreatObject>,
}

#[derive(Serialize)]
struct RiskObject {
    field: String,
    r#type: &'static str,
    score: u8,
}

#[derive(Serialize)]
struct ThreatObject {
    field: String,
    r#type: &'static str,
}

#[derive(Serialize)]
struct Throttling {
    fields: Vec<String>,
    period: String,
}

/// A detection.
pub(super) fn pack(packager: &Packager, subject: &Subject<'_>) -> Result<RuleFile, Box<Diagnostic>> {
    let about = subject.about;
    let mut fields = Fields::new(about, subject.span);
    let threats = threat::read(&packager.attack, about, &mut fields);
    let name = name(subject, &mut fields);
    let stem = name.to_ascii_lowercase().replace([' ', '-'], "_");
    let objects = objects(subject);
    let (domain, is_known) = domain::of(subject)?;
    if !is_known {
        let message = format!(
            "which security domain and asset the tables are of is not known: `{}` and `{}` stand there",
            domain.domain, domain.asset
        );
        fields.assumed(Field::Connectors, Effect::Exact, message);
    }
    answer(subject, &objects, &mut fields);
    let rba = rba(subject, &objects, &name, &mut fields);
    let query = subject.translation.query.as_deref().unwrap_or_default();
    let search = format!("{query}{}\n| `{stem}_filter`", threshold(about.trigger, &mut fields));
    let throttling = throttling(about, &objects, &search, &mut fields);
    let date = about.modified.as_deref().and_then(day).or_else(|| about.date.as_deref().and_then(day));
    let date = date.unwrap_or_else(|| {
        fields.assumed(Field::Date, Effect::Exact, format!("the source gives no day: {DAY} stands there"));
        DAY.to_owned()
    });
    let author = text::one_line(about.author.as_deref().unwrap_or_default(), 250);
    if author.is_empty() {
        fields.assumed(Field::Author, Effect::Exact, "the source gives no author: `Unknown` stands there");
    }
    schedule(subject, &mut fields);
    let (references, others): (Vec<String>, Vec<String>) =
        about.references.iter().map(|it| it.trim().to_owned()).partition(|it| is_address(it));
    if !others.is_empty() {
        let message =
            format!("{} references are no addresses of pages and stand in the description alone", others.len());
        fields.noted(Field::References, Code::RuleFieldChanged, Effect::Exact, message);
    }
    let told = words::told(about);
    let mut description = vec![words::description(about)];
    description.extend(Some(String::new()).filter(|_| !told.is_empty()));
    description.extend(told);
    let verdict = words::verdict(subject, fields.notes());
    let data = Data {
        comments: verdict.clone(),
        id: id::rule_id(subject).to_string(),
        version: words::version(about).0,
        date,
        author: if author.is_empty() { "Unknown".to_owned() } else { author },
        r#type: if rba.is_some() { "TTP" } else { "Hunting" },
        description: words::prose(&description.join("\n"), 9_500),
        how_to_implement: how_to(subject, &verdict, &stem),
        known_false_positives: false_positives(subject, fields.notes()),
        references: references.into_iter().take(50).collect(),
        drilldowns: rba.as_ref().filter(|_| query.matches('$').nth(1).is_none()).and_then(|rba| {
            let risk = rba.risk_objects.iter().map(|it| Object { field: it.field.clone(), r#type: it.r#type });
            drilldown::of(ORIGINAL, &Objects { risk: risk.collect(), ..Objects::default() })
        }),
        rba,
        asset_type: domain.asset,
        mitre_attack_id: threats.most_precise().into_iter().map(str::to_owned).collect(),
        security_domain: domain.domain,
        throttling,
        name,
        search,
    };
    let file = packager.file(Package::Contentctl, subject, &data, fields)?;
    Ok(RuleFile { file_name: Some(format!("{stem}.yml")), ..file })
}

/// The name, of which `contentctl` makes the names of the file and of a macro.
fn name(subject: &Subject<'_>, fields: &mut Fields<'_>) -> String {
    let whole = words::name(subject, 300);
    let plain: String = whole
        .chars()
        .map(|char| if char.is_ascii_alphanumeric() || matches!(char, '-' | '_') { char } else { ' ' })
        .collect();
    let cut: String = plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(NAME).collect();
    let cut = cut.trim_matches([' ', '-', '_']).to_owned();
    let name = if cut.is_empty() {
        let id = id::rule_id(subject).to_string();
        format!("Hunt {}", id.get(..8).unwrap_or_default())
    } else {
        cut
    };
    fields.carried(&[Field::Name]);
    if name != whole {
        let message = format!(
            "a detection's name is of at most {NAME} letters, digits and blanks: {}",
            text::quoted(&name, NAME)
        );
        fields.noted(Field::Name, Code::RuleFieldChanged, Effect::Exact, message);
    }
    name
}

/// Whose risk grows. A detection that makes an alert must name someone; one that does not is for hunting.
fn rba(subject: &Subject<'_>, objects: &Objects, name: &str, fields: &mut Fields<'_>) -> Option<Rba> {
    let about = subject.about;
    fields.carried(&[Field::AlertName]);
    if words::is_hunt(about) {
        fields.noted(
            Field::AlertName,
            Code::RuleFieldDropped,
            Effect::Exact,
            "a detection for hunting makes no alert that could have a name",
        );
        return None;
    }
    let score = risk::splunk_score(about.severity.unwrap_or(AlertSeverity::Medium));
    let mut at_risk: Vec<RiskObject> =
        objects.risk.iter().map(|it| RiskObject { field: it.field.clone(), r#type: it.r#type, score }).collect();
    if at_risk.is_empty()
        && let Some(first) = objects.threat.first()
    {
        let message =
            format!("no entity is one whose risk is counted; it is counted for the value of `{}`", first.field);
        fields.noted(Field::Entities, Code::RuleFieldChanged, Effect::Exact, message);
        at_risk.push(RiskObject { field: first.field.clone(), r#type: "other", score });
    }
    if at_risk.is_empty() {
        let message = "a detection that alerts must name a field whose value is at risk, and no entity names one: it is a detection for hunting, which makes no alert";
        fields.assumed(Field::Entities, Effect::Narrower, message);
        fields.noted(
            Field::AlertName,
            Code::RuleFieldDropped,
            Effect::Exact,
            "no alert is made that could have a name",
        );
        return None;
    }
    let format = about.alert_name.as_deref().filter(|it| !it.trim().is_empty());
    let (message, lacking) = words::with_fields(subject, format.unwrap_or(name), 400);
    missing(Field::AlertName, &lacking, fields);
    let mut message = text::one_line(&message, 400);
    if format.is_none() {
        let objects: Vec<String> = at_risk.iter().map(|it| format!("${}$", it.field)).collect();
        message.push_str(&format!(" ({})", objects.join(", ")));
    }
    let threat = objects.threat.iter().map(|it| ThreatObject { field: it.field.clone(), r#type: it.r#type });
    Some(Rba { message, risk_objects: at_risk, threat_objects: threat.collect() })
}

/// The trigger as commands behind the search: a detection is one of any row.
fn threshold(trigger: Option<Trigger>, fields: &mut Fields<'_>) -> String {
    fields.carried(&[Field::Trigger]);
    let Some(Trigger { operator, threshold }) = trigger else { return String::new() };
    let symbol = match operator {
        TriggerOperator::GreaterThan | TriggerOperator::NotEqual if threshold == 0 => return String::new(),
        TriggerOperator::GreaterThan => ">",
        TriggerOperator::LessThan => "<",
        TriggerOperator::Equal => "=",
        TriggerOperator::NotEqual => "!=",
    };
    let (effect, more) = if holds_without_rows(Trigger { operator, threshold }) {
        (Effect::Narrower, "; a run without rows makes no alert, though the source asks for one")
    } else {
        (Effect::Exact, "")
    };
    let message = format!("the number of rows of a run is compared in the search itself{more}");
    fields.noted(Field::Trigger, Code::TriggerChanged, effect, message);
    format!("\n| eventstats count AS {ROWS}\n| where {ROWS}{symbol}{threshold}\n| fields - {ROWS}")
}

/// For how long the detection rests for the same objects.
fn throttling(about: &About, objects: &Objects, search: &str, fields: &mut Fields<'_>) -> Option<Throttling> {
    fields.carried(&[Field::Suppression]);
    let asked = about.suppression.filter(|it| it.enabled)?;
    let named = objects.same().map(|it| it.field.clone());
    // `contentctl` looks for the fields in the text of the search.
    let named: Vec<String> = named.filter(|it| !it.contains([' ', ',', '"']) && search.contains(it.as_str())).collect();
    let rest = asked.duration.filter(|it| *it >= TICKS_PER_SECOND);
    let (Some(rest), false) = (rest, named.is_empty()) else {
        let message = "a detection rests behind an alert only for a given time and for fields that stand in its search: it does not rest";
        fields.noted(Field::Suppression, Code::RuleFieldDropped, Effect::Broader, message);
        return None;
    };
    let message = format!("behind an alert the detection rests for rows of the same {} only", named.join(", "));
    fields.noted(Field::Suppression, Code::RuleFieldChanged, Effect::Broader, message);
    Some(Throttling { fields: named, period: format!("{}s", seconds(rest)) })
}

/// The schedule, which detections share by their type: every hour over an hour that ends ten minutes before, see
/// <https://github.com/splunk/contentctl/tree/main/contentctl/templates/deployments>.
fn schedule(subject: &Subject<'_>, fields: &mut Fields<'_>) {
    let about = subject.about;
    fields.carried(&[Field::Kind, Field::QueryFrequency, Field::QueryPeriod]);
    let shared = "the schedule is that of the deployment, which by default runs every hour over one hour";
    if words::is_hunt(about) {
        fields.noted(Field::Kind, Code::ScheduleChanged, Effect::Exact, shared);
        return;
    }
    let is_nrt = about.kind == Some(RuleKind::Nrt) || about.query_frequency == Some(0);
    if is_nrt {
        // An hour of events, each in one run, is what sixty runs of a minute find, but for those that come in late.
        let effect = if finds_each_event(subject) { Effect::Narrower } else { Effect::Unsure };
        let message = format!("{shared}; the source's runs every minute over what has come in since");
        let given = if about.kind.is_some() { Field::Kind } else { Field::QueryFrequency };
        fields.noted(given, Code::ScheduleChanged, effect, message);
        return;
    }
    let mut windows = subject.translation.windows.iter().filter(|it| it.from.is_some() || it.to.is_some());
    let window = windows.next().filter(|_| subject.translation.time_range.is_none());
    let frequency = about.query_frequency.unwrap_or(HOUR);
    let period = about.query_period.or(usual_period(about.kind, frequency)).unwrap_or(frequency);
    if frequency == HOUR && period == HOUR && window.is_none() {
        return;
    }
    // What looks at several events sees others together in runs over other times.
    let effect = match (finds_each_event(subject), window) {
        (false, _) => Effect::Unsure,
        // Each event is in one run; the source passes over some.
        (true, None) if period < frequency => Effect::Broader,
        (true, None) => Effect::Exact,
        (true, Some(window)) => match reach(window).filter(|_| window.to.is_none()) {
            None => Effect::Unsure,
            // The source runs more often than every hour, so that it passes over less.
            Some(reach) if reach < HOUR && frequency < HOUR => Effect::Narrower,
            Some(reach) if reach > period || reach < frequency => Effect::Broader,
            Some(_) => Effect::Exact,
        },
    };
    let times = if window.is_some() {
        ", and the search names times of its own, which Splunk takes in their place"
    } else {
        ""
    };
    let source = format!("the source's runs every {} over {}{times}", length(frequency), length(period));
    let given = [Field::QueryFrequency, Field::QueryPeriod].into_iter().find(|field| about.has(*field));
    fields.noted(given.unwrap_or(Field::Kind), Code::ScheduleChanged, effect, format!("{shared}; {source}"));
}

/// Answers for the fields that no other function answers for.
fn answer(subject: &Subject<'_>, objects: &Objects, fields: &mut Fields<'_>) {
    let about = subject.about;
    let dropped = |fields: &mut Fields<'_>, field: Field, message: &str| {
        fields.noted(field, Code::RuleFieldDropped, Effect::Exact, message);
    };
    for &field in Field::ALL {
        match field {
            // In keys of their own, or in words in the description.
            Field::Description
            | Field::Id
            | Field::Status
            | Field::Author
            | Field::Date
            | Field::Modified
            | Field::References
            | Field::FalsePositives
            | Field::Tags
            | Field::Connectors
            | Field::Recommended
            | Field::Hypothesis
            | Field::Confidence
            | Field::Origin => fields.carried(&[field]),
            // `name`, `rba`, `threshold`, `throttling`, `schedule` and the reading of ATT&CK.
            Field::Name | Field::AlertName | Field::Trigger | Field::Suppression => {}
            Field::Kind | Field::QueryFrequency | Field::QueryPeriod => {}
            Field::Tactics | Field::Techniques => {}
            Field::Version => {
                fields.carried(&[field]);
                if let (number, false) = words::version(about) {
                    let message = format!("versions are whole numbers: this one is {number}");
                    fields.noted(field, Code::RuleFieldChanged, Effect::Exact, message);
                }
            }
            Field::Severity if about.severity.is_none() && !words::is_hunt(about) => {
                fields.assumed(
                    field,
                    Effect::Exact,
                    "the source gives no severity: the risk score is that of `medium`",
                );
            }
            Field::Severity if words::is_hunt(about) => {
                dropped(fields, field, "a detection for hunting has no risk score and no severity");
            }
            Field::Severity => {
                let message = "the severity is a risk score, of which `contentctl` makes the severity again";
                fields.noted(field, Code::RuleFieldChanged, Effect::Exact, message);
            }
            Field::Enabled => dropped(fields, field, "which detections are on is said by the site: this one is off"),
            Field::Grouping => {
                fields.carried(&[field]);
                if about.grouping == Some(EventGrouping::SingleAlert) {
                    let message = "Enterprise Security makes a notable event of each row, not one of all rows of a run";
                    fields.noted(field, Code::RuleFieldChanged, Effect::Exact, message);
                }
            }
            Field::Entities if words::is_hunt(about) => {
                dropped(fields, field, "a detection for hunting has no risk objects and no threat objects");
            }
            Field::Entities => entities(objects, fields),
            Field::CustomDetails => {
                let message = "details of an alert are the fields of its row, under their own names";
                fields.noted(field, Code::RuleFieldChanged, Effect::Exact, message);
            }
            Field::AlertDescription => dropped(fields, field, "an alert has the description of its detection"),
            Field::AlertTacticsColumn => dropped(fields, field, "the tactics of an alert are those of its detection"),
            Field::AlertSeverityColumn => dropped(fields, field, "the severity of an alert is that of its detection"),
            Field::AlertProperties => dropped(fields, field, "an alert takes no properties from columns of its row"),
            Field::Incident => dropped(fields, field, "how alerts are put together is no part of a detection"),
            Field::Actions => dropped(fields, field, "what is done to a device or an account is not in the detection"),
        }
    }
}

/// What the site must have, and what differs from the hunt.
fn how_to(subject: &Subject<'_>, verdict: &[String], stem: &str) -> String {
    let mut lines = Vec::new();
    for kind in NeedKind::ALL {
        let needs = subject.translation.needs.iter().filter(|need| need.kind == kind);
        let needs: Vec<String> = needs.take(50).map(|need| text::one_line(&need.name, 200)).collect();
        if !needs.is_empty() {
            lines.push(format!("Needs {}: {}", kind.title(), needs.join("; ")));
        }
    }
    lines.push(format!("What the site knows to be harmless is left out by the macro {stem}_filter"));
    lines.extend(verdict.iter().cloned());
    words::prose(&lines.join("\n"), 9_000)
}

/// When the detection errs: what the source says of it, and the notes that let more rows through.
fn false_positives(subject: &Subject<'_>, own: &[Diagnostic]) -> String {
    let told = subject.about.false_positives.iter().take(50).map(|it| text::one_line(it, 500));
    let mut lines: Vec<String> = told.filter(|it| !it.is_empty()).collect();
    let more = |note: &&Diagnostic| {
        matches!(note.effect, Some(Effect::Broader | Effect::Unsure)) && note.code != Code::ScheduleChanged
    };
    let notes = subject.translation.notes.iter().chain(own).filter(more).take(50);
    lines.extend(notes.map(|note| format!("{}: {}", note.code, text::one_line(&note.message, 400))));
    if lines.is_empty() {
        return "None are known.".to_owned();
    }
    words::prose(&lines.join("\n"), 9_000)
}

/// A day as `YYYY-MM-DD`.
fn day(text: &str) -> Option<String> {
    text.trim().parse::<jiff::civil::Date>().ok().filter(|day| day.year() > 0).map(|day| day.to_string())
}

/// Whether a text is the address of a page.
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = host.contains('.')
        && host.split('.').all(|part| {
            !part.is_empty()
                && part.len() < 64
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !part.starts_with('-')
                && !part.ends_with('-')
        });
    is_host && text.len() < 2_000 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        for text in ["https://a.example/x?y=z#w", "http://a-b.example"] {
            assert!(is_address(text), "{text}");
        }
        for text in [
            "",
            "a.example",
            "https://",
            "https://a",
            "https://a.example/x y",
            "https://-a.b/",
            "ftp://a.example",
            "https://a..b",
        ] {
            assert!(!is_address(text), "{text}");
        }
    }
}
