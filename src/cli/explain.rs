//! `huntgate explain`: what a code means.

use anstyle::{Effects, Style};
use clap::Args;

use super::args::Color;
use super::output::Output;
use super::{Ending, Usage};
use crate::diagnostic::Code;

/// Explain a code, or list all codes
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The code, such as HG312
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(&self, color: Color) -> anyhow::Result<Ending> {
        let output = Output::new(color);
        let human = output.human();
        let bold = |text: &str| human.paint(Style::new().effects(Effects::BOLD), text);
        let Some(text) = &self.code else {
            let lines = Code::ALL.iter().map(|code| format!("{}  {}\n", bold(code.text()), code.explanation().title));
            output.results(&lines.collect::<String>())?;
            return Ok(Ending::Answered);
        };
        let code = Code::from_text(text)
            .ok_or_else(|| Usage(format!("`{text}` is no code; `huntgate explain` lists all codes")))?;
        let about = code.explanation();
        let mut text = format!("{}: {}\n", bold(code.text()), about.title);
        let parts = [
            ("What", about.what),
            ("When it matters", about.when),
            ("What to do", about.todo),
            ("Reference", about.reference),
        ];
        for (heading, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
            text.push_str(&format!("\n{}\n  {part}\n", bold(heading)));
        }
        output.results(&text)?;
        Ok(Ending::Answered)
    }
}
