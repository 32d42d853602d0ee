//! The journal of a run that is not done: what it is about to write, with checksums, before it is written.
//!
//! The manifest comes last, so a run that is killed leaves files of which the manifest says nothing. The next run finds them in
//! the journal, and knows that no hand changed them. A line is written before the file that it speaks of is put into place, so
//! a line that is cut off speaks of a file that is not there. When the manifest is in place the journal is deleted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::cli::mirror;

/// Its name in the output folder.
pub(super) const NAME: &str = "huntgate-journal.jsonl";
/// A longer journal is read so far.
const MAX_BYTES: u64 = 1 << 30;

/// Paths and the checksums of all that was written there since the manifest.
pub(super) type Entries = BTreeMap<String, Vec<String>>;

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    path: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    sha256: std::borrow::Cow<'a, str>,
}

/// An open journal.
pub(super) struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens the journal and gives what an earlier run left in it.
    pub(super) fn open(root: &Path) -> anyhow::Result<(Self, Entries)> {
        let path = root.join(NAME);
        let text = match std::fs::symlink_metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
            Ok(data) if !data.is_file() => bail!("{} is a link or a folder", path.display()),
            Ok(_) => {
                let mut bytes = Vec::new();
                File::open(&path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        let (kept, entries) = parse(&text);
        // A journal that was cut off begins anew with its whole lines, in a file of its own.
        mirror::place(root, Path::new(NAME), &kept)?;
        let file = File::options().append(true).open(&path)?;
        Ok((Self { file, path }, entries))
    }

    /// Says that these files are about to be written.
    pub(super) fn announce<'e>(&mut self, files: impl Iterator<Item = (&'e str, &'e str)>) -> anyhow::Result<()> {
        let mut text = String::new();
        for (path, sha256) in files {
            text.push_str(&serde_json::to_string(&Line { path: path.into(), sha256: sha256.into() })?);
            text.push('\n');
        }
        self.file.write_all(text.as_bytes()).with_context(|| format!("{} is not written", self.path.display()))
    }

    /// The run is done: the manifest says everything.
    pub(super) fn close(self) -> anyhow::Result<()> {
        std::fs::remove_file(&self.path).with_context(|| format!("{} is not deleted", self.path.display()))
    }
}

/// The whole lines of a journal, and what they say.
fn parse(text: &str) -> (String, Entries) {
    let (mut kept, mut entries) = (String::new(), Entries::new());
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        if let Ok(Line { path, sha256 }) = serde_json::from_str(line) {
            entries.entry(path.into_owned()).or_default().push(sha256.into_owned());
            kept.push_str(line);
        }
    }
    (kept, entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, entries) = Journal::open(folder.path()).unwrap();
        assert!(entries.is_empty());
        journal.announce([("a\n\"b", "1"), ("c", "2"), ("c", "3")].into_iter()).unwrap();
        drop(journal);
        let path = folder.path().join(NAME);
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.trim_start();
        let first = text.lines().next().unwrap();
        for cut in 0..=text.len() {
            let (kept, entries) = parse(&text[..cut]);
            assert_eq!(kept.is_empty(), cut <= first.len(), "{cut}");
            assert_eq!(entries.values().map(Vec::len).sum::<usize>(), kept.lines().count(), "{cut}");
        }
        std::fs::write(&path, &text[..text.len() - 3]).unwrap();
        let (mut journal, entries) = Journal::open(folder.path()).unwrap();
        assert_eq!(entries.get("c").map(Vec::len), Some(1));
        journal.announce([("d", "4")].into_iter()).unwrap();
        assert_eq!(parse(&std::fs::read_to_string(&path).unwrap()).1.len(), 3);
        journal.close().unwrap();
        assert!(!path.exists());
    }
}
