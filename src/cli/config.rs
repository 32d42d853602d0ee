//! `huntgate.toml`: what a repository of hunts asks for, so that nobody has to say it on the command line.
//!
//! It is found upwards from the working directory, and gives defaults alone: what the command line says wins. Paths in
//! it are relative to the file. What is asked for is judged where it is used, in `args`; here it is only read.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::Usage;
use super::args::{Form, StyleArg};
use crate::accept::Baseline;
use crate::data;
use crate::diagnostic::{Code, Effect};
use crate::target::Version;

/// The name of the file.
const NAME: &str = "huntgate.toml";
/// The name of the baseline, where the file names none.
const BASELINE: &str = "huntgate-baseline.toml";

/// Where the configuration is.
#[derive(Debug, Default, Args)]
pub(super) struct ConfigArgs {
    /// The configuration; by default the huntgate.toml of this folder or of one above it, up to the repository's root
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    config: Option<PathBuf>,
    /// Read no huntgate.toml
    #[arg(long)]
    no_config: bool,
}

/// What a `huntgate.toml` says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    #[serde(default)]
    targets: Vec<String>,
    /// The schema of each target.
    #[serde(default)]
    schemas: BTreeMap<String, String>,
    /// Files with the site's tables and columns.
    #[serde(default)]
    fields: Vec<PathBuf>,
    target_version: Option<Version>,
    style: Option<StyleArg>,
    r#as: Option<Form>,
    #[serde(default)]
    packages: Vec<String>,
    templates: Option<PathBuf>,
    #[serde(default)]
    deny: Vec<Effect>,
    /// The folder of the snapshots, where they do not lie beside their hunts.
    snapshots: Option<PathBuf>,
    baseline: Option<PathBuf>,
}

/// The configuration in use; without a file it says nothing.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// The folder of the file; `None` where there is no file.
    pub(super) folder: Option<PathBuf>,
    /// Targets, as `--target` names them.
    pub(super) targets: Vec<String>,
    /// Schemas, as `--schema` names them: `TARGET=NAME`.
    pub(super) schemas: Vec<String>,
    /// Overlays.
    pub(super) fields: Vec<PathBuf>,
    /// The version of Elastic.
    pub(super) target_version: Option<Version>,
    /// How queries are written.
    pub(super) style: Option<StyleArg>,
    /// Whether queries or rule files are made.
    pub(super) form: Option<Form>,
    /// Forms of rule files, as `--package` names them.
    pub(super) packages: Vec<String>,
    /// Templates of rule files.
    pub(super) templates: Option<PathBuf>,
    /// Effects that fail a run.
    pub(super) deny: Vec<Effect>,
    /// The folder of the snapshots, where they do not lie beside their hunts.
    pub(super) snapshots: Option<PathBuf>,
    /// The notes that were accepted. The file need not be there.
    pub(super) baseline: Option<PathBuf>,
}

impl ConfigArgs {
    /// Reads the configuration.
    ///
    /// # Errors
    /// There is one that can not be used; the error has the line.
    pub(super) fn load(&self) -> Result<Config, Usage> {
        match &self.config {
            Some(path) => Config::read(path),
            None if self.no_config => Ok(Config::default()),
            None => match found() {
                Some(path) => Config::read(&path),
                None => Ok(Config::default()),
            },
        }
    }
}

/// The file in the working directory or the nearest folder above it. A folder that holds a repository is the last that
/// is looked at. The path is a relative one, so that messages are the same on every machine.
fn found() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let mut shown = PathBuf::new();
    for folder in here.ancestors() {
        if folder.join(NAME).is_file() {
            return Some(shown.join(NAME));
        }
        if folder.join(".git").exists() {
            return None;
        }
        shown.push("..");
    }
    None
}

impl Config {
    fn read(path: &Path) -> Result<Self, Usage> {
        let shown = path.display().to_string();
        let fault = |message: String| Usage(format!("{}: {message}", Code::BadConfiguration));
        let text = std::fs::read_to_string(path).map_err(|error| fault(format!("{shown}: {error}")))?;
        let sheet: Sheet = data::parse(&shown, &text).map_err(|error| fault(error.to_string()))?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let within = |path: PathBuf| folder.join(path);
        Ok(Self {
            targets: sheet.targets,
            schemas: sheet.schemas.iter().map(|(target, schema)| format!("{target}={schema}")).collect(),
            fields: sheet.fields.into_iter().map(within).collect(),
            target_version: sheet.target_version,
            style: sheet.style,
            form: sheet.r#as,
            packages: sheet.packages,
            templates: sheet.templates.map(within),
            deny: sheet.deny,
            snapshots: sheet.snapshots.map(within),
            baseline: Some(within(sheet.baseline.unwrap_or_else(|| PathBuf::from(BASELINE)))),
            folder: Some(folder),
        })
    }
}

/// The baseline in use.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    /// Its entries.
    pub(super) baseline: Baseline,
    /// Its file, whose folder the paths of its entries are relative to; `None` where there is no configuration.
    pub(super) file: Option<PathBuf>,
    /// Its text.
    pub(super) text: String,
}

impl Config {
    /// The notes that were accepted: none where there is no file.
    ///
    /// # Errors
    /// The file is malformed or can not be read.
    pub(super) fn baseline(&self) -> Result<Accepted, Usage> {
        let Some(path) = &self.baseline else { return Ok(Accepted::default()) };
        let shown = path.display().to_string();
        let fault = |message: String| Usage(format!("{}: {message}", Code::BadConfiguration));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(fault(format!("{shown}: {error}"))),
        };
        let baseline = Baseline::read(&shown, &text).map_err(|error| fault(error.to_string()))?;
        Ok(Accepted { baseline, file: Some(path.clone()), text })
    }
}

impl Accepted {
    /// How entries name a hunt; `index` is given where its file holds several. `None` where no entry can.
    pub(super) fn name(&self, path: &Path, index: Option<usize>) -> Option<String> {
        let folder = self.file.as_ref()?.parent()?;
        let name = below(folder, path)?;
        Some(match index {
            Some(index) => format!("{name}#{index}"),
            None => name,
        })
    }
}

/// The path without `.` and without steps up that follow a name, from the root of the file system. Links are not
/// followed: two names of one file stay two.
pub(super) fn absolute(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let mut out = PathBuf::new();
    for component in here.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => out.push(component),
        }
    }
    out
}

/// The path below a folder, with `/` between names; `None` where it is not below it.
pub(super) fn below(folder: &Path, path: &Path) -> Option<String> {
    let rest = absolute(path).strip_prefix(absolute(folder)).ok()?.to_owned();
    Some(rest.components().map(|name| name.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_without_their_detours() {
        assert_eq!(below(Path::new("a"), Path::new("./a/b/../c.kql")).as_deref(), Some("c.kql"));
        assert_eq!(below(Path::new(""), Path::new("a/c.kql")).as_deref(), Some("a/c.kql"));
        assert_eq!(below(Path::new("a"), Path::new("b")), None);
    }

    #[test]
    fn a_file_gives_its_defaults_and_unknown_keys_are_errors_with_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Config::read(&path)
        };
        let config = read(
            "targets = [\"splunk\"]\nfields = [\"site.toml\"]\nas = \"rule\"\ndeny = [\"narrower\"]\n\
             target_version = \"8.19\"\n[schemas]\nsplunk = \"cim\"\n",
        )
        .unwrap();
        assert_eq!(config.schemas, ["splunk=cim"]);
        assert_eq!(config.fields, [folder.path().join("site.toml")]);
        assert_eq!((config.form, config.deny.as_slice()), (Some(Form::Rule), &[Effect::Narrower][..]));
        assert_eq!(config.baseline, Some(folder.path().join(BASELINE)));
        for (text, words) in [
            ("targets = []\ntarget = 1\n", "huntgate.toml:2:1: unknown field `target`"),
            ("deny = [\"odd\"]\n", "huntgate.toml:1:9: unknown variant `odd`"),
            ("target_version = \"new\"\n", "huntgate.toml:1:18: "),
            ("a = [\n", "huntgate.toml:1"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with("HG550: ") && error.contains(words), "{error}");
        }
    }
}
