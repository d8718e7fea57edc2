//! What calls about multi-Region keys leave in other Regions, and what KMS does by itself (KMS Developer Guide,
//! "ReplicateKey", "UpdatePrimaryRegion" and "SynchronizeMultiRegionKey" under "Logging AWS KMS API calls").

use serde_json::{Value, json};
use strongroom_journal::{EventType, Record};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, DAY, FAR_REGION, REGION, client};

on_both_engines! {
    a_replica_is_recorded_where_it_is_made,
    a_new_primary_key_is_recorded_where_it_is,
    what_is_synchronized_is_recorded_where_the_primary_key_is,
    a_rotation_that_was_missed_is_put_off_everywhere,
}

/// The records since that many, by name and Region.
fn since(client: &Client, count: usize) -> Vec<Record> {
    client.kms.records().split_off(count)
}

fn named(records: &[Record]) -> Vec<(&str, &str)> {
    records.iter().map(|record| (record.event_name.as_str(), record.aws_region.as_str())).collect()
}

fn parsed(json: Option<&String>) -> Value {
    json.map_or(Value::Null, |json| serde_json::from_str(json).unwrap())
}

async fn a_replica_is_recorded_where_it_is_made(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_primary().await;
    let before = client.kms.records().len();
    client.replicate(&key, FAR_REGION).await.unwrap();
    client.kms.run_due(client.now).await;
    let records = since(&client, before);
    assert_eq!(named(&records), [("CreateKey", FAR_REGION), ("SynchronizeMultiRegionKey", REGION)]);
    let made = &records[0];
    assert_eq!(made.identity.invoked_by.as_deref(), Some("kms.amazonaws.com"));
    assert_eq!(made.identity.arn.as_deref(), Some("arn:aws:iam::111122223333:root"));
    assert_eq!(made.request_id.as_deref(), Some(client.context().request_id.to_string().as_str()));
    assert_eq!(parsed(made.request_parameters.as_ref())["multiRegion"], true);
    let there = client.in_region(FAR_REGION).arn(&format!("key/{key}"));
    assert_eq!(made.resources.as_ref().unwrap()[0].arn, there);
    assert_eq!((made.event_type, made.read_only), (EventType::AwsApiCall, false));
}

async fn a_new_primary_key_is_recorded_where_it_is(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    let before = client.kms.records().len();
    client.update_primary(&key, FAR_REGION).await.unwrap();
    client.kms.run_due(client.now).await;
    let records = since(&client, before);
    assert_eq!(named(&records), [("UpdatePrimaryRegion", FAR_REGION)]);
    let arn = there.arn(&format!("key/{key}"));
    assert_eq!(
        parsed(records[0].request_parameters.as_ref()),
        json!({ "keyId": arn, "primaryRegion": FAR_REGION })
    );
    assert_eq!(parsed(records[0].response_elements.as_ref()), json!({ "keyId": arn }));
    assert_eq!(records[0].identity.invoked_by.as_deref(), Some("kms.amazonaws.com"));
    assert_eq!(records[0].user_agent.as_deref(), Some("AWS Internal"));
}

async fn what_is_synchronized_is_recorded_where_the_primary_key_is(database: &TestDatabase) {
    let client = client(database).await;
    let (key, _) = client.create_related().await;
    let before = client.kms.records().len();
    client.enable_rotation(&key, Some(90)).await.unwrap();
    client.rotate(&key).await.unwrap();
    let client = client.later(90 * DAY).await;
    let records = since(&client, before);
    let shared = ("SynchronizeMultiRegionKey", REGION);
    assert_eq!(named(&records), [shared, ("RotateKey", REGION), shared, ("RotateKey", REGION), shared]);
    let arn = client.arn(&format!("key/{key}"));
    let record = &records[0];
    let identity = (record.identity.account_id.as_deref(), record.identity.invoked_by.as_deref());
    assert_eq!(identity, (Some(ACCOUNT), Some("AWS Internal")));
    assert_eq!(parsed(record.response_elements.as_ref()), json!({ "keyId": arn }));
    assert_eq!((record.event_type, record.request_id.is_some()), (EventType::AwsApiCall, true));
    let resources = record.resources.as_ref().unwrap();
    assert_eq!((resources.len(), resources[0].arn.as_str()), (1, arn.as_str()));
    // Keys of one Region, and those without replicas, share nothing.
    let before = client.kms.records().len();
    let single = client.create_key().await.key_id;
    client.rotate(&single).await.unwrap();
    client.rotate(&client.create_primary().await).await.unwrap();
    let names = since(&client, before).into_iter().map(|record| record.event_name);
    assert_eq!(names.filter(|name| name == "SynchronizeMultiRegionKey").count(), 0);
}

/// What fell due while the primary key was disabled is due when it is enabled, and all Regions say so.
async fn a_rotation_that_was_missed_is_put_off_everywhere(database: &TestDatabase) {
    let client = client(database).await;
    let (key, _) = client.create_related().await;
    client.enable_rotation(&key, Some(90)).await.unwrap();
    client.disable(&key).await.unwrap();
    let late = client.later(100 * DAY).await;
    let before = late.kms.records().len();
    late.enable(&key).await.unwrap();
    assert_eq!(named(&since(&late, before)), [("SynchronizeMultiRegionKey", REGION)]);
    for who in [&late, &late.in_region(FAR_REGION)] {
        let next = who.rotation_status(&key).await.unwrap().next_rotation_date;
        assert_eq!(next, Some(Timestamp::from_millis(late.now)));
    }
    // Whoever changes nothing of what is shared tells nobody.
    let before = late.kms.records().len();
    late.enable(&key).await.unwrap();
    late.enable_rotation(&key, Some(90)).await.unwrap();
    late.describe_as(&key, "x").await.unwrap();
    assert_eq!(named(&since(&late, before)), []);
}
