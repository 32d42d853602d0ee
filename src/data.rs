//! Files of data, embedded in the binary or read from a folder: finding them, reading them, and errors with a line.
//!
//! What the files mean is for the rooms that own them (`vocabulary`, `target`). This file imports nothing of the crate.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// A file of data that can not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {message}", position(*line, *column))]
pub struct DataError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1, where the fault has a place.
    pub line: Option<usize>,
    /// The column in characters, from 1, where the fault has a place.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
}

fn position(line: Option<usize>, column: Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!(":{line}:{column}"),
        (Some(line), None) => format!(":{line}"),
        (None, _) => String::new(),
    }
}

impl DataError {
    /// A fault of a whole file.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, column: None, message: message.into() }
    }
}

/// Reads TOML.
///
/// # Errors
/// The text is not TOML, or not of the form of `T`; the error has the line.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, DataError> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        DataError {
            file: file.to_owned(),
            line: before.map(|before| before.matches('\n').count() + 1),
            column: before.map(|before| before.chars().rev().take_while(|c| *c != '\n').count() + 1),
            message: error.message().replace('\n', ", "),
        }
    })
}

/// A file of TOML tables `[name]` that are parsed one by one, when they are asked for.
///
/// A header is a line of its own with a bare name, and nothing but comments stands before the first; a list that is
/// broken over lines does not begin a line with `[`. What breaks these rules is an error, not another meaning.
#[derive(Clone, Debug)]
pub struct Sections {
    file: String,
    text: Cow<'static, str>,
    sections: Vec<Section>,
}

#[derive(Clone, Debug)]
struct Section {
    name: Range<usize>,
    body: Range<usize>,
    line: usize,
}

impl Sections {
    /// Finds the tables of a file.
    ///
    /// # Errors
    /// A header is malformed or there twice; the error has the line.
    pub fn split(file: String, text: Cow<'static, str>) -> Result<Self, DataError> {
        let (mut sections, mut start) = (Vec::<Section>::new(), 0);
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let end = start + line.len();
            let fault = |message: &str| {
                Err(DataError {
                    line: Some(index + 1),
                    ..DataError::of_file(&file, format!("{message}: `{}`", line.trim()))
                })
            };
            if line.starts_with('[') {
                let name = line.trim_end().strip_prefix('[').and_then(|line| line.strip_suffix(']'));
                let bare = |name: &&str| {
                    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-')
                };
                let Some(name) = name.filter(bare) else { return fault("not a table header") };
                sections.push(Section { name: start + 1..start + 1 + name.len(), body: end..end, line: index + 1 });
            } else if let Some(section) = sections.last_mut() {
                section.body.end = end;
            } else if !(line.trim().is_empty() || line.starts_with('#')) {
                return fault("before the first table header");
            }
            start = end;
        }
        sections.sort_by(|one, two| text[one.name.clone()].cmp(&text[two.name.clone()]));
        for (one, two) in sections.iter().zip(sections.iter().skip(1)) {
            let name = &text[two.name.clone()];
            if text[one.name.clone()] == *name {
                let line = Some(one.line.max(two.line));
                return Err(DataError { line, ..DataError::of_file(file, format!("`{name}` is there twice")) });
            }
        }
        Ok(Self { file, text, sections })
    }

    /// How many tables there are.
    pub fn len(&self) -> usize {
        self.sections.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// The names of the tables, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| &self.text[section.name.clone()])
    }

    /// The place of a name among the sorted names.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.sections.binary_search_by(|section| self.text[section.name.clone()].cmp(name)).ok()
    }

    /// The text below a header, by its place among the sorted names; empty beyond the last.
    pub fn body(&self, index: usize) -> &str {
        self.sections.get(index).map_or("", |section| &self.text[section.body.clone()])
    }

    /// Parses a table, by its place among the sorted names.
    ///
    /// # Errors
    /// The table is not of the form of `T`; the error has the line in the file.
    pub fn parse<T: DeserializeOwned>(&self, index: usize) -> Result<T, DataError> {
        parse(&self.file, self.body(index)).map_err(|error| {
            let above = self.sections.get(index).map_or(0, |section| section.line);
            DataError { line: error.line.map(|line| line + above), ..error }
        })
    }

    /// A fault of a table as a whole: the line is that of its header.
    pub fn fault(&self, index: usize, message: impl Into<String>) -> DataError {
        let line = self.sections.get(index).map(|section| section.line);
        DataError { line, ..DataError::of_file(&self.file, message) }
    }
}

/// A tree of data files.
#[derive(Clone, Debug)]
pub enum Files {
    /// In the binary.
    Embedded(Embedded),
    /// In a folder on disk.
    Folder(PathBuf),
}

/// How an embedded tree is read.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// What the tree is called in messages.
    pub root: &'static str,
    /// The bytes of a file, by its path within the tree.
    pub get: fn(&str) -> Option<Cow<'static, [u8]>>,
    /// The paths of all files.
    pub names: fn() -> Vec<Cow<'static, str>>,
}

impl Files {
    /// The text of a file, by its path within the tree with `/`; `None` where there is no such file.
    ///
    /// # Errors
    /// The file can not be read, or is not UTF-8.
    pub fn read(&self, path: &str) -> Result<Option<Cow<'static, str>>, DataError> {
        match self {
            Self::Embedded(embedded) => match (embedded.get)(path) {
                None => Ok(None),
                Some(Cow::Borrowed(bytes)) => std::str::from_utf8(bytes)
                    .map(|text| Some(Cow::Borrowed(text)))
                    .map_err(|error| DataError::of_file(self.name(path), error.to_string())),
                Some(Cow::Owned(bytes)) => String::from_utf8(bytes)
                    .map(|text| Some(Cow::Owned(text)))
                    .map_err(|error| DataError::of_file(self.name(path), error.to_string())),
            },
            Self::Folder(folder) => match std::fs::read_to_string(folder.join(path)) {
                Ok(text) => Ok(Some(Cow::Owned(text))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(DataError::of_file(self.name(path), error.to_string())),
            },
        }
    }

    /// The text of a file that must be there.
    ///
    /// # Errors
    /// There is no such file, it can not be read, or it is not UTF-8.
    pub fn require(&self, path: &str) -> Result<Cow<'static, str>, DataError> {
        self.read(path)?.ok_or_else(|| DataError::of_file(self.name(path), "there is no such file"))
    }

    /// Reads a file of TOML that must be there.
    ///
    /// # Errors
    /// There is no such file, it can not be read, or it is not of the form of `T`.
    pub fn load<T: DeserializeOwned>(&self, path: &str) -> Result<T, DataError> {
        parse(&self.name(path), &self.require(path)?)
    }

    /// The names, less `.toml`, of the TOML files that lie directly in a folder, sorted.
    ///
    /// # Errors
    /// The folder can not be read.
    pub fn stems(&self, folder: &str) -> Result<Vec<String>, DataError> {
        let mut stems: Vec<String> = match self {
            Self::Embedded(embedded) => (embedded.names)()
                .iter()
                .filter_map(|name| name.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".toml"))
                .filter(|stem| !stem.contains('/'))
                .map(str::to_owned)
                .collect(),
            Self::Folder(root) => self
                .entries(&root.join(folder))?
                .iter()
                .filter_map(|name| name.strip_suffix(".toml"))
                .map(str::to_owned)
                .collect(),
        };
        stems.sort_unstable();
        Ok(stems)
    }

    /// The names of the folders that lie directly in a folder, sorted.
    ///
    /// # Errors
    /// The folder can not be read.
    pub fn folders(&self, folder: &str) -> Result<Vec<String>, DataError> {
        let mut folders: Vec<String> = match self {
            Self::Embedded(embedded) => (embedded.names)()
                .iter()
                .filter_map(|name| name.strip_prefix(folder)?.strip_prefix('/')?.split_once('/'))
                .map(|(first, _)| first.to_owned())
                .collect(),
            Self::Folder(root) => {
                let folder = root.join(folder);
                self.entries(&folder)?.into_iter().filter(|name| folder.join(name).is_dir()).collect()
            }
        };
        folders.sort_unstable();
        folders.dedup();
        Ok(folders)
    }

    /// What a file of the tree is called in messages.
    pub fn name(&self, path: &str) -> String {
        match self {
            Self::Embedded(embedded) => format!("{}/{path}", embedded.root),
            Self::Folder(folder) => folder.join(path).display().to_string(),
        }
    }

    fn entries(&self, folder: &Path) -> Result<Vec<String>, DataError> {
        let fault = |error: std::io::Error| DataError::of_file(folder.display().to_string(), error.to_string());
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(fault)? {
            if let Ok(name) = entry.map_err(fault)?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }
}

/// Candidates that a name is compared with at most, so that a long hunt of unknown names stays linear.
const MAX_CANDIDATES: usize = 400;

/// The candidate that a name was probably meant to be: the same but for case, or a few letters away.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 4).clamp(1, 3);
    let lower = name.to_lowercase();
    candidates
        .take(MAX_CANDIDATES)
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, candidate)| (*distance, *candidate != name, *candidate))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_its_place() {
        let error = parse::<std::collections::BTreeMap<String, u8>>("f.toml", "a = 1\nb = \"x\"\n").unwrap_err();
        assert_eq!((error.line, error.column), (Some(2), Some(5)));
        assert!(error.to_string().starts_with("f.toml:2:5: "), "{error}");
    }

    #[test]
    fn tables_are_parsed_one_by_one() {
        let split = |text: &'static str| Sections::split("f.toml".to_owned(), Cow::Borrowed(text));
        let sections = split("# head\n\n[b]\nx = 1\n[a]\ny = 2\nz = \"?\"\n").unwrap();
        assert_eq!(sections.names().collect::<Vec<_>>(), ["a", "b"]);
        type Row = std::collections::BTreeMap<String, u8>;
        assert_eq!(sections.parse::<Row>(1).unwrap()["x"], 1);
        assert_eq!(sections.parse::<Row>(0).unwrap_err().line, Some(7));
        assert_eq!((sections.position("b"), sections.position("c")), (Some(1), None));
        for (line, text) in [(1, "x = 1\n"), (1, "[[a]]\n"), (2, "[a]\n[a.b]\n"), (3, "[a]\n\n[a]\n"), (1, "[\"a\"]\n")]
        {
            assert_eq!(split(text).unwrap_err().line, Some(line), "{text}");
        }
    }

    #[test]
    fn the_nearest_name_is_a_few_letters_away() {
        let names = ["DeviceProcessEvents", "DeviceFileEvents", "SigninLogs"];
        assert_eq!(nearest("deviceprocessevents", names.into_iter()), Some("DeviceProcessEvents"));
        assert_eq!(nearest("SigninLog", names.into_iter()), Some("SigninLogs"));
        assert_eq!(nearest("Heartbeat", names.into_iter()), None);
    }
}
