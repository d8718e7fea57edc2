//! Who can write the database, or the journal's place, and does not have the seal.

use std::fs;
use std::path::Path;

use strongroom_deriving::{Followed as _, Follower, adopt};
use strongroom_journal::Journal;
use strongroom_seal::Root;
use strongroom_secret::Key256;
use strongroom_store::{Db, Statement};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::fixture::{
    Names, append, derived, follower, names, open, root, segment, start, start_in_store,
    start_in_store_under, start_under, write_at,
};

on_both_engines! {
    a_stream_of_another_seal_is_not_derived,
    a_position_that_was_set_is_refused,
    positions_of_versions_before_are_believed_at_a_start,
    beside_sealed_positions_no_other_is_believed,
    a_stream_whose_key_is_unknown_waits_and_the_others_go_on,
}

fn another_seal() -> Root {
    Root::from_key(Key256::new([8; 32])).unwrap()
}

async fn a_stream_of_another_seal_is_not_derived(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    let journal = start_under(folder.path(), &another_seal());
    append(&journal, &names("planted", 20)).await;
    journal.close().await.unwrap();
    drop(journal);
    let journal = start(folder.path());
    append(&journal, &names("a", 3)).await;
    let following = follower(&db, &journal.reader(), Names::new());
    following.catch_up().await.unwrap();
    assert_eq!(derived(&db).await, names("a", 3));
    assert_eq!((following.progress().records, following.progress().damaged), (3, 20));
}

#[test]
fn a_chain_in_the_store_of_another_seal_is_not_derived() {
    strongroom_testkit::run(async {
        let database = TestDatabase::postgres();
        let db = open(&database).await;
        let (one, planted) = (start_in_store(&db, "one"), start_in_store_under(&db, "two", &another_seal()));
        let following = follower(&db, &one.reader(), Names::new());
        for part in ["a", "b"] {
            append(&planted, &names(&format!("p{part}"), 5)).await;
            append(&one, &names(part, 3)).await;
            following.catch_up().await.unwrap();
        }
        assert_eq!(derived(&db).await, [names("a", 3), names("b", 3)].concat());
    });
}

async fn tamper(db: &Db, sql: &'static str) {
    assert_eq!(db.execute(Statement::new(sql), &[]).await.unwrap(), 1, "{sql}");
}

async fn a_position_that_was_set_is_refused(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    let journal = start(folder.path());
    append(&journal, &names("a", 3)).await;
    follower(&db, &journal.reader(), Names::new()).catch_up().await.unwrap();
    append(&journal, &names("b", 3)).await;
    let (set, back) =
        ("UPDATE deriving_positions SET record = 5", "UPDATE deriving_positions SET record = 2, done = 0");
    for tampered in [set, "UPDATE deriving_positions SET done = 1"] {
        tamper(&db, tampered).await;
        let following = follower(&db, &journal.reader(), Names::new());
        let refused = following.catch_up().await.unwrap_err();
        assert!(std::error::Error::source(&refused).unwrap().to_string().contains("deriving_positions"));
        assert!(following.progress().is_failing);
        // Nothing of the journal goes meanwhile.
        following.read_to(&journal.reader().streams().unwrap()).await.unwrap_err();
        tamper(&db, back).await;
    }
    // As it was: it goes on.
    follower(&db, &journal.reader(), Names::new()).catch_up().await.unwrap();
    assert_eq!(derived(&db).await, [names("a", 3), names("b", 3)].concat());
}

async fn positions_of_versions_before_are_believed_at_a_start(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    for part in ["a", "b"] {
        let journal = start(folder.path());
        append(&journal, &names(part, 3)).await;
        follower(&db, &journal.reader(), Names::new()).catch_up().await.unwrap();
        journal.close().await.unwrap();
    }
    let all = Statement::new("UPDATE deriving_positions SET mac = NULL, proof = NULL");
    assert_eq!(db.execute(all, &[]).await.unwrap(), 2);
    adopt(&db, &root()).await.unwrap();
    let journal = start(folder.path());
    append(&journal, &names("c", 3)).await;
    let following = follower(&db, &journal.reader(), Names::new());
    following.catch_up().await.unwrap();
    assert_eq!(derived(&db).await, [names("a", 3), names("b", 3), names("c", 3)].concat());
    // Whoever takes MACs off while servers run, all of them even, has moved nothing.
    append(&journal, &names("d", 3)).await;
    let ahead = Statement::new("UPDATE deriving_positions SET record = 5, mac = NULL, proof = NULL");
    assert_eq!(db.execute(ahead, &[]).await.unwrap(), 3);
    following.catch_up().await.unwrap_err();
    following.catch_up().await.unwrap_err();
    following.read_to(&journal.reader().streams().unwrap()).await.unwrap_err();
    follower(&db, &journal.reader(), Names::new()).catch_up().await.unwrap_err();
    assert_eq!(derived(&db).await.len(), 9);
}

async fn beside_sealed_positions_no_other_is_believed(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    for part in ["a", "b"] {
        let journal = start(folder.path());
        append(&journal, &names(part, 3)).await;
        follower(&db, &journal.reader(), Names::new()).catch_up().await.unwrap();
        journal.close().await.unwrap();
    }
    let journal = start(folder.path());
    tamper(
        &db,
        "UPDATE deriving_positions SET mac = NULL \
         WHERE stream = (SELECT MIN(stream) FROM deriving_positions)",
    )
    .await;
    adopt(&db, &root()).await.unwrap();
    follower(&db, &journal.reader(), Names::new()).catch_up().await.unwrap_err();
}

/// Has the head of a segment name another epoch, with a hash that fits.
fn rename_epoch(segment: &Path, epoch: u32) {
    let mut head = fs::read(segment).unwrap();
    head.truncate(512);
    head[12..16].copy_from_slice(&epoch.to_le_bytes());
    let hash = strongroom_crypto::digest::sha256(&head[..448]);
    head[448..480].copy_from_slice(&hash);
    write_at(segment, &head, 0);
}

async fn a_stream_whose_key_is_unknown_waits_and_the_others_go_on(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    let journal = start(folder.path());
    append(&journal, &names("a", 3)).await;
    journal.close().await.unwrap();
    drop(journal);
    let journal = start(folder.path());
    append(&journal, &names("b", 3)).await;
    let (head, following) = (segment(folder.path(), 0), follower(&db, &journal.reader(), Names::new()));
    rename_epoch(&head, 9);
    for part in ["c", "d"] {
        following.catch_up().await.unwrap_err();
        append(&journal, &names(part, 3)).await;
    }
    assert_eq!(derived(&db).await, [names("b", 3), names("c", 3)].concat());
    assert_eq!(following.read_to(&journal.reader().streams().unwrap()).await.unwrap(), None);
    rename_epoch(&head, 1);
    following.catch_up().await.unwrap();
    assert_eq!(derived(&db).await, ["a", "b", "c", "d"].map(|part| names(part, 3)).concat());
    assert_eq!(following.progress().damaged, 0);
}

/// A live stream in the store, which a follower has had a part of.
async fn live() -> (TestDatabase, Db, Journal, Follower<Names>) {
    let database = TestDatabase::postgres();
    let db = open(&database).await;
    let one = start_in_store(&db, "one");
    let following = follower(&db, &one.reader(), Names::new());
    append(&one, &names("a", 3)).await;
    following.catch_up().await.unwrap();
    (database, db, one, following)
}

#[test]
fn a_stream_is_not_over_because_somebody_put_another_behind_it() {
    strongroom_testkit::run(async {
        let (_database, db, one, _) = live().await;
        let planted = start_in_store_under(&db, "two", &another_seal());
        append(&planted, &names("p", 3)).await;
        // As another server sees it: it knows of no end but what is in the store.
        let three = start_in_store(&db, "three");
        let following = follower(&db, &three.reader(), Names::new());
        tamper(&db, "UPDATE journal_pieces SET chain = 'one' WHERE chain = 'two'").await;
        following.catch_up().await.unwrap();
        tamper(
            &db,
            "UPDATE journal_pieces SET chain = 'two' WHERE chain = 'one' AND stream = \
             (SELECT MAX(stream) FROM journal_pieces WHERE chain = 'one')",
        )
        .await;
        append(&one, &names("b", 3)).await;
        following.catch_up().await.unwrap();
        assert_eq!(derived(&db).await, [names("a", 3), names("b", 3)].concat());
    });
}

#[test]
fn frames_taken_out_of_a_live_stream_are_told() {
    strongroom_testkit::run(async {
        let (_database, db, one, following) = live().await;
        append(&one, &names("b", 3)).await;
        let removed = Statement::new(
            "DELETE FROM journal_pieces WHERE position = (SELECT MIN(position) FROM journal_pieces WHERE first_record = 4)",
        );
        assert_eq!(db.execute(removed, &[]).await.unwrap(), 1);
        following.catch_up().await.unwrap();
        assert_eq!(
            derived(&db).await,
            [&names("a", 3)[..], &["b0000".to_owned(), "b0002".to_owned()]].concat()
        );
        assert!(following.progress().damaged > 0);
    });
}
