//! Pages in browsers that call from another origin: what the [Fetch standard] calls the CORS protocol.
//!
//! A browser asks first, with a *preflight*, whether a page may send what it wants to send; and it shows the
//! page only answers that name the page's origin. Cookies are never involved: a call is signed.
//!
//! [Fetch standard]: https://fetch.spec.whatwg.org/#http-cors-protocol

mod origins;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, AsHeaderName, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

pub use self::origins::{InvalidOrigin, Origins};

/// The methods that AWS's protocols use.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE");

/// Headers of an answer that pages may read, beside those that they always may.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "date, etag, smithy-protocol, x-amzn-requestid, x-amzn-errortype, x-amzn-query-error, x-amz-request-id, x-amz-id-2, \
     x-strongroom-encoded-authorization-message",
);

/// Seconds for which a browser need not ask again: as many as the strictest of them keeps an answer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// What the answer to a preflight depends on, and any other.
const PREFLIGHT_VARY: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

/// How many names of a preflight are looked at, and the bytes that one may have.
const NAMES: usize = 64;
const NAME_LENGTH: usize = 128;

/// Who may call at one path, and with which headers.
pub(crate) struct Policy<'s> {
    /// Whose pages.
    pub(crate) origins: &'s Origins,
    /// A header that they may send beside those of AWS's protocols.
    pub(crate) header: Option<&'static str>,
}

/// Whether a browser asks if it may send a request, instead of sending it.
pub(crate) fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(ORIGIN)
        && parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The header's value, if there is exactly one.
pub(crate) fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

impl Policy<'_> {
    /// Answers a preflight.
    pub(crate) fn preflight(&self, request: &HeaderMap) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        let Some(origin) = self.allowed(request) else {
            *response.status_mut() = StatusCode::FORBIDDEN;
            return response;
        };
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        if let Some(names) = self.allowed_names(request) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        headers.insert(VARY, PREFLIGHT_VARY);
        response
    }

    /// Lets the page that sent the request read its answer, if it may.
    pub(crate) fn share<B>(&self, request: &HeaderMap, response: &mut Response<B>) {
        if let Some(origin) = self.allowed(request) {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            headers.append(VARY, VARY_ORIGIN);
        }
    }

    /// The origin of the request, if it may call.
    fn allowed<'r>(&self, request: &'r HeaderMap) -> Option<&'r HeaderValue> {
        only(request, ORIGIN).filter(|origin| self.origins.allow(origin))
    }

    /// Those of the headers that a preflight asks for that may be sent. Others are left out: browsers then
    /// refuse the request, and say which header it was.
    fn allowed_names(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let values = request.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
        let asked = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let names: Vec<_> = asked
            .take(NAMES)
            .map(str::trim)
            .filter(|name| name.len() <= NAME_LENGTH)
            .filter_map(|name| HeaderName::try_from(name).ok())
            .filter(|name| self.header == Some(name.as_str()) || is_of_aws(name.as_str()))
            .collect();
        let names: Vec<_> = names.iter().map(HeaderName::as_str).collect();
        if names.is_empty() { None } else { HeaderValue::try_from(names.join(", ")).ok() }
    }
}

/// Whether AWS's SDKs for browsers send a header of that name, in lower case.
fn is_of_aws(name: &str) -> bool {
    matches!(name, "authorization" | "content-type" | "smithy-protocol" | "x-amzn-query-mode")
        || name.starts_with("x-amz-")
        || name.starts_with("amz-sdk-")
}
