//! What the reports count and put in order: verdicts by target, causes, what to look at first, what the site needs.
//!
//! Whoever reads these lists acts on them, so each says no more than the notes do: a cause counts the rules whose notes name
//! it, and those that have no other.

use std::collections::{BTreeMap, BTreeSet};

use super::{ConnectorRow, HuntRow, Migration, NoteRow, TargetRow};
use crate::about::AlertSeverity;
use crate::diagnostic::{Code, Effect};
use crate::fit::NeedKind;

/// What notes end with that stand for a part of what was left out.
const PART: &str = " (this is a part of it)";

/// What a report shows before it shows each rule. Hunts are places in [`Migration::hunts`].
#[derive(Debug)]
pub struct Summary<'m> {
    /// How many of which verdict, for each target and form of file, in the order in which they were asked for.
    pub counts: Vec<Counted>,
    /// What to look at first: each hunt once, for its gravest reason.
    pub first: Vec<First>,
    /// What stands between rules and a faithful translation, the most frequent first.
    pub causes: Vec<Cause<'m>>,
    /// What the target's site must have, and which hunts need it.
    pub needs: Vec<Needed<'m>>,
    /// Where the source's data comes from, and which hunts say so.
    pub connectors: Vec<(&'m ConnectorRow, Vec<usize>)>,
}

/// How many of which verdict.
#[derive(Debug, PartialEq, Eq)]
pub struct Counted {
    /// The target language.
    pub target: &'static str,
    /// The form of rule file; `None` is a query.
    pub package: Option<&'static str>,
    /// By effect, in the order of [`Effect::ALL`].
    pub verdicts: [usize; 6],
}

/// Why a hunt is to be looked at, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It misses events, and its severity is high.
    GraveNarrower,
    /// There is none, and its severity is high.
    GraveRefused,
    /// It misses events.
    Narrower,
    /// It is not known what it selects.
    Unsure,
    /// There is none.
    Refused,
    /// It selects more events.
    Broader,
}

impl Reason {
    /// The reason in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::GraveNarrower => "narrower, of high severity",
            Self::GraveRefused => "refused, of high severity",
            Self::Narrower => "narrower",
            Self::Unsure => "unsure",
            Self::Refused => "refused",
            Self::Broader => "broader",
        }
    }

    const fn of(effect: Effect, grave: bool) -> Option<Self> {
        match (effect, grave) {
            (Effect::Exact | Effect::Reshaped, _) => None,
            (Effect::Broader, _) => Some(Self::Broader),
            (Effect::Narrower, true) => Some(Self::GraveNarrower),
            (Effect::Narrower, false) => Some(Self::Narrower),
            (Effect::Unsure, _) => Some(Self::Unsure),
            (Effect::Refused, true) => Some(Self::GraveRefused),
            (Effect::Refused, false) => Some(Self::Refused),
        }
    }
}

/// A hunt that is to be looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct First {
    /// The hunt.
    pub hunt: usize,
    /// Why.
    pub reason: Reason,
    /// In which targets.
    pub targets: Vec<&'static str>,
}

/// Something that several rules fail by.
#[derive(Debug, PartialEq, Eq)]
pub struct Cause<'m> {
    /// The target language.
    pub target: &'static str,
    /// The code of the notes.
    pub code: Code,
    /// What they say: it names the table, the column or the function.
    pub message: &'m str,
    /// The hunts whose notes name it.
    pub hunts: Vec<usize>,
    /// How many of them have no other cause in this target.
    pub alone: usize,
}

/// Something that a site must have.
#[derive(Debug, PartialEq, Eq)]
pub struct Needed<'m> {
    /// The target language.
    pub target: &'static str,
    /// What it is.
    pub kind: NeedKind,
    /// Its name.
    pub name: &'m str,
    /// What it stands for in the hunts.
    pub of: Vec<&'m str>,
    /// The hunts that need it.
    pub hunts: Vec<usize>,
}

impl<'m> Summary<'m> {
    /// Counts and orders.
    pub fn new(migration: &'m Migration) -> Self {
        let hunts = migration.hunts.as_slice();
        Self {
            counts: counts(hunts),
            first: first(hunts),
            causes: causes(hunts),
            needs: needs(hunts),
            connectors: connectors(hunts),
        }
    }
}

fn counts(hunts: &[HuntRow]) -> Vec<Counted> {
    let mut counts: Vec<Counted> = Vec::new();
    for row in hunts.iter().flat_map(|hunt| &hunt.targets) {
        for (package, verdict) in row.verdicts() {
            let is_it = |one: &Counted| one.target == row.target && one.package == package;
            let at = counts.iter().position(is_it).unwrap_or_else(|| {
                counts.push(Counted { target: row.target, package, verdicts: [0; 6] });
                counts.len() - 1
            });
            if let Some(one) = counts.get_mut(at) {
                one.verdicts[verdict as usize] += 1;
            }
        }
    }
    counts
}

fn first(hunts: &[HuntRow]) -> Vec<First> {
    let mut found: Vec<First> = Vec::new();
    for (at, hunt) in hunts.iter().enumerate() {
        let grave = hunt.grave.is_some_and(|severity| severity >= AlertSeverity::High);
        let reason = |row: &TargetRow| row.verdicts().filter_map(|(_, effect)| Reason::of(effect, grave)).min();
        let Some(gravest) = hunt.targets.iter().filter_map(reason).min() else { continue };
        let targets = hunt.targets.iter().filter(|row| reason(row) == Some(gravest)).map(|row| row.target).collect();
        found.push(First { hunt: at, reason: gravest, targets });
    }
    // Of one reason the more severe and those of more targets stand first, and the order of the hunts decides last.
    let severity = |one: &First| hunts.get(one.hunt).and_then(|hunt| hunt.grave);
    found.sort_by(|one, two| {
        let order = one.reason.cmp(&two.reason).then_with(|| severity(two).cmp(&severity(one)));
        order.then_with(|| two.targets.len().cmp(&one.targets.len())).then(one.hunt.cmp(&two.hunt))
    });
    found
}

/// What a note says, wherever in the hunt it says it.
fn cause(note: &NoteRow) -> &str {
    note.message.strip_suffix(PART).unwrap_or(&note.message)
}

/// Whether somebody should look at it: what was accepted was looked at.
fn is_cause(note: &NoteRow) -> bool {
    note.accepted.is_none() && Reason::of(note.effect, false).is_some()
}

fn causes(hunts: &[HuntRow]) -> Vec<Cause<'_>> {
    let mut found: BTreeMap<(&'static str, Code, &str), Cause<'_>> = BTreeMap::new();
    for (at, hunt) in hunts.iter().enumerate() {
        for row in &hunt.targets {
            let own: BTreeSet<(Code, &str)> =
                row.all_notes().filter(|note| is_cause(note)).map(|note| (note.code, cause(note))).collect();
            for note in row.all_notes().filter(|note| is_cause(note)) {
                let key = (row.target, note.code, cause(note));
                let one = found.entry(key).or_insert_with(|| Cause {
                    target: row.target,
                    code: note.code,
                    message: cause(note),
                    hunts: Vec::new(),
                    alone: 0,
                });
                if one.hunts.last() != Some(&at) {
                    one.hunts.push(at);
                    one.alone += usize::from(own.len() == 1);
                }
            }
        }
    }
    let mut found: Vec<Cause> = found.into_values().collect();
    found.sort_by(|one, two| two.alone.cmp(&one.alone).then_with(|| two.hunts.len().cmp(&one.hunts.len())));
    found
}

fn needs(hunts: &[HuntRow]) -> Vec<Needed<'_>> {
    /// What it stands for, and the hunts.
    type Needing<'m> = (BTreeSet<&'m str>, Vec<usize>);
    let mut order: Vec<&'static str> = Vec::new();
    let mut found: BTreeMap<(usize, NeedKind, &str), Needing<'_>> = BTreeMap::new();
    for (at, hunt) in hunts.iter().enumerate() {
        for row in &hunt.targets {
            let target = order.iter().position(|known| *known == row.target).unwrap_or_else(|| {
                order.push(row.target);
                order.len() - 1
            });
            for need in &row.needs {
                let (of, needing) = found.entry((target, need.kind, &need.name)).or_default();
                if !need.of.is_empty() {
                    of.insert(&need.of);
                }
                if needing.last() != Some(&at) {
                    needing.push(at);
                }
            }
        }
    }
    let rows = found.into_iter().filter_map(|((target, kind, name), (of, hunts))| {
        Some(Needed { target: order.get(target)?, kind, name, of: of.into_iter().collect(), hunts })
    });
    rows.collect()
}

fn connectors(hunts: &[HuntRow]) -> Vec<(&ConnectorRow, Vec<usize>)> {
    let mut found: BTreeMap<&ConnectorRow, Vec<usize>> = BTreeMap::new();
    for (at, hunt) in hunts.iter().enumerate() {
        for connector in &hunt.connectors {
            let saying = found.entry(connector).or_default();
            if saying.last() != Some(&at) {
                saying.push(at);
            }
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::migration::{MANIFEST_FORM, NeedRow, OutputRow};

    pub(crate) fn note(code: Code, effect: Effect, message: &str) -> NoteRow {
        NoteRow { code, effect, message: message.to_owned(), accepted: None, line: 1, column: 2 }
    }

    pub(crate) fn hunt(
        name: &str,
        grave: Option<AlertSeverity>,
        rows: Vec<(&'static str, Effect, Vec<NoteRow>)>,
    ) -> HuntRow {
        let targets = rows.into_iter().map(|(target, verdict, notes)| TargetRow {
            target,
            schema: "s".to_owned(),
            verdict,
            needs: vec![NeedRow { kind: NeedKind::Lookup, name: "list".to_owned(), of: name.to_owned() }],
            notes,
            outputs: vec![OutputRow {
                package: None,
                verdict,
                path: (verdict != Effect::Refused).then(|| format!("{name}.spl")),
                sha256: None,
                kept: false,
                notes: Vec::new(),
            }],
        });
        HuntRow {
            path: format!("{name}.kql"),
            index: 0,
            name: Some(name.to_owned()),
            id: None,
            kind: None,
            severity: None,
            grave,
            read: true,
            connectors: vec![ConnectorRow { id: "C".to_owned(), data_types: Vec::new() }],
            unread: Vec::new(),
            remarks: Vec::new(),
            targets: targets.collect(),
        }
    }

    pub(crate) fn migration(hunts: Vec<HuntRow>) -> Migration {
        Migration {
            form: MANIFEST_FORM,
            huntgate: "0",
            made: "query",
            hunts,
            files: Vec::new(),
            reports: Vec::new(),
            left: Vec::new(),
        }
    }

    #[test]
    fn what_misses_events_and_matters_stands_first_and_causes_are_counted_once_a_hunt() {
        let unknown = |what: &str| note(Code::UnknownFunction, Effect::Refused, &format!("`{what}` is not known"));
        let narrow = || note(Code::SourceNarrower, Effect::Narrower, "only some of `T`");
        let high = Some(AlertSeverity::High);
        let it = migration(vec![
            hunt("a", None, vec![("splunk", Effect::Exact, vec![]), ("eql", Effect::Broader, vec![])]),
            hunt("b", high, vec![("splunk", Effect::Refused, vec![unknown("f"), unknown("f")])]),
            hunt("c", None, vec![("splunk", Effect::Narrower, vec![narrow()])]),
            hunt("d", high, vec![("splunk", Effect::Narrower, vec![narrow()])]),
            hunt("e", None, vec![("splunk", Effect::Refused, vec![unknown("f"), unknown("g")])]),
        ]);
        let summary = Summary::new(&it);
        let first: Vec<(usize, Reason)> = summary.first.iter().map(|one| (one.hunt, one.reason)).collect();
        let expected = [
            (3, Reason::GraveNarrower),
            (1, Reason::GraveRefused),
            (2, Reason::Narrower),
            (4, Reason::Refused),
            (0, Reason::Broader),
        ];
        assert_eq!(first, expected);
        let causes: Vec<_> = summary.causes.iter().map(|it| (it.message, it.hunts.len(), it.alone)).collect();
        assert_eq!(causes, [("only some of `T`", 2, 2), ("`f` is not known", 2, 1), ("`g` is not known", 1, 0)]);
        assert_eq!(summary.counts.first().map(|one| one.verdicts), Some([1, 0, 0, 2, 0, 2]));
        let needed = summary.needs.iter().find(|it| it.target == "splunk").unwrap();
        assert_eq!((needed.hunts.len(), needed.of.as_slice()), (5, &["a", "b", "c", "d", "e"][..]));
        assert_eq!(summary.connectors.len(), 1);
    }
}
