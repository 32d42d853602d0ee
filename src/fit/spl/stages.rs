//! The operators of a pipeline that keep rows apart: filters, columns, order, and how many rows stay.

use std::sync::Arc;

use super::scope::Column;
use super::tree::{Command, EvalExpr, Name, SearchExpr, SortBy, SortOrder, StatsAggregate, StatsInput};
use super::{Fit, Fitter, Unsayable};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::fit::Window;
use crate::plan::{Binding, Expr, ExprKind, NamePattern, ScalarType, SortKey, Stage, StageKind, Value};
use crate::target::{Capability, Support};

/// A column and its name.
type Named<'a> = (Arc<str>, Column<'a>);

impl<'a> Fitter<'a, '_> {
    /// An operator; `rest` are those after it.
    pub(super) fn stage(&mut self, stage: &Stage, rest: &[Stage], window: &Window<'_>) -> Fit<()> {
        self.ledger.carried(stage.id);
        match &stage.kind {
            StageKind::Where(predicate) => self.filter(predicate, window),
            StageKind::Extend(bindings) => self.extend(bindings, rest),
            StageKind::Serialize(bindings) => self.extend(bindings, rest),
            StageKind::Project(bindings) => self.project(bindings, rest),
            StageKind::ProjectAway(patterns) => self.project_away(stage, patterns),
            StageKind::ProjectKeep(patterns) => self.project_keep(stage, patterns),
            StageKind::ProjectRename(pairs) => self.project_rename(pairs),
            StageKind::ProjectReorder(_) => {
                self.dropped(stage, Code::OrderDropped, Effect::Reshaped, "the order of columns is not kept");
                Ok(())
            }
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
            StageKind::Sort(keys) => self.sort(stage, keys, None),
            StageKind::Top { count, keys } => {
                let count = self.row_count(count)?;
                self.base_open = false;
                self.sort(stage, keys, Some(count))
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
            StageKind::SampleDistinct { .. }
            | StageKind::MvExpand { .. }
            | StageKind::MvApply { .. }
            | StageKind::Parse { .. }
            | StageKind::ParseKv { .. }
            | StageKind::MakeSeries(_)
            | StageKind::Evaluate { .. }
            | StageKind::Invoke { .. }
            | StageKind::Untranslated(_) => Err(self.unsupported(stage)),
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

    fn dropped(&mut self, stage: &Stage, code: Code, effect: Effect, message: &str) {
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
    fn extend(&mut self, bindings: &[Binding], rest: &[Stage]) -> Fit<()> {
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
        Ok((Column { shape, ..Column::computed(field, binding.value.ty) }, value))
    }

    /// Assigns values all at once; `read` are other fields that must keep what they hold. A field that is still read is
    /// first assigned under another name.
    pub(super) fn assign(&mut self, assignments: Vec<(Name, EvalExpr)>, read: &[Name]) -> Vec<(Name, Name)> {
        let mut later: Vec<Name> = read.to_vec();
        let mut out = Vec::new();
        let mut renames = Vec::new();
        for (target, value) in assignments.into_iter().rev() {
            let field = if later.contains(&target) {
                let helper = self.helper();
                renames.push((helper.clone(), target));
                helper
            } else {
                target
            };
            value.fields(&mut |name| later.push(name.clone()));
            out.push((field, value));
        }
        out.reverse();
        renames.reverse();
        if !out.is_empty() {
            self.commands.push(Command::Eval(out));
        }
        if read.is_empty() && !renames.is_empty() {
            // A rename of what is missing everywhere would leave the old field; an assignment removes it.
            let back = renames.iter().map(|(helper, target)| (target.clone(), EvalExpr::Field(helper.clone())));
            self.commands.push(Command::Eval(back.collect()));
            self.commands.push(Command::FieldsAway(renames.iter().map(|(helper, _)| helper.clone()).collect()));
            return Vec::new();
        }
        renames
    }

    /// `project`: exactly these columns.
    fn project(&mut self, bindings: &[Binding], rest: &[Stage]) -> Fit<()> {
        let mut items = Vec::new();
        for binding in bindings {
            let event_time = match &binding.value.kind {
                ExprKind::Column(reference) => {
                    let column = self.column(reference, binding.value.ty, binding.span)?;
                    // The event's own time keeps its field: that is what the time column is called in Splunk.
                    (column.field.text() == "_time" && *reference.name == *binding.name).then_some(column)
                }
                _ => None,
            };
            if let Some(column) = event_time {
                self.ledger.carried(binding.id);
                self.ledger.carried(binding.value.id);
                items.push((binding.name.clone(), column.clone(), column.bare()));
                continue;
            }
            let (column, value) = self.binding(binding, rest)?;
            items.push((binding.name.clone(), column, value));
        }
        self.reshape(items, rest)
    }

    /// Makes the row hold exactly these columns, each a field with the value given.
    pub(super) fn reshape(&mut self, items: Vec<(Arc<str>, Column<'a>, EvalExpr)>, rest: &[Stage]) -> Fit<()> {
        if items.is_empty() {
            return Ok(());
        }
        let reads = |index: usize, name: &Name| {
            let mut found = false;
            for (other, (_, _, value)) in items.iter().enumerate() {
                if other != index {
                    value.fields(&mut |field| found |= field == name);
                }
            }
            found
        };
        let mut assignments = Vec::new();
        let mut renames = Vec::new();
        let mut sources = Vec::new();
        let mut kept = Vec::new();
        for (index, (_, column, value)) in items.iter().enumerate() {
            match value {
                EvalExpr::Field(field) if *field == column.field => {
                    sources.push(field.clone());
                    kept.push(field.clone());
                }
                EvalExpr::Field(field) if !reads(index, field) && !reads(index, &column.field) => {
                    sources.push(field.clone());
                    kept.push(field.clone());
                    renames.push((field.clone(), column.field.clone()));
                }
                value => {
                    assignments.push((column.field.clone(), value.clone()));
                    sources.push(column.field.clone());
                }
            }
        }
        kept.push(Name::of("_"));
        let helped = self.assign(assignments, &kept);
        for source in &mut sources {
            if let Some((helper, _)) = helped.iter().find(|(_, target)| target == source && !kept.contains(source)) {
                *source = helper.clone();
            }
        }
        // A target that is kept under its own name and assigned as well stands twice: the second is the helper's.
        for (helper, target) in &helped {
            if !sources.contains(helper)
                && let Some(at) = sources.iter().rposition(|source| source == target)
                && let Some(slot) = sources.get_mut(at)
            {
                *slot = helper.clone();
            }
        }
        let shaped_again = rest.iter().any(|stage| {
            matches!(
                stage.kind,
                StageKind::Summarize { .. } | StageKind::Count | StageKind::Distinct(_) | StageKind::Project(_)
            )
        });
        self.commands.push(if shaped_again { Command::Fields(sources) } else { Command::Table(sources) });
        renames.extend(helped);
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        self.scope.events = false;
        self.scope.made = items.into_iter().map(|(name, column, _)| (name, column)).collect();
        Ok(())
    }

    fn project_away(&mut self, stage: &Stage, patterns: &[NamePattern]) -> Fit<()> {
        match self.listed(patterns)? {
            Some(columns) => {
                let names = columns.into_iter().map(|(_, column)| column.field).collect();
                self.commands.push(Command::FieldsAway(names));
            }
            None => {
                self.dropped(
                    stage,
                    Code::ColumnsDropped,
                    Effect::Reshaped,
                    "columns that are taken away by a wildcard or lie in the JSON of the event stay",
                );
            }
        }
        Ok(())
    }

    fn project_keep(&mut self, stage: &Stage, patterns: &[NamePattern]) -> Fit<()> {
        match self.listed(patterns)? {
            Some(columns) => {
                self.commands.push(Command::Table(columns.iter().map(|(_, column)| column.field.clone()).collect()));
                self.scope.events = false;
                self.scope.made = columns.into_iter().collect();
            }
            None => {
                self.dropped(
                    stage,
                    Code::ColumnsDropped,
                    Effect::Reshaped,
                    "columns other than those kept by a wildcard or from the JSON of the event stay",
                );
            }
        }
        Ok(())
    }

    /// The columns of a list of names; `None` where there is a wildcard.
    fn listed(&mut self, patterns: &[NamePattern]) -> Fit<Option<Vec<Named<'a>>>> {
        if patterns.iter().any(|pattern| pattern.pattern.contains('*')) {
            return Ok(None);
        }
        let mut columns = Vec::new();
        for pattern in patterns {
            let reference = crate::plan::ColumnRef { name: pattern.pattern.clone(), known: false };
            let column = self.column(&reference, ScalarType::Unknown, pattern.span)?;
            if !column.is_field() {
                return Ok(None);
            }
            columns.push((pattern.pattern.clone(), column));
        }
        Ok(Some(columns))
    }

    fn project_rename(&mut self, pairs: &[(Arc<str>, Expr)]) -> Fit<()> {
        let mut renames = Vec::new();
        let mut assignments = Vec::new();
        let mut made = Vec::new();
        for (name, old) in pairs {
            self.ledger.carried(old.id);
            let ExprKind::Column(reference) = &old.kind else {
                return Err(Unsayable::not_yet(old.span, "a rename of what is no column"));
            };
            let column = self.column(reference, old.ty, old.span)?;
            let field = self.new_field(name, old.span)?;
            if !column.is_field() {
                assignments.push((field.clone(), column.value()));
                let column = Column { null_text: None, ..Column::computed(field, column.ty) };
                made.push((name.clone(), column));
                continue;
            }
            renames.push((column.field.clone(), field.clone()));
            made.push((name.clone(), Column { field, raw: false, ..column }));
        }
        if renames.iter().any(|(_, to)| renames.iter().any(|(from, _)| from == to)) {
            return Err(Unsayable::not_yet(
                pairs.first().map_or_else(Default::default, |it| it.1.span),
                "an exchange of names",
            ));
        }
        if !assignments.is_empty() {
            self.commands.push(Command::Eval(assignments));
        }
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        self.scope.made.extend(made);
        Ok(())
    }

    /// `distinct`
    fn distinct(&mut self, stage: &Stage, bindings: &[Binding]) -> Fit<()> {
        if bindings.is_empty() {
            return Err(Unsayable::not_yet(stage.span, "`distinct *`").help("name the columns"));
        }
        self.base_open = false;
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
            Some(Value::Long(number)) if *number > 0 => Ok(number.unsigned_abs()),
            _ => Err(Unsayable::not_yet(count.span, "a number of rows that is no positive constant")),
        }
    }

    /// `sort`, and `top` with a count.
    fn sort(&mut self, stage: &Stage, keys: &[SortKey], count: Option<u64>) -> Fit<()> {
        let mut by = Vec::new();
        let mut helpers = Vec::new();
        let mut filled = Vec::new();
        for key in keys {
            self.ledger.carried(key.id);
            let value = self.operand(&key.value)?;
            let column = match &key.value.kind {
                ExprKind::Column(reference) => Some(self.column(reference, key.value.ty, key.value.span)?),
                _ => None,
            };
            let field = match value {
                EvalExpr::Field(field) => field,
                value => {
                    let helper = self.helper();
                    helpers.push((helper.clone(), value));
                    helper
                }
            };
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
            let present = column.as_ref().is_some_and(|column| column.present);
            if key.value.ty == ScalarType::String && !key.descending {
                filled.push(field.clone());
            } else if key.value.ty != ScalarType::String && key.nulls_first && !present {
                let effect = if count.is_some() { Effect::Unsure } else { Effect::Reshaped };
                let message = "rows that lack the value come last in Splunk, and first in KQL";
                self.note(Code::NullSemantics, effect, stage.span, message);
            }
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
}

/// The terms of a conjunction.
fn terms(expr: SearchExpr) -> Vec<SearchExpr> {
    match expr {
        SearchExpr::And(items) => items,
        other => vec![other],
    }
}
