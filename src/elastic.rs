//! Elastic's two languages side by side: which of them says a hunt better, and what an EQL translation says of the other.
//!
//! Both translations are given; nothing is translated here, and no note of theirs is changed.

use crate::diagnostic::{Code, Diagnostic, Effect, Severity};
use crate::emit::Translation;
use crate::plan::{ExprKind, Pipeline, Plan, Source, StageKind};
use crate::target::Target;

/// The more faithful of two translations, with a note that says which it is and why. Of two that are as faithful, an EQL
/// query is better for a hunt that picks events, because its alert holds the whole event, and ES|QL for any other. Where
/// there is no query, the reasons of ES|QL are given, and those of EQL beside them.
pub(crate) fn choose(plan: &Plan, eql: Translation, esql: Translation) -> (Target, Translation) {
    let events = picks_events(&plan.pipeline);
    let (target, mut chosen, other) = match eql.verdict.cmp(&esql.verdict) {
        std::cmp::Ordering::Less => (Target::Eql, eql, esql),
        std::cmp::Ordering::Greater => (Target::Esql, esql, eql),
        std::cmp::Ordering::Equal if eql.verdict != Effect::Refused && events => (Target::Eql, eql, esql),
        std::cmp::Ordering::Equal => (Target::Esql, esql, eql),
    };
    let message = match (chosen.verdict, target) {
        (Effect::Refused, _) => format!("EQL can not say the hunt either{}", cause(&other)),
        (verdict, _) if verdict != other.verdict => {
            let (name, other_name) = (short(target), short(other_of(target)));
            let other_is = if other.verdict == Effect::Refused { "is" } else { "would be" };
            format!("{name} is chosen, which is {verdict}; {other_name} {other_is} {}{}", other.verdict, cause(&other))
        }
        (verdict, Target::Eql) => {
            format!("EQL is chosen: ES|QL would be {verdict} too, and an alert of EQL holds the whole event")
        }
        (verdict, _) => format!("ES|QL is chosen: EQL would be {verdict} too, and the hunt makes rows of its own"),
    };
    add(&mut chosen, Diagnostic::note(Code::LanguageChosen, Effect::Exact, plan.pipeline.span, message));
    (target, chosen)
}

/// Says in an EQL translation that ES|QL would be more faithful, where it would.
pub(crate) fn advise(plan: &Plan, eql: &mut Translation, esql: Effect) {
    if esql < eql.verdict {
        let message = format!("ES|QL says the hunt better: {esql}, where EQL is {}", eql.verdict);
        let note = Diagnostic::note(Code::OtherLanguage, Effect::Exact, plan.pipeline.span, message);
        add(eql, note.help("--target esql, or --target elastic for the better one of the two"));
    }
}

/// Puts a note to its place in the order of the hunt's text.
fn add(translation: &mut Translation, note: Diagnostic) {
    let key = |note: &Diagnostic| (note.span.start, note.span.end, note.code);
    let at = translation.notes.partition_point(|one| key(one) <= key(&note));
    translation.notes.insert(at, note);
}

/// Why a translation is as it is: the first note of the effect that makes its verdict.
fn cause(translation: &Translation) -> String {
    let worst = |note: &&Diagnostic| note.effect == Some(translation.verdict) && translation.verdict != Effect::Exact;
    let error = |note: &&Diagnostic| note.severity == Severity::Error;
    let notes = &translation.notes;
    let found = notes.iter().find(worst).or_else(|| notes.iter().find(error));
    found.map(|note| format!(" ({})", note.message)).unwrap_or_default()
}

fn short(target: Target) -> &'static str {
    match target {
        Target::Eql => "EQL",
        Target::Esql => "ES|QL",
        Target::Splunk | Target::Sigma => target.title(),
    }
}

fn other_of(target: Target) -> Target {
    if target == Target::Eql { Target::Esql } else { Target::Eql }
}

/// Whether the rows of a hunt are events as they are, some of their columns or all.
fn picks_events(pipeline: &Pipeline) -> bool {
    let source = match &pipeline.source {
        Source::Table(_) | Source::Search { .. } => true,
        Source::Union(union) => union.with_source.is_none() && union.branches.iter().all(picks_events),
        Source::Watchlist { .. }
        | Source::External { .. }
        | Source::Rows { .. }
        | Source::Print(_)
        | Source::Range { .. } => false,
    };
    source
        && pipeline.stages.iter().all(|stage| match &stage.kind {
            StageKind::Where(_)
            | StageKind::ProjectAway(_)
            | StageKind::ProjectKeep(_)
            | StageKind::ProjectRename(_)
            | StageKind::ProjectReorder(_)
            | StageKind::Sort(_)
            | StageKind::Top { .. }
            | StageKind::Take(_)
            | StageKind::Sample(_)
            | StageKind::Render { .. } => true,
            StageKind::Project(columns) => {
                columns.iter().all(|column| matches!(column.value.kind, ExprKind::Column(_)))
            }
            StageKind::Serialize(columns) => columns.is_empty(),
            StageKind::Extend(_)
            | StageKind::Summarize { .. }
            | StageKind::Distinct(_)
            | StageKind::Count
            | StageKind::SampleDistinct { .. }
            | StageKind::Join(_)
            | StageKind::Lookup(_)
            | StageKind::MvExpand { .. }
            | StageKind::MvApply { .. }
            | StageKind::Parse { .. }
            | StageKind::ParseKv { .. }
            | StageKind::MakeSeries(_)
            | StageKind::Evaluate { .. }
            | StageKind::Invoke { .. }
            | StageKind::Untranslated(_) => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;
    use crate::vocabulary::Vocabulary;

    fn made(verdict: Effect) -> Translation {
        let note = Diagnostic::note(Code::Ignored, verdict, Span::default(), format!("it is {verdict}"));
        match verdict {
            Effect::Refused => Translation::refused(vec![note]),
            verdict => Translation { verdict, query: Some("q".to_owned()), ..Translation::refused(vec![note]) },
        }
    }

    fn chosen(hunt: &str, eql: Effect, esql: Effect) -> (Target, Effect, String) {
        let vocabulary = Vocabulary::embedded().unwrap();
        let query = crate::syntax::parse(hunt).unwrap();
        let plan = crate::resolve::resolve(&query, hunt, &vocabulary).plan.unwrap();
        let (target, translation) = choose(&plan, made(eql), made(esql));
        let note = translation.notes.iter().find(|note| note.code == Code::LanguageChosen).unwrap();
        (target, translation.verdict, note.message.clone())
    }

    const EVENTS: &str = "SigninLogs | where ResultType == \"0\" | project UserPrincipalName | take 3";
    const ROWS: &str = "SigninLogs | extend Day = bin(TimeGenerated, 1d)";

    #[test]
    fn the_more_faithful_is_chosen() {
        let (target, verdict, note) = chosen(EVENTS, Effect::Reshaped, Effect::Exact);
        assert_eq!((target, verdict), (Target::Esql, Effect::Exact));
        assert_eq!(note, "ES|QL is chosen, which is exact; EQL would be reshaped (it is reshaped)");
        let (target, _, note) = chosen(ROWS, Effect::Broader, Effect::Refused);
        assert_eq!(target, Target::Eql);
        assert_eq!(note, "EQL is chosen, which is broader; ES|QL is refused (it is refused)");
    }

    #[test]
    fn events_are_for_eql_where_both_are_alike() {
        assert_eq!(chosen(EVENTS, Effect::Exact, Effect::Exact).0, Target::Eql);
        assert_eq!(chosen(ROWS, Effect::Exact, Effect::Exact).0, Target::Esql);
    }

    #[test]
    fn two_refusals_are_both_given() {
        let (target, verdict, note) = chosen(EVENTS, Effect::Refused, Effect::Refused);
        assert_eq!((target, verdict), (Target::Esql, Effect::Refused));
        assert_eq!(note, "EQL can not say the hunt either (it is refused)");
    }
}
