//! The operators of a pipeline that keep rows apart: filters, columns, order, and how many rows stay.

use std::sync::Arc;

use super::scope::Column;
use super::tree::{Command, EvalExpr, Glob, Name, SearchExpr, SortBy, SortOrder, StatsAggregate, StatsInput};
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
                &super::parse::Pattern { subject, kind: *kind, flags: flags.as_deref(), parts, filter: *filter },
            ),
            StageKind::MvApply { .. }
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
        let shaped_again = rest.iter().any(makes_row);
        self.commands.push(if shaped_again { Command::Fields(sources) } else { Command::Table(sources) });
        renames.extend(helped);
        if !renames.is_empty() {
            self.commands.push(Command::Rename(renames));
        }
        self.scope.events = false;
        self.scope.made = items.into_iter().map(|(name, column, _)| (name, column)).collect();
        Ok(())
    }

    /// `project-away` of a row of which not every column is known.
    fn project_away(&mut self, stage: &Stage, patterns: &[NamePattern]) -> Fit<()> {
        match self.globs(patterns)? {
            Some((globs, true)) => {
                self.commands.push(Command::FieldsAwayLike(globs));
                let gone = |name: &str| patterns.iter().any(|pattern| matches(&pattern.pattern, name));
                self.scope.made.retain(|name, _| !gone(name));
            }
            Some((_, false)) => {
                let names: Vec<Name> = self.listed(patterns)?.into_iter().map(|(_, column)| column.field).collect();
                self.scope.made.retain(|name, _| !patterns.iter().any(|pattern| pattern.pattern == *name));
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

    /// `project-keep` of a row of which not every column is known.
    fn project_keep(&mut self, stage: &Stage, patterns: &[NamePattern]) -> Fit<()> {
        match self.globs(patterns)? {
            Some((globs, true)) => {
                self.commands.push(Command::TableLike(globs));
                let stays = |name: &str| patterns.iter().any(|pattern| matches(&pattern.pattern, name));
                self.scope.made.retain(|name, _| stays(name));
            }
            Some((_, false)) => {
                let columns = self.listed(patterns)?;
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

    /// `project-reorder`: these columns first; the others follow.
    fn project_reorder(&mut self, stage: &Stage, patterns: &[NamePattern], rest: &[Stage]) -> Fit<()> {
        if rest.iter().any(makes_row) {
            // A later operator says which columns there are, and in which order.
            return Ok(());
        }
        let mut first: Vec<Glob> = Vec::new();
        let mut push = |glob: Glob| {
            if !first.contains(&glob) {
                first.push(glob);
            }
        };
        let mut kept = true;
        for pattern in patterns {
            match self.globs(std::slice::from_ref(pattern))? {
                Some((globs, _)) => globs.into_iter().for_each(&mut push),
                None => kept = false,
            }
        }
        if !kept {
            let message = "a column that is no field of its own in Splunk has no place in the order of columns";
            self.note(Code::OrderDropped, Effect::Reshaped, stage.span, message);
        }
        if self.scope.events {
            // `*` stands for no internal field.
            push(Glob::from(&Name::of("_time")));
            if !rest.is_empty() && !self.fields.keeps_names() {
                push(Glob::from(&Name::of("_raw")));
            }
        }
        first.extend(Glob::new("*"));
        self.commands.push(Command::TableLike(first));
        Ok(())
    }

    /// The fields of a list of names, and whether there is a wildcard among them. `None` where one is no field of its own,
    /// or where a wildcard does not mean the same of fields as of columns.
    fn globs(&mut self, patterns: &[NamePattern]) -> Fit<Option<(Vec<Glob>, bool)>> {
        let mut globs = Vec::new();
        let mut wild = false;
        for pattern in patterns {
            if !pattern.pattern.contains('*') {
                let (_, column) = self.listed_column(pattern)?;
                if !column.is_field() {
                    return Ok(None);
                }
                globs.push(Glob::from(&column.field));
                continue;
            }
            wild = true;
            let renamed = self.scope.made.iter().any(|(name, column)| {
                (!column.is_field() || column.field.text() != name.as_ref())
                    && column.field.text() != "_time"
                    && (matches(&pattern.pattern, name) || matches(&pattern.pattern, column.field.text()))
            });
            let keeps_names = self.fields.keeps_names() || self.tables.iter().all(|table| table.map.is_none());
            if renamed || self.scope.events && !keeps_names {
                return Ok(None);
            }
            globs.extend(Glob::new(&pattern.pattern));
            let time = self.time_columns.iter().any(|name| matches(&pattern.pattern, name));
            let made = self
                .scope
                .made
                .iter()
                .any(|(name, column)| column.field.text() == "_time" && matches(&pattern.pattern, name));
            if self.scope.events && time || made {
                globs.push(Glob::from(&Name::of("_time")));
            }
        }
        Ok(Some((globs, wild)))
    }

    /// The columns of a list of names without wildcards.
    fn listed(&mut self, patterns: &[NamePattern]) -> Fit<Vec<Named<'a>>> {
        patterns.iter().map(|pattern| self.listed_column(pattern)).collect()
    }

    /// The column of this name.
    fn listed_column(&mut self, pattern: &NamePattern) -> Fit<Named<'a>> {
        let reference = crate::plan::ColumnRef { name: pattern.pattern.clone(), known: false };
        let column = self.column(&reference, ScalarType::Unknown, pattern.span)?;
        Ok((pattern.pattern.clone(), column))
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
        // A name that is taken by one column and given up by another waits under a name of its own.
        let mut last = Vec::new();
        for index in 0..renames.len() {
            let taken = |name: &Name| renames.iter().skip(index + 1).any(|(from, _)| from == name);
            if renames.get(index).is_some_and(|(_, to)| taken(to)) {
                let helper = self.helper();
                if let Some((_, to)) = renames.get_mut(index) {
                    last.push((helper.clone(), std::mem::replace(to, helper)));
                }
            }
        }
        renames.extend(last);
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
        self.fill(&[field.clone()]);
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
            let column = match &key.value.kind {
                ExprKind::Column(reference) => Some(self.column(reference, key.value.ty, key.value.span)?),
                _ => None,
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
            let text = key.value.ty == ScalarType::String;
            let present = column.as_ref().is_some_and(|column| column.present);
            if key.nulls_first && !text && !present {
                let null = EvalExpr::is_null(value.clone());
                let flag = |number: &str| EvalExpr::Number(number.to_owned());
                let first = self.helper();
                helpers.push((first.clone(), EvalExpr::Call("if", vec![null, flag("0"), flag("1")])));
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

/// Whether a name fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

/// Whether an operator says itself which columns its rows have.
fn makes_row(stage: &Stage) -> bool {
    match &stage.kind {
        StageKind::Summarize { .. } | StageKind::Count | StageKind::Project(_) | StageKind::MakeSeries(_) => true,
        StageKind::Distinct(columns) => !columns.is_empty(),
        StageKind::SampleDistinct { .. } => true,
        StageKind::Where(_)
        | StageKind::Extend(_)
        | StageKind::ProjectAway(_)
        | StageKind::ProjectKeep(_)
        | StageKind::ProjectRename(_)
        | StageKind::ProjectReorder(_)
        | StageKind::Sort(_)
        | StageKind::Top { .. }
        | StageKind::Take(_)
        | StageKind::Sample(_)
        | StageKind::Join(_)
        | StageKind::Lookup(_)
        | StageKind::MvExpand { .. }
        | StageKind::MvApply { .. }
        | StageKind::Parse { .. }
        | StageKind::ParseKv { .. }
        | StageKind::Serialize(_)
        | StageKind::Evaluate { .. }
        | StageKind::Invoke { .. }
        | StageKind::Render { .. }
        | StageKind::Untranslated(_) => false,
    }
}

/// The terms of a conjunction.
fn terms(expr: SearchExpr) -> Vec<SearchExpr> {
    match expr {
        SearchExpr::And(items) => items,
        other => vec![other],
    }
}
