//! `huntgate-manifest.json`: what an earlier run wrote, as far as this one must know it; and how it is written.
//!
//! The earlier manifest is input like any other: nobody says who wrote it. Its paths are used for files below the output
//! folder only, and only for those whose bytes it knows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::report;
use crate::report::migration::{MANIFEST_FORM, Migration};

/// Its name in the output folder.
pub(super) const NAME: &str = "huntgate-manifest.json";
/// A longer file is not read: no manifest of so many hunts can be worked with.
const MAX_BYTES: u64 = 1 << 30;

/// What an earlier run wrote: paths and checksums.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    pub(super) files: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Head {
    form: u32,
}

/// The keys of the manifest that are read again. Others are for people and other programs.
#[derive(Deserialize)]
struct Read {
    hunts: Vec<ReadHunt>,
    reports: Vec<ReadFile>,
    left: Vec<ReadFile>,
}

#[derive(Deserialize)]
struct ReadHunt {
    targets: Vec<ReadTarget>,
}

#[derive(Deserialize)]
struct ReadTarget {
    outputs: Vec<ReadFile>,
}

#[derive(Deserialize)]
struct ReadFile {
    path: Option<String>,
    sha256: Option<String>,
}

/// Reads the manifest of an earlier run; nothing where there is none.
pub(super) fn read(root: &Path) -> anyhow::Result<Earlier> {
    let path = root.join(NAME);
    match std::fs::symlink_metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Earlier::default()),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
        Ok(data) if !data.is_file() => bail!("{} is a link or a folder", path.display()),
        Ok(data) if data.len() > MAX_BYTES => bail!("{} is too long", path.display()),
        Ok(_) => {}
    }
    let file = std::fs::File::open(&path).with_context(|| path.display().to_string())?;
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).with_context(|| path.display().to_string())?;
    parse(&text).with_context(|| format!("{} is no manifest of huntgate", path.display()))
}

fn parse(text: &str) -> anyhow::Result<Earlier> {
    let head: Head = serde_json::from_str(text)?;
    if head.form != MANIFEST_FORM {
        bail!("its form is {}, not {MANIFEST_FORM}", head.form);
    }
    let read: Read = serde_json::from_str(text)?;
    let outputs = read.hunts.into_iter().flat_map(|hunt| hunt.targets).flat_map(|target| target.outputs);
    let all = outputs.chain(read.reports).chain(read.left);
    Ok(Earlier { files: all.filter_map(|file| Some((file.path?, file.sha256?))).collect() })
}

/// The manifest's text: one hunt a line, so that what a change does can be seen line by line.
pub(super) fn write(migration: &Migration) -> anyhow::Result<String> {
    let mut out = format!("{{\n\"form\": {},\n", migration.form);
    let _ = writeln!(out, "\"huntgate\": {},", serde_json::to_string(migration.huntgate)?);
    let _ = writeln!(out, "\"as\": {},", serde_json::to_string(migration.made)?);
    list("hunts", &migration.hunts, &mut out)?;
    out.push_str(",\n");
    list("files", &migration.files, &mut out)?;
    out.push_str(",\n");
    list("reports", &migration.reports, &mut out)?;
    out.push_str(",\n");
    list("left", &migration.left, &mut out)?;
    out.push_str("\n}\n");
    Ok(report::safe_json(out))
}

fn list<T: serde::Serialize>(key: &str, rows: &[T], out: &mut String) -> anyhow::Result<()> {
    let _ = write!(out, "\"{key}\": [");
    for (number, row) in rows.iter().enumerate() {
        out.push_str(if number == 0 { "\n" } else { ",\n" });
        out.push_str(&serde_json::to_string(row)?);
    }
    out.push(']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::migration::{Left, Written};

    #[test]
    fn what_is_written_is_read_again_and_nothing_else_is() {
        let written = |path: &str| Written { path: path.to_owned(), sha256: "0".to_owned() };
        let it = Migration {
            form: MANIFEST_FORM,
            huntgate: "0",
            made: "rule",
            hunts: Vec::new(),
            files: Vec::new(),
            reports: vec![written("report.md"), written("a\n\u{1b}")],
            left: vec![Left { path: "old".to_owned(), sha256: "0".to_owned(), edited: true }],
        };
        let text = write(&it).unwrap();
        assert!(!text.contains('\u{1b}'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), serde_json::to_value(&it).unwrap());
        assert_eq!(parse(&text).unwrap().files.keys().collect::<Vec<_>>(), ["a\n\u{1b}", "old", "report.md"]);
        assert!(parse(&text.replace("\"form\": 1", "\"form\": 2")).is_err());
        assert!(parse("{}").is_err());
        assert!(parse("").is_err());
    }
}
