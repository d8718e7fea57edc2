//! What a trail sends to its log group.

use std::sync::Arc;

use strongroom_api_cloudtrail::{
    CloudTrail as _, CreateTrailRequest, GetTrailStatusRequest, GetTrailStatusResponse, UpdateTrailRequest,
};
use strongroom_cloudtrail::{LogPlace, Obstacle};
use strongroom_identity::{Caller, Entity, Permissions, Principal, Region, RequestContext, RequestId};
use strongroom_policy::document::{Document, Kind as DocumentKind};
use strongroom_policy::{CallerPolicies, Policy};
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::bucket::{Bucket, Hang};
use crate::fixture::{NOW, REGION};
use crate::world::{MINUTE, OneKey, World, open};

const GROUP: &str = "arn:aws:logs:us-east-1:111122223333:log-group:CloudTrail/Logs:*";
const ROLE: &str = "arn:aws:iam::111122223333:role/CloudTrail_CloudWatchLogs_Role";
const STREAM: &str = "111122223333_CloudTrail_us-east-1";

on_both_engines! {
    events_reach_the_group_within_seconds,
    a_group_that_refuses_is_tried_again,
    a_group_whose_refusals_are_recorded_makes_no_flood,
    a_role_is_passed_by_who_may,
}

pub(crate) fn to_logs(input: &mut CreateTrailRequest) {
    input.cloud_watch_logs_log_group_arn = Some(GROUP.to_owned());
    input.cloud_watch_logs_role_arn = Some(ROLE.to_owned());
}

async fn status(world: &World) -> GetTrailStatusResponse {
    let status = GetTrailStatusRequest { name: "Trail".to_owned() };
    world.cloudtrail.get_trail_status(&world.context(REGION), status).await.unwrap()
}

async fn events_reach_the_group_within_seconds(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", to_logs).await;
    let (region, group, role_arn) = (REGION.to_owned(), "CloudTrail/Logs".to_owned(), ROLE.to_owned());
    let place = LogPlace { region, group, role_arn };
    assert_eq!(world.bucket.logs.tried(), [(place, STREAM.to_owned())]);
    let ids = world.calls(1, 3).await;
    world.settle().await;
    world.pass(5_000);
    world.settle().await;
    assert_eq!(world.bucket.logs.event_ids(STREAM), ids);
    let told = status(&world).await;
    assert_eq!(told.latest_cloud_watch_logs_delivery_time.unwrap().as_millis(), world.now());
    assert_eq!((told.latest_cloud_watch_logs_delivery_error, told.latest_delivery_time), (None, None));
    // The same records go to the bucket when its file is due.
    world.pass(5 * MINUTE);
    world.settle().await;
    assert_eq!(world.bucket.event_ids(), ids);
    // An empty name takes the group away.
    let update = UpdateTrailRequest {
        name: "Trail".to_owned(),
        cloud_watch_logs_log_group_arn: Some(String::new()),
        cloud_watch_logs_role_arn: Some(String::new()),
        ..Default::default()
    };
    let updated = world.cloudtrail.update_trail(&world.context(REGION), update).await.unwrap();
    assert_eq!(updated.cloud_watch_logs_log_group_arn, None);
    world.calls(2, 1).await;
    world.pass(MINUTE);
    world.settle().await;
    assert_eq!(world.bucket.logs.event_ids(STREAM), ids);
}

async fn a_group_that_refuses_is_tried_again(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", to_logs).await;
    let ids = world.calls(1, 2).await;
    world.bucket.logs.refuse(Some(Obstacle::Permission));
    world.settle().await;
    world.pass(MINUTE);
    world.settle().await;
    let told = status(&world).await;
    assert_eq!(told.latest_cloud_watch_logs_delivery_error.as_deref(), Some("AccessDenied"));
    assert_eq!(told.latest_cloud_watch_logs_delivery_time, None);
    // The bucket does not wait for it, and neither does a digest.
    world.pass(5 * MINUTE);
    world.bucket.logs.refuse(None);
    world.settle().await;
    assert_eq!((world.bucket.event_ids(), world.bucket.logs.event_ids(STREAM)), (ids.clone(), ids));
    assert_eq!(status(&world).await.latest_cloud_watch_logs_delivery_error, None);
}

const WAITING: Statement =
    Statement::new("SELECT COUNT(*) AS waiting FROM cloudtrail_files WHERE destination = 'logs'");

/// As where the group's key of KMS's cannot be used: each put makes a record of what KMS refused, which the trail logs.
async fn a_group_whose_refusals_are_recorded_makes_no_flood(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    world.trail("Trail", to_logs).await;
    world.bucket.logs.refuse(Some(Obstacle::Other));
    let mut ids = world.calls(1, 1).await;
    // Ten minutes.
    for step in 0..120 {
        let before = world.bucket.logs.asked();
        world.pass(5_000);
        world.settle().await;
        let refused = world.bucket.logs.asked() - before;
        ids.extend(world.calls(step + 2, u8::try_from(refused).unwrap()).await);
    }
    assert!((2..=3).contains(&world.bucket.logs.asked()), "{} tries", world.bucket.logs.asked());
    let waiting = world.db.query_one(WAITING, &[]).await.unwrap().i64("waiting").unwrap();
    assert!(waiting <= 2, "{waiting} files");
    world.bucket.logs.refuse(None);
    world.pass(6 * MINUTE);
    world.settle().await;
    ids.sort();
    assert_eq!(world.bucket.logs.event_ids(STREAM), ids);
}

/// A user with a policy of this statement, in one that lets him use CloudTrail.
pub(crate) fn user(world: &World, statement: &str) -> RequestContext {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Action":"cloudtrail:*","Resource":"*"}},{statement}]}}"#
    );
    let document = Document::parse(&text, DocumentKind::Identity).unwrap();
    let identity = vec![Arc::new(Policy::new("p", &document))];
    let policies = Arc::new(CallerPolicies { identity, ..CallerPolicies::default() });
    let root = world.context(REGION);
    let user = Principal::User(Entity {
        account: root.account(),
        path: "/".to_owned(),
        name: "a".to_owned(),
        id: "AIDACKCEVSQ6C2EXAMPLE".to_owned(),
    });
    let caller = Caller { permissions: Permissions::new(policies), ..Caller::new(user, "AKIA".to_owned()) };
    let id = RequestId::from_random([5; 16]);
    let region = Region::named(REGION).unwrap();
    RequestContext::new(id, caller, region, root.now_ms, root.source_ip, String::new(), None)
}

async fn a_role_is_passed_by_who_may(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    let passes = |service: &str| {
        let condition = format!(r#"{{"StringEquals":{{"iam:PassedToService":"{service}"}}}}"#);
        let to = format!(r#""Action":"iam:PassRole","Resource":"{ROLE}","Condition":{condition}"#);
        format!(r#"{{"Effect":"Allow",{to}}}"#)
    };
    let nothing = r#"{"Effect":"Allow","Action":"iam:GetRole","Resource":"*"}"#.to_owned();
    let mut with_group = CreateTrailRequest {
        name: "Trail".to_owned(),
        s3_bucket_name: "evidence".to_owned(),
        ..Default::default()
    };
    let without = CreateTrailRequest { name: "Plain".to_owned(), ..with_group.clone() };
    to_logs(&mut with_group);
    let update = UpdateTrailRequest {
        name: "Plain".to_owned(),
        cloud_watch_logs_log_group_arn: Some(GROUP.to_owned()),
        cloud_watch_logs_role_arn: Some(ROLE.to_owned()),
        ..Default::default()
    };
    for (number, statement) in [nothing, passes("ec2.amazonaws.com")].iter().enumerate() {
        let context = user(&world, statement);
        if number == 0 {
            world.cloudtrail.create_trail(&context, without.clone()).await.unwrap();
        }
        let created = world.cloudtrail.create_trail(&context, with_group.clone()).await.unwrap_err();
        let updated = world.cloudtrail.update_trail(&context, update.clone()).await.unwrap_err();
        for error in [created, updated] {
            assert!(error.is_access_denied(), "{error}");
            let text = format!(
                "User: arn:aws:iam::111122223333:user/a is not authorized to perform: iam:PassRole on resource: \
                 {ROLE} because no identity-based policy allows the iam:PassRole action"
            );
            assert_eq!(error.message(), Some(text.as_str()));
        }
        assert_eq!(world.bucket.logs.tried(), [], "nothing was tried with the role");
    }
    let context = user(&world, &passes("cloudtrail.amazonaws.com"));
    world.cloudtrail.create_trail(&context, with_group).await.unwrap();
    world.cloudtrail.update_trail(&context, update).await.unwrap();
    // Who leaves the role as it is passes none.
    let validated = UpdateTrailRequest {
        name: "Plain".to_owned(),
        enable_log_file_validation: Some(true),
        ..Default::default()
    };
    let nobody = user(&world, r#"{"Effect":"Deny","Action":"iam:*","Resource":"*"}"#);
    world.cloudtrail.update_trail(&nobody, validated).await.unwrap();
}

#[test]
fn what_is_no_group_or_may_not_be_used_is_refused_as_aws_does() {
    type Refuses = Option<fn(strongroom_cloudtrail::DeliveryError) -> Obstacle>;

    strongroom_testkit::run(async {
        let (database, folder) = (TestDatabase::sqlite(), TempDir::new().unwrap());
        let world = World::new(&database, &folder).await;
        let (group, role) = (Some(GROUP), Some(ROLE));
        let no_role = "You must specify a role ARN as well as a log group.";
        let no_group = "You must specify a log group ARN as well as a role.";
        let invalid = "Check the log group ARN: CloudTrail can't validate it.";
        let trust = "Access denied. Check the trust relationships for your role.";
        let permission = "Access denied. Check the permissions for your role.";
        let (of_group, of_role) =
            ("InvalidCloudWatchLogsLogGroupArnException", "InvalidCloudWatchLogsRoleArnException");
        let unstarred = Some("arn:aws:logs:us-east-1:111122223333:log-group:CloudTrail/Logs");
        let elsewhere = Some("arn:aws:logs:eu-central-1:111122223333:log-group:CloudTrail/Logs:*");
        let stranger = Some("arn:aws:iam::444455556666:role/CloudTrail_CloudWatchLogs_Role");
        let cross = "Cross-account pass role is not allowed.";
        let cases: [(_, _, Refuses, _, _); 8] = [
            (group, None, None, of_role, no_role),
            (None, role, None, of_group, no_group),
            (unstarred, role, None, of_group, invalid),
            (elsewhere, role, None, of_group, invalid),
            (group, stranger, None, of_role, cross),
            (group, role, Some(Obstacle::Role), of_role, trust),
            (group, role, Some(Obstacle::Permission), of_group, permission),
            (group, role, Some(Obstacle::Group), of_group, invalid),
        ];
        for (group, role, refuses, code, text) in cases {
            world.bucket.logs.refuse(refuses);
            let input = CreateTrailRequest {
                name: "Trail".to_owned(),
                s3_bucket_name: "evidence".to_owned(),
                cloud_watch_logs_log_group_arn: group.map(str::to_owned),
                cloud_watch_logs_role_arn: role.map(str::to_owned),
                ..Default::default()
            };
            let error = world.cloudtrail.create_trail(&world.context(REGION), input).await.unwrap_err();
            assert_eq!((error.code(), error.message()), (code, Some(text)));
        }
    });
}

#[test]
fn an_event_is_in_the_group_once_whatever_stops() {
    const STARTS: u8 = 60;
    strongroom_testkit::run(async {
        let (database, folder) = (TestDatabase::sqlite(), TempDir::new().unwrap());
        let (db, bucket) = (open(&database).await, Arc::new(Bucket::default()));
        let (mut ids, mut now_ms) = (Vec::new(), NOW);
        for start in 0..STARTS {
            let world = World::start(&db, folder.path(), bucket.clone(), now_ms, OneKey::default()).await;
            if start == 0 {
                world.trail("Trail", to_logs).await;
            }
            ids.extend(world.calls(start + 1, 3).await);
            if start % 3 != 0 {
                world.deliveries.catch_up().await.unwrap();
            }
            world.pass(6_000);
            bucket.logs.hang(Some(if start % 2 == 0 { Hang::Before } else { Hang::After }));
            // Until a put hangs.
            tokio::select! {
                () = world.settle() => {}
                () = bucket.logs.hanging.notified() => {}
            }
            now_ms = world.now();
        }
        let world = World::start(&db, folder.path(), bucket.clone(), now_ms, OneKey::default()).await;
        bucket.logs.hang(None);
        world.settle().await;
        world.pass(10 * MINUTE);
        world.settle().await;
        ids.sort();
        assert_eq!(bucket.logs.event_ids(STREAM), ids);
        assert_eq!(bucket.event_ids(), ids);
    });
}
