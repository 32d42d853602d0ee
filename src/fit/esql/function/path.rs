//! Parts of dynamic values that are no fields of the event by their keys alone: of JSON texts, of lists, of elements of
//! arrays, of `flattened` fields.
//!
//! See <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/string-functions/json_extract>.

use super::Shape;
use crate::diagnostic::{Code, Effect};
use crate::fit::esql::scope::Form;
use crate::fit::esql::tree::{Expr, Name};
use crate::fit::esql::{Fit, Fitter, Unsayable};
use crate::plan::{Expr as Meant, ExprKind, PathStep, ScalarType};
use crate::target::Construct;

impl<'a> Fitter<'a, '_> {
    /// A part of a value that is no column.
    pub(in crate::fit::esql) fn part(&mut self, expr: &Meant) -> Fit<Expr> {
        let (root, steps, passed) = self.walked(expr);
        if let Some(PathStep::Computed(key)) = steps.iter().find(|step| matches!(step, PathStep::Computed(_))) {
            if let Some(value) = self.computed_part(root, key, &steps)? {
                passed.into_iter().for_each(|node| self.ledger.carried(node));
                return Ok(value);
            }
            let message = "a part under a computed key can not be said in ES|QL";
            return Err(Unsayable::new(Code::RefusedFunction, key.span, message)
                .help("name the key, or choose between named ones with `case`"));
        }
        passed.into_iter().for_each(|node| self.ledger.carried(node));
        if self.has_fields(root) {
            return self.element_of_event(expr, root, &steps);
        }
        if let Some((value, rest)) = self.record_part(root, &steps)? {
            return if rest.is_empty() { Ok(value) } else { self.json_part(expr, value, rest) };
        }
        if self.shape(root) == Shape::Many {
            let [PathStep::Index(index), rest @ ..] = steps.as_slice() else {
                // A list has no keys.
                self.carry(root);
                return Ok(Expr::Null);
            };
            if let [PathStep::Index(inner), rest @ ..] = rest
                && let Some(group) = self.group_of_first(root, *index, *inner)?
            {
                return if rest.is_empty() { Ok(group) } else { self.json_part(expr, group, rest) };
            }
            if root.as_column().and_then(|it| self.scope.made.get(&it.name)).is_some_and(|column| !column.ordered) {
                let message = "which value stands where in a list that an aggregate made is not the same in ES|QL";
                self.note(Code::ArbitraryChoice, Effect::Unsure, expr.span, message);
            }
            if let Some(part) = self.part_at(root, *index)? {
                return if rest.is_empty() { Ok(part) } else { self.json_part(expr, part, rest) };
            }
            let list = self.split_parts(root)?;
            let element = element(list, *index);
            if rest.is_empty() {
                return Ok(element);
            }
            let form = self.form(root);
            return self.json_part(expr, crate::fit::esql::scope::converted(element, form, Form::Keyword), rest);
        }
        let value = self.text_value(root)?;
        self.json_part(expr, value, &steps)
    }

    /// `list[expression]`, `json[expression]`
    fn computed_part(&mut self, root: &Meant, key: &Meant, steps: &[&PathStep]) -> Fit<Option<Expr>> {
        if steps.len() != 1 {
            return Ok(None);
        }
        match (self.shape(root), key.ty) {
            (Shape::Many, ScalarType::Int | ScalarType::Long) => {
                let list = self.split_parts(root)?;
                let index = Expr::call("TO_INTEGER", [self.operand(key)?]);
                Ok(Some(Expr::call("MV_SLICE", [list, index])))
            }
            (Shape::Json, ScalarType::String) => {
                self.needs(Construct::JsonExtract, key.span)?;
                let message = "a key that holds a quote is not found";
                self.note(Code::Approximated, Effect::Unsure, key.span, message);
                let text = self.text_value(root)?;
                let key = self.filled(key)?;
                let path = Expr::call("CONCAT", [Expr::text("['"), key, Expr::text("']")]);
                Ok(Some(Expr::call("JSON_EXTRACT", [text, path])))
            }
            _ => Ok(None),
        }
    }

    /// The value that is looked into at last, the steps, and the nodes on the way.
    fn walked<'e>(&self, expr: &'e Meant) -> (&'e Meant, Vec<&'e PathStep>, Vec<crate::plan::NodeId>) {
        let (mut root, mut lists, mut passed) = (expr, Vec::new(), Vec::new());
        loop {
            root = match (&root.kind, self.taken_apart(root)) {
                (ExprKind::Path { base, steps }, _) => {
                    passed.push(root.id);
                    lists.push(steps);
                    base.as_ref()
                }
                (_, Some(inner)) => {
                    passed.push(root.id);
                    inner
                }
                (_, None) => break,
            };
        }
        (root, lists.into_iter().rev().flatten().collect(), passed)
    }

    /// A part of a column of the event where an array is on the way, or that is `flattened`.
    fn element_of_event(&mut self, expr: &Meant, root: &Meant, steps: &[&PathStep]) -> Fit<Expr> {
        let Some(reference) = root.as_column() else { return Ok(Expr::Null) };
        self.ledger.carried(root.id);
        let keys: Vec<&str> = steps
            .iter()
            .filter_map(|step| if let PathStep::Key(key) = step { Some(key.as_str()) } else { None })
            .collect();
        let index =
            steps.iter().rev().find_map(|step| if let PathStep::Index(index) = step { Some(*index) } else { None });
        let value = match self.key_prefix(reference, root)? {
            Some(prefix) => {
                let name = if keys.is_empty() { prefix } else { format!("{prefix}.{}", keys.join(".")) };
                let field =
                    Name::new(name.clone()).ok_or_else(|| crate::fit::esql::columns::unwritable(&name, expr.span))?;
                let message = format!(
                    "an element of an array is looked for in field `{}`, which holds the values of all elements in no order that is told",
                    name.replace('\n', " ")
                );
                self.note(Code::FieldCaveat, Effect::Unsure, expr.span, message);
                Expr::Field(field)
            }
            None => {
                self.needs(Construct::FieldExtract, expr.span)?;
                let field = self.flattened(reference, root)?;
                let own: Vec<&PathStep> =
                    steps.iter().copied().filter(|step| matches!(step, PathStep::Key(_))).collect();
                let path = json_path(&own);
                let Some(path) = path.filter(|path| !path.is_empty()) else { return Err(unsayable_path(expr)) };
                let message = format!(
                    "key `{}` is looked for in the flattened field `{}`, where every value is a text and an array has no order",
                    keys.join(".").replace('\n', " "),
                    field.text()
                );
                self.note(Code::FieldCaveat, Effect::Unsure, expr.span, message);
                Expr::call("FIELD_EXTRACT", [Expr::Field(field), Expr::Text(path)])
            }
        };
        Ok(match index {
            Some(index) => element(value, index),
            None => value,
        })
    }

    /// A part of a JSON text.
    pub(super) fn json_part(&mut self, expr: &Meant, text: Expr, steps: &[&PathStep]) -> Fit<Expr> {
        let mut value = text;
        let mut rest = steps;
        while !rest.is_empty() {
            // A path knows no place that is counted from the end.
            let from_end = rest.iter().position(|step| matches!(step, PathStep::Index(..0)));
            let (now, later) = rest.split_at(from_end.unwrap_or(rest.len()));
            if !now.is_empty() {
                let Some(path) = json_path(now) else { return Err(unsayable_path(expr)) };
                self.needs(Construct::JsonExtract, expr.span)?;
                value = Expr::call("JSON_EXTRACT", [value, Expr::Text(path)]);
            }
            rest = match later {
                [PathStep::Index(index), later @ ..] => {
                    value = element(self.cut(expr, value), *index);
                    later
                }
                _ => &[],
            };
        }
        Ok(value)
    }

    /// The type of a part that is no field of the event.
    pub(in crate::fit::esql) fn part_form(&self, expr: &Meant) -> Form {
        let (root, steps, _) = self.walked(expr);
        match steps.as_slice() {
            _ if self.is_flattened(root) => Form::Keyword,
            _ if self.has_fields(root) => Form::Untold,
            [PathStep::Index(_) | PathStep::Computed(_)] if self.shape(root) == Shape::Many => self.form(root),
            [PathStep::Key(key)] if matches!(key.as_str(), "latitude" | "longitude") && self.is_place(root) => {
                Form::Double
            }
            _ => Form::Keyword,
        }
    }
}

/// An element of a list, from 0; below zero from the end.
pub(super) fn element(list: Expr, index: i64) -> Expr {
    match index {
        0 => Expr::call("MV_FIRST", [list]),
        -1 => Expr::call("MV_LAST", [list]),
        index => Expr::call("MV_SLICE", [list, Expr::number(index)]),
    }
}

/// A path as `JSON_EXTRACT` reads it: `a.b[0]['c d']`; `None` where it has no form for a step.
fn json_path(steps: &[&PathStep]) -> Option<String> {
    let mut path = String::new();
    for step in steps {
        match step {
            PathStep::Key(key) => {
                let plain = key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                    && key.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
                if plain {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(key);
                } else if key.contains(['\'', '\\']) || key.chars().any(char::is_control) {
                    return None;
                } else {
                    path.push_str(&format!("['{key}']"));
                }
            }
            PathStep::Index(index @ 0..) => path.push_str(&format!("[{index}]")),
            PathStep::Index(_) | PathStep::Computed(_) => return None,
        }
    }
    Some(path)
}

fn unsayable_path(expr: &Meant) -> Unsayable {
    let message = "a part whose key holds a quote has no path in ES|QL";
    Unsayable::new(Code::RefusedFunction, expr.span, message)
}
