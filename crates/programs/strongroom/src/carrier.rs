//! What takes SNS's messages to their endpoints: HTTP requests, and mails through the operator's mail server.
//!
//! Who may subscribe makes this server call an address of his choice. So it calls public addresses, and of others those whose
//! networks the operator names; the connection goes to the very address that was looked at, no redirect is followed, and
//! nothing is read of the answer but its status.

mod mail;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, HOST};
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use strongroom_sns::{Carrier, Mail, Undelivered};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) use self::mail::{MailServer, Post};
use crate::escapes;
use crate::outward::address::is_public;
use crate::outward::{self, Place, Unanswered};

/// The time that a request may take, from looking up the name to the answer's head (SNS Developer Guide, "Amazon SNS message
/// delivery retries").
const TIME: Duration = Duration::from_secs(15);

/// Carries messages.
pub(crate) struct Endpoints {
    reach: Reach,
    /// TLS with those whom the system's authorities vouch for; nobody, where it has none.
    tls: Option<Arc<ClientConfig>>,
    post: Option<Post>,
}

/// Which addresses are called: public ones, and these.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach(Vec<IpNet>);

impl Reach {
    /// Public addresses, and those of the networks.
    pub(crate) fn public_and(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Public addresses and this machine: for development.
    pub(crate) fn this_machine_too() -> Self {
        let v4 = Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 0, 0, 0), 8);
        let v6 = Ipv6Net::new_assert(std::net::Ipv6Addr::LOCALHOST, 128);
        Self(vec![v4.into(), v6.into()])
    }

    fn covers(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.0.iter().any(|network| network.contains(&address))
    }
}

impl Endpoints {
    /// Carries to those addresses, and mails through that server, if there is one.
    pub(crate) fn new(reach: Reach, post: Option<Post>) -> Self {
        Self { reach, tls: tls(), post }
    }

    async fn send(&self, place: &Place, request: Request<Full<Bytes>>) -> Result<u16, Unanswered> {
        let address = place.address(|address: SocketAddr| self.reach.covers(address.ip())).await?;
        let stream = TcpStream::connect(address).await.map_err(Unanswered::new)?;
        if !place.is_tls {
            return status_of(stream, request).await;
        }
        let tls = self.tls.clone().ok_or_else(|| Unanswered::new("this machine trusts no authority"))?;
        let name = ServerName::try_from(place.host.clone()).map_err(Unanswered::new)?;
        let stream = TlsConnector::from(tls).connect(name, stream).await.map_err(Unanswered::new)?;
        status_of(stream, request).await
    }
}

async fn status_of<S>(stream: S, request: Request<Full<Bytes>>) -> Result<u16, Unanswered>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    outward::exchange(stream, request, |response| async move { Ok(response.status().as_u16()) }).await
}

#[async_trait]
impl Carrier for Endpoints {
    fn admits(&self, url: &str) -> bool {
        let Some(place) = Place::parse(url) else { return false };
        let host = place.host.to_ascii_lowercase();
        match host.parse::<IpAddr>() {
            Ok(address) => self.reach.covers(address),
            // Names that lead to this machine and nowhere else (RFC 6761).
            Err(_) if host == "localhost" || host.ends_with(".localhost") => {
                self.reach.covers(std::net::Ipv4Addr::LOCALHOST.into())
            }
            Err(_) => true,
        }
    }

    fn sends_mail(&self) -> bool {
        self.post.is_some()
    }

    async fn post(
        &self,
        url: &str,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<u16, Undelivered> {
        let place = Place::parse(url).ok_or_else(|| Undelivered::for_good("the endpoint is no URL"))?;
        let request = request_to(&place, headers, body)
            .map_err(|error| Undelivered::for_good(format!("the request cannot be written: {error}")))?;
        match tokio::time::timeout(TIME, self.send(&place, request)).await {
            Ok(Ok(status)) => Ok(status),
            Ok(Err(error)) => Err(Undelivered::for_now(format!("the endpoint does not answer: {error}"))),
            Err(_) => {
                Err(Undelivered::for_now(format!("the endpoint did not answer within {} s", TIME.as_secs())))
            }
        }
    }

    async fn mail(&self, mail: Mail) -> Result<(), Undelivered> {
        let post = self.post.as_ref().ok_or_else(|| Undelivered::for_now("this server sends no mail"))?;
        post.send(mail).await
    }
}

fn request_to(
    place: &Place,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
) -> Result<Request<Full<Bytes>>, http::Error> {
    let mut request =
        Request::post(place.path.as_str()).header(HOST, place.authority.as_str()).header(CONNECTION, "close");
    if let Some(credentials) = &place.credentials {
        let mut value =
            HeaderValue::try_from(format!("Basic {}", STANDARD.encode(escapes::undone(credentials))))?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    for (name, value) in headers {
        request = request.header(HeaderName::from_static(name), value);
    }
    request.body(Full::new(Bytes::from(body)))
}

/// TLS as a client whom nobody knows.
fn tls() -> Option<Arc<ClientConfig>> {
    let roots = strongroom_client::authorities()
        .inspect_err(|error| tracing::info!(%error, "messages cannot be carried to HTTPS endpoints"))
        .ok()?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Some(Arc::new(config))
}

#[cfg(test)]
mod tests;
