//! Rule files out: a translation and what the hunt's file says of it → a file that the target's site loads.
//!
//! The only room that names handlebars. A file's frame is a template under `targets/<target>/package/`, which a site can
//! replace; values that have a syntax of their own (JSON, TOML, YAML, lines of a `.conf`) are written by serde or by the
//! helpers of [`templates`], so that no text of a hunt can leave its place. Nothing is decided here about the query.
//!
//! As a translation answers for every node of the plan, a rule file answers for every field of the rule: [`ledger`].

mod attack;
mod elastic;
mod id;
mod ledger;
mod risk;
mod schedule;
mod sigma;
mod splunk;
mod templates;
mod text;
mod threat;
mod trigger;
mod words;

use std::path::Path;

use crate::about::About;
use crate::data::{DataError, Files};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::emit::Translation;
use crate::source::Span;
use crate::target::Target;

pub use attack::{Attack, Found, Tactic, Technique};
pub use ledger::{ClosedFields, Fields};

/// A form of rule file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Package {
    /// A saved search that alerts, as a stanza of Splunk's `savedsearches.conf`.
    SavedSearch,
    /// A correlation search of Splunk Enterprise Security, as a stanza of `savedsearches.conf`.
    CorrelationSearch,
    /// A detection of Splunk's security content, for `contentctl`.
    Contentctl,
    /// A rule of Elastic's `detection-rules`, in TOML.
    DetectionRule,
    /// A rule for the import of Kibana, as a line of NDJSON.
    Kibana,
    /// A Sigma file.
    Sigma,
}

impl Package {
    /// Every form, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::SavedSearch, Self::CorrelationSearch, Self::Contentctl, Self::DetectionRule, Self::Kibana, Self::Sigma];

    /// The name, for `--package`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SavedSearch => "savedsearch",
            Self::CorrelationSearch => "correlation-search",
            Self::Contentctl => "contentctl",
            Self::DetectionRule => "detection-rule",
            Self::Kibana => "kibana",
            Self::Sigma => "sigma",
        }
    }

    /// The form of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|package| package.name().eq_ignore_ascii_case(name.trim()))
    }

    /// The forms of a target, the usual one first.
    pub const fn of(target: Target) -> &'static [Self] {
        match target {
            Target::Splunk => &[Self::SavedSearch, Self::CorrelationSearch, Self::Contentctl],
            Target::Eql | Target::Esql => &[Self::DetectionRule, Self::Kibana],
            Target::Sigma => &[Self::Sigma],
        }
    }

    /// What is put behind the name of the hunt's file.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::SavedSearch => "conf",
            Self::CorrelationSearch => "es.conf",
            Self::Contentctl => "contentctl.yml",
            Self::DetectionRule => "toml",
            Self::Kibana => "ndjson",
            Self::Sigma => "yml",
        }
    }
}

impl std::fmt::Display for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What a rule file is made of. All places are those of the hunt's file.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What the file says of the hunt.
    pub about: &'a About,
    /// The hunt as it was written.
    pub text: &'a str,
    /// The target of the translation.
    pub target: Target,
    /// The schema of the translation.
    pub schema: &'a str,
    /// The translation, with its notes.
    pub translation: &'a Translation,
    /// Where the hunt stands in its file: the place of notes on what has none of its own.
    pub span: Span,
}

impl<'a> Subject<'a> {
    /// The field of the query's rows that holds a column of the hunt's, where one does.
    pub fn field_of(&self, column: &str) -> Option<&'a str> {
        let found = self.translation.columns.iter().find(|(known, _)| &**known == column);
        found.map(|(_, field)| field.as_str())
    }
}

/// A rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Its form.
    pub package: Package,
    /// Its name, where the form asks for a certain one.
    pub file_name: Option<String>,
    /// Its text, with a line end.
    pub text: String,
    /// How faithful the rule is: the query and what became of the rule's fields together.
    pub verdict: Effect,
    /// What became of the rule's fields. Those of the query are the translation's.
    pub notes: Vec<Diagnostic>,
}

/// Makes rule files: the templates in use, and ATT&CK.
#[derive(Debug)]
pub struct Packager {
    templates: templates::Templates,
    attack: Attack,
}

impl Packager {
    /// A packager with the templates of `targets/`, or with those of a site's folder, `<package>.hbs`, in their place.
    ///
    /// # Errors
    /// A template can not be read or is malformed.
    pub fn new(files: &Files, own: Option<&Path>) -> Result<Self, DataError> {
        Ok(Self { templates: templates::Templates::load(files, own)?, attack: Attack::embedded()? })
    }

    /// Makes a rule file of a translation.
    ///
    /// # Errors
    /// Why the target has no rule that says this, as a refusal.
    pub fn pack(&self, package: Package, subject: &Subject<'_>) -> Result<RuleFile, Box<Diagnostic>> {
        match package {
            Package::Sigma => sigma::pack(self, subject),
            Package::SavedSearch => splunk::saved_search(self, subject),
            Package::CorrelationSearch => splunk::correlation_search(self, subject),
            Package::Contentctl => splunk::detection(self, subject),
            Package::DetectionRule => elastic::pack(self, package, subject, false),
            Package::Kibana => elastic::pack(self, package, subject, true),
        }
    }

    /// The text of a file, and the file with what became of its fields.
    fn file(
        &self,
        package: Package,
        subject: &Subject<'_>,
        data: &impl serde::Serialize,
        fields: Fields<'_>,
    ) -> Result<RuleFile, Box<Diagnostic>> {
        let closed = fields.close()?;
        let text = self.templates.render(package, data).map_err(|message| {
            let message = format!("the template of `{package}` can not be used: {message}");
            Box::new(Diagnostic::refusal(Code::BadTargetData, subject.span, message))
        })?;
        let verdict = subject.translation.verdict.and(closed.effect);
        Ok(RuleFile { package, file_name: None, text, verdict, notes: closed.notes })
    }
}
