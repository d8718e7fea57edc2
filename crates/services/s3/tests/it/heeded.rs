//! What a request asks beyond the usual: it is heeded or refused, and never passed over.

use strongroom_api_s3::{self as s3, S3 as _};
use strongroom_identity::RequestContext;
use strongroom_schema::Timestamp;
use strongroom_secret::Secret;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{World, code};

on_both_engines! {
    nothing_is_deleted_whose_condition_nobody_looks_at,
    each_entry_of_a_deletion_is_answered,
    what_is_refused_for_a_condition_names_its_object,
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

/// An entry that is refused for its condition is not the one that a later entry repeats.
async fn each_entry_of_a_deletion_is_answered(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    owner.put("mine", "k", b"1").await.unwrap();
    let object = |size| s3::ObjectIdentifier { key: "k".to_owned(), size, ..Default::default() };
    let input = s3::DeleteObjectsRequest {
        bucket: "mine".to_owned(),
        delete: s3::Delete { objects: vec![object(Some(5)), object(None)], ..Default::default() },
        ..Default::default()
    };
    let done = world.s3.delete_objects(&owner.changing(), input).await.unwrap();
    let codes: Vec<_> = done.errors.unwrap().into_iter().filter_map(|error| error.code).collect();
    assert_eq!(codes, ["NotImplemented"]);
    assert_eq!(done.deleted.unwrap().len(), 1);
    assert_eq!(code(owner.get("mine", "k").await), "NoSuchKey");
}

/// Records of what is refused name what it was about.
async fn what_is_refused_for_a_condition_names_its_object(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    let named = |context: &RequestContext| -> Vec<_> {
        context.take_notes().resources.into_iter().map(|resource| resource.arn).collect()
    };
    let context = owner.changing();
    let input = s3::DeleteObjectRequest {
        bucket: "mine".to_owned(),
        key: "k".to_owned(),
        if_match_size: Some(5),
        ..Default::default()
    };
    assert_eq!(code(world.s3.delete_object(&context, input).await), "NotImplemented");
    assert_eq!(named(&context), ["arn:aws:s3:::mine/k", "arn:aws:s3:::mine"]);
    let context = owner.changing();
    let part = s3::CompletedPart { part_number: Some(1), e_tag: Some("e".to_owned()), ..Default::default() };
    let input = s3::CompleteMultipartUploadRequest {
        bucket: "mine".to_owned(),
        key: "k".to_owned(),
        upload_id: "u".to_owned(),
        multipart_upload: Some(s3::CompletedMultipartUpload { parts: Some(vec![part]) }),
        checksum_sha256: Some("short".to_owned()),
        ..Default::default()
    };
    assert_eq!(code(world.s3.complete_multipart_upload(&context, input).await), "InvalidRequest");
    assert_eq!(named(&context), ["arn:aws:s3:::mine/k", "arn:aws:s3:::mine"]);
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
    let set = async |algorithm: Option<&str>, kinds: Option<&[&str]>| {
        let by_default = algorithm.map(|algorithm| s3::ServerSideEncryptionByDefault {
            sse_algorithm: algorithm.into(),
            kms_master_key_id: None,
        });
        let rule = s3::ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: by_default,
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
    let block = async |kinds: Option<&[&str]>| set(Some("AES256"), kinds).await;
    let rule = async || {
        let input = s3::GetBucketEncryptionRequest { bucket: "mine".to_owned(), ..Default::default() };
        let found = world.s3.get_bucket_encryption(&owner.context(), input).await.unwrap();
        found.server_side_encryption_configuration.unwrap().rules.remove(0)
    };
    let blocked = async || {
        let kinds = rule().await.blocked_encryption_types.map(|blocked| blocked.encryption_type.unwrap());
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
    // A list may stand alone; then the default is what a bucket has without a configuration.
    assert_eq!(set(Some("aws:kms"), None).await, "ok");
    assert_eq!(set(None, Some(&["SSE-C"])).await, "ok");
    assert_eq!(blocked().await.unwrap(), ["SSE-C"]);
    let by_default = rule().await.apply_server_side_encryption_by_default.unwrap();
    assert_eq!(by_default.sse_algorithm.as_str(), "AES256");
    assert_eq!(with_own_key().await, "AccessDenied");
    for nothing in [None, Some(&[] as &[_])] {
        assert_eq!(set(None, nothing).await, "MalformedXML");
    }
    assert_eq!(blocked().await.unwrap(), ["SSE-C"]);
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
