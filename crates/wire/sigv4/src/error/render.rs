//! Code, status and text of each cause in each protocol.

use super::{AuthError, ScopeFault};

/// How a protocol frames errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// JSON and CBOR: KMS, CloudTrail, CloudHSM, CloudWatch Logs.
    Json,
    /// The query protocol: IAM, STS, SNS, CloudWatch.
    Query,
    /// EC2's form of the query protocol.
    Ec2,
    /// S3.
    RestXml,
}

/// An error as one protocol sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// AWS's code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The text.
    pub message: String,
}

impl AuthError {
    /// Gives the error as that protocol sends it.
    #[must_use]
    pub fn render(&self, framing: Framing) -> Rendered {
        match framing {
            Framing::Json => {
                let (code, status) = self.family().in_json();
                Rendered { code, status, message: self.to_string() }
            }
            Framing::Query => {
                let (code, status) = self.family().in_query();
                Rendered { code, status, message: self.to_string() }
            }
            Framing::Ec2 => self.in_ec2(),
            Framing::RestXml => self.in_s3(),
        }
    }

    const fn family(&self) -> Family {
        match self {
            Self::MissingAuthenticationToken => Family::Missing,
            Self::UnsupportedAlgorithm { .. }
            | Self::NotKeyValue { .. }
            | Self::IncompleteHeader { .. }
            | Self::IncompleteQuery { .. }
            | Self::MalformedExpires { .. }
            | Self::Repeated { .. }
            | Self::NotText { .. }
            | Self::TooLong { .. }
            | Self::TooMany { .. }
            | Self::SignedHeaderAbsent { .. }
            | Self::MalformedDate { .. }
            | Self::MalformedCredential { .. } => Family::Incomplete,
            Self::TwoSignatures
            | Self::HostNotSigned
            | Self::HeaderNotSigned { .. }
            | Self::InvalidScope { .. }
            | Self::SignatureMismatch
            | Self::PayloadMismatch
            | Self::PayloadNotStated
            | Self::MalformedPayloadDigest
            | Self::UnsupportedPayload { .. } => Family::Wrong,
            Self::SignatureExpired { .. } | Self::NotYetCurrent { .. } => Family::Skewed,
            Self::IncompleteEscape | Self::IllegalEscape { .. } => Family::Unreadable,
            Self::UnknownAccessKey | Self::InvalidSessionToken => Family::Unknown,
            Self::ExpiredToken => Family::Ended,
        }
    }

    fn in_ec2(&self) -> Rendered {
        match self.family() {
            Family::Skewed | Family::Ended => rendered("RequestExpired", 400, "Request has expired."),
            _ => {
                let text = "AWS was not able to validate the provided access credentials";
                rendered("AuthFailure", 401, text)
            }
        }
    }

    fn in_s3(&self) -> Rendered {
        const PRESIGNED: &str = "AuthorizationQueryParametersError";
        match self {
            Self::MissingAuthenticationToken => rendered("AccessDenied", 403, "Access Denied"),
            Self::TwoSignatures => rendered(
                "InvalidArgument",
                400,
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query \
                 string parameter or the Authorization header should be specified",
            ),
            Self::UnsupportedAlgorithm { algorithm } if algorithm.starts_with("AWS") => rendered(
                "InvalidRequest",
                400,
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            ),
            Self::UnsupportedAlgorithm { .. } => {
                rendered("InvalidArgument", 400, "Unsupported Authorization Type")
            }
            Self::NotKeyValue { .. } | Self::IncompleteHeader { .. } => malformed(
                "the authorization header requires three components: Credential, SignedHeaders, and Signature.",
            ),
            Self::IncompleteQuery { .. } => rendered(
                PRESIGNED,
                400,
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
                 X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
            ),
            Self::MalformedExpires { text } => rendered(PRESIGNED, 400, text),
            Self::Repeated { .. } | Self::NotText { .. } | Self::TooLong { .. } | Self::TooMany { .. } => {
                rendered("InvalidRequest", 400, &self.to_string())
            }
            Self::IncompleteEscape | Self::IllegalEscape { .. } => {
                rendered("InvalidURI", 400, "Couldn't parse the specified URI.")
            }
            Self::HostNotSigned | Self::HeaderNotSigned { .. } => rendered(
                "AccessDenied",
                403,
                "There were headers present in the request which were not signed",
            ),
            Self::MalformedDate { .. } => {
                rendered("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header")
            }
            Self::SignatureExpired { presigned: true, .. } => {
                rendered("AccessDenied", 403, "Request has expired")
            }
            Self::NotYetCurrent { presigned: true, .. } => {
                rendered("AccessDenied", 403, "Request is not yet valid")
            }
            Self::SignatureExpired { .. } | Self::NotYetCurrent { .. } => rendered(
                "RequestTimeTooSkewed",
                403,
                "The difference between the request time and the current time is too large.",
            ),
            Self::MalformedCredential { .. } => malformed(
                "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            ),
            Self::InvalidScope { faults } => malformed(&faults.first().map(in_s3).unwrap_or_default()),
            Self::UnknownAccessKey => rendered(
                "InvalidAccessKeyId",
                403,
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            Self::InvalidSessionToken => {
                rendered("InvalidToken", 400, "The provided token is malformed or otherwise invalid.")
            }
            Self::ExpiredToken => rendered("ExpiredToken", 400, "The provided token has expired."),
            Self::SignatureMismatch | Self::SignedHeaderAbsent { .. } => rendered(
                "SignatureDoesNotMatch",
                403,
                "The request signature we calculated does not match the signature you provided. Check your key \
                 and signing method.",
            ),
            Self::PayloadMismatch => rendered(
                "XAmzContentSHA256Mismatch",
                400,
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ),
            Self::PayloadNotStated => rendered("InvalidRequest", 400, &self.to_string()),
            Self::MalformedPayloadDigest => rendered("InvalidArgument", 400, &self.to_string()),
            Self::UnsupportedPayload { .. } => rendered(
                "NotImplemented",
                501,
                "A header you provided implies functionality that is not implemented.",
            ),
        }
    }
}

/// Causes that the JSON and query protocols answer with one code.
#[derive(Clone, Copy)]
enum Family {
    Missing,
    Incomplete,
    Wrong,
    Skewed,
    Unreadable,
    Unknown,
    Ended,
}

impl Family {
    const fn in_json(self) -> (&'static str, u16) {
        match self {
            Self::Missing => ("MissingAuthenticationTokenException", 400),
            Self::Incomplete => ("IncompleteSignatureException", 400),
            Self::Wrong | Self::Skewed => ("InvalidSignatureException", 400),
            Self::Unreadable => ("MalformedQueryString", 404),
            Self::Unknown => ("UnrecognizedClientException", 400),
            Self::Ended => ("ExpiredTokenException", 400),
        }
    }

    const fn in_query(self) -> (&'static str, u16) {
        match self {
            Self::Missing => ("MissingAuthenticationToken", 403),
            Self::Incomplete => ("IncompleteSignature", 400),
            Self::Wrong | Self::Skewed => ("SignatureDoesNotMatch", 403),
            Self::Unreadable => ("MalformedQueryString", 404),
            Self::Unknown => ("InvalidClientTokenId", 403),
            Self::Ended => ("ExpiredToken", 403),
        }
    }
}

fn rendered(code: &'static str, status: u16, message: &str) -> Rendered {
    Rendered { code, status, message: message.to_owned() }
}

fn malformed(what: &str) -> Rendered {
    let message = format!("The authorization header is malformed; {what}");
    Rendered { code: "AuthorizationHeaderMalformed", status: 400, message }
}

fn in_s3(fault: &ScopeFault) -> String {
    match fault {
        ScopeFault::Region { given } => format!("the region '{given}' is wrong"),
        ScopeFault::Service { given, expected } => {
            format!("incorrect service \"{given}\". This endpoint belongs to \"{expected}\".")
        }
        ScopeFault::Terminator { given } => {
            format!("incorrect terminal \"{given}\". This endpoint uses \"aws4_request\".")
        }
        ScopeFault::Date { given, .. } => {
            format!("invalid credential date \"{given}\". This date is not the same as X-Amz-Date.")
        }
    }
}
