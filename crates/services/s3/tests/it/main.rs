//! S3 through its API.
