//! What identity providers publish, read over HTTPS: one request on a connection of its own, within bounds.
//!
//! Who may name a provider makes this server call an address of their choice. So it calls public ones only, follows no
//! redirects, and shows nothing of the answer but whether its keys fit. In development it calls this machine and its
//! private networks too, this machine without TLS as well.

mod trust;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use rustls::pki_types::ServerName;
use strongroom_iam::{ProviderDocuments, Unread};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::outward::address::Reach;
use crate::outward::{self, AGENT, Place, Unanswered};
use trust::Authorities;

/// The time that a document may take, from looking up the name to its last byte.
const TIME: Duration = Duration::from_secs(5);

/// The most bytes of a document.
const MOST: usize = 256 * 1024;

/// Documents where their providers publish them.
pub(crate) struct PublishedDocuments {
    reach: Reach,
    authorities: Authorities,
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
        let place = Place::parse(url).filter(|place| place.credentials.is_none());
        let place = place.ok_or_else(|| Unread(format!("{url:?} is no URL of a document")))?;
        let admits = |address: SocketAddr| self.reach.covers(address.ip(), place.is_tls);
        let address = place.address(admits).await.map_err(|error| unread(&place, error))?;
        let stream = TcpStream::connect(address).await.map_err(|error| unread(&place, error))?;
        if !place.is_tls {
            return exchange(&place, stream).await;
        }
        let config = self.authorities.trusting(thumbprints).map_err(|error| unread(&place, error))?;
        let name = ServerName::try_from(place.host.clone()).map_err(|error| unread(&place, error))?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        exchange(&place, stream.map_err(|error| unread(&place, error))?).await
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
        .body(Full::<Bytes>::default())
        .map_err(|error| unread(place, error))?;
    let answered = outward::exchange(stream, request, |response| async {
        if response.status() != StatusCode::OK {
            return Err(Unanswered::new(format!("it answers {}", response.status())));
        }
        let body = Limited::new(response.into_body(), MOST).collect().await;
        Ok(body.map_err(Unanswered::new)?.to_bytes().to_vec())
    });
    answered.await.map_err(|error| unread(place, error))
}

fn unread(place: &Place, why: impl std::fmt::Display) -> Unread {
    Unread(format!("{}: {why}", place.authority))
}

#[cfg(test)]
mod tests;
