//! Looking at the snapshots of a folder: what each hunt gives now, what lies there, and what is to be done about it.
//!
//! Nothing is written here. A snapshot lies beside its hunt, or in a tree of its own that mirrors the folder of the
//! configuration.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::answer::{Answer, Made, Work, answer};
use super::super::config::{absolute, below};
use super::super::mirror;
use super::super::output::Output;
use super::super::stream::{self, Unit};
use super::file::{Heading, Snapshot, Stored, comments};
use crate::Gate;
use crate::diagnostic::{Accepter, Code, Diagnostic, Effect};
use crate::emit::Comments;
use crate::intake::MAX_FILE_BYTES;
use crate::package::Package;
use crate::report::{Item, Page, Review, Status, diff};
use crate::source::Span;
use crate::target::Target;

/// What files of snapshots end with.
const EXTENSIONS: [&str; 6] = ["spl", "eql", "esql", "yml", "conf", "toml"];

/// Where hunts and snapshots are.
pub(super) struct Places {
    /// The folder of the hunts.
    pub(super) hunts: PathBuf,
    /// The folder below which snapshots are written.
    pub(super) root: PathBuf,
    /// The path of the snapshots of `hunts` below `root`.
    pub(super) prefix: PathBuf,
    /// Whether `root` holds nothing but snapshots.
    pub(super) apart: bool,
}

/// What can be done about a snapshot.
#[derive(Debug, Default)]
pub(super) struct Action {
    /// A file to write, below the root.
    pub(super) write: Option<(PathBuf, String)>,
    /// A file to remove, below the root.
    pub(super) remove: Option<PathBuf>,
}

impl Action {
    /// Whether there is nothing to do.
    pub(super) fn is_none(&self) -> bool {
        self.write.is_none() && self.remove.is_none()
    }
}

/// A note with a denied effect that nobody has accepted, as the baseline would name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Open {
    pub(super) hunt: String,
    pub(super) target: Target,
    pub(super) code: Code,
}

/// What was found.
#[derive(Default)]
pub(super) struct Look {
    pub(super) review: Review,
    /// What can be done about each item of the review.
    pub(super) actions: Vec<Action>,
    /// The denied notes, in the order of the hunts, each once.
    pub(super) open: Vec<Open>,
}

/// A snapshot that is to be, beside what lies in its place.
struct Wanted {
    path: PathBuf,
    item: Item,
    snapshot: Snapshot,
    /// The text of the file, unless it is there.
    write: Option<String>,
}

/// What came of one hunt.
struct Compared {
    wanted: Vec<Wanted>,
    /// Set where the hunt can not be read.
    unread: Option<Vec<Diagnostic>>,
    warnings: Vec<Diagnostic>,
    /// Entries of the baseline that accepted a note.
    used: Vec<usize>,
    open: Vec<Open>,
}

/// Looks at every hunt and every snapshot of a folder.
pub(super) fn look(
    gate: &Gate,
    work: &Work,
    places: &Places,
    deny: &[Effect],
    output: &mut Output,
) -> anyhow::Result<Look> {
    let mut look = Look::default();
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut taken: HashSet<PathBuf> = HashSet::new();
    // Hunts that can not be read keep their snapshots: by folder and the name of the file.
    let mut unread: HashSet<(PathBuf, String)> = HashSet::new();
    let (mut used, mut open) = (HashSet::new(), HashSet::new());
    let exclude = places.apart.then_some(places.root.as_path());
    let paths = [places.hunts.clone()];
    stream::each(
        gate,
        Some(&paths),
        exclude,
        output,
        |unit| compare(unit, &answer(gate, unit, work), work, places, deny),
        |_, unit, compared| {
            used.extend(compared.used);
            look.open.extend(compared.open.into_iter().filter(|one| open.insert(one.clone())));
            look.review.warnings.extend(compared.warnings.into_iter().map(|one| (unit.page.clone(), one)));
            if let Some(faults) = compared.unread {
                let mut item = item_of(&unit);
                item.status = Status::Unread;
                item.message = Some("the hunt can not be read; its snapshots are left as they are".to_owned());
                item.faults = faults;
                let folder = places.prefix.join(unit.relative.as_path());
                unread.insert((folder.parent().map(Path::to_owned).unwrap_or_default(), file_name(&unit.relative)));
                look.review.items.push(item);
                look.actions.push(Action::default());
            }
            for mut one in compared.wanted {
                if !taken.insert(one.path.clone()) {
                    one.item.status = Status::InTheWay;
                    one.item.message = Some("two hunts have snapshots of this name".to_owned());
                    one.write = None;
                }
                wanted.push(one);
            }
            Ok(())
        },
    )?;
    let mut orphans: Vec<(PathBuf, Stored)> = Vec::new();
    for (path, stored) in stored_below(places, &taken) {
        // The name of a snapshot is that of its hunt's file with more behind it.
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let name = file_name(&path);
        let names: Vec<&str> = name.match_indices('.').filter_map(|(at, _)| name.get(..at)).collect();
        let waits = names.iter().any(|name| unread.contains(&(folder.clone(), (*name).to_owned())));
        if !waits {
            orphans.push((path, stored));
        }
    }
    settle(&mut look, wanted, orphans, places);
    let known = |hunt: &str, target: Target| {
        let path = hunt.rsplit_once('#').map_or(hunt, |(path, _)| path);
        let file = work.baseline.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        work.targets().any(|one| one == target) && below(&places.hunts, &file.join(path)).is_some()
    };
    let stale = work.baseline.baseline.unused(known, &used);
    if !stale.is_empty() {
        let name = work.baseline.file.as_deref().map(|file| file.display().to_string()).unwrap_or_default();
        let page = Arc::new(Page::new(name.into(), work.baseline.text.clone()));
        look.review.warnings.extend(stale.into_iter().map(|one| (page.clone(), one)));
    }
    Ok(look)
}

/// Puts together what is wanted and what has no hunt any more: a hunt that has another name is one change.
fn settle(look: &mut Look, wanted: Vec<Wanted>, orphans: Vec<(PathBuf, Stored)>, places: &Places) {
    let mut by_trait: HashMap<(String, String), VecDeque<usize>> = HashMap::new();
    for (index, (path, stored)) in orphans.iter().enumerate() {
        for key in header(stored).into_iter().flat_map(|header| traits(path, header)) {
            by_trait.entry(key).or_default().push_back(index);
        }
    }
    let mut moved: HashSet<usize> = HashSet::new();
    for one in wanted {
        let Wanted { path, mut item, snapshot, write } = one;
        let mut action = Action { write: write.map(|text| (path.clone(), text)), remove: None };
        if item.status == Status::New {
            let found = traits(&path, &snapshot).into_iter().find_map(|key| {
                let waiting = by_trait.get_mut(&key)?;
                while waiting.front().is_some_and(|index| moved.contains(index)) {
                    waiting.pop_front();
                }
                waiting.pop_front()
            });
            if let Some((index, (old, stored))) = found.and_then(|index| Some((index, orphans.get(index)?))) {
                moved.insert(index);
                item.status = Status::Renamed;
                item.renamed_from = Some(shown(&places.root.join(old)));
                action.remove = Some(old.clone());
                if let Some(header) = header(stored) {
                    differences(&mut item, header, &snapshot);
                }
            }
        }
        look.review.items.push(item);
        look.actions.push(action);
    }
    for (index, (path, stored)) in orphans.into_iter().enumerate() {
        if moved.contains(&index) {
            continue;
        }
        let shown = shown(&places.root.join(&path));
        let mut item = blank(&shown);
        let action = Action { write: None, remove: Some(path.clone()) };
        let message;
        (item.status, message) = match &stored {
            Stored::Sound(_) => (Status::Orphaned, "its hunt is gone"),
            Stored::Edited(_) => {
                (Status::HandEdited, "its hunt is gone, and it was changed by hand; accepting removes it")
            }
            Stored::Conflicted => {
                (Status::Conflicted, "its hunt is gone, and the marks of a merge stand in it; accepting removes it")
            }
            // The walk gives none.
            Stored::Foreign => continue,
        };
        item.message = Some(message.to_owned());
        if let Some(header) = header(&stored) {
            item.hunt = shown_hunt(places, &path, header.hunt());
            item.name = header.name().map(str::to_owned);
            item.target = header.target();
            item.before = header.verdict();
        }
        look.review.items.push(item);
        look.actions.push(action);
    }
}

/// By what a snapshot is known when its name is another: the hunt's identifier, its text, or its hunt where the better
/// one of two languages is another now.
fn traits(path: &Path, snapshot: &Snapshot) -> Vec<(String, String)> {
    let target = snapshot.target();
    let mut out = Vec::new();
    out.extend(snapshot.id().map(|id| (target.clone(), format!("id {id}"))));
    if !snapshot.body.is_empty() {
        out.push((target.clone(), format!("body {}", snapshot.body)));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let family = target.strip_prefix("eql").or(target.strip_prefix("esql")).map(|rest| format!("elastic{rest}"));
    out.push((family.unwrap_or(target), format!("hunt {}/{}", folder.display(), snapshot.hunt())));
    out
}

/// The comparison of one hunt's snapshots.
fn compare(unit: &Unit, answer: &Answer<'_>, work: &Work, places: &Places, deny: &[Effect]) -> Compared {
    let warnings = answer.faults.iter().chain(&answer.unused).cloned().collect();
    let mut out = Compared { wanted: Vec::new(), unread: None, warnings, used: Vec::new(), open: Vec::new() };
    if answer.unread {
        let notes = answer.made.first().map(|made| made.translation.notes.clone()).unwrap_or_default();
        out.unread = Some(notes);
        return out;
    }
    let index = unit.several.then_some(unit.source.index);
    let entry = work.baseline.name(Path::new(&*unit.source.path), index);
    for made in &answer.made {
        let of_target = wanted(unit, made, work, places, deny);
        for note in made.notes() {
            match &note.accepted {
                Some(it) => out.used.extend(match it.by {
                    Accepter::Baseline(entry) => Some(entry),
                    Accepter::Comment(_) => None,
                }),
                None => {
                    if let (Some(hunt), true) = (&entry, note.effect.is_some_and(|effect| deny.contains(&effect))) {
                        let target = made.task.options.target;
                        out.open.push(Open { hunt: hunt.clone(), target, code: note.code });
                    }
                }
            }
        }
        out.wanted.extend(of_target);
    }
    out
}

/// The snapshots of one translation.
fn wanted(unit: &Unit, made: &Made<'_>, work: &Work, places: &Places, deny: &[Effect]) -> Vec<Wanted> {
    let target = made.task.options.target;
    let index = unit.several.then_some(unit.source.index);
    let named = |extension: &str| mirror::named(&unit.relative, index, extension);
    let translation = &made.translation;
    let one = |path, package: Option<Package>, comments, verdict, of_fields: &[Diagnostic], body: Option<&str>| {
        let mut hunt = file_name(&unit.relative);
        if let Some(index) = index {
            hunt.push_str(&format!("#{index}"));
        }
        let heading = Heading {
            hunt: &hunt,
            name: unit.source.name.as_deref(),
            id: unit.source.id.as_deref(),
            target: target.name(),
            schema: &made.task.schema,
            package,
            verdict,
            translation,
            of_fields,
        };
        let snapshot = Snapshot::new(comments, &heading, body);
        let mut item = item_of(unit);
        item.target = snapshot.target();
        item.after = Some(verdict);
        let is_denied = |note: &&Diagnostic| note.effect.is_some_and(|effect| deny.contains(&effect));
        item.denied = translation.notes.iter().chain(of_fields).filter(is_denied).cloned().collect();
        if item.denied.is_empty() && made.has_effect(deny) && deny.contains(&verdict) {
            let message = format!("the verdict is {verdict}");
            item.denied.push(Diagnostic::note(Code::DeniedVerdict, verdict, item.span, message));
        }
        placed(places.prefix.join(path), item, snapshot, places)
    };
    if work.packager.is_none() {
        let path = named(mirror::query_extension(target));
        let body = translation.query.as_deref();
        return vec![one(path, None, Comments::of(target), translation.verdict, &[], body)];
    }
    let mut out = Vec::new();
    for package in work.packages_of(target) {
        let Some(comments) = comments(package) else { continue };
        let path = named(&mirror::rule_extension(package, target));
        let file = made.files.iter().find(|(one, _)| *one == package).map(|(_, file)| file);
        out.push(match file {
            Some(Ok(file)) => {
                // Where a form asks for a name of its own it is made of the rule's, which many rules of a folder may
                // share and a refused one lacks: a snapshot is always named by its hunt.
                one(path, Some(package), comments, file.verdict, &file.notes, Some(&file.text))
            }
            Some(Err(refusal)) => {
                one(path, Some(package), comments, Effect::Refused, std::slice::from_ref(&**refusal), None)
            }
            None => one(path, Some(package), comments, Effect::Refused, &[], None),
        });
    }
    out
}

/// A snapshot that is to be, compared with what lies in its place.
fn placed(path: PathBuf, mut item: Item, snapshot: Snapshot, places: &Places) -> Wanted {
    let file = places.root.join(&path);
    item.path = shown(&file);
    let mut write = Some(snapshot.text());
    match stored_at(&file) {
        Ok(None) => item.status = Status::New,
        Ok(Some(Stored::Sound(old))) if old == snapshot => {
            item.status = Status::Current;
            item.before = old.verdict();
            write = None;
            // Thousands of files need not be held for what is as it was.
            if item.denied.is_empty() {
                item.page = Arc::new(Page::new("".into(), String::new()));
            }
        }
        Ok(Some(Stored::Sound(old))) => {
            item.status = Status::Changed;
            differences(&mut item, &old, &snapshot);
            if old.says_the_same(&snapshot) {
                item.message = Some("only what the header says of the hunt has changed".to_owned());
            }
        }
        Ok(Some(Stored::Edited(old))) => {
            item.status = Status::HandEdited;
            item.message = Some("the file was changed since it was accepted; accepting writes it anew".to_owned());
            if let Some(old) = old {
                differences(&mut item, &old, &snapshot);
            }
        }
        Ok(Some(Stored::Conflicted)) => {
            item.status = Status::Conflicted;
            item.message = Some("the marks of a merge stand in it; accepting writes it anew".to_owned());
        }
        Ok(Some(Stored::Foreign)) => {
            item.status = Status::InTheWay;
            item.message = Some("a file that is no snapshot has this name; it is left as it is".to_owned());
            write = None;
        }
        Err(why) => {
            item.status = Status::InTheWay;
            item.message = Some(why);
            write = None;
        }
    }
    Wanted { path, item, snapshot, write }
}

/// What came, what went, and how the texts differ.
fn differences(item: &mut Item, old: &Snapshot, new: &Snapshot) {
    item.before = old.verdict();
    let (before, after): (HashSet<&str>, HashSet<&str>) = (old.notes().collect(), new.notes().collect());
    item.added = new.notes().filter(|note| !before.contains(note)).map(str::to_owned).collect();
    item.removed = old.notes().filter(|note| !after.contains(note)).map(str::to_owned).collect();
    item.diff = diff(&format!("{} (accepted)", item.path), &old.body, &format!("{} (now)", item.path), &new.body);
}

/// The header, where one can be read.
fn header(stored: &Stored) -> Option<&Snapshot> {
    match stored {
        Stored::Sound(snapshot) | Stored::Edited(Some(snapshot)) => Some(snapshot),
        Stored::Edited(None) | Stored::Conflicted | Stored::Foreign => None,
    }
}

/// What lies at a path; an error says why it can not be looked at.
fn stored_at(path: &Path) -> Result<Option<Stored>, String> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("can not be read: {error}")),
        Ok(data) if !data.is_file() => return Err("a folder or a link has this name".to_owned()),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| format!("can not be read: {error}"))?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| format!("can not be read: {error}"))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Ok(Some(Stored::Foreign));
    }
    Ok(Some(String::from_utf8(bytes).map_or(Stored::Foreign, |text| Stored::read(&text))))
}

/// Every snapshot in the folder of the snapshots that no hunt has taken, sorted; found as hunts are.
fn stored_below(places: &Places, taken: &HashSet<PathBuf>) -> Vec<(PathBuf, Stored)> {
    let folder = places.root.join(&places.prefix);
    let mut walk = ignore::WalkBuilder::new(&folder);
    walk.require_git(false).follow_links(false).sort_by_file_path(Path::cmp);
    let mut out = Vec::new();
    for entry in walk.build().flatten() {
        let path = entry.path();
        let fits = path.extension().is_some_and(|it| EXTENSIONS.iter().any(|one| it == *one));
        if !fits || !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(relative) = path.strip_prefix(&places.root) else { continue };
        if taken.contains(relative) {
            continue;
        }
        match stored_at(path) {
            Ok(None | Some(Stored::Foreign)) | Err(_) => {}
            Ok(Some(stored)) => out.push((relative.to_owned(), stored)),
        }
    }
    out
}

/// An item of a hunt.
fn item_of(unit: &Unit) -> Item {
    let mut hunt = unit.source.path.to_string();
    if unit.several {
        hunt.push_str(&format!("#{}", unit.source.index));
    }
    let span = unit.hunt.as_ref().map_or(Span::default(), |hunt| hunt.origin.whole());
    Item { hunt, name: unit.source.name.clone(), page: unit.page.clone(), span, ..blank("") }
}

/// An item of which nothing is known but its file.
fn blank(path: &str) -> Item {
    Item {
        hunt: path.to_owned(),
        name: None,
        target: String::new(),
        path: path.to_owned(),
        status: Status::Current,
        renamed_from: None,
        before: None,
        after: None,
        added: Vec::new(),
        removed: Vec::new(),
        message: None,
        diff: String::new(),
        denied: Vec::new(),
        page: Arc::new(Page::new(path.into(), String::new())),
        span: Span::default(),
        faults: Vec::new(),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A path as it is shown: with `/`, and without `.` before it.
pub(super) fn shown(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    path.components()
        .map(|name| name.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
        .replacen("//", "/", 1)
}

/// The hunt that a snapshot without one was made of.
fn shown_hunt(places: &Places, path: &Path, name: &str) -> String {
    let folder = path.strip_prefix(&places.prefix).unwrap_or(path).parent().unwrap_or(Path::new(""));
    shown(&places.hunts.join(folder).join(name))
}

/// Whether a path is one of these or lies below one.
pub(super) fn is_within(path: &Path, folders: &[PathBuf]) -> bool {
    let path = absolute(path);
    folders.iter().any(|folder| path.starts_with(absolute(folder)))
}
