//! IAM and STS: who there is, by which credentials they prove it, and who a caller is.
//!
//! [`AccessKeys`] keeps access keys, their secrets sealed, and answers the server's look-ups, those of temporary
//! ones too, which nobody keeps; [`IdentityManagement`] is the IAM API; [`Sts`] is the STS API over the caller that the
//! server has verified.
//!
//! All entities of an account are one directory. A call of IAM goes through `api` (input rules, answers),
//! `identities` (authorisation and the transaction; `targets` says what of), `domain` (rules without a store) and `repo` (rows);
//! `directories` keeps directories in memory.

#![warn(missing_docs)]

mod access_keys;
mod accounts;
mod api;
mod attempts;
mod codes;
mod directories;
mod domain;
mod error;
mod events;
mod identities;
mod opened;
mod passwords;
mod permissions;
mod planting;
mod principals;
mod repo;
mod resealing;
mod sts;
mod targets;
mod uses;

pub use access_keys::{AccessKeyError, AccessKeys};
pub use accounts::{Account, AccountError, RootCredential};
pub use codes::CodeError;
pub use identities::IdentityManagement;
pub use planting::{
    AccessKeySeedling, GroupSeedling, PolicySeedling, PolicySeedlings, RoleSeedling, Seedling, UserSeedling,
};
pub use repo::{MIGRATIONS, STATEMENTS};
pub use resealing::{SEALED, SealedDirectories};
pub use sts::{ProviderDocuments, Sts, Unread, conceal_codes};
pub use uses::Quiet;
