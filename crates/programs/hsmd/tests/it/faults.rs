//! What an HSM does wrong on purpose.

use std::time::{Duration, Instant};

use strongroom_hsm_proto::command::{Command, FailureCode, ListUsers, Result as Done, Role};
use strongroom_hsm_proto::fleet::{
    AssignedRole, BackUp, Failed, FailedCode, Fault, HsmAnswer, HsmCall, HsmState, MAX_FAULT_DELAY_MS,
};

use crate::client::{Client, code};
use crate::first_use::{Cluster, generate_pair, sign, verifies};
use crate::hsm::Host;
use crate::plane::Plane;

const SLOW: Fault = Fault { delay_ms: 400, stays_behind: false };
const BEHIND: Fault = Fault { delay_ms: 0, stays_behind: true };
const WELL: Fault = Fault { delay_ms: 0, stays_behind: false };

fn set(plane: &Plane, hsm_id: &str, fault: Fault) {
    let answer = plane.call(hsm_id, HsmCall::SetFault(fault));
    assert!(matches!(answer, HsmAnswer::Done(_)), "{answer:?}");
}

fn refusal(plane: &Plane, fault: Fault) -> Failed {
    match plane.call("hsm-first", HsmCall::SetFault(fault)) {
        HsmAnswer::Failed(failed) => failed,
        other => panic!("{other:?}"),
    }
}

fn users(client: &mut Client) -> Result<Vec<String>, FailureCode> {
    match client.ask(Command::ListUsers(ListUsers {})) {
        Ok(Some(Done::Users(list))) => Ok(list.users.into_iter().map(|user| user.username).collect()),
        Ok(other) => panic!("{other:?}"),
        Err(failure) => Err(failure.code()),
    }
}

fn admin(cluster: &Cluster, at: &crate::hsm::Hsm) -> Client {
    let mut admin = cluster.client(at);
    admin.log_in("admin", Role::Admin, "admin-password").unwrap();
    admin
}

#[test]
fn a_slow_hsm_answers_late_and_right() {
    let cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    let pair = generate_pair(&mut client);
    let (public, private) = (pair.public.unwrap(), pair.private.unwrap());
    set(&cluster.plane, "hsm-first", SLOW);
    let delay = Duration::from_millis(SLOW.delay_ms.into());
    for message in [b"one", b"two"] {
        let began = Instant::now();
        let signature = sign(&mut client, private.key, message);
        assert!(began.elapsed() >= delay);
        assert!(verifies(&cluster.openssl, &public.public_key, message, &signature));
    }
    let began = Instant::now();
    cluster.client(&cluster.first);
    assert!(began.elapsed() >= delay, "the welcome comes late too");

    // Whoever waits when it is cleared waits no longer.
    set(&cluster.plane, "hsm-first", Fault { delay_ms: MAX_FAULT_DELAY_MS, ..WELL });
    let began = Instant::now();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| sign(&mut client, private.key, b"three"));
        std::thread::sleep(Duration::from_millis(200));
        set(&cluster.plane, "hsm-first", WELL);
        waiting.join().unwrap();
    });
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn an_hsm_that_stays_behind_serves_what_it_has_and_catches_up_when_it_may() {
    let mut cluster = Cluster::activated();
    let mut second = cluster.join("hsm-second");
    let mut client = cluster.user(&cluster.first);
    let pair = generate_pair(&mut client);
    let (public, private) = (pair.public.unwrap(), pair.private.unwrap());
    let mut there = cluster.user(&second);
    there.cursor = client.cursor.clone();
    sign(&mut there, private.key, b"it has the key");
    set(&cluster.plane, "hsm-second", BEHIND);

    admin(&cluster, &cluster.first).create_user("late").unwrap();
    let news = {
        let mut first = cluster.client(&cluster.first);
        users(&mut first).unwrap();
        first.cursor.clone()
    };
    // Who has seen more is sent away, and who has not is served from what is there.
    let seen = std::mem::replace(&mut there.cursor, news.clone());
    assert_eq!(users(&mut there), Err(FailureCode::Behind));
    there.cursor = seen;
    let signature = sign(&mut there, private.key, b"old things");
    assert!(verifies(&cluster.openssl, &public.public_key, b"old things", &signature));
    assert!(!users(&mut there).unwrap().contains(&"late".to_owned()));
    let mut there = admin(&cluster, &second);
    assert_eq!(code(there.create_user("nobody")), FailureCode::Behind, "it changes nothing");

    // Nor is it the one to make a backup, which would lack what is new.
    let backup = BackUp { backup_id: "backup-1".into(), service_half: vec![7; 32] };
    match cluster.plane.call("hsm-second", HsmCall::BackUp(backup)) {
        HsmAnswer::Failed(failed) => assert_eq!(failed.code(), FailedCode::Unavailable),
        other => panic!("{other:?}"),
    }

    // Neither a restart of the process nor one of the control plane makes it follow again while it is told not to.
    cluster.plane.store(|store| {
        store.fault = Some(BEHIND);
        store.forget_report("hsm-second");
    });
    second.kill();
    second.start();
    let report = cluster.plane.wait_report("hsm-second", "its trouble", |report| {
        report.state() == HsmState::Serving && report.halt_reason.contains("told to stay behind")
    });
    assert!(report.sequence < cluster.plane.store(|store| store.head()));
    cluster.plane.kill();
    cluster.plane.go_on();
    cluster.plane.wait("its return", |store| store.connection("hsm-second"));
    let mut there = cluster.client(&second);
    there.cursor.clone_from(&news);
    assert_eq!(users(&mut there), Err(FailureCode::Behind));

    // When this is answered, it has everything.
    set(&cluster.plane, "hsm-second", WELL);
    let mut there = cluster.client(&second);
    assert!(users(&mut there).unwrap().contains(&"late".to_owned()));
    there.cursor = news;
    users(&mut there).unwrap();
    admin(&cluster, &second).create_user("afterwards").unwrap();
}

#[test]
fn an_hsm_that_is_not_for_development_does_nothing_wrong() {
    let (plane, host) = (Plane::start(), Host::new());
    // Nor when it is told so in its assignment.
    plane.store(|store| store.fault = Some(Fault { delay_ms: 100, stays_behind: true }));
    plane.expect("hsm-first", AssignedRole::Found);
    let _first = host.start_with(&plane, "hsm-first", "dev = false\n");
    plane.wait_report("hsm-first", "the CSR", |report| report.certificates.is_some());
    for fault in [SLOW, BEHIND] {
        let failed = refusal(&plane, fault);
        assert_eq!(failed.code(), FailedCode::InvalidRequest);
        assert!(failed.text.contains("not started for development"), "{failed:?}");
    }
    set(&plane, "hsm-first", WELL);
}

#[test]
fn a_delay_has_a_bound() {
    let (plane, host) = (Plane::start(), Host::new());
    plane.expect("hsm-first", AssignedRole::Found);
    let _first = host.start(&plane, "hsm-first");
    plane.wait("its connection", |store| store.connection("hsm-first"));
    let failed = refusal(&plane, Fault { delay_ms: MAX_FAULT_DELAY_MS + 1, ..WELL });
    assert!(failed.text.contains("at most"), "{failed:?}");
}
