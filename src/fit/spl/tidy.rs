//! The commands of a search, put together as one would write them: neighbouring assignments in one `eval`, and the query's
//! own fields taken away once, at the end, where nothing has dropped them before.

use super::tree::{Command, Name};

/// The prefix of the query's own fields.
pub(super) const HELPER: &str = "huntgate_";

/// Tidies the commands of a search.
pub(super) fn tidy(commands: Vec<Command>) -> Vec<Command> {
    let mut out: Vec<Command> = Vec::with_capacity(commands.len());
    let mut away: Vec<Name> = Vec::new();
    for command in commands {
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
            Command::Eval(assignments) => match out.last_mut() {
                Some(Command::Eval(before)) => before.extend(assignments),
                _ => out.push(Command::Eval(assignments)),
            },
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
        out.push(Command::FieldsAway(away));
    }
    out
}
