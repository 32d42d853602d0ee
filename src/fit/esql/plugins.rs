//! `evaluate` and `invoke`: plugins of Kusto that a command says, and the refusal of the others by name.
//!
//! See <https://learn.microsoft.com/kusto/query/evaluate-operator>.

use super::{Fit, Fitter, Unsayable, unwritten};
use crate::diagnostic::{Code, Effect};
use crate::plan::{Expr as Meant, FunctionId, Stage};

impl<'a> Fitter<'a, '_> {
    /// `evaluate plugin(…)`
    pub(super) fn evaluate(&mut self, stage: &Stage, plugin: FunctionId, args: &[Meant]) -> Fit<()> {
        let name = self.frame.vocabulary.function_row(plugin).map_or("", |row| row.name.as_str());
        let refused = |why: &str, instead: &str| {
            let message = format!("plugin `{name}` can not be said in ES|QL: {why}");
            Err(Unsayable::new(Code::RefusedOperator, stage.span, message).help(instead.to_owned()))
        };
        match (name, args) {
            ("bag_unpack", [bag]) => self.bag_unpack(stage, bag),
            ("bag_unpack", _) => refused("keys are read under their own names", "leave out the prefix"),
            ("pivot", _) => {
                refused("no command makes a column of each value", "summarize by the value, which gives a row for each")
            }
            ("ipv4_lookup" | "ipv6_lookup", _) => {
                refused("no join looks for an address in a network", "an enrich policy of type `range`, and `ENRICH`")
            }
            ("autocluster" | "basket" | "diffpatterns", _) => {
                refused("no command looks for patterns of values", "`CATEGORIZE` as a key of `STATS`, for texts")
            }
            _ => refused("no command does it", "the target splunk"),
        }
    }

    /// `bag_unpack(x)`: the keys of an object are fields already.
    fn bag_unpack(&mut self, stage: &Stage, bag: &Meant) -> Fit<()> {
        let Some(reference) = bag.as_column().filter(|reference| self.is_of_event(&reference.name)) else {
            return Err(unwritten(bag.span, "`bag_unpack` of a computed value").help("extend a column with each key"));
        };
        self.ledger.carried(bag.id);
        let message = format!(
            "the keys of `{0}` are read as fields `{0}.…`, which must be mapped, and are not given out under names of their own",
            reference.name
        );
        self.note(Code::FieldCaveat, Effect::Unsure, stage.span, message);
        self.scope.unpacked = Some(reference.clone());
        Ok(())
    }

    /// `invoke f(…)`
    pub(super) fn invoke(&mut self, stage: &Stage, function: FunctionId) -> Fit<()> {
        let name = self.frame.vocabulary.function_row(function).map_or("", |row| row.name.as_str());
        let message = format!("function `{name}` can not be said in ES|QL: it belongs to Microsoft's service");
        Err(Unsayable::new(Code::RefusedOperator, stage.span, message)
            .help("keep what it says in a lookup index, and join with it by `lookup`"))
    }
}
