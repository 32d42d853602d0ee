//! Effects of rewrites on the selected events, and how they combine to a verdict.

/// What a rewrite did to the events that the hunt selects. The verdict of a translation is of the same type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Same rows, same columns.
    Exact,
    /// The same events are selected; columns, order, grouping or row shape are not reproduced.
    Reshaped,
    /// Also selects events that the hunt does not.
    Broader,
    /// Misses events that the hunt selects.
    Narrower,
    /// Depends on data or on settings of the site.
    Unsure,
    /// No query is given.
    Refused,
}

impl Effect {
    /// All effects, mildest first.
    pub const ALL: [Self; 6] =
        [Self::Exact, Self::Reshaped, Self::Broader, Self::Narrower, Self::Unsure, Self::Refused];

    /// The name, as it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Reshaped => "reshaped",
            Self::Broader => "broader",
            Self::Narrower => "narrower",
            Self::Unsure => "unsure",
            Self::Refused => "refused",
        }
    }

    /// The effect of two rewrites together: a set that is both broader and narrower can be anything.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Broader, Self::Narrower) | (Self::Narrower, Self::Broader) => Self::Unsure,
            (one, two) => one.max(two),
        }
    }

    /// The effect on the whole of a rewrite that stands at a place of this polarity.
    pub fn under(self, polarity: Polarity) -> Self {
        match (self, polarity) {
            (Self::Broader, Polarity::Negative) => Self::Narrower,
            (Self::Narrower, Polarity::Negative) => Self::Broader,
            (Self::Broader | Self::Narrower, Polarity::Aggregated) => Self::Unsure,
            (effect, _) => effect,
        }
    }
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// In which direction a place of the hunt acts on the rows that come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Polarity {
    /// More rows here are more rows at the end.
    Positive,
    /// More rows here are fewer rows at the end: below a negation, the right side of an anti-join.
    Negative,
    /// Rows here are counted or compared: more of them may be more or fewer at the end.
    Aggregated,
}

impl Polarity {
    /// The polarity of a negated place within a place of this polarity.
    pub fn negated(self) -> Self {
        match self {
            Self::Positive => Self::Negative,
            Self::Negative => Self::Positive,
            Self::Aggregated => Self::Aggregated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broader_and_narrower_together_claim_nothing() {
        assert_eq!(Effect::Broader.and(Effect::Narrower), Effect::Unsure);
        assert_eq!(Effect::Reshaped.and(Effect::Broader), Effect::Broader);
        assert_eq!(Effect::Refused.and(Effect::Unsure), Effect::Refused);
    }

    #[test]
    fn a_negation_swaps_directions_and_a_count_hides_them() {
        assert_eq!(Effect::Broader.under(Polarity::Negative), Effect::Narrower);
        assert_eq!(Effect::Broader.under(Polarity::Negative.negated()), Effect::Broader);
        assert_eq!(Effect::Narrower.under(Polarity::Aggregated), Effect::Unsure);
        assert_eq!(Effect::Reshaped.under(Polarity::Aggregated), Effect::Reshaped);
    }
}
