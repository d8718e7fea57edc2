//! IAM and STS: who there is, by which credentials they prove it, and who a caller is.
//!
//! [`AccessKeys`] keeps access keys, their secrets sealed, and answers the server's look-ups; [`Sts`] is the
//! STS API over the caller that the server has verified.

#![warn(missing_docs)]

mod access_keys;
mod api;
mod repo;

pub use access_keys::{AccessKeyError, AccessKeys};
pub use api::sts::Sts;
pub use repo::{MIGRATIONS, STATEMENTS};
