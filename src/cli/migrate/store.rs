//! The output folder: which of its files are huntgate's own, and how they are written, kept and removed.
//!
//! A file is huntgate's own while its bytes are those that the earlier manifest or the journal knows. Only such files are
//! replaced or removed. Nothing outside of the folder is touched: paths are made of plain names, and a folder that is a symbolic
//! link is not entered.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::journal::{self, Journal};
use super::manifest;
use crate::cli::mirror;
use crate::report::migration::{Left, Written};

/// Files that wait to be written, and their bytes, at most.
const PENDING_FILES: usize = 256;
const PENDING_BYTES: usize = 8 * 1024 * 1024;

/// A file that a hunt makes, and what lies in its place. It is made where hunts are worked on in parallel.
pub(super) struct Wanted {
    path: String,
    aside: Option<PathBuf>,
    text: String,
    sha256: String,
    there: There,
}

/// What lies in the place of a file.
#[derive(Debug, PartialEq, Eq)]
enum There {
    /// Nothing.
    Nothing,
    /// A file of these bytes.
    Same,
    /// A file with this checksum.
    Other(String),
    /// No plain file.
    Odd,
}

/// What becomes of a file that a hunt makes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has these bytes, or will have.
    Written(Written),
    /// It was changed by hand and is kept; the checksum is that of what huntgate wrote there, if it did.
    Kept { path: String, sha256: Option<String> },
    /// The same in a folder of its own, for another hunt has a file of its name.
    Aside(Written),
    /// Another hunt has a file of this name.
    Taken { path: String },
}

/// How many files a run wrote, found as they should be, and removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) written: usize,
    pub(super) same: usize,
    pub(super) removed: usize,
}

/// The output folder.
pub(super) struct Store {
    root: PathBuf,
    force: bool,
    earlier: BTreeMap<String, String>,
    begun: journal::Entries,
    journal: Journal,
    made: BTreeSet<String>,
    pending: Vec<Wanted>,
    pending_bytes: usize,
    pub(super) tally: Tally,
    /// Why files could not be written.
    pub(super) failed: Vec<String>,
}

/// The checksum of a file: SHA-256, in the form that `sha256sum` prints.
pub(super) fn checksum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(digest: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

impl Wanted {
    /// A file of this text below `root`; `aside` is where it goes if its place is taken. Its path is written with `/`, and a name that is no Unicode with marks in its place.
    pub(super) fn new(root: &Path, relative: &Path, aside: Option<PathBuf>, text: &str) -> anyhow::Result<Self> {
        let names: Vec<_> = relative.components().map(|name| name.as_os_str().to_string_lossy()).collect();
        let path = names.join("/");
        let mut text = text.to_owned();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let there = look(root, &path, Some(text.as_bytes()))?;
        Ok(Self { sha256: checksum(text.as_bytes()), path, aside, text, there })
    }
}

/// The place of a path below the folder; `None` where a folder on the way is not there.
fn locate(root: &Path, path: &str) -> anyhow::Result<Option<PathBuf>> {
    let mut place = root.to_owned();
    let mut names = Path::new(path).components().peekable();
    if names.peek().is_none() {
        bail!("no name");
    }
    while let Some(component) = names.next() {
        let Component::Normal(name) = component else { bail!("not a plain name") };
        place.push(name);
        if names.peek().is_none() {
            break;
        }
        match std::fs::symlink_metadata(&place) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
            Ok(data) if !data.is_dir() => bail!("{} is a link or a file, not a folder", place.display()),
            Ok(_) => {}
        }
    }
    Ok(Some(place))
}

/// What lies at a path below the folder, beside what should lie there.
fn look(root: &Path, path: &str, wanted: Option<&[u8]>) -> anyhow::Result<There> {
    let Some(place) = locate(root, path)? else { return Ok(There::Nothing) };
    match std::fs::symlink_metadata(&place) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(There::Nothing),
        Err(error) => return Err(error.into()),
        Ok(data) if !data.is_file() => return Ok(There::Odd),
        Ok(_) => {}
    }
    // Read piece by piece: nobody says how long it is.
    let (mut file, mut hasher, mut piece) = (File::open(&place)?, Sha256::new(), vec![0; 64 * 1024]);
    let (mut same, mut rest) = (wanted.is_some(), wanted.unwrap_or_default());
    loop {
        let count = match file.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else { break };
        hasher.update(read);
        match rest.strip_prefix(read) {
            Some(behind) => rest = behind,
            None => same = false,
        }
    }
    Ok(if same && rest.is_empty() { There::Same } else { There::Other(hex(&hasher.finalize())) })
}

impl Store {
    /// Opens the folder, takes over what an earlier run began, and sweeps up what it left half done. `reserved` are the names
    /// that no hunt's file may have.
    pub(super) fn open(root: PathBuf, force: bool, reserved: &[&str]) -> anyhow::Result<Self> {
        let earlier = match manifest::read(&root) {
            Ok(earlier) => earlier,
            Err(_) if force => manifest::Earlier::default(),
            Err(error) => return Err(error.context("--force writes a new one")),
        };
        let (journal, begun) = Journal::open(&root)?;
        let own = [manifest::NAME, journal::NAME];
        let store = Self {
            made: own.iter().chain(reserved).map(|name| (*name).to_owned()).collect(),
            root,
            force,
            earlier: earlier.files,
            begun,
            journal,
            pending: Vec::new(),
            pending_bytes: 0,
            tally: Tally::default(),
            failed: Vec::new(),
        };
        store.sweep();
        Ok(store)
    }

    /// Removes the files that a killed run was about to put into place. They lie beside the files that it speaks of.
    fn sweep(&self) {
        let known = self.earlier.keys().chain(self.begun.keys());
        let folders: BTreeSet<&str> =
            known.map(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder)).collect();
        for folder in folders.into_iter().chain([""]) {
            let beside = format!("{folder}/x");
            let Ok(Some(place)) = locate(&self.root, beside.trim_start_matches('/')) else { continue };
            let Some(Ok(entries)) = place.parent().map(std::fs::read_dir) else { continue };
            for entry in entries.flatten() {
                let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
                if is_file && mirror::is_temporary(&entry.file_name()) {
                    // What can not be removed harms nobody.
                    let _ = std::fs::remove_file(entry.path());
                }
            }
        }
    }

    /// Whether huntgate wrote what lies there.
    fn is_own(&self, path: &str, sha256: &str) -> bool {
        self.earlier.get(path).is_some_and(|known| known == sha256)
            || self.begun.get(path).is_some_and(|known| known.iter().any(|known| known == sha256))
    }

    /// Decides what becomes of a file; it is written with others.
    pub(super) fn take(&mut self, wanted: Wanted) -> anyhow::Result<Fate> {
        let path = wanted.path.clone();
        if self.made.insert(path.clone()) {
            return self.decide(wanted, path);
        }
        let Some(aside) = wanted.aside else { return Ok(Fate::Taken { path }) };
        let wanted = match Wanted::new(&self.root, &aside, None, &wanted.text) {
            Ok(wanted) => wanted,
            Err(error) => {
                self.failed.push(format!("{} is not written: {error:#}", aside.display()));
                return Ok(Fate::Taken { path });
            }
        };
        Ok(match self.take(wanted)? {
            Fate::Written(written) => Fate::Aside(written),
            other @ (Fate::Kept { .. } | Fate::Aside(_) | Fate::Taken { .. }) => other,
        })
    }

    /// The same for a file of a reserved name.
    pub(super) fn take_reserved(&mut self, name: &str, text: &str) -> anyhow::Result<Fate> {
        let wanted = Wanted::new(&self.root, Path::new(name), None, text)?;
        self.decide(wanted, name.to_owned())
    }

    fn decide(&mut self, wanted: Wanted, path: String) -> anyhow::Result<Fate> {
        let may_replace = match &wanted.there {
            There::Nothing | There::Same => true,
            There::Other(sha256) => self.force || self.is_own(&path, sha256),
            There::Odd => self.force,
        };
        if !may_replace {
            return Ok(Fate::Kept { sha256: self.earlier.get(&path).cloned(), path });
        }
        let fate = Fate::Written(Written { path, sha256: wanted.sha256.clone() });
        if wanted.there == There::Same {
            self.tally.same += 1;
        } else {
            self.pending_bytes += wanted.text.len();
            self.pending.push(wanted);
            if self.pending_bytes > PENDING_BYTES || self.pending.len() >= PENDING_FILES {
                self.flush()?;
            }
        }
        Ok(fate)
    }

    /// Writes what waits: first the journal says so, then each file is put into place whole.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        if pending.is_empty() {
            return Ok(());
        }
        self.journal.announce(pending.iter().map(|wanted| (wanted.path.as_str(), wanted.sha256.as_str())))?;
        let place = |wanted: &Wanted| {
            let done = mirror::place(&self.root, Path::new(&wanted.path), &wanted.text);
            done.err().map(|error| format!("{} is not written: {error:#}", wanted.path))
        };
        let failed: Vec<String> = pending.par_iter().filter_map(place).collect();
        self.tally.written += pending.len() - failed.len();
        self.failed.extend(failed);
        Ok(())
    }

    /// Removes what an earlier run made and no hunt makes any more, and gives what must stay: files that were changed by hand,
    /// and all of them where `removing` is not set.
    pub(super) fn clear(&mut self, removing: bool) -> anyhow::Result<Vec<Left>> {
        let paths: BTreeSet<&String> = self.earlier.keys().chain(self.begun.keys()).collect();
        let mut left = Vec::new();
        let mut removed = 0;
        for path in paths.into_iter().filter(|path| !self.made.contains(*path)) {
            let sha256 = match look(&self.root, path, None) {
                Ok(There::Nothing) => continue,
                Ok(There::Other(sha256)) if self.is_own(path, &sha256) => sha256,
                // What can not be looked at is not huntgate's to remove.
                Ok(There::Other(_) | There::Same | There::Odd) | Err(_) => {
                    if let Some(sha256) = self.earlier.get(path) {
                        left.push(Left { path: path.clone(), sha256: sha256.clone(), edited: true });
                    }
                    continue;
                }
            };
            if !removing {
                left.push(Left { path: path.clone(), sha256, edited: false });
                continue;
            }
            let Some(place) = locate(&self.root, path)? else { continue };
            std::fs::remove_file(&place).with_context(|| format!("{path} is not removed"))?;
            removed += 1;
            // Folders that are empty now go with it; others can not be removed, which is right.
            let mut folder = place.parent();
            while let Some(it) = folder.filter(|it| *it != self.root && it.starts_with(&self.root)) {
                if std::fs::remove_dir(it).is_err() {
                    break;
                }
                folder = it.parent();
            }
        }
        self.tally.removed += removed;
        Ok(left)
    }

    /// Ends the run: the manifest last, then the journal goes.
    pub(super) fn close(self, text: &str) -> anyhow::Result<()> {
        if look(&self.root, manifest::NAME, Some(text.as_bytes()))? != There::Same {
            mirror::place(&self.root, Path::new(manifest::NAME), text)
                .with_context(|| format!("{} is not written", manifest::NAME))?;
        }
        self.journal.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(store: &mut Store, path: &str, text: &str) -> Fate {
        let wanted = Wanted::new(&store.root, Path::new(path), None, text).unwrap();
        let fate = store.take(wanted).unwrap();
        store.flush().unwrap();
        fate
    }

    #[test]
    fn a_checksum_is_what_others_call_it() {
        assert_eq!(checksum(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn own_files_are_replaced_and_others_kept() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::write(root.join("foreign"), "mine\n").unwrap();
        let open = |force| Store::open(root.clone(), force, &["r"]).unwrap();
        let mut store = open(false);
        assert!(matches!(written(&mut store, "d/a", "1"), Fate::Written(_)));
        assert!(matches!(written(&mut store, "d/a", "2"), Fate::Taken { .. }));
        assert!(matches!(written(&mut store, "r", "2"), Fate::Taken { .. }));
        assert!(matches!(written(&mut store, "foreign", "2"), Fate::Kept { sha256: None, .. }));
        assert!(Wanted::new(&root, Path::new("../x"), None, "2").is_err());
        drop(store);
        // The run was killed here: the journal knows whose file that is.
        std::fs::write(root.join("d/.huntgate-abcDE1"), "half").unwrap();
        std::fs::write(root.join("d/.huntgate-notes"), "mine").unwrap();
        let mut store = open(false);
        assert!(!root.join("d/.huntgate-abcDE1").exists() && root.join("d/.huntgate-notes").exists());
        assert!(matches!(written(&mut store, "d/a", "2"), Fate::Written(_)));
        drop(store);
        std::fs::write(root.join("d/a"), "by hand").unwrap();
        assert!(matches!(written(&mut open(false), "d/a", "3"), Fate::Kept { .. }));
        assert!(matches!(written(&mut open(true), "d/a", "3"), Fate::Written(_)));
        assert_eq!(std::fs::read_to_string(root.join("d/a")).unwrap(), "3\n");
        let mut store = open(false);
        assert_eq!(store.clear(false).unwrap().len(), 1);
        assert!(store.clear(true).unwrap().is_empty());
        assert_eq!(store.tally.removed, 1);
        assert!(!root.join("d/a").exists() && root.join("d/.huntgate-notes").exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_neither_followed_nor_replaced() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = folder.path().canonicalize().unwrap();
        std::fs::write(outside.path().join("a"), "1\n").unwrap();
        std::os::unix::fs::symlink(outside.path(), root.join("d")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("a"), root.join("f")).unwrap();
        let mut store = Store::open(root.clone(), false, &[]).unwrap();
        assert!(Wanted::new(&root, Path::new("d/a"), None, "1").is_err());
        assert!(matches!(written(&mut store, "f", "1"), Fate::Kept { .. }));
        // A manifest that names what lies behind a link gives no right to it.
        store.earlier.insert("d/a".to_owned(), checksum(b"1\n"));
        store.earlier.insert("../a".to_owned(), checksum(b"1\n"));
        assert_eq!(store.clear(true).unwrap().len(), 2);
        assert!(outside.path().join("a").exists());
        drop(store);
        assert!(!root.join(manifest::NAME).exists());
        std::os::unix::fs::symlink(outside.path().join("a"), root.join(manifest::NAME)).unwrap();
        assert!(Store::open(root.clone(), false, &[]).is_err());
    }
}
