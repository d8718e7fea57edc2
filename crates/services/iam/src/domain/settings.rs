//! What an account has one of.

use serde::{Deserialize, Serialize};

use super::password::PasswordPolicy;
use super::root_user::RootUser;

/// The id under which an account's settings are kept.
pub(crate) const ID: &str = "account";

/// An account's alias, its policy on passwords, and its root user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    #[serde(default)]
    pub(crate) alias: Option<String>,
    #[serde(default)]
    pub(crate) password_policy: Option<PasswordPolicy>,
    #[serde(default)]
    pub(crate) root: RootUser,
}
