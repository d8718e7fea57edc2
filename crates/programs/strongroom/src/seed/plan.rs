//! From what a seed says to what services plant: everything that can be known without the store is checked on the
//! way, and all that is wrong is told at once.

mod identities;
mod keys;

use std::collections::BTreeSet;

use strongroom_iam::Seedling;
use strongroom_identity::AccountId;
use strongroom_kms::KeySeedling;
use strongroom_policy::document::{self, Kind};

use super::findings::{Findings, Shown};
use super::format::{Account, Document, Seed};
use super::limits::Limit;

/// Whether a server takes secrets out of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// It does: it is one for development.
    Taken,
    /// It does not: what is secret is made, and leaves the server once at most.
    Refused,
}

/// What shall be planted, in this order.
#[derive(Default)]
pub(crate) struct Plan {
    pub(super) steps: Vec<Step>,
}

/// One thing to plant.
pub(super) struct Step {
    /// Where the file says it.
    pub(super) place: String,
    pub(super) account: AccountId,
    pub(super) what: What,
}

pub(super) enum What {
    Identity(Seedling),
    Key(KeySeedling),
}

/// Everything that is checked, and what it comes to.
struct Planner {
    secrets: Secrets,
    findings: Findings,
    seen: BTreeSet<String>,
}

impl Plan {
    /// The plan of a seed, or what is wrong with it.
    pub(super) fn of(seed: Seed, secrets: Secrets) -> Result<Self, Findings> {
        let mut planner = Planner { secrets, findings: Findings::default(), seen: BTreeSet::new() };
        let mut stages = [const { Vec::new() }; 3];
        let [identities, roles, keys] = &mut stages;
        for (index, account) in seed.accounts.into_iter().enumerate() {
            let place = format!("Accounts[{index}]");
            planner.account(&place, account, identities, roles, keys);
        }
        identities::in_order_of_trust(&mut planner, roles);
        if planner.findings.is_empty() {
            Ok(Self { steps: stages.into_iter().flatten().collect() })
        } else {
            Err(planner.findings)
        }
    }
}

impl Planner {
    fn account(
        &mut self,
        place: &str,
        account: Account,
        identities: &mut Vec<Step>,
        roles: &mut Vec<Step>,
        keys: &mut Vec<Step>,
    ) {
        let id_place = format!("{place}.AccountId");
        let Ok(id) = account.account_id.parse::<AccountId>() else {
            self.findings.add(
                &id_place,
                format_args!("{} is no account id; use 12 digits", Shown(&account.account_id)),
            );
            return;
        };
        self.once(&id_place, &format!("account {id}"));
        let Account {
            account_alias, managed_policies, groups, users, roles: own_roles, keys: own_keys, ..
        } = account;
        let step = |place: String, seedling| Step { place, account: id, what: What::Identity(seedling) };
        if let Some(alias) = account_alias {
            let place = format!("{place}.AccountAlias");
            identities.push(step(place.clone(), self.account_alias(&place, alias)));
        }
        for (index, policy) in managed_policies.into_iter().enumerate() {
            let place = format!("{place}.ManagedPolicies[{index}]");
            identities.push(step(place.clone(), self.managed_policy(&place, id, policy)));
        }
        for (index, group) in groups.into_iter().enumerate() {
            let place = format!("{place}.Groups[{index}]");
            identities.push(step(place.clone(), self.group(&place, id, group)));
        }
        for (index, user) in users.into_iter().enumerate() {
            let place = format!("{place}.Users[{index}]");
            identities.push(step(place.clone(), self.user(&place, id, user)));
        }
        for (index, role) in own_roles.into_iter().enumerate() {
            let place = format!("{place}.Roles[{index}]");
            roles.push(step(place.clone(), self.role(&place, id, role)));
        }
        for (index, key) in own_keys.into_iter().enumerate() {
            let place = format!("{place}.Keys[{index}]");
            if let Some(key) = self.key(&place, id, key) {
                keys.push(Step { place, account: id, what: What::Key(key) });
            }
        }
    }

    /// Refuses what is in the file twice. `what` names it in words.
    fn once(&mut self, place: &str, what: &str) {
        if !self.seen.insert(what.to_owned()) {
            self.findings.add(place, format_args!("{what} is in this seed twice; leave one out"));
        }
    }

    /// Refuses a secret where the server takes none.
    fn secret(&mut self, place: &str, instead: &str) {
        if self.secrets == Secrets::Refused {
            self.findings.add(
                place,
                format_args!(
                    "only `strongroom dev` takes secrets out of a seed; leave it out, and {instead}"
                ),
            );
        }
    }

    /// A policy document that has been read, as it is kept.
    fn document(&mut self, place: &str, document: &Document, kind: Kind) -> String {
        if let Err(error) = document::Document::parse(document.written(), kind) {
            self.findings.add(place, error);
        }
        document.compact()
    }

    /// Tags, as keys and values.
    fn tags(
        &mut self,
        place: &str,
        tags: Option<Vec<super::format::Tag>>,
        (key, value): (Limit, Limit),
    ) -> Option<Vec<(String, String)>> {
        let tags = tags?;
        for (index, tag) in tags.iter().enumerate() {
            self.findings.check_text(&format!("{place}.Tags[{index}].Key"), key, &tag.key);
            self.findings.check_text(&format!("{place}.Tags[{index}].Value"), value, &tag.value);
        }
        Some(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }
}
