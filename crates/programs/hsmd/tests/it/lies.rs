//! A store that loses, forges and forgets.

use std::time::{Duration, Instant};

use strongroom_hsm_proto::command::{Command, ListUsers, Result as Done, Role};
use strongroom_hsm_proto::fleet::{AssignedRole, HsmState};

use crate::client::Client;
use crate::first_use::{Cluster, generate_pair, sign};
use crate::hsm::Host;
use crate::plane::Plane;

#[test]
fn a_founding_whose_answers_are_lost_is_done_once() {
    for lost in 1..=2 {
        let (plane, host) = (Plane::start(), Host::new());
        plane.store(|store| store.lose_answers = lost);
        plane.expect("hsm-first", AssignedRole::Found);
        let mut first = host.start(&plane, "hsm-first");
        plane.wait_report("hsm-first", "the CSR", |report| report.certificates.is_some());
        assert_eq!(plane.store(|store| store.head()), 2, "an entry that founds, one with users and keys");
        assert!(first.stop().success());
    }
}

#[test]
fn an_hsm_that_is_killed_while_it_founds_goes_on_where_it_was() {
    let (mut plane, host) = (Plane::start(), Host::new());
    plane.expect("hsm-first", AssignedRole::Found);
    let mut first = host.start(&plane, "hsm-first");
    plane.wait("the first entry", |store| (store.head() > 0).then_some(()));
    first.kill();
    plane.kill();
    plane.go_on();
    first.start();
    let before = plane.wait_report("hsm-first", "the CSR", |report| report.certificates.is_some());
    assert_eq!(plane.store(|store| store.head()), 2);
    first.kill();
    plane.store(|store| store.forget_report("hsm-first"));
    first.start();
    let after = plane.wait_report("hsm-first", "the CSR", |report| report.certificates.is_some());
    let key = |report: &strongroom_hsm_proto::fleet::Report| {
        let csr = report.certificates.as_ref().unwrap().cluster_csr.clone();
        strongroom_pki::CertificateRequest::from_pem(&csr).unwrap().public_key().to_vec()
    };
    assert_eq!(key(&before), key(&after), "the partition is the same");
}

#[test]
fn an_hsm_that_cannot_become_what_it_was_told_asks_again() {
    let (plane, host) = (Plane::start(), Host::new());
    plane.expect("hsm-first", AssignedRole::Join);
    let _first = host.start(&plane, "hsm-first");
    plane.wait("its connection", |store| store.connection("hsm-first"));
    // The member that was to let it in is lost.
    plane.expect("hsm-first", AssignedRole::Found);
    plane.wait_report("hsm-first", "the CSR", |report| report.certificates.is_some());
}

#[test]
fn audit_records_that_are_not_taken_are_not_sent_again_and_again() {
    let mut cluster = Cluster::activated();
    let begun = Instant::now();
    cluster.plane.store(|store| store.audit_refused = Some(0));
    cluster.user(&cluster.first);
    cluster.plane.wait("the records", |store| store.audit_refused.filter(|count| *count > 0));
    std::thread::sleep(Duration::from_secs(2));
    let count = cluster.plane.store(|store| store.audit_refused.take()).unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert!(f64::from(count) < 2.5 * seconds, "{count} times in {seconds:.1} seconds");
    cluster.first.stop();
}

#[test]
fn numbers_of_audit_records_are_not_given_twice_after_some_were_lost() {
    let mut cluster = Cluster::activated();
    cluster.user(&cluster.first);
    let stored = cluster.plane.wait("the audit log", |store| {
        let records = store.audit("hsm-first");
        records.iter().any(|record| record.username == "cu1").then_some(records.len())
    });
    cluster.first.kill();
    // What the machine had not written when its power failed.
    std::fs::write(cluster.first.state().join("audit"), b"").unwrap();
    cluster.plane.store(|store| store.forget_report("hsm-first"));
    cluster.first.start();
    cluster.user(&cluster.first);
    let records = cluster.plane.wait("the new records", |store| {
        let records = store.audit("hsm-first");
        let log_in = records.iter().rfind(|record| record.username == "cu1")?;
        (log_in.reboot_counter > 0).then(|| records.to_vec())
    });
    assert!(records.len() > stored);
    assert!(records.iter().zip(0..).all(|(record, place)| record.sequence == place));
    assert!(records[stored..].iter().any(|record| record.reboot_counter > 0));
}

#[test]
fn a_change_that_the_store_made_and_denied_is_not_refused() {
    let cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    cluster.plane.store(|store| store.deny_appends = 1);
    let key = generate_pair(&mut client).private.unwrap().key;
    assert_eq!(cluster.plane.store(|store| store.deny_appends), 0);
    sign(&mut client, key, b"made once, and told");
}

#[test]
fn entries_that_the_store_lost_are_given_back() {
    let mut cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    let key = generate_pair(&mut client).private.unwrap().key;
    let whole = cluster.plane.store(|store| store.log.clone());
    cluster.plane.kill();
    // The store came back from a dump that is two entries old.
    cluster.plane.store(|store| {
        store.log.pop_last();
        store.log.pop_last();
    });
    cluster.plane.go_on();
    cluster.plane.wait("the entries", |store| (store.log == whole).then_some(()));
    sign(&mut client, key, b"nothing was lost");
    generate_pair(&mut client);
}

#[test]
fn a_forged_entry_halts_an_hsm_for_good() {
    let mut cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    cluster.plane.kill();
    cluster.plane.store(|store| {
        let (last, mut forged) =
            store.log.last_key_value().map(|(last, entry)| (*last, entry.clone())).unwrap();
        if let Some(byte) = forged.last_mut() {
            *byte ^= 1;
        }
        store.log.insert(last + 1, forged);
    });
    cluster.plane.go_on();
    let halted = |plane: &Plane| {
        plane.wait_report("hsm-first", "that it has halted", |report| report.state() == HsmState::Halted)
    };
    assert!(!halted(&cluster.plane).halt_reason.is_empty());
    let refused = client.ask(Command::ListUsers(ListUsers {})).unwrap_err();
    assert_eq!(refused.code(), strongroom_hsm_proto::command::FailureCode::Halted);
    assert!(Client::try_connect(cluster.first.address, &cluster.anchor).is_err());

    // Taking the lie back does not help: an operator has to decide.
    cluster.plane.store(|store| {
        store.log.pop_last();
        store.forget_report("hsm-first");
    });
    cluster.first.kill();
    cluster.first.start();
    halted(&cluster.plane);
    assert!(Client::try_connect(cluster.first.address, &cluster.anchor).is_err());
}

#[test]
fn two_logs_never_serve_one_client() {
    let mut cluster = Cluster::activated();
    let second = cluster.join("hsm-second");
    let mut client = cluster.user(&cluster.first);
    let list = |client: &mut Client| match client.ask(Command::ListUsers(ListUsers {})) {
        Ok(Some(Done::Users(list))) => Ok(list.users.len()),
        Ok(other) => panic!("{other:?}"),
        Err(failure) => Err(failure.code()),
    };
    list(&mut client).unwrap();
    cluster.plane.wait_report("hsm-second", "that it is level", |report| {
        Some(report.sequence) == client.cursor.as_ref().map(|cursor| cursor.sequence)
    });
    // The store shows the second HSM a log in which the first one's next change never was.
    let fork = cluster.plane.store(|store| store.log.clone());
    let mut second = second;
    second.kill();
    generate_pair(&mut client);
    cluster.first.kill();
    cluster.plane.kill();
    cluster.plane.store(|store| store.log = fork);
    cluster.plane.go_on();
    cluster.plane.store(|store| store.forget_report("hsm-second"));
    second.start();
    cluster.plane.wait_report("hsm-second", "that it serves", |report| report.state() == HsmState::Serving);
    let mut admin = cluster.client(&second);
    admin.log_in("admin", Role::Admin, "admin-password").unwrap();
    admin.create_user("other_past").unwrap();
    // The client, which has seen the first log, is not served by the second one.
    admin.cursor.clone_from(&client.cursor);
    assert_eq!(list(&mut admin), Err(strongroom_hsm_proto::command::FailureCode::Forked));
    cluster
        .plane
        .wait_report("hsm-second", "that it has halted", |report| report.state() == HsmState::Halted);
}
