//! Where files go: a bucket, of ours or of somebody else's.

use std::fmt;

use async_trait::async_trait;
use strongroom_identity::AccountId;

/// For which trail CloudTrail calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behalf {
    /// The trail's account.
    pub account: AccountId,
    /// The Region to call in: the trail's home.
    pub region: String,
    /// The trail's ARN (`aws:SourceArn`).
    pub trail_arn: String,
}

/// An object to be put, as CloudTrail puts it: its owner has all rights on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The bucket.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// What is in it.
    pub body: Vec<u8>,
    /// Whether the body is JSON in gzip; empty otherwise.
    pub is_compressed_json: bool,
    /// The KMS key that encrypts it; none: as the bucket's default says.
    pub kms_key_arn: Option<String>,
    /// Metadata of the object, by name.
    pub metadata: Vec<(&'static str, String)>,
}

/// Why something could not be read or put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryError {
    /// S3's code, for example `NoSuchBucket`.
    pub code: String,
    /// What it says, for the log.
    pub message: String,
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for DeliveryError {}

/// Buckets, as CloudTrail uses them.
#[async_trait]
pub trait Buckets: Send + Sync {
    /// Whether they can encrypt under keys of the KMS here.
    fn encrypts(&self) -> bool {
        true
    }

    /// Reads who may do what with a bucket, to see that it is there.
    async fn read_acl(&self, behalf: &Behalf, bucket: &str) -> Result<(), DeliveryError>;

    /// Puts an object in place of any that is there.
    async fn put(&self, behalf: &Behalf, put: Put) -> Result<(), DeliveryError>;
}
