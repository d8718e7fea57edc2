//! The buckets that trails deliver to: who reads them, and whether what was in them stays.

use serde_json::Value;
use strongroom_client::{CallError, Element, Objects};

use super::checks::{BUCKET_ENCRYPTED, BUCKET_PRIVATE, BUCKET_VERSIONED};
use super::outcome::Tally;
use super::site::{HOME, Site, text};

/// Codes by which S3 says that a bucket has none of what was asked for.
const NONE: &[&str] = &[
    "NoSuchBucketPolicy",
    "NoSuchPublicAccessBlockConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
];

/// Whom grants of access control lists call everybody, and everybody with an account at AWS.
const EVERYBODY: [&str; 2] = [
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
];

/// Looks at the buckets of trails, each once.
pub(super) fn examine(site: &Site, region: &str, trails: &[Value], tally: &mut Tally) {
    let mut buckets: Vec<_> = trails.iter().map(|trail| text(trail, "S3BucketName")).collect();
    buckets.sort_unstable();
    buckets.dedup();
    for bucket in buckets.into_iter().filter(|bucket| !bucket.is_empty()) {
        if let Err(error) = one(site, region, bucket, tally) {
            tally.not_asked(Some(region), &format!("the bucket {bucket}"), &error);
        }
    }
}

fn one(site: &Site, region: &str, bucket: &str, tally: &mut Tally) -> Result<(), CallError> {
    let s3 = site.s3(&home_of(site, bucket)?)?;
    let bucket_arn = format!("arn:aws:s3:::{bucket}");
    let mut tell = |check, found| tally.examined(check, Some(region), &bucket_arn, found);
    tell(BUCKET_PRIVATE, public(&s3, bucket)?);
    let versioning = s3.read("GetBucketVersioning", bucket, "versioning")?;
    let is_versioned = versioning.text_of("Status") == Some("Enabled");
    tell(BUCKET_VERSIONED, (!is_versioned).then(|| "versioning is off".to_owned()));
    let encryption = if_any(s3.read("GetBucketEncryption", bucket, "encryption"))?;
    tell(BUCKET_ENCRYPTED, encryption.is_none().then(|| "it has no default encryption".to_owned()));
    Ok(())
}

/// The Region of a bucket: others' endpoints send callers on.
fn home_of(site: &Site, bucket: &str) -> Result<String, CallError> {
    let location = site.s3(HOME)?.read("GetBucketLocation", bucket, "location")?;
    Ok(match location.text.trim() {
        // AWS's oldest Regions, by older names.
        "" => HOME.to_owned(),
        "EU" => "eu-west-1".to_owned(),
        region => region.to_owned(),
    })
}

/// What lets everybody in, if anything does.
fn public(s3: &Objects, bucket: &str) -> Result<Option<String>, CallError> {
    let blocks = if_any(s3.read("GetPublicAccessBlock", bucket, "publicAccessBlock"))?;
    let is_on = |name: &str| blocks.as_ref().and_then(|blocks| blocks.text_of(name)) == Some("true");
    let status = if_any(s3.read("GetBucketPolicyStatus", bucket, "policyStatus"))?;
    let by_policy = status.as_ref().and_then(|status| status.text_of("IsPublic")) == Some("true");
    if by_policy && !is_on("RestrictPublicBuckets") {
        return Ok(Some("its policy lets everybody in".to_owned()));
    }
    let grants = s3.read("GetBucketAcl", bucket, "acl")?;
    let by_list = grants.list("AccessControlList").iter().any(is_to_everybody);
    Ok((by_list && !is_on("IgnorePublicAcls"))
        .then(|| "its access control list lets everybody in".to_owned()))
}

fn is_to_everybody(grant: &Element) -> bool {
    grant.text_of("URI").is_some_and(|uri| EVERYBODY.contains(&uri))
}

/// What was read, or `None` where S3 says that there is none.
fn if_any(read: Result<Element, CallError>) -> Result<Option<Element>, CallError> {
    match read {
        Err(error) if error.code().is_some_and(|code| NONE.contains(&code)) => Ok(None),
        read => read.map(Some),
    }
}
