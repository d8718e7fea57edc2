use proptest::prelude::*;
use serde::Deserialize;
use strongroom_crypto::aead::Aes256Gcm;
use strongroom_crypto::{CryptoError, hex};
use strongroom_secret::Secret;

use crate::wycheproof::{self, Bytes, Verdict};

#[derive(Debug, Deserialize)]
struct Vector {
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    key: Bytes,
    iv: Bytes,
    aad: Bytes,
    msg: Bytes,
    ct: Bytes,
    tag: Bytes,
    result: Verdict,
}

fn cipher(key: &[u8]) -> Aes256Gcm {
    Aes256Gcm::new(&Secret::new(key.try_into().unwrap())).unwrap()
}

#[test]
fn wycheproof() {
    let vectors = wycheproof::read::<Vector>(include_str!("../../testdata/wycheproof_aes_256_gcm.json"));
    assert_eq!(vectors.len(), 66);
    for vector in vectors {
        let case = format!("test {}: {}", vector.id, vector.comment);
        let cipher = cipher(&vector.key.0);
        let nonce = vector.iv.0.as_slice().try_into().unwrap();
        let sealed = [vector.ct.0, vector.tag.0].concat();
        let opened = cipher.open(nonce, &vector.aad.0, &sealed);
        if vector.result == Verdict::Valid {
            assert_eq!(cipher.seal(nonce, &vector.aad.0, &vector.msg.0).unwrap(), sealed, "{case}");
            assert_eq!(*opened.unwrap().expose(), vector.msg.0, "{case}");
        } else {
            assert_eq!(opened.map(|_| ()), Err(CryptoError), "{case}");
        }
    }
}

/// Test cases 13, 14 and 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega).
#[test]
fn known_answers() {
    let zero = "00".repeat(32);
    let feff = "feffe9928665731c6d6a8f9467308308".repeat(2);
    let cases = [
        (zero.as_str(), "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
        (
            zero.as_str(),
            "000000000000000000000000",
            "",
            "00000000000000000000000000000000",
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
        ),
        (
            feff.as_str(),
            "cafebabefacedbaddecaf888",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662\
             76fc6ece0f4e1768cddf8853bb2d551b",
        ),
    ];
    for (key, nonce, aad, plaintext, sealed) in cases {
        let bytes = |text| hex::decode(text).unwrap();
        let nonce = bytes(nonce).try_into().unwrap();
        let out = cipher(&bytes(key)).seal(&nonce, &bytes(aad), &bytes(plaintext)).unwrap();
        assert_eq!(hex::encode(&out), sealed);
    }
}

#[test]
fn sealing_appends_and_allocates_no_more_than_it_needs() {
    let cipher = cipher(&[1; 32]);
    let sealed = cipher.seal(&[2; 12], b"aad", &[3; 100]).unwrap();
    assert_eq!((sealed.len(), sealed.capacity()), (116, 116));

    let mut out = b"head".to_vec();
    cipher.seal_into(&[2; 12], b"aad", &[3; 100], &mut out).unwrap();
    assert_eq!(out, [b"head", sealed.as_slice()].concat());
}

#[test]
fn what_is_shorter_than_a_tag_is_refused() {
    let cipher = cipher(&[1; 32]);
    for length in 0..16 {
        assert!(cipher.open(&[2; 12], b"", &vec![0; length]).is_err(), "{length} bytes");
    }
}

proptest! {
    #[test]
    fn what_was_sealed_opens_and_nothing_else_does(
        key: [u8; 32],
        nonce: [u8; 12],
        aad in proptest::collection::vec(any::<u8>(), 0..40),
        plaintext in proptest::collection::vec(any::<u8>(), 0..200),
        flip in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let cipher = cipher(&key);
        let mut sealed = cipher.seal(&nonce, &aad, &plaintext).unwrap();
        let opened = cipher.open(&nonce, &aad, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &plaintext);

        let longer = [aad.as_slice(), &[0]].concat();
        prop_assert!(cipher.open(&nonce, &longer, &sealed).is_err());
        let position = flip.index(sealed.len());
        sealed[position] ^= 1 << bit;
        prop_assert!(cipher.open(&nonce, &aad, &sealed).is_err());
    }
}
