//! ECDH whose secret is given out: both sides come to the same, and only who may derive comes to it.

use strongroom_crypto::ec::{self, PrivateKey};
use strongroom_hsm_proto::command::{
    Agree, AttributeName, Command, Curve, FailureCode, GenerateKeyPair, KeyQuorum, PairKind,
    Result as Answered, Role, ShareKey,
};

use crate::lab::{Lab, code, flags, template};

fn agree(key: u64, peer: &[u8]) -> Command {
    Command::Agree(Agree { key, peer: peer.to_vec() })
}

#[test]
fn both_sides_come_to_the_same_secret() {
    let mut lab = Lab::with_users(2);
    let (at, there) = (lab.log_in(0, "cu1", Role::CryptoUser), lab.log_in(1, "cu1", Role::CryptoUser));
    let curves = [
        (Curve::Secp256r1, ec::Curve::P256, 32),
        (Curve::Secp384r1, ec::Curve::P384, 48),
        (Curve::Secp521r1, ec::Curve::P521, 66),
    ];
    for (curve, outside, length) in curves {
        let derives = flags(&[AttributeName::Derive]);
        let (public, private) = lab.generate_pair(at, PairKind::Ec(curve.into()), Vec::new(), derives);
        let peer = PrivateKey::generate(outside).unwrap();
        let theirs = peer.agree(&ec::PublicKey::from_spki(&public.public_key).unwrap()).unwrap();
        assert_eq!(theirs.expose().len(), length);
        let point = peer.public_key().to_point().unwrap();
        for at in [at, there] {
            match lab.run(at, agree(private.key, &point)).unwrap() {
                Some(Answered::Output(output)) => assert_eq!(&output.data, theirs.expose()),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn not_every_key_and_not_every_point_does() {
    let mut lab = Lab::with_users(2);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let pair = PairKind::Ec(Curve::Secp256r1.into());
    let derives = || flags(&[AttributeName::Derive]);
    let (public, private) = lab.generate_pair(at, pair.clone(), derives(), derives());
    let point = PrivateKey::generate(ec::Curve::P256).unwrap().public_key().to_point().unwrap();

    // Points of another curve, off the curve, none at all.
    let other = PrivateKey::generate(ec::Curve::P384).unwrap().public_key().to_point().unwrap();
    let mut off = point.clone();
    off[64] ^= 1;
    for wrong in [&other[..], &off, &[0], &[]] {
        assert_eq!(code(lab.run(at, agree(private.key, wrong))), FailureCode::InvalidData);
    }
    // The public half, a pair that signs only, a symmetric key, a pair of another kind.
    assert_eq!(code(lab.run(at, agree(public.key, &point))), FailureCode::KeyForbids);
    let (_, signing) = lab.generate_pair(at, pair, Vec::new(), flags(&[AttributeName::Sign]));
    assert_eq!(code(lab.run(at, agree(signing.key, &point))), FailureCode::KeyForbids);
    let aes = lab.generate_aes(at, derives()).key;
    assert_eq!(code(lab.run(at, agree(aes, &point))), FailureCode::InvalidMechanism);
    // Somebody else's key, until it is shared.
    let other = lab.log_in(0, "cu2", Role::CryptoUser);
    assert_eq!(code(lab.run(other, agree(private.key, &point))), FailureCode::NoSuchKey);
    let share = ShareKey { key: private.key, username: "cu2".to_owned() };
    lab.run(at, Command::ShareKey(share)).unwrap();
    lab.run(other, agree(private.key, &point)).unwrap();
}

/// Its use is a use like signing, and asks for the same approvals.
#[test]
fn a_key_with_a_quorum_agrees_on_nothing_without_approvals() {
    let mut lab = Lab::with_users(2);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let made = lab.run(
        at,
        Command::GenerateKeyPair(GenerateKeyPair {
            kind: Some(PairKind::Ec(Curve::Secp256r1.into())),
            public_template: None,
            private_template: template(flags(&[AttributeName::Derive])),
            share_with: vec!["cu2".to_owned()],
            quorum: Some(KeyQuorum { manage: 0, usage: 2 }),
        }),
    );
    let Some(Answered::KeyPair(pair)) = made.unwrap() else { panic!("no pair") };
    let key = pair.private.unwrap().key;
    let point = PrivateKey::generate(ec::Curve::P256).unwrap().public_key().to_point().unwrap();
    assert_eq!(code(lab.run(at, agree(key, &point))), FailureCode::QuorumRequired);
    assert_eq!(code(lab.run(at, agree(key, &[0]))), FailureCode::QuorumRequired, "not even a wrong point");
}
