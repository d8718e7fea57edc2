//! What the server says before a signature is looked at.

/// What a request's signature has to be for.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The signing name of the service that the request was routed to.
    pub service: &'a str,
    /// Tells whether a Region exists here.
    pub regions: &'a (dyn Fn(&str) -> bool + Sync),
    /// How the path was signed.
    pub path: PathStyle,
    /// Whether `UNSIGNED-PAYLOAD` is taken; a presigned URL that names no payload then has none signed.
    pub allow_unsigned_payload: bool,
}

impl<'a> Expected<'a> {
    /// The rules of every service but S3.
    pub fn service(signing_name: &'a str, regions: &'a (dyn Fn(&str) -> bool + Sync)) -> Self {
        Self { service: signing_name, regions, path: PathStyle::Normalized, allow_unsigned_payload: false }
    }

    /// The rules of S3
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html>).
    pub fn s3(regions: &'a (dyn Fn(&str) -> bool + Sync)) -> Self {
        Self { service: "s3", regions, path: PathStyle::Verbatim, allow_unsigned_payload: true }
    }
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
