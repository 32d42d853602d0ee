//! What is known of the source language: its functions and tables, from `grammars/*.toml`.
//!
//! Nothing of a target is known here, and nothing of how a hunt is written. A function or
//! a table is parsed when it is first asked for.

mod functions;
mod tables;

use std::path::Path;

use crate::data::{DataError, Embedded, Files};
use crate::plan::FunctionId;

pub use functions::{Arity, FunctionKind, FunctionRow, Functions, ParamType, Returns};
pub use tables::{Availability, ColumnRow, Family, ParameterOp, ParameterRow, TableRow, Tables};

#[derive(rust_embed::RustEmbed)]
#[folder = "grammars"]
struct Grammars;

/// The functions and tables of KQL that are known.
#[derive(Debug)]
pub struct Vocabulary {
    functions: Functions,
    tables: Tables,
}

impl Vocabulary {
    /// The vocabulary in the binary.
    ///
    /// # Errors
    /// A file of data is malformed, which a test of the crate rules out.
    pub fn embedded() -> Result<Self, DataError> {
        Self::from_files(Files::Embedded(Embedded {
            root: "grammars",
            get: |path| Grammars::get(path).map(|file| file.data),
            names: || Grammars::iter().collect(),
        }))
    }

    /// The vocabulary in a folder that is laid out as `grammars/`.
    ///
    /// # Errors
    /// The folder can not be read, or `functions.toml` is malformed.
    pub fn from_folder(folder: &Path) -> Result<Self, DataError> {
        let vocabulary = Self::from_files(Files::Folder(folder.to_owned()))?;
        vocabulary.functions.check()?;
        Ok(vocabulary)
    }

    fn from_files(files: Files) -> Result<Self, DataError> {
        let functions = Functions::new(files.name("functions.toml"), files.require("functions.toml")?)?;
        Ok(Self { functions, tables: Tables::new(files)? })
    }

    /// All functions.
    pub fn functions(&self) -> &Functions {
        &self.functions
    }

    /// A function by its name or a legacy name of it; case counts, as in KQL.
    pub fn function(&self, name: &str) -> Option<(FunctionId, &FunctionRow)> {
        self.functions.by_name(name)
    }

    /// The row of a function; `None` only for an id of another vocabulary.
    pub fn function_row(&self, id: FunctionId) -> Option<&FunctionRow> {
        self.functions.get(id)
    }

    /// The function that a name was probably meant to be.
    pub fn nearest_function(&self, name: &str) -> Option<&str> {
        self.functions.nearest(name)
    }

    /// A table by its name or another name of it; case counts, as in KQL.
    ///
    /// # Errors
    /// The table's file is malformed.
    pub fn table(&self, name: &str) -> Result<Option<&TableRow>, DataError> {
        self.tables.get(name)
    }

    /// The table that a name was probably meant to be.
    pub fn nearest_table(&self, name: &str) -> Option<&str> {
        self.tables.nearest(name)
    }

    /// The names of all tables, sorted.
    pub fn table_names(&self) -> impl Iterator<Item = &str> {
        self.tables.names()
    }
}
