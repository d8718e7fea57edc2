//! Rotations on one server.

use std::sync::Mutex;
use std::time::Duration;

use strongroom_resealing::{ResealingError, settle};
use strongroom_runtime::ShutdownOwner;
use strongroom_seal::{Epoch, Purpose, Root};
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::vault::{NOW_MS, Server, THINGS, copy_seal, until};

on_both_engines! {
    everything_is_sealed_afresh_and_the_old_root_key_goes,
    what_is_written_meanwhile_is_read_for_ever,
    an_older_seal_is_told_what_to_do,
    another_seal_is_refused,
    subkeys_stay_as_long_as_something_needs_them,
    a_row_that_does_not_open_keeps_the_older_root_key,
    an_older_root_key_stays_for_the_grace_and_goes_by_itself,
    a_rotation_that_the_store_knows_of_and_its_server_not_goes_on,
}

async fn everything_is_sealed_afresh_and_the_old_root_key_goes(database: &TestDatabase) {
    let mut server = Server::first(database).await;
    for epoch in 2..5 {
        let told = Mutex::new(Vec::new());
        let tell = |progress: strongroom_resealing::Progress| told.lock().unwrap().push(progress.of);
        let outcome = server.resealing.rotate(&tell).await.unwrap();
        assert_eq!((outcome.epoch.number(), outcome.finished), (epoch, true));
        assert_eq!((outcome.totals.resealed, outcome.totals.refused), (THINGS as u64 + 3, 0));
        assert!(["things", "documents"].iter().all(|of| told.lock().unwrap().iter().any(|told| told == of)));
        assert_eq!(server.epochs_on_disk(), [epoch]);
        assert_eq!(server.read_all().await, THINGS);
        server = server.again(database).await;
        assert_eq!(server.epoch(), epoch);
        assert_eq!(server.read_all().await, THINGS);
        let checked = server.resealing.check(&|_| {}).await.unwrap();
        assert_eq!((checked.looked, checked.refused), (THINGS as u64 + 3, 0));
    }
}

async fn what_is_written_meanwhile_is_read_for_ever(database: &TestDatabase) {
    let server = Server::first(database).await;
    let writer = async {
        for round in 0..4 {
            for id in 0..THINGS {
                server.add(&format!("thing-{:04}", (id * 7 + round) % (2 * THINGS))).await;
            }
        }
    };
    let rotator = async {
        for _ in 0..2 {
            server.resealing.begin().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(writer, rotator);
    assert_eq!(server.epochs_on_disk(), [1, 2, 3]);
    server.resealing.finish(&|_| {}).await.unwrap();
    assert_eq!(server.epochs_on_disk(), [3]);
    assert!(server.read_all().await > THINGS);
}

async fn an_older_seal_is_told_what_to_do(database: &TestDatabase) {
    let server = Server::first(database).await;
    let old = tempfile::tempdir().unwrap();
    copy_seal(server.folder.path(), old.path());
    server.resealing.rotate(&|_| {}).await.unwrap();
    let refused = settle(&server.db, &Root::open(old.path()).unwrap()).await.unwrap_err();
    assert!(matches!(refused, ResealingError::LeftBehind { here: 1, store: 2 }), "{refused}");
    // What it should do.
    copy_seal(server.folder.path(), old.path());
    settle(&server.db, &Root::open(old.path()).unwrap()).await.unwrap();
}

async fn another_seal_is_refused(database: &TestDatabase) {
    let server = Server::first(database).await;
    for _ in 0..2 {
        let stranger = tempfile::tempdir().unwrap();
        let stranger = Root::create(stranger.path()).unwrap();
        for _ in 0..3 {
            let refused = settle(&server.db, &stranger).await.unwrap_err();
            let behind = matches!(refused, ResealingError::LeftBehind { .. });
            assert!(matches!(refused, ResealingError::WrongSeal) || behind, "{refused}");
            stranger.select(stranger.newest_epoch()).unwrap();
            stranger.select(stranger.prepare_next().unwrap()).unwrap();
        }
        server.resealing.rotate(&|_| {}).await.unwrap();
    }
}

async fn subkeys_stay_as_long_as_something_needs_them(database: &TestDatabase) {
    let server = Server::first(database).await;
    let has = |purpose, epoch| server.root.subkey(purpose, Epoch::new(epoch)).is_ok();
    server.resealing.rotate(&|_| {}).await.unwrap();
    assert!(has(Purpose::JournalMac, 1) && has(Purpose::BackupServiceHalf, 1));
    assert!(has(Purpose::SessionTokens, 1) && !has(Purpose::Secrets, 1) && !has(Purpose::RowMac, 1));
    // Two days on, no session of then is left.
    server.time.set(NOW_MS + 48 * 3_600_000);
    server.resealing.rotate(&|_| {}).await.unwrap();
    assert!(has(Purpose::JournalMac, 1) && has(Purpose::BackupServiceHalf, 1));
    assert!(!has(Purpose::SessionTokens, 1) && has(Purpose::SessionTokens, 2));
    assert!(!has(Purpose::BackupServiceHalf, 2) && !has(Purpose::JournalMac, 2));
    // Whatever is there: somebody may have a copy of what they signed.
    assert!(has(Purpose::JournalCheckpoints, 1) && has(Purpose::JournalCheckpoints, 2));
}

async fn a_row_that_does_not_open_keeps_the_older_root_key(database: &TestDatabase) {
    const SPOIL: Statement =
        Statement::new("UPDATE things SET mac = substr(mac, 1, 32) WHERE id = 'thing-0007'");
    let server = Server::first(database).await;
    server.db.execute(SPOIL, &[]).await.unwrap();
    let outcome = server.resealing.rotate(&|_| {}).await.unwrap();
    assert_eq!((outcome.finished, outcome.totals.refused), (false, 1));
    assert_eq!(outcome.totals.names, ["things thing-0007"]);
    assert_eq!(server.epochs_on_disk(), [1, 2]);
    // It is seen to.
    server.add("thing-0007").await;
    assert!(server.resealing.finish(&|_| {}).await.unwrap().finished);
    assert_eq!(server.epochs_on_disk(), [2]);
    assert_eq!(server.read_all().await, THINGS);
}

async fn an_older_root_key_stays_for_the_grace_and_goes_by_itself(database: &TestDatabase) {
    let server = Server::first(database).await.with_grace(Duration::from_hours(1)).await;
    let outcome = server.resealing.rotate(&|_| {}).await.unwrap();
    assert_eq!((outcome.finished, outcome.totals.refused), (false, 0));
    // What was sealed before and is committed only now.
    let late = Root::open(server.folder.path()).unwrap();
    late.select(Epoch::FIRST).unwrap();
    let late = Server { root: late, ..server };
    late.add("late").await;
    // Clocks may say what they like.
    late.time.set(NOW_MS + 100 * 3_600_000);
    assert!(!late.resealing.finish(&|_| {}).await.unwrap().finished);
    assert_eq!(late.epochs_on_disk(), [1, 2]);

    let server = late.with_grace(Duration::from_millis(10)).await;
    let owner = ShutdownOwner::new();
    owner.handle().spawn(server.resealing.clone().follow(owner.handle()));
    until("it is gone", async || server.epochs_on_disk() == [2]).await;
    assert!(owner.finish(Duration::from_secs(30)).await);
    assert_eq!(server.read_all().await, THINGS + 1);
}

/// Whoever had asked for it was gone between the commit and what follows it.
async fn a_rotation_that_the_store_knows_of_and_its_server_not_goes_on(database: &TestDatabase) {
    let server = Server::first(database).await;
    server.resealing.begin().await.unwrap();
    server.root.select(Epoch::FIRST).unwrap();
    let owner = ShutdownOwner::new();
    owner.handle().spawn(server.resealing.clone().follow(owner.handle()));
    until("it is gone", async || server.epochs_on_disk() == [2]).await;
    assert!(owner.finish(Duration::from_secs(30)).await);
    assert_eq!((server.epoch(), server.read_all().await), (2, THINGS));
}
