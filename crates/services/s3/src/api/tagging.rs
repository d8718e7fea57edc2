//! Tags of objects.

use strongroom_api_s3 as s3;
use strongroom_identity::{Action, ConditionKeys, RequestContext};

use super::buckets::{shown_tags, tags_of};
use crate::ObjectStorage;
use crate::domain::actions;
use crate::domain::bucket::Bucket;
use crate::domain::object::Facts;
use crate::domain::tags::{self, Tags};
use crate::error::Refusal;

/// `GetObjectTagging`
pub(super) async fn get_object_tagging(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetObjectTaggingRequest,
) -> Result<s3::GetObjectTaggingOutput, Refusal> {
    match input.version_id {
        Some(_) => read::<actions::GetObjectVersionTagging>(storage, context, input).await,
        None => read::<actions::GetObjectTagging>(storage, context, input).await,
    }
}

async fn read<A: Action>(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetObjectTaggingRequest,
) -> Result<s3::GetObjectTaggingOutput, Refusal> {
    let name = (input.bucket.as_str(), input.key.as_str());
    let (version, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    context.ask(ConditionKeys::new().with_some("s3:VersionId", version));
    let permitted = storage.find_object::<A>(context, name, version, owner).await?;
    let found = permitted.resource();
    Ok(s3::GetObjectTaggingOutput {
        version_id: found.bucket.shown_version(&found.version),
        tag_set: shown_tags(&found.content.facts.tags),
    })
}

/// Sets the tags of an object, or of one version; answers the version's id.
async fn set<A: Action>(
    storage: &ObjectStorage,
    context: &RequestContext,
    name: (&str, &str),
    version: Option<&str>,
    owner: Option<&str>,
    tags: &Tags,
) -> Result<Option<String>, Refusal> {
    let act = |_: &Bucket, facts: &mut Facts| {
        facts.tags.clone_from(tags);
        Ok(())
    };
    let (bucket, version) = storage.change_facts::<A>(context, name, version, owner, act).await?;
    Ok(bucket.shown_version(&version))
}

/// `PutObjectTagging`
pub(super) async fn put_object_tagging(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::PutObjectTaggingRequest,
) -> Result<s3::PutObjectTaggingOutput, Refusal> {
    let tags = tags_of(input.tagging.tag_set);
    tags::check(&tags, tags::OF_OBJECT)?;
    let names: Vec<String> = tags.iter().map(|(name, _)| name.clone()).collect();
    let mut asked = ConditionKeys::new().with_some("s3:VersionId", input.version_id.as_deref());
    if !names.is_empty() {
        asked = asked.with("s3:RequestObjectTagKeys", names);
    }
    for (name, value) in &tags {
        asked = asked.with(&format!("s3:RequestObjectTag/{name}"), value.as_str());
    }
    context.ask(asked);
    let name = (input.bucket.as_str(), input.key.as_str());
    let (version, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let version_id = match version {
        Some(_) => {
            set::<actions::PutObjectVersionTagging>(storage, context, name, version, owner, &tags).await?
        }
        None => set::<actions::PutObjectTagging>(storage, context, name, version, owner, &tags).await?,
    };
    Ok(s3::PutObjectTaggingOutput { version_id })
}

/// `DeleteObjectTagging`
pub(super) async fn delete_object_tagging(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::DeleteObjectTaggingRequest,
) -> Result<s3::DeleteObjectTaggingOutput, Refusal> {
    let (name, none) = ((input.bucket.as_str(), input.key.as_str()), Tags::new());
    let (version, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    context.ask(ConditionKeys::new().with_some("s3:VersionId", version));
    let version_id = match version {
        Some(_) => {
            set::<actions::DeleteObjectVersionTagging>(storage, context, name, version, owner, &none).await?
        }
        None => set::<actions::DeleteObjectTagging>(storage, context, name, version, owner, &none).await?,
    };
    Ok(s3::DeleteObjectTaggingOutput { version_id })
}
