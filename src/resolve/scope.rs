//! Which names mean what at which place: lets, functions and parameters, lexically nested.
//!
//! Levels lie in one arena; a scope is a level and how many of its entries can be seen from a place. What an entry
//! means is worked out on first use, in `inline` and `statements`.

use std::collections::HashMap;
use std::rc::Rc;

use super::columns::Rows;
use crate::plan::Expr;
use crate::source::Span;
use crate::syntax::ast;

/// A place from which names are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    level: usize,
    visible: usize,
}

/// Identity of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct EntryId(usize);

/// A name and what it stands for.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a ast::Name,
    /// The statement, where the name is a let.
    pub(super) statement: Option<Span>,
    pub(super) kind: EntryKind<'a>,
    /// Where lets of the same statements are seen from.
    pub(super) scope: Scope,
    pub(super) used: bool,
    /// Its meaning is being worked out: to meet it again is recursion.
    pub(super) active: bool,
    pub(super) shape: Option<Shape>,
}

/// Kinds of entries.
#[derive(Clone, Debug)]
pub(super) enum EntryKind<'a> {
    /// A let, not yet looked at.
    Let(&'a ast::Expr),
    /// A function.
    Function(&'a ast::Function),
    /// A value, with the number of its nodes.
    Value(Rc<Expr>, usize),
    /// Rows, with the number of their nodes.
    Rows(Rc<Rows>, usize),
    /// A parameter of which only the shape is known.
    Open,
}

/// Whether something gives a value or rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Scalar,
    Tabular,
}

#[derive(Debug)]
struct Level<'a> {
    parent: Option<Scope>,
    entries: Vec<EntryId>,
    names: HashMap<&'a str, Vec<(usize, EntryId)>>,
}

/// All levels and entries of a hunt.
#[derive(Debug, Default)]
pub(super) struct Scopes<'a> {
    levels: Vec<Level<'a>>,
    entries: Vec<Entry<'a>>,
}

/// What a name is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// This entry.
    Entry(EntryId),
    /// An entry that begins only after the place.
    Later(EntryId),
    /// Nothing.
    Nothing,
}

impl<'a> Scopes<'a> {
    /// Opens a level.
    pub(super) fn open(&mut self, parent: Option<Scope>) -> Scope {
        self.levels.push(Level { parent, entries: Vec::new(), names: HashMap::new() });
        Scope { level: self.levels.len() - 1, visible: 0 }
    }

    /// Adds a name; the scope returned sees it, `scope` does not.
    pub(super) fn add(
        &mut self,
        scope: Scope,
        name: &'a ast::Name,
        statement: Option<Span>,
        kind: EntryKind<'a>,
        shape: Option<Shape>,
    ) -> Scope {
        let id = EntryId(self.entries.len());
        self.entries.push(Entry { name, statement, kind, scope, used: false, active: false, shape });
        let mut seen = scope;
        if let Some(level) = self.levels.get_mut(scope.level) {
            level.names.entry(&name.text).or_default().push((level.entries.len(), id));
            level.entries.push(id);
            seen.visible = level.entries.len();
        }
        seen
    }

    /// What a name means at a place.
    pub(super) fn find(&self, scope: Scope, name: &str) -> Found {
        let (mut at, mut later) = (Some(scope), None);
        while let Some(scope) = at {
            let Some(level) = self.levels.get(scope.level) else { break };
            if let Some(places) = level.names.get(name) {
                let seen = places.partition_point(|(place, _)| *place < scope.visible);
                if let Some((_, id)) = seen.checked_sub(1).and_then(|last| places.get(last)) {
                    return Found::Entry(*id);
                }
                later = later.or(places.get(seen).map(|(_, id)| *id));
            }
            at = level.parent;
        }
        later.map_or(Found::Nothing, Found::Later)
    }

    pub(super) fn get(&self, id: EntryId) -> Option<&Entry<'a>> {
        self.entries.get(id.0)
    }

    pub(super) fn get_mut(&mut self, id: EntryId) -> Option<&mut Entry<'a>> {
        self.entries.get_mut(id.0)
    }

    /// The entries of the level of a scope.
    pub(super) fn entries(&self, scope: Scope) -> impl Iterator<Item = &Entry<'a>> {
        self.levels.get(scope.level).into_iter().flat_map(|level| &level.entries).filter_map(|id| self.get(*id))
    }

    /// The names that can be seen from a place, for suggestions.
    pub(super) fn names(&self, scope: Scope) -> Vec<&'a str> {
        let (mut at, mut names) = (Some(scope), Vec::new());
        while let Some(scope) = at {
            let Some(level) = self.levels.get(scope.level) else { break };
            names.extend(level.names.keys().copied());
            at = level.parent;
        }
        names.sort_unstable();
        names
    }
}
