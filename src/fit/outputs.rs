//! What a rule asks of its rows and of its times: the columns that its file names, and the windows of its pipelines.
//!
//! A query that is no rule asks for none of it. Which field holds a column is said by the room of the language.

use super::{Frame, TimeRange, Window};
use crate::about::About;
use crate::plan::{ExprKind, NodeRef, Plan, Source, Stage, StageKind, Tree};
use crate::target::ColumnAnswer;

/// The columns that stood for entities before rules named them:
/// <https://learn.microsoft.com/en-us/azure/sentinel/map-data-fields-to-entities#notes-on-the-new-version>.
pub(crate) const OLD_ENTITIES: [(&str, &str, &str); 5] = [
    ("AccountCustomEntity", "Account", "FullName"),
    ("HostCustomEntity", "Host", "FullName"),
    ("IPCustomEntity", "IP", "Address"),
    ("URLCustomEntity", "URL", "Url"),
    ("FileHashCustomEntity", "FileHash", "Value"),
];

/// Whether a column stood for an entity before rules named them.
pub(crate) fn is_old_entity(column: &str) -> bool {
    OLD_ENTITIES.iter().any(|(name, ..)| *name == column)
}

/// The most columns that are looked up for one hunt.
const MOST: usize = 200;

/// The columns that the file of a hunt names, and those that name entities by themselves, each once.
pub(crate) fn columns(about: &About) -> Vec<&str> {
    let mut columns: Vec<&str> = Vec::new();
    if *about == About::default() {
        return columns;
    }
    let entities = about.entities.iter().flat_map(|entity| &entity.fields);
    let named = entities.chain(&about.custom_details).chain(&about.alert_properties).map(|(_, column)| column.as_str());
    let named = named.chain(about.alert_tactics_column.as_deref()).chain(about.alert_severity_column.as_deref());
    let texts = [&about.alert_name, &about.alert_description].into_iter().flatten();
    let named = named.chain(texts.flat_map(|text| placeholders(text)).map(|it| it.1));
    for column in named.chain(OLD_ENTITIES.iter().map(|it| it.0)) {
        if columns.len() < MOST && !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

/// The field of the event that a column of the hunt's first table is, where no stage makes another of its name. Nothing is
/// noted of the mapping, for the hunt need not use it.
pub(crate) fn event_field(frame: &Frame<'_>, name: &str) -> Option<String> {
    let Source::Table(table) = &frame.plan.pipeline.source else { return None };
    // Asked of every rule, and no column of a table.
    if is_old_entity(name) {
        return None;
    }
    let mut made = false;
    frame.plan.visit(&mut |node| {
        let binding = match node {
            NodeRef::Binding(binding) => {
                &*binding.name == name && binding.value.as_column().is_none_or(|column| column.name != binding.name)
            }
            NodeRef::AggregateBinding(binding) => &*binding.name == name,
            NodeRef::Pipeline(_)
            | NodeRef::Stage(_)
            | NodeRef::Aggregate(_)
            | NodeRef::SortKey(_)
            | NodeRef::JoinKey(_)
            | NodeRef::MvItem(_)
            | NodeRef::Expr(_) => false,
        };
        made |= binding;
    });
    let row = frame.vocabulary.table(&table.name).ok()?;
    // What the table does not have comes from elsewhere.
    if made || row.is_some_and(|row| !row.columns.contains_key(name)) {
        return None;
    }
    let map = frame.schema.table(&table.name).ok()?;
    match frame.schema.column(row, map, name) {
        ColumnAnswer::Time(field) => Some(field.to_owned()),
        ColumnAnswer::Mapped(map) => Some(map.field.clone()),
        ColumnAnswer::Kept => Some(name.to_owned()),
        ColumnAnswer::Unmapped(_) | ColumnAnswer::Refused => None,
    }
}

/// The places of columns in a text of an alert, `{{Column}}`: what is written, and the column.
pub(crate) fn placeholders(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices("{{").filter_map(|(at, _)| {
        let rest = text.get(at..)?;
        let end = rest.find("}}")?;
        let column = rest.get(2..end)?;
        (!column.contains("{{")).then(|| rest.get(..end + 2).map(|written| (written, column.trim())))?
    })
}

/// The windows of the pipelines that read tables, in the order of the hunt, each once; open where a pipeline has none of its
/// own, and where its window has no text.
pub(crate) fn windows(plan: &Plan) -> Vec<TimeRange> {
    let mut windows = Vec::new();
    plan.visit(&mut |node| {
        if let NodeRef::Pipeline(pipeline) = node
            && matches!(pipeline.source, Source::Table(_) | Source::Search { .. })
        {
            let range = Window::leading(pipeline).time_range().unwrap_or(TimeRange { from: None, to: None });
            if !windows.contains(&range) {
                windows.push(range);
            }
        }
    });
    windows
}

/// Whether each row of a hunt is one event of one table that was found by itself, so that it is found whatever other events a
/// run looks at. Of what looks at several events nothing is claimed.
pub(crate) fn single_events(plan: &Plan) -> bool {
    let (mut pipelines, mut is_call) = (0, false);
    plan.visit(&mut |node| match node {
        NodeRef::Pipeline(_) => pipelines += 1,
        // A function that looks at the rows around is a call like any other.
        NodeRef::Expr(expr) => is_call |= matches!(&expr.kind, ExprKind::Call { .. }),
        NodeRef::Stage(_)
        | NodeRef::Binding(_)
        | NodeRef::AggregateBinding(_)
        | NodeRef::Aggregate(_)
        | NodeRef::SortKey(_)
        | NodeRef::JoinKey(_)
        | NodeRef::MvItem(_) => {}
    });
    let is_ordered = |stage: &Stage| matches!(stage.kind, StageKind::Sort(_) | StageKind::Serialize(_));
    let stages = &plan.pipeline.stages;
    let looks_around = is_call && stages.iter().any(is_ordered);
    let by_itself = |stage: &Stage| match stage.kind {
        StageKind::Where(_)
        | StageKind::Sort(_)
        | StageKind::Serialize(_)
        | StageKind::Render { .. }
        | StageKind::Extend(_)
        | StageKind::Project(_)
        | StageKind::ProjectAway(_)
        | StageKind::ProjectKeep(_)
        | StageKind::ProjectRename(_)
        | StageKind::ProjectReorder(_)
        | StageKind::Parse { .. }
        | StageKind::ParseKv { .. } => true,
        StageKind::Summarize { .. }
        | StageKind::Distinct(_)
        | StageKind::Count
        | StageKind::Top { .. }
        | StageKind::Take(_)
        | StageKind::Sample(_)
        | StageKind::SampleDistinct { .. }
        | StageKind::Join(_)
        | StageKind::Lookup(_)
        | StageKind::MvExpand { .. }
        | StageKind::MvApply { .. }
        | StageKind::MakeSeries(_)
        | StageKind::Evaluate { .. }
        | StageKind::Invoke { .. }
        | StageKind::Untranslated(_) => false,
    };
    let is_table = matches!(plan.pipeline.source, Source::Table(_));
    is_table && pipelines == 1 && !looks_around && stages.iter().all(by_itself)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_that_the_file_names() {
        assert!(columns(&About::default()).is_empty());
        let about = About {
            entities: vec![crate::about::Entity {
                entity_type: "Host".to_owned(),
                fields: vec![("FullName".to_owned(), "DeviceName".to_owned())],
            }],
            custom_details: vec![("Host".to_owned(), "DeviceName".to_owned())],
            alert_name: Some("On {{DeviceName}} by {{ AccountName }} {{ {{x}} {{open".to_owned()),
            ..About::default()
        };
        assert_eq!(columns(&about)[..4], ["DeviceName", "AccountName", "x", "AccountCustomEntity"]);
    }

    fn plan(text: &str) -> Plan {
        let query = crate::syntax::parse(text).unwrap();
        let vocabulary = crate::vocabulary::Vocabulary::embedded().unwrap();
        crate::resolve::resolve(&query, text, &vocabulary).plan.unwrap()
    }

    #[test]
    fn rows_that_are_single_events_are_told_from_others() {
        for text in [
            "DeviceEvents | where ActionType == 'x' | extend A = tolower(FileName) | project A, DeviceName",
            "DeviceEvents | where ActionType == 'x' | order by Timestamp desc",
        ] {
            assert!(single_events(&plan(text)), "{text}");
        }
        for text in [
            "DeviceEvents | summarize count() by DeviceName",
            "DeviceEvents | where DeviceName in ((DeviceInfo | project DeviceName))",
            "DeviceEvents | order by Timestamp asc | where ActionType != prev(ActionType)",
            "union DeviceEvents, DeviceInfo",
            "DeviceEvents | take 5",
            "print 1",
        ] {
            assert!(!single_events(&plan(text)), "{text}");
        }
    }

    #[test]
    fn each_pipeline_that_reads_events_has_a_window() {
        let text = "DeviceEvents | where Timestamp > ago(2d) | join (DeviceInfo | project DeviceId) on DeviceId";
        let plan = plan(text);
        let froms: Vec<_> = windows(&plan).into_iter().map(|it| it.from).collect();
        assert_eq!(froms, [Some("now-2d".to_owned()), None]);
    }
}
