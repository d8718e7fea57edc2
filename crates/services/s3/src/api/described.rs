//! What PutObject, CopyObject and CreateMultipartUpload say alike of an object that is to be.

use strongroom_identity::{ConditionKeys, RequestContext};

use crate::domain::acl::Canned;
use crate::domain::bucket::Bucket;
use crate::domain::encryption::{self, Encryption};
use crate::domain::object::{Facts, Headers, check_metadata, check_storage_class};
use crate::domain::tags::{self, Tags};
use crate::error::Refusal;

/// An object as a request describes it.
pub(super) struct Described<'a> {
    pub(super) canned: Option<&'a str>,
    pub(super) headers: Headers,
    pub(super) metadata: Vec<(String, String)>,
    pub(super) tagging: Option<&'a str>,
    pub(super) storage_class: Option<&'a str>,
    pub(super) encryption: encryption::Asked<'a>,
    /// Whether it gives somebody something by a header of its own.
    pub(super) has_grants: bool,
    /// Whether it locks the object.
    pub(super) has_lock: bool,
}

/// Reads a description from the members of an input that have the same names in all three.
macro_rules! described {
    ($input:expr) => {{
        let input = &$input;
        crate::api::described::Described {
            canned: input.acl.as_ref().map(|acl| acl.as_str()),
            headers: crate::domain::object::Headers {
                content_type: input.content_type.clone(),
                cache_control: input.cache_control.clone(),
                content_disposition: input.content_disposition.clone(),
                content_encoding: input.content_encoding.clone(),
                content_language: input.content_language.clone(),
                expires: input.expires.clone(),
                website_redirect_location: input.website_redirect_location.clone(),
            },
            metadata: crate::api::described::pairs(input.metadata.as_ref()),
            tagging: input.tagging.as_deref(),
            storage_class: input.storage_class.as_ref().map(|class| class.as_str()),
            encryption: crate::domain::encryption::Asked {
                algorithm: input.server_side_encryption.as_ref().map(|algorithm| algorithm.as_str()),
                key: input.ssekms_key_id.as_deref(),
                context: input.ssekms_encryption_context.as_ref().map(|context| context.expose().as_str()),
                bucket_key: input.bucket_key_enabled,
                has_customer_key: input.sse_customer_algorithm.is_some() || input.sse_customer_key.is_some(),
            },
            has_grants: input.grant_full_control.is_some()
                || input.grant_read.is_some()
                || input.grant_read_acp.is_some()
                || input.grant_write_acp.is_some(),
            has_lock: input.object_lock_mode.is_some()
                || input.object_lock_legal_hold_status.is_some()
                || input.object_lock_retain_until_date.is_some(),
        }
    }};
}
pub(super) use described;

/// Metadata, its names in lower case.
pub(super) fn pairs(metadata: Option<&strongroom_schema::Map<String>>) -> Vec<(String, String)> {
    let pairs = metadata.into_iter().flat_map(strongroom_schema::Map::iter);
    pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
}

impl Described<'_> {
    /// The tags that it gives.
    pub(super) fn tags(&self) -> Result<Tags, Refusal> {
        let tags = self.tagging.map(tags::from_header).transpose()?.unwrap_or_default();
        tags::check(&tags, tags::OF_OBJECT)?;
        Ok(tags)
    }

    /// What it says to policies.
    pub(super) fn condition_keys(&self, tags: &Tags) -> ConditionKeys {
        let mut keys = ConditionKeys::new()
            .with_some("s3:x-amz-acl", self.canned)
            .with_some("s3:x-amz-storage-class", self.storage_class)
            .with_some("s3:x-amz-server-side-encryption", self.encryption.algorithm)
            .with_some("s3:x-amz-server-side-encryption-aws-kms-key-id", self.encryption.key)
            .with_some(
                "s3:x-amz-website-redirect-location",
                self.headers.website_redirect_location.as_deref(),
            );
        if !tags.is_empty() {
            let names: Vec<String> = tags.iter().map(|(name, _)| name.clone()).collect();
            keys = keys.with("s3:RequestObjectTagKeys", names);
        }
        for (name, value) in tags {
            keys = keys.with(&format!("s3:RequestObjectTag/{name}"), value.as_str());
        }
        keys
    }

    /// The list that the object is to have.
    pub(super) fn acl(&self, context: &RequestContext, bucket: &Bucket) -> Result<Canned, Refusal> {
        let canned = named_acl(self.canned)?;
        if bucket.settings.has_no_acls() {
            let is_taken = matches!(self.canned, None | Some("bucket-owner-full-control"));
            if !is_taken || self.has_grants {
                return Err(Refusal::acl_not_supported());
            }
        }
        if self.has_grants {
            return Err(Refusal::NotYet("access control lists in x-amz-grant- headers"));
        }
        let list = canned.list(context.account(), bucket.account);
        if list.is_public() && bucket.settings.blocked().block_acls {
            return Err(Refusal::public_acl_blocked(context, "s3:PutObject", &bucket.name));
        }
        Ok(canned)
    }

    /// Whether permission to set a list is due beside that to write.
    pub(super) fn sets_acl(&self) -> bool {
        !matches!(self.canned, None | Some("private" | "bucket-owner-full-control"))
    }

    /// What is kept of the object, all but how it is encrypted and summed.
    pub(super) fn facts(
        self,
        context: &RequestContext,
        bucket: &Bucket,
        tags: Tags,
        encryption: Encryption,
    ) -> Result<Facts, Refusal> {
        if self.has_lock {
            return Err(Refusal::invalid_request("Bucket is missing Object Lock Configuration"));
        }
        check_metadata(&self.metadata)?;
        let storage_class = check_storage_class(self.storage_class)?;
        let canned = self.acl(context, bucket)?;
        let owner = bucket.owner_of_new(context.account(), canned);
        Ok(Facts {
            owner: owner.to_string(),
            headers: self.headers.kept(),
            metadata: self.metadata,
            tags,
            acl: canned.list(owner, bucket.account),
            storage_class,
            encryption,
            checksum: None,
            parts: None,
        })
    }
}

/// The canned list of that name; the private one, if none is named.
pub(super) fn named_acl(name: Option<&str>) -> Result<Canned, Refusal> {
    match name {
        None => Ok(Canned::Private),
        Some("aws-exec-read") => Err(Refusal::NotYet("the canned list aws-exec-read")),
        Some(name) => Canned::named(name)
            .ok_or_else(|| Refusal::invalid_argument("The ACL value is invalid", "x-amz-acl", name)),
    }
}
