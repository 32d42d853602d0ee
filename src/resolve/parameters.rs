//! Parameters: those of operators (`kind=inner`, `hint.*`) and the filters of ASIM parsers (`_Im_Dns(starttime=…)`).

use super::columns::Rows;
use super::place::Place;
use super::scope::Scope;
use super::{Resolver, Step, written};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::plan::{Expr, StageKind, Value};
use crate::source::Span;
use crate::syntax::ast::{Argument, BinaryOp, MembershipOp, OperatorParameter};
use crate::vocabulary::{ParameterOp, ParameterRow, TableRow};

/// Whether a name is that of an ASIM parser, known or not.
pub(super) fn is_parser(name: &str) -> bool {
    let after =
        |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
    name.starts_with("_Im_") || name.starts_with("_ASim_") || after("im") || after("ASim") || after("vim")
}

impl<'a> Resolver<'a> {
    /// The value of a parameter that is a name or a constant.
    pub(super) fn parameter(&self, parameters: &'a [OperatorParameter], name: &str) -> Option<(String, Span)> {
        let parameter = parameters.iter().find(|parameter| parameter.name.text.eq_ignore_ascii_case(name))?;
        let value = &parameter.value;
        let text = written::name(value).map(|name| name.text.as_str()).or_else(|| written::text(value));
        Some((text.unwrap_or_else(|| value.span.slice(self.text)).to_owned(), value.span))
    }

    /// Names the parameters that are not among those that are understood.
    pub(super) fn ignore_parameters(&mut self, parameters: &'a [OperatorParameter], understood: &[&str]) {
        for parameter in parameters {
            let name = &parameter.name.text;
            if !understood.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                let span = parameter.name.span.to(parameter.value.span);
                self.ignored(span, format!("`{name}` does not change which rows come out"));
            }
        }
    }

    /// The filters that the arguments of an ASIM parser stand for.
    pub(super) fn parser_filters(
        &mut self,
        table: &TableRow,
        args: &'a [Argument],
        rows: &mut Rows,
        scope: Scope,
        span: Span,
    ) -> Step<()> {
        for (at, arg) in args.iter().enumerate() {
            let found = match &arg.name {
                Some(name) => table.parameters.get(name.text.as_str()).map(|row| (name.text.as_str(), row)),
                None => table.parameters.get_index(at).map(|(name, row)| (name.as_str(), row)),
            };
            let Some((name, row)) = found else {
                let name = arg.name.as_ref().map_or_else(|| format!("argument {}", at + 1), |name| name.text.clone());
                let near = crate::data::nearest(&name, table.parameters.keys().map(String::as_str));
                let message = format!("`{}` has no parameter `{name}` that is known", table.name);
                let span = arg.name.as_ref().map_or(arg.value.span, |name| name.span);
                return self.fail(Diagnostic {
                    help: Some(near.map_or_else(
                        || "write the filter as `| where …`".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    )),
                    ..Diagnostic::error(Code::WrongArguments, span, message)
                });
            };
            let whole = arg.name.as_ref().map_or(arg.value.span, |name| name.span.to(arg.value.span));
            if row.op == ParameterOp::Ignore {
                self.ignored(whole, format!("`{name}` does not change which rows come out"));
                continue;
            }
            let value = self.apart(arg.value.span, |this| this.value(&arg.value, Place::outside(scope)))?;
            if is_open(&value) {
                self.ignored(whole, format!("`{name}` is given its neutral value and filters nothing"));
                continue;
            }
            let condition = self.parser_filter(row, &value, rows, scope, whole)?;
            rows.push(StageKind::Where(condition), whole);
        }
        self.default_filters(table, args, span);
        Ok(())
    }

    /// Says which filters a parser applies by itself and the plan does not hold.
    pub(super) fn default_filters(&mut self, table: &TableRow, args: &'a [Argument], span: Span) {
        for (name, row) in &table.parameters {
            let Some(default) = &row.default else { continue };
            if args.iter().any(|arg| arg.name.as_ref().is_some_and(|given| given.text == *name)) {
                continue;
            }
            let message = format!(
                "`{}` filters by `{name}` = `{default}` where nothing else is given; this is not translated",
                table.name
            );
            self.say(
                Diagnostic::note(Code::Ignored, Effect::Broader, span, message)
                    .help(row.note.clone().unwrap_or_else(|| "write the filter as `| where …`".to_owned())),
            );
        }
    }

    fn parser_filter(&mut self, row: &ParameterRow, value: &Expr, rows: &Rows, scope: Scope, span: Span) -> Step<Expr> {
        let place = Place::over(scope, &rows.row);
        let mut conditions = Vec::with_capacity(row.columns.len());
        for column in &row.columns {
            self.spend(3, span)?;
            let subject = self.column(column, span, &rows.row);
            let value = value.clone();
            let mut builder = self.builder(place.row);
            let built = match row.op {
                ParameterOp::Eq => builder.binary(BinaryOp::Eq, subject, value, span),
                ParameterOp::EqInsensitive => builder.binary(BinaryOp::EqInsensitive, subject, value, span),
                ParameterOp::Ge => builder.binary(BinaryOp::Ge, subject, value, span),
                ParameterOp::Le => builder.binary(BinaryOp::Le, subject, value, span),
                ParameterOp::Has => builder.binary(BinaryOp::Has, subject, value, span),
                ParameterOp::InInsensitive => {
                    builder.membership(MembershipOp::InInsensitive, subject, vec![value], span)
                }
                ParameterOp::HasAny => builder.membership(MembershipOp::HasAny, subject, vec![value], span),
                ParameterOp::HasAll => builder.membership(MembershipOp::HasAll, subject, vec![value], span),
                ParameterOp::HasIpv4Prefix => builder.call("has_ipv4_prefix", vec![subject, value], span),
                ParameterOp::HasAnyIpv4Prefix => builder.call("has_any_ipv4_prefix", vec![subject, value], span),
                ParameterOp::Ignore => continue,
            };
            conditions.push(self.built(built)?);
        }
        let mut builder = self.builder(place.row);
        let whole = builder.or(conditions, span);
        Ok(builder.predicate(whole))
    }
}

/// Whether a value is the one by which a parser filters nothing: an empty list, `'*'`, a null.
fn is_open(value: &Expr) -> bool {
    match value.as_literal() {
        Some(Value::Null(_)) => true,
        Some(Value::String(text)) => text == "*",
        Some(Value::Array(items)) => items.is_empty(),
        Some(
            Value::Bool(_)
            | Value::Long(_)
            | Value::Real(_)
            | Value::Decimal(_)
            | Value::Datetime(_)
            | Value::Timespan(_)
            | Value::Guid(_)
            | Value::Bag(_),
        )
        | None => false,
    }
}
