//! Trails: made, shown, changed, refused.

use std::sync::Arc;

use strongroom_api_cloudtrail::{
    AddTagsRequest, CloudTrail as _, CreateTrailRequest, DeleteTrailRequest, DescribeTrailsRequest,
    GetTrailRequest, ListTagsRequest, ListTrailsRequest, RemoveTagsRequest, StartLoggingRequest, Tag,
    UpdateTrailRequest,
};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::fixture::{FAR_REGION, NOW, REGION};
use crate::world::{KEY, OneKey, World, open};

on_both_engines! {
    a_trail_is_shown_as_it_was_made,
    shadows_are_seen_everywhere_and_changed_at_home,
    names_and_numbers_of_trails_are_limited,
    what_cannot_deliver_is_refused,
    a_key_is_in_a_region_and_in_its_buckets,
    trails_whose_keys_another_s3_does_not_know_are_named,
    tags_are_kept,
}

const ARN: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/Trail";

fn create(name: &str) -> CreateTrailRequest {
    CreateTrailRequest { name: name.to_owned(), s3_bucket_name: "evidence".to_owned(), ..Default::default() }
}

/// The code and the text of a refusal.
fn refusal<T: std::fmt::Debug>(answer: Result<T, ApiError>) -> (String, String) {
    let error = answer.unwrap_err();
    (error.code().to_owned(), error.message().unwrap_or_default().to_owned())
}

async fn a_trail_is_shown_as_it_was_made(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    let context = world.context(REGION);
    let input = CreateTrailRequest {
        s3_key_prefix: Some("logs/".to_owned()),
        kms_key_id: Some("1234abcd-12ab-34cd-56ef-1234567890ab".to_owned()),
        ..create("Trail")
    };
    let made = world.cloudtrail.create_trail(&context, input).await.unwrap();
    assert_eq!(made.trail_arn.as_deref(), Some(ARN));
    assert_eq!((made.kms_key_id.as_deref(), made.s3_key_prefix.as_deref()), (Some(KEY), Some("logs")));
    assert_eq!((made.include_global_service_events, made.is_multi_region_trail), (Some(true), Some(false)));
    for name in ["Trail", ARN] {
        let got =
            world.cloudtrail.get_trail(&context, GetTrailRequest { name: name.to_owned() }).await.unwrap();
        let got = got.trail.unwrap();
        assert_eq!((got.home_region.as_deref(), got.has_custom_event_selectors), (Some(REGION), Some(false)));
    }
    let update = UpdateTrailRequest {
        name: "Trail".to_owned(),
        kms_key_id: Some(String::new()),
        ..Default::default()
    };
    let updated = world.cloudtrail.update_trail(&context, update).await.unwrap();
    assert_eq!((updated.kms_key_id, updated.s3_key_prefix.as_deref()), (None, Some("logs")));
    let delete = || DeleteTrailRequest { name: "Trail".to_owned() };
    world.cloudtrail.delete_trail(&context, delete()).await.unwrap();
    let (code, text) = refusal(world.cloudtrail.delete_trail(&context, delete()).await);
    assert_eq!(code, "TrailNotFoundException");
    assert_eq!(text, format!("Unknown trail: {ARN} for the user: 111122223333"));
}

async fn shadows_are_seen_everywhere_and_changed_at_home(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    let (home, far) = (world.context(REGION), world.context(FAR_REGION));
    let multi = CreateTrailRequest { is_multi_region_trail: Some(true), ..create("Trail") };
    world.cloudtrail.create_trail(&home, multi).await.unwrap();
    world.cloudtrail.create_trail(&home, create("single")).await.unwrap();
    let shown = |context, input| {
        let cloudtrail = &world.cloudtrail;
        async move {
            let answer = cloudtrail.describe_trails(context, input).await.unwrap();
            answer.trail_list.unwrap().into_iter().map(|trail| trail.name.unwrap()).collect::<Vec<_>>()
        }
    };
    let everything = DescribeTrailsRequest::default;
    assert_eq!(shown(&home, everything()).await, ["Trail", "single"]);
    assert_eq!(shown(&far, everything()).await, ["Trail"]);
    let without = DescribeTrailsRequest { include_shadow_trails: Some(false), ..everything() };
    assert_eq!(shown(&far, without).await, Vec::<String>::new());
    let by_arn = DescribeTrailsRequest {
        trail_name_list: Some(vec![ARN.to_owned(), ARN.replace("/Trail", "/none")]),
        ..everything()
    };
    assert_eq!(shown(&far, by_arn).await, ["Trail"]);
    let listed = world.cloudtrail.list_trails(&far, ListTrailsRequest::default()).await.unwrap();
    assert_eq!(listed.trails.unwrap().len(), 2);
    // A bare name is one of this Region, of which there is none.
    let start = |name: &str| StartLoggingRequest { name: name.to_owned() };
    let (code, _) = refusal(world.cloudtrail.start_logging(&far, start("Trail")).await);
    assert_eq!(code, "TrailNotFoundException");
    let (code, _) = refusal(world.cloudtrail.start_logging(&far, start(ARN)).await);
    assert_eq!(code, "InvalidHomeRegionException");
    world.cloudtrail.start_logging(&home, start(ARN)).await.unwrap();
}

async fn names_and_numbers_of_trails_are_limited(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    let context = world.context(REGION);
    for name in ["", "ab", "my trail", "-trail", "trail.", "my--trail", "192.168.5.4"] {
        let (code, _) = refusal(world.cloudtrail.create_trail(&context, create(name)).await);
        assert_eq!(code, "InvalidTrailNameException", "{name}");
    }
    let bucket = CreateTrailRequest { s3_bucket_name: "my_bucket".to_owned(), ..create("Trail") };
    let (code, text) = refusal(world.cloudtrail.create_trail(&context, bucket).await);
    assert_eq!(
        (code.as_str(), text.as_str()),
        ("InvalidS3BucketNameException", "Bucket name should not contain '_'")
    );
    let global = CreateTrailRequest {
        is_multi_region_trail: Some(true),
        include_global_service_events: Some(false),
        ..create("Trail")
    };
    let (code, _) = refusal(world.cloudtrail.create_trail(&context, global).await);
    assert_eq!(code, "InvalidParameterCombinationException");
    for number in 0..5 {
        world.cloudtrail.create_trail(&context, create(&format!("trail{number}"))).await.unwrap();
    }
    let (code, text) = refusal(world.cloudtrail.create_trail(&context, create("trail0")).await);
    assert_eq!(code, "TrailAlreadyExistsException");
    assert_eq!(text, "Trail trail0 already exists for customer: 111122223333");
    let (code, text) = refusal(world.cloudtrail.create_trail(&context, create("trail5")).await);
    assert_eq!(code, "MaximumNumberOfTrailsExceededException");
    assert_eq!(text, "User: 111122223333 already has 5 trails in us-east-1.");
    world.cloudtrail.create_trail(&world.context(FAR_REGION), create("trail0")).await.unwrap();
}

async fn what_cannot_deliver_is_refused(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let db = open(database).await;
    let world = World::start(&db, folder.path(), Arc::default(), NOW, OneKey::default()).await;
    let context = world.context(REGION);
    let table = [
        ("NoSuchBucket", "S3BucketDoesNotExistException", "S3 bucket evidence does not exist!"),
        (
            "AccessDenied",
            "InsufficientS3BucketPolicyException",
            "Incorrect S3 bucket policy is detected for bucket: evidence",
        ),
    ];
    for (code, refused, text) in table {
        world.bucket.fail_with(Some(code));
        let answer = world.cloudtrail.create_trail(&context, create("Trail")).await;
        assert_eq!(refusal(answer), (refused.to_owned(), text.to_owned()));
    }
    drop(world);
    let table = [
        ("AccessDeniedException", "InsufficientEncryptionPolicyException"),
        ("NotFoundException", "KmsKeyNotFoundException"),
        ("DisabledException", "KmsException"),
        ("InvalidArnException", "InvalidKmsKeyIdException"),
    ];
    for (code, refused) in table {
        let kms = OneKey { refuses_with: Some(code) };
        let world = World::start(&db, folder.path(), Arc::default(), NOW, kms).await;
        let input = CreateTrailRequest { kms_key_id: Some("key".to_owned()), ..create("Trail") };
        let (refused_with, text) = refusal(world.cloudtrail.create_trail(&context, input).await);
        assert_eq!(refused_with, refused);
        if refused == "InsufficientEncryptionPolicyException" {
            assert_eq!(text, "Insufficient permissions to access S3 bucket evidence or KMS key key.");
        }
        let all = world.cloudtrail.list_trails(&context, ListTrailsRequest::default()).await.unwrap();
        assert_eq!(all.trails.unwrap().len(), 0);
    }
}

async fn a_key_is_in_a_region_and_in_its_buckets(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    let context = world.context(REGION);
    let under = |key: &str| CreateTrailRequest { kms_key_id: Some(key.to_owned()), ..create("Trail") };
    let elsewhere = KEY.replace("us-east-1", "eu-west-1");
    let (code, text) = refusal(world.cloudtrail.create_trail(&context, under(&elsewhere)).await);
    assert_eq!(code, "KmsKeyNotFoundException");
    assert_eq!(text, format!("S3 bucket evidence and KMS key {elsewhere} are not in the same Region."));
    let nowhere = KEY.replace("us-east-1", "mars-1");
    let (code, _) = refusal(world.cloudtrail.create_trail(&context, under(&nowhere)).await);
    assert_eq!(code, "InvalidKmsKeyIdException");
    let all = world.cloudtrail.list_trails(&context, ListTrailsRequest::default()).await.unwrap();
    assert_eq!(all.trails.unwrap().len(), 0);
    world.cloudtrail.create_trail(&context, under(KEY)).await.unwrap();
    // What is tried out is what will be done: under the key.
    for key in world.bucket.keys() {
        assert_eq!(world.bucket.object(&key).kms_key_arn.as_deref(), Some(KEY), "{key}");
    }
}

async fn trails_whose_keys_another_s3_does_not_know_are_named(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    let context = world.context(REGION);
    for (name, key) in [("Trail", Some(KEY)), ("Plain", None)] {
        let input = CreateTrailRequest { kms_key_id: key.map(str::to_owned), ..create(name) };
        world.cloudtrail.create_trail(&context, input).await.unwrap();
    }
    assert!(world.deliveries.out_of_reach().await.unwrap().is_empty());
    world.bucket.move_elsewhere();
    assert_eq!(world.deliveries.out_of_reach().await.unwrap(), [ARN]);
    let input = CreateTrailRequest { kms_key_id: Some(KEY.to_owned()), ..create("Another") };
    let (code, _) = refusal(world.cloudtrail.create_trail(&context, input).await);
    assert_eq!(code, "NotImplementedException");
}

async fn tags_are_kept(database: &TestDatabase) {
    let folder = TempDir::new().unwrap();
    let world = World::new(database, &folder).await;
    let context = world.context(REGION);
    let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: Some(value.to_owned()) };
    let input = CreateTrailRequest { tags_list: Some(vec![tag("team", "red")]), ..create("Trail") };
    world.cloudtrail.create_trail(&context, input).await.unwrap();
    let add = AddTagsRequest {
        resource_id: ARN.to_owned(),
        tags_list: vec![tag("team", "blue"), tag("cost", "7")],
    };
    world.cloudtrail.add_tags(&context, add).await.unwrap();
    let list = || ListTagsRequest { resource_id_list: vec![ARN.to_owned()], next_token: None };
    let tags = |answer: strongroom_api_cloudtrail::ListTagsResponse| {
        let [tags] = answer.resource_tag_list.unwrap().try_into().unwrap();
        tags.tags_list.unwrap().into_iter().map(|tag| (tag.key, tag.value.unwrap())).collect::<Vec<_>>()
    };
    let listed = tags(world.cloudtrail.list_tags(&context, list()).await.unwrap());
    assert_eq!(listed, [("cost".to_owned(), "7".to_owned()), ("team".to_owned(), "blue".to_owned())]);
    let remove = RemoveTagsRequest { resource_id: ARN.to_owned(), tags_list: vec![tag("team", "")] };
    world.cloudtrail.remove_tags(&context, remove).await.unwrap();
    assert_eq!(tags(world.cloudtrail.list_tags(&context, list()).await.unwrap()).len(), 1);
    let many = (0..50).map(|number| tag(&format!("t{number}"), "")).collect();
    let add = AddTagsRequest { resource_id: ARN.to_owned(), tags_list: many };
    assert_eq!(refusal(world.cloudtrail.add_tags(&context, add).await).0, "TagsLimitExceededException");
}
