//! AWS services, which bucket policies alone let in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_api_s3::{self as s3, S3 as _};
use strongroom_secret::Secret;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, KEY, TRAIL, World, code};

on_both_engines! {
    cloudtrail_is_let_in_by_the_buckets_policy_and_nothing_else,
    cloudtrails_files_are_under_its_key_and_its_context,
    strangers_are_told_nothing,
}

/// The policy of AWS's guide ("Amazon S3 bucket policy for CloudTrail").
fn policy(bucket: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"s3:GetBucketAcl",
              "Resource":"arn:aws:s3:::{bucket}","Condition":{{"StringEquals":{{"aws:SourceArn":"{TRAIL}"}}}}}},
            {{"Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"s3:PutObject",
              "Resource":"arn:aws:s3:::{bucket}/AWSLogs/{ACCOUNT}/*","Condition":{{"StringEquals":{{
                "s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"{TRAIL}","aws:SourceAccount":"{ACCOUNT}"}}}}}}]}}"#
    )
}

fn acl_of(bucket: &str) -> s3::GetBucketAclRequest {
    s3::GetBucketAclRequest { bucket: bucket.to_owned(), ..Default::default() }
}

async fn cloudtrail_is_let_in_by_the_buckets_policy_and_nothing_else(database: &TestDatabase) {
    let world = World::new(database).await;
    world.owner().make("logs").await;
    let cloudtrail = world.cloudtrail(TRAIL);
    let key = format!("AWSLogs/{ACCOUNT}/CloudTrail/file.json.gz");
    let full_control =
        |input: &mut s3::PutObjectRequest| input.acl = Some("bucket-owner-full-control".into());
    assert_eq!(code(world.s3.get_bucket_acl(&cloudtrail.context(), acl_of("logs")).await), "AccessDenied");
    assert_eq!(code(cloudtrail.put_as("logs", &key, b"x", full_control).await), "AccessDenied");
    world.owner().set_policy("logs", &policy("logs")).await;
    world.s3.get_bucket_acl(&cloudtrail.context(), acl_of("logs")).await.unwrap();
    cloudtrail.put_as("logs", &key, b"x", full_control).await.unwrap();
    assert_eq!(world.owner().get("logs", &key).await.unwrap(), b"x");
    // Without the header, elsewhere, and about another trail it is not.
    assert_eq!(code(cloudtrail.put("logs", &key, b"x").await), "AccessDenied");
    assert_eq!(code(cloudtrail.put_as("logs", "elsewhere", b"x", full_control).await), "AccessDenied");
    assert_eq!(code(cloudtrail.get("logs", &key).await), "AccessDenied");
    let other = format!("{TRAIL}-of-another");
    let about_another = world.cloudtrail(&other);
    assert_eq!(code(about_another.put_as("logs", &key, b"x", full_control).await), "AccessDenied");
    // What was refused left no file.
    world.sweep().await;
    assert_eq!(world.files(), 1);
}

async fn cloudtrails_files_are_under_its_key_and_its_context(database: &TestDatabase) {
    let world = World::new(database).await;
    world.owner().make("logs").await;
    world.owner().set_policy("logs", &policy("logs")).await;
    let key = format!("AWSLogs/{ACCOUNT}/CloudTrail/file.json.gz");
    let context = format!(r#"{{"aws:cloudtrail:arn":"{TRAIL}"}}"#);
    let cloudtrail = world.cloudtrail(TRAIL);
    let put = cloudtrail.put_as("logs", &key, b"x", |input| {
        input.acl = Some("bucket-owner-full-control".into());
        input.server_side_encryption = Some("aws:kms".into());
        input.ssekms_key_id = Some(KEY.to_owned());
        input.ssekms_encryption_context = Some(Secret::new(STANDARD.encode(&context)));
    });
    let put = put.await.unwrap();
    assert_eq!(put.ssekms_key_id.as_deref(), Some(KEY));
    assert_eq!(world.owner().get("logs", &key).await.unwrap(), b"x");
    let calls: Vec<_> = world.records.records(None).unwrap().map(|record| record.unwrap().1).collect();
    let names: Vec<_> = calls.iter().map(|call| call.event_name.as_str()).collect();
    assert_eq!(names, ["GenerateDataKey", "Decrypt"]);
    let asked = calls[0].request_parameters.as_deref().unwrap();
    assert!(asked.contains(TRAIL) && asked.contains(&format!("arn:aws:s3:::logs/{key}")), "{asked}");
}

async fn strangers_are_told_nothing(database: &TestDatabase) {
    let world = World::new(database).await;
    world.owner().make("mine").await;
    world.owner().put("mine", "k", b"x").await.unwrap();
    let refused = world.stranger().get("mine", "missing").await.unwrap_err();
    assert_eq!((refused.query_code(), refused.message()), ("AccessDenied", Some("Access Denied")));
    assert_eq!(code(world.stranger().put("mine", "k", b"y").await), "AccessDenied");
    assert_eq!(code(world.stranger().get("nobodys", "k").await), "NoSuchBucket");
}
