//! Server-side encryption: what a request asks for, what a bucket has as its default, what an object has (Amazon S3 User
//! Guide, "Protecting data with server-side encryption").

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::name::{bucket_arn, object_arn};
use crate::error::Refusal;

/// The alias of the key that S3 keeps for an account.
pub(crate) const MANAGED_KEY: &str = "alias/aws/s3";

/// The key of an encryption context that names the object, or the bucket whose key it is.
const CONTEXT_KEY: &str = "aws:s3:arn";

/// What a bucket calls encryption with keys that customers send along, where it blocks that.
const CUSTOMER_KEYS: &str = "SSE-C";

/// How objects are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    /// SSE-S3: under the seal.
    #[serde(rename = "AES256")]
    Aes256,
    /// SSE-KMS: under a key of KMS.
    #[serde(rename = "aws:kms")]
    Kms,
}

impl Algorithm {
    /// The algorithm of that name.
    fn named(name: &str) -> Result<Self, Refusal> {
        match name {
            "AES256" => Ok(Self::Aes256),
            "aws:kms" => Ok(Self::Kms),
            "aws:kms:dsse" => Err(Refusal::NotYet("dual-layer encryption (aws:kms:dsse)")),
            other => {
                let text = "The encryption method specified is not supported";
                Err(Refusal::invalid_argument(text, "x-amz-server-side-encryption", other))
            }
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aes256 => "AES256",
            Self::Kms => "aws:kms",
        }
    }
}

/// What a bucket encrypts objects with that say nothing themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DefaultEncryption {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: Option<String>,
    pub(crate) has_bucket_key: bool,
    /// What writes may not ask for, as the configuration lists it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blocked: Option<Vec<String>>,
}

impl Default for DefaultEncryption {
    fn default() -> Self {
        Self { algorithm: Algorithm::Aes256, key: None, has_bucket_key: false, blocked: None }
    }
}

impl DefaultEncryption {
    /// What a configuration says: an algorithm, perhaps a key, and whether the bucket has a key of its own.
    pub(crate) fn new(algorithm: &str, key: Option<String>, has_bucket_key: bool) -> Result<Self, Refusal> {
        let algorithm = Algorithm::named(algorithm)?;
        if algorithm == Algorithm::Aes256 && key.is_some() {
            let text = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse";
            return Err(Refusal::client(400, "InvalidArgument", text));
        }
        Ok(Self { algorithm, key, has_bucket_key, blocked: None })
    }

    /// The same, with a list of what writes may not ask for.
    pub(crate) fn blocking(self, blocked: Option<Vec<String>>) -> Result<Self, Refusal> {
        let is_known = |kind: &String| [CUSTOMER_KEYS, "NONE"].contains(&kind.as_str());
        if blocked.as_ref().is_some_and(|kinds| kinds.is_empty() || !kinds.iter().all(is_known)) {
            return Err(Refusal::malformed_xml());
        }
        Ok(Self { blocked, ..self })
    }

    fn blocks_customer_keys(&self) -> bool {
        self.blocked.iter().flatten().any(|kind| kind == CUSTOMER_KEYS)
    }
}

/// What the headers of a request say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) algorithm: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    /// JSON in base 64.
    pub(crate) context: Option<&'a str>,
    pub(crate) bucket_key: Option<bool>,
    /// Whether a key of the customer's own was sent along.
    pub(crate) has_customer_key: bool,
}

/// How an object is to be encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) has_bucket_key: bool,
}

/// How an object is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Encryption {
    pub(crate) algorithm: Algorithm,
    /// The key's ARN.
    pub(crate) key: Option<String>,
    /// What the caller had to say of the encryption context: JSON.
    pub(crate) context: Option<String>,
    pub(crate) has_bucket_key: bool,
}

impl Asked<'_> {
    /// What it comes to, in a bucket with that default.
    pub(crate) fn resolve(&self, default: &DefaultEncryption) -> Result<Wanted, Refusal> {
        if self.has_customer_key && default.blocks_customer_keys() {
            return Err(Refusal::access_denied());
        }
        if self.has_customer_key {
            return Err(Refusal::NotYet("encryption with keys that customers send along (SSE-C)"));
        }
        let Some(algorithm) = self.algorithm.map(Algorithm::named).transpose()? else {
            if self.key.is_some() || self.context.is_some() {
                return Err(needs_kms(""));
            }
            let DefaultEncryption { algorithm, key, has_bucket_key, .. } = default.clone();
            let has_bucket_key = self.bucket_key.unwrap_or(has_bucket_key) && algorithm == Algorithm::Kms;
            return Ok(Wanted { algorithm, key, context: None, has_bucket_key });
        };
        if algorithm == Algorithm::Aes256 {
            if self.key.is_some() || self.context.is_some() {
                return Err(needs_kms("AES256"));
            }
            return Ok(Wanted { algorithm, key: None, context: None, has_bucket_key: false });
        }
        let context = self.context.map(decoded).transpose()?;
        // "absent: bucket default, else aws/s3" (PutObject, x-amz-server-side-encryption-aws-kms-key-id).
        let default_key = default.key.clone().filter(|_| default.algorithm == Algorithm::Kms);
        let key = self.key.map(str::to_owned).or(default_key);
        let has_bucket_key = self.bucket_key.unwrap_or(default.has_bucket_key);
        Ok(Wanted { algorithm, key, context, has_bucket_key })
    }
}

impl Encryption {
    /// The encryption context that goes to KMS: the caller's, and what it is of.
    pub(crate) fn context_for(&self, bucket: &str, key: &str) -> Result<BTreeMap<String, String>, Refusal> {
        context_for(self.context.as_deref(), self.has_bucket_key, bucket, key)
    }
}

/// The encryption context of an object's data key.
pub(crate) fn context_for(
    context: Option<&str>,
    has_bucket_key: bool,
    bucket: &str,
    key: &str,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut pairs: BTreeMap<String, String> = match context {
        Some(json) => serde_json::from_str(json).map_err(|_| invalid_context())?,
        None => BTreeMap::new(),
    };
    let arn = if has_bucket_key { bucket_arn(bucket) } else { object_arn(bucket, key) };
    pairs.insert(CONTEXT_KEY.to_owned(), arn);
    Ok(pairs)
}

/// The JSON of a header, checked.
fn decoded(header: &str) -> Result<String, Refusal> {
    let bytes = STANDARD.decode(header).map_err(|_| invalid_context())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid_context())?;
    let _: BTreeMap<String, String> = serde_json::from_str(&text).map_err(|_| invalid_context())?;
    Ok(text)
}

/// As the header has it.
pub(crate) fn encoded_context(context: &str) -> String {
    STANDARD.encode(context)
}

fn invalid_context() -> Refusal {
    let text = "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which \
                represents a string-string map";
    Refusal::client(400, "InvalidArgument", text)
}

fn needs_kms(value: &str) -> Refusal {
    let text = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms";
    Refusal::invalid_argument(text, "x-amz-server-side-encryption", value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_beats_the_buckets_default() {
        let kms = DefaultEncryption::new("aws:kms", Some("k1".to_owned()), true).ok().unwrap();
        let wanted = |asked: Asked<'_>| asked.resolve(&kms).ok().unwrap();
        let default = wanted(Asked::default());
        assert_eq!(
            (default.algorithm, default.key.as_deref(), default.has_bucket_key),
            (Algorithm::Kms, Some("k1"), true)
        );
        let plain = wanted(Asked { algorithm: Some("AES256"), ..Asked::default() });
        assert_eq!((plain.algorithm, plain.key, plain.has_bucket_key), (Algorithm::Aes256, None, false));
        let other = wanted(Asked {
            algorithm: Some("aws:kms"),
            key: Some("k2"),
            bucket_key: Some(false),
            ..Asked::default()
        });
        assert_eq!((other.key.as_deref(), other.has_bucket_key), (Some("k2"), false));
        let managed = Asked { algorithm: Some("aws:kms"), ..Asked::default() };
        assert_eq!(managed.resolve(&DefaultEncryption::default()).ok().unwrap().key, None);
    }

    /// Settings of older servers have no list of what is blocked, and stay as they are.
    #[test]
    fn a_default_that_an_older_server_wrote_is_read() {
        let text = r#"{"algorithm":"aws:kms","key":"k1","hasBucketKey":true}"#;
        let read: DefaultEncryption = serde_json::from_str(text).unwrap();
        assert_eq!(read, DefaultEncryption::new("aws:kms", Some("k1".to_owned()), true).ok().unwrap());
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }

    #[test]
    fn a_key_needs_its_algorithm() {
        let refused = |asked: Asked<'_>| asked.resolve(&DefaultEncryption::default()).is_err();
        assert!(refused(Asked { key: Some("k"), ..Asked::default() }));
        assert!(refused(Asked { algorithm: Some("AES256"), key: Some("k"), ..Asked::default() }));
        assert!(refused(Asked { algorithm: Some("rot13"), ..Asked::default() }));
        assert!(refused(Asked { algorithm: Some("aws:kms"), context: Some("!"), ..Asked::default() }));
        assert!(refused(Asked { has_customer_key: true, ..Asked::default() }));
    }

    #[test]
    fn the_context_names_the_object_or_the_bucket() {
        let context = Some(r#"{"team":"a","aws:s3:arn":"mine"}"#);
        let pairs = context_for(context, false, "b", "k/1").ok().unwrap();
        let expected = [("aws:s3:arn", "arn:aws:s3:::b/k/1"), ("team", "a")];
        assert_eq!(
            pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>(),
            expected
        );
        assert_eq!(context_for(None, true, "b", "k").ok().unwrap()["aws:s3:arn"], "arn:aws:s3:::b");
    }
}
