//! The typed form of an SPL search: what the language can say, and nothing that it can not.
//!
//! The search language and the eval language are two types, because their precedence, case rules and quoting differ.
//! See <https://help.splunk.com/en/splunk-enterprise/search/search-reference>.

use crate::target::{Binding, Context, Template};

/// A search.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    /// How names and texts are written and how tightly operators bind in the base search.
    pub(crate) search: Context,
    /// The same in `where` and `eval`.
    pub(crate) eval: Context,
    /// The commands; the first is a [`Command::Search`].
    pub(crate) commands: Vec<Command>,
}

/// The name of a field. Only [`Name::new`] makes one, so that every name can be written in every command.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name(String);

impl Name {
    /// The name, if every command can address it: `*` is a wildcard in most of them, braces are filled in by `eval`, and
    /// quotes, brackets and bars end a name in one command or another, with no escape that all of them know.
    pub(crate) fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let first = name.chars().next()?;
        let sound = (first.is_alphabetic() || matches!(first, '_' | '@'))
            && !name.ends_with(' ')
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ' | ':' | '@' | '#' | '/'));
        sound.then_some(Self(name))
    }

    /// A name that is known to be sound: of letters and underscores.
    pub(crate) fn of(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// A command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// The base search: all terms must hold.
    Search(Vec<SearchExpr>),
    /// `search` after another command: all terms must hold.
    Refine(Vec<SearchExpr>),
    /// `from datamodel:`: the events of a dataset, under the names of its fields.
    From(Dataset),
    /// `tstats`
    Tstats(Tstats),
    /// `rename Dataset.* AS *`: fields lose the name of their dataset.
    Undressed(Dataset),
    /// `where`
    Where(EvalExpr),
    /// `eval`: each assignment sees those before it.
    Eval(Vec<(Name, EvalExpr)>),
    /// `fields`: keeps these, and the internal ones.
    Fields(Vec<Name>),
    /// `fields -`
    FieldsAway(Vec<Name>),
    /// `fields -` with wildcards.
    FieldsAwayLike(Vec<Glob>),
    /// `table`: keeps exactly these, in this order.
    Table(Vec<Name>),
    /// `table` with wildcards: these first, in this order.
    TableLike(Vec<Glob>),
    /// `rename`: `(from, to)`, one after the other.
    Rename(Vec<(Name, Name)>),
    /// `stats`
    Stats {
        /// The aggregates.
        aggregates: Vec<StatsAggregate>,
        /// The keys.
        by: Vec<Name>,
    },
    /// `eventstats`: each row gets the aggregates of its group.
    EventStats {
        /// The aggregates.
        aggregates: Vec<StatsAggregate>,
        /// The keys.
        by: Vec<Name>,
    },
    /// `streamstats`: each row gets the aggregates of the rows up to it.
    StreamStats {
        /// The aggregates.
        aggregates: Vec<StatsAggregate>,
        /// The keys.
        by: Vec<Name>,
        /// Which rows they look at.
        over: StreamWindow,
    },
    /// `fillnull value=""`
    FillEmpty(Vec<Name>),
    /// `sort`: how many rows stay (`None`: all), and the keys.
    Sort {
        /// Rows that stay.
        count: Option<u64>,
        /// What is ordered.
        keys: Vec<SortBy>,
    },
    /// `head`
    Head(u64),
    /// `dedup`
    Dedup(Vec<Name>),
    /// `makeresults`: one row, or those of a JSON text.
    MakeResults(Option<String>),
    /// `inputlookup`: the rows of a lookup.
    InputLookup(Name),
    /// `lookup`: what a lookup of the site holds of a value.
    Lookup {
        /// The lookup.
        lookup: Name,
        /// Its key.
        column: Name,
        /// The field that is looked up.
        field: Name,
        /// The field that gets the key where there is one; otherwise all columns of the lookup come in.
        flag: Option<Name>,
    },
    /// `multisearch`: the events of several searches, which hold streaming commands only.
    Multisearch(Vec<Vec<Command>>),
    /// `iplocation`: fields that say where an address is.
    IpLocation {
        /// What their names begin with.
        prefix: Name,
        /// The address.
        field: Name,
    },
    /// `reverse`
    Reverse,
    /// `mvexpand`: a row for each value of the field, and how many of them at most.
    MvExpand(Name, Option<u64>),
    /// `rex`: the named groups of a pattern of PCRE become fields.
    Rex {
        /// The text that is looked at.
        field: Name,
        /// The pattern.
        pattern: String,
    },
    /// `xyseries`: a column for each value of the second field, which holds the third; a row for each of the first.
    XySeries(Name, Name, Name),
    /// `fillnull value=0`, of every field.
    FillZero,
    /// `spath`: what lies in the JSON of a field, as fields.
    Spath(Name),
    /// `appendpipe [ … ]`: what a search makes of these rows, after them.
    AppendPipe(Vec<Command>),
    /// `append [ … ]`: the rows of another search after these.
    Append(Vec<Command>),
    /// `join`: each row with the rows of another search whose keys are equal; fields of theirs overwrite its own.
    Join {
        /// Rows that find none stay.
        outer: bool,
        /// With every row found, not with the first alone.
        all: bool,
        /// The keys.
        keys: Vec<Name>,
        /// A field that says that a row was found.
        flag: Option<Name>,
        /// The other search.
        search: Vec<Command>,
    },
}

/// The names of fields, as a pattern: `*` stands for any text. Only [`Glob::new`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(String);

impl Glob {
    /// The pattern, if each name that it stands for could be written.
    pub(crate) fn new(pattern: &str) -> Option<Self> {
        Name::new(pattern.replace('*', "a")).map(|_| Self(pattern.to_owned()))
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl From<&Name> for Glob {
    fn from(name: &Name) -> Self {
        Self(name.0.clone())
    }
}

/// The rows that `streamstats` looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamWindow {
    /// All up to this one.
    UpTo,
    /// So many before this one.
    Last(u64),
}

/// A dataset of a data model. Only [`Dataset::new`] makes one, so that it can be written without quotes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dataset {
    model: String,
    node: String,
}

impl Dataset {
    /// The dataset `Model.Node`, if both are plain words.
    pub(crate) fn new(path: &str) -> Option<Self> {
        let (model, node) = path.split_once('.')?;
        let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (plain(model) && plain(node)).then(|| Self { model: model.to_owned(), node: node.to_owned() })
    }

    /// `Model.Node`
    pub(crate) fn path(&self) -> String {
        format!("{}.{}", self.model, self.node)
    }

    /// What stands before the names of its fields in `tstats`.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// A field of the dataset as `tstats` names it; fields that every event has stand alone.
    pub(crate) fn field(&self, name: &Name) -> Name {
        match name.text() {
            "_time" | "host" | "index" | "source" | "sourcetype" => name.clone(),
            text => Name(format!("{}.{text}", self.node)),
        }
    }
}

/// `tstats`: statistics of the indexed fields of a dataset. It knows no expressions, and its filter is the search language.
/// See <https://help.splunk.com/en/splunk-enterprise/search/spl-search-reference/10.0/search-commands/tstats>.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tstats {
    /// Where the events are found.
    pub(crate) dataset: Dataset,
    /// What is measured.
    pub(crate) measures: Vec<Measure>,
    /// All must hold; names are those of [`Dataset::field`].
    pub(crate) filter: Vec<SearchExpr>,
    /// The keys.
    pub(crate) by: Vec<Name>,
    /// Whether a missing key becomes the empty text; otherwise its events are left out.
    pub(crate) fill: bool,
    /// The seconds of the bins, where `_time` is a key as well.
    pub(crate) span: Option<i64>,
}

/// A measure of `tstats`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measure {
    /// The function.
    pub(crate) function: MeasureFunction,
    /// The field; `count` counts events.
    pub(crate) field: Option<Name>,
    /// The field that it makes.
    pub(crate) name: Name,
}

/// Functions of `tstats` that mean what they mean in `stats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are Splunk's own.
pub(crate) enum MeasureFunction {
    Avg,
    Count,
    Dc,
    Max,
    Min,
    Sum,
    Values,
}

impl MeasureFunction {
    /// The function of `stats` with this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::Avg, Self::Count, Self::Dc, Self::Max, Self::Min, Self::Sum, Self::Values]
            .into_iter()
            .find(|it| it.name() == name)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Count => "count",
            Self::Dc => "dc",
            Self::Max => "max",
            Self::Min => "min",
            Self::Sum => "sum",
            Self::Values => "values",
        }
    }
}

/// A key of `sort`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SortBy {
    /// The field.
    pub(crate) field: Name,
    /// Greatest first.
    pub(crate) descending: bool,
    /// How values are compared.
    pub(crate) order: SortOrder,
}

/// How `sort` compares values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortOrder {
    /// As numbers.
    Number,
    /// As text.
    Text,
    /// As Splunk sees fit.
    Auto,
}

/// An aggregate of `stats`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StatsAggregate {
    /// The function: `count`, `dc`, `exactperc95`.
    pub(crate) function: String,
    /// What it aggregates.
    pub(crate) of: StatsInput,
    /// The field that it makes.
    pub(crate) name: Name,
}

/// What an aggregate looks at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StatsInput {
    /// The rows.
    Rows,
    /// A field.
    Field(Name),
    /// An expression.
    Eval(EvalExpr),
}

impl StatsInput {
    /// Whether it looks at a field.
    pub(crate) fn reads(&self, name: &Name) -> bool {
        match self {
            Self::Rows => false,
            Self::Field(field) => field == name,
            Self::Eval(expr) => {
                let mut found = false;
                expr.fields(&mut |field| found |= field == name);
                found
            }
        }
    }
}

/// An expression of the search language.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SearchExpr {
    /// `` `name` ``: a macro of the site.
    Macro(String),
    /// `earliest=…`, `latest=…`: a modifier in the form that Splunk reads, without blanks or quotes.
    Time {
        /// `latest`; otherwise `earliest`.
        latest: bool,
        /// The value.
        value: String,
    },
    /// `field="value"`; case does not count.
    Equals(Name, Pattern),
    /// `field IN ("a", "b")`
    In(Name, Vec<Pattern>),
    /// `field>5`
    Order(Name, Order, String),
    /// `field=*`
    Exists(Name),
    /// `"text"`: in the raw event.
    Anywhere(Pattern),
    /// `NOT x`
    Not(Box<SearchExpr>),
    /// All hold.
    And(Vec<SearchExpr>),
    /// One holds.
    Or(Vec<SearchExpr>),
}

/// A value of the search language: text that holds no `*`, with wildcards at its ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    /// Whether anything may stand before it.
    pub(crate) before: bool,
    /// The text.
    pub(crate) text: String,
    /// Whether anything may stand after it.
    pub(crate) after: bool,
}

/// Orderings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are those of `plan::CompareOp`.
pub(crate) enum Order {
    Lt,
    Le,
    Gt,
    Ge,
}

/// Comparisons of the eval language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are those of `plan::CompareOp`.
pub(crate) enum Comparison {
    Eq,
    Ne,
    Order(Order),
}

/// Operators on numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are those of `plan::ArithmeticOp`.
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// An expression of the eval language.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum EvalExpr {
    /// A field.
    Field(Name),
    /// A text.
    Text(String),
    /// A regular expression of PCRE: a text whose control characters are already spelled out.
    Regex(String),
    /// A number, in the form that Splunk reads.
    Number(String),
    /// A function.
    Call(&'static str, Vec<EvalExpr>),
    /// A function as a row of data spells it.
    Spelled {
        /// The spelling.
        template: Template,
        /// How tightly the result binds.
        binding: Binding,
        /// The arguments.
        args: Vec<EvalExpr>,
    },
    /// A comparison.
    Compare(Comparison, Box<EvalExpr>, Box<EvalExpr>),
    /// `a + b`
    Arithmetic(Operator, Box<EvalExpr>, Box<EvalExpr>),
    /// `a . b`
    Concat(Vec<EvalExpr>),
    /// `-a`
    Negate(Box<EvalExpr>),
    /// `NOT a`
    Not(Box<EvalExpr>),
    /// All hold.
    And(Vec<EvalExpr>),
    /// One holds.
    Or(Vec<EvalExpr>),
}

impl EvalExpr {
    /// `a op b`
    pub(crate) fn compare(op: Comparison, a: Self, b: Self) -> Self {
        Self::Compare(op, Box::new(a), Box::new(b))
    }

    /// `a == b`
    pub(crate) fn eq(a: Self, b: Self) -> Self {
        Self::compare(Comparison::Eq, a, b)
    }

    /// `a != b`
    pub(crate) fn ne(a: Self, b: Self) -> Self {
        Self::compare(Comparison::Ne, a, b)
    }

    /// `a op b`
    pub(crate) fn arithmetic(op: Operator, a: Self, b: Self) -> Self {
        Self::Arithmetic(op, Box::new(a), Box::new(b))
    }

    /// `isnull(a)`
    pub(crate) fn is_null(a: Self) -> Self {
        Self::Call("isnull", vec![a])
    }

    /// `isnotnull(a)`
    pub(crate) fn is_not_null(a: Self) -> Self {
        Self::Call("isnotnull", vec![a])
    }

    /// `coalesce(a, "")`
    pub(crate) fn or_empty(a: Self) -> Self {
        Self::Call("coalesce", vec![a, Self::Text(String::new())])
    }

    /// `json_extract(a, "path")`
    pub(crate) fn json_extract(a: Self, path: &str) -> Self {
        Self::Call("json_extract", vec![a, Self::Text(path.to_owned())])
    }

    /// `null()`
    pub(crate) fn null() -> Self {
        Self::Call("null", Vec::new())
    }

    /// `true()`, `false()`
    pub(crate) fn bool(value: bool) -> Self {
        Self::Call(if value { "true" } else { "false" }, Vec::new())
    }

    /// `NOT a`; the negation of a test of presence is the other test.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Call("isnull", args) => Self::Call("isnotnull", args),
            Self::Call("isnotnull", args) => Self::Call("isnull", args),
            Self::Call("true", args) => Self::Call("false", args),
            Self::Call("false", args) => Self::Call("true", args),
            other => Self::Not(Box::new(other)),
        }
    }

    /// All hold, with nested conjunctions taken up; `true()` of none.
    pub(crate) fn all(items: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for item in items {
            match item {
                Self::And(inner) => flat.extend(inner),
                Self::Call("true", _) => {}
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::bool(true),
            1 => flat.remove(0),
            _ => Self::And(flat),
        }
    }

    /// One holds, with nested disjunctions taken up; `false()` of none.
    pub(crate) fn any(items: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for item in items {
            match item {
                Self::Or(inner) => flat.extend(inner),
                Self::Call("false", _) => {}
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::bool(false),
            1 => flat.remove(0),
            _ => Self::Or(flat),
        }
    }

    /// Whether the expression has more than so many nodes.
    pub(crate) fn is_larger_than(&self, limit: usize) -> bool {
        let mut left = limit;
        let mut open = vec![self];
        while let Some(expr) = open.pop() {
            let Some(rest) = left.checked_sub(1) else { return true };
            left = rest;
            match expr {
                Self::Field(_) | Self::Text(_) | Self::Regex(_) | Self::Number(_) => {}
                Self::Call(_, items)
                | Self::Spelled { args: items, .. }
                | Self::Concat(items)
                | Self::And(items)
                | Self::Or(items) => open.extend(items),
                Self::Compare(_, a, b) | Self::Arithmetic(_, a, b) => open.extend([a.as_ref(), b.as_ref()]),
                Self::Negate(a) | Self::Not(a) => open.push(a),
            }
        }
        false
    }

    /// Reads another field in place of one.
    pub(crate) fn rename(&mut self, from: &Name, to: &Name) {
        match self {
            Self::Field(name) if name == from => *name = to.clone(),
            Self::Field(_) | Self::Text(_) | Self::Regex(_) | Self::Number(_) => {}
            Self::Call(_, items)
            | Self::Spelled { args: items, .. }
            | Self::Concat(items)
            | Self::And(items)
            | Self::Or(items) => items.iter_mut().for_each(|item| item.rename(from, to)),
            Self::Compare(_, a, b) | Self::Arithmetic(_, a, b) => {
                a.rename(from, to);
                b.rename(from, to);
            }
            Self::Negate(a) | Self::Not(a) => a.rename(from, to),
        }
    }

    /// Calls `see` with each field that is read.
    pub(crate) fn fields(&self, see: &mut dyn FnMut(&Name)) {
        match self {
            Self::Field(name) => see(name),
            Self::Text(_) | Self::Regex(_) | Self::Number(_) => {}
            Self::Call(_, items)
            | Self::Spelled { args: items, .. }
            | Self::Concat(items)
            | Self::And(items)
            | Self::Or(items) => items.iter().for_each(|item| item.fields(see)),
            Self::Compare(_, a, b) | Self::Arithmetic(_, a, b) => {
                a.fields(see);
                b.fields(see);
            }
            Self::Negate(a) | Self::Not(a) => a.fields(see),
        }
    }
}

impl SearchExpr {
    /// The same with other names of fields.
    pub(crate) fn renamed(&self, to: &dyn Fn(&Name) -> Name) -> Self {
        let all = |items: &[Self]| items.iter().map(|item| item.renamed(to)).collect();
        match self {
            Self::Macro(_) | Self::Time { .. } | Self::Anywhere(_) => self.clone(),
            Self::Equals(name, pattern) => Self::Equals(to(name), pattern.clone()),
            Self::In(name, patterns) => Self::In(to(name), patterns.clone()),
            Self::Order(name, order, value) => Self::Order(to(name), *order, value.clone()),
            Self::Exists(name) => Self::Exists(to(name)),
            Self::Not(inner) => Self::Not(Box::new(inner.renamed(to))),
            Self::And(items) => Self::And(all(items)),
            Self::Or(items) => Self::Or(all(items)),
        }
    }

    /// All hold, with nested conjunctions taken up.
    pub(crate) fn all(items: Vec<Self>) -> Option<Self> {
        let mut flat = Vec::new();
        for item in items {
            match item {
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() > 1 { Some(Self::And(flat)) } else { flat.pop() }
    }

    /// One holds, with nested disjunctions taken up; values of one field stand in one list.
    pub(crate) fn any(items: Vec<Self>) -> Option<Self> {
        let mut flat = Vec::new();
        for item in items {
            match item {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        let mut merged: Vec<Self> = Vec::new();
        for item in flat {
            let (name, patterns) = match item {
                Self::Equals(name, pattern) => (name, vec![pattern]),
                Self::In(name, patterns) => (name, patterns),
                other => {
                    if !merged.contains(&other) {
                        merged.push(other);
                    }
                    continue;
                }
            };
            let known = merged.iter_mut().find_map(|it| match it {
                Self::In(other, known) if *other == name => Some(known),
                _ => None,
            });
            match known {
                Some(known) => known.extend(patterns),
                None => merged.push(Self::In(name, patterns)),
            }
        }
        for item in &mut merged {
            if let Self::In(name, patterns) = item
                && let [one] = patterns.as_slice()
            {
                *item = Self::Equals(name.clone(), one.clone());
            }
        }
        if merged.len() > 1 { Some(Self::Or(merged)) } else { merged.pop() }
    }
}
