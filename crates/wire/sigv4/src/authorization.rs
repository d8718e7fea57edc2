//! The `Authorization` header
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html>).

use std::borrow::Cow;

use http::HeaderMap;
use http::header::DATE;

use crate::AuthError;
use crate::limits::MAX_AUTHORIZATION_BYTES;
use crate::presented::{
    ALGORITHM, Presented, X_AMZ_CONTENT_SHA256, X_AMZ_DATE, X_AMZ_SECURITY_TOKEN, header,
};
use crate::timestamp::Timestamp;

/// Reads the header and those that belong to it.
pub(crate) fn read<'r>(authorization: &'r str, headers: &'r HeaderMap) -> Result<Presented<'r>, AuthError> {
    let parts = Parts::read(authorization)?;
    let amz_date = header(headers, &X_AMZ_DATE)?.map(|date| (date, Timestamp::iso(date)));
    let date = match amz_date {
        Some(date) => Some(date),
        None => header(headers, &DATE)?.map(|date| (date, Timestamp::http(date))),
    };
    // An empty list of signed headers is a list; it fails where the host is looked for.
    let credential = parts.credential.filter(|text| !text.is_empty());
    let signature = parts.signature.filter(|text| !text.is_empty());
    let (Some(credential), Some(signature), Some(signed_headers), Some((date, timestamp))) =
        (credential, signature, parts.signed_headers, date)
    else {
        let missing = [
            ("Credential", credential.is_none()),
            ("Signature", signature.is_none()),
            ("SignedHeaders", parts.signed_headers.is_none()),
            ("Date", date.is_none()),
        ];
        let missing = missing.into_iter().filter_map(|(name, absent)| absent.then_some(name)).collect();
        return Err(AuthError::IncompleteHeader { missing, authorization: authorization.to_owned() });
    };
    Ok(Presented {
        credential: Cow::Borrowed(credential),
        signed_headers: Cow::Borrowed(signed_headers),
        signature: Cow::Borrowed(signature),
        date: Cow::Borrowed(date),
        timestamp,
        session_token: header(headers, &X_AMZ_SECURITY_TOKEN)?.map(Cow::Borrowed),
        payload: header(headers, &X_AMZ_CONTENT_SHA256)?.map(Cow::Borrowed),
        expires: None,
        presigned: false,
    })
}

/// Gives the `Credential` parameter of a header, if it has one.
pub(crate) fn credential(authorization: &str) -> Option<&str> {
    Parts::read(authorization).ok()?.credential
}

#[derive(Default)]
struct Parts<'r> {
    credential: Option<&'r str>,
    signature: Option<&'r str>,
    signed_headers: Option<&'r str>,
}

impl<'r> Parts<'r> {
    /// Reads `ALGORITHM Name=value, ...`, separated by commas or spaces. Names that nothing is known of are
    /// passed over.
    fn read(authorization: &'r str) -> Result<Self, AuthError> {
        if authorization.len() > MAX_AUTHORIZATION_BYTES {
            return Err(AuthError::TooLong { what: "Authorization header", limit: MAX_AUTHORIZATION_BYTES });
        }
        let mut words = authorization.split(',').flat_map(str::split_ascii_whitespace);
        let algorithm = words.next().ok_or(AuthError::MissingAuthenticationToken)?;
        if algorithm != ALGORITHM {
            return Err(AuthError::UnsupportedAlgorithm { algorithm: algorithm.to_owned() });
        }
        let mut parts = Self::default();
        for word in words {
            let (name, value) = word.split_once('=').ok_or_else(|| AuthError::NotKeyValue {
                part: word.to_owned(),
                authorization: authorization.to_owned(),
            })?;
            let place = match name {
                "Credential" => &mut parts.credential,
                "Signature" => &mut parts.signature,
                "SignedHeaders" => &mut parts.signed_headers,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(AuthError::Repeated { what: name.to_owned() });
            }
        }
        Ok(parts)
    }
}
