//! Rows that are no events: those written in the hunt (`datatable`, `print`, `range`), and those that the site keeps in
//! lookups (`_GetWatchlist`, `externaldata`).
//!
//! See <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/makeresults> and
//! <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/inputlookup>.

use super::form::{call, number};
use std::sync::Arc;

use super::moment::{epoch, seconds};
use super::scope::{Column, Scope};
use super::tree::{Command, EvalExpr, Name, Operator};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::fit::json::json_text;
use crate::fit::{Need, NeedKind, outside};
use crate::plan::{Binding, Expr, Pipeline, ScalarType, Source, StageKind, Value};
use crate::source::Span;

/// Rows that `range` makes at most.
const RANGE: f64 = 1_000_000.0;

impl<'a> Fitter<'a, '_> {
    /// `datatable`
    pub(super) fn rows(&mut self, columns: &[(Arc<str>, ScalarType)], rows: &[Vec<Value>], span: Span) -> Fit<()> {
        let fields = columns.iter().map(|(name, _)| self.new_field(name, span)).collect::<Fit<Vec<_>>>()?;
        let mut objects = Vec::with_capacity(rows.len());
        for row in rows {
            let mut members = Vec::new();
            for (field, value) in fields.iter().zip(row) {
                if let Some(value) = json(value) {
                    members.push(format!("{}:{value}", quoted(field.text())));
                }
            }
            objects.push(format!("{{{}}}", members.join(",")));
        }
        // A backtick would begin a macro; in JSON it stands in texts alone.
        let data = format!("[{}]", objects.join(",")).replace('`', "\\u0060");
        self.generator = Some(Command::MakeResults(Some(data)));
        if rows.is_empty() {
            self.generator = Some(Command::MakeResults(None));
            self.commands.push(Command::Where(EvalExpr::bool(false)));
        }
        for (at, (name, _)) in columns.iter().enumerate() {
            let there = |row: &Vec<Value>| match row.get(at) {
                Some(Value::String(text)) => !text.is_empty(),
                Some(Value::Null(_)) | None => false,
                Some(_) => true,
            };
            if rows.iter().all(there) {
                self.proven.insert(name.clone());
            }
        }
        let made = columns.iter().zip(fields).map(|((name, ty), field)| (name.clone(), Column::computed(field, *ty)));
        self.constant_rows(made.collect());
        Ok(())
    }

    /// `print`
    pub(super) fn print(&mut self, bindings: &[Binding]) -> Fit<()> {
        self.generator = Some(Command::MakeResults(None));
        self.scope = Scope::default();
        let mut assignments = Vec::new();
        let mut made = Vec::new();
        for binding in bindings {
            let (column, value) = self.binding(binding, &[])?;
            assignments.push((column.field.clone(), value));
            made.push((binding.name.clone(), column));
        }
        self.assign(assignments, &[]);
        self.constant_rows(made);
        Ok(())
    }

    /// `range name from a to b step c`
    pub(super) fn range(&mut self, name: &str, from: &Expr, to: &Expr, step: &Expr, span: Span) -> Fit<()> {
        self.generator = Some(Command::MakeResults(None));
        self.scope = Scope::default();
        let bounds = (constant_bound(from), constant_bound(to), constant_bound(step));
        let (Some(first), Some(last), Some(size)) = bounds else {
            return Err(Unsayable::not_yet(span, "a range whose bounds are computed"));
        };
        let count = ((last - first) / size).floor() + 1.0;
        if !(1.0..=RANGE).contains(&count) || size == 0.0 {
            return Err(Unsayable::not_yet(span, "a range of no or of very many rows"));
        }
        [from, to, step].into_iter().for_each(|bound| self.ledger.carried(bound.id));
        let field = self.new_field(name, span)?;
        let numbers = call("mvrange", [number(0.0), number(count)]);
        self.commands.push(Command::Eval(vec![(field.clone(), numbers)]));
        self.commands.push(Command::MvExpand(field.clone(), None));
        if (first, size) != (0.0, 1.0) {
            let index = EvalExpr::Field(field.clone());
            let offset = EvalExpr::arithmetic(Operator::Multiply, index, number(size));
            let value = EvalExpr::arithmetic(Operator::Add, number(first), offset);
            self.commands.push(Command::Eval(vec![(field.clone(), value)]));
        }
        self.constant_rows(vec![(name.into(), Column { present: true, ..Column::computed(field, from.ty) })]);
        Ok(())
    }

    /// The rows hold exactly these columns. What `makeresults` adds, such as the time it ran, is taken away.
    fn constant_rows(&mut self, made: Vec<(Arc<str>, Column<'a>)>) {
        if !made.is_empty() {
            self.commands.push(Command::Table(made.iter().map(|(_, column)| column.field.clone()).collect()));
        }
        self.scope = Scope { made: made.into_iter().collect(), ..Scope::default() };
        self.base_open = false;
        self.closed_window = true;
        self.fixed = true;
    }

    /// `_GetWatchlist('name')`: its columns are not known.
    pub(super) fn watchlist(&mut self, name: &str, span: Span) {
        let lookup = lookup_name(name);
        self.lookup_note(&lookup, name, &format!("the rows of watchlist `{name}`"), span);
        self.generator = Some(Command::InputLookup(lookup));
        self.base_open = false;
        self.closed_window = true;
    }

    /// `externaldata`
    pub(super) fn external(&mut self, columns: &[(Arc<str>, ScalarType)], addresses: &[String], span: Span) -> Fit<()> {
        let lookup = external_name(addresses);
        let names: Vec<String> = columns.iter().map(|(name, _)| format!("`{name}`")).collect();
        let from = addresses.first().map(|address| format!(" from `{address}`")).unwrap_or_default();
        let of = addresses.first().map_or("", String::as_str);
        self.lookup_note(&lookup, of, &format!("the columns {}{from}", names.join(", ")), span);
        let mut made = Vec::new();
        for (name, ty) in columns {
            let field = self.new_field(name, span)?;
            made.push((name.clone(), Column { seconds: *ty != ScalarType::Datetime, ..Column::computed(field, *ty) }));
        }
        self.generator = Some(Command::InputLookup(lookup));
        self.scope = Scope { made: made.into_iter().collect(), ..Scope::default() };
        self.base_open = false;
        self.closed_window = true;
        Ok(())
    }

    /// The search reads a lookup, which stands for `of`.
    fn lookup_note(&mut self, lookup: &Name, of: &str, holds: &str, span: Span) {
        self.ledger.need(Need { kind: NeedKind::Lookup, name: lookup.text().to_owned(), of: of.to_owned() });
        let message = format!("lookup `{}` must hold {holds}", lookup.text());
        let note = Diagnostic::note(Code::LookupNeeded, Effect::Exact, span, message);
        self.ledger.note(self.polarity, note.help("create the lookup, and load it again when its source changes"));
    }

    /// The lookup and its column that a pipeline stands for, if it is one column of a lookup as it is.
    pub(super) fn lookup_column(&mut self, pipeline: &Pipeline) -> Option<(Name, Name)> {
        let (lookup, of, holds) = match &pipeline.source {
            Source::Watchlist { name } => {
                (lookup_name(name), name.to_string(), format!("the rows of watchlist `{name}`"))
            }
            Source::External { columns, addresses, .. } => {
                let names: Vec<String> = columns.iter().map(|(name, _)| format!("`{name}`")).collect();
                let from = addresses.first().map(|address| format!(" from `{address}`")).unwrap_or_default();
                let of = addresses.first().cloned().unwrap_or_default();
                (external_name(addresses), of, format!("the columns {}{from}", names.join(", ")))
            }
            Source::Table(_)
            | Source::Union(_)
            | Source::Rows { .. }
            | Source::Print(_)
            | Source::Range { .. }
            | Source::Search { .. } => return None,
        };
        let mut column: Option<Arc<str>> = None;
        for stage in &pipeline.stages {
            let (StageKind::Project(bindings) | StageKind::Distinct(bindings)) = &stage.kind else { return None };
            let [binding] = bindings.as_slice() else { return None };
            let source = binding.value.as_column()?;
            column = Some(column.unwrap_or_else(|| source.name.clone()));
        }
        let column = match column {
            Some(column) => column,
            None => pipeline.columns.columns.first().map(|(name, _)| name.clone())?,
        };
        let column = Name::new(column.as_ref())?;
        self.lookup_note(&lookup, &of, &holds, pipeline.span);
        self.carry(pipeline);
        Some((lookup, column))
    }
}

/// The name of a lookup.
fn lookup_name(name: &str) -> Name {
    Name::new(outside::list_name(name)).unwrap_or_else(|| Name::of("lookup"))
}

/// The name of the lookup for external data: that of the file.
fn external_name(addresses: &[String]) -> Name {
    Name::new(outside::external_name(addresses)).unwrap_or_else(|| Name::of("lookup"))
}

/// A constant bound of `range`.
fn constant_bound(expr: &Expr) -> Option<f64> {
    match expr.as_literal()? {
        Value::Long(number) => Some(*number as f64),
        Value::Real(number) => Some(*number),
        Value::Datetime(ticks) => epoch(*ticks).parse().ok(),
        Value::Timespan(ticks) => seconds(*ticks).parse().ok(),
        Value::Null(_)
        | Value::Bool(_)
        | Value::Decimal(_)
        | Value::String(_)
        | Value::Guid(_)
        | Value::Array(_)
        | Value::Bag(_) => None,
    }
}

/// A value as `makeresults` reads it: numbers and texts; none where there is no value.
fn json(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null(_) => return None,
        Value::Bool(value) => format!("\"{value}\""),
        Value::Long(number) => number.to_string(),
        Value::Real(number) if number.is_finite() => number.to_string(),
        Value::Real(number) => quoted(&number.to_string()),
        Value::Decimal(text) | Value::String(text) | Value::Guid(text) => quoted(text),
        Value::Datetime(ticks) => epoch(*ticks),
        Value::Timespan(ticks) => seconds(*ticks),
        Value::Array(_) | Value::Bag(_) => quoted(&json_text(value)),
    })
}

/// A text of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
