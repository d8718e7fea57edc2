//! Who can write the database, or the journal's place, and does not have the seal.

use strongroom_deriving::Followed as _;
use strongroom_seal::Root;
use strongroom_secret::Key256;
use strongroom_store::{Db, Statement};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::fixture::{
    Names, append, derived, follower, names, open, start, start_in_store, start_in_store_under, start_under,
};

on_both_engines! {
    a_stream_of_another_seal_is_not_derived,
    a_position_that_was_set_is_refused,
    positions_of_versions_before_are_believed_once,
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

async fn positions_of_versions_before_are_believed_once(database: &TestDatabase) {
    let (folder, db) = (TempDir::new().unwrap(), open(database).await);
    for part in ["a", "b"] {
        let journal = start(folder.path());
        append(&journal, &names(part, 3)).await;
        follower(&db, &journal.reader(), Names::new()).catch_up().await.unwrap();
        journal.close().await.unwrap();
    }
    let all = Statement::new("UPDATE deriving_positions SET mac = NULL, proof = NULL");
    assert_eq!(db.execute(all, &[]).await.unwrap(), 2);
    let journal = start(folder.path());
    append(&journal, &names("c", 3)).await;
    follower(&db, &journal.reader(), Names::new()).catch_up().await.unwrap();
    assert_eq!(derived(&db).await, [names("a", 3), names("b", 3), names("c", 3)].concat());
    // Beside sealed ones, a row without is one that somebody put there.
    let one = Statement::new(
        "UPDATE deriving_positions SET mac = NULL \
         WHERE stream = (SELECT MIN(stream) FROM deriving_positions)",
    );
    assert_eq!(db.execute(one, &[]).await.unwrap(), 1);
    follower(&db, &journal.reader(), Names::new()).catch_up().await.unwrap_err();
}
