//! Conditions, ready to be asked.

use super::comparison::{Comparison, is_negated};
use super::short_text::ShortText;
use crate::decision::Facts;
use crate::document::{Condition, Effect, Operator, Quantifier, Version};
use crate::keys::{Value, Values};

/// One operator, one key and its values.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    /// As it is written, for those who ask why.
    pub(crate) written: Condition,
    /// The key in lower case.
    key: Box<str>,
    /// The same, in place.
    told: ShortText,
    comparison: Comparison,
    is_negated: bool,
    /// Whether the policy lists any values, of whatever kind.
    has_values: bool,
    /// Whether one of them is not of the operator's kind, as `10.0.0.256` is no address.
    has_unreadable: bool,
}

impl Test {
    pub(super) fn new(condition: &Condition, version: Version) -> Self {
        let comparison = Comparison::new(condition.operator, &condition.values, version);
        Self {
            told: condition.key.to_ascii_lowercase().as_str().into(),
            key: condition.key.to_ascii_lowercase().into(),
            has_unreadable: comparison.len() < condition.values.len(),
            comparison,
            is_negated: is_negated(condition.operator),
            has_values: !condition.values.is_empty(),
            written: condition.clone(),
        }
    }

    /// The key in lower case.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The key, if a request must have it for the condition to hold, whatever it says.
    pub(super) fn wanted(&self) -> Option<&ShortText> {
        let Condition { operator, quantifier, if_exists, .. } = &self.written;
        let holds_without = match quantifier {
            Some(Quantifier::AllValues) => true,
            Some(Quantifier::AnyValue) => *if_exists,
            None => *if_exists || self.is_negated,
        };
        (!holds_without && *operator != Operator::Null && !self.has_unreadable).then_some(&self.told)
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
    /// A policy that lists no values holds of no key that is there.
    ///
    /// Where AWS's pages leave something open or contradict each other, an Allow is read narrowly and a Deny widely: an
    /// operator without a set's prefix over several values (an Allow wants all of them to fit, a Deny one);
    /// `ForAnyValue:...IfExists` of an absent key (`IfExists` says yes, `ForAnyValue` no); a value that is not of its
    /// operator's kind (it may be a slip of the pen, and mean any); and what takes more work to compare than a decision
    /// may.
    pub(crate) fn holds(&self, facts: &Facts<'_>, effect: Effect) -> bool {
        let values = facts.known(&self.told, &self.key).filter(|values| !values.as_slice().is_empty());
        if self.has_unreadable && (effect == Effect::Deny || self.is_negated) {
            let is_about_it = values.is_some() || self.is_negated || self.written.operator == Operator::Null;
            return effect == Effect::Deny && is_about_it;
        }
        if self.written.operator == Operator::Null {
            return self.is_null_as_asked(values.is_none(), effect);
        }
        // What a set is asked about may be there and be nothing: an empty text is a set without values.
        let values = values.filter(|values| self.written.quantifier.is_none() || !is_nothing(values));
        let Some(values) = values else {
            return match (self.written.if_exists, self.written.quantifier) {
                (_, Some(Quantifier::AllValues)) | (true, None) => true,
                (true, Some(Quantifier::AnyValue)) => effect == Effect::Deny,
                (false, Some(Quantifier::AnyValue)) => false,
                (false, None) => self.is_negated,
            };
        };
        if !self.has_values {
            return false;
        }
        let comparison = self.comparison.filled(facts);
        let fits = |value| comparison.fits(value, facts.effort()) != self.is_negated;
        let asks_of_all = match self.written.quantifier {
            Some(Quantifier::AllValues) => true,
            Some(Quantifier::AnyValue) => false,
            None => effect == Effect::Allow,
        };
        let mut values = values.as_slice().iter();
        let holds = if asks_of_all { values.all(fits) } else { values.any(fits) };
        if facts.effort().is_spent() { effect == Effect::Deny } else { holds }
    }

    /// What `Null` comes to. AWS's pages do not speak of it behind `ForAllValues` and `ForAnyValue`; its simulator takes
    /// them at their word, so that they say yes and no where there are no values. Where that differs from `Null` by
    /// itself, an Allow wants both.
    fn is_null_as_asked(&self, is_absent: bool, effect: Effect) -> bool {
        let by_itself = self.comparison.asks_for(is_absent);
        match self.written.quantifier {
            Some(quantifier) if is_absent && by_itself != (quantifier == Quantifier::AllValues) => {
                effect == Effect::Deny
            }
            _ => by_itself,
        }
    }
}

/// Whether a set has nothing in it but empty texts ("Single-valued vs. multivalued context keys": "a null data set, such
/// as an empty string").
fn is_nothing(values: &Values<'_>) -> bool {
    values.as_slice().iter().all(|value| matches!(value, Value::Text(text) if text.is_empty()))
}
