use std::sync::LazyLock;

use proptest::prelude::*;
use serde::Deserialize;
use strongroom_crypto::digest::Hash;
use strongroom_crypto::rsa::{PrivateKey, PublicKey};

use crate::wycheproof::{self, Bytes, HashName, Verdict};

/// One key for the tests that need just any: making one takes a while.
static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(2048, 65_537).unwrap());

#[derive(Debug, Deserialize)]
struct Signature {
    source: String,
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    key: usize,
    hash: HashName,
    #[serde(default)]
    salt: usize,
    msg: Bytes,
    sig: Bytes,
    result: Verdict,
}

impl Signature {
    fn case(&self) -> String {
        format!("{} {}: {}", self.source, self.id, self.comment)
    }
}

#[test]
fn wycheproof_verifies_pkcs1() {
    let (keys, vectors) = wycheproof::read_with_keys::<Signature>(include_str!(
        "../../testdata/wycheproof_rsa_pkcs1_verify.json"
    ));
    assert_eq!(vectors.len(), 96);
    for vector in vectors {
        let key = PublicKey::from_spki(&keys[vector.key]).unwrap();
        let verified = key.verify_pkcs1_message(vector.hash.0, &vector.msg.0, &vector.sig.0);
        assert_eq!(verified.is_ok(), vector.result == Verdict::Valid, "{}", vector.case());
    }
}

#[test]
fn wycheproof_signs_pkcs1() {
    let (keys, vectors) = wycheproof::read_with_keys::<Signature>(include_str!(
        "../../testdata/wycheproof_rsa_pkcs1_sign.json"
    ));
    assert_eq!(vectors.len(), 22);
    for vector in vectors {
        let key = PrivateKey::from_pkcs8(&keys[vector.key]).unwrap();
        let signature = key.sign_pkcs1_message(vector.hash.0, &vector.msg.0).unwrap();
        assert_eq!(signature, vector.sig.0, "{}", vector.case());
        let verified = key.public_key().verify_pkcs1_message(vector.hash.0, &vector.msg.0, &signature);
        assert_eq!(verified, Ok(()), "{}", vector.case());
    }
}

#[test]
fn wycheproof_verifies_pss() {
    let (keys, vectors) =
        wycheproof::read_with_keys::<Signature>(include_str!("../../testdata/wycheproof_rsa_pss.json"));
    assert_eq!(vectors.len(), 96);
    for vector in vectors {
        let key = PublicKey::from_spki(&keys[vector.key]).unwrap();
        let verified = key.verify_pss_message(vector.hash.0, &vector.msg.0, vector.salt, &vector.sig.0);
        assert_eq!(verified.is_ok(), vector.result == Verdict::Valid, "{}", vector.case());
    }
}

#[derive(Debug, Deserialize)]
struct Ciphertext {
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    key: usize,
    hash: Option<HashName>,
    #[serde(default)]
    label: Option<Bytes>,
    msg: Bytes,
    ct: Bytes,
    result: Verdict,
}

fn decrypts(vectors: Vec<Ciphertext>, keys: &[Vec<u8>]) {
    for vector in vectors {
        let key = PrivateKey::from_pkcs8(&keys[vector.key]).unwrap();
        let plaintext = match (vector.hash, &vector.label) {
            (Some(hash), Some(label)) => key.decrypt_oaep(hash.0, &label.0, &vector.ct.0),
            _ => key.decrypt_pkcs1(&vector.ct.0),
        };
        let plaintext = plaintext.ok().map(|plaintext| plaintext.expose().clone());
        let expected = (vector.result == Verdict::Valid).then_some(vector.msg.0);
        assert_eq!(plaintext, expected, "test {}: {}", vector.id, vector.comment);
    }
}

#[test]
fn wycheproof_decrypts_oaep() {
    let (keys, vectors) = wycheproof::read_with_keys(include_str!("../../testdata/wycheproof_rsa_oaep.json"));
    assert_eq!(vectors.len(), 70);
    decrypts(vectors, &keys);
}

#[test]
fn wycheproof_decrypts_pkcs1() {
    let (keys, vectors) =
        wycheproof::read_with_keys(include_str!("../../testdata/wycheproof_rsa_pkcs1_decrypt.json"));
    assert_eq!(vectors.len(), 35);
    decrypts(vectors, &keys);
}

#[test]
fn keys_are_made_in_every_size_served_and_no_other() {
    // 2304 and 3840 are sizes that few libraries make; 4096 takes long and is made by the same code.
    for (bits, exponent) in [(2048, 65_537), (2304, 65_539), (2048, (1 << 32) - 1)] {
        let key = PrivateKey::generate(bits, exponent).unwrap();
        assert_eq!(key.public_key().bits(), bits);
        let mut bytes = exponent.to_be_bytes().to_vec();
        bytes.drain(..bytes.iter().position(|byte| *byte != 0).unwrap());
        assert_eq!(key.public_key().exponent().unwrap(), bytes);
        let signature = key.sign_pkcs1_message(Hash::Sha256, b"message").unwrap();
        assert_eq!(signature.len(), bits as usize / 8);
        key.public_key().verify_pkcs1_message(Hash::Sha256, b"message", &signature).unwrap();
    }
    for (bits, exponent) in [
        (0, 65_537),
        (1024, 65_537),
        (1792, 65_537),
        (2049, 65_537),
        (2176, 65_537),
        (4352, 65_537),
        (u32::MAX, 65_537),
        (2048, 0),
        (2048, 3),
        (2048, 65_535),
        (2048, 65_538),
        (2048, (1 << 32) + 1),
        (2048, u64::MAX),
    ] {
        assert!(PrivateKey::generate(bits, exponent).is_err(), "{bits} {exponent}");
    }
}

#[test]
fn keys_come_back_from_their_encodings() {
    let pkcs8 = KEY.to_pkcs8().unwrap();
    let again = PrivateKey::from_pkcs8(pkcs8.expose()).unwrap();
    assert_eq!(again.to_pkcs8().unwrap().expose(), pkcs8.expose());

    let public = KEY.public_key();
    let spki = public.to_spki().unwrap();
    assert_eq!(PublicKey::from_spki(&spki).unwrap().to_spki().unwrap(), spki);
    // SubjectPublicKeyInfo is a head of 24 bytes around it, at this size.
    let pkcs1 = &spki[24..];
    assert_eq!(PublicKey::from_pkcs1(pkcs1).unwrap().to_spki().unwrap(), spki);
    assert!(PublicKey::from_pkcs1(&[pkcs1, &[0]].concat()).is_err());
    assert!(PublicKey::from_pkcs1(&pkcs1[..pkcs1.len() - 1]).is_err());
    let parts = PublicKey::from_components(&public.modulus().unwrap(), &public.exponent().unwrap()).unwrap();
    assert_eq!(parts.to_spki().unwrap(), spki);
}

#[test]
fn encodings_that_are_not_whole_or_not_ours_are_refused() {
    let pkcs8 = KEY.to_pkcs8().unwrap();
    let pkcs8 = pkcs8.expose();
    let spki = KEY.public_key().to_spki().unwrap();
    for length in (0..pkcs8.len()).step_by(7) {
        assert!(PrivateKey::from_pkcs8(&pkcs8[..length]).is_err(), "{length}");
    }
    for length in 0..spki.len() {
        assert!(PublicKey::from_spki(&spki[..length]).is_err(), "{length}");
    }
    assert!(PrivateKey::from_pkcs8(&[pkcs8.as_slice(), &[0]].concat()).is_err());
    assert!(PublicKey::from_spki(&[spki.as_slice(), &[0]].concat()).is_err());
    assert!(PrivateKey::from_pkcs8(&spki).is_err());

    // A private exponent that does not fit.
    let mut wrong = pkcs8.clone();
    let middle = wrong.len() / 2;
    wrong[middle] ^= 1;
    assert!(PrivateKey::from_pkcs8(&wrong).is_err());

    let modulus = KEY.public_key().modulus().unwrap();
    assert!(PublicKey::from_components(&modulus, &[3]).is_err());
    assert!(PublicKey::from_components(&modulus[..128], &[1, 0, 1]).is_err());
    assert!(PublicKey::from_components(&[], &[]).is_err());

    let ec = strongroom_crypto::ec::PrivateKey::generate(strongroom_crypto::ec::Curve::P256).unwrap();
    assert!(PrivateKey::from_pkcs8(ec.to_pkcs8().unwrap().expose()).is_err());
    assert!(PublicKey::from_spki(&ec.public_key().to_spki().unwrap()).is_err());
}

/// SHA-256's `DigestInfo` before the digest (RFC 8017, 9.2, note 1).
const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

#[test]
fn a_ready_digest_info_makes_the_same_signature() {
    let digest = Hash::Sha256.digest(b"message");
    let info = [SHA256_INFO.as_slice(), &digest].concat();
    let signature = KEY.sign_pkcs1_raw(&info).unwrap();
    assert_eq!(signature, KEY.sign_pkcs1(Hash::Sha256, &digest).unwrap());
    KEY.public_key().verify_pkcs1_raw(&info, &signature).unwrap();
    assert!(KEY.public_key().verify_pkcs1_raw(&digest, &signature).is_err());

    // Any data may be signed so, up to 11 bytes less than the modulus.
    let signature = KEY.sign_pkcs1_raw(b"").unwrap();
    KEY.public_key().verify_pkcs1_raw(b"", &signature).unwrap();
    let signature = KEY.sign_pkcs1_raw(&[7; 245]).unwrap();
    KEY.public_key().verify_pkcs1_raw(&[7; 245], &signature).unwrap();
    assert!(KEY.sign_pkcs1_raw(&[7; 246]).is_err());
}

#[test]
fn bare_rsa_fills_with_zeros_and_ends_at_the_modulus() {
    let public = KEY.public_key();
    for data in [vec![2], vec![9; 255], [vec![0], vec![0xff; 255]].concat()] {
        let signature = KEY.sign_raw(&data).unwrap();
        public.verify_raw(&data, &signature).unwrap();
        let plaintext = KEY.decrypt_raw(&public.encrypt_raw(&data).unwrap()).unwrap();
        assert_eq!(plaintext.expose()[256 - data.len()..], data);
        assert!(plaintext.expose()[..256 - data.len()].iter().all(|byte| *byte == 0));
        assert!(public.verify_raw(&[3], &signature).is_err());
    }
    assert!(KEY.sign_raw(&[1; 257]).is_err());
    // These would be their own signatures.
    assert!(KEY.sign_raw(&[]).is_err());
    assert!(KEY.sign_raw(&[1]).is_err());
    let modulus = public.modulus().unwrap();
    assert!(KEY.sign_raw(&modulus).is_err());
    assert!(KEY.decrypt_raw(&modulus).is_err());
    assert!(public.encrypt_raw(&modulus).is_err());
    assert!(public.verify_raw(&[1], &modulus).is_err());
}

#[test]
fn a_digest_has_the_length_of_its_hash() {
    for hash in Hash::ALL {
        let digest = hash.digest(b"message");
        let pkcs1 = KEY.sign_pkcs1(hash, &digest).unwrap();
        let pss = KEY.sign_pss(hash, &digest, hash.output_length()).unwrap();
        KEY.public_key().verify_pkcs1(hash, &digest, &pkcs1).unwrap();
        KEY.public_key().verify_pss(hash, &digest, hash.output_length(), &pss).unwrap();
        for wrong in [&digest[1..], &[digest.as_slice(), &[0]].concat(), &[]] {
            assert!(KEY.sign_pkcs1(hash, wrong).is_err());
            assert!(KEY.sign_pss(hash, wrong, 20).is_err());
            assert!(KEY.public_key().verify_pkcs1(hash, wrong, &pkcs1).is_err());
            assert!(KEY.public_key().verify_pss(hash, wrong, hash.output_length(), &pss).is_err());
        }
    }
}

#[test]
fn a_salt_has_the_length_that_is_asked_for() {
    let public = KEY.public_key();
    for salt_length in [0, 1, 20, 32, 222] {
        let signature = KEY.sign_pss_message(Hash::Sha256, b"message", salt_length).unwrap();
        public.verify_pss_message(Hash::Sha256, b"message", salt_length, &signature).unwrap();
        assert!(public.verify_pss_message(Hash::Sha256, b"message", salt_length + 1, &signature).is_err());
        assert!(public.verify_pss_message(Hash::Sha384, b"message", salt_length, &signature).is_err());
    }
    for salt_length in [223, usize::MAX, usize::MAX - 1, 1 << 31] {
        assert!(KEY.sign_pss_message(Hash::Sha256, b"message", salt_length).is_err(), "{salt_length}");
    }
}

#[test]
fn ciphertexts_have_a_capacity() {
    let public = KEY.public_key();
    for hash in Hash::ALL {
        let capacity = public.oaep_capacity(hash);
        let ciphertext = public.encrypt_oaep(hash, b"label", &vec![5; capacity]).unwrap();
        assert_eq!(*KEY.decrypt_oaep(hash, b"label", &ciphertext).unwrap().expose(), vec![5; capacity]);
        assert!(KEY.decrypt_oaep(hash, b"", &ciphertext).is_err());
        assert!(KEY.decrypt_oaep(hash, b"Label", &ciphertext).is_err());
        assert!(public.encrypt_oaep(hash, b"", &vec![5; capacity + 1]).is_err());
    }
    let ciphertext = public.encrypt_pkcs1(&[5; 245]).unwrap();
    assert_eq!(*KEY.decrypt_pkcs1(&ciphertext).unwrap().expose(), [5; 245]);
    assert!(public.encrypt_pkcs1(&[5; 246]).is_err());
    assert!(KEY.decrypt_pkcs1(&ciphertext[1..]).is_err());
}

#[test]
fn one_key_signs_from_many_threads() {
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            scope.spawn(move || {
                for round in 0..20_u8 {
                    let message = [thread, round];
                    let signature = KEY.sign_pss_message(Hash::Sha256, &message, 32).unwrap();
                    KEY.public_key().verify_pss_message(Hash::Sha256, &message, 32, &signature).unwrap();
                }
            });
        }
    });
}

#[test]
fn a_private_key_prints_nothing() {
    assert_eq!(format!("{:?}", *KEY), "PrivateKey(..)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_signed_or_encrypted_comes_back(
        message in proptest::collection::vec(any::<u8>(), 0..190),
        flip in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let public = KEY.public_key();
        let ciphertext = public.encrypt_oaep(Hash::Sha256, b"", &message).unwrap();
        let opened = KEY.decrypt_oaep(Hash::Sha256, b"", &ciphertext).unwrap();
        prop_assert_eq!(opened.expose(), &message);
        let ciphertext = public.encrypt_pkcs1(&message).unwrap();
        let opened = KEY.decrypt_pkcs1(&ciphertext).unwrap();
        prop_assert_eq!(opened.expose(), &message);

        let mut signature = KEY.sign_pkcs1_message(Hash::Sha512, &message).unwrap();
        public.verify_pkcs1_message(Hash::Sha512, &message, &signature).unwrap();
        let position = flip.index(signature.len());
        signature[position] ^= 1 << bit;
        prop_assert!(public.verify_pkcs1_message(Hash::Sha512, &message, &signature).is_err());
    }
}
