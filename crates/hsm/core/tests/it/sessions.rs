//! Sessions and their keys: whose they are, how many, and what happens to them at the same time.

use strongroom_hsm_core::{Mode, Options, Outcome};
use strongroom_hsm_proto::command::{
    AttributeName, AttributeValue, CloseSession, Command, Curve, DeleteUser, FailureCode, GenerateKey,
    GenerateKeyPair, KeyType, Logout, PairKind, Result as Answered, Role, SetAttribute, ShowKeys,
};

use crate::keys::find;
use crate::lab::{At, Lab, PASSWORD, code, flag, generate_aes, key, template, value};

fn session_key(lab: &mut Lab, at: At) -> u64 {
    key(lab.run(at, generate_aes(vec![flag(AttributeName::Token, false)]))).key
}

fn set(key: u64, name: AttributeName, on: bool) -> Command {
    Command::SetAttribute(SetAttribute { key, attribute: Some(flag(name, on)) })
}

fn is(lab: &mut Lab, at: At, key: u64, name: AttributeName) -> bool {
    match lab.run(at, Command::ShowKeys(ShowKeys { keys: vec![key] })) {
        Ok(Some(Answered::Keys(list))) => value(&list.keys[0], name) == Some(AttributeValue::Flag(true)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_forbidden_to_a_session_key_is_not_lost_while_it_becomes_a_token_key() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let made = session_key(&mut lab, at);
    let promote = || set(made, AttributeName::Token, true);
    let Outcome::Change(planned) = lab.execute(at, promote(), Vec::new()) else { panic!("it is a change") };
    let restrict = || set(made, AttributeName::Extractable, false);
    assert_eq!(code(lab.run(at, restrict())), FailureCode::Busy);
    // It is planned again while the first plan is still there.
    let Outcome::Change(again) = lab.execute(at, promote(), Vec::new()) else { panic!("it is a change") };
    drop(planned);
    assert_eq!(code(lab.run(at, restrict())), FailureCode::Busy);
    drop(again);
    lab.run(at, restrict()).unwrap();
    lab.run(at, promote()).unwrap();
    assert!(is(&mut lab, at, made, AttributeName::Token));
    assert!(!is(&mut lab, at, made, AttributeName::Extractable));
}

#[test]
fn of_two_changes_of_a_session_key_none_is_lost() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    for _ in 0..200 {
        let made = session_key(&mut lab, at);
        let changes = [(AttributeName::Extractable, false), (AttributeName::Wrap, true)];
        std::thread::scope(|scope| {
            for (name, on) in changes {
                let lab = &lab;
                scope.spawn(move || {
                    let done = lab.execute(at, set(made, name, on), Vec::new());
                    assert!(matches!(done, Outcome::Done(_)), "{done:?}");
                });
            }
        });
        for (name, on) in changes {
            assert_eq!(is(&mut lab, at, made, name), on);
        }
        lab.run(at, Command::DeleteKey(strongroom_hsm_proto::command::DeleteKey { key: made })).unwrap();
        lab.hsms[0].audit_stored(u64::MAX);
    }
}

#[test]
fn a_session_key_is_its_owners_although_another_has_logged_in_meanwhile() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    // One half is a token key, so that the pair waits for the log.
    let pair = GenerateKeyPair {
        kind: Some(PairKind::Ec(Curve::Secp256r1.into())),
        public_template: template(Vec::new()),
        private_template: template(vec![flag(AttributeName::Token, false)]),
        ..GenerateKeyPair::default()
    };
    let planned = lab.execute(at, Command::GenerateKeyPair(pair), Vec::new());
    let Outcome::Change(planned) = planned else { panic!("{planned:?}") };
    lab.run(at, Command::Logout(Logout {})).unwrap();
    lab.try_log_in(at, "cu2", Role::CryptoUser, PASSWORD).unwrap();
    lab.commit(0, planned).unwrap();
    assert_eq!(lab.hsms[0].occupancy().session_keys, 0);
    assert_eq!(find(&mut lab, at, Vec::new()).len(), 1, "the public key is everybody's");
}

#[test]
fn session_keys_of_all_sessions_are_counted() {
    let mut options = Options::new(Mode::NonFips);
    options.most_session_keys_in_all = 3;
    let mut lab = Lab::with_options(1, &options);
    let (one, other) = (lab.log_in(0, "cu1", Role::CryptoUser), lab.log_in(0, "cu2", Role::CryptoUser));
    let first = session_key(&mut lab, one);
    session_key(&mut lab, one);
    session_key(&mut lab, other);
    let more = || generate_aes(vec![flag(AttributeName::Token, false)]);
    assert_eq!(code(lab.run(other, more())), FailureCode::LimitExceeded);
    // A changed key takes no more room, one that became a token key none.
    lab.run(one, set(first, AttributeName::Wrap, true)).unwrap();
    assert_eq!(code(lab.run(other, more())), FailureCode::LimitExceeded);
    lab.run(one, set(first, AttributeName::Token, true)).unwrap();
    session_key(&mut lab, other);
    assert_eq!(code(lab.run(other, more())), FailureCode::LimitExceeded);
    lab.run(other, Command::CloseSession(CloseSession {})).unwrap();
    session_key(&mut lab, one);
    session_key(&mut lab, one);
    assert_eq!(code(lab.run(one, more())), FailureCode::LimitExceeded);
}

#[test]
fn sessions_of_one_user_are_counted() {
    let mut options = Options::new(Mode::NonFips);
    options.most_sessions_of_user = 2;
    let mut lab = Lab::with_options(1, &options);
    let first = lab.log_in(0, "cu1", Role::CryptoUser);
    lab.log_in(0, "cu1", Role::CryptoUser);
    let third = lab.open(0);
    let refused = lab.try_log_in(third, "cu1", Role::CryptoUser, PASSWORD);
    assert_eq!(code(refused), FailureCode::LimitExceeded);
    lab.try_log_in(third, "cu2", Role::CryptoUser, PASSWORD).unwrap();
    lab.run(first, Command::Logout(Logout {})).unwrap();
    lab.log_in(0, "cu1", Role::CryptoUser);
}

#[test]
fn a_session_key_is_not_shared_with_whoever_comes_after_under_the_name() {
    let mut lab = Lab::with_users(1);
    let owner = lab.log_in(0, "cu1", Role::CryptoUser);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let made = key(lab.run(
        owner,
        Command::GenerateKey(GenerateKey {
            key_type: KeyType::Aes.into(),
            length: 32,
            template: template(vec![flag(AttributeName::Token, false)]),
            share_with: vec!["cu2".to_owned()],
            ..GenerateKey::default()
        }),
    ));
    let delete = DeleteUser { username: "cu2".to_owned(), role: Role::CryptoUser.into() };
    lab.run(admin, Command::DeleteUser(delete)).unwrap();
    lab.create_user(admin, "cu2", Role::CryptoUser).unwrap();
    lab.run(owner, set(made.key, AttributeName::Token, true)).unwrap();
    let namesake = lab.log_in(0, "cu2", Role::CryptoUser);
    assert!(find(&mut lab, namesake, Vec::new()).is_empty());
}
