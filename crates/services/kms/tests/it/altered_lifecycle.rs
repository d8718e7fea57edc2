//! The columns that say what becomes of a key: altered, each of them makes the key's row refused. Nobody brings
//! a key back, deletes it or spares it a rotation by writing to the database.

use strongroom_runtime::{Agenda as _, Due};
use strongroom_store::{Db, Statement, Value};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, DAY, NOW, REGION, open, root, start};
use crate::operations::{ANYONE_MAY, Aids, BY_ANY_NAME, BY_KEY_ONLY};

const INTERNAL: &str = "KMSInternalException: The request was rejected because an internal exception occurred. The \
    request can be retried.";

on_both_engines! {
    altered_columns_of_a_key_are_refused,
    altered_columns_of_a_plain_key_are_refused,
    altered_columns_of_a_key_that_is_to_be_deleted_are_refused,
    altered_columns_of_materials_are_refused,
    what_is_due_of_an_altered_key_is_not_done,
    a_due_row_that_makes_no_sense_stands_in_nobodys_way,
}

/// KMS started anew on the same rows: what is in memory already is not read again.
fn anew(db: &Db) -> Client {
    Client::new(&start(db, &root()), ACCOUNT, REGION)
}

/// A key about which every column says something.
async fn rich_key(client: &Client) -> String {
    let key = client.create_key().await.key_id;
    client.tag(&key, &[("a", "b")]).await.unwrap();
    client.put_policy(&key, ANYONE_MAY).await.unwrap();
    client.enable_rotation(&key, Some(90)).await.unwrap();
    client.at(NOW + 1).rotate(&key).await.unwrap();
    key
}

async fn alter(db: &Db, sql: &'static str, key: &str) {
    let altered = db.execute(Statement::new(sql), &[Value::from(key)]).await.unwrap();
    assert!(altered > 0, "{sql}");
}

/// Every operation on the key fails, whoever had it in memory before.
async fn assert_refused(db: &Db, key: &str, aids: &Aids, what: &str) {
    let client = anew(db);
    for operation in BY_ANY_NAME.into_iter().chain(BY_KEY_ONLY) {
        let refused = operation.call(&client, key, aids).await.unwrap_err();
        assert_eq!(refused.to_string(), INTERNAL, "{operation:?} after {what}");
    }
}

async fn altered_columns_of_a_key_are_refused(database: &TestDatabase) {
    let db = open(database).await;
    for sql in [
        "UPDATE kms_keys SET service = 's3' WHERE key_id = $1",
        "UPDATE kms_keys SET service = '' WHERE key_id = $1",
        "UPDATE kms_keys SET policy = NULL WHERE key_id = $1",
        "UPDATE kms_keys SET policy = policy || ' ' WHERE key_id = $1",
        "UPDATE kms_keys SET tags = NULL WHERE key_id = $1",
        "UPDATE kms_keys SET tags = '{\"a\":\"c\"}' WHERE key_id = $1",
        "UPDATE kms_keys SET tags = 'x' WHERE key_id = $1",
        "UPDATE kms_keys SET state = 'Disabled', due_ms = NULL WHERE key_id = $1",
        "UPDATE kms_keys SET state = 'PendingDeletion' WHERE key_id = $1",
        "UPDATE kms_keys SET state = 'PendingDeletion', deletion_ms = 1, due_ms = 1 WHERE key_id = $1",
        "UPDATE kms_keys SET deletion_ms = 1 WHERE key_id = $1",
        "UPDATE kms_keys SET rotation_days = 91 WHERE key_id = $1",
        "UPDATE kms_keys SET rotation_days = -1 WHERE key_id = $1",
        "UPDATE kms_keys SET rotation_days = NULL WHERE key_id = $1",
        "UPDATE kms_keys SET next_rotation_ms = next_rotation_ms + 1 WHERE key_id = $1",
        "UPDATE kms_keys SET next_rotation_ms = next_rotation_ms + 1, due_ms = due_ms + 1 WHERE key_id = $1",
        "UPDATE kms_keys SET next_rotation_ms = NULL WHERE key_id = $1",
        "UPDATE kms_keys SET rotation_days = NULL, next_rotation_ms = NULL, due_ms = NULL WHERE key_id = $1",
        "UPDATE kms_keys SET on_demand_rotations = NULL WHERE key_id = $1",
        "UPDATE kms_keys SET on_demand_rotations = 0 WHERE key_id = $1",
        "UPDATE kms_keys SET on_demand_rotations = -1 WHERE key_id = $1",
        "UPDATE kms_keys SET on_demand_rotations = 4294967297 WHERE key_id = $1",
        "UPDATE kms_keys SET due_ms = due_ms + 1 WHERE key_id = $1",
        "UPDATE kms_keys SET due_ms = NULL WHERE key_id = $1",
    ] {
        let key = rich_key(&anew(&db)).await;
        let aids = Aids::new(&anew(&db), &key).await;
        anew(&db).describe(&key).await.unwrap();
        alter(&db, sql, &key).await;
        assert_refused(&db, &key, &aids, sql).await;
    }
}

async fn altered_columns_of_a_plain_key_are_refused(database: &TestDatabase) {
    let db = open(database).await;
    for sql in [
        "UPDATE kms_keys SET service = 's3' WHERE key_id = $1",
        "UPDATE kms_keys SET policy = '{}' WHERE key_id = $1",
        "UPDATE kms_keys SET tags = '{\"a\":\"b\"}' WHERE key_id = $1",
        "UPDATE kms_keys SET deletion_ms = 1 WHERE key_id = $1",
        "UPDATE kms_keys SET rotation_days = 90, next_rotation_ms = 1, due_ms = 1 WHERE key_id = $1",
        "UPDATE kms_keys SET on_demand_rotations = 25 WHERE key_id = $1",
        "UPDATE kms_keys SET due_ms = 1 WHERE key_id = $1",
        "UPDATE kms_keys SET multi_region = 'us-east-1' WHERE key_id = $1",
        "UPDATE kms_keys SET multi_region = 'us-east-1 eu-central-1' WHERE key_id = $1",
        "UPDATE kms_keys SET multi_region = '' WHERE key_id = $1",
        "UPDATE kms_keys SET until_ms = 1 WHERE key_id = $1",
        "UPDATE kms_keys SET state = 'Updating', until_ms = 1, due_ms = 1 WHERE key_id = $1",
        "UPDATE kms_keys SET pending_window_days = 7 WHERE key_id = $1",
    ] {
        let key = anew(&db).create_key().await.key_id;
        let aids = Aids::new(&anew(&db), &key).await;
        alter(&db, sql, &key).await;
        assert_refused(&db, &key, &aids, sql).await;
    }
}

async fn altered_columns_of_a_key_that_is_to_be_deleted_are_refused(database: &TestDatabase) {
    let db = open(database).await;
    for sql in [
        "UPDATE kms_keys SET state = 'Enabled', deletion_ms = NULL, due_ms = next_rotation_ms WHERE key_id = $1",
        "UPDATE kms_keys SET state = 'Disabled', deletion_ms = NULL, due_ms = NULL WHERE key_id = $1",
        "UPDATE kms_keys SET deletion_ms = deletion_ms + 1, due_ms = due_ms + 1 WHERE key_id = $1",
        "UPDATE kms_keys SET deletion_ms = deletion_ms - 1 WHERE key_id = $1",
        "UPDATE kms_keys SET deletion_ms = NULL WHERE key_id = $1",
        "UPDATE kms_keys SET due_ms = NULL WHERE key_id = $1",
    ] {
        let key = rich_key(&anew(&db)).await;
        let aids = Aids::new(&anew(&db), &key).await;
        anew(&db).schedule_deletion(&key, None).await.unwrap();
        alter(&db, sql, &key).await;
        assert_refused(&db, &key, &aids, sql).await;
    }
}

async fn altered_columns_of_materials_are_refused(database: &TestDatabase) {
    let db = open(database).await;
    for sql in [
        "UPDATE kms_materials SET rotation = NULL WHERE key_id = $1 AND rotation IS NOT NULL",
        "UPDATE kms_materials SET rotation = 'AUTOMATIC' WHERE key_id = $1 AND rotation IS NOT NULL",
        "UPDATE kms_materials SET rotation = 'on_demand' WHERE key_id = $1 AND rotation IS NOT NULL",
        "UPDATE kms_materials SET rotation = 'ON_DEMAND' WHERE key_id = $1 AND rotation IS NULL",
        "UPDATE kms_materials SET created_ms = created_ms + 1 WHERE key_id = $1 AND rotation IS NULL",
    ] {
        let key = rich_key(&anew(&db)).await;
        let aids = Aids::new(&anew(&db), &key).await;
        alter(&db, sql, &key).await;
        let client = anew(&db);
        for operation in BY_ANY_NAME {
            let refused = operation.call(&client, &key, &aids).await.unwrap_err();
            assert_eq!(refused.to_string(), INTERNAL, "{operation:?} after {sql}");
        }
        let listed = client.list_rotations(&key, None, None, None).await;
        assert_eq!(listed.unwrap_err().to_string(), INTERNAL, "{sql}");
    }
}

async fn what_is_due_of_an_altered_key_is_not_done(database: &TestDatabase) {
    const ROWS: Statement = Statement::new("SELECT key_id FROM kms_materials WHERE key_id = $1");
    let db = open(database).await;
    for (sql, at_ms) in [
        ("UPDATE kms_keys SET state = 'PendingDeletion', deletion_ms = 1, due_ms = 1 WHERE key_id = $1", 1),
        ("UPDATE kms_keys SET due_ms = 1 WHERE key_id = $1", 1),
        ("UPDATE kms_keys SET next_rotation_ms = 1, due_ms = 1 WHERE key_id = $1", 1),
        ("UPDATE kms_keys SET tags = NULL WHERE key_id = $1", NOW + 90 * DAY),
    ] {
        let key = rich_key(&anew(&db)).await;
        alter(&db, sql, &key).await;
        let client = anew(&db);
        let due = Due { at_ms, id: client.arn(&format!("key/{key}")) };
        assert!(client.kms.first(1_000).await.unwrap().contains(&due), "{sql}");
        assert!(client.kms.run(&due).await.is_err(), "{sql}");
        // Neither deleted nor rotated.
        assert_eq!(db.query(ROWS, &[Value::from(&key)]).await.unwrap().len(), 2, "{sql}");
        assert_eq!(client.describe(&key).await.unwrap_err().to_string(), INTERNAL, "{sql}");
        assert_eq!(client.kms.records(), []);
    }
}

async fn a_due_row_that_makes_no_sense_stands_in_nobodys_way(database: &TestDatabase) {
    let db = open(database).await;
    let (altered, sound) = (rich_key(&anew(&db)).await, rich_key(&anew(&db)).await);
    let sql = "UPDATE kms_keys SET account = 'nobody', region = 'nowhere', due_ms = 1 WHERE key_id = $1";
    // Materials name their key; they are no concern of this test.
    db.execute(Statement::new("DELETE FROM kms_materials WHERE key_id = $1"), &[Value::from(&altered)])
        .await
        .unwrap();
    alter(&db, sql, &altered).await;
    let client = anew(&db);
    let due = client.kms.first(1_000).await.unwrap();
    let [nonsense, rotation] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!(nonsense.id, format!("arn:aws:kms:nowhere:nobody:key/{altered}"));
    assert!(client.kms.run(nonsense).await.is_err());
    assert_eq!(rotation.id, client.arn(&format!("key/{sound}")));
    client.kms.run(rotation).await.unwrap();
    let names: Vec<_> = client.kms.records().into_iter().map(|record| record.event_name).collect();
    assert_eq!(names, ["RotateKey"]);
}
