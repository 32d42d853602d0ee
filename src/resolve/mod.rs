//! AST → plan: what a hunt means.
//!
//! Lets and functions are inlined, names are bound to columns, tables and functions, columns that KQL names by itself
//! get their names, defaults are written out. How single expressions are folded and normalized is in [`build`].
//! Nothing of a target is known here.

mod aggregate;
pub(crate) mod build;
mod columns;
mod expand;
mod expr;
mod find;
mod inline;
mod join;
mod lists;
mod names;
mod parameters;
mod parsing;
mod place;
mod project;
mod scope;
mod sources;
mod statements;
mod summarize;
mod tabular;
mod union;
mod written;

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::plan::Plan;
use crate::source::Span;
use crate::syntax::ast;
use crate::vocabulary::Vocabulary;

use self::aggregate::Aggregates;
use self::build::Builder;
use self::columns::{Row, Rows};
use self::scope::Scopes;

/// What came of resolving a hunt.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What the hunt means; absent exactly if an error is among the diagnostics.
    pub plan: Option<Plan>,
    /// What is to be said about the hunt, in the order of its text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Nodes that inlining may add to those that the text writes.
const NODES: usize = 200_000;
/// How deep expressions and pipelines may be nested after inlining.
const DEPTH: usize = 256;

/// Stack that one level may need, generously.
const STACK: usize = 256 * 1024;

/// Resolves a hunt. `text` is the text that was parsed.
pub fn resolve(query: &ast::Query, text: &str, vocabulary: &Vocabulary) -> Resolved {
    let mut resolver = Resolver::new(text, vocabulary);
    let rows = resolver.query(query);
    let mut diagnostics = resolver.diagnostics;
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.span.start, d.span.end, d.code);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
    diagnostics.dedup();
    let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    let plan = match rows {
        Ok(rows) if !failed => Some(Plan::new(rows.finish())),
        Ok(_) | Err(Stop) => None,
    };
    if plan.is_none() && !failed {
        diagnostics.push(Diagnostic::error(Code::Fault, query.span, "the hunt could not be resolved"));
    }
    Resolved { plan, diagnostics }
}

/// An error was said; there is nothing to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stop;

/// A step that may have ended with an error.
type Step<T> = Result<T, Stop>;

/// The state of resolving one hunt.
struct Resolver<'a> {
    text: &'a str,
    vocabulary: &'a Vocabulary,
    diagnostics: Vec<Diagnostic>,
    unknown: HashSet<(Code, String)>,
    scopes: Scopes<'a>,
    /// Rows named by `as`.
    named: HashMap<&'a str, Rows>,
    /// Columns of the tables met so far.
    tables: HashMap<String, Row>,
    /// Aggregates met in the expression at hand, where it may hold some.
    aggregates: Aggregates,
    nodes: usize,
    limit: usize,
    depth: usize,
}

impl<'a> Resolver<'a> {
    fn new(text: &'a str, vocabulary: &'a Vocabulary) -> Self {
        Self {
            text,
            vocabulary,
            diagnostics: Vec::new(),
            unknown: HashSet::new(),
            scopes: Scopes::default(),
            named: HashMap::new(),
            tables: HashMap::new(),
            aggregates: Aggregates::None,
            nodes: 0,
            limit: NODES + text.len(),
            depth: 0,
        }
    }

    /// Says something. What is said twice, because a function is called twice, is given once.
    fn say(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The maker of expressions over a row.
    fn builder<'b>(&'b mut self, row: Option<&'b Row>) -> Builder<'b> {
        Builder { vocabulary: self.vocabulary, notes: &mut self.diagnostics, time_columns: row.map_or(&[], Row::times) }
    }

    /// An expression that was made, or the end.
    fn built<T>(&mut self, built: Result<T, Box<Diagnostic>>) -> Step<T> {
        built.or_else(|diagnostic| self.fail(*diagnostic))
    }

    /// Says an error and ends.
    fn fail<T>(&mut self, diagnostic: Diagnostic) -> Step<T> {
        self.say(diagnostic);
        Err(Stop)
    }

    /// Says that a part of the hunt does not reach the plan.
    fn ignored(&mut self, span: Span, message: impl Into<String>) {
        self.say(Diagnostic::note(Code::Ignored, crate::diagnostic::Effect::Exact, span, message));
    }

    /// Counts nodes that were made.
    fn spend(&mut self, nodes: usize, span: Span) -> Step<()> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= self.limit {
            return Ok(());
        }
        self.fail(
            Diagnostic::error(
                Code::TooLong,
                span,
                "the hunt becomes too long when its lets and functions are written out",
            )
            .help("call functions and large lets less often, or split the hunt"),
        )
    }

    /// Goes one level down for the time of `inner`.
    fn deeper<T>(&mut self, span: Span, inner: impl FnOnce(&mut Self) -> Step<T>) -> Step<T> {
        if self.depth >= DEPTH {
            return self.fail(
                Diagnostic::error(
                    Code::TooLong,
                    span,
                    "the hunt is nested too deeply when its lets and functions are written out",
                )
                .help("flatten the chain of lets"),
            );
        }
        self.depth += 1;
        let result = stacker::maybe_grow(STACK, STACK * 4, || inner(self));
        self.depth -= 1;
        result
    }
}
