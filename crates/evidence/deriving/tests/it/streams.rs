//! Several streams, damage, and a beginning that moves.

use std::fs;
use std::path::Path;

use strongroom_deriving::Followed as _;
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::fixture::{Names, append, derived, follower, names, open, segment, start, start_in_store};

on_both_engines! {
    streams_of_several_starts_are_followed,
    what_is_damaged_is_passed_over,
    a_segment_that_was_taken_away_is_told,
    a_reset_begins_anew,
}

async fn streams_of_several_starts_are_followed(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    for part in ["a", "b", "c"] {
        let journal = start(folder.path());
        append(&journal, &names(part, 3)).await;
        if part == "b" {
            // Not to its end: the next start closes what is left open.
            follower(&db, &journal.reader(), Names::of_everything()).catch_up().await.unwrap();
            append(&journal, &names("bb", 3)).await;
        }
        journal.close().await.unwrap();
    }
    let journal = start(folder.path());
    follower(&db, &journal.reader(), Names::new()).catch_up().await.unwrap();
    assert_eq!(derived(&db).await, [names("a", 3), names("b", 3), names("bb", 3), names("c", 3)].concat());
}

/// Changes a byte in the middle of the first segment.
fn damage(folder: &Path) {
    let stream = fs::read_dir(folder).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        path.join("000001.seg").exists().then_some(path)
    });
    let segment = stream.unwrap().join("000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[1500] ^= 1;
    fs::write(&segment, bytes).unwrap();
}

async fn what_is_damaged_is_passed_over(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    let journal = start(folder.path());
    append(&journal, &names("a", 60)).await;
    journal.close().await.unwrap();
    drop(journal);
    damage(folder.path());
    let journal = start(folder.path());
    let reading = follower(&db, &journal.reader(), Names::new());
    reading.catch_up().await.unwrap();
    assert_eq!((derived(&db).await.len(), reading.progress().damaged), (59, 1));
}

async fn a_segment_that_was_taken_away_is_told(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    let journal = start(folder.path());
    let following = follower(&db, &journal.reader(), Names::new());
    append(&journal, &names("a", 3)).await;
    following.catch_up().await.unwrap();
    append(&journal, &names("b", 60)).await;
    fs::remove_file(segment(folder.path(), 0).with_file_name("000002.seg")).unwrap();
    following.catch_up().await.unwrap();
    let there = derived(&db).await.len() as u64;
    assert!(there < 63);
    // Each has a frame of its own.
    assert_eq!(following.progress().damaged, 63 - there);
}

async fn a_reset_begins_anew(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    let journal = start(folder.path());
    let following = follower(&db, &journal.reader(), Names::new());
    append(&journal, &names("a", 3)).await;
    following.catch_up().await.unwrap();
    journal.close().await.unwrap();
    drop(journal);
    let journal = start(folder.path());
    let rest = following.rest().await;
    db.clear(&[]).await.unwrap();
    following.start_over(rest, journal.reader().since(journal.stream()));
    append(&journal, &names("b", 3)).await;
    following.catch_up().await.unwrap();
    assert_eq!(derived(&db).await, names("b", 3));
}

#[test]
fn of_several_servers_journals_in_a_store_each_is_followed() {
    strongroom_testkit::run(async {
        let database = TestDatabase::postgres();
        let db = open(&database).await;
        let (one, other) = (start_in_store(&db, "one"), start_in_store(&db, "other"));
        let following = follower(&db, &one.reader(), Names::new());
        let mut expected = Vec::new();
        for (part, journal) in [("a", &one), ("b", &other), ("c", &other), ("d", &one)] {
            append(journal, &names(part, 3)).await;
            following.catch_up().await.unwrap();
            expected.extend(names(part, 3));
            assert_eq!(derived(&db).await, expected);
            // Nothing new: nothing happens.
            following.catch_up().await.unwrap();
        }
        other.close().await.unwrap();
        drop(other);
        let again = start_in_store(&db, "other");
        append(&again, &names("e", 3)).await;
        following.catch_up().await.unwrap();
        assert_eq!(derived(&db).await.len(), 15);
        assert_eq!(following.progress().records, 15);
    });
}
