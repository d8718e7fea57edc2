//! What a grant demands of the requests that it allows (KMS API Reference, GrantConstraints).

use std::collections::BTreeMap;

use strongroom_hsm_core::LONGEST_CONTEXT;
use strongroom_identity::ConditionKeys;

use crate::domain::access::Nature;
use crate::error::Refusal;

/// The pairs of a constraint's encryption context.
pub(crate) type Pairs = BTreeMap<String, String>;

/// The most pairs of a constraint, and the most characters of a value in one (KMS API Reference, CreateGrant). What a
/// name can have is not documented; no request has a longer context than [`LONGEST_CONTEXT`].
const MOST_PAIRS: usize = 8;
const LONGEST_VALUE: usize = 384;
const LONGEST_NAME: usize = 384;

/// The condition keys that say what a request's encryption context is.
pub(super) const CONTEXT: &str = "kms:encryptioncontext:";
pub(super) const CONTEXT_KEYS: &str = "kms:encryptioncontextkeys";

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
    /// The constraints that a request or a seed states.
    pub(crate) fn of(
        equals: Option<Pairs>,
        subset: Option<Pairs>,
        source_arn: Option<String>,
    ) -> Result<Self, Refusal> {
        let context = match (equals, subset) {
            (Some(_), Some(_)) => {
                return Err(Refusal::either("EncryptionContextEquals", "EncryptionContextSubset"));
            }
            (Some(pairs), None) => Some(ContextConstraint::Equals(pairs)),
            (None, pairs) => pairs.map(ContextConstraint::Subset),
        };
        Ok(Self { context, source_arn })
    }

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
        let length: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
        if pairs.keys().any(|name| name.chars().count() > LONGEST_NAME) || length > LONGEST_CONTEXT {
            return Err(Refusal::Validation(format!(
                "An encryption context in a grant constraint can have names of at most {LONGEST_NAME} characters, and at \
                 most {LONGEST_CONTEXT} bytes."
            )));
        }
        Ok(())
    }

    /// Whether requests keep to them that are made on behalf of the resource of that ARN, or of none.
    pub(super) fn allow_source(&self, source: Option<&str>) -> bool {
        self.source_arn.is_none() || self.source_arn.as_deref() == source
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
