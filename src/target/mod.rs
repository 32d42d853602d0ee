//! What is known of each target, from `targets/**`: its spelling, what it can say, its functions, and how data is named in it.
//!
//! A *language* (`target.toml`, `functions.toml`) and a *schema* (`schemas/`) are different things. Nothing here looks at a
//! hunt; choosing, counting and inventing names is for `fit`. Files are parsed when they are first asked for.

mod capabilities;
mod facts;
mod functions;
mod overlay;
mod schema;
mod selector;
mod value;
mod versions;

use std::path::Path;
use std::sync::OnceLock;

use crate::data::{self, DataError, Embedded, Files};

pub use capabilities::{Answer, Capabilities, Capability, Support};
pub use facts::{Binding, Context, Escape, Identifier, Limits, StringForm, TargetFacts};
pub use functions::{Difference, Piece, Spelling, Spellings, Template, Written};
pub use overlay::Overlay;
pub use schema::{ColumnAnswer, ColumnMap, FieldKind, FieldType, Schema, TableMap, UnknownColumn, UnknownTable};
pub use selector::{
    CategoryWhen, ElasticSelector, LogsourceWhen, PlatformSign, Selector, SigmaSelector, SplunkSelector, Term,
    TermTest, When,
};
pub use value::{CaseChange, Otherwise, Stored};
pub use versions::{Construct, Since, Version, VersionError, Versions};

#[derive(rust_embed::RustEmbed)]
#[folder = "targets"]
struct Data;

/// A language that hunts are translated to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Splunk SPL.
    Splunk,
    /// Elastic EQL.
    Eql,
    /// Elastic ES|QL.
    Esql,
    /// Sigma rules.
    Sigma,
}

impl Target {
    /// Every target, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Splunk, Self::Eql, Self::Esql, Self::Sigma];

    /// The name, which is also that of its folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Splunk => "splunk",
            Self::Eql => "eql",
            Self::Esql => "esql",
            Self::Sigma => "sigma",
        }
    }

    /// The name in full.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Splunk => "Splunk SPL",
            Self::Eql => "Elastic EQL",
            Self::Esql => "Elastic ES|QL",
            Self::Sigma => "Sigma",
        }
    }

    /// Other names that are understood.
    pub const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Splunk => &["spl"],
            Self::Eql => &["elastic-eql"],
            Self::Esql => &["es|ql"],
            Self::Sigma => &[],
        }
    }

    /// The target of this name, whatever its case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| {
            target.name().eq_ignore_ascii_case(name) || target.aliases().iter().any(|it| it.eq_ignore_ascii_case(name))
        })
    }

    /// Whether Elastic runs it: such targets have versions.
    pub const fn is_elastic(self) -> bool {
        match self {
            Self::Eql | Self::Esql => true,
            Self::Splunk | Self::Sigma => false,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Splunk => 0,
            Self::Eql => 1,
            Self::Esql => 2,
            Self::Sigma => 3,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Data of a target that can not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A file is malformed or missing.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The target has no schema of this name.
    #[error("{target} has no schema `{name}`; it has {}", .known.join(", "))]
    UnknownSchema {
        /// The target.
        target: Target,
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// The target has no such version.
    #[error("{target} has no version {version}; the data speaks of {} to {}", .known.oldest, .known.newest)]
    UnknownVersion {
        /// The target.
        target: Target,
        /// What was asked for.
        version: Version,
        /// What there is.
        known: Versions,
    },
}

/// The data of all targets.
#[derive(Debug)]
pub struct Targets {
    files: Files,
    facts: [OnceLock<Result<TargetFacts, DataError>>; 4],
    spellings: [OnceLock<Result<Spellings, DataError>>; 4],
}

impl Targets {
    /// The data in the binary. Nothing is parsed yet.
    pub fn embedded() -> Self {
        Self::from_files(Files::Embedded(Embedded {
            root: "targets",
            get: |path| Data::get(path).map(|file| file.data),
            names: || Data::iter().collect(),
        }))
    }

    /// The data in a folder that is laid out as `targets/`. Nothing is read yet.
    pub fn from_folder(folder: &Path) -> Self {
        Self::from_files(Files::Folder(folder.to_owned()))
    }

    fn from_files(files: Files) -> Self {
        Self { files, facts: Default::default(), spellings: Default::default() }
    }

    /// The tree of files, for rooms that keep files of their own in it (`package/*.hbs`).
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Spelling, precedence, limits and capabilities of a target.
    ///
    /// # Errors
    /// `target.toml` is missing or malformed, or lacks a capability.
    pub fn facts(&self, target: Target) -> Result<&TargetFacts, DataError> {
        self.facts[target.index()]
            .get_or_init(|| {
                let path = format!("{target}/target.toml");
                let facts: TargetFacts = self.files.load(&path)?;
                facts.check(target).map_err(|message| DataError::of_file(self.files.name(&path), message))?;
                Ok(facts)
            })
            .as_ref()
            .map_err(Clone::clone)
    }

    /// How a target spells KQL's functions.
    ///
    /// # Errors
    /// `functions.toml` is missing or malformed.
    pub fn spellings(&self, target: Target) -> Result<&Spellings, DataError> {
        self.spellings[target.index()]
            .get_or_init(|| {
                let path = format!("{target}/functions.toml");
                Spellings::new(self.files.name(&path), self.files.require(&path)?)
            })
            .as_ref()
            .map_err(Clone::clone)
    }

    /// The names of the schemas of a target, sorted.
    ///
    /// # Errors
    /// The target's data is malformed or can not be read.
    pub fn schema_names(&self, target: Target) -> Result<Vec<String>, DataError> {
        self.files.folders(&format!("{}/schemas", self.facts(target)?.schemas))
    }

    /// A schema of a target by name, or its default one.
    ///
    /// # Errors
    /// There is no such schema, or its data is malformed.
    pub fn schema(&self, target: Target, name: Option<&str>) -> Result<Schema, TargetError> {
        let facts = self.facts(target)?;
        let name = name.unwrap_or(&facts.default_schema);
        let known = self.schema_names(target)?;
        if !known.iter().any(|it| it == name) {
            let nearest = data::nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
            return Err(TargetError::UnknownSchema { target, name: name.to_owned(), known, nearest });
        }
        Ok(Schema::open(target, name, format!("{}/schemas/{name}", facts.schemas), self.files.clone())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Vocabulary;

    #[test]
    fn every_target_is_whole() {
        let targets = Targets::embedded();
        for target in Target::ALL {
            let facts = targets.facts(target).unwrap();
            assert_eq!(facts.name, target);
            assert_eq!(facts.aliases, target.aliases());
            assert_eq!(facts.title, target.title());
            assert_eq!(Target::from_name(&target.name().to_uppercase()), Some(target));
            assert!(targets.schema_names(target).unwrap().contains(&"source".to_owned()));
            assert!(targets.schema(target, None).is_ok());
        }
    }

    #[test]
    fn a_function_is_spelled_only_if_kql_has_it() {
        let (targets, vocabulary) = (Targets::embedded(), Vocabulary::embedded().unwrap());
        for target in Target::ALL {
            let spellings = targets.spellings(target).unwrap();
            for name in spellings.names() {
                let spelling = spellings.get(name).unwrap().unwrap();
                let row = vocabulary.function(name).map(|(_, row)| row);
                let row = row.unwrap_or_else(|| panic!("{target}: `{name}` is no function of KQL"));
                assert_eq!(row.name, name, "{target}: a legacy name");
                if let Spelling::Written(written) = spelling {
                    assert!(
                        (row.arity.min..=row.arity.max.unwrap_or(9)).any(|count| written.template(count).is_some()),
                        "{target}: {name}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_unknown_schema_is_named() {
        let error = Targets::embedded().schema(Target::Splunk, Some("../eql")).unwrap_err();
        assert_eq!(error.to_string(), "splunk has no schema `../eql`; it has addon, cim, source");
        let Err(TargetError::UnknownSchema { nearest, .. }) = Targets::embedded().schema(Target::Eql, Some("ESC"))
        else {
            panic!("no error");
        };
        assert_eq!(nearest.as_deref(), Some("ecs"));
    }

    #[test]
    fn a_folder_stands_in_for_the_binary() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets");
        let targets = Targets::from_folder(&folder);
        for target in Target::ALL {
            assert_eq!(targets.schema_names(target), Targets::embedded().schema_names(target));
            assert!(targets.spellings(target).is_ok());
        }
        let missing = Targets::from_folder(&folder.join("nowhere"));
        assert!(missing.facts(Target::Eql).unwrap_err().message.contains("no such file"));
    }
}
