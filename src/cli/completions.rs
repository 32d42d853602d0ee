//! `huntgate completions`: completions for a shell.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::args::Color;
use super::output::Output;
use super::{Cli, Ending};

/// Print completions for a shell
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, color: Color) -> anyhow::Result<Ending> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "huntgate", &mut script);
        Output::new(color).results(&String::from_utf8_lossy(&script))?;
        Ok(Ending::Answered)
    }
}
