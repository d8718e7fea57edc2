//! Access keys made and found.

use std::sync::Arc;

use strongroom_identity::{Credentials as _, NoCredential, Principal};
use strongroom_seal::{Purpose, Sealer};
use strongroom_store::{Engine, RowMac, Statement, Value};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::task::JoinSet;

use crate::fixture::{
    KEY_ID, NOW, OTHER_KEY_ID, OTHER_SECRET, SECRET, account, find, make, make_both, open, other_account,
    root, secret, start,
};

on_both_engines! {
    a_key_is_found_with_its_owner_and_secret,
    what_is_no_key_is_not_found,
    the_first_of_an_id_stays,
    one_stays_of_many_made_at_once,
    account_ids_are_keys_in_development_only,
    each_secret_of_an_id_has_a_version_of_its_own,
    without_the_store_nobody_knows,
}

async fn a_key_is_found_with_its_owner_and_secret(database: &TestDatabase) {
    let db = open(database).await;
    let keys = start(&db);
    // Looked for before it is there: that nothing was found is not remembered.
    assert!(find(&keys, KEY_ID).await.is_none());
    make_both(&keys).await;
    // At once, again from memory, and by a server that has just started.
    for keys in [&keys, &keys, &start(&db)] {
        let credential = find(keys, KEY_ID).await.unwrap();
        assert_eq!(credential.principal, Principal::Root(account()));
        assert_eq!(secret(&credential), SECRET);
        assert_eq!(credential.version, 1);
        let credential = find(keys, OTHER_KEY_ID).await.unwrap();
        assert_eq!(credential.principal, Principal::Root(other_account()));
        assert_eq!(secret(&credential), OTHER_SECRET);
        assert!(!format!("{credential:?}").contains(OTHER_SECRET));
    }
}

async fn what_is_no_key_is_not_found(database: &TestDatabase) {
    let keys = start(&open(database).await);
    make_both(&keys).await;
    let long = "A".repeat(10_000);
    // The last can come in a presigned URL, and a database that cannot store it must not be asked.
    for id in
        ["", "test", "akiaiosfodnn7example", "AKIAIOSFODNN7EXAMPLE ", "111122223333", "%", "é", &long, "\0"]
    {
        assert!(find(&keys, id).await.is_none(), "{id:?}");
    }
}

async fn the_first_of_an_id_stays(database: &TestDatabase) {
    let db = open(database).await;
    make(&start(&db), account(), KEY_ID, SECRET).await;
    for (other_account, other_secret) in [(account(), OTHER_SECRET), (other_account(), SECRET)] {
        let keys = start(&db);
        // Whoever made the key learns whose it is.
        assert_eq!(make(&keys, other_account, KEY_ID, other_secret).await, account());
        let credential = find(&keys, KEY_ID).await.unwrap();
        assert_eq!(credential.principal, Principal::Root(account()));
        assert_eq!((secret(&credential), credential.version), (SECRET, 1));
    }
}

async fn one_stays_of_many_made_at_once(database: &TestDatabase) {
    let db = open(database).await;
    // Servers that start at once, each with a root secret that it has just made up.
    let mut tasks = JoinSet::new();
    let servers: Vec<_> = (0..8).map(|_| Arc::new(start(&db))).collect();
    for (number, keys) in servers.iter().cloned().enumerate() {
        tasks.spawn(async move {
            make(&keys, account(), KEY_ID, &format!("secret {number}")).await;
            secret(&find(&keys, KEY_ID).await.unwrap()).to_owned()
        });
    }
    let found = tasks.join_all().await;
    assert!(found.iter().all(|secret| *secret == found[0]), "{found:?}");
}

async fn account_ids_are_keys_in_development_only(database: &TestDatabase) {
    let db = open(database).await;
    assert!(find(&start(&db), "444455556666").await.is_none());
    let keys = start(&db).with_dev_accounts();
    for id in ["444455556666", "000000000000"] {
        let credential = find(&keys, id).await.unwrap();
        assert_eq!(credential.principal, Principal::Root(id.parse().unwrap()));
        assert_eq!((secret(&credential), credential.version), ("test", 0));
        // Such a key is a long-term one: no session token belongs to it.
        let with_token = keys.find(id, Some("token")).await.unwrap();
        assert_eq!(with_token.unwrap_err(), NoCredential::InvalidToken);
    }
    for id in ["44445555666", "4444555566667", "44445555666a", "+44445555666", "", "test", KEY_ID] {
        assert!(find(&keys, id).await.is_none(), "{id}");
    }
    // An account's own credential in development is that one, whatever the store holds; elsewhere it is not.
    make(&keys, account(), "444455556666", SECRET).await;
    let credential = find(&keys, "444455556666").await.unwrap();
    assert_eq!(credential.principal, Principal::Root(other_account()));
    assert_eq!((secret(&credential), credential.version), ("test", 0));
    let credential = find(&start(&db), "444455556666").await.unwrap();
    assert_eq!(credential.principal, Principal::Root(account()));
    assert_eq!((secret(&credential), credential.version), (SECRET, 1));
}

/// Writes the key as another version of the service would that lets secrets be changed.
async fn change(database: &TestDatabase, new_secret: &str, version: i64) {
    let change = Statement::new(
        "UPDATE iam_access_keys SET sealed_secret = $2, version = $3, mac = $4 WHERE access_key_id = $1",
    );
    let db = open(database).await;
    let sealer = Sealer::new(&root(), Purpose::Secrets);
    let sealed = sealer.seal(format!("access-key/{KEY_ID}").as_bytes(), new_secret.as_bytes()).unwrap();
    let columns = [
        ("access_key_id", Value::from(KEY_ID)),
        ("account", account().to_string().into()),
        ("sealed_secret", sealed.into()),
        ("version", version.into()),
        ("created_ms", NOW.into()),
    ];
    let borrowed: Vec<_> = columns.iter().map(|(name, value)| (*name, value)).collect();
    let mac = RowMac::new(&root());
    let values = [
        columns[0].1.clone(),
        columns[2].1.clone(),
        columns[3].1.clone(),
        mac.seal("iam_access_keys", &borrowed).into(),
    ];
    assert_eq!(db.execute(change, &values).await.unwrap(), 1);
}

async fn each_secret_of_an_id_has_a_version_of_its_own(database: &TestDatabase) {
    let db = open(database).await;
    make(&start(&db), account(), KEY_ID, SECRET).await;
    change(database, OTHER_SECRET, 2).await;
    let credential = find(&start(&db), KEY_ID).await.unwrap();
    assert_eq!((secret(&credential), credential.version), (OTHER_SECRET, 2));
    // Making the key is not changing it.
    make(&start(&db), account(), KEY_ID, SECRET).await;
    let credential = find(&start(&db), KEY_ID).await.unwrap();
    assert_eq!((secret(&credential), credential.version), (OTHER_SECRET, 2));
    // A version that is none is damage, with whatever MAC.
    for version in [-1, i64::from(u32::MAX) + 1] {
        change(database, OTHER_SECRET, version).await;
        assert!(start(&db).find(KEY_ID, None).await.is_err(), "{version}");
    }
    change(database, "", i64::from(u32::MAX)).await;
    let credential = find(&start(&db), KEY_ID).await.unwrap();
    assert_eq!((secret(&credential), credential.version), ("", u64::from(u32::MAX)));
}

async fn without_the_store_nobody_knows(database: &TestDatabase) {
    let db = open(database).await;
    let keys = start(&db).with_dev_accounts();
    make_both(&keys).await;
    find(&keys, KEY_ID).await.unwrap();
    db.close().await.unwrap();
    // What is in memory is known, unless another server may have changed it; of the rest nobody says that it does
    // not exist.
    match db.engine() {
        Engine::Sqlite => assert_eq!(secret(&find(&keys, KEY_ID).await.unwrap()), SECRET),
        Engine::Postgres => assert!(keys.find(KEY_ID, None).await.is_err()),
    }
    for id in [OTHER_KEY_ID, "AKIANOBODY"] {
        assert!(keys.find(id, None).await.is_err(), "{id}");
    }
    // These are in no store.
    assert!(find(&keys, "444455556666").await.is_some());
}
