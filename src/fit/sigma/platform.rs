//! The platform of the events, where a table holds those of several and a log source those of one.
//!
//! The data names what is a certain sign: a path with `/`, a program that only one platform has. Without a sign the product
//! of the schema is an assumption, and said to be one.

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::fit::Ledger;
use crate::plan::{Expr, ExprKind, Needles, TextHow, TextMatch};
use crate::target::{PlatformSign, SigmaSelector};

use super::outline::Line;
use super::scope::Scopes;
use super::source::Chosen;

/// Names the product that the conditions of the hunt show.
pub(super) fn platform(
    ledger: &mut Ledger,
    selector: &SigmaSelector,
    line: &Line<'_>,
    conjuncts: &[(&Expr, usize)],
    scopes: &Scopes<'_>,
    chosen: &mut Chosen<'_>,
) {
    let source = &mut chosen.source;
    // An alternative may have named a product of its own.
    if selector.platforms.is_empty() || source.product != selector.product {
        return;
    }
    let Some(assumed) = source.product.clone() else { return };
    let found = selector.platforms.iter().find_map(|sign| {
        let shows = |(conjunct, level): &&(&Expr, usize)| holds(sign, conjunct, *level, scopes);
        conjuncts.iter().find(shows).map(|(conjunct, _)| (sign, *conjunct))
    });
    let table = &line.table.name;
    let note = match found {
        Some((sign, _)) if sign.product == assumed => return,
        Some((sign, conjunct)) => {
            chosen.slashes = true;
            source.product = Some(sign.product.clone()).filter(|product| !product.is_empty());
            let shown = match source.product.as_deref() {
                Some(product) => format!("the condition is on events of `{product}`"),
                None => format!("the condition is on events of another platform than `{assumed}`"),
            };
            Diagnostic::note(
                Code::AssumedPlatform,
                Effect::Exact,
                conjunct.span,
                format!("{shown}, and so is the log source"),
            )
        }
        None => {
            let message = format!(
                "the product is assumed to be `{assumed}`: `{table}` holds events of other platforms too, and the hunt does not say which it means"
            );
            Diagnostic::note(Code::AssumedPlatform, Effect::Exact, line.pipeline.span, message)
                .help("change `product` where the hunt is meant for another platform")
        }
    };
    ledger.note(Polarity::Positive, note);
}

/// Whether every event that satisfies a condition shows the sign.
fn holds(sign: &PlatformSign, condition: &Expr, level: usize, scopes: &Scopes<'_>) -> bool {
    match &condition.kind {
        ExprKind::And(items) => items.iter().any(|item| holds(sign, item, level, scopes)),
        ExprKind::Or(items) => items.iter().all(|item| holds(sign, item, level, scopes)),
        ExprKind::Text(text) => text_holds(sign, text, level, scopes),
        ExprKind::Literal(_)
        | ExprKind::Moment(_)
        | ExprKind::Column(_)
        | ExprKind::Path { .. }
        | ExprKind::Call { .. }
        | ExprKind::Arithmetic { .. }
        | ExprKind::Negate(_)
        | ExprKind::Compare { .. }
        | ExprKind::In { .. }
        | ExprKind::Presence { .. }
        | ExprKind::Time(_)
        | ExprKind::Not(_)
        | ExprKind::Scalar(_) => false,
    }
}

fn text_holds(sign: &PlatformSign, text: &TextMatch, level: usize, scopes: &Scopes<'_>) -> bool {
    let column = scopes.raw(&text.subject, level);
    let known = column.is_some_and(|column| sign.columns.iter().any(|known| **known == *column.name));
    if !known || text.negated {
        return false;
    }
    let shows = |needle: &Expr| needle.as_str().is_some_and(|value| shows(sign, text.how, value));
    match &text.needles {
        Needles::One(needle) => shows(needle),
        Needles::Any(items) => !items.is_empty() && items.iter().all(shows),
        Needles::All(items) => items.iter().any(shows),
        Needles::Table(_) => false,
    }
}

/// Whether a text that is looked for shows the sign.
fn shows(sign: &PlatformSign, how: TextHow, value: &str) -> bool {
    let value = value.to_lowercase();
    sign.values.iter().any(|pattern| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => how != TextHow::Regex && value.contains(rest.trim_end_matches('*')),
        (Some(end), None) => how != TextHow::Regex && value.ends_with(end),
        (None, Some(begin)) => how != TextHow::Regex && value.starts_with(begin),
        (None, None) => how == TextHow::Equals && value == *pattern,
    })
}
