//! One text, two engines, the same answers.

use strongroom_store::{Db, Engine, Statement, StoreError, Type, Value};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::tables::{ADD_ACCOUNT, MONEY, SWAP_MONEY, open};

const PUT: Statement =
    Statement::new("INSERT INTO of_each_type (id, number, ratio, name, bytes) VALUES ($1, $2, $3, $4, $5)");
const GET: Statement =
    Statement::new("SELECT id, number, ratio, name, bytes FROM of_each_type WHERE id = $1");
const UPSERT: Statement = Statement::new(
    "INSERT INTO of_each_type (id, number) VALUES ($1, $2) \
     ON CONFLICT (id) DO UPDATE SET number = of_each_type.number + excluded.number RETURNING number",
);
const BY_NAME: Statement =
    Statement::new("SELECT id FROM of_each_type WHERE name IS NOT DISTINCT FROM $1 ORDER BY id LIMIT $2");
const NAMES: Statement =
    Statement::new("SELECT name FROM of_each_type WHERE name > $1 ORDER BY name LIMIT $2");
const TOTAL: Statement = Statement::new(
    "WITH numbers AS (SELECT number FROM of_each_type WHERE id < $1) \
     SELECT COUNT(*) AS count, CAST(SUM(number) AS BIGINT) AS sum FROM numbers WHERE number < $1",
);
const REMOVE: Statement = Statement::new("DELETE FROM of_each_type WHERE id = $1");

const NO_TABLE: Statement = Statement::new("SELECT id FROM nowhere");
const NO_COLUMN: Statement = Statement::new("UPDATE accounts SET sum = $1");
const OUTSIDE: Statement = Statement::new("SELECT SUM(number) AS sum FROM of_each_type");

async fn put(db: &Db, id: i64, name: &str) {
    let nothing = [Value::Null(Type::I64), Value::Null(Type::F64), name.into(), Value::Null(Type::Blob)];
    assert_eq!(db.execute(PUT, &[&[id.into()], &nothing[..]].concat()).await.unwrap(), 1);
}

on_both_engines! {
    every_type_comes_back_as_it_was_put,
    nulls_are_typed,
    empty_text_and_bytes_are_not_null,
    an_upsert_returns_what_stands,
    null_equals_null_where_asked,
    text_sorts_by_its_bytes,
    a_compare_and_set_counts_its_row,
    rows_are_counted,
    columns_that_do_not_fit_are_errors,
    what_one_engine_cannot_store_both_refuse,
    statements_are_checked_without_being_run,
}

async fn every_type_comes_back_as_it_was_put(database: &TestDatabase) {
    let db = open(database).await;
    let bytes: Vec<u8> = (0..=255).collect();
    let text = "Grüße, 秘密 🔐, 'quoted' $1 \\ \u{1}";
    for (id, number, ratio) in
        [(1, i64::MIN, f64::MIN_POSITIVE), (2, i64::MAX, f64::INFINITY), (3, 0, -1.5), (4, -1, 3.0)]
    {
        let values = [id.into(), number.into(), ratio.into(), text.into(), (&bytes).into()];
        assert_eq!(db.execute(PUT, &values).await.unwrap(), 1);
        let row = db.query_one(GET, &[id.into()]).await.unwrap();
        assert_eq!(row.i64("id").unwrap(), id);
        assert_eq!(row.opt_i64("number").unwrap(), Some(number));
        assert!((row.f64("ratio").unwrap() - ratio).abs() < f64::EPSILON || ratio.is_infinite());
        assert_eq!(row.opt_f64("ratio").unwrap(), Some(ratio));
        assert_eq!(row.text("name").unwrap(), text);
        assert_eq!(row.blob("bytes").unwrap(), bytes);
        assert_eq!(row.array::<256>("bytes").unwrap().as_slice(), bytes);
    }
}

async fn nulls_are_typed(database: &TestDatabase) {
    let db = open(database).await;
    let values =
        [1_i64.into(), None::<i64>.into(), None::<f64>.into(), None::<&str>.into(), None::<[u8; 4]>.into()];
    // Twice: the second time the statement is prepared already.
    for _ in 0..2 {
        db.execute(PUT, &values).await.unwrap();
        let row = db.query_one(GET, &[1_i64.into()]).await.unwrap();
        assert_eq!(row.opt_i64("number").unwrap(), None);
        assert_eq!(row.opt_f64("ratio").unwrap(), None);
        assert_eq!(row.opt_text("name").unwrap(), None);
        assert_eq!(row.opt_blob("bytes").unwrap(), None);
        assert!(matches!(row.i64("number"), Err(StoreError::Column { .. })));
        db.execute(REMOVE, &[1_i64.into()]).await.unwrap();
    }
}

async fn empty_text_and_bytes_are_not_null(database: &TestDatabase) {
    let db = open(database).await;
    let values = [1_i64.into(), Some(7_u32).into(), Some(0.5).into(), Some("").into(), Some(b"").into()];
    db.execute(PUT, &values).await.unwrap();
    let row = db.query_one(GET, &[1_i64.into()]).await.unwrap();
    assert_eq!(row.opt_text("name").unwrap(), Some(String::new()));
    assert_eq!(row.opt_blob("bytes").unwrap(), Some(Vec::new()));
    assert_eq!(row.i64("number").unwrap(), 7);
}

async fn an_upsert_returns_what_stands(database: &TestDatabase) {
    let db = open(database).await;
    for expected in [5, 10, 15] {
        let row = db.query_one(UPSERT, &[1_i64.into(), 5_i64.into()]).await.unwrap();
        assert_eq!(row.i64("number").unwrap(), expected);
    }
    let row = db.query_one(TOTAL, &[100_i64.into()]).await.unwrap();
    assert_eq!((row.i64("count").unwrap(), row.i64("sum").unwrap()), (1, 15));
}

async fn null_equals_null_where_asked(database: &TestDatabase) {
    let db = open(database).await;
    put(&db, 1, "a").await;
    db.query_one(UPSERT, &[2_i64.into(), 0_i64.into()]).await.unwrap();
    for (name, id) in [(Some("a"), 1), (None, 2)] {
        let row = db.query_one(BY_NAME, &[name.into(), 9_i64.into()]).await.unwrap();
        assert_eq!(row.i64("id").unwrap(), id);
    }
}

async fn text_sorts_by_its_bytes(database: &TestDatabase) {
    let db = open(database).await;
    let mut names = ["a", "B", "_", "alias/Ä", "alias/z", "alias-1", "😀", "\u{ffff}", "Z", "ab"];
    for (id, name) in (0..).zip(names) {
        put(&db, id, name).await;
    }
    names.sort_unstable();
    let mut found: Vec<String> = Vec::new();
    loop {
        let last = found.last().map_or("", String::as_str);
        let page = db.query(NAMES, &[last.into(), 3_i64.into()]).await.unwrap();
        found.extend(page.iter().map(|row| row.text("name").unwrap()));
        if page.len() < 3 {
            break;
        }
    }
    assert_eq!(found, names);
}

async fn a_compare_and_set_counts_its_row(database: &TestDatabase) {
    let db = open(database).await;
    db.execute(ADD_ACCOUNT, &["a".into(), 1_i64.into()]).await.unwrap();
    let swap = ["a".into(), 2_i64.into(), 1_i64.into()];
    assert_eq!(db.execute(SWAP_MONEY, &swap).await.unwrap(), 1);
    assert_eq!(db.execute(SWAP_MONEY, &swap).await.unwrap(), 0);
    assert_eq!(db.query_one(MONEY, &["a".into()]).await.unwrap().i64("version").unwrap(), 2);
}

async fn rows_are_counted(database: &TestDatabase) {
    let db = open(database).await;
    assert!(db.query_opt(GET, &[1_i64.into()]).await.unwrap().is_none());
    assert!(matches!(
        db.query_one(GET, &[1_i64.into()]).await.err().unwrap(),
        StoreError::RowCount { found: 0 }
    ));
    put(&db, 1, "same").await;
    put(&db, 2, "same").await;
    assert!(matches!(
        db.query_opt(BY_NAME, &["same".into(), 9_i64.into()]).await.err().unwrap(),
        StoreError::RowCount { found: 2 }
    ));
}

async fn columns_that_do_not_fit_are_errors(database: &TestDatabase) {
    let db = open(database).await;
    put(&db, 7, "north").await;
    let row = db.query_one(GET, &[7_i64.into()]).await.unwrap();
    for error in [
        row.i64("name").unwrap_err(),
        row.text("id").unwrap_err(),
        row.f64("id").unwrap_err(),
        row.i64("absent").unwrap_err(),
        row.flag("id").unwrap_err(),
        row.array::<4>("bytes").unwrap_err(),
        row.parse::<std::net::IpAddr>("name").unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Column { .. }), "{error:?}");
    }
    put(&db, 1, "127.0.0.1").await;
    let row = db.query_one(GET, &[1_i64.into()]).await.unwrap();
    assert!(row.flag("id").unwrap());
    assert!(row.parse::<std::net::IpAddr>("name").unwrap().is_loopback());
}

async fn what_one_engine_cannot_store_both_refuse(database: &TestDatabase) {
    let db = open(database).await;
    let with = |ratio: f64, name: &str| {
        vec![1_i64.into(), 1_i64.into(), ratio.into(), name.into(), vec![0_u8].into()]
    };
    for values in [with(f64::NAN, "a"), with(1.0, "a\0b"), with(1.0, "a")[1..].to_vec()] {
        assert!(matches!(db.execute(PUT, &values).await, Err(StoreError::Misuse { .. })));
    }
    assert!(matches!(db.execute(GET, &[1_i64.into()]).await, Err(StoreError::Misuse { .. })));
    db.execute(PUT, &with(1.0, "a")).await.unwrap();
}

async fn statements_are_checked_without_being_run(database: &TestDatabase) {
    let db = open(database).await;
    db.check_statements(&[PUT, GET, UPSERT, BY_NAME, NAMES, TOTAL, REMOVE]).await.unwrap();
    for statements in Db::STATEMENTS {
        db.check_statements(statements).await.unwrap();
    }
    for wrong in [NO_TABLE, NO_COLUMN] {
        assert!(matches!(db.check_statements(&[GET, wrong]).await, Err(StoreError::Misuse { .. })));
    }
    put(&db, 1, "a").await;
    match db.engine() {
        Engine::Sqlite => db.check_statements(&[OUTSIDE]).await.unwrap(),
        Engine::Postgres => {
            let error = db.check_statements(&[OUTSIDE]).await.unwrap_err();
            assert!(error.to_string().contains("NUMERIC is outside the dialect"), "{error}");
        }
    }
    assert_eq!(db.pick(Engine::Sqlite, Engine::Postgres), db.engine());
}
