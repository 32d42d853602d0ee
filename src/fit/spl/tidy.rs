//! The commands of a search, put together as one would write them: neighbouring assignments in one `eval`, and the query's
//! own fields taken away once, at the end, where nothing has dropped them before.

use std::collections::BTreeSet;

use super::tree::{Command, Glob, Name};

/// The prefix of the query's own fields.
pub(super) const HELPER: &str = "huntgate_";

/// So many fields are taken away by their names; more by the pattern that all of them fit.
const NAMED: usize = 4;

/// Tidies the commands of a search. `live`: a column of the result lies in one of the query's own fields.
pub(super) fn tidy(commands: Vec<Command>, live: bool) -> Vec<Command> {
    let mut out: Vec<Command> = Vec::with_capacity(commands.len());
    let mut away: Vec<Name> = Vec::new();
    let mut filled: BTreeSet<Name> = BTreeSet::new();
    for command in commands {
        let Some(command) = fill_once(command, &mut filled) else { continue };
        match command {
            Command::FieldsAway(names) => {
                let (helpers, others): (Vec<_>, Vec<_>) =
                    names.into_iter().partition(|name| name.text().starts_with(HELPER));
                for helper in helpers {
                    if !away.contains(&helper) {
                        away.push(helper);
                    }
                }
                if !others.is_empty() {
                    out.push(Command::FieldsAway(others));
                }
            }
            Command::Eval(assignments) => {
                if let Some(Command::Eval(before)) = out.last_mut() {
                    before.extend(assignments);
                } else {
                    out.push(Command::Eval(assignments));
                }
            }
            // These keep none of the fields that they do not name.
            Command::Stats { .. } | Command::Table(_) | Command::Fields(_) | Command::XySeries(..) => {
                away.clear();
                if let (Some(Command::FieldsAway(gone)), Command::Table(names) | Command::Fields(names)) =
                    (out.last(), &command)
                    && !gone.iter().any(|name| names.contains(name))
                {
                    out.pop();
                }
                out.push(command);
            }
            other => out.push(other),
        }
    }
    if !away.is_empty() {
        let pattern = Glob::new(&format!("{HELPER}*")).filter(|_| away.len() > NAMED && !live);
        out.push(match pattern {
            Some(pattern) => Command::FieldsAwayLike(vec![pattern]),
            None => Command::FieldsAway(away),
        });
    }
    out
}

/// A command without the filling of fields that are filled already; `filled` are those in front of it and, in the end,
/// those behind it.
fn fill_once(command: Command, filled: &mut BTreeSet<Name>) -> Option<Command> {
    match command {
        Command::FillEmpty(names) => {
            let names: Vec<Name> = names.into_iter().filter(|name| filled.insert(name.clone())).collect();
            return (!names.is_empty()).then_some(Command::FillEmpty(names));
        }
        Command::Eval(ref assignments) => assignments.iter().for_each(|(name, _)| {
            filled.remove(name);
        }),
        Command::Stats { ref by, .. } => filled.retain(|name| by.contains(name)),
        Command::Fields(ref names) | Command::Table(ref names) => filled.retain(|name| names.contains(name)),
        Command::FieldsAway(ref names) => filled.retain(|name| !names.contains(name)),
        // None of these changes a field that is there.
        Command::Where(_)
        | Command::Refine(_)
        | Command::Sort { .. }
        | Command::Head(_)
        | Command::Dedup(_)
        | Command::Reverse
        | Command::Lookup { .. }
        | Command::Join { .. } => {}
        Command::Search(_)
        | Command::From(_)
        | Command::Tstats(_)
        | Command::Undressed(_)
        | Command::FieldsAwayLike(_)
        | Command::TableLike(_)
        | Command::Rename(_)
        | Command::EventStats { .. }
        | Command::StreamStats { .. }
        | Command::MakeResults(_)
        | Command::InputLookup(_)
        | Command::Multisearch(_)
        | Command::IpLocation { .. }
        | Command::MvExpand(..)
        | Command::Rex { .. }
        | Command::XySeries(..)
        | Command::FillZero
        | Command::Spath(_)
        | Command::AppendPipe(_)
        | Command::Append(_) => filled.clear(),
    }
    Some(command)
}
