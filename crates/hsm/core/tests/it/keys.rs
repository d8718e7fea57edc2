//! Key objects: attributes, owners, shares, limits.

use strongroom_crypto::ec;
use strongroom_hsm_core::{Mode, Options};
use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, CloseSession, Command, ConfirmKey, Curve, DeleteKey, Encrypt,
    ExportKey, Failure, FailureCode, FindKeys, GenerateKey, ImportKey, ImportPublicKey, KeyClass,
    KeyDescription, KeyType, Logout, Mechanism, MechanismKind, MlDsaSet, PairKind, Result as Answered, Role,
    RsaParameters, SetAttribute, ShareKey, ShowKeys, UnshareKey,
};

use crate::lab::{At, Lab, code, flag, flags, generate_aes, key, label, output, template, value};

fn number(value: u64) -> AttributeValue {
    AttributeValue::Number(value)
}

fn attribute(name: AttributeName, value: AttributeValue) -> Attribute {
    Attribute { name: name.into(), value: Some(value) }
}

pub(crate) fn find(lab: &mut Lab, at: At, filter: Vec<Attribute>) -> Vec<u64> {
    let command = FindKeys { filter: template(filter), after: 0, most: 4_096 };
    match lab.run(at, Command::FindKeys(command)) {
        Ok(Some(Answered::Found(found))) => {
            assert_eq!(found.total as usize, found.keys.len());
            found.keys
        }
        other => panic!("{other:?}"),
    }
}

fn show(lab: &mut Lab, at: At, key: u64) -> Option<KeyDescription> {
    match lab.run(at, Command::ShowKeys(ShowKeys { keys: vec![key] })) {
        Ok(Some(Answered::Keys(list))) => list.keys.into_iter().next(),
        other => panic!("{other:?}"),
    }
}

fn set(lab: &mut Lab, at: At, key: u64, attribute: Attribute) -> Result<Option<Answered>, Failure> {
    lab.run(at, Command::SetAttribute(SetAttribute { key, attribute: Some(attribute) }))
}

fn share(key: u64, username: &str) -> Command {
    Command::ShareKey(ShareKey { key, username: username.to_owned() })
}

fn unshare(key: u64, username: &str) -> Command {
    Command::UnshareKey(UnshareKey { key, username: username.to_owned() })
}

fn gcm() -> Mechanism {
    Mechanism { kind: MechanismKind::AesGcm.into(), ..Mechanism::default() }
}

fn encrypt(key: u64) -> Command {
    Command::Encrypt(Encrypt { key, mechanism: Some(gcm()), data: b"data".to_vec() })
}

const RSA: RsaParameters = RsaParameters { modulus_bits: 2_048, public_exponent: Vec::new() };

fn rsa() -> PairKind {
    PairKind::Rsa(RsaParameters { public_exponent: vec![1, 0, 1], ..RSA })
}

/// What AWS's "key attributes reference" says of keys whose maker says nothing.
#[test]
fn defaults_are_those_of_the_reference() {
    use AttributeName as A;
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let aes = lab.generate_aes(at, Vec::new());
    let (public, private) = lab.generate_pair(at, rsa(), Vec::new(), Vec::new());
    let rows = [
        (A::Token, [true, true, true]),
        (A::Private, [true, true, true]),
        (A::Trusted, [false, false, false]),
        (A::Sensitive, [true, false, true]),
        (A::Encrypt, [false, false, false]),
        (A::Decrypt, [false, false, false]),
        (A::Wrap, [false, false, false]),
        (A::Unwrap, [false, false, false]),
        (A::Sign, [true, false, false]),
        (A::Verify, [true, false, false]),
        (A::Derive, [false, false, false]),
        (A::Extractable, [true, false, true]),
        (A::Local, [true, true, true]),
        (A::NeverExtractable, [false, false, false]),
        (A::AlwaysSensitive, [true, false, true]),
        (A::Modifiable, [true, true, true]),
        (A::Destroyable, [true, true, true]),
        (A::WrapWithTrusted, [false, false, false]),
    ];
    for (name, expected) in rows {
        let got = [&aes, &public, &private].map(|key| value(key, name));
        assert_eq!(got, expected.map(|on| Some(AttributeValue::Flag(on))), "{name:?}");
    }
    assert_eq!(value(&aes, A::ValueLength), Some(number(32)));
    assert_eq!(value(&aes, A::Class), Some(number(KeyClass::SecretKey as u64)));
    assert_eq!(value(&aes, A::KeyType), Some(number(KeyType::Aes as u64)));
    assert_eq!(value(&aes, A::Label), Some(AttributeValue::Bytes(Vec::new())));
    assert!(matches!(value(&aes, A::CheckValue), Some(AttributeValue::Bytes(bytes)) if bytes.len() == 3));
    for key in [&public, &private] {
        assert_eq!(value(key, A::ModulusBits), Some(number(2_048)));
        assert_eq!(value(key, A::PublicExponent), Some(AttributeValue::Bytes(vec![1, 0, 1])));
        let Some(AttributeValue::Bytes(modulus)) = value(key, A::Modulus) else { panic!() };
        assert_eq!(modulus.len(), 256);
    }
    assert_eq!(value(&public, A::CheckValue), value(&private, A::CheckValue));
    assert_eq!(value(&public, A::ValueLength), Some(number(512)));
    let Some(AttributeValue::Number(length)) = value(&private, A::ValueLength) else { panic!() };
    // One of its six numbers in 256 begins with a zero byte, and is shorter.
    assert!((1_210..=1_219).contains(&length), "{length}");
    assert_eq!(public.public_key, private.public_key);
    assert!(aes.public_key.is_empty());
}

#[test]
fn every_kind_of_key_can_be_made() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    for curve in [
        Curve::Secp224r1,
        Curve::Secp256r1,
        Curve::Secp384r1,
        Curve::Secp521r1,
        Curve::Secp256k1,
        Curve::Ed25519,
    ] {
        let (public, private) = lab.generate_pair(at, PairKind::Ec(curve.into()), Vec::new(), Vec::new());
        for key in [&public, &private] {
            assert_eq!(value(key, AttributeName::EcParams), Some(number(curve as u64)));
            let Some(AttributeValue::Bytes(point)) = value(key, AttributeName::EcPoint) else { panic!() };
            assert!(curve == Curve::Ed25519 || point[0] == 4);
        }
    }
    let sets = [
        (MlDsaSet::MlDsa44, 1_312, 2_560),
        (MlDsaSet::MlDsa65, 1_952, 4_032),
        (MlDsaSet::MlDsa87, 2_592, 4_896),
    ];
    for (set, public_length, private_length) in sets {
        let (public, private) = lab.generate_pair(at, PairKind::MlDsa(set.into()), Vec::new(), Vec::new());
        assert_eq!(value(&public, AttributeName::ValueLength), Some(number(public_length)));
        assert_eq!(value(&private, AttributeName::ValueLength), Some(number(private_length)));
        assert_eq!(value(&private, AttributeName::CheckValue), None);
    }
    for (key_type, length, fine) in [
        (KeyType::Aes, 16, true),
        (KeyType::Aes, 24, true),
        (KeyType::Aes, 17, false),
        (KeyType::GenericSecret, 1, true),
        (KeyType::GenericSecret, 800, true),
        (KeyType::GenericSecret, 0, false),
        (KeyType::GenericSecret, 801, false),
        (KeyType::Rsa, 256, false),
        (KeyType::Des3, 24, false),
    ] {
        let command = GenerateKey { key_type: key_type.into(), length, ..GenerateKey::default() };
        let made = lab.run(at, Command::GenerateKey(command));
        assert_eq!(made.is_ok(), fine, "{key_type:?} {length}");
    }
    for (modulus_bits, public_exponent) in [
        (1_024, vec![1, 0, 1]),
        (2_049, vec![1, 0, 1]),
        (4_352, vec![1, 0, 1]),
        (2_048, vec![1, 0, 2]),
        (2_048, vec![3]),
        (2_048, vec![]),
        (2_048, vec![1; 40]),
    ] {
        let kind = PairKind::Rsa(RsaParameters { modulus_bits, public_exponent });
        let command =
            strongroom_hsm_proto::command::GenerateKeyPair { kind: Some(kind), ..Default::default() };
        assert_eq!(code(lab.run(at, Command::GenerateKeyPair(command))), FailureCode::InvalidAttribute);
    }
    let mut fips = Lab::with_options(1, &Options::new(Mode::Fips));
    let at = fips.log_in(0, "cu1", Role::CryptoUser);
    let command = strongroom_hsm_proto::command::GenerateKeyPair {
        kind: Some(PairKind::Ec(Curve::Ed25519.into())),
        ..Default::default()
    };
    assert_eq!(code(fips.run(at, Command::GenerateKeyPair(command))), FailureCode::InvalidMechanism);
}

#[test]
fn templates_are_checked() {
    use AttributeName as A;
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let bytes = |length: usize| AttributeValue::Bytes(vec![b'l'; length]);
    let inner = template(flags(&[A::Extractable])).unwrap();
    let good = [
        flag(A::Token, true),
        flag(A::Private, true),
        flag(A::Trusted, false),
        flag(A::Sensitive, false),
        flag(A::Extractable, false),
        flag(A::WrapWithTrusted, true),
        flag(A::Derive, true),
        flag(A::Local, true),
        attribute(A::Label, bytes(127)),
        attribute(A::Label, AttributeValue::Bytes("ü".repeat(127).into_bytes())),
        attribute(A::Id, bytes(128)),
        attribute(A::Class, number(KeyClass::SecretKey as u64)),
        attribute(A::KeyType, number(KeyType::Aes as u64)),
        attribute(A::UnwrapTemplate, AttributeValue::Template(inner.clone())),
        attribute(A::WrapTemplate, AttributeValue::Template(inner.clone())),
    ];
    for one in good {
        lab.run(at, generate_aes(vec![one.clone()])).unwrap_or_else(|refused| panic!("{one:?} {refused:?}"));
    }
    let nested = template(vec![attribute(A::WrapTemplate, AttributeValue::Template(inner))]).unwrap();
    let bad = [
        flag(A::Private, false),
        flag(A::Trusted, true),
        flag(A::Local, false),
        flag(A::NeverExtractable, true),
        flag(A::AlwaysSensitive, true),
        flag(A::Label, true),
        attribute(A::Label, bytes(128)),
        attribute(A::Label, AttributeValue::Bytes(vec![0xff])),
        attribute(A::Id, bytes(129)),
        attribute(A::CheckValue, bytes(3)),
        attribute(A::Class, number(KeyClass::PublicKey as u64)),
        attribute(A::KeyType, number(KeyType::Rsa as u64)),
        attribute(A::Encrypt, number(1)),
        attribute(A::UnwrapTemplate, AttributeValue::Template(nested)),
        Attribute { name: 9_999, value: Some(AttributeValue::Flag(true)) },
        Attribute { name: A::Encrypt.into(), value: None },
    ];
    for one in bad {
        let refused = lab.run(at, generate_aes(vec![one.clone()]));
        assert_eq!(code(refused), FailureCode::InvalidAttribute, "{one:?}");
    }
    let twice = vec![flag(A::Encrypt, true), flag(A::Encrypt, true)];
    assert_eq!(code(lab.run(at, generate_aes(twice))), FailureCode::InvalidAttribute);
    assert_eq!(code(lab.run(at, generate_aes(vec![label("x"); 33]))), FailureCode::InvalidAttribute);
    // Usages that a sort of key does not have.
    for (public, private) in [
        (vec![flag(A::Sign, true)], Vec::new()),
        (vec![flag(A::Decrypt, true)], Vec::new()),
        (Vec::new(), vec![flag(A::Verify, true)]),
        (Vec::new(), vec![flag(A::Wrap, true)]),
        (vec![flag(A::Extractable, true)], Vec::new()),
    ] {
        let command = strongroom_hsm_proto::command::GenerateKeyPair {
            kind: Some(PairKind::Ec(Curve::Secp256r1.into())),
            public_template: template(public),
            private_template: template(private),
            ..Default::default()
        };
        assert_eq!(code(lab.run(at, Command::GenerateKeyPair(command))), FailureCode::InvalidAttribute);
    }
}

#[test]
fn attributes_change_as_the_reference_says() {
    use AttributeName as A;
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let aes = lab.generate_aes(at, Vec::new()).key;
    // (attribute, may become true, may become false again)
    let rows = [
        (A::Encrypt, true, true),
        (A::Decrypt, true, true),
        (A::Wrap, true, true),
        (A::Unwrap, true, true),
        (A::Derive, true, true),
        (A::WrapWithTrusted, true, false),
        (A::NeverExtractable, false, false),
        (A::Local, true, false),
        (A::AlwaysSensitive, true, false),
        (A::Sensitive, true, false),
        (A::Token, true, false),
        (A::Private, true, false),
    ];
    for (name, on, off) in rows {
        assert_eq!(set(&mut lab, at, aes, flag(name, true)).is_ok(), on, "{name:?} on");
        let before = show(&mut lab, at, aes).unwrap();
        if value(&before, name) == Some(AttributeValue::Flag(true)) {
            assert_eq!(set(&mut lab, at, aes, flag(name, false)).is_ok(), off, "{name:?} off");
        }
    }
    set(&mut lab, at, aes, label("renamed")).unwrap();
    set(&mut lab, at, aes, attribute(A::Id, AttributeValue::Bytes(vec![7]))).unwrap();
    assert_eq!(find(&mut lab, at, vec![label("renamed")]), [aes]);
    assert!(find(&mut lab, at, vec![label("")]).is_empty());
    for one in [
        attribute(A::KeyType, number(0)),
        attribute(A::Class, number(0)),
        attribute(A::CheckValue, AttributeValue::Bytes(vec![0; 3])),
        flag(A::Label, true),
    ] {
        assert_eq!(code(set(&mut lab, at, aes, one)), FailureCode::InvalidAttribute);
    }
    assert_eq!(code(set(&mut lab, at, aes, flag(A::Trusted, true))), FailureCode::Forbidden);
    let admin = lab.log_in(0, "admin", Role::Admin);
    assert_eq!(code(set(&mut lab, admin, aes, label("x"))), FailureCode::Forbidden);
    set(&mut lab, admin, aes, flag(A::Trusted, true)).unwrap();
    assert_eq!(value(&show(&mut lab, at, aes).unwrap(), A::Trusted), Some(AttributeValue::Flag(true)));

    set(&mut lab, at, aes, flag(A::Extractable, false)).unwrap();
    assert_eq!(code(set(&mut lab, at, aes, flag(A::Extractable, true))), FailureCode::InvalidAttribute);
    let described = show(&mut lab, at, aes).unwrap();
    assert_eq!(value(&described, A::NeverExtractable), Some(AttributeValue::Flag(false)), "it was once");

    set(&mut lab, at, aes, flag(A::Destroyable, false)).unwrap();
    assert_eq!(code(lab.run(at, Command::DeleteKey(DeleteKey { key: aes }))), FailureCode::KeyForbids);
    set(&mut lab, at, aes, flag(A::Destroyable, true)).unwrap();
    set(&mut lab, at, aes, flag(A::Modifiable, false)).unwrap();
    assert_eq!(code(set(&mut lab, at, aes, label("again"))), FailureCode::KeyForbids);
    lab.run(at, Command::DeleteKey(DeleteKey { key: aes })).unwrap();
    assert_eq!(code(set(&mut lab, at, aes, label("again"))), FailureCode::NoSuchKey);
}

#[test]
fn a_change_of_attributes_counts_at_once_on_every_hsm() {
    let mut lab = Lab::with_users(2);
    let one = lab.log_in(0, "cu1", Role::CryptoUser);
    let other = lab.log_in(1, "cu1", Role::CryptoUser);
    let aes = lab.generate_aes(one, flags(&[AttributeName::Encrypt])).key;
    for at in [one, other] {
        output(lab.run(at, encrypt(aes)));
    }
    set(&mut lab, other, aes, flag(AttributeName::Encrypt, false)).unwrap();
    for at in [one, other] {
        assert_eq!(code(lab.run(at, encrypt(aes))), FailureCode::KeyForbids);
    }
    set(&mut lab, one, aes, flag(AttributeName::Encrypt, true)).unwrap();
    for at in [one, other] {
        output(lab.run(at, encrypt(aes)));
    }
    lab.all_agree();
}

#[test]
fn shared_users_use_a_key_and_nothing_else() {
    let mut lab = Lab::with_users(1);
    let owner = lab.log_in(0, "cu1", Role::CryptoUser);
    let friend = lab.log_in(0, "cu2", Role::CryptoUser);
    let stranger = lab.log_in(0, "cu3", Role::CryptoUser);
    let aes = lab.generate_aes(owner, flags(&[AttributeName::Encrypt, AttributeName::Wrap])).key;
    let (public, private) = lab.signing_pair(owner);
    assert_eq!(code(lab.run(friend, encrypt(aes))), FailureCode::NoSuchKey);
    lab.run(owner, share(aes, "CU2")).unwrap();
    assert_eq!(code(lab.run(owner, share(aes, "cu2"))), FailureCode::InvalidRequest);
    assert_eq!(code(lab.run(owner, share(aes, "cu1"))), FailureCode::InvalidRequest);
    assert_eq!(code(lab.run(owner, share(aes, "nobody"))), FailureCode::NoSuchUser);
    assert_eq!(code(lab.run(owner, share(aes, "admin"))), FailureCode::NoSuchUser);
    assert_eq!(code(lab.run(owner, share(public.key, "cu2"))), FailureCode::KeyForbids);

    output(lab.run(friend, encrypt(aes)));
    let shown = show(&mut lab, friend, aes).unwrap();
    assert_eq!((shown.owner.as_str(), shown.shared_with.as_slice()), ("cu1", &["cu2".to_owned()][..]));
    let wrap = strongroom_hsm_proto::command::WrapKey {
        payload: aes,
        wrapping: aes,
        mechanism: Some(Mechanism { kind: MechanismKind::AesKeyWrapZeroPad.into(), ..Mechanism::default() }),
    };
    for command in [
        share(aes, "cu3"),
        unshare(aes, "cu2"),
        Command::DeleteKey(DeleteKey { key: aes }),
        Command::SetAttribute(SetAttribute { key: aes, attribute: Some(label("mine")) }),
        Command::WrapKey(wrap),
        Command::ExportKey(ExportKey { key: aes }),
    ] {
        assert_eq!(code(lab.run(friend, command.clone())), FailureCode::Forbidden, "{command:?}");
        assert_eq!(code(lab.run(stranger, command)), FailureCode::NoSuchKey);
    }
    assert!(show(&mut lab, stranger, aes).is_none());
    assert_eq!(find(&mut lab, stranger, Vec::new()), [public.key], "public keys are everybody's");
    let mut expected = vec![aes, public.key];
    expected.sort_unstable();
    assert_eq!(find(&mut lab, friend, Vec::new()), expected);
    expected.push(private.key);
    expected.sort_unstable();
    assert_eq!(find(&mut lab, owner, Vec::new()), expected);
    let admin = lab.log_in(0, "admin", Role::Admin);
    assert_eq!(find(&mut lab, admin, Vec::new()), expected);

    lab.run(owner, unshare(aes, "cu2")).unwrap();
    assert_eq!(code(lab.run(friend, encrypt(aes))), FailureCode::NoSuchKey);
    assert_eq!(code(lab.run(owner, unshare(aes, "cu2"))), FailureCode::InvalidRequest);
}

#[test]
fn a_deleted_user_leaves_the_lists_of_shares() {
    let mut lab = Lab::with_users(2);
    let owner = lab.log_in(0, "cu1", Role::CryptoUser);
    let aes = lab.generate_aes(owner, flags(&[AttributeName::Encrypt])).key;
    lab.run(owner, share(aes, "cu2")).unwrap();
    let admin = lab.log_in(0, "admin", Role::Admin);
    lab.run(admin, crate::users::delete_user("cu2", Role::CryptoUser)).unwrap();
    assert!(show(&mut lab, owner, aes).unwrap().shared_with.is_empty());
    output(lab.run(owner, encrypt(aes)));
    lab.create_user(admin, "cu2", Role::CryptoUser).unwrap();
    let again = lab.log_in(1, "cu2", Role::CryptoUser);
    assert_eq!(code(lab.run(again, encrypt(aes))), FailureCode::NoSuchKey);
    lab.all_agree();
}

#[test]
fn session_keys_live_in_one_session() {
    let mut lab = Lab::with_users(2);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let template = || vec![flag(AttributeName::Token, false), flag(AttributeName::Encrypt, true), label("s")];
    let digest = lab.hsms[0].digest();
    let session_key = lab.generate_aes(at, template());
    assert!(session_key.of_session);
    assert_eq!(lab.hsms[0].digest(), digest, "nothing is shared of it");
    output(lab.run(at, encrypt(session_key.key)));
    assert_eq!(find(&mut lab, at, vec![label("s")]), [session_key.key]);
    let other = lab.log_in(0, "cu1", Role::CryptoUser);
    assert_eq!(code(lab.run(other, encrypt(session_key.key))), FailureCode::NoSuchKey);
    assert!(find(&mut lab, other, vec![label("s")]).is_empty());
    assert_eq!(code(lab.run(at, share(session_key.key, "cu2"))), FailureCode::KeyForbids);

    set(&mut lab, at, session_key.key, flag(AttributeName::Encrypt, false)).unwrap();
    assert_eq!(code(lab.run(at, encrypt(session_key.key))), FailureCode::KeyForbids);
    set(&mut lab, at, session_key.key, flag(AttributeName::Encrypt, true)).unwrap();
    assert_eq!(lab.hsms[0].digest(), digest);
    set(&mut lab, at, session_key.key, flag(AttributeName::Token, true)).unwrap();
    let there = lab.log_in(1, "cu1", Role::CryptoUser);
    output(lab.run(there, encrypt(session_key.key)));
    assert_eq!(find(&mut lab, at, vec![label("s")]), [session_key.key], "it is there once");

    let gone = lab.generate_aes(at, template()).key;
    lab.run(at, Command::DeleteKey(DeleteKey { key: gone })).unwrap();
    assert_eq!(code(lab.run(at, encrypt(gone))), FailureCode::NoSuchKey);
    let gone = lab.generate_aes(at, template()).key;
    lab.run(at, Command::Logout(Logout {})).unwrap();
    lab.try_log_in(at, "cu1", Role::CryptoUser, crate::lab::PASSWORD).unwrap();
    assert_eq!(code(lab.run(at, encrypt(gone))), FailureCode::NoSuchKey);
    lab.run(at, Command::CloseSession(CloseSession {})).unwrap();
    assert_eq!(code(lab.run(at, encrypt(gone))), FailureCode::NoSession);
    lab.hsms[0].disconnect(other.connection, lab.now);
    assert_eq!(code(lab.run(other, encrypt(gone))), FailureCode::NoSession);
    lab.all_agree();
}

#[test]
fn keys_are_counted() {
    let mut options = Options::new(Mode::NonFips);
    options.most_keys = 4;
    options.most_asymmetric_keys = 2;
    options.most_session_keys = 2;
    let mut lab = Lab::with_options(1, &options);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    lab.signing_pair(at);
    let command = strongroom_hsm_proto::command::GenerateKeyPair {
        kind: Some(PairKind::Ec(Curve::Secp256r1.into())),
        ..Default::default()
    };
    assert_eq!(code(lab.run(at, Command::GenerateKeyPair(command.clone()))), FailureCode::LimitExceeded);
    lab.generate_aes(at, Vec::new());
    let last = lab.generate_aes(at, Vec::new()).key;
    assert_eq!(code(lab.run(at, generate_aes(Vec::new()))), FailureCode::LimitExceeded);
    let of_session = || vec![flag(AttributeName::Token, false)];
    let pair = |lab: &mut Lab| {
        lab.generate_pair(at, PairKind::Ec(Curve::Secp256r1.into()), of_session(), of_session())
    };
    for key in <[KeyDescription; 2]>::from(pair(&mut lab)) {
        lab.run(at, Command::DeleteKey(DeleteKey { key: key.key })).unwrap();
    }
    lab.generate_aes(at, of_session());
    let promoted = lab.generate_aes(at, of_session()).key;
    assert_eq!(code(lab.run(at, generate_aes(of_session()))), FailureCode::LimitExceeded);
    let keep = || flag(AttributeName::Token, true);
    assert_eq!(code(set(&mut lab, at, promoted, keep())), FailureCode::LimitExceeded);
    lab.run(at, Command::DeleteKey(DeleteKey { key: last })).unwrap();
    set(&mut lab, at, promoted, keep()).unwrap();
}

#[test]
fn public_keys_are_taken_in() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let ec_key = ec::PrivateKey::generate(ec::Curve::P384).unwrap().public_key().to_spki().unwrap();
    let rsa_key = crate::users::rsa_key().public_key().to_spki().unwrap();
    for (spki, key_type) in [(ec_key, KeyType::Ec), (rsa_key, KeyType::Rsa)] {
        let import = |public_key: &[u8]| {
            Command::ImportPublicKey(ImportPublicKey {
                public_key: public_key.to_vec(),
                template: template(vec![label("imported"), flag(AttributeName::Verify, true)]),
            })
        };
        let made = key(lab.run(at, import(&spki)));
        assert_eq!(made.public_key, spki);
        assert_eq!(value(&made, AttributeName::KeyType), Some(number(key_type as u64)));
        assert_eq!(value(&made, AttributeName::Local), Some(AttributeValue::Flag(false)));
        assert_eq!(code(lab.run(at, import(&spki[..spki.len() - 1]))), FailureCode::InvalidData);
    }
    assert_eq!(find(&mut lab, at, vec![label("imported")]).len(), 2);
}

#[test]
fn search_pages_and_combines() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let mut keys: Vec<_> =
        (0..10).map(|number| lab.generate_aes(at, vec![label(&format!("k{}", number % 2))]).key).collect();
    keys.sort_unstable();
    let page = |lab: &mut Lab, after, most| match lab
        .run(at, Command::FindKeys(FindKeys { filter: None, after, most }))
    {
        Ok(Some(Answered::Found(found))) => (found.keys, found.total),
        other => panic!("{other:?}"),
    };
    assert_eq!(page(&mut lab, 0, 4), (keys[..4].to_vec(), 10));
    assert_eq!(page(&mut lab, keys[3], 4), (keys[4..8].to_vec(), 10));
    assert_eq!(page(&mut lab, keys[7], 4), (keys[8..].to_vec(), 10));
    assert_eq!(find(&mut lab, at, vec![label("k1")]).len(), 5);
    let class = |class: KeyClass| attribute(AttributeName::Class, number(class as u64));
    assert_eq!(find(&mut lab, at, vec![label("k1"), class(KeyClass::SecretKey)]).len(), 5);
    assert!(find(&mut lab, at, vec![label("k1"), class(KeyClass::PrivateKey)]).is_empty());
    assert!(find(&mut lab, at, vec![label("k1"), flag(AttributeName::Encrypt, true)]).is_empty());
    for most in [0, 4_097] {
        let refused = lab.run(at, Command::FindKeys(FindKeys { filter: None, after: 0, most }));
        assert_eq!(code(refused), FailureCode::InvalidRequest);
    }
    let confirm = |keys| Command::ConfirmKey(ConfirmKey { keys });
    let confirmed = |answer| matches!(answer, Ok(Some(Answered::Confirmed(confirmed))) if confirmed.there);
    assert!(confirmed(lab.run(at, confirm(keys.clone()))));
    keys.push(1);
    assert!(!confirmed(lab.run(at, confirm(keys))));
}

#[test]
fn keys_go_to_clones_with_handle_owner_and_shares() {
    let mut lab = Lab::with_users(1);
    let mut clone = lab.clone_as("cluster-clone");
    let owner = lab.log_in(0, "cu1", Role::CryptoUser);
    let attributes = vec![flag(AttributeName::Encrypt, true), flag(AttributeName::Extractable, false)];
    let aes = lab.generate_aes(owner, attributes).key;
    lab.run(owner, share(aes, "cu2")).unwrap();
    let sealed = match lab.run(owner, Command::ExportKey(ExportKey { key: aes })) {
        Ok(Some(Answered::Exported(exported))) => exported.sealed,
        other => panic!("{other:?}"),
    };
    let import = |sealed: &[u8]| Command::ImportKey(ImportKey { sealed: sealed.to_vec() });
    let stranger = clone.log_in(0, "cu3", Role::CryptoUser);
    assert_eq!(code(clone.run(stranger, import(&sealed))), FailureCode::Forbidden);
    let there = clone.log_in(0, "cu1", Role::CryptoUser);
    let mut altered = sealed.clone();
    altered[50] ^= 1;
    assert_eq!(code(clone.run(there, import(&altered))), FailureCode::CryptographyFailed);
    let made = key(clone.run(there, import(&sealed)));
    assert_eq!(made, show(&mut lab, owner, aes).unwrap());
    assert_eq!(code(clone.run(there, import(&sealed))), FailureCode::InUse);
    let friend = clone.log_in(0, "cu2", Role::CryptoUser);
    let command = Command::Encrypt(Encrypt { key: aes, mechanism: Some(gcm()), data: b"data".to_vec() });
    let (ciphertext, iv) = output(clone.run(friend, command));
    set(&mut lab, owner, aes, flag(AttributeName::Decrypt, true)).unwrap();
    let decrypt = strongroom_hsm_proto::command::Decrypt {
        key: aes,
        mechanism: Some(Mechanism { iv, ..gcm() }),
        data: ciphertext,
    };
    assert_eq!(output(lab.run(owner, Command::Decrypt(decrypt))).0, b"data");

    let lonely = Lab::founded(1, &Options::new(Mode::NonFips));
    assert_ne!(lonely.hsms[0].digest(), lab.hsms[0].digest());
}
