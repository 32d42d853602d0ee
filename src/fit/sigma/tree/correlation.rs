//! The typed form of Sigma's correlation rules:
//! <https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html>.

use super::Heading;

/// A correlation rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Correlation {
    /// What it says about itself.
    pub(crate) heading: Heading,
    /// `type`
    pub(crate) kind: CorrelationKind,
    /// `rules`: the names of rules and correlations in the same file; at least one, no two alike.
    pub(crate) rules: Vec<String>,
    /// `group-by`: fields and aliases, no two alike.
    pub(crate) group_by: Vec<String>,
    /// `timespan`
    pub(crate) timespan: Timespan,
    /// `aliases`: names of `group-by` that stand for another field in each rule.
    pub(crate) aliases: Vec<Alias>,
    /// `fields`: what an analyst wants to see.
    pub(crate) fields: Vec<String>,
}

/// The types of correlations, each with what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CorrelationKind {
    /// So many events.
    EventCount(Limit),
    /// So many different values of a field.
    ValueCount(String, Limit),
    /// The sum of the values of a field.
    ValueSum(String, Limit),
    /// Their mean.
    ValueAvg(String, Limit),
    /// A percentile of them.
    ValuePercentile(String, u32, Limit),
    /// An event of each rule.
    Temporal,
    /// An event of each rule, in their order.
    TemporalOrdered,
}

/// A comparison with a whole number. The specification allows several of them at once, readers of it one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// How it is compared.
    pub(crate) comparison: Comparison,
    /// With what.
    pub(crate) number: i64,
}

/// The comparisons of a correlation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    /// `eq`
    Eq,
    /// `neq`
    Neq,
    /// `lt`
    Lt,
    /// `lte`
    Lte,
    /// `gt`
    Gt,
    /// `gte`
    Gte,
}

/// A length of time in seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timespan(pub(crate) u64);

/// A name that stands for another field in each rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alias {
    /// The name.
    pub(crate) name: String,
    /// The names of rules, and the field in the events of each.
    pub(crate) fields: Vec<(String, String)>,
}

impl CorrelationKind {
    /// How it is written.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::EventCount(_) => "event_count",
            Self::ValueCount(..) => "value_count",
            Self::ValueSum(..) => "value_sum",
            Self::ValueAvg(..) => "value_avg",
            Self::ValuePercentile(..) => "value_percentile",
            Self::Temporal => "temporal",
            Self::TemporalOrdered => "temporal_ordered",
        }
    }
}

impl Timespan {
    /// A length of time in ticks of 100 ns, a part of a second rounded up.
    pub(crate) fn of_ticks(ticks: i64) -> Self {
        let second = crate::plan::TICKS_PER_SECOND;
        Self(u64::try_from(ticks.max(1).saturating_add(second - 1) / second).unwrap_or(1).max(1))
    }
}

impl std::fmt::Display for Timespan {
    /// As it is written, in the greatest unit of which it is a whole number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];
        let (size, unit) = units.into_iter().find(|(size, _)| self.0.is_multiple_of(*size)).unwrap_or((1, 's'));
        write!(f, "{}{unit}", self.0 / size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::TICKS_PER_SECOND;

    #[test]
    fn a_timespan_is_written_in_its_greatest_unit() {
        for (ticks, text) in [
            (TICKS_PER_SECOND * 86_400, "1d"),
            (TICKS_PER_SECOND * 5_400, "90m"),
            (TICKS_PER_SECOND * 7_200, "2h"),
            (TICKS_PER_SECOND * 61, "61s"),
            (TICKS_PER_SECOND / 2, "1s"),
            (-5, "1s"),
        ] {
            assert_eq!(Timespan::of_ticks(ticks).to_string(), text);
        }
    }
}
