//! Bucket policies.

use strongroom_api_s3 as s3;
use strongroom_identity::RequestContext;
use strongroom_policy::Named;
use strongroom_policy::document::Kind;
use strongroom_schema::Unit;

use crate::ObjectStorage;
use crate::domain::actions;
use crate::domain::policy::{self, BucketPolicy};
use crate::error::Refusal;

/// `PutBucketPolicy`
pub(super) async fn put_bucket_policy(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::PutBucketPolicyRequest,
) -> Result<Unit, Refusal> {
    let (name, owner) = (&input.bucket, input.expected_bucket_owner.as_deref());
    // Who may not put one learns nothing of whom there is.
    let permitted = storage.on_bucket::<actions::PutBucketPolicy>(context, name, owner).await?;
    let document = policy::read(&input.policy, name)?;
    let is_public = policy::is_public(&document);
    let account = permitted.resource().bucket.account;
    let bound = Named::of(&input.policy, Kind::Resource).find(&*storage.principals, account).await;
    let bound = bound.map_err(Refusal::Internal)?.map_err(|unknown| policy::invalid_principal(&unknown))?;
    let put = BucketPolicy { text: input.policy.clone(), bound };
    storage
        .change_bucket::<actions::PutBucketPolicy>(context, name, owner, |bucket, settings| {
            if is_public && settings.blocked().block_policy {
                let what = "public policies are blocked by the BlockPublicPolicy";
                return Err(Refusal::public_blocked(context, "s3:PutBucketPolicy", &bucket.name, what));
            }
            settings.policy = Some(put.clone());
            Ok(())
        })
        .await?;
    Ok(Unit)
}

/// `GetBucketPolicy`
pub(super) async fn get_bucket_policy(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetBucketPolicyRequest,
) -> Result<s3::GetBucketPolicyOutput, Refusal> {
    let owner = input.expected_bucket_owner.as_deref();
    let permitted = storage.on_bucket::<actions::GetBucketPolicy>(context, &input.bucket, owner).await?;
    let bucket = &permitted.resource().bucket;
    let policy = bucket.settings.policy.as_ref().ok_or_else(|| no_policy(&bucket.name))?;
    let shown = policy.bound.shown(&policy.text, &*storage.principals).await.map_err(Refusal::Internal)?;
    let shown = shown.ok_or_else(|| Refusal::internal("a bucket policy is no policy any more"))?;
    Ok(s3::GetBucketPolicyOutput { policy: Some(shown) })
}

/// `DeleteBucketPolicy`
pub(super) async fn delete_bucket_policy(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::DeleteBucketPolicyRequest,
) -> Result<Unit, Refusal> {
    let owner = input.expected_bucket_owner.as_deref();
    storage
        .change_bucket::<actions::DeleteBucketPolicy>(context, &input.bucket, owner, |_, settings| {
            settings.policy = None;
            Ok(())
        })
        .await?;
    Ok(Unit)
}

/// `GetBucketPolicyStatus`
pub(super) async fn get_bucket_policy_status(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetBucketPolicyStatusRequest,
) -> Result<s3::GetBucketPolicyStatusOutput, Refusal> {
    let owner = input.expected_bucket_owner.as_deref();
    let permitted =
        storage.on_bucket::<actions::GetBucketPolicyStatus>(context, &input.bucket, owner).await?;
    let bucket = &permitted.resource().bucket;
    let policy = bucket.policy.as_ref().ok_or_else(|| no_policy(&bucket.name))?;
    let status = s3::PolicyStatus { is_public: Some(policy.is_public) };
    Ok(s3::GetBucketPolicyStatusOutput { policy_status: Some(status) })
}

fn no_policy(bucket: &str) -> Refusal {
    Refusal::not_configured("NoSuchBucketPolicy", "The bucket policy does not exist", bucket)
}
