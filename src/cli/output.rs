//! Standard output and standard error: colour, buffering, a progress bar that does not get in the way.

use std::io::{IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::Color;
use crate::report::Human;

/// From how many files on a run shows its progress.
const LONG_RUN: usize = 200;

/// Where results go.
pub(super) struct Output {
    color: Color,
    bar: ProgressBar,
}

impl Output {
    /// Output without a progress bar.
    pub(super) fn new(color: Color) -> Self {
        Self { color, bar: ProgressBar::hidden() }
    }

    /// Shows progress from now on, if the run is long and someone watches.
    pub(super) fn expect(&mut self, files: usize) {
        if files > LONG_RUN && std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} files {eta}");
            self.bar = ProgressBar::with_draw_target(Some(files as u64), ProgressDrawTarget::stderr());
            if let Ok(style) = style {
                self.bar.set_style(style);
            }
        }
    }

    /// So many more files are done.
    pub(super) fn advance(&self, files: usize) {
        self.bar.inc(files as u64);
    }

    /// Takes the progress bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Writes to standard output.
    pub(super) fn results(&self, text: &str) -> std::io::Result<()> {
        let write = || {
            let mut stream = std::io::stdout().lock();
            stream.write_all(text.as_bytes())?;
            stream.flush()
        };
        // Only what shares the terminal with the bar has to go around it, and that is slow.
        if self.is_terminal() { self.bar.suspend(write) } else { write() }
    }

    /// Writes to standard error. If that fails there is no one to tell.
    pub(super) fn remarks(&self, text: &str) {
        self.bar.suspend(|| {
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
        });
    }

    /// Whether standard output is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        std::io::stdout().is_terminal()
    }

    /// The writer of text for standard output.
    pub(super) fn human(&self) -> Human {
        Human::new(self.wants_color(AutoStream::choice(&std::io::stdout())))
    }

    /// The writer of text for standard error.
    pub(super) fn human_remarks(&self) -> Human {
        Human::new(self.wants_color(AutoStream::choice(&std::io::stderr())))
    }

    fn wants_color(&self, usual: ColorChoice) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => usual != ColorChoice::Never,
        }
    }
}
