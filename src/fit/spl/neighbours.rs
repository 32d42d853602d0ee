//! Window functions (`prev`, `next`, `row_number`, `row_cumsum`): `streamstats` before the operator that uses them.
//!
//! They look at the order of the rows, so that no condition after them may move into the base search.
//! See <https://learn.microsoft.com/kusto/query/window-functions> and
//! <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/streamstats>.

use super::form::{number, or};
use super::tree::{Command, EvalExpr, Name, Operator, StatsAggregate, StatsInput, StreamWindow};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Effect};
use crate::plan::{Expr, ExprKind, NodeRef, Tree, Value};
use crate::vocabulary::FunctionKind;

/// The functions that one `streamstats` computes.
#[derive(Default)]
struct Streams {
    /// Values of the row before, or of the row after.
    before: Vec<StatsAggregate>,
    after: Vec<StatsAggregate>,
    /// Counts and sums up to this row.
    up_to: Vec<StatsAggregate>,
    /// Values of rows farther away: how many, whether after this one.
    farther: Vec<(u64, bool, StatsAggregate)>,
}

impl<'a> Fitter<'a, '_> {
    /// Computes the window functions of an operator, so that its expressions find them as fields.
    pub(super) fn hoist(&mut self, tree: &dyn Tree) -> Fit<()> {
        self.hoist_series(tree)?;
        let mut calls: Vec<Expr> = Vec::new();
        let vocabulary = self.frame.vocabulary;
        tree.visit(&mut |node| {
            if let NodeRef::Expr(expr) = node
                && let ExprKind::Call { function, .. } = &expr.kind
                && vocabulary.function_row(*function).is_some_and(|row| row.kind == FunctionKind::Window)
            {
                calls.push(expr.clone());
            }
        });
        if calls.is_empty() {
            return Ok(());
        }
        self.base_open = false;
        let mut streams = Streams::default();
        // Those inside of others come first.
        for call in calls.iter().rev() {
            self.window_function(call, &mut streams)?;
        }
        let mut away = Vec::new();
        let mut push = |this: &mut Self, aggregates: Vec<StatsAggregate>, over: StreamWindow| {
            if !aggregates.is_empty() {
                away.extend(aggregates.iter().map(|aggregate| aggregate.name.clone()));
                this.commands.push(Command::StreamStats { aggregates, by: Vec::new(), over });
            }
        };
        push(self, streams.up_to, StreamWindow::UpTo);
        push(self, streams.before, StreamWindow::Last(1));
        let (after, before): (Vec<_>, Vec<_>) = streams.farther.into_iter().partition(|(_, after, _)| *after);
        for (rows, _, aggregate) in before {
            push(self, vec![aggregate], StreamWindow::Last(rows));
        }
        if !streams.after.is_empty() || !after.is_empty() {
            self.commands.push(Command::Reverse);
            push(self, streams.after, StreamWindow::Last(1));
            for (rows, _, aggregate) in after {
                push(self, vec![aggregate], StreamWindow::Last(rows));
            }
            self.commands.push(Command::Reverse);
        }
        self.commands.push(Command::FieldsAway(away));
        Ok(())
    }

    fn window_function(&mut self, call: &Expr, streams: &mut Streams) -> Fit<()> {
        let ExprKind::Call { args, .. } = &call.kind else { return Ok(()) };
        let name = self.function_name(call).unwrap_or_default();
        self.ledger.carried(call.id);
        let whole = |index: usize| match args.get(index).map(|arg| arg.as_literal()) {
            None => Some(None),
            Some(Some(Value::Long(number))) => Some(Some(*number)),
            Some(_) => None,
        };
        let restarts = args.get(1).is_some_and(|arg| !matches!(arg.as_literal(), Some(Value::Bool(false))));
        let value = match name {
            "prev" | "next" => {
                let offset = match whole(1) {
                    Some(None) => 1,
                    Some(Some(offset)) if offset > 0 => offset.unsigned_abs(),
                    _ => return Err(Unsayable::not_yet(call.span, format!("`{name}` over a computed distance"))),
                };
                let Some(of) = args.first() else { return Ok(()) };
                args.iter().skip(1).for_each(|arg| self.carry(arg));
                let field = self.streamed(of)?;
                let after = name == "next";
                let helper = self.helper();
                let of = StatsInput::Field(field);
                if offset == 1 {
                    let stream = if after { &mut streams.after } else { &mut streams.before };
                    stream.push(StatsAggregate { function: "last".to_owned(), of, name: helper.clone() });
                } else {
                    let message = "of a row that is farther away Splunk takes the nearest that has a value";
                    self.note(Code::Approximated, Effect::Unsure, call.span, message);
                    let first = StatsAggregate { function: "first".to_owned(), of, name: helper.clone() };
                    streams.farther.push((offset, after, first));
                }
                match args.get(2) {
                    Some(default) => {
                        let message = "a value that is missing in the other row gets the default, too";
                        self.note(Code::NullSemantics, Effect::Unsure, call.span, message);
                        or(EvalExpr::Field(helper), self.value(default)?)
                    }
                    None => EvalExpr::Field(helper),
                }
            }
            "row_number" if !restarts => {
                let Some(start) = whole(0) else {
                    return Err(Unsayable::not_yet(call.span, "`row_number` from a computed number"));
                };
                args.iter().for_each(|arg| self.carry(arg));
                let helper = self.helper();
                streams.up_to.push(StatsAggregate {
                    function: "count".to_owned(),
                    of: StatsInput::Rows,
                    name: helper.clone(),
                });
                let count = EvalExpr::Field(helper);
                match start.unwrap_or(1) - 1 {
                    0 => count,
                    more => EvalExpr::arithmetic(Operator::Add, count, number(more)),
                }
            }
            "row_cumsum" if !restarts => {
                let Some(of) = args.first() else { return Ok(()) };
                args.iter().skip(1).for_each(|arg| self.carry(arg));
                let field = self.streamed(of)?;
                let helper = self.helper();
                streams.up_to.push(StatsAggregate {
                    function: "sum".to_owned(),
                    of: StatsInput::Field(field),
                    name: helper.clone(),
                });
                or(EvalExpr::Field(helper), number(0))
            }
            _ => {
                let message = format!("`{name}` restarts or ends at rows that `streamstats` can not name");
                return Err(Unsayable::new(Code::RefusedFunction, call.span, message)
                    .help("compare with prev() and sum up with row_cumsum()"));
            }
        };
        self.hoisted.insert(call.id, (value, super::scope::Shape::Json));
        Ok(())
    }

    /// A value as a field that `streamstats` can look at.
    fn streamed(&mut self, expr: &Expr) -> Fit<Name> {
        let value = self.value(expr)?;
        Ok(self.field_for_next(value))
    }
}
