//! What a hunt's file says of it beside the query: data only.
//!
//! The fields are those of Sentinel's rules, of which other files fill a few:
//! <https://learn.microsoft.com/en-us/azure/sentinel/sentinel-analytic-rules-creation> and
//! <https://learn.microsoft.com/en-us/azure/templates/microsoft.securityinsights/alertrules>; those of a custom detection of
//! Defender XDR: <https://learn.microsoft.com/en-us/graph/api/resources/security-detectionrule>.
//! Lengths of time are counted in ticks of 100 ns, places in bytes of the file.

use crate::source::Span;

/// What is known of a hunt beside its text. The default is that nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Its name, on one line.
    pub name: Option<String>,
    /// Its id, as the source writes it.
    pub id: Option<String>,
    /// What kind of rule it is; `None` where the file does not say.
    pub kind: Option<RuleKind>,
    /// What it is for, in one line or more.
    pub description: Option<String>,
    /// How bad it is if the hunt finds something.
    pub severity: Option<AlertSeverity>,
    /// What the source says of its maturity: `Available`.
    pub status: Option<String>,
    /// Its version: `1.0.3`.
    pub version: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// The day it was made: `YYYY-MM-DD`.
    pub date: Option<String>,
    /// The day it was last changed: `YYYY-MM-DD`.
    pub modified: Option<String>,
    /// Whether it is switched on.
    pub enabled: Option<bool>,
    /// The tactics of ATT&CK, as the source writes them: `InitialAccess`, `Initial Access`.
    pub tactics: Vec<String>,
    /// The techniques of ATT&CK: `T1059`, `T1059.001`.
    pub techniques: Vec<String>,
    /// The pages that the source refers to.
    pub references: Vec<String>,
    /// What it finds though nothing is wrong, one text for each case.
    pub false_positives: Vec<String>,
    /// Words that the source files it under.
    pub tags: Vec<String>,
    /// Where its data comes from.
    pub connectors: Vec<Connector>,
    /// How often it is run.
    pub query_frequency: Option<i64>,
    /// Over how long a time before each run it looks.
    pub query_period: Option<i64>,
    /// How many rows make an alert.
    pub trigger: Option<Trigger>,
    /// Whether rows become one alert or one each.
    pub grouping: Option<EventGrouping>,
    /// For how long it rests behind an alert.
    pub suppression: Option<Suppression>,
    /// Which columns name whom or what an alert is about.
    pub entities: Vec<Entity>,
    /// Names of an alert's own details, and the columns that they show.
    pub custom_details: Vec<(String, String)>,
    /// What each alert is called, with columns as `{{Column}}`.
    pub alert_name: Option<String>,
    /// How each alert is described, with columns as `{{Column}}`.
    pub alert_description: Option<String>,
    /// The column that holds the tactics of an alert.
    pub alert_tactics_column: Option<String>,
    /// The column that holds the severity of an alert.
    pub alert_severity_column: Option<String>,
    /// Further properties of an alert, and the columns that hold them.
    pub alert_properties: Vec<(String, String)>,
    /// How alerts become incidents.
    pub incident: Option<Incident>,
    /// What is done to whom when it finds something: `isolateDevice (DeviceId)`.
    pub actions: Vec<String>,
    /// What an analyst is told to do about it.
    pub recommended: Option<String>,
    /// What the hunt expects to find, where the source says so apart from its description.
    pub hypothesis: Option<String>,
    /// How sure the source is of the hunt.
    pub confidence: Option<String>,
    /// The page or the template that the file was made from.
    pub origin: Option<String>,
    /// Where the fields stand in the file, as far as that is known; the first place of each.
    pub places: Vec<(Field, Span)>,
    /// What the file says of the hunt and nothing here holds.
    pub unread: Vec<Unread>,
}

/// A part of a rule that is not read, or could not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its key, with those above it: `metadata.support.tier`.
    pub key: String,
    /// Where it stands in the file.
    pub span: Span,
    /// Why it is not read.
    pub why: Why,
}

/// Why a part of a rule is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The key is none that is known.
    Unknown,
    /// The value has not the form that the key asks for. The text says which that is.
    Malformed(&'static str),
    /// The list is longer than is read.
    TooMany,
    /// The key stands there twice, and the first is read.
    Repeated,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = &self.key;
        match self.why {
            Why::Unknown => write!(f, "`{key}` of the rule is not known, and not read"),
            Why::Malformed(form) => write!(f, "`{key}` of the rule is not read: it should be {form}"),
            Why::Repeated => write!(f, "`{key}` of the rule stands there twice, and the first is read"),
            Why::TooMany => write!(f, "`{key}` of the rule is not read whole: the list is too long"),
        }
    }
}

/// What kind of rule a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// An analytic rule of Sentinel that runs on a schedule.
    Scheduled,
    /// An analytic rule of Sentinel that runs every minute.
    Nrt,
    /// A hunting query: an analyst runs it.
    Hunting,
    /// A custom detection of Defender XDR.
    CustomDetection,
}

/// Where a rule's data comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connector {
    /// The connector: `MicrosoftThreatProtection`.
    pub id: String,
    /// Its tables: `DeviceProcessEvents`.
    pub data_types: Vec<String>,
}

/// How many rows make an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// How the number of rows is compared.
    pub operator: TriggerOperator,
    /// With what.
    pub threshold: u64,
}

impl Trigger {
    /// Any row makes an alert.
    pub const ANY: Self = Self { operator: TriggerOperator::GreaterThan, threshold: 0 };
}

/// How the number of rows is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerOperator {
    /// More rows.
    GreaterThan,
    /// Fewer rows.
    LessThan,
    /// As many rows.
    Equal,
    /// More or fewer rows.
    NotEqual,
}

/// Whether rows become one alert or one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventGrouping {
    /// All rows of a run are one alert.
    SingleAlert,
    /// Each row is an alert.
    AlertPerResult,
}

/// For how long a rule rests behind an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Whether it rests at all.
    pub enabled: bool,
    /// For how long; `None` where the source does not say.
    pub duration: Option<i64>,
}

/// Which columns name a thing that an alert is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entity {
    /// What it is: `Host`, `Account`.
    pub entity_type: String,
    /// Identifiers and the columns that hold them: `FullName` and `DeviceName`.
    pub fields: Vec<(String, String)>,
}

/// How alerts become incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incident {
    /// Whether they do.
    pub create: Option<bool>,
    /// Whether several alerts may become one incident.
    pub grouping: Option<bool>,
    /// Whether an incident that was closed is opened again.
    pub reopen: Option<bool>,
    /// How far back an incident is looked for.
    pub lookback: Option<i64>,
    /// What alerts of one incident have in common: `AnyAlert`, `AllEntities`, `Selected`.
    pub matching: Option<String>,
    /// The entities, details of alerts and custom details that they have in common.
    pub by: Vec<String>,
}

/// How bad it is if a hunt finds something. `Critical` is not Sentinel's, but stands in files all the same:
/// <https://learn.microsoft.com/en-us/rest/api/securityinsights/alert-rules/create-or-update#alertseverity>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertSeverity {
    /// Nothing is to be done.
    Informational,
    /// It is to be looked at with others.
    Low,
    /// It is to be looked at.
    Medium,
    /// It is to be looked at soon.
    High,
    /// It is to be looked at now.
    Critical,
}

/// Declares the fields of [`About`]: their names, and whether a rule has one.
macro_rules! fields {
    ($($field:ident $name:literal $has:expr;)*) => {
        /// A field of a rule, by the name of its key in Sentinel where it has one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field {
            $(#[doc = concat!("`", $name, "`")] $field,)*
        }

        impl Field {
            /// Every field.
            pub const ALL: &[Self] = &[$(Self::$field),*];

            /// Its name in notes.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$field => $name),* }
            }
        }

        impl About {
            /// Whether the source says anything for a field.
            pub fn has(&self, field: Field) -> bool {
                match field {
                    $(Field::$field => { let has: fn(&Self) -> bool = $has; has(self) })*
                }
            }
        }
    };
}

fields! {
    Name "name" |it| it.name.is_some();
    Id "id" |it| it.id.is_some();
    Kind "kind" |it| it.kind.is_some();
    Description "description" |it| it.description.is_some();
    Severity "severity" |it| it.severity.is_some();
    Status "status" |it| it.status.is_some();
    Version "version" |it| it.version.is_some();
    Author "author" |it| it.author.is_some();
    Date "date" |it| it.date.is_some();
    Modified "modified" |it| it.modified.is_some();
    Enabled "enabled" |it| it.enabled.is_some();
    Tactics "tactics" |it| !it.tactics.is_empty();
    Techniques "relevantTechniques" |it| !it.techniques.is_empty();
    References "references" |it| !it.references.is_empty();
    FalsePositives "falsePositives" |it| !it.false_positives.is_empty();
    Tags "tags" |it| !it.tags.is_empty();
    Connectors "requiredDataConnectors" |it| !it.connectors.is_empty();
    QueryFrequency "queryFrequency" |it| it.query_frequency.is_some();
    QueryPeriod "queryPeriod" |it| it.query_period.is_some();
    Trigger "triggerOperator" |it| it.trigger.is_some();
    Grouping "eventGroupingSettings" |it| it.grouping.is_some();
    Suppression "suppressionDuration" |it| it.suppression.is_some();
    Entities "entityMappings" |it| !it.entities.is_empty();
    CustomDetails "customDetails" |it| !it.custom_details.is_empty();
    AlertName "alertDisplayNameFormat" |it| it.alert_name.is_some();
    AlertDescription "alertDescriptionFormat" |it| it.alert_description.is_some();
    AlertTacticsColumn "alertTacticsColumnName" |it| it.alert_tactics_column.is_some();
    AlertSeverityColumn "alertSeverityColumnName" |it| it.alert_severity_column.is_some();
    AlertProperties "alertDynamicProperties" |it| !it.alert_properties.is_empty();
    Incident "incidentConfiguration" |it| it.incident.is_some();
    Actions "responseActions" |it| !it.actions.is_empty();
    Recommended "recommendedActions" |it| it.recommended.is_some();
    Hypothesis "hypothesis" |it| it.hypothesis.is_some();
    Confidence "confidence" |it| it.confidence.is_some();
    Origin "origin" |it| it.origin.is_some();
}

impl About {
    /// Where a field stands in the file, where that is known.
    pub fn place(&self, field: Field) -> Option<Span> {
        self.places.iter().find(|(one, _)| *one == field).map(|(_, span)| *span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_which_nothing_is_known_has_no_field() {
        let about = About::default();
        assert!(Field::ALL.iter().all(|field| !about.has(*field)));
        let about = About { trigger: Some(Trigger::ANY), places: vec![(Field::Trigger, Span::new(1, 2))], ..about };
        assert!(Field::ALL.iter().all(|field| about.has(*field) == (*field == Field::Trigger)));
        assert_eq!(about.place(Field::Trigger), Some(Span::new(1, 2)));
    }
}
