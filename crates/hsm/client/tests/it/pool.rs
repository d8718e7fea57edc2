//! The asynchronous client.

use std::sync::atomic::Ordering;
use std::time::Duration;

use strongroom_hsm_client::{ClientError, Credentials, Options, Pool};
use strongroom_hsm_proto::command::{ChangePassword, Command, FailureCode, ListUsers, Role};
use strongroom_runtime::{Clocks, ShutdownOwner};
use strongroom_secret::SecretString;
use tokio::task::JoinSet;

use crate::client::{
    create_user, credentials, generate_aes, generate_signing_pair, key, options, output, pair, sign,
};
use crate::rig::Rig;

fn pool(options: Options, credentials: Credentials, owner: &ShutdownOwner) -> Pool {
    Pool::new(options, Some(credentials), Clocks::system(), owner.handle()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_share_a_connection() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    let alice = pool(options(&rig), credentials("cu1", Role::CryptoUser), &owner);
    assert_eq!(alice.connect().await.unwrap(), 2);
    let (_, private) = pair(alice.call(generate_signing_pair(true)).await.unwrap());
    let before = rig.calls();
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        let alice = alice.clone();
        calls.spawn(async move { output(alice.call(sign(private.key, b"x")).await.unwrap()).len() });
    }
    assert!(calls.join_all().await.into_iter().all(|length| length == 64));
    let asked: Vec<_> = rig.calls().iter().zip(before).map(|(after, before)| after - before).collect();
    assert!(asked.iter().all(|asked| *asked > 20), "both HSMs work: {asked:?}");
    assert!(owner.finish(Duration::from_secs(20)).await, "nothing is left running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_hsms_die_and_come_back() {
    let rig = Rig::activated(3);
    let owner = ShutdownOwner::new();
    let alice = pool(options(&rig), credentials("cu1", Role::CryptoUser), &owner);
    let (_, private) = pair(alice.call(generate_signing_pair(true)).await.unwrap());
    let before = rig.changes();
    let mut calls = JoinSet::new();
    for _ in 0..4 {
        let alice = alice.clone();
        calls.spawn(async move {
            let mut keys = Vec::new();
            for _ in 0..20 {
                alice.call(sign(private.key, b"x")).await.unwrap();
                keys.push(key(alice.call(generate_aes(true)).await.unwrap()).key);
            }
            keys
        });
    }
    for victim in [0, 1, 2] {
        rig.nodes[victim].kill();
        tokio::time::sleep(Duration::from_millis(100)).await;
        rig.nodes[victim].revive();
    }
    let mut keys = calls.join_all().await.concat();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 80);
    assert_eq!(rig.changes() - before, 80, "no key is made twice");
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_takes_effect_once() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    let admin = pool(options(&rig), credentials("admin", Role::Admin), &owner);
    admin.connect().await.unwrap();
    let before = rig.changes();
    for node in &rig.nodes {
        node.faults.swallowed.store(1, Ordering::SeqCst);
    }
    admin.call(create_user("x")).await.unwrap();
    assert_eq!(rig.changes() - before, 1);

    // Without another attempt nobody knows.
    let mut options = options(&rig);
    options.retry = strongroom_hsm_client::RetryMode::Off;
    let admin = pool(options, credentials("admin", Role::Admin), &owner);
    admin.connect().await.unwrap();
    for node in &rig.nodes {
        node.faults.swallowed.store(1, Ordering::SeqCst);
    }
    let error = admin.call(create_user("y")).await.unwrap_err();
    assert!(matches!(error, ClientError::DeadlineExceeded(_)), "{error}");
    assert_eq!(rig.changes() - before, 2);
}

#[tokio::test]
async fn a_password_that_is_refused_is_not_tried_again_by_itself() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    let alice = pool(options(&rig), credentials("cu1", Role::CryptoUser), &owner);
    alice.connect().await.unwrap();
    let admin = pool(options(&rig), credentials("admin", Role::Admin), &owner);
    let change = ChangePassword {
        username: "cu1".to_owned(),
        role: Role::CryptoUser.into(),
        password: "another password".to_owned(),
        deregister_mfa: false,
        deregister_quorum: false,
    };
    for node in &rig.nodes {
        node.kill();
        node.revive();
    }
    admin.call(Command::ChangePassword(change)).await.unwrap();
    // Of one that changes something nobody would know, if the old connection was found broken only then.
    let refused = alice.call(Command::ListUsers(ListUsers {})).await.unwrap_err();
    assert_eq!(refused.code(), Some(FailureCode::LoginFailed));
    let before = rig.calls();
    for _ in 0..20 {
        assert_eq!(alice.call(generate_aes(true)).await.unwrap_err().code(), Some(FailureCode::LoginFailed));
    }
    assert_eq!(rig.calls(), before, "no HSM is asked");
    let fresh = Credentials {
        password: SecretString::new("another password".to_owned()),
        ..credentials("cu1", Role::CryptoUser)
    };
    pool(options(&rig), fresh, &owner).call(generate_aes(true)).await.unwrap();
}

#[tokio::test]
async fn an_hsm_that_says_nothing_is_given_up() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    let mut options = options(&rig);
    options.timeouts.attempt = Duration::from_secs(2);
    let alice = pool(options.clone(), credentials("cu1", Role::CryptoUser), &owner);
    let (_, private) = pair(alice.call(generate_signing_pair(true)).await.unwrap());
    rig.nodes[0].faults.is_mute.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        alice.call(sign(private.key, b"x")).await.unwrap();
    }
    rig.nodes[1].faults.is_mute.store(true, Ordering::SeqCst);
    options.timeouts.call = Duration::from_millis(500);
    options.timeouts.welcome = Duration::from_millis(300);
    let late = pool(options, credentials("cu1", Role::CryptoUser), &owner);
    let error = late.call(sign(private.key, b"x")).await.unwrap_err();
    assert!(
        matches!(
            error,
            ClientError::DeadlineExceeded(_) | ClientError::Unreachable(_) | ClientError::NotAvailable(_)
        ),
        "{error}"
    );
}

#[tokio::test]
async fn nobody_waits_longer_for_a_connection_than_the_call_may_take() {
    let rig = Rig::activated(1);
    let owner = ShutdownOwner::new();
    // It takes connections, as the machine does for it, and never says anything.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut options = options(&rig);
    options.servers[0].server = silent.local_addr().unwrap().to_string().parse().unwrap();
    for (call, welcome) in [(400, 30_000), (30_000, 400)] {
        options.timeouts.call = Duration::from_millis(call);
        options.timeouts.welcome = Duration::from_millis(welcome);
        options.check_key_availability = false;
        options.retry = strongroom_hsm_client::RetryMode::Off;
        let alice = pool(options.clone(), credentials("cu1", Role::CryptoUser), &owner);
        let begun = std::time::Instant::now();
        let mut calls = JoinSet::new();
        for _ in 0..16 {
            let alice = alice.clone();
            calls.spawn(async move { alice.call(generate_aes(true)).await.unwrap_err() });
        }
        for error in calls.join_all().await {
            assert!(
                matches!(error, ClientError::DeadlineExceeded(_) | ClientError::Unreachable(_)),
                "{error}"
            );
        }
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn session_keys_and_the_availability_of_others_are_looked_after_as_well() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    let alice = pool(options(&rig), credentials("cu1", Role::CryptoUser), &owner);
    alice.connect().await.unwrap();
    let (_, private) = pair(alice.call(generate_signing_pair(false)).await.unwrap());
    assert!(private.of_session);
    for _ in 0..4 {
        alice.call(sign(private.key, b"x")).await.unwrap();
    }
    rig.nodes[0].kill();
    let error = alice.call(generate_aes(true)).await.unwrap_err();
    assert!(matches!(error, ClientError::NotAvailable(_)), "{error}");
}
