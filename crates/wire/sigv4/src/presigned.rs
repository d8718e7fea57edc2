//! Presigned URLs
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>).

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};

use crate::AuthError;
use crate::canonical::Query;
use crate::limits::MAX_EXPIRES_SECONDS;
use crate::presented::{ALGORITHM, Presented, X_AMZ_CONTENT_SHA256, X_AMZ_SECURITY_TOKEN, header};
use crate::timestamp::Timestamp;

/// The parameter that says whose signature it is.
pub(crate) const CREDENTIAL: &str = "X-Amz-Credential";

/// The parameter that the signature itself stands in, and that it cannot cover.
pub(crate) const SIGNATURE: &str = "X-Amz-Signature";

/// Headers that AWS's SDKs send with presigned URLs and never sign.
pub(crate) const NEVER_SIGNED: [&str; 2] = ["x-amz-user-agent", "x-amz-checksum-mode"];

/// Reads the parameters of a URL that names `algorithm`.
pub(crate) fn read<'r>(
    algorithm: &str,
    headers: &'r HeaderMap,
    query: &'r Query,
) -> Result<Presented<'r>, AuthError> {
    if algorithm != ALGORITHM {
        return Err(AuthError::UnsupportedAlgorithm { algorithm: algorithm.to_owned() });
    }
    let mut missing = Vec::new();
    let mut required = |name: &'static str| -> Result<Cow<'r, str>, AuthError> {
        let value = query.get(name)?.filter(|value| !value.is_empty());
        Ok(value.unwrap_or_else(|| {
            missing.push(name);
            Cow::Borrowed("")
        }))
    };
    let credential = required(CREDENTIAL)?;
    let signature = required(SIGNATURE)?;
    let signed_headers = required("X-Amz-SignedHeaders")?;
    let date = required("X-Amz-Date")?;
    if !missing.is_empty() {
        return Err(AuthError::IncompleteQuery { missing });
    }
    Ok(Presented {
        credential,
        signed_headers,
        signature,
        timestamp: Timestamp::iso(&date),
        date,
        session_token: either(query, "X-Amz-Security-Token", headers, &X_AMZ_SECURITY_TOKEN)?,
        payload: either(query, "X-Amz-Content-Sha256", headers, &X_AMZ_CONTENT_SHA256)?,
        expires: query.get("X-Amz-Expires")?.map(|value| expires(&value)).transpose()?,
        presigned: true,
    })
}

/// Gives what the URL or else a header says. Not both: they could differ.
fn either<'r>(
    query: &'r Query,
    parameter: &str,
    headers: &'r HeaderMap,
    name: &HeaderName,
) -> Result<Option<Cow<'r, str>>, AuthError> {
    match (query.get(parameter)?, header(headers, name)?) {
        (Some(_), Some(_)) => Err(AuthError::Repeated { what: parameter.to_owned() }),
        (parameter, header) => Ok(parameter.or(header.map(Cow::Borrowed))),
    }
}

fn expires(value: &str) -> Result<i64, AuthError> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(seconds @ 1..=MAX_EXPIRES_SECONDS) if digits => Ok(seconds),
        Ok(0) if digits => {
            Err(AuthError::MalformedExpires { text: "X-Amz-Expires must be at least 1 second" })
        }
        _ if digits => Err(AuthError::MalformedExpires {
            text: "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must \
                   be less than 604800 seconds",
        }),
        _ => Err(AuthError::MalformedExpires { text: "X-Amz-Expires should be a number" }),
    }
}
