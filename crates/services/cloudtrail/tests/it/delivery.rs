//! What is delivered, where, and what is not.

use serde_json::json;
use strongroom_api_cloudtrail::{
    AdvancedEventSelector, AdvancedFieldSelector, CloudTrail as _, DeleteTrailRequest, GetTrailStatusRequest,
    PutEventSelectorsRequest, StopLoggingRequest, UpdateTrailRequest,
};
use strongroom_identity::RecordDraft;
use strongroom_journal::{EventId, Identity, IdentityKind, Record};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::fixture::{FAR_REGION, REGION, STRANGER, record};
use crate::world::{HOUR, KEY, MINUTE, World};

on_both_engines! {
    what_is_logged_is_delivered_at_the_next_five_minutes,
    what_a_trail_is_not_about_is_not_delivered,
    a_bucket_that_forbids_is_tried_again,
}

async fn what_is_logged_is_delivered_at_the_next_five_minutes(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world
        .trail("Trail", |input| {
            input.kms_key_id = Some("alias/trail".to_owned());
            input.s3_key_prefix = Some("logs".to_owned());
        })
        .await;
    let made = world.bucket.keys();
    assert_eq!(
        made,
        ["logs/AWSLogs/111122223333/CloudTrail-Digest/", "logs/AWSLogs/111122223333/CloudTrail/"]
    );
    let mut ids = world.calls(1, 3).await;
    world.settle().await;
    assert_eq!(world.bucket.files("CloudTrail", REGION), Vec::<String>::new());
    ids.extend(world.calls(2, 2).await);
    world.pass(5 * MINUTE);
    world.settle().await;
    let files = world.bucket.files("CloudTrail", REGION);
    let [file] = files.as_slice() else { panic!("{files:?}") };
    // NOW is 2023-11-14T22:13:20Z.
    let beginning = "logs/AWSLogs/111122223333/CloudTrail/us-east-1/2023/11/14/111122223333_CloudTrail_us-east-1_20231114T2215Z_";
    let unique = file.strip_prefix(beginning).and_then(|rest| rest.strip_suffix(".json.gz")).unwrap();
    assert!(unique.len() == 16 && unique.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{file}");
    assert_eq!(world.bucket.event_ids(), ids);
    let object = world.bucket.object(file);
    assert_eq!(
        (object.bucket.as_str(), object.kms_key_arn.as_deref(), object.is_compressed_json),
        ("evidence", Some(KEY), true)
    );
    let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/Trail";
    assert!(world.bucket.behalves().iter().all(|behalf| behalf.trail_arn == arn));
    // Nothing happened since: nothing is delivered.
    world.pass(5 * MINUTE);
    world.settle().await;
    assert_eq!(world.bucket.files("CloudTrail", REGION).len(), 1);

    let status = GetTrailStatusRequest { name: "Trail".to_owned() };
    let status = world.cloudtrail.get_trail_status(&world.context(REGION), status).await.unwrap();
    assert_eq!(status.latest_delivery_time.unwrap().as_millis(), world.now() - 5 * MINUTE);
    assert_eq!((status.is_logging, status.latest_delivery_error), (Some(true), None));
}

async fn what_a_trail_is_not_about_is_not_delivered(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.calls(1, 2).await;
    world.pass(MINUTE);
    world.trail("Trail", |_| ()).await;
    let call = |number: u8| Record { event_time_ms: world.now(), ..record(number) };
    let cloudtrail = Identity {
        kind: Some(IdentityKind::AwsService),
        invoked_by: Some("cloudtrail.amazonaws.com".to_owned()),
        ..Identity::default()
    };
    let others = [
        Record { account_id: STRANGER.to_owned(), ..call(1) },
        Record { aws_region: FAR_REGION.to_owned(), ..call(2) },
        Record { identity: cloudtrail, ..call(3) },
        Record { management: false, ..call(4) },
    ];
    for other in &others {
        world.journal.append(other).await.unwrap();
    }
    world.journal.append(&call(9)).await.unwrap();
    world.pass(5 * MINUTE);
    world.settle().await;
    assert_eq!(world.bucket.event_ids(), [call(9).event_id.to_string()]);
}

async fn a_bucket_that_forbids_is_tried_again(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    let ids = world.calls(1, 3).await;
    world.bucket.fail_with(Some("AccessDenied"));
    world.pass(5 * MINUTE);
    world.settle().await;
    let status = || async {
        let status = GetTrailStatusRequest { name: "Trail".to_owned() };
        world.cloudtrail.get_trail_status(&world.context(REGION), status).await.unwrap()
    };
    assert_eq!(status().await.latest_delivery_error.as_deref(), Some("AccessDenied"));
    assert_eq!(status().await.latest_delivery_time, None);
    world.bucket.fail_with(None);
    let more = world.calls(2, 1).await;
    world.pass(5 * MINUTE);
    world.settle().await;
    assert_eq!(world.bucket.event_ids(), [ids, more].concat());
    assert_eq!(status().await.latest_delivery_error, None);
}

/// A context whose call has a record with that id.
fn with_draft(world: &World, event_id: [u8; 16]) -> strongroom_identity::RequestContext {
    world.context(REGION).with_draft(RecordDraft { event_id, bytes: Vec::new(), mark: None })
}

on_both_engines! {
    that_logging_stopped_is_the_last_that_is_logged,
    a_deleted_trail_delivers_what_it_logged_and_goes,
    regions_have_files_of_their_own,
    selectors_choose_from_the_moment_they_are_put,
}

async fn that_logging_stopped_is_the_last_that_is_logged(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    let mut ids = world.calls(1, 2).await;
    world.pass(MINUTE);
    let stop = StopLoggingRequest { name: "Trail".to_owned() };
    world.cloudtrail.stop_logging(&with_draft(&world, [7; 16]), stop).await.unwrap();
    world.pass(1000);
    let stopped = Record { event_id: EventId([7; 16]), event_time_ms: world.now(), ..record(0) };
    world.journal.append(&stopped).await.unwrap();
    ids.push(stopped.event_id.to_string());
    world.calls(8, 2).await;
    world.pass(5 * MINUTE);
    world.settle().await;
    assert_eq!(world.bucket.event_ids(), ids);
}

async fn a_deleted_trail_delivers_what_it_logged_and_goes(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    let ids = world.calls(1, 2).await;
    world.pass(MINUTE);
    let delete = DeleteTrailRequest { name: "Trail".to_owned() };
    world.cloudtrail.delete_trail(&world.context(REGION), delete).await.unwrap();
    // Its name is free at once.
    world.trail("Trail", |_| ()).await;
    world.calls(8, 1).await;
    world.pass(10 * MINUTE);
    world.settle().await;
    world.pass(10 * MINUTE);
    world.settle().await;
    let delivered = world.bucket.event_ids();
    // What happens at the moment of the change is logged by both.
    assert!(ids.iter().all(|id| delivered.contains(id)), "{delivered:?}");
    let digests = world.bucket.files("CloudTrail-Digest", REGION);
    assert_eq!(digests.len(), 1, "{digests:?}");
    // Of the deleted one nothing is left to do.
    assert!(world.next_due().await.is_none());
}

async fn regions_have_files_of_their_own(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |input| input.is_multi_region_trail = Some(true)).await;
    let far = Record { event_time_ms: world.now(), aws_region: FAR_REGION.to_owned(), ..record(1) };
    world.journal.append(&far).await.unwrap();
    world.calls(2, 1).await;
    world.pass(5 * MINUTE);
    world.settle().await;
    let counts =
        [REGION, FAR_REGION, "us-west-2"].map(|region| world.bucket.files("CloudTrail", region).len());
    assert_eq!(counts, [1, 1, 0]);
    world.pass(HOUR);
    world.settle().await;
    let digests =
        [REGION, FAR_REGION, "us-west-2"].map(|region| world.bucket.files("CloudTrail-Digest", region).len());
    assert_eq!(digests, [1, 1, 0]);
    let [digest] = world.bucket.files("CloudTrail-Digest", FAR_REGION).try_into().unwrap();
    assert!(digest.contains("_CloudTrail-Digest_eu-central-1_Trail_us-east-1_"), "{digest}");
    // Back in one Region, the other's digests end.
    let update = UpdateTrailRequest { is_multi_region_trail: Some(false), ..update() };
    world.cloudtrail.update_trail(&world.context(REGION), update).await.unwrap();
    for _ in 0..3 {
        world.pass(HOUR);
        world.settle().await;
    }
    let digests = [REGION, FAR_REGION].map(|region| world.bucket.files("CloudTrail-Digest", region).len());
    assert_eq!(digests, [4, 2]);
}

fn update() -> UpdateTrailRequest {
    UpdateTrailRequest { name: "Trail".to_owned(), ..Default::default() }
}

async fn selectors_choose_from_the_moment_they_are_put(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    let before = world.calls(1, 2).await;
    world.deliveries.catch_up().await.unwrap();
    let field = |field: &str, value: &str| AdvancedFieldSelector {
        field: field.to_owned(),
        equals: Some(vec![value.to_owned()]),
        ..Default::default()
    };
    let selector = AdvancedEventSelector {
        name: Some("written".to_owned()),
        field_selectors: vec![field("eventCategory", "Management"), field("readOnly", "false")],
    };
    let put = PutEventSelectorsRequest {
        trail_name: "Trail".to_owned(),
        advanced_event_selectors: Some(vec![selector]),
        ..Default::default()
    };
    let answer = world.cloudtrail.put_event_selectors(&world.context(REGION), put).await.unwrap();
    assert_eq!(answer.event_selectors.is_none(), answer.advanced_event_selectors.is_some());
    // What happens at the moment of the change is judged by both.
    world.pass(1000);
    world.calls(2, 2).await;
    let written = Record { event_time_ms: world.now(), read_only: false, ..record(200) };
    world.journal.append(&written).await.unwrap();
    world.pass(5 * MINUTE);
    world.settle().await;
    assert_eq!(world.bucket.event_ids(), [before, vec![written.event_id.to_string()]].concat());
    assert_eq!(json!(world.bucket.files("CloudTrail", REGION).len()), json!(2));
}

on_both_engines! {
    a_topic_is_told_what_was_delivered,
}

async fn a_topic_is_told_what_was_delivered(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    let closed = UpdateTrailRequest { sns_topic_name: Some("closed".to_owned()), ..update() };
    world.trail("Trail", |input| input.sns_topic_name = Some("told".to_owned())).await;
    let refused = world.cloudtrail.update_trail(&world.context(REGION), closed).await.unwrap_err();
    assert_eq!(refused.code(), "InsufficientSnsTopicPolicyException");
    assert_eq!(refused.message(), Some("SNS Topic does not exist or the topic policy is incorrect!"));
    world.calls(1, 1).await;
    world.pass(5 * MINUTE);
    world.settle().await;
    let [file] = world.bucket.files("CloudTrail", REGION).try_into().unwrap();
    let told = json!({"s3Bucket": "evidence", "s3ObjectKey": [file]}).to_string();
    assert_eq!(world.topic.told(), ["CloudTrail validation message.".to_owned(), told]);
}
