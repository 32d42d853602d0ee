//! The gate: the data of all rooms, loaded once, and the way of a hunt through them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::about::About;
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::elastic;
use crate::emit::{self, Translation};
use crate::fit::{Frame, Style};
use crate::package::Packager;
use crate::plan::{NodeRef, Tree};
use crate::resolve::{self, Resolved};
use crate::source::Span;
use crate::syntax;
use crate::target::{Overlay, Schema, Selector, Target, TargetError, Targets, Version, Versions};
use crate::vocabulary::Vocabulary;

/// What a translation is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The language.
    pub target: Target,
    /// How data is named; `None` is the target's default.
    pub schema: Option<String>,
    /// How the query is written.
    pub style: Style,
    /// The version of the target that the query is for; `None` is the newest that the data knows. Targets without
    /// versions take no notice of it.
    pub version: Option<Version>,
    /// The query is for a rule of the target's own, which asks more of it: ES|QL must give out which event a row is.
    pub rule: bool,
}

impl Options {
    /// The default schema, style and version of a target.
    pub fn new(target: Target) -> Self {
        Self { target, schema: None, style: Style::Exact, version: None, rule: false }
    }
}

/// Schemas in use, by target and the name that was asked for.
type Schemas = HashMap<(Target, Option<String>), Arc<Schema>>;

/// Everything that is loaded once and serves every hunt. It can be shared between threads.
#[derive(Debug)]
pub struct Gate {
    vocabulary: Vocabulary,
    targets: Targets,
    overlays: Vec<(String, String)>,
    schemas: Mutex<Schemas>,
}

/// A stage of the way of a hunt, for `huntgate inspect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The grammar's pairs.
    Pairs,
    /// What was written.
    Ast,
    /// What it means.
    Plan,
    /// What a target can say: the ledger, node by node, and the notes.
    Fitted,
}

/// One schema of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaInfo {
    /// Its name, for `--schema`.
    pub name: String,
    /// Its name in full.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Whether it is used when none is named.
    pub is_default: bool,
}

/// A table in a schema, column by column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFields {
    /// How its events are found, in words.
    pub selector: String,
    /// Its columns.
    pub rows: Vec<FieldRow>,
}

/// A column in a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRow {
    /// The column in KQL, or the path of a part of one.
    pub column: String,
    /// Its type in KQL.
    pub r#type: String,
    /// The field; `None` where the schema has none.
    pub field: Option<String>,
    /// Key of the sources under `grammars/tables/`; empty where the name is simply kept.
    pub provenance: String,
    /// No source states it.
    pub inferred: bool,
    /// What else is known of it.
    pub remark: Option<String>,
}

/// A table that can not be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    /// The vocabulary does not hold it.
    #[error("table `{name}` is not known{}", .nearest.as_ref().map(|it| format!("; did you mean `{it}`?")).unwrap_or_default())]
    UnknownTable {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// The data can not be used.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl Gate {
    /// A gate with the data in the binary.
    ///
    /// # Errors
    /// The embedded data is malformed, which its tests exclude.
    pub fn new() -> Result<Self, TargetError> {
        Ok(Self::of(Vocabulary::embedded().map_err(TargetError::Data)?, Targets::embedded()))
    }

    /// A gate whose targets are read from a folder that is laid out as `targets/`.
    ///
    /// # Errors
    /// A target's data is missing or malformed.
    pub fn with_targets(folder: &Path) -> Result<Self, TargetError> {
        let targets = Targets::from_folder(folder);
        for target in Target::ALL {
            targets.facts(target).map_err(TargetError::Data)?;
            targets.spellings(target).map_err(TargetError::Data)?;
        }
        Ok(Self::of(Vocabulary::embedded().map_err(TargetError::Data)?, targets))
    }

    fn of(vocabulary: Vocabulary, targets: Targets) -> Self {
        Self { vocabulary, targets, overlays: Vec::new(), schemas: Mutex::default() }
    }

    /// Lays a site's own tables and columns over every schema; a later overlay lies over an earlier one. The text is
    /// read when a schema is first used: see [`Gate::check`].
    pub fn add_overlay(&mut self, text: impl Into<String>, file: impl Into<String>) {
        self.overlays.push((file.into(), text.into()));
        self.schemas = Mutex::default();
    }

    /// What makes rule files, with the templates of a site's folder in place of those of the targets' data.
    ///
    /// # Errors
    /// A template can not be read or is malformed.
    pub fn packager(&self, templates: Option<&Path>) -> Result<Packager, TargetError> {
        Ok(Packager::new(self.targets.files(), templates)?)
    }

    /// Whether translations can be made as asked: the schema exists, the overlays fit it, and the target may have such a
    /// version. A version that is newer than the data has all that the data knows.
    ///
    /// # Errors
    /// What is wrong with the schema's name, the version, the data or an overlay.
    pub fn check(&self, options: &Options) -> Result<(), TargetError> {
        let target = options.target;
        if let (Some(version), Some(known)) = (options.version, self.targets.facts(target)?.versions)
            && (version < known.oldest || version.major > known.newest.major + 1)
        {
            return Err(TargetError::UnknownVersion { target, version, known });
        }
        self.schema(target, options.schema.as_deref()).map(drop)
    }

    /// The parts of a text that holds several hunts separated by blank lines; one part where it is one hunt.
    pub fn split(&self, text: &str) -> Vec<Span> {
        syntax::split(text)
    }

    /// Reads a hunt and finds what it means.
    pub fn resolve(&self, text: &str) -> Resolved {
        match syntax::parse(text) {
            Ok(query) => resolve::resolve(&query, text, &self.vocabulary),
            Err(diagnostics) => Resolved { plan: None, diagnostics },
        }
    }

    /// Translates a hunt that was read. Where `resolved` has no plan the answer is a refusal with its diagnostics.
    pub fn translate(&self, text: &str, about: &About, resolved: &Resolved, options: &Options) -> Translation {
        let Some(plan) = &resolved.plan else { return Translation::refused(resolved.diagnostics.clone()) };
        self.with_frame(text, about, plan, options, |frame| {
            emit::translate(frame, options.target, &resolved.diagnostics)
        })
        .unwrap_or_else(|error| {
            let message = format!("the data of target `{}` can not be used: {error}", options.target);
            Translation::refused(vec![Diagnostic::refusal(Code::BadTargetData, plan.pipeline.span, message)])
        })
    }

    /// Translates a hunt that was read to EQL and to ES|QL, and gives the more faithful translation, with a note that says
    /// which it is and why. The targets of the options are not looked at.
    pub fn translate_elastic(
        &self,
        text: &str,
        about: &About,
        resolved: &Resolved,
        eql: &Options,
        esql: &Options,
    ) -> (Target, Translation) {
        let [eql, esql] = [(Target::Eql, eql), (Target::Esql, esql)]
            .map(|(target, options)| self.translate(text, about, resolved, &Options { target, ..options.clone() }));
        match &resolved.plan {
            Some(plan) => elastic::choose(plan, eql, esql),
            None => (Target::Esql, esql),
        }
    }

    /// Says in a translation to EQL that ES|QL would say the hunt better, where it would. `esql` is the verdict of ES|QL
    /// where it is known; else the hunt is translated once more, unless EQL is exact.
    pub fn advise(
        &self,
        text: &str,
        resolved: &Resolved,
        options: &Options,
        esql: Option<Effect>,
        eql: &mut Translation,
    ) {
        let Some(plan) = resolved.plan.as_ref().filter(|_| eql.verdict != Effect::Exact) else { return };
        let options = Options { target: Target::Esql, ..options.clone() };
        let verdict = esql.or_else(|| {
            self.check(&options).ok().map(|()| self.translate(text, &About::default(), resolved, &options).verdict)
        });
        if let Some(verdict) = verdict {
            elastic::advise(plan, eql, verdict);
        }
    }

    /// Shows a hunt at a stage of its way.
    ///
    /// # Errors
    /// Why the hunt does not come as far.
    pub fn inspect(&self, text: &str, stage: Stage, options: &Options) -> Result<String, Vec<Diagnostic>> {
        match stage {
            Stage::Pairs => syntax::pairs_text(text),
            Stage::Ast => syntax::parse(text).map(|query| format!("{query:#?}\n")),
            Stage::Plan => {
                let resolved = self.resolve(text);
                resolved.plan.map(|plan| format!("{:#?}\n", plan.pipeline)).ok_or(resolved.diagnostics)
            }
            Stage::Fitted => {
                let resolved = self.resolve(text);
                let plan = resolved.plan.as_ref().ok_or_else(|| resolved.diagnostics.clone())?;
                self.with_frame(text, &About::default(), plan, options, |frame| {
                    let entries = emit::entries(frame, options.target);
                    let mut out = String::new();
                    plan.visit(&mut |node| {
                        let entry = entries.get(node.id().0 as usize);
                        let entry = entry.map_or_else(|| "no entry".to_owned(), |entry| format!("{entry:?}"));
                        let written = node.span().slice(text).split_whitespace().collect::<Vec<_>>().join(" ");
                        out.push_str(&format!("{:>4}  {:<22} {:<12} {written}\n", node.id().0, entry, kind(node)));
                    });
                    out
                })
                .map_err(|error| vec![Diagnostic::error(Code::BadTargetData, plan.pipeline.span, error.to_string())])
            }
        }
    }

    /// The schemas of a target, by name.
    ///
    /// # Errors
    /// The target's data is malformed.
    pub fn schemas(&self, target: Target) -> Result<Vec<SchemaInfo>, TargetError> {
        let default = &self.targets.facts(target)?.default_schema;
        let names = self.targets.schema_names(target)?;
        names
            .iter()
            .map(|name| {
                let schema = self.schema(target, Some(name))?;
                Ok(SchemaInfo {
                    name: name.clone(),
                    title: schema.title.clone(),
                    description: schema.description.clone(),
                    is_default: name == default,
                })
            })
            .collect()
    }

    /// The versions of a target that the data speaks of; `None` where versions are not told apart.
    ///
    /// # Errors
    /// The target's data is malformed.
    pub fn versions(&self, target: Target) -> Result<Option<Versions>, TargetError> {
        Ok(self.targets.facts(target)?.versions)
    }

    /// A table in a schema, column by column.
    ///
    /// # Errors
    /// The table is not known, or the schema can not be used.
    pub fn fields(&self, table: &str, target: Target, schema: Option<&str>) -> Result<TableFields, FieldsError> {
        use crate::target::ColumnAnswer;
        let row = self.vocabulary.table(table).map_err(TargetError::Data)?;
        let row = row.ok_or_else(|| FieldsError::UnknownTable {
            name: table.to_owned(),
            nearest: self.vocabulary.nearest_table(table).map(str::to_owned),
        })?;
        let schema = self.schema(target, schema)?;
        let map = schema.table(&row.name).map_err(TargetError::Data)?;
        let selector = match map {
            Some(map) => Some(map.selector.clone()),
            None => schema.fallback(&row.name),
        };
        let rows = row.columns.iter().map(|(column, known)| {
            let kept = |field: &str| FieldRow {
                column: column.clone(),
                r#type: known.ty.name().to_owned(),
                field: Some(field.to_owned()),
                provenance: String::new(),
                inferred: false,
                remark: None,
            };
            match schema.column(Some(row), map, column) {
                ColumnAnswer::Mapped(map) => FieldRow {
                    provenance: map.provenance.clone().unwrap_or_default(),
                    inferred: map.inferred,
                    remark: map.caveat.clone().or_else(|| map.remark.clone()),
                    ..kept(&map.field)
                },
                ColumnAnswer::Time(field) => kept(field),
                ColumnAnswer::Kept => kept(column),
                ColumnAnswer::Unmapped(reason) => {
                    FieldRow { field: None, remark: reason.map(str::to_owned), ..kept("") }
                }
                ColumnAnswer::Refused => FieldRow { field: None, ..kept("") },
            }
        });
        let parts = map.into_iter().flat_map(|map| &map.parts).map(|(path, part)| FieldRow {
            column: path.clone(),
            r#type: crate::plan::ScalarType::Dynamic.name().to_owned(),
            field: Some(part.field.clone()),
            provenance: part.provenance.clone().unwrap_or_default(),
            inferred: part.inferred,
            remark: part.caveat.clone().or_else(|| part.remark.clone()),
        });
        Ok(TableFields {
            selector: selector.as_ref().map_or_else(String::new, Selector::describe),
            rows: rows.chain(parts).collect(),
        })
    }

    fn schema(&self, target: Target, name: Option<&str>) -> Result<Arc<Schema>, TargetError> {
        let key = (target, name.map(str::to_owned));
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = schemas.get(&key) {
            return Ok(schema.clone());
        }
        let mut schema = self.targets.schema(target, name)?;
        for (file, text) in &self.overlays {
            if let Some(overlay) = Overlay::parse(target, file, text)? {
                schema = schema.with_overlay(overlay)?;
            }
        }
        let schema = Arc::new(schema);
        schemas.insert(key, schema.clone());
        Ok(schema)
    }

    fn with_frame<T>(
        &self,
        text: &str,
        about: &About,
        plan: &crate::plan::Plan,
        options: &Options,
        action: impl FnOnce(&Frame<'_>) -> T,
    ) -> Result<T, TargetError> {
        let schema = self.schema(options.target, options.schema.as_deref())?;
        let facts = self.targets.facts(options.target)?;
        let frame = Frame {
            plan,
            vocabulary: &self.vocabulary,
            facts,
            spellings: self.targets.spellings(options.target)?,
            schema: &schema,
            version: facts.versions.map(|versions| options.version.unwrap_or(versions.newest)),
            style: options.style,
            rule: options.rule,
            text,
            about,
        };
        Ok(action(&frame))
    }
}

/// What kind of node it is, in one word.
fn kind(node: NodeRef<'_>) -> &'static str {
    match node {
        NodeRef::Pipeline(_) => "pipeline",
        NodeRef::Stage(_) => "stage",
        NodeRef::Binding(_) => "column",
        NodeRef::AggregateBinding(_) => "column",
        NodeRef::Aggregate(_) => "aggregate",
        NodeRef::SortKey(_) => "sort key",
        NodeRef::JoinKey(_) => "join key",
        NodeRef::MvItem(_) => "element",
        NodeRef::Expr(_) => "expression",
    }
}
