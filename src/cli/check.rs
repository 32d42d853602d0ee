//! `huntgate check`: whether hunts can be read, and what is to be said about them.

use clap::{Args, ValueEnum};

use super::Ending;
use super::answer::{Work, answer};
use super::args::{Color, Data, Form, Making, Paths};
use super::config::ConfigArgs;
use super::guard::guarded;
use super::output::Output;
use super::stream::{self, Unit, fault_of};
use crate::Gate;
use crate::accept::Allowances;
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::report::{self, CheckLine, Page, Sarif};
use crate::source::Span;

/// Check hunts: report what can not be read and what looks wrong
///
/// Where huntgate.toml names targets, comments that allow notes which no target has are reported, too.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    paths: Paths,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    config: ConfigArgs,
    /// Text, one JSON object a line, or a SARIF 2.1.0 log
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
}

impl Check {
    pub(super) fn run(&self, color: Color) -> anyhow::Result<Ending> {
        let paths = self.paths.get()?;
        let config = self.config.load()?;
        let (gate, work) = if config.targets.is_empty() {
            (self.data.gate_over(&config.fields)?, None)
        } else {
            let rules = config.form == Some(Form::Rule);
            let (gate, work) = Making::configured(config, self.data.clone()).work(rules)?;
            (gate, Some(work))
        };
        let mut output = Output::new(color);
        let human = output.human();
        let mut unread = 0usize;
        let mut first = true;
        if self.format == Format::Sarif {
            output.results(&Sarif::begin()?)?;
        }
        let hunts = stream::each(
            &gate,
            paths,
            None,
            &mut output,
            |unit| diagnostics(&gate, unit, work.as_ref()),
            |output, unit, diagnostics| {
                unread += usize::from(diagnostics.iter().any(|one| one.hinders_reading()));
                let mut text = String::new();
                match self.format {
                    Format::Text => {
                        text.extend(diagnostics.iter().map(|one| human.diagnostic(&unit.page, one) + "\n"));
                    }
                    Format::Json => {
                        let line = CheckLine::new(&unit.page, &unit.source, &diagnostics);
                        text = report::safe_json(serde_json::to_string(&line)?) + "\n";
                    }
                    Format::Sarif => {
                        for one in &diagnostics {
                            text.push_str(if std::mem::take(&mut first) { "\n" } else { ",\n" });
                            text.push_str(&Sarif::result(&unit.page, one)?);
                        }
                    }
                }
                if !text.is_empty() {
                    output.results(&text)?;
                }
                Ok(())
            },
        )?;
        match self.format {
            Format::Text => {
                let answer = if unread == 0 { "all read".to_owned() } else { format!("{unread} not read") };
                output.remarks(&format!("{hunts} {}: {answer}\n", if hunts == 1 { "hunt" } else { "hunts" }));
            }
            Format::Json => {}
            Format::Sarif => output.results(&format!("{}\n", Sarif::END))?,
        }
        Ok(if unread == 0 { Ending::Answered } else { Ending::Failed })
    }
}

/// What is to be said of a hunt, with places of the file.
fn diagnostics(gate: &Gate, unit: &Unit, work: Option<&Work>) -> Vec<Diagnostic> {
    let mut all = unit.about_file.clone();
    if let Some(hunt) = &unit.hunt {
        let ignored = hunt.about.unread.iter();
        all.extend(ignored.map(|one| Diagnostic::note(Code::RuleKeyUnread, Effect::Exact, one.span, one.to_string())));
        let found = guarded(|| gate.resolve(&hunt.text).diagnostics)
            .unwrap_or_else(|fault| vec![fault_of(Span::new(0, hunt.text.len() as u32), &fault)]);
        all.extend(found.into_iter().map(|one| Page::located(one, &hunt.origin)));
        let allowances = Allowances::read(&hunt.text, &hunt.origin);
        // Only where something is allowed it has to be known what the targets say.
        if let (Some(work), false) = (work, allowances.is_empty()) {
            all.extend(answer(gate, unit, work).unused);
        }
        all.extend(allowances.faults);
    }
    all
}
