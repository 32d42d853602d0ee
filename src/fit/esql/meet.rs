//! Rows of two pipelines that find one another by their keys.
