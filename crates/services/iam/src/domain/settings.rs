//! What an account has one of.

use serde::{Deserialize, Serialize};

use super::password::PasswordPolicy;
use super::root_user::RootUser;

/// The id under which an account's settings are kept.
pub(crate) const ID: &str = "account";

/// Deletions of service-linked roles that are remembered: each service has one role, so that is a long time.
const MOST_DELETIONS: usize = 100;

/// An account's alias, its policy on passwords, and its root user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    #[serde(default)]
    pub(crate) alias: Option<String>,
    #[serde(default)]
    pub(crate) password_policy: Option<PasswordPolicy>,
    #[serde(default)]
    pub(crate) root: RootUser,
    /// Ids of the last deletions of service-linked roles, oldest first.
    #[serde(default)]
    deletions: Vec<String>,
}

impl Settings {
    /// Remembers the deletion of a service-linked role.
    pub(crate) fn add_deletion(&mut self, id: &str) {
        self.deletions.push(id.to_owned());
        let surplus = self.deletions.len().saturating_sub(MOST_DELETIONS);
        self.deletions.drain(..surplus);
    }

    /// Whether a service-linked role was deleted under that id.
    pub(crate) fn has_deletion(&self, id: &str) -> bool {
        self.deletions.iter().any(|known| known == id)
    }
}
