//! Whom and what an alert is about: entities of Sentinel as risk objects and threat objects of Splunk.
//!
//! Entities: <https://learn.microsoft.com/en-us/azure/sentinel/entities-reference>. Objects:
//! <https://github.com/splunk/contentctl/blob/main/contentctl/objects/rba.py>.

use std::borrow::Cow;

use super::super::Subject;
use crate::about::Entity;
use crate::emit::Translation;
use crate::fit::outputs::OLD_ENTITIES;

/// The most objects of a rule.
const MOST: usize = 30;

/// What an entity is in Splunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Risk is counted for it: `system`, `user`, `other`. One identifier names the entity, the first of this table.
    Risk(&'static str),
    /// It tells of the threat. Each identifier is an object of its own.
    Threat(&'static str),
}

/// The identifiers of entities, those that name an entity best first.
const ROLES: [(&str, &str, Role); 39] = [
    ("Host", "HostName", Role::Risk("system")),
    ("Host", "FullName", Role::Risk("system")),
    ("Host", "NetBiosName", Role::Risk("system")),
    ("Host", "AzureID", Role::Risk("system")),
    ("Host", "OMSAgentID", Role::Risk("system")),
    ("IoTDevice", "DeviceId", Role::Risk("system")),
    ("Account", "FullName", Role::Risk("user")),
    ("Account", "Name", Role::Risk("user")),
    ("Account", "DisplayName", Role::Risk("user")),
    ("Account", "Sid", Role::Risk("user")),
    ("Account", "AadUserId", Role::Risk("user")),
    ("Account", "ObjectGuid", Role::Risk("user")),
    ("Account", "PUID", Role::Risk("user")),
    ("Mailbox", "MailboxPrimaryAddress", Role::Risk("user")),
    ("MailMessage", "Recipient", Role::Risk("user")),
    ("SubmissionMail", "Recipient", Role::Risk("user")),
    ("AzureResource", "ResourceId", Role::Risk("other")),
    ("CloudApplication", "Name", Role::Risk("other")),
    ("CloudApplication", "AppId", Role::Risk("other")),
    ("SecurityGroup", "DistinguishedName", Role::Risk("other")),
    ("SecurityGroup", "SID", Role::Risk("other")),
    ("SecurityGroup", "ObjectGuid", Role::Risk("other")),
    ("IP", "Address", Role::Threat("ip_address")),
    ("URL", "Url", Role::Threat("url")),
    ("File", "Name", Role::Threat("file_name")),
    ("File", "Directory", Role::Threat("file_path")),
    ("FileHash", "Value", Role::Threat("file_hash")),
    ("Process", "CommandLine", Role::Threat("process")),
    ("RegistryKey", "Key", Role::Threat("registry_path")),
    ("RegistryValue", "Name", Role::Threat("registry_value_name")),
    ("RegistryValue", "Value", Role::Threat("registry_value_text")),
    ("DNS", "DomainName", Role::Threat("domain")),
    ("Malware", "Name", Role::Threat("signature")),
    ("MailMessage", "Sender", Role::Threat("email_address")),
    ("MailMessage", "P1Sender", Role::Threat("email_address")),
    ("MailMessage", "P2Sender", Role::Threat("email_address")),
    ("MailMessage", "SenderIP", Role::Threat("ip_address")),
    ("MailMessage", "Subject", Role::Threat("email_subject")),
    ("SubmissionMail", "Sender", Role::Threat("email_address")),
];

/// A field of the rows that names an object, and the object's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    /// The field.
    pub(super) field: String,
    /// The type.
    pub(super) r#type: &'static str,
}

/// Whom and what the alerts of a rule are about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Objects {
    /// Those for which risk is counted.
    pub(super) risk: Vec<Object>,
    /// Those that tell of the threat.
    pub(super) threat: Vec<Object>,
    /// Columns that no field holds.
    pub(super) missing: Vec<String>,
    /// Entities that Splunk has no type for.
    pub(super) unknown: Vec<String>,
}

impl Objects {
    /// Those by which two alerts are of the same: whose risk is counted, or else what tells of the threat.
    pub(super) fn same(&self) -> impl Iterator<Item = &Object> {
        if self.risk.is_empty() { self.threat.iter() } else { self.risk.iter() }
    }
}

/// The field that holds a column of the hunt's rows.
pub(super) fn field_of<'t>(translation: &'t Translation, column: &str) -> Option<&'t str> {
    translation.columns.iter().find(|(name, _)| &**name == column).map(|(_, field)| field.as_str())
}

/// The entities of a rule; where it maps none, those that its columns name by themselves.
fn entities<'a>(subject: &Subject<'a>) -> Cow<'a, [Entity]> {
    if !subject.about.entities.is_empty() {
        return Cow::Borrowed(&subject.about.entities);
    }
    let named = OLD_ENTITIES.iter().filter(|(column, ..)| field_of(subject.translation, column).is_some());
    Cow::Owned(
        named
            .map(|(column, entity, identifier)| Entity {
                entity_type: (*entity).to_owned(),
                fields: vec![((*identifier).to_owned(), (*column).to_owned())],
            })
            .collect(),
    )
}

/// The objects of a rule.
pub(super) fn objects(subject: &Subject<'_>) -> Objects {
    let mut objects = Objects::default();
    for entity in entities(subject).iter() {
        let of_entity = ROLES.iter().filter(|(name, ..)| name.eq_ignore_ascii_case(&entity.entity_type));
        let mapped = of_entity.filter_map(|(_, identifier, role)| {
            let (_, column) = entity.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(identifier))?;
            Some((column, *role))
        });
        let (mut is_known, mut at_risk, mut lacking) = (false, false, None);
        for (column, role) in mapped {
            is_known = true;
            if matches!(role, Role::Risk(_)) && at_risk {
                continue;
            }
            let Some(field) = field_of(subject.translation, column) else {
                lacking = lacking.or(Some(column));
                continue;
            };
            let (list, r#type) = match role {
                Role::Risk(kind) => (&mut objects.risk, kind),
                Role::Threat(kind) => (&mut objects.threat, kind),
            };
            at_risk |= matches!(role, Role::Risk(_));
            let object = Object { field: field.to_owned(), r#type };
            if !list.contains(&object) && list.len() < MOST {
                list.push(object);
            }
        }
        if let Some(column) = lacking.filter(|_| !at_risk) {
            once(&mut objects.missing, column);
        }
        if !is_known {
            once(&mut objects.unknown, &entity.entity_type);
        }
    }
    objects
}

fn once(list: &mut Vec<String>, text: &str) {
    if list.len() < MOST && !list.iter().any(|it| it == text) {
        list.push(text.to_owned());
    }
}
