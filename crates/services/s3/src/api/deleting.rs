//! Objects deleted.

use std::collections::HashSet;

use strongroom_api_s3 as s3;
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_service::ApiError;

use crate::ObjectStorage;
use crate::domain::access::Place;
use crate::domain::conditions::WriteConditions;
use crate::domain::name::check_key;
use crate::error::Refusal;
use crate::storage::{Deleted, Victim};

/// The most objects that one call deletes.
const MOST: usize = 1000;

/// What directory buckets alone compare: nothing is deleted whose condition nobody looks at.
const OTHER_CONDITIONS: Refusal = Refusal::NotYet("deletions on condition of a size or a time");

/// `DeleteObject`
pub(super) async fn delete_object(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::DeleteObjectRequest,
) -> Result<s3::DeleteObjectOutput, Refusal> {
    check_key(&input.key)?;
    if input.mfa.is_some() {
        return Err(Refusal::NotYet("deletions that take a second factor (MFA delete)"));
    }
    let expected_owner = input.expected_bucket_owner.as_deref();
    Place::of_object(storage.bucket(&input.bucket, expected_owner).await?, &input.key).note(context);
    if input.if_match_size.is_some() || input.if_match_last_modified_time.is_some() {
        return Err(OTHER_CONDITIONS);
    }
    context.ask(
        ConditionKeys::new()
            .with_some("s3:VersionId", input.version_id.as_deref())
            .with_some("s3:if-match", input.if_match.as_deref()),
    );
    let victim = Victim {
        bucket: &input.bucket,
        key: &input.key,
        version: input.version_id.as_deref(),
        expected_owner,
        conditions: WriteConditions { if_match: input.if_match.as_deref(), if_none_match: None },
    };
    let Deleted { version, is_marker } = storage.delete(context, &victim, true).await?;
    Ok(s3::DeleteObjectOutput {
        delete_marker: is_marker.then_some(true),
        version_id: version,
        ..s3::DeleteObjectOutput::default()
    })
}

/// `DeleteObjects`: each for itself. What one may not do is told of that one.
pub(super) async fn delete_objects(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::DeleteObjectsRequest,
) -> Result<s3::DeleteObjectsOutput, Refusal> {
    let objects = &input.delete.objects;
    if objects.is_empty() || objects.len() > MOST {
        return Err(Refusal::malformed_xml());
    }
    if input.mfa.is_some() {
        return Err(Refusal::NotYet("deletions that take a second factor (MFA delete)"));
    }
    let expected_owner = input.expected_bucket_owner.as_deref();
    Place::of_bucket(storage.bucket(&input.bucket, expected_owner).await?).note(context);
    let is_quiet = input.delete.quiet == Some(true);
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for object in objects {
        let has_other_conditions = object.size.is_some() || object.last_modified_time.is_some();
        // What is named twice is deleted once; what is refused stands for no other.
        if !has_other_conditions && !seen.insert((&object.key, &object.version_id, &object.e_tag)) {
            continue;
        }
        let victim = Victim {
            bucket: &input.bucket,
            key: &object.key,
            version: object.version_id.as_deref(),
            expected_owner,
            conditions: WriteConditions { if_match: object.e_tag.as_deref(), if_none_match: None },
        };
        context.ask(
            ConditionKeys::new()
                .with_some("s3:VersionId", victim.version)
                .with_some("s3:if-match", object.e_tag.as_deref()),
        );
        // The first change commits with the draft of the record, which speaks of them all; later ones find it there.
        let outcome = match check_key(&object.key) {
            Ok(()) if has_other_conditions => Err(OTHER_CONDITIONS),
            Ok(()) => storage.delete(context, &victim, deleted.is_empty()).await,
            Err(refusal) => Err(refusal),
        };
        match outcome {
            Ok(done) => deleted.push(told(object, done)),
            Err(refusal @ (Refusal::Internal(_) | Refusal::Unavailable { .. })) if deleted.is_empty() => {
                return Err(refusal);
            }
            Err(refusal) => {
                let error = ApiError::from(refusal);
                errors.push(s3::Error {
                    key: Some(object.key.clone()),
                    version_id: object.version_id.clone(),
                    code: Some(error.query_code().to_owned()),
                    message: error.message().map(str::to_owned),
                });
            }
        }
    }
    Ok(s3::DeleteObjectsOutput {
        deleted: Some(if is_quiet { Vec::new() } else { deleted }),
        errors: Some(errors),
        ..s3::DeleteObjectsOutput::default()
    })
}

fn told(object: &s3::ObjectIdentifier, done: Deleted) -> s3::DeletedObject {
    let Deleted { version, is_marker } = done;
    s3::DeletedObject {
        key: Some(object.key.clone()),
        version_id: object.version_id.clone(),
        delete_marker: is_marker.then_some(true),
        delete_marker_version_id: version.filter(|_| is_marker),
    }
}
