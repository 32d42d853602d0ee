//! Text → AST. The only room that names pest.
//!
//! The way of a text: [`guard`] refuses what is oversized, too deep or not closed by one linear scan; [`grammar`] cuts
//! the rest into pest's pairs; [`build`] makes typed nodes of them and decodes the literals; [`error`] says in KQL's
//! words what pest did not accept. [`split`] cuts texts that hold several hunts. [`print`](mod@print)
//! goes the other way. Names get no meaning here, and no target is known.

pub mod ast;
mod build;
mod error;
mod grammar;
mod guard;
mod parse;
mod print;
mod spelling;
mod split;

pub use guard::comments;
pub use parse::{pairs_text, parse};
pub use print::print;
pub use split::{parse_all, split};
