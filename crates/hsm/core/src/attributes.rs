//! What a key is and what it may be used for.
//!
//! Attributes stand in the clear in a key token and are authenticated there. Their one encoding is
//! `format (1 byte) || key type (1) || usage bits (u32, big-endian)`. A reader that meets a format, type or
//! bit it does not know refuses the key: an unknown attribute may be a restriction.

use std::ops::BitOr;

use crate::HsmError;

const FORMAT: u8 = 1;

/// The attributes of a key. No attribute lets material out of the HSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// What kind of key it is.
    pub key_type: KeyType,
    /// What it may do.
    pub usage: Usage,
}

impl Attributes {
    pub(crate) const ENCODED_LENGTH: usize = 6;

    pub(crate) fn encode(self) -> [u8; Self::ENCODED_LENGTH] {
        let KeyType::Aes256 = self.key_type;
        let [a, b, c, d] = self.usage.0.to_be_bytes();
        [FORMAT, 1, a, b, c, d]
    }

    pub(crate) fn decode(encoded: &[u8]) -> Result<Self, HsmError> {
        let &[FORMAT, 1, a, b, c, d] = encoded else {
            return Err(HsmError::UnsupportedAttributes);
        };
        let usage = Usage(u32::from_be_bytes([a, b, c, d]));
        if Usage::ALL.contains(usage) {
            Ok(Self { key_type: KeyType::Aes256, usage })
        } else {
            Err(HsmError::UnsupportedAttributes)
        }
    }
}

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// A 256-bit AES key.
    Aes256,
}

/// A set of operations that a key may be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Usage(u32);

impl Usage {
    /// No operation.
    pub const NONE: Self = Self(0);
    /// [`OpenedKey::encrypt_derived`](crate::OpenedKey::encrypt_derived).
    pub const ENCRYPT_DERIVED: Self = Self(1);
    /// [`OpenedKey::decrypt_derived`](crate::OpenedKey::decrypt_derived).
    pub const DECRYPT_DERIVED: Self = Self(1 << 1);

    /// Both: what a symmetric key of KMS may do.
    pub const SYMMETRIC: Self = Self(Self::ENCRYPT_DERIVED.0 | Self::DECRYPT_DERIVED.0);

    const ALL: Self = Self::SYMMETRIC;

    /// Tells whether every operation of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Usage {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Attributes, KeyType, Usage};
    use crate::HsmError;

    #[test]
    fn attributes_have_one_encoding() {
        let attributes = Attributes { key_type: KeyType::Aes256, usage: Usage::DECRYPT_DERIVED };
        assert_eq!(attributes.encode(), [1, 1, 0, 0, 0, 2]);
        assert_eq!(Attributes::decode(&attributes.encode()), Ok(attributes));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let unknown: [&[u8]; 7] = [
            &[],
            &[1, 1, 0, 0, 0],
            &[1, 1, 0, 0, 0, 3, 0],
            &[2, 1, 0, 0, 0, 3],
            &[1, 2, 0, 0, 0, 3],
            &[1, 1, 0, 0, 0, 4],
            &[1, 1, 0x80, 0, 0, 3],
        ];
        for encoded in unknown {
            assert_eq!(Attributes::decode(encoded), Err(HsmError::UnsupportedAttributes), "{encoded:?}");
        }
    }
}
