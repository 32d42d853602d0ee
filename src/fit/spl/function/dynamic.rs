//! Functions of arrays and bags. An array is held as JSON text or as a multivalue field, a bag as JSON text.
//!
//! See <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/evaluation-functions/multivalue-eval-functions>.

use super::form::{add, call, concat, escaped, matches, number, or, replaced, text, when};
use crate::diagnostic::{Code, Effect};
use crate::fit::json::json_text;
use crate::fit::spl::dynamic::is_path_key;
use crate::fit::spl::scope::Shape;
use crate::fit::spl::tree::EvalExpr;
use crate::fit::spl::{Fit, Fitter, Unsayable, regex};
use crate::plan::{Expr, ExprKind, ScalarType, Value};

impl<'a> Fitter<'a, '_> {
    pub(super) fn dynamic_call(&mut self, expr: &Expr, name: &str, args: &[Expr]) -> Fit<Option<EvalExpr>> {
        Ok(Some(match (name, args) {
            ("parse_json", [value]) => self.parse_json(value)?,
            ("dynamic_to_json", [value]) => self.json(value)?,
            ("parse_xml", [value]) => {
                let message = "XML stays XML: its parts are looked up with `spath`, and as a whole it is no JSON text";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                self.text_value(value)?
            }
            ("extract_json", [path, subject, rest @ ..]) => {
                rest.iter().for_each(|ty| self.carry(ty));
                self.extract_json(expr, path, subject)?
            }
            ("array_length", [array]) => self.array_length(array)?,
            ("array_index_of", [array, element]) => {
                let pattern = self.element(element)?;
                or(call("mvfind", [self.multi(array)?, pattern]), number(-1))
            }
            ("array_slice", [array, from, to]) => {
                let (array, from, to) = (self.multi(array)?, self.operand(from)?, self.operand(to)?);
                call("mvindex", [array, from, to])
            }
            ("array_concat", arrays) => {
                if self.shape(expr) == Shape::Multi {
                    let arrays = arrays.iter().map(|array| self.multi(array)).collect::<Fit<Vec<_>>>()?;
                    EvalExpr::Call("mvappend", arrays)
                } else {
                    let quoted = |array| call("json_array_to_mv", [array, EvalExpr::bool(true)]);
                    let mut parts = Vec::new();
                    for array in arrays {
                        parts.push(quoted(self.json(array)?));
                    }
                    call("mv_to_json_array", [EvalExpr::Call("mvappend", parts), EvalExpr::bool(true)])
                }
            }
            ("array_sort_asc" | "array_sort_desc", [array]) => {
                let message = "the elements are ordered as texts, and nulls are left out";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                let sorted = call("mvsort", [self.multi(array)?]);
                if name == "array_sort_asc" { sorted } else { self.reversed(sorted, expr)? }
            }
            ("array_reverse", [array]) => {
                let array = self.multi(array)?;
                self.reversed(array, expr)?
            }
            ("array_sum", [array]) => call("sum", [self.multi(array)?]),
            ("set_union", arrays) => {
                let arrays = arrays.iter().map(|array| self.multi(array)).collect::<Fit<Vec<_>>>()?;
                call("mvdedup", [EvalExpr::Call("mvappend", arrays)])
            }
            ("set_difference" | "set_intersect", [first, others @ ..]) if !others.is_empty() => {
                let others = others.iter().map(|array| self.multi(array)).collect::<Fit<Vec<_>>>()?;
                let first = self.multi(first)?;
                self.set(expr, first, others, name == "set_intersect")?
            }
            ("jaccard_index", [a, b]) => {
                let (a, b) = (self.multi(a)?, self.multi(b)?);
                let both = self.set(expr, a.clone(), vec![b.clone()], true)?;
                let all = call("mvdedup", [call("mvappend", [a, b])]);
                let count = |value| or(call("mvcount", [value]), number(0));
                super::form::divide(count(both), count(all))
            }
            ("range", [from, to, rest @ ..]) if rest.len() < 2 => {
                let (from, to) = (self.operand(from)?, self.operand(to)?);
                match rest {
                    // SPL leaves the end out.
                    [step] => {
                        let step = self.operand(step)?;
                        let small = super::form::divide(step.clone(), number(2));
                        call("mvrange", [from, add(to, small), step])
                    }
                    _ => call("mvrange", [from, add(to, number(1))]),
                }
            }
            ("zip", [a, b]) => {
                let message = "the pairs are texts with a comma between the elements, and those beyond the shorter array are left out";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                let (a, b) = (self.multi(a)?, self.multi(b)?);
                call("mvzip", [a, b])
            }
            ("pack_array", items) => {
                let mut values = Vec::new();
                for item in items {
                    values.push(self.packed(item)?);
                }
                EvalExpr::Call("json_array", values)
            }
            ("bag_pack", slots) if slots.len() % 2 == 0 => {
                let mut values = Vec::new();
                for slot in slots.chunks_exact(2) {
                    if let [key, value] = slot {
                        values.push(self.text_value(key)?);
                        values.push(self.packed(value)?);
                    }
                }
                EvalExpr::Call("json_object", values)
            }
            ("pack_all" | "bag_pack_columns", columns) => {
                columns.iter().for_each(|column| self.carry(column));
                self.pack_columns(expr, name == "pack_all", columns)?
            }
            ("bag_keys", [bag]) => call("json_keys", [self.json(bag)?]),
            ("bag_set_key", [bag, key, value]) => {
                let (bag, key) = (self.json(bag)?, self.path_key(expr, key)?);
                call("json_set", [bag, key, self.packed(value)?])
            }
            ("bag_remove_keys", [bag, keys]) => {
                let Some(Value::Array(items)) = keys.as_literal() else {
                    return Err(Unsayable::not_yet(expr.span, "the removal of computed keys"));
                };
                self.ledger.carried(keys.id);
                let mut values = vec![self.json(bag)?];
                for item in items {
                    let Value::String(key) = item else {
                        return Err(Unsayable::not_yet(expr.span, "the removal of what is no key"));
                    };
                    values.push(text(key.as_str()));
                }
                self.note(
                    Code::Approximated,
                    Effect::Unsure,
                    expr.span,
                    "`json_delete` reads a dot in a key as a path",
                );
                EvalExpr::Call("json_delete", values)
            }
            ("bag_merge", bags) if bags.len() > 1 => {
                let message = "the texts of the bags are put together: a key of several of them stands in the result several times";
                self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                let mut parts = vec![text("{")];
                for (index, bag) in bags.iter().enumerate() {
                    if index > 0 {
                        parts.push(text(","));
                    }
                    parts.push(replaced(or(self.json(bag)?, text("{}")), r"^\s*\{\s*|\s*\}\s*\z", ""));
                }
                parts.push(text("}"));
                replaced(concat(parts), r"(?<=\{),+|,+(?=[,}]\z)|,+(?=\}\z)", "")
            }
            _ => return Ok(None),
        }))
    }

    /// `array_length(x)`: null where there is no array.
    fn array_length(&mut self, array: &Expr) -> Fit<EvalExpr> {
        if let Some(Value::Array(items)) = array.as_literal() {
            self.ledger.carried(array.id);
            return Ok(number(items.len()));
        }
        match self.shape(array) {
            Shape::Multi => {
                let value = self.multi(array)?;
                let count = call("mvcount", [value]);
                Ok(if self.is_null_array(array) { count } else { or(count, number(0)) })
            }
            Shape::Json => {
                let value = self.json(array)?;
                let count = call("mvcount", [call("json_array_to_mv", [value.clone()])]);
                Ok(call("case", [matches(value, r"^\s*\["), or(count, number(0))]))
            }
        }
    }

    /// A pattern that matches an element of an array and nothing else.
    pub(super) fn element(&mut self, element: &Expr) -> Fit<EvalExpr> {
        Ok(match element.as_literal() {
            Some(Value::String(text)) => {
                self.ledger.carried(element.id);
                EvalExpr::Regex(format!("^{}\\z", regex::literal(text)))
            }
            Some(Value::Long(number)) => {
                self.ledger.carried(element.id);
                EvalExpr::Regex(format!("^{number}\\z"))
            }
            Some(_) | None => {
                let value = self.present_text(element)?;
                concat([EvalExpr::Regex("^".to_owned()), escaped(value), EvalExpr::Regex("\\z".to_owned())])
            }
        })
    }

    /// The elements of a set that are in all others, or in none.
    fn set(&mut self, expr: &Expr, first: EvalExpr, others: Vec<EvalExpr>, inside: bool) -> Fit<EvalExpr> {
        let first = self.field_of(call("mvdedup", [first]), expr.span)?;
        let field = || EvalExpr::Field(first.clone());
        let pattern = || concat([EvalExpr::Regex("^".to_owned()), escaped(field()), EvalExpr::Regex("\\z".to_owned())]);
        let tests = others.into_iter().map(|other| {
            let found = call("mvfind", [other, pattern()]);
            if inside { EvalExpr::is_not_null(found) } else { EvalExpr::is_null(found) }
        });
        let kept = when(EvalExpr::all(tests), field(), EvalExpr::null());
        Ok(call("mvmap", [field(), kept]))
    }

    fn reversed(&mut self, array: EvalExpr, expr: &Expr) -> Fit<EvalExpr> {
        let places = call("mvrange", [number(1), add(call("mvcount", [array.clone()]), number(1))]);
        let places = self.field_of(places, expr.span)?;
        let from_end = EvalExpr::Negate(Box::new(EvalExpr::Field(places.clone())));
        Ok(call("mvmap", [EvalExpr::Field(places), call("mvindex", [array, from_end])]))
    }

    /// A value as a part of a JSON text.
    pub(super) fn packed(&mut self, value: &Expr) -> Fit<EvalExpr> {
        Ok(match value.ty {
            ScalarType::String | ScalarType::Guid | ScalarType::Unknown => {
                if value.as_literal().is_none() {
                    self.typed_json(value);
                }
                self.present_text(value)?
            }
            ScalarType::Datetime | ScalarType::Timespan => self.text_value(value)?,
            ScalarType::Bool => {
                let message = "a truth value is the text `true` or `false` in the JSON text";
                self.note(Code::Approximated, Effect::Unsure, value.span, message);
                self.value(value)?
            }
            ScalarType::Dynamic => {
                let inner = self.json(value)?;
                let json =
                    matches!(&inner, EvalExpr::Call(name, _) if name.starts_with("json_") || name.starts_with("mv_to"));
                if json || value.as_literal().is_some() {
                    inner
                } else {
                    let message = "whether a value is nested as JSON or as its text depends on the event";
                    self.note(Code::Approximated, Effect::Unsure, value.span, message);
                    inner
                }
            }
            ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal => self.operand(value)?,
        })
    }

    /// Texts that look like numbers may stand without quotes in a JSON text.
    fn typed_json(&mut self, value: &Expr) {
        let message = "whether a text that looks like a number is a number in Splunk's JSON text is not documented";
        self.note(Code::Approximated, Effect::Unsure, value.span, message);
    }

    /// `pack_all()`: a bag of the columns that the hunt has named.
    fn pack_columns(&mut self, expr: &Expr, all: bool, columns: &[Expr]) -> Fit<EvalExpr> {
        if all && self.scope.events {
            return Err(Unsayable::not_yet(expr.span, "`pack_all` of every column of the event")
                .help("name the columns with `project` before it"));
        }
        self.note(Code::Approximated, Effect::Unsure, expr.span, "missing values are missing in the bag as well");
        let mut values = Vec::new();
        if all {
            for (name, column) in &self.scope.made {
                values.push(text(&**name));
                values.push(match column.shape {
                    Shape::Json => column.value(),
                    Shape::Multi => call("mv_to_json_array", [column.value()]),
                });
            }
        } else {
            for column in columns {
                if let Some(reference) = column.as_column() {
                    values.push(text(&*reference.name));
                    values.push(self.packed(column)?);
                }
            }
        }
        Ok(EvalExpr::Call("json_object", values))
    }

    /// A key as a path of the JSON functions.
    fn path_key(&mut self, expr: &Expr, key: &Expr) -> Fit<EvalExpr> {
        if !key.as_str().is_some_and(is_path_key) {
            let message = "a key that holds a dot or a brace is read as a path in Splunk";
            self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        }
        self.text_value(key)
    }

    /// `extract_json("$.a.b[0]", text)`
    fn extract_json(&mut self, expr: &Expr, path: &Expr, subject: &Expr) -> Fit<EvalExpr> {
        let Some(steps) = path.as_str().and_then(json_path) else {
            return Err(Unsayable::not_yet(expr.span, "this JSON path"));
        };
        self.ledger.carried(path.id);
        let value = self.json(subject)?;
        let part = if steps.is_empty() { value } else { EvalExpr::json_extract(value, &steps) };
        Ok(match expr.ty {
            ScalarType::Int | ScalarType::Long | ScalarType::Real | ScalarType::Decimal => call("tonumber", [part]),
            ScalarType::Datetime => self.iso(part, expr.span),
            ScalarType::Bool
            | ScalarType::Dynamic
            | ScalarType::Guid
            | ScalarType::String
            | ScalarType::Timespan
            | ScalarType::Unknown => part,
        })
    }

    /// A constant array or bag.
    pub(in crate::fit::spl) fn constant(&mut self, value: &Value) -> EvalExpr {
        if let Value::Array(items) = value
            && let Some(items) = scalars(items)
            && !items.is_empty()
        {
            return EvalExpr::Call("json_array", items);
        }
        text(json_text(value))
    }

    /// The elements of an array as a multivalue.
    pub(in crate::fit::spl) fn multi(&mut self, expr: &Expr) -> Fit<EvalExpr> {
        if let Some(Value::Array(items)) = expr.as_literal()
            && let Some(items) = scalars(items)
        {
            self.ledger.carried(expr.id);
            return Ok(if items.is_empty() { EvalExpr::null() } else { EvalExpr::Call("mvappend", items) });
        }
        let value = self.value(expr)?;
        if self.shape(expr) == Shape::Multi {
            return Ok(value);
        }
        Ok(match value {
            // What has just been put together needs not be taken apart.
            EvalExpr::Call("json_array", items) if matches!(expr.kind, ExprKind::Call { .. }) => {
                EvalExpr::Call("mvappend", items)
            }
            value => call("json_array_to_mv", [value]),
        })
    }
}

/// Constant texts and numbers; `None` where there is something else.
fn scalars(items: &[Value]) -> Option<Vec<EvalExpr>> {
    items
        .iter()
        .map(|item| match item {
            Value::String(item) => (!item.is_empty()).then(|| text(item.as_str())),
            Value::Long(item) => Some(number(item)),
            Value::Null(_)
            | Value::Bool(_)
            | Value::Real(_)
            | Value::Decimal(_)
            | Value::Datetime(_)
            | Value::Timespan(_)
            | Value::Guid(_)
            | Value::Array(_)
            | Value::Bag(_) => None,
        })
        .collect()
}

/// A JSON path of KQL, `$.a.b[0]` or `$['a']`, as a path of `json_extract`.
fn json_path(path: &str) -> Option<String> {
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    let mut out = String::new();
    while !rest.is_empty() {
        let key;
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            (key, rest) = after.split_at_checked(end)?;
        } else {
            let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
            rest = after;
            if let Ok(index) = inside.parse::<u32>() {
                out.push_str(&format!("{{{index}}}"));
                continue;
            }
            let quote = inside.chars().next().filter(|char| matches!(char, '\'' | '"'))?;
            key = inside.strip_prefix(quote)?.strip_suffix(quote)?;
        }
        if !is_path_key(key) {
            return None;
        }
        if !out.is_empty() {
            out.push('.');
        }
        out.push_str(key);
    }
    Some(out)
}
