//! What a digest says.

use serde::Deserialize;
use strongroom_crypto::digest::Hash;
use strongroom_crypto::hex;
use strongroom_crypto::rsa::PublicKey;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::keys::PublicKeys;

/// The only algorithm there is.
const ALGORITHM: &str = "SHA256withRSA";

/// A digest, as far as it is verified.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Digest {
    #[serde(rename = "digestStartTime")]
    start: String,
    /// As it is signed.
    #[serde(rename = "digestEndTime")]
    end: String,
    #[serde(rename = "digestS3Bucket")]
    bucket: String,
    #[serde(rename = "digestS3Object")]
    pub(super) key: String,
    #[serde(rename = "digestPublicKeyFingerprint")]
    pub(super) fingerprint: String,
    #[serde(rename = "digestSignatureAlgorithm")]
    algorithm: String,
    #[serde(rename = "previousDigestS3Object")]
    pub(super) previous: Option<String>,
    #[serde(rename = "previousDigestHashValue")]
    pub(super) previous_hash: Option<String>,
    #[serde(rename = "previousDigestSignature")]
    pub(super) previous_signature: Option<String>,
    pub(super) log_files: Vec<LogFile>,
}

/// A log file that a digest names.
#[derive(Deserialize)]
pub(super) struct LogFile {
    #[serde(rename = "s3Object")]
    pub(super) key: String,
    #[serde(rename = "hashValue")]
    pub(super) hash: String,
}

impl Digest {
    /// From when to when, in milliseconds since 1970; none if it does not say so.
    pub(super) fn span_ms(&self) -> Option<(i64, i64)> {
        let millis = |text: &str| {
            Some(OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp().saturating_mul(1000))
        };
        Some((millis(&self.start)?, millis(&self.end)?))
    }

    /// Whether that is the signature of this digest, whose text has that hash, by one of the keys.
    pub(super) fn is_signed(&self, hash: &str, signature: &str, keys: &PublicKeys) -> bool {
        let Self { bucket, key, end, .. } = self;
        let previous = self.previous_signature.as_deref().unwrap_or("null");
        let signed = format!("{end}\n{bucket}/{key}\n{hash}\n{previous}");
        let verify = |(public, signature): (&PublicKey, Vec<u8>)| {
            public.verify_pkcs1_message(Hash::Sha256, signed.as_bytes(), &signature).is_ok()
        };
        self.algorithm == ALGORITHM
            && keys.get(&self.fingerprint).zip(hex::decode(signature)).is_some_and(verify)
    }
}
