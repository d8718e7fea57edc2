//! What buckets here never have. Reads say so as AWS does of a bucket that has none of it.

use strongroom_api_s3 as s3;
use strongroom_identity::RequestContext;

use crate::ObjectStorage;
use crate::domain::actions;
use crate::error::Refusal;

/// A read that finds nothing.
macro_rules! missing {
    ($($(#[doc = $doc:literal])+ $operation:ident($input:ty) -> $output:ty: $action:ident, $code:literal, $text:literal;)+) => {$(
        $(#[doc = $doc])+
        pub(super) async fn $operation(
            storage: &ObjectStorage,
            context: &RequestContext,
            input: $input,
        ) -> Result<$output, Refusal> {
            let owner = input.expected_bucket_owner.as_deref();
            let permitted = storage.on_bucket::<actions::$action>(context, &input.bucket, owner).await?;
            Err(Refusal::not_configured($code, $text, &permitted.resource().bucket.name))
        }
    )+};
}

missing! {
    /// `GetBucketLifecycleConfiguration`
    get_bucket_lifecycle_configuration(s3::GetBucketLifecycleConfigurationRequest) -> s3::GetBucketLifecycleConfigurationOutput:
        GetLifecycleConfiguration, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist";
    /// `GetBucketReplication`
    get_bucket_replication(s3::GetBucketReplicationRequest) -> s3::GetBucketReplicationOutput:
        GetReplicationConfiguration, "ReplicationConfigurationNotFoundError", "The replication configuration was not found";
    /// `GetObjectLockConfiguration`
    get_object_lock_configuration(s3::GetObjectLockConfigurationRequest) -> s3::GetObjectLockConfigurationOutput:
        GetBucketObjectLockConfiguration, "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket";
    /// `GetBucketWebsite`
    get_bucket_website(s3::GetBucketWebsiteRequest) -> s3::GetBucketWebsiteOutput:
        GetBucketWebsite, "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration";
    /// `GetBucketCors`
    get_bucket_cors(s3::GetBucketCorsRequest) -> s3::GetBucketCorsOutput:
        GetBucketCors, "NoSuchCORSConfiguration", "The CORS configuration does not exist";
    /// `GetBucketAnalyticsConfiguration`
    get_bucket_analytics_configuration(s3::GetBucketAnalyticsConfigurationRequest) -> s3::GetBucketAnalyticsConfigurationOutput:
        GetAnalyticsConfiguration, "NoSuchConfiguration", "The specified configuration does not exist.";
    /// `GetBucketIntelligentTieringConfiguration`
    get_bucket_intelligent_tiering_configuration(s3::GetBucketIntelligentTieringConfigurationRequest) -> s3::GetBucketIntelligentTieringConfigurationOutput:
        GetIntelligentTieringConfiguration, "NoSuchConfiguration", "The specified configuration does not exist.";
    /// `GetBucketInventoryConfiguration`
    get_bucket_inventory_configuration(s3::GetBucketInventoryConfigurationRequest) -> s3::GetBucketInventoryConfigurationOutput:
        GetInventoryConfiguration, "NoSuchConfiguration", "The specified configuration does not exist.";
    /// `GetBucketMetricsConfiguration`
    get_bucket_metrics_configuration(s3::GetBucketMetricsConfigurationRequest) -> s3::GetBucketMetricsConfigurationOutput:
        GetMetricsConfiguration, "NoSuchConfiguration", "The specified configuration does not exist.";
}

/// A read whose answer is empty.
macro_rules! empty {
    ($($(#[doc = $doc:literal])+ $operation:ident($input:ty) -> $output:ty: $action:ident $(, $member:ident = $value:expr)?;)+) => {$(
        $(#[doc = $doc])+
        pub(super) async fn $operation(
            storage: &ObjectStorage,
            context: &RequestContext,
            input: $input,
        ) -> Result<$output, Refusal> {
            let owner = input.expected_bucket_owner.as_deref();
            storage.on_bucket::<actions::$action>(context, &input.bucket, owner).await?;
            #[allow(clippy::needless_update, reason = "some answers have no other member")]
            Ok(<$output>::default()$(.with(|answer| answer.$member = Some($value)))?)
        }
    )+};
}

/// Sets members of an answer that is empty otherwise.
trait With: Sized {
    fn with(mut self, set: impl FnOnce(&mut Self)) -> Self {
        set(&mut self);
        self
    }
}

impl<T> With for T {}

empty! {
    /// `GetBucketLogging`
    get_bucket_logging(s3::GetBucketLoggingRequest) -> s3::GetBucketLoggingOutput: GetBucketLogging;
    /// `GetBucketNotificationConfiguration`
    get_bucket_notification_configuration(s3::GetBucketNotificationConfigurationRequest) -> s3::NotificationConfiguration:
        GetBucketNotification;
    /// `GetBucketAccelerateConfiguration`
    get_bucket_accelerate_configuration(s3::GetBucketAccelerateConfigurationRequest) -> s3::GetBucketAccelerateConfigurationOutput:
        GetAccelerateConfiguration;
    /// `GetBucketRequestPayment`
    get_bucket_request_payment(s3::GetBucketRequestPaymentRequest) -> s3::GetBucketRequestPaymentOutput:
        GetBucketRequestPayment, payer = "BucketOwner".into();
    /// `ListBucketAnalyticsConfigurations`
    list_bucket_analytics_configurations(s3::ListBucketAnalyticsConfigurationsRequest) -> s3::ListBucketAnalyticsConfigurationsOutput:
        GetAnalyticsConfiguration, is_truncated = false;
    /// `ListBucketIntelligentTieringConfigurations`
    list_bucket_intelligent_tiering_configurations(s3::ListBucketIntelligentTieringConfigurationsRequest) -> s3::ListBucketIntelligentTieringConfigurationsOutput:
        GetIntelligentTieringConfiguration, is_truncated = false;
    /// `ListBucketInventoryConfigurations`
    list_bucket_inventory_configurations(s3::ListBucketInventoryConfigurationsRequest) -> s3::ListBucketInventoryConfigurationsOutput:
        GetInventoryConfiguration, is_truncated = false;
    /// `ListBucketMetricsConfigurations`
    list_bucket_metrics_configurations(s3::ListBucketMetricsConfigurationsRequest) -> s3::ListBucketMetricsConfigurationsOutput:
        GetMetricsConfiguration, is_truncated = false;
}

/// `GetObjectLegalHold`, of a bucket that locks nothing.
pub(super) async fn get_object_legal_hold(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetObjectLegalHoldRequest,
) -> Result<s3::GetObjectLegalHoldOutput, Refusal> {
    let name = (input.bucket.as_str(), input.key.as_str());
    let (version, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    storage.find_object::<actions::GetObjectLegalHold>(context, name, version, owner).await?;
    Err(no_lock())
}

/// `GetObjectRetention`, of a bucket that locks nothing.
pub(super) async fn get_object_retention(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetObjectRetentionRequest,
) -> Result<s3::GetObjectRetentionOutput, Refusal> {
    let name = (input.bucket.as_str(), input.key.as_str());
    let (version, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    storage.find_object::<actions::GetObjectRetention>(context, name, version, owner).await?;
    Err(no_lock())
}

fn no_lock() -> Refusal {
    Refusal::invalid_request("Bucket is missing Object Lock Configuration")
}
