//! What is asked of this server and not of a service: the paths of its own.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::connection::Turn;
use crate::cors::Policy;
use crate::{DevTools, Document, Documents, Server, dev, health};

/// The form of metrics: https://prometheus.io/docs/specs/om/open_metrics_spec/
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What others than those who may read the metrics are told.
const NO_SCRAPER: &str =
    "Metrics are not for this address; the server's setting [metrics] allow names those that may read them.";

/// What is told who comes when his connection is about to be closed in favour of others.
const BUSY: &str = "The server is busy. Try again in a moment.";

/// A path of our own.
enum OwnPath<'s> {
    Health,
    Metrics,
    /// What tools written for LocalStack ask.
    LocalStackHealth,
    /// What a service shows to anybody.
    Document(&'s Arc<dyn Documents>),
    Clock(&'s Arc<dyn DevTools>),
    Reset(&'s Arc<dyn DevTools>),
    Faults(&'s Arc<dyn DevTools>),
    /// One fault, by its id.
    Fault(&'s Arc<dyn DevTools>, &'s str),
}

impl OwnPath<'_> {
    fn is_dev(&self) -> bool {
        matches!(self, Self::Clock(_) | Self::Reset(_) | Self::Faults(_) | Self::Fault(..))
    }

    /// The methods that the path takes, as `Allow` lists them.
    fn methods(&self) -> &'static str {
        match self {
            Self::Health | Self::LocalStackHealth | Self::Metrics | Self::Document(_) => "GET, HEAD",
            Self::Clock(_) => "GET, HEAD, POST",
            Self::Reset(_) => "POST",
            Self::Faults(_) => "GET, HEAD, POST, DELETE",
            Self::Fault(..) => "DELETE",
        }
    }

    fn takes(&self, method: &Method) -> bool {
        self.methods().split(", ").any(|taken| taken == method.as_str())
    }
}

impl Server {
    /// Answers what is asked at a path of our own; `None` at any other.
    pub(crate) async fn answer_own(
        self: &Arc<Self>,
        parts: &Parts,
        body: &mut Incoming,
        source: IpAddr,
        turn: &mut Turn,
    ) -> Option<Response<Bytes>> {
        let path = self.own_path(parts)?;
        if path.is_dev() {
            if let Err(message) = dev::guard(parts, source) {
                return Some(refusal(StatusCode::FORBIDDEN, message));
            }
            if !turn.work() {
                return Some(refusal(StatusCode::SERVICE_UNAVAILABLE, BUSY));
            }
        }
        if !path.takes(&parts.method) {
            return Some(not_allowed(path.methods()));
        }
        Some(match path {
            OwnPath::Health => health::ours(self).await,
            OwnPath::Metrics if self.scrapers().include(source) => metrics(self),
            OwnPath::Metrics => refusal(StatusCode::FORBIDDEN, NO_SCRAPER),
            OwnPath::LocalStackHealth => health::of_localstack(self).await,
            OwnPath::Document(documents) => document(&**documents, parts.uri.path()).await,
            OwnPath::Clock(tools) if parts.method == Method::POST => dev::advance(self, tools, body).await,
            OwnPath::Clock(tools) => dev::clock(&**tools),
            OwnPath::Reset(tools) => dev::reset(self, tools, body).await,
            OwnPath::Faults(tools) if parts.method == Method::POST => {
                dev::faults::set(self, tools, body).await
            }
            OwnPath::Faults(tools) if parts.method == Method::DELETE => {
                dev::faults::clear(self, tools, None).await
            }
            OwnPath::Faults(tools) => dev::faults::list(tools).await,
            OwnPath::Fault(tools, id) => dev::faults::clear(self, tools, Some(id)).await,
        })
    }

    /// Which pages of other origins may send the request.
    pub(crate) fn policy(&self, parts: &Parts) -> Policy<'_> {
        if self.own_path(parts).is_some_and(|path| path.is_dev()) {
            Policy { origins: &dev::ORIGINS, header: Some(dev::HEADER) }
        } else {
            Policy { origins: self.origins(), header: None }
        }
    }

    /// The path of our own that is asked for; those of dev mode are there in dev mode only.
    fn own_path<'s>(&'s self, parts: &'s Parts) -> Option<OwnPath<'s>> {
        match parts.uri.path() {
            "/_strongroom/metrics" => Some(OwnPath::Metrics),
            "/_strongroom/health" => Some(OwnPath::Health),
            "/_localstack/health" => Some(OwnPath::LocalStackHealth),
            "/_strongroom/clock" => self.dev().map(OwnPath::Clock),
            "/_strongroom/reset" => self.dev().map(OwnPath::Reset),
            "/_strongroom/faults" => self.dev().map(OwnPath::Faults),
            path if self.documents().is_some_and(|documents| documents.covers(path)) => {
                self.documents().map(OwnPath::Document)
            }
            path => {
                let id = path.strip_prefix("/_strongroom/faults/")?;
                self.dev().map(|tools| OwnPath::Fault(tools, id))
            }
        }
    }
}

/// What is at a path that documents cover.
async fn document(documents: &dyn Documents, path: &str) -> Response<Bytes> {
    match documents.read(path).await {
        Ok(Some(Document { content_type, text })) => {
            let mut response = Response::new(Bytes::from(text));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            response
        }
        Ok(None) => refusal(StatusCode::NOT_FOUND, "There is no such document."),
        Err(error) => {
            tracing::warn!(path, %error, "a document cannot be shown");
            refusal(StatusCode::SERVICE_UNAVAILABLE, BUSY)
        }
    }
}

/// The figures of this moment.
fn metrics(server: &Server) -> Response<Bytes> {
    let Ok(text) = server.metrics().text(&server.figures()) else {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "The metrics cannot be written.");
    };
    let mut response = Response::new(Bytes::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
    response
}

/// An answer of our own.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A refusal of our own, in a sentence for people.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Response<Bytes> {
    answer(status, &json!({ "message": message }))
}

fn not_allowed(methods: &'static str) -> Response<Bytes> {
    let message = format!("This path takes {methods} only.");
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, &message);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}
