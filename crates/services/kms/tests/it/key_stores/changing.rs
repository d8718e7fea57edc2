//! Changing key stores and removing them.

use strongroom_api_kms::UpdateCustomKeyStoreRequest;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ABSENT, ACCOUNT, FAR_REGION, REGION, STRANGER, client, new_store, update};

on_both_engines! {
    a_name_changes_in_two_states,
    what_is_not_there_is_not_changed,
    a_cluster_gives_way_to_a_relative,
    an_unrelated_cluster_is_refused,
    a_key_store_goes_when_it_is_disconnected,
    a_key_store_with_keys_stays,
}

const INVALID_STATE: &str = "CustomKeyStoreInvalidStateException";

fn named(store: &str, name: &str) -> UpdateCustomKeyStoreRequest {
    UpdateCustomKeyStoreRequest { new_custom_key_store_name: Some(name.to_owned()), ..update(store) }
}

fn clustered(store: &str, cluster: &str) -> UpdateCustomKeyStoreRequest {
    UpdateCustomKeyStoreRequest { cloud_hsm_cluster_id: Some(cluster.to_owned()), ..update(store) }
}

async fn a_name_changes_in_two_states(database: &TestDatabase) {
    let client = client(database).await;
    let cluster = client.cloud().cluster();
    let store = client.create_store(new_store("one", &cluster)).await.unwrap();
    let other = client.create_store(new_store("other", &client.cloud().cluster())).await.unwrap();
    client.update_store(named(&store, "two")).await.unwrap();
    client.update_store(named(&store, "two")).await.unwrap();
    let error = client.update_store(named(&store, "other")).await.unwrap_err();
    assert_eq!(error.code(), "CustomKeyStoreNameInUseException");

    client.begin_connecting(&store).await.unwrap();
    assert_eq!(client.update_store(named(&store, "three")).await.unwrap_err().code(), INVALID_STATE);
    client.kms.settle_key_stores().await.unwrap();
    let dialled = client.cloud().dialled().len();
    client.update_store(named(&store, "three")).await.unwrap();
    client.kms.settle_key_stores().await.unwrap();
    assert_eq!(client.cloud().dialled().len(), dialled, "it stays connected");
    assert_eq!(client.store(&store).await.custom_key_store_name.as_deref(), Some("three"));

    let mut both = named(&store, "four");
    both.cloud_hsm_cluster_id = Some(cluster.id.clone());
    assert_eq!(client.update_store(both).await.unwrap_err().code(), INVALID_STATE);
    assert_eq!(client.store(&store).await.custom_key_store_name.as_deref(), Some("three"));
    assert_eq!(client.set_store_password(&store, "password1").await.unwrap_err().code(), INVALID_STATE);

    client.begin_disconnecting(&store).await.unwrap();
    assert_eq!(client.update_store(named(&store, "five")).await.unwrap_err().code(), INVALID_STATE);
    assert_eq!(client.store(&other).await.custom_key_store_name.as_deref(), Some("other"));
}

async fn what_is_not_there_is_not_changed(database: &TestDatabase) {
    let client = client(database).await;
    let store = client.create_store(new_store("store", &client.cloud().cluster())).await.unwrap();
    for (client, id) in [
        (client.clone(), "cks-0123456789abcdef0"),
        (client.clone(), ABSENT),
        (client.clone(), "cks-\0"),
        (client.as_of(STRANGER, REGION), &store),
        (client.as_of(ACCOUNT, FAR_REGION), &store),
    ] {
        for error in [
            client.begin_connecting(id).await.unwrap_err(),
            client.begin_disconnecting(id).await.unwrap_err(),
            client.update_store(named(id, "name")).await.unwrap_err(),
            client.delete_store(id).await.unwrap_err(),
        ] {
            assert_eq!(error.code(), "CustomKeyStoreNotFoundException");
            assert_eq!(error.message(), Some(format!("Custom key store '{id}' does not exist").as_str()));
        }
    }
    assert_eq!(client.update_store(update(&store)).await.unwrap_err().code(), "ValidationException");
}

async fn a_cluster_gives_way_to_a_relative(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = client.connected_store().await;
    let backup = cluster.snapshot();
    client.disconnect(&store).await.unwrap();
    client.cloud().delete(&cluster);
    let relative = client.cloud().restored(&cluster, &backup);

    client.update_store(clustered(&store, &relative.id)).await.unwrap();
    assert_eq!(client.store(&store).await.cloud_hsm_cluster_id, Some(relative.id.clone()));
    // The backup has the password that KMS gave.
    client.connect(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await, ("CONNECTED".to_owned(), None));
    assert!(client.cloud().dialled().iter().any(|address| address.cluster_id == relative.id));
}

async fn an_unrelated_cluster_is_refused(database: &TestDatabase) {
    let client = client(database).await;
    let cluster = client.cloud().cluster();
    let store = client.create_store(new_store("store", &cluster)).await.unwrap();
    let unrelated = client.cloud().cluster();
    let error = client.update_store(clustered(&store, &unrelated.id)).await.unwrap_err();
    assert_eq!(error.code(), "CloudHsmClusterNotRelatedException");
    let error = client.update_store(clustered(&store, "cluster-2345672345a")).await.unwrap_err();
    assert_eq!(error.code(), "CloudHsmClusterNotFoundException");

    let relative = client.cloud().restored(&cluster, &cluster.snapshot());
    relative.hsms()[0].set_active(false);
    let error = client.update_store(clustered(&store, &relative.id)).await.unwrap_err();
    assert_eq!(error.code(), "CloudHsmClusterInvalidConfigurationException");
    relative.set_cluster_state("INITIALIZED".into());
    let error = client.update_store(clustered(&store, &relative.id)).await.unwrap_err();
    assert_eq!(error.code(), "CloudHsmClusterNotActiveException");
    assert_eq!(client.store(&store).await.cloud_hsm_cluster_id, Some(cluster.id.clone()));
}

async fn a_key_store_goes_when_it_is_disconnected(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = client.connected_store().await;
    assert_eq!(client.delete_store(&store).await.unwrap_err().code(), INVALID_STATE);
    client.begin_disconnecting(&store).await.unwrap();
    assert_eq!(client.delete_store(&store).await.unwrap_err().code(), INVALID_STATE);
    assert_eq!(client.begin_disconnecting(&store).await.unwrap_err().code(), INVALID_STATE);
    assert_eq!(client.begin_connecting(&store).await.unwrap_err().code(), INVALID_STATE);
    client.kms.settle_key_stores().await.unwrap();
    assert_eq!(client.begin_disconnecting(&store).await.unwrap_err().code(), INVALID_STATE);
    client.delete_store(&store).await.unwrap();
    let error = client.delete_store(&store).await.unwrap_err();
    assert_eq!(error.code(), "CustomKeyStoreNotFoundException");
    assert!(client.stores().await.is_empty());
    // Cluster and user stay.
    assert_eq!(cluster.hsms().len(), 2);
    cluster.set_password("ownPassword1").unwrap();
}

async fn a_key_store_with_keys_stays(database: &TestDatabase) {
    let client = client(database).await;
    let (store, _) = client.connected_store().await;
    let key = client.create_key_in(&store).await;
    client.disconnect(&store).await.unwrap();
    client.schedule_deletion(&key, Some(7)).await.unwrap();
    let error = client.delete_store(&store).await.unwrap_err();
    assert_eq!(error.code(), "CustomKeyStoreHasCMKsException");
    assert!(error.message().unwrap().contains(&store));
}
