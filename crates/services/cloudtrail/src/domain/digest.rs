//! Digests: what was delivered, hour after hour, each naming the one before (CloudTrail User Guide, "CloudTrail digest
//! file structure").

use serde::{Deserialize, Serialize};

use super::moment;

/// How digests are signed: PKCS #1 v1.5.
pub(crate) const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
/// How files and digests are hashed.
pub(crate) const HASH_ALGORITHM: &str = "SHA-256";

/// Where something lies in S3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

/// The digest before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Previous {
    pub(crate) place: Place,
    /// SHA-256 of its text, in hexadecimal.
    pub(crate) hash: String,
    /// In hexadecimal.
    pub(crate) signature: String,
}

/// A file that was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogFile {
    pub(crate) place: Place,
    /// SHA-256 of its text, in hexadecimal.
    pub(crate) hash: String,
    pub(crate) newest_ms: i64,
    pub(crate) oldest_ms: i64,
}

/// What a digest says.
pub(crate) struct Digest<'d> {
    pub(crate) account: &'d str,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) place: &'d Place,
    /// MD5 of the public key, in hexadecimal.
    pub(crate) fingerprint: &'d str,
    pub(crate) previous: Option<&'d Previous>,
    pub(crate) files: &'d [LogFile],
}

/// The members of a digest, in AWS's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'d> {
    aws_account_id: &'d str,
    digest_start_time: String,
    digest_end_time: String,
    digest_s3_bucket: &'d str,
    digest_s3_object: &'d str,
    digest_public_key_fingerprint: &'d str,
    digest_signature_algorithm: &'static str,
    newest_event_time: Option<String>,
    oldest_event_time: Option<String>,
    previous_digest_s3_bucket: Option<&'d str>,
    previous_digest_s3_object: Option<&'d str>,
    previous_digest_hash_value: Option<&'d str>,
    previous_digest_hash_algorithm: Option<&'static str>,
    previous_digest_signature: Option<&'d str>,
    log_files: Vec<WrittenFile<'d>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenFile<'d> {
    s3_bucket: &'d str,
    s3_object: &'d str,
    hash_value: &'d str,
    hash_algorithm: &'static str,
    newest_event_time: String,
    oldest_event_time: String,
}

impl Digest<'_> {
    /// The digest's text.
    pub(crate) fn text(&self) -> Result<String, serde_json::Error> {
        let log_files = self.files.iter().map(|file| WrittenFile {
            s3_bucket: &file.place.bucket,
            s3_object: &file.place.key,
            hash_value: &file.hash,
            hash_algorithm: HASH_ALGORITHM,
            newest_event_time: moment::text(file.newest_ms),
            oldest_event_time: moment::text(file.oldest_ms),
        });
        let previous = self.previous;
        serde_json::to_string(&Written {
            aws_account_id: self.account,
            digest_start_time: moment::text(self.start_ms),
            digest_end_time: moment::text(self.end_ms),
            digest_s3_bucket: &self.place.bucket,
            digest_s3_object: &self.place.key,
            digest_public_key_fingerprint: self.fingerprint,
            digest_signature_algorithm: SIGNATURE_ALGORITHM,
            newest_event_time: self.files.iter().map(|file| file.newest_ms).max().map(moment::text),
            oldest_event_time: self.files.iter().map(|file| file.oldest_ms).min().map(moment::text),
            previous_digest_s3_bucket: previous.map(|previous| previous.place.bucket.as_str()),
            previous_digest_s3_object: previous.map(|previous| previous.place.key.as_str()),
            previous_digest_hash_value: previous.map(|previous| previous.hash.as_str()),
            previous_digest_hash_algorithm: previous.map(|_| HASH_ALGORITHM),
            previous_digest_signature: previous.map(|previous| previous.signature.as_str()),
            log_files: log_files.collect(),
        })
    }

    /// What is signed: the end, the place, the hash of the digest's text and the signature before, line by line.
    pub(crate) fn signed(&self, hash: &str) -> String {
        let Place { bucket, key } = self.place;
        let previous = self.previous.map_or("null", |previous| previous.signature.as_str());
        format!("{}\n{bucket}/{key}\n{hash}\n{previous}", moment::text(self.end_ms))
    }
}
