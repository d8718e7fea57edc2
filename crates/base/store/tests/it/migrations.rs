//! Forward only, once, and all servers agree.

use strongroom_store::{Db, Migration, OpenOptions, SchemaError, Statement, StoreError};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::task::JoinSet;

use crate::tables::{ADD_ACCOUNT, MIGRATIONS, open, open_again};

const COUNT: Statement = Statement::new("SELECT COUNT(*) AS steps FROM schema_migrations");

const OWNER: Statement = Statement::new("SELECT owner FROM accounts WHERE name = $1");

const fn step(component: &'static str, version: u32, sql: &'static str) -> Migration {
    Migration { component, version, name: "step", sql }
}

/// The store's own steps: the table of named values, the outbox, the change feed, who writes to the outbox.
const OWN: i64 = 4;

async fn steps(db: &Db) -> i64 {
    db.query_one(COUNT, &[]).await.unwrap().i64("steps").unwrap()
}

on_both_engines! {
    each_runs_once,
    a_later_one_finds_the_rows_of_the_earlier,
    a_newer_database_is_refused,
    an_altered_one_is_refused,
    a_gap_or_a_repetition_is_refused,
    a_failed_one_leaves_nothing,
    servers_may_start_at_once,
}

async fn each_runs_once(database: &TestDatabase) {
    let db = open(database).await;
    db.execute(ADD_ACCOUNT, &["a".into(), 1_i64.into()]).await.unwrap();
    db.migrate(&[MIGRATIONS]).await.unwrap();
    open(database).await;
    assert_eq!(steps(&db).await, OWN + 2);
}

async fn a_later_one_finds_the_rows_of_the_earlier(database: &TestDatabase) {
    let db = open_again(database).await;
    db.migrate(&[&MIGRATIONS[..1]]).await.unwrap();
    db.execute(ADD_ACCOUNT, &["a".into(), 1_i64.into()]).await.unwrap();
    let more = step("shop", 3, "ALTER TABLE accounts ADD COLUMN owner TEXT");
    db.migrate(&[&[MIGRATIONS[0], MIGRATIONS[1], more]]).await.unwrap();
    let row = db.query_one(OWNER, &["a".into()]).await.unwrap();
    assert_eq!(row.opt_text("owner").unwrap(), None);
}

async fn a_newer_database_is_refused(database: &TestDatabase) {
    let db = open_again(database).await;
    let other = [step("other", 1, "CREATE TABLE other (id BIGINT PRIMARY KEY)")];
    db.migrate(&[MIGRATIONS, &other]).await.unwrap();
    for older in [&[&MIGRATIONS[..1], &other[..]][..], &[MIGRATIONS]] {
        let error = db.migrate(older).await.unwrap_err();
        assert!(matches!(error, StoreError::Schema(SchemaError::Newer { .. })), "{error:?}");
        assert!(error.to_string().contains("written by a newer Strongroom"), "{error}");
    }
}

async fn an_altered_one_is_refused(database: &TestDatabase) {
    let db = open(database).await;
    let altered =
        [MIGRATIONS[0], Migration { sql: "CREATE TABLE of_each_type (id BIGINT)", ..MIGRATIONS[1] }];
    let error = db.migrate(&[&altered]).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Schema(SchemaError::Altered { component: "shop", version: 2, .. })),
        "{error:?}"
    );
}

async fn a_gap_or_a_repetition_is_refused(database: &TestDatabase) {
    let db = open_again(database).await;
    for wrong in [&[MIGRATIONS[1]][..], &[MIGRATIONS[0], MIGRATIONS[0]]] {
        let error = db.migrate(&[wrong]).await.unwrap_err();
        assert!(matches!(error, StoreError::Schema(SchemaError::OutOfOrder { .. })), "{error:?}");
    }
    assert_eq!(steps(&db).await, OWN);
}

async fn a_failed_one_leaves_nothing(database: &TestDatabase) {
    let db = open_again(database).await;
    let broken =
        step("shop", 1, "CREATE TABLE things (id BIGINT PRIMARY KEY); CREATE TABLE things (id BIGINT);");
    db.migrate(&[&[broken]]).await.unwrap_err();
    let mended = step("shop", 1, "CREATE TABLE things (id BIGINT PRIMARY KEY);");
    db.migrate(&[&[mended]]).await.unwrap();
    assert_eq!(steps(&db).await, OWN + 1);
}

async fn servers_may_start_at_once(database: &TestDatabase) {
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let url = database.url().to_owned();
        tasks.spawn(async move {
            let db = Db::open(&url, &OpenOptions::default()).await?;
            db.migrate(&[MIGRATIONS]).await
        });
    }
    for outcome in tasks.join_all().await {
        outcome.unwrap();
    }
    assert_eq!(steps(&open_again(database).await).await, OWN + 2);
}

#[test]
fn a_program_without_migrations_refuses_a_database_that_has_some() {
    strongroom_testkit::run(async {
        let database = TestDatabase::sqlite();
        open(&database).await.close().await.unwrap();
        let error = open_again(&database).await.migrate(&[]).await.unwrap_err();
        assert!(error.to_string().contains("shop migration 1 (accounts)"), "{error}");
    });
}
