//! `huntgate migrate`: a tree of rules to a tree of rule files, with a manifest and a report.
//!
//! A run can be killed at any moment and run again: every file is whole or not there, and what the killed run wrote is known
//! from its journal. The order is: journal, files, what no hunt makes any more is removed, reports, manifest.

mod journal;
mod manifest;
mod rows;
mod store;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::answer::answer;
use super::args::{Color, Form, Making, effect};
use super::output::Output;
use super::{Ending, Usage, stream};
use crate::diagnostic::Effect;
use crate::report;
use crate::report::migration::{self, MANIFEST_FORM, Migration, Summary, Written};
use rows::{Outcome, outcome, settle};
use store::{Fate, Store, Tally};

/// The report's names in the output folder.
const REPORTS: [&str; 2] = ["report.md", "report.html"];

/// Migrate folders of rules: a rule file for each rule and target, a manifest and a report
///
/// The tree of the inputs is mirrored in the output folder, which then holds what this run makes: files of an earlier run
/// that no hunt makes any more are removed. Files that were changed by hand are kept and named, unless --force is given. A
/// run that was stopped is completed by running it again.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Folders and files to read
    #[arg(value_name = "DIR", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    making: Making,
    /// The folder that everything is written to
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// What is written: a rule file of the target (by default), or a query
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<Form>,
    /// Overwrite files that were changed by hand
    #[arg(long)]
    force: bool,
    /// Exit with status 1 where a verdict or a note has one of these effects
    ///
    /// A note that a comment of the hunt or the baseline accepts does not count.
    #[arg(long, value_name = "EFFECT,...", value_delimiter = ',', value_parser = effect)]
    deny: Vec<Effect>,
}

impl Migrate {
    pub(super) fn run(&self, color: Color) -> anyhow::Result<Ending> {
        let config = self.making.config()?;
        let rules = self.form.or(config.form).unwrap_or(Form::Rule) == Form::Rule;
        let deny = if self.deny.is_empty() { &config.deny } else { &self.deny };
        let (gate, work) = self.making.work(rules)?;
        let root = self.root()?;
        let mut store = Store::open(root.clone(), self.force, &REPORTS)?;
        let mut output = Output::new(color);
        let mut it = Migration {
            form: MANIFEST_FORM,
            huntgate: env!("CARGO_PKG_VERSION"),
            made: if rules { "rule" } else { "query" },
            hunts: Vec::new(),
            files: Vec::new(),
            reports: Vec::new(),
            left: Vec::new(),
        };
        let mut ending = Ending::Answered;
        let mut all_read = true;
        stream::each(
            &gate,
            Some(&self.paths),
            Some(&self.out),
            &mut output,
            |unit| outcome(&root, unit, &answer(&gate, unit, &work), &work, deny),
            |output, _, outcome| {
                let done = match outcome {
                    Outcome::Hunt(done) => *done,
                    Outcome::File { row, failed } => {
                        for remark in &row.remarks {
                            let message = format!("{}: {}", row.path, remark.message);
                            say(output, if failed { "error" } else { "warning" }, &message);
                        }
                        if failed {
                            ending = Ending::Failed;
                            all_read = false;
                        }
                        it.files.push(row);
                        return Ok(());
                    }
                };
                let mut row = done.row;
                if !row.read || done.denied {
                    ending = Ending::Failed;
                }
                for (target, place, wanted) in done.files {
                    let wanted = match wanted {
                        Ok(wanted) => wanted,
                        Err(error) => {
                            store.failed.push(format!("the files of {} are not written: {error:#}", row.path));
                            continue;
                        }
                    };
                    let fate = store.take(wanted)?;
                    let rows = row.targets.get_mut(target).and_then(|row| row.outputs.get_mut(place));
                    if let Some((failed, said)) = rows.and_then(|row| settle(row, fate)) {
                        say(output, if failed { "error" } else { "warning" }, &said);
                        if failed {
                            ending = Ending::Failed;
                        }
                    }
                }
                it.hunts.push(row);
                Ok(())
            },
        )?;
        store.flush()?;
        if !store.failed.is_empty() {
            // The manifest stays that of the last run that was done, and the journal says what was written since.
            store.failed.iter().for_each(|failed| say(&output, "error", failed));
            let message = "not everything was written, so there is no new manifest; mend this and run it again";
            say(&output, "error", message);
            return Ok(Ending::Failed);
        }
        // Where not everything was read, or nothing, it is not known what no hunt makes any more.
        it.left = store.clear(all_read && !it.hunts.is_empty())?;
        for left in it.left.iter().filter(|left| left.edited) {
            let message = format!("`{}` is made by no hunt any more; it was changed by hand and is kept", left.path);
            say(&output, "error", &message);
            ending = Ending::Failed;
        }
        if !reports(&mut it, &mut store, &output)? {
            ending = Ending::Failed;
        }
        let tally = store.tally;
        store.close(&manifest::write(&it)?)?;
        output.results(&self.summary(&it, tally))?;
        Ok(ending)
    }

    /// What is said at the end: how many of which verdict, how many files, and where the report is.
    fn summary(&self, it: &Migration, tally: Tally) -> String {
        let mut text = String::new();
        for one in &Summary::new(it).counts {
            let form = one.package.map(|package| format!(" as {package}")).unwrap_or_default();
            text.push_str(&format!("{}{form}: {}\n", one.target, report::tally(&one.verdicts)));
        }
        let Tally { written, same, removed } = tally;
        let place = self.out.join("report.html").display().to_string();
        let (hunts, place) = (it.hunts.len(), report::safe(&place));
        text + &format!("{hunts} hunts; files: {written} written, {same} unchanged, {removed} removed; see {place}\n")
    }

    /// The output folder, which is made where there is none. No input may lie in it: outputs would be read as hunts.
    fn root(&self) -> anyhow::Result<PathBuf> {
        let named = || format!("--out {}", self.out.display());
        std::fs::create_dir_all(&self.out).with_context(named)?;
        let root = self.out.canonicalize().with_context(named)?;
        let is_inside = |path: &&PathBuf| path.canonicalize().is_ok_and(|path: PathBuf| path.starts_with(&root));
        if let Some(path) = self.paths.iter().find(is_inside) {
            let (path, out) = (path.display(), self.out.display());
            return Err(Usage(format!("{path} lies in --out {out}: what is written would be read as hunts")).into());
        }
        if self.paths.iter().any(|path| path == Path::new("-")) {
            return Err(Usage("migrate reads folders and files, not standard input".to_owned()).into());
        }
        Ok(root)
    }
}

/// Writes the reports. Returns whether each could be.
fn reports(it: &mut Migration, store: &mut Store, output: &Output) -> anyhow::Result<bool> {
    let mut all = true;
    for (name, text) in REPORTS.into_iter().zip([migration::markdown, migration::html]) {
        match store.take_reserved(name, &text(it, manifest::NAME))? {
            Fate::Written(written) => it.reports.push(written),
            Fate::Kept { path, sha256 } => {
                say(output, "error", &format!("`{path}` is not what was written there, and is kept"));
                it.reports.extend(sha256.map(|sha256| Written { path, sha256 }));
                all = false;
            }
            // A reserved name is nobody else's.
            Fate::Aside(_) | Fate::Taken { .. } => {}
        }
    }
    store.flush()?;
    match store.failed.first() {
        Some(failed) => bail!("{failed}"),
        None => Ok(all),
    }
}

fn say(output: &Output, level: &str, message: &str) {
    output.remarks(&format!("{level}: {}\n", report::safe(&message.replace('\n', " "))));
}
