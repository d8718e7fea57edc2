//! The port for clients.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::net::sockopt::{set_socket_keepalive, set_tcp_keepidle, set_tcp_nodelay};
use rustls::ServerConfig;
use strongroom_hsm_core::Peer;
use strongroom_hsm_proto::tls::ClientAnchors;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::connection;
use super::{MOST_CONNECTIONS, Service};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a silent client is waited for before the network is asked whether it is still there.
const SILENT: Duration = Duration::from_mins(1);
/// How many connections wait to be accepted.
const BACKLOG: u32 = 1_024;
/// How long to wait when no connection can be accepted (the process has no more files).
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Takes the address.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves clients until the HSM stops or halts.
pub(crate) async fn serve(
    service: Arc<Service>,
    listener: TcpListener,
    tls: ServerConfig,
    anchors: ClientAnchors,
) {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let mut halted = service.halted.subscribe();
    loop {
        let accepted = tokio::select! {
            biased;
            () = service.shutdown.begun() => return,
            _ = halted.wait_for(Option::is_some) => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, source) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(EXHAUSTED).await;
                continue;
            }
        };
        if !service.rules.allow(source.ip()) {
            tracing::debug!(%source, "the security groups do not let this source in");
            service.counts.refused_connections.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        if service.counts.connections.fetch_add(1, Ordering::Relaxed) >= MOST_CONNECTIONS {
            service.counts.connections.fetch_sub(1, Ordering::Relaxed);
            service.counts.refused_connections.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let (service, acceptor, anchors) = (service.clone(), acceptor.clone(), anchors.clone());
        let shutdown = service.shutdown.clone();
        shutdown.spawn(async move {
            take_in(&service, stream, source, acceptor, &anchors).await;
            service.counts.connections.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

async fn take_in(
    service: &Arc<Service>,
    stream: TcpStream,
    source: SocketAddr,
    acceptor: TlsAcceptor,
    anchors: &ClientAnchors,
) {
    let prepared = set_tcp_nodelay(&stream, true)
        .and_then(|()| set_socket_keepalive(&stream, true))
        .and_then(|()| set_tcp_keepidle(&stream, SILENT));
    if let Err(error) = prepared {
        tracing::debug!(%source, %error, "a connection could not be set up as it should");
    }
    let stream = match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%source, %error, "a handshake failed"),
        Err(_) => return tracing::debug!(%source, "a handshake took too long"),
    };
    let shown = stream.get_ref().1.peer_certificates();
    let trust_anchor = shown.and_then(|shown| anchors.reference_of(shown, service.clock.real_seconds()));
    connection::serve(service.clone(), stream, Peer { address: source.to_string(), trust_anchor }).await;
}
