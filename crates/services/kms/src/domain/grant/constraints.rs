//! What a grant demands of the requests that it allows (KMS API Reference, GrantConstraints).

use std::collections::BTreeMap;

use strongroom_identity::{ConditionKeys, KeyValue};

use super::operations::Operation;
use crate::domain::access::Nature;
use crate::error::Refusal;

/// The pairs of a constraint's encryption context.
pub(crate) type Pairs = BTreeMap<String, String>;

/// The most pairs of a constraint, and the most characters of a value in one.
const MOST_PAIRS: usize = 8;
const LONGEST_VALUE: usize = 384;

/// The condition keys that say what a request's encryption context is.
const CONTEXT: &str = "kms:encryptioncontext:";
const CONTEXT_KEYS: &str = "kms:encryptioncontextkeys";

/// The constraints of a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Constraints {
    pub(crate) context: Option<ContextConstraint>,
    /// The ARN of the one resource on whose behalf requests are made.
    pub(crate) source_arn: Option<String>,
}

/// A constraint on the encryption context. Names count in either case, values as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ContextConstraint {
    /// It must be this one.
    Equals(Pairs),
    /// It must have these pairs, and may have others.
    Subset(Pairs),
}

impl ContextConstraint {
    /// Its name in the API.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Equals(_) => "EncryptionContextEquals",
            Self::Subset(_) => "EncryptionContextSubset",
        }
    }

    pub(crate) fn pairs(&self) -> &Pairs {
        match self {
            Self::Equals(pairs) | Self::Subset(pairs) => pairs,
        }
    }

    /// Whether a request with these condition keys keeps to it. A caller can have thousands of grants, of which this is
    /// asked one after the other: the first pair that is missing ends it.
    fn is_met(&self, asked: &ConditionKeys) -> bool {
        let of = |name: &str| asked.get(&format!("{CONTEXT}{}", name.to_ascii_lowercase()));
        let has = |(name, value): (&String, &String)| of(name).is_some_and(|found| has_text(found, value));
        match self {
            Self::Subset(pairs) => pairs.iter().all(has),
            Self::Equals(pairs) => {
                let count = asked.get(CONTEXT_KEYS).map_or(0, |names| texts(names).len());
                // Of names that differ in case only, each value must be there as often as it is here.
                let is_same = |(name, values): (&String, &Vec<&str>)| {
                    of(name).map(texts).map(sorted).as_ref() == Some(values)
                };
                count == pairs.len() && pairs.iter().all(has) && by_name(pairs).iter().all(is_same)
            }
        }
    }

    /// Whether every encryption context that keeps to it keeps to the other one.
    fn is_within(&self, other: &Self) -> bool {
        let (mine, others) = (by_name(self.pairs()), by_name(other.pairs()));
        match (self, other) {
            (Self::Equals(_), Self::Equals(_)) => mine == others,
            // A subset lets through what an exact context does not.
            (Self::Subset(_), Self::Equals(_)) => false,
            (_, Self::Subset(_)) => others.iter().all(|(name, values)| {
                mine.get(name).is_some_and(|mine| values.iter().all(|value| mine.contains(value)))
            }),
        }
    }
}

impl Constraints {
    /// Refuses constraints that grants of that key cannot have.
    pub(crate) fn check(&self, key: Nature) -> Result<(), Refusal> {
        let Some(context) = &self.context else { return Ok(()) };
        if !key.spec.is_symmetric() {
            // AWS's own words, as DynamoDB relays them.
            return Err(Refusal::Validation(
                "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key."
                    .to_owned(),
            ));
        }
        let pairs = context.pairs();
        if pairs.len() > MOST_PAIRS {
            return Err(Refusal::Validation(format!(
                "{} can have at most {MOST_PAIRS} encryption context pairs.",
                context.name()
            )));
        }
        if pairs.values().any(|value| value.chars().count() > LONGEST_VALUE) {
            return Err(Refusal::Validation(format!(
                "An encryption context value in a grant constraint can have at most {LONGEST_VALUE} characters."
            )));
        }
        Ok(())
    }

    /// The name of the constraint that a request for that operation does not keep to, if there is one. `source` is the
    /// ARN of the resource on whose behalf it is made.
    pub(crate) fn unmet(
        &self,
        operation: Operation,
        asked: &ConditionKeys,
        source: Option<&str>,
    ) -> Option<&'static str> {
        if self.source_arn.is_some() && self.source_arn.as_deref() != source {
            return Some("SourceArn");
        }
        let context = self.context.as_ref().filter(|_| operation.is_bound())?;
        (!context.is_met(asked)).then(|| context.name())
    }

    /// Whether they are as strict as the others, or stricter: what grants must be that a grant lets its grantee make
    /// (KMS Developer Guide, "Granting CreateGrant permission").
    pub(crate) fn are_within(&self, others: &Self) -> bool {
        let is_source = others.source_arn.is_none() || self.source_arn == others.source_arn;
        let is_context = match (&self.context, &others.context) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(mine), Some(others)) => mine.is_within(others),
        };
        is_source && is_context
    }

    /// What they say to policies: of a grant that is to be made, or retired.
    pub(crate) fn stated(&self, keys: ConditionKeys) -> ConditionKeys {
        let kind = self.context.as_ref().map(ContextConstraint::name);
        let kind = kind.or(self.source_arn.is_some().then_some("SourceArn"));
        let pairs = || self.context.iter().flat_map(ContextConstraint::pairs);
        let names: Vec<_> = pairs().map(|(name, _)| name.clone()).collect();
        pairs()
            .fold(keys, |keys, (name, value)| keys.with(&format!("{CONTEXT}{name}"), value.as_str()))
            .with_some(CONTEXT_KEYS, (!names.is_empty()).then_some(names))
            .with_some("kms:GrantConstraintType", kind)
            .with_some("kms:GrantConstraintSourceArn", self.source_arn.as_deref())
    }

    /// About how many bytes they hold beside themselves.
    pub(super) fn weight(&self) -> usize {
        let pairs = self.context.iter().flat_map(ContextConstraint::pairs);
        let pairs: usize =
            pairs.map(|(name, value)| name.len() + value.len() + 2 * size_of::<String>()).sum();
        pairs + self.source_arn.as_ref().map_or(0, String::len)
    }
}

/// Values by name in lower case, in order.
fn by_name(pairs: &Pairs) -> BTreeMap<String, Vec<&str>> {
    let mut names: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, value) in pairs {
        names.entry(name.to_ascii_lowercase()).or_default().push(value.as_str());
    }
    names.into_iter().map(|(name, values)| (name, sorted(values))).collect()
}

fn sorted(mut values: Vec<&str>) -> Vec<&str> {
    values.sort_unstable();
    values
}

fn has_text(value: &KeyValue, text: &str) -> bool {
    match value {
        KeyValue::Text(one) => one == text,
        KeyValue::Texts(texts) => texts.iter().any(|one| one == text),
        KeyValue::Flag(_) | KeyValue::Number(_) | KeyValue::Moment(_) => false,
    }
}

fn texts(value: &KeyValue) -> Vec<&str> {
    match value {
        KeyValue::Text(text) => vec![text],
        KeyValue::Texts(texts) => texts.iter().map(String::as_str).collect(),
        KeyValue::Flag(_) | KeyValue::Number(_) | KeyValue::Moment(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Written = &'static [(&'static str, &'static str)];

    #[test]
    fn names_that_differ_in_case_only_have_all_their_values() {
        let pairs = |pairs: Written| -> Pairs {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let table: [(Written, Written, bool, bool); 5] = [
            (&[("a", "1"), ("A", "1")], &[("a", "1"), ("A", "1")], true, true),
            (&[("a", "1"), ("A", "1")], &[("a", "1"), ("A", "2")], false, true),
            (&[("a", "1"), ("A", "2")], &[("a", "2"), ("A", "1")], true, true),
            (&[("a", "1"), ("A", "2")], &[("a", "1"), ("b", "2")], false, false),
            (&[("a", "1")], &[("a", "1"), ("A", "2")], false, true),
        ];
        for (constraint, request, equals, subset) in table {
            let names: Vec<_> = request.iter().map(|(name, _)| (*name).to_owned()).collect();
            let asked = request.iter().fold(ConditionKeys::new(), |keys, (name, value)| {
                keys.with(&format!("{CONTEXT}{name}"), *value)
            });
            let asked = asked.with(CONTEXT_KEYS, names);
            assert_eq!(ContextConstraint::Equals(pairs(constraint)).is_met(&asked), equals, "{constraint:?}");
            assert_eq!(ContextConstraint::Subset(pairs(constraint)).is_met(&asked), subset, "{constraint:?}");
        }
    }
}
