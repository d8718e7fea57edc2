//! What must stay for a follower.

use strongroom_deriving::Followed as _;
use strongroom_journal::{Journal, Position, StreamId};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::fixture::{Names, append, follower, names, open, start};

fn streams(journal: &Journal) -> Vec<StreamId> {
    journal.reader().streams().unwrap()
}

on_both_engines! {
    what_was_not_had_is_kept,
}

async fn what_was_not_had_is_kept(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    let journal = start(folder.path());
    let first = journal.stream();
    let following = follower(&db, &journal.reader(), Names::new());
    assert_eq!(following.read_to(&streams(&journal)).await.unwrap(), None);
    append(&journal, &names("a", 3)).await;
    following.catch_up().await.unwrap();
    assert_eq!(
        following.read_to(&streams(&journal)).await.unwrap(),
        Some(Position { stream: first, record: 2 })
    );
    append(&journal, &names("b", 3)).await;
    journal.close().await.unwrap();
    drop(journal);

    let journal = start(folder.path());
    append(&journal, &names("c", 3)).await;
    let following = follower(&db, &journal.reader(), Names::new());
    assert_eq!(
        following.read_to(&streams(&journal)).await.unwrap(),
        Some(Position { stream: first, record: 2 })
    );
    following.catch_up().await.unwrap();
    let last = Position { stream: journal.stream(), record: 2 };
    assert_eq!(following.read_to(&streams(&journal)).await.unwrap(), Some(last));
}
