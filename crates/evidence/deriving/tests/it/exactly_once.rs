//! Commits that stop, and followers of which several read the same.

use std::sync::Arc;

use strongroom_deriving::Followed as _;
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::fixture::{How, Names, append, derived, follower, names, open, start};

on_both_engines! {
    every_statement_is_understood,
    what_is_written_is_derived_and_goes_on_after_a_start,
    a_commit_that_is_cut_off_leaves_nothing,
    of_two_servers_one_derives_a_record,
}

async fn every_statement_is_understood(database: &TestDatabase) {
    open(database).await.check_statements(strongroom_deriving::STATEMENTS).await.unwrap();
}

async fn what_is_written_is_derived_and_goes_on_after_a_start(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    let journal = start(folder.path());
    let first = follower(&db, &journal.reader(), Names::new());
    append(&journal, &names("a", 60)).await;
    first.catch_up().await.unwrap();
    assert_eq!(derived(&db).await, names("a", 60));
    // Nothing new: nothing happens.
    first.catch_up().await.unwrap();
    append(&journal, &names("b", 60)).await;
    first.catch_up().await.unwrap();
    assert_eq!(first.progress().records, 120);
    // Another one goes on in the middle of a segment.
    append(&journal, &names("c", 5)).await;
    let second = follower(&db, &journal.reader(), Names::new());
    second.catch_up().await.unwrap();
    assert_eq!(second.progress().records, 5);
    assert_eq!(derived(&db).await, [names("a", 60), names("b", 60), names("c", 5)].concat());
}

async fn a_commit_that_is_cut_off_leaves_nothing(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    let journal = start(folder.path());
    append(&journal, &names("a", 10)).await;
    for how in [How::Fails, How::Hangs] {
        let (effect, stop) = Names::stopping(0, how);
        let cut = follower(&db, &journal.reader(), effect);
        tokio::select! {
            outcome = cut.catch_up() => assert!(outcome.is_err()),
            // As if the process ended here.
            () = stop.reached.notified(), if how == How::Hangs => {}
        }
        drop(cut);
        assert_eq!(derived(&db).await, Vec::<String>::new());
    }
    let whole = follower(&db, &journal.reader(), Names::new());
    whole.catch_up().await.unwrap();
    assert_eq!(derived(&db).await, names("a", 10));
}

async fn of_two_servers_one_derives_a_record(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    let journal = start(folder.path());
    let servers: Vec<_> = (0..2).map(|_| Arc::new(follower(&db, &journal.reader(), Names::new()))).collect();
    for round in 0..20 {
        append(&journal, &names(&format!("r{round:02}x"), 7)).await;
        let (one, other) = tokio::join!(servers[0].catch_up(), servers[1].catch_up());
        one.unwrap();
        other.unwrap();
    }
    let had: u64 = servers.iter().map(|server| server.progress().records).sum();
    assert_eq!((derived(&db).await.len(), had), (140, 140));
}
