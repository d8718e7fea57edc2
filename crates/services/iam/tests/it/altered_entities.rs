//! Who writes to the database can destroy, and cannot grant anything: a row that was altered, or put in another's
//! place, is an error.

use strongroom_store::{Db, Statement};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{ACCOUNT, Client, POLICY, STRANGER, serve};
use crate::fixture::open;

on_both_engines! {
    altered_rows_are_refused,
    rows_put_in_another_accounts_place_are_refused,
    a_key_given_to_another_user_is_nobodys,
    a_row_that_is_gone_is_missed,
    an_older_row_is_not_taken,
}

/// IAM started anew on the same rows: what is in memory already is not read again.
fn anew(db: &Db, account: &str) -> Client {
    Client::new(&serve(db), account)
}

async fn alter(db: &Db, sql: &'static str) {
    let altered = db.execute(Statement::new(sql), &[]).await.unwrap();
    assert!(altered > 0, "{sql}");
}

async fn assert_refused(client: &Client, access_key_id: &str, what: &str) {
    assert_eq!(client.user("a").await.unwrap_err().code(), "InternalFailure", "{what}");
    assert!(client.create_user("new").await.is_err(), "{what}");
    assert!(client.server.keys.holder(access_key_id).await.is_err(), "{what}");
}

async fn altered_rows_are_refused(database: &TestDatabase) {
    let db = open(database).await;
    let client = anew(&db, ACCOUNT);
    client.create_user("a").await.unwrap();
    client.put_user_policy("a", "p", POLICY).await.unwrap();
    let key = client.create_access_key("a").await.unwrap().access_key_id;
    client.set_status("a", &key, "Inactive").await.unwrap();
    for (there, back) in [
        (
            "UPDATE iam_entities SET document = REPLACE(document, '\"active\":false', '\"active\":true')",
            "UPDATE iam_entities SET document = REPLACE(document, '\"active\":true', '\"active\":false')",
        ),
        (
            "UPDATE iam_entities SET document = REPLACE(document, 'kms:*', 'iam:*')",
            "UPDATE iam_entities SET document = REPLACE(document, 'iam:*', 'kms:*')",
        ),
        (
            "UPDATE iam_directories SET version = version + 1",
            "UPDATE iam_directories SET version = version - 1",
        ),
        ("UPDATE iam_entities SET format = 2", "UPDATE iam_entities SET format = 1"),
        (
            "UPDATE iam_directories SET nonce = nonce || 'x'",
            "UPDATE iam_directories SET nonce = REPLACE(nonce, 'x', '')",
        ),
    ] {
        anew(&db, ACCOUNT).user("a").await.unwrap();
        alter(&db, there).await;
        assert_refused(&anew(&db, ACCOUNT), &key, there).await;
        alter(&db, back).await;
    }
    assert_eq!(anew(&db, ACCOUNT).holder(&key).await, None);
}

async fn rows_put_in_another_accounts_place_are_refused(database: &TestDatabase) {
    let db = open(database).await;
    anew(&db, ACCOUNT).create_user("a").await.unwrap();
    let stranger = anew(&db, STRANGER);
    stranger.create_user("b").await.unwrap();
    alter(&db, "UPDATE iam_entities SET account = '444455556666' WHERE document LIKE '%\"name\":\"a\"%'")
        .await;
    assert_eq!(anew(&db, STRANGER).user("a").await.unwrap_err().code(), "InternalFailure");
}

async fn a_key_given_to_another_user_is_nobodys(database: &TestDatabase) {
    let db = open(database).await;
    let client = anew(&db, ACCOUNT);
    client.create_user("a").await.unwrap();
    let key = client.create_access_key("a").await.unwrap().access_key_id;
    for sql in [
        "UPDATE iam_access_keys SET user_id = 'AIDAAAAAAAAAAAAAAAAAA'",
        // The root user's, it would be.
        "UPDATE iam_access_keys SET user_id = NULL",
    ] {
        alter(&db, sql).await;
        assert!(anew(&db, ACCOUNT).server.keys.holder(&key).await.is_err(), "{sql}");
    }
}

async fn a_row_that_is_gone_is_missed(database: &TestDatabase) {
    let db = open(database).await;
    let client = anew(&db, ACCOUNT);
    client.create_user("a").await.unwrap();
    client.create_group("g").await.unwrap();
    let key = client.create_access_key("a").await.unwrap().access_key_id;
    alter(&db, "DELETE FROM iam_entities WHERE document LIKE '%\"name\":\"g\"%'").await;
    assert_refused(&anew(&db, ACCOUNT), &key, "a group that denies could be taken away").await;
}

/// A key that was deactivated does not count again because somebody has kept the row of before.
async fn an_older_row_is_not_taken(database: &TestDatabase) {
    let db = open(database).await;
    let client = anew(&db, ACCOUNT);
    client.create_user("a").await.unwrap();
    let key = client.create_access_key("a").await.unwrap().access_key_id;
    let select =
        Statement::new("SELECT document, mac FROM iam_entities WHERE document LIKE '%\"name\":\"a\"%'");
    let before = db.query_one(select, &[]).await.unwrap();
    let (document, mac) = (before.text("document").unwrap(), before.blob("mac").unwrap());
    client.set_status("a", &key, "Inactive").await.unwrap();
    let put = Statement::new(
        "UPDATE iam_entities SET document = $1, mac = $2 WHERE document LIKE '%\"name\":\"a\"%'",
    );
    assert_eq!(db.execute(put, &[document.into(), mac.into()]).await.unwrap(), 1);
    assert_refused(&anew(&db, ACCOUNT), &key, "an older row").await;
}
