//! Connecting and disconnecting, when everything is as it should be.

use std::net::IpAddr;

use strongroom_hsm_proto::command::FailureCode;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::cluster::KMS_PASSWORD;
use crate::fixture::{client, new_store};

on_both_engines! {
    a_key_store_is_connected_with_a_password_that_only_kms_knows,
    every_connection_brings_another_password,
    kms_has_an_interface_in_each_subnet_while_it_is_connected,
    connecting_twice_is_connecting_once,
}

const CONNECTED: (&str, Option<String>) = ("CONNECTED", None);

async fn a_key_store_is_connected_with_a_password_that_only_kms_knows(database: &TestDatabase) {
    let client = client(database).await;
    let cluster = client.cloud().cluster();
    let store = client.create_store(new_store("store", &cluster)).await.unwrap();
    assert_eq!(client.store_state(&store).await.0, "DISCONNECTED");

    client.begin_connecting(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await.0, "CONNECTING");
    client.kms.settle_key_stores().await.unwrap();
    assert_eq!(client.store_state(&store).await, (CONNECTED.0.to_owned(), CONNECTED.1));
    assert_eq!(cluster.try_log_in(KMS_PASSWORD), Err(FailureCode::LoginFailed));

    client.begin_disconnecting(&store).await.unwrap();
    assert_eq!(client.store_state(&store).await.0, "DISCONNECTING");
    client.kms.settle_key_stores().await.unwrap();
    assert_eq!(client.store_state(&store).await.0, "DISCONNECTED");
}

async fn every_connection_brings_another_password(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = client.connected_store().await;
    let first = cluster.snapshot();
    client.disconnect(&store).await.unwrap();
    assert_eq!(client.connect(&store).await.unwrap().connection_state.unwrap().as_str(), "CONNECTED");
    client.disconnect(&store).await.unwrap();
    // The cluster is put back to before the second connection, and its old password with it.
    cluster.restore(&first);
    let failed = client.connect(&store).await.unwrap();
    assert_eq!(failed.connection_error_code.unwrap().as_str(), "INVALID_CREDENTIALS");
}

async fn kms_has_an_interface_in_each_subnet_while_it_is_connected(database: &TestDatabase) {
    let client = client(database).await;
    let before = client.cloud().networks().groups.len();
    let (store, cluster) = client.connected_store().await;
    let (group, addresses) = {
        let networks = client.cloud().networks();
        let name = format!("kms-{store}");
        let (group, made) = networks.groups.iter().find(|(_, group)| group.name == name).unwrap();
        let clusters = networks.groups.iter().find(|(_, group)| group.name.contains(&cluster.id)).unwrap().0;
        assert_eq!(made.sources.iter().collect::<Vec<_>>(), [clusters]);
        let subnets: Vec<_> = networks.interfaces.values().map(|made| made.subnet.clone()).collect();
        assert_eq!(subnets, ["subnet-0000000a", "subnet-0000000b"]);
        for interface in networks.interfaces.values() {
            assert_eq!(interface.description, format!("KMS managed ENI for cluster {}", cluster.id));
            assert_eq!(interface.groups, [group.clone(), clusters.clone()]);
        }
        let addresses: Vec<IpAddr> =
            networks.interfaces.values().map(|made| made.address.parse().unwrap()).collect();
        (group.clone(), addresses)
    };
    assert!(client.cloud().dialled().iter().all(|address| address.sources == addresses));

    client.disconnect(&store).await.unwrap();
    let networks = client.cloud().networks();
    assert!(networks.interfaces.is_empty() && !networks.groups.contains_key(&group));
    assert_eq!(networks.groups.len(), before + 1, "the cluster's own group stays");
}

async fn connecting_twice_is_connecting_once(database: &TestDatabase) {
    let client = client(database).await;
    let cluster = client.cloud().cluster();
    let store = client.create_store(new_store("store", &cluster)).await.unwrap();
    client.begin_connecting(&store).await.unwrap();
    client.begin_connecting(&store).await.unwrap();
    client.kms.settle_key_stores().await.unwrap();
    let dialled = client.cloud().dialled().len();
    client.begin_connecting(&store).await.unwrap();
    client.kms.settle_key_stores().await.unwrap();
    assert_eq!(client.store_state(&store).await.0, "CONNECTED");
    assert_eq!(client.cloud().dialled().len(), dialled);
}
