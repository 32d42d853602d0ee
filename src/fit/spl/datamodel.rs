//! Data models: the events of a dataset, and what is known of its fields.
//!
//! A hunt is fitted as for any other source; at the end the commands at its beginning are exchanged for `tstats`
//! (`tstats.rs`), which reads the accelerated summary, or put behind `from`, which reads the events.
//! See <https://help.splunk.com/en/splunk-enterprise/search/spl-search-reference/10.0/search-commands/from>.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::{Held, Model, rename_further, stats_as_distinct};
use super::moment::order_of;
use super::tree::*;
use super::tstats::Events;
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Field, Window};
use crate::plan::{Pipeline, ScalarType, StageKind};
use crate::source::Span;
use crate::target::SplunkSelector;

impl<'a> Fitter<'a, '_> {
    /// Takes up the data model of a selector.
    pub(super) fn dataset(&mut self, selector: &SplunkSelector, table: &Arc<str>, span: Span) -> Fit<()> {
        let Some(path) = &selector.datamodel else { return Ok(()) };
        let dataset = Dataset::new(path).ok_or_else(|| {
            let message = format!("`{path}` is not a dataset of a data model in the form `Model.Dataset`");
            Unsayable::new(Code::BadTargetData, span, message)
        })?;
        let shared = selector.shared.then(|| table.clone());
        self.model = Some(Model { dataset, shared, fields: BTreeMap::new(), window: None, range: None, span });
        Ok(())
    }

    /// Takes up a field that the hunt looks at, under its name without that of the dataset.
    pub(super) fn model_field(&mut self, name: Name, column: &Field<'_>, ty: ScalarType) -> Name {
        let Some(model) = &mut self.model else { return name };
        let bare = name.text().strip_prefix(model.dataset.node()).and_then(|rest| rest.strip_prefix('.'));
        let name = bare.and_then(Name::new).unwrap_or(name);
        let text = matches!(ty, ScalarType::String | ScalarType::Guid | ScalarType::Unknown);
        let null_text: Option<Arc<str>> = column.map.and_then(|map| map.null_text.as_deref()).map(Arc::from);
        let filled = null_text.is_some() && column.map.is_some_and(|map| !map.inferred);
        model.fields.insert(name.clone(), Held { text, null_text, filled });
        name
    }

    /// Says whose events the data model holds.
    pub(super) fn model_notes(&mut self, pipeline: &Pipeline) {
        let Some(table) = self.model.as_ref().and_then(|model| model.shared.clone()) else { return };
        let counted = pipeline.stages.iter().any(|stage| {
            matches!(stage.kind, StageKind::Summarize { .. } | StageKind::Count | StageKind::MakeSeries(_))
        });
        let polarity = if counted { Polarity::Aggregated } else { self.outer };
        let message = format!("the data model holds the events of every source that feeds it, not of `{table}` alone");
        let note = Diagnostic::note(Code::SharedSource, Effect::Broader, pipeline.span, message);
        let help = "restrict the table's selector to a `sourcetype` with --fields where that matters";
        self.ledger.note(polarity, note.help(help));
    }

    /// Takes up the window: `from` reads the range of the search itself, so that the window is a condition, too.
    pub(super) fn model_window(&mut self, window: &Window<'_>) -> Fit<()> {
        if self.model.is_none() {
            return Ok(());
        }
        let mut bounds = Vec::new();
        for (bound, lower) in [(window.from, true), (window.to, false)] {
            if let Some(bound) = bound {
                let moment = self.moment(bound.moment, bound.span)?;
                let order = Comparison::Order(order_of(lower, bound.inclusive));
                bounds.push(EvalExpr::compare(order, EvalExpr::Field(Name::of("_time")), moment));
            }
        }
        if let Some(model) = &mut self.model {
            model.window = Some(EvalExpr::all(bounds));
            model.range = window.time_range();
        }
        Ok(())
    }

    /// Exchanges the beginning of a search for one over a data model. `whole`: nothing will look at its rows any more.
    pub(super) fn model_search(&mut self, model: Model, whole: bool) {
        let mut filter = std::mem::take(&mut self.selector);
        let window = std::mem::take(&mut self.window);
        let conditions = std::mem::take(&mut self.conditions);
        let events = Events { model: &model, window: &window, conditions: &conditions };
        let rest = distinct_as_stats(std::mem::take(&mut self.commands));
        let (rest, shown) = if whole { show_missing(&model, rest) } else { (rest, None) };
        if let Some(held) = shown.as_ref().and_then(|name| model.fields.get(name)) {
            let text = held.null_text.as_deref().unwrap_or_default();
            let message = format!("a missing value is given out as `{text}`, as the data model has it");
            let note = Diagnostic::note(Code::MissingShown, Effect::Exact, model.span, message);
            self.ledger.note(Polarity::Positive, note);
        }
        let accelerated = events.direct(&filter, &rest).or_else(|| events.grouped(&filter, &rest));
        if let Some(commands) = accelerated {
            let mut commands = commands.into_iter();
            self.generator = commands.next();
            self.commands = commands.collect();
            return;
        }
        self.generator = Some(Command::From(model.dataset));
        self.range = model.range;
        filter.extend(conditions);
        if !filter.is_empty() {
            self.commands.push(Command::Refine(filter));
        }
        let mut rest = stats_as_distinct(rest);
        match (model.window, rest.next()) {
            (Some(window), Some(Command::Where(condition))) => {
                self.commands.push(Command::Where(EvalExpr::all([window, condition])));
            }
            (window, first) => {
                self.commands.extend(window.map(Command::Where));
                self.commands.extend(first);
            }
        }
        self.commands.extend(rest);
    }
}

/// `distinct` as a `stats` without aggregates: `table`, `rename`, `fillnull` and `dedup` of the same fields.
fn distinct_as_stats(commands: Vec<Command>) -> Vec<Command> {
    let mut out: Vec<Command> = Vec::with_capacity(commands.len());
    for command in commands {
        if let Command::Dedup(names) = &command {
            let mut end = out.len();
            let mut before = |what: fn(&Command) -> bool| {
                let found = end.checked_sub(1).filter(|at| out.get(*at).is_some_and(what));
                end = found.unwrap_or(end);
                found
            };
            let filled = before(|it| matches!(it, Command::FillEmpty(_)));
            let renamed = before(|it| matches!(it, Command::Rename(_)));
            let tabled = before(|it| matches!(it, Command::Table(_)));
            if let (Some(at), Some(filled)) = (tabled, filled)
                && let (Some(Command::Table(by)), Some(Command::FillEmpty(fill))) = (out.get(at), out.get(filled))
                && fill == names
                && by.len() == names.len()
            {
                let by = by.clone();
                let rename = renamed.and_then(|at| out.get(at).cloned());
                out.truncate(at);
                out.push(Command::FillEmpty(by.clone()));
                out.push(Command::Stats { aggregates: Vec::new(), by });
                out.extend(rename);
                continue;
            }
        }
        out.push(command);
    }
    out
}

/// A missing value that the model fills is given out as it is where nothing looks at it afterwards: `eval X=nullif(x,
/// "unknown")` in front of `stats … BY X` or `table X` becomes a name. Returns the commands, and a field that this was done
/// to.
fn show_missing(model: &Model, commands: Vec<Command>) -> (Vec<Command>, Option<Name>) {
    let shapes = |it: &Command| matches!(it, Command::Stats { .. } | Command::Table(_));
    let Some(at) = commands.iter().position(shapes) else { return (commands, None) };
    let (before, after) = commands.split_at(at);
    let Some((shape, mut after)) = after.split_first() else { return (commands, None) };
    let (aggregates, by, tabled): (&[StatsAggregate], &[Name], bool) = if let Command::Stats { aggregates, by } = shape
    {
        (aggregates, by, false)
    } else if let Command::Table(names) = shape {
        (&[], names, true)
    } else {
        return (commands, None);
    };
    let mut alias: Vec<(Name, Name)> = Vec::new();
    for command in before {
        let Command::Eval(assignments) = command else { continue };
        for (name, value) in assignments {
            if let Some(field) = model.filled(value)
                && by.contains(name)
                && !by.contains(field)
                && !alias.iter().any(|(_, other)| other == field)
                && uses(before, name) == 1
                && !aggregates.iter().any(|it| it.of.reads(name) || it.name == *field)
                && leaves_alone(after, name)
            {
                alias.push((name.clone(), field.clone()));
            }
        }
    }
    let mut shown = alias.first().map(|(_, field)| field.clone());
    let aggregates = aggregates.iter().map(|it| {
        let Some(field) = model.whole(&it.of).filter(|_| matches!(it.function.as_str(), "dc" | "values")) else {
            return it.clone();
        };
        // How many values there are does not tell which.
        if it.function == "values" {
            if !leaves_alone(after, &it.name) {
                return it.clone();
            }
            shown.get_or_insert_with(|| field.clone());
        }
        StatsAggregate { of: StatsInput::Field(field.clone()), ..it.clone() }
    });
    let aggregates: Vec<StatsAggregate> = aggregates.collect();
    let field_of = |name: &Name| alias.iter().find(|(made, _)| made == name).map_or(name, |(_, field)| field).clone();
    let mut out = Vec::new();
    for command in before {
        if let Command::Eval(items) = command {
            let kept = |(name, _): &&(Name, EvalExpr)| !alias.iter().any(|(made, _)| made == name);
            let items: Vec<_> = items.iter().filter(kept).cloned().collect();
            out.extend((!items.is_empty()).then_some(Command::Eval(items)));
        } else if let Command::FillEmpty(names) = command {
            // The model has filled the others.
            let names: Vec<_> = names.iter().filter(|name| field_of(name) == **name).cloned().collect();
            out.extend((!names.is_empty()).then_some(Command::FillEmpty(names)));
        } else {
            out.push(command.clone());
        }
    }
    let by: Vec<Name> = by.iter().map(field_of).collect();
    out.push(if tabled { Command::Table(by) } else { Command::Stats { aggregates, by } });
    let mut renames: Vec<(Name, Name)> = alias.into_iter().map(|(name, field)| (field, name)).collect();
    if let Some((Command::Rename(pairs), rest)) = after.split_first() {
        rename_further(&mut renames, pairs);
        after = rest;
    }
    if !renames.is_empty() {
        out.push(Command::Rename(renames));
    }
    out.extend(after.iter().cloned());
    (out, shown)
}

/// How often a name is assigned or read by an expression.
fn uses(commands: &[Command], name: &Name) -> usize {
    let reads = |expr: &EvalExpr| {
        let mut count = 0;
        expr.fields(&mut |field| count += usize::from(field == name));
        count
    };
    let one = |command: &Command| {
        if let Command::Where(condition) = command {
            return reads(condition);
        }
        let Command::Eval(items) = command else { return 0 };
        items.iter().map(|(made, value)| usize::from(made == name) + reads(value)).sum()
    };
    commands.iter().map(one).sum()
}

/// Whether commands give a field out and do not look at what it holds.
fn leaves_alone(commands: &[Command], name: &Name) -> bool {
    let mut names = vec![name.clone()];
    for command in commands {
        let looked_at = |expr: &EvalExpr| {
            let mut found = false;
            expr.fields(&mut |field| found |= names.contains(field));
            found
        };
        if let Command::Where(condition) = command {
            if looked_at(condition) {
                return false;
            }
        } else if let Command::Eval(items) = command {
            if items.iter().any(|(_, value)| looked_at(value)) {
                return false;
            }
        } else if let Command::Rename(pairs) = command {
            let to = pairs.iter().filter(|(from, _)| names.contains(from)).map(|(_, to)| to.clone());
            let to: Vec<Name> = to.collect();
            names.extend(to);
        } else if !matches!(command, Command::Fields(_) | Command::FieldsAway(_) | Command::Table(_) | Command::Head(_))
        {
            return false;
        }
    }
    true
}
