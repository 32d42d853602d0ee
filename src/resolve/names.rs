//! The names that KQL gives to columns by itself, by the rules of the public Kusto language library.
//!
//! Which names are in use is counted by [`super::columns::UniqueNames`].

use super::columns::Row;
use super::{Resolver, written};
use crate::plan::{ScalarType, Value};
use crate::syntax::ast::{Argument, Expr, ExprKind};
use crate::vocabulary::Returns;

/// Functions that change nothing about a value of their own type.
const CONVERSIONS: [&str; 9] =
    ["tobool", "todatetime", "todecimal", "toguid", "toint", "tolong", "toreal", "tostring", "totimespan"];

impl Resolver<'_> {
    /// The name of a column made of an expression; none where KQL numbers it.
    pub(super) fn automatic_name(&self, expr: &Expr, row: &Row) -> Option<String> {
        self.name_within(expr, row, 0)
    }

    fn name_within(&self, expr: &Expr, row: &Row, depth: usize) -> Option<String> {
        if depth > super::DEPTH {
            return None;
        }
        match &expr.kind {
            ExprKind::Name(name) => Some(name.text.clone()),
            ExprKind::Member { base, name } => Some(match self.name_within(base, row, depth + 1) {
                Some(left) => format!("{left}_{}", name.text),
                None => name.text.clone(),
            }),
            ExprKind::Index { base, index } => {
                let right = written::text(index).map(str::to_owned).or_else(|| number(index));
                match self.name_within(base, row, depth + 1) {
                    Some(left) => Some(format!("{left}_{}", right.unwrap_or_default())),
                    None => right,
                }
            }
            ExprKind::Call { base: None, function, args } => {
                let (_, known) = self.vocabulary.function(&function.text)?;
                let template = known.autoname_of(&function.text, args.len())?;
                self.fill(template, args, row, depth + 1)
            }
            ExprKind::Literal(_)
            | ExprKind::Typed { .. }
            | ExprKind::Star
            | ExprKind::Call { base: Some(_), .. }
            | ExprKind::Unary { .. }
            | ExprKind::Binary { .. }
            | ExprKind::Membership { .. }
            | ExprKind::Between { .. }
            | ExprKind::List(_)
            | ExprKind::Pipeline(_) => None,
        }
    }

    /// `dcount_{0}` of `dcount(x)` is `dcount_x`.
    fn fill(&self, template: &str, args: &[Argument], row: &Row, depth: usize) -> Option<String> {
        if template == "{literal0}" {
            return written::text(&args.first()?.value).filter(|text| row.has(text)).map(str::to_owned);
        }
        if template == "{0}" {
            return self.name_of_argument(args.first()?, row, depth);
        }
        let mut name = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}')?;
            name.push_str(before);
            if let Some(arg) = args.get(place.parse::<usize>().ok()?) {
                match &arg.name {
                    Some(given) => name.push_str(&given.text),
                    None => name.push_str(&self.fragment(&arg.value, row, depth)),
                }
            }
            rest = after;
        }
        name.push_str(rest);
        Some(name)
    }

    fn name_of_argument(&self, arg: &Argument, row: &Row, depth: usize) -> Option<String> {
        match &arg.name {
            Some(name) => Some(name.text.clone()),
            None => self.name_within(&arg.value, row, depth),
        }
    }

    /// What an argument gives to the name of its call: its own name, or the text of a number.
    pub(super) fn fragment(&self, expr: &Expr, row: &Row, depth: usize) -> String {
        if let Some(Value::Real(number)) = written::literal(expr) {
            return number.to_string().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        }
        number(expr).or_else(|| self.name_within(expr, row, depth)).unwrap_or_default()
    }

    /// The column that an expression is without any change: the bare column, or its conversion to the type that it has.
    pub(super) fn same_column<'e>(&self, expr: &'e Expr, row: &Row) -> Option<&'e str> {
        if let Some(name) = written::name(expr) {
            return (row.open || row.has(&name.text)).then_some(&name.text);
        }
        let (function, args) = written::call(expr)?;
        let [Argument { name: None, value }] = args else { return None };
        let name = written::name(value)?;
        let (_, ty) = row.get(&name.text)?;
        let (_, known) = self.vocabulary.function(&function.text)?;
        let converts = CONVERSIONS.contains(&known.name.as_str()) && known.returns == Returns::Type(ty);
        (converts && ty != ScalarType::Unknown).then_some(&name.text)
    }
}

/// The text of a whole number that is written.
fn number(expr: &Expr) -> Option<String> {
    if let Some(Value::Long(number)) = written::literal(expr) { Some(number.to_string()) } else { None }
}
