//! The operators of a pipeline that keep rows apart: filters, columns, order, and how many rows stay.

use super::form::when;
use super::scope::Column;
use super::tree::{Command, EvalExpr, Name, SearchExpr, SortBy, SortOrder, StatsAggregate, StatsInput};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::fit::Window;
use crate::plan::{Binding, Expr, ExprKind, ScalarType, SortKey, Stage, StageKind, Value};
use crate::target::{Capability, Support};

impl<'a> Fitter<'a, '_> {
    /// An operator; `rest` are those after it.
    pub(super) fn stage(&mut self, stage: &Stage, rest: &[Stage], window: &Window<'_>) -> Fit<()> {
        self.ledger.carried(stage.id);
        if matches!(
            stage.kind,
            StageKind::Where(_) | StageKind::Extend(_) | StageKind::Serialize(_) | StageKind::Project(_)
        ) {
            self.hoist(stage)?;
        }
        match &stage.kind {
            StageKind::Where(predicate) => self.filter(predicate, window),
            StageKind::Extend(bindings) => self.extend(bindings, rest),
            StageKind::Serialize(bindings) => self.extend(bindings, rest),
            StageKind::Project(bindings) => self.project(bindings, rest),
            StageKind::ProjectAway(patterns) => self.project_away(stage, patterns),
            StageKind::ProjectKeep(patterns) => self.project_keep(stage, patterns),
            StageKind::ProjectRename(pairs) => self.project_rename(pairs),
            StageKind::ProjectReorder(patterns) => self.project_reorder(stage, patterns, rest),
            StageKind::Summarize { aggregates, keys } => self.summarize(stage, aggregates, keys),
            StageKind::Distinct(bindings) => self.distinct(stage, bindings),
            StageKind::Count => {
                self.base_open = false;
                let name = Name::of("Count");
                let count = StatsAggregate { function: "count".to_owned(), of: StatsInput::Rows, name: name.clone() };
                self.commands.push(Command::Stats { aggregates: vec![count], by: Vec::new() });
                self.scope = super::Scope::default();
                let column = Column { present: true, ..Column::computed(name, ScalarType::Long) };
                self.scope.made.insert("Count".into(), column);
                Ok(())
            }
            StageKind::Sort(keys) => self.sort(keys, None),
            StageKind::Top { count, keys } => {
                let count = self.row_count(count)?;
                self.base_open = false;
                if count == 0 {
                    keys.iter().for_each(|key| self.carry_key(key));
                    self.commands.push(Command::Head(0));
                    return Ok(());
                }
                self.sort(keys, Some(count))
            }
            StageKind::Take(count) | StageKind::Sample(count) => {
                let count = self.row_count(count)?;
                self.base_open = false;
                self.note(
                    Code::ArbitraryChoice,
                    Effect::Exact,
                    stage.span,
                    "KQL may return any rows here; Splunk returns the first ones",
                );
                self.commands.push(Command::Head(count));
                Ok(())
            }
            StageKind::Render { chart } => {
                let message = format!("`render {chart}` is not part of the search");
                self.note(Code::Ignored, Effect::Exact, stage.span, message);
                Ok(())
            }
            StageKind::Join(join) => self.join(stage, join, false, rest),
            StageKind::Lookup(join) => self.join(stage, join, true, rest),
            StageKind::SampleDistinct { count, of } => self.sample_distinct(stage, count, of),
            StageKind::MvExpand { items, index, limit } => self.mv_expand(stage, items, index.as_ref(), limit.as_ref()),
            StageKind::Parse { subject, kind, flags, parts, filter } => self.parse(
                stage,
                &crate::fit::parse::Pattern { subject, kind: *kind, flags: flags.as_deref(), parts, filter: *filter },
            ),
            StageKind::MvApply { items, limit, body } => self.mv_apply(stage, items, limit.as_ref(), body),
            StageKind::Evaluate { plugin, args } => self.evaluate(stage, *plugin, args),
            StageKind::Invoke { function, args } => self.invoke(stage, *function, args),
            StageKind::MakeSeries(series) => self.make_series(stage, series),
            StageKind::ParseKv { .. } | StageKind::Untranslated(_) => Err(self.unsupported(stage)),
        }
    }

    /// The refusal of an operator.
    fn unsupported(&self, stage: &Stage) -> Unsayable {
        if let StageKind::Untranslated(operator) = &stage.kind {
            let message = format!("`{}` can not be said in SPL", operator.name());
            return Unsayable::new(Code::RefusedOperator, stage.span, message);
        }
        let Some(capability) = Capability::of_stage(&stage.kind) else {
            return Unsayable::new(Code::RefusedOperator, stage.span, "the operator can not be said in SPL");
        };
        let answer = self.frame.facts.capabilities.get(capability);
        let name = capability.name().replace('_', "-");
        if answer.is != Support::Refused {
            return Unsayable::not_yet(stage.span, format!("`{name}`"));
        }
        let note = answer.note.as_deref().unwrap_or("Splunk has no counterpart of it");
        let refused =
            Unsayable::new(Code::RefusedOperator, stage.span, format!("`{name}` can not be said in SPL: {note}"));
        match &answer.instead {
            Some(instead) => refused.help(instead.clone()),
            None => refused,
        }
    }

    pub(super) fn dropped(&mut self, stage: &Stage, code: Code, effect: Effect, message: &str) {
        let note = Diagnostic::note(code, effect, stage.span, message);
        self.ledger.dropped(stage, self.polarity, note);
    }

    /// `where`: what the base search can say goes there, the rest stays in its place.
    fn filter(&mut self, predicate: &Expr, window: &Window<'_>) -> Fit<()> {
        self.ledger.carried(predicate.id);
        let mut remaining = Vec::new();
        for conjunct in predicate.conjuncts() {
            if window.holds(conjunct) {
                continue;
            }
            match self.predicate(conjunct) {
                Ok(condition) => {
                    for term in condition.search.into_iter().flat_map(terms) {
                        if !self.conditions.contains(&term) {
                            self.conditions.push(term);
                        }
                    }
                    remaining.push(condition.rest);
                }
                Err(reason) => self.leave_out(conjunct, reason)?,
            }
        }
        let condition = EvalExpr::all(remaining);
        if condition != EvalExpr::bool(true) {
            self.commands.push(Command::Where(condition));
        }
        Ok(())
    }

    /// `extend`: each expression sees the row as it was before.
    pub(super) fn extend(&mut self, bindings: &[Binding], rest: &[Stage]) -> Fit<()> {
        let mut assignments = Vec::new();
        let mut made = Vec::new();
        for binding in bindings {
            let (column, value) = self.binding(binding, rest)?;
            if value != column.bare() {
                assignments.push((column.field.clone(), value));
            }
            made.push((binding.name.clone(), column));
        }
        self.assign(assignments, &[]);
        self.scope.made.extend(made);
        Ok(())
    }

    /// A named value and the column it makes.
    pub(super) fn binding(&mut self, binding: &Binding, rest: &[Stage]) -> Fit<(Column<'a>, EvalExpr)> {
        self.ledger.carried(binding.id);
        let field = self.new_field(&binding.name, binding.span)?;
        let value = self.new_value(binding, rest)?;
        if let ExprKind::Column(reference) = &binding.value.kind {
            let source = self.column(reference, binding.value.ty, binding.span)?;
            let same = source.field == field;
            let (null_text, blank) = if same { (source.null_text.clone(), source.blank) } else { (None, false) };
            let raw = source.raw && same && source.is_field();
            let value = if same { source.bare() } else { value };
            let source = Column { parts: Vec::new(), scalar: None, nested: false, ..source };
            return Ok((Column { field, raw, null_text, blank, ..source }, value));
        }
        let shape = self.shape(&binding.value);
        let xml = self.is_xml(&binding.value);
        let null_array = self.is_null_array(&binding.value);
        Ok((Column { shape, null_array, xml, ..Column::computed(field, binding.value.ty) }, value))
    }

    /// `distinct`
    fn distinct(&mut self, stage: &Stage, bindings: &[Binding]) -> Fit<()> {
        self.base_open = false;
        if bindings.is_empty() {
            return self.distinct_rows(stage);
        }
        self.project(bindings, &[])?;
        let fields: Vec<Name> =
            bindings.iter().filter_map(|it| self.scope.made.get(&it.name)).map(|it| it.field.clone()).collect();
        self.fill(&fields);
        for column in self.scope.made.values_mut() {
            column.blank = true;
            column.raw = false;
        }
        self.commands.push(Command::Dedup(fields));
        Ok(())
    }

    /// `distinct *`: `dedup` takes names only.
    fn distinct_rows(&mut self, stage: &Stage) -> Fit<()> {
        if self.scope.events {
            return Err(Unsayable::not_yet(stage.span, "`distinct *` of whole events").help("name the columns"));
        }
        let fields: Vec<Name> = self.scope.made.values().map(|column| column.field.clone()).collect();
        self.fill(&fields);
        for column in self.scope.made.values_mut() {
            column.blank = true;
        }
        self.commands.push(Command::Dedup(fields));
        Ok(())
    }

    /// `sample-distinct n of x`: any of its values, each once.
    fn sample_distinct(&mut self, stage: &Stage, count: &Expr, of: &Expr) -> Fit<()> {
        let count = self.row_count(count)?;
        self.base_open = false;
        let ExprKind::Column(reference) = &of.kind else {
            return Err(
                Unsayable::not_yet(of.span, "a sample of a computed value").help("extend a column with it first")
            );
        };
        self.ledger.carried(of.id);
        let column = self.column(reference, of.ty, of.span)?;
        let message = "KQL may return any values here; Splunk returns the first ones";
        self.note(Code::ArbitraryChoice, Effect::Exact, stage.span, message);
        let field = if column.is_field() { column.field.clone() } else { self.new_field(&reference.name, of.span)? };
        let made = Column { field: field.clone(), raw: false, blank: true, ..Column::computed(field.clone(), of.ty) };
        self.reshape(vec![(reference.name.clone(), made, column.bare())], &[])?;
        self.fill(std::slice::from_ref(&field));
        self.commands.push(Command::Dedup(vec![field]));
        self.commands.push(Command::Head(count));
        Ok(())
    }

    /// Gives rows that lack a value the empty text, where they may lack one.
    pub(super) fn fill(&mut self, fields: &[Name]) {
        let mut names: Vec<Name> = Vec::new();
        for field in fields {
            if field.text() != "_time" && !names.contains(field) {
                names.push(field.clone());
            }
        }
        if !names.is_empty() {
            self.commands.push(Command::FillEmpty(names));
        }
    }

    fn row_count(&mut self, count: &Expr) -> Fit<u64> {
        self.ledger.carried(count.id);
        match count.as_literal() {
            Some(Value::Long(number)) if *number >= 0 => Ok(number.unsigned_abs()),
            _ => Err(Unsayable::not_yet(count.span, "a number of rows that is no constant")),
        }
    }

    /// `sort`, and `top` with a count. Splunk puts rows that lack a value last, in both directions; where KQL puts them
    /// first, a key of its own does.
    pub(super) fn sort(&mut self, keys: &[SortKey], count: Option<u64>) -> Fit<()> {
        let mut by = Vec::new();
        let mut helpers = Vec::new();
        let mut filled = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            self.ledger.carried(key.id);
            let value = self.operand(&key.value)?;
            let column = self.held_column(&key.value)?;
            let order = match key.value.ty {
                ScalarType::Int
                | ScalarType::Long
                | ScalarType::Real
                | ScalarType::Decimal
                | ScalarType::Timespan
                | ScalarType::Datetime => SortOrder::Number,
                ScalarType::String | ScalarType::Guid | ScalarType::Bool => SortOrder::Text,
                ScalarType::Dynamic | ScalarType::Unknown => SortOrder::Auto,
            };
            let text = key.value.ty == ScalarType::String;
            let present = column.as_ref().is_some_and(|column| column.present);
            if key.nulls_first && !text && !present {
                let null = EvalExpr::is_null(value.clone());
                let flag = |number: &str| EvalExpr::Number(number.to_owned());
                let first = self.helper();
                helpers.push((first.clone(), when(null, flag("0"), flag("1"))));
                by.push(SortBy { field: first, descending: false, order: SortOrder::Number });
            }
            // A missing text is the empty one: the first of all, or the last with others behind it.
            let empty = text
                && (!key.descending || index + 1 < keys.len())
                && !column.as_ref().is_some_and(|column| column.blank);
            let field = match value {
                EvalExpr::Field(field) => {
                    if empty {
                        filled.push(field.clone());
                    }
                    field
                }
                value => {
                    let helper = self.helper();
                    let value = if empty { EvalExpr::or_empty(value) } else { value };
                    helpers.push((helper.clone(), value));
                    helper
                }
            };
            by.push(SortBy { field, descending: key.descending, order });
        }
        let away: Vec<Name> = helpers.iter().map(|(name, _)| name.clone()).collect();
        if !helpers.is_empty() {
            self.commands.push(Command::Eval(helpers));
        }
        self.fill(&filled);
        self.commands.push(Command::Sort { count, keys: by });
        if !away.is_empty() {
            self.commands.push(Command::FieldsAway(away));
        }
        Ok(())
    }

    fn carry_key(&mut self, key: &SortKey) {
        self.ledger.carried(key.id);
        self.carry(&key.value);
    }
}

/// The terms of a conjunction.
fn terms(expr: SearchExpr) -> Vec<SearchExpr> {
    match expr {
        SearchExpr::And(items) => items,
        other => vec![other],
    }
}
