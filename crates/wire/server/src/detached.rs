//! Work that goes on when nobody waits for it any more: what is done is done whole.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use strongroom_runtime::Shutdown;

/// Work that runs to its end, also when this future is dropped before: the client may be gone, or have been told that
/// it takes too long.
///
/// As long as somebody waits it runs where he does: a task of its own for every call would cost the call a tenth of its
/// time. Only what is left when nobody waits any more gets one.
pub(crate) struct Detached<W: Future<Output: Send> + Send + 'static> {
    /// There until it has ended; not while it is polled, so that what panics is not polled again.
    work: Option<Pin<Box<W>>>,
    shutdown: Shutdown,
}

impl<W: Future<Output: Send> + Send + 'static> Detached<W> {
    /// `work`, which begins when this is awaited. `shutdown` waits for what is left of it.
    pub(crate) fn new(shutdown: &Shutdown, work: W) -> Self {
        Self { work: Some(Box::pin(work)), shutdown: shutdown.clone() }
    }
}

impl<W: Future<Output: Send> + Send + 'static> Future for Detached<W> {
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<W::Output> {
        let Some(mut work) = self.work.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<W: Future<Output: Send> + Send + 'static> Drop for Detached<W> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.shutdown.spawn(async move { drop(work.await) });
        }
    }
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
