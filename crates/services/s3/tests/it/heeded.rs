//! What a request asks beyond the usual: it is heeded or refused, and never passed over.

use strongroom_api_s3::{self as s3, S3 as _};
use strongroom_schema::Timestamp;
use strongroom_secret::Secret;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{World, code};

on_both_engines! {
    nothing_is_deleted_whose_condition_nobody_looks_at,
    directory_buckets_are_no_buckets_here,
    what_a_bucket_blocks_is_kept_and_counts,
    markers_encodings_and_attributes_are_checked,
}

/// Sizes and times are conditions in directory buckets alone.
async fn nothing_is_deleted_whose_condition_nobody_looks_at(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    owner.put("mine", "k", b"1").await.unwrap();
    let (size, time) = (Some(5), Some(Timestamp::from_millis(0)));
    for (size, time) in [(size, None), (None, time)] {
        let one = s3::DeleteObjectRequest {
            bucket: "mine".to_owned(),
            key: "k".to_owned(),
            if_match_size: size,
            if_match_last_modified_time: time,
            ..Default::default()
        };
        assert_eq!(code(world.s3.delete_object(&owner.changing(), one).await), "NotImplemented");
        let object = s3::ObjectIdentifier {
            key: "k".to_owned(),
            size,
            last_modified_time: time,
            ..Default::default()
        };
        let several = s3::DeleteObjectsRequest {
            bucket: "mine".to_owned(),
            delete: s3::Delete { objects: vec![object], ..Default::default() },
            ..Default::default()
        };
        let done = world.s3.delete_objects(&owner.changing(), several).await.unwrap();
        assert_eq!(done.errors.unwrap()[0].code.as_deref(), Some("NotImplemented"));
        assert!(done.deleted.unwrap().is_empty());
    }
    assert_eq!(owner.get("mine", "k").await.unwrap(), b"1");
}

async fn directory_buckets_are_no_buckets_here(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    let directory = s3::CreateBucketConfiguration {
        bucket: Some(s3::BucketInfo { r#type: Some("Directory".into()), ..Default::default() }),
        ..Default::default()
    };
    let zone = s3::CreateBucketConfiguration {
        location: Some(s3::LocationInfo { name: Some("use1-az4".to_owned()), ..Default::default() }),
        ..Default::default()
    };
    for configuration in [directory, zone] {
        let input = s3::CreateBucketRequest {
            bucket: "mine".to_owned(),
            create_bucket_configuration: Some(configuration),
            ..Default::default()
        };
        assert_eq!(code(world.s3.create_bucket(&owner.changing(), input).await), "NotImplemented");
    }
    assert_eq!(code(owner.put("mine", "k", b"1").await), "NoSuchBucket");
}

/// Amazon S3 User Guide, "Blocking or unblocking SSE-C for a general purpose bucket".
async fn what_a_bucket_blocks_is_kept_and_counts(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    let block = async |kinds: Option<&[&str]>| {
        let by_default =
            s3::ServerSideEncryptionByDefault { sse_algorithm: "AES256".into(), kms_master_key_id: None };
        let rule = s3::ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(by_default),
            blocked_encryption_types: kinds.map(|kinds| s3::BlockedEncryptionTypes {
                encryption_type: Some(kinds.iter().map(|kind| (*kind).into()).collect()),
            }),
            ..Default::default()
        };
        let input = s3::PutBucketEncryptionRequest {
            bucket: "mine".to_owned(),
            server_side_encryption_configuration: s3::ServerSideEncryptionConfiguration { rules: vec![rule] },
            ..Default::default()
        };
        code(world.s3.put_bucket_encryption(&owner.changing(), input).await)
    };
    let blocked = async || {
        let input = s3::GetBucketEncryptionRequest { bucket: "mine".to_owned(), ..Default::default() };
        let found = world.s3.get_bucket_encryption(&owner.context(), input).await.unwrap();
        let rule = found.server_side_encryption_configuration.unwrap().rules.remove(0);
        let kinds = rule.blocked_encryption_types.map(|blocked| blocked.encryption_type.unwrap());
        kinds.map(|kinds| kinds.iter().map(|kind| kind.as_str().to_owned()).collect::<Vec<_>>())
    };
    let with_own_key = async || {
        let put = owner.put_as("mine", "k", b"1", |input| {
            input.sse_customer_algorithm = Some("AES256".to_owned());
            input.sse_customer_key = Some(Secret::new("0".repeat(32)));
        });
        code(put.await)
    };
    assert_eq!(blocked().await, None);
    assert_eq!(with_own_key().await, "NotImplemented");
    assert_eq!(block(Some(&["SSE-C"])).await, "ok");
    assert_eq!(blocked().await.unwrap(), ["SSE-C"]);
    assert_eq!(with_own_key().await, "AccessDenied");
    owner.put("mine", "k", b"1").await.unwrap();
    for wrong in [&["SSE-KMS"] as &[_], &[]] {
        assert_eq!(block(Some(wrong)).await, "MalformedXML");
    }
    assert_eq!(block(Some(&["NONE"])).await, "ok");
    assert_eq!(blocked().await.unwrap(), ["NONE"]);
    assert_eq!(with_own_key().await, "NotImplemented");
    assert_eq!(block(None).await, "ok");
    assert_eq!(blocked().await, None);
}

async fn markers_encodings_and_attributes_are_checked(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    owner.put("mine", "k", b"1").await.unwrap();
    let begun = s3::CreateMultipartUploadRequest {
        bucket: "mine".to_owned(),
        key: "k".to_owned(),
        ..Default::default()
    };
    let begun = world.s3.create_multipart_upload(&owner.changing(), begun).await.unwrap();
    let parts = async |marker: i32| {
        let input = s3::ListPartsRequest {
            bucket: "mine".to_owned(),
            key: "k".to_owned(),
            upload_id: begun.upload_id.clone().unwrap(),
            part_number_marker: Some(marker),
            ..Default::default()
        };
        world.s3.list_parts(&owner.context(), input).await
    };
    let Err(error) = parts(-1).await else { panic!("it was not refused") };
    assert_eq!(error.query_code(), "InvalidArgument");
    let text = "Argument part-number-marker must be an integer between 0 and 2147483647";
    assert_eq!(error.message(), Some(text));
    assert_eq!(parts(10_000).await.unwrap().part_number_marker, Some(10_000));
    let uploads = s3::ListMultipartUploadsRequest {
        bucket: "mine".to_owned(),
        encoding_type: Some("base64".into()),
        ..Default::default()
    };
    let Err(error) = world.s3.list_multipart_uploads(&owner.context(), uploads).await else { panic!() };
    assert_eq!(error.message(), Some("Invalid Encoding Method specified in Request"));
    let attributes = s3::GetObjectAttributesRequest {
        bucket: "mine".to_owned(),
        key: "k".to_owned(),
        object_attributes: vec!["ETag".into(), "Owner".into()],
        ..Default::default()
    };
    let Err(error) = world.s3.get_object_attributes(&owner.context(), attributes).await else { panic!() };
    assert_eq!(
        (error.query_code(), error.message()),
        ("InvalidArgument", Some("Invalid attribute name specified."))
    );
}
