//! From text to tree: guard, grammar, builder, in this order.

use pest::{Parser, Token};

use super::ast::Query;
use super::build::Builder;
use super::grammar::{Kql, Rule};
use super::{error, guard};
use crate::diagnostic::Diagnostic;

/// Reads one hunt.
///
/// # Errors
/// What is no KQL in it, with the places; at least one diagnostic.
pub fn parse(text: &str) -> Result<Query, Vec<Diagnostic>> {
    let comments = guard::check(text).map_err(|fault| vec![fault])?;
    let pairs = Kql::parse(Rule::query, text).map_err(|fault| vec![error::explain(text, &fault)])?;
    Builder::new(text, &comments).query(pairs)
}

/// What the grammar makes of a hunt: a line for each pair, indented by depth, with its bytes; tokens with their text.
///
/// # Errors
/// What is no KQL in it, with the places; at least one diagnostic.
pub fn pairs_text(text: &str) -> Result<String, Vec<Diagnostic>> {
    guard::check(text).map_err(|fault| vec![fault])?;
    let pairs = Kql::parse(Rule::query, text).map_err(|fault| vec![error::explain(text, &fault)])?;
    let mut lines: Vec<Line> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for token in pairs.tokens() {
        match token {
            Token::Start { rule, pos } => {
                let parent = open.last().and_then(|at| lines.get_mut(*at));
                if let Some(parent) = parent {
                    parent.leaf = false;
                }
                let line = Line { rule, depth: open.len(), start: pos.pos(), end: pos.pos(), leaf: true };
                open.push(lines.len());
                lines.push(line);
            }
            Token::End { pos, .. } => {
                if let Some(line) = open.pop().and_then(|at| lines.get_mut(at)) {
                    line.end = pos.pos();
                }
            }
        }
    }
    Ok(lines.iter().map(|line| line.render(text)).collect())
}

/// A pair of [`pairs_text`].
struct Line {
    rule: Rule,
    depth: usize,
    start: usize,
    end: usize,
    leaf: bool,
}

impl Line {
    fn render(&self, text: &str) -> String {
        let indent = "  ".repeat(self.depth);
        let place = format!("{indent}{:?} {}..{}", self.rule, self.start, self.end);
        match text.get(self.start..self.end) {
            Some(written) if self.leaf && !written.is_empty() => format!("{place} {written:?}\n"),
            _ => format!("{place}\n"),
        }
    }
}
