//! Requests to verify: signed by AWS's own signer, or put together by hand.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use strongroom_secret::SecretString;
use strongroom_sigv4::{AuthError, Authenticated, Claim, Expected, RequestHead, SigningKey};

pub(crate) const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const SERVICE: &str = "kms";

/// 30 August 2015, 12:36:00 UTC.
pub(crate) const NOW: i64 = 1_440_938_160_000;

/// A request as the server has it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) path_and_query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// A request of the named headers, whose signature is not looked at.
    pub(crate) fn with(path_and_query: &str, headers: &[(&str, &str)]) -> Self {
        let mut received = Self {
            method: Method::POST,
            path_and_query: path_and_query.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
        };
        for (name, value) in headers {
            received.add(name, value);
        }
        received
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.headers.remove(name);
        self.add(name, value);
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        std::str::from_utf8(self.headers.get(name).unwrap().as_bytes()).unwrap()
    }

    pub(crate) fn replace_in_header(&mut self, name: &str, from: &str, to: &str) {
        let value = self.header(name).replace(from, to);
        self.set(name, &value);
    }

    pub(crate) fn parse(&self, now_ms: i64, expected: &Expected<'_>) -> Result<Claim, AuthError> {
        let head = RequestHead {
            method: &self.method,
            path_and_query: &self.path_and_query,
            headers: &self.headers,
        };
        Claim::parse(&head, now_ms, expected)
    }

    /// Reads and verifies with [`SECRET`].
    pub(crate) fn verify(&self, now_ms: i64, expected: &Expected<'_>) -> Result<Authenticated, AuthError> {
        let claim = self.parse(now_ms, expected)?;
        let key = key_for(&claim, SECRET);
        claim.verify(&key, self.body.as_slice())
    }

    /// Reads it for [`SERVICE`] at [`NOW`] and gives the cause for which it is refused.
    pub(crate) fn refusal(&self) -> AuthError {
        self.parse(NOW, &kms()).unwrap_err()
    }
}

pub(crate) fn key_for(claim: &Claim, secret: &str) -> SigningKey {
    let scope = claim.scope();
    SigningKey::derive(&SecretString::new(secret.to_owned()), scope.date(), scope.region(), scope.service())
}

/// Takes [`SERVICE`] in [`REGION`].
pub(crate) fn kms() -> Expected<'static> {
    Expected::service(SERVICE, &|region| region == REGION)
}

/// Takes S3 in [`REGION`].
pub(crate) fn s3() -> Expected<'static> {
    Expected::s3(&|region| region == REGION)
}

/// What AWS's signer is told.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) method: &'static str,
    pub(crate) path_and_query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) session_token: Option<String>,
    /// Seconds; a URL is signed.
    pub(crate) expires: Option<u64>,
    pub(crate) service: &'static str,
    pub(crate) signed_at_ms: i64,
    pub(crate) unsigned_payload: bool,
    pub(crate) state_payload: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            method: "POST",
            path_and_query: "/".to_owned(),
            headers: vec![
                ("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()),
                ("x-amz-target".to_owned(), "TrentService.ListKeys".to_owned()),
            ],
            body: b"{}".to_vec(),
            session_token: None,
            expires: None,
            service: SERVICE,
            signed_at_ms: NOW,
            unsigned_payload: false,
            state_payload: false,
        }
    }
}

impl Order {
    /// Has AWS's signer sign the request, by the rules of its service.
    pub(crate) fn sign(&self) -> Received {
        let uri = format!("https://example.amazonaws.com{}", self.path_and_query);
        let mut request =
            Request::builder().method(self.method).uri(&uri).header("host", "example.amazonaws.com");
        for (name, value) in &self.headers {
            request = request.header(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let mut request = request.body(()).unwrap();

        let identity = Credentials::from_keys(ACCESS_KEY_ID, SECRET, self.session_token.clone()).into();
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        if self.state_payload {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        if let Some(seconds) = self.expires {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(seconds));
        }
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(self.signed_at_ms.unsigned_abs());
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(self.service)
            .time(time)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let body = if self.unsigned_payload {
            SignableBody::UnsignedPayload
        } else {
            SignableBody::Bytes(&self.body)
        };
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8(value.as_bytes().to_vec()).unwrap()))
            .collect();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let signable = SignableRequest::new(self.method, uri, headers, body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);

        let (parts, ()) = request.into_parts();
        Received {
            method: parts.method,
            path_and_query: parts.uri.path_and_query().unwrap().as_str().to_owned(),
            headers: parts.headers,
            body: self.body.clone(),
        }
    }
}
