//! Types of keys in partitions.

use std::ops::RangeInclusive;

use strongroom_crypto::digest::Hash;
use strongroom_crypto::{ec, ml_dsa, ml_kem};

use crate::Usage;

/// The longest key of a MAC, in bytes: 1,024 bits.
const LONGEST_MAC_KEY: usize = 128;

/// Types of keys, with the numbers that they have in tokens.
macro_rules! key_types {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)+) => {
        /// What kind of key it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum KeyType {
            $($(#[$doc])* $name,)+
        }

        impl KeyType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            pub(crate) const fn number(self) -> u8 {
                match self {
                    $(Self::$name => $number,)+
                }
            }

            pub(crate) const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

key_types! {
    /// A 256-bit AES key.
    Aes256 = 1,
    /// A key for HMAC with SHA-224.
    Hmac224 = 2,
    /// A key for HMAC with SHA-256.
    Hmac256 = 3,
    /// A key for HMAC with SHA-384.
    Hmac384 = 4,
    /// A key for HMAC with SHA-512.
    Hmac512 = 5,
    /// An RSA key with a modulus of 2,048 bits.
    Rsa2048 = 6,
    /// An RSA key with a modulus of 3,072 bits.
    Rsa3072 = 7,
    /// An RSA key with a modulus of 4,096 bits.
    Rsa4096 = 8,
    /// A key on the curve P-256.
    EcP256 = 9,
    /// A key on the curve P-384.
    EcP384 = 10,
    /// A key on the curve P-521.
    EcP521 = 11,
    /// A key on the curve secp256k1.
    EcSecp256k1 = 12,
    /// An Ed25519 key.
    Ed25519 = 13,
    /// An ML-DSA-44 key.
    MlDsa44 = 14,
    /// An ML-DSA-65 key.
    MlDsa65 = 15,
    /// An ML-DSA-87 key.
    MlDsa87 = 16,
    /// An ML-KEM-512 key.
    MlKem512 = 17,
    /// An ML-KEM-768 key.
    MlKem768 = 18,
    /// An ML-KEM-1024 key.
    MlKem1024 = 19,
}

/// A type of keys with what its family needs to know.
pub(crate) enum Family {
    Aes,
    Mac(Hash),
    Rsa {
        /// Of the modulus.
        bits: u32,
    },
    Ec(ec::Curve),
    Ed25519,
    MlDsa(ml_dsa::ParameterSet),
    MlKem(ml_kem::ParameterSet),
}

impl KeyType {
    pub(crate) const fn family(self) -> Family {
        match self {
            Self::Aes256 => Family::Aes,
            Self::Hmac224 => Family::Mac(Hash::Sha224),
            Self::Hmac256 => Family::Mac(Hash::Sha256),
            Self::Hmac384 => Family::Mac(Hash::Sha384),
            Self::Hmac512 => Family::Mac(Hash::Sha512),
            Self::Rsa2048 => Family::Rsa { bits: 2_048 },
            Self::Rsa3072 => Family::Rsa { bits: 3_072 },
            Self::Rsa4096 => Family::Rsa { bits: 4_096 },
            Self::EcP256 => Family::Ec(ec::Curve::P256),
            Self::EcP384 => Family::Ec(ec::Curve::P384),
            Self::EcP521 => Family::Ec(ec::Curve::P521),
            Self::EcSecp256k1 => Family::Ec(ec::Curve::Secp256k1),
            Self::Ed25519 => Family::Ed25519,
            Self::MlDsa44 => Family::MlDsa(ml_dsa::ParameterSet::MlDsa44),
            Self::MlDsa65 => Family::MlDsa(ml_dsa::ParameterSet::MlDsa65),
            Self::MlDsa87 => Family::MlDsa(ml_dsa::ParameterSet::MlDsa87),
            Self::MlKem512 => Family::MlKem(ml_kem::ParameterSet::MlKem512),
            Self::MlKem768 => Family::MlKem(ml_kem::ParameterSet::MlKem768),
            Self::MlKem1024 => Family::MlKem(ml_kem::ParameterSet::MlKem1024),
        }
    }

    /// All that keys of the type may be used for.
    #[must_use]
    pub const fn uses(self) -> Usage {
        match self.family() {
            Family::Aes => Usage::SYMMETRIC,
            Family::Mac(_) | Family::Ec(ec::Curve::Secp256k1) | Family::Ed25519 | Family::MlDsa(_) => {
                Usage::SIGNATURES
            }
            Family::Rsa { .. } => Usage::SIGNATURES.with(Usage::ENCRYPTION),
            Family::Ec(_) => Usage::SIGNATURES.with(Usage::AGREE),
            Family::MlKem(_) => Usage::ENCAPSULATION,
        }
    }

    /// How many bytes a key has that makes MACs: at least as many as the MAC, at most 128; nothing for other types.
    #[must_use]
    pub const fn mac_key_lengths(self) -> Option<RangeInclusive<usize>> {
        match self.family() {
            Family::Mac(hash) => Some(hash.output_length()..=LONGEST_MAC_KEY),
            _ => None,
        }
    }
}
