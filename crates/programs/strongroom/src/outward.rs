//! Calls that this server makes because somebody named an address: one HTTP request on a connection of its own, to the very
//! address that was looked at, following nowhere.

pub(crate) mod address;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::lookup_host;

/// What requests say they come from.
pub(crate) const AGENT: &str = concat!("strongroom/", env!("CARGO_PKG_VERSION"));

/// Where an HTTP URL leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) is_tls: bool,
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// `Host` of the request.
    pub(crate) authority: String,
    /// `user:password`, as the URL writes it.
    pub(crate) credentials: Option<String>,
    pub(crate) path: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Unanswered(Box<dyn Error + Send + Sync>);

impl Unanswered {
    pub(crate) fn new(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Place {
    /// Reads a URL of `http` or `https`; `None` for all else.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        // What follows belongs to whoever reads the answer.
        let url = url.split('#').next().unwrap_or_default();
        let uri: Uri = url.parse().ok()?;
        let (is_tls, usual_port) = match uri.scheme_str()? {
            "https" => (true, 443),
            "http" => (false, 80),
            _ => return None,
        };
        let authority = uri.authority()?;
        let (credentials, place) = match authority.as_str().rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials.to_owned()), place),
            None => (None, authority.as_str()),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
        let port = authority.port_u16().unwrap_or(usual_port);
        Some(Self { is_tls, host, port, authority: place.to_owned(), credentials, path })
    }

    /// An address of the host that may be called, of those that it has now.
    pub(crate) async fn address(
        &self,
        admits: impl Fn(SocketAddr) -> bool,
    ) -> Result<SocketAddr, Unanswered> {
        let found = lookup_host((self.host.as_str(), self.port)).await.map_err(Unanswered::new)?;
        let allowed = found.into_iter().find(|address| admits(*address));
        allowed.ok_or_else(|| Unanswered::new("it is at no address that this server calls"))
    }
}

/// Sends a request, and reads what of the answer is of interest.
pub(crate) async fn exchange<S, T, F>(
    stream: S,
    request: Request<Full<Bytes>>,
    read: impl FnOnce(Response<Incoming>) -> F,
) -> Result<T, Unanswered>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = Result<T, Unanswered>>,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Unanswered::new)?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(Unanswered::new)?;
        read(response).await
    };
    let (mut answered, mut connection) = (pin!(answered), pin!(connection));
    tokio::select! {
        answer = &mut answered => answer,
        // What has come by then is there to be read.
        _ = &mut connection => answered.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_one_place() {
        let place = Place::parse("https://me:pass%20word@Example.com:8443/a?b=c#d").unwrap();
        assert_eq!((place.is_tls, place.host.as_str(), place.port), (true, "Example.com", 8443));
        assert_eq!((place.authority.as_str(), place.path.as_str()), ("Example.com:8443", "/a?b=c"));
        assert_eq!(place.credentials.as_deref(), Some("me:pass%20word"));
        let place = Place::parse("http://[::1]").unwrap();
        assert_eq!((place.host.as_str(), place.port, place.path.as_str()), ("::1", 80, "/"));
        for url in ["", "ftp://a/", "//a/", "/a", "http://", "http:///a", "mailto:a@b", "http://a b/"] {
            assert_eq!(Place::parse(url), None, "{url}");
        }
    }
}
