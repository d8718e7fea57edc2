use serde::Deserialize;
use strongroom_crypto::digest::sha512;
use strongroom_crypto::ed25519::{PrivateKey, PublicKey};
use strongroom_crypto::hex;

use crate::wycheproof::{self, Bytes, Verdict};

#[derive(Debug, Deserialize)]
struct Vector {
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    key: usize,
    msg: Bytes,
    sig: Bytes,
    result: Verdict,
}

#[test]
fn wycheproof() {
    let (keys, vectors) =
        wycheproof::read_with_keys::<Vector>(include_str!("../../testdata/wycheproof_ed25519.json"));
    assert_eq!(vectors.len(), 80);
    for vector in vectors {
        let key = PublicKey::from_spki(&keys[vector.key]).unwrap();
        assert_eq!(key.to_spki(), keys[vector.key]);
        let verified = key.verify(&vector.msg.0, &vector.sig.0);
        assert_eq!(
            verified.is_ok(),
            vector.result == Verdict::Valid,
            "test {}: {}",
            vector.id,
            vector.comment
        );
    }
}

/// RFC 8032, 7.1, test 3.
#[test]
fn known_answer() {
    let seed = hex::decode("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7").unwrap();
    let key = PrivateKey::from_seed(&seed.try_into().unwrap()).unwrap();
    assert_eq!(
        hex::encode(key.public_key().as_bytes()),
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
    );
    assert_eq!(
        hex::encode(&key.sign(&[0xaf, 0x82]).unwrap()),
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    );
}

/// RFC 8032, 7.3.
#[test]
fn known_answer_of_the_prehashed_form() {
    let seed = hex::decode("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42").unwrap();
    let key = PrivateKey::from_seed(&seed.try_into().unwrap()).unwrap();
    let signature = key.sign_prehashed(&sha512(b"abc"), b"").unwrap();
    assert_eq!(
        hex::encode(&signature),
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41\
         31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
    );
    let public = key.public_key();
    public.verify_prehashed(&sha512(b"abc"), b"", &signature).unwrap();
    assert!(public.verify_prehashed(&sha512(b"abd"), b"", &signature).is_err());
    assert!(public.verify_prehashed(&sha512(b"abc"), b"context", &signature).is_err());
    assert!(public.verify(b"abc", &signature).is_err());
    assert!(public.verify_prehashed(&sha512(b"abc"), b"", &signature[1..]).is_err());
    assert!(public.verify_prehashed(&sha512(b"abc"), b"", &[]).is_err());
}

#[test]
fn a_context_has_at_most_255_bytes() {
    let key = PrivateKey::generate().unwrap();
    let signature = key.sign_prehashed(&[1; 64], &[2; 255]).unwrap();
    key.public_key().verify_prehashed(&[1; 64], &[2; 255], &signature).unwrap();
    assert!(key.sign_prehashed(&[1; 64], &[2; 256]).is_err());
    assert!(key.public_key().verify_prehashed(&[1; 64], &[2; 256], &signature).is_err());
}

#[test]
fn keys_come_back_from_their_encodings() {
    let key = PrivateKey::generate().unwrap();
    let pkcs8 = key.to_pkcs8().unwrap();
    assert_eq!(pkcs8.expose().len(), 48);
    let again = PrivateKey::from_pkcs8(pkcs8.expose()).unwrap();
    assert_eq!(again.public_key(), key.public_key());
    assert_eq!(PublicKey::from_spki(&key.public_key().to_spki()).unwrap(), *key.public_key());
    for length in 0..48 {
        assert!(PrivateKey::from_pkcs8(&pkcs8.expose()[..length]).is_err());
    }
    let longer = [pkcs8.expose().as_slice(), &[0]].concat();
    assert!(PrivateKey::from_pkcs8(&longer).is_err());
    assert!(PublicKey::from_spki(&key.public_key().to_spki()[..43]).is_err());
    assert!(PublicKey::from_spki(&[key.public_key().to_spki(), vec![0]].concat()).is_err());
}
