//! `huntgate convert`: hunts to the targets' languages.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Ending;
use super::answer::{Answer, Made, answer};
use super::args::{Color, Making, Paths, Task};
use super::mirror::Mirror;
use super::output::Output;
use super::stream::{self, Unit};
use crate::diagnostic::Effect;
use crate::emit::Translation;
use crate::report::{self, ConvertLine, Human};

/// Convert hunts, each with a verdict and a note for each difference
///
/// One hunt for one target, piped: the query alone goes to standard output, the verdict and the notes to standard
/// error. Otherwise queries, verdicts and notes go to standard output.
#[derive(Debug, Args)]
pub(super) struct Convert {
    #[command(flatten)]
    paths: Paths,
    #[command(flatten)]
    making: Making,
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
    /// A rule file: --package says in which form
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

impl Convert {
    pub(super) fn run(&self, color: Color) -> anyhow::Result<Ending> {
        let paths = self.paths.get()?;
        let (gate, mut work) = self.making.work(self.form == Form::Rule)?;
        work.annotate = self.annotate;
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
            |unit| answer(&gate, unit, &work),
            |output, unit, answer| {
                if answer.unread || answer.made.iter().any(|one| self.denies(&one.translation)) {
                    ending = Ending::Failed;
                }
                let pipe = unit.alone && work.jobs.len() == 1 && self.out.is_none() && !output.is_terminal();
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
                for Made { task, translation, files } in &answer.made {
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
