//! Requests signed by AWS's own signer.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign as sign_request,
};
use aws_sigv4::sign::v4;
use http_body_util::Full;
use hyper::body::Bytes;

use crate::rig::{ACCESS_KEY_ID, HOST, NOW_MS, SECRET};

/// What is to be signed, and how.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) service: &'static str,
    pub(crate) region: &'static str,
    pub(crate) access_key_id: &'static str,
    pub(crate) secret: &'static str,
    pub(crate) session_token: Option<&'static str>,
    pub(crate) signed_at_ms: i64,
    /// Seconds; the URL is signed.
    pub(crate) expires: Option<u64>,
    /// What is signed of the body instead of its digest (S3).
    pub(crate) payload: Option<&'static str>,
}

impl Order {
    fn new(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST",
            target: "/".to_owned(),
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
            service: "doors",
            region: "us-east-1",
            access_key_id: ACCESS_KEY_ID,
            secret: SECRET,
            session_token: None,
            signed_at_ms: NOW_MS,
            expires: None,
            payload: None,
        }
    }

    /// A call of S3.
    pub(crate) fn s3(method: &'static str, target: &str, body: impl Into<Vec<u8>>) -> Self {
        let target = target.to_owned();
        Self { method, target, headers: Vec::new(), service: "s3", ..Self::new("", body) }
    }

    /// A call in JSON 1.1.
    pub(crate) fn json(operation: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::json_target(&format!("com.example.Doors_20200101.{operation}"), body)
    }

    /// A call in JSON 1.1 to any target.
    pub(crate) fn json_target(target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new("application/x-amz-json-1.1", body).header("x-amz-target", target)
    }

    /// A call in JSON 1.0.
    pub(crate) fn json_10(operation: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut order = Self::json(operation, body);
        "application/x-amz-json-1.0".clone_into(&mut order.headers[0].1);
        order
    }

    /// A call in CBOR.
    pub(crate) fn cbor(operation: &str, body: &[u8]) -> Self {
        let target = format!("/service/com.example.Doors_20200101/operation/{operation}");
        Self { target, ..Self::new("application/cbor", body) }.header("smithy-protocol", "rpc-v2-cbor")
    }

    /// A call in the query protocol; `form` is what follows action and version.
    pub(crate) fn query(operation: &str, form: &str) -> Self {
        Self::form(format!("Action={operation}&Version=2020-01-01{form}"))
    }

    /// A form.
    pub(crate) fn form(form: impl Into<Vec<u8>>) -> Self {
        Self::new("application/x-www-form-urlencoded; charset=utf-8", form)
    }

    /// A call in the query protocol whose URL is signed.
    pub(crate) fn url(operation: &str, query: &str) -> Self {
        Self {
            method: "GET",
            target: format!("/?Action={operation}&Version=2020-01-01{query}"),
            headers: Vec::new(),
            expires: Some(60),
            ..Self::form("")
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn sign(&self) -> Request {
        let identity = Credentials::new(
            self.access_key_id,
            self.secret,
            self.session_token.map(str::to_owned),
            None,
            "tests",
        )
        .into();
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        if let Some(seconds) = self.expires {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(seconds));
        }
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(SystemTime::UNIX_EPOCH + Duration::from_millis(self.signed_at_ms.unsigned_abs()))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let uri = format!("http://{HOST}{}", self.target);
        let host = ("host".to_owned(), HOST.to_owned());
        let mut headers: Vec<_> = std::iter::once(host).chain(self.headers.iter().cloned()).collect();
        let signable = SignableRequest::new(
            self.method,
            &uri,
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
            match self.payload {
                None if self.service == "s3" && self.expires.is_some() => SignableBody::UnsignedPayload,
                None => SignableBody::Bytes(&self.body),
                Some(payload) => SignableBody::Precomputed(payload.to_owned()),
            },
        )
        .unwrap();
        let (instructions, _) = sign_request(signable, &parameters).unwrap().into_parts();
        let mut signed = http::Request::builder().method(self.method).uri(&uri).body(()).unwrap();
        instructions.apply_to_request_http1x(&mut signed);
        for (name, value) in signed.headers() {
            headers.push((name.to_string(), value.to_str().unwrap().to_owned()));
        }
        Request {
            method: self.method,
            target: signed.uri().path_and_query().unwrap().as_str().to_owned(),
            headers,
            body: self.body.clone(),
        }
    }
}

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The same request with a header altered, or removed, after it was signed.
    pub(crate) fn alter(mut self, name: &str, alter: impl FnOnce(&str) -> Option<String>) -> Self {
        let at = self.headers.iter().position(|(known, _)| known == name).unwrap();
        match alter(&self.headers[at].1) {
            Some(value) => self.headers[at].1 = value,
            None => drop(self.headers.remove(at)),
        }
        self
    }

    pub(crate) fn without(self, name: &str) -> Self {
        self.alter(name, |_| None)
    }

    /// The bytes of HTTP/1.1.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head(&format!("content-length: {}", self.body.len()));
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The bytes of HTTP/1.1 up to the body, with one more line.
    pub(crate) fn head(&self, line: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head.push_str(line);
        head.push_str("\r\n\r\n");
        head.into_bytes()
    }

    /// The request as HTTP/2 clients have it: the host is in the URI.
    pub(crate) fn http2(&self) -> http::Request<Full<Bytes>> {
        let uri = format!("http://{HOST}{}", self.target);
        let mut request =
            http::Request::builder().method(self.method).uri(uri).version(http::Version::HTTP_2);
        for (name, value) in self.headers.iter().filter(|(name, _)| name != "host") {
            request = request.header(name, value);
        }
        request.body(Full::new(self.body.clone().into())).unwrap()
    }
}
