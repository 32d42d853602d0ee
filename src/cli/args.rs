//! Arguments that several commands share, and what they mean.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::Usage;
use super::answer::{Job, Work};
use super::config::{Config, ConfigArgs};
use crate::diagnostic::Effect;
use crate::fit::Style;
use crate::package::Package;
use crate::target::{Target, TargetError, Version};
use crate::{Gate, Options};

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The hunts to read.
#[derive(Debug, Args)]
pub(super) struct Paths {
    /// Files and folders to read, or - for standard input
    ///
    /// Read are .kql, .csl, .kusto and .txt files (the whole text), the fenced blocks of .md files, the rules of .yaml
    /// and .yml files, and files without an extension that hold a query. Folders are read recursively, honouring
    /// ignore files; hidden files and symbolic links in them are skipped. Default: standard input.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

impl Paths {
    /// The paths to read; `None` is standard input.
    pub(super) fn get(&self) -> Result<Option<&[PathBuf]>, Usage> {
        let is_stdin = |path: &PathBuf| path.as_os_str() == "-";
        match self.paths.as_slice() {
            [] if std::io::stdin().is_terminal() => {
                Err(Usage("no hunts to read: name files or folders, or pipe a hunt to standard input".to_owned()))
            }
            [] => Ok(None),
            [path] if is_stdin(path) => Ok(None),
            paths if paths.iter().any(is_stdin) => {
                Err(Usage("`-` (standard input) can not be combined with other paths".to_owned()))
            }
            paths => Ok(Some(paths)),
        }
    }
}

/// The data of the targets.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Data {
    /// A file with the site's own tables and columns, laid over the schema
    #[arg(long, value_name = "FILE")]
    fields: Vec<PathBuf>,
    /// Use the target data of this folder instead of the built-in data
    #[arg(long, value_name = "DIR")]
    targets: Option<PathBuf>,
}

impl Data {
    /// The gate with the data that the arguments name. Data that can not be used is wrong usage.
    pub(super) fn gate(&self) -> anyhow::Result<Gate> {
        self.gate_over(&[])
    }

    /// The same, with the overlays of a configuration below those of the arguments.
    pub(super) fn gate_over(&self, fields: &[PathBuf]) -> anyhow::Result<Gate> {
        let mut gate = match &self.targets {
            Some(folder) => Gate::with_targets(folder)
                .map_err(|error| Usage(format!("HG408: --targets {}: {error}", folder.display())))?,
            None => Gate::new().context("the data of huntgate itself can not be used")?,
        };
        for path in fields.iter().chain(&self.fields) {
            let name = path.display().to_string();
            let text =
                std::fs::read_to_string(path).map_err(|error| Usage(format!("HG408: --fields {name}: {error}")))?;
            gate.add_overlay(text, name);
        }
        Ok(gate)
    }
}

/// What is made of each hunt.
#[derive(Debug, Default, Args)]
pub(super) struct Making {
    /// Targets, comma separated: splunk, eql, esql, sigma, elastic (the better one of eql and esql), all
    ///
    /// By default those of huntgate.toml.
    #[arg(short, long, value_name = "TARGET,...", value_delimiter = ',')]
    target: Vec<String>,
    /// How the site's data is named in the target: NAME, or TARGET=NAME for one of several targets
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    schema: Vec<String>,
    /// The version of Elastic that queries are for, such as 8.19; by default the newest that the data knows
    #[arg(long, value_name = "VERSION")]
    target_version: Option<Version>,
    #[command(flatten)]
    data: Data,
    /// How queries are written; exact by default
    #[arg(long, value_enum)]
    style: Option<StyleArg>,
    /// Forms of rule files, comma separated, or all; by default the usual one of each target
    #[arg(long, value_name = "PACKAGE,...", value_delimiter = ',')]
    package: Vec<String>,
    /// Templates of rule files, <package>.hbs, in place of the built-in ones
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
    /// The configuration, once it was read.
    #[arg(skip)]
    loaded: OnceLock<Config>,
}

impl Making {
    /// What a configuration alone asks for.
    pub(super) fn configured(config: Config, data: Data) -> Self {
        Self { data, loaded: OnceLock::from(config), ..Self::default() }
    }

    /// The configuration that the arguments stand over.
    ///
    /// # Errors
    /// It can not be used.
    pub(super) fn config(&self) -> Result<&Config, Usage> {
        if let Some(config) = self.loaded.get() {
            return Ok(config);
        }
        let config = self.config.load()?;
        Ok(self.loaded.get_or_init(|| config))
    }

    /// The gate, and what is to be made; `rules` says whether rule files are. What the arguments leave open is as the
    /// configuration says.
    ///
    /// # Errors
    /// Wrong usage, or data that can not be used.
    pub(super) fn work(&self, rules: bool) -> anyhow::Result<(Gate, Work)> {
        let config = self.config()?;
        let asks = targets(if self.target.is_empty() { &config.targets } else { &self.target })?;
        if asks.is_empty() {
            let message =
                "no target: say --target splunk, eql, esql, sigma, elastic or all, or name targets in huntgate.toml";
            return Err(Usage(message.to_owned()).into());
        }
        let of_elastic = asks.iter().any(|ask| ask.is_elastic());
        if let (Some(version), false) = (self.target_version, of_elastic) {
            let message =
                format!("--target-version {version} is for eql, esql and elastic, of which none is asked for");
            return Err(Usage(message).into());
        }
        if !rules && (!self.package.is_empty() || self.templates.is_some()) {
            return Err(Usage("--package and --templates are for rule files: --as rule".to_owned()).into());
        }
        let mut packages = packages(&self.package)?;
        let unused = packages.iter().find(|package| !asks.iter().any(|ask| ask.has(**package)));
        if let (Some(package), false) = (unused, self.package.iter().any(|name| name == "all")) {
            return Err(Usage(format!("--package {package} is for none of the targets that are asked for")).into());
        }
        // Of the forms that a configuration names, those are meant that the targets have: fewer may be asked for here.
        if self.package.is_empty() {
            packages = self::packages(&config.packages)?;
        }
        let gate = self.data.gate_over(&config.fields)?;
        let style = self.style.or(config.style).unwrap_or(StyleArg::Exact);
        let version = self.target_version.or(config.target_version.filter(|_| of_elastic));
        for schema in &config.schemas {
            targets(schema.split('=').map(str::to_owned).take(1).collect::<Vec<_>>().as_slice())?;
        }
        let task = |target| {
            let own = chosen_schema(target, &self.schema)?.is_some();
            task(&gate, target, if own { &self.schema } else { &config.schemas }, style.into(), version)
        };
        let jobs: Vec<Job> = asks
            .iter()
            .map(|ask| match ask {
                Ask::One(target) => task(*target).map(Job::One),
                Ask::Elastic => Ok(Job::Better { eql: task(Target::Eql)?, esql: task(Target::Esql)? }),
            })
            .collect::<anyhow::Result<_>>()?;
        let mut jobs = jobs;
        jobs.iter_mut().for_each(|job| job.for_rules(rules));
        let templates = self.templates.as_deref().or(config.templates.as_deref());
        let packager = rules.then(|| gate.packager(templates)).transpose();
        let packager = packager.map_err(|error| Usage(format!("HG408: --templates: {error}")))?;
        let baseline = config.baseline()?;
        Ok((gate, Work { jobs, packager, packages, annotate: false, baseline }))
    }
}

/// What is written: for `--as`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    /// The query
    Query,
    /// A rule file: --package says in which form
    Rule,
}

/// An effect by its name, for `--deny`.
pub(super) fn effect(name: &str) -> Result<Effect, String> {
    Effect::ALL
        .into_iter()
        .find(|effect| effect.name().eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("the effects are {}", Effect::ALL.map(Effect::name).join(", ")))
}

/// The forms of rule files of a `--package` list.
fn packages(names: &[String]) -> Result<Vec<Package>, Usage> {
    let mut packages = Vec::new();
    for name in names {
        let found = match Package::from_name(name) {
            Some(package) => vec![package],
            None if name.trim().eq_ignore_ascii_case("all") => Package::ALL.to_vec(),
            None => {
                let known = Package::ALL.map(Package::name).join(", ");
                return Err(Usage(format!("`{name}` is no form of rule file; they are {known} and all")));
            }
        };
        packages.extend(found);
    }
    packages.sort_unstable();
    packages.dedup();
    Ok(packages)
}

/// How a query is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StyleArg {
    /// It says what the hunt says
    Exact,
    /// As an analyst of the platform would write it: never narrower, every simplification noted
    Native,
}

impl From<StyleArg> for Style {
    fn from(style: StyleArg) -> Self {
        match style {
            StyleArg::Exact => Self::Exact,
            StyleArg::Native => Self::Native,
        }
    }
}

/// What a name of a `--target` list asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// A language.
    One(Target),
    /// EQL or ES|QL, whichever is more faithful.
    Elastic,
}

impl Ask {
    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::One(target) => target.name(),
            Self::Elastic => "elastic",
        }
    }

    /// Whether rule files of this form can be made of it.
    fn has(self, package: Package) -> bool {
        match self {
            Self::One(target) => Package::of(target).contains(&package),
            Self::Elastic => Package::of(Target::Esql).contains(&package),
        }
    }

    /// Whether Elastic runs what comes out.
    pub(super) const fn is_elastic(self) -> bool {
        match self {
            Self::One(target) => target.is_elastic(),
            Self::Elastic => true,
        }
    }
}

/// The targets of a `--target` list, in its order, each once.
pub(super) fn targets(names: &[String]) -> Result<Vec<Ask>, Usage> {
    let mut asks = Vec::new();
    for name in names.iter().map(|name| name.trim().to_ascii_lowercase()) {
        let found: Vec<Ask> = match name.as_str() {
            "all" => Target::ALL.map(Ask::One).to_vec(),
            "elastic" => vec![Ask::Elastic],
            name => vec![Ask::One(Target::from_name(name).ok_or_else(|| {
                let known: Vec<_> = Target::ALL.iter().map(|target| target.name()).collect();
                Usage(format!(
                    "`{name}` is no target; the targets are {}, elastic (the better one of eql and esql) and all",
                    known.join(", ")
                ))
            })?)],
        };
        for ask in found {
            if !asks.contains(&ask) {
                asks.push(ask);
            }
        }
    }
    let twice = asks.iter().find(|ask| matches!(ask, Ask::One(target) if target.is_elastic()));
    match twice {
        Some(ask) if asks.contains(&Ask::Elastic) => {
            Err(Usage(format!("elastic is eql or esql, whichever is better; ask for {} or for elastic", ask.name())))
        }
        _ => Ok(asks),
    }
}

/// One target by name.
pub(super) fn target(name: &str) -> Result<Target, Usage> {
    match targets(&[name.to_owned()])?.as_slice() {
        [Ask::One(target)] => Ok(*target),
        _ => Err(Usage(format!("one target is needed here, not `{name}`"))),
    }
}

/// What to do for one target.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) options: Options,
    /// The name of the schema, the default one written out.
    pub(super) schema: String,
}

/// The schema that values of `--schema`, each `NAME` or `TARGET=NAME`, choose for a target.
fn chosen_schema(target: Target, schemas: &[String]) -> Result<Option<&str>, Usage> {
    let mut chosen = None;
    for value in schemas {
        match value.split_once('=') {
            Some((name, schema)) => {
                let named = match targets(&[name.to_owned()])?.as_slice() {
                    [Ask::One(one)] => *one == target,
                    [Ask::Elastic] => target.is_elastic(),
                    _ => return Err(Usage(format!("--schema {value}: one target is needed here, not `{name}`"))),
                };
                chosen = if named { Some(schema) } else { chosen };
            }
            None => chosen = chosen.or(Some(value.as_str())),
        }
    }
    Ok(chosen)
}

/// The options for a target; `schemas` are the values of `--schema`, each `NAME` or `TARGET=NAME`.
pub(super) fn task(
    gate: &Gate,
    target: Target,
    schemas: &[String],
    style: Style,
    version: Option<Version>,
) -> anyhow::Result<Task> {
    let chosen = chosen_schema(target, schemas)?;
    let known = gate.schemas(target).map_err(|error| Usage(format!("HG408: {error}")))?;
    if let Some(name) = chosen
        && !known.iter().any(|schema| schema.name == name)
    {
        let names: Vec<&str> = known.iter().map(|schema| schema.name.as_ref()).collect();
        let message = format!("{} has no schema `{name}`; it has {}", target.name(), names.join(", "));
        return Err(Usage(message).into());
    }
    let default = known.iter().find(|schema| schema.is_default).map(|schema| schema.name.to_string());
    let schema = chosen.map(str::to_owned).or(default).context("the target has no default schema")?;
    let options = Options { target, schema: chosen.map(str::to_owned), style, version, rule: false };
    gate.check(&options).map_err(|error| match error {
        TargetError::UnknownVersion { .. } => Usage(format!("--target-version: {error}")),
        TargetError::Data(_) | TargetError::UnknownSchema { .. } => Usage(format!("HG408: {error}")),
    })?;
    Ok(Task { options, schema })
}
