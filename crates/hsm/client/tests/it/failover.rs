//! HSMs that break, are behind, are busy or say nothing.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use strongroom_hsm_client::{ClientError, RetryMode};
use strongroom_hsm_proto::command::{Command, FailureCode, ListUsers, Role};

use crate::client::{
    cluster, create_user, generate_aes, generate_signing_pair, logged_in, options, output, pair, sign,
    usernames,
};
use crate::rig::Rig;

#[test]
fn no_caller_notices_that_an_hsm_dies() {
    let rig = Rig::activated(3);
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    let (_, private) = pair(alice.call(generate_signing_pair(true)).unwrap());
    for victim in 0..3 {
        rig.nodes[victim].kill();
        for _ in 0..6 {
            assert_eq!(output(alice.call(sign(private.key, b"x")).unwrap()).len(), 64);
            alice.call(generate_aes(true)).unwrap();
        }
        rig.nodes[victim].revive();
        // It is logged in again by itself, once its time out is over.
        let until = Instant::now() + Duration::from_mins(1);
        let before = rig.nodes[victim].calls.load(Ordering::SeqCst);
        while rig.nodes[victim].calls.load(Ordering::SeqCst) == before {
            assert!(Instant::now() < until, "the HSM is never asked again");
            alice.call(sign(private.key, b"x")).unwrap();
        }
    }
}

#[test]
fn a_change_whose_answer_is_lost_takes_effect_once() {
    let rig = Rig::activated(2);
    let mut admin = logged_in(options(&rig), "admin", Role::Admin);
    let before = rig.changes();
    for name in ["lost1", "lost2", "lost3", "lost4"] {
        for node in &rig.nodes {
            node.faults.swallowed.store(1, Ordering::SeqCst);
        }
        admin.call(create_user(name)).unwrap();
    }
    assert_eq!(rig.changes() - before, 4, "each of them once");
    let again = admin.call(create_user("lost1")).unwrap_err();
    assert_eq!(again.code(), Some(FailureCode::UserExists), "a new call is a new change");
}

#[test]
fn a_key_whose_answer_is_lost_is_made_once() {
    let rig = Rig::activated(2);
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    let before = rig.changes();
    for node in &rig.nodes {
        node.faults.swallowed.store(1, Ordering::SeqCst);
    }
    let first = crate::client::key(alice.call(generate_aes(true)).unwrap());
    let second = crate::client::key(alice.call(generate_aes(true)).unwrap());
    assert_ne!(first.key, second.key);
    assert_eq!(rig.changes() - before, 2);
}

#[test]
fn one_reads_what_one_wrote_although_an_hsm_is_behind() {
    let rig = Rig::activated(2);
    let mut admin = logged_in(options(&rig), "admin", Role::Admin);
    rig.nodes[1].faults.is_behind.store(true, Ordering::SeqCst);
    for name in ["new1", "new2", "new3"] {
        admin.call(create_user(name)).unwrap();
        assert!(usernames(&mut admin).contains(&name.to_owned()));
    }
    // Who has not seen the change may still be told the state before.
    let mut options = options(&rig);
    options.servers.remove(0);
    rig.nodes[1].name_peers(Vec::new());
    let mut stranger = cluster(options);
    assert!(!usernames(&mut stranger).contains(&"new1".to_owned()));
    let cursor = admin.cursor().unwrap();
    assert!(cursor.sequence >= 3 && stranger.cursor().unwrap().sequence < cursor.sequence);
}

#[test]
fn an_hsm_that_is_behind_is_waited_for_if_there_is_no_other() {
    let rig = Rig::activated(2);
    let mut admin = logged_in(options(&rig), "admin", Role::Admin);
    rig.nodes[1].faults.is_behind.store(true, Ordering::SeqCst);
    admin.call(create_user("new")).unwrap();
    rig.nodes[0].kill();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            rig.nodes[1].faults.is_behind.store(false, Ordering::SeqCst);
        });
        assert!(usernames(&mut admin).contains(&"new".to_owned()));
    });
}

#[test]
fn busy_and_halted_hsms_are_left_alone() {
    let rig = Rig::activated(3);
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    let (_, private) = pair(alice.call(generate_signing_pair(true)).unwrap());
    rig.nodes[0].faults.is_halted.store(true, Ordering::SeqCst);
    rig.nodes[1].faults.busy.store(2, Ordering::SeqCst);
    for _ in 0..10 {
        alice.call(sign(private.key, b"x")).unwrap();
    }
    for node in &rig.nodes {
        node.faults.is_halted.store(true, Ordering::SeqCst);
    }
    let error = alice.call(sign(private.key, b"x")).unwrap_err();
    assert_eq!(error.code(), Some(FailureCode::Halted), "nobody waits for an HSM that has halted");
}

#[test]
fn an_hsm_that_says_nothing_is_given_up() {
    let rig = Rig::activated(2);
    let mut options = options(&rig);
    options.timeouts.attempt = Duration::from_secs(2);
    let mut alice = logged_in(options, "cu1", Role::CryptoUser);
    let (_, private) = pair(alice.call(generate_signing_pair(true)).unwrap());
    rig.nodes[0].faults.is_mute.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        alice.call(sign(private.key, b"x")).unwrap();
    }
}

#[test]
fn a_call_ends_although_nobody_answers() {
    let rig = Rig::activated(2);
    let mut options = options(&rig);
    options.timeouts.attempt = Duration::from_millis(100);
    options.timeouts.welcome = Duration::from_millis(200);
    options.timeouts.call = Duration::from_millis(500);
    for node in &rig.nodes {
        node.faults.is_mute.store(true, Ordering::SeqCst);
    }
    let mut nobody = cluster(options);
    let begun = Instant::now();
    let error = nobody.call(create_user("x")).unwrap_err();
    assert!(matches!(error, ClientError::DeadlineExceeded(_) | ClientError::Unreachable(_)), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn without_retries_a_broken_connection_is_told() {
    let rig = Rig::activated(2);
    let mut options = options(&rig);
    options.retry = RetryMode::Off;
    let mut admin = logged_in(options, "admin", Role::Admin);
    for node in &rig.nodes {
        node.faults.swallowed.store(1, Ordering::SeqCst);
    }
    let before = rig.changes();
    let error = admin.call(create_user("x")).unwrap_err();
    assert!(error.to_string().ends_with("whether the change was made is not known"), "{error}");
    assert!(matches!(error, ClientError::DeadlineExceeded(_)), "{error}");
    assert_eq!(rig.changes() - before, 1, "nobody has said that it was not");
    let error = admin.call(Command::ListUsers(ListUsers {})).unwrap_err();
    assert!(matches!(error, ClientError::Unreachable(_)), "{error}");
}

#[test]
fn a_change_that_may_have_been_made_is_not_told_as_refused() {
    let rig = Rig::activated(2);
    let mut options = options(&rig);
    options.timeouts.call = Duration::from_secs(4);
    let mut admin = logged_in(options, "admin", Role::Admin);
    rig.nodes[0].faults.swallowed.store(u64::MAX, Ordering::SeqCst);
    rig.nodes[1].faults.is_halted.store(true, Ordering::SeqCst);
    let before = rig.changes();
    let error = admin.call(create_user("x")).unwrap_err();
    assert!(matches!(error, ClientError::DeadlineExceeded(_)), "{error}");
    assert_eq!(rig.changes() - before, 1);
}

#[test]
fn what_answers_is_an_hsm_of_the_cluster_or_nobody() {
    let rig = Rig::activated(1);
    let other = crate::rig::Authority::new("somebody else");
    let mut options = options(&rig);
    options.tls = strongroom_hsm_client::tls(&other.pem(), None).unwrap();
    let begun = Instant::now();
    let error = cluster(options).call(create_user("x")).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("certificate"), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(10), "it is not tried again and again");
}
