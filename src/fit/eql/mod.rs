//! Plan → EQL: one event condition, `head` and `tail`.
//!
//! EQL selects events and returns them whole, in the order of time. Conditions on events are carried; columns are not made,
//! but a computed column is put into the conditions that use it; groups are not made, so a condition on their values is left
//! out; a join is refused unless it only adds or removes rows of the left side. Which conditions EQL can say is decided in
//! `condition`, `text`, `test` and `value`.
//! See <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax>.

mod condition;
mod constant;
mod function;
mod join;
mod limit;
mod order;
mod part;
mod rows;
mod scope;
mod test;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod tree;
mod value;

use std::collections::HashSet;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Fields, Frame, Ledger, Refused, TimeRange, Window};
use crate::plan::{Expr, NodeId, Pipeline, Source};
use crate::target::{Selector, TermTest};

use condition::Conditions;
use rows::{Branch, Rows};
use tree::{Compare, Cond, Constant, How, Query, Value};

/// Fits a plan to EQL; gives the query and the time over which it is to be run.
pub(crate) fn fit(frame: &Frame<'_>, ledger: &mut Ledger) -> Result<(Query, Option<TimeRange>), Refused> {
    let plan = frame.plan;
    let (range, windows) = windows(&plan.pipeline);
    let held: HashSet<NodeId> = windows.iter().map(|expr| expr.id).collect();
    let is_held = |expr: &Expr| held.contains(&expr.id);
    let fields = Fields::new(*frame);
    for window in &windows {
        let message = "the time window is not in the query but in `time_range`";
        let note = Diagnostic::note(Code::TimeInRange, Effect::Exact, window.span, message);
        ledger.rewritten_whole(*window, Polarity::Positive, note.help("run the query over that range"));
    }
    let conditions = Conditions::new(*frame, &fields, ledger, &is_held);
    let mut rows = Rows::new(conditions, &plan.pipeline);
    let branches = rows.pipeline(&plan.pipeline)?;
    let pipes = rows.finish()?;
    let Rows { conditions, .. } = rows;
    let (category, condition) = joined(&fields, conditions.ledger, &plan.pipeline, branches);
    Ok((Query { category, condition, pipes }, range))
}

/// The window that stands outside of the query, and the conditions that it says.
fn windows(pipeline: &Pipeline) -> (Option<TimeRange>, Vec<&Expr>) {
    let own = Window::leading(pipeline);
    if let Some(range) = own.time_range() {
        return (Some(range), own.conditions);
    }
    // Branches that all have the same window share it.
    let Source::Union(union) = &pipeline.source else { return (None, Vec::new()) };
    let (mut shared, mut conditions) = (None, Vec::new());
    for branch in &union.branches {
        let (range, window) = windows(branch);
        match (&shared, range) {
            (None, Some(range)) => shared = Some(range),
            (Some(known), Some(range)) if *known == range => {}
            _ => return (None, Vec::new()),
        }
        conditions.extend(window);
    }
    (shared, conditions)
}

/// The branches of a union as one condition.
fn joined(
    fields: &Fields<'_>,
    ledger: &mut Ledger,
    pipeline: &Pipeline,
    branches: Vec<Branch<'_, '_>>,
) -> (Option<String>, Cond) {
    let mut parts: Vec<(Option<String>, Cond, Cond)> = Vec::with_capacity(branches.len());
    let mut tables: Vec<String> = Vec::new();
    for branch in branches {
        let (category, selector) = selected(&branch);
        let name = branch.scope.table.name.to_string();
        if !tables.contains(&name) {
            tables.push(name);
        }
        let part = (category, selector, Cond::all(branch.conds));
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    let span = pipeline.span;
    let unselected = parts.iter().any(|(_, selector, _)| matches!(selector, Cond::Constant(true)));
    let same_condition = parts.windows(2).all(|pair| pair[0].2 == pair[1].2);
    if unselected {
        let named: Vec<String> = tables.iter().take(6).map(|name| format!("`{}`", name.replace('`', "'"))).collect();
        let mut list = named.join(", ");
        if tables.len() > 6 {
            list.push_str(", …");
        }
        let (effect, message) = if same_condition || tables.len() < 2 {
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
    let category = match parts.split_first() {
        Some(((first, ..), rest)) if rest.iter().all(|(category, ..)| category == first) => first.clone(),
        _ => None,
    };
    let alone = category.is_some();
    let with_category = |category: &Option<String>| match category {
        Some(category) if !alone => Cond::Compare {
            op: Compare::Eq,
            value: Value::Field { name: "event.category".to_owned(), optional: true },
            with: Constant::Text(category.clone()),
        },
        Some(_) | None => Cond::Constant(true),
    };
    let condition = if same_condition {
        let selectors = parts.iter().map(|(own, selector, _)| Cond::all(vec![with_category(own), selector.clone()]));
        let selectors = Cond::any(selectors.collect());
        Cond::all(vec![selectors, parts.pop().map_or(Cond::Constant(true), |(_, _, cond)| cond)])
    } else {
        let parts = parts.into_iter();
        Cond::any(parts.map(|(own, selector, cond)| Cond::all(vec![with_category(&own), selector, cond])).collect())
    };
    (category, condition)
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
