//! Reaching the control plane.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long one address is tried.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait after the first failure.
const SHORTEST: Duration = Duration::from_millis(100);
/// How long to wait after many.
const LONGEST: Duration = Duration::from_secs(5);

/// Knows where the control plane is and how it is recognised.
pub(crate) struct Dialer {
    planes: Vec<SocketAddr>,
    tls: TlsConnector,
    pause: Duration,
    next: usize,
}

impl Dialer {
    pub(crate) fn new(planes: Vec<SocketAddr>, tls: ClientConfig) -> Self {
        Self { planes, tls: TlsConnector::from(Arc::new(tls)), pause: SHORTEST, next: 0 }
    }

    /// Tries one address after the other until one answers, with longer and longer pauses.
    pub(crate) async fn reach(&mut self) -> TlsStream<TcpStream> {
        loop {
            let Some(plane) = self.planes.get(self.next % self.planes.len().max(1)).copied() else {
                // The configuration has at least one.
                return std::future::pending().await;
            };
            match tokio::time::timeout(PATIENCE, self.dial(plane)).await {
                Ok(Ok(stream)) => return stream,
                Ok(Err(error)) => tracing::debug!(%plane, %error, "the control plane was not reached"),
                Err(_) => tracing::debug!(%plane, "the control plane did not answer in time"),
            }
            self.next += 1;
            if self.next.is_multiple_of(self.planes.len().max(1)) {
                self.wait().await;
            }
        }
    }

    /// Waits; longer every time, until [`Self::is_well`] is said.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST);
    }

    /// The control plane has taken the HSM: the next pause is short again.
    pub(crate) const fn is_well(&mut self) {
        self.pause = SHORTEST;
    }

    async fn dial(&self, plane: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(plane).await?;
        stream.set_nodelay(true)?;
        // The certificate is pinned: the name does not matter.
        self.tls.connect(ServerName::IpAddress(plane.ip().into()), stream).await
    }
}
