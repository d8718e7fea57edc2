//! Trails that are changed while records of before are still on their way.

use strongroom_api_cloudtrail::{
    AdvancedEventSelector, AdvancedFieldSelector, CloudTrail as _, DeleteTrailRequest, GetTrailStatusRequest,
    PutEventSelectorsRequest, StartLoggingRequest, StopLoggingRequest,
};
use strongroom_identity::{RecordDraft, RequestContext};
use strongroom_journal::{EventId, Record};
use strongroom_runtime::Agenda as _;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::fixture::{REGION, record};
use crate::world::{HOUR, MINUTE, World};

on_both_engines! {
    that_an_idle_trail_was_deleted_is_delivered,
    what_was_done_before_selectors_narrow_is_delivered,
    changes_of_selectors_are_no_starts,
    stretches_that_were_not_read_are_kept,
    a_file_that_comes_late_has_a_digest,
    a_chain_that_was_stopped_ends_and_another_begins,
}

/// A context whose call has a record with that id.
fn with_draft(world: &World, event_id: [u8; 16]) -> RequestContext {
    world.context(REGION).with_draft(RecordDraft { event_id, bytes: Vec::new(), mark: None })
}

/// Records the call of that id, after it was done.
async fn recorded(world: &World, event_id: [u8; 16]) -> String {
    let call = Record { event_id: EventId(event_id), event_time_ms: world.now(), ..record(0) };
    world.journal.append(&call).await.unwrap();
    call.event_id.to_string()
}

async fn stop(world: &World) {
    let stop = StopLoggingRequest { name: "Trail".to_owned() };
    world.cloudtrail.stop_logging(&world.context(REGION), stop).await.unwrap();
}

async fn start(world: &World) -> Result<(), ApiError> {
    let start = StartLoggingRequest { name: "Trail".to_owned() };
    world.cloudtrail.start_logging(&world.context(REGION), start).await.map(drop)
}

/// Selectors that take nothing that is recorded here.
fn nothing() -> PutEventSelectorsRequest {
    let field = |field: &str, value: &str| AdvancedFieldSelector {
        field: field.to_owned(),
        equals: Some(vec![value.to_owned()]),
        ..Default::default()
    };
    let selector = AdvancedEventSelector {
        name: None,
        field_selectors: vec![field("eventCategory", "Management"), field("readOnly", "false")],
    };
    PutEventSelectorsRequest {
        trail_name: "Trail".to_owned(),
        advanced_event_selectors: Some(vec![selector]),
        ..Default::default()
    }
}

/// What the trail's digests name, all of them.
fn named(world: &World) -> Vec<String> {
    let digests = world.bucket.files("CloudTrail-Digest", REGION);
    let files = digests.iter().flat_map(|key| world.bucket.json(key)["logFiles"].as_array().unwrap().clone());
    let mut named: Vec<_> = files.map(|file| file["s3Object"].as_str().unwrap().to_owned()).collect();
    named.sort();
    named
}

async fn that_an_idle_trail_was_deleted_is_delivered(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    world.pass(2 * HOUR);
    world.settle().await;
    let delete = DeleteTrailRequest { name: "Trail".to_owned() };
    world.cloudtrail.delete_trail(&with_draft(&world, [7; 16]), delete).await.unwrap();
    // The scheduler was woken by the change; the call is recorded after it.
    world.settle().await;
    let deleted = recorded(&world, [7; 16]).await;
    for period in [5 * MINUTE, HOUR, 5 * MINUTE, 5 * MINUTE] {
        world.pass(period);
        world.settle().await;
    }
    assert_eq!(world.bucket.event_ids(), [deleted]);
    assert_eq!(named(&world), world.bucket.files("CloudTrail", REGION));
    assert_eq!(world.next_due().await, None);
}

async fn what_was_done_before_selectors_narrow_is_delivered(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    world.pass(1000);
    let mut ids = world.calls(1, 2).await;
    world.pass(1000);
    // Nothing of that was read yet.
    world.cloudtrail.put_event_selectors(&with_draft(&world, [7; 16]), nothing()).await.unwrap();
    world.pass(1000);
    ids.push(recorded(&world, [7; 16]).await);
    world.calls(2, 2).await;
    world.pass(5 * MINUTE);
    world.settle().await;
    assert_eq!(world.bucket.event_ids(), ids);
}

async fn changes_of_selectors_are_no_starts(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    let started_ms = world.now();
    world.pass(MINUTE);
    let stopped_ms = world.now();
    stop(&world).await;
    let status = || async {
        let status = GetTrailStatusRequest { name: "Trail".to_owned() };
        let status = world.cloudtrail.get_trail_status(&world.context(REGION), status).await.unwrap();
        (
            status.is_logging.unwrap(),
            status.start_logging_time.unwrap().as_millis(),
            status.stop_logging_time.unwrap().as_millis(),
        )
    };
    world.cloudtrail.put_event_selectors(&world.context(REGION), nothing()).await.unwrap();
    assert_eq!(status().await, (false, started_ms, stopped_ms));
    world.pass(MINUTE);
    start(&world).await.unwrap();
    let started_ms = world.now();
    world.pass(MINUTE);
    let everything = PutEventSelectorsRequest {
        event_selectors: Some(vec![strongroom_api_cloudtrail::EventSelector::default()]),
        advanced_event_selectors: None,
        ..nothing()
    };
    world.cloudtrail.put_event_selectors(&world.context(REGION), everything).await.unwrap();
    assert_eq!(status().await, (true, started_ms, stopped_ms));
}

async fn stretches_that_were_not_read_are_kept(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    let ids = world.calls(1, 2).await;
    let mut refused = None;
    for _ in 0..40 {
        world.pass(1000);
        stop(&world).await;
        world.pass(1000);
        refused = start(&world).await.err();
        if refused.is_some() {
            break;
        }
    }
    assert_eq!(refused.unwrap().code(), "ThrottlingException");
    world.pass(10 * MINUTE);
    world.settle().await;
    assert_eq!(world.bucket.event_ids(), ids);
    // What was read is no longer needed.
    start(&world).await.unwrap();
}

async fn a_file_that_comes_late_has_a_digest(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    stop(&world).await;
    // The last digest is written, and not put yet.
    world.bucket.fail_with(Some("SlowDown"));
    world.settle().await;
    world.bucket.fail_with(None);
    // Then a record is read of before the stop.
    let ids = world.calls(1, 1).await;
    world.pass(5 * MINUTE);
    let due = world.deliveries.first(10).await.unwrap();
    let hour = due.iter().find(|due| due.id.starts_with("hour/")).unwrap();
    world.deliveries.run(hour).await.unwrap();
    assert_eq!(world.bucket.files("CloudTrail", REGION).len(), 0);
    for _ in 0..3 {
        world.settle().await;
        world.pass(5 * MINUTE);
    }
    assert_eq!(world.bucket.event_ids(), ids);
    assert_eq!(named(&world), world.bucket.files("CloudTrail", REGION));
    assert_eq!(world.next_due().await, None);
}

async fn a_chain_that_was_stopped_ends_and_another_begins(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", |_| ()).await;
    world.calls(1, 1).await;
    world.pass(MINUTE);
    world.deliveries.catch_up().await.unwrap();
    stop(&world).await;
    // A file waits, and so does the last digest.
    world.settle().await;
    world.pass(1000);
    start(&world).await.unwrap();
    world.pass(5 * MINUTE);
    world.settle().await;
    let [last] = world.bucket.files("CloudTrail-Digest", REGION).try_into().unwrap();
    let last = world.bucket.json(&last);
    // NOW is 2023-11-14T22:13:20Z, and six minutes and a second have passed.
    assert_eq!(last["digestEndTime"], "2023-11-14T22:19:21Z");
    world.calls(2, 1).await;
    world.pass(HOUR);
    world.settle().await;
    let digests = world.bucket.files("CloudTrail-Digest", REGION);
    assert_eq!(digests.len(), 2);
    let first = world.bucket.json(&digests[1]);
    assert_eq!(first["previousDigestSignature"], serde_json::Value::Null);
    assert_eq!(first["digestStartTime"], last["digestEndTime"]);
    assert_eq!(named(&world), world.bucket.files("CloudTrail", REGION));
}
