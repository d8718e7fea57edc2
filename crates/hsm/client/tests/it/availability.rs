//! Keys on two HSMs.

use std::sync::atomic::Ordering;
use std::time::Duration;

use strongroom_hsm_client::ClientError;
use strongroom_hsm_proto::command::{FailureCode, Role};

use crate::client::{generate_aes, generate_signing_pair, key, logged_in, options, pair, sign};
use crate::rig::Rig;

const TEXT_START: &str = "Key 0x";
const TEXT_END: &str = " does not meet the availability requirements - The key must be available on at least 2 HSMs \
                        before being used.";

fn is_told(error: &ClientError) {
    let text = error.to_string();
    assert!(text.starts_with(TEXT_START) && text.ends_with(TEXT_END), "{text}");
    assert_eq!(text.len(), TEXT_START.len() + 16 + TEXT_END.len());
    assert_eq!(error.code(), Some(FailureCode::NotAvailable));
}

#[test]
fn a_key_on_one_hsm_is_not_told_to_be_made() {
    let rig = Rig::activated(1);
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    is_told(&alice.call(generate_aes(true)).unwrap_err());
    is_told(&alice.call(generate_signing_pair(true)).unwrap_err());
    assert!(key(alice.call(generate_aes(false)).unwrap()).of_session, "session keys are on one HSM anyway");
}

#[test]
fn the_check_can_be_turned_off() {
    let rig = Rig::activated(1);
    let mut options = options(&rig);
    options.check_key_availability = false;
    let mut alice = logged_in(options, "cu1", Role::CryptoUser);
    let (_, private) = pair(alice.call(generate_signing_pair(true)).unwrap());
    alice.call(sign(private.key, b"x")).unwrap();
}

#[test]
fn a_key_is_not_used_that_is_on_one_hsm_only() {
    let rig = Rig::activated(2);
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    let (_, private) = pair(alice.call(generate_signing_pair(true)).unwrap());
    rig.nodes[0].kill();
    alice.call(sign(private.key, b"x")).unwrap();
    let mut other = logged_in(options(&rig), "cu1", Role::CryptoUser);
    is_told(&other.call(sign(private.key, b"x")).unwrap_err());
    rig.nodes[0].revive();
    other.call(sign(private.key, b"x")).unwrap();
}

#[test]
fn an_hsm_that_catches_up_in_time_counts_and_one_that_does_not_does_not() {
    let rig = Rig::activated(2);
    let mut options = options(&rig);
    options.timeouts.call = Duration::from_secs(4);
    let mut alice = logged_in(options.clone(), "cu1", Role::CryptoUser);
    rig.nodes[1].faults.is_behind.store(true, Ordering::SeqCst);
    is_told(&alice.call(generate_aes(true)).unwrap_err());

    options.timeouts.call = Duration::from_secs(30);
    let mut alice = logged_in(options, "cu1", Role::CryptoUser);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            rig.nodes[1].faults.is_behind.store(false, Ordering::SeqCst);
        });
        alice.call(generate_aes(true)).unwrap();
    });
}

#[test]
fn an_hsm_that_does_not_tell_this_user_is_none_that_has_the_key() {
    let rig = Rig::activated(2);
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    for node in &rig.nodes {
        node.faults.forbids.store(true, Ordering::SeqCst);
    }
    is_told(&alice.call(generate_aes(true)).unwrap_err());
    for node in &rig.nodes {
        node.faults.forbids.store(false, Ordering::SeqCst);
    }
    alice.call(generate_aes(true)).unwrap();
}

#[test]
fn a_key_that_nobody_has_is_not_said_to_be_on_too_few_hsms() {
    let rig = Rig::activated(2);
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    let error = alice.call(sign(0x1234, b"x")).unwrap_err();
    assert_eq!(error.code(), Some(FailureCode::NoSuchKey));
}
