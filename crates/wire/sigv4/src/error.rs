//! Why a request is not who it says it is.

mod details;
mod render;

use std::fmt;

use crate::limits::MAX_SKEW_SECONDS;
use crate::timestamp::Basic;

pub use render::{Framing, Rendered};

/// A cause for which a request is refused. Its text is what the JSON and query protocols send.
///
/// The texts are those that AWS sends, as far as they are known. They repeat what the caller sent and never
/// what it should have signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// There is no signature.
    #[error("Request is missing Authentication Token")]
    MissingAuthenticationToken,
    /// There is a signature in the header and one in the URL.
    #[error("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")]
    TwoSignatures,
    /// The signature is of a kind that is not verified here: SigV2, SigV4A, another scheme.
    #[error("Unsupported AWS 'algorithm': '{algorithm}'.")]
    UnsupportedAlgorithm {
        /// The algorithm or scheme.
        algorithm: String,
    },
    /// The `Authorization` header holds something that is no parameter.
    #[error(
        "'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{authorization}'."
    )]
    NotKeyValue {
        /// What is no parameter.
        part: String,
        /// The header.
        authorization: String,
    },
    /// The `Authorization` header lacks parameters, or there is no date with it.
    #[error("{}Authorization={authorization}", MissingInHeader(missing))]
    IncompleteHeader {
        /// Of `Credential`, `Signature`, `SignedHeaders` and `Date`, in this order, those missing.
        missing: Vec<&'static str>,
        /// The header.
        authorization: String,
    },
    /// The URL lacks parameters.
    #[error("{}Re-examine the query-string parameters.", MissingInQuery(missing))]
    IncompleteQuery {
        /// The names of those missing.
        missing: Vec<&'static str>,
    },
    /// The URL's `X-Amz-Expires` is no number of seconds up to a week.
    #[error("{text}")]
    MalformedExpires {
        /// What is wrong with it.
        text: &'static str,
    },
    /// What can be there once is there twice.
    #[error("'{what}' is given more than once.")]
    Repeated {
        /// The header or parameter.
        what: String,
    },
    /// The value of a header or parameter is not UTF-8.
    #[error("The value of '{what}' is not text.")]
    NotText {
        /// The header or parameter.
        what: String,
    },
    /// A part of the request is longer than its bound.
    #[error("The {what} is longer than {limit} bytes.")]
    TooLong {
        /// The part.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The request has more of something than its bound.
    #[error("The request has more than {limit} {what}.")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The query string ends within a percent-escape.
    #[error("Incomplete trailing escape % sequence")]
    IncompleteEscape,
    /// The query string has a percent-escape that is not hexadecimal.
    #[error("Illegal hex character in escape % pattern: %{digits}")]
    IllegalEscape {
        /// What follows the percent sign.
        digits: String,
    },
    /// The host is not signed.
    #[error("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")]
    HostNotSigned,
    /// A header that AWS acts upon is not signed.
    #[error("'{name}' must be a 'SignedHeader' in the AWS Authorization.")]
    HeaderNotSigned {
        /// The header.
        name: String,
    },
    /// A header is said to be signed and is not there.
    #[error("'{name}' is named as a SignedHeader, but it does not exist in the HTTP request.")]
    SignedHeaderAbsent {
        /// The header.
        name: String,
    },
    /// The date has no form that is known.
    #[error(
        "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
    )]
    MalformedDate {
        /// The date as it was sent.
        date: String,
    },
    /// The request was signed too long ago. Times are seconds since the epoch.
    #[error(
        "Signature expired: {} is now earlier than {} ({} - {})",
        Basic(*signed_at), Basic(now.saturating_sub(*lifetime)), Basic(*now), Span(*lifetime)
    )]
    SignatureExpired {
        /// When it was signed.
        signed_at: i64,
        /// The server's time.
        now: i64,
        /// Seconds that it was good for.
        lifetime: i64,
        /// Whether it is a URL that was signed.
        presigned: bool,
    },
    /// The request was signed in the future. Times are seconds since the epoch.
    #[error(
        "Signature not yet current: {} is still later than {} ({} + {})",
        Basic(*signed_at), Basic(now.saturating_add(MAX_SKEW_SECONDS)), Basic(*now), Span(MAX_SKEW_SECONDS)
    )]
    NotYetCurrent {
        /// When it was signed.
        signed_at: i64,
        /// The server's time.
        now: i64,
        /// Whether it is a URL that was signed.
        presigned: bool,
    },
    /// The credential does not have five elements.
    #[error(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, \
         got '{credential}'"
    )]
    MalformedCredential {
        /// The credential.
        credential: String,
    },
    /// The signature is for something else.
    #[error("{}", Joined(faults))]
    InvalidScope {
        /// All that is wrong with the scope.
        faults: Vec<ScopeFault>,
    },
    /// No access key has that id. The caller of this crate finds out.
    #[error("The security token included in the request is invalid.")]
    UnknownAccessKey,
    /// The session token does not belong to the access key. The caller of this crate finds out.
    #[error("The security token included in the request is invalid")]
    InvalidSessionToken,
    /// The session has ended. The caller of this crate finds out.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// The signature is not the one that the secret gives.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
         Access Key and signing method. Consult the service documentation for details."
    )]
    SignatureMismatch,
    /// The signature is good, and the body is not the one that was signed. Only S3 tells the two apart.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
         Access Key and signing method. Consult the service documentation for details."
    )]
    PayloadMismatch,
    /// `x-amz-content-sha256` is missing where it must be there.
    #[error("Missing required header for this request: x-amz-content-sha256")]
    PayloadNotStated,
    /// `x-amz-content-sha256` is no digest.
    #[error("x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value.")]
    MalformedPayloadDigest,
    /// `x-amz-content-sha256` names a way to sign a body that is not taken here.
    #[error("Unsupported 'x-amz-content-sha256': '{mode}'.")]
    UnsupportedPayload {
        /// Its value.
        mode: String,
    },
}

/// One thing that is wrong with a credential scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeFault {
    /// There is no such Region.
    #[error("Credential should be scoped to a valid region, not '{given}'.")]
    Region {
        /// The Region in the scope.
        given: String,
    },
    /// It is for another service.
    #[error("Credential should be scoped to correct service: '{expected}'.")]
    Service {
        /// The signing name in the scope.
        given: String,
        /// The signing name of the service that was called.
        expected: String,
    },
    /// It does not end as it should.
    #[error("Credential should be scoped with a valid terminator: 'aws4_request', not '{given}'.")]
    Terminator {
        /// The end of the scope.
        given: String,
    },
    /// It is for another day than the request.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
         '{given}' != '{:.8}', from '{}'.",
        Basic(*signed_at).to_string(), Basic(*signed_at)
    )]
    Date {
        /// The day in the scope.
        given: String,
        /// When the request was signed, in seconds since the epoch.
        signed_at: i64,
    },
}

struct MissingInHeader<'a>(&'a [&'static str]);

impl fmt::Display for MissingInHeader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|name| match *name {
            "Date" => f.write_str(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
            ),
            name => write!(f, "Authorization header requires '{name}' parameter. "),
        })
    }
}

struct MissingInQuery<'a>(&'a [&'static str]);

impl fmt::Display for MissingInQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|name| write!(f, "AWS query-string parameters must include '{name}'. "))
    }
}

struct Joined<'a>(&'a [ScopeFault]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        self.0.iter().try_for_each(|fault| {
            let written = write!(f, "{separator}{fault}");
            separator = " ";
            written
        })
    }
}

/// A number of seconds, in whole minutes where it is one, as AWS shows it.
struct Span(i64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 60, self.0 % 60) {
            (minutes, 0) => write!(f, "{minutes} min."),
            _ => write!(f, "{} sec.", self.0),
        }
    }
}
