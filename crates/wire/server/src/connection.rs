//! One connection, from its first byte to its last: HTTP/1.1 and HTTP/2.

mod activity;
mod crowd;
mod lent;
mod sending;

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use hyper::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use strongroom_identity::Tls;
use strongroom_protocols::rest::Answer;
use strongroom_runtime::Shutdown;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::task::coop::unconstrained;

pub(crate) use self::activity::{Activity, Turn};
pub(crate) use self::crowd::Crowd;
use self::lent::Lent;
use self::sending::Sending;
use crate::body::Arriving;
use crate::{Limits, Server};

/// The least that the HTTP library takes for a bound of a head, bytes.
const LEAST_HEAD: usize = 8 * 1024;

/// How many bytes an HTTP/2 client may send ahead of what is read: of one request, and on one connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// HTTP/2 streams that a client may open and take back before they are looked at.
const TAKEN_BACK: usize = 50;

/// Time for the last bytes of answers on a connection that has been used and is to make room.
const LEAVE_TIME: Duration = Duration::from_millis(100);

/// How HTTP is spoken here.
#[derive(Clone)]
pub(crate) struct Protocols {
    builder: Arc<auto::Builder<Tracked>>,
    head_time: Duration,
    linger_time: Duration,
}

/// Runs the tasks of HTTP/2 connections where the shutdown waits for them.
#[derive(Clone)]
struct Tracked(Shutdown);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tracked {
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

impl Protocols {
    pub(crate) fn new(limits: &Limits, shutdown: &Shutdown) -> Self {
        let mut builder = auto::Builder::new(Tracked(shutdown.clone()));
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_buf_size(limits.head_bytes.max(LEAST_HEAD))
            .max_headers(limits.headers);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(limits.head_time)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(limits.head_bytes.max(LEAST_HEAD)).unwrap_or(u32::MAX))
            .max_concurrent_streams(limits.streams)
            .max_pending_accept_reset_streams(TAKEN_BACK);
        let (head_time, linger_time) = (limits.head_time, limits.linger_time);
        Self { builder: Arc::new(builder), head_time, linger_time }
    }

    /// Speaks on one connection until the client ends it, has nothing to say, its place is needed, or the shutdown begins.
    pub(crate) async fn converse(
        &self,
        server: Arc<Server>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        source: IpAddr,
        tls: Option<Tls>,
        activity: &Arc<Activity>,
        shutdown: Shutdown,
    ) {
        let unread = Arc::new(AtomicBool::new(false));
        let (lent, returned) = Lent::new(stream);
        let broken = {
            let service = service_fn(|request: Request<Incoming>| {
                let turn = activity.begin();
                let (server, unread, tls) = (server.clone(), unread.clone(), tls.clone());
                async move {
                    let Some(mut turn) = turn else {
                        return Ok::<_, Infallible>(Sending::of(too_late(), None));
                    };
                    let (mut parts, body) = request.into_parts();
                    let mut body = Arriving::new(body);
                    if let Some(tls) = tls {
                        parts.extensions.insert(tls);
                    }
                    let response = server.answer(parts, &mut body, source, &mut turn).await;
                    unread.store(body.is_unread(), Ordering::Relaxed);
                    Ok(Sending::of(response, turn.answered()))
                }
            });
            let connection = self.builder.serve_connection(TokioIo::new(lent), service);
            tokio::pin!(connection);
            let ended = first_end(connection.as_mut(), activity, &shutdown, self.head_time).await;
            match ended {
                Ended::ByClient(Ok(())) => false,
                // What clients break off is no news.
                Ended::ByClient(Err(error)) => {
                    tracing::debug!(%error, "a connection broke off");
                    true
                }
                // What is under way is of nobody who is known, and what comes now is not taken up: nobody waits long.
                Ended::ForOthers => {
                    if !activity.is_unused() && !activity.is_open() {
                        connection.as_mut().graceful_shutdown();
                        drop(tokio::time::timeout(LEAVE_TIME, connection.as_mut()).await);
                    }
                    return;
                }
                Ended::ByServer => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        _ = connection.as_mut() => {}
                        () = activity.pause(self.linger_time) => {}
                        () = activity.asked_to_leave() => return,
                    }
                    false
                }
            }
        };
        if (broken || unread.load(Ordering::Relaxed))
            && let Ok(stream) = returned.await
        {
            // The client learns that this is all, or has gone; either way there is nobody to tell.
            tokio::select! {
                _ = tokio::time::timeout(self.linger_time, discard(stream)) => {}
                () = activity.asked_to_leave() => {}
            }
        }
    }
}

/// Why a connection is not spoken on any more.
enum Ended<R> {
    /// The client has ended or broken it.
    ByClient(R),
    /// Nothing was said for too long, or the server stops.
    ByServer,
    /// Its place is needed.
    ForOthers,
}

/// Waits for the first that ends a connection.
async fn first_end<R>(
    connection: Pin<&mut impl Future<Output = R>>,
    activity: &Activity,
    shutdown: &Shutdown,
    head_time: Duration,
) -> Ended<R> {
    tokio::select! {
        biased;
        // A client who sends without end leaves nothing of what the runtime lets a task do at a time; these come before.
        () = activity.asked_to_leave() => Ended::ForOthers,
        () = shutdown.begun() => Ended::ByServer,
        ended = connection => Ended::ByClient(ended),
        // What has arrived by the time that it was waited for long enough is taken up.
        () = unconstrained(activity.pause(head_time)) => Ended::ByServer,
    }
}

/// The answer to what comes when the connection is about to be closed. Nothing was done for it, so that the client may
/// try again.
fn too_late() -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(Bytes::new()));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

/// Takes what the client still sends. Closing at once would throw away the answer to what it sent before: the
/// kernel resets a connection that is closed with bytes unread.
async fn discard(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
    let mut bytes = vec![0; 8 * 1024];
    stream.shutdown().await?;
    while stream.read(&mut bytes).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use strongroom_runtime::ShutdownOwner;
    use tokio::sync::oneshot;
    use tokio::task::coop::consume_budget;

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    /// A connection on which there is always more, so that it uses up what a task may do at a time.
    async fn endless() {
        loop {
            consume_budget().await;
        }
    }

    /// Runs such a connection until something ends it.
    fn run(
        shutdown: &Shutdown,
        activity: &Arc<Activity>,
        head_time: Duration,
    ) -> oneshot::Receiver<Ended<()>> {
        let (sender, receiver) = oneshot::channel();
        let (stopping, activity) = (shutdown.clone(), activity.clone());
        shutdown.spawn(async move {
            let ended = first_end(pin!(endless()), &activity, &stopping, head_time).await;
            assert!(sender.send(ended).is_ok(), "somebody waits for it");
        });
        receiver
    }

    #[tokio::test]
    async fn a_client_who_sends_without_end_is_ended() {
        let (owner, activity) = (ShutdownOwner::new(), Arc::new(Activity::new()));
        let shutdown = owner.handle();
        let idle = run(&shutdown, &activity, Duration::from_millis(10));
        let ended = tokio::time::timeout(LONG, idle).await.expect("no request came in time").unwrap();
        assert!(matches!(ended, Ended::ByServer));

        let others = run(&shutdown, &activity, LONG * 10);
        tokio::task::yield_now().await;
        assert!(activity.ask_to_leave());
        let ended = tokio::time::timeout(LONG, others).await.expect("it was asked to leave").unwrap();
        assert!(matches!(ended, Ended::ForOthers));

        let stopped = run(&shutdown, &Arc::new(Activity::new()), LONG * 10);
        tokio::task::yield_now().await;
        assert!(owner.finish(LONG).await, "the server stops");
        assert!(matches!(stopped.await.unwrap(), Ended::ByServer));
    }
}
