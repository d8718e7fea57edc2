//! The API, one file for each family of operations.

mod acls;
mod buckets;
mod completing;
mod deleting;
mod described;
mod lists;
mod multipart;
mod objects;
mod policies;
mod reading;
mod settings;
mod shown;
mod tagging;
mod unconfigured;
mod upload_lists;

use async_trait::async_trait;
use strongroom_api_s3 as s3;
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;
use strongroom_service::ApiError;

use crate::ObjectStorage;

/// Hands each operation over to the family that it belongs to.
macro_rules! operations {
    ($($family:ident { $($operation:ident($input:ident) -> $output:ty;)+ })+) => {
        #[async_trait]
        impl s3::S3 for ObjectStorage {
            $($(
                async fn $operation(
                    &self,
                    context: &RequestContext,
                    input: s3::$input,
                ) -> Result<$output, ApiError> {
                    Ok($family::$operation(self, context, input).await?)
                }
            )+)+
        }
    };
}

operations! {
    acls {
        get_bucket_acl(GetBucketAclRequest) -> s3::GetBucketAclOutput;
        get_object_acl(GetObjectAclRequest) -> s3::GetObjectAclOutput;
        put_bucket_acl(PutBucketAclRequest) -> Unit;
        put_object_acl(PutObjectAclRequest) -> s3::PutObjectAclOutput;
    }
    buckets {
        create_bucket(CreateBucketRequest) -> s3::CreateBucketOutput;
        delete_bucket(DeleteBucketRequest) -> Unit;
        get_bucket_location(GetBucketLocationRequest) -> s3::GetBucketLocationOutput;
        head_bucket(HeadBucketRequest) -> s3::HeadBucketOutput;
        list_buckets(ListBucketsRequest) -> s3::ListBucketsOutput;
    }
    completing {
        complete_multipart_upload(CompleteMultipartUploadRequest) -> s3::CompleteMultipartUploadOutput;
    }
    deleting {
        delete_object(DeleteObjectRequest) -> s3::DeleteObjectOutput;
        delete_objects(DeleteObjectsRequest) -> s3::DeleteObjectsOutput;
    }
    lists {
        list_object_versions(ListObjectVersionsRequest) -> s3::ListObjectVersionsOutput;
        list_objects(ListObjectsRequest) -> s3::ListObjectsOutput;
        list_objects_v2(ListObjectsV2Request) -> s3::ListObjectsV2Output;
    }
    multipart {
        abort_multipart_upload(AbortMultipartUploadRequest) -> s3::AbortMultipartUploadOutput;
        create_multipart_upload(CreateMultipartUploadRequest) -> s3::CreateMultipartUploadOutput;
        upload_part(UploadPartRequest) -> s3::UploadPartOutput;
        upload_part_copy(UploadPartCopyRequest) -> s3::UploadPartCopyOutput;
    }
    objects {
        copy_object(CopyObjectRequest) -> s3::CopyObjectOutput;
        put_object(PutObjectRequest) -> s3::PutObjectOutput;
    }
    policies {
        delete_bucket_policy(DeleteBucketPolicyRequest) -> Unit;
        get_bucket_policy(GetBucketPolicyRequest) -> s3::GetBucketPolicyOutput;
        get_bucket_policy_status(GetBucketPolicyStatusRequest) -> s3::GetBucketPolicyStatusOutput;
        put_bucket_policy(PutBucketPolicyRequest) -> Unit;
    }
    reading {
        get_object(GetObjectRequest) -> s3::GetObjectOutput;
        get_object_attributes(GetObjectAttributesRequest) -> s3::GetObjectAttributesOutput;
        head_object(HeadObjectRequest) -> s3::HeadObjectOutput;
    }
    settings {
        delete_bucket_encryption(DeleteBucketEncryptionRequest) -> Unit;
        delete_bucket_ownership_controls(DeleteBucketOwnershipControlsRequest) -> Unit;
        delete_bucket_tagging(DeleteBucketTaggingRequest) -> Unit;
        delete_public_access_block(DeletePublicAccessBlockRequest) -> Unit;
        get_bucket_encryption(GetBucketEncryptionRequest) -> s3::GetBucketEncryptionOutput;
        get_bucket_ownership_controls(GetBucketOwnershipControlsRequest) -> s3::GetBucketOwnershipControlsOutput;
        get_bucket_tagging(GetBucketTaggingRequest) -> s3::GetBucketTaggingOutput;
        get_bucket_versioning(GetBucketVersioningRequest) -> s3::GetBucketVersioningOutput;
        get_public_access_block(GetPublicAccessBlockRequest) -> s3::GetPublicAccessBlockOutput;
        put_bucket_encryption(PutBucketEncryptionRequest) -> Unit;
        put_bucket_ownership_controls(PutBucketOwnershipControlsRequest) -> Unit;
        put_bucket_tagging(PutBucketTaggingRequest) -> Unit;
        put_bucket_versioning(PutBucketVersioningRequest) -> Unit;
        put_public_access_block(PutPublicAccessBlockRequest) -> Unit;
    }
    tagging {
        delete_object_tagging(DeleteObjectTaggingRequest) -> s3::DeleteObjectTaggingOutput;
        get_object_tagging(GetObjectTaggingRequest) -> s3::GetObjectTaggingOutput;
        put_object_tagging(PutObjectTaggingRequest) -> s3::PutObjectTaggingOutput;
    }
    unconfigured {
        get_bucket_accelerate_configuration(GetBucketAccelerateConfigurationRequest) -> s3::GetBucketAccelerateConfigurationOutput;
        get_bucket_analytics_configuration(GetBucketAnalyticsConfigurationRequest) -> s3::GetBucketAnalyticsConfigurationOutput;
        get_bucket_cors(GetBucketCorsRequest) -> s3::GetBucketCorsOutput;
        get_bucket_intelligent_tiering_configuration(GetBucketIntelligentTieringConfigurationRequest) -> s3::GetBucketIntelligentTieringConfigurationOutput;
        get_bucket_inventory_configuration(GetBucketInventoryConfigurationRequest) -> s3::GetBucketInventoryConfigurationOutput;
        get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationRequest) -> s3::GetBucketLifecycleConfigurationOutput;
        get_bucket_logging(GetBucketLoggingRequest) -> s3::GetBucketLoggingOutput;
        get_bucket_metrics_configuration(GetBucketMetricsConfigurationRequest) -> s3::GetBucketMetricsConfigurationOutput;
        get_bucket_notification_configuration(GetBucketNotificationConfigurationRequest) -> s3::NotificationConfiguration;
        get_bucket_replication(GetBucketReplicationRequest) -> s3::GetBucketReplicationOutput;
        get_bucket_request_payment(GetBucketRequestPaymentRequest) -> s3::GetBucketRequestPaymentOutput;
        get_bucket_website(GetBucketWebsiteRequest) -> s3::GetBucketWebsiteOutput;
        get_object_legal_hold(GetObjectLegalHoldRequest) -> s3::GetObjectLegalHoldOutput;
        get_object_lock_configuration(GetObjectLockConfigurationRequest) -> s3::GetObjectLockConfigurationOutput;
        get_object_retention(GetObjectRetentionRequest) -> s3::GetObjectRetentionOutput;
        list_bucket_analytics_configurations(ListBucketAnalyticsConfigurationsRequest) -> s3::ListBucketAnalyticsConfigurationsOutput;
        list_bucket_intelligent_tiering_configurations(ListBucketIntelligentTieringConfigurationsRequest) -> s3::ListBucketIntelligentTieringConfigurationsOutput;
        list_bucket_inventory_configurations(ListBucketInventoryConfigurationsRequest) -> s3::ListBucketInventoryConfigurationsOutput;
        list_bucket_metrics_configurations(ListBucketMetricsConfigurationsRequest) -> s3::ListBucketMetricsConfigurationsOutput;
    }
    upload_lists {
        list_multipart_uploads(ListMultipartUploadsRequest) -> s3::ListMultipartUploadsOutput;
        list_parts(ListPartsRequest) -> s3::ListPartsOutput;
    }
}
