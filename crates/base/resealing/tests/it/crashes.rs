//! Rotations that end anywhere: what is there opens, and the next start goes on.

use std::fs;
use std::time::Duration;

use strongroom_seal::Root;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::vault::{Server, THINGS};

on_both_engines! {
    a_rotation_cut_off_anywhere_goes_on,
    a_root_key_that_the_store_never_heard_of_is_used_next,
    a_root_key_that_the_store_lets_go_goes_at_the_next_start,
}

async fn a_rotation_cut_off_anywhere_goes_on(database: &TestDatabase) {
    let mut server = Server::first(database).await;
    let mut delay = Duration::from_micros(100);
    loop {
        // The future is dropped where it stands, and memory with it.
        let whole = tokio::time::timeout(delay, server.resealing.rotate(&|_| {})).await;
        let rotated = whole.is_ok();
        if let Ok(outcome) = whole {
            outcome.unwrap();
        }
        server = server.again(database).await;
        assert_eq!(server.read_all().await, THINGS, "cut off after {delay:?}");
        if rotated {
            break;
        }
        if server.root.epochs().len() > 10 {
            assert!(server.resealing.finish(&|_| {}).await.unwrap().finished);
        }
        delay = delay * 5 / 4;
    }
    assert!(server.resealing.finish(&|_| {}).await.unwrap().finished);
    assert_eq!(server.epochs_on_disk(), [server.epoch()]);
    assert_eq!(server.read_all().await, THINGS);
}

async fn a_root_key_that_the_store_never_heard_of_is_used_next(database: &TestDatabase) {
    let server = Server::first(database).await;
    let next = server.root.prepare_next().unwrap();
    let check = server.root.check_value_of(next);
    let server = server.again(database).await;
    assert_eq!((server.epoch(), server.epochs_on_disk()), (1, vec![1, 2]));
    assert_eq!(server.read_all().await, THINGS);
    server.resealing.rotate(&|_| {}).await.unwrap();
    assert_eq!(Some(server.root.check_value()), check);
    assert_eq!(server.epochs_on_disk(), [2]);
}

/// The store said so, and the server died before its file did.
async fn a_root_key_that_the_store_lets_go_goes_at_the_next_start(database: &TestDatabase) {
    let server = Server::first(database).await;
    server.resealing.begin().await.unwrap();
    let slots = server.folder.path().join("root.slots");
    let before = fs::read(&slots).unwrap();
    server.resealing.finish(&|_| {}).await.unwrap();
    fs::write(&slots, before).unwrap();
    let server = server.again(database).await;
    assert_eq!(server.epochs_on_disk(), [1, 2]);
    assert_eq!(server.read_all().await, THINGS);
    server.resealing.finish(&|_| {}).await.unwrap();
    assert_eq!(server.epochs_on_disk(), [2]);
    assert_eq!(Root::open(server.folder.path()).unwrap().check_value(), server.root.check_value());
}
