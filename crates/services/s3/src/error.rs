//! S3's refusals as AWS words them (codes and statuses: Amazon S3 API Reference, "Error responses"; texts: answers of AWS
//! quoted in public issue threads and in AWS's guides).

use strongroom_identity::RequestContext;
use strongroom_policy::Denied;
use strongroom_schema::{QueryError, StreamError};
use strongroom_seal::SealError;
use strongroom_service::ApiError;
use strongroom_store::StoreError;

use crate::domain::name::bucket_arn;

/// Why S3 does not do what it was asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// One of S3's many codes for what is wrong with a request.
    Client(Box<Told>),
    /// The object is what the caller has already.
    NotModified,
    /// A parameter or value that is not implemented.
    NotYet(&'static str),
    /// The policy engine said no. A stranger to the bucket's account is not told which policy it was.
    Denied { denied: Denied, is_foreign: bool },
    /// Something else that was asked on the way: the stream of the body, KMS.
    Other(ApiError),
    /// The store does not answer in time, or there is no room.
    Unavailable { text: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    /// A failure of ours.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// What the caller is told.
#[derive(Debug)]
pub(crate) struct Told {
    status: u16,
    code: &'static str,
    text: String,
    /// Elements of the error beside code and text.
    details: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
}

impl Told {
    /// The text.
    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl Refusal {
    /// Whether a change that ended so may have been made for all that: the answer to its commit may have been lost.
    pub(crate) fn may_have_happened(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Internal(_) => true,
            Self::Client(_) | Self::NotModified | Self::NotYet(_) | Self::Denied { .. } | Self::Other(_) => {
                false
            }
        }
    }

    /// Whether it is the one of that code.
    pub(crate) fn is(&self, code: &str) -> bool {
        matches!(self, Self::Client(told) if told.code == code)
    }

    /// A refusal under that status and code.
    pub(crate) fn client(status: u16, code: &'static str, text: impl Into<String>) -> Self {
        let (details, headers) = (Vec::new(), Vec::new());
        Self::Client(Box::new(Told { status, code, text: text.into(), details, headers }))
    }

    /// The same refusal with a fact beside its text.
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Client(told) = &mut self {
            told.details.push((name, value.into()));
        }
        self
    }

    /// The same refusal with two digests that should be one.
    pub(crate) fn with_digests(self, expected: &str, calculated: &str) -> Self {
        self.with("ExpectedDigest", expected).with("CalculatedDigest", calculated)
    }

    /// The same refusal with the part that was asked for, and how many there are.
    pub(crate) fn with_parts(self, requested: i32, there: u32) -> Self {
        self.with("PartNumberRequested", requested.to_string()).with("ActualPartCount", there.to_string())
    }

    /// The same refusal with what is meant by it in particular (`Detail`).
    pub(crate) fn with_detail(self, detail: impl Into<String>) -> Self {
        self.with("Detail", detail)
    }

    /// The same refusal with a header of its answer.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Client(told) = &mut self {
            told.headers.push((name, value.into()));
        }
        self
    }

    pub(crate) fn no_such_bucket(bucket: &str) -> Self {
        Self::client(404, "NoSuchBucket", "The specified bucket does not exist").with("BucketName", bucket)
    }

    pub(crate) fn no_such_key(key: &str) -> Self {
        Self::client(404, "NoSuchKey", "The specified key does not exist.").with("Key", key)
    }

    pub(crate) fn no_such_version(key: &str, version: &str) -> Self {
        Self::client(404, "NoSuchVersion", "The specified version does not exist.")
            .with("Key", key)
            .with("VersionId", version)
    }

    /// The version is a delete marker, of which there is nothing to read or to change: it can only be removed.
    pub(crate) fn is_delete_marker(method: &str) -> Self {
        let text = "The specified method is not allowed against this resource.";
        Self::client(405, "MethodNotAllowed", text)
            .with("Method", method)
            .with("ResourceType", "DeleteMarker")
            .with_header("allow", "DELETE")
    }

    /// The same refusal about the delete marker that has that id.
    pub(crate) fn of_marker(self, id: &str) -> Self {
        self.with_header("x-amz-delete-marker", "true").with_header("x-amz-version-id", id)
    }

    /// The same of the version that a copy names as its source. Text: an answer of AWS, quoted in public notes.
    pub(crate) fn of_copied_marker(self) -> Self {
        match self {
            refusal if refusal.is("MethodNotAllowed") => {
                let text = "The source of a copy request may not specifically refer to a delete marker by version id.";
                Self::invalid_request(text)
            }
            other => other,
        }
    }

    pub(crate) fn metadata_too_large(size: usize, limit: usize) -> Self {
        let text = "Your metadata headers exceed the maximum allowed metadata size";
        Self::client(400, "MetadataTooLarge", text)
            .with("Size", size.to_string())
            .with("MaxSizeAllowed", limit.to_string())
    }

    /// What is said to be the owner of a bucket is no account's id. Text: an answer of AWS, quoted in public issue threads.
    pub(crate) fn invalid_expected_owner(owner: &str) -> Self {
        let text = format!(
            "The value of the expected bucket owner parameter must be an AWS Account ID... [{owner}]"
        );
        Self::client(400, "InvalidBucketOwnerAWSAccountID", text)
    }

    pub(crate) fn no_such_upload(upload: &str) -> Self {
        let text = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted \
                    or completed.";
        Self::client(404, "NoSuchUpload", text).with("UploadId", upload)
    }

    pub(crate) fn bucket_not_empty(bucket: &str, has_versions: bool) -> Self {
        let text = if has_versions {
            "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
        } else {
            "The bucket you tried to delete is not empty"
        };
        Self::client(409, "BucketNotEmpty", text).with("BucketName", bucket)
    }

    pub(crate) fn bucket_exists(bucket: &str) -> Self {
        let text = "The requested bucket name is not available. The bucket namespace is shared by all users of the system. \
                    Please select a different name and try again.";
        Self::client(409, "BucketAlreadyExists", text).with("BucketName", bucket)
    }

    pub(crate) fn already_owned(bucket: &str) -> Self {
        let text = "Your previous request to create the named bucket succeeded and you already own it.";
        Self::client(409, "BucketAlreadyOwnedByYou", text).with("BucketName", bucket)
    }

    pub(crate) fn invalid_bucket_name(bucket: &str) -> Self {
        Self::client(400, "InvalidBucketName", "The specified bucket is not valid.")
            .with("BucketName", bucket)
    }

    pub(crate) fn key_too_long(size: usize, limit: usize) -> Self {
        Self::client(400, "KeyTooLongError", "Your key is too long")
            .with("Size", size.to_string())
            .with("MaxSizeAllowed", limit.to_string())
    }

    pub(crate) fn invalid_argument(text: impl Into<String>, name: &str, value: &str) -> Self {
        Self::client(400, "InvalidArgument", text).with("ArgumentName", name).with("ArgumentValue", value)
    }

    pub(crate) fn invalid_request(text: impl Into<String>) -> Self {
        Self::client(400, "InvalidRequest", text)
    }

    pub(crate) fn malformed_xml() -> Self {
        let text =
            "The XML you provided was not well-formed or did not validate against our published schema";
        Self::client(400, "MalformedXML", text)
    }

    pub(crate) fn invalid_range(header: &str, size: u64) -> Self {
        Self::client(416, "InvalidRange", "The requested range is not satisfiable")
            .with("RangeRequested", header)
            .with("ActualObjectSize", size.to_string())
            .with_header("content-range", format!("bytes */{size}"))
    }

    pub(crate) fn precondition_failed(condition: &'static str) -> Self {
        let text = "At least one of the pre-conditions you specified did not hold";
        Self::client(412, "PreconditionFailed", text).with("Condition", condition)
    }

    pub(crate) fn too_large(size: Option<u64>, limit: u64) -> Self {
        let refusal =
            Self::client(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
        let refusal = match size {
            Some(size) => refusal.with("ProposedSize", size.to_string()),
            None => refusal,
        };
        refusal.with("MaxSizeAllowed", limit.to_string())
    }

    pub(crate) fn too_small(size: u64, limit: u64, part: i64, etag: &str) -> Self {
        Self::client(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
            .with("ProposedSize", size.to_string())
            .with("MinSizeAllowed", limit.to_string())
            .with("PartNumber", part.to_string())
            .with("ETag", etag)
    }

    pub(crate) fn invalid_part(upload: &str, part: i64, etag: &str) -> Self {
        let text = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the \
                    specified entity tag may not match the part's entity tag.";
        Self::client(400, "InvalidPart", text)
            .with("UploadId", upload)
            .with("PartNumber", part.to_string())
            .with("ETag", etag)
    }

    pub(crate) fn bad_digest(what: &str) -> Self {
        Self::client(
            400,
            "BadDigest",
            format!("The {what} you specified did not match the calculated checksum."),
        )
    }

    /// What a bucket keeps from becoming public would make it so.
    pub(crate) fn public_blocked(context: &RequestContext, action: &str, bucket: &str, what: &str) -> Self {
        let (principal, arn) = (context.caller.principal.arn(), bucket_arn(bucket));
        let text = format!(
            "User: {principal} is not authorized to perform: {action} on resource: \"{arn}\" because {what} block public \
             access setting."
        );
        Self::client(403, "AccessDenied", text)
    }

    /// A list that is public, where none may be.
    pub(crate) fn public_acl_blocked(context: &RequestContext, action: &str, bucket: &str) -> Self {
        let what = "public access control lists (ACLs) are blocked by the BlockPublicAcls";
        Self::public_blocked(context, action, bucket, what)
    }

    /// Nobody may do it, whatever the policies say.
    pub(crate) fn access_denied() -> Self {
        Self::client(403, "AccessDenied", "Access Denied")
    }

    /// A bucket has not what is asked for.
    pub(crate) fn not_configured(code: &'static str, text: &'static str, bucket: &str) -> Self {
        Self::client(404, code, text).with("BucketName", bucket)
    }

    pub(crate) fn acl_not_supported() -> Self {
        Self::client(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
    }

    /// A failure of ours that no caller can bring about.
    pub(crate) fn internal(text: &'static str) -> Self {
        Self::Internal(text.into())
    }

    /// A failure of the file system. Where there is no room, calls are refused until there is.
    pub(crate) fn of_file(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                let text = "There is no room for objects on the server's disk. Please try again later.";
                Self::Unavailable { text, source: error.into() }
            }
            _ => Self::Internal(error.into()),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let client = |status: u16, code: &'static str, text: String| {
            Self::front(code, Some(QueryError { code, http_status: status }), Some(text))
        };
        match refusal {
            Refusal::Client(told) => {
                let Told { status, code, text, details, headers } = *told;
                let mut error = client(status, code, text);
                for (name, value) in details {
                    error = error.with_detail(name, value);
                }
                for (name, value) in headers {
                    error = error.with_header(name, value);
                }
                error
            }
            Refusal::NotModified => client(304, "NotModified", "Not Modified".to_owned()),
            Refusal::NotYet(feature) => Self::feature_not_implemented(&format!("s3: {feature}")),
            // Of another account's bucket nothing is told ("Access denied (403 Forbidden) errors" in the user guide).
            Refusal::Denied { is_foreign: true, .. } => {
                client(403, "AccessDenied", "Access Denied".to_owned())
            }
            Refusal::Denied { denied, is_foreign: false } => {
                client(403, "AccessDenied", denied.with_quoted_resource())
            }
            Refusal::Other(error) => error,
            Refusal::Unavailable { text, source } => {
                client(503, "ServiceUnavailable", text.to_owned()).with_source(source)
            }
            Refusal::Internal(source) => Self::internal(source),
        }
    }
}

impl From<StreamError> for Refusal {
    fn from(error: StreamError) -> Self {
        Self::Other(error.into())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::Unavailable(_) => {
                Self::Unavailable { text: "Please reduce your request rate.", source: error.into() }
            }
            other => Self::Internal(other.into()),
        }
    }
}

impl From<SealError> for Refusal {
    fn from(error: SealError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<strongroom_crypto::CryptoError> for Refusal {
    fn from(error: strongroom_crypto::CryptoError) -> Self {
        Self::Internal(error.into())
    }
}
