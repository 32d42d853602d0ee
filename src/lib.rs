#![doc = include_str!("../ARCHITECTURE.md")]

pub mod about;
pub mod accept;
pub mod cli;
pub mod data;
pub mod diagnostic;
mod elastic;
pub mod emit;
pub mod fit;
mod gate;
mod identity;
pub mod intake;
pub mod package;
pub mod plan;
pub mod report;
pub mod resolve;
pub mod source;
pub mod syntax;
pub mod target;
pub mod vocabulary;

pub use about::{About, AlertSeverity};
pub use diagnostic::{Code, Diagnostic, Effect, Severity};
pub use emit::Translation;
pub use fit::{Need, NeedKind, Style};
pub use gate::{FieldRow, FieldsError, Gate, Options, SchemaInfo, Stage, TableFields};
pub use package::{Package, RuleFile};
pub use resolve::Resolved;
pub use source::{LineIndex, Span};
pub use target::{Target, Version};
