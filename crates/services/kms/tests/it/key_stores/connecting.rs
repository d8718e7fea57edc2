//! Connecting and disconnecting, when everything is as it should be.

use std::net::IpAddr;

use strongroom_hsm_proto::command::FailureCode;
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::cluster::KMS_PASSWORD;
use crate::fixture::{ACCOUNT, Client, REGION, client, new_store, open, root, start};

on_both_engines! {
    a_key_store_is_connected_with_a_password_that_only_kms_knows,
    every_connection_brings_another_password,
    kms_has_an_interface_in_each_subnet_while_it_is_connected,
    connecting_twice_is_connecting_once,
    what_becomes_of_it_is_recorded,
    an_altered_row_is_not_believed,
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

async fn what_becomes_of_it_is_recorded(database: &TestDatabase) {
    let client = client(database).await;
    let (store, cluster) = client.connected_store().await;
    client.disconnect(&store).await.unwrap();
    cluster.set_password("anotherPassword").unwrap();
    client.connect(&store).await.unwrap();
    let records = client.kms.records();
    let changes = records.iter().filter(|record| record.event_name == "CustomKeyStoreConnectionStateChange");
    let changes: Vec<serde_json::Value> = changes
        .map(|record| serde_json::from_str(record.service_event_details.as_ref().unwrap()).unwrap())
        .collect();
    let states: Vec<_> = changes.iter().map(|details| details["connectionState"].as_str().unwrap()).collect();
    assert_eq!(states, ["CONNECTED", "DISCONNECTED", "FAILED"]);
    assert_eq!(changes[2]["connectionErrorCode"], "INVALID_CREDENTIALS");
    for details in &changes {
        assert_eq!(
            (&details["customKeyStoreId"], &details["clusterId"]),
            (&store.clone().into(), &cluster.id.clone().into())
        );
    }
    // What was made and removed in EC2 is there too, in KMS's name.
    for (name, count) in
        [("CreateNetworkInterface", 4), ("DeleteNetworkInterface", 2), ("CreateSecurityGroup", 2)]
    {
        let made = records.iter().filter(|record| record.event_name == name);
        assert_eq!(made.clone().count(), count, "{name}");
        assert!(made.clone().all(|record| record.source_ip == "cks.kms.amazonaws.com"));
    }
    assert!(!format!("{records:?}").contains("assword\":\""), "no password is in any record");
}

async fn an_altered_row_is_not_believed(database: &TestDatabase) {
    const ALTERATIONS: [Statement; 6] = [
        Statement::new("UPDATE kms_key_stores SET state = 'CONNECTING' WHERE store_id = $1"),
        Statement::new("UPDATE kms_key_stores SET cluster_id = 'cluster-2345672345a' WHERE store_id = $1"),
        Statement::new("UPDATE kms_key_stores SET trust_anchor = 'another' WHERE store_id = $1"),
        Statement::new("UPDATE kms_key_stores SET password = NULL WHERE store_id = $1"),
        Statement::new("UPDATE kms_key_stores SET pending_password = password WHERE store_id = $1"),
        Statement::new("UPDATE kms_key_stores SET name = 'another' WHERE store_id = $1"),
    ];
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let sound = client.create_store(new_store("sound", &client.cloud().cluster())).await.unwrap();
    client.begin_connecting(&sound).await.unwrap();
    for (number, alteration) in ALTERATIONS.into_iter().enumerate() {
        let name = format!("store {number}");
        let store = client.create_store(new_store(&name, &client.cloud().cluster())).await.unwrap();
        db.execute(alteration, &[store.as_str().into()]).await.unwrap();
        let after = client.on(&client.kms.restarted(&db, &root()));
        let error = after.begin_connecting(&store).await.unwrap_err();
        assert_eq!(error.code(), "KMSInternalException");
        after.kms.settle_key_stores().await.unwrap();
        let gone = Statement::new("DELETE FROM kms_key_stores WHERE store_id = $1");
        db.execute(gone, &[store.as_str().into()]).await.unwrap();
    }
    // It stands in nobody's way.
    let after = client.on(&client.kms.restarted(&db, &root()));
    assert_eq!(after.store_state(&sound).await.0, "CONNECTED");
}
