//! Keys that leave and come back under other keys, and keys derived from keys.

use strongroom_crypto::digest::Hash as HashFunction;
use strongroom_crypto::ec;
use strongroom_hsm_proto::command::{
    AttributeName, Command, Curve, DeriveKey, FailureCode, GenerateKey, Hash, KeyClass, KeyType, Mechanism,
    MechanismKind as K, PairKind, Role, WrappedKey,
};

use crate::lab::{Lab, code, flag, flags, key, label, template, value};
use crate::mechanisms::{
    ALL_OF_AES, import, of, rsa_kind, rsa_pair, unwrap_as, user, with_hash, wrap, wrapped,
};

#[test]
fn wrapped_keys_come_back() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    let wrapping = lab.generate_aes(at, flags(&ALL_OF_AES)).key;
    let (rsa_public, rsa_private) = rsa_pair(&mut lab, at);
    let aes = lab.generate_aes(at, Vec::new());
    let secret =
        GenerateKey { key_type: KeyType::GenericSecret.into(), length: 21, ..GenerateKey::default() };
    let secret = key(lab.run(at, Command::GenerateKey(secret)));
    let (_, rsa_payload) = lab.generate_pair(at, rsa_kind(), Vec::new(), Vec::new());
    let (_, ec_payload) =
        lab.generate_pair(at, PairKind::Ec(Curve::Secp521r1.into()), Vec::new(), Vec::new());
    let (_, ed_payload) = lab.generate_pair(at, PairKind::Ec(Curve::Ed25519.into()), Vec::new(), Vec::new());
    let oaep = with_hash(K::RsaOaep, Hash::Sha384);
    let rsa_aes = with_hash(K::RsaAesKeyWrap, Hash::Sha1);
    let ways = [
        (wrapping, wrapping, of(K::AesKeyWrapNoPad)),
        (wrapping, wrapping, of(K::AesKeyWrapZeroPad)),
        (wrapping, wrapping, of(K::AesKeyWrapPkcs5Pad)),
        (wrapping, wrapping, of(K::AesGcm)),
        (wrapping, wrapping, of(K::CloudHsmAesGcm)),
        (rsa_public.key, rsa_private.key, oaep),
        (rsa_public.key, rsa_private.key, of(K::RsaPkcs)),
        (rsa_public.key, rsa_private.key, rsa_aes),
    ];
    let secret_sort = (KeyClass::SecretKey, KeyType::Aes);
    let payloads = [
        (&aes, secret_sort),
        (&secret, (KeyClass::SecretKey, KeyType::GenericSecret)),
        (&rsa_payload, (KeyClass::PrivateKey, KeyType::Rsa)),
        (&ec_payload, (KeyClass::PrivateKey, KeyType::Ec)),
        (&ed_payload, (KeyClass::PrivateKey, KeyType::Ec)),
    ];
    for (out, back, mechanism) in &ways {
        for (payload, sort) in payloads {
            let padless = mechanism.kind() == K::AesKeyWrapNoPad;
            let small = matches!(mechanism.kind(), K::RsaOaep | K::RsaPkcs);
            let done = lab.run(at, wrap(payload.key, *out, mechanism));
            if done.is_err() {
                assert!(padless || (small && sort.0 == KeyClass::PrivateKey), "{mechanism:?} {sort:?}");
                continue;
            }
            let WrappedKey { wrapped, iv } = wrapped(done);
            let mechanism = Mechanism { iv, ..mechanism.clone() };
            let again = key(lab.run(at, unwrap_as(*back, &mechanism, &wrapped, sort, None)));
            assert_ne!(again.key, payload.key);
            assert_eq!(again.public_key, payload.public_key);
            for name in [AttributeName::CheckValue, AttributeName::ValueLength, AttributeName::EcParams] {
                assert_eq!(value(&again, name), value(payload, name));
            }
            for name in
                [AttributeName::Local, AttributeName::AlwaysSensitive, AttributeName::NeverExtractable]
            {
                let flag = strongroom_hsm_proto::command::AttributeValue::Flag(false);
                assert_eq!(value(&again, name), Some(flag), "{name:?}");
            }
            let mut altered = wrapped;
            *altered.last_mut().unwrap() ^= 1;
            let refused = code(lab.run(at, unwrap_as(*back, &mechanism, &altered, sort, None)));
            assert_eq!(refused, FailureCode::CryptographyFailed, "{mechanism:?}");
        }
    }
    // What unwraps to no such key fails as what does not unwrap.
    let mechanism = of(K::AesKeyWrapZeroPad);
    let bytes = wrapped(lab.run(at, wrap(secret.key, wrapping, &mechanism))).wrapped;
    for sort in [secret_sort, (KeyClass::PrivateKey, KeyType::Rsa), (KeyClass::PrivateKey, KeyType::Ec)] {
        let refused = lab.run(at, unwrap_as(wrapping, &mechanism, &bytes, sort, None));
        assert_eq!(code(refused), FailureCode::CryptographyFailed);
    }
    for sort in [(KeyClass::PublicKey, KeyType::Rsa), (KeyClass::PrivateKey, KeyType::MlDsa)] {
        let refused = lab.run(at, unwrap_as(wrapping, &mechanism, &bytes, sort, None));
        assert_eq!(code(refused), FailureCode::InvalidMechanism);
    }
}

#[test]
fn wrapping_keeps_to_the_attributes_of_both_keys() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    let mechanism = of(K::AesKeyWrapZeroPad);
    let plain = lab.generate_aes(at, Vec::new()).key;
    let wrapping = lab.generate_aes(at, flags(&[AttributeName::Wrap, AttributeName::Unwrap])).key;
    let fixed = lab.generate_aes(at, vec![flag(AttributeName::Extractable, false)]).key;
    let careful = lab.generate_aes(at, flags(&[AttributeName::WrapWithTrusted])).key;
    for (payload, under) in [(plain, plain), (fixed, wrapping), (careful, wrapping)] {
        assert_eq!(code(lab.run(at, wrap(payload, under, &mechanism))), FailureCode::KeyForbids);
    }
    let known = lab.hsms[0].drain_audit(usize::MAX).len();
    let bytes = wrapped(lab.run(at, wrap(plain, wrapping, &mechanism))).wrapped;
    let secret_sort = (KeyClass::SecretKey, KeyType::Aes);
    let again = key(lab.run(at, unwrap_as(wrapping, &mechanism, &bytes, secret_sort, None))).key;
    let records = lab.hsms[0].drain_audit(usize::MAX);
    let records: Vec<_> =
        records[known..].iter().map(|record| (record.opcode.1, record.detail.clone())).collect();
    let of = |private| strongroom_hsm_core::AuditDetail::Keys { private, public: 0 };
    assert_eq!(
        records,
        [
            ("CN_WRAP_KEY", of(plain)),
            ("CN_NIST_AES_WRAP", of(wrapping)),
            ("CN_NIST_AES_WRAP", of(wrapping)),
            ("CN_UNWRAP_KEY", of(again)),
        ]
    );
    let admin = lab.log_in(0, "admin", Role::Admin);
    let trust = strongroom_hsm_proto::command::SetAttribute {
        key: wrapping,
        attribute: Some(flag(AttributeName::Trusted, true)),
    };
    lab.run(admin, Command::SetAttribute(trust)).unwrap();
    wrapped(lab.run(at, wrap(careful, wrapping, &mechanism)));

    // Templates of the wrapping key.
    let demands = |name, inner| strongroom_hsm_proto::command::Attribute {
        name: AttributeName::into(name),
        value: Some(strongroom_hsm_proto::command::AttributeValue::Template(template(inner).unwrap())),
    };
    let strict = lab
        .generate_aes(
            at,
            [
                flags(&[AttributeName::Wrap, AttributeName::Unwrap]),
                vec![
                    demands(AttributeName::WrapTemplate, vec![flag(AttributeName::Encrypt, true)]),
                    demands(AttributeName::UnwrapTemplate, vec![flag(AttributeName::Extractable, false)]),
                ],
            ]
            .concat(),
        )
        .key;
    assert_eq!(code(lab.run(at, wrap(plain, strict, &mechanism))), FailureCode::KeyForbids);
    let fitting = lab.generate_aes(at, flags(&[AttributeName::Encrypt])).key;
    let bytes = wrapped(lab.run(at, wrap(fitting, strict, &mechanism))).wrapped;
    let sort = (KeyClass::SecretKey, KeyType::Aes);
    let made = key(lab.run(at, unwrap_as(strict, &mechanism, &bytes, sort, template(vec![label("x")]))));
    let off = strongroom_hsm_proto::command::AttributeValue::Flag(false);
    assert_eq!(value(&made, AttributeName::Extractable), Some(off));
    let contrary = template(vec![flag(AttributeName::Extractable, true)]);
    let refused = lab.run(at, unwrap_as(strict, &mechanism, &bytes, sort, contrary));
    assert_eq!(code(refused), FailureCode::InvalidAttribute);
    assert_eq!(code(lab.run(at, unwrap_as(plain, &mechanism, &bytes, sort, None))), FailureCode::KeyForbids);
}

#[test]
fn keys_are_derived() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    let derives = || flags(&[AttributeName::Derive]);
    let derive = |base, mechanism: Mechanism, key_type: KeyType, length| {
        Command::DeriveKey(DeriveKey {
            base,
            mechanism: Some(mechanism),
            key_type: key_type.into(),
            length,
            template: template(flags(&[AttributeName::Derive])),
        })
    };
    for (curve, outside) in [(Curve::Secp256r1, ec::Curve::P256), (Curve::Secp256k1, ec::Curve::Secp256k1)] {
        let (public, private) = lab.generate_pair(at, PairKind::Ec(curve.into()), Vec::new(), derives());
        let peer = ec::PrivateKey::generate(outside).unwrap();
        let mechanism = Mechanism {
            peer: peer.public_key().to_point().unwrap(),
            info: b"info".to_vec(),
            ..with_hash(K::EcdhX963, Hash::Sha256)
        };
        let derived = key(lab.run(at, derive(private.key, mechanism.clone(), KeyType::Aes, 32)));
        let secret = peer.agree(&ec::PublicKey::from_spki(&public.public_key).unwrap()).unwrap();
        let expected =
            strongroom_crypto::kdf::x963(HashFunction::Sha256, secret.expose(), b"info", 32).unwrap();
        let same = import(&mut lab, at, KeyType::Aes, expected.expose());
        assert_eq!(value(&derived, AttributeName::CheckValue), value(&same, AttributeName::CheckValue));
        for peer in [Vec::new(), vec![4; 65]] {
            let refused =
                lab.run(at, derive(private.key, Mechanism { peer, ..mechanism.clone() }, KeyType::Aes, 32));
            assert_eq!(code(refused), FailureCode::InvalidData);
        }
    }
    let aes = lab.generate_aes(at, derives()).key;
    for mechanism in [of(K::Sp800108Counter), with_hash(K::Sp800108Counter, Hash::Sha512)] {
        let mechanism = Mechanism { counter_bits: 32, info: b"label\0context".to_vec(), ..mechanism };
        let one = key(lab.run(at, derive(aes, mechanism.clone(), KeyType::Aes, 16)));
        let same = key(lab.run(at, derive(aes, mechanism.clone(), KeyType::Aes, 16)));
        assert_eq!(value(&one, AttributeName::CheckValue), value(&same, AttributeName::CheckValue));
        let secret = key(lab.run(at, derive(aes, mechanism.clone(), KeyType::GenericSecret, 100)));
        assert_eq!(
            value(&secret, AttributeName::ValueLength),
            Some(strongroom_hsm_proto::command::AttributeValue::Number(100))
        );
        let odd = Mechanism { counter_bits: 9, ..mechanism };
        let refused = lab.run(at, derive(aes, odd, KeyType::Aes, 16));
        assert_eq!(code(refused), FailureCode::InvalidMechanism);
    }
    let inert = lab.generate_aes(at, Vec::new()).key;
    let mechanism = Mechanism { counter_bits: 8, ..of(K::Sp800108Counter) };
    assert_eq!(code(lab.run(at, derive(inert, mechanism, KeyType::Aes, 16))), FailureCode::KeyForbids);
}

#[test]
fn key_wrap_takes_no_other_iv_than_its_own() {
    let mut lab = Lab::with_users(1);
    let at = user(&mut lab);
    let wrapping = lab.generate_aes(at, flags(&ALL_OF_AES)).key;
    let sort = (KeyClass::SecretKey, KeyType::Aes);
    for (kind, may_be_said) in
        [(K::AesKeyWrapNoPad, true), (K::AesKeyWrapPkcs5Pad, true), (K::AesKeyWrapZeroPad, false)]
    {
        let plain = wrapped(lab.run(at, wrap(wrapping, wrapping, &of(kind)))).wrapped;
        for (iv, fits) in [
            (vec![0xa6; 8], may_be_said),
            (vec![0xa6; 7], false),
            (vec![0; 8], false),
            (vec![0xa6, 0x59, 0x59, 0xa6], false),
        ] {
            let mechanism = Mechanism { iv, ..of(kind) };
            let (out, back) = (
                lab.run(at, wrap(wrapping, wrapping, &mechanism)),
                lab.run(at, unwrap_as(wrapping, &mechanism, &plain, sort, None)),
            );
            if fits {
                assert_eq!(wrapped(out).wrapped, plain);
                key(back);
            } else {
                assert_eq!(code(out), FailureCode::InvalidMechanism);
                assert_eq!(code(back), FailureCode::InvalidMechanism);
            }
        }
    }
}
