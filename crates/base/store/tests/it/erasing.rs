//! What is deleted leaves SQLite's files.

use std::fs;

use strongroom_store::{Statement, Value};
use strongroom_testkit::{TestDatabase, run};

use crate::tables::open;

const ADD: Statement = Statement::new("INSERT INTO of_each_type (id, bytes) VALUES ($1, $2)");
const REPLACE: Statement = Statement::new("UPDATE of_each_type SET bytes = $2 WHERE id = $1");
const DELETE: Statement = Statement::new("DELETE FROM of_each_type WHERE id = $1");
const FIND: Statement = Statement::new("SELECT bytes FROM of_each_type WHERE id = $1");

/// Sixteen bytes that nothing else in the files has, again and again.
fn secret(number: i64, times: usize) -> Value {
    mark(number).repeat(times).into()
}

fn mark(number: i64) -> Vec<u8> {
    format!("=secret {number:06}=").into_bytes()
}

/// Whether any file of the database has them.
fn is_found(database: &TestDatabase, number: i64) -> bool {
    let files = fs::read_dir(database.directory().unwrap()).unwrap();
    let mark = mark(number);
    files
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .any(|bytes| bytes.windows(mark.len()).any(|part| part == mark))
}

#[test]
fn what_was_deleted_or_overwritten_is_in_no_file() {
    run(async {
        let database = TestDatabase::sqlite();
        let db = open(&database).await;
        // On its page, and longer than a page.
        for (id, times) in [(1, 20), (2, 20), (3, 20), (4, 1_000), (5, 1_000), (6, 1_000)] {
            db.execute(ADD, &[id.into(), secret(id, times)]).await.unwrap();
        }
        db.empty_log().await.unwrap();
        for id in [1, 4] {
            db.execute(DELETE, &[id.into()]).await.unwrap();
        }
        for id in [2, 5] {
            db.execute(REPLACE, &[id.into(), Value::from(Vec::new())]).await.unwrap();
        }
        assert!([1, 2, 4, 5].into_iter().any(|id| is_found(&database, id)), "the file is what it was");
        db.empty_log().await.unwrap();
        for id in [1, 2, 4, 5] {
            assert!(!is_found(&database, id), "{id}");
        }
        for id in [3, 6] {
            assert!(is_found(&database, id), "{id}: the others are in the files as they are");
        }
    });
}

#[test]
fn nobody_who_reads_what_was_before_is_waited_for() {
    run(async {
        let database = TestDatabase::sqlite();
        let db = open(&database).await;
        db.execute(ADD, &[1_i64.into(), secret(1, 20)]).await.unwrap();
        let before = db.snapshot().await.unwrap();
        db.execute(DELETE, &[1_i64.into()]).await.unwrap();
        db.empty_log().await.unwrap();
        db.execute(ADD, &[2_i64.into(), secret(2, 20)]).await.unwrap();
        assert_eq!(
            db.query_one(FIND, &[2_i64.into()]).await.unwrap().blob("bytes").unwrap(),
            mark(2).repeat(20)
        );
        assert!(is_found(&database, 1), "it is still read");
        drop(before);
        // The reader's connection is closed in its own time.
        while is_found(&database, 1) {
            db.empty_log().await.unwrap();
            tokio::task::yield_now().await;
        }
    });
}
