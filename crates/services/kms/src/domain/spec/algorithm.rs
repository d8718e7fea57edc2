//! Algorithms, by the names that callers give.

use super::named;

named! {
    /// How a key encrypts.
    EncryptionAlgorithm {
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        RsaesOaepSha1 = "RSAES_OAEP_SHA_1",
        RsaesOaepSha256 = "RSAES_OAEP_SHA_256",
        Sm2Pke = "SM2PKE",
    }
}

named! {
    /// How a key signs.
    SigningAlgorithm {
        RsassaPssSha256 = "RSASSA_PSS_SHA_256",
        RsassaPssSha384 = "RSASSA_PSS_SHA_384",
        RsassaPssSha512 = "RSASSA_PSS_SHA_512",
        RsassaPkcs1V15Sha256 = "RSASSA_PKCS1_V1_5_SHA_256",
        RsassaPkcs1V15Sha384 = "RSASSA_PKCS1_V1_5_SHA_384",
        RsassaPkcs1V15Sha512 = "RSASSA_PKCS1_V1_5_SHA_512",
        EcdsaSha256 = "ECDSA_SHA_256",
        EcdsaSha384 = "ECDSA_SHA_384",
        EcdsaSha512 = "ECDSA_SHA_512",
        Ed25519Sha512 = "ED25519_SHA_512",
        Ed25519PhSha512 = "ED25519_PH_SHA_512",
        Sm2Dsa = "SM2DSA",
        MlDsaShake256 = "ML_DSA_SHAKE_256",
    }
}

named! {
    /// How a key makes MACs.
    MacAlgorithm {
        HmacSha224 = "HMAC_SHA_224",
        HmacSha256 = "HMAC_SHA_256",
        HmacSha384 = "HMAC_SHA_384",
        HmacSha512 = "HMAC_SHA_512",
    }
}

named! {
    /// How a key agrees on a secret with another.
    KeyAgreementAlgorithm {
        Ecdh = "ECDH",
    }
}

named! {
    /// How a key encapsulates secrets.
    EncapsulationAlgorithm {
        MlKem = "ML_KEM",
    }
}

/// What a signing algorithm takes in a caller's digest for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DigestForm {
    /// A hash of the message, of so many bytes; a message does as well.
    Hash(usize),
    /// A hash of the message, of so many bytes, and nothing else.
    OnlyHash(usize),
    /// Nothing: the message alone.
    None,
    /// The external mu of ML-DSA, of so many bytes; a message does as well.
    ExternalMu(usize),
}

impl SigningAlgorithm {
    /// What the algorithm takes instead of a message.
    pub(crate) const fn digest_form(self) -> DigestForm {
        match self {
            Self::RsassaPssSha256 | Self::RsassaPkcs1V15Sha256 | Self::EcdsaSha256 | Self::Sm2Dsa => {
                DigestForm::Hash(32)
            }
            Self::RsassaPssSha384 | Self::RsassaPkcs1V15Sha384 | Self::EcdsaSha384 => DigestForm::Hash(48),
            Self::RsassaPssSha512 | Self::RsassaPkcs1V15Sha512 | Self::EcdsaSha512 => DigestForm::Hash(64),
            Self::Ed25519Sha512 => DigestForm::None,
            Self::Ed25519PhSha512 => DigestForm::OnlyHash(64),
            Self::MlDsaShake256 => DigestForm::ExternalMu(64),
        }
    }
}

impl EncryptionAlgorithm {
    /// The bytes that OAEP takes of the modulus; nothing for other algorithms.
    pub(crate) const fn oaep_overhead(self) -> Option<usize> {
        match self {
            Self::RsaesOaepSha1 => Some(2 * 20 + 2),
            Self::RsaesOaepSha256 => Some(2 * 32 + 2),
            Self::SymmetricDefault | Self::Sm2Pke => None,
        }
    }
}
