//! What a file is: by its extension, and by its content where the extension does not say.

use std::path::Path;

use super::look;

/// How the hunts of a file are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The whole text: `.kql`, `.csl`, `.kusto`.
    Kql,
    /// A rule page as text, or else the whole text: `.txt`.
    Text,
    /// Fenced blocks: `.md`.
    Markdown,
    /// The `query:` of rules: `.yaml`, `.yml`.
    Yaml,
    /// ARM templates and custom detections: `.json`.
    Json,
    /// No extension that says: decided by the content.
    Unknown,
}

impl Kind {
    /// The kind that the extension says; `None` for an extension that holds no hunts.
    pub fn of_path(path: &Path) -> Option<Self> {
        let Some(extension) = path.extension() else { return Some(Self::Unknown) };
        match extension.to_str()?.to_ascii_lowercase().as_str() {
            "kql" | "csl" | "kusto" => Some(Self::Kql),
            "txt" => Some(Self::Text),
            "md" | "markdown" => Some(Self::Markdown),
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// The kind in which `text` is to be read: [`Kind::Unknown`] is decided.
    pub fn decided(self, text: &str) -> Self {
        match self {
            Self::Unknown if look::is_json(text) => Self::Json,
            Self::Unknown if look::is_rule_yaml(text) => Self::Yaml,
            Self::Unknown if look::is_markdown(text) => Self::Markdown,
            Self::Unknown => Self::Text,
            known => known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_telling_extension_is_decided_by_its_content() {
        assert_eq!(Kind::of_path(Path::new("a/b.KQL")), Some(Kind::Kql));
        assert_eq!(Kind::of_path(Path::new("a.b/c")), Some(Kind::Unknown));
        assert_eq!(Kind::of_path(Path::new("a.png")), None);
        assert_eq!(Kind::Unknown.decided("id: 1\nname: x\nquery: |\n  T\n"), Kind::Yaml);
        assert_eq!(Kind::Unknown.decided("# Title\n\n```kql\nT | take 1\n```\n"), Kind::Markdown);
        assert_eq!(Kind::Unknown.decided("T\n| take 1\n"), Kind::Text);
        assert_eq!(Kind::Unknown.decided(" {\"resources\": []}"), Kind::Json);
    }
}
