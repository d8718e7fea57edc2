//! What an account has one of.

use serde::{Deserialize, Serialize};

use super::password::PasswordPolicy;

/// The id under which an account's settings are kept.
pub(crate) const ID: &str = "account";

/// An account's alias and policy on passwords.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    #[serde(default)]
    pub(crate) alias: Option<String>,
    #[serde(default)]
    pub(crate) password_policy: Option<PasswordPolicy>,
}
