//! Fitted tree → query text: one printer per target.
//!
//! A printer makes no decision about meaning; it knows precedence, quoting and layout. It never sees a KQL tree. Here the
//! two halves meet: a translation is made of a closed ledger and the text of its tree.

mod annotate;
pub(crate) mod eql;
pub(crate) mod esql;
mod fragment;
pub(crate) mod sigma;
pub(crate) mod spl;
mod translation;

pub use annotate::Comments;
pub use translation::Translation;

use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::fit::{self, Entry, Fitted, Frame, Ledger, Refused};
use crate::target::Target;

/// The text of a query, and what the fitter says of it.
type Answer = Result<Fitted<String>, Refused>;

/// Fits the plan of a frame to a target and prints it. `earlier` are the remarks of resolution, which belong to every
/// translation of the hunt.
pub(crate) fn translate(frame: &Frame<'_>, target: Target, earlier: &[Diagnostic]) -> Translation {
    let mut ledger = Ledger::new(frame.plan);
    let answer = answer(frame, target, &mut ledger);
    let closed = ledger.close(frame.plan);
    let mut notes: Vec<Diagnostic> = earlier.iter().map(|note| remark(note.clone())).collect();
    let verdict = notes.iter().filter_map(|note| note.effect).fold(closed.verdict(), Effect::and);
    let (own, needs) = closed.into_parts();
    notes.extend(own);
    notes.sort_by_key(|note| (note.span.start, note.span.end, note.code));
    match answer {
        Ok(Fitted { tree, time_range, columns }) if verdict != Effect::Refused => {
            let windows = fit::outputs::windows(frame.plan);
            let single_events = fit::outputs::single_events(frame.plan);
            Translation { verdict, query: Some(tree), time_range, windows, single_events, columns, needs, notes }
        }
        Ok(_) | Err(_) => Translation::refused(notes),
    }
}

impl<T> Fitted<T> {
    /// The same with the text of the tree in its place.
    fn printed(self, print: impl FnOnce(&T) -> String) -> Fitted<String> {
        Fitted { tree: print(&self.tree), time_range: self.time_range, columns: self.columns }
    }
}

/// What became of each node of the plan, by its number.
pub(crate) fn entries(frame: &Frame<'_>, target: Target) -> Vec<Entry> {
    let mut ledger = Ledger::new(frame.plan);
    // A refusal is in the ledger, too.
    let _ = answer(frame, target, &mut ledger);
    ledger.close(frame.plan).entries().to_vec()
}

fn answer(frame: &Frame<'_>, target: Target, ledger: &mut Ledger) -> Answer {
    match target {
        Target::Splunk => fit::spl::fit(frame, ledger).map(|fitted| fitted.printed(spl::print)),
        Target::Eql => {
            let Some(context) = frame.facts.context("query") else {
                let message = "the data of the target does not say how names are written";
                let refusal = Diagnostic::refusal(Code::BadTargetData, frame.plan.pipeline.span, message);
                return Err(ledger.refuse(frame.plan, refusal));
            };
            fit::eql::fit(frame, ledger).map(|fitted| fitted.printed(|tree| eql::print(tree, context)))
        }
        Target::Sigma => fit::sigma::fit(frame, ledger).map(|fitted| fitted.printed(sigma::print)),
        Target::Esql => fit::esql::fit(frame, ledger).map(|fitted| fitted.printed(esql::print)),
    }
}

/// A remark of resolution as a note of a translation: it says something of the hunt and changes nothing.
fn remark(mut note: Diagnostic) -> Diagnostic {
    note.effect.get_or_insert(Effect::Exact);
    note
}
