//! Scalar types of KQL and constant values.

use std::fmt;

/// A scalar type of KQL.
///
/// See <https://learn.microsoft.com/kusto/query/scalar-data-types/>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScalarType {
    /// `bool`
    Bool,
    /// `datetime`, 100 ns ticks
    Datetime,
    /// `decimal`
    Decimal,
    /// `dynamic`: an array, a property bag or any other scalar
    Dynamic,
    /// `guid`
    Guid,
    /// `int`, 32 bits
    Int,
    /// `long`, 64 bits
    Long,
    /// `real`
    Real,
    /// `string`: never null, a missing value is the empty text
    String,
    /// `timespan`, 100 ns ticks
    Timespan,
    /// Not known: a column of a table that the vocabulary does not hold.
    Unknown,
}

impl ScalarType {
    /// The type of this name, KQL's aliases (`boolean`, `date`, `double`, `time`, `uuid`, …) included.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "bool" | "boolean" => Self::Bool,
            "datetime" | "date" => Self::Datetime,
            "decimal" => Self::Decimal,
            "dynamic" => Self::Dynamic,
            "guid" | "uuid" | "uniqueid" => Self::Guid,
            "int" | "int32" | "uint" => Self::Int,
            "long" | "int64" | "ulong" => Self::Long,
            "real" | "double" | "float" => Self::Real,
            "string" => Self::String,
            "timespan" | "time" => Self::Timespan,
            _ => return None,
        })
    }

    /// KQL's name of the type; `unknown` where it is not known.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Datetime => "datetime",
            Self::Decimal => "decimal",
            Self::Dynamic => "dynamic",
            Self::Guid => "guid",
            Self::Int => "int",
            Self::Long => "long",
            Self::Real => "real",
            Self::String => "string",
            Self::Timespan => "timespan",
            Self::Unknown => "unknown",
        }
    }

    /// Whether values of the type are numbers.
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Decimal | Self::Int | Self::Long | Self::Real)
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// 100 ns ticks in one second.
pub const TICKS_PER_SECOND: i64 = 10_000_000;
/// 100 ns ticks in one day.
pub const TICKS_PER_DAY: i64 = 86_400 * TICKS_PER_SECOND;
/// Ticks from 0001-01-01, where KQL's `datetime` begins, to the Unix epoch.
pub const UNIX_EPOCH_TICKS: i64 = 719_162 * TICKS_PER_DAY;

/// A constant.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum Value {
    /// A typed null: `int(null)`, `datetime(null)`, `dynamic(null)`.
    Null(ScalarType),
    /// `true`, `false`
    Bool(bool),
    /// An integer; `int(5)` and `5` differ in the type of their expression only.
    Long(i64),
    /// A floating-point number.
    Real(f64),
    /// A decimal, as written.
    Decimal(String),
    /// A text, decoded.
    String(String),
    /// Ticks of 100 ns since 0001-01-01T00:00:00Z.
    Datetime(i64),
    /// Ticks of 100 ns.
    Timespan(i64),
    /// A GUID, in lower case with dashes.
    Guid(String),
    /// `dynamic([...])`
    Array(Vec<Value>),
    /// `dynamic({...})`, in the order written.
    Bag(Vec<(String, Value)>),
}

impl Value {
    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Null(_)
            | Self::Bool(_)
            | Self::Long(_)
            | Self::Real(_)
            | Self::Decimal(_)
            | Self::Datetime(_)
            | Self::Timespan(_)
            | Self::Guid(_)
            | Self::Array(_)
            | Self::Bag(_) => None,
        }
    }

    /// The type of the constant (a bare integer is a `long`).
    pub fn ty(&self) -> ScalarType {
        match self {
            Self::Null(ty) => *ty,
            Self::Bool(_) => ScalarType::Bool,
            Self::Long(_) => ScalarType::Long,
            Self::Real(_) => ScalarType::Real,
            Self::Decimal(_) => ScalarType::Decimal,
            Self::String(_) => ScalarType::String,
            Self::Datetime(_) => ScalarType::Datetime,
            Self::Timespan(_) => ScalarType::Timespan,
            Self::Guid(_) => ScalarType::Guid,
            Self::Array(_) | Self::Bag(_) => ScalarType::Dynamic,
        }
    }
}
