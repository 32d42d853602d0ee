//! What one hunt came to → its row of the manifest, and the files that it makes.

use std::path::Path;

use super::store::{Fate, Wanted};
use crate::cli::answer::{Answer, Made, Work};
use crate::cli::mirror;
use crate::cli::stream::Unit;
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::package::Package;
use crate::report::migration::{FileRow, HuntRow, NeedRow, NoteRow, OutputRow, TargetRow};

/// A hunt that was worked on.
pub(super) struct Done {
    /// Its row; what became of its files is not yet in it.
    pub(super) row: HuntRow,
    /// The files, each with the places of its row among the targets and their outputs.
    pub(super) files: Vec<(usize, usize, anyhow::Result<Wanted>)>,
    /// A verdict or a note has a denied effect.
    pub(super) denied: bool,
}

/// What came of one unit of the input.
pub(super) enum Outcome {
    /// A hunt.
    Hunt(Box<Done>),
    /// A file without one; whether it could not be read.
    File { row: FileRow, failed: bool },
}

/// The row and the files of a unit.
pub(super) fn outcome(root: &Path, unit: &Unit, answer: &Answer<'_>, work: &Work, deny: &[Effect]) -> Outcome {
    let path = shown(&unit.relative);
    // Comments that should accept notes and can not be used are the file's own too.
    let remarks = unit.about_file.iter().chain(&answer.faults);
    let remarks = remarks.map(|one| NoteRow::new(&unit.page, one)).collect();
    let Some(hunt) = &unit.hunt else {
        let failed = unit.about_file.iter().any(Diagnostic::hinders_reading);
        return Outcome::File { row: FileRow { path, remarks }, failed };
    };
    let rules = work.packager.is_some();
    let mut files = Vec::new();
    let mut targets = Vec::with_capacity(answer.made.len());
    for made in &answer.made {
        let mut outputs = outputs(unit, made, work);
        for file in made.out_files(unit, rules) {
            let package = file.package.map(Package::name);
            if let Some(at) = outputs.iter().position(|output| output.package == package) {
                files.push((targets.len(), at, Wanted::new(root, &file.path, file.aside, file.text)));
            }
        }
        outputs.shrink_to_fit();
        targets.push(TargetRow {
            target: made.task.options.target.name(),
            schema: made.task.schema.clone(),
            verdict: made.translation.verdict,
            needs: made.translation.needs.iter().map(NeedRow::from).collect(),
            notes: own_notes(unit, made).iter().map(|note| NoteRow::new(&unit.page, note)).collect(),
            outputs,
        });
    }
    let mut row = HuntRow {
        path,
        index: unit.source.index,
        name: unit.source.name.clone(),
        id: unit.source.id.clone(),
        kind: None,
        severity: None,
        grave: None,
        read: !answer.unread,
        connectors: Vec::new(),
        unread: Vec::new(),
        remarks,
        targets,
    };
    row.describe(&unit.page, &hunt.about);
    Outcome::Hunt(Box::new(Done { row, files, denied: answer.made.iter().any(|made| made.has_effect(deny)) }))
}

/// The notes of a translation without what is said of the file, which stands first.
fn own_notes<'m>(unit: &Unit, made: &'m Made<'_>) -> &'m [Diagnostic] {
    let notes = made.translation.notes.as_slice();
    let alike = |(one, two): (&Diagnostic, &Diagnostic)| {
        (one.code, one.span, &one.message) == (two.code, two.span, &two.message)
    };
    let about = unit.about_file.len();
    let is_first = notes.len() >= about && unit.about_file.iter().zip(notes).all(alike);
    if is_first { notes.get(about..).unwrap_or_default() } else { notes }
}

/// A row for each file that was asked for.
fn outputs(unit: &Unit, made: &Made<'_>, work: &Work) -> Vec<OutputRow> {
    let row = |package: Option<Package>, verdict: Effect, notes: &[Diagnostic]| OutputRow {
        package: package.map(Package::name),
        verdict,
        path: None,
        sha256: None,
        kept: false,
        notes: notes.iter().map(|note| NoteRow::new(&unit.page, note)).collect(),
    };
    if work.packager.is_none() {
        return vec![row(None, made.translation.verdict, &[])];
    }
    let of_package = |package: Package| match made.files.iter().find(|(one, _)| *one == package) {
        Some((_, Ok(file))) => row(Some(package), file.verdict, &file.notes),
        Some((_, Err(refusal))) => row(Some(package), Effect::Refused, std::slice::from_ref(&**refusal)),
        // Without a query there is no rule, for the reasons of the translation.
        None => row(Some(package), Effect::Refused, &[]),
    };
    work.packages_of(made.task.options.target).map(of_package).collect()
}

/// Writes into an output's row what became of its file. Returns what is to be said of it, and whether that is a failure.
pub(super) fn settle(output: &mut OutputRow, fate: Fate) -> Option<(bool, String)> {
    let mut note = |code: Code, effect: Effect, message: String| {
        output.notes.push(NoteRow { code, effect, message: message.clone(), accepted: None, line: 1, column: 1 });
        Some((effect != Effect::Exact, message))
    };
    match fate {
        Fate::Written(written) => {
            output.path = Some(written.path);
            output.sha256 = Some(written.sha256);
            None
        }
        Fate::Aside(written) => {
            let said = note(Code::OutputTaken, Effect::Exact, format!("`{}`: {}", written.path, mirror::ASIDE));
            output.path = Some(written.path);
            output.sha256 = Some(written.sha256);
            said
        }
        Fate::Kept { path, sha256 } => {
            let message = format!("`{path}` is not what was written there, and is kept");
            let said = note(Code::OutputKept, Effect::Unsure, message);
            output.path = Some(path);
            output.sha256 = sha256;
            output.kept = true;
            said
        }
        Fate::Taken { path } => {
            let message = format!("`{path}` is the file of another hunt, so this one has none");
            let said = note(Code::OutputTaken, Effect::Refused, message);
            output.verdict = Effect::Refused;
            said
        }
    }
}

/// A mirrored path with `/` between its names.
fn shown(path: &Path) -> String {
    path.components().map(|name| name.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
