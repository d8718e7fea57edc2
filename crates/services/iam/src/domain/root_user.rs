//! What an account's root user has: access keys and devices. It has no entity of its own, and no policies.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strongroom_identity::AccountId;

use super::user::{AccessKey, MOST_ACCESS_KEYS, no_access_key};
use crate::error::Refusal;

/// The access keys of a root user. Some it has made itself; others the operator has given it, of which only is noted
/// here that they do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RootUser {
    #[serde(default)]
    access_keys: Vec<AccessKey>,
    /// Ids of given keys that do not count for now.
    #[serde(default)]
    inactive: BTreeSet<String>,
    /// Ids of given keys that were deleted. They stay here: the operator gives the same key at every start.
    #[serde(default)]
    deleted: BTreeSet<String>,
}

/// An access key that the operator has given a root user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenKey {
    pub(crate) id: String,
    pub(crate) created_ms: i64,
}

/// The id of a root user, where users have theirs.
pub(crate) fn root_id(account: AccountId) -> String {
    account.to_string()
}

impl RootUser {
    /// All of its access keys, by id.
    pub(crate) fn access_keys(&self, given: &[GivenKey]) -> Vec<AccessKey> {
        let given = given.iter().filter(|key| !self.deleted.contains(&key.id)).map(|key| AccessKey {
            id: key.id.clone(),
            active: !self.inactive.contains(&key.id),
            created_ms: key.created_ms,
        });
        let mut keys: Vec<_> = given.chain(self.access_keys.iter().cloned()).collect();
        keys.sort_by(|one, other| one.id.cmp(&other.id));
        keys
    }

    /// Whether a key that it has made counts.
    pub(crate) fn has_active(&self, id: &str) -> bool {
        self.access_keys.iter().any(|key| key.id == id && key.active)
    }

    /// Whether a key that it was given counts.
    pub(crate) fn lets_given(&self, id: &str) -> bool {
        !self.inactive.contains(id) && !self.deleted.contains(id)
    }

    /// Notes an access key that is made.
    pub(crate) fn add_access_key(
        &mut self,
        given: &[GivenKey],
        id: &str,
        now_ms: i64,
    ) -> Result<AccessKey, Refusal> {
        if self.access_keys(given).len() >= MOST_ACCESS_KEYS {
            return Err(Refusal::quota("AccessKeysPerUser", MOST_ACCESS_KEYS));
        }
        let key = AccessKey { id: id.to_owned(), active: true, created_ms: now_ms };
        self.access_keys.push(key.clone());
        Ok(key)
    }

    /// Makes an access key count or not.
    pub(crate) fn set_active(&mut self, given: &[GivenKey], id: &str, active: bool) -> Result<(), Refusal> {
        if let Some(key) = self.access_keys.iter_mut().find(|key| key.id == id) {
            key.active = active;
            return Ok(());
        }
        self.expect_given(given, id)?;
        if active {
            self.inactive.remove(id);
        } else {
            self.inactive.insert(id.to_owned());
        }
        Ok(())
    }

    /// Takes an access key away.
    pub(crate) fn remove_access_key(&mut self, given: &[GivenKey], id: &str) -> Result<(), Refusal> {
        if self.access_keys.iter().any(|key| key.id == id) {
            self.access_keys.retain(|key| key.id != id);
            return Ok(());
        }
        self.expect_given(given, id)?;
        self.inactive.remove(id);
        self.deleted.insert(id.to_owned());
        Ok(())
    }

    /// Takes all access keys away, and answers their ids.
    pub(crate) fn lose_access_keys(&mut self, given: &[GivenKey]) -> Vec<String> {
        let ids = self.access_keys(given).into_iter().map(|key| key.id).collect();
        self.access_keys.clear();
        self.inactive.clear();
        self.deleted.extend(given.iter().map(|key| key.id.clone()));
        ids
    }

    fn expect_given(&self, given: &[GivenKey], id: &str) -> Result<(), Refusal> {
        let is_there = given.iter().any(|key| key.id == id) && !self.deleted.contains(id);
        if is_there { Ok(()) } else { Err(no_access_key(id)) }
    }
}
