//! `huntgate convert`: hunts to the targets' languages.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{self, Ask, Color, Data, Paths, StyleArg, Task};
use super::guard::guarded;
use super::mirror::Mirror;
use super::output::Output;
use super::stream::{self, Unit, fault_of};
use super::{Ending, Usage};
use crate::Gate;
use crate::diagnostic::{Diagnostic, Effect};
use crate::emit::Translation;
use crate::report::{self, ConvertLine, Human, Page};
use crate::source::Span;
use crate::target::{Target, Version};

/// Convert hunts, each with a verdict and a note for each difference
///
/// One hunt for one target, piped: the query alone goes to standard output, the verdict and the notes to standard
/// error. Otherwise queries, verdicts and notes go to standard output.
#[derive(Debug, Args)]
pub(super) struct Convert {
    #[command(flatten)]
    paths: Paths,
    /// Targets, comma separated: splunk, eql, esql, sigma, elastic (the better one of eql and esql), all
    #[arg(short, long, value_name = "TARGET,...", value_delimiter = ',', required = true)]
    target: Vec<String>,
    /// How the site's data is named in the target: NAME, or TARGET=NAME for one of several targets
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    schema: Vec<String>,
    /// The version of Elastic that queries are for, such as 8.19; by default the newest that the data knows
    #[arg(long, value_name = "VERSION")]
    target_version: Option<Version>,
    #[command(flatten)]
    data: Data,
    /// How queries are written
    #[arg(long, value_enum, default_value_t = StyleArg::Exact)]
    style: StyleArg,
    /// Write the verdict and the notes into each query, as comments
    #[arg(long)]
    annotate: bool,
    /// What is written: a query, or a rule file of the target
    #[arg(long = "as", value_enum, default_value_t = Form::Query, value_name = "FORM")]
    form: Form,
    /// Write each query to a file in this folder, in a tree that mirrors the input
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Text, or one JSON object a line
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exit with status 1 where a verdict or a note has one of these effects
    #[arg(long, value_name = "EFFECT,...", value_delimiter = ',', value_parser = effect)]
    deny: Vec<Effect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The query
    Query,
    /// A rule file; in this version for sigma only
    Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn effect(name: &str) -> Result<Effect, String> {
    Effect::ALL
        .into_iter()
        .find(|effect| effect.name().eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("the effects are {}", Effect::ALL.map(Effect::name).join(", ")))
}

/// What to do for a hunt.
enum Job {
    /// One language.
    One(Task),
    /// EQL or ES|QL, whichever is more faithful.
    Better { eql: Task, esql: Task },
}

/// A translation and the task that it is the answer to.
struct Made<'t> {
    task: &'t Task,
    translation: Translation,
}

/// What came of one hunt: a translation for each job, and whether the hunt could not be read.
struct Answer<'t> {
    unread: bool,
    made: Vec<Made<'t>>,
}

impl Answer<'_> {
    /// Whether the hunt could not be read at all, so that every target has the same notes; counts the refusals.
    fn unread_notes(&self, verdicts: &mut [usize; 6]) -> bool {
        let all_refused = self.made.iter().all(|one| one.translation.verdict == Effect::Refused);
        let same = self.made.windows(2).all(|pair| {
            pair.first().map(|one| &one.translation.notes) == pair.last().map(|one| &one.translation.notes)
        });
        let said_once = self.unread && all_refused && same;
        if said_once {
            verdicts[Effect::Refused as usize] += self.made.len();
        }
        said_once
    }
}

impl Convert {
    pub(super) fn run(&self, color: Color) -> anyhow::Result<Ending> {
        let targets = args::targets(&self.target)?;
        if self.form == Form::Rule
            && let Some(target) = targets.iter().find(|ask| **ask != Ask::One(Target::Sigma))
        {
            let message = format!(
                "--as rule: this version writes rule files for sigma only, where a translation is a rule; {} gets queries",
                target.name()
            );
            return Err(Usage(message).into());
        }
        if let (Some(version), false) = (self.target_version, targets.iter().any(|ask| ask.is_elastic())) {
            let message =
                format!("--target-version {version} is for eql, esql and elastic, of which none is asked for");
            return Err(Usage(message).into());
        }
        let paths = self.paths.get()?;
        let gate = self.data.gate()?;
        let task = |target| args::task(&gate, target, &self.schema, self.style.into(), self.target_version);
        let jobs: Vec<Job> = targets
            .iter()
            .map(|ask| match ask {
                Ask::One(target) => task(*target).map(Job::One),
                Ask::Elastic => Ok(Job::Better { eql: task(Target::Eql)?, esql: task(Target::Esql)? }),
            })
            .collect::<anyhow::Result<_>>()?;
        let mut mirror = self.out.as_deref().map(Mirror::open).transpose()?;
        let mut output = Output::new(color);
        let (human, remarks) = (output.human(), output.human_remarks());
        let mut ending = Ending::Answered;
        let mut verdicts = [0usize; 6];
        let hunts = stream::each(
            &gate,
            paths,
            self.out.as_deref(),
            &mut output,
            |unit| answer(&gate, unit, &jobs, self.annotate),
            |output, unit, answer| {
                if answer.unread || answer.made.iter().any(|one| self.denies(&one.translation)) {
                    ending = Ending::Failed;
                }
                let pipe = unit.alone && jobs.len() == 1 && self.out.is_none() && !output.is_terminal();
                // What could not be read is said once, not for each target.
                if self.format == Format::Text && answer.unread_notes(&mut verdicts) {
                    let human = if pipe { &remarks } else { &human };
                    let text = unread(human, &unit, &answer);
                    if pipe {
                        output.remarks(&text);
                    } else {
                        output.results(&text)?;
                    }
                    return Ok(());
                }
                for Made { task, translation } in &answer.made {
                    verdicts[translation.verdict as usize] += 1;
                    if let (Some(mirror), Some(query)) = (&mut mirror, &translation.query) {
                        let index = unit.several.then_some(unit.source.index);
                        if let Err(error) = mirror.write(&unit.relative, index, task.options.target, query) {
                            output.remarks(&format!("error: {}\n", report::safe(&format!("{error:#}"))));
                            ending = Ending::Failed;
                        }
                    }
                    match self.format {
                        Format::Json => output.results(&json(&unit, task, translation)?)?,
                        Format::Text if pipe => {
                            output.remarks(&remark(&remarks, &unit, task, translation));
                            if let Some(query) = &translation.query {
                                output.results(&format!("{}\n", query.trim_end_matches('\n')))?;
                            }
                        }
                        Format::Text if mirror.is_some() => {
                            output.results(&remark(&human, &unit, task, translation))?;
                        }
                        Format::Text => {
                            let target = task.options.target;
                            let text = human.translation(&unit.page, &unit.source, target, &task.schema, translation);
                            output.results(&text)?;
                        }
                    }
                }
                Ok(())
            },
        )?;
        if self.format == Format::Text && hunts > 1 {
            output.remarks(&format!("{hunts} hunts: {}\n", report::tally(&verdicts)));
        }
        Ok(ending)
    }

    fn denies(&self, translation: &Translation) -> bool {
        self.deny.iter().any(|denied| {
            translation.verdict == *denied
                || (*denied != Effect::Exact && translation.notes.iter().any(|note| note.effect == Some(*denied)))
        })
    }
}

fn json(unit: &Unit, task: &Task, translation: &Translation) -> anyhow::Result<String> {
    let line = ConvertLine::new(&unit.page, &unit.source, task.options.target, &task.schema, translation);
    Ok(report::safe_json(serde_json::to_string(&line)?) + "\n")
}

/// The header and the notes, without the query.
fn remark(human: &Human, unit: &Unit, task: &Task, translation: &Translation) -> String {
    let header = human.header(&unit.source, task.options.target, &task.schema, translation);
    header + &human.notes(&unit.page, translation)
}

/// Why the hunt could not be read.
fn unread(human: &Human, unit: &Unit, answer: &Answer<'_>) -> String {
    let notes = answer.made.first().map(|one| one.translation.notes.as_slice()).unwrap_or_default();
    notes.iter().map(|note| human.diagnostic(&unit.page, note) + "\n").collect()
}

/// Translates the hunt for each job. All places of the notes are those of the file.
fn answer<'t>(gate: &Gate, unit: &Unit, jobs: &'t [Job], annotate: bool) -> Answer<'t> {
    let refused = |notes: Vec<Diagnostic>| {
        let made = jobs.iter().map(|job| Made { task: job.plain(), translation: Translation::refused(notes.clone()) });
        Answer { unread: true, made: made.collect() }
    };
    let Some(hunt) = &unit.hunt else { return refused(unit.about_file.clone()) };
    let located = |one: Diagnostic| Page::located(one, &hunt.origin);
    let everything = || located(fault_of(Span::new(0, hunt.text.len() as u32), ""));
    let resolved = match guarded(|| gate.resolve(&hunt.text)) {
        Ok(resolved) => resolved,
        Err(fault) => return refused(vec![fault_of(everything().span, &fault)]),
    };
    if resolved.plan.is_none() {
        let unread = resolved.diagnostics.iter().any(Diagnostic::hinders_reading);
        let mut notes = unit.about_file.clone();
        notes.extend(resolved.diagnostics.into_iter().map(located));
        return Answer { unread, ..refused(notes) };
    }
    let text = hunt.text.as_str();
    let translate = |job: &'t Job| match job {
        Job::One(task) => (task, gate.translate(text, &hunt.about, &resolved, &task.options)),
        Job::Better { eql, esql } => {
            let (target, translation) =
                gate.translate_elastic(text, &hunt.about, &resolved, &eql.options, &esql.options);
            (if target == Target::Eql { eql } else { esql }, translation)
        }
    };
    let mut unread = false;
    let mut made: Vec<Made<'t>> = Vec::with_capacity(jobs.len());
    for job in jobs {
        let (task, translation) = guarded(|| translate(job)).unwrap_or_else(|fault| {
            unread = true;
            (job.plain(), Translation::refused(vec![fault_of(Span::new(0, text.len() as u32), &fault)]))
        });
        made.push(Made { task, translation });
    }
    let is_asked = |target: Target| jobs.iter().any(|job| matches!(job, Job::One(it) if it.options.target == target));
    let known: Vec<(&str, Effect)> = made
        .iter()
        .filter(|one| one.task.options.target == Target::Esql)
        .map(|one| (one.task.schema.as_str(), one.translation.verdict))
        .collect();
    for Made { task, translation } in &mut made {
        if task.options.target == Target::Eql && is_asked(Target::Eql) {
            let esql = known.iter().find(|(schema, _)| *schema == task.schema).map(|(_, verdict)| *verdict);
            // A fault in looking at the other language leaves this one as it is.
            let _ = guarded(|| gate.advise(text, &resolved, &task.options, esql, translation));
        }
        translation.notes = std::mem::take(&mut translation.notes).into_iter().map(located).collect();
        translation.notes.splice(0..0, unit.about_file.iter().cloned());
        if annotate {
            translation.annotate(task.options.target);
        }
    }
    Answer { unread, made }
}

impl Job {
    /// The task that an answer without a translation is shown with.
    fn plain(&self) -> &Task {
        match self {
            Self::One(task) | Self::Better { esql: task, .. } => task,
        }
    }
}
