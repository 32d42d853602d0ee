//! `huntgate schema`: the JSON Schema of the JSON output.

use clap::Args;

use super::Ending;
use super::args::Color;
use super::output::Output;
use crate::report;

/// Print the JSON Schema of a line of `convert --format json` and `check --format json`
#[derive(Debug, Args)]
pub(super) struct Schema {}

impl Schema {
    pub(super) fn run(&self, color: Color) -> anyhow::Result<Ending> {
        let text = serde_json::to_string_pretty(&report::schema_document())?;
        Output::new(color).results(&(text + "\n"))?;
        Ok(Ending::Answered)
    }
}
