//! Accepting connections and speaking HTTP/1.1 and HTTP/2 on them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use strongroom_runtime::Shutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::Server;

/// How long to wait after the machine had no file handle or memory for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until the shutdown begins, and lets the requests then under way end.
pub(crate) async fn serve(server: Arc<Server>, listener: TcpListener, shutdown: Shutdown) {
    let places = Arc::new(Semaphore::new(server.limits().connections));
    let builder = Arc::new(connection_builder(&server));
    loop {
        // A place first, then a connection: beyond the bound, clients wait in the kernel's queue.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let stream = tokio::select! {
            () = shutdown.begun() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let (server, builder, heard) = (server.clone(), builder.clone(), shutdown.clone());
        shutdown.spawn(async move {
            converse(server, &builder, stream, heard).await;
            drop(place);
        });
    }
}

fn connection_builder(server: &Server) -> auto::Builder<TokioExecutor> {
    let limits = server.limits();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head_bytes)
        .max_headers(limits.headers)
        .pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.head_time)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(250)
        .max_pending_accept_reset_streams(50);
    builder
}

/// Speaks on one connection until it ends or the shutdown asks it to.
async fn converse(
    server: Arc<Server>,
    builder: &auto::Builder<TokioExecutor>,
    stream: TcpStream,
    shutdown: Shutdown,
) {
    let Ok(peer) = stream.peer_addr() else { return };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers on this connection may be late");
    }
    let service = service_fn(move |request| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(server.answer(request, peer.ip()).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.begun() => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    };
    // What clients break off is no news.
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
