//! Mechanisms: known answers, round trips, what is refused.

use proptest::prelude::*;
use strongroom_crypto::digest::Hash as HashFunction;
use strongroom_crypto::{ec, ed25519, hex, ml_dsa, rsa};
use strongroom_hsm_core::{Mode, Options};
use strongroom_hsm_proto::command::{
    AttributeName, Command, ContextPair, Curve, Decrypt, DecryptDerived, DeriveKey, Digest, Encrypt,
    EncryptDerived, Failure, FailureCode, Hash, ImportPublicKey, KeyClass, KeyDescription, KeyType,
    Mechanism, MechanismKind, MlDsaSet, PairKind, Random, Result as Answered, Role, RsaParameters, Sign,
    Template, UnwrapKey, Verify, WrapKey, WrappedKey,
};

use crate::lab::{At, Lab, code, flags, key, output, template, value};

use MechanismKind as K;

pub(crate) fn of(kind: K) -> Mechanism {
    Mechanism { kind: kind.into(), ..Mechanism::default() }
}

pub(crate) fn with_hash(kind: K, hash: Hash) -> Mechanism {
    Mechanism { hash: hash.into(), ..of(kind) }
}

fn encrypt(key: u64, mechanism: &Mechanism, data: &[u8]) -> Command {
    Command::Encrypt(Encrypt { key, mechanism: Some(mechanism.clone()), data: data.to_vec() })
}

fn decrypt(key: u64, mechanism: &Mechanism, data: &[u8]) -> Command {
    Command::Decrypt(Decrypt { key, mechanism: Some(mechanism.clone()), data: data.to_vec() })
}

fn sign(key: u64, mechanism: &Mechanism, data: &[u8]) -> Command {
    Command::Sign(Sign { key, mechanism: Some(mechanism.clone()), data: data.to_vec() })
}

fn verifies(lab: &mut Lab, at: At, key: u64, mechanism: &Mechanism, data: &[u8], signature: &[u8]) -> bool {
    let verify = Verify {
        key,
        mechanism: Some(mechanism.clone()),
        data: data.to_vec(),
        signature: signature.to_vec(),
    };
    match lab.run(at, Command::Verify(verify)) {
        Ok(Some(Answered::Verified(verified))) => verified.valid,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn user(lab: &mut Lab) -> At {
    lab.log_in(0, "cu1", Role::CryptoUser)
}

pub(crate) const ALL_OF_AES: [AttributeName; 5] = [
    AttributeName::Encrypt,
    AttributeName::Decrypt,
    AttributeName::Wrap,
    AttributeName::Unwrap,
    AttributeName::Derive,
];

pub(crate) fn rsa_kind() -> PairKind {
    PairKind::Rsa(RsaParameters { modulus_bits: 2_048, public_exponent: vec![1, 0, 1] })
}

pub(crate) fn rsa_pair(lab: &mut Lab, at: At) -> (KeyDescription, KeyDescription) {
    let public = flags(&[AttributeName::Encrypt, AttributeName::Verify, AttributeName::Wrap]);
    let private = flags(&[AttributeName::Decrypt, AttributeName::Sign, AttributeName::Unwrap]);
    lab.generate_pair(at, rsa_kind(), public, private)
}

pub(crate) fn wrapped(result: Result<Option<Answered>, Failure>) -> WrappedKey {
    match result {
        Ok(Some(Answered::Wrapped(wrapped))) => wrapped,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn wrap(payload: u64, wrapping: u64, mechanism: &Mechanism) -> Command {
    Command::WrapKey(WrapKey { payload, wrapping, mechanism: Some(mechanism.clone()) })
}

pub(crate) fn unwrap_as(
    unwrapping: u64,
    mechanism: &Mechanism,
    wrapped: &[u8],
    (class, key_type): (KeyClass, KeyType),
    attributes: Option<Template>,
) -> Command {
    Command::UnwrapKey(UnwrapKey {
        unwrapping,
        mechanism: Some(mechanism.clone()),
        wrapped: wrapped.to_vec(),
        class: class.into(),
        key_type: key_type.into(),
        template: attributes,
        share_with: Vec::new(),
        quorum: None,
    })
}

/// Takes in a known key: under RSA-OAEP, as a customer would.
pub(crate) fn import(lab: &mut Lab, at: At, key_type: KeyType, bytes: &[u8]) -> KeyDescription {
    let (public, private) = rsa_pair(lab, at);
    let mechanism = with_hash(K::RsaOaep, Hash::Sha256);
    let sealed = rsa::PublicKey::from_spki(&public.public_key)
        .unwrap()
        .encrypt_oaep(HashFunction::Sha256, &[], bytes)
        .unwrap();
    let usages: &[AttributeName] =
        if key_type == KeyType::Aes { &ALL_OF_AES } else { &[AttributeName::Derive] };
    let command =
        unwrap_as(private.key, &mechanism, &sealed, (KeyClass::SecretKey, key_type), template(flags(usages)));
    key(lab.run(at, command))
}

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// NIST SP 800-38A F.1.1, F.2.1, F.5.1 and SP 800-38B D.1, AES-128.
#[test]
fn aes_gives_nists_answers() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    let key = import(&mut lab, at, KeyType::Aes, &unhex("2b7e151628aed2a6abf7158809cf4f3c"));
    let block = unhex("6bc1bee22e409f96e93d7e117393172a");
    let iv = unhex("000102030405060708090a0b0c0d0e0f");
    let counter = unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    for (mechanism, expected) in [
        (of(K::AesEcb), "3ad77bb40d7a3660a89ecaf32466ef97"),
        (Mechanism { iv, ..of(K::AesCbc) }, "7649abac8119b246cee98e9b12e9197d"),
        (Mechanism { iv: counter, ..of(K::AesCtr) }, "874d6191b620e3261bef6864990db6ce"),
    ] {
        let (ciphertext, chosen) = output(lab.run(at, encrypt(key.key, &mechanism, &block)));
        assert_eq!(hex::encode(&ciphertext), expected);
        assert!(chosen.is_empty());
        assert_eq!(output(lab.run(at, decrypt(key.key, &mechanism, &ciphertext))).0, block);
    }
    let (mac, _) = output(lab.run(at, sign(key.key, &of(K::AesCmac), &block)));
    assert_eq!(hex::encode(&mac), "070a16b46b4d4144f79bdd9dd04a287c");
    assert!(verifies(&mut lab, at, key.key, &of(K::AesCmac), &block, &mac));
    assert!(!verifies(&mut lab, at, key.key, &of(K::AesCmac), b"other", &mac));
    let check_value = value(&key, AttributeName::CheckValue);
    assert_eq!(check_value, Some(strongroom_hsm_proto::command::AttributeValue::Bytes(unhex("7df76b"))));
}

/// RFC 4231, test case 2.
#[test]
fn hmac_gives_the_rfcs_answer() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    let key = import(&mut lab, at, KeyType::GenericSecret, b"Jefe").key;
    let data = b"what do ya want for nothing?";
    let mechanism = with_hash(K::Hmac, Hash::Sha256);
    let (mac, _) = output(lab.run(at, sign(key, &mechanism, data)));
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(hex::encode(&mac), expected);
    let short = Mechanism { tag_length: 8, ..mechanism.clone() };
    assert_eq!(output(lab.run(at, sign(key, &short, data))).0, mac[..8]);
    assert!(verifies(&mut lab, at, key, &short, data, &mac[..8]));
    assert!(!verifies(&mut lab, at, key, &mechanism, data, &mac[..8]));
    for tag_length in [7, 33] {
        let refused = lab.run(at, sign(key, &Mechanism { tag_length, ..mechanism.clone() }, data));
        assert_eq!(code(refused), FailureCode::InvalidMechanism);
    }
    for (hash, most) in
        [(Hash::Sha1, 16_288), (Hash::Sha224, 16_256), (Hash::Sha384, 16_224), (Hash::Sha512, 16_224)]
    {
        let mechanism = with_hash(K::Hmac, hash);
        output(lab.run(at, sign(key, &mechanism, &vec![0; most])));
        let refused = lab.run(at, sign(key, &mechanism, &vec![0; most + 1]));
        assert_eq!(code(refused), FailureCode::InvalidData);
    }
}

#[test]
fn digests_and_random_bytes() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    let digest = Digest { hash: Hash::Sha256.into(), data: b"abc".to_vec() };
    let (digest, _) = output(lab.run(at, Command::Digest(digest)));
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hex::encode(&digest), expected);
    let random = |length| Command::Random(Random { length });
    assert_eq!(output(lab.run(at, random(16_384))).0.len(), 16_384);
    assert_ne!(output(lab.run(at, random(16))), output(lab.run(at, random(16))));
    for length in [0, 16_385] {
        assert_eq!(code(lab.run(at, random(length))), FailureCode::InvalidData);
    }
}

#[test]
fn gcm_chooses_its_iv_and_binds_what_it_is_told_to() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    let key = lab.generate_aes(at, flags(&ALL_OF_AES)).key;
    for (kind, tag_length) in [(K::AesGcm, 0), (K::AesGcm, 96), (K::CloudHsmAesGcm, 128)] {
        let given = Mechanism { aad: b"aad".to_vec(), tag_length, iv: vec![0; 12], ..of(kind) };
        let (one, iv) = output(lab.run(at, encrypt(key, &given, b"plaintext")));
        let (other, _) = output(lab.run(at, encrypt(key, &given, b"plaintext")));
        assert_ne!(one, other, "the caller's IV does not count");
        assert_eq!(iv.len(), if kind == K::AesGcm { 12 } else { 0 });
        let back = Mechanism { iv, ..given };
        assert_eq!(output(lab.run(at, decrypt(key, &back, &one))).0, b"plaintext");
        for wrong in [
            Mechanism { aad: b"other".to_vec(), ..back.clone() },
            Mechanism { tag_length: 104, ..back.clone() },
        ] {
            assert_eq!(code(lab.run(at, decrypt(key, &wrong, &one))), FailureCode::CryptographyFailed);
        }
        assert_eq!(code(lab.run(at, decrypt(key, &back, &one[..5]))), FailureCode::CryptographyFailed);
    }
    for tag_length in [8, 64, 127, 136] {
        let mechanism = Mechanism { tag_length, ..of(K::AesGcm) };
        assert_eq!(code(lab.run(at, encrypt(key, &mechanism, b""))), FailureCode::InvalidMechanism);
    }
}

#[test]
fn data_has_the_limits_and_forms_of_cloudhsm() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    let key = lab.generate_aes(at, flags(&ALL_OF_AES)).key;
    let iv = vec![7; 16];
    for (mechanism, fine, refused) in [
        (of(K::AesEcb), vec![16, 16_288], vec![0, 15, 16_304]),
        (Mechanism { iv: iv.clone(), ..of(K::AesCbc) }, vec![16, 16_272], vec![0, 17, 16_288]),
        (Mechanism { iv: iv.clone(), ..of(K::AesCbcPad) }, vec![0, 1, 16_272], vec![16_273]),
        (Mechanism { iv, ..of(K::AesCtr) }, vec![0, 1, 16_288], vec![16_289]),
        (of(K::AesGcm), vec![0, 1, 16_224], vec![16_225]),
    ] {
        for length in fine {
            let data = vec![9; length];
            let (ciphertext, chosen) = output(lab.run(at, encrypt(key, &mechanism, &data)));
            let back = if chosen.is_empty() {
                mechanism.clone()
            } else {
                Mechanism { iv: chosen, ..mechanism.clone() }
            };
            assert_eq!(output(lab.run(at, decrypt(key, &back, &ciphertext))).0, data);
        }
        for length in refused {
            let refused = lab.run(at, encrypt(key, &mechanism, &vec![9; length]));
            assert_eq!(code(refused), FailureCode::InvalidData, "{mechanism:?} {length}");
        }
    }
    for iv in [vec![], vec![0; 15], vec![0; 17]] {
        let mechanism = Mechanism { iv, ..of(K::AesCbc) };
        assert_eq!(code(lab.run(at, encrypt(key, &mechanism, &[0; 16]))), FailureCode::InvalidData);
    }
}

#[test]
fn rsa_signs_and_encrypts() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    let (public, private) = rsa_pair(&mut lab, at);
    let outside = rsa::PublicKey::from_spki(&public.public_key).unwrap();
    let hashes = [
        (Hash::Sha1, HashFunction::Sha1),
        (Hash::Sha224, HashFunction::Sha224),
        (Hash::Sha256, HashFunction::Sha256),
        (Hash::Sha384, HashFunction::Sha384),
        (Hash::Sha512, HashFunction::Sha512),
    ];
    for (hash, function) in hashes {
        let digest = function.digest(b"message");
        let pkcs = with_hash(K::RsaPkcs, hash);
        let (signature, _) = output(lab.run(at, sign(private.key, &pkcs, b"message")));
        outside.verify_pkcs1_message(function, b"message", &signature).unwrap();
        let prehashed = Mechanism { prehashed: true, ..pkcs.clone() };
        assert_eq!(output(lab.run(at, sign(private.key, &prehashed, &digest))).0, signature);
        assert!(verifies(&mut lab, at, public.key, &pkcs, b"message", &signature));
        assert!(!verifies(&mut lab, at, public.key, &pkcs, b"massage", &signature));
        let refused = lab.run(at, sign(private.key, &prehashed, b"no digest"));
        assert_eq!(code(refused), FailureCode::InvalidData);

        let pss = Mechanism { salt_length: 20, ..with_hash(K::RsaPss, hash) };
        let (signature, _) = output(lab.run(at, sign(private.key, &pss, b"message")));
        outside.verify_pss_message(function, b"message", 20, &signature).unwrap();
        assert!(verifies(&mut lab, at, public.key, &pss, b"message", &signature));

        let oaep = with_hash(K::RsaOaep, hash);
        let (ciphertext, _) = output(lab.run(at, encrypt(public.key, &oaep, b"plaintext")));
        assert_eq!(output(lab.run(at, decrypt(private.key, &oaep, &ciphertext))).0, b"plaintext");
        let mut altered = ciphertext;
        altered[100] ^= 1;
        let refused = lab.run(at, decrypt(private.key, &oaep, &altered));
        assert_eq!(code(refused), FailureCode::CryptographyFailed);
    }
    // A DigestInfo signed as it is, is the same signature.
    let info = [unhex("3031300d060960864801650304020105000420"), HashFunction::Sha256.digest(b"m")].concat();
    let (raw, _) = output(lab.run(at, sign(private.key, &of(K::RsaPkcs), &info)));
    let (whole, _) = output(lab.run(at, sign(private.key, &with_hash(K::RsaPkcs, Hash::Sha256), b"m")));
    assert_eq!(raw, whole);
    assert!(verifies(&mut lab, at, public.key, &of(K::RsaPkcs), &info, &raw));

    for kind in [K::RsaRaw, K::RsaPkcs] {
        let (ciphertext, _) = output(lab.run(at, encrypt(public.key, &of(kind), b"\x01plaintext")));
        let (plaintext, _) = output(lab.run(at, decrypt(private.key, &of(kind), &ciphertext)));
        assert!(plaintext.ends_with(b"\x01plaintext"));
    }
    let too_long = lab.run(at, encrypt(public.key, &with_hash(K::RsaOaep, Hash::Sha512), &[0; 127]));
    assert_eq!(code(too_long), FailureCode::InvalidData);
}

#[test]
fn fips_mode_bans_what_fips_does_not_approve() {
    let mut lab = Lab::with_options(1, &Options::new(Mode::Fips));
    let at = user(&mut lab);
    let (public, private) = rsa_pair(&mut lab, at);
    let aes = lab.generate_aes(at, Vec::new()).key;
    for command in [
        encrypt(public.key, &of(K::RsaPkcs), b"plaintext"),
        decrypt(private.key, &of(K::RsaPkcs), &[0; 256]),
        wrap(aes, public.key, &of(K::RsaPkcs)),
        unwrap_as(private.key, &of(K::RsaPkcs), &[0; 256], (KeyClass::SecretKey, KeyType::Aes), None),
    ] {
        assert_eq!(code(lab.run(at, command)), FailureCode::InvalidMechanism);
    }
    output(lab.run(at, sign(private.key, &with_hash(K::RsaPkcs, Hash::Sha256), b"is approved")));
    // A key of the time before, in a snapshot of another mode.
    let mut other = Lab::with_users(1);
    let there = user(&mut other);
    let kind = PairKind::Ec(Curve::Ed25519.into());
    let (public, private) =
        other.generate_pair(there, kind, flags(&[AttributeName::Verify]), flags(&[AttributeName::Sign]));
    lab.hsms[0].load(&other.hsms[0].snapshot()).unwrap();
    assert_eq!(code(lab.run(at, sign(private.key, &of(K::Ed25519), b"m"))), FailureCode::InvalidMechanism);
    let import = ImportPublicKey { public_key: public.public_key, template: None };
    assert_eq!(code(lab.run(at, Command::ImportPublicKey(import))), FailureCode::InvalidMechanism);
}

#[test]
fn curves_sign() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    for curve in [Curve::Secp224r1, Curve::Secp256r1, Curve::Secp384r1, Curve::Secp521r1, Curve::Secp256k1] {
        let (public, private) = lab.generate_pair(
            at,
            PairKind::Ec(curve.into()),
            flags(&[AttributeName::Verify]),
            flags(&[AttributeName::Sign]),
        );
        let outside = ec::PublicKey::from_spki(&public.public_key).unwrap();
        let digest = HashFunction::Sha384.digest(b"message");
        let hashing = with_hash(K::Ecdsa, Hash::Sha384);
        for (mechanism, data) in [
            (hashing.clone(), b"message".to_vec()),
            (Mechanism { prehashed: true, ..hashing }, digest.clone()),
            (of(K::Ecdsa), digest.clone()),
        ] {
            let (signature, _) = output(lab.run(at, sign(private.key, &mechanism, &data)));
            outside.verify_digest(&digest, &signature).unwrap();
            assert!(verifies(&mut lab, at, public.key, &mechanism, &data, &signature));
        }
    }
    let (public, private) = lab.generate_pair(
        at,
        PairKind::Ec(Curve::Ed25519.into()),
        flags(&[AttributeName::Verify]),
        flags(&[AttributeName::Sign]),
    );
    let outside = ed25519::PublicKey::from_spki(&public.public_key).unwrap();
    let (signature, _) = output(lab.run(at, sign(private.key, &of(K::Ed25519), b"message")));
    outside.verify(b"message", &signature).unwrap();
    assert!(verifies(&mut lab, at, public.key, &of(K::Ed25519), b"message", &signature));
    let refused = lab.run(at, sign(private.key, &of(K::Ed25519), &[0; 16_001]));
    assert_eq!(code(refused), FailureCode::InvalidData);
    let ph = with_hash(K::Ed25519ph, Hash::Sha512);
    let (signature, _) = output(lab.run(at, sign(private.key, &ph, b"message")));
    let digest = HashFunction::Sha512.digest(b"message");
    let mut array = [0; 64];
    array.copy_from_slice(&digest);
    outside.verify_prehashed(&array, &[], &signature).unwrap();
    let prehashed = Mechanism { prehashed: true, ..ph };
    assert!(verifies(&mut lab, at, public.key, &prehashed, &digest, &signature));
}

#[test]
fn ml_dsa_signs_messages_and_mus() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    for (set, outside) in [
        (MlDsaSet::MlDsa44, ml_dsa::ParameterSet::MlDsa44),
        (MlDsaSet::MlDsa65, ml_dsa::ParameterSet::MlDsa65),
        (MlDsaSet::MlDsa87, ml_dsa::ParameterSet::MlDsa87),
    ] {
        let (public, private) = lab.generate_pair(
            at,
            PairKind::MlDsa(set.into()),
            flags(&[AttributeName::Verify]),
            flags(&[AttributeName::Sign]),
        );
        let outside = ml_dsa::PublicKey::from_spki(outside, &public.public_key).unwrap();
        let mu = outside.mu(b"message").unwrap();
        let external = Mechanism { prehashed: true, ..of(K::MlDsa) };
        for (mechanism, data) in [(of(K::MlDsa), b"message".as_slice()), (external.clone(), &mu)] {
            let (signature, _) = output(lab.run(at, sign(private.key, &mechanism, data)));
            outside.verify(b"message", &signature).unwrap();
            assert!(verifies(&mut lab, at, public.key, &of(K::MlDsa), b"message", &signature));
            assert!(verifies(&mut lab, at, public.key, &external, &mu, &signature));
        }
        assert_eq!(code(lab.run(at, sign(private.key, &external, b"short"))), FailureCode::InvalidData);
    }
}

#[test]
fn mechanisms_are_for_keys_of_their_type() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    let aes = lab.generate_aes(at, flags(&ALL_OF_AES)).key;
    let (rsa_public, rsa_private) = rsa_pair(&mut lab, at);
    for kind in (0..60).filter_map(|number| K::try_from(number).ok()) {
        let mechanism = Mechanism { iv: vec![0; 16], ..with_hash(kind, Hash::Sha256) };
        let fits_aes =
            matches!(kind, K::AesEcb | K::AesCbc | K::AesCbcPad | K::AesCtr | K::AesGcm | K::CloudHsmAesGcm);
        assert_eq!(lab.run(at, encrypt(aes, &mechanism, &[1; 16])).is_ok(), fits_aes, "{kind:?}");
        let fits_rsa = matches!(kind, K::RsaPkcs | K::RsaOaep | K::RsaRaw);
        let encrypted = lab.run(at, encrypt(rsa_public.key, &mechanism, &[1; 16]));
        assert_eq!(encrypted.is_ok(), fits_rsa, "{kind:?}");
        let signs = matches!(kind, K::RsaPkcs | K::RsaPss | K::RsaRaw);
        assert_eq!(lab.run(at, sign(rsa_private.key, &mechanism, b"m")).is_ok(), signs, "{kind:?}");
        assert_eq!(lab.run(at, sign(aes, &mechanism, b"m")).is_ok(), kind == K::AesCmac, "{kind:?}");
    }
    let unknown = Mechanism { kind: 999, ..Mechanism::default() };
    assert_eq!(code(lab.run(at, sign(aes, &unknown, b"m"))), FailureCode::InvalidMechanism);
    let unknown = Mechanism { hash: 99, ..of(K::RsaPss) };
    assert_eq!(code(lab.run(at, sign(rsa_private.key, &unknown, b"m"))), FailureCode::InvalidMechanism);
}

#[test]
fn kmss_ciphertexts_are_made_in_one_call() {
    let mut lab = Lab::with_users(2);
    let (at, there) = (user(&mut lab), lab.log_in(1, "cu1", Role::CryptoUser));
    let aes = lab.generate_aes(at, flags(&[AttributeName::Encrypt, AttributeName::Decrypt])).key;
    let context = |value: &str| vec![ContextPair { name: "name".to_owned(), value: value.to_owned() }];
    let encrypt = |key, plaintext: &[u8]| {
        Command::EncryptDerived(EncryptDerived {
            key,
            key_id: "1234abcd-12ab-34cd-56ef-1234567890ab".to_owned(),
            material_id: vec![7; 32],
            context: context("value"),
            plaintext: plaintext.to_vec(),
        })
    };
    let decrypt = |context, ciphertext: &[u8]| {
        Command::DecryptDerived(DecryptDerived { key: aes, context, ciphertext: ciphertext.to_vec() })
    };
    let (blob, _) = output(lab.run(at, encrypt(aes, b"plaintext")));
    let header = strongroom_hsm_core::parse_header(&blob).unwrap();
    assert_eq!(header.material_id, &[7; 32]);
    assert_eq!(output(lab.run(there, decrypt(context("value"), &blob))).0, b"plaintext");
    let refused = lab.run(there, decrypt(context("other"), &blob));
    assert_eq!(code(refused), FailureCode::CryptographyFailed);
    let twice = [context("value"), context("value")].concat();
    assert_eq!(code(lab.run(there, decrypt(twice, &blob))), FailureCode::InvalidData);
    assert_eq!(code(lab.run(at, encrypt(aes, &[0; 4_097]))), FailureCode::InvalidData);
    let (_, private) = lab.signing_pair(at);
    assert_eq!(code(lab.run(at, encrypt(private.key, b"x"))), FailureCode::KeyForbids);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever a client sends as a mechanism, the HSM answers.
    #[test]
    fn no_mechanism_breaks_the_hsm(
        kind in -1..60_i32,
        hash in -1..8_i32,
        prehashed: bool,
        iv in proptest::collection::vec(any::<u8>(), 0..20),
        (tag_length, salt_length, counter_bits) in (0..300_u32, any::<u32>(), 0..40_u32),
        data in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut lab = Lab::with_users(1);
        let at = user(&mut lab);
        let aes = lab.generate_aes(at, flags(&ALL_OF_AES)).key;
        let (public, private) = lab.generate_pair(
            at,
            PairKind::Ec(Curve::Secp256r1.into()),
            flags(&[AttributeName::Verify, AttributeName::Encrypt, AttributeName::Wrap]),
            flags(&[AttributeName::Sign, AttributeName::Decrypt, AttributeName::Derive]),
        );
        let mechanism = Mechanism {
            kind, hash, prehashed, iv: iv.clone(), aad: iv, tag_length, salt_length, counter_bits,
            peer: data.clone(), info: data.clone(),
        };
        for key in [aes, public.key, private.key] {
            for command in [
                encrypt(key, &mechanism, &data),
                decrypt(key, &mechanism, &data),
                sign(key, &mechanism, &data),
                wrap(aes, key, &mechanism),
                unwrap_as(key, &mechanism, &data, (KeyClass::SecretKey, KeyType::Aes), None),
                Command::DeriveKey(DeriveKey {
                    base: key,
                    mechanism: Some(mechanism.clone()),
                    key_type: KeyType::Aes.into(),
                    length: 16,
                    template: None,
                }),
            ] {
                if let Err(refused) = lab.run(at, command) {
                    prop_assert_ne!(refused.code(), FailureCode::Internal);
                }
            }
        }
    }
}
