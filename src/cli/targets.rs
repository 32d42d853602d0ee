//! `huntgate targets`: the languages that are written, and the schemas of each.

use clap::Args;

use super::Ending;
use super::args::{Color, Data};
use super::output::Output;
use crate::target::Target;

/// List the targets and their schemas
#[derive(Debug, Args)]
pub(super) struct Targets {
    #[command(flatten)]
    data: Data,
}

impl Targets {
    pub(super) fn run(&self, color: Color) -> anyhow::Result<Ending> {
        let gate = self.data.gate()?;
        let mut text = String::new();
        for target in Target::ALL {
            let versions =
                gate.versions(target)?.map(|known| format!(", versions {} to {}", known.oldest, known.newest));
            text.push_str(&format!("{:<8} {}{}\n", target.name(), target.title(), versions.unwrap_or_default()));
            for schema in gate.schemas(target)? {
                let default = if schema.is_default { " (default)" } else { "" };
                text.push_str(&format!("  {:<12} {}{default}: {}\n", schema.name, schema.title, schema.description));
            }
        }
        Output::new(color).results(&text)?;
        Ok(Ending::Answered)
    }
}
