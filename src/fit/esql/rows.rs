//! Rows that are no events: those written in the hunt (`datatable`, `print`, `range`), and those that the site keeps in
//! indices (`_GetWatchlist`, `externaldata`).
//!
//! `ROW` makes one row. Several are the values of one column, of which `MV_EXPAND` makes rows and `DISSECT` columns.
//! See <https://www.elastic.co/docs/reference/query-languages/esql/commands/row>.

use std::sync::Arc;

use super::scope::{Column, Form, Scope, converted};
use super::tree::{Command, Expr, Glob, Name, Source as Said};
use super::value::milliseconds;
use super::{Fit, Fitter, unwritten};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::fit::{Need, NeedKind, iso8601, outside};
use crate::plan::{Binding, Expr as Meant, ScalarType, Source, Value};
use crate::source::Span;

/// Rows that `range` makes at most.
const RANGE: f64 = 1_000.0;

/// What stands between the columns of a row, and does not come in them.
const MARKS: [&str; 5] = ["|", "¦", "␞", "␟", "␝"];

impl<'a> Fitter<'a, '_> {
    /// `datatable`
    pub(super) fn written_rows(
        &mut self,
        columns: &[(Arc<str>, ScalarType)],
        rows: &[Vec<Value>],
        span: Span,
    ) -> Fit<()> {
        let fields = columns.iter().map(|(name, _)| self.new_name(name, span)).collect::<Fit<Vec<_>>>()?;
        if columns.is_empty() || rows.is_empty() {
            return Err(unwritten(span, "a table without rows"));
        }
        let mut made: Vec<(Arc<str>, Column<'a>)> = Vec::new();
        for (at, ((name, ty), field)) in columns.iter().zip(&fields).enumerate() {
            let there = |row: &Vec<Value>| match row.get(at) {
                Some(Value::String(text)) => !text.is_empty(),
                Some(Value::Null(_)) | None => false,
                Some(_) => true,
            };
            if rows.iter().all(there) {
                self.proven.insert(name.clone());
            }
            let text = Form::of(*ty) == Form::Keyword;
            made.push((name.clone(), Column { present: text, ..Column::computed(field.clone(), *ty) }));
        }
        if let [row] = rows {
            let values = row.iter().zip(columns).map(|(value, (_, ty))| constant(value, *ty));
            let values = values.collect::<Option<Vec<_>>>().ok_or_else(|| unwritten(span, "a value of the table"))?;
            self.source = Some(Said::Row(fields.into_iter().zip(values).collect()));
        } else {
            self.several_rows(columns, rows, &fields, span)?;
        }
        self.at_most = u64::try_from(rows.len()).ok();
        self.scope = Scope { made: made.into_iter().collect(), ..Scope::default() };
        Ok(())
    }

    /// Several rows as the values of one column.
    fn several_rows(
        &mut self,
        columns: &[(Arc<str>, ScalarType)],
        rows: &[Vec<Value>],
        fields: &[Name],
        span: Span,
    ) -> Fit<()> {
        if let ([(_, ty)], [field]) = (columns, fields) {
            let values = rows.iter().filter_map(|row| row.first()).map(|value| constant(value, *ty));
            if let Some(values) = values.collect::<Option<Vec<_>>>()
                && !values.contains(&Expr::Null)
                && *ty != ScalarType::Datetime
            {
                self.source = Some(Said::Row(vec![(field.clone(), Expr::List(values))]));
                self.commands.push(Command::MvExpand(field.clone()));
                return Ok(());
            }
        }
        let texts: Option<Vec<Vec<String>>> = rows.iter().map(|row| row.iter().map(text).collect()).collect();
        let texts = texts.ok_or_else(|| unwritten(span, "a value of the table"))?;
        let free = |mark: &&&str| !texts.iter().flatten().any(|text| text.contains(**mark));
        let Some(mark) = MARKS.iter().find(free) else { return Err(unwritten(span, "a text of the table")) };
        let row = self.helper();
        let lines = texts.iter().map(|row| Expr::Text(row.join(mark))).collect();
        self.source = Some(Said::Row(vec![(row.clone(), Expr::List(lines))]));
        self.commands.push(Command::MvExpand(row.clone()));
        let parts: Vec<String> = fields.iter().map(|field| format!("%{{{}}}", field.text())).collect();
        if fields.iter().any(|field| !field.text().chars().all(|char| char.is_ascii_alphanumeric() || char == '_')) {
            return Err(unwritten(span, "a table with such names of columns").help("name them with letters and digits"));
        }
        self.commands.push(Command::Dissect { value: row.clone(), pattern: parts.join(mark) });
        let mut typed = Vec::new();
        for ((_, ty), field) in columns.iter().zip(fields) {
            let value = converted(Expr::Field(field.clone()), Form::Keyword, Form::of(*ty));
            if value != Expr::Field(field.clone()) {
                typed.push((field.clone(), value));
            }
        }
        if !typed.is_empty() {
            self.commands.push(Command::Eval(typed));
        }
        self.commands.push(Command::Drop(vec![Glob::from(&row)]));
        Ok(())
    }

    /// `print`
    pub(super) fn print(&mut self, bindings: &[Binding]) -> Fit<()> {
        self.scope = Scope::default();
        let mut values = Vec::new();
        let mut made = Vec::new();
        for binding in bindings {
            let (column, value) = self.binding(binding)?;
            values.push((column.field.clone(), value));
            made.push((binding.name.clone(), column));
        }
        self.source = Some(Said::Row(values));
        self.scope = Scope { made: made.into_iter().collect(), ..Scope::default() };
        self.at_most = Some(1);
        Ok(())
    }

    /// `range name from a to b step c`
    pub(super) fn range(&mut self, name: &str, from: &Meant, to: &Meant, step: &Meant, span: Span) -> Fit<()> {
        let bound = |expr: &Meant| match expr.as_literal() {
            Some(Value::Long(number)) => Some(*number as f64),
            Some(Value::Real(number)) => Some(*number),
            Some(_) | None => None,
        };
        let (Some(first), Some(last), Some(size)) = (bound(from), bound(to), bound(step)) else {
            return Err(unwritten(span, "a range whose bounds are no constant numbers"));
        };
        let count = ((last - first) / size).floor() + 1.0;
        if !(1.0..=RANGE).contains(&count) || size == 0.0 {
            return Err(unwritten(span, "a range of no or of very many rows"));
        }
        [from, to, step].into_iter().for_each(|bound| self.ledger.carried(bound.id));
        let field = self.new_name(name, span)?;
        let whole = [from, to, step].iter().all(|bound| bound.ty != ScalarType::Real);
        let rows = count as u32;
        let one = |index: u32| {
            let value = first + f64::from(index) * size;
            if whole { Expr::number(value) } else { Expr::Number(format!("{value:?}")) }
        };
        self.source = Some(Said::Row(vec![(field.clone(), Expr::List((0..rows).map(one).collect()))]));
        self.commands.push(Command::MvExpand(field.clone()));
        let ty = if whole { ScalarType::Long } else { ScalarType::Real };
        let column = Column { present: true, ..Column::computed(field, ty) };
        self.scope = Scope { made: [(name.into(), column)].into(), ..Scope::default() };
        self.at_most = Some(u64::from(rows));
        Ok(())
    }

    /// The index that holds the rows of a list outside of the hunt, with the note that names it.
    pub(super) fn listed(&mut self, source: &Source, lookup: bool, span: Span) -> Option<String> {
        let (name, of, holds) = match source {
            Source::Watchlist { name } => {
                (outside::list_name(name), name.to_string(), format!("the rows of watchlist `{name}`"))
            }
            Source::External { columns, addresses, .. } => {
                let names: Vec<String> = columns.iter().map(|(name, _)| format!("`{name}`")).collect();
                let from = addresses.first().map(|address| format!(" from `{address}`")).unwrap_or_default();
                let of = addresses.first().cloned().unwrap_or_default();
                (outside::external_name(addresses), of, format!("the columns {}{from}", names.join(", ")))
            }
            Source::Table(_)
            | Source::Union(_)
            | Source::Rows { .. }
            | Source::Print(_)
            | Source::Range { .. }
            | Source::Search { .. } => return None,
        };
        let index = name.to_ascii_lowercase();
        let (kind, mode) = if lookup { (NeedKind::LookupIndex, " in lookup mode") } else { (NeedKind::Index, "") };
        self.ledger.need(Need { kind, name: index.clone(), of });
        let message = format!("index `{index}`{mode} must hold {}", holds.replace(char::is_control, " "));
        let note = Diagnostic::note(Code::IndexNeeded, Effect::Exact, span, message);
        self.ledger.note(self.polarity, note.help("create the index, and fill it again when its source changes"));
        Some(index)
    }

    /// The columns of a list outside of the hunt. Those of a watchlist are not known.
    pub(super) fn listed_columns(&mut self, source: &Source, span: Span) -> Fit<Scope<'a>> {
        let mut scope = Scope { open: true, ..Scope::default() };
        if let Source::External { columns, .. } = source {
            scope.open = false;
            for (name, ty) in columns {
                let field = self.new_name(name, span)?;
                scope.made.insert(name.clone(), Column::computed(field, *ty));
            }
        }
        Ok(scope)
    }
}

/// A constant of a column of this type.
fn constant(value: &Value, ty: ScalarType) -> Option<Expr> {
    Some(match value {
        Value::Null(_) if Form::of(ty) == Form::Keyword => Expr::text(""),
        Value::Null(_) => Expr::Null,
        Value::Bool(value) => Expr::Bool(*value),
        Value::Long(number) if ty == ScalarType::Real => Expr::Number(format!("{:?}", *number as f64)),
        Value::Long(number) => Expr::number(number),
        Value::Real(number) if number.is_finite() => Expr::Number(format!("{number:?}")),
        Value::Real(_) => return None,
        Value::Decimal(text) => Expr::Number(text.clone()),
        Value::String(text) | Value::Guid(text) => Expr::text(text.clone()),
        Value::Datetime(ticks) => Expr::call("TO_DATETIME", [Expr::text(iso8601(*ticks)?)]),
        Value::Timespan(ticks) => milliseconds(*ticks),
        Value::Array(_) | Value::Bag(_) => Expr::text(crate::fit::json::json_text(value)),
    })
}

/// A value as a text, from which it is read again; empty where there is none.
fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null(_) => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Long(number) => number.to_string(),
        Value::Real(number) if number.is_finite() => format!("{number:?}"),
        Value::Real(_) => return None,
        Value::Decimal(text) | Value::String(text) | Value::Guid(text) => text.clone(),
        Value::Datetime(ticks) => iso8601(*ticks)?,
        Value::Timespan(ticks) => {
            let Expr::Number(number) = milliseconds(*ticks) else { return None };
            number
        }
        Value::Array(_) | Value::Bag(_) => crate::fit::json::json_text(value),
    })
}
