//! Grants as decisions take them into account.

use std::sync::Arc;

use strongroom_api_kms::actions;
use strongroom_identity::{AccountId, Action as _, ConditionKeys, RequestContext};
use strongroom_policy::document::NamedPrincipal;
use strongroom_policy::{Grant as Fact, Guard, Policy, Resource, Values};

use super::constraints::Constraints;
use super::marks::{Asked, Marks};
use super::operations::{Operation, Operations};
use super::{Grant, identities_of};
use crate::cache::Weighed;
use crate::domain::key::{Key, SharedKey};

/// Grants that do not apply, of those to one identity, that a decision's trace tells of.
pub(crate) const MOST_TOLD: usize = 8;

/// The grants of one key to one of the identities that callers have.
#[derive(Debug, Default)]
pub(crate) struct HeldGrants {
    /// To whom; `None` where there is no grant.
    grantee: Option<NamedPrincipal>,
    grants: Vec<HeldGrant>,
}

/// As much of a grant as decisions need.
#[derive(Debug)]
struct HeldGrant {
    id: Box<str>,
    operations: Operations,
    constraints: Marks,
}

impl HeldGrants {
    /// Adds grants, all of which are to the same identity.
    pub(crate) fn add(&mut self, grants: &[Grant]) {
        if self.grantee.is_none() {
            self.grantee = grants.first().and_then(|grant| grant.terms.grantee.principal());
        }
        self.grants.extend(grants.iter().map(|grant| HeldGrant {
            id: grant.id.as_str().into(),
            operations: grant.terms.operations,
            constraints: Marks::from(&grant.terms.constraints),
        }));
    }

    /// One that allows the operation to the request, or some that would if it kept to their constraints.
    fn facts(&self, operation: Operation, request: &Asked<'_>) -> Vec<Fact<'_>> {
        let Some(grantee) = &self.grantee else { return Vec::new() };
        let allowing = self.grants.iter().filter(|grant| grant.operations.contains(operation));
        told(allowing.map(|grant| Fact {
            id: &grant.id,
            grantee,
            actions: operation.actions(),
            unmet: grant.constraints.unmet(operation, request),
        }))
    }
}

/// The first of them that has nothing unmet, or some that have.
fn told<'g>(facts: impl Iterator<Item = Fact<'g>>) -> Vec<Fact<'g>> {
    let mut told = Vec::new();
    for fact in facts {
        if fact.unmet.is_none() {
            return vec![fact];
        }
        if told.len() < MOST_TOLD {
            told.push(fact);
        }
    }
    told
}

impl Weighed for HeldGrants {
    fn weight(&self) -> usize {
        let each = |grant: &HeldGrant| size_of::<HeldGrant>() + grant.id.len() + grant.constraints.weight();
        size_of::<Self>() + self.grants.iter().map(each).sum::<usize>()
    }
}

/// The grants that a caller has on a key, by each of his identities.
pub(crate) type Holdings = Vec<Arc<HeldGrants>>;

impl Resource for SharedKey {
    fn owner(&self) -> AccountId {
        Key::owner(self)
    }

    fn arn(&self) -> String {
        Resource::arn(&**self)
    }

    fn guard(&self) -> Guard<'_> {
        Key::guard(self)
    }

    fn grants(&self, action: &str, context: &RequestContext) -> Vec<Fact<'_>> {
        if self.held().is_empty() {
            return Vec::new();
        }
        let Some(operation) = Operation::of_action(action) else { return Vec::new() };
        let keys = context.asked();
        let request = Asked::new(&keys, context.acts_about());
        self.held().iter().flat_map(|held| held.facts(operation, &request)).collect()
    }

    fn serves_others(&self, action: &str) -> bool {
        Key::serves_others(self, action)
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        Key::condition_key(self, key, context)
    }
}

/// A key that gets a grant from a caller who has these grants himself.
pub(crate) struct Granting {
    pub(crate) key: Key,
    /// Those that say something of it, by themselves or by what they lack.
    pub(crate) relevant: Vec<Relevant>,
}

/// A grant that allows its grantee to make grants, as it stands to the one that is to be made.
pub(crate) struct Relevant {
    id: String,
    grantee: NamedPrincipal,
    /// What of the new grant goes beyond what this one lets its grantee make (KMS Developer Guide, "Granting
    /// CreateGrant permission"), or which constraint is not kept.
    beyond: Option<&'static str>,
}

impl Relevant {
    /// What a grant to the caller says of one that shall allow these operations under these constraints; `None` if it
    /// lets nobody make grants. `source` is the ARN of the resource on whose behalf the caller makes it.
    pub(crate) fn of(
        grant: &Grant,
        operations: Operations,
        constraints: &Constraints,
        source: Option<&str>,
    ) -> Option<Self> {
        let terms = &grant.terms;
        let creates = Operation::of_action(actions::CreateGrant::NAME)?;
        let grantee = terms.grantee.principal().filter(|_| terms.operations.contains(creates))?;
        let beyond = if !terms.constraints.allow_source(source) {
            Some("SourceArn")
        } else if !operations.is_within(terms.operations) {
            Some("on the operations of further grants")
        } else if !constraints.are_within(&terms.constraints) {
            Some("on the constraints of further grants")
        } else {
            None
        };
        Some(Self { id: grant.id.clone(), grantee, beyond })
    }

    /// Whether it lets its grantee make the grant.
    pub(crate) fn suffices(&self) -> bool {
        self.beyond.is_none()
    }
}

impl Resource for Granting {
    fn owner(&self) -> AccountId {
        self.key.owner()
    }

    fn arn(&self) -> String {
        Resource::arn(&self.key)
    }

    fn guard(&self) -> Guard<'_> {
        self.key.guard()
    }

    fn grants(&self, action: &str, _context: &RequestContext) -> Vec<Fact<'_>> {
        let Some(operation) = Operation::of_action(action) else { return Vec::new() };
        told(self.relevant.iter().map(|grant| Fact {
            id: &grant.id,
            grantee: &grant.grantee,
            actions: operation.actions(),
            unmet: grant.beyond,
        }))
    }

    fn serves_others(&self, action: &str) -> bool {
        self.key.serves_others(action)
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        self.key.condition_key(key, context)
    }
}

/// A grant that somebody wants to retire, with its key. The grant itself says who may: its retiring principal, its
/// grantee if it allows RetireGrant, and the account that made it; what the key's policy says of RetireGrant has no
/// effect. That account, and the key's, can let their users and roles do it (KMS Developer Guide, "Retiring and
/// revoking grants").
pub(crate) struct Retirable {
    key: Key,
    grant: Grant,
    /// Those who may, by the identity that they must have.
    entitled: Vec<(String, NamedPrincipal)>,
    /// A key must let its callers in, and this one's policy does not count.
    silent: Policy,
}

impl Retirable {
    pub(crate) fn new(key: Key, grant: Grant) -> Self {
        let terms = &grant.terms;
        let may_retire = Operation::of_action(actions::RetireGrant::NAME)
            .is_some_and(|retire| terms.operations.contains(retire));
        let parties = terms.retiring.iter().chain(may_retire.then_some(&terms.grantee));
        let parties = parties.filter_map(|party| Some((party.identity().to_owned(), party.principal()?)));
        let accounts = [terms.issuer, key.home.account]
            .map(|account| (account.to_string(), NamedPrincipal::Account(account)));
        let entitled = parties.chain(accounts).collect();
        Self { key, grant, entitled, silent: Policy::silent("grant") }
    }

    /// What the grant says to policies.
    pub(crate) fn stated(&self) -> ConditionKeys {
        self.grant.terms.constraints.stated(ConditionKeys::new())
    }

    /// The key and its grant.
    pub(crate) fn into_parts(self) -> (Key, Grant) {
        (self.key, self.grant)
    }
}

impl Resource for Retirable {
    fn owner(&self) -> AccountId {
        self.key.owner()
    }

    fn arn(&self) -> String {
        Resource::arn(&self.key)
    }

    fn guard(&self) -> Guard<'_> {
        Guard::Key(&self.silent)
    }

    fn grants(&self, action: &str, context: &RequestContext) -> Vec<Fact<'_>> {
        let Some(operation) = Operation::of_action(action) else { return Vec::new() };
        let identities = identities_of(&context.caller.principal);
        let entitled = self.entitled.iter().filter(|(identity, _)| identities.contains(identity));
        let (id, actions) = (self.grant.id.as_str(), operation.actions());
        entitled.map(|(_, grantee)| Fact { id, grantee, actions, unmet: None }).collect()
    }

    fn serves_others(&self, action: &str) -> bool {
        self.key.serves_others(action)
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        self.key.condition_key(key, context)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MOST_PER_KEY, Party, Terms};
    use super::*;
    use crate::domain::grant::ContextConstraint;
    use crate::domain::identifier::Home;
    use crate::management::KEPT_GRANTS_BYTES_EACH;

    /// All grants that a key can have, to one session, with the longest constraints, stay in memory.
    #[test]
    fn the_most_that_one_caller_can_have_is_kept() {
        let account = "111122223333".parse().unwrap();
        let identity = format!("AROA{}:{}", "A".repeat(17), "s".repeat(64));
        let named = format!("arn:aws:sts::{account}:assumed-role/{}/{}", "r".repeat(64), "s".repeat(64));
        let pairs = (0..8).map(|number| (format!("{number}{}", "n".repeat(383)), "v".repeat(384)));
        let grant = Grant {
            home: Home { account, region: "us-east-1" },
            key_id: "1234abcd-12ab-34cd-56ef-1234567890ab".to_owned(),
            id: "0".repeat(64),
            created_ms: 0,
            terms: Terms {
                name: None,
                issuer: account,
                grantee: Party::Principal { named, identity },
                retiring: None,
                operations: Operations::parse(["Decrypt"]).unwrap(),
                constraints: Constraints {
                    context: Some(ContextConstraint::Subset(pairs.collect())),
                    source_arn: None,
                },
            },
        };
        let mut held = HeldGrants::default();
        let none = held.weight();
        held.add(&[grant]);
        let most = none + (held.weight() - none) * MOST_PER_KEY as usize;
        assert!(most <= KEPT_GRANTS_BYTES_EACH, "{most}");
    }
}
