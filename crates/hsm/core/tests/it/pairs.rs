//! Changes that are planned at the same time: every pair of a pool. If the second plan is said to hold behind the
//! first, then it is no other than what would have been planned after the first.

use strongroom_hsm_core::{Mode, Options, Outcome, Planned};
use strongroom_hsm_proto::command::{
    AttributeName, ChangePassword, Command, DeleteKey, DeregisterTrustAnchor, FindKeys, KeyQuorum, KeyType,
    ListQuorumValues, ListUsers, QuorumService, RegisterTrustAnchor, Result as Answered, Role, SetAttribute,
    SetQuorumValue, SetTokenTimeout, ShareKey, UnshareKey,
};

use crate::lab::{At, Lab, PASSWORD, create_user, flag, generate_aes, key, label};
use crate::users::delete_user;

struct Bench {
    lab: Lab,
    base: Vec<u8>,
    pool: Vec<(&'static str, At, Command)>,
}

fn change_password(name: &str) -> Command {
    Command::ChangePassword(ChangePassword {
        username: name.to_owned(),
        role: Role::CryptoUser.into(),
        password: "another one".to_owned(),
        deregister_mfa: false,
        deregister_quorum: false,
    })
}

fn set(key: u64, name: AttributeName, on: bool) -> Command {
    Command::SetAttribute(SetAttribute { key, attribute: Some(flag(name, on)) })
}

fn quorum_value(service: QuorumService, value: u32) -> Command {
    Command::SetQuorumValue(SetQuorumValue { service: service.into(), value })
}

fn share(key: u64, with: &str) -> Command {
    Command::ShareKey(ShareKey { key, username: with.to_owned() })
}

fn unshare(key: u64, with: &str) -> Command {
    Command::UnshareKey(UnshareKey { key, username: with.to_owned() })
}

impl Bench {
    /// A cluster with room for one user and two keys more, one key with a quorum, one anchor.
    fn new() -> Self {
        let mut options = Options::new(Mode::NonFips);
        options.most_users = 9;
        options.most_keys = 6;
        let mut lab = Lab::with_options(1, &options);
        let admin = lab.log_in(0, "admin", Role::Admin);
        let owner = lab.log_in(0, "cu1", Role::CryptoUser);
        let visitor = "visitor";
        lab.create_user(admin, visitor, Role::CryptoUser).unwrap();
        let one = lab.generate_aes(owner, vec![label("one")]).key;
        let shared = lab.generate_aes(owner, Vec::new()).key;
        lab.run(owner, share(shared, visitor)).unwrap();
        let quorum = strongroom_hsm_proto::command::GenerateKey {
            key_type: KeyType::Aes.into(),
            length: 16,
            share_with: vec!["cu2".to_owned(), "cu3".to_owned()],
            quorum: Some(KeyQuorum { manage: 0, usage: 2 }),
            ..Default::default()
        };
        let quorum = key(lab.run(owner, Command::GenerateKey(quorum))).key;
        let of_visitor = {
            let at = lab.log_in(0, visitor, Role::CryptoUser);
            let made = lab.generate_aes(at, Vec::new()).key;
            lab.run(at, Command::Logout(strongroom_hsm_proto::command::Logout {})).unwrap();
            made
        };
        let anchor = include_str!("../../testdata/client-ca.pem").to_owned();
        let anchor = RegisterTrustAnchor { certificate: anchor };
        lab.run(admin, Command::RegisterTrustAnchor(anchor)).unwrap();
        let other = include_str!("../../testdata/client-ca-rsa.pem").to_owned();
        let other = Command::RegisterTrustAnchor(RegisterTrustAnchor { certificate: other });
        let pool = vec![
            ("make a user", admin, create_user("new", Role::CryptoUser, PASSWORD)),
            ("make another", admin, create_user("newer", Role::Admin, PASSWORD)),
            ("change a password", admin, change_password(visitor)),
            ("delete cu2", admin, delete_user("cu2", Role::CryptoUser)),
            ("delete the visitor", admin, delete_user(visitor, Role::CryptoUser)),
            ("delete an admin", admin, delete_user("officer1", Role::Admin)),
            ("delete another admin", admin, delete_user("officer2", Role::Admin)),
            ("quorum of users 2", admin, quorum_value(QuorumService::User, 2)),
            ("quorum of quorums 3", admin, quorum_value(QuorumService::Quorum, 3)),
            ("tokens live longer", admin, {
                Command::SetTokenTimeout(SetTokenTimeout { generated: 900, approved: 0 })
            }),
            ("make a key", owner, generate_aes(Vec::new())),
            ("make a shared key", owner, {
                Command::GenerateKey(strongroom_hsm_proto::command::GenerateKey {
                    key_type: KeyType::Aes.into(),
                    length: 16,
                    share_with: vec![visitor.to_owned()],
                    ..Default::default()
                })
            }),
            ("delete one", owner, Command::DeleteKey(DeleteKey { key: one })),
            ("one may encrypt", owner, set(one, AttributeName::Encrypt, true)),
            ("one stays as it is", owner, set(one, AttributeName::Modifiable, false)),
            ("one stays", owner, set(one, AttributeName::Destroyable, false)),
            ("one is trusted", admin, set(one, AttributeName::Trusted, true)),
            ("share one", owner, share(one, visitor)),
            ("share one with cu2", owner, share(one, "cu2")),
            ("unshare", owner, unshare(shared, visitor)),
            ("unshare the quorum's key", owner, unshare(quorum, "cu2")),
            ("unshare it otherwise", owner, unshare(quorum, "cu3")),
            ("trust another", admin, other),
            ("trust nobody", admin, {
                Command::DeregisterTrustAnchor(DeregisterTrustAnchor { certificate_reference: 1 })
            }),
        ];
        assert_ne!(of_visitor, one);
        let base = lab.hsms[0].snapshot();
        Self { lab, base, pool }
    }

    fn plan(&self, (_, at, command): &(&'static str, At, Command)) -> Option<Planned> {
        match self.lab.execute(*at, command.clone(), Vec::new()) {
            Outcome::Change(planned) => Some(planned),
            Outcome::Done(_) | Outcome::Refused(_) => None,
        }
    }
}

#[test]
fn a_plan_that_holds_is_the_plan_that_would_be_made() {
    let mut bench = Bench::new();
    let pool = std::mem::take(&mut bench.pool);
    let (mut held, mut overtaken) = (0, 0);
    for first in &pool {
        for second in &pool {
            bench.lab.hsms[0].load(&bench.base).unwrap();
            let (Some(one), Some(other)) = (bench.plan(first), bench.plan(second)) else { continue };
            let one = [one];
            if !bench.lab.hsms[0].still_holds(&other, &one) {
                overtaken += 1;
                continue;
            }
            held += 1;
            let [one] = one;
            bench.lab.commit(0, one).unwrap();
            assert!(bench.lab.hsms[0].still_holds(&other, &[]), "{} behind {}", second.0, first.0);
            let again = bench.plan(second);
            assert!(again.is_some(), "{} behind {}: it would be refused", second.0, first.0);
            drop(again);
            bench.lab.commit(0, other).unwrap();
            let snapshot = bench.lab.hsms[0].snapshot();
            bench.lab.hsms[0].load(&snapshot).unwrap();
            bench.invariants(first.0, second.0);
        }
    }
    assert!(held > 100 && overtaken > 60, "{held} {overtaken}");
}

impl Bench {
    /// What must be true in every state.
    fn invariants(&mut self, first: &str, second: &str) {
        let context = format!("{second} behind {first}");
        let admin = self.pool_admin();
        let users = match self.lab.run(admin, Command::ListUsers(ListUsers {})) {
            Ok(Some(Answered::Users(list))) => list.users,
            other => panic!("{other:?}"),
        };
        let there =
            |name: &str| users.iter().any(|user| user.username == name && user.role() == Role::CryptoUser);
        assert!(users.len() <= 9, "{context}");
        let find = FindKeys { filter: None, after: 0, most: 100 };
        let keys = match self.lab.run(admin, Command::FindKeys(find)) {
            Ok(Some(Answered::Found(found))) => found.keys,
            other => panic!("{other:?}"),
        };
        assert!(keys.len() <= 6, "{context}");
        let show = strongroom_hsm_proto::command::ShowKeys { keys };
        let keys = match self.lab.run(admin, Command::ShowKeys(show)) {
            Ok(Some(Answered::Keys(list))) => list.keys,
            other => panic!("{other:?}"),
        };
        for key in keys {
            assert!(there(&key.owner), "{context}");
            assert!(key.shared_with.iter().all(|name| there(name)), "{context}");
        }
        assert!(self.lab.hsms[0].trust_anchors().len() <= 2, "{context}");
        let values = match self.lab.run(admin, Command::ListQuorumValues(ListQuorumValues {})) {
            Ok(Some(Answered::QuorumValues(values))) => values,
            other => panic!("{other:?}"),
        };
        let admins = users.iter().filter(|user| user.role() == Role::Admin).count();
        assert!(values.user.max(values.quorum).max(values.cluster) as usize <= admins, "{context}");
    }

    fn pool_admin(&mut self) -> At {
        let at = self.lab.log_in(0, "admin", Role::Admin);
        self.lab.hsms[0].audit_stored(u64::MAX);
        at
    }
}
