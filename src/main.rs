//! huntgate (skeleton).
fn main() {}
