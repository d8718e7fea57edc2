//! Objects: versions of what is kept under a key.

use serde::{Deserialize, Serialize};
use strongroom_identity::AccountId;

use super::acl::Acl;
use super::checksum::Stored;
use super::encryption::Encryption;
use super::tags::Tags;
use crate::error::Refusal;

/// The id of the one version of a key in a bucket without versions.
pub(crate) const NULL_VERSION: &str = "null";

/// The parameter that names a version.
pub(crate) const VERSION_ARGUMENT: &str = "versionId";

/// Characters of an id that S3 gave a version.
const VERSION_ID_LENGTH: usize = 32;

/// Checks the form of a version's id, which the parameter or header `argument` has. Texts: answers of AWS, quoted in public
/// notes.
pub(crate) fn check_version_id(id: &str, argument: &str) -> Result<(), Refusal> {
    if id.is_empty() {
        return Err(Refusal::invalid_argument("Version id cannot be the empty string", argument, id));
    }
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if id == NULL_VERSION || id.len() == VERSION_ID_LENGTH && id.bytes().all(is_inner) {
        return Ok(());
    }
    Err(Refusal::invalid_argument("Invalid version id specified", argument, id))
}

/// What metadata may take, names and values, in bytes (Amazon S3 User Guide, "Working with object metadata").
const METADATA_LIMIT: usize = 2048;

/// A version of an object, or a delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// Versions of a key in the order in which they were written; the newest has the highest.
    pub(crate) number: i64,
    /// `null`, or what S3 gave it.
    pub(crate) id: String,
    pub(crate) is_latest: bool,
    pub(crate) modified_ms: i64,
    /// `None` of a delete marker.
    pub(crate) content: Option<Content>,
}

/// What a version holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// Names the files that its bytes are in.
    pub(crate) id: String,
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    /// What KMS opens of its data key, if it is KMS that does.
    pub(crate) data_key: Option<Vec<u8>>,
    pub(crate) facts: Facts,
}

/// What is known of an object. The store keeps it as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Facts {
    /// The account that owns it.
    pub(crate) owner: String,
    pub(crate) headers: Headers,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) tags: Tags,
    pub(crate) acl: Acl,
    pub(crate) storage_class: String,
    pub(crate) encryption: Encryption,
    pub(crate) checksum: Option<Stored>,
    /// How many parts it was uploaded in, if it was.
    pub(crate) parts: Option<u32>,
}

/// Headers that come back as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Headers {
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) expires: Option<String>,
    pub(crate) website_redirect_location: Option<String>,
}

impl Headers {
    /// The same, as they are kept: `aws-chunked` was about the way, not about the object.
    pub(crate) fn kept(mut self) -> Self {
        self.content_encoding = self.content_encoding.and_then(|encoding| {
            let others = encoding.split(',').map(str::trim);
            let others: Vec<_> = others.filter(|one| !one.is_empty() && *one != "aws-chunked").collect();
            (!others.is_empty()).then(|| others.join(","))
        });
        self
    }
}

impl Facts {
    /// The account that owns the object; that of the bucket, if the row does not say.
    pub(crate) fn owner_or(&self, bucket_owner: AccountId) -> AccountId {
        self.owner.parse().unwrap_or(bucket_owner)
    }
}

/// Checks metadata that is to be kept.
pub(crate) fn check_metadata(metadata: &[(String, String)]) -> Result<(), Refusal> {
    let size: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > METADATA_LIMIT {
        return Err(Refusal::metadata_too_large(size, METADATA_LIMIT));
    }
    Ok(())
}

/// Checks the class that an object is to be stored in: here all are one.
pub(crate) fn check_storage_class(class: Option<&str>) -> Result<String, Refusal> {
    match class {
        None | Some("STANDARD") => Ok("STANDARD".to_owned()),
        Some("STANDARD_IA" | "ONEZONE_IA" | "INTELLIGENT_TIERING" | "REDUCED_REDUNDANCY") => {
            Ok(class.unwrap_or_default().to_owned())
        }
        Some("GLACIER" | "DEEP_ARCHIVE" | "GLACIER_IR" | "OUTPOSTS" | "SNOW" | "EXPRESS_ONEZONE") => {
            Err(Refusal::NotYet("storage classes that archive"))
        }
        Some(_) => {
            let text = "The storage class you specified is not valid";
            Err(Refusal::client(400, "InvalidStorageClass", text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_the_body_came_is_not_kept() {
        let kept = |encoding: &str| {
            let headers = Headers { content_encoding: Some(encoding.to_owned()), ..Headers::default() };
            headers.kept().content_encoding
        };
        assert_eq!(kept("aws-chunked"), None);
        assert_eq!(kept("gzip,aws-chunked").as_deref(), Some("gzip"));
        assert_eq!(kept("aws-chunked, gzip").as_deref(), Some("gzip"));
        assert_eq!(kept("gzip").as_deref(), Some("gzip"));
    }

    #[test]
    fn ids_of_versions_have_a_form() {
        // The last is of the form that is given here: 24 bytes in the URL's alphabet of Base64.
        for good in
            ["null", &"a".repeat(32), "3HL4kqtJlcpXrof3.jxqYxbpzBxVpUyM", "9Qw_1-zGk0aYbTn4cLr7eXoVdS2mIuPh"]
        {
            assert!(check_version_id(good, "versionId").is_ok(), "{good}");
        }
        for bad in ["", "bogus", "Null", &"a".repeat(33), &"+".repeat(32)] {
            assert!(check_version_id(bad, "versionId").is_err(), "{bad}");
        }
    }

    #[test]
    fn metadata_has_at_most_two_kilobytes() {
        let of = |bytes: usize| vec![("n".to_owned(), "v".repeat(bytes - 1))];
        assert!(
            check_metadata(&of(METADATA_LIMIT)).is_ok() && check_metadata(&of(METADATA_LIMIT + 1)).is_err()
        );
    }
}
