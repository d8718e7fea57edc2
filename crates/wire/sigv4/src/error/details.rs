//! What S3 says beside the text of an error, to those who look for what they signed otherwise.

use strongroom_crypto::digest::sha256;

use crate::canonical::{self, Query, SignedHeaders};
use crate::payload::hex;
use crate::presented::{ALGORITHM, Presented};
use crate::timestamp::{Extended, Timestamp};
use crate::{AuthError, CredentialScope, Expected, PayloadMode, PayloadRules, RequestHead, presigned};

impl AuthError {
    /// Elements beside the text, by name, in the order in which S3 has them. They repeat what the caller sent, and what
    /// anybody could make of it; nothing in them comes from a secret.
    #[must_use]
    pub fn details(
        &self,
        head: &RequestHead<'_>,
        now_ms: i64,
        expected: &Expected<'_>,
    ) -> Vec<(&'static str, String)> {
        let query = head.path_and_query.split_once('?').map_or("", |(_, query)| query);
        let Ok(query) = Query::parse(query) else { return Vec::new() };
        let Ok(presented) = Presented::read(head.headers, &query) else { return Vec::new() };
        let server_time = || ("ServerTime", Extended(now_ms.div_euclid(1_000)).to_string());
        match self {
            Self::SignatureMismatch => signed(head, &query, presented, expected).unwrap_or_default(),
            Self::UnknownAccessKey => key_id(&presented).into_iter().collect(),
            Self::SignatureExpired { presigned: true, signed_at, lifetime, .. } => vec![
                ("X-Amz-Expires", lifetime.to_string()),
                ("Expires", Extended(signed_at.saturating_add(*lifetime)).to_string()),
                server_time(),
            ],
            Self::SignatureExpired { .. } | Self::NotYetCurrent { .. } => vec![
                ("RequestTime", presented.date.into_owned()),
                server_time(),
                ("MaxAllowedSkewMilliseconds", (expected.skew_seconds * 1_000).to_string()),
            ],
            Self::HeaderNotSigned { name } => vec![("HeadersNotSigned", name.clone())],
            Self::HostNotSigned => vec![("HeadersNotSigned", "host".to_owned())],
            _ => Vec::new(),
        }
    }
}

fn key_id(presented: &Presented<'_>) -> Option<(&'static str, String)> {
    let scope = CredentialScope::parse(&presented.credential)?;
    Some(("AWSAccessKeyId", scope.access_key_id().to_owned()))
}

/// What was to be signed.
fn signed(
    head: &RequestHead<'_>,
    query: &Query,
    presented: Presented<'_>,
    expected: &Expected<'_>,
) -> Option<Vec<(&'static str, String)>> {
    let key_id = key_id(&presented)?;
    let scope = CredentialScope::parse(&presented.credential)?;
    let date: Timestamp = presented.timestamp?;
    let headers = SignedHeaders::parse(presented.signed_headers).ok()?;
    let path = head.path_and_query.split('?').next().unwrap_or_default();
    let mut request = canonical::text(
        head.method,
        (path, expected.path),
        (query, presented.presigned.then_some(presigned::SIGNATURE)),
        (head.headers, &headers),
    );
    let mode = match &presented.payload {
        Some(stated) => PayloadMode::stated(stated, expected.payload).ok()?,
        None if expected.payload == PayloadRules::AsStated => PayloadMode::Unsigned,
        None => return None,
    };
    let none: &[u8] = b"";
    mode.write(none.into(), |line| request.extend_from_slice(line));
    let digest = hex(&sha256(&request));
    let date = String::from_utf8_lossy(date.basic());
    let digest = String::from_utf8_lossy(&digest);
    let text = format!("{ALGORITHM}\n{date}\n{}\n{digest}", scope.signed_text());
    Some(vec![
        key_id,
        ("StringToSign", text.clone()),
        ("SignatureProvided", presented.signature.into_owned()),
        ("StringToSignBytes", octets(text.as_bytes())),
        ("CanonicalRequest", String::from_utf8_lossy(&request).into_owned()),
        ("CanonicalRequestBytes", octets(&request)),
    ])
}

/// Bytes in hexadecimal, one by one, as S3 shows them.
fn octets(bytes: &[u8]) -> String {
    let shown: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    shown.join(" ")
}
