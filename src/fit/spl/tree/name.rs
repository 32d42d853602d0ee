//! Names that can be written in every command: of fields, of patterns of them, and of the datasets of data models.
//!
//! What a name may hold is decided here and nowhere else.

/// The name of a field. Only [`Name::new`] makes one, so that every name can be written in every command.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name(String);

impl Name {
    /// The name, if every command can address it: `*` is a wildcard in most of them, braces are filled in by `eval`, and
    /// quotes, brackets and bars end a name in one command or another, with no escape that all of them know.
    pub(crate) fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let first = name.chars().next()?;
        let sound = (first.is_alphabetic() || matches!(first, '_' | '@'))
            && !name.ends_with(' ')
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ' | ':' | '@' | '#' | '/'));
        sound.then_some(Self(name))
    }

    /// A name that is known to be sound: of letters and underscores.
    pub(crate) fn of(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// The names of fields, as a pattern: `*` stands for any text. Only [`Glob::new`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(String);

impl Glob {
    /// The pattern, if each name that it stands for could be written.
    pub(crate) fn new(pattern: &str) -> Option<Self> {
        Name::new(pattern.replace('*', "a")).map(|_| Self(pattern.to_owned()))
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl From<&Name> for Glob {
    fn from(name: &Name) -> Self {
        Self(name.0.clone())
    }
}

/// A dataset of a data model. Only [`Dataset::new`] makes one, so that it can be written without quotes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dataset {
    model: String,
    node: String,
}

impl Dataset {
    /// The dataset `Model.Node`, if both are plain words.
    pub(crate) fn new(path: &str) -> Option<Self> {
        let (model, node) = path.split_once('.')?;
        let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (plain(model) && plain(node)).then(|| Self { model: model.to_owned(), node: node.to_owned() })
    }

    /// `Model.Node`
    pub(crate) fn path(&self) -> String {
        format!("{}.{}", self.model, self.node)
    }

    /// What stands before the names of its fields in `tstats`.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// A field of the dataset as `tstats` names it; fields that every event has stand alone.
    pub(crate) fn field(&self, name: &Name) -> Name {
        match name.text() {
            "_time" | "host" | "index" | "source" | "sourcetype" => name.clone(),
            text => Name(format!("{}.{text}", self.node)),
        }
    }
}
