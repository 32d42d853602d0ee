//! A query of EQL: it can only say what the language can say. Nothing here decides or prints.
//!
//! See <https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax>.

use crate::target::{Binding, Construct, Template};

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Query {
    /// `category where condition | pipes`
    Event {
        /// Which events.
        event: Event,
        /// The pipes, in order.
        pipes: Vec<Pipe>,
    },
    /// `sequence by keys with maxspan=… [event] …`: events in the order of time.
    Sequence {
        /// Fields that are equal in all steps.
        by: Vec<Key>,
        /// Time from the first event to the last one at most.
        maxspan: Option<Maxspan>,
        /// The steps, one at least that is not missing.
        steps: Vec<Step>,
    },
    /// `sample by keys [event] …`: events in any order. There is a key, in the head or at each step.
    Sample {
        /// Fields that are equal in all steps.
        by: Vec<Key>,
        /// The steps.
        steps: Vec<Step>,
    },
}

/// `category where condition`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// The event category; `None` is `any`.
    pub(crate) category: Option<String>,
    /// The condition.
    pub(crate) condition: Cond,
}

/// `[event] by keys with runs=n`, `![event]`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// No such event may be there.
    pub(crate) missing: bool,
    /// Which events.
    pub(crate) event: Event,
    /// Fields that are equal to those of the other steps.
    pub(crate) by: Vec<Key>,
    /// So many such events, one after the other.
    pub(crate) runs: Option<u32>,
}

/// A join key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The name of the field, unquoted.
    pub(crate) name: String,
    /// `?name`: events without it have the same key.
    pub(crate) optional: bool,
}

/// A length of time in milliseconds, more than none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Maxspan(pub(crate) u64);

/// A pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pipe {
    /// `head n`: the earliest events.
    Head(u64),
    /// `tail n`: the latest events.
    Tail(u64),
}

/// A condition. What is compared stands on the left, constants on the right: EQL compares no two fields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cond {
    /// `true`, `false`
    Constant(bool),
    /// All hold. Never empty.
    All(Vec<Cond>),
    /// One holds. Never empty.
    Any(Vec<Cond>),
    /// `not`
    Not(Box<Cond>),
    /// `value == null`, `value != null`
    Null {
        /// The value.
        value: Value,
        /// Whether it is null.
        is: bool,
    },
    /// A comparison by value; case counts.
    Compare {
        /// The operator.
        op: Compare,
        /// What is compared.
        value: Value,
        /// With what.
        with: Constant,
    },
    /// `in`, `not in`; case counts.
    In {
        /// The value.
        value: Value,
        /// The constants. Never empty.
        list: Vec<Constant>,
        /// `not in`
        negated: bool,
    },
    /// A comparison of text with patterns, of which one must match.
    Match {
        /// The text.
        value: Value,
        /// How.
        how: How,
        /// The patterns. Never empty.
        patterns: Vec<String>,
    },
    /// `cidrMatch(value, blocks)`
    Cidr {
        /// The address.
        value: Value,
        /// The blocks. Never empty.
        blocks: Vec<String>,
    },
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// How text is compared with patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// `:`: `*` and `?` are wildcards, case does not count.
    Wildcard,
    /// `like`: `*` and `?` are wildcards, case counts.
    WildcardCased,
    /// `in~`: the whole text, case does not count.
    OneOf,
    /// `regex~`: the whole text, case does not count.
    Regex,
    /// `regex`: the whole text, case counts.
    RegexCased,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A field.
    Field {
        /// Its name, unquoted.
        name: String,
        /// `?name`: it may be absent from the mapping.
        optional: bool,
    },
    /// A constant, as an argument.
    Constant(Constant),
    /// A function, as the data of the target spells it.
    Spelled {
        /// Its form.
        template: Template,
        /// How tightly it binds.
        binding: Binding,
        /// Its arguments.
        args: Vec<Value>,
    },
    /// `left op right`
    Arithmetic {
        /// The operator.
        op: Arithmetic,
        /// Left operand.
        left: Box<Value>,
        /// Right operand.
        right: Box<Value>,
    },
    /// `-x`
    Negative(Box<Value>),
}

/// Arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    /// Text, decoded.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A number; finite.
    Real(f64),
    /// `true`, `false`
    Bool(bool),
}

impl Query {
    /// Calls `see` with each construct of the query that not every version has.
    pub(crate) fn constructs(&self, see: &mut dyn FnMut(Construct)) {
        let (by, steps): (&[Key], &[Step]) = match self {
            Self::Event { event, .. } => return event.condition.constructs(see),
            Self::Sequence { by, steps, .. } => {
                see(Construct::Sequence);
                (by, steps)
            }
            Self::Sample { by, steps } => {
                see(Construct::SequenceSample);
                (by, steps)
            }
        };
        for step in steps {
            step.event.condition.constructs(see);
            if step.missing {
                see(Construct::MissingEvent);
            }
            if step.runs.is_some() {
                see(Construct::Runs);
            }
        }
        if by.iter().chain(steps.iter().flat_map(|step| &step.by)).any(|key| key.optional) {
            see(Construct::OptionalField);
        }
    }
}

impl Cond {
    fn constructs(&self, see: &mut dyn FnMut(Construct)) {
        let value = match self {
            Self::Constant(_) => return,
            Self::All(items) | Self::Any(items) => return items.iter().for_each(|item| item.constructs(see)),
            Self::Not(inner) => return inner.constructs(see),
            Self::Match { value, how, .. } => {
                match how {
                    How::WildcardCased | How::Regex | How::RegexCased => see(Construct::LikeRegex),
                    How::Wildcard | How::OneOf => {}
                }
                value
            }
            Self::Null { value, .. } | Self::Compare { value, .. } | Self::In { value, .. } => value,
            Self::Cidr { value, .. } => value,
        };
        value.fields(&mut |field| {
            if matches!(field, Value::Field { optional: true, .. }) {
                see(Construct::OptionalField);
            }
        });
    }

    /// How many conditions this one is made of.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::All(items) | Self::Any(items) => items.iter().map(Self::size).sum(),
            Self::Not(inner) => inner.size(),
            Self::Constant(_)
            | Self::Match { .. }
            | Self::Null { .. }
            | Self::Compare { .. }
            | Self::In { .. }
            | Self::Cidr { .. } => 1,
        }
    }

    /// All of these, simplified.
    pub(crate) fn all(items: Vec<Cond>) -> Self {
        Self::junction(items, true)
    }

    /// One of these, simplified.
    pub(crate) fn any(items: Vec<Cond>) -> Self {
        Self::junction(items, false)
    }

    /// The opposite.
    pub(crate) fn negate(self) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(!value),
            Self::Not(inner) => *inner,
            Self::In { value, list, negated } => Self::In { value, list, negated: !negated },
            Self::Null { value, is } => Self::Null { value, is: !is },
            Self::Compare { op: Compare::Eq, value, with } => Self::Compare { op: Compare::Ne, value, with },
            Self::Compare { op: Compare::Ne, value, with } => Self::Compare { op: Compare::Eq, value, with },
            other @ (Self::All(_) | Self::Any(_) | Self::Compare { .. } | Self::Match { .. } | Self::Cidr { .. }) => {
                Self::Not(Box::new(other))
            }
        }
    }

    fn junction(items: Vec<Cond>, all: bool) -> Self {
        let mut flat = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Self::Constant(value) if value == all => {}
                Self::Constant(value) => return Self::Constant(value),
                Self::All(inner) if all => flat.extend(inner),
                Self::Any(inner) if !all => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match (flat.len(), flat.pop()) {
            (1, Some(only)) => only,
            (_, Some(last)) => {
                flat.push(last);
                if all { Self::All(flat) } else { Self::Any(flat) }
            }
            (_, None) => Self::Constant(all),
        }
    }
}

impl Value {
    /// Calls `see` with each field of the value.
    pub(crate) fn fields<'v>(&'v self, see: &mut dyn FnMut(&'v Value)) {
        match self {
            Self::Field { .. } => see(self),
            Self::Constant(_) => {}
            Self::Spelled { args, .. } => args.iter().for_each(|arg| arg.fields(see)),
            Self::Arithmetic { left, right, .. } => {
                left.fields(see);
                right.fields(see);
            }
            Self::Negative(inner) => inner.fields(see),
        }
    }
}
