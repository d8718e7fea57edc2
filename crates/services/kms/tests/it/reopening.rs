//! KMS started anew: what it needs is in the store and under the seal, and nowhere else.

use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{
    ACCOUNT, Client, REGION, STRANGER, bound_to, client, data_key, open, other_root, plaintext, root, start,
};

const INTERNAL: &str = "KMSInternalException: The request was rejected because an internal exception occurred. \
    The request can be retried.";

/// Texts of AWS's documentation.
const TIMEOUT: &str = "DependencyTimeoutException: The system timed out while trying to fulfill the request. You can \
    retry the request.";

on_both_engines! {
    a_new_start_decrypts_old_ciphertexts,
    two_servers_on_one_store_are_one_kms,
    another_seal_opens_nothing,
    after_a_reset_nothing_is_remembered,
    without_the_store_nothing_is_answered,
}

async fn a_new_start_decrypts_old_ciphertexts(database: &TestDatabase) {
    let before = client(database).await;
    let key = before.create_key().await;
    before.create_alias("alias/x", &key.key_id).await.unwrap();
    let blob = before.encrypt("alias/x", b"plain", &[("a", "b")]).await.unwrap();
    let input = strongroom_api_kms::GenerateDataKeyRequest {
        encryption_context: bound_to(&[("a", "b")]),
        ..data_key(&key.key_id)
    };
    let made = before.try_generate(input).await.unwrap();
    drop(before);

    let after = client(database).await;
    assert_eq!(after.decrypt(&blob, None, &[("a", "b")]).await.unwrap(), b"plain");
    let data_key = after.decrypt(&made.ciphertext_blob.unwrap().0, None, &[("a", "b")]).await.unwrap();
    assert_eq!(data_key, plaintext(made.plaintext));
    assert_eq!(format!("{:?}", after.describe("alias/x").await.unwrap()), format!("{key:?}"));
    assert_eq!(after.key_ids(None).await, [&*key.key_id]);
    assert_eq!(after.alias_names(Some(&key.key_id)).await, ["alias/x"]);
    // And goes on where the other stopped.
    let blob = after.encrypt(&key.key_id, b"more", &[]).await.unwrap();
    assert_eq!(client(database).await.decrypt(&blob, None, &[]).await.unwrap(), b"more");
}

async fn two_servers_on_one_store_are_one_kms(database: &TestDatabase) {
    let db = open(database).await;
    let [one, two] = [start(&db, &root()), start(&db, &root())].map(|kms| Client::new(&kms, ACCOUNT, REGION));
    for (here, there, name) in [(&one, &two, "alias/a"), (&two, &one, "alias/b")] {
        let key = here.create_key().await.key_id;
        assert_eq!(there.describe(&key).await.unwrap().key_id, key);
        assert!(there.describe(name).await.is_err());
        here.create_alias(name, &key).await.unwrap();
        let blob = there.encrypt(name, b"x", &[]).await.unwrap();
        assert_eq!(here.decrypt(&blob, Some(name), &[]).await.unwrap(), b"x");
        // Each changes a key that the other holds in memory.
        there.create_alias(&format!("{name}2"), &key).await.unwrap();
        here.create_alias(&format!("{name}3"), &key).await.unwrap();
        assert_eq!(one.alias_names(Some(&key)).await, two.alias_names(Some(&key)).await);
        assert_eq!(one.alias_names(Some(&key)).await.len(), 3);
    }
}

async fn another_seal_opens_nothing(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let key = client.create_key().await.key_id;
    client.create_alias("alias/x", &key).await.unwrap();
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();

    let foreign = client.on(&start(&db, &other_root()));
    for error in [
        foreign.describe(&key).await.unwrap_err(),
        foreign.describe("alias/x").await.unwrap_err(),
        foreign.encrypt(&key, b"x", &[]).await.unwrap_err(),
        foreign.encrypt("alias/x", b"x", &[]).await.unwrap_err(),
        foreign.decrypt(&blob, None, &[]).await.unwrap_err(),
        foreign.decrypt(&blob, Some(&key), &[]).await.unwrap_err(),
        foreign.try_generate(data_key(&key)).await.unwrap_err(),
        foreign.create_alias("alias/y", &key).await.unwrap_err(),
        foreign.list_aliases(None, None, None).await.unwrap_err(),
        foreign.try_create_key(strongroom_api_kms::CreateKeyRequest::default()).await.unwrap_err(),
    ] {
        assert_eq!(error.to_string(), INTERNAL);
    }
    // What one seal wrote in an account of its own, the other does not take either.
    let stranger = foreign.as_of(STRANGER, REGION);
    let theirs = stranger.create_key().await.key_id;
    let refused = client.as_of(STRANGER, REGION).encrypt(&theirs, b"x", &[]).await.unwrap_err();
    assert_eq!(refused.to_string(), INTERNAL);
    // No harm was done.
    let client = client.on(&start(&db, &root()));
    assert_eq!(client.decrypt(&blob, Some("alias/x"), &[]).await.unwrap(), b"x");
    assert_eq!(client.alias_names(None).await, ["alias/x"]);
    assert_eq!(client.key_ids(None).await, [&*key]);
}

async fn after_a_reset_nothing_is_remembered(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let key = client.create_key().await.key_id;
    client.create_alias("alias/x", &key).await.unwrap();
    let blob = client.encrypt("alias/x", b"x", &[]).await.unwrap();
    client.describe("alias/aws/s3").await.unwrap();
    client.last_usage(&key).await.unwrap();
    let emptied = client.kms.reset(&db).await;

    assert_eq!(client.describe(&key).await.unwrap_err().code(), "NotFoundException");
    assert_eq!(client.describe("alias/x").await.unwrap_err().code(), "NotFoundException");
    assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap_err().code(), "AccessDeniedException");
    assert_eq!(client.key_ids(None).await, [""; 0]);
    assert_eq!(emptied, client.kms.records().len(), "no event is made of it");
    // Everything works as on a new store, also once more.
    for _ in 0..2 {
        let key = client.create_key().await.key_id;
        client.create_alias("alias/x", &key).await.unwrap();
        let blob = client.encrypt("alias/x", b"x", &[]).await.unwrap();
        assert_eq!(client.decrypt(&blob, Some("alias/x"), &[]).await.unwrap(), b"x");
        client.last_usage(&key).await.unwrap();
        client.kms.reset(&db).await;
    }
}

async fn without_the_store_nothing_is_answered(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"x", &[]).await.unwrap();
    db.close().await.unwrap();
    for error in [
        client.try_create_key(strongroom_api_kms::CreateKeyRequest::default()).await.unwrap_err(),
        client.describe("alias/x").await.unwrap_err(),
        client.create_alias("alias/x", &key).await.unwrap_err(),
        client.list_keys(None, None).await.unwrap_err(),
        client.list_aliases(None, None, None).await.unwrap_err(),
        client.on(&start(&db, &root())).decrypt(&blob, None, &[]).await.unwrap_err(),
    ] {
        // The caller learns that it happened; why is for the log.
        assert_eq!(error.to_string(), TIMEOUT);
        assert!(std::error::Error::source(&error).is_some());
    }
}
