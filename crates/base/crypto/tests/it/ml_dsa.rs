use serde::Deserialize;
use strongroom_crypto::ml_dsa::{ParameterSet, PrivateKey, PublicKey};

use crate::wycheproof::{self, Bytes, Verdict};

#[derive(Debug, Deserialize)]
struct Vector {
    source: String,
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    set: String,
    seed: Bytes,
    pkcs8: Bytes,
    public: Bytes,
    msg: Bytes,
    mu: Bytes,
    sig: Bytes,
    result: Verdict,
}

/// The SubjectPublicKeyInfo of a raw key: RFC 9881's, of which only the last byte of the object identifier and
/// the lengths differ.
fn spki(set: ParameterSet, raw: &[u8]) -> Vec<u8> {
    let kind = match set {
        ParameterSet::MlDsa44 => 0x11,
        ParameterSet::MlDsa65 => 0x12,
        ParameterSet::MlDsa87 => 0x13,
    };
    let long = |tag: u8, length: usize| [&[tag, 0x82][..], &(length as u16).to_be_bytes()].concat();
    let algorithm = [0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, kind];
    let key = [long(0x03, raw.len() + 1), vec![0], raw.to_vec()].concat();
    [long(0x30, algorithm.len() + key.len()), algorithm.to_vec(), key].concat()
}

#[test]
fn wycheproof() {
    let vectors = wycheproof::read::<Vector>(include_str!("../../testdata/wycheproof_ml_dsa.json"));
    assert_eq!(vectors.len(), 15);
    for vector in vectors {
        let case = format!("{} {}: {}", vector.source, vector.id, vector.comment);
        let set = ParameterSet::ALL.into_iter().find(|set| format!("{set:?}") == vector.set).unwrap();
        if vector.result == Verdict::Invalid {
            let verified = PublicKey::from_spki(set, &spki(set, &vector.public.0))
                .and_then(|public| public.verify(&vector.msg.0, &vector.sig.0));
            assert!(verified.is_err(), "{case}");
            continue;
        }
        let key = PrivateKey::from_seed(set, &vector.seed.0.try_into().unwrap()).unwrap();
        let public = key.public_key();
        assert_eq!(public.as_bytes(), vector.public.0, "{case}");
        assert_eq!(public.to_spki().unwrap(), spki(set, &vector.public.0), "{case}");
        assert_eq!(*key.to_pkcs8().unwrap().expose(), vector.pkcs8.0, "{case}");
        let mu = public.mu(&vector.msg.0).unwrap();
        assert_eq!(mu.as_slice(), vector.mu.0, "{case}");
        public.verify(&vector.msg.0, &vector.sig.0).unwrap();
        public.verify_mu(&mu, &vector.sig.0).unwrap();
    }
}

#[test]
fn a_message_and_its_mu_are_signed_alike() {
    for set in ParameterSet::ALL {
        let key = PrivateKey::generate(set).unwrap();
        let public = key.public_key();
        let mu = public.mu(b"message").unwrap();
        for mut signature in [key.sign(b"message").unwrap(), key.sign_mu(&mu).unwrap()] {
            assert_eq!(signature.len(), set.signature_length());
            public.verify(b"message", &signature).unwrap();
            public.verify_mu(&mu, &signature).unwrap();
            assert!(public.verify(b"another", &signature).is_err());
            assert!(public.verify_mu(&[0; 64], &signature).is_err());
            assert!(public.verify(b"message", &signature[1..]).is_err());
            assert!(public.verify_mu(&mu, &signature[1..]).is_err());
            signature[100] ^= 1;
            assert!(public.verify(b"message", &signature).is_err());
            assert!(public.verify_mu(&mu, &signature).is_err());
        }
    }
}

#[test]
fn keys_come_back_from_their_encodings_and_only_as_their_own_kind() {
    for set in ParameterSet::ALL {
        let key = PrivateKey::generate(set).unwrap();
        let (pkcs8, spki) = (key.to_pkcs8().unwrap(), key.public_key().to_spki().unwrap());
        assert_eq!(pkcs8.expose().len(), 54);
        let again = PrivateKey::from_pkcs8(set, pkcs8.expose()).unwrap();
        assert_eq!(again.public_key().as_bytes(), key.public_key().as_bytes());
        let public = PublicKey::from_spki(set, &spki).unwrap();
        assert_eq!(public.to_spki().unwrap(), spki);
        assert_eq!(public.parameter_set(), set);
        for other in ParameterSet::ALL.into_iter().filter(|other| *other != set) {
            assert!(PrivateKey::from_pkcs8(other, pkcs8.expose()).is_err());
            assert!(PublicKey::from_spki(other, &spki).is_err());
        }
        for length in 0..54 {
            assert!(PrivateKey::from_pkcs8(set, &pkcs8.expose()[..length]).is_err());
        }
        let longer = [pkcs8.expose().as_slice(), &[0]].concat();
        assert!(PrivateKey::from_pkcs8(set, &longer).is_err());
        assert!(PublicKey::from_spki(set, &spki[..spki.len() - 1]).is_err());
    }
}
