//! Conditions, ready to be asked.

use super::comparison::{Comparison, is_negated};
use crate::document::{Condition, Effect, Operator, Quantifier, Version};
use crate::keys::ContextKeys;

/// One operator, one key and its values.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    /// As it is written, for those who ask why.
    pub(crate) written: Condition,
    /// The key in lower case.
    key: Box<str>,
    comparison: Comparison,
    is_negated: bool,
    /// Whether the policy lists any values, of whatever kind.
    has_values: bool,
}

impl Test {
    pub(super) fn new(condition: &Condition, version: Version) -> Self {
        Self {
            key: condition.key.to_ascii_lowercase().into(),
            comparison: Comparison::new(condition.operator, &condition.values, version),
            is_negated: is_negated(condition.operator),
            has_values: !condition.values.is_empty(),
            written: condition.clone(),
        }
    }

    /// The key in lower case.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether the condition holds of a request ("IAM JSON policy elements: Condition operators" and "Single-
    /// valued vs. multivalued context keys").
    ///
    /// | the request's key | plain | negated | `IfExists` | `ForAllValues` | `ForAnyValue` |
    /// |---|---|---|---|---|---|
    /// | absent, or without values | no | yes | yes | yes | no |
    /// | one value | it fits one of the policy's | it fits none | as without | as without | as without |
    /// | several values | see below | see below | as without | all of them do | one of them does |
    ///
    /// A policy that lists no values holds of no key that is there. AWS leaves open what an operator without a
    /// set's prefix asks of several values; here it is on the safe side: an Allow wants all of them to fit, a
    /// Deny one.
    pub(crate) fn holds(&self, keys: &dyn ContextKeys, effect: Effect) -> bool {
        let values = keys.values(&self.key).filter(|values| !values.as_slice().is_empty());
        if self.written.operator == Operator::Null {
            return match self.written.quantifier {
                Some(Quantifier::AllValues) => true,
                Some(Quantifier::AnyValue) => false,
                None => self.comparison.asks_for(values.is_none()),
            };
        }
        let Some(values) = values else {
            return match (self.written.if_exists, self.written.quantifier) {
                (true, _) | (_, Some(Quantifier::AllValues)) => true,
                (false, Some(Quantifier::AnyValue)) => false,
                (false, None) => self.is_negated,
            };
        };
        if !self.has_values {
            return false;
        }
        let comparison = self.comparison.filled(keys);
        let fits = |value| comparison.fits(value) != self.is_negated;
        let asks_of_all = match self.written.quantifier {
            Some(Quantifier::AllValues) => true,
            Some(Quantifier::AnyValue) => false,
            None => effect == Effect::Allow,
        };
        let mut values = values.as_slice().iter();
        if asks_of_all { values.all(fits) } else { values.any(fits) }
    }
}
