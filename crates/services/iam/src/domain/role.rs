//! Roles.

use serde::{Deserialize, Serialize};
use strongroom_identity::{AccountId, Entity};

use super::permissions::Permissions;
use super::tags::Tags;
use super::trust::Trust;
use crate::error::Refusal;

/// How long a session of a role lasts at most, unless the role says otherwise, in seconds.
pub(crate) const USUAL_SESSION: i32 = 3600;

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// Seconds.
    pub(crate) max_session: i32,
    pub(crate) trust: Trust,
    #[serde(default)]
    pub(crate) tags: Tags,
    #[serde(default)]
    pub(crate) permissions: Permissions,
    /// The ARN of the managed policy that bounds what the role may do.
    #[serde(default)]
    pub(crate) boundary: Option<String>,
    /// The service that the role is linked to, for example `cloudhsm.amazonaws.com`.
    #[serde(default)]
    pub(crate) service: Option<String>,
}

impl Role {
    /// The role as principals name it.
    pub(crate) fn entity(&self, account: AccountId) -> Entity {
        Entity { account, path: self.path.clone(), name: self.name.clone(), id: self.id.clone() }
    }

    /// Refuses changes to a role that belongs to a service.
    pub(crate) fn expect_own(&self) -> Result<(), Refusal> {
        if self.service.is_some() { Err(Refusal::protected_role(&self.name)) } else { Ok(()) }
    }
}
