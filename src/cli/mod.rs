//! The command line: arguments in, results out, an exit status.
//!
//! One file per command. Streams are written here and nowhere else, through `output::Output`; how a result reads is
//! for `report`, what it is for the front door.

mod answer;
mod args;
mod check;
mod completions;
mod config;
mod convert;
mod explain;
mod fields;
mod guard;
mod inspect;
mod migrate;
mod mirror;
mod output;
mod schema;
mod snapshot;
mod stream;
mod targets;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report;
use args::Color;

/// Reads KQL hunts (Microsoft Sentinel, Defender XDR) and writes the same hunts as Splunk SPL, Elastic EQL, Elastic
/// ES|QL and Sigma, each with a verdict on its faithfulness and a note for each difference.
#[derive(Debug, Parser)]
#[command(name = "huntgate", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true)]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Convert(convert::Convert),
    Migrate(migrate::Migrate),
    Check(check::Check),
    Snapshot(snapshot::Snapshot),
    Inspect(inspect::Inspect),
    Explain(explain::Explain),
    Targets(targets::Targets),
    Fields(fields::Fields),
    Schema(schema::Schema),
    Completions(completions::Completions),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Every hunt was answered.
    Answered,
    /// A hunt could not be read, a denied effect occurred, or a file could not be written.
    Failed,
}

/// Wrong usage that clap can not see.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Runs the command that the process was started with.
///
/// The exit status is 0 if every hunt was answered, 1 if one could not be read, a denied effect occurred or a result
/// could not be written, 2 for wrong usage.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output with status 0; nothing can be done if that fails.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    guard::install();
    let color = cli.color;
    let result = match cli.command {
        Command::Convert(command) => command.run(color),
        Command::Migrate(command) => command.run(color),
        Command::Check(command) => command.run(color),
        Command::Snapshot(command) => command.run(color),
        Command::Inspect(command) => command.run(color),
        Command::Explain(command) => command.run(color),
        Command::Targets(command) => command.run(color),
        Command::Fields(command) => command.run(color),
        Command::Schema(command) => command.run(color),
        Command::Completions(command) => command.run(color),
    };
    match result {
        Ok(Ending::Answered) => ExitCode::SUCCESS,
        Ok(Ending::Failed) => ExitCode::from(1),
        // Whoever read the results has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {}", report::safe(&format!("{error:#}")));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
