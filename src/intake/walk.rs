//! Finding the files: named paths, and what lies in named folders.
//!
//! Folders are walked recursively, in parallel, honouring ignore files. Hidden files and symbolic links in them are
//! skipped, so that no link leads out of the folder or around in a circle. A path that is named is always read.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{WalkBuilder, WalkState};

use super::{Kind, read};
use crate::diagnostic::Diagnostic;

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The path to open.
    pub path: PathBuf,
    /// The path as it is shown.
    pub shown: Arc<str>,
    /// The path by which outputs mirror it: relative, made of plain names only.
    pub relative: PathBuf,
    /// Whether the file was named, rather than found in a folder.
    pub explicit: bool,
    /// Its size in bytes, as far as it is known.
    pub size: u64,
    /// Set where the path can not be read.
    pub failure: Option<Diagnostic>,
}

/// The files of the paths: in the order of the paths, and sorted within each folder. A file comes only once.
///
/// `exclude` is a folder that is not walked: where outputs are written.
pub fn gather(paths: &[PathBuf], exclude: Option<&Path>) -> Vec<Input> {
    let exclude = exclude.and_then(|path| path.canonicalize().ok());
    let alone = paths.len() == 1;
    let mut inputs = Vec::new();
    for path in paths {
        match std::fs::metadata(path) {
            Err(error) => inputs.push(Input::new(path, mirrored(path), true, 0, Some(read::unreadable(&error)))),
            Ok(data) if data.is_dir() => inputs.extend(walk(path, alone, exclude.as_deref())),
            Ok(data) => {
                let relative = if alone { path.file_name().map(PathBuf::from) } else { None };
                inputs.push(Input::new(path, relative.unwrap_or_else(|| mirrored(path)), true, data.len(), None));
            }
        }
    }
    let mut seen = HashSet::new();
    inputs.retain(|input| seen.insert(input.path.clone()));
    inputs
}

impl Input {
    fn new(path: &Path, relative: PathBuf, explicit: bool, size: u64, failure: Option<Diagnostic>) -> Self {
        let shown = path.strip_prefix(".").ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(path);
        let shown = shown.to_string_lossy();
        let shown = if cfg!(windows) { shown.replace('\\', "/").into() } else { Arc::from(shown) };
        Self { path: path.to_owned(), shown, relative, explicit, size, failure }
    }
}

/// The plain names of a path: no root, no drive, no `.`; a step up is written out as a name.
fn mirrored(path: &Path) -> PathBuf {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(Path::new(name)),
            Component::ParentDir => Some(Path::new("_up")),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
        })
        .collect()
}

fn walk(root: &Path, alone: bool, exclude: Option<&Path>) -> Vec<Input> {
    let found = Mutex::new(Vec::new());
    let excluded = exclude.map(Path::to_owned);
    let own_root = root.canonicalize().ok();
    WalkBuilder::new(root)
        .require_git(false)
        .follow_links(false)
        .filter_entry(move |entry| {
            let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
            let is_excluded =
                || excluded.is_some() && entry.path().canonicalize().ok() == excluded && excluded != own_root;
            !(is_dir && entry.depth() > 0 && is_excluded())
        })
        .build_parallel()
        .run(|| {
            Box::new(|entry| {
                let input = match entry {
                    Ok(entry) => {
                        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                        if !is_file || Kind::of_path(entry.path()).is_none() {
                            return WalkState::Continue;
                        }
                        let path = entry.path();
                        let size = entry.metadata().map_or(0, |data| data.len());
                        Input::new(path, below(root, path, alone), false, size, None)
                    }
                    Err(error) => {
                        let path = path_of(&error).unwrap_or(root).to_owned();
                        let diagnostic = match error.io_error() {
                            Some(error) => read::unreadable(error),
                            None => read::unreadable(&std::io::Error::other(error.to_string())),
                        };
                        Input::new(&path, below(root, &path, alone), false, 0, Some(diagnostic))
                    }
                };
                found.lock().unwrap_or_else(PoisonError::into_inner).push(input);
                WalkState::Continue
            })
        });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by(|one, two| one.path.cmp(&two.path));
    found
}

/// The mirrored path of what was found below `root`: without `root` itself if it is the only path of the run.
fn below(root: &Path, path: &Path, alone: bool) -> PathBuf {
    if alone { mirrored(path.strip_prefix(root).unwrap_or(path)) } else { mirrored(path) }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrored_paths_hold_plain_names_only() {
        assert_eq!(mirrored(Path::new("/a/../b/./c")), Path::new("a/_up/b/c"));
        assert_eq!(mirrored(Path::new("../x")), Path::new("_up/x"));
    }

    #[test]
    fn folders_are_walked_in_order_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("b/c")).unwrap();
        for name in ["b/c/2.kql", "b/1.md", "a.yaml", "x.png", ".hidden.kql", "skip.kql", "bare"] {
            std::fs::write(at(name), "T").unwrap();
        }
        std::fs::write(at(".ignore"), "skip.kql\n").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path(), at("b/loop")).unwrap();
        let inputs = gather(&[folder.path().to_owned()], None);
        let names: Vec<_> = inputs.iter().map(|input| input.relative.to_string_lossy().replace('\\', "/")).collect();
        assert_eq!(names, ["a.yaml", "b/1.md", "b/c/2.kql", "bare"]);
        let inputs = gather(&[folder.path().to_owned()], Some(&at("b")));
        assert_eq!(inputs.len(), 2);
        assert_eq!(gather(&[at("none.kql"), at("none.kql")], None).len(), 1);
    }
}
