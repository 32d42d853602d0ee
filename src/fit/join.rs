//! Which columns a join brings over to the other side, by what is read behind it. How rows find one another is each
//! target's matter.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::demand::{Demand, mentioned};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{Join, ScalarType};
use crate::source::Span;

/// A column of a row that goes into a join: its name there and afterwards, and its type.
pub(crate) type Output = (Arc<str>, Arc<str>, ScalarType);

/// The columns of the right side of a join that are read after it, and whether others are left out. `events` says whether
/// its rows are events, and `adds` whether a name that is read and that no known column has may be one of its columns.
pub(crate) fn outputs(
    join: &Join,
    demand: &Demand,
    lookup: bool,
    events: bool,
    adds: impl Fn(&Arc<str>) -> bool,
) -> (Vec<Output>, bool) {
    let row = &join.right.columns;
    let mut named = BTreeSet::new();
    if demand.open && events {
        mentioned(join.right.as_ref(), &mut named);
    }
    let is_key = |name: &Arc<str>| join.on.iter().any(|key| key.right.as_column().is_some_and(|it| it.name == *name));
    let mut outputs: Vec<Output> = Vec::new();
    let mut brought: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut dropped = false;
    for (own, ty) in &row.columns {
        if lookup && is_key(own) {
            continue;
        }
        let name = join.renamed.iter().find(|(from, _)| from == own).map_or(own, |(_, to)| to);
        let wanted = demand.names.contains(name) || demand.open && (!events || named.contains(own) && !is_key(own));
        if wanted {
            brought.insert(name.clone());
            outputs.push((own.clone(), name.clone(), *ty));
        } else {
            dropped |= demand.open;
        }
    }
    if row.open || events {
        dropped |= demand.open && row.open;
        let added = demand.names.iter().filter(|name| !brought.contains(*name) && adds(name));
        outputs.extend(added.map(|name| (name.clone(), name.clone(), ScalarType::Unknown)));
    }
    (outputs, dropped)
}

/// What is read of the right side, by its own names.
pub(crate) fn own_demand(join: &Join, demand: &Demand) -> Demand {
    let own = |name: &Arc<str>| {
        join.renamed.iter().find(|(_, to)| to == name).map_or_else(|| name.clone(), |(from, _)| from.clone())
    };
    let mut names: BTreeSet<Arc<str>> = demand.names.iter().map(own).collect();
    join.on.iter().for_each(|key| mentioned(&key.right, &mut names));
    Demand { names, open: demand.open }
}

/// The note of the columns that a join leaves out.
pub(crate) fn columns_dropped(span: Span) -> Diagnostic {
    let message = "columns that the hunt does not name are not brought over by the join";
    Diagnostic::note(Code::ColumnsDropped, Effect::Reshaped, span, message)
        .help("end the hunt with a `project` of the columns that matter")
}
