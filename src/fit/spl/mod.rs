//! Plan → SPL: one search, its base as narrow as the hunt allows, and every condition in a form that means the same.
//!
//! [`predicate`], [`text`] and [`matcher`] say conditions, [`value`] values, [`stages`] and [`summarize`] operators. What SPL could say
//! and is not yet written is refused by name (`HG205`).

mod matcher;
mod moment;
mod predicate;
mod regex;
mod scope;
mod stages;
mod summarize;
mod text;
pub(crate) mod tree;
mod value;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::scope::{Column, Scope};
use self::tree::{Command, Name, Pattern, Query, SearchExpr};
use super::{Fields, Frame, Ledger, Refused, Table, TimeRange, Window};
use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::plan::{ColumnRef, Expr, Pipeline, ScalarType, Source, Stage, StageKind, TableRef, Tree};
use crate::source::Span;
use crate::target::{Capability, Selector, SplunkSelector, Support, TermTest};

/// Why something can not be said, as a refusal of the whole; whoever can leave the part out makes a note of it.
#[derive(Debug)]
struct Unsayable(Box<Diagnostic>);

type Fit<T> = Result<T, Unsayable>;

impl Unsayable {
    fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self(Box::new(Diagnostic::refusal(code, span, message)))
    }

    /// SPL could say it; it is not written yet.
    fn not_yet(span: Span, what: impl std::fmt::Display) -> Self {
        Self::new(Code::NotYet, span, format!("{what} is not yet written in SPL"))
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self(Box::new(self.0.help(help)))
    }
}

/// Makes the search of a plan.
///
/// # Errors
/// The ledger holds the refusal.
pub(crate) fn fit(frame: &Frame<'_>, ledger: &mut Ledger) -> Result<(Query, Option<TimeRange>), Refused> {
    let contexts = frame.facts.context("search").zip(frame.facts.context("where"));
    let Some((search, eval)) = contexts else {
        let fault = Diagnostic::refusal(Code::BadTargetData, frame.plan.pipeline.span, "the target has no contexts");
        return Err(ledger.refuse(frame.plan, fault));
    };
    let (search, eval) = (search.clone(), eval.clone());
    let commands = Fitter::new(frame, ledger).pipeline(&frame.plan.pipeline)?;
    // The window is in the query.
    Ok((Query { search, eval, commands }, None))
}

/// The state of one translation.
struct Fitter<'a, 'l> {
    frame: Frame<'a>,
    ledger: &'l mut Ledger,
    fields: Fields<'a>,
    tables: Vec<Table<'a>>,
    null_text: Option<Arc<str>>,
    /// The columns that hold the event's time, as the plan has them.
    time_columns: Vec<Arc<str>>,
    scope: Scope<'a>,
    /// Terms of the base search that find the table, then those of the window, then conditions.
    selector: Vec<SearchExpr>,
    window: Vec<SearchExpr>,
    conditions: Vec<SearchExpr>,
    /// Whether a condition may still move into the base search: nothing has counted, cut off or merged rows.
    base_open: bool,
    commands: Vec<Command>,
    /// In which direction the stage at hand acts on the rows that come out.
    polarity: Polarity,
    /// Conditions that were left out.
    left_out: usize,
    /// How many helper fields were named.
    helpers: usize,
}

impl<'a, 'l> Fitter<'a, 'l> {
    fn new(frame: &Frame<'a>, ledger: &'l mut Ledger) -> Self {
        Self {
            frame: *frame,
            ledger,
            fields: Fields::new(*frame),
            tables: Vec::new(),
            null_text: None,
            time_columns: Vec::new(),
            scope: Scope { events: true, ..Scope::default() },
            selector: Vec::new(),
            window: Vec::new(),
            conditions: Vec::new(),
            base_open: true,
            commands: Vec::new(),
            polarity: Polarity::Positive,
            left_out: 0,
            helpers: 0,
        }
    }

    fn pipeline(mut self, pipeline: &Pipeline) -> Result<Vec<Command>, Refused> {
        if let Err(reason) = self.source(pipeline) {
            return Err(self.refuse_source(pipeline, reason));
        }
        self.ledger.carried(pipeline.id);
        let window = Window::leading(pipeline);
        if let Err(reason) = self.leading_window(&window) {
            return Err(self.ledger.refuse(pipeline, *reason.0));
        }
        let counted = |stage: &Stage| matches!(stage.kind, StageKind::Summarize { .. } | StageKind::Count);
        let last_count = pipeline.stages.iter().rposition(counted);
        for (index, stage) in pipeline.stages.iter().enumerate() {
            let rest = pipeline.stages.get(index + 1..).unwrap_or_default();
            let counts_later = last_count.is_some_and(|last| last > index);
            self.polarity = if counts_later { Polarity::Aggregated } else { Polarity::Positive };
            if let Err(reason) = self.stage(stage, rest, &window) {
                return Err(self.ledger.refuse(stage, *reason.0));
            }
        }
        let filtered = !self.conditions.is_empty() || self.commands.iter().any(|it| matches!(it, Command::Where(_)));
        if self.left_out > 0 && !filtered {
            let refusal = Diagnostic::refusal(
                Code::RefusedPredicate,
                pipeline.span,
                "without the conditions that can not be said, the search would select every event of the table",
            );
            return Err(self.ledger.refuse(pipeline, refusal));
        }
        let mut base = self.selector;
        base.extend(self.window);
        base.extend(self.conditions);
        let mut commands = vec![Command::Search(base)];
        commands.extend(self.commands);
        Ok(commands)
    }

    /// Refuses a source: the answer of the target's data, or the reason found.
    fn refuse_source(&mut self, pipeline: &Pipeline, reason: Unsayable) -> Refused {
        let answer = Capability::of_source(&pipeline.source).map(|it| self.frame.facts.capabilities.get(it));
        let refusal = match answer {
            Some(answer) if answer.is == Support::Refused => {
                let note = answer.note.as_deref().unwrap_or("Splunk has no counterpart of it");
                let message = format!("the source can not be read: {note}");
                let refusal = Diagnostic::refusal(Code::RefusedSource, pipeline.span, message);
                match &answer.instead {
                    Some(instead) => refusal.help(instead.clone()),
                    None => refusal,
                }
            }
            _ => *reason.0,
        };
        self.ledger.refuse(pipeline, refusal)
    }

    /// Finds the events of the source.
    fn source(&mut self, pipeline: &Pipeline) -> Fit<()> {
        let span = pipeline.span;
        match &pipeline.source {
            Source::Table(table) => {
                self.selector = self.table(table, span)?;
                Ok(())
            }
            Source::Union(union) => {
                if union.with_source.is_some() {
                    return Err(Unsayable::not_yet(span, "`withsource` of a union"));
                }
                if union.inner {
                    return Err(Unsayable::not_yet(span, "a union with `kind=inner`"));
                }
                let mut alternatives = Vec::new();
                for branch in &union.branches {
                    let Source::Table(table) = &branch.source else {
                        return Err(Unsayable::not_yet(branch.span, "a union of other sources than tables"));
                    };
                    if let Some(stage) = branch.stages.first() {
                        return Err(Unsayable::not_yet(stage.span, "a union of tables with stages of their own")
                            .help("put the conditions that the tables share after the union"));
                    }
                    let terms = self.table(table, branch.span)?;
                    if SearchExpr::all(terms.clone()).is_some_and(|it| alternatives.contains(&it)) {
                        return Err(Unsayable::not_yet(branch.span, "a union in which the same events come twice"));
                    }
                    alternatives.extend(SearchExpr::all(terms));
                    self.ledger.carried(branch.id);
                }
                self.selector = SearchExpr::any(alternatives).into_iter().collect();
                Ok(())
            }
            Source::Watchlist { .. } => Err(Unsayable::not_yet(span, "a watchlist as a source")),
            Source::External { .. }
            | Source::Rows { .. }
            | Source::Print(_)
            | Source::Range { .. }
            | Source::Search { .. } => Err(Unsayable::not_yet(span, "this source")),
        }
    }

    /// The terms that find the events of a table.
    fn table(&mut self, table: &TableRef, span: Span) -> Fit<Vec<SearchExpr>> {
        self.time_columns.extend(table.time_columns.iter().cloned());
        let table = self.fields.table(self.ledger, table, span).map_err(Unsayable)?;
        let Selector::Splunk(selector) = table.selector.as_ref() else {
            return Err(Unsayable::new(Code::BadTargetData, span, "the schema is not one of Splunk"));
        };
        let terms = selector_terms(selector, span)?;
        let null_text: Option<Arc<str>> = selector.null_text.as_deref().map(Arc::from);
        if !self.tables.is_empty() && self.null_text != null_text {
            return Err(Unsayable::not_yet(span, "a union of tables that hold missing values in different ways"));
        }
        self.null_text = null_text;
        self.tables.push(table);
        Ok(terms)
    }

    /// The field of a column at this place.
    fn column(&mut self, column: &ColumnRef, ty: ScalarType, span: Span) -> Fit<Column<'a>> {
        if let Some(made) = self.scope.made.get(&column.name) {
            return Ok(made.clone());
        }
        if !self.scope.events {
            let message = format!("column `{}` is not one of the row at this place", column.name);
            return Err(Unsayable::new(Code::UnknownColumn, span, message));
        }
        let field = self.event_field(column, span)?;
        if let Some(parts) = field.name.strip_suffix(".*") {
            let message =
                format!("column `{}` as a whole, of which Splunk has only the parts under `{parts}`,", column.name);
            return Err(Unsayable::not_yet(span, message));
        }
        let Some(name) = Name::new(field.name.as_ref()) else {
            let message = format!("`{}` can not be the name of a field in SPL", field.name);
            return Err(Unsayable::new(Code::SplName, span, message).help("name another field with --fields"));
        };
        let time = field.time;
        let null_text = if time { None } else { self.null_text.clone() };
        Ok(Column {
            field: name,
            ty,
            raw: true,
            seconds: time,
            null_text,
            blank: false,
            present: time,
            known: Some(field),
        })
    }

    /// The field of the event that holds a column, the same in every table of the hunt.
    fn event_field(&mut self, column: &ColumnRef, span: Span) -> Fit<super::Field<'a>> {
        let mut found: Option<super::Field<'a>> = None;
        for table in &self.tables {
            let field = if table.row.is_none() && table.map.is_none() && self.time_columns.contains(&column.name) {
                // A table that is not known has its events' time where such tables have it.
                super::Field { name: self.frame.schema.time_field.as_str().into(), time: true, map: None }
            } else {
                self.fields.column(self.ledger, Some(table), column, span, self.polarity).map_err(Unsayable)?
            };
            if found.as_ref().is_some_and(|other| other.name != field.name || other.time != field.time) {
                let what = format!("column `{}`, which is another field in each table of the union,", column.name);
                return Err(Unsayable::not_yet(span, what));
            }
            found = Some(field);
        }
        found.ok_or_else(|| Unsayable::new(Code::Fault, span, "the hunt has no table"))
    }

    /// The field of a new column. Under another schema than KQL's own it may be the field of another column.
    fn new_field(&self, name: &str, span: Span) -> Fit<Name> {
        let mut maps = self.tables.iter().filter_map(|table| table.map);
        let taken =
            |map: &crate::target::TableMap| map.columns.iter().any(|(column, it)| it.field == name && column != name);
        if self.scope.events && maps.any(taken) {
            return Err(Unsayable::not_yet(
                span,
                format!("a column `{name}`, whose name is that of another column's field,"),
            ));
        }
        Name::new(name).ok_or_else(|| {
            let message = format!("`{name}` can not be the name of a field in SPL");
            Unsayable::new(Code::SplName, span, message).help("name the column with letters, digits and `_`")
        })
    }

    /// A field for the query's own use.
    fn helper(&mut self) -> Name {
        self.helpers += 1;
        let number = self.helpers;
        Name::new(format!("huntgate_{number}")).unwrap_or_else(|| Name::of("huntgate"))
    }

    fn note(&mut self, code: Code, effect: Effect, span: Span, message: impl Into<String>) {
        self.ledger.note(self.polarity, Diagnostic::note(code, effect, span, message));
    }

    /// A condition is left out: what that does, or the refusal where it can not be left out.
    fn leave_out(&mut self, condition: &Expr, reason: Unsayable) -> Fit<()> {
        if self.polarity != Polarity::Positive || reason.0.code == Code::Fault {
            return Err(reason);
        }
        let mut note = Diagnostic::note(
            reason.0.code,
            Effect::Broader,
            condition.span,
            format!("a condition is left out: {}", reason.0.message),
        );
        note.help = reason.0.help.clone();
        self.ledger.dropped(condition, self.polarity, note);
        self.left_out += 1;
        Ok(())
    }

    /// Carries the nodes of a part that is said as a whole.
    fn carry(&mut self, tree: &dyn Tree) {
        self.ledger.carried_whole(tree);
    }
}

/// The terms of a selector.
fn selector_terms(selector: &SplunkSelector, span: Span) -> Fit<Vec<SearchExpr>> {
    if selector.datamodel.is_some() {
        return Err(Unsayable::not_yet(span, "a search of a data model")
            .help("name the index and sourcetype with --fields, or use --schema source"));
    }
    let mut terms = Vec::new();
    if let Some(name) = &selector.index_macro {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            return Err(Unsayable::new(Code::SplName, span, format!("`{name}` can not be the name of a macro")));
        }
        terms.push(SearchExpr::Macro(name.clone()));
    }
    for term in &selector.terms {
        let refused = |value: &str| {
            let message = format!("`{value}` can not be looked for in the base search");
            Unsayable::new(Code::SplName, span, message)
        };
        let name = Name::new(term.field.as_str()).ok_or_else(|| refused(&term.field))?;
        let pattern = |value: &String, wild: bool| {
            let (before, after) = (wild && value.starts_with('*'), wild && value.ends_with('*'));
            let text = if wild { value.trim_matches('*') } else { value };
            let sound = matcher::is_plain(text) && !text.is_empty();
            if sound { Ok(Pattern { before, text: text.to_owned(), after }) } else { Err(refused(value)) }
        };
        let one_of = |values: &[String], wild: bool| -> Fit<SearchExpr> {
            let mut patterns = values.iter().map(|value| pattern(value, wild)).collect::<Fit<Vec<_>>>()?;
            Ok(match (patterns.pop(), patterns.is_empty()) {
                (Some(one), true) => SearchExpr::Equals(name.clone(), one),
                (last, _) => {
                    patterns.extend(last);
                    SearchExpr::In(name.clone(), patterns)
                }
            })
        };
        terms.push(match &term.test {
            TermTest::OneOf(values) => one_of(values, false)?,
            TermTest::Like(values) => one_of(values, true)?,
            TermTest::Exists => SearchExpr::Exists(name.clone()),
            TermTest::FromColumn { prefix, .. } if prefix.is_empty() => SearchExpr::Exists(name.clone()),
            TermTest::FromColumn { prefix, .. } => one_of(&[format!("{prefix}*")], true)?,
        });
    }
    Ok(terms)
}
