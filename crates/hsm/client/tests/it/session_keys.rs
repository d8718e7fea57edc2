//! Session keys stay at their HSM.

use strongroom_hsm_client::ClientError;
use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, Command, FindKeys, Result as Done, Role, SetAttribute,
};

use crate::client::{generate_signing_pair, logged_in, options, pair, sign};
use crate::rig::Rig;

fn found(cluster: &mut strongroom_hsm_client::Cluster) -> Vec<u64> {
    let find = FindKeys { filter: None, after: 0, most: 100 };
    match cluster.call(Command::FindKeys(find)).unwrap().result {
        Some(Done::Found(found)) => found.keys,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_s_keys_are_at_one_hsm_and_every_call_finds_them() {
    let rig = Rig::activated(3);
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    let pairs: Vec<_> = (0..4).map(|_| pair(alice.call(generate_signing_pair(false)).unwrap())).collect();
    let before = rig.calls();
    for (_, private) in &pairs {
        assert!(private.of_session);
        alice.call(sign(private.key, b"x")).unwrap();
    }
    let asked = rig.calls().iter().zip(before).filter(|(after, before)| *after > before).count();
    assert_eq!(asked, 1);
    let keys = found(&mut alice);
    assert!(pairs.iter().all(|(public, private)| keys.contains(&public.key) && keys.contains(&private.key)));

    let mut other = logged_in(options(&rig), "cu1", Role::CryptoUser);
    assert_eq!(found(&mut other), [0; 0]);
    alice.logout().unwrap();
    alice.login(crate::client::credentials("cu1", Role::CryptoUser)).unwrap();
    assert_eq!(found(&mut alice), [0; 0]);
}

#[test]
fn a_session_key_that_is_gone_with_its_hsm_is_told_so() {
    let rig = Rig::activated(1);
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    let (_, private) = pair(alice.call(generate_signing_pair(false)).unwrap());
    rig.nodes[0].kill();
    rig.nodes[0].revive();
    // The first call notices; whatever it is told, later ones are told what has happened.
    let _ = alice.call(sign(private.key, b"x"));
    let error = alice.call(sign(private.key, b"x")).unwrap_err();
    assert!(matches!(error, ClientError::SessionKeyLost(_)), "{error}");
    let (_, fresh) = pair(alice.call(generate_signing_pair(false)).unwrap());
    alice.call(sign(fresh.key, b"x")).unwrap();
}

#[test]
fn a_session_key_that_becomes_a_token_key_is_free() {
    let rig = Rig::activated(2);
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    let (_, private) = pair(alice.call(generate_signing_pair(false)).unwrap());
    let attribute = Attribute { name: AttributeName::Token.into(), value: Some(AttributeValue::Flag(true)) };
    let set = SetAttribute { key: private.key, attribute: Some(attribute) };
    alice.call(Command::SetAttribute(set)).unwrap();
    let before = rig.calls();
    for _ in 0..4 {
        alice.call(sign(private.key, b"x")).unwrap();
    }
    assert!(rig.calls().iter().zip(before).all(|(after, before)| *after > before), "both HSMs are asked");
}
