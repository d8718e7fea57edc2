//! HSMs that answer what makes no sense: the call goes to another, and the client stays up.

use std::sync::Arc;

use strongroom_hsm_client::{ClientError, Pool, RetryMode};
use strongroom_hsm_proto::command::{Answer, Failure, Role, Welcome};
use strongroom_hsm_proto::frame::{Encoder, Header, Kind, MAX_ANSWER};
use strongroom_runtime::{Clocks, ShutdownOwner};

use crate::client::{create_user, credentials, generate_aes, logged_in, options};
use crate::rig::{REQUEST, Rig};

/// A frame, written by hand.
fn frame(kind: u8, request: [u8; 8], payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(13 + payload.len()).unwrap();
    [&length.to_be_bytes()[..], &[kind], &request, &[0; 4], payload].concat()
}

fn written(kind: Kind, message: &impl prost::Message) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.push(Header::of(kind), message, MAX_ANSWER).unwrap();
    encoder.bytes().to_vec()
}

/// Answers, and a word of what is said of them.
fn answers() -> Vec<(Vec<u8>, &'static str)> {
    let goodbye = Failure { code: 0, text: "the HSM is closing for today".to_owned() };
    vec![
        (vec![0; 4], "too short"),
        (vec![0xff; 4], "are allowed"),
        (frame(9, [0; 8], b""), "kind 9"),
        (frame(1, [0; 8], b""), "not asked"),
        (written(Kind::Welcome, &Welcome::default()), "not asked"),
        (written(Kind::Goodbye, &goodbye), "closing for today"),
        (frame(5, [0; 8], b"\xff\xff"), ""),
        (frame(4, REQUEST, b"\xff\xff\xff"), "not a message"),
        (frame(4, REQUEST, &prost::Message::encode_to_vec(&Answer::default())), "answers nothing"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), ""),
    ]
}

#[test]
fn the_blocking_client_goes_to_another_hsm() {
    let rig = Rig::activated(2);
    for (number, (bytes, word)) in answers().into_iter().enumerate() {
        let mut without = options(&rig);
        without.retry = RetryMode::Off;
        let mut told = logged_in(without, "admin", Role::Admin);
        let mut admin = logged_in(options(&rig), "admin", Role::Admin);
        let prepare = || {
            for node in &rig.nodes {
                *node.faults.nonsense.lock().unwrap() = vec![bytes.clone()];
            }
        };
        prepare();
        let error = told.call(create_user("x")).unwrap_err();
        assert!(
            matches!(&error, ClientError::DeadlineExceeded(text) if text.contains(word)),
            "{bytes:?}: {error}"
        );
        prepare();
        admin.call(create_user(&format!("user{number}"))).unwrap();
    }
    // An answer to another call is none to this one.
    let mut alice = logged_in(options(&rig), "cu1", Role::CryptoUser);
    for node in &rig.nodes {
        *node.faults.nonsense.lock().unwrap() = vec![frame(4, [1; 8], b"")];
    }
    alice.call(generate_aes(true)).unwrap();
}

#[tokio::test]
async fn the_asynchronous_client_goes_to_another_hsm() {
    let rig = Rig::activated(2);
    let owner = ShutdownOwner::new();
    let alice = Some(credentials("cu1", Role::CryptoUser));
    let alice = Pool::new(options(&rig), alice, Clocks::system(), owner.handle()).unwrap();
    alice.connect().await.unwrap();
    for (bytes, _) in answers() {
        for node in &rig.nodes {
            *node.faults.nonsense.lock().unwrap() = vec![bytes.clone()];
        }
        alice.call(generate_aes(true)).await.unwrap();
    }
    drop(alice);
    assert_eq!(Arc::strong_count(&rig.log), 1 + rig.nodes.len());
}
