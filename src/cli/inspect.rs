//! `huntgate inspect`: what a stage makes of a hunt, for those who work on huntgate.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Ending;
use super::args::{self, Color, Data, StyleArg};
use super::output::Output;
use super::stream::{self, Unit, fault_of};
use crate::Stage;
use crate::diagnostic::Diagnostic;
use crate::report::{self, Page};
use crate::source::Span;

/// Show what a stage makes of a hunt
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The file to read, or - for standard input
    file: PathBuf,
    /// The stage
    #[arg(long, value_enum)]
    stage: StageArg,
    /// The target, for the stage `fitted`
    #[arg(short, long, default_value = "splunk")]
    target: String,
    /// The target's schema
    #[arg(long, value_name = "NAME")]
    schema: Option<String>,
    #[command(flatten)]
    data: Data,
    /// How queries are written
    #[arg(long, value_enum, default_value_t = StyleArg::Exact)]
    style: StyleArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StageArg {
    /// The parser's raw pairs
    Pairs,
    /// What was written
    Ast,
    /// What it means
    Plan,
    /// What the target can say, with the ledger
    Fitted,
}

impl Inspect {
    pub(super) fn run(&self, color: Color) -> anyhow::Result<Ending> {
        let stage = match self.stage {
            StageArg::Pairs => Stage::Pairs,
            StageArg::Ast => Stage::Ast,
            StageArg::Plan => Stage::Plan,
            StageArg::Fitted => Stage::Fitted,
        };
        let gate = self.data.gate()?;
        let schemas: Vec<String> = self.schema.iter().cloned().collect();
        let task = args::task(&gate, args::target(&self.target)?, &schemas, self.style.into(), None)?;
        let mut output = Output::new(color);
        let remarks = output.human_remarks();
        let mut ending = Ending::Answered;
        let paths = [self.file.clone()];
        let paths = (self.file.as_os_str() != "-").then_some(paths.as_slice());
        let work = |unit: &Unit| -> Result<String, Vec<Diagnostic>> {
            let Some(hunt) = &unit.hunt else { return Err(unit.about_file.clone()) };
            super::guard::guarded(|| gate.inspect(&hunt.text, stage, &task.options))
                .unwrap_or_else(|fault| Err(vec![fault_of(Span::new(0, hunt.text.len() as u32), &fault)]))
                .map_err(|all| all.into_iter().map(|one| Page::located(one, &hunt.origin)).collect())
        };
        stream::each(&gate, paths, None, &mut output, work, |output, unit, result| {
            match result {
                Ok(text) => {
                    if unit.several {
                        output.results(&format!("// {}#{}\n", report::safe(&unit.source.path), unit.source.index))?;
                    }
                    output.results(&format!("{}\n", report::safe(text.trim_end())))?;
                }
                Err(diagnostics) => {
                    ending = Ending::Failed;
                    for one in &diagnostics {
                        output.remarks(&remarks.diagnostic(&unit.page, one));
                    }
                }
            }
            Ok(())
        })?;
        Ok(ending)
    }
}
