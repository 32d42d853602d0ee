//! What a rule's keys say of it, whatever their spelling and whether they stand in YAML or JSON: scalars → [`About`].
//!
//! Nothing is judged here but the form of a value; what can not be read is listed in `About::unread`. The keys are those of
//! Sentinel's analytic and hunting rules, of their ARM templates and of Defender's custom detections:
//! <https://learn.microsoft.com/en-us/azure/sentinel/sentinel-analytic-rules-creation>,
//! <https://learn.microsoft.com/en-us/azure/templates/microsoft.securityinsights/alertrules> and
//! <https://learn.microsoft.com/en-us/graph/api/resources/security-detectionrule>.

use crate::about::{
    About, Connector, Entity, EventGrouping, Field, Incident, RuleKind, Suppression, Trigger, TriggerOperator, Unread,
    Why,
};
use crate::source::Span;

use super::values::{day, description, duration, items, one_line, severity, technique};

/// The most elements of a list.
const MOST: usize = 100;

/// The longest key that is looked at.
pub(super) const LONGEST_KEY: usize = 100;

/// The most parts of a rule that are listed as not read.
const MOST_UNREAD: usize = 200;

/// How deep below the rule a value may stand, in keys.
pub(super) const DEEPEST: usize = 6;

/// A scalar of a rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'s> {
    /// The keys from the rule to the value, as they are written.
    pub(super) keys: &'s [String],
    /// Which elements of the lists on the way it is in, from 0.
    pub(super) items: &'s [usize],
    /// The value.
    pub(super) value: &'s str,
    /// Where the value stands in the file.
    pub(super) span: Span,
}

/// A key without capitals, hyphens, underscores and blanks; empty where it is too long to be one of ours.
pub(super) fn plain_key(key: &str) -> String {
    if key.len() > LONGEST_KEY {
        return String::new();
    }
    key.chars().filter(|char| !matches!(char, '-' | '_' | ' ')).collect::<String>().to_ascii_lowercase()
}

/// What became of a value.
enum Taken {
    /// It is in a field.
    As(Field),
    /// It has not the form that the key asks for.
    Malformed(&'static str),
    /// The list is longer than is read.
    TooMany,
    /// It says nothing: an empty text.
    Nothing,
    /// The key is not known.
    Unknown,
}

/// Takes a value into what is known of a rule; what is not read is listed.
pub(super) fn take(about: &mut About, said: Said<'_>) {
    let plain: Vec<String> = said.keys.iter().map(|key| plain_key(key)).collect();
    let keys: Vec<&str> = plain.iter().map(String::as_str).collect();
    match taken(about, &keys, &said) {
        Taken::As(field) => {
            if about.place(field).is_none() {
                about.places.push((field, said.span));
            }
        }
        Taken::Nothing => {}
        Taken::Malformed(form) => unread(about, said.keys, said.span, Why::Malformed(form)),
        Taken::TooMany => unread(about, said.keys, said.span, Why::TooMany),
        Taken::Unknown => unread(about, said.keys, said.span, Why::Unknown),
    }
}

/// Lists a part of a rule as not read, once for each key and reason.
pub(super) fn unread(about: &mut About, keys: &[String], span: Span, why: Why) {
    let shown = |key: &String| key.chars().filter(|char| !char.is_control()).take(60).collect::<String>();
    let key = keys.iter().take(DEEPEST).map(shown).collect::<Vec<_>>().join(".");
    let known = about.unread.iter().any(|one| one.key == key && one.why == why);
    if about.unread.len() < MOST_UNREAD && !known {
        about.unread.push(Unread { key, span, why });
    }
}

fn taken(about: &mut About, keys: &[&str], said: &Said<'_>) -> Taken {
    let value = said.value;
    match keys {
        ["name"] => text(&mut about.name, one_line(value), Field::Name),
        // Exploration queries and ARM templates have no `name:` of their own.
        ["displayname"] if about.name.is_none() => text(&mut about.name, one_line(value), Field::Name),
        ["id"] => text(&mut about.id, one_line(value), Field::Id),
        ["kind"] => match kind(value) {
            Some(kind) => put(&mut about.kind, kind, Field::Kind),
            None => Taken::Malformed("Scheduled or NRT"),
        },
        ["description"] => text(&mut about.description, description(value), Field::Description),
        ["descriptiondetailed"] if about.description.is_none() => {
            text(&mut about.description, description(value), Field::Description)
        }
        ["severity"] => match severity(value) {
            Some(severity) => put(&mut about.severity, severity, Field::Severity),
            None if value.trim().is_empty() => Taken::Nothing,
            None => Taken::Malformed("Informational, Low, Medium, High or Critical"),
        },
        ["status"] => text(&mut about.status, one_line(value), Field::Status),
        ["version" | "templateversion"] => text(&mut about.version, one_line(value), Field::Version),
        ["tactics" | "tactic"] => list(&mut about.tactics, items(value).map(str::to_owned), Field::Tactics),
        ["relevanttechniques" | "techniques" | "subtechniques" | "mitretechniques" | "technique"] => {
            techniques(about, said)
        }
        ["tags"] => tags(about, value),
        ["tags", _] => {
            let key = said.keys.last().map(String::as_str).unwrap_or_default();
            list(&mut about.tags, one_line(&format!("{key}: {value}")).into_iter(), Field::Tags)
        }
        ["queryfrequency"] => length(&mut about.query_frequency, value, Field::QueryFrequency),
        ["queryperiod"] => length(&mut about.query_period, value, Field::QueryPeriod),
        ["triggeroperator"] => match operator(value) {
            Some(operator) => {
                about.trigger.get_or_insert(Trigger::ANY).operator = operator;
                Taken::As(Field::Trigger)
            }
            None => Taken::Malformed("gt, lt, eq or ne"),
        },
        ["triggerthreshold"] => match value.trim().parse() {
            Ok(threshold) => {
                about.trigger.get_or_insert(Trigger::ANY).threshold = threshold;
                Taken::As(Field::Trigger)
            }
            Err(_) => Taken::Malformed("a whole number"),
        },
        ["eventgroupingsettings", "aggregationkind"] => match plain_key(value.trim()).as_str() {
            "singlealert" => put(&mut about.grouping, EventGrouping::SingleAlert, Field::Grouping),
            "alertperresult" => put(&mut about.grouping, EventGrouping::AlertPerResult, Field::Grouping),
            _ => Taken::Malformed("SingleAlert or AlertPerResult"),
        },
        ["suppressionenabled"] => match boolean(value) {
            Some(enabled) => {
                let none = Suppression { enabled: false, duration: None };
                about.suppression.get_or_insert(none).enabled = enabled;
                Taken::As(Field::Suppression)
            }
            None => Taken::Malformed("true or false"),
        },
        ["suppressionduration"] => match duration(value) {
            Some(duration) => {
                let none = Suppression { enabled: false, duration: None };
                about.suppression.get_or_insert(none).duration = Some(duration);
                Taken::As(Field::Suppression)
            }
            None => Taken::Malformed(LENGTH),
        },
        ["enabled" | "isenabled"] => match boolean(value) {
            Some(enabled) => put(&mut about.enabled, enabled, Field::Enabled),
            None => Taken::Malformed("true or false"),
        },
        ["requireddataconnectors", rest @ ..] => connector(about, rest, said),
        ["datasources"] => {
            let table = value.trim().trim_start_matches('#').to_owned();
            if about.connectors.len() >= MOST || table.is_empty() {
                return Taken::Nothing;
            }
            about.connectors.push(Connector { id: table.clone(), data_types: vec![table] });
            Taken::As(Field::Connectors)
        }
        ["entitymappings", rest @ ..] => entity(about, rest, said),
        ["customdetails", _] => {
            pair(&mut about.custom_details, said.keys.last().map(String::as_str), value, Field::CustomDetails)
        }
        ["alertdetailsoverride", rest @ ..] => alert(about, rest, said),
        ["incidentconfiguration", rest @ ..] => incident(about, rest, value),
        ["alertruletemplatename"] => text(&mut about.origin, one_line(value), Field::Origin),
        ["recommendedactions"] => text(&mut about.recommended, description(value), Field::Recommended),
        ["references" | "reference"] | ["references" | "reference", _] => {
            list(&mut about.references, one_line(value).into_iter(), Field::References)
        }
        ["falsepositives"] => list(&mut about.false_positives, one_line(value).into_iter(), Field::FalsePositives),
        ["hypothesis"] => text(&mut about.hypothesis, description(value), Field::Hypothesis),
        ["confidence"] => text(&mut about.confidence, one_line(value), Field::Confidence),
        // The metadata of a solution's content:
        // <https://learn.microsoft.com/en-us/rest/api/securityinsights/metadata/create>.
        ["author"] | ["author", "name"] | ["metadata", "author"] | ["metadata", "author", "name"] => {
            author(&mut about.author, value)
        }
        ["date" | "created"] | ["metadata", "firstpublishdate"] => day_of(&mut about.date, value, Field::Date),
        ["modified" | "lastmodified"] | ["metadata", "lastpublishdate"] => {
            day_of(&mut about.modified, value, Field::Modified)
        }
        _ => Taken::Unknown,
    }
}

/// What a length of time looks like.
const LENGTH: &str = "a length of time such as 5m, 1h, 14d or PT1H";

/// Sets a field; the last value counts, as in most readers.
fn put<T>(field: &mut Option<T>, value: T, name: Field) -> Taken {
    *field = Some(value);
    Taken::As(name)
}

fn text(field: &mut Option<String>, value: Option<String>, name: Field) -> Taken {
    match value {
        Some(value) => put(field, value, name),
        None => Taken::Nothing,
    }
}

fn length(field: &mut Option<i64>, value: &str, name: Field) -> Taken {
    duration(value).map_or(Taken::Malformed(LENGTH), |ticks| put(field, ticks, name))
}

fn day_of(field: &mut Option<String>, value: &str, name: Field) -> Taken {
    day(value).map_or(Taken::Malformed("a day as YYYY-MM-DD"), |day| put(field, day, name))
}

/// Adds elements that the list does not hold.
fn list(field: &mut Vec<String>, values: impl Iterator<Item = String>, name: Field) -> Taken {
    let mut found = Taken::Nothing;
    for value in values {
        if !push(field, value) {
            return Taken::TooMany;
        }
        found = Taken::As(name);
    }
    found
}

/// Adds a pair of a name and a column.
fn pair(field: &mut Vec<(String, String)>, name: Option<&str>, column: &str, of: Field) -> Taken {
    let (Some(name), Some(column)) = (name.and_then(one_line), one_line(column)) else { return Taken::Nothing };
    if field.len() >= MOST {
        return Taken::TooMany;
    }
    field.push((name, column));
    Taken::As(of)
}

/// Adds an element that is not in the list; `false` where the list is full.
pub(super) fn push(list: &mut Vec<String>, text: String) -> bool {
    if list.contains(&text) {
        return true;
    }
    let fits = list.len() < MOST;
    if fits {
        list.push(text);
    }
    fits
}

/// The element of a list that a value is in; new where the value is the first of it.
fn element<'e, T: Default>(list: &'e mut Vec<T>, said: &Said<'_>) -> Option<&'e mut T> {
    let item = *said.items.first()?;
    if item >= MOST {
        return None;
    }
    while list.len() <= item {
        list.push(T::default());
    }
    list.get_mut(item)
}

fn connector(about: &mut About, keys: &[&str], said: &Said<'_>) -> Taken {
    if !matches!(keys, ["connectorid" | "datatypes"]) {
        return Taken::Unknown;
    }
    let Some(connector) = element(&mut about.connectors, said) else { return Taken::TooMany };
    match keys {
        ["connectorid"] => connector.id = said.value.trim().to_owned(),
        _ => return list(&mut connector.data_types, one_line(said.value).into_iter(), Field::Connectors),
    }
    Taken::As(Field::Connectors)
}

fn entity(about: &mut About, keys: &[&str], said: &Said<'_>) -> Taken {
    let known = matches!(keys, ["entitytype"] | ["fieldmappings", "identifier" | "columnname"]);
    if !known {
        return Taken::Unknown;
    }
    let Some(entity) = element::<Entity>(&mut about.entities, said) else { return Taken::TooMany };
    match keys {
        ["entitytype"] => entity.entity_type = said.value.trim().to_owned(),
        _ => {
            let inner = Said { items: said.items.get(1..).unwrap_or_default(), ..*said };
            let Some(field) = element::<(String, String)>(&mut entity.fields, &inner) else { return Taken::TooMany };
            let half = if keys.last() == Some(&"identifier") { &mut field.0 } else { &mut field.1 };
            *half = said.value.trim().to_owned();
        }
    }
    Taken::As(Field::Entities)
}

fn alert(about: &mut About, keys: &[&str], said: &Said<'_>) -> Taken {
    let value = said.value;
    match keys {
        ["alertdisplaynameformat"] => text(&mut about.alert_name, one_line(value), Field::AlertName),
        ["alertdescriptionformat"] => text(&mut about.alert_description, description(value), Field::AlertDescription),
        ["alerttacticscolumnname"] => text(&mut about.alert_tactics_column, one_line(value), Field::AlertTacticsColumn),
        ["alertseveritycolumnname"] => {
            text(&mut about.alert_severity_column, one_line(value), Field::AlertSeverityColumn)
        }
        ["alertdynamicproperties", half @ ("alertproperty" | "value")] => {
            let Some(property) = element::<(String, String)>(&mut about.alert_properties, said) else {
                return Taken::TooMany;
            };
            let half = if *half == "value" { &mut property.1 } else { &mut property.0 };
            *half = value.trim().to_owned();
            Taken::As(Field::AlertProperties)
        }
        _ => Taken::Unknown,
    }
}

fn incident(about: &mut About, keys: &[&str], value: &str) -> Taken {
    let known = matches!(
        keys,
        ["createincident"]
            | [
                "groupingconfiguration",
                "enabled"
                    | "reopenclosedincident"
                    | "lookbackduration"
                    | "matchingmethod"
                    | "entitiesmatchingmethod"
                    | "groupbyentities"
                    | "groupbyalertdetails"
                    | "groupbycustomdetails"
            ]
    );
    if !known {
        return Taken::Unknown;
    }
    let incident = about.incident.get_or_insert_with(Incident::default);
    let flag = boolean(value);
    match keys.last().copied().unwrap_or_default() {
        "createincident" if flag.is_some() => incident.create = flag,
        "enabled" if flag.is_some() => incident.grouping = flag,
        "reopenclosedincident" if flag.is_some() => incident.reopen = flag,
        "createincident" | "enabled" | "reopenclosedincident" => return Taken::Malformed("true or false"),
        "lookbackduration" => {
            return match duration(value) {
                Some(ticks) => put(&mut incident.lookback, ticks, Field::Incident),
                None => Taken::Malformed(LENGTH),
            };
        }
        "matchingmethod" | "entitiesmatchingmethod" => {
            return text(&mut incident.matching, one_line(value), Field::Incident);
        }
        _ => return list(&mut incident.by, one_line(value).into_iter(), Field::Incident),
    }
    Taken::As(Field::Incident)
}

/// Techniques; what is none is malformed.
fn techniques(about: &mut About, said: &Said<'_>) -> Taken {
    let mut found = Taken::Nothing;
    for item in items(said.value) {
        let Some(technique) = technique(item) else {
            unread(about, said.keys, said.span, Why::Malformed("techniques as T1059 or T1059.001"));
            continue;
        };
        if !push(&mut about.techniques, technique) {
            return Taken::TooMany;
        }
        found = Taken::As(Field::Techniques);
    }
    found
}

/// Tags: techniques among them are techniques.
fn tags(about: &mut About, value: &str) -> Taken {
    let mut found = Taken::Nothing;
    for item in items(value) {
        let (list, field, text) = match technique(item) {
            Some(technique) => (&mut about.techniques, Field::Techniques, technique),
            None => (&mut about.tags, Field::Tags, item.to_owned()),
        };
        if !push(list, text) {
            return Taken::TooMany;
        }
        found = Taken::As(field);
    }
    found
}

/// Adds an author to those that are known.
fn author(authors: &mut Option<String>, value: &str) -> Taken {
    let Some(value) = one_line(value) else { return Taken::Nothing };
    match authors {
        None => *authors = Some(value),
        Some(known) if known.split(", ").any(|one| one == value) => {}
        Some(known) if known.len() > 1_000 => return Taken::TooMany,
        Some(known) => {
            known.push_str(", ");
            known.push_str(&value);
        }
    }
    Taken::As(Field::Author)
}

/// A kind of rule that has a query.
fn kind(value: &str) -> Option<RuleKind> {
    match plain_key(value.trim()).as_str() {
        "scheduled" => Some(RuleKind::Scheduled),
        "nrt" => Some(RuleKind::Nrt),
        "hunting" => Some(RuleKind::Hunting),
        _ => None,
    }
}

/// Whether more, fewer or as many rows make an alert.
fn operator(value: &str) -> Option<TriggerOperator> {
    match plain_key(value.trim()).as_str() {
        "gt" | "greaterthan" => Some(TriggerOperator::GreaterThan),
        "lt" | "lessthan" => Some(TriggerOperator::LessThan),
        "eq" | "equal" => Some(TriggerOperator::Equal),
        "ne" | "notequal" => Some(TriggerOperator::NotEqual),
        _ => None,
    }
}

fn boolean(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" => Some(true),
        "false" | "no" => Some(false),
        _ => None,
    }
}

/// What the other fields of a rule say of its kind, where it does not say itself: older files leave it out.
pub(super) fn completed(mut about: About) -> About {
    if about.kind.is_none() {
        let runs = about.query_frequency.is_some() || about.trigger.is_some();
        about.kind = Some(if runs { RuleKind::Scheduled } else { RuleKind::Hunting });
    }
    about.entities.retain(|entity| !entity.fields.is_empty());
    about
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::about::AlertSeverity;

    fn taken(pairs: &[(&str, &str)]) -> About {
        let mut about = About::default();
        for (path, value) in pairs {
            // A number in a path is an element of a list.
            let (mut keys, mut items) = (Vec::new(), Vec::new());
            for part in path.split('/') {
                match part.parse() {
                    Ok(item) => items.push(item),
                    Err(_) => keys.push(part.to_owned()),
                }
            }
            take(&mut about, Said { keys: &keys, items: &items, value, span: Span::new(1, 2) });
        }
        about
    }

    #[test]
    fn keys_are_read_however_they_are_spelled() {
        let about = taken(&[
            ("Name", "A\n b"),
            ("DisplayName", "not this"),
            ("id", " 1 "),
            ("description-detailed", "long"),
            ("Description", "short"),
            ("severity", "high"),
            ("Tactics", "InitialAccess, Execution"),
            ("tactics", "Execution"),
            ("relevantTechniques", "T1059"),
            ("relevantTechniques", "t1059.001, T10599, attack.t1078; T1003: Dumping"),
            ("tags", "Ransomware"),
            ("tags", "T1486"),
            ("references", "https://a.example/"),
            ("references/link", "https://b.example/"),
            ("false_positives", "Scanners"),
            ("metadata/author/name", "A. Author"),
            ("author", "A. Author"),
            ("author", "B. Author"),
            ("metadata/author/email", "x"),
            ("metadata/author/name/more", "x"),
            ("metadata/firstPublishDate", "2024-02-03T10:00:00Z"),
            ("modified", "2024/03/04"),
            ("queryFrequency", "1h"),
            ("queryPeriod", "P14D"),
            ("severity", "dreadful"),
            ("modified", "yesterday"),
        ]);
        assert_eq!((about.name.as_deref(), about.id.as_deref()), (Some("A b"), Some("1")));
        assert_eq!(about.description.as_deref(), Some("short"));
        assert_eq!(about.severity, Some(AlertSeverity::High));
        assert_eq!(about.tactics, ["InitialAccess", "Execution"]);
        assert_eq!(about.techniques, ["T1059", "T1059.001", "T1078", "T1003", "T1486"]);
        assert_eq!(about.references, ["https://a.example/", "https://b.example/"]);
        assert_eq!(about.false_positives, ["Scanners"]);
        assert_eq!(about.author.as_deref(), Some("A. Author, B. Author"));
        assert_eq!((about.date.as_deref(), about.modified.as_deref()), (Some("2024-02-03"), Some("2024-03-04")));
        assert_eq!((about.query_frequency, about.query_period), (Some(36_000_000_000), Some(12_096_000_000_000)));
    }

    #[test]
    fn every_field_of_an_analytic_rule_is_read() {
        let about = completed(taken(&[
            ("kind", "NRT"),
            ("status", "Available"),
            ("version", "1.0.2"),
            ("enabled", "false"),
            ("triggerOperator", "GreaterThan"),
            ("triggerThreshold", "5"),
            ("suppressionDuration", "PT5H"),
            ("suppressionEnabled", "True"),
            ("eventGroupingSettings/aggregationKind", "AlertPerResult"),
            ("requiredDataConnectors/0/connectorId", "A"),
            ("requiredDataConnectors/0/dataTypes/0", "T1"),
            ("requiredDataConnectors/0/dataTypes/1", "T2"),
            ("requiredDataConnectors/1/connectorId", "B"),
            ("entityMappings/0/entityType", "Host"),
            ("entityMappings/0/fieldMappings/0/identifier", "HostName"),
            ("entityMappings/0/fieldMappings/0/columnName", "Computer"),
            ("entityMappings/0/fieldMappings/1/columnName", "Domain"),
            ("entityMappings/0/fieldMappings/1/identifier", "DnsDomain"),
            ("entityMappings/1/entityType", "IP"),
            ("customDetails/Odd Key", "Column"),
            ("alertDetailsOverride/alertDisplayNameFormat", "On {{Computer}}"),
            ("alertDetailsOverride/alertDescriptionFormat", "It is {{Column}}"),
            ("alertDetailsOverride/alertTacticsColumnName", "Tactics"),
            ("alertDetailsOverride/alertSeverityColumnName", "Severity"),
            ("alertDetailsOverride/alertDynamicProperties/0/alertProperty", "AlertLink"),
            ("alertDetailsOverride/alertDynamicProperties/0/value", "Link"),
            ("incidentConfiguration/createIncident", "true"),
            ("incidentConfiguration/groupingConfiguration/enabled", "true"),
            ("incidentConfiguration/groupingConfiguration/reopenClosedIncident", "false"),
            ("incidentConfiguration/groupingConfiguration/lookbackDuration", "PT5H"),
            ("incidentConfiguration/groupingConfiguration/matchingMethod", "Selected"),
            ("incidentConfiguration/groupingConfiguration/groupByEntities/0", "Host"),
            ("alertRuleTemplateName", "abc"),
            ("tags/SchemaVersion", "1.0"),
            ("startTimeUtc", "2024-01-01"),
            ("suppressionDuration/deep", "x"),
            ("triggerThreshold", "many"),
        ]));
        let pairs = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|(one, two)| ((*one).to_owned(), (*two).to_owned())).collect()
        };
        assert_eq!(about.kind, Some(RuleKind::Nrt));
        assert_eq!((about.status.as_deref(), about.version.as_deref()), (Some("Available"), Some("1.0.2")));
        assert_eq!(about.enabled, Some(false));
        assert_eq!(about.trigger, Some(Trigger { operator: TriggerOperator::GreaterThan, threshold: 5 }));
        assert_eq!(about.suppression, Some(Suppression { enabled: true, duration: Some(180_000_000_000) }));
        assert_eq!(about.grouping, Some(EventGrouping::AlertPerResult));
        let data_types = vec!["T1".to_owned(), "T2".to_owned()];
        let others = Connector { id: "B".to_owned(), data_types: Vec::new() };
        assert_eq!(about.connectors, [Connector { id: "A".to_owned(), data_types }, others]);
        let fields = pairs(&[("HostName", "Computer"), ("DnsDomain", "Domain")]);
        assert_eq!(about.entities, [Entity { entity_type: "Host".to_owned(), fields }]);
        assert_eq!(about.custom_details, pairs(&[("Odd Key", "Column")]));
        assert_eq!(about.alert_properties, pairs(&[("AlertLink", "Link")]));
        assert_eq!(about.alert_name.as_deref(), Some("On {{Computer}}"));
        assert_eq!(about.alert_severity_column.as_deref(), Some("Severity"));
        let incident = about.incident.unwrap();
        assert_eq!((incident.create, incident.grouping, incident.reopen), (Some(true), Some(true), Some(false)));
        assert_eq!((incident.by.join(","), incident.matching.as_deref()), ("Host".to_owned(), Some("Selected")));
        assert_eq!((about.origin.as_deref(), about.tags.join(",")), (Some("abc"), "SchemaVersion: 1.0".to_owned()));
        let unread: Vec<&str> = about.unread.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(unread, ["startTimeUtc", "suppressionDuration.deep", "triggerThreshold"]);
    }

    #[test]
    fn lists_end() {
        let many: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
        assert_eq!(taken(&[("tactics", &many.join(","))]).tactics.len(), MOST);
    }
}
