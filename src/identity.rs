//! Ids of rules that are made of hunts: the same hunt has always the same id. Nothing else is decided here.

use uuid::Uuid;

use crate::about::About;

/// The id of what is made of a hunt under a schema; `own` tells it from other things that are made of the same hunt.
///
/// It is of version 5, which is made of names and not of chance, so that a rule that is translated again replaces the old
/// one: <https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-5>. What the hunt's file says beside id and name does not
/// change it.
pub(crate) fn of(about: &About, text: &str, schema: &str, own: Option<&str>) -> Uuid {
    /// The namespace of the ids of huntgate's rules.
    const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_2c3a_90b4_5e77_8a21_4d5c_e6f7_0918);
    let mut seed = match (&about.id, &about.name) {
        (Some(id), _) => format!("id\n{id}"),
        (None, Some(name)) => format!("name\n{name}\n{text}"),
        (None, None) => format!("text\n{text}"),
    };
    seed.push_str(&format!("\n{schema}"));
    if let Some(own) = own {
        seed.push_str(&format!("\n{own}"));
    }
    Uuid::new_v5(&NAMESPACE, seed.as_bytes())
}
