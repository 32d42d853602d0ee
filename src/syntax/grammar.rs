//! The parser that pest generates from `grammars/kql.pest`. No logic lives here.

#![allow(missing_docs)] // The rules are documented in the grammar.

/// pest's parser of KQL.
#[derive(pest_derive::Parser)]
#[grammar = "../grammars/kql.pest"]
pub(super) struct Kql;
