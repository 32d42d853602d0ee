//! Conditions in ES|QL beside the hunts they come from.
