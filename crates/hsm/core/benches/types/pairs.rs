//! Data key pairs: made, written out and encrypted as `GenerateDataKeyPair` does it, beside AWS-LC making the key and no more.

use std::hint::black_box;

use aws_lc_rs::kem::{self, DecapsulationKey};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair};
use strongroom_crypto::{CryptoError, ec, ed25519, ml_kem, rsa};
use strongroom_hsm_core::{BlobHeader, EncryptionContext, KeyType, OpenedKey};
use strongroom_secret::SecretBytes;

use crate::Call;

const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// The private half as PKCS#8, the public half as a SubjectPublicKeyInfo.
type Halves = Result<(SecretBytes, Vec<u8>), CryptoError>;

/// How long keys of a type are made for, as a multiple of the time of other calls. How long one of RSA takes is a matter of
/// luck, so that many are needed, and a mean.
pub(crate) const fn patience(key_type: KeyType) -> u32 {
    if matches!(key_type, KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096) { 40 } else { 1 }
}

/// What makes a pair of a type, encrypted under `key`; none if there are no such data key pairs.
pub(crate) fn engine(key_type: KeyType, key: &OpenedKey) -> Option<Call<'_>> {
    let context = EncryptionContext::new([("purpose", "bench")]).unwrap();
    let make = made(key_type)?;
    Some(Box::new(move || {
        let (private, public) = make().unwrap();
        let names = BlobHeader { key_id: KEY_ID, material_id: &[0x31; 32] };
        drop(black_box((key.encrypt_derived(&names, &context, private.expose()).unwrap(), private, public)));
    }))
}

fn made(key_type: KeyType) -> Option<Box<dyn Fn() -> Halves>> {
    let rsa = |bits| -> Box<dyn Fn() -> Halves> {
        Box::new(move || {
            let key = rsa::PrivateKey::generate(bits, rsa::MIN_EXPONENT)?;
            Ok((key.to_pkcs8()?, key.public_key().to_spki()?))
        })
    };
    let ec = |curve| -> Box<dyn Fn() -> Halves> {
        Box::new(move || {
            let key = ec::PrivateKey::generate(curve)?;
            Ok((key.to_pkcs8()?, key.public_key().to_spki()?))
        })
    };
    let ml_kem = |set| -> Box<dyn Fn() -> Halves> {
        Box::new(move || {
            let key = ml_kem::PrivateKey::generate(set)?;
            Ok((key.to_pkcs8()?, key.public_key().to_spki()?))
        })
    };
    Some(match key_type {
        KeyType::Rsa2048 => rsa(2_048),
        KeyType::Rsa3072 => rsa(3_072),
        KeyType::Rsa4096 => rsa(4_096),
        KeyType::EcP256 => ec(ec::Curve::P256),
        KeyType::EcP384 => ec(ec::Curve::P384),
        KeyType::EcP521 => ec(ec::Curve::P521),
        KeyType::EcSecp256k1 => ec(ec::Curve::Secp256k1),
        KeyType::Ed25519 => Box::new(|| {
            let key = ed25519::PrivateKey::generate()?;
            Ok((key.to_pkcs8()?, key.public_key().to_spki()))
        }),
        KeyType::MlKem512 => ml_kem(ml_kem::ParameterSet::MlKem512),
        KeyType::MlKem768 => ml_kem(ml_kem::ParameterSet::MlKem768),
        KeyType::MlKem1024 => ml_kem(ml_kem::ParameterSet::MlKem1024),
        _ => return None,
    })
}

/// What makes a key of a type through `aws-lc-rs`.
pub(crate) fn raw<'k>(key_type: KeyType) -> Option<Call<'k>> {
    let rsa = |size| -> Call<'k> {
        Box::new(move || drop(black_box(aws_lc_rs::rsa::KeyPair::generate(size).unwrap())))
    };
    let ec = |algorithm: &'static EcdsaSigningAlgorithm| -> Call<'k> {
        Box::new(move || drop(black_box(EcdsaKeyPair::generate(algorithm).unwrap())))
    };
    let ml_kem = |algorithm: &'static kem::Algorithm| -> Call<'k> {
        Box::new(move || drop(black_box(DecapsulationKey::generate(algorithm).unwrap())))
    };
    Some(match key_type {
        KeyType::Rsa2048 => rsa(KeySize::Rsa2048),
        KeyType::Rsa3072 => rsa(KeySize::Rsa3072),
        KeyType::Rsa4096 => rsa(KeySize::Rsa4096),
        KeyType::EcP256 => ec(&signature::ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyType::EcP384 => ec(&signature::ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyType::EcP521 => ec(&signature::ECDSA_P521_SHA512_ASN1_SIGNING),
        KeyType::EcSecp256k1 => ec(&signature::ECDSA_P256K1_SHA256_ASN1_SIGNING),
        KeyType::Ed25519 => Box::new(|| drop(black_box(Ed25519KeyPair::generate().unwrap()))),
        KeyType::MlKem512 => ml_kem(&kem::ML_KEM_512),
        KeyType::MlKem768 => ml_kem(&kem::ML_KEM_768),
        KeyType::MlKem1024 => ml_kem(&kem::ML_KEM_1024),
        _ => return None,
    })
}
