//! The events of tables as one condition: what selects a table, and what becomes of events of other tables where nothing
//! does.

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Fields, Ledger};
use crate::source::Span;
use crate::target::{Selector, TermTest};

use super::rows::Branch;
use super::sets::Set;
use super::tree::{Compare, Cond, Constant, Event, How, Value};

/// What selects the events of one branch.
struct Part {
    category: Option<String>,
    selector: Cond,
    condition: Cond,
}

/// The sets of events, each of the branches of a union.
pub(super) fn events(fields: &Fields<'_>, ledger: &mut Ledger, span: Span, sets: &mut [Set<'_, '_>]) -> Vec<Event> {
    note_unselected(fields, ledger, span, sets);
    sets.iter_mut().map(|set| event(std::mem::take(&mut set.branches))).collect()
}

/// The branches of a union as one condition.
fn event(branches: Vec<Branch<'_, '_>>) -> Event {
    let mut parts: Vec<Part> = Vec::with_capacity(branches.len());
    for branch in branches {
        let (category, selector) = selected(&branch);
        let part = Part { category, selector, condition: Cond::all(branch.conds) };
        let same =
            |it: &Part| it.category == part.category && it.selector == part.selector && it.condition == part.condition;
        if !parts.iter().any(same) {
            parts.push(part);
        }
    }
    let same_condition = parts.windows(2).all(|pair| match pair {
        [a, b] => a.condition == b.condition,
        _ => true,
    });
    let category = match parts.split_first() {
        Some((first, rest)) if rest.iter().all(|part| part.category == first.category) => first.category.clone(),
        _ => None,
    };
    let alone = category.is_some();
    let of_category = |category: &Option<String>| match category {
        Some(category) if !alone => Cond::Compare {
            op: Compare::Eq,
            value: Value::Field { name: "event.category".to_owned(), optional: true },
            with: Constant::Text(category.clone()),
        },
        Some(_) | None => Cond::Constant(true),
    };
    let condition = if same_condition {
        let selectors =
            parts.iter().map(|part| Cond::all(vec![of_category(&part.category), part.selector.clone()])).collect();
        Cond::all(vec![Cond::any(selectors), parts.pop().map_or(Cond::Constant(true), |part| part.condition)])
    } else {
        let whole = |part: Part| Cond::all(vec![of_category(&part.category), part.selector, part.condition]);
        Cond::any(parts.into_iter().map(whole).collect())
    };
    Event { category, condition }
}

/// The category and the condition that select the events of a table.
fn selected(branch: &Branch<'_, '_>) -> (Option<String>, Cond) {
    let Selector::Elastic(selector) = branch.scope.table.selector.as_ref() else {
        return (None, Cond::Constant(true));
    };
    let category = selector.event_category.clone().filter(|category| category != "any");
    let terms = selector.terms.iter().map(|term| {
        let value = Value::Field { name: term.field.clone(), optional: true };
        match &term.test {
            TermTest::OneOf(values) => match values.as_slice() {
                [only] => Cond::Compare { op: Compare::Eq, value, with: Constant::Text(only.clone()) },
                many => Cond::In { value, list: many.iter().cloned().map(Constant::Text).collect(), negated: false },
            },
            TermTest::Like(patterns) => Cond::Match { value, how: How::WildcardCased, patterns: patterns.clone() },
            TermTest::Exists => Cond::Null { value, is: false },
            // The value is a column of the hunt: it is selected by the hunt's own condition on it.
            TermTest::FromColumn { .. } => Cond::Constant(true),
        }
    });
    (category, Cond::all(terms.collect()))
}

/// Says where the query is to be run if it does not select the tables itself.
fn note_unselected(fields: &Fields<'_>, ledger: &mut Ledger, span: Span, sets: &[Set<'_, '_>]) {
    let all: Vec<&Branch<'_, '_>> = sets.iter().flat_map(|set| &set.branches).collect();
    let mut tables: Vec<String> = Vec::new();
    for branch in &all {
        let name = branch.scope.table.name.replace('`', "'");
        if !tables.contains(&name) {
            tables.push(name);
        }
    }
    let open = |branch: &Branch<'_, '_>| matches!(selected(branch).1, Cond::Constant(true));
    if !all.iter().any(|branch| open(branch)) {
        return;
    }
    let same = all.windows(2).all(|pair| match pair {
        [a, b] => a.conds == b.conds,
        _ => true,
    });
    let own = fields.keeps_names() && all.iter().all(|branch| is_of_its_table(branch, &all));
    let named: Vec<String> = tables.iter().take(6).map(|name| format!("`{name}`")).collect();
    let mut list = named.join(", ");
    if tables.len() > 6 {
        list.push_str(", …");
    }
    let (effect, message) = if tables.len() < 2 || own || (same && sets.len() < 2) {
        (Effect::Exact, format!("the query does not select the table: run it over the index of {list}"))
    } else {
        let message = format!("the condition on each of {list} is applied to the events of all of them");
        (Effect::Broader, message)
    };
    // A mapped schema that selects by the index alone says the same as the source schema.
    let help = match fields.keeps_names() {
        true => "choose the index where the query is run",
        false => "the schema selects this table by its index alone",
    };
    ledger.note(Polarity::Positive, Diagnostic::note(Code::SelectorMissing, effect, span, message).help(help));
}

/// Whether no event of the other tables satisfies the condition of a branch: it asks for a field that only its own table
/// has.
fn is_of_its_table(branch: &Branch<'_, '_>, all: &[&Branch<'_, '_>]) -> bool {
    let mut others = all.iter().filter(|other| other.scope.table.name != branch.scope.table.name).peekable();
    if others.peek().is_none() {
        return true;
    }
    let mut wanted: Vec<&str> = Vec::new();
    for cond in &branch.conds {
        needed(cond, &mut wanted);
    }
    others.all(|other| {
        other.scope.table.row.is_some_and(|row| {
            wanted.iter().any(|name| {
                let column = name.split('.').next().unwrap_or(name);
                row.column(column).is_none() && !row.is_time(column) && !column.starts_with('@')
            })
        })
    })
}

/// The fields without which a condition does not hold.
fn needed<'c>(cond: &'c Cond, out: &mut Vec<&'c str>) {
    let mut fields = |value: &'c Value| {
        value.fields(&mut |field| {
            if let Value::Field { name, .. } = field {
                out.push(name);
            }
        });
    };
    match cond {
        Cond::All(items) => items.iter().for_each(|item| needed(item, out)),
        Cond::Compare { op: Compare::Ne, .. } | Cond::In { negated: true, .. } | Cond::Null { is: true, .. } => {}
        Cond::Compare { value, .. } | Cond::In { value, .. } | Cond::Null { value, .. } => fields(value),
        Cond::Match { value, .. } | Cond::Cidr { value, .. } => fields(value),
        Cond::Constant(_) | Cond::Any(_) | Cond::Not(_) => {}
    }
}
