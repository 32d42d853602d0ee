//! Renderings of results: text for people, JSON lines, SARIF, Markdown and JUnit, the reports of a migration.
//!
//! Everything here turns finished results into text. Nothing is decided about a hunt, and nothing is written to a
//! stream: that is the command line's. Places are those of the file; [`Page::located`] brings a hunt's there.

mod escape;
mod human;
mod json;
pub mod migration;
mod page;
mod review;
mod sarif;

pub use escape::{is_unsafe, safe, safe_json};
pub use human::{Human, tally};
pub use json::{CheckLine, ConvertLine, effect_of, schema_document};
pub use page::{Page, Place};
pub use review::{Item, Review, Status, diff};
pub use sarif::Sarif;
