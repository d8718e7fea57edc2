//! Presigned URLs of the old kind, which S3 still takes and AWS's command line still makes for us-east-1: Signature
//! Version 2 in a query string
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html#RESTAuthenticationQueryStringAuth>).
//!
//! They cover the method, the path, the headers that S3 acts upon, and when they end; HMAC with SHA-1 is as good a proof
//! of the secret as it was. They do not say for which Region or service they are, nor when they began.

use std::borrow::Cow;
use std::fmt;

use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use strongroom_crypto::digest::Hash;
use strongroom_crypto::hmac::Hmac;
use strongroom_secret::{SecretString, constant_time_eq};

use crate::canonical::Query;
use crate::limits::{MAX_EXPIRES_SECONDS, MAX_PATH_BYTES, MAX_SESSION_TOKEN_BYTES};
use crate::presented::header;
use crate::{AuthError, Authenticated, CredentialScope, RequestHead};

const ACCESS_KEY_ID: &str = "AWSAccessKeyId";
const SIGNATURE: &str = "Signature";
const EXPIRES: &str = "Expires";

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
/// What headers of AWS's begin with.
const AMZ: &str = "x-amz-";
const SECURITY_TOKEN: &str = "x-amz-security-token";

/// The Region for which such a signature is taken to be: that of S3's global endpoint.
const REGION: &str = "us-east-1";

/// Parameters that are signed, ordered by name.
const SIGNED_PARAMETERS: [&str; 34] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// What such a URL says of its sender: well-formed and not yet ended, and not yet proved.
pub struct LegacyClaim {
    scope: CredentialScope,
    session_token: Option<String>,
    signed_text: String,
    signature: String,
    expires: i64,
}

impl LegacyClaim {
    /// Reads the signature of a URL; `None` if it is of another kind. `now_ms` is real time in epoch milliseconds.
    ///
    /// Parameters that choose an operation, as `chooses` tells, have to be among the signed ones: what was signed for a
    /// bucket is not for its encryption. So have those that stand for headers of AWS's, however they are written.
    pub fn parse(
        head: &RequestHead<'_>,
        now_ms: i64,
        chooses: impl Fn(&str) -> bool,
    ) -> Option<Result<Self, AuthError>> {
        let (path, query) = head.path_and_query.split_once('?')?;
        if head.headers.contains_key(AUTHORIZATION) || path.len() > MAX_PATH_BYTES {
            return None;
        }
        let query = Query::parse(query).ok()?;
        let access_key_id = query.get(ACCESS_KEY_ID).ok()??;
        let signature = query.get(SIGNATURE).ok()??.into_owned();
        let counts_unsigned = |name: &str| {
            (chooses(name) && !SIGNED_PARAMETERS.contains(&name)) || (is_amz(name) && !is_signed_amz(name))
        };
        if query.names().any(counts_unsigned) {
            return Some(Err(AuthError::SignatureMismatch));
        }
        Some(Self::read(head, (path, &query), &access_key_id, signature, now_ms.div_euclid(1_000)))
    }

    fn read(
        head: &RequestHead<'_>,
        (path, query): (&str, &Query),
        access_key_id: &str,
        signature: String,
        now: i64,
    ) -> Result<Self, AuthError> {
        let malformed = |text| AuthError::MalformedExpires { text };
        let expires = query.get(EXPIRES)?.unwrap_or_default();
        let expires: i64 = expires.parse().map_err(|_| {
            malformed("Invalid date (should be seconds since epoch) in the Expires parameter")
        })?;
        if expires < now {
            return Err(AuthError::SignatureExpired {
                signed_at: expires,
                now,
                lifetime: 0,
                presigned: true,
            });
        }
        if expires > now.saturating_add(MAX_EXPIRES_SECONDS) {
            // AWS has no bound here; a link of this kind is not to outlive one of the new kind.
            return Err(malformed("Expires must be less than a week (in seconds) ahead"));
        }
        let scope = CredentialScope::parse(&format!("{access_key_id}/-/{REGION}/s3/aws2"));
        let scope =
            scope.ok_or_else(|| AuthError::MalformedCredential { credential: access_key_id.to_owned() })?;
        let amz = amz_lines(head.headers, query)?;
        let session_token = match query.get(SECURITY_TOKEN)? {
            Some(token) => Some(token.into_owned()),
            None => header(head.headers, &HeaderName::from_static(SECURITY_TOKEN))?.map(str::to_owned),
        };
        if session_token.as_ref().is_some_and(|token| token.len() > MAX_SESSION_TOKEN_BYTES) {
            return Err(AuthError::TooLong { what: "session token", limit: MAX_SESSION_TOKEN_BYTES });
        }
        let said = |name: HeaderName| -> Result<String, AuthError> {
            let value = header(head.headers, &name)?.map(str::to_owned);
            Ok(match value {
                Some(value) => value,
                None => one_line(query.get(name.as_str())?.unwrap_or_default())?.into_owned(),
            })
        };
        let (digest, content_type) = (said(CONTENT_MD5)?, said(CONTENT_TYPE)?);
        let resource = resource(path, query)?;
        let method = head.method;
        let signed_text = format!("{method}\n{digest}\n{content_type}\n{expires}\n{amz}{resource}");
        Ok(Self { scope, session_token, signed_text, signature, expires })
    }

    /// The access key id whose secret the sender claims to have.
    pub fn access_key_id(&self) -> &str {
        self.scope.access_key_id()
    }

    /// The session token that came with the request.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// Checks the signature with the access key's secret. Nothing is signed of the body.
    pub fn verify(self, secret: &SecretString) -> Result<Authenticated, AuthError> {
        let key = Hmac::new(Hash::Sha1, secret.expose().as_bytes());
        let calculated = base64(&key.sign(&[self.signed_text.as_bytes()]));
        if !constant_time_eq(calculated.as_bytes(), self.signature.as_bytes()) {
            return Err(AuthError::SignatureMismatch);
        }
        Ok(Authenticated {
            scope: self.scope,
            session_token: self.session_token,
            signed_at_ms: self.expires.saturating_mul(1_000),
            presigned: true,
        })
    }
}

impl fmt::Debug for LegacyClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyClaim").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// Whether a parameter, its name encoded, stands for a header of AWS's: readers of headers know no case.
fn is_amz(name: &str) -> bool {
    name.get(..AMZ.len()).is_some_and(|start| start.eq_ignore_ascii_case(AMZ))
}

/// Whether it is written as it is signed: in lower case, and not encoded.
fn is_signed_amz(name: &str) -> bool {
    name.starts_with(AMZ) && !name.bytes().any(|byte| byte == b'%' || byte.is_ascii_uppercase())
}

/// A value that is not several lines of the signed text, as no header's is: it could be taken for other parameters.
fn one_line(value: Cow<'_, str>) -> Result<Cow<'_, str>, AuthError> {
    if value.contains(['\r', '\n']) { Err(AuthError::SignatureMismatch) } else { Ok(value) }
}

/// A line for each header of AWS's, whether it is a header or a parameter that stands for one, ordered by name.
fn amz_lines(headers: &HeaderMap, query: &Query) -> Result<String, AuthError> {
    let mut lines = Vec::new();
    for name in headers.keys().filter(|name| name.as_str().starts_with(AMZ)) {
        let values = headers.get_all(name).iter().map(|value| {
            let text = std::str::from_utf8(value.as_bytes());
            text.map(str::trim).map_err(|_| AuthError::NotText { what: name.as_str().to_owned() })
        });
        lines.push((name.as_str(), values.collect::<Result<Vec<_>, _>>()?.join(",")));
    }
    for name in query.names().filter(|name| is_signed_amz(name)) {
        let value = one_line(query.get(name)?.unwrap_or_default())?;
        if lines.iter().any(|(known, _)| *known == name) {
            return Err(AuthError::Repeated { what: name.to_owned() });
        }
        lines.push((name, value.into_owned()));
    }
    lines.sort_unstable();
    let mut text = String::new();
    for (name, value) in &lines {
        for piece in [name, ":", value, "\n"] {
            text.push_str(piece);
        }
    }
    Ok(text)
}

/// The path as it was sent, and the parameters that are signed.
fn resource(path: &str, query: &Query) -> Result<String, AuthError> {
    let mut resource = path.to_owned();
    let mut separator = '?';
    for name in SIGNED_PARAMETERS {
        if let Some(value) = query.get(name)? {
            resource.push(separator);
            resource.push_str(name);
            if !value.is_empty() {
                resource.push('=');
                resource.push_str(&value);
            }
            separator = '&';
        }
    }
    Ok(resource)
}

/// Base64 (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits =
            three.iter().chain([&0, &0]).take(3).fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        for at in 0..4 {
            if at <= three.len() {
                text.push(char::from(ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}
