//! The answer to one hunt: its translations, and the rule files that are made of them.
//!
//! What `convert`, `migrate` and `snapshot` have in common. Nothing is written here.

use std::path::{Path, PathBuf};

use super::args::Task;
use super::config::Accepted;
use super::guard::guarded;
use super::mirror;
use super::stream::{Unit, fault_of};
use crate::Gate;
use crate::accept::Allowances;
use crate::diagnostic::{Diagnostic, Effect};
use crate::emit::Translation;
use crate::package::{Package, Packager, RuleFile, Subject};
use crate::report::Page;
use crate::source::Span;
use crate::target::Target;

/// What is to be made of each hunt.
pub(super) struct Work {
    /// The translations.
    pub(super) jobs: Vec<Job>,
    /// What makes rule files, where rules are asked for.
    pub(super) packager: Option<Packager>,
    /// The forms of rule files; empty is the usual one of each target.
    pub(super) packages: Vec<Package>,
    /// Write the verdict and the notes into each query, as comments.
    pub(super) annotate: bool,
    /// The notes that were accepted.
    pub(super) baseline: Accepted,
}

impl Work {
    /// The targets that translations may be of.
    pub(super) fn targets(&self) -> impl Iterator<Item = Target> + '_ {
        self.jobs.iter().flat_map(|job| match job {
            Job::One(task) => vec![task.options.target],
            Job::Better { .. } => vec![Target::Eql, Target::Esql],
        })
    }

    /// The forms of rule files that are made for a target.
    pub(super) fn packages_of(&self, target: Target) -> impl Iterator<Item = Package> + '_ {
        let all = Package::of(target);
        let usual = all.iter().take(if self.packages.is_empty() { 1 } else { 0 });
        usual.chain(all.iter().filter(|package| self.packages.contains(package))).copied()
    }
}

/// What to do for a hunt.
pub(super) enum Job {
    /// One language.
    One(Task),
    /// EQL or ES|QL, whichever is more faithful.
    Better { eql: Task, esql: Task },
}

/// A translation and the task that it is the answer to.
pub(super) struct Made<'t> {
    pub(super) task: &'t Task,
    pub(super) translation: Translation,
    /// The rule files that were asked for; an error is the reason why there is none.
    pub(super) files: Vec<(Package, Result<RuleFile, Box<Diagnostic>>)>,
}

/// A file to be written.
pub(super) struct OutFile<'m> {
    /// Its path below the output folder.
    pub(super) path: PathBuf,
    /// Where it goes instead if another hunt's file has the path: a folder of its own, for a form that asks for a certain name.
    pub(super) aside: Option<PathBuf>,
    /// Its text.
    pub(super) text: &'m str,
    /// The form of rule file; `None` is a query.
    pub(super) package: Option<Package>,
}

impl Made<'_> {
    /// The notes of the translation and of its rule files.
    pub(super) fn notes(&self) -> impl Iterator<Item = &Diagnostic> {
        let of_files = self.files.iter().flat_map(|(_, file)| match file {
            Ok(file) => file.notes.as_slice(),
            Err(refusal) => std::slice::from_ref(&**refusal),
        });
        self.translation.notes.iter().chain(of_files)
    }

    /// The files that come of the translation: its query, or the rule files that were asked for. Paths mirror that of the
    /// hunt's file.
    pub(super) fn out_files(&self, unit: &Unit, rules: bool) -> Vec<OutFile<'_>> {
        let index = unit.several.then_some(unit.source.index);
        let named = |extension: &str| mirror::named(&unit.relative, index, extension);
        if rules {
            let made = self.files.iter().filter_map(|(package, file)| Some((package, file.as_ref().ok()?)));
            return made
                .map(|(package, file)| OutFile {
                    path: match &file.file_name {
                        Some(name) => unit.relative.with_file_name(name),
                        None => named(&mirror::rule_extension(*package, self.task.options.target)),
                    },
                    aside: file.file_name.as_ref().map(|name| mirror::own_folder(&unit.relative, index).join(name)),
                    text: &file.text,
                    package: Some(*package),
                })
                .collect();
        }
        let query = self.translation.query.as_deref().map(|text| OutFile {
            path: named(mirror::query_extension(self.task.options.target)),
            aside: None,
            text,
            package: None,
        });
        query.into_iter().collect()
    }

    /// Whether the translation or one of its rule files has one of these effects, as its verdict or in a note that nobody
    /// has accepted.
    pub(super) fn has_effect(&self, effects: &[Effect]) -> bool {
        effects.iter().any(|effect| {
            counts(*effect, self.translation.verdict, &self.translation.notes, &[])
                || self.files.iter().any(|(_, file)| match file {
                    Ok(file) => counts(*effect, file.verdict, &self.translation.notes, &file.notes),
                    Err(refusal) => *effect == Effect::Refused && refusal.accepted.is_none(),
                })
        })
    }
}

/// Whether an effect is there that nobody has accepted: in a note of the query or of the rule's fields, or as the verdict.
/// A verdict that comes of the notes alone is accepted with them.
fn counts(effect: Effect, verdict: Effect, notes: &[Diagnostic], of_fields: &[Diagnostic]) -> bool {
    let all = || notes.iter().chain(of_fields);
    let open = || all().filter(|note| note.accepted.is_none());
    if effect != Effect::Exact && open().any(|note| note.effect == Some(effect)) {
        return true;
    }
    verdict == effect && (of_notes(all()) != verdict || of_notes(open()) == verdict)
}

/// The effect of the notes together.
fn of_notes<'n>(notes: impl IntoIterator<Item = &'n Diagnostic>) -> Effect {
    notes.into_iter().filter_map(|note| note.effect).fold(Effect::Exact, Effect::and)
}

/// What came of one hunt: a translation for each job, and whether the hunt could not be read.
pub(super) struct Answer<'t> {
    pub(super) unread: bool,
    pub(super) made: Vec<Made<'t>>,
    /// Comments that should accept notes and can not be used.
    pub(super) faults: Vec<Diagnostic>,
    /// Comments that accept notes which none of the translations has.
    pub(super) unused: Vec<Diagnostic>,
}

impl Answer<'_> {
    /// Whether the hunt could not be read at all, so that every target has the same notes; counts the refusals.
    pub(super) fn unread_notes(&self, verdicts: &mut [usize; 6]) -> bool {
        let all_refused = self.made.iter().all(|one| one.translation.verdict == Effect::Refused);
        let same = self.made.windows(2).all(|pair| {
            pair.first().map(|one| &one.translation.notes) == pair.last().map(|one| &one.translation.notes)
        });
        let said_once = self.unread && all_refused && same;
        if said_once {
            verdicts[Effect::Refused as usize] += self.made.len();
        }
        said_once
    }
}

/// Translates the hunt for each job, and marks the notes that were accepted. All places of the notes are those of the
/// file.
pub(super) fn answer<'t>(gate: &Gate, unit: &Unit, work: &'t Work) -> Answer<'t> {
    let mut answer = translated(gate, unit, work);
    let index = unit.several.then_some(unit.source.index);
    let name = work.baseline.name(Path::new(&*unit.source.path), index);
    let allowances = unit.hunt.as_ref().map(|hunt| Allowances::read(&hunt.text, &hunt.origin)).unwrap_or_default();
    for Made { task, translation, files } in &mut answer.made {
        let target = task.options.target;
        let accept = |notes: &mut [Diagnostic]| {
            allowances.accept(target, notes);
            if let Some(name) = &name {
                work.baseline.baseline.accept(name, target, notes);
            }
        };
        accept(&mut translation.notes);
        for (_, file) in files {
            match file {
                Ok(file) => accept(&mut file.notes),
                Err(refusal) => accept(std::slice::from_mut(refusal)),
            }
        }
    }
    if !allowances.is_empty() && !answer.unread {
        let targets: Vec<Target> = work.targets().collect();
        let unused = allowances.unused(&targets, answer.made.iter().flat_map(Made::notes));
        answer.unused = unused;
    }
    answer.faults = allowances.faults;
    answer
}

/// The translations, with notes as they were made.
fn translated<'t>(gate: &Gate, unit: &Unit, work: &'t Work) -> Answer<'t> {
    let jobs = work.jobs.as_slice();
    let refused = |notes: Vec<Diagnostic>| {
        let made = jobs.iter().map(|job| Made {
            task: job.plain(),
            translation: Translation::refused(notes.clone()),
            files: Vec::new(),
        });
        Answer { unread: true, made: made.collect(), faults: Vec::new(), unused: Vec::new() }
    };
    let Some(hunt) = &unit.hunt else { return refused(unit.about_file.clone()) };
    let located = |one: Diagnostic| Page::located(one, &hunt.origin);
    let everything = || located(fault_of(Span::new(0, hunt.text.len() as u32), ""));
    let resolved = match guarded(|| gate.resolve(&hunt.text)) {
        Ok(resolved) => resolved,
        Err(fault) => return refused(vec![fault_of(everything().span, &fault)]),
    };
    if resolved.plan.is_none() {
        let unread = resolved.diagnostics.iter().any(Diagnostic::hinders_reading);
        let mut notes = unit.about_file.clone();
        notes.extend(resolved.diagnostics.into_iter().map(located));
        return Answer { unread, ..refused(notes) };
    }
    let text = hunt.text.as_str();
    let translate = |job: &'t Job| match job {
        Job::One(task) => (task, gate.translate(text, &hunt.about, &resolved, &task.options)),
        Job::Better { eql, esql } => {
            let (target, translation) =
                gate.translate_elastic(text, &hunt.about, &resolved, &eql.options, &esql.options);
            (if target == Target::Eql { eql } else { esql }, translation)
        }
    };
    let mut unread = false;
    let mut made: Vec<Made<'t>> = Vec::with_capacity(jobs.len());
    for job in jobs {
        let (task, translation) = guarded(|| translate(job)).unwrap_or_else(|fault| {
            unread = true;
            (job.plain(), Translation::refused(vec![fault_of(Span::new(0, text.len() as u32), &fault)]))
        });
        made.push(Made { task, translation, files: Vec::new() });
    }
    let is_asked = |target: Target| jobs.iter().any(|job| matches!(job, Job::One(it) if it.options.target == target));
    let known: Vec<(&str, Effect)> = made
        .iter()
        .filter(|one| one.task.options.target == Target::Esql)
        .map(|one| (one.task.schema.as_str(), one.translation.verdict))
        .collect();
    for Made { task, translation, files } in &mut made {
        if task.options.target == Target::Eql && is_asked(Target::Eql) {
            let esql = known.iter().find(|(schema, _)| *schema == task.schema).map(|(_, verdict)| *verdict);
            // A fault in looking at the other language leaves this one as it is.
            let _ = guarded(|| gate.advise(text, &resolved, &task.options, esql, translation));
        }
        translation.notes = std::mem::take(&mut translation.notes).into_iter().map(located).collect();
        if let (Some(packager), Some(_)) = (&work.packager, &translation.query) {
            let subject = Subject {
                about: &hunt.about,
                text,
                target: task.options.target,
                schema: &task.schema,
                translation,
                span: hunt.origin.whole(),
            };
            *files = work
                .packages_of(task.options.target)
                .map(|package| {
                    let made = guarded(|| packager.pack(package, &subject));
                    (package, made.unwrap_or_else(|fault| Err(Box::new(fault_of(subject.span, &fault)))))
                })
                .collect();
        }
        // What is to be said of the file is no part of a rule that came out of it.
        translation.notes.splice(0..0, unit.about_file.iter().cloned());
        if work.annotate {
            translation.annotate(task.options.target);
        }
    }
    Answer { unread, made, faults: Vec::new(), unused: Vec::new() }
}

impl Job {
    /// Asks for queries as rules run them.
    pub(super) fn for_rules(&mut self, rules: bool) {
        match self {
            Self::One(task) => task.options.rule = rules,
            Self::Better { eql, esql } => (eql.options.rule, esql.options.rule) = (rules, rules),
        }
    }

    /// The task that an answer without a translation is shown with.
    fn plain(&self) -> &Task {
        match self {
            Self::One(task) | Self::Better { esql: task, .. } => task,
        }
    }
}
