//! A node's threads at once: log-ins, keys, users, searches, connections that come and go. Changes are made one
//! after the other, as the writer of a node makes them.

use std::sync::Mutex;

use strongroom_hsm_core::{Hsm, Now, Outcome, Peer};
use strongroom_hsm_proto::command::{
    self, Call, Command, DeleteKey, Failure, FindKeys, GenerateToken, ListTokens, ListUsers, Login, Logout,
    OpenSession, QuorumService, Result as Answered, Role, ShareKey, UnshareKey,
};

use crate::lab::{At, Lab, PASSWORD, create_user, flag, generate_aes};
use crate::users::delete_user;

const ROUNDS: usize = 40;

struct Node<'a> {
    hsm: &'a Hsm,
    now: Now,
    writer: Mutex<()>,
}

impl Node<'_> {
    fn run(&self, at: At, command: Command) -> Result<Option<Answered>, Failure> {
        let call = Call { session: at.session, command: Some(command), ..Call::default() };
        let mut outcome = self.hsm.execute(at.connection, &call, self.now);
        loop {
            let planned = match outcome {
                Outcome::Done(reply) => return Ok(reply.result),
                Outcome::Refused(failure) => return Err(failure),
                Outcome::Change(planned) => planned,
            };
            let writing = self.writer.lock().unwrap();
            if self.hsm.still_holds(&planned, &[]) {
                self.hsm.apply(&planned.effects, self.now).unwrap();
                let answer = planned.answer.clone();
                self.hsm.settle(planned, None, self.now);
                return match answer {
                    command::Outcome::Reply(reply) => Ok(reply.result),
                    command::Outcome::Failure(failure) => Err(failure),
                };
            }
            drop(writing);
            outcome = self.hsm.execute(at.connection, &call, self.now);
        }
    }

    fn log_in(&self, name: &str, role: Role) -> Option<At> {
        let connection = self.hsm.connect(Peer::default());
        let at = At { hsm: 0, connection, session: 0 };
        let Ok(Some(Answered::Session(opened))) = self.run(at, Command::OpenSession(OpenSession {})) else {
            return None;
        };
        let at = At { session: opened.session, ..at };
        let login = Login { username: name.to_owned(), role: role.into(), password: PASSWORD.to_owned() };
        self.run(at, Command::Login(login)).ok()?;
        Some(at)
    }

    /// Makes keys, shares them with whoever comes and goes, and deletes them.
    fn keys(&self, name: &str) {
        let at = self.log_in(name, Role::CryptoUser).unwrap();
        for round in 0..ROUNDS {
            let of_session = round % 3 == 0;
            let attributes = vec![flag(command::AttributeName::Token, !of_session)];
            let Ok(Some(Answered::Key(key))) = self.run(at, generate_aes(attributes)) else { panic!() };
            let with = || "guest".to_owned();
            // The guest is there or not.
            self.run(at, Command::ShareKey(ShareKey { key: key.key, username: with() })).ok();
            self.run(at, Command::FindKeys(FindKeys { filter: None, after: 0, most: 50 })).unwrap();
            self.run(at, Command::UnshareKey(UnshareKey { key: key.key, username: with() })).ok();
            if round % 2 == 0 {
                self.run(at, Command::DeleteKey(DeleteKey { key: key.key })).unwrap();
            }
        }
    }

    /// A guest is made, logs in, and goes again.
    fn guests(&self) {
        let admin = self.log_in("admin", Role::Admin).unwrap();
        for _ in 0..ROUNDS / 8 {
            self.run(admin, create_user("guest", Role::CryptoUser, PASSWORD)).unwrap();
            let guest = self.log_in("guest", Role::CryptoUser).unwrap();
            self.run(guest, generate_aes(vec![flag(command::AttributeName::Token, false)])).unwrap();
            self.run(guest, Command::Logout(Logout {})).unwrap();
            self.hsm.disconnect(guest.connection, self.now);
            self.run(admin, delete_user("guest", Role::CryptoUser)).unwrap();
        }
    }

    fn tokens(&self) {
        let service = QuorumService::User.into();
        for _ in 0..ROUNDS / 8 {
            let at = self.log_in("officer1", Role::Admin).unwrap();
            for _ in 0..20 {
                self.run(at, Command::GenerateToken(GenerateToken { service, key: 0 })).unwrap();
                self.run(at, Command::ListTokens(ListTokens {})).unwrap();
                self.run(at, Command::ListUsers(ListUsers {})).unwrap();
            }
            self.hsm.disconnect(at.connection, self.now);
        }
    }
}

#[test]
fn everything_at_once_leaves_a_whole_state() {
    let lab = Lab::with_users(1);
    let node = Node { hsm: &lab.hsms[0], now: lab.now, writer: Mutex::new(()) };
    std::thread::scope(|threads| {
        for name in ["cu1", "cu2", "cu3"] {
            let node = &node;
            threads.spawn(move || node.keys(name));
        }
        threads.spawn(|| node.guests());
        threads.spawn(|| node.tokens());
        threads.spawn(|| {
            for _ in 0..ROUNDS {
                let _ = (node.hsm.digest(), node.hsm.unsaved_local(), node.hsm.unsaved_audit());
                node.hsm.audit_stored(u64::MAX);
                let _ = (node.hsm.unwelcome(), node.hsm.occupancy());
            }
        });
    });
    let hsm = &lab.hsms[0];
    let occupancy = hsm.occupancy();
    // Of 40 keys of each, 14 were of the session; of the other 26, half is there.
    assert_eq!(occupancy.token_keys, 3 * 13);
    let admin = node.log_in("admin", Role::Admin).unwrap();
    let all = FindKeys { filter: None, after: 0, most: 100 };
    let Ok(Some(Answered::Found(found))) = node.run(admin, Command::FindKeys(all)) else { panic!() };
    let show = command::ShowKeys { keys: found.keys };
    let Ok(Some(Answered::Keys(list))) = node.run(admin, Command::ShowKeys(show)) else { panic!() };
    assert!(list.keys.iter().all(|key| key.shared_with.is_empty()), "the guest is gone");
    let snapshot = hsm.snapshot();
    hsm.load(&snapshot).unwrap();
    assert_eq!(hsm.snapshot(), snapshot);
}
