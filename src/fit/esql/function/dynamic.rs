//! Functions of arrays and bags. An array is a list of values of one type or a JSON text, a bag a JSON text.
//!
//! See <https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/mv-functions>.

use super::Shape;
use crate::diagnostic::{Code, Effect};
use crate::fit::esql::scope::{Form, converted};
use crate::fit::esql::tree::Expr;
use crate::fit::esql::value::{same_kind, scalar};
use crate::fit::esql::{Fit, Fitter, Unsayable};
use crate::fit::json::json_text;
use crate::plan::{Expr as Meant, ExprKind, ScalarType, Value};
use crate::target::Construct;

impl<'a> Fitter<'a, '_> {
    /// In which form a dynamic value is held.
    pub(in crate::fit::esql) fn shape(&self, expr: &Meant) -> Shape {
        match &expr.kind {
            ExprKind::Literal(Value::Array(items)) => {
                let items: Option<Vec<Expr>> = items.iter().map(scalar).collect();
                let list = items.is_some_and(|items| !items.is_empty() && same_kind(&items));
                if list { Shape::Many } else { Shape::Json }
            }
            ExprKind::Column(reference) => match self.scope.made.get(&reference.name) {
                Some(made) if made.many => Shape::Many,
                Some(_) => Shape::Json,
                None if self.has_fields(expr) => Shape::Event,
                None => Shape::Json,
            },
            ExprKind::Path { .. } if self.is_event_part(expr) => Shape::Event,
            ExprKind::Call { args, .. } if expr.ty == ScalarType::Dynamic => self.call_shape(expr, args),
            ExprKind::Path { .. }
            | ExprKind::Call { .. }
            | ExprKind::Literal(_)
            | ExprKind::Moment(_)
            | ExprKind::Arithmetic { .. }
            | ExprKind::Negate(_)
            | ExprKind::Compare { .. }
            | ExprKind::Text(_)
            | ExprKind::In { .. }
            | ExprKind::Presence { .. }
            | ExprKind::Time(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Scalar(_) => Shape::Json,
        }
    }

    fn call_shape(&self, expr: &Meant, args: &[Meant]) -> Shape {
        let all = |mut args: Box<dyn Iterator<Item = &Meant> + '_>| {
            if args.all(|arg| matches!(self.shape(arg), Shape::Many)) { Shape::Many } else { Shape::Json }
        };
        match self.function_name(expr).unwrap_or_default() {
            "split" | "extract_all" | "array_slice" | "array_sort_asc" | "array_sort_desc" | "array_concat"
            | "set_union" | "set_difference" | "set_intersect" | "parse_csv" => Shape::Many,
            "pack_array" if one_type(args).is_some() => Shape::Many,
            "parse_json" => match args {
                [of] if of.ty == ScalarType::Dynamic => self.shape(of),
                _ => Shape::Json,
            },
            "iff" if args.len() == 3 => all(Box::new(args.iter().skip(1))),
            "case" => {
                let last = args.len().saturating_sub(1);
                all(Box::new(
                    args.iter().enumerate().filter(move |(at, _)| at % 2 == 1 || *at == last).map(|(_, arg)| arg),
                ))
            }
            "coalesce" => all(Box::new(args.iter())),
            _ => Shape::Json,
        }
    }

    /// The type of the elements of a dynamic value, or of its text.
    pub(in crate::fit::esql) fn element_form(&self, expr: &Meant) -> Form {
        match &expr.kind {
            ExprKind::Literal(Value::Array(items)) => match items.first() {
                Some(Value::Long(_)) if self.shape(expr) == Shape::Many => Form::Long,
                Some(Value::Bool(_)) if self.shape(expr) == Shape::Many => Form::Boolean,
                Some(_) | None => Form::Keyword,
            },
            ExprKind::Call { args, .. } if self.shape(expr) == Shape::Many => {
                match self.function_name(expr).unwrap_or_default() {
                    "pack_array" => one_type(args).map_or(Form::Keyword, Form::of),
                    "array_slice" | "array_sort_asc" | "array_sort_desc" | "array_concat" | "set_union"
                    | "set_difference" | "set_intersect" | "parse_json" => {
                        args.first().map_or(Form::Keyword, |first| self.form(first))
                    }
                    _ => Form::Keyword,
                }
            }
            ExprKind::Literal(_)
            | ExprKind::Moment(_)
            | ExprKind::Column(_)
            | ExprKind::Path { .. }
            | ExprKind::Call { .. }
            | ExprKind::Arithmetic { .. }
            | ExprKind::Negate(_)
            | ExprKind::Compare { .. }
            | ExprKind::Text(_)
            | ExprKind::In { .. }
            | ExprKind::Presence { .. }
            | ExprKind::Time(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Scalar(_) => Form::Keyword,
        }
    }

    pub(super) fn dynamic_call(&mut self, expr: &Meant, name: &str, args: &[Meant]) -> Fit<Option<Expr>> {
        Ok(Some(match (name, args) {
            ("parse_json", [value]) if value.ty == ScalarType::Dynamic && self.shape(value) != Shape::Event => {
                self.value(value)?
            }
            ("parse_json" | "dynamic_to_json", [value]) => self.text_value(value)?,
            ("extract_json", [path, subject, rest @ ..]) => {
                rest.iter().for_each(|ty| self.carry(ty));
                let Some(path_text) = path.as_str().filter(|path| is_simple_path(path)) else {
                    let message = "a JSON path with wildcards, slices or filters has no counterpart in ES|QL";
                    return Err(Unsayable::new(Code::RefusedFunction, path.span, message).help("name the key"));
                };
                self.ledger.carried(path.id);
                self.needs(Construct::JsonExtract, expr.span)?;
                let text = self.text_value(subject)?;
                let part =
                    if path_text == "$" { text } else { Expr::call("JSON_EXTRACT", [text, Expr::text(path_text)]) };
                converted(part, Form::Keyword, Form::of(expr.ty))
            }
            ("array_length", [array]) => self.array_length(expr, array)?,
            ("array_slice", [array, from, to]) => {
                let list = self.many(array)?;
                let (from, to) = (self.operand(from)?, self.operand(to)?);
                Expr::call("MV_SLICE", [list, from, to])
            }
            ("array_concat", arrays) => {
                let lists = self.lists(arrays)?;
                appended(lists)
            }
            ("array_sort_asc" | "array_sort_desc", [array]) => {
                let list = self.many(array)?;
                if name == "array_sort_asc" {
                    Expr::call("MV_SORT", [list])
                } else {
                    Expr::call("MV_SORT", [list, Expr::text("DESC")])
                }
            }
            ("array_sum", [array]) => {
                let form = self.form(array);
                let list = self.many(array)?;
                let number = matches!(form, Form::Long | Form::Double);
                Expr::call("MV_SUM", [if number { list } else { converted(list, form, Form::Double) }])
            }
            ("set_union", arrays) => {
                let lists = self.lists(arrays)?;
                Expr::call("MV_DEDUPE", [appended(lists)])
            }
            ("set_intersect" | "set_difference", [first, others @ ..]) if !others.is_empty() => {
                let (construct, function) = if name == "set_intersect" {
                    (Construct::MvIntersection, "MV_INTERSECTION")
                } else {
                    (Construct::MvDifference, "MV_DIFFERENCE")
                };
                self.needs(construct, expr.span)?;
                let mut lists = self.lists(args)?.into_iter();
                let Some(first) = lists.next() else { return Ok(None) };
                let _ = others;
                lists.fold(first, |kept, list| Expr::call(function, [kept, list]))
            }
            ("pack_array", items) => self.pack_array(items)?,
            ("bag_pack", slots) if slots.len() % 2 == 0 => {
                let mut parts = vec![Expr::text("{")];
                for (index, slot) in slots.chunks_exact(2).enumerate() {
                    if let [key, value] = slot {
                        if index > 0 {
                            parts.push(Expr::text(","));
                        }
                        parts.extend(self.packed(key)?);
                        parts.push(Expr::text(":"));
                        parts.extend(self.packed(value)?);
                    }
                }
                parts.push(Expr::text("}"));
                concat(parts)
            }
            ("parse_csv", [value]) => {
                let message = "a value in quotes that holds a comma is cut in ES|QL";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                Expr::call("SPLIT", [self.filled(value)?, Expr::text(",")])
            }
            _ => return Ok(None),
        }))
    }

    /// `array_length(x)`
    fn array_length(&mut self, expr: &Meant, array: &Meant) -> Fit<Expr> {
        if let Some(Value::Array(items)) = array.as_literal() {
            self.ledger.carried(array.id);
            return Ok(Expr::number(items.len()));
        }
        let shape = self.shape(array);
        if shape == Shape::Event {
            let message = "the elements of an array of the event are counted as the values of its field: equal ones may be one, and objects are none";
            self.note(Code::FieldCaveat, Effect::Unsure, expr.span, message);
        }
        let count = Expr::call("MV_COUNT", [self.many(array)?]);
        Ok(if shape == Shape::Many { count.or(Expr::number(0)) } else { count })
    }

    /// `pack_array(…)`: a list where the values are of one type, else a JSON text.
    fn pack_array(&mut self, items: &[Meant]) -> Fit<Expr> {
        let Some(ty) = one_type(items) else {
            let mut parts = vec![Expr::text("[")];
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    parts.push(Expr::text(","));
                }
                parts.extend(self.packed(item)?);
            }
            parts.push(Expr::text("]"));
            return Ok(concat(parts));
        };
        let mut values = Vec::new();
        for item in items {
            values.push(if ty == ScalarType::String { self.filled(item)? } else { self.value(item)? });
            if ty != ScalarType::String && item.as_literal().is_none() {
                let message = "a list of ES|QL holds no nulls";
                self.note(Code::Approximated, Effect::Unsure, item.span, message);
            }
        }
        Ok(appended(values))
    }

    /// Lists of one type.
    fn lists(&mut self, arrays: &[Meant]) -> Fit<Vec<Expr>> {
        let form = arrays.first().map_or(Form::Keyword, |first| self.form(first));
        let same = arrays.iter().all(|array| self.form(array) == form);
        let mut lists = Vec::new();
        for array in arrays {
            let own = self.form(array);
            let list = self.many(array)?;
            lists.push(if same && form != Form::Untold { list } else { converted(list, own, Form::Keyword) });
        }
        Ok(lists)
    }

    /// A dynamic value as a list of values: a JSON text is cut at its commas.
    pub(in crate::fit::esql) fn many(&mut self, expr: &Meant) -> Fit<Expr> {
        if self.shape(expr) != Shape::Json || expr.as_literal().is_some() {
            return self.value(expr);
        }
        let text = self.text_value(expr)?;
        Ok(self.cut(expr, text))
    }

    /// The elements of an array in JSON text.
    pub(super) fn cut(&mut self, expr: &Meant, text: Expr) -> Expr {
        let message = "an array in JSON text is cut at its commas: its elements must be numbers, texts without a comma, or objects that hold no objects";
        self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        let replace = |text: Expr, pattern: &str, with: String| {
            Expr::call("REPLACE", [text, Expr::Pattern(pattern.to_owned()), Expr::Text(with)])
        };
        let bare = replace(text, r#"^\s*\[\s*"?|"?\s*\]\s*$"#, String::new());
        // JSON has no tabs but between its parts.
        let unit = "\t".to_owned();
        let cut = replace(bare, r#"(?<=\})\s*,\s*(?=\{)|"?\s*,\s*"?(?![^{}]*\})"#, unit.clone());
        Expr::call("SPLIT", [cut, Expr::Text(unit)])
    }

    /// The JSON text of a list.
    pub(in crate::fit::esql) fn list_text(&mut self, expr: &Meant, list: Expr) -> Expr {
        let message =
            "the text of a list is put together in ES|QL: every element is a text in quotes, in the order at hand";
        self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        let joined = Expr::call("MV_CONCAT", [list, Expr::text("\",\"")]);
        let text = Expr::call("CONCAT", [Expr::text("[\""), joined, Expr::text("\"]")]);
        text.or(Expr::text("[]"))
    }

    /// The pieces of a value as a part of a JSON text, never null.
    fn packed(&mut self, value: &Meant) -> Fit<Vec<Expr>> {
        if let Some(constant) = value.as_literal() {
            self.ledger.carried(value.id);
            return Ok(vec![Expr::Text(json_text(constant))]);
        }
        let quoted = |text: Expr| {
            let escaped = Expr::call("REPLACE", [text, Expr::Pattern(r#"["\\]"#.to_owned()), Expr::text(r"\\$0")]);
            vec![Expr::text("\""), escaped, Expr::text("\"")]
        };
        Ok(match value.ty {
            ScalarType::String | ScalarType::Guid | ScalarType::Unknown => {
                let message = "a control character within a text is not escaped in the JSON text";
                self.note(Code::Approximated, Effect::Unsure, value.span, message);
                quoted(self.filled(value)?)
            }
            ScalarType::Datetime | ScalarType::Timespan => {
                let text = self.text_value(value)?;
                let text = Expr::call("CONCAT", [Expr::text("\""), text, Expr::text("\"")]);
                vec![text.or(Expr::text("null"))]
            }
            ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal | ScalarType::Bool => {
                let form = self.form(value);
                let number = self.value(value)?;
                vec![converted(number, form, Form::Keyword).or(Expr::text("null"))]
            }
            ScalarType::Dynamic => match (self.shape(value), &value.kind) {
                (Shape::Event, _) | (Shape::Json, ExprKind::Path { .. }) => {
                    let message = "a part of a dynamic value is a text in the JSON text, whatever its type is";
                    self.note(Code::Approximated, Effect::Unsure, value.span, message);
                    quoted(self.filled(value)?)
                }
                (Shape::Json | Shape::Many, _) => vec![self.text_value(value)?.or(Expr::text("null"))],
            },
        })
    }
}

/// The type that all values have, if a list of ES|QL can hold them.
fn one_type(items: &[Meant]) -> Option<ScalarType> {
    let first = items.first()?;
    let listed = matches!(
        first.ty,
        ScalarType::String
            | ScalarType::Bool
            | ScalarType::Int
            | ScalarType::Long
            | ScalarType::Real
            | ScalarType::Datetime
            | ScalarType::Guid
    );
    let null = |item: &Meant| matches!(item.as_literal(), Some(Value::Null(_)));
    (listed && items.iter().all(|item| item.ty == first.ty && !null(item))).then_some(first.ty)
}

/// Lists one after the other.
fn appended(lists: Vec<Expr>) -> Expr {
    if lists.len() > 1 && lists.iter().all(|list| matches!(list, Expr::Text(_) | Expr::Bool(_))) {
        return Expr::List(lists);
    }
    let last = |a: Expr, b: Expr| Expr::call("MV_APPEND", [b, a]);
    lists.into_iter().rev().reduce(last).unwrap_or(Expr::Null)
}

/// Pieces of a text put together, neighbouring constants as one.
pub(super) fn concat(pieces: Vec<Expr>) -> Expr {
    let mut parts: Vec<Expr> = Vec::new();
    for piece in pieces {
        match (parts.last_mut(), piece) {
            (Some(Expr::Text(before)), Expr::Text(text)) => before.push_str(&text),
            (_, piece) => parts.push(piece),
        }
    }
    if parts.len() == 1 { parts.remove(0) } else { Expr::Call("CONCAT", parts) }
}

/// A path of keys and places alone: `$.a.b[0]['c']`.
fn is_simple_path(path: &str) -> bool {
    path.starts_with('$')
        && !path.contains("..")
        && !path.contains(['*', ':', '?', '(', '-', ','])
        && !path.contains('\n')
}
