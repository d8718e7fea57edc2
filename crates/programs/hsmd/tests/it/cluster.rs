//! Several HSMs, and those that die and come back.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use strongroom_hsm_proto::command::{
    Call, Command, ConfirmKey, Confirmed, CreateUser, DeleteKey, FailureCode, ListUsers, Outcome,
    Result as Done, Role,
};
use strongroom_hsm_proto::fleet::{HsmAnswer, HsmCall, HsmState, Leave, Peers, Stop};

use crate::client::{Client, code};
use crate::first_use::{Cluster, generate_pair, sign, verifies};
use crate::plane::PATIENCE;

fn has_key(client: &mut Client, key: u64) -> bool {
    match client.ask(Command::ConfirmKey(ConfirmKey { keys: vec![key] })) {
        Ok(Some(Done::Confirmed(Confirmed { there }))) => there,
        other => panic!("{other:?}"),
    }
}

fn users(client: &mut Client) -> Vec<String> {
    match client.ask(Command::ListUsers(ListUsers {})) {
        Ok(Some(Done::Users(list))) => list.users.into_iter().map(|user| user.username).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_second_hsm_joins_and_has_what_the_first_has() {
    let cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    let pair = generate_pair(&mut client);
    let (public, private) = (pair.public.unwrap(), pair.private.unwrap());

    let second = cluster.join("hsm-second");
    let mut other = cluster.user(&second);
    assert_eq!(other.welcome.peers, [cluster.first.address.to_string()]);
    let signature = sign(&mut other, private.key, b"signed by the second");
    assert!(verifies(&cluster.openssl, &public.public_key, b"signed by the second", &signature));

    // What is written on one is there on the other for whoever shows its cursor.
    let later = generate_pair(&mut other).private.unwrap();
    client.cursor = other.cursor.clone();
    assert!(has_key(&mut client, later.key));
    client.ask(Command::DeleteKey(DeleteKey { key: later.key })).unwrap();
    other.cursor = client.cursor.clone();
    assert!(!has_key(&mut other, later.key));

    let answer = cluster
        .plane
        .call("hsm-first", HsmCall::SetPeers(Peers { addresses: vec!["192.0.2.1:2223".into()] }));
    assert!(matches!(answer, HsmAnswer::Done(_)));
    assert_eq!(cluster.client(&cluster.first).welcome.peers, ["192.0.2.1:2223"]);
}

#[test]
fn both_write_at_once_and_nothing_is_lost() {
    let cluster = Cluster::activated();
    let second = cluster.join("hsm-second");
    let writers =
        [cluster.first.address, second.address].into_iter().enumerate().flat_map(|(hsm, address)| {
            let anchor = &cluster.anchor;
            (0..3).map(move |writer| {
                let anchor = anchor.clone();
                thread::spawn(move || {
                    let mut client = Client::connect(address, &anchor);
                    client.log_in("admin", Role::Admin, "admin-password").unwrap();
                    let names: Vec<_> = (0..4).map(|index| format!("user_{hsm}_{writer}_{index}")).collect();
                    for name in &names {
                        client.create_user(name).unwrap();
                    }
                    names
                })
            })
        });
    let writers: Vec<_> = writers.collect();
    let mut made: Vec<_> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    made.extend(["admin", "app_user", "cu1"].map(ToOwned::to_owned));
    made.sort();
    for hsm in [&cluster.first, &second] {
        let mut client = cluster.client(hsm);
        let head = cluster.plane.store(|store| store.head());
        cluster.plane.wait_report(&hsm.id, "all entries", |report| report.sequence >= head);
        let mut there = users(&mut client);
        there.sort();
        assert_eq!(there, made, "{}", hsm.id);
    }
}

#[test]
fn killed_hsms_resume_with_everything_that_was_acknowledged() {
    let mut cluster = Cluster::activated();
    for round in 0..3 {
        let mut client = cluster.user(&cluster.first);
        let pair = generate_pair(&mut client);
        let (public, private) = (pair.public.unwrap(), pair.private.unwrap());
        cluster.first.kill();
        cluster.plane.store(|store| store.forget_report("hsm-first"));
        cluster.first.start();
        cluster
            .plane
            .wait_report("hsm-first", "that it serves again", |report| report.state() == HsmState::Serving);
        let mut client = cluster.user(&cluster.first);
        let message = format!("round {round}");
        let signature = sign(&mut client, private.key, message.as_bytes());
        assert!(verifies(&cluster.openssl, &public.public_key, message.as_bytes(), &signature));
    }
    assert!(cluster.first.log().matches("protections:").count() == 4);
    let audit = cluster.plane.wait("audit records of the third restart", |store| {
        let audit = store.audit("hsm-first");
        audit.iter().any(|record| record.reboot_counter == 3).then(|| audit.to_vec())
    });
    assert!(audit.iter().enumerate().all(|(index, record)| record.sequence == index as u64));
    assert!(audit.iter().all(|record| record.text.starts_with("Time: ")));
}

#[test]
fn without_the_control_plane_cryptography_goes_on_and_changes_fail_fast() {
    let mut cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    let pair = generate_pair(&mut client);
    let (public, private) = (pair.public.unwrap(), pair.private.unwrap());
    cluster.plane.kill();

    let signature = sign(&mut client, private.key, b"alone");
    assert!(verifies(&cluster.openssl, &public.public_key, b"alone", &signature));
    let mut another = cluster.user(&cluster.first);
    sign(&mut another, private.key, b"log-ins go on");
    let mut admin = cluster.client(&cluster.first);
    admin.log_in("admin", Role::Admin, "admin-password").unwrap();
    assert_eq!(code(admin.create_user("nobody")), FailureCode::ReadOnly);

    cluster.plane.go_on();
    cluster.plane.wait("the HSM to come back", |store| store.connection("hsm-first"));
    // The registration is answered a moment before the HSM takes changes again.
    let begun = Instant::now();
    while let Err(failure) = admin.create_user("somebody") {
        assert_eq!(failure.code(), FailureCode::ReadOnly, "{failure:?}");
        assert!(begun.elapsed() < PATIENCE, "{failure:?}");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(users(&mut admin), ["admin", "app_user", "cu1", "somebody"]);
}

#[test]
fn a_change_whose_answer_is_lost_is_made_once() {
    let cluster = Cluster::activated();
    let mut admin = cluster.client(&cluster.first);
    admin.log_in("admin", Role::Admin, "admin-password").unwrap();
    cluster.plane.store(|store| store.lose_answers = 1);
    admin.create_user("once").unwrap();
    assert_eq!(users(&mut admin), ["admin", "app_user", "cu1", "once"]);
}

#[test]
fn a_retried_command_gets_its_first_answer_on_every_hsm() {
    let cluster = Cluster::activated();
    let second = cluster.join("hsm-second");
    let create = |client: &mut Client, username: &str| {
        let user = CreateUser {
            username: username.into(),
            role: Role::CryptoUser.into(),
            password: "user-password".into(),
        };
        let call = Call {
            session: client.session,
            command_id: vec![9; 16],
            cursor: client.cursor.clone(),
            command: Some(Command::CreateUser(user)),
            ..Call::default()
        };
        client.call(&call, 30_000).unwrap().outcome.unwrap()
    };
    let mut admin = cluster.client(&cluster.first);
    admin.log_in("admin", Role::Admin, "admin-password").unwrap();
    let first = create(&mut admin, "retried");
    assert!(matches!(first, Outcome::Reply(_)), "{first:?}");
    assert_eq!(create(&mut admin, "retried"), first);

    let mut other = cluster.client(&second);
    other.log_in("admin", Role::Admin, "admin-password").unwrap();
    other.cursor = admin.cursor.clone();
    assert_eq!(create(&mut other, "retried"), first);
    assert_eq!(users(&mut other), ["admin", "app_user", "cu1", "retried"]);
}

#[test]
fn a_command_that_comes_to_two_hsms_at_once_is_done_for_both() {
    let cluster = Cluster::activated();
    let second = cluster.join("hsm-second");
    let mut clients = [cluster.user(&cluster.first), cluster.user(&second)];
    for round in 0..40 {
        let key = generate_pair(&mut clients[0]).private.unwrap().key;
        clients[1].cursor = clients[0].cursor.clone();
        assert!(has_key(&mut clients[1], key));
        let together = Barrier::new(clients.len());
        let delete = |client: &mut Client| {
            let call = Call {
                session: client.session,
                command_id: vec![round; 16],
                command: Some(Command::DeleteKey(DeleteKey { key })),
                ..Call::default()
            };
            together.wait();
            client.call(&call, 30_000).unwrap().outcome.unwrap()
        };
        // The one that comes second finds no key any more: because of this very command.
        let [first, other] = thread::scope(|scope| {
            let asked = clients.each_mut().map(|client| scope.spawn(|| delete(client)));
            asked.map(|asked| asked.join().unwrap())
        });
        assert!(matches!(first, Outcome::Reply(_)), "round {round}: {first:?}");
        assert_eq!(first, other, "round {round}");
    }
}

#[test]
fn an_hsm_that_left_serves_no_longer_and_the_others_go_on() {
    let cluster = Cluster::activated();
    let second = cluster.join("hsm-second");
    let leave =
        |at: &str, who: &str| cluster.plane.call(at, HsmCall::Leave(Leave { hsm_id: who.to_owned() }));
    assert!(matches!(leave("hsm-first", "hsm-first"), HsmAnswer::Failed(_)), "nobody takes itself out");
    assert!(matches!(leave("hsm-first", "hsm-second"), HsmAnswer::Done(_)));
    assert!(matches!(leave("hsm-first", "hsm-second"), HsmAnswer::Done(_)), "asked again it is no failure");
    cluster
        .plane
        .wait_report("hsm-second", "that it has halted", |report| report.state() == HsmState::Halted);
    assert!(Client::try_connect(second.address, &cluster.anchor).is_err());
    let mut client = cluster.user(&cluster.first);
    generate_pair(&mut client);
}

#[test]
fn a_stopped_hsm_says_goodbye_and_starts_again() {
    let mut cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    assert!(cluster.first.stop().success());
    let refused =
        client.receive::<strongroom_hsm_proto::command::Answer>(strongroom_hsm_proto::frame::Kind::Answer);
    assert!(refused.unwrap_err().to_string().contains("stopping"));
    cluster.plane.store(|store| store.forget_report("hsm-first"));
    cluster.first.start();
    cluster
        .plane
        .wait_report("hsm-first", "that it serves again", |report| report.state() == HsmState::Serving);
    cluster.user(&cluster.first);

    assert!(matches!(cluster.plane.call("hsm-first", HsmCall::Stop(Stop {})), HsmAnswer::Done(_)));
    assert!(cluster.first.wait().success());
}
