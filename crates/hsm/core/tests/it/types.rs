//! A partition's keys of every type.

use std::sync::LazyLock;

use strongroom_crypto::digest::Hash;
use strongroom_crypto::ec;
use strongroom_hsm_core::{
    Attributes, BlobHeader, EncryptionContext, HsmError, KeyHandle, KeyToken, KeyType, OpenedKey, Partition,
    PartitionId, PartitionKey, Signed, SigningScheme, TokenDigest, TokenRef, Usage,
};
use strongroom_secret::SecretBytes;

use crate::fixture::{KEY_ID, MATERIAL_ID, partition};

const NAMES: BlobHeader<'static> = BlobHeader { key_id: KEY_ID, material_id: &MATERIAL_ID };

/// A key of each type, which may do all that its type can; RSA keys take a while to make.
static MADE: LazyLock<Vec<(KeyType, KeyToken)>> = LazyLock::new(|| {
    let partition = partition(0);
    let made = |key_type: &KeyType| (*key_type, make(&partition, *key_type, key_type.uses()));
    KeyType::ALL.iter().map(made).collect()
});

fn make(partition: &Partition, key_type: KeyType, usage: Usage) -> KeyToken {
    partition.generate(KeyHandle::random().unwrap(), &Attributes { key_type, usage }).unwrap()
}

fn elsewhere() -> Partition {
    let key = PartitionKey::from_bytes(&[0x78; 32]).unwrap();
    Partition::new(PartitionId([2; 16]), 1, 1, &key, 10).unwrap()
}

fn reopened(partition: &Partition, token: &KeyToken) -> OpenedKey {
    partition.open(&token.reference, &token.bytes).unwrap()
}

fn keys() -> Vec<(KeyType, OpenedKey)> {
    let partition = partition(0);
    MADE.iter().map(|(key_type, token)| (*key_type, reopened(&partition, token))).collect()
}

fn key(of: KeyType) -> OpenedKey {
    keys().into_iter().find(|(key_type, _)| *key_type == of).unwrap().1
}

const ALL_SCHEMES: [SigningScheme; 9] = [
    SigningScheme::RsaPkcs1(Hash::Sha256),
    SigningScheme::RsaPkcs1(Hash::Sha512),
    SigningScheme::RsaPss(Hash::Sha256),
    SigningScheme::RsaPss(Hash::Sha512),
    SigningScheme::Ecdsa(Hash::Sha256),
    SigningScheme::Ecdsa(Hash::Sha512),
    SigningScheme::Ed25519,
    SigningScheme::Ed25519ph,
    SigningScheme::MlDsa,
];

/// The schemes that keys of a type sign by.
fn schemes(key_type: KeyType) -> Vec<SigningScheme> {
    use SigningScheme as S;
    let fits = |scheme: &S| match key_type {
        KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096 => {
            matches!(scheme, S::RsaPkcs1(_) | S::RsaPss(_))
        }
        KeyType::EcP256 | KeyType::EcP384 | KeyType::EcP521 | KeyType::EcSecp256k1 => {
            matches!(scheme, S::Ecdsa(_))
        }
        KeyType::Ed25519 => matches!(scheme, S::Ed25519 | S::Ed25519ph),
        KeyType::MlDsa44 | KeyType::MlDsa65 | KeyType::MlDsa87 => matches!(scheme, S::MlDsa),
        _ => false,
    };
    ALL_SCHEMES.into_iter().filter(fits).collect()
}

/// What each operation of a key says: nothing if it is done.
fn refusals(key: &OpenedKey) -> Vec<(Usage, Option<HsmError>)> {
    let none = EncryptionContext::default();
    let scheme = schemes(key.attributes().key_type).first().copied().unwrap_or(SigningScheme::Ed25519);
    let message = Signed::Message(b"message");
    let is_mac = key.attributes().key_type.mac_key_lengths().is_some();
    let (sign, verify) = if is_mac {
        (key.mac(b"message").err(), key.verify_mac(b"message", b"").err())
    } else {
        (key.sign(scheme, message).err(), key.verify(scheme, message, b"").err())
    };
    let kem = key.decapsulate(b"").err().filter(|error| *error != HsmError::InvalidCiphertext);
    let peer = peer(key.attributes().key_type);
    vec![
        (Usage::ENCRYPT_DERIVED, key.encrypt_derived(&NAMES, &none, b"").err()),
        (Usage::SIGN, sign),
        (Usage::VERIFY, verify),
        (Usage::ENCRYPT, key.encrypt_oaep(Hash::Sha256, b"plaintext").err()),
        (
            Usage::DECRYPT,
            key.decrypt_oaep(Hash::Sha256, b"").err().filter(|error| *error != HsmError::InvalidCiphertext),
        ),
        (Usage::AGREE, key.agree(&peer).err()),
        (Usage::ENCAPSULATE, key.encapsulate().err()),
        (Usage::DECAPSULATE, kem),
    ]
}

/// Somebody's point on the curve of a type.
fn peer(key_type: KeyType) -> Vec<u8> {
    let curve = match key_type {
        KeyType::EcP384 => ec::Curve::P384,
        KeyType::EcP521 => ec::Curve::P521,
        KeyType::EcSecp256k1 => ec::Curve::Secp256k1,
        _ => ec::Curve::P256,
    };
    ec::PrivateKey::generate(curve).unwrap().public_key().to_point().unwrap()
}

#[test]
fn a_key_does_what_its_type_and_its_attributes_let_it() {
    let partition = partition(0);
    for (key_type, key) in keys() {
        for (operation, refusal) in refusals(&key) {
            let expected = (!key_type.uses().contains(operation)).then_some(HsmError::NotPermitted);
            assert_eq!(refusal, expected, "{key_type:?}: {operation:?}");
        }
        let is_slow = matches!(key_type, KeyType::Rsa3072 | KeyType::Rsa4096);
        if is_slow {
            continue;
        }
        for (allowed, _) in refusals(&key).into_iter().filter(|(_, refusal)| refusal.is_none()) {
            let token = make(&partition, key_type, allowed);
            for (operation, refusal) in refusals(&reopened(&partition, &token)) {
                let expected = (operation != allowed).then_some(HsmError::NotPermitted);
                assert_eq!(refusal, expected, "{key_type:?} for {allowed:?}: {operation:?}");
            }
        }
    }
}

#[test]
fn uses_that_a_type_does_not_have_are_no_attributes() {
    let partition = partition(0);
    for (key_type, usage) in [
        (KeyType::Aes256, Usage::SIGN),
        (KeyType::Hmac256, Usage::SYMMETRIC),
        (KeyType::EcSecp256k1, Usage::AGREE),
        (KeyType::MlKem512, Usage::SIGNATURES),
        (KeyType::EcP256, Usage::ENCRYPT),
    ] {
        let attributes = Attributes { key_type, usage };
        let handle = KeyHandle::random().unwrap();
        let made = partition.generate(handle, &attributes);
        assert_eq!(made, Err(HsmError::UnsupportedAttributes), "{key_type:?}");
        let taken_in = partition.import(handle, &attributes, &SecretBytes::new(vec![1; 32]));
        assert!(taken_in.is_err(), "{key_type:?}");
    }
}

#[test]
fn signatures_are_of_one_key_one_scheme_and_one_message() {
    let keys = keys();
    for (key_type, key) in &keys {
        for scheme in schemes(*key_type) {
            let case = format!("{key_type:?} by {scheme:?}");
            let message = Signed::Message(b"message");
            let signature = key.sign(scheme, message).unwrap();
            assert_eq!(key.verify(scheme, message, &signature), Ok(true), "{case}");
            assert_eq!(key.verify(scheme, Signed::Message(b"another"), &signature), Ok(false), "{case}");
            for wrong in [&signature[1..], &[signature.as_slice(), &[0]].concat(), b""] {
                assert_eq!(key.verify(scheme, message, wrong), Ok(false), "{case}");
            }
            for position in (0..signature.len()).step_by(1 + signature.len() / 40) {
                let mut changed = signature.clone();
                changed[position] ^= 4;
                assert_eq!(key.verify(scheme, message, &changed), Ok(false), "{case}, byte {position}");
            }
            for (other, stranger) in keys.iter().filter(|(other, _)| schemes(*other).contains(&scheme)) {
                assert_eq!(stranger.verify(scheme, message, &signature), Ok(other == key_type), "{case}");
            }
            for other in schemes(*key_type).into_iter().filter(|other| *other != scheme) {
                assert_eq!(key.verify(other, message, &signature), Ok(false), "{case} for {other:?}");
            }
        }
        for scheme in ALL_SCHEMES.into_iter().filter(|scheme| !schemes(*key_type).contains(scheme)) {
            let expected = if key_type.uses().contains(Usage::SIGN) {
                HsmError::NotForThisKey
            } else {
                HsmError::NotPermitted
            };
            assert_eq!(key.sign(scheme, Signed::Message(b"")), Err(expected), "{key_type:?} by {scheme:?}");
            assert_eq!(key.verify(scheme, Signed::Message(b""), b""), Err(expected), "{key_type:?}");
        }
    }
}

#[test]
fn a_digest_stands_for_its_message() {
    for (key_type, key) in keys() {
        for scheme in schemes(key_type) {
            let hash = match scheme {
                SigningScheme::RsaPkcs1(hash) | SigningScheme::RsaPss(hash) | SigningScheme::Ecdsa(hash) => {
                    hash
                }
                SigningScheme::Ed25519ph => Hash::Sha512,
                SigningScheme::Ed25519 | SigningScheme::MlDsa => {
                    let signed = Signed::Digest(&[7; 64]);
                    assert_eq!(key.sign(scheme, signed), Err(HsmError::InvalidMessage), "{scheme:?}");
                    assert_eq!(key.verify(scheme, signed, b""), Err(HsmError::InvalidMessage));
                    continue;
                }
            };
            let digest = hash.digest(b"message");
            let signature = key.sign(scheme, Signed::Digest(&digest)).unwrap();
            assert_eq!(key.verify(scheme, Signed::Message(b"message"), &signature), Ok(true), "{scheme:?}");
            let signature = key.sign(scheme, Signed::Message(b"message")).unwrap();
            assert_eq!(key.verify(scheme, Signed::Digest(&digest), &signature), Ok(true), "{scheme:?}");
            for length in [0, 20, hash.output_length() - 1, hash.output_length() + 1] {
                let wrong = Signed::Digest(&[7; 80][..length]);
                assert_eq!(key.sign(scheme, wrong), Err(HsmError::InvalidMessage), "{scheme:?}");
                assert_eq!(key.verify(scheme, wrong, &signature), Err(HsmError::InvalidMessage));
            }
            let mu = Signed::ExternalMu(&[7; 64]);
            assert_eq!(key.sign(scheme, mu), Err(HsmError::InvalidMessage), "{scheme:?}");
        }
    }
}

#[test]
fn ml_dsa_signs_an_external_mu() {
    use strongroom_crypto::ml_dsa::{ParameterSet, PublicKey};
    let sets = [KeyType::MlDsa44, KeyType::MlDsa65, KeyType::MlDsa87].into_iter().zip(ParameterSet::ALL);
    for (key_type, set) in sets {
        let key = key(key_type);
        let public = PublicKey::from_spki(set, &key.public_key().unwrap().unwrap()).unwrap();
        let mu = public.mu(b"message").unwrap();
        let signature = key.sign(SigningScheme::MlDsa, Signed::ExternalMu(&mu)).unwrap();
        let message = Signed::Message(b"message");
        assert_eq!(key.verify(SigningScheme::MlDsa, message, &signature), Ok(true));
        let signature = key.sign(SigningScheme::MlDsa, message).unwrap();
        assert_eq!(key.verify(SigningScheme::MlDsa, Signed::ExternalMu(&mu), &signature), Ok(true));
        for wrong in [&mu[1..], b""] {
            let signed = key.sign(SigningScheme::MlDsa, Signed::ExternalMu(wrong));
            assert_eq!(signed, Err(HsmError::InvalidMessage));
        }
    }
}

#[test]
fn rsa_encrypts_as_much_as_fits() {
    for (key_type, modulus) in [(KeyType::Rsa2048, 256), (KeyType::Rsa3072, 384), (KeyType::Rsa4096, 512)] {
        let key = key(key_type);
        for hash in [Hash::Sha1, Hash::Sha256] {
            let most = modulus - 2 * hash.output_length() - 2;
            for length in [0, 1, most] {
                let plaintext = vec![0x5a; length];
                let ciphertext = key.encrypt_oaep(hash, &plaintext).unwrap();
                assert_eq!(ciphertext.len(), modulus);
                assert_eq!(*key.decrypt_oaep(hash, &ciphertext).unwrap().expose(), plaintext);
                let other = if hash == Hash::Sha1 { Hash::Sha256 } else { Hash::Sha1 };
                let refused = |hash, ciphertext: &[u8]| key.decrypt_oaep(hash, ciphertext).map(drop);
                assert_eq!(refused(other, &ciphertext), Err(HsmError::InvalidCiphertext));
                assert_eq!(refused(hash, &ciphertext[1..]), Err(HsmError::InvalidCiphertext));
                for position in (0..modulus).step_by(37) {
                    let mut changed = ciphertext.clone();
                    changed[position] ^= 1;
                    assert_eq!(refused(hash, &changed), Err(HsmError::InvalidCiphertext), "{position}");
                }
            }
            let too_long = key.encrypt_oaep(hash, &vec![0; most + 1]);
            assert_eq!(too_long, Err(HsmError::InvalidMessage));
        }
    }
}

#[test]
fn macs_are_as_long_as_their_hash() {
    let lengths =
        [(KeyType::Hmac224, 28), (KeyType::Hmac256, 32), (KeyType::Hmac384, 48), (KeyType::Hmac512, 64)];
    for (key_type, length) in lengths {
        let key = key(key_type);
        let mac = key.mac(b"message").unwrap();
        assert_eq!(mac.len(), length);
        assert_eq!(key.verify_mac(b"message", &mac), Ok(true));
        assert_eq!(key.verify_mac(b"another", &mac), Ok(false));
        for cut in 0..length {
            assert_eq!(key.verify_mac(b"message", &mac[..cut]), Ok(false));
        }
        let longer = [mac.as_slice(), &[0]].concat();
        assert_eq!(key.verify_mac(b"message", &longer), Ok(false));
    }
}

#[test]
fn secrets_are_agreed_on_and_encapsulated() {
    for (key_type, length) in [(KeyType::EcP256, 32), (KeyType::EcP384, 48), (KeyType::EcP521, 66)] {
        let key = key(key_type);
        let public = ec::PublicKey::from_spki(&key.public_key().unwrap().unwrap()).unwrap();
        let peer = ec::PrivateKey::generate(public.curve()).unwrap();
        let mut point = peer.public_key().to_point().unwrap();
        let secret = key.agree(&point).unwrap();
        assert_eq!(secret.expose().len(), length);
        assert_eq!(secret.expose(), peer.agree(&public).unwrap().expose());
        point[length] ^= 1;
        for wrong in [point.as_slice(), &point[1..], b"", &[0]] {
            assert_eq!(key.agree(wrong).map(drop), Err(HsmError::InvalidPeer));
        }
    }
    for (key_type, length) in
        [(KeyType::MlKem512, 768), (KeyType::MlKem768, 1_088), (KeyType::MlKem1024, 1_568)]
    {
        let key = key(key_type);
        let made = key.encapsulate().unwrap();
        assert_eq!((made.ciphertext.len(), made.secret.expose().len()), (length, 32));
        assert_eq!(key.decapsulate(&made.ciphertext).unwrap().expose(), made.secret.expose());
        let refused = key.decapsulate(&made.ciphertext[1..]).map(drop);
        assert_eq!(refused, Err(HsmError::InvalidCiphertext));
    }
}

/// As the token of an AES key (`token.rs`), of which every bit is tried.
#[test]
fn a_token_of_any_type_changed_at_any_byte_is_refused() {
    let partition = partition(0);
    for (key_type, KeyToken { reference, bytes }) in MADE.iter() {
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << (position % 8);
            let current = TokenRef { digest: TokenDigest::of(&changed), ..*reference };
            let refused = partition.open(&current, &changed).map(drop);
            let expected =
                if position == 0 { HsmError::UnsupportedToken(changed[0]) } else { HsmError::InvalidToken };
            assert_eq!(refused, Err(expected), "{key_type:?}, byte {position}");
        }
    }
}

#[test]
fn a_material_is_of_its_type_and_whole() {
    let partition = partition(0);
    let taken_in = |key_type: KeyType, material: &[u8]| {
        let attributes = Attributes { key_type, usage: key_type.uses() };
        let material = SecretBytes::new(material.to_vec());
        partition.import(KeyHandle::random().unwrap(), &attributes, &material)
    };
    for length in 0..200 {
        let material = vec![0x31; length];
        let fits = |key_type: KeyType| taken_in(key_type, &material).is_ok();
        assert_eq!(fits(KeyType::Aes256), length == 32, "{length}");
        assert_eq!(fits(KeyType::Hmac224), (28..=128).contains(&length), "{length}");
        assert_eq!(fits(KeyType::Hmac256), (32..=128).contains(&length), "{length}");
        assert_eq!(fits(KeyType::Hmac384), (48..=128).contains(&length), "{length}");
        assert_eq!(fits(KeyType::Hmac512), (64..=128).contains(&length), "{length}");
    }
    let documents = pkcs8_of_every_pair();
    for (key_type, document) in &documents {
        let token = taken_in(*key_type, document).unwrap();
        let key = reopened(&partition, &token);
        assert!(key.public_key().unwrap().is_some());
        for cut in 0..document.len() {
            assert_eq!(taken_in(*key_type, &document[..cut]), Err(HsmError::InvalidMaterial), "{key_type:?}");
        }
        let longer = [document.as_slice(), &[0]].concat();
        assert_eq!(taken_in(*key_type, &longer), Err(HsmError::InvalidMaterial), "{key_type:?}");
        for other in KeyType::ALL.iter().filter(|other| *other != key_type) {
            let is_mac_key = other.mac_key_lengths().is_some_and(|lengths| lengths.contains(&document.len()));
            let expected = if is_mac_key { Ok(()) } else { Err(HsmError::InvalidMaterial) };
            assert_eq!(taken_in(*other, document).map(drop), expected, "{key_type:?} as {other:?}");
        }
    }
}

/// A pair of every type, as another program would bring it; of the RSA keys the shortest.
fn pkcs8_of_every_pair() -> Vec<(KeyType, Vec<u8>)> {
    use strongroom_crypto::{ed25519, ml_dsa, ml_kem, rsa};
    let curves = [
        (KeyType::EcP256, ec::Curve::P256),
        (KeyType::EcP384, ec::Curve::P384),
        (KeyType::EcP521, ec::Curve::P521),
        (KeyType::EcSecp256k1, ec::Curve::Secp256k1),
    ];
    let mut documents = vec![
        (KeyType::Rsa2048, rsa::PrivateKey::generate(2_048, 65_537).unwrap().to_pkcs8().unwrap()),
        (KeyType::Ed25519, ed25519::PrivateKey::generate().unwrap().to_pkcs8().unwrap()),
    ];
    documents
        .extend(curves.map(|(of, curve)| (of, ec::PrivateKey::generate(curve).unwrap().to_pkcs8().unwrap())));
    let sets =
        [KeyType::MlDsa44, KeyType::MlDsa65, KeyType::MlDsa87].into_iter().zip(ml_dsa::ParameterSet::ALL);
    documents
        .extend(sets.map(|(of, set)| (of, ml_dsa::PrivateKey::generate(set).unwrap().to_pkcs8().unwrap())));
    let sets =
        [KeyType::MlKem512, KeyType::MlKem768, KeyType::MlKem1024].into_iter().zip(ml_kem::ParameterSet::ALL);
    documents
        .extend(sets.map(|(of, set)| (of, ml_kem::PrivateKey::generate(set).unwrap().to_pkcs8().unwrap())));
    documents.into_iter().map(|(of, document)| (of, document.expose().clone())).collect()
}

#[test]
fn another_partition_adopts_a_key_and_gives_it_the_same_fingerprint() {
    let (here, there) = (partition(0), elsewhere());
    let mut fingerprints = std::collections::BTreeSet::new();
    for (key_type, token) in MADE.iter() {
        let key = reopened(&here, token);
        let copy = there.adopt(KeyHandle::random().unwrap(), &key).unwrap();
        assert_eq!(here.open(&copy.reference, &copy.bytes).map(drop), Err(HsmError::InvalidToken));
        let adopted = reopened(&there, &copy);
        assert_eq!(adopted.attributes(), key.attributes());
        assert_eq!(adopted.public_key().unwrap(), key.public_key().unwrap());
        assert_eq!(adopted.public_key().unwrap().is_some(), is_pair(*key_type), "{key_type:?}");
        let fingerprint = key.fingerprint(b"owner").unwrap();
        assert_eq!(adopted.fingerprint(b"owner").unwrap(), fingerprint);
        assert_ne!(adopted.fingerprint(b"other").unwrap(), fingerprint);
        assert!(fingerprints.insert(fingerprint));
        for scheme in schemes(*key_type) {
            let signature = adopted.sign(scheme, Signed::Message(b"message")).unwrap();
            assert_eq!(key.verify(scheme, Signed::Message(b"message"), &signature), Ok(true));
        }
    }
    let aes = reopened(&there, &there.adopt(KeyHandle::random().unwrap(), &key(KeyType::Aes256)).unwrap());
    let none = EncryptionContext::default();
    let blob = key(KeyType::Aes256).encrypt_derived(&NAMES, &none, b"from there").unwrap();
    assert_eq!(aes.decrypt_derived(&blob, &none).unwrap().expose(), b"from there");
}

fn is_pair(key_type: KeyType) -> bool {
    key_type != KeyType::Aes256 && key_type.mac_key_lengths().is_none()
}

/// HMAC takes a key and the same with zeros behind it for one, and a long key for its hash. They are different keys all
/// the same: one has not been imported when the other was.
#[test]
fn fingerprints_tell_keys_apart_that_hmac_takes_for_one() {
    let partition = partition(0);
    let fingerprint = |material: &[u8]| {
        let attributes = Attributes { key_type: KeyType::Hmac256, usage: Usage::SIGNATURES };
        let material = SecretBytes::new(material.to_vec());
        let token = partition.import(KeyHandle::random().unwrap(), &attributes, &material).unwrap();
        reopened(&partition, &token).fingerprint(b"owner").unwrap()
    };
    let short = fingerprint(&[9; 32]);
    assert_eq!(fingerprint(&[9; 32]), short);
    assert_ne!(fingerprint(&[[9; 32], [0; 32]].concat()), short);
    let long = fingerprint(&[9; 100]);
    assert_ne!(fingerprint(&Hash::Sha256.digest(&[9; 100])), long);
}

/// Two documents may hold one key: with the public half or without it.
#[test]
fn a_pair_has_one_fingerprint_however_it_is_written() {
    let partition = partition(0);
    let attributes = Attributes { key_type: KeyType::Ed25519, usage: Usage::SIGNATURES };
    let seed = [0x21; 32];
    let short =
        [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..], &seed].concat();
    let public = strongroom_crypto::ed25519::PrivateKey::from_seed(&seed).unwrap();
    let public = public.public_key().as_bytes().to_vec();
    let long = [
        &[0x30, 0x51, 2, 1, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..],
        &seed,
        &[0x81, 0x21, 0],
        &public,
    ]
    .concat();
    let [one, other] = [short, long].map(|document| {
        let material = SecretBytes::new(document);
        let token = partition.import(KeyHandle::random().unwrap(), &attributes, &material).unwrap();
        reopened(&partition, &token).fingerprint(b"owner").unwrap()
    });
    assert_eq!(one, other);
}
