//! Values of type `dynamic`: JSON text and its parts, and multivalue fields.
//!
//! Splunk has no type of its own for them. A bag or an array of the event is its JSON text, of which `json_extract` gives a
//! part: a scalar bare, an object or array as its JSON text, which is what KQL's `tostring` gives. What a query makes of
//! several values (`split`, `make_set`) is a multivalue field.
//! See <https://learn.microsoft.com/kusto/query/scalar-data-types/dynamic> and
//! <https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/evaluation-functions/json-functions>.

use super::form::{call, number, when};
use super::scope::{Column, Shape};
use super::tree::{EvalExpr, Name};
use super::{Fit, Fitter, Unsayable, regex};
use crate::diagnostic::{Code, Effect};
use crate::fit::regex::Dialect;
use crate::plan::{
    Aggregate, AggregateBinding, AggregateValue, ArgColumns, Binding, Expr, ExprKind, NodeRef, PathStep, ScalarType,
    Stage, StageKind, Tree as _, Value,
};

impl<'a> Fitter<'a, '_> {
    /// How a value is held.
    pub(super) fn shape(&self, expr: &Expr) -> Shape {
        if let Some((_, shape)) = self.hoisted.get(&expr.id) {
            return *shape;
        }
        match &expr.kind {
            ExprKind::Column(column) => self.scope.made.get(&column.name).map_or(Shape::Json, |made| made.shape),
            ExprKind::Call { .. } => match self.function_name(expr) {
                Some(name) => self.call_shape(name, expr),
                None => Shape::Json,
            },
            ExprKind::Path { .. }
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

    /// A value as JSON text, which is also what `tostring` gives of it.
    pub(super) fn json(&mut self, expr: &Expr) -> Fit<EvalExpr> {
        let value = self.value(expr)?;
        Ok(match self.shape(expr) {
            Shape::Json => value,
            Shape::Multi => match self.elements(expr) {
                ScalarType::Int | ScalarType::Long => {
                    EvalExpr::Call("mv_to_json_array", vec![value, EvalExpr::bool(true)])
                }
                ScalarType::String | ScalarType::Dynamic | ScalarType::Guid | ScalarType::Unknown => {
                    EvalExpr::Call("mv_to_json_array", vec![value])
                }
                ScalarType::Real
                | ScalarType::Decimal
                | ScalarType::Bool
                | ScalarType::Datetime
                | ScalarType::Timespan => {
                    let message = "times, truth values and fractions have another text in a list of Splunk";
                    self.note(Code::Approximated, Effect::Unsure, expr.span, message);
                    EvalExpr::Call("mv_to_json_array", vec![value])
                }
            },
        })
    }

    /// The type of the elements of a list, where an aggregate has made it.
    fn elements(&self, expr: &Expr) -> ScalarType {
        let column = expr.as_column().and_then(|column| self.scope.made.get(&column.name));
        column.map_or(ScalarType::Unknown, |column| column.elements)
    }

    /// How the value of a function is held.
    fn call_shape(&self, name: &str, expr: &Expr) -> Shape {
        let ExprKind::Call { args, .. } = &expr.kind else { return Shape::Json };
        let all_multi = |args: &mut dyn Iterator<Item = &Expr>| {
            let mut several = args.filter(|arg| !matches!(arg.as_literal(), Some(Value::Null(_)))).peekable();
            several.peek().is_some() && several.all(|arg| self.shape(arg) == Shape::Multi)
        };
        let multi = match name {
            "extract_all" => {
                let pattern =
                    args.first().and_then(Expr::as_str).and_then(|text| regex::lenient(text, Dialect::Pcre).ok());
                args.len() == 2 && pattern.is_some_and(|pcre| pcre.groups == 1)
            }
            "split" | "array_slice" | "array_sort_asc" | "array_sort_desc" | "array_reverse" | "set_union"
            | "set_difference" | "set_intersect" | "range" | "zip" | "parse_csv" | "parse_command_line" => true,
            "iff" => all_multi(&mut args.iter().skip(1)),
            "case" => {
                let last = args.len().saturating_sub(1);
                let values = args.iter().enumerate().filter(|(index, _)| index % 2 == 1 || *index == last);
                all_multi(&mut values.map(|(_, arg)| arg))
            }
            "coalesce" | "array_concat" => all_multi(&mut args.iter()),
            _ => false,
        };
        if multi { Shape::Multi } else { Shape::Json }
    }

    /// A part of a dynamic value: `a.b[0]`.
    pub(super) fn part(&mut self, expr: &Expr, base: &Expr, steps: &[PathStep]) -> Fit<EvalExpr> {
        if let Some(column) = self.part_column(expr)? {
            return Ok(column.value());
        }
        if self.is_xml(base) {
            return self.xml_part(base, steps);
        }
        let mut steps = steps;
        let (mut value, mut shape) = match (self.record_part(base, steps)?, self.parsed(base)) {
            (Some((part, rest)), _) => {
                steps = rest;
                (part, Shape::Json)
            }
            (None, Some(text)) => {
                self.ledger.carried(base.id);
                (self.json(text)?, Shape::Json)
            }
            (None, None) => match self.parts_of(base)? {
                Some(parts) => (parts, Shape::Multi),
                None => (self.value(base)?, self.shape(base)),
            },
        };
        // The path that is still to be followed in `value`.
        let mut path = String::new();
        let follow = |value: EvalExpr, path: &mut String| match std::mem::take(path) {
            path if path.is_empty() => value,
            path => EvalExpr::json_extract(value, &path),
        };
        for step in steps {
            match step {
                PathStep::Index(index) if *index >= 0 && shape == Shape::Json => path.push_str(&format!("{{{index}}}")),
                PathStep::Key(key) if is_path_key(key) && shape == Shape::Json => push_key(&mut path, key),
                PathStep::Key(key) => {
                    // A key with a dot or a brace in it is no path.
                    value = follow(value, &mut path);
                    value = call("json_extract_exact", [value, EvalExpr::Text(key.clone())]);
                    shape = Shape::Json;
                }
                PathStep::Index(index) => {
                    value = element(follow(value, &mut path), shape, number(index));
                    shape = Shape::Json;
                }
                PathStep::Computed(key) => {
                    value = follow(value, &mut path);
                    let by = self.value(key)?;
                    if key.ty.is_numeric() {
                        value = element(value, shape, by);
                    } else {
                        let message = "a computed key that holds a dot or a brace is read as a path in Splunk";
                        self.note(Code::Approximated, Effect::Unsure, key.span, message);
                        value = call("json_extract", [value, by]);
                    }
                    shape = Shape::Json;
                }
            }
        }
        Ok(follow(value, &mut path))
    }

    /// Whether a multivalue that is missing is null, not an array without elements: `split` gives one element at least,
    /// `extract_all` no array where nothing matches.
    pub(super) fn is_null_array(&self, expr: &Expr) -> bool {
        match expr.as_column() {
            Some(column) => self.scope.made.get(&column.name).is_some_and(|made| made.null_array),
            None => matches!(self.function_name(expr), Some("split" | "extract_all")),
        }
    }

    /// Whether a value is XML, or what was found in it.
    pub(super) fn is_xml(&self, expr: &Expr) -> bool {
        if let ExprKind::Path { base, .. } = &expr.kind {
            return self.is_xml(base);
        }
        match expr.as_column() {
            Some(column) => self.scope.made.get(&column.name).is_some_and(|made| made.xml),
            None => self.function_name(expr) == Some("parse_xml"),
        }
    }

    /// A part of XML: `a.b[0]["#text"]`, `a["@name"]`.
    fn xml_part(&mut self, base: &Expr, steps: &[PathStep]) -> Fit<EvalExpr> {
        let mut value = self.value(base)?;
        let mut path = String::new();
        let found = |value: EvalExpr, path: &mut String| match std::mem::take(path) {
            path if path.is_empty() => value,
            path => call("spath", [value, EvalExpr::Text(path)]),
        };
        let mut steps = steps.iter().peekable();
        while let Some(step) = steps.next() {
            let index = match step {
                // The text of an element is what `spath` gives of it.
                PathStep::Key(key) if key == "#text" => continue,
                PathStep::Key(key) => {
                    match key.strip_prefix('@') {
                        Some(_) if path.is_empty() => {
                            return Err(Unsayable::not_yet(
                                base.span,
                                "an attribute of an element that was looked up before",
                            ));
                        }
                        Some(name) => path.push_str(&format!("{{@{name}}}")),
                        None => push_key(&mut path, key),
                    }
                    continue;
                }
                PathStep::Index(index) => number(index),
                PathStep::Computed(index) => self.value(index)?,
            };
            // The attribute of an element: those of all are looked up, and one is taken.
            if let Some(PathStep::Key(key)) = steps.peek()
                && let Some(name) = key.strip_prefix('@')
                && !path.is_empty()
            {
                path.push_str(&format!("{{@{name}}}"));
                steps.next();
            }
            value = call("mvindex", [found(value, &mut path), index]);
        }
        Ok(found(value, &mut path))
    }

    /// The part of a dynamic column that lies in the event, so that the base search can look at it. `None` where it is no
    /// such part.
    pub(super) fn part_column(&mut self, expr: &Expr) -> Fit<Option<Column<'a>>> {
        let ExprKind::Path { base, steps } = &expr.kind else { return Ok(None) };
        let held = self.parsed(base).unwrap_or(base);
        let ExprKind::Column(reference) = &held.kind else { return Ok(None) };
        let made = self.scope.made.get(&reference.name);
        if !self.scope.events && made.is_none() || made.is_some_and(|made| !made.raw) {
            return Ok(None);
        }
        let Some(path) = plain_path(steps) else { return Ok(None) };
        let keys: Option<Vec<&str>> = steps
            .iter()
            .map(|step| match step {
                PathStep::Key(key) => Some(key.as_str()),
                PathStep::Index(_) | PathStep::Computed(_) => None,
            })
            .collect();
        let column = match self.fields.key_prefix(self.tables.first(), &reference.name) {
            Some(prefix) => {
                // The site has each key as a field of its own.
                let Some(keys) = &keys else { return Ok(None) };
                let field = self.new_field(&format!("{prefix}{}", keys.join(".")), expr.span)?;
                let null_text = self.null_text.clone();
                Column { raw: true, seconds: false, null_text, ..Column::computed(field, ScalarType::Dynamic) }
            }
            None => {
                let whole = self.column(reference, held.ty, held.span)?;
                let mut parts = whole.parts.clone();
                let mut scalar = None;
                match parts.last_mut() {
                    Some(last) if whole.nested => {
                        if !path.starts_with('{') {
                            last.push('.');
                        }
                        last.push_str(&path);
                        scalar = keys.and(Name::new(last.as_str()));
                    }
                    Some(_) | None => parts.push(path),
                }
                let ty = ScalarType::Dynamic;
                Column { parts, scalar, raw: true, seconds: false, ..Column { null_text: None, known: None, ..whole } }
                    .typed(ty)
            }
        };
        self.ledger.carried(expr.id);
        self.ledger.carried(base.id);
        self.ledger.carried(held.id);
        Ok(Some(column))
    }

    /// The text that `parse_json` takes apart; its parts are looked up in it as they are in a dynamic value.
    fn parsed<'e>(&self, expr: &'e Expr) -> Option<&'e Expr> {
        let ExprKind::Call { args, .. } = &expr.kind else { return None };
        args.first().filter(|_| self.function_name(expr) == Some("parse_json"))
    }

    /// `parse_json(text)` as a whole: the text of an object, an array or a number is itself, and so is a text that is no JSON;
    /// a text in quotes is what stands between them, and `null` is none.
    /// See <https://learn.microsoft.com/kusto/query/parse-json-function>.
    pub(super) fn parse_json(&mut self, text: &Expr) -> Fit<EvalExpr> {
        let value = self.json(text)?;
        let quoted = EvalExpr::Regex(r#"^"(?:[^"\\]|\\.)*"\z"#.to_owned());
        let bracket = |text: &str| EvalExpr::Text(text.to_owned());
        let array = EvalExpr::Concat(vec![bracket("["), value.clone(), bracket("]")]);
        let is_quoted = call("match", [value.clone(), quoted]);
        let other = call("nullif", [value, EvalExpr::Text("null".to_owned())]);
        Ok(when(is_quoted, EvalExpr::json_extract(array, "{0}"), other))
    }

    /// The value of a new column. A JSON text of which only parts are used later need not be taken apart as a whole.
    pub(super) fn new_value(&mut self, binding: &Binding, rest: &[Stage]) -> Fit<EvalExpr> {
        match self.parsed(&binding.value) {
            Some(text) if only_parts_are_used(&binding.name, rest) => {
                self.ledger.carried(binding.value.id);
                self.json(text)
            }
            Some(_) | None => self.value(&binding.value),
        }
    }

    /// The name of a function that is called.
    pub(super) fn function_name(&self, expr: &Expr) -> Option<&'a str> {
        let ExprKind::Call { function, .. } = &expr.kind else { return None };
        self.frame.vocabulary.function_row(*function).map(|row| row.name.as_str())
    }
}

/// An element of an array; an index below zero counts from the end.
fn element(value: EvalExpr, shape: Shape, index: EvalExpr) -> EvalExpr {
    let values = match shape {
        Shape::Json => call("json_array_to_mv", [value]),
        Shape::Multi => value,
    };
    call("mvindex", [values, index])
}

/// Whether a column is only looked into (`x.a`), and never used or given out as a whole.
fn only_parts_are_used(name: &str, rest: &[Stage]) -> bool {
    for stage in rest {
        let (mut uses, mut parts) = (0usize, 0usize);
        stage.visit(&mut |node| {
            let NodeRef::Expr(expr) = node else { return };
            let is_it = |expr: &Expr| expr.as_column().is_some_and(|column| *column.name == *name);
            uses += usize::from(is_it(expr));
            if let ExprKind::Path { base, .. } = &expr.kind {
                parts += usize::from(is_it(base));
            }
        });
        if uses != parts {
            return false;
        }
        match &stage.kind {
            StageKind::Project(_) | StageKind::Count => return true,
            StageKind::Summarize { aggregates, .. } => return !aggregates.iter().any(takes_whole_rows),
            StageKind::Distinct(columns) => return !columns.is_empty(),
            StageKind::Where(_)
            | StageKind::Extend(_)
            | StageKind::Sort(_)
            | StageKind::Take(_)
            | StageKind::Sample(_)
            | StageKind::Top { .. }
            | StageKind::Serialize(_)
            | StageKind::Render { .. }
            | StageKind::Parse { .. }
            | StageKind::ParseKv { .. }
            | StageKind::MvExpand { .. }
            | StageKind::ProjectAway(_) => {}
            StageKind::ProjectKeep(_)
            | StageKind::ProjectRename(_)
            | StageKind::ProjectReorder(_)
            | StageKind::SampleDistinct { .. }
            | StageKind::Join(_)
            | StageKind::Lookup(_)
            | StageKind::MvApply { .. }
            | StageKind::MakeSeries(_)
            | StageKind::Evaluate { .. }
            | StageKind::Invoke { .. }
            | StageKind::Untranslated(_) => return false,
        }
    }
    false
}

/// Whether an aggregate gives out every column of a row.
fn takes_whole_rows(binding: &AggregateBinding) -> bool {
    let whole = |aggregate: &Aggregate| matches!(aggregate.columns, ArgColumns::All);
    match &binding.value {
        AggregateValue::One(aggregate) => whole(aggregate),
        AggregateValue::Computed { of, .. } => of.iter().any(whole),
    }
}

/// A path of `json_extract`: `a.b{0}.c`. Indexes from the end and keys with a dot or a brace are not known there.
fn plain_path(steps: &[PathStep]) -> Option<String> {
    let mut path = String::new();
    for step in steps {
        match step {
            PathStep::Key(key) if is_path_key(key) => push_key(&mut path, key),
            PathStep::Index(index) if *index >= 0 => path.push_str(&format!("{{{index}}}")),
            PathStep::Key(_) | PathStep::Index(_) | PathStep::Computed(_) => return None,
        }
    }
    Some(path)
}

fn push_key(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

/// Whether a key is itself in a path.
pub(super) fn is_path_key(key: &str) -> bool {
    !key.is_empty() && !key.contains(['.', '{', '}', '"', '\\', '`']) && !key.chars().any(char::is_control)
}

/// Whether a text is found in the JSON text of a value exactly where it is found in a text of the value: none of its
/// characters is written otherwise in JSON, or is a part of JSON's own.
pub(super) fn is_inside_json(text: &str) -> bool {
    text.chars().all(|c| (' '..='~').contains(&c) && !matches!(c, '"' | '\\' | '/' | '{' | '}' | '[' | ']' | ','))
        && text.trim() == text
}
