//! Rows that grant authority: nothing in them can be altered, moved or taken for something else.

use std::collections::BTreeMap;

use proptest::prelude::*;
use strongroom_seal::{Epoch, Root};
use strongroom_secret::Key256;
use strongroom_store::{AuthorityRow, Db, Migration, Row, RowMac, Statement, StoreError, Type, Value};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::tables::open_again;

const TABLES: &[Migration] = &[Migration {
    component: "iam",
    version: 1,
    name: "grants",
    sql: "
CREATE TABLE grants (
    id TEXT PRIMARY KEY, grantee TEXT NOT NULL, operations BIGINT NOT NULL, constraint_digest BYTEA, mac BYTEA NOT NULL
);
CREATE TABLE retired_grants (
    id TEXT PRIMARY KEY, grantee TEXT NOT NULL, operations BIGINT NOT NULL, constraint_digest BYTEA, mac BYTEA NOT NULL
);",
}];

const INSERT: Statement = Statement::new(
    "INSERT INTO grants (id, grantee, operations, constraint_digest, mac) VALUES ($1, $2, $3, $4, $5)",
);
const FIND: Statement =
    Statement::new("SELECT id, grantee, operations, constraint_digest, mac FROM grants WHERE id = $1");
const RETIRE: Statement = Statement::new("INSERT INTO retired_grants SELECT * FROM grants WHERE id = $1");
const FIND_RETIRED: Statement = Statement::new(
    "SELECT id, grantee, operations, constraint_digest, mac FROM retired_grants WHERE id = $1",
);

#[derive(Clone, Debug, PartialEq)]
struct Grant {
    id: String,
    grantee: String,
    operations: i64,
    constraint: Option<[u8; 4]>,
}

impl AuthorityRow for Grant {
    const TABLE: &'static str = "grants";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("id", (&self.id).into()),
            ("grantee", (&self.grantee).into()),
            ("operations", self.operations.into()),
            ("constraint_digest", self.constraint.into()),
        ]
    }

    fn key(&self) -> String {
        self.id.clone()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let constraint = row.opt_blob("constraint_digest")?.map(|_| row.array("constraint_digest"));
        Ok(Self {
            id: row.text("id")?,
            grantee: row.text("grantee")?,
            operations: row.i64("operations")?,
            constraint: constraint.transpose()?,
        })
    }
}

/// The same columns, of another table.
struct RetiredGrant(Grant);

impl AuthorityRow for RetiredGrant {
    const TABLE: &'static str = "retired_grants";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        self.0.columns()
    }

    fn key(&self) -> String {
        self.0.key()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Grant::read(row).map(Self)
    }
}

fn grant(id: &str) -> Grant {
    Grant { id: id.to_owned(), grantee: "alice".to_owned(), operations: 3, constraint: Some([1, 2, 3, 4]) }
}

fn root(byte: u8) -> Root {
    Root::from_key(Key256::new([byte; 32])).unwrap()
}

fn mac() -> RowMac {
    RowMac::new(&root(7))
}

async fn load(db: &Db, id: &str) -> Result<Grant, StoreError> {
    mac().load(&db.query_one(FIND, &[id.into()]).await?)
}

async fn open_with_grants(database: &TestDatabase) -> Db {
    let db = open_again(database).await;
    db.migrate(&[TABLES]).await.unwrap();
    for id in ["one", "two"] {
        db.execute(INSERT, &mac().values(&grant(id))).await.unwrap();
    }
    db
}

fn assert_corrupt(loaded: Result<Grant, StoreError>, at: &str) {
    match loaded {
        Err(StoreError::Corrupt { table: "grants", key }) => assert_eq!(key, at),
        other => panic!("{other:?}"),
    }
}

on_both_engines! {
    what_was_written_loads,
    each_altered_column_is_found,
    a_row_under_another_key_is_found,
    a_row_of_another_table_is_found,
    another_installations_row_is_found,
}

async fn what_was_written_loads(database: &TestDatabase) {
    let db = open_with_grants(database).await;
    assert_eq!(load(&db, "one").await.unwrap(), grant("one"));
    let unconstrained = Grant { constraint: None, ..grant("three") };
    db.execute(INSERT, &mac().values(&unconstrained)).await.unwrap();
    assert_eq!(load(&db, "three").await.unwrap(), unconstrained);
}

async fn each_altered_column_is_found(database: &TestDatabase) {
    const ALTERED: [Statement; 7] = [
        Statement::new("UPDATE grants SET grantee = 'mallory' WHERE id = 'one'"),
        Statement::new("UPDATE grants SET operations = 7 WHERE id = 'one'"),
        Statement::new("UPDATE grants SET constraint_digest = NULL WHERE id = 'one'"),
        Statement::new(
            "UPDATE grants SET constraint_digest = (SELECT substr(mac, 2, 4) FROM grants WHERE id = 'two') \
             WHERE id = 'one'",
        ),
        Statement::new("UPDATE grants SET mac = substr(mac, 1, 32) WHERE id = 'one'"),
        Statement::new("UPDATE grants SET mac = substr(mac, 1, 0) WHERE id = 'one'"),
        Statement::new("UPDATE grants SET mac = (SELECT mac FROM grants WHERE id = 'two') WHERE id = 'one'"),
    ];
    const REMOVE: Statement = Statement::new("DELETE FROM grants WHERE id = $1");
    let db = open_with_grants(database).await;
    for altered in ALTERED {
        assert_eq!(db.execute(altered, &[]).await.unwrap(), 1);
        assert_corrupt(load(&db, "one").await, "one");
        db.execute(REMOVE, &["one".into()]).await.unwrap();
        db.execute(INSERT, &mac().values(&grant("one"))).await.unwrap();
        load(&db, "one").await.unwrap();
    }
}

async fn a_row_under_another_key_is_found(database: &TestDatabase) {
    const RENAME: Statement = Statement::new("UPDATE grants SET id = 'three' WHERE id = 'one'");
    let db = open_with_grants(database).await;
    db.execute(RENAME, &[]).await.unwrap();
    assert_corrupt(load(&db, "three").await, "three");
}

async fn a_row_of_another_table_is_found(database: &TestDatabase) {
    let db = open_with_grants(database).await;
    db.execute(RETIRE, &["one".into()]).await.unwrap();
    let row = db.query_one(FIND_RETIRED, &["one".into()]).await.unwrap();
    assert!(matches!(
        mac().load::<RetiredGrant>(&row),
        Err(StoreError::Corrupt { table: "retired_grants", .. })
    ));
    assert_eq!(mac().load::<Grant>(&row).unwrap(), grant("one"));
}

async fn another_installations_row_is_found(database: &TestDatabase) {
    let db = open_with_grants(database).await;
    let other = RowMac::new(&root(8));
    db.execute(INSERT, &other.values(&grant("three"))).await.unwrap();
    assert_corrupt(load(&db, "three").await, "three");
}

#[test]
fn a_mac_of_an_unknown_format_is_refused() {
    let (name, one) = ("id", Value::from("one"));
    let mut sealed = mac().seal("grants", &[(name, &one)]);
    assert_eq!((sealed.len(), sealed[0]), (33, 1));
    mac().verify("grants", "one", &[(name, &one)], &sealed).unwrap();
    sealed[0] = 2;
    mac().verify("grants", "one", &[(name, &one)], &sealed).unwrap_err();
}

#[test]
fn the_form_never_changes() {
    // Computed apart, with Python's hmac and struct, from the description of the form: rows in the field
    // carry it.
    let columns = [
        ("z", &Value::from(-2_i64)),
        ("text", &Value::from("é")),
        ("none", &Value::Null(Type::Text)),
        ("ratio", &Value::from(1.5)),
        ("blob", &Value::from([0_u8, 255])),
    ];
    assert_eq!(strongroom_crypto::hex::encode(&mac().seal("grants", &columns)), GOLDEN);
}

const GOLDEN: &str = "016114be6ca09fb6e4f8e407946630b0373727483726aae7e927c07dea77803d63";

#[test]
fn a_mac_names_its_epoch_and_fits_in_it_alone() {
    let (root, one) = (root(7), Value::from("one"));
    let mac = RowMac::new(&root);
    let seal = || mac.seal("grants", &[("id", &one)]);
    let fits = |sealed: &[u8]| mac.verify("grants", "one", &[("id", &one)], sealed).is_ok();
    let first = seal();
    root.select(root.prepare_next().unwrap()).unwrap();
    let second = seal();
    assert_eq!((second.len(), second[..5].to_vec()), (37, RowMac::head_of(Epoch::new(2))));
    for (sealed, epoch) in [(&first, 1), (&second, 2)] {
        assert!(fits(sealed));
        assert_eq!(RowMac::epoch_of(sealed), Some(Epoch::new(epoch)));
        assert_eq!(RowMac::length_of(sealed), Some(sealed.len()));
    }
    // No other epoch, and the first epoch has one form.
    for head in [vec![1], vec![2, 0, 0, 0, 1], vec![2, 0, 0, 0, 3], vec![3, 0, 0, 0, 2]] {
        assert!(!fits(&[head.as_slice(), &second[5..]].concat()), "{head:?}");
        assert!(!fits(&[head.as_slice(), &first[1..]].concat()) || head == [1], "{head:?}");
    }
    root.retire_before(root.current_epoch(), |_, _| false).unwrap();
    assert!(!fits(&first));
    assert!(fits(&second));
}

type Columns = BTreeMap<String, Value>;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null(Type::Text)),
        any::<i64>().prop_map(Value::from),
        prop_oneof![Just(0_i64), Just(1), Just(0x6161_6161_6161_6161)].prop_map(Value::from),
        prop_oneof![Just(0.0), Just(1.0), any::<f64>().prop_filter("a number", |it| !it.is_nan())]
            .prop_map(Value::from),
        "[ab]{0,3}".prop_map(Value::from),
        proptest::collection::vec(prop_oneof![Just(0_u8), Just(b'a'), any::<u8>()], 0..10)
            .prop_map(Value::from),
    ]
}

fn row() -> impl Strategy<Value = (String, Columns)> {
    ("[ab]{1,2}", proptest::collection::btree_map("[ab]{1,2}", value(), 0..4))
}

fn seal((table, columns): &(String, Columns)) -> Vec<u8> {
    let columns: Vec<_> = columns.iter().map(|(name, value)| (name.as_str(), value)).collect();
    mac().seal(table, &columns)
}

/// What a row says: a NULL column says nothing, and floating point numbers are told apart by their bits.
fn meaning((table, columns): &(String, Columns)) -> (String, BTreeMap<String, String>) {
    let told = columns.iter().filter_map(|(name, value)| match value {
        Value::Null(_) => None,
        other => Some((name.clone(), format!("{other:?}"))),
    });
    (table.clone(), told.collect())
}

proptest! {
    #[test]
    fn rows_share_a_mac_only_if_they_say_the_same(one in row(), other in row()) {
        prop_assert_eq!(seal(&one) == seal(&other), meaning(&one) == meaning(&other));
    }

    #[test]
    fn the_order_of_columns_does_not_matter(row in row()) {
        let reversed: Vec<_> = row.1.iter().rev().map(|(name, value)| (name.as_str(), value)).collect();
        prop_assert_eq!(mac().seal(&row.0, &reversed), seal(&row));
    }
}
