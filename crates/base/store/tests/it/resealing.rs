//! Sealed values sealed afresh where they stand.

use std::collections::BTreeMap;

use strongroom_seal::{Purpose, Root, Sealer};
use strongroom_store::{Aim, Binding, Db, Migration, SealedColumn, Sealing, Statement, Step, Value};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::tables::open_again;

const TABLES: &[Migration] = &[Migration {
    component: "vault",
    version: 1,
    name: "things",
    sql: "
CREATE TABLE things (
    owner TEXT NOT NULL, number BIGINT NOT NULL, secret BYTEA, weight DOUBLE PRECISION, mac BYTEA NOT NULL,
    PRIMARY KEY (owner, number)
);
CREATE TABLE keys (id BYTEA PRIMARY KEY, \"order\" TEXT NOT NULL, sealed BYTEA NOT NULL);
CREATE TABLE plain (id TEXT PRIMARY KEY, value TEXT NOT NULL);",
}];

const ADD: Statement =
    Statement::new("INSERT INTO things (owner, number, secret, weight, mac) VALUES ($1, $2, $3, $4, $5)");
const READ: Statement =
    Statement::new("SELECT owner, number, secret, weight, mac FROM things ORDER BY owner, number");
const ADD_KEY: Statement = Statement::new("INSERT INTO keys (id, \"order\", sealed) VALUES ($1, $2, $3)");
const READ_KEYS: Statement = Statement::new("SELECT id, sealed FROM keys ORDER BY id");
const ALTER: Statement = Statement::new("UPDATE things SET weight = 7.0 WHERE owner = $1 AND number = $2");

const COLUMNS: &[SealedColumn] = &[
    SealedColumn {
        table: "things",
        column: "secret",
        purpose: Purpose::Secrets,
        bound_to: |row| {
            let named = row.text("owner").zip(row.i64("number"));
            Binding::from(named.map(|(owner, number)| format!("thing/{owner}/{number}").into_bytes()))
        },
    },
    SealedColumn {
        table: "keys",
        column: "sealed",
        purpose: Purpose::Partition,
        // Not all that stands there is sealed.
        bound_to: |row| match row.text("order") {
            Some("sealed") => Binding::from(row.blob("id").map(<[u8]>::to_vec)),
            Some("clear") => Binding::NotSealed,
            _ => Binding::Malformed,
        },
    },
];

const OWNERS: [&str; 3] = ["alice", "bob", "carol"];

fn secret(root: &Root) -> Sealer {
    Sealer::new(root, Purpose::Secrets)
}

async fn add_thing(db: &Db, sealing: &Sealing, owner: &str, number: i64) {
    let bound_to = format!("thing/{owner}/{number}").into_bytes();
    let sealed = (number % 2 == 0).then(|| secret(sealing.root()).seal(&bound_to, b"secret").unwrap());
    let mut values = vec![
        Value::from(owner),
        number.into(),
        Value::from(sealed),
        Value::from((number == 3).then_some(0.5)),
    ];
    let names = ["owner", "number", "secret", "weight"];
    let columns: Vec<_> = names.into_iter().zip(&values).collect();
    let mac = sealing.mac().seal("things", &columns);
    values.push(mac.into());
    db.execute(ADD, &values).await.unwrap();
}

async fn open_with_things(database: &TestDatabase) -> (Db, Sealing) {
    let db = open_again(database).await;
    db.migrate(&[TABLES]).await.unwrap();
    let sealing = Sealing::new(&Root::ephemeral().unwrap());
    for owner in OWNERS {
        for number in 0..4 {
            add_thing(&db, &sealing, owner, number).await;
        }
    }
    for id in 0..3_u8 {
        let sealed = Sealer::new(sealing.root(), Purpose::Partition).seal(&[id], b"key").unwrap();
        db.execute(ADD_KEY, &[[id].into(), "sealed".into(), sealed.into()]).await.unwrap();
    }
    db.execute(ADD_KEY, &[[9].into(), "clear".into(), b"in the clear".into()]).await.unwrap();
    (db, sealing)
}

fn rotate(sealing: &Sealing) {
    let root = sealing.root();
    root.select(root.prepare_next().unwrap()).unwrap();
}

/// Goes over all tables, three rows at a time.
async fn walk(db: &Db, sealing: &Sealing, aim: Aim) -> BTreeMap<String, Step> {
    let mut walked = BTreeMap::new();
    for table in db.sealed_tables(&[COLUMNS], &[]).await.unwrap() {
        let mut total = Step::default();
        loop {
            let step = db.reseal(&table, sealing, aim, total.next.as_ref(), 3).await.unwrap();
            total.looked += step.looked;
            total.resealed += step.resealed;
            total.overtaken += step.overtaken;
            total.refused.extend(step.refused);
            total.next = step.next;
            if total.next.is_none() {
                break;
            }
        }
        walked.insert(table.name().to_owned(), total);
    }
    walked
}

/// Whether all things open under the newest root key alone.
async fn all_is_new(db: &Db, sealing: &Sealing) {
    let root = sealing.root();
    root.retire_before(root.current_epoch(), |_, _| false).unwrap();
    for row in db.query(READ, &[]).await.unwrap() {
        let (owner, number) = (row.text("owner").unwrap(), row.i64("number").unwrap());
        let sealed = row.opt_blob("secret").unwrap();
        let values = [
            Value::from(&owner),
            number.into(),
            Value::from(sealed.clone()),
            Value::from(row.opt_f64("weight").unwrap()),
        ];
        let columns: Vec<_> = ["owner", "number", "secret", "weight"].into_iter().zip(&values).collect();
        sealing.mac().verify("things", &owner, &columns, &row.blob("mac").unwrap()).unwrap();
        if let Some(sealed) = sealed {
            let bound_to = format!("thing/{owner}/{number}").into_bytes();
            assert_eq!(secret(root).open(&bound_to, &sealed).unwrap().expose(), b"secret");
        }
    }
    for row in db.query(READ_KEYS, &[]).await.unwrap() {
        let (id, sealed) = (row.blob("id").unwrap(), row.blob("sealed").unwrap());
        if id == [9] {
            assert_eq!(sealed, b"in the clear");
        } else {
            assert_eq!(Sealer::new(root, Purpose::Partition).open(&id, &sealed).unwrap().expose(), b"key");
        }
    }
}

on_both_engines! {
    tables_are_found_in_the_catalogue,
    everything_is_sealed_afresh_once,
    a_check_opens_everything_and_changes_nothing,
    altered_rows_are_named_and_left,
    malformed_rows_are_named_and_counted,
    what_changes_meanwhile_stays,
}

async fn tables_are_found_in_the_catalogue(database: &TestDatabase) {
    const MISSING: &[SealedColumn] = &[SealedColumn {
        table: "gone",
        column: "sealed",
        purpose: Purpose::Secrets,
        bound_to: |_| Binding::Malformed,
    }];
    let (db, _) = open_with_things(database).await;
    let names = |tables: Vec<strongroom_store::SealedTable>| {
        tables.iter().map(|table| table.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(db.sealed_tables(&[COLUMNS], &[]).await.unwrap()), ["keys", "things"]);
    // Its MACs are found without anybody naming the table.
    assert_eq!(names(db.sealed_tables(&[], &[]).await.unwrap()), ["things"]);
    assert_eq!(names(db.sealed_tables(&[COLUMNS], &["things"]).await.unwrap()), ["keys"]);
    assert!(db.sealed_tables(&[MISSING], &[]).await.is_err());
}

async fn everything_is_sealed_afresh_once(database: &TestDatabase) {
    let (db, sealing) = open_with_things(database).await;
    for step in walk(&db, &sealing, Aim::Reseal).await.into_values() {
        assert_eq!(step.resealed, 0);
    }
    for _ in 0..2 {
        rotate(&sealing);
        let walked = walk(&db, &sealing, Aim::Reseal).await;
        assert_eq!((walked["things"].resealed, walked["keys"].resealed), (12, 3));
        let again = walk(&db, &sealing, Aim::Reseal).await;
        assert_eq!((again["things"].looked, again["keys"].resealed), (0, 0));
        all_is_new(&db, &sealing).await;
    }
}

async fn a_check_opens_everything_and_changes_nothing(database: &TestDatabase) {
    let (db, sealing) = open_with_things(database).await;
    rotate(&sealing);
    for _ in 0..2 {
        let walked = walk(&db, &sealing, Aim::Check).await;
        assert_eq!((walked["things"].looked, walked["keys"].looked), (12, 4));
        assert!(walked.values().all(|step| step.refused.is_empty() && step.resealed == 0));
    }
    let stranger = Sealing::new(&Root::ephemeral().unwrap());
    let walked = walk(&db, &stranger, Aim::Check).await;
    assert_eq!((walked["things"].refused.len(), walked["keys"].refused.len()), (12, 3));
}

async fn altered_rows_are_named_and_left(database: &TestDatabase) {
    let (db, sealing) = open_with_things(database).await;
    db.execute(ALTER, &["bob".into(), 1_i64.into()]).await.unwrap();
    rotate(&sealing);
    for resealed in [11, 0] {
        let walked = walk(&db, &sealing, Aim::Reseal).await;
        assert_eq!(walked["things"].resealed, resealed);
        assert_eq!(walked["things"].refused, ["things bob 1"]);
    }
}

/// What is sealed in a row that its service cannot read would go with the root key that sealed it.
async fn malformed_rows_are_named_and_counted(database: &TestDatabase) {
    let (db, sealing) = open_with_things(database).await;
    let sealed = Sealer::new(sealing.root(), Purpose::Partition).seal(&[7], b"key").unwrap();
    db.execute(ADD_KEY, &[[7].into(), "seeled".into(), sealed.into()]).await.unwrap();
    rotate(&sealing);
    let walked = walk(&db, &sealing, Aim::Reseal).await;
    assert_eq!((walked["keys"].resealed, &walked["keys"].refused), (3, &vec!["keys 07".to_owned()]));
    for table in db.sealed_tables(&[COLUMNS], &[]).await.unwrap() {
        let older = db.count_older(&table, &sealing).await.unwrap();
        assert_eq!(older, u64::from(table.name() == "keys"), "{}", table.name());
    }
}

/// Somebody changes a row between its reading and its writing: what he wrote stays.
async fn what_changes_meanwhile_stays(database: &TestDatabase) {
    const DELETE: Statement = Statement::new("DELETE FROM things WHERE owner = $1");
    let (db, sealing) = open_with_things(database).await;
    rotate(&sealing);
    let writer = async {
        for _ in 0..20 {
            for owner in OWNERS {
                db.execute(DELETE, &[owner.into()]).await.unwrap();
                for number in 0..4 {
                    add_thing(&db, &sealing, owner, number).await;
                }
            }
        }
    };
    let walker = async {
        for _ in 0..20 {
            walk(&db, &sealing, Aim::Reseal).await;
        }
    };
    tokio::join!(writer, walker);
    let walked = walk(&db, &sealing, Aim::Reseal).await;
    assert_eq!(walked["things"].resealed + walked["things"].overtaken, 0);
    assert_eq!(db.query(READ, &[]).await.unwrap().len(), 12);
    all_is_new(&db, &sealing).await;
}
