//! A hunt over a data model as `tstats`, where its shape allows it.
//!
//! A conversion is made whole or not at all: whatever is not known to mean the same stays a search over the events.
//! See <https://help.splunk.com/en/splunk-enterprise/search/spl-search-reference/10.0/search-commands/tstats>.

use super::form::{call, number};
use std::collections::BTreeSet;

use super::model::{Model, rename_further, stats_as_distinct};
use super::tree::*;

/// The events of a dataset.
pub(super) struct Events<'m> {
    pub(super) model: &'m Model,
    pub(super) window: &'m [SearchExpr],
    pub(super) conditions: &'m [SearchExpr],
}

impl Events<'_> {
    /// What `tstats` filters by; `None` where it can not say the window.
    fn filter(&self, selector: &[SearchExpr]) -> Option<Vec<SearchExpr>> {
        let window = self.window.iter().all(|term| matches!(term, SearchExpr::Time { .. }));
        let rename = |name: &Name| self.model.dataset.field(name);
        let terms = || selector.iter().chain(self.window).chain(self.conditions);
        // The summary holds fields, and no text of the event.
        let fields = terms().all(|term| !matches!(term, SearchExpr::Anywhere(_)));
        (window && fields).then(|| terms().map(|term| term.renamed(&rename)).collect())
    }

    fn tstats(
        &self,
        selector: &[SearchExpr],
        measures: Vec<Measure>,
        by: &[Name],
        span: Option<i64>,
    ) -> Option<Command> {
        let filled = |name: &Name| self.model.fields.get(name).is_some_and(|held| held.filled);
        let fill = !by.iter().all(filled);
        let by = by.iter().map(|name| self.model.dataset.field(name)).collect();
        let filter = self.filter(selector)?;
        Some(Command::Tstats(Tstats { dataset: self.model.dataset.clone(), measures, filter, by, fill, span }))
    }

    /// One `tstats`, where every condition is in its filter, every key is a field and every aggregate is one of its own.
    pub(super) fn direct(&self, selector: &[SearchExpr], commands: &[Command]) -> Option<Vec<Command>> {
        let at = commands.iter().position(|it| !matches!(it, Command::FillEmpty(_) | Command::Fields(_)))?;
        let (before, rest) = commands.split_at(at);
        let (Command::Stats { aggregates, by }, mut rest) = rest.split_first()? else { return None };
        let mut measures = Vec::new();
        for aggregate in aggregates {
            let function = MeasureFunction::of(&aggregate.function)?;
            let field = match &aggregate.of {
                StatsInput::Rows => None,
                StatsInput::Field(name) => {
                    // A missing text is a value of its own here, which `tstats` would not see.
                    let lost = before.iter().any(|it| matches!(it, Command::FillEmpty(names) if names.contains(name)));
                    let held = self.model.fields.get(name);
                    if lost && held.is_none_or(|held| held.null_text.is_none()) {
                        return None;
                    }
                    Some(self.model.dataset.field(name))
                }
                StatsInput::Eval(_) => return None,
            };
            measures.push(Measure { function, field, name: aggregate.name.clone() });
        }
        if !by.iter().all(|name| self.model.fields.contains_key(name) && name.text() != "_time") {
            return None;
        }
        let distinct = measures.is_empty();
        if distinct {
            measures.push(Measure { function: MeasureFunction::Count, field: None, name: Name::of("count") });
        }
        let mut out = vec![self.tstats(selector, measures, by, None)?];
        // Keys get their last names at once.
        let mut renames: Vec<(Name, Name)> =
            by.iter().map(|name| (self.model.dataset.field(name), name.clone())).collect();
        if let Some((Command::Rename(pairs), after)) = rest.split_first() {
            rename_further(&mut renames, pairs);
            rest = after;
        }
        let names = renames.iter().map(|(_, name)| name.clone()).collect();
        if !renames.is_empty() {
            out.push(Command::Rename(renames));
        }
        if distinct {
            out.push(Command::Table(names));
        }
        out.extend(rest.iter().cloned());
        Some(out)
    }

    /// A `tstats` by every field that the hunt looks at: its rows are the different events and how often they came, so
    /// that conditions and computed columns follow as they are, and aggregates count each row as often.
    pub(super) fn grouped(&self, selector: &[SearchExpr], commands: &[Command]) -> Option<Vec<Command>> {
        let at = commands.iter().position(|it| matches!(it, Command::Stats { .. }))?;
        let (before, rest) = commands.split_at(at);
        let (Command::Stats { aggregates, by }, rest) = rest.split_first()? else { return None };
        // Of no rows there is no sum; KQL counts them as none.
        if by.is_empty() {
            return None;
        }
        let mut read =
            Read { model: self.model, fields: Vec::new(), made: BTreeSet::new(), looked: BTreeSet::new(), span: None };
        for command in before {
            if let Command::Where(condition) = command {
                read.expr(condition)?;
            } else if let Command::Eval(items) = command {
                items.iter().try_for_each(|(name, value)| read.assigned(name, value))?;
            } else if let Command::FillEmpty(names) = command {
                names.iter().try_for_each(|name| read.field(name, false))?;
            } else if !matches!(command, Command::Fields(_)) {
                return None;
            }
        }
        by.iter().try_for_each(|name| read.field(name, false))?;
        let count = Name::of("count");
        let mut times: Vec<(MeasureFunction, Name)> = Vec::new();
        let mut sums = Vec::new();
        for aggregate in aggregates {
            let text = aggregate.function.as_str();
            let (function, of) = match &aggregate.of {
                StatsInput::Rows if text == "count" => ("sum", StatsInput::Field(count.clone())),
                StatsInput::Rows => return None,
                StatsInput::Eval(condition) if text == "count" => {
                    read.expr(condition)?;
                    let zero = number(0);
                    let args = vec![condition.clone(), EvalExpr::Field(count.clone()), zero];
                    ("sum", StatsInput::Eval(EvalExpr::Call("if", args)))
                }
                StatsInput::Field(field) if field.text() == "_time" => {
                    let (function, name) = match text {
                        "min" => (MeasureFunction::Min, Name::of("firstTime")),
                        "max" => (MeasureFunction::Max, Name::of("lastTime")),
                        _ => return None,
                    };
                    if !times.iter().any(|(known, _)| *known == function) {
                        times.push((function, name.clone()));
                    }
                    (text, StatsInput::Field(name))
                }
                // What does not count how often a value came.
                _ if !matches!(text, "dc" | "values" | "min" | "max" | "first") => return None,
                StatsInput::Field(field) => {
                    read.field(field, true)?;
                    (text, aggregate.of.clone())
                }
                StatsInput::Eval(value) => {
                    read.expr(value)?;
                    (text, aggregate.of.clone())
                }
            };
            sums.push(StatsAggregate { function: function.to_owned(), of, name: aggregate.name.clone() });
        }
        let taken = |name: &Name| read.fields.contains(name) || read.made.contains(name) || by.contains(name);
        // The first moment of a bin is not that of its events.
        let binned = read.span.is_some() && !times.is_empty();
        if binned || taken(&count) || times.iter().any(|(_, name)| taken(name)) || read.fields.is_empty() {
            return None;
        }
        let measure = |function, field: Option<&str>, name: &Name| Measure {
            function,
            field: field.and_then(Name::new),
            name: name.clone(),
        };
        let mut measures = vec![measure(MeasureFunction::Count, None, &count)];
        measures.extend(times.iter().map(|(function, name)| measure(*function, Some("_time"), name)));
        let mut out = vec![self.tstats(selector, measures, &read.fields, read.span)?];
        out.push(Command::Undressed(self.model.dataset.clone()));
        // A missing number is the empty text now, which no comparison of numbers may see.
        let text = |name: &Name| self.model.fields.get(name).is_some_and(|held| held.text);
        let numbers: Vec<_> = read.looked.iter().filter(|name| !text(name)).collect();
        if !numbers.is_empty() {
            let blank = || EvalExpr::Text(String::new());
            let reset = |name: &&Name| ((*name).clone(), call("nullif", [EvalExpr::Field((*name).clone()), blank()]));
            out.push(Command::Eval(numbers.iter().map(reset).collect()));
        }
        for command in before {
            if let Command::FillEmpty(names) = command {
                let still =
                    |name: &&Name| !read.fields.contains(name) || read.made.contains(*name) || numbers.contains(name);
                let names: Vec<Name> = names.iter().filter(still).cloned().collect();
                out.extend((!names.is_empty()).then_some(Command::FillEmpty(names)));
            } else if !matches!(command, Command::Fields(_)) {
                // `fields` would take the count away, and the row holds nothing that is in the way.
                out.push(command.clone());
            }
        }
        out.push(Command::Stats { aggregates: sums, by: by.clone() });
        out.extend(rest.iter().cloned());
        Some(stats_as_distinct(out).collect())
    }
}

/// What the beginning of a search reads of the events.
struct Read<'m> {
    model: &'m Model,
    /// Fields of the dataset, in the order in which they are read.
    fields: Vec<Name>,
    /// Fields that were computed.
    made: BTreeSet<Name>,
    /// Fields of the dataset that an expression or a comparison looks at.
    looked: BTreeSet<Name>,
    /// The seconds of the bins that the event's time is put into.
    span: Option<i64>,
}

impl Read<'_> {
    fn field(&mut self, name: &Name, looked: bool) -> Option<()> {
        if self.made.contains(name) {
            return Some(());
        }
        if name.text() == "_time" || !self.model.fields.contains_key(name) {
            return None;
        }
        if !self.fields.contains(name) {
            self.fields.push(name.clone());
        }
        if looked {
            self.looked.insert(name.clone());
        }
        Some(())
    }

    fn expr(&mut self, expr: &EvalExpr) -> Option<()> {
        let mut names = Vec::new();
        expr.fields(&mut |name| names.push(name.clone()));
        names.iter().try_for_each(|name| self.field(name, true))
    }

    fn assigned(&mut self, name: &Name, value: &EvalExpr) -> Option<()> {
        // A bin of the event's time: bins that divide it keep it, whatever the time zone of the user is.
        if let Some(size) = time_bin(value) {
            self.span = Some(gcd(gcd(size, 900), self.span.unwrap_or(0)));
        } else {
            self.expr(value)?;
        }
        self.made.insert(name.clone());
        Some(())
    }
}

/// The seconds of `floor(_time / size) * size`.
fn time_bin(value: &EvalExpr) -> Option<i64> {
    let EvalExpr::Arithmetic(Operator::Multiply, floor, size) = value else { return None };
    let (EvalExpr::Call("floor", args), EvalExpr::Number(size)) = (floor.as_ref(), size.as_ref()) else { return None };
    let [EvalExpr::Arithmetic(Operator::Divide, time, by)] = args.as_slice() else { return None };
    let is_time = matches!(time.as_ref(), EvalExpr::Field(name) if name.text() == "_time");
    let same = matches!(by.as_ref(), EvalExpr::Number(by) if by == size);
    let size: i64 = size.parse().ok()?;
    (is_time && same && size > 0).then_some(size)
}

fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
