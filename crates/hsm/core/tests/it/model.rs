//! Random commands on users and keys, against a model that is small enough to be right.

use std::collections::BTreeSet;

use proptest::prelude::*;
use strongroom_hsm_proto::command::{
    AttributeName, Command, DeleteKey, Encrypt, FailureCode, Mechanism, MechanismKind, Role, SetAttribute,
    ShareKey, UnshareKey,
};

use crate::keys::find;
use crate::lab::{At, CRYPTO_USERS, Lab, code, create_user, flag, generate_aes, key};
use crate::users::delete_user;

/// Users that come and go. They never log in: log-ins take time, and `users` is about them.
const VISITORS: [&str; 3] = ["visitor1", "visitor2", "visitor3"];

#[derive(Clone, Debug)]
enum Step {
    Create(usize),
    DeleteVisitor(usize),
    DeleteOwner(usize),
    Generate { user: usize, encrypt: bool },
    Delete { user: usize, key: usize },
    Share { user: usize, key: usize, with: usize },
    Unshare { user: usize, key: usize, with: usize },
    Allow { user: usize, key: usize, encrypt: bool },
    Use { user: usize, key: usize },
    Find { user: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let (user, key, with) = (0..3_usize, 0..6_usize, 0..6_usize);
    prop_oneof![
        1 => (0..3_usize).prop_map(Step::Create),
        2 => (0..3_usize).prop_map(Step::DeleteVisitor),
        1 => (0..3_usize).prop_map(Step::DeleteOwner),
        3 => (user.clone(), any::<bool>()).prop_map(|(user, encrypt)| Step::Generate { user, encrypt }),
        2 => (user.clone(), key.clone()).prop_map(|(user, key)| Step::Delete { user, key }),
        3 => (user.clone(), key.clone(), with.clone())
            .prop_map(|(user, key, with)| Step::Share { user, key, with }),
        2 => (user.clone(), key.clone(), with).prop_map(|(user, key, with)| Step::Unshare { user, key, with }),
        2 => (user.clone(), key.clone(), any::<bool>())
            .prop_map(|(user, key, encrypt)| Step::Allow { user, key, encrypt }),
        4 => (user.clone(), key).prop_map(|(user, key)| Step::Use { user, key }),
        2 => user.prop_map(|user| Step::Find { user }),
    ]
}

struct ModelKey {
    handle: u64,
    owner: usize,
    shared_with: BTreeSet<&'static str>,
    encrypt: bool,
}

#[derive(Default)]
struct Model {
    visitors: BTreeSet<&'static str>,
    keys: Vec<ModelKey>,
    gone: BTreeSet<u64>,
}

impl ModelKey {
    fn is_seen_by(&self, user: usize) -> bool {
        self.owner == user || self.shared_with.contains(CRYPTO_USERS[user])
    }

    /// What a command of the owner is refused for, if `user` sends it.
    fn refusal_for_owner(&self, user: usize) -> Option<FailureCode> {
        match (self.owner == user, self.is_seen_by(user)) {
            (true, _) => None,
            (false, true) => Some(FailureCode::Forbidden),
            (false, false) => Some(FailureCode::NoSuchKey),
        }
    }
}

fn name(with: usize) -> &'static str {
    [CRYPTO_USERS, VISITORS].concat()[with]
}

#[expect(clippy::too_many_lines, reason = "a short paragraph for each step")]
fn run(steps: Vec<Step>) {
    let mut lab = Lab::with_users(2);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let sessions: Vec<[At; 2]> =
        CRYPTO_USERS.iter().map(|name| [0, 1].map(|hsm| lab.log_in(hsm, name, Role::CryptoUser))).collect();
    let mut model = Model::default();
    for (count, step) in steps.into_iter().enumerate() {
        // Now on the one HSM, now on the other.
        let at = |user: usize| sessions[user][count % 2];
        let (got, expected) = match step {
            Step::Create(visitor) => {
                let exists = !model.visitors.insert(VISITORS[visitor]);
                let command = create_user(VISITORS[visitor], Role::CryptoUser, crate::lab::PASSWORD);
                (lab.run(admin, command), exists.then_some(FailureCode::UserExists))
            }
            Step::DeleteVisitor(visitor) => {
                let existed = model.visitors.remove(VISITORS[visitor]);
                for key in &mut model.keys {
                    key.shared_with.remove(VISITORS[visitor]);
                }
                let command = delete_user(VISITORS[visitor], Role::CryptoUser);
                (lab.run(admin, command), (!existed).then_some(FailureCode::NoSuchUser))
            }
            Step::DeleteOwner(user) => {
                // They are logged in, whether they own keys or not.
                let command = delete_user(CRYPTO_USERS[user], Role::CryptoUser);
                (lab.run(admin, command), Some(FailureCode::InUse))
            }
            Step::Generate { user, encrypt } => {
                let made = lab.run(at(user), generate_aes(vec![flag(AttributeName::Encrypt, encrypt)]));
                let handle = key(made.clone()).key;
                assert!(!model.gone.contains(&handle), "a handle comes once");
                model.keys.push(ModelKey { handle, owner: user, shared_with: BTreeSet::new(), encrypt });
                (made, None)
            }
            Step::Find { user } => {
                let found = find(&mut lab, at(user), Vec::new());
                let mut expected: Vec<_> =
                    model.keys.iter().filter(|key| key.is_seen_by(user)).map(|key| key.handle).collect();
                expected.sort_unstable();
                assert_eq!(found, expected);
                continue;
            }
            Step::Delete { key, .. }
            | Step::Share { key, .. }
            | Step::Unshare { key, .. }
            | Step::Allow { key, .. }
            | Step::Use { key, .. }
                if key >= model.keys.len() =>
            {
                continue;
            }
            Step::Delete { user, key } => {
                let handle = model.keys[key].handle;
                let expected = model.keys[key].refusal_for_owner(user);
                if expected.is_none() {
                    model.gone.insert(model.keys.remove(key).handle);
                }
                (lab.run(at(user), Command::DeleteKey(DeleteKey { key: handle })), expected)
            }
            Step::Share { user, key, with } => {
                let there = with < 3 || model.visitors.contains(name(with));
                let found = &model.keys[key];
                let refusal = found.refusal_for_owner(user);
                let expected = refusal.or(if !there {
                    Some(FailureCode::NoSuchUser)
                } else if found.owner == with || found.shared_with.contains(name(with)) {
                    Some(FailureCode::InvalidRequest)
                } else {
                    None
                });
                let handle = found.handle;
                if expected.is_none() {
                    model.keys[key].shared_with.insert(name(with));
                }
                let command = ShareKey { key: handle, username: name(with).to_owned() };
                (lab.run(at(user), Command::ShareKey(command)), expected)
            }
            Step::Unshare { user, key, with } => {
                let there = with < 3 || model.visitors.contains(name(with));
                let found = &model.keys[key];
                let refusal = found.refusal_for_owner(user);
                let expected = refusal.or(if !there {
                    Some(FailureCode::NoSuchUser)
                } else if found.shared_with.contains(name(with)) {
                    None
                } else {
                    Some(FailureCode::InvalidRequest)
                });
                let handle = found.handle;
                if expected.is_none() {
                    model.keys[key].shared_with.remove(name(with));
                }
                let command = UnshareKey { key: handle, username: name(with).to_owned() };
                (lab.run(at(user), Command::UnshareKey(command)), expected)
            }
            Step::Allow { user, key, encrypt } => {
                let expected = model.keys[key].refusal_for_owner(user);
                if expected.is_none() {
                    model.keys[key].encrypt = encrypt;
                }
                let command = SetAttribute {
                    key: model.keys[key].handle,
                    attribute: Some(flag(AttributeName::Encrypt, encrypt)),
                };
                (lab.run(at(user), Command::SetAttribute(command)), expected)
            }
            Step::Use { user, key } => {
                let found = &model.keys[key];
                let expected = match (found.is_seen_by(user), found.encrypt) {
                    (false, _) => Some(FailureCode::NoSuchKey),
                    (true, false) => Some(FailureCode::KeyForbids),
                    (true, true) => None,
                };
                let mechanism =
                    Some(Mechanism { kind: MechanismKind::AesGcm.into(), ..Mechanism::default() });
                let command = Encrypt { key: found.handle, mechanism, data: b"data".to_vec() };
                (lab.run(at(user), Command::Encrypt(command)), expected)
            }
        };
        match expected {
            None => assert!(got.is_ok(), "{got:?}"),
            Some(expected) => assert_eq!(code(got), expected),
        }
    }
    lab.all_agree();
    let snapshot = lab.hsms[1].snapshot();
    lab.hsms[0].load(&snapshot).unwrap();
    assert_eq!(lab.hsms[0].snapshot(), snapshot);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_hsm_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..80)) {
        run(steps);
    }
}
