//! From a path or standard input to hunts: reading, decoding, and cutting queries out of what holds them.
//!
//! [`walk`] finds the files, [`decode`] makes text of bytes, [`kind`] tells what a file is, and `text`, `page`,
//! `markdown` and `yaml` cut the hunts out of it. This room does not know KQL's grammar: `look` judges by a few
//! surface marks only, and dividing a text into several queries is done with a function that the caller gives.

pub mod decode;
mod header;
mod json;
pub mod kind;
mod look;
mod markdown;
mod metadata;
mod page;
mod read;
mod text;
mod values;
pub mod walk;
mod yaml;

use std::sync::Arc;

use crate::about::About;
use crate::diagnostic::Diagnostic;
use crate::source::{Origin, Span};

pub use kind::Kind;
pub use read::{MAX_FILE_BYTES, read_input, read_stdin};
pub use walk::{Input, gather};

/// What the first line of a snapshot says behind the mark of its comment. Snapshots lie beside hunts and are none.
pub const SNAPSHOT_MARK: &str = "huntgate snapshot ";

/// Where a hunt comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file as it is shown, with `/` between folders; `-` is standard input.
    pub path: Arc<str>,
    /// Which of the file's hunts it is, from 0.
    pub index: usize,
    /// The hunt's name: from the rule, the heading above it, or the file's name.
    pub name: Option<String>,
    /// The rule's identifier, where the file gives one.
    pub id: Option<String>,
}

/// One query with its place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunt {
    /// Where it comes from.
    pub source: Source,
    /// What the file says of it; its name and id as in `source`.
    pub about: About,
    /// The text of the query.
    pub text: String,
    /// Maps places of `text` to places of the document's text.
    pub origin: Origin,
    /// Whether the text may hold several queries. A rule's `query:` never does.
    pub divisible: bool,
}

/// A file that was read: its text, its hunts, and what is to be said about the file itself.
///
/// All places are byte offsets into `text`. That is the file byte for byte, a byte order mark included, except for
/// UTF-16 files: there it is the decoded text without its mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The file as it is shown.
    pub path: Arc<str>,
    /// Its text; what was readable of it where it is not text.
    pub text: String,
    /// The hunts, in the order of the file.
    pub hunts: Vec<Hunt>,
    /// Errors and warnings about the file; their spans refer to `text`.
    pub diagnostics: Vec<Diagnostic>,
}

impl Document {
    /// A file of which nothing could be read.
    pub fn failed(path: Arc<str>, diagnostic: Diagnostic) -> Self {
        Self { path, text: String::new(), hunts: Vec::new(), diagnostics: vec![diagnostic] }
    }

    /// Divides the hunts that hold several queries; `split` gives the place of each query in a text.
    ///
    /// Hunts are numbered anew, from 0 in the order of the file.
    pub fn divide(&mut self, split: impl Fn(&str) -> Vec<Span>) {
        let hunts = std::mem::take(&mut self.hunts);
        for mut hunt in hunts {
            let parts = if hunt.divisible { split(&hunt.text) } else { Vec::new() };
            if parts.len() < 2 {
                hunt.read_header();
                self.hunts.push(hunt);
                continue;
            }
            let parts_len = parts.len();
            self.hunts.extend(parts.into_iter().map(|span| Hunt {
                source: hunt.source.clone(),
                about: hunt.about.clone(),
                text: span.slice(&hunt.text).to_owned(),
                origin: hunt.origin.part(span.start, span.len() as u32),
                divisible: false,
            }));
            let first = self.hunts.len() - parts_len;
            self.hunts.iter_mut().skip(first).for_each(Hunt::read_header_of_part);
        }
        for (index, hunt) in self.hunts.iter_mut().enumerate() {
            hunt.source.index = index;
        }
    }
}

impl Hunt {
    /// Takes what the comments before the query say of it, where its text is all there is.
    fn read_header(&mut self) {
        if self.divisible {
            self.read_header_of_part();
        }
    }

    fn read_header_of_part(&mut self) {
        header::take(&mut self.about, &self.text, &self.origin);
        self.source.name.clone_from(&self.about.name);
        self.source.id.clone_from(&self.about.id);
    }
}

/// A query that was cut out of a file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cut {
    text: String,
    origin: Origin,
    about: About,
    divisible: bool,
}

/// What was found in a file.
#[derive(Debug, Default)]
struct Found {
    cuts: Vec<Cut>,
    diagnostics: Vec<Diagnostic>,
}
