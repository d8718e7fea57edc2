//! What a service that stays logged in asks of the client: it goes on with one HSM, whatever ails the other, tells in
//! time when there is none, and comes back by itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use strongroom_hsm_client::limits::{MAX_SERVERS, Timeouts};
use strongroom_hsm_client::{ClientError, Credentials, Options, Pool};
use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, ChangePassword, Command, ContextPair, DecryptDerived,
    EncryptDerived, FailureCode, GenerateDerived, GenerateKey, HsmInfo, KeyType, ReEncryptDerived, Reply,
    Result as Done, Role, Template,
};
use strongroom_runtime::{Clocks, ManualTime, ShutdownOwner};
use strongroom_secret::SecretString;
use tokio::task::JoinSet;

use crate::client::{create_user, credentials, key, options, server};
use crate::rig::{PASSWORD, Rig};

const NEW_PASSWORD: &str = "another password";
const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// A deadline that is kept although the machine has much else to do; what is said in time is said long before it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a clock stands that a test moves by itself.
const NOW_MS: i64 = 1_800_000_000_000;

/// How KMS asks.
fn service(rig: &Rig, deadline: Duration) -> Options {
    Options { timeouts: Timeouts::within(deadline), check_keys_in_use: false, ..options(rig) }
}

fn crypto_user(password: &str) -> Credentials {
    Credentials { password: SecretString::new(password.to_owned()), ..credentials("cu1", Role::CryptoUser) }
}

fn pool(options: Options, credentials: Credentials, owner: &ShutdownOwner) -> Pool {
    Pool::new(options, Some(credentials), Clocks::system(), owner.handle()).unwrap()
}

fn change_password(password: &str) -> Command {
    Command::ChangePassword(ChangePassword {
        username: "cu1".to_owned(),
        role: Role::CryptoUser.into(),
        password: password.to_owned(),
        ..ChangePassword::default()
    })
}

fn generate() -> Command {
    let flag = |name: AttributeName| Attribute { name: name.into(), value: Some(AttributeValue::Flag(true)) };
    let attributes = [AttributeName::Token, AttributeName::Encrypt, AttributeName::Decrypt].map(flag);
    Command::GenerateKey(GenerateKey {
        key_type: KeyType::Aes.into(),
        length: 32,
        template: Some(Template { attributes: attributes.to_vec() }),
        ..GenerateKey::default()
    })
}

fn context() -> Vec<ContextPair> {
    vec![ContextPair { name: "name".to_owned(), value: "value".to_owned() }]
}

fn encrypt(key: u64, plaintext: &[u8]) -> Command {
    Command::EncryptDerived(EncryptDerived {
        key,
        key_id: KEY_ID.to_owned(),
        material_id: vec![7; 32],
        context: context(),
        plaintext: plaintext.to_vec(),
    })
}

fn decrypt(key: u64, ciphertext: Vec<u8>) -> Command {
    Command::DecryptDerived(DecryptDerived { key, context: context(), ciphertext })
}

fn data_key(key: u64) -> Command {
    Command::GenerateDerived(GenerateDerived {
        key,
        key_id: KEY_ID.to_owned(),
        material_id: vec![7; 32],
        context: context(),
        length: 32,
        without_plaintext: false,
    })
}

fn re_encrypt(key: u64, ciphertext: Vec<u8>) -> Command {
    Command::ReEncryptDerived(ReEncryptDerived {
        from: key,
        from_context: context(),
        ciphertext,
        to: key,
        key_id: KEY_ID.to_owned(),
        material_id: vec![7; 32],
        to_context: context(),
    })
}

/// Ciphertext, or plaintext; and a data key's plaintext.
fn output(reply: &Reply) -> (Vec<u8>, Vec<u8>) {
    match &reply.result {
        Some(Done::Output(output)) => (output.data.clone(), output.plaintext.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_caller_of_64_sees_that_an_hsm_is_killed() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    let kms = pool(service(&rig, PATIENCE), crypto_user(PASSWORD), &owner);
    assert_eq!(kms.connect().await.unwrap(), 2);
    let key = key(kms.call(generate()).await.unwrap()).key;
    let until = Instant::now() + Duration::from_secs(2);
    let mut callers = JoinSet::new();
    for _ in 0..64 {
        let kms = kms.clone();
        callers.spawn(async move {
            let mut calls = 0;
            while Instant::now() < until {
                let (blob, plaintext) = output(&kms.call(data_key(key)).await.unwrap());
                let (again, _) = output(&kms.call(re_encrypt(key, blob)).await.unwrap());
                assert_eq!(output(&kms.call(decrypt(key, again)).await.unwrap()).0, plaintext);
                let (blob, _) = output(&kms.call(encrypt(key, b"plaintext")).await.unwrap());
                assert_eq!(output(&kms.call(decrypt(key, blob)).await.unwrap()).0, b"plaintext");
                calls += 5;
            }
            calls
        });
    }
    for victim in [0, 1, 0] {
        tokio::time::sleep(Duration::from_millis(300)).await;
        rig.nodes[victim].kill();
        tokio::time::sleep(Duration::from_millis(200)).await;
        rig.nodes[victim].revive();
    }
    let calls: Vec<u64> = callers.join_all().await;
    assert!(calls.into_iter().all(|calls| calls > 0));
}

#[tokio::test]
async fn without_any_hsm_an_error_comes_in_time_and_nothing_is_needed_for_the_way_back() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    // An HSM that is back within half of it is waited for.
    let deadline = Duration::from_secs(16);
    let kms = pool(service(&rig, deadline), crypto_user(PASSWORD), &owner);
    kms.connect().await.unwrap();
    let key = key(kms.call(generate()).await.unwrap()).key;
    for node in &rig.nodes {
        node.kill();
    }
    // One that is back soon is waited for.
    let begun = Instant::now();
    let (answer, ()) = tokio::join!(kms.call(encrypt(key, b"x")), async {
        tokio::time::sleep(deadline / 8).await;
        rig.nodes[0].revive();
    });
    answer.unwrap();
    assert!(begun.elapsed() >= deadline / 8);

    rig.nodes[0].kill();
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        let kms = kms.clone();
        callers.spawn(async move { kms.call(encrypt(key, b"x")).await.unwrap_err() });
    }
    for error in callers.join_all().await {
        assert!(matches!(error, ClientError::Unreachable(_)), "{error}");
    }
    assert!(begun.elapsed() < deadline, "{:?}", begun.elapsed());
    // From then on nobody waits for what is known.
    let begun = Instant::now();
    kms.call(encrypt(key, b"x")).await.unwrap_err();
    assert!(begun.elapsed() < deadline / 3, "{:?}", begun.elapsed());

    // One of them is enough, also for a key that this pool has not used yet.
    rig.nodes[1].revive();
    kms.call(encrypt(key, b"x")).await.unwrap();
    let fresh = pool(service(&rig, deadline), crypto_user(PASSWORD), &owner);
    fresh.call(encrypt(key, b"x")).await.unwrap();
    let error = fresh.call(generate()).await.unwrap_err();
    assert!(matches!(error, ClientError::NotAvailable(_)), "made only on two: {error}");
}

#[tokio::test]
async fn an_hsm_that_says_nothing_costs_no_caller_the_deadline() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    let deadline = PATIENCE;
    let kms = pool(service(&rig, deadline), crypto_user(PASSWORD), &owner);
    kms.connect().await.unwrap();
    let key = key(kms.call(generate()).await.unwrap()).key;
    rig.nodes[0].faults.is_mute.store(true, Ordering::SeqCst);
    for _ in 0..4 {
        kms.call(encrypt(key, b"x")).await.unwrap();
    }
    rig.nodes[1].faults.is_mute.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    kms.call(encrypt(key, b"x")).await.unwrap_err();
    assert!(begun.elapsed() < deadline, "{:?}", begun.elapsed());
}

/// Two HSMs, of which the first does not know the user's new password yet: it hangs behind.
async fn one_behind(owner: &ShutdownOwner) -> (Rig, Pool) {
    let rig = Rig::activated(2);
    rig.nodes[0].faults.is_behind.store(true, Ordering::SeqCst);
    let mut only_second = options(&rig);
    only_second.servers.remove(0);
    rig.nodes[1].name_peers(Vec::new());
    let admin = pool(only_second, credentials("admin", Role::Admin), owner);
    admin.call(change_password(NEW_PASSWORD)).await.unwrap();
    let kms = pool(service(&rig, PATIENCE), crypto_user(NEW_PASSWORD), owner);
    assert_eq!(kms.connect().await.unwrap(), 1, "the second lets it in");
    (rig, kms)
}

#[tokio::test]
async fn an_hsm_that_refuses_the_user_stops_nobody_and_comes_back_by_itself() {
    let owner = ShutdownOwner::new();
    let (rig, kms) = one_behind(&owner).await;
    let admin = pool(options(&rig), credentials("admin", Role::Admin), &owner);
    rig.nodes[0].faults.is_behind.store(false, Ordering::SeqCst);
    let key = key(pool(options(&rig), crypto_user(NEW_PASSWORD), &owner).call(generate()).await.unwrap()).key;
    rig.nodes[0].faults.is_behind.store(true, Ordering::SeqCst);
    for _ in 0..20 {
        kms.call(encrypt(key, b"x")).await.unwrap();
    }
    // Its state changes: it knows the password now.
    rig.nodes[0].faults.is_behind.store(false, Ordering::SeqCst);
    admin.call(create_user("somebody")).await.unwrap();
    let before = rig.calls()[0];
    let until = Instant::now() + Duration::from_mins(1);
    while rig.calls()[0] < before + 5 {
        assert!(Instant::now() < until, "the HSM is never asked again");
        kms.call(encrypt(key, b"x")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_user_that_one_hsm_has_locked_works_at_the_other_and_is_not_locked_there() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    let key = key(pool(options(&rig), crypto_user(PASSWORD), &owner).call(generate()).await.unwrap()).key;
    // The lock is that HSM's own: it cannot tell the others.
    rig.nodes[0].faults.is_behind.store(true, Ordering::SeqCst);
    let mut only_first = options(&rig);
    only_first.servers.truncate(1);
    rig.nodes[0].name_peers(Vec::new());
    for _ in 0..8 {
        let guesser = pool(only_first.clone(), crypto_user("a wrong guess"), &owner);
        guesser.connect().await.unwrap_err();
    }
    rig.nodes[0].faults.is_behind.store(false, Ordering::SeqCst);
    let refused = pool(only_first, crypto_user(PASSWORD), &owner).connect().await.unwrap_err();
    assert_eq!(refused.code(), Some(FailureCode::Locked));

    let kms = pool(service(&rig, PATIENCE), crypto_user(PASSWORD), &owner);
    assert_eq!(kms.connect().await.unwrap(), 1);
    for _ in 0..20 {
        kms.call(encrypt(key, b"x")).await.unwrap();
    }
}

#[tokio::test]
async fn a_wrong_password_does_not_lock_the_user() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    let admin = pool(options(&rig), credentials("admin", Role::Admin), &owner);
    let time = Arc::new(ManualTime::at(NOW_MS));
    let (options_of_kms, clocks) = (service(&rig, PATIENCE), Clocks::new(time.clone(), 0));
    let kms = Pool::new(options_of_kms, Some(crypto_user("not the one")), clocks, owner.handle()).unwrap();
    assert_eq!(kms.connect().await.unwrap_err().code(), Some(FailureCode::LoginFailed));
    for round in 1..=8 {
        for _ in 0..10 {
            let refused = kms.call(Command::HsmInfo(HsmInfo {})).await.unwrap_err();
            assert_eq!(refused.code(), Some(FailureCode::LoginFailed));
        }
        // Something changes, and the HSMs may be looked at again.
        admin.call(create_user(&format!("user{round}"))).await.unwrap();
        time.set(NOW_MS + round * 1_001);
    }
    pool(options(&rig), crypto_user(PASSWORD), &owner).connect().await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_does_not_lock_the_user_either_when_hsms_do_not_say_that_it_is_wrong() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    for node in &rig.nodes {
        node.faults.is_mute_at_login.store(true, Ordering::SeqCst);
    }
    // Each HSM gets to hear the password, however busy the machine is.
    let patient = Options { check_keys_in_use: false, ..options(&rig) };
    let kms = pool(patient, crypto_user("not the one"), &owner);
    for _ in 0..8 {
        let error = kms.call(Command::HsmInfo(HsmInfo {})).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable(_)), "{error}");
    }
    for node in &rig.nodes {
        node.faults.is_mute_at_login.store(false, Ordering::SeqCst);
    }
    assert_eq!(pool(options(&rig), crypto_user(PASSWORD), &owner).connect().await.unwrap(), 2);
}

#[tokio::test]
async fn hsms_that_did_not_answer_log_ins_are_used_again_when_they_do() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    let kms = pool(service(&rig, PATIENCE), crypto_user(PASSWORD), &owner);
    assert_eq!(kms.connect().await.unwrap(), 2);
    for node in &rig.nodes {
        node.faults.is_mute_at_login.store(true, Ordering::SeqCst);
        node.kill();
        node.revive();
    }
    for _ in 0..2 {
        kms.call(Command::HsmInfo(HsmInfo {})).await.unwrap_err();
    }
    for node in &rig.nodes {
        node.faults.is_mute_at_login.store(false, Ordering::SeqCst);
    }
    kms.call(Command::HsmInfo(HsmInfo {})).await.unwrap();
    assert!(kms.call_each(Command::HsmInfo(HsmInfo {})).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn whoever_changes_the_own_password_goes_on_with_the_new_one() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    let kms = pool(service(&rig, PATIENCE), crypto_user(PASSWORD), &owner);
    assert_eq!(kms.connect().await.unwrap(), 2);
    for password in [NEW_PASSWORD, "a third one", PASSWORD] {
        kms.call(change_password(password)).await.unwrap();
        for _ in 0..4 {
            kms.call(generate()).await.unwrap();
        }
        for node in &rig.nodes {
            node.kill();
            node.revive();
        }
        // Of a change nobody would know, if a connection is found broken only then.
        kms.call(Command::HsmInfo(HsmInfo {})).await.unwrap();
    }
}

#[tokio::test]
async fn every_hsm_answers_for_itself() {
    let rig = Rig::activated(3);
    let owner = ShutdownOwner::new();
    let deadline = PATIENCE;
    let kms = pool(service(&rig, deadline), crypto_user(PASSWORD), &owner);
    kms.connect().await.unwrap();
    rig.nodes[1].kill();
    let begun = Instant::now();
    let answers = kms.call_each(Command::HsmInfo(HsmInfo {})).await;
    assert!(begun.elapsed() < deadline / 4, "one that is gone is not waited for");
    let mut serials: Vec<_> = answers
        .iter()
        .flatten()
        .map(|reply| match &reply.result {
            Some(Done::HsmInfo(info)) => info.serial_number.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    serials.sort();
    assert_eq!(serials, ["00000000", "00000002"]);
    assert!(matches!(
        answers.iter().find_map(|answer| answer.as_ref().err()),
        Some(ClientError::Unreachable(_))
    ));
}

#[tokio::test]
async fn hsms_that_say_nothing_do_not_keep_one_from_being_connected_to() {
    let rig = Rig::activated(6);
    let owner = ShutdownOwner::new();
    for node in &rig.nodes[..5] {
        node.faults.is_mute.store(true, Ordering::SeqCst);
    }
    let kms = pool(service(&rig, PATIENCE), crypto_user(PASSWORD), &owner);
    assert_eq!(kms.connect().await.unwrap(), 1);
}

#[tokio::test]
async fn an_hsm_that_takes_the_place_of_another_is_asked_itself() {
    let owner = ShutdownOwner::new();
    let (rig, _) = one_behind(&owner).await;
    rig.nodes[0].name_peers(Vec::new());
    let mut only_first = service(&rig, PATIENCE);
    only_first.servers.truncate(1);
    // The clock stands: it is too soon to look at an HSM again that has refused the user.
    let clocks = Clocks::new(Arc::new(ManualTime::at(NOW_MS)), 0);
    let kms = Pool::new(only_first, Some(crypto_user(NEW_PASSWORD)), clocks, owner.handle()).unwrap();
    let ask = || kms.call_each(Command::HsmInfo(HsmInfo {}));
    assert!(matches!(ask().await[..], [Err(ClientError::Refused { .. })]));
    ask().await;
    // Nothing listens at these.
    kms.learn((1..MAX_SERVERS).map(|port| format!("127.0.0.1:{port}").parse().unwrap()));
    for _ in 0..8 {
        assert!(ask().await.iter().all(Result::is_err));
    }
    kms.learn([server(&rig.nodes[1])]);
    assert_eq!(ask().await.iter().filter(|answer| answer.is_ok()).count(), 1, "the new one");
}

#[tokio::test]
async fn a_closed_pool_logs_out_and_asks_nobody() {
    let rig = Rig::activated(1);
    let owner = ShutdownOwner::new();
    let kms = pool(service(&rig, PATIENCE), crypto_user(PASSWORD), &owner);
    kms.connect().await.unwrap();
    assert_eq!(rig.nodes[0].hsm.occupancy().sessions, 1);
    kms.close();
    let before = rig.calls();
    for answer in
        [kms.call(Command::HsmInfo(HsmInfo {})).await, kms.connect().await.map(|_| Reply::default())]
    {
        assert!(matches!(answer.unwrap_err(), ClientError::Closed));
    }
    assert!(matches!(kms.call_each(Command::HsmInfo(HsmInfo {})).await[..], [Err(ClientError::Closed)]));
    assert_eq!(rig.calls(), before);
    let until = Instant::now() + Duration::from_mins(1);
    while rig.nodes[0].hsm.occupancy().sessions > 0 {
        assert!(Instant::now() < until, "the session stays");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn connections_come_from_the_address_that_was_given() {
    let rig = Rig::activated(1);
    let owner = ShutdownOwner::new();
    let sources = vec!["127.9.0.9".parse().unwrap(), "127.0.0.77".parse().unwrap()];
    let near = Options { sources, ..service(&rig, PATIENCE) };
    pool(near.clone(), crypto_user(PASSWORD), &owner).connect().await.unwrap();
    assert_eq!(rig.nodes[0].last_client(), Some("127.0.0.77".parse().unwrap()));
    let nobodys = Options { sources: vec!["192.0.2.1".parse().unwrap()], ..near };
    let error = pool(nobodys, crypto_user(PASSWORD), &owner).connect().await.unwrap_err();
    assert!(error.to_string().contains("192.0.2.1"), "{error}");
}
