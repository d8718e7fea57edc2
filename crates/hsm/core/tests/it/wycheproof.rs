//! Wycheproof's vectors through a partition: keys are imported, sealed, opened and used as KMS does it.
//!
//! The files are those of `base/crypto` (`testdata/SOURCE.md` there), which tries those too that no key of a partition can
//! have: other curves and hashes, public keys without their private half.

use serde_json::Value;
use strongroom_crypto::digest::Hash;
use strongroom_crypto::{ec, hex};
use strongroom_hsm_core::{
    Attributes, HsmError, KeyHandle, KeyType, OpenedKey, Signed, SigningScheme, Usage,
};
use strongroom_secret::SecretBytes;

use crate::fixture::partition;

/// The keys and the tests of a file.
fn read(file: &str) -> (Vec<Vec<u8>>, Vec<Value>) {
    let file: Value = serde_json::from_str(file).unwrap();
    let keys =
        file["keys"].as_array().into_iter().flatten().map(|key| hex::decode(key.as_str().unwrap()).unwrap());
    (keys.collect(), file["tests"].as_array().unwrap().clone())
}

fn text<'a>(test: &'a Value, name: &str) -> &'a str {
    test[name].as_str().unwrap_or_default()
}

fn bytes(test: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(test, name)).unwrap()
}

fn case(test: &Value) -> String {
    format!("{} {}: {}", text(test, "source"), test["tcId"], text(test, "comment"))
}

fn is_valid(test: &Value) -> bool {
    text(test, "result") == "valid"
}

fn hash(test: &Value) -> Hash {
    Hash::ALL.into_iter().find(|hash| format!("{hash:?}") == text(test, "hash")).unwrap()
}

fn key(key_type: KeyType, usage: Usage, material: &[u8]) -> Result<OpenedKey, HsmError> {
    let partition = partition(0);
    let attributes = Attributes { key_type, usage };
    let material = SecretBytes::new(material.to_vec());
    let token = partition.import(KeyHandle::random()?, &attributes, &material)?;
    partition.open(&token.reference, &token.bytes)
}

#[test]
fn hmac() {
    let mut tried = 0;
    for file in [
        include_str!("../../../../base/crypto/testdata/wycheproof_hmac.json"),
        include_str!("../../../../base/crypto/testdata/wycheproof_hmac_sha256.json"),
    ] {
        for test in read(file).1 {
            let key_type = match text(&test, "hash") {
                "Sha224" => KeyType::Hmac224,
                "Sha384" => KeyType::Hmac384,
                "Sha512" => KeyType::Hmac512,
                "" => KeyType::Hmac256,
                _ => continue,
            };
            let material = bytes(&test, "key");
            let fits = key_type.mac_key_lengths().unwrap().contains(&material.len());
            let Ok(key) = key(key_type, Usage::SIGNATURES, &material) else {
                assert!(!fits, "{}", case(&test));
                continue;
            };
            let verified = key.verify_mac(&bytes(&test, "msg"), &bytes(&test, "tag"));
            assert_eq!(verified, Ok(is_valid(&test)), "{}", case(&test));
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn rsa_oaep() {
    let (keys, tests) = read(include_str!("../../../../base/crypto/testdata/wycheproof_rsa_oaep.json"));
    let of_kms =
        |test: &&Value| matches!(text(test, "hash"), "Sha1" | "Sha256") && text(test, "label").is_empty();
    let tests: Vec<_> = tests.iter().filter(of_kms).collect();
    assert_eq!(tests.len(), 24);
    for test in tests {
        let key =
            key(KeyType::Rsa2048, Usage::ENCRYPTION, &keys[test["key"].as_u64().unwrap() as usize]).unwrap();
        let plaintext =
            key.decrypt_oaep(hash(test), &bytes(test, "ct")).map(|plaintext| plaintext.expose().clone());
        let expected = if is_valid(test) { Ok(bytes(test, "msg")) } else { Err(HsmError::InvalidCiphertext) };
        assert_eq!(plaintext, expected, "{}", case(test));
    }
}

#[test]
fn rsa_pkcs1() {
    let (keys, tests) = read(include_str!("../../../../base/crypto/testdata/wycheproof_rsa_pkcs1_sign.json"));
    for test in &tests {
        let material = &keys[test["key"].as_u64().unwrap() as usize];
        let key_type = match text(test, "source") {
            "rsa_pkcs1_2048_sig_gen_test" => KeyType::Rsa2048,
            "rsa_pkcs1_3072_sig_gen_test" => KeyType::Rsa3072,
            "rsa_pkcs1_4096_sig_gen_test" => KeyType::Rsa4096,
            other => panic!("{other}"),
        };
        let key = key(key_type, Usage::SIGNATURES, material).unwrap();
        let (scheme, message) = (SigningScheme::RsaPkcs1(hash(test)), bytes(test, "msg"));
        let signature = key.sign(scheme, Signed::Message(&message)).unwrap();
        assert_eq!(signature, bytes(test, "sig"), "{}", case(test));
        assert_eq!(key.verify(scheme, Signed::Message(&message), &signature), Ok(true), "{}", case(test));
    }
    assert_eq!(tests.len(), 22);
}

#[test]
fn ecdh() {
    let (_, tests) = read(include_str!("../../../../base/crypto/testdata/wycheproof_ecdh.json"));
    let mut tried = 0;
    for test in &tests {
        let (curve, key_type) = match text(test, "curve") {
            "P256" => (ec::Curve::P256, KeyType::EcP256),
            "P384" => (ec::Curve::P384, KeyType::EcP384),
            "P521" => (ec::Curve::P521, KeyType::EcP521),
            _ => continue,
        };
        // The file writes the scalar as an ASN.1 integer.
        let digits: Vec<_> = bytes(test, "private").into_iter().skip_while(|byte| *byte == 0).collect();
        let mut scalar = vec![0; curve.coordinate_length() - digits.len()];
        scalar.extend(digits);
        let material = ec::PrivateKey::from_scalar(curve, &scalar).unwrap().to_pkcs8().unwrap();
        let key = key(key_type, Usage::AGREE, material.expose()).unwrap();
        // As KMS reads the other's key.
        let peer = ec::PublicKey::from_spki(&bytes(test, "public")).ok().filter(|peer| peer.curve() == curve);
        let secret = peer.and_then(|peer| key.agree(&peer.to_point().unwrap()).ok());
        let expected = is_valid(test).then(|| bytes(test, "shared"));
        assert_eq!(secret.map(|secret| secret.expose().clone()), expected, "{}", case(test));
        tried += 1;
    }
    assert_eq!(tried, 84);
}

#[test]
fn ml_dsa() {
    let (_, tests) = read(include_str!("../../../../base/crypto/testdata/wycheproof_ml_dsa.json"));
    let mut tried = 0;
    for test in tests.iter().filter(|test| is_valid(test)) {
        let key_type =
            KeyType::ALL.iter().find(|key_type| format!("{key_type:?}") == text(test, "set")).unwrap();
        let key = key(*key_type, Usage::SIGNATURES, &bytes(test, "pkcs8")).unwrap();
        let (message, mu, signature) = (bytes(test, "msg"), bytes(test, "mu"), bytes(test, "sig"));
        for signed in [Signed::Message(&message), Signed::ExternalMu(&mu)] {
            assert_eq!(key.verify(SigningScheme::MlDsa, signed, &signature), Ok(true), "{}", case(test));
        }
        tried += 1;
    }
    assert!(tried >= 6, "{tried}");
}

#[test]
fn ml_kem() {
    let (_, tests) = read(include_str!("../../../../base/crypto/testdata/wycheproof_ml_kem.json"));
    let mut tried = 0;
    for test in tests.iter().filter(|test| !text(test, "seed").is_empty()) {
        let (number, key_type) = match text(test, "set") {
            "MlKem512" => (1, KeyType::MlKem512),
            "MlKem768" => (2, KeyType::MlKem768),
            _ => (3, KeyType::MlKem1024),
        };
        let seed = bytes(test, "seed");
        let length = seed.len() as u8;
        // RFC 9935, 6.
        let document = [
            &[0x30, length + 20, 2, 1, 0, 0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 4, number][..],
            &[4, length + 2, 0x80, length],
            &seed,
        ]
        .concat();
        let secret = key(key_type, Usage::ENCAPSULATION, &document)
            .and_then(|key| key.decapsulate(&bytes(test, "ciphertext")))
            .map(|secret| secret.expose().clone());
        let expected = match (is_valid(test), seed.len()) {
            (true, _) => Ok(bytes(test, "secret")),
            (false, 64) => Err(HsmError::InvalidCiphertext),
            (false, _) => Err(HsmError::InvalidMaterial),
        };
        assert_eq!(secret, expected, "{}", case(test));
        tried += 1;
    }
    assert!(tried > 30, "{tried}");
}
