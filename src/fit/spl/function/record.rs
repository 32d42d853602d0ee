//! Functions that give a bag of known parts: of an address on the web, a path, a place on earth. One part is asked for
//! directly; the whole is a JSON object.

use super::form::{call, text};
use super::strings::extracted;
use crate::diagnostic::{Code, Effect};
use crate::fit::bags::{PATH_PARTS, URL, URL_PARTS, URL_QUERY};
use crate::fit::spl::tree::{Command, EvalExpr, Name};
use crate::fit::spl::{Fit, Fitter};
use crate::plan::{Expr, ExprKind, PathStep};

/// The columns that `iplocation` makes, by the parts of KQL's bag.
const PLACE: [(&str, &str); 5] =
    [("country", "Country"), ("state", "Region"), ("city", "City"), ("latitude", "lat"), ("longitude", "lon")];

impl<'a> Fitter<'a, '_> {
    pub(super) fn record_call(&mut self, expr: &Expr, _name: &str, _args: &[Expr]) -> Fit<Option<EvalExpr>> {
        let Some(parts) = self.record(expr, None)? else { return Ok(None) };
        let parts = parts.into_iter().flat_map(|(key, value)| [text(key), value]);
        Ok(Some(EvalExpr::Call("json_object", parts.collect())))
    }

    /// A part of a bag of known parts, and the steps that are still to be followed in it.
    pub(in crate::fit::spl) fn record_part<'s>(
        &mut self,
        base: &Expr,
        steps: &'s [PathStep],
    ) -> Fit<Option<(EvalExpr, &'s [PathStep])>> {
        let [PathStep::Key(key), rest @ ..] = steps else { return Ok(None) };
        let Some(parts) = self.record(base, Some(key))? else { return Ok(None) };
        self.ledger.carried(base.id);
        let value = parts.into_iter().find(|(name, _)| name == key).map_or_else(EvalExpr::null, |(_, value)| value);
        Ok(Some((value, rest)))
    }

    /// The parts of a bag that a function gives, or the one that is wanted; `None` if it is no such function.
    fn record(&mut self, expr: &Expr, wanted: Option<&str>) -> Fit<Option<Vec<(&'static str, EvalExpr)>>> {
        let ExprKind::Call { args, .. } = &expr.kind else { return Ok(None) };
        let name = self.function_name(expr).unwrap_or_default();
        let is_wanted = |key: &str| wanted.is_none_or(|wanted| wanted == key);
        Ok(Some(match (name, args.as_slice()) {
            ("parse_url", [address]) => {
                let message = "what `parse_url` makes of an address that is not complete is not documented";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                let value = self.present_text(address)?;
                let value = self.shared(value, address.span);
                let mut parts = Vec::new();
                for (key, group) in URL_PARTS {
                    if is_wanted(key) {
                        parts.push((key, extracted(value.clone(), URL, group)));
                    }
                }
                if is_wanted("Query Parameters") {
                    parts.push(("Query Parameters", pairs(extracted(value, URL, URL_QUERY))));
                }
                parts
            }
            ("parse_urlquery", [query]) => {
                let message = "names and values of the query stay encoded";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                vec![("Query Parameters", pairs(self.present_text(query)?))]
            }
            ("parse_path", [path]) => {
                let message = "how `parse_path` reads a path without a folder or a name is not documented";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                let value = self.present_text(path)?;
                let part = |(key, pattern): (&'static str, &str)| {
                    is_wanted(key).then(|| (key, extracted(value.clone(), pattern, 1)))
                };
                PATH_PARTS.into_iter().filter_map(part).collect()
            }
            ("geo_info_from_ip_address", [address]) => {
                let message = "where an address is comes from the database that Splunk has, not from Microsoft's";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                let value = self.text_value(address)?;
                let address = self.field_of(value, expr.span)?;
                let prefix = self.located(address);
                let part = |(key, column): (&'static str, &str)| {
                    let field = Name::new(format!("{}{column}", prefix.text()))?;
                    is_wanted(key).then_some((key, EvalExpr::Field(field)))
                };
                PLACE.into_iter().filter_map(part).collect()
            }
            _ => return Ok(None),
        }))
    }

    /// The prefix of the fields that say where an address is: a command in front of the stage makes them, once.
    fn located(&mut self, address: Name) -> Name {
        let known = self.commands.iter().rev().find_map(|command| {
            let Command::IpLocation { prefix, field } = command else { return None };
            (*field == address).then(|| prefix.clone())
        });
        let made = |prefix: &Name| self.precomputed.iter().any(|(name, _)| name.text().starts_with(prefix.text()));
        if let Some(prefix) = known.filter(made) {
            return prefix;
        }
        let helper = self.helper();
        let prefix = Name::new(format!("{}_", helper.text())).unwrap_or(helper);
        for (_, column) in PLACE {
            if let Some(name) = Name::new(format!("{}{column}", prefix.text())) {
                self.scratch.push(name.clone());
                self.precomputed.push((name.clone(), EvalExpr::Field(name)));
            }
        }
        self.commands.push(Command::IpLocation { prefix: prefix.clone(), field: address });
        prefix
    }
}

/// `a=b&c=d` as a JSON object.
fn pairs(query: EvalExpr) -> EvalExpr {
    use super::form::{concat, replaced};
    let quoted = replaced(query, r#"["\\]"#, "");
    let slots = replaced(quoted, "([^&=]+)=?([^&]*)&?", "\"\\1\":\"\\2\",");
    concat([text("{"), call("rtrim", [slots, text(",")]), text("}")])
}
