//! Every bound on what a request may claim.

/// Bytes of the `Authorization` header.
pub const MAX_AUTHORIZATION_BYTES: usize = 8 * 1024;

/// Bytes of the path, as sent.
pub const MAX_PATH_BYTES: usize = 16 * 1024;

/// Bytes of the query string, as sent.
pub const MAX_QUERY_BYTES: usize = 32 * 1024;

/// Parameters in the query string.
pub const MAX_QUERY_PARAMETERS: usize = 512;

/// Bytes of a session token.
pub const MAX_SESSION_TOKEN_BYTES: usize = 8 * 1024;

/// Names in `SignedHeaders`.
pub const MAX_SIGNED_HEADERS: usize = 128;

/// Seconds that a request's date may lie in the past or in the future.
pub const MAX_SKEW_SECONDS: i64 = 5 * 60;

/// The same of requests to S3
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>, `RequestTimeTooSkewed`).
pub const MAX_S3_SKEW_SECONDS: i64 = 15 * 60;

/// Seconds that a presigned URL may be valid: seven days
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>).
pub const MAX_EXPIRES_SECONDS: i64 = 7 * 24 * 60 * 60;
