use proptest::prelude::*;
use serde::Deserialize;
use strongroom_crypto::digest::Hash;
use strongroom_crypto::ec::{Curve, PrivateKey, PublicKey, signature_from_der, signature_to_der};
use strongroom_crypto::hex;

use crate::wycheproof::{self, Bytes, HashName, Verdict};

fn curve(name: &str) -> Curve {
    Curve::ALL.into_iter().find(|curve| format!("{curve:?}") == name).unwrap()
}

#[derive(Debug, Deserialize)]
struct Signature {
    source: String,
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    key: usize,
    curve: String,
    hash: HashName,
    msg: Bytes,
    sig: Bytes,
    result: Verdict,
}

#[test]
fn wycheproof_ecdsa() {
    let (keys, vectors) =
        wycheproof::read_with_keys::<Signature>(include_str!("../../testdata/wycheproof_ecdsa.json"));
    assert_eq!(vectors.len(), 252);
    for vector in vectors {
        let case = format!("{} {}: {}", vector.source, vector.id, vector.comment);
        let key = PublicKey::from_spki(&keys[vector.key]).unwrap();
        assert_eq!(key.curve(), curve(&vector.curve), "{case}");
        assert_eq!(key.to_spki().unwrap(), keys[vector.key], "{case}");
        let verified = key.verify_digest(&vector.hash.0.digest(&vector.msg.0), &vector.sig.0);
        assert_eq!(verified.is_ok(), vector.result == Verdict::Valid, "{case}");
    }
}

#[test]
fn wycheproof_ecdsa_in_der() {
    let (keys, vectors) =
        wycheproof::read_with_keys::<Signature>(include_str!("../../testdata/wycheproof_ecdsa_der.json"));
    assert_eq!(vectors.len(), 281);
    for vector in vectors {
        let case = format!("{} {}: {}", vector.source, vector.id, vector.comment);
        let key = PublicKey::from_spki(&keys[vector.key]).unwrap();
        assert_eq!(key.curve(), curve(&vector.curve), "{case}");
        let verified = key.verify_digest_der(&vector.hash.0.digest(&vector.msg.0), &vector.sig.0);
        assert_eq!(verified.is_ok(), vector.result == Verdict::Valid, "{case}");
    }
}

#[derive(Debug, Deserialize)]
struct Agreement {
    source: String,
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    curve: String,
    public: Bytes,
    private: Bytes,
    shared: Bytes,
    result: Verdict,
}

#[test]
fn wycheproof_ecdh() {
    let vectors = wycheproof::read::<Agreement>(include_str!("../../testdata/wycheproof_ecdh.json"));
    assert_eq!(vectors.len(), 140);
    for vector in vectors {
        let case = format!("{} {}: {}", vector.source, vector.id, vector.comment);
        let curve = curve(&vector.curve);
        // The file writes the scalar as an ASN.1 integer: without zeros in front, or with one too many.
        let digits = vector.private.0.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
        let mut scalar = vec![0; curve.coordinate_length() - digits.len()];
        scalar.extend(digits);
        let private = PrivateKey::from_scalar(curve, &scalar).unwrap();
        let secret = PublicKey::from_spki(&vector.public.0).and_then(|public| private.agree(&public));
        let secret = secret.ok().map(|secret| secret.expose().clone());
        assert_eq!(secret, (vector.result == Verdict::Valid).then_some(vector.shared.0), "{case}");
    }
}

/// RFC 6979, A.2.5: the key, and the signature that another implementation made of "sample" with SHA-1: a
/// digest shorter than the curve.
#[test]
fn a_digest_may_be_shorter_than_the_curve() {
    let scalar = hex::decode("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721").unwrap();
    let key = PrivateKey::from_scalar(Curve::P256, &scalar).unwrap();
    assert_eq!(
        hex::encode(&key.public_key().to_point().unwrap()),
        "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2\
         f1b20c2d7e9f5177a3c294d4462299"
    );
    let signature = hex::decode(
        "61340c88c3aaebeb4f6d667f672ca9759a6ccaa9fa8811313039ee4a35471d32\
         6d7f147dac089441bb2e2fe8f7a3fa264b9c475098fdcf6e00d7c996e1b8b7eb",
    )
    .unwrap();
    key.public_key().verify_digest(&Hash::Sha1.digest(b"sample"), &signature).unwrap();
    assert!(key.public_key().verify_digest(&Hash::Sha1.digest(b"test"), &signature).is_err());
}

#[test]
fn digests_of_any_length_are_signed() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        for length in [1, 20, 28, 32, 48, 64, 65, 66, 67, 1024] {
            let digest = vec![0xa5; length];
            let signature = key.sign_digest(&digest).unwrap();
            assert_eq!(signature.len(), 2 * curve.coordinate_length());
            key.public_key().verify_digest(&digest, &signature).unwrap();
        }
        // The leftmost bits count: what lies beyond them does not.
        let signature = key.sign_digest(&[7; 66]).unwrap();
        key.public_key().verify_digest(&[&[7; 66][..], b"more"].concat(), &signature).unwrap();
        for length in [0, 1025] {
            assert!(key.sign_digest(&vec![1; length]).is_err());
            assert!(key.public_key().verify_digest(&vec![1; length], &signature).is_err());
        }
    }
}

#[test]
fn keys_come_back_from_their_encodings() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        let pkcs8 = key.to_pkcs8().unwrap();
        let again = PrivateKey::from_pkcs8(pkcs8.expose()).unwrap();
        assert_eq!(again.curve(), curve);
        assert_eq!(again.to_pkcs8().unwrap().expose(), pkcs8.expose());
        let sec1 = key.to_sec1().unwrap();
        let again = PrivateKey::from_sec1(curve, sec1.expose()).unwrap();
        assert_eq!(again.to_pkcs8().unwrap().expose(), pkcs8.expose());

        let point = key.public_key().to_point().unwrap();
        let spki = key.public_key().to_spki().unwrap();
        assert_eq!(PublicKey::from_point(curve, &point).unwrap().to_spki().unwrap(), spki);
        assert_eq!(PublicKey::from_spki(&spki).unwrap().to_point().unwrap(), point);
        let length = curve.coordinate_length();
        let compressed = [&[2 + (point[2 * length] & 1)], &point[1..=length]].concat();
        assert_eq!(PublicKey::from_point(curve, &compressed).unwrap().to_spki().unwrap(), spki);
        assert_eq!(Curve::from_parameters(curve.parameters()), Some(curve));
        assert!(spki.windows(curve.parameters().len()).any(|part| part == curve.parameters()));
    }
    assert_eq!(Curve::from_parameters(&[]), None);
}

#[test]
fn encodings_that_are_not_whole_or_not_on_the_curve_are_refused() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        let (pkcs8, sec1) = (key.to_pkcs8().unwrap(), key.to_sec1().unwrap());
        for length in 0..pkcs8.expose().len() {
            assert!(PrivateKey::from_pkcs8(&pkcs8.expose()[..length]).is_err());
        }
        assert!(PrivateKey::from_pkcs8(&[pkcs8.expose().as_slice(), &[0]].concat()).is_err());
        for other in Curve::ALL.into_iter().filter(|other| *other != curve) {
            assert!(PrivateKey::from_sec1(other, sec1.expose()).is_err());
            let peer = PrivateKey::generate(other).unwrap();
            assert!(key.agree(peer.public_key()).is_err());
        }
        let mut point = key.public_key().to_point().unwrap();
        for length in 0..point.len() {
            assert!(PublicKey::from_point(curve, &point[..length]).is_err());
        }
        point[curve.coordinate_length()] ^= 1;
        assert!(PublicKey::from_point(curve, &point).is_err());
        assert!(PublicKey::from_point(curve, &[0]).is_err(), "the point at infinity");

        let length = curve.coordinate_length();
        assert!(PrivateKey::from_scalar(curve, &vec![0; length]).is_err());
        assert!(PrivateKey::from_scalar(curve, &vec![0xff; length]).is_err());
        assert!(PrivateKey::from_scalar(curve, &vec![1; length - 1]).is_err());
        assert!(PrivateKey::from_scalar(curve, &vec![1; length + 1]).is_err());
    }
}

#[test]
fn a_public_point_that_does_not_fit_is_refused() {
    let one = PrivateKey::generate(Curve::P256).unwrap().to_sec1().unwrap();
    let other = PrivateKey::generate(Curve::P256).unwrap().to_sec1().unwrap();
    let (one, other) = (one.expose(), other.expose());
    let mixed = [&one[..one.len() - 64], &other[other.len() - 64..]].concat();
    assert!(PrivateKey::from_sec1(Curve::P256, &mixed).is_err());
}

#[test]
fn both_sides_agree() {
    for curve in Curve::ALL {
        let (one, other) = (PrivateKey::generate(curve).unwrap(), PrivateKey::generate(curve).unwrap());
        let secret = one.agree(other.public_key()).unwrap();
        assert_eq!(secret.expose().len(), curve.coordinate_length());
        assert_eq!(secret.expose(), other.agree(one.public_key()).unwrap().expose());
    }
}

#[test]
fn signatures_have_two_forms() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        let raw = key.sign_digest(&[3; 32]).unwrap();
        let der = signature_to_der(curve, &raw).unwrap();
        key.public_key().verify_digest_der(&[3; 32], &der).unwrap();
        let signed = signature_from_der(curve, &key.sign_digest_der(&[3; 32]).unwrap()).unwrap();
        key.public_key().verify_digest(&[3; 32], &signed).unwrap();
        assert_eq!(der[0], 0x30);
        assert_eq!(signature_from_der(curve, &der).unwrap(), raw);
        assert!(signature_to_der(curve, &raw[1..]).is_err());
        assert!(signature_from_der(curve, &der[..der.len() - 1]).is_err());
        assert!(signature_from_der(curve, &[der.as_slice(), &[0]].concat()).is_err());
        assert!(signature_from_der(curve, &raw).is_err());
    }
    // Numbers too long for the curve.
    let raw = vec![0x7f; 2 * Curve::P521.coordinate_length()];
    let der = signature_to_der(Curve::P521, &raw).unwrap();
    assert!(signature_from_der(Curve::P256, &der).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_changed_signature_is_refused(
        curve in prop::sample::select(Curve::ALL.to_vec()),
        digest in proptest::collection::vec(any::<u8>(), 20..65),
        flip in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let key = PrivateKey::generate(curve).unwrap();
        let mut signature = key.sign_digest(&digest).unwrap();
        key.public_key().verify_digest(&digest, &signature).unwrap();
        let position = flip.index(signature.len());
        signature[position] ^= 1 << bit;
        prop_assert!(key.public_key().verify_digest(&digest, &signature).is_err());
    }
}
