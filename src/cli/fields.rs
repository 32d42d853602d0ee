//! `huntgate fields`: where a table and its columns are found in a target.

use clap::Args;

use super::args::{self, Color, Data};
use super::output::Output;
use super::{Ending, Usage};
use crate::report;

/// Show where a table and its columns are found in a target
#[derive(Debug, Args)]
pub(super) struct Fields {
    /// The table, such as DeviceProcessEvents
    table: String,
    /// The target
    #[arg(short, long)]
    target: String,
    /// The target's schema
    #[arg(long, value_name = "NAME")]
    schema: Option<String>,
    #[command(flatten)]
    data: Data,
}

impl Fields {
    pub(super) fn run(&self, color: Color) -> anyhow::Result<Ending> {
        let gate = self.data.gate()?;
        let target = args::target(&self.target)?;
        let schemas: Vec<String> = self.schema.iter().cloned().collect();
        let task = args::task(&gate, target, &schemas, crate::fit::Style::Exact, None)?;
        let found = gate
            .fields(&self.table, target, task.options.schema.as_deref())
            .map_err(|error| Usage(error.to_string()))?;
        let rows: Vec<[String; 4]> = found
            .rows
            .iter()
            .map(|row| {
                let mut basis = row.provenance.to_string();
                if row.inferred {
                    basis.push_str(" (inferred)");
                }
                if let Some(remark) = &row.remark {
                    basis.push_str(&format!("; {remark}"));
                }
                let field = row.field.as_ref().map_or("-".to_owned(), |field| field.to_string());
                [row.column.to_string(), row.r#type.to_string(), field, basis]
            })
            .collect();
        let width = |column: usize, heading: &str| {
            rows.iter().map(|row| row[column].chars().count()).chain([heading.len()]).max().unwrap_or_default()
        };
        let (column, kind, field) = (width(0, "column"), width(1, "type"), width(2, "field"));
        let mut text = format!("{} -> {}, schema {}\n", self.table, target.title(), task.schema);
        text.push_str(&format!("source: {}\n\n", found.selector));
        text.push_str(&format!("{:<column$}  {:<kind$}  {:<field$}  basis\n", "column", "type", "field"));
        for [name, of_type, in_target, basis] in &rows {
            let line = format!("{name:<column$}  {of_type:<kind$}  {in_target:<field$}  {basis}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        Output::new(color).results(&report::safe(&text))?;
        Ok(Ending::Answered)
    }
}
