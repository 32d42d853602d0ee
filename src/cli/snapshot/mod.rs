//! `huntgate snapshot`: converted hunts that lie in the repository, and the review of what changes in them.
//!
//! [`file`] is the form of a snapshot, [`compare`] says what is and what could be done, [`apply`] does it. Here are the
//! arguments and what is printed.

mod apply;
mod compare;
mod file;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use self::compare::{Look, Places};
use super::answer::Work;
use super::args::{Color, Form, Making, effect};
use super::config::below;
use super::output::Output;
use super::{Ending, Usage, mirror};
use crate::Gate;
use crate::diagnostic::Effect;
use crate::package::Package;

/// Keep converted hunts beside the hunts, and review what changes in them
///
/// A snapshot is the query or the rule file as it is deployed, with the verdict and the notes as comments above it.
#[derive(Debug, Args)]
pub(super) struct Snapshot {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Box<Check>),
    Review(Box<Review>),
    Accept(Box<Accept>),
}

/// What all three are given.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    making: Making,
    /// What a snapshot holds: a query (by default), or a rule file of the target
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<Form>,
    /// Fail where a verdict or a note has one of these effects, and neither a comment nor the baseline accepts it
    #[arg(long, value_name = "EFFECT,...", value_delimiter = ',', value_parser = effect)]
    deny: Vec<Effect>,
}

/// Fail where a snapshot is not what its hunt gives now
#[derive(Debug, Args)]
struct Check {
    /// The folder of the hunts; by default that of huntgate.toml, or this one
    dir: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    /// Text, one JSON object a line, Markdown for a pull request, a SARIF 2.1.0 log, or JUnit XML
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Go through the changes one by one, reading answers from standard input
#[derive(Debug, Args)]
struct Review {
    /// The folder of the hunts; by default that of huntgate.toml, or this one
    dir: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Write the snapshots anew, and remove those whose hunt is gone
///
/// Files that are no snapshots are never written over, and snapshots of hunts that can not be read are left as they are.
#[derive(Debug, Args)]
struct Accept {
    /// Only the snapshots of these hunts, these snapshots, or those in these folders
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    common: Common,
    /// Write no snapshot: add the notes with denied effects to the baseline
    #[arg(long, requires = "reason")]
    baseline: bool,
    /// Why they are accepted
    #[arg(long, value_name = "TEXT", requires = "baseline")]
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
    Sarif,
    Junit,
}

impl Snapshot {
    pub(super) fn run(&self, color: Color) -> anyhow::Result<Ending> {
        let mut output = Output::new(color);
        match &self.command {
            Command::Check(check) => check.run(&mut output),
            Command::Review(review) => review.run(&mut output),
            Command::Accept(accept) => accept.run(&mut output),
        }
    }
}

/// What is to be looked at, and how.
struct Setting {
    gate: Gate,
    work: Work,
    places: Places,
    deny: Vec<Effect>,
}

impl Setting {
    fn look(&self, output: &mut Output) -> anyhow::Result<Look> {
        compare::look(&self.gate, &self.work, &self.places, &self.deny, output)
    }
}

impl Common {
    fn setting(&self, dir: Option<&Path>) -> anyhow::Result<Setting> {
        let config = self.making.config()?;
        let rules = self.form.or(config.form) == Some(Form::Rule);
        let (gate, work) = self.making.work(rules)?;
        if rules && work.targets().any(|target| work.packages_of(target).any(|package| package == Package::Kibana)) {
            let message =
                "rule files of the form kibana hold no comments and can not be snapshots; take detection-rule";
            return Err(Usage(message.to_owned()).into());
        }
        let here = |folder: &Path| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
        let home = config.folder.as_deref().map_or_else(|| PathBuf::from("."), here);
        let hunts = dir.map_or_else(|| home.clone(), Path::to_owned);
        if !hunts.is_dir() {
            return Err(
                Usage(format!("{} is no folder; snapshots are looked at by the folder", hunts.display())).into()
            );
        }
        let places = match &config.snapshots {
            None => Places { root: hunts.clone(), hunts, prefix: PathBuf::new(), apart: false },
            Some(root) => {
                let prefix = below(&home, &hunts).ok_or_else(|| {
                    Usage(format!(
                        "{} does not lie in the folder of huntgate.toml, which names `snapshots`",
                        hunts.display()
                    ))
                })?;
                Places { hunts, root: root.clone(), prefix: PathBuf::from(prefix), apart: true }
            }
        };
        let deny = if self.deny.is_empty() { config.deny.clone() } else { self.deny.clone() };
        Ok(Setting { gate, work, places, deny })
    }
}

impl Check {
    fn run(&self, output: &mut Output) -> anyhow::Result<Ending> {
        let setting = self.common.setting(self.dir.as_deref())?;
        let Look { review, .. } = setting.look(output)?;
        let human = match &self.output {
            Some(_) => crate::report::Human::new(false),
            None => output.human(),
        };
        let text = match self.format {
            Format::Text => review.text(&human),
            Format::Json => review.json()?,
            Format::Markdown => review.markdown(),
            Format::Sarif => review.sarif()?,
            Format::Junit => review.junit()?,
        };
        match &self.output {
            Some(path) => write_report(path, &text)?,
            None => output.results(&text)?,
        }
        if self.format == Format::Text {
            let hint = if review.items.iter().any(|item| item.status.code().is_some()) {
                "; look at them with `huntgate snapshot review`"
            } else {
                ""
            };
            output.remarks(&format!("{}{hint}\n", review.tally()));
        }
        Ok(if review.fails() { Ending::Failed } else { Ending::Answered })
    }
}

/// Writes a report, whole or not at all.
fn write_report(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| Usage(format!("--output {}: no file", path.display())))?;
    mirror::place(folder, Path::new(name), text)
        .map_err(|error| anyhow::anyhow!("--output {}: {error}", path.display()))
}

impl Review {
    fn run(&self, output: &mut Output) -> anyhow::Result<Ending> {
        let setting = self.common.setting(self.dir.as_deref())?;
        let look = setting.look(output)?;
        apply::review(&setting.places, &look, output, std::io::stdin().lock())
    }
}

impl Accept {
    fn run(&self, output: &mut Output) -> anyhow::Result<Ending> {
        let setting = self.common.setting(None)?;
        let look = setting.look(output)?;
        match &self.reason {
            Some(reason) => apply::baseline(&setting, &look, reason, &self.paths, output),
            None => apply::accept(&setting.places, &look, &self.paths, output),
        }
    }
}
