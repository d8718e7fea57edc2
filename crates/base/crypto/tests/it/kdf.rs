use proptest::prelude::*;
use serde::Deserialize;
use strongroom_crypto::digest::Hash;
use strongroom_crypto::hmac::HmacSha256;
use strongroom_crypto::kdf::{
    ByteOrder, MAX_OUTPUT_LENGTH, Prf, Segment, sp800_108_counter, sp800_108_counter_hmac_sha256, x963,
};

use crate::wycheproof::{self, Bytes, HashName};

/// Section 4.1 of SP 800-108r1, written down independently over HMAC.
fn model(key: &[u8], label: &[u8], context: &[u8], length: usize) -> Vec<u8> {
    let key = HmacSha256::new(key);
    let bits = (length as u32 * 8).to_be_bytes();
    let blocks =
        (1_u32..).flat_map(|counter| key.sign(&[&counter.to_be_bytes(), label, &[0], context, &bits]));
    blocks.take(length).collect()
}

proptest! {
    #[test]
    fn label_context_and_length_enter_as_the_standard_says(
        key in proptest::collection::vec(any::<u8>(), 1..80),
        label in proptest::collection::vec(1..=255_u8, 0..30),
        context in proptest::collection::vec(any::<u8>(), 0..120),
        length in 1..150_usize,
    ) {
        let mut out = vec![0; length];
        sp800_108_counter_hmac_sha256(&key, &label, &context, &mut out).unwrap();
        prop_assert_eq!(out, model(&key, &label, &context, length));
    }
}

#[test]
fn what_would_be_ambiguous_or_empty_is_refused() {
    let mut out = [0; 32];
    assert!(sp800_108_counter_hmac_sha256(b"", b"label", b"context", &mut out).is_err());
    assert!(sp800_108_counter_hmac_sha256(b"key", b"la\0bel", b"context", &mut out).is_err());
    assert!(sp800_108_counter_hmac_sha256(b"key", b"label", b"context", &mut []).is_err());
    assert_eq!(out, [0; 32]);
}

#[derive(Debug, Deserialize)]
struct Counter {
    count: u32,
    prf: String,
    location: String,
    bits: u32,
    key: Bytes,
    before: Bytes,
    after: Bytes,
    out: Bytes,
}

/// NIST's answers for every pseudo-random function, place and width of the counter.
#[test]
fn nists_answers_of_the_counter_mode() {
    let vectors = wycheproof::read::<Counter>(include_str!("../../testdata/cavp_kbkdf_counter_all.json"));
    assert_eq!(vectors.len(), 8 * 3 * 4);
    for vector in vectors {
        let prf = match vector.prf.as_str() {
            "CMAC_AES128" | "CMAC_AES192" | "CMAC_AES256" => Prf::CmacAes,
            "HMAC_SHA1" => Prf::Hmac(Hash::Sha1),
            "HMAC_SHA224" => Prf::Hmac(Hash::Sha224),
            "HMAC_SHA256" => Prf::Hmac(Hash::Sha256),
            "HMAC_SHA384" => Prf::Hmac(Hash::Sha384),
            "HMAC_SHA512" => Prf::Hmac(Hash::Sha512),
            other => panic!("{other}"),
        };
        let segments = [
            Segment::Bytes(&vector.before.0),
            Segment::Counter { bits: vector.bits, order: ByteOrder::BigEndian },
            Segment::Bytes(&vector.after.0),
        ];
        let out = sp800_108_counter(prf, &vector.key.0, &segments, vector.out.0.len()).unwrap();
        let case = format!("{} {} {} count {}", vector.prf, vector.location, vector.bits, vector.count);
        assert_eq!(*out.expose(), vector.out.0, "{case}");
    }
}

#[test]
fn the_general_counter_mode_agrees_with_ours() {
    let mut ours = [0; 100];
    sp800_108_counter_hmac_sha256(b"key", b"label", b"context", &mut ours).unwrap();
    let order = ByteOrder::BigEndian;
    let segments = [
        Segment::Counter { bits: 32, order },
        Segment::Bytes(b"label\0context"),
        Segment::OutputLength { bits: 32, order },
    ];
    let general = sp800_108_counter(Prf::Hmac(Hash::Sha256), b"key", &segments, 100).unwrap();
    assert_eq!(*general.expose(), ours);

    // Little-endian numbers are other numbers.
    let order = ByteOrder::LittleEndian;
    let segments = [Segment::Bytes(&[1, 0]), Segment::Counter { bits: 8, order }];
    let as_bytes = sp800_108_counter(Prf::CmacAes, &[7; 16], &segments, 16).unwrap();
    let segments = [Segment::Counter { bits: 16, order }, Segment::Bytes(&[1])];
    let as_number = sp800_108_counter(Prf::CmacAes, &[7; 16], &segments, 16).unwrap();
    assert_eq!(as_bytes.expose(), as_number.expose());
}

#[test]
fn what_the_counter_mode_cannot_do_is_refused() {
    let order = ByteOrder::BigEndian;
    let counter = Segment::Counter { bits: 8, order };
    let prf = Prf::Hmac(Hash::Sha256);
    assert!(sp800_108_counter(prf, b"key", &[counter], 255 * 32).is_ok());
    assert!(sp800_108_counter(prf, b"key", &[counter], 255 * 32 + 1).is_err(), "the counter runs over");
    let length = Segment::OutputLength { bits: 8, order };
    assert!(sp800_108_counter(prf, b"key", &[counter, length], 31).is_ok());
    assert!(sp800_108_counter(prf, b"key", &[counter, length], 32).is_err(), "256 does not fit");
    let wide = Segment::Counter { bits: 32, order };
    assert!(sp800_108_counter(prf, b"key", &[wide], MAX_OUTPUT_LENGTH).is_ok());
    for (prf, key, segments, length) in [
        (prf, &b"key"[..], &[wide][..], MAX_OUTPUT_LENGTH + 1),
        (prf, b"key", &[wide], 0),
        (prf, b"", &[wide], 1),
        (prf, b"key", &[], 1),
        (prf, b"key", &[wide, wide], 1),
        (prf, b"key", &[Segment::Counter { bits: 0, order }], 1),
        (prf, b"key", &[Segment::Counter { bits: 12, order }], 1),
        (prf, b"key", &[Segment::Counter { bits: 64, order }], 1),
        (prf, b"key", &[wide, Segment::OutputLength { bits: 40, order }], 1),
        (Prf::CmacAes, b"key", &[wide], 1),
    ] {
        assert!(sp800_108_counter(prf, key, segments, length).is_err(), "{segments:?} {length}");
    }
}

#[derive(Debug, Deserialize)]
struct X963 {
    count: u32,
    hash: HashName,
    secret: Bytes,
    info: Bytes,
    out: Bytes,
}

#[test]
fn nists_answers_of_x963() {
    let vectors = wycheproof::read::<X963>(include_str!("../../testdata/cavp_x963_kdf.json"));
    assert_eq!(vectors.len(), 20);
    for vector in vectors {
        let out = x963(vector.hash.0, &vector.secret.0, &vector.info.0, vector.out.0.len()).unwrap();
        assert_eq!(*out.expose(), vector.out.0, "{:?} count {}", vector.hash, vector.count);
    }
    assert!(x963(Hash::Sha256, b"", b"", 32).is_err());
    assert!(x963(Hash::Sha256, b"secret", b"", 0).is_err());
    assert!(x963(Hash::Sha256, b"secret", b"", MAX_OUTPUT_LENGTH + 1).is_err());
}
