//! What every fitter is given: the plan, the target's data and what the user chose.

use crate::about::About;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Pipeline, Plan};
use crate::source::Span;
use crate::target::{Capability, Construct, Schema, Since, Spellings, Support, TargetFacts, Version, Written};
use crate::vocabulary::Vocabulary;

use super::Style;
use super::unsayable::Unsayable;

/// One translation to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// What the hunt means.
    pub(crate) plan: &'a Plan,
    /// What is known of KQL.
    pub(crate) vocabulary: &'a Vocabulary,
    /// Spelling and limits of the target's language.
    pub(crate) facts: &'a TargetFacts,
    /// How the target spells KQL's functions.
    pub(crate) spellings: &'a Spellings,
    /// How data is named at the site.
    pub(crate) schema: &'a Schema,
    /// The version of the target that the query is for; `None` where the target has none.
    pub(crate) version: Option<Version>,
    /// How the query is written.
    pub(crate) style: Style,
    /// The query is for a rule of the target's own.
    pub(crate) rule: bool,
    /// The text of the hunt, for quoting it in notes.
    pub(crate) text: &'a str,
    /// What else the file of the hunt says of it.
    pub(crate) about: &'a About,
}

impl Frame<'_> {
    /// The version that has a construct, if the one that the query is for does not.
    pub(crate) fn needs(&self, construct: Construct) -> Option<Version> {
        self.facts.since.get(&construct).and_then(|since| self.lacking(since))
    }

    /// The version that has the target's spelling of a function, if the one that the query is for does not.
    pub(crate) fn spelling_needs(&self, written: &Written) -> Option<Version> {
        written.since.as_ref().and_then(|since| self.lacking(since))
    }

    /// Whether a construct may be used.
    ///
    /// # Errors
    /// The refusal that names the version it needs.
    pub(crate) fn allows(&self, construct: Construct, span: Span) -> Result<(), Box<Diagnostic>> {
        self.needs(construct).map_or(Ok(()), |needed| Err(self.too_new(construct.says(), needed, span)))
    }

    /// Whether the target's spelling of a function may be used.
    ///
    /// # Errors
    /// The refusal that names the version it needs.
    pub(crate) fn allows_spelling(&self, name: &str, written: &Written, span: Span) -> Result<(), Box<Diagnostic>> {
        let refusal = |needed| Err(self.too_new(&format!("the counterpart of `{name}`"), needed, span));
        self.spelling_needs(written).map_or(Ok(()), refusal)
    }

    /// The refusal of something that a newer version has.
    pub(crate) fn too_new(&self, what: &str, needed: Version, span: Span) -> Box<Diagnostic> {
        let version = self.version.map(|version| version.to_string()).unwrap_or_default();
        let message = format!("{what} needs Elastic {needed}; the target version is {version}");
        let refusal = Diagnostic::refusal(Code::NeedsNewer, span, message);
        Box::new(refusal.help(format!("--target-version {needed}, if the cluster is as new")))
    }

    /// Why a source is refused, where the data of the target says so.
    pub(crate) fn refused_source(&self, pipeline: &Pipeline, language: &str) -> Option<Unsayable> {
        let answer = Capability::of_source(&pipeline.source).map(|it| self.facts.capabilities.get(it))?;
        if answer.is != Support::Refused {
            return None;
        }
        let none = format!("{language} has no counterpart of it");
        let note = answer.note.as_deref().unwrap_or(&none);
        let refusal = Unsayable::new(Code::RefusedSource, pipeline.span, format!("the source can not be read: {note}"));
        Some(match &answer.instead {
            Some(instead) => refusal.help(instead.clone()),
            None => refusal,
        })
    }

    fn lacking(&self, since: &Since) -> Option<Version> {
        since.lacking(self.version?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Target, Targets};

    #[test]
    fn what_is_too_new_is_refused_by_name() {
        let (vocabulary, targets) = (Vocabulary::embedded().unwrap(), Targets::embedded());
        let query = crate::syntax::parse("print 1").unwrap();
        let plan = crate::resolve::resolve(&query, "print 1", &vocabulary).plan.unwrap();
        let schema = targets.schema(Target::Esql, None).unwrap();
        let about = About::default();
        let frame = |version: &str| Frame {
            plan: &plan,
            vocabulary: &vocabulary,
            facts: targets.facts(Target::Esql).unwrap(),
            spellings: targets.spellings(Target::Esql).unwrap(),
            schema: &schema,
            version: Some(version.parse().unwrap()),
            style: Style::Exact,
            text: "print 1",
            rule: false,
            about: &about,
        };
        let refusal = frame("8.19").allows(Construct::InSubquery, Span::default()).unwrap_err();
        assert_eq!(refusal.code, Code::NeedsNewer);
        assert_eq!(refusal.message, "`IN` with a query in parentheses needs Elastic 9.5; the target version is 8.19");
        assert_eq!(frame("9.5").needs(Construct::InSubquery), None);
        assert_eq!(frame("9.0").needs(Construct::LikeList).map(|it| it.to_string()).as_deref(), Some("9.1"));
    }
}
