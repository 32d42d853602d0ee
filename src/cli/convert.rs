//! `huntgate convert`: hunts to the targets' languages.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::answer::{Answer, Made, answer};
use super::args::{Color, Form, Making, Paths, effect};
use super::mirror::{self, Mirror};
use super::output::Output;
use super::stream::{self, Unit};
use super::{Ending, Usage};
use crate::diagnostic::Effect;
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
    /// What is written: a query (by default), or a rule file of the target
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<Form>,
    /// Write each query or rule file to a file of its own in this folder, in a tree that mirrors the input
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Text, or one JSON object a line
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exit with status 1 where a verdict or a note has one of these effects
    ///
    /// A note that a comment of the hunt or the baseline accepts does not count.
    #[arg(long, value_name = "EFFECT,...", value_delimiter = ',', value_parser = effect)]
    deny: Vec<Effect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Convert {
    pub(super) fn run(&self, color: Color) -> anyhow::Result<Ending> {
        let paths = self.paths.get()?;
        let config = self.making.config()?;
        let rules = self.form.or(config.form) == Some(Form::Rule);
        let deny = if self.deny.is_empty() { &config.deny } else { &self.deny };
        if rules && self.annotate {
            return Err(Usage("--annotate is for queries: a rule file holds its notes".to_owned()).into());
        }
        let (gate, mut work) = self.making.work(rules)?;
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
                if answer.unread || answer.made.iter().any(|one| one.has_effect(deny)) {
                    ending = Ending::Failed;
                }
                if !answer.faults.is_empty() {
                    let faults = answer.faults.iter().map(|one| remarks.diagnostic(&unit.page, one) + "\n");
                    output.remarks(&faults.collect::<String>());
                }
                let pipe = unit.alone
                    && work.jobs.len() == 1
                    && answer.made.iter().all(|made| made.files.len() <= 1)
                    && self.out.is_none()
                    && !output.is_terminal();
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
                for made in &answer.made {
                    let Made { task, translation, .. } = made;
                    verdicts[translation.verdict as usize] += 1;
                    if let Some(mirror) = &mut mirror {
                        for file in made.out_files(&unit, rules) {
                            let aside = file.aside.as_ref().filter(|_| mirror.holds(&file.path));
                            if let Some(aside) = aside {
                                let message = format!("warning: {}: {}\n", aside.display(), mirror::ASIDE);
                                output.remarks(&report::safe(&message));
                            }
                            if let Err(error) = mirror.write(aside.unwrap_or(&file.path), file.text) {
                                output.remarks(&format!("error: {}\n", report::safe(&format!("{error:#}"))));
                                ending = Ending::Failed;
                            }
                        }
                    }
                    match self.format {
                        Format::Json => output.results(&json(&unit, made, rules)?)?,
                        Format::Text if pipe => {
                            output.remarks(&remark(&remarks, &unit, made));
                            for file in made.out_files(&unit, rules) {
                                output.results(&format!("{}\n", file.text.trim_end_matches('\n')))?;
                            }
                        }
                        Format::Text if mirror.is_some() => output.results(&remark(&human, &unit, made))?,
                        Format::Text if rules => output.results(&whole_rules(&human, &unit, made))?,
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
}

fn json(unit: &Unit, made: &Made<'_>, rules: bool) -> anyhow::Result<String> {
    let Made { task, translation, files } = made;
    let line = ConvertLine::new(&unit.page, &unit.source, task.options.target, &task.schema, translation);
    let line = if rules { line.with_rules(&unit.page, files) } else { line };
    Ok(report::safe_json(serde_json::to_string(&line)?) + "\n")
}

/// The header and the notes, without the query, and the same of each rule file.
fn remark(human: &Human, unit: &Unit, made: &Made<'_>) -> String {
    let Made { task, translation, files } = made;
    let mut out = human.header(&unit.source, task.options.target, &task.schema, translation);
    out.push_str(&human.notes(&unit.page, translation));
    for (package, file) in files {
        out.push_str(&human.rule_header(*package, file));
        out.push_str(&human.rule_notes(&unit.page, file));
    }
    out
}

/// The translation's verdict and notes, then each rule file with what became of the rule's fields.
fn whole_rules(human: &Human, unit: &Unit, made: &Made<'_>) -> String {
    let Made { task, translation, files } = made;
    let mut out = human.header(&unit.source, task.options.target, &task.schema, translation);
    out.push_str(&human.notes(&unit.page, translation));
    for (package, file) in files {
        out.push('\n');
        out.push_str(&human.rule_header(*package, file));
        out.push_str(&human.rule_notes(&unit.page, file));
        if let Ok(file) = file {
            out.push_str(&format!("\n{}\n", report::safe(file.text.trim_end_matches('\n'))));
        }
    }
    out.push('\n');
    out
}

/// Why the hunt could not be read.
fn unread(human: &Human, unit: &Unit, answer: &Answer<'_>) -> String {
    let notes = answer.made.first().map(|one| one.translation.notes.as_slice()).unwrap_or_default();
    notes.iter().map(|note| human.diagnostic(&unit.page, note) + "\n").collect()
}
