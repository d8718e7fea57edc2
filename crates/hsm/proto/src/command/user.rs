//! Users, log-ins and second factors.
//!
//! Messages that hold a password show nothing of it in `Debug` and wipe it when they are dropped.

use std::fmt;

use prost::{Enumeration, Message};
use zeroize::Zeroize;

/// What a user is (CloudHSM User Guide, "HSM user types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum Role {
    /// The administrator before the cluster is activated.
    UnactivatedAdmin = 0,
    /// Looks after users and quorum values, and owns no keys (crypto officer).
    Admin = 1,
    /// Owns and uses keys.
    CryptoUser = 2,
    /// The service's own user, which nobody logs in as.
    ApplianceUser = 3,
}

macro_rules! holds_a_password {
    ($($message:ident),*) => {$(
        impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($message)).finish_non_exhaustive()
            }
        }

        impl Drop for $message {
            fn drop(&mut self) {
                self.password.zeroize();
            }
        }
    )*};
}

holds_a_password!(Activate, Login, CreateUser, ChangePassword, FinishRegistration);

/// Sets the first password of the user `admin`, who becomes an administrator. Needs no log-in, and works once.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct Activate {
    /// The password, 8 to 32 characters.
    #[prost(string, tag = "1")]
    pub password: String,
}

/// Logs in.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct Login {
    /// The user's name, in any case.
    #[prost(string, tag = "1")]
    pub username: String,
    /// The role in which the user exists.
    #[prost(enumeration = "Role", tag = "2")]
    pub role: i32,
    /// The password.
    #[prost(string, tag = "3")]
    pub password: String,
}

/// The end of a log-in, or the half of it.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct LoginResult {
    /// Thirty-two bytes to be signed with the second factor: the log-in is not done yet. Empty when it is.
    #[prost(bytes = "vec", tag = "1")]
    pub challenge: Vec<u8>,
}

/// Answers the challenge of a log-in.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct AnswerChallenge {
    /// The RSASSA-PKCS1-v1_5 signature over the challenge as a SHA-256 digest.
    #[prost(bytes = "vec", tag = "1")]
    pub signature: Vec<u8>,
}

/// Logs out.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Logout {}

/// Lists users. Needs no log-in.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ListUsers {}

/// What everyone may know of a user.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct UserDescription {
    /// The name, in lower case.
    #[prost(string, tag = "1")]
    pub username: String,
    /// The role.
    #[prost(enumeration = "Role", tag = "2")]
    pub role: i32,
    /// Whether too many wrong passwords have locked it.
    #[prost(bool, tag = "3")]
    pub locked: bool,
    /// Whether log-ins need a second factor.
    #[prost(bool, tag = "4")]
    pub mfa: bool,
    /// Whether it can approve quorum tokens.
    #[prost(bool, tag = "5")]
    pub quorum: bool,
}

/// Users.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct UserList {
    /// Every one, by name and role.
    #[prost(message, repeated, tag = "1")]
    pub users: Vec<UserDescription>,
}

/// Makes a user. Administrators; quorum service `user`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct CreateUser {
    /// The name: 1 to 31 letters, digits and `_`.
    #[prost(string, tag = "1")]
    pub username: String,
    /// [`Role::Admin`] or [`Role::CryptoUser`].
    #[prost(enumeration = "Role", tag = "2")]
    pub role: i32,
    /// The password, 8 to 32 characters, no colon.
    #[prost(string, tag = "3")]
    pub password: String,
}

/// Deletes a user. Administrators; quorum service `user`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DeleteUser {
    /// The name.
    #[prost(string, tag = "1")]
    pub username: String,
    /// The role.
    #[prost(enumeration = "Role", tag = "2")]
    pub role: i32,
}

/// Changes a password: one's own, or as an administrator anybody's (quorum service `user`). Unlocks the user and
/// removes second factor and approvals. A user who is logged in at this HSM, in another session than the one that
/// asks, keeps its password ([`FailureCode::InUse`](super::FailureCode::InUse)).
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct ChangePassword {
    /// The name.
    #[prost(string, tag = "1")]
    pub username: String,
    /// The role.
    #[prost(enumeration = "Role", tag = "2")]
    pub role: i32,
    /// The new password.
    #[prost(string, tag = "3")]
    pub password: String,
    /// The user agrees to lose the second factor.
    #[prost(bool, tag = "4")]
    pub deregister_mfa: bool,
    /// The user agrees to lose the key that signs approvals.
    #[prost(bool, tag = "5")]
    pub deregister_quorum: bool,
}

/// What a public key is registered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enumeration)]
#[repr(i32)]
pub enum RegistrationPurpose {
    /// As the second factor of log-ins (and for approvals: one key serves both).
    Mfa = 0,
    /// For approvals alone.
    Quorum = 1,
}

/// Asks for what the new key must sign.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct BeginRegistration {
    /// What for.
    #[prost(enumeration = "RegistrationPurpose", tag = "1")]
    pub purpose: i32,
    /// Whose key: one's own, or for a second factor as an administrator anybody's.
    #[prost(string, tag = "2")]
    pub username: String,
    /// The role.
    #[prost(enumeration = "Role", tag = "3")]
    pub role: i32,
}

/// What a new key must sign. The HSM that gave it out is the one that takes the answer.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Challenge {
    /// At most 245 bytes that describe the registration.
    #[prost(bytes = "vec", tag = "1")]
    pub approval_data: Vec<u8>,
    /// What is signed: the SHA-256 of the above, or 32 random bytes for a second factor.
    #[prost(bytes = "vec", tag = "2")]
    pub unsigned: Vec<u8>,
}

/// Registers a public key.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct FinishRegistration {
    /// What for.
    #[prost(enumeration = "RegistrationPurpose", tag = "1")]
    pub purpose: i32,
    /// Whose key.
    #[prost(string, tag = "2")]
    pub username: String,
    /// The role.
    #[prost(enumeration = "Role", tag = "3")]
    pub role: i32,
    /// The RSA-2048 public key, as a DER SubjectPublicKeyInfo.
    #[prost(bytes = "vec", tag = "4")]
    pub public_key: Vec<u8>,
    /// The challenge that is answered.
    #[prost(bytes = "vec", tag = "5")]
    pub unsigned: Vec<u8>,
    /// The signature over it.
    #[prost(bytes = "vec", tag = "6")]
    pub signature: Vec<u8>,
    /// For a second factor, the user's password, set anew.
    #[prost(string, tag = "7")]
    pub password: String,
}

/// Removes a user's second factor, and with it the key for approvals.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Deregister {
    /// Whose.
    #[prost(string, tag = "1")]
    pub username: String,
    /// The role.
    #[prost(enumeration = "Role", tag = "2")]
    pub role: i32,
}

/// Exports a user, sealed for clones of the cluster. Administrators.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ExportUser {
    /// The name.
    #[prost(string, tag = "1")]
    pub username: String,
    /// The role.
    #[prost(enumeration = "Role", tag = "2")]
    pub role: i32,
}

/// Takes over a user that a clone exported. Administrators; quorum service `user`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ImportUser {
    /// What the clone exported.
    #[prost(bytes = "vec", tag = "1")]
    pub sealed: Vec<u8>,
}
