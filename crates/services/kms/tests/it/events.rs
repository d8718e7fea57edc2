//! Records of what KMS does by itself, with exactly the members that AWS's samples show (KMS Developer Guide,
//! "Logging AWS KMS API calls with AWS CloudTrail"), and what drafts wait meanwhile.

use serde_json::{Value, json};
use strongroom_api_kms::{CreateKeyRequest, Kms as _, RotateKeyOnDemandRequest};
use strongroom_journal::{EventId, EventType, Identity, Record, Resource};
use strongroom_runtime::Agenda as _;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, DAY, NOW, REGION, client, open, root, start};
use crate::operations::{Aids, BY_ANY_NAME, BY_KEY_ONLY, Operation};

on_both_engines! {
    a_rotation_is_recorded_with_both_materials,
    a_deletion_is_recorded,
    the_making_of_a_services_key_is_recorded,
    each_change_commits_one_draft_and_nothing_else_does,
    what_is_recorded_waits_no_more,
}

/// What the records of a key's events have in common.
fn event(name: &str, arn: &str, at_ms: i64, recorded: &Record) -> Record {
    Record {
        event_id: recorded.event_id,
        event_time_ms: at_ms,
        event_source: "kms.amazonaws.com".to_owned(),
        event_name: name.to_owned(),
        aws_region: REGION.to_owned(),
        account_id: ACCOUNT.to_owned(),
        identity: Identity {
            account_id: Some(ACCOUNT.to_owned()),
            invoked_by: Some("AWS Internal".to_owned()),
            ..Identity::default()
        },
        source_ip: "AWS Internal".to_owned(),
        user_agent: Some("AWS Internal".to_owned()),
        response_elements: Some(json!({ "keyId": arn }).to_string()),
        resources: Some(vec![Resource {
            account_id: Some(ACCOUNT.to_owned()),
            kind: Some("AWS::KMS::Key".to_owned()),
            arn: arn.to_owned(),
        }]),
        event_type: EventType::AwsServiceEvent,
        management: true,
        ..Record::default()
    }
}

fn details(record: &Record) -> Value {
    serde_json::from_str(record.service_event_details.as_deref().unwrap()).unwrap()
}

async fn a_rotation_is_recorded_with_both_materials(database: &TestDatabase) {
    let client = client(database).await;
    let made = client.create_key().await;
    let (key, arn) = (made.key_id, made.arn.unwrap());
    let material = async || client.describe(&key).await.unwrap().current_key_material_id.unwrap();
    let mut former = material().await;
    client.enable_rotation(&key, Some(90)).await.unwrap();
    for (kind, at_ms) in
        [("ON_DEMAND", NOW + DAY), ("AUTOMATIC", NOW + 90 * DAY), ("AUTOMATIC", NOW + 180 * DAY)]
    {
        match kind {
            "ON_DEMAND" => drop(client.at(at_ms).rotate(&key).await.unwrap()),
            // Recorded at the time when it was due, however late it is done.
            _ => client.kms.run(&client.kms.next_due().await.unwrap()).await.unwrap(),
        }
        let recorded = client.kms.records().pop().unwrap();
        let current = material().await;
        assert_eq!(
            details(&recorded),
            json!({
                "rotationType": kind,
                "keyOrigin": "AWS_KMS",
                "previousKeyMaterialId": former,
                "currentKeyMaterialId": current,
                "keyId": key,
            })
        );
        let expected = Record {
            service_event_details: recorded.service_event_details.clone(),
            ..event("RotateKey", &arn, at_ms, &recorded)
        };
        assert_eq!(recorded, expected);
        former = current;
    }
    let ids: std::collections::HashSet<_> =
        client.kms.records().iter().map(|record| record.event_id).collect();
    assert_eq!((ids.len(), ids.contains(&EventId([0; 16]))), (3, false));
}

async fn a_deletion_is_recorded(database: &TestDatabase) {
    let client = client(database).await;
    let made = client.create_key().await;
    client.schedule_deletion(&made.key_id, Some(7)).await.unwrap();
    assert_eq!(client.kms.records(), []);
    let later = client.later(100 * DAY).await;
    let records = later.kms.records();
    let [recorded] = &*records else { panic!("{records:?}") };
    assert_eq!(*recorded, event("DeleteKey", &made.arn.unwrap(), NOW + 7 * DAY, recorded));
}

async fn the_making_of_a_services_key_is_recorded(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.describe("alias/aws/s3").await.unwrap();
    client.describe("alias/aws/s3").await.unwrap();
    let records = client.kms.records();
    let [recorded] = &*records else { panic!("{records:?}") };
    let event = event("CreateKey", &key.arn.unwrap(), NOW, recorded);
    // The service is who did it.
    let service = "s3.amazonaws.com".to_owned();
    let identity = Identity { invoked_by: Some(service.clone()), ..event.identity };
    assert_eq!(
        *recorded,
        Record { identity, source_ip: service.clone(), user_agent: Some(service), ..event }
    );
}

/// How many drafts of callers wait.
async fn waiting(client: &Client, db: &strongroom_store::Db) -> usize {
    client.kms.outbox.empty().await;
    db.posted(None, 1_000).await.unwrap().len()
}

async fn each_change_commits_one_draft_and_nothing_else_does(database: &TestDatabase) {
    const CHANGES: [Operation; 12] = [
        Operation::CreateAlias,
        Operation::UpdateAlias,
        Operation::UpdateKeyDescription,
        Operation::EnableKey,
        Operation::DisableKey,
        Operation::ScheduleKeyDeletion,
        Operation::TagResource,
        Operation::UntagResource,
        Operation::PutKeyPolicy,
        Operation::EnableKeyRotation,
        Operation::DisableKeyRotation,
        Operation::RotateKeyOnDemand,
    ];
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let made = client.create_key().await.key_id;
    assert_eq!(waiting(&client, &db).await, 1);
    let mut before = 1;
    for operation in BY_ANY_NAME.into_iter().chain(BY_KEY_ONLY) {
        let key = client.create_key().await.key_id;
        let aids = Aids::new(&client, &key).await;
        before += 3;
        assert_eq!(waiting(&client, &db).await, before);
        let changed = operation.call(&client, &key, &aids).await.is_ok() && CHANGES.contains(&operation);
        assert_eq!(changed, CHANGES.contains(&operation), "{operation:?}");
        before += usize::from(changed);
        assert_eq!(waiting(&client, &db).await, before, "{operation:?}");
    }
    client.schedule_deletion(&made, None).await.unwrap();
    client.cancel_deletion(&made).await.unwrap();
    client.create_alias("alias/x", &made).await.unwrap();
    client.delete_alias("alias/x").await.unwrap();
    assert_eq!(waiting(&client, &db).await, before + 4);

    // A change whose draft cannot be posted is not made.
    let context = client.changing();
    let input = RotateKeyOnDemandRequest { key_id: client.create_key().await.key_id };
    client.kms.rotate_key_on_demand(&context, input.clone()).await.unwrap();
    let refused = client.kms.rotate_key_on_demand(&context, input.clone()).await.unwrap_err();
    assert_eq!(refused.code(), "KMSInternalException");
    assert_eq!(client.rotations(&input.key_id, None, None).await.len(), 1);
}

async fn what_is_recorded_waits_no_more(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    // Without drafts of callers.
    let key = client.kms.create_key(&client.context(), CreateKeyRequest::default()).await.unwrap();
    let key = key.key_metadata.unwrap().key_id;
    for number in 0..3 {
        let input = RotateKeyOnDemandRequest { key_id: key.clone() };
        client.kms.rotate_key_on_demand(&client.at(NOW + number).context(), input).await.unwrap();
    }
    client.describe("alias/aws/s3").await.unwrap();
    client.later(366 * DAY).await;
    client.kms.outbox.empty().await;
    assert_eq!(db.posted(None, 10).await.unwrap(), []);
    assert_eq!(client.kms.records().len(), 3 + 1 + 1);
    // Nothing is left for the next start to record.
    assert_eq!(client.kms.outbox.replay().await.unwrap(), 0);
}
