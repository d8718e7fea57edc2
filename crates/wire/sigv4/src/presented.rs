//! What a request presents, wherever it presents it.

use std::borrow::Cow;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::canonical::Query;
use crate::timestamp::Timestamp;
use crate::{AuthError, authorization, presigned};

/// The only algorithm that is verified here.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

pub(crate) const X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
pub(crate) const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
pub(crate) const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// The parts of a signature, as the `Authorization` header or a presigned URL gives them.
pub(crate) struct Presented<'r> {
    pub(crate) credential: Cow<'r, str>,
    pub(crate) signed_headers: Cow<'r, str>,
    pub(crate) signature: Cow<'r, str>,
    /// The date as it was written.
    pub(crate) date: Cow<'r, str>,
    /// The date as it was read, if it has a form that is known.
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) session_token: Option<Cow<'r, str>>,
    /// What stands for the payload, if the request states it.
    pub(crate) payload: Option<Cow<'r, str>>,
    /// Seconds that a presigned URL asks to be valid for.
    pub(crate) expires: Option<i64>,
    pub(crate) presigned: bool,
}

impl<'r> Presented<'r> {
    /// Finds the signature. AWS takes none from a request that has one in either place.
    pub(crate) fn read(headers: &'r HeaderMap, query: &'r Query) -> Result<Self, AuthError> {
        let in_query = query.get("X-Amz-Algorithm")?;
        match (header(headers, &AUTHORIZATION)?, in_query) {
            (Some(_), Some(_)) => Err(AuthError::TwoSignatures),
            (Some(authorization), None) => authorization::read(authorization, headers),
            (None, Some(algorithm)) => presigned::read(&algorithm, headers, query),
            (None, None) if query.get("AWSAccessKeyId")?.is_some() => {
                Err(AuthError::UnsupportedAlgorithm { algorithm: "AWS".to_owned() })
            }
            (None, None) => Err(AuthError::MissingAuthenticationToken),
        }
    }
}

/// Gives the header of that name, which may be there once.
pub(crate) fn header<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Result<Option<&'r str>, AuthError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(AuthError::Repeated { what: name.as_str().to_owned() });
    }
    let text = first.map(|value| std::str::from_utf8(value.as_bytes())).transpose();
    text.map_err(|_| AuthError::NotText { what: name.as_str().to_owned() })
}
