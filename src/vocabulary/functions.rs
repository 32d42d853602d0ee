//! Functions of KQL, from `grammars/functions.toml`: what they take and give, their legacy names, the names of their columns.
//!
//! How a function is written in a target is in `targets/*/functions.toml`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::{self, Deserializer};

use crate::data::{self, DataError, Sections};
use crate::plan::{FunctionId, ScalarType};

/// A function of KQL.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionRow {
    /// Its name.
    #[serde(skip)]
    pub name: String,
    /// What it works on.
    pub kind: FunctionKind,
    /// Legacy names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// How many arguments it takes.
    pub arity: Arity,
    /// The types of its arguments; the last repeats.
    #[serde(default)]
    pub params: Vec<ParamType>,
    /// The type of its value.
    pub returns: Returns,
    /// Index of the optional `typeof()` argument that decides the type of the value.
    #[serde(default)]
    pub type_argument: Option<usize>,
    /// The name of a column made of it: `{0}` is the name of argument 0 (empty where it has none), `{literal0}` its text.
    /// Without one the column is `Column1`, `Column2`, … or named by the code that resolves the function.
    #[serde(default)]
    pub autoname: Option<String>,
    /// The same for legacy names that name their column differently.
    #[serde(default)]
    pub alias_autonames: BTreeMap<String, String>,
    /// The automatic name holds only with a single argument.
    #[serde(default)]
    pub autoname_single: bool,
    /// No source states the automatic name.
    #[serde(default)]
    pub autoname_inferred: bool,
    /// Documentation.
    #[serde(default)]
    pub docs: Option<String>,
    /// Whether the value depends on the arguments alone: not on the clock, chance, the order of rows or the service.
    #[serde(default = "yes")]
    pub pure: bool,
}

fn yes() -> bool {
    true
}

impl FunctionRow {
    /// The type of the argument at an index.
    pub fn param(&self, index: usize) -> Option<ParamType> {
        self.params.get(index).or(self.params.last()).copied()
    }

    /// The automatic name of a column made of a call that was written with this name and this many arguments.
    pub fn autoname_of(&self, written: &str, arguments: usize) -> Option<&str> {
        if self.autoname_single && arguments != 1 {
            return None;
        }
        self.alias_autonames.get(written).or(self.autoname.as_ref()).map(String::as_str)
    }
}

/// What a function works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FunctionKind {
    /// Values of one row.
    Scalar,
    /// The rows of a group.
    Aggregate,
    /// Neighbouring rows of a serialized table.
    Window,
    /// `evaluate`
    Plugin,
    /// Gives or takes a table.
    Tabular,
}

/// How many arguments a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arity {
    /// At least.
    pub min: usize,
    /// At most; `None`: any number.
    #[serde(default)]
    pub max: Option<usize>,
}

impl Arity {
    /// Whether a call may have this many arguments.
    pub fn allows(self, count: usize) -> bool {
        count >= self.min && self.max.is_none_or(|max| count <= max)
    }
}

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParamType {
    /// Any scalar value.
    Any,
    /// A number, for some functions a datetime or timespan too.
    Numeric,
    /// A dynamic array.
    Array,
    /// A dynamic property bag.
    Bag,
    /// A table.
    Tabular,
    /// `typeof(…)`
    Type,
    /// `bool`
    Bool,
    /// `datetime`
    Datetime,
    /// `guid`
    Guid,
    /// `int`
    Int,
    /// `long`
    Long,
    /// `real`
    Real,
    /// `string`
    String,
    /// `timespan`
    Timespan,
}

/// The type of a function's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Returns {
    /// This one.
    Type(ScalarType),
    /// That of the argument at this index.
    Param(usize),
    /// The common type of the value arguments.
    Common,
    /// The widest of the numbers; argument 0's where it is a datetime or timespan.
    Widest,
    /// That of argument 0, an `int` becomes `long`.
    Promoted,
    /// That of argument 0 where it is a datetime, timespan or decimal, else `real`.
    Mean,
    /// Any.
    Any,
    /// Several columns.
    Tuple,
    /// A table.
    Tabular,
}

impl<'de> Deserialize<'de> for Returns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Ok(match text.as_ref() {
            "common" => Self::Common,
            "widest" => Self::Widest,
            "promoted" => Self::Promoted,
            "mean" => Self::Mean,
            "any" => Self::Any,
            "tuple" => Self::Tuple,
            "tabular" => Self::Tabular,
            other => match other.strip_prefix("param") {
                Some(index) => Self::Param(index.parse().map_err(|_| de::Error::custom("`paramN` needs a number"))?),
                None => {
                    Self::Type(ScalarType::from_name(other).ok_or_else(|| {
                        de::Error::custom(format!("`{other}` is not a type, nor `paramN`, `common`, …"))
                    })?)
                }
            },
        })
    }
}

/// All functions, in the order of their names; a row is parsed when it is first asked for.
#[derive(Debug)]
pub struct Functions {
    sections: Sections,
    rows: Vec<OnceLock<Option<FunctionRow>>>,
    /// Legacy names, sorted, and the places of their functions.
    aliases: Vec<(String, u16)>,
}

impl Functions {
    pub(super) fn new(file: String, text: Cow<'static, str>) -> Result<Self, DataError> {
        let sections = Sections::split(file, text)?;
        let mut aliases = Vec::new();
        for index in 0..sections.len() {
            let place = u16::try_from(index).map_err(|_| sections.fault(index, "too many functions"))?;
            aliases.extend(aliases_in(sections.body(index)).map(|alias| (alias.to_owned(), place)));
        }
        aliases.sort_unstable();
        let twice =
            aliases.windows(2).find(|pair| matches!(pair, [one, two] if one.0 == two.0)).and_then(|pair| pair.first());
        let taken = aliases.iter().find(|(alias, _)| sections.position(alias).is_some());
        if let Some((alias, place)) = twice.or(taken) {
            return Err(sections.fault(usize::from(*place), format!("`{alias}` names two functions")));
        }
        Ok(Self { rows: (0..sections.len()).map(|_| OnceLock::new()).collect(), sections, aliases })
    }

    /// Parses every row, so that none is found malformed later.
    pub(super) fn check(&self) -> Result<(), DataError> {
        for index in 0..self.sections.len() {
            let row: FunctionRow = self.sections.parse(index)?;
            if !row.aliases.iter().map(String::as_str).eq(aliases_in(self.sections.body(index))) {
                return Err(self.sections.fault(index, "`aliases` must stand on one line"));
            }
        }
        Ok(())
    }

    /// A function by its name or a legacy name of it.
    pub fn by_name(&self, name: &str) -> Option<(FunctionId, &FunctionRow)> {
        let place = match self.sections.position(name) {
            Some(index) => u16::try_from(index).ok()?,
            None => {
                let found = self.aliases.binary_search_by(|(alias, _)| alias.as_str().cmp(name)).ok()?;
                self.aliases.get(found)?.1
            }
        };
        let id = FunctionId(place);
        Some((id, self.get(id)?))
    }

    /// The row of a function; `None` only for an id of another vocabulary (a malformed row is ruled out when data is
    /// read from a folder, and by a test for the data in the binary).
    pub fn get(&self, id: FunctionId) -> Option<&FunctionRow> {
        let index = usize::from(id.0);
        let parse = || {
            let mut row: FunctionRow = self.sections.parse(index).ok()?;
            row.name = self.sections.names().nth(index)?.to_owned();
            Some(row)
        };
        self.rows.get(index)?.get_or_init(parse).as_ref()
    }

    /// The names of all functions, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sections.names()
    }

    /// All rows, by name.
    pub fn iter(&self) -> impl Iterator<Item = &FunctionRow> {
        self.names().filter_map(|name| self.by_name(name)).map(|(_, row)| row)
    }

    /// The function that a name was probably meant to be.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        data::nearest(name, self.names())
    }
}

/// The legacy names in the text of a row.
fn aliases_in(body: &str) -> impl Iterator<Item = &str> {
    let list = body.lines().find_map(|line| line.strip_prefix("aliases = ["));
    list.unwrap_or_default().split('"').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Vocabulary;

    #[test]
    fn every_row_is_sound() {
        let vocabulary = Vocabulary::embedded().unwrap();
        vocabulary.functions().check().unwrap();
        assert_eq!(vocabulary.functions().iter().count(), vocabulary.functions().names().count());
        assert!(vocabulary.functions().iter().count() > 250);
        for row in vocabulary.functions().iter() {
            let name = &row.name;
            assert!(row.arity.max.is_none_or(|max| max >= row.arity.min), "{name}");
            assert!(row.arity.max == Some(0) || !row.params.is_empty(), "{name} has no parameters");
            if let Returns::Param(index) = row.returns {
                assert!(index < row.params.len() || row.param(index).is_some(), "{name}");
            }
            assert!(row.alias_autonames.keys().all(|alias| row.aliases.contains(alias)), "{name}");
            let tabular = matches!(row.kind, FunctionKind::Plugin | FunctionKind::Tabular);
            assert_eq!(tabular, row.returns == Returns::Tabular, "{name}");
        }
    }

    #[test]
    fn legacy_names_lead_to_the_row() {
        let vocabulary = Vocabulary::embedded().unwrap();
        for (legacy, name) in
            [("makeset", "make_set"), ("iif", "iff"), ("any", "take_any"), ("todynamic", "parse_json")]
        {
            let (id, row) = vocabulary.function(legacy).unwrap();
            assert_eq!(row.name, name);
            assert_eq!(vocabulary.function_row(id).unwrap().name, name);
        }
        let (_, any) = vocabulary.function("any").unwrap();
        assert_eq!(any.autoname_of("any", 1), Some("any_{0}"));
        assert_eq!(any.autoname_of("take_any", 1), Some("{0}"));
        assert!(vocabulary.function("ToLower").is_none());
        assert_eq!(vocabulary.nearest_function("ToLower"), Some("tolower"));
    }

    #[test]
    fn a_name_is_given_once() {
        let row = "kind = \"scalar\"\narity = { min = 1, max = 1 }\nparams = [\"any\"]\nreturns = \"string\"\n";
        let read = |text: String| Functions::new("f.toml".to_owned(), Cow::Owned(text));
        for text in
            [format!("[a]\naliases = [\"b\"]\n{row}[b]\n{row}"), format!("[a]\naliases = [\"b\", \"b\"]\n{row}")]
        {
            assert!(read(text).unwrap_err().message.contains("`b` names two functions"));
        }
        let broken = read(format!("[a]\naliases = [\n\"b\"]\n{row}")).unwrap();
        assert!(broken.check().unwrap_err().message.contains("one line"));
        let wrong = read(format!("# head\n[a]\n{row}colour = 1\n")).unwrap();
        assert_eq!(wrong.check().unwrap_err().line, Some(7));
    }
}
