//! Names and roles.

use strongroom_hsm_proto::command::{Role, UserDescription};

use crate::effect::{UserRecord, UserRef};
use crate::refusal::Refusal;

/// The most characters of a name.
const LONGEST_NAME: usize = 31;

/// The user that a command names: an administrator or a crypto user.
pub(super) fn named(name: &str, role: i32) -> Result<UserRef, Refusal> {
    match Role::try_from(role) {
        Ok(role @ (Role::Admin | Role::CryptoUser)) => Ok(UserRef::new(&lower_case(name)?, role)),
        _ => Err(Refusal::invalid_request("The role must be admin or crypto-user")),
    }
}

/// The name of a crypto user that a command names.
pub(crate) fn crypto_user_name(name: &str) -> Result<String, Refusal> {
    lower_case(name)
}

fn lower_case(name: &str) -> Result<String, Refusal> {
    let allowed = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if allowed && (1..=LONGEST_NAME).contains(&name.len()) {
        return Ok(name.to_ascii_lowercase());
    }
    Err(Refusal::invalid_request("A username has 1 to 31 characters: letters, digits and underscores"))
}

/// What everyone may know of a user.
pub(super) fn describe(record: &UserRecord) -> UserDescription {
    UserDescription {
        username: record.user.name.clone(),
        role: record.user.role,
        locked: record.locked,
        mfa: record.mfa,
        quorum: record.quorum,
    }
}
