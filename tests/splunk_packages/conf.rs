//! A reader of Splunk's `.conf` files, written from the documentation and not from the writer:
//! <https://help.splunk.com/en/splunk-enterprise/administer/admin-manual/10.0/administer-splunk-enterprise-with-configuration-files/configuration-file-structure>.
//!
//! A line that begins with `#` is a comment; `[name]` begins a stanza; `key = value` is a setting, with blanks around the sign
//! and the value of no account; a backslash at the end of a line of a value says that it goes on in the next line.

/// A stanza: its name and settings in order.
#[derive(Debug)]
pub(crate) struct Stanza {
    pub name: String,
    pub settings: Vec<(String, String)>,
}

impl Stanza {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let mut found = self.settings.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str());
        let first = found.next();
        assert!(found.next().is_none(), "{key} is set twice");
        first
    }
}

pub(crate) fn read(text: &str) -> Vec<Stanza> {
    let mut stanzas: Vec<Stanza> = Vec::new();
    let mut lines = text.split('\n');
    while let Some(line) = lines.next() {
        assert!(!line.contains('\r'), "{line:?}");
        if line.trim().is_empty() {
            continue;
        }
        if line.starts_with('#') {
            // Whether a comment goes on in the next line is not said, so that none may ask it.
            assert!(!line.trim_end().ends_with('\\'), "{line:?}");
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            let name = name.strip_suffix(']').unwrap_or_else(|| panic!("no stanza: {line:?}"));
            assert!(!name.contains(['[', ']']), "{name:?}");
            stanzas.push(Stanza { name: name.to_owned(), settings: Vec::new() });
            continue;
        }
        let (key, start) = line.split_once('=').unwrap_or_else(|| panic!("no setting: {line:?}"));
        let mut value = start.to_owned();
        while let Some(more) = value.strip_suffix('\\') {
            // Neither is what two backslashes are.
            assert!(!more.ends_with('\\'), "{value:?}");
            let next = lines.next().unwrap_or_else(|| panic!("a value goes on behind the end: {value:?}"));
            value = format!("{more}\n{next}");
        }
        let key = key.trim();
        assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte)), "{key:?}");
        let stanza = stanzas.last_mut().expect("a setting stands in a stanza");
        stanza.settings.push((key.to_owned(), value.trim().to_owned()));
    }
    stanzas
}
