//! The number of rows that make an alert, in a target whose rules alert for any row.
//!
//! Sentinel compares the number of rows of a run:
//! <https://learn.microsoft.com/en-us/azure/sentinel/create-analytics-rules#alert-threshold>.

use super::{Fields, Subject};
use crate::about::{Field, Trigger, TriggerOperator};
use crate::diagnostic::{Code, Diagnostic, Effect};

/// Answers for the trigger of a rule; `any` says that the target alerts for any row.
///
/// # Errors
/// The source alerts where there are few rows or none, and the target's rule where there are some.
pub(super) fn any_row(fields: &mut Fields<'_>, subject: &Subject<'_>, any: &str) -> Result<(), Box<Diagnostic>> {
    let field = Field::Trigger;
    let Some(Trigger { operator, threshold }) = subject.about.trigger else {
        fields.carried(&[field]);
        return Ok(());
    };
    let (effect, message) = match (operator, threshold) {
        (TriggerOperator::GreaterThan | TriggerOperator::NotEqual, 0) => {
            fields.carried(&[field]);
            return Ok(());
        }
        (TriggerOperator::GreaterThan, number) => {
            (Effect::Broader, format!("an alert needs more than {number} rows, and {any}"))
        }
        (TriggerOperator::Equal, 1..) => (Effect::Broader, format!("an alert needs {threshold} rows, and {any}")),
        (TriggerOperator::NotEqual, _) => {
            (Effect::Unsure, format!("any number of rows but {threshold} makes an alert, none too, and {any}"))
        }
        (TriggerOperator::LessThan, 0) => {
            (Effect::Broader, format!("fewer than no rows never are, so that the rule never alerts, and {any}"))
        }
        (TriggerOperator::LessThan, _) | (TriggerOperator::Equal, 0) => {
            let message = format!("the rule alerts where there are few rows or none, and {any}");
            let span = subject.about.place(field).unwrap_or(subject.span);
            let refusal = Diagnostic::refusal(Code::RuleRefused, span, message);
            return Err(Box::new(refusal.help("ask for Splunk, whose saved searches compare the number of results")));
        }
    };
    fields.noted_with_help(field, Code::TriggerChanged, effect, &message, "count the rows where the rule runs");
    Ok(())
}
