//! Conditions on the distance in time between two sets of events, as bounds of a sequence: what a name means in the sets of
//! a selection, and what a sequence says of a bound.

use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::fit::distance::{self, Bound, Distance, End, TimeOf};
use crate::plan::{ColumnRef, Expr};

use super::condition::Conditions;
use super::scope::{Loss, Meaning, Place};
use super::sets::Selection;

/// Where a name is looked up: at a place, in all sets or in the one whose own column it is.
#[derive(Clone, Copy, Debug)]
struct At {
    place: Place,
    only: Option<usize>,
}

/// The names of a selection.
struct Names<'n, 'p, 'a, 'l> {
    conditions: &'n Conditions<'p, 'a, 'l>,
    rows: &'n Selection<'p, 'a>,
}

impl<'p, 'a> Conditions<'p, 'a, '_> {
    /// The bound that a condition is, if it is one.
    pub(super) fn bound(&self, expr: &'p Expr, rows: &Selection<'p, 'a>, place: Place) -> Option<Bound<'p>> {
        let names = Names { conditions: self, rows };
        let found = distance::distance(&names, expr, At { place, only: None })?;
        let (code, effect, message) = if found.of_group.is_some() {
            let message = "the first or last time of a group is compared; the sequence compares that of each event";
            (Code::Approximated, Effect::Broader, message)
        } else if found.borders {
            let message = "`datetime_diff` counts the borders of units between two times; the sequence compares the time \
                           between them";
            (Code::Approximated, Effect::Broader, message)
        } else if found.strict {
            let message = "the order of the steps and `maxspan` say this; a distance that is the bound itself is one \
                           tick of the clock beyond it";
            (Code::JoinAsSequence, Effect::Exact, message)
        } else {
            (Code::JoinAsSequence, Effect::Exact, "the order of the steps and `maxspan` say this")
        };
        let note = Some(Diagnostic::note(code, effect, expr.span, message));
        let Distance { earlier, later, from, to, .. } = found;
        Some(Bound { earlier, later, from, to, of: expr, span: expr.span, note })
    }
}

impl<'p> Names<'_, 'p, '_, '_> {
    /// The set that a name belongs to, and what it means there.
    fn meaning(&self, column: &ColumnRef, at: At) -> Option<(usize, Meaning<'p>)> {
        self.rows.sets.iter().enumerate().find_map(|(index, set)| {
            let seen = at.only.map_or(at.place >= set.since, |only| only == index);
            let branch = set.branches.first().filter(|_| seen)?;
            match branch.scope.meaning(&column.name, column.known, at.place) {
                Meaning::Lost(Loss::Joined, _) => None,
                meaning => Some((index, meaning)),
            }
        })
    }
}

impl<'p> distance::Times<'p> for Names<'_, 'p, '_, '_> {
    type At = At;

    fn computed(&self, column: &ColumnRef, at: &At) -> Option<(&'p Expr, At)> {
        match self.meaning(column, *at)? {
            (set, Meaning::Computed(inner, place)) => {
                let since = self.rows.sets.get(set)?.since;
                Some((inner, At { place, only: if place < since { Some(set) } else { None } }))
            }
            (_, Meaning::Source | Meaning::Lost(..)) => None,
        }
    }

    fn time(&self, column: &ColumnRef, at: &At) -> Option<TimeOf> {
        let (index, meaning) = self.meaning(column, *at)?;
        match meaning {
            Meaning::Source => {}
            // A sequence compares neither.
            Meaning::Lost(Loss::Time, _) => return Some(TimeOf { set: index, of_group: Some(End::Last) }),
            Meaning::Lost(..) | Meaning::Computed(..) => return None,
        }
        let set = self.rows.sets.get(index)?;
        let is_time = set.branches.iter().all(|branch| {
            let own = branch.scope.original(column, at.place);
            self.conditions.fields.is_time(&branch.scope.table, &own.name)
        });
        is_time.then_some(TimeOf { set: index, of_group: None })
    }

    fn function(&self, expr: &Expr) -> Option<&str> {
        self.conditions.function(expr)
    }
}
