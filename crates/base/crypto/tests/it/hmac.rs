use serde::Deserialize;
use strongroom_crypto::hex;
use strongroom_crypto::hmac::{Hmac, HmacSha256};

use crate::wycheproof::{self, Bytes, HashName, Verdict};

#[derive(Debug, Deserialize)]
struct Vector {
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    key: Bytes,
    msg: Bytes,
    tag: Bytes,
    result: Verdict,
}

#[test]
fn wycheproof() {
    let vectors = wycheproof::read::<Vector>(include_str!("../../testdata/wycheproof_hmac_sha256.json"));
    assert_eq!(vectors.len(), 87);
    for vector in vectors {
        let case = format!("test {}: {}", vector.id, vector.comment);
        let valid = vector.result == Verdict::Valid;
        let key = HmacSha256::new(&vector.key.0);
        assert_eq!(key.verify(&[&vector.msg.0], &vector.tag.0).is_ok(), valid, "{case}");
        assert_eq!(key.sign(&[&vector.msg.0]).as_slice() == vector.tag.0, valid, "{case}");
    }
}

#[derive(Debug, Deserialize)]
struct AnyHash {
    source: String,
    hash: HashName,
    #[serde(flatten)]
    vector: Vector,
}

#[test]
fn wycheproof_with_the_other_hashes() {
    let vectors = wycheproof::read::<AnyHash>(include_str!("../../testdata/wycheproof_hmac.json"));
    assert_eq!(vectors.len(), 64);
    for AnyHash { source, hash, vector } in vectors {
        let case = format!("{source} {}: {}", vector.id, vector.comment);
        let valid = vector.result == Verdict::Valid;
        let key = Hmac::new(hash.0, &vector.key.0);
        assert_eq!(key.verify(&[&vector.msg.0], &vector.tag.0).is_ok(), valid, "{case}");
        assert_eq!(key.sign(&[&vector.msg.0]) == vector.tag.0, valid, "{case}");
        assert!(key.verify(&[&vector.msg.0], &vector.tag.0[..10]).is_err(), "{case}");
    }
}

/// RFC 4231, test cases 2 (a short key) and 6 (a key longer than a block).
#[test]
fn known_answers() {
    let tag = HmacSha256::new(b"Jefe").sign(&[b"what do ya want ", b"for nothing?"]);
    assert_eq!(hex::encode(&tag), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    let tag =
        HmacSha256::new(&[0xaa; 131]).sign(&[b"Test Using Larger Than Block-Size Key - Hash Key First"]);
    assert_eq!(hex::encode(&tag), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

#[test]
fn a_tag_must_be_whole() {
    let key = HmacSha256::new(b"key");
    let tag = key.sign(&[b"message"]);
    assert!(key.clone().verify(&[b"mess", b"", b"age"], &tag).is_ok());
    for length in 0..tag.len() {
        assert!(key.verify(&[b"message"], &tag[..length]).is_err(), "{length} bytes");
    }
    assert!(key.verify(&[b"message"], &[tag.as_slice(), &[0]].concat()).is_err());
}
