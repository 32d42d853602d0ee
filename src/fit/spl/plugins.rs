//! `evaluate` and `invoke`: plugins of Kusto that SPL has a command for, and functions of Microsoft's service that a lookup
//! of the site can stand for.
//!
//! See <https://learn.microsoft.com/kusto/query/evaluate-operator>.

use std::sync::Arc;

use super::scope::{Column, Scope};
use super::tree::{Command, EvalExpr, Name, StatsAggregate, StatsInput};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::fit::{Need, NeedKind};
use crate::plan::{Expr, ExprKind, FunctionId, ScalarType, Stage};

impl<'a> Fitter<'a, '_> {
    /// `evaluate plugin(…)`
    pub(super) fn evaluate(&mut self, stage: &Stage, plugin: FunctionId, args: &[Expr]) -> Fit<()> {
        let name = self.frame.vocabulary.function_row(plugin).map_or("", |row| row.name.as_str());
        match (name, args) {
            ("bag_unpack", [bag]) => self.bag_unpack(stage, bag),
            ("pivot", [column, rest @ ..]) => self.pivot(stage, column, rest),
            ("bag_unpack", [_, prefix, ..]) => {
                let message = "`spath` gives what it unpacks no prefix";
                Err(Unsayable::new(Code::RefusedOperator, prefix.span, message)
                    .help("leave out the prefix, or extend a column with each part"))
            }
            _ => {
                let message = format!("plugin `{name}` can not be said in SPL: it has no command of that kind");
                Err(Unsayable::new(Code::RefusedOperator, stage.span, message))
            }
        }
    }

    /// `bag_unpack(x)`: the parts of an object become columns.
    fn bag_unpack(&mut self, stage: &Stage, bag: &Expr) -> Fit<()> {
        let value = self.json(bag)?;
        let message = "an object inside of the bag becomes a field for each of its own parts in Splunk, and a long text is \
                       cut off at a limit of the site";
        self.note(Code::Approximated, Effect::Unsure, stage.span, message);
        let field = match value {
            EvalExpr::Field(field) => field,
            value => self.computed(value),
        };
        self.commands.push(Command::Spath(field.clone()));
        self.commands.push(Command::FieldsAway(vec![field]));
        if let ExprKind::Column(reference) = &bag.kind {
            self.scope.made.remove(&reference.name);
        }
        self.scope.open = true;
        Ok(())
    }

    /// `pivot(x, aggregate, keys)`: a column for each value of `x`.
    fn pivot(&mut self, stage: &Stage, of: &Expr, rest: &[Expr]) -> Fit<()> {
        self.base_open = false;
        let (aggregate, keys) = match rest {
            [first, keys @ ..] if matches!(first.kind, ExprKind::Call { .. }) => (Some(first), keys),
            keys => (None, keys),
        };
        let value = self.helper();
        let (function, input, read) = self.pivot_aggregate(aggregate)?;
        let counts = matches!(function, "count" | "dc");
        let column = self.pivot_field(of)?;
        let mut rows: Vec<(Arc<str>, Name, Column<'a>)> = Vec::new();
        if keys.is_empty() {
            if self.scope.events {
                return Err(Unsayable::not_yet(stage.span, "`pivot` of whole events").help("name the other columns"));
            }
            for (name, made) in &self.scope.made {
                let used = made.field == column || read.as_ref() == Some(&made.field);
                if !used && made.is_field() {
                    rows.push((name.clone(), made.field.clone(), made.clone()));
                }
            }
        }
        for key in keys {
            let ExprKind::Column(reference) = &key.kind else {
                return Err(Unsayable::not_yet(key.span, "`pivot` by a computed value"));
            };
            self.ledger.carried(key.id);
            let made = self.column(reference, key.ty, key.span)?;
            let field = self.pivot_field(key)?;
            rows.push((reference.name.clone(), field, made));
        }
        let message = "rows without the value give a column that has no name in KQL and none in Splunk";
        self.note(Code::NullSemantics, Effect::Unsure, stage.span, message);
        let fields: Vec<Name> = rows.iter().map(|(_, field, _)| field.clone()).collect();
        self.fill(&fields);
        let mut by = fields.clone();
        by.push(column.clone());
        let one = StatsAggregate { function: function.to_owned(), of: input, name: value.clone() };
        self.commands.push(Command::Stats { aggregates: vec![one], by });
        match fields.as_slice() {
            [field] => self.commands.push(Command::XySeries(field.clone(), column, value)),
            fields => {
                // `xyseries` has one key; several are put together in one text.
                let key = self.helper();
                let values = fields.iter().map(|field| EvalExpr::Field(field.clone())).collect();
                self.commands.push(Command::Eval(vec![(key.clone(), EvalExpr::Call("json_array", values))]));
                self.commands.push(Command::XySeries(key.clone(), column, value));
                let parts = fields.iter().enumerate().map(|(at, field)| {
                    (field.clone(), EvalExpr::json_extract(EvalExpr::Field(key.clone()), &format!("{{{at}}}")))
                });
                let parts: Vec<(Name, EvalExpr)> = parts.collect();
                if !parts.is_empty() {
                    self.commands.push(Command::Eval(parts));
                }
                self.commands.push(Command::FieldsAway(vec![key]));
            }
        }
        if counts {
            self.commands.push(Command::FillZero);
        }
        let mut renames = Vec::new();
        let mut made = std::collections::BTreeMap::new();
        for (name, field, source) in rows {
            let target = if field.text() == "_time" { field.clone() } else { self.new_field(&name, stage.span)? };
            if target != field {
                renames.push((field, target.clone()));
            }
            let seconds = source.seconds;
            made.insert(name, Column { blank: true, seconds, ..Column::computed(target, source.ty) });
        }
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        self.scope = Scope { made, events: false, open: true };
        Ok(())
    }

    /// A column as a field.
    fn pivot_field(&mut self, expr: &Expr) -> Fit<Name> {
        if let ExprKind::Column(reference) = &expr.kind {
            let column = self.column(reference, expr.ty, expr.span)?;
            if column.is_field() && column.null_text.is_none() {
                self.ledger.carried(expr.id);
                return Ok(column.field);
            }
        }
        Ok(match self.value(expr)? {
            EvalExpr::Field(field) => field,
            value => self.computed(value),
        })
    }

    /// The aggregate of a `pivot`, which is `count()` by default, and the field that it reads.
    fn pivot_aggregate(&mut self, aggregate: Option<&Expr>) -> Fit<(&'static str, StatsInput, Option<Name>)> {
        let Some(expr) = aggregate else { return Ok(("count", StatsInput::Rows, None)) };
        self.ledger.carried(expr.id);
        let ExprKind::Call { args, .. } = &expr.kind else {
            return Err(Unsayable::not_yet(expr.span, "this aggregate of `pivot`"));
        };
        let function = match self.function_name(expr) {
            Some("count") => "count",
            Some("sum") => "sum",
            Some("avg") => "avg",
            Some("min") => "min",
            Some("max") => "max",
            Some("dcount" | "count_distinct") => "dc",
            Some("take_any" | "any") => "first",
            Some("make_set") => "values",
            Some(_) | None => return Err(Unsayable::not_yet(expr.span, "this aggregate of `pivot`")),
        };
        match args.as_slice() {
            [] => Ok((function, StatsInput::Rows, None)),
            [arg, ..] => {
                let field = self.pivot_field(arg)?;
                Ok((function, StatsInput::Field(field.clone()), Some(field)))
            }
        }
    }

    /// `invoke f(…)` of a function that adds columns to the rows.
    pub(super) fn invoke(&mut self, stage: &Stage, function: FunctionId, args: &[Expr]) -> Fit<()> {
        let name = self.frame.vocabulary.function_row(function).map_or("", |row| row.name.as_str());
        if name != "FileProfile" {
            let message = format!("function `{name}` belongs to Microsoft's service");
            return Err(Unsayable::new(Code::RefusedOperator, stage.span, message)
                .help("leave it out, or keep what it says in a lookup"));
        }
        args.iter().for_each(|arg| self.carry(arg));
        let column = match args.first() {
            None => "SHA1".to_owned(),
            Some(arg) => match (arg.as_str(), &arg.kind) {
                (Some(text), _) => text.to_owned(),
                (None, ExprKind::Column(reference)) => reference.name.to_string(),
                (None, _) => return Err(Unsayable::not_yet(arg.span, "`FileProfile` of a computed value")),
            },
        };
        let reference = crate::plan::ColumnRef { name: column.as_str().into(), known: true };
        let held = self.column(&reference, ScalarType::String, stage.span)?;
        let field = self.field_for_next(held.value());
        let key = ["SHA256", "MD5"].into_iter().find(|hash| column.ends_with(hash)).unwrap_or("SHA1");
        self.ledger.need(Need { kind: NeedKind::Lookup, name: "FileProfile".to_owned(), of: "FileProfile".to_owned() });
        self.note(
            Code::LookupNeeded,
            Effect::Unsure,
            stage.span,
            "what Microsoft's service knows of a file must be in a lookup `FileProfile` of the site",
        );
        self.commands.push(Command::Lookup {
            lookup: Name::of("FileProfile"),
            column: Name::of(key),
            field,
            flag: None,
        });
        self.scope.open = true;
        Ok(())
    }
}
