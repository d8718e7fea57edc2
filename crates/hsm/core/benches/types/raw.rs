//! The same operations through `aws-lc-rs`, with keys that are parsed once.

use std::hint::black_box;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, PqdsaKeyPair,
    PqdsaSigningAlgorithm, RSA_PSS_SHA256, RsaKeyPair, VerificationAlgorithm,
};
use aws_lc_rs::{agreement, hmac, kem};
use strongroom_crypto::ec;
use strongroom_hsm_core::{KeyType, OpenedKey};

use crate::{Call, MESSAGE};

/// What a key does, in the order of the engine's calls.
pub(crate) fn calls<'k>(key_type: KeyType, material: &[u8], key: &OpenedKey) -> Vec<Call<'k>> {
    match key_type {
        KeyType::Aes256 => Vec::new(),
        KeyType::Hmac224 => mac(hmac::HMAC_SHA224, material),
        KeyType::Hmac256 => mac(hmac::HMAC_SHA256, material),
        KeyType::Hmac384 => mac(hmac::HMAC_SHA384, material),
        KeyType::Hmac512 => mac(hmac::HMAC_SHA512, material),
        KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096 => rsa(material),
        KeyType::EcP256 => {
            let mut calls = ecdsa(
                &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
                &signature::ECDSA_P256_SHA256_ASN1,
                material,
            );
            calls.push(agree(&agreement::ECDH_P256, material, key));
            calls
        }
        KeyType::EcP384 => {
            let mut calls = ecdsa(
                &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
                &signature::ECDSA_P384_SHA384_ASN1,
                material,
            );
            calls.push(agree(&agreement::ECDH_P384, material, key));
            calls
        }
        KeyType::EcP521 => {
            let mut calls = ecdsa(
                &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
                &signature::ECDSA_P521_SHA512_ASN1,
                material,
            );
            calls.push(agree(&agreement::ECDH_P521, material, key));
            calls
        }
        KeyType::EcSecp256k1 => ecdsa(
            &signature::ECDSA_P256K1_SHA256_ASN1_SIGNING,
            &signature::ECDSA_P256K1_SHA256_ASN1,
            material,
        ),
        KeyType::Ed25519 => {
            let pair = Ed25519KeyPair::from_pkcs8(material).unwrap();
            let verify =
                verify(&signature::ED25519, pair.public_key().as_ref(), pair.sign(&MESSAGE).as_ref());
            let sign = move || {
                black_box(pair.sign(black_box(&MESSAGE)));
            };
            vec![Box::new(sign), verify]
        }
        KeyType::MlDsa44 => ml_dsa(&signature::ML_DSA_44_SIGNING, &signature::ML_DSA_44, material),
        KeyType::MlDsa65 => ml_dsa(&signature::ML_DSA_65_SIGNING, &signature::ML_DSA_65, material),
        KeyType::MlDsa87 => ml_dsa(&signature::ML_DSA_87_SIGNING, &signature::ML_DSA_87, material),
        KeyType::MlKem512 => ml_kem(&kem::ML_KEM_512),
        KeyType::MlKem768 => ml_kem(&kem::ML_KEM_768),
        KeyType::MlKem1024 => ml_kem(&kem::ML_KEM_1024),
    }
}

/// A key's own point, which does for another's.
pub(crate) fn point(key: &OpenedKey) -> Vec<u8> {
    ec::PublicKey::from_spki(&key.public_key().unwrap().unwrap()).unwrap().to_point().unwrap()
}

fn mac<'k>(algorithm: hmac::Algorithm, material: &[u8]) -> Vec<Call<'k>> {
    let key = hmac::Key::new(algorithm, material);
    let (again, tag) = (key.clone(), hmac::sign(&key, &MESSAGE));
    vec![
        Box::new(move || {
            black_box(hmac::sign(&key, black_box(&MESSAGE)));
        }),
        Box::new(move || hmac::verify(&again, black_box(&MESSAGE), tag.as_ref()).unwrap()),
    ]
}

fn verify<'k>(algorithm: &'static dyn VerificationAlgorithm, public: &[u8], made: &[u8]) -> Call<'k> {
    let public = ParsedPublicKey::new(algorithm, public).unwrap();
    let made = made.to_vec();
    Box::new(move || public.verify_sig(black_box(&MESSAGE), &made).unwrap())
}

fn rsa<'k>(material: &[u8]) -> Vec<Call<'k>> {
    let pair = RsaKeyPair::from_pkcs8(material).unwrap();
    let random = SystemRandom::new();
    let mut made = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PSS_SHA256, &random, &MESSAGE, &mut made).unwrap();
    let verify = verify(&signature::RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref(), &made);
    let private = PrivateDecryptingKey::from_pkcs8(material).unwrap();
    let public = OaepPublicEncryptingKey::new(private.public_key()).unwrap();
    let private = OaepPrivateDecryptingKey::new(private).unwrap();
    let mut ciphertext = vec![0; public.ciphertext_size()];
    public.encrypt(&OAEP_SHA256_MGF1SHA256, &MESSAGE, &mut ciphertext, None).unwrap();
    vec![
        Box::new(move || {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PSS_SHA256, &random, black_box(&MESSAGE), &mut signature).unwrap();
            drop(black_box(signature));
        }),
        verify,
        Box::new(move || {
            let mut ciphertext = vec![0; public.ciphertext_size()];
            public.encrypt(&OAEP_SHA256_MGF1SHA256, black_box(&MESSAGE), &mut ciphertext, None).unwrap();
            drop(black_box(ciphertext));
        }),
        Box::new(move || {
            let mut plaintext = vec![0; private.min_output_size()];
            private.decrypt(&OAEP_SHA256_MGF1SHA256, black_box(&ciphertext), &mut plaintext, None).unwrap();
            drop(black_box(plaintext));
        }),
    ]
}

fn ecdsa<'k>(
    signing: &'static EcdsaSigningAlgorithm,
    verifying: &'static dyn VerificationAlgorithm,
    material: &[u8],
) -> Vec<Call<'k>> {
    let pair = EcdsaKeyPair::from_pkcs8(signing, material).unwrap();
    let random = SystemRandom::new();
    let verify =
        verify(verifying, pair.public_key().as_ref(), pair.sign(&random, &MESSAGE).unwrap().as_ref());
    vec![
        Box::new(move || {
            black_box(pair.sign(&random, black_box(&MESSAGE)).unwrap());
        }),
        verify,
    ]
}

fn agree<'k>(algorithm: &'static agreement::Algorithm, material: &[u8], key: &OpenedKey) -> Call<'k> {
    let private = agreement::PrivateKey::from_private_key_der(algorithm, material).unwrap();
    let peer = point(key);
    Box::new(move || {
        let peer = agreement::UnparsedPublicKey::new(algorithm, black_box(&peer));
        black_box(agreement::agree(&private, peer, (), |secret| Ok(secret.to_vec())).unwrap());
    })
}

fn ml_dsa<'k>(
    signing: &'static PqdsaSigningAlgorithm,
    verifying: &'static dyn VerificationAlgorithm,
    material: &[u8],
) -> Vec<Call<'k>> {
    let pair = PqdsaKeyPair::from_pkcs8(signing, material).unwrap();
    let mut made = vec![0; signing.signature_len()];
    pair.sign(&MESSAGE, &mut made).unwrap();
    let verify = verify(verifying, pair.public_key().as_der().unwrap().as_ref(), &made);
    vec![
        Box::new(move || {
            let mut signature = vec![0; signing.signature_len()];
            pair.sign(black_box(&MESSAGE), &mut signature).unwrap();
            drop(black_box(signature));
        }),
        verify,
    ]
}

fn ml_kem<'k>(algorithm: &'static kem::Algorithm) -> Vec<Call<'k>> {
    let private = kem::DecapsulationKey::generate(algorithm).unwrap();
    let public = private.encapsulation_key().unwrap();
    let ciphertext = public.encapsulate().unwrap().0.as_ref().to_vec();
    vec![
        Box::new(move || {
            black_box(public.encapsulate().unwrap());
        }),
        Box::new(move || {
            black_box(private.decapsulate(black_box(ciphertext.as_slice()).into()).unwrap());
        }),
    ]
}
