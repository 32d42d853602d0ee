//! Tabular operators as KQL.

use super::{Printer, binding};
use crate::syntax::ast::*;

impl Printer {
    pub(super) fn operator(&mut self, operator: &Operator) {
        match &operator.kind {
            OperatorKind::As { name, parameters } => {
                self.keyword("as", parameters);
                self.name(name);
            }
            OperatorKind::Consume { parameters } => self.keyword("consume", parameters),
            OperatorKind::Count => self.push("count"),
            OperatorKind::Datatable { columns, values } => {
                self.push("datatable ");
                self.row_schema(columns);
                self.bracketed_list(values);
            }
            OperatorKind::Distinct { parameters, items } => {
                self.keyword("distinct", parameters);
                self.named_list(items);
            }
            OperatorKind::Evaluate { parameters, call, schema } => {
                self.keyword("evaluate", parameters);
                self.expr(call, binding::ANY);
                if !schema.is_empty() {
                    self.push(" : ");
                    self.row_schema(schema);
                }
            }
            OperatorKind::Extend(items) => {
                self.push("extend ");
                self.named_list(items);
            }
            OperatorKind::ExternalData { columns, addresses, properties } => {
                self.push("externaldata ");
                self.row_schema(columns);
                self.bracketed_list(addresses);
                self.properties(properties);
            }
            OperatorKind::Find(find) => self.find(find),
            OperatorKind::Invoke(call) => {
                self.push("invoke ");
                self.expr(call, binding::ANY);
            }
            OperatorKind::Join { parameters, right, on } => self.join("join", parameters, right, on),
            OperatorKind::Lookup { parameters, right, on } => self.join("lookup", parameters, right, on),
            OperatorKind::MakeSeries(series) => self.make_series(series),
            OperatorKind::MvApply { parameters, items, limit, body } => {
                self.keyword("mv-apply", parameters);
                self.mv_items(items, limit.as_ref());
                self.push(" on (");
                self.depth += 1;
                self.line();
                self.pipeline(body);
                self.depth -= 1;
                self.line();
                self.push(")");
            }
            OperatorKind::MvExpand { parameters, items, limit } => {
                self.keyword("mv-expand", parameters);
                self.mv_items(items, limit.as_ref());
            }
            OperatorKind::Parse { filter, parameters, subject, pattern } => {
                self.keyword(if *filter { "parse-where" } else { "parse" }, parameters);
                self.expr(subject, binding::ANY);
                self.push(" with");
                self.parse_pattern(pattern);
            }
            OperatorKind::ParseKv { subject, columns, parameters } => {
                self.push("parse-kv ");
                self.expr(subject, binding::ANY);
                self.push(" as ");
                self.row_schema(columns);
                self.properties(parameters);
            }
            OperatorKind::Print(items) => {
                self.push("print ");
                self.named_list(items);
            }
            OperatorKind::Project(items) if items.is_empty() => self.push("project"),
            OperatorKind::Project(items) => {
                self.push("project ");
                self.named_list(items);
            }
            OperatorKind::ProjectAway(names) => {
                self.push("project-away ");
                self.list(names, Self::pattern);
            }
            OperatorKind::ProjectKeep(names) => {
                self.push("project-keep ");
                self.list(names, Self::pattern);
            }
            OperatorKind::ProjectRename(items) => {
                self.push("project-rename ");
                self.named_list(items);
            }
            OperatorKind::ProjectReorder(items) => {
                self.push("project-reorder ");
                self.list(items, |printer, item| {
                    printer.pattern(&item.name);
                    if let Some(order) = &item.order {
                        printer.push(" ");
                        printer.push(order);
                    }
                });
            }
            OperatorKind::Range { name, from, to, step } => {
                self.push("range ");
                self.name(name);
                self.clause(" from ", Some(from));
                self.clause(" to ", Some(to));
                self.clause(" step ", step.as_ref());
            }
            OperatorKind::Render { chart, parameters } => {
                self.push("render ");
                self.push(&chart.text);
                self.properties(parameters);
            }
            OperatorKind::Sample(count) => self.clause("sample ", Some(count)),
            OperatorKind::SampleDistinct { count, of } => {
                self.clause("sample-distinct ", Some(count));
                self.clause(" of ", Some(of));
            }
            OperatorKind::Search { parameters, tables, predicate } => {
                self.keyword("search", parameters);
                self.in_tables(tables);
                self.expr(predicate, binding::ANY);
            }
            OperatorKind::Serialize(items) if items.is_empty() => self.push("serialize"),
            OperatorKind::Serialize(items) => {
                self.push("serialize ");
                self.named_list(items);
            }
            OperatorKind::Sort { parameters, keys } => {
                self.keyword("sort", parameters);
                self.push("by ");
                self.list(keys, Self::sort_key);
            }
            OperatorKind::Summarize { parameters, aggregates, by } => {
                self.keyword("summarize", parameters);
                self.named_list(aggregates);
                self.by(by, !aggregates.is_empty());
            }
            OperatorKind::Take(count) => self.clause("take ", Some(count)),
            OperatorKind::Top { parameters, count, by } => {
                self.keyword("top", parameters);
                self.expr(count, binding::ANY);
                self.push(" by ");
                self.list(by, Self::sort_key);
            }
            OperatorKind::Union { parameters, tables } => {
                self.keyword("union", parameters);
                self.tables(tables);
            }
            OperatorKind::Where { parameters, predicate } => {
                self.keyword("where", parameters);
                self.expr(predicate, binding::ANY);
            }
            OperatorKind::Raw { operator, body } => {
                self.push(operator.spelling());
                if !body.is_empty() {
                    self.push(" ");
                    self.push(body);
                }
            }
        }
    }

    /// The operator's name and its parameters, with a blank behind each.
    fn keyword(&mut self, name: &str, parameters: &[OperatorParameter]) {
        self.push(name);
        self.push(" ");
        for parameter in parameters {
            self.property(parameter);
            self.push(" ");
        }
    }

    fn property(&mut self, property: &OperatorParameter) {
        self.push(&property.name.text);
        self.push("=");
        self.expr(&property.value, binding::ANY);
    }

    fn properties(&mut self, properties: &[OperatorParameter]) {
        if !properties.is_empty() {
            self.push(" with (");
            self.list(properties, Self::property);
            self.push(")");
        }
    }

    fn named_list(&mut self, items: &[NamedExpr]) {
        self.list(items, Self::named);
    }

    fn named(&mut self, item: &NamedExpr) {
        match item.names.as_slice() {
            [] => {}
            [name] => {
                self.name(name);
                self.push(" = ");
            }
            names => {
                self.push("(");
                self.list(names, Self::name);
                self.push(") = ");
            }
        }
        self.expr(&item.value, binding::ANY);
    }

    fn by(&mut self, by: &[NamedExpr], blank: bool) {
        if !by.is_empty() {
            self.push(if blank { " by " } else { "by " });
            self.named_list(by);
        }
    }

    fn clause(&mut self, word: &str, value: Option<&Expr>) {
        if let Some(value) = value {
            self.push(word);
            self.expr(value, binding::ANY);
        }
    }

    fn bracketed_list(&mut self, values: &[Expr]) {
        self.push(" [");
        self.list(values, |printer, value| printer.expr(value, binding::ANY));
        self.push("]");
    }

    fn in_tables(&mut self, tables: &[Expr]) {
        if !tables.is_empty() {
            self.push("in (");
            self.tables(tables);
            self.push(") ");
        }
    }

    fn join(&mut self, name: &str, parameters: &[OperatorParameter], right: &Expr, on: &[Expr]) {
        self.keyword(name, parameters);
        self.expr(right, binding::ANY);
        if !on.is_empty() {
            self.push(" on ");
            self.list(on, |printer, key| printer.expr(key, binding::ANY));
        }
    }

    fn mv_items(&mut self, items: &[MvItem], limit: Option<&Expr>) {
        self.list(items, |printer, item| {
            printer.named(&item.value);
            if let Some(ty) = item.ty {
                printer.push(" to typeof(");
                printer.push(ty.name());
                printer.push(")");
            }
        });
        self.clause(" limit ", limit);
    }

    fn parse_pattern(&mut self, pattern: &[ParsePart]) {
        for part in pattern {
            self.push(" ");
            match part {
                ParsePart::Star(_) => self.push("*"),
                ParsePart::Text { text, .. } => self.text(text),
                ParsePart::Column { name, ty } => {
                    self.name(name);
                    if let Some(ty) = ty {
                        self.push(":");
                        self.push(ty.name());
                    }
                }
            }
        }
    }

    fn sort_key(&mut self, key: &SortKey) {
        self.named(&key.value);
        match key.descending {
            Some(true) => self.push(" desc"),
            Some(false) => self.push(" asc"),
            None => {}
        }
        match key.nulls_first {
            Some(true) => self.push(" nulls first"),
            Some(false) => self.push(" nulls last"),
            None => {}
        }
    }

    fn make_series(&mut self, series: &MakeSeries) {
        self.keyword("make-series", &series.parameters);
        self.list(&series.aggregates, |printer, aggregate| {
            printer.named(&aggregate.value);
            printer.clause(" default=", aggregate.default.as_ref());
        });
        self.push(" on ");
        self.named(&series.on);
        self.clause(" from ", series.from.as_ref());
        self.clause(" to ", series.to.as_ref());
        self.clause(" step ", series.step.as_ref());
        self.by(&series.by, true);
    }

    fn find(&mut self, find: &Find) {
        self.keyword("find", &find.parameters);
        self.in_tables(&find.tables);
        self.clause("where ", Some(&find.predicate));
        if let Some(columns) = &find.project {
            self.push(" project ");
            self.list(columns, |printer, column| printer.expr(column, binding::ANY));
        }
        if let Some(names) = &find.project_away {
            self.push(" project-away ");
            self.list(names, Self::pattern);
        }
        if find.smart {
            self.push(" project-smart");
        }
    }
}
