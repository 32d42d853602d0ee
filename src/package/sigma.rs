//! A Sigma file: the translation is one already, with the rule's own words in it (`fit/sigma/heading.rs`). What is left is to
//! answer for the fields that Sigma has no place for.
//!
//! A Sigma rule says which events are found, and not when it runs or what is done then: that is for whoever converts it. Format:
//! <https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html>.

use super::{Attack, Fields, Found, Package, Packager, RuleFile, Subject, trigger, words};
use crate::about::{Field, RuleKind};
use crate::diagnostic::{Code, Diagnostic, Effect};

/// What a template is given.
#[derive(serde::Serialize)]
struct Data<'a> {
    /// How faithful the rule is, and what differs from the hunt.
    comments: Vec<String>,
    /// The whole file.
    query: &'a str,
}

pub(super) fn pack(packager: &Packager, subject: &Subject<'_>) -> Result<RuleFile, Box<Diagnostic>> {
    let about = subject.about;
    let query = subject.translation.query.as_deref().unwrap_or_default();
    let mut fields = Fields::new(about, subject.span);
    for field in Field::ALL {
        account(&mut fields, *field, subject, &packager.attack)?;
    }
    let comments = words::verdict(subject, fields.notes());
    packager.file(Package::Sigma, subject, &Data { comments, query }, fields)
}

/// Answers for a field.
///
/// # Errors
/// A Sigma rule would say the opposite of the field.
fn account(
    fields: &mut Fields<'_>,
    field: Field,
    subject: &Subject<'_>,
    attack: &Attack,
) -> Result<(), Box<Diagnostic>> {
    let about = subject.about;
    let mut dropped = |effect: Effect, message: &str| fields.noted(field, Code::RuleFieldDropped, effect, message);
    match field {
        Field::Name
        | Field::Description
        | Field::Severity
        | Field::Author
        | Field::Date
        | Field::Modified
        | Field::References
        | Field::FalsePositives
        // The log source says where the data comes from.
        | Field::Connectors => fields.carried(&[field]),
        Field::Id if about.id.as_deref().is_some_and(is_uuid) => fields.carried(&[field]),
        Field::Id => dropped(Effect::Exact, "`related` takes UUIDs only, and the id is none"),
        Field::Kind => match about.kind {
            Some(RuleKind::Nrt) => dropped(Effect::Exact, "a Sigma rule does not say that it runs every minute"),
            Some(RuleKind::Scheduled | RuleKind::Hunting | RuleKind::CustomDetection) | None => {
                fields.carried(&[field]);
            }
        },
        Field::Tactics => {
            for tactic in about.tactics.iter().filter(|tactic| attack.tactic(tactic).is_none()) {
                let message = format!("`{tactic}` is no tactic of ATT&CK {} for Enterprise; it is no tag", attack.version);
                fields.noted(field, Code::AttackUnknown, Effect::Exact, message);
            }
            fields.carried(&[field]);
        }
        Field::Techniques => {
            for id in &about.techniques {
                let version = &attack.version;
                let message = match attack.technique(id) {
                    Found::Known(_) => continue,
                    Found::Retired(name, Some(by)) => {
                        format!("ATT&CK {version} has `{by}` in the place of `{id}` ({name}); the tag is the source's")
                    }
                    Found::Retired(name, None) => {
                        format!("ATT&CK {version} has withdrawn `{id}` ({name}); the tag is the source's")
                    }
                    Found::Unknown => {
                        format!("ATT&CK {version} for Enterprise has no technique `{id}`; the tag is the source's")
                    }
                };
                fields.noted(field, Code::AttackUnknown, Effect::Exact, message);
            }
            fields.carried(&[field]);
        }
        Field::Status => {
            let message = "`status` is `experimental`: a rule that was translated has not proved itself yet";
            fields.noted(field, Code::RuleFieldChanged, Effect::Exact, message);
        }
        Field::Version => dropped(Effect::Exact, "a Sigma rule has no version; `modified` tells it apart"),
        Field::Enabled => dropped(Effect::Exact, "a Sigma rule does not say whether it is switched on"),
        Field::Tags => dropped(Effect::Exact, "tags of Sigma have namespaces of their own"),
        Field::QueryFrequency => dropped(Effect::Exact, "a Sigma rule has no schedule: it is set where the rule runs"),
        Field::QueryPeriod => dropped(
            Effect::Exact,
            "a Sigma rule has no look-back: it is set where the rule runs; a correlation has its timespan",
        ),
        Field::Trigger => return trigger::any_row(fields, subject, "a Sigma rule alerts for any event"),
        Field::Grouping => dropped(Effect::Reshaped, "a Sigma rule does not say how many alerts its events make"),
        Field::Suppression => dropped(Effect::Reshaped, "a Sigma rule does not rest behind an alert"),
        Field::Entities => columns(fields, field, subject, about.entities.iter().flat_map(|entity| &entity.fields)),
        Field::CustomDetails => columns(fields, field, subject, about.custom_details.iter()),
        Field::AlertName | Field::AlertDescription => {
            dropped(Effect::Reshaped, "an alert has the title and the description of the Sigma rule");
        }
        Field::AlertTacticsColumn | Field::AlertSeverityColumn | Field::AlertProperties => {
            dropped(Effect::Reshaped, "an alert has the tags and the level of the Sigma rule, whatever its events hold");
        }
        Field::Incident => dropped(Effect::Reshaped, "a Sigma rule does not say how alerts become incidents"),
        Field::Actions => dropped(Effect::Exact, "a Sigma rule does nothing but to alert"),
        Field::Recommended => dropped(Effect::Exact, "a Sigma rule has no place for what an analyst should do"),
        Field::Hypothesis if about.description.is_none() => fields.carried(&[field]),
        Field::Hypothesis => dropped(Effect::Exact, "the description stands in its place"),
        Field::Confidence => dropped(Effect::Exact, "a Sigma rule does not say how sure it is"),
        Field::Origin if about.origin.as_deref().is_some_and(|origin| origin.contains("://")) => {
            fields.carried(&[field]);
        }
        Field::Origin => dropped(Effect::Exact, "`references` takes pages only"),
    }
    Ok(())
}

/// Columns that an alert shows are under `fields`, as far as each is one.
fn columns<'a>(
    fields: &mut Fields<'_>,
    field: Field,
    subject: &Subject<'_>,
    pairs: impl Iterator<Item = &'a (String, String)>,
) {
    for (name, column) in pairs {
        if subject.field_of(column).is_none() {
            let message = format!("`{name}` is `{column}`, which is no field of the events that the rule finds");
            fields.noted(field, Code::EntityUnmapped, Effect::Reshaped, message);
        }
    }
    let message = "the columns are under `fields`, without what each of them names";
    fields.noted(field, Code::RuleFieldChanged, Effect::Exact, message);
}

/// Whether a text is a UUID that Sigma takes for the id of a rule.
fn is_uuid(text: &str) -> bool {
    uuid::Uuid::parse_str(text.trim()).is_ok_and(|id| !id.is_nil())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::about::{About, Entity, Trigger, TriggerOperator};
    use crate::{Gate, Options, Target};

    fn packed(hunt: &str, about: &About) -> Result<RuleFile, Box<Diagnostic>> {
        let gate = Gate::new().unwrap();
        let packager = gate.packager(None).unwrap();
        let translation = gate.translate(hunt, about, &gate.resolve(hunt), &Options::new(Target::Sigma));
        let span = crate::source::Span::new(0, hunt.len() as u32);
        let (text, schema) = (hunt, "taxonomy");
        let subject = Subject { about, text, target: Target::Sigma, schema, translation: &translation, span };
        packager.pack(Package::Sigma, &subject)
    }

    const HUNT: &str = "DeviceProcessEvents | where FileName =~ \"a.exe\" | extend Odd = strcat(FileName, \"x\")";

    #[test]
    fn columns_of_entities_are_fields_of_the_rule() {
        let fields =
            [("HostName", "DeviceName"), ("Odd", "Odd")].map(|(name, column)| (name.to_owned(), column.to_owned()));
        let entities = vec![Entity { entity_type: "Host".to_owned(), fields: fields.to_vec() }];
        let file = packed(HUNT, &About { entities, ..About::default() }).unwrap();
        assert!(file.text.contains("fields:\n    - Computer"), "{}", file.text);
        assert_eq!(file.notes[1].effect, Some(Effect::Reshaped));
        let codes: Vec<_> = file.notes.iter().map(|note| note.code).collect();
        assert_eq!(codes, [Code::RuleFieldChanged, Code::EntityUnmapped]);
        assert!(file.notes[1].message.contains("`Odd`"), "{}", file.notes[1].message);
    }

    #[test]
    fn thresholds_on_rows_have_their_true_effect() {
        let with = |operator, threshold| {
            packed(HUNT, &About { trigger: Some(Trigger { operator, threshold }), ..About::default() })
        };
        assert!(with(TriggerOperator::GreaterThan, 0).unwrap().notes.is_empty());
        let many = with(TriggerOperator::GreaterThan, 5).unwrap();
        assert_eq!((many.verdict, many.notes[0].code), (Effect::Broader, Code::TriggerChanged));
        assert_eq!(with(TriggerOperator::NotEqual, 5).unwrap().verdict, Effect::Unsure);
        assert_eq!(with(TriggerOperator::LessThan, 1).unwrap_err().code, Code::RuleRefused);
        assert_eq!(with(TriggerOperator::Equal, 0).unwrap_err().code, Code::RuleRefused);
    }

    #[test]
    fn what_attack_does_not_know_is_said() {
        let texts = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let about = About {
            tactics: texts(&["PreAttack", "Execution"]),
            techniques: texts(&["T1086", "T1059.001", "T9999"]),
            ..About::default()
        };
        let file = packed(HUNT, &about).unwrap();
        let messages: Vec<_> = file.notes.iter().map(|note| note.message.as_str()).collect();
        assert_eq!(messages.len(), 3, "{messages:?}");
        assert!(messages.iter().any(|it| it.contains("`PreAttack`")));
        assert!(messages.iter().any(|it| it.contains("`T1059.001` in the place of `T1086`")));
        assert!(file.notes.iter().all(|note| note.effect == Some(Effect::Exact)));
    }
}
