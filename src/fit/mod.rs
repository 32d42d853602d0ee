//! Plan × target → what the target says: every decision about meaning is made here, and written into the ledger.
//!
//! Each target language has a folder with its fitter (`spl/`, `eql/`, `esql/`, `sigma/`) and a module `tree` in it: the typed form
//! of a query of that language, which `emit` prints without a decision left to make. What a fitter can not say it refuses
//! or drops by name; a tree exists only beside a closed ledger.

mod bags;
mod demand;
pub(crate) mod distance;
pub(crate) mod eql;
pub(crate) mod esql;
mod extreme;
mod fields;
mod flow;
mod frame;
mod fronts;
mod ingest;
mod join;
pub(crate) mod json;
mod known;
mod ledger;
mod lucene;
mod needs;
pub(crate) mod outputs;
mod outside;
mod parse;
mod regex;
pub(crate) mod sigma;
pub(crate) mod spl;
pub mod text;
mod unsayable;
mod window;

use std::sync::Arc;

pub(crate) use fields::{Field, Fields, Table};
pub(crate) use frame::Frame;
pub(crate) use ingest::LiteralFit;
pub use ledger::{ClosedLedger, Entry, Ledger, Refused};
pub use needs::{Need, NeedKind};
pub(crate) use window::seconds;
pub use window::{TimeRange, Window, iso8601, moment_text};

/// What a fitter makes of a plan.
#[derive(Debug)]
pub(crate) struct Fitted<T> {
    /// The query, document or pipeline.
    pub(crate) tree: T,
    /// The time over which it is to be run, where that is not in the query.
    pub(crate) time_range: Option<TimeRange>,
    /// The columns of the hunt's rows and the fields that hold them in what comes out, as far as each is one.
    pub(crate) columns: Vec<(Arc<str>, String)>,
}

/// How a query is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// It says what the hunt says.
    #[default]
    Exact,
    /// As an analyst of the platform would write it: never narrower, every simplification noted.
    Native,
}
