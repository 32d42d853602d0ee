//! What the names of columns mean at each place of a pipeline: a field, a computation that can be put into a condition,
//! or a value that EQL does not have.

use std::collections::HashMap;
use std::sync::Arc;

use crate::fit::Table;
use crate::plan::Expr;
use crate::source::Span;

/// A place in a pipeline: how many changes of names lie before it.
pub(super) type Place = u32;

/// Why the value of a column is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// It is the value of an aggregate.
    Aggregate,
    /// It is an element of an expanded array.
    Element,
    /// It is extracted from a text.
    Extracted,
    /// It comes from the other side of a join.
    Joined,
    /// It depends on the order of rows.
    Window,
    /// It names the table a row comes from.
    TableName,
    /// The hunt does not keep the column up to here.
    Gone,
}

impl Loss {
    /// What the column is, for a message.
    pub(super) fn is(self) -> &'static str {
        match self {
            Self::Aggregate => "an aggregated value",
            Self::Element => "an element of an expanded array",
            Self::Extracted => "extracted from a text",
            Self::Joined => "a column of the joined side",
            Self::Window => "computed from neighbouring rows",
            Self::TableName => "the name of the table",
            Self::Gone => "no column of the rows any more",
        }
    }
}

/// What a name means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meaning<'p> {
    /// The column of the table.
    Source,
    /// An expression, to be read at a place.
    Computed(&'p Expr, Place),
    /// Nothing that EQL has; where it is made.
    Lost(Loss, Span),
}

/// The rows of one table on their way through the pipeline.
#[derive(Clone, Debug)]
pub(super) struct Scope<'p, 'a> {
    /// The table.
    pub(super) table: Table<'a>,
    names: HashMap<Arc<str>, Vec<(Place, Meaning<'p>)>>,
    /// After these places only names that were given there or later are known.
    seals: Vec<Place>,
    /// After this place a name that is not known may belong to the other side of a join.
    blurred: Option<(Place, Span)>,
    here: Place,
}

impl<'p, 'a> Scope<'p, 'a> {
    /// The rows of a table.
    pub(super) fn new(table: Table<'a>) -> Self {
        Self { table, names: HashMap::new(), seals: Vec::new(), blurred: None, here: 1 }
    }

    /// The present place.
    pub(super) fn here(&self) -> Place {
        self.here
    }

    /// Gives names; all see the row as it was before. With `only`, other names are not known from here on.
    pub(super) fn name(&mut self, names: impl IntoIterator<Item = (Arc<str>, Meaning<'p>)>, only: bool) {
        let here = self.here;
        for (name, meaning) in names {
            // A column that stands for itself keeps its meaning.
            let meaning = match meaning {
                Meaning::Computed(expr, at) => match expr.as_column() {
                    Some(column) => match self.meaning(&column.name, column.known, at) {
                        Meaning::Source if column.name == name && !only => continue,
                        Meaning::Source => meaning,
                        other => other,
                    },
                    None => meaning,
                },
                Meaning::Source | Meaning::Lost(..) => meaning,
            };
            self.names.entry(name).or_default().push((here, meaning));
        }
        if only {
            self.seals.push(here);
        }
        self.here += 1;
    }

    /// From here on a name that is not known may belong to the other side of a join.
    pub(super) fn blur(&mut self, span: Span) {
        self.blurred = Some((self.here, span));
        self.here += 1;
    }

    /// What a name means at a place.
    pub(super) fn meaning(&self, name: &str, known: bool, at: Place) -> Meaning<'p> {
        let seal = self.seals.get(self.seals.partition_point(|seal| *seal < at).wrapping_sub(1)).copied();
        let given = self
            .names
            .get(name)
            .and_then(|versions| versions.get(versions.partition_point(|(place, _)| *place < at).wrapping_sub(1)));
        match (given, seal) {
            (Some((place, meaning)), seal) if seal.is_none_or(|seal| *place >= seal) => *meaning,
            (_, Some(_)) => Meaning::Lost(Loss::Gone, Span::default()),
            (_, None) => match self.blurred {
                Some((place, span)) if place < at && !known => Meaning::Lost(Loss::Joined, span),
                _ => Meaning::Source,
            },
        }
    }
}
