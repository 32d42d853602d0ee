//! Names of fields and columns.

/// A name that ES|QL can write, bare or between backticks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name(String);

impl Name {
    /// A name; `None` where it holds what no name can: nothing, line ends and other controls, or `*`, which would stand
    /// for any text in `KEEP` and `DROP`.
    pub(crate) fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let sound = !text.is_empty() && !text.chars().any(|char| char.is_control() || char == '*');
        sound.then_some(Self(text))
    }

    /// The name of the event's time.
    pub(crate) fn time() -> Self {
        Self("@timestamp".to_owned())
    }

    /// A helper column of the query's own.
    pub(crate) fn helper(number: usize) -> Self {
        Self(format!("{HELPER}{number}"))
    }

    /// Whether it is a helper column.
    pub(crate) fn is_helper(&self) -> bool {
        self.0.starts_with(HELPER)
    }

    /// The text, unquoted.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// What the query's own columns begin with.
const HELPER: &str = "_huntgate_";
