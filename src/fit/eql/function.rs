//! Functions of KQL as the data of the target spells them, and those that are said by another condition.

use crate::diagnostic::{Code, Diagnostic, Polarity};
use crate::fit::lucene::Folded;
use crate::plan::{Case, CompareOp, Expr, ExprKind, TextHow};
use crate::source::Span;
use crate::target::Spelling;

use super::condition::{Conditions, Said, Unsayable, Want};
use super::scope::{Place, Scope};
use super::text::Look;
use super::tree::{Cond, Constant, Value};

impl<'p, 'a> Conditions<'p, 'a, '_> {
    /// The name of a function in KQL.
    pub(super) fn function(&self, expr: &Expr) -> Option<&'a str> {
        let ExprKind::Call { function, .. } = &expr.kind else { return None };
        self.frame.vocabulary.function_row(*function).map(|row| row.name.as_str())
    }

    /// How EQL spells a function. A malformed row is found by a test of the data.
    fn spelling(&self, name: &str) -> Option<&'a Spelling> {
        self.frame.spellings.get(name).ok().flatten()
    }

    /// A function as the data of the target spells it.
    pub(super) fn spelled(
        &mut self,
        expr: &'p Expr,
        args: &'p [Expr],
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Value> {
        let Some(name) = self.function(expr) else {
            return Err(Unsayable::new(Code::RefusedPredicate, expr.span, "EQL has no such value"));
        };
        if !matches!(self.spelling(name), Some(Spelling::Written(_))) {
            return Err(self.refused_function(name, expr.span));
        }
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            let value = match self.constant(arg, scope, at) {
                Some(constant) => Value::Constant(constant?),
                None if self.is_text(arg, scope, at) => {
                    let subject = self.as_whole(false, |this| this.subject(arg, scope, at, polarity))?;
                    if subject.folded != Folded::No {
                        return Err(Unsayable::new(
                            Code::RefusedFunction,
                            arg.span,
                            "EQL does not change the case of a text",
                        ));
                    }
                    subject.value
                }
                None => self.as_whole(false, |this| this.number(arg, scope, at, polarity))?.value,
            };
            values.push(value);
        }
        let note = match self.spelling(name) {
            Some(Spelling::Written(written)) => written.difference.clone(),
            Some(Spelling::Refused { .. }) | None => None,
        };
        if let Some(difference) = note {
            let code = difference.code.unwrap_or(Code::Approximated);
            self.note(polarity, Diagnostic::note(code, difference.effect, expr.span, difference.note));
        }
        self.call(name, values, expr.span)
    }

    pub(super) fn call(&self, name: &str, args: Vec<Value>, span: Span) -> Said<Value> {
        match self.spelling(name) {
            Some(Spelling::Written(written)) => match written.template(args.len()) {
                Some(template) => Ok(Value::Spelled { template: template.clone(), binding: written.binding, args }),
                None => {
                    let message = format!("EQL has no form of `{name}()` with {} arguments", args.len());
                    Err(Unsayable::new(Code::RefusedFunction, span, message))
                }
            },
            Some(Spelling::Refused { .. }) | None => Err(self.refused_function(name, span)),
        }
    }

    /// That EQL has no counterpart of a function.
    pub(super) fn refused_function(&self, name: &str, span: Span) -> Unsayable {
        let (reason, instead) = match self.spelling(name) {
            Some(Spelling::Refused { reason, instead }) => (format!(": {reason}"), instead.clone()),
            Some(Spelling::Written(_)) | None => (String::new(), None),
        };
        let unsayable =
            Unsayable::new(Code::RefusedFunction, span, format!("EQL has no counterpart of `{name}()`{reason}"));
        match instead {
            Some(help) => unsayable.help(help),
            None => unsayable,
        }
    }

    /// `indexof(x, "v")` compared with the bounds of its value: whether the text is there.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn position(
        &mut self,
        op: CompareOp,
        subject: &'p Expr,
        with: &Constant,
        want: Want,
        scope: &Scope<'p, 'a>,
        at: Place,
        polarity: Polarity,
    ) -> Said<Option<Cond>> {
        let ExprKind::Call { args, .. } = &subject.kind else { return Ok(None) };
        let (Some("indexof"), [text, needle], Constant::Integer(with)) =
            (self.function(subject), args.as_slice(), with)
        else {
            return Ok(None);
        };
        let found = match (op, with) {
            (CompareOp::Ne | CompareOp::Gt, -1) | (CompareOp::Ge, 0) => true,
            (CompareOp::Eq | CompareOp::Le, -1) | (CompareOp::Lt, 0) => false,
            _ => return Ok(None),
        };
        let Some(Ok(Constant::Text(needle))) = self.constant(needle, scope, at) else { return Ok(None) };
        let negated = found != (want == Want::Holds);
        let polarity = if negated { polarity.negated() } else { polarity };
        let found = self.subject(text, scope, at, polarity)?;
        let span = subject.span;
        let look = Look { how: TextHow::Substring, case: Case::Sensitive, all: false, negated, span, polarity };
        self.find(&found, &[needle], look).map(Some)
    }
}
