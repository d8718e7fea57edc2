//! Health, for people and for tools that wait until the server is up.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};

use crate::Server;

/// Our own path.
const OURS: &str = "/_strongroom/health";

/// The path that tools written for LocalStack ask.
const LOCALSTACK: &str = "/_localstack/health";

/// Answers a question after the server's health; `None` if the request asks something else.
pub(crate) async fn answer(server: &Server, method: &Method, path: &str) -> Option<Response<Bytes>> {
    if !matches!(path, OURS | LOCALSTACK) {
        return None;
    }
    if !server.is_ready() {
        server.recorder().probe().await;
    }
    let ready = server.is_ready();
    let version = env!("CARGO_PKG_VERSION");
    let body = if path == OURS {
        let status = if ready { "ok" } else { "journal unavailable" };
        format!(r#"{{"status":"{status}","version":"{version}"}}"#)
    } else {
        let state = if ready { "running" } else { "error" };
        let names = server.registry().names();
        let services: Vec<_> = names.iter().map(|name| format!(r#""{name}":"{state}""#)).collect();
        let services = services.join(",");
        format!(r#"{{"services":{{{services}}},"edition":"strongroom","version":"{version}"}}"#)
    };
    let status = match (method, ready) {
        (&Method::GET | &Method::HEAD, true) => StatusCode::OK,
        (&Method::GET | &Method::HEAD, false) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::METHOD_NOT_ALLOWED,
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    Some(response)
}
