//! Tabular operators: one arm per rule of the grammar.

use pest::iterators::Pair;

use super::{Builder, Built, Cursor};
use crate::source::Span;
use crate::syntax::ast::*;
use crate::syntax::grammar::Rule;

/// Builds one kind of operator.
type Build<'t> = fn(&mut Builder<'t>, &mut Cursor<'t>, Span) -> Built<OperatorKind>;

impl<'t> Builder<'t> {
    /// The operator that this pair is.
    pub(super) fn operator(&mut self, pair: Option<Pair<'t, Rule>>, within: Span) -> Built<Operator> {
        let Some(pair) = pair else { return Err(self.fault(within)) };
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut inner = Cursor::of(pair);
        // A table of functions, not a match that builds: pipelines nest, and each level takes one function's stack.
        let build: Build<'t> = match rule {
            Rule::filter_operator => Self::filter,
            Rule::extend_operator => Self::extend,
            Rule::project_operator => Self::project,
            Rule::project_away_operator => Self::project_away,
            Rule::project_keep_operator => Self::project_keep,
            Rule::project_rename_operator => Self::project_rename,
            Rule::project_reorder_operator => Self::project_reorder,
            Rule::summarize_operator => Self::summarize,
            Rule::distinct_operator => Self::distinct,
            Rule::count_operator => Self::count,
            Rule::sort_operator => Self::sort,
            Rule::top_operator => Self::top,
            Rule::take_operator => Self::take,
            Rule::join_operator => Self::join_rows,
            Rule::lookup_operator => Self::lookup,
            Rule::union_operator => Self::union,
            Rule::mv_expand_operator => Self::mv_expand,
            Rule::mv_apply_operator => Self::mv_apply,
            Rule::parse_operator => Self::parse,
            Rule::parse_kv_operator => Self::parse_kv,
            Rule::make_series_operator => Self::make_series,
            Rule::evaluate_operator => Self::evaluate,
            Rule::invoke_operator => Self::invoke,
            Rule::search_operator => Self::search,
            Rule::find_operator => Self::find,
            Rule::data_table_expression => Self::data_table,
            Rule::external_data_expression => Self::external_data,
            Rule::print_operator => Self::print_row,
            Rule::range_expression => Self::range,
            Rule::render_operator => Self::render,
            Rule::serialize_operator => Self::serialize,
            Rule::sample_operator => Self::sample,
            Rule::sample_distinct_operator => Self::sample_distinct,
            Rule::as_operator => Self::name_rows,
            Rule::consume_operator => Self::consume,
            Rule::get_schema_operator => Self::get_schema,
            Rule::raw_operator => Self::raw,
            _ => return Err(self.fault(span)),
        };
        let kind = build(self, &mut inner, span)?;
        Ok(Operator { kind, span })
    }

    fn filter(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        Ok(OperatorKind::Where { parameters, predicate: self.expression(cursor, span)? })
    }

    fn extend(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::Extend(self.named_expressions(cursor, span)?))
    }

    fn project(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::Project(self.named_expressions(cursor, span)?))
    }

    fn project_away(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::ProjectAway(self.names(cursor, span)?))
    }

    fn project_keep(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::ProjectKeep(self.names(cursor, span)?))
    }

    fn project_rename(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::ProjectRename(self.named_expressions(cursor, span)?))
    }

    fn project_reorder(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::ProjectReorder(self.reorder_items(cursor, span)?))
    }

    fn summarize(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        let aggregates = self.named_expressions(cursor, span)?;
        Ok(OperatorKind::Summarize { parameters, aggregates, by: self.by_clause(cursor, span)? })
    }

    fn distinct(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        Ok(OperatorKind::Distinct { parameters, items: self.named_expressions(cursor, span)? })
    }

    fn count(&mut self, _cursor: &mut Cursor<'t>, _span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::Count)
    }

    fn sort(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        Ok(OperatorKind::Sort { parameters, keys: self.sort_keys(cursor, span)? })
    }

    fn top(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        let count = self.expression(cursor, span)?;
        Ok(OperatorKind::Top { parameters, count, by: self.sort_keys(cursor, span)? })
    }

    fn take(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::Take(self.expression(cursor, span)?))
    }

    fn join_rows(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        let right = self.expression(cursor, span)?;
        let on = match cursor.take(Rule::on_clause) {
            Some(on) => self.expressions(&mut Cursor::of(on), span)?,
            None => Vec::new(),
        };
        Ok(OperatorKind::Join { parameters, right, on })
    }

    fn lookup(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        let right = self.expression(cursor, span)?;
        let on = match cursor.take(Rule::on_clause) {
            Some(on) => self.expressions(&mut Cursor::of(on), span)?,
            None => Vec::new(),
        };
        Ok(OperatorKind::Lookup { parameters, right, on })
    }

    fn union(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        Ok(OperatorKind::Union { parameters, tables: self.tables(cursor, span)? })
    }

    fn mv_expand(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        let items = self.mv_items(cursor, span)?;
        Ok(OperatorKind::MvExpand { parameters, items, limit: self.clause(cursor, Rule::row_limit, span)? })
    }

    fn mv_apply(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        let items = self.mv_items(cursor, span)?;
        let limit = self.clause(cursor, Rule::row_limit, span)?;
        Ok(OperatorKind::MvApply { parameters, items, limit, body: Box::new(self.sub_pipeline(cursor, span)?) })
    }

    fn parse(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let filter = cursor.take(Rule::parse_where).is_some();
        let parameters = self.parameters_of_operator(cursor, span)?;
        let subject = self.expression(cursor, span)?;
        Ok(OperatorKind::Parse { filter, parameters, subject, pattern: self.parse_pattern(cursor, span)? })
    }

    fn parse_kv(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let subject = self.expression(cursor, span)?;
        let columns = match cursor.take(Rule::row_schema) {
            Some(schema) => self.row_schema(schema)?,
            None => return Err(self.fault(span)),
        };
        Ok(OperatorKind::ParseKv { subject, columns, parameters: self.with_properties(cursor, span)? })
    }

    fn evaluate(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        let call = self.expression(cursor, span)?;
        let schema = match cursor.take(Rule::row_schema) {
            Some(schema) => self.row_schema(schema)?,
            None => Vec::new(),
        };
        Ok(OperatorKind::Evaluate { parameters, call, schema })
    }

    fn invoke(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::Invoke(self.expression(cursor, span)?))
    }

    fn search(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        let tables = self.in_tables(cursor, span)?;
        Ok(OperatorKind::Search { parameters, tables, predicate: self.expression(cursor, span)? })
    }

    fn data_table(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let columns = match cursor.take(Rule::row_schema) {
            Some(schema) => self.row_schema(schema)?,
            None => return Err(self.fault(span)),
        };
        Ok(OperatorKind::Datatable { columns, values: self.expressions(cursor, span)? })
    }

    fn external_data(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let columns = match cursor.take(Rule::row_schema) {
            Some(schema) => self.row_schema(schema)?,
            None => return Err(self.fault(span)),
        };
        let addresses = self.expressions(cursor, span)?;
        Ok(OperatorKind::ExternalData { columns, addresses, properties: self.with_properties(cursor, span)? })
    }

    fn print_row(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::Print(self.named_expressions(cursor, span)?))
    }

    fn range(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let name = self.name(cursor, span)?;
        let (from, to) = (self.expression(cursor, span)?, self.expression(cursor, span)?);
        let step = if cursor.rule().is_some() { Some(self.expression(cursor, span)?) } else { None };
        Ok(OperatorKind::Range { name, from, to, step })
    }

    fn render(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let chart = self.name(cursor, span)?;
        Ok(OperatorKind::Render { chart, parameters: self.with_properties(cursor, span)? })
    }

    fn serialize(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::Serialize(self.named_expressions(cursor, span)?))
    }

    fn sample(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::Sample(self.expression(cursor, span)?))
    }

    fn sample_distinct(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let count = self.expression(cursor, span)?;
        Ok(OperatorKind::SampleDistinct { count, of: self.expression(cursor, span)? })
    }

    fn name_rows(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, span)?;
        Ok(OperatorKind::As { name: self.name(cursor, span)?, parameters })
    }

    fn consume(&mut self, cursor: &mut Cursor<'t>, span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::Consume { parameters: self.parameters_of_operator(cursor, span)? })
    }

    fn get_schema(&mut self, _cursor: &mut Cursor<'t>, _span: Span) -> Built<OperatorKind> {
        Ok(OperatorKind::Raw { operator: RawOperator::GetSchema, body: String::new() })
    }

    fn parameters_of_operator(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Vec<OperatorParameter>> {
        let mut parameters = Vec::new();
        while let Some(pair) = cursor.take(Rule::query_operator_parameter) {
            let mut inner = Cursor::of(pair);
            let name = self.name(&mut inner, within)?;
            parameters.push(OperatorParameter { name, value: self.parameter_value(&mut inner, within)? });
        }
        Ok(parameters)
    }

    /// `with (a = 1, b = 2)`, or the same without `with`.
    fn with_properties(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Vec<OperatorParameter>> {
        let mut properties = Vec::new();
        let mut inner = cursor.take(Rule::with_properties).map(Cursor::of);
        let source = inner.as_mut().unwrap_or(cursor);
        while let Some(pair) = source.take(Rule::property) {
            let mut parts = Cursor::of(pair);
            let name = self.name(&mut parts, within)?;
            properties.push(OperatorParameter { name, value: self.expression(&mut parts, within)? });
        }
        Ok(properties)
    }

    fn names(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Vec<Name>> {
        let mut names = Vec::new();
        while cursor.rule().is_some() {
            names.push(self.name(cursor, within)?);
        }
        Ok(names)
    }

    fn reorder_items(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Vec<ReorderItem>> {
        let mut items = Vec::new();
        while cursor.rule().is_some() {
            let name = self.name(cursor, within)?;
            let order = cursor.take(Rule::reorder_direction).map(|order| order.as_str().to_owned());
            items.push(ReorderItem { name, order });
        }
        Ok(items)
    }

    /// Expressions, up to the first pair that is none.
    fn expressions(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Vec<Expr>> {
        let mut items = Vec::new();
        while cursor.rule() == Some(Rule::expression) {
            items.push(self.expression(cursor, within)?);
        }
        Ok(items)
    }

    /// Tables of `union`, `find` and `search`: expressions, and names with wildcards.
    pub(super) fn tables(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Vec<Expr>> {
        let mut tables = Vec::new();
        loop {
            tables.push(match cursor.rule() {
                Some(Rule::wildcarded_table) => {
                    let name = self.name(cursor, within)?;
                    let span = name.span;
                    let kind = if name.text == "*" { ExprKind::Star } else { ExprKind::Name(name) };
                    Expr { kind, span }
                }
                Some(Rule::expression) => {
                    let table = self.expression(cursor, within)?;
                    match cursor.take(Rule::wildcarded_path) {
                        Some(path) => self.wildcarded(table, path)?,
                        None => table,
                    }
                }
                _ => return Ok(tables),
            });
        }
    }

    /// `database("x").Audit` and the `*` behind it.
    fn wildcarded(&mut self, table: Expr, path: Pair<'t, Rule>) -> Built<Expr> {
        let place = self.span(&path);
        let span = table.span.to(place);
        let (base, name) = match (path.as_str().strip_prefix('.'), table.kind) {
            (Some(text), kind) => {
                (Box::new(Expr { kind, span: table.span }), Name { text: text.to_owned(), span: place })
            }
            (None, ExprKind::Member { base, name }) => {
                let text = format!("{}{}", name.text, path.as_str());
                (base, Name { text, span: name.span.to(place) })
            }
            (None, _) => {
                let message = format!("`{}` is unexpected here", path.as_str());
                return Err(self.syntax(place, message, "wildcards stand in names of tables"));
            }
        };
        Ok(Expr { kind: ExprKind::Member { base, name }, span })
    }

    fn in_tables(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Vec<Expr>> {
        match cursor.take(Rule::in_tables) {
            Some(tables) => self.tables(&mut Cursor::of(tables), within),
            None => Ok(Vec::new()),
        }
    }

    fn by_clause(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Vec<NamedExpr>> {
        match cursor.take(Rule::by_clause) {
            Some(by) => self.named_expressions(&mut Cursor::of(by), within),
            None => Ok(Vec::new()),
        }
    }

    /// The expression of a clause that may be absent.
    fn clause(&mut self, cursor: &mut Cursor<'t>, rule: Rule, within: Span) -> Built<Option<Expr>> {
        match cursor.take(rule) {
            Some(clause) => self.expression(&mut Cursor::of(clause), within).map(Some),
            None => Ok(None),
        }
    }

    fn sort_keys(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Vec<SortKey>> {
        let mut keys = Vec::new();
        while cursor.rule().is_some() {
            let value = self.named_expression(cursor, within)?;
            let descending = cursor.take(Rule::sort_direction).map(|word| word.as_str() == "desc");
            let nulls_first = cursor.take(Rule::sort_nulls).map(|word| word.as_str() == "first");
            keys.push(SortKey { value, descending, nulls_first });
        }
        Ok(keys)
    }

    fn mv_items(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Vec<MvItem>> {
        let mut items = Vec::new();
        while cursor.rule() == Some(Rule::expression) {
            let value = self.named_expression(cursor, within)?;
            let ty = match cursor.take(Rule::to_typeof) {
                Some(ty) => Some(self.type_name(&mut Cursor::of(ty), within)?),
                None => None,
            };
            items.push(MvItem { value, ty });
        }
        Ok(items)
    }

    fn sub_pipeline(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Pipeline> {
        let Some(pair) = cursor.take(Rule::sub_pipeline) else { return Err(self.fault(within)) };
        let span = self.span(&pair);
        let outer = std::mem::take(&mut self.height);
        let mut inner = Cursor::of(pair);
        let mut operators = Vec::new();
        while inner.rule().is_some() {
            operators.push(self.operator(inner.next(), span)?);
        }
        self.grow(outer, self.height + 2, span)?;
        Ok(Pipeline { source: None, operators, span })
    }

    fn parse_pattern(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<Vec<ParsePart>> {
        let mut parts = Vec::new();
        while let Some(pair) = cursor.next() {
            let span = self.span(&pair);
            parts.push(match pair.as_rule() {
                Rule::star => ParsePart::Star(span),
                Rule::string => ParsePart::Text { text: self.string(&pair), span },
                Rule::parse_column => {
                    let mut inner = Cursor::of(pair);
                    let name = self.name(&mut inner, span)?;
                    let ty = if inner.rule().is_some() { Some(self.type_name(&mut inner, span)?) } else { None };
                    ParsePart::Column { name, ty }
                }
                _ => return Err(self.fault(within)),
            });
        }
        Ok(parts)
    }

    fn make_series(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, within)?;
        let mut aggregates = Vec::new();
        while cursor.rule() == Some(Rule::expression) {
            let value = self.named_expression(cursor, within)?;
            aggregates.push(SeriesAggregate { value, default: self.clause(cursor, Rule::series_default, within)? });
        }
        let Some(axis) = cursor.take(Rule::series_axis) else { return Err(self.fault(within)) };
        let on = self.named_expression(&mut Cursor::of(axis), within)?;
        let (from, to, step) = match cursor.take(Rule::series_in_range) {
            Some(range) => {
                let mut inner = Cursor::of(range);
                let mut bound = || self.expression(&mut inner, within).map(Some);
                (bound()?, bound()?, bound()?)
            }
            None => (
                self.clause(cursor, Rule::series_from, within)?,
                self.clause(cursor, Rule::series_to, within)?,
                self.clause(cursor, Rule::series_step, within)?,
            ),
        };
        let by = self.by_clause(cursor, within)?;
        Ok(OperatorKind::MakeSeries(MakeSeries { parameters, aggregates, on, from, to, step, by }))
    }

    fn find(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<OperatorKind> {
        let parameters = self.parameters_of_operator(cursor, within)?;
        let tables = self.in_tables(cursor, within)?;
        let predicate = self.expression(cursor, within)?;
        let mut find = Find { parameters, tables, predicate, project: None, project_away: None, smart: false };
        while let Some(pair) = cursor.next() {
            let rule = pair.as_rule();
            let mut inner = Cursor::of(pair);
            match rule {
                Rule::find_project_columns => find.project = Some(self.expressions(&mut inner, within)?),
                Rule::find_project_away => find.project_away = Some(self.names(&mut inner, within)?),
                Rule::find_project_smart => find.smart = true,
                _ => return Err(self.fault(within)),
            }
        }
        Ok(OperatorKind::Find(find))
    }

    fn raw(&mut self, cursor: &mut Cursor<'t>, within: Span) -> Built<OperatorKind> {
        let name = cursor.next().map(|name| name.as_str()).unwrap_or_default();
        let Some(operator) = RawOperator::from_spelling(name) else { return Err(self.fault(within)) };
        let body =
            cursor.next().map(|body| self.span(&body).slice(self.text).trim_matches(crate::syntax::guard::is_blank));
        Ok(OperatorKind::Raw { operator, body: body.unwrap_or_default().to_owned() })
    }
}
