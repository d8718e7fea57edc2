//! Grants as decisions take them into account.

use std::sync::Arc;

use strongroom_api_kms::actions;
use strongroom_identity::{AccountId, Action as _, ConditionKeys, RequestContext};
use strongroom_policy::document::NamedPrincipal;
use strongroom_policy::{Grant as Fact, Guard, Policy, Resource, Values};

use super::constraints::Constraints;
use super::operations::{Operation, Operations};
use super::{Grant, identities_of};
use crate::cache::Weighed;
use crate::domain::key::{Key, SharedKey};

/// Grants that do not apply, of those to one identity, that a decision's trace tells of.
const MOST_TOLD: usize = 8;

/// The grants of one key to one of the identities that callers have.
#[derive(Debug)]
pub(crate) struct HeldGrants {
    /// To whom; `None` where there is no grant.
    grantee: Option<NamedPrincipal>,
    grants: Vec<HeldGrant>,
}

/// As much of a grant as decisions need.
#[derive(Debug)]
struct HeldGrant {
    id: String,
    operations: Operations,
    constraints: Constraints,
}

impl HeldGrants {
    /// The grants, all of which are to the same identity.
    pub(crate) fn new(grants: Vec<Grant>) -> Self {
        let grantee = grants.first().and_then(|grant| grant.terms.grantee.principal());
        let held = |grant: Grant| HeldGrant {
            id: grant.id,
            operations: grant.terms.operations,
            constraints: grant.terms.constraints,
        };
        Self { grantee, grants: grants.into_iter().map(held).collect() }
    }

    /// One that allows the operation and has nothing unmet, or some that have.
    fn facts(
        &self,
        operation: Operation,
        unmet: impl Fn(&HeldGrant) -> Option<&'static str>,
    ) -> Vec<Fact<'_>> {
        let Some(grantee) = &self.grantee else { return Vec::new() };
        let mut told = Vec::new();
        for grant in self.grants.iter().filter(|grant| grant.operations.contains(operation)) {
            let fact = Fact { id: &grant.id, grantee, actions: operation.actions(), unmet: unmet(grant) };
            if fact.unmet.is_none() {
                return vec![fact];
            }
            if told.len() < MOST_TOLD {
                told.push(fact);
            }
        }
        told
    }
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
        let (asked, source) = (context.asked(), context.acts_about());
        let unmet = |grant: &HeldGrant| grant.constraints.unmet(operation, &asked, source);
        self.held().iter().flat_map(|held| held.facts(operation, unmet)).collect()
    }

    fn serves_others(&self, action: &str) -> bool {
        Key::serves_others(self, action)
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        Key::condition_key(self, key, context)
    }
}

/// A key that gets a grant, which allows these operations under these constraints, from a caller who has those grants
/// himself.
pub(crate) struct Granting<'g> {
    pub(crate) key: Key,
    pub(crate) held: Holdings,
    pub(crate) operations: Operations,
    pub(crate) constraints: &'g Constraints,
}

impl Granting<'_> {
    /// What of the new grant goes beyond what a grant lets its grantee make (KMS Developer Guide, "Granting CreateGrant
    /// permission").
    fn beyond(&self, grant: &HeldGrant) -> Option<&'static str> {
        if !self.operations.is_within(grant.operations) {
            return Some("on the operations of further grants");
        }
        let is_within = self.constraints.are_within(&grant.constraints);
        (!is_within).then_some("on the constraints of further grants")
    }
}

impl Resource for Granting<'_> {
    fn owner(&self) -> AccountId {
        self.key.owner()
    }

    fn arn(&self) -> String {
        Resource::arn(&self.key)
    }

    fn guard(&self) -> Guard<'_> {
        self.key.guard()
    }

    fn grants(&self, action: &str, context: &RequestContext) -> Vec<Fact<'_>> {
        let Some(operation) = Operation::of_action(action) else { return Vec::new() };
        let (asked, source) = (context.asked(), context.acts_about());
        let unmet = |grant: &HeldGrant| {
            grant.constraints.unmet(operation, &asked, source).or_else(|| self.beyond(grant))
        };
        self.held.iter().flat_map(|held| held.facts(operation, unmet)).collect()
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
