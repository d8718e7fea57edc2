//! Deleted keys go from the HSMs too.

use serde_json::{Value, json};
use strongroom_api_kms::{DeleteCustomKeyStoreRequest, Kms as _};
use strongroom_crypto::hex;
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::{Rig, attribute, said};
use crate::fixture::{DAY, NOW};
use strongroom_hsm_proto::command::{AttributeName, AttributeValue};

on_both_engines! {
    the_hsm_keys_of_all_materials_go_and_the_record_says_so,
    what_cannot_be_deleted_at_once_is_deleted_when_the_store_is_connected,
    hsms_that_do_not_answer_are_asked_again,
    what_is_left_in_the_hsms_of_a_deleted_store_is_told_once,
}

fn details(rig: &Rig) -> Value {
    let records = rig.client.kms.records();
    let record = records.iter().rfind(|record| record.event_name == "DeleteKey").unwrap();
    serde_json::from_str(record.additional_event_data.as_ref().unwrap()).unwrap()
}

fn statuses(details: &Value) -> Vec<(String, String)> {
    let text = details["backingKeysDeletionStatus"].as_str().unwrap();
    let statuses: Vec<Value> = serde_json::from_str(text).unwrap();
    let status = |status: &Value| {
        let member = |name: &str| status[name].as_str().unwrap().to_owned();
        (member("backingKeyId"), member("deletionStatus"))
    };
    statuses.iter().map(status).collect()
}

async fn the_hsm_keys_of_all_materials_go_and_the_record_says_so(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let (key, other) = (rig.key().await, rig.key().await);
    rig.rotate(&key).await.unwrap();
    let materials: Vec<_> = rig
        .hsm_keys()
        .iter()
        .filter(|found| {
            let label = rig.arn(&format!("key/{key}")).into_bytes();
            attribute(found, AttributeName::Label) == AttributeValue::Bytes(label)
        })
        .map(|found| found.key)
        .collect();
    assert_eq!(materials.len(), 2);
    rig.schedule_deletion(&key, Some(7)).await.unwrap();
    rig.at(NOW + 7 * DAY).later(0).await;

    assert_eq!(rig.describe(&key).await.unwrap_err().code(), "NotFoundException");
    let left = rig.hsm_keys();
    assert_eq!(left.len(), 1);
    assert!(!materials.contains(&left[0].key));
    rig.encrypt(&other, b"x", &[]).await.unwrap();
    let details = details(&rig);
    assert_eq!(details["customKeyStoreId"], json!(rig.store));
    assert_eq!(details["clusterId"], json!(rig.cluster.id));
    let statuses = statuses(&details);
    assert_eq!(statuses.len(), 2);
    assert!(statuses.iter().all(|(_, status)| status == "SUCCESS"), "{statuses:?}");
    assert_eq!(rig.client.kms.next_due().await, None);
}

async fn what_cannot_be_deleted_at_once_is_deleted_when_the_store_is_connected(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    rig.schedule_deletion(&key, Some(7)).await.unwrap();
    rig.disconnect().await;
    rig.at(NOW + 8 * DAY).later(0).await;
    assert_eq!(rig.describe(&key).await.unwrap_err().code(), "NotFoundException");
    assert!(statuses(&details(&rig)).iter().all(|(_, status)| status == "FAILURE"));
    assert_eq!(rig.hsm_keys().len(), 1);
    assert_eq!(rig.client.kms.next_due().await, None, "nothing is behind while there is no connection");

    rig.connect().await;
    let later = rig.at(NOW + 8 * DAY);
    let material = rig.hsm_keys().iter().map(|found| attribute(found, AttributeName::Id)).next().unwrap();
    assert_eq!(later.kms.run_due(later.now).await.len(), 1);
    assert_eq!(rig.hsm_keys().len(), 0);
    let AttributeValue::Bytes(material) = material else { panic!("{material:?}") };
    let records = rig.client.kms.records();
    let swept = records.iter().find(|record| record.event_name == "DeleteBackingKey").unwrap();
    let details: Value = serde_json::from_str(swept.service_event_details.as_ref().unwrap()).unwrap();
    let expected = json!({
        "customKeyStoreId": rig.store,
        "keyId": key,
        "backingKeyId": hex::encode(&material),
    });
    assert_eq!(details, expected);
    assert_eq!(rig.client.kms.next_due().await, None);
}

async fn hsms_that_do_not_answer_are_asked_again(database: &TestDatabase) {
    use strongroom_runtime::Agenda as _;

    let rig = Rig::new(database).await;
    let key = rig.key().await;
    rig.schedule_deletion(&key, Some(7)).await.unwrap();
    rig.cluster.set_reachable(false);
    let due = rig.client.kms.next_due().await.unwrap();
    rig.at(due.at_ms);
    rig.client.kms.run(&due).await.unwrap();
    assert_eq!(
        said(rig.describe(&key).await),
        format!("NotFoundException: Key '{}' does not exist", rig.arn(&format!("key/{key}")))
    );
    assert!(statuses(&details(&rig)).iter().all(|(_, status)| status == "FAILURE"));
    let leftover = rig.client.kms.next_due().await.unwrap();
    rig.client.kms.run(&leftover).await.unwrap_err();
    rig.cluster.set_reachable(true);
    // The cluster is left alone for a while after a failure.
    rig.client.kms.run(&leftover).await.unwrap_err();
    assert_eq!(rig.hsm_keys().len(), 1);
    rig.at(due.at_ms + 60_000);
    rig.client.kms.run(&leftover).await.unwrap();
    assert_eq!(rig.hsm_keys().len(), 0);
    // Done twice is done once.
    rig.client.kms.run(&leftover).await.unwrap();
}

async fn what_is_left_in_the_hsms_of_a_deleted_store_is_told_once(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let key = rig.key().await;
    rig.rotate(&key).await.unwrap();
    rig.schedule_deletion(&key, Some(7)).await.unwrap();
    rig.disconnect().await;
    rig.at(NOW + 8 * DAY).later(0).await;
    let left = rig.hsm_keys();
    assert_eq!(left.len(), 2);

    let context = rig.changing();
    let input = DeleteCustomKeyStoreRequest { custom_key_store_id: rig.store.clone() };
    rig.client.kms.delete_custom_key_store(&context, input).await.unwrap();
    let additional = context.take_notes().additional;
    let (_, told) = additional.iter().find(|(name, _)| *name == "backingKeysLeft").unwrap();
    let mut ids: Vec<_> = left
        .iter()
        .map(|found| match attribute(found, AttributeName::Id) {
            AttributeValue::Bytes(id) => hex::encode(&id),
            other => panic!("{other:?}"),
        })
        .collect();
    ids.sort_unstable();
    let expected: Value = ids.iter().map(|id| json!({ "keyId": key, "backingKeyId": id })).collect();
    assert_eq!(format!("{told:?}"), format!("Text({:?})", expected.to_string()));
    let rows = rig.db.query(Statement::new("SELECT material_id FROM kms_leftovers"), &[]).await.unwrap();
    assert_eq!(rows.len(), 0);
}
