//! Several servers on one PostgreSQL, each with a seal's folder of its own.

use std::time::Duration;

use strongroom_resealing::ResealingError;
use strongroom_runtime::ShutdownOwner;
use strongroom_testkit::{TestDatabase, run};

use crate::vault::{NOW_MS, Server, THINGS, copy_seal};

#[test]
fn every_server_gets_the_new_root_key_before_it_is_used() {
    run(async {
        let database = &TestDatabase::postgres();
        let one = Server::first(database).await;
        let other = one.beside(database).await;
        let owner = ShutdownOwner::new();
        let shutdown = owner.handle();
        shutdown.spawn(one.resealing.clone().follow(shutdown.clone()));
        shutdown.spawn(other.resealing.clone().follow(shutdown.clone()));
        until("the other server has said that it is there", async || {
            one.db.meta_list("seal.server.").await.unwrap().len() == 2
        })
        .await;
        for epoch in 2..4 {
            one.resealing.begin().await.unwrap();
            // Whatever the one writes now, the other reads at once.
            one.add("of the one").await;
            assert_eq!(other.epochs_on_disk().last(), Some(&epoch));
            until("the other server seals under it too", async || other.epoch() == epoch).await;
            other.add("of the other").await;
            assert_eq!((one.read_all().await, other.read_all().await), (THINGS + 2, THINGS + 2));
            until("all is done", async || one.resealing.finish(&|_| {}).await.unwrap().finished).await;
            until("the other lets the older root key go too", async || other.epochs_on_disk() == [epoch])
                .await;
            assert_eq!((one.read_all().await, other.read_all().await), (THINGS + 2, THINGS + 2));
            assert!(one.db.meta_list("seal.handover.").await.unwrap().is_empty());
        }
        assert!(owner.finish(Duration::from_secs(5)).await);
        assert!(one.db.meta_list("seal.server.").await.unwrap().is_empty());
    });
}

#[test]
fn a_server_that_was_down_learns_at_its_start() {
    run(async {
        let database = &TestDatabase::postgres();
        let one = Server::first(database).await;
        let folder = tempfile::tempdir().unwrap();
        copy_seal(one.folder.path(), folder.path());
        one.resealing.begin().await.unwrap();
        one.add("new").await;
        let other = Server::start(database, folder).await.unwrap();
        assert_eq!((other.epoch(), other.epochs_on_disk()), (2, vec![1, 2]));
        assert_eq!(other.read_all().await, THINGS + 1);
    });
}

#[test]
fn of_two_that_rotate_at_once_both_have_one_root_key_in_the_end() {
    run(async {
        let database = &TestDatabase::postgres();
        let one = Server::first(database).await;
        let other = one.beside(database).await;
        for _ in 0..3 {
            let (a, b) = tokio::join!(one.resealing.begin(), other.resealing.begin());
            assert!(a.is_ok() || b.is_ok(), "{a:?}, {b:?}");
            for server in [&one, &other] {
                strongroom_resealing::settle(&server.db, &server.root).await.unwrap();
            }
            assert_eq!(one.root.check_value(), other.root.check_value());
            one.add("of the one").await;
            other.add("of the other").await;
            assert_eq!((one.read_all().await, other.read_all().await), (THINGS + 2, THINGS + 2));
        }
    });
}

#[test]
fn an_older_root_key_stays_while_a_server_may_use_it() {
    run(async {
        let database = &TestDatabase::postgres();
        let one = Server::first(database).await;
        // It said in which epoch it seals, 61 seconds ago, and nothing since.
        let (epoch, at_ms) = (1_u32.to_be_bytes(), (NOW_MS - 61_000).to_be_bytes());
        let said = [epoch.as_slice(), &epoch, &at_ms].concat();
        one.db.meta_set("seal.server.silent", &said).await.unwrap();
        let outcome = one.resealing.rotate(&|_| {}).await.unwrap();
        assert!(!outcome.finished);
        assert_eq!(one.epochs_on_disk(), [1, 2]);
        one.time.set(NOW_MS + 3_600_000);
        assert!(one.resealing.finish(&|_| {}).await.unwrap().finished);
        assert_eq!(one.epochs_on_disk(), [2]);
        assert!(!matches!(one.resealing.begin().await, Err(ResealingError::NotEverywhere { .. })));
    });
}

/// Waits for what has to come; a test that waits for ever is ended by whoever runs it.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: not after half a minute");
}
