//! What groups and streams are known by beside their names.

use std::fmt;

use strongroom_crypto::{CryptoError, hex, random};
use strongroom_store::{Row, StoreError, Value};

/// A random id. A group or stream that is made anew under the name of one that was deleted has another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id([u8; 16]);

impl Id {
    /// Not after any other.
    pub(crate) const FIRST: Self = Self([0; 16]);

    pub(crate) fn new() -> Result<Self, CryptoError> {
        random::id().map(Self)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn read(row: &Row, column: &str) -> Result<Self, StoreError> {
        row.array(column).map(Self)
    }
}

impl From<Id> for Value {
    fn from(id: Id) -> Self {
        id.0.to_vec().into()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
