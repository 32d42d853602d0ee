//! Plan × Sigma → detection rules: one for each log source that the hunt reads.
//!
//! A rule selects single events. What a hunt does with them afterwards (aggregation, order, columns) is not in the rule
//! and noted; its conditions are said exactly, or left out where that only selects more, or the hunt is refused.
//! Specification: <https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html>.
//!
//! The plan is walked twice: first to find the conditions that can not be said, then, with that known, to write the ledger.

mod classes;
mod detection;
mod heading;
mod logic;
mod predicate;
mod regex;
mod source;
mod stages;
mod subject;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod tree;

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::{Fields, Frame, Ledger, Refused, TimeRange};
use crate::plan::{Expr, ExprKind};

use logic::Logic;
use predicate::{LeftOut, Pass};
use source::Line;
use stages::Walk;
use subject::{Reader, Scopes, Unsayable};
use tree::{Rule, Rules};

/// How many nodes the conditions of one rule may stand for, computed columns written out.
const BUDGET: usize = 200_000;

/// Says a hunt as Sigma rules.
pub(crate) fn fit(frame: &Frame<'_>, ledger: &mut Ledger) -> Result<(Rules, Option<TimeRange>), Refused> {
    let lines = source::lines(frame, ledger)?;
    let window = source::window(frame, &lines);
    let mut rules = Vec::with_capacity(lines.len());
    let mut left_out: Vec<LeftOut> = Vec::with_capacity(lines.len());
    for line in &lines {
        let mut dry = Ledger::new(frame.plan);
        let mut found = LeftOut::new();
        // What is refused in this pass is refused in the next one too, and said there.
        let _ = rule(frame, line, &window, lines.len() > 1, &mut dry, &mut Pass::First(&mut found));
        left_out.push(found);
    }
    for (line, left_out) in lines.iter().zip(&left_out) {
        if let Some(rule) = rule(frame, line, &window, lines.len() > 1, ledger, &mut Pass::Second(left_out))? {
            rules.push(rule);
        }
    }
    if rules.is_empty() {
        let refusal = Diagnostic::refusal(
            Code::NeverMatches,
            frame.plan.pipeline.span,
            "no event satisfies the conditions of the hunt, and a Sigma rule that selects nothing is not valid",
        );
        return Err(ledger.refuse(frame.plan, refusal.help("check the conditions; one of them never holds")));
    }
    for condition in &window.conditions {
        let note = Diagnostic::note(
            Code::TimeInRange,
            Effect::Exact,
            condition.span,
            "a Sigma rule has no time window; the rule is to be run over `time_range`",
        );
        ledger.rewritten_whole(*condition, Polarity::Positive, note);
    }
    Ok((Rules { rules }, window.range))
}

/// The rule of one line of events; `None` where its conditions hold for no event.
fn rule<'p>(
    frame: &Frame<'p>,
    line: &Line<'p>,
    window: &source::Windows<'p>,
    several: bool,
    ledger: &mut Ledger,
    pass: &mut Pass<'_>,
) -> Result<Option<Rule>, Refused> {
    let fields = Fields::new(*frame);
    let table = match fields.table(ledger, line.table, line.pipeline.span) {
        Ok(table) => table,
        Err(refusal) => match source::by_name(frame, line) {
            Some(table) => {
                let message =
                    format!("{}; the log source names the table, and columns keep KQL's names", refusal.message);
                let note = Diagnostic::note(refusal.code, Effect::Exact, line.pipeline.span, message);
                ledger.note(Polarity::Positive, note.help("name the source with --fields"));
                table
            }
            None => return Err(ledger.refuse(line.pipeline, *refusal)),
        },
    };
    let mut walk =
        Walk { frame, scopes: Scopes::default(), conditions: Vec::new(), shown: Vec::new(), omitted: Vec::new() };
    for stage in &line.stages {
        match stage {
            source::Step::Stage(stage) => walk.stage(ledger, stage)?,
            source::Step::TableName(name) => {
                walk.scopes.open();
                walk.scopes.lose(name, "the name of the table", Code::ConditionDropped);
            }
        }
    }
    let mut conjuncts: Vec<(&Expr, usize)> = Vec::new();
    for (predicate, level) in &walk.conditions {
        match &predicate.kind {
            ExprKind::And(items) => {
                ledger.carried(predicate.id);
                conjuncts.extend(items.iter().map(|item| (item, *level)));
            }
            _ => conjuncts.push((predicate, *level)),
        }
    }
    conjuncts.retain(|(conjunct, _)| !window.holds(conjunct));
    let chosen = source::log_source(ledger, &table, line, &conjuncts, &walk.scopes);
    let separator = if matches!(chosen.source.product.as_deref(), Some("linux" | "macos")) { '/' } else { '\\' };
    let category = chosen.source.category.clone();
    let mut reader = Reader {
        frame,
        fields: &fields,
        table: &table,
        category: category.as_deref(),
        separator,
        scopes: &walk.scopes,
        budget: BUDGET,
    };
    let mut parts: Vec<Logic> = Vec::new();
    let mut failed: Vec<(&Expr, Unsayable)> = Vec::new();
    for (conjunct, level) in &conjuncts {
        if chosen.implied.is_some_and(|implied| std::ptr::eq(implied, *conjunct)) {
            continue;
        }
        if let Pass::Second(left_out) = pass
            && let Some(why) = left_out.get(&conjunct.id)
        {
            ledger.dropped(*conjunct, Polarity::Positive, why.clone().left_out(conjunct.span));
            continue;
        }
        match reader.condition(ledger, pass, conjunct, *level, false) {
            Ok(part) => parts.push(part),
            Err(why) => failed.push((conjunct, why)),
        }
    }
    let mut omitted = walk.omitted.clone();
    if let Pass::Second(left_out) = pass {
        // Conditions within others that are left out stand in the description too.
        for (conjunct, _) in &conjuncts {
            use crate::plan::{NodeRef, Tree};
            conjunct.visit(&mut |node| {
                if let NodeRef::Expr(expr) = node
                    && left_out.contains_key(&expr.id)
                {
                    omitted.push((expr.span, "condition"));
                }
            });
        }
    }
    let logic = Logic::All(parts).simplified();
    match pass {
        Pass::First(left_out) if logic.is_telling() => {
            left_out.extend(failed.into_iter().map(|(conjunct, why)| (conjunct.id, why)));
        }
        Pass::First(_) | Pass::Second(_) => {
            if let Some((conjunct, why)) = failed.into_iter().next() {
                return Err(ledger.refuse(conjunct, why.refusal()));
            }
        }
    }
    let detection = match (&logic, detection::detection(&logic)) {
        (Logic::Const(false), _) => return Ok(None),
        (_, Some(detection)) => detection,
        (_, None) => {
            let refusal = Diagnostic::refusal(
                Code::NoCondition,
                line.pipeline.span,
                format!("the hunt selects every event of `{}`, and a Sigma rule needs a condition", line.table.name),
            );
            return Err(ledger.refuse(line.pipeline, refusal.help("add a `where` with a comparison of a column")));
        }
    };
    Ok(Some(Rule {
        heading: heading::heading(frame, line, several, window, &omitted),
        logsource: chosen.source,
        selections: detection.selections,
        condition: detection.condition,
        fields: source::shown(&fields, &table, category.as_deref(), &walk),
    }))
}
