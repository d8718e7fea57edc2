//! Why the seal and the store do not come together, or do not go on.

use strongroom_seal::SealError;
use strongroom_store::StoreError;

use crate::BoxError;

/// Why a server cannot work with its seal, or a rotation does not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResealingError {
    /// The store is of another seal.
    #[error("this is not the seal that the store was made under")]
    WrongSeal,
    /// The store has no seal yet.
    #[error("the store knows no seal yet")]
    NoSeal,
    /// The seal here is older than what the store can lead it on from.
    #[error(
        "the seal here has root keys up to epoch {here}, the store is at epoch {store}, and what leads from the one to the \
         other is gone from the store: copy root.slots from the seal of a server that was there when the seal was rotated"
    )]
    LeftBehind {
        /// The newest epoch here.
        here: u32,
        /// The store's epoch.
        store: u32,
    },
    /// Another server began a rotation at the same time.
    #[error("another server rotates the seal at this moment; what it began goes on by itself")]
    Overtaken,
    /// Servers that run have not taken the new root key over.
    #[error(
        "{servers} of the servers on this store have not taken the new root key over within {seconds} seconds, and nothing \
         has changed; see to them and rotate again"
    )]
    NotEverywhere {
        /// How many.
        servers: usize,
        /// How long they were waited for.
        seconds: u64,
    },
    /// Other than a server's.
    #[error("the store names a seal in a form that this version does not know")]
    UnknownForm,
    /// The seal refuses.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store refuses.
    #[error("the store does not answer")]
    Store(#[from] StoreError),
    /// A service refuses.
    #[error("{of} cannot be sealed afresh")]
    Kept {
        /// What.
        of: &'static str,
        /// Why.
        source: BoxError,
    },
}
