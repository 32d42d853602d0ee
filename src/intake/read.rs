//! Reading one file, within limits, and cutting its hunts.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::decode::decode;
use super::{Document, Found, Hunt, Input, Kind, SNAPSHOT_MARK, Source, json, look, markdown, page, text, yaml};
use crate::about::About;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// The largest file that is read.
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Why a file was not read.
#[derive(Debug)]
enum ReadError {
    Io(std::io::Error),
    TooLarge,
}

impl From<std::io::Error> for ReadError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl ReadError {
    fn into_diagnostic(self) -> Diagnostic {
        match self {
            Self::Io(error) => unreadable(&error),
            Self::TooLarge => Diagnostic::error(Code::TooLarge, Span::default(), "the file is larger than 64 MiB")
                .help("split the file"),
        }
    }
}

/// What is said of a path that can not be read.
///
/// The message is huntgate's own for the usual causes, so that it is the same on every system.
pub(super) fn unreadable(error: &std::io::Error) -> Diagnostic {
    use std::io::ErrorKind;
    let message = match error.kind() {
        ErrorKind::NotFound => "no such file or folder".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => format!("can not be read: {error}"),
    };
    Diagnostic::error(Code::Unreadable, Span::default(), message)
}

/// Reads the file and cuts its hunts.
///
/// A file that was found in a folder, rather than named, is passed over in silence where it holds no hunt and its
/// kind does not promise one: notes, licences, configuration.
pub fn read_input(input: &Input) -> Document {
    if let Some(diagnostic) = &input.failure {
        return Document::failed(input.shown.clone(), diagnostic.clone());
    }
    let kind = Kind::of_path(&input.path).unwrap_or(Kind::Unknown);
    let bytes = match read_bytes(&input.path) {
        Ok(bytes) => bytes,
        Err(error) => return Document::failed(input.shown.clone(), error.into_diagnostic()),
    };
    let stem = input.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    document(input.shown.clone(), bytes, kind, stem, input.explicit)
}

/// Reads standard input and cuts its hunts, deciding by content what it is.
pub fn read_stdin(reader: impl Read) -> Document {
    let shown: Arc<str> = Arc::from("-");
    match read_limited(reader, 0) {
        Ok(bytes) => document(shown, bytes, Kind::Unknown, None, true),
        Err(error) => Document::failed(shown, error.into_diagnostic()),
    }
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > MAX_FILE_BYTES {
        return Err(ReadError::TooLarge);
    }
    read_limited(file, size)
}

/// Reads to the end, whatever the size was said to be: a pipe has none and a file may grow.
fn read_limited(reader: impl Read, size: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::with_capacity(size.min(MAX_FILE_BYTES) as usize);
    reader.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES { Err(ReadError::TooLarge) } else { Ok(bytes) }
}

/// The document of a file's bytes.
fn document(path: Arc<str>, bytes: Vec<u8>, kind: Kind, stem: Option<String>, explicit: bool) -> Document {
    let text = match decode(bytes) {
        Ok(text) => text,
        // A file without an extension is very likely no hunt if it is not even text.
        Err(_) if kind == Kind::Unknown && !explicit => return empty(path),
        Err((text, error)) => {
            let at = error.offset() as u32;
            let diagnostic = Diagnostic::error(Code::NotText, Span::new(at, at), error.to_string())
                .help("save the file as UTF-8, or as UTF-16 with a byte order mark");
            return Document { path, text, hunts: Vec::new(), diagnostics: vec![diagnostic] };
        }
    };
    if !explicit && text.trim_start_matches(['#', '/', '`', '|', ' ']).starts_with(SNAPSHOT_MARK) {
        return empty(path);
    }
    let decided = kind.decided(&text);
    let Found { cuts, mut diagnostics } = match decided {
        Kind::Markdown => markdown::cut(&text),
        Kind::Yaml => yaml::cut(&text),
        Kind::Json => json::cut(&text),
        Kind::Text => page::cut(&text).unwrap_or_else(|| text::cut(&text)),
        Kind::Kql | Kind::Unknown => text::cut(&text),
    };
    // What merely lies among the hunts must look like one; what is named is taken at its word.
    let doubtful = !explicit && matches!(kind, Kind::Text | Kind::Unknown) && decided == Kind::Text;
    if doubtful && !cuts.iter().any(|cut| look::is_kql(&cut.text)) {
        return empty(path);
    }
    if !explicit && cuts.is_empty() && kind == Kind::Yaml && !look::is_rule_yaml(&text) {
        return empty(path);
    }
    // JSON of every kind lies about; that it can not be read is said where it is named.
    if !explicit
        && cuts.is_empty()
        && decided == Kind::Json
        && !diagnostics.iter().any(|one| one.code == Code::RuleKindPassedOver)
    {
        return empty(path);
    }
    if cuts.is_empty() && diagnostics.is_empty() && (explicit || kind == Kind::Kql) {
        let message = match decided {
            Kind::Markdown => "no fenced block holds a KQL query",
            Kind::Yaml => "the rule has no `query:`",
            Kind::Json => "the file holds no rule with a query in KQL",
            Kind::Kql | Kind::Text | Kind::Unknown if text.trim().is_empty() => "the file is empty",
            Kind::Kql | Kind::Text | Kind::Unknown => "the file holds only comments",
        };
        diagnostics.push(Diagnostic::error(Code::NoHunt, Span::default(), message));
    }
    let hunts = cuts.into_iter().enumerate().map(|(index, cut)| {
        let about = About { name: cut.about.name.or_else(|| stem.clone()), ..cut.about };
        Hunt {
            source: Source { path: path.clone(), index, name: about.name.clone(), id: about.id.clone() },
            about,
            text: cut.text,
            origin: cut.origin,
            divisible: cut.divisible,
        }
    });
    Document { hunts: hunts.collect(), path, text, diagnostics }
}

/// A file that is passed over.
fn empty(path: Arc<str>) -> Document {
    Document { path, text: String::new(), hunts: Vec::new(), diagnostics: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], kind: Kind, explicit: bool) -> Document {
        document(Arc::from("x"), bytes.to_vec(), kind, Some("x".into()), explicit)
    }

    #[test]
    fn what_is_named_is_answered_and_what_lies_about_is_passed_over() {
        let codes = |document: Document| document.diagnostics.iter().map(|one| one.code).collect::<Vec<_>>();
        assert_eq!(codes(read(b"", Kind::Kql, false)), [Code::NoHunt]);
        assert_eq!(codes(read(b"// nothing\n", Kind::Kql, true)), [Code::NoHunt]);
        assert_eq!(codes(read(b"Licence text", Kind::Unknown, false)), []);
        assert_eq!(codes(read(b"a: [", Kind::Yaml, false)), []);
        assert_eq!(codes(read(b"a: [", Kind::Yaml, true)), [Code::Container]);
        assert_eq!(codes(read(b"# Title\n", Kind::Markdown, false)), []);
        let snapshot = b"# huntgate snapshot 1\nid: x\nquery: T |\n";
        assert_eq!(read(snapshot, Kind::Yaml, false).hunts.len(), 0);
        assert_eq!(read(snapshot, Kind::Yaml, true).hunts.len(), 1);
        assert_eq!(codes(read(b"# Title\n", Kind::Markdown, true)), [Code::NoHunt]);
        assert_eq!(codes(read(b"a\0", Kind::Unknown, false)), []);
        assert_eq!(codes(read(b"a\0", Kind::Text, false)), [Code::NotText]);
        assert_eq!(read(b"DeviceEvents", Kind::Unknown, true).hunts.len(), 1);
    }

    #[test]
    fn a_mark_is_no_part_of_the_hunt() {
        let document = read("\u{feff}T | take 1".as_bytes(), Kind::Kql, true);
        assert_eq!(document.hunts[0].text, "T | take 1");
        assert_eq!(document.hunts[0].origin.locate(Span::new(0, 1)), Span::new(3, 4));
        assert_eq!(document.hunts[0].source.name.as_deref(), Some("x"));
    }

    #[test]
    fn a_divided_hunt_keeps_its_places() {
        let mut document = read(b"A | take 1\n\nB | take 2\n", Kind::Kql, true);
        document.divide(|_| vec![Span::new(0, 10), Span::new(12, 22)]);
        assert_eq!(document.hunts.iter().map(|hunt| hunt.source.index).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(document.hunts[1].text, "B | take 2");
        assert_eq!(document.hunts[1].origin.locate(Span::new(0, 1)), Span::new(12, 13));
    }
}
