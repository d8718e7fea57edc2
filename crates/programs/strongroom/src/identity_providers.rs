//! What identity providers publish, read over HTTPS: one request on a connection of its own, within bounds.
//!
//! Who may name a provider makes this server call an address of their choice. So it calls public ones only, follows no
//! redirects, and shows nothing of the answer but whether its keys fit. In development it calls this machine and its
//! private networks too, this machine without TLS as well.

mod address;
mod trust;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use strongroom_iam::{ProviderDocuments, Unread};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use address::Reach;
use trust::Authorities;

/// The time that a document may take, from looking up the name to its last byte.
const TIME: Duration = Duration::from_secs(5);

/// The most bytes of a document.
const MOST: usize = 256 * 1024;

/// What the requests say they come from.
const AGENT: &str = concat!("strongroom/", env!("CARGO_PKG_VERSION"));

/// Documents where their providers publish them.
pub(crate) struct PublishedDocuments {
    reach: Reach,
    authorities: Authorities,
}

/// Where a document is.
struct Place {
    is_tls: bool,
    host: String,
    port: u16,
    /// `Host` of the request.
    authority: String,
    path: String,
}

impl PublishedDocuments {
    /// Documents of providers in public, read over TLS.
    pub(crate) fn in_public() -> Self {
        Self { reach: Reach::Public, authorities: Authorities::of_system() }
    }

    /// Documents of providers anywhere, this machine and its networks included: for development.
    pub(crate) fn in_development() -> Self {
        Self { reach: Reach::LocalToo, authorities: Authorities::of_system() }
    }

    async fn fetch(&self, url: &str, thumbprints: &[String]) -> Result<Vec<u8>, Unread> {
        let place = Place::parse(url)?;
        let address = self.address(&place).await?;
        let stream = TcpStream::connect(address).await.map_err(|error| unread(&place, error))?;
        if !place.is_tls {
            return exchange(&place, stream).await;
        }
        let config = self.authorities.trusting(thumbprints).map_err(|error| unread(&place, error))?;
        let name = ServerName::try_from(place.host.clone()).map_err(|error| unread(&place, error))?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        exchange(&place, stream.map_err(|error| unread(&place, error))?).await
    }

    /// An address of the host that may be called. The connection goes to the very address that was looked at: a name may
    /// mean another one a moment later.
    async fn address(&self, place: &Place) -> Result<SocketAddr, Unread> {
        let found = lookup_host((place.host.as_str(), place.port)).await;
        let found: Vec<_> = found.map_err(|error| unread(place, error))?.collect();
        let allowed = found.iter().find(|address| self.reach.covers(address.ip(), place.is_tls));
        allowed.copied().ok_or_else(|| unread(place, "it is at no address that this server calls"))
    }
}

#[async_trait]
impl ProviderDocuments for PublishedDocuments {
    async fn read(&self, url: &str, thumbprints: &[String]) -> Result<Vec<u8>, Unread> {
        let fetched = tokio::time::timeout(TIME, self.fetch(url, thumbprints)).await;
        fetched
            .unwrap_or_else(|_late| Err(Unread(format!("{url} did not answer within {} s", TIME.as_secs()))))
    }

    fn reaches_local(&self) -> bool {
        self.reach == Reach::LocalToo
    }
}

impl Place {
    fn parse(url: &str) -> Result<Self, Unread> {
        let bad = || Unread(format!("{url:?} is no URL of a document"));
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let (is_tls, usual_port) = match uri.scheme_str() {
            Some("https") => (true, 443),
            Some("http") => (false, 80),
            _ => return Err(bad()),
        };
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(bad)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        let port = authority.port_u16().unwrap_or(usual_port);
        Ok(Self { is_tls, host, port, authority: authority.as_str().to_owned(), path })
    }
}

/// Asks for the document, and reads it.
async fn exchange<S>(place: &Place, stream: S) -> Result<Vec<u8>, Unread>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = Request::get(place.path.as_str())
        .header(HOST, place.authority.as_str())
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, AGENT)
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| unread(place, error))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| unread(place, error))?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(|error| unread(place, error))?;
        if response.status() != StatusCode::OK {
            return Err(unread(place, format!("it answers {}", response.status())));
        }
        let body = Limited::new(response.into_body(), MOST).collect().await;
        Ok(body.map_err(|error| unread(place, error))?.to_bytes().to_vec())
    };
    let (mut answered, mut connection) = (pin!(answered), pin!(connection));
    tokio::select! {
        answer = &mut answered => answer,
        // What has come by then is there to be read.
        _ = &mut connection => answered.await,
    }
}

fn unread(place: &Place, why: impl std::fmt::Display) -> Unread {
    Unread(format!("{}: {why}", place.authority))
}

#[cfg(test)]
mod tests;
