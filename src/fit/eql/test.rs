//! Functions that are conditions: addresses in networks, addresses in texts, `iff` of conditions.
//!
//! `cidrMatch` needs a field of type `ip`; see <https://www.elastic.co/docs/reference/query-languages/eql/eql-function-ref>.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::diagnostic::{Code, Diagnostic, Effect, Polarity};
use crate::plan::{Case, Expr, ExprKind, TextHow, Value as Literal};
use crate::source::Span;
use crate::target::FieldType;

use super::condition::{Conditions, Said, Unsayable, Want, null};
use super::scope::{Place, Scope};
use super::text::Look;
use super::tree::{Cond, Constant, Value};

/// Private networks, see <https://learn.microsoft.com/kusto/query/ipv4-is-private-function>.
const PRIVATE: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/// Addresses that are looked for.
struct Network {
    value: Value,
    blocks: Vec<String>,
    /// All addresses of the family.
    family: &'static str,
}

impl<'p, 'a> Conditions<'p, 'a, '_> {
    /// A call that is a condition.
    pub(super) fn test(
        &mut self,
        expr: &'p Expr,
        want: Want,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Cond> {
        let ExprKind::Call { args, .. } = &expr.kind else {
            return Err(Unsayable::new(Code::RefusedPredicate, expr.span, "EQL has no such condition"));
        };
        let args: &'p [Expr] = args;
        let name = self.function(expr).unwrap_or_default();
        let inner = if want == Want::Holds { polarity } else { polarity.negated() };
        match name {
            "iff" | "case" | "coalesce" => {
                let choices = self.choices(expr, scope, at)?;
                if matches!(choices.as_slice(), [(Cond::Constant(true), only, _)] if std::ptr::eq(*only, expr)) {
                    return Err(self.refused_function(name, expr.span));
                }
                let mut out = Vec::with_capacity(choices.len());
                for (guard, branch, at) in choices {
                    out.push(Cond::all(vec![guard, self.holds(branch, want, scope, at, polarity, false)?]));
                }
                Ok(Cond::any(out))
            }
            "has_ipv4" | "has_any_ipv4" | "has_ipv4_prefix" | "has_any_ipv4_prefix" => {
                let how = if name.ends_with("prefix") { TextHow::TermPrefix } else { TextHow::Term };
                let Some((subject, needles)) = args.split_first() else {
                    return Err(self.refused_function(name, expr.span));
                };
                let needles = self.texts(needles, scope, at)?;
                if how == TextHow::TermPrefix {
                    let message = "any text that begins as the address does is found, not only whole addresses";
                    self.note(inner, Diagnostic::note(Code::Approximated, Effect::Broader, expr.span, message));
                }
                let negated = want == Want::Fails;
                let subject = self.subject(subject, scope, at, inner)?;
                let case = Case::Sensitive;
                let needles: Vec<String> = needles
                    .into_iter()
                    .map(|needle| if how == TextHow::TermPrefix { prefix(needle) } else { needle })
                    .collect();
                self.find(&subject, &needles, Look { how, case, all: false, negated, span: expr.span, polarity: inner })
            }
            _ => {
                let network = self.network(name, expr, args, scope, at, inner)?;
                let found = Cond::Cidr { value: network.value.clone(), blocks: network.blocks };
                Ok(match want {
                    Want::Holds => found,
                    Want::Fails => Cond::any(vec![null(&network.value), found.negate()]),
                })
            }
        }
    }

    /// `not(f(x))`, which does not hold where the result is null: where the value is no address.
    pub(super) fn test_fails(
        &mut self,
        expr: &'p Expr,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Cond> {
        let ExprKind::Call { args, .. } = &expr.kind else {
            return Err(Unsayable::new(Code::RefusedPredicate, expr.span, "EQL has no such condition"));
        };
        let name = self.function(expr).unwrap_or_default();
        match name {
            "has_ipv4" | "has_any_ipv4" | "has_ipv4_prefix" | "has_any_ipv4_prefix" => {
                self.test(expr, Want::Fails, scope, at, polarity)
            }
            "iff" | "case" | "coalesce" => Err(self.refused_function(name, expr.span)),
            _ => {
                let network = self.network(name, expr, args, scope, at, polarity.negated())?;
                let family = Cond::Cidr { value: network.value.clone(), blocks: vec![network.family.to_owned()] };
                let found = Cond::Cidr { value: network.value, blocks: network.blocks };
                Ok(Cond::all(vec![family, found.negate()]))
            }
        }
    }

    fn network(
        &mut self,
        name: &str,
        expr: &'p Expr,
        args: &'p [Expr],
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Network> {
        let (six, rest) = match (name, args) {
            ("ipv4_is_private", [_]) => (false, PRIVATE.iter().map(|it| (*it).to_owned()).collect()),
            ("ipv4_is_in_range" | "ipv4_is_in_any_range", [_, blocks @ ..]) => (false, self.texts(blocks, scope, at)?),
            ("ipv6_is_in_range" | "ipv6_is_in_any_range", [_, blocks @ ..]) => (true, self.texts(blocks, scope, at)?),
            ("ipv4_is_match", [_, block]) => (false, self.texts(std::slice::from_ref(block), scope, at)?),
            ("ipv6_is_match", [_, block]) => (true, self.texts(std::slice::from_ref(block), scope, at)?),
            ("ipv4_is_match", [_, block, bits]) => {
                let blocks = self.texts(std::slice::from_ref(block), scope, at)?;
                match self.constant(bits, scope, at) {
                    Some(Ok(Constant::Integer(bits))) if (0..=32).contains(&bits) => {
                        (false, blocks.iter().map(|it| shortened(it, bits)).collect())
                    }
                    _ => return Err(self.refused_function(name, expr.span)),
                }
            }
            _ => return Err(self.refused_function(name, expr.span)),
        };
        let Some(subject) = args.first() else { return Err(self.refused_function(name, expr.span)) };
        let mut blocks = Vec::with_capacity(rest.len());
        for text in rest {
            match block(&text, six) {
                Some(block) => blocks.push(block),
                None => {
                    let message = format!("`{}` is no network", text.replace('`', "'"));
                    return Err(Unsayable::new(Code::RefusedPredicate, expr.span, message));
                }
            }
        }
        if blocks.is_empty() {
            return Err(self.refused_function(name, expr.span));
        }
        let subject = self.subject(subject, scope, at, polarity)?;
        let Value::Field { name, .. } = &subject.value else {
            return Err(Unsayable::new(Code::RefusedPredicate, expr.span, "`cidrMatch` compares fields only"));
        };
        if subject.elastic_type != Some(FieldType::Ip) {
            let effect = if subject.elastic_type.is_none() { Effect::Exact } else { Effect::Unsure };
            let name = name.replace('`', "'");
            let message = format!("`cidrMatch` compares field `{name}` only if its mapping is of type ip");
            self.note(polarity, Diagnostic::note(Code::FieldCaveat, effect, expr.span, message));
        }
        Ok(Network { value: subject.value, blocks, family: if six { "::/0" } else { "0.0.0.0/0" } })
    }

    /// Constant texts, lists of them opened.
    fn texts(&self, items: &'p [Expr], scope: &Scope<'p, 'a>, at: Place) -> Said<Vec<String>> {
        let none = |span: Span| Unsayable::new(Code::RefusedPredicate, span, "EQL compares with constants only");
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            if let Some(Literal::Array(values)) = item.as_literal() {
                for value in values {
                    let Literal::String(text) = value else { return Err(none(item.span)) };
                    out.push(text.clone());
                }
                continue;
            }
            match self.constant(item, scope, at) {
                Some(Ok(Constant::Text(text))) => out.push(text),
                Some(Err(unsayable)) => return Err(unsayable),
                Some(Ok(_)) | None => return Err(none(item.span)),
            }
        }
        Ok(out)
    }
}

/// The prefix of an address without the length of a network.
fn prefix(needle: String) -> String {
    match needle.split_once('/') {
        Some((address, bits)) => {
            let parts = bits.parse::<usize>().map_or(4, |bits| bits / 8);
            let kept: Vec<&str> = address.split('.').take(parts.clamp(1, 4)).collect();
            if kept.len() < 4 { kept.join(".") + "." } else { kept.join(".") }
        }
        None => needle,
    }
}

fn shortened(network: &str, bits: i64) -> String {
    let (address, own) = network.split_once('/').unwrap_or((network, "32"));
    let own = own.parse::<i64>().unwrap_or(32);
    format!("{address}/{}", own.min(bits))
}

/// A network as Elasticsearch reads it, host bits cleared.
fn block(text: &str, six: bool) -> Option<String> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address.trim(), Some(bits.trim().parse::<u32>().ok()?)),
        None => (text.trim(), None),
    };
    if six {
        let bits = bits.unwrap_or(128);
        let own: Ipv6Addr = address.parse().ok()?;
        let mask = if bits == 0 { 0 } else { u128::MAX.checked_shl(128_u32.checked_sub(bits)?)? };
        return Some(format!("{}/{bits}", Ipv6Addr::from(u128::from(own) & mask)));
    }
    let bits = bits.unwrap_or(32);
    let own: Ipv4Addr = address.parse().ok()?;
    let mask = if bits == 0 { 0 } else { u32::MAX.checked_shl(32_u32.checked_sub(bits)?)? };
    Some(format!("{}/{bits}", Ipv4Addr::from(u32::from(own) & mask)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_no_host_bits() {
        assert_eq!(block("192.168.1.9/24", false).as_deref(), Some("192.168.1.0/24"));
        assert_eq!(block("10.0.0.1", false).as_deref(), Some("10.0.0.1/32"));
        assert_eq!(block("0.0.0.0/0", false).as_deref(), Some("0.0.0.0/0"));
        assert_eq!(block("fe80::1/10", true).as_deref(), Some("fe80::/10"));
        assert_eq!(block("10.0.0.0/33", false), None);
        assert_eq!(block("a\" or true", false), None);
    }
}
