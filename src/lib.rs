#![doc = include_str!("../ARCHITECTURE.md")]

pub mod cli;
pub mod data;
pub mod diagnostic;
mod elastic;
pub mod emit;
pub mod fit;
mod gate;
pub mod intake;
pub mod plan;
pub mod report;
pub mod resolve;
pub mod source;
pub mod syntax;
pub mod target;
pub mod vocabulary;

pub use diagnostic::{Code, Diagnostic, Effect, Severity};
pub use emit::Translation;
pub use fit::Style;
pub use gate::{FieldRow, FieldsError, Gate, Identity, Options, SchemaInfo, Stage, TableFields};
pub use resolve::Resolved;
pub use source::{LineIndex, Span};
pub use target::{Target, Version};
