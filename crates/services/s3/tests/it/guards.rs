//! What policies ask of a request beside who sends it.

use strongroom_api_s3::{self as s3, S3 as _};
use strongroom_identity::{Region, RequestContext, Signing, Tls};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, World, code};

on_both_engines! {
    how_a_request_was_signed_is_told,
    a_version_that_is_kept_back_is_not_copied_either,
    a_source_has_one_spelling,
    the_region_is_the_buckets,
}

const READ: &str = "s3:GetObject";

/// A policy of one denial.
fn denying(action: &str, resource: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"{action}",
            "Resource":"arn:aws:s3:::{resource}","Condition":{condition}}}]}}"#
    )
}

async fn read(client: &Client<'_>, context: RequestContext, version: Option<&str>) -> String {
    let input = s3::GetObjectRequest {
        bucket: "guarded".to_owned(),
        key: "k".to_owned(),
        version_id: version.map(str::to_owned),
        ..Default::default()
    };
    code(client.s3.get_object(&context, input).await)
}

async fn how_a_request_was_signed_is_told(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("guarded").await;
    owner.put("guarded", "k", b"x").await.unwrap();
    let header = Signing {
        version: "AWS4-HMAC-SHA256",
        is_in_url: false,
        age_ms: Some(500),
        payload: "UNSIGNED-PAYLOAD".to_owned(),
    };
    let link = Signing { is_in_url: true, age_ms: Some(700_000), ..header.clone() };
    let old = Signing { version: "AWS", age_ms: None, ..link.clone() };
    let digest = Signing { payload: "00".repeat(32), ..header.clone() };
    let kinds = [header, link, old, digest];
    for (condition, refused) in [
        (r#"{"StringEquals":{"s3:signatureversion":"AWS"}}"#, [false, false, true, false]),
        (r#"{"StringNotEquals":{"s3:signatureversion":"AWS4-HMAC-SHA256"}}"#, [false, false, true, false]),
        (r#"{"StringEquals":{"s3:authType":"REST-QUERY-STRING"}}"#, [false, true, true, false]),
        (r#"{"StringNotEquals":{"s3:authType":"REST-HEADER"}}"#, [false, true, true, false]),
        (r#"{"NumericGreaterThan":{"s3:signatureAge":"600000"}}"#, [false, true, false, false]),
        (r#"{"Null":{"s3:signatureAge":"true"}}"#, [false, false, true, false]),
        (r#"{"StringEquals":{"s3:x-amz-content-sha256":"UNSIGNED-PAYLOAD"}}"#, [true, true, true, false]),
        (r#"{"Null":{"s3:TlsVersion":"false"}}"#, [false; 4]),
    ] {
        owner.set_policy("guarded", &denying(READ, "guarded/*", condition)).await;
        for (signing, is_refused) in kinds.iter().zip(refused) {
            let answer = read(&owner, owner.context().signed(signing.clone()), None).await;
            assert_eq!(answer == "AccessDenied", is_refused, "{condition} {signing:?}: {answer}");
        }
    }
    let over = |version| {
        let tls = Tls { version, cipher_suite: "TLS_AES_256_GCM_SHA384", host: None };
        let mut context = owner.context();
        context.tls = Some(tls);
        context
    };
    let old = denying(READ, "guarded/*", r#"{"NumericLessThan":{"s3:TlsVersion":"1.3"}}"#);
    owner.set_policy("guarded", &old).await;
    assert_eq!(read(&owner, over("TLSv1.2"), None).await, "AccessDenied");
    assert_eq!(read(&owner, over("TLSv1.3"), None).await, "ok");
}

fn copy(source: String) -> s3::CopyObjectRequest {
    s3::CopyObjectRequest {
        bucket: "guarded".to_owned(),
        key: "copy".to_owned(),
        copy_source: source,
        ..Default::default()
    }
}

async fn part(owner: &Client<'_>, source: String) -> String {
    let (bucket, key) = ("guarded".to_owned(), "parts".to_owned());
    let begun =
        s3::CreateMultipartUploadRequest { bucket: bucket.clone(), key: key.clone(), ..Default::default() };
    let begun = owner.s3.create_multipart_upload(&owner.changing(), begun).await.unwrap();
    let input = s3::UploadPartCopyRequest {
        bucket,
        key,
        upload_id: begun.upload_id.unwrap(),
        part_number: 1,
        copy_source: source,
        ..Default::default()
    };
    code(owner.s3.upload_part_copy(&owner.changing(), input).await)
}

async fn a_version_that_is_kept_back_is_not_copied_either(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("guarded").await;
    owner.version("guarded", "Enabled").await;
    let kept = owner.put("guarded", "k", b"kept back").await.unwrap().version_id.unwrap();
    let other = owner.put("guarded", "k", b"other").await.unwrap().version_id.unwrap();
    let condition = format!(r#"{{"StringEquals":{{"s3:VersionId":"{kept}"}}}}"#);
    owner.set_policy("guarded", &denying("s3:Get*", "guarded/*", &condition)).await;
    for (version, answer) in [(&kept, "AccessDenied"), (&other, "ok")] {
        assert_eq!(read(&owner, owner.context(), Some(version)).await, answer);
        let source = format!("guarded/k?versionId={version}");
        let copied = owner.s3.copy_object(&owner.changing(), copy(source.clone())).await;
        assert_eq!((code(copied).as_str(), part(&owner, source).await.as_str()), (answer, answer));
        let input = s3::GetObjectAclRequest {
            bucket: "guarded".to_owned(),
            key: "k".to_owned(),
            version_id: Some(version.clone()),
            ..Default::default()
        };
        assert_eq!(code(owner.s3.get_object_acl(&owner.context(), input).await), answer);
        let input = s3::GetObjectTaggingRequest {
            bucket: "guarded".to_owned(),
            key: "k".to_owned(),
            version_id: Some(version.clone()),
            ..Default::default()
        };
        assert_eq!(code(owner.s3.get_object_tagging(&owner.context(), input).await), answer);
    }
}

async fn a_source_has_one_spelling(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("guarded").await;
    owner.put("guarded", "secret", b"x").await.unwrap();
    let secret = r#"{"StringLike":{"s3:x-amz-copy-source":"guarded/sec*"}}"#;
    owner.set_policy("guarded", &denying("s3:PutObject", "guarded/*", secret)).await;
    for source in ["guarded/secret", "/guarded/secret", "guarded/%73ecret", "guarded%2Fsecret"] {
        let copied = owner.s3.copy_object(&owner.changing(), copy(source.to_owned())).await;
        assert_eq!(code(copied), "AccessDenied", "{source}");
        assert_eq!(part(&owner, source.to_owned()).await, "AccessDenied", "{source}");
    }
}

async fn the_region_is_the_buckets(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    let frankfurt = || {
        let mut context = owner.context();
        context.region = Region::named("eu-central-1").unwrap();
        context
    };
    owner.make("guarded").await;
    owner.put("guarded", "k", b"x").await.unwrap();
    let elsewhere = r#"{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}"#;
    owner.set_policy("guarded", &denying(READ, "guarded/*", elsewhere)).await;
    let context = frankfurt();
    let input =
        s3::GetObjectRequest { bucket: "guarded".to_owned(), key: "k".to_owned(), ..Default::default() };
    assert_eq!(code(owner.s3.get_object(&context, input).await), "AccessDenied");
    assert_eq!(context.place().name(), "us-east-1");
    let other = r#"{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}"#;
    owner.set_policy("guarded", &denying(READ, "guarded/*", other)).await;
    assert_eq!(read(&owner, frankfurt(), None).await, "ok");
}
