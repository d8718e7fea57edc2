//! Rules of KMS that need no store and no wire.

pub(crate) mod alias;
pub(crate) mod identifier;
pub(crate) mod key;
pub(crate) mod paging;
