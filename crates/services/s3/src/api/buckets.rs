//! Buckets made, found, listed and removed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use strongroom_api_s3 as s3;
use strongroom_identity::{ConditionKeys, Region, RequestContext};
use strongroom_schema::Unit;

use super::described::named_acl;
use super::shown::{owner, seconds};
use crate::ObjectStorage;
use crate::domain::access::Place;
use crate::domain::acl::Canned;
use crate::domain::actions;
use crate::domain::bucket::{Bucket, Ownership, PublicAccess, Settings};
use crate::domain::name::{bucket_arn, check_bucket};
use crate::domain::tags::{self, Tags};
use crate::error::Refusal;
use crate::repo::Buckets;

/// Where buckets are that name no Region.
const FIRST_REGION: &str = "us-east-1";

/// Another name of eu-west-1.
const EU: &str = "EU";

/// Buckets of an account (Amazon S3 User Guide, "General purpose bucket quotas, limitations, and restrictions").
const MOST_BUCKETS: i64 = 10_000;

/// `CreateBucket`
pub(super) async fn create_bucket(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::CreateBucketRequest,
) -> Result<s3::CreateBucketOutput, Refusal> {
    let name = &input.bucket;
    check_bucket(name)?;
    if input.object_lock_enabled_for_bucket == Some(true) {
        return Err(Refusal::NotYet("object lock"));
    }
    let configuration = input.create_bucket_configuration.unwrap_or_default();
    if configuration.location.is_some() || configuration.bucket.is_some() {
        return Err(Refusal::NotYet("directory buckets"));
    }
    let region = region_of(
        context,
        configuration.location_constraint.as_ref().map(s3::BucketLocationConstraint::as_str),
    )?;
    let has_grants = input.grant_full_control.is_some()
        || input.grant_read.is_some()
        || input.grant_read_acp.is_some()
        || input.grant_write.is_some()
        || input.grant_write_acp.is_some();
    if has_grants {
        return Err(Refusal::NotYet("access control lists in x-amz-grant- headers"));
    }
    let ownership = match &input.object_ownership {
        None => Ownership::BucketOwnerEnforced,
        Some(named) => Ownership::named(named.as_str()).ok_or_else(|| {
            Refusal::invalid_argument(
                "Invalid x-amz-object-ownership header",
                "x-amz-object-ownership",
                named.as_str(),
            )
        })?,
    };
    let acl = named_acl(input.acl.as_ref().map(s3::BucketCannedACL::as_str))?;
    if ownership == Ownership::BucketOwnerEnforced && acl != Canned::Private {
        let text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
        return Err(Refusal::client(400, "InvalidBucketAclWithObjectOwnership", text));
    }
    let tags: Tags = tags_of(configuration.tags.unwrap_or_default());
    tags::check(&tags, tags::OF_BUCKET)?;
    context.ask(
        ConditionKeys::new()
            .with("s3:LocationConstraint", region.name())
            .with_some("s3:x-amz-acl", input.acl.as_ref().map(s3::BucketCannedACL::as_str))
            .with_some(
                "s3:x-amz-object-ownership",
                input.object_ownership.as_ref().map(s3::ObjectOwnership::as_str),
            ),
    );
    let account = context.account();
    let mut settings = Settings::new(account, ownership, acl);
    if acl.list(account, account).is_public() {
        // A new bucket is kept from being public: its list would be refused.
        return Err(Refusal::public_acl_blocked(context, "s3:CreateBucket", name));
    }
    settings.public_access = Some(PublicAccess::ALL);
    settings.tags = tags;
    let bucket = Bucket::new(name.clone(), account, region, context.now_ms, 1, settings);
    let place = Place::of_bucket(std::sync::Arc::new(bucket.clone()));
    place.note(context);
    if let Some(known) = storage.make_bucket(context, &bucket, MOST_BUCKETS).await? {
        return already(&known, context, region);
    }
    Ok(s3::CreateBucketOutput { location: Some(format!("/{name}")), bucket_arn: Some(bucket_arn(name)) })
}

/// The answer where there is a bucket of that name. In us-east-1 the owner may make it again.
fn already(
    known: &Bucket,
    context: &RequestContext,
    region: Region,
) -> Result<s3::CreateBucketOutput, Refusal> {
    let name = &known.name;
    if known.account != context.account() {
        return Err(Refusal::bucket_exists(name));
    }
    if known.region == region && region.name() == FIRST_REGION {
        return Ok(s3::CreateBucketOutput {
            location: Some(format!("/{name}")),
            bucket_arn: Some(bucket_arn(name)),
        });
    }
    Err(Refusal::already_owned(name))
}

/// The Region that a new bucket is in: the one that is named, which the request must be signed for.
fn region_of(context: &RequestContext, constraint: Option<&str>) -> Result<Region, Refusal> {
    let signed_for = context.region;
    let illegal = |named: &str| {
        let text = format!(
            "The {named} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        Refusal::client(400, "IllegalLocationConstraintException", text)
    };
    match constraint.filter(|named| !named.is_empty()) {
        None if signed_for.name() == FIRST_REGION => Ok(signed_for),
        None => Err(illegal("unspecified")),
        Some(named) => {
            // The first Region is the one that is not named.
            let region = Region::named(if named == EU { "eu-west-1" } else { named });
            let region = region.filter(|region| region.name() != FIRST_REGION);
            let Some(region) = region else {
                let text = "The specified location-constraint is not valid";
                return Err(Refusal::client(400, "InvalidLocationConstraint", text));
            };
            // From us-east-1 buckets are made anywhere.
            if region == signed_for || signed_for.name() == FIRST_REGION {
                Ok(region)
            } else {
                Err(illegal(named))
            }
        }
    }
}

/// Tags of an input.
pub(super) fn tags_of(tags: Vec<s3::Tag>) -> Tags {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// Tags of an answer.
pub(super) fn shown_tags(tags: &Tags) -> Vec<s3::Tag> {
    tags.iter().map(|(key, value)| s3::Tag { key: key.clone(), value: value.clone() }).collect()
}

/// `HeadBucket`
pub(super) async fn head_bucket(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::HeadBucketRequest,
) -> Result<s3::HeadBucketOutput, Refusal> {
    let permitted = storage
        .on_bucket::<actions::ListBucket>(context, &input.bucket, input.expected_bucket_owner.as_deref())
        .await?;
    let bucket = &permitted.resource().bucket;
    Ok(s3::HeadBucketOutput {
        bucket_arn: Some(bucket_arn(&bucket.name)),
        bucket_region: Some(bucket.region.name().to_owned()),
        access_point_alias: Some(false),
        ..s3::HeadBucketOutput::default()
    })
}

/// `DeleteBucket`
pub(super) async fn delete_bucket(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::DeleteBucketRequest,
) -> Result<Unit, Refusal> {
    storage.remove_bucket(context, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
    Ok(Unit)
}

/// `GetBucketLocation`
pub(super) async fn get_bucket_location(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetBucketLocationRequest,
) -> Result<s3::GetBucketLocationOutput, Refusal> {
    let permitted = storage
        .on_bucket::<actions::GetBucketLocation>(
            context,
            &input.bucket,
            input.expected_bucket_owner.as_deref(),
        )
        .await?;
    let region = permitted.resource().bucket.region.name();
    // Of us-east-1 the answer is empty.
    let constraint = (region != FIRST_REGION).then(|| region.into());
    Ok(s3::GetBucketLocationOutput { location_constraint: constraint })
}

/// `ListBuckets`
pub(super) async fn list_buckets(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::ListBucketsRequest,
) -> Result<s3::ListBucketsOutput, Refusal> {
    storage.permit_everywhere::<actions::ListAllMyBuckets>(context)?;
    let shows_region = input.prefix.is_some()
        || input.max_buckets.is_some()
        || input.bucket_region.is_some()
        || input.continuation_token.is_some();
    let prefix = input.prefix.unwrap_or_default();
    let most = input.max_buckets.map_or(MOST_BUCKETS, |most| i64::from(most).clamp(1, MOST_BUCKETS));
    let mut from = match &input.continuation_token {
        None => prefix.clone(),
        Some(token) => decoded_name(token)?,
    };
    let mut shown = Vec::new();
    let mut next = None;
    'pages: loop {
        let page = Buckets { account: context.account(), from: from.clone(), most: most + 1 };
        let found = page.list(&storage.db, &storage.mac).await?;
        let is_end = found.len() as i64 <= most;
        for bucket in found {
            if !bucket.name.starts_with(&prefix) {
                if bucket.name > prefix {
                    break 'pages;
                }
                continue;
            }
            if input.bucket_region.as_ref().is_some_and(|region| *region != bucket.region.name()) {
                from = behind_name(&bucket.name);
                continue;
            }
            if shown.len() as i64 >= most {
                next = Some(URL_SAFE_NO_PAD.encode(&bucket.name));
                break 'pages;
            }
            from = behind_name(&bucket.name);
            shown.push(s3::Bucket {
                name: Some(bucket.name.clone()),
                creation_date: Some(seconds(bucket.created_ms)),
                // "If the request contains at least one valid parameter" (API Reference, Bucket).
                bucket_region: shows_region.then(|| bucket.region.name().to_owned()),
                bucket_arn: Some(bucket_arn(&bucket.name)),
            });
        }
        if is_end {
            break;
        }
    }
    Ok(s3::ListBucketsOutput {
        buckets: Some(shown),
        owner: Some(owner(context.account())),
        continuation_token: next,
        prefix: Some(prefix).filter(|prefix| !prefix.is_empty()),
    })
}

/// The first name that may be behind another: no character of names is below this one.
fn behind_name(name: &str) -> String {
    format!("{name}!")
}

fn decoded_name(token: &str) -> Result<String, Refusal> {
    let name = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| {
        Refusal::invalid_argument("The continuation token provided is incorrect", "continuation-token", token)
    })
}
