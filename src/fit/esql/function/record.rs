//! Functions that give a bag of known parts: of an address on the web, a path, a place on earth; and columns that stand
//! for a bag whose keys are columns of their own.
//!
//! See <https://www.elastic.co/docs/reference/query-languages/esql/commands/ip-location>.

use super::strings::extracted;
use crate::diagnostic::{Code, Effect};
use crate::fit::bags::{PATH_PARTS, URL, URL_PARTS, URL_QUERY};
use crate::fit::esql::scope::{Column, Form, Keys};
use crate::fit::esql::tree::{Command, Expr, Name};
use crate::fit::esql::{Fit, Fitter, Unsayable};
use crate::plan::{Binding, Expr as Meant, ExprKind, PathStep, ScalarType};
use crate::target::Construct;

/// The properties of `IP_LOCATION` by the parts of KQL's bag; a point has two numbers.
const PLACE: [(&str, &str); 5] = [
    ("country", "country_name"),
    ("state", "region_name"),
    ("city", "city_name"),
    ("latitude", "location"),
    ("longitude", "location"),
];

impl<'a> Fitter<'a, '_> {
    /// A column that stands for a bag, whose keys are columns of their own; `None` where the value is none of such, or
    /// nobody takes a part of it.
    pub(in crate::fit::esql) fn bag_of_columns(&mut self, binding: &Binding) -> Fit<Option<Column<'a>>> {
        let (mut inner, mut passed, mut indexed) = (&binding.value, Vec::new(), false);
        while let Some(next) = self.taken_apart(inner) {
            passed.push(inner.id);
            inner = next;
        }
        if self.is_place(inner) {
            passed.into_iter().for_each(|node| self.ledger.carried(node));
            self.ledger.carried(inner.id);
            if let ExprKind::Call { args, .. } = &inner.kind
                && let [address] = args.as_slice()
            {
                let prefix = self.new_name(&binding.name, binding.span)?;
                self.locate(inner, address, prefix.clone(), Vec::new())?;
                let column = Column::computed(prefix, ScalarType::Dynamic);
                return Ok(Some(Column { keys: Some(Keys::Place), ..column }));
            }
            return Ok(inner.as_column().and_then(|it| self.scope.made.get(&it.name)).cloned());
        }
        if !self.taken_apart.contains(&binding.name) || !self.is_event_part(inner) {
            return Ok(None);
        }
        if let Some(reference) = inner.as_column().filter(|_| self.is_flattened(inner)) {
            passed.into_iter().for_each(|node| self.ledger.carried(node));
            self.ledger.carried(inner.id);
            let field = self.flattened(reference, inner)?;
            let message = format!(
                "there is no column `{}`: its keys are taken out of the flattened field `{}`",
                binding.name,
                field.text()
            );
            self.note(Code::ColumnsDropped, Effect::Reshaped, binding.span, message);
            let column = Column::computed(field, ScalarType::Dynamic);
            return Ok(Some(Column { keys: Some(Keys::Flattened), ..column }));
        }
        let mut base = inner;
        let mut keys: Vec<&str> = Vec::new();
        loop {
            base = match (&base.kind, self.taken_apart(base)) {
                (ExprKind::Path { base: next, steps }, _) => {
                    let mut own = Vec::new();
                    for step in steps {
                        match step {
                            PathStep::Key(key) => own.push(key.as_str()),
                            PathStep::Index(_) => indexed = true,
                            PathStep::Computed(_) => return Ok(None),
                        }
                    }
                    own.append(&mut keys);
                    keys = own;
                    passed.push(base.id);
                    next
                }
                (_, Some(next)) => {
                    passed.push(base.id);
                    next
                }
                (_, None) => break,
            };
        }
        let Some(reference) = base.as_column() else { return Ok(None) };
        let Some(prefix) = self.key_prefix(reference, base)? else { return Ok(None) };
        passed.into_iter().for_each(|node| self.ledger.carried(node));
        self.ledger.carried(base.id);
        let name = keys.into_iter().fold(prefix, |name, key| name + "." + key);
        let shown = name.replace('\n', " ");
        if indexed {
            let message = format!(
                "field `{shown}` holds the values of all elements of an array, not those of the one that is asked for"
            );
            self.note(Code::FieldCaveat, Effect::Unsure, binding.span, message);
        }
        if name != binding.name.as_ref() {
            let message =
                format!("there is no column `{}`: its keys are looked up as the fields `{shown}.*`", binding.name);
            self.note(Code::ColumnsDropped, Effect::Reshaped, binding.span, message.replace('\n', " "));
        }
        let field =
            Name::new(name.clone()).ok_or_else(|| crate::fit::esql::columns::unwritable(&name, binding.span))?;
        let form = if inner.as_column().is_some() { Form::Keyword } else { Form::Untold };
        let column = Column::computed(field, ScalarType::Dynamic);
        Ok(Some(Column { form, keys: Some(Keys::Event), ..column }))
    }

    /// A part of a bag of known parts, and the steps that are still to be followed in it.
    pub(super) fn record_part<'s, 'p>(
        &mut self,
        base: &Meant,
        steps: &'s [&'p PathStep],
    ) -> Fit<Option<(Expr, &'s [&'p PathStep])>> {
        let [PathStep::Key(key), rest @ ..] = steps else { return Ok(None) };
        if self.is_place(base) {
            return Ok(Some((self.place(base, key)?, rest)));
        }
        let ExprKind::Call { args, .. } = &base.kind else { return Ok(None) };
        Ok(match (self.function_name(base), args.as_slice()) {
            (Some("parse_url"), [address]) => {
                let message = "what `parse_url` makes of an address that is not complete is not documented";
                self.note(Code::Approximated, Effect::Unsure, base.span, message);
                self.ledger.carried(base.id);
                let value = self.text_value(address)?;
                if let ("Query Parameters", [PathStep::Key(name), rest @ ..]) = (key.as_str(), rest) {
                    return Ok(Some((parameter(extracted(value, URL, URL_QUERY), name), rest)));
                }
                let group = URL_PARTS.into_iter().find(|(part, _)| part == key).map(|(_, group)| group);
                Some((group.map_or(Expr::Null, |group| extracted(value, URL, group)), rest))
            }
            (Some("parse_urlquery"), [query]) => {
                let [PathStep::Key(name), rest @ ..] = rest else { return Ok(None) };
                let message = "names and values of the query stay encoded";
                self.note(Code::Approximated, Effect::Unsure, base.span, message);
                self.ledger.carried(base.id);
                let value = self.text_value(query)?;
                Some((parameter(value, name), rest))
            }
            (Some("parse_path"), [path]) => {
                let message = "how `parse_path` reads a path without a folder or a name is not documented";
                self.note(Code::Approximated, Effect::Unsure, base.span, message);
                self.ledger.carried(base.id);
                let value = self.text_value(path)?;
                let pattern = PATH_PARTS.into_iter().find(|(part, _)| part == key).map(|(_, pattern)| pattern);
                Some((pattern.map_or(Expr::Null, |pattern| extracted(value, pattern, 1)), rest))
            }
            _ => None,
        })
    }

    /// A bag of known parts as a whole: a JSON text.
    pub(super) fn record_call(&mut self, expr: &Meant, name: &str, args: &[Meant]) -> Fit<Option<Expr>> {
        let [value] = args else { return Ok(None) };
        let parts: Vec<(&str, Expr)> = match name {
            "parse_url" => {
                let value = self.filled(value)?;
                URL_PARTS.into_iter().map(|(part, group)| (part, extracted(value.clone(), URL, group))).collect()
            }
            "parse_path" => {
                let value = self.filled(value)?;
                PATH_PARTS.into_iter().map(|(part, pattern)| (part, extracted(value.clone(), pattern, 1))).collect()
            }
            "geo_info_from_ip_address" => {
                let message = "the bag of a place has no form as a whole";
                return Err(Unsayable::new(Code::RefusedFunction, expr.span, message)
                    .help("take a part of it, such as `.country`"));
            }
            _ => return Ok(None),
        };
        let message =
            "a quote within a part is not escaped in the JSON text, and the parameters of a query are left out";
        self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        let mut pieces = vec![Expr::text("{")];
        for (index, (part, value)) in parts.into_iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            pieces.push(Expr::Text(format!("{comma}\"{part}\":\"")));
            pieces.push(value);
            pieces.push(Expr::text("\""));
        }
        pieces.push(Expr::text("}"));
        Ok(Some(super::dynamic::concat(pieces)))
    }

    /// Whether a value is the bag of a place.
    pub(super) fn is_place(&self, expr: &Meant) -> bool {
        let made = expr.as_column().and_then(|it| self.scope.made.get(&it.name));
        made.is_some_and(|column| column.keys == Some(Keys::Place))
            || matches!(expr.kind, ExprKind::Call { .. })
                && self.function_name(expr) == Some("geo_info_from_ip_address")
    }

    /// A part of a place.
    fn place(&mut self, base: &Meant, key: &str) -> Fit<Expr> {
        self.ledger.carried(base.id);
        let Some((_, property)) = PLACE.into_iter().find(|(part, _)| *part == key) else { return Ok(Expr::Null) };
        let of = |prefix: &Name| Name::new(format!("{}.{property}", prefix.text()));
        let made = base.as_column().and_then(|it| self.scope.made.get(&it.name)).map(|column| column.field.clone());
        let column = match (made, &base.kind) {
            (Some(prefix), _) => of(&prefix),
            (None, ExprKind::Call { args, .. }) => {
                let Some(address) = args.first() else { return Ok(Expr::Null) };
                let helper = self.helper();
                let name = of(&helper);
                let known = self.locate(base, address, helper, vec![property])?;
                known.or(name)
            }
            (None, _) => None,
        };
        let Some(column) = column else { return Ok(Expr::Null) };
        let value = Expr::Field(column);
        Ok(match key {
            "latitude" => Expr::call("ST_Y", [value]),
            "longitude" => Expr::call("ST_X", [value]),
            _ => value,
        })
    }

    /// Looks up where an address is, in front of the stage; the column that holds it already, if there is one.
    fn locate(
        &mut self,
        expr: &Meant,
        address: &Meant,
        prefix: Name,
        properties: Vec<&'static str>,
    ) -> Fit<Option<Name>> {
        self.needs(Construct::IpLocation, expr.span)?;
        let value = self.text_value(address)?;
        if let [property] = properties.as_slice() {
            let known = self.precomputed.iter().find_map(|(name, known)| match known {
                Expr::Call(function, args) if function == property && args.first() == Some(&value) => {
                    Some(name.clone())
                }
                _ => None,
            });
            if known.is_some() {
                return Ok(known);
            }
            if let Some(name) = Name::new(format!("{}.{property}", prefix.text())) {
                self.scratch.push(name.clone());
                self.precomputed.push((name, Expr::call(property, [value.clone()])));
            }
        }
        let message = "where an address is comes from the database that Elasticsearch has, not from Microsoft's";
        self.note(Code::Approximated, Effect::Unsure, expr.span, message);
        self.commands.push(Command::IpLocation { prefix, value, properties });
        Ok(None)
    }
}

/// The value of a parameter of a query.
fn parameter(query: Expr, name: &str) -> Expr {
    let name = crate::fit::regex::literal(name);
    extracted(query, &format!("(?:^|&){name}=([^&]*)"), 1)
}
