//! Emptying a store.

use std::sync::Arc;

use strongroom_store::{Db, Migration, Statement};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::task::JoinSet;

use crate::tables::{ADD_ACCOUNT, ADD_PAYMENT, COUNT_PAYMENTS, MIGRATIONS, open, open_again};

on_both_engines! {
    all_rows_go_whatever_refers_to_them_and_the_tables_stay,
    a_store_without_components_can_be_cleared,
    clearing_beside_others_loses_to_nobody,
}

/// Tables that refer to each other in a circle, and one whose name needs quoting.
const CIRCLE: &[Migration] = &[Migration {
    component: "circle",
    version: 1,
    name: "circle",
    sql: r#"
CREATE TABLE nodes (id BIGINT PRIMARY KEY, next BIGINT REFERENCES nodes (id));
CREATE TABLE "sqlite""; DROP TABLE meta" (node BIGINT NOT NULL REFERENCES nodes (id));"#,
}];
const ADD_NODE: Statement = Statement::new("INSERT INTO nodes (id, next) VALUES ($1, $2)");
const LINK: Statement = Statement::new("UPDATE nodes SET next = $2 WHERE id = $1");
const ADD_ODD: Statement = Statement::new(r#"INSERT INTO "sqlite""; DROP TABLE meta" (node) VALUES ($1)"#);
const COUNT_ODD: Statement = Statement::new(r#"SELECT COUNT(*) AS found FROM "sqlite""; DROP TABLE meta""#);
const COUNT_NODES: Statement = Statement::new("SELECT COUNT(*) AS found FROM nodes");
const COUNT_ACCOUNTS: Statement = Statement::new("SELECT COUNT(*) AS found FROM accounts");

async fn count(db: &Db, statement: Statement) -> i64 {
    db.query_one(statement, &[]).await.unwrap().i64("found").unwrap()
}

async fn fill(db: &Db) {
    db.execute(ADD_ACCOUNT, &["ann".into(), 5_i64.into()]).await.unwrap();
    db.execute(ADD_PAYMENT, &["ann".into(), 1_i64.into()]).await.unwrap();
    db.execute(ADD_NODE, &[1_i64.into(), 1_i64.into()]).await.unwrap();
    db.execute(ADD_NODE, &[2_i64.into(), 1_i64.into()]).await.unwrap();
    db.execute(LINK, &[1_i64.into(), 2_i64.into()]).await.unwrap();
    db.execute(ADD_ODD, &[2_i64.into()]).await.unwrap();
    db.transaction(|tx| Box::pin(async move { tx.post(&[1; 16], b"news").await })).await.unwrap();
}

async fn all_rows_go_whatever_refers_to_them_and_the_tables_stay(database: &TestDatabase) {
    let db = open(database).await;
    db.migrate(&[MIGRATIONS, CIRCLE]).await.unwrap();
    db.meta_set("seal", b"one").await.unwrap();
    // Twice: what clearing leaves is as good as new, rules between tables included.
    for _ in 0..2 {
        fill(&db).await;
        assert!(db.execute(ADD_PAYMENT, &["nobody".into(), 1_i64.into()]).await.is_err());

        db.meta_set("clock", b"ahead").await.unwrap();
        db.clear(&[("clock", None), ("never there", None), ("begun", Some(b"now"))]).await.unwrap();
        assert_eq!(db.meta_get("clock").await.unwrap(), None);
        assert_eq!(db.meta_get("begun").await.unwrap().unwrap(), b"now");
        for statement in [COUNT_ACCOUNTS, COUNT_NODES, COUNT_ODD] {
            assert_eq!(count(&db, statement).await, 0);
        }
        assert_eq!(db.posted(None, 10).await.unwrap(), []);
        assert_eq!(db.meta_get("seal").await.unwrap().unwrap(), b"one");
    }
    let again = open_again(database).await;
    again.migrate(&[MIGRATIONS, CIRCLE]).await.unwrap();
    fill(&again).await;
}

async fn a_store_without_components_can_be_cleared(database: &TestDatabase) {
    let db = open_again(database).await;
    db.transaction(|tx| Box::pin(async move { tx.post(&[1; 16], b"news").await })).await.unwrap();
    db.clear(&[]).await.unwrap();
    assert_eq!(db.posted(None, 10).await.unwrap(), []);
}

async fn clearing_beside_others_loses_to_nobody(database: &TestDatabase) {
    let db = Arc::new(open(database).await);
    let mut tasks = JoinSet::new();
    for number in 0..4_i64 {
        let db = db.clone();
        tasks.spawn(async move {
            for round in 0..10 {
                let name = &format!("{number}-{round}");
                db.transaction(|tx| {
                    Box::pin(async move {
                        tx.execute(ADD_ACCOUNT, &[name.as_str().into(), round.into()]).await?;
                        tx.execute(ADD_PAYMENT, &[name.as_str().into(), round.into()]).await.map(drop)
                    })
                })
                .await
                .unwrap();
            }
        });
    }
    for _ in 0..5 {
        db.clear(&[]).await.unwrap();
    }
    tasks.join_all().await;
    db.execute(ADD_ACCOUNT, &["ann".into(), 5_i64.into()]).await.unwrap();
    db.clear(&[]).await.unwrap();
    assert_eq!(count(&db, COUNT_ACCOUNTS).await, 0);
    let payments = db.query_one(COUNT_PAYMENTS, &["0-0".into()]).await.unwrap();
    assert_eq!(payments.i64("payments").unwrap(), 0);
}
