use serde::Deserialize;
use strongroom_crypto::ml_kem::{ParameterSet, PrivateKey, PublicKey, SECRET_LENGTH};

use crate::wycheproof::{self, Bytes, Verdict};

#[derive(Debug, Deserialize)]
struct Vector {
    source: String,
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    set: String,
    seed: Bytes,
    public: Bytes,
    ciphertext: Bytes,
    secret: Bytes,
    result: Verdict,
}

/// The algorithm's identifier (RFC 9935, 3), of which only the last byte differs.
fn algorithm(set: ParameterSet) -> [u8; 13] {
    let kind = match set {
        ParameterSet::MlKem512 => 1,
        ParameterSet::MlKem768 => 2,
        ParameterSet::MlKem1024 => 3,
    };
    [0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, kind]
}

/// A raw key's SubjectPublicKeyInfo (RFC 9935, 4).
fn spki(set: ParameterSet, raw: &[u8]) -> Vec<u8> {
    let long = |tag: u8, length: usize| [&[tag, 0x82][..], &(length as u16).to_be_bytes()].concat();
    let key = [long(0x03, raw.len() + 1), vec![0], raw.to_vec()].concat();
    let algorithm = algorithm(set);
    [long(0x30, algorithm.len() + key.len()), algorithm.to_vec(), key].concat()
}

/// A seed's PKCS#8 document (RFC 9935, 6), of at most 110 bytes of seed.
fn pkcs8(set: ParameterSet, seed: &[u8]) -> Vec<u8> {
    let length = seed.len() as u8;
    let version = [0x02, 0x01, 0x00];
    let key = [&[0x04, length + 2, 0x80, length][..], seed].concat();
    let algorithm = algorithm(set);
    let inside = version.len() + algorithm.len() + key.len();
    [&[0x30, inside as u8][..], &version, &algorithm, &key].concat()
}

#[test]
fn wycheproof() {
    let vectors = wycheproof::read::<Vector>(include_str!("../../testdata/wycheproof_ml_kem.json"));
    assert_eq!(vectors.len(), 51);
    for vector in vectors {
        let case = format!("{} {}: {}", vector.source, vector.id, vector.comment);
        let set = ParameterSet::ALL.into_iter().find(|set| format!("{set:?}") == vector.set).unwrap();
        let valid = vector.result == Verdict::Valid;
        if vector.seed.0.is_empty() {
            assert_eq!(PublicKey::from_spki(set, &spki(set, &vector.public.0)).is_ok(), valid, "{case}");
            continue;
        }
        let key = PrivateKey::from_pkcs8(set, &pkcs8(set, &vector.seed.0));
        let secret = key.and_then(|key| {
            assert_eq!(key.public_key().to_spki().unwrap(), spki(set, &vector.public.0), "{case}");
            assert_eq!(*key.to_pkcs8().unwrap().expose(), pkcs8(set, &vector.seed.0), "{case}");
            key.decapsulate(&vector.ciphertext.0)
        });
        let secret = secret.ok().map(|secret| secret.expose().clone());
        assert_eq!(secret, valid.then_some(vector.secret.0), "{case}");
    }
}

#[test]
fn a_secret_comes_back_from_its_ciphertext_alone() {
    for set in ParameterSet::ALL {
        let key = PrivateKey::generate(set).unwrap();
        let public = PublicKey::from_spki(set, &key.public_key().to_spki().unwrap()).unwrap();
        let made = public.encapsulate().unwrap();
        assert_eq!(made.ciphertext.len(), set.ciphertext_length());
        assert_eq!(made.secret.expose().len(), SECRET_LENGTH);
        let again = PrivateKey::from_pkcs8(set, key.to_pkcs8().unwrap().expose()).unwrap();
        assert_eq!(again.decapsulate(&made.ciphertext).unwrap().expose(), made.secret.expose());

        // FIPS 203 refuses nothing but another length: what was changed gives another secret, always the same.
        let mut changed = made.ciphertext.clone();
        changed[7] ^= 1;
        let other = key.decapsulate(&changed).unwrap();
        assert_ne!(other.expose(), made.secret.expose());
        assert_eq!(key.decapsulate(&changed).unwrap().expose(), other.expose());
        let stranger = PrivateKey::generate(set).unwrap();
        assert_ne!(stranger.decapsulate(&made.ciphertext).unwrap().expose(), made.secret.expose());
        for length in [0, 1, changed.len() - 1] {
            assert!(key.decapsulate(&changed[..length]).is_err());
        }
        assert!(key.decapsulate(&[changed.as_slice(), &[0]].concat()).is_err());
        assert_ne!(public.encapsulate().unwrap().secret.expose(), made.secret.expose());
    }
}

#[test]
fn keys_are_whole_and_of_their_set() {
    for set in ParameterSet::ALL {
        let key = PrivateKey::generate(set).unwrap();
        let (pkcs8, spki) = (key.to_pkcs8().unwrap(), key.public_key().to_spki().unwrap());
        for length in 0..pkcs8.expose().len() {
            assert!(PrivateKey::from_pkcs8(set, &pkcs8.expose()[..length]).is_err());
        }
        for length in 0..spki.len() {
            assert!(PublicKey::from_spki(set, &spki[..length]).is_err());
        }
        assert!(PrivateKey::from_pkcs8(set, &[pkcs8.expose().as_slice(), &[0]].concat()).is_err());
        assert!(PublicKey::from_spki(set, &[spki.as_slice(), &[0]].concat()).is_err());
        for other in ParameterSet::ALL.into_iter().filter(|other| *other != set) {
            assert!(PrivateKey::from_pkcs8(other, pkcs8.expose()).is_err());
            assert!(PublicKey::from_spki(other, &spki).is_err());
        }
    }
}
