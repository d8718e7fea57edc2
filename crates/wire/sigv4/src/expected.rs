//! What the server says before a signature is looked at.

use crate::limits::{MAX_S3_SKEW_SECONDS, MAX_SKEW_SECONDS};

/// What a request's signature has to be for.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The signing name of the service that the request was routed to.
    pub service: &'a str,
    /// Tells whether a Region exists here.
    pub regions: &'a (dyn Fn(&str) -> bool + Sync),
    /// How the path was signed.
    pub path: PathStyle,
    /// What may be signed of the body.
    pub payload: PayloadRules,
    /// Seconds that a request's date may lie in the past or in the future.
    pub skew_seconds: i64,
}

impl<'a> Expected<'a> {
    /// The rules of every service but S3.
    pub fn service(signing_name: &'a str, regions: &'a (dyn Fn(&str) -> bool + Sync)) -> Self {
        Self {
            service: signing_name,
            regions,
            path: PathStyle::Normalized,
            payload: PayloadRules::Whole,
            skew_seconds: MAX_SKEW_SECONDS,
        }
    }

    /// The rules of S3
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html>).
    pub fn s3(regions: &'a (dyn Fn(&str) -> bool + Sync)) -> Self {
        Self {
            service: "s3",
            regions,
            path: PathStyle::Verbatim,
            payload: PayloadRules::AsStated,
            skew_seconds: MAX_S3_SKEW_SECONDS,
        }
    }
}

/// What may be signed of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadRules {
    /// All of it: its digest, which `x-amz-content-sha256` may state.
    Whole,
    /// What `x-amz-content-sha256` states, which must be there: a digest, nothing, or chunks. A presigned URL that states
    /// nothing has nothing signed, and must say how long it is good for.
    AsStated,
}

/// How a path enters the canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathStyle {
    /// Dot segments and empty segments removed (RFC 3986, section 5.2.4), then the path, which was encoded
    /// to be sent, encoded once more.
    Normalized,
    /// No segment removed, and encoded once: S3's names may hold anything.
    Verbatim,
}
