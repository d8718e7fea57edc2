//! Work that goes on when nobody waits for it any more: what is done is done whole.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use strongroom_runtime::Shutdown;
use tokio::sync::oneshot;

/// Runs `work` to its end, also when this future is dropped before: the client may be gone, or have been told
/// that it takes too long. `None` if the server has stopped, and so does nothing more.
pub(crate) async fn detached<T: Send + 'static>(
    shutdown: &Shutdown,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (end, ended) = oneshot::channel();
    shutdown.spawn(async move {
        // Then nobody needs to hear of the end.
        drop(end.send(work.await));
    });
    ended.await.ok()
}

/// Runs `future` to its end, or to a panic in it (`None`): whatever it has done by then, what is to follow it
/// still follows.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        // What panicked is not polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    })
    .await
}
