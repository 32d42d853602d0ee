//! `search` and `find`: texts in any column of several tables.
//!
//! KQL looks at every column; what is asked here are the text columns that the vocabulary knows of the tables.
//! See <https://learn.microsoft.com/kusto/query/search-operator>.

use super::scope::{Column, Form, converted};
use super::tree::{Command, Expr, Name, Part, Source as Said};
use super::{Fit, Fitter, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::fit::Window;
use crate::plan::{
    Case, ColumnRef, Expr as Meant, ExprKind, Needles, Pipeline, ScalarType, SearchTerm, Source, TableRef, TextHow,
    TextMatch, Union, Value,
};

/// The column that holds all texts of a row, by a name that no column of a hunt has.
const ALL: &str = "$all";

impl<'a> Fitter<'a, '_> {
    /// `search in (T) "text" and column == "x"`
    pub(super) fn anywhere(
        &mut self,
        pipeline: &Pipeline,
        tables: &[TableRef],
        predicate: &[SearchTerm],
        window: &Window<'_>,
    ) -> Fit<()> {
        let span = pipeline.span;
        let [table] = tables else {
            if tables.is_empty() {
                let help = "name the tables: `search in (T) …`, or use the target splunk";
                return Err(unwritten(span, "`search` of all tables").help(help));
            }
            let one = |table: &TableRef| Pipeline {
                source: Source::Search { tables: vec![table.clone()], predicate: predicate.to_vec() },
                stages: Vec::new(),
                ..pipeline.clone()
            };
            let branches = tables.iter().map(one).collect();
            let union = Union { branches, inner: false, with_source: None, fuzzy: false };
            return self.union(pipeline, &union, window);
        };
        let (index, conditions) = self.table(table, span)?;
        self.source = Some(Said::From(vec![Part::Index(index)]));
        if conditions != Expr::Bool(true) {
            self.commands.push(Command::Where(conditions));
        }
        self.leading_window(window)?;
        let mut parts = Vec::new();
        for term in predicate {
            match term {
                SearchTerm::Condition(condition) => {
                    self.conditions_alone(condition);
                    parts.push(self.predicate(condition)?);
                }
                SearchTerm::Anywhere(text) => {
                    let message = "KQL looks for the term in every column; here the text columns that are known of the table are looked at";
                    self.note(Code::Approximated, Effect::Unsure, text.span, message);
                    parts.push(self.text_anywhere(text)?);
                }
            }
        }
        let condition = Expr::all(parts);
        if condition != Expr::Bool(true) {
            self.commands.push(Command::Where(condition));
        }
        self.scope.made.remove(ALL);
        self.settle();
        Ok(())
    }

    fn text_anywhere(&mut self, expr: &Meant) -> Fit<Expr> {
        self.ledger.carried(expr.id);
        match &expr.kind {
            ExprKind::Literal(Value::String(text)) => self.in_any_column(expr, text),
            ExprKind::And(items) => {
                Ok(Expr::all(items.iter().map(|item| self.text_anywhere(item)).collect::<Fit<Vec<_>>>()?))
            }
            ExprKind::Or(items) => {
                Ok(Expr::any(items.iter().map(|item| self.text_anywhere(item)).collect::<Fit<Vec<_>>>()?))
            }
            ExprKind::Not(inner) => {
                Ok(Expr::call("COALESCE", [self.text_anywhere(inner)?, Expr::Bool(false)]).negated())
            }
            ExprKind::Literal(_)
            | ExprKind::Moment(_)
            | ExprKind::Column(_)
            | ExprKind::Path { .. }
            | ExprKind::Call { .. }
            | ExprKind::Arithmetic { .. }
            | ExprKind::Negate(_)
            | ExprKind::Compare { .. }
            | ExprKind::Text(_)
            | ExprKind::In { .. }
            | ExprKind::Presence { .. }
            | ExprKind::Time(_)
            | ExprKind::Scalar(_) => Err(unwritten(expr.span, "a computed value that is looked for in every column")),
        }
    }

    /// A text in one of the text columns of the table.
    fn in_any_column(&mut self, expr: &Meant, text: &str) -> Fit<Expr> {
        let (before, after) = (text.starts_with('*'), text.len() > 1 && text.ends_with('*'));
        let inner = text.trim_matches('*');
        if inner.is_empty() {
            return Err(unwritten(expr.span, "an empty text in any column"));
        }
        let how = match (before, after) {
            (false, false) => TextHow::Term,
            (true, true) => TextHow::Substring,
            (false, true) => TextHow::TermPrefix,
            (true, false) => TextHow::TermSuffix,
        };
        let all = ColumnRef { name: ALL.into(), known: true };
        if !self.scope.made.contains_key(ALL) {
            let field = self.all_texts(expr)?;
            self.scratch.push(field.clone());
            let column = Column { present: true, ..Column::computed(field, ScalarType::String) };
            self.scope.made.insert(ALL.into(), column);
        }
        let needle = Meant { kind: ExprKind::Literal(Value::String(inner.to_owned())), ..expr.clone() };
        let subject = Meant { kind: ExprKind::Column(all), ty: ScalarType::String, ..expr.clone() };
        let matched = TextMatch {
            subject: Box::new(subject),
            how,
            case: Case::Insensitive,
            needles: Needles::One(Box::new(needle)),
            negated: false,
        };
        self.text_match(expr, &matched)
    }

    /// A column that holds all texts of the row.
    fn all_texts(&mut self, expr: &Meant) -> Fit<Name> {
        let table = self.tables.first();
        let (row, map) = (table.and_then(|table| table.row), table.and_then(|table| table.map));
        let Some(row) = row else {
            let message = "a text in any column of a table whose columns are not known";
            return Err(unwritten(expr.span, message).help("look for it in a column: `where column has …`"));
        };
        let mut texts = Vec::new();
        for (name, column) in &row.columns {
            let mapped = self.fields.keeps_names() || map.is_some_and(|map| map.columns.contains_key(name));
            if column.ty != ScalarType::String || !mapped {
                continue;
            }
            let Ok(column) = self.named(&name.as_str().into(), ScalarType::String, expr.span) else { continue };
            if !texts.is_empty() {
                texts.push(Expr::text(" "));
            }
            texts.push(converted(column.bare(), column.form, Form::Keyword).or_empty());
        }
        if texts.is_empty() {
            return Err(unwritten(expr.span, "a text in any column of a table without text columns"));
        }
        let field = self.helper();
        self.commands.push(Command::Eval(vec![(field.clone(), Expr::Call("CONCAT", texts))]));
        Ok(field)
    }
}
