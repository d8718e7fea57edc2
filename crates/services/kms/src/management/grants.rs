//! Grants: what callers have, and how grants are made, listed and ended.

mod changing;
mod listing;
mod loading;
mod planting;
mod tokens;

pub(crate) use self::changing::{NewGrant, WhichGrant};
pub(crate) use self::listing::{GrantFilter, Grantee};
pub use self::planting::GrantSeedling;
pub(super) use self::tokens::Tokens;
