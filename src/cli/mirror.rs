//! `--out DIR`: one file per hunt and target in a tree that mirrors the inputs, written whole or not at all.
//!
//! Nothing is written outside of DIR: paths are made of plain names only, and a folder in DIR that is a symbolic link
//! is not followed.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::package::Package;
use crate::target::Target;

/// What the name of a file begins with that waits to be put into place, and how many letters follow.
const PREFIX: &str = ".huntgate-";
const RANDOM: usize = 6;

/// What is to be said of a file that stands in a folder of its own.
pub(super) const ASIDE: &str =
    "another hunt has a rule of this name, so this one stands in a folder of its own; give one of them another name";

/// The folder that results are written to.
pub(super) struct Mirror {
    root: PathBuf,
    written: HashSet<PathBuf>,
}

impl Mirror {
    /// Opens the folder, and makes it where there is none.
    pub(super) fn open(root: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(root).with_context(|| format!("--out {}", root.display()))?;
        let root = root.canonicalize().with_context(|| format!("--out {}", root.display()))?;
        Ok(Self { root, written: HashSet::new() })
    }

    /// Whether an output was written to the path.
    pub(super) fn holds(&self, relative: &Path) -> bool {
        self.written.contains(relative)
    }

    /// Writes an output to a path below the folder.
    pub(super) fn write(&mut self, relative: &Path, text: &str) -> anyhow::Result<()> {
        if !self.written.insert(relative.to_owned()) {
            bail!("{} is not written: two hunts have this name; convert their folders one by one", relative.display());
        }
        place(&self.root, relative, text).with_context(|| format!("{} is not written", relative.display()))
    }
}

/// Writes a text to a path below a folder, whole or not at all; folders on the way are made.
pub(super) fn place(root: &Path, relative: &Path, text: &str) -> anyhow::Result<()> {
    let mut folder = root.to_owned();
    let mut names = relative.components().peekable();
    while let Some(component) = names.next() {
        let Component::Normal(name) = component else { bail!("not a plain name") };
        folder.push(name);
        if names.peek().is_none() {
            break;
        }
        match std::fs::create_dir(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        if !std::fs::symlink_metadata(&folder)?.is_dir() {
            bail!("{} is a link or a file, not a folder", folder.display());
        }
    }
    let path = folder;
    let parent = path.parent().context("no folder")?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).rand_bytes(RANDOM);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file: the user's mask decides.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(parent)?;
    file.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        file.write_all(b"\n")?;
    }
    // Renaming replaces a link of this name and does not follow it.
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// Whether the name is one of a file that waits to be put into place.
pub(super) fn is_temporary(name: &OsStr) -> bool {
    let rest = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    rest.is_some_and(|rest| rest.len() == RANDOM && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The extension of a query.
pub(super) const fn query_extension(target: Target) -> &'static str {
    match target {
        Target::Splunk => "spl",
        Target::Eql => "eql",
        Target::Esql => "esql",
        Target::Sigma => "yml",
    }
}

/// A folder beside the outputs of a hunt that no other hunt's files lie in.
pub(super) fn own_folder(relative: &Path, index: Option<usize>) -> PathBuf {
    let index = index.map(|index| format!("{index}.")).unwrap_or_default();
    named(relative, None, &format!("{index}d"))
}

/// The extension of a rule file. A form that several languages have says which of them it holds, so that no two meet.
pub(super) fn rule_extension(package: Package, target: Target) -> Cow<'static, str> {
    let languages = Target::ALL.iter().filter(|target| Package::of(**target).contains(&package)).count();
    let extension = package.extension();
    if languages > 1 { format!("{}.{extension}", target.name()).into() } else { extension.into() }
}

/// The name of an output: that of the input, the hunt's index where there are several, an extension.
pub(super) fn named(relative: &Path, index: Option<usize>, extension: &str) -> PathBuf {
    let mut name = relative.file_name().map_or_else(|| OsString::from("hunt"), OsString::from);
    if let Some(index) = index {
        name.push(format!(".{index}"));
    }
    name.push(".");
    name.push(extension);
    relative.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_the_inputs_extension_so_that_no_two_meet() {
        assert_eq!(named(Path::new("a/b.kql"), None, "spl"), Path::new("a/b.kql.spl"));
        assert_eq!(named(Path::new("b.md"), Some(2), "yml"), Path::new("b.md.2.yml"));
        let mut all: Vec<_> = Target::ALL
            .iter()
            .flat_map(|target| Package::of(*target).iter().map(|package| rule_extension(*package, *target)))
            .collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "{all:?}");
    }

    #[test]
    fn nothing_leaves_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let mut mirror = Mirror::open(folder.path()).unwrap();
        assert!(mirror.write(Path::new("../x"), "q").is_err());
        assert!(mirror.write(Path::new("/x"), "q").is_err());
        assert!(mirror.write(Path::new("a/x"), "q").is_ok());
        assert!(mirror.write(Path::new("a/x"), "q").is_err(), "twice");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
            assert!(mirror.write(Path::new("link/x"), "q").is_err());
            let target = outside.path().join("kept");
            std::fs::write(&target, "kept").unwrap();
            std::os::unix::fs::symlink(&target, folder.path().join("y.eql")).unwrap();
            assert!(mirror.write(Path::new("y.eql"), "q").is_ok());
            assert_eq!(std::fs::read_to_string(&target).unwrap(), "kept");
        }
        assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
    }
}
