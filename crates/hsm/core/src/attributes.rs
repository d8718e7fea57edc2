//! What a key is and what it may be used for.
//!
//! Attributes stand in the clear in a key token and are authenticated there. Their one encoding is
//! `format (1 byte) || key type (1) || usage bits (u32, big-endian)`. A reader that meets a format, type or
//! bit it does not know refuses the key: an unknown attribute may be a restriction. So does a use that keys of that
//! type do not have.

use std::ops::BitOr;

use crate::{HsmError, KeyType};

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
        let [a, b, c, d] = self.usage.0.to_be_bytes();
        [FORMAT, self.key_type.number(), a, b, c, d]
    }

    pub(crate) fn decode(encoded: &[u8]) -> Result<Self, HsmError> {
        let &[FORMAT, number, a, b, c, d] = encoded else {
            return Err(HsmError::UnsupportedAttributes);
        };
        let key_type = KeyType::from_number(number).ok_or(HsmError::UnsupportedAttributes)?;
        Self { key_type, usage: Usage(u32::from_be_bytes([a, b, c, d])) }.checked()
    }

    /// Refuses a use that keys of the type do not have.
    pub(crate) fn checked(self) -> Result<Self, HsmError> {
        if self.key_type.uses().contains(self.usage) {
            Ok(self)
        } else {
            Err(HsmError::UnsupportedAttributes)
        }
    }
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

    /// [`OpenedKey::sign`](crate::OpenedKey::sign) and [`OpenedKey::mac`](crate::OpenedKey::mac).
    pub const SIGN: Self = Self(1 << 2);
    /// [`OpenedKey::verify`](crate::OpenedKey::verify) and [`OpenedKey::verify_mac`](crate::OpenedKey::verify_mac).
    pub const VERIFY: Self = Self(1 << 3);
    /// [`OpenedKey::encrypt_oaep`](crate::OpenedKey::encrypt_oaep).
    pub const ENCRYPT: Self = Self(1 << 4);
    /// [`OpenedKey::decrypt_oaep`](crate::OpenedKey::decrypt_oaep).
    pub const DECRYPT: Self = Self(1 << 5);
    /// [`OpenedKey::agree`](crate::OpenedKey::agree).
    pub const AGREE: Self = Self(1 << 6);
    /// [`OpenedKey::encapsulate`](crate::OpenedKey::encapsulate).
    pub const ENCAPSULATE: Self = Self(1 << 7);
    /// [`OpenedKey::decapsulate`](crate::OpenedKey::decapsulate).
    pub const DECAPSULATE: Self = Self(1 << 8);

    /// What a symmetric key of KMS may do.
    pub const SYMMETRIC: Self = Self::ENCRYPT_DERIVED.with(Self::DECRYPT_DERIVED);
    /// What keys of KMS for signatures and for MACs may do.
    pub const SIGNATURES: Self = Self::SIGN.with(Self::VERIFY);
    /// What an RSA key of KMS for encryption may do.
    pub const ENCRYPTION: Self = Self::ENCRYPT.with(Self::DECRYPT);
    /// What a key of KMS for encapsulation may do.
    pub const ENCAPSULATION: Self = Self::ENCAPSULATE.with(Self::DECAPSULATE);

    /// Every operation of both sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Tells whether every operation of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Usage {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

#[cfg(test)]
mod tests {
    use super::{Attributes, KeyType, Usage};
    use crate::HsmError;

    #[test]
    fn attributes_have_one_encoding() {
        let encodings = [
            (KeyType::Aes256, Usage::DECRYPT_DERIVED, [1, 1, 0, 0, 0, 2]),
            (KeyType::Hmac224, Usage::SIGNATURES, [1, 2, 0, 0, 0, 0x0c]),
            (KeyType::Rsa4096, Usage::ENCRYPTION, [1, 8, 0, 0, 0, 0x30]),
            (KeyType::EcP521, Usage::AGREE, [1, 11, 0, 0, 0, 0x40]),
            (KeyType::MlKem1024, Usage::ENCAPSULATION, [1, 19, 0, 0, 1, 0x80]),
        ];
        for (key_type, usage, encoded) in encodings {
            let attributes = Attributes { key_type, usage };
            assert_eq!(attributes.encode(), encoded);
            assert_eq!(Attributes::decode(&encoded), Ok(attributes));
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let unknown: [&[u8]; 9] = [
            &[],
            &[1, 1, 0, 0, 0],
            &[1, 1, 0, 0, 0, 3, 0],
            &[2, 1, 0, 0, 0, 3],
            &[1, 0, 0, 0, 0, 0],
            &[1, 20, 0, 0, 0, 0],
            &[1, 2, 0, 0, 0, 3],
            &[1, 1, 0, 0, 0, 4],
            &[1, 1, 0x80, 0, 0, 3],
        ];
        for encoded in unknown {
            assert_eq!(Attributes::decode(encoded), Err(HsmError::UnsupportedAttributes), "{encoded:?}");
        }
    }
}
