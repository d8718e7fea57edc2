//! Several servers on one PostgreSQL, each with a seal's folder of its own.

use std::time::Duration;

use strongroom_runtime::ShutdownOwner;
use strongroom_testkit::{TestDatabase, run};

use crate::vault::{Server, THINGS, copy_seal, until};

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
        // What is under way when a shutdown begins still seals: the names stay until the servers leave.
        assert!(owner.finish(Duration::from_secs(30)).await);
        assert_eq!(one.db.meta_list("seal.server.").await.unwrap().len(), 2);
        one.servers.leave().await.unwrap();
        other.servers.leave().await.unwrap();
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

/// What a server says that seals under root key `current` and has done so for so long.
fn said(newest: u32, current: u32, sealing_for: Duration, check: &[u8]) -> Vec<u8> {
    let sealing_for = u64::try_from(sealing_for.as_millis()).unwrap();
    let numbers = [newest.to_be_bytes(), current.to_be_bytes()].concat();
    [numbers.as_slice(), &7_u64.to_be_bytes(), &sealing_for.to_be_bytes(), check].concat()
}

#[test]
fn an_older_root_key_stays_until_every_server_has_long_sealed_under_the_new_one() {
    const GRACE: Duration = Duration::from_millis(1);
    run(async {
        let database = &TestDatabase::postgres();
        let one = Server::first(database).await.with_grace(GRACE).await;
        let epoch = one.resealing.begin().await.unwrap();
        let check = *one.root.check_value_of(epoch).unwrap().as_bytes();
        let stays = [
            ("under the older one", said(2, 1, GRACE * 1000, &check)),
            ("under the new one since now", said(2, 2, Duration::ZERO, &check)),
            ("of the version before", said(2, 2, GRACE, &check)[..16].to_vec()),
            ("in a form of later", vec![0xff; 3]),
        ];
        for (what, said) in stays {
            one.db.meta_set("seal.server.other", &said).await.unwrap();
            for _ in 0..3 {
                assert!(!one.resealing.finish(&|_| {}).await.unwrap().finished, "{what}");
            }
            assert_eq!(one.epochs_on_disk(), [1, 2], "{what}");
        }
        one.db.meta_set("seal.server.other", &said(2, 2, GRACE, &check)).await.unwrap();
        until("it goes", async || one.resealing.finish(&|_| {}).await.unwrap().finished).await;
        assert_eq!(one.epochs_on_disk(), [2]);
    });
}

#[test]
fn a_server_is_known_before_it_reads_anything_and_learns_what_came_meanwhile() {
    run(async {
        let database = &TestDatabase::postgres();
        let one = Server::first(database).await;
        let folder = tempfile::tempdir().unwrap();
        copy_seal(one.folder.path(), folder.path());
        // It has started, and does not follow yet: the older root key stays for it.
        let other = Server::start(database, folder).await.unwrap();
        assert_eq!(one.db.meta_list("seal.server.").await.unwrap().len(), 2);
        let begun = one.resealing.begin();
        tokio::pin!(begun);
        assert!(tokio::time::timeout(Duration::from_millis(700), begun.as_mut()).await.is_err());
        assert_eq!(one.epoch(), 1);
        let owner = ShutdownOwner::new();
        owner.handle().spawn(other.resealing.clone().follow(owner.handle()));
        begun.await.unwrap();
        assert_eq!(other.epochs_on_disk(), [1, 2]);
        assert!(owner.finish(Duration::from_secs(30)).await);
    });
}

/// It was asked to rotate and was killed before it had offered its root key.
#[test]
fn an_unused_root_key_gives_way_before_another_of_its_number_is_used() {
    run(async {
        let database = &TestDatabase::postgres();
        let one = Server::first(database).await;
        let other = one.beside(database).await;
        let lost = other.root.prepare_next().unwrap();
        let lost = other.root.check_value_of(lost);
        let owner = ShutdownOwner::new();
        owner.handle().spawn(other.resealing.clone().follow(owner.handle()));
        let epoch = one.resealing.begin().await.unwrap();
        assert_ne!(one.root.check_value_of(epoch), lost);
        assert_eq!(one.root.check_value_of(epoch), other.root.check_value_of(epoch));
        one.add("new").await;
        until("it seals under it too", async || other.epoch() == 2).await;
        assert_eq!(other.read_all().await, THINGS + 1);
        assert!(owner.finish(Duration::from_secs(30)).await);
    });
}

#[test]
fn a_server_that_is_left_behind_says_so() {
    run(async {
        let database = &TestDatabase::postgres();
        let one = Server::first(database).await;
        let other = one.beside(database).await;
        // Its name was taken out while it was away.
        other.servers.leave().await.unwrap();
        assert!(one.resealing.rotate(&|_| {}).await.unwrap().finished);
        assert!(!other.servers.is_left_behind());
        let owner = ShutdownOwner::new();
        owner.handle().spawn(other.resealing.clone().follow(owner.handle()));
        until("it knows", async || other.servers.is_left_behind()).await;
        assert!(owner.finish(Duration::from_secs(30)).await);
        assert!(!one.servers.is_left_behind());
    });
}
