//! What records of S3 have in a form of their own.
//!
//! S3 User Guide, "Amazon S3 CloudTrail events", and records of real calls that Invictus Incident Response publishes
//! (aws_dataset): names of events are older than those of some operations, callers' agents are in brackets, and calls on what is
//! in a bucket that name no object are about the objects whose keys begin so.

use serde_json::Value;

use crate::domain::name::KEY_LIMIT;

/// The name that records give an operation.
#[must_use]
pub fn event_name(operation: &'static str) -> &'static str {
    match operation {
        "DeletePublicAccessBlock" => "DeleteBucketPublicAccessBlock",
        "GetBucketAccelerateConfiguration" => "GetAccelerateConfiguration",
        "GetBucketLifecycleConfiguration" => "GetBucketLifecycle",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        "GetObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "ListObjectsV2" => "ListObjects",
        "PutBucketAccelerateConfiguration" => "PutAccelerateConfiguration",
        "PutBucketLifecycleConfiguration" => "PutBucketLifecycle",
        "PutBucketNotificationConfiguration" => "PutBucketNotification",
        "PutObjectLockConfiguration" => "PutBucketObjectLockConfiguration",
        "PutPublicAccessBlock" => "PutBucketPublicAccessBlock",
        same => same,
    }
}

/// What a caller says that he calls with.
#[must_use]
pub fn recorded_agent(agent: &str) -> String {
    format!("[{agent}]")
}

/// What the keys begin with that a call on what is in a bucket is about, by its record's parameters: those of a list with
/// what was asked for, as far as keys go, of other calls with anything.
#[must_use]
pub fn touched_prefix(parameters: Option<&str>) -> String {
    let parameters: Option<Value> = parameters.and_then(|text| serde_json::from_str(text).ok());
    let prefix = parameters.as_ref().and_then(|parameters| parameters.get("prefix")?.as_str());
    let prefix = prefix.unwrap_or_default();
    prefix[..prefix.floor_char_boundary(KEY_LIMIT)].to_owned()
}

#[cfg(test)]
mod tests {
    use strongroom_api_s3::SERVICE;

    use super::*;

    #[test]
    fn every_name_of_its_own_is_of_an_operation() {
        let own = SERVICE.operations.iter().filter(|operation| event_name(operation.name) != operation.name);
        assert_eq!(own.count(), 12);
        assert_eq!(event_name("GetObject"), "GetObject");
        assert_eq!(recorded_agent("aws-cli/2.36.17"), "[aws-cli/2.36.17]");
    }

    #[test]
    fn lists_are_about_what_begins_so() {
        assert_eq!(touched_prefix(Some(r#"{"bucketName":"b","prefix":"a/"}"#)), "a/");
        for without in [Some(r#"{"bucketName":"b","delete":""}"#), Some("no object"), None] {
            assert_eq!(touched_prefix(without), "");
        }
        let long = format!("a{}", "é".repeat(KEY_LIMIT));
        let touched = touched_prefix(Some(&format!(r#"{{"prefix":"{long}"}}"#)));
        assert_eq!(touched.len(), KEY_LIMIT - 1, "it ends between two characters");
        assert!(long.starts_with(&touched));
    }
}
