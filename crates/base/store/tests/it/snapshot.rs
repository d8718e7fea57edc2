//! A store read in one piece, and another filled with what it held.

use std::sync::Arc;

use strongroom_store::{Db, Migration, SchemaError, Statement, StoreError, Table, Type, Value};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::task::JoinSet;

use crate::tables::{ADD_ACCOUNT, ADD_MONEY, ADD_PAYMENT, MIGRATIONS, money, open, open_again};

on_both_engines! {
    what_one_engine_holds_the_other_takes,
    a_snapshot_is_one_moment,
    rows_that_come_after_it_are_not_in_it,
    a_load_that_is_given_up_leaves_nothing,
    rules_between_tables_hold_at_the_end_and_afterwards,
    only_an_empty_store_is_filled,
    tables_of_another_program_are_refused,
    older_tables_are_filled_and_then_brought_forward,
    what_a_table_does_not_take_is_refused,
    a_table_of_somebody_else_is_refused,
}

const ADD_OF_EACH: Statement =
    Statement::new("INSERT INTO of_each_type (id, number, ratio, name, bytes) VALUES ($1, $2, $3, $4, $5)");

/// Tables that refer to each other in a circle.
const CIRCLE: &[Migration] = &[Migration {
    component: "circle",
    version: 1,
    name: "circle",
    sql: r#"CREATE TABLE "odd "" name" (id BIGINT PRIMARY KEY, "next one" BIGINT REFERENCES "odd "" name" (id))"#,
}];
const ADD_NODE: Statement = Statement::new(r#"INSERT INTO "odd "" name" (id, "next one") VALUES ($1, NULL)"#);
const LINK: Statement = Statement::new(r#"UPDATE "odd "" name" SET "next one" = $2 WHERE id = $1"#);
const LINKS: Statement = Statement::new(r#"SELECT id, "next one" FROM "odd "" name" ORDER BY id"#);

type Content = Vec<(Table, Vec<Vec<Value>>)>;

async fn read(db: &Db) -> Content {
    let mut snapshot = db.snapshot().await.unwrap();
    let mut content = Vec::new();
    for table in snapshot.tables().to_vec() {
        let mut rows = Vec::new();
        let mut reading = snapshot.rows(&table);
        while let Some(row) = reading.next().await.unwrap() {
            rows.push(row);
        }
        drop(reading);
        rows.sort_by_key(|row| format!("{row:?}"));
        content.push((table, rows));
    }
    content
}

async fn fill(db: &Db, from: &Db, sets: &[&[Migration]]) -> Result<(), StoreError> {
    let applied = from.snapshot().await.unwrap().applied().to_vec();
    let mut load = db.load(sets, &applied).await?;
    for (table, rows) in read(from).await {
        load.insert(&table, &rows).await?;
    }
    load.commit().await
}

async fn values_of_each_type(db: &Db) {
    let rows: [[Value; 5]; 4] = [
        [1_i64.into(), i64::MIN.into(), (-0.0_f64).into(), "".into(), Vec::<u8>::new().into()],
        [
            2_i64.into(),
            i64::MAX.into(),
            f64::INFINITY.into(),
            "Grüße, 世界\n".into(),
            vec![0_u8; 70_000].into(),
        ],
        [3_i64.into(), 0_i64.into(), 0.1_f64.into(), "'; DROP TABLE meta".into(), vec![0xff_u8, 0, 1].into()],
        [
            4_i64.into(),
            Value::Null(Type::I64),
            Value::Null(Type::F64),
            Value::Null(Type::Text),
            Value::Null(Type::Blob),
        ],
    ];
    for row in rows {
        db.execute(ADD_OF_EACH, &row).await.unwrap();
    }
}

async fn what_one_engine_holds_the_other_takes(database: &TestDatabase) {
    let db = open(database).await;
    db.migrate(&[MIGRATIONS, CIRCLE]).await.unwrap();
    values_of_each_type(&db).await;
    db.execute(ADD_ACCOUNT, &["ann".into(), 5_i64.into()]).await.unwrap();
    db.transaction(|tx| {
        Box::pin(async move {
            for number in 0..10_000_i64 {
                tx.execute(ADD_PAYMENT, &["ann".into(), number.into()]).await?;
            }
            Ok::<_, StoreError>(())
        })
    })
    .await
    .unwrap();
    for id in 1..=3_i64 {
        db.execute(ADD_NODE, &[id.into()]).await.unwrap();
    }
    for (id, next) in [(1_i64, 2_i64), (2, 3), (3, 1)] {
        db.execute(LINK, &[id.into(), next.into()]).await.unwrap();
    }
    db.meta_set("seal", b"one").await.unwrap();
    db.transaction(|tx| Box::pin(async move { tx.post(&[1; 16], b"news").await })).await.unwrap();

    for target in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        let other = open_again(&target).await;
        fill(&other, &db, &[MIGRATIONS, CIRCLE]).await.unwrap();
        assert!(read(&other).await == read(&db).await);
        // As good as one that was always there.
        other.migrate(&[MIGRATIONS, CIRCLE]).await.unwrap();
        assert_eq!(other.meta_get("seal").await.unwrap().unwrap(), b"one");
        assert!(other.execute(ADD_PAYMENT, &["nobody".into(), 1_i64.into()]).await.is_err());
        assert!(other.execute(LINK, &[1_i64.into(), 9_i64.into()]).await.is_err());
        assert_eq!(other.query(LINKS, &[]).await.unwrap()[2].i64("next one").unwrap(), 1);
    }
}

async fn a_snapshot_is_one_moment(database: &TestDatabase) {
    let db = Arc::new(open(database).await);
    for name in ["ann", "bob", "cat"] {
        db.execute(ADD_ACCOUNT, &[name.into(), 1_000_i64.into()]).await.unwrap();
    }
    let mut tasks = JoinSet::new();
    for (from, to) in [("ann", "bob"), ("bob", "cat"), ("cat", "ann")] {
        let db = db.clone();
        tasks.spawn(async move {
            for _ in 0..50 {
                db.transaction(|tx| {
                    Box::pin(async move {
                        tx.execute(ADD_MONEY, &[from.into(), (-1_i64).into()]).await?;
                        tx.execute(ADD_MONEY, &[to.into(), 1_i64.into()]).await.map(drop)
                    })
                })
                .await
                .unwrap_or_else(|error: StoreError| {
                    assert!(matches!(error, StoreError::Conflict), "{error}");
                });
            }
        });
    }
    let mut looks = 0;
    while !tasks.is_empty() {
        while tasks.try_join_next().is_some() {}
        let (_, rows) = read(&db).await.into_iter().find(|(table, _)| table.name == "accounts").unwrap();
        let sum: i64 = rows
            .iter()
            .map(|row| match row[1] {
                Value::I64(money) => money,
                _ => panic!("no money: {row:?}"),
            })
            .sum();
        assert_eq!(sum, 3_000);
        looks += 1;
    }
    assert!(looks > 0);
}

async fn rows_that_come_after_it_are_not_in_it(database: &TestDatabase) {
    let db = open(database).await;
    db.execute(ADD_ACCOUNT, &["ann".into(), 1_i64.into()]).await.unwrap();
    let mut snapshot = db.snapshot().await.unwrap();
    let accounts = snapshot.tables().iter().find(|table| table.name == "accounts").unwrap().clone();
    // Who writes is not kept waiting by who reads.
    db.execute(ADD_ACCOUNT, &["bob".into(), 1_i64.into()]).await.unwrap();
    let mut rows = snapshot.rows(&accounts);
    assert_eq!(rows.next().await.unwrap().unwrap()[0], "ann".into());
    assert_eq!(rows.next().await.unwrap(), None);
    drop(rows);
    drop(snapshot);
    assert_eq!(money(&db, "bob").await, 1);
    db.close().await.unwrap();
}

async fn a_load_that_is_given_up_leaves_nothing(database: &TestDatabase) {
    let source = TestDatabase::sqlite();
    let from = open(&source).await;
    from.execute(ADD_ACCOUNT, &["ann".into(), 5_i64.into()]).await.unwrap();
    let db = open_again(database).await;
    let applied = from.snapshot().await.unwrap().applied().to_vec();
    let mut load = db.load(&[MIGRATIONS], &applied).await.unwrap();
    for (table, rows) in read(&from).await {
        load.insert(&table, &rows).await.unwrap();
    }
    drop(load);
    for (table, rows) in read(&db).await {
        assert_eq!(rows, Vec::<Vec<Value>>::new(), "{}", table.name);
    }
    fill(&db, &from, &[MIGRATIONS]).await.unwrap();
    assert_eq!(money(&db, "ann").await, 5);
}

async fn rules_between_tables_hold_at_the_end_and_afterwards(database: &TestDatabase) {
    let db = open_again(database).await;
    let applied = {
        let source = TestDatabase::sqlite();
        open(&source).await.snapshot().await.unwrap().applied().to_vec()
    };
    let columns = |columns: &[(&str, Type)]| {
        columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect::<Vec<_>>()
    };
    let payments = Table {
        name: "payments".to_owned(),
        columns: columns(&[("account", Type::Text), ("number", Type::I64)]),
    };
    let accounts = Table {
        name: "accounts".to_owned(),
        columns: columns(&[("version", Type::I64), ("money", Type::I64), ("name", Type::Text)]),
    };
    let mut load = db.load(&[MIGRATIONS], &applied).await.unwrap();
    load.insert(&payments, &[vec!["ann".into(), 1_i64.into()]]).await.unwrap();
    assert!(matches!(load.commit().await, Err(StoreError::Constraint(_))));

    let mut load = db.load(&[MIGRATIONS], &applied).await.unwrap();
    load.insert(&payments, &[vec!["ann".into(), 1_i64.into()]]).await.unwrap();
    load.insert(&accounts, &[vec![1_i64.into(), 7_i64.into(), "ann".into()]]).await.unwrap();
    load.commit().await.unwrap();
    assert_eq!(money(&db, "ann").await, 7);
    assert!(db.execute(ADD_PAYMENT, &["nobody".into(), 1_i64.into()]).await.is_err());
}

async fn only_an_empty_store_is_filled(database: &TestDatabase) {
    let db = open(database).await;
    db.meta_set("seal", b"one").await.unwrap();
    let applied = db.snapshot().await.unwrap().applied().to_vec();
    let error = db.load(&[MIGRATIONS], &applied).await.err().unwrap();
    assert!(error.to_string().contains("has rows already, in table meta"), "{error}");
}

async fn tables_of_another_program_are_refused(database: &TestDatabase) {
    let source = TestDatabase::sqlite();
    let applied = open(&source).await.snapshot().await.unwrap().applied().to_vec();
    let db = open_again(database).await;
    let error = db.load(&[], &applied).await.err().unwrap();
    assert!(matches!(error, StoreError::Schema(SchemaError::Newer { .. })), "{error}");
    let mut altered = applied;
    altered.last_mut().unwrap().digest = vec![0; 32];
    let error = db.load(&[MIGRATIONS], &altered).await.err().unwrap();
    assert!(matches!(error, StoreError::Schema(SchemaError::Altered { .. })), "{error}");
    assert!(read(&db).await.iter().all(|(table, _)| table.name != "accounts"), "nothing was touched");
}

async fn older_tables_are_filled_and_then_brought_forward(database: &TestDatabase) {
    let source = TestDatabase::sqlite();
    let from = open_again(&source).await;
    from.migrate(&[&MIGRATIONS[..1]]).await.unwrap();
    from.execute(ADD_ACCOUNT, &["ann".into(), 5_i64.into()]).await.unwrap();
    let db = open_again(database).await;
    fill(&db, &from, &[MIGRATIONS]).await.unwrap();
    assert!(read(&db).await.iter().all(|(table, _)| table.name != "of_each_type"));
    db.migrate(&[MIGRATIONS]).await.unwrap();
    values_of_each_type(&db).await;
    assert_eq!(money(&db, "ann").await, 5);
}

async fn what_a_table_does_not_take_is_refused(database: &TestDatabase) {
    let source = TestDatabase::sqlite();
    let applied = open(&source).await.snapshot().await.unwrap().applied().to_vec();
    let db = open_again(database).await;
    let mut load = db.load(&[MIGRATIONS], &applied).await.unwrap();
    let table = |name: &str, column: &str, kind| Table {
        name: name.to_owned(),
        columns: vec![(column.to_owned(), kind)],
    };
    for (table, row) in [
        (table("nowhere", "name", Type::Text), vec!["x".into()]),
        (table("of_each_type", "other", Type::Text), vec!["x".into()]),
        (table("of_each_type", "id", Type::Text), vec!["x".into()]),
        (table("of_each_type", "id", Type::I64), vec!["x".into()]),
        (table("of_each_type", "id", Type::I64), vec![]),
        (table("of_each_type", "name", Type::Text), vec!["a\0b".into()]),
        (table("of_each_type", "ratio", Type::F64), vec![f64::NAN.into()]),
    ] {
        let error = load.insert(&table, &[row]).await.unwrap_err();
        assert!(matches!(error, StoreError::Setup(_)), "{error}");
    }
}

async fn a_table_of_somebody_else_is_refused(database: &TestDatabase) {
    const STRANGE: &[Migration] = &[Migration {
        component: "strange",
        version: 1,
        name: "strange",
        sql: "CREATE TABLE strange (at TIMESTAMP)",
    }];
    let db = open_again(database).await;
    db.migrate(&[STRANGE]).await.unwrap();
    let error = db.snapshot().await.err().unwrap();
    assert!(error.to_string().contains("column at of table strange"), "{error}");
}
