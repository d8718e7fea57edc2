//! Why key stores cannot be connected, each with its code, and what leads out.

use std::sync::Arc;

use strongroom_hsm_proto::command::{Command, FailureCode};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::cloud::SUBNETS;
use crate::fixture::cluster::{KMS_PASSWORD, TestCluster};
use crate::fixture::{Client, client, new_store};

on_both_engines! {
    a_wrong_password_is_tried_once,
    a_user_that_is_not_there_is_not_tried,
    a_user_that_one_hsm_has_not_heard_of_is_there,
    a_locked_user_is_not_tried,
    somebody_else_is_logged_in,
    a_deleted_cluster,
    a_cluster_that_lost_its_hsms,
    a_cluster_out_of_reach,
    a_subnet_that_is_gone,
    a_subnet_without_addresses,
    a_cluster_that_is_not_fit_is_refused_at_once,
    after_a_failure_it_has_to_be_disconnected_first,
}

/// A key store with a cluster of its own, to be connected.
async fn disconnected(client: &Client) -> (String, Arc<TestCluster>) {
    let cluster = client.cloud().cluster();
    (client.create_store(new_store("store", &cluster)).await.unwrap(), cluster)
}

async fn fails(client: &Client, store: &str, code: &str) {
    client.connect(store).await.unwrap();
    assert_eq!(client.store_state(store).await, ("FAILED".to_owned(), Some(code.to_owned())));
}

/// The trouble is over: the key store is disconnected and connected again.
async fn recovers(client: &Client, store: &str) {
    assert_eq!(client.disconnect(store).await.unwrap().connection_error_code, None);
    client.connect(store).await.unwrap();
    assert_eq!(client.store_state(store).await, ("CONNECTED".to_owned(), None));
}

async fn set_password(client: &Client, store: &str, password: &str) {
    client.disconnect(store).await.unwrap();
    client.set_store_password(store, password).await.unwrap();
    client.connect(store).await.unwrap();
    assert_eq!(client.store_state(store).await, ("CONNECTED".to_owned(), None));
}

async fn a_wrong_password_is_tried_once(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = disconnected(&client).await;
    cluster.set_password("anotherPassword").unwrap();
    fails(&client, &store, "INVALID_CREDENTIALS").await;
    // An attempt shows it to each HSM once: four more, and the user would be locked.
    for _ in 0..3 {
        client.disconnect(&store).await.unwrap();
        fails(&client, &store, "INVALID_CREDENTIALS").await;
    }
    assert_eq!(cluster.try_log_in("anotherPassword"), Ok(()));
    set_password(&client, &store, "anotherPassword").await;
}

async fn a_user_that_is_not_there_is_not_tried(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = disconnected(&client).await;
    cluster.delete_user();
    fails(&client, &store, "USER_NOT_FOUND").await;
    cluster.create_user(KMS_PASSWORD);
    recovers(&client, &store).await;
}

async fn a_user_that_one_hsm_has_not_heard_of_is_there(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = disconnected(&client).await;
    cluster.delete_user();
    let [first, second] = &cluster.hsms()[..] else { panic!("two HSMs") };
    first.set_behind(true);
    cluster.create_user_at(second, KMS_PASSWORD);
    client.connect(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await, ("CONNECTED".to_owned(), None));
}

async fn a_locked_user_is_not_tried(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = disconnected(&client).await;
    cluster.lock_user();
    fails(&client, &store, "USER_LOCKED_OUT").await;
    assert_eq!(cluster.try_log_in(KMS_PASSWORD), Err(FailureCode::Locked));
    cluster.set_password("unlockedPassword").unwrap();
    set_password(&client, &store, "unlockedPassword").await;
}

async fn somebody_else_is_logged_in(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = disconnected(&client).await;
    let others = cluster.hsms().into_iter().map(|hsm| cluster.log_in_at(&hsm, KMS_PASSWORD));
    let others: Vec<_> = others.collect();
    fails(&client, &store, "USER_LOGGED_IN").await;
    drop(others);
    // The password is what it was: nothing was changed.
    assert_eq!(cluster.try_log_in(KMS_PASSWORD), Ok(()));
    recovers(&client, &store).await;
}

async fn a_deleted_cluster(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = disconnected(&client).await;
    client.cloud().delete(&cluster);
    fails(&client, &store, "CLUSTER_NOT_FOUND").await;
}

async fn a_cluster_that_lost_its_hsms(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = disconnected(&client).await;
    client.begin_connecting(&store).await.unwrap();
    let state = cluster.snapshot();
    cluster.remove_hsms();
    client.kms.settle_key_stores().await.unwrap();
    let failed = ("FAILED".to_owned(), Some("INSUFFICIENT_CLOUDHSM_HSMS".to_owned()));
    assert_eq!(client.store_state(&store).await, failed);
    cluster.add_hsm_with(&state, "us-east-1a", "10.0.0.9");
    recovers(&client, &store).await;
}

async fn a_cluster_out_of_reach(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = disconnected(&client).await;
    cluster.set_reachable(false);
    fails(&client, &store, "NETWORK_ERRORS").await;
    cluster.set_reachable(true);
    recovers(&client, &store).await;

    // The HSMs change the password, and nobody hears of it: KMS finds out which one they take.
    let changes_password = |command: &Command| matches!(command, Command::ChangePassword(_));
    client.disconnect(&store).await.unwrap();
    cluster.lose_answer(changes_password);
    client.connect(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await, ("CONNECTED".to_owned(), None));
    // Nor does anybody hear of the next change.
    client.disconnect(&store).await.unwrap();
    cluster.lose_answers(changes_password, 2);
    fails(&client, &store, "NETWORK_ERRORS").await;
    recovers(&client, &store).await;
}

async fn a_subnet_that_is_gone(database: &TestDatabase) {
    let client = client(database).await;
    let (store, _) = disconnected(&client).await;
    client.cloud().networks().deleted.insert(SUBNETS[1][0].to_owned());
    fails(&client, &store, "SUBNET_NOT_FOUND").await;
    client.cloud().networks().deleted.clear();
    recovers(&client, &store).await;
}

async fn a_subnet_without_addresses(database: &TestDatabase) {
    let client = client(database).await;
    let (store, _) = disconnected(&client).await;
    client.cloud().networks().full.insert(SUBNETS[1][0].to_owned());
    fails(&client, &store, "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET").await;
    client.cloud().networks().full.clear();
    recovers(&client, &store).await;
}

async fn a_cluster_that_is_not_fit_is_refused_at_once(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = disconnected(&client).await;
    let refused = async || {
        let error = client.begin_connecting(&store).await.unwrap_err();
        assert_eq!(client.store_state(&store).await.0, "DISCONNECTED");
        error.code().to_owned()
    };
    cluster.set_cluster_state("DELETE_IN_PROGRESS".into());
    assert_eq!(refused().await, "CloudHsmClusterNotActiveException");
    cluster.set_cluster_state("ACTIVE".into());
    for hsm in cluster.hsms() {
        hsm.set_active(false);
    }
    assert_eq!(refused().await, "CloudHsmClusterInvalidConfigurationException");
    // One is enough to connect.
    cluster.hsms()[0].set_active(true);
    client.cloud().close_groups();
    assert_eq!(refused().await, "CloudHsmClusterInvalidConfigurationException");
    client.cloud().open_groups();
    client.connect(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await.0, "CONNECTED");
}

async fn after_a_failure_it_has_to_be_disconnected_first(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = disconnected(&client).await;
    cluster.set_password("anotherPassword").unwrap();
    fails(&client, &store, "INVALID_CREDENTIALS").await;
    for error in [
        client.begin_connecting(&store).await.unwrap_err(),
        client.set_store_password(&store, "anotherPassword").await.unwrap_err(),
        client.delete_store(&store).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), "CustomKeyStoreInvalidStateException");
        assert!(error.message().unwrap().contains("DisconnectCustomKeyStore"), "{error}");
    }
    set_password(&client, &store, "anotherPassword").await;
}
