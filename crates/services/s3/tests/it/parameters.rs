//! Parameters that are none, and members that are there only sometimes.

use strongroom_api_s3::{self as s3, S3 as _};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, World, code};

on_both_engines! {
    pages_have_no_negative_size,
    versions_are_named_in_their_form,
    delete_markers_can_only_be_removed,
    the_owner_that_is_expected_is_an_account,
    parts_are_asked_for_by_number,
    canned_lists_are_refused_where_there_are_no_lists,
    the_first_region_is_not_named,
}

/// Code and text.
fn refused<T>(outcome: Result<T, ApiError>) -> (String, String) {
    let Err(error) = outcome else { panic!("it was not refused") };
    (error.query_code().to_owned(), error.message().unwrap_or_default().to_owned())
}

fn invalid(text: &str) -> (String, String) {
    ("InvalidArgument".to_owned(), text.to_owned())
}

async fn copy(owner: &Client<'_>, source: &str) -> Result<s3::CopyObjectOutput, ApiError> {
    let input = s3::CopyObjectRequest {
        bucket: "mine".to_owned(),
        key: "copy".to_owned(),
        copy_source: source.to_owned(),
        ..Default::default()
    };
    owner.s3.copy_object(&owner.changing(), input).await
}

async fn pages_have_no_negative_size(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    let (bucket, max_keys) = ("mine".to_owned(), Some(-1));
    let objects = s3::ListObjectsV2Request { bucket: bucket.clone(), max_keys, ..Default::default() };
    assert_eq!(
        refused(world.s3.list_objects_v2(&owner.context(), objects).await),
        invalid("Argument maxKeys must be an integer between 0 and 2147483647")
    );
    let versions = s3::ListObjectVersionsRequest { bucket, max_keys, ..Default::default() };
    assert_eq!(
        refused(world.s3.list_object_versions(&owner.context(), versions).await),
        invalid("max-keys cannot be negative")
    );
}

async fn versions_are_named_in_their_form(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    owner.put("mine", "k", b"1").await.unwrap();
    let unknown = "x".repeat(32);
    let read =
        async |id: &str| owner.get_as("mine", "k", |input| input.version_id = Some(id.to_owned())).await;
    assert_eq!(read("null").await.unwrap(), b"1");
    assert_eq!(refused(read("bogus").await), invalid("Invalid version id specified"));
    assert_eq!(refused(read("").await), invalid("Version id cannot be the empty string"));
    assert_eq!(code(read(&unknown).await), "NoSuchVersion");
    let source = |id: &str| format!("mine/k?versionId={id}");
    copy(&owner, &source("null")).await.unwrap();
    assert_eq!(refused(copy(&owner, &source("bogus")).await), invalid("Invalid version id specified"));
    assert_eq!(refused(copy(&owner, &source("")).await), invalid("Version id cannot be the empty string"));
    assert_eq!(code(copy(&owner, &source(&unknown)).await), "NoSuchVersion");
    let list = async |key: &str, id: &str| {
        let input = s3::ListObjectVersionsRequest {
            bucket: "mine".to_owned(),
            key_marker: Some(key.to_owned()),
            version_id_marker: Some(id.to_owned()),
            ..Default::default()
        };
        world.s3.list_object_versions(&owner.context(), input).await
    };
    assert_eq!(refused(list("k", "bogus").await), invalid("Invalid version id specified"));
    assert_eq!(refused(list("k", "").await), invalid("A version-id marker cannot be empty."));
    assert!(list("", "").await.is_ok());
    assert_eq!(
        refused(list("", "null").await),
        invalid("A version-id marker cannot be specified without a key marker.")
    );
}

async fn delete_markers_can_only_be_removed(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    owner.version("mine", "Enabled").await;
    owner.put("mine", "k", b"1").await.unwrap();
    let marker = owner.delete("mine", "k", None).await.version_id.unwrap();
    assert_eq!(code(copy(&owner, "mine/k").await), "NoSuchKey");
    assert_eq!(
        refused(copy(&owner, &format!("mine/k?versionId={marker}")).await),
        (
            "InvalidRequest".to_owned(),
            "The source of a copy request may not specifically refer to a delete marker by version id."
                .to_owned()
        )
    );
    let clear = async |version: Option<&str>| {
        let input = s3::DeleteObjectTaggingRequest {
            bucket: "mine".to_owned(),
            key: "k".to_owned(),
            version_id: version.map(str::to_owned),
            ..Default::default()
        };
        let Err(error) = world.s3.delete_object_tagging(&owner.changing(), input).await else { panic!() };
        assert_eq!(error.query_code(), "MethodNotAllowed");
        let headers: Vec<_> = error.headers().iter().map(|(name, value)| (*name, value.clone())).collect();
        let details: Vec<_> = error.details().iter().map(|(name, value)| (*name, value.clone())).collect();
        assert_eq!(details[0], ("Method", "DELETE".to_owned()));
        headers
    };
    let allow = ("allow", "DELETE".to_owned());
    assert_eq!(clear(None).await, std::slice::from_ref(&allow));
    assert_eq!(
        clear(Some(&marker)).await,
        [allow, ("x-amz-delete-marker", "true".to_owned()), ("x-amz-version-id", marker.clone())]
    );
}

async fn the_owner_that_is_expected_is_an_account(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    owner.put("mine", "k", b"1").await.unwrap();
    let read = async |expected: &str| {
        owner.get_as("mine", "k", |input| input.expected_bucket_owner = Some(expected.to_owned())).await
    };
    assert_eq!(read("111122223333").await.unwrap(), b"1");
    assert_eq!(code(read("444455556666").await), "AccessDenied");
    assert_eq!(
        refused(read("me").await),
        (
            "InvalidBucketOwnerAWSAccountID".to_owned(),
            "The value of the expected bucket owner parameter must be an AWS Account ID... [me]".to_owned()
        )
    );
}

async fn parts_are_asked_for_by_number(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    let put = owner.put("mine", "k", b"1").await.unwrap();
    assert!(put.size.is_none());
    let head = async |number: i32| {
        let input = s3::HeadObjectRequest {
            bucket: "mine".to_owned(),
            key: "k".to_owned(),
            part_number: Some(number),
            checksum_mode: Some("ENABLED".into()),
            ..Default::default()
        };
        world.s3.head_object(&owner.context(), input).await
    };
    let first = head(1).await.unwrap();
    assert_eq!((first.content_length, first.checksum_crc64_nvme), (Some(1), put.checksum_crc64_nvme));
    assert_eq!(code(head(2).await), "InvalidPartNumber");
    for number in [0, -1, 10_001] {
        assert_eq!(
            refused(head(number).await),
            invalid("Part number must be an integer between 1 and 10000, inclusive")
        );
    }
}

async fn canned_lists_are_refused_where_there_are_no_lists(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    owner.put("mine", "k", b"1").await.unwrap();
    let of_bucket = async |name: &str| {
        let input = s3::PutBucketAclRequest {
            bucket: "mine".to_owned(),
            acl: Some(name.into()),
            ..Default::default()
        };
        code(world.s3.put_bucket_acl(&owner.changing(), input).await)
    };
    let of_object = async |name: &str| {
        let input = s3::PutObjectAclRequest {
            bucket: "mine".to_owned(),
            key: "k".to_owned(),
            acl: Some(name.into()),
            ..Default::default()
        };
        code(world.s3.put_object_acl(&owner.changing(), input).await)
    };
    for name in ["private", "public-read", "authenticated-read"] {
        assert_eq!(of_bucket(name).await, "AccessControlListNotSupported", "{name}");
        assert_eq!(of_object(name).await, "AccessControlListNotSupported", "{name}");
    }
    assert_eq!(of_bucket("bucket-owner-full-control").await, "ok");
    assert_eq!(of_object("bucket-owner-full-control").await, "ok");
}

async fn the_first_region_is_not_named(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    let make = async |constraint: &str| {
        let input = s3::CreateBucketRequest {
            bucket: "mine".to_owned(),
            create_bucket_configuration: Some(s3::CreateBucketConfiguration {
                location_constraint: Some(constraint.into()),
                ..Default::default()
            }),
            ..Default::default()
        };
        world.s3.create_bucket(&owner.changing(), input).await
    };
    assert_eq!(code(make("us-east-1").await), "InvalidLocationConstraint");
    make("EU").await.unwrap();
    let list = async |prefix: Option<&str>| {
        let input = s3::ListBucketsRequest { prefix: prefix.map(str::to_owned), ..Default::default() };
        let listed = world.s3.list_buckets(&owner.context(), input).await.unwrap();
        listed.buckets.unwrap().remove(0).bucket_region
    };
    assert_eq!(list(None).await, None);
    assert_eq!(list(Some("m")).await.as_deref(), Some("eu-west-1"));
}
