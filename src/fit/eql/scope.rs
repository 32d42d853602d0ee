//! What the names of columns mean at each place of a pipeline: a field, a computation that can be put into a condition,
//! or a value that EQL does not have.

use std::collections::HashMap;
use std::sync::Arc;

use crate::fit::Table;
use crate::plan::{ColumnRef, Expr};
use crate::source::Span;

/// A place in a pipeline: how many changes of names lie before it.
pub(super) type Place = u32;

/// Why the value of a column is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// It is the value of an aggregate.
    Aggregate,
    /// It is the first or last time of the events of a group.
    Time,
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
            Self::Aggregate | Self::Time => "an aggregated value",
            Self::Element => "an element of an expanded array",
            Self::Extracted => "extracted from a text",
            Self::Joined => "a column of the joined side",
            Self::Window => "computed from neighbouring rows",
            Self::TableName => "the name of the table",
            Self::Gone => "no column of the rows any more",
        }
    }
}

impl Loss {
    /// What has such values.
    pub(super) fn instead(self) -> &'static str {
        match self {
            Self::Aggregate | Self::Time => "the target esql aggregates",
            Self::Element => "the target esql expands arrays",
            Self::Extracted => "the target esql extracts from texts",
            Self::Joined => "the targets esql and splunk join",
            Self::Window => "the target splunk looks at neighbouring rows",
            Self::TableName => "the target esql has the name of the index",
            Self::Gone => "the target esql keeps the columns of the hunt",
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

/// What a name that was given before a place means after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seal {
    /// No column any more.
    Gone,
    /// A column of another set of events.
    Joined(Span),
    /// A column of another set of events, unless nothing is known of the name.
    JoinedIfKnown(Span),
}

/// The rows of one table on their way through the pipeline.
#[derive(Clone, Debug)]
pub(super) struct Scope<'p, 'a> {
    /// The table.
    pub(super) table: Table<'a>,
    names: HashMap<Arc<str>, Vec<(Place, Meaning<'p>)>>,
    /// Names that a join gave to columns of the table: from this place on.
    aliases: HashMap<Arc<str>, (Place, ColumnRef)>,
    /// After these places only names that were given there or later are known.
    seals: Vec<(Place, Seal)>,
    /// After this place a name that is not known may belong to the other side of a join.
    blurred: Option<(Place, Span)>,
    here: Place,
}

impl<'p, 'a> Scope<'p, 'a> {
    /// The rows of a table.
    pub(super) fn new(table: Table<'a>) -> Self {
        Self { table, names: HashMap::new(), aliases: HashMap::new(), seals: Vec::new(), blurred: None, here: 1 }
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
            self.seals.push((here, Seal::Gone));
        }
        self.here += 1;
    }

    /// Goes on to a place, so that several scopes count alike.
    pub(super) fn advance(&mut self, to: Place) {
        self.here = self.here.max(to);
    }

    /// Makes this the right side of a join: `(name before, name after)` are its columns; of other names only those that
    /// nothing is known of may be its own, and only where it is `open`.
    pub(super) fn join(&mut self, names: &[(Arc<str>, Arc<str>)], open: bool, span: Span) {
        let here = self.here;
        let column = |name: &Arc<str>| ColumnRef { name: name.clone(), known: true };
        let given: Vec<_> = names.iter().map(|(before, _)| self.meaning(before, true, here)).collect();
        for ((before, after), meaning) in names.iter().zip(given) {
            if let Meaning::Source = meaning {
                let original = self.original(&column(before), here);
                self.aliases.insert(after.clone(), (here, original));
            }
            self.names.entry(after.clone()).or_default().push((here, meaning));
        }
        self.seals.push((here, if open { Seal::JoinedIfKnown(span) } else { Seal::Joined(span) }));
        self.here += 1;
    }

    /// The column of the table that a name stands for, where it means one.
    pub(super) fn original(&self, column: &ColumnRef, at: Place) -> ColumnRef {
        match self.aliases.get(&column.name) {
            Some((place, original)) if *place < at => original.clone(),
            _ => column.clone(),
        }
    }

    /// From here on a name that is not known may belong to the other side of a join.
    pub(super) fn blur(&mut self, span: Span) {
        self.blurred = Some((self.here, span));
        self.here += 1;
    }

    /// What a name means at a place.
    pub(super) fn meaning(&self, name: &str, known: bool, at: Place) -> Meaning<'p> {
        let seal = self.seals.get(self.seals.partition_point(|(seal, _)| *seal < at).wrapping_sub(1)).copied();
        let given = self
            .names
            .get(name)
            .and_then(|versions| versions.get(versions.partition_point(|(place, _)| *place < at).wrapping_sub(1)));
        match (given, seal) {
            (Some((place, meaning)), seal) if seal.is_none_or(|(seal, _)| *place >= seal) => *meaning,
            (_, Some((_, Seal::Gone))) => Meaning::Lost(Loss::Gone, Span::default()),
            (_, Some((_, Seal::Joined(span)))) => Meaning::Lost(Loss::Joined, span),
            (_, Some((_, Seal::JoinedIfKnown(span)))) if known => Meaning::Lost(Loss::Joined, span),
            (_, Some((_, Seal::JoinedIfKnown(_)))) => Meaning::Source,
            (_, None) => match self.blurred {
                Some((place, span)) if place < at && !known => Meaning::Lost(Loss::Joined, span),
                _ => Meaning::Source,
            },
        }
    }
}
