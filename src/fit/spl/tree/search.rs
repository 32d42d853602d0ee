//! The expressions of the base search and of `search`: fields against texts with wildcards, without functions.

use super::name::Name;

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
            let known = merged.iter_mut().find_map(|it| {
                let Self::In(other, known) = it else { return None };
                (*other == name).then_some(known)
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
