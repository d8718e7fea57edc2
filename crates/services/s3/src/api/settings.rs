//! What is set of a bucket: encryption, versioning, ownership, what is kept from being public, tags.

use strongroom_api_s3 as s3;
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use super::buckets::{shown_tags, tags_of};
use crate::ObjectStorage;
use crate::domain::actions;
use crate::domain::bucket::{Ownership, PublicAccess, Versioning};
use crate::domain::encryption::DefaultEncryption;
use crate::domain::tags::{self, Tags};
use crate::error::Refusal;

/// `PutBucketEncryption`
pub(super) async fn put_bucket_encryption(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::PutBucketEncryptionRequest,
) -> Result<Unit, Refusal> {
    let [rule] = input.server_side_encryption_configuration.rules.as_slice() else {
        return Err(Refusal::malformed_xml());
    };
    let by_default = rule.apply_server_side_encryption_by_default.as_ref();
    if by_default.is_none() && rule.blocked_encryption_types.is_none() {
        return Err(Refusal::malformed_xml());
    }
    let blocked = rule.blocked_encryption_types.as_ref().map(|blocked| {
        let kinds = blocked.encryption_type.as_deref().unwrap_or_default();
        kinds.iter().map(|kind| kind.as_str().to_owned()).collect()
    });
    // Where the list stands alone, the default is what a bucket has without a configuration.
    let algorithm = by_default.map_or("AES256", |by_default| by_default.sse_algorithm.as_str());
    let key = by_default.and_then(|by_default| by_default.kms_master_key_id.clone());
    let has_bucket_key = rule.bucket_key_enabled.unwrap_or_default();
    let encryption = DefaultEncryption::new(algorithm, key, has_bucket_key)?.blocking(blocked)?;
    let owner = input.expected_bucket_owner.as_deref();
    storage
        .change_bucket::<actions::PutEncryptionConfiguration>(context, &input.bucket, owner, |_, settings| {
            settings.encryption = encryption.clone();
            Ok(())
        })
        .await?;
    Ok(Unit)
}

/// `GetBucketEncryption`
pub(super) async fn get_bucket_encryption(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetBucketEncryptionRequest,
) -> Result<s3::GetBucketEncryptionOutput, Refusal> {
    let owner = input.expected_bucket_owner.as_deref();
    let permitted =
        storage.on_bucket::<actions::GetEncryptionConfiguration>(context, &input.bucket, owner).await?;
    let encryption = &permitted.resource().bucket.settings.encryption;
    let by_default = s3::ServerSideEncryptionByDefault {
        sse_algorithm: encryption.algorithm.name().into(),
        kms_master_key_id: encryption.key.clone(),
    };
    let rule = s3::ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(by_default),
        bucket_key_enabled: Some(encryption.has_bucket_key),
        blocked_encryption_types: encryption.blocked.as_ref().map(|kinds| s3::BlockedEncryptionTypes {
            encryption_type: Some(kinds.iter().map(|kind| kind.as_str().into()).collect()),
        }),
    };
    let configuration = s3::ServerSideEncryptionConfiguration { rules: vec![rule] };
    Ok(s3::GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) })
}

/// `DeleteBucketEncryption`: back to what a new bucket has.
pub(super) async fn delete_bucket_encryption(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::DeleteBucketEncryptionRequest,
) -> Result<Unit, Refusal> {
    let owner = input.expected_bucket_owner.as_deref();
    storage
        .change_bucket::<actions::PutEncryptionConfiguration>(context, &input.bucket, owner, |_, settings| {
            settings.encryption = DefaultEncryption::default();
            Ok(())
        })
        .await?;
    Ok(Unit)
}

/// `PutBucketVersioning`
pub(super) async fn put_bucket_versioning(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::PutBucketVersioningRequest,
) -> Result<Unit, Refusal> {
    let configuration = &input.versioning_configuration;
    if configuration.mfa_delete.as_ref().is_some_and(|mfa| mfa.as_str() == "Enabled") {
        return Err(Refusal::NotYet("deletions that take a second factor (MFA delete)"));
    }
    let versioning = match configuration.status.as_ref().map(s3::BucketVersioningStatus::as_str) {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        Some(_) => return Err(Refusal::malformed_xml()),
        None => {
            let text = "The Versioning element must be specified";
            return Err(Refusal::client(400, "IllegalVersioningConfigurationException", text));
        }
    };
    let owner = input.expected_bucket_owner.as_deref();
    storage
        .change_bucket::<actions::PutBucketVersioning>(context, &input.bucket, owner, |_, settings| {
            settings.versioning = versioning;
            Ok(())
        })
        .await?;
    Ok(Unit)
}

/// `GetBucketVersioning`
pub(super) async fn get_bucket_versioning(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetBucketVersioningRequest,
) -> Result<s3::GetBucketVersioningOutput, Refusal> {
    let owner = input.expected_bucket_owner.as_deref();
    let permitted = storage.on_bucket::<actions::GetBucketVersioning>(context, &input.bucket, owner).await?;
    let status = match permitted.resource().bucket.settings.versioning {
        Versioning::Off => None,
        Versioning::Enabled => Some("Enabled".into()),
        Versioning::Suspended => Some("Suspended".into()),
    };
    Ok(s3::GetBucketVersioningOutput { status, mfa_delete: None })
}

/// `PutBucketOwnershipControls`
pub(super) async fn put_bucket_ownership_controls(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::PutBucketOwnershipControlsRequest,
) -> Result<Unit, Refusal> {
    let [rule] = input.ownership_controls.rules.as_slice() else { return Err(Refusal::malformed_xml()) };
    let ownership = Ownership::named(rule.object_ownership.as_str()).ok_or_else(Refusal::malformed_xml)?;
    let owner = input.expected_bucket_owner.as_deref();
    storage
        .change_bucket::<actions::PutBucketOwnershipControls>(
            context,
            &input.bucket,
            owner,
            |bucket, settings| {
                let is_owners_alone = settings.acl.is_owners_alone(bucket.account);
                if ownership == Ownership::BucketOwnerEnforced && !is_owners_alone {
                    let text =
                        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
                    return Err(Refusal::client(400, "InvalidBucketAclWithObjectOwnership", text));
                }
                settings.ownership = Some(ownership);
                Ok(())
            },
        )
        .await?;
    Ok(Unit)
}

/// `GetBucketOwnershipControls`
pub(super) async fn get_bucket_ownership_controls(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetBucketOwnershipControlsRequest,
) -> Result<s3::GetBucketOwnershipControlsOutput, Refusal> {
    let owner = input.expected_bucket_owner.as_deref();
    let permitted =
        storage.on_bucket::<actions::GetBucketOwnershipControls>(context, &input.bucket, owner).await?;
    let bucket = &permitted.resource().bucket;
    let Some(ownership) = bucket.settings.ownership else {
        let text = "The bucket ownership controls were not found";
        return Err(Refusal::not_configured("OwnershipControlsNotFoundError", text, &bucket.name));
    };
    let rule = s3::OwnershipControlsRule { object_ownership: ownership.name().into() };
    Ok(s3::GetBucketOwnershipControlsOutput {
        ownership_controls: Some(s3::OwnershipControls { rules: vec![rule] }),
    })
}

/// `DeleteBucketOwnershipControls`
pub(super) async fn delete_bucket_ownership_controls(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::DeleteBucketOwnershipControlsRequest,
) -> Result<Unit, Refusal> {
    let owner = input.expected_bucket_owner.as_deref();
    storage
        .change_bucket::<actions::PutBucketOwnershipControls>(context, &input.bucket, owner, |_, settings| {
            settings.ownership = None;
            Ok(())
        })
        .await?;
    Ok(Unit)
}

/// `PutPublicAccessBlock`
pub(super) async fn put_public_access_block(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::PutPublicAccessBlockRequest,
) -> Result<Unit, Refusal> {
    let configuration = &input.public_access_block_configuration;
    let public_access = PublicAccess {
        block_acls: configuration.block_public_acls.unwrap_or_default(),
        ignore_acls: configuration.ignore_public_acls.unwrap_or_default(),
        block_policy: configuration.block_public_policy.unwrap_or_default(),
        restrict: configuration.restrict_public_buckets.unwrap_or_default(),
    };
    let owner = input.expected_bucket_owner.as_deref();
    storage
        .change_bucket::<actions::PutBucketPublicAccessBlock>(context, &input.bucket, owner, |_, settings| {
            settings.public_access = Some(public_access);
            Ok(())
        })
        .await?;
    Ok(Unit)
}

/// `GetPublicAccessBlock`
pub(super) async fn get_public_access_block(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetPublicAccessBlockRequest,
) -> Result<s3::GetPublicAccessBlockOutput, Refusal> {
    let owner = input.expected_bucket_owner.as_deref();
    let permitted =
        storage.on_bucket::<actions::GetBucketPublicAccessBlock>(context, &input.bucket, owner).await?;
    let bucket = &permitted.resource().bucket;
    let Some(blocked) = bucket.settings.public_access else {
        let text = "The public access block configuration was not found";
        return Err(Refusal::not_configured("NoSuchPublicAccessBlockConfiguration", text, &bucket.name));
    };
    let configuration = s3::PublicAccessBlockConfiguration {
        block_public_acls: Some(blocked.block_acls),
        ignore_public_acls: Some(blocked.ignore_acls),
        block_public_policy: Some(blocked.block_policy),
        restrict_public_buckets: Some(blocked.restrict),
    };
    Ok(s3::GetPublicAccessBlockOutput { public_access_block_configuration: Some(configuration) })
}

/// `DeletePublicAccessBlock`
pub(super) async fn delete_public_access_block(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::DeletePublicAccessBlockRequest,
) -> Result<Unit, Refusal> {
    let owner = input.expected_bucket_owner.as_deref();
    storage
        .change_bucket::<actions::PutBucketPublicAccessBlock>(context, &input.bucket, owner, |_, settings| {
            settings.public_access = None;
            Ok(())
        })
        .await?;
    Ok(Unit)
}

/// `PutBucketTagging`
pub(super) async fn put_bucket_tagging(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::PutBucketTaggingRequest,
) -> Result<Unit, Refusal> {
    let tags = tags_of(input.tagging.tag_set);
    tags::check(&tags, tags::OF_BUCKET)?;
    let owner = input.expected_bucket_owner.as_deref();
    storage
        .change_bucket::<actions::PutBucketTagging>(context, &input.bucket, owner, |_, settings| {
            settings.tags.clone_from(&tags);
            Ok(())
        })
        .await?;
    Ok(Unit)
}

/// `GetBucketTagging`
pub(super) async fn get_bucket_tagging(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetBucketTaggingRequest,
) -> Result<s3::GetBucketTaggingOutput, Refusal> {
    let owner = input.expected_bucket_owner.as_deref();
    let permitted = storage.on_bucket::<actions::GetBucketTagging>(context, &input.bucket, owner).await?;
    let bucket = &permitted.resource().bucket;
    if bucket.settings.tags.is_empty() {
        return Err(Refusal::not_configured("NoSuchTagSet", "The TagSet does not exist", &bucket.name));
    }
    Ok(s3::GetBucketTaggingOutput { tag_set: shown_tags(&bucket.settings.tags) })
}

/// `DeleteBucketTagging`
pub(super) async fn delete_bucket_tagging(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::DeleteBucketTaggingRequest,
) -> Result<Unit, Refusal> {
    let owner = input.expected_bucket_owner.as_deref();
    storage
        .change_bucket::<actions::PutBucketTagging>(context, &input.bucket, owner, |_, settings| {
            settings.tags = Tags::new();
            Ok(())
        })
        .await?;
    Ok(Unit)
}
