//! KMS's specs, usages and algorithms as the core has them.

use strongroom_crypto::digest::Hash;
use strongroom_hsm_core::{self as core, Attributes, KeyType, SigningScheme, Usage};

use crate::domain::spec::{EncryptionAlgorithm, KeySpec, KeyUsage, Signed, SigningAlgorithm};
use crate::error::Refusal;

/// The attributes of keys of that spec for that usage; none for what is made in no partition.
pub(super) const fn attributes(spec: KeySpec, usage: KeyUsage) -> Option<Attributes> {
    let Some(key_type) = key_type(spec) else { return None };
    let usage = match usage {
        KeyUsage::EncryptDecrypt if spec.is_symmetric() => Usage::SYMMETRIC,
        KeyUsage::EncryptDecrypt => Usage::ENCRYPTION,
        KeyUsage::SignVerify | KeyUsage::GenerateVerifyMac => Usage::SIGNATURES,
        KeyUsage::KeyAgreement => Usage::AGREE,
        KeyUsage::EncapsulateDecapsulate => Usage::ENCAPSULATION,
    };
    Some(Attributes { key_type, usage })
}

/// SM2 is for the Regions of China.
const fn key_type(spec: KeySpec) -> Option<KeyType> {
    Some(match spec {
        KeySpec::SymmetricDefault => KeyType::Aes256,
        KeySpec::Rsa2048 => KeyType::Rsa2048,
        KeySpec::Rsa3072 => KeyType::Rsa3072,
        KeySpec::Rsa4096 => KeyType::Rsa4096,
        KeySpec::EccNistP256 => KeyType::EcP256,
        KeySpec::EccNistP384 => KeyType::EcP384,
        KeySpec::EccNistP521 => KeyType::EcP521,
        KeySpec::EccSecgP256k1 => KeyType::EcSecp256k1,
        KeySpec::EccNistEdwards25519 => KeyType::Ed25519,
        KeySpec::Hmac224 => KeyType::Hmac224,
        KeySpec::Hmac256 => KeyType::Hmac256,
        KeySpec::Hmac384 => KeyType::Hmac384,
        KeySpec::Hmac512 => KeyType::Hmac512,
        KeySpec::MlDsa44 => KeyType::MlDsa44,
        KeySpec::MlDsa65 => KeyType::MlDsa65,
        KeySpec::MlDsa87 => KeyType::MlDsa87,
        KeySpec::MlKem512 => KeyType::MlKem512,
        KeySpec::MlKem768 => KeyType::MlKem768,
        KeySpec::MlKem1024 => KeyType::MlKem1024,
        KeySpec::Sm2 => return None,
    })
}

/// How the core signs by that algorithm.
pub(super) fn scheme(algorithm: SigningAlgorithm) -> Result<SigningScheme, Refusal> {
    use SigningAlgorithm as S;
    Ok(match algorithm {
        S::RsassaPssSha256 => SigningScheme::RsaPss(Hash::Sha256),
        S::RsassaPssSha384 => SigningScheme::RsaPss(Hash::Sha384),
        S::RsassaPssSha512 => SigningScheme::RsaPss(Hash::Sha512),
        S::RsassaPkcs1V15Sha256 => SigningScheme::RsaPkcs1(Hash::Sha256),
        S::RsassaPkcs1V15Sha384 => SigningScheme::RsaPkcs1(Hash::Sha384),
        S::RsassaPkcs1V15Sha512 => SigningScheme::RsaPkcs1(Hash::Sha512),
        S::EcdsaSha256 => SigningScheme::Ecdsa(Hash::Sha256),
        S::EcdsaSha384 => SigningScheme::Ecdsa(Hash::Sha384),
        S::EcdsaSha512 => SigningScheme::Ecdsa(Hash::Sha512),
        S::Ed25519Sha512 => SigningScheme::Ed25519,
        S::Ed25519PhSha512 => SigningScheme::Ed25519ph,
        S::MlDsaShake256 => SigningScheme::MlDsa,
        S::Sm2Dsa => return Err(Refusal::internal("no partition holds SM2 keys")),
    })
}

/// What the core signs. AWS hashes the digest once more, as the message that Ed25519ph signs.
pub(super) const fn signed(scheme: SigningScheme, signed: Signed<'_>) -> core::Signed<'_> {
    match (scheme, signed) {
        (_, Signed::Message(message)) | (SigningScheme::Ed25519ph, Signed::Digest(message)) => {
            core::Signed::Message(message)
        }
        (_, Signed::Digest(digest)) => core::Signed::Digest(digest),
        (_, Signed::ExternalMu(mu)) => core::Signed::ExternalMu(mu),
    }
}

/// The hash of RSA-OAEP.
pub(super) fn oaep_hash(algorithm: EncryptionAlgorithm) -> Result<Hash, Refusal> {
    match algorithm {
        EncryptionAlgorithm::RsaesOaepSha1 => Ok(Hash::Sha1),
        EncryptionAlgorithm::RsaesOaepSha256 => Ok(Hash::Sha256),
        EncryptionAlgorithm::SymmetricDefault | EncryptionAlgorithm::Sm2Pke => {
            Err(Refusal::internal("not an algorithm of RSA keys"))
        }
    }
}
