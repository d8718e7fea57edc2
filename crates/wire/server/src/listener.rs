//! Accepting connections.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use strongroom_runtime::Shutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::server::TlsStream;

use crate::connection::{Activity, Protocols};
use crate::{Certificate, Server, tls};

/// How long to wait after the machine had no file handle or memory for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long it is waited for a connection that was asked to end before the next one is asked.
const ROOM_PAUSE: Duration = Duration::from_millis(5);

/// Serves until the shutdown begins. Connections that are open then are waited for by the shutdown.
pub(crate) async fn serve(
    server: Arc<Server>,
    listener: TcpListener,
    certificate: Option<Certificate>,
    shutdown: Shutdown,
) {
    let protocols = Protocols::new(server.limits(), &shutdown);
    let begun = shutdown.begun();
    tokio::pin!(begun);
    loop {
        let (place, stream, peer) = tokio::select! {
            biased;
            () = begun.as_mut() => return,
            next = next(&server, &listener) => next,
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "answers on this connection may be late");
        }
        let (server, protocols, heard) = (server.clone(), protocols.clone(), shutdown.clone());
        let certificate = certificate.clone();
        let activity = server.crowd().join();
        shutdown.spawn(async move {
            match certificate {
                None => protocols.converse(server, stream, peer.ip(), None, &activity, heard).await,
                Some(certificate) => {
                    let time = server.limits().handshake_time;
                    if let Some(stream) = shake_hands(&certificate, stream, time, &activity, &heard).await {
                        let facts = tls::facts(stream.get_ref().1);
                        protocols.converse(server, stream, peer.ip(), Some(facts), &activity, heard).await;
                    }
                }
            }
            drop(place);
        });
    }
}

/// A connection as far as TLS, if it comes so far in time.
async fn shake_hands(
    certificate: &Certificate,
    stream: TcpStream,
    time: Duration,
    activity: &Activity,
    shutdown: &Shutdown,
) -> Option<TlsStream<TcpStream>> {
    let accepted = tokio::select! {
        accepted = tokio::time::timeout(time, certificate.accept(stream)) => accepted.ok()?,
        () = activity.asked_to_leave() => return None,
        () = shutdown.begun() => return None,
    };
    // What clients do not understand of TLS is no news.
    accepted.inspect_err(|error| tracing::debug!(%error, "a client did not come to terms about TLS")).ok()
}

/// A place for a connection. Where all are taken, connections on which no request is at work are asked to end until there
/// is one; nobody waits for one of them alone, which may take its time.
async fn place(server: &Server) -> Option<OwnedSemaphorePermit> {
    if let Ok(place) = server.connections().try_acquire_owned() {
        return Some(place);
    }
    let waiting = server.connections().acquire_owned();
    tokio::pin!(waiting);
    loop {
        server.crowd().make_room();
        if let Ok(place) = tokio::time::timeout(ROOM_PAUSE, waiting.as_mut()).await {
            // The semaphore is never closed.
            return place.ok();
        }
    }
}

/// The next connection, which may wait in the kernel's queue for a place until there is one.
async fn next(
    server: &Server,
    listener: &TcpListener,
) -> (Option<OwnedSemaphorePermit>, TcpStream, SocketAddr) {
    let mut told = false;
    loop {
        match listener.accept().await {
            // Only now: nobody is asked to end for one that may never come.
            Ok((stream, peer)) => return (place(server).await, stream, peer),
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                if !told {
                    tracing::warn!(%error, "connections are not accepted");
                    told = true;
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether the connection failed and not the machine.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}
