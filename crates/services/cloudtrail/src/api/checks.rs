//! What CreateTrail and UpdateTrail try out, as CloudTrail and for the trail that is to be: whether its bucket lets it in,
//! and its key.

use serde_json::json;
use strongroom_api_cloudtrail::errors;
use strongroom_api_kms::{DataKeySpec, GenerateDataKeyRequest, SERVICE as KMS};
use strongroom_identity::{PARTITION, Region};
use strongroom_outbox::Asked;
use strongroom_service::ApiError;

use crate::delivery::bucket::{Behalf, DeliveryError, Put};
use crate::delivery::log_groups::Obstacle;
use crate::delivery::own_buckets::{CONTEXT, told};
use crate::domain::log_place::LogPlace;
use crate::domain::object;
use crate::domain::trail::Trail;
use crate::error::Refusal;
use crate::trails::Trails;

/// Tries out whether a trail could deliver, and notes its key's ARN.
pub(super) async fn try_out(
    trails: &Trails,
    trail: &mut Trail,
    kms_key_id: Option<String>,
) -> Result<(), Refusal> {
    trail.settings.check_log_place(trail.account, &trail.home_region)?;
    if kms_key_id.is_some() && !trails.buckets.encrypts() {
        return Err(Refusal::NotImplemented(
            "cloudtrail: KmsKeyId where trails deliver to another S3 than the one here",
        ));
    }
    let bucket = trail.settings.bucket.clone();
    let behalf = Behalf { account: trail.account, region: trail.home_region.clone(), trail_arn: trail.arn() };
    let refused = |error: DeliveryError| of_bucket(&bucket, &error);
    trails.buckets.read_acl(&behalf, &bucket).await.map_err(refused)?;
    let kms_key_arn = match kms_key_id {
        None => None,
        Some(key) => Some(try_key(trails, trail, &behalf, key).await?),
    };
    let prefix = trail.settings.prefix.as_deref();
    for key in object::markers(prefix, trail.account, trail.settings.is_validated) {
        let put = Put {
            bucket: bucket.clone(),
            key,
            body: Vec::new(),
            is_compressed_json: false,
            kms_key_arn: kms_key_arn.clone(),
            metadata: Vec::new(),
        };
        trails.buckets.put(&behalf, put).await.map_err(|error| match &kms_key_arn {
            // KMS has just made a data key with it: S3 looks for keys in the bucket's Region.
            Some(key) if error.code == "KMS.NotFoundException" => of_another_region(&bucket, key),
            _ => refused(error),
        })?;
    }
    if let Some(topic_arn) = &trail.settings.topic_arn {
        let tried = trails.notices.try_out(&trails.on_behalf, &behalf, topic_arn).await;
        tried.map_err(|error| of_topic(topic_arn, &error))?;
    }
    if let Some(place) = trail.settings.log_place() {
        let stream = LogPlace::stream(trail.account, &trail.home_region);
        let tried = trails.log_groups.try_out(&behalf, &place, &stream).await;
        tried.map_err(|obstacle| of_logs(&place, obstacle))?;
    }
    trail.settings.kms_key_arn = kms_key_arn;
    Ok(())
}

/// Has the key make a data key, which is thrown away, and answers the key's ARN.
async fn try_key(trails: &Trails, trail: &Trail, behalf: &Behalf, key: String) -> Result<String, Refusal> {
    // A key is called in its own Region.
    let region = key.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2));
    let region = region.unwrap_or(&trail.home_region).to_owned();
    if Region::named(&region).is_none() {
        let text = format!("Invalid arn {region}");
        return Err(Refusal::of(&errors::INVALID_KMS_KEY_ID_EXCEPTION, text));
    }
    let bucket = &trail.settings.bucket;
    let marker = object::markers(trail.settings.prefix.as_deref(), trail.account, false);
    let marker = marker.first().map(String::as_str).unwrap_or_default();
    let context = [
        (CONTEXT.to_owned(), behalf.trail_arn.clone()),
        ("aws:s3:arn".to_owned(), format!("arn:{PARTITION}:s3:::{bucket}/{marker}")),
    ];
    let parameters = json!({
        "keyId": key,
        "encryptionContext": context.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "keySpec": "AES_256",
    });
    let asked = Asked::reading(KMS.event_source, "GenerateDataKey", parameters.to_string());
    let input = GenerateDataKeyRequest {
        key_id: key.clone(),
        encryption_context: Some(context.into_iter().collect()),
        key_spec: Some(DataKeySpec::Aes256),
        ..Default::default()
    };
    let of = (behalf.account, region.as_str(), Some(behalf.trail_arn.as_str()));
    let call = trails
        .on_behalf
        .call(of, asked, told, |context| async move { trails.kms.generate_data_key(&context, input).await });
    let made = call.await.map_err(Refusal::internal)?.map_err(|error| of_key(bucket, &key, &error))?;
    made.key_id.ok_or_else(|| Refusal::internal("KMS made a data key and did not say with which key"))
}

/// A key that is not where the bucket is (CloudTrail API Reference, CreateTrail: "or when the Amazon S3 bucket and the KMS key
/// are not in the same Region"; the text is not published).
fn of_another_region(bucket: &str, key: &str) -> Refusal {
    let text = format!("S3 bucket {bucket} and KMS key {key} are not in the same Region.");
    Refusal::of(&errors::KMS_KEY_NOT_FOUND_EXCEPTION, text)
}

/// Why a bucket does not do.
fn of_bucket(bucket: &str, error: &DeliveryError) -> Refusal {
    tracing::info!(bucket, %error, "a trail's bucket does not let it in");
    match error.code.as_str() {
        "NoSuchBucket" => Refusal::of(
            &errors::S3_BUCKET_DOES_NOT_EXIST_EXCEPTION,
            format!("S3 bucket {bucket} does not exist!"),
        ),
        code if code.contains("AccessDenied") => Refusal::of(
            &errors::INSUFFICIENT_S3_BUCKET_POLICY_EXCEPTION,
            format!("Incorrect S3 bucket policy is detected for bucket: {bucket}"),
        ),
        code if code.starts_with("KMS.") || code.starts_with("Kms") => {
            Refusal::of(&errors::KMS_EXCEPTION, error.message.clone())
        }
        _ => Refusal::internal(error.clone()),
    }
}

/// Why a topic does not do (observed).
fn of_topic(topic_arn: &str, error: &DeliveryError) -> Refusal {
    tracing::info!(topic_arn, %error, "a trail's topic does not let it in");
    let text = "SNS Topic does not exist or the topic policy is incorrect!";
    Refusal::of(&errors::INSUFFICIENT_SNS_TOPIC_POLICY_EXCEPTION, text)
}

/// Why a log group or its role does not do (observed).
fn of_logs(place: &LogPlace, obstacle: Obstacle) -> Refusal {
    let LogPlace { group, role_arn, .. } = place;
    tracing::info!(group, role_arn, error = %obstacle.error(), "a trail cannot use its log group");
    match obstacle {
        Obstacle::Role(_) => Refusal::of(
            &errors::INVALID_CLOUD_WATCH_LOGS_ROLE_ARN_EXCEPTION,
            "Access denied. Check the trust relationships for your role.",
        ),
        Obstacle::Permission(_) => Refusal::of(
            &errors::INVALID_CLOUD_WATCH_LOGS_LOG_GROUP_ARN_EXCEPTION,
            "Access denied. Check the permissions for your role.",
        ),
        Obstacle::Group(_) => Refusal::no_such_log_group(),
        Obstacle::Other(error) => Refusal::internal(error),
    }
}

/// Why a key does not do. The texts of the last ones are not published; they are KMS's own.
fn of_key(bucket: &str, key: &str, error: &ApiError) -> Refusal {
    let text = error.message().unwrap_or_default().to_owned();
    match error.code() {
        _ if error.is_access_denied() => Refusal::of(
            &errors::INSUFFICIENT_ENCRYPTION_POLICY_EXCEPTION,
            format!("Insufficient permissions to access S3 bucket {bucket} or KMS key {key}."),
        ),
        "NotFoundException" => Refusal::of(&errors::KMS_KEY_NOT_FOUND_EXCEPTION, text),
        "InvalidArnException" | "ValidationException" => {
            Refusal::of(&errors::INVALID_KMS_KEY_ID_EXCEPTION, text)
        }
        "DisabledException" | "KMSInvalidStateException" | "InvalidKeyUsageException" => {
            Refusal::of(&errors::KMS_EXCEPTION, text)
        }
        _ => Refusal::internal(error.clone()),
    }
}
