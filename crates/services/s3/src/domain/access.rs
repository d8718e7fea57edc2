//! Buckets and objects as policies see them.

use std::sync::Arc;

use strongroom_identity::{AccountId, Principal, RequestContext};
use strongroom_policy::{Guard, Resource, Values};

use super::bucket::Bucket;
use super::name::{bucket_arn, object_arn};
use super::signed;
use super::tags::Tags;

/// What begins the names of the condition keys for tags on an object that is there.
const EXISTING_TAG: &str = "s3:existingobjecttag/";

/// A bucket, or an object in it, which need not be there.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) key: Option<String>,
    /// The tags of the object that is there.
    pub(crate) tags: Tags,
    /// Whether the bucket's policy has no say.
    pub(crate) is_beside_policy: bool,
}

impl Place {
    /// The bucket itself.
    pub(crate) fn of_bucket(bucket: Arc<Bucket>) -> Self {
        Self { bucket, key: None, tags: Tags::new(), is_beside_policy: false }
    }

    /// An object in it.
    pub(crate) fn of_object(bucket: Arc<Bucket>, key: &str) -> Self {
        Self { bucket, key: Some(key.to_owned()), tags: Tags::new(), is_beside_policy: false }
    }

    /// The same object with the tags that it has.
    pub(crate) fn with_tags(self, tags: Tags) -> Self {
        Self { tags, ..self }
    }

    /// The same for a caller who asks to do `action`. The root user of the bucket's account may read, replace and delete
    /// the bucket's policy whatever it says, so that nobody is locked out for good (Amazon S3 API Reference,
    /// PutBucketPolicy).
    pub(crate) fn asked_by(self, context: &RequestContext, action: &str) -> Self {
        let is_about_policy =
            ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"].contains(&action);
        let is_root = context.caller.principal == Principal::Root(self.bucket.account);
        Self { is_beside_policy: is_about_policy && is_root, ..self }
    }

    /// Notes it for the record: an object together with its bucket. The call takes place where the first bucket is that it
    /// is about, as at AWS, where each Region has an address of its own.
    pub(crate) fn note(&self, context: &RequestContext) {
        let Bucket { name, account, region, .. } = &*self.bucket;
        context.takes_place_in(*region);
        if let Some(key) = &self.key {
            context.touched("AWS::S3::Object", *account, object_arn(name, key));
        }
        context.touched("AWS::S3::Bucket", *account, bucket_arn(name));
    }
}

impl Resource for Place {
    fn owner(&self) -> AccountId {
        self.bucket.account
    }

    fn arn(&self) -> String {
        match &self.key {
            Some(key) => object_arn(&self.bucket.name, key),
            None => bucket_arn(&self.bucket.name),
        }
    }

    fn guard(&self) -> Guard<'_> {
        if self.is_beside_policy { Guard::None } else { self.bucket.guard() }
    }

    fn serves_others(&self, _action: &str) -> bool {
        !self.bucket.is_restricted()
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        condition_key(&self.bucket, &self.tags, key, context)
    }
}

impl Bucket {
    /// Its policy, which counts for all that is in it.
    pub(crate) fn guard(&self) -> Guard<'_> {
        self.policy.as_ref().map_or(Guard::None, |compiled| Guard::Policy(&compiled.policy))
    }
}

/// What something in a bucket says of itself, and a request for it of how it was signed.
pub(crate) fn condition_key<'t>(
    bucket: &Bucket,
    tags: &'t Tags,
    key: &str,
    context: &RequestContext,
) -> Option<Values<'t>> {
    if key == "s3:resourceaccount" {
        return Some(Values::text(bucket.account.to_string()));
    }
    let Some(tag) = key.strip_prefix(EXISTING_TAG) else { return signed::condition_key(key, context) };
    let found = tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(tag));
    found.map(|(_, value)| Values::text(value.as_str()))
}

/// All buckets of an account, which a list is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AllBuckets(pub(crate) AccountId);

impl Resource for AllBuckets {
    fn owner(&self) -> AccountId {
        self.0
    }

    fn arn(&self) -> String {
        "*".to_owned()
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        signed::condition_key(key, context)
    }
}
