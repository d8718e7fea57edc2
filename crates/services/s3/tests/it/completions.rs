//! Uploads in parts, completed.

use strongroom_api_s3::{self as s3, S3 as _};
use strongroom_schema::ByteStream;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, World, code};

on_both_engines! {
    who_completes_twice_is_told_the_same,
    who_completes_again_with_other_sums_is_told_nothing,
    two_who_complete_at_once_are_told_the_same,
    two_who_write_a_keys_first_at_once_both_do,
    a_completion_that_is_told_again_has_its_draft,
    each_part_has_its_sum,
}

/// The least that a part other than the last may have.
const LEAST: usize = 5 << 20;

async fn begin(owner: &Client<'_>, key: &str) -> String {
    let input = s3::CreateMultipartUploadRequest {
        bucket: "mine".to_owned(),
        key: key.to_owned(),
        checksum_algorithm: Some("SHA256".into()),
        ..Default::default()
    };
    owner.s3.create_multipart_upload(&owner.changing(), input).await.unwrap().upload_id.unwrap()
}

async fn send(owner: &Client<'_>, upload: &str, number: i32, body: Vec<u8>) -> s3::UploadPartOutput {
    let input = s3::UploadPartRequest {
        bucket: "mine".to_owned(),
        key: "k".to_owned(),
        upload_id: upload.to_owned(),
        part_number: number,
        body: Some(ByteStream::from(body)),
        ..Default::default()
    };
    owner.s3.upload_part(&owner.changing(), input).await.unwrap()
}

fn completion(key: &str, upload: &str, etags: &[&str]) -> s3::CompleteMultipartUploadRequest {
    let parts = (1..).zip(etags).map(|(number, etag)| s3::CompletedPart {
        part_number: Some(number),
        e_tag: Some((*etag).to_owned()),
        ..Default::default()
    });
    s3::CompleteMultipartUploadRequest {
        bucket: "mine".to_owned(),
        key: key.to_owned(),
        upload_id: upload.to_owned(),
        multipart_upload: Some(s3::CompletedMultipartUpload { parts: Some(parts.collect()) }),
        ..Default::default()
    }
}

async fn complete(
    owner: &Client<'_>,
    key: &str,
    upload: &str,
    etags: &[&str],
) -> Result<s3::CompleteMultipartUploadOutput, ApiError> {
    owner.s3.complete_multipart_upload(&owner.changing(), completion(key, upload, etags)).await
}

/// A client that has lost the answer sends its request again.
async fn who_completes_twice_is_told_the_same(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    owner.version("mine", "Enabled").await;
    let upload = begin(&owner, "k").await;
    let etag = send(&owner, &upload, 1, b"body".to_vec()).await.e_tag.unwrap();
    let first = complete(&owner, "k", &upload, &[&etag]).await.unwrap();
    let again = complete(&owner, "k", &upload, &[&etag]).await.unwrap();
    assert_eq!((&again.e_tag, &again.version_id), (&first.e_tag, &first.version_id));
    assert_eq!(again.checksum_sha256, first.checksum_sha256);
    assert!(first.version_id.is_some() && first.checksum_sha256.is_some());
    // It is told of what it said alone, and to those who may write there.
    assert_eq!(code(complete(&owner, "k", &upload, &["\"other\""]).await), "NoSuchUpload");
    assert_eq!(code(complete(&owner, "other", &upload, &[&etag]).await), "NoSuchUpload");
    assert_eq!(code(complete(&world.stranger(), "k", &upload, &[&etag]).await), "AccessDenied");
    owner.put("mine", "k", b"newer").await.unwrap();
    let late = complete(&owner, "k", &upload, &[&etag]).await.unwrap();
    assert_eq!(late.version_id, first.version_id, "the version that it became, and no other");
    owner.delete("mine", "k", first.version_id.as_deref()).await;
    assert_eq!(code(complete(&owner, "k", &upload, &[&etag]).await), "NoSuchUpload");
    assert_eq!(owner.get("mine", "k").await.unwrap(), b"newer");
}

/// Sums and sizes are part of what a completion states, as they were the first time.
async fn who_completes_again_with_other_sums_is_told_nothing(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    let upload = begin(&owner, "k").await;
    let sent = send(&owner, &upload, 1, b"body".to_vec()).await;
    let of_part = |sum: Option<String>, crc: Option<String>| {
        let mut input = completion("k", &upload, &[sent.e_tag.as_deref().unwrap()]);
        let parts = input.multipart_upload.as_mut().and_then(|upload| upload.parts.as_mut()).unwrap();
        (parts[0].checksum_sha256, parts[0].checksum_crc32) = (sum, crc);
        input
    };
    let of_whole = |sum: Option<String>, size: i64| s3::CompleteMultipartUploadRequest {
        checksum_sha256: sum,
        mpu_object_size: Some(size),
        ..of_part(None, None)
    };
    let complete = async |input| owner.s3.complete_multipart_upload(&owner.changing(), input).await;
    let (right, wrong) = (sent.checksum_sha256.clone(), Some("A".repeat(43) + "="));
    let other_kind = Some("AAAAAA==".to_owned());
    assert_eq!(code(complete(of_part(wrong.clone(), None)).await), "InvalidPart");
    assert_eq!(code(complete(of_part(None, other_kind.clone())).await), "InvalidPart");
    assert_eq!(code(complete(of_whole(wrong.clone(), 4)).await), "BadDigest");
    assert_eq!(code(complete(of_whole(None, 5)).await), "InvalidRequest");
    let first = complete(of_part(right.clone(), None)).await.unwrap();
    for again in [of_part(right, None), of_part(None, None), of_whole(first.checksum_sha256.clone(), 4)] {
        assert_eq!(complete(again).await.unwrap().e_tag, first.e_tag);
    }
    for other in
        [of_part(wrong.clone(), None), of_part(None, other_kind), of_whole(wrong, 4), of_whole(None, 5)]
    {
        assert_eq!(code(complete(other).await), "NoSuchUpload");
    }
}

/// A client that has waited for long sends its request again while the first is still under way.
async fn two_who_complete_at_once_are_told_the_same(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    owner.version("mine", "Enabled").await;
    for _ in 0..10 {
        let upload = begin(&owner, "k").await;
        let part = || send(&owner, &upload, 1, b"body".to_vec());
        let (sent, _) = tokio::join!(part(), part());
        let etag = sent.e_tag.unwrap();
        let etags = [etag.as_str()];
        let outcomes =
            tokio::join!(complete(&owner, "k", &upload, &etags), complete(&owner, "k", &upload, &etags));
        let (one, other) = (outcomes.0.unwrap(), outcomes.1.unwrap());
        assert_eq!((&one.e_tag, &one.version_id), (&other.e_tag, &other.version_id));
        assert!(one.version_id.is_some());
    }
    let input = s3::ListObjectVersionsRequest { bucket: "mine".to_owned(), ..Default::default() };
    let listed = world.s3.list_object_versions(&owner.context(), input).await.unwrap();
    assert_eq!(listed.versions.unwrap().len(), 10);
}

/// Both would give it the same number.
async fn two_who_write_a_keys_first_at_once_both_do(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    owner.version("mine", "Enabled").await;
    for number in 0..10 {
        let key = format!("k{number}");
        let (one, other) = tokio::join!(owner.put("mine", &key, b"1"), owner.put("mine", &key, b"2"));
        assert_ne!(one.unwrap().version_id, other.unwrap().version_id);
    }
}

/// It succeeds, and what succeeds has a record.
async fn a_completion_that_is_told_again_has_its_draft(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    let upload = begin(&owner, "k").await;
    let etag = send(&owner, &upload, 1, b"body".to_vec()).await.e_tag.unwrap();
    complete(&owner, "k", &upload, &[&etag]).await.unwrap();
    let before = world.db.posted(None, 1000).await.unwrap().len();
    complete(&owner, "k", &upload, &[&etag]).await.unwrap();
    assert_eq!(world.db.posted(None, 1000).await.unwrap().len(), before + 1);
    complete(&owner, "k", &upload, &["other"]).await.unwrap_err();
    assert_eq!(world.db.posted(None, 1000).await.unwrap().len(), before + 1);
}

/// Amazon S3 User Guide, "Checking object integrity": a part's is answered with the part.
async fn each_part_has_its_sum(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    let upload = begin(&owner, "k").await;
    let sent =
        [send(&owner, &upload, 1, vec![7; LEAST]).await, send(&owner, &upload, 2, b"end".to_vec()).await];
    let etags: Vec<_> = sent.iter().map(|part| part.e_tag.as_deref().unwrap()).collect();
    let whole = complete(&owner, "k", &upload, &etags).await.unwrap().checksum_sha256;
    let head = async |number: Option<i32>| {
        let input = s3::HeadObjectRequest {
            bucket: "mine".to_owned(),
            key: "k".to_owned(),
            part_number: number,
            checksum_mode: Some("ENABLED".into()),
            ..Default::default()
        };
        world.s3.head_object(&owner.context(), input).await.unwrap()
    };
    for (number, part) in (1..).zip(&sent) {
        let read = head(Some(number)).await;
        assert_eq!(read.checksum_sha256, part.checksum_sha256);
        assert_eq!(read.checksum_type.unwrap().as_str(), "COMPOSITE");
    }
    let all = head(None).await;
    assert_eq!(all.checksum_sha256, whole);
    assert!(all.checksum_sha256.unwrap().ends_with("-2"));
}
