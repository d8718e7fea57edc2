//! Keys that come from clones, and what they must not bring back.

use strongroom_hsm_proto::command::{
    AttributeName, AttributeValue, Command, DeleteKey, ExportKey, Failure, FailureCode, GenerateKey,
    ImportKey, KeyDescription, KeyQuorum, KeyType, Result as Answered, Role, SetAttribute,
};

use crate::lab::{At, Lab, code, flag, key, value};

pub(crate) fn export(lab: &mut Lab, at: At, key: u64) -> Vec<u8> {
    match lab.run(at, Command::ExportKey(ExportKey { key })) {
        Ok(Some(Answered::Exported(exported))) => exported.sealed,
        other => panic!("{other:?}"),
    }
}

fn import(lab: &mut Lab, at: At, sealed: &[u8]) -> Result<Option<Answered>, Failure> {
    lab.run(at, Command::ImportKey(ImportKey { sealed: sealed.to_vec() }))
}

fn set(lab: &mut Lab, at: At, key: u64, name: AttributeName, on: bool) {
    let attribute = Some(flag(name, on));
    lab.run(at, Command::SetAttribute(SetAttribute { key, attribute })).unwrap();
}

fn is(key: &KeyDescription, name: AttributeName) -> bool {
    value(key, name) == Some(AttributeValue::Flag(true))
}

#[test]
fn a_key_does_not_come_back_as_it_was_once() {
    let mut lab = Lab::with_users(2);
    let mut clone = lab.clone_as("cluster-clone");
    let (owner, there) = (lab.log_in(0, "cu1", Role::CryptoUser), clone.log_in(0, "cu1", Role::CryptoUser));
    let made = lab.generate_aes(owner, Vec::new()).key;
    let first = export(&mut lab, owner, made);
    key(import(&mut clone, there, &first));
    let second = export(&mut clone, there, made);
    set(&mut lab, owner, made, AttributeName::Extractable, false);
    assert_eq!(code(import(&mut lab, owner, &first)), FailureCode::InvalidRequest);
    assert_eq!(code(import(&mut lab, owner, &second)), FailureCode::InUse);
    lab.run(owner, Command::DeleteKey(DeleteKey { key: made })).unwrap();
    let admin = lab.log_in(0, "admin", Role::Admin);
    let elsewhere = lab.log_in(1, "cu1", Role::CryptoUser);
    let snapshot = lab.hsms[0].snapshot();
    lab.hsms[0].load(&snapshot).unwrap();
    for at in [owner, admin, elsewhere] {
        assert_eq!(code(import(&mut lab, at, &first)), FailureCode::InvalidRequest);
        assert_eq!(code(import(&mut lab, at, &second)), FailureCode::KeyForbids);
    }
    lab.all_agree();
}

#[test]
fn a_copy_is_trusted_only_if_an_admin_brings_it() {
    let mut lab = Lab::with_users(1);
    let (mut one, mut other) = (lab.clone_as("cluster-one"), lab.clone_as("cluster-other"));
    let owner = lab.log_in(0, "cu1", Role::CryptoUser);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let made = lab.generate_aes(owner, Vec::new()).key;
    set(&mut lab, admin, made, AttributeName::Trusted, true);
    let sealed = export(&mut lab, owner, made);
    let there = one.log_in(0, "cu1", Role::CryptoUser);
    assert!(!is(&key(import(&mut one, there, &sealed)), AttributeName::Trusted));
    let there = other.log_in(0, "admin", Role::Admin);
    assert!(is(&key(import(&mut other, there, &sealed)), AttributeName::Trusted));
}

#[test]
fn a_key_whose_management_is_approved_is_not_copied_without() {
    let mut lab = Lab::with_users(1);
    let owner = lab.log_in(0, "cu1", Role::CryptoUser);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let command = GenerateKey {
        key_type: KeyType::Aes.into(),
        length: 32,
        share_with: vec!["cu2".to_owned()],
        quorum: Some(KeyQuorum { manage: 2, usage: 0 }),
        ..GenerateKey::default()
    };
    let made = key(lab.run(owner, Command::GenerateKey(command))).key;
    for at in [owner, admin] {
        let refused = lab.run(at, Command::ExportKey(ExportKey { key: made }));
        assert_eq!(code(refused), FailureCode::QuorumRequired);
    }
}
