//! Users and their credentials.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strongroom_identity::{AccountId, Entity};

use super::password::Login;
use super::permissions::Permissions;
use super::tags::Tags;
use crate::error::Refusal;

/// Access keys of a user, inactive ones counted (IAM User Guide, "IAM and STS quotas").
pub(crate) const MOST_ACCESS_KEYS: usize = 2;

/// Groups that a user may be in.
pub(crate) const MOST_GROUPS: usize = 10;

/// Devices that a user may have.
pub(crate) const MOST_DEVICES: usize = 8;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    #[serde(default)]
    pub(crate) tags: Tags,
    #[serde(default)]
    pub(crate) permissions: Permissions,
    /// The ARN of the managed policy that bounds what the user may do.
    #[serde(default)]
    pub(crate) boundary: Option<String>,
    /// Ids of groups.
    #[serde(default)]
    pub(crate) groups: BTreeSet<String>,
    #[serde(default)]
    pub(crate) access_keys: Vec<AccessKey>,
    #[serde(default)]
    pub(crate) login: Option<Login>,
}

/// What is known of an access key beside its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) active: bool,
    pub(crate) created_ms: i64,
}

impl User {
    /// The user as principals name him.
    pub(crate) fn entity(&self, account: AccountId) -> Entity {
        Entity { account, path: self.path.clone(), name: self.name.clone(), id: self.id.clone() }
    }

    /// The user's access key of that id.
    pub(crate) fn access_key(&self, id: &str) -> Result<&AccessKey, Refusal> {
        self.access_keys.iter().find(|key| key.id == id).ok_or_else(|| no_access_key(id))
    }

    /// Notes an access key that is made.
    pub(crate) fn add_access_key(&mut self, id: &str, now_ms: i64) -> Result<AccessKey, Refusal> {
        if self.access_keys.len() >= MOST_ACCESS_KEYS {
            return Err(Refusal::quota("AccessKeysPerUser", MOST_ACCESS_KEYS));
        }
        let key = AccessKey { id: id.to_owned(), active: true, created_ms: now_ms };
        self.access_keys.push(key.clone());
        Ok(key)
    }

    /// Makes an access key count or not.
    pub(crate) fn set_active(&mut self, id: &str, active: bool) -> Result<(), Refusal> {
        let key = self.access_keys.iter_mut().find(|key| key.id == id).ok_or_else(|| no_access_key(id))?;
        key.active = active;
        Ok(())
    }

    /// Takes an access key away.
    pub(crate) fn remove_access_key(&mut self, id: &str) -> Result<(), Refusal> {
        self.access_key(id)?;
        self.access_keys.retain(|key| key.id != id);
        Ok(())
    }

    /// Puts the user into a group, unless he is in it.
    pub(crate) fn join(&mut self, group_id: &str) -> Result<(), Refusal> {
        if !self.groups.contains(group_id) && self.groups.len() >= MOST_GROUPS {
            return Err(Refusal::quota("GroupsPerUser", MOST_GROUPS));
        }
        self.groups.insert(group_id.to_owned());
        Ok(())
    }

    /// The user's log-in to the console.
    pub(crate) fn login(&self) -> Result<&Login, Refusal> {
        self.login.as_ref().ok_or_else(|| no_login(&self.name))
    }
}

/// The refusal where a user has no password.
pub(crate) fn no_login(user: &str) -> Refusal {
    Refusal::no_such(format!("Login Profile for User {user} cannot be found."))
}

/// The refusal of an access key that is not the user's.
pub(crate) fn no_access_key(id: &str) -> Refusal {
    Refusal::no_such(format!("The Access Key with id {id} cannot be found."))
}
