//! Log-ins.

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use strongroom_crypto::digest::sha256;
use strongroom_crypto::{digest, rsa};
use strongroom_hsm_client::{Cluster, Credentials, KnownServer, LoginStep};
use strongroom_hsm_proto::command::{
    BeginRegistration, ChangePassword, Command, FailureCode, FinishRegistration, RegistrationPurpose,
    Result as Done, Role,
};
use strongroom_runtime::{Clocks, ManualTime};
use strongroom_secret::SecretString;

use crate::client::{
    PATIENT, cluster, create_user, credentials, generate_aes, logged_in, options, usernames,
};
use crate::rig::Rig;

#[test]
fn a_wrong_password_is_shown_to_one_hsm_only() {
    let rig = Rig::activated(3);
    let mut nobody = cluster(options(&rig));
    let wrong = Credentials {
        password: SecretString::new("wrong password".to_owned()),
        ..credentials("admin", Role::Admin)
    };
    assert_eq!(nobody.login(wrong).unwrap_err().code(), Some(FailureCode::LoginFailed));
    let asked = rig.calls().iter().filter(|calls| **calls > 0).count();
    assert_eq!(asked, 1);
    assert_eq!(nobody.user(), None);
    let error = nobody.call(create_user("x")).unwrap_err();
    assert_eq!(error.code(), Some(FailureCode::NotLoggedIn));
    nobody.login(credentials("admin", Role::Admin)).unwrap();
    nobody.call(create_user("x")).unwrap();
}

#[test]
fn a_user_that_the_first_hsm_has_not_heard_of_is_let_in() {
    let rig = Rig::activated(2);
    let mut admin = logged_in(options(&rig), "admin", Role::Admin);
    rig.nodes[0].faults.is_behind.store(true, Ordering::SeqCst);
    admin.call(create_user("new")).unwrap();
    let mut new = logged_in(options(&rig), "new", Role::CryptoUser);
    new.call(generate_aes(false)).unwrap();
    assert_eq!(new.user(), Some(("new", Role::CryptoUser)));
}

#[test]
fn hsms_that_say_nothing_take_no_time_from_those_that_answer() {
    let rig = Rig::activated(1);
    let begun = Clocks::system().real_now();
    let clock = Arc::new(ManualTime::at(begun));
    let welcome = i64::try_from(PATIENT.welcome.as_millis()).unwrap();
    let (mut silent, threads): (Vec<_>, Vec<_>) =
        (1..=3).map(|number| silent(&clock, begun + number * welcome)).unzip();
    let mut options = options(&rig);
    silent.append(&mut options.servers);
    options.servers = silent;
    let mut admin = Cluster::new(options, Clocks::new(clock.clone(), 0)).unwrap();
    admin.login(credentials("admin", Role::Admin)).unwrap();
    let waited = u128::try_from(Clocks::new(clock, 0).real_now() - begun).unwrap();
    assert!(waited > PATIENT.call.as_millis(), "they were all waited for");
    admin.call(create_user("x")).unwrap();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// An HSM that takes one connection and is silent, until so late that nobody waits for it any more.
fn silent(clock: &Arc<ManualTime>, until: i64) -> (KnownServer, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string().parse().unwrap();
    let clock = clock.clone();
    let thread = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.read_exact(&mut [0; 1]).unwrap();
        clock.set(until);
    });
    (KnownServer { server, learned: false }, thread)
}

#[test]
fn logging_out_ends_it_everywhere() {
    let rig = Rig::activated(2);
    let mut admin = logged_in(options(&rig), "admin", Role::Admin);
    admin.logout().unwrap();
    for _ in 0..4 {
        assert_eq!(admin.call(create_user("x")).unwrap_err().code(), Some(FailureCode::NotLoggedIn));
    }
    assert!(usernames(&mut admin).contains(&"admin".to_owned()));
}

#[test]
fn whoever_changes_the_own_password_stays_logged_in_at_every_hsm() {
    let rig = Rig::activated(2);
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    let change = ChangePassword {
        username: "CU1".to_owned(),
        role: Role::CryptoUser.into(),
        password: "another password".to_owned(),
        deregister_mfa: false,
        deregister_quorum: false,
    };
    alice.call(Command::ChangePassword(change)).unwrap();
    for node in &rig.nodes {
        node.kill();
        node.revive();
    }
    alice.call(generate_aes(true)).unwrap();
}

#[test]
fn a_second_factor_signs_for_every_hsm_and_is_not_remembered() {
    let rig = Rig::activated(2);
    let key = rsa::PrivateKey::generate(2_048, 65_537).unwrap();
    let sign = |digest: &[u8]| key.sign_pkcs1(digest::Hash::Sha256, digest).unwrap();
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    register(&mut alice, &key.public_key().to_spki().unwrap(), &sign);

    let mut alice = cluster(options(&rig));
    let LoginStep::Challenges(challenges) = alice.login(credentials("cu1", Role::CryptoUser)).unwrap() else {
        panic!("a second factor is asked for");
    };
    assert_eq!(challenges.len(), 2);
    let answers = challenges.into_iter().map(|challenge| {
        let signature = sign(&challenge.challenge);
        (challenge, signature)
    });
    alice.answer_challenges(answers.collect()).unwrap();
    for _ in 0..2 {
        alice.call(generate_aes(true)).unwrap();
    }
    for node in &rig.nodes {
        node.faults.swallowed.store(1, Ordering::SeqCst);
    }
    let error = alice.call(generate_aes(true)).unwrap_err();
    assert!(error.to_string().contains("log in again"), "{error}");
}

#[test]
fn a_wrong_signature_is_no_log_in() {
    let rig = Rig::activated(2);
    let key = rsa::PrivateKey::generate(2_048, 65_537).unwrap();
    let sign = |digest: &[u8]| key.sign_pkcs1(digest::Hash::Sha256, digest).unwrap();
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    register(&mut alice, &key.public_key().to_spki().unwrap(), &sign);
    let mut alice = cluster(options(&rig));
    let LoginStep::Challenges(challenges) = alice.login(credentials("cu1", Role::CryptoUser)).unwrap() else {
        panic!("a second factor is asked for");
    };
    let answers = challenges.into_iter().map(|challenge| (challenge, sign(&sha256(b"something else"))));
    let error = alice.answer_challenges(answers.collect()).unwrap_err();
    assert_eq!(error.code(), Some(FailureCode::ChallengeFailed));
    assert_eq!(alice.user(), None);
}

fn register(cluster: &mut Cluster, public_key: &[u8], sign: &dyn Fn(&[u8]) -> Vec<u8>) {
    let begin = Command::BeginRegistration(BeginRegistration {
        purpose: RegistrationPurpose::Mfa.into(),
        username: "cu1".to_owned(),
        role: Role::CryptoUser.into(),
    });
    let answer = cluster.call_each(&begin).unwrap().remove(0);
    let Ok(Some(Done::Challenge(challenge))) = answer.result.as_ref().map(|reply| reply.result.clone())
    else {
        panic!("{answer:?}");
    };
    let finish = FinishRegistration {
        purpose: RegistrationPurpose::Mfa.into(),
        username: "cu1".to_owned(),
        role: Role::CryptoUser.into(),
        public_key: public_key.to_vec(),
        signature: sign(&challenge.unsigned),
        unsigned: challenge.unsigned,
        password: crate::rig::PASSWORD.to_owned(),
    };
    cluster.call_at(&answer, Command::FinishRegistration(finish), Vec::new()).unwrap();
}
