//! Fitted tree → query text.
mod translation;
pub use translation::Translation;
