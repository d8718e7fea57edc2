//! Buckets of our own S3.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use strongroom_api_s3::{
    GetBucketAclRequest, ObjectCannedACL, PutObjectRequest, S3, SERVICE, ServerSideEncryption,
};
use strongroom_outbox::{Asked, OnBehalf, Outbox};
use strongroom_runtime::Clocks;
use strongroom_schema::{ByteStream, Map};
use strongroom_secret::Secret;
use strongroom_service::ApiError;

use super::bucket::{Behalf, Buckets, DeliveryError, Put};
use crate::domain::selection::CLOUDTRAIL;

/// The context entry that names the trail (CloudTrail User Guide, "Configure AWS KMS key policies for CloudTrail").
pub(crate) const CONTEXT: &str = "aws:cloudtrail:arn";

/// What CloudTrail lets the owner of a bucket do.
const OWNERS: &str = "bucket-owner-full-control";

/// Buckets of the S3 that runs beside CloudTrail.
pub struct OwnBuckets {
    s3: Arc<dyn S3>,
    on_behalf: OnBehalf,
}

impl OwnBuckets {
    /// The buckets of `s3`, called and recorded as CloudTrail.
    pub fn new(s3: Arc<dyn S3>, outbox: Arc<Outbox>, clocks: Clocks) -> Self {
        Self { s3, on_behalf: OnBehalf::new(CLOUDTRAIL, outbox, clocks) }
    }
}

impl From<ApiError> for DeliveryError {
    fn from(error: ApiError) -> Self {
        // An internal error's cause is for the log, and this is what goes there.
        Self { code: error.query_code().to_owned(), message: format!("{error:?}") }
    }
}

/// What cannot be recorded is not done, or counts as not done.
pub(crate) fn unrecorded(error: impl std::error::Error) -> DeliveryError {
    DeliveryError { code: "InternalError".to_owned(), message: error.to_string() }
}

/// What a record says of a refusal.
pub(crate) fn told(error: &ApiError) -> (String, Option<String>) {
    (error.query_code().to_owned(), error.message().map(str::to_owned))
}

#[async_trait]
impl Buckets for OwnBuckets {
    async fn read_acl(&self, behalf: &Behalf, bucket: &str) -> Result<(), DeliveryError> {
        let parameters = json!({"bucketName": bucket, "acl": ""}).to_string();
        let asked = Asked::reading(SERVICE.event_source, "GetBucketAcl", parameters);
        let input = GetBucketAclRequest { bucket: bucket.to_owned(), ..Default::default() };
        let of = (behalf.account, behalf.region.as_str(), Some(behalf.trail_arn.as_str()));
        let call = self
            .on_behalf
            .call(of, asked, told, |context| async move { self.s3.get_bucket_acl(&context, input).await });
        call.await.map_err(unrecorded)?.map(drop).map_err(DeliveryError::from)
    }

    async fn put(&self, behalf: &Behalf, put: Put) -> Result<(), DeliveryError> {
        let mut parameters = json!({"bucketName": put.bucket, "key": put.key, "x-amz-acl": OWNERS});
        if let (Some(key), Some(shown)) = (&put.kms_key_arn, parameters.as_object_mut()) {
            shown.insert("x-amz-server-side-encryption".to_owned(), "aws:kms".into());
            shown.insert("x-amz-server-side-encryption-aws-kms-key-id".to_owned(), key.as_str().into());
        }
        let asked = Asked {
            event_source: SERVICE.event_source,
            event_name: "PutObject",
            parameters: parameters.to_string(),
            read_only: false,
            is_data_event: true,
        };
        let json = |text: &str| put.is_compressed_json.then(|| text.to_owned());
        let context = put.kms_key_arn.as_ref().map(|_| json!({CONTEXT: behalf.trail_arn}).to_string());
        let metadata: Map<String> =
            put.metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let input = PutObjectRequest {
            acl: Some(ObjectCannedACL::BucketOwnerFullControl),
            content_length: i64::try_from(put.body.len()).ok(),
            content_type: json("application/json"),
            content_encoding: json("gzip"),
            body: Some(ByteStream::from(put.body)),
            bucket: put.bucket,
            key: put.key,
            metadata: Some(metadata),
            server_side_encryption: put.kms_key_arn.as_ref().map(|_| ServerSideEncryption::AwsKms),
            ssekms_key_id: put.kms_key_arn,
            ssekms_encryption_context: context.map(|context| Secret::new(STANDARD.encode(context))),
            ..Default::default()
        };
        let of = (behalf.account, behalf.region.as_str(), Some(behalf.trail_arn.as_str()));
        let call = self
            .on_behalf
            .call(of, asked, told, |context| async move { self.s3.put_object(&context, input).await });
        call.await.map_err(unrecorded)?.map(drop).map_err(DeliveryError::from)
    }
}
