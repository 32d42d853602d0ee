//! huntgate (skeleton).
pub mod diagnostic;
pub mod emit;
pub mod fit;
pub mod plan;
pub mod source;
pub mod syntax;
