//! From a new cluster to a signature.

use strongroom_crypto::digest::sha256;
use strongroom_crypto::ec;
use strongroom_hsm_proto::command::{Activate, Command, FailureCode, HsmInfo, Role};

use crate::client::{
    cluster, create_user, credentials, generate_signing_pair, options, output, pair, sign, usernames,
};
use crate::rig::{PASSWORD, Rig};

#[test]
fn from_activation_to_a_signature() {
    let rig = Rig::founded(2);
    let mut admin = cluster(options(&rig));
    assert_eq!(usernames(&mut admin), ["admin", "app_user"]);
    admin.call(Command::Activate(Activate { password: PASSWORD.to_owned() })).unwrap();
    let again = admin.call(Command::Activate(Activate { password: PASSWORD.to_owned() })).unwrap_err();
    assert_eq!(again.code(), Some(FailureCode::WrongState));
    admin.login(credentials("admin", Role::Admin)).unwrap();
    admin.call(create_user("alice")).unwrap();
    assert_eq!(admin.user(), Some(("admin", Role::Admin)));
    assert_eq!(admin.cluster_id(), Some("cluster-rigrigrigri"));

    let mut alice = cluster(options(&rig));
    alice.login(credentials("alice", Role::CryptoUser)).unwrap();
    let (public, private) = pair(alice.call(generate_signing_pair(true)).unwrap());
    let key = ec::PublicKey::from_spki(&public.public_key).unwrap();
    for message in [b"one".as_slice(), b"two", b"three"] {
        let signature = output(alice.call(sign(private.key, message)).unwrap());
        key.verify_digest(&sha256(message), &signature).unwrap();
    }
    let infos = alice.call_each(&Command::HsmInfo(HsmInfo {})).unwrap();
    let mut ids: Vec<_> = infos.into_iter().map(|answer| (answer.hsm_id, answer.result.is_ok())).collect();
    ids.sort();
    assert_eq!(ids, [("hsm-00000000000".to_owned(), true), ("hsm-00000000001".to_owned(), true)]);
}

#[test]
fn calls_are_spread_over_all_hsms() {
    let rig = Rig::activated(3);
    let mut alice = crate::client::logged_in(options(&rig), "cu1", Role::CryptoUser);
    let (_, private) = pair(alice.call(generate_signing_pair(true)).unwrap());
    let before = rig.calls();
    for _ in 0..30 {
        alice.call(sign(private.key, b"x")).unwrap();
    }
    let calls: Vec<_> = rig.calls().iter().zip(before).map(|(after, before)| after - before).collect();
    assert!(calls.iter().all(|calls| *calls >= 9), "{calls:?}");
}
