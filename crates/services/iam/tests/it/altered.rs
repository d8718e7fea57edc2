//! Who writes to the database cannot make himself a key, nor another's key his own.

use strongroom_iam::AccessKeys;
use strongroom_identity::Credentials as _;
use strongroom_secret::SecretString;
use strongroom_store::{Db, Statement};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{
    KEY_ID, NOW, OTHER_KEY_ID, OTHER_SECRET, SECRET, account, clocks, find, make_both, open, other_root,
    secret, start,
};

on_both_engines! {
    an_altered_row_is_an_error_and_no_key,
    another_seal_opens_no_key,
}

/// Each alters the row of `$1`, with the other key's id as `$2`.
const ALTERATIONS: [&str; 10] = [
    "UPDATE iam_access_keys SET account = '444455556666' WHERE access_key_id = $1",
    "UPDATE iam_access_keys SET account = 'x' WHERE access_key_id = $1",
    "UPDATE iam_access_keys SET version = version + 1 WHERE access_key_id = $1",
    "UPDATE iam_access_keys SET created_ms = created_ms - 1 WHERE access_key_id = $1",
    "UPDATE iam_access_keys SET sealed_secret = substr(sealed_secret, 1, 10) WHERE access_key_id = $1",
    "UPDATE iam_access_keys SET mac = substr(mac, 1, 32) WHERE access_key_id = $1",
    "UPDATE iam_access_keys SET mac = substr(mac, 1, 0) WHERE access_key_id = $1",
    "UPDATE iam_access_keys SET mac = (SELECT mac FROM iam_access_keys WHERE access_key_id = $2) \
     WHERE access_key_id = $1",
    "UPDATE iam_access_keys SET \
     sealed_secret = (SELECT sealed_secret FROM iam_access_keys WHERE access_key_id = $2) WHERE access_key_id = $1",
    // The other's whole row but for its name.
    "UPDATE iam_access_keys SET account = (SELECT account FROM iam_access_keys WHERE access_key_id = $2), \
     sealed_secret = (SELECT sealed_secret FROM iam_access_keys WHERE access_key_id = $2), \
     version = (SELECT version FROM iam_access_keys WHERE access_key_id = $2), \
     created_ms = (SELECT created_ms FROM iam_access_keys WHERE access_key_id = $2), \
     mac = (SELECT mac FROM iam_access_keys WHERE access_key_id = $2) WHERE access_key_id = $1",
];

async fn an_altered_row_is_an_error_and_no_key(database: &TestDatabase) {
    let db = open(database).await;
    for sql in ALTERATIONS {
        make_both(&start(&db)).await;
        assert_eq!(secret(&find(&start(&db), KEY_ID).await.unwrap()), SECRET);
        let statement = Statement::new(sql);
        let values = [KEY_ID.into(), OTHER_KEY_ID.into()];
        assert_eq!(db.execute(statement, &values[..statement.parameters()]).await.unwrap(), 1, "{sql}");
        refused(&db, KEY_ID, sql).await;
        assert_eq!(secret(&find(&start(&db), OTHER_KEY_ID).await.unwrap()), OTHER_SECRET);
        delete(&db, KEY_ID).await;
    }

    // A key renamed: the new name is none, and the old one is gone.
    make_both(&start(&db)).await;
    let rename =
        Statement::new("UPDATE iam_access_keys SET access_key_id = 'AKIANEW' WHERE access_key_id = $1");
    assert_eq!(db.execute(rename, &[KEY_ID.into()]).await.unwrap(), 1);
    refused(&db, "AKIANEW", "renamed").await;
    assert!(find(&start(&db), KEY_ID).await.is_none());
}

async fn refused(db: &Db, id: &str, what: &str) {
    let keys = start(db);
    // The second time too: nothing of it was remembered.
    for _ in 0..2 {
        let error = keys.find(id, None).await.expect_err(what);
        assert!(!format!("{error} {error:?}").contains(SECRET));
    }
    // Making the key anew does not heal it either.
    assert!(keys.ensure_root_key(account(), id, &SecretString::new(SECRET.to_owned()), NOW).await.is_err());
    assert!(keys.find(id, None).await.is_err(), "{what}");
}

async fn delete(db: &Db, id: &str) {
    let delete = Statement::new("DELETE FROM iam_access_keys WHERE access_key_id = $1");
    assert_eq!(db.execute(delete, &[id.into()]).await.unwrap(), 1);
}

async fn another_seal_opens_no_key(database: &TestDatabase) {
    let db = open(database).await;
    make_both(&start(&db)).await;
    let foreign = AccessKeys::new(db.clone(), &other_root(), clocks());
    for id in [KEY_ID, OTHER_KEY_ID] {
        assert!(foreign.find(id, None).await.is_err());
    }
    assert!(find(&foreign, "AKIANOBODY").await.is_none());
    // Nor does ours take what it makes.
    delete(&db, KEY_ID).await;
    foreign.ensure_root_key(account(), KEY_ID, &SecretString::new(SECRET.to_owned()), NOW).await.unwrap();
    assert!(start(&db).find(KEY_ID, None).await.is_err());
    assert_eq!(secret(&find(&foreign, KEY_ID).await.unwrap()), SECRET);
}
