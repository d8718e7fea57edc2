//! A store that the version before has written is read.

use strongroom_iam::MIGRATIONS;
use strongroom_identity::Principal;
use strongroom_seal::{Purpose, Sealer};
use strongroom_store::{Db, OpenOptions, RowMac, Statement, Value};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{ACCOUNT, Client, serve};
use crate::fixture::{KEY_ID, NOW, SECRET, account, find, root, secret, start};

on_both_engines! {
    keys_of_root_users_stay,
}

/// A key as it was written when there were root users only.
async fn write_as_before(db: &Db) {
    let sealer = Sealer::new(&root(), Purpose::Secrets);
    let sealed = sealer.seal(format!("access-key/{KEY_ID}").as_bytes(), SECRET.as_bytes()).unwrap();
    let columns: [(&str, Value); 5] = [
        ("access_key_id", KEY_ID.into()),
        ("account", account().to_string().into()),
        ("sealed_secret", sealed.into()),
        ("version", 1_i64.into()),
        ("created_ms", NOW.into()),
    ];
    let named: Vec<_> = columns.iter().map(|(name, value)| (*name, value)).collect();
    let mac = RowMac::new(&root());
    let mac = mac.seal("iam_access_keys", &named);
    let insert = Statement::new(
        "INSERT INTO iam_access_keys (access_key_id, account, sealed_secret, version, created_ms, mac) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    );
    let values: Vec<_> = columns.into_iter().map(|(_, value)| value).chain([mac.into()]).collect();
    db.execute(insert, &values).await.unwrap();
}

async fn keys_of_root_users_stay(database: &TestDatabase) {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[&MIGRATIONS[..1]]).await.unwrap();
    write_as_before(&db).await;
    db.migrate(&[MIGRATIONS]).await.unwrap();
    assert_eq!(secret(&find(&start(&db), KEY_ID).await.unwrap()), SECRET);
    let client = Client::new(&serve(&db), ACCOUNT);
    assert_eq!(client.server.keys.holder(KEY_ID).await.unwrap(), Some(Principal::Root(account())));
    client.create_user("a").await.unwrap();
    assert_eq!(client.users().await, ["a"]);
}
