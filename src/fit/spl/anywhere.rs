//! `search` and `find`: texts in any column of several tables.
//!
//! KQL looks for a term in every column, Splunk in the raw event, whose terms are cut at other characters and which may
//! hold more or less than the columns: neither finds a part of what the other finds.
//! See <https://learn.microsoft.com/kusto/query/search-operator> and
//! <https://help.splunk.com/en/splunk-enterprise/search/search-manual/search-overview/use-the-search-command>.

use super::matcher::is_plain;
use super::scope::Column;
use super::tree::{Command, EvalExpr, Name, Pattern, SearchExpr};
use super::union::either;
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::plan::{Expr, ExprKind, ScalarType, SearchTerm, Stage, TableRef, Value};
use crate::source::Span;

impl<'a> Fitter<'a, '_> {
    /// `search in (T) "text" and column == "x"`
    pub(super) fn anywhere(
        &mut self,
        tables: &[TableRef],
        predicate: &[SearchTerm],
        stages: &[Stage],
        span: Span,
    ) -> Fit<()> {
        if self.demand(stages).names.contains("$table") {
            let message = "column `$table` is called `table`, for the names of fields begin with a letter";
            self.note(Code::ColumnsDropped, Effect::Reshaped, span, message);
        }
        let mut alternatives = Vec::new();
        for table in tables {
            alternatives.push(self.table(table, span)?);
        }
        if tables.is_empty() {
            self.time_columns = ["TimeGenerated", "Timestamp"].into_iter().map(Into::into).collect();
            let Some(every) = Name::new("sourcetype") else { return Ok(()) };
            alternatives.push(vec![SearchExpr::Exists(every)]);
            let message = "every event that the user may see is searched, not those of the tables alone";
            self.note(Code::SelectorMissing, Effect::Unsure, span, message);
        }
        self.selector = either(alternatives)
            .ok_or_else(|| Unsayable::not_yet(span, "a search of tables of which one holds another"))?;
        if self.fields.keeps_names() {
            let table = Column::computed(Name::of("sourcetype"), ScalarType::String);
            self.scope.made.insert("$table".into(), Column { raw: true, ..table });
        }
        let mut rest = Vec::new();
        for term in predicate {
            match term {
                SearchTerm::Condition(condition) => {
                    let condition = self.predicate(condition)?;
                    self.conditions.extend(condition.search);
                    rest.push(condition.rest);
                }
                SearchTerm::Anywhere(text) => {
                    let term = self.text_anywhere(text)?;
                    let message = "KQL looks for the term in every column, Splunk in the raw event, where terms end at other characters";
                    self.note(Code::Approximated, Effect::Unsure, text.span, message);
                    self.conditions.push(term);
                }
            }
        }
        let rest = EvalExpr::all(rest);
        if rest != EvalExpr::bool(true) {
            self.commands.push(Command::Where(rest));
        }
        Ok(())
    }

    fn text_anywhere(&mut self, expr: &Expr) -> Fit<SearchExpr> {
        self.ledger.carried(expr.id);
        match &expr.kind {
            ExprKind::Literal(Value::String(text)) => {
                let (before, after) = (text.starts_with('*'), text.len() > 1 && text.ends_with('*'));
                let inner = text.trim_matches('*');
                if inner.is_empty() || !is_plain(inner) {
                    let message = format!("`{text}` can not be looked for in the raw event");
                    return Err(Unsayable::new(Code::RefusedPredicate, expr.span, message)
                        .help("look for it in a column: `where column has …`"));
                }
                Ok(SearchExpr::Anywhere(Pattern { before, text: inner.to_owned(), after }))
            }
            ExprKind::And(items) => {
                let items = items.iter().map(|item| self.text_anywhere(item)).collect::<Fit<Vec<_>>>()?;
                SearchExpr::all(items).ok_or_else(|| Unsayable::new(Code::Fault, expr.span, "nothing is looked for"))
            }
            ExprKind::Or(items) => {
                let items = items.iter().map(|item| self.text_anywhere(item)).collect::<Fit<Vec<_>>>()?;
                SearchExpr::any(items).ok_or_else(|| Unsayable::new(Code::Fault, expr.span, "nothing is looked for"))
            }
            ExprKind::Not(inner) => Ok(SearchExpr::Not(Box::new(self.text_anywhere(inner)?))),
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
            | ExprKind::Scalar(_) => {
                Err(Unsayable::not_yet(expr.span, "a computed value that is looked for in every column"))
            }
        }
    }
}
