//! huntgate (skeleton).
pub mod diagnostic;
pub mod plan;
pub mod source;
pub mod syntax;
