//! What combining pipelines shares: a part of the hunt as a query of its own, keys as they are compared, and rows of another
//! query put beside those of this one.
//!
//! `FROM (…), (…)` puts rows one after the other. It knows eight queries at most and none within another, and a column that
//! a query lacks is null in its rows. How rows find one another is said in [`super::join`] and [`super::meet`].
//! See <https://www.elastic.co/docs/reference/query-languages/esql/esql-subquery>.

use std::sync::Arc;

use super::projection::Item;
use super::scope::{Column, Form};
use super::tree::{Body, Command, Expr, Glob, Name, Part, Source};
use super::{Branch, Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Polarity};
use crate::fit::Window;
use crate::fit::demand::Demand;
use crate::plan::{ColumnRef, Expr as Meant, Pipeline, ScalarType, Stage};
use crate::source::Span;
use crate::target::Construct;

/// Queries in parentheses of one hunt at most.
const MAX_QUERIES: usize = 300;

/// Queries in one `FROM` at most, see
/// <https://www.elastic.co/docs/reference/query-languages/esql/esql-subquery#comparing-views-subqueries-and-fork>.
const MAX_BRANCHES: usize = 8;

/// Whether the rows of another query can be put beside those of this one.
pub(super) fn refused(span: Span, why: impl std::fmt::Display) -> Unsayable {
    let message = format!("the pipelines can not be brought together in ES|QL: {why}");
    Unsayable::new(Code::EsqlCombine, span, message).help("the target splunk")
}

impl<'a> Fitter<'a, '_> {
    /// The columns that are read by these stages and by whoever reads the pipeline.
    pub(super) fn demand(&self, rest: &[Stage]) -> Demand {
        crate::fit::demand::demand(rest, self.after.as_ref())
    }

    /// A part of the hunt as a query of its own, whose rows act on those of the hunt in the direction `outer`; `after`
    /// says what is read of them, `window` the time they must lie in, `inside` that it stands in `FROM`, and `then` what is
    /// done with them in the end.
    ///
    /// # Errors
    /// Why it can not be said.
    pub(super) fn nested<T>(
        &mut self,
        pipeline: &Pipeline,
        outer: Polarity,
        after: Demand,
        window: &Window<'_>,
        inside: bool,
        then: impl FnOnce(&mut Fitter<'a, '_>) -> Fit<T>,
    ) -> Fit<(Branch<'a>, T)> {
        self.queries += 1;
        if self.queries > MAX_QUERIES {
            let message = format!("the query would hold more than {MAX_QUERIES} others in parentheses");
            return Err(Unsayable::new(Code::TooLong, pipeline.span, message).help("cut the hunt into several"));
        }
        let (helpers, queries, inside) = (self.helpers, self.queries, inside || self.inside);
        let new = Fitter::new(&self.frame, &mut *self.ledger);
        let mut inner = Fitter { outer, after: Some(after), helpers, queries, inside, ..new };
        inner.run(pipeline, window).map_err(|stopped| stopped.reason)?;
        inner.polarity = outer;
        let value = then(&mut inner)?;
        inner.settle();
        (self.helpers, self.queries) = (inner.helpers, inner.queries);
        Ok((inner.finish(), value))
    }

    /// Goes on with the rows of another query.
    pub(super) fn adopt(&mut self, branch: Branch<'a>) {
        self.source = Some(branch.body.source);
        self.commands = branch.body.commands;
        self.scope = branch.scope;
        self.tables = branch.tables;
        self.time_columns = branch.time_columns;
        self.proven = branch.proven;
        self.at_most = branch.at_most;
    }

    /// Looks at the row of a branch.
    pub(super) fn within<T>(&mut self, branch: &mut Branch<'a>, look: impl FnOnce(&mut Self) -> T) -> T {
        let mut swap = |this: &mut Self| {
            std::mem::swap(&mut this.scope, &mut branch.scope);
            std::mem::swap(&mut this.tables, &mut branch.tables);
            std::mem::swap(&mut this.time_columns, &mut branch.time_columns);
            std::mem::swap(&mut this.commands, &mut branch.body.commands);
        };
        swap(self);
        let seen = look(self);
        swap(self);
        seen
    }

    /// A column by name.
    pub(super) fn named(&mut self, name: &Arc<str>, ty: ScalarType, span: Span) -> Fit<Column<'a>> {
        self.column(&ColumnRef { name: name.clone(), known: true }, ty, span)
    }

    /// A column of this row as one of another: what is known of it there, and its value.
    pub(super) fn carried_over(&self, column: &Column<'a>, field: Name) -> (Column<'a>, Expr) {
        let kept = column.form == Form::of(column.ty) || matches!(column.ty, ScalarType::Dynamic | ScalarType::Unknown);
        let (form, value) = if kept { (column.form, column.bare()) } else { (Form::of(column.ty), column.value()) };
        let made = Column {
            form,
            many: column.many,
            ordered: column.ordered,
            object: column.object,
            present: column.present,
            empty_is_absent: column.empty_is_absent,
            positive: column.positive,
            ..Column::computed(field, column.ty)
        };
        (made, value)
    }

    /// Makes the row hold exactly these columns, in place of a list of columns that it just was given.
    pub(super) fn expose(&mut self, items: Vec<Item<'a>>) {
        if !self.scope.events && matches!(self.commands.last(), Some(Command::Keep(_))) {
            self.commands.pop();
        }
        self.reshape(items);
    }

    /// Puts the rows of another query beside those of this one. They hold helper columns alone, so that what was done to
    /// the rows of this one can be done to them as well, and changes nothing in `keep` of them; `flag` marks them, and `lists`
    /// says that some of the columns hold several values.
    ///
    /// # Errors
    /// Why they can not be.
    pub(super) fn put_beside(&mut self, branch: Body, keep: &[Name], lists: bool, flag: &Name, span: Span) -> Fit<()> {
        self.can_combine(span)?;
        let mut commands = std::mem::take(&mut self.commands);
        // The order of the rows is lost, unless it says which of them stay.
        let limited = commands.iter().any(|command| matches!(command, Command::Limit { .. }));
        commands.retain(|command| limited || !matches!(command, Command::Sort(_)));
        let source = self.source.take().unwrap_or(Source::From(Vec::new()));
        let single = !has_query(&source);
        if single {
            self.commands = Vec::new();
            let part = match source {
                Source::From(mut parts) if commands.is_empty() && parts.len() == 1 => parts.remove(0),
                source => Part::Query(Body { source, commands }),
            };
            self.source = Some(Source::From(vec![part, Part::Query(branch)]));
            return Ok(());
        }
        let passed: Option<Vec<Command>> =
            commands.iter().map(|command| passing(command.clone(), keep, lists, flag)).collect();
        // What can not be leaves the rows as they were, for a condition may be left out.
        let (Source::From(mut parts), Some(passed)) = (source.clone(), passed) else {
            (self.source, self.commands) = (Some(source), commands);
            let why = "the rows are already made of several queries, and what is done with them since would take in those of the next";
            return Err(refused(span, why).help("join before rows are grouped, or the target splunk"));
        };
        parts.push(Part::Query(branch));
        if exceeds(&parts) {
            (self.source, self.commands) = (Some(source), commands);
            return Err(too_many(span));
        }
        (self.source, self.commands) = (Some(Source::From(parts)), passed);
        Ok(())
    }

    /// Whether rows that are put beside those of this one may become fewer, where they are alike.
    pub(super) fn merges(&self) -> bool {
        let merging = |it: &Command| matches!(it, Command::Stats { inline: false, .. } | Command::Limit { .. });
        !self.is_single() && self.commands.iter().any(merging)
    }

    /// Whether the rows so far are those of one source, so that they can be a query within `FROM`.
    pub(super) fn is_single(&self) -> bool {
        self.source.as_ref().is_some_and(|source| !has_query(source))
    }

    /// Whether rows of another query can stand beside those of this one, and groups be told to each row.
    pub(super) fn can_combine(&self, span: Span) -> Fit<()> {
        if self.inside {
            return Err(refused(span, "a query within `FROM` can hold no other"));
        }
        self.needs(Construct::FromSubquery, span)?;
        self.needs(Construct::InlineStats, span)?;
        let limits =
            |body: &[Command]| body.iter().any(|command| matches!(command, Command::Limit { by, .. } if by.is_empty()));
        let Some(Source::From(parts)) = &self.source else { return Ok(()) };
        let within = parts.iter().any(|part| matches!(part, Part::Query(body) if limits(&body.commands)));
        if within || limits(&self.commands) {
            return Err(refused(span, "`INLINE STATS` can not stand behind `LIMIT`")
                .help("combine the rows before some of them are taken, or the target splunk"));
        }
        Ok(())
    }

    /// Whether there is one row at most for each combination of these columns.
    pub(super) fn is_unique_by(&self, fields: &[Name]) -> bool {
        unique_by(&self.commands, fields)
    }

    /// A text key that may be missing, which is KQL's empty text.
    pub(super) fn lacks(&self, expr: &Meant, column: &Column<'_>) -> bool {
        may_lack(column, expr.ty) && !self.is_there(expr, column)
    }

    /// Whether a key may be the empty text, which is what a missing one of the other side is in KQL.
    pub(super) fn may_be_empty(&self, expr: &Meant) -> bool {
        matches!(expr.ty, ScalarType::String | ScalarType::Unknown | ScalarType::Dynamic)
            && !expr.as_column().is_some_and(|reference| self.proven.contains(&reference.name))
    }
}

/// Whether a column is a text that may be null here and is empty in KQL.
pub(super) fn may_lack(column: &Column<'_>, ty: ScalarType) -> bool {
    matches!(ty, ScalarType::String | ScalarType::Unknown | ScalarType::Dynamic) && !column.present
}

/// Too many queries in one `FROM`.
pub(super) fn too_many(span: Span) -> Unsayable {
    refused(span, format!("`FROM` takes {MAX_BRANCHES} queries at most"))
}

/// Whether these are too many for one `FROM`, where the indices together are as one query.
pub(super) fn exceeds(parts: &[Part]) -> bool {
    let queries = parts.iter().filter(|part| matches!(part, Part::Query(_))).count();
    queries + usize::from(queries < parts.len()) > MAX_BRANCHES
}

/// Whether a source is made of queries.
pub(super) fn has_query(source: &Source) -> bool {
    matches!(source, Source::From(parts) if parts.iter().any(|part| matches!(part, Part::Query(_))))
}

/// Whether there is one row at most for each combination of these columns.
fn unique_by(commands: &[Command], fields: &[Name]) -> bool {
    let mut fields = fields.to_vec();
    for command in commands.iter().rev() {
        match command {
            Command::Stats { inline: false, by, .. } => return by.iter().all(|(name, _)| fields.contains(name)),
            Command::Limit { count: 1, by } if by.iter().all(|name| fields.contains(name)) => return true,
            Command::Where(_) | Command::Sort(_) | Command::Limit { .. } => {}
            Command::Stats { inline: true, aggregates, by } => {
                let made = |name: &Name| aggregates.iter().any(|it| it.name == *name);
                let renamed = by.iter().any(|(name, value)| *value != Expr::Field(name.clone()));
                if renamed || fields.iter().any(made) {
                    return false;
                }
            }
            Command::Eval(assignments) => {
                if assignments.iter().any(|(name, _)| fields.contains(name)) {
                    return false;
                }
            }
            Command::Rename(pairs) => {
                for (old, new) in pairs.iter().rev() {
                    for field in &mut fields {
                        if field == new {
                            *field = old.clone();
                        }
                    }
                }
            }
            Command::Keep(_) | Command::Drop(_) => {}
            Command::Grok { .. }
            | Command::Dissect { .. }
            | Command::MvExpand(_)
            | Command::IpLocation { .. }
            | Command::LookupJoin { .. } => {
                return false;
            }
        }
    }
    false
}

/// A command as one that leaves alone the rows that a flag marks, of which only these columns are read.
fn passing(command: Command, keep: &[Name], lists: bool, flag: &Name) -> Option<Command> {
    Some(match command {
        Command::Where(condition) => {
            Command::Where(Expr::any([Expr::is_not_null(Expr::Field(flag.clone())), condition]))
        }
        Command::Keep(mut globs) => {
            for name in keep {
                let glob = Glob::from(name);
                if !globs.contains(&glob) {
                    globs.push(glob);
                }
            }
            Command::Keep(globs)
        }
        // Aggregates of a column pass over rows that lack it, as those that are marked do.
        Command::Stats { inline: true, aggregates, by } => {
            let skips = |it: &super::tree::Aggregate| {
                let Expr::Call("COUNT" | "MAX" | "MIN" | "VALUES", args) = &it.value else { return false };
                matches!(args.as_slice(), [Expr::Field(_)])
            };
            if !aggregates.iter().all(skips) {
                return None;
            }
            Command::Stats { inline: true, aggregates, by }
        }
        Command::Drop(globs) if globs.iter().any(|glob| glob.text().contains('*')) => return None,
        command @ (Command::Eval(_)
        | Command::Sort(_)
        | Command::Drop(_)
        | Command::Rename(_)
        | Command::MvExpand(_)
        | Command::Grok { .. }
        | Command::IpLocation { .. }
        | Command::Dissect { .. }) => command,
        // Rows that are marked are groups of their own; such that are alike become one.
        Command::Stats { inline: false, aggregates, mut by } if !by.is_empty() && !lists => {
            by.extend(super::tree::own(keep));
            Command::Stats { inline: false, aggregates, by }
        }
        Command::Limit { count, mut by } if !by.is_empty() && !lists => {
            by.extend(keep.iter().cloned());
            Command::Limit { count, by }
        }
        Command::Stats { .. } | Command::Limit { .. } | Command::LookupJoin { .. } => return None,
    })
}
