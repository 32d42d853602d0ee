//! Taking over what changed: snapshots written and removed, answers read in the terminal, entries of the baseline.
//!
//! Each file is written whole or not at all, and only in the place of a snapshot; what is to be written was decided by
//! `compare`.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::compare::{Action, Look, Open, Places, is_within};
use super::{Ending, Output, Setting, Usage, mirror};
use crate::report::{self, Item, Status};

/// Lines of a difference that are shown before anyone asks for all of it.
const FIRST_LINES: usize = 40;

/// Writes and removes what an action says.
fn apply(places: &Places, action: &Action) -> anyhow::Result<()> {
    if let Some((path, text)) = &action.write {
        std::fs::create_dir_all(&places.root).with_context(|| places.root.display().to_string())?;
        mirror::place(&places.root, path, text).with_context(|| format!("{} is not written", path.display()))?;
    }
    if let Some(path) = &action.remove {
        let path = places.root.join(path);
        std::fs::remove_file(&path).with_context(|| format!("{} is not removed", path.display()))?;
    }
    Ok(())
}

/// Whether an item is among those that were asked for; all are where none is.
fn is_asked(item: &Item, paths: &[PathBuf]) -> bool {
    let hunt = item.hunt.rsplit_once('#').map_or(item.hunt.as_str(), |(path, _)| path);
    let names = [Some(item.hunt.as_str()), Some(hunt), Some(item.path.as_str()), item.renamed_from.as_deref()];
    paths.is_empty() || names.into_iter().flatten().any(|name| !name.is_empty() && is_within(Path::new(name), paths))
}

/// Takes over every change, or those of some paths.
pub(super) fn accept(places: &Places, look: &Look, paths: &[PathBuf], output: &Output) -> anyhow::Result<Ending> {
    let human = output.human();
    let (mut written, mut removed, mut known) = (0usize, 0usize, paths.is_empty());
    let mut ending = Ending::Answered;
    for (item, action) in look.review.items.iter().zip(&look.actions) {
        if !is_asked(item, paths) {
            continue;
        }
        known = true;
        match item.status {
            Status::Current => continue,
            Status::Unread | Status::InTheWay => {
                output.results(&(item.text(&human, 0) + "\n"))?;
                ending = Ending::Failed;
                continue;
            }
            Status::Changed
            | Status::New
            | Status::Renamed
            | Status::Orphaned
            | Status::HandEdited
            | Status::Conflicted => {}
        }
        if let Err(error) = apply(places, action) {
            output.remarks(&format!("error: {}\n", report::safe(&format!("{error:#}"))));
            ending = Ending::Failed;
            continue;
        }
        written += usize::from(action.write.is_some());
        removed += usize::from(action.remove.is_some());
        output.results(&format!("{}: {}\n", report::safe(&item.path), report::safe(&item.summary())))?;
    }
    if !known {
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Usage(format!("there is no hunt and no snapshot at {}", names.join(", "))).into());
    }
    output.remarks(&format!("{written} written, {removed} removed\n"));
    Ok(ending)
}

/// Goes through the changes: each is shown, and an answer is a line of `answers`.
pub(super) fn review(
    places: &Places,
    look: &Look,
    output: &Output,
    mut answers: impl BufRead,
) -> anyhow::Result<Ending> {
    let human = output.human();
    let pending: Vec<(&Item, &Action)> =
        look.review.items.iter().zip(&look.actions).filter(|(item, _)| item.status != Status::Current).collect();
    let (mut accepted, mut rejected, mut skipped) = (0usize, 0usize, 0usize);
    let mut ended = false;
    for (index, (item, action)) in pending.iter().enumerate() {
        output.results(&format!("[{}/{}] {}", index + 1, pending.len(), item.text(&human, FIRST_LINES)))?;
        if action.is_none() {
            skipped += 1;
            output.results("  nothing can be accepted here\n")?;
            continue;
        }
        loop {
            output.results("accept, reject, skip, show the whole difference, quit? [a/r/s/d/q] ")?;
            let mut answer = String::new();
            // A stream that has ended answers nothing more.
            let read = answers.read_line(&mut answer).context("no answers can be read")?;
            output.results(if read == 0 { "\n" } else { "" })?;
            match answer.trim() {
                "a" => match apply(places, action) {
                    Ok(()) => accepted += 1,
                    Err(error) => {
                        output.remarks(&format!("error: {}\n", report::safe(&format!("{error:#}"))));
                        skipped += 1;
                    }
                },
                "r" => rejected += 1,
                "s" => skipped += 1,
                "d" => {
                    output.results(&item.text(&human, usize::MAX))?;
                    continue;
                }
                "q" => ended = true,
                "" if read == 0 => ended = true,
                _ => continue,
            }
            break;
        }
        if ended {
            break;
        }
    }
    let open = pending.len() - accepted - rejected - skipped;
    let open = if open > 0 { format!(", {open} not looked at") } else { String::new() };
    output.remarks(&format!("{accepted} accepted, {rejected} rejected, {skipped} skipped{open}\n"));
    Ok(if accepted == pending.len() { Ending::Answered } else { Ending::Failed })
}

/// Adds an entry to the baseline for each note with a denied effect that nobody has accepted.
pub(super) fn baseline(
    setting: &Setting,
    look: &Look,
    reason: &str,
    paths: &[PathBuf],
    output: &Output,
) -> anyhow::Result<Ending> {
    if !reason.chars().any(char::is_alphanumeric) {
        return Err(Usage("--reason says nothing".to_owned()).into());
    }
    let accepted = &setting.work.baseline;
    let Some(file) = &accepted.file else {
        return Err(Usage("the baseline lies beside huntgate.toml, and there is none".to_owned()).into());
    };
    if setting.deny.is_empty() {
        return Err(Usage("no effect is denied: say --deny, or deny in huntgate.toml".to_owned()).into());
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_asked = |open: &&Open| {
        let path = open.hunt.rsplit_once('#').map_or(open.hunt.as_str(), |(path, _)| path);
        paths.is_empty() || is_within(&folder.join(path), paths)
    };
    let entries: Vec<&Open> = look.open.iter().filter(is_asked).collect();
    if !entries.is_empty() {
        let mut text = accepted.text.clone();
        // Entries are put behind what is there, so that comments of the file stay.
        for Open { hunt, target, code } in &entries {
            if !text.is_empty() {
                text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
            }
            let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
            text.push_str(&format!(
                "[[accepted]]\nhunt = {}\ntarget = {}\ncode = {}\nreason = {}\n",
                quoted(hunt),
                quoted(target.name()),
                quoted(code.text()),
                quoted(reason),
            ));
        }
        let name = file.file_name().context("the baseline has no name")?;
        mirror::place(folder, Path::new(name), &text).with_context(|| file.display().to_string())?;
    }
    let verb = if entries.len() == 1 { "entry" } else { "entries" };
    output.remarks(&format!("{} {verb} added to {}\n", entries.len(), report::safe(&file.display().to_string())));
    Ok(Ending::Answered)
}
