//! Where HSMs connect.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use strongroom_runtime::Shutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::{MOST_STRANGERS, connection};
use crate::ControlPlane;
use crate::plane::StartError;

/// The name under which the store keeps the port that HSMs were told.
const PORT: &str = "cloudhsm.fleet_port";

/// How long a connection may take for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long to wait when no connection can be accepted, for want of file descriptors for example.
const PAUSE: Duration = Duration::from_millis(100);

/// The listener of the fleet, open and not yet served.
pub(crate) struct FleetListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl ControlPlane {
    /// Opens the fleet's listener on this machine: at the port that HSMs were told before, so that those which
    /// still run find it again, or at another if that one is taken.
    pub(crate) async fn open_fleet(&self) -> Result<FleetListener, StartError> {
        let known = self.db.meta_get(PORT).await?;
        let known = known.and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_be_bytes);
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = match TcpListener::bind(at(known)).await {
            Err(error) if known != 0 => {
                tracing::warn!(port = known, %error, "the port that HSMs know is taken; they are started anew");
                TcpListener::bind(at(0)).await
            }
            bound => bound,
        };
        let failed = |source| StartError::Listen { address: at(known), source };
        let listener = listener.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        self.db.meta_set(PORT, &address.port().to_be_bytes()).await?;
        self.fleet.listens_at(address);
        let config = self.fleet.identity.tls().map_err(|error| StartError::Identity(error.to_string()))?;
        Ok(FleetListener { listener, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Lets HSMs in until the shutdown begins.
    pub(crate) async fn serve_fleet(self: Arc<Self>, fleet: FleetListener, shutdown: Shutdown) {
        let strangers = Arc::new(Semaphore::new(MOST_STRANGERS));
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.begun() => return,
                accepted = fleet.listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "an HSM's connection cannot be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            // Who comes when too many have not said who they are is turned away, and tries again.
            let Ok(permit) = strangers.clone().try_acquire_owned() else { continue };
            let (plane, acceptor, ending) = (self.clone(), fleet.acceptor.clone(), shutdown.clone());
            shutdown.spawn(async move {
                match handshake(stream, &acceptor).await {
                    Ok(stream) => connection::converse(plane, stream, permit, ending).await,
                    Err(error) => tracing::debug!(%error, "a connection of the fleet fails in its handshake"),
                }
            });
        }
    }
}

async fn handshake(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
) -> std::io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    stream.set_nodelay(true)?;
    let late = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
    tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await.map_err(late)?
}
