//! How a request was signed.

/// What the signature of a request says beside who sent it. S3's policies ask for it, so its requests carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// The way of signing: `AWS4-HMAC-SHA256`, or `AWS` for Signature Version 2.
    pub version: &'static str,
    /// Whether the signature came in the URL rather than in a header.
    pub is_in_url: bool,
    /// Real time from the signing to the request's coming, in milliseconds; `None` of signatures that do not say when they
    /// were made.
    pub age_ms: Option<i64>,
    /// What was signed of the body: its digest, `UNSIGNED-PAYLOAD`, or the name of a way to send it in chunks.
    pub payload: String,
}
