//! What can be asked: one JSON object on one line.

use serde::{Deserialize, Serialize};

/// A command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Make an account.
    AccountCreate(AccountCreate),
    /// Name all accounts.
    AccountList {},
    /// Rotate the seal.
    SealRotate {},
    /// Give an account's root user another access key in place of all that it has.
    RootReset(RootReset),
    /// Make a backup, and hand it over piece by piece.
    Backup {},
}

/// The account that is to be made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountCreate {
    pub(crate) name: String,
    /// 12 digits; a random one where there is none.
    pub(crate) account_id: Option<String>,
}

/// Whose root user it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RootReset {
    pub(crate) account_id: String,
}
