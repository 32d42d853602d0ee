//! `evaluate` and `invoke`: plugins of Kusto that a command says, functions of Microsoft's service that an index of the
//! site can stand for, and the refusal of the others by name.
//!
//! See <https://learn.microsoft.com/kusto/query/evaluate-operator>.

use std::sync::Arc;

use super::scope::{Column, Form, converted};
use super::summarize::Parts;
use super::tree::{Aggregate as Said, Command, Expr, Name};
use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::{Need, NeedKind};
use crate::plan::{
    Binding, ColumnRef, Expr as Meant, ExprKind, FunctionId, NamePattern, NodeRef, ScalarType, Stage, StageKind, Tree,
};
use crate::target::Construct;

impl<'a> Fitter<'a, '_> {
    /// `evaluate plugin(…)`; `rest` are the stages behind it.
    pub(super) fn evaluate(&mut self, stage: &Stage, plugin: FunctionId, args: &[Meant], rest: &[Stage]) -> Fit<()> {
        let name = self.frame.vocabulary.function_row(plugin).map_or("", |row| row.name.as_str());
        let refused = |why: &str, instead: &str| {
            let message = format!("plugin `{name}` can not be said in ES|QL: {why}");
            Err(Unsayable::new(Code::RefusedOperator, stage.span, message).help(instead.to_owned()))
        };
        match (name, args) {
            ("bag_unpack", [bag]) => self.bag_unpack(stage, bag),
            ("bag_unpack", _) => refused("keys are read under their own names", "leave out the prefix"),
            ("pivot", [of, more @ ..]) => self.pivot(stage, of, more, rest),
            ("ipv4_lookup" | "ipv6_lookup", _) => {
                refused("no join looks for an address in a network", "an enrich policy of type `range`, and `ENRICH`")
            }
            ("autocluster" | "basket" | "diffpatterns", _) => {
                refused("no command looks for patterns of values", "`CATEGORIZE` as a key of `STATS`, for texts")
            }
            _ => refused("no command does it", "the target splunk"),
        }
    }

    /// `bag_unpack(x)`: the keys of an object are fields already, or read where they are named.
    fn bag_unpack(&mut self, stage: &Stage, bag: &Meant) -> Fit<()> {
        let Some(reference) = bag.as_column() else {
            return Err(unwritten(bag.span, "`bag_unpack` of a computed value").help("extend a column with each key"));
        };
        self.ledger.carried(bag.id);
        let message = format!(
            "the keys of `{}` that are read behind it are columns, others are not given out under names of their own",
            reference.name
        );
        self.note(Code::FieldCaveat, Effect::Unsure, stage.span, message);
        self.scope.unpacked = Some(reference.clone());
        Ok(())
    }

    /// `pivot(x, aggregate, keys)`: a column for each value of `x` that the hunt names; where it names none, a row.
    fn pivot(&mut self, stage: &Stage, of: &Meant, more: &[Meant], rest: &[Stage]) -> Fit<()> {
        let (aggregate, keys) = match more {
            [first, keys @ ..] if matches!(first.kind, ExprKind::Call { .. }) => (Some(first), keys),
            keys => (None, keys),
        };
        let value = self.pivot_aggregate(aggregate)?;
        let mut parts = Parts { keyed: true, ..Parts::default() };
        let read =
            aggregate.and_then(|it| if let ExprKind::Call { args, .. } = &it.kind { args.first() } else { None });
        let mut bindings: Vec<Binding> = Vec::new();
        if keys.is_empty() {
            if self.scope.events || self.scope.open {
                return Err(unwritten(stage.span, "`pivot` of whole events").help("name the other columns"));
            }
            let used = [Some(of), read].into_iter().flatten().filter_map(Meant::as_column);
            let used: Vec<Arc<str>> = used.map(|column| column.name.clone()).collect();
            for (name, column) in self.scope.made.iter().filter(|(name, _)| !used.contains(name)) {
                let reference = ColumnRef { name: name.clone(), known: true };
                let column = Meant { kind: ExprKind::Column(reference), ty: column.ty, ..of.clone() };
                bindings.push(Binding { id: of.id, span: of.span, name: name.clone(), value: column });
            }
        }
        for key in keys {
            let Some(reference) = key.as_column() else {
                return Err(unwritten(key.span, "`pivot` by a computed value").help("extend a column with it first"));
            };
            bindings.push(Binding { id: key.id, span: key.span, name: reference.name.clone(), value: key.clone() });
        }
        for key in &bindings {
            self.key(key, &mut parts)?;
        }
        let names = self.named_values(rest, &bindings);
        let text = self.filled(of)?;
        if names.is_empty() {
            let message = "each value that `pivot` makes a column of is a row of its own";
            self.note(Code::Approximated, Effect::Reshaped, stage.span, message);
            let label = of.as_column().map_or_else(|| Arc::from("Value"), |column| column.name.clone());
            let name = self.new_name(&label, of.span)?;
            parts.by.push((name.clone(), text));
            parts.made.push((label, Column { present: true, ..Column::computed(name, ScalarType::String) }));
            let name = self.new_name("Count", stage.span)?;
            parts.aggregates.push(Said { name: name.clone(), value, only: None });
            parts.made.push((Arc::from("Count"), Column::computed(name, ScalarType::Unknown)));
        } else {
            let message = "of the columns that `pivot` makes, those are made that the hunt names behind it";
            self.note(Code::ColumnsDropped, Effect::Reshaped, stage.span, message);
            self.needs(Construct::StatsWhere, stage.span)?;
            for label in names {
                let name = self.new_name(&label, stage.span)?;
                let only = Some(Expr::eq(text.clone(), Expr::text(label.as_ref())));
                parts.aggregates.push(Said { name: name.clone(), value: value.clone(), only });
                parts.made.push((label, Column::computed(name, ScalarType::Long)));
            }
        }
        self.grouped_rows(parts);
        self.at_most = None;
        Ok(())
    }

    /// The columns that the stages behind a `pivot` read, and that are none of its keys.
    fn named_values(&self, rest: &[Stage], keys: &[Binding]) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut add = |name: &Arc<str>| {
            let made = keys.iter().any(|key| key.name == *name);
            if !made && !names.contains(name) && !name.contains('*') {
                names.push(name.clone());
            }
        };
        for stage in rest {
            stage.visit(&mut |node| {
                if let NodeRef::Expr(Meant { kind: ExprKind::Column(column), .. }) = node
                    && !column.known
                {
                    add(&column.name);
                }
            });
            if let StageKind::ProjectReorder(patterns) | StageKind::ProjectKeep(patterns) = &stage.kind {
                patterns.iter().for_each(|NamePattern { pattern, .. }| add(pattern));
            }
            if let StageKind::Summarize { .. } | StageKind::Count | StageKind::Distinct(_) | StageKind::Project(_) =
                &stage.kind
            {
                break;
            }
        }
        names
    }

    /// The aggregate of a `pivot`, which is `count()` by default.
    fn pivot_aggregate(&mut self, aggregate: Option<&Meant>) -> Fit<Expr> {
        let Some(expr) = aggregate else { return Ok(Expr::call("COUNT", [Expr::Star])) };
        self.ledger.carried(expr.id);
        let ExprKind::Call { args, .. } = &expr.kind else {
            return Err(unwritten(expr.span, "this aggregate of `pivot`"));
        };
        let function = match self.function_name(expr) {
            Some("count") => return Ok(Expr::call("COUNT", [Expr::Star])),
            Some("sum") => "SUM",
            Some("avg") => "AVG",
            Some("min" | "take_any" | "any") => "MIN",
            Some("max") => "MAX",
            Some("dcount" | "count_distinct") => "COUNT_DISTINCT",
            Some("make_set") => "VALUES",
            Some(_) | None => return Err(unwritten(expr.span, "this aggregate of `pivot`")),
        };
        let Some(arg) = args.first() else { return Err(unwritten(expr.span, "this aggregate of `pivot`")) };
        let value = if arg.ty == ScalarType::String { self.filled(arg)? } else { self.value(arg)? };
        let form = self.form(arg);
        let number = matches!(function, "SUM" | "AVG") && form == Form::Untold;
        let value = if number { converted(value, form, Form::Double) } else { value };
        Ok(Expr::Call(function, vec![value]))
    }

    /// `invoke f(…)`: what Microsoft's service knows of a file can lie in an index of the site.
    pub(super) fn invoke(&mut self, stage: &Stage, function: FunctionId, args: &[Meant], rest: &[Stage]) -> Fit<()> {
        let name = self.frame.vocabulary.function_row(function).map_or("", |row| row.name.as_str());
        if name != "FileProfile" {
            let message = format!("function `{name}` can not be said in ES|QL: it belongs to Microsoft's service");
            return Err(Unsayable::new(Code::RefusedOperator, stage.span, message)
                .help("keep what it says in a lookup index, and join with it by `lookup`"));
        }
        args.iter().for_each(|arg| self.carry(arg));
        let column: Arc<str> = match args.first() {
            None => Arc::from("SHA1"),
            Some(arg) => match (arg.as_str(), arg.as_column()) {
                (Some(text), _) => Arc::from(text),
                (None, Some(reference)) => reference.name.clone(),
                (None, None) => return Err(unwritten(arg.span, "`FileProfile` of a computed value")),
            },
        };
        self.needs(Construct::LookupJoin, stage.span)?;
        let reference = ColumnRef { name: column.clone(), known: true };
        let held = self.column(&reference, ScalarType::String, stage.span)?;
        let key = ["SHA256", "MD5"].into_iter().find(|hash| column.ends_with(hash)).unwrap_or("SHA1");
        let message = "what Microsoft's service knows of a file must be in a lookup index `fileprofile` of the site";
        self.note(Code::LookupNeeded, Effect::Unsure, stage.span, message);
        let (name, of) = ("fileprofile".to_owned(), "FileProfile".to_owned());
        self.ledger.need(Need { kind: NeedKind::LookupIndex, name, of });
        let key = self.new_name(key, stage.span)?;
        let value = held.value();
        if value != Expr::Field(key.clone()) {
            self.commands.push(Command::Eval(vec![(key.clone(), value)]));
        }
        let order = self.take_order(stage.span);
        let on: Vec<Name> = vec![key];
        self.commands.push(Command::LookupJoin { index: "fileprofile".to_owned(), on });
        self.commands.extend(order.map(Command::Sort));
        for name in self.named_values(rest, &[]) {
            if !self.scope.made.contains_key(&name) {
                let field = self.new_name(&name, stage.span)?;
                self.scope.made.insert(name, Column::computed(field, ScalarType::Unknown));
            }
        }
        self.at_most = None;
        Ok(())
    }
}
