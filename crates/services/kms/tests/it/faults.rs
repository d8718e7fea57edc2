//! Key stores that fail on demand.

use strongroom_api_kms::CreateKeyRequest;
use strongroom_kms::KeyStoreFaultError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, client, open, root, start};

on_both_engines! {
    a_key_store_fails_at_once_and_reconnecting_leads_out,
    a_key_store_that_is_being_connected_stays_failed,
    the_next_connection_fails_and_the_one_after_it_does_not,
    attempts_that_are_to_fail_are_forgotten,
    wrong_targets_and_codes_are_refused,
}

fn failed(code: &str) -> (String, Option<String>) {
    ("FAILED".to_owned(), Some(code.to_owned()))
}

fn connected() -> (String, Option<String>) {
    ("CONNECTED".to_owned(), None)
}

fn text(done: Result<(), KeyStoreFaultError>) -> String {
    match done {
        Err(KeyStoreFaultError::Refused(text)) => text,
        other => panic!("{other:?}"),
    }
}

async fn key_in(client: &Client, store: &str) -> String {
    let input = CreateKeyRequest {
        origin: Some("AWS_CLOUDHSM".into()),
        custom_key_store_id: Some(store.to_owned()),
        ..CreateKeyRequest::default()
    };
    client.try_create_key(input).await.unwrap().key_id
}

async fn a_key_store_fails_at_once_and_reconnecting_leads_out(database: &TestDatabase) {
    let client = client(database).await;
    let (store, _cluster) = client.connected_store().await;
    let key = key_in(&client, &store).await;
    let blob = client.encrypt(&key, b"a secret", &[]).await.unwrap();
    for code in ["USER_LOCKED_OUT", "CLUSTER_NOT_FOUND"] {
        client.kms.fail_key_store(&store, code).await.unwrap();
        assert_eq!(client.store_state(&store).await, failed(code));
    }
    let refused = client.decrypt(&blob, None, &[]).await.unwrap_err();
    assert_eq!(refused.code(), "KMSInvalidStateException");
    assert_eq!(client.describe(&key).await.unwrap().key_state.unwrap().as_str(), "Unavailable");
    let refused = client.begin_connecting(&store).await.unwrap_err();
    assert_eq!(refused.code(), "CustomKeyStoreInvalidStateException", "it is disconnected first");
    // KMS does not get it out by itself.
    client.kms.settle_key_stores().await.unwrap();
    assert_eq!(client.store_state(&store).await, failed("CLUSTER_NOT_FOUND"));

    client.disconnect(&store).await.unwrap();
    client.connect(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await, connected());
    assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"a secret");
}

async fn a_key_store_that_is_being_connected_stays_failed(database: &TestDatabase) {
    let client = client(database).await;
    let (store, _cluster) = client.connected_store().await;
    client.disconnect(&store).await.unwrap();
    client.begin_connecting(&store).await.unwrap();
    client.kms.fail_key_store(&store, "NETWORK_ERRORS").await.unwrap();
    client.kms.settle_key_stores().await.unwrap();
    assert_eq!(client.store_state(&store).await, failed("NETWORK_ERRORS"));
    client.begin_disconnecting(&store).await.unwrap();
    assert!(text(client.kms.fail_key_store(&store, "NETWORK_ERRORS").await).contains("being disconnected"));
    client.kms.settle_key_stores().await.unwrap();
    assert_eq!(client.store_state(&store).await.0, "DISCONNECTED");
}

async fn the_next_connection_fails_and_the_one_after_it_does_not(database: &TestDatabase) {
    let client = client(database).await;
    let (store, _cluster) = client.connected_store().await;
    client.kms.fail_next_connect(&store, "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET").await.unwrap();
    let waiting = vec![(store.clone(), "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET")];
    assert_eq!(client.kms.failing_connects(), waiting);
    client.kms.settle_key_stores().await.unwrap();
    assert_eq!(client.store_state(&store).await, connected(), "one that is connected stays it");

    client.disconnect(&store).await.unwrap();
    client.connect(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await, failed("INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET"));
    assert!(client.kms.failing_connects().is_empty());
    client.disconnect(&store).await.unwrap();
    client.connect(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await, connected());
}

async fn attempts_that_are_to_fail_are_forgotten(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), "111122223333", "us-east-1");
    let (store, _cluster) = client.connected_store().await;
    client.disconnect(&store).await.unwrap();
    client.kms.fail_next_connect(&store, "INTERNAL_ERROR").await.unwrap();
    assert_eq!(client.kms.let_connect(|id| id == "cks-1"), 0);
    assert_eq!(client.kms.let_connect(|id| id == store), 1);
    client.connect(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await, connected());

    // By a restart, and by a reset.
    client.kms.fail_next_connect(&store, "INTERNAL_ERROR").await.unwrap();
    assert!(client.kms.restarted(&db, &root()).failing_connects().is_empty());
    client.kms.reset(&db).await;
    assert!(client.kms.failing_connects().is_empty());
}

async fn wrong_targets_and_codes_are_refused(database: &TestDatabase) {
    let client = client(database).await;
    let (store, _cluster) = client.connected_store().await;
    for code in ["", "TIRED", "XKS_PROXY_NOT_REACHABLE", "internal_error"] {
        for done in
            [client.kms.fail_key_store(&store, code).await, client.kms.fail_next_connect(&store, code).await]
        {
            let text = text(done);
            assert!(text.starts_with(&format!("{code} is no error code")), "{text}");
            assert!(
                text.contains("INSUFFICIENT_CLOUDHSM_HSMS, ") && text.contains("USER_NOT_FOUND."),
                "{text}"
            );
        }
    }
    for id in ["", "cks-1234567890abcdef0", "MyKeyStore", "cks-\u{0}"] {
        for done in [
            client.kms.fail_key_store(id, "INTERNAL_ERROR").await,
            client.kms.fail_next_connect(id, "INTERNAL_ERROR").await,
        ] {
            assert!(text(done).starts_with(&format!("There is no custom key store {id}.")));
        }
    }
    assert_eq!(client.store_state(&store).await, connected());
}
